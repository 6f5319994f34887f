"""Picture of a confusion matrix."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.colors import PowerNorm
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..files import PathLike, picture_format
from .style import in_own_style, save, wrapped


@in_own_style
def confusion_matrix(path: PathLike, counts: ArrayLike, class_names: Sequence[object], title: str) -> None:
    """Draw a confusion matrix, with the true classes in rows and the predicted classes in columns.

    Parameters
    ----------
    path : path-like
    counts : array_like of int, shape (C, C)
        Number of samples per pair of classes, as `metrics.confusion_matrix` returns it.
    class_names : sequence, length C
    title : str
        The accuracy in percent is added below it.

    Raises
    ------
    ValueError
        If `class_names` is empty or `counts` does not have shape (C, C).
    """
    picture_format(path)
    counts = np.asarray(counts, int)
    C = len(class_names)
    if counts.shape != (C, C) or not C:
        raise ValueError(f"confusion_matrix: counts has shape {counts.shape}, expected ({C}, {C}) for {C} class names")
    total, right = counts.sum(), counts.trace()
    accuracy = f"accuracy {100 * right / total:.2f}% ({right:,} of {total:,})" if total else "no samples"
    size = max(3.0, 0.52 * C)
    figure = Figure(figsize=(size + 1.4, size + 1.6), layout="constrained")
    figure.suptitle(wrapped(title, size + 1, size=11) + "\n" + accuracy, fontsize=11)
    axes = figure.subplots()
    # On a square-root scale, a few mistakes stay visible beside thousands of correct answers.
    shade = PowerNorm(0.5, vmin=0, vmax=max(1, counts.max()))
    axes.imshow(counts, cmap="Blues", norm=shade)
    for (i, j), count in np.ndenumerate(counts):
        color = "white" if shade(count) > 0.55 else "black"
        axes.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8, color=color)
    names = [wrapped(name, 1.5, lines=2) for name in class_names]
    widest = max(len(line) for name in names for line in name.split("\n"))
    axes.set_xticks(range(C), names)
    axes.set_yticks(range(C), names)
    if 0.08 * widest > 0.9 * size / C:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    save(figure, path)
