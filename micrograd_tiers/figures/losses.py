"""Loss curves of one training run, or of the right program and the program with a bug."""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, inf
from typing import Any, Protocol

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from ..arguments import whole_number
from ..colors import PALETTE
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import MOST_LINE_POINTS, plot, wrapped


class LossHistory(Protocol):
    """Losses and accuracies of a training run, such as `training.History`.

    Attributes
    ----------
    batch_loss : list of float
        Mean loss of each mini-batch.
    train_loss, validation_loss, validation_accuracy : list of float
        One entry per epoch.
    """

    batch_loss: list[float]
    train_loss: list[float]
    validation_loss: list[float]
    validation_accuracy: list[float]


@plot
def loss_curves(
    history: LossHistory, *, steps_per_epoch: int, title: str = "", path: PathLike | None = None,
    axes: AxesLike | None = None,
) -> Figure:  # fmt: skip
    """Draw the losses of one training run, by mini-batch and by epoch, and the validation accuracy if there is one.

    The loss of a mini-batch is drawn where it was measured, the mean training loss of an epoch in the middle of the
    epoch, and the validation loss and accuracy at its end. Before the end of the first epoch, the axis counts steps,
    and a line shows the mean of each tenth of them.

    Parameters
    ----------
    history : LossHistory
        History returned by `fit`. Each of its lists may be empty. Accuracies, from 0 to 1, are drawn in percent.
    steps_per_epoch : int
        Number of mini-batches per epoch, at least 1.
    title : str
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        Two panels to draw into, one if there is no validation accuracy, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If `steps_per_epoch` is out of range.
    """
    sheet = Sheet("loss_curves", path, axes)
    whole_number("loss_curves: steps_per_epoch", steps_per_epoch)
    accuracy = 100 * np.asarray(history.validation_accuracy)
    heights = [2, 1] if len(accuracy) else [1]
    n, figsize = len(heights), (6.5, 5.4 if len(accuracy) else 3.8)
    title = wrapped(title, 6, size=12)
    panels = sheet.panels(n, figsize, title, rows=n, columns=1, sharex=True, height_ratios=heights)

    steps, epochs = len(history.batch_loss), len(history.train_loss)
    at = np.arange(1, max(epochs, len(history.validation_loss), len(accuracy)) + 1)
    unit = steps_per_epoch if len(at) else 1
    group = max(1, ceil(steps / MOST_LINE_POINTS))
    if steps:
        starts = np.arange(0, steps, group)
        sizes = np.diff(starts, append=steps)
        means = np.add.reduceat(history.batch_loss, starts) / sizes
        name = "training, each batch" if group == 1 else f"training, mean of {group} batches"
        panels[0].plot((starts + (sizes - 1) / 2) / unit, means, color="0.7", linewidth=0.7, label=name)
    style: dict[str, Any] = {"markersize": min(5, 1 + 150 / (len(at) + 1))}
    validation = style | {"color": PALETTE[3], "marker": "s", "linestyle": "--"}
    if epochs:
        name = "training, mean of the epoch"
        panels[0].plot(at[:epochs] - 0.5, history.train_loss, "o-", color=PALETTE[0], label=name, **style)
    elif not len(at) and steps >= 20:
        tenths = np.array_split(history.batch_loss, 10)
        ends = np.cumsum([*map(len, tenths)])
        name = "training, mean of a tenth of the steps"
        panels[0].plot(
            ends - [len(tenth) / 2 for tenth in tenths], [*map(np.mean, tenths)], "o-", color=PALETTE[0], label=name
        )
    if n := len(history.validation_loss):
        panels[0].plot(at[:n], history.validation_loss, label="validation, end of the epoch", **validation)
    panels[0].set_ylabel("loss")
    finish_losses(panels[0])

    if n := len(accuracy):
        panels[1].plot(at[:n], accuracy, **validation)
        below = max(1.0, 100 - accuracy.min())
        panels[1].set_ylim(100 - 1.1 * below, 100 + 0.1 * below)
        panels[1].set_ylabel("validation\naccuracy (%)")
    panels[-1].set_xlabel("epochs" if len(at) else "steps")
    for panel in panels:
        panel.set_xlim(0, 1.02 * max(1, len(at), ceil(steps / unit)))
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
    return sheet.finished()


@plot
def right_and_wrong(
    losses: tuple[Sequence[float], Sequence[float]],
    accuracies: tuple[Sequence[float], Sequence[float]],
    title: str = "",
    *,
    path: PathLike | None = None,
    axes: AxesLike | None = None,
) -> Figure:
    """Draw loss and accuracy by epoch, of the right program and of the program with a bug.

    Parameters
    ----------
    losses : pair of sequences of float
        Training losses of the right program, then of the program with the bug. Their lengths may differ. A curve ends
        before the first value that is not finite.
    accuracies : pair of sequences of float
        Accuracies, in the same order, from 0 to 1. They are drawn in percent.
    title : str
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        Two panels to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    sheet = Sheet("right_and_wrong", path, axes)
    above, below = sheet.panels(2, (6.5, 5.4), wrapped(title, 6, size=12), rows=2, columns=1, sharex=True)
    styles: tuple[dict[str, Any], ...] = (
        {"color": PALETTE[0], "marker": "o", "label": "right"},
        {"color": PALETTE[3], "marker": "s", "linestyle": "--", "label": "with the bug"},
    )
    for loss, accuracy, style in zip(losses, accuracies, styles, strict=True):
        finite = np.cumprod(np.isfinite(loss)).astype(bool)
        at = np.arange(1, len(loss) + 1)
        above.plot(at[finite], np.asarray(loss)[finite], **style)
        below.plot(np.arange(1, len(accuracy) + 1), 100 * np.asarray(accuracy), **style)
    above.set_ylabel("training loss")
    below.set(ylabel="accuracy (%)", xlabel="epoch", ylim=(0, 103))
    finish_losses(above)
    for panel in (above, below):
        panel.xaxis.set_major_locator(MaxNLocator(integer=True))
        panel.grid(alpha=0.3)
    return sheet.finished()


def finish_losses(axes: Axes) -> None:
    """Start the loss axis at 0, or make it logarithmic if the losses span a factor above 20; add a legend."""
    if axes.lines:
        low, high = axes.dataLim.intervaly
        if 0 < 20 * low < high < inf:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
        elif 0 <= low <= high < inf:
            axes.set_ylim(0, 1.06 * high or 1)
        axes.legend(fontsize=9, framealpha=0.5)
