"""Gradient checks: right gradients pass, wrong ones are caught, and a vacuous check never passes."""

import functools
import json
import math
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import OP_CASES
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.lab.gradcheck import Report, check_network, check_vjps, numerical_gradient
from micrograd_tiers.tiers import PRIMITIVES, SUPPORT, TIERS, get_tier, scalar

every_tier = pytest.mark.parametrize("tier_name", TIERS)
FIRST = {case.name: case.first for case in OP_CASES}
ARGUMENTS = {case.name: [case.arguments[k] for k in case.differentiable] for case in OP_CASES}
every_vjp = pytest.mark.parametrize(("op_name", "k"), [(op, k) for op in PRIMITIVES for k in range(len(ARGUMENTS[op]))])
IMAGE_OPS = ("conv2d", "avg_pool2d", "max_pool2d", "reshape")
DOCUMENT_OPS = ("add_position", "rms_norm", "layer_norm", "attention", "project", "next_token_loss")
SETTINGS = {
    "conv2d": [2, 1],
    "avg_pool2d": [2, 1],
    "max_pool2d": [3, 1],
    "reshape": [(10, 4)],
    "smoothed_cross_entropy": [0.1],
    "rms_norm": [0.1],
    "layer_norm": [0.1],
    "attention": [2],
}
EXACTLY_ZERO = "vacuous: the gradient is exactly zero"
IN_ROUNDING = "cannot be judged here: rounding leaves no digit"
NO_COORDINATE = "vacuous: no coordinate"


def inputs_for(op_name, tier_name, seed=0, n_outputs=2):
    """Return generic inputs of an op: nothing near a kink, and no two sizes equal."""
    rng = np.random.default_rng(seed)
    shape = (2, 5, 4) if op_name in IMAGE_OPS else (2, 3) if op_name in DOCUMENT_OPS else (3,)
    shape = (2, 6) if op_name == "attention" else shape
    shape = (4, *shape) if tier_name == "tensor" else shape

    def normal(*shape):
        x = rng.standard_normal(shape)
        return np.where(np.abs(x) < 0.05, 0.5 + x, x)

    inputs = [normal(*shape)]
    if op_name == "linear":
        inputs += [normal(n_outputs, 3), normal(n_outputs)]
    if op_name in ("embedding", "add_position", "project"):
        inputs += [normal(5, 3)]
    if op_name == "layer_norm":
        inputs += [normal(3), normal(3)]
    if op_name == "conv2d":
        inputs += [normal(n_outputs, 2, 3, 3), normal(n_outputs)]
    if op_name in ("mean_squared_error", "mean_absolute_error", "dropout"):
        inputs += [normal(*shape)]
    if op_name == "hinge":
        inputs += [rng.choice([-1.0, 1.0], shape)]
    if op_name == "binary_cross_entropy":
        inputs += [rng.random(shape)]
    if op_name == "soft_cross_entropy":
        inputs += [rng.dirichlet([1.0] * 3, shape[:-1])]
    if op_name == "max_pool2d":
        inputs[0] += 0.001 * np.arange(inputs[0].size).reshape(shape)  # no ties
    if op_name == "embedding":
        inputs[0] = np.tile([3, 0, 3, -1], (4, 1) if tier_name == "tensor" else 1)
    if op_name == "next_token_loss":
        inputs += [np.tile([1, -1], (4, 1) if tier_name == "tensor" else 1)]
    inputs = [a.tolist() for a in inputs] if tier_name == "scalar" else inputs
    if op_name in ("softmax_cross_entropy", "smoothed_cross_entropy"):
        inputs += [rng.integers(0, 3, 4) if tier_name == "tensor" else 1]
    return inputs + SETTINGS.get(op_name, [])


def method_for(op_name, tier_name):
    """Return the method to expect: the complex step, unless the op rejects complex ndarrays, as math.fsum does."""
    if tier_name == "scalar":
        return "Richardson"
    inputs = inputs_for(op_name, tier_name)
    inputs[FIRST[op_name]] = inputs[FIRST[op_name]] + 1e-20j
    try:
        value, _ = getattr(get_tier(tier_name), op_name)(*inputs)
    except TypeError:
        return "Richardson"
    return "complex step" if np.iscomplexobj(value) else "Richardson"


def test_the_complex_step_works_for_the_ops_of_layers_at_the_ndarray_tiers():
    for op_name in PRIMITIVES[:6]:
        assert {method_for(op_name, tier_name) for tier_name in ("vector", "tensor")} == {"complex step"}


def with_wrong_vjp(op, k, change):
    """Return the same op with `change` applied to the result of its k-th vjp, as an ndarray."""

    @functools.wraps(op)
    def wrong(*inputs):
        value, vjps = op(*inputs)

        def vjp(dy):
            right = vjps[k](dy)
            gradient = change(np.array(right))
            return gradient.tolist() if isinstance(right, list) else gradient

        return value, (*vjps[:k], vjp, *vjps[k + 1 :])

    return wrong


def largest(gradient):
    return tuple(map(int, np.unravel_index(np.abs(gradient).argmax(), gradient.shape)))


def one_coordinate_off(gradient):
    gradient = gradient.copy()
    gradient[largest(gradient)] *= 1 + 1e-6
    return gradient


def only(report):
    (check,) = report.checks
    return check


# numerical_gradient.


FUNCTIONS = {  # with their gradients
    "sum of exp": (lambda x: np.exp(x).sum(), np.exp),
    "product of all": (lambda x: x.prod(), lambda x: x.prod() / x),
    "log of sum of exp": (lambda x: np.log(np.exp(x).sum()), lambda x: np.exp(x) / np.exp(x).sum()),
    "steep": (lambda x: np.sin(50 * x).sum(), lambda x: 50 * np.cos(50 * x)),
    "with a pole nearby": (lambda x: (1 / (x - 0.2)).sum(), lambda x: -1 / (x - 0.2) ** 2),
}


@pytest.mark.parametrize("name", FUNCTIONS)
@pytest.mark.parametrize(("method", "error"), [("complex step", 1e-14), ("Richardson", 1e-12), ("auto", 1e-14)])
@pytest.mark.parametrize("shape", [(), (4,), (1, 2, 2)])
def test_numerical_gradients_agree_with_calculus(name, method, error, shape):
    f, gradient = FUNCTIONS[name]
    x = np.random.default_rng(3).uniform(-1, 1, shape) + 0.015
    ours = numerical_gradient(f, x, method=method)
    assert ours.shape == shape
    np.testing.assert_allclose(ours, gradient(x), rtol=0, atol=error * np.abs(gradient(x)).max())


@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3, 1e6])
def test_richardson_is_accurate_at_every_scale(scale):
    x = np.array([0.3, -1.2, 2.0]) * scale
    ours = numerical_gradient(lambda x: float((x / scale) @ (x / scale)), x, method="Richardson")
    np.testing.assert_allclose(ours, 2 * x / scale**2, rtol=1e-9)


def test_auto_detects_functions_that_drop_imaginary_parts():
    x = np.array([1.0, -2.0])
    for f in (lambda x: np.abs(x).sum() + x[0] ** 2, lambda x: (x.real**2 + x).sum(), lambda x: math.exp(x[0]) + x[1]):
        np.testing.assert_allclose(numerical_gradient(f, x), numerical_gradient(f, x, method="Richardson"), rtol=1e-12)
        with pytest.raises(ValueError, match="does not take complex arrays"):
            numerical_gradient(f, x, method="complex step")


def test_a_nearby_kink_does_no_harm():
    x = np.array([1e-4, -1e-5, 3.0])
    ours = numerical_gradient(lambda x: np.maximum(x.real, 0).sum() ** 2, x, method="Richardson")
    np.testing.assert_allclose(ours, [2 * 3.0001, 0, 2 * 3.0001], rtol=1e-8)


def test_numerical_gradient_leaves_its_input_alone_and_accepts_lists_of_ints():
    x = np.array([1.0, 2.0])
    numerical_gradient(lambda x: (x**2).sum(), x)
    assert x.tolist() == [1, 2]
    assert numerical_gradient(lambda x: (x**2).sum(), [1, 2]) == pytest.approx([2, 4])
    assert numerical_gradient(lambda x: (x**2).sum(), []).shape == (0,)


@pytest.mark.parametrize(
    ("f", "x", "method", "message"),
    [
        (np.sum, ["a"], "auto", r"x holds <U1, expected real numbers"),
        (np.sum, [1j], "auto", r"x holds complex128"),
        (np.exp, [1.0, 2.0], "auto", r"f\(x\) has shape \(2,\), expected one number"),
        (np.sum, [1.0], "central", "method is 'central', expected one of auto, complex step, Richardson"),
    ],
)
def test_numerical_gradient_refuses_bad_arguments(f, x, method, message):
    with pytest.raises(ValueError, match=message):
        numerical_gradient(f, x, method=method)


# check_vjps: right and wrong vjps.


@every_tier
@pytest.mark.parametrize("op_name", PRIMITIVES)
@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
def test_every_primitive_passes(op_name, tier_name, exact):
    report = check_vjps(getattr(get_tier(tier_name, exact), op_name), inputs_for(op_name, tier_name))
    assert report.passed, f"\n{report}"
    assert [check.name for check in report.checks] == ARGUMENTS[op_name]
    for check, x in zip(report.checks, inputs_for(op_name, tier_name)[FIRST[op_name] :], strict=False):
        assert check.n_coordinates == np.size(x)
        assert check.relative_error <= check.tolerance <= 1e-7
        assert exact or check.method == method_for(op_name, tier_name)


@every_tier
@every_vjp
@pytest.mark.parametrize("error", ["sign", "factor", "one coordinate"])
def test_a_planted_error_is_caught_and_named(op_name, k, tier_name, error):
    change = {"sign": lambda g: -g, "factor": lambda g: 1.001 * g, "one coordinate": one_coordinate_off}[error]
    op, inputs = getattr(get_tier(tier_name), op_name), inputs_for(op_name, tier_name)
    report = check_vjps(with_wrong_vjp(op, k, change), inputs)
    assert not report.passed
    assert [check.verdict for check in report.checks] == [
        "wrong" if j == k else "pass" for j in range(len(report.checks))
    ]
    wrong = report.checks[k]
    assert f"wrong: {wrong.name} at {wrong.coordinate}" in str(report)
    assert str(report).splitlines()[-1] == f"NOT passed: {wrong.name}."
    expected = {"sign": 2, "factor": 1e-3, "one coordinate": 1e-6}[error]
    assert wrong.relative_error == pytest.approx(expected, rel=0.3)
    if error == "one coordinate":
        gradient = gradient_of(op, k, inputs)
        assert wrong.coordinate == largest(gradient)
        assert wrong.analytic == pytest.approx(gradient[largest(gradient)], rel=1e-5)


def gradient_of(op, k, inputs):
    """Return the gradient that check_vjps sees for the dy that it draws."""
    seen = []
    check_vjps(with_wrong_vjp(op, k, lambda g: seen.append(g) or g), inputs)
    return seen[0]


@every_tier
@pytest.mark.parametrize("position", [0, -1], ids=["first", "last"])
@pytest.mark.parametrize("op_name", PRIMITIVES)
def test_an_error_at_the_first_or_last_coordinate_is_caught(op_name, tier_name, position):
    def change(gradient):
        gradient = gradient.copy()
        gradient.flat[position] += 0.01
        return gradient

    op = with_wrong_vjp(getattr(get_tier(tier_name), op_name), 0, change)
    check = check_vjps(op, inputs_for(op_name, tier_name)).checks[0]
    shape = np.shape(inputs_for(op_name, tier_name)[FIRST[op_name]])
    assert (check.verdict, check.coordinate) == ("wrong", [*np.ndindex(shape)][position])


@every_tier
def test_a_transposed_square_weight_is_caught(tier_name):
    op = with_wrong_vjp(get_tier(tier_name).linear, 1, np.transpose)
    report = check_vjps(op, inputs_for("linear", tier_name, n_outputs=3))
    assert [check.verdict for check in report.checks] == ["pass", "wrong", "pass"]
    report = check_vjps(op, inputs_for("linear", tier_name))
    assert report.checks[1].verdict == "wrong shape: got (3, 2), expected (2, 3)"
    assert "wrong shape" in str(report)
    assert not report.passed


@every_tier
@pytest.mark.parametrize("op_name", ["softmax", "sigmoid", "tanh", "softmax_cross_entropy", "mean_squared_error"])
def test_a_missing_term_is_caught(op_name, tier_name):
    tier = get_tier(tier_name)

    def forgetful(x, *target):
        y, _ = getattr(tier, op_name)(x, *target)
        vjp = {
            "softmax": lambda dy: tier.elementwise(lambda y, dy: y * dy, y, dy),  # without subtracting the mean of dy
            "sigmoid": lambda dy: tier.elementwise(lambda y, dy: y * dy, y, dy),  # without the factor 1 - y
            "tanh": lambda dy: tier.elementwise(lambda y: 1 - y * y, y),  # without the factor dy
            "softmax_cross_entropy": lambda dy: tier.elementwise(
                lambda p: p * dy, tier.softmax(x)[0]
            ),  # without subtracting 1
            "mean_squared_error": lambda dy: tier.elementwise(
                lambda x, t: 2 * (x - t) * dy, x, target[0]
            ),  # without dividing by O
        }[op_name]
        return y, (vjp,)

    assert only(check_vjps(forgetful, inputs_for(op_name, tier_name))).verdict == "wrong"


def test_a_missing_sum_over_the_samples_is_a_wrong_shape():
    op = with_wrong_vjp(get_tier("tensor").linear, 2, lambda g: np.tile(g, (4, 1)))
    check = check_vjps(op, inputs_for("linear", "tensor")).checks[2]
    assert check.verdict == "wrong shape: got (4, 2), expected (2,)"
    with pytest.raises(ValueError, match=r"dL/dx is not .*rows of shape \(\) and \(1,\)"):
        check_vjps(lambda x: (x, (lambda dy: [[1.0], 2.0],)), [[1.0, 2.0]])


def test_a_zero_gradient_is_wrong_if_the_true_one_is_not_zero():
    op = with_wrong_vjp(get_tier("vector").tanh, 0, np.zeros_like)
    assert only(check_vjps(op, inputs_for("tanh", "vector"))).verdict == "wrong"


def test_forward_code_that_drops_imaginary_parts_cannot_hide_a_missing_term():
    # y = x**2 + |x|, with the vjp of x**2 alone: by complex step the two would agree.
    def op(x):
        return x**2 + np.abs(x), (lambda dy: 2 * x * dy,)

    check = only(check_vjps(op, [np.array([1.0, -2.0])]))
    assert (check.verdict, check.method) == ("wrong", "Richardson")


# check_vjps: kinks and vacuous checks.


@every_tier
@pytest.mark.parametrize("zero", [0.0, -0.0])
def test_a_kink_is_reported_and_does_not_pass(tier_name, zero):
    tier = get_tier(tier_name)
    x = tier.asarray([[1.0, 2.0], [zero, -1.0]]) if tier_name == "tensor" else tier.asarray([1.0, zero, -1.0])
    for op in (tier.relu, lambda x: tier.elu(x, 0.5)):
        check = only(check_vjps(op, [x]))
        assert (check.verdict, check.coordinate) == ("at a kink", (1, 0) if tier_name == "tensor" else (1,))
        assert "move the input off the kink" in str(check_vjps(op, [x]))
    assert only(check_vjps(tier.elu, [x])).verdict == "pass"  # with alpha = 1 there is no kink


@every_tier
@pytest.mark.parametrize("distance", [1e-2, 1e-4, 1e-5, -1e-5])
def test_inputs_beside_a_kink_pass(tier_name, distance):
    tier = get_tier(tier_name)
    x = np.array([0.7, distance, -1.0, 2 * distance])
    x = tier.asarray(np.stack([x, -x]) if tier_name == "tensor" else x)
    for op in (tier.relu, lambda x: tier.elu(x, 0.5)):
        report = check_vjps(op, [x])
        assert report.passed, f"\n{report}"


def test_a_tiny_coordinate_may_be_rounded_but_not_wrong():
    weights = np.array([1.0, 1e-9])

    def op(x, rounded=(1 + 1e-9) - 1):  # accurate to 7 digits
        return weights * x, (lambda dy: dy * np.array([1.0, rounded]),)

    assert check_vjps(op, [np.ones(2)]).passed
    assert only(check_vjps(lambda x: op(x, 0.99e-9), [np.ones(2)])).verdict == "wrong"


@every_tier
def test_an_error_is_wrong_even_beside_a_kink(tier_name):
    x = {"scalar": [0.0, 1.0], "vector": np.array([0.0, 1.0]), "tensor": np.array([[0.0, 1.0]])}[tier_name]
    check = only(check_vjps(with_wrong_vjp(get_tier(tier_name).relu, 0, lambda g: 1.001 * g), [x]))
    assert (check.verdict, check.coordinate[-1]) == ("wrong", 1)


@every_tier
def test_all_zero_gradients_and_empty_inputs_do_not_pass(tier_name):
    tier = get_tier(tier_name)
    dead = tier.asarray([[-1.0, -2.0]] if tier_name == "tensor" else [-1.0, -2.0])
    assert only(check_vjps(tier.relu, [dead])).verdict == EXACTLY_ZERO
    assert only(check_vjps(tier.relu, [tier.asarray([])])).verdict == NO_COORDINATE
    report = check_vjps(tier.tanh, [dead], n_coordinates=0)
    assert only(report).verdict == NO_COORDINATE
    assert not report.passed
    assert "vacuous" in str(report)


def test_an_empty_report_does_not_pass():
    report = Report(())
    assert not report.passed
    assert str(report).splitlines()[-1] == "NOT passed: there was nothing to check."
    assert not check_network(mt.Network([mt.Sigmoid()], loss="mean_squared_error"), [[1.0]], [[1.0]]).passed


@every_tier
def test_a_gradient_that_is_only_rounding_error_does_not_pass(tier_name):
    # Each sample has a gradient for the bias, but over the batch they cancel.
    net = mt.Network([mt.Linear(2, 3)], tier=tier_name, init="zeros")
    report = check_network(net, np.ones((9, 2)), [0, 1, 2] * 3)
    assert {check.verdict for check in report.checks} <= {IN_ROUNDING, EXACTLY_ZERO}
    assert not report.passed


def test_a_gradient_below_the_noise_of_differences_does_not_pass():
    assert only(check_vjps(scalar.sigmoid, [[40.0, 50.0]])).verdict == IN_ROUNDING


@every_tier
@pytest.mark.parametrize("x", [-690.0, -706.0, -740.0])
def test_underflow_is_not_an_error_and_hides_none(tier_name, x):
    tier = get_tier(tier_name)
    inputs = [tier.asarray([[x]] if tier_name == "tensor" else [x])]
    assert only(check_vjps(tier.sigmoid, inputs)).verdict in ("pass", IN_ROUNDING, EXACTLY_ZERO)
    assert not check_vjps(with_wrong_vjp(tier.sigmoid, 0, lambda g: 2 * g), inputs).passed


def test_a_gradient_that_cancels_between_outputs_does_not_pass():
    def op(x):
        return np.concatenate([x, x / 49]), (lambda dy: dy[:1] + dy[1:] * (1 / 49),)

    assert only(check_vjps(op, [np.array([0.7])], dy=[1.0, -49.0])).verdict == IN_ROUNDING


@pytest.mark.parametrize("factor", [0, 2])
def test_an_error_below_the_rounding_of_the_value_does_not_pass(factor):
    op = with_wrong_vjp(get_tier("vector").sigmoid, 0, lambda g: factor * g)
    assert only(check_vjps(op, [np.array([40.0, 45.0])])).verdict == IN_ROUNDING


def test_a_function_with_a_jump_does_not_pass():
    def stairs(x):
        return np.floor(x) + x, (lambda dy: dy,)

    assert only(check_vjps(stairs, [np.array([1.5, 0.5])])).passed
    assert not only(check_vjps(stairs, [np.array([1.0, 0.5])])).passed


def test_a_noisy_coordinate_does_not_pass_though_the_other_one_agrees():
    def noisy(x):
        return x + 0.01 * (x != 1) * np.array([0, rng.standard_normal()]), (lambda dy: dy,)

    verdicts = set()
    for seed in range(10):
        rng = np.random.default_rng(seed)
        verdicts.add(only(check_vjps(noisy, [np.ones(2)])).verdict)
    assert verdicts <= {"wrong", "not deterministic"}


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_and_gradients_that_are_not_finite_are_reported(bad):
    report = check_vjps(get_tier("vector").linear, [np.ones(2), np.array([[1.0, bad]]), np.ones(1)])
    assert report.checks[0].verdict == "not finite"
    op = with_wrong_vjp(get_tier("vector").tanh, 0, lambda g: np.where(np.arange(100) == 70, bad, g))
    check = only(
        check_vjps(op, [np.ones(100)], n_coordinates=1)
    )  # found although it is not among the sampled coordinates
    assert (check.verdict, check.coordinate) == ("not finite", (70,))


@every_tier
@pytest.mark.parametrize("op_name", ["sigmoid", "tanh", "elu", "softmax"])
def test_saturation_is_not_an_error(op_name, tier_name):
    row = np.array([-800.0, -40.0, -20.0, 0.3, 1.0, 15.0, 40.0, 1e3])
    x = np.stack([row, row[::-1]]) if tier_name == "tensor" else row
    report = check_vjps(getattr(get_tier(tier_name), op_name), [x.tolist() if tier_name == "scalar" else x])
    # Here all but one of softmax's probabilities are 0, and so are their derivatives. Differences, all that the scalar
    # tier allows, see no change of a number near 1 by 1e-18.
    hidden = op_name == "softmax" or (tier_name == "scalar" and abs(only(report).analytic) < 1e-12)
    assert report.passed or (hidden and only(report).verdict in (EXACTLY_ZERO, IN_ROUNDING)), f"{report}"


@pytest.mark.parametrize("tier_name", ["vector", "tensor"])
def test_digits_lost_to_cancellation_in_a_vjp_are_not_an_error(tier_name):
    # The derivatives of these probabilities are about 1e-13, but differences of numbers of about 1.
    x = np.array([40.0, 0.0, 10.0])
    check = only(check_vjps(get_tier(tier_name).softmax, [x if tier_name == "vector" else x[None]]))
    assert check.passed, check
    assert 0 < abs(check.analytic) < 1e-12


@pytest.mark.parametrize("tier_name", ["vector", "tensor"])
def test_the_complex_step_reaches_far_into_the_tails(tier_name):
    x = np.array([-600.0, -40.0, 40.0, 300.0])
    report = check_vjps(get_tier(tier_name).sigmoid, [x[[3]] if tier_name == "vector" else x[None, [3]]])
    assert report.passed, f"\n{report}"
    report = check_vjps(get_tier(tier_name).sigmoid, [x])
    assert report.passed, f"\n{report}"


@every_tier
@pytest.mark.parametrize("logits", [[1000.0, 0.0, -1000.0], [1e3, 999.5, 998.0], [1e-9, 0.0, -1e-9]])
@pytest.mark.parametrize("target", [0, 1])
def test_large_and_close_logits_raise_no_false_alarm(tier_name, logits, target):
    tier = get_tier(tier_name)
    for chunk in tier.chunks(tier.asarray([logits]), tier.asarray([target], "int64")):
        check = only(check_vjps(tier.softmax_cross_entropy, chunk))
        gone = logits == [1000.0, 0.0, -1000.0] and target == 0
        assert check.verdict == (EXACTLY_ZERO if gone else "pass"), check


@examples(30)
@given(seed=st.integers(0, 2**32 - 1), scale=st.sampled_from([0.01, 1.0, 8.0]), name=st.sampled_from(TIERS))
def test_no_primitive_fails_on_any_inputs(seed, scale, name):
    for op_name in PRIMITIVES:
        inputs, k = inputs_for(op_name, name, seed), FIRST[op_name]
        inputs[k] = (np.array(inputs[k]) * scale).tolist() if name == "scalar" else inputs[k] * scale
        report = check_vjps(getattr(get_tier(name), op_name), inputs, seed=seed)
        for check in report.checks:
            dead = op_name in ("relu", "squared_relu", "hinge") and check.verdict == EXACTLY_ZERO
            saturated = check.verdict == IN_ROUNDING and abs(check.analytic) < 1e-9
            assert check.passed or dead or saturated, f"{op_name}\n{report}"


# check_vjps: its arguments.


def test_inputs_without_a_vjp_may_come_first():
    tokens, weight = [1, 0, 1], [[1.0, -2.0], [0.5, 3.0]]

    def lookup(tokens, weight):
        return scalar.embedding(tokens, weight)

    assert check_vjps(lookup, [tokens, weight], first=1).passed
    assert only(check_vjps(scalar.embedding, [tokens, weight])).name == "weight"  # known from the registry
    with pytest.raises(ValueError, match="first is -1, expected a whole number"):
        check_vjps(lookup, [tokens, weight], first=-1)


def test_dy_can_be_given_and_is_drawn_from_the_seed():
    x, seen = np.array([1.0, 2.0, 3.0]), []

    def op(x):
        return x * x, (lambda dy: seen.append(dy) or 2 * x * dy,)

    assert check_vjps(op, [x], dy=[1.0, -3.0, 0.5]).passed
    assert seen.pop().tolist() == [1.0, -3.0, 0.5]
    assert check_vjps(op, [x], seed=5) == check_vjps(op, [x], seed=5) != check_vjps(op, [x], seed=6)
    assert all(0.5 <= abs(d) <= 1.5 for dy in seen for d in dy)
    assert x.tolist() == [1, 2, 3]


def test_integers_are_numbers_too():
    assert check_vjps(get_tier("vector").linear, [np.array([1, 2]), np.array([[3, 4]]), np.array([5])]).passed
    assert check_vjps(scalar.linear, [[1, 2], [[3, 4]], [5]]).passed


def test_float32_is_checked_against_float64():
    op, inputs = get_tier("tensor").linear, [a.astype(np.float32) for a in inputs_for("linear", "tensor")]
    report = check_vjps(op, inputs)
    assert report.passed, f"\n{report}"
    assert {check.tolerance for check in report.checks} == {1e-4}
    assert not check_vjps(with_wrong_vjp(op, 1, lambda g: 1.001 * g), inputs).checks[1].passed


class Box:
    """A foreign array class: a list that NumPy cannot look into."""

    def __init__(self, values):
        self.values = values

    def __len__(self):
        return len(self.values)


def unbox(thing):
    return thing.values if isinstance(thing, Box) else thing


def boxed(op):
    """Return an op of the scalar tier that works on `Box` arrays."""

    @functools.wraps(op)
    def function(*boxes):
        value, vjps = op(*map(unbox, boxes))
        vjps = [lambda dy, vjp=vjp: Box(vjp(unbox(dy))) for vjp in vjps]
        return Box(value) if isinstance(value, list) else value, tuple(vjps)

    return function


def foreign_tier(**others):
    """Return the scalar tier with `Box` arrays."""
    return SimpleNamespace(
        **{name: boxed(getattr(scalar, name)) for name in PRIMITIVES if name not in others},
        asarray=lambda values, dtype="float64": Box(scalar.asarray(unbox(values), dtype)),
        tolist=unbox,
        chunks=lambda *arrays: (
            tuple(Box(a) if isinstance(a, list) else a for a in chunk)
            for chunk in zip(*map(unbox, arrays), strict=True)
        ),
        add_scaled=lambda target, source, scale: scalar.add_scaled(target.values, source.values, scale),
        elementwise=lambda f, *arrays: Box(scalar.elementwise(f, *map(unbox, arrays))),
        **others,
    )


def test_arrays_of_a_foreign_tier_are_checked_if_the_tier_is_given():
    tier = foreign_tier()
    inputs = [Box(a) for a in inputs_for("linear", "scalar")]
    report = check_vjps(tier.linear, inputs, tier=tier)
    assert report.passed, f"\n{report}"
    assert not check_vjps(boxed(with_wrong_vjp(scalar.linear, 0, lambda g: -g)), inputs, tier=tier).passed
    with pytest.raises(ValueError, match=r"linear: x: got a Box, expected .*for a tier's own arrays pass tier="):
        check_vjps(tier.linear, inputs)
    net = mt.mlp([2, 3, 2], "tanh", tier=tier)
    assert check_network(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1]).passed


VECTOR = get_tier("vector")


@pytest.mark.parametrize(
    ("op", "inputs", "options", "message"),
    [
        (VECTOR.tanh, [np.array([1j])], {}, r"tanh: x holds complex128, expected real numbers"),
        (lambda x: (1.0, (len,)), [["a"]], {}, r"x holds <U1, expected real numbers"),
        (lambda x: (1.0, (len,)), [[[1.0], [2.0, 3.0]]], {}, r"x is not .*rows of shape \(1,\) and \(2,\)"),
        (lambda x: x, [[1.0]], {}, r"returned \[1.0\], expected y, \(dx, ...\): its value and a tuple of vjps"),
        (lambda x: (x, x, x), [[1.0]], {}, r"expected y, \(dx, ...\): its value and a tuple of vjps"),
        (lambda x: (x, ()), [[1.0]], {}, r"a tuple of vjps in the order of its inputs, at least one"),
        (lambda x: (x, (len, len)), [[1.0]], {}, r"at least one and at most 1"),
        (lambda x: (x, (1.0,)), [[1.0]], {}, r"a tuple of vjps"),
        (VECTOR.tanh, [np.ones(2)], {"dy": np.ones(3)}, r"dy has shape \(3,\), expected the value's shape, \(2,\)"),
        (VECTOR.tanh, [np.ones(2)], {"dy": 1.0}, r"dy has shape \(\), expected the value's shape"),
        (VECTOR.tanh, [np.ones(2)], {"dy": ["a", "b"]}, r"dy holds <U1"),
        (VECTOR.tanh, [np.ones(2)], {"n_coordinates": -1}, r"n_coordinates is -1, expected a whole number"),
        (VECTOR.tanh, [np.ones(2)], {"n_coordinates": 1.5}, r"n_coordinates is 1.5"),
        (VECTOR.tanh, [np.ones(2)], {"seed": "x"}, r"seed is 'x'"),
        (VECTOR.tanh, [np.ones(2)], {"tier": "tensr"}, r"unknown tier 'tensr'"),
    ],
)
def test_bad_arguments_are_refused_with_advice(op, inputs, options, message):
    with pytest.raises(ValueError, match=message):
        check_vjps(op, inputs, **options)


# check_network.


BATCH = np.random.default_rng(1).standard_normal((6, 3))
LABELS = np.array([0, 1, 2, 1, 0, 2])


@every_tier
@pytest.mark.parametrize(("norm", "activation"), [("rms_norm", "relu"), ("layer_norm", "squared_relu")])
def test_a_net_of_documents_is_checked(norm, activation, tier_name):
    functions = {name: getattr(get_tier(tier_name), name) for name in (*PRIMITIVES, *SUPPORT)}
    options = {"length": 4, "activation": activation, "norm": norm, "init": "normal:0.5", "seed": 1}
    X, y = [[0, 3, 0], [1, 2, -1]], [[3, 0, -1], [2, 1, -1]]
    report = check_network(mt.gpt(4, 4, 2, **options, tier=tier_name), X, y, n_coordinates=1)
    assert report.passed, f"\n{report}"
    functions["attention"] = with_wrong_vjp(functions["attention"], 0, lambda g: 1.001 * g)
    report = check_network(mt.gpt(4, 4, 2, **options, tier=SimpleNamespace(**functions)), X, y, n_coordinates=0)
    assert [check.verdict for check in report.checks if check.name == "direction"] == ["wrong"]


@every_tier
@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_a_right_net_passes(tier_name, exact, loss):
    net = mt.mlp([3, 5, 4, 3], "tanh", tier=tier_name, exact=exact, loss=loss)
    before = net.state_dict()
    report = check_network(net, BATCH, LABELS if loss == "softmax_cross_entropy" else np.eye(3)[LABELS])
    assert report.passed, f"\n{report}"
    assert [check.name for check in report.checks] == [*before, "direction"]
    sizes = [min(20, a.size) for a in before.values()]
    assert [check.n_coordinates for check in report.checks] == [*sizes, net.n_parameters]
    assert exact or {check.method for check in report.checks} == {method_for(loss, tier_name)}
    assert all(np.array_equal(net.state_dict()[key], before[key]) for key in before)
    assert max(map(len, str(report).splitlines())) <= 110


@examples(60)
@given(data=st.data())
def test_random_nets_pass(data):
    draw = data.draw
    seed, tier_name = draw(st.integers(0, 2**32 - 1)), draw(st.sampled_from(TIERS))
    sizes = draw(st.lists(st.integers(1, 4), min_size=1, max_size=4))
    n_classes, n_samples = draw(st.integers(2, 3)), draw(st.integers(1, 4))
    loss = draw(st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]))
    rng = np.random.default_rng(seed)
    layers, features = [], sizes[0]
    for size in sizes[1:]:
        alpha = draw(st.sampled_from([0.5, 1.0, 2.0]))
        layers += [
            mt.Linear(features, size), draw(st.sampled_from([mt.Sigmoid(), mt.Tanh(), mt.ReLU(), mt.ELU(alpha)]))
        ]  # fmt: skip
        features = size
    layers += [mt.Linear(features, n_classes)]
    net = mt.Network(layers, loss, tier=tier_name, init=draw(st.sampled_from(["xavier", "standard_normal"])), seed=seed)
    net.load_state_dict({k: a + 0.1 * rng.standard_normal(a.shape) for k, a in net.state_dict().items()})
    X = rng.standard_normal((n_samples, sizes[0]))
    cross_entropy = loss == "softmax_cross_entropy"
    y = rng.integers(0, n_classes, n_samples) if cross_entropy else rng.standard_normal((n_samples, n_classes))
    report = check_network(net, X, y, seed=seed)
    has_relu = any(isinstance(layer, mt.ReLU) for layer in layers)
    for check in report.checks:
        dead = has_relu and check.verdict == EXACTLY_ZERO
        saturated = check.verdict == IN_ROUNDING and abs(check.analytic) < 1e-9
        assert check.passed or dead or saturated, f"{net}\n{report}"
    assert report.checks[-1].passed


def broken_tier(tier_name, op_name, k, change=lambda g: 1.001 * g):
    """Return one of the tiers, with one wrong vjp."""
    tier = get_tier(tier_name)
    functions = {name: getattr(tier, name) for name in (*PRIMITIVES, *SUPPORT)}
    return SimpleNamespace(**functions | {op_name: with_wrong_vjp(functions[op_name], k, change)})


@every_tier
@pytest.mark.parametrize(
    ("op_name", "k", "wrong"),
    [
        ("linear", 0, ["0.weight", "0.bias", "direction"]),
        ("linear", 1, ["0.weight", "2.weight", "direction"]),
        ("linear", 2, ["0.bias", "2.bias", "direction"]),
        ("tanh", 0, ["0.weight", "0.bias", "direction"]),
        ("softmax_cross_entropy", 0, ["0.weight", "0.bias", "2.weight", "2.bias", "direction"]),
    ],
)
def test_a_bug_in_a_tier_is_found_and_the_parameter_named(tier_name, op_name, k, wrong):
    net = mt.mlp([3, 4, 3], "tanh", tier=broken_tier(tier_name, op_name, k))
    report = check_network(net, BATCH, LABELS)
    assert [check.name for check in report.checks if check.verdict == "wrong"] == wrong
    assert [check.name for check in report.checks if not check.passed] == wrong
    assert str(report).endswith(f"NOT passed: {', '.join(wrong)}.")


def test_the_method_is_the_most_accurate_that_the_tier_allows():
    methods = {}
    for tier_name in TIERS:
        report = check_network(mt.mlp([3, 4, 3], "sigmoid", tier=tier_name), BATCH, LABELS)
        methods[tier_name] = {check.method for check in report.checks}
    assert methods == {"scalar": {"Richardson"}, "vector": {"complex step"}, "tensor": {"complex step"}}


def test_a_loss_that_does_not_match_its_gradient_is_found():
    # With two samples or more, the value leaves out the last one; the gradient does not.
    tier = get_tier("tensor")

    def forgetful(logits, target):
        n = max(1, len(logits) - 1)
        return tier.softmax_cross_entropy(logits[:n], target[:n])[0], tier.softmax_cross_entropy(logits, target)[1]

    functions = {name: getattr(tier, name) for name in (*PRIMITIVES, *SUPPORT)}
    net = mt.mlp([3, 4, 3], tier=SimpleNamespace(**functions | {"softmax_cross_entropy": forgetful}))
    assert {check.verdict for check in check_network(net, BATCH, LABELS).checks} == {"wrong"}


@every_tier
def test_a_gradient_of_the_wrong_shape_is_named(tier_name):
    net = mt.mlp([3, 4, 3], "tanh", tier=broken_tier(tier_name, "linear", 1, lambda g: g.T.copy()))
    report = check_network(net, BATCH, LABELS)
    assert report.checks[0].verdict == "wrong shape: got (3, 4), expected (4, 3)"
    assert not report.passed
    assert "0.weight" in str(report).splitlines()[-1]


@every_tier
def test_an_error_in_an_unsampled_coordinate_shows_in_the_directional_derivative(tier_name):
    def change(gradient):
        gradient = gradient.copy()
        gradient[0, 0] += 1e-3 * (gradient.shape == (30, 3))
        return gradient

    net = mt.mlp([3, 30, 3], "tanh", tier=broken_tier(tier_name, "linear", 1, change))
    verdicts = {c.name: c.verdict for c in check_network(net, BATCH, LABELS, n_coordinates=2).checks}
    assert verdicts["direction"] == "wrong"
    everywhere = check_network(net, BATCH, LABELS, n_coordinates=None).checks[0]
    assert (everywhere.n_coordinates, everywhere.coordinate, everywhere.verdict) == (90, (0, 0), "wrong")


def test_the_sampled_coordinates_include_nonzero_ones():
    # Only two of the 400 inputs are not zero, and only their weights have a gradient.
    X = np.zeros((2, 400))
    X[:, 17], X[:, 250] = 1.0, -2.0
    net = mt.mlp([400, 5, 2], "tanh")
    assert check_network(net, X, [0, 1], n_coordinates=4).passed


@every_tier
def test_dead_units_and_zero_weights_do_not_pass(tier_name):
    net = mt.mlp([3, 4, 3], "relu", tier=tier_name)
    net.load_state_dict(net.state_dict() | {"0.bias": np.full(4, -100.0)})
    verdicts = {check.name: check.verdict for check in check_network(net, BATCH, LABELS[::-1]).checks}
    assert verdicts.pop("0.weight") == verdicts.pop("0.bias") == verdicts.pop("2.weight") == EXACTLY_ZERO
    net = mt.mlp([3, 4, 3], "sigmoid", tier=tier_name, init="zeros")
    report = check_network(net, BATCH, [0, 0, 0, 1, 2, 2])
    assert [c.name for c in report.checks if c.verdict == EXACTLY_ZERO] == ["0.weight", "0.bias"]
    assert not report.passed
    assert "draw other inputs or weights" in str(report)


@every_tier
def test_a_unit_at_its_kink_is_reported_not_passed(tier_name):
    X = BATCH.copy()
    X[2] = 0  # and the biases are 0: at this sample all units are at their kink
    net = mt.mlp([3, 4, 3], "relu", tier=tier_name)
    report = check_network(net, X, LABELS)
    verdicts = {check.name: check.verdict for check in report.checks}
    assert verdicts["0.bias"] == verdicts["direction"] == "at a kink"
    assert verdicts["0.weight"] == verdicts["2.weight"] == verdicts["2.bias"] == "pass"
    assert not report.passed


@pytest.mark.parametrize("tier_name", ["vector", "tensor"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_float32_nets_are_checked_with_a_tolerance_for_float32(tier_name, activation):
    sizes = [3, 20, 3]
    report = check_network(mt.mlp(sizes, activation, tier=tier_name, dtype="float32"), BATCH, LABELS)
    assert report.passed, f"\n{report}"
    wrong = mt.mlp(sizes, activation, tier=broken_tier(tier_name, "linear", 1), dtype="float32")
    assert not check_network(wrong, BATCH, LABELS).passed


@pytest.mark.parametrize("scale", [1e-3, 100.0])
@every_tier
def test_inputs_of_any_scale_raise_no_false_alarm(tier_name, scale):
    report = check_network(mt.mlp([3, 4, 3], "tanh", tier=tier_name, seed=2), BATCH * scale, LABELS)
    assert {check.verdict for check in report.checks} <= {"pass", IN_ROUNDING, EXACTLY_ZERO}, f"\n{report}"
    assert report.checks[-1].passed


@every_tier
def test_a_trained_net_passes_though_its_samples_gradients_cancel(tier_name):
    X, y = np.vstack([BATCH, BATCH]), np.concatenate([LABELS, LABELS[::-1]])  # contradictory: the loss cannot become 0
    net = mt.Network([mt.Linear(3, 3)])
    mt.fit(net, X, y, optimizer=mt.SGD(0.5), batch_size=12, epochs=400)
    report = check_network(net.to(tier_name), X, y)
    assert not [check for check in report.checks if check.verdict not in ("pass", IN_ROUNDING)], f"\n{report}"


@every_tier
def test_at_the_optimum_the_gradient_is_only_rounding_error(tier_name):
    rng = np.random.default_rng(4)
    X, y = 1e3 * rng.standard_normal((8, 2)), rng.standard_normal((8, 1))
    solution = np.linalg.lstsq(np.c_[X, np.ones(8)], y, rcond=None)[0].ravel()
    net = mt.Network([mt.Linear(2, 1)], "mean_squared_error", tier=tier_name)
    net.load_state_dict({"0.weight": solution[None, :2], "0.bias": solution[2:]})
    report = check_network(net, X, y)
    assert {check.verdict for check in report.checks} == {IN_ROUNDING}, f"\n{report}"


def test_bad_batches_are_refused_as_in_training():
    net = mt.mlp([3, 4, 3])
    for X, y in [(BATCH[:, :2], LABELS), (BATCH, LABELS[:2]), (BATCH, LABELS + 7), ([], [])]:
        with pytest.raises(mt.DataError):
            check_network(net, X, y)


def test_samples_that_are_not_finite_are_reported():
    X = BATCH.copy()
    X[0, 0] = math.nan
    report = check_network(mt.mlp([3, 4, 3]), X, LABELS)
    assert {check.verdict for check in report.checks} == {"not finite"}


# The command.


def test_check_prints_the_report_and_exits_with_0(cli):
    result = cli("check")
    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[-1] == "Passed: every gradient agrees with its numerical derivative."
    assert "49 parameters, tensor tier, float64" in result.out


@pytest.mark.parametrize(
    "args",
    [
        ("--tier", "scalar", "--activation", "tanh", "--exact"),
        ("--tier", "vector", "--loss", "mean_squared_error", "--data", "spiral", "--hidden", "3"),
        ("--data", "glyphs", "--hidden", "--dtype", "float32", "--n", "5"),
        ("--activation", "elu", "--init", "standard_normal", "--seed", "3", "--coordinates", "2", "--n", "1"),
    ],
    ids=" ".join,
)
def test_check_passes_for_nets_of_all_kinds(cli, args):
    result = cli("check", *args)
    assert (result.code, result.err) == (0, ""), result.out


def test_check_accepts_a_net_saved_by_train(cli):
    small = ("--data", "moons", "--n-train", "60", "--n-test", "20", "--hidden", "4", "--epochs", "1", "--no-progress")
    assert cli("train", *small).code == 0
    result = cli("check", "--net", "net.npz", "--tier", "scalar")
    assert result.code == 0
    assert result.out.startswith("net.npz with softmax_cross_entropy on 8 samples of moons: 22 parameters, scalar tier")
    assert cli("check", "--net", "none.npz").code == 1
    assert cli("check", "--net", "net.npz", "--json", "net.npz").code == 2


def test_check_writes_json(cli, folder):
    assert cli("check", "--tier", "vector", "--json", "check.json").code == 0
    content = json.loads((folder / "check.json").read_text())
    assert content["passed"] is True
    assert [check["name"] for check in content["checks"]][-1] == "direction"
    assert {check["verdict"] for check in content["checks"]} == {"pass"}
    assert (content["tier"], content["n"], content["net"]) == ("vector", 8, "2-5-4-2 sigmoid")


def test_check_of_a_tier_with_a_bug_names_the_parameters_and_exits_with_1(cli, folder):
    Path("mine.py").write_text(
        "from micrograd_tiers.tiers.tensor import *\nfrom micrograd_tiers.tiers import tensor\n\n"
        "def sigmoid(x):\n    y, (dx,) = tensor.sigmoid(x)\n    return y, (lambda dy: y * (1 - y),)\n"
    )
    result = cli("check", "--tier", "mine.py", "--json", "check.json")
    assert result.code == 1
    assert "NOT passed: 0.weight, 0.bias, 2.weight, 2.bias, direction." in result.out
    content = json.loads((folder / "check.json").read_text())
    assert content["passed"] is False
    assert content["checks"][0]["verdict"] == "wrong"


def test_a_vacuous_check_exits_with_1(cli):
    for args in (["--init", "zeros"], ["--coordinates", "0"]):
        result = cli("check", *args)
        assert result.code == 1
        assert "vacuous" in result.out


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--tier", "tensr"], "unknown tier 'tensr'"),
        (["--loss", "nll"], "unknown loss 'nll'"),
        (["--activation", "nonsense"], "unknown activation"),
        (["--init", "ones"], "init"),
        (["--n", "0"], "argument --n: the value is 0, expected a whole number from 1"),
        (["--coordinates", "-1"], "argument --coordinates: the value is -1"),
        (["--dtype", "float16"], "unknown dtype 'float16'"),
        (["--tier", "scalar", "--dtype", "float32"], "float32"),
        (["--data", "cifar"], "cifar"),
        (["--n", "many"], "many"),
        (["--hidden", "0"], "0"),
        (["--seed", "-1"], "seed is -1"),
    ],
)
def test_wrong_usage_of_check_is_one_line_and_exits_with_2(cli, folder, args, message):
    result = cli("check", *args)
    assert (result.code, result.out) == (2, "")
    assert len(result.err.splitlines()) == 1
    assert message in result.err
    assert not [*folder.iterdir()]


def test_check_refuses_unreadable_and_unwritable_files_before_the_work(cli):
    for args in (["--json", "no/such/folder/x.json"], ["--data", "mnist"]):
        result = cli("check", *args)
        assert (result.code, result.out) == (1, "")
        assert len(result.err.splitlines()) == 1
