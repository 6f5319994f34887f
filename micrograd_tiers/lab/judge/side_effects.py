"""Mistakes that make a call depend on other calls, or change what belongs to the caller."""

import numpy as np

from ...tiers import Tier
from .cases import OpCase
from .probing import Diagnosis, drawn, probe
from .properties import Finding


def side_effect(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return the diagnosis of a finding on purity, or None."""
    if finding.detail.startswith("changes "):
        return _writes(finding, finding.detail.removeprefix("changes "))
    return not_repeatable(case, tier, finding) or _KEPT.get(finding.detail, lambda finding: None)(finding)


def not_repeatable(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return a diagnosis if the same call of the op, made twice, gives two results."""
    for example in drawn(case):
        ours, again = (probe(case, tier, example, finding.part).numbers for _ in range(2))
        if ours is not None and again is not None and not np.array_equal(ours, again, equal_nan=True):
            return Diagnosis(
                "not_repeatable",
                f"{finding.part} differs from call to call with the same inputs",
                "Two calls with the same arrays give different results: it draws random numbers, or keeps state.",
                "Which line can do something else in the second call?",
            )
    return None


def _writes(finding: Finding, name: str) -> Diagnosis:
    who = "the op" if finding.part == "value" else f"the vjp for {finding.part}"
    return Diagnosis(
        "writes_into_argument",
        f"{who} writes into {name}",
        f"Others still need {name}: it belongs to the caller, and an assignment such as {name}[...] = 0, {name} += 1 "
        "or np.add(..., out=...) changes it for all of them.",
        f"Which line assigns to {name}, or to a part of it? What if it worked on a copy?",
    )


def _changes_what_it_keeps(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "changes_what_it_keeps",
        f"the vjp for {finding.part} changes an array that the op keeps for it",
        "Its first call is right. Later calls start from what the first one has left behind, as after `p[target] -= 1` "
        "on an array made in the forward pass.",
        "Which line of the vjp changes an array that was made outside of it?",
    )


def _keeps_first_result(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "keeps_first_result",
        f"the vjp for {finding.part} depends on an earlier call",
        "With another dy it returns something else than a fresh vjp does: it keeps a result, or a dy, of an earlier "
        "call.",
        "What does the vjp store, and what should it compute anew for each dy?",
    )


def _forgets_its_own_call(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "forgets_its_own_call",
        f"the vjp for {finding.part} uses the inputs of the last call of the op instead of its own",
        "It reads a global variable, an attribute or a default argument that every call overwrites. In a net, an op is "
        "called once per layer before the first vjp runs.",
        "Where does the vjp find the arrays of its own forward pass?",
    )


def _shares_storage(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "shares_storage",
        f"the vjp for {finding.part} returns an array that somebody else uses, too",
        "The caller may add to what a vjp returns. So it must not be dy, an input, an array that the vjp keeps, or a "
        "view of one of these.",
        "Does every call make a new array? When is a copy needed?",
    )


_KEPT = {
    "second call": _changes_what_it_keeps,
    "other dy": _keeps_first_result,
    "later call": _forgets_its_own_call,
    "storage": _shares_storage,
}
