"""The history: what `benchmark --all` has measured for the targets, run by run, in a file that machines share."""

import json
import math
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import DataError
from ...files import PathLike
from .targets import TargetResult

ROOT = Path(__file__).parents[3]  # of the repository, if the package is in one
KEYS = {"date": str, "version": str, "processor": str, "cores": int, "threads": int, "python": str, "packages": dict}

Quartiles = tuple[float, float, float]


@dataclass(frozen=True)
class PastRun:
    """One run of `benchmark --all`.

    Attributes
    ----------
    date, version, commit : str
        Day of the run, and version of the package; the commit is "" if it is not known.
    processor : str
        As `machine.processor` returns it.
    kernels : str
        Kind of processor that the kernels of NumPy's BLAS are written for; "" if it is not known.
    cores, threads : int
    quartiles : dict
        First quartile, median and third quartile of each target that was measured, by the target's name.
    """

    date: str
    version: str
    commit: str
    processor: str
    kernels: str
    cores: int
    threads: int
    quartiles: dict[str, Quartiles]

    @property
    def code(self) -> str:
        """Version of the package with the commit, such as "0.1.0 (3981fe1)"."""
        return f"{self.version} ({self.commit})" if self.commit else self.version

    @property
    def machine(self) -> str:
        """The processor with the kernels of NumPy's BLAS, which may be those for an older processor."""
        return f"{self.processor}, {self.kernels} kernels" if self.kernels else self.processor


def entry(about: dict[str, Any], results: list[TargetResult]) -> dict[str, Any]:
    """Return a run of today as it is written to the file, from `report.machine` and the results of all targets."""
    start = {"date": date.today().isoformat(), "version": __version__, "commit": commit()}
    return start | about | {"targets": [result.as_json() for result in results if result.quartiles]}


def commit() -> str | None:
    """Return the commit of the package, with "-dirty" if files differ from it; None outside of its repository."""
    if not (ROOT / ".git").exists():
        return None
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip() or None
    except (OSError, subprocess.CalledProcessError):
        return None


def read_history(path: PathLike) -> dict[str, Any]:
    """Return the content of a history file: {"runs": [...]}, the oldest first.

    Raises
    ------
    DataError
        If the file is damaged, or of another kind.
    OSError
        If it does not exist or cannot be read.
    """
    try:
        content: dict[str, Any] = json.loads(Path(path).read_text(encoding="utf-8"))
        past_runs(content)
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise DataError(_not_a_history(path, str(error))) from None
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise DataError(_not_a_history(path, f"{type(error).__name__}: {error}")) from None
    return content


def _not_a_history(path: PathLike, reason: str) -> str:
    return (
        f"{path} is not a history of benchmark --all ({reason}): restore it from version control, or name a file "
        "that does not exist"
    )


def past_runs(content: dict[str, Any]) -> list[PastRun]:
    """Return the runs of a history file's content; raise KeyError, TypeError or ValueError if one is damaged."""
    return [_past_run(run, f"run {k}") for k, run in enumerate(content["runs"], start=1)]


def _past_run(run: dict[str, Any], where: str) -> PastRun:
    for key, kind in KEYS.items():
        if not isinstance(run[key], kind):
            raise TypeError(f"{key} of {where} is {run[key]!r}, expected {kind.__name__}")
    kernels = run.get("kernels") or ""  # files of earlier versions have none
    if not isinstance(kernels, str):
        raise TypeError(f"kernels of {where} is {kernels!r}, expected str or null")
    quartiles = {target["name"]: _quartiles(target, where) for target in run["targets"]}
    about = {key: run[key] for key in ("date", "version", "processor", "cores", "threads")}
    return PastRun(**about, commit=run["commit"] or "", kernels=kernels, quartiles=quartiles)


def _quartiles(target: dict[str, Any], where: str) -> Quartiles:
    first, median, third = map(float, target["quartiles"])
    if not (math.isfinite(first) and math.isfinite(third) and first <= median <= third):
        raise ValueError(f"quartiles of {target['name']!r} in {where} are {target['quartiles']}")
    return first, median, third


def latest(runs: Sequence[PastRun]) -> list[PastRun]:
    """Return the last run on each machine, in the order in which the machines appear in the file."""
    return [*{run.machine: run for run in runs}.values()]
