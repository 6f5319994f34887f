"""Windows that move over images in arrays, x (..., H, W).

Here `windows` returns one array per cell of the window. In `lists.py` it returns one
list per position of the window.
"""

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Array = Any  # ndarray
Shape = tuple[int, ...]


def padded(x: Array, padding: int) -> Array:
    """Return the images with `padding` zeros added on each side; x itself for 0."""
    if not padding:
        return x
    *others, H, W = x.shape
    shape = (*others, H + 2 * padding, W + 2 * padding)
    image = np.zeros_like(x, shape=shape)  # in the memory order of x
    unpadded(image, padding)[...] = x
    return image


def unpadded(x: Array, padding: int) -> Array:
    """Return a view of the images without the outer `padding` numbers on each side."""
    *_, H, W = x.shape
    return x[..., padding : H - padding, padding : W - padding]


def windows(x: Array, size: tuple[int, int], stride: int) -> list[Array]:
    """Return, for each cell of a window, the numbers that it covers at all positions.

    The list holds K K views (..., R, S), for R rows and S columns of positions. The
    window moves by the stride and never leaves x.
    """
    height, width = size
    H, W = x.shape[-2] - height + 1, x.shape[-1] - width + 1  # positions at stride 1
    cells = [(i, j) for i in range(height) for j in range(width)]
    return [x[..., i : i + H : stride, j : j + W : stride] for i, j in cells]


# Mini-batches of images (N, C, H, W), for the tensor tier. Exact mode has other sums.


def samples_last(x: Array) -> Array:
    """Return x (N, ...) with the N numbers of each pixel side by side in memory.

    The shape stays the same. A window then covers contiguous blocks of at least N
    numbers, with any stride. NumPy copies and adds them about twice as fast as rows of
    single images. An x in this order is not copied, and elementwise functions keep it.
    """
    last = np.ascontiguousarray(x.transpose(*range(1, x.ndim), 0))  # (..., N)
    return last.transpose(-1, *range(x.ndim - 1))


def zeros(shape: Shape, dtype: Any) -> Array:
    """Return zeros of a shape (N, ...), in the memory order of `samples_last`."""
    return np.zeros((*shape[1:], shape[0]), dtype).transpose(-1, *range(len(shape) - 1))


def under_windows(x: Array, size: tuple[int, int], stride: int) -> Array:
    """Return the numbers under the window at all positions, (N, C, K, K, R, S).

    The result is a view. Each image row is stored K times, once for each column of the
    window. The K rows of a window follow each other in memory, so windows that overlap
    share them. That takes 1 / K of the memory of all windows, and of the time.
    """
    height, width = size
    N, C, H, W = x.shape
    S = (W - width) // stride + 1
    columns = np.empty((H, C, width, S, N), x.dtype)
    for j in range(width):
        column = x[..., j : j + stride * S : stride]
        columns[:, :, j] = column.transpose(2, 1, 3, 0)
    rows = sliding_window_view(columns, height, axis=0)[::stride]  # (R, C, K, S, N, K)
    return rows.transpose(4, 1, 5, 2, 0, 3)


def sum_over_window(weight: Array, covered: Array) -> Array:
    """Return the sum over c, i, j of weight[o, c, i, j] * covered[n, c, i, j, r, s]."""
    N, *_, R, S = covered.shape
    rows = weight.transpose(0, 2, 1, 3).reshape(len(weight), -1)  # (O, K C K)
    y = np.empty((len(weight), R, S * N), np.result_type(weight, covered))
    np.matmul(rows, _matrices(covered), out=y.transpose(1, 0, 2))
    return y.reshape(-1, R, S, N).transpose(3, 0, 1, 2)


def sum_over_positions(dy: Array, covered: Array) -> Array:
    """Return the sum over n, r, s of dy[n, o, r, s] * covered[n, c, i, j, r, s]."""
    _, C, height, width, R, _ = covered.shape
    dys = dy.transpose(2, 3, 0, 1).reshape(R, -1, dy.shape[1])  # (R, S N, O)
    of_rows = np.matmul(_matrices(covered), dys)  # (R, K C K, O)
    dweight = np.add.reduce(of_rows).reshape(height, C, width, -1)
    return np.ascontiguousarray(dweight.transpose(3, 1, 0, 2))


def _matrices(covered: Array) -> Array:
    """Return one matrix (K C K, S N) per row of positions, in the order of memory."""
    N, C, height, width, R, S = covered.shape
    matrices = covered.transpose(4, 2, 1, 3, 5, 0)
    return matrices.reshape(R, height * C * width, S * N)


def sum_over_outputs(weight: Array, dy: Array, shape: Shape, stride: int) -> Array:
    """Return images with weight[o] * dy[n, o, r, s] added under the window at r, s.

    The products are computed for one row of the window at a time, so that they fit into
    the cache, and added in the order of `under_windows`. Its K columns are then added
    to the image. That saves up to a third of the time of one product and K K additions.
    """
    (N, _, R, S), (_, C, height, width) = dy.shape, weight.shape
    dtype = np.result_type(weight, dy)
    dys = dy.transpose(2, 1, 3, 0).reshape(R, -1, S * N)  # (R, O, S N)
    dcolumns = np.zeros((shape[2], C * width, S * N), dtype)
    of_row = np.empty((R, C * width, S * N), dtype)
    for i in range(height):
        np.matmul(weight[:, :, i].reshape(len(weight), -1).T, dys, out=of_row)
        dcolumns[i : i + stride * R : stride] += of_row
    dcolumns = dcolumns.reshape(-1, C, width, S, N).transpose(2, 4, 1, 0, 3)
    dimage = zeros(shape, dtype)
    for j, dcolumn in enumerate(dcolumns):  # (N, C, H, S)
        dimage[..., j : j + stride * S : stride] += dcolumn
    return dimage


def add_to_windows(
    share: Array, shape: Shape, size: tuple[int, int], stride: int
) -> Array:
    """Return images with share[n, c, r, s] added to each number under the window.

    If the windows cover each number once, the share is written, which is faster.
    """
    once = stride == size[0] and share.size * math.prod(size) == math.prod(shape)
    dx = zeros(shape, share.dtype)
    for dcell in windows(dx, size, stride):
        np.add(share, 0 if once else dcell, out=dcell)
    return dx
