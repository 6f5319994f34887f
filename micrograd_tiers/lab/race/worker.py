"""The process of one contender. It computes only on request, so that it does not disturb the others.

`race.Race` starts it and sends requests as lines of JSON, {"do": "make", ...}: see `Worker`.
"""

import contextlib
import json
import statistics
import sys
import threading
import time
import tracemalloc
from collections.abc import Callable
from typing import Any

import numpy as np

from ...pools import pools, warning
from ...processes import end_with_parent
from .cases import case_of
from .contenders import CONTENDERS

WARM_UP = 0.04  # seconds: longer than another contender's BLAS threads keep spinning after their work
STACK = 512 * 2**20  # bytes, for recursive backward passes


class Worker:
    """Requests that the process can answer, one method each. A method returns the answer as a dictionary."""

    def __init__(self, name: str) -> None:
        self.contender = CONTENDERS[name]

    def make(self, net: str, batch_size: int, dtype: str, learning_rate: float) -> dict[str, Any]:
        """Set the case for the requests that follow."""
        self.case, self.learning_rate = case_of(net, batch_size, dtype), learning_rate
        self.slow = 0.0  # shortest time of a step in the last turn, in seconds
        self.step, self.weights_of = self.contender.make(self.case, learning_rate)
        return {}

    def weights(self, path: str) -> dict[str, Any]:
        """Make one step, write the new weights to a file, and return the loss before the step."""
        loss = self.step()
        np.savez(path, *[np.asarray(array) for array in self.weights_of()])
        return {"loss": float(np.asarray(loss))}

    def time(self, seconds: float) -> dict[str, Any]:
        """Make steps for about this many seconds, at least one, and return the median time of a step."""
        if self.slow < WARM_UP:
            _repeat(self.step, WARM_UP)
        times = _repeat(self.step, seconds)
        self.slow = min(times)
        return {"seconds": statistics.median(times)}

    def threads(self, asked: int) -> dict[str, Any]:
        """Return a warning if this process does not have the threads that it should have."""
        return {"warning": warning(pools(), asked)}

    def memory(self) -> dict[str, Any]:
        """Return the peak memory of training and of prediction in bytes, data and weights included."""
        return {
            "training": _peak(lambda: self.contender.make(self.case, self.learning_rate)[0]),
            "prediction": _peak(self._prediction),
        }

    def _prediction(self) -> Callable[[], Any]:
        net = self.case.net(self.contender.tier, self.contender.exact)
        x, _ = self.case.batch()
        return lambda: net.forward(x)


def _repeat(step: Callable[[], Any], seconds: float) -> list[float]:
    """Return the times of all steps that begin within this many seconds."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    while (now := clock()) < end:
        step()
        times.append(clock() - now)
    return times


def _peak(make: Callable[[], Callable[[], Any]]) -> int:
    """Return the peak memory, in bytes, of a call of the function that `make` returns, `make`'s own arrays included."""
    tracemalloc.start()
    try:
        step = make()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def serve(name: str) -> None:
    """Answer requests from standard input until it is closed. Libraries' own output goes to standard error."""
    answers, worker = sys.stdout, Worker(name)
    with contextlib.redirect_stdout(sys.stderr):
        for line in sys.stdin:
            request = json.loads(line)
            try:
                answer = getattr(worker, request.pop("do"))(**request)
            except Exception as error:
                answer = {"error": f"{type(error).__name__}: {error}"}
            answers.write(json.dumps(answer) + "\n")
            answers.flush()


if __name__ == "__main__":
    end_with_parent()
    if CONTENDERS[sys.argv[1]].recursive:  # a stack of another size needs a new thread
        sys.setrecursionlimit(1_000_000)
        threading.stack_size(STACK)
        thread = threading.Thread(target=serve, args=sys.argv[1:])
        thread.start()
        thread.join()
    else:
        serve(sys.argv[1])
