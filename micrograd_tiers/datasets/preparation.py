"""What is done to a set between loading and training: hold samples back for validation, standardize features."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..arguments import whole_number
from ..errors import DataError
from ..rng import generator


def train_validation_split(
    X: ArrayLike, y: ArrayLike, n_validation: int, *, seed: int = 0
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Shuffle the samples and hold the last `n_validation` of them back.

    Parameters
    ----------
    X : array-like, shape (N, ...)
        The samples.
    y : array-like, shape (N, ...)
        Their targets.
    n_validation : int, from 1 to N - 1
        How many samples to hold back.
    seed : int
        Of the Generator that shuffles. The global random state is left alone.

    Returns
    -------
    train_x, train_y, validation_x, validation_y : ndarrays
        Copies. Every sample is in exactly one of the two parts.

    Raises
    ------
    ValueError
        If `n_validation` is out of range.
    DataError
        If `X` and `y` are not of one length.
    """
    X, y = np.asarray(X), np.asarray(y)
    if X.ndim == 0 or y.ndim == 0 or len(X) != len(y):
        raise DataError(f"X is of shape {X.shape} and y of shape {y.shape}, expected one target per sample")
    n_train = len(X) - whole_number("n_validation", n_validation)
    if n_train < 1:
        raise ValueError(f"n_validation is {n_validation}, expected less than the {len(X)} samples there are")
    order = generator(seed).permutation(len(X))
    train, validation = order[:n_train], order[n_train:]
    return X[train], y[train], X[validation], y[validation]


@dataclass(frozen=True, eq=False)
class Standardizer:
    """Shift and scale that give each feature of the training samples mean 0 and standard deviation 1.

    Fitted on the training samples alone and then applied to every part alike, so that nothing is learned from the
    samples held back: `scale = Standardizer.fit(train_x)`, then `scale(train_x)` and `scale(test_x)`.

    Attributes
    ----------
    mean : ndarray, shape (I,)
        What is subtracted.
    std : ndarray, shape (I,)
        What is divided by: 1 for a feature that is constant, which is thus mapped to 0.
    """

    mean: NDArray[Any]
    std: NDArray[Any]

    @classmethod
    def fit(cls, X: ArrayLike) -> "Standardizer":
        """Return the standardizer of these samples (N, I); DataError if there are none or not all are finite."""
        X = _float_samples(X)
        if len(X) == 0 or not np.isfinite(X).all():
            raise DataError(f"X of shape {X.shape} is empty or holds NaN or infinity, expected finite samples")
        # Measured from the first sample, a constant feature is exactly 0; its own mean would be rounded, and its
        # deviation then a little above 0.
        from_first = X - X[0]
        std = from_first.std(axis=0)
        std[std == 0.0] = 1.0
        return cls(mean=X[0] + from_first.mean(axis=0), std=std)

    def __call__(self, X: ArrayLike) -> NDArray[Any]:
        """Return the samples (N, I) standardized, as a new array; DataError if I is another than in `fit`."""
        X = _float_samples(X)
        if X.shape[1:] != self.mean.shape:
            raise DataError(f"X has {X.shape[1]} features, the standardizer was fitted on {len(self.mean)}")
        scaled: NDArray[Any] = (X - self.mean) / self.std
        return scaled


def _float_samples(X: ArrayLike) -> NDArray[Any]:
    """Return `X` as an array (N, I) of floats, float32 kept as it is."""
    X = np.asarray(X)
    if X.ndim != 2 or X.dtype.kind not in "biuf":
        raise DataError(f"X is {X.dtype} of shape {X.shape}, expected numbers of shape (N, I)")
    return X if X.dtype.kind == "f" else X.astype(np.float64)
