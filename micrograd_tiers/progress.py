"""A progress bar for a training run, drawn by tqdm (extra `progress`): epoch, loss and samples per second."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol


class Run(Protocol):
    """What the bar needs to know of a run; a `Trainer` does."""

    epoch: int
    epochs: int
    position: int

    @property
    def n_samples(self) -> int:
        """Samples per epoch."""


SMOOTHING = 0.02  # weight of the newest batch in the loss that is shown


@contextmanager
def progress_bar(run: Run) -> Iterator[Callable[[float], None]]:
    """Show a bar for the rest of a run on standard error; call what it yields with the loss of each step.

    Raises
    ------
    ModuleNotFoundError
        If tqdm is not installed.
    """
    try:
        from tqdm import tqdm
    except ModuleNotFoundError:
        raise ModuleNotFoundError("a progress bar needs tqdm: pip install 'micrograd-tiers[progress]'") from None
    total = run.epochs * run.n_samples
    seen = run.epoch * run.n_samples + run.position
    with tqdm(total=total, initial=seen, unit=" samples", unit_scale=True, dynamic_ncols=True) as bar:
        shown_loss: float | None = None

        def update(loss: float) -> None:
            nonlocal seen, shown_loss
            shown_loss = loss if shown_loss is None else shown_loss + SMOOTHING * (loss - shown_loss)
            now = run.epoch * run.n_samples + run.position
            epoch = min(run.epoch + 1, run.epochs)
            if bar.update(now - seen):  # true when the bar was drawn: often enough for the text beside it
                bar.set_postfix_str(f"epoch {epoch}/{run.epochs}, loss {shown_loss:.4f}")
            seen = now

        yield update
