"""Targets: y and the sample weights, checked and converted to the form that the loss takes."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import shown
from .conversion import LABELS, advice, are_whole, as_dtype, as_numbers, dropping, named
from .errors import DataError
from .inputs import Array, check_token_numbers
from .losses import Loss, SoftmaxCrossEntropy, SoftTargets


@dataclass(frozen=True)
class Targets:
    """The targets of N samples, in the form that the loss takes.

    Attributes
    ----------
    loss : Loss
        The net's loss, or `SoftTargets` if the targets are probabilities instead of labels.
    values : ndarray, shape (N,), (N, O) or (N, T)
    weights : ndarray, shape (N,), or None
        Weight of each sample times the weight of its class, or 0 for an ignored label.
    truth : ndarray or None
        The right predictions; None if there are none.
    counted : ellipsis or ndarray of bool
        Mask, shaped as `truth`, of what counts in the accuracy: labels that are not ignored, and tokens.
    """

    loss: Loss
    values: Array
    weights: Array | None = None
    truth: Array | None = None
    counted: Any = ...

    @property
    def arrays(self) -> tuple[Array, ...]:
        """The targets and, if there are any, the sample weights."""
        return (self.values,) if self.weights is None else (self.values, self.weights)

    @cached_property
    def divisor(self) -> float:
        """Divisor of the sum of the losses: N, or the sum of the weights (1 if all are 0)."""
        return self.weight_of(range(len(self.values)))

    def weight_of(self, chosen: Sequence[int] | Array) -> float:
        """Return the total weight of the chosen samples, the divisor of the sum of their losses."""
        return len(chosen) if self.weights is None else math.fsum(self.weights[chosen].tolist()) or 1.0

    def of(self, chosen: Any) -> "Targets":
        """Return the targets of the chosen samples, an index array or a slice."""
        weights = None if self.weights is None else self.weights[chosen]
        truth = None if self.truth is None else self.truth[chosen]
        counted = self.counted if self.counted is ... else self.counted[chosen]
        return Targets(self.loss, self.values[chosen], weights, truth, counted)

    def up_to(self, length: int) -> "Targets":
        """Return the targets of documents without the positions from `length` on."""
        values, counted = self.values[:, :length], self.counted[:, :length]
        return replace(self, values=values, truth=values, counted=counted)


def check_targets(
    loss: Loss,
    y: ArrayLike,
    n_samples: int,
    n_outputs: int | None,
    dtype: str,
    sample_weight: ArrayLike | None,
    length: int | None = None,
) -> Targets:
    """Return y and the sample weights in the form that the loss takes, or raise a DataError that names the problem.

    `length` is the number of positions of the documents, if the loss takes documents.
    """
    if n_outputs is not None:
        loss.check_outputs(n_outputs)

    def checked(array: Array) -> Targets:
        if array.ndim == 0 or len(array) != n_samples:
            raise DataError(f"y has shape {array.shape}, expected one target for each of the {n_samples} samples")
        if length is not None and array.ndim == 2 and array.shape[1] != length:
            raise DataError(
                f"y has shape {array.shape}, expected {(n_samples, length)}: a target for each token of X, -1 where "
                "there is none"
            )
        return CHECKS[loss.targets](loss, array, n_outputs, dtype)

    array = as_numbers(y, "y", checked)
    try:
        targets = checked(array)
    except DataError as error:
        calls = CALLS[loss.targets](loss, named("y", y), array, n_outputs or 0)
        way_out = advice("y", y, calls, lambda result: checked(np.asarray(result)))
        raise DataError(f"{error}{way_out or _without_nan(y, array, n_samples)}") from None
    if sample_weight is not None:
        weights = check_weights(sample_weight, n_samples, dtype)
        targets = replace(targets, weights=weights if targets.weights is None else weights * targets.weights)
    if targets.weights is not None and not targets.weights.any():
        raise DataError("no sample counts: each has weight 0, or a label that is ignored")
    return targets


def targets_from_labels(loss: Loss, labels: Array, n_outputs: int) -> Array:
    """Convert class labels to targets of the loss, for examples and for commands that load labels.

    Values and fractions are 1 for the sample's class and 0 for the others; for a single output, 1 for class 1. Signs
    are 1 for class 1 and -1 for all others. Tokens are targets themselves.
    """
    if loss.targets in ("classes", "tokens"):
        return labels
    if loss.targets == "signs":
        return np.where(labels == 1, 1, -1)
    return np.asarray(np.eye(n_outputs)[labels] if n_outputs > 1 else (labels == 1)[:, None].astype(float))


def check_weights(sample_weight: ArrayLike, n_samples: int, dtype: str) -> Array:
    """Return sample weights as an ndarray (N,), or raise a DataError."""
    if isinstance(sample_weight, Mapping | str):
        raise DataError(
            f"sample_weight is {shown(sample_weight)}, expected one weight per sample; weights of classes belong to "
            "the loss, as in SoftmaxCrossEntropy(class_weights=[1, 2.5])"
        )
    weights = as_dtype(_column(as_numbers(sample_weight, "sample_weight")), dtype, "sample_weight")
    if weights.shape != (n_samples,):
        raise DataError(f"sample_weight has shape {weights.shape}, expected ({n_samples},): one weight per sample")
    wrong = weights[~(np.isfinite(weights) & (weights >= 0))]
    if wrong.size:
        raise DataError(f"sample_weight holds {wrong[0]}, expected finite weights of at least 0")
    return np.asarray(weights)


def _classes(loss: Loss, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    assert isinstance(loss, SoftmaxCrossEntropy)
    if y.ndim == 2 and y.shape[1] > 1:
        return _probabilities(loss, y, n_outputs, dtype)
    y = _column(y)
    if loss.ignore is None and loss.class_weights is None:
        labels = check_labels(y, n_outputs)
        return Targets(loss, labels, truth=labels)
    ignored = y == loss.ignore
    labels = check_labels(np.where(ignored, 0, y), n_outputs)
    if loss.class_weights is not None:
        check_labels(labels, len(loss.class_weights))
    weights = np.ones(len(labels)) if loss.class_weights is None else np.array(loss.class_weights)[labels]
    return Targets(loss, labels, as_dtype(np.where(ignored, 0, weights), dtype, "class_weights"), labels, ~ignored)


def _probabilities(loss: SoftmaxCrossEntropy, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    if n_outputs not in (None, y.shape[1]):
        raise DataError(
            f"y has shape {y.shape}, expected class labels of shape (N,), or probabilities of shape (N, {n_outputs})"
        )
    for name, value in (("class_weights", loss.class_weights), ("ignore", loss.ignore)):
        if value is not None:
            raise DataError(f"y holds probabilities (N, C), but the loss has {name}, which goes with labels (N,)")
    sums = y.sum(axis=1)
    wrong = np.flatnonzero(~((np.abs(sums - 1) < 1e-4) & (y >= 0).all(axis=1)))
    if wrong.size:
        raise DataError(f"y: row {wrong[0]} is {y[wrong[0]]}, expected probabilities that sum to 1, or labels (N,)")
    smoothed = (1 - loss.smoothing) * y + loss.smoothing / y.shape[1]
    return Targets(SoftTargets(), smoothed.astype(dtype), truth=y.argmax(axis=1) if _is_one_hot(y) else None)


def check_labels(y: ArrayLike, n_classes: int | None) -> NDArray[np.int64]:
    """Return class labels (N,) as int64, or raise a DataError unless all are whole numbers from 0 to C - 1."""
    array = as_numbers(y, "y")
    if array.ndim != 1:
        raise DataError(f"y has shape {array.shape}, expected class labels of shape (N,)")
    wrong = array[~are_whole(array)]
    if wrong.size:
        raise DataError(f"y holds the label {wrong[0]}, expected whole numbers")
    wrong = array[(array < 0) | (array >= (np.inf if n_classes is None else n_classes))]
    if wrong.size:
        upper = "" if n_classes is None else f" to {n_classes - 1}, one for each of the net's {n_classes} outputs"
        raise DataError(f"y holds the label {wrong[0]}, expected 0{upper or ' or more'}")
    return array.astype(np.int64)


def _values(loss: Loss, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    column = y[:, None] if y.ndim == 1 and n_outputs == 1 else y
    if column.ndim != 2 or n_outputs not in (None, column.shape[1]):
        raise DataError(f"y has shape {y.shape}, {loss.name} expects (N, {n_outputs or 'O'})")
    if not np.isfinite(column).all():
        raise DataError("y holds NaN or infinite targets: remove or repair these samples")
    with np.errstate(over="ignore"):  # reported before training; a loss shows it
        return Targets(loss, column.astype(dtype, copy=False))


def _fractions(loss: Loss, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    column = y[:, None] if y.ndim == 1 and n_outputs in (None, 1) else y
    if column.ndim != 2 or n_outputs not in (None, column.shape[1]):
        raise DataError(f"y has shape {y.shape}, {loss.name} expects (N, {n_outputs or 'O'})")
    wrong = column[~((column >= 0) & (column <= 1))]
    if wrong.size:
        raise DataError(f"y holds {wrong[0]}, {loss.name} expects targets from 0 (no) to 1 (yes)")
    truth = column[:, 0] if column.shape[1] == 1 else column
    certain = bool(np.isin(truth, (0, 1)).all())
    return Targets(loss, column.astype(dtype), truth=truth.astype(np.int64) if certain else None)


def _signs(loss: Loss, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    column = y[:, None] if y.ndim == 1 else y
    if column.ndim != 2 or column.shape[1] != 1:
        raise DataError(f"y has shape {y.shape}, {loss.name} expects (N,)")
    wrong = column[~np.isin(column, (-1, 1))]
    if wrong.size:
        raise DataError(f"y holds {wrong[0]}, {loss.name} expects -1 and 1")
    return Targets(loss, column.astype(dtype), truth=column[:, 0].astype(np.int64))


def _tokens(loss: Loss, y: Array, n_outputs: int | None, dtype: str) -> Targets:
    if y.ndim != 2 or not y.size:
        raise DataError(f"y has shape {y.shape}, {loss.name} expects (N, T): the next token at each position")
    check_token_numbers(y, "y", n_outputs)
    values = y.astype(np.int64)
    counted = values >= 0
    if not counted.any(axis=1).all():
        n = np.argmin(counted.any(axis=1))
        raise DataError(f"y: document {n} has no target, expected at least one token that is not -1: leave it out")
    return Targets(loss, values, truth=values, counted=counted)


def _column(array: Array) -> Array:
    """Return the only column of an array (N, 1), shaped (N,), and any other array as it is."""
    return array[:, 0] if array.ndim == 2 and array.shape[1] == 1 else array


def _is_one_hot(y: Array) -> bool:
    """Return True if each row of y holds one 1 and otherwise 0."""
    return y.ndim == 2 and y.shape[1] > 1 and bool(np.isin(y, (0, 1)).all() and (y.sum(axis=1) == 1).all())


# Expressions that may turn y into targets of a loss. `name` stands for y as an ndarray, `y` is that array.


def _for_classes(loss: Loss, name: str, y: Array, n_outputs: int) -> Iterator[str]:
    if _is_one_hot(y):
        yield f"{name}.argmax(axis=1)"
    yield from (f"{name}.ravel()", f"{name}.T")
    assert isinstance(loss, SoftmaxCrossEntropy)
    if loss.ignore is not None or not y.size or not are_whole(y).all():
        return  # numbers that are not class labels, or one that is none
    classes = np.unique(y)
    if {*classes.tolist()} <= {-1, 1}:
        yield f"({name} + 1) // 2"
    if (classes[0], classes[-1]) == (1, n_outputs):
        yield f"{name} - 1"
    if len(classes) == n_outputs:
        yield LABELS.format(x="y")


def _for_signs(loss: Loss, name: str, y: Array, n_outputs: int) -> Iterator[str]:
    if _is_one_hot(y) and y.shape[1] == 2:
        yield f"2 * {name}.argmax(axis=1) - 1"
    yield f"{name}.ravel()"
    classes = np.unique(y)
    if {*classes.tolist()} <= {0, 1}:
        yield f"2 * {name} - 1"
    elif len(classes) == 2:
        yield f"np.where({name} == {classes[1]}, 1, -1)"


def _for_fractions(loss: Loss, name: str, y: Array, n_outputs: int) -> Iterator[str]:
    if _is_one_hot(y) and y.shape[1] == 2:
        yield f"{name}.argmax(axis=1)"
    if np.isin(y, (-1, 1)).all():
        yield f"({name} + 1) / 2"
    classes = np.unique(y)
    if len(classes) == 2:
        yield f"({name} == {classes[1]}).astype(int)"
    yield from _for_values(loss, name, y, n_outputs)


def _for_values(loss: Loss, name: str, y: Array, n_outputs: int) -> Iterator[str]:
    if n_outputs > 1 and are_whole(y).all() and y.size and 0 <= y.min() <= y.max() < n_outputs:
        labels = name if y.dtype.kind in "iu" else "np.asarray(y, int)"
        yield f"np.eye({n_outputs})[{labels}{'.ravel()' * (y.ndim > 1)}]"
    yield f"{name}.reshape(len(y), -1)"
    yield f"{name}.ravel()"
    yield f"{name}.T"


def _without_nan(y: ArrayLike, array: Array, n_samples: int) -> str:
    """Return "; try ..." with the statements that leave out samples whose target is NaN, if that is what is wrong."""
    finite = np.isfinite(array)
    if array.ndim not in (1, 2) or len(array) != n_samples or finite.all() or not finite.any():
        return ""
    present = "np.isfinite(np.asarray(y, float))" + ".all(axis=1)" * (array.ndim - 1)
    return f"; try {dropping(present)}"


def _for_tokens(loss: Loss, name: str, y: Array, n_outputs: int) -> Iterator[str]:
    yield "[y]"  # a single document


CALLS: dict[str, Callable[[Loss, str, Array, int], Iterator[str]]] = {
    "classes": _for_classes,
    "values": _for_values,
    "fractions": _for_fractions,
    "signs": _for_signs,
    "tokens": _for_tokens,
}
CHECKS: dict[str, Callable[[Loss, Array, int | None, str], Targets]] = {
    "classes": _classes,
    "values": _values,
    "fractions": _fractions,
    "signs": _signs,
    "tokens": _tokens,
}
