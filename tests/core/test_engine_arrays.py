"""Values in NumPy arrays: operators, functions and sums work elementwise, and gradients come back to every element."""

import operator

import numpy as np
import pytest

from micrograd_tiers.engine import Value

A, B = [0.5, -1.25, 2.0], [3.0, 0.25, 1.5]


def values(numbers):
    return np.array([Value(number) for number in numbers])


def numbers(array):
    return [x.data if isinstance(x, Value) else x for x in np.ravel(array)]


FUNCTIONS = {
    "softmax": lambda a, b: np.exp(a) / np.exp(a).sum(),
    "standardized": lambda a, b: (a - a.mean()) / a.std(),
    "differences": lambda a, b: a - a[0],
    "products": lambda a, b: a * b - b / a + a**2 - b**a,
    "mixed with numbers": lambda a, b: 2 * a - b / 4 + np.float64(3) - a * np.True_ + 2**b,
    "dot product": lambda a, b: a @ b,
    "matrix product": lambda a, b: np.outer(a, b) @ a,
    "np.add and others": lambda a, b: np.add(a, b) * np.subtract(a, b) + np.multiply(a, np.negative(b)),
    "np.power and others": lambda a, b: np.power(b, 2) + np.square(a) + np.reciprocal(a) + np.divide(a, b),
    "methods": lambda a, b: np.tanh(a) + np.sin(b) * np.cos(a) + np.sqrt(b) + np.log(b) + np.log1p(b) + np.expm1(a),
    "np.abs": lambda a, b: np.abs(a),
    "extremes": lambda a, b: np.maximum(a, b) - np.minimum(a, 0.5 * b) + a.max() * b.min(),
    "np.where": lambda a, b: np.where(a > 0.75, a * b, b),
    "sums": lambda a, b: np.sum(a) + np.prod(b) + np.mean(a * b) + np.cumsum(a)[1] + np.var(b),
    "stacked": lambda a, b: np.stack([a, b]).T.reshape(-1) * 2,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_results_are_those_of_arrays_of_floats_and_gradients_those_of_small_steps(name):
    f = FUNCTIONS[name]
    a, b = values(A), values(B)
    result = f(a, b)
    assert numbers(result) == pytest.approx(np.ravel(f(np.array(A), np.array(B))).tolist(), rel=1e-14)
    np.sum(result).backward()
    h = 1e-6
    for array, others in ((a, lambda x: (x, np.array(B))), (b, lambda x: (np.array(A), x))):
        middle = np.array(numbers(array))
        for i, leaf in enumerate(array):
            step = h * np.eye(3)[i]
            difference = np.sum(f(*others(middle + step))) - np.sum(f(*others(middle - step)))
            assert leaf.grad == pytest.approx(difference / (2 * h), rel=1e-7, abs=1e-8)


OPERATORS = {
    "a + v": lambda a, v: a + v,
    "v + a": lambda a, v: v + a,
    "a - v": lambda a, v: a - v,
    "v - a": lambda a, v: v - a,
    "a * v": lambda a, v: a * v,
    "v * a": lambda a, v: v * a,
    "a / v": lambda a, v: a / v,
    "v / a": lambda a, v: v / a,
    "a ** v": lambda a, v: a**v,
    "v ** a": lambda a, v: v**a,
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize(
    "array",
    [np.array([1.5, 2.0]), np.array([[1, 2], [3, 4]]), np.array([1.5], np.float32), np.array([True]), np.ones((0, 2))],
    ids=repr,
)
def test_a_value_and_an_array_of_numbers_give_an_array_of_values(name, array):
    v = Value(2.5)
    result = OPERATORS[name](array, v)
    assert result.shape == array.shape
    assert all(type(x) is Value for x in result.flat)
    expected = OPERATORS[name](array.astype(float), 2.5)
    assert numbers(result) == pytest.approx(expected.ravel().tolist(), rel=1e-14)
    for x in result.flat:
        v.grad = 0
        x.backward()
        assert v.grad or "**" in name


@pytest.mark.parametrize("name", OPERATORS)
def test_a_value_and_an_array_of_values_give_an_array_of_values(name):
    v, a = Value(2.5), values(B)
    result = OPERATORS[name](a, v)
    assert numbers(result) == pytest.approx(OPERATORS[name](np.array(B), 2.5).tolist(), rel=1e-14)
    assert all({*x._prev} - {v} for x in result)


def test_arrays_of_values_change_in_place():
    v, a = Value(2.0), values([1.0, 3.0])
    first = a
    a += 1
    a *= v
    a -= a[0] * 0
    a /= 4
    a **= 2
    assert a is first
    assert numbers(a) == [1.0, 4.0]
    a.sum().backward()
    assert v.grad == 5.0  # of ((1 + 1)**2 + (3 + 1)**2) / 16 * v**2


@pytest.mark.parametrize("compare", [operator.lt, operator.le, operator.gt, operator.ge, operator.eq, operator.ne])
def test_comparisons_are_elementwise_on_either_side(compare):
    v, plain = Value(1.5), np.array(B)
    for array in (plain, values(B)):
        assert compare(array, v).tolist() == compare(plain, 1.5).tolist()
        assert compare(v, array).tolist() == compare(1.5, plain).tolist()
        assert compare(v, array).dtype == bool


def test_functions_of_numpy_take_a_single_value():
    v = Value(0.7)
    for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh"):
        y = getattr(np, name)(v)
        assert (type(y), y._op, y._prev) == (Value, name, (v,))
    assert np.round(Value(2.567), 1).data == pytest.approx(2.6)


def test_an_array_of_floats_cannot_hold_values():
    array = np.ones(2)
    with pytest.raises(TypeError, match="dtype"):
        array *= Value(2.0)
    with pytest.raises(TypeError, match=r"v\.data"):
        array[0] = Value(2.0)


class Labels:
    """A container that leaves elementwise operations to itself, as a pandas Series does."""

    __array_ufunc__ = None

    def __setitem__(self, key, value):
        raise NotImplementedError

    def __rmul__(self, other):
        return ("mine", other)


def test_another_container_with_operators_of_its_own_is_in_charge():
    v = Value(2.0)
    assert v * Labels() == ("mine", v)
    with pytest.raises(TypeError, match="unsupported operand"):
        v + Labels()


def test_masked_numbers_are_refused_and_others_taken():
    v = Value(3.0)
    for masked in (np.ma.masked, np.ma.array(2.0, mask=True)):
        for use in (Value, lambda a: v * a, lambda a: v + a, lambda a: v / a, lambda a: v**a, v.maximum):
            with pytest.raises(TypeError, match="it is masked"):
                use(masked)
    two = np.ma.array(2.0)
    assert [Value(two).data, (v * two).data, (v - two).data, (v / two).data, (v**two).data] == [2, 6, 1, 1.5, 9]
    assert (v * np.ma.array([1.0, 2.0], mask=[True, False]))[1] == 6
