"""Calls of an op as one would type them, in the arrays of the tier: `y, (dx,) = relu([-1.0])`, then `dx([1.0])`."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .calls import chunks_of, takes_single_samples
from .cases import OpCase
from .drawing import LARGE_ARRAY
from .examples import Example
from .guard import numbers_of
from .purity import another_dy

Array = NDArray[Any]


def calls_of(case: OpCase, tier: Tier, example: Example, part: str, detail: str = "") -> list[str]:
    """Return the lines that show a finding on the first chunk of an example.

    Parameters
    ----------
    case, tier, example
        The op and its arguments.
    part : str
        "value", or the gradient to compute.
    detail : str
        Of a finding on purity; more calls show a result that depends on earlier ones.
    """
    inputs, dy = next(chunks_of(case, tier, example))
    value = "loss" if case.is_loss else "p" if case.name == "softmax" else "y"
    vjps = ", ".join(case.parts[1:]) + "," * (case.n_differentiable == 1)
    arguments = [_literal(tier, a) for a in inputs]
    lines = [f"{value}, ({vjps}) = {case.name}({', '.join(arguments)})"]
    if part != "value":
        once = f"{part}({_literal(tier, dy)})"
        lines += [once]
        if detail == "second call":
            lines += [once]
        elif detail == "other dy":
            lines += [f"{part}({_literal(tier, another_dy(case, tier, dy))})"]
    return lines


def _literal(tier: Tier, a: Any) -> str:
    """Return an argument as Python code."""
    if isinstance(a, int | str | tuple | bool) or a is None:
        return repr(a)
    if isinstance(a, float | np.number):
        return _text(a.item() if isinstance(a, np.number) else a, isinstance(a, float) and _is_lists(tier))
    numbers = numbers_of(tier, a)
    text = _repeated(numbers) if numbers.size > LARGE_ARRAY else _text(tier.tolist(a), _is_lists(tier))
    float32 = getattr(a, "dtype", None) == np.float32
    if _is_lists(tier):
        return f"{text}.tolist()" if numbers.size > LARGE_ARRAY else text
    if isinstance(a, np.ndarray):
        if numbers.size > LARGE_ARRAY:
            return text + ".astype(np.float32)" * float32
        return f"np.array({text}{', np.float32' * float32})"
    return f"asarray({text}{', ' + repr('float32') if 'float32' in str(getattr(a, 'dtype', '')) else ''})"


def _is_lists(tier: Tier) -> bool:
    return isinstance(tier.asarray([0.0]), list)


def _text(a: Any, lists: bool) -> str:
    """Return numbers as text, with NaN and infinity as the module of the skeleton has them."""
    module = "math" if lists else "np"
    text = repr(a)
    return text.replace("nan", f"{module}.nan").replace("inf", f"{module}.inf")


def _repeated(numbers: Array) -> str:
    """Return code that makes a large array of the judge's; see `drawing`."""
    flat, shape = numbers.ravel(), numbers.shape if numbers.ndim > 1 else numbers.size
    if numbers.ndim < 3 and (np.sort(numbers, axis=-1)[..., -2:] == [0.0, 1.0]).all():  # one-hot
        return f"np.eye({numbers.shape[-1]})[{numbers.argmax(axis=-1).tolist()}]"
    for period in range(1, LARGE_ARRAY + 1):
        if np.array_equal(np.resize(flat[:period], flat.shape), flat):
            return f"np.resize({flat[:period].tolist()}, {shape})"
    if np.array_equal(np.sin(np.arange(float(flat.size))), flat):
        return f"np.sin(np.arange({flat.size}.0)).reshape({shape})"
    return f"np.array({_text(numbers.tolist(), lists=False)})"


def in_form_of_tier(case: OpCase, tier: Tier, part: str, numbers: Any) -> Any:
    """Return a result of a whole mini-batch as a call of the tier returns it: without an axis for a single sample."""
    return numbers[0] if case.is_samplewise(part) and np.ndim(numbers) and takes_single_samples(tier) else numbers


def first_difference(expected: Any, got: Any) -> tuple[str, Any, Any] | None:
    """Return where two large arrays differ first, and the two numbers there; None if they are small or equal."""
    expected, got = np.asarray(expected), np.asarray(got)
    if expected.shape != got.shape or expected.size <= LARGE_ARRAY:
        return None
    differ = ~np.isclose(expected, got, rtol=1e-12, atol=1e-14, equal_nan=True)
    if not differ.any():
        return None
    place = tuple(map(int, np.argwhere(differ)[0]))
    where = f"{int(differ.sum())} of {expected.size} numbers differ, first [{', '.join(map(str, place))}]"
    return where, expected[place].item(), got[place].item()
