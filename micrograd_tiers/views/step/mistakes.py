"""Mistakes in what an op or a vjp returns, named before they become an error somewhere else."""

import inspect
from numbers import Real
from typing import Any

from ...tiers.registry import ROW_OF
from .event import Event
from .names import Numbers, flat, value_name


def check_op(event: Event, result: Any) -> None:
    """Raise a TypeError unless an op has returned its value and its vjps."""
    row = ROW_OF[event.op]
    match result:
        case (_, tuple() | list() as vjps) if len(vjps) == row.n_differentiable and all(map(callable, vjps)):
            return
    vjps_expected = ", ".join(row.parts[1:]) + ("," if row.n_differentiable == 1 else "")
    raise TypeError(
        f"{event.op} returned {_form(result)}, expected ({value_name(event.op)}, ({vjps_expected})){_place(event)}"
    )


def check_numbers(event: Event, array: Any, numbers: Numbers) -> Numbers:
    """Return the numbers of an array; raise a TypeError if they are no real numbers, or a loss is not a single one."""
    what = "value" if event.part == "value" else f"vjp, {event.part},"
    odd = next((x for x in flat(numbers) if not isinstance(x, Real)), 0.0)
    if array is None or not isinstance(odd, Real):
        found = "None" if odd is None else f"{type(odd).__name__} {odd!r}"
        raise TypeError(f"the {what} of {event.op} is {found}, expected an array of numbers{_place(event)}")
    if event.part == "value" and isinstance(numbers, list) and value_name(event.op) == "loss":
        raise TypeError(f"the {what} of {event.op} is the array {numbers!r}, expected one number{_place(event)}")
    return numbers


def _form(result: Any) -> str:
    """Return what an op has returned, by types, such as "(ndarray, (function,))"."""
    if isinstance(result, tuple):
        return f"({', '.join(map(_form, result))}{',' if len(result) == 1 else ''})"
    return "None" if result is None else type(result).__name__


def _place(event: Event) -> str:
    """Return the file and the line of the function that has returned something wrong; "" if it has no source."""
    for function in (event.vjp, inspect.unwrap(event.function)):
        code = getattr(function, "__code__", None)
        if code is not None:
            file = code.co_filename.replace("\\", "/").rpartition("/")[2]
            return f" ({file}, line {code.co_firstlineno})"
    return ""
