"""A progress bar for a training run, drawn by tqdm (extra `progress`): epoch, loss and samples per second."""

import sys
from typing import Protocol


class Run(Protocol):
    """What the bar needs to know of a run; a `Trainer` does."""

    epoch: int
    epochs: int

    @property
    def n_samples(self) -> int:
        """Samples per epoch."""

    @property
    def samples_seen(self) -> int:
        """Samples over all epochs so far."""


SMOOTHING = 0.02  # weight of the newest batch in the loss that is shown


class ProgressBar:
    """A bar for the rest of a run, on standard error; to be used in a with statement.

    Raises
    ------
    ModuleNotFoundError
        If tqdm is not installed.
    """

    def __init__(self, run: Run) -> None:
        try:
            from tqdm import tqdm
        except ModuleNotFoundError:
            raise ModuleNotFoundError("a progress bar needs tqdm: pip install 'micrograd-tiers[progress]'") from None
        self._run = run
        self._seen = run.samples_seen
        self._loss: float | None = None
        total = run.epochs * run.n_samples
        self._bar = tqdm(total=total, initial=self._seen, unit=" samples", unit_scale=True, dynamic_ncols=True)

    def __enter__(self) -> "ProgressBar":
        return self

    def __exit__(self, *exception: object) -> None:
        self._bar.close()

    def update(self, loss: float) -> None:
        """Take notice of a step and its loss."""
        self._loss = loss if self._loss is None else self._loss + SMOOTHING * (loss - self._loss)
        run = self._run
        seen = run.samples_seen
        epoch = min(run.epoch + 1, run.epochs)
        if self._bar.update(seen - self._seen):  # true when the bar was drawn: often enough for the text beside it
            self._bar.set_postfix_str(f"epoch {epoch}/{run.epochs}, loss {self._loss:.4f}")
        self._seen = seen

    def print(self, line: str) -> None:
        """Print a line above the bar."""
        self._bar.write(line, file=sys.stdout)
