"""Which bug is it? A wrong op is put beside the bugs of the museum, and beside what usually goes wrong with numbers.

A bug is named when the op does what the bug does: the same wrong numbers, the same errors, on examples where it and
the right op part ways.
"""

import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ..bugs import Bug
from ..bugs.tiers import TIER_BUGS
from ..tiers import Tier
from .cases import Example, OpCase
from .guard import NotWrittenError, Wrong, outcome
from .properties import Finding, check_purity, finding_of, reference
from .search import look_at_each

Array = NDArray[Any]

N_PROBES = 40
SURE = 0.99  # share of the telling probes on which op and bug must agree; below, another bug may be in the way
LIKELY = 0.6


@dataclass(frozen=True)
class Diagnosis:
    """The likely bug.

    Attributes
    ----------
    name : str
        Of a bug of the museum, or of a kind of mistake, in snake case.
    title : str
        What is done wrong.
    reasoning : str
        What speaks for it.
    hint : str
        A question that leads there.
    """

    name: str
    title: str
    reasoning: str
    hint: str


@dataclass(frozen=True)
class Outcome:
    """What one part is on one probe.

    Attributes
    ----------
    numbers : ndarray or None
        None if it raised, or was not an array of the right shape.
    warned : bool
    """

    numbers: Array | None
    warned: bool = False

    def same(self, other: "Outcome") -> bool:
        """Whether both are the same to 9 digits."""
        if self.numbers is None or other.numbers is None:
            return self.numbers is other.numbers
        scale = np.max(np.abs(other.numbers), initial=0.0, where=np.isfinite(other.numbers))
        close = np.allclose(self.numbers, other.numbers, rtol=1e-9, atol=1e-9 * min(scale, 1.0), equal_nan=True)
        return close and self.warned == other.warned


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
    if finding.property == "hangs":
        return None
    return _museum(case, tier, finding, grain) or _kind_of_mistake(case, tier, finding)


# Beside the museum.


def _museum(case: OpCase, tier: Tier, finding: Finding, grain: str) -> Diagnosis | None:
    bugs = [bug for bug in TIER_BUGS if bug.op == case.name]
    if finding.property in ("purity", "prints"):
        scores = [(_same_impurity(case, bug, finding, grain), bug) for bug in bugs]
    else:
        probes = _probes(case, finding)
        ours = [_outcome(case, tier, probe, finding.part) for probe in probes]
        right = [_right(case, probe, finding.part) for probe in probes]
        scores = [(_agreement(case, bug, finding.part, grain, probes, ours, right), bug) for bug in bugs]
    score, bug = max(scores, key=lambda pair: pair[0], default=(0.0, None))
    if bug is None or score < LIKELY:
        return None
    how = "on every example where the two can be told from a right op" if score > SURE else f"on {score:.0%} of them"
    return Diagnosis(bug.name, bug.title, f"It does what that bug does, {how}. {bug.explanation}", bug.hint)


def _agreement(
    case: OpCase,
    bug: Bug,
    part: str,
    grain: str,
    probes: Sequence[Example],
    ours: Sequence[Outcome],
    right: Sequence[Outcome],
) -> float:
    """Return the share of the telling probes, where op or bug is wrong, on which they agree."""
    tier = _buggy_tier(bug, grain)
    theirs = [_outcome(case, tier, probe, part) for probe in probes]
    if all(b.same(r) for b, r in zip(theirs, right, strict=True)):
        return 0.0
    telling = [a.same(b) for a, b, r in zip(ours, theirs, right, strict=True) if not (a.same(r) and b.same(r))]
    return sum(telling) / len(telling)


def _same_impurity(case: OpCase, bug: Bug, finding: Finding, grain: str) -> float:
    assert finding.example is not None
    theirs = finding_of(check_purity, case, _buggy_tier(bug, grain), finding.example, finding.part)
    return float(theirs is not None and theirs.message == finding.message)


@cache
def _buggy_tier(bug: Bug, grain: str) -> Tier:
    return bug.tier(grain if grain in bug.tiers() else bug.tiers()[-1])


def _probes(case: OpCase, finding: Finding) -> list[Example]:
    """Return the failing example and others of the kind on which it fails."""
    assert finding.example is not None
    if finding.property == "nan and infinity":
        return [finding.example, *case.special]
    extreme = finding.property in ("stability", "warns")
    return [finding.example, *_drawn(case, extreme=extreme)]


@cache
def _drawn(case: OpCase, *, extreme: bool) -> tuple[Example, ...]:
    seen: list[Example] = []

    def note(example: Example) -> None:
        seen.append(example)

    look_at_each(case.extreme if extreme else case.ordinary, note, max_examples=N_PROBES)
    return tuple(seen)


def _outcome(case: OpCase, tier: Tier, probe: Example, part: str) -> Outcome:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            numbers = np.asarray(outcome(case, tier, probe, part), float)
        except (Wrong, NotWrittenError):
            return Outcome(None)
    return Outcome(numbers, any(issubclass(warning.category, RuntimeWarning) for warning in caught))


def _right(case: OpCase, probe: Example, part: str) -> Outcome:
    return Outcome(np.asarray(reference(case, probe, part), float))


# Beside what usually goes wrong.


def _kind_of_mistake(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    if finding.property == "shape":
        return _wrong_shape(finding)
    if finding.property not in ("value", "derivative", "stability"):
        return None
    probes = _probes(case, finding)
    pairs = []
    for probe in probes:
        ours = _outcome(case, tier, probe, finding.part).numbers
        if ours is not None:
            pairs.append((probe, ours, cast(Array, _right(case, probe, finding.part).numbers)))
    if not pairs:
        return None
    for test in (_not_finite, _low_precision, _always_zero, _constant_factor, _factor_of_size, _ignores_dy):
        diagnosis = test(case, tier, finding, pairs)
        if diagnosis is not None:
            return diagnosis
    return _where(case, finding, pairs)


Pairs = list[tuple[Example, Array, Array]]


def _wrong_shape(finding: Finding) -> Diagnosis:
    got, expected = tuple(finding.got), tuple(finding.expected)
    if got == expected[::-1]:
        what, why = "transposed", "The axes are swapped."
    elif got[1:] == expected or got[-len(expected) :] == expected:
        what, why = "not summed over the samples", "There is an axis too many: what is shared by all samples is summed."
    elif len(got) < len(expected):
        what, why = "summed too far", "There is an axis too few."
    else:
        what, why = "of another shape", "A gradient has the shape of what it is the gradient of."
    return Diagnosis(
        "wrong_shape", f"{finding.part} is {what}", f"Its shape is {got}, not {expected}. {why}", "Which axis is which?"
    )


def _not_finite(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    if not any((~np.isfinite(ours) & np.isfinite(right)).any() for _, ours, right in pairs):
        return None
    return Diagnosis(
        "overflow",
        "an exponential overflows, or a logarithm is taken of 0",
        f"{finding.part} is NaN or infinite where the right number is finite, for inputs of large size.",
        "Which intermediate result is too large for a float, or rounds to 0? Can it be divided out beforehand?",
    )


def _low_precision(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    scale = [max(1.0, float(np.max(np.abs(right)))) for _, _, right in pairs]
    worst = max(float(np.max(np.abs(o - r))) / s for (_, o, r), s in zip(pairs, scale, strict=True))
    if worst > 1e-5:
        return None
    return Diagnosis(
        "low_precision",
        f"{finding.part} is right to {-np.log10(worst):.0f} digits only",
        "So precise is float32 (7 digits), or a formula that cancels digits, or a numerical derivative.",
        "Is anything converted to float32, or are two nearly equal numbers subtracted?",
    )


def _always_zero(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    if any(ours.any() for _, ours, _ in pairs):
        return None
    return Diagnosis(
        "always_zero",
        f"{finding.part} is always zero",
        "On all examples. Nothing learns from a gradient of zero.",
        "Is the result ever stored?",
    )


def _constant_factor(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    factor = _factor(pairs)
    if factor is None:
        return None
    if abs(factor + 1) < 1e-9:
        return Diagnosis(
            "wrong_sign",
            f"{finding.part} has the wrong sign",
            "On all examples it is minus what it should be.",
            "Follow one minus sign through the derivation.",
        )
    return Diagnosis(
        "constant_factor",
        f"{finding.part} is off by the factor {factor:.6g}",
        f"On all examples it is {factor:.6g} times what it should be.",
        "Which constant of the formula is missing, or there twice?",
    )


def _factor(pairs: Pairs) -> float | None:
    """Return f if ours is f times right on all examples."""
    products, squares = sum(float((o * r).sum()) for _, o, r in pairs), sum(float((r * r).sum()) for _, _, r in pairs)
    if squares == 0:
        return None
    factor = products / squares
    return factor if all(np.allclose(o, factor * r, rtol=1e-9, atol=1e-9) for _, o, r in pairs) else None


def _factor_of_size(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    sizes: dict[str, Callable[[Example], float]] = {
        "the number of samples": lambda probe: len(probe.inputs[0]),
        "the number of features": lambda probe: probe.inputs[0].shape[1],
    }
    if case.name == "linear":
        sizes["the number of outputs"] = lambda probe: len(probe.inputs[1])
    for what, size in sizes.items():
        for factor, verb in ((size, "multiplied by"), (lambda probe, size=size: 1 / size(probe), "divided by")):
            scaled = [(probe, ours, factor(probe) * right) for probe, ours, right in pairs]
            if all(np.allclose(o, r, rtol=1e-9, atol=1e-9) for _, o, r in scaled):
                return Diagnosis(
                    "factor_of_size",
                    f"{finding.part} is {verb} {what}, and should not be",
                    "On all examples, whatever their size, it is off by just that factor.",
                    "Where is the mean taken: here, or once for the whole net?",
                )
    return None


def _ignores_dy(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    if finding.part == "value":
        return None
    for probe, ours, _ in pairs:
        doubled = _outcome(case, tier, Example(probe.inputs, probe.dy * 2), finding.part).numbers
        if doubled is None or np.allclose(doubled, 2 * ours, rtol=1e-9, atol=1e-12):
            return None
    return Diagnosis(
        "not_linear_in_dy",
        f"{finding.part} does not double when dy doubles",
        "A vjp carries dL/dy back: whatever the op, it is linear in dy.",
        "Is dy multiplied in, once?",
    )


def _where(case: OpCase, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Say on which examples it is right: that is where to look for what is special about the others."""
    conditions: dict[str, tuple[str, Callable[[Example], bool]]] = {
        "mixes_samples": ("for a single sample", lambda probe: len(probe.inputs[0]) == 1),
        "one_feature_only": ("for one feature", lambda probe: probe.inputs[0].shape[1] == 1),
    }
    if case.name == "linear":
        conditions["square_only"] = (
            "for square layers",
            lambda probe: probe.inputs[1].shape[0] == probe.inputs[1].shape[1],
        )
        conditions["few_outputs_only"] = (
            "for layers with no more outputs than inputs",
            lambda probe: probe.inputs[1].shape[0] <= probe.inputs[1].shape[1],
        )
    elif not case.is_loss:
        conditions["wrong_where_negative"] = ("where no input is negative", lambda probe: (probe.inputs[0] >= 0).all())
        conditions["wrong_where_positive"] = ("where no input is positive", lambda probe: (probe.inputs[0] <= 0).all())
    for name, (words, condition) in conditions.items():
        right_there = [np.allclose(o, r, rtol=1e-9, atol=1e-9) for probe, o, r in pairs if condition(probe)]
        if right_there and all(right_there):
            return Diagnosis(
                name,
                f"{finding.part} is right only {words}",
                f"It is right on the {len(right_there)} examples of that kind, and wrong on others.",
                f"What is special {words}?",
            )
    return None
