"""Check the vjps of one op."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np

from ...arguments import whole_number
from ...rng import generator
from ...tiers import Tier, Vjp, get_tier
from ...tiers.registry import ROW_OF
from .arrays import Array, drawn, floats, like, ndarray, nudged
from .lines import QUIET, Terms
from .report import Report
from .verdicts import check_gradient


@QUIET
def check_vjps(
    op: Callable[..., Any],
    inputs: Sequence[Any],
    *,
    tier: str | Tier | None = None,
    dy: Any = None,
    n_coordinates: int | None = None,
    seed: int | np.random.Generator = 0,
    first: int | None = None,
) -> Report:
    """Check every vjp of an op against the numerical derivative of sum(dy * y), where y is the op's value.

    Parameters
    ----------
    op : callable
        Op as in `tiers`: returns its value and the vjps of its first inputs, or of those that follow token numbers.
    inputs : sequence
        Arguments of the op: numbers, nested lists, ndarrays, or a tier's own arrays, which need `tier`.
    tier : str or Tier, optional
        Tier that the arrays belong to; its `asarray` and `tolist` convert them.
    dy : array shaped as the value, or a number for a loss; optional
        dL/dy; by default drawn at random: entries of either sign, none near 0, or a positive number for a loss.
    n_coordinates : int, optional
        Number of coordinates of each input to check; by default all.
    seed : int or numpy.random.Generator
        Seed for dy and for the choice of coordinates.
    first : int, optional
        Index of the first input that has a vjp; by default 0, except for an op of the same name as one of `tiers` whose
        token numbers come first, such as ``embedding``.

    Returns
    -------
    Report
        One `Check` for each vjp.

    Raises
    ------
    ValueError
        If inputs or gradients are not numbers, op does not return a value and vjps, dy is not shaped as the value, or
        n_coordinates or first is not a whole number of at least 0.
    """
    rng = generator(seed)
    tier = get_tier("scalar" if tier is None else tier)  # the scalar tier's arrays are lists
    op_name, names = getattr(op, "__name__", "op"), [*inspect.signature(op).parameters]
    names += [f"input {k}" for k in range(len(names), len(inputs))]  # for an op declared as op(*inputs)
    if first is None:
        first = ROW_OF[op_name].first if op_name in ROW_OF else 0
    first = whole_number("first", first, 0)
    op, names, inputs = partial(op, *inputs[:first]), names[first:], inputs[first:]
    value, vjps = _value_and_vjps(op_name, op(*inputs), len(inputs))
    n = len(vjps)
    points = [floats(inputs[k], f"{op_name}: {names[k]}", tier) for k in range(n)]
    in_float64 = [*(like(inputs[k], points[k], tier) for k in range(n)), *inputs[n:]]
    dtypes = [str(getattr(a, "dtype", "")) for a in (*inputs[:n], value)]
    dtype = "float32" if any("float32" in name for name in dtypes) else "float64"

    y = floats(value, f"{op_name}: the value", tier)
    # Away from 0, so that every output counts, and not all 1, so that a vjp that forgets to multiply by dy is caught.
    by_default = drawn(y.shape, rng) if y.ndim else np.asarray(rng.uniform(0.5, 1.5))
    weights = by_default if dy is None else floats(dy, f"{op_name}: dy", tier)
    if weights.shape != y.shape:
        raise ValueError(f"{op_name}: dy has shape {weights.shape}, expected the value's shape, {y.shape}")

    def terms_of(k: int) -> Terms:
        def terms(x: Array) -> Array:
            arguments = [*in_float64[:k], like(inputs[k], x, tier), *in_float64[k + 1 :]]
            return np.atleast_1d(weights * ndarray(op(*arguments)[0], tier))

        return terms

    given = like(value, weights.astype(dtype), tier) if weights.ndim else float(weights)

    def gradient_of(k: int, vjps: Sequence[Vjp]) -> Array:
        return floats(vjps[k](given), f"{op_name}: dL/d{names[k]}", tier)

    def nearby(k: int) -> list[Array]:
        """Return the gradient at three points some ulps away."""
        found = []
        for _ in range(3):
            moved = [like(inputs[j], nudged(points[j], dtype, rng).astype(dtype), tier) for j in range(n)]
            found.append(gradient_of(k, op(*moved, *inputs[n:])[1]))
        return found

    checks = []
    for k in range(n):
        gradient = gradient_of(k, vjps)
        near = partial(nearby, k)
        checks.append(check_gradient(names[k], terms_of(k), points[k], gradient, n_coordinates, dtype, rng, near))
    return Report(tuple(checks))


def _value_and_vjps(op_name: str, result: Any, n_inputs: int) -> tuple[Any, tuple[Vjp, ...]]:
    match result:
        case (value, (_, *_) as vjps) if len(vjps) <= n_inputs and all(map(callable, vjps)):
            return value, tuple(vjps)
    raise ValueError(
        f"{op_name}: returned {repr(result)[:60]}, expected y, (dx, ...): its value and a tuple of "
        f"vjps in the order of its inputs, at least one and at most {n_inputs}"
    )
