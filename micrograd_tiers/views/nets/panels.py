"""The layout of a drawing: a panel of outputs and weights, one of their gradients, and a legend."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from ..drawing import Drawing
from .cells import PADDING, Cell
from .connections import Weights
from .marks import CHARACTER, LINE, SMALL, picture, text
from .outcome import Beside, LossBox, outcome_of
from .snapshot import Snapshot
from .tables import description, tables

ROW = 1200.0  # width at which a row of layers ends if the next layer is drawn without lines to the one before it
LEAST = 380.0  # width of the legend
COLORS = (
    "Red is negative, blue is positive. The strongest color and the widest line stand for the number after ± above. "
    "Lines and circles of negative numbers are dashed; thin gray lines have no number, or 0. b is a bias."
)
PICTURES = " Pictures beside units and maps show their weights, a pixel for each."

Row = Sequence[Cell | Beside | LossBox]


def drawing_of(snapshot: Snapshot) -> Drawing:
    """Return the drawing of a snapshot."""
    cells: list[Cell] = []
    for stage in snapshot.stages:
        cells.append(Cell(stage, cells[-1] if cells else None))
    outcome = outcome_of(snapshot, cells[-1])
    name = "Forward pass: outputs and weights" if snapshot.stages[0].output else "Weights"
    parts, width, y = panel([*cells, *outcome], name, snapshot.about, 0, backward=False)
    if snapshot.about_gradients:
        about = f"In place of each number its gradient, dL/d(number). {snapshot.about_gradients}"
        more_parts, more_width, y = panel(cells, "Backward pass: gradients", about, y, backward=True)
        parts, width = parts + more_parts, max(width, more_width)
    bar = picture(0.5, y + 4, 121, 10, [[k / 10 for k in range(-10, 11)]], 1, "")
    has_pictures = any(isinstance(cell.connection, Weights) for cell in cells)
    words, y = paragraph(COLORS + PICTURES * has_pictures, y + 26, width)
    layers = [stage.name.partition(" ")[2] for stage in snapshot.stages[1:]]
    names = ", ".join(layers) if len(layers) <= 5 else f"{len(layers)} layers from {layers[0]} to {layers[-1]}"
    below = tables([*cells, *(cell for cell in outcome if isinstance(cell, Cell))])
    return Drawing(f"Net: {names}", width, y, parts + bar + words, below, description(snapshot))


def panel(cells: Row, name: str, about: str, y: float, *, backward: bool) -> tuple[str, float, float]:
    """Return the elements of a panel below y, its width, and the y of its lower edge."""
    rows: list[list[Cell | Beside | LossBox]] = [[]]
    for cell in cells:
        if sum(c.width + PADDING for c in [*rows[-1], cell]) > ROW and not cell.needs_source:
            rows.append([])
        rows[-1].append(cell)
    lefts = [2.0, *[PADDING] * (len(rows) - 1)]  # room for the arrow with which a row below the first begins
    width = max(LEAST, *(left + sum(c.width + PADDING for c in row) for left, row in zip(lefts, rows, strict=True)))
    parts = [text(0, y + 14, name, size=14, bold=True)]
    words, y = paragraph(about, y + 32, width)
    parts.append(words)
    for x, row in zip(lefts, rows, strict=True):
        top = y + 6
        body = top + max(len(cell.headings[backward]) for cell in row) * LINE + 8
        height = max(cell.height for cell in row)
        for cell in row:
            parts.append(cell.draw(x, top, body + height / 2, backward))
            x += cell.width + PADDING
        y = body + height + 18
    return "".join(parts), width, y


def paragraph(words: str, y: float, width: float) -> tuple[str, float]:
    """Return words wrapped to a width, first baseline at y, and the y below them."""
    lines = textwrap.wrap(words, int(min(width, 700.0) / (CHARACTER * SMALL)))
    return "".join(text(0, y + k * LINE, line) for k, line in enumerate(lines)), y + len(lines) * LINE
