"""Search for the smallest example on which an op is wrong.

How many examples are tried does not depend on time: what is found is a property of the op, not of the machine.
"""

import contextlib
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice

import numpy as np

from ...tiers import Tier
from .calls import case_at
from .cases import OpCase
from .examples import Example, Sampler
from .properties import KINDS, LEVEL_OF, Finding, as_dtype, finding_of, findings_on

N_TRIES = 400  # examples that the search for a smaller one may try
SECONDS = 20.0  # for that search: a slow op gets a larger example, but the same grade


@dataclass(frozen=True)
class Search:
    """Settings of the search for a failing example, and for a smaller one.

    Attributes
    ----------
    n_examples : int
        Number of usual examples to try of each kind; every shape is tried at least once with ordinary numbers. Purity
        is tried on a quarter of them. Large and odd examples, NaN and infinity come in addition.
    shrink : bool
        True to shrink failing examples.
    """

    n_examples: int = 32
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
        At most one for each part of the op; and one more if the op prints, or warns.

    Raises
    ------
    NotImplementedError
        If the tier does not have the op, or the op raises NotImplementedError.
    """
    if not hasattr(tier, case.name):
        raise NotImplementedError
    search, case = search or Search(), case_at(case, tier)
    findings: dict[str, Finding] = {}
    remarks: list[Finding] = []
    for kind in KINDS:
        parts = [part for part in case.parts if _is_open(part, findings, kind)]
        for finding in _sweep(kind, case, tier, parts, examples_of(kind, case, tier, search.n_examples)):
            if finding.property == "prints":
                remarks = remarks or [finding]
                continue
            if finding.property == "warns" and any(f.property == "warns" for f in findings.values()):
                continue  # the warning comes from the op as a whole
            if not _is_open(finding.part, findings, kind):
                continue
            if search.shrink and finding.property != "time":
                finding = smaller(finding, case, tier)
            findings[finding.part] = finding
        if any(finding.blocks for finding in findings.values()):
            break
    return [*(findings[part] for part in case.parts if part in findings), *remarks]


def examples_of(kind: str, case: OpCase, tier: Tier, n: int) -> Iterable[Example]:
    """Return the examples of one kind, the same ones in each call."""
    ordinary, extreme = case.examples.ordinary, case.examples.extreme
    if kind == "special":
        return case.examples.special
    if kind == "extreme":
        return chain(_spread(extreme, n), extreme.large())
    if kind == "purity":
        return chain(_spread(ordinary, n // 4), islice(ordinary.large(), 1))
    if kind == "float32":
        small = chain(_spread(ordinary, n // 2), _spread(extreme, n // 2)) if _offers_float32(tier) else ()
        return (as_dtype(example, "float32") for example in small)
    return chain(ordinary.sweep(n), ordinary.large())


def _spread(sampler: Sampler, n: int) -> Iterable[Example]:
    """Return at most about n examples, of all kinds of shapes if there are more shapes than that."""
    examples = [*sampler.sweep(n)]
    return examples[:: max(1, len(examples) // n)]


def _offers_float32(tier: Tier) -> bool:
    try:
        tier.asarray([0.5], "float32")
    except Exception:
        return False
    return True


def _sweep(kind: str, case: OpCase, tier: Tier, parts: list[str], examples: Iterable[Example]) -> list[Finding]:
    """Return the first finding on each part that has one, and the first thing that is printed.

    A part that only warns may also be wrong, so the search for another finding goes on.
    """
    found: dict[str, Finding] = {}
    for example in examples:
        wanted = [part for part in parts if _is_open(part, found, kind)]
        if not wanted:
            break
        for finding in findings_on(kind, case, tier, example, wanted):
            name = "prints" if finding.property == "prints" else finding.part
            if name not in found or (_is_open(name, found, kind) and finding.property != "warns"):
                found[name] = finding
            if finding.blocks:
                return [*found.values()]
    return [*found.values()]


def _is_open(part: str, found: Mapping[str, Finding], kind: str) -> bool:
    """Return True if a part has no finding yet, or only a warning, and examples of this kind can show a worse one."""
    return part not in found or (found[part].property == "warns" and LEVEL_OF[kind] != "all")


class _EnoughError(Exception):
    """Raised when enough examples were tried."""


def smaller(finding: Finding, case: OpCase, tier: Tier) -> Finding:
    """Return the finding on a smaller example if one is found.

    The smallest failing example so far is kept, so that the search can be cut short at any time. If one of its samples
    fails alone, that sample is the example.
    """
    assert finding.example is not None
    best, tries, stop = finding, 0, time.monotonic() + SECONDS

    def fails(example: Example) -> bool:
        nonlocal best, tries
        tries += 1
        if tries > N_TRIES or time.monotonic() > stop:
            raise _EnoughError
        in_dtype = as_dtype(example, "float32") if finding.kind == "float32" else example
        found = finding_of(finding.kind, case, tier, in_dtype, finding.part)
        if found is None or found.property == "time" or found.part != finding.part:
            return False
        if found.property == "warns" != finding.property:
            return False
        if _size(found.example) <= _size(best.example):
            best = replace(found, blocks=finding.blocks)
        return True

    with contextlib.suppress(_EnoughError):
        if finding.kind != "special":
            for sampler in (case.examples.ordinary, case.examples.extreme):
                if finding.kind == "float32" or (finding.kind == "extreme") == (sampler is case.examples.extreme):
                    _shrink(sampler, fails)
                    if best is finding:
                        _halve(sampler, fails, finding.example)
        assert best.example is not None
        any(fails(alone) for alone in case.samples_of(best.example))
    return best


def _shrink(sampler: Sampler, fails: Callable[[Example], bool]) -> None:
    """Let hypothesis look for a usual example that fails, and shrink it."""
    from hypothesis import HealthCheck, find, settings
    from hypothesis.errors import Flaky, NoSuchExample

    quietly = settings(
        max_examples=200, derandomize=True, database=None, deadline=None, suppress_health_check=list(HealthCheck)
    )
    with contextlib.suppress(NoSuchExample, Flaky):  # Flaky: an op that is not always wrong
        find(sampler.strategy, fails, settings=quietly)


def _halve(sampler: Sampler, fails: Callable[[Example], bool], example: Example) -> None:
    """Make the sizes of a large example as small as possible, one after the other."""
    shapes = [np.shape(a) for a in example.inputs]
    for sizes in sampler.unusual:
        if [np.shape(a) for a in sampler.of_size(sizes).inputs] == shapes:
            break
    else:
        return
    n, i, o = sizes
    n = _smallest(n, lambda n: fails(sampler.of_size((n, i, o))))
    i = _smallest(i, lambda i: fails(sampler.of_size((n, i, o))))
    _smallest(o, lambda o: fails(sampler.of_size((n, i, o))))


def _smallest(wrong: int, fails: Callable[[int], bool]) -> int:
    """Return the smallest size that fails, by bisection."""
    right = 0
    while wrong - right > 1:
        middle = (right + wrong) // 2
        right, wrong = (right, middle) if fails(middle) else (middle, wrong)
    return wrong


def _size(example: Example | None) -> tuple[int, int]:
    assert example is not None
    arrays = (*example.inputs, example.dy)
    size = sum(np.size(a) for a in arrays)
    return size, sum(len(repr(np.array(a).tolist())) for a in arrays) if size < 1000 else 0
