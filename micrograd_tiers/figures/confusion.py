"""Picture of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import plot, wrapped


@plot
def confusion_matrix(
    counts: ArrayLike, class_names: Sequence[object], title: str = "", *, path: PathLike | None = None,
    axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw a confusion matrix, with the true classes in rows and the predicted classes in columns.

    Parameters
    ----------
    counts : array_like of int, shape (C, C)
        Number of samples per pair of classes, as `metrics.confusion_matrix` returns it.
    class_names : sequence, length C
    title : str
        The accuracy in percent is added below it.
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
        If `class_names` is empty, or `counts` does not have shape (C, C) or is not finite.
    """
    sheet = Sheet("confusion_matrix", path, axes)
    numbers = np.asarray(counts, float)
    if not np.isfinite(numbers).all():
        raise ValueError("confusion_matrix: counts has NaN or infinity, expected numbers of samples")
    counts = numbers.astype(int)
    C = len(class_names)
    if counts.shape != (C, C) or not C:
        raise ValueError(f"confusion_matrix: counts has shape {counts.shape}, expected ({C}, {C}) for {C} class names")
    total, right = counts.sum(), counts.trace()
    accuracy = f"accuracy {100 * right / total:.2f}% ({right:,} of {total:,})" if total else "no samples"
    size = max(3.0, 0.52 * C)
    title = "\n".join(filter(None, [wrapped(title, size + 1, size=12), accuracy]))
    (panel,) = sheet.panels(1, (size + 1.4, size + 1.6), title)
    # On a square-root scale, a few mistakes stay visible beside thousands of correct answers.
    shade = PowerNorm(0.5, vmin=0, vmax=max(1, counts.max()))
    panel.imshow(counts, cmap="Blues", norm=shade)
    for (i, j), count in np.ndenumerate(counts):
        color = "white" if shade(count) > 0.55 else "black"
        panel.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8, color=color)
    names = [wrapped(name, 1.5, lines=2) for name in class_names]
    widest = max(len(line) for name in names for line in name.split("\n"))
    panel.set_xticks(range(C), names)
    panel.set_yticks(range(C), names)
    if 0.08 * widest > 0.9 * size / C:
        for label in panel.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    panel.set_xlabel("predicted class")
    panel.set_ylabel("true class")
    return sheet.finished()
