"""Checks of single arguments, so that the same mistake gets the same message everywhere.

Each check raises a ValueError that names the argument, the value that it got, and the values that it accepts.
"""

import math
import operator
from collections.abc import Iterable, Mapping
from contextlib import suppress
from numbers import Real
from typing import Any, TypeVar

T = TypeVar("T")
MOST = 2**31 - 1  # some parts of NumPy cannot count further


def shown(value: Any) -> str:
    """Return a value as one short line, for an error."""
    text = f"the class {value.__name__}" if isinstance(value, type) else " ".join(repr(value).split())
    return text if len(text) <= 80 else f"{text[:77]}..."


def either(names: Iterable[str]) -> str:
    """Return names as a phrase: "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}" if others else last


def check_name(what: str, name: Any, known: Iterable[str]) -> None:
    """Raise a ValueError that lists the known names unless `name` is one of them."""
    if not isinstance(name, str) or name not in known:
        raise ValueError(f"unknown {what} {shown(name)}: expected one of {', '.join(known)}")


def chosen(what: str, given: Any, named: Mapping[str, type[T]], kind: type[T], expected: str) -> T:
    """Return the object that is given itself, by its name, or by its class if that has defaults for all settings."""
    if isinstance(given, str):
        check_name(what, given, named)
        given = named[given]
    if isinstance(given, type) and issubclass(given, kind) and given is not kind:
        with suppress(TypeError):  # if it has settings without defaults
            given = given()
    if not isinstance(given, kind) or type(given) is kind:
        raise ValueError(f"{what} is {shown(given)}, expected a name such as {min(named)!r}, or {expected}")
    return given


def flag(what: str, value: Any) -> bool:
    """Return the value as a bool; raise ValueError unless it is True or False, of Python or of NumPy."""
    if type(value).__name__ not in ("bool", "bool_"):
        raise ValueError(f"{what} is {shown(value)}, expected True or False")
    return bool(value)


def whole_number(what: str, value: Any, at_least: int = 1) -> int:
    """Return the value as an int; raise ValueError unless it is a whole number from at_least to 2**31 - 1."""
    try:
        number = operator.index(value)
    except TypeError:
        number = -1
    if isinstance(value, bool) or not at_least <= number <= MOST:
        raise ValueError(f"{what} is {shown(value)}, expected a whole number from {at_least} to {MOST}")
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
        raise ValueError(f"{what} is {shown(value)}, expected {a_number} {both or lower + upper}")
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
    """Convert one setting of a frozen dataclass to a bool; errors as in `flag`."""
    object.__setattr__(settings, name, flag(f"{type(settings).__name__}: {name}", getattr(settings, name)))
