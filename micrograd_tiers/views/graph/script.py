"""The script of a replay: at each step the formula, with its numbers, and the reason why it comes now."""

from collections.abc import Mapping, Sequence

from ...engine import Value
from .passes import Contribution
from .texts import number_text

Names = Mapping[Value, str]


def forward_texts(value: Value, names: Names) -> tuple[str, str]:
    """Return formula and reason of a step of the forward pass: "e = a * b = 2 * (-3) = -6"."""
    name, data = names[value], number_text(value.data)
    if not value._prev:
        return f"{name} = {data}", f"{name} is a leaf: its number is given."
    operands = listed([names[x] for x in dict.fromkeys(value._prev)])
    with_names = formula(value._op, [names[x] for x in value._prev])
    with_numbers = formula(value._op, [number_text(x.data) for x in value._prev])
    return f"{name} = {with_names} = {with_numbers} = {data}", f"{name} comes after its operands, {operands}."


def backward_texts(
    step: Contribution, names: Names, users: Sequence[Value], pending: Sequence[Value]
) -> tuple[str, str]:
    """Return formula and reason of a step of the backward pass: "a.grad += de/da * e.grad: 0 + (-3) * (-2) = 6".

    Parameters
    ----------
    step : Contribution
    names : mapping
    users, pending : sequences of Value
        The nodes computed from `step.node`, and those of them that have not passed their gradients on before it.
    """
    node, operand = names[step.node], names[step.operand]
    before, grad, after = (number_text(x) for x in (step.before, step.grad, step.after))
    if step.local is None:
        rule, product = f"the _backward of {node}", bracketed(number_text(step.product))
    else:
        twice = sum(x is step.operand for x in step.node._prev) > 1
        rule = f"{'local derivative' if twice else f'd{node}/d{operand}'} * {node}.grad"
        product = f"{bracketed(number_text(step.local))} * {bracketed(grad)}"
    if pending:
        missing = f"{listed([names[x] for x in pending])} {'has' if len(pending) == 1 else 'have'} yet to contribute"
        reason = f"{node} passes on the gradient that it has when it is reached, {grad}: {missing}."
    elif users:
        every = f"all {len(users)} nodes" if len(users) > 1 else "the only node"
        by = listed([names[x] for x in users])
        reason = f"{node}.grad = {grad} is complete, because {every} computed from {node} ({by}) came before."
    else:
        reason = f"{node} is the result, so its gradient is complete: d{node}/d{node} = 1."
    if step.late:
        reason += f" Too late: {operand} has passed its gradient on already, so this product gets no further."
    return f"{operand}.grad += {rule}: {before} + {product} = {after}", reason


def formula(op: str, operands: Sequence[str]) -> str:
    """Return an operation as it is written in Python, or as a function of its operands."""
    signed = [bracketed(operand) for operand in operands]
    if op in ("+", "-", "*", "/", "**") and len(operands) == 2:
        return f" {op} ".join(signed)
    if op == "-" and len(operands) == 1:
        return f"-{signed[0]}"
    if op.startswith("**") and len(operands) == 1:
        return f"{signed[0]}{op}"
    return f"{op or 'f'}({', '.join(operands)})"


def bracketed(text: str) -> str:
    """Return a number in brackets if it has a sign."""
    return f"({text})" if text.startswith("-") else text


def listed(names: Sequence[str]) -> str:
    """Return "a, b and c"; of more than six names, the first five and the number of the others."""
    shown = [*names] if len(names) <= 6 else [*names[:5], f"{len(names) - 5} more"]
    return " and ".join([", ".join(shown[:-1]), shown[-1]] if len(shown) > 1 else shown)
