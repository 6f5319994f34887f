"""Find and load the four files of MNIST and Fashion-MNIST.

The two sets have the same format, so every function here takes the name of the set.
MNIST: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998. Fashion-MNIST: H. Xiao, K. Rasul and R. Vollgraf, "Fashion-MNIST: a novel
image dataset for benchmarking machine learning algorithms", arXiv:1708.07747, 2017.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..arguments import whole_number
from ..errors import DataError
from .download import cache_folder
from .download import download as fetch
from .idx import read_idx

StrPath = str | os.PathLike[str]

DATA_VARIABLE = "MICROGRAD_TIERS_DATA"  # environment variable with the folder of the sets
IMAGE_SHAPE = (28, 28)
CLASS_NAMES = {
    "mnist": tuple("0123456789"),
    "fashion-mnist": (
        *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
        *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
    ),
}
FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def load_mnist(
    data_dir: StrPath | None = None, split: str = "train", *, download: bool = False, dtype: DTypeLike = "float64"
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Load one split of MNIST: handwritten digits.

    If `data_dir` is given, only that folder is searched. Otherwise the search goes through the folder that the
    environment variable MICROGRAD_TIERS_DATA names, then the download cache. In `data_dir` and in the folder of the
    environment variable, the subfolder `mnist` is searched first.

    Parameters
    ----------
    data_dir : path, optional
        Folder with the files, gzipped or not, under their official names.
    split : {"train", "test"}
        60,000 training images or 10,000 test images.
    download : bool
        If True, download the set if `data_dir` is not given and the set is not found.
    dtype : {"float64", "float32"}
        Element type of the images.

    Returns
    -------
    X : ndarray, shape (N, 784)
        Pixels in [0, 1], white (1) on black (0), row by row from the top.
    y : ndarray of int64, shape (N,)
        Labels, 0 to 9.

    Raises
    ------
    ValueError
        If `split` or `dtype` is not one of the values above.
    DataError
        If the files are missing or invalid, or cannot be downloaded.
    ImportError
        If the set has to be downloaded and pooch is not installed.
    """
    return read_split(find_folder("mnist", [split], data_dir, download=download), split, dtype=dtype)


def load_fashion_mnist(
    data_dir: StrPath | None = None, split: str = "train", *, download: bool = False, dtype: DTypeLike = "float64"
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Load one split of Fashion-MNIST: ten kinds of clothing, in the same shape as MNIST.

    Parameters, returns and errors are those of `load_mnist`; the subfolder is `fashion-mnist`.
    """
    return read_split(find_folder("fashion-mnist", [split], data_dir, download=download), split, dtype=dtype)


def find_dataset(name: str, data_dir: StrPath | None = None) -> Path | None:
    """Return the folder in which `load_mnist` or `load_fashion_mnist` would find all four files of a set.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist"}
    data_dir : path, optional
        As in `load_mnist`.

    Returns
    -------
    Path or None
        None if no folder has all four files.

    Raises
    ------
    ValueError
        If `name` is unknown.
    """
    return _first_with_all(_folders(name, data_dir), list(FILES))


def dataset_files(folder: Path) -> list[Path]:
    """Return those of a set's four files that are in this folder."""
    found = (_file(folder, file) for files in FILES.values() for file in files)
    return [file for file in found if file]


def find_folder(name: str, splits: Sequence[str], data_dir: StrPath | None, *, download: bool) -> Path:
    """Return the first folder that holds these splits, or download them if asked to; otherwise raise DataError."""
    for split in splits:
        _check_split(split)
    folders = _folders(name, data_dir)
    if folder := _first_with_all(folders, splits):
        return folder
    if download and data_dir is None:
        return fetch(name)
    files = ", ".join(file for split in splits for file in FILES[split])
    places = " or ".join(map(str, folders)) or "any folder (none is given)"
    ways_out = f"name their folder with --data-dir or {DATA_VARIABLE}, or run `micrograd-tiers data download {name}`"
    raise DataError(f"{name}: did not find {files} (with or without .gz) in {places}; {ways_out}")


def read_split(
    folder: Path, split: str, *, dtype: DTypeLike = "float64", n: int | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the first `n` images (N, 784), scaled to [0, 1], and labels (N,) of the split in this folder."""
    _check_split(split)
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise ValueError(f"dtype is {dtype!r}, expected 'float64' or 'float32'")
    images_path, labels_path = (_file(folder, file) or folder / file for file in FILES[split])
    labels = read_idx(labels_path, item_shape=())
    wrong = np.flatnonzero(labels > 9)
    if len(wrong):
        raise DataError(f"{labels_path}: label {wrong[0]} is {labels[wrong[0]]}, expected 0 to 9; get the file again")
    if n is not None and whole_number(f"n_{split}", n) > len(labels):
        raise ValueError(f"n_{split} is {n}, expected at most {len(labels)}, the number of labels in {labels_path}")
    images = read_idx(images_path, item_shape=IMAGE_SHAPE)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path}: {len(images)} images, expected {len(labels)}, the number of labels in "
            f"{labels_path}; get both files again"
        )
    images = images[:n]
    return np.divide(images.reshape(len(images), -1), 255, dtype=dtype), labels[:n].astype(np.int64)


def _check_split(split: str) -> None:
    if split not in FILES:
        raise ValueError(f"split is {split!r}, expected one of {', '.join(map(repr, FILES))}")


def _folders(name: str, data_dir: StrPath | None) -> list[Path]:
    """Return the folders to search for a set, in order.

    The file names are the same in both sets, so only a folder's name can tell them apart. Hence a subfolder with the
    name of the set comes first, and a folder with the name of the other set is left out.
    """
    if name not in CLASS_NAMES:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(map(repr, CLASS_NAMES))}")
    folders = []
    if root := data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE):
        root = Path(root).expanduser()
        folders = [root / name]
        if root.resolve().name not in CLASS_NAMES.keys() - {name}:
            folders.append(root)
    if data_dir is None and (cache := cache_folder(name)):
        folders.append(cache)
    return folders


def _first_with_all(folders: Sequence[Path], splits: Sequence[str]) -> Path | None:
    """Return the first folder that holds the images and the labels of every split."""
    files = [file for split in splits for file in FILES[split]]
    return next((folder for folder in folders if all(_file(folder, file) for file in files)), None)


def _file(folder: Path, name: str) -> Path | None:
    """Return the file in the folder, gzipped or not, with "-idx" or ".idx" in its name; None if there is none."""
    spellings = (name, name.replace("-idx", ".idx"))
    paths = (folder / (spelling + suffix) for spelling in spellings for suffix in (".gz", ""))
    return next((path for path in paths if os.path.isfile(path)), None)  # unlike Path.is_file, never raises
