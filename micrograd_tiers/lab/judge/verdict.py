"""The judge: each op is tried in a process of its own, under a time limit, and the results are put together."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ...errors import DataError
from ...threads import pinned
from ...tiers import CORE, OPS, SUPPORT, TIERS
from .cases import CASE_OF
from .trajectory import trainable

ITEMS = (*OPS, *SUPPORT, "training")
PASS, FAIL, NOT_WRITTEN, BORROWED, NOT_JUDGED = "pass", "fail", "not yet written", "built-in", "not judged"

Points = Mapping[str, float | Mapping[str, float]]


@dataclass(frozen=True)
class Item:
    """What is judged by itself: an op, a support function, or training.

    Attributes
    ----------
    name : str
    status : {"pass", "fail", "not yet written", "built-in", "not judged"}
        "built-in": the tier does not have this support function, and was tried with that of a built-in tier.
    findings : list of dict
        One for each part that is wrong: part, property, message, and where there are any: example, expected, got,
        likely_bug (name, title, reasoning, hint).
    points, possible : float
    note : str
        Why it was not judged.
    """

    name: str
    status: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    points: float = 0.0
    possible: float = 0.0
    note: str = ""

    def parts(self) -> dict[str, bool]:
        """Return which parts are right; a part that could not be judged, as the op raises, is not."""
        names = CASE_OF[self.name].parts if self.name in CASE_OF else ("value",)
        if self.status != FAIL:
            return dict.fromkeys(names, self.status == PASS)
        blocked = any(finding["blocks"] for finding in self.findings)
        wrong = {finding["part"] for finding in self.findings}
        return {name: name not in wrong and not blocked for name in names}


@dataclass(frozen=True)
class Verdict:
    """What the judge has to say about a tier.

    Attributes
    ----------
    tier : str
        As given.
    grain : str
        The built-in tier whose arrays it takes; "" if that could not be found out.
    items : tuple of Item
    speeds : dict of str to float
        Samples per second in training: "" is the tier's own, beside those of the built-in ones.
    problem : str
        Why nothing could be judged at all: the file cannot be imported.
    """

    tier: str
    grain: str = ""
    items: tuple[Item, ...] = ()
    speeds: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def passed(self) -> bool:
        """Whether all that is worth points is written and right."""
        return self.points == self.possible > 0

    @property
    def points(self) -> float:
        """How many points were reached."""
        return sum(item.points for item in self.items)

    @property
    def possible(self) -> float:
        """How many there are."""
        return sum(item.possible for item in self.items)


def judge(
    tier: str,
    *,
    like: str = "",
    points: Points | None = None,
    time_limit: float = 60.0,
    on_item: Callable[[Item], None] = lambda item: None,
) -> Verdict:
    """Put a tier through all that must be true of one.

    Parameters
    ----------
    tier : str
        A file with the functions of the `Tier` protocol, or some of them; or any other name that `get_tier` knows.
    like : {"", "scalar", "vector", "tensor"}
        The built-in tier whose arrays it takes; by default this is found out.
    points : mapping, optional
        What each item is worth (see `read_points`); by default one point for each op of `tiers.CORE`, and one for
        training. Other ops, as those for images, are judged if they are written or worth something.
    time_limit : float
        Seconds for each op.
    on_item : callable
        Called with each `Item` as it comes in.

    Raises
    ------
    ValueError
        If there is no such file or module, or `like` is no tier.
    """
    if like and like not in TIERS:
        raise ValueError(f"like is {like!r}, expected one of {', '.join(TIERS)}")
    if not time_limit >= 1:
        raise ValueError(f"time_limit is {time_limit:g}, expected at least 1 second")
    if tier.endswith(".py") and not Path(tier).is_file():
        raise ValueError(f"{tier}: there is no such file; `--new {tier}` writes a skeleton to fill in")
    points = default_points() if points is None else points

    def ask(item: str, ops: Sequence[str] = ()) -> dict[str, Any]:
        task = {"tier": tier, "item": item, "grain": grain, "ops": ops, "broken": broken, "seconds": time_limit / 2}
        return _ask(task, time_limit)

    grain, broken = like, list[str]()
    first = ask("look")
    if "error" in first:
        return Verdict(tier, problem=first["error"])
    grain, written = first["grain"], first["written"]

    def judged(name: str, answer: dict[str, Any] | None = None) -> Item:
        absent = {"status": BORROWED if name in SUPPORT else NOT_WRITTEN}
        item = _item(name, absent if name not in written else answer or ask(name), points)
        on_item(item)
        return item

    together = ask("support") if {*SUPPORT} & {*written} else {}  # the ops are judged with those that are right
    support = [judged(name, together.get(name)) for name in SUPPORT]
    asked = [name for name in OPS if name in CORE or name in written or name in points]
    broken = [item.name for item in support if item.status in (FAIL, NOT_WRITTEN)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        items = [*pool.map(judged, asked), *support]
    sound = [item.name for item in items if item.status == PASS]
    if broken or not trainable(sound):
        answer = {"status": NOT_JUDGED, "note": "needs linear, an activation, a loss and what serves them to be right"}
    else:
        answer = ask("training", sound)
    items.append(_item("training", answer, points))
    on_item(items[-1])
    timed = items[-1].status == PASS
    return Verdict(tier, grain, tuple(items), ask("speed", sound).get("speeds", {}) if timed else {})


def _item(name: str, answer: dict[str, Any], points: Points) -> Item:
    if "error" in answer:
        message = f"{name}: {answer['error']}"
        finding = {"part": "value", "property": answer["property"], "message": message, "blocks": True}
        answer = {"status": FAIL, "findings": [finding]}
    item = Item(name, answer["status"], answer.get("findings", []), note=answer.get("note", ""))
    worth = points.get(name, 0.0)
    if isinstance(worth, Mapping):
        right = item.parts()
        reached, possible = sum(n for part, n in worth.items() if right[part]), sum(worth.values())
    else:
        reached, possible = worth * (item.status in (PASS, BORROWED)), worth
    return Item(item.name, item.status, item.findings, float(reached), float(possible), item.note)


# One question, one process.


def _ask(task: dict[str, Any], time_limit: float) -> dict[str, Any]:
    """Return the worker's answer, or {"error": ..., "property": "raises" or "hangs"}."""
    with tempfile.TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", f"{__package__}.worker", json.dumps(task), str(result)]
        with (Path(folder) / "errors.txt").open("w+b") as errors:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=os.environ | pinned(1) | {"HYPOTHESIS_STORAGE_DIRECTORY": folder},
                start_new_session=os.name == "posix",
            )
            try:
                code = process.wait(time_limit)
            except subprocess.TimeoutExpired:
                return {"error": f"no result after {time_limit:g} seconds; does a loop never end?", "property": "hangs"}
            finally:
                _end(process)
            errors.seek(0)
            if result.is_file():
                answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
                return answer
            lines = errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines and code == 1 else f"the process ended with code {code}"
        return {"error": reason, "property": "raises"}


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a process, and those that it has started."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if os.name == "posix":
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()


# Points.


def default_points() -> dict[str, float]:
    """Return one point for each op that a net of dense layers is made of, and one for training."""
    return {**dict.fromkeys(CORE, 1.0), "training": 1.0}


def read_points(path: str) -> Points:
    """Read what each item is worth from a TOML file.

    A number is for the whole op, all or nothing; a table weighs its parts::

        sigmoid = 2
        training = 3
        [linear]
        value = 1
        dx = 1
        dweight = 2
        dbias = 1

    Items that are not named are worth nothing, and need not be written.

    Raises
    ------
    DataError
        If it is not such a file.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: is not a TOML file: {error}") from None
    table = table.get("points", table)
    for name, worth in table.items():
        if name not in ITEMS:
            raise DataError(f"{path}: {name} is no item, expected some of {', '.join(ITEMS)}")
        parts = CASE_OF[name].parts if name in CASE_OF else ("value",)
        for part, n in worth.items() if isinstance(worth, dict) else [(parts[0], worth)]:
            if part not in parts:
                raise DataError(f"{path}: {name} has no part {part}, expected some of {', '.join(parts)}")
            if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n < 1e6:
                raise DataError(f"{path}: {name} is worth {n!r}, expected a number of at least 0")
    if not table:
        raise DataError(f"{path}: names no item, expected some of {', '.join(ITEMS)}")
    return dict(table)
