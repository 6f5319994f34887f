"""Processes in which a tier is tested, one for each question: foreign code may hang, crash or exit there."""

import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from ... import processes
from ...threads import pinned

MARGIN = 60.0  # seconds, for all that the worker does between two calls, such as imports


def ask(task: dict[str, Any]) -> dict[str, Any]:
    """Return the worker's answer, or {"error": ..., "property": "raises" or "time"}.

    There is no limit for all calls together, as that would make the answer depend on the machine. But a process that
    does not begin a new call for a while, longer than one call may take, is ended.

    Parameters
    ----------
    task : dict
        Arguments of `worker.answer`; its `seconds` are the limit for one call.
    """
    with tempfile.TemporaryDirectory() as folder:
        result, sign = Path(folder) / "result.json", Path(folder) / "sign"
        sign.touch()
        command = [sys.executable, "-m", f"{__package__}.worker", json.dumps(task), str(result), str(sign)]
        with (Path(folder) / "errors.txt").open("w+b") as errors:
            process = processes.start(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=os.environ | pinned(1) | {"HYPOTHESIS_STORAGE_DIRECTORY": folder},
                start_new_session=os.name == "posix",
            )
            try:
                code = _wait(process, sign, 3 * task["seconds"] + MARGIN)
            finally:
                processes.end(process)
                process.wait()
            if code is None:
                limit = f"{task['seconds']:g} seconds"
                return {"error": f"ran out of time: a call did not end after {limit}", "property": "time"}
            errors.seek(0)
            if result.is_file():
                answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
                return answer
            lines = errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines and code == 1 else f"the process ended with code {code}"
        return {"error": reason, "property": "raises"}


def _wait(process: "subprocess.Popen[bytes]", sign: Path, patience: float) -> int | None:
    """Return the exit code; None if the sign of life is too old."""
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return process.wait(0.2)
        if time.time() - sign.stat().st_mtime > patience:
            return None
