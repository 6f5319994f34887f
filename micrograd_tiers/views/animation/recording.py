"""Recording of a training run: the state of the net at some of its steps, and the time that training took."""

from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

from ...errors import DivergedError
from ...metrics import evaluate
from ...network import Network
from ...trainer import Trainer
from .scenes import NetPicture

STEPS = 3_000  # about as many steps as a run has by default


@dataclass(frozen=True)
class Frame:
    """State of a run after one of its steps.

    Attributes
    ----------
    step, epoch : int
        Steps taken, and the number of the epoch of the last one; both are 0 before training.
    seconds : float
        Wall-clock time of these steps, without the recording.
    loss : float
        Mean loss over all samples; NaN or infinite if the run has diverged.
    accuracy : float or None
        Share of right predictions, from 0 to 1; None if the net does not classify.
    picture : list
        NetPicture of the net, as a scene draws it.
    """

    step: int
    epoch: int
    seconds: float
    loss: float
    accuracy: float | None
    picture: NetPicture


@dataclass(frozen=True)
class RecordedRun:
    """One training run at one tier.

    Attributes
    ----------
    net : Network
        The net at the end of the run.
    frames : list of Frame
        In order; the first shows the net before training.
    batch_loss : list of float
        Mean loss of each mini-batch, before the step on it.
    steps, epochs : int
        Planned length of the run.
    diverged : str
        Message of the error that ended the run; empty if it has reached its end.
    """

    net: Network
    frames: list[Frame]
    batch_loss: list[float]
    steps: int
    epochs: int
    diverged: str


def moments(steps: int, frames: int) -> list[int]:
    """Return the steps after which frames are recorded, from 0 to `steps`, close together at the start.

    Their distance grows with the square of their number, as a net learns fastest at the start. A run of fewer steps has
    fewer frames.
    """
    if steps < frames:
        return [*range(steps + 1)]
    chosen = [0]
    for k in range(1, frames):
        chosen.append(max(chosen[-1] + 1, round(steps * (k / (frames - 1)) ** 3)))
    return chosen


def default_epochs(n_samples: int, batch_size: int) -> int:
    """Return how many epochs make about 3,000 steps."""
    return -(-STEPS * min(batch_size, n_samples) // n_samples)


def record(trainer: Trainer, viewer: Network, picture: Callable[[Network], NetPicture], frames: int) -> RecordedRun:
    """Train to the end, or until the run diverges, and record frames.

    Parameters
    ----------
    trainer : Trainer
        A run that has not begun.
    viewer : Network
        A net of the same layers, whose weights are overwritten: it computes what is shown, so that a slow tier only
        trains.
    picture : callable
        Function that draws the net.
    frames : int
        Number of frames, at least 2.
    """
    steps = trainer.n_steps
    recorded: list[Frame] = []
    seconds, diverged = 0.0, ""
    for step in moments(steps, frames):
        start = perf_counter()
        try:
            while len(trainer.history.batch_loss) < step:
                trainer.step()
        except DivergedError as error:
            diverged = str(error)
        if step:
            seconds += perf_counter() - start
        taken = len(trainer.history.batch_loss)
        viewer.load_state_dict(trainer.net.state_dict())
        scores: dict[str, Any] = evaluate(viewer, trainer.X, trainer.y)
        epoch = -(-taken // trainer.steps_per_epoch)
        recorded.append(Frame(taken, epoch, seconds, scores["loss"], scores.get("accuracy"), picture(viewer)))
        if diverged:
            break
    return RecordedRun(trainer.net, recorded, trainer.history.batch_loss, steps, trainer.epochs, diverged)
