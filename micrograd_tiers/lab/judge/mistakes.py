"""Common mistakes with numbers in any op: a factor, a sign, an axis, an omitted sample, a forgotten dy.

Each test compares the op's results with the correct ones on many examples, and returns a diagnosis or None.
"""

import math
from collections.abc import Callable
from itertools import product
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from ...layers.activation import ACTIVATIONS
from ...tiers import Tier
from ..gradcheck import numerical_gradient
from .cases import OpCase
from .examples import Example
from .probing import Diagnosis, drawn, probe, right
from .properties import Finding, reference
from .shapes import other_order, wrong_shape
from .side_effects import not_repeatable, side_effect
from .substitutions import substituted

Array = NDArray[Any]
Pairs = list[tuple[Example, Array, Array]]  # example, the op's result, the correct result

# What Python and its math module raise for a number that is too large, or for the logarithm of 0.
OVERFLOWS = (*(error.__name__ for error in ArithmeticError.__subclasses__()), "ValueError")


def kind_of_mistake(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return the diagnosis of the first common mistake that fits, or None."""
    if finding.property == "purity":
        return side_effect(case, tier, finding)
    if finding.property == "shape":
        return other_order(case, tier, finding) or substituted(case, tier, finding) or wrong_shape(case, tier, finding)
    if finding.property == "raises" and finding.kind == "extreme" and finding.detail in OVERFLOWS:
        return _overflow(finding)  # the same shapes with everyday numbers raise nothing
    if finding.property == "accuracy":
        return _loses_digits(finding)
    if finding.property not in ("value", "derivative", "stability"):
        return None
    pairs = []
    assert finding.example is not None
    for example in (finding.example, *drawn(case, finding.kind)):
        numbers = probe(case, tier, example, finding.part).numbers
        if numbers is not None:
            pairs.append((example, numbers, cast(Array, right(case, example, finding.part).numbers)))
    for test in TESTS if pairs else ():
        diagnosis = test(case, tier, finding, pairs)
        if diagnosis is not None:
            return diagnosis
    return None


# A correct derivative of a wrong value.


def derivative_of_own_value(case: OpCase, tier: Tier, finding: Finding) -> Diagnosis | None:
    """Return a diagnosis if the derivative is wrong only because the value is: it is the derivative of that value."""
    if finding.part == "value" or finding.property != "derivative":
        return None
    k = case.argument_of(finding.part)
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
    """Return the numerical derivative of the op's own sum(dy * value) for inputs[k]; NaN if the op fails."""

    def loss(x: Array) -> float:
        inputs = (*example.inputs[:k], x, *example.inputs[k + 1 :])
        numbers = probe(case, tier, Example(inputs, example.dy), "value").numbers
        return math.nan if numbers is None else float((numbers * example.dy).sum())

    return numerical_gradient(loss, example.inputs[k], method="Richardson")


# Numbers.


def _agree(a: Array, b: Array) -> bool:
    return bool(np.allclose(a, b, rtol=1e-9, atol=1e-9))


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


def _loses_digits(finding: Finding) -> Diagnosis:
    return Diagnosis(
        "loses_digits",
        f"{finding.part} subtracts nearly equal numbers",
        "Their leading digits cancel, and rounding errors remain. Another form of the same formula keeps the digits, "
        "such as expm1(x) for e**x - 1, log1p(x) for log(1 + x), or the mean of (x - mean)**2 for a variance.",
        "Which difference is small here, although both of its terms are not?",
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
    factor = _factor(pairs)
    if not factor or np.isclose(factor, 1, rtol=1e-6):
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
    """Return a diagnosis if the result is off by a power of a size, and perhaps a constant factor as well."""
    of_documents = case.family == "documents" and case.kind != "activation"
    sizes: dict[str, Callable[[Example], float]] = {
        "the number of samples": lambda example: len(example.inputs[0]),
        f"the number of {'positions' if of_documents else 'features'}": lambda example: example.inputs[0].shape[1],
    }
    if case.name == "linear":
        sizes["the number of outputs"] = lambda example: len(example.inputs[1])
    if case.family == "images" or case.name == "batch_norm":
        sizes["the number of pixels"] = lambda example: math.prod(np.shape(example.dy)[2:])
    for powers in sorted(product((0, 1, -1), repeat=len(sizes)), key=lambda powers: sum(map(abs, powers))):

        def scale(example: Example, powers: tuple[int, ...] = powers) -> float:
            return math.prod(size(example) ** power for size, power in zip(sizes.values(), powers, strict=True))

        factor = _factor([(e, ours, scale(e) * expected) for e, ours, expected in pairs])
        if factor and any(powers):
            signed = [(what, power) for what, power in zip(sizes, powers, strict=True) if power]
            words = [f"{'multiplied' if power > 0 else 'divided'} by {what}" for what, power in signed]
            words += [f"multiplied by {factor:.6g}"] if abs(factor - 1) > 1e-6 else []
            return Diagnosis(
                "factor_of_size",
                f"{finding.part} is {' and '.join(words)}, but should not be",
                f"On all {len(pairs)} examples tried, of any size, it is off by exactly that factor.",
                "Where should the mean be taken: in this op, or once for the whole net? Over what?",
            )
    return None


def _factor(pairs: Pairs) -> float:
    """Return the factor by which all results are off, 0 if there is none."""
    with np.errstate(all="ignore"):  # squares may be infinite
        squares = sum(float((expected * expected).sum()) for _, _, expected in pairs)
        factor = sum(float((ours * expected).sum()) for _, ours, expected in pairs) / squares if squares else 0.0
        return factor if all(_agree(ours, factor * expected) for _, ours, expected in pairs) else 0.0


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


def _cancels(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis if the errors are those of rounding in much larger terms that cancel."""
    if finding.kind != "extreme":
        return None
    for example, ours, expected in pairs:
        size = max(1.0, *(float(np.abs(a).max()) for a in example.inputs if isinstance(a, np.ndarray)))
        if size < 1e100 and not (np.abs(ours - expected) <= 1e-12 * size**2).all():
            return None
    return _loses_digits(finding)


def _large_only(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    """Return a diagnosis if only the finding's own example is wrong, and it is larger than all the others."""
    (first, *_), *others = pairs
    if finding.kind != "ordinary" or not all(_agree(ours, expected) for _, ours, expected in others):
        return None
    if sum(map(np.size, first.inputs)) <= max(sum(map(np.size, example.inputs)) for example, _, _ in others):
        return None
    largest, name = max(zip(map(np.size, first.inputs), case.arguments, strict=False))
    return Diagnosis(
        "large_only",
        f"{finding.part} is right for small arrays only",
        f"It is right on all {len(others)} examples of usual size, and wrong with {largest} numbers in {name}.",
        "Which number in your op is a size: of a block, a buffer, a loop, a kernel?",
    )


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
    elif case.name == "batch_norm":
        conditions |= {
            "constants_only": ("if mean and variance are constants", lambda e: len(e.inputs) == 7),
            "no_constants": ("unless mean and variance are constants, as in prediction", lambda e: len(e.inputs) < 7),
            "moments_only": ("if mean and variance are not given", lambda e: len(e.inputs) == 4),
        }
    if case.name in ACTIVATIONS:
        conditions["wrong_where_negative"] = ("if no input is negative", lambda e: (e.inputs[0] >= 0).all())
        conditions["wrong_where_positive"] = ("if no input is positive", lambda e: (e.inputs[0] <= 0).all())
    for name, (words, condition) in conditions.items():
        right_there = [_agree(o, r) for example, o, r in pairs if condition(example)]
        right_elsewhere = [_agree(o, r) for example, o, r in pairs if not condition(example)]
        if right_there and all(right_there) and right_elsewhere.count(False) > len(right_elsewhere) / 2:
            return Diagnosis(
                name,
                f"{finding.part} is right only {words}",
                f"It is right on all {len(right_there)} examples of this kind, and wrong on others.",
                f"What is different {words.replace('unless', 'if')}?",
            )
    return None


def _not_repeatable(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    return not_repeatable(case, tier, finding)


def _other_order(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    return other_order(case, tier, finding)


def _substituted(case: OpCase, tier: Tier, finding: Finding, pairs: Pairs) -> Diagnosis | None:
    return substituted(case, tier, finding) if finding.kind == "ordinary" else None


TESTS = (
    _not_repeatable,
    _large_only,
    _not_finite,
    _capped_loss,
    _always_zero,
    _other_order,
    _constant_factor,
    _factor_of_size,
    _substituted,
    _low_precision,
    _rows_alike,
    _not_linear_in_dy,
    _where,
    _cancels,
)
