"""Training of whole nets: check that a tier trains to the same weights as a built-in one, and measure its speed."""

import statistics
import time
from collections.abc import Collection
from typing import Any

import numpy as np

from ...layers.activation import ACTIVATIONS
from ...losses import LOSSES
from ...models import mlp
from ...network import Network
from ...optimizers import SGD, Adam, Optimizer
from ...targets import targets_from_labels
from ...tiers import TIERS, Tier
from ...training import fit
from .guard import Wrong, described, guarded
from .properties import Finding

TOLERANCE = 1e-9  # of the largest weight, after two epochs: rounding error grows in training, but a bug is larger
ROUNDS = 5


def trainable(ops: Collection[str]) -> list[tuple[str, str]]:
    """Return the (activation, loss) pairs of the nets that can be trained with these ops."""
    if "linear" not in ops:
        return []
    return [(activation, loss) for activation in ACTIVATIONS if activation in ops for loss in LOSSES if loss in ops]


def judge_training(tier: Tier, ops: Collection[str]) -> list[Finding]:
    """Return a finding on the first net that trains differently from the same net at the tensor tier, if any."""
    optimizers: list[Optimizer] = [SGD(0.5), SGD(0.2, momentum=0.9, weight_decay=0.01), Adam(0.05)]
    for activation, loss in trainable(ops):
        X, y, n_outputs = _samples(loss, 20, 5, 3)
        sizes = [5, 4, 4, n_outputs]
        for optimizer in optimizers:
            what = f"{'-'.join(map(str, sizes))} with {activation}, {loss} and {optimizer}"
            try:
                with guarded(what, seconds=20):
                    finding = _difference(tier, sizes, activation, loss, optimizer, X, y, what)
            except Wrong as wrong:
                finding = Finding("training", wrong.property, wrong.message)
            except NotImplementedError as error:  # from an op that passed its own tests
                finding = Finding("training", "raises", f"{what}: {described(error)}")
            if finding is not None:
                return [finding]
    return []


def _samples(loss: str, n_samples: int, n_features: int, n_classes: int) -> tuple[Any, Any, int]:
    """Return X, targets for the loss, and the number of outputs of its net."""
    rng = np.random.default_rng(0)
    X, labels = rng.standard_normal((n_samples, n_features)), rng.integers(0, n_classes, n_samples)
    if LOSSES[loss].targets == "values":
        return X, rng.standard_normal((n_samples, n_classes)), n_classes
    n_outputs = LOSSES[loss]().outputs_for(n_classes)
    return X, targets_from_labels(LOSSES[loss](), labels, n_outputs), n_outputs


def _difference(
    tier: Tier, sizes: list[int], activation: str, loss: str, optimizer: Optimizer, X: Any, y: Any, what: str
) -> Finding | None:
    nets = [mlp(sizes, activation, loss=loss, tier=t, seed=1) for t in (tier, "tensor")]
    ours, right = (fit(net, X, y, optimizer=optimizer, batch_size=7, epochs=2, seed=2).batch_loss for net in nets)
    for step, (a, b) in enumerate(zip(ours, right, strict=True), start=1):
        if not abs(a - b) <= TOLERANCE * max(1.0, abs(b)):
            message = f"{what}: the loss of step {step} is wrong" + (
                ", before any update" if step == 1 else "; the losses before it are right"
            )
            return Finding("training", "trajectory", message, None, b, a)
    weights, expected = (net.state_dict() for net in nets)
    largest = max(float(np.abs(w).max()) for w in expected.values())
    for name, array in expected.items():
        if not np.abs(weights[name] - array).max() <= TOLERANCE * largest:
            message = f"{what}: all losses are right, but {name} differs after the last step"
            return Finding("training", "trajectory", message, None, array, weights[name])
    return None


def speeds(tier: Tier, ops: Collection[str]) -> dict[str, float]:
    """Return samples per second in training a 64-30-10 net on 32 samples, for the tier (key "") and the built-in ones.

    Each speed is the median of interleaved rounds, so that a busy machine slows all tiers.
    """
    (activation, loss), *_ = trainable(ops)
    X, y, n_outputs = _samples(loss, 32, 64, 10)
    tiers: dict[str, str | Tier] = {"": tier, **{name: name for name in TIERS}}
    nets = {name: mlp([64, 30, n_outputs], activation, loss=loss, tier=t) for name, t in tiers.items()}
    rounds = [{name: _samples_per_second(net, X, y) for name, net in nets.items()} for _ in range(ROUNDS)]
    return {name: statistics.median(one[name] for one in rounds) for name in nets}


def _samples_per_second(net: Network, X: Any, y: Any) -> float:
    """Return the speed over as many steps as fit in a 20th of a second, at least one."""
    n, start = 0, time.perf_counter()
    while (elapsed := time.perf_counter() - start) < 0.05:
        fit(net, X, y, batch_size=len(X))
        n += 1
    return n * len(X) / elapsed
