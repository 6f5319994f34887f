"""The tensor tier: a whole mini-batch at once, as matrices; the loop over samples has gone into the library too.

The same functions as in `scalar.py` and `vector.py`, in the same order, under the same names: lay the three side by
side. An op returns its value and, for each differentiable input, the function that carries a gradient back through it
(its vector-Jacobian product, vjp). Where samples share a parameter, its gradient is summed over them.

Shapes: x (N, I), weight (O, I), bias (O,), logits (N, C); an image x is (N, C, H, W), its channels, rows and columns,
and the weight of a convolution (O, C, K, K). `dy` is dL/dy and has y's shape.
"""

import math
from collections.abc import Callable, Iterator
from functools import reduce
from typing import Any

import numpy as np

from micrograd_tiers.tiers.blocks import blocks
from micrograd_tiers.tiers.windows import padded, unpadded, windows

Array = Any  # ndarray of float64 or float32
Vjp = Callable[[Any], Any]

# The arithmetic. Exact mode runs this same file with these names replaced by those of exact.py.
matmul = np.dot  # np.matmul takes 7 times as long where a single sample's x meets its dy: 260 microseconds, not 39
matmuls = np.matmul  # of one matrix for each sample
exp, expm1, log1p, tanh_of = np.exp, np.expm1, np.log1p, np.tanh
total = np.add.reduce  # np.sum without its overhead of 1.3 microseconds, five times a step

# Overflow to inf, and nan from inf, are results here and no reason to warn: nan spoils its own row only.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


# Layers.


@quiet
def linear(x: Array, weight: Array, bias: Array) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
    """y = x weight' + bias."""
    y = matmul(x, weight.T) + bias
    return y, (
        lambda dy: matmul(dy, weight),  # dL/dx      (N, I)
        lambda dy: matmul(dy.T, x),  #    dL/dweight (O, I): summed over the samples
        lambda dy: total(dy, axis=0),  #  dL/dbias   (O,):   bias was broadcast over the samples
    )


@quiet
def sigmoid(x: Array) -> tuple[Array, tuple[Vjp]]:
    """y = 1 / (1 + e**-x), as e**x / (1 + e**x) where x < 0, so that e is never above 1."""
    e = exp(np.minimum(x, -x))
    y = np.maximum(e, x >= 0) / (1 + e)

    def dx(dy: Array) -> Array:
        # dy/dx = y (1 - y) = e / (1 + e)**2. In the first form 1 - y loses all its digits beyond x = 37. Squaring would
        # double the rounding of 1 + e: multiplied out, the result is within 2.4 units in the last place, not 4.
        return dy * (e / (1 + (2 * e + e * e)))

    return y, (dx,)


def tanh(x: Array) -> tuple[Array, tuple[Vjp]]:
    """y = tanh(x)."""
    y = tanh_of(x)

    def dx(dy: Array) -> Array:
        # dy/dx = 1 - y**2 = sech(x)**2. The first form loses all its digits beyond |x| = 19.
        e = exp(-np.abs(x))
        sech = 2 * e / (1 + e * e)
        return dy * (sech * sech)

    return y, (dx,)


def relu(x: Array) -> tuple[Array, tuple[Vjp]]:
    """y = max(x, 0); the derivative at 0 is taken as 0."""
    y = np.maximum(x, 0)
    return y, (lambda dy: dy * (x > 0),)


def elu(x: Array, alpha: float = 1.0) -> tuple[Array, tuple[Vjp]]:
    """y = x where x > 0, alpha (e**x - 1) elsewhere (Clevert et al. 2016, https://arxiv.org/abs/1511.07289)."""
    y = np.where(x <= 0, alpha * expm1(np.minimum(x, 0)), x)
    return y, (lambda dy: np.where(x <= 0, dy * (alpha * exp(np.minimum(x, 0))), dy),)


@quiet
def softmax(logits: Array) -> tuple[Array, tuple[Vjp]]:
    """p[n, c] = e**logits[n, c] / sum of the row's e**logits, with the row's largest logit subtracted first."""
    # Rounding the difference costs up to 512 units in the last place of p where logits are 512 apart, as in SciPy and
    # PyTorch. Without the subtraction it would be 2 units, and overflow from 710 on.
    e = exp(logits - logits.max(axis=1, keepdims=True))
    p = e / total(e, axis=1)[:, None]

    def dlogits(dp: Array) -> Array:
        return p * (dp - total(dp * p, axis=1)[:, None])

    return p, (dlogits,)


# Images: channels of rows of numbers, x[n, c, h, w].


@quiet
def conv2d(
    x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
    """y[n, o, r, s] = sum over c, i, j of weight[o, c, i, j] * x[n, c, r stride + i, s stride + j], plus bias[o].

    x is padded with zeros first. At each position of the window this is `linear`, of the numbers that it covers.
    """
    image = padded(x, padding)
    cells = np.stack(windows(image, weight.shape[2:], stride), axis=-3)  # (N, C, K K, R, S): at R by S positions
    covered = cells.reshape(len(x), -1, math.prod(cells.shape[-2:]))  # (N, C K K, R S)
    kernels = weight.reshape(len(weight), -1)  # (O, C K K)
    y = matmuls(kernels, covered) + bias[:, None]  # (N, O, R S)
    flat = y.shape

    def dx(dy: Array) -> Array:
        # The samples last in memory: what a window adds is then not one row of one image but that of all images, and
        # takes a third of the time.
        dcells = matmul(kernels.T, np.moveaxis(dy, 0, -1).reshape(len(weight), -1))
        dcells = np.moveaxis(dcells.reshape(*cells.shape[1:], len(x)), -1, 0)  # (N, C, K K, R, S)
        dimage = np.moveaxis(np.zeros((*image.shape[1:], len(x)), dy.dtype), -1, 0)
        for window, dcell in zip(windows(dimage, weight.shape[2:], stride), np.moveaxis(dcells, 2, 0), strict=True):
            window += dcell
        return np.ascontiguousarray(unpadded(dimage, padding))

    def dweight(dy: Array) -> Array:
        of_each_sample = matmuls(dy.reshape(flat), covered.transpose(0, 2, 1))  # (N, O, C K K)
        return total(of_each_sample, axis=0).reshape(weight.shape)

    def dbias(dy: Array) -> Array:
        return total(total(dy.reshape(flat), axis=2), axis=0)

    return y.reshape(*flat[:2], *cells.shape[-2:]), (dx, dweight, dbias)


@quiet
def avg_pool2d(x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
    """y[n, c, r, s] = mean of the numbers of x[n, c] that the window covers at row r stride, column s stride."""
    size = kernel_size * kernel_size
    y = reduce(np.add, windows(x, (kernel_size, kernel_size), stride)) / size

    def dx(dy: Array) -> Array:
        dx, share = np.zeros(x.shape, dy.dtype), dy / size
        for window in windows(dx, (kernel_size, kernel_size), stride):
            window += share
        return dx

    return y, (dx,)


def max_pool2d(x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
    """y[n, c, r, s] = largest number of x[n, c] that the window covers at row r stride, column s stride.

    The gradient goes to where it stands; of several equal ones, to the first.
    """
    y = reduce(np.maximum, windows(x, (kernel_size, kernel_size), stride))

    def dx(dy: Array) -> Array:
        dx, left = np.zeros(x.shape, dy.dtype), dy.copy()  # what has found its place is gone from left
        for window, dwindow in zip(*(windows(a, (kernel_size, kernel_size), stride) for a in (x, dx)), strict=True):
            here = left * (window == y)
            dwindow += here
            left -= here
        return dx

    return y, (dx,)


# Another shape, and chance.


def reshape(x: Array, shape: tuple[int, ...]) -> tuple[Array, tuple[Vjp]]:
    """The same numbers in the same order, each sample in an array of that shape."""
    return x.reshape(len(x), *shape), (lambda dy: dy.reshape(x.shape).copy(),)


def dropout(x: Array, mask: Array) -> tuple[Array, tuple[Vjp]]:
    """y = mask * x, of each number; mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; scaled here, not when predicting.
    """
    return x * mask, (lambda dy: dy * mask,)


# Losses. Each returns the sum over the samples that it is given: here, a mini-batch.


def sum_of_losses(losses: Array) -> Any:
    """Sum over the samples, rounded once: np.sum adds the last few terms of 60 one by one, and loses 3 units."""
    try:
        return math.fsum(losses.tolist())
    except (TypeError, OverflowError):  # complex numbers; a sum beyond the largest float
        return total(losses)


@quiet
def softmax_cross_entropy(logits: Array, target: Array) -> tuple[float, tuple[Vjp]]:
    """-log(softmax(logits)[target]) in nats, straight from the logits: log-sum-exp less the target's logit.

    With the largest logit taken out, log-sum-exp is largest + log(1 + rest), which loses no digits when rest is tiny.
    """
    rows = np.arange(len(logits))
    top = logits.argmax(axis=1)
    largest = logits[rows, top]
    e = exp(logits - largest[:, None])
    e[rows, top] = 0
    rest = total(e, axis=1)
    e[rows, top] = 1
    loss = sum_of_losses(log1p(rest) + (largest - logits[rows, target]))

    def dlogits(dloss: float) -> Array:
        p = e / (1 + rest)[:, None]
        p[rows, target] = 0
        p[rows, target] = -total(p, axis=1)  # p - 1 at the target, as minus the others: no cancellation near p = 1
        return p * dloss

    return loss, (dlogits,)


@quiet
def smoothed_cross_entropy(logits: Array, target: Array, smoothing: float) -> tuple[float, tuple[Vjp]]:
    """Cross-entropy to a target that has 1 - smoothing for the right class, and smoothing spread over all classes.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    rows, C = np.arange(len(logits)), logits.shape[1]

    def dsmoothed(dloss: float) -> Array:
        smooth = dlogits(dloss) - dloss * (smoothing / C)
        smooth[rows, target] += dloss * smoothing
        return smooth

    return loss + sum_of_losses(smoothing * (logits[rows, target] - total(logits, axis=1) / C)), (dsmoothed,)


@quiet
def mean_squared_error(y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
    """Mean over the O outputs of (y - target)**2, summed over the samples."""
    difference = y - target
    loss = sum_of_losses(total(difference * difference, axis=1) / y.shape[1])
    return loss, (lambda dloss: 2 * difference / y.shape[1] * dloss,)


# What couples the samples of a mini-batch, and so exists at this tier alone.


def moments(x: Array) -> tuple[Array, Array]:
    """Mean and variance (C,) of each feature of x (N, C) over the samples, or of each channel over all its pixels."""
    axes, n = (0, *range(2, x.ndim)), x.size // x.shape[1]
    mean = total(x, axes) / n
    centered = x - mean.reshape(-1, *[1] * (x.ndim - 2))
    return mean, total(centered * centered, axes) / n


@quiet
def batch_norm(
    x: Array,
    weight: Array,
    bias: Array,
    epsilon: float = 1e-5,
    mean: Array = None,
    variance: Array = None,
    constant: bool = False,
) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
    """y[n, c] = weight[c] * (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c].

    Mean and variance are the mini-batch's `moments`, given or not, so that every y depends on every sample; or they are
    given and constant.
    Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
    """
    if mean is None:
        mean, variance = moments(x)
    n = x.size // len(weight)
    axes, channels = (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))  # (C,) beside (N, C); (C, 1, 1) beside images
    slope = weight / np.sqrt(variance + epsilon)
    centered = x - mean.reshape(channels)
    y = slope.reshape(channels) * centered + bias.reshape(channels)

    def dx(dy: Array) -> Array:
        if constant:
            return dy * slope.reshape(channels)
        of_mean = total(dy, axes) / n
        of_variance = total(dy * centered, axes) / n / (variance + epsilon)
        return slope.reshape(channels) * (dy - of_mean.reshape(channels) - centered * of_variance.reshape(channels))

    def dweight(dy: Array) -> Array:
        return total(dy * centered, axes) / np.sqrt(variance + epsilon)

    return y, (dx, dweight, lambda dy: total(dy, axes))


# What lets layers, network and optimizers be written once for all tiers.


def asarray(values: Any, dtype: str = "float64") -> Array:
    """Array of that dtype ("float64", "float32", "int64"); no copy where it is one already."""
    return np.asarray(values, dtype)


def tolist(array: Array) -> Any:
    """Nested lists of Python floats."""
    return array.tolist()


def chunks(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Cut a mini-batch into what one call of an op handles: the whole of it."""
    return iter((arrays,))


def add_scaled(target: Array, source: Array, scale: float) -> None:
    """target += scale * source, in place."""
    if scale == 1:
        target += source
    else:
        for t, s in blocks(target, source):
            t += scale * s


def elementwise(f: Callable[..., Any], *arrays: Array) -> Any:
    """Array of f(a, b, ...) for every element."""
    return f(*arrays)
