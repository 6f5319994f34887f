"""Batch normalization, which couples the samples of a mini-batch: at the tensor tier only."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from ..initializers import Initializer
from ..tiers import Vjp
from .base import Array, Layer, Shape, whole_number


@dataclass(frozen=True)
class BatchNorm(Layer):
    """What the two kinds of batch normalization share.

    y = weight (x - mean) / sqrt(variance + epsilon) + bias, channel by channel. In training, mean and variance are
    those of the mini-batch; in prediction, running means of what was seen in training.

    Parameters
    ----------
    num_features : int
        C, at least 1.
    epsilon : float
        Added to the variance, above 0.
    momentum : float
        Weight of a new mini-batch in the running means, above 0, at most 1.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, https://arxiv.org/abs/1502.03167
    """

    op: ClassVar[str] = "batch_norm"
    num_features: int
    epsilon: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        whole_number(self, "num_features", 1)
        for name, value, most in (("epsilon", self.epsilon, 1e3), ("momentum", self.momentum, 1.0)):
            if not 0 < value <= most:
                raise ValueError(f"{type(self).__name__}: {name} is {value!r}, expected above 0, at most {most:g}")

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of weight and bias."""
        return {"weight": (self.num_features,), "bias": (self.num_features,)}

    def initial(self, name: str, initializer: Initializer, rng: np.random.Generator) -> Array:
        """Return ones for the weight, zeros for the bias."""
        return np.full(self.num_features, float(name == "weight"))

    def buffers(self) -> dict[str, Array]:
        """Return the running mean and variance, and of how many mini-batches they are."""
        C = self.num_features
        return {"running_mean": np.zeros(C), "running_var": np.ones(C), "num_batches_tracked": np.zeros(())}

    def forward(self, tier: Any, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and the vjps, the running mean and variance being constants."""
        weight, bias, mean, variance, _ = arrays
        value_and_vjps: tuple[Any, tuple[Vjp, ...]] = tier.batch_norm(x, weight, bias, self.epsilon, mean, variance)
        return value_and_vjps

    def forward_in_training(self, tier: Any, x: Any, mask: Any, *parameters: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and the vjps, with mean and variance of these samples."""
        value_and_vjps: tuple[Any, tuple[Vjp, ...]] = tier.batch_norm(x, *parameters, self.epsilon)
        return value_and_vjps

    def observe(self, tier: Any, x: Any, buffers: dict[str, Any]) -> None:
        """Move the running mean and variance towards those of x; the variance as it is estimated, over n - 1."""
        mean, variance = tier.moments(x)
        n = x.size // self.num_features
        for name, seen in (("running_mean", mean), ("running_var", variance * (n / max(1, n - 1)))):
            buffers[name] += self.momentum * (seen - buffers[name])
        buffers["num_batches_tracked"] += 1

    def checked(self, shape: Shape | None, n_axes: int, expected: str) -> Shape | None:
        """Return the shape if it has so many axes, and C channels."""
        if shape is not None and (len(shape) != n_axes or shape[0] != self.num_features):
            raise ValueError(f"{self.op}: x has shape {shape}, {type(self).__name__} expects {expected}")
        return shape


@dataclass(frozen=True)
class BatchNorm1d(BatchNorm):
    """Batch normalization of each of C features over the samples; parameters as in `BatchNorm`."""

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape, which must be (C,)."""
        return self.checked(shape, 1, f"({self.num_features},)")


@dataclass(frozen=True)
class BatchNorm2d(BatchNorm):
    """Batch normalization of each of C channels over samples and pixels; parameters as in `BatchNorm`."""

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape, which must be (C, H, W)."""
        return self.checked(shape, 3, f"({self.num_features}, H, W)")
