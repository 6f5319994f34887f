"""Guarded calls of foreign code, which may raise, hang, print, or return anything."""

import contextlib
import io
import signal
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier, line_in_tier_file
from .calls import Call, calls, together
from .cases import OpCase
from .examples import Example

Array = NDArray[Any]

CALL_LIMIT = 5.0  # seconds for one part of one mini-batch; the built-in tiers take milliseconds
PRINT_LIMIT = 100_000  # characters


class Wrong(Exception):  # noqa: N818  # it never reaches a user
    """Raised when a check finds a violated property."""

    def __init__(
        self, property: str, message: str, expected: Any = None, got: Any = None, part: str | None = None
    ) -> None:
        super().__init__(message)
        self.property, self.message, self.expected, self.got = property, message, expected, got
        self.part = part  # "value" if the op fails before it returns any vjp, whichever part is under test


class _Printed(io.StringIO):
    """Output that an op prints, up to a limit."""

    def write(self, text: str) -> int:
        if self.tell() > PRINT_LIMIT:
            raise RuntimeError(f"printed more than {PRINT_LIMIT:,} characters")
        return super().write(text)


class _TooSlow(BaseException):  # not an Exception, so that an op cannot catch it by accident
    """Raised when the time is up."""


@contextlib.contextmanager
def clock(seconds: float = CALL_LIMIT) -> Iterator[None]:
    """Raise TimeoutError if the block takes longer than `seconds`; no effect on Windows or outside the main thread."""

    def stop(*args: object) -> None:
        raise _TooSlow

    try:
        before = signal.signal(signal.SIGALRM, stop)
    except (AttributeError, ValueError):  # Windows; not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TooSlow:
        raise TimeoutError(f"takes longer than {seconds:g} seconds; an endless loop?") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def guarded(what: str, seconds: float = CALL_LIMIT) -> Iterator[None]:
    """Turn exceptions and timeouts into Wrong, except NotImplementedError, which means not yet written."""
    try:
        with clock(seconds):
            yield
    except (Wrong, NotImplementedError):
        raise
    except TimeoutError as error:
        raise Wrong("hangs", f"{what}: {error}") from None
    except (Exception, SystemExit) as error:
        raise Wrong("raises", f"{what}: {described(error)}") from error


def outcome(case: OpCase, tier: Tier, example: Example, part: str) -> Any:
    """Return one part for the whole mini-batch; raise Wrong if its type or shape is wrong or the op prints."""
    printed = _Printed()
    with contextlib.redirect_stdout(printed), guarded(part):
        pieces = [_checked_piece(case, tier, part, call) for call in calls(case, tier, example, checked(case, tier))]
        got = together(case, tier, example, part, pieces)
    if printed.getvalue():
        (line, *_) = printed.getvalue().splitlines() or [""]
        raise Wrong("prints", f"{part}: prints while it computes: {line!r}; an op must only return its result")
    return got


def _checked_piece(case: OpCase, tier: Tier, part: str, call: Call) -> Any:
    k = case.parts.index(part) - 1
    if k < 0:
        if case.is_loss:
            _check_number(call.value)
        else:
            _check_array(tier, part, call.value, like=call.dy)
        return call.value
    vjp = call.vjps[k]
    if not callable(vjp):
        raise Wrong("structure", f"{part}: got {short(vjp)}, expected a function that takes dy")
    gradient = vjp(call.dy)
    _check_array(tier, part, gradient, like=call.inputs[k])
    return gradient


def checked(case: OpCase, tier: Tier) -> Callable[..., Any]:
    """Return the op, wrapped to raise Wrong unless it returns a value and one vjp per differentiable argument."""
    real = getattr(tier, case.name)

    def op(*inputs: Any) -> Any:
        try:
            result = real(*inputs)
        except NotImplementedError:
            raise
        except (Exception, SystemExit) as error:
            raise Wrong("raises", f"{case.name}: {described(error)}", part="value") from error
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], tuple | list)):
            message = f"{case.name} returned {short(result)}, expected (value, (vjp, ...)); mind the comma in (vjp,)"
            raise Wrong("structure", message, part="value")
        if len(result[1]) != case.n_differentiable:
            message = f"{case.name} returned {len(result[1])} vjps, expected {case.n_differentiable}: {case.parts[1:]}"
            raise Wrong("structure", message, part="value")
        return result

    return op


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


def short(value: Any) -> str:
    """Describe a value in a few words."""
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def described(error: BaseException) -> str:
    """Return an exception in one line, with the number of the line in the tier's file that raised it."""
    line = line_in_tier_file(error)
    text = " ".join(f"{type(error).__name__}: {error}".split())
    return text if line is None else f"{text} (line {line})"


def numbers_of(tier: Tier, a: Any) -> Array:
    """Return a number, a shape, or an array of the tier as a new ndarray."""
    return np.array(a if isinstance(a, int | float | tuple | np.number) else tier.tolist(a))
