"""The page of a training step in Chromium: its numbers, every control by mouse and keyboard, and who can read it."""

import json
import re

import numpy as np
import pytest
from browsing import sideways, violations

import micrograd_tiers as mt
from micrograd_tiers.cli import main
from micrograd_tiers.html import number
from micrograd_tiers.views import page as pages
from micrograd_tiers.views.page import Page
from micrograd_tiers.views.step import page as step_pages

pytestmark = pytest.mark.slow

X, Y = np.random.default_rng(0).standard_normal((4, 2)), [0, 1, 1, 0]
IMAGES = [
    mt.Conv2d(1, 2, 3, stride=2, padding=1), mt.ReLU(), mt.MaxPool2d(2, 1), mt.Flatten(), mt.Dropout(0.3),
    mt.Linear(18, 3),
]  # fmt: skip


def net_2_3_2():
    net = mt.two_layer_net(2, 3, 2, seed=1)
    mt.fit(net, X, Y, optimizer=mt.SGD(0.5), epochs=3, batch_size=4)  # so that no bias is 0
    return net


@pytest.fixture(scope="module")
def pages_of(tmp_path_factory):
    """Folder with the pages of a small net, of images, of documents, of 784-30-10 and of a planted bug."""
    folder = tmp_path_factory.mktemp("pages")
    mt.step_through(net_2_3_2(), X, Y, mt.SGD(0.5)).save(folder / "small.html")
    images = np.random.default_rng(1).standard_normal((2, 1, 7, 7))
    mt.step_through(mt.Network(IMAGES, seed=1), images, [0, 2], mt.AdamW()).save(folder / "images.html")
    net = mt.gpt(n_tokens=5, features=4, heads=2, length=4, norm="layer_norm", activation="squared_relu")
    tokens, following = [[0, 3, 3, 1], [4, 2, -1, -1]], [[3, 3, 1, 2], [2, -1, -1, -1]]
    mt.step_through(net, tokens, following, mt.Adam()).save(folder / "documents.html")
    digits = mt.load_dataset("glyphs", n_train=2, n_test=1)
    large = mt.step_through(mt.two_layer_net(784, 30, 10), digits.train_x, digits.train_y)
    large.save(folder / "large.html")
    for name in ("sigmoid_derivative_of_tanh", "activation_derivative_skipped"):
        assert main(["step", "--bug", name, "--out", str(folder / f"{name}.html")]) == 0
    return folder


def step_of(page):
    return page.locator("#step h2").text_content()


def written(x):
    return number(x).replace("-", "\N{MINUS SIGN}")


def table(page, title):
    """Return the numbers of a table as they are written, row by row."""
    return (
        page.locator("#step figure", has=page.locator("figcaption", has_text=title))
        .locator("td[id]")
        .all_text_contents()
    )


def test_numbers_are_those_of_loss_and_grads_to_the_digits_shown(pages_of, opened):
    net = net_2_3_2()
    loss, grads = net.loss_and_grads(X, Y)
    weights = net.state_dict()
    mt.SGD(0.5).step(net, grads, {})
    page = opened(pages_of / "small.html")
    shown = {}
    for _ in range(17):
        for label in ("L = mean loss L", "dweight = dL/d", "dbias = dL/d", "new = new "):
            for caption in page.locator("#step figcaption", has_text=label).all_text_contents():
                shown[caption.partition(" = ")[2].partition(" (")[0]] = table(page, caption)
        page.keyboard.press("ArrowRight")
    assert shown["mean loss L"] == [written(loss)]
    for name, gradient in grads.items():
        assert shown[f"dL/d({name})"] == [*map(written, gradient.ravel())]
        assert shown[f"new {name}"] == [*map(written, net.state_dict()[name].ravel())]
        assert not np.array_equal(weights[name], net.state_dict()[name])


CHECK = """
let wrong = [], count = 0;
steps.forEach((step, i) => step.formulas.forEach((formula) => {
  const left = formula[0], array = step.out[Array.isArray(left) ? left[1] : left], xs = numbers(array);
  const largest = largestOf(array);
  for (let place = 0; place < xs.length; place += Math.ceil(xs.length / 40)) {
    const at = context(step, left, array, place), by = value(formula[1], at);
    const text = h("p", {}, ...written(formula[1], at)).textContent;
    if (!(Math.abs(by - xs[place]) <= 1e-4 * Math.max(largest, 1e-3))) wrong.push([step.title, place, by, xs[place]]);
    if (/undefined|NaN|object|function|null/.test(text) || !/[0-9]/.test(text)) wrong.push([step.title, text]);
    count += 1;
  }
}));
$("#step").replaceChildren(JSON.stringify([count, wrong]));
"""


@pytest.mark.parametrize("name", ["small", "images", "documents", "large"])
def test_the_script_evaluates_each_formula_to_the_number_shown(name, pages_of, opened, tmp_path, monkeypatch):
    for source in pages.WEB.iterdir():
        (tmp_path / source.name).write_bytes(source.read_bytes())
    (tmp_path / "check.js").write_text(CHECK)
    monkeypatch.setattr(pages, "WEB", tmp_path)
    text = (pages_of / f"{name}.html").read_text(encoding="utf-8")
    data = json.loads(re.search(r"const data = (.*);", text)[1])
    body = "<div id='player'></div><nav id='steps'></nav><div id='step'></div><div id='print'></div>"
    Page("check", body, [*step_pages.FILES, "check.js"], data).save(tmp_path / "check.html")
    count, wrong = json.loads(opened(tmp_path / "check.html").locator("#step").text_content())
    assert wrong == []
    assert count > 60


def test_the_path_of_a_gradient_can_be_followed_back_by_mouse(pages_of, opened):
    page = opened(pages_of / "small.html")
    page.get_by_role("link", name="12 layer 0, linear: dL/dweight", exact=True).click()
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"
    page.locator("#step td", has_text=re.compile(r"\d")).last.click()  # dL/d(0.weight) [2, 1]
    assert page.locator("h3", has_text="dL/d(0.weight) [2, 1]").count() == 1
    formula = page.locator(".explanation .formula")
    assert len(formula.locator("a").all()) == 8  # four samples, dy times x
    assert page.locator("#step td.made").count() == 8
    formula.locator("a").first.click()
    assert step_of(page) == "Step 11, backward: layer 1, sigmoid: dL/dx"
    assert page.evaluate("document.activeElement.getAttribute('aria-label')").startswith("dx = ")  # keys go on there
    assert page.locator("#step td.cursor").get_attribute("id") == page.locator("#step td.chosen").get_attribute("id")
    page.locator(".explanation a", has_text="output of layer 0").or_(
        page.locator(".explanation dd a").first
    ).first.click()
    page.go_back()
    page.go_back()
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"
    assert page.locator("h3", has_text="dL/d(0.weight) [2, 1]").count() == 1


def test_a_weight_tells_its_gradient_and_where_it_is_used(pages_of, opened):
    page = opened(pages_of / "small.html")
    page.locator("#step figure", has=page.locator("figcaption", has_text="0.weight")).locator("td[id]").first.click()
    text = page.locator(".explanation").text_content()
    _, grads = net_2_3_2().loss_and_grads(X, Y)
    assert "0.weight [0, 0] = " in text
    assert f"dL/d(this number) = {written(grads['0.weight'][0, 0])}: if this number grows" in text
    assert "step 14, new 0.weight" in text
    page.locator(".explanation a.number").first.click()
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"


def test_all_can_be_done_with_the_keyboard(pages_of, opened):
    page = opened(pages_of / "small.html")
    page.keyboard.press("End")
    assert step_of(page) == "Step 17, update: new 2.bias"
    page.keyboard.press("Home")
    grid = page.locator("#step table").nth(1)
    assert "0.weight" in grid.get_attribute("aria-label")
    grid.focus()
    for key in ("End", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".explanation h3").text_content().startswith("0.weight [2, 1] = ")
    for key in ("Home", "ArrowDown", "ArrowRight", "ArrowUp", "ArrowDown", "ArrowDown", "Enter"):
        page.keyboard.press(key)
    assert page.locator(".explanation h3").text_content().startswith("0.weight [2, 1] = ")
    assert step_of(page) == "Step 1, forward: layer 0, linear: y"  # arrow keys within a table do not change the step
    focused = page.evaluate("document.activeElement.getAttribute('aria-label')")
    assert "0.weight" in focused  # still there, so that the arrow keys go on
    page.locator(".explanation a.number").first.focus()
    page.keyboard.press("Enter")
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"
    page.get_by_label("vector").focus()
    page.keyboard.press("ArrowRight")
    assert page.get_by_label("tensor").is_checked()
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"


def test_colors_show_numbers_when_pointed_at_or_reached_by_keys(pages_of, opened):
    digits = mt.load_dataset("glyphs", n_train=2, n_test=1).train_x
    page = opened(pages_of / "large.html")
    image = page.locator("#step canvas").first
    box = image.bounding_box()
    pixel = box["width"] / 58  # two images of 28 columns, with a gap after each
    at = {"x": (29 + 14.5) * pixel, "y": 10.5 * pixel}
    image.hover(position=at)
    place = 10 * 28 + 14
    reading = page.locator("#step .reading").first
    assert reading.text_content() == f"[1, {place}] {written(digits[1, place])}"
    image.click(position=at)
    assert page.locator(".explanation h3").text_content() == f"input samples [1, {place}] = {written(digits[1, place])}"
    image = page.locator("#step canvas").first
    image.focus()  # the cursor is where the click was
    for key in ("Home", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert page.locator("#step .reading").first.text_content().startswith("[0, 29] ")
    page.keyboard.press("Enter")
    assert page.locator(".explanation h3").text_content().startswith("input samples [0, 29] = ")
    page.keyboard.press("Home")
    page.locator("body").click(position={"x": 5, "y": 5})
    page.get_by_role("link", name="12 layer 0, linear: dL/dweight", exact=True).click()
    assert page.locator(".explanation .formula a").count() == 4


def test_each_weight_of_a_triangle_can_be_read_with_the_pointer_and_by_keys(tmp_path, opened):
    """A triangle has more rows than a table of the page may have, so it is drawn as colors."""
    net, length = mt.gpt(n_tokens=5, features=4, heads=2, length=16, init="normal:0.5"), 14
    tokens = np.random.default_rng(3).integers(0, 4, (2, length))
    page = mt.step_through(net, tokens, tokens)
    page.save(tmp_path / "step.html")
    weights = next(array for array in page.data["arrays"] if array["label"] == "weights of layer 6 (attention)")
    p = np.array(weights["numbers"], float).reshape(2, 2, length, length)
    made_in = weights["made"][0]
    page = opened(tmp_path / "step.html")
    page.goto(f"{page.url}#{made_in + 1}")
    page.reload()
    figure = page.locator("#step figure", has=page.locator("figcaption", has_text="p = weights of layer 6"))
    image, reading = figure.locator("canvas"), figure.locator(".reading")
    hint = reading.evaluate("(element) => getComputedStyle(element, '::before').content")
    assert "Point at a cell to read its number." in hint
    pixel = image.bounding_box()["width"] / (2 * (length + 1))
    for n, h, t, s in np.ndindex(2, 2, length, length):
        if (t, s) in [(0, 0), (13, 0), (13, 13), (5, 9), (12, 7)]:
            x, y = h * (length + 1) + s + 0.5, n * (length + 1) + t + 0.5
            image.hover(position={"x": x * pixel, "y": y * pixel})
            assert reading.text_content() == f"[{n}, {h}, {t}, {s}] {written(p[n, h, t, s])}"
    image.focus()
    for key in ("Home", "ArrowDown", "ArrowDown", "ArrowRight"):
        page.keyboard.press(key)
    assert reading.text_content() == f"[0, 0, 2, 1] {written(p[0, 0, 2, 1])}"
    page.keyboard.press("Enter")
    assert f"[0, 0, 2, 1] = {written(p[0, 0, 2, 1])}" in page.locator(".explanation h3").text_content()


def test_long_sums_are_shortened(pages_of, opened):
    text = opened(pages_of / "large.html").locator(".explanation .formula").text_content()
    assert re.search(r" \+ 779 more terms, together \S+ \+ ", text)


def test_an_address_leads_to_a_number(pages_of, opened):
    page = opened(pages_of / "small.html")
    page.goto(page.url + "#12")
    page.reload()
    assert step_of(page) == "Step 12, backward: layer 0, linear: dL/dweight"
    page.goto(page.url.partition("#")[0] + "#no-such-place")
    page.reload()
    assert step_of(page) == "Step 1, forward: layer 0, linear: y"


@pytest.mark.parametrize("sizes", [(784, 30, 10), (2, 12, 3)])
def test_wide_tables_scroll_in_their_own_box_on_a_phone(opened, tmp_path, sizes):
    rng = np.random.default_rng(0)
    net = mt.two_layer_net(*sizes)
    mt.step_through(net, rng.random((2, sizes[0])), [0, 1]).save(tmp_path / "wide.html")
    page = opened(tmp_path / "wide.html", width=360)
    for _ in range(17):
        assert sideways(page) <= 0, step_of(page)
        page.keyboard.press("ArrowRight")


def test_a_planted_bug_is_announced_with_its_line(pages_of, opened):
    page = opened(pages_of / "sigmoid_derivative_of_tanh.html")
    warning = page.locator(".warning")
    assert "return dy * (1 - y * y)" in warning.text_content()
    assert step_of(page) == "Step 11, backward: layer 1, sigmoid: dL/dx"  # the page opens there
    page.keyboard.press("Home")
    warning.get_by_role("link").click()
    assert step_of(page) == "Step 11, backward: layer 1, sigmoid: dL/dx"
    assert page.locator("#step .odd").text_content().endswith("return dy * (1 - y * y)")
    computed = page.locator(".explanation h3").text_content().rpartition(" = ")[2]
    right = page.locator(".explanation .formula b").text_content()
    assert right != computed  # the equation is true
    assert f"has {computed} in its place" in page.locator(".explanation").text_content()
    assert page.locator(".explanation h3").text_content().startswith("dL/d(output of layer 0 (linear)) [0, 0] = ")
    assert "12 of 12 differ from scalar (underlined)" in page.locator("#step").text_content()
    page.get_by_label("scalar").check()
    assert "in its place" not in page.locator(".explanation").text_content()
    assert page.locator(".explanation h3").text_content().rpartition(" = ")[2] == right


def test_a_bug_outside_of_the_ops_is_told_from_one_inside(pages_of, opened):
    page = opened(pages_of / "activation_derivative_skipped.html")
    assert "The mistake is not in this op, but in code around it" in page.locator(".warning").text_content()
    page.locator(".warning").get_by_role("link").click()
    assert (
        "activation_derivative_skipped did not compute these numbers; those of scalar are shown."
        in page.text_content("#step")
    )
    page.get_by_text("What was changed, and why it is wrong").click()
    assert re.search(r"\n\+ +pull = lambda dy: dy\n", page.locator("details pre").text_content())


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("name", "width"), [("small", 1280), ("small", 360), ("sigmoid_derivative_of_tanh", 360), ("images", 360)]
)
def test_the_page_is_accessible_and_fits_a_phone(name, width, scheme, pages_of, opened):
    page = opened(pages_of / f"{name}.html", width=width, color_scheme=scheme)
    for step in ("#1", "#12", "#15"):
        page.evaluate(f"location.hash = '{step}'")
        page.get_by_text(re.compile(f"^Step {step[1:]},")).wait_for()
        assert sideways(page) <= 0
        assert violations(page) == []


def test_images_fit_a_phone(pages_of, opened):
    page = opened(pages_of / "large.html", width=360)
    for step in (1, 12):
        page.evaluate(f"location.hash = '#{step}'")
        page.get_by_text(re.compile(f"^Step {step},")).wait_for()
        assert sideways(page) <= 0


def test_print_holds_all_steps(pages_of, opened):
    page = opened(pages_of / "small.html")
    page.emulate_media(media="print")
    titles = page.locator("#print h2")
    titles.nth(16).wait_for()
    assert [title.split(",")[0] for title in titles.all_text_contents()] == [f"Step {i + 1}" for i in range(17)]
    assert page.locator("#print .formula").first.is_visible()
    assert page.locator("#print").get_by_text("Each unit multiplies every input by a weight").first.is_visible()
    assert page.get_by_text("The chain rule, from the loss back").is_visible()  # the words on this page are unfolded
    assert not page.locator("#step").is_visible()
    page.emulate_media(media="screen")
    page.locator("#print h2").first.wait_for(state="detached")
    assert step_of(page) == "Step 1, forward: layer 0, linear: y"
    page.emulate_media(media="null")  # as in print
    assert len(re.findall(rb"/Type\s*/Page\b", page.pdf(format="A4"))) > 8


def test_a_notebook_shows_the_page_in_a_frame(opened, tmp_path):
    around = tmp_path / "around.html"
    around.write_text(f"<body>{mt.step_through(net_2_3_2(), X, Y, tiers=['scalar'])._repr_html_()}</body>")
    frame = opened(around).frame_locator("iframe")
    frame.get_by_role("link", name="12 layer 0, linear: dL/dweight", exact=True).click()
    assert frame.locator("#step h2").text_content() == "Step 12, backward: layer 0, linear: dL/dweight"


def test_numbers_are_not_rounded_twice():
    """0.161749827 is 0.16175 with six digits, and 0.1618 with four of these, but 0.1617 itself."""
    rng = np.random.default_rng(0)
    for x in [0.161749827, -0.0076265017, 0.05508497, *rng.normal(size=20_000).tolist()]:
        assert number(step_pages._stored(x)) == number(x)
