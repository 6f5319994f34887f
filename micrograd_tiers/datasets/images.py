"""Read an image file as gray values, from 0 (black) to 1 (white), as a person sees it."""

from __future__ import annotations

import os
import warnings
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

if TYPE_CHECKING:
    from PIL.Image import Image

FULL = (255, 4095, 65535)  # white in 8, 12 and 16 bits
WHITE_IS_ZERO = (262, 0)  # tag of TIFF, PhotometricInterpretation; Pillow applies it in 1 and 8 bits


def read_image(
    path: str | os.PathLike[str], shape: tuple[int, int] | None = None, *, invert: bool = False
) -> NDArray[np.float64]:
    """Read an image file as an array of gray values.

    The camera's rotation is applied. Transparent pixels are white, or black if all others are light.

    Parameters
    ----------
    path : path
        PNG, JPEG, TIFF or any other format that Pillow reads. If the file does not say which value is white, as in
        TIFF files of 32 bits, the largest value decides: 1, 255, 4095 or 65535.
    shape : (int, int), optional
        Height and width of the result. The aspect ratio is kept: the margins are padded with black. By default, the
        size of the image.
    invert : bool
        If True, invert the brightness: for images that are dark on white.

    Returns
    -------
    ndarray, shape `shape`
        From 0 (black) to 1 (white).

    Raises
    ------
    DataError
        If the file is not an image that Pillow can read, or holds NaN or infinity.
    FileNotFoundError
        If the file does not exist.

    Warns
    -----
    UserWarning
        If the values of the pixels do not fill the range of the format, and another one is taken.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                tag, value = WHITE_IS_ZERO
                negative = getattr(opened, "tag_v2", {}).get(tag) == value
                image = ImageOps.exif_transpose(opened)
        is_wide = image.mode[0] in "IF"  # 16 or 32 bits, or floats
        gray = np.asarray(image, np.float64) if is_wide else _of_bytes(image)
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(
            f"{path}: cannot be read as an image ({error}); expected a file that Pillow can open, such as PNG or JPEG"
        ) from None
    if is_wide:
        gray = _scaled(path, gray, image.mode == "F")
        if negative:
            gray = 255 - gray
    if invert:
        gray = 255 - gray
    if shape is not None:
        padded = ImageOps.pad(Image.fromarray(gray.astype(np.float32)), shape[::-1], color=0)
        gray = np.asarray(padded, np.float64)
    return np.clip(gray / 255, 0, 1)


def _of_bytes(image: Image) -> NDArray[np.float64]:
    """Return the gray values, 0 to 255, of an image with at most 8 bits per color."""
    from PIL import Image

    image = image.convert("RGBA")
    gray, alpha = np.asarray(image.convert("L")), np.asarray(image.getchannel("A"))
    visible = gray[alpha > 127]
    paper = "black" if visible.size and np.percentile(visible, 1) > 127 else "white"
    shown = Image.alpha_composite(Image.new("RGBA", image.size, paper), image)
    return np.asarray(shown.convert("L"), np.float64)


def _scaled(path: str | os.PathLike[str], values: NDArray[np.float64], floats: bool) -> NDArray[np.float64]:
    """Return gray values of any range, scaled to 0 to 255."""
    if not np.isfinite(values).all():
        raise DataError(f"{path}: its gray values hold NaN or infinity")
    least, most = float(values.min()), float(values.max())
    black = min(least, 0.0)
    if floats and most <= 2:  # a little more than 1, after sharpening
        usual, white = True, 1.0
    else:
        white = next((full for full in FULL if most <= full), most)
        usual = not floats and white == FULL[-1]
    if black < 0 or not usual:
        warnings.warn(
            f"{path}: its gray values are {least:g} to {most:g}; {black:g} is taken as black and {white:g} as white",
            stacklevel=3,
        )
    return np.clip((values - black) / (white - black), 0, 1) * 255
