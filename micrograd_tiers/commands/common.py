"""What several commands need."""

import json
import math
import sys
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..datasets import Dataset, Standardizer, load_dataset
from ..errors import DataError
from ..files import replacing
from ..metrics import accuracy, confusion_matrix
from ..network import Network


def inputs_of(data: Dataset, standardize: bool = True) -> tuple[Dataset, Standardizer | None]:
    """Return the set as a net should see it: images as they are, other features with mean 0 and deviation 1.

    Mean and deviation are those of the training samples, for the test samples too.
    """
    if data.image_shape is not None or not standardize:
        return data, None
    scale = Standardizer.fit(data.train_x)
    return _scaled(data, scale), scale


def _scaled(data: Dataset, scale: Standardizer) -> Dataset:
    return replace(data, train_x=scale(data.train_x), test_x=scale(data.test_x))


def set_for_saved_net(
    path: str, info: dict[str, Any], name: str | None, data_dir: str | None, *, n_test: int | None, seed: int | None
) -> Dataset:
    """Return the test part of a set as a saved net should see it: of that name, or the one it was trained on.

    Parameters
    ----------
    path : str
        Of the saved net, for errors.
    info : dict
        What `train` has saved along.
    name, data_dir, n_test, seed
        As in `load_dataset`; those of the training where not given.
    """
    settings = info.get("settings", {})
    name = name or settings.get("data")
    if name is None:
        raise ValueError(f"{path} does not say what it was trained on: name a set with --data")
    if n_test is None and name == settings.get("data"):
        n_test = settings.get("n_test")
    seed = settings.get("seed", 0) if seed is None else seed
    data = load_dataset(name, data_dir=data_dir, test_only=True, n_test=n_test, seed=seed)
    if info.get("mean") is not None and data.image_shape is None:
        # As in training: with the mean and deviation of the samples that the net was trained on.
        return _scaled(data, Standardizer(np.array(info["mean"]), np.array(info["std"])))
    return data


class Scores(NamedTuple):
    """How a net does on the N test samples of a set with C classes.

    Attributes
    ----------
    predicted : ndarray, shape (N,)
    loss, accuracy : float
    confusion : ndarray, shape (C, C)
    """

    predicted: NDArray[Any]
    loss: float
    accuracy: float
    confusion: NDArray[np.int64]


def score_test_set(net: Network, data: Dataset, name: str = "the net") -> Scores:
    """Return all scores from one forward pass; DataError if the net tells another number of classes apart."""
    outputs = net.forward(data.test_x)
    if len(data.class_names) != outputs.shape[1]:
        raise DataError(f"{name} tells {outputs.shape[1]} classes apart, {data.name} has {len(data.class_names)}")
    predicted = outputs.argmax(axis=1)
    return Scores(
        predicted,
        net.mean_loss(outputs, data.test_y),
        accuracy(predicted, data.test_y),
        confusion_matrix(predicted, data.test_y, len(data.class_names)),
    )


def write_json(path: str | None, content: dict[str, Any]) -> None:
    """Write the results to a file, if one was asked for; NaN and infinity become null."""
    if path is not None:
        with replacing(path) as file:
            file.write(json.dumps(_without_nan(content), indent=1).encode() + b"\n")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def say(message: str) -> None:
    """Tell the user what is being done."""
    print(f"  {message} ...", file=sys.stderr)


def plural(n: int, noun: str) -> str:
    """Return n and its noun: 1 step, 2,000 steps."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
