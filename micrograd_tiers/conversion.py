"""Conversion of what users hand in to arrays. What has one meaning is taken; any other error ends in a call that helps.

The call is tried before it is printed: `X holds the text 'a', expected real numbers; try pd.get_dummies(X)`.
"""

import sys
import warnings
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import shown
from .errors import DataError

LABELS = "np.unique({x}, return_inverse=True)[1]"
KINDS = {"U": "text", "S": "text", "T": "text", "M": "dates", "m": "durations", "c": "complex numbers"}


class MissingValuesError(DataError):
    """Raised for values that are masked or missing."""


def advice(what: str, values: Any, calls: Iterable[str], accept: Callable[[Any], object]) -> str:
    """Return "; try CALL" for the first call whose result is accepted, and "" if there is none.

    Parameters
    ----------
    what : str
        Name of the argument, which the calls use.
    values : object
        What was handed in.
    calls : iterable of str
        Python expressions. They may use `np`, and `pd` if the caller has imported pandas.
    accept : callable
        Takes the result of a call, and raises an exception if it does not help.
    """
    names = {what: values, "np": np, "pd": sys.modules.get("pandas")}
    for call in calls:
        with suppress(Exception), warnings.catch_warnings():
            warnings.simplefilter("error")  # a call that warns is not good advice
            accept(eval(call, dict(names)))
            return f"; try {call}"
    return ""


def named(what: str, values: Any) -> str:
    """Return an expression for the values as an ndarray: their name, if they are one."""
    if _is_tensor(values):
        return f"{what}.detach().numpy()"
    return what if isinstance(values, np.ndarray) else f"np.asarray({what})"


def as_array(values: Any, what: str) -> NDArray[Any]:
    """Return values as an ndarray, or raise a DataError if they are not rows of equal length, or a value is masked."""
    return _converted(values, what, _array)


def as_numbers(values: ArrayLike, what: str, accept: Callable[[NDArray[Any]], object] | None = None) -> NDArray[Any]:
    """Return values as an ndarray of real numbers, or raise a DataError.

    Parameters
    ----------
    values : array_like
    what : str
        Name of the argument.
    accept : callable, optional
        Check of the array that raises an exception. The error names a call whose result passes it, if there is one.
    """
    return _converted(values, what, _numbers, accept)


def as_dtype(array: NDArray[Any], dtype: str, what: str) -> NDArray[Any]:
    """Return an array in a dtype, or raise a DataError if that makes a finite number infinite."""
    with np.errstate(over="ignore"):
        converted = array.astype(dtype, copy=False)
    if converted.dtype != array.dtype and np.isinf(converted).any():
        lost = np.isinf(converted) & np.isfinite(array)
        if lost.any():
            scaled = f"np.asarray({what}) / np.abs({what}).max()"
            way_out = f"scale it; try {scaled}" if what.isidentifier() else "use float64"
            raise DataError(
                f"{what} holds {array[lost][0]:g}, expected at most {np.finfo(dtype).max:.2g}, the largest number of "
                f"{dtype}: {way_out}"
            )
    return converted


def are_whole(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Return True for each entry that is a finite whole number, of any numeric type."""
    if array.dtype.kind not in "biuf":
        return np.zeros(array.shape, bool)
    whole: NDArray[np.bool_] = np.isfinite(array) & (array == np.floor(array))
    return whole


def _array(values: Any, what: str) -> NDArray[Any]:
    n = _n_masked(values)
    if n:
        raise MissingValuesError(
            f"{what} has {n} masked value{'s' * (n > 1)}, expected none: fill them, or leave these samples out"
        )
    if _is_tensor(values):
        values = values.detach().cpu()
    try:
        array = np.asarray(values)
    except Exception as error:  # whatever another library's __array__ raises
        if isinstance(error, ValueError) and isinstance(values, list | tuple):
            shapes = sorted({_shape(row) for row in values})[:2]
            raise DataError(
                f"{what} is not a rectangular array of numbers: it has rows of shape {' and '.join(map(str, shapes))}"
            ) from None
        raise DataError(f"{what} cannot be converted to an array: {' '.join(str(error).split())}") from None
    if array.ndim == 0 and array.dtype.kind in "OUS":
        raise DataError(f"{what} is {shown(values)}, expected an array of real numbers")
    return array


def _is_tensor(values: Any) -> bool:
    """Return True for a tensor of PyTorch; an open file, too, has a `detach`."""
    return all(hasattr(values, name) for name in ("detach", "cpu", "numpy"))


def _n_masked(values: Any) -> int:
    """Return how many masked values there are, also in nested lists."""
    if isinstance(values, list | tuple):
        return 0 if {*map(type, values)} <= {float, int, bool} else sum(map(_n_masked, values))
    # NumPy loads np.ma on first use, which takes a megabyte: not for arrays that have no mask.
    if hasattr(values, "mask") and isinstance(values, np.ma.MaskedArray):
        return int(np.count_nonzero(np.ma.getmaskarray(values)))
    return 0


def _shape(row: Any) -> tuple[int, ...]:
    try:
        return np.shape(row)
    except ValueError:  # its rows differ, too
        return (len(row),)


def _numbers(values: Any, what: str) -> NDArray[Any]:
    array = _array(values, what)
    kind = array.dtype.kind
    if kind in "fiub":
        return array
    if kind != "O":
        found = f"{KINDS.get(kind, 'values')} ({array.dtype})"
        example = f", such as {shown(array.flat[0].item())}" if kind in "UST" and array.size else ""
        raise DataError(f"{what} holds {found}{example}, expected real numbers")
    things = array.ravel().tolist()
    other = [thing for thing in things if not isinstance(thing, Real | Decimal | np.bool_)]
    missing = sum(map(_is_missing, things)) if other else 0
    if missing:
        raise MissingValuesError(
            f"{what} has {missing} missing value{'s' * (missing > 1)} (None, NA or NaN), expected real numbers: fill "
            "them, or leave these samples out"
        )
    if other:
        raise DataError(f"{what} holds {shown(other[0])}, expected real numbers")
    try:
        return array.astype(np.float64)  # bool beside float, integers of any size, fractions
    except OverflowError:
        raise DataError(f"{what} holds {shown(max(things))}, expected numbers below 1.8e308") from None


def _is_missing(thing: Any) -> bool:
    return (
        thing is None or type(thing).__name__ in ("NAType", "NaTType") or (isinstance(thing, float) and thing != thing)
    )


def _converted(
    values: Any,
    what: str,
    convert: Callable[[Any, str], NDArray[Any]],
    accept: Callable[[NDArray[Any]], object] | None = None,
) -> NDArray[Any]:
    try:
        return convert(values, what)
    except DataError as error:
        way_out = ""
        if hasattr(values, "read"):
            way_out = f"; it is a file: try np.loadtxt({what}), or np.load({what}) for a .npy file"
        elif isinstance(values, Iterator):  # which can be read only once
            way_out = f"; try list({what})"
        elif what.isidentifier():  # not the name of a weight
            missing = isinstance(error, MissingValuesError)
            way_out = _way_out(values, what, missing, convert, accept)
        raise DataError(f"{error}{way_out}") from None


def _way_out(
    values: Any,
    what: str,
    missing: bool,
    convert: Callable[[Any, str], NDArray[Any]],
    accept: Callable[[NDArray[Any]], object] | None,
) -> str:
    """Return "; try ..." with a call that makes the values convertible and, if possible, acceptable, or ""."""
    if missing and what == "y":
        return f"; try {dropping(_present_labels(values))}"

    def convertible(result: Any) -> NDArray[Any]:
        array = convert(result, what)
        if not array.ndim or (array.dtype.kind == "f" and not np.isfinite(array).all()):
            raise DataError(f"{what} is a single value, or not finite")
        return array

    calls = [call.format(x=what) for call in (_calls_to_fill(values) if missing else _calls(values, what))]
    found = accept and advice(what, values, calls, lambda result: accept(convertible(result)))
    return found or advice(what, values, calls, convertible)


def _calls_to_fill(values: Any) -> Iterator[str]:
    """Yield expressions of {x} that may fill missing features."""
    yield "{x}.filled(0)"
    if _n_masked(values):
        rows = values if isinstance(values, list | tuple) else []
        yield from ["np.ma.array({x}).filled(0)"] * all(isinstance(row, np.ma.MaskedArray) for row in rows)
        return
    yield from ("np.nan_to_num(np.asarray({x}, float))", "{x}.fillna(0)", "{x}.astype('Float64').fillna(0)")
    yield from ("pd.get_dummies({x})", "pd.get_dummies({x}.to_pandas())")


def _calls(values: Any, what: str) -> Iterator[str]:
    """Yield expressions of {x} that may turn the values into an array of numbers."""
    if values is None or isinstance(values, str):
        return
    try:
        array = _array(values, what)
    except DataError:  # another library's object, or one that NumPy takes as a single thing
        yield from (
            "{x}.toarray()",
            "{x}.toarray().ravel()",
            "{x}.to_dense()",
            "{x}.float()",
            "{x}.collect()",
            "[row.detach() for row in {x}]",
        )
        yield from ("[*{x}.values()]" if what == "y" else "np.column_stack([*{x}.values()])", "list({x})")
        yield f"{{x}}.train_{what.lower()}"
        return
    if array.dtype.kind == "M" or isinstance(array.flat[0], date):
        yield "np.asarray({x}, 'datetime64[s]').astype(float)"
    elif array.dtype.kind == "m":
        yield "np.asarray({x}) / np.timedelta64(1, 's')"
    elif array.dtype.kind == "V":
        yield from ("np.array({x}.tolist())", "{x}.astype('float32')")
    else:
        yield from ("np.asarray({x}, float)", "np.real({x})", "[[*row.values()] for row in {x}]")
        yield from ("np.vstack([row.toarray() for row in {x}])", "np.stack(np.ravel({x}))")
    if what == "y":
        yield from (LABELS, f"2 * {LABELS} - 1")
    elif array.ndim > 1:
        yield "{x}.apply(pd.to_numeric)"
        if any(isinstance(thing, str | bytes) for thing in array.ravel().tolist()):
            yield from ("pd.get_dummies({x})", "pd.get_dummies({x}.to_pandas())")
            yield "pd.get_dummies(pd.DataFrame({x}).infer_objects())"


def dropping(present: str) -> str:
    """Return the statements that keep the samples for which the expression `present` is true."""
    return f"keep = {present}; X, y = np.asarray(X)[keep], np.asarray(y)[keep]"


def _present_labels(values: Any) -> str:
    if isinstance(values, np.ma.MaskedArray):
        return "~np.ma.getmaskarray(y)"
    return "pd.notna(y)" if "pandas" in sys.modules else "[label is not None for label in y]"
