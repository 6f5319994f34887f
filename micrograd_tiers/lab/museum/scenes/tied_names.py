"""Scene of the bugs of a tied head: the GPT of `Names`, with one matrix as its embedding and its head."""

from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import Any, ClassVar

import numpy as np

from ....tiers import Tier
from ..bug import PACKAGE
from .names import LENGTH, Names

N_NUMBERS = 4  # of the first token's row, for the gradient check


@dataclass(frozen=True)
class TiedNames(Names):
    """A GPT with a tied head, on names."""

    about: ClassVar[str] = "GPT of 3,760 parameters, whose head is its embedding"

    def net(self, mt: ModuleType, n_tokens: int, tier: str | Tier, seed: int) -> Any:
        """Return a new net."""
        tied = import_module(f"{PACKAGE}.lab.museum.tied")
        layers = mt.gpt(n_tokens, length=LENGTH).layers
        return tied.TiedHead(layers, "next_token_loss", tier=tier, init="normal:0.08", seed=seed)

    def passes(self, mt: ModuleType, net: Any, X: Any, y: Any) -> bool:
        """Return True if some gradients of the matrix agree with slopes of the loss along which both copies move."""
        start, token = net.state_dict(), X[0, 0]
        matrix = start[net.tied[0]]

        def loss(numbers: Any) -> float:
            moved = matrix.copy()
            moved[token, :N_NUMBERS] = numbers
            net.set_tied(moved)
            return float(net.loss_and_grads(X, y)[0])

        _, grads = net.loss_and_grads(X, y)
        slopes = mt.numerical_gradient(loss, matrix[token, :N_NUMBERS])
        net.load_state_dict(start)
        return all(np.allclose(grads[name][token, :N_NUMBERS], slopes, rtol=1e-6, atol=1e-9) for name in net.tied)
