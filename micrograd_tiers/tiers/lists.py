"""Arithmetic on lists and nested lists of numbers, for the scalar tier, without NumPy.

In exact mode, `exact/lists.py` replaces `dot` and `total`. Numbers are floats or, in the forward pass,
`engine.Value`s.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from operator import add, mul
from typing import Any

Number = Any  # a float, or an engine.Value
Vector = Sequence[Number]
Nested = Any  # a list of numbers, or of such lists


# Arithmetic.


def dot(a: Vector, b: Vector) -> Number:
    """Return the sum of a[i] * b[i]."""
    return sum(map(mul, a, b))


def total(a: Vector) -> Number:
    """Return the sum of a[i], rounded once; reason: docs/numerics.md, "Sums"."""
    try:
        return math.fsum(a)
    except (TypeError, OverflowError, ValueError):
        return sum(a)  # Values; a sum beyond the largest float; inf - inf


def _of_number(name: str) -> Callable[[Number], Number]:
    """Return a function that calls math.`name` for a float, and the method `name` of any other object."""
    of_float = getattr(math, name)

    def function(x: Number) -> Number:
        try:
            return of_float(x)
        except TypeError:
            return getattr(x, name)()

    return function


exp, expm1, log1p, sqrt, tanh_of = map(
    _of_number, ("exp", "expm1", "log1p", "sqrt", "tanh")
)


# The gradient of a weight: see sums.py.


def sum_of_products(dys: Sequence[Vector], xs: Sequence[Vector]) -> list[Vector]:
    """Return the sum over the chunks n of dys[n][o] * xs[n][i], as nested lists (O, I)."""
    return [_row(dyos, xs) for dyos in zip(*dys, strict=True)]


def add_products(target: Nested, dys: Sequence[Vector], xs: Sequence[Vector]) -> None:
    """Add the sum over the chunks n of dys[n][o] * xs[n][i] to target (O, I), in place."""
    if len(xs) == 1:  # each product is added at once
        for row, dyo in zip(target, dys[0]):  # noqa: B905  (shapes are checked before)
            row[:] = [t + dyo * xi for t, xi in zip(row, xs[0])]  # noqa: B905
    else:
        for row, dyos in zip(target, zip(*dys, strict=True), strict=True):
            row[:] = map(add, row, _row(dyos, xs))


def _row(dyos: Sequence[Number], xs: Sequence[Vector]) -> Vector:
    """Return the sum over n of dyos[n] * xs[n][i], for each i."""
    row = [dyos[0] * xi for xi in xs[0]]
    for dyo, x in zip(dyos[1:], xs[1:], strict=True):
        row = [r + dyo * xi for r, xi in zip(row, x, strict=True)]
    return row


# Nested lists.


def shape_of(x: Nested) -> tuple[int, ...]:
    """Return the lengths of nested lists, outermost first."""
    return (len(x), *shape_of(x[0])) if isinstance(x, list | tuple) else ()


def flat(x: Nested) -> Vector:
    """Return all numbers of nested lists, in order."""
    return [*chain.from_iterable(map(flat, x))] if isinstance(x[0], list) else x


def columns(rows: Sequence[Vector]) -> list[tuple[Number, ...]]:
    """Return the columns of a matrix, or the transpose of nested lists in their first two axes."""
    return [*zip(*rows, strict=True)]


def in_shape(numbers: Vector, shape: tuple[int, ...]) -> Nested:
    """Return nested lists of the given shape, filled with the numbers in order."""
    if len(shape) == 1:
        return [*numbers]
    size = len(numbers) // shape[0]
    return [
        in_shape(numbers[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])
    ]


def filled(shape: tuple[int, ...], number: float = 0.0) -> Nested:
    """Return nested lists of the given shape that hold the same number everywhere."""
    if len(shape) < 2:
        return [number] * shape[0] if shape else number
    return [filled(shape[1:], number) for _ in range(shape[0])]


# Support functions: layers, networks and optimizers are written on top of them.


def asarray(values: Any, dtype: str = "float64") -> Nested:
    """Return nested lists of floats (ints for "int64") from nested lists or from any object with `tolist`."""
    if dtype not in ("float64", "int64"):
        raise ValueError(
            f"scalar tier: dtype is {dtype}, expected float64, as its numbers are Python "
            "floats; use dtype='float64', or the vector or tensor tier"
        )
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, list | tuple):
        return [asarray(value, dtype) for value in values]
    return int(values) if dtype == "int64" else float(values)


def tolist(array: Nested) -> Nested:
    """Return the array as it is: it consists of nested lists already."""
    return array


def chunks(*arrays: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """Split a mini-batch into chunks: single samples."""
    return zip(*arrays, strict=True)


def add_scaled(target: Nested, source: Nested, scale: float) -> None:
    """Add scale * source to target, in place."""
    if target and isinstance(target[0], list):
        for i, row in enumerate(source):
            add_scaled(target[i], row, scale)
    elif scale == 1.0:
        target[:] = [*map(add, target, source)]
    else:
        target[:] = [t + scale * s for t, s in zip(target, source, strict=True)]


def elementwise(f: Callable[..., float], *arrays: Nested) -> Nested:
    """Return f(a, b, ...) for every element, in nested lists of the same shape."""
    if arrays[0] and isinstance(arrays[0][0], list):
        return [elementwise(f, *rows) for rows in zip(*arrays, strict=True)]
    return [*map(f, *arrays)]
