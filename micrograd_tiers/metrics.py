"""Scores of predictions and of nets."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .conversion import LABELS, are_whole, as_array, as_numbers
from .errors import DataError
from .network import Network, check_net
from .targets import Targets


def accuracy(predicted: ArrayLike, y: ArrayLike) -> float:
    """Return the share of the N samples whose predicted class is right, from 0 to 1.

    Parameters
    ----------
    predicted, y : array_like, shape (N,)
        Class labels, predicted and right; a column (N, 1) counts as (N,).

    Returns
    -------
    float

    Raises
    ------
    ValueError
        If the arrays are empty or of different shapes.
    """
    predicted, y = _pairs(predicted, y)
    return float(np.mean(predicted == y))


def confusion_matrix(predicted: ArrayLike, y: ArrayLike, n_classes: int) -> NDArray[np.int64]:
    """Count how often a sample of class i (row) was predicted as class j (column).

    Parameters
    ----------
    predicted, y : array_like, shape (N,)
        Class labels, predicted and right: whole numbers from 0 to n_classes - 1, of any type.
    n_classes : int
        C, at least 1.

    Returns
    -------
    ndarray of int, shape (C, C)
        The diagonal counts the right predictions; all entries sum to N.

    Raises
    ------
    ValueError
        If the arrays are empty or of different shapes, or a label is not a whole number or out of range.
    """
    n_classes = whole_number("n_classes", n_classes)
    predicted, y = _pairs(predicted, y)
    for name, labels in (("predicted", predicted), ("y", y)):
        wrong = labels[~are_whole(labels)]
        if wrong.size:
            raise ValueError(
                f"confusion_matrix: {name} holds {wrong[0]!r}, expected whole numbers from 0 to "
                f"{n_classes - 1}{_numbering(predicted, y, n_classes)}"
            )
    predicted, y = predicted.astype(np.int64), y.astype(np.int64)
    lowest, highest = min(predicted.min(), y.min()), max(predicted.max(), y.max())
    if lowest < 0 or highest >= n_classes:
        raise ValueError(f"confusion_matrix: got labels from {lowest} to {highest}, expected 0 to {n_classes - 1}")
    counts = np.zeros((n_classes, n_classes), np.int64)
    np.add.at(counts, (y, predicted), 1)
    return counts


def _pairs(predicted: ArrayLike, y: ArrayLike) -> tuple[NDArray[Any], NDArray[Any]]:
    predicted, y = (_labels(as_array(values, name)) for values, name in ((predicted, "predicted"), (y, "y")))
    if predicted.shape != y.shape or y.ndim != 1 or not y.size:
        tables = {name: array for name, array in (("predicted", predicted), ("y", y)) if array.ndim == 2 and array.size}
        one_label_each = len(tables) > 0 and predicted.shape[:1] == y.shape[:1] and {predicted.ndim, y.ndim} <= {1, 2}
        way_out = " and ".join(f"np.argmax({name}, axis=1)" for name in tables)
        raise ValueError(
            f"predicted has shape {predicted.shape}, y {y.shape}; expected two non-empty arrays of shape (N,)"
            + f"; for the likeliest classes, try {way_out}" * one_label_each
        )
    return predicted, y


def _numbering(predicted: NDArray[Any], y: NDArray[Any], n_classes: int) -> str:
    """Return "; try ..." with the statement that numbers classes that have names, the same in both arrays, or ""."""
    arrays = {"predicted": predicted, "y": y}
    named = [name for name, array in arrays.items() if all(isinstance(label, str) for label in array.tolist())]
    if len(named) == 2:
        return "; try predicted, y = np.unique([predicted, y], return_inverse=True)[1].reshape(2, -1)"
    if len(named) == 1 and len({*arrays[named[0]].tolist()}) == n_classes:  # otherwise a class is missing
        return f"; try {named[0]} = {LABELS.format(x=named[0])}"
    return ""


def _labels(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype == object:
        with suppress(DataError):  # unless it holds names
            array = as_numbers(array, "labels")
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


@dataclass(frozen=True, eq=False)
class Scores:
    """Results of a net on a set of N samples.

    Attributes
    ----------
    loss : float
        Mean of the loss that the net is trained with.
    predicted : ndarray
        As from `Network.predict`.
    truth : ndarray or None
        The right predictions; None if targets are values or probabilities.
    counted : ellipsis or ndarray of bool
        Mask of the samples that count in the accuracy: those whose label is not ignored.
    """

    loss: float
    predicted: NDArray[Any]
    truth: NDArray[Any] | None
    counted: Any = ...

    @cached_property
    def accuracy(self) -> float | None:
        """Share of right predictions; None if `truth` is None."""
        if self.truth is None:
            return None
        return accuracy(self.predicted[self.counted].ravel(), self.truth[self.counted].ravel())


def score(net: Network, samples: NDArray[Any], targets: Targets) -> Scores:
    """Return the scores of a net on samples and targets that have been checked."""
    outputs = net.forward(samples)
    loss = net.loss_of_outputs(outputs, targets)
    return Scores(loss, net.loss.predictions(outputs), targets.truth, targets.counted)


def evaluate(net: Network, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, float]:
    """Return the mean loss and the accuracy of a net on a set of samples.

    Parameters
    ----------
    net : Network
    X, y, sample_weight
        As in `Network.loss_and_grads`.

    Returns
    -------
    dict
        "loss" is the mean of the loss that the net is trained with, including label smoothing. "accuracy" is the share
        of right predictions, from 0 to 1: sample weights do not affect it, samples whose label is ignored are left out,
        and it is missing if targets are values, or probabilities other than 0 and 1.

    Raises
    ------
    DataError
        If samples, targets or weights do not fit the net.
    """
    check_net(net)
    samples = net.check_samples(X)
    scores = score(net, samples, net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:]))
    return {"loss": scores.loss} if scores.accuracy is None else {"loss": scores.loss, "accuracy": scores.accuracy}
