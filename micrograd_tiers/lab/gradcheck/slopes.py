"""Numerical slopes: the derivative of a function along a straight line, without a vjp.

The slope is d/dt of the sum of the terms at t = 0, computed by one of three methods:

- `complex_step`: Im g(ih) / h, accurate to the last digits, if the forward code accepts complex numbers;
- `differences`: central differences with ever smaller steps, extrapolated to step 0, for all other code;
- `fitted`: the slope of a fitted polynomial, less accurate, for a gradient that seems wrong. A kink near t = 0, as of a
  ReLU, can deceive the differences, but not the fit.

All choose their steps from the behavior of the function, not from a fixed length, and all say how far they can be
trusted: `Slope.blur`.

W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions", SIAM Review 40 (1998);
C. J. F. Ridders, "Accurate computation of F'(x) and F'(x)F''(x)", Advances in Engineering Software 4 (1982).
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .arrays import Array
from .lines import EPS, Line, eps_of
from .noise import noise_of

SMALLEST = 2.0**-1074  # smallest number above 0
COMPLEX_STEPS = (2.0**-30, 2.0**-60, 2.0**-120, 2.0**-240, 2.0**-480, 2.0**-960)  # as parts of the unit
CONSISTENT = 1e-12  # relative difference of two complex steps that agree
FIRST_STEP = 0.35  # of central differences, as a part of the unit; no power of 2, where periodic functions may repeat
COARSE = 2.0**8  # factor between the steps of the search for a good first step
LONGEST = 2.0**1000  # step of the search
ROWS = 16  # steps in one extrapolation, each half of the one before
RESTARTS = 4  # at most, with shorter steps, if details appear
BISECTIONS = 50  # of the logarithm of a step, to find the smallest change that can be seen
SHORTER = (2.0**-10, 2.0**-20, 2.0**-40)  # a result must agree with differences at steps so much shorter
NODES = np.cos(np.pi * (np.arange(16) + 0.5) / 16)  # of Chebyshev, where `fitted` computes the function
POWERS = np.vander(NODES, 8, increasing=True)
SLOPE_OF_FIT = np.linalg.pinv(POWERS)[1]  # slope at 0 of the polynomial of degree 7 nearest to values at NODES
NO_POLYNOMIAL = np.linalg.qr(POWERS, mode="complete")[0][:, 8:].T  # rows orthogonal to all such polynomials
SAFETY = 64.0  # one kink moves the slope of a fit by at most 17 times what the fit leaves unexplained; several, by more
KINK_STEPS = (2.0**-16, 2.0**-20, 2.0**-24)


class Slope(NamedTuple):
    """Derivative of a sum of terms at t = 0."""

    value: float
    blur: float  # uncertainty of the value, from rounding and from steps that are not yet small enough
    length: float  # distance over which the function looks straight, at least roughly
    steep: float  # sum of |slope| over the terms
    high: float  # sum of |term| over the terms that change
    method: str

    @property
    def size(self) -> float:
        """Size of the numbers that make up the slope: a vjp may be off by their rounding errors."""
        return self.steep + self.high / self.length


UNKNOWN = Slope(math.nan, math.inf, math.nan, math.nan, math.nan, "Richardson")


def slope_of(value: float, blur: float, length: float, slopes: Array, terms: Array, method: str) -> Slope:
    """Return a `Slope`, given the slope of each term and the terms."""
    steep, high = float(np.abs(slopes).sum()), float(np.abs(terms[slopes != 0]).sum())
    return Slope(float(value), float(blur), length, steep, high, method)


def complex_step(line: Line, noise: Array) -> Slope:
    """Return Im g(ih) / h. Nothing is subtracted, so no digits are lost, however small h (Squire and Trapp 1998).

    h is shortened until a step of h/8 gives the same slope and the real part changes as it must for an analytic
    function, by a multiple of h**2. The blur is infinite if no h does that.
    """
    here = line.at(0j).real
    rounding = 1e-9 * np.abs(here) + 100 * noise
    scale = 2.0 ** math.floor(math.log2(line.unit))
    for step in COMPLEX_STEPS:
        h = step * scale
        if h < SMALLEST * 2**40:
            break
        longer, terms = line.at(1j * h), line.at(1j * h / 8)
        slopes, change = terms.imag / (h / 8), terms.real - here
        sizes = float(np.abs(slopes).sum())
        gap = float(np.abs(longer.imag / h - slopes).sum()) if sizes < math.inf else math.inf
        curved = np.abs(longer.real - here - 64 * change) <= 0.1 * np.abs(longer.real - here) + rounding
        underflow = 64 * len(slopes) * SMALLEST / h
        if gap <= CONSISTENT * sizes + underflow < math.inf and curved.all():
            length = min(line.unit, h / math.sqrt(gap / sizes + EPS)) if sizes else line.unit
            blur = gap + 4 * EPS * sizes + underflow
            return slope_of(slopes.sum(), blur, length, slopes, here, "complex step")
    return UNKNOWN._replace(method="complex step")


def straight_length(line: Line, slope: Slope) -> float:
    """Return the distance over which the function looks straight: as far as longer complex steps give the slope."""
    length = slope.length
    while length * COARSE < LONGEST:
        h = length * COARSE / 16
        if not abs(line.at(1j * h).imag.sum() / h - slope.value) <= 0.01 * abs(slope.value):
            break
        length *= COARSE
    return length


class Pair(NamedTuple):
    """Central differences with steps h and -h."""

    slopes: Array  # of each term
    bar: float  # uncertainty of their sum, from the noise
    bend: float  # sum over the terms of how much the slopes to the left and to the right differ
    right: Array  # the terms at distance h


class _Differences:
    """Central differences of a line, with the uncertainty that the function's noise causes."""

    def __init__(self, line: Line, noise: Array) -> None:
        self.line, self.noise, self.here = line, noise, line.at(0.0)
        self.moving = np.zeros(noise.shape, bool)  # terms that have changed so far; the others have no noise

    def __call__(self, h: float) -> Pair:
        h = self.line.step(h)
        right, left = self.line.at(h), self.line.at(-h)
        slopes = (right - left) / (2 * h)  # term by term, so that rounding in one does not disturb the others
        bend = float(np.abs((right - self.here) - (self.here - left)).sum() / h) if h else math.inf
        noise = np.maximum(self.noise, eps_of(right) * np.maximum(np.abs(right), np.abs(left)))
        self.moving |= right != left
        seen = noise[self.moving] if self.moving.any() else noise / 8  # a change below the noise may go unseen
        bar = float(8 * seen.sum() + SMALLEST) / h if h else math.inf
        return Pair(slopes, bar, bend, right)

    def agree(self, long: float, short: float) -> bool:
        """Return True if the differences of the terms at two steps agree within 1 % and their uncertainties.

        Slopes to the left and to the right of a curve differ less, the shorter the step. If they differ more, the
        longer step jumped over a detail, such as a peak between two flat sides.
        """
        one, two = self(long), self(short)
        bars = one.bar + two.bar
        allowed = 0.01 * max(np.abs(one.slopes).sum(), np.abs(two.slopes).sum()) + bars
        return bool(np.abs(one.slopes - two.slopes).sum() <= allowed < math.inf and two.bend <= 2 * one.bend + 2 * bars)

    def first_step(self, h: float) -> float:
        """Return a step short enough to see a straight line, from h on, and as long as the noise demands."""
        while not self.agree(h, h / COARSE) and h / COARSE**2 > SMALLEST:
            h /= COARSE
        ratio = COARSE
        while h * ratio < LONGEST:
            near = self(h)
            if near.bar <= 1e-10 * abs(near.slopes.sum()) or near.bar <= 2 * SMALLEST / h:
                break
            farther = self.away(h * ratio)
            if farther is not None and farther(h * ratio).bar < near.bar and farther.agree(h * ratio, h):
                h, self.noise = h * ratio, farther.noise
                ratio = ratio if near.slopes.any() else min(ratio**2, COARSE**16)  # no change yet: look much farther
            elif ratio > COARSE:
                ratio = math.sqrt(ratio)
            else:
                break
        return h

    def away(self, h: float) -> _Differences | None:
        """Return the same differences with the noise at distance h, or None if that is more than rounding explains."""
        line = self.line
        noise = noise_of(Line(lambda t: line.at(h + t), h))
        here, there = np.abs(self.here), np.abs(line.at(h))
        growth = np.maximum(1.0, np.divide(there, here, out=np.ones(here.shape), where=here > 0))
        if not np.all(noise <= 16 * (self.noise * growth + eps_of(there) * there)):
            return None
        return _Differences(line, np.maximum(self.noise, noise))

    def extrapolated(self, h: float) -> Slope:
        """Return the slope extrapolated to step 0 from steps h, h/2, h/4, ... (Ridders 1982).

        The error of a central difference is a power series in h**2. Combining the results at h and h/2 eliminates its
        first power, combining two such results eliminates the next, and so on. The result that differs least from the
        two that it combines is returned.
        """
        best = UNKNOWN
        coarser: list[float] = []
        for _ in range(ROWS):
            pair = self(h)
            row = [pair.slopes.sum()]
            for power, above in enumerate(coarser, start=1):
                row.append(row[-1] + (row[-1] - above) / (4**power - 1))
                blur = max(abs(row[-1] - row[-2]), abs(row[-1] - above)) + pair.bar
                if blur < best.blur:
                    best = slope_of(row[-1], blur, h, pair.slopes, pair.right, "Richardson")
            if best.blur <= max(1e-10 * abs(best.value), 2 * pair.bar) < math.inf:
                break
            coarser, h = row, h / 2
        return best

    def contradiction(self, slope: Slope) -> float | None:
        """Return a shorter step whose difference contradicts the slope, or None."""
        longest = self(slope.length)
        for part in SHORTER:
            pair = self(h := slope.length * part)
            off = abs(pair.slopes.sum() - slope.value)
            bars = longest.bar + pair.bar
            if off > 1e-3 * abs(slope.value) + slope.blur + pair.bar or pair.bend > 2 * longest.bend + 2 * bars:
                return h
        return None


def differences(line: Line, noise: Array, *, certain: bool = False, cautious: bool = False) -> Slope:
    """Return the slope by central differences, extrapolated to step 0.

    The first step is so short that the function looks straight, and so long that its noise leaves enough digits. A
    result that differences at much shorter steps contradict is given up: the function has details that the longer steps
    jumped over.

    Parameters
    ----------
    line : Line
    noise : ndarray
        Noise of each term, as `noise_of` estimates it.
    certain : bool
        If nothing changes, ask how large a change the function could hide; this takes about 60 evaluations.
    cautious : bool
        Count the noise of terms that do not change, too, as it may hide a change.
    """
    central = _Differences(line, noise)
    central.moving |= cautious
    slope, h = UNKNOWN, FIRST_STEP * line.unit
    nearby = central(h)
    for _ in range(RESTARTS):
        first = central.first_step(h)
        found = central.extrapolated(16 * first if first < h else 2 * first)
        slope = found if math.isfinite(found.value) else slope
        shorter = central.contradiction(found)
        if shorter is None:
            break
        h = shorter
    else:
        return slope._replace(blur=math.inf)
    if slope.length > line.unit:
        long, short = central(slope.length), central(slope.length / COARSE)
        bent = short.bend > long.bend / 4 + 4 * (long.bar + short.bar)  # a kink that the noise hides from short steps
        unseen = (
            slope.steep <= slope.blur
        )  # never a change above the noise: then far steps are no better than near ones
        slope = slope._replace(blur=slope.blur + (short.bend if bent else 0.0) + (nearby.bar if unseen else 0.0))
    return slope._replace(blur=max(slope.blur, hidden(line))) if certain and slope.steep == 0 else slope


def fitted(line: Line, noise: Array, slope: Slope) -> Slope:
    """Return the slope of a polynomial fitted to each term; its blur allows for a kink anywhere near t = 0.

    No polynomial of degree 7 follows a kink through 16 points, and what it leaves unexplained bounds how far the kink
    moves its slope. The distance starts at that of a slope by another method and is shortened until rounding hides more
    than is gained: so the most certain fit does not reach the kink, if there is a distance between the two.
    """
    best, h = UNKNOWN, slope.length
    while h > SMALLEST / EPS:
        terms = np.array([line.at(h * t) for t in NODES.tolist()])
        rounding = np.maximum(noise, eps_of(terms) * np.abs(terms).max(axis=0)).sum()
        if not SAFETY * rounding / h < best.blur:
            break
        slopes, rest = (np.tensordot(rows, terms - terms[0], axes=1) for rows in (SLOPE_OF_FIT, NO_POLYNOMIAL))
        blur = SAFETY * (rounding + np.linalg.norm(rest, axis=0).sum()) / h
        if blur < best.blur:
            best = slope_of(slopes.sum() / h, blur, slope.length, slopes / h, terms[0], "fit")
        h /= 8
    return best if math.isfinite(best.value) else slope


def hidden(line: Line) -> float:
    """Return the steepest slope that the function could hide, if it does not change nearby: 0 if it never changes.

    Where a long step shows the first change, bisection finds the smallest change that can be seen. If it is tiny, the
    function is constant up to there; if not, smaller changes are rounded away, as in (1 + x**2) - 1.
    """
    here = line.at(0.0)

    def change(h: float) -> float:
        return max(float(np.nan_to_num(np.abs(line.at(t) - here)).sum()) for t in (h, -h))

    near = far = FIRST_STEP * line.unit
    while not change(far):
        near, far = far, far * COARSE
        if far > LONGEST:
            return 0.0
    for _ in range(BISECTIONS):
        middle = math.sqrt(near) * math.sqrt(far)
        near, far = (near, middle) if change(middle) else (middle, far)
    return change(far) / far


def has_kink(line: Line, noise: Array, length: float = 1.0) -> bool:
    """Return True if a term's slopes to the left and to the right of t = 0 differ, however small the step.

    For a smooth function, however curved, the difference shrinks with the step; at a kink it stays. The steps are parts
    of `length`, over which the function should look straight, but not lost in the noise.
    """
    here, first = line.at(0.0), KINK_STEPS[0]
    noise = np.maximum(noise, eps_of(here) * np.abs(here))
    slope = max(np.abs(line.at(t * length) - here).sum() for t in (first, -first)) / (first * length)
    shortest = max(KINK_STEPS[-1] * length, 2.0**12 * noise.sum() / slope if slope else 0.0)
    if shortest * KINK_STEPS[0] / KINK_STEPS[-1] > length:
        return False
    gaps, h = [], 1.0
    for part in KINK_STEPS:
        h = line.step(shortest * part / KINK_STEPS[-1])
        right, left = (line.at(h) - here) / h, (here - line.at(-h)) / h
        gaps.append(right - left)
    gap = np.abs(gaps[-1])
    rounding = 1e-7 * (np.abs(right) + np.abs(left)) + 8 * noise / h
    return bool(np.any((np.ptp(gaps, axis=0) < gap / 2) & (gap > rounding)))
