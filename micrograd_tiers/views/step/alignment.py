"""Comparison of one training step at several tiers: the parts side by side, and the first one that differs."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from ...tiers import TIERS
from .recorder import Numbers
from .recording import Recording

# Rounding: differences up to these shares of the largest number of an array, and of the numbers that it was made from.
ROUNDING = {"float64": (1e-9, 1e-14), "float32": (1e-4, 1e-6)}


@dataclass(frozen=True)
class Difference:
    """Comparison of a part at one tier with the same part at the reference tier.

    Attributes
    ----------
    largest : float or None
        Largest difference of two numbers; NaN if a number is NaN at one of them only. None if they cannot be compared.
    differs : bool
        True if it is more than rounding.
    text : str
        Reason if the numbers cannot be compared.
    """

    largest: float | None
    differs: bool
    text: str = ""


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
        if self.reference.error is not None:
            raise self.reference.error
        parts = range(len(self.reference.parts))
        self.differences = [[compare(recording, self.reference, i) for i in parts] for recording in recordings]
        found = ((i, tier) for i in parts for tier in range(len(recordings)) if self.differences[tier][i].differs)
        self.first = next(found, None)


def flat(numbers: Numbers) -> Iterator[float]:
    """Iterate over the numbers of nested lists."""
    if isinstance(numbers, list):
        for row in numbers:
            yield from flat(row)
    else:
        yield numbers


def largest(numbers: Numbers) -> float:
    """Return the largest absolute value of the finite numbers; 0 if there are none."""
    return max((abs(x) for x in flat(numbers) if math.isfinite(x)), default=0.0)


def compare(recording: Recording, reference: Recording, i: int) -> Difference:
    """Compare part i of a recording with that of the reference."""
    part = reference.parts[i]
    if i >= len(recording.parts):
        return Difference(None, True, f"this tier has stopped: {stopped(recording)}")
    if recording.parts[i].place != part.place:
        other = recording.parts[i]
        return Difference(None, True, f"here this tier runs {other.op}, {other.part}")
    dtype = "float32" if "float32" in (recording.dtype, reference.dtype) else "float64"
    of_result, of_inputs = ROUNDING[dtype]
    scale = math.prod(_factor(name, reference.arrays[key]) for name, key in part.inputs.items())
    most, differs = 0.0, False
    for name, key in part.outputs.items():
        ours, theirs = recording.arrays.get(recording.parts[i].outputs.get(name, "")), reference.arrays[key]
        if ours is None:
            continue  # a sum that is not complete
        a, b = [*flat(ours)], [*flat(theirs)]
        if len(a) != len(b) and not recording.error:
            return Difference(None, True, f"{len(a)} numbers instead of {len(b)}")
        apart = max(map(_distance, a, b), key=lambda x: math.inf if math.isnan(x) else x, default=0.0)
        allowed = of_result * largest(theirs) + of_inputs * scale
        differs |= not apart <= allowed
        most = apart if math.isnan(apart) else max(most, apart)
    return Difference(most, differs)


def stopped(recording: Recording) -> str:
    """Return the reason why a recording ends early."""
    error = recording.error
    return "it runs fewer ops" if error is None else f"{type(error).__name__}: {error}"


def _factor(name: str, numbers: Numbers) -> float:
    """Return how much an input can enlarge rounding errors: a gradient that is small makes small errors."""
    size = largest(numbers)
    return size if name.startswith("d") else max(1.0, size)


def _distance(a: float, b: float) -> float:
    """Return the difference of two numbers; 0 for two NaN or equal infinities."""
    return 0.0 if a == b or (a != a and b != b) else abs(a - b)
