"""The code and the commands on the pages run; the reference is complete; the site builds without errors."""

import html
import inspect
import re
import runpy
import shlex
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers import cli
from micrograd_tiers.lab.judge.report import paragraph
from micrograd_tiers.lab.judge.support import completed
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import get_tier, registry

DOCS = Path(__file__).parents[2] / "docs"
PAGES = [*sorted((DOCS / "howto").glob("*.md")), DOCS / "benchmarks.md", DOCS / "numerics.md"]
OPTIONAL = {"jax", "torch"}  # a block that imports one of them is left out where it is not installed


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.stem)
def test_the_code_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if "joblib" in page.read_text():
        pytest.importorskip("joblib")
    blocks = re.findall(r"^```python\n(.*?)^```", page.read_text(), re.M | re.S)
    script = tmp_path / "page.py"
    script.write_text("\n".join(block for block in blocks if all(map(find_spec, OPTIONAL & {*block.split()}))))
    runpy.run_path(str(script), run_name="page")


def commands_of(page):
    """Return the command lines in blocks and in text, without the shell's redirections."""
    return re.findall(r"^[$>]? *(micrograd-tiers .*?)(?: >.*)?$|`(micrograd-tiers .*?)`", page.read_text(), re.M)


COMMANDS = [
    pytest.param("".join(found), id=f"{page.stem}: {''.join(found)}") for page in PAGES for found in commands_of(page)
]


@pytest.mark.parametrize("line", COMMANDS)
def test_a_command_on_a_page_is_understood(line):
    command = shlex.split(line)[1:]
    assert cli.build_parser().parse_args(command).command == command[0]


def test_no_command_on_a_page_is_overlooked():
    mentioned = [
        re.findall("(?<!time of )micrograd-tiers ", page.read_text()) for page in PAGES
    ]  # leaves out quoted output
    assert len(COMMANDS) == sum(map(len, mentioned)) > 0


def test_the_finding_on_the_page_is_what_the_judge_reports():
    bug = get_bug("linear_dx_ignores_later_outputs")
    (finding,) = judged(bug.op, completed(bug.tier("tensor"), "tensor"), "tensor")["findings"]
    assert f"```text\n{paragraph(bug.op, finding)}\n```" in (DOCS / "howto/own-tier.md").read_text()


def test_the_reference_has_every_public_name():
    listed = re.findall(r"^   ([\w.]+)$", (DOCS / "reference.rst").read_text(), re.M)
    drawing = {f"plots.{name}" for name in mt.plots.__all__ if not name.isupper()}
    assert {*mt.__all__} | drawing <= {*listed}
    assert len(listed) == len({*listed})


@pytest.fixture
def side_by_side(monkeypatch):
    pytest.importorskip("pygments")
    monkeypatch.syspath_prepend(DOCS)
    return pytest.importorskip("side_by_side")


def test_the_page_of_ops_shows_every_op_as_in_its_files(side_by_side):
    page = side_by_side.page()
    for row in registry.OPS:
        assert f"\n{row.name}\n~~~" in page
        for tier, source in side_by_side.sources_of(row).items():
            assert source == inspect.getsource(getattr(get_tier(tier), row.name)).rstrip()
    columns = re.findall(r"<figcaption>(\w+)</figcaption><div class=\"highlight\"><pre>(.*)</pre>", page)
    sources = [source for row in registry.OPS for source in side_by_side.sources_of(row).values()]
    assert [html.unescape(re.sub("<[^>]*>", "", code)) for _, code in columns] == sources


def test_repeated_lines_are_dimmed(side_by_side):
    sources = {
        "scalar": "def f(x):\n    return 1",
        "vector": "def f(x):\n    return 2",
        "tensor": "def f(x):\n    return 2",
    }
    lines = [re.sub("<(?!span class=.dimmed.)[^>]*>", "", line) for line in side_by_side.columns(sources).splitlines()]
    assert [line.count("dimmed") for line in lines[1:4]] == [1, 1, 2]


def test_every_function_that_draws_has_an_example_with_its_picture(monkeypatch, tmp_path):
    monkeypatch.syspath_prepend(DOCS)
    examples = pytest.importorskip("plot_examples")
    assert {*examples.EXAMPLES} == {name for name in mt.plots.__all__ if inspect.isfunction(getattr(mt.plots, name))}
    examples.write(tmp_path / "plots")
    for name, example in examples.EXAMPLES.items():
        assert (tmp_path / "plots" / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        part = (tmp_path / "plots" / f"{name}.txt").read_text()
        assert f"   :alt: {example.__doc__}\n" in part
        assert f"\n   mt.plots.{name}(" in part
        code = "".join(re.findall("^   (?!:)(.*\n)", part, re.M))
        exec(compile(code, name, "exec"), {"mt": mt, "np": np})


@pytest.fixture(scope="session")
def site(once):
    """The site, built from a copy, as a fresh clone would; warnings are errors."""
    pytest.importorskip("sphinx_gallery")

    def build(folder):
        built = ["api", "_build", "__pycache__"]
        for part in ("docs", "walkthroughs", "examples"):
            ignored = shutil.ignore_patterns(*built, *(["walkthroughs", "examples"] if part == "docs" else []))
            shutil.copytree(DOCS.parent / part, folder / part, ignore=ignored)
        command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", "built"]
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr

    return once("site", build) / "built"


@pytest.mark.slow
def test_every_walkthrough_can_be_downloaded_as_a_notebook(site):
    notebooks = {path.stem for path in site.rglob("*.ipynb")}
    assert notebooks >= {path.stem for path in (DOCS.parent / "walkthroughs").glob("[0-9][0-9]_*.py")}


@pytest.mark.slow
def test_the_tier_of_a_library_was_run_for_the_site(site):
    pytest.importorskip("torch")
    text = (site / "walkthroughs" / "15_your_own_tier.html").read_text()
    assert re.search(r"(torch|jax): largest difference between two gradients: \d", text)
    assert "neither JAX nor PyTorch is installed\n" not in text


def pages_of(site):
    return [path for path in sorted(site.rglob("*.html")) if not {"_modules", "_static"} & {*path.parts}]


def go_to(page, path):
    """Open a file of the site, and wait until its formulas are set."""
    page.goto(path.as_uri())  # returns once all scripts have run and all pictures are loaded
    page.evaluate("window.MathJax?.startup.promise")


# What is wrong with the formulas and the pictures of a page.
FAULTS = """() => {
    const all = (selector) => [...document.querySelectorAll(selector)];
    const missing = all(".math").length - all("mjx-container").length;
    const broken = [...document.images].filter((image) => !image.complete || !image.naturalWidth);
    return [...(missing > 0 ? [`${missing} formulas`] : []), ...all("mjx-merror").map((error) => error.textContent),
        ...broken.map((image) => image.src)];
}"""


@pytest.mark.slow
def test_pages_have_no_errors_and_load_nothing_from_the_network(site, browser):
    page, problems = browser.new_page(), []
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("request", lambda r: r.url.startswith(("file:", "data:")) or problems.append(r.url))
    for path in pages_of(site):
        go_to(page, path)
        assert page.evaluate(FAULTS) + problems == [], path
    page.close()


@pytest.mark.slow
def test_every_picture_is_described(site):
    for path in pages_of(site):
        for alt in re.findall(r"<img[^>]* alt=\"([^\"]*)\"", path.read_text()):
            decorative = alt == "" and path.name == "index.html"  # thumbnails, each with its title below it
            assert decorative or len(alt) >= 9, (path, alt)
            assert alt.lower() != path.stem.replace("_", " "), f"{path}: give its figures a title"


# All boxes of a page that hide something, as [kind, what cannot be seen without scrolling, text].
HIDDEN = """selector => [...document.querySelectorAll(selector)].filter(
    box => box.clientWidth && (box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1)
).map(box => [box.scrollWidth - box.clientWidth, box.scrollHeight - box.clientHeight, box.textContent.slice(0, 99),
    getComputedStyle(box).backgroundImage.split("linear-gradient").length - 1])"""


@pytest.mark.slow
def test_nothing_is_hidden_on_a_wide_screen(site, browser):
    """Output is shown whole; so is code, except for solutions, which stay folded."""
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    for path in sorted((site / "walkthroughs").glob("[0-9][0-9]_*.html")):
        go_to(page, path)
        boxes = '.sphx-glr-script-out pre, [class*="highlight-P"] pre, mjx-container[display="true"]'
        assert page.evaluate(HIDDEN, boxes) == [], path
    page.close()


@pytest.mark.slow
def test_on_a_phone_a_shadow_shows_what_can_be_scrolled(site, browser):
    page = browser.new_page(viewport={"width": 390, "height": 800})
    for path in pages_of(site):
        go_to(page, path)
        assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, path
        for *_, text, shadows in page.evaluate(HIDDEN, '.highlight pre, mjx-container[display="true"]'):
            assert shadows == 4, (path, text)
        if path.name == "01_derivatives.html":
            assert page.evaluate(HIDDEN, "mjx-container") == []
    page.close()
