"""Training of whole nets: check that a tier trains to the same weights as a built-in one, and measure its speed."""

import statistics
import time
from collections.abc import Collection
from itertools import cycle, islice
from types import SimpleNamespace
from typing import Any, NamedTuple, cast

import numpy as np

from ...layers import BatchNorm1d, Layer, Linear
from ...layers.activation import ACTIVATIONS
from ...losses import LOSSES
from ...models import mlp
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from ...targets import targets_from_labels
from ...tiers import OPS, SUPPORT, TIERS, Tier
from ...training import fit
from .clock import timed_op
from .guard import Wrong, described, guarded, unprinted
from .properties import Finding

TOLERANCE = 1e-9  # of the largest weight, after two epochs: rounding error grows in training, but a bug is larger
N_SAMPLES, N_FEATURES, N_CLASSES = 8, 5, 3  # few, so that a slow op is judged as others are
ROUNDS = 5


class TrainingRun(NamedTuple):
    """One training run that is compared."""

    activation: str
    loss: str
    optimizer: Optimizer
    batch_norm: bool

    def __str__(self) -> str:
        after = "batch_norm, " * self.batch_norm
        return f"a 5-4-{N_CLASSES} net with {after}{self.activation}, {self.loss} and {self.optimizer}"

    def net(self, tier: str | Tier, n_outputs: int) -> Network:
        """Return the untrained net at a tier."""
        hidden: list[Layer] = [*[BatchNorm1d(4)] * self.batch_norm, ACTIVATIONS[self.activation]()]
        layers = [Linear(N_FEATURES, 4), *hidden, Linear(4, n_outputs)]
        return Network(layers, loss=self.loss, tier=tier, seed=1)


def trainable(ops: Collection[str]) -> list[tuple[str, str]]:
    """Return the (activation, loss) pairs of nets that together contain each such op, if these ops are right."""
    activations, losses = ([op for op in kind if op in ops] for kind in (ACTIVATIONS, LOSSES))
    if "linear" not in ops or not activations or not losses:
        return []
    n = max(len(activations), len(losses))
    return [*islice(zip(cycle(activations), cycle(losses), strict=False), n)]


def judge_training(tier: Tier, ops: Collection[str]) -> list[Finding]:
    """Return a finding on the first net that trains differently from the same net at the tensor tier, if any."""
    optimizers: list[Optimizer] = [SGD(0.5), SGD(0.2, momentum=0.9, weight_decay=0.01), Adam(0.05)]
    pairs = trainable(ops)
    batch_norm = "batch_norm" in ops and hasattr(tier, "moments")
    for k, (pair, optimizer) in enumerate(zip(cycle(pairs), cycle(optimizers), strict=False)):
        if k >= max(len(pairs), len(optimizers)) or not pairs:
            break
        training = TrainingRun(*pair, optimizer, batch_norm and k == 0)
        try:
            with unprinted(), guarded(str(training)):
                finding = _difference(_under_the_clock(tier), training)
        except Wrong as wrong:
            finding = Finding("training", wrong.property, wrong.message)
        except NotImplementedError as error:  # from an op that passed its own tests
            finding = Finding("training", "raises", f"{training}: {described(error)}")
        if finding is not None:
            return [finding]
    return []


def _under_the_clock(tier: Tier) -> Tier:
    """Return the tier with a limit for each call of an op."""
    names = [name for name in (*OPS, "moments", *SUPPORT) if hasattr(tier, name)]
    functions = {name: timed_op(getattr(tier, name)) if name in OPS else getattr(tier, name) for name in names}
    return cast(Tier, SimpleNamespace(**functions))


def _samples(loss: str, n_samples: int, n_features: int, n_classes: int) -> tuple[Any, Any, int]:
    """Return X, targets for the loss, and the number of outputs of its net."""
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((n_samples, n_features)), rng.integers(0, n_classes, n_samples)
    if LOSSES[loss].targets == "values":
        return X, rng.standard_normal((n_samples, n_classes)), n_classes
    n_outputs = LOSSES[loss]().outputs_for(n_classes)
    return X, targets_from_labels(LOSSES[loss](), labels, n_outputs), n_outputs


def _difference(tier: Tier, training: TrainingRun) -> Finding | None:
    X, y, n_outputs = _samples(training.loss, N_SAMPLES, N_FEATURES, N_CLASSES)
    nets = [training.net(t, n_outputs) for t in (tier, "tensor")]
    optimizer = training.optimizer
    ours, right = (fit(net, X, y, optimizer=optimizer, batch_size=3, epochs=2, seed=2).batch_loss for net in nets)
    for step, (a, b) in enumerate(zip(ours, right, strict=True), start=1):
        if not abs(a - b) <= TOLERANCE * max(1.0, abs(b)):
            message = f"{training}: the loss of step {step} is wrong" + (
                ", before any update" if step == 1 else "; the losses before it are right"
            )
            return Finding("training", "trajectory", message, None, b, a)
    weights, expected = (net.state_dict() for net in nets)
    largest = max(float(np.abs(w).max()) for w in expected.values())
    for name, array in expected.items():
        if not np.abs(weights[name] - array).max() <= TOLERANCE * largest:
            message = f"{training}: all losses are right, but {name} differs after the last step"
            return Finding("training", "trajectory", message, None, array, weights[name])
    outputs, expected_outputs = (net.forward(X) for net in nets)
    if not np.abs(outputs - expected_outputs).max() <= TOLERANCE * max(1.0, np.abs(expected_outputs).max()):
        message = f"{training}: all weights are right, but the outputs in prediction are not"
        return Finding("training", "trajectory", message, None, expected_outputs, outputs)
    return None


def speeds(tier: Tier, ops: Collection[str]) -> dict[str, float]:
    """Return samples per second in training a 64-30-10 net on 32 samples, for the tier (key "") and the built-in ones.

    Each speed is the median of interleaved rounds, so that a busy machine slows all tiers; a slow tier has fewer.
    """
    (activation, loss), *_ = trainable(ops)
    X, y, n_outputs = _samples(loss, 32, 64, 10)
    tiers: dict[str, str | Tier] = {"": tier, **{name: name for name in TIERS}}
    nets = {name: mlp([64, 30, n_outputs], activation, loss=loss, tier=t) for name, t in tiers.items()}
    rounds: list[dict[str, float]] = []
    stop = time.monotonic() + 5
    while not rounds or (len(rounds) < ROUNDS and time.monotonic() < stop):
        rounds.append({name: _samples_per_second(net, X, y) for name, net in nets.items()})
    return {name: statistics.median(one[name] for one in rounds) for name in nets}


def _samples_per_second(net: Network, X: Any, y: Any) -> float:
    """Return the speed over as many steps as fit in a 20th of a second, at least one."""
    n, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < 0.05:
        fit(net, X, y, batch_size=len(X))
        n += 1
    return n * len(X) / elapsed
