"""One contender in a process of its own: its libraries, its threads, its garbage; it computes only when it is asked.

`race.Race` starts it and talks to it in lines of JSON: {"do": "make" | "weights" | "time" | "memory", ...}.
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

from .cases import Case
from .contenders import CONTENDERS

WARM_UP = 0.04  # seconds: longer than the threads of another's BLAS go on spinning when their work is done
STACK = 512 * 2**20  # bytes, for backward passes that are recursive


class Worker:
    """What one process can be asked to do; each method answers with a dictionary."""

    def __init__(self, name: str) -> None:
        self.contender = CONTENDERS[name]

    def make(self, sizes: list[int], batch_size: int, dtype: str, learning_rate: float) -> dict[str, Any]:
        """Take up a case."""
        self.case, self.learning_rate = Case(tuple(sizes), batch_size, dtype), learning_rate
        self.slow = 0.0  # seconds that a step takes
        self.step, self.weights_of = self.contender.make(self.case, learning_rate)
        return {}

    def weights(self, path: str) -> dict[str, Any]:
        """Make one step, and write the weights after it."""
        loss = self.step()
        np.savez(path, *[np.asarray(array) for array in self.weights_of()])
        return {"loss": float(np.asarray(loss))}

    def time(self, seconds: float) -> dict[str, Any]:
        """Make steps for about so long, at least one; return the median time of a step."""
        if self.slow < WARM_UP:
            _repeat(self.step, WARM_UP)
        times = _repeat(self.step, seconds)
        self.slow = min(times)
        return {"seconds": statistics.median(times)}

    def memory(self) -> dict[str, Any]:
        """Measure the largest memory that training, and predicting, holds at a time, data and weights included."""
        return {
            "training": _peak(lambda: self.contender.make(self.case, self.learning_rate)[0]),
            "prediction": _peak(self._prediction),
        }

    def _prediction(self) -> Callable[[], Any]:
        net = self.case.net(self.contender.tier, self.contender.exact)
        x, _ = self.case.batch()
        return lambda: net.forward(x)


def _repeat(step: Callable[[], Any], seconds: float) -> list[float]:
    """Return the time of each of the steps that begin within so many seconds."""
    times: list[float] = []
    clock = time.perf_counter
    end = clock() + seconds
    while (now := clock()) < end:
        step()
        times.append(clock() - now)
    return times


def _peak(make: Callable[[], Callable[[], Any]]) -> int:
    """Return the most bytes that what was made, and a call of it, hold at a time."""
    tracemalloc.start()
    try:
        step = make()
        tracemalloc.reset_peak()
        step()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def serve(name: str) -> None:
    """Answer requests from standard input until it is closed; what libraries print goes to standard error."""
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
    if CONTENDERS[sys.argv[1]].recursive:  # only a thread may have a stack of its own size
        sys.setrecursionlimit(1_000_000)
        threading.stack_size(STACK)
        thread = threading.Thread(target=serve, args=sys.argv[1:])
        thread.start()
        thread.join()
    else:
        serve(sys.argv[1])
