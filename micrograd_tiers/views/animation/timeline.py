"""Timelines: the frame that each tier has reached at each moment of an animation."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import inf, isfinite

from .recording import RecordedRun


@dataclass(frozen=True)
class Timeline:
    """Times of an animation and, for each, the number of the frame that each run shows.

    Attributes
    ----------
    name : str
    times : list of float
        Seconds since the start of training.
    frames : list of list of int
        One entry per time, each with one number per run.
    """

    name: str
    times: list[float]
    frames: list[list[int]]


def frame_by_frame(recording: RecordedRun) -> Timeline:
    """Return the timeline of a single run: every frame in turn."""
    return Timeline("", [frame.seconds for frame in recording.frames], [[k] for k in range(len(recording.frames))])


def real_time(recordings: Sequence[RecordedRun], ticks: int) -> Timeline:
    """Return a timeline with equal steps of time, from the start to the end of the slowest run."""
    end = _seconds(recordings)
    times = [end * k / (ticks - 1) for k in range(ticks - 1)]
    return _timeline("real time", [*times, end], recordings)


def logarithmic(recordings: Sequence[RecordedRun], ticks: int) -> Timeline:
    """Return a timeline whose steps of time grow by a factor, from the first frame of the fastest run."""
    end = _seconds(recordings)
    first = min(end, *(recording.frames[1].seconds for recording in recordings))
    times = [first * (end / first) ** (k / (ticks - 2)) for k in range(ticks - 2)]
    return _timeline("logarithmic time", [0.0, *times, end], recordings)


def largest_difference(recordings: Sequence[RecordedRun]) -> float:
    """Return how far the losses of the runs differ, as a share of losses above 1; infinite if one run is longer."""
    if len({len(recording.batch_loss) for recording in recordings}) > 1:
        return inf
    together = zip(*(recording.batch_loss for recording in recordings), strict=True)
    finite = [losses for losses in together if all(map(isfinite, losses))]
    return max((max(losses) - min(losses)) / max(1.0, *losses) for losses in finite) if finite else 0.0


def _seconds(recordings: Sequence[RecordedRun]) -> float:
    return max(recording.frames[-1].seconds for recording in recordings)


def _timeline(name: str, times: list[float], recordings: Sequence[RecordedRun]) -> Timeline:
    reached = [[frame.seconds for frame in recording.frames] for recording in recordings]
    return Timeline(name, times, [[bisect_right(seconds, time) - 1 for seconds in reached] for time in times])
