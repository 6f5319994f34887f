"""The op table as the tests see it: the rows that the package judges tiers by, and a second, independent formula each.

A new op has its row, with the strategies for its inputs, in `micrograd_tiers/conformance/cases.py`, and its formula
here: as short as can be, for ordinary numbers, real or complex, from which complex-step derivatives are taken.
"""

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from micrograd_tiers.conformance.cases import OP_CASES, part_of

__all__ = ["FORMULAS", "OP_CASES", "complex_step", "gradient_of", "value_of"]

FORMULAS = {
    "linear": lambda x, weight, bias: x @ weight.T + bias,
    "sigmoid": lambda x: 1 / (1 + np.exp(-x)),
    "tanh": np.tanh,
    "relu": lambda x: np.where(x.real > 0, x, 0),
    "elu": lambda x, alpha: np.where(x.real > 0, x, alpha * (np.exp(x) - 1)),
    "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
    "conv2d": lambda x, weight, bias, stride, padding: (
        np.einsum("ncrsij,ocij->nors", windows(pad(x, padding), weight.shape[2:], stride), weight) + bias[:, None, None]
    ),
    "avg_pool2d": lambda x, size, stride: windows(x, (size, size), stride).mean(axis=(-2, -1)),
    "max_pool2d": lambda x, size, stride: largest(windows(x, (size, size), stride)),
    "reshape": lambda x, shape: x.reshape(len(x), *shape),
    "dropout": lambda x, mask: x * mask,
    "softmax_cross_entropy": lambda z, t: np.sum(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), t]),
    "smoothed_cross_entropy": lambda z, t, smoothing: (
        -np.sum(
            ((1 - smoothing) * np.eye(z.shape[1])[t] + smoothing / z.shape[1])
            * (z - np.log(np.exp(z).sum(axis=1, keepdims=True)))
        )
    ),
    "mean_squared_error": lambda y, t: np.sum((y - t) ** 2) / y.shape[1],
    "batch_norm": lambda x, weight, bias, epsilon: np.moveaxis(
        weight * normal(np.moveaxis(x, 1, -1), epsilon) + bias, -1, 1
    ),
}


def pad(x, padding):
    """Images with zeros on each side."""
    return np.pad(x, [(0, 0), (0, 0), (padding, padding), (padding, padding)])


def windows(x, size, stride):
    """(N, C, H, W) -> (N, C, R, S, K, K)."""
    return sliding_window_view(x, size, axis=(2, 3))[:, :, ::stride, ::stride]


def largest(seen):
    """The number with the largest real part of each window."""
    cells = seen.reshape(*seen.shape[:4], -1)
    return np.take_along_axis(cells, cells.real.argmax(axis=-1, keepdims=True), -1)[..., 0]


def normal(x, epsilon):
    """Each feature, in the last axis, with mean 0 and variance 1 over all others."""
    axes = tuple(range(x.ndim - 1))
    centered = x - x.mean(axis=axes)
    return centered / np.sqrt((centered**2).mean(axis=axes) + epsilon)


def value_of(case, tier, example):
    """The op's value for the whole mini-batch."""
    return part_of(case, tier, example, "value")


def gradient_of(case, tier, example, k):
    """dL/d(inputs[k]) for the whole mini-batch."""
    return part_of(case, tier, example, case.parts[k + 1])


def complex_step(formula, inputs, k, dy):
    """dL/d(inputs[k]) for L = sum(dy * formula(*inputs)): Im f(x + ih) / h, h = 1e-20 (Squire and Trapp 1998)."""
    gradient = np.zeros(inputs[k].shape)
    for index in np.ndindex(inputs[k].shape):
        stepped = [*inputs]
        stepped[k] = inputs[k].astype(complex)
        stepped[k][index] += 1e-20j
        gradient[index] = np.sum(dy * formula(*stepped)).imag / 1e-20
    return gradient
