"""Graphs of other classes: micrograd's, or a Value of your own, as Values that can be drawn."""

from collections.abc import Collection, Sequence
from typing import Any

from ...arguments import shown
from ...engine import Value

OPERANDS = ("_prev", "_children")  # attributes that hold a node's operands,
SLOPES = ("slopes", "_local_grads")  # and, if there is one of these, the local derivatives in the same order


def is_node(thing: object) -> bool:
    """Return True if an object has data, a gradient and operands, as a node of a graph has."""
    held = [getattr(thing, name, None) for name in OPERANDS]
    return hasattr(thing, "data") and hasattr(thing, "grad") and any(isinstance(part, Collection) for part in held)


def as_values(result: Any) -> tuple[Value, dict[int, Value]]:
    """Return the Value of `result`, and a Value for each node of its graph, keyed by the node's `id`.

    Local derivatives are unknown unless the class keeps them as `slopes`, like the class of page 2 of the walkthroughs.

    Raises
    ------
    TypeError, ValueError
        If the data of a node is not a number, or a node is computed from itself.
    """
    made: dict[int, Value] = {}
    stack, open_nodes = [result], set()
    while stack:
        node = stack[-1]
        operands = _held(node, OPERANDS)
        waiting = [operand for operand in operands if id(operand) not in made]
        if id(node) in made or not waiting:
            stack.pop()
            open_nodes.discard(id(node))
            if id(node) not in made:
                made[id(node)] = _value(node, [made[id(operand)] for operand in operands])
        elif id(node) in open_nodes and any(id(operand) in open_nodes for operand in waiting):
            raise ValueError(f"value has a node that is computed from itself: {shown(node)}")
        else:
            open_nodes.add(id(node))
            stack.extend(waiting)
    return made[id(result)], made


def _held(node: Any, names: Sequence[str]) -> list[Any]:
    """Return the items of the first of these attributes that a node has."""
    return next(([*getattr(node, name)] for name in names if hasattr(node, name)), [])


def _value(node: Any, operands: list[Value]) -> Value:
    label, op = (str(getattr(node, name, "") or "") for name in ("label", "_op"))
    slopes = _held(node, SLOPES)
    value = Value(_number(node.data), operands, op, label)
    if operands and len(slopes) == len(operands) <= 2:
        (value._x, value._dx), (value._y, value._dy) = [*zip(operands, slopes, strict=True), (None, None)][:2]
    value.grad = 0 if node.grad is None else Value(_number(node.grad)).data
    return value


def _number(x: Any) -> Any:
    """Return the number in a node, or in an array or tensor without dimensions."""
    x = x.data if is_node(x) else x
    return x.item() if hasattr(x, "item") else x
