"""Derivatives of derivatives: gradients that are Values themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from ._engine import in_order
from .engine import Value


def gradient(y: Value, xs: Iterable[Value] | Value) -> list[Value]:
    """Return the derivatives of `y` with respect to `xs` as Values, which have derivatives, too; change no `grad`.

    Parameters
    ----------
    y : Value
    xs : iterable of Value, or Value
        Leaves, or nodes between the leaves and `y`.

    Returns
    -------
    list of Value
        One per x; 0 if `y` does not depend on it.

    Raises
    ------
    ZeroDivisionError, OverflowError
        If a derivative is infinite, as that of ``Value(0.0).sqrt()``.
    TypeError
        If a path from x to `y` has a node whose `_backward` was assigned by hand.

    Notes
    -----
    Local derivatives are computed from the current `data` of the operands: call `gradient` before you change any.

    Examples
    --------
    >>> x, y = Value(3.0), Value(2.0)
    >>> dx, dy = gradient(x**3 * y, [x, y])
    >>> dx.data, dy.data, gradient(dx, [y])[0].data
    (54.0, 27.0, 27.0)
    """
    xs = [xs] if isinstance(xs, Value) else [*xs]
    for v in (y, *xs):
        if not isinstance(v, Value):
            raise TypeError(f"gradient: got {v!r}, expected a Value y and a list of Values xs")
    nodes, _ = in_order(y, reset=False)
    depend = {*xs}  # xs, and the nodes that depend on them; other paths are left out
    for node in reversed(nodes):
        if not depend.isdisjoint(node._prev):
            depend.add(node)
    grads = {y: Value(1)}
    for node in nodes:  # in the order of `backward`
        if not depend.isdisjoint(node._prev):
            for operand, slope in zip(node._prev, _slopes(node), strict=True):
                if operand in depend:
                    term = grads[node] * slope
                    grads[operand] = grads[operand] + term if operand in grads else term
    return [grads.get(x, Value(0)) for x in xs]


def derivative(f: Callable[[Value], Any]) -> Callable[[Value | float], Any]:
    """Return the derivative of a function of one number: a function of the same kind, which has a derivative, too.

    Parameters
    ----------
    f : callable
        Takes a Value and returns one. It may use other Values, and derivatives of other functions.

    Returns
    -------
    callable
        Takes a number and returns a number, or takes a Value and returns a Value. Its errors are those of `gradient`.

    Examples
    --------
    >>> derivative(derivative(lambda x: x**3))(2.0)
    12.0
    """

    def slope_at(x: Value | float) -> Any:
        here = x + 0 if isinstance(x, Value) else Value(x)  # a node of its own, in case f also uses x in another way
        y = f(here)
        (slope,) = gradient(y if isinstance(y, Value) else Value(y), [here])
        return slope if isinstance(x, Value) else slope.data

    return slope_at


# Operations, and the methods that compute their local derivatives; None if these are constant.
_METHODS = {
    **{"*": "__mul__", "**": "__pow__"},
    **{name: name for name in ("exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "sigmoid", "softplus", "tanh")},
    **dict.fromkeys(("+", "-", "ReLU", "leaky ReLU", "abs", "maximum", "minimum", "clip", "round")),
}


def _slopes(node: Value) -> tuple[Any, ...]:
    """Return a node's derivatives with respect to its operands: numbers if they are constant, otherwise Values.

    An operation computes its derivatives from the `data` of its operands. Here it is applied once more, to Values whose
    `data` are the operands themselves. So it computes with Values instead of numbers.
    """
    op, exponent = node._op, node._op.removeprefix("**")
    if node._x is None or (op not in _METHODS and op == exponent):
        raise TypeError(
            f"gradient: got a {op!r} node with a _backward function or a name of its own, expected an operation of the "
            "package, whose derivative is known; compute it from such operations, or use backward()"
        )
    x, *others = map(_nested, node._prev)
    if op not in _METHODS:
        node = x ** (int(exponent) if exponent.removeprefix("-").isdigit() else float(exponent))
    elif method := _METHODS[op]:
        node = getattr(x, method)(*others)
    return (node._dx, node._dy)[: 1 + len(others)]


def _nested(operand: Any) -> Value:
    node = object.__new__(Value)
    node.data = operand
    return node
