"""Straight lines through a point, on which a function of arrays becomes a function of one number.

A line gives the *terms* whose sum is the loss, at a distance t from the point: one term for each sample, or one for
each entry of an op's output.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .arrays import Array, drawn

Terms = Callable[[Array], Array]  # from an argument of any shape to the terms of the loss

EPS = 2.0**-52  # spacing of float64 at 1
LEAST_UNIT = 2.0**-1000  # a smaller number has too few digits to be divided into steps
QUIET = np.errstate(all="ignore")  # a step may leave the domain of log; the verdict handles inf and nan


class Line(NamedTuple):
    """A straight line through a point: `at(t)` returns the terms at distance t; t may be imaginary.

    `unit` is the length by which steps are measured: |x| along a coordinate x. `start` is that x, and None along a line
    on which several coordinates move.
    """

    at: Callable[[complex], Array]
    unit: float
    start: Any = None

    def step(self, h: float) -> float:
        """Return a step near h that changes `start` by exactly that much, in spite of rounding."""
        return h if self.start is None else float((self.start + self.start.dtype.type(h)) - self.start)


def coordinate_line(terms: Terms, x: Array, coordinate: tuple[int, ...], unit: float) -> Line:
    """Return the line through x on which only that coordinate moves; `unit` is its entry in `units(x)`."""

    def at(t: complex) -> Array:
        moved = x.astype(complex) if isinstance(t, complex) else x.copy()
        moved[coordinate] += t
        return terms(moved)

    return Line(at, float(unit), x[coordinate])


def line_along(terms: Terms, x: Array, direction: Array) -> Line:
    """Return the line through x in the given direction, with unit 1."""
    return Line(lambda t: terms((x + t * direction).astype(complex if isinstance(t, complex) else x.dtype)), 1.0)


def random_line(terms: Terms, x: Array, rng: np.random.Generator) -> Line:
    """Return a line through x on which every coordinate moves, by 0.5 to 1.5 of its unit per unit of t."""
    return line_along(terms, x, random_direction(x, rng))


def random_direction(x: Array, rng: np.random.Generator) -> Array:
    """Return a direction at x in which every coordinate moves, by 0.5 to 1.5 of its unit."""
    return units(x) * drawn(x.shape, rng)


def units(x: Array) -> Array:
    """Return |x| for each coordinate x: the unit of steps along it. For x = 0: the median of the others, or 1."""
    size = np.abs(x).astype(np.float64)
    known = (size > 0) & np.isfinite(size)
    return np.maximum(np.where(known, size, np.median(size[known]) if known.any() else 1.0), LEAST_UNIT)


def eps_of(terms: Array) -> float:
    """Return the spacing of the terms' type at 1."""
    return float(np.finfo(terms.dtype).eps) if terms.dtype.kind == "f" else EPS
