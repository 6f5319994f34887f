"""Drawings and replays of graphs in a browser: measured texts, folds that open, every control, accessibility."""

import random
import re

import pytest
from browsing import sideways, stop_clock, violations

import micrograd_tiers as mt
from micrograd_tiers import MLP, Value
from micrograd_tiers.html import number
from micrograd_tiers.views.graph.boxes import nodes_of

pytestmark = pytest.mark.slow

LABELS = [
    "",
    "loss",
    "損失関数の値",
    "👩‍👩‍👧",
    "e\u0301\u0301\u0301",
    "\u0301",
    "WWWWWW",
    "x" * 300,
    "a\nb\x00\t",
    "لمثال",
    "❤️🇩🇪",
]

# Frames and texts as the browser draws them, and how far texts reach out of their frame or into each other.
MEASURE = """() => {
  const rectangle = (e) => { const r = e.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const boxes = [...document.querySelectorAll("[data-box]")];
  const found = [];
  for (const box of boxes) {
    const frame = rectangle(box.querySelector("rect"));
    for (const text of box.querySelectorAll("text")) {
      const [left, top, right, bottom] = rectangle(text);
      const out = Math.max(frame[0] - left, frame[1] - top, right - frame[2], bottom - frame[3]);
      if (out > 0) found.push(["leaves its box", text.textContent, out]);
    }
  }
  const shown = [...document.querySelectorAll("svg text")].filter((e) => e.textContent && e.checkVisibility());
  const texts = shown.map((e) => [e, ...rectangle(e)]);
  texts.forEach(([first, a, b, c, d], i) => {
    for (const [second, e, f, g, h] of texts.slice(i + 1)) {
      const wide = Math.min(c, g) - Math.max(a, e), high = Math.min(d, h) - Math.max(b, f);
      if (wide > 0.5 && high > 1) found.push(["overlaps", first.textContent, second.textContent, wide, high]);
    }
  });
  return found;
}"""


def nasty_graph(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.choice([1e300, -1.2345e-300, float("nan"), 2.0]), label=label) for label in LABELS]
    for _ in range(40):
        operands = rng.choices(nodes, k=rng.randint(1, 4))
        nodes.append(Value(rng.uniform(-1, 1), operands, rng.choice(["tanh", "演算子の名前", "op" * 30])))
        nodes[-1].label = rng.choice(LABELS)
        nodes[-1].grad = rng.uniform(-1e-5, 1e-5)
    for _ in range(40):
        nodes.append(rng.choice(nodes[-20:]) * rng.choice(nodes[-20:]))
    return sum(nodes[-15:])


def diamond():
    a, b = Value(2.0, label="a"), Value(-3.0, label="b")
    n = a * b
    e = n * 0.5
    L = n * 3.0 + e * e
    return L, {"a": a, "b": b, "n": n, "e": e, "L": L}


@pytest.fixture
def page(opened, tmp_path):
    """Return a function that saves something and opens the file."""

    def open_saved(thing, suffix=".html", **options):
        path = tmp_path / f"page{suffix}"
        thing.save(path)
        return opened(path, **options)

    return open_saved


@pytest.mark.parametrize("suffix", [".svg", ".html"])
def test_no_text_overlaps_another_or_leaves_its_box(page, suffix):
    for seed in range(3):
        assert page(mt.draw(nasty_graph(seed)), suffix).evaluate(MEASURE) == []


def folded():
    model = MLP(3, [4, 4, 1], rng=random.Random(1))
    x = [Value(2.0), Value(3.0), Value(-1.0)]
    out = model(x)
    out.backward()
    return mt.draw(out, names={"x": x, "out": out}, fold=model)


def details_of(page, name):
    return page.locator("details", has=page.locator("summary", has_text=name))


def test_a_folded_box_opens_by_mouse_and_by_keyboard(page):
    page = page(folded())
    first = details_of(page, "layer 1, neuron 2")
    assert first.get_attribute("open") is None
    page.get_by_role("link", name=re.compile("^layer 1, neuron 2,")).click()
    assert first.locator("svg").is_visible()
    last = details_of(page, "layer 3, neuron 1")
    page.get_by_role("link", name=re.compile("^layer 3, neuron 1,")).focus()
    page.keyboard.press("Enter")
    assert last.locator("svg").is_visible()
    other = details_of(page, "layer 2, neuron 1")
    other.locator("summary").focus()
    page.keyboard.press("Enter")
    assert other.locator("svg").is_visible()
    assert page.evaluate(MEASURE) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_drawings_and_replays_are_accessible(page, scheme, width):
    L, names = diamond()
    for thing in (folded(), mt.draw(L, names=names), mt.replay(L, names=names)):
        shown = page(thing, width=width, color_scheme=scheme)
        for switch in shown.get_by_role("switch").all():
            shown.get_by_label("step", exact=True).fill("12")
            switch.check()
            assert violations(shown) == []
            shown.keyboard.press("End")
        assert violations(shown) == []
        assert sideways(shown) <= 0


def texts(page, kind):
    return page.locator(f"[data-text={kind}]").all_text_contents()


def test_a_replay_ends_with_the_numbers_of_backward(page):
    L, names = diamond()
    page = page(mt.replay(L, names=names))
    nodes = nodes_of(L)
    assert texts(page, "data") == ["?"] * len(nodes)
    page.keyboard.press("End")
    L.backward()
    assert texts(page, "data") == [number(node.data) for node in nodes]
    assert texts(page, "grad") == [number(node.grad) for node in nodes]
    assert texts(page, "local") == [number(d) for node in nodes for d in (node._dx, node._dy) if node._prev]


def test_a_replay_plays_by_buttons_keys_and_slider(page):
    L, names = diamond()
    page = page(mt.replay(L, names=names))
    n = len(nodes_of(L))
    sentence = page.locator(".sentence")
    page.get_by_role("button", name="one step forward").click()
    assert sentence.text_content().startswith("Forward pass: a = 2 ")
    page.keyboard.press("ArrowRight")
    assert "b = -3" in sentence.text_content()
    assert page.locator("[data-box].now title").text_content() == "b: data -3, grad 0"
    page.keyboard.press("Home")
    assert "No number is computed yet" in sentence.text_content()
    page.get_by_label("step", exact=True).fill(str(n + 2))  # the first product
    assert "L.grad: 0 + 1 * 1 = 1" in sentence.text_content()
    assert page.locator("[data-edge].now text").text_content() == "+= 1"
    assert page.locator("[data-box].gets").count() == 1
    page.keyboard.press("End")
    page.keyboard.press("ArrowLeft")
    page.get_by_label("speed").select_option("4")
    page.locator("body").click()
    stop_clock(page)
    page.keyboard.press(" ")
    assert page.get_by_role("button", name="pause").is_visible()
    page.clock.run_for(1000)
    assert page.get_by_role("button", name="play", exact=True).is_visible()
    assert sentence.text_content().startswith("Backward pass:  Every gradient is complete")
    for name in ("first step", "last step", "one step back", "play"):
        page.get_by_role("button", name=name, exact=True).click()


def test_the_switch_shows_the_harm_of_another_order(page):
    L, names = diamond()
    page = page(mt.replay(L, names=names))
    verdict, switch = page.locator("#verdict"), page.get_by_role("switch")
    assert not verdict.is_visible()
    switch.focus()
    page.keyboard.press(" ")
    assert switch.is_checked()
    assert verdict.is_visible()
    assert "which had already passed its gradient on to a and b" in verdict.text_content()
    page.keyboard.press("End")
    sentence = page.locator(".sentence")
    assert "2 of 9 gradients are wrong: a.grad is -9 instead of 0 and b.grad is 6 in" in sentence.text_content()
    assert [text for text in texts(page, "grad") if "✗" in text] == ["6 ✗", "-9 ✗"]
    switch.click()
    assert not verdict.is_visible()
    assert not [text for text in texts(page, "grad") if "✗" in text]
    assert page.evaluate(MEASURE) == []


def test_no_text_overlaps_at_any_step_of_a_replay(page):
    L, names = diamond()
    page = page(mt.replay(L.tanh() * 1e-7, names=names))
    page.get_by_role("switch").check()
    for _ in range(int(page.get_by_label("step", exact=True).get_attribute("max"))):
        page.keyboard.press("ArrowRight")
        assert page.evaluate(MEASURE) == []


def test_a_replay_scrolls_the_graph_to_the_node_at_work(page):
    value = Value(1.0, label="start")
    for _ in range(30):
        value = value + 1.0
    page = page(mt.replay(value), width=360)
    for key in ("ArrowRight", "End", "ArrowLeft"):
        page.keyboard.press(key)
        for box in page.locator("[data-box].now").all():
            frame = page.locator("#graph").bounding_box()
            assert frame["x"] <= box.bounding_box()["x"] <= frame["x"] + frame["width"]


def test_a_drawing_looks_the_same_in_a_page_of_its_own_and_in_another(opened, tmp_path):
    path = tmp_path / "notebook.html"
    once = folded()._repr_html_()
    path.write_text(f"<!DOCTYPE html><meta charset='utf-8'><body style='font:20px serif'>{once}{once}")
    assert opened(path).evaluate(MEASURE) == []
