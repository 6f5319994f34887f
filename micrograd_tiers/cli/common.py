"""What several commands need."""

import json
import math
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from ..datasets import Dataset, Standardizer, load_dataset, scaled
from ..errors import DataError
from ..files import replacing
from ..metrics import accuracy, confusion_matrix
from ..network import Network


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
        return scaled(data, Standardizer(np.array(info["mean"]), np.array(info["std"])))
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


def write_results(folder: Path, texts: dict[str, str], content: dict[str, Any]) -> None:
    """Write texts by the names of their files, and the content into results.json, each whole or not at all."""
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    write_json(str(folder / "results.json"), content)


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


class Progress:
    """How many of how many are done: a bar where there is somebody to look at it and tqdm to draw it, else lines."""

    def __init__(self, unit: str) -> None:
        self.unit, self.bar, self.start = unit, None, time.perf_counter()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        if self.bar is not None:
            self.bar.close()

    def __call__(self, done: int, of: int) -> None:
        """Show it."""
        if self.bar is None and sys.stderr.isatty() and find_spec("tqdm"):
            from tqdm import tqdm

            self.bar = tqdm(total=of, initial=done, unit=self.unit)
        if self.bar is not None:
            self.bar.update(done - self.bar.n)
        else:
            seconds = time.perf_counter() - self.start
            print(f"  {done} of {plural(of, self.unit)} done after {seconds:.0f} s", file=sys.stderr)
