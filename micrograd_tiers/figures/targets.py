"""Picture of speed targets: what each machine has measured, run by run, beside the limit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np
from matplotlib.figure import Figure

from ..colors import PALETTE
from ..files import PathLike
from .sheet import AxesLike, Sheet
from .style import MARKERS, plot, wrapped

COLUMNS, MOST_TICKS = 4, 3


@dataclass(frozen=True)
class TargetPanel:
    """One target, its limit, and what was measured.

    Attributes
    ----------
    title : str
    required : str
        The limit in words, such as "at least 1.4x the speed".
    limit : float
    at_least : bool
        True if values below the limit miss the target, False if values above it do.
    lines : mapping of str to mapping of int to (float, float, float)
        By the name of the machine and the index of the run: first quartile, median and third quartile.
    """

    title: str
    required: str
    limit: float
    at_least: bool
    lines: Mapping[str, Mapping[int, tuple[float, float, float]]]


@plot
def targets(
    panels: Sequence[TargetPanel], runs: Sequence[str], *, path: PathLike | None = None, axes: AxesLike | None = None
) -> Figure:
    """Draw the medians and quartiles of each target, one panel per target and one line per machine.

    The limit is a dashed line; the side that misses it is gray.

    Parameters
    ----------
    panels : sequence of TargetPanel
        At least one panel.
    runs : sequence of str
        Names of the runs, the oldest first.
    path : path-like, optional
        File to write; the suffix selects PNG, SVG or PDF.
    axes : sequence of Axes, optional
        One panel for each `TargetPanel` to draw into, in place of a new figure.

    Returns
    -------
    matplotlib.figure.Figure

    Raises
    ------
    ValueError
        If there are no panels, or a panel has a run that `runs` does not name.
    """
    sheet = Sheet("targets", path, axes)
    if not panels:
        raise ValueError("targets: expected at least one panel")
    known = range(len(runs))
    for panel in panels:
        for machine, measured in panel.lines.items():
            if unknown := [k for k in measured if k not in known]:
                raise ValueError(
                    f"targets: {panel.title!r} has run {unknown[0]} on {machine}, expected 0 to {len(runs) - 1}"
                )
    machines = [*dict.fromkeys(machine for panel in panels for machine in panel.lines)]
    columns = min(COLUMNS, len(panels))
    rows = ceil(len(panels) / columns)
    labels = [wrapped(machine, 2.4 * columns - 0.4, size=9) for machine in machines]
    legend = 0.2 + 0.16 * "\n".join(labels).count("\n")
    figsize = (2.4 * columns + 0.4, 2.1 * rows + legend)
    drawn = sheet.panels(len(panels), figsize, rows=rows, columns=columns)
    ticks = [*known][:: ceil(len(runs) / MOST_TICKS) or 1]
    handles = {}
    for k, (ax, panel) in enumerate(zip(drawn, panels, strict=True)):
        for machine, measured in panel.lines.items():
            n = machines.index(machine)
            first, median, third = np.array([*measured.values()]).reshape(-1, 3).T
            handles[machine] = ax.errorbar(
                [*measured], median, yerr=[median - first, third - median], color=PALETTE[n % len(PALETTE)],
                marker=MARKERS[n % len(MARKERS)], markersize=5, capsize=3, label=labels[n],
            )  # fmt: skip
        ax.axhline(panel.limit, color="black", linestyle="--", linewidth=1)
        ax.margins(y=0.25)
        low, high = ax.get_ylim()
        ax.axhspan(*((low, panel.limit) if panel.at_least else (panel.limit, high)), color="black", alpha=0.07, lw=0)
        ax.set(xlim=(-0.5, len(runs) - 0.5), ylim=(low, high))
        below = k >= len(panels) - columns or not sheet.own
        ax.set_xticks(ticks, [runs[tick] for tick in ticks] if below else [""] * len(ticks), fontsize=7)
        ax.tick_params(axis="y", labelsize=8)
        ax.set_title(wrapped(f"{panel.title}\n{panel.required}", 2.3, size=8), fontsize=8)
    if not sheet.own:
        drawn[0].legend(fontsize=7)
    elif handles:
        sheet.figure.legend(handles=[*handles.values()], loc="outside upper left", fontsize=9, frameon=False)
    return sheet.finished()
