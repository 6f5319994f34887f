"""The process of one contender in one case, as the race sees it. `worker` is the code that runs in the process."""

import contextlib
import json
import os
import subprocess
import sys
from typing import Any, Self

from ... import processes
from ...errors import ContenderError
from ...threads import pinned
from .cases import AnyCase


class Process:
    """Context manager that starts the process of a contender, and ends it on exit.

    The process makes the training step at once. So the processes of a race import their libraries at the same time.

    Parameters
    ----------
    name : str
        Key of `CONTENDERS`.
    case : Case or GPTCase
    threads : int
        Number of threads for its libraries.
    """

    def __init__(self, name: str, case: AnyCase, threads: int) -> None:
        self.name, self.case = name, case
        words = [name, case.name, str(case.batch_size), case.dtype]
        self.process = processes.start(
            [sys.executable, "-m", "micrograd_tiers.lab.race.worker", *words],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment(threads),
        )  # fmt: skip

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()  # it has nothing to save
        self.process.communicate()

    def ask(self, do: str, **arguments: Any) -> dict[str, Any]:
        """Return the answer of the method `do` of `worker.Worker`.

        Raises
        ------
        ContenderError
            If that fails, or if the process has ended.
        """
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        with contextlib.suppress(BrokenPipeError):  # the answer is then the error that has ended the process
            self.process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer: dict[str, Any] = json.loads(line) if line else {"error": f"ended with code {self.process.wait()}"}
        if "error" in answer:
            raise ContenderError(f"{self.name}: {answer['error']}")
        return answer


def environment(threads: int) -> dict[str, str]:
    """Return the environment variables that limit NumPy, PyTorch and JAX to a number of threads."""
    jax = {"XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false"} if threads == 1 else {}
    return os.environ | pinned(threads) | jax
