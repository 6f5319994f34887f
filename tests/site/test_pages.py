"""Pages that the package writes: self-contained, light or dark as the reader wants, with controls that work."""

import json
import re
from pathlib import Path

import pytest
from browsing import sideways, stop_clock, violations

from micrograd_tiers import html
from micrograd_tiers.views import page as pages
from micrograd_tiers.views.page import Page

NUMBERS = [1e-07, 123456.0, 0.1, -2.5, 1234.0, 0.0, -0.0, 99999.0, -3.14159e-10, 5e300, 0.00012345]
NUMBERS += [1234.5, 1235.5, -1234.5, 0.00078125, 0.0078125, 99995.0, 0.5, 1e16, 1e-4, 123449.99999]

COUNTING = """
player($("#player"), 5, (i) => {
  $("#state").textContent = i;
  return `state ${i}`;
});
$("#numbers").textContent = JSON.stringify(data.map((x) => numberText(x)));
"""


@pytest.fixture
def counting(tmp_path, monkeypatch):
    """Path of a page whose player counts to 5."""
    for source in pages.WEB.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "counting.js").write_text(COUNTING)
    monkeypatch.setattr(pages, "WEB", tmp_path)
    body = '<p id="state"></p><p id="numbers"></p><div id="player"></div>'
    Page("Counting", body, ["player.js", "counting.js"], NUMBERS).save(tmp_path / "page.html")
    return tmp_path / "page.html"


def test_the_style_sheets_and_scripts_are_short():
    files = [path for path in Path(pages.WEB).iterdir() if path.suffix in (".js", ".css")]
    assert sum(len(path.read_text().splitlines()) for path in files) <= 1200


@pytest.mark.parametrize("text", ["</script><script>alert(1)</script>", "<!--<script>", "<![CDATA[", "\u2028"])
def test_data_cannot_end_the_script(text):
    page = Page("a < b", "", data=text).html()
    (script,) = re.findall(r"const data = (.*);\n", page)
    assert "<" not in script
    assert json.loads(script) == text


def test_texts_are_escaped():
    text = Page("a < b", "").html()
    assert "<title>a &lt; b</title>" in text


@pytest.mark.parametrize("name", ["page.svg", "page", "page.html.gz"])
def test_a_page_is_saved_as_html_only(name, tmp_path):
    with pytest.raises(ValueError, match=r"path is '.*', expected a name that ends in \.html"):
        Page("title", "").save(tmp_path / name)
    assert [*tmp_path.iterdir()] == []


@pytest.mark.slow
def test_every_control_of_the_player_works(counting, opened):
    page = opened(counting)
    state = page.locator("#state")
    for name, expected in [("one step forward", "1"), ("last step", "4"), ("one step back", "3"), ("first step", "0")]:
        page.get_by_role("button", name=name, exact=True).click()
        assert state.text_content() == expected
    page.locator("body").click()
    for key, expected in [("ArrowRight", "1"), ("End", "4"), ("ArrowLeft", "3"), ("Home", "0"), ("ArrowLeft", "0")]:
        page.keyboard.press(key)
        assert state.text_content() == expected
        assert page.locator(".sentence").text_content() == f"state {expected}"
    page.get_by_label("speed").select_option("4")
    page.locator("body").click()
    stop_clock(page)
    page.keyboard.press(" ")
    for milliseconds, expected, name in [(249, "0", "pause"), (1, "1", "pause"), (749, "3", "pause"), (1, "4", "play")]:
        page.clock.run_for(milliseconds)
        assert state.text_content() == expected
        assert page.get_by_role("button", name=name).is_visible()
    page.get_by_label("step", exact=True).fill("2")
    assert state.text_content() == "2"


@pytest.mark.slow
def test_numbers_are_written_as_in_python(counting, opened):
    written = json.loads(opened(counting).locator("#numbers").text_content())
    assert written == [html.number(x) for x in NUMBERS]


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_is_accessible(counting, opened, scheme, width):
    page = opened(counting, width=width, color_scheme=scheme)
    assert violations(page) == []
    assert sideways(page) <= 0


@pytest.mark.slow
@pytest.mark.parametrize(("theme", "paper"), [("dark", "rgb(19, 20, 22)"), ("light", "rgb(255, 255, 255)")])
@pytest.mark.parametrize("attribute", ["data-theme", "data-jp-theme-light", "data-vscode-theme-kind"])
def test_in_a_frame_a_page_follows_the_theme_around_it(opened, tmp_path, theme, paper, attribute):
    values = {"data-jp-theme-light": str(theme == "light").lower(), "data-vscode-theme-kind": f"vscode-{theme}"}
    around = tmp_path / "around.html"
    frame = Page("title", "<p>text</p>")._repr_html_()
    around.write_text(f"<body {attribute}={values.get(attribute, theme)}>{frame}</body>")
    page = opened(around, color_scheme="light" if theme == "dark" else "dark")
    body = page.frame_locator("iframe").locator("body")
    assert body.evaluate("body => getComputedStyle(body).backgroundColor") == paper


@pytest.mark.slow
@pytest.mark.parametrize("lines", [3, 200])
def test_a_frame_is_as_high_as_its_page_up_to_a_limit(opened, tmp_path, lines):
    around = tmp_path / "around.html"
    around.write_text(f"<body>{Page('title', '<p>text</p>' * lines)._repr_html_()}</body>")
    page = opened(around)
    inside = page.frame_locator("iframe").locator("html")
    height = min(1100, inside.evaluate("html => html.offsetHeight"))
    assert (height == 1100) == (lines == 200)
    frame = page.locator("iframe")
    pytest.importorskip("playwright.sync_api").expect(frame).to_have_js_property("clientHeight", height)
