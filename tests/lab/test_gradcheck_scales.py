"""Gradient checks at every scale, of functions from anywhere: right gradients pass, wrong ones never do."""

import ctypes.util
import math
from collections import Counter

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.lab.gradcheck.report import VerdictKind

PASS, WRONG, LOST = VerdictKind.PASS, VerdictKind.WRONG, VerdictKind.LOST

# By name: the function for arrays, for one float, and exactly.
FUNCTIONS = {
    "exp": (np.exp, math.exp, mpmath.exp),
    "tanh": (np.tanh, math.tanh, mpmath.tanh),
    "sin": (np.sin, math.sin, mpmath.sin),
    "square": (lambda u: u * u, lambda u: u * u, lambda u: u * u),
    "cube": (lambda u: u**3, lambda u: u**3, lambda u: u**3),
    "inverse": (lambda u: 1 / u, lambda u: 1 / u, lambda u: 1 / u),
    "log": (lambda u: np.log(u * u), lambda u: math.log(u * u), lambda u: mpmath.log(u * u)),
    "sigmoid": (lambda u: 1 / (1 + np.exp(-u)), lambda u: 1 / (1 + math.exp(-u)), lambda u: 1 / (1 + mpmath.exp(-u))),
    "softplus": (
        lambda u: np.log1p(np.exp(u)), lambda u: math.log1p(math.exp(u)), lambda u: mpmath.log1p(mpmath.exp(u))
    ),
    "arctan": (np.arctan, math.atan, mpmath.atan),
    "of 1 / u": (lambda u: np.exp(-1 / u**2), lambda u: math.exp(-1 / u**2), lambda u: mpmath.exp(-1 / u**2)),
    "with a constant": (lambda u: 1e6 + np.sin(u), lambda u: 1e6 + math.sin(u), lambda u: 10**6 + mpmath.sin(u)),
    "with cancellation": (lambda u: (1 + u * u) - 1, lambda u: (1 + u * u) - 1, lambda u: u * u),
}  # fmt: skip
ERRORS = (0.0, 0.5, 2.0, -1.0, 1.01, 1e10)  # factors of a wrong gradient
TINY = 1e-290


def exponents(most):
    return st.floats(-most, most)


@st.composite
def problems(draw, most=280.0):
    """Return a function c f(s x), a point x = u / s, and the exact derivative, for s and c of any scale."""
    name = draw(st.sampled_from(sorted(FUNCTIONS)))
    s, c = 10 ** draw(exponents(most)), 10 ** draw(exponents(most))
    u = draw(st.floats(0.1, 5)) * draw(st.sampled_from([-1, 1])) * 10 ** draw(st.sampled_from([0, 0, 0, -3, -6]))
    x = u / s
    for_arrays, for_floats, exact = FUNCTIONS[name]
    with mpmath.workdps(60):
        exact_u = mpmath.mpf(s) * mpmath.mpf(x)
        value, slope = (mpmath.mpf(c) * part for part in mpmath.taylor(exact, exact_u, 1))
        slope *= mpmath.mpf(s)
    numbers = [abs(float(number)) for number in (value, slope, value / c)]
    if not all(TINY < number < 1 / TINY for number in (*numbers, abs(x))):
        return None
    takes_complex = draw(st.booleans())

    def f(x):
        return c * for_arrays(s * x) if takes_complex else c * for_floats(s * x.item())

    return f, x, float(slope), draw(st.sampled_from(ERRORS))


def kind_of(f, gradient, x):
    (check,) = mt.check(f, gradient, x, n_directions=0).checks
    return check.kind


def test_no_verdict_is_false_at_any_scale():
    seen = Counter()

    @examples(400)
    @given(problem=problems())
    def try_one(problem):
        if problem is not None:
            f, x, slope, error = problem
            right, wrong = kind_of(f, slope, x), kind_of(f, slope * error, x)
            seen[right] += 1
            assert right in (PASS, LOST)
            assert wrong is not PASS

    try_one()
    assert seen[PASS] > 100
    assert seen[LOST] <= 0.02 * seen.total()


@examples(100)
@given(problem=problems(most=140.0), distance=exponents(4.0), seed=st.integers(0, 99))
def test_points_far_from_zero_and_mixed_scales_are_judged_rightly(problem, distance, seed):
    if problem is None:
        return
    f, x, slope, error = problem
    assert kind_of(lambda y: f(y - x), slope, 2 * x) in (PASS, LOST)
    # Another coordinate of another scale hides nothing.
    other = x * 10.0**distance

    def both(p):
        return np.array([f(p[0]), p[1] / other])

    def gradient(p, dy, factor=1.0):
        return np.array([dy[0] * slope * factor, dy[1] / other])

    report = mt.check(both, gradient, [x, other], n_directions=0, seed=seed)
    assert report.checks[0].kind in (PASS, LOST)
    assert not mt.check(both, lambda p, dy: gradient(p, dy, error), [x, other], n_directions=0, seed=seed)


@examples(60)
@given(scale=exponents(12.0), u=st.floats(0.2, 2), error=st.sampled_from(ERRORS), inside=st.booleans())
def test_float32_is_judged_rightly(scale, u, error, inside):
    s = np.float32(10.0**scale)
    x = np.float32(u) / s
    slope = float(s) * math.cos(float(s * x))

    def hidden(y):  # takes and returns float64, and computes in float32
        return float(np.sin(s * np.float32(y.item())))

    f, point = (hidden, float(x)) if inside else (lambda y: np.sin(s * y).sum(), np.array(x))
    assert kind_of(f, np.asarray(slope, getattr(point, "dtype", float)), point) in (PASS, LOST)
    assert kind_of(f, np.asarray(slope * error, getattr(point, "dtype", float)), point) is not PASS


def real_only(f):
    return lambda x: 1 / 0 if np.iscomplexobj(x) else f(x)


@pytest.mark.parametrize(
    ("f", "gradient", "x"),
    [
        (lambda x: np.exp(x).sum(), np.exp, [0.0, 50.0]),
        (lambda x: np.exp(x).sum(), np.exp, [0.0, 50.0, -50.0]),
        (lambda x: float(sum(float(v) ** 4 for v in x)), lambda x: 4 * x**3, [1e4, 1.0]),
        (real_only(lambda x: (x**2).sum()), lambda x: 2 * x, np.float32([1e5, 1])),
        (lambda x: (1 / x).sum(), lambda x: -1 / x**2, [1e-20, 1.0, 1e20]),
        (lambda x: np.abs(x).sum(), np.sign, [1e10, 1.0, 1e-10]),
        (lambda x: np.maximum(x, 0).sum() ** 2, lambda x: 2 * np.maximum(x, 0).sum() * (x > 0), [1e10, 1.0, 1e-10]),
        (real_only(lambda x: (x**2).sum()), lambda x: 2 * x, [1e-200, 1e100]),
    ],
)
@pytest.mark.parametrize("factor", [1.0, -1.0, 1e6, 0.0])
def test_a_large_coordinate_hides_no_wrong_one(f, gradient, x, factor):
    def changed(x):
        wrong = np.array(gradient(x))
        wrong.flat[np.abs(wrong * x).argmin()] *= factor  # the one that matters least
        return wrong.astype(np.asarray(x).dtype)

    kinds = {check.kind for check in mt.check(f, changed, x).checks[:1]}
    assert kinds <= ({PASS, LOST} if factor == 1 else {WRONG, LOST})


@pytest.mark.parametrize("where", [1.0, 1e6])
def test_a_narrow_peak_is_seen(where):
    width = 1e-4 * where
    f = real_only(lambda x: np.exp(-(((x - where) / width) ** 2) / 2).sum())
    x = np.array([where + width])
    slope = -math.exp(-0.5) / width
    np.testing.assert_allclose(mt.numerical_gradient(f, x), [slope], rtol=1e-6)
    assert mt.check(f, [slope], x, n_directions=0)
    assert kind_of(lambda x: math.sin(x[0]) + f(x[1:]), [math.cos(0.5), 0.0], [0.5, where + width]) is not PASS


# The rows that users reported.


@pytest.mark.parametrize("method", ["auto", "Richardson", "complex step"])
@pytest.mark.parametrize(
    ("f", "x", "slope"),
    [
        (lambda x: np.exp(-1e-8 / x).sum(), 1e-8, math.exp(-1) / 1e-8),
        (lambda x: np.log(x).sum(), 1e-9, 1e9),
        (lambda x: (x**2).sum(), 1e-30, 2e-30),
        (lambda x: np.tanh(1e8 * x).sum(), 3e-9, 1e8 / math.cosh(0.3) ** 2),
        (lambda x: np.tanh(1e30 * x).sum(), 0.0, 1e30),
        (lambda x: np.exp(x).sum(), 1e-20, 1.0),
        (lambda x: np.sqrt(x).sum(), 1e-40, 0.5e20),
        (lambda x: (1e-200 * x).sum(), 1e150, 1e-200),
        (lambda x: np.sin(1e4 * x).sum(), 1.0, 1e4 * math.cos(1e4)),
    ],
)
def test_numerical_gradients_are_right_at_every_scale(f, x, slope, method):
    assert mt.numerical_gradient(f, [x], method=method) == pytest.approx([slope], rel=1e-8)


def test_a_steep_op_passes_at_a_small_input():
    def steep(x):
        y = np.tanh(1e8 * x)
        return y, (lambda dy: 1e8 * (1 - y * y) * dy,)

    for x in (3e-9, 1.5e-7):
        assert mt.check_vjps(steep, [np.array([x])]).passed


@pytest.mark.parametrize("tier", ["scalar", "vector", "tensor"])
def test_a_feature_of_another_scale_raises_no_false_alarm(tier):
    rng = np.random.default_rng(0)
    X = np.column_stack([rng.standard_normal(6), 1.7e9 + 1e5 * rng.standard_normal(6)])
    net = mt.mlp([2, 4, 3], "tanh", tier=tier, seed=1)
    state = net.state_dict()
    state["0.weight"][:, 1] *= 1e-9
    net.load_state_dict(state)
    report = mt.check_network(net, X, [0, 1, 2, 1, 0, 2])
    assert report.passed, f"\n{report}"


@pytest.mark.parametrize(
    "layers",
    [
        [mt.Linear(3, 5), mt.BatchNorm1d(5), mt.Tanh(), mt.Linear(5, 3)],
        [mt.Linear(3, 5), mt.BatchNorm1d(5), mt.BatchNorm1d(5), mt.Tanh(), mt.Linear(5, 3)],
        [mt.Linear(3, 5), mt.Dropout(0.3), mt.BatchNorm1d(5), mt.Tanh(), mt.Linear(5, 3)],
        [mt.Linear(3, 4), mt.Linear(4, 5), mt.BatchNorm1d(5), mt.Sigmoid(), mt.Linear(5, 3)],
        [mt.Reshape((3, 1, 1)), mt.Conv2d(3, 2, 1), mt.BatchNorm2d(2), mt.Flatten(), mt.Tanh(), mt.Linear(2, 3)],
    ],
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_a_bias_that_batch_norm_removes_passes_and_the_cause_is_named(layers, dtype):
    X, y = np.random.default_rng(3).standard_normal((6, 3)), [0, 1, 2, 1, 0, 2]
    net = mt.Network(layers, seed=0, dtype=dtype)
    report = mt.check_network(net, X, y)
    # In float32, the weight of a batch norm that another one follows has too small a gradient.
    passed = [check for check in report.checks if dtype == "float64" or check.name.endswith("bias")]
    assert all(check.passed for check in passed), f"\n{report}"
    assert "batch norm removes this bias" in str(report)
    assert "bias=False" in str(report)


def test_a_frozen_batch_norm_removes_no_bias():
    net = mt.Network([mt.Linear(2, 3), mt.BatchNorm1d(3), mt.ReLU(), mt.Linear(3, 2)], seed=0)
    net.load_state_dict(net.state_dict() | {"1.bias": np.full(3, -1e3)})  # no unit is on
    net.freeze(1)
    assert net.frozen == {1}
    report = mt.check_network(net, [[1.0, 2.0], [0.5, -1.0]], [0, 1])
    assert report.checks[1].kind is VerdictKind.ALL_ZERO


def test_a_wrong_gradient_of_a_removed_bias_is_still_wrong():
    class Biased(mt.Linear):
        def forward(self, tier, x, *arrays):
            y, (dx, dweight, dbias) = super().forward(tier, x, *arrays)
            return y, (dx, dweight, lambda dy: dbias(dy) + 1e-3)

    X = np.random.default_rng(3).standard_normal((6, 3))
    net = mt.Network([Biased(3, 5), mt.BatchNorm1d(5), mt.Tanh(), mt.Linear(5, 3)], seed=0)
    assert mt.check_network(net, X, [0, 1, 2, 1, 0, 2]).checks[1].kind is WRONG


@pytest.mark.parametrize("tier", ["scalar", "vector", "tensor"])
def test_layers_without_bias(tier):
    X, y = np.random.default_rng(3).standard_normal((4, 9)), [0, 1, 2, 1]
    layers = [
        mt.Reshape((1, 3, 3)),
        mt.Conv2d(1, 2, 2, bias=False),
        mt.Flatten(),
        mt.Tanh(),
        mt.Linear(8, 3, bias=False),
    ]
    net = mt.Network(layers, tier=tier, seed=0)
    assert [*net.state_dict()] == ["1.weight", "4.weight"]
    assert mt.check_network(net, X, y).passed
    with_bias = mt.Network(
        [mt.Reshape((1, 3, 3)), mt.Conv2d(1, 2, 2), mt.Flatten(), mt.Tanh(), mt.Linear(8, 3)], tier=tier
    )
    with_bias.load_state_dict(
        with_bias.state_dict() | net.state_dict() | {"1.bias": np.zeros(2), "4.bias": np.zeros(3)}
    )
    np.testing.assert_array_equal(net.forward(X), with_bias.forward(X))
    mt.fit(net, X, y, optimizer=mt.Adam(), batch_size=2, epochs=1)
    with pytest.raises(ValueError, match="Linear: bias is 'no', expected True or False"):
        mt.Linear(2, 3, bias="no")


# Functions that are not deterministic.


def noisy(rng):
    return lambda x: np.sum(x**2) + 1e-6 * rng.standard_normal()


def counting():
    calls = []
    return lambda x: np.sum(x**2) + 1e-9 * len(calls) + 0 * bool(calls.append(0))


@pytest.mark.parametrize("f", [noisy(np.random.default_rng(0)), counting()])
def test_functions_that_are_not_deterministic_are_refused(f):
    with pytest.raises(ValueError, match="f returns different numbers for the same x"):
        mt.numerical_gradient(f, [1.0, 2.0])
    report = mt.check(f, [2.0, 4.0], [1.0, 2.0])
    assert {check.verdict for check in report.checks} == {"not deterministic"}
    assert "fix the seed inside the function" in str(report)


def test_a_gradient_that_is_not_deterministic_is_refused():
    rng = np.random.default_rng(0)
    report = mt.check(lambda x: np.sum(x**2), lambda x: 2 * x + 1e-9 * rng.standard_normal(2), [1.0, 2.0])
    assert report.checks[0].verdict == "not deterministic"


# check, check_jvp and assert_gradient.


def test_functions_of_several_arrays_and_vjps():
    point = {"a": np.array([[1.0, 2.0], [0.5, -1.0]]), "b": [3.0, 4.0]}

    def vjp(p, dy):
        return {"a": np.outer(dy, p["b"]), "b": p["a"].T @ dy}

    report = mt.check(lambda p: p["a"] @ p["b"], vjp, point)
    assert report
    assert [check.name for check in report.checks] == ["a", "b", "direction"]
    wrong = mt.check(lambda p: p["a"] @ p["b"], lambda p, dy: vjp(p, dy) | {"b": p["a"] @ dy}, point)
    assert [check.kind for check in wrong.checks] == [PASS, WRONG, WRONG]


def test_the_function_may_change_its_copy_of_x():
    def f(x):
        x **= 2
        return x.sum()

    assert mt.check(f, lambda x: 2 * x, [1.0, -2.0])


def test_few_coordinates_and_directions_are_enough_for_large_inputs():
    x = np.random.default_rng(0).standard_normal(20_000)
    report = mt.check(lambda x: np.sum(np.sin(x)), np.cos, x, n_coordinates=3, n_directions=2)
    assert [check.name for check in report.checks] == ["x", "direction 1", "direction 2"]
    assert report

    def off_at_the_end(x):
        return np.cos(x) + 1e-2 * (np.arange(len(x)) == len(x) - 1)

    kinds = [check.kind for check in mt.check(lambda x: np.sum(np.sin(x)), off_at_the_end, x, n_coordinates=3).checks]
    assert kinds[1] is WRONG


@pytest.mark.parametrize("scale", [1e-200, 1.0, 1e200])
def test_jacobian_vector_products(scale):
    x = np.array([0.3, -1.0, 2.0]) * scale
    assert mt.check_jvp(lambda x: np.sin(x / scale), lambda x, v: np.cos(x / scale) * v / scale, x)
    assert not mt.check_jvp(lambda x: np.sin(x / scale), lambda x, v: np.cos(x / scale) * v[::-1] / scale, x)
    with pytest.raises(mt.DataError, match=r"jvp\(x, v\) has shape \(2,\), expected the shape of f\(x\), \(3,\)"):
        mt.check_jvp(np.sin, lambda x, v: v[:2], x)


def test_directions_alone_and_empty_arrays():
    f = lambda p: np.sum(p["a"] ** 2)
    point = {"a": [1.0, 2.0], "b": []}
    assert mt.check(f, lambda p: {"a": 2 * p["a"], "b": p["b"]}, point)
    assert mt.check(f, lambda p: {"a": 2 * p["a"], "b": p["b"]}, point, n_coordinates=0, n_directions=3)
    assert not mt.check(f, lambda p: {"a": 3 * p["a"], "b": p["b"]}, point, n_coordinates=0, n_directions=3)
    assert not mt.check(np.sum, np.ones_like, [])


def test_assert_gradient_raises_the_report():
    mt.assert_gradient(lambda x: np.sum(x**2), lambda x: 2 * x, [1.0, 2.0])
    with pytest.raises(AssertionError, match="wrong: x at") as raised:
        mt.assert_gradient(lambda x: np.sum(x**2), lambda x: 3 * x, [1.0, 2.0])
    assert str(raised.value).endswith("NOT passed: x, direction.")
    with pytest.raises(AssertionError, match="vacuous"):
        mt.assert_gradient(lambda x: 0 * np.sum(x), lambda x: 0 * x, [1.0, 2.0])


def test_functions_of_the_c_library():
    libm = ctypes.CDLL(ctypes.util.find_library("m"))
    libm.sin.restype, libm.sin.argtypes = ctypes.c_double, [ctypes.c_double]
    for x in (1e-300, 1.0, 1e3):
        assert mt.check(lambda x: libm.sin(x.item()), lambda x: np.cos(x), x)
    assert not mt.check(lambda x: libm.sin(x.item()), lambda x: -np.cos(x), 1.0)


def test_an_autograd_function_of_pytorch():
    torch = pytest.importorskip("torch")

    class Cube(torch.autograd.Function):
        factor = 3

        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x**3

        @staticmethod
        def backward(ctx, dy):
            return Cube.factor * ctx.saved_tensors[0] ** 2 * dy

    def vjp(x, dy):
        x = torch.from_numpy(x).requires_grad_()
        Cube.apply(x).backward(torch.from_numpy(dy))
        return x.grad.numpy()

    for dtype in (np.float32, np.float64):
        x = np.array([0.5, -2.0], dtype)
        Cube.factor = 3
        assert mt.check(lambda x: Cube.apply(torch.from_numpy(x)).numpy(), vjp, x)
        Cube.factor = 3.01
        assert not mt.check(lambda x: Cube.apply(torch.from_numpy(x)).numpy(), vjp, x)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((np.exp, [1.0], [0.0, 1.0]), r"gradient is an array, and f\(x\) has shape \(2,\): pass a vjp"),
        (
            (lambda p: p["b"].sum(), {"a": [1.0]}, {"b": [1.0]}),
            "gradient has the names a, expected the names b, as in x",
        ),
        ((lambda p: p["b"].sum(), [1.0], {"b": [1.0]}), "gradient has an array, expected the names b"),
        ((np.sum, ["a"], [1.0]), "gradient holds <U1, expected real numbers"),
        ((np.sum, [1.0], ["a"]), "x holds <U1, expected real numbers"),
        ((lambda x: "a", [1.0], [1.0]), r"f\(x\) is 'a', expected an array of real numbers"),
    ],
)
def test_bad_arguments_of_check_are_refused(arguments, message):
    with pytest.raises(mt.DataError, match=message):
        mt.check(*arguments)
