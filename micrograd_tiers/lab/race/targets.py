"""The package's targets: its required speed against other contenders, checked in the same race."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from .cases import LENET, AnyCase, Case, GPTCase
from .race import Race, Row, quartiles

BIG, SMALL, TINY = (784, 300, 10), (784, 30, 10), (2, 3, 2)


@dataclass(frozen=True)
class Target:
    """Required ratio of two contenders' times in one case.

    Attributes
    ----------
    case : Case or GPTCase
    contender, base : str
    at_least : float
        Smallest allowed value of the base's time divided by the contender's.
    threads : int
        Number of threads of both contenders; 0 for that of the race.
    """

    case: AnyCase
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
    Target(GPTCase(1), "tensor", "PyTorch eager", 2.0, threads=1),
    Target(GPTCase(32), "tensor", "PyTorch eager", 1.2, threads=1),
    Target(GPTCase(1), "vector", "scalar", 15.0, threads=1),
)


@dataclass(frozen=True)
class TargetResult:
    """Result of checking a target.

    Attributes
    ----------
    what : str
        The target, for the table.
    wanted, got : str
        Required and measured value.
    spread : str
        Quartiles of the measured value.
    kept : bool or None
        True if the target was met; None if one of the two contenders is not installed.
    """

    what: str
    wanted: str
    got: str
    spread: str
    kept: bool | None


def check_targets(race: Race) -> tuple[list[TargetResult], list[Row]]:
    """Race all targets. Those for one thread have a race of their own: a process keeps the threads it starts with."""
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
    wanted = f"at least {target.at_least:.3g}x the speed" if faster else f"at most {1 / target.at_least:.3g}x the time"
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


IMPORT_MOST, HELP_MOST, COMPARE_MOST = 0.060, 0.150, 45.0  # upper bounds of the start-up times, in seconds


def check_start(rounds: int = 9, report: Callable[[str], None] = lambda line: None) -> list[TargetResult]:
    """Time whole processes, with warm caches: the import, --help, and `compare` without options."""
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
            if k:  # the first round fills the caches
                times[name].append(seconds)
    over = [ours - numpy for ours, numpy in zip(times["ours"], times["numpy"], strict=True)]
    report("compare without options")
    return [
        _seconds("import of all of micrograd_tiers, beyond import numpy", over, IMPORT_MOST),
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
