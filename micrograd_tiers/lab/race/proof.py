"""The proof before the race: compare the gradients of two contenders, each inferred from one step of its weights."""

from functools import cache

import numpy as np

from .cases import Array, Case
from .contenders import CONTENDERS

TOLERANCE = {"float64": 1e-12, "float32": 2e-4}  # relative to the largest entry of each gradient
# Learning rate of the proof: the step dwarfs the weights, so their difference has the gradient's full precision.
PROOF_RATE = 2.0**30


@cache
def gradients(name: str, case: Case) -> tuple[list[Array], list[Array], float]:
    """Return a contender's initial weights, their gradients times `PROOF_RATE`, and the loss, from this process."""
    step, weights = CONTENDERS[name].make(case, PROOF_RATE)
    start = [np.array(array) for array in weights()]
    loss = float(step())
    return start, [before - after for before, after in zip(start, weights(), strict=True)], loss


def equal_arrays(got: list[Array], expected: list[Array], tolerance: float) -> float:
    """Return the largest error of an entry, relative to the largest entry that is expected in its array.

    Raises
    ------
    ArithmeticError
        If that error is above tolerance, or NaN.
    """
    off = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(got, expected, strict=True))
    if not off <= tolerance:
        raise ArithmeticError(f"relative error is {off:.1e}, expected at most {tolerance:g}")
    return off
