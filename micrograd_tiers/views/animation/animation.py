"""`animate`: a training run as a moving picture, at one tier or at several side by side."""

from collections.abc import Iterable, Sequence
from copy import deepcopy
from typing import Any

from ...arguments import shown, whole_number
from ...datasets import Dataset
from ...files import PathLike
from ...formats import cut_lines
from ...html import number
from ...network import Network, check_net
from ...optimizers import Optimizer
from ...schedules import Schedule
from ...tiers import Tier
from ...trainer import Trainer
from ..page import Page, suffix_of
from .page import RunsPage
from .recording import RecordedRun, default_epochs, record
from .scenes import Scene
from .sentences import chain
from .subjects import samples_and_targets, scene_of


class Animation:
    """A recorded training run: shows itself in a notebook, and can be saved as a page or as a moving picture.

    Made by `animate`.

    Attributes
    ----------
    recordings : list of RecordedRun
        One per tier; each has the trained `net`, its `frames` and the loss of each mini-batch.
    title, about : str
        The data; the net and how it was trained.
    """

    def __init__(
        self, title: str, about: str, scene: Scene, recordings: list[RecordedRun], *, side_by_side: bool
    ) -> None:
        self.title, self.about, self.scene, self.recordings = title, about, scene, recordings
        self.side_by_side = side_by_side

    def page(self) -> Page:
        """Return the page with a player."""
        return RunsPage(self.scene, self.recordings, side_by_side=self.side_by_side).page(self.title, self.about)

    def save(self, path: PathLike) -> None:
        """Write a page if the name ends in ".html", a moving picture if in ".gif"; whole or not at all.

        Raises
        ------
        ValueError
            If the name ends in something else.
        """
        if suffix_of(path, ".html", ".gif") == ".html":
            self.page().save(path)
            return
        from .gif import save_gif  # Matplotlib is imported only here

        save_gif(path, self.title, self.scene, self.recordings, side_by_side=self.side_by_side)

    def _repr_html_(self) -> str:
        return self.page()._repr_html_()

    def __repr__(self) -> str:
        lines = [f"<Animation: {self.title}; .save('learning.html') or .save('learning.gif') writes it to a file"]
        for recording in self.recordings:
            frames, last = len(recording.frames), recording.frames[-1]
            losses = f"loss from {number(recording.frames[0].loss)} to {number(last.loss)}"
            diverged = ", diverged" if recording.diverged else ""
            lines.append(f"  {recording.net.tier_name}: {frames} frames of {last.step:,} steps, {losses}{diverged}")
        return cut_lines("\n".join(lines) + ">")


def animate(
    net: Network,
    data: Any,
    *,
    optimizer: str | Optimizer | None = None,
    batch_size: int = 64,
    epochs: int | None = None,
    frames: int = 60,
    tiers: Sequence[str | Tier] | None = None,
    seed: int = 0,
    schedule: str | Schedule | None = None,
    shuffle: bool = True,
    drop_last: bool = False,
) -> Animation:
    """Train a copy of a net, and show how its decision regions and its loss change.

    The steps are those of `fit` with the same settings. Frames are close together at the start, where a net learns
    fastest.

    Parameters
    ----------
    net : Network
        Classifier of 2 features with at most 10 classes, or net of 1 or 2 features with one value. It is not changed.
    data : Dataset or tuple of array_like
        Data set such as ``load_dataset("moons")``, of which the training part is used, or a pair (X, y): X of shape
        (N, 2) or (N, 1), y as in `fit`.
    optimizer, batch_size, schedule, shuffle, drop_last
        As in `fit`.
    epochs : int, optional
        Passes over all samples, at least 1. By default, as many as make about 3,000 steps.
    frames : int
        Number of states that are recorded, at least 2, the first one before training. A run of fewer steps has fewer.
    tiers : sequence of str or Tier, optional
        Tiers that train side by side, each shown at its own speed; by default the tier of `net` alone.
    seed : int
        Seed of the order of the samples and of the dropout masks.

    Returns
    -------
    Animation

    Raises
    ------
    ValueError
        If an argument is not what it should be or out of its range, or a tier lacks an op of the net.
    DataError
        If the net or the data has more features than a plane has axes, or they do not fit each other.

    Notes
    -----
    A run that diverges ends there, and the animation says so.

    Examples
    --------
    >>> import micrograd_tiers as mt
    >>> animation = mt.animate(mt.mlp([2, 8, 2], "tanh"), mt.load_dataset("moons", n_train=200), epochs=2, frames=5)
    >>> [frame.step for frame in animation.recordings[0].frames]
    [0, 1, 2, 3, 8]
    """
    check_net(net)
    frames, batch_size = whole_number("frames", frames, 2), whole_number("batch_size", batch_size)
    X, y = samples_and_targets(net, data)
    if epochs is None:
        epochs = default_epochs(len(X), batch_size)
    nets = [deepcopy(net)] if tiers is None else [net.to(tier) for tier in _several(tiers)]
    trainers = [
        Trainer(
            copy, X, y, optimizer=optimizer, batch_size=batch_size, epochs=epochs, seed=deepcopy(seed),
            schedule=schedule, shuffle=shuffle, drop_last=drop_last,
        )
        for copy in nets
    ]  # fmt: skip
    run = trainers[0]
    names = data.class_names if isinstance(data, Dataset) else ()
    scene = scene_of(net, run.X, run.targets, names)
    viewer = deepcopy(net)
    recordings = [record(trainer, viewer, scene.picture, frames) for trainer in trainers]
    name = data.name if isinstance(data, Dataset) else f"{len(run.X):,} samples"
    about = (
        f"{chain(net, run.X.shape[1])}; loss {net.loss.name}; {run.optimizer}; {len(run.X):,} samples in mini-batches "
        f"of {min(batch_size, len(run.X))}."
    )
    return Animation(f"A net learns {name}", about, scene, recordings, side_by_side=tiers is not None)


def _several(tiers: Iterable[str | Tier]) -> list[str | Tier]:
    """Return the tiers as a list; raise ValueError unless there is at least one."""
    if isinstance(tiers, str) or not isinstance(tiers, Iterable) or not (found := [*tiers]):
        raise ValueError(f"tiers is {shown(tiers)}, expected names such as ('scalar', 'vector', 'tensor')")
    return found
