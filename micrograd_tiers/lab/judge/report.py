"""The judge's report on a tier: a table of results, and for each finding the example, the likely bug and a hint."""

import textwrap
from typing import Any

from .verdict import BORROWED, FAIL, NOT_JUDGED, NOT_WRITTEN, PASS, Item, Verdict

WIDTH = 100
HANDLES = {
    "scalar": "one sample at a time, lists of floats",
    "vector": "one sample at a time, vectors",
    "tensor": "a whole mini-batch, matrices",
}


def text(verdict: Verdict) -> str:
    """Return the whole report."""
    if verdict.problem:
        return f"{verdict.tier} cannot be imported: {verdict.problem}"
    lines = [f"{verdict.tier}, judged as a {verdict.like} tier: {HANDLES[verdict.like]}", ""]
    lines += [_row(item) for item in verdict.items]
    for item in verdict.items:
        for finding in item.findings:
            lines += ["", paragraph(item.name, finding)]
    lines += ["", *_speed(verdict), _summary(verdict)]
    return "\n".join(lines)


def _row(item: Item) -> str:
    """Return one line of the table of results."""
    words = item.note or {PASS: "", BORROWED: "taken from the built-in tier"}.get(item.status, "")
    if item.status == FAIL and len(item.parts()) > 1:
        words = ", ".join(f"{part} {'right' if right else _how(item, part)}" for part, right in item.parts().items())
    status = item.status.upper() if item.status == FAIL else item.status
    return f"{item.name:<22} {status:<16} {words}".rstrip()


def _how(item: Item, part: str) -> str:
    """Return "WRONG" or "right, but ..." for a part with a finding; "not judged" if the op does not get that far."""
    for finding in item.findings:
        if finding["part"] == part:
            return f"right, but {finding['property']}" if finding["property"] in ("warns", "prints") else "WRONG"
    return "not judged"


def paragraph(name: str, finding: dict[str, Any], *, names: bool = True) -> str:
    """Return the report on one finding, with the likely bug unless `names` is False."""
    lines = [f"{_title(name, finding['part'])}: {finding['property']}"]
    lines += _wrapped("", finding["message"])
    for label, value in (finding.get("example") or {}).items():
        lines += _wrapped(f"{label} = ", repr(value))
    for label in ("expected", "got"):
        if finding.get(label) is not None:
            lines += _wrapped(f"{label} ", repr(finding[label]))
    bug = finding.get("likely_bug")
    if bug is not None and names:
        lines += _wrapped("likely bug: ", f"{bug['name']}: {bug['title']}.")
        lines += _wrapped("why: ", bug["reasoning"])
        lines += _wrapped("hint: ", bug["hint"])
    return "\n".join(lines)


def _title(name: str, part: str) -> str:
    return name if part in ("value", "training") else f"{name}, dL/{part}"


def _wrapped(label: str, words: str) -> list[str]:
    return textwrap.wrap(words, WIDTH, initial_indent=f"  {label}", subsequent_indent=" " * (2 + len(label)))


def _speed(verdict: Verdict) -> list[str]:
    if not verdict.speeds:
        return []
    own = verdict.speeds[""]
    others = ", ".join(
        f"{own / speed:.2g} times the built-in {name} tier" for name, speed in verdict.speeds.items() if name
    )
    return [*textwrap.wrap(f"speed: {own:,.0f} samples/s in training a 64-30-10 net, {others}", WIDTH), ""]


def _summary(verdict: Verdict) -> str:
    counted = [item for item in verdict.items if item.possible]
    short = [item.status for item in counted if item.points < item.possible]
    words = [f"{len(counted) - len(short)} of {len(counted)} pass"]
    words += [f"{n} {status}" for status in (FAIL, NOT_WRITTEN, NOT_JUDGED) if (n := short.count(status))]
    points = f"{verdict.points:g} of {verdict.possible:g} points"
    return f"{'PASSED' if verdict.passed else 'NOT PASSED'}: {', '.join(words)}; {points}"
