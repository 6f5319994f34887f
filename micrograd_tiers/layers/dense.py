"""The dense (fully connected) layer."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from .base import Layer


@dataclass(frozen=True)
class Linear(Layer):
    """Affine map of all inputs to all outputs: y = x weight' + bias, with weight (O, I) and bias (O,).

    Parameters
    ----------
    in_features, out_features : int
        I and O, from 1 to 2**31 - 1.
    """

    op: ClassVar[str] = "linear"
    in_features: int
    out_features: int

    def __post_init__(self) -> None:
        for name, size in vars(self).items():
            if not isinstance(size, int | np.integer) or isinstance(size, bool) or not 1 <= size < 2**31:
                raise ValueError(f"Linear: {name} is {size!r}, expected a whole number from 1 to {2**31 - 1}")
            object.__setattr__(self, name, int(size))

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of weight and bias."""
        return {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}

    def features_out(self, features_in: int | None) -> int:
        """Return O; features_in must be I."""
        if features_in not in (None, self.in_features):
            raise ValueError(f"{self} follows a layer that gives {features_in} features")
        return self.out_features
