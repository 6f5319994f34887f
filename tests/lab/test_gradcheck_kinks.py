"""Gradient checks near kinks: no right gradient is called wrong, and no wrong one hides behind a kink."""

import functools
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.lab.gradcheck.lines import Line
from micrograd_tiers.lab.gradcheck.noise import noise_of
from micrograd_tiers.lab.gradcheck.report import VerdictKind
from micrograd_tiers.tiers import PRIMITIVES, SUPPORT, TIERS, get_tier

PASS, WRONG, KINK = VerdictKind.PASS, VerdictKind.WRONG, VerdictKind.KINK
every_tier = pytest.mark.parametrize("tier", TIERS)


def batch(n, seed, features=3, whole=False):
    """Return samples and labels; whole numbers put many units exactly at their kinks."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, features))
    return np.round(X) if whole else X, rng.integers(0, 2, n)


def kinds_of(net, X, y, **options):
    return {check.name: check.kind for check in mt.check_network(net, X, y, **options).checks}


# Nets that earlier versions called wrong.


@pytest.mark.parametrize("tier", ["vector", "tensor"])
def test_a_unit_that_is_off_until_a_far_kink_has_no_noise(tier):
    # The check took the kink for noise, and then chose steps so long that they reached across others.
    net = mt.mlp([3, 4, 4, 3, 2], "relu", tier=tier, seed=212)
    report = mt.check_network(net, *batch(8, 212))
    assert report.passed, f"\n{report}"


@pytest.mark.parametrize(("n", "seed"), [(4, 212), (5, 212), (8, 212), (10, 0), (10, 212)])
def test_steps_across_a_kink_contradict_no_right_gradient(n, seed):
    net = mt.mlp([3, 4, 4, 3, 2], "relu", tier="scalar", init="standard_normal", seed=212)
    assert WRONG not in kinds_of(net, *batch(n, 212), seed=seed).values()


def test_an_extrapolation_across_a_kink_that_seems_certain_gets_a_second_opinion():
    # The slope of squared ReLU has the kink, so the differences at all steps nearly agree.
    rng = np.random.default_rng(9)
    net = mt.mlp([2, 4, 3, 2], "squared_relu", tier="scalar", seed=9)
    report = mt.check_network(net, rng.standard_normal((5, 2)), rng.integers(0, 2, 5))
    assert report.passed, f"\n{report}"


@pytest.mark.parametrize(("n", "seed"), [(5, 0), (6, 0), (8, 0), (8, 1)])
def test_a_kink_that_a_random_line_misses_is_reported(n, seed):
    # A sample turns all units of the first layer off, so it is at the kinks of the second one, whose biases are 0.
    net = mt.mlp([3, 4, 4, 3, 2], "relu", tier="scalar", seed=212)
    report = mt.check_network(net, *batch(n, seed))
    assert {check.name: check.kind for check in report.checks}["2.bias"] is KINK, f"\n{report}"
    assert "not judged, as no derivative exists there: move the input off the kink" in str(report)
    assert WRONG not in {check.kind for check in report.checks}


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_complex_step_that_sees_no_slope_is_not_certain_of_it(dtype):
    # The mean absolute error drops the imaginary part, and rounding errors of the gradient are not exactly 0.
    layers = [mt.Linear(2, 3), mt.BatchNorm1d(3), mt.ELU(2.0), mt.Linear(3, 2)]
    net, rng = mt.Network(layers, "mean_absolute_error", seed=10, dtype=dtype), np.random.default_rng(10)
    kinds = kinds_of(net, rng.standard_normal((6, 2)), rng.standard_normal((6, 2)))
    assert WRONG not in kinds.values()


def test_noise_is_not_taken_from_a_kink():
    def at(t):
        return np.array([np.maximum(3.0 * t - 0.004, 0) + np.maximum(-5.0 * t - 0.003, 0), 1.0 + t])

    assert noise_of(Line(at, 1.0)).max() < 1e-14


# Right nets of all kinds.


@st.composite
def problems(draw):
    """Return a right net with kinks, samples and targets; zeros and whole numbers put some of them at a kink."""
    tier, seed = draw(st.sampled_from(TIERS)), draw(st.integers(0, 2**32 - 1))
    dtype = draw(st.sampled_from(["float64", "float64", "float32"])) if tier != "scalar" else "float64"
    loss = draw(st.sampled_from(["softmax_cross_entropy", "hinge", "mean_absolute_error"]))
    n_outputs = 1 if loss == "hinge" else 2
    activation = st.sampled_from([mt.ReLU(), mt.ReLU(), mt.ELU(0.3), mt.ELU(2.0), mt.SquaredReLU()])
    if draw(st.integers(0, 3)) == 0:
        features, layers = 36, [mt.Reshape((1, 6, 6)), mt.Conv2d(1, 2, 3), draw(activation), mt.MaxPool2d(2)]
        layers += [mt.Flatten(), mt.Linear(8, n_outputs)]
    else:
        features, layers, width = 3, [], 3
        for size in draw(st.lists(st.integers(2, 4), min_size=1, max_size=3)):
            layers += [mt.Linear(width, size), draw(activation)]
            if draw(st.booleans()):
                layers += [*mt.residual(mt.Linear(size, size), draw(activation))]
            width = size
        layers += [mt.Linear(width, n_outputs)]
    net = mt.Network(
        layers, loss, tier=tier, dtype=dtype, init=draw(st.sampled_from(["xavier", "standard_normal"])), seed=seed
    )
    rng = np.random.default_rng(seed)
    shift = draw(st.sampled_from([0.0, 1e-7, 1e-4, 0.1]))
    net.load_state_dict({name: w + shift * rng.standard_normal(w.shape) for name, w in net.state_dict().items()})
    n = draw(st.integers(1, 8))
    X, y = batch(n, rng, features, whole=draw(st.booleans()))
    if loss != "softmax_cross_entropy":
        y = rng.choice([-1.0, 1.0], (n, n_outputs)) if loss == "hinge" else rng.standard_normal((n, n_outputs))
    return net, X, y


@examples(50)
@given(problem=problems(), seed=st.integers(0, 99))
def test_no_right_net_is_called_wrong(problem, seed):
    report = mt.check_network(*problem, n_coordinates=12, seed=seed)
    assert WRONG not in {check.kind for check in report.checks}, f"{problem[0]}\n{report}"


# Wrong gradients.


@pytest.mark.parametrize("distance", [0.1, 1e-3, -1e-3, 1e-5, -1e-5, 1e-7, -1e-7])
def test_a_wrong_gradient_beside_a_kink_is_found_and_a_right_one_passes(distance):
    kink = 0.7 + distance

    def f(x):
        return float(np.sin(x[0].real)) + 3 * abs(float(x[0].real) - kink)

    slope = np.cos(0.7) - 3 * np.sign(distance)
    assert mt.check(f, [slope], [0.7]).passed
    for wrong in (1.001 * slope, slope + 1e-3, np.cos(0.7), -slope):
        assert mt.check(f, [wrong], [0.7]).checks[0].kind is WRONG


def test_a_gradient_beside_a_kink_that_rounding_hides_does_not_pass():
    kinds = {
        mt.check(lambda x: 3 * abs(float(x[0].real) - 0.7 - 1e-16), [slope], [0.7]).checks[0].kind
        for slope in (-3.0, 0.5, 3.0)
    }
    assert kinds == {KINK}


@every_tier
@pytest.mark.parametrize("op_name", ["relu", "linear"])
def test_a_bug_is_found_in_a_net_beside_kinks(op_name, tier):
    functions = {name: getattr(get_tier(tier), name) for name in (*PRIMITIVES, *SUPPORT)}
    right = functions[op_name]

    @functools.wraps(right)
    def wrong(*inputs):
        value, (dx, *others) = right(*inputs)

        def too_large(dy):
            gradient = 1.001 * np.array(dx(dy))
            return gradient.tolist() if tier == "scalar" else gradient

        return value, (too_large, *others)

    net = mt.mlp([3, 4, 4, 3, 2], "relu", tier=SimpleNamespace(**functions | {op_name: wrong}), seed=212)
    kinds = kinds_of(net, *batch(8, 212))
    assert kinds["0.weight"] is kinds["2.bias"] is WRONG
    assert kinds["6.weight"] is PASS


@pytest.mark.parametrize("wrong", [0.0, 0.5, -1.0])
def test_code_that_drops_imaginary_parts_far_from_any_kink(wrong):
    # |x| is real for complex x, so the complex step sees no slope at all.
    x = np.array([1e-6, 2.0, -3.0])
    assert mt.check(lambda x: np.abs(x).sum(), np.sign, x).passed
    assert mt.check(lambda x: np.abs(x).sum(), lambda x: wrong * np.sign(x), x).checks[0].kind is WRONG
