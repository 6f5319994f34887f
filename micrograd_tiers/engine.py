"""Reverse-mode differentiation, one number at a time.

A `Value` is a number that remembers how it was computed: its operands and, beside each operand, the derivative
of the result with respect to it, written next to the operation and evaluated during the forward pass.
`Value.backward` walks that record in reverse and multiplies derivatives along it: the chain rule, and all there
is to backpropagation. The class takes the place of ``micrograd.engine.Value``, and it shares no derivative with
the tiers, so that it can serve as a witness for the gradients derived by hand there.
"""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable, Iterable
from numbers import Integral, Real
from typing import Any, cast

_new = object.__new__
_ONES = (1, 1)  # the local gradients of every sum; one shared tuple, so that `backward` can tell sums by identity


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Value, object], bool]:
    """Return a method that compares by value, with another Value or with a number."""

    def method(self: Value, other: object) -> bool:
        number = other.data if isinstance(other, Value) else other
        return bool(compare(self.data, number)) if isinstance(number, Real) else NotImplemented

    return method


class Value:
    """A number that remembers how it was computed, and so can be differentiated.

    Parameters
    ----------
    data : int or float
        The number, or any other real number, such as a NumPy scalar. It is kept as given; only NumPy integers
        become Python's, which neither wrap around nor refuse ``2 ** -1``.
    _children : iterable of Value
        The operands, for an operation that the package lacks; assign its `_backward` next, for until then no
        gradient flows on from here.
    _op : str
        A label for graphs.

    Raises
    ------
    TypeError
        If `data` is not one real number: an array, a string, None, a complex number or a Value.

    Attributes
    ----------
    data : float
        The number. An operation reads it, and its derivative, once: in the forward pass. A change shows in
        expressions built afterwards.
    grad : float
        The derivative of the node on which `backward` was called, with respect to this one; 0 before.

    Notes
    -----
    `_prev` is a tuple, in the order of the operands, where micrograd has a set: so the same program gives the same
    bits in every run. Numbers mixed with Values become Values, and ``a - b`` is ``a + b * -1``, ``a / b`` is ``a *
    b**-1``: the same graph, and the same bits of `data`, as micrograd's. Comparisons look at `data` alone; hashing
    looks at identity, so equal Values remain two elements of a set. An undefined real result (``Value(-8) ** 0.5``)
    raises ValueError; a derivative that is infinite where the result is finite (``Value(0.0) ** 0.5``) is ``inf``
    and raises nothing.

    Examples
    --------
    >>> x = Value(3.0)
    >>> y = x * x + 2 * x
    >>> y.backward()
    >>> y.data, x.grad
    (15.0, 8.0)
    """

    # _local: for each of _prev, in the same order, the derivative of this node with respect to it; or the function
    # that was assigned as _backward; () in leaves. _seen: the mark of the last backward pass that came by.
    __slots__ = ("_local", "_op", "_prev", "_seen", "data", "grad")

    __array_ufunc__ = None  # NumPy then leaves `np.float64(2) * v` and `array * v` to the methods below

    data: float
    grad: float
    _prev: tuple[Value, ...]
    _op: str
    _local: tuple[float, ...] | Callable[[], None]
    _seen: object

    def __init__(self, data: float, _children: Iterable[Value] = (), _op: str = "") -> None:
        self.data = _number(data, "Value(a)")
        self.grad = 0
        self._prev = tuple(_children)
        self._local = _pass_nothing_on if self._prev else ()
        self._op = _op
        self._seen = None

    # Each operation returns _node(result, operands, derivatives with respect to the operands, label).

    def __add__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = _node(_number(other, "v + a"), (), (), "")
        return _node(self.data + other.data, (self, other), _ONES, "+")

    def __mul__(self, other: Value | float) -> Value:
        if not isinstance(other, Value):
            other = _node(_number(other, "v * a"), (), (), "")
        return _node(self.data * other.data, (self, other), (other.data, self.data), "*")

    def __pow__(self, other: Value | float) -> Value:
        x = self.data
        if isinstance(other, Value):
            k = other.data
            y, slope = _power(x, k)
            return _node(y, (self, other), (slope, _slope_in_exponent(x, y)), "**")
        k = _number(other, "v ** a")
        y, slope = _power(x, k)
        return _node(y, (self,), (slope,), f"**{k}")

    def exp(self) -> Value:
        """Return e to the power of the value; OverflowError above 709.78, where a float ends."""
        x = float(self.data)
        y = _exponential("exp", math.exp, x)
        return _node(y, (self,), (y,), "exp")

    def expm1(self) -> Value:
        """Return exp(x) - 1, accurate near 0 as well; OverflowError above 709.78."""
        x = float(self.data)
        return _node(_exponential("expm1", math.expm1, x), (self,), (math.exp(x),), "expm1")

    def log(self) -> Value:
        """Return the natural logarithm; ValueError unless the value is positive."""
        x = float(self.data)
        if x <= 0:
            raise ValueError(f"log: got {x}, expected a number > 0; add a small constant, or clamp it first")
        return _node(math.log(x), (self,), (1 / x,), "log")

    def log1p(self) -> Value:
        """Return log(1 + x), accurate near 0 as well; ValueError unless the value exceeds -1."""
        x = float(self.data)
        if x <= -1:
            raise ValueError(f"log1p: got {x}, expected a number > -1; clamp it first")
        return _node(math.log1p(x), (self,), (1 / (1 + x),), "log1p")

    def sqrt(self) -> Value:
        """Return the square root, whose derivative is infinite at 0; ValueError if the value is negative."""
        x = float(self.data)
        if x < 0:
            raise ValueError(f"sqrt: got {x}, expected a number >= 0; add a small constant, or clamp it first")
        y = math.sqrt(x)
        return _node(y, (self,), (0.5 / y if y else math.inf,), "sqrt")

    # The textbook's derivatives y (1 - y) and 1 - y**2 cancel as y nears 1: the first has no correct digit beyond
    # x = 37, the second beyond |x| = 19. The same derivatives in terms of exp(-|x|) keep full accuracy in both
    # tails, and an exponent that is never positive cannot overflow.

    def sigmoid(self) -> Value:
        """Return the logistic function 1 / (1 + exp(-x)), to full relative accuracy in both tails."""
        x = float(self.data)
        e = math.exp(-abs(x))
        y = (1 if x >= 0 else e) / (1 + e)
        return _node(y, (self,), (e / (1 + e) ** 2,), "sigmoid")

    def tanh(self) -> Value:
        """Return the hyperbolic tangent."""
        x = float(self.data)
        s = math.exp(-2 * abs(x))
        return _node(math.tanh(x), (self,), (4 * s / (1 + s) ** 2,), "tanh")

    def relu(self) -> Value:
        """Return the value, or 0 if it is negative. The derivative at the kink, 0, is taken to be 0."""
        x = self.data
        y = type(x)(0) if x < 0 else x  # a zero of x's own kind; NaN stays NaN
        return _node(y, (self,), (1 if x > 0 else 0,), "ReLU")

    def abs(self) -> Value:
        """Return the absolute value, as abs() does. The derivative at the kink, 0, is taken to be 0."""
        x = self.data
        return _node(operator.abs(x), (self,), (1 if x > 0 else -1 if x < 0 else 0,), "abs")

    __abs__ = abs

    # The remaining operators are made of those above, and need no derivative of their own.

    __radd__ = __add__
    __rmul__ = __mul__

    def __neg__(self) -> Value:
        return self * -1

    def __pos__(self) -> Value:
        return self

    def __sub__(self, other: Value | float) -> Value:
        return self + -(other if isinstance(other, Value) else _number(other, "v - a"))

    def __rsub__(self, other: float) -> Value:
        return -self + _number(other, "a - v")

    def __truediv__(self, other: Value | float) -> Value:
        return self * (other**-1 if isinstance(other, Value) else _power(_number(other, "v / a"), -1)[0])

    def __rtruediv__(self, other: float) -> Value:
        return self**-1 * _number(other, "a / v")

    def __rpow__(self, other: float) -> Value:
        return Value(_number(other, "a ** v")) ** self

    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __hash__ = object.__hash__  # by identity: a graph holds many equal numbers, and each is a node of its own

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def backward(self) -> None:
        """Add to the `grad` of every leaf the derivative of this value with respect to it.

        A leaf is a Value that no operation produced: a parameter, an input, a constant. Leaves accumulate: two
        calls add exactly twice as much as one, until somebody sets ``leaf.grad = 0``. In all other nodes `grad`
        starts afresh with each call. Sums are formed in an order fixed by the expression, so the same program
        gives the same bits in every run. Depth is limited by memory, not by Python's recursion limit.

        References
        ----------
        A. Griewank and A. Walther, *Evaluating Derivatives*, 2nd edition, SIAM, 2008, chapter 3.
        """
        # Depth first: a node is listed once all it was computed from is listed. In reverse, a node's turn comes
        # when all that was computed from it has added its share, and `grad` is complete.
        nodes: list[Value] = []
        held: list[tuple[Value, float]] = []
        mark = object()  # of this pass; cheaper than a set of the nodes seen
        stack: list[Value | None] = [self]
        while stack:
            node = stack.pop()
            if node is None:  # all that the next on the stack was computed from is listed
                nodes.append(stack.pop())  # type: ignore[arg-type]  # never None twice
            elif node._seen is not mark:
                node._seen = mark
                if node._local:
                    stack.append(node)
                    stack.append(None)
                    stack.extend(node._prev)
                elif node.grad:
                    held.append((node, node.grad))
                node.grad = 0
        nodes.reverse()

        self.grad = 1
        for node in nodes:
            grad, local = node.grad, node._local
            if local is _ONES:  # half of all nodes are sums: spare them two products with 1
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
        # Last, so that rounding does not depend on what leaves held: the second call adds the same bits.
        for leaf, before in held:
            leaf.grad += before

    @property
    def _backward(self) -> Callable[[], None]:
        """The function that adds this node's share to the `grad` of its operands; may be assigned."""
        return self._local if callable(self._local) else self._push

    @_backward.setter
    def _backward(self, push: Callable[[], None]) -> None:
        self._local = push

    def _push(self) -> None:
        for child, slope in zip(self._prev, cast("tuple[float, ...]", self._local), strict=True):
            child.grad += slope * self.grad

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce for pickle and deepcopy: the whole graph below, as a flat table, so that depth does not matter.

        Leaves stay objects of their own, so that parameters pickled along with a model remain the model's. The
        other nodes belong to their table: two results that share them come back with a copy each.
        """
        if not self._local:
            return type(self), (self.data, (), self._op), (getattr(self, "__dict__", None), {"grad": self.grad})
        nodes, index = [self], {self: 0}
        for node in nodes:  # grows while it is walked
            if callable(node._local):
                raise TypeError(
                    f"Value: a {node._op!r} node has a _backward function of its own, expected one of the package's "
                    "operations to pickle or copy; keep the parameters instead, or only the number: Value(v.data)"
                )
            for child in node._prev:
                if child not in index:
                    index[child] = len(nodes)
                    nodes.append(child)
        table = [
            (n.data, n.grad, n._op, n._local, [index[child] for child in n._prev]) if n._local else n for n in nodes
        ]
        return _rebuild, (table,)


def _pass_nothing_on() -> None:
    """Stand in for the `_backward` of a node that was made by hand, until one is assigned."""


def _node(data: float, prev: tuple[Value, ...], local: tuple[float, ...], op: str) -> Value:
    """Return a new node; the constructor, less its checks."""
    node = _new(Value)
    node.data = data
    node.grad = 0
    node._prev = prev
    node._local = local
    node._op = op
    node._seen = None
    return node


def _rebuild(table: list[Any]) -> Value:
    """Return the first node of the table that `Value.__reduce__` made."""
    nodes = [row if isinstance(row, Value) else _node(row[0], (), row[3], row[2]) for row in table]
    for node, row in zip(nodes, table, strict=True):
        if node is not row:
            node.grad = row[1]
            node._prev = tuple(nodes[i] for i in row[4])
    return nodes[0]


def _number(a: object, use: str) -> float:
    """Return `a` if it is a real number; `use` is the expression that needs it, for the error's text."""
    if isinstance(a, (int, float)):
        return a
    if isinstance(a, Integral):
        return int(a)
    if isinstance(a, Real):
        return cast(float, a)
    if isinstance(a, Value):
        way_out = "it is a Value already, and its number is a.data"
    elif hasattr(a, "__len__") and not isinstance(a, str):
        way_out = f"one Value per number: [{use} for a in array]"
    else:
        way_out = "convert it to a float first"
    raise TypeError(
        f"{use}: a is {reprlib.repr(a)} ({type(a).__name__}), expected "
        f"{'' if use == 'Value(a)' else 'a Value or '}a real number; {way_out}"
    )


def _exponential(op: str, function: Callable[[float], float], x: float) -> float:
    try:
        return function(x)
    except OverflowError:
        raise OverflowError(
            f"{op}: got {x}, expected at most 709.78, or the result does not fit a float; "
            "subtract the largest exponent first, as log-sum-exp does"
        ) from None


def _power(x: float, k: float) -> tuple[float, float]:
    """Return y = x**k, where it is real, and its derivative k x**(k - 1) with respect to x, finite or not."""
    if x == 0 and k < 0:
        raise ZeroDivisionError(
            f"**: got {x} ** {k}, a division by 0, expected another base; add a small constant first"
        )
    if x < 0 and k % 1 > 0:
        raise ValueError(f"**: got {x} ** {k}, expected a base >= 0 or a whole exponent; take abs(base) first")
    try:
        y = x**k
    except OverflowError:
        raise OverflowError(
            f"**: got {x} ** {k}, expected a result below 1.8e308, where a float ends; rescale the base"
        ) from None
    x, k = _python(x), _python(k)
    try:
        return y, k * x ** (k - 1)
    except ZeroDivisionError:  # x = 0 and k < 1: vertical, unless x**k is the constant 1
        return y, math.inf if k else 0
    except OverflowError:  # the power alone is too large, the product perhaps is not
        return y, k * _python(y) / x


def _slope_in_exponent(x: float, y: float) -> float:
    """Return the derivative y log(x) of y = x**k with respect to k; 0**k counts as the constant that it is."""
    return _python(y) * math.log(x) if x > 0 else 0 if x == 0 else math.nan


def _python(x: float) -> float:
    """Return Python's own number: where NumPy's warn on overflow and division by 0, these raise or give inf."""
    return x if isinstance(x, int) else float(x)
