"""The form of a data set: a training part and a test part."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import html
from ..formats import cut


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
