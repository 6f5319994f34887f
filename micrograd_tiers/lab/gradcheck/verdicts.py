"""Compare a gradient with its numerical derivative: choose the coordinates, and decide if the numbers agree."""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np

from ...arguments import whole_number
from .arrays import Array
from .lines import EPS, Line, Terms, coordinate_line, random_line, units
from .noise import is_deterministic
from .report import Check, VerdictKind
from .slopes import Slope, complex_step, has_kink, hidden, straight_length
from .witnesses import second_opinion, witnesses

Nearby = Callable[[], Sequence[Array]]
TOLERANCE = {"complex step": 1e-10, "Richardson": 1e-7, "fit": 1e-7}  # rounding logits of 1e4 alone moves e**z by 1e-12
TOLERANCE_FLOAT32 = 1e-4  # for float32 gradients; the numerical derivative is still taken in float64
ALIKE = 1e-3  # largest relative error of two numbers that agree except for rounding
NUDGES = (2.0**-48, -(2.0**-47), 3 * 2.0**-48)  # of all coordinates, by a few ulps, to see rounding errors vary


def check_gradient(
    name: str,
    terms: Terms,
    x: Array,
    gradient: Array,
    n: int | None,
    dtype: str,
    rng: np.random.Generator,
    nearby: Nearby = lambda: [],
    magnitude: float = 0.0,
    lenient: bool = False,
) -> Check:
    """Compare a gradient with numerical derivatives of sum(terms(x)), at n coordinates, or at all if n is None.

    Each coordinate is judged by its own scale. It is wrong only if two methods say so, one of which no kink near the
    point deceives; at a kink it is not judged. `dtype` is the type in which the gradient was computed. Two arguments
    tell how far it may be off by rounding: `nearby` returns gradients at points some ulps away, `magnitude` is the
    size of the numbers that were summed for it. If `lenient`, coordinates that rounding hides are passed if they are
    small beside the largest: those of saturated units in a net.
    """
    coordinates = _chosen(gradient, n, rng)
    if gradient.shape != x.shape:
        return unchecked(name, VerdictKind.SHAPE, f"got {gradient.shape}, expected {x.shape}")
    if not coordinates:
        return unchecked(name, VerdictKind.EMPTY)
    probe = random_line(terms, x, rng)
    if not is_deterministic(probe):
        return unchecked(name, VerdictKind.NOT_DETERMINISTIC)

    slopes, lines, noise = witnesses(terms, x, coordinates, rng)
    analytic = np.array([gradient[k] for k in coordinates])
    doubts = [_contradicts(slope, number, dtype) for slope, number in zip(slopes, analytic, strict=True)]
    for i in np.flatnonzero(doubts):
        contradicts = partial(_contradicts, analytic=analytic[i], dtype=dtype)
        slopes[i] = second_opinion(lines[i], noise, slopes[i], contradicts)
    lengths = [slope.length for slope in slopes]
    unit = units(x)
    straight = min(1.0, *(length / unit[k] for length, k in zip(lengths, coordinates, strict=True)))
    look_closer = has_kink(probe, noise, straight)
    kinks = [
        (look_closer or doubt) and has_kink(line, noise, min(length, line.unit))
        for line, length, doubt in zip(lines, lengths, doubts, strict=True)
    ]

    numerical, blur = np.array([(slope.value, slope.blur) for slope in slopes]).T
    tolerance = np.array([_tolerance(slope.method, dtype) for slope in slopes])
    size = np.maximum(np.abs(analytic), np.abs(numerical))
    scale = max(np.abs(gradient).max(), size.max())
    difference = np.abs(analytic - numerical)
    sizes = np.array([slope.size for slope in slopes])
    eps = float(np.finfo(dtype).eps)
    wobble, varying = np.zeros(len(slopes)), np.zeros(len(slopes))  # of gradient and slopes, within some ulps
    suspects = [i for i in np.flatnonzero(difference > tolerance * size) if not kinks[i]]
    near = [np.abs(other - gradient) for other in nearby()] if suspects else []
    for i in suspects:
        wobble[i] = 16 * max([0.0, *(float(change[coordinates[i]]) for change in near)])
        if slopes[i].method == "complex step":
            sizes[i] = slopes[i]._replace(length=straight_length(lines[i], slopes[i])).size
            varying[i] = 16 * eps / EPS * _noise_of_slope(terms, x, coordinates[i], slopes[i], noise, rng)
        elif slopes[i].steep == 0:
            blur[i] += hidden(lines[i])
    uncertainty = blur + wobble + varying + 4 * eps * (sizes + magnitude) + np.finfo(dtype).tiny
    # A coordinate may be off by the rounding of the largest one, as long as its own first digits are right.
    rounded = (difference <= ALIKE * size) & (difference <= 4 * eps * scale)
    error = difference / np.maximum(size, uncertainty / tolerance)
    error = np.where(rounded, np.minimum(error, tolerance), error)
    excess = np.where(kinks, 0, error / tolerance)
    # Even pure rounding errors agree within their uncertainty. So at least one coordinate must agree in its first
    # digits, and so must each of the others, unless its gradient is a rounding error itself or may be negligible.
    alike = (difference <= ALIKE * size) & ((blur <= ALIKE * size) | ((size == 0) & (blur <= ALIKE * scale)))
    excused = ((wobble > 0) & (np.abs(analytic) <= wobble)) | (lenient & (uncertainty <= ALIKE * scale))
    tested = np.any(alike & (size > 0)) and np.all(alike | kinks | excused)

    known = np.isfinite(error)
    if not known.all():  # no slope at all was found where only the steps are not finite
        finite = np.isfinite(analytic).all() and np.isfinite(noise).all()
        kind, worst = VerdictKind.LOST if finite else VerdictKind.NOT_FINITE, int(known.argmin())
    elif excess.max() > 1:
        kind, worst = VerdictKind.WRONG, int(excess.argmax())
    elif any(kinks):
        kind, worst = VerdictKind.KINK, kinks.index(True)
    else:
        kind = VerdictKind.ALL_ZERO if scale == 0 else VerdictKind.PASS if tested else VerdictKind.LOST
        worst = int((error / tolerance).argmax() if tested else alike.argmin())
    numbers = float(analytic[worst]), float(numerical[worst]), float(error[worst])
    coordinate = None if kind is VerdictKind.ALL_ZERO else coordinates[worst] or None  # a number has no coordinate
    method, allowed = slopes[worst].method, float(tolerance[worst])
    return Check(name, method, len(coordinates), coordinate, *numbers, allowed, kind)


def unchecked(name: str, kind: VerdictKind, detail: str = "") -> Check:
    """Return a check without numbers, as none were compared."""
    return Check(name, "-", 0, None, math.nan, math.nan, math.nan, math.nan, kind, detail)


def _tolerance(method: str, dtype: str) -> float:
    return TOLERANCE_FLOAT32 if dtype == "float32" else TOLERANCE[method]


def _contradicts(slope: Slope, analytic: float, dtype: str) -> bool:
    """Return True if the gradient is not the slope, within the slope's own uncertainty."""
    allowed = _tolerance(slope.method, dtype) * max(abs(analytic), abs(slope.value))
    return abs(analytic - slope.value) > max(allowed, slope.blur)


def _noise_of_slope(
    terms: Terms, x: Array, coordinate: tuple[int, ...], slope: Slope, noise: Array, rng: np.random.Generator
) -> float:
    """Return how much the slope by complex step changes if all coordinates move by a few ulps."""
    changes, unit = [0.0], units(x)
    for nudge in NUDGES:
        near = np.array(x + nudge * unit * rng.uniform(0.5, 1.5, x.shape))
        line: Line = coordinate_line(terms, near, coordinate, unit[coordinate])
        changes.append(abs(complex_step(line, noise).value - slope.value))
    return max(changes)


def _chosen(gradient: Array, n: int | None, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return all coordinates, or n of them: half are the largest (or NaN), the rest random."""
    if n is not None:
        n = whole_number("n_coordinates", n, 0)
    order = [*range(gradient.size)]
    if n is not None and n < gradient.size:
        largest = np.argsort(-np.nan_to_num(np.abs(gradient), nan=math.inf), axis=None)
        order = [*dict.fromkeys([*largest[: (n + 1) // 2], *rng.permutation(gradient.size)])][:n]
    return [tuple(map(int, np.unravel_index(k, gradient.shape))) for k in order]
