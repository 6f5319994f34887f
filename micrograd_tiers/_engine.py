"""The rest of the engine: the parts of `Value` that need no derivative of their own, and the checks of its numbers."""

from __future__ import annotations

import math
import operator
import reprlib
from collections.abc import Callable
from numbers import Integral, Rational, Real
from typing import Any, TypeVar, cast

V = TypeVar("V", bound="Node")  # `Value`, defined in the file that imports this one


def _comparison(compare: Callable[[Any, Any], Any]) -> Callable[[Any, object], bool]:
    """Return a method that compares by value, with another node or with a number."""

    def method(self: Node, other: object) -> bool:
        x = other.data if isinstance(other, Node) else _unwrapped(other)
        return bool(compare(self.data, x)) if isinstance(x, Real) else NotImplemented

    return method


class Node:
    """Base class of `Value`: operands, comparisons, conversions, pickling and copying."""

    # _x, _y: the operands; None where there is none. _dx, _dy: this node's derivatives with respect to them. With a
    # tuple for each pair, a training step takes 1.2 times as long. In the product or sum of a node and a number, _y is
    # None until _prev is read, and _dx or _dy holds the number: most are inputs of a net, or the 0 from which sum()
    # starts, and nobody looks at their nodes. In a node that was made by hand, or whose _backward was assigned, _x and
    # _y are None, _dx is the tuple of its operands and _dy the function.
    # _seen: the mark of the last backward pass that visited the node.
    __slots__ = ("__weakref__", "_dx", "_dy", "_op", "_seen", "_x", "_y", "data", "grad", "label")

    # NumPy leaves `np.float64(2) * v` to Value, but applies `array * v` to each number of the array.
    __array_priority__ = -1.0

    data: float
    grad: float
    label: str
    _op: str
    _x: Any
    _y: Any
    _dx: Any
    _dy: Any
    _seen: object

    @property
    def _prev(self) -> tuple[Any, ...]:
        """Operands, in order."""
        if self._x is None:
            return self._dx or ()
        if self._y is None and self._dy is not None:  # the second operand is a number, which has no node yet
            number, self._dy = (self._dy, 1) if self._op == "+" else (self._dx, self._dy)
            self._y = cast(Any, type(self))(number)
            self._y.grad = 0 if self._seen is None else self._dy * self.grad
        return (self._x,) if self._y is None else (self._x, self._y)

    @property
    def _backward(self) -> Callable[[], None]:
        """Function that adds this node's contribution to the `grad` of each operand; can be assigned."""
        return self._dy if self._x is None and self._dx is not None else self._push

    @_backward.setter
    def _backward(self, push: Callable[[], None]) -> None:
        self._dx, self._dy = self._prev, push
        self._x, self._y = None, None

    def _push(self) -> None:
        for operand, slope in zip(self._prev, (self._dx, self._dy), strict=False):
            operand.grad += slope * self.grad

    def __pos__(self: V) -> V:
        return self

    def conjugate(self: V) -> V:
        """Return the value itself, a real number; for ``np.var``."""
        return self

    def rint(self) -> Any:
        """Return the value rounded to a whole number; for ``np.round``."""
        return round(cast(Any, self), 0)

    __lt__ = _comparison(operator.lt)
    __le__ = _comparison(operator.le)
    __gt__ = _comparison(operator.gt)
    __ge__ = _comparison(operator.ge)
    __eq__ = _comparison(operator.eq)
    __ne__ = _comparison(operator.ne)
    __hash__ = object.__hash__  # hashed by identity: equal numbers in a graph are still different nodes

    def __repr__(self) -> str:
        return f"Value(data={self.data}, grad={self.grad})"

    def __format__(self, spec: str) -> str:
        """Format the number; without a format, the same as str()."""
        return format(self.data, spec) if spec else str(self)

    def _refuse(self) -> Any:
        raise TypeError(
            f"got {self!r} where a plain number is needed; write v.data for the number, which is not part of the "
            "graph, or use a method such as v.sqrt() instead of a function such as math.sqrt"
        )

    __float__ = __int__ = __index__ = __complex__ = __trunc__ = _refuse  # the result would silently leave the graph

    def __reduce__(self) -> tuple[Any, ...]:
        """Reduce for pickle and deepcopy: the graph below becomes a flat table, so that depth does not matter.

        Leaves are stored as separate objects, so that parameters pickled together with a model stay the model's own.
        All other nodes belong to one table: two results that share nodes each come back with a copy of them.
        """
        if self._x is None and self._dx is None:
            state = {"grad": self.grad, "label": self.label}
            return type(self), (self.data, (), self._op), (getattr(self, "__dict__", None), state)
        nodes, index = [self], {self: 0}
        for node in nodes:  # the list grows during the loop
            if node._x is None and node._dx is not None:
                raise TypeError(
                    f"Value: got a {node._op!r} node with a _backward function of its own; only nodes made by the "
                    "package's operations can be pickled or copied: keep the parameters, or the number, Value(v.data)"
                )
            for child in node._prev:
                if child not in index:
                    index[child] = len(nodes)
                    nodes.append(child)
        table = [
            (n.data, n.grad, n._op, (n._dx, n._dy), [index[child] for child in n._prev], n.label) if n._prev else n
            for n in nodes
        ]
        return rebuilt, (type(self), table)


def rebuilt(cls: Callable[[float], V], table: list[Any]) -> V:
    """Return the first node of a table from `Node.__reduce__`, in which leaves are nodes already."""
    nodes: list[Any] = [row if isinstance(row, Node) else cls(0) for row in table]
    for node, row in zip(nodes, table, strict=True):
        if node is not row:
            node.data, node.grad, node._op, (node._dx, *second), operands, *label = row  # older pickles have no label
            node._x, *others = (nodes[i] for i in operands)
            if others:
                (node._y,), (node._dy,) = others, second
            node.label = label[0] if label else ""
    return cast(V, nodes[0])


def pass_nothing_on() -> None:
    """Do nothing: the `_backward` of a node made by hand, until you assign one."""


def in_order(root: V, reset: bool = True) -> tuple[list[V], list[tuple[V, float]]]:
    """Return the nodes below `root`, each before its operands, and the gradients that leaves hold; set all `grad` to 0.

    Depth-first search lists each node after its operands, of which it visits the first one first; the list is then
    reversed. So the backward pass reaches a node after all nodes that were computed from it, when its `grad` is
    complete. With ``reset=False``, `grad` is kept.
    """
    nodes: list[Any] = []
    held: list[tuple[Any, float]] = []
    mark = object()  # marks the nodes of this pass; cheaper than a set of them
    stack: list[Any] = [None, root]  # nodes that wait for their operands; None ends a search, the next starts below it
    while stack:
        node = stack.pop()
        while node is not None:
            while node._seen is not mark and (x := node._x) is not None:  # down, along the first operands
                node._seen = mark
                if reset:
                    node.grad = 0
                stack.append(node)
                node = x
            if node._seen is not mark:  # a leaf, or a node made by hand: a search for each of its operands
                node._seen = mark
                if node._dx is not None:
                    stack.append(node)
                    for operand in reversed(node._dx):
                        stack += operand, None
                elif node.grad:
                    held.append((node, node.grad))
                if reset:
                    node.grad = 0
            while (node := stack.pop()) is not None:  # up, to a node whose second operand is still to be visited
                if (y := node._y) is not None and y._seen is not mark:
                    stack.append(node)
                    node = y
                    break
                nodes.append(node)
    nodes.reverse()
    return nodes, held


# Checks.


def operands(children: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return the operands of a node made by hand; raise TypeError if one is not a Value."""
    for child in children:
        if not isinstance(child, Node):
            raise TypeError(f"_children: got {child!r}, expected Values; a name is given as label=...")
    return children


def is_array(a: object) -> bool:
    """Return True for a NumPy array, and for what treats operators as one does, such as a pandas Series.

    A masked array without dimensions counts as a number: NumPy cannot apply an operator to it and a Value.
    """
    takes_operators = hasattr(a, "__array_ufunc__") and hasattr(a, "__setitem__")
    return takes_operators and not (hasattr(a, "mask") and getattr(a, "shape", None) == ())


def _is_masked(a: Any) -> bool:
    """Return True for `np.ma.masked`, and for a masked array without dimensions whose number is masked."""
    return getattr(a, "shape", None) == () and bool(getattr(a, "mask", False))


def _unwrapped(a: Any) -> Any:
    """Return NumPy's bool, or the only number of an array without dimensions, as a Python number; all else as it is."""
    has_one = getattr(a, "shape", None) == () and not isinstance(a, Real) and hasattr(a, "item")
    return a.item() if has_one and not _is_masked(a) else a


def number(a: Any, use: str) -> float:
    """Return `a`, with NumPy's integers and short floats as Python's; raise TypeError if it is not a real number."""
    if not isinstance(a, (int, float)):
        a = _unwrapped(a)
    if isinstance(a, (int, float)):
        return a
    if isinstance(a, Real):
        return int(a) if isinstance(a, Integral) else cast(float, a) if isinstance(a, Rational) else float(a)
    if isinstance(a, Node):
        way_out = "it is a Value already: its number is a.data"
    elif _is_masked(a):
        way_out = "it is masked: fill it, as in a.filled(0), or leave it out"
    elif hasattr(a, "__len__") and not isinstance(a, str):
        way_out = f"make one Value per number: [{use} for a in array]"
    else:
        way_out = "convert it to a float first"
    raise TypeError(
        f"{use}: a is {reprlib.repr(a)} ({type(a).__name__}), expected "
        f"{'' if use == 'Value(a)' else 'a Value or '}a real number; {way_out}"
    )


def bounds(low: float | None, high: float | None) -> tuple[float, float]:
    """Return the bounds of `clip`, infinite where they are None; raise ValueError if they are in the wrong order."""
    low = -math.inf if low is None else number(low, "v.clip(a)")
    high = math.inf if high is None else number(high, "v.clip(a)")
    if not low <= high:
        raise ValueError(f"clip: low is {low} and high is {high}, expected low <= high")
    return low, high
