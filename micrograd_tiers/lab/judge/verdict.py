"""The judge: tests each op in a process of its own, and collects the results."""

import os
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from ... import html
from ...formats import cut
from ...tiers import CORE, OPS, SUPPORT, TIERS
from .clock import CALL_LIMIT
from .points import ITEMS, Points, Worth, default_points, parts_of
from .processes import ask
from .properties import LEVELS
from .support import FUNCTIONS
from .trajectory import trainable

PASS, FAIL, TIMED_OUT = "pass", "fail", "ran out of time"
NOT_WRITTEN, TAKEN, NOT_JUDGED = "not yet written", "taken from the package", "not judged"


@dataclass(frozen=True)
class Item:
    """Result for one item: an op, a support function, or training.

    Attributes
    ----------
    name : str
        Name of the op or the support function, or "training".
    status : str
        "pass", "fail", "ran out of time", "not yet written", "taken from the package" or "not judged", at the level of
        the verdict. An op is taken from the package if it is right, but code of this package runs in it. So is a
        support function that is imported from here, or that the tier lacks.
    findings : list of dict
        One for each part that is wrong, with the keys part, property, level, message and blocks, and where they apply,
        expected, got, example, calls and likely_bug (name, title, reasoning, hint).
    points, possible : float
        Points reached and points possible for this item.
    note : str
        Reason why the item was not judged, or the function of the package that runs in it; otherwise "".
    """

    name: str
    status: str
    findings: list[dict[str, Any]] = field(default_factory=list)
    points: float = 0.0
    possible: float = 0.0
    note: str = ""

    def __repr__(self) -> str:
        wrong = f"; wrong: {', '.join(finding['part'] for finding in self.findings)}" if self.findings else ""
        return f"<Item {self.name}: {self.status}, {self.points:g} of {self.possible:g} points{wrong}>"

    def _repr_html_(self) -> str:
        return "".join(map(_finding, [self.name] * len(self.findings), self.findings)) or html.escape(repr(self))

    def parts(self, level: str = "all") -> dict[str, bool]:
        """Return, for each part, True if it is right at a level; a part that could not be judged counts as wrong."""
        names = parts_of(self.name)
        if self.status not in (PASS, FAIL, TIMED_OUT):
            return dict.fromkeys(names, False)
        counted = [finding for finding in self.findings if counts(finding, level)]
        blocked = any(finding["blocks"] for finding in counted)
        wrong = {finding["part"] for finding in counted}
        return {name: name not in wrong and not blocked for name in names}


def counts(finding: Mapping[str, Any], level: str) -> bool:
    """Return True if a finding costs points at a level; what an op prints costs none at any."""
    return finding["level"] in LEVELS[: LEVELS.index(level) + 1]


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
    level : str
        Level at which the items were graded, one of `LEVELS`.
    """

    tier: str
    like: str = ""
    items: tuple[Item, ...] = ()
    speeds: dict[str, float] = field(default_factory=dict)
    problem: str = ""
    level: str = "all"

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

    def __repr__(self) -> str:
        short = [f"{item.name} ({item.status})" for item in self.items if item.points < item.possible]
        rest = f"; without full points: {cut(', '.join(short), 500)}" if short else ""
        return f"<Verdict on {self._conclusion}{rest}>"

    def _repr_html_(self) -> str:
        rows = [
            (item.name, item.status, f"{item.points:g} of {item.possible:g}", item.note)
            for item in self.items
            if item.possible or item.status not in (PASS, TAKEN)
        ]
        speed = [f"{self.speeds['']:,.0f} samples per second in training"] if self.speeds else []
        notes = [*[f"cannot be imported: {self.problem}"] * bool(self.problem), *speed]
        findings = "".join(item._repr_html_() for item in self.items if item.findings)
        return html.table(("item", "result", "points", "remark"), rows, self._conclusion, notes) + findings

    @property
    def _conclusion(self) -> str:
        passed = "passed" if self.passed else "NOT passed"
        return f'{self.tier}: {passed} at level "{self.level}", {self.points:g} of {self.possible:g} points'


def _finding(name: str, finding: Mapping[str, Any]) -> str:
    """Return one finding as HTML, folded."""
    numbers = [f"{label}: {finding[label]!r}" for label in ("expected", "got") if finding.get(label) is not None]
    bug = finding.get("likely_bug") or {}
    hints = [f"{label}: {bug[key]}" for label, key in (("likely bug", "title"), ("hint", "hint")) if bug.get(key)]
    lines = [finding["message"], *(finding.get("calls") or ()), *(cut(number) for number in numbers), *hints]
    return html.folded(f"{name}, {finding['part']}: {finding['property']}", "\n".join(lines))


def judge(
    tier: str,
    *,
    like: str = "",
    points: Points | None = None,
    level: str = "all",
    only: Collection[str] = (),
    time_limit: float = CALL_LIMIT,
    on_item: Callable[[Item], None] = lambda item: None,
) -> Verdict:
    """Judge a tier: test its ops, its support functions, and training with them.

    The result depends on the tier only, not on the machine or what else it does: the number of examples is fixed, and
    the time of a call is limited, but not that of all calls together.

    Parameters
    ----------
    tier : str
        Path of a file with functions of the `Tier` protocol, all or some; or any other name that `get_tier` knows.
    like : {"", "scalar", "vector", "tensor"}
        Built-in tier whose arrays this tier takes; determined automatically by default.
    points : mapping, optional
        Points for each item (see `read_points`); by default one for each op of `tiers.CORE` and one for training.
        Other ops, such as those for images, are judged if they are written or named here.
    level : {"formulas", "stable", "all"}
        "formulas" asks for right values and derivatives at numbers of everyday size; "stable", for all finite numbers,
        without warnings; "all", also for NaN and infinity, and in float32 if the tier has it.
    only : collection of str
        Items to judge; all of them by default.
    time_limit : float
        Seconds of processor time that one call of an op may take, at least 1; on the clock, three times as many.
    on_item : callable
        Called with each `Item` as soon as it is judged, possibly from another thread.

    Returns
    -------
    Verdict
        Result of all items; if the tier cannot be imported, its `problem` says why, and no points are reached.

    Raises
    ------
    ValueError
        If the file does not exist, `like` is not a built-in tier, `level` or an item of `only` is unknown, an item of
        `only` has no points, or time_limit is below 1.
    """
    points = _checked(tier, like, points, level, only, time_limit)

    def question(item: str, ops: Sequence[str] = ()) -> dict[str, Any]:
        return ask({"tier": tier, "item": item, "like": like, "ops": ops, "broken": broken, "seconds": time_limit})

    broken: list[str] = []
    first = question("look")
    if "written" not in first:
        none = tuple(_item(name, {"status": NOT_JUDGED}, points, level) for name in ITEMS if name in points)
        return Verdict(tier, items=none, problem=first.get("problem", first.get("error", "")), level=level)
    like, written = first["like"], first["written"]

    def judged(name: str, answer: dict[str, Any] | None = None) -> Item:
        absent = {"status": TAKEN if name in SUPPORT else NOT_WRITTEN}
        item = _item(name, absent if name not in written else answer or question(name), points, level)
        if not only or name in only:
            on_item(item)
        return item

    # First the support functions: the ops are judged with those that are right.
    together = question("support") if {*FUNCTIONS} & {*written} else {}
    functions = [name for name in FUNCTIONS if name in SUPPORT or name in written or name in points]
    support = [judged(name, together.get(name)) for name in functions]
    broken = [item.name for item in support if item.name in SUPPORT and _is_broken(item)]
    asked = [name for name in OPS if name in CORE or name in written or name in points]
    if only and "training" not in only:
        asked = [name for name in asked if name in only]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        items = [*pool.map(judged, asked), *support]
    verdict = Verdict(tier, like, tuple(items), level=level)
    if not only or "training" in only:
        verdict = _with_training(verdict, broken, points, question, on_item)
    return replace(verdict, items=tuple(item for item in verdict.items if not only or item.name in only))


def _is_broken(item: Item) -> bool:
    """Return True if a support function has to be replaced: one that is wrong in float32 only still serves."""
    return item.status == NOT_WRITTEN or any(counts(finding, LEVELS[0]) for finding in item.findings)


def _checked(
    tier: str, like: str, points: Points | None, level: str, only: Collection[str], time_limit: float
) -> Points:
    """Check the arguments of `judge` and return the points of the items to judge."""
    if like and like not in TIERS:
        raise ValueError(f"like is {like!r}, expected one of {', '.join(TIERS)}")
    if level not in LEVELS:
        raise ValueError(f"level is {level!r}, expected one of {', '.join(LEVELS)}")
    if not time_limit >= 1:
        raise ValueError(f"time_limit is {time_limit:g}, expected at least 1 second")
    if Path(tier).exists() and not tier.endswith(".py"):
        raise ValueError(f"{tier}: expected a Python file, whose name ends in .py")
    if tier.endswith(".py") and not Path(tier).is_file():
        raise ValueError(f"{tier}: no such file; `micrograd-tiers verify --new {tier}` writes a skeleton to fill in")
    for name in only:
        if name not in ITEMS:
            raise ValueError(f"only: {name!r} is not an item, expected some of {', '.join(ITEMS)}")
        if points is not None and name not in points:
            raise ValueError(f"only: {name} is worth no points, expected some of {', '.join(points)}")
    if points is None:
        points = default_points() | dict.fromkeys(only, 1.0)
    return {name: worth for name, worth in points.items() if not only or name in only}


def _with_training(
    verdict: Verdict,
    broken: Sequence[str],
    points: Points,
    question: Callable[..., dict[str, Any]],
    on_item: Callable[[Item], None],
) -> Verdict:
    """Return the verdict with the result of training, and with the speeds if it passes."""
    sound = [item.name for item in verdict.items if item.status == PASS]
    if broken or not trainable(sound):
        note = "needs linear, one activation and one loss of your own, and correct support functions"
        answer = {"status": NOT_JUDGED, "note": note}
    else:
        answer = question("training", sound)
    training = _item("training", answer, points, verdict.level)
    on_item(training)
    speeds = question("speed", sound).get("speeds", {}) if training.status == PASS else {}
    return replace(verdict, items=(*verdict.items, training), speeds=speeds)


def _item(name: str, answer: dict[str, Any], points: Points, level: str) -> Item:
    """Return the graded item for an answer of the worker."""
    if "error" in answer:
        message = f"{name}: {answer['error']}"
        finding = {"part": "value", "property": answer["property"], "message": message, "blocks": True}
        answer = {"status": FAIL, "findings": [{**finding, "level": LEVELS[0]}]}
    findings, note = answer.get("findings", []), answer.get("note", "")
    counted = [finding for finding in findings if counts(finding, level)]
    status = answer["status"]
    if status in (PASS, FAIL):
        timed_out = {finding["property"] for finding in counted} == {"time"}
        status = (TIMED_OUT if timed_out else FAIL) if counted else PASS
    if answer.get("taken"):
        note = f"it runs {answer['taken']}"
        status = TAKEN if status == PASS else status
    item = Item(name, status, findings, note=note)
    worth = points.get(name, 0.0)
    reached = 0.0 if answer.get("taken") else _reached(item, worth, level)
    possible = sum(worth.values()) if isinstance(worth, Mapping) else worth
    return replace(item, points=float(reached), possible=float(possible))


def _reached(item: Item, worth: Worth, level: str) -> float:
    if not isinstance(worth, Mapping):
        return worth * (item.status == PASS)
    right = item.parts(level)
    return sum(n for key, n in worth.items() if (all(item.parts(key).values()) if key in LEVELS else right[key]))
