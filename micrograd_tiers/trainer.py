"""The trainer: one training step at a time, in a run that can be stopped after any step and resumed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import html
from .arguments import flag, whole_number
from .batches import Batches, check_batches, checked_pair, checked_set
from .errors import DivergedError
from .formats import cut
from .history import History
from .metrics import score
from .network import Network, check_net
from .optimizers import SGD, Optimizer, get_optimizer
from .rng import generator
from .schedules import Schedule
from .tiers.arrays import quiet
from .training_state import TrainingState, checksum, damaged
from .words import get_schedule

TINY = float(np.finfo(float).tiny)  # the smallest learning rate: a schedule never reaches 0
EPSILON = float(np.finfo(float).eps)  # smaller changes are lost in numbers near 1


class Trainer:
    """One training run of one net: call `step` until `finished`.

    Parameters and errors are those of `fit`, except that there is no `progress`.

    Attributes
    ----------
    net : Network
    epochs, n_steps : int
        Planned length of the run; with `steps`, the last epoch may be cut short.
    state : TrainingState
        Progress of the run: epoch, position in it, history, and everything else needed to resume.
    """

    def __init__(
        self,
        net: Network,
        X: ArrayLike,
        y: ArrayLike,
        *,
        optimizer: str | Optimizer | None = None,
        batch_size: int = 64,
        epochs: int | None = None,
        steps: int | None = None,
        validation: tuple[ArrayLike, ArrayLike] | None = None,
        seed: int | np.random.Generator = 0,
        shuffle: bool = True,
        drop_last: bool = False,
        schedule: str | Schedule | None = None,
        patience: int | None = None,
        keep_best: bool = False,
        sample_weight: ArrayLike | None = None,
    ) -> None:
        check_net(net)
        self.net = net
        self.optimizer = get_optimizer(SGD(0.1) if optimizer is None else optimizer)
        self.batch_size = whole_number("batch_size", batch_size)
        self.patience = None if patience is None else whole_number("patience", patience)
        self.keep_best = flag("keep_best", keep_best)
        if validation is None and (patience is not None or keep_best):
            raise ValueError("patience and keep_best need a validation loss: give a validation set")
        self.shuffle, self.drop_last = flag("shuffle", shuffle), flag("drop_last", drop_last)
        samples, self.targets = checked_set(net, X, y, "", sample_weight)
        self.X = np.ascontiguousarray(samples)  # from another layout, `take` would copy all samples for each mini-batch
        self.y, self.validation = y, validation
        if validation is not None:
            pair = checked_pair(validation, len(self.X))
            self._validation_x, self._validation_targets = checked_set(net, *pair, "validation ")
        check_batches(net, self.X.shape, self.batch_size, self.drop_last)
        if epochs is not None and steps is not None:
            raise ValueError(f"epochs is {epochs} and steps is {steps}, expected one of them: they set the same length")
        self.epochs = 1 if epochs is None else whole_number("epochs", epochs)
        self.n_steps = self.epochs * self.steps_per_epoch if steps is None else whole_number("steps", steps)
        if steps is not None:
            self.epochs = math.ceil(self.n_steps / self.steps_per_epoch)
        self.schedule = get_schedule(schedule, self.epochs, self.n_steps)

        self.state = TrainingState()
        self._batches = Batches(net, self.X, self.targets, self.batch_size)
        self._rng = generator(seed)
        drawn = net.drawn_by_layer((1, *self.X.shape[1:]), np.random.default_rng(0))
        if any(array is not None for array in drawn):
            self.state.mask_seed = int(self._rng.integers(2**63))
        self._begin_epoch()

    __copy__ = deepcopy  # a copy shares nothing

    def __repr__(self) -> str:
        return f"<Trainer: {self._progress}; {self._mini_batches}; {self.optimizer}; {cut(repr(self.net), 500)}>"

    def _repr_html_(self) -> str:
        settings = {"net": self.net, "optimizer": self.optimizer, "schedule": self.schedule or "constant"}
        rows = [*settings.items(), ("mini-batches", self._mini_batches), ("progress", self._progress)]
        return html.table(("setting", "value"), rows, "Trainer") + self.history._repr_html_()

    @property
    def _mini_batches(self) -> str:
        return f"{self.steps_per_epoch:,} mini-batches of {self.batch_size:,} samples in an epoch"

    @property
    def _progress(self) -> str:
        within = f" and {self.position:,} of {self.n_samples:,} samples" * bool(self.position)
        done = f"{self.epoch:,} of {self.epochs:,} epochs{within}"
        if self.n_steps % self.steps_per_epoch:  # the last epoch will be cut short
            done = f"{len(self.history.batch_loss):,} of {self.n_steps:,} steps"
        return f"{done}{', finished' * self.finished}"

    @property
    def epoch(self) -> int:
        """Number of epochs completed."""
        return self.state.epoch

    @property
    def position(self) -> int:
        """Number of samples seen in the current epoch."""
        return self.state.position

    @property
    def history(self) -> History:
        """Losses and accuracies so far."""
        return self.state.history

    @property
    def n_samples(self) -> int:
        """Number of samples in an epoch: all, or those of the full mini-batches if `drop_last` is True."""
        n = len(self.X)
        return n - n % self.batch_size if self.drop_last else n

    @property
    def steps_per_epoch(self) -> int:
        """Number of mini-batches in an epoch; unless `drop_last` is True, the last one may be smaller."""
        return math.ceil(self.n_samples / self.batch_size)

    @property
    def samples_seen(self) -> int:
        """Number of samples that the run has trained on, over all epochs."""
        return self.epoch * self.n_samples + self.position

    @property
    def samples_planned(self) -> int:
        """Number of samples of all steps."""
        whole, more = divmod(self.n_steps, self.steps_per_epoch)
        return whole * self.n_samples + more * self.batch_size

    @property
    def finished(self) -> bool:
        """True if all steps are done, or `patience` epochs have passed without a lower validation loss."""
        impatient = self.patience is not None and self.epoch - self.best_epoch >= self.patience
        return len(self.history.batch_loss) >= self.n_steps or impatient

    @property
    def best_epoch(self) -> int:
        """Number of epochs after which the validation loss was lowest so far; 0 if there is none yet."""
        losses = self.history.validation_loss
        return 1 + losses.index(min(losses)) if losses else 0

    @quiet
    def step(self) -> float:
        """Train on the next mini-batch and return its mean loss before the step.

        Raises
        ------
        DivergedError
            If the loss is NaN or infinite, or, at the end of an epoch or the run, a weight or the validation loss is.
        """
        state = self.state
        x, arrays, targets = self._batches.at(state.position)
        n = len(targets.values)
        noise = self._draw_noise(n)
        if self.schedule is not None and self.schedule.by_step:
            self._set_rate(self.schedule.factor(len(state.history.batch_loss)))
        factor = self._optimizer.gradient_factor
        loss, grads, seen = self.net.backprop(x, arrays, factor, noise, prepared=targets)
        state.history.batch_loss.append(loss)
        if not math.isfinite(loss):
            raise self._diverged(f"the loss is {loss}")
        self.net.apply_seen(seen, (n, *self._batches.shape))
        before = self._checked_start(grads) if len(state.history.batch_loss) == 1 else None
        self._optimizer.apply(self.net, grads, state.memory)
        if before is not None:
            self._check_moved(before, grads)
        state.loss_sum += loss * targets.divisor
        state.position += n
        if state.position == self.n_samples:
            self._end_epoch()
        elif self.finished:
            self._check_weights()
        return loss

    def run(self, on_step: Callable[[float], object] = lambda loss: None) -> None:
        """Take all remaining steps, and call `on_step` with the loss of each; raises as `step` does."""
        while not self.finished:
            on_step(self.step())

    def _draw_noise(self, n: int) -> list[Any]:
        """Return the dropout masks of the next n samples; they depend on the step, not on when a run was resumed."""
        if self.state.mask_seed is None:
            return []
        rng = np.random.default_rng([self.state.mask_seed, len(self.history.batch_loss)])
        noise = self.net.draw_noise((n, *self._batches.shape), rng)
        return [self.net.tier.asarray(drawn.astype(self.net.dtype), self.net.dtype) for drawn in noise]

    def _checked_start(self, grads: Mapping[str, Any]) -> Mapping[str, NDArray[Any]]:
        """Return the weights before the first step; raise ValueError if a gradient has another shape than its weight.

        Later steps do not check: their gradients are from the same functions.
        """
        for name, gradient in grads.items():
            self.net.check_gradient(name, gradient.value())
        return self.net.state_dict()

    def _check_moved(self, before: Mapping[str, NDArray[Any]], grads: Mapping[str, Any]) -> None:
        """Warn if the first step has no effect although something should have moved.

        What is added to a weight of 0, such as a bias at the start, always changes it; below EPSILON that counts as 0.
        """
        after = self.net.state_dict()
        moved = any(_moved(before[name], after[name]) for name in grads)
        # The gradients have a factor, and may underflow with it.
        too_small = self._optimizer.learning_rate < EPSILON
        if not moved and (
            too_small or any(np.any(self.net.tier.tolist(gradient.value())) for gradient in grads.values())
        ):
            warnings.warn(
                f"no weight has moved at the first step: the learning rate ({self._optimizer.learning_rate:g}) is too "
                f"small to have an effect, or add_scaled of the tier {self.net.tier_name!r} neither changes its target "
                "nor returns the sum",
                stacklevel=3,
            )

    def _begin_epoch(self) -> None:
        self._optimizer = self.optimizer
        if self.schedule is not None and not self.schedule.by_step:
            self._set_rate(self.schedule.factor(self.epoch))
        self.state.rng_state = self._rng.bit_generator.state  # reproduces the order of this epoch
        n = len(self.X)
        order = self._rng.permutation(n) if self.shuffle else np.arange(n)
        self._batches.reorder(order[: self.n_samples])

    def _set_rate(self, factor: float) -> None:
        rate = self.optimizer.learning_rate * factor
        self._optimizer = replace(self.optimizer, learning_rate=max(rate, TINY))

    def _check_weights(self) -> None:
        if not all(np.isfinite(weights).all() for weights in self.net.state_dict().values()):
            raise self._diverged("a weight is NaN or infinite")

    def _end_epoch(self) -> None:
        self._check_weights()
        self.history.train_loss.append(self.state.loss_sum / self.targets.weight_of(self._batches.order))
        if self.validation is not None:
            scores = score(self.net, self._validation_x, self._validation_targets)
            if not math.isfinite(scores.loss):
                raise self._diverged(f"the validation loss is {scores.loss}")
            self.history.validation_loss.append(scores.loss)
            if scores.accuracy is not None:
                self.history.validation_accuracy.append(scores.accuracy)
        self.state.epoch, self.state.position, self.state.loss_sum = self.epoch + 1, 0, 0.0
        if self.keep_best:
            if self.best_epoch == self.epoch:
                self.state.best_weights = self.net.state_dict()
            elif self.finished:
                self.state.last_weights = self.net.state_dict()
                self.net.load_state_dict(self.state.best_weights)
        self._begin_epoch()

    def _diverged(self, what: str) -> DivergedError:
        return DivergedError(
            f"training diverged at step {len(self.history.batch_loss)} (epoch {self.epoch + 1}): {what}. Usual causes: "
            f"a learning rate that is too large (here {self._optimizer.learning_rate:g}; try a tenth), features that "
            "are not scaled, initial weights that are too large"
        )

    # Stopping and resuming.

    def state_dict(self) -> dict[str, NDArray[Any]]:
        """Return everything needed to resume, except weights and data."""
        return self.state.to_arrays(self.net, self.optimizer, self._settings())

    def load_state_dict(self, arrays: Mapping[str, NDArray[Any]]) -> None:
        """Resume another run of the same net, data and settings at the step at which its `state_dict` was taken.

        Raises
        ------
        DataError
            If that run had other data or settings (`epochs` may differ), or its state is damaged or incomplete.
        """
        state = TrainingState.from_arrays(arrays, self.net, self.optimizer, self._settings(), self.state.mask_seed)
        try:
            if state.epoch and bool(state.history.validation_loss) != (self.validation is not None):
                raise ValueError("the validation losses do not belong to this run")
            self._rng.bit_generator.state = state.rng_state
        except Exception as error:  # NumPy checks only some of it
            raise damaged(error) from None
        self.state = state
        self._begin_epoch()
        if state.last_weights and not self.finished:
            self.net.load_state_dict(state.last_weights)
            state.last_weights = {}

    @cached_property
    def _data_checksum(self) -> int:
        held_back = () if self.validation is None else (self._validation_x, *self._validation_targets.arrays)
        return checksum(self.X, *self.targets.arrays, *held_back)

    def _settings(self) -> dict[str, Any]:
        """Return the settings that must be equal for a resumed run to end with the same bits."""
        return {
            "optimizer": repr(self.optimizer),
            "schedule": repr(self.schedule),
            "batch_size": self.batch_size,
            "shuffle": self.shuffle,
            "drop_last": self.drop_last,
            "patience": self.patience,
            "keep_best": self.keep_best,
            "n_samples": self.n_samples,
            "data_checksum": self._data_checksum,
        }


def _moved(before: NDArray[Any], after: NDArray[Any]) -> bool:
    return bool(np.any((after != before) & ((before != 0) | (np.abs(after) >= EPSILON))))
