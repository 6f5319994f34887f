"""The numbers of a drawing as text: a description for screen readers, and tables of all that a pointer shows."""

from __future__ import annotations

from collections.abc import Sequence

from ...html import escape, number, table
from .cells import Cell
from .marks import range_of
from .snapshot import Numbers, Snapshot
from .words import Facts, shape_text

MOST_LISTED = 10  # numbers in a sentence; of more, the range is given


def description(snapshot: Snapshot) -> str:
    """Return the net, and its outputs for the sample, in words and numbers."""
    sentences = [snapshot.about] if snapshot.about else []
    for stage in snapshot.stages:
        parts = [f"{stage.name}: {shape_text(stage)}"]
        for name, numbers in ((stage.what, stage.output), (f"dL/d({stage.what})", stage.doutput)):
            if numbers is not None:
                parts.append(f"{name} {in_words(numbers)}")
        sentences.append(f"{', '.join(parts)}.")
    if snapshot.probabilities is not None:
        sentences.append(f"Probabilities {in_words(snapshot.probabilities)}.")
    if snapshot.label is not None:
        sentences.append(f"True class {snapshot.label}.")
    if snapshot.target is not None:
        sentences.append(f"Target {in_words(snapshot.target)}.")
    if snapshot.loss is not None:
        sentences.append(f"Loss {number(snapshot.loss)}, {snapshot.loss_name}. {snapshot.about_gradients}")
    return " ".join(sentences)


def in_words(numbers: Numbers) -> str:
    """Return a few numbers, or the range of many."""
    return ", ".join(map(number, numbers)) if len(numbers) <= MOST_LISTED else range_of(numbers)


def tables(cells: Sequence[Cell]) -> str:
    """Return one section per layer that opens to tables of the numbers of its circles, pictures and lines."""
    sections = []
    for cell in cells:
        weights = cell.connection.facts() if cell.connection else {}
        parts = [_table(f"{cell.stage.what}s", cell.facts()), _table("weights", weights)]
        if any(parts):
            name = escape(cell.stage.name)
            box = f'<div style="overflow-x:auto" tabindex="0" role="group" aria-label="numbers of {name}">'
            summary = f'<details style="margin:0.3em 0"><summary>Numbers of {name}</summary>'
            sections.append(f"{summary}{box}{''.join(parts)}</div></details>")
    return "".join(sections)


def _table(head: str, facts: Facts) -> str:
    """Return a table with a row for each mark and a column for each kind of number; "" if there are no numbers."""
    names = [*dict.fromkeys(name for named in facts.values() for name in named)]
    rows = [[whose, *(named.get(name, "") for name in names)] for whose, named in facts.items()]
    return table([head, *names], rows) if names else ""
