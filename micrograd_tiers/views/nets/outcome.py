"""The right end of the drawing: probabilities and target beside the outputs, and the loss."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...html import number
from .cells import Cell
from .marks import box, headed, heading_width, paint, text, width_of
from .places import Circles
from .snapshot import Numbers, Snapshot, Stage

BAR = 40.0  # width of a bar of probability 1
LOSS = 14  # size of the loss as text


class Beside:
    """A line for each circle of the last layer: a text, a bar whose length is a share, and another text.

    It has the attributes of a `Cell` that the layout reads.
    """

    needs_source = True

    def __init__(
        self, name: str, places: Circles, lefts: Sequence[str], shares: Numbers, rights: Sequence[str]
    ) -> None:
        self.headings, self.places, self.lefts, self.shares, self.rights = [[name]], places, lefts, shares, rights
        self.text_size = min(10.0, 0.75 * places.pitch)
        self.left_width, self.right_width = (
            max(width_of(each, self.text_size) for each in texts) + 6 for texts in (lefts, rights)
        )
        self.bar = BAR if shares else 0.0
        self.width = max(heading_width([name]), self.left_width + self.bar + self.right_width)
        self.height = places.height

    def draw(self, x: float, top: float, middle: float, backward: bool) -> str:
        """Return texts and bars."""
        parts = [headed(x, top, self.headings[0])]
        for k, y in enumerate(self.places.centers):
            base, start = middle + y + 0.35 * self.text_size, x + self.left_width
            parts.append(text(x, base, self.lefts[k], size=self.text_size))
            parts.append(text(start + self.bar + 6, base, self.rights[k], size=self.text_size, bold=True))
            if self.shares:
                height = min(10.0, 0.6 * self.places.pitch)
                upper, length = middle + y - height / 2, 0.0 if math.isnan(self.shares[k]) else BAR * self.shares[k]
                edges = f'x="{start:.1f}" y="{upper:.1f}" width="{length:.1f}" height="{height:.1f}"'
                parts.append(f"<rect {edges} {paint('fill', 1.0, 1.0)}/>{box(start, upper, BAR, height)}")
        return "".join(parts)


class LossBox:
    """The loss in a box; it has the attributes of a `Cell` that the layout reads."""

    needs_source = False

    def __init__(self, lines: list[str], loss: float) -> None:
        self.headings, self.content = [lines], f"L = {number(loss)}"
        self.box_width, self.height = width_of(self.content, LOSS) + 16, 34.0
        self.width = max(heading_width(lines), self.box_width)

    def draw(self, x: float, top: float, middle: float, backward: bool) -> str:
        """Return the heading and the box."""
        content = text(x + self.box_width / 2, middle + 5, self.content, size=LOSS, anchor="middle", bold=True)
        frame = box(x, middle - self.height / 2, self.box_width, self.height)
        return headed(x, top, self.headings[0]) + frame + content


def outcome_of(snapshot: Snapshot, last: Cell) -> list[Cell | Beside | LossBox]:
    """Return the cells to the right of the last layer: probabilities, target and loss, if they are known."""
    cells: list[Cell | Beside | LossBox] = []
    shares, target, label = snapshot.probabilities or (), snapshot.target or (), snapshot.label
    if isinstance(last.places, Circles) and (shares or target or label is not None):
        classes = range(last.places.n)
        lefts = [f"{f'{k}: ' * snapshot.has_classes}{number(shares[k])}" if shares else "" for k in classes]
        rights = [f"target {number(target[k])}" if target else "true class" * (k == label) for k in classes]
        name = f"probability{' of yes' * (not snapshot.has_classes)}" if shares else "target"
        cells.append(Beside(name, last.places, lefts, shares, rights))
    elif not isinstance(last.places, Circles):
        for name, numbers in (("probability", shares), ("target", target)):
            if numbers:
                is_output = len(numbers) == len(last.stage.output or ())  # else a token at each position
                shape = last.stage.shape if is_output else (len(numbers),)
                cells.append(Cell(Stage(name, shape, numbers, what=name)))
    if snapshot.loss is not None:
        truth = [] if label is None else [f"true class {label}"]
        cells.append(LossBox(["loss", snapshot.loss_name, *truth], snapshot.loss))
    return cells
