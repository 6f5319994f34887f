"""Find and load the four files of MNIST, Fashion-MNIST or another set in their form.

All sets have images of 28 x 28 pixels in IDX files, so every function here takes the name of the set.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from ..arguments import whole_number
from ..errors import DataError
from .download import SOURCES, cache_folder
from .download import download as fetch
from .idx import read_idx
from .published import SETS, SPLITS, belongs_to_another, plain, set_with_labels

StrPath = str | os.PathLike[str]

DATA_VARIABLE = "MICROGRAD_TIERS_DATA"  # environment variable with the folder of the sets
IMAGE_SHAPE = (28, 28)
CLASS_NAMES = {name: published.class_names for name, published in SETS.items()}


def load_mnist(
    data_dir: StrPath | None = None, split: str = "train", *, download: bool = False, dtype: DTypeLike = "float64"
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Load one split of MNIST: handwritten digits.

    If `data_dir` is given, only that folder is searched. Otherwise the search goes through the folder that the
    environment variable MICROGRAD_TIERS_DATA names, then the download cache. In `data_dir` and in the folder of the
    environment variable, the subfolders `mnist`, `MNIST` and so on are searched first, each with its subfolder `raw`
    (the layout of torchvision).

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
    return read_split("mnist", find_folder("mnist", [split], data_dir, download=download), split, dtype=dtype)


def load_fashion_mnist(
    data_dir: StrPath | None = None, split: str = "train", *, download: bool = False, dtype: DTypeLike = "float64"
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Load one split of Fashion-MNIST: ten kinds of clothing, in the same shape as MNIST.

    Parameters, returns and errors are those of `load_mnist`; the subfolder is `fashion-mnist`.
    """
    return read_split(
        "fashion-mnist", find_folder("fashion-mnist", [split], data_dir, download=download), split, dtype=dtype
    )


def find_dataset(name: str, data_dir: StrPath | None = None) -> Path | None:
    """Return the folder in which `load_dataset` would find all four files of a published set.

    Parameters
    ----------
    name : str
        "mnist", "fashion-mnist", "kmnist", "qmnist", or an "emnist-" set.
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
    return _first_with_all(name, _folders(name, data_dir), SPLITS)


def dataset_files(name: str, folder: Path) -> list[Path]:
    """Return those of a set's four files that are in this folder."""
    found = (_file(folder, file) for split in SPLITS for file in _names(name, split))
    return [file for file in found if file]


def find_folder(name: str, splits: Sequence[str], data_dir: StrPath | None, *, download: bool) -> Path:
    """Return the first folder that holds these splits, or download them if asked to; otherwise raise DataError."""
    for split in splits:
        _check_split(split)
    folders = _folders(name, data_dir)
    if folder := _first_with_all(name, folders, splits):
        return folder
    if download and data_dir is None and name in SOURCES:
        return fetch(name)
    files = ", ".join(file for split in splits for file in _names(name, split))
    places = " or ".join(str(folder) for folder in folders if folder.name != "raw") or "any folder (none is given)"
    ways_out = f"name their folder with --data-dir or {DATA_VARIABLE}"
    if name in SOURCES:
        ways_out += f", or run `micrograd-tiers data download {name}`"
    raise DataError(f"{name}: did not find {files} (with or without .gz) in {places}; {ways_out}")


def read_split(
    name: str, folder: Path, split: str, *, dtype: DTypeLike = "float64", n: int | None = None
) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Return the first `n` images (N, 784), scaled to [0, 1], and labels (N,) of the split in this folder."""
    _check_split(split)
    if np.dtype(dtype) not in (np.float64, np.float32):
        raise ValueError(f"dtype is {dtype!r}, expected 'float64' or 'float32'")
    images_path, labels_path = (_file(folder, file) or folder / file for file in _names(name, split))
    labels = _read_labels(name, labels_path, split)
    if n is not None and whole_number(f"n_{split}", n) > len(labels):
        raise ValueError(f"n_{split} is {n}, expected at most {len(labels)}, the number of labels in {labels_path}")
    images = read_idx(images_path, item_shape=IMAGE_SHAPE)
    if len(images) != len(labels):
        raise DataError(
            f"{images_path}: {len(images)} images, expected {len(labels)}, the number of labels in "
            f"{labels_path}; get both files again"
        )
    if SETS[name].transposed:
        images = images.transpose(0, 2, 1)
    images = images[:n]
    return np.divide(images.reshape(len(images), -1), 255, dtype=dtype), labels[:n].astype(np.int64)


def _read_labels(name: str, path: Path, split: str) -> NDArray[np.integer[Any]]:
    """Return labels (N,) from 0; raise DataError if they are not in the range of the set, or those of another set."""
    published = SETS[name]
    if published.label_columns:
        labels = read_idx(path, item_shape=(published.label_columns,), element="int32")[:, 0]
    else:
        labels = read_idx(path, item_shape=())
        owner = set_with_labels(zlib.crc32(labels.tobytes()), split)
        if owner not in (None, name):
            raise DataError(f"{path}: these are the labels of {owner}, expected those of {name}; choose --data {owner}")
    first, last = published.first_label, published.first_label + len(published.class_names) - 1
    wrong = np.flatnonzero((labels < first) | (labels > last))
    if len(wrong):
        raise DataError(
            f"{path}: label {wrong[0]} is {labels[wrong[0]]}, expected {first} to {last} for {name}; get the file "
            "again, or choose the set that it is from with --data"
        )
    return labels - first


def _names(name: str, split: str) -> tuple[str, str]:
    """Return the names of the files of images and of labels."""
    return SETS[name].files[SPLITS.index(split)]


def _check_split(split: str) -> None:
    if split not in SPLITS:
        raise ValueError(f"split is {split!r}, expected one of {', '.join(map(repr, SPLITS))}")


def _folders(name: str, data_dir: StrPath | None) -> list[Path]:
    """Return the folders to search for a set, in order.

    Several sets have files of the same names. Hence a subfolder with the name of the set comes first, and a folder with
    the name of another set is left out. Each is followed by its subfolder "raw".
    """
    if name not in SETS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(map(repr, SETS))}")
    folders = []
    if root := data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE):
        root = Path(root).expanduser()
        folders = [root / name, *_subfolders(root, SETS[name].folders)]
        if not belongs_to_another(root.resolve(), name):
            folders.append(root)
    if data_dir is None and (cache := cache_folder(name)):
        folders.append(cache)
    return [place for folder in dict.fromkeys(folders) for place in (folder, folder / "raw")]


def _subfolders(root: Path, names: Sequence[str]) -> list[Path]:
    """Return the subfolders of a folder with one of these names, however they are written."""
    try:
        return sorted(path for path in root.iterdir() if plain(path.name) in names)
    except OSError:  # no such folder, or one that may not be read
        return []


def _first_with_all(name: str, folders: Sequence[Path], splits: Sequence[str]) -> Path | None:
    """Return the first folder that holds the images and the labels of every split."""
    files = [file for split in splits for file in _names(name, split)]
    return next((folder for folder in folders if all(_file(folder, file) for file in files)), None)


def _file(folder: Path, name: str) -> Path | None:
    """Return the file in the folder, gzipped or not, with "-idx" or ".idx" in its name; None if there is none."""
    spellings = (name, name.replace("-idx", ".idx"))
    paths = (folder / (spelling + suffix) for spelling in spellings for suffix in (".gz", ""))
    return next((path for path in paths if os.path.isfile(path)), None)  # unlike Path.is_file, never raises
