"""Every op of the registry at every tier."""

import ast
import math
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import OP_CASES, gradient_of, value_of
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers import tiers
from micrograd_tiers.engine import Value
from micrograd_tiers.lab.judge import Example, Search, judge_op
from micrograd_tiers.lab.judge.formulas import FORMULAS
from micrograd_tiers.tiers import COUPLED, PRIMITIVES, SUPPORT, TIERS, get_tier, registry

FOLDER = Path(tiers.__file__).parent

every_op = pytest.mark.parametrize(
    "case", [case for case in OP_CASES if case.name not in COUPLED], ids=lambda case: case.name
)
every_op_at_every_tier_that_has_it = pytest.mark.parametrize(
    ("case", "tier_name"),
    [(case, name) for case in OP_CASES for name in TIERS if hasattr(get_tier(name), case.name)],
    ids=lambda value: getattr(value, "name", value),
)
every_tier = pytest.mark.parametrize("tier_name", TIERS)
exact_or_not = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])


FAMILIES = {"essence": "{}.py", "more": "more/{}.py", "images": "images/{}.py", "documents": "documents/{}.py"}


@pytest.mark.parametrize("family", FAMILIES)
def test_the_three_files_of_a_family_hold_the_same_functions_in_the_order_of_the_registry(family):
    expected = [(row.name, row.arguments) for row in registry.OPS if row.family == family]
    for name in TIERS:
        tree = ast.parse((FOLDER / FAMILIES[family].format(name)).read_text())
        functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
        assert [(f.name, tuple(a.arg for a in f.args.args)) for f in functions] == expected


def test_the_essence_is_short_and_its_ops_begin_on_the_same_line():
    lines = {name: (FOLDER / f"{name}.py").read_text().splitlines() for name in TIERS}
    assert all(len(text) <= 120 for text in lines.values())
    assert [text.index("def linear(x, weight, bias):") for text in lines.values()] == [15] * 3


def test_the_files_of_the_tiers_are_at_most_88_columns_wide():
    files = [*FOLDER.glob("*/*.py"), FOLDER / "batch.py", *(FOLDER / f"{name}.py" for name in TIERS)]
    files = [file for file in files if file.parent.name != "exact"]
    assert len(files) == 18
    assert [(file.name, line) for file in files for line in file.read_text().splitlines() if len(line) > 88] == []


@every_op_at_every_tier_that_has_it
@exact_or_not
@examples(10)
@given(data=st.data())
def test_value_and_vjps_agree_with_the_formula(case, tier_name, exact, data):
    example = data.draw(case.examples.ordinary.strategy)
    formula, tier = FORMULAS[case.name], get_tier(tier_name, exact)
    value = value_of(case, tier, example)
    np.testing.assert_allclose(value, formula.value(*example.inputs), rtol=1e-12, atol=1e-13)
    for k, derivative in zip(case.differentiable, formula.gradients, strict=True):
        gradient = gradient_of(case, tier, example, k)
        expected = derivative(*example.inputs, example.dy)
        assert gradient.shape == example.inputs[k].shape
        # Relative to the largest term: where terms cancel, the formulas lose digits.
        scale = max(np.abs(expected).max(), np.abs(example.dy).max())
        np.testing.assert_allclose(
            gradient, expected, rtol=1e-12, atol=1e-12 * scale, err_msg=f"{case.name}: d{case.arguments[k]}"
        )


@every_op_at_every_tier_that_has_it
def test_the_judge_finds_nothing_wrong_with_the_built_in_ops(case, tier_name):
    """Judge types, shapes, agreement with the formulas, extremes, NaN and infinity, purity, fresh storage, warnings."""
    search = Search(n_examples=examples(20).max_examples)
    assert judge_op(case, get_tier(tier_name), search) == []


@every_op
@examples(20)
@given(data=st.data())
def test_exact_mode_gives_the_same_bits_at_every_tier(case, data):
    example = data.draw(case.examples.ordinary.strategy)
    reference, *others = (get_tier(name, exact=True) for name in TIERS)
    for tier in others:
        assert np.array_equal(value_of(case, tier, example), value_of(case, reference, example))
        # Not the gradients of parameters: `gradient_of` sums them in an order of its own. test_training compares them.
        for k in {*case.differentiable} & {*range(case.n_samplewise)}:
            ours, theirs = (gradient_of(case, t, example, k) for t in (tier, reference))
            assert ours.tobytes() == theirs.tobytes()


@every_op
@examples(15)
@given(data=st.data())
def test_the_scalar_tiers_forward_code_runs_on_values_and_their_backward_agrees(case, data):
    tier = get_tier("scalar")
    inputs, dy = example = data.draw(case.examples.ordinary.strategy)
    nodes = [np.vectorize(Value, otypes=[object])(a) if k in case.differentiable else a for k, a in enumerate(inputs)]
    shared = [a.tolist() if isinstance(a, np.ndarray) else a for a in nodes[case.n_samplewise :]]
    total = Value(0.0)
    for n in range(len(inputs[0])):
        sample = [a[n].tolist() for a in nodes[: case.n_samplewise]]
        out, _ = getattr(tier, case.name)(*sample, *shared)
        ys = np.ravel(np.array(out, object))
        total = sum((y * d for y, d in zip(ys, np.ravel(dy if case.is_loss else dy[n]), strict=True)), total)
    total.backward()
    value = value_of(case, tier, example)
    assert total.data == pytest.approx(np.sum(dy * value), rel=1e-12, abs=1e-12 * max(1, np.sum(np.abs(dy * value))))
    for k in case.differentiable:
        by_value = np.vectorize(lambda node: node.grad, otypes=[float])(nodes[k])
        gradient = gradient_of(case, tier, example, k)
        scale = max(np.abs(gradient).max(), np.abs(dy).max())
        np.testing.assert_allclose(
            by_value, gradient, rtol=1e-12, atol=1e-12 * scale, err_msg=f"{case.name}: d{case.arguments[k]}"
        )


@every_op_at_every_tier_that_has_it
@examples(10)
@given(data=st.data(), factor=st.sampled_from([2.0, -1.0, 0.3]))
def test_vjps_are_linear_in_dy(case, tier_name, data, factor):
    tier = get_tier(tier_name)
    inputs, dy = data.draw(case.examples.ordinary.strategy)
    other = dy[::-1] ** 2 if not case.is_loss else dy**2
    for k in case.differentiable:
        both, first, second = (gradient_of(case, tier, Example(inputs, d), k) for d in (dy + factor * other, dy, other))
        scale = max(np.abs(first).max(), np.abs(second).max(), np.abs(dy).max())
        np.testing.assert_allclose(both, first + factor * second, rtol=1e-12, atol=1e-12 * scale, err_msg=case.name)


@every_tier
@exact_or_not
def test_sigmoid_and_its_derivative_keep_their_relative_accuracy_in_both_tails(tier_name, exact):
    tier = get_tier(tier_name, exact)
    x = np.array([[-800.0, -745.0, -700.0, -40.0, -1.0, 0.0, 1.0, 40.0, 700.0, 1e308, -1e308]])
    for (sample,) in tier.chunks(tier.asarray(x)):
        y, (vjp,) = tier.sigmoid(sample)
        slope = vjp(tier.elementwise(lambda v: 0 * v + 1.0, y))
        for xi, yi, si in zip(x[0], np.ravel(y), np.ravel(slope), strict=True):
            # Where e**x is tiny, sigmoid is e**x and its derivative e**-|x|, to the last digit.
            tail = math.exp(-abs(xi))
            expected = 1 / (1 + math.exp(-xi)) if abs(xi) < 30 else (tail if xi < 0 else 1.0)
            assert yi == pytest.approx(expected, rel=1e-15)
            assert si == pytest.approx(tail / (1 + tail) ** 2, rel=1e-15)


@every_tier
@exact_or_not
def test_the_derivative_of_tanh_keeps_its_relative_accuracy(tier_name, exact):
    tier = get_tier(tier_name, exact)
    for (sample,) in tier.chunks(tier.asarray(np.array([[-300.0, -19.5, 0.0, 25.0, 300.0, 1e308]]))):
        y, (vjp,) = tier.tanh(sample)
        slope = np.ravel(vjp(tier.elementwise(lambda v: 0 * v + 1.0, y)))
        expected = [4 * math.exp(-600), 4 * math.exp(-39), 1.0, 4 * math.exp(-50), 4 * math.exp(-600), 0.0]
        np.testing.assert_allclose(slope, expected, rtol=1e-14)


@every_tier
@pytest.mark.parametrize("op", ["relu", "elu"])
def test_the_derivatives_of_relu_and_elu_at_zero(tier_name, op):
    tier = get_tier(tier_name)
    for (sample,) in tier.chunks(tier.asarray(np.array([[0.0, -0.0]]))):
        y, (vjp,) = getattr(tier, op)(sample)
        assert np.ravel(y).tolist() == [0.0, 0.0]
        assert np.ravel(vjp(tier.elementwise(lambda v: v + 3.0, sample))).tolist() == [3.0 if op == "elu" else 0.0] * 2


@every_tier
@exact_or_not
@pytest.mark.parametrize("op", ["sigmoid", "tanh", "relu", "elu", "softmax"])
def test_nan_affects_only_its_own_row_and_extremes_stay_finite(tier_name, exact, op):
    tier = get_tier(tier_name, exact)
    x = np.array([[1.0, 2.0], [math.nan, 0.0], [1e308, -1e308], [-1e308, 1e308]])
    rows = [np.atleast_2d(getattr(tier, op)(chunk)[0]) for (chunk,) in tier.chunks(tier.asarray(x))]
    y = np.concatenate(rows)
    assert math.isnan(y[1, 0])
    assert np.isfinite(y[[0, 2, 3]]).all()


@every_tier
@exact_or_not
def test_cross_entropy_of_legal_and_illegal_logits(tier_name, exact):
    tier = get_tier(tier_name, exact)
    inf = math.inf
    rows = [
        ([0.0, -inf], 0, 0.0),  # probability 0 is legal
        ([0.0, -inf], 1, inf),
        ([1e308, -1e308], 0, 0.0),
        ([-800.0, 0.0], 0, 800.0),  # log(p) would be -inf
        ([0.0, -40.0], 0, math.exp(-40)),  # log(p) would be 0
        ([5.0, 5.0], 1, math.log(2)),
        ([-inf, -inf], 0, math.nan),
        ([math.nan, 0.0], 1, math.nan),
    ]
    for logits, target, expected in rows:
        for chunk in tier.chunks(tier.asarray([logits]), tier.asarray([target], "int64")):
            loss, (vjp,) = tier.softmax_cross_entropy(*chunk)
            assert float(loss) == pytest.approx(expected, rel=1e-15, nan_ok=True)
            gradient = np.ravel(vjp(1.0))
            assert np.isnan(gradient).all() if math.isnan(expected) else abs(gradient.sum()) < 1e-15
            assert math.isnan(expected) or gradient[target] <= 0


@every_tier
def test_the_gradient_of_cross_entropy_does_not_cancel_when_the_net_is_confident(tier_name):
    tier = get_tier(tier_name)
    for chunk in tier.chunks(tier.asarray([[50.0, 0.0]]), tier.asarray([0], "int64")):
        _, (vjp,) = tier.softmax_cross_entropy(*chunk)
        np.testing.assert_allclose(np.ravel(vjp(1.0)), [-math.exp(-50), math.exp(-50)], rtol=1e-15)


def test_only_the_tensor_tier_has_ops_that_mix_samples():
    assert [[hasattr(get_tier(name), op) for op in COUPLED] for name in TIERS] == [[False], [False], [True]]


@every_tier
def test_conv2d_refuses_too_few_channels(tier_name):
    tier = get_tier(tier_name)
    ((x,),) = tier.chunks(tier.asarray(np.zeros((1, 2, 5, 5))))
    with pytest.raises(ValueError, match=r"shape \(2, 5, 5\)|shape \(1, 2, 5, 5\)"):
        tier.conv2d(x, tier.asarray(np.zeros((3, 4, 3, 3))), tier.asarray(np.zeros(3)))


@every_tier
@exact_or_not
def test_the_first_of_equal_maxima_gets_the_gradient(tier_name, exact):
    tier = get_tier(tier_name, exact)
    image = tier.asarray(np.array([[[[1.0, 2.0, 2.0], [2.0, 0.0, 2.0], [2.0, 2.0, 2.0]]]]))
    for x, dy in tier.chunks(image, tier.asarray(np.array([[[[1.0, 10.0], [100.0, 1000.0]]]]))):
        _, (vjp,) = tier.max_pool2d(x, 2, 1)
        assert np.ravel(vjp(dy)).tolist() == [0, 11, 0, 100, 0, 1000, 0, 0, 0]


@every_tier
def test_linear_refuses_too_few_features(tier_name):
    tier = get_tier(tier_name)
    ((x,),) = tier.chunks(tier.asarray(np.zeros((1, 783))))
    with pytest.raises(ValueError, match=r"783"):
        tier.linear(x, tier.asarray(np.zeros((3, 784))), tier.asarray(np.zeros(3)))


@every_tier
def test_the_support_functions_do_what_the_protocol_says(tier_name):
    tier = get_tier(tier_name)
    a = tier.asarray([[1.0, 2.0], [3.0, 4.0]])
    assert tier.tolist(a) == [[1.0, 2.0], [3.0, 4.0]]
    assert tier.tolist(tier.elementwise(lambda x, y: x * y + 1, a, a)) == [[2.0, 5.0], [10.0, 17.0]]
    tier.add_scaled(a, tier.asarray([[1.0, 1.0], [0.0, 2.0]]), -0.5)
    assert tier.tolist(a) == [[0.5, 1.5], [3.0, 3.0]]
    labels = tier.tolist(tier.asarray(np.array([1, 0]), "int64"))
    assert labels == [1, 0]
    assert all(type(label) is int for label in labels)


def test_a_tier_can_come_from_a_file(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text("def sigmoid(x):\n    return 'mine'\n")
    assert get_tier(str(file)).sigmoid(1) == "mine"


def test_a_tier_file_may_define_a_dataclass(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from __future__ import annotations\nfrom dataclasses import dataclass\n\n"
        "@dataclass\nclass Count:\n    n: int = 3\n\ndef sigmoid(x):\n    return Count().n\n"
    )
    assert get_tier(str(file)).sigmoid(1) == 3


@pytest.mark.parametrize("mistake", ["1 / 0", "import nosuchmodule", "def sigmoid(x:"])
@pytest.mark.parametrize("kind", ["file", "module"])
def test_the_error_names_a_tier_that_cannot_be_imported_and_the_reason(tmp_path, monkeypatch, mistake, kind):
    (tmp_path / "my_broken_tier.py").write_text(mistake)
    monkeypatch.syspath_prepend(tmp_path)
    name = str(tmp_path / "my_broken_tier.py") if kind == "file" else "my_broken_tier"
    with pytest.raises(ValueError, match=r"my_broken_tier.*cannot be imported: (Zero|ModuleNotFound|Syntax)"):
        get_tier(name)


@every_tier
def test_a_copy_of_a_tier_file_and_a_star_import_of_one_are_tiers(tier_name, tmp_path):
    source = (FOLDER / f"{tier_name}.py").read_text()
    (tmp_path / "copied.py").write_text(source.replace("def relu(", "def rectify("))
    (tmp_path / "starred.py").write_text(f"from micrograd_tiers.tiers.{tier_name} import *\n")
    X, y = [[1.0, 2.0], [3.0, -1.0]], [0, 1]
    expected = mt.two_layer_net(2, 3, 2, tier=tier_name).loss_and_grads(X, y)[0]
    for name in ("copied", "starred"):
        net = mt.two_layer_net(2, 3, 2, tier=str(tmp_path / f"{name}.py"))
        assert net.loss_and_grads(X, y)[0] == expected
    copied, starred = (get_tier(str(tmp_path / f"{name}.py")) for name in ("copied", "starred"))
    assert not hasattr(copied, "relu")
    assert not hasattr(copied, "conv2d")
    assert hasattr(starred, "relu")
    assert hasattr(starred, "conv2d")
    assert get_tier(tier_name).relu is not None  # the original is unchanged


def test_a_tier_can_be_any_object_with_the_functions():
    mine = SimpleNamespace(**{name: getattr(get_tier("vector"), name) for name in (*PRIMITIVES, *SUPPORT)})
    X, y = [[1.0, 2.0], [3.0, -1.0]], [0, 1]
    net = mt.two_layer_net(2, 3, 2, tier=mine)
    assert net.tier_name == "SimpleNamespace"
    assert net.loss_and_grads(X, y)[0] == net.to("vector").loss_and_grads(X, y)[0]


def test_a_tier_can_come_from_an_installed_package(monkeypatch):
    entry_point = EntryPoint("mine", "micrograd_tiers.tiers.tensor", "micrograd_tiers.tiers")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **query: [entry_point])
    assert get_tier("mine") is get_tier("tensor")


def test_a_tier_can_come_from_a_module():
    assert get_tier("micrograd_tiers.tiers.vector") is get_tier("vector")


@pytest.mark.parametrize(
    ("name", "exact", "message"),
    [
        ("tensr", False, "unknown tier 'tensr'.*scalar, vector, tensor"),
        ("no/such/file.py", False, "no such file"),
        ("json", False, "'json' is not a tier"),
        ("micrograd_tiers.tiers.vector", True, "exact mode"),
        (3, False, "3 is not a tier"),
    ],
)
def test_an_invalid_tier_is_refused_and_named(name, exact, message):
    with pytest.raises(ValueError, match=message):
        get_tier(name, exact)


def test_the_scalar_tier_has_no_float32():
    with pytest.raises(ValueError, match="float32"):
        get_tier("scalar").asarray([1.0], "float32")
