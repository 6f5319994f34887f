"""Signals that end a command: Ctrl-C, termination (`kill`, `timeout`, a batch system) and a closed terminal."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from ..processes import end_all, ended

NAMES = {"SIGINT": "interrupted", "SIGTERM": "terminated", "SIGHUP": "hung up"}
SIGNALS = {getattr(signal, name): said for name, said in NAMES.items() if hasattr(signal, name)}


class Stopped(KeyboardInterrupt):
    """Raised by a signal; a KeyboardInterrupt, because Python and its libraries then clean up as after Ctrl-C."""

    def __init__(self, signum: int) -> None:
        super().__init__()
        self.signum = signum


class Request:
    """A request to stop, made by a signal.

    Attributes
    ----------
    signum : int or None
        The signal; None if there was none yet.
    """

    signum: int | None = None

    def __call__(self) -> bool:
        """Return True if there was a signal."""
        return self.signum is not None


def said(signum: int) -> str:
    """Return what a signal does to a command: "interrupted", "terminated" or "hung up"."""
    return SIGNALS[signal.Signals(signum)]


def exit_code(signum: int) -> int:
    """Return the exit code of a command that a signal has ended, by the convention of shells."""
    return 128 + signum


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Kill the helper processes and raise `Stopped` at a signal that would end this process; not in other threads.

    A signal that is ignored stays ignored, as with `nohup`, and one with a handler keeps it.
    """

    def stop(signum: int, frame: FrameType | None) -> None:
        end_all()
        raise Stopped(signum)

    ended.clear()
    with _handlers(stop, (signal.SIG_DFL, signal.default_int_handler)):
        yield


@contextmanager
def delayed_signals() -> Iterator[Request]:
    """Turn a first signal into a request, so that a step can be completed; a second one stops at once."""
    request = Request()

    def ask(signum: int, frame: FrameType | None) -> None:
        if request():
            raise Stopped(signum)
        request.signum = signum

    with _handlers(ask):
        yield request


@contextmanager
def _handlers(handler: "signal._HANDLER", replaced: tuple["signal._HANDLER", ...] = ()) -> Iterator[None]:
    """Handle the signals in the block: those that are not ignored, and if `replaced` is given, have such a handler."""
    before = {}
    if threading.current_thread() is threading.main_thread():
        for signum in SIGNALS:
            current = signal.getsignal(signum)
            if current in replaced if replaced else signum == signal.SIGINT or current != signal.SIG_IGN:
                before[signum] = signal.signal(signum, handler)
    try:
        yield
    finally:
        for signum, previous in before.items():
            signal.signal(signum, previous)
