"""Guarded calls of foreign code, which may raise, hang, print, or return anything."""

import contextlib
import io
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier, line_in_tier_file
from .calls import Call, calls, together
from .cases import OpCase
from .clock import CLOCK, OutOfTime
from .examples import Example

Array = NDArray[Any]


class Wrong(Exception):  # noqa: N818  # it never reaches a user
    """Raised when a check finds a violated property.

    Attributes
    ----------
    property, message, expected, got
        As in `Finding`.
    detail : str
        For "purity": the side effect, such as "changes dy"; for "raises": the name of the exception's class.
    blocks : bool
        True if the call of the op itself failed, so that there are no vjps.
    """

    blocks = False

    def __init__(self, property: str, message: str, expected: Any = None, got: Any = None, detail: str = "") -> None:
        super().__init__(message)
        self.property, self.message, self.expected, self.got, self.detail = property, message, expected, got, detail


# Exceptions and output.


@contextlib.contextmanager
def guarded(what: str) -> Iterator[None]:
    """Turn exceptions and timeouts into Wrong, except NotImplementedError, which means not yet written."""
    try:
        yield
    except (Wrong, NotImplementedError, KeyboardInterrupt):
        raise
    except OutOfTime as error:
        raise Wrong("time", f"{what} ran out of time: one call {error}") from None
    except BaseException as error:
        raise Wrong("raises", f"{what}: {described(error)}", detail=type(error).__name__) from error


class _Sink(io.TextIOBase):
    """Output that keeps only its first line."""

    def __init__(self) -> None:
        self.line = ""

    def write(self, text: str) -> int:
        if text.strip() and "\n" not in self.line.lstrip():
            self.line = (self.line + text)[:200]
        return len(text)

    @property
    def first_line(self) -> str:
        """The first line that is not blank; "" if there is none."""
        return self.line.strip().partition("\n")[0]


@contextlib.contextmanager
def unprinted() -> Iterator[_Sink]:
    """Keep what the block prints away from the terminal."""
    sink = _Sink()
    with contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        yield sink


# Results.


@dataclass(frozen=True)
class Outcome:
    """Result of one part of an op for a whole mini-batch.

    Attributes
    ----------
    numbers : ndarray or float, optional
        The result, if there is one.
    wrong : Wrong, optional
        Otherwise, the failure: an exception, or a wrong type or shape.
    warning : str
        First RuntimeWarning, if there was one.
    printed : str
        First line that was printed, if there was one.
    """

    numbers: Any = None
    wrong: Wrong | None = None
    warning: str = ""
    printed: str = ""


def outcomes(case: OpCase, tier: Tier, example: Example, parts: Sequence[str]) -> dict[str, Outcome]:
    """Return the outcome of each part, from one call of the op per chunk.

    If the call itself fails, that is the outcome of the value, and no other part has one.
    """
    made: list[Call] = []
    on_call = _attempt(case.name, lambda: made.extend(calls(case, tier, example, checked(case, tier))))
    if on_call.wrong is not None:
        on_call.wrong.blocks = True
        return {"value": on_call}
    found = {}
    for part in parts:

        def join(part: str = part) -> Any:
            return together(case, tier, example, part, [_checked_piece(case, tier, part, call) for call in made])

        outcome = _attempt(part, join)
        if part == "value":
            outcome = replace(outcome, warning=on_call.warning or outcome.warning)
        found[part] = replace(outcome, printed=on_call.printed or outcome.printed)
    return found


def outcome_of(case: OpCase, tier: Tier, example: Example, part: str) -> Outcome:
    """Return the outcome of one part; if the call of the op fails, its outcome."""
    found = outcomes(case, tier, example, [part])
    return found[part] if part in found else found["value"]


def _attempt(what: str, compute: Callable[[], Any]) -> Outcome:
    numbers, failure = None, None
    with unprinted() as sink, warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            with guarded(what):
                numbers = compute()
        except Wrong as wrong:
            failure = wrong
    messages = [str(warning.message) for warning in caught if issubclass(warning.category, RuntimeWarning)]
    return Outcome(numbers, failure, "".join(messages[:1]), sink.first_line)


def _checked_piece(case: OpCase, tier: Tier, part: str, call: Call) -> Any:
    if part == "value":
        if case.is_loss:
            _check_number(call.value)
        else:
            _check_array(tier, part, call.value, like=call.dy)
        return call.value
    gradient = call.vjps[case.parts.index(part) - 1](call.dy)
    _check_array(tier, part, gradient, like=call.inputs[case.argument_of(part)])
    return gradient


def checked(case: OpCase, tier: Tier) -> Callable[..., Any]:
    """Return the op under the clock, which raises Wrong unless it returns a value and one vjp per argument."""
    real = CLOCK.timed(getattr(tier, case.name))

    def op(*inputs: Any) -> Any:
        with guarded(case.name):
            result = real(*inputs)
        vjps = _vjps_in(case, result)
        return result[0], tuple(CLOCK.timed(vjp) for vjp in vjps)

    return op


def _vjps_in(case: OpCase, result: Any) -> Any:
    """Return the vjps in what an op returned; raise Wrong if its structure is wrong."""
    names = ", ".join(case.parts[1:]) + "," * (case.n_differentiable == 1)
    expected = f"expected (value, ({names}))"
    if not (isinstance(result, tuple) and len(result) == 2):
        raise Wrong("structure", f"{case.name} returned {short(result)}, {expected}")
    vjps = result[1]
    if callable(vjps):
        raise Wrong("structure", f"{case.name} returned a function as its second result, {expected}; mind the comma")
    called = f"the second result must be a tuple of functions, ({names}): did you call {case.parts[1]}?"
    if not isinstance(vjps, tuple | list) or (len(vjps) and not any(map(callable, vjps))):
        raise Wrong("structure", f"{case.name} returned {short(vjps)} as its second result; {called}")
    if len(vjps) != case.n_differentiable:
        raise Wrong("structure", f"{case.name} returned {len(vjps)} vjps, {expected}")
    for part, vjp in zip(case.parts[1:], vjps, strict=True):
        if not callable(vjp):
            raise Wrong("structure", f"{part}: got {short(vjp)}, expected a function of dy: did you call {part}?")
    return vjps


def _check_number(value: Any) -> None:
    try:
        float(value)
    except (TypeError, ValueError):
        message = f"the loss is {short(value)}, expected one number: the sum over the samples of the call"
        raise Wrong("type", message) from None


def _check_array(tier: Tier, part: str, value: Any, like: Any) -> None:
    shape = numbers_of(tier, like).shape
    expected = type(tier.asarray([0.0]))
    # A gradient may not be a tuple: it is added to in place.
    kinds = (list, tuple) if expected is list and part == "value" else (expected,)

    def wrong() -> Wrong:  # built only if needed: it takes longer than all the checks
        return Wrong(
            "type",
            f"{part} is {short(value)}, expected an array as asarray makes it: {expected.__name__} of shape {shape}",
        )

    if not isinstance(value, kinds) or isinstance(value, np.matrix):
        raise wrong()
    try:
        numbers = np.array(tier.tolist(value))
    except (TypeError, ValueError):
        raise wrong() from None
    if numbers.dtype.kind not in "fiub":
        raise wrong()
    if numbers.shape != shape:
        raise Wrong("shape", f"{part} has shape {numbers.shape}, expected {shape}", shape, numbers.shape)
    if _is_float32(like) and isinstance(value, np.ndarray) and not _is_float32(value):
        message = f"{part} is {value.dtype.name} where the input is float32: it takes twice the memory"
        raise Wrong("float32", message, "float32", value.dtype.name, detail=value.dtype.name)


def _is_float32(a: Any) -> bool:
    return bool(getattr(a, "dtype", None) == np.float32)


def short(value: Any) -> str:
    """Describe a value in a few words."""
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def described(error: BaseException) -> str:
    """Return an exception in one line, with the number of the line in the tier's file that raised it."""
    line = line_in_tier_file(error)
    text = " ".join(f"{type(error).__name__}: {error}".split()).removesuffix(":")
    return text if line is None else f"{text} (line {line})"


def numbers_of(tier: Tier, a: Any) -> Array:
    """Return a number, a shape, or an array of the tier as a new ndarray."""
    return np.array(a if isinstance(a, int | float | tuple | np.number) else tier.tolist(a))
