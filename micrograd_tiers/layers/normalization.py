"""Batch normalization, which mixes the samples of a mini-batch; only the tensor tier sees them all."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import make_number, make_whole
from ..initializers import Initializer
from ..tiers.lists import filled
from ..tiers.protocol import Tier, Vjp
from .base import Array, Layer, Shape


@dataclass(frozen=True)
class BatchNorm(Layer):
    """Base class of both kinds of batch normalization; parameters as in `BatchNorm1d`."""

    op: ClassVar[str] = "batch_norm"
    num_features: int
    epsilon: float = 1e-5
    momentum: float = 0.1

    def __post_init__(self) -> None:
        make_whole(self, "num_features", 1)
        make_number(self, "epsilon", above=0)
        make_number(self, "momentum", above=0, at_most=1)

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the tier's functions that the layer calls."""
        return ("batch_norm", "moments")

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of weight and bias, both (C,)."""
        return {"weight": (self.num_features,), "bias": (self.num_features,)}

    def initial(self, name: str, initializer: Initializer, rng: Any) -> Array:
        """Return ones for the weight, zeros for the bias."""
        return filled((self.num_features,), float(name == "weight"))

    def buffers(self) -> dict[str, Array]:
        """Return the initial running mean and variance, and the number of mini-batches in them."""
        C = (self.num_features,)
        return {"running_mean": filled(C), "running_var": filled(C, 1.0), "num_batches_tracked": 0.0}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y and its vjps with respect to x, weight and bias; the running mean and variance are constants."""
        weight, bias, mean, variance, _ = arrays
        return tier.batch_norm(x, weight, bias, self.epsilon, mean, variance, True)

    def forward_in_training(
        self, tier: Tier, x: Any, noise: Iterator[Any], *parameters: Any
    ) -> tuple[Any, tuple[Vjp, ...], Any]:
        """Return y and its vjps, computed with the mean and variance of these samples; and (mean, variance)."""
        weight, bias = parameters
        mean, variance = tier.moments(x)
        return *tier.batch_norm(x, weight, bias, self.epsilon, mean, variance), (mean, variance)

    def updated(self, tier: Tier, buffers: dict[str, Any], seen: Any, n: int) -> dict[str, Any]:
        """Return the buffers after a mini-batch: the running mean and variance move toward its mean and variance.

        The running variance estimates that of all samples, so the variance of the mini-batch's n numbers is multiplied
        by n / (n - 1).
        """
        mean, variance = seen

        def running(name: str, now: Any, factor: float = 1.0) -> Any:
            return tier.elementwise(lambda old, new: old + self.momentum * (new * factor - old), buffers[name], now)

        return {
            "running_mean": running("running_mean", mean),
            "running_var": running("running_var", variance, n / (n - 1)),
            "num_batches_tracked": buffers["num_batches_tracked"] + 1,
        }

    def check_batch(self, n: int) -> None:
        """Raise ValueError for fewer than two numbers per channel, which have no variance."""
        if n < 2:
            raise ValueError(
                f"{type(self).__name__}: got one number per channel, expected at least two, as one has no variance"
            )

    def checked(self, shape: Shape | None, n_axes: int, expected: str) -> Shape | None:
        """Return the shape; raise ValueError unless it has n_axes axes and C channels."""
        if shape is not None and (len(shape) != n_axes or shape[0] != self.num_features):
            raise ValueError(f"{self.op}: x has shape {shape}, {type(self).__name__} expects {expected}")
        return shape


@dataclass(frozen=True)
class BatchNorm1d(BatchNorm):
    """Batch normalization of each of C features over the samples: y = weight * normalized x + bias.

    In training, x is normalized with the mean and variance of the mini-batch: (x - mean) / sqrt(variance + epsilon). In
    prediction, running means of these two take their place.

    Parameters
    ----------
    num_features : int
        C, at least 1.
    epsilon : float
        Added to the variance, above 0.
    momentum : float
        Weight of the newest mini-batch in the running means, above 0, at most 1.

    References
    ----------
    S. Ioffe and C. Szegedy, "Batch normalization", ICML 2015, https://arxiv.org/abs/1502.03167
    """

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape; raise ValueError unless it is (C,)."""
        return self.checked(shape, 1, f"({self.num_features},)")


@dataclass(frozen=True)
class BatchNorm2d(BatchNorm):
    """Batch normalization of each of C channels of images (C, H, W), over samples and pixels.

    Parameters
    ----------
    num_features, epsilon, momentum
        As in `BatchNorm1d`.
    """

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape; raise ValueError unless it is (C, H, W)."""
        return self.checked(shape, 3, f"({self.num_features}, H, W)")
