"""Training: mini-batches, one step after the other, in a run that can be stopped after any step and taken up again."""

import json
import math
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .errors import DataError, DivergedError
from .metrics import accuracy
from .network import Network
from .optimizers import SGD, Optimizer
from .rng import generator
from .schedules import Schedule
from .targets import Targets
from .tiers.arrays import quiet
from .weights import parameter_shapes

TINY = float(np.finfo(float).tiny)  # the smallest learning rate: a schedule never reaches 0
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
        sample_weight: ArrayLike | None = None,
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
        self.X, self.targets = _checked(net, X, y, "", sample_weight)
        self.y, self.validation = y, validation
        if validation is not None:
            self._validation_x, self._validation_targets = _checked(net, *validation, "validation ")
        for size in {min(self.batch_size, self.n_samples), self.n_samples % self.batch_size} - {0}:
            net.check_batch((size, *self.X.shape[1:]))

        self.history = History()
        self.epoch = 0
        self.position = 0
        self._best_weights: dict[str, NDArray[Any]] = {}
        self._last_weights: dict[str, NDArray[Any]] = {}  # from which to go on, where the net ended with its best
        self._loss_sum = 0.0  # over the samples seen in this epoch
        self._optimizer_state: dict[str, Any] = {}
        self._rng = generator(seed)
        drawn = net.drawn_by_layer((1, *self.X.shape[1:]), np.random.default_rng(0))
        draws = any(array is not None for array in drawn)
        self._mask_seed = int(self._rng.integers(2**63)) if draws else None
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

    @quiet
    def step(self) -> float:
        """Train on the next mini-batch; return its mean loss before the step.

        Raises
        ------
        DivergedError
            If the loss is NaN or infinite, or a weight or the validation loss at the end of an epoch.
        """
        x, arrays, targets = self._next_batch()
        n = len(targets.values)
        noise = self._draw_noise(n)
        factor = self._optimizer.gradient_factor
        loss, grads, seen = self.net.backprop(x, arrays, factor, noise, prepared=targets)
        self.history.batch_loss.append(loss)
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}")
        self.net.apply_seen(seen, (n, *self.X.shape[1:]))
        before = self.net.state_dict() if len(self.history.batch_loss) == 1 else None
        self._optimizer.apply(self.net, grads, self._optimizer_state)
        if before is not None:
            self._check_moved(before, grads)
        self._loss_sum += loss * targets.divisor
        self.position += n
        if self.position == self.n_samples:
            self._end_epoch()
        return loss

    def run(self) -> None:
        """Take all steps that are left; raises as `step`."""
        while not self.finished:
            self.step()

    def _draw_noise(self, n: int) -> list[Any]:
        """Return what dropout keeps of the next n samples: for each step its own, whenever the run is resumed."""
        if self._mask_seed is None:
            return []
        rng = np.random.default_rng([self._mask_seed, len(self.history.batch_loss)])
        noise = self.net.draw_noise((n, *self.X.shape[1:]), rng)
        return [self.net.tier.asarray(drawn.astype(self.net.dtype), self.net.dtype) for drawn in noise]

    def _check_moved(self, before: Mapping[str, NDArray[Any]], grads: Mapping[str, Any]) -> None:
        """Warn if the first step has moved no weight, though some gradient is not 0."""
        after = self.net.state_dict()
        moved = any(not np.array_equal(before[name], after[name], equal_nan=True) for name in grads)
        if not moved and any(np.any(self.net.tier.tolist(gradient)) for gradient in grads.values()):
            warnings.warn(
                f"no weight has moved at the first step: the learning rate ({self._optimizer.learning_rate:g}) is too "
                f"small to show, or add_scaled of the tier {self.net.tier_name!r} neither changes its target nor "
                "returns the sum",
                stacklevel=3,
            )

    def _begin_epoch(self) -> None:
        self.position, self._loss_sum = 0, 0.0
        self._optimizer = self.optimizer
        if self.schedule is not None:
            rate = self.optimizer.learning_rate * self.schedule.factor(self.epoch)
            self._optimizer = replace(self.optimizer, learning_rate=max(rate, TINY))
        self._rng_state = self._rng.bit_generator.state  # from which this epoch's order can be drawn again
        self._order = self._rng.permutation(self.n_samples) if self.shuffle else np.arange(self.n_samples)
        self._block = range(0)

    def _next_batch(self) -> tuple[Any, tuple[Any, ...], Targets]:
        """Return the next batch_size samples and targets, or what is left of the epoch.

        Samples, and targets with their weights, come as arrays of the tier; the targets also as they are, for their
        loss and the sum of their weights.
        """
        if self.position not in self._block:
            batches = max(1, BLOCK // (self.X[0].size * self.batch_size))
            self._block = range(self.position, min(self.position + batches * self.batch_size, self.n_samples))
            chosen = self._order[self._block.start : self._block.stop]
            self._block_x = self.net.tier.asarray(self.X[chosen], self.net.dtype)
            self._block_targets = self.targets.of(chosen)
            self._block_arrays = self.net.tier_targets(self._block_targets)
        start = self.position - self._block.start
        batch = slice(start, start + self.batch_size)
        arrays = tuple(array[batch] for array in self._block_arrays)
        return self._block_x[batch], arrays, self._block_targets.of(batch)

    def _end_epoch(self) -> None:
        if not all(np.isfinite(weights).all() for weights in self.net.state_dict().values()):
            raise self._diverged("a weight is NaN or infinite")
        self.history.train_loss.append(self._loss_sum / self.targets.divisor)
        if self.validation is not None:
            scores = _scores(self.net, self._validation_x, self._validation_targets)
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
        """Return everything needed to resume, except weights and data."""
        arrays = {f"history.{name}": np.array(values, "float64") for name, values in vars(self.history).items()}
        counts = {}
        for name in self.net.parameters:  # in their order, whichever step came first
            memory = self._optimizer_state.get(name, {})
            undeclared = {*memory} - {*self.optimizer.slots, "count"}
            if undeclared:
                raise ValueError(f"{self.optimizer} remembers {', '.join(undeclared)}, which its slots do not name")
            for slot, value in memory.items():
                if isinstance(value, int):
                    counts[f"{slot}.{name}"] = value
                else:
                    arrays[f"optimizer.{slot}.{name}"] = np.array(self.net.tier.tolist(value), self.net.dtype)
        state = {
            "epoch": self.epoch,
            "position": self.position,
            "loss_sum": self._loss_sum,
            "rng_state": self._rng_state,
            "mask_seed": self._mask_seed,
            "optimizer_counts": counts,
            "run": self._settings(),
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
            for name, ours in self._settings().items():
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
            self._optimizer_state = {
                name: self._memory_of(name, shape, arrays, state["optimizer_counts"])
                for name, shape in parameter_shapes(self.net.layers).items()
            }
        except DataError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            raise DataError(f"cannot resume: the saved training state is damaged or incomplete ({error!r})") from None

    def _memory_of(
        self, name: str, shape: tuple[int, ...], arrays: Mapping[str, NDArray[Any]], counts: Mapping[str, int]
    ) -> dict[str, Any]:
        """Return what the optimizer remembers of one parameter; nothing if it was frozen, or has not moved yet."""
        kept = {slot: arrays.get(f"optimizer.{slot}.{name}") for slot in self.optimizer.slots}
        count = counts.get(f"count.{name}")
        if count is None and all(array is None for array in kept.values()):
            return {}
        memory: dict[str, Any] = {} if count is None else {"count": count}
        for slot, array in kept.items():
            if array is None or array.shape != shape:
                got = "is missing" if array is None else f"has shape {array.shape}"
                raise ValueError(f"optimizer.{slot}.{name} {got}, expected shape {shape}")
            memory[slot] = self.net.tier.asarray(np.array(array), self.net.dtype)
        return memory

    @cached_property
    def _data_checksum(self) -> int:
        held_back = () if self.validation is None else (self._validation_x, *self._validation_targets.arrays)
        checksum = 0
        for array in (self.X, *self.targets.arrays, *held_back):
            checksum = zlib.crc32(np.ascontiguousarray(array).data, checksum)
        return checksum

    def _settings(self) -> dict[str, Any]:
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
    sample_weight: ArrayLike | None = None,
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
    sample_weight : array_like, shape (N,), optional
        Weight of each sample, at least 0: the mean loss of a batch divides by their sum.
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
        shuffle=shuffle, schedule=schedule, patience=patience, keep_best=keep_best, sample_weight=sample_weight,
    )  # fmt: skip
    if progress:
        from .progress import ProgressBar

        with ProgressBar(trainer) as bar:
            while not trainer.finished:
                bar.update(trainer.step())
    else:
        trainer.run()
    return trainer.history


def evaluate(net: Network, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> dict[str, float]:
    """Return {"loss": mean loss, "accuracy": share of right predictions}.

    The loss is the one that the net is trained with, label smoothing included. There is no accuracy where targets are
    values or probabilities; weights of samples do not count in it, and samples whose label is ignored are left out.

    Parameters
    ----------
    net : Network
    X, y, sample_weight
        As in `Network.loss_and_grads`.
    """
    samples = net.check_samples(X)
    return _scores(net, samples, net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:]))


def _scores(net: Network, samples: NDArray[Any], targets: Targets) -> dict[str, float]:
    outputs = net.forward(samples)
    scores = {"loss": net.loss_of_outputs(outputs, targets)}
    if targets.truth is not None:
        predicted, truth = net.loss.predictions(outputs)[targets.counted], targets.truth[targets.counted]
        scores["accuracy"] = accuracy(predicted.ravel(), truth.ravel())
    return scores


def _checked(
    net: Network, X: ArrayLike, y: ArrayLike, which: str, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[Any], Targets]:
    try:
        samples = net.check_samples(X)
        targets = net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:])
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
