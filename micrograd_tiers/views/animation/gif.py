"""A recording as a moving picture (GIF), drawn by Matplotlib."""

from collections.abc import Sequence

from ...colors import OTHER_TIER_COLORS, TIER_COLORS
from ...files import PathLike
from .losses import batch_losses, loss_bounds, loss_curve
from .recording import Frame, RecordedRun
from .scenes import MOST_POINTS, NetPicture, Scene
from .sentences import numbers, progress, seconds
from .timeline import frame_by_frame, real_time

TICKS = 60  # frames of the GIF if there are several tiers


def save_gif(path: PathLike, title: str, scene: Scene, runs: Sequence[RecordedRun], *, side_by_side: bool) -> None:
    """Write runs to a GIF, side by side in real time or a single one frame by frame."""
    from ...figures.motion import MotionPanel, MotionPlane, motion  # views do not import Matplotlib

    clock = real_time(runs, TICKS) if side_by_side else frame_by_frame(runs[0])
    plane = MotionPlane(
        scene.bounds, loss_bounds(runs), scene.axes, scene.points[:MOST_POINTS], scene.legend, scene.is_curve
    )
    panels = [
        MotionPanel(
            TIER_COLORS.get(recording.net.tier_name, OTHER_TIER_COLORS[k % len(OTHER_TIER_COLORS)]),
            [_picture(scene, frame.picture) for frame in recording.frames],
            [_caption(frame, recording, side_by_side=side_by_side) for frame in recording.frames],
            loss_curve(recording),
            batch_losses(recording),
        )
        for k, recording in enumerate(runs)
    ]
    titles = [f"{title}: after {seconds(time)}" if side_by_side else title for time in clock.times]
    motion(path, plane, panels, clock.frames, titles, milliseconds=250 if side_by_side else 150)


def _picture(scene: Scene, picture: NetPicture) -> Sequence[Sequence[object]]:
    if scene.is_curve:
        return [(x, y) for (x,), y in zip(scene.grid, picture.heights, strict=True)]
    return picture.pixels


def _caption(frame: Frame, recording: RecordedRun, *, side_by_side: bool) -> str:
    step, epoch, *scores = numbers(frame, recording).items()
    lines = [f"step {step[1]}, epoch {epoch[1]}", ", ".join(f"{name.lower()} {text}" for name, text in scores)]
    if side_by_side:  # in less width
        lines[:1] = [f"{recording.net.tier_name}: {progress(frame, recording)}", f"step {step[1]}"]
    elif recording.diverged and frame is recording.frames[-1]:
        lines[0] += ": diverged"
    return "\n".join(lines)
