"""Subjects of an animation: the samples that a user hands in, and the scene for the kind of net."""

from collections.abc import Sequence
from typing import Any

from ...arguments import shown
from ...colors import PALETTE
from ...conversion import as_numbers
from ...datasets import Dataset
from ...errors import DataError
from ...network import Network
from ...targets import Targets, targets_from_labels
from .scenes import Curve1d, Heights, Regions, Scene

PAIR = "expected a data set such as mt.load_dataset('moons'), or a pair (X, y)"
INSTEAD = (
    "a picture in the plane has two axes. mt.fit trains such a net, and mt.plots.loss_curves draws its losses; try "
    "mt.animate(mt.mlp([2, 8, 2], 'tanh'), mt.load_dataset('moons'))"
)


def samples_and_targets(net: Network, data: Any) -> tuple[Any, Any]:
    """Return X and y of a data set's training part, y in the form that the net's loss takes, or of a pair (X, y).

    Raises
    ------
    ValueError
        If the data is neither.
    DataError
        If net or samples do not have 1 or 2 features, or the data set has more classes than the net tells apart.
    """
    if isinstance(data, Dataset):
        X, y = data.train_x, data.train_y
    elif isinstance(data, tuple | list) and len(data) == 2:
        X, y = data
    else:
        raise ValueError(f"data is {shown(data)}, {PAIR}")
    if net.layers[0].takes_tokens:
        raise DataError(f"net takes documents of token numbers, expected samples of 2 features: {INSTEAD}")
    taken, shape = net.layers[0].shape_in(), as_numbers(X, "X").shape
    if taken not in (None, (1,), (2,)):
        raise DataError(f"net takes samples of shape {taken}, expected 2 features: {INSTEAD}")
    if len(shape) == 2 and shape[1] not in (1, 2):
        raise DataError(f"data has samples of {shape[1]} features, expected 2: {INSTEAD}")
    X = net.check_samples(X)
    if not isinstance(data, Dataset):
        return X, y
    outputs, n_classes = n_outputs(net, shape[1]), len(data.class_names)
    if n_classes > max(2, outputs):
        raise DataError(
            f"the data set {data.name} has {n_classes} classes, more than a net with {outputs} outputs and the loss "
            f"{net.loss.name} tells apart: use mt.mlp([2, 8, {n_classes}])"
        )
    return X, targets_from_labels(net.loss, y, outputs)


def scene_of(net: Network, X: Any, targets: Targets, names: Sequence[str]) -> Scene:
    """Return the scene for a net and its samples.

    Parameters
    ----------
    net : Network
    X : ndarray, shape (N, 1) or (N, 2)
    targets : Targets
    names : sequence of str
        Names of the classes; used if there are as many as the net tells apart.

    Raises
    ------
    DataError
        If such a net or such targets cannot be drawn in the plane.
    """
    features, outputs, kind = X.shape[1], n_outputs(net, X.shape[1]), net.loss.targets
    X = X[targets.counted]
    if kind == "values":
        if outputs != 1:
            raise DataError(
                f"net has {outputs} outputs and the loss {net.loss.name}, expected one output, which is drawn as a "
                "color, or a classifier: use loss='softmax_cross_entropy'"
            )
        values = targets.values[:, 0].tolist()
        return Curve1d(X, values) if features == 1 else Heights(X, values)
    if features != 2:
        raise DataError(f"data has samples of 1 feature, expected 2 for a net that classifies: {INSTEAD}")
    n_classes = max(2, outputs)
    if n_classes > len(PALETTE):
        raise DataError(f"net has {n_classes} classes, expected at most {len(PALETTE)}, as there are no more colors")
    if len(names) != n_classes:
        names = ("-1", "1") if kind == "signs" else [f"class {c}" for c in range(n_classes)]
    return Regions(net, X, _labels(targets, kind, outputs)[targets.counted].tolist(), names)


def n_outputs(net: Network, features: int) -> int:
    """Return the number of outputs of a net for samples of so many features."""
    shape = net.shapes((features,))[-1]
    return shape[0] if shape else 0


def _labels(targets: Targets, kind: str, outputs: int) -> Any:
    """Return the class of each sample, from 0 to C - 1, as an ndarray (N,)."""
    values = targets.values
    if kind == "classes":
        return values.argmax(axis=1) if targets.truth is None else targets.truth
    if outputs == 1:
        return (values[:, 0] > (0 if kind == "signs" else 0.5)).astype("int64")
    if not (((values == 0) | (values == 1)).all() and (values.sum(axis=1) == 1).all()):
        raise DataError(
            f"y answers {outputs} questions for each sample, and a picture shows one class for each place: expected "
            "one 1 per row"
        )
    return values.argmax(axis=1)
