"""Which bug is it? A wrong op is put beside the bugs of the museum, and beside what usually goes wrong with numbers.

A bug is named when the op does what the bug does: the same wrong numbers, the same errors, on examples where it and
the right op part ways.
"""

from functools import cache

from ...tiers import SUPPORT, Tier
from ..museum import Bug
from ..museum.tiers import TIER_BUGS
from .cases import OpCase
from .mistakes import derivative_of_own_value, kind_of_mistake
from .probing import Diagnosis, Observation, drawn, probe, right
from .properties import Finding, finding_of
from .support import judge_support

SURE = 0.99  # share of the telling probes on which op and bug must agree
LIKELY = 0.6  # below SURE, another bug may be in the way


def diagnose(case: OpCase, tier: Tier, finding: Finding, grain: str) -> Diagnosis | None:
    """Return the likely bug behind a finding, or None if nothing fits.

    Parameters
    ----------
    case : OpCase
    tier : Tier
        The one that the finding is about.
    finding : Finding
    grain : str
        The built-in tier whose arrays it takes: bugs are compared at that tier where they have an edit for it.
    """
    if finding.property in ("hangs", "prints") or finding.example is None:
        return None
    score, bug = _most_alike(case, tier, finding, grain)
    if bug is not None and score > SURE:
        return _named(bug, "on every example where the two can be told from a right op")
    other = derivative_of_own_value(case, tier, finding) or kind_of_mistake(case, tier, finding)
    if other is None and bug is not None and score > LIKELY and finding.property != "raises":
        return _named(bug, f"on {score:.0%} of the examples where the two can be told from a right op")
    return other


def diagnose_support(name: str, finding: Finding, grain: str) -> Diagnosis | None:
    """Return the bug of the museum that makes one of the support functions fail in the same way."""
    for bug in TIER_BUGS:
        if bug.op == name and name in SUPPORT:
            for theirs in judge_support(name, _buggy_tier(bug, grain)):
                if (theirs.message, repr(theirs.got)) == (finding.message, repr(finding.got)):
                    return _named(bug, "on the example shown")
    return None


def _named(bug: Bug, how: str) -> Diagnosis:
    return Diagnosis(bug.name, bug.title, f"It does what that bug does, {how}. {bug.explanation}", bug.hint)


def _most_alike(case: OpCase, tier: Tier, finding: Finding, grain: str) -> tuple[float, Bug | None]:
    """Return the bug that agrees on the largest share of the telling probes, where op or bug is wrong."""
    bugs = [bug for bug in TIER_BUGS if bug.op == case.name]
    if finding.kind == "purity":
        scores = [(_same_impurity(case, bug, finding, grain), bug) for bug in bugs]
        return max(scores, key=lambda pair: pair[0], default=(0.0, None))
    kind, part, warns = finding.kind, finding.part, finding.property == "warns"
    ours = [probe(case, tier, example, part, warnings_too=warns) for example in drawn(case, kind)]
    expected = _observations(case, None, grain, part, kind, False)
    best: tuple[float, Bug | None] = (0.0, None)
    for bug in bugs:
        theirs = _observations(case, bug, grain, part, kind, warns)
        wrong = [not b.same(r) for b, r in zip(theirs, expected, strict=True)]
        telling = [a.same(b) for a, b, r, w in zip(ours, theirs, expected, wrong, strict=True) if w or not a.same(r)]
        score = sum(telling) / len(telling) if any(wrong) else 0.0
        if score > best[0]:
            best = score, bug
    return best


@cache
def _observations(case: OpCase, bug: Bug | None, grain: str, part: str, kind: str, warns: bool) -> list[Observation]:
    """Return what a bug, or (None) a right op, gives on all probes of a kind."""
    if bug is None:
        return [right(case, example, part) for example in drawn(case, kind)]
    tier = _buggy_tier(bug, grain)
    return [probe(case, tier, example, part, warnings_too=warns) for example in drawn(case, kind)]


def _same_impurity(case: OpCase, bug: Bug, finding: Finding, grain: str) -> float:
    assert finding.example is not None
    theirs = finding_of("purity", case, _buggy_tier(bug, grain), finding.example, finding.part)
    return float(theirs is not None and theirs.message == finding.message)


@cache
def _buggy_tier(bug: Bug, grain: str) -> Tier:
    return bug.tier(grain if grain in bug.tiers() else bug.tiers()[-1])
