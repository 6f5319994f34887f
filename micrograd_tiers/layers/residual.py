"""Residual connections: a branch of layers whose input is added to its output."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..tiers.protocol import Tier, Vjp
from .base import Layer


@dataclass(frozen=True)
class _End(Layer):
    """Base class of both ends of a branch: the identity; `backprop` keeps, and adds, the copies."""

    @property
    def ops(self) -> tuple[str, ...]:
        """Return no name: both ends use only the support functions, which each tier has."""
        return ()

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return x and the vjp of the identity."""
        return x, (lambda dy: dy,)


@dataclass(frozen=True)
class Fork(_End):
    """Begin of a branch: a copy of x goes around the layers up to the matching `Join`; their gradients are added."""

    op: ClassVar[str] = "fork"
    branch: ClassVar[str] = "fork"


@dataclass(frozen=True)
class Join(_End):
    """End of a branch: the copy that the matching `Fork` kept is added to x; both get a copy of the gradient."""

    op: ClassVar[str] = "join"
    branch: ClassVar[str] = "join"


def residual(*layers: Layer) -> tuple[Layer, ...]:
    """Return the layers as a branch with a residual connection: y = x + layers(x).

    Parameters
    ----------
    *layers : Layer
        The branch. Its output has the shape of its input.

    Returns
    -------
    tuple of Layer
        For a list of layers: ``Network([Linear(8, 8), *residual(Tanh(), Linear(8, 8)), ...])``.

    References
    ----------
    K. He et al., "Deep residual learning for image recognition", CVPR 2016, https://arxiv.org/abs/1512.03385
    """
    return Fork(), *layers, Join()
