"""Helper processes: they end with the process that started them, even if that is killed."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from typing import Any
from weakref import WeakSet

PARENT = "MICROGRAD_TIERS_PARENT"  # environment variable with the id of the process that has started this one
POLL = 0.5  # seconds between two looks at the parent
ended = threading.Event()  # set once `end_all` was called: no helper is started any more
_started: "WeakSet[subprocess.Popen[Any]]" = WeakSet()


def start(command: Sequence[str], **options: Any) -> "subprocess.Popen[Any]":
    """Start a helper process, with options as in `subprocess.Popen`; it must call `end_with_parent`."""
    if ended.is_set():
        raise InterruptedError("this process is about to end")
    environment = {**(options.pop("env", None) or os.environ), PARENT: str(os.getpid())}
    process = subprocess.Popen(command, env=environment, **options)
    _started.add(process)
    return process


def end(process: "subprocess.Popen[Any]") -> None:
    """Kill a process and, if it leads a group of its own, the processes that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix" and os.getpgid(process.pid) == process.pid:
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()


def end_all() -> None:
    """Kill all helper processes that still run, and start no other."""
    ended.set()
    for process in [*_started]:
        if process.returncode is None:
            end(process)


def end_with_parent(parent: int | None = None) -> None:
    """Let this helper process end within a second after its parent.

    Parameters
    ----------
    parent : int, optional
        Process id of the parent; not needed if `start` has started this process.
    """
    started_by = parent or int(os.environ.get(PARENT, os.getppid()))

    def watch() -> None:
        while os.getppid() == started_by:
            time.sleep(POLL)
        if os.name == "posix" and os.getpgrp() == os.getpid():
            os.killpg(0, signal.SIGKILL)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
