"""Pictures of the race: the speed of each contender, and the time per sample against the size of the net or batch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

from ..colors import TIER_COLORS
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import MARKERS, plot, rounded, wrapped

KIND_COLORS = TIER_COLORS | {"exact": "#999999", "engine": "#009E73", "library": "#CC79A7", "reference": "#000000"}


@dataclass(frozen=True)
class Speed:
    """Training speed of one contender, drawn as a bar.

    Attributes
    ----------
    label : str
    samples_per_second : float
        Greater than 0.
    kind : {"scalar", "vector", "tensor", "exact", "engine", "library", "reference"}
        Kind of contender; it sets the color.
    """

    label: str
    samples_per_second: float
    kind: str


@dataclass(frozen=True)
class Times:
    """Time per sample against size, drawn as a line.

    Attributes
    ----------
    label : str
    sizes, seconds : sequence of float
        Numbers above 0, in sequences of equal length.
    kind : str
        As in `Speed`.
    """

    label: str
    sizes: Sequence[float]
    seconds: Sequence[float]
    kind: str


@dataclass(frozen=True)
class GrowthPanel:
    """Lines of time per sample against one growing size.

    Attributes
    ----------
    title, x_label : str
    lines : sequence of Times
        At least one line.
    """

    title: str
    x_label: str
    lines: Sequence[Times]


def color_of(kind: str) -> str:
    """Return the color of a kind of contender; raise ValueError if there is no such kind."""
    if kind not in KIND_COLORS:
        raise ValueError(f"kind is {kind!r}, expected one of {', '.join(KIND_COLORS)}")
    return KIND_COLORS[kind]


@plot
def benchmark(
    cases: Mapping[str, Sequence[Speed]], *, path: PathLike | None = None, axes: AxesLike | None = None
) -> Figure:
    """Draw the training speed of each contender, fastest first, in one panel per case.

    Parameters
    ----------
    cases : mapping of str to sequence of Speed
        Speeds by the title of the case. At least one case, and at least one speed in each.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        One panel for each case to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no cases, or a case has no speeds.
    """
    sheet = Sheet("benchmark", path, axes)
    if not cases or not all(cases.values()):
        raise ValueError("benchmark: expected at least one case, and at least one speed in each")
    columns = min(len(cases), 3)
    rows = ceil(len(cases) / columns)
    most = max(map(len, cases.values()))
    figsize = (4.6 * columns + 0.4, (0.24 * most + 0.9) * rows)
    drawn = sheet.panels(len(cases), figsize, rows=rows, columns=columns)
    for k, (ax, (title, bars)) in enumerate(zip(drawn, cases.items(), strict=True)):
        bars = sorted(bars, key=lambda bar: bar.samples_per_second, reverse=True)
        speeds = [bar.samples_per_second for bar in bars]
        ax.barh(range(len(bars)), speeds, color=[color_of(bar.kind) for bar in bars], height=0.7)
        for i, speed in enumerate(speeds):
            ax.annotate(f"{rounded(speed)}/s", (speed, i), (4, 0), textcoords="offset points", va="center", fontsize=8)
        ax.set_yticks(range(len(bars)), [bar.label for bar in bars], fontsize=9)
        ax.invert_yaxis()
        ax.set_xscale("log")
        ax.set_xlim(min(speeds) / 3, max(speeds) * 8)  # space for the annotations
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.minorticks_off()
        ax.spines[["top", "right"]].set_visible(False)
        ax.set_title(wrapped(title, 4), fontsize=10)
        if k >= len(cases) - columns or not sheet.own:
            ax.set_xlabel("samples per second")
    return sheet.finished()


@plot
def growth(panels: Sequence[GrowthPanel], *, path: PathLike | None = None, axes: AxesLike | None = None) -> Figure:
    """Draw the time per sample against the growing size, one panel per size.

    Parameters
    ----------
    panels : sequence of GrowthPanel
        At least one panel.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        One panel for each `GrowthPanel` to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no panels, or a panel has no lines.
    """
    sheet = Sheet("growth", path, axes)
    if not panels or not all(panel.lines for panel in panels):
        raise ValueError("growth: expected at least one panel, and at least one line in each")
    drawn = sheet.panels(len(panels), (4.2 * len(panels) + 0.4, 4), sharey=True)
    for k, (ax, panel) in enumerate(zip(drawn, panels, strict=True)):
        for n, line in enumerate(panel.lines):
            style = {"color": color_of(line.kind), "marker": MARKERS[n % len(MARKERS)]}
            ax.loglog(line.sizes, line.seconds, label=line.label, **style)
        ax.xaxis.set_major_formatter(EngFormatter(sep=""))
        ax.xaxis.set_minor_formatter(NullFormatter())
        ax.yaxis.set_major_formatter(EngFormatter(unit="s"))
        low, high = ax.get_ylim()
        few = high < 20 * low and (k == 0 or not sheet.own)  # a decade may hold a single major tick
        ax.yaxis.set_minor_formatter(EngFormatter(unit="s") if few else NullFormatter())
        ax.grid(alpha=0.3)
        ax.set_title(panel.title, fontsize=10)
        ax.set_xlabel(panel.x_label)
        if k == 0 or not sheet.own:
            ax.set_ylabel("time per sample, one training step")
        ax.legend(fontsize=9)
    return sheet.finished()
