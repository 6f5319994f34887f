"""Exact arithmetic on arrays, for the vector and the tensor tier."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..images.arrays import windows

Array = Any  # ndarray of float64 or float32


def matmul(a: Array, b: Array) -> Array:
    """Return the sum over k of a[m, k] * b[k, p]; a vector is one row (a) or one column (b), as in np.matmul."""
    columns = a.T if a.ndim == 2 else a[:, None]  # (K, M)
    rows = b if b.ndim == 2 else b[:, None]  # (K, P)
    y = _sum_of_outer_products(columns, rows)
    return y.reshape(a.shape[:-1] + b.shape[1:])


def matmuls(a: Array, b: Array) -> Array:
    """Return one matrix product per sample: a (..., M, K), or (M, K) for all samples; b (..., K, P)."""
    if a.ndim < b.ndim:
        a = np.broadcast_to(a, (*b.shape[:-2], *a.shape))
    return _sum_of_outer_products(a.swapaxes(-2, -1), b)


def products(dy: Array, x: Array) -> Array:
    """Return the sum over n of dy[n].T x[n], each product on its own: (N, T, O), (N, T, I) -> (O, I)."""
    return total(_sum_of_outer_products(dy, x))


def sum_of_products(dys: list[Array], xs: list[Array]) -> Array:
    """Return the sum of the outer products of all samples, in order."""
    return matmul(np.array(dys).T, np.array(xs))


def add_products(target: Array, dys: list[Array], xs: list[Array]) -> None:
    """Add the sum of the outer products of all samples to target, in place."""
    target += sum_of_products(dys, xs)


def product_with(x: Array) -> Callable[[Array], Array]:
    """Return the vjp of a weight at the tensor tier, from dy to dy.T x."""
    return lambda dy: matmul(dy.T, x)


def _sum_of_outer_products(a: Array, b: Array) -> Array:
    """Return the sum over k of a[..., k, :, None] * b[..., k, None, :] in the order of k: (..., K, M), (..., K, P)."""
    if a.shape[-1] > b.shape[-1]:
        # NumPy is faster along long rows.
        return _sum_of_outer_products(b, a).swapaxes(-2, -1)
    if a.shape[-1] == b.shape[-1] == 1:
        # One number per k: NumPy's sum would add several lanes at once, but its cumulative sum adds in order.
        return np.cumsum(a * b, axis=-2, dtype=a.dtype)[..., -1:, :] + 0
    # Contiguous, so that einsum's innermost loop runs over p, never over k.
    a, b = np.ascontiguousarray(a), np.ascontiguousarray(b)
    if not EINSUM_FUSES:
        return np.einsum("...km,...kp->...mp", a, b)
    y = np.zeros((*a.shape[:-2], a.shape[-1], b.shape[-1]), a.dtype)
    for k in range(a.shape[-2]):
        y += a[..., k, :, None] * b[..., k, None, :]
    return y


def _einsum_fuses() -> bool:
    """Return True if einsum adds a product before it is rounded (fused multiply-add), as on ARM."""
    # Factors whose squares need one digit too many.
    for dtype, factor in (("float64", 1 + 2**-30), ("float32", 1 + 2**-12)):
        a = np.array([[1], [factor]], dtype)
        b = np.repeat(np.array([[-factor * factor], [factor]], dtype), 19, axis=1)
        if np.einsum("km,kp->mp", a, b).any():
            return True
    return False


EINSUM_FUSES = _einsum_fuses()


def total(a: Array, axis: int | tuple[int, ...] = 0) -> Any:
    """Return the sum along one axis or several, in index order."""
    axes = [k % a.ndim for k in ((axis,) if isinstance(axis, int) else axis)]
    others = [k for k in range(a.ndim) if k not in axes]
    terms = a.transpose(*axes, *others).reshape(-1, *(a.shape[k] for k in others))
    if terms[0].size == 1:  # NumPy's sum would add several lanes at once
        return np.cumsum(terms, axis=0, dtype=a.dtype)[-1]
    # Contiguous rows are added one after the other. The sum starts at -0.0, as -0.0 + a is a for every a.
    return np.add.reduce(np.ascontiguousarray(terms), axis=0, initial=-0.0)


def _elementwise(f: Callable[[float], float]) -> Callable[[Any], Any]:
    def function(x: Any) -> Any:
        if isinstance(x, np.ndarray):
            numbers = map(f, x.ravel().tolist())
            return np.fromiter(numbers, x.dtype, x.size).reshape(x.shape)
        return x.dtype.type(f(float(x)))

    return function


# The sums of a convolution, as in images/arrays.py.


def sum_over_window(weight: Array, covered: Array) -> Array:
    """Return the sum over c, i, j of weight[o, c, i, j] * covered[n, c, i, j, r, s]."""
    N, *_, R, S = covered.shape
    y = matmuls(weight.reshape(len(weight), -1), covered.reshape(N, -1, R * S))
    return y.reshape(N, -1, R, S)


def sum_over_positions(dy: Array, covered: Array) -> Array:
    """Return the sum over n, r, s of dy[n, o, r, s] * covered[n, c, i, j, r, s]."""
    N, *kernel, R, S = covered.shape
    rows = covered.reshape(N, -1, R * S).transpose(0, 2, 1)
    of_samples = matmuls(dy.reshape(N, -1, R * S), rows)  # (N, O, C K K)
    return total(of_samples).reshape(-1, *kernel)


def sum_over_outputs(
    weight: Array, dy: Array, shape: tuple[int, ...], stride: int
) -> Array:
    """Return images with weight[o] * dy[n, o, r, s] added under the window at r, s."""
    N, outputs, R, S = dy.shape
    rows, size = weight.reshape(outputs, -1), weight.shape[2:]
    dcells = matmul(rows.T, dy.transpose(1, 2, 3, 0).reshape(outputs, -1))
    dcells = dcells.reshape(-1, math.prod(size), R, S, N).transpose(1, 4, 0, 2, 3)
    dimage = np.zeros(shape, dcells.dtype)
    for window, dcell in zip(windows(dimage, size, stride), dcells, strict=True):
        window += dcell  # cell by cell, in the order of the other tiers
    return dimage


exp, expm1, log1p, tanh_of = map(
    _elementwise, (math.exp, math.expm1, math.log1p, math.tanh)
)

ARITHMETIC = {
    **{"matmul": matmul, "matmuls": matmuls, "products": products, "total": total},
    **{"sum_of_products": sum_of_products, "add_products": add_products},
    "product_with": product_with,
    "sum_over_window": sum_over_window,
    **{"sum_over_positions": sum_over_positions, "sum_over_outputs": sum_over_outputs},
    **{"exp": exp, "expm1": expm1, "log1p": log1p, "tanh_of": tanh_of},
}
