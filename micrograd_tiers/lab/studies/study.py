"""Studies and their reports, and the functions that format the reports."""

import csv
import io
import math
import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from ...formats import loss_text
from ...machine import processor
from ...network import Network
from ...recipe import Recipe
from .tasks import Result, Task, settings_of

K = TypeVar("K")
Line = tuple[Sequence[float], Sequence[float]]  # x and y
Draw = Callable[[Path], None]  # writes a picture to a file


@dataclass
class StudyReport:
    """Report of a study.

    Attributes
    ----------
    answer : str
        Tables and their interpretation, in Markdown.
    findings : dict
        Figures on which the answer is based, ready for JSON.
    pictures : dict of str to callable
        Functions that draw the pictures, by name.
    reading : str
        Further interpretation, in Markdown, that is true only of runs on the published data.
    """

    answer: str
    findings: dict[str, Any] = field(default_factory=dict)
    pictures: dict[str, Draw] = field(default_factory=dict)
    reading: str = ""


@dataclass(frozen=True)
class Study:
    """One of the classic experiments.

    Attributes
    ----------
    name, title, question : str
    tasks : callable
        Takes `quick` and returns the tasks. If `quick` is False, these are all tasks, on the published data. If it is
        True, they are a few tasks on glyphs, which take seconds.
    report : callable
        Takes the tasks and their results, and returns the report.
    """

    name: str
    title: str
    question: str
    tasks: Callable[[bool], Sequence[Task]]
    report: Callable[[Sequence[Task], Sequence[Result]], StudyReport]


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table, with four significant digits of floats."""
    rows = [*rows]
    names = [*dict.fromkeys(name for row in rows for name in row)]
    lines = [" | ".join(names), " | ".join("---" for _ in names)]
    lines += [" | ".join(_cell(row.get(name, "")) for name in names) for row in rows]
    return "\n".join(f"| {line} |" for line in lines)


def _cell(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    return f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)


def percent(share: float) -> str:
    """Return a share from 0 to 1 as a percentage with two decimals."""
    return f"{share:.2%}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """Return mean ± standard deviation (over n - 1), the value alone if there is one, or a dash if there are none."""
    if not values:
        return "-"
    if len(values) == 1:
        return loss_text(values[0])
    largest = max(map(abs, values)) or 1.0  # the squares of losses above 1e154 overflow
    shares = np.divide(values, largest)
    mean, deviation = (largest * float(x) for x in (np.mean(shares), np.std(shares, ddof=1)))
    return f"{loss_text(mean)} ± {loss_text(deviation)}"


def mean_of(results: Sequence[Result], key: str) -> float:
    """Return the mean of the results' entry `key`."""
    return float(np.mean([result[key] for result in results]))


def grouped(keys: Iterable[K], own_keys: Iterable[K], results: Sequence[Result]) -> dict[K, list[Result]]:
    """Group results by key.

    Parameters
    ----------
    keys : iterable
        All keys, in the order in which the groups are returned.
    own_keys : iterable
        The key of each result.
    results : sequence
    """
    groups: dict[K, list[Result]] = {key: [] for key in keys}
    for key, result in zip(own_keys, results, strict=True):
        groups[key].append(result)
    return groups


def on_glyphs(recipe: Recipe, **others: Any) -> Recipe:
    """Return the recipe of a quick run on a few glyphs. Keywords change other settings."""
    return replace(recipe, **{"data": "glyphs", "n_train": 1500, "n_test": 500, **others})


def dead_units(net: Network, X: NDArray[Any]) -> int:
    """Return the number of hidden units that are positive for no sample.

    The output and the slope of such a ReLU are 0 for all samples.

    Parameters
    ----------
    net : Network
        A dense net; its first layer is examined.
    X : array (N, I)
    """
    state = net.state_dict()
    above = X @ state["0.weight"].T + state["0.bias"] > 0
    return int((~above.any(axis=0)).sum())


def by_epoch(values: Sequence[float]) -> Line:
    """Return the line of a plot from one value for each epoch."""
    return [*range(1, len(values) + 1)], [*values]


def last_loss(result: Result) -> float:
    """Return the last validation loss of a `Training`, or infinity if it diverged."""
    return math.inf if result["diverged"] else float(result["validation_loss"][-1])


def runs_of(tasks: Sequence[Task], results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the settings and the result of every task, ready for JSON."""
    return [{**settings_of(task), "result": result} for task, result in zip(tasks, results, strict=True)]


def as_csv(tasks: Sequence[Task], results: Sequence[Result]) -> str:
    """Return a CSV file with one line per task: its settings and its result.

    Nested entries have names such as parts.gradients. A recipe's settings have no prefix. A list of up to 100 numbers
    is one cell, separated by spaces; other lists are left out.
    """
    rows = []
    for task, result in zip(tasks, results, strict=True):
        settings = settings_of(task)
        settings |= settings.pop("recipe", {})
        rows.append(_flat(settings) | _flat(result))
        assert not settings.keys() & result.keys()
    names = [*dict.fromkeys(name for row in rows for name in row)]
    out = io.StringIO()
    writer = csv.DictWriter(out, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            flat |= _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            flat[prefix + name] = value
        elif len(value) <= 100 and all(isinstance(x, int | float) for x in value):
            flat[prefix + name] = ("-" if name == "hidden" else " ").join(f"{x:.6g}" for x in value)
    return flat


def environment() -> dict[str, str]:
    """Return the versions and the processor, on which the times depend."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "processor": processor(),
        "system": platform.system(),
    }
