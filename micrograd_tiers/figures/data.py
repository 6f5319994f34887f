"""Pictures of data sets: images in a grid, images before and after preparation, points in the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import ceil
from typing import Any

import numpy as np
from matplotlib.colors import to_rgba_array
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle
from matplotlib.ticker import MaxNLocator
from numpy.typing import ArrayLike, NDArray

from ..arguments import whole_number
from ..colors import PALETTE
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import MARKERS, plot, wrapped

MOST_SCATTER_POINTS = 3_000
REGION_PIXELS = 200  # per side


@plot
def image_grid(
    images: ArrayLike, captions: Sequence[str], *, title: str = "", colors: Sequence[str] | None = None,
    columns: int | None = None, path: PathLike | None = None, axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw gray images in a grid, each framed and with a caption below it.

    Parameters
    ----------
    images : array_like, shape (N, H, W)
        Brightness from 0 (black) to 1 (white). N may be 0, and should not exceed about 60.
    captions : sequence of str, length N
    title : str
        Left out if `axes` are given.
    colors : sequence of str, length N, optional
        Colors of the captions, by their matplotlib names. Default: all black.
    columns : int, optional
        Number of images per row.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        N panels to draw into, one if N is 0, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `images` does not have shape (N, H, W), or `captions` or `colors` does not have length N.
    """
    sheet = Sheet("image_grid", path, axes)
    images = np.asarray(images)
    N = len(images)
    colors = ["black"] * N if colors is None else colors
    if (N and images.ndim != 3) or len(captions) != N or len(colors) != N:
        got = f"images has shape {images.shape}, with {len(captions)} captions and {len(colors)} colors"
        raise ValueError(f"image_grid: {got}; expected (N, H, W), N and N")
    columns = whole_number("image_grid: columns", columns or max(1, min(N, 8, ceil((1.7 * N) ** 0.5))))
    rows = max(1, ceil(N / columns))
    labels = [wrapped(caption, 0.76, size=7) for caption in captions]
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    width = max(3.2, 0.81 * columns)
    height = min(1.2, width / columns) * (images.shape[1] / images.shape[2] if N else 1)
    title = wrapped(title if N else f"{title}: none" if title else "none", width - 0.2, size=12)
    figsize = (width, 0.6 + rows * (height + 0.13 * lines + 0.05))
    panels = sheet.panels(max(1, N), figsize, title * sheet.own, rows=rows, columns=columns)
    for panel, image, label, color in zip(panels, images, labels, colors, strict=False):
        panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panel.set_title(label, y=0, pad=-3, va="top", fontsize=7, color=color)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(color="0.7", linewidth=0.5)
    for panel in panels[N:]:
        panel.set_axis_off()
    return sheet.finished()


@plot
def prepared_images(
    pictures: Sequence[ArrayLike], boxes: Sequence[tuple[int, int, int, int]], images: ArrayLike,
    captions: Sequence[str], *, title: str = "", path: PathLike | None = None, axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw pairs of gray images, three in a row: a picture with the box that was found in it, and the prepared image.

    Parameters
    ----------
    pictures : sequence of array_like, length N
        Each has a shape (H, W) of its own. Brightness from 0 (black) to 1 (white).
    boxes : sequence of (int, int, int, int), length N
        First row, last row + 1, first column and last column + 1 of each box.
    images : array_like, shape (N, h, w)
        Prepared images.
    captions : sequence of str, length N
        Captions of the prepared images.
    title : str
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        2N panels to draw into, in pairs, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no pictures, or the lengths differ.
    """
    sheet = Sheet("prepared_images", path, axes)
    images = np.asarray(images)
    N = len(pictures)
    if not N or not N == len(boxes) == len(images) == len(captions):
        got = f"{N} pictures, {len(boxes)} boxes, {len(images)} images and {len(captions)} captions"
        raise ValueError(f"prepared_images: {got}; expected the same number of each, at least 1")
    columns = min(N, 3)
    rows = ceil(N / columns)
    figsize = (max(3.2, 2.8 * columns), 0.5 + 1.7 * rows)
    panels = sheet.panels(2 * N, figsize, wrapped(title, 2.8 * columns, size=12), rows=rows, columns=2 * columns)
    for panel, (top, bottom, left, right) in zip(panels[::2], boxes, strict=True):
        corner, width, height = (left - 0.5, top - 0.5), right - left, bottom - top
        panel.add_patch(Rectangle(corner, width, height, fill=False, edgecolor=PALETTE[3], linewidth=1.5))
    shown = [gray for pair in zip(pictures, images, strict=True) for gray in pair]
    labels = [label for caption in captions for label in ("picture", caption)]
    for panel, gray, label in zip(panels, shown, labels, strict=True):
        panel.imshow(gray, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panel.set(xticks=[], yticks=[])
        panel.set_xlabel(wrapped(label, 1.3, size=8), fontsize=8)
        panel.spines[:].set(color="0.7", linewidth=0.5)
    return sheet.finished()


@plot
def scatter_2d(
    X: ArrayLike, y: ArrayLike, class_names: Sequence[object], *, title: str = "",
    predict: Callable[[NDArray[Any]], ArrayLike] | None = None, path: PathLike | None = None,
    axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw labeled points in the plane and, behind them, the decision regions of a net.

    Parameters
    ----------
    X : array_like, shape (N, 2)
        Points, N at least 1. Only the first 3,000 are drawn.
    y : array_like of int, shape (N,)
        Class labels, 0 to C - 1.
    class_names : sequence, length C
    title : str
    predict : callable, optional
        Function from points, shape (n, 2), to class labels, shape (n,), such as ``net.predict``, or to probabilities,
        shape (n, C), such as ``net.predict_proba``, whose colors are mixed. It is called once, with 40,000 points.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : Axes, optional
        One panel to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `X` or `y` has another shape, or there are no points. Points with NaN or infinity are left out.
    """
    sheet = Sheet("scatter_2d", path, axes)
    X, y = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or y.shape != X.shape[:1] or not len(X):
        raise ValueError(f"scatter_2d: X has shape {X.shape}, y {y.shape}; expected (N, 2) and (N,), N at least 1")
    finite = np.isfinite(X).all(axis=1)
    X, y = np.asarray(X[finite], float)[:MOST_SCATTER_POINTS], np.asarray(y[finite])[:MOST_SCATTER_POINTS]
    if not len(X):
        raise ValueError("scatter_2d: X has NaN or infinity in every point, expected at least one finite point")
    (panel,) = sheet.panels(1, (6.5, 5), wrapped(title, 6, size=12))
    low, high = X.min(axis=0), X.max(axis=0)
    margin = np.where(high > low, 0.05 * (high - low), 1)
    (left, bottom), (right, top) = low - margin, high + margin
    if predict is not None:
        centers = (np.arange(REGION_PIXELS) + 0.5) / REGION_PIXELS
        x1, x2 = np.meshgrid(left + (right - left) * centers, bottom + (top - bottom) * centers)
        predicted = np.asarray(predict(np.column_stack([x1.ravel(), x2.ravel()])))
        colors = to_rgba_array(PALETTE)
        if predicted.ndim == 2:
            regions = np.clip(predicted @ np.resize(colors, (predicted.shape[1], 4)), 0, 1)  # sums may round up
        else:
            regions = colors[predicted.astype(int) % len(colors)]
        panel.imshow(
            regions.reshape(*x1.shape, 4), alpha=0.3, extent=(left, right, bottom, top), origin="lower", aspect="auto"
        )
    for i, name in enumerate(class_names):
        points, color, sign = X[y == i], PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        panel.plot(*points.T, sign, color=color, ms=4.2, mec="black", mew=0.3, label=wrapped(name, 1.5, lines=2))
    panel.set(xlim=(left, right), ylim=(bottom, top), xlabel="feature 0", ylabel="feature 1")
    for axis in (panel.xaxis, panel.yaxis):
        if axis.get_scale() == "linear":
            axis.set_major_locator(MaxNLocator(6))
    if sheet.own:
        sheet.figure.legend(loc="outside right upper")
    else:
        panel.legend()
    return sheet.finished()
