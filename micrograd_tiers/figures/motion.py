"""A moving picture (GIF) of nets that learn: the plane and the loss of each, frame by frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import MaxNLocator
from PIL import Image

from ..files import PathLike, replacing
from .style import MARKERS, in_own_style, wrapped

COLORS = 256  # the most that a GIF can have
HOLD = 2_000  # milliseconds for which the last frame stays

Curve2d = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class MotionPanel:
    """One net that learns.

    Attributes
    ----------
    color : str
        Color of its losses.
    pictures : list
        One per frame: pixels (H, W, 4) from 0 to 255, the top row first, or the points of a curve, (n, 2).
    captions : list of str
        One per frame.
    losses : list of (float, float)
        Step and loss of each frame; a loss may be NaN or infinite.
    batch_losses : list of (float, float)
        Step and loss of mini-batches.
    """

    color: str
    pictures: Sequence[Sequence[Sequence[object]]]
    captions: Sequence[str]
    losses: Curve2d
    batch_losses: Curve2d


@dataclass(frozen=True)
class MotionPlane:
    """The plane in which the samples lie, the same for all nets.

    Attributes
    ----------
    bounds, loss_bounds : (left, right, bottom, top)
        Ranges of the plane and of the steps and losses.
    axes : (str, str)
        Names of the axes.
    samples : list of (float, float, str, int)
        Place, color and number of the marker of each sample.
    legend : list of (str, str, int)
        Name, color and number of the marker of each kind of sample.
    is_curve : bool
        True if the pictures are curves.
    """

    bounds: tuple[float, float, float, float]
    loss_bounds: tuple[float, float, float, float]
    axes: tuple[str, str]
    samples: Sequence[tuple[float, float, str, int]]
    legend: Sequence[tuple[str, str, int]]
    is_curve: bool


@in_own_style
def motion(
    path: PathLike, plane: MotionPlane, panels: Sequence[MotionPanel], ticks: Sequence[Sequence[int]],
    titles: Sequence[str], *, milliseconds: int,
) -> None:  # fmt: skip
    """Draw nets that learn as a GIF that repeats without end.

    Parameters
    ----------
    path : path-like
    plane : MotionPlane
    panels : sequence of MotionPanel
        One beside the other; the loss of a single one stands beside its plane, those of several below.
    ticks : sequence of sequence of int
        For each picture of the GIF, the number of the frame in each panel.
    titles : sequence of str
        One for each picture of the GIF.
    milliseconds : int
        Time for which a picture is shown.
    """
    columns, rows = (2, 1) if len(panels) == 1 else (len(panels), 2)
    figure = Figure(figsize=(7.2, 3.9) if rows == 1 else (3 * columns, 5.4), dpi=100, layout="constrained")
    grid = figure.subplots(rows, columns, squeeze=False, height_ratios=(3, 2)[:rows])
    title = figure.suptitle(titles[-1], size=12)
    pairs = [*grid] if rows == 1 else [*grid.T]
    updates = [_draw(above, below, plane, panel) for (above, below), panel in zip(pairs, panels, strict=True)]
    handles = [
        grid[0, 0].plot([], [], MARKERS[marker], color=color, mec="black", mew=0.3, label=wrapped(name, 2, lines=1))[0]
        for name, color, marker in plane.legend
    ]
    figure.legend(handles=handles, loc="outside lower center", ncols=min(5, len(handles)), fontsize=8)
    for text in figure.findobj(Text):
        text.set_parse_math(False)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()  # type: ignore[no-untyped-call]
    figure.set_layout_engine("none")  # everything stays where it is
    pictures = []
    for numbers, words in zip(ticks, titles, strict=True):
        title.set_text(words)
        for update, k in zip(updates, numbers, strict=True):
            update(k)
        canvas.draw()  # type: ignore[no-untyped-call]
        pictures.append(Image.fromarray(np.array(canvas.buffer_rgba())[..., :3]))  # type: ignore[no-untyped-call]
    # One palette for all frames: a place that does not change keeps its color, which makes the file smaller.
    few = np.hstack([np.asarray(pictures[k]) for k in (0, len(pictures) // 2, -1)])
    palette = Image.fromarray(few).quantize(COLORS, Image.Quantize.MAXCOVERAGE, dither=Image.Dither.NONE)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    durations = [*[milliseconds] * (len(pictures) - 1), HOLD]
    with replacing(path) as file:
        pictures[0].save(
            file, format="GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=False
        )


def _draw(axes: Axes, loss_axes: Axes, plane: MotionPlane, panel: MotionPanel) -> Callable[[int], None]:
    """Draw the last frame of a panel, and return a function that changes it into frame k."""
    left, right, bottom, top = plane.bounds
    if plane.is_curve:
        (curve,) = axes.plot([], [], color=panel.color, lw=2, zorder=3)
    else:
        image = axes.imshow(_pixels(panel.pictures[-1]), extent=plane.bounds, aspect="auto", interpolation="bilinear")
    for (color, marker), points in groupby(sorted(plane.samples, key=_kind), key=_kind):
        x, y = np.array([point[:2] for point in points]).T
        axes.plot(x, y, MARKERS[marker], color=color, ms=3.5, mec="black", mew=0.3)
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel=plane.axes[0], ylabel=plane.axes[1])
    axes.set_title("", loc="left", fontsize=9)
    loss_axes.plot(*np.array(panel.batch_losses).reshape(-1, 2).T, color="0.75", lw=0.7)
    steps, losses = np.array(panel.losses).T
    loss_axes.plot(steps, losses, color="0.5", lw=1, ls=":")
    (line,) = loss_axes.plot([], [], color=panel.color, lw=2)
    (mark,) = loss_axes.plot([], [], "o", color=panel.color, mec="white", ms=8, clip_on=False, zorder=4)
    first, last, low, high = plane.loss_bounds
    loss_axes.set(xlim=(first, last), ylim=(low, high), xlabel="step", ylabel="loss")
    for each in (axes, loss_axes):
        each.xaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        each.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 5, 10]))
        each.tick_params(labelsize=8)

    def update(k: int) -> None:
        if plane.is_curve:
            curve.set_data(*np.array(panel.pictures[k]).T)
        else:
            image.set_data(_pixels(panel.pictures[k]))
        axes.set_title(panel.captions[k], loc="left", fontsize=9)
        line.set_data(steps[: k + 1], losses[: k + 1])
        mark.set_data(steps[k : k + 1], losses[k : k + 1].clip(max=high))

    update(len(panel.captions) - 1)
    return update


def _pixels(rows: Sequence[Sequence[object]]) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return np.array(rows, np.uint8)


def _kind(sample: tuple[float, float, str, int]) -> tuple[str, int]:
    return sample[2:]
