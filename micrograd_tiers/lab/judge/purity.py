"""Purity: calls have no side effects. They change no input, no dy, and no result of another call."""

import warnings
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import Tier
from .calls import calls, chunks_of
from .cases import OpCase
from .clock import OutOfTime
from .examples import Example
from .guard import Wrong, checked, described, guarded, numbers_of, unprinted

Array = NDArray[Any]


def side_effects(case: OpCase, tier: Tier, example: Example, parts: Sequence[str]) -> dict[str, Wrong]:
    """Return the first side effect of each part that has one: of the op for "value", else of the vjp for that part.

    A failure of the op itself is that of the first part.
    """
    found: dict[str, Wrong] = {}

    def attempt(part: str, check: Callable[[], None]) -> None:
        try:
            with guarded(case.name if part == "value" else part):
                check()
        except Wrong as wrong:
            found.setdefault(part, wrong)

    with unprinted(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made: list[_PureCall] = []

        def call() -> None:
            made.extend(_PureCall(case, tier, inputs, dy) for inputs, dy in chunks_of(case, tier, example))

        attempt(parts[0], call)
        later = [part for part in parts if part != "value"]
        for pure in made:
            if "value" in parts:
                attempt("value", pure.check_op)
            for part in later:
                attempt(part, lambda pure=pure, part=part: pure.check_vjp(part, later))  # type: ignore[misc]
        for part in later:
            attempt(part, lambda part=part: _call_again(case, tier, example, part))  # type: ignore[misc]
        for pure in made:
            for part in later:
                if part not in found:
                    attempt(part, lambda pure=pure, part=part: pure.check_afterwards(part))  # type: ignore[misc]
    return found


def _call_again(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Call the op and a vjp with other inputs: of the same shapes, and of others."""
    others = tuple(a + 1 if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in example.inputs)
    for other in (Example(others, example.dy), case.examples.plain):
        for call in calls(case, tier, other, checked(case, tier)):
            call.vjps[case.parts.index(part) - 1](call.dy)


def another_dy(case: OpCase, tier: Tier, dy: Any) -> Any:
    """Return a dy of the same shape with other numbers."""
    numbers = 1 - 2 * numbers_of(tier, dy)
    return float(numbers) if case.is_loss else tier.asarray(numbers)


class _PureCall:
    """One call of the op, with calls of its vjps that are checked."""

    def __init__(self, case: OpCase, tier: Tier, inputs: tuple[Any, ...], dy: Any) -> None:
        self.case, self.tier, self.inputs, self.dy = case, tier, inputs, dy
        self.belongs_to_caller = dict(zip((*case.arguments[: len(inputs)], "dy"), (*inputs, dy), strict=True))
        self.before = {name: numbers_of(tier, a) for name, a in self.belongs_to_caller.items()}
        self.y, vjps = self.call()
        self.vjps = dict(zip(case.parts[1:], vjps, strict=True))
        self.results: dict[str, tuple[Any, Array]] = {}  # what each vjp returned first, and its numbers at that time

    def call(self) -> Any:
        """Call the op, under the clock."""
        return checked(self.case, self.tier)(*self.inputs)

    def check_op(self) -> None:
        """Check that the call of the op has changed nothing."""
        self._check_unchanged(self.case.name)

    def check_vjp(self, part: str, parts: Sequence[str]) -> None:
        """Check that a vjp changes nothing, and gives the same for the same dy, also after the vjps for other parts."""
        if not self.case.is_loss and "y" not in self.before:
            self.belongs_to_caller["y"], self.before["y"] = self.y, numbers_of(self.tier, self.y)
        vjp = self.vjps[part]
        first = vjp(self.dy)
        self.results[part] = first, numbers_of(self.tier, first)
        self._check_unchanged(f"the vjp for {part}")
        self._check_same(part, vjp(self.dy), "returns something else when it is called a second time", "second call")
        other = another_dy(self.case, self.tier, self.dy)
        after = vjp(other)
        _, vjps = self.call()
        fresh = vjps[self.case.parts.index(part) - 1]
        message = "returns something else after a call with another dy"
        self._check_equal(part, fresh(other), after, message, "other dy")
        for other_part in parts:
            with suppress(Exception):  # that is for its own check
                vjps[self.case.parts.index(other_part) - 1](self.dy)
        self._check_equal(part, after, fresh(other), message, "other dy")
        self._check_unchanged(f"the vjp for {part}")

    def check_afterwards(self, part: str) -> None:
        """Check a vjp after other calls of the op: it needs memory of its own, and must return new memory."""
        vjp = self.vjps[part]
        message = "returns something else after the op is called again: it must remember its own call's inputs"
        self._check_same(part, vjp(self.dy), message, "later call")
        second = vjp(self.dy)
        must = f"the vjp for {part} must return fresh storage: adding to its result"
        try:
            self.tier.add_scaled(self.results[part][0], second, 1.0)  # the caller owns the result
        except OutOfTime:
            raise
        except Exception as error:
            raise Wrong("purity", f"{must} fails ({described(error)})", detail="storage") from None
        self._check_unchanged(must)
        self._check_same(part, second, "returns the same storage each time, expected fresh storage", "storage")
        message = "relies on an array that it has returned, which the caller may change"
        self._check_same(part, vjp(self.dy), message, "storage")

    def _check_unchanged(self, what: str) -> None:
        """Raise Wrong unless all that belongs to the caller is as it was."""
        for name, a in self.belongs_to_caller.items():
            now = numbers_of(self.tier, a)
            if not np.array_equal(now, self.before[name], equal_nan=True):
                was, self.before[name] = self.before[name], now  # said once
                message = f"{what} changes {name}, which belongs to the caller"
                raise Wrong("purity", message, was, now, f"changes {name}")

    def _check_same(self, part: str, result: Any, message: str, detail: str) -> None:
        """Raise Wrong unless a result is what the first call returned."""
        self._check_equal(part, self.results[part][1], result, message, detail)

    def _check_equal(self, part: str, expected: Any, got: Any, message: str, detail: str) -> None:
        expected, got = (a if isinstance(a, np.ndarray) else numbers_of(self.tier, a) for a in (expected, got))
        if not _equal(got, expected):
            raise Wrong("purity", f"the vjp for {part} {message}", expected.copy(), got.copy(), detail)


def _equal(a: Array, b: Array) -> bool:
    """Return True if two results agree up to rounding, which may differ between runs of a parallel sum."""
    scale = float(np.max(np.abs(b), initial=0.0, where=np.isfinite(b)))
    return a.shape == b.shape and bool(np.allclose(a, b, rtol=1e-9, atol=1e-12 * scale, equal_nan=True))
