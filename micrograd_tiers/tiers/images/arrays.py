"""Windows that move over images in arrays, x (..., H, W)."""

from typing import Any

import numpy as np

Array = Any  # ndarray


def padded(x: Array, padding: int) -> Array:
    """Return the images with that many zeros on each side; x itself for none."""
    if not padding:
        return x
    *others, H, W = x.shape
    image = np.zeros((*others, H + 2 * padding, W + 2 * padding), x.dtype)
    unpadded(image, padding)[...] = x
    return image


def unpadded(x: Array, padding: int) -> Array:
    """Return the images without that many numbers on each side, as a view."""
    *_, H, W = x.shape
    return x[..., padding : H - padding, padding : W - padding]


def windows(x: Array, size: tuple[int, int], stride: int) -> list[Array]:
    """Return for each cell of a moving window what it covers: K K views (..., R, S).

    R and S are the numbers of positions, by rows and columns. The window moves by the
    stride and never leaves x.
    """
    height, width = size
    H, W = x.shape[-2] - height + 1, x.shape[-1] - width + 1  # positions at stride 1
    cells = [(i, j) for i in range(height) for j in range(width)]
    return [x[..., i : i + H : stride, j : j + W : stride] for i, j in cells]
