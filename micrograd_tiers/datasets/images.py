"""Read an image file in the form of the image sets: gray, white on black, of a given size."""

from __future__ import annotations

import os
import warnings

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError


def read_image(path: str | os.PathLike[str], shape: tuple[int, int], *, invert: bool = False) -> NDArray[np.float64]:
    """Read an image file as an array of gray values.

    Parameters
    ----------
    path : path
        PNG, JPEG or any other format that Pillow reads.
    shape : (int, int)
        Height and width of the result. The aspect ratio is kept: the margins are padded with black.
    invert : bool
        If True, invert the brightness: for images that are dark on white.

    Returns
    -------
    ndarray, shape `shape`
        From 0 (black) to 1 (white).

    Raises
    ------
    DataError
        If the file is not an image that Pillow can read.
    FileNotFoundError
        If the file does not exist.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                image = ImageOps.exif_transpose(opened)  # apply the camera's rotation
        if image.mode.startswith("I"):  # 16 bits, which convert() would clip at 255
            image = Image.fromarray((np.asarray(image) // 257).astype(np.uint8))
        gray = image.convert("RGBA")
        paper = Image.new("RGBA", gray.size, "white" if invert else "black")
        gray = Image.alpha_composite(paper, gray).convert("L")
        if invert:
            gray = ImageOps.invert(gray)
        return np.asarray(ImageOps.pad(gray, shape[::-1], color=0), np.float64) / 255
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(
            f"{path}: cannot be read as an image ({error}); expected a file that Pillow can open, such as PNG or JPEG"
        ) from None
