"""Arithmetic on NumPy arrays, for the vector and the tensor tier.

In exact mode, `exact/arrays.py` replaces the functions from `matmul` to `add_products`.
"""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import blas

Array = Any  # ndarray of float64 or float32

# Arithmetic.

# For dy.T x of a single sample, np.matmul takes 7 times as long: 260 microseconds instead of 39.
matmul = np.dot
matmuls = np.matmul  # one product per sample
# np.sum without its overhead of 1.3 microseconds, five times per training step.
total = np.add.reduce
exp, expm1, log1p, tanh_of = np.exp, np.expm1, np.log1p, np.tanh


def products(dy: Array, x: Array) -> Array:
    """Return the sum over n of dy[n].T x[n], as one product: (N, T, O), (N, T, I) -> (O, I)."""
    return matmul(dy.reshape(-1, dy.shape[2]).T, x.reshape(-1, x.shape[2]))


# The gradient of a weight: see sums.py.


def sum_of_products(dys: list[Array], xs: list[Array]) -> Array:
    """Return the sum over the chunks of dy.T x, (O, I)."""
    first, *others = blocks_of(dys)
    products = matmul(matrix(dys[first]).T, matrix(xs[first]))
    for block in others:
        blas.add_product(products, matrix(dys[block]), matrix(xs[block]))
    return products


def add_products(target: Array, dys: list[Array], xs: list[Array]) -> None:
    """Add the sum over the chunks of dy.T x to target (O, I), in place."""
    for block in blocks_of(dys):
        blas.add_product(target, matrix(dys[block]), matrix(xs[block]))


def blocks_of(dys: list[Array]) -> list[slice]:
    """Return slices of the chunks for one product each: a mini-batch, or samples that fill no more than the weight."""
    N = 1 if dys[0].ndim == 2 else max(16, len(dys[0]))
    return [slice(n, n + N) for n in range(0, len(dys), N)]


def matrix(chunks: list[Array]) -> Array:
    """Return samples (I,) as the rows of a matrix, or the only mini-batch (N, I) as it is.

    For a weight (300, 784) and 64 samples, one product takes 10 microseconds per sample; writing and adding the outer
    products one by one takes 170.
    """
    return chunks[0] if chunks[0].ndim == 2 else np.array(chunks)


def sum_of(losses: Array) -> Any:
    """Return the sum, rounded once; np.sum can be 3 ulp off for 60 terms."""
    try:
        return math.fsum(losses.tolist())
    except (TypeError, OverflowError, ValueError):
        # Complex numbers; a sum beyond the largest float; inf - inf.
        return total(losses)


# Policy for floating-point warnings: overflow to inf, and NaN from inf, are results, so NumPy does not warn. NaN
# affects only its own sample, and a loss that is not finite stops the training with a clearer message.
quiet = np.errstate(over="ignore", under="ignore", invalid="ignore")


# Support functions: layers, networks and optimizers are written on top of them.


def shape_of(x: Array) -> tuple[int, ...]:
    """Return the shape of an array."""
    return np.shape(x)


def asarray(values: Any, dtype: str = "float64") -> Array:
    """Return an array of dtype "float64", "float32" or "int64", without a copy if `values` is one already."""
    return np.asarray(values, dtype)


def tolist(array: Array) -> Any:
    """Return nested lists of Python numbers."""
    return array.tolist()


def samples(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Split a mini-batch into the chunks of the vector tier: single samples."""
    return zip(*arrays, strict=True)


def whole_batch(*arrays: Array) -> Iterator[tuple[Any, ...]]:
    """Return the mini-batch as the only chunk of the tensor tier."""
    return iter((arrays,))


def add_scaled(target: Array, source: Array, scale: float) -> None:
    """Add scale * source to target, in place."""
    target += source if scale == 1 else scale * source


# Numbers in a block: a step with Adam takes a fifth less memory, and about the same time.
BLOCK = 2**12


def elementwise(f: Callable[..., Any], *arrays: Array) -> Array:
    """Return the array of f(a, b, ...) for every element; blocks keep intermediate results of large arrays small."""
    first = arrays[0]
    if first.size <= BLOCK or first.ndim == 0:
        return f(*arrays)
    rows = max(1, BLOCK * len(first) // first.size)
    result = None
    for start in range(0, len(first), rows):
        block = slice(start, start + rows)
        values = f(*[array[block] for array in arrays])
        if result is None:
            result = np.empty(first.shape, values.dtype)
        result[block] = values
    return result


# The C library of Linux (glibc) returns freed blocks of some megabytes to the system, and pages them in again at the
# next step, until a larger block has been freed once: mallopt(3), M_MMAP_THRESHOLD. This line frees one, at no cost. A
# step of 784-300-10 on 512 samples, float64, takes 8.2 ms with this line and 11.2 ms without.
np.empty(30 * 2**20, np.uint8)
