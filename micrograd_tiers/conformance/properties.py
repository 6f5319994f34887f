"""What must be true of every op of every tier, and the search for the smallest example on which it is not.

Expected numbers are those of the tensor tier, whose derivatives have three witnesses of their own in the tests.
"""

import contextlib
import io
import signal
import time
import traceback
import warnings
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from hypothesis import HealthCheck, Phase, find, settings
from hypothesis import strategies as st
from hypothesis.errors import Flaky, NoSuchExample
from numpy.typing import NDArray

from ..tiers import FROM_FILE, Tier, get_tier
from .cases import Call, Example, OpCase, calls, chunks_of, part_of

Array = NDArray[Any]

TOLERANCE = 1e-12  # of the largest term that goes into a number: float32 is off by 1e-7
CALL_LIMIT = 5.0  # seconds that one part may take on one mini-batch; the built-in tiers take milliseconds
PRINT_LIMIT = 100_000  # characters


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Attributes
    ----------
    part : str
        Of the op: "value", "dx", ...
    property : str
        What is violated: "structure", "type", "shape", "value", "derivative", "stability", "nan and infinity",
        "purity", "warns", "prints", "raises" or "hangs".
    message : str
        What is wrong, in a sentence.
    example : Example or None
        The smallest found on which it is.
    expected, got : object
        Numbers, where there are some to show.
    blocks : bool
        Whether nothing else of the op can be judged because of this: it does not get as far as its vjps.
    """

    part: str
    property: str
    message: str
    example: Example | None = None
    expected: Any = None
    got: Any = None
    blocks: bool = False


class NotWrittenError(Exception):
    """The op raises NotImplementedError, or is not there."""


class Wrong(Exception):  # noqa: N818  # it never reaches a user
    """What a check found, on its way out."""

    def __init__(
        self, property: str, message: str, expected: Any = None, got: Any = None, part: str | None = None
    ) -> None:
        super().__init__(message)
        self.property, self.message, self.expected, self.got = property, message, expected, got
        self.part = part  # if it is not the one under test: without a value there is no vjp to look at


Check = Callable[[OpCase, Tier, Example, str], None]


# The checks. Each raises Wrong.


def check_ordinary(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check type, shape and numbers of one part, on numbers of everyday size."""
    _check_numbers(case, tier, example, part, "value" if part == "value" else "derivative")


def check_extreme(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check the same on finite numbers of any size."""
    _check_numbers(case, tier, example, part, "stability")


def check_special(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check the same on NaN and infinity: NaN spoils its own row, and what is legal has its limit."""
    with np.errstate(all="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        got, expected = outcome(case, tier, example, part), reference(case, example, part)
    if part != "value":  # a derivative at NaN may be anything
        spoiled = np.isnan(example.inputs[0]).any(axis=1)
        expected = np.where(spoiled[:, None] if len(spoiled) == len(np.atleast_1d(expected)) else False, got, expected)
        got, expected = np.where(np.isfinite(expected), got, 0), np.where(np.isfinite(expected), expected, 0)
    if not np.allclose(got, expected, rtol=TOLERANCE, atol=TOLERANCE, equal_nan=True):
        raise Wrong("nan and infinity", f"{part} is wrong where an input is NaN or infinite", expected, got)


def check_purity(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    """Check that nothing but the return values changes: no input, no dy, nothing that a later call relies on."""
    for inputs, dy in chunks_of(case, tier, example):
        names, arrays = (*case.arguments, "dy"), (*inputs, dy)
        before = [_numbers(tier, a) for a in arrays]

        def check_unchanged(
            what: str, names: tuple[str, ...] = names, arrays: tuple[Any, ...] = arrays, before: list[Array] = before
        ) -> None:
            for name, a, was in zip(names, arrays, before, strict=True):
                if not np.array_equal(_numbers(tier, a), was, equal_nan=True):
                    raise Wrong("purity", f"{what} changes {name}, which is the caller's", was, _numbers(tier, a))

        _, vjps = getattr(tier, case.name)(*inputs)
        check_unchanged(f"{case.name} itself")
        if part != "value":
            _check_vjp_is_pure(case, tier, example, part, vjps[case.parts.index(part) - 1], dy, check_unchanged)


def _check_vjp_is_pure(
    case: OpCase,
    tier: Tier,
    example: Example,
    part: str,
    vjp: Callable[[Any], Any],
    dy: Any,
    check_unchanged: Callable[[str], None],
) -> None:
    first = vjp(dy)
    as_it_was = _numbers(tier, first)
    check_unchanged(f"the vjp for {part}")

    def check_same(result: Any, message: str) -> None:
        if not np.array_equal(_numbers(tier, result), as_it_was, equal_nan=True):
            raise Wrong("purity", f"the vjp for {part} {message}", as_it_was, _numbers(tier, result))

    check_same(vjp(dy), "gives something else when it is called a second time")
    others = tuple(a + 1 if isinstance(a, np.ndarray) and a.dtype.kind == "f" else a for a in example.inputs)
    for other in calls(case, tier, Example(others, example.dy)):
        other.vjps[case.parts.index(part) - 1](other.dy)
    check_same(vjp(dy), "gives something else after the op was called again: it must remember its own call's inputs")
    second = vjp(dy)
    tier.add_scaled(first, second, 1.0)  # the caller owns what it gets
    check_unchanged(f"the vjp for {part} returns storage that is not fresh: adding to what it returned")
    check_same(second, "returns the same storage each time, not fresh one")
    check_same(vjp(dy), "relies on the storage that it has handed out")


def _numbers(tier: Tier, a: Any) -> Array:
    return np.array(a if isinstance(a, int | float | np.number) else tier.tolist(a))


def reference(case: OpCase, example: Example, part: str) -> Any:
    """Return what one part should be: an ndarray, samples first, or a float."""
    return part_of(case, get_tier("tensor"), example, part)


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
            raise Wrong("warns", f"{part} is right, but a warning is given on finite numbers: {warning.message}")


def _scale(case: OpCase, example: Example, part: str, property: str) -> Any:
    """Return the size of the terms that a part is made of, in which rounding is measured."""
    if case.name == "linear":  # of each sum, what it would be if nothing cancelled
        inputs = tuple(np.abs(a) for a in example.inputs)
        return reference(case, Example(inputs, np.abs(example.dy)), part)
    return 1.0 if property == "stability" else max(1.0, np.max(np.abs(reference(case, example, part))))


# Calling what somebody else has written.


class _Printed(io.StringIO):
    """What an op prints, up to a limit."""

    def write(self, text: str) -> int:
        if self.tell() > PRINT_LIMIT:
            raise RuntimeError(f"printed more than {PRINT_LIMIT:,} characters")
        return super().write(text)


class _TooSlow(BaseException):  # not an Exception: what an op catches must not include it
    """The clock has run out."""


@contextlib.contextmanager
def clock(seconds: float = CALL_LIMIT) -> Iterator[None]:
    """Raise TimeoutError from what takes longer, where the system has such a clock (not on Windows)."""

    def stop(*args: object) -> None:
        raise _TooSlow

    try:
        before = signal.signal(signal.SIGALRM, stop)
    except (AttributeError, ValueError):  # Windows; not the main thread
        yield
        return
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    except _TooSlow:
        raise TimeoutError(f"takes longer than {seconds:g} seconds; does a loop never end?") from None
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def outcome(case: OpCase, tier: Tier, example: Example, part: str) -> Any:
    """Return one part for the whole mini-batch; raise Wrong if it is not even an array of the right shape."""
    printed = _Printed()
    try:
        with contextlib.redirect_stdout(printed), clock():
            _check_structure(case, tier, example, part)
            got = part_of(case, tier, example, part)
    except (Wrong, NotWrittenError):
        raise
    except NotImplementedError as error:
        raise NotWrittenError from error
    except TimeoutError as error:
        raise Wrong("hangs", f"{part}: {error}", part="value" if part == "value" else None) from None
    except (Exception, SystemExit) as error:
        raise Wrong("raises", f"{part}: {described(error)}") from error
    if printed.getvalue():
        (line, *_) = printed.getvalue().splitlines() or [""]
        raise Wrong("prints", f"{part}: prints while it computes: {line!r}; an op does nothing but return its result")
    return got


def _check_structure(case: OpCase, tier: Tier, example: Example, part: str) -> None:
    for call in calls_checked(case, tier, example):
        if part == "value":
            if case.is_loss:
                _check_number(case, call.value)
            else:
                features = len(call.inputs[1]) if case.name == "linear" else None
                _check_array(tier, "value", call.value, _expected_shape(call, features))
        else:
            k = case.parts.index(part) - 1
            vjp = call.vjps[k]
            if not callable(vjp):
                raise Wrong("structure", f"{part}: got {short(vjp)}, expected a function that takes dy")
            _check_array(tier, part, vjp(call.dy), np.shape(_numbers(tier, call.inputs[k])))


def calls_checked(case: OpCase, tier: Tier, example: Example) -> Any:
    """Call the op for each chunk; raise Wrong unless it returns a value and one vjp per differentiable argument."""
    real = getattr(tier, case.name)

    def op(*inputs: Any) -> Any:
        try:
            result = real(*inputs)
        except NotImplementedError:
            raise
        except (Exception, SystemExit) as error:
            raise Wrong("raises", f"{case.name}: {described(error)}", part="value") from error
        if not (isinstance(result, tuple) and len(result) == 2 and isinstance(result[1], tuple | list)):
            message = f"{case.name} returned {short(result)}, expected (value, (vjp, ...)); mind the comma of (vjp,)"
            raise Wrong("structure", message, part="value")
        if len(result[1]) != case.n_differentiable:
            message = f"{case.name} returned {len(result[1])} vjps, expected {case.n_differentiable}: {case.parts[1:]}"
            raise Wrong("structure", message, part="value")
        return result

    return calls(case, _With(tier, case.name, op), example)


class _With:
    """A tier with one op exchanged."""

    def __init__(self, tier: Tier, name: str, op: Callable[..., Any]) -> None:
        self._tier = tier
        setattr(self, name, op)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tier, name)


def _expected_shape(call: Call, features: int | None) -> tuple[int, ...]:
    *samples, last = np.shape(call.inputs[0])
    return (*samples, last if features is None else features)


def _check_number(case: OpCase, value: Any) -> None:
    try:
        float(value)
    except (TypeError, ValueError):
        raise Wrong(
            "type", f"the loss is {short(value)}, expected one number: the sum over the samples given"
        ) from None


def _check_array(tier: Tier, part: str, value: Any, shape: tuple[int, ...]) -> None:
    kind = type(tier.asarray([0.0]))
    if not isinstance(value, tuple if kind is list and isinstance(value, tuple) else kind):
        raise Wrong("type", f"{part} is {short(value)}, expected what asarray makes: {kind.__name__} of shape {shape}")
    try:
        got = np.array(tier.tolist(value), dtype=float).shape
    except (TypeError, ValueError):
        raise Wrong("type", f"{part} is {short(value)}, expected numbers of shape {shape}") from None
    if got != shape:
        raise Wrong("shape", f"{part} has shape {got}, expected {shape}", shape, got)


def short(value: Any) -> str:
    """Describe a value in a few words."""
    text = " ".join(repr(value).split())
    return f"{text if len(text) <= 60 else text[:57] + '...'} ({type(value).__name__})"


def described(error: BaseException) -> str:
    """Return an exception in one line, with the line of the user's file that it comes from."""
    text = " ".join(f"{type(error).__name__}: {error}".split())
    frames = [
        frame
        for frame, _ in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(FROM_FILE)
    ]
    for frame, line in traceback.walk_tb(error.__traceback__):
        if frames and frame is frames[-1]:
            text += f" (line {line})"
    return text


# The search.


class _EnoughError(Exception):
    """Time is up."""


@dataclass(frozen=True)
class Search:
    """How hard to look for a failing example, and for a smaller one.

    Attributes
    ----------
    max_examples : int
        How many examples are drawn of each kind.
    seconds : float
        When to stop making a failing example smaller.
    shrink : bool
        Whether to make it smaller at all.
    """

    max_examples: int = 60
    seconds: float = 10.0
    shrink: bool = True

    def smallest(
        self, strategy: st.SearchStrategy[Example], check: Callable[[Example], Finding | None]
    ) -> Finding | None:
        """Return the finding on the smallest example on which the check has one; None if it has none.

        Hypothesis draws the examples and shrinks the failing one. What counts is the smallest that was seen, so that
        the search can be cut short without losing what it had.
        """
        best: Finding | None = None
        stop = time.monotonic() + self.seconds

        def fails(example: Example) -> bool:
            nonlocal best
            if best is not None and (time.monotonic() > stop or best.property == "hangs"):
                raise _EnoughError
            finding = check(example)
            if finding is not None and (best is None or _size(example) <= _size(best.example)):
                best = finding
            return finding is not None

        with contextlib.suppress(_EnoughError, Flaky):  # Flaky: cut short, or an op that is not always wrong
            look_at_each(strategy, fails, self.max_examples, self.shrink)
        return best


def look_at_each(
    strategy: st.SearchStrategy[Example], look: Callable[[Example], Any], max_examples: int, shrink: bool = False
) -> None:
    """Draw examples, always the same ones, until `look` returns something true; to shrink: then smaller such ones."""
    quietly = settings(
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate],
        max_examples=max_examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    with contextlib.suppress(NoSuchExample):
        find(strategy, lambda example: bool(look(example)), settings=quietly)


def _size(example: Example | None) -> tuple[int, int]:
    if example is None:
        return (0, 0)
    arrays = (*example.inputs, example.dy)
    return sum(np.size(a) for a in arrays), sum(len(repr(np.array(a).tolist())) for a in arrays)


CHECKS: dict[str, Check] = {
    "ordinary": check_ordinary,
    "extreme": check_extreme,
    "special": check_special,
    "purity": check_purity,
}


def finding_of(check: Check, case: OpCase, tier: Tier, example: Example, part: str) -> Finding | None:
    """Return what one check finds, None if nothing."""
    try:
        check(case, tier, example, part)
    except Wrong as wrong:
        blocks = check is check_ordinary and wrong.part == "value"
        return Finding(wrong.part or part, wrong.property, wrong.message, example, wrong.expected, wrong.got, blocks)
    except (NotImplementedError, NotWrittenError):
        raise NotWrittenError from None
    except (Exception, SystemExit) as error:  # in purity, where calls go unguarded
        return Finding(part, "raises", f"{part}: {described(error)}", example)
    return None


def judge_op(case: OpCase, tier: Tier, search: Search | None = None) -> list[Finding]:
    """Return what is wrong with an op: for each part the first property that it violates, on the smallest example.

    Parameters
    ----------
    case : OpCase
    tier : Tier
        With the support functions, and the op.
    search : Search, optional

    Raises
    ------
    NotWrittenError
        If the tier does not have the op, or it raises NotImplementedError.
    """
    if not hasattr(tier, case.name):
        raise NotWrittenError
    search = search or Search()
    findings: dict[str, Finding] = {}
    for kind, check in CHECKS.items():
        parts = [part for part in case.parts if part not in findings]
        if kind == "special":
            found = [finding_of(check, case, tier, example, part) for part in parts for example in case.special]
        else:
            found = _search(search, case.extreme if kind == "extreme" else case.ordinary, check, case, tier, parts)
        for finding in found:
            if finding is not None and not _said_already(finding, findings.values()):
                findings.setdefault(finding.part, finding)
        hopeless = any(finding.blocks or finding.property == "hangs" for finding in findings.values())
        if hopeless or (findings and not search.shrink):
            break
    return [findings[part] for part in case.parts if part in findings]


def _said_already(finding: Finding, findings: Collection[Finding]) -> bool:
    """Whether it only says that the op prints, once more: each part calls the op."""
    return finding.property == "prints" and any(other.property == "prints" for other in findings)


def _search(
    search: Search, strategy: st.SearchStrategy[Example], check: Check, case: OpCase, tier: Tier, parts: list[str]
) -> list[Finding | None]:
    """Return the smallest finding for each part, each searched for only if some part has one at all."""

    def any_part(example: Example) -> Finding | None:
        findings = (finding_of(check, case, tier, example, part) for part in parts)
        return next((finding for finding in findings if finding is not None), None)

    first = replace(search, shrink=False).smallest(strategy, any_part) if parts else None
    if first is None or first.property == "hangs" or not search.shrink:
        return [first]

    def of_part(part: str) -> Callable[[Example], Finding | None]:
        return lambda example: finding_of(check, case, tier, example, part)

    return [search.smallest(strategy, of_part(part)) for part in parts]
