"""Training runs: a recipe that is being trained, from the start or from a checkpoint."""

import os
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from . import html
from .building import load_data, load_samples, make_net, make_trainer
from .checkpoints import Checkpoint, load_usable, save
from .datasets import Dataset, Documents, Standardizer, standardize
from .errors import DataError, DivergedError
from .formats import reason
from .inputs import check_numbers
from .layers import Embedding
from .metrics import Scores, confusion_matrix, score
from .network import Network
from .recipe import Recipe, check_setting
from .tiers import TIERS
from .words import schedule_from_words

CHANGEABLE = ("epochs", "steps")  # settings that may differ when a run is resumed


class Run:
    """One training run, which can be saved at any time and resumed.

    A resumed run ends with the same bits as a run that was never interrupted.

    Parameters
    ----------
    recipe : Recipe
    data : Dataset
        As from `building.load_data`.
    scale : Standardizer, optional
        The standardizer that was applied to the data.
    net : Network, optional
        The net to train; by default a new one.

    Attributes
    ----------
    trainer : Trainer
    """

    def __init__(
        self, recipe: Recipe, data: Dataset, scale: Standardizer | None = None, net: Network | None = None
    ) -> None:
        self.recipe, self.data, self.scale = recipe, data, scale
        self.trainer = make_trainer(recipe, make_net(recipe, data) if net is None else net, data)

    __copy__ = deepcopy  # a copy shares nothing

    @classmethod
    def start(cls, recipe: Recipe, data_dir: str | None = None) -> "Run":
        """Return a new run.

        Parameters
        ----------
        recipe : Recipe
        data_dir : str, optional
            As in `load_dataset`.
        """
        schedule_from_words(
            recipe.schedule, recipe.epochs or 1, recipe.steps or 1
        )  # misspelled? before the data are loaded
        return cls(recipe, *load_data(recipe, data_dir))

    @classmethod
    def resume(cls, path: str | os.PathLike[str], data_dir: str | None = None, **changes: Any) -> "Run":
        """Return a run in the state in which it was saved.

        Parameters
        ----------
        path : path
            A file written by `save`.
        data_dir : str, optional
            As in `load_dataset`.
        **changes
            Settings of the recipe. Only `epochs` and `steps` may differ from the saved value. If the run used your
            own tier, name it again, because a file must not decide which code is run.

        Raises
        ------
        DataError
            If the file holds no training run, or its settings or data differ.
        """
        saved = load_usable(path)
        recipe = _recipe_of(path, saved, changes)
        net = saved.net if recipe.tier in TIERS else saved.net.to(recipe.tier)
        data = load_data(recipe, data_dir)
        try:
            run = cls(recipe, *data, net)
            run.trainer.load_state_dict(saved.training)
        except ValueError as error:  # settings of the file that do not go together
            raise DataError(f"{path}: {error}") from None
        return run

    def __repr__(self) -> str:
        return f"<Run: {self.title}; {self.trainer!r}>"

    def _repr_html_(self) -> str:
        return f"<b>Run: {html.escape(self.title)}</b>{self.trainer._repr_html_()}"

    @property
    def net(self) -> Network:
        """The net that is trained."""
        return self.trainer.net

    @property
    def title(self) -> str:
        """Description of net and data set: "784-300-10 sigmoid on mnist" or "gpt on names"."""
        recipe, data = self.recipe, self.data
        if isinstance(data, Documents):
            return f"{recipe.net} on {data.name}"
        sizes = "-".join(map(str, [data.train_x.shape[1], *recipe.hidden, len(data.class_names)]))
        return f"{recipe.layers or f'{sizes} {recipe.activation}'} on {data.name}"

    def train(
        self,
        checkpoint: str | os.PathLike[str],
        *,
        on_step: Callable[[float], None] = lambda loss: None,
        on_epoch: Callable[[], None] = lambda: None,
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        """Train until the run is finished or interrupted, and save it after each epoch and at the end.

        Parameters
        ----------
        checkpoint : path
            File to save to.
        on_step : callable
            Called after each step with its loss.
        on_epoch : callable
            Called after each epoch, once it is saved.
        interrupted : callable
            Called before each step; training stops if it returns True.

        Raises
        ------
        DivergedError
            If the loss, a weight or the validation loss becomes NaN or infinite.
        OSError
            If the file cannot be written.
        """
        saved = False
        while not self.trainer.finished and not interrupted():
            on_step(self.trainer.step())
            saved = self.trainer.position == 0
            if saved:
                self.save(checkpoint)
                on_epoch()
        if not saved:
            self.save(checkpoint)

    def save(self, path: str | os.PathLike[str]) -> None:
        """Save the run to one file: the net, the settings, and everything else that `resume` needs.

        Parameters
        ----------
        path : path
            File to write. If writing fails, an existing file stays as it was.

        Raises
        ------
        OSError
            If the file cannot be written.
        """
        info = {
            "settings": self.recipe.as_json(),
            "class_names": self.data.class_names,
            "image_shape": self.data.image_shape,
            "mean": None if self.scale is None else self.scale.mean.tolist(),
            "std": None if self.scale is None else self.scale.std.tolist(),
            "rest": None if self.scale is None else np.broadcast_to(self.scale.rest, self.scale.mean.shape).tolist(),
        }
        tokenizer = self.data.tokenizer if isinstance(self.data, Documents) else None
        save(self.net, path, info=info, training=self.trainer.state_dict(), tokenizer=tokenizer)

    def test(self) -> Scores:
        """Return the scores of the net on the test set; raise DivergedError if the loss is not finite."""
        scores = score_test_set(self.net, self.data)
        if not np.isfinite(scores.loss):
            raise DivergedError(
                f"training diverged: the loss on the test set is {scores.loss}; try a lower learning rate"
            )
        return scores


def score_test_set(net: Network, data: Dataset, name: str = "the net") -> Scores:
    """Return the scores of a net on the test set; raise DataError if their numbers of classes differ."""
    samples = net.check_samples(data.test_x)
    *_, n_outputs = net.shapes(samples.shape[1:])[-1] or (None,)
    if n_outputs != len(data.class_names):
        raise DataError(
            f"{name} distinguishes {n_outputs} classes, but {data.name} has {len(data.class_names)}; "
            "choose another set with --data"
        )
    return score(net, samples, net.check_targets(data.test_y, len(samples), shape=samples.shape[1:]))


def confusion_of(scores: Scores, data: Dataset) -> NDArray[np.int64]:
    """Return how often a class of the test set (row) was predicted as each class (column), of documents each token."""
    counted = scores.counted
    return confusion_matrix(scores.predicted[counted].ravel(), data.test_y[counted].ravel(), len(data.class_names))


def load_test_set(
    path: str, saved: Checkpoint, name: str | None, data_dir: str | None, *, n_test: int | None, seed: int | None
) -> Dataset:
    """Return the test part of a data set, scaled as in the training of a saved net.

    Parameters
    ----------
    path : str
        Path of the saved net, for errors.
    saved : Checkpoint
    name, data_dir, n_test, seed
        As in `load_dataset`; by default those of the training.

    Raises
    ------
    ValueError
        If the file does not say which set the net was trained on, and no name is given.
    """
    recipe = _saved_recipe(path, saved)
    if name is None and recipe is None:
        raise ValueError(f"{path} does not say which set it was trained on: name one with --data")
    recipe = recipe or Recipe(net="gpt" if isinstance(saved.net.layers[0], Embedding) else "mlp")
    if name is not None and name != (recipe.text or recipe.data):
        recipe = replace(recipe, data=name, text="", n_test=None)
    recipe = replace(recipe, n_test=n_test or recipe.n_test, seed=recipe.seed if seed is None else seed)
    data = load_samples(recipe, data_dir, test_only=True)
    if isinstance(data, Documents) and saved.tokenizer not in (None, data.tokenizer):
        raise DataError(f"{path}: the net knows other characters than {data.name} has; choose another set with --data")
    if saved.info.get("mean") is None:
        return data
    # The net was trained on features scaled with the mean and standard deviation of the training samples.
    return standardize(data, _saved_scale(path, saved))


def _saved_scale(path: str, saved: Checkpoint) -> Standardizer:
    try:
        mean, std = (check_numbers(saved.info[name], name) for name in ("mean", "std"))
        if not (mean.ndim == 1 and mean.shape == std.shape and (std > 0).all()):
            raise ValueError(f"mean has shape {mean.shape}, std {std.shape}, expected (I,), and std above 0")
        (n_inputs,) = saved.net.layers[0].shape_in() or mean.shape
        if len(mean) != n_inputs:
            raise ValueError(f"mean has {len(mean)} values, expected {n_inputs}, one per feature")
        rest = check_numbers(saved.info.get("rest", [0.0] * n_inputs), "rest")  # older files do not have it
        if rest.shape != mean.shape:
            raise ValueError(f"rest has shape {rest.shape}, expected {mean.shape}, as mean")
    except (KeyError, ValueError) as error:
        raise DataError(f"{path}: the scale of its features is damaged ({reason(error)}); train again") from None
    return Standardizer(mean, std, rest)


def _saved_recipe(path: str | os.PathLike[str], saved: Checkpoint) -> Recipe | None:
    """Return the recipe of a saved run; None if the file holds no run."""
    settings = saved.info.get("settings")
    if settings is None:
        return None
    try:
        if not isinstance(settings, dict):
            raise ValueError(f"settings is {type(settings).__name__}, expected a dict")
        return Recipe.from_json(settings)
    except (TypeError, ValueError) as error:
        raise DataError(f"{path}: the settings of its training run are damaged ({error}); start a new run") from None


def _recipe_of(path: str | os.PathLike[str], saved: Checkpoint, changes: dict[str, Any]) -> Recipe:
    recipe = _saved_recipe(path, saved)
    if recipe is None:
        raise DataError(f"{path}: holds a net, but no training run to resume")
    for name, value in changes.items():
        check_setting(name, value)
    longer = [name for name in CHANGEABLE if changes.get(name, getattr(recipe, name)) != getattr(recipe, name)]
    if recipe.schedule in ("cosine", "linear") and longer:
        length = f"{recipe.epochs} epochs" if recipe.steps is None else f"{recipe.steps} steps"
        raise DataError(
            f"{path}: its learning rate falls over {length} (--schedule {recipe.schedule}). "
            f"Omit --{longer[0]}, or start a new run without --resume"
        )
    for name, value in changes.items():
        if name not in CHANGEABLE and value != getattr(recipe, name):
            option = f"--{name.replace('_', '-')}"
            was, now = (" ".join(map(str, x)) if isinstance(x, tuple) else x for x in (getattr(recipe, name), value))
            raise DataError(
                f"{path}: cannot resume with another {option}: it was {was}, now it is {now}. "
                f"Omit {option}, or start a new run without --resume"
            )
    if recipe.tier not in TIERS and "tier" not in changes:
        raise DataError(f"the run used your own tier, {recipe.tier}: name it again with --tier")
    return replace(recipe, **changes)
