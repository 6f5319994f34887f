"""Picture of a comparison: the training loss, equal at all tiers, beside the speed, which differs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, floor, inf, log10
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter
from numpy.typing import ArrayLike, NDArray

from ..colors import OTHER_TIER_COLORS, TIER_COLORS
from ..files import PathLike
from .losses import finish_losses
from .sheet import AxesLike, Sheet
from .style import MOST_LINE_POINTS, plot, rounded, wrapped


@dataclass(frozen=True)
class Curve:
    """Losses and speed of one tier in a comparison.

    Attributes
    ----------
    tier : str
        Name of the tier; it sets the color.
    samples_seen : ndarray, shape (B,)
        Number of samples seen after each of the B mini-batches, ascending.
    loss : ndarray, shape (B,)
        Mean training loss of each mini-batch.
    samples_per_second : float
        Training speed, greater than 0.
    """

    tier: str
    samples_seen: NDArray[Any]
    loss: NDArray[Any]
    samples_per_second: float


@dataclass(frozen=True)
class ComparisonCase:
    """One net on one data set, trained at several tiers; drawn as one row of the picture.

    Attributes
    ----------
    title : str
        Net and data set, such as "784-300-10 on glyphs".
    curves : list of Curve
        At least one curve. The speeds are given relative to the first one.
    verdict : str
        One sentence on how far the tiers agree.
    """

    title: str
    curves: list[Curve]
    verdict: str


@plot
def comparison(
    cases: Sequence[ComparisonCase], *, path: PathLike | None = None, axes: AxesLike | None = None
) -> Figure:
    """Draw the training loss of the tiers beside their speed: one row per case.

    Parameters
    ----------
    cases : sequence of ComparisonCase
        At least one case.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        Two panels for each case to draw into, losses and speeds, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no cases, a case has no curves, or a speed is not a finite number above 0.
    """
    sheet = Sheet("comparison", path, axes)
    if not cases or not all(case.curves for case in cases):
        raise ValueError("comparison: expected at least one case, and at least one curve in each")
    texts = [(wrapped(case.title, 7, size=12), wrapped(case.verdict, 4, size=9)) for case in cases]
    heights = [3.2 + 0.2 * title.count("\n") + 0.15 * verdict.count("\n") for title, verdict in texts]
    if sheet.own:
        figure = sheet.new_figure((8, sum(heights)))
        rows = figure.subfigures(len(cases), 1, height_ratios=heights, squeeze=False, hspace=0.04)[:, 0]
        for row, (title, _) in zip(rows, texts, strict=True):
            row.suptitle(title, fontsize=12, fontweight="bold")
        panels = [panel for row in rows for panel in row.subplots(1, 2, width_ratios=[1.1, 1])]
    else:
        panels = sheet.given(2 * len(cases))
        texts = [(title, f"{title}\n{verdict}") for title, verdict in texts]
    for left, right, case, (_, above) in zip(panels[::2], panels[1::2], cases, texts, strict=True):
        others = [curve.tier for curve in case.curves if curve.tier not in TIER_COLORS]
        colors = TIER_COLORS | {tier: OTHER_TIER_COLORS[i % 4] for i, tier in enumerate(dict.fromkeys(others))}
        left.set_title(above, loc="left", fontsize=9)
        _draw_losses(left, case.curves, colors)
        _draw_speeds(right, case.curves, colors)
    return sheet.finished()


def _draw_losses(axes: Axes, curves: list[Curve], colors: dict[str, str]) -> None:
    longest, shortest = (f((len(curve.loss) for curve in curves if len(curve.loss)), default=1) for f in (max, min))
    smooth = longest > 100
    drawn = np.unique(np.geomspace(1, longest, MOST_LINE_POINTS).astype(int)) - 1
    for i, curve in enumerate(curves):  # the widest line is at the bottom, so that equal curves stay visible
        if len(curve.loss):
            keep = np.union1d(drawn[drawn < len(curve.loss)], len(curve.loss) - 1)
            loss = (running_mean(curve.loss) if smooth else np.asarray(curve.loss))[keep]
            width = 1.3 + 6 * (1 - (i + 1) / len(curves))
            seen, name = np.asarray(curve.samples_seen)[keep], wrapped(curve.tier, 1.3, lines=2)
            name += f", first {seen[-1]:,}" if len(curve.loss) < longest else ""
            (line,) = axes.plot(seen, loss, color=colors[curve.tier], lw=width, solid_capstyle="butt", label=name)
            if len(keep) == 1:
                line.set(marker="o", markersize=2 + 2 * width)
    if longest > 5 * shortest:
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.set_xlabel("samples seen")
    axes.set_ylabel("training loss" + ("\n(mean of last 10% of batches)" if smooth else ""))
    finish_losses(axes)


def _draw_speeds(axes: Axes, curves: list[Curve], colors: dict[str, str]) -> None:
    speeds = [float(curve.samples_per_second) for curve in curves]
    if not all(0 < speed < inf for speed in speeds):
        raise ValueError(f"comparison: samples_per_second are {speeds}, expected numbers above 0")
    axes.barh(range(len(speeds)), speeds, color=[colors[curve.tier] for curve in curves], height=0.6)
    for i, speed in enumerate(speeds):
        text = f"{rounded(speed)}/s, {rounded(speed / speeds[0])}x"
        axes.annotate(text, (speed, i), (4, 0), textcoords="offset points", va="center", fontsize=9)
    axes.set_yticks(range(len(speeds)), [wrapped(curve.tier, 1.3, lines=2) for curve in curves])
    axes.invert_yaxis()
    axes.set_xscale("log")
    low, high = floor(log10(min(speeds) / 2)), ceil(log10(max(speeds)))
    axes.set_xlim(10.0**low, 10.0 ** (low + 1.9 * (high - low)))  # the right half is for the annotations
    axes.set_xticks(10.0 ** np.arange(low, high + 1, ceil((high - low) / 4)))
    axes.xaxis.set_major_formatter(EngFormatter(sep=""))
    axes.minorticks_off()
    axes.spines[["top", "right"]].set_visible(False)
    axes.set_xlabel(wrapped(f"samples per second (x: times {curves[0].tier})", 3))


def running_mean(loss: ArrayLike) -> NDArray[np.float64]:
    """Return a running mean: at each batch, the mean of the most recent tenth of all losses up to it, at least one."""
    sums = np.cumsum(np.concatenate([[0.0], np.asarray(loss, float)]))
    last = np.arange(1, len(sums))
    first = last - np.maximum(1, last // 10)
    means: NDArray[np.float64] = (sums[last] - sums[first]) / (last - first)
    return means
