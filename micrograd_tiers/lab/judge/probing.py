"""What an op does on many examples, right or wrong: the evidence that a diagnosis rests on."""

import warnings
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .cases import OpCase
from .examples import Example
from .guard import Wrong, outcome
from .properties import reference

Array = NDArray[Any]

N_PROBES = 64


@dataclass(frozen=True)
class Diagnosis:
    """The likely bug.

    Attributes
    ----------
    name : str
        Of a bug of the museum, or of a kind of mistake, in snake case.
    title : str
        What is done wrong.
    reasoning : str
        What speaks for it.
    hint : str
        A question that leads there.
    """

    name: str
    title: str
    reasoning: str
    hint: str


@dataclass(frozen=True)
class Observation:
    """What one part is on one probe.

    Attributes
    ----------
    numbers : ndarray or None
        None if it raised, or was not an array of the right shape.
    failure : tuple
        Then: the property that is violated, and the shape if that is it.
    warned : bool
    """

    numbers: Array | None
    failure: tuple[Any, ...] = ()
    warned: bool = False

    def same(self, other: "Observation") -> bool:
        """Whether both are the same to 9 digits."""
        if self.numbers is None or other.numbers is None:
            return self.numbers is other.numbers and self.failure == other.failure
        return close(self.numbers, other.numbers) and self.warned == other.warned


def close(a: Array, b: Array) -> bool:
    """Whether two arrays agree to 9 digits of the second's largest number, if that is below 1."""
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9 * min(scale, 1.0) + 1e-300, equal_nan=True))


def probe(case: OpCase, tier: Tier, example: Example, part: str, *, warnings_too: bool = False) -> Observation:
    """Return what a part is on an example, whatever happens."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            numbers = np.asarray(outcome(case, tier, example, part), float)
        except Wrong as wrong:
            return Observation(None, (wrong.property, wrong.got if wrong.property == "shape" else None))
        except NotImplementedError:
            return Observation(None)
    warned = any(issubclass(warning.category, RuntimeWarning) for warning in caught)
    return Observation(numbers, warned=warnings_too and warned)


def right(case: OpCase, example: Example, part: str) -> Observation:
    """Return what it should be."""
    return Observation(np.asarray(reference(case, example, part), float))


@cache
def drawn(case: OpCase, kind: str = "ordinary") -> tuple[Example, ...]:
    """Return examples of that kind, of every shape."""
    if kind == "special":
        return case.examples.special
    return tuple((case.examples.extreme if kind == "extreme" else case.examples.ordinary).sweep(N_PROBES))[
        1:
    ]  # less the large batch
