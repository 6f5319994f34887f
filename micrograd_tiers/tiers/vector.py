"""The vector tier: one sample at a time, as NumPy vectors; the loops over units have gone into the library.

The same functions as in `scalar.py` and `tensor.py`, in the same order, under the same names: lay the three side by
side. An op returns its value and, for each differentiable input, the function that carries a gradient back through it
(its vector-Jacobian product, vjp).

Shapes: x (I,), weight (O, I), bias (O,), logits (C,); an image x is (C, H, W), its channels, rows and columns, and the
weight of a convolution (O, C, K, K). `dy` is dL/dy and has y's shape.
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
matmul, exp, expm1, log1p, tanh_of = np.dot, np.exp, np.expm1, np.log1p, np.tanh
total = np.add.reduce

# Overflow to inf, and nan from inf, are results here and no reason to warn: nan spoils its own row only.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


class OuterProduct:
    """The vjp of a weight: from dy (O,) to the outer product of dy and x, dL/dweight (O, I).

    Writing and adding the outer products of 64 samples takes 170 microseconds each for a 300 x 784 weight. `later`
    promises one instead; the sum of all that were promised is one product of two matrices, and takes 10 for each.
    """

    def __init__(self, x: Array) -> None:
        self.x = x

    def __call__(self, dy: Array) -> Array:
        """Return it."""
        return dy[:, None] * self.x

    def later(self, dy: Array) -> "OuterProducts":
        """Promise the outer product."""
        return OuterProducts([dy], [self.x])


class OuterProducts:
    """Sum of promised outer products: `now` gives the array (O, I)."""

    def __init__(self, dys: list[Array], xs: list[Array]) -> None:
        self.dys, self.xs = dys, xs

    def __iadd__(self, other: "OuterProducts") -> "OuterProducts":
        self.dys += other.dys
        self.xs += other.xs
        return self

    def now(self) -> Array:
        """Multiply out."""
        return matmul(np.array(self.dys).T, np.array(self.xs))


# Layers.


@quiet
def linear(x: Array, weight: Array, bias: Array) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
    """y = weight x + bias."""
    y = matmul(weight, x) + bias
    return y, (
        lambda dy: matmul(dy, weight),  # dL/dx      (I,)
        OuterProduct(x),  #               dL/dweight (O, I): dy[:, None] * x
        lambda dy: dy.copy(),  #          dL/dbias   (O,)
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
    """p[c] = e**logits[c] / sum of all e**logits, with the largest logit subtracted first."""
    # Rounding the difference costs up to 512 units in the last place of p where logits are 512 apart, as in SciPy and
    # PyTorch. Without the subtraction it would be 2 units, and overflow from 710 on.
    e = exp(logits - logits.max())
    p = e / total(e)

    def dlogits(dp: Array) -> Array:
        return p * (dp - total(dp * p))

    return p, (dlogits,)


# Images: channels of rows of numbers, x[c, h, w].


@quiet
def conv2d(
    x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
    """y[o, r, s] = sum over c, i, j of weight[o, c, i, j] * x[c, r stride + i, s stride + j], plus bias[o].

    x is padded with zeros first. At each position of the window this is `linear`, of the numbers that it covers.
    """
    image = padded(x, padding)
    cells = np.stack(windows(image, weight.shape[2:], stride), axis=-3)  # (C, K K, R, S): at R by S positions
    covered = cells.reshape(-1, math.prod(cells.shape[-2:]))  # (C K K, R S)
    kernels = weight.reshape(len(weight), -1)  # (O, C K K)
    y = matmul(kernels, covered) + bias[:, None]  # (O, R S)
    flat = y.shape

    def dx(dy: Array) -> Array:
        dcells = matmul(kernels.T, dy.reshape(flat)).reshape(cells.shape)
        dimage = np.zeros(image.shape, dy.dtype)
        for window, dcell in zip(windows(dimage, weight.shape[2:], stride), np.moveaxis(dcells, -3, 0), strict=True):
            window += dcell
        return unpadded(dimage, padding).copy()

    def dweight(dy: Array) -> Array:
        return matmul(dy.reshape(flat), covered.T).reshape(weight.shape)

    def dbias(dy: Array) -> Array:
        return total(dy.reshape(flat), axis=1)

    return y.reshape(len(weight), *cells.shape[-2:]), (dx, dweight, dbias)


@quiet
def avg_pool2d(x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
    """y[c, r, s] = mean of the numbers of x[c] that the window covers at row r stride, column s stride."""
    size = kernel_size * kernel_size
    y = reduce(np.add, windows(x, (kernel_size, kernel_size), stride)) / size

    def dx(dy: Array) -> Array:
        dx, share = np.zeros(x.shape, dy.dtype), dy / size
        for window in windows(dx, (kernel_size, kernel_size), stride):
            window += share
        return dx

    return y, (dx,)


def max_pool2d(x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
    """y[c, r, s] = largest number of x[c] that the window covers at row r stride, column s stride.

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
    """The same numbers in the same order, in an array of that shape."""
    return x.reshape(shape), (lambda dy: dy.reshape(x.shape).copy(),)


def dropout(x: Array, mask: Array) -> tuple[Array, tuple[Vjp]]:
    """y = mask * x, of each number; mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; scaled here, not when predicting.
    """
    return x * mask, (lambda dy: dy * mask,)


# Losses. Each returns the sum over the samples that it is given: here, one.


@quiet
def softmax_cross_entropy(logits: Array, target: int) -> tuple[float, tuple[Vjp]]:
    """-log(softmax(logits)[target]) in nats, straight from the logits: log-sum-exp less the target's logit.

    With the largest logit taken out, log-sum-exp is largest + log(1 + rest), which loses no digits when rest is tiny.
    """
    top = logits.argmax()
    e = exp(logits - logits[top])
    e[top] = 0
    rest = total(e)
    e[top] = 1
    loss = log1p(rest) + (logits[top] - logits[target])

    def dlogits(dloss: float) -> Array:
        p = e / (1 + rest)
        p[target] = 0
        p[target] = -total(p)  # p - 1 at the target, as minus the others: no cancellation when p is nearly 1
        return p * dloss

    return loss, (dlogits,)


@quiet
def smoothed_cross_entropy(logits: Array, target: int, smoothing: float) -> tuple[float, tuple[Vjp]]:
    """Cross-entropy to a target that has 1 - smoothing for the right class, and smoothing spread over all classes.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    C = len(logits)

    def dsmoothed(dloss: float) -> Array:
        smooth = dlogits(dloss) - dloss * (smoothing / C)
        smooth[target] += dloss * smoothing
        return smooth

    return loss + smoothing * (logits[target] - total(logits) / C), (dsmoothed,)


@quiet
def mean_squared_error(y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
    """Mean over the O outputs of (y - target)**2."""
    difference = y - target
    loss = total(difference * difference) / len(y)
    return loss, (lambda dloss: 2 * difference / len(y) * dloss,)


# What lets layers, network and optimizers be written once for all tiers.


def asarray(values: Any, dtype: str = "float64") -> Array:
    """Array of that dtype ("float64", "float32", "int64"); no copy where it is one already."""
    return np.asarray(values, dtype)


def tolist(array: Array) -> Any:
    """Nested lists of Python floats."""
    return array.tolist()


def chunks(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Cut a mini-batch into what one call of an op handles: single samples."""
    return zip(*arrays, strict=True)


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
