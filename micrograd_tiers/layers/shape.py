"""Layers that change the shape of a sample, and no number."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import whole_number
from ..tiers.protocol import Tier, Vjp
from .base import Layer, Shape


@dataclass(frozen=True)
class Reshape(Layer):
    """The same numbers in the same order, in another shape: Reshape((1, 28, 28)) makes images of rows of 784.

    Parameters
    ----------
    shape : tuple of int
        Of one sample, without the axis of the samples.
    """

    op: ClassVar[str] = "reshape"
    shape: Shape

    def __post_init__(self) -> None:
        if not isinstance(self.shape, list | tuple) or not self.shape:
            raise ValueError(f"Reshape: shape is {self.shape!r}, expected whole numbers such as (1, 28, 28)")
        shape = tuple(whole_number("Reshape: a size", size) for size in self.shape)
        object.__setattr__(self, "shape", shape)  # a saved net has a list

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and its vjp."""
        return tier.reshape(x, self.shape)

    def shape_in(self) -> Shape:
        """Return the shape of a row of as many numbers."""
        return (math.prod(self.shape),)

    def shape_out(self, shape: Shape | None) -> Shape:
        """Return the new shape; the old one must hold as many numbers."""
        if shape is not None and math.prod(shape) != math.prod(self.shape):
            raise ValueError(
                f"reshape: x has shape {shape}, {math.prod(shape)} numbers; shape {self.shape} expects "
                f"{math.prod(self.shape)}"
            )
        return self.shape


@dataclass(frozen=True)
class Flatten(Layer):
    """All numbers of a sample in one row: images (C, H, W) become rows of C H W features."""

    op: ClassVar[str] = "reshape"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and its vjp."""
        return tier.reshape(x, (-1,))

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (C H W,)."""
        return shape and (math.prod(shape),)
