"""Mistakes in which a formula takes the wrong thing: an argument left out, confused with another, or transposed.

Each candidate is the correct formula with one thing replaced. It explains an op that gives the same results as the
candidate wherever the candidate can be computed, and on at least two examples that tell it apart from a right op.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .bounds import bound
from .cases import OpCase
from .examples import Example
from .formulas import FORMULAS
from .probing import Diagnosis, close, drawn, probe
from .properties import Finding, reference

Array = NDArray[Any]
CLASSES = ("softmax_cross_entropy", "smoothed_cross_entropy")  # their targets are labels


class Candidate(NamedTuple):
    """A formula with one thing replaced.

    Attributes
    ----------
    name, title, hint : str
        As in `Diagnosis`.
    result : callable
        Function of an example that returns the result, or None where nothing can be replaced.
    """

    name: str
    title: str
    hint: str
    result: Callable[[Example], Any]


def substituted(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return the diagnosis of the first candidate that explains the op, or None."""
    ours = [(e, probe(case, tier, e, finding.part).numbers) for e in drawn(case)]
    for candidate in _candidates(case, finding.part):
        telling = _explained(case, finding.part, candidate, ours)
        if telling > 1:
            reasoning = f"Your results equal those of the formula with that change on all {telling} examples that tell."
            return Diagnosis(candidate.name, candidate.title, reasoning, candidate.hint)
    return None


def _explained(case: OpCase, part: str, candidate: Candidate, ours: Sequence[tuple[Example, Array | None]]) -> int:
    """Return the number of examples that tell the candidate from a right op; 0 if the op differs from the candidate."""
    telling = 0
    for example, numbers in ours:
        with np.errstate(all="ignore"):
            theirs = candidate.result(example)
        if theirs is None:
            continue
        theirs = np.asarray(theirs, float)
        right = np.asarray(reference(case, example, part), float)
        rounding = 1e-10 * bound(case, example, part, right) if theirs.shape == right.shape else 0.0
        if numbers is None or numbers.shape != theirs.shape or not _near(numbers, theirs, rounding):
            return 0
        telling += theirs.shape != right.shape or not _near(theirs, right, rounding)
    return telling


def _near(a: Array, b: Array, rounding: Any) -> bool:
    """Return True if two results agree, apart from rounding errors of that size or where they are large themselves."""
    return close(a, b) or bool((np.abs(a - b) <= rounding + 1e-9 * np.abs(b)).all())


def _candidates(case: OpCase, part: str) -> Iterator[Candidate]:
    names = case.arguments[: max(case.differentiable[-1] + 1, case.n_samplewise)]
    given = "dloss" if case.is_loss else "dy"
    for k, name in enumerate(names):
        if f"d{name}" == part and case.name in ("linear", "conv2d"):
            continue  # a linear formula does not contain the argument
        for number, title in ((1, f"{name} is left out of {part}"), (0, f"{part} treats {name} as 0")):
            result = _with_constant(case, part, k, number)
            yield Candidate("left_out", title, f"Where does {name} enter {part}?", result)
        hint = f"How often is {name} a factor of {part}?"
        yield Candidate("squared", f"{name} is multiplied into {part} twice", hint, _with_square(case, part, k))
    if part != "value":
        result = _with_constant(case, part, len(names), 1, of_dy=True)
        yield Candidate("left_out", f"{given} is left out of {part}", f"Where does {given} enter {part}?", result)
        k = case.argument_of(part)
        hint = f"Change one of the arguments. Must {part} change, too?"
        yield Candidate("left_out", f"{part} is dy itself", hint, lambda example: _dy_itself(example, k))
    for k, name in enumerate(names):
        for other in (*(other for other in names if other != name), *(["y"] if part != "value" else [])):
            if other in case.arguments or not case.is_loss:
                title = f"{part} takes {'the value' if other == 'y' and 'y' not in names else other} for {name}"
                hint = f"Which of the arrays belongs where {part} uses {other}?"
                yield Candidate("confused", title, hint, _with_other(case, part, k, other))
        yield Candidate(
            "rows_for_columns",
            f"{part} takes the rows of {name} for its columns",
            f"Over which index of {name} does the sum run? Try a square one with different entries.",
            _with_transposed(case, part, k),
        )
    if case.n_samplewise == len(names) and case.kind != "activation":
        over = "classes" if "softmax" in case.name or "entropy" in case.name else "outputs"
        title = f"{part} runs over the samples instead of the {over}"
        hint = "Along which axis are the numbers of one sample? With one sample, what must the result not depend on?"
        yield Candidate("wrong_axis", title, hint, lambda example: _along_samples(case, part, example))


def _evaluated(case: OpCase, part: str, example: Example) -> Any:
    try:
        return reference(case, example, part)
    except (ValueError, IndexError):  # shapes that do not fit
        return None


def _is_floats(a: Any) -> bool:
    return isinstance(a, np.ndarray) and a.dtype.kind == "f"


def _with(example: Example, k: int, a: Any) -> Example:
    return Example((*example.inputs[:k], a, *example.inputs[k + 1 :]), example.dy)


def _dy_itself(example: Example, k: int) -> Any:
    return example.dy if np.shape(example.dy) == np.shape(example.inputs[k]) else None


def _with_constant(case: OpCase, part: str, k: int, number: int, of_dy: bool = False) -> Callable[[Example], Any]:
    def result(example: Example) -> Any:
        if of_dy:
            return _evaluated(case, part, Example(example.inputs, 0 * example.dy + number))
        if not _is_floats(example.inputs[k]):
            return None
        return _evaluated(case, part, _with(example, k, np.full_like(example.inputs[k], number)))

    return result


def _with_square(case: OpCase, part: str, k: int) -> Callable[[Example], Any]:
    def result(example: Example) -> Any:
        a = example.inputs[k]
        return _evaluated(case, part, _with(example, k, a**2)) if _is_floats(a) else None

    return result


def _with_other(case: OpCase, part: str, k: int, other: str) -> Callable[[Example], Any]:
    def result(example: Example) -> Any:
        if other in case.arguments:
            a = example.inputs[case.arguments.index(other)]
        else:
            a = FORMULAS[case.name].value(*example.inputs)
        if not (_is_floats(a) and _is_floats(example.inputs[k]) and a.shape == example.inputs[k].shape):
            return None
        return _evaluated(case, part, _with(example, k, a))

    return result


def _with_transposed(case: OpCase, part: str, k: int) -> Callable[[Example], Any]:
    def result(example: Example) -> Any:
        a = example.inputs[k]
        if k < case.n_samplewise or not _is_floats(a) or a.ndim != 2 or a.shape[0] != a.shape[1]:
            return None
        return _evaluated(case, part, _with(example, k, a.T))

    return result


def _along_samples(case: OpCase, part: str, example: Example) -> Any:
    """Return the part if samples and features are exchanged: the formula of the transposed arrays, transposed back."""
    first, *others = example.inputs
    dy, name = example.dy, case.name
    if first.ndim != 2:
        return None
    if name in CLASSES:
        labels, smoothing = others[0], (others[1] if len(others) > 1 else 0.0)
        target = (1 - smoothing) * (np.arange(first.shape[1]) == labels[:, None]) + smoothing / first.shape[1]
        name, others = "soft_cross_entropy", [target]
    inputs = [first.T, *(a.T if isinstance(a, np.ndarray) else a for a in others)]
    formula = FORMULAS[name]
    if part == "value":
        value = formula.value(*inputs)
        return value if case.is_loss else value.T
    if "entropy" in name and name != "binary_cross_entropy":  # p - target, with p over the wrong axis
        return dy * (FORMULAS["softmax"].value(first.T).T - others[0])
    return formula.gradients[0](*inputs, dy if case.is_loss else dy.T).T
