"""Drawings of nets: the numbers are those of the net, every net can be drawn, no text overlaps or leaves its place."""

import base64
import json
import random
import re
import struct
import subprocess
import sys
import zlib
from dataclasses import dataclass
from html import unescape
from itertools import combinations, pairwise
from xml.etree import ElementTree

import numpy as np
import pytest
from effort import lines_run
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_tiers as mt
from micrograd_tiers.colors import NEGATIVE, POSITIVE, shade
from micrograd_tiers.html import number
from micrograd_tiers.layers import Layer
from micrograd_tiers.tiers import tensor
from micrograd_tiers.views.nets import draw_net
from micrograd_tiers.views.nets.marks import width_of
from micrograd_tiers.views.nets.recording import of_network

SVG = "{http://www.w3.org/2000/svg}"
BASIC = [
    ("scalar", "float64", False),
    ("scalar", "float64", True),
    ("vector", "float32", False),
    ("tensor", "float64", True),
    ("tensor", "float32", False),
]


def image_net(tier="tensor", **options):
    layers = [
        mt.Reshape((1, 6, 6)),
        *(mt.Conv2d(1, 2, 3, padding=1), mt.ReLU(), mt.MaxPool2d(2)),
        *(mt.Conv2d(2, 3, 2, bias=False), mt.Tanh(), mt.AvgPool2d(2), mt.Flatten(), mt.Dropout(0.5), mt.Linear(3, 4)),
    ]
    return mt.Network(layers, mt.SoftmaxCrossEntropy(smoothing=0.1), tier=tier, seed=1, **options)


def normed_net():
    layers = [mt.Linear(3, 4, bias=False), mt.BatchNorm1d(4), mt.ELU(0.5), mt.Linear(4, 2)]
    return mt.Network(layers, "mean_squared_error", seed=2)


NETS = {
    "2-3-2": (lambda **options: mt.two_layer_net(2, 3, 2, seed=3, **options), BASIC),
    "images": (image_net, BASIC),
    "batch norm": (lambda **options: normed_net(), [("tensor", "float64", False)]),
    "binary": (
        lambda **o: mt.Network([mt.Linear(2, 4), mt.Sigmoid(), mt.Linear(4, 1)], "binary_cross_entropy", **o),
        BASIC,
    ),
    "weights": (lambda **o: mt.Network([mt.Linear(2, 2)], mt.SoftmaxCrossEntropy(class_weights=[1, 3]), **o), BASIC),
    "hinge": (lambda **options: mt.Network([mt.Linear(2, 1)], "hinge", **options), BASIC),
    "absolute": (lambda **o: mt.Network([mt.Linear(2, 70), mt.ReLU()], mt.MeanAbsoluteError(), **o), BASIC),
}
NETS["documents"] = (
    lambda **o: mt.gpt(n_tokens=5, features=4, heads=2, length=4, dropout=0.2, norm="layer_norm", **o),
    BASIC,
)
CASES = [(name, *settings) for name, (_, all_settings) in NETS.items() for settings in all_settings]


def batch(net, n=3, seed=0):
    """Return random samples and targets that fit the net."""
    rng = np.random.default_rng(seed)
    n_outputs = net.shapes()[-1][0]
    if net.loss.targets == "tokens":
        X, y = rng.integers(0, 5, (n, 4)), rng.integers(0, 5, (n, 4))
        X[1::2, 2:] = y[1::2, 1:] = -1
        return X, y
    X = rng.standard_normal((n, *net.shapes()[0]))
    if net.loss.targets == "classes":
        return X, rng.integers(0, n_outputs, n)
    y = rng.integers(0, 2, (n, n_outputs))
    return X, 2 * y - 1 if net.loss.targets == "signs" else y


def texts_of(drawing):
    """Return (x, y, size, anchor, content) of each text in the drawing."""
    return [
        (float(t.get("x")), float(t.get("y")), float(t.get("font-size")), t.get("text-anchor"), t.text or "")
        for t in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}text")
    ]


def titles_of(drawing):
    return [t.text for t in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}title")]


def boxes_of(drawing):
    """Return (left, upper, right, lower, content) of each text that is not empty, at the largest width it may have."""
    boxes = []
    for x, y, size, anchor, content in texts_of(drawing):
        width = width_of(content, size)
        left = x - {"start": 0, "middle": width / 2}[anchor]
        if content:
            boxes.append((left, y - 0.8 * size, left + width, y + 0.2 * size, content))
    return boxes


def assert_texts_have_room(drawing):
    boxes = boxes_of(drawing)
    for left, upper, right, lower, content in boxes:
        assert left >= 0, content
        assert upper >= 0, content
        assert right <= drawing.width, content
        assert lower <= drawing.height, content
    for a, b in combinations(boxes, 2):
        apart = a[2] <= b[0] or b[2] <= a[0] or a[3] <= b[1] or b[3] <= a[1]
        assert apart, (a, b)
    circles = [
        [float(c.get(name)) for name in ("cx", "cy", "r")]
        for c in ElementTree.fromstring(drawing.svg()).iter(f"{SVG}circle")
    ]
    for x, y, radius in circles:
        for left, upper, right, lower, content in boxes:
            corners = [((px - x) ** 2 + (py - y) ** 2) ** 0.5 for px in (left, right) for py in (upper, lower)]
            near = max(left, min(x, right)), max(upper, min(y, lower))
            outside = ((near[0] - x) ** 2 + (near[1] - y) ** 2) ** 0.5 >= radius
            assert outside or max(corners) <= radius + 1, content


@pytest.mark.parametrize(("name", "tier", "dtype", "exact"), CASES)
def test_numbers_are_those_of_the_net(name, tier, dtype, exact):
    net = NETS[name][0](tier=tier, dtype=dtype, exact=exact)
    X, y = batch(net)
    loss, grads = net.loss_and_grads(X, y)
    of_samples = [of_network(net, X, y, sample) for sample in range(len(X))]
    for snapshot in of_samples:
        assert snapshot.loss == loss
        for i, stage in enumerate(snapshot.stages[1:]):
            for key in stage.gradients:
                assert stage.gradients[key] == grads[f"{i}.{key}"].tolist()
                assert stage.parameters[key] == net.state_dict()[f"{i}.{key}"].tolist()
    assert sum(len(stage.gradients) for stage in snapshot.stages) == len(grads)
    tolerance = 1e-5 if dtype == "float32" else 1e-12
    for i, layer in enumerate(net.layers):  # a bias is added to every output, so its gradient is the sum of theirs
        if f"{i}.bias" in grads and layer.op != "batch_norm":
            doutput = np.sum([snapshot.stages[i + 1].doutput for snapshot in of_samples], axis=0)
            C = len(grads[f"{i}.bias"])
            expected = doutput.reshape(-1, C).sum(axis=0) if layer.op == "layer_norm" else doutput.reshape(C, -1).sum(1)
            np.testing.assert_allclose(grads[f"{i}.bias"], expected, rtol=tolerance, atol=tolerance)
    predicted = [of_network(net, X, None, sample) for sample in range(len(X))]
    outputs = np.reshape([s.stages[-1].output for s in predicted], net.forward(X).shape)
    np.testing.assert_allclose(outputs, net.forward(X), rtol=tolerance, atol=tolerance)
    assert [s.stages[0].output for s in predicted] == X.reshape(len(X), -1).astype(dtype).tolist()


@pytest.mark.parametrize("name", ["2-3-2", "images", "batch norm"])
def test_gradients_of_inputs_are_those_of_the_loss(name):
    net = NETS[name][0](tier="tensor")
    X, y = batch(net)
    doutput = of_network(net, X, y, 1).stages[0].doutput
    for k in range(0, X[0].size, 5):
        step = np.zeros_like(X)
        step[1].flat[k] = 1e-6
        slope = (net.loss_and_grads(X + step, y)[0] - net.loss_and_grads(X - step, y)[0]) / 2e-6
        assert doutput[k] == pytest.approx(slope, rel=1e-4, abs=1e-8)


def test_a_prefix_of_the_net_gives_the_outputs_within_it():
    net = image_net()
    X, _ = batch(net)
    for i, stage in enumerate(of_network(net, X, None, 2).stages[1:-1], 1):
        layers = [*net.layers[:i], mt.Flatten()]
        prefix = mt.Network(layers, "mean_squared_error")
        prefix.load_state_dict({key: array for key, array in net.state_dict().items() if int(key.split(".")[0]) < i})
        np.testing.assert_allclose(stage.output, prefix.forward(X[2:3])[0], rtol=1e-14)


@pytest.mark.parametrize("name", [name for name in NETS if name != "documents"])
def test_the_numbers_are_written(name):
    net = NETS[name][0](tier="tensor")
    X, y = batch(net)
    drawing = draw_net(net, X, y, sample=2)
    loss, grads = net.loss_and_grads(X, y)
    shown = " ".join([*(content for *_, content in texts_of(drawing)), *titles_of(drawing)])
    assert f"L = {number(loss)}" in shown
    for snapshot in [of_network(net, X, y, 2)]:
        for stage in snapshot.stages:
            if stage.shape[0] <= 60 and len(stage.shape) == 1:
                assert all(number(x) in shown for x in [*stage.output, *stage.doutput])
    small = [key for key, array in grads.items() if array.ndim == 2 and array.size <= 60]
    for key in small:
        assert all(f"dL/d(weight) {number(x)}" in shown for x in grads[key].flat), key
        assert all(f"weight {number(x)}" in shown for x in net.state_dict()[key].flat), key


@pytest.mark.parametrize("frozen", [(), (0,), (0, 1, 5)])
@pytest.mark.parametrize("tier", ["scalar", "vector", "tensor"])
def test_documents_have_probabilities_at_each_position_and_no_gradient_of_tokens(tier, frozen):
    net = NETS["documents"][0](tier=tier)
    net.freeze(*frozen)
    X, y = batch(net)
    snapshot = of_network(net, X, y, 1)
    assert snapshot.stages[0].doutput is None
    assert all(any(stage.doutput) for stage in snapshot.stages[1:])
    np.testing.assert_allclose(np.reshape(snapshot.probabilities, (4, 5)), net.predict_proba(X)[1], rtol=1e-12)
    drawing = draw_net(net, X, y, sample=1)
    assert_texts_have_room(drawing)
    contents = [content for *_, content in texts_of(drawing)]
    assert {"probability", "target", f"L = {number(net.loss_and_grads(X, y)[0])}", "3 Fork()", "9 Join()"} <= {
        *contents
    }
    assert {f"unit {t}: target {number(y[1, t])}" for t in range(4)} <= {*titles_of(drawing)}
    branch, whole = snapshot.stages[4].doutput, snapshot.stages[3].doutput  # the Fork's output goes two ways
    np.testing.assert_allclose(whole, np.add(branch, snapshot.stages[10].doutput), rtol=1e-12, atol=1e-15)


def test_lines_join_their_units_and_show_sign_and_size():
    net = mt.two_layer_net(2, 3, 2, seed=3)
    root = ElementTree.fromstring(draw_net(net, *batch(net)).svg())
    weight, grad = net.state_dict()["0.weight"], net.loss_and_grads(*batch(net))[1]["0.weight"]
    ys = [float(circle.get("cy")) for circle in root.iter(f"{SVG}circle")]  # of 2 + 3 + 3 + 2 units, forward, backward
    for panel, array in enumerate([weight, grad]):
        widths = {}
        for j, i in np.ndindex(3, 2):
            about = f"input {i} of unit {j}: weight {number(weight[j, i])}, dL/d(weight) {number(grad[j, i])}"
            path = [p for p in root.iter(f"{SVG}path") if p.findtext(f"{SVG}title") == about][panel]
            numbers = [float(n) for n in re.findall(r"[-\d.]+", path.get("d"))]
            assert numbers[1] == pytest.approx(ys[10 * panel + i], abs=0.1)
            assert numbers[-1] == pytest.approx(ys[10 * panel + 2 + j], abs=0.1)
            assert path.get("stroke") == "#{:02x}{:02x}{:02x}".format(*(NEGATIVE if array[j, i] < 0 else POSITIVE))
            assert (path.get("stroke-dasharray") is None) == (array[j, i] > 0)
            widths[abs(array[j, i])] = float(path.get("stroke-width"))
        assert [width for _, width in sorted(widths.items())] == sorted(widths.values())


def test_no_line_crosses_a_number():
    net = mt.two_layer_net(4, 5, 3, seed=1)
    root = ElementTree.fromstring(draw_net(net).svg())
    weights = {number(x) for x in net.state_dict()["0.weight"].flat}
    boxes = [(left + 0.1, *others) for left, *others, content in boxes_of(draw_net(net)) if content in weights]
    assert len(boxes) == 20
    for path in root.iter(f"{SVG}path"):
        for piece in re.findall(r"M([-\d.]+) ([-\d.]+)L([-\d.]+) ([-\d.]+)", path.get("d")):
            x0, y0, x1, y1 = map(float, piece)
            for share in np.linspace(0, 1, 100):
                x, y = x0 + share * (x1 - x0), y0 + share * (y1 - y0)
                assert not any(left < x < right - 0.1 and upper < y < lower for left, upper, right, lower in boxes)


def test_layers_that_lines_join_stay_in_one_row():
    net = mt.Network([layer for _ in range(8) for layer in (mt.Linear(5, 5), mt.Tanh())])
    root = ElementTree.fromstring(draw_net(net, *batch(net)[:1]).svg())
    assert len({circle.get("cy") for circle in root.iter(f"{SVG}circle")}) == 5


def pixels_of(image):
    """Return the pixels, (H, W, 4), of an SVG image that holds a PNG file."""
    data = base64.b64decode(image.get("href").partition(",")[2])
    width, height = struct.unpack(">II", data[16:24])
    rows = zlib.decompress(data[data.index(b"IDAT") + 4 : -16])
    return np.frombuffer(rows, np.uint8).reshape(height, 1 + 4 * width)[:, 1:].reshape(height, width, 4)


def test_pictures_have_a_pixel_for_each_number():
    net = mt.two_layer_net(64, 2, 2, seed=3)
    X, y = batch(net)
    images = [*ElementTree.fromstring(draw_net(net, X, y, sample=1).svg()).iter(f"{SVG}image")]
    weight, grad = net.state_dict()["0.weight"], net.loss_and_grads(X, y)[1]["0.weight"]
    expected = [X[1], *weight], [of_network(net, X, y, 1).stages[0].doutput, *grad]
    for numbers, image in zip([array for panel in expected for array in panel], images, strict=False):
        largest = np.abs(weight if image in images[1:3] else grad if image in images[4:6] else numbers).max()
        colors = [(*shade(x, largest)[:3], round(255 * shade(x, largest)[3])) for x in numbers]
        assert pixels_of(image).reshape(64, 4).tolist() == [[*color] for color in colors]


def test_weights_that_leave_a_unit_and_feature_maps_are_pictures():
    net = mt.Network([mt.Linear(2, 64), mt.Reshape((2, 4, 8)), mt.Conv2d(2, 3, 3, padding=1), mt.Flatten()], seed=1)
    X, _ = batch(net)
    images = [*ElementTree.fromstring(draw_net(net, X).svg()).iter(f"{SVG}image")]
    stages = of_network(net, X, None, 0).stages
    kernels = net.state_dict()["2.weight"]
    gap = np.full((3, 3, 1), np.nan)
    strips = np.concatenate([kernels[:, 0], gap, kernels[:, 1]], axis=2)  # of 3 output maps
    numbers = [*net.state_dict()["0.weight"].T, stages[1].output, *np.reshape(stages[2].output, (2, 32)), *strips]
    numbers += [*np.reshape(stages[3].output, (3, 32))]
    signs = [pixels_of(image)[..., 2] > pixels_of(image)[..., 0] for image in images]  # more blue than red
    for array, sign in zip(numbers, signs, strict=False):
        assert (sign.ravel() == (np.ravel(array) > 0)).all()


@pytest.mark.parametrize("name", NETS)
def test_what_a_pointer_shows_is_in_the_tables(name):
    net = NETS[name][0](tier="tensor")
    drawing = draw_net(net, *batch(net))
    cells = unescape(re.sub("<[^>]*>", "|", drawing.below))
    titles = [title for title in titles_of(drawing) if title]
    assert len(titles) > 3
    for title in titles:
        _, _, facts = title.partition(": ")
        for fact in facts.split(", "):
            assert f"|{re.sub('^(?:dL/d)?[(]?[a-z]+[)]? ', '', fact)}|" in cells, fact


@pytest.mark.parametrize("tier", ["scalar", "vector", "tensor"])
def test_the_net_is_not_changed(tier):
    net = normed_net() if tier == "tensor" else image_net(tier)
    net.freeze(1)
    X, y = batch(net)
    before = {key: array.copy() for key, array in net.state_dict().items()}, vars(net).copy(), repr(net.parameters)
    draw_net(net), draw_net(net, X), draw_net(net, X, y)
    assert vars(net) == before[1]
    assert repr(net.parameters) == before[2]
    assert all((array == before[0][key]).all() for key, array in net.state_dict().items())


def test_frozen_layers_have_no_gradients_but_their_outputs_do():
    net = mt.two_layer_net(2, 3, 2)
    net.freeze(0, 2)
    snapshot = of_network(net, *batch(net), 0)
    assert [stage.gradients for stage in snapshot.stages] == [{}] * 4
    assert all(any(stage.doutput) for stage in snapshot.stages)
    contents = [content for *_, content in texts_of(draw_net(net, *batch(net)))]
    assert contents.count("frozen") == 4


def test_a_sample_of_a_class_that_is_ignored_has_no_true_class():
    net = mt.Network([mt.Linear(2, 3)], mt.SoftmaxCrossEntropy(ignore=-1, class_weights=[1, 2, 3]))
    X, y = [[1.0, 2.0], [3.0, 4.0]], [-1, 2]
    assert "true class" not in draw_net(net, X, y).svg()
    assert "Its label is ignored" in draw_net(net, X, y).svg()
    drawing = draw_net(net, X, y, sample=1)
    assert "true class 2" in drawing.svg()
    assert "weighted mean loss of the 2 samples" in drawing.svg()
    assert number(net.loss_and_grads(X, y)[0]) in drawing.svg()


def test_probabilities_and_targets_are_shown():
    net = mt.two_layer_net(2, 3, 3, seed=4)
    X, y = batch(net, 4)
    contents = [content for *_, content in texts_of(draw_net(net, X, sample=3))]
    assert all(f"{k}: {number(p)}" in contents for k, p in enumerate(net.predict_proba(X)[3]))
    assert "true class" not in contents
    contents = [content for *_, content in texts_of(draw_net(net, X, y, sample=3))]
    assert contents.count("true class") == 1
    soft = np.full((4, 3), 1 / 3)
    contents = [content for *_, content in texts_of(draw_net(net, X, soft))]
    assert contents.count("target 0.3333") == 3
    assert sum(content.startswith("2: ") for content in contents) == 1
    yes = mt.Network([mt.Linear(2, 2)], "binary_cross_entropy")
    contents = [content for *_, content in texts_of(draw_net(yes, X, [[0, 1]] * 4))]
    assert {"probability of yes", "target 0", "target 1", *map(number, yes.predict_proba(X)[0])} <= {*contents}
    many = mt.Network([mt.Linear(2, 100)])
    assert "true class 77" in draw_net(many, X, [77, 1, 2, 3]).svg()
    assert "target" in draw_net(mt.autoencoder([70, 4]), np.ones((2, 70)), np.ones((2, 70))).svg()


def test_an_mlp_shows_its_own_gradients():
    model = mt.MLP(2, [3, 1], rng=random.Random(0))
    x = [0.5, -1.0]
    assert "Backward" not in draw_net(model, x).svg()
    out = model(x)
    out.backward()
    grads = [p.grad for p in model.parameters()]
    drawing = draw_net(model, [mt.Value(0.5), -1.0])
    assert "Backward" in drawing.svg()
    shown = " ".join(titles_of(drawing))
    for p in model.parameters():
        assert f"{number(p.data)}, dL/d(" in shown
        assert number(p.grad) in shown
    assert number(out.data) in shown
    assert [p.grad for p in model.parameters()] == grads
    assert draw_net(model, np.array([[9.0, 9.0], x]), sample=1).svg().count(number(out.data)) >= 2
    assert "circle" in draw_net(model).svg()


@dataclass(frozen=True)
class Own(Layer):
    """A layer of one's own: parameters of any name and shape."""

    op = "own"
    n: int
    kind: str = "scale"

    def parameter_shapes(self):
        return {"scale": {"scale": (self.n,)}, "both": {"weight": (2, self.n, 3), "bias": (1,)}}.get(
            self.kind, {"weight": (self.n, 5)}
        )

    def forward(self, tier, x, *arrays):
        return tier.elementwise(lambda a: 2 * a, x), (lambda dy: 2 * dy, *[lambda dy, a=a: 0 * a for a in arrays])


@pytest.mark.parametrize("kind", ["scale", "both", "else"])
def test_layers_of_ones_own_are_drawn(kind, monkeypatch):
    monkeypatch.setattr(tensor, "own", None, raising=False)
    net = mt.Network([mt.Linear(2, 4), Own(4, kind), mt.Linear(4, 2)], init=lambda shape, rng: rng.random(shape))
    drawing = draw_net(net, *batch(net))
    assert_texts_have_room(drawing)
    assert "Own(4" in drawing.svg()


def test_names_are_escaped():
    evil = type("<b>&", (mt.Sigmoid,), {})
    net = mt.Network([mt.Linear(2, 2), evil()])
    drawing = draw_net(net, *batch(net))
    ElementTree.fromstring(drawing.svg())
    assert "<b>&" not in drawing.html()
    assert "&lt;b&gt;&amp;()" in drawing.svg()


def test_shapes_that_are_not_known_are_drawn_without_numbers():
    net = mt.Network([mt.Conv2d(2, 3, 3), mt.ReLU(), mt.Flatten(), mt.Linear(12, 2)])
    drawing = draw_net(net)
    assert_texts_have_room(drawing)
    contents = [content for *_, content in texts_of(drawing)]
    assert contents.count("?") == 3
    assert "12 units" in contents


def test_numbers_that_are_not_finite_are_drawn():
    net = mt.two_layer_net(2, 3, 2)
    for x in ([np.nan, 1.0], [np.inf, -np.inf], [1e308, 1e308]):
        drawing = draw_net(net, [x], [0])
        assert_texts_have_room(drawing)
        assert "nan" in drawing.svg() or "inf" in drawing.svg() or "e+" in drawing.svg()


LAYERS = st.sampled_from(["sigmoid", "tanh", "relu", "elu", "dropout", "norm", "nothing"])
MAKE = {"sigmoid": mt.Sigmoid, "tanh": mt.Tanh, "relu": mt.ReLU, "elu": mt.ELU, "dropout": mt.Dropout}


@st.composite
def nets(draw):
    """Return a random chain of dense layers, of small and large sizes."""
    size = st.one_of(st.integers(1, 8), st.sampled_from([10, 20, 21, 60, 61, 97]))
    sizes = draw(st.lists(size, min_size=2, max_size=5))
    layers = []
    for n_in, n_out in pairwise(sizes):
        layers.append(mt.Linear(n_in, n_out, bias=draw(st.booleans())))
        kind = draw(LAYERS)
        layers += [mt.BatchNorm1d(n_out)] if kind == "norm" else [MAKE[kind]()] if kind in MAKE else []
    loss = draw(st.sampled_from(["softmax_cross_entropy", "mean_squared_error", "binary_cross_entropy"]))
    return mt.Network(layers, loss, seed=draw(st.integers(0, 99)))


@settings(max_examples=25)
@given(nets(), st.sampled_from([0, 1, 2]), st.sampled_from([1e-7, 1.0, 1e6]), st.data())
def test_no_text_overlaps_another_or_leaves_its_place(net, n_given, scale, data):
    X, y = batch(net, 3, seed=data.draw(st.integers(0, 99)))
    net.load_state_dict({key: scale * array for key, array in net.state_dict().items()})
    drawing = draw_net(net, *[scale * X, y][:n_given])
    assert_texts_have_room(drawing)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_lenet_is_drawn_and_its_texts_have_room(activation):
    net = mt.lenet5(activation)
    drawing = draw_net(net, *batch(net))
    assert_texts_have_room(drawing)
    root = ElementTree.fromstring(drawing.svg())
    images = [*root.iter(f"{SVG}image")]
    assert all(image.get("href").startswith("data:image/png;base64,") for image in images)
    maps_of_sizes = [1 + 1 + 6 + 6 + 6 + 16 + 16 + 16 + 4 + 1, 6 + 16, 24 + 24 + 10]  # layers, kernels, weights
    assert len(images) == 2 * sum(maps_of_sizes) + 1  # forward and backward, and the colors of the legend
    assert len([*root.iter(f"{SVG}circle")]) == 2 * 10


def test_a_large_net_is_drawn_with_little_effort():
    net = mt.two_layer_net(784, 300, 10)
    X, y = batch(net, 20)
    assert lines_run(draw_net, net, X, y) < 5_000_000  # half a second
    assert len(draw_net(net, X, y).svg()) < 300_000


NET = mt.two_layer_net(2, 3, 2)
X = [[1.0, 2.0], [3.0, 4.0]]


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (
            lambda: draw_net(5),
            ValueError,
            r"net is 5, expected a Network such as two_layer_net\(2, 3, 2\), or an",
        ),
        (lambda: draw_net(NET, None, [1]), ValueError, r"y is given without X: call draw\(net, X, y\)"),
        (lambda: draw_net(NET, [[1.0]]), mt.DataError, r"X has shape \(1, 1\)"),
        (lambda: draw_net(NET, X, [1]), mt.DataError, r"y has shape \(1,\), expected one target for each of the 2"),
        (lambda: draw_net(NET, X, [1, 9]), mt.DataError, r"y holds the label 9"),
        (lambda: draw_net(NET, X, sample=2), ValueError, r"sample is 2, expected a whole number from 0 to 1"),
        (lambda: draw_net(NET, X, sample=-1), ValueError, r"sample is -1, expected a whole number from 0 to 1"),
        (lambda: draw_net(NET, X, sample="a"), ValueError, r"sample is 'a', expected a whole number"),
        (lambda: draw_net(NET, X, sample=True), ValueError, r"sample is True, expected a whole number"),
        (lambda: draw_net(normed_net(), [[1.0] * 3], [[1.0] * 2]), ValueError, r"got one number per channel"),
        (lambda: draw_net(mt.MLP(2, [1]), [1.0]), ValueError, r"x has 1 inputs, expected 2"),
        (lambda: draw_net(mt.MLP(2, [1]), [1.0, 2.0], 1), ValueError, r"an MLP has no loss: call loss\.backward\(\)"),
        (lambda: draw_net(mt.MLP(2, [1]), 3.0), ValueError, r"X is 3\.0, expected one sample of numbers"),
        (
            lambda: draw_net(mt.MLP(2, [1]), {5: 1.0, 6: 2.0}),
            ValueError,
            r"X is \{5: 1\.0, 6: 2\.0\}, expected",
        ),
        (
            lambda: draw_net(mt.MLP(2, [1]), ["a", "b"]),
            ValueError,
            r"X is .*, expected one sample of numbers",
        ),
        (lambda: draw_net(mt.MLP(2, [1]), np.zeros((2, 2, 2))), ValueError, r"expected one sample of numbers"),
        (lambda: draw_net(mt.MLP(2, [1]), [1.0, 2.0], sample=5), ValueError, r"sample is 5"),
        (lambda: draw_net(NET, sample=9), ValueError, r"sample is 9"),
        (lambda: draw_net(mt.MLP(2, [])), ValueError, r"net is MLP of \[\], expected at least one layer"),
        (lambda: draw_net(mt.MLP(0, [2, 1])), ValueError, r"expected at least one layer, and at least one input"),
        (lambda: draw_net(mt.MLP(2, [1]), X, sample=2), ValueError, r"sample is 2"),
        (
            lambda: draw_net(mt.Network([mt.Linear(2000, 2000)])),
            ValueError,
            r"the net has 4,002,000 parameters, expected at most 3,000,000: draw a net .* print\(net\.summary\(\)\)",
        ),
        (lambda: draw_net(mt.Network([mt.ReLU()] * 101)), ValueError, r"the net has 101 layers, expected at most 100"),
        (
            lambda: draw_net(mt.Network([mt.ReLU()]), [[0.0] * 150_000]),
            ValueError,
            r"the net has 300,000 outputs of layers for a sample, expected at most 200,000",
        ),
    ],
)
def test_wrong_arguments(call, error, message):
    with pytest.raises(error, match=message):
        call()


SCRIPT = """
import json, sys
for name in ("numpy", "matplotlib", "hypothesis", "scipy", "PIL"):
    sys.modules[name] = None  # importing it fails
from micrograd_tiers.backprop import Step, backprop
from micrograd_tiers.layers import Linear, Sigmoid
from micrograd_tiers.losses import SoftmaxCrossEntropy
from micrograd_tiers.nn import MLP
from micrograd_tiers.tiers import get_tier
from micrograd_tiers.views.nets import draw_net
from micrograd_tiers.views.nets.panels import drawing_of
from micrograd_tiers.views.nets.recording import of_sample, probed
from micrograd_tiers.views.calls import call_of
from micrograd_tiers.views.nets.snapshot import Snapshot, Stage

task = json.load(sys.stdin)
tier, parameters, layers = get_tier("scalar"), task["parameters"], [Linear(2, 3), Sigmoid(), Linear(3, 2)]
names = [[f"{i}.{name}" for name in layer.parameter_shapes()] for i, layer in enumerate(layers)]
steps, probes = probed([Step(*each, parameters, {}, training=True) for each in zip(layers, names)])
losses, sums, _ = backprop(tier.functions, steps, SoftmaxCrossEntropy(), task["X"], (task["y"],), 0.5)
gradients = {name: gradient.value() for name, gradient in sums.items()}
outputs, doutputs = ([of_sample(tier, chunks, 1, 2) for chunks in zip(*each)] for each in
                     (zip(*(p.xs for p in probes)), zip(*(p.dxs for p in probes))))
stages = [Stage("input", (2,), outputs[0], doutputs[0], what="input")]
for i, layer in enumerate(layers):
    own = [{key.split(".")[1]: arrays[key] for key in names[i]} for arrays in (parameters, gradients)]
    shape = (len(outputs[i + 1]),)
    stages.append(Stage(f"{i} {call_of(layer)}", shape, outputs[i + 1], doutputs[i + 1], *own))
drawing = drawing_of(Snapshot(stages, task["about"], task["about_gradients"], "SoftmaxCrossEntropy()", sum(losses) / 2,
                              probabilities=tier.softmax(outputs[-1])[0], label=task["y"][1]))
model = MLP(2, [2, 1])
model([1.0, 2.0]).backward()
assert "circle" in draw_net(model, [1.0, 2.0]).html()
sys.stdout.write(drawing.html())
"""


def test_a_drawing_needs_no_numpy():
    net = mt.two_layer_net(2, 3, 2, tier="scalar")
    X, y = batch(net, 2)
    snapshot = of_network(net, X, y, 1)
    task = {
        "parameters": {name: array.tolist() for name, array in net.state_dict().items()},
        **{"X": X.tolist(), "y": y.tolist(), "about": snapshot.about, "about_gradients": snapshot.about_gradients},
    }
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], input=json.dumps(task), capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout == draw_net(net, X, y, sample=1).html()


def test_the_description_says_what_the_drawing_shows():
    net = mt.two_layer_net(2, 3, 2, seed=1)
    X, y = batch(net)
    drawing = draw_net(net, X, y)
    label = ElementTree.fromstring(drawing.svg()).get("aria-label")
    for number_ in [*net.forward(X)[0], *net.predict_proba(X)[0], net.loss_and_grads(X, y)[0], *X[0]]:
        assert number(number_) in label
    assert "0 Linear(2, 3): 3 units" in label
    assert f"True class {y[0]}" in label


def test_the_rows_of_any_table_are_samples_of_an_mlp():
    pandas = pytest.importorskip("pandas")
    model, rows = mt.MLP(2, [3, 1]), [[5.0, 6.0], [7.0, 8.0]]
    expected = draw_net(model, rows, sample=1).svg()
    for table in (np.array(rows), [np.array(row) for row in rows], pandas.DataFrame(rows, columns=["a", "b"])):
        assert draw_net(model, table, sample=1).svg() == expected


def test_dropout_is_said_to_drop_nothing():
    net = mt.Network([mt.Linear(2, 3), mt.Dropout(0.5), mt.Linear(3, 2)])
    assert "Layers behave as in training, but dropout drops nothing." in draw_net(net, *batch(net)).svg()


def test_a_layer_with_a_single_number_as_weight_is_drawn():
    class Scale(Layer):
        op = "relu"

        def parameter_shapes(self):
            return {"weight": ()}

        def initial(self, name, initializer, rng):
            return 2.0

        def forward(self, tier, x, weight):
            y, (dx,) = tier.relu(x)
            return y, (dx, lambda dy: 0.0 * weight)

    net = mt.Network([mt.Linear(2, 3), Scale(), mt.Linear(3, 2)])
    assert "Scale" in draw_net(net).svg()


@pytest.mark.parametrize(("tier", "dtype", "exact"), BASIC)
@pytest.mark.parametrize("with_targets", [True, False])
def test_the_weights_of_attention_are_drawn_as_a_triangle_for_each_head(tier, dtype, exact, with_targets):
    make, _ = NETS["documents"]
    net = make(tier=tier, dtype=dtype, exact=exact, seed=4)
    X, y = batch(net)
    y = y if with_targets else None
    (i,) = (i for i, layer in enumerate(net.layers) if isinstance(layer, mt.Attention))
    snapshot = of_network(net, X, y, 1)
    drawn = np.array(snapshot.stages[i + 1].parameters["weight"])
    q, k, _ = np.split(np.reshape(snapshot.stages[i].output, (4, 12)), 3, axis=1)
    q, k = (part.reshape(4, 2, 2).transpose(1, 0, 2) for part in (q, k))  # (heads, T, D)
    e = np.tril(np.exp(q @ k.transpose(0, 2, 1) / np.sqrt(2)))
    np.testing.assert_allclose(drawn, e / e.sum(axis=2, keepdims=True), rtol=1e-6)
    titles = [title for title in titles_of(draw_net(net, X, y, sample=1)) if title.startswith("weights of head")]
    assert [title.partition(":")[0] for title in titles] == ["weights of head 0", "weights of head 1"] * (
        1 + with_targets
    )


def test_without_samples_an_attention_has_no_weights_to_draw():
    make, _ = NETS["documents"]
    assert not any("weights of head" in title for title in titles_of(draw_net(make())))
