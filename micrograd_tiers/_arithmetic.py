"""Functions of a number that the engine uses, with errors that say what to do instead.

They also take a Value, where derivatives of derivatives are computed, and then return one.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from ._engine import Node


def _function(name: str, expected: str) -> Callable[[Any], Any]:
    """Return the function of `math` for floats, the method for Values; the error says what it `expected`."""
    function = getattr(math, name)

    def apply(x: Any) -> Any:
        try:
            return function(x)
        except TypeError:  # a Value, which refuses to become a float
            return getattr(x, name)()
        except (ValueError, OverflowError) as error:
            raise type(error)(f"{name}: got {x}, expected {expected}") from None

    return apply


_LARGEST = "at most 709.78, beyond which the result does not fit a float; subtract the largest exponent first, as "
_LARGEST += "log-sum-exp does"
exp = _function("exp", _LARGEST)
expm1 = _function("expm1", _LARGEST)
log = _function("log", "a number > 0; add a small constant, or clip it first")
log1p = _function("log1p", "a number > -1; clip it first")
sqrt = _function("sqrt", "a number >= 0; add a small constant, or clip it first")
sin = _function("sin", "a finite number")
cos = _function("cos", "a finite number")
tanh = _function("tanh", "a number")


def power(x: Any, k: Any) -> tuple[Any, Any]:
    """Return y = x**k and dy/dx = k x**(k - 1), which may be infinite; raise if y is not a finite real number."""
    if (type(x) is float or type(x) is int) and (x > 0 if type(k) is float else type(k) is int and x != 0):
        try:  # the usual case, in half the time
            return x**k, k * x ** (k - 1)
        except OverflowError:
            pass
    if isinstance(x, Node):
        return x**k, k * x ** (k - 1) if k else 0
    if x == 0 and k < 0:
        raise ZeroDivisionError(
            f"**: got {x} ** {k}, a division by 0, expected a nonzero base; add a small constant first"
        )
    if x < 0 and k % 1 > 0:
        raise ValueError(f"**: got {x} ** {k}, expected a base >= 0 or a whole exponent; take abs(base) first")
    try:
        y = x**k
    except OverflowError:
        raise OverflowError(
            f"**: got {x} ** {k}, expected a result below 1.8e308, the largest float; rescale the base"
        ) from None
    x, k = plain(x), plain(k)
    try:
        return y, k * x ** (k - 1)
    except ZeroDivisionError:  # x = 0 and k < 1: an infinite slope, unless x**k is the constant 1
        return y, math.inf if k else 0
    except OverflowError:  # x**(k - 1) is too large for a float; the product may not be
        return y, k * plain(y) / x


def slope_in_exponent(x: Any, y: Any) -> Any:
    """Return dy/dk = y log(x) of y = x**k; 0 at x = 0, where y is constant in k, and NaN for x < 0."""
    return plain(y) * log(to_float(x)) if x > 0 else 0 if x == 0 else math.nan


def to_float(x: Any) -> Any:
    """Return a number as a float; a Value as it is."""
    return x if type(x) is float or isinstance(x, Node) else float(x)


def plain(x: Any) -> Any:
    """Return a Value as it is, a number as an int or float: these raise or return inf where a NumPy scalar warns."""
    if type(x) is float or type(x) is int or isinstance(x, Node):
        return x
    return int(x) if isinstance(x, int) else float(x)
