"""Scores of predictions, and of nets."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .network import Network
from .targets import Targets


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


@dataclass(frozen=True, eq=False)
class Scores:
    """Results of a net on the N samples of a set.

    Attributes
    ----------
    loss : float
        Mean loss, as the net is trained with it.
    predicted : ndarray
        As from `Network.predict`.
    truth : ndarray or None
        What predictions are to be equal to; None where targets are values or probabilities.
    counted : ellipsis or ndarray of bool
        The samples that count in the accuracy: not those whose label is ignored.
    """

    loss: float
    predicted: NDArray[Any]
    truth: NDArray[Any] | None
    counted: Any = ...

    @cached_property
    def accuracy(self) -> float | None:
        """Share of right predictions; None where there is no right one."""
        if self.truth is None:
            return None
        return accuracy(self.predicted[self.counted].ravel(), self.truth[self.counted].ravel())


def score(net: Network, samples: NDArray[Any], targets: Targets) -> Scores:
    """Return the scores of a net on samples and targets that were checked."""
    outputs = net.forward(samples)
    loss = net.loss_of_outputs(outputs, targets)
    return Scores(loss, net.loss.predictions(outputs), targets.truth, targets.counted)


def evaluate(net: Network, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, float]:
    """Return {"loss": mean loss, "accuracy": share of right predictions}.

    The loss is the one that the net is trained with, label smoothing included. There is no accuracy where targets are
    values or probabilities; weights of samples do not count in it, and samples whose label is ignored are left out.

    Parameters
    ----------
    net : Network
    X, y, sample_weight
        As in `Network.loss_and_grads`.
    """
    samples = net.check_samples(X)
    scores = score(net, samples, net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:]))
    return {"loss": scores.loss} if scores.accuracy is None else {"loss": scores.loss, "accuracy": scores.accuracy}
