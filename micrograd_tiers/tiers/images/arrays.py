"""Windows that move over images in arrays, x (..., H, W).

Here `windows` returns one array per cell of the window. In `lists.py` it returns one
list per position of the window.
"""

from typing import Any

import numpy as np

Array = Any  # ndarray


def padded(x: Array, padding: int) -> Array:
    """Return the images with `padding` zeros added on each side; x itself for 0."""
    if not padding:
        return x
    *others, H, W = x.shape
    image = np.zeros((*others, H + 2 * padding, W + 2 * padding), x.dtype)
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
