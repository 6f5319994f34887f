"""Snippets of source, found by their tokens, so that no formatter, comment or alignment hides them.

Two texts are alike here if their tokens are, less what only lays them out: comments, line breaks and indentation,
the quotes of strings, a comma before a closing bracket, and parentheses that a formatter adds to break a line.
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

# Parentheses mean nothing, on one line or several, if what stands around them is one of these and no operator.
BEFORE = {"\n", "(", "[", "{", ",", ":", "->", "return", "in", "if", "elif", "while", "else", "assert", "with"}
AFTER = {"\n", ")", "]", "}", ",", ":", "as"}
COMPARISONS = {"==", "!=", "<=", ">="}
# Those of a tuple mean nothing only here.
AROUND_TUPLES = {("=", "\n"), ("return", "\n"), ("import", "\n"), ("\n", "="), ("for", "in")}


@dataclass(eq=False)
class Token:
    """One token: what it is compared by, where it stands, whether it counts.

    `partner` is the other one of two parentheses that do not count.
    """

    key: str
    start: int
    end: int
    counts: bool = True
    partner: "Token | None" = None


def replaced(source: str, where: str, right: str, wrong: str) -> str:
    """Return the source with `wrong` in the place of `right`, and all other text as it was.

    Parameters
    ----------
    source : str
        The text of a module.
    where : str
        The function, class or method to look in, by its dotted name: "Network.backprop", "sigmoid.dx". Its
        decorators belong to it. "" is the whole module.
    right : str
        The snippet to look for.
    wrong : str
        The text to put there. Its lines after the first get the indentation of the line on which the snippet begins.
        If it is empty, lines that have nothing but a comment left go too.

    Raises
    ------
    ValueError
        If there is no such definition, if it does not hold the snippet just once, or if the snippet takes in one of
        two parentheses that do not count, and not all that is between them.
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
    """Return, for each definition of that name (a property's may be several), the slice of its lines."""
    if not where:
        return [(0, source.count("\n") + 1)]
    inside, named = [*_definitions_in(ast.parse(source))], []
    for name in where.split("."):
        named = [definition for definition in inside if definition.name == name]
        inside = [inner for definition in named for inner in _definitions_in(definition)]
    if not named:
        raise ValueError("no function or class of that name")
    return [(min(part.lineno for part in (it, *it.decorator_list)) - 1, it.end_lineno or 0) for it in named]


def _definitions_in(node: ast.AST) -> Iterator[Definition]:
    """Yield the definitions that are not inside another one, also those under an `if` or a `try`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, Definition):
            yield child
        else:
            yield from _definitions_in(child)


def _tokens(text: str, offset: int = 0) -> list[Token]:
    """Return the tokens of a text that stands at that offset. Strings side by side are one token."""
    starts = [*accumulate(map(len, io.StringIO(text)), initial=offset)]
    tokens: list[Token] = []
    depth = 0  # in f-strings, which are many tokens from Python 3.12 on
    with suppress(tokenize.TokenError):  # the end of a snippet, when it has left a bracket open
        for kind, word, (row, column), (end_row, end_column), _ in tokenize.generate_tokens(io.StringIO(text).readline):
            name = tokenize.tok_name[kind]
            if kind in LAYOUT or (kind == tokenize.NEWLINE and not word):  # the last: of a snippet, which may go on
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
    for token in tokens:  # strings are compared by what they say
        token.key = token.key or ast.dump(ast.parse(f"({text[token.start - offset : token.end - offset]})"))
    _silence(tokens)
    return tokens


def _silence(tokens: list[Token]) -> None:
    """Mark the commas and the parentheses that do not count."""
    keys = [token.key for token in tokens]
    opened: list[tuple[int, list[str]]] = []  # brackets that are open: each one's place, and the words directly inside
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
    """Return where the match begins and ends, with the partners of the parentheses in it."""
    start, end = match[0].start, match[-1].end
    while partners := [
        token.partner
        for token in tokens
        if token.partner and start <= token.start < end and not start <= token.partner.start < end
    ]:
        start = min(start, *(partner.start for partner in partners))
        end = max(end, *(partner.end for partner in partners))
    if sum(token.counts and start <= token.start < end for token in tokens) != len(match):
        raise ValueError(f"holds {right!r}, which ends amid parentheses that do not count: take in all between them")
    return start, end


def _whole_lines(source: str, start: int, end: int) -> tuple[int, int]:
    """Return the bounds widened to those of the lines, if nothing else stands on these but a comment."""
    line, line_end = source.rfind("\n", 0, start) + 1, source.find("\n", end) + 1
    rest = source[end:line_end].strip()
    alone = line_end and not source[line:start].strip() and (not rest or rest.startswith("#"))
    return (line, line_end) if alone else (start, end)
