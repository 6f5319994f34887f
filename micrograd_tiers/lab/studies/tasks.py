"""Runs: the units of work of a study or a sweep, done side by side, each kept in a file as soon as it is finished.

A task is a frozen dataclass of plain settings with a method `run(data_dir)` that returns a result for JSON. Equal tasks
give equal results, wherever and beside whatever they run, so a result that was kept need not be computed again, unless
the files that its settings name, a data set or a tier, have changed.
"""

import hashlib
import json
import math
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ...building import check, load_data
from ...datasets import Dataset, Standardizer
from ...datasets.mnist import CLASS_NAMES, dataset_files, find_dataset
from ...errors import DataError, DivergedError
from ...files import replacing
from ...metrics import evaluate
from ...recipe import Recipe
from ...run import Run

Result = dict[str, Any]
VERSION = 2  # of what is kept: another one is not taken for this one


class Task(Protocol):
    """What can be run: a dataclass of plain settings."""

    def run(self, data_dir: str | None) -> Result:
        """Do the work; return what came out, as JSON can hold it."""


@dataclass(frozen=True)
class Training:
    """Train a net by a recipe, and test it.

    Parameters
    ----------
    recipe : Recipe
    """

    recipe: Recipe

    def run(self, data_dir: str | None) -> Result:
        """Return the history, the scores on the test set (None if the net diverged) and the number of parameters."""
        run = prepare(self.recipe, data_dir)
        data, trainer = run.data, run.trainer
        start, diverged = time.perf_counter(), False
        try:
            trainer.run()
        except DivergedError:
            diverged = True
        seconds = time.perf_counter() - start
        scores: dict[str, Any] = evaluate(trainer.net, data.test_x, data.test_y)
        if diverged or not math.isfinite(scores["loss"]):
            scores, diverged = dict.fromkeys(scores), True
        history = asdict(trainer.history)
        del history["batch_loss"]
        return {
            **history,
            "epochs_run": trainer.epoch,
            "test_loss": scores["loss"],
            "test_accuracy": scores["accuracy"],
            "n_parameters": trainer.net.n_parameters,
            "diverged": diverged,
            "seconds": seconds,
        }


def prepare(recipe: Recipe, data_dir: str | None) -> Run:
    """Return the run of a recipe at its start; the data are read once for all runs of a process that share them."""
    names = ["data", "n_train", "n_test"]
    if recipe.data not in CLASS_NAMES:  # a published set is the same for every seed, and not standardized
        names += ["no_standardize", "validation", "seed"]
    return Run(recipe, *_load(Recipe(**{name: getattr(recipe, name) for name in names}), data_dir))


@lru_cache(maxsize=1)  # the runs of one process mostly want the same
def _load(recipe: Recipe, data_dir: str | None) -> tuple[Dataset, Standardizer | None]:
    return load_data(recipe, data_dir)


def settings_of(task: Task) -> dict[str, Any]:
    """Return the settings of a task that count, as JSON has them, with its kind.

    The kind is the name of the class, or its `KIND`: results are kept under it, so it stays when the class is renamed.
    """
    settings = {
        field.name: value.settings() if isinstance(value := getattr(task, field.name), Recipe) else value
        for field in fields(task)  # type: ignore[arg-type]  # a dataclass
    }
    plain: dict[str, Any] = json.loads(json.dumps(settings, default=asdict))
    return {"task": getattr(task, "KIND", type(task).__name__), **plain}


def run_all(
    tasks: Sequence[Task],
    folder: str | Path,
    *,
    data_dir: str | None = None,
    jobs: int | None = None,
    on_result: Callable[[int, int], object] = lambda done, of: None,
) -> list[Result]:
    """Run tasks, as many at a time as there are jobs, and return their results in order.

    Parameters
    ----------
    tasks : sequence of Task
    folder : path
        Where each result is kept under a name made of its settings; what is there already is not run again.
    data_dir : str, optional
        Where the data sets are, on every machine that takes part.
    jobs : int, optional
        How many at a time. Where not given, as `joblib.parallel_config` says, which can also send the work to a
        cluster; without one, and without joblib, one after the other.
    on_result : callable
        Told how many of how many are done.

    Raises
    ------
    ValueError, DataError
        If a `Training` cannot be run, before any is; or if there is no joblib for several jobs.
    """
    folder = Path(folder)
    settings = [settings_of(task) for task in tasks]
    paths = [folder / f"{_key(of_task)}.json" for of_task in settings]
    checksums: dict[str, int] = {}
    kept_with = {
        path: {"settings": of_task, "inputs": _inputs(of_task, data_dir, checksums)}
        for path, of_task in zip(paths, settings, strict=True)
    }
    results: dict[Path, Result | None] = {path: _kept(path, kept_with[path]["inputs"]) for path in paths}
    missing = {path: task for path, task in zip(paths, tasks, strict=True) if results[path] is None}
    for task in missing.values():
        if isinstance(task, Training):
            check(task.recipe, data_dir)  # better now than after an hour
    folder.mkdir(parents=True, exist_ok=True)
    done = len(results) - len(missing)
    on_result(done, len(results))
    for path, result in _in_parallel(missing, data_dir, jobs):
        content = {"version": VERSION, **kept_with[path], "result": result}
        with replacing(path) as file:
            file.write(json.dumps(content, indent=1).encode() + b"\n")
        results[path] = result
        done += 1
        on_result(done, len(results))
    return [kept for path in paths if (kept := results[path]) is not None]


def _in_parallel(tasks: dict[Path, Task], data_dir: str | None, jobs: int | None) -> Iterator[tuple[Path, Result]]:
    if find_spec("joblib") is None:
        if jobs not in (None, 1):
            raise ValueError("more than one job needs joblib: pip install 'micrograd-tiers[sweep]'")
        yield from ((path, task.run(data_dir)) for path, task in tasks.items())
        return
    from joblib import Parallel, delayed
    from joblib.parallel import get_active_backend

    # Some back ends, as Ray's, give all results in the end, so that none is kept before.
    one_by_one = get_active_backend()[0].supports_return_generator
    work = Parallel(n_jobs=jobs, return_as="generator_unordered" if one_by_one else "list")
    yield from work(delayed(_run)(path, task, data_dir) for path, task in tasks.items())


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Send the runs inside to the Dask cluster whose scheduler has this address; None: they stay here."""
    if address is None:
        yield
        return
    try:
        from distributed import Client
        from joblib import parallel_config
    except ModuleNotFoundError:
        raise ValueError("a cluster needs Dask and joblib: pip install 'micrograd-tiers[sweep]'") from None
    with Client(address, timeout="10s"), parallel_config("dask"):  # type: ignore[no-untyped-call]
        yield


def _run(path: Path, task: Task, data_dir: str | None) -> tuple[Path, Result]:
    return path, task.run(data_dir)


def _key(settings: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:16]


def _inputs(settings: dict[str, Any], data_dir: str | None, checksums: dict[str, int]) -> dict[str, int]:
    """Return checksums of the files that settings name: published data sets, and tiers."""
    found = {}
    for word in _words(settings):
        folder = find_dataset(word, data_dir) if word in CLASS_NAMES else None
        files = dataset_files(folder) if folder else [Path(word)] if word.endswith(".py") else []
        for file in filter(Path.is_file, files):
            key = str(file)
            if key not in checksums:
                checksums[key] = zlib.crc32(file.read_bytes())
            found[f"{word}/{file.name}"] = checksums[key]
    return found


def _words(content: Any) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, dict):
        for value in content.values():
            yield from _words(value)


def _kept(path: Path, inputs: dict[str, int]) -> Result | None:
    with suppress(FileNotFoundError):
        try:
            content = json.loads(path.read_text())
            if content["version"] != VERSION or content["inputs"] != inputs:
                return None
            result: Result = content["result"]
            return result
        except (UnicodeDecodeError, json.JSONDecodeError, KeyError, TypeError):
            raise DataError(
                f"{path}: is not a result that was kept here: remove it, and it is computed again"
            ) from None
    return None
