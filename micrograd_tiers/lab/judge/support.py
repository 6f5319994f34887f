"""Checks of a tier's support functions, and the completion of a tier that lacks some."""

import copy
from collections.abc import Callable, Collection
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ...tiers import OPS, SUPPORT, TIERS, Tier, get_tier
from .cases import OP_CASES
from .guard import Wrong, guarded, numbers_of, outcome, short
from .properties import Finding, reference

TABLE = [[0.1, -2.0], [3.0, 1e300], [5e-324, 0.0]]
LABELS = [2, 0, 1]


def judge_support(name: str, tier: Tier) -> list[Finding]:
    """Return the findings on one support function: a list with one finding, or empty.

    Raises
    ------
    NotImplementedError
        If the tier does not have the function, or the function raises NotImplementedError.
    """
    if not hasattr(tier, name):
        raise NotImplementedError
    try:
        with guarded(name):
            CHECKS[name](tier)
    except Wrong as wrong:
        return [Finding("value", wrong.property, wrong.message, None, wrong.expected, wrong.got)]
    return []


def _equal(message: str, got: Any, expected: Any) -> None:
    if repr(got) != repr(expected):  # tells 1, 1.0 and np.float64(1.0) apart
        raise Wrong("value", message, expected, got)


def _check_asarray(tier: Tier) -> None:
    for values, dtype in ((TABLE, "float64"), (TABLE[0], "float64"), (LABELS, "int64")):
        for given in (values, np.array(values, dtype)):
            back = np.array(tier.tolist(tier.asarray(given, dtype)))
            same_kind = back.dtype.kind == np.dtype(dtype).kind
            if not same_kind or back.shape != np.shape(values) or (back != np.array(values)).any():
                raise Wrong("value", f"tolist(asarray(values, {dtype!r})) does not return the values", values, back)


def _check_tolist(tier: Tier) -> None:
    for values, dtype in ((TABLE, "float64"), (TABLE[0], "float64"), (LABELS, "int64")):
        got = tier.tolist(tier.asarray(np.array(values, dtype), dtype))
        _equal("tolist does not return nested lists of Python numbers", got, values)


def _check_chunks(tier: Tier) -> None:
    x, target = tier.asarray(TABLE), tier.asarray(LABELS, "int64")
    chunks = [*tier.chunks(x, target)]
    if not all(isinstance(chunk, tuple | list) and len(chunk) == 2 for chunk in chunks):
        raise Wrong("type", f"chunks(x, target) yields {short(chunks)}, expected pairs (x, target) of the same samples")
    rows = [row for chunk, _ in chunks for row in np.atleast_2d(tier.tolist(chunk)).tolist()]
    labels = [label for _, chunk in chunks for label in np.atleast_1d(numbers_of(tier, chunk)).tolist()]
    _equal("the chunks of a mini-batch, joined, are not the mini-batch", (rows, labels), (TABLE, LABELS))
    (*alone,) = tier.chunks(tier.asarray(TABLE[:1]))
    _equal("a mini-batch of one sample is not one chunk", len(alone), 1)


def _check_add_scaled(tier: Tier) -> None:
    for values in ([*TABLE[:1], [1.0, 2.0]], [1.0, 2.0]):
        for scale in (-0.5, 1.0):
            target, source = tier.asarray(copy.deepcopy(values)), tier.asarray(copy.deepcopy(values))
            returned = tier.add_scaled(target, source, scale)
            target = target if returned is None else returned  # for arrays that cannot be changed in place
            expected = (np.array(values) + scale * np.array(values)).tolist()
            _equal(f"add_scaled does not change target to target + {scale} * source", tier.tolist(target), expected)
            _equal("add_scaled changes source", tier.tolist(source), values)


def _check_elementwise(tier: Tier) -> None:
    functions: list[Callable[..., Any]] = [lambda a: 2 * a + 1, lambda a, b: a - b * b, lambda a, b, c: a / b + c**2]
    for values in ([[1.0, 2.0], [4.0, -0.5]], [1.0, 2.0]):
        for n, f in enumerate(functions, start=1):
            arrays = [tier.asarray((np.array(values) + k).tolist()) for k in range(n)]
            got = tier.tolist(tier.elementwise(f, *arrays))
            expected = f(*(np.array(values) + k for k in range(n))).tolist()
            _equal(f"elementwise(f, ...) is wrong for {n} array{'s' * (n > 1)}", got, expected)
            for k, array in enumerate(arrays):
                _equal("elementwise changes its input arrays", tier.tolist(array), (np.array(values) + k).tolist())


CHECKS: dict[str, Callable[[Tier], None]] = {
    "asarray": _check_asarray,
    "tolist": _check_tolist,
    "chunks": _check_chunks,
    "add_scaled": _check_add_scaled,
    "elementwise": _check_elementwise,
}


# Completion of a tier that lacks some of its functions.


def built_in_like(tier: Any) -> str:
    """Return the name of the built-in tier whose arrays a tier takes.

    The tier's own `asarray` and `chunks` decide. If they are missing or fail, the ops are tried with the arrays of each
    built-in tier, and the tier at which most results are right is returned.
    """
    try:
        first, *_ = next(iter(tier.chunks(tier.asarray(TABLE))))
        if np.ndim(tier.tolist(first)) == 2:
            return "tensor"
        return "scalar" if isinstance(first, list) else "vector"
    except Exception:
        return max(reversed(TIERS), key=lambda like: _n_right(completed(tier, like)))


def _n_right(tier: Tier) -> int:
    """Return the number of parts, over all ops, that are right on the plain example of their op."""
    n = 0
    for case in OP_CASES:
        for part in case.parts:
            try:
                got = outcome(case, tier, case.examples.plain, part)
                n += bool(np.allclose(got, reference(case, case.examples.plain, part)))
            except (Wrong, NotImplementedError, AttributeError):
                continue
    return n


def completed(tier: Any, like: str, without: Collection[str] = ()) -> Tier:
    """Return the tier with missing and wrong support functions taken from a built-in tier."""
    built_in = get_tier(like)
    own = [name for name in (*OPS, *SUPPORT) if hasattr(tier, name) and name not in without]
    functions = {name: getattr(tier, name) for name in own}
    borrowed = {name: getattr(built_in, name) for name in SUPPORT}
    return cast(Tier, SimpleNamespace(**borrowed | functions))
