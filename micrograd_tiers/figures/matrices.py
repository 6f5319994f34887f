"""Picture of matrices: weights, gradients or feature maps in colors, with their numbers if there are few."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil

import numpy as np
from matplotlib import colormaps
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..arguments import whole_number
from ..colors import DIVERGING
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import plot, wrapped

MOST_NUMBERS = 80  # per matrix; more are colors only
DARK = 0.62  # from this share of the largest number on, text on a color is white


@plot
def matrices(
    of: Sequence[ArrayLike], titles: Sequence[str], *, title: str = "", largest: float | None = None,
    x_label: str = "", y_label: str = "", columns: int | None = None, path: PathLike | None = None,
    axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw matrices side by side: negative numbers red, positive blue, zero white, NaN gray.

    A matrix of at most 80 numbers shows them, with up to three significant digits, and numbers its rows and columns.
    All matrices share one scale of colors; a line below the picture gives it if a matrix shows no numbers.

    Parameters
    ----------
    of : sequence of array_like, length N
        At least one matrix. Each has a shape (R, C) of its own.
    titles : sequence of str, length N
    title : str
        Left out if `axes` are given.
    largest : float, optional
        Size from which on the color is fully saturated, above 0. Default: the largest finite size of all numbers.
    x_label, y_label : str
        Meaning of columns and rows.
    columns : int, optional
        Number of matrices per row.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        N panels to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no matrices, one is empty or has no shape (R, C), the lengths differ, or `largest` is not above 0.
    """
    sheet = Sheet("matrices", path, axes)
    arrays = [np.asarray(array, float) + 0.0 for array in of]  # -0.0 becomes 0.0
    if not arrays or len(arrays) != len(titles) or any(array.ndim != 2 or not array.size for array in arrays):
        got = f"{len(arrays)} arrays of shapes {', '.join(str(a.shape) for a in arrays[:5])} and {len(titles)} titles"
        raise ValueError(f"matrices: got {got}; expected at least one matrix of shape (R, C), and a title for each")
    if largest is None:
        finite = np.concatenate([array[np.isfinite(array)] for array in arrays])
        largest = float(abs(finite).max(initial=0)) or 1.0
    if not largest > 0:
        raise ValueError(f"matrices: largest is {largest}, expected a number above 0")
    columns = whole_number("matrices: columns", columns or ceil(len(arrays) / ceil(len(arrays) / 6)))
    rows = ceil(len(arrays) / columns)
    few = [array.size <= MOST_NUMBERS for array in arrays]
    sizes = [_inches(array.shape[0], array.shape[1], numbers) for array, numbers in zip(arrays, few, strict=True)]
    width, height = (max(size) for size in zip(*sizes, strict=True))
    between = 0.6 + 0.2 * bool(x_label)  # for title and labels
    figsize = (max(3.2, columns * width + 0.8), max(1.6, rows * (height + between) + 0.4 * bool(title)))
    heading = wrapped(title, figsize[0] - 0.2, size=12) * sheet.own
    panels = sheet.panels(len(arrays), figsize, heading, rows=rows, columns=columns)
    colors = colormaps[DIVERGING].with_extremes(bad="0.7")
    scale = Normalize(-largest, largest)
    for k, (panel, array, text, numbers) in enumerate(zip(panels, arrays, titles, few, strict=True)):
        panel.imshow(array, cmap=colors, norm=scale, interpolation="nearest")
        panel.set_title(wrapped(text, width + 0.3), fontsize=10)
        panel.set_xlabel(x_label)
        panel.set_ylabel(y_label if k % columns == 0 else "")
        R, C = array.shape
        panel.set(xticks=range(C) if numbers else [], yticks=range(R) if numbers else [])
        panel.tick_params(length=0, labelsize=8)
        if numbers:
            for (r, c), number in np.ndenumerate(array):
                color = "white" if abs(number) > DARK * largest else "black"
                panel.text(c, r, f"{number:.3g}", ha="center", va="center", fontsize=8, color=color)
    if sheet.own and not all(few):
        words = f"red: negative, blue: positive; full color from {largest:.3g} on"
        sheet.figure.supxlabel(wrapped(words, figsize[0] - 0.2, size=9), fontsize=9)
    return sheet.finished()


def _inches(R: int, C: int, numbers: bool) -> tuple[float, float]:
    """Return the width and height of a matrix of R rows and C columns, in inches."""
    if numbers:
        return max(1.0, 0.66 * C), max(0.4, 0.4 * R)
    return 1.3 * min(1.6, max(0.5, C / R)), 1.3 * min(1.6, max(0.5, R / C))
