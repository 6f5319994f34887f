"""The proof before the race: gradients of a contender, from where its weights went, and whether they are right."""

from functools import cache

import numpy as np

from .cases import Array, Case
from .contenders import CONTENDERS

TOLERANCE = {"float64": 1e-12, "float32": 2e-4}  # of the largest number of each gradient
PROOF_RATE = 2.0**30  # learning rate: the weights move so far that where they were costs no digits


@cache
def gradients(name: str, case: Case) -> tuple[list[Array], list[Array], float]:
    """Return the weights with which a contender starts, their gradients, and the loss; computed in this process."""
    step, weights = CONTENDERS[name].make(case, PROOF_RATE)
    start = [np.array(array) for array in weights()]
    loss = float(step())
    return start, [before - after for before, after in zip(start, weights(), strict=True)], loss


def equal_arrays(got: list[Array], expected: list[Array], tolerance: float) -> float:
    """Return by how much arrays are off, relative to the largest number of each, if the worst is within tolerance."""
    off = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(got, expected, strict=True))
    if not off <= tolerance:
        raise ArithmeticError(f"off by {off:.1e} of the largest number, expected at most {tolerance:g}")
    return off
