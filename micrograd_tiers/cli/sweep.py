"""`micrograd-tiers sweep`: train with every combination of settings, over several seeds."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..files import check_folder
from ..recipe import KINDS, Recipe
from ..words import grid_from_words
from . import options
from .output import write_results

if TYPE_CHECKING:
    from ..lab.studies import Result


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Train with every combination of settings, and print the mean and the standard deviation over the seeds. "
        "Finished runs are kept, so an interrupted sweep continues where it stopped."
    )
    parser.add_argument(
        "grid",
        nargs="+",
        metavar="SETTING=VALUES",
        help="any options of train, such as learning_rate=0.01,0.1 hidden=100,200-50 seeds=0..4",
    )
    options.add_data_dir(parser)
    parser.add_argument(
        "--out", type=options.folder, default="sweep", metavar="DIR", help="folder to write to (default: sweep)"
    )
    options.add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """Run the grid; a sweep that was interrupted continues from the finished runs."""
    from ..lab.studies import Training, as_csv, environment, on_cluster, run_all, runs_of, table
    from ..progress import Progress

    grid = grid_from_words(args.grid, KINDS)
    recipes = [Recipe(**dict(zip(grid, values, strict=True))) for values in product(*grid.values())]
    out = Path(args.out)
    check_folder(out)
    tasks = [*map(Training, recipes)]
    print(f"{len(tasks)} runs, in {out}")
    with Progress(len(tasks), "run", lines=True) as progress, on_cluster(args.dask):
        results = run_all(tasks, out / "runs", data_dir=args.data_dir, jobs=args.jobs, on_result=progress.update)
    rows = summary(recipes, results, [name for name, values in grid.items() if len(values) > 1 and name != "seed"])
    content = {
        "command": "sweep",
        "grid": grid,
        "environment": environment(),
        "summary": rows,
        "runs": runs_of(tasks, results),
    }
    write_results(out, {"results.csv": as_csv(tasks, results), "summary.md": table(rows) + "\n"}, content)
    print(f"\n{table(rows)}\n\nResults: {out / 'results.csv'}")
    return 0


def summary(recipes: Sequence[Recipe], results: Sequence[Result], varied: Sequence[str]) -> list[dict[str, Any]]:
    """Return a row per combination: mean and standard deviation over its seeds, without the runs that diverged."""
    from ..lab.studies.study import mean_and_deviation

    groups: dict[Recipe, list[Result]] = {}
    for recipe, result in zip(recipes, results, strict=True):
        groups.setdefault(replace(recipe, seed=0), []).append(result)
    return [
        {
            **{name: _word(getattr(recipe, name)) for name in varied},
            "runs": len(runs),
            "training loss": mean_and_deviation(
                [x for run in runs if not run["diverged"] for x in run["train_loss"][-1:]]
            ),
            "test loss": mean_and_deviation([run["test_loss"] for run in runs if not run["diverged"]]),
            "test accuracy": mean_and_deviation([run["test_accuracy"] for run in runs if not run["diverged"]]),
            "diverged": sum(run["diverged"] for run in runs),
            "seconds": mean_and_deviation([run["seconds"] for run in runs]),
        }
        for recipe, runs in groups.items()
    ]


def _word(value: Any) -> Any:
    return "-".join(map(str, value)) if isinstance(value, tuple) else value
