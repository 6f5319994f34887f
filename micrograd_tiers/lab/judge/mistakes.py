"""What usually goes wrong with numbers, whatever the op: a factor, a sign, an axis, a sample left out, dy forgotten.

Each test looks at what the op gives beside what it should, on many examples, and returns a diagnosis or None.
"""

import math
from collections.abc import Callable
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...layers.activation import ACTIVATIONS
from ...tiers import Tier
from ..gradcheck import numerical_gradient
from .calls import part_of
from .cases import OpCase
from .examples import Example
from .probing import Diagnosis, close, drawn, probe, right
from .properties import Finding, reference

Array = NDArray[Any]
Pairs = list[tuple[Example, Array, Array]]  # example, what the op gives, what it should

OVERFLOWS = ("OverflowError", "ZeroDivisionError", "math domain error", "expected a positive input")


def kind_of_mistake(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return the first kind of mistake that fits."""
    if finding.property == "shape":
        return _other_order(case, tier, finding, []) or _wrong_shape(case, tier, finding)
    if finding.property == "raises" and any(word in finding.message for word in OVERFLOWS):
        return _overflow(finding)
    if finding.property not in ("value", "derivative", "stability", "purity"):
        return None
    pairs = []
    assert finding.example is not None
    for example in (finding.example, *drawn(case, finding.kind)):
        numbers = probe(case, tier, example, finding.part).numbers
        if numbers is not None:
            pairs.append((example, numbers, cast(Array, right(case, example, finding.part).numbers)))
    tests = (_not_repeatable,) if finding.kind == "purity" else TESTS
    for test in tests if pairs else ():
        diagnosis = test(case, tier, finding, pairs)
        if diagnosis is not None:
            return diagnosis
    return None


# A derivative that fits a value which is wrong.


def derivative_of_own_value(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Whether a wrong derivative is right for the value that the op returns: then the value is the mistake."""
    if finding.part == "value" or finding.property != "derivative":
        return None
    k = case.parts.index(finding.part) - 1
    examples = [example for example in drawn(case) if len(example.inputs[0]) <= 2][:16]
    differs = False
    for example in examples:
        numbers = probe(case, tier, example, finding.part).numbers
        if numbers is None or not np.allclose(numbers, _slopes(case, tier, example, k), rtol=1e-5, atol=1e-6):
            return None
        differs |= not np.allclose(numbers, reference(case, example, finding.part), rtol=1e-4, atol=1e-4)
    if not differs:
        return None
    return Diagnosis(
        "derivative_of_own_value",
        f"{finding.part} is the derivative of the value that {case.name} returns; it is the value that is wrong",
        "On all examples it agrees with numerical derivatives of that value.",
        "What does the value compute, in words, and what should it?",
    )


def _slopes(case: OpCase, tier: Tier, example: Example, k: int) -> Array:
    """Return the numerical derivative of sum(dy * value) of the op itself; NaN where the op fails."""

    def loss(x: Array) -> float:
        inputs = (*example.inputs[:k], x, *example.inputs[k + 1 :])
        numbers = probe(case, tier, Example(inputs, example.dy), "value").numbers
        return math.nan if numbers is None else float((numbers * example.dy).sum())

    return numerical_gradient(loss, example.inputs[k], method="Richardson")


# Shapes.


def _wrong_shape(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis:
    got, expected = tuple(finding.got), tuple(finding.expected)
    _, plain = probe(case, tier, case.examples.plain, finding.part).failure or ("", ())  # N is 2: an axis of 1 tells
    why = "" if finding.part == "value" else "A gradient has the shape of what it is the gradient of."
    if plain and len(plain) == len(expected) + 1 and plain[0] == 1:
        what, why = "summed over the samples, and keeps an axis of length 1 for them", "keepdims is for broadcasting."
    elif len(got) == 2 and got[0] == got[1]:
        what, why = "of another shape", "(N,) beside (N, 1) or (N, C) is broadcast along the wrong axis; see keepdims."
    elif got == expected[::-1]:
        what, why = "transposed", "The axes are swapped."
    elif len(got) > len(expected):
        what, why = "not summed over the samples", "There is an axis too many: what is shared by all samples is summed."
    elif len(got) < len(expected):
        what, why = "summed too far", "There is an axis too few."
    else:
        what = "of another shape"
    reasoning = f"Its shape is {got}, not {expected}. {why}".rstrip()
    return Diagnosis("wrong_shape", f"{finding.part} is {what}", reasoning, "Which axis is which?")


def _other_order(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Whether the vjps come in another order. Shapes may then be wrong: look past them, at single samples."""
    examples = [example for example in drawn(case) if len(example.inputs[0]) == 1]
    for other in case.parts[1:] if finding.part != "value" else ():
        if other != finding.part and all(_gives(case, tier, example, finding.part, other) for example in examples):
            return Diagnosis(
                "vjps_in_wrong_order",
                f"the vjp returned for {finding.part} is that for {other}",
                f"On all examples it gives what {other} should be. The vjps come in the order of the arguments.",
                f"In what order are {', '.join(case.parts[1:])} returned?",
            )
    return None


def _gives(case: OpCase, tier: Tier, example: Example, part: str, other: str) -> bool:
    try:
        got = np.ravel(part_of(case, tier, example, part))
    except Exception:  # whatever the op may raise
        return False
    expected = np.ravel(reference(case, example, other))
    return got.shape == expected.shape and close(got, expected)


# Numbers.


def _agree(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))


def _not_repeatable(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    for example, ours, _ in pairs:
        again = probe(case, tier, example, finding.part).numbers
        if again is not None and not np.array_equal(ours, again, equal_nan=True):
            return Diagnosis(
                "not_repeatable",
                f"{finding.part} is another one each time, from the same inputs",
                "Called twice with the same arrays, it gives two results: it draws at random, or keeps something.",
                "Which line could tell the second call from the first?",
            )
    return None


def _not_finite(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    overflows = any((~np.isfinite(ours) & np.isfinite(expected)).any() for _, ours, expected in pairs)
    return _overflow(finding) if overflows else None


def _overflow(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "overflow",
        "an exponential overflows or underflows, or a logarithm is taken of 0",
        f"{finding.part} is NaN, infinite or an error where the right number is finite.",
        "Which intermediate result is too large for a float, or rounds to 0? Can it be divided out beforehand?",
    )


def _capped_loss(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Whether the loss stops growing: log(p + 1e-12), or p clipped."""
    if case.name != "softmax_cross_entropy" or finding.part != "value":
        return None
    far = [Example((np.array([[0.0, gap]]), np.array([0])), 1.0) for gap in (750.0, 1e10)]
    a, b = (probe(case, tier, example, "value").numbers for example in far)
    if a is None or b is None or not 5 < a < 749 or not np.isclose(a, b):
        return None
    return Diagnosis(
        "loss_capped",
        f"the loss is never above {float(a):.4g}",
        f"Adding {np.exp(-float(a)):.1g} to the probability, or clipping it there, keeps the logarithm from -infinity. "
        "It changes the loss everywhere, and hides how wrong the worst samples are.",
        "Can log(softmax(logits)) be had from the logits, without the probability?",
    )


def _always_zero(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    if not all(np.allclose(ours, 0, atol=1e-12) for _, ours, _ in pairs):
        return None
    why = "" if finding.part == "value" else " Nothing learns from a gradient of zero."
    title = f"{finding.part} is always zero"
    return Diagnosis("always_zero", title, f"On all examples.{why}", "Is the result ever stored?")


def _constant_factor(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    squares = sum(float((expected * expected).sum()) for _, _, expected in pairs)
    factor = sum(float((ours * expected).sum()) for _, ours, expected in pairs) / squares if squares else 0.0
    if not factor or np.isclose(factor, 1, rtol=1e-6) or not all(_agree(o, factor * r) for _, o, r in pairs):
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


def _factor_of_size(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    sizes: dict[str, Callable[[Example], float]] = {
        "the number of samples": lambda example: len(example.inputs[0]),
        "the number of features": lambda example: example.inputs[0].shape[1],
    }
    if case.name == "linear":
        sizes["the number of outputs"] = lambda example: len(example.inputs[1])
    for what, size in sizes.items():
        for power, verb in ((1, "multiplied by"), (-1, "divided by")):
            if all(_agree(o, size(e) ** power * r) for e, o, r in pairs):
                return Diagnosis(
                    "factor_of_size",
                    f"{finding.part} is {verb} {what}, and should not be",
                    "On all examples, whatever their size, it is off by just that factor.",
                    "Where is the mean taken: here, or once for the whole net?",
                )
    return None


def _low_precision(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Whether the errors are those of rounding to few digits. Not of a loss: see `_capped_loss`."""
    errors = [float(np.max(np.abs(o - r))) / max(1.0, float(np.max(np.abs(r)))) for _, o, r in pairs]
    worst = max(errors)
    if not 1e-14 < worst < 2e-3 or (worst > 1e-5 and np.mean(np.array(errors) > 0) < 0.5):
        return None
    return Diagnosis(
        "low_precision",
        f"{finding.part} is right to {-np.log10(worst):.0f} digits only",
        "So precise are float32 (7 digits) and float16 (3 digits), a formula that cancels digits, a small number that "
        "was added to keep clear of 0, or a numerical derivative.",
        "Is anything converted to fewer digits, subtracted from nearly the same, or moved a little on purpose?",
    )


def _rows_alike(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    several = [(ours, expected) for _, ours, expected in pairs if ours.ndim == 2 and len(ours) > 1]
    differ = any((expected != expected[0]).any() for _, expected in several)
    if not differ or not all((ours == ours[0]).all() for ours, _ in several):
        return None
    return Diagnosis(
        "rows_alike",
        f"all rows of {finding.part} are the same",
        "On all examples. `[[0] * n] * m` makes one row and m names for it: who writes to one writes to all.",
        "Are the rows lists, or arrays, of their own?",
    )


def _not_linear_in_dy(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    for example, ours, _ in pairs if finding.part != "value" else ():
        again = probe(case, tier, Example(example.inputs, example.dy * -2), finding.part).numbers
        if again is not None and not np.allclose(again, -2 * ours, rtol=1e-9, atol=1e-12):
            return Diagnosis(
                "not_linear_in_dy",
                f"{finding.part} is not -2 times as large when dy is",
                "A vjp carries dL/dy back: whatever the op, it is linear in dy.",
                "Is dy multiplied in, once, and left as it is otherwise?",
            )
    return None


def _where(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Say on which examples it is right: that is where to look for what is special about the others."""
    conditions: dict[str, tuple[str, Callable[[Example], bool]]] = {
        "mixes_samples": ("for a single sample", lambda e: len(e.inputs[0]) == 1),
    }
    if case.name == "linear":
        conditions["square_only"] = ("for square layers", lambda e: e.inputs[1].shape[0] == e.inputs[1].shape[1])
        conditions["few_outputs_only"] = (
            "for layers with no more outputs than inputs",
            lambda e: e.inputs[1].shape[0] <= e.inputs[1].shape[1],
        )
        conditions["one_input_only"] = ("for a single input", lambda e: e.inputs[1].shape[1] == 1)
    elif case.name == "mean_squared_error":
        conditions["one_output_only"] = ("for a single output", lambda e: e.inputs[0].shape[1] == 1)
    elif case.name == "elu":
        conditions["alpha_one_only"] = ("where alpha is 1", lambda e: e.inputs[1] == 1)
    if case.name in ACTIVATIONS:
        conditions["wrong_where_negative"] = ("where no input is negative", lambda e: (e.inputs[0] >= 0).all())
        conditions["wrong_where_positive"] = ("where no input is positive", lambda e: (e.inputs[0] <= 0).all())
    for name, (words, condition) in conditions.items():
        right_there = [_agree(o, r) for example, o, r in pairs if condition(example)]
        if right_there and all(right_there):
            return Diagnosis(
                name,
                f"{finding.part} is right only {words}",
                f"It is right on the {len(right_there)} examples of that kind, and wrong on others.",
                f"What is special {words}?",
            )
    return None


TESTS = (
    _not_repeatable,
    _not_finite,
    _capped_loss,
    _always_zero,
    _other_order,
    _constant_factor,
    _factor_of_size,
    _low_precision,
    _rows_alike,
    _not_linear_in_dy,
    _where,
)
