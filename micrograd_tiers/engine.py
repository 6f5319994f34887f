"""Reverse-mode automatic differentiation of single numbers.

Each `Value` stores its operands and, for each of them, a local derivative: that of the result with respect to the
operand. The line that computes the result also computes the local derivatives. `Value.backward` visits the values in
reverse order and applies the chain rule, which is all there is to backpropagation. `Value` is a drop-in replacement for
``micrograd.engine.Value``. It shares no derivative with the tiers, so it can be a witness for theirs.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial
from typing import Any

from ._arithmetic import cos, exp, expm1, log, log1p, plain, power, sin, slope_in_exponent, sqrt, tanh, to_float
from ._engine import Node, bounds, in_order, is_array, number, operands, pass_nothing_on, rebuilt

__all__ = ["Value"]


def __dir__() -> list[str]:
    return sorted(__all__)


class Value(Node):
    """A number that records how it was computed, so that it can be differentiated.

    Parameters
    ----------
    data : int or float
        The number. NumPy's numbers, and arrays without dimensions, become Python's, which neither wrap around nor lose
        digits; np.float64 and Fraction are stored as given. All else raises TypeError.
    _children, _op : iterable of Value, str
        Operands and name (for drawing graphs) of an operation that the package lacks; assign its `_backward` next.
    label : str
        Name of the value (for drawing graphs). It can be set later, too.

    Attributes
    ----------
    data : float
        The number. Each operation reads it once, in the forward pass.
    grad : float
        Derivative of the node on which `backward` was called, with respect to this one; 0 before any call.

    Notes
    -----
    ``a / b`` is ``a * b**-1``, bit for bit as in micrograd; `_prev` is a tuple of the operands, in order. The node of a
    number in ``a * 2.0`` or ``a + 2.0`` is made when you first read `_prev`; its `grad` is then that of the last
    backward pass.
    Comparisons use only `data`; hashing is by identity. An undefined result (``Value(-8) ** 0.5``) raises ValueError.
    If a result is finite but its derivative is not (``Value(0.0) ** 0.5``), the derivative is ``inf``.

    In NumPy arrays of Values, operators, sums and functions such as ``np.exp`` work elementwise. ``float(v)`` is an
    error, as it would silently leave the graph; the number is ``v.data``.

    A graph has no reference cycles, so its memory is freed without Python's garbage collector, which can be paused
    while you train (``gc.disable()``). `docs/benchmarks.md` shows how much time that saves.

    Examples
    --------
    >>> x = Value(3.0)
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    """

    __slots__ = ()  # declared in Node

    def __init__(self, data: float, _children: Iterable[Value] = (), _op: str = "", label: str = "") -> None:
        self.data = data if type(data) is float else number(data, "Value(a)")
        self.grad = 0
        self.label = label
        self._op = _op
        self._x, self._dx, self._y, self._dy = None, None, None, None  # operands and local derivatives
        if children := tuple(_children):
            self._dx, self._dy = operands(children), pass_nothing_on
        self._seen = None

    # Each operation returns _node(result, name, operand, derivative with respect to it, second operand, derivative).

    def __add__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            if type(other) is float or type(other) is int:  # the node of the number is made by `_prev`
                return _node(self.data + other, "+", self, 1, None, other)
            if (other := _operand(other, "v + a")) is NotImplemented:
                return NotImplemented
        return _node(self.data + other.data, "+", self, 1, other, 1)

    def __sub__(self, other: Value | float) -> Value:
        if type(other) is not Value and (other := _operand(other, "v - a")) is NotImplemented:
            return NotImplemented
        return _node(self.data - other.data, "-", self, 1, other, -1)

    def __mul__(self, other: Value | float) -> Value:
        if type(other) is not Value:
            if type(other) is float or type(other) is int:  # the node of the number is made by `_prev`
                return _node(self.data * other, "*", self, other, None, self.data)
            if (other := _operand(other, "v * a")) is NotImplemented:
                return NotImplemented
        return _node(self.data * other.data, "*", self, other.data, other, self.data)

    def __truediv__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            y, slope = power(other.data, -1)
            return _node(self.data * y, "*", self, y, _node(y, "**-1", other, slope), self.data)
        if is_array(other):
            return NotImplemented
        inverse: float = power(number(other, "v / a"), -1)[0]
        return self * inverse

    def __pow__(self, other: Value | float) -> Value:
        if isinstance(other, Value):
            y, slope = power(self.data, other.data)
            return _node(y, "**", self, slope, other, slope_in_exponent(self.data, y))
        if type(other) is not int and type(other) is not float:
            if is_array(other):
                return NotImplemented
            other = plain(number(other, "v ** a"))
        y, slope = power(self.data, other)
        return _node(y, f"**{other}", self, slope)

    def __neg__(self) -> Value:
        return _node(-self.data, "-", self, -1)

    def exp(self) -> Value:
        """Return e**x; raise OverflowError above x = 709.78, where the result no longer fits a float."""
        y = exp(to_float(self.data))
        return _node(y, "exp", self, y)

    def expm1(self) -> Value:
        """Return exp(x) - 1, accurate near 0 too; raise OverflowError above x = 709.78."""
        x = to_float(self.data)
        return _node(expm1(x), "expm1", self, exp(x))

    def log(self) -> Value:
        """Return the natural logarithm; raise ValueError unless the value is positive."""
        x = to_float(self.data)
        return _node(log(x), "log", self, 1 / x)

    def log1p(self) -> Value:
        """Return log(1 + x), accurate near 0 too; raise ValueError unless x is above -1."""
        x = to_float(self.data)
        return _node(log1p(x), "log1p", self, 1 / (1 + x))

    def sqrt(self) -> Value:
        """Return the square root; raise ValueError if the value is negative. The derivative at 0 is infinite."""
        y = sqrt(to_float(self.data))
        return _node(y, "sqrt", self, 0.5 / y if y else math.inf)

    def sin(self) -> Value:
        """Return the sine; raise ValueError if the value is infinite."""
        x = to_float(self.data)
        return _node(sin(x), "sin", self, cos(x))

    def cos(self) -> Value:
        """Return the cosine; raise ValueError if the value is infinite."""
        x = to_float(self.data)
        return _node(cos(x), "cos", self, -sin(x))

    def sigmoid(self) -> Value:
        """Return the logistic function 1 / (1 + exp(-x)), with full relative accuracy in both tails."""
        x = to_float(self.data)
        e = exp(-x if x >= 0 else x)  # stable forms: docs/numerics.md
        d = 1 + e
        return _node((1 if x >= 0 else e) / d, "sigmoid", self, e / (d * d))

    def softplus(self) -> Value:
        """Return log(1 + exp(x)), with full relative accuracy in both tails."""
        x = to_float(self.data)
        e = exp(-x if x >= 0 else x)
        return _node((x if x >= 0 else 0) + log1p(e), "softplus", self, (1 if x >= 0 else e) / (1 + e))

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        x = to_float(self.data)
        s = exp(-2 * x if x >= 0 else 2 * x)
        return _node(tanh(x), "tanh", self, 4 * s / (1 + s) ** 2)

    # Operations with kinks. The derivative at a kink is the same as in PyTorch.

    def relu(self) -> Value:
        """Return the value, or 0 if it is negative. The derivative at the kink, x = 0, is defined as 0."""
        x = self.data
        y = type(x)(0) if x < 0 else x  # a 0 of the same type as x; NaN stays NaN
        return _node(y, "ReLU", self, 1 if x > 0 else 0)

    def leaky_relu(self, slope: float = 0.01) -> Value:
        """Return the value, times `slope` if it is negative. The derivative at the kink, x = 0, is `slope`."""
        x, slope = self.data, number(slope, "v.leaky_relu(a)")
        return _node(slope * x if x < 0 else x, "leaky ReLU", self, 1 if x > 0 else slope)

    def abs(self) -> Value:
        """Return the absolute value, as abs() does. The derivative at the kink, x = 0, is defined as 0."""
        x = self.data
        return _node(abs(x), "abs", self, 1 if x > 0 else -1 if x < 0 else 0)

    def maximum(self, other: Value | float) -> Value:
        """Return the larger of the two, NaN if one is. The derivative at a tie is 1/2 for each."""
        other = other if isinstance(other, Value) else Value(number(other, "v.maximum(a)"))
        x, y = self.data, other.data
        slope = 1 if x > y else 0 if x < y else 0.5
        return _node(x if x > y or x != x else y, "maximum", self, slope, other, 1 - slope)

    def minimum(self, other: Value | float) -> Value:
        """Return the smaller of the two, NaN if one is. The derivative at a tie is 1/2 for each."""
        other = other if isinstance(other, Value) else Value(number(other, "v.minimum(a)"))
        x, y = self.data, other.data
        slope = 1 if x < y else 0 if x > y else 0.5
        return _node(x if x < y or x != x else y, "minimum", self, slope, other, 1 - slope)

    def clip(self, low: float | None = None, high: float | None = None) -> Value:
        """Return the value, or the bound beyond which it lies. The derivative is 1 from `low` to `high` inclusive."""
        x, (low, high) = self.data, bounds(low, high)
        y = low if x < low else high if x > high else x
        return _node(y, "clip", self, 1 if y is x else 0)

    def __round__(self, n: int | None = None) -> Value:
        return _node(round(self.data, n), "round", self, 0)

    __abs__, __radd__, __rmul__ = abs, __add__, __mul__

    def __rsub__(self, other: float) -> Value:
        return _node(number(other, "a - v"), "") - self

    def __rtruediv__(self, other: float) -> Value:
        return _node(number(other, "a / v"), "") / self

    def __rpow__(self, other: float) -> Value:
        return _node(number(other, "a ** v"), "") ** self

    def backward(self) -> None:
        """Compute the derivative of this value with respect to every leaf, and add it to the leaf's `grad`.

        A leaf is a Value that no operation produced. Leaves accumulate: two calls add exactly twice as much as one,
        until you set ``leaf.grad = 0``. In all other nodes, each call computes `grad` from 0. The expression alone
        fixes the order of the sums, operands from left to right, so every run gives the same bits. Only memory limits
        the depth of an expression.

        References
        ----------
        A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd edition, SIAM, 2008, chapter 3.
        """
        nodes, held = in_order(self)  # a node comes after all nodes computed from it, so its grad is complete
        self.grad = 1
        for node in nodes:
            grad, x, y = node.grad, node._x, node._y
            if x is None:
                node._dy()  # the function assigned as _backward
                continue
            x.grad += node._dx * grad
            if y is not None:
                y.grad += node._dy * grad
        # Added last, so that rounding does not depend on earlier gradients: every call adds the same numbers.
        for leaf, before in held:
            leaf.grad += before


_new = object.__new__


def _node(data: float, op: str, x: Any = None, dx: Any = None, y: Any = None, dy: Any = None) -> Value:
    """Return a new node, without the checks of the constructor."""
    node = _new(Value)
    node.data = data
    node.grad = 0
    node.label = ""
    node._op = op
    node._x = x
    node._dx = dx
    node._y = y
    node._dy = dy
    node._seen = None
    return node


def _operand(a: Any, use: str) -> Any:
    """Return `a`, or a node for a number; NotImplemented for an array, which then applies the operation elementwise."""
    if type(a) is float or type(a) is int:
        return _node(a, "")
    if isinstance(a, Value) or is_array(a):
        return a if isinstance(a, Value) else NotImplemented
    return _node(number(a, use), "")


_rebuild = partial(rebuilt, Value)  # the name that older pickles refer to
