"""The race: contenders in separate processes, which must first compute equal gradients and are then timed in turns.

Each contender has its own process with pinned threads, so that no library disturbs another: two BLAS libraries in one
process compete for the cores, and one contender's garbage could be collected during the next one's turn. A process
serves one case, as what a case leaves behind in memory can slow down the next. In a round, every contender has one
turn; the order changes from round to round. Ratios are taken within a round, so that a machine that slows down for a
while slows both contenders of a ratio. The results are medians and quartiles over the rounds.
"""

import contextlib
import statistics
import tempfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ... import html
from ...errors import ContenderError
from .cases import AnyCase, case_of
from .contenders import CONTENDERS
from .process import Process
from .proof import TOLERANCE, equal_arrays, gradients

REFERENCE = "tensor"


@dataclass(frozen=True)
class Row:
    """Result of one contender in one case.

    Attributes
    ----------
    case : Case or GPTCase
    contender, base : str
        Names of the contender and of the one that it is compared with.
    threads : int
        Number of threads of each contender.
    seconds : list of float
        Median time of a step in each turn.
    ratios : list of float
        The base's time divided by this contender's, round by round: above 1 is faster than the base. Empty if the base
        was not in the race.
    off : float or None
        Largest error of its gradients, relative to the largest entry of each; None if it computes no gradients.
    """

    case: AnyCase
    contender: str
    base: str
    threads: int
    seconds: list[float]
    ratios: list[float]
    off: float | None

    def __repr__(self) -> str:
        return f"<Row: {', '.join(f'{name}: {text}' for name, text in self._cells().items())}>"

    def _repr_html_(self) -> str:
        return html.table([*self._cells()], [[*self._cells().values()]])

    def _cells(self) -> dict[str, str]:
        first, third = quartiles(self.seconds)
        return {
            "contender": self.contender,
            "case": str(self.case),
            "microseconds": f"{1e6 * self.median:.3g}",
            "quartiles": f"{1e6 * first:.3g} to {1e6 * third:.3g}",
            f"{self.case.unit}/s": f"{self.samples_per_second:,.0f}",
            f"times as fast as {self.base}": f"{self.ratio:.2g}",
        }

    @property
    def median(self) -> float:
        """Median time of a step, in seconds."""
        return statistics.median(self.seconds)

    @property
    def ratio(self) -> float:
        """Median of the ratios; NaN if there are none."""
        return statistics.median(self.ratios) if self.ratios else float("nan")

    @property
    def samples_per_second(self) -> float:
        """Training samples, or documents, per second."""
        return self.case.batch_size / self.median

    @property
    def gflops(self) -> float:
        """Billions of floating-point operations per second; only matrix products and convolutions count."""
        return self.case.flops / self.median / 1e9


def quartiles(values: Sequence[float]) -> tuple[float, float]:
    """Return the first and the third quartile; both are the value itself if there is only one."""
    if len(values) < 2:
        return values[0], values[0]
    first, _, third = statistics.quantiles(values, n=4, method="inclusive")
    return first, third


@dataclass(frozen=True)
class Race:
    """Races between contenders, each case in new processes, so that all of them start from the same state.

    Attributes
    ----------
    threads : int
        Number of threads for the libraries of each contender.
    rounds : int
        Turns of each contender in each case.
    seconds : float
        Length of a turn, in seconds. A turn has at least one step.
    report : callable
        Called with a line of progress.
    """

    threads: int = 1
    rounds: int = 9
    seconds: float = 0.15
    report: Callable[[str], None] = lambda line: None

    def run(self, case: AnyCase, names: Iterable[str], base: str = REFERENCE) -> list[Row]:
        """Race the named contenders that are installed and can run this case.

        Parameters
        ----------
        case : Case or GPTCase
        names : iterable of str
            Keys of `CONTENDERS`.
        base : str
            Name of the contender that the others are compared with.

        Returns
        -------
        list of Row
            The base comes first, if it is among the contenders.

        Raises
        ------
        ContenderError
            If a contender fails, or if its gradients differ from the float64 gradients of its reference.
        """
        names = [name for name in names if CONTENDERS[name].installed and CONTENDERS[name].takes(case)]
        names.sort(key=lambda name: name != base)
        if not names:
            return []
        with contextlib.ExitStack() as stack:
            racing = {name: stack.enter_context(Process(name, case, self.threads)) for name in names}
            self.report(f"{case}: proving equal gradients")
            off = {name: prove(process) for name, process in racing.items()}
            self.report(f"{case}: racing {len(names)} contender{'s' * (len(names) > 1)}")
            for process in racing.values():
                process.ask("ready")
            turns: dict[str, list[float]] = {name: [] for name in names}
            for k in range(self.rounds):
                for name in names[k % len(names) :] + names[: k % len(names)]:
                    turns[name].append(racing[name].ask("time", seconds=self.seconds)["seconds"])
        return [
            Row(
                case, name, base, self.threads, turns[name],
                [b / own for b, own in zip(turns[base], turns[name], strict=True)] if base in turns else [],
                off[name],
            )
            for name in names
        ]  # fmt: skip

    def memory(self, case: AnyCase, names: Iterable[str]) -> dict[str, dict[str, int]]:
        """Return the peak memory of "training" and "prediction", in bytes, for each tier that can run this case.

        Other contenders are left out: only the memory of Python and NumPy can be measured.
        """
        self.report(f"{case}: measuring memory")
        measured = {}
        for name in names:
            if CONTENDERS[name].tier and CONTENDERS[name].takes(case):
                with Process(name, case, self.threads) as process:
                    measured[name] = process.ask("memory")
        return measured

    def thread_warning(self, case: AnyCase, names: Iterable[str]) -> str | None:
        """Return a warning if NumPy has other threads in the processes of the race than the race asks for.

        The first contender that can run this case and needs NumPy alone is asked: other libraries bring threads of
        their own. None if there is no such contender, or nothing to warn of.
        """
        for name in names:
            if not CONTENDERS[name].needs and CONTENDERS[name].takes(case):
                with Process(name, case, self.threads) as process:
                    found: str | None = process.ask("threads", asked=self.threads)["warning"]
                return found
        return None


def prove(process: Process) -> float | None:
    """Return the relative error of a contender's gradients against its reference; None if it has no reference.

    Raises
    ------
    ContenderError
        If the contender fails, or if the error of its gradients or of its loss is above the tolerance.
    """
    case, reference = process.case, CONTENDERS[process.name].held_to
    if not reference:
        return None
    start, expected, loss = gradients(reference, case_of(case.name, case.batch_size))
    with tempfile.TemporaryDirectory(prefix="micrograd-tiers-") as folder:
        path = Path(folder) / "weights.npz"
        got = process.ask("prove", path=str(path))
        with np.load(path) as arrays:
            moved = [before - after for before, after in zip(start, arrays.values(), strict=True)]
    tolerance = TOLERANCE[case.dtype]
    try:
        off = equal_arrays(moved, expected, tolerance)
        equal_arrays([np.array([got["loss"]])], [np.array([loss])], tolerance)
    except ArithmeticError as error:
        raise ContenderError(f"{case}: {process.name} does not compute the same as {reference}: {error}") from None
    return off
