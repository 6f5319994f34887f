"""Helpers for the tests of the data sets: write IDX files and find the real ones."""

import gzip
import os
import struct
from pathlib import Path

import numpy as np
import pytest

# Read now: tests hide the variable from the package.
DATA = Path(os.environ.get("MICROGRAD_TIERS_DATA") or Path(__file__).resolve().parents[2] / "shared" / "data")
CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}
NAMES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}


def header(*shape, code=0x08):
    """Return an IDX header that claims this shape."""
    return struct.pack(f">4B{len(shape)}I", 0, 0, code, len(shape), *shape)


def idx_bytes(array):
    """Return an array as the bytes of an IDX file."""
    kind = array.dtype.str[1:]
    return header(*array.shape, code=CODES[kind]) + array.astype(f">{kind}").tobytes()


def write_idx(path, array, *, zipped=None):
    """Write an array to an IDX file, gzipped if `zipped`, by default if the name ends in .gz; return the path."""
    zipped = path.suffix == ".gz" if zipped is None else zipped
    content = idx_bytes(array)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content, mtime=0) if zipped else content)
    return path


def write_set(folder, *, n_train=20, n_test=10, suffix=".gz", seed=0):
    """Write a small random set in MNIST's four files; return {split: (images, labels)}."""
    rng = np.random.default_rng(seed)
    arrays = {}
    for split, n in (("train", n_train), ("test", n_test)):
        images = rng.integers(256, size=(n, 28, 28), dtype=np.uint8)
        labels = rng.integers(10, size=n, dtype=np.uint8)
        for name, array in zip(NAMES[split], (images, labels), strict=True):
            write_idx(folder / (name + suffix), array)
        arrays[split] = images, labels
    return arrays


def real_data(name):
    """Return the folder that contains the real set's folder; skip the test if there is none."""
    if not (DATA / name).is_dir():
        pytest.skip(f"no real {name} here: set MICROGRAD_TIERS_DATA to the folder that contains {name}/")
    return DATA
