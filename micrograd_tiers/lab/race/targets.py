"""The package's targets: its required speed against other contenders, checked in the same race."""

import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from .cases import LENET, AnyCase, Case, GPTCase
from .race import Race, Row, quartiles

BIG, SMALL, TINY = (784, 300, 10), (784, 30, 10), (2, 3, 2)
SPEED, TIME = "x the speed", "x the time"


@dataclass(frozen=True)
class Bar:
    """Limit that the measured value of a target must keep.

    Attributes
    ----------
    limit : float
        Least allowed speed, or largest allowed time.
    unit : {"x the speed", "x the time", "ms", "s"}
        Speed or time relative to another contender, or a time in itself.
    """

    limit: float
    unit: str

    def __str__(self) -> str:
        space = "" if self.unit in (SPEED, TIME) else " "
        return f"{'at least' if self.unit == SPEED else 'at most'} {self.limit:.3g}{space}{self.unit}"

    def is_met(self, first: float, third: float) -> bool:
        """Return True if the worse of the two quartiles keeps the limit: a lucky half of the rounds does not count."""
        return first >= self.limit if self.unit == SPEED else third <= self.limit


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
    as_time : bool
        True if the tables show the contender's time divided by the base's.
    """

    case: AnyCase
    contender: str
    base: str
    at_least: float
    threads: int = 0
    as_time: bool = False

    def __str__(self) -> str:
        threads = f", {self.threads} thread" if self.threads else ""
        return f"{self.contender} against {self.base}: {self.case}{threads}"

    @property
    def bar(self) -> Bar:
        """Limit in the form that the tables show."""
        return Bar(1 / self.at_least, TIME) if self.as_time else Bar(self.at_least, SPEED)


TARGETS = (
    Target(Case(BIG, 64, "float32"), "tensor", "PyTorch eager", 1.4),
    Target(Case(BIG, 512, "float32"), "tensor", "PyTorch eager", 1.0),
    Target(Case(BIG, 64), "tensor", "PyTorch eager", 1.25),
    Target(Case(BIG, 512), "tensor", "PyTorch eager", 0.85),
    Target(Case(BIG, 1), "tensor", "PyTorch eager", 1.5),
    Target(Case(BIG, 1, "float32"), "tensor", "PyTorch eager", 2.0),
    Target(Case(BIG, 64, "float32"), "tensor", "matrix products", 0.75),
    Target(Case(BIG, 64, "float32"), "tensor", "JAX jit", 1.0),
    Target(Case(BIG, 512, "float32"), "tensor", "JAX jit", 0.9),
    Target(Case(LENET, 64, "float32"), "tensor", "PyTorch eager", 1 / 1.3, as_time=True),
    Target(Case(BIG, 64), "vector", "naive NumPy", 4.5),
    Target(Case(TINY, 1), "scalar", "flat loop", 1 / 1.9, as_time=True),
    Target(Case(SMALL, 1), "scalar", "flat loop", 1 / 1.15, as_time=True),
    Target(Case(BIG, 1), "scalar", "flat loop", 14 / 16, as_time=True),
    Target(Case(TINY, 1), "Value", "micrograd", 5.0),
    Target(Case(SMALL, 1), "Value", "micrograd", 8.0),
    Target(Case((2, 16, 16, 1), 100), "Value on moons", "micrograd on moons", 8.0),
    Target(Case(SMALL, 64), "tensor exact", "tensor", 1 / 4, threads=1, as_time=True),
    Target(GPTCase(1), "tensor", "PyTorch eager", 2.0, threads=1),
    Target(GPTCase(32), "tensor", "PyTorch eager", 1.2, threads=1),
    Target(GPTCase(1), "vector", "scalar", 15.0, threads=1),
)
START = {  # of whole processes
    "import of all of micrograd_tiers, beyond import numpy": Bar(60, "ms"),
    "time of micrograd-tiers --help": Bar(150, "ms"),
    "time of micrograd-tiers compare": Bar(45, "s"),
}


def bars() -> dict[str, Bar]:
    """Return the limits of all targets by their names, in the order of the tables."""
    return {str(target): target.bar for target in TARGETS} | START


@dataclass(frozen=True)
class TargetResult:
    """Result of checking a target.

    Attributes
    ----------
    name : str
    bar : Bar
    quartiles : (float, float, float) or None
        Measured first quartile, median and third quartile, in the unit of the bar; None if a contender was missing.
    missing : str
        The contender that is not installed; "" if both are.
    """

    name: str
    bar: Bar
    quartiles: tuple[float, float, float] | None
    missing: str = ""

    @property
    def met(self) -> bool | None:
        """True if the target was met; None if it was not measured."""
        return None if self.quartiles is None else self.bar.is_met(self.quartiles[0], self.quartiles[2])

    @property
    def median(self) -> str:
        """Measured value with its unit, or the reason why there is none."""
        if self.quartiles is None:
            return f"({self.missing} is not installed)"
        return shown(self.quartiles[1], self.bar)

    @property
    def spread(self) -> str:
        """Quartiles of the measured value."""
        if self.quartiles is None:
            return ""
        digits = _digits(self.bar)
        return f"{self.quartiles[0]:.{digits}f} to {self.quartiles[2]:.{digits}f}"

    def as_json(self) -> dict[str, Any]:
        """Return the result as it is written to JSON, with numbers of four significant digits."""
        numbers = None if self.quartiles is None else [float(f"{value:.4g}") for value in self.quartiles]
        return {"name": self.name, "wanted": str(self.bar), "quartiles": numbers, "met": self.met}


def shown(value: float, bar: Bar) -> str:
    """Return a measured value as text: ratios without a unit, times with theirs."""
    return f"{value:.{_digits(bar)}f}" + ("" if bar.unit in (SPEED, TIME) else f" {bar.unit}")


def _digits(bar: Bar) -> int:
    return 2 if bar.unit in (SPEED, TIME) else 1


def check_targets(race: Race) -> tuple[list[TargetResult], list[Row]]:
    """Race all targets, each with its own number of threads."""
    results, rows = [], []
    for target in TARGETS:
        runner = replace(race, threads=target.threads or race.threads)
        raced = runner.run(target.case, [target.contender, target.base], base=target.base)
        rows += raced
        results.append(_result(target, {row.contender: row for row in raced}))
    return results, rows


def _result(target: Target, rows: dict[str, Row]) -> TargetResult:
    if len(rows) < 2:
        missing = target.base if target.contender in rows else target.contender
        return TargetResult(str(target), target.bar, None, missing)
    ratios = rows[target.contender].ratios
    return TargetResult(str(target), target.bar, _spread([1 / r for r in ratios] if target.as_time else ratios))


def _spread(values: Sequence[float]) -> tuple[float, float, float]:
    first, third = quartiles(values)
    return first, statistics.median(values), third


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
    measured = [over, times["help"], [_process_time(["-m", "micrograd_tiers", "compare"])]]
    return [
        TargetResult(name, bar, _spread([1e3 * t if bar.unit == "ms" else t for t in seconds]))
        for (name, bar), seconds in zip(START.items(), measured, strict=True)
    ]


def _process_time(arguments: Sequence[str]) -> float:
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, check=True)
        return time.perf_counter() - start
