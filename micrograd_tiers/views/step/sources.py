"""Source text of an op, of a vjp, of the loop and of an optimizer, and the lines at work."""

import ast
import inspect
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from ...backprop import backprop, forward
from ...tiers import TIERS, functions_of, get_tier
from .recording import Part


@dataclass(frozen=True)
class SourceText:
    """The source text of a function.

    Attributes
    ----------
    file : str
        Name of the file, with its folder.
    first : int
        Number of the first line in the file; 0 if there is no text.
    lines : tuple of str
    """

    file: str
    first: int
    lines: tuple[str, ...]


def source_of(function: Any) -> SourceText:
    """Return the source text of a function; without lines if there is none, as for a function of C."""
    function = inspect.unwrap(function)
    try:
        lines, first = inspect.getsourcelines(function)
    except (OSError, TypeError):
        return SourceText(getattr(function, "__module__", None) or type(function).__name__, 0, ())
    text = textwrap.dedent("".join(lines)).rstrip("\n")
    name = (inspect.getsourcefile(function) or "").replace("\\", "/")
    _, package, inside = name.rpartition("micrograd_tiers/")
    return SourceText(inside if package else name.rpartition("/")[2], first, tuple(text.split("\n")))


def lines_at_work(part: Part, source: SourceText) -> list[int]:
    """Return the indices of the lines of an op that compute this part of it; none if the text does not tell."""
    try:
        (function,) = ast.parse("\n".join(source.lines)).body
    except (SyntaxError, ValueError):
        return []
    if not isinstance(function, ast.FunctionDef):
        return []
    value, vjps = _returned(function)
    if part.part != "value":
        return _lines(_of_vjp(part, source, function, vjps))
    other = ast.FunctionDef | ast.Return
    computing: list[Any] = [node for node in function.body if not isinstance(node, other) and not _is_text(node)]
    return _lines(computing if value is None or isinstance(value, ast.Name) else [*computing, value])


def _returned(function: ast.FunctionDef) -> tuple[ast.expr | None, list[ast.expr]]:
    """Return the expressions of an op's value and of its vjps, from its last return statement."""
    match [node.value for node in function.body if isinstance(node, ast.Return)][-1:]:
        case [ast.Tuple(elts=[value, ast.Tuple(elts=vjps)])]:
            return value, vjps
        case [value]:
            return value, []
    return None, []


def _of_vjp(part: Part, source: SourceText, function: ast.FunctionDef, vjps: list[ast.expr]) -> list[Any]:
    """Return the function or the expression of the vjp that computes a part."""
    functions = [node for node in ast.walk(function) if isinstance(node, ast.FunctionDef | ast.Lambda)]
    code, of_op = (getattr(f, "__code__", None) for f in (part.vjp, inspect.unwrap(part.function)))
    if code is not None and of_op is not None and code.co_filename == of_op.co_filename:
        line = code.co_firstlineno - source.first + 1
        found = [node for node in functions if node.lineno == line and node is not function]
        if found:
            return found[:1]
    if part.k >= len(vjps):
        return []
    vjp = vjps[part.k]
    return [node for node in functions if isinstance(vjp, ast.Name) and vjp.id == getattr(node, "name", "")] or [vjp]


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def _lines(nodes: Iterable[Any]) -> list[int]:
    return sorted({line - 1 for node in nodes for line in range(node.lineno, node.end_lineno + 1)})


@cache
def originals_of(op: str) -> tuple[SourceText, ...]:
    """Return the source texts of an op at the built-in tiers, those included that do not run."""
    functions = (getattr(functions_of(get_tier(tier)), op, None) for tier in TIERS)
    return tuple(source_of(function) for function in functions if function is not None)


def changed_lines(source: SourceText, originals: Iterable[SourceText]) -> list[int]:
    """Return the indices of the lines that are new in a copy of one of the originals; none if it is not a copy."""
    original = {*map(_text, _original(source, originals))}
    return [i for i, line in enumerate(source.lines) if original and _text(line) and _text(line) not in original]


def missing_lines(source: SourceText, originals: Iterable[SourceText]) -> list[str]:
    """Return the lines of the original that its copy does not have, without the docstring."""
    own = {*map(_text, source.lines)}
    lines = _original(source, originals)
    return [line.strip() for line in lines if _text(line) and _text(line) not in own and '"""' not in line]


def _original(source: SourceText, originals: Iterable[SourceText]) -> tuple[str, ...]:
    """Return the lines of the original that shares most lines with a copy, at least half of them; () if none does."""
    texts = [*map(_text, source.lines)]

    def shared(lines: tuple[str, ...]) -> int:
        return sum(text in {*map(_text, lines)} for text in texts)

    best = max((original.lines for original in originals), key=shared, default=())
    return best if 2 * shared(best) >= len(texts) else ()


def _text(line: str) -> str:
    """Return a line without its comment and indentation."""
    return line.partition("  #")[0].strip()


def of_end(part: Part) -> list[tuple[SourceText, list[int]]]:
    """Return the source text of the loop in which a Fork or a Join copies or adds, with the lines that do it."""
    source = source_of(forward if part.part == "value" else backprop)
    (test,) = [i for i, line in enumerate(source.lines) if f'.branch == "{part.op}"' in line]
    return [(source, [test, test + 1])]


def of_update(part: Part) -> list[tuple[SourceText, list[int]]]:
    """Return the source texts of an update and of the optimizer's methods that it calls, with the lines that ran."""
    kind = type(part.function)
    update = inspect.unwrap(kind.update)
    called = [getattr(kind, name, None) for name in update.__code__.co_names if name.startswith("_")]
    found = []
    for method in filter(inspect.isfunction, (update, *called)):
        source = source_of(method)
        ran = {line - source.first for file, line in part.lines if file == method.__code__.co_filename}
        lines = [i for i in range(len(source.lines)) if i in ran]
        found += [(source, lines)] if lines else []
    return found
