"""Search for the smallest example on which an op is wrong."""

import contextlib
import time
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from ...tiers import Tier
from .cases import OpCase
from .examples import Example, Sampler
from .properties import CHECKS, Finding, finding_of


@dataclass(frozen=True)
class Search:
    """Settings of the search for a failing example, and for a smaller one.

    Attributes
    ----------
    n_examples : int
        Number of examples to try of each kind; every shape is tried at least once.
    seconds : float
        Time limit for all kinds together. Shrinking one failing example may take a third of it in addition.
    shrink : bool
        True to shrink failing examples.
    """

    n_examples: int = 40
    seconds: float = 30.0
    shrink: bool = True


def judge_op(case: OpCase, tier: Tier, search: Search | None = None) -> list[Finding]:
    """Return the findings on an op: for each wrong part the first property that it violates, on the smallest example.

    Parameters
    ----------
    case : OpCase
        Op to judge, with its examples.
    tier : Tier
        Tier with the op and all support functions.
    search : Search, optional
        Settings of the search; by default those of `Search()`.

    Returns
    -------
    list of Finding
        At most one for each part of the op.

    Raises
    ------
    NotImplementedError
        If the tier does not have the op, or the op raises NotImplementedError.
    """
    if not hasattr(tier, case.name):
        raise NotImplementedError
    search = search or Search()
    stop = time.monotonic() + search.seconds
    findings: dict[str, Finding] = {}
    for kind in CHECKS:
        sampler = case.examples.extreme if kind == "extreme" else case.examples.ordinary
        examples = case.examples.special if kind == "special" else sampler.sweep(search.n_examples)
        parts = [part for part in case.parts if part not in findings]
        for finding in _sweep(kind, case, tier, parts, examples, stop):
            if _said_already(finding, findings.values()):
                continue
            if search.shrink and kind != "special" and finding.property != "hangs":
                finding = _smaller(finding, case, tier, sampler, search.seconds / 3)
            findings.setdefault(finding.part, finding)
        if any(finding.blocks or finding.property == "hangs" for finding in findings.values()):
            break
        if findings and not search.shrink:
            break
    return [findings[part] for part in case.parts if part in findings]


def _sweep(
    kind: str, case: OpCase, tier: Tier, parts: list[str], examples: Iterable[Example], stop: float
) -> list[Finding]:
    """Return the first finding on each part that has one."""
    found: dict[str, Finding] = {}
    for n, example in enumerate(examples):
        for part in parts:
            if time.monotonic() > stop:
                message = f"{case.name}: too slow to be judged: time ran out after {n} examples; raise --time-limit"
                return [*found.values(), Finding(part, "hangs", message)]
            if part in found:
                continue
            finding = finding_of(kind, case, tier, example, part)
            if finding is not None:
                found[part] = finding
                if finding.blocks or finding.property == "hangs":
                    return [*found.values()]
    return [*found.values()]


def _said_already(finding: Finding, findings: Collection[Finding]) -> bool:
    """Return True for a print or warning that is already reported for another part: it comes from the op as a whole."""
    return finding.property in ("prints", "warns") and any(f.property == finding.property for f in findings)


class _EnoughError(Exception):
    """Raised when the time is up."""


def _smaller(finding: Finding, case: OpCase, tier: Tier, sampler: Sampler, seconds: float) -> Finding:
    """Return the finding on the smallest example that hypothesis tries while it draws and shrinks.

    The smallest failing example so far is kept, so that the search can be cut short at any time. If one of its samples
    fails alone, that sample is the example.
    """
    from hypothesis import HealthCheck, find, settings
    from hypothesis.errors import Flaky, NoSuchExample

    best, stop = finding, time.monotonic() + seconds

    def fails(example: Example) -> bool:
        nonlocal best
        if time.monotonic() > stop:
            raise _EnoughError
        found = finding_of(finding.kind, case, tier, example, finding.part)
        if found is None or found.property == "hangs":
            return False
        if _size(found.example) <= _size(best.example):
            best = found
        return True

    quietly = settings(
        max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    # Flaky: cut short, or an op that is not always wrong.
    with contextlib.suppress(NoSuchExample, _EnoughError, Flaky):
        find(sampler.strategy, fails, settings=quietly)
    with contextlib.suppress(_EnoughError):
        assert best.example is not None
        for alone in _samples_of(case, best.example):
            if fails(alone):
                break
    return best


def _samples_of(case: OpCase, example: Example) -> Iterator[Example]:
    inputs, dy = example
    for n in range(len(inputs[0])):
        alone = tuple(a[n : n + 1] if k < case.n_samplewise else a for k, a in enumerate(inputs))
        yield Example(alone, dy if case.is_loss else dy[n : n + 1])


def _size(example: Example | None) -> tuple[int, int]:
    assert example is not None
    arrays = (*example.inputs, example.dy)
    return sum(np.size(a) for a in arrays), sum(len(repr(np.array(a).tolist())) for a in arrays)
