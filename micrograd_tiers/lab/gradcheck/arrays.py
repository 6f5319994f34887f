"""Convert arrays of any kind to ndarrays and back: lists, ndarrays, and the arrays of a third-party tier."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...conversion import as_array
from ...tiers import Tier

Array = NDArray[Any]
KNOWN = (np.ndarray, np.generic, list, tuple, float, int, complex, str)


def ndarray(array: Any, tier: Tier, what: str = "the value") -> Array:
    """Return an array as an ndarray, in its own dtype; the tier converts types that Python and NumPy do not know."""
    try:
        numbers = array if isinstance(array, KNOWN) else tier.tolist(array)
    except ValueError as error:
        raise ValueError(f"{what}: {error}") from None
    if not isinstance(numbers, KNOWN):
        raise ValueError(
            f"{what}: got a {type(array).__name__}, expected numbers, lists or ndarrays; for a tier's own arrays pass "
            "tier=..."
        )
    return as_array(numbers, what)


def floats(array: Any, what: str, tier: Tier | None = None) -> Array:
    """Return real numbers as a new float64 array."""
    numbers = as_array(array, what) if tier is None else ndarray(array, tier, what)
    if numbers.dtype.kind not in "fiu":
        raise ValueError(f"{what} holds {numbers.dtype}, expected real numbers")
    return numbers.astype(np.float64)


def like(example: Any, array: Array, tier: Tier) -> Any:
    """Return an ndarray as an array of the example's type; the tier may refuse complex numbers."""
    return array if isinstance(example, np.ndarray) else tier.asarray(array, array.dtype.name)


def terms_of(f: Callable[..., Any], shape: tuple[int, ...], *arguments: Any) -> Array:
    """Return a function's value as an array of at least one axis: NaN if the arguments are outside its domain."""
    try:
        return np.atleast_1d(np.asarray(f(*arguments)))
    except (ArithmeticError, ValueError):  # math.log(-1.0), math.exp(1e3)
        return np.full(shape or (1,), math.nan)


def drawn(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    """Return random numbers of 0.5 to 1.5, of either sign: none near 0, so that every one counts."""
    numbers: Array = rng.uniform(0.5, 1.5, shape) * rng.choice([-1.0, 1.0], shape)
    return numbers


def nudged(x: Array, dtype: str, rng: np.random.Generator) -> Array:
    """Return x with every number moved by up to 4 ulps of the dtype, to see rounding errors vary."""
    moved: Array = (x * (1 + np.finfo(dtype).eps * rng.integers(-4, 5, x.shape))).astype(x.dtype)
    return moved
