"""Pictures: tiers side by side, training curves, confusion matrices, images, points in the plane.

The one module that draws. Figures are built without pyplot, so no window, back end or global setting is
touched. Each function writes one file, whole or not at all, as PNG, SVG or PDF by the suffix of its path (PNG where
there is none), and raises a ValueError if the suffix is another one or its arrays do not belong together.
"""

import os
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import PowerNorm, to_rgba_array
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import EngFormatter, Locator, LogLocator, MaxNLocator, NullFormatter
from matplotlib.transforms import offset_copy
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .files import picture_format, replacing
from .lab.race import CONTENDERS, Row
from .lab.race.growth import NETS, GrowthCurve
from .training_state import History

PathLike = str | os.PathLike[str]

DPI = 150

# M. Okabe, K. Ito (2008), "Color Universal Design": eight colors that color-blind readers can tell apart; and two more.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#F0E442", "#882255", "#999999",
)  # fmt: skip
TIER_COLORS = {"scalar": "#E69F00", "vector": "#56B4E9", "tensor": "#0072B2"}
KIND_COLORS = {"engine": "#009E73", "exact": "#999999", "opponent": "#CC79A7", "limit": "#000000"}
OTHER_TIER_COLORS = ("#CC79A7", "#009E73", "#D55E00", "#000000")
MARKERS = "os^DvPX*<>"  # so that color is not the only sign

MOST_LINE_POINTS = 2_000  # more cannot be told apart on paper
MOST_SCATTER_POINTS = 3_000
REGION_PIXELS = 200  # a side


@dataclass(frozen=True)
class Curve:
    """What one tier did in a comparison.

    Attributes
    ----------
    tier : str
    samples_seen : ndarray, shape (B,)
        Samples seen when each of the B mini-batches was done, ascending.
    loss : ndarray, shape (B,)
        Mean training loss of each mini-batch.
    samples_per_second : float
        Training speed, more than 0.
    """

    tier: str
    samples_seen: NDArray[Any]
    loss: NDArray[Any]
    samples_per_second: float


@dataclass(frozen=True)
class ComparisonCase:
    """One net on one data set, trained at several tiers: a row of the picture.

    Attributes
    ----------
    title : str
        The net and the data, as in "784-300-10 on glyphs".
    curves : list of Curve
        At least one; speeds are compared with the first one's.
    verdict : str
        One sentence on how far the tiers agree.
    """

    title: str
    curves: list[Curve]
    verdict: str


def comparison(path: PathLike, cases: Sequence[ComparisonCase]) -> None:
    """Draw what tiers share, the training loss, beside what sets them apart, the speed: one row per case.

    Parameters
    ----------
    path : path-like
    cases : sequence of ComparisonCase
        At least one.
    """
    picture_format(path)
    if not cases or not all(case.curves for case in cases):
        raise ValueError("comparison: expected at least one case, and at least one curve in each")
    texts = [(_wrapped(case.title, 7, size=12), _wrapped(case.verdict, 4, size=9)) for case in cases]
    heights = [3.2 + 0.2 * title.count("\n") + 0.15 * verdict.count("\n") for title, verdict in texts]
    figure = Figure(figsize=(8, sum(heights)), layout="constrained")
    rows = figure.subfigures(len(cases), 1, height_ratios=heights, squeeze=False, hspace=0.04)[:, 0]
    for row, case, (title, verdict) in zip(rows, cases, texts, strict=True):
        row.suptitle(title, fontsize=12, fontweight="bold")
        others = [curve.tier for curve in case.curves if curve.tier not in TIER_COLORS]
        colors = TIER_COLORS | {tier: OTHER_TIER_COLORS[i % 4] for i, tier in enumerate(dict.fromkeys(others))}
        left, right = row.subplots(1, 2, width_ratios=[1.1, 1])
        left.set_title(verdict, loc="left", fontsize=9)
        _draw_losses(left, case.curves, colors)
        _draw_speeds(right, case.curves, colors)
    _save(figure, path)


def _draw_losses(axes: Axes, curves: list[Curve], colors: dict[str, str]) -> None:
    longest, shortest = (f((len(curve.loss) for curve in curves if len(curve.loss)), default=1) for f in (max, min))
    smooth = longest > 100
    drawn = np.unique(np.geomspace(1, longest, MOST_LINE_POINTS).astype(int)) - 1
    for i, curve in enumerate(curves):  # the widest line lies at the bottom: equal curves stay visible
        if len(curve.loss):
            keep = np.union1d(drawn[drawn < len(curve.loss)], len(curve.loss) - 1)
            loss = (_running_mean(curve.loss) if smooth else np.asarray(curve.loss))[keep]
            width = 1.3 + 6 * (1 - (i + 1) / len(curves))
            seen, name = np.asarray(curve.samples_seen)[keep], _wrapped(curve.tier, 1.3, lines=2)
            (line,) = axes.plot(seen, loss, color=colors[curve.tier], lw=width, solid_capstyle="butt", label=name)
            if len(keep) == 1:
                line.set(marker="o", markersize=2 + 2 * width)
    if longest > 5 * shortest:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("samples seen")
    axes.set_ylabel("training loss" + ("\n(mean of last 10% of batches)" if smooth else ""))
    _finish_losses(axes)


def _draw_speeds(axes: Axes, curves: list[Curve], colors: dict[str, str]) -> None:
    speeds = [float(curve.samples_per_second) for curve in curves]
    if not all(0 < speed < inf for speed in speeds):
        raise ValueError(f"comparison: samples_per_second are {speeds}, expected numbers above 0")
    axes.barh(range(len(speeds)), speeds, color=[colors[curve.tier] for curve in curves], height=0.6)
    for i, speed in enumerate(speeds):
        text = f"{_rounded(speed)}/s, {_rounded(speed / speeds[0])}x"
        axes.annotate(text, (speed, i), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(speeds)), [_wrapped(curve.tier, 1.3, lines=2) for curve in curves])
    axes.invert_yaxis()
    axes.set_xscale("log")
    low, high = floor(log10(min(speeds) / 2)), ceil(log10(max(speeds)))
    axes.set_xlim(10.0**low, 10.0 ** (low + 1.9 * (high - low)))  # the texts need the right half
    axes.set_xticks(10.0 ** np.arange(low, high + 1, ceil((high - low) / 4)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(_wrapped(f"samples per second (x: times {curves[0].tier})", 3))


def benchmark(path: PathLike, rows: Sequence[Row]) -> None:
    """Draw how many samples a second each contender trains on, a panel for each case.

    Parameters
    ----------
    path : path_like
        Of the picture.
    rows : sequence of Row
        As from `benchmark.Race.run`, for one case or several.
    """
    cases = list(dict.fromkeys(row.case for row in rows))
    columns = min(len(cases), 3)
    panels = ceil(len(cases) / columns)
    most = max(sum(row.case == case for row in rows) for case in cases)
    figure = Figure(figsize=(4.6 * columns + 0.4, (0.24 * most + 0.9) * panels), layout="constrained")
    for k, case in enumerate(cases):
        axes = figure.add_subplot(panels, columns, k + 1)
        own = sorted((row for row in rows if row.case == case), key=lambda row: row.median)
        speeds = [row.samples_per_second for row in own]
        colors = [TIER_COLORS.get(row.contender) or KIND_COLORS[CONTENDERS[row.contender].kind] for row in own]
        axes.barh(range(len(own)), speeds, color=colors, height=0.7)
        for i, speed in enumerate(speeds):
            axes.annotate(
                f"{_rounded(speed)}/s", (speed, i), (4, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_yticks(range(len(own)), [row.contender for row in own], fontsize=9)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(min(speeds) / 3, max(speeds) * 8)  # the texts need room
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(_wrapped(case, 4), fontsize=10)
        if k >= len(cases) - columns:
            axes.set_xlabel("samples per second")
    _save(figure, path)


def growth(path: PathLike, curves: Sequence[GrowthCurve]) -> None:
    """Draw the time per sample of each tier against what grows, a panel for each, with the slopes.

    Parameters
    ----------
    path : path_like
        Of the picture.
    curves : sequence of GrowthCurve
        As from `benchmark.growth.measure_growth`.
    """
    things = list(dict.fromkeys(curve.grows for curve in curves))
    figure = Figure(figsize=(4.2 * len(things) + 0.4, 4), layout="constrained")
    first = None
    for k, grows in enumerate(things):
        axes = first = figure.add_subplot(1, len(things), k + 1, sharey=first)
        for marker, curve in zip(MARKERS, [curve for curve in curves if curve.grows == grows], strict=False):
            label, color = f"{curve.tier}, slope {curve.slope:.2f}", TIER_COLORS.get(curve.tier)
            axes.loglog(curve.sizes, curve.seconds, marker=marker, color=color, label=label)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
        axes.grid(alpha=0.3)
        axes.set_title(NETS[grows], fontsize=10)
        axes.set_xlabel(grows)
        if k == 0:
            axes.set_ylabel("time per sample, one training step")
        axes.legend(fontsize=9)
    _save(figure, path)


def loss_curves(path: PathLike, history: History, *, steps_per_epoch: int, title: str) -> None:
    """Draw one training run: loss per mini-batch and per epoch, and the validation accuracy where there is one.

    A batch stands where it was seen, an epoch's mean training loss in the middle of the epoch, validation at its end.

    Parameters
    ----------
    path : path-like
    history : History
        Any of its lists may be empty. Accuracies from 0 to 1 are drawn in percent.
    steps_per_epoch : int
        Mini-batches in an epoch, at least 1.
    title : str
    """
    picture_format(path)
    whole_number("loss_curves: steps_per_epoch", steps_per_epoch)
    accuracy = 100 * np.asarray(history.validation_accuracy)
    heights = [2, 1] if len(accuracy) else [1]
    figure = Figure(figsize=(6.5, 5.4 if len(accuracy) else 3.8), layout="constrained")
    figure.suptitle(_wrapped(title, 6, size=12))
    panels = figure.subplots(len(heights), 1, sharex=True, squeeze=False, height_ratios=heights)[:, 0]

    steps, epochs = len(history.batch_loss), len(history.train_loss)
    group = max(1, ceil(steps / MOST_LINE_POINTS))
    if steps:
        starts = np.arange(0, steps, group)
        sizes = np.diff(starts, append=steps)
        means = np.add.reduceat(history.batch_loss, starts) / sizes
        name = "training, each batch" if group == 1 else f"training, mean of {group} batches"
        panels[0].plot((starts + (sizes - 1) / 2) / steps_per_epoch, means, color="0.7", linewidth=0.7, label=name)
    at = np.arange(1, max(epochs, len(history.validation_loss), len(accuracy)) + 1)
    style: dict[str, Any] = {"markersize": min(5, 1 + 150 / (len(at) + 1))}
    validation = style | {"color": PALETTE[3], "marker": "s", "linestyle": "--"}
    if epochs:
        name = "training, mean of the epoch"
        panels[0].plot(at[:epochs] - 0.5, history.train_loss, "o-", color=PALETTE[0], label=name, **style)
    if n := len(history.validation_loss):
        panels[0].plot(at[:n], history.validation_loss, label="validation, end of the epoch", **validation)
    panels[0].set_ylabel("loss")
    _finish_losses(panels[0])

    if n := len(accuracy):
        panels[1].plot(at[:n], accuracy, **validation)
        below = max(1.0, 100 - accuracy.min())
        panels[1].set_ylim(100 - 1.1 * below, 100 + 0.1 * below)
        panels[1].set_ylabel("validation\naccuracy (%)")
    panels[-1].set_xlim(0, 1.02 * max(1, len(at), ceil(steps / steps_per_epoch)))
    panels[-1].xaxis.set_major_locator(MaxNLocator(integer=True))
    panels[-1].set_xlabel("epochs")
    for panel in panels:
        panel.grid(alpha=0.3)
    _save(figure, path)


def right_and_wrong(
    path: PathLike,
    losses: tuple[Sequence[float], Sequence[float]],
    accuracies: tuple[Sequence[float], Sequence[float]],
    title: str,
) -> None:
    """Draw the curves of the right program and of the one with a bug: loss above, accuracy below, each by epoch.

    Parameters
    ----------
    path : path-like
    losses : pair of sequences of float
        Right, then with the bug; may be of different length, and a curve is cut where it is no longer finite.
    accuracies : pair of sequences of float
        From 0 to 1; drawn in percent.
    title : str
    """
    picture_format(path)
    figure = Figure(figsize=(6.5, 5.4), layout="constrained")
    figure.suptitle(_wrapped(title, 6, size=12))
    above, below = figure.subplots(2, 1, sharex=True)
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
    below.xaxis.set_major_locator(MaxNLocator(integer=True))
    _finish_losses(above)
    for panel in (above, below):
        panel.grid(alpha=0.3)
    _save(figure, path)


def confusion_matrix(path: PathLike, counts: ArrayLike, class_names: Sequence[object], title: str) -> None:
    """Draw which classes are taken for which: true classes in rows, predicted ones in columns.

    Parameters
    ----------
    path : path-like
    counts : array_like of int, shape (C, C)
        As from `metrics.confusion_matrix`.
    class_names : sequence, length C
    title : str
        The accuracy in percent is written below it.
    """
    picture_format(path)
    counts = np.asarray(counts, int)
    C = len(class_names)
    if counts.shape != (C, C) or not C:
        raise ValueError(f"confusion_matrix: counts has shape {counts.shape}, {C} class names expect ({C}, {C})")
    total, right = counts.sum(), counts.trace()
    accuracy = f"accuracy {100 * right / total:.2f}% ({right:,} of {total:,})" if total else "no samples"
    size = max(3.0, 0.52 * C)
    figure = Figure(figsize=(size + 1.4, size + 1.6), layout="constrained")
    figure.suptitle(_wrapped(title, size + 1, size=11) + "\n" + accuracy, fontsize=11)
    axes = figure.subplots()
    # The square root makes a few mistakes visible beside thousands of right answers.
    shade = PowerNorm(0.5, vmin=0, vmax=max(1, counts.max()))
    axes.imshow(counts, cmap="Blues", norm=shade)
    for (i, j), count in np.ndenumerate(counts):
        color = "white" if shade(count) > 0.55 else "black"
        axes.text(j, i, f"{count:,}", ha="center", va="center", fontsize=8, color=color)
    names = [_wrapped(name, 1.5, lines=2) for name in class_names]
    widest = max(len(line) for name in names for line in name.split("\n"))
    axes.set_xticks(range(C), names)
    axes.set_yticks(range(C), names)
    if 0.08 * widest > 0.9 * size / C:
        for label in axes.get_xticklabels():
            label.set(rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlabel("predicted class")
    axes.set_ylabel("true class")
    _save(figure, path)


@dataclass(frozen=True)
class Panel:
    """One pair of axes with lines.

    Attributes
    ----------
    title, x_label, y_label : str
    lines : dict
        From a label to x and y, sequences of one length.
    log : {"", "x", "y", "xy"}
        Which axes are logarithmic.
    """

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log: str = ""


def panels(path: PathLike, of: Sequence[Panel]) -> None:
    """Draw lines in panels, each with a legend below it, in rows of at most three.

    Parameters
    ----------
    path : path_like
    of : sequence of Panel
        At least one.
    """
    picture_format(path)
    rows = ceil(len(of) / 3)
    columns = ceil(len(of) / rows)
    fitting = {panel.title: max(1, int(4.2 // (0.5 + 0.06 * max(map(len, panel.lines))))) for panel in of}  # in a line
    legend_lines = max(ceil(len(panel.lines) / fitting[panel.title]) for panel in of)
    figure = Figure(figsize=(4.6 * columns, (3.5 + 0.16 * legend_lines) * rows), layout="constrained")
    for k, panel in enumerate(of):
        axes = figure.add_subplot(rows, columns, k + 1)
        for n, (label, (x, y)) in enumerate(panel.lines.items()):
            marker = MARKERS[n % len(MARKERS)] if len(x) <= 30 else None
            style: dict[str, Any] = {"color": PALETTE[n % len(PALETTE)], "marker": marker, "markersize": 4}
            axes.plot(x, y, label=label, zorder=2 + 1 / (1 + n), **style)  # the first line lies on top
        axes.set(title=_wrapped(panel.title, 4.4), xlabel=_wrapped(panel.x_label, 4), ylabel=panel.y_label)
        if "x" not in panel.log and all(isinstance(x, int) for xs, _ in panel.lines.values() for x in xs):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))  # there is no half epoch
        for letter, axis in (("x", axes.xaxis), ("y", axes.yaxis)):
            if letter in panel.log:
                axes.set(**{f"{letter}scale": "log"})
                axis.set_major_locator(_log_ticks(*axis.get_view_interval(), narrow=letter == "x"))
                axis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}")
                axis.set_minor_formatter("")
        axes.grid(alpha=0.3)
        if len(panel.lines) > 1:
            below = offset_copy(axes.transAxes, figure, y=-0.45)  # the axis and its label are that high, in inches
            axes.legend(
                fontsize=8, ncols=fitting[panel.title], loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below,
                borderaxespad=0,
            )  # fmt: skip
    _save(figure, path)


def _log_ticks(low: float, high: float, *, narrow: bool) -> Locator:
    """Return what finds the labeled numbers of a logarithmic axis: some on every range, few enough to stand apart."""
    decades = log10(high / low)
    if decades < 1:
        return MaxNLocator(5)
    if decades <= (2 if narrow else 4):
        return LogLocator(subs=(1, 2, 5), numticks=15)
    return LogLocator(numticks=8)


def image_grid(
    path: PathLike, images: ArrayLike, captions: Sequence[str], *, title: str, colors: Sequence[str] | None = None,
    columns: int | None = None,
) -> None:  # fmt: skip
    """Draw gray images side by side, each in a frame, with a caption below it.

    Parameters
    ----------
    path : path-like
    images : array_like, shape (N, H, W)
        Brightness from 0 (black) to 1 (white); up to about 60 images, or none.
    captions : sequence of str, length N
    title : str
    colors : sequence of str, length N, optional
        The captions' colors, as matplotlib names them.
    columns : int, optional
        Images in a row.
    """
    picture_format(path)
    images = np.asarray(images)
    N = len(images)
    colors = ["black"] * N if colors is None else colors
    if (N and images.ndim != 3) or len(captions) != N or len(colors) != N:
        got = f"images has shape {images.shape}, with {len(captions)} captions and {len(colors)} colors"
        raise ValueError(f"image_grid: {got}; expected (N, H, W), N and N")
    columns = columns or max(1, min(N, 8, ceil((1.7 * N) ** 0.5)))
    rows = max(1, ceil(N / columns))
    labels = [_wrapped(caption, 0.76, size=7) for caption in captions]
    lines = max((label.count("\n") + 1 for label in labels), default=1)
    width = max(3.2, 0.81 * columns)
    height = min(1.2, width / columns) * (images.shape[1] / images.shape[2] if N else 1)
    figure = Figure(figsize=(width, 0.6 + rows * (height + 0.13 * lines + 0.05)), layout="constrained")
    figure.suptitle(_wrapped(title if N else f"{title}: none", width - 0.2, size=12))
    panels = figure.subplots(rows, columns, squeeze=False).ravel()
    for panel, image, label, color in zip(panels, images, labels, colors, strict=False):
        panel.imshow(image, cmap="gray", vmin=0, vmax=1, interpolation="nearest")
        panel.set_title(label, y=0, pad=-3, va="top", fontsize=7, color=color)
        panel.set(xticks=[], yticks=[])
        panel.spines[:].set(color="0.7", linewidth=0.5)
    for panel in panels[N:]:
        panel.set_axis_off()
    _save(figure, path)


def scatter_2d(
    path: PathLike, X: ArrayLike, y: ArrayLike, class_names: Sequence[object], *, title: str,
    predict: Callable[[NDArray[Any]], ArrayLike] | None = None,
) -> None:  # fmt: skip
    """Draw labeled points in the plane, and behind them the regions that a net assigns to the classes.

    Parameters
    ----------
    path : path-like
    X : array_like, shape (N, 2)
        At least one point; the first 3,000 are drawn.
    y : array_like of int, shape (N,)
        Their classes, from 0 to C - 1.
    class_names : sequence, length C
    title : str
    predict : callable, optional
        Maps points, shape (n, 2), to classes, shape (n,); called once, with 40,000 points.
    """
    picture_format(path)
    X, y = np.asarray(X, float), np.asarray(y)
    if X.ndim != 2 or X.shape[1] != 2 or y.shape != X.shape[:1] or not len(X):
        raise ValueError(f"scatter_2d: X has shape {X.shape}, y {y.shape}; expected (N, 2) and (N,), N at least 1")
    X, y = X[:MOST_SCATTER_POINTS], y[:MOST_SCATTER_POINTS]
    figure = Figure(figsize=(6.5, 5), layout="constrained")
    figure.suptitle(_wrapped(title, 6, size=12))
    axes = figure.subplots()
    low, high = X.min(axis=0), X.max(axis=0)
    margin = np.where(high > low, 0.05 * (high - low), 1)
    (left, bottom), (right, top) = low - margin, high + margin
    if predict is not None:
        centers = (np.arange(REGION_PIXELS) + 0.5) / REGION_PIXELS
        x1, x2 = np.meshgrid(left + (right - left) * centers, bottom + (top - bottom) * centers)
        classes = np.asarray(predict(np.column_stack([x1.ravel(), x2.ravel()]))).astype(int)
        regions = to_rgba_array(PALETTE)[classes.reshape(x1.shape) % len(PALETTE)]
        axes.imshow(regions, alpha=0.3, extent=(left, right, bottom, top), origin="lower", aspect="auto")
    for i, name in enumerate(class_names):
        points, color, sign = X[y == i], PALETTE[i % len(PALETTE)], MARKERS[i % len(MARKERS)]
        axes.plot(*points.T, sign, color=color, ms=4.2, mec="black", mew=0.3, label=_wrapped(name, 1.5, lines=2))
    axes.set(xlim=(left, right), ylim=(bottom, top), xlabel="feature 0", ylabel="feature 1")
    axes.locator_params(nbins=6)
    figure.legend(loc="outside right upper")
    _save(figure, path)


def _running_mean(loss: ArrayLike) -> NDArray[np.float64]:
    """Mean over the last tenth of the batches up to each: it does not matter whether the run goes on after that."""
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(loss, float)]))
    last = np.arange(1, len(sums))
    first = last - np.maximum(1, last // 10)
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return means


def _finish_losses(axes: Axes) -> None:
    """Let the axis of the losses begin at 0, or make it logarithmic if the loss fell to a twentieth; name the lines."""
    if axes.lines:
        low, high = axes.dataLim.intervaly
        if 0 < 20 * low < high < inf:
            axes.set_yscale("log")
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_formatter("")
        elif 0 <= low <= high < inf:
            axes.set_ylim(0, 1.06 * high or 1)
        axes.legend(fontsize=9, framealpha=0.5)


def _rounded(x: float) -> str:
    return f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


def _wrapped(text: object, inches: float, *, size: float = 10, lines: int | None = None) -> str:
    """Break text to fit the width at the font size in points (a letter is about 0.55 as wide), in at most `lines`."""
    width = int(inches * 72 / (0.55 * size))
    return "\n".join(textwrap.fill(t, width, max_lines=lines, placeholder="…") for t in str(text).split("\n"))


def _save(figure: Figure, path: PathLike) -> None:
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a dollar sign in a title is a dollar sign
    with replacing(path) as file:
        figure.savefig(file, format=picture_format(path), dpi=DPI)
