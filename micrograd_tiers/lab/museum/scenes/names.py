"""Scene of the bugs of documents: a GPT that learns names drawn by rules."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from ....datasets import load_dataset
from ....tiers import Tier
from ..trace import Trace

LENGTH = 16  # positions of the net
N_TRAIN, N_TEST, N_TEST_SCALAR = 10_240, 200, 20
N_CHECKED = 4  # names for the gradient check
PARTS = 10  # the run is divided into tenths, each of which is a point of the curves
CLASSES = 27  # tokens
TEMPERATURE = 0.5


@dataclass(frozen=True)
class Names:
    """A GPT on names. Each name is seen once, and each tenth of the run counts as an epoch."""

    batch_size: int = 32
    steps: int = 32  # of a tenth of the run
    settings: Mapping[str, Any] = field(default_factory=dict)  # of the net

    n_classes: int = CLASSES
    best_tier: str = "tensor"
    about: ClassVar[str] = "GPT of 4,192 parameters"

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        settings = "".join(f", {name.replace('_', ' ')} {value}" for name, value in self.settings.items())
        batch_size, _ = self.mini_batches(tier)
        return (
            f"{self.about}{settings}, Adam (learning rate 0.01, falling to 0), batches of {batch_size}, "
            f"on {self.n_samples(tier):,} names in each tenth of the run, least possible loss 2.112, {tier} tier"
        )

    def mini_batches(self, tier: str) -> tuple[int, int]:
        """Return the batch size, and the number of steps in a tenth of the run."""
        return (min(self.batch_size, 8), 5) if tier == "scalar" else (self.batch_size, self.steps)

    def loss_spread(self, tier: str) -> float:
        """Return how far apart the last losses of two right runs may be, by `benchmarks/gpt_mistakes.py`."""
        batch_size, _ = self.mini_batches(tier)
        return 0.02 if batch_size >= 32 else 0.08

    def n_samples(self, tier: str) -> int:
        """Return the number of names in a tenth of the run."""
        batch_size, steps = self.mini_batches(tier)
        return batch_size * steps

    def net(self, mt: ModuleType, n_tokens: int, tier: str | Tier, seed: int) -> Any:
        """Return a new net."""
        return mt.gpt(n_tokens, length=LENGTH, tier=tier, seed=seed, **self.settings)

    def passes(self, mt: ModuleType, net: Any, X: Any, y: Any) -> bool:
        """Return True if the net passes the gradient check on these samples."""
        return bool(mt.check_network(net, X, y, n_coordinates=1).passed)

    def train(self, mt: ModuleType, trace: Trace, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Train a new net, and record curves and figures in the trace."""
        batch_size, steps = self.mini_batches(tier_name)
        train, test = names(seed)
        tokenizer = mt.Tokenizer.fit(train)
        X, y = tokenizer.encode(train[: PARTS * batch_size * steps], LENGTH)
        held_out = tokenizer.encode(test[: N_TEST_SCALAR if tier_name == "scalar" else N_TEST], LENGTH)
        net = self.net(mt, tokenizer.n_tokens, tier, seed)
        trainer = mt.Trainer(
            net, X, y, optimizer=mt.Adam(0.01, beta1=0.85, beta2=0.99), batch_size=batch_size, steps=PARTS * steps,
            schedule="linear", seed=seed,
        )  # fmt: skip
        for _ in range(PARTS):
            losses = [trainer.step() for _ in range(steps)]
            trace.accuracy.append(mt.evaluate(net, *held_out)["accuracy"])
            trace.loss.append(float(np.mean(losses)))
        few = min(batch_size, N_CHECKED)
        length = int((X[:few] >= 0).sum(axis=1).max())  # cut to the longest, like a mini-batch
        passed = self.passes(mt, net, X[:few, :length], y[:few, :length])
        drawn = mt.generate(net, tokenizer, 5, temperature=TEMPERATURE, seed=seed)
        trace.figures = {
            "loss on held-out names": float(mt.evaluate(net, *held_out)["loss"]),
            "gradient check": "passed" if passed else "failed",
            f"names drawn at temperature {TEMPERATURE}": ", ".join(drawn),
        }


@lru_cache(maxsize=1)
def names(seed: int) -> tuple[list[str], list[str]]:
    """Draw names for training and testing, the same ones for the right program and the wrong one."""
    data = load_dataset("names", n_train=N_TRAIN, n_test=N_TEST, seed=seed)
    return [*data.train_documents], [*data.test_documents]
