"""The formulas that the judge compares ops with: value and gradients for a whole mini-batch, as in a textbook.

Nothing here is taken from the tiers; if a derivative has another mathematical form, that form is used. The tests
compare the gradients with complex steps of the values. Speed does not matter, and rounding errors only need to be below
the judge's tolerance.

The formulas of documents are in `documents`.

Shapes: N samples, I inputs, O outputs, C classes or channels, K rows and columns of a window, R by S windows.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from .documents import formulas as documents

Array = NDArray[Any]


class Formula(NamedTuple):
    """Correct value and gradients of one op.

    Attributes
    ----------
    value : callable
        Function of all arguments of the op.
    gradients : tuple of callable
        Functions of all arguments and dy, which is dL/d(value). Each returns dL/d(argument), for the differentiable
        arguments in turn.
    """

    value: Callable[..., Any]
    gradients: tuple[Callable[..., Any], ...]


# Elementwise.


def _sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))  # e**-x may be infinite


def _tanh(x: Array) -> Array:
    sign = np.where(x.real < 0, -1, 1)
    t = np.expm1(-2 * sign * x)
    return np.asarray(-sign * t / (2 + t))


# Classes: z (N, C) are logits, q (N, C) are target probabilities. For documents, both are (N, T, C).


def _log_softmax(z: Array) -> Array:
    return np.asarray(z - np.logaddexp.reduce(z, axis=-1, keepdims=True))


def _softmax(z: Array) -> Array:
    p = np.exp(_log_softmax(z))
    return np.asarray(p / p.sum(axis=-1, keepdims=True))  # the sum is 1, apart from digits lost at logits of 3000


def _softmax_dz(z: Array, dp: Array) -> Array:
    p = _softmax(z)
    return np.asarray(p * dp - p * np.einsum("nk,nk->n", p, dp)[:, None])  # the Jacobian is diag(p) - p p.T


def _cross_entropy(z: Array, q: Array) -> Any:
    return -np.sum(np.where(q == 0, 0, q * _log_softmax(z)))


def _cross_entropy_dz(z: Array, q: Array, dloss: float) -> Array:
    return np.asarray(dloss * (_softmax(z) * q.sum(axis=-1, keepdims=True) - q))


def _one_hot(target: Array, z: Array, smoothing: float = 0.0) -> Array:
    C = z.shape[1]
    return np.asarray((1 - smoothing) * (np.arange(C) == target[:, None]) + smoothing / C)


# Images.


def _padded(x: Array, padding: int) -> Array:
    return np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])


def _windows(x: Array, K: int, stride: int) -> Array:
    """Return all windows: (N, C, H, W) -> (N, C, R, S, K, K)."""
    return sliding_window_view(x, (K, K), axis=(2, 3))[:, :, ::stride, ::stride]


def _added(dwindows: Array, shape: tuple[int, ...], stride: int) -> Array:
    """Sum the gradients of all windows into the gradient of the image: (N, C, R, S, K, K) -> (N, C, H, W)."""
    dx, K = np.zeros(shape), dwindows.shape[-1]
    for r, s in np.ndindex(dwindows.shape[2:4]):
        dx[:, :, r * stride : r * stride + K, s * stride : s * stride + K] += dwindows[:, :, r, s]
    return dx


def _conv2d(x: Array, weight: Array, bias: Array, stride: int, padding: int) -> Array:
    windows = _windows(_padded(x, padding), weight.shape[-1], stride)
    return np.asarray(np.einsum("ncrsij,ocij->nors", windows, weight) + bias[:, None, None])


def _conv2d_dx(x: Array, weight: Array, bias: Array, stride: int, padding: int, dy: Array) -> Array:
    dimage = _added(np.einsum("nors,ocij->ncrsij", dy, weight), _padded(x, padding).shape, stride)
    return dimage[:, :, padding : padding + x.shape[2], padding : padding + x.shape[3]]


def _conv2d_dweight(x: Array, weight: Array, bias: Array, stride: int, padding: int, dy: Array) -> Array:
    windows = _windows(_padded(x, padding), weight.shape[-1], stride)
    return np.asarray(np.einsum("nors,ncrsij->ocij", dy, windows))


def _avg_pool2d_dx(x: Array, K: int, stride: int, dy: Array) -> Array:
    return _added(np.einsum("ncrs,ij->ncrsij", dy, np.ones((K, K)) / K**2), x.shape, stride)


def _places_of_largest(x: Array, K: int, stride: int) -> tuple[Array, Array]:
    """Return the windows as rows, (N, C, R, S, K K), and the index of the (first) largest number in each."""
    windows = _windows(x, K, stride)
    rows = windows.reshape(*windows.shape[:4], K * K)
    return rows, rows.real.argmax(axis=-1, keepdims=True)  # in a row with NaN, the index of the NaN


def _max_pool2d(x: Array, K: int, stride: int) -> Array:
    return np.take_along_axis(*_places_of_largest(x, K, stride), axis=-1)[..., 0]


def _max_pool2d_dx(x: Array, K: int, stride: int, dy: Array) -> Array:
    rows, places = _places_of_largest(x, K, stride)
    drows = np.where(np.arange(K * K) == places, dy[..., None], 0)
    return _added(drows.reshape(*rows.shape[:4], K, K), x.shape, stride)


# Batches: a row of M numbers for each feature or channel, over all samples and pixels.


def _rows(x: Array) -> Array:
    """Return a batch as rows: (N, C, ...) -> (C, M)."""
    return np.moveaxis(x, 1, 0).reshape(x.shape[1], -1)


def _as_batch(rows: Array, x: Array) -> Array:
    """Return rows as a batch shaped as x: (C, M) -> (N, C, ...)."""
    return np.moveaxis(rows.reshape(x.shape[1], x.shape[0], *x.shape[2:]), 0, 1)


class _Normal:
    """Rows (C, M) normalized with their own mean and variance, or with constant ones; and the divisors (C, 1)."""

    def __init__(
        self, x: Array, epsilon: float, mean: Any = None, variance: Any = None, constant: bool = False
    ) -> None:
        rows = _rows(x)
        if not constant:  # a mean and a variance that are given but not constant are those of x
            mean = rows.mean(axis=1)
            variance = ((rows - mean[:, None]) ** 2).mean(axis=1)
        self.constant = constant
        self.divisors = np.sqrt(variance + epsilon)[:, None]
        self.rows = (rows - mean[:, None]) / self.divisors


def _batch_norm(x: Array, weight: Array, bias: Array, epsilon: float, *statistics: Any) -> Array:
    return _as_batch(weight[:, None] * _Normal(x, epsilon, *statistics).rows + bias[:, None], x)


def _batch_norm_dx(x: Array, weight: Array, bias: Array, epsilon: float, *statistics_and_dy: Any) -> Array:
    *statistics, dy = statistics_and_dy
    normal, drows = _Normal(x, epsilon, *statistics), _rows(dy)
    if not normal.constant:
        along = normal.rows * (drows * normal.rows).mean(axis=1, keepdims=True)
        drows = drows - drows.mean(axis=1, keepdims=True) - along
    return _as_batch(weight[:, None] / normal.divisors * drows, x)


def _batch_norm_dweight(x: Array, weight: Array, bias: Array, epsilon: float, *statistics_and_dy: Any) -> Array:
    *statistics, dy = statistics_and_dy
    return np.asarray(np.einsum("cm,cm->c", _rows(dy), _Normal(x, epsilon, *statistics).rows))


FORMULAS = {
    "linear": Formula(
        lambda x, weight, bias: np.einsum("ni,oi->no", x, weight) + bias,
        (
            lambda x, weight, bias, dy: np.einsum("no,oi->ni", dy, weight),
            lambda x, weight, bias, dy: np.einsum("no,ni->oi", dy, x),
            lambda x, weight, bias, dy: dy.sum(axis=0),
        ),
    ),
    "sigmoid": Formula(_sigmoid, (lambda x, dy: dy * _sigmoid(x) * _sigmoid(-x),)),
    "tanh": Formula(
        _tanh,
        (lambda x, dy: dy * 4 * _sigmoid(2 * x) * _sigmoid(-2 * x),),
    ),
    "relu": Formula(
        lambda x: np.where(x.real <= 0, 0, x),
        (lambda x, dy: dy * np.heaviside(x, 0),),
    ),
    "elu": Formula(
        lambda x, alpha: np.where(x.real <= 0, alpha * np.expm1(x), x),
        (lambda x, alpha, dy: dy * np.where(x <= 0, alpha * np.exp(x), 1),),
    ),
    "softmax": Formula(_softmax, (_softmax_dz,)),
    "softmax_cross_entropy": Formula(
        lambda z, target: _cross_entropy(z, _one_hot(target, z)),
        (lambda z, target, dloss: _cross_entropy_dz(z, _one_hot(target, z), dloss),),
    ),
    "mean_squared_error": Formula(
        lambda y, target: ((y - target) ** 2).mean(axis=1).sum(),
        (lambda y, target, dloss: dloss * 2 * (y - target) / y.shape[1],),
    ),
    "smoothed_cross_entropy": Formula(
        lambda z, target, smoothing: _cross_entropy(z, _one_hot(target, z, smoothing)),
        (lambda z, target, smoothing, dloss: _cross_entropy_dz(z, _one_hot(target, z, smoothing), dloss),),
    ),
    "soft_cross_entropy": Formula(_cross_entropy, (_cross_entropy_dz,)),
    "binary_cross_entropy": Formula(
        lambda z, target: (target * np.logaddexp(0, -z) + (1 - target) * np.logaddexp(0, z)).mean(axis=1).sum(),
        (lambda z, target, dloss: dloss * (_sigmoid(z) - target) / z.shape[1],),
    ),
    "hinge": Formula(
        lambda y, target: np.where((target * y).real >= 1, 0, 1 - target * y).mean(axis=1).sum(),
        (lambda y, target, dloss: dloss * np.where(target * y < 1, -target, 0) / y.shape[1],),
    ),
    "mean_absolute_error": Formula(
        lambda y, target: (np.sign((y - target).real) * (y - target)).mean(axis=1).sum(),
        (lambda y, target, dloss: dloss * np.sign(y - target) / y.shape[1],),
    ),
    "dropout": Formula(lambda x, mask: mask * x, (lambda x, mask, dy: mask * dy,)),
    "conv2d": Formula(
        _conv2d,
        (_conv2d_dx, _conv2d_dweight, lambda x, weight, bias, stride, padding, dy: dy.sum(axis=(0, 2, 3))),
    ),
    "avg_pool2d": Formula(lambda x, K, stride: _windows(x, K, stride).mean(axis=(-2, -1)), (_avg_pool2d_dx,)),
    "max_pool2d": Formula(_max_pool2d, (_max_pool2d_dx,)),
    "reshape": Formula(lambda x, shape: x.reshape(len(x), *shape), (lambda x, shape, dy: dy.reshape(x.shape),)),
    "squared_relu": Formula(
        lambda x: np.where(x.real <= 0, 0, x) ** 2,
        (lambda x, dy: 2 * dy * x * np.heaviside(x, 0),),
    ),
    "embedding": Formula(documents.embedding, (documents.embedding_dweight,)),
    "add_position": Formula(
        documents.add_position,
        (lambda x, weight, dy: dy, documents.add_position_dweight),
    ),
    "rms_norm": Formula(documents.rms_norm, (documents.rms_norm_dx,)),
    "layer_norm": Formula(
        documents.layer_norm,
        (documents.layer_norm_dx, documents.layer_norm_dweight, lambda *arguments: arguments[-1].sum(axis=(0, 1))),
    ),
    "attention": Formula(documents.attention, (documents.attention_dx,)),
    "project": Formula(
        lambda x, weight: np.einsum("ntc,oc->nto", x, weight),
        (
            lambda x, weight, dy: np.einsum("nto,oc->ntc", dy, weight),
            lambda x, weight, dy: np.einsum("nto,ntc->oc", dy, x),
        ),
    ),
    "next_token_loss": Formula(
        lambda z, target: _cross_entropy(z, documents.shares_of_targets(target, z)),
        (lambda z, target, dloss: _cross_entropy_dz(z, documents.shares_of_targets(target, z), dloss),),
    ),
    "batch_norm": Formula(
        _batch_norm,
        (_batch_norm_dx, _batch_norm_dweight, lambda *arguments: _rows(arguments[-1]).sum(axis=1)),
    ),
}
