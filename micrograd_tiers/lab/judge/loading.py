"""Loading of a tier from its file, and the description of what can go wrong there."""

import linecache
import traceback
from pathlib import Path
from typing import Any

from ...tiers import CORE, get_tier
from .clock import CLOCK, OutOfTime
from .guard import described

IMPORT = 5  # times the limit of a call; to import a framework takes seconds


class Problem(Exception):  # noqa: N818  # it never reaches a user
    """Raised if a tier cannot be loaded, with an explanation of one line and, if possible, the line of code below."""


def load(tier: str) -> Any:
    """Return the tier; raise Problem if it cannot be loaded."""
    try:
        with CLOCK.running(IMPORT):
            return get_tier(tier)
    except BaseException as error:
        raise Problem(_explained(tier, error.__cause__ or error)) from None


def _explained(tier: str, error: BaseException) -> str:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return _syntax_error(tier, error)
    if isinstance(error, OutOfTime):
        return f"it ran out of time: its import {error}"
    if isinstance(error, ValueError) and "is not a tier" in str(error):
        return f"it defines no op; {', '.join(CORE)} are those of dense nets"
    if isinstance(error, ValueError) and error.__traceback__ is not None and _line(tier, error) is None:
        return str(error) if str(error).startswith(("unknown tier", "tier ")) else described(error)
    text = (
        "SystemExit: it ends the program" if isinstance(error, SystemExit) else described(error).partition(" (line")[0]
    )
    line = _line(tier, error)
    return text if line is None else f"{text} (line {line})\n    {linecache.getline(tier, line).strip()}"


def _syntax_error(tier: str, error: SyntaxError) -> str:
    file = "" if error.filename is None or Path(error.filename).name == Path(tier).name else f" of {error.filename}"
    lines = [f"{type(error).__name__}: {error.msg} (line {error.lineno}{file})"]
    if error.text:
        code = error.text.rstrip("\n")
        indentation = len(code) - len(code.lstrip())
        lines.append(f"    {code.strip()}")
        if error.offset:
            lines.append(" " * (4 + max(0, error.offset - 1 - indentation)) + "^")
    return "\n".join(lines)


def _line(tier: str, error: BaseException) -> int | None:
    """Return the number of the last line of the file in the traceback."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if Path(frame.f_code.co_filename).resolve() == Path(tier).resolve()
    ]
    return lines[-1] if lines else None
