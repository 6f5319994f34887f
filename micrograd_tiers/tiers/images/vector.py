"""Convolution, pooling and reshaping at the vector tier, window cell by window cell.

`scalar.py` and `tensor.py` beside it hold the same functions in the same order.
An image x is (C, H, W), its channels, rows and columns; the weight of a convolution is
(O, C, K, K). A window has R x S positions.
"""

import math
from functools import reduce

import numpy as np

from micrograd_tiers.tiers.arrays import matmul, total
from micrograd_tiers.tiers.images.arrays import padded, unpadded, windows


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[o, r, s] = sum of weight[o, c, i, j] * x[c, h + i, w + j], plus bias[o].

    h = r stride and w = s stride; x is padded with zeros first. At each position of the
    window this is `linear`, of the numbers that it covers.
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
    """y[c, r, s] = largest number of x[c] that the window covers at r, s.

    The gradient goes to the place where it stands; of several equal ones, to the first.
    """
    size = (kernel_size, kernel_size)
    y = reduce(np.maximum, windows(x, size, stride))

    def dx(dy):
        dx, left = np.zeros(x.shape, dy.dtype), dy.copy()  # left: what has no place yet
        cells = zip(windows(x, size, stride), windows(dx, size, stride), strict=True)
        for cell, dcell in cells:
            here = left * (cell == y)
            dcell += here
            left -= here
        return dx

    return y, (dx,)


def reshape(x, shape):
    """y = the same numbers in the same order, in an array of that shape."""
    return x.reshape(shape), (lambda dy: dy.reshape(x.shape).copy(),)
