"""The judge: tests each op in a process of its own, under a time limit, and collects the results."""

import json
import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ... import processes
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
    """Result for one item: an op, a support function, or training.

    Attributes
    ----------
    name : str
        Name of the op or the support function, or "training".
    status : {"pass", "fail", "not yet written", "built-in", "not judged"}
        "built-in": the tier lacks this support function and was tested with that of a built-in tier.
    findings : list of dict
        One for each part that is wrong, with the keys part, property, message and blocks, and where they apply,
        expected, got, example and likely_bug (name, title, reasoning, hint).
    points, possible : float
        Points reached and points possible for this item.
    note : str
        Reason why the item was not judged; otherwise "".
    """

    name: str
    status: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    points: float = 0.0
    possible: float = 0.0
    note: str = ""

    def parts(self) -> dict[str, bool]:
        """Return, for each part, True if it is right; a part that could not be judged counts as wrong."""
        names = CASE_OF[self.name].parts if self.name in CASE_OF else ("value",)
        if self.status != FAIL:
            return dict.fromkeys(names, self.status == PASS)
        blocked = any(finding["blocks"] for finding in self.findings)
        wrong = {finding["part"] for finding in self.findings}
        return {name: name not in wrong and not blocked for name in names}


@dataclass(frozen=True)
class Verdict:
    """Result of judging a tier.

    Attributes
    ----------
    tier : str
        The tier as passed to `judge`.
    like : str
        Name of the built-in tier whose arrays this tier takes; "" if it could not be determined.
    items : tuple of Item
        Results of all items.
    speeds : dict of str to float
        Training speed in samples per second: "" is this tier, the other keys are the built-in tiers. Empty if training
        did not pass.
    problem : str
        Error that kept the file from being imported, so that nothing was judged; otherwise "".
    """

    tier: str
    like: str = ""
    items: tuple[Item, ...] = ()
    speeds: dict[str, float] = field(default_factory=dict)
    problem: str = ""

    @property
    def passed(self) -> bool:
        """True if all items that are worth points are written and right, and there is at least one."""
        return self.points == self.possible > 0

    @property
    def points(self) -> float:
        """Points reached, over all items."""
        return sum(item.points for item in self.items)

    @property
    def possible(self) -> float:
        """Points possible, over all items."""
        return sum(item.possible for item in self.items)


def judge(
    tier: str,
    *,
    like: str = "",
    points: Points | None = None,
    time_limit: float = 60.0,
    on_item: Callable[[Item], None] = lambda item: None,
) -> Verdict:
    """Judge a tier: test its ops, its support functions, and training with them.

    Parameters
    ----------
    tier : str
        Path of a file with functions of the `Tier` protocol, all or some; or any other name that `get_tier` knows.
    like : {"", "scalar", "vector", "tensor"}
        Built-in tier whose arrays this tier takes; determined automatically by default.
    points : mapping, optional
        Points for each item (see `read_points`); by default one for each op of `tiers.CORE` and one for training.
        Other ops, such as those for images, are judged if they are written or named here.
    time_limit : float
        Time limit for each op, in seconds; at least 1.
    on_item : callable
        Called with each `Item` as soon as it is judged, possibly from another thread.

    Returns
    -------
    Verdict
        Result of all items; if the tier cannot be imported, its `problem` says why.

    Raises
    ------
    ValueError
        If the file does not exist, `like` is not a built-in tier, or time_limit is below 1.
    """
    if like and like not in TIERS:
        raise ValueError(f"like is {like!r}, expected one of {', '.join(TIERS)}")
    if not time_limit >= 1:
        raise ValueError(f"time_limit is {time_limit:g}, expected at least 1 second")
    if tier.endswith(".py") and not Path(tier).is_file():
        raise ValueError(f"{tier}: no such file; `micrograd-tiers verify --new {tier}` writes a skeleton to fill in")
    points = default_points() if points is None else points

    def ask(item: str, ops: Sequence[str] = ()) -> dict[str, Any]:
        task = {"tier": tier, "item": item, "like": like, "ops": ops, "broken": broken, "seconds": time_limit / 2}
        return _ask(task, time_limit)

    broken: list[str] = []
    first = ask("look")
    if "error" in first:
        return Verdict(tier, problem=first["error"])
    like, written = first["like"], first["written"]

    def judged(name: str, answer: dict[str, Any] | None = None) -> Item:
        absent = {"status": BORROWED if name in SUPPORT else NOT_WRITTEN}
        item = _item(name, absent if name not in written else answer or ask(name), points)
        on_item(item)
        return item

    # First the support functions: the ops are judged with those that are right.
    together = ask("support") if {*SUPPORT} & {*written} else {}
    support = [judged(name, together.get(name)) for name in SUPPORT]
    asked = [name for name in OPS if name in CORE or name in written or name in points]
    broken = [item.name for item in support if item.status in (FAIL, NOT_WRITTEN)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        items = [*pool.map(judged, asked), *support]
    sound = [item.name for item in items if item.status == PASS]
    if broken or not trainable(sound):
        answer = {"status": NOT_JUDGED, "note": "needs correct support functions, linear, one activation and one loss"}
    else:
        answer = ask("training", sound)
    items.append(_item("training", answer, points))
    on_item(items[-1])
    timed = items[-1].status == PASS
    return Verdict(tier, like, tuple(items), ask("speed", sound).get("speeds", {}) if timed else {})


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
            process = processes.start(
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
                return {"error": f"no result after {time_limit:g} seconds; an endless loop?", "property": "hangs"}
            finally:
                processes.end(process)
                process.wait()
            errors.seek(0)
            if result.is_file():
                answer: dict[str, Any] = json.loads(result.read_text(encoding="utf-8"))
                return answer
            lines = errors.read().decode(errors="replace").strip().splitlines()
        reason = lines[-1] if lines and code == 1 else f"the process ended with code {code}"
        return {"error": reason, "property": "raises"}


# Points.


def default_points() -> dict[str, float]:
    """Return one point for each op that nets of dense layers need (`tiers.CORE`), and one for training."""
    return {**dict.fromkeys(CORE, 1.0), "training": 1.0}


def read_points(path: str) -> Points:
    """Read the points for each item from a TOML file.

    A number is for the whole item, all or nothing; a table gives points for its parts::

        sigmoid = 2
        training = 3
        [linear]
        value = 1
        dx = 1
        dweight = 2
        dbias = 1

    Items that are not named are worth nothing and need not be written.

    Parameters
    ----------
    path : str
        File to read.

    Returns
    -------
    mapping of str to (float or mapping of str to float)
        Points for each item, as `judge` takes them.

    Raises
    ------
    OSError
        If the file cannot be read.
    DataError
        If the file is not TOML, names no item, or has an unknown item, an unknown part or invalid points.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a TOML file: {error}") from None
    table = table.get("points", table)
    for name, worth in table.items():
        if name not in ITEMS:
            raise DataError(f"{path}: {name} is not an item, expected some of {', '.join(ITEMS)}")
        parts = CASE_OF[name].parts if name in CASE_OF else ("value",)
        for part, n in worth.items() if isinstance(worth, dict) else [(parts[0], worth)]:
            if part not in parts:
                raise DataError(f"{path}: {name} has no part {part}, expected some of {', '.join(parts)}")
            if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n < 1e6:
                raise DataError(f"{path}: {name} is worth {n!r}, expected a number of at least 0")
    if not table:
        raise DataError(f"{path}: names no item, expected some of {', '.join(ITEMS)}")
    return dict(table)
