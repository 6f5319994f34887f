"""The judge's report on a tier: for each finding the call, the likely bug and a hint, and a table of results."""

import textwrap
from collections.abc import Iterator, Sequence
from typing import Any

from ...tiers import SUPPORT
from .verdict import FAIL, NOT_JUDGED, NOT_WRITTEN, PASS, TAKEN, TIMED_OUT, Item, Verdict, counts

WIDTH = 100
HANDLES = {
    "scalar": "one sample at a time, lists of floats",
    "vector": "one sample at a time, vectors",
    "tensor": "a whole mini-batch, matrices",
}
# What a part that is right at numbers of everyday size may lack.
LACKS = {"extreme": "not for every number", "special": "not for NaN or infinity", "float32": "not in float32"}


def text(verdict: Verdict, *, first: bool = False, in_full: bool = False) -> str:
    """Return the whole report.

    Parameters
    ----------
    verdict : Verdict
        Result to report.
    first : bool
        Show only the first finding.
    in_full : bool
        Show all findings of an op in full, not only the first one.
    """
    if verdict.problem:
        return f"{verdict.tier} cannot be imported: {verdict.problem}\n\n{_summary(verdict)}"
    lines = textwrap.wrap(f"{verdict.tier}, judged as a {verdict.like} tier: {HANDLES[verdict.like]}", WIDTH)
    if verdict.tier.endswith(".py") and any(_paragraphs(verdict, in_full)):
        lines += [f"To try a call, start Python with: python -i {verdict.tier}"]
    for paragraph_of_item in _paragraphs(verdict, in_full):
        lines += ["", paragraph_of_item]
        if first:
            break
    lines += ["", *_table(verdict), *_speed(verdict), _summary(verdict)]
    return "\n".join(lines)


def _paragraphs(verdict: Verdict, in_full: bool) -> Iterator[str]:
    for item in verdict.items:
        findings = [finding for finding in item.findings if counts(finding, verdict.level)]
        for k, finding in enumerate(findings):
            if k == 0 or in_full:
                yield paragraph(item.name, finding)


# The table.


def _table(verdict: Verdict) -> list[str]:
    """Return the results, one line for each item with a fault and one for all others of the same status."""
    lines = []
    for item in verdict.items:
        if item.status in (FAIL, TIMED_OUT):
            lines += _entry(_label(item), f"{item.name}: {_parts(item, verdict.level)}")
    ops = [item for item in verdict.items if item.name not in SUPPORT]
    support = [item for item in verdict.items if item.name in SUPPORT]
    for group in (ops, support):
        for status in (PASS, TAKEN, NOT_WRITTEN, NOT_JUDGED):
            names = [_with_remarks(item) for item in group if item.status == status]
            if names:
                note = ", so no points" if status == TAKEN and group is ops else ""
                lines += _entry(status + note, ", ".join(names))
    return lines


def _entry(label: str, words: str) -> list[str]:
    return textwrap.wrap(f"{label}: {words}", WIDTH, subsequent_indent="  ", break_on_hyphens=False)


def _label(item: Item) -> str:
    if item.status == TIMED_OUT:
        return TIMED_OUT
    wrong = any(counts(finding, "formulas") for finding in item.findings)
    return FAIL.upper() if wrong else "right, but"


def _parts(item: Item, level: str) -> str:
    """Return what is right and wrong, part by part."""
    parts = item.parts(level)
    if len(parts) == 1:
        return _how(item, *parts)
    return ", ".join(f"{part} {_how(item, part)}" for part in parts)


def _how(item: Item, part: str) -> str:
    """Return "right", "WRONG", or what else the findings say of a part."""
    if any(finding["blocks"] and finding["part"] != part for finding in item.findings):
        return "not judged"
    found = [finding for finding in item.findings if finding["part"] == part and finding["level"]]
    if not found:
        return "right"
    (finding, *_) = found
    if finding["property"] == "time":
        return TIMED_OUT
    return "WRONG" if finding["level"] == "formulas" else _remark(finding)


def _remark(finding: dict[str, Any]) -> str:
    """Return what is to be said of a part that is right at numbers of everyday size."""
    words = {"prints": "prints", "warns": "warns", "accuracy": "loses digits", "time": TIMED_OUT}
    return words.get(finding["property"], LACKS.get(finding.get("kind", ""), "wrong"))


def _with_remarks(item: Item) -> str:
    """Return the name of an item, with what does not count at the level of the verdict, or why it was not judged."""
    notes = [item.note] * bool(item.note and item.status == NOT_JUDGED)
    remarks = [_remark(finding) for finding in item.findings] if item.status == PASS else notes
    return f"{item.name} ({', '.join(dict.fromkeys(remarks))})" if remarks else item.name


# One finding.


def paragraph(name: str, finding: dict[str, Any], *, names: bool = True) -> str:
    """Return the report on one finding, with the likely bug unless `names` is False."""
    right_but = "" if finding["level"] == "formulas" else f"right, but {_remark(finding)}"
    lines = [f"{_title(name, finding['part'])}: {right_but or finding['property']}"]
    if finding["message"] != f"{finding['part']} is wrong":
        lines += _wrapped("", finding["message"])
    for call in finding.get("calls") or ():
        lines += _wrapped("  ", call)
    numbers = [(label, repr(finding[label])) for label in ("expected", "got") if finding.get(label) is not None]
    in_one_line = ", ".join(map(" ".join, numbers))
    if len(in_one_line) <= WIDTH - 2:
        lines += [f"  {in_one_line}"] * bool(numbers)
    else:
        for label, number in numbers:
            lines += _wrapped(f"{label} ", number, max_lines=2)
    bug = finding.get("likely_bug")
    if bug is not None and names:
        lines += _wrapped("likely bug: ", f"{bug['name']}: {bug['title']}.")
        lines += _wrapped("why: ", bug["reasoning"])
        lines += _wrapped("hint: ", bug["hint"])
    return "\n".join(lines)


def _title(name: str, part: str) -> str:
    return name if part in ("value", "training") else f"{name}, dL/{part}"


def _wrapped(label: str, words: str, max_lines: int | None = None) -> list[str]:
    return textwrap.wrap(
        words,
        WIDTH,
        initial_indent=f"  {label}",
        subsequent_indent=" " * (2 + len(label)),
        break_on_hyphens=False,
        max_lines=max_lines,
        placeholder=" ...",
    )


# The last lines.


def _speed(verdict: Verdict) -> list[str]:
    if not verdict.speeds:
        return []
    own = verdict.speeds[""]
    others = ", ".join(
        f"{own / speed:.2g} times the built-in {name} tier" for name, speed in verdict.speeds.items() if name
    )
    return [*textwrap.wrap(f"speed: {own:,.0f} samples/s in training a 64-30-10 net, {others}", WIDTH)]


def _summary(verdict: Verdict) -> str:
    counted = [item for item in verdict.items if item.possible]
    short = [item.status for item in counted if item.points < item.possible]
    words = [f"{len(counted) - len(short)} of {len(counted)} pass"]
    statuses: Sequence[str] = (FAIL, TIMED_OUT, NOT_WRITTEN, TAKEN, NOT_JUDGED)
    words += [f"{n} {status}" for status in statuses if (n := short.count(status))]
    at_level = "" if verdict.level == "all" else f' at level "{verdict.level}"'
    points = f"{verdict.points:g} of {verdict.possible:g} points"
    return f"{'PASSED' if verdict.passed else 'NOT PASSED'}{at_level}: {', '.join(words)}; {points}"
