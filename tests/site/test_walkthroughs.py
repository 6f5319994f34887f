"""Each walkthrough runs in an empty folder and its assertions hold; its exercises have solutions that run."""

import ast
import os
import re
import runpy
from pathlib import Path

import matplotlib as mpl
import pytest
from matplotlib import pyplot as plt

ROOT = Path(__file__).parents[2]
PAGES = sorted((ROOT / "walkthroughs").glob("[0-9][0-9]_*.py"))
by_name = pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Return a function that runs a script in an empty folder, without windows, and asserts that it stays empty."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", os.environ.copy())
    backend = mpl.get_backend()
    mpl.use("agg")

    def run(path):
        monkeypatch.setattr("sys.argv", [str(path)])
        names = runpy.run_path(str(path), run_name="__main__")
        assert not [*tmp_path.iterdir()]
        return names

    yield run
    plt.close("all")
    mpl.use(backend)


@by_name
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_it_runs_and_draws(run, page, capsys):
    run(page)
    assert capsys.readouterr().out
    assert plt.get_fignums() or re.search(r"^mt\.(plots|draw|replay|animate)", page.read_text(), re.M)


@by_name
@pytest.mark.filterwarnings("ignore:FigureCanvasAgg is non-interactive")
def test_its_exercises_have_solutions_that_run(run, page):
    text = page.read_text()
    exercises = text[text.index("# Exercises") :]
    numbers = re.findall(r"^# (\d)\. ", exercises, re.M)
    assert [*map(int, numbers)] == [*range(1, len(numbers) + 1)]
    assert 3 <= len(numbers) <= 5
    solutions = ROOT / "walkthroughs" / "solutions" / f"{page.name[:2]}.py"
    assert re.findall(r"^# (\d)\.", solutions.read_text(), re.M) == numbers
    run(solutions)


@by_name
def test_it_reads_as_markdown_and_as_restructured_text(page):
    text = page.read_text()
    number, title, line = re.match(r'r?"""\n(\d+)\. (.+)\n(=+)\n', text).groups()
    assert int(number) == int(page.name[:2])
    assert len(line) == len(f"{number}. {title}")
    for cell in re.findall(r"^# %% \[markdown\]\n((?:#.*\n)+)", text, re.M):
        text_of_cell = re.sub(r"^# ?", "", cell, flags=re.M)
        words = re.sub(r"^\$\$\n.*?^\$\$\n", "", text_of_cell, flags=re.M | re.S)
        assert words.count("$") % 2 == 0
        assert not re.findall(r"^(?:#+ |\| |\.\. |:\w+:`|    ).*", words, re.M)
    assert re.search(r"^# \*\*Question", text, re.M)
    assert "assert " in text


@pytest.mark.parametrize("page", PAGES[15:], ids=lambda path: path.stem)
def test_its_code_is_at_most_88_columns_wide(page):
    for path in (page, ROOT / "walkthroughs" / "solutions" / f"{page.name[:2]}.py"):
        text = path.read_text()
        code = text.splitlines()[ast.parse(text).body[0].end_lineno :]  # after the docstring
        assert [line for line in code if len(line) > 88 and not line.startswith("#")] == []


def test_the_pages_are_numbered_without_a_gap():
    assert [int(page.name[:2]) for page in PAGES] == [*range(1, len(PAGES) + 1)]


@pytest.mark.parametrize("page", PAGES[:-1], ids=lambda path: path.stem)
def test_it_ends_with_a_pointer_to_the_next_page(page):
    assert f"page {int(page.name[:2]) + 1}" in page.read_text().rstrip().split("\n#\n")[-1]
