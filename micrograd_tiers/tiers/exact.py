"""Exact mode: arithmetic that rounds alike at every tier, so that their weights can be compared bit for bit.

Two things make fast tiers differ in the last bits: a sum that is taken in another order, and an exp or log of another
make. Here every sum adds its terms one after the other, in index order, with each product rounded before it is added,
and exp, expm1, log1p and tanh are those of Python's math module, element by element. +, -, *, / and sqrt need no
care: IEEE 754 prescribes their every bit. `tiers.get_tier(name, exact=True)` runs the tier's own file with these
functions in the place of the fast ones.
"""

import math
from collections.abc import Callable
from functools import reduce
from operator import add, mul
from typing import Any

import numpy as np

Array = Any  # ndarray of float64 or float32
Vector = list[Any]

BLOCK = 65_536  # products held at a time, in numbers: 512 KB, so that they stay in the second-level cache


def dot(a: Vector, b: Vector) -> Any:
    """Sum of a[i] * b[i], from 0.0 on as in matmul. Not with sum(): from Python 3.12 on it compensates for rounding."""
    return reduce(add, map(mul, a, b), 0.0)


def total_of_list(a: Vector) -> Any:
    """Sum of a[i]."""
    return reduce(add, a)


def matmul(a: Array, b: Array) -> Array:
    """Sum over k of a[m, k] * b[k, p]; a vector counts as one row (a) or one column (b), as in np.matmul."""
    columns = a.T if a.ndim == 2 else a[:, None]  # (K, M)
    rows = b if b.ndim == 2 else b[:, None]  # (K, P)
    y = _sum_of_outer_products(columns, rows)
    return y.reshape(a.shape[:-1] + b.shape[1:])


def _sum_of_outer_products(a: Array, b: Array) -> Array:
    """Sum over k of a[k, :, None] * b[k, None, :] in the order k = 0, 1, 2, ...: (K, M), (K, P) -> (M, P)."""
    (K, M), P = a.shape, b.shape[1]
    if M > P:
        return _sum_of_outer_products(b, a).T  # NumPy is faster along long rows
    if M * P == 1:
        # One number per k: NumPy would sum pairwise here, but a running sum can only be taken in order.
        return np.cumsum(a * b, axis=0, dtype=a.dtype)[-1:] + 0
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    y = np.zeros((M, P), a.dtype)
    rows = min(M, max(1, BLOCK // (8 * P)))  # few enough that 8 products or more are added at a time
    step = min(K, max(1, BLOCK // (rows * P)))
    block = np.empty((1 + step) * rows * P, a.dtype)
    for m in range(0, M, rows):
        sums = y[m : m + rows]
        for k in range(0, K, step):
            n = min(step, K - k)
            # NumPy adds whole rows in order as long as the sum is over the first axis of a C-contiguous array.
            # Row 0 carries the sum so far from block to block.
            terms = block[: (1 + n) * sums.size].reshape(1 + n, *sums.shape)
            terms[0] = sums
            np.einsum("km,kp->kmp", a[k : k + n, m : m + rows], b[k : k + n], out=terms[1:])
            np.add.reduce(terms, axis=0, out=sums)
    return y


def total(a: Array, axis: int = 0) -> Any:
    """Sum along one axis, term after term."""
    return +reduce(add, np.moveaxis(a, axis, 0))  # + copies: of a single term, reduce returns the term itself


def _elementwise(f: Callable[[float], float]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            return np.array([*map(f, x.ravel().tolist())], x.dtype).reshape(x.shape)
        return x.dtype.type(f(float(x)))

    return function


OF_LISTS = {"dot": dot, "total": total_of_list}
OF_ARRAYS = {
    "matmul": matmul,
    "total": total,
    "exp": _elementwise(math.exp),
    "expm1": _elementwise(math.expm1),
    "log1p": _elementwise(math.log1p),
    "tanh_of": _elementwise(math.tanh),
}
ARITHMETIC = {"scalar": OF_LISTS, "vector": OF_ARRAYS, "tensor": OF_ARRAYS}
