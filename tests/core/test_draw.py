"""Drawings of graphs of Values: geometry, names, folds, errors."""

import math
import random
import re
import xml.etree.ElementTree as ET
from itertools import combinations

import numpy as np
import pytest
from effort import lines_run
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers import MLP, Neuron, Value
from micrograd_tiers.html import number
from micrograd_tiers.nn import Layer
from micrograd_tiers.views.graph.boxes import graph_of, nodes_of
from micrograd_tiers.views.graph.folding import folds_of, uses_of

SVG = "{http://www.w3.org/2000/svg}"
LABELS = [
    *("", "", "a", "loss of sample 3", "損失関数の値", "👩‍👩‍👧", "e\u0301\u0301\u0301", "\u0301", "<b>&'\""),
    *("x" * 300, "a\nb\x00\t", "\ud800", "لمثال", "❤️🇩🇪"),
]
NUMBERS = [0.0, 1.0, -2.5, 1e300, -1e-300, math.inf, -math.inf, math.nan, 10**400, 5e-324, 123456.789]


# Random graphs: each line of a program computes one Value from earlier ones.


@st.composite
def graphs(draw, most=40):
    n_leaves = draw(st.integers(1, 8))
    leaf = st.builds(Value, st.sampled_from(NUMBERS) | st.floats(-3, 3), label=st.sampled_from(LABELS) | st.text())
    nodes = draw(st.lists(leaf, min_size=n_leaves, max_size=n_leaves))
    near = draw(st.sampled_from([3, 1000]))  # deep or wide
    rng = random.Random(draw(st.integers(0, 2**32)))
    for _ in range(draw(st.integers(0, most))):
        a, b, c = (nodes[-1 - rng.randrange(min(near, len(nodes)))] for _ in "abc")
        made = Value(
            1.5, rng.choices([a, b, c], k=rng.randint(1, 8)), rng.choice(["mine", "長い名前の演算", "op" * 40])
        )
        ways = [lambda a=a, b=b: a + b, lambda a=a: a * a, lambda a=a, b=b: a - b, lambda a=a: -a, lambda m=made: m]
        try:
            nodes.append(rng.choice(ways)())
        except OverflowError:  # an integer too large for a float
            nodes.append(made)
        nodes[-1].grad = rng.choice(NUMBERS)
        nodes[-1].label = rng.choice(LABELS)
    return Value(0.0, [*nodes[-3:], nodes[0]], "all") if draw(st.booleans()) else nodes[-1]


# Geometry of an SVG file.


def overlap(a, b):
    """Return True if two rectangles (left, top, right, bottom) share an area."""
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def points_of(path):
    """Return points along an edge, (N, 2), at most 10 pixels apart."""
    course = path.partition("m")[0]  # without the head
    assert re.fullmatch(r"M[-\d. ]+(H[-\d.]+C[-\d. ]+)*H[-\d.]+", course)
    x, y, *numbers = map(float, re.findall(r"-?\d+\.?\d*", course))
    pieces = []
    t = np.linspace(0, 1, 100)
    for k in range(0, len(numbers), 7):
        end, x1, y1, x2, y2, x3, y3 = [*numbers[k : k + 7], *[0.0] * 6][:7]
        xs = np.linspace(x, end, 2 + int(abs(end - x) / 10))
        pieces.append(np.stack([xs, np.full(len(xs), y)], axis=1))
        if k + 7 <= len(numbers):
            bend = np.array([[end, y], [x1, y1], [x2, y2], [x3, y3]])
            pieces.append(np.stack([(1 - t) ** 3, 3 * (1 - t) ** 2 * t, 3 * (1 - t) * t**2, t**3], axis=1) @ bend)
            x, y = x3, y3
    return np.concatenate(pieces)


class Geometry:
    """Rectangles of boxes and texts, and points of edges."""

    def __init__(self, svg):
        root = ET.fromstring(svg)
        self.width, self.height = float(root.get("width")), float(root.get("height"))
        self.boxes, self.texts, self.edges = {}, [], {}
        x0, y0 = map(float, re.findall(r"[-\d.]+", root.find(f"{SVG}g").get("transform")))
        for group in root.iter(f"{SVG}g"):
            if box := group.get("data-box"):
                dx, dy = map(float, re.findall(r"[-\d.]+", group.get("transform")))
                left, top = x0 + dx, y0 + dy
                frame = group.find(f"{SVG}rect")
                self.boxes[int(box)] = left, top, left + float(frame.get("width")), top + float(frame.get("height"))
                self.texts += [(self.text(t, left, top), int(box)) for t in group.iter(f"{SVG}text")]
            if edge := group.get("data-edge"):
                self.edges[int(edge)] = np.add(points_of(group.find(f"{SVG}path").get("d")), [x0, y0])
                self.texts += [(self.text(t, x0, y0), None) for t in group.iter(f"{SVG}text")]

    @staticmethod
    def text(element, left, top):
        x, y, width = (float(element.get(name)) for name in ("x", "y", "textLength"))
        start = x - {"start": 0, "middle": width / 2, "end": width}[element.get("text-anchor", "start")]
        return left + start, top + y - 10, left + start + width, top + y + 2.5

    def check(self):
        for (a, first), (b, second) in combinations(self.boxes.items(), 2):
            assert not overlap(first, second), (a, b)
        # Sorted by their left sides, rectangles that can overlap are near each other.
        texts = sorted(self.texts)
        for i, (text, box) in enumerate(texts):
            for other, _ in texts[i + 1 :]:
                if other[0] >= text[2]:
                    break
                assert not overlap(text, other), (text, other)
            for k, frame in self.boxes.items():
                inside = frame[0] <= text[0] and text[2] <= frame[2] and frame[1] <= text[1] and text[3] <= frame[3]
                assert inside if k == box else not overlap(text, frame), (text, frame)
        if self.edges:
            x, y = np.concatenate([*self.edges.values()]).T
            assert min(x.min(), y.min()) >= 0
            assert x.max() <= self.width
            assert y.max() <= self.height
            for left, top, right, bottom in self.boxes.values():
                assert not np.any((left + 0.2 < x) & (x < right - 0.2) & (top < y) & (y < bottom))
        return self


@given(graphs())
@examples(60)
def test_no_edge_crosses_a_box_and_no_text_another(value):
    Geometry(mt.draw(value).svg()).check()


@pytest.mark.parametrize("near", [2, 30, 1000])
def test_the_same_with_300_nodes(near):
    rng = random.Random(0)
    nodes = [Value(rng.uniform(-1, 1), label=rng.choice(LABELS)) for _ in range(20)]
    while len(nodes) < 299:
        a, b = rng.choice(nodes[-near:]), nodes[-1] if near > 2 else nodes[-2 - len(nodes) % 15]
        nodes.append(Value(1.0, [a, b, a][: rng.randint(1, 3)], "op"))
    used = {id(operand) for node in nodes for operand in node._prev}
    value = Value(1.0, [node for node in nodes if id(node) not in used], "last")
    assert len(nodes_of(value)) == 300
    Geometry(mt.draw(value).svg()).check()


# Contents.


class Content:
    """Texts of the boxes and the edges of an SVG file."""

    def __init__(self, svg):
        root = ET.fromstring(svg)
        groups = [*root.iter(f"{SVG}g")]
        self.boxes = [[t.text for t in g.iter(f"{SVG}text")] for g in groups if g.get("data-box")]
        self.sentences = [g.find(f"{SVG}title").text for g in groups if g.get("data-box")]
        self.edges = [[t.text for t in g.iter(f"{SVG}text")] for g in groups if g.get("data-edge")]

    def box(self, name):
        (found,) = [box for box in self.boxes if name in box]
        return found


def lecture():
    """The expression of the lecture: L = (a * b + c) * f."""
    a, b, c, f = (Value(x, label=name) for x, name in [(2.0, "a"), (-3.0, "b"), (10.0, "c"), (-2.0, "f")])
    e = a * b
    e.label = "e"
    d = e + c
    d.label = "d"
    L = d * f
    L.label = "L"
    return L


def test_a_box_shows_label_op_data_and_gradient_and_an_edge_the_local_derivative():
    L = lecture()
    L.backward()
    drawing = mt.draw(L)
    content = Content(drawing.svg())
    assert content.box("e") == ["*", "e", "data", "-6", "grad", "-2"]
    assert content.box("a") == ["a", "data", "2", "grad", "6"]
    assert sorted(content.edges) == sorted([["-3"], ["2"], ["1"], ["1"], ["-2"], ["4"]])
    assert "e, * of a (local derivative -3) and b (local derivative 2): data -6, grad -2" in content.sentences
    assert drawing.title == "Graph of L = -8: 7 nodes"
    assert drawing._repr_svg_() == drawing.svg()
    assert drawing.svg() in drawing._repr_html_()


def test_before_backward_gradients_are_zero():
    assert all(box[-2:] == ["grad", "0"] for box in Content(mt.draw(lecture()).svg()).boxes)


@given(graphs())
def test_every_node_is_drawn_once_with_its_numbers_and_nothing_changes(value):
    nodes = nodes_of(value)
    before = [part for node in nodes for part in (node.data, node.grad, node.label, *node._prev)]
    content = Content(mt.draw(value, names={"here": nodes}).svg())
    after = [part for node in nodes for part in (node.data, node.grad, node.label, *node._prev)]
    assert all(x is y for x, y in zip(before, after, strict=True))
    assert len(content.boxes) == len(nodes)
    assert len(content.edges) == sum(len(node._prev) for node in nodes)
    for node, box in zip(nodes, content.boxes, strict=True):
        if abs(node.data) < 10**308:  # larger integers are no floats
            assert box[box.index("data") + 1] == number(node.data)
    known = [node for node in nodes if node._x is not None]
    assert len([texts for texts in content.edges if texts]) == sum(len(node._prev) for node in known)


def test_the_same_operand_twice_has_two_edges():
    x = Value(3.0, label="x")
    assert Content(mt.draw(x * x).svg()).edges == [["3"], ["3"]]


def test_one_value_alone_is_drawn():
    assert Content(mt.draw(Value(10**400)).svg()).boxes == [["data", "1.000e+400", "grad", "0"]]


def test_a_backward_by_hand_has_no_known_local_derivative():
    x, y = Value(2.0), Value(5.0)
    out = Value(x.data * y.data, (x, y), "mine")
    out._backward = lambda: None
    assert Content(mt.draw(out).svg()).edges == [[], []]


def test_a_chain_of_300_nodes_is_drawn():
    value = Value(1.0)
    for _ in range(299):
        value = -value
    assert len(Content(mt.draw(value).svg()).boxes) == 300


def test_200_nodes_are_drawn_without_a_search_through_all_orders():
    def random_graph(near):
        rng = random.Random(near)
        nodes = [Value(0.1) for _ in range(20)]
        for _ in range(180):
            nodes.append(nodes[-1] + rng.choice(nodes[-near:]))
        return nodes[-1]

    graphs = [MLP(4, [5, 4])([1.0] * 4)[0], random_graph(10), random_graph(60)]
    assert all(lines_run(mt.draw, value) < 2_000_000 for value in graphs)  # a fifth of a second


# Names.


def test_names_label_what_has_no_label():
    x, w, b = [Value(2.0), Value(0.0)], [Value(-3.0), Value(1.0, label="second")], Value(6.9)
    pair = w[0] * x[0], w[1] * x[1]
    matrix = np.array([[Value(1.0)]], dtype=object)
    _hidden = again = b
    out = (pair[0] + pair[1] + b + matrix[0, 0]).tanh()
    names = {"number": 3, "text": "x", "big": [0.0] * 2000, "loop": (loop := []), **locals()}
    loop.append(loop)
    content = Content(mt.draw(out, names=names).svg())
    named = {box[-5] for box in content.boxes if len(box) > 4 and box[-5] not in "*+"}
    assert named == {"x[0]", "x[1]", "w[0]", "second", "b", "pair[0]", "pair[1]", "matrix[0][0]", "out"}
    assert again.label == ""


def test_names_reach_the_parameters_of_a_net():
    neuron = Neuron(1, rng=random.Random(0))
    text = mt.draw(neuron([2.0]), names={"n": neuron}).svg()
    assert ">n.w[0]</text>" in text
    assert ">n.b</text>" in text


def test_labels_are_escaped_in_every_form(tmp_path):
    drawing = mt.draw(Value(1.0, label="<script>alert(1)</script>'\"") + 1)
    drawing.save(tmp_path / "graph.html")
    drawing.save(tmp_path / "graph.svg")
    for text in (drawing.html(), (tmp_path / "graph.html").read_text(), (tmp_path / "graph.svg").read_text()):
        assert "<script>alert" not in text
    ET.parse(tmp_path / "graph.svg")


# Folds.


def test_the_neurons_of_a_net_fold_into_one_box_each():
    model = MLP(3, [4, 4, 1], rng=random.Random(1))
    x = [Value(2.0), Value(3.0), Value(-1.0)]
    out = model(x)
    out.backward()
    drawing = mt.draw(out, names={"x": x}, fold=model)
    content = Content(drawing.svg())
    assert len(content.boxes) == 3 + 9
    hidden = model.layers[1].neurons[2]
    # 4 weights, 4 products, 4 sums and a bias
    assert content.box("layer 2, neuron 3")[1:] == [
        "data", number(_activation(hidden, model.layers[0](x))), *content.box("layer 2, neuron 3")[3:5],
        "13 nodes inside",
    ]  # fmt: skip
    assert len(content.edges) == 3 * 4 + 4 * 4 + 4
    assert drawing.html().count("<details>") == 9
    Geometry(drawing.svg()).check()
    assert "<a " not in drawing.svg()
    (inside,) = re.findall(r"<summary>layer 3, neuron 1 .*?(<svg.*?</svg>)", drawing.html())
    Geometry(inside).check()
    names = {box[0] for box in Content(inside).boxes}
    assert names == {"+", "*", "b", *(f"w[{i}]" for i in range(4)), *(f"layer 2, neuron {i + 1}" for i in range(4))}


def _activation(neuron, x):
    return neuron(x).data


@given(st.integers(1, 3), st.integers(1, 3), st.booleans(), st.integers(0, 1000))
@examples(15)
def test_the_derivatives_on_edges_into_folded_neurons_are_those_of_their_outputs(n_inputs, n_samples, nonlin, seed):
    rng = random.Random(seed)
    neuron = Neuron(n_inputs, nonlin, rng=rng)
    samples = [[Value(rng.uniform(-2, 2), label=f"x{i}{k}") for k in range(n_inputs)] for i in range(n_samples)]
    outs = [neuron(x) for x in samples]
    total = Value(0.0)
    for out in outs:
        total = total + out * out
    content = Content(mt.draw(total, fold=neuron).svg())
    slopes = []
    for out, x in zip(outs, samples, strict=True):
        out.backward()
        slopes += [number(each.grad) for each in x]
    into = [sentence for sentence in content.sentences if sentence.startswith("neuron")]
    assert len(into) == n_samples
    assert sorted(re.findall(r"local derivative (\S+)\)", " ".join(into))) == sorted(slopes)


@given(graphs(), st.integers(0, 2**32))
def test_folds_of_any_nodes_leave_a_right_drawing(value, seed):
    nodes, rng = nodes_of(value), random.Random(seed)
    drawing = mt.draw(value, fold=rng.choices(nodes, k=3))
    hidden = 0
    for k, svg in enumerate(re.findall(r"<svg.*?</svg>", drawing.html())):
        Geometry(svg).check()
        content = Content(svg)
        hidden += sum(int(box[-1].split()[0]) for box in content.boxes if "inside" in box[-1])
        if k == 0:
            assert len(content.boxes) + hidden == len(nodes)


@given(st.integers(0, 2**32))
@examples(60)
def test_the_chain_rule_holds_across_folded_boxes(seed):
    rng = random.Random(seed)
    nodes = [Value(rng.uniform(-2, 2), label=f"leaf {i}") for i in range(3)]
    for i in range(12):
        a, b = rng.choices(nodes[-6:], k=2)
        nodes.append(rng.choice([a + b, a * b, a - b, a.tanh()]))
        nodes[-1].label = f"node {i}"
    value = nodes[-1]
    value.backward()
    used = nodes_of(value)
    graph = graph_of(used, folds_of(rng.choices(used, k=3), uses_of(used, {*used}), {}), {})
    grads = dict.fromkeys(range(len(graph.boxes)), 0.0)
    grads[0] = 1.0
    for edge in graph.edges:  # by target, the result first
        grads[edge.source] += edge.local * grads[edge.target]
    assert all(math.isclose(grads[i], box.value.grad, abs_tol=1e-9) for i, box in enumerate(graph.boxes))


def test_weights_that_something_else_uses_stay_outside():
    neuron = Neuron(2, rng=random.Random(0))
    out = neuron([1.0, 2.0]) + neuron([3.0, 4.0]) + sum(w * w for w in neuron.w)
    content = Content(mt.draw(out, names={"w": neuron.w}, fold=neuron).svg())
    assert content.box("w[0]")
    assert len([box for box in content.boxes if "neuron" in box]) == 2
    # Folded, too, what else uses them hides them again.
    penalty = out._prev[1]
    content = Content(mt.draw(out, names={"w": neuron.w, "penalty": penalty}, fold=[neuron, penalty]).svg())
    assert not [box for box in content.boxes if "w[0]" in box]
    assert content.box("penalty")[-1] == "4 nodes inside"


def test_a_partial_sum_that_is_used_elsewhere_is_not_folded():
    neuron = Neuron(1, nonlin=False)
    out = neuron([2.0])
    product = out._prev[1]
    with pytest.raises(ValueError, match="no neuron in the graph"):
        mt.draw(out * product, fold=neuron)


def test_a_value_folds_all_that_only_it_depends_on():
    L = lecture()
    d, f = L._prev
    shared = d * f
    content = Content(mt.draw(L, fold=d).svg())
    assert [box[0] for box in content.boxes] == ["*", "f", "d"]
    assert content.box("d")[-1] == "4 nodes inside"
    assert [box for box in Content(mt.draw(L + f, fold=L).svg()).boxes if "f" in box]
    assert shared is not L
    same = Content(mt.draw(L, fold=[L._prev[1]]).svg())  # a leaf hides nothing
    assert len(same.boxes) == 7


def test_folds_inside_of_folds_open_as_well():
    model, x = MLP(2, [2, 1], rng=random.Random(0)), [Value(1.0, label="x0"), Value(2.0, label="x1")]
    out = model(x)
    loss = (out - 1.0) ** 2
    loss.label = "loss"
    html = mt.draw(loss, fold=[loss, model]).html()
    ids = re.findall(r"<div id='([^']+)'", html)
    assert len(ids) == len({*ids}) == 4  # the loss, and inside of it the three neurons
    assert {*re.findall(r"<a href='#([^']+)'", html)} == {*ids}


def test_outputs_fold_with_the_shared_weights_of_the_neurons_inside():
    model = MLP(2, [2, 1], rng=random.Random(0))
    outs = [model([1.0, 2.0]), model([3.0, 4.0]), model([5.0, 6.0])]
    drawing = mt.draw(outs[0] + outs[1] + outs[2], names={"model": model, "outs": outs}, fold=[model, *outs])
    assert sorted(box[0] for box in Content(drawing.svg()).boxes) == ["+", "+", "outs[0]", "outs[1]", "outs[2]"]
    assert drawing.html().count("<details>") == 3 + 9
    for svg in re.findall(r"<svg.*?</svg>", drawing.html()):
        assert len(Content(svg).boxes) < 13


def test_classes_built_like_those_of_the_lecture_fold_too():
    class OwnNeuron:
        def __init__(self, n):
            self.w, self.b = [Value(0.1 * i + 0.2) for i in range(n)], Value(0.3)

        def __call__(self, x):
            return sum((wi * xi for wi, xi in zip(self.w, x, strict=True)), self.b).tanh()

        def parameters(self):
            return [*self.w, self.b]

    class OwnLayer:
        def __init__(self, n_in, n_out):
            self.neurons = [OwnNeuron(n_in) for _ in range(n_out)]

        def __call__(self, x):
            return [neuron(x) for neuron in self.neurons]

        def parameters(self):
            return [p for neuron in self.neurons for p in neuron.parameters()]

    layer = OwnLayer(3, 2)
    content = Content(mt.draw(sum(layer([1.0, 2.0, 3.0])), fold=layer).svg())
    assert [box[0] for box in content.boxes if "inside" in box[-1]] == ["neuron 1", "neuron 2"]


# Errors.


def test_too_large_a_graph_names_folding():
    model = MLP(10, [20, 20, 1], rng=random.Random(0))
    out = model([1.0] * 10)
    n = len(nodes_of(out))
    message = rf"the graph of value has {n:,} nodes; at most 300 are drawn: fold .*mt\.draw\(value, fold=model\)"
    with pytest.raises(ValueError, match=message):
        mt.draw(out)
    assert len(Content(mt.draw(out, fold=model).svg()).boxes) == 41
    wide = MLP(300, [2, 1], rng=random.Random(0))
    drawing = mt.draw(wide([1.0] * 300), fold=wide)
    assert "More than 300 nodes are not drawn" in drawing.html()
    with pytest.raises(ValueError, match=r"boxes after folding; at most 300 are drawn"):
        mt.draw(wide([1.0] * 300), fold=wide.layers[1])


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"fold": 3}, TypeError, "fold holds 3, expected Values or nets"),
        ({"fold": Value(1.0)}, ValueError, "fold holds Value.*, which is not a node of the graph"),
        ({"fold": MLP(2, [1])}, ValueError, "fold holds MLP.*, which has no neuron in the graph"),
        ({"names": ["a"]}, TypeError, r"names is \['a'\], expected a dict .*names=locals\(\)"),
        ({"X": [[1.0]]}, TypeError, "X and y go with a net"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        mt.draw(lecture(), **arguments)


@pytest.mark.parametrize("thing", [3.0, "a", None, [1.0], Value])
def test_other_things_cannot_be_drawn(thing):
    with pytest.raises(TypeError, match=r"what is .*, expected a Value, a Network or an nn\.MLP"):
        mt.draw(thing)


def test_nets_are_drawn_as_nets():
    assert "graph" not in mt.draw(mt.two_layer_net(2, 3, 2), [[1.0, 2.0]], [0]).title.lower()
    assert mt.draw(MLP(2, [2, 1]), [1.0, 2.0]).svg()
    with pytest.raises(TypeError, match=r"names and fold go with a Value, .*: mt\.draw\(net, X, y\)"):
        mt.draw(MLP(2, [2, 1]), names={})
    with pytest.raises(TypeError, match=r"draw its output: mt\.draw\(output, fold=module\)"):
        mt.draw(Neuron(2))


def test_a_list_of_values_is_refused_with_a_way_out():
    with pytest.raises(TypeError, match=r"draw one of them: mt\.draw\(values\[0\]\)"):
        mt.draw(Layer(2, 2)([1.0, 2.0]))


class Number:
    """A class like that of page 2 of the walkthroughs."""

    def __init__(self, data, _prev=(), slopes=()):
        self.data, self.grad, self._prev, self.slopes = data, 0.0, _prev, slopes

    def __add__(self, other):
        return Number(self.data + other.data, (self, other), (1.0, 1.0))

    def __mul__(self, other):
        return Number(self.data * other.data, (self, other), (other.data, self.data))

    def exp(self):
        return Number(math.exp(self.data), (self,), (math.exp(self.data),))


def expression(Class):
    a, b = Class(2.0), Class(-3.0)
    c = a * b
    return (c + a) * (a * a).exp() + c, {"a": a, "b": b, "c": c}


def test_a_class_of_your_own_is_drawn_and_replayed_like_a_value():
    mine, names = expression(Number)
    ours, names_of_ours = expression(Value)
    ours.backward()
    drawn, expected = mt.draw(mine, names=names).svg(), mt.draw(ours, names=names_of_ours).svg()
    texts, wanted = (re.findall(r"<text[^>]*>([^<]*)<", svg) for svg in (drawn, expected))
    ops = {"+", "*", "exp"}
    assert texts.count("f") == sum(text in ops for text in wanted) == 6
    assert {"a", "b", "c"} <= {*texts} & {*wanted}
    steps, expected_steps = (mt.replay(y, names=n).data["right"] for y, n in ((mine, names), (ours, names_of_ours)))
    assert [step.get("grad") for step in steps] == [step.get("grad") for step in expected_steps]
    assert mine.grad == 0.0


def test_micrograds_nodes_are_drawn_without_local_derivatives():
    micrograd = pytest.importorskip("micrograd.engine")
    y = micrograd.Value(2.0) * micrograd.Value(-3.0)
    y.backward()
    texts = re.findall(r"<text[^>]*>([^<]*)<", mt.draw(y).svg())
    assert {"*", "-6", "2", "-3", "1"} <= {*texts}
    with pytest.raises(TypeError, match="its class does not keep local derivatives, expected an attribute `slopes`"):
        mt.replay(y)


def test_a_node_that_is_computed_from_itself_is_refused():
    a = Number(1.0)
    b = a + a
    a._prev = (b,)
    with pytest.raises(ValueError, match="value has a node that is computed from itself"):
        mt.draw(b)


def test_a_deep_graph_of_another_class_is_drawn():
    y = Number(1.0)
    for _ in range(298):
        y = y + y
    assert "299 nodes" in repr(mt.draw(y))


class Awkward:
    """An object that cannot be searched for names."""

    def tolist(self):
        return []

    @property
    def dtype(self):
        raise RuntimeError("no dtype")


def test_objects_that_cannot_be_searched_for_names_are_skipped():
    a = Value(2.0)
    assert ">a<" in mt.draw(a * 3, names={"awkward": Awkward(), "big": None, "a": a}).svg()


def test_large_lists_are_not_searched_to_the_end():
    value = Value(2.0) * 3
    rows = np.random.default_rng(0).random((150, 784)).tolist()
    small, large = (lines_run(mt.draw, value, names={"data": rows[:n]}) for n in (100, 150))
    assert large - small < 50 * 784 * 3  # to search a number takes 12 lines, to skip it 1


@pytest.mark.parametrize("grad", [np.float64(0.5), np.array(0.5), 1, None, Number(0.5)])
def test_gradients_of_other_classes_may_be_any_number(grad):
    a = Number(2.0)
    a.grad = grad
    assert f"grad {'0' if grad is None else '1' if grad == 1 else '0.5'}" in mt.draw(a + a).svg()


def test_neurons_of_other_classes_fold():
    class Neuron:
        def __init__(self, n):
            self.w, self.b = [Number(0.5) for _ in range(n)], Number(0.1)

        def __call__(self, x):
            total = self.b
            for w, xi in zip(self.w, x, strict=True):
                product = w * xi
                product._op, total = "*", total + product
                total._op = "+"
            return total

    neuron = Neuron(3)
    x = [Number(float(i)) for i in range(3)]
    y = neuron(x)
    drawing = mt.draw(y * y, fold=neuron, names={"x": x})
    assert "8 nodes inside" not in drawing.svg()
    assert "9 nodes inside" in drawing.svg()
    assert all(f"x[{i}]" in drawing.svg() for i in range(3))
    assert mt.draw(y * y, fold=[y]).below


def test_a_drawing_with_folds_may_stand_twice_in_a_notebook():
    model = MLP(2, [2, 1], rng=random.Random(0))
    score = model([1.0, 2.0])
    first, second = (mt.draw(score, fold=model).html() for _ in range(2))
    ids, others = ({*re.findall(r"id='([^']+)'", html)} for html in (first, second))
    assert ids
    assert not ids & others
    assert ids == {*re.findall(r"href='#([^']+)'", first)}
