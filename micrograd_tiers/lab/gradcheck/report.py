"""What a check of gradients has found: a verdict for each gradient, with advice, as a table."""

from dataclasses import asdict, dataclass
from enum import Enum
from textwrap import wrap
from typing import Any


class VerdictKind(Enum):
    """The verdict of one check in words, but for details."""

    PASS = "pass"
    WRONG = "wrong"
    SHAPE = "wrong shape"
    KINK = "at a kink"
    NOT_FINITE = "not finite"
    ALL_ZERO = "vacuous: the gradient is exactly zero"
    LOST = "vacuous: the gradient is lost in rounding"
    EMPTY = "vacuous: no coordinate"

    @property
    def short(self) -> str:
        """The verdict without its reason, for the table."""
        return "vacuous" if self in VACUOUS else self.value


VACUOUS = {VerdictKind.ALL_ZERO, VerdictKind.LOST, VerdictKind.EMPTY}
ADVICE = {
    VerdictKind.SHAPE: "a gradient has the shape of what it is the gradient of",
    VerdictKind.WRONG: "look at this vjp, and at those that dL/dy passes on its way there",
    VerdictKind.KINK: "there is no derivative: move the input off it (relu and elu: off 0), or draw other inputs",
    VerdictKind.NOT_FINITE: "NaN or infinite: look at the inputs first",
    VerdictKind.ALL_ZERO: "nothing was put to the test: draw other inputs or weights (dead ReLUs? weights all zero?)",
    VerdictKind.LOST: "terms cancel, or are saturated, or are not the same twice: draw other inputs or weights",
    VerdictKind.EMPTY: "nothing was put to the test: check at least one",
}


@dataclass(frozen=True)
class Check:
    """One gradient beside its numerical derivative.

    The relative error is |analytic - numerical| / max(|analytic|, |numerical|, floor). The floor is 1e-3 of the
    gradient's largest coordinate, or more where rounding alone accounts for more than the tolerance.
    """

    name: str  # of the op's argument or the net's parameter
    method: str  # "complex step", "Richardson", or "-": none
    n_coordinates: int  # how many were put to the test
    coordinate: tuple[int, ...] | None  # that the verdict and the numbers are about: the worst, or the first at a kink
    analytic: float  # the derivative there, by vjp
    numerical: float  # and by that method
    relative_error: float
    tolerance: float
    kind: VerdictKind  # only `PASS` counts as passed; others say why not
    detail: str = ""  # of "wrong shape": both shapes

    @property
    def verdict(self) -> str:
        """The verdict in words: "pass", "wrong", "wrong shape: got ...", "vacuous: no coordinate", ..."""
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value

    @property
    def passed(self) -> bool:
        """Whether the gradient was put to the test and stood it."""
        return self.kind is VerdictKind.PASS

    def as_json(self) -> dict[str, Any]:
        """Return the numbers and the verdict for a JSON file."""
        content = asdict(self)
        del content["kind"], content["detail"]
        return content | {"verdict": self.verdict}


@dataclass(frozen=True)
class Report:
    """What a check of gradients has found, a `Check` for each argument or parameter; `print` it."""

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """Whether there was something to check and all of it passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def __str__(self) -> str:
        width = max([9, *(len(check.name) for check in self.checks)])
        columns = f"{'worst at':>12}{'analytic':>14}{'numerical':>14}{'error':>9}{'allowed':>9}"
        lines = [f"{'gradient':{width}}  {'method':12}{'checked':>8}{columns}  verdict"]
        failed: dict[str, list[Check]] = {}
        for check in self.checks:
            lines.append(_row(check, width))
            if not check.passed:
                failed.setdefault(check.verdict, []).append(check)
        if self.passed:
            return "\n".join([*lines, "Passed: every gradient agrees with its numerical derivative."])
        for verdict, checks in failed.items():
            places = [c.name if c.coordinate is None else f"{c.name} at {c.coordinate}" for c in checks]
            lines += wrap(f"{verdict}: {', '.join(places)}", 100, subsequent_indent="    ")
            lines += [f"    -> {ADVICE[checks[0].kind]}"]
        names = ", ".join(check.name for check in self.checks if not check.passed)
        return "\n".join([*lines, *wrap(f"NOT passed: {names or 'there was nothing to check'}.", 100)])


def _row(c: Check, width: int) -> str:
    place = "" if c.coordinate is None else str(c.coordinate).replace(" ", "")
    numbers = f"{c.analytic:>14.6e}{c.numerical:>14.6e}{c.relative_error:>9.1e}{c.tolerance:>9.0e}"
    return f"{c.name:{width}}  {c.method:12}{c.n_coordinates:>8,}{place:>12}{numbers}  {c.kind.short}"
