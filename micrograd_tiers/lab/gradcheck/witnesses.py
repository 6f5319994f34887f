"""Two witnesses of a slope, the complex step and central differences, and which of them to trust at each coordinate."""

import math
import warnings
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.exceptions import ComplexWarning

from .arrays import Array
from .lines import Line, Terms, coordinate_line, line_along, random_line, units
from .noise import noise_of
from .slopes import UNKNOWN, Slope, complex_step, differences, fitted, slope_of

AGREE = 1e-6  # relative difference of a complex step and differences that agree
CONFIRMED = 1e-3  # relative uncertainty of differences that confirm a complex step


class Witness(NamedTuple):
    """Numerical derivatives of sum(terms(x)) at some coordinates, and the noise of each term."""

    slopes: list[Slope]
    lines: list[Line]
    noise: Array


def witnesses(
    terms: Terms, x: Array, coordinates: Sequence[tuple[int, ...]], rng: np.random.Generator, method: str = "auto"
) -> Witness:
    """Differentiate sum(terms(x)) along each coordinate, by the method that can be trusted there.

    The complex step is accurate, but not every function is analytic: abs(), for example, silently drops the imaginary
    part. So its slopes are compared with differences, along one line for all coordinates with slopes of the same order
    of magnitude, so that none hides another. Where they differ, differences are taken coordinate by coordinate, and
    decide, unless they are too uncertain or too long to see the same details.
    """
    noise = noise_of(random_line(terms, x, rng))
    unit = units(x)
    lines = [coordinate_line(terms, x, k, unit[k]) for k in coordinates]
    if not np.isfinite(noise).all():
        return Witness([UNKNOWN] * len(lines), lines, noise)
    if method == "Richardson" or not lines or (complex_slopes := _complex_steps(lines, noise)) is None:
        return Witness([differences(line, noise) for line in lines], lines, noise)
    slopes = complex_slopes
    if method == "auto":
        for k in _doubtful(terms, x, coordinates, slopes, noise, rng):
            real = differences(lines[k], noise, certain=True)
            confirmed = real.blur <= CONFIRMED * abs(slopes[k].value) and not _differ(real, slopes[k])
            if not confirmed and _may_overrule(real, lines[k], slopes[k]):
                slopes[k] = real
    return Witness(slopes, lines, noise)


def second_opinion(line: Line, noise: Array, slope: Slope, contradicts: Callable[[Slope], bool]) -> Slope:
    """Return the slope at a coordinate whose gradient the given slope contradicts: a fit, if that does not.

    A complex step reaches no kink and stands. But where it sees no slope at all, the code may have dropped the
    imaginary part.
    """
    if slope.method == "complex step":
        if slope.steep > 0:
            return slope
        slope = differences(line, noise)
    fit = fitted(line, noise, slope)
    return slope if contradicts(fit) else fit


def _complex_steps(lines: Sequence[Line], noise: Array) -> list[Slope] | None:
    """Return the slopes by complex step, or None if the function does not take complex numbers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", ComplexWarning)  # raise if an imaginary part is dropped
            return [complex_step(line, noise) for line in lines]
    except Exception:  # foreign code may raise anything on complex numbers
        return None


def _doubtful(
    terms: Terms,
    x: Array,
    coordinates: Sequence[tuple[int, ...]],
    slopes: Sequence[Slope],
    noise: Array,
    rng: np.random.Generator,
) -> list[int]:
    """Return the indices of slopes by complex step that differences do not confirm."""
    unit, groups, doubtful = units(x), dict[int, list[int]](), list[int]()
    for k, slope in enumerate(slopes):
        if slope.blur <= 1e-9 * abs(slope.value) or slope.value == 0:
            change = abs(slope.value) * unit[coordinates[k]]
            groups.setdefault(round(math.log2(change) / 10) if 0 < change < math.inf else 0, []).append(k)
        else:
            doubtful.append(k)
    for group in groups.values():
        direction = np.zeros(x.shape)
        length = min(1.0, *(slopes[k].length / unit[coordinates[k]] for k in group))
        for k in group:
            direction[coordinates[k]] = unit[coordinates[k]] * rng.uniform(0.5, 1.5) * rng.choice([-1, 1])
        parts = [direction[coordinates[k]] * slopes[k].value for k in group]
        line = line_along(terms, x, direction)._replace(unit=length)
        claimed = slope_of(sum(parts), 0.0, length, np.array(parts), np.zeros(len(parts)), "complex step")
        if _differ(differences(line, noise, cautious=True), claimed):
            doubtful += group
    return doubtful


def _differ(real: Slope, claimed: Slope) -> bool:
    """Return True if differences are certain enough to contradict a slope by complex step."""
    return not abs(real.value - claimed.value) <= AGREE * claimed.steep + 3 * (real.blur + claimed.blur)


def _may_overrule(real: Slope, line: Line, claimed: Slope) -> bool:
    """Return True if differences saw the details that the complex step saw.

    Either their steps were short enough, or the complex step is the same at steps as long: then there are no finer
    details.
    """
    if not real.length > 4 * claimed.length:  # or the complex step found no length
        return True
    h = real.length / 16
    return bool(abs(line.at(1j * h).imag.sum() / h - claimed.value) <= 0.01 * abs(claimed.value))
