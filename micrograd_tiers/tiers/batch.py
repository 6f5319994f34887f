"""Ops that mix the samples of a mini-batch; only the tensor tier sees them all."""

import numpy as np

from micrograd_tiers.tiers.arrays import total


def moments(x):
    """Mean and variance (C,) of each feature of x (N, C) or channel of (N, C, H, W)."""
    axes, n = (0, *range(2, x.ndim)), x.size // x.shape[1]
    mean = total(x, axes) / n
    centered = x - mean.reshape(-1, *[1] * (x.ndim - 2))
    return mean, total(centered * centered, axes) / n


def batch_norm(x, weight, bias, epsilon=1e-5, mean=None, variance=None, constant=False):
    """y[n, c] = weight[c] (x[n, c] - mean[c]) / sqrt(variance[c] + epsilon) + bias[c].

    Mean and variance default to `moments(x)`; gradients flow through them. With
    constant=True they do not depend on x, as in prediction.
    Ioffe and Szegedy 2015, https://arxiv.org/abs/1502.03167
    """
    if mean is None:
        mean, variance = moments(x)
    n = x.size // len(weight)
    axes = (0, *range(2, x.ndim))
    channels = (-1, *[1] * (x.ndim - 2))  # the shape in which (C,) broadcasts against x
    slope = weight / np.sqrt(variance + epsilon)
    centered = x - mean.reshape(channels)
    y = slope.reshape(channels) * centered + bias.reshape(channels)

    def dx(dy):
        if constant:
            return dy * slope.reshape(channels)
        of_mean = (total(dy, axes) / n).reshape(channels)
        of_variance = total(dy * centered, axes) / n / (variance + epsilon)
        through_both = dy - of_mean - centered * of_variance.reshape(channels)
        return slope.reshape(channels) * through_both

    def dweight(dy):
        return total(dy * centered, axes) / np.sqrt(variance + epsilon)

    return y, (dx, dweight, lambda dy: total(dy, axes))
