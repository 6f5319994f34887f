"""The page of a training step: the recordings of all tiers as data for `web/step.js`."""

import math
from collections.abc import Iterable
from typing import Any

from ...colors import OTHER_TIER_COLORS, TIER_COLORS
from ...html import escape, number
from ...tiers import TIERS
from ...tiers.lists import shape_of
from ..page import Page
from .alignment import Difference, SideBySide
from .formulas import Equation, formulas_of
from .names import flat
from .recording import Part, Recording
from .sources import SourceText, changed_lines, lines_at_work, missing_lines, of_end, of_update, originals_of, source_of
from .trees import names_in, tree_of
from .updates import update_formulas
from .words import HELP, LEGEND, label_of, phase_of, sentence_of, title_of

FILES = ("player.js", "formulas.js", "step.js", "step.css")
SHOWN, STORED = 4, (6, 8, 17)  # significant digits on the page, and in the file: as few as are rounded to the same
DEFAULTS = {"constant": False}
OUTSIDE = {"update": of_update, "fork": of_end, "join": of_end}  # source of what is not in the files of a tier


def step_page(side: SideBySide, about: str = "") -> Page:
    """Return the page of one training step.

    Parameters
    ----------
    side : SideBySide
    about : str
        HTML below the title.
    """
    content = Content(side)
    data = content.data()
    head = f"{about}{content.verdict()}{HELP}{LEGEND}"
    steps = "<nav id='steps' aria-label='steps'></nav><div id='step'></div><div id='print'></div>"
    body = f"{head}<div id='player'></div>{steps}"
    return Page("One training step, number by number", body, FILES, data, height=900)


class Content:
    """The content of a page: parts, arrays and source texts, numbered."""

    def __init__(self, side: SideBySide) -> None:
        self.recordings, self.reference = side.recordings, side.reference
        self.differences, self.first = side.differences, side.first
        self.keys: dict[str, int] = {}  # numbers of the arrays
        self.sources: dict[SourceText, int] = {}
        for part in self.reference.parts:
            for key in (*part.inputs.values(), *part.outputs.values()):
                self.keys.setdefault(key, len(self.keys))
        self.known = [self._keys_of(recording) for recording in self.recordings]
        self.maker = {key: part for part in reversed(self.reference.parts) for key in part.outputs.values()}
        self.subject: dict[str, str] = {}  # of a gradient: the array that it is the gradient of
        for part in self.reference.parts:
            if part.op != "update" and part.part != "value":
                self.subject |= {key: part.inputs[name[1:]] for name, key in part.outputs.items()}

    def _keys_of(self, recording: Recording) -> set[str]:
        """Return the keys of the arrays that a tier has computed by the same ops as the reference."""
        keys: set[str] = set()
        for part, right in zip(recording.parts, self.reference.parts, strict=False):
            if part.place != right.place:
                break
            keys |= {*part.inputs.values(), *part.outputs.values()}
        return keys

    def data(self) -> dict[str, Any]:
        """Return all that the page's script reads."""
        steps = [self._step(i, part) for i, part in enumerate(self.reference.parts)]
        others = iter(OTHER_TIER_COLORS * len(self.recordings))
        return {
            "tiers": [{"name": r.tier, "color": TIER_COLORS.get(r.tier) or next(others)} for r in self.recordings],
            "reference": self.recordings.index(self.reference),
            "first": self.first,
            "steps": steps,
            "arrays": [
                self._array(key) | {"used": [i for i, step in enumerate(steps) if k in step["in"].values()]}
                for key, k in self.keys.items()
            ],
            "sources": [[source.file, source.first, source.lines] for source in self.sources],
        }

    def _step(self, i: int, part: Part) -> dict[str, Any]:
        formulas, sizes = self._formulas(part)
        trees = [[tree_of(formula.left), tree_of(formula.right)] for formula in formulas]
        used = {name for _, right in trees for name in names_in(right)}
        inputs = {name: key for name, key in part.inputs.items() if not formulas or name in used}
        return {
            "phase": phase_of(part),
            "title": title_of(part),
            "text": sentence_of(part),
            "in": {name: self.keys[key] for name, key in inputs.items()},
            "out": {name: self.keys[key] for name, key in part.outputs.items()},
            "sizes": {**DEFAULTS, **{k: v for k, v in part.settings.items() if isinstance(v, int | float)}, **sizes},
            "formulas": trees,
            "tiers": [self._at_tier(i, tier) for tier in range(len(self.recordings))],
            "code": [self._code(*pair, []) for pair in OUTSIDE[part.op](part)] if part.op in OUTSIDE else [],
        }

    def _formulas(self, part: Part) -> tuple[list[Equation], dict[str, int]]:
        """Return the formulas of a part, and the sizes that they use."""
        if part.op == "update":
            return update_formulas(part.function), {}
        first = next(iter(part.inputs.values()))  # the op's first argument
        n_axes = len(shape_of(self.reference.arrays[first]))
        shapes, formulas = formulas_of(part.op, part.outputs, n_axes, "weight" in part.inputs)
        sizes: dict[str, int] = {}
        for name, letters in shapes.items():
            if name in part.inputs or name in part.outputs:
                shape = shape_of(self.reference.arrays[part.inputs.get(name) or part.outputs[name]])
                sizes |= dict(zip(letters.split(), shape, strict=True))
        return formulas, sizes

    def _at_tier(self, i: int, tier: int) -> dict[str, Any]:
        """Return what is shown of part i in the column of a tier."""
        difference, recording = self.differences[tier][i], self.recordings[tier]
        shown: dict[str, Any] = {"differs": difference.differs, "difference": self._words(difference, tier)}
        if i >= len(recording.parts) or recording.parts[i].op in ("mean", "fork", "join"):  # no code of the tier
            return shown
        part = recording.parts[i]
        if part.op == "update":  # shown once, unless a bug is planted there
            right = [r.parts[i] for r in self.recordings if r.tier in TIERS and i < len(r.parts)]
            originals = [source for other in right if other.op == "update" for source, _ in of_update(other)]
            changed = [(*pair, new) for pair in of_update(part) if (new := changed_lines(pair[0], originals))]
            return shown | ({"code": self._code(*changed[0])} if changed else {})
        source = source_of(part.function)
        new = [] if recording.tier in TIERS else changed_lines(source, originals_of(part.op))
        return shown | {"calls": part.calls, "code": self._code(source, lines_at_work(part, source), new)}

    def _code(self, source: SourceText, lines: list[int], new: list[int]) -> dict[str, Any]:
        """Return the number of a source text, the lines at work, and those that are not in the original."""
        return {"source": self.sources.setdefault(source, len(self.sources)), "lines": lines, "new": new}

    def _words(self, difference: Difference, tier: int) -> str:
        """Return how far a tier is from the reference, in words."""
        if self.recordings[tier] is self.reference:
            return "the others are compared with these numbers" if len(self.recordings) > 1 else ""
        if difference.largest is None:
            return difference.text
        if difference.largest == 0:
            return f"equal to {self.reference.tier}"
        size = f"largest difference from {self.reference.tier} {number(difference.largest, 2)}"
        return size if difference.differs else f"{size}: rounding"

    def _array(self, key: str) -> dict[str, Any]:
        numbers = self.reference.arrays[key]
        stored = [*map(_stored, flat(numbers))]
        others: dict[int, Any] = {}  # by tier: numbers that differ, by place or all of them; None if there are none
        for tier, recording in enumerate(self.recordings):
            theirs = recording.arrays.get(key) if key in self.known[tier] else None
            if theirs is None or shape_of(theirs) != shape_of(numbers):
                others[tier] = None
                continue
            changes = {i: x for i, x in enumerate(map(_stored, flat(theirs))) if x != stored[i]}
            if changes:
                others[tier] = changes if 3 * len(changes) < len(stored) else [*map(_stored, flat(theirs))]
        made = self.maker.get(key)
        parts = self.reference.parts
        gradient = next((self.keys[g] for g, subject in self.subject.items() if subject == key), None)
        return {
            "label": self._label(key),
            "shape": shape_of(numbers),
            "numbers": stored,
            "others": others,
            "made": None if made is None else [parts.index(made), _name_of(key, made)],
            "gradient": gradient,
            "of": self.keys.get(self.subject.get(key, "")),
        }

    def _label(self, key: str) -> str:
        if key in self.subject:
            return f"dL/d({self._label(self.subject[key])})"
        return label_of(key, self.maker.get(key))

    def verdict(self) -> str:
        """Return the HTML that says how well the tiers agree."""
        names = escape(", ".join(r.tier for r in self.recordings))
        if len(self.recordings) == 1:
            return f"<p>Tier: {names}.</p>"
        if self.first is None:
            sizes = [d.largest or 0.0 for row in self.differences for d in row]
            most = max((size for size in sizes if not math.isnan(size)), default=0.0)
            return f"<p>{names}: the same numbers at every step. Largest difference: {number(most, 2)}.</p>"
        i, tier = self.first
        title, name = title_of(self.reference.parts[i]), escape(self.recordings[tier].tier)
        words = escape(self._words(self.differences[tier][i], tier))
        place = self._line(i, tier)
        link = f"<a href='#{i + 1}'>step {i + 1}, {escape(title)}</a>"
        return f"<p class='warning' role='note'><b>First difference:</b> {link}: {name}: {words}.{place}</p>"

    def _line(self, i: int, tier: int) -> str:
        """Return the sentence that names the line at which a tier goes wrong."""
        shown = self._at_tier(i, tier).get("code")
        if self.differences[tier][i].before:
            return " The mistake is not in this op, but in code around it: the op gets other numbers, or is left out."
        if shown is None:
            return ""
        source = [*self.sources][shown["source"]]
        missing = [] if shown["new"] else missing_lines(source, originals_of(self.reference.parts[i].op))
        if missing:
            what = "This line" if len(missing) == 1 else "These lines"
            place = f"{escape(source.file)}, in the function at line {source.first}"
            return f" {what} of the right tier cannot be found in {place}:{_quoted(missing)}"
        lines = [line for line in shown["new"] if line in shown["lines"]] or shown["new"] or shown["lines"]
        if not lines:
            return ""
        places = ", ".join(str(source.first + k) for k in lines)
        what = "It differs from the right tier in" if shown["new"] else "At work is"
        return f" {what} {escape(source.file)}, line {places}:{_quoted(source.lines[k].strip() for k in lines)}"


def _quoted(lines: Iterable[str]) -> str:
    return "".join(f"<br><code>{escape(line)}</code>" for line in lines)


def _name_of(key: str, part: Part) -> str:
    """Return the name that a part gives to the array that it returns."""
    return next(name for name, other in part.outputs.items() if other == key)


def _stored(x: float) -> float | int | str:
    """Return a number as it is written to the file: rounded, as an int if it is whole, as text if it is not finite."""
    if not math.isfinite(x):
        return "NaN" if math.isnan(x) else "Infinity" if x > 0 else "-Infinity"
    stored = (float(f"{x:.{digits}g}") for digits in STORED)
    rounded = next(number for number in stored if f"{number:.{SHOWN}g}" == f"{x:.{SHOWN}g}")
    return int(rounded) if rounded.is_integer() and abs(rounded) < 1e9 else rounded
