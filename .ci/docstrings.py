"""Count the docstrings that open with a question word or a preposition; fail if there are any."""

import ast
import re
import subprocess
import sys
from pathlib import Path

OPENINGS = ["what", "how", "who", "whom", "whose", "which", "whether", "where", "when", "why", "by", "as", "in", "from"]
SCOPES = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)

n, wrong = 0, []
tracked = subprocess.run(["git", "ls-files", "-z", "*.py"], capture_output=True, text=True, check=True).stdout
for path in tracked.split("\0")[:-1]:
    for node in ast.walk(ast.parse(Path(path).read_text(encoding="utf-8"))):
        docstring = ast.get_docstring(node) if isinstance(node, SCOPES) else None
        if docstring:
            n += 1
            opening = re.search(r"\w+", docstring)
            if opening and opening[0].lower() in OPENINGS:
                wrong.append(f"{path}:{getattr(node, 'lineno', 1)}: {docstring.splitlines()[0]}")
print("\n".join([*wrong, f"{n:,} docstrings, {len(wrong)} of them open with {', '.join(OPENINGS)}"]))
sys.exit(bool(wrong))
