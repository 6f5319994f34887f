"""Properties that every op of every tier must have, built-in or not. The correct numbers come from `formulas`."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .calls import calls, chunks_of
from .cases import OpCase
from .examples import Example
from .formulas import FORMULAS
from .guard import Wrong, checked, described, numbers_of, outcome

Array = NDArray[Any]
Check = Callable[[OpCase, Tier, Example, str], None]

TOLERANCE = 1e-12  # relative to the largest term of a sum; float32 is off by 1e-7


@dataclass(frozen=True)
class Finding:
    """One failure that the judge reports.

    Attributes
    ----------
    part : str
        Part of the op: "value", "dx", ...; or "training".
    property : str
        Violated property: "structure", "type", "shape", "value", "derivative", "stability", "nan and infinity",
        "purity", "warns", "prints", "raises", "hangs", or in training "trajectory".
    message : str
        Description of the failure in one sentence.
    example : Example or None
        Smallest failing example that was found.
    expected, got : object
        Correct and actual numbers, if there are any to show.
    kind : str
        Kind of the check and of its examples: "ordinary", "extreme", "special" or "purity".
    blocks : bool
        True if nothing else of the op can be judged, because it does not get as far as its vjps.
    """

    part: str
    property: str
    message: str
    example: Example | None = None
    expected: Any = None
    got: Any = None
    kind: str = "ordinary"
    blocks: bool = False


def finding_of(kind: str, case: OpCase, tier: Tier, example: Example, part: str) -> Finding | None:
    """Return the finding of one kind of check, or None if the check passes."""
    try:
        CHECKS[kind](case, tier, example, part)
    except Wrong as wrong:
        numbers = wrong.expected, wrong.got
        hangs = part == "value" and wrong.property == "hangs"
        blocks = kind == "ordinary" and (wrong.part == "value" or hangs)
        return Finding(wrong.part or part, wrong.property, wrong.message, example, *numbers, kind, blocks)
    except NotImplementedError:
        raise
    except (Exception, SystemExit) as error:  # the purity check calls ops unguarded
        return Finding(part, "raises", f"{part}: {described(error)}", example, kind=kind)
    return None


# The checks. Each raises Wrong.


def check_ordinary(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check type, shape and numbers of one part, on inputs of everyday size."""
    _check_numbers(case, tier, example, part, "value" if part == "value" else "derivative")


def check_extreme(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check type, shape and numbers of one part, on finite inputs of any size."""
    _check_numbers(case, tier, example, part, "stability")


def check_special(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check one part on NaN and infinity: NaN affects only its own row, and an infinite input gives the limit."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, expected = outcome(case, tier, example, part), reference(case, example, part)
    if part != "value":  # a derivative at NaN may be anything
        samples = example.inputs[0]
        if np.shape(expected) == samples.shape:
            spoiled = np.isnan(samples).any(axis=tuple(range(1, samples.ndim)), keepdims=True)
            expected = np.where(spoiled, got, expected)
        got, expected = np.where(np.isfinite(expected), got, 0), np.where(np.isfinite(expected), expected, 0)
    if not np.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        raise Wrong("nan and infinity", f"{part} is wrong for inputs that are NaN or infinite", expected, got)


def check_purity(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check that calls have no side effects: they change no input, no dy, and no result of a later call."""
    pure = [_pure_call(case, tier, part, inputs, dy) for inputs, dy in chunks_of(case, tier, example)]
    if part == "value":
        return
    others = tuple(a + 1 if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in example.inputs)
    k = case.parts.index(part) - 1
    for other in calls(case, tier, Example(others, example.dy)):
        other.vjps[k](other.dy)
    for check_afterwards in pure:
        check_afterwards()


def _pure_call(case: OpCase, tier: Tier, part: str, inputs: tuple[Any, ...], dy: Any) -> Callable[[], None]:
    """Check one call of the op and two of its vjp; return a check of that vjp to run after other calls of the op."""
    names, arrays = (*case.arguments, "dy"), (*inputs, dy)
    before = [numbers_of(tier, a) for a in arrays]

    def check_unchanged(what: str) -> None:
        for name, a, was in zip(names, arrays, before, strict=True):
            if not np.array_equal(numbers_of(tier, a), was, equal_nan=True):
                raise Wrong("purity", f"{what} changes {name}, which belongs to the caller", was, numbers_of(tier, a))

    _, vjps = checked(case, tier)(*inputs)
    check_unchanged(case.name)
    if part == "value":
        return lambda: None
    vjp = vjps[case.parts.index(part) - 1]
    first = vjp(dy)
    as_it_was = numbers_of(tier, first)
    check_unchanged(f"the vjp for {part}")

    def check_same(result: Any, message: str) -> None:
        if not np.array_equal(numbers_of(tier, result), as_it_was, equal_nan=True):
            raise Wrong("purity", f"the vjp for {part} {message}", as_it_was, numbers_of(tier, result))

    check_same(vjp(dy), "returns something else when it is called a second time")

    def check_afterwards() -> None:
        check_same(
            vjp(dy), "returns something else after the op is called again: it must remember its own call's inputs"
        )
        second = vjp(dy)
        tier.add_scaled(first, second, 1.0)  # the caller owns the result
        check_unchanged(f"the vjp for {part} must return fresh storage: adding to its result")
        check_same(second, "returns the same storage each time, expected fresh storage")
        check_same(vjp(dy), "relies on an array that it has returned, which the caller may change")

    return check_afterwards


def reference(case: OpCase, example: Example, part: str) -> Any:
    """Return the correct result of one part: an ndarray with samples first, or a float."""
    formula = FORMULAS[case.name]
    with np.errstate(all="ignore"):  # intermediate results may be infinite
        if part == "value":
            return formula.value(*example.inputs)
        return formula.gradients[case.parts.index(part) - 1](*example.inputs, example.dy)


def _check_numbers(case: OpCase, tier: Tier, example: Example, part: str, property: str) -> None:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        got = outcome(case, tier, example, part)
    expected = reference(case, example, part)
    error = np.abs(got - expected)
    if not (error <= TOLERANCE * (_scale(case, example, part, property) + np.abs(expected))).all():
        raise Wrong(property, f"{part} is wrong", expected, got)
    for warning in caught:
        if issubclass(warning.category, RuntimeWarning):
            raise Wrong("warns", f"{part} is right, but finite numbers cause a warning: {warning.message}")


def _scale(case: OpCase, example: Example, part: str, property: str) -> Any:
    """Return the size of the terms that a part is made of; rounding is measured relative to it."""
    if case.name in ("linear", "conv2d", "avg_pool2d"):  # the size of each sum if nothing cancelled
        inputs = tuple(np.abs(a) for a in example.inputs)
        return reference(case, Example(inputs, np.abs(example.dy)), part)
    if property == "stability":  # so that the tails count: sigmoid(-40) is 4e-18, not 1e-13
        return 0.01
    return max(1.0, np.max(np.abs(reference(case, example, part))))


CHECKS: dict[str, Check] = {
    "ordinary": check_ordinary,
    "extreme": check_extreme,
    "special": check_special,
    "purity": check_purity,
}
