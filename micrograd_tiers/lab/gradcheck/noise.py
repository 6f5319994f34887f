"""Noise of a function: how far rounding moves its value, and if it returns the same value twice.

J. J. Moré and S. M. Wild, "Estimating computational noise", SIAM Journal on Scientific Computing 33 (2011).
"""

import math

import numpy as np

from .arrays import Array
from .lines import Line, eps_of

# Points at which a function is computed: irregular, as rounding errors at equal distances may be equal by chance.
POINTS = np.array([-3.0, -2.1, -0.8, 0.3, 1.2, 1.9, 3.1])
NO_CUBIC = np.linalg.qr(np.vander(POINTS, 4), mode="complete")[0][:, 4:].T  # rows orthogonal to all cubics at POINTS
SPACINGS = tuple(2.0**k for k in (-38, -32, -26, -20, -12, -6, -3))  # of the points, as parts of the unit
RANDOM = 1e-3  # noise of terms that look random, as a part of the largest gap between their values
FINER = tuple(2.0**k for k in range(-80, -1000, -32))  # if terms look random: a coordinate of 0 may have tiny details


def noise_of(line: Line) -> Array:
    """Return the noise of each term near t = 0: the size of its rounding errors.

    The terms are computed at seven points, thousands of ulps apart. Near enough, a smooth function is a cubic; the part
    of the values that no cubic explains is noise (as in Moré and Wild 2011, with a fit in place of differences). If
    most values are equal, the points are too close, as for a function that rounds its input to float32: then they are
    moved apart, and the noise is at least a part of the smallest gap between two values, unless it is seen to be less
    farther away. A term that does not change is taken to have the noise of its type; `slopes.hidden` asks how large a
    change it could hide.
    """
    here = line.at(0.0)
    least = eps_of(here) / 2 * np.abs(here)
    if not np.isfinite(here).all():
        return np.where(np.isfinite(here), least, math.inf)
    unknown, noise = np.ptp(_near(line, SPACINGS[-1]), axis=0) != 0, least
    for spacing in SPACINGS if unknown.any() else ():
        rounding, gaps, apart = _spread(_near(line, spacing))
        apart &= unknown
        if spacing == SPACINGS[0]:
            rounding = _finer(line, rounding, apart & (rounding > RANDOM * gaps.max(axis=0)))
        else:
            rounding = np.maximum(rounding, np.where(gaps > 0, gaps, math.inf).min(axis=0) / 4)
            if apart.any():
                rounding = np.minimum(rounding, _beyond(line, POINTS[-1] * spacing * line.unit))
        noise = np.where(apart, np.maximum(least, rounding), noise)
        unknown = unknown & ~apart
        if not unknown.any():
            break
    return noise


def _near(line: Line, spacing: float) -> Array:
    return np.array([line.at(float(k) * spacing * line.unit) for k in POINTS])


def _spread(values: Array) -> tuple[Array, Array, Array]:
    """Return the size of the rounding errors, the gaps, and True if most of the values (axis 0) of a term differ."""
    gaps = np.diff(np.sort(values, axis=0), axis=0)
    apart = ((gaps == 0).sum(axis=0) < len(values) // 2) & np.isfinite(values).all(axis=0)
    rest = np.tensordot(NO_CUBIC, values - values[0], axes=1)
    return np.abs(rest).max(axis=0), gaps, apart


def _finer(line: Line, rounding: Array, random: Array) -> Array:
    """Return smaller rounding errors for terms that look random but are smooth if seen from nearer."""
    for spacing in FINER if random.any() else ():
        finer, gaps, apart = _spread(_near(line, spacing))
        smooth = random & apart & (finer <= RANDOM * gaps.max(axis=0))
        rounding, random = np.where(smooth, finer, rounding), random & ~smooth
        if not random.any() or not np.any(random & apart):
            break
    return rounding


def _beyond(line: Line, distance: float) -> Array:
    """Return the noise that terms show at a distance to the left and to the right; infinite if they show none there.

    A term that is constant near t = 0 and changes beyond a kink, as of a ReLU that is off, shows its noise there. No
    cubic explains the kink itself, but that is no noise.
    """
    noise, seen = np.zeros(line.at(0.0).shape), np.zeros(line.at(0.0).shape, bool)
    for far in (distance, -distance):
        rounding, _, apart = _spread(np.array([line.at(far + float(k) * SPACINGS[0] * line.unit) for k in POINTS]))
        noise, seen = np.where(apart, np.maximum(noise, rounding), noise), seen | apart
    return np.where(seen, noise, math.inf)


def is_deterministic(line: Line) -> bool:
    """Return True if two calls with the same input give the same terms, at t = 0 and beside it, within rounding."""
    for t in (0.0, 2.0**-10 * line.unit):
        first, second = line.at(t), line.at(t)
        rounding = 100 * eps_of(first) * np.abs(first).sum()
        if not np.array_equal(first, second, equal_nan=True) and not np.abs(first - second).sum() <= rounding:
            return False
    return True
