"""The `Tier` protocol: the functions that a tier offers.

A tier is anything that has these functions: a module, or any other object. Layers, network and optimizers are written
once, on top of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from . import registry

Array = Any  # whatever the tier computes with
Vjp = Callable[[Any], Array]

TIERS = ("scalar", "vector", "tensor")
OPS = tuple(row.name for row in registry.OPS)
PRIMITIVES = tuple(row.name for row in registry.OPS if row.family != "batch")
COUPLED = tuple(
    row.name for row in registry.OPS if row.family == "batch"
)  # for tiers that see whole mini-batches
CORE = tuple(
    row.name for row in registry.OPS if row.family == "essence"
)  # what nets of dense layers are made of
ACTIVATIONS = tuple(row.name for row in registry.OPS if row.kind == "activation")
SUPPORT = ("asarray", "tolist", "chunks", "add_scaled", "elementwise")


class Tier(Protocol):
    """The functions that a tier offers (PEP 544).

    An op returns its value and a tuple of vjps, one per differentiable argument in the order of the signature. A vjp
    returns fresh storage and changes none of its inputs. A loss is summed over the samples that it is given, so that
    single samples and whole mini-batches go through the same lines.

    A tier need not have all ops, only those of the nets that it is to compute, and may have others, which layers of
    one's own call. It may also have ``new_sum()``, which returns an object with ``add(vjp, dy)`` and ``value()``: the
    running sum of a parameter's gradient over the chunks of a mini-batch, by default `sums.Sum`.
    """

    def linear(
        self, x: Array, weight: Array, bias: Array
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Affine map: y = x weight' + bias.

        Parameters
        ----------
        x : array, shape (I,) for one sample, (N, I) for a mini-batch
        weight : array, shape (O, I)
        bias : array, shape (O,)

        Returns
        -------
        y : array, shape (O,) or (N, O)
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, shaped as those.

        Raises
        ------
        ValueError
            If x has another number of features than weight.
        """

    def sigmoid(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """1 / (1 + exp(-x)) of each number: from 0 to 1, to full relative accuracy in both tails."""

    def tanh(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Hyperbolic tangent of each number: from -1 to 1."""

    def relu(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """max(x, 0) of each number, with derivative 0 at 0; NaN stays NaN."""

    def elu(self, x: Array, alpha: float = 1.0) -> tuple[Array, tuple[Vjp]]:
        """x where x > 0, alpha (exp(x) - 1) elsewhere, of each number; its derivative at 0 is alpha."""

    def softmax(self, logits: Array) -> tuple[Array, tuple[Vjp]]:
        """Probabilities of the C classes, shaped as the logits, (C,) or (N, C): from 0 to 1, adding up to 1 per row."""

    def conv2d(
        self, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Convolution, not mirrored (cross-correlation): a window that moves over an image, and a dot product at each.

        Parameters
        ----------
        x : array, shape (C, H, W) or (N, C, H, W)
            Padded with zeros on each side; then at least as large as the window.
        weight : array, shape (O, C, K, K)
        bias : array, shape (O,)
        stride : int
            By how many pixels the window moves, at least 1.
        padding : int
            Zeros on each side, at least 0.

        Returns
        -------
        y : array, shape (O, R, S) or (N, O, R, S)
            R = (H + 2 padding - K) // stride + 1, and S likewise from W.
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, shaped as those.
        """

    def avg_pool2d(
        self, x: Array, kernel_size: int, stride: int
    ) -> tuple[Array, tuple[Vjp]]:
        """Mean of each window of K by K pixels, channel by channel: (C, H, W) to (C, R, S), samples first if any."""

    def max_pool2d(
        self, x: Array, kernel_size: int, stride: int
    ) -> tuple[Array, tuple[Vjp]]:
        """Largest number of each window, likewise; of equal ones the first gets the gradient; NaN stays NaN."""

    def reshape(self, x: Array, shape: tuple[int, ...]) -> tuple[Array, tuple[Vjp]]:
        """The same numbers in the same order, each sample an array of that shape; (-1,) is a row of all of them."""

    def dropout(self, x: Array, mask: Array) -> tuple[Array, tuple[Vjp]]:
        """mask * x, of each number; the mask is shaped as x, drawn by the caller, and has no gradient."""

    def batch_norm(
        self,
        x: Array,
        weight: Array,
        bias: Array,
        epsilon: float = 1e-5,
        mean: Array | None = None,
        variance: Array | None = None,
        constant: bool = False,
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """weight * (x - mean) / sqrt(variance + epsilon) + bias, channel by channel; for tiers that see whole batches.

        Parameters
        ----------
        x : array, shape (N, C) or (N, C, H, W)
        weight, bias : array, shape (C,)
        epsilon : float
            Above 0.
        mean, variance : array, shape (C,), optional
            `moments(x)`, which is computed where not given.
        constant : bool
            Whether mean and variance do not depend on x, as in prediction.
        """

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance, both (C,), of each channel of x, shape (N, C) or (N, C, H, W), over all else."""

    def softmax_cross_entropy(
        self, logits: Array, target: Any
    ) -> tuple[float, tuple[Vjp]]:
        """-log(softmax(logits)[target]) in nats, summed over the samples.

        Parameters
        ----------
        logits : array, shape (C,) or (N, C)
            Numbers, or -inf for a class of probability 0. NaN, or a row of nothing but -inf, gives NaN for that row.
        target : int, or array of int, shape (N,)
            The right class of each sample, from 0 to C - 1.

        Returns
        -------
        loss : float
            At least 0.
        vjps : tuple of one function
            From dL/dloss, a number, to dL/dlogits.
        """

    def smoothed_cross_entropy(
        self, logits: Array, target: Any, smoothing: float
    ) -> tuple[float, tuple[Vjp]]:
        """Cross-entropy, likewise, to 1 - smoothing for the right class plus smoothing / C for each; 0 to below 1."""

    def mean_squared_error(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of (y - target)**2, summed over the samples; y and target (O,) or (N, O)."""

    def soft_cross_entropy(
        self, logits: Array, target: Array
    ) -> tuple[float, tuple[Vjp]]:
        """Cross-entropy to a probability of each class, target (C,) or (N, C), summed over the samples."""

    def binary_cross_entropy(
        self, logits: Array, target: Array
    ) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of the cross-entropy of yes or no, target from 0 to 1, summed over the samples."""

    def hinge(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of max(0, 1 - target * y), target -1 or 1, summed over the samples."""

    def mean_absolute_error(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of abs(y - target), summed over the samples."""

    def asarray(self, values: Any, dtype: str = "float64") -> Array:
        """Array of the tier's own kind from an ndarray or nested lists; dtype "float64", "float32" or "int64"."""

    def tolist(self, array: Array) -> Any:
        """Nested lists of Python numbers from an array of the tier's own kind."""

    def chunks(self, *arrays: Array) -> Iterator[tuple[Any, ...]]:
        """Cut a mini-batch, arrays of N samples each, into what one primitive handles: single samples, or all of it."""

    def add_scaled(self, target: Array, source: Array, scale: float) -> Array | None:
        """target += scale * source, in place, both of one shape; or return the sum if arrays cannot be changed."""

    def elementwise(self, f: Callable[..., Any], *arrays: Array) -> Array:
        """Array of f(a, b, ...) for every element of arrays of one shape; f uses + - * / and ** only."""
