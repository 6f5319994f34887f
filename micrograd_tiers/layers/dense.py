"""The dense (fully connected) layer."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import make_flag, make_whole
from ..tiers.protocol import Tier, Vjp
from .base import Layer, Shape, no_bias


@dataclass(frozen=True)
class Linear(Layer):
    """Affine map of all inputs to all outputs: y = x weight.T + bias, with weight (O, I) and bias (O,).

    Parameters
    ----------
    in_features, out_features : int
        I and O, from 1 to 2**31 - 1.
    bias : bool
        If False, the layer has no bias: before a `BatchNorm1d`, which subtracts the mean and so removes any bias.
    """

    op: ClassVar[str] = "linear"
    in_features: int
    out_features: int
    bias: bool = True

    def __post_init__(self) -> None:
        make_whole(self, "in_features", 1)
        make_whole(self, "out_features", 1)
        make_flag(self, "bias")

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of weight, (O, I), and bias, (O,)."""
        shapes = {"weight": (self.out_features, self.in_features), "bias": (self.out_features,)}
        return shapes if self.bias else {"weight": shapes["weight"]}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y = x weight.T + bias and its vjps, from dy to dL/dx, dL/dweight and dL/dbias."""
        if self.bias:
            weight, bias = arrays
            return tier.linear(x, weight, bias)
        (weight,) = arrays
        y, (dx, dweight, _) = tier.linear(x, weight, no_bias(tier, weight, self.out_features))
        return y, (dx, dweight)

    def products(self, shape: Shape) -> int:
        """Return I O: one product per weight."""
        return self.in_features * self.out_features

    def shape_in(self) -> Shape:
        """Return (I,)."""
        return (self.in_features,)

    def shape_out(self, shape: Shape | None) -> Shape:
        """Return (O,); raise ValueError unless the input is (I,)."""
        if shape is not None and len(shape) != 1:
            expected = f"linear: x has shape {shape}, expected ({self.in_features},)"
            if len(shape) == 2:
                raise ValueError(f"{expected}: for documents (T, C), use Project({self.in_features}, ...)")
            raise ValueError(f"{expected}: put Flatten() before it")
        if shape not in (None, self.shape_in()):
            weight = self.parameter_shapes()["weight"]
            raise ValueError(f"linear: x has {shape[0]} features, weight {weight} expects {self.in_features}")
        return (self.out_features,)
