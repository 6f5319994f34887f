"""Exact arithmetic on lists, for the scalar tier, without NumPy."""

from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Any


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Return the sum of a[i] * b[i], starting from 0.0 as in `matmul`.

    From Python 3.12 on, the built-in sum() compensates for rounding errors, so it is not used here.
    """
    return reduce(add, map(mul, a, b), 0.0)


def total(a: Sequence[Any]) -> Any:
    """Return the sum of a[i], in index order."""
    return reduce(add, a)


ARITHMETIC = {"dot": dot, "total": total}
