"""The vector tier: one sample at a time, as NumPy vectors; the loops over units have gone into the library.

The same functions as in `scalar.py` and `tensor.py`, in the same order, under the same names: lay the three side by
side. An op returns its value and, for each differentiable input, the function that carries a gradient back through it
(its vector-Jacobian product, vjp).

Shapes: x (I,), weight (O, I), bias (O,), logits (C,); `dy` is dL/dy and has y's shape.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from micrograd_tiers.tiers.blocks import blocks

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
    y = np.where(x <= 0, 0, x)
    return y, (lambda dy: np.where(x <= 0, 0, dy),)


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
