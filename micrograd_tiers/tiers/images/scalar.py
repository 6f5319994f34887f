"""Convolution, pooling and reshaping at the scalar tier, window position by position.

`vector.py` and `tensor.py` in this folder hold the same ops in the same order.
An image x is (C, H, W): channels, rows and columns. The weight of a convolution is
(O, C, K, K). A window has K x K cells and moves over R x S positions.
"""

from micrograd_tiers.tiers.images.lists import (
    padded,
    place_of_largest,
    positions_backwards,
    unpadded,
    windows,
)
from micrograd_tiers.tiers.lists import dot, filled, flat, in_shape, shape_of, total


def conv2d(x, weight, bias, stride=1, padding=0):
    """y[o][r][s] = sum of weight[o][c][i][j] * x[c][h + i][w + j], plus bias[o].

    h = r * stride and w = s * stride; x is padded with zeros first. At each position,
    this is `linear` of the C K K numbers that the window covers.
    """
    image, kernel = padded(x, padding), shape_of(weight[0])
    places, shape = windows(image, kernel[1:], stride)  # P = R S lists of K K places
    covered = [[c[h][w] for c in image for h, w in window] for window in places]
    rows = [*map(flat, weight)]  # (O, C K K), beside covered (P, C K K)
    y = [
        in_shape([dot(row, xs) + b for xs in covered], shape)
        for row, b in zip(rows, bias, strict=True)
    ]

    def dx(dy):
        dimage = filled(shape_of(image))
        for window, *dys in positions_backwards(places, *map(flat, dy)):  # dys (O,)
            dcovered = iter([dot(column, dys) for column in zip(*rows, strict=True)])
            for dchannel in dimage:
                for h, w in window:
                    dchannel[h][w] += next(dcovered)
        return unpadded(dimage, padding)

    def dweight(dy):
        columns = [*zip(*covered, strict=True)]  # (C K K, P)
        return [in_shape([dot(d, xs) for xs in columns], kernel) for d in map(flat, dy)]

    return y, (dx, dweight, lambda dy: [total(d) for d in map(flat, dy)])


def avg_pool2d(x, kernel_size, stride):
    """y[c][r][s] = mean of the numbers of x[c] that the window covers at r, s."""
    places, shape = windows(x, (kernel_size, kernel_size), stride)
    size = kernel_size * kernel_size
    y = [
        in_shape([total([c[h][w] for h, w in its]) / size for its in places], shape)
        for c in x
    ]

    def dx(dy):
        dx = filled(shape_of(x))
        for dchannel, dyc in zip(dx, map(flat, dy), strict=True):
            for window, d in positions_backwards(places, dyc):
                for h, w in window:
                    dchannel[h][w] += d / size
        return dx

    return y, (dx,)


def max_pool2d(x, kernel_size, stride):
    """y[c][r][s] = maximum of the numbers of x[c] that the window covers at r, s.

    The gradient goes to the place of the maximum, the first one if several are equal.
    """
    places, shape = windows(x, (kernel_size, kernel_size), stride)
    largest = [[place_of_largest(c, window) for window in places] for c in x]
    y = [
        in_shape([channel[h][w] for h, w in its], shape)
        for channel, its in zip(x, largest, strict=True)
    ]

    def dx(dy):
        dx = filled(shape_of(x))
        for dchannel, its, dyc in zip(dx, largest, map(flat, dy), strict=True):
            for (h, w), d in positions_backwards(its, dyc):
                dchannel[h][w] += d
        return dx

    return y, (dx,)


def reshape(x, shape):
    """y = the numbers of x in the same order, as lists of the given shape."""
    return in_shape(flat(x), shape), (lambda dy: in_shape(flat(dy), shape_of(x)),)
