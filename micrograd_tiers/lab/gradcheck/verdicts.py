"""Compare a gradient with its numerical derivative: choose the coordinates, and decide if the numbers agree."""

import math

import numpy as np

from ...arguments import whole_number
from .arrays import Array
from .report import Check, VerdictKind
from .slopes import METHODS, Terms, best_method, coordinate_line, has_kink, random_line, units

TOLERANCE = {"complex step": 1e-10, "Richardson": 1e-7}  # rounding logits of 1e4 alone moves e**z by 1e-12
TOLERANCE_FLOAT32 = 1e-4  # for float32 gradients; the numerical derivative is still taken in float64
FLOOR = 1e-3  # share of the largest coordinate; errors of coordinates below it are measured relative to it
ALIKE = 1e-3  # largest relative error of two numbers that agree without the floor


def check_gradient(
    name: str, terms: Terms, x: Array, gradient: Array, n: int | None, dtype: str, rng: np.random.Generator
) -> Check:
    """Compare a gradient with numerical derivatives of sum(terms(x)), at n coordinates, or at all if n is None.

    `dtype` is the type in which the gradient was computed.
    """
    coordinates = _chosen(gradient, n, rng)
    if gradient.shape != x.shape or not coordinates:
        verdict = VerdictKind.EMPTY, ""
        if gradient.shape != x.shape:
            verdict = VerdictKind.SHAPE, f"got {gradient.shape}, expected {x.shape}"
        return Check(name, "-", 0, None, math.nan, math.nan, math.nan, math.nan, *verdict)

    probe, unit = random_line(terms, x, rng), units(x)
    method, look_closer = best_method(probe), has_kink(probe)
    lines = [(coordinate_line(terms, x, k), float(unit[k])) for k in coordinates]
    numerical, blur, sizes = np.array([METHODS[method](g, unit) for g, unit in lines]).T
    kinks = [look_closer and has_kink(g, unit) for g, unit in lines]

    analytic = np.array([gradient[k] for k in coordinates])
    tolerance = TOLERANCE_FLOAT32 if dtype == "float32" else TOLERANCE[method]
    size = np.maximum(np.abs(analytic), np.abs(numerical))
    scale = max(np.abs(gradient).max(), size.max())
    rounding = 4 * np.finfo(dtype).eps * sizes + np.finfo(dtype).tiny
    floor = np.maximum(FLOOR * scale, (blur + rounding) / tolerance)
    difference = np.abs(analytic - numerical)
    error = difference / np.maximum(size, floor)
    off_kinks = np.where(kinks, 0, error)
    # With the floor, even pure rounding errors agree. So at least one pair must agree without it, and no numerical
    # derivative may be so uncertain that a sizable error would go unnoticed.
    tested = np.any((difference <= ALIKE * size) & (size > 10 * blur)) and blur.max() <= ALIKE * scale

    if not np.isfinite(error).all():
        kind, worst = VerdictKind.NOT_FINITE, int(np.isfinite(error).argmin())
    elif off_kinks.max() > tolerance:
        kind, worst = VerdictKind.WRONG, int(off_kinks.argmax())
    elif any(kinks):
        kind, worst = VerdictKind.KINK, kinks.index(True)
    else:
        kind = VerdictKind.ALL_ZERO if scale == 0 else VerdictKind.PASS if tested else VerdictKind.LOST
        worst = int(error.argmax())
    numbers = float(analytic[worst]), float(numerical[worst]), float(error[worst])
    coordinate = None if kind is VerdictKind.ALL_ZERO else coordinates[worst] or None  # a number has no coordinate
    return Check(name, method, len(coordinates), coordinate, *numbers, tolerance, kind)


def _chosen(gradient: Array, n: int | None, rng: np.random.Generator) -> list[tuple[int, ...]]:
    """Return all coordinates, or n of them: half are the largest (or NaN), the rest random."""
    if n is not None:
        n = whole_number("n_coordinates", n, 0)
    order = [*range(gradient.size)]
    if n is not None and n < gradient.size:
        largest = np.argsort(-np.nan_to_num(np.abs(gradient), nan=math.inf), axis=None)
        order = [*dict.fromkeys([*largest[: (n + 1) // 2], *rng.permutation(gradient.size)])][:n]
    return [tuple(map(int, np.unravel_index(k, gradient.shape))) for k in order]
