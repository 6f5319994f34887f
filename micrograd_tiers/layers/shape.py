"""Layers that change the shape of a sample, but none of its numbers."""

import math
from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import whole_number
from ..tiers.protocol import Tier, Vjp
from .base import Layer, Shape


@dataclass(frozen=True)
class Reshape(Layer):
    """Change of shape, with the same numbers in the same order: Reshape((1, 28, 28)) turns rows of 784 into images.

    Parameters
    ----------
    shape : tuple of int
        New shape of one sample, without the axis of the samples.
    """

    op: ClassVar[str] = "reshape"
    shape: Shape

    def __post_init__(self) -> None:
        if not isinstance(self.shape, list | tuple) or not self.shape:
            raise ValueError(f"Reshape: shape is {self.shape!r}, expected whole numbers such as (1, 28, 28)")
        shape = tuple(whole_number("Reshape: a size", size) for size in self.shape)
        object.__setattr__(self, "shape", shape)  # a saved net has a list

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return x in the new shape and the vjp, from dy to dL/dx."""
        return tier.reshape(x, self.shape)

    def shape_in(self) -> Shape:
        """Return the shape of a flattened sample: (784,) for Reshape((1, 28, 28))."""
        return (math.prod(self.shape),)

    def shape_out(self, shape: Shape | None) -> Shape:
        """Return the new shape; raise ValueError unless the old one holds as many numbers."""
        if shape is not None and math.prod(shape) != math.prod(self.shape):
            raise ValueError(
                f"reshape: x has shape {shape}, {math.prod(shape)} numbers; shape {self.shape} expects "
                f"{math.prod(self.shape)}"
            )
        return self.shape


@dataclass(frozen=True)
class Flatten(Layer):
    """Flattening of samples: images (C, H, W) become rows of C H W features."""

    op: ClassVar[str] = "reshape"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the rows y and the vjp, from dy to dL/dx."""
        return tier.reshape(x, (-1,))

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (C H W,)."""
        return shape and (math.prod(shape),)
