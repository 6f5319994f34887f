"""A net that learns, as a page in Chromium and as a GIF."""

import re

import numpy as np
import pytest
from browsing import sideways, stop_clock, violations
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers.views.animation import gif
from micrograd_tiers.views.animation.timeline import logarithmic, real_time

TIERS = ("scalar", "vector", "tensor")


@pytest.fixture(scope="module")
def alone():
    return mt.animate(mt.mlp([2, 8, 2], "tanh"), mt.load_dataset("moons"), frames=30)


@pytest.fixture(scope="module")
def tiers():
    data = mt.load_dataset("spiral", n_train=60)
    return mt.animate(mt.mlp([2, 8, 3], "tanh"), data, epochs=40, frames=20, tiers=TIERS)


@pytest.fixture(scope="module")
def curve():
    x = np.linspace(-2, 2, 30)[:, None]
    return mt.animate(mt.mlp([1, 6, 1], "tanh", loss="mean_squared_error"), (x, np.sin(x)), epochs=40, frames=12)


@pytest.fixture
def path(request, tmp_path):
    """Path of the saved page of the animation that a test names."""
    request.getfixturevalue(request.param).save(tmp_path / "page.html")
    return tmp_path / "page.html"


def on(*names):
    return pytest.mark.parametrize("path", names, indirect=True)


def diverging():
    return mt.animate(mt.mlp([2, 8, 2], "relu"), mt.load_dataset("moons", n_train=60), optimizer=mt.SGD(1e200))


@pytest.mark.parametrize(("name", "frames"), [("alone", 30), ("tiers", 12), ("curve", 12)])
def test_a_gif_has_every_frame_and_repeats(name, frames, request, tmp_path, monkeypatch):
    monkeypatch.setattr(gif, "TICKS", 12)  # a fifth of the usual number takes a fifth of the time
    request.getfixturevalue(name).save(tmp_path / "learning.gif")
    assert (tmp_path / "learning.gif").stat().st_size < 3_000_000
    with Image.open(tmp_path / "learning.gif") as picture:
        assert picture.n_frames == frames
        assert picture.info["loop"] == 0
        first = np.asarray(picture.convert("RGB"), float)
        picture.seek(frames - 1)
        assert picture.info["duration"] == 2_000
        assert np.abs(np.asarray(picture.convert("RGB"), float) - first).mean() > 0.5


def test_a_run_that_diverged_is_a_gif(tmp_path):
    animation = diverging()
    animation.save(tmp_path / "learning.gif")
    with Image.open(tmp_path / "learning.gif") as picture:
        assert picture.n_frames == len(animation.recordings[0].frames)


@pytest.mark.parametrize("name", ["learning.svg", "learning", "learning.gif.png"])
def test_other_kinds_of_files_are_refused(curve, name, tmp_path):
    with pytest.raises(ValueError, match=r"expected a name that ends in \.html or \.gif"):
        curve.save(tmp_path / name)
    assert [*tmp_path.iterdir()] == []


def numbers(page, panel=0):
    return page.locator(".panel").nth(panel).locator("dd").all_text_contents()


@pytest.mark.slow
@on("alone")
def test_every_frame_is_shown_with_its_numbers(path, alone, opened):
    page, recording = opened(path), alone.recordings[0]
    marks, pictures = [], set()
    for frame in recording.frames:
        assert numbers(page) == [
            f"{frame.step:,} of {recording.steps:,}",
            f"{frame.epoch} of {recording.epochs}",
            f"{frame.loss:.4g}",
            f"{frame.accuracy:.1%}",
        ]
        assert f"loss {frame.loss:.4g}, accuracy" in page.locator(".sentence").text_content()
        assert frame.picture.words in page.get_by_role("img").first.get_attribute("aria-label")
        marks.append(page.locator(".mark").bounding_box())
        pictures.add(page.locator("image").get_attribute("href"))
        page.keyboard.press("ArrowRight")
    assert len(pictures) == 30
    assert [mark["x"] for mark in marks] == sorted(mark["x"] for mark in marks)
    assert marks[0]["y"] < marks[-1]["y"]  # the loss has fallen
    plane, regions = page.locator(".plane rect").bounding_box(), page.locator("image").bounding_box()
    assert all(abs(plane[key] - regions[key]) < 2 for key in plane)


@pytest.mark.slow
@on("alone", "tiers", "curve")
def test_mouse_and_keyboard_reach_every_state(path, opened):
    page = opened(path)
    before = numbers(page)
    for go, back in [("one step forward", "one step back"), ("last step", "first step")]:
        page.get_by_role("button", name=go, exact=True).click()
        page.get_by_role("button", name=back, exact=True).click()
        assert numbers(page) == before
    page.locator("h1").click()
    page.keyboard.press("End")
    last = numbers(page)
    assert last != before
    page.keyboard.press("Home")
    assert numbers(page) == before
    page.get_by_label("speed").select_option("4")
    page.locator("h1").click()
    stop_clock(page)
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="pause").is_visible()
    assert page.locator(".sentence").get_attribute("aria-live") == "off"
    page.clock.run_for(60_000)
    assert page.get_by_role("button", name="play", exact=True).is_visible()
    assert numbers(page) == last
    assert page.locator(".sentence").get_attribute("aria-live") == "polite"


@pytest.mark.slow
@on("tiers")
def test_each_tier_shows_what_it_had_reached_on_either_clock(path, tiers, opened):
    page = opened(path)
    page.locator("h1").click()
    page.keyboard.press("End")
    for panel, recording in enumerate(tiers.recordings):
        assert numbers(page, panel)[0] == "40 of 40"
        assert numbers(page, panel)[-1] == f"done after {recording.frames[-1].seconds:.3g} s"
    ticks = int(page.get_by_label("step", exact=True).get_attribute("max")) + 1
    for clock in (real_time(tiers.recordings, ticks), logarithmic(tiers.recordings, ticks)):
        page.get_by_label("clock").select_option(clock.name)
        for tick in (30, 75, 120):
            page.get_by_label("step", exact=True).fill(str(tick))
            steps = [run.frames[k].step for run, k in zip(tiers.recordings, clock.frames[tick], strict=True)]
            assert [numbers(page, panel)[0] for panel in range(3)] == [f"{step} of 40" for step in steps]
            said = [f"{tier} {numbers(page, panel)[-1]}" for panel, tier in enumerate(TIERS)]
            said = [text.replace("training", f"at step {step}") for text, step in zip(said, steps, strict=True)]
            assert re.fullmatch(f"After .* s: {', '.join(said)}[.]", page.locator(".sentence").text_content())


@pytest.mark.slow
@on("alone", "tiers", "curve")
def test_nothing_moves_by_itself(path, opened):
    page = opened(path, reduced_motion="reduce")
    stop_clock(page)
    page.reload()
    before = page.locator(".place").text_content()
    page.clock.run_for(60_000)
    assert page.locator(".place").text_content() == before
    assert page.evaluate("document.getAnimations().length") == 0


@pytest.mark.slow
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
@on("alone", "tiers", "curve")
def test_the_page_is_accessible(path, opened, scheme, width):
    page = opened(path, width=width, color_scheme=scheme)
    page.get_by_label("step", exact=True).fill("8")
    assert violations(page) == []
    assert sideways(page) <= 0


OVERLAPS = """() => [...document.querySelectorAll("svg[role=img]")].flatMap((svg) => {
  const outer = svg.getBoundingClientRect();
  const boxes = [...svg.querySelectorAll("text")].map((t) => [t.textContent, t.getBoundingClientRect()]);
  const outside = boxes.filter(([, b]) => b.left < outer.left - 1 || b.right > outer.right + 1 ||
    b.top < outer.top - 1 || b.bottom > outer.bottom + 1).map(([name]) => `${name} leaves`);
  const over = boxes.flatMap(([n, a], i) => boxes.slice(i + 1).filter(([, b]) => a.left < b.right &&
    b.left < a.right && a.top < b.bottom && b.top < a.bottom).map(([m]) => `${n} over ${m}`));
  return [...outside, ...over];
})"""


@pytest.mark.slow
@pytest.mark.parametrize("width", [1280, 360])
@on("alone", "tiers", "curve")
def test_no_text_overlaps_another_or_leaves_its_drawing(path, opened, width):
    assert opened(path, width=width).evaluate(OVERLAPS) == []


@pytest.mark.slow
def test_a_run_that_diverged_can_be_played(opened, tmp_path):
    diverging().save(tmp_path / "page.html")
    page = opened(tmp_path / "page.html")
    page.locator("h1").click()
    page.keyboard.press("End")
    assert numbers(page)[2] in ("nan", "inf")
    assert page.locator(".mark").is_hidden()
    page.keyboard.press("Home")
    assert page.locator(".mark").is_visible()
    assert violations(page) == []
