"""How good predictions are."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray


def accuracy(predicted: ArrayLike, y: ArrayLike) -> float:
    """Share of the N samples whose predicted class is the right one, from 0 to 1.

    Parameters
    ----------
    predicted, y : array_like, shape (N,)
        Class labels.
    """
    predicted, y = _pairs(predicted, y)
    return float(np.mean(predicted == y))


def confusion_matrix(predicted: ArrayLike, y: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count how often a sample of class i (row) was taken for class j (column).

    Parameters
    ----------
    predicted, y : array_like of int, shape (N,)
        Class labels from 0 to n_classes - 1.
    n_classes : int
        C.

    Returns
    -------
    ndarray of int, shape (C, C)
        The diagonal holds what was right; all entries add up to N.
    """
    predicted, y = _pairs(predicted, y)
    if min(predicted.min(), y.min()) < 0 or max(predicted.max(), y.max()) >= n_classes:
        raise ValueError(f"confusion_matrix: labels must lie between 0 and {n_classes - 1}")
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (y, predicted), 1)
    return counts


def _pairs(predicted: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    predicted, y = np.asarray(predicted), np.asarray(y)
    if predicted.shape != y.shape or y.ndim != 1 or not y.size:
        raise ValueError(
            f"predicted has shape {predicted.shape}, y {y.shape}; expected two non-empty arrays of shape (N,)"
        )
    return predicted, y
