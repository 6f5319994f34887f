"""A recipe: all that a training run depends on, in numbers and words that can be saved, compared and varied."""

from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from typing import Any

from .arguments import whole_number
from .datasets import Dataset, Standardizer, load_dataset, scaled, train_validation_split
from .models import from_words, mlp
from .network import Network
from .optimizers import OPTIMIZERS, SGD, Optimizer
from .schedules import CosineAnnealing, Schedule, StepDecay
from .training import Trainer


@dataclass(frozen=True)
class Recipe:
    """What `micrograd-tiers train` is told, option by option.

    Parameters
    ----------
    data, n_train, n_test, tier, init, dtype, exact, batch_size, epochs, seed
        As in `load_dataset`, `Network` and `fit`.
    layers : str
        The net in words, see `models.from_words`; where empty, `mlp` with hidden, activation and dropout.
    optimizer : {"sgd", "rmsprop", "adam", "adamw"}
        With learning_rate and weight_decay (the optimizer's own where not given), momentum, nesterov.
    schedule : str
        "step:EVERY[,BY]" or "cosine", over all epochs; none where empty.
    validation : int
        How many training samples are set aside; patience and keep_best go by them.
    """

    data: str = "glyphs"
    n_train: int | None = None
    n_test: int | None = None
    tier: str = "tensor"
    layers: str = ""
    hidden: tuple[int, ...] = (300,)
    activation: str = "sigmoid"
    dropout: float = 0.0
    init: str = "xavier"
    dtype: str = "float64"
    exact: bool = False
    optimizer: str = "sgd"
    learning_rate: float | None = None
    momentum: float = 0.0
    nesterov: bool = False
    weight_decay: float | None = None
    label_smoothing: float = 0.0
    schedule: str = ""
    batch_size: int = 64
    epochs: int = 10
    validation: int = 0
    patience: int | None = None
    keep_best: bool = False
    no_shuffle: bool = False
    no_standardize: bool = False
    seed: int = 0

    def settings(self) -> dict[str, Any]:
        """Return all settings that count, by name; with the numbers that were left to the optimizer."""
        optimizer = self.make_optimizer()
        rates = {"learning_rate": optimizer.learning_rate, "weight_decay": optimizer.weight_decay}
        unused = ("hidden", "activation", "dropout") if self.layers else ("layers",)
        return {name: value for name, value in (asdict(self) | rates).items() if name not in unused}

    def check(self, data_dir: str | None = None) -> None:
        """Raise, before anything is run, what a run would raise sooner or later."""
        whole_number("validation", self.validation, 0)
        sample = _sample(self.data, data_dir)
        replace(self, validation=0, patience=None, keep_best=False).make_trainer(self.make_net(sample), sample)
        if not self.validation and (self.patience is not None or self.keep_best):
            raise ValueError("patience and keep_best go by the validation loss: give validation=N")

    def load_data(self, data_dir: str | None = None) -> tuple[Dataset, Standardizer | None]:
        """Return the set as the net is to see it, and by what it was standardized, if it was.

        Nothing is learned from the samples that are set aside for validation.
        """
        data = load_dataset(self.data, data_dir=data_dir, n_train=self.n_train, n_test=self.n_test, seed=self.seed)
        if data.image_shape is not None or self.no_standardize:
            return data, None
        scale = Standardizer.fit(self.split(data)[0])
        return scaled(data, scale), scale

    def split(self, data: Dataset) -> tuple[Any, Any, tuple[Any, Any] | None]:
        """Return training samples, their classes, and the validation samples with theirs, if any are set aside."""
        if not self.validation:
            return data.train_x, data.train_y, None
        x, y, validation_x, validation_y = train_validation_split(
            data.train_x, data.train_y, self.validation, seed=self.seed
        )
        return x, y, (validation_x, validation_y)

    def make_net(self, data: Dataset) -> Network:
        """Return the net at its start."""
        options: dict[str, Any] = {
            "tier": self.tier, "dtype": self.dtype, "exact": self.exact, "init": self.init,
            "label_smoothing": self.label_smoothing, "seed": self.seed,
        }  # fmt: skip
        if self.layers and (self.hidden, self.activation, self.dropout) != (
            Recipe.hidden, Recipe.activation, Recipe.dropout
        ):  # fmt: skip
            raise ValueError("layers says what the net is: leave out hidden, activation and dropout")
        n_inputs, n_classes = data.train_x.shape[1], len(data.class_names)
        if not self.layers:
            sizes = [n_inputs, *self.hidden, n_classes]
            return mlp(sizes, self.activation, dropout=self.dropout, **options)
        shape = (n_inputs,) if data.image_shape is None else (1, *data.image_shape)
        return from_words(self.layers, shape, n_classes, **options)

    def make_optimizer(self) -> Optimizer:
        """Return the optimizer.

        Raises
        ------
        ValueError
            If it is not known, or does not take what else is given.
        """
        if self.optimizer not in OPTIMIZERS:
            raise ValueError(f"optimizer is {self.optimizer!r}, expected one of {', '.join(OPTIMIZERS)}")
        settings = {"learning_rate": self.learning_rate, "weight_decay": self.weight_decay}
        given = {name: value for name, value in settings.items() if value is not None}
        if self.optimizer == "sgd":
            return SGD(momentum=self.momentum, nesterov=self.nesterov, **given)
        if self.momentum or self.nesterov:
            raise ValueError(f"momentum goes with the optimizer sgd; {self.optimizer} has running means of its own")
        return OPTIMIZERS[self.optimizer](**given)

    def make_schedule(self) -> Schedule | None:
        """Return how the learning rate falls, if it does."""
        name, _, numbers = self.schedule.partition(":")
        if not name:
            return None
        if name == "cosine" and not numbers:
            return CosineAnnealing(self.epochs)
        try:
            every, *by = numbers.split(",")
            if name == "step" and len(by) < 2:
                return StepDecay(int(every), *map(float, by))
        except ValueError as error:
            raise ValueError(f"schedule {self.schedule!r}: {error}") from None
        raise ValueError(f"unknown schedule {self.schedule!r}: expected step:EVERY, step:EVERY,BY or cosine")

    def make_trainer(self, net: Network, data: Dataset) -> Trainer:
        """Return the training run of a net on the set, at its start."""
        x, y, validation = self.split(data)
        return Trainer(
            net, x, y, optimizer=self.make_optimizer(), batch_size=self.batch_size, epochs=self.epochs,
            validation=validation, seed=self.seed, shuffle=not self.no_shuffle, schedule=self.make_schedule(),
            patience=self.patience, keep_best=self.keep_best,
        )  # fmt: skip


@lru_cache
def _sample(name: str, data_dir: str | None) -> Dataset:
    return load_dataset(name, data_dir=data_dir, n_train=1, n_test=1)
