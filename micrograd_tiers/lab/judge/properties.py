"""Properties that every op of every tier must have, built-in or not. The correct numbers come from `formulas`."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .bounds import bound
from .cases import OpCase
from .examples import Example
from .formulas import FORMULAS
from .guard import Outcome, Wrong, outcomes
from .purity import side_effects

Array = NDArray[Any]
Check = Callable[[OpCase, Example, str, Outcome], None]

TOLERANCE = 1e-12  # relative to the bound; float32 is off by 1e-7
TOLERANCE_FLOAT32 = 1e-4  # 1 - y * y is off by 2e-7 where hardly any gradient is left; see `bounds`
LEVELS = ("formulas", "stable", "all")  # each one contains those before it
LEVEL_OF = {"ordinary": "formulas", "purity": "formulas", "extreme": "stable", "special": "all", "float32": "all"}
DIGITS = 1e-3  # a result whose relative error is smaller has some right digits


@dataclass(frozen=True)
class Finding:
    """One failure that the judge reports.

    Attributes
    ----------
    part : str
        Part of the op: "value", "dx", ...; or "training".
    property : str
        Violated property: "structure", "type", "shape", "value", "derivative", "stability", "accuracy", "float32",
        "nan and infinity", "purity", "warns", "prints", "raises", "time", or in training "trajectory".
    message : str
        Description of the failure in one sentence.
    example : Example or None
        Smallest failing example that was found.
    expected, got : object
        Correct and actual numbers, if there are any to show.
    kind : str
        Kind of the check and of its examples: "ordinary", "purity", "extreme", "special" or "float32".
    blocks : bool
        True if nothing else of the op can be judged, because it does not get as far as its vjps.
    detail : str
        For "purity", the side effect; for "raises", the name of the exception's class; otherwise "".
    """

    part: str
    property: str
    message: str
    example: Example | None = None
    expected: Any = None
    got: Any = None
    kind: str = "ordinary"
    blocks: bool = False
    detail: str = ""

    @cached_property
    def level(self) -> str:
        """The first of LEVELS at which the finding counts; "" for what is printed, which never does."""
        if self.property == "prints":
            return ""
        return "stable" if self.property == "warns" else LEVEL_OF[self.kind]


def findings_on(kind: str, case: OpCase, tier: Tier, example: Example, parts: Sequence[str]) -> Iterator[Finding]:
    """Yield the findings of one kind of check on an example, and what the op prints."""
    if kind == "purity":
        for part, wrong in side_effects(case, tier, example, parts).items():
            yield _finding(part, wrong, example, kind)
        return
    found = outcomes(case, tier, example, parts)
    for part, outcome in found.items():
        try:
            if outcome.wrong is not None:
                raise outcome.wrong
            CHECKS[kind](case, example, part, outcome)
        except Wrong as wrong:
            yield _finding(part, wrong, example, kind)
        if outcome.printed:
            message = f"{part} prints: {outcome.printed[:60]!r}. It costs no points, but slows the op down."
            yield Finding(part, "prints", message, kind=kind)


def finding_of(kind: str, case: OpCase, tier: Tier, example: Example, part: str) -> Finding | None:
    """Return the first finding of one kind of check on one part that counts, or None."""
    return next((f for f in findings_on(kind, case, tier, example, [part]) if f.property != "prints"), None)


def _finding(part: str, wrong: Wrong, example: Example, kind: str) -> Finding:
    blocks = wrong.blocks and kind == "ordinary"
    return Finding(part, wrong.property, wrong.message, example, wrong.expected, wrong.got, kind, blocks, wrong.detail)


# The checks. Each raises Wrong.


def check_ordinary(case: OpCase, example: Example, part: str, outcome: Outcome) -> None:
    """Check the numbers of one part, on inputs of everyday size."""
    _check_numbers(case, example, part, outcome, "value" if part == "value" else "derivative")


def check_extreme(case: OpCase, example: Example, part: str, outcome: Outcome) -> None:
    """Check the numbers of one part, on finite inputs of any size."""
    _check_numbers(case, example, part, outcome, "stability")


def check_float32(case: OpCase, example: Example, part: str, outcome: Outcome) -> None:
    """Check the numbers of one part in float32, with a tolerance of its rounding."""
    in_float64 = as_dtype(example, "float64")
    expected = reference(case, in_float64, part)
    if not _near(outcome.numbers, expected, TOLERANCE_FLOAT32 * bound(case, in_float64, part, expected)):
        raise Wrong("float32", f"{part} is wrong in float32", expected, outcome.numbers)


def check_special(case: OpCase, example: Example, part: str, outcome: Outcome) -> None:
    """Check one part on NaN and infinity: NaN affects only its own sample, and an infinite input gives the limit."""
    got, expected = outcome.numbers, reference(case, example, part)
    samples = example.inputs[0]
    spoiled = np.isnan(samples).any(axis=tuple(range(1, samples.ndim)), keepdims=True)
    if part == "value" and case.name == "attention":  # 0 * NaN is NaN: earlier positions of the document may be, too
        expected = np.where(spoiled & np.isnan(got), got, expected)
    if part != "value":  # a derivative at NaN may be anything
        if np.shape(expected) == samples.shape:
            expected = np.where(spoiled, got, expected)
        got, expected = np.where(np.isfinite(expected), got, 0), np.where(np.isfinite(expected), expected, 0)
    if not np.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        raise Wrong("nan and infinity", f"{part} is wrong for inputs that are NaN or infinite", expected, got)


CHECKS: dict[str, Check] = {
    "ordinary": check_ordinary,
    "extreme": check_extreme,
    "special": check_special,
    "float32": check_float32,
}
KINDS = ("ordinary", "purity", "extreme", "special", "float32")


def reference(case: OpCase, example: Example, part: str) -> Any:
    """Return the correct result of one part: an ndarray with samples first, or a float."""
    formula = FORMULAS[case.name]
    with np.errstate(all="ignore"):  # intermediate results may be infinite
        if part == "value":
            return formula.value(*example.inputs)
        return formula.gradients[case.parts.index(part) - 1](*example.inputs, example.dy)


def as_dtype(example: Example, dtype: str) -> Example:
    """Return the example with its arrays of floats in another dtype; numbers too large for float32 are made smaller."""

    def converted(a: Any) -> Any:
        if not (isinstance(a, np.ndarray) and a.dtype.kind == "f"):
            return a
        return (np.where(np.abs(a) > 1e25, 1e15 * np.sign(a), a) if dtype == "float32" else a).astype(dtype)

    return Example(tuple(map(converted, example.inputs)), converted(example.dy))


def _check_numbers(case: OpCase, example: Example, part: str, outcome: Outcome, property: str) -> None:
    got, expected = outcome.numbers, reference(case, example, part)
    limit = bound(case, example, part, expected)
    if not _near(got, expected, TOLERANCE * limit):
        if property == "stability" and _near(got, expected, DIGITS * (np.abs(expected) + limit)):
            raise Wrong("accuracy", f"{part} loses digits that another form of the formula keeps", expected, got)
        raise Wrong(property, f"{part} is wrong", expected, got)
    if outcome.warning:
        raise Wrong("warns", f"{part} is right, but finite numbers cause a warning: {outcome.warning}")


def _near(got: Any, expected: Any, distance: Any) -> bool:
    with np.errstate(invalid="ignore"):  # inf - inf
        return bool(((np.abs(got - expected) <= distance) | (got == expected)).all())
