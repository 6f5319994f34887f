"""The search for the smallest example on which an op is wrong."""

import contextlib
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample

from ..tiers import Tier
from .cases import Example, OpCase
from .guard import NotWrittenError
from .properties import CHECKS, Check, Finding, finding_of


class _EnoughError(Exception):
    """Time is up."""


@dataclass(frozen=True)
class Search:
    """How hard to look for a failing example, and for a smaller one.

    Attributes
    ----------
    max_examples : int
        How many examples are drawn of each kind.
    seconds : float
        When to stop: of a slow tier, fewer examples are tried.
    shrink : bool
        Whether to make it smaller at all.
    """

    max_examples: int = 60
    seconds: float = 10.0
    shrink: bool = True

    def smallest(
        self, strategy: st.SearchStrategy[Example], check: Callable[[Example], Finding | None]
    ) -> Finding | None:
        """Return the finding on the smallest example on which the check has one; None if it has none.

        Hypothesis draws the examples and shrinks the failing one. What counts is the smallest that was seen, so that
        the search can be cut short without losing what it had.
        """
        best: Finding | None = None
        stop = time.monotonic() + self.seconds

        def fails(example: Example) -> bool:
            nonlocal best
            if time.monotonic() > stop or (best is not None and best.property == "hangs"):
                raise _EnoughError
            finding = check(example)
            if finding is not None and (best is None or _size(example) <= _size(best.example)):
                best = finding
            return finding is not None

        with contextlib.suppress(_EnoughError, Flaky):  # Flaky: cut short, or an op that is not always wrong
            look_at_each(strategy, fails, self.max_examples, self.shrink)
        return best


def look_at_each(
    strategy: st.SearchStrategy[Example], look: Callable[[Example], Any], max_examples: int, shrink: bool = False
) -> None:
    """Draw examples, always the same ones, until `look` returns something true; to shrink: then smaller such ones."""
    quietly = settings(
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(NoSuchExample):
        find(strategy, lambda example: bool(look(example)), settings=quietly)


def _size(example: Example | None) -> tuple[int, int]:
    if example is None:
        return (0, 0)
    arrays = (*example.inputs, example.dy)
    return sum(np.size(a) for a in arrays), sum(len(repr(np.array(a).tolist())) for a in arrays)


def judge_op(case: OpCase, tier: Tier, search: Search | None = None) -> list[Finding]:
    """Return what is wrong with an op: for each part the first property that it violates, on the smallest example.

    Parameters
    ----------
    case : OpCase
    tier : Tier
        With the support functions, and the op.
    search : Search, optional

    Raises
    ------
    NotWrittenError
        If the tier does not have the op, or it raises NotImplementedError.
    """
    if not hasattr(tier, case.name):
        raise NotWrittenError
    search = search or Search()
    findings: dict[str, Finding] = {}
    for kind, check in CHECKS.items():
        parts = [part for part in case.parts if part not in findings]
        if kind == "special":
            found = [finding_of(check, case, tier, example, part) for part in parts for example in case.special]
        else:
            found = _search(search, case.extreme if kind == "extreme" else case.ordinary, check, case, tier, parts)
        for finding in found:
            if finding is not None and not _said_already(finding, findings.values()):
                findings.setdefault(finding.part, finding)
        hopeless = any(finding.blocks or finding.property == "hangs" for finding in findings.values())
        if hopeless or (findings and not search.shrink):
            break
    return [findings[part] for part in case.parts if part in findings]


def _said_already(finding: Finding, findings: Collection[Finding]) -> bool:
    """Whether it only says that the op prints, once more: each part calls the op."""
    return finding.property == "prints" and any(other.property == "prints" for other in findings)


def _search(
    search: Search, strategy: st.SearchStrategy[Example], check: Check, case: OpCase, tier: Tier, parts: list[str]
) -> list[Finding | None]:
    """Return the smallest finding for each part, each searched for only if some part has one at all."""

    def any_part(example: Example) -> Finding | None:
        findings = (finding_of(check, case, tier, example, part) for part in parts)
        return next((finding for finding in findings if finding is not None), None)

    first = replace(search, shrink=False).smallest(strategy, any_part) if parts else None
    if first is None or first.property == "hangs" or not search.shrink:
        return [first]

    def of_part(part: str) -> Callable[[Example], Finding | None]:
        return lambda example: finding_of(check, case, tier, example, part)

    return [search.smallest(strategy, of_part(part)) for part in parts]
