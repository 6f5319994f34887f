"""Backward passes, step by step, in the right order and in others. The Values keep their gradients."""

import math
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

from ...engine import Value
from .boxes import local_derivatives


class Contribution(NamedTuple):
    """One step: a node adds to the gradient of one of its operands."""

    node: Value
    place: int  # of the operand among the node's operands
    operand: Value
    local: Any  # None beside a `_backward` made by hand
    grad: Any  # of the node, as far as it is known
    product: Any
    before: Any  # gradient of the operand
    after: Any
    late: bool  # the operand has passed its gradient on already


class Pass(NamedTuple):
    """A backward pass: its steps, and the gradients at its end."""

    steps: list[Contribution]
    grads: dict[Value, Any]


def backward(order: Sequence[Value]) -> Pass:
    """Return the backward pass in which the nodes take turns in this order, from the result on; leaves have no turn.

    At its turn, a node multiplies its gradient by each local derivative and adds the product to the operand's gradient.
    """
    grads: dict[Value, Any] = {order[0]: 1}
    steps: list[Contribution] = []
    done: set[Value] = set()
    for node in order:
        grad = grads.setdefault(node, 0)
        done.add(node)
        by_hand = None if node._x is not None else _pushed_by_hand(node, grads)
        for place, (operand, local) in enumerate(local_derivatives(node)):
            before = grads.get(operand, 0)
            if by_hand is None:
                product = local * grad
                after = before + product
            elif operand in by_hand:
                after = by_hand.pop(operand)
                product = after - before if before else after
            else:  # the same operand again
                continue
            steps.append(Contribution(node, place, operand, local, grad, product, before, after, operand in done))
            grads[operand] = after
    return Pass(steps, grads)


def _pushed_by_hand(node: Value, grads: dict[Value, Any]) -> dict[Value, Any]:
    """Return the gradients of a node's operands after its own `_backward`; those in the Values are then restored."""
    held = [(value, value.grad) for value in (node, *node._prev)]
    try:
        for value, _ in held:
            value.grad = grads.get(value, 0)
        node._backward()
        return {operand: operand.grad for operand in node._prev}
    finally:
        for value, grad in held:
            value.grad = grad


def first_reached(result: Value, depth_first: bool, last_first: bool = False) -> list[Value]:
    """Return the nodes with operands in the order of a search that takes each node when it is first reached."""
    waiting, seen, order = deque([result]), {result}, []
    while waiting:
        node = waiting.pop() if depth_first else waiting.popleft()
        order.append(node)
        for operand in node._prev if last_first or not depth_first else reversed(node._prev):
            if operand not in seen and operand._prev:
                seen.add(operand)
                waiting.append(operand)
    return order


def wrong_gradients(values: Sequence[Value], right: Pass, other: Pass) -> set[Value]:
    """Return the nodes whose gradients a late contribution did not reach, and which are therefore wrong.

    Other orders of addition also change the last digits, which does not count.
    """
    missed = {step.operand for step in other.steps if step.late}
    affected: set[Value] = set()
    for value in values:  # each before its operands
        if value in missed or value in affected:
            affected.update(value._prev)
    return {value for value in affected if not _close(right.grads[value], other.grads[value])}


def _close(a: Any, b: Any) -> bool:
    if a == b or (a != a and b != b):
        return True
    try:
        return math.isclose(a, b, rel_tol=1e-9)
    except OverflowError:  # integers and fractions beyond all floats
        return bool(abs(a - b) * 10**9 <= max(abs(a), abs(b)))
