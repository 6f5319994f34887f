"""One training step, recorded: the numbers are those of training, formulas agree with the tiers, bugs are located."""

import html
import math
import operator
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import micrograd_tiers as mt
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import TIERS
from micrograd_tiers.tiers.registry import OPS
from micrograd_tiers.views.step.again import again
from micrograd_tiers.views.step.alignment import SideBySide, compare
from micrograd_tiers.views.step.formulas import formulas_of
from micrograd_tiers.views.step.front import recorded
from micrograd_tiers.views.step.page import step_page
from micrograd_tiers.views.step.recorder import Recorder
from micrograd_tiers.views.step.sources import lines_at_work, of_update, source_of
from micrograd_tiers.views.step.updates import update_formulas
from micrograd_tiers.views.step.words import sentence_of

PACKAGE = Path(mt.__file__).parent
OPTIMIZERS = [
    mt.SGD(0.3), mt.SGD(0.3, weight_decay=0.1), mt.SGD(0.3, momentum=0.9), mt.SGD(0.3, momentum=0.9, weight_decay=0.1),
    mt.SGD(0.3, momentum=0.9, nesterov=True, weight_decay=0.1), mt.RMSprop(), mt.RMSprop(0.1, weight_decay=0.1),
    mt.Adam(0.1), mt.Adam(0.1, weight_decay=0.1), mt.AdamW(0.1), mt.AdamW(0.1, weight_decay=0.0),
]  # fmt: skip
IMAGES = [
    mt.Conv2d(1, 2, 3, stride=2, padding=1), mt.ReLU(), mt.MaxPool2d(2, 1), mt.Conv2d(2, 3, 2, bias=False), mt.ELU(0.5),
    mt.AvgPool2d(2, 1), mt.Flatten(), mt.Dropout(0.4), mt.Linear(3, 3), mt.Tanh(), mt.Linear(3, 3, bias=False),
]  # fmt: skip
NORMALIZED = [
    mt.Conv2d(1, 2, 3, stride=2, bias=False), mt.BatchNorm2d(2), mt.Sigmoid(), mt.Flatten(), mt.Linear(8, 3),
    mt.BatchNorm1d(3),
]  # fmt: skip

DOCUMENTS = [
    mt.Embedding(5, 4), mt.Position(5, 4), mt.LayerNorm(4),
    *mt.residual(mt.RMSNorm(), mt.Project(4, 12), *mt.residual(mt.SquaredReLU()), mt.Attention(2), mt.Dropout(0.3)),
    *mt.residual(mt.ReLU()), mt.Project(4, 5),
]  # fmt: skip
TOKENS, NEXT = [[0, 3, 3, 1], [4, 2, -1, -1], [3, 0, 3, 3]], [[3, 3, 1, 2], [2, -1, -1, -1], [-1, -1, 0, -1]]


def images(n=3, size=8):
    return np.random.default_rng(1).standard_normal((n, 1, size, size))


def trained(net, X, y):
    """Return the net after some steps, so that biases are not 0."""
    mt.fit(net, X, y, optimizer=mt.SGD(0.5), batch_size=len(X), epochs=3)
    return net


def recorded_nets():
    """Yield recordings that hold every op of a training step, with a name."""
    rng = np.random.default_rng(2)
    X = rng.standard_normal((5, 4))
    smoothed = mt.SoftmaxCrossEntropy(smoothing=0.1)
    weighted = mt.SoftmaxCrossEntropy(class_weights=[1, 2, 0.5])
    losses = [
        (mt.SoftmaxCrossEntropy(), 3, rng.integers(0, 3, 5)),
        (weighted, 3, rng.integers(0, 3, 5)),
        (smoothed, 3, rng.integers(0, 3, 5)),
        (smoothed, 3, rng.dirichlet(np.ones(3), 5)),
        (mt.BinaryCrossEntropy(), 2, rng.random((5, 2))),
        (mt.MeanSquaredError(), 2, rng.standard_normal((5, 2))),
        (mt.MeanAbsoluteError(), 2, rng.standard_normal((5, 2))),
        (mt.Hinge(), 1, rng.choice([-1, 1], 5)),
    ]
    for i, (loss, n_outputs, y) in enumerate(losses):
        net = trained(mt.Network([mt.Linear(4, 3), mt.Sigmoid(), mt.Linear(3, n_outputs)], loss, seed=3), X, y)
        for tier in TIERS:
            yield f"loss {i}, {tier}", recorded(net, X, y, mt.SGD(), tier)
    for layers, tiers in ((IMAGES, TIERS), (NORMALIZED, ["tensor"])):
        X, y = images(3, 8 if layers is IMAGES else 5), [0, 2, 1]
        net = trained(mt.Network(layers, smoothed, seed=3), X, y)
        for tier in tiers:
            yield f"{len(layers)} layers, {tier}", recorded(net, X, y, mt.SGD(), tier)
    net = mt.Network(DOCUMENTS, "next_token_loss", init="normal:0.5", seed=3)
    for tier in TIERS:
        yield f"documents, {tier}", recorded(net, TOKENS, NEXT, mt.SGD(), tier)


RECORDED = dict(recorded_nets())


# The numbers are those of training.


@given(
    st.lists(st.integers(1, 4), min_size=2, max_size=4),
    st.sampled_from(["sigmoid", "tanh", "relu", "elu"]),
    st.sampled_from(["softmax_cross_entropy", "mean_squared_error", "mean_absolute_error"]),
    st.integers(1, 5),
    st.booleans(),
    st.integers(0, 1000),
)
def test_recorded_numbers_are_those_of_loss_and_grads_to_the_last_bit(sizes, activation, loss, n, exact, seed):
    rng = np.random.default_rng(seed)
    X, y = rng.standard_normal((n, sizes[0])), rng.integers(0, sizes[-1], n)
    y = y if loss == "softmax_cross_entropy" else np.eye(sizes[-1])[y]
    for tier in TIERS:
        net = mt.mlp(sizes, activation, loss=loss, tier=tier, exact=exact, seed=seed)
        recording = recorded(net, X, y, mt.SGD(), tier)
        expected_loss, grads = net.loss_and_grads(X, y)
        assert recording.arrays["L"] == expected_loss
        for name, gradient in grads.items():
            assert recording.arrays[f"gradient of {name}"] == gradient.tolist()


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_float32_weights_and_dropout_masks_are_those_of_training(dtype):
    net, X, y = mt.Network(IMAGES, dtype=dtype, seed=1), images().astype(dtype), [0, 1, 2]
    recording = recorded(net, X, y, mt.SGD(), "tensor", seed=7)
    masks = net.draw_noise(X.shape, np.random.default_rng(7))
    x, targets = net.tier.asarray(X, dtype), net.tier_targets(net.check_targets(y, 3, shape=X.shape[1:]))
    loss, grads, _ = net.backprop(x, targets, noise=[mask.astype(dtype) for mask in masks])
    assert recording.arrays["L"] == loss
    assert {name: recording.arrays[f"gradient of {name}"] for name in grads} == {
        k: g.value().tolist() for k, g in grads.items()
    }


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("tier", TIERS)
def test_recorded_numbers_of_documents_are_those_of_loss_and_grads_to_the_last_bit(tier, exact):
    net = mt.gpt(
        5,
        features=4,
        heads=2,
        length=4,
        n_blocks=2,
        norm="layer_norm",
        activation="squared_relu",
        tier=tier,
        exact=exact,
    )
    recording = recorded(net, TOKENS, NEXT, mt.SGD(), net.tier)
    loss, grads = net.loss_and_grads(TOKENS, NEXT)
    assert recording.arrays["L"] == loss
    for name, gradient in grads.items():
        assert recording.arrays[f"gradient of {name}"] == gradient.tolist()


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_new_weights_are_those_of_a_training_step(optimizer, tier):
    net, X, y = mt.two_layer_net(2, 3, 2, tier=tier), np.random.default_rng(0).standard_normal((4, 2)), [0, 1, 1, 0]
    before = net.state_dict()
    recording = recorded(net, X, y, optimizer, tier)
    for name, weights in net.state_dict().items():
        np.testing.assert_array_equal(weights, before[name])  # not changed
    optimizer.step(net, net.loss_and_grads(X, y)[1], {})
    for name, weights in net.state_dict().items():
        assert recording.arrays[f"new of {name}"] == weights.tolist()


def test_a_frozen_layer_gets_no_gradient_and_no_update():
    net = mt.two_layer_net(2, 3, 2)
    net.freeze(0)
    parts = recorded(net, [[1, 2]], [1], mt.SGD(), "scalar").parts
    assert not [part for part in parts if part.layer == 0 and part.part != "value"]
    assert [part.part for part in parts if part.op == "update"] == ["2.weight", "2.bias"]


def test_the_scalar_tier_is_recorded_and_shown_without_numpy():
    script = """
import sys
for name in ("numpy", "matplotlib", "hypothesis", "scipy", "PIL"):
    sys.modules[name] = None  # importing it fails
from micrograd_tiers.backprop import Step
from micrograd_tiers.layers import Linear, Sigmoid
from micrograd_tiers.losses import SoftmaxCrossEntropy
from micrograd_tiers.optimizers import Adam
from micrograd_tiers.tiers import get_tier
from micrograd_tiers.views.step.alignment import SideBySide
from micrograd_tiers.views.step.page import step_page
from micrograd_tiers.views.step.recording import record

parameters = {"0.weight": [[0.5, -1.0], [1.0, 2.0]], "0.bias": [0.1, 0.2]}
layers = [Linear(2, 2), Sigmoid()]
names = [("0.weight", "0.bias"), ()]
steps = [Step(layer, of, parameters, {}, training=True) for layer, of in zip(layers, names)]
functions = get_tier("scalar").functions
recording = record(
    "scalar", functions, steps, SoftmaxCrossEntropy(), parameters, [[1.0, 2.0], [0.5, 1.0]], ([0, 1],), Adam()
)
page = step_page(SideBySide([recording])).html()
print(recording.arrays["L"], recording.arrays["gradient of 0.bias"], "linear" in page, parameters["0.bias"])
"""
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    net = mt.Network([mt.Linear(2, 2), mt.Sigmoid()], tier="scalar")
    net.load_state_dict({"0.weight": [[0.5, -1.0], [1.0, 2.0]], "0.bias": [0.1, 0.2]})
    loss, grads = net.loss_and_grads([[1.0, 2.0], [0.5, 1.0]], [0, 1])
    assert result.stdout.strip() == f"{loss} {grads['0.bias'].tolist()} True [0.1, 0.2]"


# Formulas.


class Numbers:
    """An array whose elements a formula reads: 0 outside; [...] is the element at the place of the result."""

    def __init__(self, values, place):
        self.values, self.place = np.array(values), place

    def __getitem__(self, index):
        if index is ...:
            return self.values.reshape(-1)[self.place]
        index = index if isinstance(index, tuple) else (index,)
        inside = all(0 <= i < size for i, size in zip(index, self.values.shape, strict=True))
        return self.values[index] if inside else 0.0


def largest(*numbers):
    return max(*numbers) if len(numbers) > 1 else max(*numbers[0])


FUNCTIONS = {name: getattr(math, name) for name in ("exp", "log", "tanh", "sqrt")} | {
    "sign": np.sign, "max": largest, "place_of_max": lambda numbers: int(np.argmax([*numbers])),
}  # fmt: skip


def evaluated(formula, sizes, settings, arrays, shape):
    """Return the array that a formula gives, element by element."""
    result = np.empty(shape)
    letters = re.findall(r"\w+", formula.left.partition("[")[2])
    for place, index in enumerate(np.ndindex(shape)):
        names = {name: Numbers(values, place) if np.ndim(values) else values for name, values in arrays.items()}
        result[index] = eval(
            formula.right,
            FUNCTIONS | {"constant": False} | settings | sizes | names | dict(zip(letters, index, strict=False)),
        )
    return result


def formulas_and_arrays(recording):
    """Yield each part with its formulas, and the sizes, settings and arrays that they use."""
    for part in recording.parts:
        arrays = {name: recording.arrays[key] for name, key in {**part.inputs, **part.outputs}.items()}
        if part.op == "update":
            yield part, update_formulas(part.function), {}, arrays
            continue
        first = next(iter(arrays.values()))
        shapes, formulas = formulas_of(part.op, part.outputs, np.ndim(first), "weight" in part.inputs)
        known = {name: letters.split() for name, letters in shapes.items() if name in arrays}
        sizes = {k: n for name, ks in known.items() for k, n in zip(ks, np.shape(arrays[name]), strict=True)}
        yield part, formulas, sizes, arrays


@pytest.mark.parametrize("name", RECORDED)
def test_formulas_give_the_recorded_numbers(name):
    for part, formulas, sizes, arrays in formulas_and_arrays(RECORDED[name]):
        assert [formula.name for formula in formulas] == [*part.outputs], part.place
        for formula in formulas:
            result = np.array(arrays[formula.name])
            by_formula = evaluated(formula, sizes, part.settings, arrays, result.shape)
            scale = max(
                np.abs(result).max(), *(np.abs(array).max(initial=0) for array in map(np.array, arrays.values()))
            )
            np.testing.assert_allclose(by_formula, result, rtol=1e-10, atol=1e-13 * scale, err_msg=f"{part.place}")


def test_every_part_of_every_op_has_a_formula_that_was_tested_and_a_sentence():
    tested = {(part.op, part.part) for recording in RECORDED.values() for part in recording.parts}
    for row in OPS:
        assert {(row.name, part) for part in row.parts} <= tested | {("softmax", "value"), ("softmax", "dlogits")}
    for recording in RECORDED.values():
        assert all(map(sentence_of, recording.parts))


@pytest.mark.parametrize("tier", TIERS)
def test_formulas_of_softmax(tier):
    functions = mt.get_tier(tier).functions
    rows = np.array([[0.5, -1.0, 2.0]])
    recorder = Recorder(functions, {}, ["x"], [])
    for (x,) in recorder.chunks(functions.asarray(rows)):
        _, (dlogits,) = recorder.softmax(x)
        dlogits(functions.asarray([1.0, 2.0, 4.0]) if tier != "tensor" else functions.asarray([[1.0, 2.0, 4.0]]))
    (log,) = recorder.logs
    for event in log.events:
        keys = {**event.inputs, **event.outputs}
        arrays = {name: np.atleast_2d(log.arrays[key]) for name, key in keys.items()}
        _, (formula,) = formulas_of("softmax", event.outputs)
        by_formula = evaluated(formula, {"C": 3}, {}, arrays, (1, 3))
        np.testing.assert_allclose(by_formula, arrays[formula.name], rtol=1e-12)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_formulas_of_optimizers(optimizer):
    net = mt.two_layer_net(2, 3, 2)
    recording = recorded(net, [[0.5, -2.0], [1.0, 3.0]], [0, 1], optimizer, "scalar")
    for part, formulas, _, arrays in formulas_and_arrays(recording):
        for formula in formulas if part.op == "update" else []:
            result = np.array(arrays[formula.name])
            np.testing.assert_allclose(evaluated(formula, {}, part.settings, arrays, result.shape), result, rtol=1e-12)


# Residual connections.


class Twice(mt.Layer):
    """A layer that adds by itself, which is no addition of a residual connection."""

    op = "reshape"

    def forward(self, tier, x, *arrays):
        return tier.elementwise(operator.add, x, x), (lambda dy: tier.elementwise(operator.add, dy, dy),)


@pytest.mark.parametrize("tier", TIERS)
def test_where_numbers_are_copied_gradients_are_added_and_the_other_way_round(tier):
    branch = [Twice(), *mt.residual(Twice(), mt.RMSNorm()), Twice()]
    layers = [mt.Embedding(5, 4), *mt.residual(*branch), mt.Project(4, 5)]
    recording = recorded(mt.Network(layers, "next_token_loss"), TOKENS, NEXT, mt.SGD(), tier)
    ends = [part for part in recording.parts if part.op in ("fork", "join")]
    order = [("fork", 1), ("fork", 3), ("join", 6), ("join", 8)]
    assert [(part.op, part.layer, part.part) for part in ends] == [
        *((op, layer, "value") for op, layer in order), *((op, layer, "dx") for op, layer in reversed(order))
    ]  # fmt: skip
    arrays = [{name: np.array(recording.arrays[key]) for name, key in {**p.inputs, **p.outputs}.items()} for p in ends]
    for k, (begin, end) in enumerate([(0, 3), (1, 2)]):
        np.testing.assert_array_equal(arrays[end]["copy"], arrays[begin]["x"])
        np.testing.assert_array_equal(arrays[end]["y"], arrays[end]["x"] + arrays[begin]["x"])
        join, fork = arrays[4 + k], arrays[7 - k]
        np.testing.assert_array_equal(fork["dx"], fork["dy"] + join["dy"])
        assert ends[4 + k].outputs["dcopy"] == ends[7 - k].inputs["dcopy"]
    page = step_page(SideBySide([recording]))
    shown = [
        [page.data["sources"][code["source"]][2][line].strip() for code in step["code"] for line in code["lines"]]
        for step in page.data["steps"] if "join: y" in step["title"] or "fork: dL/dx" in step["title"]
    ]  # fmt: skip
    added = ["x = tier.elementwise(add, x, copies.pop())", "dy = tier.elementwise(add, dy, copies.pop())"]
    assert [lines[1] for lines in shown] == [added[0], added[0], added[1], added[1]]


def test_every_array_of_a_step_has_at_most_one_gradient_and_each_copy_has_its_own():
    data = step_page(SideBySide([RECORDED["documents, tensor"]])).data
    gradients = [array["gradient"] for array in data["arrays"] if array["gradient"] is not None]
    assert len({*gradients}) == len(gradients)
    outputs = [array for array in data["arrays"] if re.match(r"(output|copy|scores) of layer", array["label"])]
    assert [array["label"] for array in outputs if array["gradient"] is None] == []


@pytest.mark.parametrize(
    ("returned", "text"), [("arrays[0]", "largest difference from scalar"), ("None", "the value of join is None")]
)
def test_a_tier_that_adds_wrongly_is_shown_at_the_join(tmp_path, returned, text):
    op = f"elementwise(f, *arrays):\n    return {returned} if len(arrays) == 2 else vector.elementwise(f, *arrays)"
    net, mine = mt.Network(DOCUMENTS, "next_token_loss"), with_vector_op(tmp_path, op)
    side = SideBySide([recorded(net, TOKENS, NEXT, mt.SGD(), tier) for tier in (*TIERS, mine)])
    i, tier = side.first
    assert (tier, side.reference.parts[i].place) == (3, ("join", "value", 8))
    assert text in warning_of(step_page(side))


def test_weights_of_attention_add_up_to_1_over_the_past():
    (part,) = [p for p in RECORDED["documents, tensor"].parts if (p.op, p.part) == ("attention", "value")]
    p = np.array(RECORDED["documents, tensor"].arrays[part.outputs["p"]])
    assert p.shape == (3, 2, 4, 4)
    np.testing.assert_allclose(p.sum(axis=-1), 1, rtol=1e-12)
    np.testing.assert_array_equal(p, np.tril(p))


# Comparison of the tiers.


def of(activation="sigmoid", loss="softmax_cross_entropy", n_outputs=2):
    """Return a net whose biases are not 0, samples and targets."""
    rng = np.random.default_rng(5)
    X, y = rng.standard_normal((4, 2)), np.array([0, 1, 1, 0])
    net = mt.mlp([2, 3, n_outputs], activation, loss=loss, seed=5)
    y = {"values": np.eye(2)[y], "fractions": np.eye(2)[y], "signs": 2 * y - 1}.get(net.loss.targets, y)
    return trained(net, X, y), X, y


LOCATED = {  # bugs of different ops: the net that shows them, and the layer in which it has the op
    "linear_bias_missing": (of(), 0),
    "linear_dweight_of_sums": (of(), 2),
    "linear_dbias_averaged": (of(), 2),
    "linear_dx_averaged": (of(), 2),
    "sigmoid_of_minus_x": (of(), 1),
    "sigmoid_derivative_of_tanh": (of(), 1),
    "tanh_derivative_plus": (of("tanh"), 1),
    "relu_leaks": (of("relu"), 1),
    "relu_mask_inverted": (of("relu"), 1),
    "elu_minus_one_missing": (of("elu"), 1),
    "elu_derivative_of_y": (of("elu"), 1),
    "loss_log10": (of(), None),
    "loss_gradient_sign": (of(), None),
    "smoothing_in_loss_not_in_gradient": (of(loss=mt.SoftmaxCrossEntropy(smoothing=0.1)), None),
    "mse_half": (of(loss="mean_squared_error"), None),
    "mae_gradient_sign": (of(loss="mean_absolute_error"), None),
    "bce_gradient_of_the_sum": (of(loss="binary_cross_entropy"), None),
    "hinge_margin_zero": (of(loss="hinge", n_outputs=1), None),
}


def compared(name, net, X, y, tier=None):
    bug = get_bug(name)
    recordings = [recorded(net, X, y, mt.SGD(), tier) for tier in TIERS]
    wrong = recorded(net, X, y, mt.SGD(), bug.tier(tier or bug.tiers()[-1]), name="with the bug")
    return SideBySide([*recordings, wrong])


@pytest.mark.parametrize(("name", "tier"), [(name, tier) for name in LOCATED for tier in get_bug(name).tiers()])
def test_a_bug_is_located_at_its_op_its_part_and_its_line(name, tier):
    bug, (case, layer) = get_bug(name), LOCATED[name]
    side = compared(name, *case, tier)
    i, wrong = side.first
    part = side.recordings[wrong].parts[i]
    assert (wrong, part.place) == (3, (bug.op, bug.part, layer))
    warning = re.search(r"<p class='warning'.*?</p>", step_page(side).html())[0]
    assert "It differs from the right tier in " in warning
    quoted = [html.unescape(line) for line in re.findall("<code>(.*?)</code>", warning)]
    wrong_lines = {line.strip() for file in bug.files() for line in bug.source(file).splitlines()}
    right_lines = {line.strip() for file in bug.files() for line in (PACKAGE / file).read_text().splitlines()}
    assert quoted
    assert {*quoted} <= wrong_lines - right_lines


@pytest.mark.parametrize(
    ("name", "pooling"),
    [
        ("conv2d_bias_missing", mt.AvgPool2d),
        ("conv2d_dbias_averaged_over_positions", mt.AvgPool2d),
        ("avg_pool2d_divided_by_side", mt.AvgPool2d),
        ("max_pool2d_dx_spread_evenly", mt.MaxPool2d),
        ("reshape_column_major", mt.AvgPool2d),
    ],
)
def test_a_bug_of_images_is_located(name, pooling):
    layers = [mt.Conv2d(1, 2, 3, stride=2), mt.Sigmoid(), pooling(2, 1), mt.Flatten(), mt.Linear(8, 3)]
    X, y = images(3, 7), [0, 1, 2]
    bug, side = get_bug(name), compared(name, trained(mt.Network(layers, seed=5), X, y), X, y)
    assert side.reference.parts[side.first[0]].place[:2] == (bug.op, bug.part)


@pytest.mark.parametrize("name", ["chunks_drops_the_last", "asarray_float32"])
def test_a_bug_of_a_support_function_is_not_blamed_on_the_op(name):
    side = compared(name, *of())
    i, tier = side.first
    assert side.differences[tier][i].before
    assert "The mistake is not in this op, but in code around it" in step_page(side).html()


def test_padding_in_the_gradient_of_an_embedding_shows_if_positions_mix():
    net = mt.Network([mt.Embedding(5, 3), mt.Flatten(), mt.Linear(12, 2)])
    side = compared("embedding_padding_in_gradient", net, [[0, 1, 2, 3], [4, 2, -1, -1]], [0, 1])
    assert side.reference.parts[side.first[0]].place == ("embedding", "dweight", 0)


def test_float64_in_a_net_of_float32_is_a_difference():
    net = mt.gpt(5, features=4, heads=2, length=4, norm="layer_norm", dropout=0.2, dtype="float32")
    assert SideBySide([recorded(net, TOKENS, NEXT, mt.SGD(), tier) for tier in TIERS]).first is None
    for tier in ("vector", "tensor"):
        side = compared("attention_root_is_float64", net, TOKENS, NEXT, tier)
        i, wrong = side.first
        difference = side.differences[wrong][i]
        assert side.reference.parts[i].place == ("attention", "value", 6)
        assert (difference.text, difference.before) == ("float64 instead of float32", False)
        assert side.differences[wrong][i + 1].before


def test_numbers_are_recorded_before_a_wrong_op_overwrites_them():
    net, X, y = of("relu")
    right, wrong = (
        recorded(net, X, y, mt.SGD(), tier) for tier in ("scalar", get_bug("relu_overwrites_x").tier("scalar"))
    )
    inputs = [recording.arrays[recording.parts[1].inputs["x"]] for recording in (right, wrong)]
    assert inputs[0] == inputs[1]
    assert min(map(min, inputs[0])) < 0


def test_right_tiers_differ_by_rounding_only():
    for i in range(8):
        side = SideBySide([RECORDED[f"loss {i}, {tier}"] for tier in TIERS])
        assert side.first is None
        assert max(difference.largest for row in side.differences for difference in row) < 1e-13
    for name in ("11 layers", "documents"):
        assert SideBySide([RECORDED[f"{name}, {tier}"] for tier in TIERS]).first is None


@pytest.mark.parametrize("optimizer", [mt.SGD(), mt.Adam()], ids=repr)
@pytest.mark.parametrize("loss", ["mean_absolute_error", "softmax_cross_entropy", "hinge"])
def test_right_tiers_in_float32_differ_by_rounding_only(loss, optimizer):
    for seed in (1, 2, 20):  # 20: a gradient is 0 at one tier and 6e-10 at another
        rng, n_outputs = np.random.default_rng(seed), 1 if loss == "hinge" else 2
        X, labels, signs = rng.normal(size=(6, 2)), rng.integers(0, 2, 6), rng.choice([-1.0, 1.0], (6, 1))
        y = {"softmax_cross_entropy": labels, "hinge": signs}.get(loss, rng.normal(size=(6, 2)))
        net = mt.mlp([2, 4, n_outputs], loss=loss, dtype="float32", tier="tensor", seed=seed)
        assert mt.step_through(net, X, y, optimizer).data["first"] is None


@pytest.mark.parametrize("scale", [1e-200, 1e-300, 30.0, 1e4])
@pytest.mark.parametrize("optimizer", [mt.SGD(), mt.Adam(), mt.RMSprop()], ids=repr)
def test_right_tiers_with_tiny_or_saturated_gradients_differ_by_rounding_only(scale, optimizer):
    net, X, y = of()
    weights = net.state_dict()
    net.load_state_dict(weights | {"2.weight": weights["2.weight"] * scale})
    assert mt.step_through(net, X, y, optimizer).data["first"] is None


def test_a_jump_at_zero_that_rounding_causes_is_no_mistake():
    net, X, y = of(loss="mean_absolute_error")
    right, other = (recorded(net, X, y, mt.SGD(), "tensor", name=name) for name in ("tensor", "other"))
    outputs = right.parts[2].outputs["y"]
    right.arrays[outputs][0][0] = right.arrays["target"][0][0]
    right.arrays[right.parts[6].outputs["dy"]][0][0] = 0.0
    other.arrays[outputs][0][0] = right.arrays["target"][0][0] + 1e-15
    other.arrays[other.parts[6].outputs["dy"]][0][0] = 1 / 8
    side = SideBySide([right, other])
    assert not side.differences[1][6].differs
    other.arrays[other.parts[6].outputs["dy"]][0][0] = -1 / 8  # the sign is wrong
    assert SideBySide([right, other]).first == (6, 1)


@pytest.mark.parametrize("name", LOCATED)
def test_a_bug_is_located_in_float32(name):
    bug, ((net, X, y), layer) = get_bug(name), LOCATED[name]
    net = net.to("tensor", dtype="float32")
    tier = bug.tiers()[-1]
    recordings = [recorded(net, X, y, mt.Adam(), one) for one in TIERS]
    side = SideBySide([*recordings, recorded(net, X, y, mt.Adam(), bug.tier(tier), name="with the bug")])
    i, wrong = side.first
    assert (wrong, side.reference.parts[i].place) == (3, (bug.op, bug.part, layer))


@pytest.mark.parametrize("name", RECORDED)
def test_a_part_that_is_computed_again_gives_the_same(name):
    recording = RECORDED[name]
    for i, part in enumerate(recording.parts):
        results = again(part, recording.arrays)
        outputs = [key for name, key in part.outputs.items() if name not in ("score", "p", "dscore")]
        assert [*results] == ([] if part.op in ("mean", "batch_norm", "moments", "fork", "join") else outputs)
        mixed = replace(recording, arrays=recording.arrays | results)
        assert not compare(recording, mixed, i).differs


def test_nan_counts_as_equal_to_nan_and_as_different_from_a_number():
    net = mt.two_layer_net(1, 2, 2)
    net.load_state_dict({**net.state_dict(), "0.bias": [math.nan, 0.0]})
    right = [recorded(net, [[1.0], [2.0]], [0, 1], mt.SGD(), tier) for tier in TIERS]
    assert SideBySide(right).first is None
    other = recorded(mt.two_layer_net(1, 2, 2), [[1.0], [2.0]], [0, 1], mt.SGD(), "tensor", name="another")
    side = SideBySide([*right, other])
    assert side.first == (0, 3)
    assert math.isnan(side.differences[3][0].largest)


# Tiers of your own.

MINE = """
from micrograd_tiers.tiers.scalar import *
from micrograd_tiers.tiers import scalar

def {op}
"""


def tier_file(tmp_path, op):
    (tmp_path / "mine.py").write_text(MINE.format(op=op))
    return str(tmp_path / "mine.py")


def test_a_tier_of_your_own_with_another_formula_is_right(tmp_path):
    mine = tier_file(
        tmp_path,
        "sigmoid(v):\n    y = [1 / (1 + scalar.exp(-a)) for a in v]\n"
        "    return y, (lambda g: [b * a * (1 - a) for a, b in zip(y, g)],)\n",
    )
    net, X, y = of()
    recordings = [recorded(net, X, y, mt.Adam(), tier) for tier in (*TIERS, mine)]
    assert SideBySide(recordings).first is None
    part = recordings[-1].parts[1]
    source = source_of(part.function)
    assert [source.lines[i] for i in lines_at_work(part, source)] == ["    y = [1 / (1 + scalar.exp(-a)) for a in v]"]
    assert str(tmp_path) not in step_page(SideBySide(recordings)).html()


@pytest.mark.parametrize(
    ("op", "place"),
    [
        ("sigmoid(x):\n    raise NotImplementedError", ("sigmoid", "value")),
        ("sigmoid(x):\n    return scalar.sigmoid(x)[0], (lambda dy: dy[5],)", ("sigmoid", "dx")),
        (
            "linear(x, w, b):\n    y, (a, _, c) = scalar.linear(x, w, b)\n    return y, (a, lambda dy: 1 / 0, c)",
            ("linear", "dweight"),
        ),
        ("add_scaled(a, b, c):\n    raise ValueError", ("linear", "dweight")),
    ],
)
def test_a_tier_that_raises_an_error_is_shown_up_to_there(tmp_path, op, place):
    net, X, y = of()
    mine = recorded(net, X, y, mt.SGD(), tier_file(tmp_path, op), name="mine")
    side = SideBySide([*(recorded(net, X, y, mt.SGD(), tier) for tier in TIERS), mine])
    i, tier = side.first
    assert tier == 3
    assert side.reference.parts[i].place[:2] == place
    assert "here this tier stops" in side.differences[3][i].text
    step_page(side)


def test_an_error_of_the_only_tier_is_raised(tmp_path):
    net, X, y = of()
    with pytest.raises(NotImplementedError):
        mt.step_through(net, X, y, tiers=[tier_file(tmp_path, "sigmoid(x):\n    raise NotImplementedError")])


OF_VECTOR = """
import numpy as np

from micrograd_tiers.tiers import vector
from micrograd_tiers.tiers.vector import *


def {op}
"""
LINEAR = "linear(x, w, b):\n    y, (dx, dw, db) = vector.linear(x, w, b)\n    return "
CROSS_ENTROPY = "softmax_cross_entropy(z, t):\n    loss, (dz,) = vector.softmax_cross_entropy(z, t)\n    return "


def with_vector_op(tmp_path, op):
    """Return the path of a tier like the vector tier, but with another op."""
    (tmp_path / "mine.py").write_text(OF_VECTOR.format(op=op))
    return str(tmp_path / "mine.py")


def warning_of(page):
    """Return the text of the page's warning; "" if there is none."""
    found = re.search(r"<p class='warning'.*?</p>", page.html(), re.DOTALL)
    return html.unescape(re.sub(r"<.*?>", " ", found[0])) if found else ""


RETURNED = {  # an op that returns something wrong: its place, and what the page says of it
    "sigmoid(x):\n    return None, vector.sigmoid(x)[1]": ("sigmoid", "value", "the value of sigmoid is None"),
    "sigmoid(x):\n    vector.sigmoid(x)": ("sigmoid", "value", r"sigmoid returned None, expected \(y, \(dx,\)\)"),
    "sigmoid(x):\n    return vector.sigmoid(x)[0]": ("sigmoid", "value", "sigmoid returned ndarray, expected"),
    "sigmoid(x):\n    return vector.sigmoid(x)[0], lambda dy: dy": (
        "sigmoid", "value", r"sigmoid returned \(ndarray, function\), expected \(y, \(dx,\)\)",
    ),
    "sigmoid(x):\n    return vector.sigmoid(x)[0], (lambda dy: None,)": ("sigmoid", "dx", "dx, of sigmoid is None"),
    "sigmoid(x):\n    return vector.sigmoid(x)[0], (lambda dy: dy * 1j,)": ("sigmoid", "dx", "sigmoid is complex"),
    "sigmoid(x):\n    return vector.sigmoid(x)[0], (lambda dy: 'x',)": ("sigmoid", "dx", "sigmoid is str 'x'"),
    LINEAR + "y, (dx, dw)": ("linear", "value", r"returned \(ndarray, \(function, OuterProduct\)\), expected"),
    LINEAR + "y, (dx, dw, db, db)": ("linear", "value", r"expected \(y, \(dx, dweight, dbias\)\)"),
    LINEAR + "y, (dx, dw, lambda dy: None)": ("linear", "dbias", "vjp, dbias, of linear is None"),
    LINEAR + "y, (dx, lambda dy: None, db)": ("linear", "dweight", "vjp, dweight, of linear is None"),
    CROSS_ENTROPY + "None, (dz,)": ("softmax_cross_entropy", "value", "is None"),
    CROSS_ENTROPY + "np.array([loss]), (dz,)": ("softmax_cross_entropy", "value", r"is the array \[.*\], expected one"),
    CROSS_ENTROPY + "loss, (lambda dloss: None,)": ("softmax_cross_entropy", "dlogits", "dlogits, of .* is None"),
}  # fmt: skip


@pytest.mark.parametrize("op", RETURNED)
def test_what_an_op_must_not_return_is_named_with_tier_op_part_and_line(tmp_path, op):
    name, part, message = RETURNED[op]
    net, X, y = of()
    mine = with_vector_op(tmp_path, op)
    page = mt.step_through(net, X, y, tiers=[*TIERS, mine])
    i, tier = page.data["first"]
    right = recorded(net, X, y, mt.SGD(), "scalar").parts[i]
    assert (tier, right.op, right.part) == (3, name, part)
    assert re.search(
        rf"mine\.py: here this tier stops: TypeError: .*{message}.*\(mine\.py, line \d+\)", warning_of(page)
    )
    assert "The mistake is not in this op" not in warning_of(page)
    with pytest.raises(TypeError, match=rf"{message}.*\(mine\.py, line \d+\)"):
        mt.step_through(net, X, y, tiers=[mine])


def test_a_gradient_that_is_a_list_of_numpy_numbers_is_recorded(tmp_path):
    net, X, y = of()
    mine = with_vector_op(tmp_path, CROSS_ENTROPY + "loss, (lambda dloss: [*dz(dloss)],)")
    page = mt.step_through(net, X, y, tiers=[*TIERS, mine])
    assert page.data["steps"][page.data["first"][0]]["title"] != "softmax cross entropy: dL/dlogits"
    page.html()


def test_vjps_may_be_a_list(tmp_path):
    net, X, y = of()
    mine = with_vector_op(tmp_path, CROSS_ENTROPY + "loss, [dz]")
    page = mt.step_through(net, X, y, tiers=[*TIERS, mine])
    assert page.data["first"] is None
    assert net.to(mine).loss_and_grads(X, y)[0] == pytest.approx(net.loss_and_grads(X, y)[0])


def test_an_error_between_two_ops_is_shown_where_it_stops(tmp_path):
    net, X, y = of()
    mine = with_vector_op(tmp_path, "chunks(*arrays):\n    yield next(vector.chunks(*arrays))\n    raise KeyError('x')")
    warning = warning_of(mt.step_through(net, X, y, tiers=["tensor", mine]))
    assert "here this tier stops: KeyError: 'x'" in warning
    assert "The mistake is not in this op" in warning


def test_a_tier_that_ends_the_program_is_shown_up_to_there(tmp_path):
    net, X, y = of()
    mine = with_vector_op(tmp_path, "sigmoid(x):\n    raise SystemExit(5)")
    assert "here this tier stops: SystemExit: 5" in warning_of(mt.step_through(net, X, y, tiers=["tensor", mine]))
    with pytest.raises(ValueError, match=r"mine\.py stops: SystemExit: 5"):
        mt.step_through(net, X, y, tiers=[mine])


def test_an_op_that_overwrites_its_input_changes_no_other_tier_and_no_array_of_the_caller(tmp_path):
    net, X, y = of(loss="mean_squared_error")
    mine = with_vector_op(tmp_path, "linear(x, w, b):\n    x *= 2\n    return vector.linear(x, w, b)")
    loss = "mean_squared_error(y, target):\n    target *= 2\n    return vector.mean_squared_error(y, target)"
    (tmp_path / "other").mkdir()
    before, targets = X.copy(), np.array(y, float)
    page = mt.step_through(net, X, targets, tiers=[with_vector_op(tmp_path / "other", loss), mine, "tensor"])
    np.testing.assert_array_equal(X, before)
    np.testing.assert_array_equal(targets, y)
    recording = recorded(net, X, y, mt.SGD(), "tensor")
    numbers = next(array["numbers"] for array in page.data["arrays"] if array["label"] == "input samples")
    np.testing.assert_allclose(numbers, np.ravel(recording.arrays["x"]), rtol=1e-5)
    assert page.data["first"][1] != 2


def test_a_generator_draws_the_same_masks_for_every_tier_and_is_not_used_up():
    net, X, y = mt.mlp([2, 8, 2], dropout=0.5), *of()[1:]
    rng = np.random.default_rng(3)
    page = mt.step_through(net, X, y, seed=rng)
    assert page.data["first"] is None
    assert page.data == mt.step_through(net, X, y, seed=3).data
    assert rng.random() == np.random.default_rng(3).random()


class Cube(mt.Layer):
    """A layer with an op that only a tier of your own has."""

    op = "cube"


def test_an_op_of_your_own_is_shown_without_a_formula(tmp_path):
    op = "cube(x):\n    return [v**3 for v in x], (lambda dy: [3 * v * v * d for v, d in zip(x, dy)],)"
    net = mt.Network([mt.Linear(2, 3), Cube(), mt.Linear(3, 2)], tier=tier_file(tmp_path, op))
    recording = recorded(net, [[1, 2], [3, 4]], [0, 1], mt.SGD(), net.tier)
    side = SideBySide([recording])
    assert [part.place for part in recording.parts if part.op == "cube"] == [("cube", "value", 1), ("cube", "dx", 1)]
    _, grads = net.loss_and_grads([[1, 2], [3, 4]], [0, 1])
    assert recording.arrays["gradient of 0.weight"] == grads["0.weight"].tolist()
    assert "cube" in step_page(side).html()


# Source lines.


def copy_of_vector(tmp_path, right, wrong):
    """Return the path of a copy of the vector tier in which a snippet is replaced."""
    text = (PACKAGE / "tiers/vector.py").read_text()
    assert text.count(right) == 1
    (tmp_path / "mine.py").write_text(text.replace(right, wrong))
    return str(tmp_path / "mine.py")


@pytest.mark.parametrize("tiers", [["tensor"], TIERS])
def test_a_copy_of_a_tier_is_compared_with_its_original_even_if_that_does_not_run(tmp_path, tiers):
    mine = copy_of_vector(tmp_path, "lambda dy: matmul(dy, weight),", "lambda dy: matmul(weight.T, 2 * dy),")
    warning = warning_of(mt.step_through(*of(), tiers=[*tiers, mine]))
    assert re.search(r"It differs from the right tier in mine.py, line \d+:\s+lambda dy: matmul\(weight.T, 2", warning)
    assert "outer_with" not in warning


@pytest.mark.parametrize("start", ["        p[target] = -total(p)", "        lambda dy: dy.copy(),"])
def test_a_line_that_is_missing_is_named(tmp_path, start):
    text = (PACKAGE / "tiers/vector.py").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith(start)]
    warning = warning_of(mt.step_through(*of(), tiers=["tensor", copy_of_vector(tmp_path, f"{line}\n", "")]))
    where = r"This line of the right tier cannot be found in mine.py, in the function at line \d+:\s+"
    assert re.search(where + re.escape(line.strip()), warning)


LINES = {
    ("linear", "value", "scalar"): ["y = [dot(row, x) + b for row, b in zip(weight, bias, strict=True)]"],
    ("linear", "dweight", "vector"): ["outer_with(x),  # dL/dweight (O, I): dy[:, None] * x, see sums.py"],
    ("linear", "dbias", "tensor"): ["lambda dy: total(dy, axis=0),  # dL/dbias (O,): summed over the samples"],
    ("sigmoid", "dx", "tensor"): [
        "def dx(dy):  # y (1 - y) = e / (1 + e)**2; stable form: docs/numerics.md",
        "return dy * (e / (1 + (2 * e + e * e)))",
    ],
}


@pytest.mark.parametrize("place", LINES, ids=" ".join)
def test_lines_at_work(place):
    op, name, tier = place
    recording = recorded(*of(), mt.SGD(), tier)
    part = next(part for part in recording.parts if (part.op, part.part) == (op, name))
    source = source_of(part.function)
    assert [source.lines[i].strip() for i in lines_at_work(part, source)] == LINES[place]


@pytest.mark.parametrize("name", RECORDED)
def test_every_part_of_every_op_has_lines_at_work(name):
    for part in RECORDED[name].parts:
        if part.op not in ("mean", "update", "fork", "join"):
            assert lines_at_work(part, source_of(part.function)), part.place


def test_the_lines_of_an_update_are_those_that_ran():
    (part, *_) = [part for part in recorded(*of(), mt.SGD(0.1, momentum=0.9), "tensor").parts if part.op == "update"]
    source, lines = of_update(part)[0]
    ran = {source.lines[i].strip() for i in lines}
    assert 'memory["velocity"] = velocity' in ran
    assert not any(line.startswith("return tier.elementwise(lambda g, v:") for line in ran)  # Nesterov


# The page.


def test_sizes_of_pages():
    small = mt.step_through(mt.two_layer_net(2, 3, 2), *of()[1:], mt.Adam())
    assert len(small.html().encode()) < 150_000
    data = mt.load_dataset("glyphs", n_train=2, n_test=1)
    large = mt.step_through(mt.two_layer_net(784, 30, 10), data.train_x, data.train_y, mt.Adam())
    assert len(large.html().encode()) < 3_000_000


def test_numbers_that_are_not_finite_are_text():
    net = mt.two_layer_net(1, 2, 2)
    net.load_state_dict({**net.state_dict(), "0.bias": [math.nan, math.inf]})
    text = mt.step_through(net, [[1.0]], [0], tiers=["tensor"]).html()
    assert '"NaN"' in text
    assert '"Infinity"' in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("net", [[1, 2]], [0]), r"net is 'net', expected a Network such as two_layer_net\(784, 30, 10\)"),
        ((mt.two_layer_net(2, 199, 2), [[1, 2]], [0]), r"net has 201 units .*, expected at most 200"),
        (
            (mt.two_layer_net(2, 3, 2), np.ones((33, 2)), np.zeros(33)),
            r"X has 33 samples, expected at most 32.*try step_through",
        ),
        (
            (mt.gpt(27, features=16, n_blocks=2), [[1, 2]], [[2, 3]]),
            r"net has 315 units .*, such as gpt\(27, features=16, n_blocks=1\)",
        ),
        (
            (mt.gpt(5, features=4, heads=2, length=16), np.zeros((9, 16), int), np.zeros((9, 16), int)),
            r"X has 144 tokens, expected at most 128.*try step_through",
        ),
        ((mt.two_layer_net(2, 3, 2), [[1, 2, 3]], [0]), r"X has 3 features, the net expects 2|X has shape"),
        ((mt.two_layer_net(2, 3, 2), [[1, 2]], [0], "fast"), r"unknown optimizer 'fast'"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        mt.step_through(*arguments)


@pytest.mark.parametrize("tiers", ["scalar", []])
def test_tiers_that_are_no_list_are_refused(tiers):
    with pytest.raises(ValueError, match=r"tiers is .*, expected a list such as"):
        mt.step_through(*of(), tiers=tiers)


def test_numbers_after_another_op_are_not_taken_for_those_of_the_reference():
    right, other = (recorded(*of(), mt.SGD(), "tensor", name=name) for name in ("tensor", "other"))
    del other.parts[8]  # as if an op had been left out
    data = step_page(SideBySide([right, other])).data
    of_other = [
        [data["arrays"][array]["others"].get(1, {}) for array in step["out"].values()] for step in data["steps"]
    ]
    assert of_other[:8] == [[{}]] * 8
    assert of_other[9] == [None]


def test_tiers_without_batch_normalization_are_left_out():
    page = mt.step_through(mt.Network(NORMALIZED), images(3, 5), [0, 1, 2])
    assert [tier["name"] for tier in page.data["tiers"]] == ["tensor"]
