"""Convolution, pooling and reshaping at the vector tier, window cell by window cell.

`scalar.py` and `tensor.py` in this folder hold the same ops in the same order.
An image x is (C, H, W): channels, rows and columns. The weight of a convolution is
(O, C, K, K). A window has K x K cells and moves over R x S positions.
"""

import math
from functools import reduce

import numpy as np

from micrograd_tiers.tiers.arrays import matmul, total
from micrograd_tiers.tiers.images.arrays import padded, unpadded, windows


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[o, r, s] = sum of weight[o, c, i, j] * x[c, h + i, w + j], plus bias[o].

    h = r * stride and w = s * stride; x is padded with zeros first. At each position,
    this is `linear` of the C K K numbers that the window covers.
    """
    image, size = padded(x, padding), weight.shape[2:]
    cells = np.stack(windows(image, size, stride), axis=-3)  # (C, K K, R, S)
    covered = cells.reshape(-1, math.prod(cells.shape[-2:]))  # (C K K, R S)
    rows = weight.reshape(len(weight), -1)  # (O, C K K)
    y = matmul(rows, covered) + bias[:, None]  # (O, R S)
    flat = y.shape

    def dx(dy):
        dcells = matmul(rows.T, dy.reshape(flat)).reshape(cells.shape)
        dimage = np.zeros(image.shape, dy.dtype)
        seen = windows(dimage, size, stride)
        for window, dcell in zip(seen, np.moveaxis(dcells, -3, 0), strict=True):
            window += dcell
        return unpadded(dimage, padding).copy()

    def dweight(dy):
        return matmul(dy.reshape(flat), covered.T).reshape(weight.shape)

    def dbias(dy):
        return total(dy.reshape(flat), axis=1)

    return y.reshape(len(weight), *cells.shape[-2:]), (dx, dweight, dbias)


def avg_pool2d(x, kernel_size, stride):
    """y[c, r, s] = mean of the numbers of x[c] that the window covers at r, s."""
    size = (kernel_size, kernel_size)
    y = reduce(np.add, windows(x, size, stride)) / math.prod(size)

    def dx(dy):
        dx, share = np.zeros(x.shape, dy.dtype), dy / math.prod(size)
        for dcell in windows(dx, size, stride):
            dcell += share
        return dx

    return y, (dx,)


def max_pool2d(x, kernel_size, stride):
    """y[c, r, s] = maximum of the numbers of x[c] that the window covers at r, s.

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
    """y = the numbers of x in the same order, as an array of the given shape."""
    return x.reshape(shape), (lambda dy: dy.reshape(x.shape).copy(),)
