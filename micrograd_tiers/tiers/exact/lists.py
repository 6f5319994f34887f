"""Exact arithmetic of lists, for the scalar tier, without NumPy."""

from collections.abc import Sequence
from functools import reduce
from operator import add, mul
from typing import Any


def dot(a: Sequence[Any], b: Sequence[Any]) -> Any:
    """Return the sum of a[i] * b[i], from 0.0 on as in matmul: sum() compensates for rounding from Python 3.12 on."""
    return reduce(add, map(mul, a, b), 0.0)


def total(a: Sequence[Any]) -> Any:
    """Return the sum of a[i]."""
    return reduce(add, a)


ARITHMETIC = {"dot": dot, "total": total}
