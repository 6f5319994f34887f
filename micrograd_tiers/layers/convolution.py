"""Convolution and pooling: windows that move over images of shape (C, H, W)."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

from ..arguments import make_flag, make_whole
from ..tiers.protocol import Tier, Vjp
from .base import Layer, Shape, no_bias


def positions(op: str, shape: Shape, kernel_size: int, stride: int, padding: int = 0) -> Shape:
    """Return (R, S): the rows and columns of positions that a K by K window has in an image (C, H, W)."""
    if len(shape) != 3:
        raise ValueError(f"{op}: x has shape {shape}, expected images (C, H, W): put Reshape((C, H, W)) before it")
    padded = [size + 2 * padding for size in shape[1:]]
    if min(padded) < kernel_size:
        raise ValueError(
            f"{op}: x has shape {shape}, expected at least {kernel_size} rows and columns, including the padding"
        )
    return tuple((size - kernel_size) // stride + 1 for size in padded)


@dataclass(frozen=True)
class Conv2d(Layer):
    """Convolution of images (C, H, W) with O kernels (C, K, K).

    The output is (O, R, S), with R = (H + 2 padding - K) // stride + 1, and S computed from W in the same way. The
    weight is (O, C, K, K), the bias (O,).

    Parameters
    ----------
    in_channels, out_channels : int
        C and O, at least 1.
    kernel_size : int
        K, at least 1.
    stride : int
        Distance in pixels between two positions of the kernel, at least 1.
    padding : int
        Number of zeros added on each side, at least 0.
    bias : bool
        If False, the layer has no bias: before a `BatchNorm2d`, which subtracts the mean and so removes any bias.

    References
    ----------
    Y. LeCun et al., "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86 (1998).
    """

    op: ClassVar[str] = "conv2d"
    in_channels: int
    out_channels: int
    kernel_size: int
    stride: int = 1
    padding: int = 0
    bias: bool = field(default=True, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("in_channels", "out_channels", "kernel_size", "stride"):
            make_whole(self, name, 1)
        make_whole(self, "padding", 0)
        make_flag(self, "bias")

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of weight, (O, C, K, K), and bias, (O,)."""
        kernel = (self.in_channels, self.kernel_size, self.kernel_size)
        shapes = {"weight": (self.out_channels, *kernel), "bias": (self.out_channels,)}
        return shapes if self.bias else {"weight": shapes["weight"]}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the convolution y and its vjps, from dy to dL/dx, dL/dweight and dL/dbias."""
        if self.bias:
            weight, bias = arrays
            return tier.conv2d(x, weight, bias, self.stride, self.padding)
        (weight,) = arrays
        bias = no_bias(tier, weight, self.out_channels)
        y, (dx, dweight, _) = tier.conv2d(x, weight, bias, self.stride, self.padding)
        return y, (dx, dweight)

    def kept(self, shape: Shape) -> int:
        """Return C H K S: each row of the padded image under each column of the kernel, at all of its positions."""
        _, S = positions(self.op, shape, self.kernel_size, self.stride, self.padding)
        return shape[0] * (shape[1] + 2 * self.padding) * self.kernel_size * S

    def products(self, shape: Shape) -> int:
        """Return O C K K R S: one product per weight at each position of the kernel."""
        R, S = positions(self.op, shape, self.kernel_size, self.stride, self.padding)
        return self.out_channels * shape[0] * self.kernel_size**2 * R * S

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (O, R, S); raise ValueError unless the input is (C, H, W), and at least as large as the kernel."""
        if shape is None:
            return None
        R, S = positions(self.op, shape, self.kernel_size, self.stride, self.padding)
        if shape[0] != self.in_channels:
            weight = self.parameter_shapes()["weight"]
            raise ValueError(f"conv2d: x has {shape[0]} channels, weight {weight} expects {self.in_channels}")
        return (self.out_channels, R, S)


@dataclass(frozen=True)
class Pool2d(Layer):
    """Base class of both kinds of pooling; parameters as in `AvgPool2d`."""

    kernel_size: int
    stride: int | None = None

    def __post_init__(self) -> None:
        make_whole(self, "kernel_size", 1)
        if self.stride is None:
            object.__setattr__(self, "stride", self.kernel_size)
        make_whole(self, "stride", 1)

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (C, R, S); raise ValueError unless the input is (C, H, W), and at least as large as the window."""
        assert self.stride is not None
        return shape and (shape[0], *positions(self.op, shape, self.kernel_size, self.stride))


@dataclass(frozen=True)
class AvgPool2d(Pool2d):
    """Mean of each window of K by K pixels, channel by channel.

    Images (C, H, W) become (C, R, S), with R = (H - K) // stride + 1, and S computed from W in the same way.

    Parameters
    ----------
    kernel_size : int
        K, at least 1.
    stride : int, optional
        Distance in pixels between two positions of the window, at least 1; by default K, so that windows do not
        overlap. Rows and columns left over at the end are ignored.
    """

    op: ClassVar[str] = "avg_pool2d"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the means y and their vjp, from dy to dL/dx."""
        return tier.avg_pool2d(x, self.kernel_size, self.stride or self.kernel_size)


@dataclass(frozen=True)
class MaxPool2d(Pool2d):
    """Maximum of each window of K by K pixels, channel by channel.

    The gradient goes to the maximum. If several numbers share it, the first one in row-major order gets the gradient.

    Parameters
    ----------
    kernel_size, stride
        As in `AvgPool2d`.
    """

    op: ClassVar[str] = "max_pool2d"

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the maxima y and their vjp, from dy to dL/dx."""
        return tier.max_pool2d(x, self.kernel_size, self.stride or self.kernel_size)
