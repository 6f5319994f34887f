"""Names of the arguments and the value of an op, by which formulas speak of arrays, and the numbers of an array."""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from ...tiers.registry import ROW_OF

Numbers = Any  # a number, or nested lists of numbers


def flat(numbers: Numbers) -> Iterator[Any]:
    """Iterate over the numbers of nested lists."""
    if isinstance(numbers, list):
        for row in numbers:
            yield from flat(row)
    else:
        yield numbers


def arguments_of(op: str, function: Callable[..., Any], n: int) -> tuple[str, ...]:
    """Return the names of the first n arguments of an op; those of the registry, whatever a tier calls them."""
    if op in ROW_OF:
        return ROW_OF[op].arguments[:n]
    return tuple(inspect.signature(function).parameters)[:n]


def n_samplewise(op: str) -> int:
    """Return the number of arguments that hold something for each sample; for an op that is not in the registry, 1."""
    return ROW_OF[op].n_samplewise if op in ROW_OF else 1


def argument_of_vjp(op: str, k: int) -> int:
    """Return the index of the argument that vjp number k of an op belongs to."""
    return k + ROW_OF[op].first if op in ROW_OF else k


def gradient_of(parameter: str) -> str:
    """Return the key of a parameter's gradient."""
    return f"gradient of {parameter}"


def value_name(op: str) -> str:
    """Return the name of an op's value: y, as the tier files call it; p for probabilities, loss for losses."""
    if op in ROW_OF and ROW_OF[op].is_loss:
        return "loss"
    return "p" if op == "softmax" else "y"
