"""Reading a picture of one thing, as the image sets have them: gray, white on black, of a given size."""

import os
import warnings

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError


def read_image(path: str | os.PathLike[str], shape: tuple[int, int], *, invert: bool = False) -> NDArray[np.float64]:
    """Read an image file.

    Parameters
    ----------
    path : path
        PNG, JPEG or what else Pillow reads.
    shape : (int, int)
        Height and width to give it; its proportions are kept, and black is added at the edges.
    invert : bool
        For dark on white: turn it round.

    Returns
    -------
    ndarray, shape `shape`
        From 0 (black) to 1 (white).

    Raises
    ------
    DataError
        If the file is not an image.
    FileNotFoundError
        If there is no such file.
    """
    from PIL import Image, ImageOps

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(path) as opened:
                image = ImageOps.exif_transpose(opened)  # as the camera was held
        if image.mode.startswith("I"):  # 16 bits, which convert() would cut off at 255
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
        raise DataError(f"{path}: not an image that can be read ({error})") from None
