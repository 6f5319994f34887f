"""Mistakes with shapes: an axis too many or too few, a transposed result, vjps in the wrong order."""

import numpy as np

from ...tiers import Tier
from .calls import part_of
from .cases import OpCase
from .examples import Example
from .probing import Diagnosis, close, drawn, probe
from .properties import Finding, reference


def wrong_shape(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis:
    """Return the diagnosis of a part whose shape is wrong."""
    got, expected = tuple(finding.got), tuple(finding.expected)
    what, why = _difference(case, finding.part, got, expected, _plain_shape(case, tier, finding.part))
    reasoning = f"Its shape is {got}, expected {expected}. {why}".rstrip()
    return Diagnosis("wrong_shape", f"{finding.part} {what}", reasoning, "What does each axis stand for?")


def _plain_shape(case: OpCase, tier: Tier, part: str) -> tuple[int, ...]:
    """Return the wrong shape on the plain example, in which no size is 1; () if it is not wrong there."""
    _, shape = probe(case, tier, case.examples.plain, part).failure or ("", ())
    return tuple(shape or ())


def _difference(
    case: OpCase, part: str, got: tuple[int, ...], expected: tuple[int, ...], plain: tuple[int, ...]
) -> tuple[str, str]:
    """Return what is wrong with a shape, and an explanation."""
    of_parameter = part != "value" and not case.is_samplewise(part)
    # The plain example has 2 samples, so an axis of length 1 is left over from a sum over the samples.
    if of_parameter and len(plain) == len(expected) + 1 and plain[0] == 1:
        why = "keepdims=True keeps that axis; use it only if the sum is broadcast afterwards."
        return "is summed over the samples but keeps an axis of length 1 for them", why
    if len(got) == 2 and got[0] == got[1] and len(expected) < 2:
        why = "(N,) with (N, 1) or (N, C) is broadcast along the wrong axis; see keepdims."
        return "is broadcast to an axis too many", why
    if len(got) > 1 and got == expected[::-1]:
        return "is transposed", "The axes are in reverse order."
    if len(got) > len(expected):
        if of_parameter:
            why = "It has too many axes: the gradient of a parameter that all samples share is a sum over the samples."
            return "is not summed over the samples", why
        return "has too many axes", "" if part == "value" else f"It must have the shape of {part[1:]}."
    if len(got) < len(expected):
        return "is summed over too many axes", "It has too few axes."
    return "has the wrong shape", "" if part == "value" else "A gradient must have the shape of its argument."


def other_order(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return a diagnosis if the vjps are in the wrong order, ignoring shapes, on the smallest mini-batches."""
    smallest = min(len(example.inputs[0]) for example in drawn(case))
    examples = [example for example in drawn(case) if len(example.inputs[0]) == smallest]
    for other in case.parts[1:] if finding.part != "value" else ():
        if other != finding.part and all(_gives(case, tier, example, finding.part, other) for example in examples):
            return Diagnosis(
                "vjps_in_wrong_order",
                f"the vjp returned for {finding.part} computes {other}",
                f"On all {len(examples)} examples tried, it returns the correct {other}. The order of the vjps must be "
                "that of the arguments.",
                f"In which order do you return {', '.join(case.parts[1:])}?",
            )
    return None


def _gives(case: OpCase, tier: Tier, example: Example, part: str, other: str) -> bool:
    try:
        got = np.ravel(part_of(case, tier, example, part))
    except Exception:  # the op may raise anything
        return False
    expected = np.ravel(reference(case, example, other))
    return got.shape == expected.shape and close(got, expected)
