"""Numerical slopes: the derivative of a function along a straight line, without a vjp.

A line g is a function of one number t, the distance from the point in question. g(t) returns the *terms* whose sum is
the loss: one for each sample, or one for each entry of an op's output. The slope is d/dt of that sum at t = 0, computed
by one of two methods:

- `complex_step`: Im g(ih) / h, accurate to the last digits, if the forward code accepts complex numbers;
- `richardson`: central differences with ever smaller steps, extrapolated to step 0, for all other code.

A step along coordinate x is a fraction of its unit, max(1, |x|).

W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40 (1998);
C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.exceptions import ComplexWarning
from numpy.typing import ArrayLike

from .arrays import Array, floats

Terms = Callable[[Array], Array]  # from an argument of any shape to the terms of the loss
Line = Callable[[complex], Array]  # from t to the terms of the loss

EPS = 2.0**-52  # spacing of float64 at 1
TINY = 1e-20  # h of the complex step: nothing is subtracted, so h may be so small that h**2 vanishes beside 1
UNDERFLOW = 2.0**-1022  # smallest number with full precision: below it, float64 loses digits
STEPS = tuple(2.0**-k for k in range(6, 27))  # of the central differences: halved until the results settle
KINK_STEPS = (2.0**-16, 2.0**-20, 2.0**-24)

QUIET = np.errstate(all="ignore")  # a step may leave the domain of log; the verdict handles inf and nan


class Slope(NamedTuple):
    """Derivative of a sum of terms at t = 0."""

    value: float
    blur: float  # uncertainty of the value, from rounding and from steps that are not yet small enough
    size: float  # sum of |slope| + |value| over the terms that change; a vjp may be off by 1e-16 of it


def complex_step(g: Line, unit: float = 1.0) -> Slope:
    """Return Im g(ih) / h with h = 1e-20. Nothing is subtracted, so no digits are lost (Squire and Trapp 1998)."""
    terms = g(1j * TINY * unit)
    slopes = terms.imag / (TINY * unit)
    blur = 4 * EPS * np.abs(slopes).sum() + UNDERFLOW / TINY
    return Slope(slopes.sum(), blur, _size(slopes, terms.real))


def richardson(g: Line, unit: float = 1.0) -> Slope:
    """Return the slope by central differences, extrapolated to step 0: the step is halved until the results settle.

    The error of a central difference is a power series in h**2. Combining the results at h and h/2 eliminates its first
    power, combining two such results eliminates the next, and so on. Of all these results, the one that differs least
    from the two that it combines is returned (Ridders 1982). A kink within reach of the first steps does no harm: the
    steps shrink until it is out of reach.
    """
    best = Slope(math.nan, math.inf, math.nan)
    coarser: list[float] = []
    for step in STEPS:
        h = step * unit
        right = g(h)
        slopes = (right - g(-h)) / (2 * h)  # term by term, so that rounding in one does not disturb the others
        rounding = 4 * EPS * np.abs(right).sum() / h
        row = [slopes.sum()]
        for power, above in enumerate(coarser, start=1):
            row.append(row[-1] + (row[-1] - above) / (4**power - 1))
            blur = max(abs(row[-1] - row[-2]), abs(row[-1] - above)) + rounding
            if blur < best.blur:
                best = Slope(row[-1], blur, _size(slopes, right))
        if best.blur <= max(1e-10 * abs(best.value), 2 * rounding) < math.inf:
            break
        coarser = row
    return best


def _size(slopes: Array, values: Array) -> float:
    return float(np.abs(slopes).sum() + np.abs(values[slopes != 0]).sum())


METHODS = {"complex step": complex_step, "Richardson": richardson}


def best_method(g: Line) -> str:
    """Return "complex step" if it can be trusted along this line, else "Richardson"; the line should be random.

    The forward code must accept complex numbers, and it must be analytic: abs(), for example, silently drops the
    imaginary part. So the slope is compared with central differences, which need no complex numbers.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ComplexWarning)  # raise if an imaginary part is dropped
            slope = complex_step(g)
    except Exception:  # foreign code may raise anything on complex numbers
        return "Richardson"
    agree = abs(slope.value - richardson(g).value) <= 1e-6 * abs(slope.value) + 1e-9 * slope.size
    return "complex step" if agree else "Richardson"


def has_kink(g: Line, unit: float = 1.0) -> bool:
    """Return True if a term's slopes to the left and to the right of t = 0 differ, however small the step.

    For a smooth function, however curved, the difference shrinks with the step; at a kink it stays.
    """
    here = g(0.0)
    gaps = []
    for h in KINK_STEPS:
        right, left = (g(h * unit) - here) / h, (here - g(-h * unit)) / h
        gaps.append(right - left)
    gap = np.abs(gaps[-1])
    noise = 1e-7 * _size(np.abs(right) + np.abs(left), here)  # rounding makes gaps of 1e-8 at the last step
    return bool(np.any((np.ptp(gaps, axis=0) < gap / 2) & (gap > noise)))


def random_line(terms: Terms, x: Array, rng: np.random.Generator) -> Line:
    """Return a line through x on which all coordinates move, so that a kink or a dropped imaginary part shows."""
    direction = rng.standard_normal(x.shape) * units(x)
    return lambda t: terms(x + t * direction)


def coordinate_line(terms: Terms, x: Array, coordinate: tuple[int, ...]) -> Line:
    """Return the line through x on which only that coordinate moves."""
    direction = np.zeros(x.shape)
    direction[coordinate] = 1
    return lambda t: terms(x + t * direction)


def units(x: Array) -> Array:
    """Return max(1, |x|) for each coordinate x: the unit in which steps along it are measured."""
    return np.maximum(1.0, np.abs(x))


@QUIET
def numerical_gradient(f: Callable[[Any], Any], x: ArrayLike, *, method: str = "auto") -> Array:
    """Compute the gradient of a scalar function without any hand-written derivative.

    Parameters
    ----------
    f : callable
        Function of a float64 ndarray shaped as x, returning one number.
    x : array_like, any shape
        Point at which to differentiate. Kinks there go unnoticed: for `relu` at 0 the differences give 1/2.
    method : {"auto", "complex step", "Richardson"}
        "auto" takes the complex step if f accepts complex arrays and is analytic, otherwise Richardson.

    Returns
    -------
    ndarray of float64, shaped as x
        Accurate to about 1e-15 by complex step and 1e-10 by Richardson, relative to the largest coordinate.

    Raises
    ------
    ValueError
        If method is unknown, x does not hold real numbers, f(x) is not one number, or method is "complex step" and f
        does not accept complex arrays or is not analytic.
    """
    if method not in ("auto", *METHODS):
        raise ValueError(f"numerical_gradient: method is {method!r}, expected one of auto, {', '.join(METHODS)}")
    point = floats(x, "numerical_gradient: x")

    def terms(x: Array) -> Array:
        return np.atleast_1d(f(x))

    if (shape := np.shape(f(point.copy()))) != ():
        raise ValueError(f"numerical_gradient: f(x) has shape {shape}, expected one number, such as a sum")
    best = best_method(random_line(terms, point, np.random.default_rng(0)))
    if method == "complex step" != best:
        raise ValueError(
            "numerical_gradient: f does not take complex arrays or is not analytic; use method='Richardson'"
        )
    slope, unit = METHODS[best if method == "auto" else method], units(point)
    slopes = [slope(coordinate_line(terms, point, k), float(unit[k])).value for k in np.ndindex(point.shape)]
    return np.array(slopes).reshape(point.shape)
