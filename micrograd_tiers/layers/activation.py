"""Activation functions: elementwise layers without parameters."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import make_number
from ..tiers.protocol import Tier, Vjp
from .base import Layer


@dataclass(frozen=True)
class Activation(Layer):
    """Base class of the activation functions."""


@dataclass(frozen=True)
class Sigmoid(Activation):
    """Logistic function, 1 / (1 + exp(-x)), elementwise: between 0 and 1."""

    op: ClassVar[str] = "sigmoid"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = sigmoid(x) and its vjp, from dy to dL/dx."""
        return tier.sigmoid(x)


@dataclass(frozen=True)
class Tanh(Activation):
    """Hyperbolic tangent, elementwise: between -1 and 1."""

    op: ClassVar[str] = "tanh"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = tanh(x) and its vjp, from dy to dL/dx."""
        return tier.tanh(x)


@dataclass(frozen=True)
class ReLU(Activation):
    """Rectified linear unit, max(x, 0), elementwise; the derivative at 0 is defined as 0."""

    op: ClassVar[str] = "relu"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = relu(x) and its vjp, from dy to dL/dx."""
        return tier.relu(x)


@dataclass(frozen=True)
class ELU(Activation):
    """Exponential linear unit, elementwise: x where x > 0, alpha (exp(x) - 1) elsewhere.

    Parameters
    ----------
    alpha : float
        Positive and finite; the output approaches -alpha as x goes to minus infinity.

    References
    ----------
    D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network learning by exponential
    linear units (ELUs)", ICLR 2016, https://arxiv.org/abs/1511.07289
    """

    op: ClassVar[str] = "elu"
    alpha: float = 1.0

    def __post_init__(self) -> None:
        make_number(self, "alpha", above=0)

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = elu(x) and its vjp, from dy to dL/dx."""
        return tier.elu(x, self.alpha)


@dataclass(frozen=True)
class SquaredReLU(Activation):
    """Square of the rectified linear unit, max(x, 0)**2, elementwise.

    References
    ----------
    D. R. So et al., "Primer: searching for efficient transformers for language modeling", NeurIPS 2021,
    https://arxiv.org/abs/2109.08668
    """

    op: ClassVar[str] = "squared_relu"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = max(x, 0)**2 and its vjp, from dy to dL/dx."""
        return tier.squared_relu(x)


ACTIVATIONS: dict[str, type[Activation]] = {layer.op: layer for layer in Activation.__subclasses__()}
