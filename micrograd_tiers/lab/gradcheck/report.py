"""The report of a gradient check: a table with a verdict for each gradient, and advice."""

from dataclasses import asdict, dataclass
from enum import Enum
from textwrap import wrap
from typing import Any

from ... import html
from ...formats import cut_lines

HEAD = ("gradient", "method", "checked", "worst at", "analytic", "numerical", "error", "allowed", "verdict")


class VerdictKind(Enum):
    """Verdict of one check, without details."""

    PASS = "pass"
    REMOVED = "pass: the gradient is zero, as batch norm removes this bias"
    WRONG = "wrong"
    SHAPE = "wrong shape"
    KINK = "at a kink"
    NOT_FINITE = "not finite"
    NOT_DETERMINISTIC = "not deterministic"
    ALL_ZERO = "vacuous: the gradient is exactly zero"
    LOST = "cannot be judged here: rounding leaves no digit"
    EMPTY = "vacuous: no coordinate"

    @property
    def short(self) -> str:
        """Verdict without its reason, for the table."""
        return self.value.partition(":")[0]


ADVICE = {
    VerdictKind.REMOVED: "the batch norm after the layer subtracts it; a layer with bias=False does without",
    VerdictKind.SHAPE: "a gradient must have the shape of the argument or parameter that it belongs to",
    VerdictKind.WRONG: "look for the bug in this vjp, and in the vjps of all later layers",
    VerdictKind.KINK: "not judged, as no derivative exists there: move the input off the kink (relu and elu: off 0)",
    VerdictKind.NOT_FINITE: "a derivative is NaN or infinite: check the inputs first",
    VerdictKind.NOT_DETERMINISTIC: "two calls with the same input differ: fix the seed inside the function",
    VerdictKind.ALL_ZERO: "nothing was tested: draw other inputs or weights (are all ReLUs off, or all weights zero?)",
    VerdictKind.LOST: "the terms cancel or saturate, or a kink is too near: draw other inputs or weights",
    VerdictKind.EMPTY: "nothing was tested: check at least one coordinate",
}


@dataclass(frozen=True)
class Check:
    """One gradient compared with its numerical derivative.

    Attributes
    ----------
    name : str
        Name of the op's argument or of the net's parameter.
    method : {"complex step", "Richardson", "fit", "-"}
        Method of the numerical derivative; "-" if none was computed.
    n_coordinates : int
        Number of coordinates checked.
    coordinate : tuple of int or None
        Coordinate to which the verdict and the numbers apply: the worst one, or the first one at a kink.
    analytic, numerical : float
        Derivative there, by the vjp and by `method`.
    relative_error : float
        |analytic - numerical| / max(|analytic|, |numerical|, floor). The floor is above 0 where rounding alone would
        exceed the tolerance.
    tolerance : float
        Largest relative error that passes.
    kind : VerdictKind
        `PASS`, `REMOVED` (the gradient is zero and has to be), or the reason why the check did not pass.
    detail : str
        For "wrong shape": both shapes. Otherwise "".
    """

    name: str
    method: str
    n_coordinates: int
    coordinate: tuple[int, ...] | None
    analytic: float
    numerical: float
    relative_error: float
    tolerance: float
    kind: VerdictKind
    detail: str = ""

    @property
    def verdict(self) -> str:
        """Verdict with its detail: "pass", "wrong", "wrong shape: got ...", "vacuous: no coordinate", ..."""
        return f"{self.kind.value}: {self.detail}" if self.detail else self.kind.value

    @property
    def passed(self) -> bool:
        """True if the gradient was tested and is right."""
        return self.kind in (VerdictKind.PASS, VerdictKind.REMOVED)

    def _repr_html_(self) -> str:
        return Report((self,))._repr_html_()

    def as_json(self) -> dict[str, Any]:
        """Return the numbers and the verdict for a JSON file."""
        content = asdict(self)
        del content["kind"], content["detail"]
        return content | {"verdict": self.verdict}


@dataclass(frozen=True)
class Report:
    """Result of a gradient check: one `Check` for each argument or parameter.

    `print` and a notebook show it as a table.
    """

    checks: tuple[Check, ...]

    @property
    def passed(self) -> bool:
        """True if there was something to check and every check passed."""
        return bool(self.checks) and all(check.passed for check in self.checks)

    def __bool__(self) -> bool:
        return self.passed

    def __str__(self) -> str:
        width = max([9, *(len(check.name) for check in self.checks)])
        lines = []
        for name, method, *columns, verdict in (HEAD, *map(_cells, self.checks)):
            numbers = "".join(f"{text:>{w}}" for text, w in zip(columns, (8, 12, 14, 14, 9, 9), strict=True))
            lines.append(f"{name:{width}}  {method:12}{numbers}  {verdict}")
        for remark, advice in self._remarks().items():
            lines += [*wrap(remark, 100, subsequent_indent="    "), f"    -> {advice}"]
        return "\n".join([*lines, *wrap(self._conclusion, 100)])

    def __repr__(self) -> str:
        return cut_lines(str(self))

    def _repr_html_(self) -> str:
        remarks = [f"{remark} \N{RIGHTWARDS ARROW} {advice}" for remark, advice in self._remarks().items()]
        rows = [*map(_cells, self.checks)]
        return html.table(HEAD, rows, "Gradient check", [*remarks, self._conclusion])

    def _remarks(self) -> dict[str, str]:
        """Return verdicts other than "pass", each with its gradients, and what to do about them."""
        found: dict[str, list[Check]] = {}
        for check in self.checks:
            if check.kind is not VerdictKind.PASS:
                found.setdefault(check.verdict, []).append(check)
        remarks = {}
        for verdict, checks in found.items():
            places = [c.name if c.coordinate is None else f"{c.name} at {c.coordinate}" for c in checks]
            remarks[f"{verdict}: {', '.join(places)}"] = ADVICE[checks[0].kind]
        return remarks

    @property
    def _conclusion(self) -> str:
        if self.passed:
            return "Passed: every gradient agrees with its numerical derivative."
        names = ", ".join(check.name for check in self.checks if not check.passed)
        return f"NOT passed: {names or 'there was nothing to check'}."


def _cells(c: Check) -> tuple[str, ...]:
    place = "" if c.coordinate is None else str(c.coordinate).replace(" ", "")
    numbers = (f"{c.analytic:.6e}", f"{c.numerical:.6e}", f"{c.relative_error:.1e}", f"{c.tolerance:.0e}")
    return c.name, c.method, f"{c.n_coordinates:,}", place, *numbers, c.kind.short
