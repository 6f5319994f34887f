"""Dropout: numbers set to 0 at random in training."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import make_number
from ..tiers.protocol import Tier, Vjp
from .base import Array, Layer, Shape


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout: in training, set each number to 0 with probability p and divide the others by 1 - p.

    In prediction the layer does nothing. The mask of a mini-batch is drawn once, outside the tier, so that it is the
    same at every tier.

    Parameters
    ----------
    p : float
        Probability that a number is dropped, from 0 to 1; at 1 all are.

    References
    ----------
    N. Srivastava et al., "Dropout: a simple way to prevent neural networks from overfitting", JMLR 15 (2014),
    https://jmlr.org/papers/v15/srivastava14a.html
    """

    op: ClassVar[str] = "dropout"
    p: float = 0.5

    def __post_init__(self) -> None:
        make_number(self, "p", at_least=0, at_most=1)

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return x itself, and the vjp of the identity, which copies dy."""
        return x, (lambda dy: tier.elementwise(lambda number: 1.0 * number, dy),)

    def forward_in_training(
        self, tier: Tier, x: Any, noise: Iterator[Any], *parameters: Any
    ) -> tuple[Any, tuple[Vjp, ...], Any]:
        """Return y = mask * x, its vjp from dy to dL/dx, and None; without a mask in `noise`, y is x."""
        mask = next(noise, None)
        return *(self.forward(tier, x) if mask is None else tier.dropout(x, mask)), None

    def draw(self, shape: Shape, rng: Any) -> Array:
        """Return a mask of the given shape, with entries 0 or 1 / (1 - p)."""
        kept = rng.random(shape) >= self.p
        return kept / (1 - self.p) if self.p < 1 else 0.0 * kept
