"""Value: every derivative against an independent witness, the bookkeeping of backward, and the errors."""

import cmath
import copy
import decimal
import gc
import math
import operator
import os
import pickle
import subprocess
import sys
import weakref
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from profiles import examples

from micrograd_tiers import engine
from micrograd_tiers.engine import Value

H = 1e-20  # the complex step: Im f(x + ih) / h is f'(x) without cancellation


def gradient(f, *xs):
    """Return the value and the gradient of f at xs, by Value.backward."""
    leaves = [Value(x) for x in xs]
    out = f(*leaves)
    out.backward()
    return out.data, [leaf.grad for leaf in leaves]


def complex_step(f, *xs):
    """Return the value and the gradient of f at xs, by evaluating f on complex numbers."""
    value = f(*[complex(x) for x in xs]).real
    return value, [f(*[complex(x, H * (i == j)) for j, x in enumerate(xs)]).imag / H for i in range(len(xs))]


# name: (on Values, on complex numbers, lowest x, highest x)
UNARY = {
    "exp": (Value.exp, cmath.exp, -30, 30),
    "expm1": (Value.expm1, lambda z: cmath.exp(z) - 1, 0.5, 30),
    "log": (Value.log, cmath.log, 1e-3, 1e3),
    "log1p": (Value.log1p, lambda z: cmath.log(1 + z), -0.9, 1e3),
    "sqrt": (Value.sqrt, cmath.sqrt, 1e-3, 1e3),
    "tanh": (Value.tanh, cmath.tanh, -5, 5),
    "sigmoid": (Value.sigmoid, lambda z: 1 / (1 + cmath.exp(-z)), -30, 30),
    "sin": (Value.sin, cmath.sin, -30, 30),
    "cos": (Value.cos, cmath.cos, -30, 30),
    "softplus": (Value.softplus, lambda z: cmath.log(1 + cmath.exp(z)), -5, 30),
    "relu, right of the kink": (Value.relu, lambda z: z, 1e-3, 1e3),
    "relu, left of the kink": (Value.relu, lambda z: 0 * z, -1e3, -1e-3),
    "abs, right of the kink": (abs, lambda z: z, 1e-3, 1e3),
    "abs, left of the kink": (abs, lambda z: -z, -1e3, -1e-3),
    "leaky_relu, right of the kink": (Value.leaky_relu, lambda z: z, 1e-3, 1e3),
    "leaky_relu, left of the kink": (Value.leaky_relu, lambda z: 0.01 * z, -1e3, -1e-3),
    "leaky_relu(0.3), left of the kink": (lambda v: v.leaky_relu(0.3), lambda z: 0.3 * z, -1e3, -1e-3),
    "maximum, the value": (lambda v: v.maximum(2), lambda z: z, 2.001, 9),
    "maximum, the bound": (lambda v: v.maximum(2), lambda z: 2 + 0 * z, -9, 1.999),
    "minimum, the value": (lambda v: v.minimum(2), lambda z: z, -9, 1.999),
    "minimum, the bound": (lambda v: v.minimum(2), lambda z: 2 + 0 * z, 2.001, 9),
    "clip, within": (lambda v: v.clip(-1, 3.5), lambda z: z, -0.999, 3.499),
    "clip, below": (lambda v: v.clip(-1, 3.5), lambda z: -1 + 0 * z, -9, -1.001),
    "clip, above": (lambda v: v.clip(-1, 3.5), lambda z: 3.5 + 0 * z, 3.501, 9),
    "clip, no upper bound": (lambda v: v.clip(-1), lambda z: z, -0.999, 1e300),
    "clip, no lower bound": (lambda v: v.clip(high=2), lambda z: z, -1e300, 1.999),
    "round": (lambda v: round(v, 1), lambda z: round(z.real, 1) + 0 * z, -9, 9),
    "-v": (lambda v: -v, lambda z: -z, -9, 9),
    "+v": (lambda v: +v, lambda z: z, -9, 9),
    "v + 3": (lambda v: v + 3, lambda z: z + 3, -9, 9),
    "3 + v": (lambda v: 3 + v, lambda z: 3 + z, -9, 9),
    "v - 3": (lambda v: v - 3, lambda z: z - 3, -9, 9),
    "3 - v": (lambda v: 3 - v, lambda z: 3 - z, -9, 9),
    "v * 3": (lambda v: v * 3, lambda z: z * 3, -9, 9),
    "3 * v": (lambda v: 3 * v, lambda z: 3 * z, -9, 9),
    "v / 3": (lambda v: v / 3, lambda z: z / 3, -9, 9),
    "3 / v": (lambda v: 3 / v, lambda z: 3 / z, 0.1, 9),
    "3 / v, v < 0": (lambda v: 3 / v, lambda z: 3 / z, -9, -0.1),
    "v ** 3": (lambda v: v**3, lambda z: z**3, -9, 9),
    "v ** 0": (lambda v: v**0, lambda z: z**0, -9, 9),
    "v ** 1": (lambda v: v**1, lambda z: z**1, -9, 9),
    "v ** -2": (lambda v: v**-2, lambda z: z**-2, 0.1, 9),
    "v ** 0.5": (lambda v: v**0.5, lambda z: z**0.5, 0.1, 9),
    "v ** 2.7": (lambda v: v**2.7, lambda z: z**2.7, 0.1, 9),
    "v ** np.float64(2.7)": (lambda v: v ** np.float64(2.7), lambda z: z**2.7, 0.1, 9),
    "v ** np.float32(0.5)": (lambda v: v ** np.float64(np.float32(0.5)), lambda z: z**0.5, 0.1, 9),
    "v ** np.int64(3)": (lambda v: v ** np.int64(3), lambda z: z**3, -9, 9),
    "v ** Fraction(1, 2)": (lambda v: v ** Fraction(1, 2), lambda z: z**0.5, 0.1, 9),
    "2 ** v": (lambda v: 2**v, lambda z: 2**z, -9, 9),
    "2.5 ** v": (lambda v: 2.5**v, lambda z: 2.5**z, -9, 9),
    "np.float64(3) * v": (lambda v: np.float64(3) * v, lambda z: 3 * z, -9, 9),
    "np.int64(3) - v": (lambda v: np.int64(3) - v, lambda z: 3 - z, -9, 9),
    "v - np.uint8(3)": (lambda v: v - np.uint8(3), lambda z: z - 3, -9, 9),
    "v / np.int64(3)": (lambda v: v / np.int64(3), lambda z: z / 3, -9, 9),
    "np.int64(3) / v": (lambda v: np.int64(3) / v, lambda z: 3 / z, 0.1, 9),
    "v * v": (lambda v: v * v, lambda z: z * z, -9, 9),
    "v + v": (lambda v: v + v, lambda z: z + z, -9, 9),
    "v - v": (lambda v: v - v, lambda z: z - z, -9, 9),
    "v / v": (lambda v: v / v, lambda z: 1 + 0 * z, 0.1, 9),
    "v ** v": (lambda v: v**v, lambda z: z**z, 0.1, 9),
}

BINARY = {
    "a + b": (lambda a, b: a + b, -9, 9),
    "a - b": (lambda a, b: a - b, -9, 9),
    "a * b": (lambda a, b: a * b, -9, 9),
    "a / b": (lambda a, b: a / b, 0.1, 9),
    "a ** b": (lambda a, b: a**b, 0.1, 5),
    "maximum": (lambda a, b: a.maximum(b) if isinstance(a, Value) else a if a.real > b.real else b, -9, 9),
    "minimum": (lambda a, b: a.minimum(b) if isinstance(a, Value) else a if a.real < b.real else b, -9, 9),
}


@pytest.mark.parametrize("name", UNARY)
@given(data=st.data())
@examples(25)
def test_each_operation_agrees_with_the_complex_step(name, data):
    on_values, on_complex, low, high = UNARY[name]
    x = data.draw(st.floats(low, high))
    y, (dx,) = gradient(on_values, x)
    expected_y, (expected_dx,) = complex_step(on_complex, x)
    # Where v - v, v**v and similar expressions cancel, the rounding error of the reference is absolute, not relative.
    assert y == pytest.approx(expected_y, rel=1e-12, abs=1e-13)
    assert dx == pytest.approx(expected_dx, rel=1e-12, abs=1e-13)


@pytest.mark.parametrize("name", BINARY)
@given(data=st.data())
@examples(25)
def test_each_binary_operation_agrees_with_the_complex_step_in_both_operands(name, data):
    f, low, high = BINARY[name]
    a, b = data.draw(st.floats(low, high)), data.draw(st.floats(low, high))
    assume(a != b)  # a kink of maximum and minimum
    y, grads = gradient(f, a, b)
    expected_y, expected_grads = complex_step(f, a, b)
    assert y == pytest.approx(expected_y, rel=1e-12, abs=1e-13)
    assert grads == pytest.approx(expected_grads, rel=1e-12, abs=1e-13)


# Random expressions. A program is a list of (operation, i, j, constant). Each line appends one number, which several
# later lines may use. The operations run on Values, on floats and on complex numbers.


def tanh(x):
    return x.tanh() if isinstance(x, Value) else cmath.tanh(x)


def relu(x):
    return x.relu() if isinstance(x, Value) else x if x.real > 0 else 0 * x


def absolute(x):
    return abs(x) if isinstance(x, Value) else x if x.real > 0 else -x


def in_place(a, b, c):
    total = a
    total += b
    total *= c
    total -= b
    return total


LINES = {
    "a + b": lambda a, b, c: a + b,
    "a - b": lambda a, b, c: a - b,
    "a * b": lambda a, b, c: a * b,
    "a / b": lambda a, b, c: a / (b * b + 1),
    "c + a": lambda a, b, c: c + a,
    "c - a": lambda a, b, c: c - a,
    "c * a": lambda a, b, c: c * a,
    "c / a": lambda a, b, c: c / (a**2 + 0.5),
    "a - c": lambda a, b, c: a - c,
    "a ** b": lambda a, b, c: (a * a + 0.5) ** tanh(b),
    "c ** a": lambda a, b, c: 1.5 ** tanh(a),
    "a ** 3": lambda a, b, c: a**3,
    "-a": lambda a, b, c: -a,
    "tanh": lambda a, b, c: tanh(a),
    "relu": lambda a, b, c: relu(a),
    "abs": lambda a, b, c: absolute(a),
    "+=": in_place,
    "sum": lambda a, b, c: sum([a, b, a]),
}
KINKED = ("relu", "abs")

lines = st.tuples(st.sampled_from(sorted(LINES)), st.integers(0, 99), st.integers(0, 99), st.floats(-2, 2).filter(bool))
programs = st.lists(lines, min_size=1, max_size=15)
inputs = st.lists(st.floats(-2, 2), min_size=1, max_size=4)


def run(program, numbers):
    numbers = list(numbers)
    for name, i, j, c in program:
        numbers.append(LINES[name](numbers[i % len(numbers)], numbers[j % len(numbers)], c))
    return sum(numbers)


def without_large_numbers_and_kinks(program, xs):
    """Return the program without the lines whose results exceed 100 or that come close to a kink."""
    kept, numbers = [], [complex(x) for x in xs]
    for name, i, j, c in program:
        a, b = numbers[i % len(numbers)], numbers[j % len(numbers)]
        if abs(y := LINES[name](a, b, c)) < 100 and not (name in KINKED and abs(a) < 1e-6):
            kept.append((name, i % len(numbers), j % len(numbers), c))
            numbers.append(y)
    return kept


@given(program=programs, xs=inputs)
@examples(300)
@example(program=[("a + b", 0, 0, 1.0), ("a + b", 1, 1, 1.0)], xs=[1.5])
def test_random_expressions_agree_with_the_complex_step(program, xs):
    program = without_large_numbers_and_kinks(program, xs)
    y, grads = gradient(lambda *leaves: run(program, leaves), *xs)
    expected_y, expected = complex_step(lambda *leaves: run(program, leaves), *xs)
    assert y == pytest.approx(expected_y, rel=1e-10, abs=1e-10)
    assume(max(map(abs, expected)) < 1e8)
    scale = max(1.0, *map(abs, expected))
    assert grads == pytest.approx(expected, rel=1e-9, abs=1e-9 * scale)


@given(program=programs, xs=inputs)
@examples(100)
def test_a_second_backward_adds_exactly_the_same_gradients(program, xs):
    program = without_large_numbers_and_kinks(program, xs)
    leaves = [Value(x) for x in xs]
    out = run(program, leaves)
    out.backward()
    once = [leaf.grad for leaf in leaves]
    out.backward()
    assert [leaf.grad for leaf in leaves] == [2 * g for g in once]


@given(program=programs, xs=inputs)
@examples(50)
def test_pickle_restores_random_graphs_to_the_last_bit(program, xs):
    program = without_large_numbers_and_kinks(program, xs)
    leaves = [Value(x) for x in xs]
    out = run(program, leaves)
    other_leaves, other = pickle.loads(pickle.dumps((leaves, out)))
    out.backward()
    other.backward()
    assert other.data == out.data
    assert [leaf.grad for leaf in other_leaves] == [leaf.grad for leaf in leaves]


# Accuracy in the tails, against decimal arithmetic.

TAILS = [0.0, 1e-12, 0.3, 1.0, 5.0, 19.0, 20.0, 36.0, 37.0, 40.0, 100.0, 345.0, 700.0]


def relative_error(got, expected):
    return float(abs(Decimal(got) - expected) / abs(expected)) if expected else abs(got)


@pytest.mark.parametrize("x", TAILS + [-x for x in TAILS])
def test_sigmoid_and_its_derivative_keep_their_relative_accuracy_in_both_tails(x):
    y, (dx,) = gradient(Value.sigmoid, x)
    with decimal.localcontext() as context:
        context.prec = 400  # 1 + exp(-700) needs 304 digits
        e = (-Decimal(x)).exp()
        assert relative_error(y, 1 / (1 + e)) < 5e-16
        assert relative_error(dx, e / (1 + e) ** 2) < 1e-15


@pytest.mark.parametrize("x", TAILS + [-x for x in TAILS])
def test_softplus_keeps_its_relative_accuracy_in_both_tails_and_its_derivative_is_the_sigmoid(x):
    y, (dx,) = gradient(Value.softplus, x)
    with decimal.localcontext() as context:
        context.prec = 700
        assert relative_error(y, (1 + Decimal(x).exp()).ln()) < 1e-15
    assert dx == gradient(Value.sigmoid, x)[0]


@pytest.mark.parametrize("x", [x for x in TAILS + [-x for x in TAILS] if abs(x) < 350])
def test_the_derivative_of_tanh_keeps_its_relative_accuracy_in_both_tails(x):
    y, (dx,) = gradient(Value.tanh, x)
    with decimal.localcontext() as context:
        context.prec = 400
        s = (-2 * Decimal(x)).exp()
        assert relative_error(y, (1 - s) / (1 + s)) < 5e-16
        assert relative_error(dx, 4 * s / (1 + s) ** 2) < 1e-15


@pytest.mark.parametrize(
    ("op", "x", "expected"),
    [
        (Value.sigmoid, 1000.0, 1.0),
        (Value.sigmoid, -1000.0, 0.0),
        (Value.sigmoid, math.inf, 1.0),
        (Value.sigmoid, -math.inf, 0.0),
        (Value.tanh, 1000.0, 1.0),
        (Value.tanh, -1000.0, -1.0),
        (Value.tanh, math.inf, 1.0),
        (Value.tanh, -1.7e308, -1.0),
        (Value.softplus, -1000.0, 0.0),
        (Value.softplus, -math.inf, 0.0),
    ],
)
def test_saturation_is_exact_and_has_derivative_zero(op, x, expected):
    y, (dx,) = gradient(op, x)
    assert (y, dx) == (expected, 0.0)


@pytest.mark.parametrize("x", [1e-18, -1e-18, 1e-300])
def test_expm1_and_log1p_do_not_cancel_near_zero(x):
    assert gradient(Value.expm1, x) == (x, [1.0])
    assert gradient(Value.log1p, x) == (x, [1.0])


# Edge cases: if the result is a number, an infinite derivative must not make the forward pass fail.


@pytest.mark.parametrize(
    ("f", "xs", "expected_y", "expected_grads"),
    [
        (lambda v: v.relu(), [0.0], 0.0, [0]),
        (lambda v: abs(v), [0.0], 0.0, [0]),
        (lambda v: v.leaky_relu(), [0.0], 0.0, [0.01]),
        (lambda v: v.leaky_relu(0.5), [-0.0], 0.0, [0.5]),
        (lambda v: v.softplus(), [1.7e308], 1.7e308, [1.0]),
        (lambda v: v.softplus(), [math.inf], math.inf, [1.0]),
        (lambda a, b: a.maximum(b), [2.0, 2.0], 2.0, [0.5, 0.5]),
        (lambda a, b: a.minimum(b), [2.0, 2.0], 2.0, [0.5, 0.5]),
        (lambda v: v.maximum(v), [2.0], 2.0, [1.0]),
        (lambda v: v.maximum(2), [2.0], 2.0, [0.5]),
        (lambda a, b: a.maximum(b), [math.inf, -math.inf], math.inf, [1, 0]),
        (lambda v: v.clip(-1, 3), [-1.0], -1.0, [1]),
        (lambda v: v.clip(-1, 3), [3.0], 3.0, [1]),
        (lambda v: v.clip(2, 2), [2.0], 2.0, [1]),
        (lambda v: v.clip(), [-math.inf], -math.inf, [1]),
        (lambda v: v.sqrt(), [0.0], 0.0, [math.inf]),
        (lambda v: v**0.5, [0.0], 0.0, [math.inf]),
        (lambda v: v ** np.float64(0.5), [np.float64(0.0)], 0.0, [math.inf]),
        (lambda v: v**0, [0.0], 1.0, [0]),
        (lambda v: v**0, [0], 1, [0]),
        (lambda v: v**0.0, [5e-324], 1.0, [0]),
        (lambda v: v**1, [0.0], 0.0, [1.0]),
        (lambda v: v**2, [0], 0, [0]),
        (lambda v: v**1.5, [0.0], 0.0, [0.0]),
        (lambda v: v**-1, [1e-200], 1e200, [-math.inf]),
        (lambda v: v**-1, [-1e-200], -1e200, [-math.inf]),
        (lambda v: v**-1, [np.float64(1e-200)], 1e200, [-math.inf]),
        (lambda v: v**-2, [-1e-150], 1e300, [math.inf]),
        (lambda v: v**1e-300, [1e-310], 1.0, [pytest.approx(1e10)]),
        (lambda v: 1 / v, [1e-200], 1e200, [-math.inf]),
        (lambda v: v.log(), [1e-320], math.log(1e-320), [math.inf]),
        (lambda v: v.log(), [np.float64(1e-320)], math.log(1e-320), [math.inf]),
        (lambda a, b: a**b, [0.0, 2.0], 0.0, [0.0, 0]),
        (lambda a, b: a**b, [0.0, 0.5], 0.0, [math.inf, 0]),
        (lambda a, b: a**b, [0.0, 0.0], 1.0, [0, 0]),
        (lambda a, b: a**b, [-2.0, 3.0], -8.0, [12.0, math.nan]),
        (lambda a, b: a**b, [-2, 2], 4, [-4, math.nan]),
        (lambda v: v.exp(), [-1000.0], 0.0, [0.0]),
        (lambda v: v.expm1(), [-1000.0], -1.0, [0.0]),
        (lambda v: v.log(), [math.inf], math.inf, [0.0]),
    ],
)
def test_edge_cases_have_a_result_and_a_sensible_derivative(f, xs, expected_y, expected_grads):
    y, grads = gradient(f, *xs)
    assert y == expected_y
    assert grads == pytest.approx(expected_grads, nan_ok=True)


@pytest.mark.parametrize(
    "f",
    [
        *(Value.relu, abs, Value.exp, Value.expm1, Value.log, Value.log1p, Value.sqrt, Value.tanh, Value.sigmoid),
        *(Value.sin, Value.cos, Value.softplus, Value.leaky_relu, lambda v: v.clip(0, 1), lambda v: round(v, 2)),
        *(lambda v: v.maximum(1), lambda v: v.minimum(1), lambda v: Value(1).maximum(v), lambda v: Value(1).minimum(v)),
        *(lambda v: v + 1, lambda v: v * 2, lambda v: v**2, lambda v: v**0.5, lambda v: 2**v, lambda v: v / 2),
    ],
)
def test_not_a_number_stays_not_a_number(f):
    assert math.isnan(f(Value(math.nan)).data)


@pytest.mark.parametrize(("x", "zero"), [(-2.0, 0.0), (-2, 0), (np.float64(-2.0), 0.0), (Fraction(-2), 0)])
def test_relu_of_a_negative_number_is_a_zero_of_the_same_type(x, zero):
    y = Value(x).relu().data
    assert y == zero
    assert type(y) is type(x)


# Gradients that backward keeps and resets.


def test_a_node_used_twice_sums_both_gradients_before_it_propagates():
    a = Value(3.0)
    b = a + a
    c = b + b
    c.backward()
    assert (a.grad, b.grad, c.grad) == (4, 2, 1)


def test_the_order_is_right_when_a_node_is_reached_by_a_short_and_a_long_path():
    x = Value(2.0)
    y = x * x
    long = ((y + 1) * 3) * y
    for out in (long + y, y + long, long * y, y * long):
        x.grad = 0
        out.backward()
        _, (expected,) = complex_step(
            {
                "+": lambda z: ((z * z + 1) * 3) * z * z + z * z,
                "*": lambda z: ((z * z + 1) * 3) * z * z * z * z,
            }[out._op],
            2.0,
        )
        assert x.grad == pytest.approx(expected, rel=1e-14)


def test_inner_gradients_are_reset_and_leaf_gradients_accumulate():
    a, b = Value(2.0), Value(3.0)
    inner = a * b
    out = inner * inner
    for k in (1, 2, 3):
        out.backward()
        assert (a.grad, b.grad) == (36.0 * k, 24.0 * k)
        assert (inner.grad, out.grad) == (12.0, 1)


def test_a_leafs_earlier_gradient_does_not_change_the_bits_of_the_new_one():
    def passes(before):
        x = Value(0.1)
        y = x * 0.7 + x * 0.3 + x.exp() + x**3
        x.grad = before
        y.backward()
        return x.grad

    once = passes(0)
    assert passes(1e16) == 1e16 + once
    assert passes(once) == 2 * once


def test_two_losses_may_share_their_parameters_and_their_inner_nodes():
    a = Value(2.0)
    inner = a * a
    first, second = inner * 3, inner + 1
    first.backward()
    second.backward()
    assert a.grad == 3 * 4.0 + 4.0
    assert inner.grad == 1


def test_backward_on_a_leaf_adds_one():
    v = Value(5.0)
    v.backward()
    assert v.grad == 1
    v.backward()
    assert v.grad == 2


def test_the_gradient_of_whole_numbers_is_a_whole_number():
    a, b = Value(2), Value(3)
    out = (a * b + a) ** 2
    out.backward()
    assert repr((a, b, out)) == "(Value(data=2, grad=64), Value(data=3, grad=32), Value(data=64, grad=1))"


def test_data_is_read_in_the_forward_pass():
    a, b = Value(2.0), Value(3.0)
    out = a * b
    a.data = 100.0
    out.backward()
    assert (a.grad, b.grad) == (3.0, 2.0)


def test_every_node_has_a_label_that_can_be_set():
    a, b = Value(2.0, label="a"), Value(-3.0, (), "", "b")
    for node in (a * b, a + 1, 1 - a, a / b, a**2, a.tanh(), a.maximum(b), abs(a)):
        assert node.label == ""
        assert node._prev[0].label in ("a", "")
        node.label = "e"
        assert node.label == "e"
    assert (a.label, b.label) == ("a", "b")
    b.label = "c"
    assert b.label == "c"


def test_operands_are_listed_in_order_and_constants_are_nodes():
    a, b = Value(2.0), Value(3.0)
    assert (a + b)._prev == (a, b)
    assert (b * a)._prev == (b, a)
    assert all(x is a for x in (a + a)._prev)
    assert [type(x) for x in (2 * a)._prev] == [Value, Value]
    assert [(v._op, v._prev) for v in (a - b, a + b, a * b, -a)] == [
        *(("-", (a, b)), ("+", (a, b)), ("*", (a, b)), ("-", (a,)))
    ]
    assert [x._op for x in (a / b)._prev] == ["", "**-1"]
    assert [(a**k)._op for k in (2, -1, 0.5)] == ["**2", "**-1", "**0.5"]


@pytest.mark.parametrize("upstream", [1, 5])
@pytest.mark.parametrize("when", ["before", "after", "by hand", "before and by hand"])
@pytest.mark.parametrize(
    ("operation", "data", "slope", "slope_of_number"),
    [
        (lambda a: a * 3.0, 3.0, 3, 2),
        (lambda a: 3 * a, 3, 3, 2),
        (lambda a: a / 0.25, 4.0, 4, 2),
        (lambda a: a + 3.0, 3.0, 1, 1),
        (lambda a: 3.0 + a, 3.0, 1, 1),
    ],
    ids=["v * a", "a * v", "v / a", "v + a", "a + v"],
)
def test_the_node_of_a_number_has_its_gradient_whenever_it_is_read(
    operation, data, slope, slope_of_number, when, upstream
):
    a = Value(2.0)
    y = operation(a)
    root = y if upstream == 1 else y * upstream
    if when.startswith("before"):
        assert [node.grad for node in y._prev] == [0, 0]
    if when.endswith("by hand"):
        y.grad = upstream
        y._backward()
    else:
        root.backward()
    _, number = y._prev
    assert y._prev == (a, number)
    assert y._prev[1] is number
    expected = (Value, data, upstream * slope_of_number, "", ())
    assert (type(number), number.data, number.grad, number._op, number._prev) == expected
    assert a.grad == upstream * slope
    root.backward()  # from now on, the node takes part
    assert (a.grad, number.grad) == (2 * upstream * slope, 2 * upstream * slope_of_number)
    _, copied = pickle.loads(pickle.dumps(operation(a)))._prev
    assert copied.data == data


def alive():
    """Return the number of Values in memory."""
    return sum(type(x) is Value for x in gc.get_objects())  # isinstance would wake lazy objects of PyTorch


@pytest.mark.parametrize("f", [lambda x: x * 2.0 * 3, lambda x: x + 2.0 + 3], ids=["product", "sum"])
def test_a_number_takes_no_node_until_the_operands_are_read(f):
    x = Value(0.5)
    before = alive()
    y = f(x)
    y.backward()
    assert alive() == before + 2
    assert len(y._prev) == len(y._prev[0]._prev) == 2
    assert alive() == before + 4


def test_the_graph_holds_no_reference_cycle():
    gc.collect()
    gc.disable()
    try:
        before = alive()
        x = Value(0.5)
        y = ((x * 2 + 1).tanh() * x).relu() ** 2
        y.backward()
        y._backward()
        assert alive() > before
        del x, y
        assert alive() == before
    finally:
        gc.enable()


# Depth.


@pytest.mark.parametrize("length", [50_000, pytest.param(1_000_000, marks=pytest.mark.slow)])
def test_a_deep_chain_differentiates_and_is_freed_without_recursion(length):
    x = Value(1.0)
    y = x
    for _ in range(length):
        y = y + x
    y.backward()
    assert (y.data, x.grad) == (length + 1, length + 1)
    del y


def test_a_chain_of_doublings_takes_one_step_per_node_not_per_path():
    x = Value(1.0)
    y = x
    for _ in range(900):
        y = y + y
    y.backward()
    assert x.grad == 2**900


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_deep_chain_is_pickled_and_copied_without_recursion(duplicate):
    x = Value(1.0)
    y = x
    for _ in range(50_000):
        y = y + x
    x2, y2 = duplicate((x, y))
    y2.backward()
    assert (y2.data, x2.grad, x.grad) == (50_001, 50_001, 0)


# Pickle and deepcopy.

DUPLICATES = {
    f"pickle {p}": lambda x, p=p: pickle.loads(pickle.dumps(x, p)) for p in range(pickle.HIGHEST_PROTOCOL + 1)
}
DUPLICATES["deepcopy"] = copy.deepcopy


@pytest.mark.parametrize("how", DUPLICATES)
def test_a_copy_keeps_numbers_gradients_labels_and_structure(how):
    a = Value(2.0)
    h = a * 3
    out = (h + h).tanh() ** 2
    out.backward()
    copied = DUPLICATES[how](out)

    def listing(root):
        nodes, number = [root], {root: 0}
        for node in nodes:
            for child in node._prev:
                if child not in number:
                    number[child] = len(nodes)
                    nodes.append(child)
        return [(repr(n), n._op, type(n._prev), [number[c] for c in n._prev]) for n in nodes]

    assert listing(copied) == listing(out)
    assert copied is not out
    assert not {copied} & {out}


@pytest.mark.parametrize("how", DUPLICATES)
def test_leaves_copied_along_with_a_result_are_the_leaves_of_the_copied_result(how):
    parameters = [Value(2.0), Value(3.0), Value(4.0)]
    loss = parameters[0] * parameters[1] + 5 * parameters[0]
    copied, copied_loss, again = DUPLICATES[how]((parameters, loss, parameters))
    copied_loss.backward()
    assert copied is again
    assert [p.grad for p in copied] == [8.0, 2.0, 0]
    assert [p.grad for p in parameters] == [0, 0, 0]


@pytest.mark.parametrize("how", DUPLICATES)
def test_a_copied_leaf_keeps_its_gradient_and_its_type_of_number(how):
    for number in (3, 0.1, True, np.float64(0.1), Fraction(1, 3)):
        v = Value(number, _op="input")
        v.grad = 7
        w = DUPLICATES[how](v)
        assert (w.data, type(w.data), w.grad, w._op, w._prev) == (number, type(number), 7, "input", ())


class Colored(Value):
    color = "none"

    def cube(self):
        return self * self * self


def test_a_leaf_of_a_subclass_keeps_its_attributes():
    v = Colored(2.0, label="w")
    v.color = "red"
    w, out = pickle.loads(pickle.dumps((v, v * 3)))
    assert type(w) is Colored
    assert (w.color, w.label) == ("red", "w")
    assert out._prev[0] is w


@pytest.mark.parametrize("how", [*DUPLICATES, "copy"])
def test_a_copy_keeps_the_label_of_every_node(how):
    a, b = Value(2.0, label="a"), Value(3.0)
    product = a * b
    product.label = "a b"
    out = product + b
    out.label = "out"
    duplicate = DUPLICATES.get(how, copy.copy)
    copied = duplicate(out)
    assert copied is not out
    assert [copied.label, *(v.label for v in copied._prev), copied._prev[0]._prev[0].label] == ["out", "a b", "", "a"]
    assert duplicate(a).label == "a"


def test_pickles_from_before_there_were_labels_are_read():
    a, b = Value(2.0), Value(3.0)
    rows = [(5.0, 0, "*", (4.0, 2.0), [1, 2]), (4.0, 0, "exp", (4.0,), [2]), a]
    product = engine._rebuild(rows)
    product.backward()
    assert (product.label, product._prev[0]._op, a.grad) == ("", "exp", 4.0 * 4.0 + 2.0)
    assert b.grad == 0


@pytest.mark.parametrize("duplicate", [pickle.dumps, copy.deepcopy])
def test_a_graph_with_a_custom_backward_cannot_be_copied_and_says_so(duplicate):
    x = Value(0.5)
    y = Value(1.0, (x,), "step")
    y._backward = lambda: None
    with pytest.raises(TypeError, match=r"'step' node.*_backward.*of its own"):
        duplicate(y * 2)


# The same bits in every process.

PROGRAM = """
import random, sys
junk = [object() for _ in range(int(sys.argv[1]))]  # different addresses, so different hashes, in each process
from micrograd_tiers import engine
from micrograd_tiers.engine import Value
rng = random.Random(0)
leaves = [Value(rng.uniform(-1, 1)) for _ in range(30)]
nodes = list(leaves)
for _ in range(2000):
    junk.append([None] * rng.randrange(9) * (int(sys.argv[1]) % 7))
    a, b = rng.choice(nodes), rng.choice(nodes)
    nodes.append(rng.choice([a + b, (a * b).tanh(), a - b * 0.3]).tanh())
sum(nodes).backward()
print([v.grad.hex() for v in leaves])
"""


def test_every_process_computes_the_same_bits():
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROGRAM, junk],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed, junk in [("0", "1"), ("1", "12345"), ("2", "99")]
    }
    assert len(outputs) == 1
    assert outputs.pop().count("0x") == 30


# Comparisons, hashing, representation.


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize("a", [1, 2.0, np.float64(1.5), np.int64(2), math.nan])
@pytest.mark.parametrize("b", [1.0, 2, np.float64(1.5), math.inf])
def test_comparisons_use_the_data_and_return_plain_bools(compare, a, b):
    expected = bool(compare(a, b))
    assert compare(Value(a), Value(b)) is expected
    assert compare(Value(a), b) is expected
    assert compare(a, Value(b)) is expected


def test_values_can_be_ordered():
    a, b = Value(2.0), Value(1.0)
    assert max(a, b) is a
    assert [v.data for v in sorted([a, b])] == [1.0, 2.0]


@pytest.mark.parametrize("other", ["1", None, [1.0], 1 + 0j, object()])
def test_other_types_are_unequal_and_have_no_order(other):
    v = Value(1.0)
    assert (v != other) is True
    assert (v == other) is False
    with pytest.raises(TypeError, match="not supported between"):
        _ = v < other


def test_equal_values_are_two_elements_of_a_set():
    a, b = Value(1.0), Value(1.0)
    assert a == b
    assert len({a, b}) == 2
    assert hash(a) == object.__hash__(a)


def test_data_is_kept_as_given_and_printed_as_in_micrograd():
    assert repr(Value(2)) == "Value(data=2, grad=0)"
    assert repr(Value(2.0)) == "Value(data=2.0, grad=0)"
    assert repr(-Value(3)) == "Value(data=-3, grad=0)"
    assert type(Value(np.float64(2)).data) is np.float64
    assert type((Value(2) * Value(3)).data) is int
    assert Value(True).data is True
    assert Value(2.0)._prev == ()
    assert Value(2.0)._op == ""


def test_a_misspelled_attribute_of_a_value_is_refused():
    with pytest.raises(AttributeError):
        Value(1.0).gard = 0


def test_a_value_can_be_referred_to_weakly():
    v = Value(1.0)
    reference = weakref.ref(v)
    assert reference() is v
    del v
    assert reference() is None


# Plain numbers: formatting and rounding work; what would leave the graph is refused.


@pytest.mark.parametrize("spec", [".3f", "e", ">12", "+.1%", "g"])
def test_a_format_applies_to_the_number(spec):
    v = Value(2.0 / 3)
    assert format(v, spec) == format(v.data, spec)
    assert f"{v}" == str(v) == repr(v)


def test_rounding_gives_a_node_with_derivative_zero():
    v = Value(2.567)
    for rounded, expected in ((round(v, 2), 2.57), (round(v), 3), (round(v, -1), 0.0), (round(v, None), 3)):
        assert (rounded.data, rounded._prev) == (expected, (v,))
        (rounded + v).backward()
    assert v.grad == 4
    assert type(round(v).data) is int


@pytest.mark.parametrize(
    "use",
    [
        *(float, int, complex, math.sqrt, math.exp, math.isnan, math.floor, math.ceil, math.trunc),
        *(operator.index, range, lambda v: [1, 2][v], lambda v: "%.2f" % v, lambda v: math.fsum([v])),  # noqa: UP031
        *(lambda v: np.array([v], dtype=float), lambda v: np.array([v]).astype(float), np.float64),
    ],
)
def test_a_plain_number_is_not_made_silently_and_the_way_out_is_named(use):
    with pytest.raises(TypeError, match=r"Value\(data=1\.0, grad=0\).*v\.data"):
        use(Value(1.0))


# NumPy's numbers; arrays are in test_engine_arrays.py.


NUMBERS = [
    *(np.float64(2), np.float32(2), np.float16(2), np.longdouble(2), np.int64(2), np.int8(2), np.uint8(2), np.True_),
    *(np.array(2.0), np.array(2), np.array(True), np.array(2, np.float32), np.array(2.0, object)),
    *(True, 2, Fraction(2)),
]
USES = {
    **{f"a {op} v": f for op, f in (("+", operator.add), ("-", operator.sub), ("*", operator.mul))},
    **{"a / v": operator.truediv, "a ** v": operator.pow},
}
USES |= {f"v {name[2:-1]}a": lambda a, v, f=f: f(v, a) for name, f in USES.items()}
USES |= {
    "v.maximum(a)": lambda a, v: v.maximum(a),
    "v.minimum(a)": lambda a, v: v.minimum(a),
    "v.clip(a)": lambda a, v: v.clip(a),
    "v.leaky_relu(a)": lambda a, v: (-v).leaky_relu(a),
    "Value(a)": lambda a, v: v * Value(a).data,
}


@pytest.mark.parametrize("use", USES)
@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_other_numbers_count_as_numbers_on_either_side(number, use):
    v, w = Value(1.5), Value(1.5)
    y, expected = USES[use](number, v), USES[use](int(number), w)
    y.backward()
    expected.backward()
    assert type(y) is Value
    assert type(y.data) is not np.ndarray
    assert (float(y.data), float(v.grad)) == pytest.approx((float(expected.data), float(w.grad)), rel=1e-15)


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
@pytest.mark.parametrize("number", NUMBERS, ids=repr)
@pytest.mark.parametrize("data", [1.0, 2, 2.5])
def test_other_numbers_can_be_compared(number, data, compare):
    v, plain = Value(data), int(number)
    assert compare(v, number) is compare(data, plain)
    assert bool(compare(number, v)) is compare(plain, data)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_of_numpy_become_pythons_except_float64(number):
    kept = (bool, int, np.float64, Fraction)
    assert type(Value(number).data) in kept if type(number) in kept else type(Value(number).data) in (bool, int, float)


def test_short_floats_do_not_shorten_the_result():
    tenth = np.float32(0.1)
    for y in (
        tenth * Value(1 / 3),
        Value(1 / 3) * tenth,
        Value(1 / 3) * Value(tenth),
        np.array(0.1, "f4") * Value(1 / 3),
    ):
        assert y.data == float(tenth) / 3 or y.data == float(tenth) * (1 / 3)


def test_numpy_integers_become_python_integers_and_do_not_wrap_around():
    assert (Value(np.uint8(200)) + np.uint8(100)).data == 300
    assert (Value(np.int64(2)) ** -1).data == 0.5
    assert (Value(2) ** np.int64(70)).data == 2**70


ARRAYS = [[1.0, 2.0], (1.0,), range(3)]


@pytest.mark.parametrize("array", ARRAYS, ids=repr)
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**"])
@pytest.mark.parametrize("expression", ["v {} a", "a {} v"])
def test_arrays_as_operands_are_refused_and_the_message_says_what_to_write(expression, op, array):
    expression = expression.format(op)
    with pytest.raises(TypeError) as caught:
        eval(expression, {"v": Value(2.0), "a": array})
    message = str(caught.value)
    canonical = {"a + v": "v + a", "a * v": "v * a"}.get(expression, expression)
    assert message.startswith(f"{canonical}: ")
    assert type(array).__name__ in message
    assert "expected a Value or a real number" in message
    assert f"one Value per number: [{canonical} for a in array]" in message


@pytest.mark.parametrize("a", ["2", None, 1j, Decimal(2), b"2", Value])
@pytest.mark.parametrize("op", ["+", "-", "*", "/", "**"])
@pytest.mark.parametrize("expression", ["v {} a", "a {} v"])
def test_other_operands_are_refused_and_named(expression, op, a):
    with pytest.raises(TypeError, match=r"^[av] [-+*/]+ [av]: .*expected a Value or a real number; "):
        eval(expression.format(op), {"v": Value(2.0), "a": a})


@pytest.mark.parametrize(
    "data",
    [*ARRAYS, np.ones(1), np.ones((2, 2)), "2", None, 1j, np.complex128(1), np.array("2"), Decimal(2), Value(2.0), {}],
    ids=repr,
)
def test_the_constructor_takes_one_real_number_only(data):
    with pytest.raises(TypeError, match=r"^Value\(a\): a is .*, expected a real number; "):
        Value(data)


@pytest.mark.parametrize(
    ("error", "f", "message"),
    [
        (ValueError, lambda: Value(-8) ** (1 / 3), r"^\*\*: got -8 \*\* 0\.33.*whole exponent.*abs"),
        (ValueError, lambda: Value(np.float64(-8)) ** 0.5, r"^\*\*: got -8\.0 \*\* 0\.5"),
        (ValueError, lambda: Value(-8.0) ** Value(0.5), r"^\*\*: got -8\.0 \*\* 0\.5"),
        (ValueError, lambda: (-8.0) ** Value(0.5), r"^\*\*: got -8\.0 \*\* 0\.5"),
        (ZeroDivisionError, lambda: Value(0.0) ** -1, r"^\*\*: got 0\.0 \*\* -1, a division by 0"),
        (ZeroDivisionError, lambda: Value(np.float64(0.0)) ** -0.5, r"a division by 0"),
        (ZeroDivisionError, lambda: 1 / Value(0), r"a division by 0"),
        (ZeroDivisionError, lambda: Value(1) / 0, r"a division by 0"),
        (ZeroDivisionError, lambda: Value(1) / Value(-0.0), r"a division by 0"),
        (OverflowError, lambda: Value(1e200) ** 2, r"^\*\*: got 1e\+200 \*\* 2, expected"),
        (OverflowError, lambda: 10.0 ** Value(400), r"^\*\*: got 10\.0 \*\* 400, expected"),
        (OverflowError, lambda: Value(710).exp(), r"^exp: got 710\.0, expected at most 709\.78"),
        (OverflowError, lambda: Value(1000.0).expm1(), r"^expm1: got 1000\.0, expected at most 709\.78"),
        (ValueError, lambda: Value(0).log(), r"^log: got 0\.0, expected a number > 0; "),
        (ValueError, lambda: Value(-1.0).log(), r"^log: got -1\.0, expected a number > 0; "),
        (ValueError, lambda: Value(-1.0).log1p(), r"^log1p: got -1\.0, expected a number > -1; "),
        (ValueError, lambda: Value(math.inf).sin(), r"^sin: got inf, expected a finite number"),
        (ValueError, lambda: Value(-math.inf).cos(), r"^cos: got -inf, expected a finite number"),
        (ValueError, lambda: Value(1.0).clip(2, 1), r"^clip: low is 2 and high is 1, expected low <= high"),
        (ValueError, lambda: Value(1.0).clip(math.nan), r"^clip: low is nan"),
        (TypeError, lambda: Value(1.0).clip("0"), r"^v\.clip\(a\): a is '0' \(str\)"),
        (TypeError, lambda: Value(1.0).clip(Value(0.0)), r"^v\.clip\(a\): .*its number is a\.data"),
        (TypeError, lambda: Value(1.0).maximum([1.0]), r"^v\.maximum\(a\): .*\[v\.maximum\(a\) for a in array\]"),
        (TypeError, lambda: Value(1.0).minimum(np.ones(2)), r"^v\.minimum\(a\): .*one Value per number"),
        (TypeError, lambda: Value(1.0).leaky_relu("x"), r"^v\.leaky_relu\(a\): a is 'x'"),
        (ValueError, lambda: Value(-1e-9).sqrt(), r"^sqrt: got -1e-09, expected a number >= 0; "),
    ],
)
def test_an_operation_without_a_real_result_is_refused_and_named(error, f, message):
    with pytest.raises(error, match=message):
        f()


# The protocol of micrograd's lecture: a custom operation assigns _backward.


def lecture_tanh(self):
    t = math.tanh(self.data)
    out = Value(t, (self,), "tanh")

    def _backward():
        self.grad += (1 - t**2) * out.grad

    out._backward = _backward
    return out


def test_a_custom_operation_takes_part_in_backward():
    x, w = Value(0.3), Value(-0.8)
    out = lecture_tanh(x * w + lecture_tanh(w)) * x
    out.backward()
    grads = x.grad, w.grad
    _, expected = complex_step(lambda x, w: cmath.tanh(x * w + cmath.tanh(w)) * x, 0.3, -0.8)
    assert grads == pytest.approx(expected, rel=1e-14)
    out.backward()
    assert (x.grad, w.grad) == (2 * grads[0], 2 * grads[1])


def test_backward_can_be_called_node_by_node():
    a, b = Value(2.0), Value(3.0)
    c = a * b
    out = c + a
    out.grad = 1.0
    out._backward()
    c._backward()
    a._backward()
    assert (a.grad, b.grad) == (4.0, 2.0)
    assert lecture_tanh(a)._backward.__name__ == "_backward"


@pytest.mark.parametrize("children", ["a", [2.0], (Value(1.0), None)])
def test_operands_that_are_not_values_are_refused(children):
    with pytest.raises(TypeError, match=r"^_children: got .*expected Values; a name is given as label="):
        Value(2.0, children)


def test_a_handmade_node_propagates_nothing_until_backward_is_assigned():
    a = Value(2.0)
    out = Value(8.0, {a}, "cube") * 3
    out.backward()
    assert a.grad == 0
    assert out._prev[0].grad == 3
    assert out._prev[0]._prev == (a,)
    out._prev[0]._backward()
    assert a.grad == 0


def test_a_backward_assigned_to_the_result_of_an_operation_replaces_its_own():
    a, b = Value(2.0), Value(3.0)
    product = a * b
    product._backward = lambda: setattr(b, "grad", b.grad + 7)
    (product + a).backward()
    assert (a.grad, b.grad) == (1, 7)
    assert product._prev == (a, b)


def test_an_assigned_backward_is_called_once_per_pass_even_without_operands():
    calls = []
    leaf = Value(1.0)
    leaf._backward = lambda: calls.append(leaf.grad)
    (leaf * 2 + leaf * 3).backward()
    assert calls == [5.0]
