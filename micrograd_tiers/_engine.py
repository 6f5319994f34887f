# mypy: disable-error-code="no-any-return"
"""The rest of the engine: the parts of `Value` that need no derivative of their own, and the checks of its numbers."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable
from numbers import Integral, Real
from typing import Any, TypeVar, cast

LEAST = {"log": 0, "log1p": -1, "sqrt": 0}  # lower bound of each function's domain

V = TypeVar("V", bound="Node")  # `Value`, defined in the file that imports this one


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, object], bool]:
    """Return a method that compares by value, with another node or with a number."""

    def method(self: Node, other: object) -> bool:
        x = other.data if isinstance(other, Node) else other
        return bool(compare(self.data, x)) if isinstance(x, Real) else NotImplemented

    return method


class Node:
    """Base class of `Value`: operators composed of +, * and **, comparisons, pickling and copying."""

    # _local: this node's derivatives with respect to its operands, in the order of _prev; or the function assigned as
    # _backward; () in leaves. _seen: the mark of the last backward pass that visited the node.
    __slots__ = ("_local", "_op", "_prev", "_seen", "data", "grad")

    __array_ufunc__ = None  # NumPy then leaves `np.float64(2) * v` and `array * v` to the methods here and in Value

    data: float
    grad: float
    _prev: tuple[Any, ...]
    _local: tuple[float, ...] | Callable[[], None]
    _op: str
    _seen: object
    __add__: Any
    __mul__: Any
    __pow__: Any

    def __neg__(self: V) -> V:
        return self * -1

    def __pos__(self: V) -> V:
        return self

    def __sub__(self: V, other: V | float) -> V:
        return self + -(other if isinstance(other, Node) else number(other, "v - a"))

    def __rsub__(self: V, other: float) -> V:
        return -self + number(other, "a - v")

    def __truediv__(self: V, other: V | float) -> V:
        return self * (other**-1 if isinstance(other, Node) else power(number(other, "v / a"), -1)[0])

    def __rtruediv__(self: V, other: float) -> V:
        return self**-1 * number(other, "a / v")

    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __hash__ = object.__hash__  # hashed by identity: equal numbers in a graph are still different nodes

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    @property
    def _backward(self) -> Callable[[], None]:
        """Function that adds this node's contribution to the `grad` of each operand; can be assigned."""
        return self._local if callable(self._local) else self._push

    @_backward.setter
    def _backward(self, push: Callable[[], None]) -> None:
        self._local = push

    def _push(self) -> None:
        for child, slope in zip(self._prev, cast("tuple[float, ...]", self._local), strict=True):
            child.grad += slope * self.grad

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce for pickle and deepcopy: the graph below becomes a flat table, so that depth does not matter.

        Leaves are stored as separate objects, so that parameters pickled together with a model stay the model's own.
        All other nodes belong to one table: two results that share nodes each come back with a copy of them.
        """
        if not self._local:
            return type(self), (self.data, (), self._op), (getattr(self, "__dict__", None), {"grad": self.grad})
        nodes, index = [self], {self: 0}
        for node in nodes:  # the list grows during the loop
            if callable(node._local):
                raise TypeError(
                    f"Value: got a {node._op!r} node with a _backward function of its own; only nodes made by the "
                    "package's operations can be pickled or copied: keep the parameters, or the number, Value(v.data)"
                )
            for child in node._prev:
                if child not in index:
                    index[child] = len(nodes)
                    nodes.append(child)
        table = [
            (n.data, n.grad, n._op, n._local, [index[child] for child in n._prev]) if n._local else n for n in nodes
        ]
        return rebuilt, (type(self), table)


def rebuilt(cls: Callable[[float], V], table: list[Any]) -> V:
    """Return the first node of a table from `Node.__reduce__`, in which leaves are nodes already."""
    nodes: list[Any] = [row if isinstance(row, Node) else cls(0) for row in table]
    for node, row in zip(nodes, table, strict=True):
        if node is not row:
            node.data, node.grad, node._op, node._local, operands = row
            node._prev = tuple(nodes[i] for i in operands)
    return nodes[0]


def pass_nothing_on() -> None:
    """Do nothing: the `_backward` of a node made by hand, until you assign one."""


def in_order(root: V) -> tuple[list[V], list[tuple[V, float]]]:
    """Return the nodes below `root`, each before its operands, and the gradients that leaves hold; set all `grad` to 0.

    Depth-first search lists each node after its operands; the list is then reversed. So the backward pass reaches a
    node after all nodes that were computed from it, when its `grad` is complete.
    """
    nodes: list[Any] = []
    held: list[tuple[Any, float]] = []
    mark = object()  # marks the nodes of this pass; cheaper than a set of them
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if node is None:  # all operands of the next node on the stack are listed
            nodes.append(stack.pop())
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
    return nodes, held


# Checks of numbers.


def number(a: object, use: str) -> float:
    """Return `a`, with NumPy integers as ints; raise a TypeError that names `use` if it is not a real number."""
    if isinstance(a, (int, float)):
        return a
    if isinstance(a, Integral):
        return int(a)
    if isinstance(a, Real):
        return cast(float, a)
    if isinstance(a, Node):
        way_out = "it is a Value already: its number is a.data"
    elif hasattr(a, "__len__") and not isinstance(a, str):
        way_out = f"make one Value per number: [{use} for a in array]"
    else:
        way_out = "convert it to a float first"
    raise TypeError(
        f"{use}: a is {reprlib.repr(a)} ({type(a).__name__}), expected "
        f"{'' if use == 'Value(a)' else 'a Value or '}a real number; {way_out}"
    )


def exponential(function: Callable[[float], float], x: float) -> float:
    """Return exp or expm1 of x; raise OverflowError if it does not fit a float."""
    try:
        return function(x)
    except OverflowError:
        raise OverflowError(
            f"{function.__name__}: got {x}, expected at most 709.78, beyond which the result does not fit a float; "
            "subtract the largest exponent first, as log-sum-exp does"
        ) from None


def argument(op: str, x: float) -> float:
    """Return x as a float; raise ValueError if `op` (log, log1p or sqrt) has no finite real value there."""
    x = float(x)
    if x < LEAST[op] or (x == LEAST[op] and op != "sqrt"):
        cure = "clamp it first" if op == "log1p" else "add a small constant, or clamp it first"
        raise ValueError(f"{op}: got {x}, expected a number {'>=' if op == 'sqrt' else '>'} {LEAST[op]}; {cure}")
    return x


def power(x: float, k: float) -> tuple[float, float]:
    """Return y = x**k and dy/dx = k x**(k - 1), which may be infinite; raise if y is not a finite real number."""
    if x == 0 and k < 0:
        raise ZeroDivisionError(
            f"**: got {x} ** {k}, a division by 0, expected a nonzero base; add a small constant first"
        )
    if x < 0 and k % 1 > 0:
        raise ValueError(f"**: got {x} ** {k}, expected a base >= 0 or a whole exponent; take abs(base) first")
    try:
        y = x**k
    except OverflowError:
        raise OverflowError(
            f"**: got {x} ** {k}, expected a result below 1.8e308, the largest float; rescale the base"
        ) from None
    x, k = _python(x), _python(k)
    try:
        return y, k * x ** (k - 1)
    except ZeroDivisionError:  # x = 0 and k < 1: an infinite slope, unless x**k is the constant 1
        return y, math.inf if k else 0
    except OverflowError:  # x**(k - 1) is too large for a float; the product may not be
        return y, k * _python(y) / x


def slope_in_exponent(x: float, y: float) -> float:
    """Return dy/dk = y log(x) of y = x**k; 0 at x = 0, where y is constant in k, and NaN for x < 0."""
    return _python(y) * math.log(x) if x > 0 else 0 if x == 0 else math.nan


def _python(x: float) -> float:
    """Return x as a Python int or float, which raises or returns inf where a NumPy scalar would warn."""
    return x if isinstance(x, int) else float(x)
