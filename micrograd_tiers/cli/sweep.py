"""`micrograd-tiers sweep`: train with every combination of settings, over several seeds."""

import argparse
from collections.abc import Sequence
from dataclasses import fields, replace
from itertools import product
from pathlib import Path
from typing import Any, get_args, get_type_hints

from ..lab.studies import Result, Training, as_csv, environment, on_cluster, run_all, runs_of, table
from ..lab.studies.study import mean_and_deviation
from ..recipe import Recipe
from .common import Progress, write_results

TYPES = get_type_hints(Recipe)


def run(args: argparse.Namespace) -> int:
    """Run the grid; what is finished is kept, so that it can be interrupted and goes on later."""
    grid = parse_grid(args.grid)
    recipes = [Recipe(**dict(zip(grid, values, strict=True))) for values in product(*grid.values())]
    out = Path(args.out)
    tasks = [*map(Training, recipes)]
    print(f"{len(tasks)} runs, in {out}")
    with Progress("run") as progress, on_cluster(args.dask):
        results = run_all(tasks, out / "runs", data_dir=args.data_dir, jobs=args.jobs, on_result=progress)
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
    """Return a row for each combination: mean and standard deviation over its seeds, but for runs that diverged."""
    groups: dict[Recipe, list[Result]] = {}
    for recipe, result in zip(recipes, results, strict=True):
        groups.setdefault(replace(recipe, seed=0), []).append(result)
    return [
        {
            **{name: _word(getattr(recipe, name)) for name in varied},
            "runs": len(runs),
            "training loss": mean_and_deviation([run["train_loss"][-1] for run in runs if not run["diverged"]]),
            "test loss": mean_and_deviation([run["test_loss"] for run in runs if not run["diverged"]]),
            "test accuracy": mean_and_deviation([run["test_accuracy"] for run in runs if not run["diverged"]]),
            "diverged": sum(run["diverged"] for run in runs),
            "seconds": mean_and_deviation([run["seconds"] for run in runs]),
        }
        for recipe, runs in groups.items()
    ]


def parse_grid(words: Sequence[str]) -> dict[str, list[Any]]:
    """Return settings and their values from words such as learning_rate=0.01,0.1 and seeds=0..4.

    Raises
    ------
    ValueError
        If a setting is not one of `Recipe`, or a value is not what it takes.
    """
    grid: dict[str, list[Any]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        name = {"seeds": "seed"}.get(name, name).replace("-", "_")
        if not equals or name not in TYPES:
            known = ", ".join(field.name for field in fields(Recipe))
            raise ValueError(f"{word!r}: expected SETTING=VALUE,VALUE,... with a setting of train: {known}")
        if name in grid:
            raise ValueError(f"{name} is given twice")
        # A net or a schedule in words has commas of its own: several of them are set apart by |.
        separator = "|" if name in ("layers", "schedule") else ","
        grid[name] = [*dict.fromkeys(v for value in values.split(separator) for v in _values(name, value.strip()))]
    return grid


def _values(name: str, value: str) -> list[Any]:
    first, dots, last = value.partition("..")
    if dots and int in _kinds(name):
        numbers = [*range(_as(name, int, first), _as(name, int, last) + 1)]
        if not numbers:
            raise ValueError(f"{name} is {value!r}, expected FIRST..LAST, the smaller number first")
        return numbers
    if name == "hidden":
        return [tuple(_as(name, int, size) for size in value.split("-")) if value else ()]
    for kind in _kinds(name):
        if kind is bool:
            if value not in ("true", "false"):
                raise ValueError(f"{name} is {value!r}, expected true or false")
            return [value == "true"]
        return [_as(name, kind, value)]
    return [value]


def _kinds(name: str) -> list[type]:
    kind = TYPES[name]
    return [k for k in get_args(kind) or (kind,) if k is not type(None)]


def _as(name: str, kind: type, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} is {value!r}, expected {'a whole number' if kind is int else 'a number'}") from None


def _word(value: Any) -> Any:
    return "-".join(map(str, value)) if isinstance(value, tuple) else value
