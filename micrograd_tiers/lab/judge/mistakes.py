"""Common mistakes with numbers in any op: a factor, a sign, an axis, an omitted sample, a forgotten dy.

Each test compares the op's results with the correct ones on many examples, and returns a diagnosis or None.
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
Pairs = list[tuple[Example, Array, Array]]  # example, the op's result, the correct result

OVERFLOWS = ("OverflowError", "ZeroDivisionError", "math domain error", "expected a positive input")


def kind_of_mistake(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return the diagnosis of the first common mistake that fits, or None."""
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


# A correct derivative of a wrong value.


def derivative_of_own_value(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return a diagnosis if the derivative is wrong only because the value is: it is the derivative of that value."""
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
        f"{finding.part} is the right derivative of the value that {case.name} returns, but that value is wrong",
        f"On all {len(examples)} examples tried, it agrees with the numerical derivative of your value.",
        "Which formula does the value compute, and which one should it compute?",
    )


def _slopes(case: OpCase, tier: Tier, example: Example, k: int) -> Array:
    """Return the numerical derivative of the op's own sum(dy * value); NaN if the op fails."""

    def loss(x: Array) -> float:
        inputs = (*example.inputs[:k], x, *example.inputs[k + 1 :])
        numbers = probe(case, tier, Example(inputs, example.dy), "value").numbers
        return math.nan if numbers is None else float((numbers * example.dy).sum())

    return numerical_gradient(loss, example.inputs[k], method="Richardson")


# Shapes.


def _wrong_shape(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis:
    got, expected = tuple(finding.got), tuple(finding.expected)
    # The plain example has 2 samples, so an axis of length 1 is left over from a sum over the samples.
    _, plain = probe(case, tier, case.examples.plain, finding.part).failure or ("", ())
    why = "" if finding.part == "value" else "A gradient must have the shape of its argument."
    if plain and len(plain) == len(expected) + 1 and plain[0] == 1:
        what = "is summed over the samples but keeps an axis of length 1 for them"
        why = "keepdims=True keeps that axis; use it only if the sum is broadcast afterwards."
    elif len(got) == 2 and got[0] == got[1]:
        what = "has the wrong shape"
        why = "(N,) with (N, 1) or (N, C) is broadcast along the wrong axis; see keepdims."
    elif got == expected[::-1]:
        what, why = "is transposed", "The axes are in reverse order."
    elif len(got) > len(expected):
        what = "is not summed over the samples"
        why = "It has too many axes: the gradient of a parameter that all samples share is a sum over the samples."
    elif len(got) < len(expected):
        what, why = "is summed over too many axes", "It has too few axes."
    else:
        what = "has the wrong shape"
    reasoning = f"Its shape is {got}, expected {expected}. {why}".rstrip()
    return Diagnosis("wrong_shape", f"{finding.part} {what}", reasoning, "What does each axis stand for?")


def _other_order(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis if the vjps are in the wrong order, ignoring shapes, on examples of a single sample."""
    examples = [example for example in drawn(case) if len(example.inputs[0]) == 1]
    for other in case.parts[1:] if finding.part != "value" else ():
        if other != finding.part and all(_gives(case, tier, example, finding.part, other) for example in examples):
            return Diagnosis(
                "vjps_in_wrong_order",
                f"the vjp returned for {finding.part} computes {other}",
                f"On all {len(examples)} examples tried, it returns the correct {other}. The order of the vjps must be "
                "that of the arguments.",
                f"In which order do you return {', '.join(case.parts[1:])}?",
            )
    return None


def _gives(case: OpCase, tier: Tier, example: Example, part: str, other: str) -> bool:
    try:
        got = np.ravel(part_of(case, tier, example, part))
    except Exception:  # the op may raise anything
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
                f"{finding.part} differs from call to call with the same inputs",
                "Two calls with the same arrays give different results: it draws random numbers, or keeps state.",
                "Which line can do something else in the second call?",
            )
    return None


def _not_finite(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    overflows = any((~np.isfinite(ours) & np.isfinite(expected)).any() for _, ours, expected in pairs)
    return _overflow(finding) if overflows else None


def _overflow(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "overflow",
        "an exponential overflows or underflows, or the logarithm of 0 is taken",
        f"{finding.part} is NaN or infinite or raises an error, but the correct result is finite.",
        "Which intermediate result is too large for a float, or rounds to 0? Can you divide it out beforehand?",
    )


def _capped_loss(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis if the loss stops growing: log(p + 1e-12), or p clipped."""
    if case.name != "softmax_cross_entropy" or finding.part != "value":
        return None
    far = [Example((np.array([[0.0, gap]]), np.array([0])), 1.0) for gap in (750.0, 1e10)]
    a, b = (probe(case, tier, example, "value").numbers for example in far)
    if a is None or b is None or not 5 < a < 749 or not np.isclose(a, b):
        return None
    return Diagnosis(
        "loss_capped",
        f"the loss never exceeds {float(a):.4g}",
        f"Adding {np.exp(-float(a)):.1g} to the probability, or clipping it there, keeps the logarithm finite, but it "
        "changes the loss and hides how wrong the worst samples are.",
        "Can you compute log(softmax(logits)) from the logits, without the probability?",
    )


def _always_zero(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    if not all(np.allclose(ours, 0, atol=1e-12) for _, ours, _ in pairs):
        return None
    why = "" if finding.part == "value" else " With a gradient of zero, nothing is learned."
    title = f"{finding.part} is always zero"
    return Diagnosis(
        "always_zero", title, f"It is zero on all {len(pairs)} examples tried.{why}", "Is the result ever stored?"
    )


def _constant_factor(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    squares = sum(float((expected * expected).sum()) for _, _, expected in pairs)
    factor = sum(float((ours * expected).sum()) for _, ours, expected in pairs) / squares if squares else 0.0
    if not factor or np.isclose(factor, 1, rtol=1e-6) or not all(_agree(o, factor * r) for _, o, r in pairs):
        return None
    if abs(factor + 1) < 1e-9:
        return Diagnosis(
            "wrong_sign",
            f"{finding.part} has the wrong sign",
            f"On all {len(pairs)} examples tried, it is -1 times the correct result.",
            "Where does a minus sign appear or get lost in your derivation?",
        )
    return Diagnosis(
        "constant_factor",
        f"{finding.part} is off by a factor of {factor:.6g}",
        f"On all {len(pairs)} examples tried, it is {factor:.6g} times the correct result.",
        "Which constant of the formula is missing, or appears twice?",
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
                    f"{finding.part} is {verb} {what}, but should not be",
                    f"On all {len(pairs)} examples tried, of any size, it is off by exactly that factor.",
                    "Where should the mean be taken: in this op, or once for the whole net?",
                )
    return None


def _low_precision(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis if the errors look like rounding to few digits. A capped loss looks alike: test it first."""
    errors = [float(np.max(np.abs(o - r))) / max(1.0, float(np.max(np.abs(r)))) for _, o, r in pairs]
    worst = max(errors)
    if not 1e-14 < worst < 2e-3 or (worst > 1e-5 and np.mean(np.array(errors) > 0) < 0.5):
        return None
    return Diagnosis(
        "low_precision",
        f"{finding.part} is right to only {-np.log10(worst):.0f} digits",
        "Possible causes are float32 (7 digits) or float16 (3 digits), a formula that cancels digits, a small number "
        "added to avoid 0, or a numerical derivative.",
        "Do you convert to fewer digits, subtract nearly equal numbers, or add a small number on purpose?",
    )


def _rows_alike(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    several = [(ours, expected) for _, ours, expected in pairs if ours.ndim == 2 and len(ours) > 1]
    differ = any((expected != expected[0]).any() for _, expected in several)
    if not differ or not all((ours == ours[0]).all() for ours, _ in several):
        return None
    return Diagnosis(
        "rows_alike",
        f"all rows of {finding.part} are equal",
        f"On all {len(several)} examples with several rows, they are equal. `[[0] * n] * m` makes one row and m "
        "references to it: writing to one row writes to all.",
        "Is each row a separate list or array?",
    )


def _not_linear_in_dy(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    for example, ours, _ in pairs if finding.part != "value" else ():
        again = probe(case, tier, Example(example.inputs, example.dy * -2), finding.part).numbers
        if again is not None and not np.allclose(again, -2 * ours, rtol=1e-9, atol=1e-12):
            return Diagnosis(
                "not_linear_in_dy",
                f"{finding.part} is not linear in dy",
                f"Multiplying dy by -2 does not multiply {finding.part} by -2, as it must for the vjp of any op.",
                "Is dy multiplied in exactly once, and otherwise left unchanged?",
            )
    return None


def _where(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis that names the only kind of example on which the part is right."""
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
        conditions["alpha_one_only"] = ("if alpha is 1", lambda e: e.inputs[1] == 1)
    if case.name in ACTIVATIONS:
        conditions["wrong_where_negative"] = ("if no input is negative", lambda e: (e.inputs[0] >= 0).all())
        conditions["wrong_where_positive"] = ("if no input is positive", lambda e: (e.inputs[0] <= 0).all())
    for name, (words, condition) in conditions.items():
        right_there = [_agree(o, r) for example, o, r in pairs if condition(example)]
        if right_there and all(right_there):
            return Diagnosis(
                name,
                f"{finding.part} is right only {words}",
                f"It is right on all {len(right_there)} examples of this kind, and wrong on others.",
                f"What is different {words}?",
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
