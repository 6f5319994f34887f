"""Preparation of a written digit as the makers of MNIST prepared theirs.

They fitted each digit into a box of 20 x 20 pixels, kept its aspect ratio, got gray levels from the anti-aliasing of
that scaling, and moved the digit so that its center of mass lies in the middle of 28 x 28 pixels: Y. LeCun, L. Bottou,
Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86(11),
1998, section III.A, and http://yann.lecun.com/exdb/mnist. Their scans were black and white. A photo is not, so the ink
has to be told from the paper first.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from ..errors import DataError

SIDE, BOX = 28, 20  # pixels of a prepared image, and of the square that its digit fits into
WORKING_SIDE = 160  # pixels of the longer side to which a larger picture is reduced first
HALF_LEVEL = 0.5 / 255  # of 256 gray levels
FAINTEST = 0.06  # least contrast of ink and paper, on a scale from black (0) to white (1)
SPECK = 0.05  # a piece with less than this share of the largest piece's ink does not belong to the digit
CLEAR = 0.7  # least share of all ink that the digit has
WIDEST = 2.5  # of MNIST's digits, none is more than twice as wide as high
FIGURE = 0.3  # a piece with more than this share of it can be a digit of its own
THICKEST = 0.45  # largest width of a stroke, in heights or widths of the digit
NOISE, LEAST = 5, 7  # standard deviations of the paper's noise that are no ink yet, and least contrast of the ink

Array = NDArray[np.float64]
Piece = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows and columns of its pixels
Span = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are outside


@dataclass(frozen=True, eq=False)
class PreparedDigit:
    """A digit in the form of MNIST's, and the place where it was found.

    Attributes
    ----------
    image : ndarray, shape (28, 28)
        From 0 (paper) to 1 (ink).
    box : (int, int, int, int)
        First row, last row + 1, first column and last column + 1 of the digit in the picture.
    dark_ink : bool
        True if the digit is darker than its paper.
    """

    image: Array
    box: Span
    dark_ink: bool


def prepare_digit(picture: ArrayLike) -> PreparedDigit:
    """Find the digit in a picture, and return it in the size, place and gray levels of MNIST's digits.

    The ink may be darker or lighter than the paper, whose brightness may change smoothly. Specks are removed. A digit
    of MNIST itself stays as it is, up to rounding.

    Parameters
    ----------
    picture : array_like, shape (H, W)
        Gray values from 0 (black) to 1 (white), as from `read_image`. Most of its border is paper.

    Returns
    -------
    PreparedDigit

    Raises
    ------
    DataError
        If the picture is blank, has no clear figure, or has several, or a value is not from 0 to 1.
    ValueError
        If `picture` does not have shape (H, W), or is empty.
    """
    whole = np.asarray(picture, float)
    if whole.ndim != 2 or 0 in whole.shape:
        raise ValueError(f"picture has shape {whole.shape}, expected (H, W), at least 1 x 1")
    if not (whole.min() >= 0 and whole.max() <= 1):  # NaN is neither
        got = f"picture has values from {whole.min():g} to {whole.max():g}"
        raise DataError(f"{got}, expected 0 (black) to 1 (white); divide bytes by 255")
    factor = ceil(max(whole.shape) / WORKING_SIDE)
    ink, dark = _ink(_reduced(whole, factor) if factor > 1 else whole)
    ink, (top, bottom, left, right) = _figure(ink)
    height, width = whole.shape
    box = (factor * top, min(factor * bottom, height), factor * left, min(factor * right, width))
    return PreparedDigit(_centered(_fitted(ink[top:bottom, left:right])), box, dark)


def _reduced(gray: Array, factor: int) -> Array:
    """Return the means of squares of factor x factor pixels; those at the right and at the bottom may be smaller."""
    from PIL import Image

    return np.asarray(Image.fromarray(gray.astype(np.float32)).reduce(factor), np.float64)


def _ink(gray: Array) -> tuple[Array, bool]:
    """Return the amount of ink (H, W), 0 where only noise differs from the paper, and True if the ink is dark."""
    difference = gray - _paper(gray)
    dark = bool((difference**3).sum() < 0)  # the cubes of noise cancel
    ink = np.maximum(0.0, -difference if dark else difference)
    level = float(ink.max())
    border = np.abs(_border(difference))
    paper = border[border <= level / 4]
    noise = np.percentile(paper, 80) / 1.28 if len(paper) else level  # standard deviation, if it is Gaussian
    if level < max(FAINTEST, LEAST * noise):
        raise DataError(f"no figure found: contrast {level:.2f}, noise {noise:.2f}, where white minus black is 1")
    ink[ink < max(NOISE * noise, HALF_LEVEL)] = 0
    return ink, dark


def _border(values: NDArray[Any]) -> NDArray[Any]:
    """Return the values (n, ...) of the pixels along the four sides of an array (H, W, ...)."""
    sides = (values[0], values[-1], values[1:-1, 0], values[1:-1, -1])
    return np.concatenate(sides)


def _paper(gray: Array) -> Array:
    """Return the brightness (H, W) of the paper: a surface of second degree, close to most of the border.

    Least absolute deviations by iteratively reweighted least squares: strokes that touch the border do not count. A
    constant is preferred, unless it is worse.
    """
    y, x = (np.linspace(-1, 1, n) for n in gray.shape)
    y, x = np.meshgrid(y, x, indexing="ij")
    powers = np.stack([np.ones_like(x), x, y, x * x, x * y, y * y], axis=-1)
    along, brightness = _border(powers), _border(gray)
    surface = constant = np.full_like(gray, np.median(brightness))
    for _ in range(10):
        weight = 1 / np.sqrt(np.abs(brightness - _border(surface)) + 1e-3)
        terms, *_ = np.linalg.lstsq(along * weight[:, None], brightness * weight, rcond=None)
        surface = powers @ terms
    deviation, of_constant = (np.median(np.abs(brightness - _border(paper))) for paper in (surface, constant))
    return constant if of_constant <= 1.5 * deviation + HALF_LEVEL else surface


def _figure(ink: Array) -> tuple[Array, Span]:
    """Return the ink of the digit alone, from 0 to 1, and its bounding box."""
    strokes = ink > _threshold(ink)
    pieces = _pieces(ink > 0, strokes)
    amounts = np.array([ink[piece].sum() for piece in pieces])
    large = itertools.compress(pieces, amounts > FIGURE * amounts.max())
    if (figures := _side_by_side([columns for _, columns in large])) > 1:
        raise DataError(f"{figures} figures found side by side, expected one digit: crop the picture")
    digit = np.zeros_like(ink)
    for piece in itertools.compress(pieces, amounts > SPECK * amounts.max()):
        digit[piece] = ink[piece]
    if digit.sum() < CLEAR * ink.sum():
        raise DataError(f"no clear figure found: none of {len(pieces)} pieces stands out")
    rows, columns = np.flatnonzero(digit.any(axis=1)), np.flatnonzero(digit.any(axis=0))
    top, bottom, left, right = box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    height, width = bottom - top, right - left
    if width > WIDEST * height:
        raise DataError(f"no digit found: the figure is {width / height:.1f} times as wide as high; crop the picture")
    strokes &= digit > 0
    if _has_square(strokes, ceil(THICKEST * max(height, width))):
        raise DataError("no digit found: the figure is an area, expected strokes of a pen")
    return np.minimum(1.0, digit / np.percentile(digit[strokes], 95)), box


def _side_by_side(columns: list[NDArray[np.intp]]) -> int:
    """Return the number of figures, of which each is one piece or several that share columns."""
    figures, end = 0, -1
    for first, last in sorted((own.min(), own.max()) for own in columns):
        figures += first > end
        end = max(end, last)
    return figures


def _has_square(strokes: NDArray[np.bool_], side: int) -> bool:
    """Return True if somewhere all pixels of a square are strokes."""
    if min(strokes.shape) < side:
        return False
    return bool(sliding_window_view(strokes, (side, side)).all(axis=(2, 3)).any())


def _threshold(ink: Array) -> float:
    """Return the level halfway between the mean of what lies below it and the mean of what lies above it.

    T. W. Ridler and S. Calvard, "Picture thresholding using an iterative selection method", IEEE Transactions on
    Systems, Man and Cybernetics 8(8), 1978.
    """
    level, last = float(ink.max()) / 2, 0.0
    while abs(level - last) > 1e-3:
        above = ink > level
        level, last = float(ink[above].mean() + ink[~above].mean()) / 2, level
    return level


def _pieces(ink: NDArray[np.bool_], strokes: NDArray[np.bool_]) -> list[Piece]:
    """Return the connected pieces of ink that contain a stroke."""
    unseen = {*map(tuple, np.argwhere(ink).tolist())}
    pieces = []
    for start in map(tuple, np.argwhere(strokes).tolist()):
        if start not in unseen:
            continue
        unseen.remove(start)
        piece = [start]
        for row, column in piece:  # grows in this loop
            neighbors = {(row + i, column + j) for i in (-1, 0, 1) for j in (-1, 0, 1)} & unseen
            unseen -= neighbors
            piece += neighbors
        rows, columns = np.array(piece).T
        pieces.append((rows, columns))
    return pieces


def _fitted(ink: Array) -> Array:
    """Return the digit scaled to 20 pixels in height or in width, whichever is larger."""
    from PIL import Image

    height, width = (max(1, round(n * BOX / max(ink.shape))) for n in ink.shape)
    if ink.shape == (height, width):
        return ink / float(ink.max())
    smoothing = Image.Resampling.BOX if max(ink.shape) > BOX else Image.Resampling.BILINEAR
    scaled = np.asarray(Image.fromarray(ink.astype(np.float32)).resize((width, height), smoothing), np.float64)
    return scaled / float(scaled.max())


def _centered(digit: Array) -> Array:
    """Return an image (28, 28) whose pixel (14, 14) contains the center of mass of the digit."""
    height, width = digit.shape
    center_y = digit.sum(axis=1) @ np.arange(height) / digit.sum()
    center_x = digit.sum(axis=0) @ np.arange(width) / digit.sum()
    top, left = (
        min(max(0, SIDE // 2 - round(center)), SIDE - n) for n, center in ((height, center_y), (width, center_x))
    )
    image = np.zeros((SIDE, SIDE))
    image[top : top + height, left : left + width] = digit
    return image
