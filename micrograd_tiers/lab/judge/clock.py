"""The clock: a limit for single calls of foreign code."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from typing import Any

CALL_LIMIT = 10.0  # seconds for one call; the built-in tiers take milliseconds


class OutOfTime(Exception):  # noqa: N818  # it never reaches a user
    """Raised when a call has used up its time."""


class _TooSlow(BaseException):  # not an Exception, so that an op cannot catch it by accident
    """Raised inside a call when its time is up."""


def _stop(*args: object) -> None:
    for number in (signal.SIGPROF, signal.SIGALRM):  # a second exception would escape while the first is handled
        signal.signal(number, lambda *args: None)
    raise _TooSlow


class Clock:
    """Limit for single calls of foreign code.

    A call may use `limit` seconds of processor time, which do not depend on what else the machine does, or three times
    as many seconds on the clock, which a call that only waits uses up. No effect on Windows or outside the main thread:
    there, `on_call` lets another process see that a call does not return.

    Attributes
    ----------
    limit : float
        Seconds of processor time for one call.
    on_call : callable
        Called before each call.
    """

    def __init__(self) -> None:
        self.limit = CALL_LIMIT
        self.on_call: Callable[[], None] = lambda: None

    def timed(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function with the limit; it raises OutOfTime."""

        def limited(*arguments: Any, **named: Any) -> Any:
            self.on_call()
            with self.running():
                return function(*arguments, **named)

        return limited

    @contextlib.contextmanager
    def running(self, calls: int = 1) -> Iterator[None]:
        """Raise OutOfTime if the block takes longer than so many calls may."""
        timers = {signal.SIGPROF: signal.ITIMER_PROF, signal.SIGALRM: signal.ITIMER_REAL} if POSIX else {}
        try:
            before = {number: signal.signal(number, _stop) for number in timers}
        except ValueError:  # not the main thread
            yield
            return
        try:
            for factor, timer in zip((1, 3), timers.values(), strict=False):
                signal.setitimer(timer, factor * calls * self.limit)
            yield
        except _TooSlow:
            raise OutOfTime(f"takes more than {calls * self.limit:g} seconds; an endless loop?") from None
        finally:
            for timer in timers.values():
                signal.setitimer(timer, 0)
            for number, handler in before.items():
                signal.signal(number, handler)


POSIX = hasattr(signal, "setitimer")
CLOCK = Clock()


def timed_op(op: Callable[..., Any]) -> Callable[..., Any]:
    """Return an op whose calls, and those of its vjps, have a limit."""
    limited = CLOCK.timed(op)

    def of_inputs(*inputs: Any) -> Any:
        value, vjps = limited(*inputs)
        return value, tuple(CLOCK.timed(vjp) for vjp in vjps)

    return of_inputs
