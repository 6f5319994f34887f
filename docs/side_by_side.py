"""Generator of the page that shows every op at the three tiers, from the source of the tiers."""

import ast
from pathlib import Path

from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from micrograd_tiers import tiers
from micrograd_tiers.tiers import TIERS, registry

FOLDER = Path(tiers.__file__).parent
FILES = {"essence": "{}.py", "batch": "batch.py"}
FILES |= {family: f"{family}/{{}}.py" for family in ("more", "images", "documents")}
TITLES = {
    "essence": "The essence",
    "more": "Further losses, and dropout",
    "images": "Images",
    "documents": "Documents",
    "batch": "Whole mini-batches",
}
HEAD = """Side by side
============

Every op at the three tiers, as it is in the source of the package. In the second and third columns, a line is dimmed if
the column to its left has the same line. So the bright lines of the second column are the changes that NumPy vectors
bring, and those of the third column the changes that the mini-batch brings. In the first column, the lines that all
three tiers share are dimmed. The page :doc:`numerics` explains why the formulas have this form.

"""


def page():
    """Return the page as reStructuredText."""
    text = HEAD
    for family, title in TITLES.items():
        text += f"{title}\n{'-' * len(title)}\n\n"
        for row in registry.OPS:
            if row.family == family:
                sources = sources_of(row)
                text += f"{row.name}\n{'~' * len(row.name)}\n\n{row.formula}.\n\n.. raw:: html\n\n"
                text += "".join(f"   {line}\n" for line in columns(sources).splitlines()) + "\n"
    return text


def sources_of(row):
    """Return the source of an op, keyed by tier; ops of whole mini-batches exist only at the tensor tier."""
    names = TIERS if row.family != "batch" else ("tensor",)
    return {name: function_in(FOLDER / FILES[row.family].format(name), row.name) for name in names}


def function_in(file, name):
    """Return the source of one function of a file."""
    text = file.read_text(encoding="utf-8")
    (function,) = [node for node in ast.parse(text).body if getattr(node, "name", "") == name]
    return "\n".join(text.splitlines()[function.lineno - 1 : function.end_lineno])


def columns(sources):
    """Return the sources side by side, as HTML, with the lines dimmed that are not new in their column."""
    lines = [source.splitlines() for source in sources.values()]
    everywhere = set(lines[0]).intersection(*lines[1:]) if len(lines) > 1 else set()
    html = '<div class="side-by-side">\n'
    for k, (tier, own) in enumerate(zip(sources, lines, strict=True)):
        known = set(lines[k - 1]) if k else everywhere
        colored = highlight("\n".join(own), PythonLexer(), HtmlFormatter(nowrap=True)).splitlines()
        shown = [
            f'<span class="dimmed">{line}</span>' if source in known and source.strip() else line
            for source, line in zip(own, colored, strict=True)
        ]
        code = "&#10;".join(shown)  # one line, because reStructuredText would interpret the indentation
        html += f'<figure><figcaption>{tier}</figcaption><div class="highlight"><pre>{code}</pre></div></figure>\n'
    return html + "</div>\n"
