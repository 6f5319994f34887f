"""The numerical gradient of any function that returns one number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arrays import Array, floats, terms_of
from .lines import QUIET, random_line
from .noise import is_deterministic
from .witnesses import witnesses

METHODS = ("auto", "complex step", "Richardson")


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
        Accurate to about 1e-15 by complex step and 1e-10 by Richardson, relative to each coordinate, at any scale of x
        and f, unless rounding in f leaves fewer digits.

    Raises
    ------
    ValueError
        If method is unknown, x does not hold real numbers, f(x) is not one number, f returns different numbers for the
        same x, or method is "complex step" and f does not accept complex arrays or is not analytic.
    """
    if method not in METHODS:
        raise ValueError(f"numerical_gradient: method is {method!r}, expected one of {', '.join(METHODS)}")
    point = floats(x, "numerical_gradient: x")

    def terms(x: Array) -> Array:
        return terms_of(f, (), x)

    if (shape := np.shape(f(point.copy()))) != ():
        raise ValueError(f"numerical_gradient: f(x) has shape {shape}, expected one number, such as a sum")
    rng = np.random.default_rng(0)
    if not is_deterministic(random_line(terms, point, rng)):
        raise ValueError(
            "numerical_gradient: f returns different numbers for the same x, expected the same: fix its seed inside f"
        )
    found = witnesses(terms, point, [*np.ndindex(point.shape)], rng, "Richardson" if method == "Richardson" else "auto")
    if method == "complex step" and any(slope.method != method for slope in found.slopes):
        raise ValueError(
            "numerical_gradient: f does not take complex arrays or is not analytic; use method='Richardson'"
        )
    return np.array([slope.value for slope in found.slopes]).reshape(point.shape)
