"""Tasks: the units of work of a study or a sweep. They run in parallel, and each result is saved when it is finished.

A task is a frozen dataclass of plain settings. Its method `run(data_dir)` returns a result that JSON can hold. Equal
tasks give equal results, on any machine and in any order. So a saved result is used again, unless a file named in the
settings, such as a data set or a tier, has changed.
"""

import hashlib
import json
import math
import os
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from functools import lru_cache, partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from ...arguments import whole_number
from ...building import check, load_data
from ...datasets import Dataset, Standardizer, find_makemore_names
from ...datasets.mnist import CLASS_NAMES, dataset_files, find_dataset
from ...errors import DataError, DivergedError
from ...files import replacing
from ...metrics import evaluate
from ...processes import end_with_parent
from ...recipe import Recipe
from ...run import Run

Result = dict[str, Any]
VERSION = 2  # of the files of saved results; those of other versions are ignored


class Task(Protocol):
    """Protocol of a task: a dataclass of plain settings with a method `run`."""

    def run(self, data_dir: str | None) -> Result:
        """Do the work and return a result that JSON can hold."""


@dataclass(frozen=True)
class Training:
    """Train a net by a recipe and test it.

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
        if diverged or not math.isfinite(scores["loss"]) or trainer.history.diverges(scores["loss"]):
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
    """Return the run of a recipe before its first step. Consecutive runs with the same data read them once."""
    names = ["net", "data", "text", "length", "n_train", "n_test"]
    if recipe.data not in CLASS_NAMES:  # a published set does not depend on the seed, and is not standardized
        names += ["no_standardize", "validation", "seed"]
    return Run(recipe, *_load(Recipe(**{name: getattr(recipe, name) for name in names}), data_dir))


@lru_cache(maxsize=1)  # most runs of one process need the same data
def _load(recipe: Recipe, data_dir: str | None) -> tuple[Dataset, Standardizer | None]:
    return load_data(recipe, data_dir)


def settings_of(task: Task) -> dict[str, Any]:
    """Return the settings of a task that affect its result, ready for JSON, and its kind, under "task".

    The kind is the class attribute `KIND`, or else the name of the class. It is part of the names of saved results, so
    `KIND` keeps them valid when the class is renamed.
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
    """Run tasks in parallel and return their results in order.

    Parameters
    ----------
    tasks : sequence of Task
    folder : path
        Folder for the results. Each is saved under a name computed from its settings; a task whose result is already
        there does not run again.
    data_dir : str, optional
        Folder of the data sets, the same on every machine that takes part.
    jobs : int, optional
        Number of tasks that run at a time, at least 1. By default, `joblib.parallel_config` decides, which can also
        send the tasks to a cluster. Without such a configuration, or without joblib, the tasks run one after the other.
    on_result : callable
        Called with the number of finished tasks and the number of all tasks.

    Raises
    ------
    ValueError, DataError
        If the recipe of a `Training` is wrong or a saved result is damaged, before any task starts; if jobs is below 1;
        or if several jobs are asked for without joblib.
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
            check(task.recipe, data_dir)  # an error should come now, not after an hour
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
    if jobs is not None:
        jobs = min(whole_number("jobs", jobs), max(1, len(tasks)))
    if find_spec("joblib") is None:
        if jobs not in (None, 1):
            raise ValueError("more than one job needs joblib: pip install 'micrograd-tiers[sweep]'")
        yield from ((path, task.run(data_dir)) for path, task in tasks.items())
        return
    from joblib import Parallel, delayed
    from joblib.parallel import LokyBackend, get_active_backend

    backend, _ = get_active_backend()
    if isinstance(backend, LokyBackend):  # processes on this machine: the default
        backend = LokyBackend(nesting_level=backend.nesting_level)
        backend.configure = partial(backend.configure, initializer=end_with_parent, initargs=(os.getpid(),))
    # Some back ends, such as Ray's, return all results at the end, so nothing is saved before.
    one_by_one = backend.supports_return_generator
    work = Parallel(n_jobs=jobs, backend=backend, return_as="generator_unordered" if one_by_one else "list")
    yield from work(delayed(_run)(path, task, data_dir) for path, task in tasks.items())


@contextmanager
def on_cluster(address: str | None) -> Iterator[None]:
    """Context manager that sends tasks to the Dask cluster with this scheduler address; None runs them locally.

    Raises
    ------
    ValueError
        If an address is given, but Dask or joblib is not installed.
    """
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
    """Return the checksums of the files named in the settings: data sets, texts and tiers."""
    found, text = {}, settings.get("recipe", {}).get("text")
    for word in _words(settings):
        folder = find_dataset(word, data_dir) if word in CLASS_NAMES else None
        names = find_makemore_names(data_dir) if word == "makemore-names" else None
        read = [Path(word)] if word.endswith(".py") or word == text else [*filter(None, [names])]
        files = dataset_files(word, folder) if folder else read
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
            raise DataError(f"{path}: is not a result of this task: remove it, and the task runs again") from None
    return None
