"""Progress of a long job: a bar drawn by tqdm (extra `progress`), or lines."""

import sys
import time
from importlib.util import find_spec
from typing import Self

from .formats import loss_text
from .trainer import Trainer

SMOOTHING = 0.02  # weight of the newest mini-batch in the loss that is shown


def bar_is_possible() -> bool:
    """Return True if standard error is a terminal and tqdm is installed."""
    return sys.stderr.isatty() and find_spec("tqdm") is not None


class Progress:
    """Display of progress on standard error, for use in a with statement.

    Parameters
    ----------
    total, done : int
        Number of units in the whole job, and number already done at the start.
    unit : str
        Name of one unit, in the singular.
    bar : bool, optional
        If True, draw a bar; by default, draw one if possible.
    lines : bool
        If True, print a line at each update when there is no bar.

    Raises
    ------
    ModuleNotFoundError
        If a bar is requested and tqdm is not installed.
    """

    def __init__(self, total: int, unit: str, *, done: int = 0, bar: bool | None = None, lines: bool = False) -> None:
        self.total, self.unit, self.lines, self._done = total, unit, lines, done
        self._start, self._bar = time.perf_counter(), None
        if bar_is_possible() if bar is None else bar:
            try:
                from tqdm import tqdm
            except ModuleNotFoundError:
                raise ModuleNotFoundError(
                    "a progress bar needs tqdm: pip install 'micrograd-tiers[progress]'"
                ) from None
            self._bar = tqdm(total=total, initial=done, unit=f" {unit}s", unit_scale=True, dynamic_ncols=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def update(self, done: int, total: int | None = None) -> bool:
        """Show that `done` units are done, of a new total if given; return True if a bar was redrawn."""
        new, self._done, self.total = done - self._done, done, self.total if total is None else total
        if self._bar is not None:
            self._bar.total = self.total
            return bool(self._bar.update(new))  # tqdm redraws the bar often enough, but not at every call
        if self.lines:
            seconds = time.perf_counter() - self._start
            units = self.unit if self.total == 1 else f"{self.unit}s"
            print(f"  {done:,} of {self.total:,} {units} done after {seconds:.0f} s", file=sys.stderr)
        return False

    def print(self, line: str) -> None:
        """Print a line on standard output, above the bar."""
        if self._bar is None:
            print(line, flush=True)
        else:
            self._bar.write(line, file=sys.stdout)


class TrainingProgress(Progress):
    """Progress of a training run: epoch, smoothed loss and samples per second."""

    def __init__(self, trainer: Trainer, *, bar: bool | None = True) -> None:
        super().__init__(trainer.samples_planned, "sample", done=trainer.samples_seen, bar=bar)
        self._trainer = trainer
        self._loss: float | None = None

    def step(self, loss: float) -> None:
        """Show a step and its loss."""
        self._loss = loss if self._loss is None else self._loss + SMOOTHING * (loss - self._loss)
        if self.update(self._trainer.samples_seen) and self._bar is not None:
            epoch = min(self._trainer.epoch + 1, self._trainer.epochs)
            self._bar.set_postfix_str(f"epoch {epoch}/{self._trainer.epochs}, loss {loss_text(self._loss)}")
