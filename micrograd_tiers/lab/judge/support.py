"""Checks of a tier's support functions and of `moments`, and the completion of a tier that lacks some."""

import copy
from collections.abc import Callable, Collection
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from ...tiers import OPS, SUPPORT, TIERS, Tier, get_tier
from .calls import case_at
from .cases import OP_CASES, OpCase
from .clock import CLOCK
from .guard import Wrong, guarded, numbers_of, outcomes, short, unprinted
from .properties import Finding, reference

TABLE = [[0.1, -2.0], [3.0, 1e300], [5e-324, 0.0]]
LABELS = [2, 0, 1]
N_MANY = 300  # samples; with FEATURES of them, more numbers than code that works in blocks takes at once
FEATURES = [n + 0.1 for n in range(120)]
FUNCTIONS = (*SUPPORT, "moments")  # a tier without batch normalization needs no `moments`


def _many() -> list[list[float]]:
    """Return a table of N_MANY rows, all different."""
    return [[n + feature for feature in FEATURES] for n in range(N_MANY)]


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
        with unprinted(), guarded(name), CLOCK.running():
            CHECKS[name](tier)
    except Wrong as wrong:
        kind = "float32" if wrong.property == "float32" else "ordinary"
        return [Finding("value", wrong.property, wrong.message, None, wrong.expected, wrong.got, kind)]
    return []


def _equal(message: str, got: Any, expected: Any) -> None:
    if repr(got) != repr(expected):  # tells 1, 1.0 and np.float64(1.0) apart
        raise Wrong("value", message, expected, got)


def _check_asarray(tier: Tier) -> None:
    for values, dtype in ((TABLE, "float64"), (TABLE[0], "float64"), (LABELS, "int64"), (_many(), "float64")):
        for given in (values, np.array(values, dtype)):
            back = np.array(tier.tolist(tier.asarray(given, dtype)))
            same_kind = back.dtype.kind == np.dtype(dtype).kind
            if not same_kind or back.shape != np.shape(values) or (back != np.array(values)).any():
                raise _not_the_values(dtype, values, back)
    for given in ([1, 2], np.array([1.0, 2.0], np.float32)):  # the default dtype is float64
        back = tier.tolist(tier.asarray(given))
        _equal("tolist(asarray([1, 2])) does not return floats", back, [1.0, 2.0])
    if np.array(tier.tolist(tier.asarray([2.0, 0.0], "int64"))).dtype.kind != "i":
        raise Wrong("value", "asarray(values, 'int64') does not return integers", [2, 0], [2.0, 0.0])
    converted = None
    with suppress(Exception):  # a tier need not offer float32
        converted = tier.asarray([0.1, 16777217.0], "float32")
    if converted is not None:
        rounded = np.array([0.1, 16777217.0], np.float32).tolist()
        if tier.tolist(converted) != rounded:
            message = "asarray(values, 'float32') does not return float32; raise ValueError if the tier has none"
            raise Wrong("float32", message, rounded, tier.tolist(converted))


def _not_the_values(dtype: str, values: Any, back: Any) -> Wrong:
    message = f"tolist(asarray(values, {dtype!r})) does not return the values"
    if np.size(values) > 64:
        return Wrong("value", f"{message}, for a table of {len(values)} rows", np.shape(values), np.shape(back))
    return Wrong("value", message, values, back)


def _check_tolist(tier: Tier) -> None:
    for values, dtype in ((TABLE, "float64"), (TABLE[0], "float64"), (LABELS, "int64")):
        got = tier.tolist(tier.asarray(np.array(values, dtype), dtype))
        _equal("tolist does not return nested lists of Python numbers", got, values)
    many = tier.tolist(tier.asarray(_many()))
    _equal(f"tolist is wrong for a table of {N_MANY} rows", _summary(many), _summary(_many()))


def _check_chunks(tier: Tier) -> None:
    x, target = tier.asarray(TABLE), tier.asarray(LABELS, "int64")
    chunks = [*tier.chunks(x, target)]
    if not all(isinstance(chunk, tuple | list) and len(chunk) == 2 for chunk in chunks):
        raise Wrong("type", f"chunks(x, target) yields {short(chunks)}, expected pairs (x, target) of the same samples")
    rows, labels = _joined(tier, chunks)
    _equal("the chunks of a mini-batch, joined, are not the mini-batch", (rows, labels), (TABLE, LABELS))
    (*alone,) = tier.chunks(tier.asarray(TABLE[:1]))
    _equal("a mini-batch of one sample is not one chunk", len(alone), 1)
    many = [n % 7 for n in range(N_MANY)]
    rows, labels = _joined(tier, [*tier.chunks(tier.asarray(_many()), tier.asarray(many, "int64"))])
    message = f"the chunks of {N_MANY} samples, joined, are not the mini-batch"
    _equal(message, (_summary(rows), labels[-1:], len(labels)), (_summary(_many()), many[-1:], N_MANY))
    if rows != _many() or labels != many:
        raise Wrong("value", message)


def _joined(tier: Tier, chunks: list[Any]) -> tuple[list[Any], list[Any]]:
    rows = [row for chunk, _ in chunks for row in np.atleast_2d(tier.tolist(chunk)).tolist()]
    return rows, [label for _, chunk in chunks for label in np.atleast_1d(numbers_of(tier, chunk)).tolist()]


def _summary(rows: Any) -> Any:
    """Return the shape of a table, and its last numbers: enough to see what is missing."""
    return np.shape(rows), [row[-2:] for row in rows[-2:]]


def _check_add_scaled(tier: Tier) -> None:
    for values in ([*TABLE[:1], [1.0, 2.0]], [1.0, 2.0], [[[1.0, 2.0], [3.0, 4.0]]], _many(), FEATURES * 300):
        for scale in (-0.5, 1.0, 0.0, -1.0):
            target, source = tier.asarray(copy.deepcopy(values)), tier.asarray(copy.deepcopy(values))
            returned = tier.add_scaled(target, source, scale)
            target = target if returned is None else returned  # for arrays that cannot be changed in place
            expected = (np.array(values) + scale * np.array(values)).tolist()
            _same(f"add_scaled does not change target to target + {scale} * source", tier.tolist(target), expected)
            _same("add_scaled changes source", tier.tolist(source), values)


def _check_elementwise(tier: Tier) -> None:
    functions: list[Callable[..., Any]] = [lambda a: 2 * a + 1, lambda a, b: a - b * b, lambda a, b, c: a / b + c**2]
    for values in ([[1.0, 2.0], [4.0, -0.5]], [1.0, 2.0], [[[1.0, 2.0], [3.0, 4.0]]], _many()):
        for n, f in enumerate(functions, start=1):
            arrays = [tier.asarray((np.array(values) + k).tolist()) for k in range(n)]
            got = tier.tolist(tier.elementwise(f, *arrays))
            expected = f(*(np.array(values) + k for k in range(n))).tolist()
            _same(f"elementwise(f, ...) is wrong for {n} array{'s' * (n > 1)}", got, expected)
            for k, array in enumerate(arrays):
                _same("elementwise changes its input arrays", tier.tolist(array), (np.array(values) + k).tolist())


def _same(message: str, got: Any, expected: Any) -> None:
    """Raise Wrong unless two nested lists are the same; a large one is not shown."""
    if np.size(expected) <= 64:
        _equal(message, got, expected)
    elif np.shape(got) != np.shape(expected) or not np.array_equal(got, expected):
        raise Wrong("value", f"{message}, for {np.size(expected):,} numbers", np.shape(expected), np.shape(got))


def _check_moments(tier: Tier) -> None:
    for shape in ((2, 3), (5, 1), (3, 2, 2, 3), (N_MANY, 120)):
        for offset in (0.0, 1e6):
            x = np.sin(np.arange(float(np.prod(shape)))).reshape(shape) + offset
            axes = (0, *range(2, x.ndim))
            returned = tier.moments(tier.asarray(x.copy()))
            if not isinstance(returned, tuple | list) or len(returned) != 2:
                raise Wrong("type", f"moments returned {short(returned)}, expected (mean, variance)")
            for name, got, expected in zip(
                ("mean", "variance"), map(tier.tolist, returned), (x.mean(axis=axes), x.var(axis=axes)), strict=True
            ):
                bound = 1e-12 * (np.abs(expected) + (offset if name == "mean" else 1e-3 * offset) + 1)
                if np.shape(got) != expected.shape or not (np.abs(got - expected) <= bound).all():
                    message = f"the {name} of x {shape}{' near 1e6' * (offset > 0)} is wrong"
                    raise Wrong("value", message, expected[:3].tolist(), np.ravel(got)[:3].tolist())


CHECKS: dict[str, Callable[[Tier], None]] = {
    "asarray": _check_asarray,
    "tolist": _check_tolist,
    "chunks": _check_chunks,
    "add_scaled": _check_add_scaled,
    "elementwise": _check_elementwise,
    "moments": _check_moments,
}


# Completion of a tier that lacks some of its functions.


def built_in_like(tier: Any) -> str:
    """Return the name of the built-in tier whose arrays a tier takes.

    The tier's own `asarray` and `chunks` decide. If they are missing or fail, the ops are tried with the arrays of each
    built-in tier, and the tier at which most results are right is returned.
    """
    try:
        with unprinted(), CLOCK.running():
            first, *_ = next(iter(tier.chunks(tier.asarray(TABLE))))
            if np.ndim(tier.tolist(first)) == 2:
                return "tensor"
            return "scalar" if isinstance(first, list) else "vector"
    except Exception:
        slow: set[str] = set()
        return max(reversed(TIERS), key=lambda like: _n_right(completed(tier, like, without=SUPPORT), slow))


def _n_right(tier: Tier, slow: set[str]) -> int:
    """Return the number of parts, over all ops, that are right on the plain example; skip and add to the slow ops."""
    n = 0
    for op in OP_CASES:
        if not hasattr(tier, op.name) or op.name in slow:
            continue
        case = case_at(op, tier)
        try:
            found = outcomes(case, tier, case.examples.plain, case.parts)
        except NotImplementedError:
            continue
        slow |= {op.name for outcome in found.values() if outcome.wrong and outcome.wrong.property == "time"}
        with np.errstate(all="ignore"):
            n += sum(_is_right(case, part, outcome.numbers) for part, outcome in found.items())
    return n


def _is_right(case: OpCase, part: str, numbers: Any) -> bool:
    expected = reference(case, case.examples.plain, part)
    same_shape = numbers is not None and np.shape(numbers) == np.shape(expected)
    return same_shape and bool(np.allclose(numbers, expected))


def makes_other_arrays(tier: Any, like: str) -> bool:
    """Return True if a tier's own `asarray` makes arrays of another type than that of the built-in tier."""
    try:
        return type(tier.asarray([0.0])) is not type(get_tier(like).asarray([0.0]))
    except Exception:
        return False


def completed(tier: Any, like: str, without: Collection[str] = ()) -> Tier:
    """Return the tier with missing and wrong support functions taken from a built-in tier."""
    built_in = get_tier(like)
    own = [name for name in (*OPS, *FUNCTIONS) if hasattr(tier, name) and name not in without]
    functions = {name: getattr(tier, name) for name in own}
    borrowed = {name: getattr(built_in, name) for name in SUPPORT}
    return cast(Tier, SimpleNamespace(**borrowed | functions))
