"""Scene of the standardization bugs: a net that learns points whose features have different units."""

import math
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np

from ....datasets import moons
from ....rng import generator
from ....tiers import Tier
from ..bug import PACKAGE
from ..trace import Trace, note
from .figures import figures
from .samples import N_TEST


@dataclass(frozen=True)
class Points:
    """A two-layer net on standardized moons whose two features have different units, tested a few at a time."""

    n_classes: int = 2
    best_tier: str = "tensor"
    epochs: int = 10
    group: int = 10

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        return (
            f"2-16-2 tanh on {self.n_samples(tier)} moons, one feature scaled by 1,000, both standardized; "
            f"test samples come {self.group} at a time, {tier} tier"
        )

    def n_samples(self, tier: str) -> int:
        """Return the number of training samples in an epoch."""
        return 300

    def train(self, mt: ModuleType, trace: Trace, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Standardize the points, train on them, and record curves and figures in the trace."""
        X, y = moons(self.n_samples(tier_name) + N_TEST, rng=generator(seed))
        X = X * [1.0, 1_000.0]
        Standardizer = import_module(f"{PACKAGE}.datasets").Standardizer
        scale = Standardizer.fit(X[N_TEST:])
        train = scale(X[N_TEST:]), y[N_TEST:]
        test_x = np.concatenate([scale(X[n : n + self.group]) for n in range(0, N_TEST, self.group)])
        net = mt.mlp([2, 16, 2], "tanh", tier=tier, seed=seed)
        trainer = mt.Trainer(
            net, *train, optimizer=mt.SGD(0.5), batch_size=10, epochs=self.epochs, validation=(test_x, y[:N_TEST]),
            seed=seed,
        )  # fmt: skip
        note(trainer, trace)
        trace.figures = figures(mt, net, (test_x, y[:N_TEST]))
        alone = net.predict_proba(scale(X[:1]))[0].max() if np.isfinite(scale(X[:1])).all() else math.nan
        trace.figures["confidence in a sample that comes alone"] = float(alone)
