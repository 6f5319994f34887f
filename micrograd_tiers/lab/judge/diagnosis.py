"""The likely bug behind a finding: a wrong op is compared with the bugs of the museum, and with common mistakes.

A bug is named if the op gives the same results as that bug, wrong numbers and errors included, on the examples where
the bug and a correct op differ.
"""

from functools import cache

from ...tiers import SUPPORT, Tier
from ..museum import Bug
from ..museum.tiers import TIER_BUGS
from .calls import case_at
from .cases import OpCase
from .mistakes import derivative_of_own_value, kind_of_mistake
from .probing import Diagnosis, Observation, drawn, probe, right
from .properties import Finding, finding_of
from .support import judge_support

SURE = 0.99  # op and bug must agree on this share of the probes on which either is wrong
LIKELY = 0.6  # enough to name a bug with reservations: the op may have a second one


def diagnose(case: OpCase, tier: Tier, finding: Finding, like: str) -> Diagnosis | None:
    """Return the likely bug behind a finding, or None if nothing fits.

    Parameters
    ----------
    case : OpCase
        Op that the finding is about.
    tier : Tier
        Tier that the finding is about.
    finding : Finding
        Finding to explain.
    like : str
        Name of the built-in tier whose arrays the tier takes. Each bug is planted in that tier, or, if the bug has no
        edit for it, in the last tier for which it has one.
    """
    if finding.property in ("time", "prints", "structure") or finding.example is None:
        return None
    case = case_at(case, tier)
    if finding.property == "float32" and not finding.detail:
        return _only_in_float32(finding)
    score, bug, n = _most_alike(case, tier, finding, like)
    if bug is not None and score > SURE:
        if finding.kind in ("purity", "float32"):
            return _named(bug, "Your op fails in the same way as this known bug.")
        where = f"all {n} examples that tell" if n > 1 else "the one example that tells"
        return _named(bug, f"Your results equal this known bug's on {where} it apart from a correct op.")
    other = derivative_of_own_value(case, tier, finding) or kind_of_mistake(case, tier, finding)
    if other is None and bug is not None and score > LIKELY and finding.property != "raises":
        return _named(
            bug, f"Your results equal this known bug's on {score:.0%} of the {n} examples where either is wrong."
        )
    return other


def diagnose_support(name: str, finding: Finding, like: str) -> Diagnosis | None:
    """Return a diagnosis if a bug of the museum makes a support function fail in the same way, otherwise None."""
    for bug in TIER_BUGS:
        if bug.op == name and name in SUPPORT:
            for theirs in judge_support(name, _buggy_tier(bug, like)):
                if (theirs.message, repr(theirs.got)) == (finding.message, repr(finding.got)):
                    return _named(bug, "Your function fails in the same way as this known bug.")
    return None


def _only_in_float32(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "float32_only",
        f"{finding.part} is right in float64 and wrong in float32",
        "float32 holds 7 digits and numbers up to 3e38; e**x overflows above 88, and 1 + 1e-8 is 1.",
        "Which constant, dtype or limit in your op is right for float64 only?",
    )


def _named(bug: Bug, evidence: str) -> Diagnosis:
    return Diagnosis(bug.name, bug.title, f"{evidence} {bug.explanation}", bug.hint)


def _most_alike(case: OpCase, tier: Tier, finding: Finding, like: str) -> tuple[float, Bug | None, int]:
    """Return the bug that agrees with the op on the largest share of the probes where either is wrong.

    The result is that share, the bug, and the number of those probes.
    """
    bugs = [bug for bug in TIER_BUGS if bug.op == case.name]
    if finding.kind in ("purity", "float32"):
        scores = [(_same_failure(case, bug, finding, like), bug, 1) for bug in bugs]
        return max(scores, key=lambda score: score[0], default=(0.0, None, 0))
    kind, part, warns = finding.kind, finding.part, finding.property == "warns"
    ours = [probe(case, tier, example, part, warnings_too=warns) for example in drawn(case, kind)]
    expected = _observations(case, None, like, part, kind, False)
    best: tuple[float, Bug | None, int] = (0.0, None, 0)
    for bug in bugs:
        theirs = _observations(case, bug, like, part, kind, warns)
        wrong = [not b.same(r) for b, r in zip(theirs, expected, strict=True)]
        telling = [a.same(b) for a, b, r, w in zip(ours, theirs, expected, wrong, strict=True) if w or not a.same(r)]
        score = sum(telling) / len(telling) if any(wrong) else 0.0
        if score > best[0]:
            best = score, bug, len(telling)
    return best


@cache
def _observations(case: OpCase, bug: Bug | None, like: str, part: str, kind: str, warns: bool) -> list[Observation]:
    """Return the results of a bug, or of a correct op if bug is None, on all probes of a kind."""
    if bug is None:
        return [right(case, example, part) for example in drawn(case, kind)]
    tier = _buggy_tier(bug, like)
    return [probe(case, tier, example, part, warnings_too=warns) for example in drawn(case, kind)]


def _same_failure(case: OpCase, bug: Bug, finding: Finding, like: str) -> float:
    assert finding.example is not None
    theirs = finding_of(finding.kind, case, _buggy_tier(bug, like), finding.example, finding.part)
    return float(theirs is not None and theirs.message == finding.message)


@cache
def _buggy_tier(bug: Bug, like: str) -> Tier:
    return bug.tier(like if like in bug.tiers() else bug.tiers()[-1])
