"""Sentences and numbers about recordings, for readers and for screen readers."""

from collections.abc import Sequence
from itertools import pairwise

from ...html import number
from ...network import Network
from .recording import Frame, RecordedRun
from .timeline import largest_difference

SAME = 1e-9  # relative to the loss; rounding adds up to far less unless training is chaotic


def chain(net: Network, features: int) -> str:
    """Describe the layers of a net: "Linear 2 → 8, Tanh, Linear 8 → 2"."""
    words = []
    for layer, (before, after) in zip(net.layers, pairwise(net.shapes((features,))), strict=True):
        sizes = f" {before[0]} → {after[0]}" if before and after and before != after else ""
        words.append(f"{type(layer).__name__}{sizes}")
    return ", ".join(words)


def numbers(frame: Frame, recording: RecordedRun) -> dict[str, str]:
    """Return the numbers of a frame as text, by name."""
    texts = {
        "Step": f"{frame.step:,} of {recording.steps:,}",
        "Epoch": f"{frame.epoch:,} of {recording.epochs:,}",
        "Loss": number(frame.loss),
    }
    return texts if frame.accuracy is None else {**texts, "Accuracy": f"{frame.accuracy:.1%}"}


def sentence(frame: Frame, recording: RecordedRun) -> str:
    """Describe a frame of a single run."""
    step, epoch, *scores = numbers(frame, recording).items()
    said = ", ".join(f"{name.lower()} {text}" for name, text in (epoch, *scores))
    return f"Step {step[1]}: {said}"


def progress(frame: Frame, recording: RecordedRun) -> str:
    """Return what a tier is doing: training, done or diverged."""
    if frame is not recording.frames[-1]:
        return "training"
    return f"{'diverged' if recording.diverged else 'done'} after {seconds(frame.seconds)}"


def seconds(time: float) -> str:
    """Return a time as text."""
    return f"{number(time, 3)} s"


def divergence(recordings: Sequence[RecordedRun]) -> list[str]:
    """Return a sentence for each way in which runs diverged."""
    messages = dict.fromkeys(recording.diverged for recording in recordings if recording.diverged)
    return [f"{message[0].upper()}{message[1:]}. The animation ends there." for message in messages]


def speeds(recordings: Sequence[RecordedRun], playing: float) -> list[str]:
    """Say how long each tier took, whether all took the same steps, and how fast the page plays.

    Parameters
    ----------
    recordings : sequence of RecordedRun
    playing : float
        Seconds that it takes to play the page.
    """
    order = sorted(recordings, key=lambda recording: recording.frames[-1].seconds)
    times = ", ".join(f"{r.net.tier_name} {progress(r.frames[-1], r)}" for r in order)
    longest = order[-1].frames[-1].seconds
    return [
        "Wall-clock time of the training steps, on the machine that recorded them and without the recording: "
        f"{times}. {_agreement(largest_difference(recordings))}",
        f"The page plays in {number(playing, 3)} s; in real time, one second of it shows "
        f"{seconds(longest / playing)} of training. Logarithmic time shows the start at length.",
    ]


def _agreement(difference: float) -> str:
    """Say whether the tiers pass through the same states, from the largest difference of their losses."""
    if difference <= SAME:
        within = f"agree to within {number(difference, 2)}" if difference else "are equal to the last bit"
        return f"All pass through the same states: the losses of their mini-batches {within}. Only the speed differs."
    return (
        f"They do not pass through the same states: losses of a mini-batch differ by up to {number(difference, 2)}. "
        "Between built-in tiers, rounding errors can grow if training is chaotic; a net with exact=True has the same "
        "bits at each of them. In a tier of your own, look for a mistake: mt.step_through shows the first difference."
    )
