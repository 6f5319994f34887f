"""Reverse-mode automatic differentiation of single numbers.

Each `Value` stores its operands and, for each of them, a local derivative: that of the result with respect to the
operand. The line that computes the result also computes the local derivatives. `Value.backward` visits the values in
reverse order and applies the chain rule, which is all there is to backpropagation. `Value` is a drop-in replacement for
``micrograd.engine.Value``. It shares no derivative with the tiers, so it can be a witness for the gradients that were
derived by hand there.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from functools import partial

from ._engine import Node, argument, exponential, in_order, number, pass_nothing_on, power, rebuilt, slope_in_exponent

_ONES = (1, 1)  # local derivatives of every sum; one shared tuple, so that `backward` recognizes sums by identity


class Value(Node):
    """A number that records how it was computed, so that it can be differentiated.

    Parameters
    ----------
    data : int or float
        The number. Any other real number, such as a NumPy scalar, also works. It is stored as given, except that NumPy
        integers become Python ints, which neither wrap around nor refuse ``2 ** -1``.
    _children, _op : iterable of Value, str
        Operands and label (for drawing graphs) of an operation that the package lacks; assign its `_backward` next.

    Raises
    ------
    TypeError
        If `data` is not one real number: an array, a string, None, a complex number or a Value.

    Attributes
    ----------
    data : float
        The number. Each operation reads it once, in the forward pass.
    grad : float
        Derivative of the node on which `backward` was called, with respect to this one; 0 before any call.

    Notes
    -----
    ``a - b`` is ``a + b * -1`` and ``a / b`` is ``a * b**-1``, bit for bit as in micrograd; `_prev` is a tuple of the
    operands, in order. Comparisons use only `data`; hashing is by identity. An undefined result (``Value(-8) ** 0.5``)
    raises ValueError. If a result is finite but its derivative is not (``Value(0.0) ** 0.5``), the derivative is
    ``inf``.

    Examples
    --------
    >>> x = Value(3.0)
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    """

    __slots__ = ()  # declared in Node

    def __init__(self, data: float, _children: Iterable[Value] = (), _op: str = "") -> None:
        self.data = number(data, "Value(a)")
        self.grad = 0
        self._prev = tuple(_children)
        self._local = pass_nothing_on if self._prev else ()
        self._op = _op
        self._seen = None

    # Each operation returns _node(result, operands, derivatives with respect to the operands, label).

    def __add__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = _node(number(other, "v + a"), (), (), "")
        return _node(self.data + other.data, (self, other), _ONES, "+")

    def __mul__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = _node(number(other, "v * a"), (), (), "")
        return _node(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __pow__(self, other: Value | float) -> Value:
        x = self.data
        if isinstance(other, Value):
            y, slope = power(x, other.data)
            return _node(y, (self, other), (slope, slope_in_exponent(x, y)), "**")
        y, slope = power(x, k := number(other, "v ** a"))
        return _node(y, (self,), (slope,), f"**{k}")

    def exp(self) -> Value:
        """Return e**x; raise OverflowError above x = 709.78, where the result no longer fits a float."""
        y = exponential(math.exp, float(self.data))
        return _node(y, (self,), (y,), "exp")

    def expm1(self) -> Value:
        """Return exp(x) - 1, accurate near 0 too; raise OverflowError above x = 709.78."""
        x = float(self.data)
        return _node(exponential(math.expm1, x), (self,), (math.exp(x),), "expm1")

    def log(self) -> Value:
        """Return the natural logarithm; raise ValueError unless the value is positive."""
        x = argument("log", self.data)
        return _node(math.log(x), (self,), (1 / x,), "log")

    def log1p(self) -> Value:
        """Return log(1 + x), accurate near 0 too; raise ValueError unless x is above -1."""
        x = argument("log1p", self.data)
        return _node(math.log1p(x), (self,), (1 / (1 + x),), "log1p")

    def sqrt(self) -> Value:
        """Return the square root; raise ValueError if the value is negative. The derivative at 0 is infinite."""
        y = math.sqrt(argument("sqrt", self.data))
        return _node(y, (self,), (0.5 / y if y else math.inf,), "sqrt")

    def sigmoid(self) -> Value:
        """Return the logistic function 1 / (1 + exp(-x)), with full relative accuracy in both tails."""
        x = float(self.data)
        e = math.exp(-abs(x))  # stable forms: docs/numerics.md
        return _node((1 if x >= 0 else e) / (1 + e), (self,), (e / (1 + e) ** 2,), "sigmoid")

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        x = float(self.data)
        s = math.exp(-2 * abs(x))
        return _node(math.tanh(x), (self,), (4 * s / (1 + s) ** 2,), "tanh")

    def relu(self) -> Value:
        """Return the value, or 0 if it is negative. The derivative at the kink, x = 0, is defined as 0."""
        x = self.data
        y = type(x)(0) if x < 0 else x  # a 0 of the same type as x; NaN stays NaN
        return _node(y, (self,), (1 if x > 0 else 0,), "ReLU")

    def abs(self) -> Value:
        """Return the absolute value, as abs() does. The derivative at the kink, x = 0, is defined as 0."""
        x = self.data
        return _node(abs(x), (self,), (1 if x > 0 else -1 if x < 0 else 0,), "abs")

    # Node derives -a, a - b and a / b from these operations, and defines the comparisons.

    __abs__, __radd__, __rmul__ = abs, __add__, __mul__

    def __rpow__(self, other: float) -> Value:
        return Value(number(other, "a ** v")) ** self

    def backward(self) -> None:
        """Compute the derivative of this value with respect to every leaf, and add it to the leaf's `grad`.

        A leaf is a Value that no operation produced. Leaves accumulate: two calls add exactly twice as much as one,
        until you set ``leaf.grad = 0``. In all other nodes, each call computes `grad` from 0. The expression alone
        fixes the order of the sums, so every run gives the same bits. Only memory limits the depth of an expression.

        References
        ----------
        A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd edition, SIAM, 2008, chapter 3.
        """
        nodes, held = in_order(self)  # a node comes after all nodes computed from it, so its grad is complete
        self.grad = 1
        for node in nodes:
            grad, local = node.grad, node._local
            if local is _ONES:  # half of all nodes are sums: skip their two products with 1
                a, b = node._prev
                a.grad += grad
                b.grad += grad
            elif callable(local):
                local()
            elif len(local) == 2:
                a, b = node._prev
                a.grad += local[0] * grad
                b.grad += local[1] * grad
            else:
                node._prev[0].grad += local[0] * grad
        # Added last, so that rounding does not depend on earlier gradients: every call adds the same numbers.
        for leaf, before in held:
            leaf.grad += before


_new = object.__new__


def _node(data: float, prev: tuple[Value, ...], local: tuple[float, ...], op: str) -> Value:
    """Return a new node, without the checks of the constructor."""
    node = _new(Value)
    node.data = data
    node.grad = 0
    node._prev = prev
    node._local = local
    node._op = op
    node._seen = None
    return node


_rebuild = partial(rebuilt, Value)  # the name that older pickles refer to
