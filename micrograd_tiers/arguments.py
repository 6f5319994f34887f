"""Checks of single arguments, so that the same mistake gets the same message everywhere.

Each check raises a ValueError that names the argument, the value that it got, and the values that it accepts.
"""

import math
import operator
from collections.abc import Iterable
from numbers import Real
from typing import Any

MOST = 2**31 - 1  # some parts of NumPy cannot count further


def either(names: Iterable[str]) -> str:
    """Return names as a phrase: "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def check_name(what: str, name: str, known: Iterable[str]) -> None:
    """Raise a ValueError that lists the known names unless `name` is one of them."""
    if name not in known:
        raise ValueError(f"unknown {what} {name!r}: expected one of {', '.join(known)}")


def whole_number(what: str, value: Any, at_least: int = 1) -> int:
    """Return the value as an int; raise ValueError unless it is a whole number from at_least to 2**31 - 1."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or not at_least <= number <= MOST:
        raise ValueError(f"{what} is {value!r}, expected a whole number from {at_least} to {MOST}")
    return number


def number(
    what: str,
    value: Any,
    *,
    above: float = -math.inf,
    at_least: float = -math.inf,
    below: float = math.inf,
    at_most: float = math.inf,
) -> float:
    """Return the value as a float; raise ValueError unless it is a number in the range. NaN is in no range."""
    x = float(value) if isinstance(value, Real) and not isinstance(value, bool) else math.nan
    if not (x > above and x < below and at_least <= x <= at_most):
        lower = f"above {above:g}" if above > -math.inf else f"of at least {at_least:g}"
        upper = (
            f" and at most {at_most:g}" if at_most < math.inf else f" and below {below:g}" if below < math.inf else ""
        )
        both = f"from {at_least:g} to {at_most:g}" if -math.inf < at_least and at_most < math.inf else ""
        a_number = "a number" if both or upper else "a finite number"
        raise ValueError(f"{what} is {value!r}, expected {a_number} {both or lower + upper}")
    return x


def make_whole(settings: Any, name: str, at_least: int = 1) -> None:
    """Convert one setting of a frozen dataclass to an int; ranges and errors as in `whole_number`."""
    checked = whole_number(f"{type(settings).__name__}: {name}", getattr(settings, name), at_least)
    object.__setattr__(settings, name, checked)


def make_number(settings: Any, name: str, **limits: float) -> None:
    """Convert one setting of a frozen dataclass to a float; limits and errors as in `number`."""
    checked = number(f"{type(settings).__name__}: {name}", getattr(settings, name), **limits)
    object.__setattr__(settings, name, checked)


def make_flag(settings: Any, name: str) -> None:
    """Convert one setting of a frozen dataclass to a bool; raise ValueError unless it is True or False."""
    value = getattr(settings, name)
    if value not in (True, False):
        raise ValueError(f"{type(settings).__name__}: {name} is {value!r}, expected True or False")
    object.__setattr__(settings, name, bool(value))
