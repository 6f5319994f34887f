"""Windows that move over images, for the vector and the tensor tier: x (..., H, W), whatever stands before."""

from typing import Any

import numpy as np

Array = Any  # ndarray


def padded(x: Array, padding: int) -> Array:
    """The images with so many zeros on each side, as a new array if there are any."""
    if not padding:
        return x
    *others, H, W = x.shape
    image = np.zeros((*others, H + 2 * padding, W + 2 * padding), x.dtype)
    unpadded(image, padding)[...] = x
    return image


def unpadded(x: Array, padding: int) -> Array:
    """The images without so many numbers on each side, as a view."""
    return x[..., padding : x.shape[-2] - padding, padding : x.shape[-1] - padding]


def windows(x: Array, size: tuple[int, int], stride: int) -> list[Array]:
    """What each cell of a moving window of that size (height, width) sees, row by row: so many views (..., R, S).

    R and S are the numbers of positions, row-wise and column-wise. The window moves by the stride and never leaves x.
    """
    height, width = size
    rows, columns = x.shape[-2] - height + 1, x.shape[-1] - width + 1  # positions at stride 1
    return [x[..., i : i + rows : stride, j : j + columns : stride] for i in range(height) for j in range(width)]
