"""The record of a training run: the figures that the program reports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Trace:
    """Figures that one program reports of its training.

    Attributes
    ----------
    loss, accuracy : list of float
        One entry per epoch: mean training loss, and share of right answers on held-out samples, from 0 to 1.
    figures : dict of str to (float or str)
        Other figures reported after training, by name.
    error : str
        Error that stopped the training, or "".
    seconds : float
        Time of the training, in seconds.
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


def note(trainer: Any, trace: Trace, accuracy: Callable[[], float] | None = None) -> None:
    """Train to the end. Record the loss and the accuracy of each epoch, by default the validation accuracy."""
    history = trainer.history
    trace.loss, trace.accuracy = history.train_loss, [] if accuracy else history.validation_accuracy
    while not trainer.finished:
        trainer.step()
        if accuracy and len(trace.accuracy) < len(trace.loss):
            trace.accuracy.append(accuracy())
