"""Losses of a recording as they are drawn: the part of the plane that shows them, and the thin line of mini-batches."""

from collections.abc import Sequence
from math import fsum, isfinite

from .recording import RecordedRun
from .scenes import Bounds

MOST_LOSSES = 300  # of mini-batches; more are averaged
RISE = 10  # the loss is drawn up to so many times its first value

Points = list[tuple[float, float]]


def loss_curve(recording: RecordedRun) -> Points:
    """Return step and loss of each frame; a loss may be NaN or infinite."""
    return [(frame.step, frame.loss) for frame in recording.frames]


def batch_losses(recording: RecordedRun) -> Points:
    """Return step and loss of the mini-batches: means of several if there are many; only finite ones."""
    losses = recording.batch_loss
    size = -(-len(losses) // MOST_LOSSES) or 1
    runs = [[x for x in losses[i : i + size] if isfinite(x)] for i in range(0, len(losses), size)]
    return [(i * size + size / 2, fsum(run) / len(run)) for i, run in enumerate(runs) if run]


def loss_bounds(recordings: Sequence[RecordedRun]) -> Bounds:
    """Return the part of the plane that shows the losses of all runs, up to ten times the first one."""
    drawn = [loss for r in recordings for _, loss in (*loss_curve(r), *batch_losses(r)) if isfinite(loss)]
    steps = max(recording.frames[-1].step for recording in recordings)
    return Bounds(0, steps, 0, 1.05 * min(max(drawn, default=1), RISE * drawn[0] if drawn else 1) or 1)
