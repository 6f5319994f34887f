"""What a training run that is watched reports."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Trace:
    """What one program reports of its training.

    Attributes
    ----------
    loss, accuracy : list of float
        After each epoch: mean training loss, and share of right answers on samples held back, from 0 to 1.
    figures : dict
        What else it reports in the end, by name.
    error : str
        What stopped it; empty if nothing did.
    seconds : float
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


def note(trainer: Any, trace: Trace, accuracy: Callable[[], float] | None = None) -> None:
    """Train to the end; note the losses and, after each epoch, an accuracy: by default that of validation."""
    history = trainer.history
    trace.loss, trace.accuracy = history.train_loss, [] if accuracy else history.validation_accuracy
    while not trainer.finished:
        trainer.step()
        if accuracy and len(trace.accuracy) < len(trace.loss):
            trace.accuracy.append(accuracy())
