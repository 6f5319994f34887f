"""Lines between circles: the weights of a dense layer, or one line from each unit to its activation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import partial

from ...html import number
from .marks import largest_of, paint, text, title, width_of
from .places import Circles
from .snapshot import Nested, Stage, numbers_in
from .words import Facts, listed, parameter_facts

MOST_WITH_TITLES = 200  # lines; more are drawn in groups of equal color and width, without titles
LEVELS = 8  # of color and width in these groups
MOST_LABELED = 4  # inputs whose weights are written on the lines

Box = tuple[float, float, float, float]  # left, right, upper and lower edge


class Lines:
    """Lines from circles to circles: all to all for a dense layer, otherwise one to one.

    Few weights are written on their lines, those of each input in a column of their own. So no two of them overlap.
    """

    height, needs_source, note = 0.0, True, ""

    def __init__(self, stage: Stage, before: Circles, after: Circles, *, dense: bool) -> None:
        self.stage, self.before, self.after = stage, before, after
        inputs = [range(before.n) if dense else [j] for j in range(after.n)]
        self.pairs = [(i, j) for j in range(after.n) for i in inputs[j]]
        self.titled = dense and len(self.pairs) <= MOST_WITH_TITLES
        self.labeled = dense and before.n <= MOST_LABELED and after.large
        self.width = 90.0 if dense else 28.0
        if self.labeled:
            numbers = numbers_in([*stage.parameters["weight"], *stage.gradients.get("weight", [])])
            self.width = (max(width_of(number(x)) for x in numbers) + 10) * (before.n + 0.6)

    def facts(self) -> Facts:
        """Return each weight and its gradient as text, unless there are too many."""
        pairs = self.pairs if self.titled else []
        return {edge(i, j): parameter_facts(self.stage, partial(weight_of, i=i, j=j), ["weight"]) for i, j in pairs}

    def draw(self, x0: float, x1: float, middle: float, backward: bool) -> str:
        """Return the lines, the strongest last, so that no other covers them."""
        weight, facts = self.stage.numbers(backward)[1].get("weight"), self.facts()
        values = {pair: None if weight is None else weight_of(weight, *pair) for pair in self.pairs}
        ends = {(i, j): (middle + self.before.centers[i], middle + self.after.centers[j]) for i, j in self.pairs}
        labels, boxes = [], []
        for (i, j), value in values.items():
            if self.labeled and value is not None:
                share, (y0, y1) = (i + 0.8) / (self.before.n + 0.6), ends[i, j]
                x, y, half = x0 + share * (x1 - x0), y0 + share * (y1 - y0), width_of(number(value)) / 2
                labels.append(text(x, y + 3.5, number(value), anchor="middle"))
                boxes.append((x - half, x + half, y - 6, y + 6))
        largest, paths = largest_of(values.values()), dict[tuple[str, str], str]()
        for pair, value in sorted(values.items(), key=lambda item: abs(item[1] or 0.0)):
            look = stroke(value, largest, len(values)), listed(edge(*pair), facts.get(edge(*pair), {}))
            paths[look] = paths.get(look, "") + interrupted(x0, x1, *ends[pair], boxes)
        lines = [f'<path d="{d}" {colors}>{title(about)}</path>' for (colors, about), d in paths.items()]
        return f'<g fill="none">{"".join(lines)}</g>{"".join(labels)}'


def edge(i: int, j: int) -> str:
    """Return the name of a weight."""
    return f"input {i} of unit {j}"


def weight_of(weight: Nested, i: int, j: int) -> float:
    """Return the weight of input i in unit j, or that of unit j if it has only one."""
    return float(weight[j][i] if isinstance(weight[j], list) else weight[j])


def interrupted(x0: float, x1: float, y0: float, y1: float, boxes: Sequence[Box]) -> str:
    """Return a path from (x0, y0) to (x1, y1) that leaves out what lies in the boxes."""
    dx, dy, gaps = x1 - x0, y1 - y0, []
    for left, right, upper, lower in boxes:
        inside = [((left - x0) / dx, (right - x0) / dx)]  # the part of the way, 0 to 1, between left and right
        if dy:
            inside.append((min((upper - y0) / dy, (lower - y0) / dy), max((upper - y0) / dy, (lower - y0) / dy)))
        start, stop = max(a for a, _ in inside), min(b for _, b in inside)
        if start < stop and (dy or upper < y0 < lower):
            gaps.append((start, stop))
    path, at = "", 0.0
    for start, stop in [*sorted(gaps), (1.0, 1.0)]:
        if start > at:
            path += f"M{x0 + at * dx:.1f} {y0 + at * dy:.1f}L{x0 + start * dx:.1f} {y0 + start * dy:.1f}"
        at = max(at, stop)
    return path


def stroke(value: float | None, largest: float, n: int) -> str:
    """Return the look of one of n lines: color and width by the number, dashed if negative; gray if 0 or unknown.

    Many lines are thinner, and have one of a few colors and widths, so that equal ones become one path.
    """
    thinner = min(1.0, (30 / n) ** 0.5)
    if not value:
        return f'stroke="currentColor" stroke-opacity="{0.3 * thinner:.2f}" stroke-width="0.6"'
    share = 1.0 if math.isnan(value) else min(1.0, abs(value) / largest) if largest else 1.0
    if many := n > MOST_WITH_TITLES:
        share = math.ceil(share * LEVELS) / LEVELS
    width = 0.5 + 4.5 * share * thinner
    # A thin line needs some color. Many lines cover each other unless most are faint.
    strength = share**2 * min(1.0, (1000 / n) ** 0.5) if many else 0.4 + 0.6 * share
    color = paint("stroke", value if math.isnan(value) else math.copysign(strength, value), 1.0)
    return f'{color} stroke-width="{width:.2f}"' + ' stroke-dasharray="5 3"' * (value < 0)
