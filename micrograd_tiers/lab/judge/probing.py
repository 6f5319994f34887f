"""Observations of an op, right or wrong, on many examples: the evidence for a diagnosis."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .cases import OpCase
from .clock import OutOfTime
from .examples import Example
from .guard import outcome_of
from .properties import reference

Array = NDArray[Any]

N_PROBES = 64


class Patience:
    """Time for one diagnosis: a slow op gets none, but the same grade."""

    def __init__(self) -> None:
        self._end = math.inf

    @contextmanager
    def of(self, seconds: float) -> Iterator[None]:
        """Let the block take so many seconds; then the next probe raises OutOfTime."""
        self._end = time.monotonic() + seconds
        try:
            yield
        finally:
            self._end = math.inf

    def check(self) -> None:
        """Raise OutOfTime if the time is up."""
        if time.monotonic() > self._end:
            raise OutOfTime


PATIENCE = Patience()


@dataclass(frozen=True)
class Diagnosis:
    """Likely bug behind a finding.

    Attributes
    ----------
    name : str
        Name of a bug of the museum, or of a common mistake, in snake case.
    title : str
        Description of the mistake.
    reasoning : str
        Evidence for it, and an explanation.
    hint : str
        Question that leads to the mistake.
    """

    name: str
    title: str
    reasoning: str
    hint: str


@dataclass(frozen=True)
class Observation:
    """Result of one part on one probe.

    Attributes
    ----------
    numbers : ndarray or None
        The result; None if the op raised or did not return an array of the right shape.
    failure : tuple
        If numbers is None: the violated property, and the shape if the shape is wrong.
    warned : bool
        True if there was a RuntimeWarning and warnings are to be compared.
    """

    numbers: Array | None
    failure: tuple[Any, ...] = ()
    warned: bool = False

    def same(self, other: "Observation") -> bool:
        """Return True if both observations agree to 9 digits."""
        if self.numbers is None or other.numbers is None:
            return self.numbers is other.numbers and self.failure == other.failure
        return close(self.numbers, other.numbers) and self.warned == other.warned


def close(a: Array, b: Array) -> bool:
    """Return True if everywhere |a - b| is at most 1e-9 (|b| + min(1, max |b|)), or both are NaN."""
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9 * min(scale, 1.0) + 1e-300, equal_nan=True))


def probe(case: OpCase, tier: Tier, example: Example, part: str, *, warnings_too: bool = False) -> Observation:
    """Return the observation of a part on an example; a failure of the op is recorded, not raised."""
    PATIENCE.check()
    try:
        outcome = outcome_of(case, tier, example, part)
    except NotImplementedError:
        return Observation(None)
    wrong = outcome.wrong
    if wrong is not None:
        return Observation(None, (wrong.property, wrong.got if wrong.property == "shape" else None))
    return Observation(np.asarray(outcome.numbers, float), warned=warnings_too and bool(outcome.warning))


def right(case: OpCase, example: Example, part: str) -> Observation:
    """Return the observation of a correct op."""
    return Observation(np.asarray(reference(case, example, part), float))


@cache
def drawn(case: OpCase, kind: str = "ordinary") -> tuple[Example, ...]:
    """Return the probes of one kind, in every shape."""
    if kind == "special":
        return case.examples.special
    return tuple((case.examples.extreme if kind == "extreme" else case.examples.ordinary).sweep(N_PROBES))
