"""Numbers out of arrays of any make, and back: ndarrays, lists, and the arrays of a tier from outside."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier

Array = NDArray[Any]
KNOWN = (np.ndarray, np.generic, list, tuple, float, int, complex, str)


def ndarray(array: Any, tier: Tier) -> Array:
    """Return the numbers of an array as they are; what neither Python nor NumPy knows goes through the tier."""
    numbers = array if isinstance(array, KNOWN) else tier.tolist(array)
    if not isinstance(numbers, KNOWN):
        kind = type(array).__name__
        raise ValueError(f"got a {kind}, expected numbers, lists or ndarrays; for arrays of a tier give tier=...")
    return np.asarray(numbers)


def floats(array: Any, what: str, tier: Tier | None = None) -> Array:
    """Return real numbers as a new array of float64."""
    try:
        numbers = np.asarray(array) if tier is None else ndarray(array, tier)
    except ValueError as error:  # ragged lists, things unknown
        raise ValueError(f"{what}: {error}") from None
    if numbers.dtype.kind not in "fiu":
        raise ValueError(f"{what} holds {numbers.dtype}, expected real numbers")
    return numbers.astype(np.float64)


def like(example: Any, array: Array, tier: Tier) -> Any:
    """Return an ndarray as an array of the same make as the example; the tier may refuse complex numbers."""
    return array if isinstance(example, np.ndarray) else tier.asarray(array, array.dtype.name)
