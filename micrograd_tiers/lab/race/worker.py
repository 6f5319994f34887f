"""The work in the process of one contender. It computes only on request, so that it does not disturb the others.

`process.Process` starts it and sends requests as lines of JSON, {"do": "time", ...}: see `Worker`.
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
from .cases import AnyCase, case_of
from .contenders import CONTENDERS
from .proof import PROOF_RATE

RACE_RATE = 0.01  # learning rate while the contenders are timed
WARM_UP = 0.04  # seconds: longer than another contender's BLAS threads keep spinning after their work
STACK = 512 * 2**20  # bytes, for recursive backward passes


class Worker:
    """Training step of a contender in one case. Each public method answers a request with a dictionary."""

    def __init__(self, name: str, case: AnyCase) -> None:
        self.contender, self.case = CONTENDERS[name], case
        self.slow = 0.0  # shortest time of a step in the last turn, in seconds
        self.step, _ = self.contender.make(case, RACE_RATE)

    def ready(self) -> dict[str, Any]:
        """Say that the step is made, so that this process does nothing until the next request."""
        return {}

    def prove(self, path: str) -> dict[str, Any]:
        """Make one step of another net at `PROOF_RATE`, write its weights to a file, and return the loss before it."""
        step, weights = self.contender.make(self.case, PROOF_RATE)
        loss = step()
        np.savez(path, *[np.asarray(array) for array in weights()])
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
            "training": _peak(lambda: self.contender.make(self.case, RACE_RATE)[0]),
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


def serve(name: str, net: str, batch_size: str, dtype: str) -> None:
    """Answer requests from standard input until it is closed. Libraries' own output goes to standard error."""
    answers = sys.stdout

    def answer(content: dict[str, Any]) -> None:
        answers.write(json.dumps(content) + "\n")
        answers.flush()

    with contextlib.redirect_stdout(sys.stderr):
        try:
            worker = Worker(name, case_of(net, int(batch_size), dtype))
            for line in sys.stdin:
                request = json.loads(line)
                answer(getattr(worker, request.pop("do"))(**request))
        except Exception as error:
            answer({"error": f"{type(error).__name__}: {error}"})


if __name__ == "__main__":
    end_with_parent()
    if CONTENDERS[sys.argv[1]].recursive:  # a stack of another size needs a new thread
        sys.setrecursionlimit(1_000_000)
        threading.stack_size(STACK)
        thread = threading.Thread(target=serve, args=sys.argv[1:])
        thread.start()
        thread.join()
    else:
        serve(*sys.argv[1:])
