"""The page of an animation: for each run its numbers, the plane and the loss, and a player for all of them."""

from collections.abc import Mapping, Sequence
from math import isfinite

from ...colors import OTHER_TIER_COLORS, TIER_COLORS
from ...html import data_uri, escape, number
from ..page import Page
from .losses import batch_losses, loss_bounds, loss_curve
from .plot import WIDTH, Axes, legend
from .recording import Frame, RecordedRun
from .scenes import MOST_POINTS, NetPicture, Scene
from .sentences import divergence, numbers, progress, seconds, sentence, speeds
from .timeline import frame_by_frame, logarithmic, real_time

TICKS = 150  # positions of the player if there are several tiers


class RunsPage:
    """Drawing of recordings on one page.

    Parameters
    ----------
    scene : Scene
    recordings : sequence of RecordedRun
        At least one.
    side_by_side : bool
        If True, each run has the name and the color of its tier, and its speed.
    """

    def __init__(self, scene: Scene, recordings: Sequence[RecordedRun], *, side_by_side: bool) -> None:
        self.scene, self.recordings, self.side_by_side = scene, recordings, side_by_side
        self.plane = Axes(scene.bounds, 330, scene.axes)
        self.losses = Axes(loss_bounds(recordings), 200 if side_by_side else 330, ("step", "loss"))
        self.per_second = 10 if side_by_side else 6
        self.pictures: dict[str, int] = {}  # numbers of the pictures so far: several tiers share them

    def page(self, title: str, about: str) -> Page:
        """Return the page; `title` and `about` are plain text."""
        texts = [about, *divergence(self.recordings)]
        if self.side_by_side:
            texts[1:1] = speeds(self.recordings, TICKS / self.per_second)
        panels = "".join(self._panel(k, recording) for k, recording in enumerate(self.recordings))
        body = (
            f"{''.join(f'<p>{escape(text)}</p>' for text in texts)}<div id='player'></div>"
            f"{legend(self.scene.legend)}<div class='panels'>{panels}</div><p>{escape(self._reading())}</p>"
        )
        height = 900 if self.side_by_side else 700
        return Page(title, body, ["animate.css", "player.js", "animate.js"], self._data(), height)

    def _data(self) -> Mapping[str, object]:
        """Return what the script needs."""
        clocks = [frame_by_frame(self.recordings[0])]
        if self.side_by_side:
            clocks = [clock(self.recordings, TICKS) for clock in (real_time, logarithmic)]
        panels = [[self._frame(frame, recording) for frame in recording.frames] for recording in self.recordings]
        return {
            "panels": panels,
            "pictures": [*self.pictures],
            "attribute": "points" if self.scene.is_curve else "href",
            "clocks": [
                {
                    "name": clock.name,
                    "times": [f"After {seconds(time)}: " if self.side_by_side else "" for time in clock.times],
                    "frames": clock.frames,
                }
                for clock in clocks
            ],
            "perSecond": self.per_second,
        }

    def _frame(self, frame: Frame, recording: RecordedRun) -> Mapping[str, object]:
        texts = numbers(frame, recording)
        said = sentence(frame, recording)
        if self.side_by_side:
            state = progress(frame, recording)
            said = f"{recording.net.tier_name} " + (f"at step {frame.step:,}" if state == "training" else state)
            texts["State"] = state
        return {
            "numbers": [*texts.values()],
            "picture": self.pictures.setdefault(self._source(frame.picture), len(self.pictures)),
            "words": f"{self.scene.what} after step {frame.step:,}, {frame.picture.words}",
            "mark": self.losses.at(frame.step, frame.loss) if isfinite(frame.loss) else None,
            "sentence": said,
        }

    def _source(self, picture: NetPicture) -> str:
        if self.scene.is_curve:
            return self.plane.line((x, y) for (x,), y in zip(self.scene.grid, picture.heights, strict=True))
        return data_uri(picture.pixels)

    def _panel(self, k: int, recording: RecordedRun) -> str:
        name = recording.net.tier_name
        color = f"var(--{name})" if name in TIER_COLORS else OTHER_TIER_COLORS[k % len(OTHER_TIER_COLORS)]
        kind, heading = ("tier", f"<h2>{escape(name)}</h2>") if self.side_by_side else ("alone", "")
        if not self.side_by_side:
            color = "var(--accent)"
        names = [*numbers(recording.frames[0], recording), *(["State"] if self.side_by_side else [])]
        cells = "".join(f"<div><dt>{cell}</dt><dd></dd></div>" for cell in names)
        return (
            f"<section class='panel {kind}' style='--color:{color}'>{heading}<dl class='numbers'>{cells}</dl>"
            f"{self._plane()}{self._losses(recording)}</section>"
        )

    def _plane(self) -> str:
        left, top, width, height = self.plane.box
        place = f"x='{left}' y='{top}' width='{width}' height='{height}'"
        samples = self.plane.samples(self.scene.points[:MOST_POINTS])
        if self.scene.is_curve:
            return _svg("plane", "", self.plane, f"{samples}<polyline class='picture'/>")
        return _svg("plane", "", self.plane, f"<image class='picture' {place} {STRETCHED}/>{samples}")

    def _losses(self, recording: RecordedRun) -> str:
        curve = loss_curve(recording)
        (first, before), (last, after) = curve[0], curve[-1]
        words = f"Loss: {number(before)} at step {first:,}, {number(after)} at step {last:,}"
        parts = (
            f"<polyline class='batches' points='{self.losses.line(batch_losses(recording))}'/>"
            f"<polyline class='curve' points='{self.losses.line(curve)}'/>"
            "<polyline class='so-far'/><circle class='mark' r='6'/>"
        )
        return _svg("losses", words, self.losses, parts)

    def _reading(self) -> str:
        """Return how to read the drawings."""
        n = len(self.scene.points)
        drawn = f" {MOST_POINTS} of the {n:,} samples are drawn." if n > MOST_POINTS else ""
        losses, top = [loss for r in self.recordings for _, loss in loss_curve(r)], self.losses.bounds.top
        cut = f" Losses above {number(top)} are drawn at the upper edge." if any(x > top for x in losses) else ""
        return (
            f"{self.scene.caption}{drawn} The strong line is the loss over all samples so far, the dashed line the "
            f"rest of the run, the thin line the loss of the mini-batches.{cut}"
        )


STRETCHED = "preserveAspectRatio='none'"


def _svg(name: str, words: str, axes: Axes, parts: str) -> str:
    return (
        f"<svg class='{name}' role='img' aria-label='{escape(words)}' viewBox='0 0 {WIDTH} {axes.height}'>"
        f"{parts}{axes.svg()}</svg>"
    )
