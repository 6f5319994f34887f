"""Training: mini-batches, one step after the other, in a run that can be stopped after any step and taken up again."""

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .checks import parameter_shapes
from .errors import DataError, DivergedError
from .metrics import accuracy
from .network import Network
from .optimizers import SGD, Optimizer
from .rng import generator
from .schedules import Schedule

TINY = float(np.finfo(float).tiny)  # the least learning rate: an optimizer's is above 0
BLOCK = 65_536  # numbers that are gathered and handed to the tier at a time: 512 KB of float64


@dataclass
class History:
    """What a training run has seen.

    Attributes
    ----------
    batch_loss : list of float
        Mean loss of each mini-batch, before the step that it led to.
    train_loss : list of float
        One entry per epoch: mean over its samples of the loss at the time when their batch was seen.
    validation_loss, validation_accuracy : list of float
        One entry per epoch, of the weights at its end; empty without validation set, and the accuracy for
        nets that do not classify.
    """

    batch_loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)


class Trainer:
    """One training run of one net: call `step` until `finished`.

    Parameters are those of `fit`.

    Attributes
    ----------
    net : Network
    history : History
    epoch : int
        Epochs completed.
    position : int
        Samples seen in the current epoch.
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        optimizer: Optimizer | None = None,
        batch_size: int = 64,
        epochs: int = 1,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        seed: int | np.random.Generator = 0,
        shuffle: bool = True,
        schedule: Schedule | None = None,
        patience: int | None = None,
        keep_best: bool = False,
    ) -> None:
        if schedule is not None and not isinstance(schedule, Schedule):
            raise ValueError(f"schedule is {schedule!r}, expected a Schedule such as CosineAnnealing(epochs=10)")
        self.net = net
        self.optimizer = SGD(0.1) if optimizer is None else optimizer
        self.schedule = schedule
        self.patience = None if patience is None else whole_number("patience", patience)
        self.keep_best = keep_best
        if validation is None and (patience is not None or keep_best):
            raise ValueError("patience and keep_best go by the validation loss: give a validation set")
        self.batch_size = whole_number("batch_size", batch_size)
        self.epochs = whole_number("epochs", epochs)
        self.shuffle = shuffle
        self.X, self.y = _checked(net, X, y, "")
        self.validation = None if validation is None else _checked(net, *validation, "validation ")

        self.history = History()
        self.epoch = 0
        self.position = 0
        self._best_weights: dict[str, NDArray[Any]] = {}
        self._last_weights: dict[str, NDArray[Any]] = {}  # from which to go on, where the net ended with its best
        self._loss_sum = 0.0  # over the samples seen in this epoch
        self._optimizer_state: dict[str, Any] = {}
        self._rng = generator(seed)
        has_masks = bool(net.draw_masks((1, *self.X.shape[1:]), np.random.default_rng(0)))
        self._mask_seed = int(self._rng.integers(2**63)) if has_masks else None
        self._begin_epoch()

    @property
    def n_samples(self) -> int:
        """How many samples one epoch has."""
        return len(self.X)

    @property
    def steps_per_epoch(self) -> int:
        """How many mini-batches one epoch has; the last may be short."""
        return math.ceil(self.n_samples / self.batch_size)

    @property
    def samples_seen(self) -> int:
        """How many samples the run has trained on, over all epochs."""
        return self.epoch * self.n_samples + self.position

    @property
    def finished(self) -> bool:
        """Whether all epochs are done, or the validation loss has not fallen for `patience` of them."""
        impatient = self.patience is not None and self.epoch - self.best_epoch >= self.patience
        return self.epoch >= self.epochs or impatient

    @property
    def best_epoch(self) -> int:
        """After how many epochs the validation loss was lowest, so far; 0 before there is one."""
        losses = self.history.validation_loss
        return 1 + losses.index(min(losses)) if losses else 0

    def step(self) -> float:
        """Train on the next mini-batch; return its mean loss before the step.

        Raises
        ------
        DivergedError
            If the loss is NaN or infinite, or a weight or the validation loss at the end of an epoch.
        """
        x, target = self._next_batch()
        # A loss that overflows is noticed below, and explained better than by a NumPy warning.
        with np.errstate(over="ignore", invalid="ignore"):
            masks = self._draw_masks(len(target))
            loss, grads = self.net.backprop(x, target, self._optimizer.scale, masks, observe=True)
            self.history.batch_loss.append(loss)
            if not math.isfinite(loss):
                raise self._diverged(f"the loss is {loss}")
            self._optimizer.step(self.net, grads, self._optimizer_state, self._optimizer.scale)
        self._loss_sum += loss * len(target)
        self.position += len(target)
        if self.position == self.n_samples:
            self._end_epoch()
        return loss

    def run(self) -> None:
        """Take all steps that are left; raises as `step`."""
        while not self.finished:
            self.step()

    def _draw_masks(self, n: int) -> dict[int, Any]:
        """Return what dropout keeps of the next n samples: for each step its own, whenever the run is resumed."""
        if self._mask_seed is None:
            return {}
        rng = np.random.default_rng([self._mask_seed, len(self.history.batch_loss)])
        masks = self.net.draw_masks((n, *self.X.shape[1:]), rng)
        return {i: self.net.tier.asarray(mask.astype(self.net.dtype), self.net.dtype) for i, mask in masks.items()}

    def _begin_epoch(self) -> None:
        self.position, self._loss_sum = 0, 0.0
        self._optimizer = self.optimizer
        if self.schedule is not None:
            rate = self.optimizer.learning_rate * self.schedule.factor(self.epoch)
            self._optimizer = replace(self.optimizer, learning_rate=max(rate, TINY))
        self._rng_state = self._rng.bit_generator.state  # from which this epoch's order can be drawn again
        self._order = self._rng.permutation(self.n_samples) if self.shuffle else np.arange(self.n_samples)
        self._block = range(0)

    def _next_batch(self) -> tuple[Any, Any]:
        """Return the next batch_size samples and targets, or what is left of the epoch, in the tier's arrays."""
        if self.position not in self._block:
            batches = max(1, BLOCK // (self.X[0].size * self.batch_size))
            self._block = range(self.position, min(self.position + batches * self.batch_size, self.n_samples))
            chosen = self._order[self._block.start : self._block.stop]
            asarray = self.net.tier.asarray
            self._block_x = asarray(self.X[chosen], self.net.dtype)
            self._block_y = asarray(self.y[chosen], self.y.dtype.name)
        start = self.position - self._block.start
        return self._block_x[start : start + self.batch_size], self._block_y[start : start + self.batch_size]

    def _end_epoch(self) -> None:
        if not all(np.isfinite(weights).all() for weights in self.net.state_dict().values()):
            raise self._diverged("a weight is NaN or infinite")
        self.history.train_loss.append(self._loss_sum / self.n_samples)
        if self.validation is not None:
            scores = evaluate(self.net, *self.validation)
            if not math.isfinite(scores["loss"]):
                raise self._diverged(f"the validation loss is {scores['loss']}")
            self.history.validation_loss.append(scores["loss"])
            if "accuracy" in scores:
                self.history.validation_accuracy.append(scores["accuracy"])
        self.epoch += 1
        if self.keep_best:
            if self.best_epoch == self.epoch:
                self._best_weights = self.net.state_dict()
            elif self.finished:
                self._last_weights = self.net.state_dict()
                self.net.load_state_dict(self._best_weights)
        self._begin_epoch()

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"training diverged at step {len(self.history.batch_loss)} (epoch {self.epoch + 1}): {what}. Usual causes: "
            f"a learning rate that is too large (here {self._optimizer.learning_rate:g}; try a tenth), features that "
            "are not scaled, starting weights that are too large"
        )

    # Stopping and taking up again.

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return all that the rest of the run depends on, but for the weights and the data."""
        arrays = {f"history.{name}": np.array(values, "float64") for name, values in vars(self.history).items()}
        counts = {}
        for name, value in self._optimizer_state.items():
            if isinstance(value, int):
                counts[name] = value
            else:
                arrays[f"optimizer.{name}"] = np.array(self.net.tier.tolist(value), self.net.dtype)
        state = {
            "epoch": self.epoch,
            "position": self.position,
            "loss_sum": self._loss_sum,
            "rng_state": self._rng_state,
            "mask_seed": self._mask_seed,
            "optimizer_counts": counts,
            "run": self._run(),
        }
        for kind, weights in (("best", self._best_weights), ("last", self._last_weights)):
            arrays |= {f"{kind}.{name}": array for name, array in weights.items()}
        return {"state": np.array(json.dumps(state, default=np.ndarray.tolist)), **arrays}

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Go on where another run of the same net, data and settings was when its `state_dict` was taken.

        Raises
        ------
        DataError
            If that run had other data or settings; `epochs` may differ.
        """
        try:
            state = json.loads(str(arrays["state"]))
            for name, ours in self._run().items():
                theirs = state["run"][name]
                if name == "data_checksum" and theirs != ours:
                    raise DataError("cannot resume: the samples are not those of the saved run")
                if theirs != ours:
                    raise DataError(f"cannot resume: {name} was {theirs}, now it is {ours}")
            if not (state["epoch"] >= 0 and 0 <= state["position"] < self.n_samples):
                raise ValueError(f"epoch {state['epoch']}, position {state['position']} of {self.n_samples}")
            self._rng.bit_generator.state = state["rng_state"]
            self._mask_seed = state.get("mask_seed", self._mask_seed)
            self.epoch = state["epoch"]
            self._begin_epoch()
            self.position, self._loss_sum = state["position"], state["loss_sum"]
            self.history = History(**{name: arrays[f"history.{name}"].tolist() for name in vars(self.history)})
            self._best_weights, self._last_weights = (
                {name.removeprefix(kind): array for name, array in arrays.items() if name.startswith(kind)}
                for kind in ("best.", "last.")
            )
            if self._last_weights and not self.finished:
                self.net.load_state_dict(self._last_weights)
                self._last_weights = {}
            self._optimizer_state = dict(state["optimizer_counts"])
            shapes = parameter_shapes(self.net.layers)
            for name, array in arrays.items():
                if name.startswith("optimizer."):
                    memory = name.removeprefix("optimizer.")  # velocity.0.weight
                    expected = shapes[memory.partition(".")[2]]
                    if array.shape != expected:
                        raise ValueError(f"{name} has shape {array.shape}, expected {expected}")
                    self._optimizer_state[memory] = self.net.tier.asarray(np.array(array), self.net.dtype)
        except DataError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"cannot resume: the saved training state is damaged or incomplete ({error!r})") from None

    @cached_property
    def _data_checksum(self) -> int:
        checksum = 0
        for array in (self.X, self.y, *(self.validation or ())):
            checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
        return checksum

    def _run(self) -> dict[str, Any]:
        """Return what must be the same for a resumed run to end in the same bits."""
        return {
            "optimizer": repr(self.optimizer),
            "schedule": repr(self.schedule),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "patience": self.patience,
            "keep_best": self.keep_best,
            "n_samples": self.n_samples,
            "data_checksum": self._data_checksum,
        }


def fit(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    optimizer: Optimizer | None = None,
    batch_size: int = 64,
    epochs: int = 1,
    validation: tuple[ArrayLike, ArrayLike] | None = None,
    seed: int | np.random.Generator = 0,
    shuffle: bool = True,
    schedule: Schedule | None = None,
    patience: int | None = None,
    keep_best: bool = False,
    progress: bool = False,
) -> History:
    """Train a net in place.

    Parameters
    ----------
    net : Network
    X : array_like, shape (N, I) or (N, C, H, W)
        Finite features.
    y : array_like, shape (N,) or (N, O)
        Targets as in `Network.loss_and_grads`.
    optimizer : Optimizer, optional
        SGD with learning rate 0.1 where not given.
    batch_size : int
        Samples a step, at least 1; the last batch of an epoch may be short.
    epochs : int
        How often every sample is seen, at least 1.
    validation : tuple of array_like, optional
        (X, y) that is evaluated at the end of each epoch.
    seed : int or numpy.random.Generator
        From which the order of the samples is drawn, anew for each epoch, and what dropout drops at each step; the
        same at every tier.
    shuffle : bool
        False: the order in which the samples are given.
    schedule : Schedule, optional
        How the learning rate falls: `StepDecay` or `CosineAnnealing`.
    patience : int, optional
        Stop early, when the validation loss has been above its lowest for so many epochs.
    keep_best : bool
        End with the weights of the epoch that had the lowest validation loss.
    progress : bool
        Show a progress bar (needs tqdm: pip install 'micrograd-tiers[progress]').

    Returns
    -------
    History

    Raises
    ------
    ValueError
        If a setting is out of its range, or patience or keep_best has no validation set to go by.
    DataError
        If samples or targets are not what the net expects.
    DivergedError
        If the loss, a weight or the validation loss becomes NaN or infinite.
    """
    trainer = Trainer(
        net, X, y, optimizer=optimizer, batch_size=batch_size, epochs=epochs, validation=validation, seed=seed,
        shuffle=shuffle, schedule=schedule, patience=patience, keep_best=keep_best,
    )  # fmt: skip
    if progress:
        from .progress import ProgressBar

        with ProgressBar(trainer) as bar:
            while not trainer.finished:
                bar.update(trainer.step())
    else:
        trainer.run()
    return trainer.history


def evaluate(net: Network, X: ArrayLike, y: ArrayLike) -> dict[str, float]:
    """Return {"loss": mean loss, "accuracy": share of right classes}; for nets that do not classify only the loss.

    The loss is the one that the net is trained with, label smoothing included.

    Parameters
    ----------
    net : Network
    X, y
        As in `Network.loss_and_grads`.
    """
    outputs = net.forward(X)
    scores = {"loss": net.mean_loss(outputs, y)}
    if net.loss == "softmax_cross_entropy":
        scores["accuracy"] = accuracy(outputs.argmax(axis=1), np.asarray(y))
    return scores


def _checked(net: Network, X: ArrayLike, y: ArrayLike, which: str) -> tuple[NDArray[Any], NDArray[Any]]:
    try:
        samples = net.check_samples(X)
        targets = net.check_targets(y, len(samples))
        wrong = ~np.isfinite(samples)
        if wrong.any():
            n, *place = np.argwhere(wrong)[0]
            feature = ", ".join(map(str, place))
            raise DataError(
                f"X holds {samples[n, *place]} (sample {n}, feature {feature}; {wrong.sum()} of {wrong.size} values "
                "are not finite): remove or repair these samples"
            )
    except DataError as error:
        raise DataError(f"{which}{error}") from None
    return samples, targets
