"""Preparation of a written digit as the makers of MNIST prepared theirs.

They fitted each digit into a box of 20 x 20 pixels, kept its aspect ratio, got gray levels from the anti-aliasing of
that scaling, and moved the digit so that its center of mass lies in the middle of 28 x 28 pixels: Y. LeCun, L. Bottou,
Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86(11),
1998, section III.A, and http://yann.lecun.com/exdb/mnist. Their scans were black and white. A photo is not, so the ink
has to be told from the paper first.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import ArrayLike, NDArray

from .. import html
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
MARGIN = 1 / 16  # share of a picture's height and width, at each side, that a scan's dark edge or a frame takes up
FRAMED = 0.25  # least size of a digit, in sizes of the strip, the shadow or the frame that touches the picture's edge
RINGING = 0.1  # ink below this share of the darkest does not enlarge the box: JPEG's waves along an edge
PIECES = 4  # largest number of large pieces of a digit
CROSSINGS = 4  # largest number of strokes that the median row or column of a digit meets: an 8 of two circles has four
BAR = 0.28  # a 1 may be a rectangle, of up to this width in heights
CLOSED = 0.8  # a figure with more than this share of each side of its box is a rectangle or a frame
NOISE, LEAST = 5, 7  # standard deviations of the paper's noise that are no ink yet, and least contrast of the ink

Array = NDArray[np.float64]
Piece = tuple[NDArray[np.intp], NDArray[np.intp]]  # rows and columns of its pixels
Span = tuple[int, int, int, int]  # top, bottom, left, right; bottom and right are outside
Found = tuple[Array, Span, bool]  # the digit's ink in its box, the box, and True if the ink is dark


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

    def __repr__(self) -> str:
        top, bottom, left, right = self.box
        place = f"rows {top} to {bottom - 1} and columns {left} to {right - 1} of the picture"
        return f"<PreparedDigit: {'dark' if self.dark_ink else 'light'} ink in {place}>"

    def _repr_html_(self) -> str:
        return html.gray_images([self.image.tolist()], ["prepared digit"], 112) + html.escape(repr(self))


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
    ink, box, dark = _found(whole)
    return PreparedDigit(_centered(_fitted(ink)), box, dark)


def _found(whole: Array) -> Found:
    """Return the digit: without the picture's margins, if only there something else is in the way."""
    try:
        found = _cut_out(whole)
    except DataError:
        if inner := _inside(whole):
            return inner
        raise
    return (_near_edge(found[1], whole.shape, MARGIN) and _inside(whole)) or found


def _inside(whole: Array) -> Found | None:
    """Return the digit that lies clear of the picture's margins, or None if the paper does not surround one."""
    rows, columns = (round(n * MARGIN) for n in whole.shape)
    inner = whole[rows : whole.shape[0] - rows, columns : whole.shape[1] - columns]
    darkest, brightest = np.percentile(_border(inner), [10, 90])
    with suppress(DataError):
        if brightest - darkest < np.ptp(inner) / 2:
            ink, box, dark = _cut_out(inner)
            if not _near_edge(box, inner.shape, MARGIN):
                return ink, _moved(box, rows, columns), dark
    return None


def _cut_out(whole: Array) -> Found:
    """Return the digit, found in a reduced picture and cut from the finest one in which it fits."""
    factor = ceil(max(whole.shape) / WORKING_SIDE)
    ink, dark = _ink(_reduced(whole, factor) if factor > 1 else whole)
    ink, strokes, (top, bottom, left, right) = _figure(ink)
    height, width = whole.shape
    box = (factor * top, min(factor * bottom, height), factor * left, min(factor * right, width))
    margin = max(box[1] - box[0], box[3] - box[2]) // 4 + factor
    first_row, first_column = max(0, box[0] - margin), max(0, box[2] - margin)
    part = whole[first_row : box[1] + margin, first_column : box[3] + margin]
    if ceil(max(part.shape) / WORKING_SIDE) < factor:
        with suppress(DataError):
            finer, box_there, dark = _cut_out(part)
            return finer, _moved(box_there, first_row, first_column), dark
    _require_strokes(strokes)
    return ink[top:bottom, left:right], box, dark


def _moved(box: Span, rows: int, columns: int) -> Span:
    """Return the box, moved down and to the right."""
    top, bottom, left, right = box
    return top + rows, bottom + rows, left + columns, right + columns


def _near_edge(box: Span, shape: tuple[int, ...], margin: float = 0) -> bool:
    """Return True if the box reaches a margin, as a share of the height or width, of a picture of that shape."""
    (top, bottom, left, right), (height, width) = box, shape
    return min(top, height - bottom) <= margin * height or min(left, width - right) <= margin * width


def _box(piece: Piece) -> Span:
    """Return the smallest box around a piece."""
    rows, columns = piece
    return int(rows.min()), int(rows.max()) + 1, int(columns.min()), int(columns.max()) + 1


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


def _figure(ink: Array) -> tuple[Array, NDArray[np.bool_], Span]:
    """Return the ink of the digit alone, from 0 to 1, where it is clearly ink, and its bounding box."""
    strokes = ink > _threshold(ink)
    pieces = _without_frame(_pieces(ink > 0, strokes), ink.shape)
    ink = _only(ink, pieces)
    amounts = np.array([ink[piece].sum() for piece in pieces])
    large = list(itertools.compress(pieces, amounts > FIGURE * amounts.max()))
    if (figures := _side_by_side([columns for _, columns in large])) > 1:
        raise DataError(f"{figures} figures found side by side, expected one digit: crop the picture")
    if len(large) > PIECES:
        raise DataError(f"no digit found: {len(large)} pieces of similar size, such as the lines of ruled paper")
    digit = _only(ink, itertools.compress(pieces, amounts > SPECK * amounts.max()))
    if digit.sum() < CLEAR * ink.sum():
        raise DataError(f"no clear figure found: none of {len(pieces)} pieces stands out")
    clear = digit > (RINGING * digit.max() if max(digit.shape) > 2 * SIDE else 0)
    rows, columns = np.flatnonzero(clear.any(axis=1)), np.flatnonzero(clear.any(axis=0))
    top, bottom, left, right = box = (int(rows[0]), int(rows[-1]) + 1, int(columns[0]), int(columns[-1]) + 1)
    height, width = bottom - top, right - left
    if width > WIDEST * height:
        raise DataError(f"no digit found: the figure is {width / height:.1f} times as wide as high; crop the picture")
    strokes &= digit > 0
    return np.minimum(1.0, digit / np.percentile(digit[strokes], 95)), strokes, box


def _require_strokes(figure: NDArray[np.bool_]) -> None:
    """Raise DataError if the figure is not made of the strokes of a pen."""
    strokes = figure[np.ix_(figure.any(axis=1), figure.any(axis=0))]
    height, width = strokes.shape
    if _has_square(strokes, ceil(THICKEST * max(height, width))):
        raise DataError("no digit found: the figure is an area, expected strokes of a pen")
    if max(_crossings(strokes), _crossings(strokes.T)) > CROSSINGS:
        raise DataError("no digit found: the figure is a pattern, such as ruled or squared paper")
    sides = (strokes[0], strokes[-1], strokes[:, 0], strokes[:, -1])
    if width > BAR * height and all(side.mean() > CLOSED for side in sides):
        raise DataError("no digit found: the figure is a rectangle or a frame")


def _only(ink: Array, pieces: Iterable[Piece]) -> Array:
    """Return the ink of these pieces alone."""
    left = np.zeros_like(ink)
    for piece in pieces:
        left[piece] = ink[piece]
    return left


def _without_frame(pieces: list[Piece], shape: tuple[int, ...]) -> list[Piece]:
    """Return the pieces without those that touch the picture's edge, if another piece is large enough for a digit."""
    boxes = [_box(piece) for piece in pieces]
    sizes = [max(bottom - top, right - left) for top, bottom, left, right in boxes]
    inside = [not _near_edge(box, shape) for box in boxes]
    large = max(itertools.compress(sizes, inside), default=0) > FRAMED * max(sizes)
    return list(itertools.compress(pieces, inside)) if large else pieces


def _side_by_side(columns: list[NDArray[np.intp]]) -> int:
    """Return the number of figures, of which each is one piece or several that share columns."""
    figures, end = 0, -1
    for first, last in sorted((own.min(), own.max()) for own in columns):
        figures += first > end
        end = max(end, last)
    return figures


def _crossings(strokes: NDArray[np.bool_]) -> float:
    """Return the number of strokes in the median row."""
    return float(np.median(strokes[:, 0] + (strokes[:, 1:] > strokes[:, :-1]).sum(axis=1)))


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
