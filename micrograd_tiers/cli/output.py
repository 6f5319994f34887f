"""Output of the commands: files of results, and words."""

import json
import math
import sys
from pathlib import Path
from typing import Any

from ..files import replacing


def write_json(path: str | None, content: dict[str, Any]) -> None:
    """Write the results to a file, if one was asked for; NaN and infinity become null."""
    if path is not None:
        with replacing(path) as file:
            file.write(json.dumps(_without_nan(content), indent=1).encode() + b"\n")


def write_results(folder: Path, texts: dict[str, str], content: dict[str, Any]) -> None:
    """Write texts by the names of their files, and the content into results.json, each whole or not at all."""
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    write_json(str(folder / "results.json"), content)


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def say(message: str) -> None:
    """Tell the user what is being done."""
    print(f"  {message} ...", file=sys.stderr)


def plural(n: int, noun: str) -> str:
    """Return n and its noun: 1 step, 2,000 steps."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
