"""Comparison of one training step at several tiers: the parts side by side, and the first one that differs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

from ...tiers import TIERS
from ...tiers.lists import shape_of
from .again import again
from .names import Numbers, flat
from .recording import Recording

# Rounding: differences up to these shares of the largest number of an array, and of the numbers that it was made from.
ROUNDING = {"float64": (1e-9, 1e-14), "float32": (1e-4, 1e-6)}
SMALLEST = 1e-37  # numbers below have fewer digits in float32


@dataclass(frozen=True)
class Difference:
    """Comparison of a part at one tier with the same part at the reference tier.

    Attributes
    ----------
    largest : float or None
        Largest difference of two numbers; NaN if it is infinite. None if they cannot be compared.
    differs : bool
        True if it is more than rounding.
    text : str
        Reason if the numbers cannot be compared.
    before : bool
        True if the op is not to blame: the numbers that go in differ already, or another op runs in its place.
    """

    largest: float | None
    differs: bool
    text: str = ""
    before: bool = False


class SideBySide:
    """One training step at several tiers, compared part by part.

    Parameters
    ----------
    recordings : sequence of Recording
        One for each tier. The first one of a built-in tier is the reference.

    Attributes
    ----------
    reference : Recording
    differences : list of list of Difference
        For each recording, for each part of the reference.
    first : (int, int) or None
        The first part that differs by more than rounding, and the recording in which it does.

    Raises
    ------
    Exception
        The error that has ended the reference, if one has.
    """

    def __init__(self, recordings: Sequence[Recording]) -> None:
        self.recordings = recordings
        self.reference = next((r for r in recordings if r.tier in TIERS), recordings[0])
        if isinstance(self.reference.error, SystemExit):  # Python would end without a word
            raise ValueError(f"tier {self.reference.tier} stops: SystemExit: {self.reference.error}")
        if self.reference.error is not None:
            raise self.reference.error
        parts = range(len(self.reference.parts))
        self.differences = [_differences(recording, self.reference) for recording in recordings]
        found = ((i, tier) for i in parts for tier in range(len(recordings)) if self.differences[tier][i].differs)
        self.first = next(found, None)


def _differences(recording: Recording, reference: Recording) -> list[Difference]:
    """Compare a recording with the reference, part by part."""
    found: list[Difference] = []
    for i in range(len(reference.parts)):
        difference = compare(recording, reference, i)
        if difference.differs and not any(other.differs for other in found) and _is_rounding(recording, reference, i):
            difference = replace(difference, differs=False, before=False)
        found.append(difference)
    return found


def _is_rounding(recording: Recording, reference: Recording, i: int) -> bool:
    """Return True if a right tier that gets a recording's own inputs to part i makes the same results of them.

    Rounding can grow without a mistake: Adam divides a gradient by its size, so that 1e-9 in place of 0 moves a
    parameter, and the sign of a difference jumps at 0. A right op, given the inputs of this tier, does the same. This
    counts only if these inputs come from right ops or are given and equal.
    """
    right = reference.parts[i]
    if recording.unfinished or i >= len(recording.parts) or recording.parts[i].inputs != right.inputs:
        return False
    makers = {key for part in reference.parts[:i] for key in part.outputs.values()}
    given = [(recording.arrays[key], reference.arrays[key]) for key in right.inputs.values() if key not in makers]
    of_result, _ = _rounding(recording, reference)
    if any(_apart(ours, theirs, of_result * largest(theirs), recording).differs for ours, theirs in given):
        return False
    results = again(right, recording.arrays)
    mixed = replace(reference, arrays={**recording.arrays, **results})
    return bool(results) and not compare(recording, mixed, i).differs


def _rounding(recording: Recording, reference: Recording) -> tuple[float, float]:
    return ROUNDING["float32" if "float32" in (recording.dtype, reference.dtype) else "float64"]


def largest(numbers: Numbers) -> float:
    """Return the largest absolute value of the finite numbers; 0 if there are none."""
    return max((abs(x) for x in flat(numbers) if math.isfinite(x)), default=0.0)


def compare(recording: Recording, reference: Recording, i: int) -> Difference:
    """Compare part i of a recording with that of the reference."""
    right = reference.parts[i]
    if i >= len(recording.parts):
        return Difference(None, True, _end(recording, i), before=True)
    part = recording.parts[i]
    if part.place != right.place:
        return Difference(None, True, f"in its place runs {part.op}, {part.part}", before=True)
    of_result, of_inputs = _rounding(recording, reference)
    if recording.error is not None and not part.outputs:
        return Difference(None, True, _stop(recording.error))
    inputs = {name: reference.arrays[key] for name, key in right.inputs.items()}
    others = [
        _apart(recording.arrays.get(part.inputs.get(name, "")), theirs, of_result * largest(theirs), recording)
        for name, theirs in inputs.items()
    ]
    rounding = of_inputs * math.prod(_factor(name, numbers) for name, numbers in inputs.items())
    results = [
        _apart(
            recording.arrays.get(part.outputs.get(name, "")), theirs, of_result * largest(theirs) + rounding, recording
        )
        for name, theirs in ((name, reference.arrays[key]) for name, key in right.outputs.items())
    ]
    worst = max(results, key=lambda found: (found.differs, found.largest or 0.0))
    before = any(found.differs for found in others) or not recording.widened.isdisjoint(part.inputs.values())
    if not worst.differs and not recording.widened.isdisjoint(part.outputs.values()):
        worst = Difference(None, True, "float64 instead of float32")
    return replace(worst, before=before)


def _end(recording: Recording, i: int) -> str:
    """Return the reason why a recording has no part i."""
    if recording.error is None:
        return "this tier ends"
    between = i == len(recording.parts) and recording.parts[-1:] and recording.parts[-1].outputs  # no part has raised
    return _stop(recording.error) if between else "this tier has stopped before"


def _stop(error: BaseException) -> str:
    return f"here this tier stops: {type(error).__name__}: {error}"


def _apart(ours: Numbers, theirs: Numbers, allowed: float, recording: Recording) -> Difference:
    """Compare an array with that of the reference."""
    if ours is None:
        return Difference(0.0, False)  # a sum that an error has ended
    a, b = [*flat(ours)], [*flat(theirs)]
    if shape_of(ours) != shape_of(theirs) and not recording.unfinished:
        return Difference(None, True, f"shape {shape_of(ours)} instead of {shape_of(theirs)}")
    apart = max(map(_distance, a, b), default=0.0)
    return Difference(math.nan if math.isinf(apart) else apart, apart > allowed + SMALLEST)


def _factor(name: str, numbers: Numbers) -> float:
    """Return how much an input can enlarge rounding errors: a gradient that is small makes small errors."""
    size = largest(numbers)
    return size if name.startswith("d") else max(1.0, size)


def _distance(a: float, b: float) -> float:
    """Return the difference of two numbers: 0 for two NaN or equal infinities, infinite if only one is NaN."""
    if a == b or (a != a and b != b):
        return 0.0
    return math.inf if math.isnan(a - b) else abs(a - b)
