"""The `Tier` protocol: the functions that a tier provides.

A tier is a module, or any other object, that has these functions. Layers, networks and optimizers are written once, on
top of them.
"""

from collections.abc import Callable, Iterator
from typing import Any, Protocol

from . import registry

Array = Any  # the tier's own type of array
Vjp = Callable[[Any], Array]

TIERS = ("scalar", "vector", "tensor")
OPS = tuple(row.name for row in registry.OPS)
PRIMITIVES = tuple(row.name for row in registry.OPS if row.family != "batch")
# Ops of nets that read documents.
DOCUMENTS = tuple(row.name for row in registry.OPS if row.family == "documents")
# Ops that mix the samples of a mini-batch, for tiers that see all of it.
COUPLED = tuple(row.name for row in registry.OPS if row.family == "batch")
# Ops of nets of dense layers.
CORE = tuple(row.name for row in registry.OPS if row.family == "essence")
ACTIVATIONS = tuple(row.name for row in registry.OPS if row.kind == "activation")
SUPPORT = ("asarray", "tolist", "chunks", "add_scaled", "elementwise")


class Tier(Protocol):
    """The functions that a tier provides (PEP 544).

    An op returns its value and a tuple of vjps, one per differentiable argument in the order of the signature. A vjp
    returns a new array and changes none of its inputs. A loss is summed over the samples that it is given, so that the
    same code handles single samples and whole mini-batches.

    A tier needs only the ops of the nets that it will run. It may have others, for layers of your own. It may also have
    ``new_sum()``, which returns an object with the methods ``add(vjp, dy)`` and ``value()``: the running sum of a
    parameter's gradient over the chunks of a mini-batch. The default is `sums.Sum`.
    """

    def linear(
        self, x: Array, weight: Array, bias: Array
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Affine map: y = x weight.T + bias.

        Parameters
        ----------
        x : array, shape (I,) for one sample, (N, I) for a mini-batch
        weight : array, shape (O, I)
        bias : array, shape (O,)

        Returns
        -------
        y : array, shape (O,) or (N, O)
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, each shaped as its argument.

        Raises
        ------
        ValueError
            If x and weight differ in the number of features.
        """

    def sigmoid(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Logistic function 1 / (1 + exp(-x)), elementwise: 0 to 1, with full relative accuracy in both tails."""

    def tanh(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Hyperbolic tangent, elementwise: -1 to 1."""

    def relu(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Rectified linear unit max(x, 0), elementwise, with derivative 0 at 0; NaN stays NaN."""

    def elu(self, x: Array, alpha: float = 1.0) -> tuple[Array, tuple[Vjp]]:
        """Exponential linear unit, elementwise: x where x > 0, alpha (exp(x) - 1) elsewhere; derivative alpha at 0."""

    def softmax(self, logits: Array) -> tuple[Array, tuple[Vjp]]:
        """Probabilities of the C classes, shaped as the logits, (C,) or (N, C): 0 to 1, with a sum of 1 in each row."""

    def conv2d(
        self, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Convolution of images with O kernels that are not mirrored (cross-correlation).

        Each kernel moves over the image, and y holds its dot product with the pixels under it at each position.

        Parameters
        ----------
        x : array, shape (C, H, W) or (N, C, H, W)
            Images; with the padding, at least as large as the kernel.
        weight : array, shape (O, C, K, K)
        bias : array, shape (O,)
        stride : int
            Distance between two positions in pixels, at least 1.
        padding : int
            Number of zeros that are added on each side, at least 0.

        Returns
        -------
        y : array, shape (O, R, S) or (N, O, R, S)
            R = (H + 2 padding - K) // stride + 1, and S is computed from W in the same way.
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, each shaped as its argument.
        """

    def avg_pool2d(
        self, x: Array, kernel_size: int, stride: int
    ) -> tuple[Array, tuple[Vjp]]:
        """Mean of each K by K window, channel by channel: (C, H, W) to (C, R, S), or (N, C, H, W) to (N, C, R, S)."""

    def max_pool2d(
        self, x: Array, kernel_size: int, stride: int
    ) -> tuple[Array, tuple[Vjp]]:
        """Maximum of each window, with shapes as in `avg_pool2d`; NaN stays NaN.

        If several numbers are equal, the first one gets the gradient.
        """

    def reshape(self, x: Array, shape: tuple[int, ...]) -> tuple[Array, tuple[Vjp]]:
        """Numbers of x in the same order, each sample in the given shape; (-1,) flattens a sample."""

    def dropout(self, x: Array, mask: Array) -> tuple[Array, tuple[Vjp]]:
        """mask * x, elementwise; the caller draws the mask, which is shaped as x and has no gradient."""

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
        """Batch normalization: weight * (x - mean) / sqrt(variance + epsilon) + bias, channel by channel.

        Only tiers that see whole mini-batches can have this op.

        Parameters
        ----------
        x : array, shape (N, C) or (N, C, H, W)
        weight, bias : array, shape (C,)
        epsilon : float
            Above 0.
        mean, variance : array, shape (C,), optional
            By default `moments(x)`.
        constant : bool
            If True, mean and variance do not depend on x, as in prediction.

        Returns
        -------
        y : array, shaped as x
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, each shaped as its argument.
        """

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance, both (C,), over samples and pixels of each channel of x, (N, C) or (N, C, H, W)."""

    def squared_relu(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Square of the rectified linear unit, max(x, 0)**2, elementwise; NaN stays NaN."""

    def embedding(self, tokens: Array, weight: Array) -> tuple[Array, tuple[Vjp]]:
        """Row of the weight for each token of a document: y[t] = weight[tokens[t]].

        Parameters
        ----------
        tokens : array of int, shape (T,) or (N, T)
            From 0 to V - 1; or -1, for a row of zeros.
        weight : array, shape (V, C)

        Returns
        -------
        y : array, shape (T, C) or (N, T, C)
        vjps : tuple of one function
            From dy, shaped as y, to dL/dweight. Token numbers have no gradient.
        """

    def add_position(self, x: Array, weight: Array) -> tuple[Array, tuple[Vjp, Vjp]]:
        """Document with a row of the weight added at each position: y[t] = x[t] + weight[t].

        Parameters
        ----------
        x : array, shape (T, C) or (N, T, C)
        weight : array, shape (P, C), with P at least T

        Returns
        -------
        y : array, shaped as x
        vjps : tuple of function
            From dy, shaped as y, to dL/dx and dL/dweight, whose rows from T on are 0.
        """

    def rms_norm(self, x: Array, epsilon: float = 1e-5) -> tuple[Array, tuple[Vjp]]:
        """Each position of a document (T, C) or (N, T, C), divided by its root mean square."""

    def layer_norm(
        self, x: Array, weight: Array, bias: Array, epsilon: float = 1e-5
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Each position of a document (T, C) or (N, T, C), with mean 0 and variance 1, times weight (C,) plus bias."""

    def attention(self, x: Array, heads: int) -> tuple[Array, tuple[Vjp]]:
        """Causal self-attention: y[t] = sum over s <= t of p[t, s] v[s], p[t] = softmax(q[t] . k[s] / sqrt(D)).

        Parameters
        ----------
        x : array, shape (T, 3 C) or (N, T, 3 C)
            Query q, key k and value v of each position side by side, each cut into `heads` parts of D numbers.
        heads : int

        Returns
        -------
        y : array, shape (T, C) or (N, T, C)
        vjps : tuple of one function
            From dy, shaped as y, to dL/dx.
        """

    def project(self, x: Array, weight: Array) -> tuple[Array, tuple[Vjp, Vjp]]:
        """Linear map without a bias at each position: x (T, C) or (N, T, C), weight (O, C) to y (T, O) or (N, T, O)."""

    def next_token_loss(self, logits: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean of -log(softmax(logits[t])[target[t]]) in nats over a document's targets, summed over the samples.

        Parameters
        ----------
        logits : array, shape (T, V) or (N, T, V)
        target : array of int, shape (T,) or (N, T)
            From 0 to V - 1; or -1 where there is no target.

        Returns
        -------
        loss : float
            At least 0; 0 for a document without targets.
        vjps : tuple of one function
            From dL/dloss, a number, to dL/dlogits.
        """

    def softmax_cross_entropy(
        self, logits: Array, target: Any
    ) -> tuple[float, tuple[Vjp]]:
        """-log(softmax(logits)[target]) in nats, summed over the samples.

        Parameters
        ----------
        logits : array, shape (C,) or (N, C)
            Finite numbers, or -inf for a class of probability 0. A row that holds NaN, or -inf only, gives NaN.
        target : int, or array of int, shape (N,)
            Right class of each sample, 0 to C - 1.

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
        """Cross-entropy against (1 - smoothing) * one_hot(target) + smoothing / C, summed over the samples.

        Arguments are those of `softmax_cross_entropy`, and a smoothing from 0 to below 1.
        """

    def mean_squared_error(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of (y - target)**2, summed over the samples; y and target (O,) or (N, O)."""

    def soft_cross_entropy(
        self, logits: Array, target: Array
    ) -> tuple[float, tuple[Vjp]]:
        """Cross-entropy against a probability of each class, target (C,) or (N, C), summed over the samples."""

    def binary_cross_entropy(
        self, logits: Array, target: Array
    ) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of the binary cross-entropy, target 0 to 1, summed over the samples."""

    def hinge(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of max(0, 1 - target * y), target -1 or 1, summed over the samples."""

    def mean_absolute_error(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of abs(y - target), summed over the samples."""

    def asarray(self, values: Any, dtype: str = "float64") -> Array:
        """Convert an ndarray or nested lists to the tier's own array; dtype is "float64", "float32" or "int64"."""

    def tolist(self, array: Array) -> Any:
        """Convert the tier's own array to nested lists of Python numbers."""

    def chunks(self, *arrays: Array) -> Iterator[tuple[Any, ...]]:
        """Split a mini-batch, arrays of N samples each, into chunks: single samples, or one chunk with all of them."""

    def add_scaled(self, target: Array, source: Array, scale: float) -> Array | None:
        """Add scale * source to target, of the same shape, in place; or return the sum if arrays cannot be changed."""

    def elementwise(self, f: Callable[..., Any], *arrays: Array) -> Array:
        """Return f(a, b, ...) for every element of arrays of the same shape; f uses only ``+ - * / **``."""
