"""Calls of one op for a whole mini-batch, at any tier."""

from collections.abc import Callable, Iterator
from functools import reduce
from operator import add
from typing import Any, NamedTuple

import numpy as np

from ...tiers import Tier
from ...tiers.lists import total
from .cases import OpCase
from .examples import Example


class Call(NamedTuple):
    """One call of an op, on one chunk: its inputs, the chunk's dy, and its value and vjps."""

    inputs: tuple[Any, ...]
    dy: Any
    value: Any
    vjps: tuple[Any, ...]


def chunks_of(case: OpCase, tier: Tier, example: Example) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Split the mini-batch into the inputs and dy of each call of the op, in the tier's own arrays."""
    to_tier = [
        tier.asarray(a.copy(), a.dtype.name) if isinstance(a, np.ndarray) else a for a in (*example.inputs, example.dy)
    ]
    samplewise, shared = to_tier[: case.n_samplewise], to_tier[case.n_samplewise : -1]
    dys = [] if case.is_loss else to_tier[-1:]
    for chunk in tier.chunks(*samplewise, *dys):
        yield (*chunk[: case.n_samplewise], *shared), example.dy if case.is_loss else chunk[-1]


def calls(case: OpCase, tier: Tier, example: Example, op: Callable[..., Any] | None = None) -> Iterator[Call]:
    """Call an op, by default the tier's own, on each chunk of the mini-batch."""
    op = op or getattr(tier, case.name)
    for inputs, dy in chunks_of(case, tier, example):
        value, vjps = op(*inputs)
        yield Call(inputs, dy, value, vjps)


def together(case: OpCase, tier: Tier, example: Example, part: str, pieces: list[Any]) -> Any:
    """Join one part from all calls for the whole mini-batch: an ndarray, or a float for a loss's value.

    Samples are concatenated; losses and the gradients of parameters are summed, as in the network.
    """
    if part == "value" and case.is_loss:
        return total([*map(float, pieces)])
    arrays = [np.array(tier.tolist(piece)) for piece in pieces]
    if not case.is_samplewise(part):
        return np.asarray(reduce(add, arrays))
    of_sample = np.shape(example.dy if part == "value" else example.inputs[case.argument_of(part)])[1:]
    return np.concatenate([array.reshape(-1, *of_sample) for array in arrays])


def part_of(case: OpCase, tier: Tier, example: Example, part: str) -> Any:
    """Return one part, the value or a gradient such as "dx", for the whole mini-batch."""
    k = case.parts.index(part) - 1
    pieces = [call.value if k < 0 else call.vjps[k](call.dy) for call in calls(case, tier, example)]
    return together(case, tier, example, part, pieces)


def case_at(case: OpCase, tier: Tier) -> OpCase:
    """Return the case with the examples for a tier: mini-batches, or single samples if that is what its ops take."""
    return case.alone if takes_single_samples(tier) else case


def takes_single_samples(tier: Tier) -> bool:
    """Return True if the tier splits a mini-batch into single samples, False if it takes all of them in one call."""
    return len([*tier.chunks(tier.asarray([[0.0], [1.0]]))]) > 1
