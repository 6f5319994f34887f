"""Data sets by name: points in the plane, digits drawn offline, MNIST and other sets in its form, names.

`load_dataset` returns any of them as a `Dataset`, and names as `Documents`. The functions that it calls are public too:
each draws or loads one set and takes that set's own options. These modules import NumPy and, from the package, only its
errors, its argument checks, its random generator, its tokenizer and the HTML that a notebook shows.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Literal, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from ..arguments import flag, shown, whole_number
from ..rng import generator
from .dataset import Dataset
from .digits import prepare_digit
from .documents import Documents, draw_names
from .glyphs import draw_glyphs
from .grammar import Grammar
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
from .perfect import PerfectModel
from .preparation import Standardizer, train_validation_split
from .text_files import find_makemore_names, load_makemore_names, load_text
from .toy import blobs, circles, ellipse, moons, spiral, xor

__all__ = [
    "DATASETS",
    "TEXTS",
    "Dataset",
    "Documents",
    "Grammar",
    "PerfectModel",
    "Standardizer",
    "blobs",
    "circles",
    "draw_glyphs",
    "ellipse",
    "find_dataset",
    "find_makemore_names",
    "load_dataset",
    "load_fashion_mnist",
    "load_mnist",
    "load_text",
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

DATASETS: tuple[str, ...] = (*_DRAWN, *CLASS_NAMES)  # of samples with classes
TEXTS = ("names", "makemore-names")  # sets of documents


@overload
def load_dataset(
    name: Literal["names", "makemore-names"],
    *,
    data_dir: StrPath | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    download: bool = False,
    test_only: bool = False,
) -> Documents: ...


@overload
def load_dataset(
    name: str,
    *,
    data_dir: StrPath | None = None,
    n_train: int | None = None,
    n_test: int | None = None,
    seed: int = 0,
    download: bool = False,
    test_only: bool = False,
) -> Dataset: ...


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
        One of `DATASETS`; or "names" (names drawn by rules) or "makemore-names" (32,033 first names).
    data_dir : path, optional
        Folder with the files of a published set, see `load_mnist`; for "makemore-names", with names/names.txt. Sets
        that are drawn do not use it.
    n_train, n_test : int, optional
        Number of samples to draw; for a published set, the number to take from its start. Defaults: 60,000 and
        10,000 (ellipse), the whole of a published set, 10,000 and 2,000 (glyphs), 32,000 and 2,000 (names), 2,000 and
        500 (all others).
    seed : int
        Random seed of the sets that are drawn. The test part depends on `seed` and `n_test`, not on `n_train`. The
        names of makemore have no test part of their own: they are shuffled, and the last tenth, or the last `n_test`,
        are the test part.
    download : bool
        If True, download a published set if `data_dir` is not given and the set is not found. This needs pooch.
    test_only : bool
        If True, leave the training part empty and do not look for its files.

    Returns
    -------
    Dataset
        Samples are float64; pixels lie in [0, 1]. Sets of names are `Documents`: their samples are token numbers.

    Raises
    ------
    ValueError
        If `name` is unknown, or `n_train` or `n_test` is below 1 or larger than the published set.
    DataError
        If files are missing or invalid, or cannot be downloaded.
    ImportError
        If a set has to be downloaded and pooch is not installed.
    """
    if name not in (*DATASETS, *TEXTS):
        raise ValueError(f"unknown data set {shown(name)}, expected one of {', '.join((*DATASETS, *TEXTS))}")
    download, test_only = flag("download", download), flag("test_only", test_only)
    for what, n in (("n_train", n_train), ("n_test", n_test)):
        if n is not None:
            whole_number(what, n)
    if name == "names":
        return draw_names(n_train, n_test, seed, test_only=test_only)
    if name == "makemore-names":
        return load_makemore_names(data_dir, n_train, n_test, seed, download=download, test_only=test_only)
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
