"""What the package promises: how fast it is beside others and beside its limits, checked in the same race."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .cases import LENET, Case
from .race import Race, Row, quartiles

BIG, SMALL, TINY = (784, 300, 10), (784, 30, 10), (2, 3, 2)


@dataclass(frozen=True)
class Target:
    """A promise about the time of two contenders in one case.

    Attributes
    ----------
    case : Case
    contender, base : str
    at_least : float
        The base's time over the contender's.
    threads : int
        With which both compute; 0: all that the race has.
    """

    case: Case
    contender: str
    base: str
    at_least: float
    threads: int = 0


TARGETS = (
    Target(Case(BIG, 64, "float32"), "tensor", "PyTorch eager", 1.3),
    Target(Case(BIG, 512, "float32"), "tensor", "PyTorch eager", 1.0),
    Target(Case(BIG, 64), "tensor", "PyTorch eager", 1.0),
    Target(Case(BIG, 1), "tensor", "PyTorch eager", 1.5),
    Target(Case(BIG, 1, "float32"), "tensor", "PyTorch eager", 1.5),
    Target(Case(LENET, 64, "float32"), "tensor", "PyTorch eager", 0.5),
    Target(Case(BIG, 64), "vector", "naive NumPy", 3.0),
    Target(Case(TINY, 1), "scalar", "flat loop", 1 / 1.15),
    Target(Case(SMALL, 1), "scalar", "flat loop", 1 / 1.15),
    Target(Case(BIG, 1), "scalar", "flat loop", 14 / 16),
    Target(Case(TINY, 1), "Value", "micrograd", 3.0),
    Target(Case(SMALL, 1), "Value", "micrograd", 3.0),
    Target(Case((2, 16, 16, 1), 100), "Value on moons", "micrograd on moons", 3.0),
    Target(Case(SMALL, 64), "tensor exact", "tensor", 1 / 9, threads=1),
)


@dataclass(frozen=True)
class TargetResult:
    """How a promise was kept.

    Attributes
    ----------
    what : str
    wanted, got : str
    spread : str
        The quartiles of what was got.
    kept : bool or None
        None where one of the two is not installed.
    """

    what: str
    wanted: str
    got: str
    spread: str
    kept: bool | None


def check_targets(race: Race) -> tuple[list[TargetResult], list[Row]]:
    """Race all targets; those that are about one thread in a race of their own."""
    results, rows = [], []
    with Race(1, race.rounds, race.seconds, race.report) as single:
        for target in TARGETS:
            runner = single if target.threads == 1 else race
            raced = runner.run(target.case, [target.contender, target.base], base=target.base)
            rows += raced
            results.append(_result(target, {row.contender: row for row in raced}))
    return results, rows


def _result(target: Target, rows: dict[str, Row]) -> TargetResult:
    what = f"{target.contender} against {target.base}: {target.case}"
    if target.threads:
        what += f", {target.threads} thread"
    faster = target.at_least >= 1
    wanted = f"{target.at_least:.3g} times as fast" if faster else f"{1 / target.at_least:.3g} times the time"
    if len(rows) < 2:
        missing = target.base if target.contender in rows else target.contender
        return TargetResult(what, wanted, f"({missing} is not installed)", "", None)
    ratios = rows[target.contender].ratios
    shown = ratios if faster else [1 / ratio for ratio in ratios]
    first, third = quartiles(shown)
    got = statistics.median(ratios)
    return TargetResult(
        what, wanted, f"{statistics.median(shown):.2f}", f"{first:.2f} to {third:.2f}", got >= target.at_least
    )


# Starting up, as a user feels it: whole processes.

IMPORT_MOST, HELP_MOST, COMPARE_MOST = 0.060, 0.150, 45.0  # seconds


def check_start(rounds: int = 9, report: Callable[[str], None] = lambda line: None) -> list[TargetResult]:
    """Time the import, --help and `compare`, in processes of their own, warm."""
    report("import and --help")
    code = {
        "numpy": ["-c", "import numpy"],
        "ours": ["-c", "import numpy, micrograd_tiers as mt; mt.Network, mt.fit, mt.SGD"],
        "help": ["-m", "micrograd_tiers", "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in code}
    for k in range(rounds + 1):
        for name, arguments in code.items():
            seconds = _process_time(arguments)
            if k:  # the first fills the caches
                times[name].append(seconds)
    over = [ours - numpy for ours, numpy in zip(times["ours"], times["numpy"], strict=True)]
    report("compare without options")
    return [
        _seconds("import micrograd_tiers, all of it, over import numpy", over, IMPORT_MOST),
        _seconds("time of micrograd-tiers --help", times["help"], HELP_MOST),
        _seconds(
            "time of micrograd-tiers compare", [_process_time(["-m", "micrograd_tiers", "compare"])], COMPARE_MOST
        ),
    ]


def _process_time(arguments: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=True)
        return time.perf_counter() - start


def _seconds(what: str, times: list[float], most: float) -> TargetResult:
    first, third = quartiles(times)
    median = statistics.median(times)
    unit, factor = ("s", 1.0) if most >= 1 else ("ms", 1e3)
    return TargetResult(
        what, f"at most {most * factor:g} {unit}", f"{median * factor:.1f} {unit}",
        f"{first * factor:.1f} to {third * factor:.1f}", median <= most,
    )  # fmt: skip
