"""The tensor tier: a whole mini-batch at once, as matrices; the loop over samples has gone into the library too.

The same functions as in `scalar.py` and `vector.py`, in the same order, under the same names: lay the three side by
side. An op returns its value and, for each differentiable input, the function that carries a gradient back through it
(its vector-Jacobian product, vjp). Where samples share a parameter, its gradient is summed over them.

Shapes: x (N, I), weight (O, I), bias (O,), logits (N, C); `dy` is dL/dy and has y's shape.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from micrograd_tiers.tiers.blocks import blocks

Array = Any  # ndarray of float64 or float32
Vjp = Callable[[Any], Any]

# The arithmetic. Exact mode runs this same file with these names replaced by those of exact.py.
matmul = np.dot  # np.matmul takes 7 times as long where a single sample's x meets its dy: 260 microseconds, not 39
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
    y = np.where(x <= 0, 0, x)
    return y, (lambda dy: np.where(x <= 0, 0, dy),)


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
def mean_squared_error(y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
    """Mean over the O outputs of (y - target)**2, summed over the samples."""
    difference = y - target
    loss = sum_of_losses(total(difference * difference, axis=1) / y.shape[1])
    return loss, (lambda dloss: 2 * difference / y.shape[1] * dloss,)


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
