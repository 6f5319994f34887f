"""Data sets by name: points in the plane, digits drawn offline, MNIST and other sets in its form.

`load_dataset` returns any of them as a `Dataset`. The functions that it calls are public too: each draws or loads one
set and takes that set's own options. These modules import NumPy and, from the package, only its errors, its argument
checks, its random generator and the HTML that a notebook shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from .. import html
from ..arguments import flag, shown, whole_number
from ..formats import cut
from ..rng import generator
from .digits import prepare_digit
from .glyphs import draw_glyphs
from .idx import read_idx
from .images import read_image
from .mnist import (
    CLASS_NAMES,
    IMAGE_SHAPE,
    StrPath,
    find_dataset,
    find_folder,
    load_fashion_mnist,
    load_mnist,
    read_split,
)
from .preparation import Standardizer, train_validation_split
from .toy import blobs, circles, ellipse, moons, spiral, xor

__all__ = [
    "DATASETS",
    "Dataset",
    "Standardizer",
    "blobs",
    "circles",
    "draw_glyphs",
    "ellipse",
    "find_dataset",
    "load_dataset",
    "load_fashion_mnist",
    "load_mnist",
    "moons",
    "prepare_digit",
    "read_idx",
    "read_image",
    "spiral",
    "train_validation_split",
    "xor",
]


def __dir__() -> list[str]:
    return sorted(__all__)


@dataclass(frozen=True, eq=False)
class Dataset:
    """A data set, split into a training part and a test part. A notebook shows its shapes and its first samples.

    Attributes
    ----------
    name : str
        One of `DATASETS`.
    train_x, test_x : ndarray of float64, shape (N, I)
        Samples. Each part has its own N.
    train_y, test_y : ndarray of int64, shape (N,)
        Class labels, 0 to C - 1.
    class_names : tuple of str, length C
    image_shape : (int, int) or None
        Height and width of the images, with I = height x width; None if the samples are not images.
    source : str
        Origin of the data, as a phrase to print: "drawn offline, seed 0" or "folder ...".
    """

    name: str
    train_x: NDArray[Any]
    train_y: NDArray[np.int64]
    test_x: NDArray[Any]
    test_y: NDArray[np.int64]
    class_names: tuple[str, ...]
    image_shape: tuple[int, int] | None
    source: str

    def __repr__(self) -> str:
        parts = (
            f"{len(self.train_x):,} training and {len(self.test_x):,} test samples of shape {self.train_x.shape[1:]}"
        )
        return f"<Dataset {self.name}: {parts}; {self._classes}; {self.source}>"

    def _repr_html_(self) -> str:
        rows = [
            (part, f"{len(x):,}", x.shape, y.shape)
            for part, x, y in (("training", self.train_x, self.train_y), ("test", self.test_x, self.test_y))
        ]
        notes = [self._classes, *[f"images of {self._pixels} pixels"] * bool(self.image_shape), self.source]
        return html.table(("part", "samples", "X", "y"), rows, f"Data set {self.name}", notes) + self._picture()

    @property
    def _classes(self) -> str:
        return f"{len(self.class_names)} classes: {cut(', '.join(self.class_names), 200)}"

    @property
    def _pixels(self) -> str:
        return " x ".join(map(str, self.image_shape or ()))

    def _picture(self) -> str:
        """Return the first images, or the first points of the plane, as HTML; other samples have no picture."""
        X, y = (self.train_x, self.train_y) if len(self.train_x) else (self.test_x, self.test_y)
        if self.image_shape and len(X):
            step = 1 + max(self.image_shape) // 64  # leaves out pixels of large images
            images = X[:N_IMAGES].reshape(-1, *self.image_shape)[:, ::step, ::step].tolist()
            return html.gray_images(images, [self.class_names[c] for c in y[:N_IMAGES]])
        if X.shape[1:] == (2,) and len(X):
            X, y = X[:N_POINTS], y[:N_POINTS]
            groups = {name: X[y == c].tolist() for c, name in enumerate(self.class_names)}
            return html.scatter(groups, f"The first {len(X):,} points of {self.name}, by class")
        return ""


N_IMAGES, N_POINTS = 20, 400  # that a notebook shows


class _Recipe(NamedTuple):
    """Settings of a set that is drawn: its function, class names, default sizes and image shape."""

    draw: Callable[..., tuple[NDArray[np.float64], NDArray[np.int64]]]
    class_names: tuple[str, ...]
    n_train: int = 2_000
    n_test: int = 500
    image_shape: tuple[int, int] | None = None


_DRAWN = {
    "ellipse": _Recipe(ellipse, ("inside", "outside"), 60_000, 10_000),
    "xor": _Recipe(xor, ("equal signs", "different signs")),
    "moons": _Recipe(moons, ("upper", "lower")),
    "circles": _Recipe(circles, ("outer", "inner")),
    "spiral": _Recipe(spiral, ("first arm", "second arm", "third arm")),
    "blobs": _Recipe(blobs, ("first blob", "second blob", "third blob")),
    "glyphs": _Recipe(draw_glyphs, tuple("0123456789"), 10_000, 2_000, (28, 28)),
}

DATASETS: tuple[str, ...] = (*_DRAWN, *CLASS_NAMES)


def load_dataset(
    name: str,
    *,
    data_dir: StrPath | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    download: bool = False,
    test_only: bool = False,
) -> Dataset:
    """Draw or load a data set by name.

    Parameters
    ----------
    name : str
        One of `DATASETS`.
    data_dir : path, optional
        Folder with the files of a published set, see `load_mnist`. Sets that are drawn do not use it.
    n_train, n_test : int, optional
        Number of samples to draw; for a published set, the number to take from its start. Defaults: 60,000 and
        10,000 (ellipse), the whole of a published set, 10,000 and 2,000 (glyphs), 2,000 and 500 (all others).
    seed : int
        Random seed of the sets that are drawn. The test part depends on `seed` and `n_test`, not on `n_train`.
    download : bool
        If True, download a published set if `data_dir` is not given and the set is not found. This needs pooch.
    test_only : bool
        If True, leave the training part empty and do not look for its files.

    Returns
    -------
    Dataset
        Samples are float64; pixels lie in [0, 1].

    Raises
    ------
    ValueError
        If `name` is unknown, or `n_train` or `n_test` is below 1 or larger than the published set.
    DataError
        If files are missing or invalid, or cannot be downloaded.
    ImportError
        If a set has to be downloaded and pooch is not installed.
    """
    if name not in DATASETS:
        raise ValueError(f"unknown data set {shown(name)}, expected one of {', '.join(DATASETS)}")
    download, test_only = flag("download", download), flag("test_only", test_only)
    for what, n in (("n_train", n_train), ("n_test", n_test)):
        if n is not None:
            whole_number(what, n)
    if name in CLASS_NAMES:
        folder = find_folder(name, ("test",) if test_only else ("train", "test"), data_dir, download=download)
        test = read_split(name, folder, "test", n=n_test)
        train = (test[0][:0], test[1][:0]) if test_only else read_split(name, folder, "train", n=n_train)
        return Dataset(name, *train, *test, CLASS_NAMES[name], IMAGE_SHAPE, f"folder {folder}")
    recipe = _DRAWN[name]
    train_rng, test_rng = generator(seed).spawn(2)
    test = recipe.draw(recipe.n_test if n_test is None else n_test, rng=test_rng)
    if test_only:
        train = (test[0][:0], test[1][:0])
    else:
        train = recipe.draw(recipe.n_train if n_train is None else n_train, rng=train_rng)
    return Dataset(name, *train, *test, recipe.class_names, recipe.image_shape, f"drawn offline, seed {seed}")


def standardize(data: Dataset, scale: Standardizer | None = None) -> Dataset:
    """Return the set with its features scaled to mean 0 and standard deviation 1; images are left unchanged.

    Parameters
    ----------
    data : Dataset
    scale : Standardizer, optional
        Applied to both parts. By default, a `Standardizer` fitted on all training samples.

    Returns
    -------
    Dataset
    """
    if data.image_shape is not None:
        return data
    scale = scale or Standardizer.fit(data.train_x)
    return replace(data, train_x=scale(data.train_x), test_x=scale(data.test_x))
