"""The proof before the race: take gradients from the change of the weights in one step, and compare them."""

from functools import cache

import numpy as np

from .cases import AnyCase, Array
from .contenders import CONTENDERS

TOLERANCE = {"float64": 1e-12, "float32": 2e-4}  # relative to the largest entry of each gradient
# Learning rate of the proof: the step dwarfs the weights, so their difference has the gradient's full precision.
PROOF_RATE = 2.0**30


@cache
def gradients(name: str, case: AnyCase) -> tuple[list[Array], list[Array], float]:
    """Make one step of a contender in this process; return its initial weights, its gradients and its loss.

    The gradients are multiplied by `PROOF_RATE`.
    """
    step, weights = CONTENDERS[name].make(case, PROOF_RATE)
    start = [np.array(array) for array in weights()]
    loss = float(step())
    return start, [before - after for before, after in zip(start, weights(), strict=True)], loss


def equal_arrays(got: list[Array], expected: list[Array], tolerance: float) -> float:
    """Return the largest error of any entry, relative to the largest expected entry of its array, unless that is 0.

    Raises
    ------
    ArithmeticError
        If that error is above tolerance, or NaN.
    """
    off = max(float(np.abs(a - b).max() / (np.abs(b).max() or 1)) for a, b in zip(got, expected, strict=True))
    if not off <= tolerance:
        raise ArithmeticError(f"relative error is {off:.1e}, expected at most {tolerance:g}")
    return off
