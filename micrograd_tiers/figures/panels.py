"""Lines in panels, for the reports of the studies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil, log10
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import Locator, LogLocator, MaxNLocator
from matplotlib.transforms import offset_copy

from ..colors import PALETTE
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import MARKERS, plot, wrapped


@dataclass(frozen=True)
class Panel:
    """One pair of axes with lines.

    Attributes
    ----------
    title, x_label, y_label : str
    lines : dict
        x and y of each line, sequences of equal length, keyed by the line's label.
    log : {"", "x", "y", "xy"}
        Logarithmic axes.
    """

    title: str
    x_label: str
    y_label: str
    lines: Mapping[str, tuple[Sequence[float], Sequence[float]]]
    log: str = ""


@plot
def panels(of: Sequence[Panel], *, path: PathLike | None = None, axes: AxesLike | None = None) -> Figure:
    """Draw lines in panels, each with a legend below it, in rows of at most three.

    Parameters
    ----------
    of : sequence of Panel
        At least one panel.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        One panel for each `Panel` to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no panels, or a panel has no lines.
    """
    sheet = Sheet("panels", path, axes)
    if not of or not all(panel.lines for panel in of):
        raise ValueError("panels: expected at least one panel, and at least one line in each")
    rows = ceil(len(of) / 3)
    columns = ceil(len(of) / rows)
    fitting = {
        panel.title: max(1, int(4 // (0.54 + 0.06 * max(map(len, panel.lines))))) for panel in of
    }  # labels per row
    legend_lines = max(ceil(len(panel.lines) / fitting[panel.title]) for panel in of)
    figsize = (4.6 * columns, (3.5 + 0.16 * legend_lines) * rows)
    for panel, ax in zip(of, sheet.panels(len(of), figsize, rows=rows, columns=columns), strict=True):
        for n, (label, (x, y)) in enumerate(panel.lines.items()):
            marker = MARKERS[n % len(MARKERS)] if len(x) <= 30 else None
            style: dict[str, Any] = {"color": PALETTE[n % len(PALETTE)], "marker": marker, "markersize": 4}
            ax.plot(x, y, label=label, zorder=2 + 1 / (1 + n), **style)  # the first line is on top
        ax.set(title=wrapped(panel.title, 4.4), xlabel=wrapped(panel.x_label, 4), ylabel=panel.y_label)
        if "x" not in panel.log and all(isinstance(x, int) for xs, _ in panel.lines.values() for x in xs):
            ax.xaxis.set_major_locator(MaxNLocator(integer=True))  # no ticks between integers
        for letter, axis in (("x", ax.xaxis), ("y", ax.yaxis)):
            if letter in panel.log:
                ax.set(**{f"{letter}scale": "log"})
                axis.set_major_locator(_log_ticks(*axis.get_view_interval(), narrow=letter == "x"))
                axis.set_major_formatter(lambda value, _: f"{value / 1000:g}k" if value >= 10_000 else f"{value:g}")
                axis.set_minor_formatter("")
        ax.grid(alpha=0.3)
        if len(panel.lines) > 1:
            below = offset_copy(ax.transAxes, sheet.figure, y=-0.45)  # height of the axis and its label, in inches
            ax.legend(
                fontsize=8, ncols=fitting[panel.title], loc="upper left", bbox_to_anchor=(0, 0), bbox_transform=below,
                borderaxespad=0,
            )  # fmt: skip
    return sheet.finished()


def _log_ticks(low: float, high: float, *, narrow: bool) -> Locator:
    """Return a tick locator for a logarithmic axis that labels any range, without overlapping labels."""
    decades = log10(high / low)
    if decades < 1:
        return MaxNLocator(5)
    if decades <= (2 if narrow else 4):
        return LogLocator(subs=(1, 2, 5), numticks=15)
    return LogLocator(numticks=8)
