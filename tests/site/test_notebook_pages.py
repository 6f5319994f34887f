"""Objects that show themselves in a notebook can be read in the dark, in the light, on a phone, and aloud."""

import pytest
from browsing import sideways, violations
from shown import core_objects, lab_objects

from micrograd_tiers import plots

STYLE = """
:root { color-scheme: light dark; --paper: white; --ink: black; }
@media (prefers-color-scheme: dark) { :root { --paper: #111; --ink: #eee; } }
body { background: var(--paper); color: var(--ink); font: 14px sans-serif; }
"""

# Texts of drawings that leave their box, and pairs of texts of one drawing that overlap.
COLLISIONS = """() => [...document.querySelectorAll("svg")].flatMap((svg) => {
  const outer = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
  const outside = boxes.filter(([, b]) =>
    b.left < outer.left - 1 || b.right > outer.right + 1 || b.top < outer.top - 1 || b.bottom > outer.bottom + 1);
  const pairs = boxes.flatMap(([s, a], i) => boxes.slice(i + 1).filter(([, b]) =>
    a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 2 && b.top < a.bottom - 2).map(([t]) => [s, t]));
  return [...outside.map(([s]) => s), ...pairs];
})"""


@pytest.fixture(scope="module")
def notebook(tmp_path_factory):
    """Path of a page that shows all objects, as a notebook does."""
    objects = core_objects() | lab_objects() | {"picture": plots.confusion_matrix([[1]], ["a"], "title")}
    shown = {name: value._repr_html_() for name, value in objects.items() if hasattr(value, "_repr_html_")}
    body = "".join(f"<h2>{name}</h2>{text}" for name, text in shown.items())
    head = "<meta charset='utf-8'><title>Notebook</title><meta name='viewport' content='width=device-width'>"
    path = tmp_path_factory.mktemp("notebook") / "page.html"
    path.write_text(
        f"<!DOCTYPE html><html lang='en'><head>{head}<style>{STYLE}</style></head>"
        f"<body><main><h1>Notebook</h1>{body}</main></body></html>",
        encoding="utf-8",
    )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_everything_can_be_read(notebook, opened, scheme, width):
    page = opened(notebook, width=width, color_scheme=scheme)
    page.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert violations(page) == []
    assert sideways(page) <= 0
    assert page.evaluate(COLLISIONS) == []
    ink = page.evaluate("getComputedStyle(document.body).color")
    colors = page.evaluate("[...document.querySelectorAll('text')].map((t) => getComputedStyle(t).fill)")
    assert {*colors} == {ink}
    colors = page.evaluate("[...document.querySelectorAll('td, th, caption')].map((t) => getComputedStyle(t).color)")
    assert {*colors} == {ink}
