"""Convolution, pooling and reshaping at the tensor tier, window cell by window cell.

`scalar.py` and `vector.py` in this folder hold the same ops in the same order.
Images x are (N, C, H, W): channels, rows and columns. The weight of a convolution is
(O, C, K, K). A window has K x K cells and moves over R x S positions.
"""

import math
from functools import reduce

import numpy as np

from micrograd_tiers.tiers.arrays import matmul, matmuls, total
from micrograd_tiers.tiers.images.arrays import padded, unpadded, windows


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[n, o, r, s] = sum of weight[o, c, i, j] * x[n, c, h + i, w + j], plus bias[o].

    h = r * stride and w = s * stride; x is padded with zeros first. At each position,
    this is `linear` of the C K K numbers that the window covers.
    """
    image, size = padded(x, padding), weight.shape[2:]
    cells = np.stack(windows(image, size, stride), axis=-3)  # (N, C, K K, R, S)
    covered = cells.reshape(len(x), -1, math.prod(cells.shape[-2:]))  # (N, C K K, R S)
    rows = weight.reshape(len(weight), -1)  # (O, C K K)
    y = matmuls(rows, covered) + bias[:, None]  # (N, O, R S)
    flat = y.shape

    def dx(dy):
        # With the samples last in memory, each addition runs over one contiguous block
        # of all images instead of rows of single images: it takes a third of the time.
        dcells = matmul(rows.T, np.moveaxis(dy, 0, -1).reshape(len(weight), -1))
        dcells = dcells.reshape(*cells.shape[1:], len(x))  # (C, K K, R, S, N)
        dimage = np.moveaxis(np.zeros((*image.shape[1:], len(x)), dy.dtype), -1, 0)
        seen = windows(dimage, size, stride)
        for window, dcell in zip(
            seen, np.moveaxis(dcells, (1, -1), (0, 1)), strict=True
        ):
            window += dcell
        return np.ascontiguousarray(unpadded(dimage, padding))

    def dweight(dy):
        of_samples = matmuls(dy.reshape(flat), covered.transpose(0, 2, 1))
        return total(of_samples, axis=0).reshape(weight.shape)  # sums (N, O, C K K)

    def dbias(dy):
        return total(total(dy.reshape(flat), axis=2), axis=0)

    return y.reshape(*flat[:2], *cells.shape[-2:]), (dx, dweight, dbias)


def avg_pool2d(x, kernel_size, stride):
    """y[n, c, r, s] = mean of the numbers of x[n, c] that the window covers at r, s."""
    size = (kernel_size, kernel_size)
    y = reduce(np.add, windows(x, size, stride)) / math.prod(size)

    def dx(dy):
        dx, share = np.zeros(x.shape, dy.dtype), dy / math.prod(size)
        for dcell in windows(dx, size, stride):
            dcell += share
        return dx

    return y, (dx,)


def max_pool2d(x, kernel_size, stride):
    """y[n, c, r, s] = maximum of the numbers of x[n, c] that the window covers at r, s.

    The gradient goes to the place of the maximum, the first one if several are equal.
    """
    size = (kernel_size, kernel_size)
    y = reduce(np.maximum, windows(x, size, stride))

    def dx(dy):
        dx, left = np.zeros(x.shape, dy.dtype), dy.copy()  # left: not yet passed on
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
