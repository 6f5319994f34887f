"""Search and replace of source by tokens, independent of formatting, comments and alignment.

Two texts match if their tokens do, apart from layout: comments, line breaks, indentation, the kind of quotes, a comma
before a closing bracket, and parentheses that a formatter adds to break a line.
"""

import ast
import io
import keyword
import tokenize
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import accumulate

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
END_OF_STATEMENT = "\n"

# Parentheses have no meaning if the tokens around them are among these, so that no operator is next to them.
BEFORE = {"\n", "(", "[", "{", ",", ":", "->", "return", "in", "if", "elif", "while", "else", "assert", "with"}
AFTER = {"\n", ")", "]", "}", ",", ":", "as"}
COMPARISONS = {"==", "!=", "<=", ">="}
# Parentheses around a tuple have a meaning, except between these tokens.
AROUND_TUPLES = {("=", "\n"), ("return", "\n"), ("import", "\n"), ("\n", "="), ("for", "in")}


@dataclass(eq=False)
class Token:
    """A token of a source text.

    Attributes
    ----------
    key : str
        Text by which tokens are compared.
    start, end : int
        Offsets in the text.
    counts : bool
        False for tokens that are only layout.
    partner : Token or None
        For a parenthesis that does not count, the other one of its pair.
    """

    key: str
    start: int
    end: int
    counts: bool = True
    partner: "Token | None" = None


def replaced(source: str, where: str, right: str, wrong: str) -> str:
    """Return the source with `right` replaced by `wrong`.

    Parameters
    ----------
    source : str
        Text of a module.
    where : str
        Dotted name of the function, class or method to search, decorators included: "Network.backprop" or
        "sigmoid.dx". "" searches the whole module.
    right : str
        Snippet to find.
    wrong : str
        Text to insert. Lines after the first get the indentation of the line on which the snippet begins. If it is
        empty, lines that would then be blank, or hold only a comment, are removed.

    Returns
    -------
    str
        The new source. All text outside the snippet is unchanged.

    Raises
    ------
    ValueError
        If there is no such definition, if the snippet does not occur exactly once in it, or if the snippet cuts
        through a pair of parentheses that do not count.
    """
    lines = [*io.StringIO(source)]
    starts = [*accumulate(map(len, lines), initial=0)]
    wanted = [token.key for token in _tokens(right) if token.counts]
    found = []
    for first, last in _lines_of(source, where):
        tokens = _tokens("".join(lines[first:last]), starts[first])
        counted = [token for token in tokens if token.counts]
        for k in range(len(counted) - len(wanted) + 1):
            match = counted[k : k + len(wanted)]
            if [token.key for token in match] == wanted:
                found.append((match, tokens))
    if len(found) != 1 or not wanted:
        raise ValueError(f"holds {right!r} {len(found)} times, expected once")
    start, end = _extent(*found[0], right)
    line = source.rfind("\n", 0, start) + 1
    indentation = source[line : len(source) - len(source[line:].lstrip(" "))]
    if not wrong:
        start, end = _whole_lines(source, start, end)
    first_line, *others = wrong.split("\n")
    text = "\n".join([first_line, *(indentation + other if other else "" for other in others)])
    return source[:start] + text + source[end:]


def _lines_of(source: str, where: str) -> list[tuple[int, int]]:
    """Return the range of lines of each definition with this name; a property may have several."""
    if not where:
        return [(0, source.count("\n") + 1)]
    inside, named = [*_definitions_in(ast.parse(source))], []
    for name in where.split("."):
        named = [definition for definition in inside if definition.name == name]
        inside = [inner for definition in named for inner in _definitions_in(definition)]
    if not named:
        raise ValueError("no function or class with that name")
    return [(min(part.lineno for part in (it, *it.decorator_list)) - 1, it.end_lineno or 0) for it in named]


def _definitions_in(node: ast.AST) -> Iterator[Definition]:
    """Yield the definitions that are not nested in another one, including those in an `if` or a `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child
        else:
            yield from _definitions_in(child)


def _tokens(text: str, offset: int = 0) -> list[Token]:
    """Return the tokens of a text that begins at this offset. Adjacent strings are one token."""
    starts = [*accumulate(map(len, io.StringIO(text)), initial=offset)]
    tokens: list[Token] = []
    depth = 0  # nesting of f-strings, which are several tokens from Python 3.12 on
    with suppress(tokenize.TokenError):  # raised if a snippet ends with an open bracket
        for kind, word, (row, column), (end_row, end_column), _ in tokenize.generate_tokens(io.StringIO(text).readline):
            name = tokenize.tok_name[kind]
            # An empty NEWLINE is the end of a snippet, whose statement may continue in the source.
            if kind in LAYOUT or (kind == tokenize.NEWLINE and not word):
                continue
            start, end = starts[row - 1] + column, starts[end_row - 1] + end_column
            inside = depth > 0
            depth += name.endswith("STRING_START") - name.endswith("STRING_END")
            is_string = kind == tokenize.STRING or name.endswith("STRING_START")
            if inside or (is_string and tokens and not tokens[-1].key):
                tokens[-1].end = end
            else:
                key = "" if is_string else END_OF_STATEMENT if kind == tokenize.NEWLINE else word
                tokens.append(Token(key, start, end, counts=kind != tokenize.NEWLINE))
    for token in tokens:  # strings are compared by value
        token.key = token.key or ast.dump(ast.parse(f"({text[token.start - offset : token.end - offset]})"))
    _silence(tokens)
    return tokens


def _silence(tokens: list[Token]) -> None:
    """Mark the commas and parentheses that do not count."""
    keys = [token.key for token in tokens]
    opened: list[tuple[int, list[str]]] = []  # open brackets: the index of each, and the keys directly inside
    for k, key in enumerate(keys):
        if key in ("(", "[", "{"):
            opened.append((k, []))
        elif key in (")", "]", "}") and opened:
            first, inside = opened.pop()
            before = keys[first - 1] if first else ""
            after = keys[k + 1] if k + 1 < len(keys) else ""
            of_operand = before in (")", "]", "}") or (before.isidentifier() and not keyword.iskeyword(before))
            grouping, commas = key == ")" and not of_operand, inside.count(",")
            is_tuple = (grouping and before != "import") or (key == "]" and of_operand)
            if keys[k - 1] == "," and not (is_tuple and commas == 1):  # (dx,) is not (dx)
                tokens[k - 1].counts = False
            if not grouping or k - first == 1 or {"for", "yield", ":="} & {*inside}:
                continue
            assigned = before.endswith("=") and before not in COMPARISONS
            free = (before in BEFORE or assigned) and after in AFTER
            if (before, after) in AROUND_TUPLES if commas else free:
                for one, other in ((tokens[first], tokens[k]), (tokens[k], tokens[first])):
                    one.counts, one.partner = False, other
        elif opened:
            opened[-1][1].append(key)


def _extent(match: list[Token], tokens: list[Token], right: str) -> tuple[int, int]:
    """Return the start and end of the match, including the partners of its parentheses."""
    start, end = match[0].start, match[-1].end
    while partners := [
        token.partner
        for token in tokens
        if token.partner and start <= token.start < end and not start <= token.partner.start < end
    ]:
        start = min(start, *(partner.start for partner in partners))
        end = max(end, *(partner.end for partner in partners))
    if sum(token.counts and start <= token.start < end for token in tokens) != len(match):
        raise ValueError(
            f"holds {right!r}, which includes only one of two matching parentheses: include both, and everything "
            "between them"
        )
    return start, end


def _whole_lines(source: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds, extended to whole lines if these hold nothing else but a comment."""
    line, line_end = source.rfind("\n", 0, start) + 1, source.find("\n", end) + 1
    rest = source[end:line_end].strip()
    alone = line_end and not source[line:start].strip() and (not rest or rest.startswith("#"))
    return (line, line_end) if alone else (start, end)
