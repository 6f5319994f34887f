"""Arithmetic on NumPy arrays: what the vector and the tensor tier are written with.

`exact/arrays.py` has the functions that exact mode puts in the place of those that come first here.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from .sums import OuterProduct, Sum

Array = Any  # ndarray of float64 or float32

# Arithmetic.

# np.matmul takes 7 times as long where a single sample's x meets its dy: 260 microseconds, not 39.
matmul = np.dot
matmuls = np.matmul  # of one matrix for each sample
# np.sum without its overhead of 1.3 microseconds, five times a step.
total = np.add.reduce
exp, expm1, log1p, tanh_of = np.exp, np.expm1, np.log1p, np.tanh


def sum_of(losses: Array) -> Any:
    """Return the sum, rounded once: np.sum adds the last few of 60 terms one by one, and loses 3 units."""
    try:
        return math.fsum(losses.tolist())
    except (TypeError, OverflowError, ValueError):
        return total(
            losses
        )  # complex numbers; a sum beyond the largest float; inf - inf


# The policy for floating-point warnings: overflow to inf, and NaN from inf, are results and no reason to warn. NaN
# affects its own sample only, and a loss that is not finite stops the training with a better message.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


class SumOfOuterProducts(Sum):
    """Sum of gradients in which outer products wait, to be multiplied out as one product of two matrices.

    Writing and adding the outer products of 64 samples one by one takes 170 microseconds each for a 300 x 784 weight;
    multiplied out together they take 10 each.
    """

    def __init__(self, matmul: Callable[[Array, Array], Array]) -> None:
        self.matmul = matmul
        self.dys: list[Array] = []
        self.xs: list[Array] = []

    @staticmethod
    def add_scaled(target: Array, source: Array, scale: float) -> None:
        """Add scale * source to target, in place."""
        add_scaled(target, source, scale)

    def add(self, vjp: Callable[[Array], Array], dy: Array) -> None:
        """Add vjp(dy), at once or later."""
        if type(vjp) is OuterProduct:
            self.dys.append(dy)
            self.xs.append(vjp.x)
        else:
            super().add(vjp, dy)

    def value(self) -> Array:
        """Return the sum; to be called once."""
        if not self.dys:
            return self.total
        products = self.matmul(np.array(self.dys).T, np.array(self.xs))
        self.dys, self.xs = [], []  # not to be held while other sums multiply out
        return products if self.total is None else self.total + products


# The functions with which the tiers serve layers, networks and optimizers.


def shape_of(x: Array) -> tuple[int, ...]:
    """Return the shape."""
    return np.shape(x)


def asarray(values: Any, dtype: str = "float64") -> Array:
    """Return an array of that dtype ("float64", "float32", "int64"); no copy where it is one already."""
    return np.asarray(values, dtype)


def tolist(array: Array) -> Any:
    """Return nested lists of Python numbers."""
    return array.tolist()


def samples(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Cut a mini-batch into what one call of an op handles at the vector tier: single samples."""
    return zip(*arrays, strict=True)


def whole_batch(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Cut a mini-batch into what one call of an op handles at the tensor tier: all of it."""
    return iter((arrays,))


def add_scaled(target: Array, source: Array, scale: float) -> None:
    """Add scale * source to target, in place."""
    target += source if scale == 1 else scale * source


def elementwise(f: Callable[..., Any], *arrays: Array) -> Array:
    """Return the array of f(a, b, ...) for every element."""
    return f(*arrays)


# The C library of Linux (glibc) gives freed memory of some megabytes back to the system, and pages it in again at the
# next step, until it has once seen a larger block freed: mallopt(3), M_MMAP_THRESHOLD. So it is shown one, which costs
# nothing. A step of 784-300-10 on 512 samples, float64, takes 8.2 ms with this line and 11.2 ms without.
np.empty(30 * 2**20, np.uint8)
