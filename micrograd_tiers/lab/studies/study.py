"""A study: a question, the runs that answer it, and a report with the answer."""

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

from ...network import Network
from ...recipe import Recipe
from .tasks import Result, Task, settings_of

K = TypeVar("K")
Line = tuple[Sequence[float], Sequence[float]]  # x and y
Draw = Callable[[Path], None]  # draws a picture into a file


@dataclass
class StudyReport:
    """What a study has found.

    Attributes
    ----------
    answer : str
        Markdown: tables, and what they say.
    findings : dict
        The figures that the answer rests on, as JSON can hold them.
    pictures : dict of str to callable
        Each draws the picture of that name.
    reading : str
        Markdown: what the figures mean, where that holds for those of the published data only.
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
        From `quick` to the runs: all of them on the published data, or a few on glyphs that take seconds.
    report : callable
        From tasks and their results to the report.
    """

    name: str
    title: str
    question: str
    tasks: Callable[[bool], Sequence[Task]]
    report: Callable[[Sequence[Task], Sequence[Result]], StudyReport]


def table(rows: Iterable[Mapping[str, Any]]) -> str:
    """Return rows as a Markdown table; floats with four significant digits."""
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
    """Return a share in percent, with two decimals."""
    return f"{share:.2%}"


def mean_and_deviation(values: Sequence[float]) -> str:
    """Return the mean and, of more than one, the standard deviation (over n - 1); a dash if there is none."""
    if not values:
        return "-"
    if len(values) == 1:
        return f"{values[0]:.4f}"
    return f"{np.mean(values):.4f} ± {np.std(values, ddof=1):.4f}"


def mean_of(results: Sequence[Result], key: str) -> float:
    """Return the mean of one figure over some runs."""
    return float(np.mean([result[key] for result in results]))


def grouped(keys: Iterable[K], own_keys: Iterable[K], results: Sequence[Result]) -> dict[K, list[Result]]:
    """Return results by their own keys, one for each result, in the order of the keys."""
    groups: dict[K, list[Result]] = {key: [] for key in keys}
    for key, result in zip(own_keys, results, strict=True):
        groups[key].append(result)
    return groups


def on_glyphs(recipe: Recipe, **others: Any) -> Recipe:
    """Return the recipe for a quick run, on some glyphs, with other settings of these names too."""
    return replace(recipe, **{"data": "glyphs", "n_train": 1500, "n_test": 500, **others})


def dead_units(net: Network, X: NDArray[Any]) -> int:
    """Return how many hidden units are above zero for no sample: a ReLU then puts out 0, and has no slope, for all."""
    state = net.state_dict()
    above = X @ state["0.weight"].T + state["0.bias"] > 0
    return int((~above.any(axis=0)).sum())


def by_epoch(values: Sequence[float]) -> Line:
    """Return values, one for each epoch, as a line to draw."""
    return [*range(1, len(values) + 1)], [*values]


def last_loss(result: Result) -> float:
    """Return the last validation loss of a `Training`; infinity if it diverged."""
    return math.inf if result["diverged"] else float(result["validation_loss"][-1])


def runs_of(tasks: Sequence[Task], results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return settings and result of every run, for JSON."""
    return [{**settings_of(task), "result": result} for task, result in zip(tasks, results, strict=True)]


def as_csv(tasks: Sequence[Task], results: Sequence[Result]) -> str:
    """Return one line per run: settings and results, what is nested under names such as parts.gradients.

    Of a recipe, the settings stand for themselves; of lists, those of up to 100 numbers are there, as words.
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
    """Return what the times depend on."""
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        "processor": platform.processor() or platform.machine(),
        "system": platform.system(),
    }
