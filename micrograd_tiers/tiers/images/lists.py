"""Windows that move over an image of nested lists, x[c][h][w], for the scalar tier.

Here `windows` returns one list per position of the window. In `arrays.py` it returns
one array per cell of the window.
"""

from collections.abc import Iterable, Iterator
from itertools import product
from typing import Any

Channel = list[list[Any]]
Image = list[Channel]
Place = tuple[int, int]  # (h, w)


def padded(x: Image, padding: int) -> Image:
    """Return the image with `padding` zeros added on each side."""
    width = len(x[0][0]) + 2 * padding
    above, side = [[0.0] * width] * padding, [0.0] * padding
    return [[*above, *([*side, *row, *side] for row in c), *above] for c in x]


def unpadded(x: Image, padding: int) -> Image:
    """Return the image without the outer `padding` numbers on each side."""
    height, width = len(x[0]), len(x[0][0])
    rows, columns = slice(padding, height - padding), slice(padding, width - padding)
    return [[row[columns] for row in channel[rows]] for channel in x]


def windows(
    x: Image, size: tuple[int, ...], stride: int
) -> tuple[list[list[Place]], tuple[int, int]]:
    """Return the places (h, w) that a window covers, one list per position; and (R, S).

    There are R rows and S columns of positions, so there are R S lists.
    """
    height, width = size
    rows = range(0, len(x[0]) - height + 1, stride)
    columns = range(0, len(x[0][0]) - width + 1, stride)
    cells = [*product(range(height), range(width))]
    places = [[(h + i, w + j) for i, j in cells] for h in rows for w in columns]
    return places, (len(rows), len(columns))


def place_of_largest(channel: Channel, window: list[Place]) -> Place:
    """Return the place of the maximum, the first of several; NaN counts as largest."""

    def size(place: Place) -> tuple[bool, Any]:
        x = channel[place[0]][place[1]]
        return x != x, x  # NaN is not equal to itself

    return max(window, key=size)


def positions_backwards(*of_positions: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Iterate over window positions from last to first.

    The other tiers add cell by cell, from the first cell of the window to the last. The
    later the position, the earlier the cell that covers a given pixel. So each pixel
    sums its contributions in the same order at every tier.
    """
    return iter([*zip(*of_positions, strict=True)][::-1])
