"""The history of `micrograd-tiers benchmark --all --history FILE`: add a run to it, print it, draw it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..errors import DataError
from ..files import check_outputs
from .output import drawing, write_json

if TYPE_CHECKING:
    from ..lab.race.history import PastRun

OF_A_RACE = (
    "net",
    "batch_size",
    "dtype",
    "only",
    "growth",
    "compare",
    "json",
)  # options that say what to time and compare


def add(path: str, entry: dict[str, Any]) -> list[PastRun]:
    """Add a run to the history file, whole or not at all, and return all its runs."""
    from ..lab.race.history import past_runs, read_history

    content = read_history(path) if Path(path).exists() else {"runs": []}  # again: another run may have added to it
    content["runs"].append(entry)
    write_json(path, content)
    return past_runs(content)


def show(args: argparse.Namespace) -> int:
    """Print the table of the history file and draw its picture, without a race."""
    from ..lab.race.history import past_runs, read_history
    from ..lab.race.report import history_table

    for name in OF_A_RACE:
        if getattr(args, name):
            option = name.replace("_", "-")
            raise ValueError(f"--history without --all times nothing: leave out --{option}, or add --all")
    check_outputs([], [args.picture], inputs=[args.history])
    if not Path(args.history).exists():
        raise DataError(f"there is no file {args.history}: benchmark --all --history {args.history} makes it")
    runs = past_runs(read_history(args.history))
    if not runs:
        raise DataError(f"{args.history} holds no run: benchmark --all --history {args.history} adds one")
    print("\n".join(history_table(runs)))
    if args.picture:
        print()
        with drawing(args.picture):
            draw(args.picture, runs)
    return 0


def draw(picture: str, runs: list[PastRun]) -> None:
    """Draw each target that was measured: its limit, and a line per machine over the runs."""
    from ..lab.race.targets import SPEED, bars

    panels = []
    for name, bar in bars().items():
        lines: dict[str, dict[int, tuple[float, float, float]]] = {}
        for k, run in enumerate(runs):
            if name in run.quartiles:
                lines.setdefault(run.machine, {})[k] = run.quartiles[name]
        if lines:
            title = name.replace(": ", "\n").replace(", beyond ", ",\nbeyond ")
            panels.append(mt.plots.TargetPanel(title, str(bar), bar.limit, bar.unit == SPEED, lines))
    mt.plots.targets(panels, [f"{run.version}\n{run.date}" for run in runs], path=picture)
