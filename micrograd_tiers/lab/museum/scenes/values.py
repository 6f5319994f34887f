"""Scene of the engine's bugs: a net made of Values, trained as in micrograd."""

import random
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from ....datasets import moons
from ....rng import generator
from ....tiers import Tier
from ..bug import PACKAGE
from ..trace import Trace
from .samples import Samples


@dataclass(frozen=True)
class Values:
    """A 2-8-1 net made of Values that separates two classes."""

    activation: str = "relu"
    loss: str = "hinge"
    corners: bool = False  # XOR of the corners (0, 0), (0, 1), (1, 0), (1, 1) instead of moons
    skip: bool = False  # add a second hidden layer with a skip connection
    passes: str = "one"  # backward passes per batch, a key of PASSES; see `step`
    learning_rate: float = 0.3
    batch_size: int = 8
    epochs: int = 10
    n_classes: int = 2
    best_tier: str = ""

    PASSES: ClassVar[dict[str, str]] = {
        "one": "",
        "online": ", all losses of a batch first, then a backward pass and a step for each",
        "two": ", with one backward pass for the loss and one for a penalty on large scores",
    }

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        points = "corners of XOR" if self.corners else "moons"
        net = f"2-8-8-1 {self.activation} with a skip connection" if self.skip else f"2-8-1 {self.activation}"
        return (
            f"{net}, made of Values, {self.loss} loss, learning rate {self.learning_rate:g}, "
            f"batches of {self.batch_size}, on {self.n_samples(tier)} {points}{self.PASSES[self.passes]}"
        )

    def n_samples(self, tier: str) -> int:
        """Return the number of training samples in an epoch."""
        return 64

    def samples(self, seed: int) -> tuple[Samples, Samples]:
        """Return training and test samples, with classes -1 and 1."""
        rng = generator(seed)
        if not self.corners:
            X, y = moons(264, rng=rng)
            return (X[200:], 2 * y[200:] - 1), (X[:200], 2 * y[:200] - 1)
        X = np.array([(0, 0), (0, 1), (1, 0), (1, 1)] * 50)
        y = np.where(X[:, 0] == X[:, 1], -1, 1)
        return (X[:64], y[:64]), (X + 0.2 * rng.standard_normal(X.shape), y)

    def train(self, mt: ModuleType, trace: Trace, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Train as in micrograd, and record the curves."""
        engine, nn = import_module(f"{PACKAGE}.engine"), import_module(f"{PACKAGE}.nn")
        (train_x, train_y), (test_x, test_y) = self.samples(seed)
        model = nn.MLP(2, [8, 8, 1] if self.skip else [8, 1], rng=random.Random(seed))
        order = generator(seed)
        for _ in range(self.epochs):
            losses: list[float] = []
            mixed = order.permutation(len(train_x))
            for start in range(0, len(mixed), self.batch_size):
                batch = [(train_x[n].tolist(), int(train_y[n])) for n in mixed[start : start + self.batch_size]]
                losses += self.step(engine, model, batch)
                if not trace.figures:
                    sizes = [abs(float(p.grad)) for p in model.parameters()]
                    trace.figures["mean size of a gradient in the first step"] = sum(sizes) / len(sizes)
            right = [float(self.score(model, x.tolist()).data) * t > 0 for x, t in zip(test_x, test_y, strict=True)]
            trace.loss.append(sum(losses) / len(losses))
            trace.accuracy.append(sum(right) / len(right))
        sizes = [abs(float(p.data)) for p in model.parameters()]
        trace.figures["mean size of a parameter"] = sum(sizes) / len(sizes)

    def score(self, model: Any, x: list[float]) -> Any:
        """Return the net's output: positive predicts class 1."""
        first, *others, last = model.layers
        for neuron in first.neurons:
            neuron.nonlin = self.activation == "relu"
        hidden = first(x)
        if self.activation != "relu":
            hidden = [getattr(h, self.activation)() for h in hidden]
        for layer in others:
            hidden = [h + more for h, more in zip(hidden, layer(hidden), strict=True)]
        return last(hidden)

    def loss_of(self, score: Any, target: int) -> Any:
        """Return the loss of one sample."""
        if self.loss == "squared":
            return (score - target) ** 2
        if self.loss == "logistic":
            return (1 + (score * -target).exp()).log()
        return (1 - score * target).relu()

    def step(self, engine: ModuleType, model: Any, batch: list[tuple[list[float], int]]) -> list[float]:
        """Train on one batch, in one step or in a step per sample. Return the losses of its samples."""
        scores = [self.score(model, x) for x, _ in batch]
        losses = [self.loss_of(score, target) for score, (_, target) in zip(scores, batch, strict=True)]
        model.zero_grad()
        if self.passes == "online":
            for loss in losses:
                model.zero_grad()
                loss.backward()
                self.move(model, self.learning_rate / len(batch))
            return [float(loss.data) for loss in losses]
        total = engine.Value(0.0)
        for loss in losses:
            total += loss
        (total * (1 / len(batch))).backward()
        if self.passes == "two":
            penalty = engine.Value(0.0)
            for score in scores:
                penalty += score * score
            (penalty * (0.01 / len(batch))).backward()
        self.move(model, self.learning_rate)
        return [float(loss.data) for loss in losses]

    def move(self, model: Any, rate: float) -> None:
        """Take one step of gradient descent."""
        for p in model.parameters():
            p.data -= rate * p.grad
