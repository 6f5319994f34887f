"""Convolution, pooling and reshaping at the tensor tier, window cell by window cell.

`scalar.py` and `vector.py` in this folder hold the same ops in the same order.
Images x are (N, C, H, W): channels, rows and columns. The weight of a convolution is
(O, C, K, K). A window has K x K cells and moves over R x S positions.
"""

import math
from functools import reduce

import numpy as np

from micrograd_tiers.tiers.arrays import total
from micrograd_tiers.tiers.images.arrays import (
    add_to_windows,
    padded,
    samples_last,
    sum_over_outputs,
    sum_over_positions,
    sum_over_window,
    under_windows,
    unpadded,
    windows,
    zeros,
)


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[n, o, r, s] = sum of weight[o, c, i, j] * x[n, c, h + i, w + j], plus bias[o].

    h = r * stride and w = s * stride; x is padded with zeros first. At each position,
    this is `linear` of the C K K numbers that the window covers.
    """
    image = padded(samples_last(x), padding)
    shape, covered = image.shape, under_windows(image, weight.shape[2:], stride)
    y = sum_over_window(weight, covered) + bias[:, None, None]  # (N, O, R, S)

    def dx(dy):
        return unpadded(sum_over_outputs(weight, dy, shape, stride), padding)

    def dweight(dy):
        return sum_over_positions(dy, covered)  # and over the samples

    def dbias(dy):
        return total(total(dy.reshape(*dy.shape[:2], -1), axis=2), axis=0)

    return y, (dx, dweight, dbias)


def avg_pool2d(x, kernel_size, stride):
    """y[n, c, r, s] = mean of the numbers of x[n, c] that the window covers at r, s."""
    shape, size = x.shape, (kernel_size, kernel_size)
    y = reduce(np.add, windows(samples_last(x), size, stride)) / math.prod(size)

    def dx(dy):
        share = samples_last(dy) / math.prod(size)
        return add_to_windows(share, shape, size, stride)

    return y, (dx,)


def max_pool2d(x, kernel_size, stride):
    """y[n, c, r, s] = maximum of the numbers of x[n, c] that the window covers at r, s.

    The gradient goes to the place of the maximum, the first one if several are equal.
    """
    x, size = samples_last(x), (kernel_size, kernel_size)
    y = reduce(np.maximum, windows(x, size, stride))

    def dx(dy):
        dx = zeros(x.shape, dy.dtype)
        left = samples_last(dy).copy("K")  # not yet passed on
        cells = zip(windows(x, size, stride), windows(dx, size, stride), strict=True)
        for cell, dcell in cells:
            here = left * (cell == y)
            dcell += here
            left -= here
        return dx

    return y, (dx,)


def reshape(x, shape):
    """y = the numbers of x in the same order, each sample in the given shape."""
    return x.reshape(len(x), *shape), (lambda dy: dy.reshape(x.shape).copy(),)
