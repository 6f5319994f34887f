"""Derivatives of derivatives: every operation of Value to the third order, against 60-digit mpmath."""

import inspect
import math
import pickle
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers import derivatives
from micrograd_tiers.derivatives import derivative, gradient
from micrograd_tiers.engine import Value
from micrograd_tiers.nn import MLP

mpmath = pytest.importorskip("mpmath")

# name: (on Values, on mpmath's numbers, lowest x, highest x)
FUNCTIONS = {
    "exp": (Value.exp, mpmath.exp, -30, 30),
    "expm1": (Value.expm1, mpmath.expm1, -30, 30),
    "log": (Value.log, mpmath.log, 1e-3, 1e3),
    "log1p": (Value.log1p, lambda x: mpmath.log(1 + x), -0.9, 1e3),
    "sqrt": (Value.sqrt, mpmath.sqrt, 1e-3, 1e3),
    "sin": (Value.sin, mpmath.sin, -30, 30),
    "cos": (Value.cos, mpmath.cos, -30, 30),
    "sigmoid": (Value.sigmoid, lambda x: 1 / (1 + mpmath.exp(-x)), -30, 30),
    "softplus": (Value.softplus, lambda x: mpmath.log(1 + mpmath.exp(x)), -30, 30),
    "tanh": (Value.tanh, mpmath.tanh, -15, 15),
    "v ** 3": (lambda v: v**3, lambda x: x**3, -9, 9),
    "v ** 2": (lambda v: v**2, lambda x: x**2, -9, 9),
    "v ** -2": (lambda v: v**-2, lambda x: x**-2, 0.1, 9),
    "v ** 2.7": (lambda v: v**2.7, lambda x: x ** mpmath.mpf(2.7), 0.1, 9),
    "v ** True": (lambda v: v**True, lambda x: x, -9, 9),
    "v ** v": (lambda v: v**v, lambda x: x**x, 0.1, 5),
    "2.5 ** v": (lambda v: 2.5**v, lambda x: mpmath.mpf(2.5) ** x, -9, 9),
    "v + 3": (lambda v: v + 3, lambda x: x + 3, -9, 9),
    "3 - v * v": (lambda v: 3 - v * v, lambda x: 3 - x * x, -9, 9),
    "-v ** 3 - v": (lambda v: -(v**3) - v, lambda x: -(x**3) - x, -9, 9),
    "1 / v": (lambda v: 1 / v, lambda x: 1 / x, 0.1, 9),
    "1 / v, v < 0": (lambda v: 1 / v, lambda x: 1 / x, -9, -0.1),
    "v / (v * v + 1)": (lambda v: v / (v * v + 1), lambda x: x / (x * x + 1), -9, 9),
    "v / 3": (lambda v: v**4 / 3, lambda x: x**4 / 3, -9, 9),
    "relu": (lambda v: (v**3).relu(), lambda x: x**3 if x > 0 else 0 * x, -9, 9),
    "leaky_relu": (lambda v: (v**3).leaky_relu(0.3), lambda x: x**3 * (1 if x > 0 else mpmath.mpf(0.3)), -9, 9),
    "abs": (lambda v: abs(v**3), lambda x: abs(x**3), -9, 9),
    "maximum": (lambda v: v.maximum(v**3), lambda x: max(x, x**3), -9, 9),
    "minimum": (lambda v: (v**3).minimum(v), lambda x: min(x, x**3), -9, 9),
    "clip": (lambda v: (v**3).clip(-8, 27), lambda x: min(max(x**3, -8), 27) + 0 * x, -9, 9),
    "round": (lambda v: round(v) * v**3, lambda x: round(float(x)) * x**3, -9, 9),
    "a neuron": (lambda v: (v * 0.7 - 1.3).tanh() ** 2, lambda x: mpmath.tanh(x * 0.7 - mpmath.mpf(1.3)) ** 2, -9, 9),
}
# Where a kink, or a jump of round, would fall between the points from which mpmath takes its derivative.
KINKS = {
    **{"relu": [0], "leaky_relu": [0], "abs": [0], "maximum": [-1, 0, 1], "minimum": [-1, 0, 1], "clip": [-2, 3]},
    **{"round": [n + 0.5 for n in range(-10, 10)]},
}


@pytest.mark.parametrize("name", FUNCTIONS)
@given(data=st.data())
@examples(12)
def test_derivatives_to_the_third_order_agree_with_mpmath(name, data):
    f, exact, low, high = FUNCTIONS[name]
    x = data.draw(st.floats(low, high).filter(lambda x: all(abs(x - kink) > 1e-3 for kink in KINKS.get(name, ()))))
    with mpmath.workdps(60):
        expected = [exact(mpmath.mpf(x)), *(mpmath.diff(exact, mpmath.mpf(x), n) for n in (1, 2, 3))]
    got = [f(Value(x)).data]
    for _ in range(3):
        f = derivative(f)
        got.append(f(x))
    # Rounding errors are relative to the terms of a sum, which are about as large as the other derivatives.
    scale = max(float(abs(y)) for y in expected[1:]) * 1e-14 + 1e-40
    assert got == [pytest.approx(float(y), rel=1e-12, abs=scale) for y in expected]


def test_every_operation_is_in_the_list_above():
    v = Value(0.5)
    names = {
        name for name, method in inspect.getmembers(Value, inspect.isfunction)
        if not name.startswith("_") and method.__module__ == Value.__module__ and name != "backward"
    }  # fmt: skip
    assert names <= {*FUNCTIONS}
    made = {f(v)._op for f, *_ in FUNCTIONS.values()} | {"+", "*", "**", "**3"}
    assert {name for name in derivatives._METHODS if not name.startswith("*")} <= made | {"ReLU", "clip", "round"}


@pytest.mark.parametrize("x", [-40.0, -1.0, 0.0, 1e-9, 1.0, 40.0])
def test_derivatives_are_right_at_zero_and_in_the_tails(x):
    with mpmath.workdps(60):
        for f, exact in ((Value.sigmoid, lambda z: 1 / (1 + mpmath.exp(-z))), (Value.tanh, mpmath.tanh)):
            for order in (1, 2, 3):
                f = derivative(f)
                expected = float(mpmath.diff(exact, mpmath.mpf(x), order))
                assert f(x) == pytest.approx(expected, rel=1e-12, abs=1e-15 if abs(x) < 1 else 0)


@given(xs=st.lists(st.floats(-2, 2), min_size=3, max_size=3))
@examples(25)
@example(xs=[0.0, 0.0, 0.0])
def test_a_gradient_is_that_of_backward_and_leaves_all_grads_alone(xs):
    a, b, c = leaves = [Value(x) for x in xs]
    y = ((a * b - c).tanh() + a) * (b * b + 1.5).sqrt() - (a - b) / (c * c + 1)
    y.backward()
    before = [leaf.grad for leaf in leaves]
    inner = y._prev[0].grad
    result = gradient(y, leaves)
    assert [g.data for g in result] == pytest.approx(before, rel=1e-12, abs=1e-15)
    assert [leaf.grad for leaf in leaves] == before
    assert y._prev[0].grad == inner
    assert y.grad == 1


def test_the_hessian_is_symmetric_and_right():
    x, y = Value(1.5), Value(-0.5)
    f = x**3 * y + (x * y).exp()
    (dxx, dxy), (dyx, dyy) = ([g.data for g in gradient(d, [x, y])] for d in gradient(f, [x, y]))
    e = math.exp(-0.75)
    assert (dxx, dyy) == (pytest.approx(6 * 1.5 * -0.5 + 0.25 * e), pytest.approx(1.5**2 * e))
    assert dxy == pytest.approx(3 * 1.5**2 + e + -0.75 * e)
    assert dyx == pytest.approx(dxy, rel=1e-14)


def test_a_gradient_can_be_part_of_a_loss():
    model = MLP(2, [4, 1], rng=random.Random(0))
    for layer in model.layers:
        for neuron in layer.neurons:
            neuron.nonlin = False

    def penalty():
        x = [Value(0.3), Value(-0.7)]
        out = model(x).tanh()
        return sum(g * g for g in gradient(out, x))

    parameters = model.parameters()
    model.zero_grad()
    penalty().backward()
    for p in parameters:
        middle, h = p.data, 1e-5
        p.data = middle + h
        above = penalty().data
        p.data = middle - h
        below = penalty().data
        p.data = middle
        assert p.grad == pytest.approx((above - below) / (2 * h), rel=1e-6, abs=1e-9)


def test_derivatives_may_be_nested_in_each_other_and_share_variables():
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1
    assert derivative(lambda x: derivative(lambda y: x * y)(x))(3.0) == 1
    assert derivative(lambda x: derivative(lambda y: x**2 * y**3)(x))(2.0) == 12 * 2.0**3
    outer = Value(4.0)
    slope = derivative(lambda x: x * x * outer)(Value(3.0))
    slope.backward()
    assert (slope.data, outer.grad) == (24.0, 6.0)


def test_constants_and_variables_that_do_not_matter_have_the_derivative_zero():
    x, other = Value(2.0), Value(0.0)
    assert derivative(lambda v: 3.0)(2.0) == 0
    assert derivative(lambda v: Value(3.0))(2.0) == 0
    assert derivative(derivative(lambda v: 3 * v))(2.0) == 0
    # The square root of 0 has no derivative, and none is needed.
    assert [g.data for g in gradient(x * (1 + other.sqrt()), [x, Value(1.0)])] == [1.0, 0]


def test_inner_nodes_have_a_gradient_and_a_value_its_own():
    x = Value(3.0)
    inner = x * x
    y = inner * inner + x
    assert [g.data for g in gradient(y, [inner, x, y])] == [18.0, 4 * 27.0 + 1, 1]
    assert gradient(x, [x])[0].data == 1


@pytest.mark.parametrize("f", [Value.sqrt, lambda v: v**0.5, lambda v: v**2.5])
def test_an_infinite_derivative_is_an_error_rather_than_a_wrong_number(f):
    with pytest.raises(ZeroDivisionError):
        derivative(derivative(derivative(f)))(0.0)


def test_powers_have_all_derivatives_at_zero():
    for k in (0, 1, 2, 3, 4):
        f, expected = (lambda v, k=k: v**k), []
        for order in range(1, 6):
            f = derivative(f)
            expected.append(f(0.0) == (math.factorial(k) if order == k else 0))
        assert all(expected)


def test_a_deep_graph_has_a_gradient_without_recursion():
    x = y = Value(1.0)
    for _ in range(20_000):
        y = y * 1.0 + x
    (dy,) = gradient(y, [x])
    assert dy.data == 20_001
    assert gradient(dy, [x])[0].data == 0


def test_a_gradient_is_a_graph_like_any_other():
    x = Value(2.0, label="x")
    (slope,) = gradient(x**3, [x])
    copied = pickle.loads(pickle.dumps(slope))
    copied.backward()
    assert (copied.data, repr(slope)) == (12.0, "Value(data=12.0, grad=0)")


def test_operations_made_by_hand_are_refused_unless_they_do_not_matter():
    x = Value(2.0)
    cube = Value(8.0, (x,), "cube")
    cube._backward = lambda: None
    with pytest.raises(
        TypeError, match=r"'cube' node with a _backward function or a name of its own.*use backward\(\)"
    ):
        gradient(cube * x, [x])
    w = Value(3.0)
    assert gradient(cube * w, [w])[0].data == 8.0
    renamed = x.exp()
    renamed._op = "my exp"
    with pytest.raises(TypeError, match="'my exp' node"):
        gradient(renamed, [x])


def test_a_single_value_counts_as_a_list_of_one():
    x = Value(2.0)
    assert [g.data for g in gradient(x * x, x)] == [4.0]


@pytest.mark.parametrize(("y", "xs"), [(4.0, [Value(1.0)]), (Value(1.0), [2.0]), (Value(1.0), [Value(1.0), None])])
def test_anything_but_values_is_refused(y, xs):
    with pytest.raises(TypeError, match=r"^gradient: got .*, expected a Value y and a list of Values xs"):
        gradient(y, xs)


def test_both_are_public():
    assert (mt.gradient, mt.derivative) == (gradient, derivative)
