"""Pictures of the race: the speed of each contender, and the time per sample against the size of the net or batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter, NullFormatter

from ..colors import TIER_COLORS
from ..files import PathLike, picture_format
from .style import MARKERS, in_own_style, rounded, save, wrapped

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


@in_own_style
def benchmark(path: PathLike, cases: Mapping[str, Sequence[Speed]]) -> None:
    """Draw the training speed of each contender, fastest first, in one panel per case.

    Parameters
    ----------
    path : path-like
    cases : mapping of str to sequence of Speed
        Speeds by the title of the case. At least one case, and at least one speed in each.

    Raises
    ------
    ValueError
        If there are no cases, or a case has no speeds.
    """
    picture_format(path)
    if not cases or not all(cases.values()):
        raise ValueError("benchmark: expected at least one case, and at least one speed in each")
    columns = min(len(cases), 3)
    rows = ceil(len(cases) / columns)
    most = max(map(len, cases.values()))
    figure = Figure(figsize=(4.6 * columns + 0.4, (0.24 * most + 0.9) * rows), layout="constrained")
    for k, (title, bars) in enumerate(cases.items()):
        axes = figure.add_subplot(rows, columns, k + 1)
        bars = sorted(bars, key=lambda bar: bar.samples_per_second, reverse=True)
        speeds = [bar.samples_per_second for bar in bars]
        axes.barh(range(len(bars)), speeds, color=[KIND_COLORS[bar.kind] for bar in bars], height=0.7)
        for i, speed in enumerate(speeds):
            axes.annotate(
                f"{rounded(speed)}/s", (speed, i), (4, 0), textcoords="offset points", va="center", fontsize=8
            )
        axes.set_yticks(range(len(bars)), [bar.label for bar in bars], fontsize=9)
        axes.invert_yaxis()
        axes.set_xscale("log")
        axes.set_xlim(min(speeds) / 3, max(speeds) * 8)  # space for the annotations
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.minorticks_off()
        axes.spines[["top", "right"]].set_visible(False)
        axes.set_title(wrapped(title, 4), fontsize=10)
        if k >= len(cases) - columns:
            axes.set_xlabel("samples per second")
    save(figure, path)


@in_own_style
def growth(path: PathLike, panels: Sequence[GrowthPanel]) -> None:
    """Draw the time per sample against the growing size, one panel per size.

    Parameters
    ----------
    path : path-like
    panels : sequence of GrowthPanel
        At least one panel.

    Raises
    ------
    ValueError
        If there are no panels, or a panel has no lines.
    """
    picture_format(path)
    if not panels or not all(panel.lines for panel in panels):
        raise ValueError("growth: expected at least one panel, and at least one line in each")
    figure = Figure(figsize=(4.2 * len(panels) + 0.4, 4), layout="constrained")
    first = None
    for k, panel in enumerate(panels):
        axes = first = figure.add_subplot(1, len(panels), k + 1, sharey=first)
        for n, line in enumerate(panel.lines):
            style = {"color": KIND_COLORS[line.kind], "marker": MARKERS[n % len(MARKERS)]}
            axes.loglog(line.sizes, line.seconds, label=line.label, **style)
        axes.xaxis.set_major_formatter(EngFormatter(sep=""))
        axes.xaxis.set_minor_formatter(NullFormatter())
        axes.yaxis.set_major_formatter(EngFormatter(unit="s"))
        axes.grid(alpha=0.3)
        axes.set_title(panel.title, fontsize=10)
        axes.set_xlabel(panel.x_label)
        if k == 0:
            axes.set_ylabel("time per sample, one training step")
        axes.legend(fontsize=9)
    save(figure, path)
