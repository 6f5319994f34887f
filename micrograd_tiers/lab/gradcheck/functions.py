"""Check the gradient of any function: yours in NumPy, a framework's, a compiled one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...arguments import whole_number
from ...conversion import as_array
from ...errors import DataError
from ...rng import generator
from .arrays import Array, drawn, floats, terms_of
from .lines import QUIET, random_direction
from .parameters import check_parameters
from .report import Check, Report, VerdictKind
from .verdicts import check_gradient, unchecked

X = "x"  # name of the argument in the report, if it is one array


@QUIET
def check(
    f: Callable[[Any], Any],
    gradient: ArrayLike | Mapping[str, ArrayLike] | Callable[..., Any],
    x: ArrayLike | Mapping[str, ArrayLike],
    *,
    dy: ArrayLike | None = None,
    n_coordinates: int | None = 100,
    n_directions: int = 1,
    seed: int | np.random.Generator = 0,
) -> Report:
    """Check the gradient of a function against its numerical derivative; the function may come from anywhere.

    Parameters
    ----------
    f : callable
        Function of x, or of a dict shaped as x. It returns one number or an array, and must return the same for the
        same x. It need not accept complex numbers; if it does, the check is more accurate.
    gradient : array_like, dict of array_like, or callable
        Gradient at x, shaped as x, or the function that computes it: `gradient(x)` if f returns one number,
        `gradient(x, dy)`, the vjp, if f returns an array.
    x : array_like, or dict of array_like
        Point at which to check. A float32 ndarray stays float32; everything else becomes float64.
    dy : array_like, shaped as f(x); optional
        dL/dy, if f returns an array; by default drawn at random, of either sign and none near 0.
    n_coordinates : int or None
        Number of coordinates of each array to check; None for all, 0 for none (see n_directions).
    n_directions : int
        Number of random directions in which all coordinates move at once. A direction costs as much as one coordinate,
        so for large inputs check few coordinates and some directions.
    seed : int or numpy.random.Generator
        Seed for dy, the choice of coordinates, and the directions.

    Returns
    -------
    Report
        One `Check` for each array, and one for each direction. `print` shows it; it is true if all passed.

    Raises
    ------
    ValueError
        If x, gradient, dy or the value are not real numbers or do not belong together.

    Examples
    --------
    >>> import numpy as np, micrograd_tiers as mt
    >>> mt.check(lambda x: np.sum(x**3), lambda x: 3 * x**2, [1.0, -2.0]).passed
    True
    """
    rng = generator(seed)
    whole_number("n_directions", n_directions, 0)
    point = _arrays(x, "x")
    named = isinstance(x, Mapping)

    def call(function: Callable[..., Any], point: Mapping[str, Array], *rest: Array) -> Any:
        copies = {name: array.copy() for name, array in point.items()}
        return function(copies if named else copies[X], *(array.copy() for array in rest))

    value = as_array(call(f, point), "f(x)")
    weights = _dy(dy, value, rng)

    def loss(point: Mapping[str, Array]) -> Array:
        return np.atleast_1d(weights) * terms_of(lambda: call(f, point), value.shape)

    def gradients_at(point: Mapping[str, Array]) -> dict[str, Array]:
        given = call(gradient, point, *[weights] * bool(value.ndim)) if callable(gradient) else gradient
        return _arrays(given, "gradient", point)

    if value.ndim and not callable(gradient):
        raise DataError(
            f"gradient is an array, and f(x) has shape {value.shape}: pass a vjp, a function gradient(x, dy), or let f "
            "return one number, such as a sum"
        )
    first = gradients_at(point)
    dtype = "float32" if any(a.dtype == np.float32 for a in (value, *point.values(), *first.values())) else "float64"
    report = check_parameters(loss, point, first, gradients_at, n_coordinates, n_directions, dtype, rng)
    again = gradients_at(point)
    checks = [
        check
        if check.name not in point or np.array_equal(first[check.name], again[check.name], equal_nan=True)
        else unchecked(check.name, VerdictKind.NOT_DETERMINISTIC)
        for check in report.checks
    ]
    # Arrays of which no coordinate was to be checked count only if there is nothing else.
    return Report(tuple([check for check in checks if check.kind is not VerdictKind.EMPTY] or checks))


@QUIET
def check_jvp(
    f: Callable[[Array], Any],
    jvp: Callable[[Array, Array], Any],
    x: ArrayLike,
    *,
    n_directions: int = 5,
    seed: int | np.random.Generator = 0,
) -> Report:
    """Check a Jacobian-vector product, the derivative of forward mode, along random directions.

    Parameters
    ----------
    f : callable
        Function of an array shaped as x, returning one number or an array.
    jvp : callable
        `jvp(x, v)` returns the derivative of f(x + t v) by t at 0, shaped as f(x).
    x : array_like
        Point at which to check.
    n_directions : int
        Number of directions v to draw, at least 1.
    seed : int or numpy.random.Generator
        Seed for the directions.

    Returns
    -------
    Report
        One `Check` for each direction. It compares sum(dy * jvp(x, v)) for a random dy.

    Raises
    ------
    ValueError
        If x, f(x) or jvp(x, v) are not real numbers, or jvp(x, v) is not shaped as f(x).
    """
    rng = generator(seed)
    whole_number("n_directions", n_directions, 1)
    point = _arrays(x, "x")[X]
    value = as_array(f(point.copy()), "f(x)")
    checks: list[Check] = []
    for k in range(n_directions):
        weights, v = _dy(None, value, rng), random_direction(point, rng).astype(point.dtype)
        product = floats(jvp(point.copy(), v.copy()), "jvp(x, v)")
        if product.shape != value.shape:
            raise DataError(f"jvp(x, v) has shape {product.shape}, expected the shape of f(x), {value.shape}")

        def moved(t: Array, v: Array = v, weights: Array = weights) -> Array:
            x = point + t * v
            return np.atleast_1d(weights) * terms_of(
                f, value.shape, x if x.dtype.kind == "c" else x.astype(point.dtype)
            )

        parts = weights * product
        dtype = "float32" if np.float32 in (point.dtype, value.dtype) else "float64"
        magnitude = float(np.abs(parts).sum())
        check = check_gradient(
            f"direction {k + 1}", moved, np.zeros(()), np.array(parts.sum()), None, dtype, rng, magnitude=magnitude
        )
        checks.append(check)
    return Report(tuple(checks))


def assert_gradient(
    f: Callable[[Any], Any],
    gradient: ArrayLike | Mapping[str, ArrayLike] | Callable[..., Any],
    x: ArrayLike | Mapping[str, ArrayLike],
    **options: Any,
) -> None:
    """Raise AssertionError with the report unless the gradient passes `check`: for tests.

    Parameters
    ----------
    f, gradient, x, **options
        As in `check`.

    Raises
    ------
    AssertionError
        If the gradient is wrong, or could not be checked; the message is the report.
    """
    __tracebackhide__ = True  # pytest then shows the line of the test
    report = check(f, gradient, x, **options)
    if not report.passed:
        raise AssertionError(f"the gradient did not pass\n{report}")


def _arrays(values: Any, what: str, like: Mapping[str, Array] | None = None) -> dict[str, Array]:
    """Return arrays of real numbers by name; float32 stays, other numbers become float64."""
    named = values if isinstance(values, Mapping) else {X: values}
    if like is not None and named.keys() != like.keys():
        got, expected = ("an array" if [*k] == [X] else f"the names {', '.join(k)}" for k in (named, like))
        raise DataError(f"{what} has {got}, expected {expected}, as in x")
    arrays = {}
    for name, value in named.items():
        where = what if name == X and not isinstance(values, Mapping) else f"{what}[{name!r}]"
        array = as_array(value, where)
        if array.dtype.kind not in "fiub":
            raise DataError(f"{where} holds {array.dtype}, expected real numbers")
        arrays[name] = array.astype(np.float32 if array.dtype == np.float32 else np.float64)
    return arrays


def _dy(dy: ArrayLike | None, value: Array, rng: np.random.Generator) -> Array:
    """Return dy; by default random numbers of either sign, none near 0, so that every output counts."""
    if value.dtype.kind not in "fiub":
        raise DataError(f"f(x) holds {value.dtype}, expected real numbers")
    by_default = drawn(value.shape, rng) if value.ndim else np.asarray(1.0)
    weights = by_default if dy is None else floats(dy, "dy")
    if weights.shape != value.shape:
        raise DataError(f"dy has shape {weights.shape}, expected the shape of f(x), {value.shape}")
    return weights.astype(value.dtype if value.dtype == np.float32 else np.float64)
