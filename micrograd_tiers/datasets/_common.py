"""What the drawn sets share: checks of arguments that all say the same in the same words, and fair labels."""

import operator
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray

MOST = 2**31 - 1  # samples: more than any set here has, and than NumPy could count in some of its places


def whole_number(what: str, value: SupportsIndex, minimum: int = 1) -> int:
    """Return `value` as a Python int; ValueError if it is not a whole number of at least `minimum`."""
    try:
        number = operator.index(value)
    except TypeError:
        raise ValueError(f"{what} is {value!r}, expected a whole number") from None
    if number < minimum:
        raise ValueError(f"{what} is {number}, expected at least {minimum}")
    if number > MOST:
        raise ValueError(f"{what} is {number}, expected at most {MOST}")
    return number


def within(what: str, value: float, low: float, high: float) -> float:
    """Return `value` as a float; ValueError if it lies outside [`low`, `high`] or is NaN."""
    if not low <= value <= high:
        raise ValueError(f"{what} is {value}, expected a number from {low:g} to {high:g}")
    return float(value)


def balanced_labels(n: int, n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (N,) labels whose counts differ by at most one, in random order."""
    return rng.permutation(np.arange(whole_number("n", n), dtype=np.int64) % n_classes)
