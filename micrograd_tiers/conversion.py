"""Conversion of what users hand in to arrays; masked values and ragged rows are errors, not surprises."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DataError


def as_array(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return values as an ndarray, or raise a DataError if rows differ in length or a value is masked."""
    rows = values if isinstance(values, list | tuple) else [values]
    # NumPy loads np.ma on first use, which takes a megabyte: not for arrays that have no mask.
    masked = [row for row in rows if hasattr(row, "mask") and isinstance(row, np.ma.MaskedArray)]
    masks = [np.ma.getmaskarray(row) for row in masked]
    n = sum(int(np.count_nonzero(mask)) for mask in masks)
    if n:
        raise DataError(
            f"{what} has {n} masked value{'s' * (n > 1)}, expected none: fill them, as in {what}.filled(0), or leave "
            "these samples out"
        )
    try:
        return np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} is not a rectangular array of numbers: {error}") from None


def are_whole(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Return True for each entry that is a finite whole number, of any numeric type."""
    if array.dtype.kind not in "biuf":
        return np.zeros(array.shape, bool)
    whole: NDArray[np.bool_] = np.isfinite(array) & (array == np.floor(array))
    return whole


def as_numbers(values: ArrayLike, what: str) -> NDArray[Any]:
    """Return values as an ndarray of real numbers, or raise a DataError."""
    array = as_array(values, what)
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} holds {array.dtype}, expected real numbers")
    return array
