"""Preparation of a set for training: a split into training and validation samples, and standardized features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import whole_number
from ..conversion import as_array, as_numbers, named
from ..errors import DataError
from ..rng import generator


def train_validation_split(
    X: ArrayLike, y: ArrayLike, n_validation: int, *, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Shuffle the samples, and set the last `n_validation` of them aside for validation.

    Parameters
    ----------
    X : array-like, shape (N, ...)
        Samples.
    y : array-like, shape (N, ...)
        Targets.
    n_validation : int, from 1 to N - 1
        Number of validation samples.
    seed : int
        Seed of the shuffle. NumPy's global random state is neither used nor changed.

    Returns
    -------
    train_x, train_y, validation_x, validation_y : ndarrays
        Copies. Every sample is in exactly one of the two parts.

    Raises
    ------
    ValueError
        If `n_validation` is out of range.
    DataError
        If `X` and `y` differ in length, or have masked values.
    """
    X, y = as_array(X, "X"), as_array(y, "y")
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise DataError(f"X has shape {X.shape} and y has shape {y.shape}, expected one target per sample")
    n_train = len(X) - whole_number("n_validation", n_validation)
    if n_train < 1:
        raise ValueError(f"n_validation is {n_validation}, expected less than {len(X)}, the number of samples")
    order = generator(seed).permutation(len(X))
    train, validation = order[:n_train], order[n_train:]
    return X[train], y[train], X[validation], y[validation]


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Shift and scale of each feature, to mean 0 and standard deviation 1 over the training samples.

    Fit it on the training samples only, and apply it to all parts, so that no information leaks from the validation
    and test samples: `scale = Standardizer.fit(train_x)`, then `scale(train_x)` and `scale(test_x)`.

    Attributes
    ----------
    mean : ndarray, shape (I,)
        Subtracted from each feature.
    std : ndarray, shape (I,)
        Divisor of each feature; 1 for a constant feature, which becomes 0.
    rest : ndarray, shape (I,), or 0
        What `mean` lost to rounding, also subtracted: in the numbers 1e16 and 1e16 + 2, it is 1, which is as large as
        their standard deviation. 0 for a feature where it changes nothing but a last digit.
    """

    mean: NDArray[Any]
    std: NDArray[Any]
    rest: NDArray[Any] | float = 0.0

    def __repr__(self) -> str:
        ranges = (f"{np.min(numbers):.4g} to {np.max(numbers):.4g}" for numbers in (self.mean, self.std))
        return "<Standardizer of {} features: mean {}, standard deviation {}>".format(np.size(self.mean), *ranges)

    @classmethod
    def fit(cls, X: ArrayLike) -> Standardizer:
        """Return the standardizer of these samples.

        Parameters
        ----------
        X : array-like, shape (N, I)
            Samples.

        Returns
        -------
        Standardizer

        Raises
        ------
        DataError
            If `X` is empty, does not hold numbers of shape (N, I), or holds NaN, infinity or masked values.
        """
        X = _float_samples(X)
        if len(X) == 0 or not np.isfinite(X).all():
            raise DataError(f"X of shape {X.shape} is empty or holds NaN or infinity, expected finite samples")
        # In units of a power of two, in which no feature is above 1/4, nothing overflows and squares do not underflow;
        # such a scaling changes no digit.
        _, exponent = np.frexp(np.abs(X).max(axis=0))
        scaled = np.ldexp(X, -exponent - 2)
        # Subtract the first sample, so that a constant feature is exactly 0. Otherwise rounding of the mean could give
        # it a standard deviation slightly above 0.
        from_first = scaled - scaled[0]
        shift, std = from_first.mean(axis=0), from_first.std(axis=0)
        mean = scaled[0] + shift
        # The rounding error of this sum, which is a float (Knuth's TwoSum).
        added = mean - scaled[0]
        rest = (scaled[0] - (mean - added)) + (shift - added)
        rest = np.where(np.abs(rest) > 4 * np.finfo(X.dtype).eps * std, np.ldexp(rest, exponent + 2), 0)
        least = np.finfo(X.dtype).smallest_subnormal
        std = np.where(std == 0, 1, np.maximum(np.ldexp(std, exponent + 2), least))
        return cls(mean=np.ldexp(mean, exponent + 2), std=std, rest=rest)

    def __call__(self, X: ArrayLike) -> NDArray[Any]:
        """Return the standardized samples (N, I) as a new array.

        Raises
        ------
        DataError
            If I is not that of `fit`, or a number is too far from the samples of `fit` for a finite result.
        """
        X = _float_samples(X)
        if X.shape[1:] != self.mean.shape:
            raise DataError(f"X has {X.shape[1]} features, expected {len(self.mean)}, as in fit")
        _, exponent = np.frexp(np.maximum(np.abs(self.mean), self.std))
        kind = np.result_type(X, self.mean, self.std)
        # In units of a power of two, as in `fit`.
        with np.errstate(over="ignore"):
            x, mean, std, rest = (
                np.ldexp(np.asarray(array, kind), -exponent - 2) for array in (X, self.mean, self.std, self.rest)
            )
            scaled: NDArray[Any] = (x - mean) / std - rest / std
        lost = np.argwhere(np.isfinite(X) & ~np.isfinite(scaled))
        if len(lost):
            n, i = lost[0]
            raise DataError(
                f"X holds {X[n, i]:g} (sample {n}, feature {i}), too far from the mean {self.mean[i]:g} and the "
                f"standard deviation {self.std[i]:g} of fit for a number of {kind}: fit on samples in the same "
                "unit, or leave this sample out"
            )
        return scaled


def _float_samples(X: ArrayLike) -> NDArray[Any]:
    """Return `X` as an array (N, I) of float64 or float32; other types become float64."""
    array = as_numbers(X, "X")
    if array.ndim != 2:
        x = named("X", X)
        way_out = {1: f"; try {x}.reshape(-1, 1)", 0: ""}.get(array.ndim, f"; try {x}.reshape(len(X), -1)")
        raise DataError(f"X has shape {array.shape}, expected (N, I): one sample per row{way_out}")
    # Row by row, as NumPy's sums depend on the order in memory; a table of pandas has it column by column.
    return np.ascontiguousarray(array, array.dtype if array.dtype in (np.float32, np.float64) else np.float64)
