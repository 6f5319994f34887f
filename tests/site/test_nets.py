"""Drawings of nets in a browser: every text has room, pictures are sharp, pages are accessible at any width."""

import random

import numpy as np
import pytest
from browsing import sideways, violations

import micrograd_tiers as mt
from micrograd_tiers.views.nets import draw_net

pytestmark = pytest.mark.slow

# Texts that overlap, leave the drawing, or cross the edge of the circle in which their middle lies.
PROBLEMS = """() => {
  const svg = document.querySelector("svg");
  const texts = [...svg.querySelectorAll("text")].filter((t) => t.textContent);
  const boxes = texts.map((t) => {
    const { x, y, width, height } = t.getBBox();
    // The box holds room for accents and descenders, which digits and capitals leave empty.
    return { x, y: y + 0.15 * height, right: x + width, lower: y + 0.9 * height, text: t.textContent };
  });
  const numbers = (circle) => ["cx", "cy", "r"].map((name) => circle[name].baseVal.value);
  const circles = [...svg.querySelectorAll("circle")].map(numbers);
  const problems = [];
  boxes.forEach((a, i) => {
    if (a.x < 0 || a.y < 0 || a.right > svg.viewBox.baseVal.width || a.lower > svg.viewBox.baseVal.height) {
      problems.push(`${a.text} leaves the drawing`);
    }
    for (const b of boxes.slice(i + 1)) {
      if (a.x < b.right && b.x < a.right && a.y < b.lower && b.y < a.lower) problems.push(`${a.text} / ${b.text}`);
    }
    for (const [x, y, r] of circles) {
      if (Math.hypot((a.x + a.right) / 2 - x, (a.y + a.lower) / 2 - y) > r / 2) continue;
      if (Math.hypot((a.right - a.x) / 2, (a.lower - a.y) / 2) > r) problems.push(`${a.text} is too wide`);
    }
  });
  return problems;
}"""


def image_net():
    convolution = [mt.Reshape((1, 8, 8)), mt.Conv2d(1, 6, 3), mt.BatchNorm2d(6), mt.ReLU(), mt.MaxPool2d(2)]
    return mt.Network([*convolution, mt.Flatten(), mt.Linear(54, 70), mt.Tanh(), mt.Linear(70, 3)], seed=1)


def drawing_of(name):
    rng = np.random.default_rng(0)
    if name == "mlp":
        model = mt.MLP(3, [4, 4, 1], rng=random.Random(0))
        model([1.0, 2.0, -1.0]).backward()
        return draw_net(model, [1.0, 2.0, -1.0])
    layers = [mt.Linear(4, 6), mt.BatchNorm1d(6), mt.ELU(), mt.Dropout(), mt.Linear(6, 61), mt.Linear(61, 20)]
    net = {"2-3-2": lambda: mt.two_layer_net(2, 3, 2), "images": image_net, "many": lambda: mt.Network(layers)}[name]()
    tiny = {key: 1e-6 * array if key.startswith("0.w") else array for key, array in net.state_dict().items()}
    net.load_state_dict(tiny)  # small numbers are the longest texts
    return draw_net(net, rng.random((5, net.shapes()[0][0])), [0, 1, 1, 0, 1], sample=1)


@pytest.mark.parametrize("name", ["2-3-2", "images", "many", "mlp"])
def test_texts_have_room(name, opened, tmp_path):
    drawing_of(name).save(tmp_path / "net.html")
    assert opened(tmp_path / "net.html").evaluate(PROBLEMS) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_page_is_accessible(opened, tmp_path, scheme, width):
    drawing_of("images").save(tmp_path / "net.html")
    page = opened(tmp_path / "net.html", width=width, color_scheme=scheme)
    assert violations(page) == []
    assert sideways(page) <= 0
    for summary in page.locator("summary").all():
        summary.press("Enter")
    assert page.locator("table:visible").count() >= 8
    assert violations(page) == []
    assert sideways(page) <= 0


def test_the_page_has_the_numbers_of_the_net(opened, tmp_path):
    net = mt.two_layer_net(2, 3, 2, seed=5)
    X, y = np.random.default_rng(1).standard_normal((4, 2)), [0, 1, 1, 0]
    draw_net(net, X, y, sample=3).save(tmp_path / "net.html")
    page = opened(tmp_path / "net.html")
    for summary in page.locator("summary").all():
        summary.click()
    loss, grads = net.loss_and_grads(X, y)
    rows = dict.fromkeys(("unit 0", "input 1 of unit 2"))
    for name in rows:
        section = page.locator("details", has_text="Numbers of 0 Linear(2, 3)")
        rows[name] = section.locator("tr", has=page.get_by_text(name, exact=True)).locator("td").all_text_contents()[1:]
    state = net.state_dict()
    weights = [state["0.weight"][2, 1], grads["0.weight"][2, 1]]
    assert [float(text) for text in rows["input 1 of unit 2"]] == [float(f"{x:.4g}") for x in weights]
    assert float(rows["unit 0"][-1]) == float(f"{grads['0.bias'][0]:.4g}")
    assert f"L = {loss:.4g}" in page.locator("svg").text_content()


def test_a_file_stands_alone_and_its_pixels_are_sharp(opened, tmp_path):
    net = mt.Network([mt.Linear(64, 2)])
    draw_net(net, np.eye(1, 64) - np.eye(1, 64, 1)).save(tmp_path / "net.svg")
    page = opened(tmp_path / "net.svg", color_scheme="light", device_scale_factor=2)
    shot = page.locator("image").first.screenshot()
    colors = page.evaluate(
        """async (shot) => {
          const image = await createImageBitmap(new Blob([new Uint8Array(shot)]));
          const canvas = new OffscreenCanvas(image.width, image.height).getContext("2d");
          canvas.drawImage(image, 0, 0);
          const { data } = canvas.getImageData(0, image.height / 16, image.width, 1);
          const at = (share) => [...data.slice(4 * Math.round(share * image.width)).slice(0, 3)];
          return [0.03, 0.1, 0.15, 0.22, 0.4].map(at);
        }""",
        [*shot],
    )
    assert colors[0] == colors[1] != colors[2] == colors[3] != colors[4] == [255, 255, 255]
