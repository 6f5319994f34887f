"""Scene of most bugs: nets that learn glyphs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ....losses import LOSSES
from ....targets import targets_from_labels
from ....tiers import Tier
from ..bug import PACKAGE
from ..trace import Trace, note
from .figures import figures
from .samples import CLASSES, N_TEST, N_TRAIN, N_TRAIN_SCALAR, Samples, glyphs


@dataclass(frozen=True)
class Images:
    """A two-layer net on glyphs of 14 x 14 pixels, or a net described by `layers`, such as "conv:6,3 relu max:2"."""

    layers: str = ""
    activation: str = "sigmoid"
    loss: str = "softmax_cross_entropy"
    init: str = "xavier"
    optimizer: str = "SGD"
    settings: Mapping[str, float] = field(default_factory=lambda: {"learning_rate": 0.5})
    hidden: int = 30
    batch_size: int = 16  # does not divide the number of samples, so the last batch of an epoch is short
    epochs: int = 10
    by_class: bool = False
    label_smoothing: float = 0.0
    certainty: float = 1.0  # probability of the label in the targets; below 1 the other classes share the rest
    decay: float = 1.0  # factor of the learning rate after each epoch
    n_classes: int = CLASSES  # with 2, the classes are digits below 5 and digits from 5 on
    best_tier: str = "tensor"

    SIDE: ClassVar[int] = 14  # height and width of an image, in pixels

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        settings = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in self.settings.items())
        net = self.layers and f"net of {self.layers} linear:{CLASSES}"
        smoothing = f", labels smoothed by {self.label_smoothing:g}" if self.label_smoothing else ""
        smoothing += f" with a target of {self.certainty:.0%} for the label" if self.certainty < 1 else ""
        if self.decay < 1:
            settings += f", times {self.decay:g} after each epoch"
        net = net or f"{self.SIDE**2}-{self.hidden}-{self.n_outputs} {self.activation}"
        return (
            f"{net}, {self.loss.replace('_', ' ')}{smoothing}, "
            f"{self.optimizer} ({settings}), batches of {self.batch_size}, on {self.n_samples(tier):,} glyphs"
            f"{' sorted by class' if self.by_class else ''}"
            f"{' classified as below 5 or not' if self.n_classes == 2 else ''}, "
            f"{tier} tier"
        )

    def n_samples(self, tier: str) -> int:
        """Return the number of training samples in an epoch."""
        return N_TRAIN_SCALAR if tier == "scalar" else N_TRAIN

    @property
    def n_outputs(self) -> int:
        """Number of outputs of the net."""
        return LOSSES[self.loss]().outputs_for(self.n_classes)

    def train(self, mt: ModuleType, trace: Trace, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Train a new net, and record curves and figures in the trace."""
        train, test = self.samples(tier_name, seed)
        trainer = self.trainer(mt, train, test, tier, seed)
        self.follow(mt, trainer, trace, test)
        trace.figures = figures(mt, trainer.net, test)

    def samples(self, tier: str, seed: int) -> tuple[Samples, Samples]:
        """Return training and test samples."""
        X, y = glyphs(seed)
        X = X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(X), -1)
        y = y if self.n_classes > 2 else (y >= 5).astype(int)
        train_x, train_y = X[N_TEST:][: self.n_samples(tier)], y[N_TEST:][: self.n_samples(tier)]
        if self.by_class:
            order = np.argsort(train_y, kind="stable")
            train_x, train_y = train_x[order], train_y[order]
        return (train_x, train_y), (X[:N_TEST], y[:N_TEST])

    def trainer(self, mt: ModuleType, train: Samples, test: Samples, tier: str | Tier, seed: int) -> Any:
        """Return a trainer with a new net."""
        options = {"tier": tier, "init": self.init, "label_smoothing": self.label_smoothing, "seed": seed}
        if self.layers:
            net = import_module(f"{PACKAGE}.models").from_words(
                self.layers, (1, self.SIDE, self.SIDE), CLASSES, **options
            )
        else:
            sizes = [train[0].shape[1], self.hidden, self.n_outputs]
            net = mt.mlp(sizes, self.activation, loss=self.loss, **options)
        return self.trainer_of(mt, net, train, test, seed)

    def trainer_of(self, mt: ModuleType, net: Any, train: Samples, test: Samples, seed: int) -> Any:
        """Return a trainer with this net."""
        (train_x, train_y), (test_x, test_y) = train, test
        return mt.Trainer(
            net, train_x, self.targets(net, train_y), optimizer=getattr(mt, self.optimizer)(**self.settings),
            batch_size=self.batch_size, epochs=self.epochs, validation=(test_x, self.targets(net, test_y)), seed=seed,
            schedule=mt.StepDecay(1, self.decay) if self.decay < 1 else None,
        )  # fmt: skip

    def targets(self, net: Any, labels: NDArray[Any]) -> NDArray[Any]:
        """Return the targets that the net's loss expects for these labels."""
        if self.certainty < 1:
            other = (1 - self.certainty) / (CLASSES - 1)
            return np.where(np.eye(CLASSES)[labels] == 1, self.certainty, other)
        return targets_from_labels(net.loss, labels, self.n_outputs)

    def follow(self, mt: ModuleType, trainer: Any, trace: Trace, test: Samples) -> None:
        """Train to the end and record the curves."""
        if self.certainty < 1 or self.loss not in ("softmax_cross_entropy", "hinge"):
            note(trainer, trace, lambda: mt.accuracy(trainer.net.forward(test[0]).argmax(axis=1), test[1]))
        else:
            note(trainer, trace)
