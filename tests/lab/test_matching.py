"""Snippets are found by their tokens: a change of layout does not hide a bug, and a change of tokens does."""

import ast
import io
import shutil
import subprocess
import tokenize

import pytest

from micrograd_tiers.lab.museum import BUGS
from micrograd_tiers.lab.museum import bug as museum
from micrograd_tiers.lab.museum.matching import replaced

MODULE = '''"""A module."""

import functools


def f(x):  # of x
    y = x + 1

    @functools.cache
    def dx(dy):
        return dy * y
    return y, (dx,)


class A:
    size = 1

    def g(self):
        return 1

    @property
    def size2(self):
        return 2

    @size2.setter
    def size2(self, value):
        self.size = value


if A:

    class B(A):
        def g(self):
            if self.size:
                return 3
            return 1
'''


@pytest.mark.parametrize(
    ("source", "right", "wrong", "result"),
    [
        ("x  =   a+b\n", "x = a + b", "x = a", "x = a\n"),
        ("x = a + b  # sum\n", "a + b", "a - b", "x = a - b  # sum\n"),
        ("x = 1  # one\n\n# two\ny = 2\n", "x = 1\ny = 2", "x = y = 3", "x = y = 3\n"),
        ("f(\n    a,  # first\n    b,\n)\n", "f(a, b)", "g()", "g()\n"),
        ("f(\n    a,\n    b,\n)\n", "b", "c", "f(\n    a,\n    c,\n)\n"),
        ("if a:\n  b = 1\n  c = 2\n", "if a:\n    b = 1", "if b:\n    b = 1", "if b:\n    b = 1\n  c = 2\n"),
        ("x = [\n    a,\n]\n", "[a]", "[]", "x = []\n"),
        ("x = {'a': b}\n", '{"a": b}', "{}", "x = {}\n"),
        # Parentheses that a formatter adds
        ("x = (\n    a\n    + b\n)\n", "x = a + b", "x = a", "x = a\n"),
        ("x = (\n    a\n    + b\n)\n", "a + b", "a", "x = (\n    a\n)\n"),
        ("x = (\n    -a\n)\ny = 2\n", "x = -a\ny = 2", "pass", "pass\n"),
        ("x = (\n    -a\n)\ny = 2\n", "-a\ny = 2", "x = 3", "x = x = 3\n"),
        ("assert a, (\n    'text'\n)\n", 'assert a, "text"', "pass", "pass\n"),
        ("x = [\n    a\n    for a in (\n        b\n    )\n]\n", "for a in b", "", "x = [\n    a\n]\n"),
        ("x, y = (\n    a,\n    b,\n)\n", "x, y = a, b", "pass", "pass\n"),
        ("z = 1\n(\n    x,\n    y,\n) = a, b\n", "x, y = a, b", "pass", "z = 1\npass\n"),
        ("from a import (\n    b,\n)\n", "from a import b", "import a", "import a\n"),
        # Parentheses with a meaning
        ("x = a * (\n    b + c\n)\n", "a * (b + c)", "a", "x = a\n"),
        ("x = (\n    b\n    for b in c\n)\n", "(b for b in c)", "a", "x = a\n"),
        ("x = f(\n    (a, b),\n)\n", "f((a, b))", "a", "x = a\n"),
        # Strings
        ("x = f('it\\'s', \"b\")\n", "f(\"it's\", 'b')", "a", "x = a\n"),
        ("x = f(f'{a[\"b\"]} {c!r:>{d}}')\n", "f(f\"{a['b']} {c!r:>{d}}\")", "a", "x = a\n"),
        ("x = f(f'{a}{f\"{b}\"}' + c)\n", "+ c", "", "x = f(f'{a}{f\"{b}\"}' )\n"),
        ("x = (\n    'a'  # one\n    f'{b}'\n)\n", "x = 'a' f'{b}'", "x = 1", "x = 1\n"),
        # Tuples with one element
        ("x = f(\n    (a,),\n)\n", "f((a,))", "a", "x = a\n"),
        ("return (\n    y,\n    (dx,),\n)\n", "return y, (dx,)", "pass", "pass\n"),
        ("x = a[\n    b,\n]\n", "a[b,]", "a", "x = a\n"),
        # Brackets that a snippet leaves open
        ("f(a, b)\n", "f(a", "g(a", "g(a, b)\n"),
        ("f(a, b)\n", "b)", "c)", "f(a, c)\n"),
    ],
)
def test_layout_is_ignored_and_the_rest_of_the_text_stays(source, right, wrong, result):
    assert replaced(source, "", right, wrong) == result


@pytest.mark.parametrize(
    ("source", "right"),
    [
        ("x = a + b\n", "a - b"),
        ("x = a + b\n", "a + bb"),
        ("x = 'a'\n", "x = 'b'"),
        ("x = f'{a}'\n", "x = f'{b}'"),
        ("x = f'{a}'\n", "x = '{a}'"),
        ("x = f[(a,)]\n", "f[(a)]"),
        ("x = f((a,))\n", "f((a))"),
        ("x = a[b]\n", "a[b,]"),
        ("x = a * (b + c)\n", "a * b + c"),
        ("x = (a for a in b)\n", "x = a for a in b"),
        ("x = 1\n", ""),
        ("x = a\n", "x = a + b"),
        ("", "x"),
    ],
)
def test_different_tokens_are_not_found(source, right):
    with pytest.raises(ValueError, match="holds .* 0 times, expected once" if right else "expected once"):
        replaced(source, "", right, "pass")


def test_a_snippet_that_occurs_twice_is_not_replaced():
    with pytest.raises(ValueError, match=r"^holds 'a' 2 times, expected once$"):
        replaced("a = a\n", "", "a", "b")
    with pytest.raises(ValueError, match=r"^holds 'a a' 2 times, expected once$"):
        replaced("a\na\na\n", "", "a a", "b")


def test_parentheses_are_not_cut_in_half():
    with pytest.raises(ValueError, match="includes only one of two matching parentheses"):
        replaced("x = (\n    a\n    + b\n)\n", "", "x = a", "x = c")


@pytest.mark.parametrize(
    ("where", "right", "wrong", "line"),
    [
        ("f", "y = x + 1", "y = x", "    y = x"),
        ("f.dx", "y", "x", "        return dy * x"),
        ("f.dx", "@functools.cache", "@functools.lru_cache", "    @functools.lru_cache"),
        ("f", "def f(x)", "def f(x, z)", "def f(x, z):  # of x"),
        ("A.g", "1", "2", "        return 2"),
        ("A.size2", "return 2", "return 3", "        return 3"),
        ("A.size2", "self.size = value", "pass", "        pass"),
        ("B.g", "3", "4", "                return 4"),
        ("B", "class B(A)", "class B", "    class B:"),
    ],
)
def test_a_definition_is_found_by_its_name_with_its_decorators(where, right, wrong, line):
    before, after = MODULE.splitlines(), replaced(MODULE, where, right, wrong).splitlines()
    assert len(before) == len(after)
    assert [b for a, b in zip(before, after, strict=True) if a != b] == [line]


@pytest.mark.parametrize("where", ["h", "dx", "f.y", "A.f", "f.dx.g", "A.", "."])
def test_a_missing_name_is_an_error(where):
    with pytest.raises(ValueError, match=r"^no function or class with that name$"):
        replaced(MODULE, where, "y", "x")


def test_only_the_definition_is_searched():
    with pytest.raises(ValueError, match="holds 'return 1' 0 times"):
        replaced(MODULE, "f", "return 1", "")
    with pytest.raises(ValueError, match="holds 'return 1' 2 times"):
        replaced(MODULE, "", "return 1", "")


def test_further_lines_are_indented_like_the_first():
    wrong = "if x:\n    y = x\n\ny = x + 2"
    result = replaced(MODULE, "f", "y = x + 1", wrong)
    assert "\n    if x:\n        y = x\n\n    y = x + 2\n\n    @functools" in result
    result = replaced(MODULE, "f.dx", "@functools.cache\ndef dx(dy):", "z = 1\n\ndef dx(dy):\n    a = 1")
    assert "\n    z = 1\n\n    def dx(dy):\n        a = 1\n        return dy * y\n" in result


def test_an_empty_replacement_removes_the_lines():
    assert replaced("a = 1\nb = 2  # two\nc = 3\n", "", "b = 2", "") == "a = 1\nc = 3\n"
    assert replaced("a = 1; b = 2\n", "", "b = 2", "") == "a = 1; \n"


# The museum.


def stripped(text):
    """Return the text without its comments."""
    lines = text.splitlines()
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip()
    return "\n".join(lines) + "\n"


@pytest.mark.skipif(not shutil.which("ruff"), reason="ruff is not installed")
def test_every_bug_survives_reformatting_of_its_files(tmp_path, monkeypatch):
    wrong = {(bug, file): ast.dump(ast.parse(bug.source(file))) for bug in BUGS.values() for file in bug.files()}
    files = {file for _, file in wrong}
    for file in files:
        copy = tmp_path / file
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_text(stripped((museum.FOLDER / file).read_text()))
    quotes = "format.quote-style='single'"
    subprocess.run(
        ["ruff", "format", "-q", "--isolated", "--line-length=60", f"--config={quotes}", tmp_path], check=True
    )
    assert all((tmp_path / file).read_text() != (museum.FOLDER / file).read_text() for file in files)
    monkeypatch.setattr(museum, "FOLDER", tmp_path)
    for (bug, file), tree in wrong.items():
        assert ast.dump(ast.parse(bug.source(file))) == tree, f"{bug.name}, {file}"
