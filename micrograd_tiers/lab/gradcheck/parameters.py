"""Check the gradients of a function of several arrays, each by coordinates and all at once along random directions."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache

import numpy as np

from .arrays import Array, nudged
from .lines import random_direction
from .report import Check, Report
from .verdicts import check_gradient

GradientsAt = Callable[[Mapping[str, Array]], Mapping[str, Array]]


def check_parameters(
    loss: Callable[[dict[str, Array]], Array],
    point: Mapping[str, Array],
    gradients: Mapping[str, Array],
    gradients_at: GradientsAt | None,
    n_coordinates: int | None,
    n_directions: int,
    dtype: str,
    rng: np.random.Generator,
    lenient: bool = False,
) -> Report:
    """Compare the gradient of each array with the numerical derivatives of sum(loss(point)).

    One `Check` for each array, then one for each random direction in which all arrays move at once, so that every
    coordinate counts; no direction is taken if a gradient has the wrong shape. `dtype` is the gradients' type.
    `gradients_at` computes them at another point, to see their rounding errors vary. `lenient` as in `check_gradient`.
    """
    checks: list[Check] = []

    @cache
    def nearby() -> list[Mapping[str, Array]]:
        """Return the gradients at three points some ulps away."""
        if gradients_at is None:
            return []
        return [gradients_at({name: nudged(x, dtype, rng) for name, x in point.items()}) for _ in range(3)]

    for name, x in point.items():

        def terms(x: Array, name: str = name) -> Array:
            return loss({**point, name: x})

        def near(name: str = name) -> list[Array]:
            return [gradients[name] for gradients in nearby()]

        checks.append(check_gradient(name, terms, x, gradients[name], n_coordinates, dtype, rng, near, lenient=lenient))
    if point and all(gradients[name].shape == x.shape for name, x in point.items()):
        for k in range(n_directions):
            name = "direction" if n_directions == 1 else f"direction {k + 1}"
            checks.append(_check_direction(name, loss, point, gradients, dtype, rng))
    return Report(tuple(checks))


def _check_direction(
    name: str,
    loss: Callable[[dict[str, Array]], Array],
    point: Mapping[str, Array],
    gradients: Mapping[str, Array],
    dtype: str,
    rng: np.random.Generator,
) -> Check:
    """Check the derivative with respect to a number: how far all arrays have moved in a random direction."""
    directions = {key: random_direction(x, rng) for key, x in point.items()}
    parts = np.concatenate([np.ravel(gradients[key] * directions[key]).astype(np.float64) for key in point])

    def moved(t: Array) -> Array:
        moved = {key: x + t * directions[key] for key, x in point.items()}
        return loss({key: x if x.dtype.kind == "c" else x.astype(point[key].dtype) for key, x in moved.items()})

    gradient, magnitude = np.array(parts.sum()), float(np.abs(parts).sum())
    check = check_gradient(name, moved, np.zeros(()), gradient, None, dtype, rng, magnitude=magnitude)
    return replace(check, n_coordinates=len(parts))
