"""Places of a layer's numbers: circles in a column, pictures with a pixel per number, or a box if the shape is unknown.

Coordinates count from the left edge of the layer and from the middle of its row.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...html import number
from .marks import LONGEST_NUMBER, Row, box, circle, picture, text
from .snapshot import Numbers, Stage

MOST_CIRCLES, MOST_PICTURES = 60, 64
MOST_LARGE, MOST_WITH_NUMBERS = 6, 20  # circles that hold their number, circles beside which it stands
HEIGHT = 780  # of a column, in CSS pixels
LARGE = 34  # radius of a circle that holds a number
SINGLE = 112.0  # side of a picture that is alone: 28 pixels, 4 times enlarged
GAP = 6  # between two pictures


class Circles:
    """A circle for each of at most 60 units: with its number inside if there are few, beside it if there are some."""

    size = 1  # numbers in a circle

    def __init__(self, n: int, has_numbers: bool) -> None:
        self.n, self.large, self.n_shown = n, n <= MOST_LARGE, n
        self.beside = has_numbers and MOST_LARGE < n <= MOST_WITH_NUMBERS
        self.pitch = 2 * LARGE + 16 if self.large else 30 if n <= MOST_WITH_NUMBERS else min(26, HEIGHT / n)
        self.radius = LARGE if self.large else min(11, self.pitch / 2 - 1.5)
        self.width = 2 * self.radius + (LONGEST_NUMBER + 8 if self.beside else 0)
        self.height = n * self.pitch

    @property
    def centers(self) -> list[float]:
        """The y of each circle's center."""
        return [(k - (self.n - 1) / 2) * self.pitch for k in range(self.n)]

    def draw(self, x: float, middle: float, values: Numbers | None, largest: float, abouts: Sequence[str]) -> str:
        """Return the circles and their numbers."""
        parts = []
        for k, y in enumerate(self.centers):
            value = None if values is None else values[k]
            parts.append(circle(x + self.radius, middle + y, self.radius, value, largest, abouts[k]))
            if value is not None and self.large:
                parts.append(text(x + self.radius, middle + y + 4, number(value), anchor="middle"))
            elif value is not None and self.beside:
                parts.append(text(x + 2 * self.radius + 4, middle + y + 3.5, number(value)))
        return "".join(parts)


class Pictures:
    """A picture for each map of an image, or one picture with a pixel for each of many units."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self.rows, self.cols = shape[-2:] if len(shape) > 1 else grid_of(shape[0])
        self.n = math.prod(shape[:-2])
        self.size = math.prod(shape) // self.n
        self.n_shown = min(self.n, MOST_PICTURES)
        longest = max(self.rows, self.cols)
        side = SINGLE if self.n == 1 else min(90.0, 34 + 1.8 * longest)
        pixel = min(9.0, float(side // longest or side / longest))
        self.tile_width, self.tile_height = max(3, self.cols * pixel), max(3, self.rows * pixel)
        self.columns = math.ceil(self.n_shown / max(1, 640 // (self.tile_height + GAP)))
        in_a_column = math.ceil(self.n_shown / self.columns)
        self.width = self.columns * (self.tile_width + GAP) - GAP
        self.height = in_a_column * (self.tile_height + GAP) - GAP
        top = [k * (self.tile_height + GAP) - self.height / 2 for k in range(in_a_column)]
        left = [k * (self.tile_width + GAP) for k in range(self.columns)]
        self.corners = [(x, y) for x in left for y in top][: self.n_shown]

    @property
    def centers(self) -> list[float] | None:
        """The y of each picture's center, if there is one column."""
        return [y + self.tile_height / 2 for _, y in self.corners] if self.columns == 1 else None

    def rows_of(self, values: Numbers) -> list[Row]:
        """Return the rows of one picture; its last row is filled up with pixels that do not exist."""
        filled = [*values, *[None] * (self.rows * self.cols - len(values))]
        return [filled[k * self.cols : (k + 1) * self.cols] for k in range(self.rows)]

    def draw(self, x: float, middle: float, values: Numbers | None, largest: float, abouts: Sequence[str]) -> str:
        """Return the pictures."""
        size, parts = self.size, []
        for k, (dx, dy) in enumerate(self.corners):
            rows = [] if values is None else self.rows_of(values[k * size : (k + 1) * size])
            parts.append(picture(x + dx, middle + dy, self.tile_width, self.tile_height, rows, largest, abouts[k]))
        return "".join(parts)


class Unknown:
    """A box with a question mark, for a layer whose output has no known shape."""

    n = n_shown = size = 1
    width, height, centers = 40.0, 40.0, None

    def draw(self, x: float, middle: float, values: Numbers | None, largest: float, abouts: Sequence[str]) -> str:
        """Return the box."""
        return box(x, middle - 20, 40, 40, abouts[0]) + text(x + 20, middle + 4, "?", anchor="middle")


Places = Circles | Pictures | Unknown


def places_of(stage: Stage) -> Places:
    """Return the places of a stage's numbers."""
    if stage.shape is None:
        return Unknown()
    if len(stage.shape) == 1 and stage.shape[0] <= MOST_CIRCLES:
        return Circles(stage.shape[0], stage.output is not None)
    return Pictures(stage.shape)


def grid_of(n: int) -> tuple[int, int]:
    """Return the rows and columns of a picture of n units, close to a square: (28, 28) for 784, (15, 20) for 300."""
    rows = math.isqrt(n)
    divisors = [k for k in range(math.ceil(rows / 2), rows + 1) if n % k == 0]
    rows = divisors[-1] if divisors else rows
    return rows, math.ceil(n / rows)
