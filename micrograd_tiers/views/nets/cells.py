"""Cells of the drawing: a layer's connections with the layer before it, its output, and a heading."""

from __future__ import annotations

import operator

from ...html import number
from ...tiers.lists import shape_of
from .connections import connection_of
from .marks import LINE, headed, heading_width, largest_of, text
from .places import Circles, places_of
from .snapshot import Nested, Stage, numbers_in
from .words import Facts, facts, listed, parameter_facts, per_unit, shape_text

PADDING = 16.0  # between two cells


class Cell:
    """A stage of the net in the drawing.

    Attributes
    ----------
    width, height : float
        Of connections and output together, without the heading.
    gap : float
        Width of the connections.
    headings : list of list of str
        The lines above the cell in the forward and in the backward pass.
    """

    def __init__(self, stage: Stage, before: Cell | None = None) -> None:
        self.stage, self.places = stage, places_of(stage)
        self.connection = connection_of(before.places, stage, self.places) if before else None
        self.headings = [self._heading(backward) for backward in (False, True)]
        gap = self.connection.width if self.connection else 0.0
        self.width = max(gap + self.places.width, *map(heading_width, self.headings))
        self.gap = self.width - self.places.width
        self.height = max(self.places.height, self.connection.height if self.connection else 0.0)
        self.needs_source = self.connection is not None and self.connection.needs_source

    def _heading(self, backward: bool) -> list[str]:
        """Return the lines above the cell: name, shape, scales of the colors, notes."""
        output, parameters = self.stage.numbers(backward)
        lines = [self.stage.name, shape_text(self.stage)]
        if output is not None:
            lines.append(f"{self.stage.what} ±{number(largest_of(output))}")
        if "weight" in parameters:
            lines.append(f"weight ±{number(largest_of(numbers_in(parameters['weight'])))}")
        if self.stage.frozen and self.stage.parameters:
            lines.append("frozen")
        if self.places.n_shown < self.places.n:
            lines.append(f"first {self.places.n_shown} maps")
        return lines + ([self.connection.note] if self.connection and self.connection.note else [])

    def draw(self, x: float, top: float, middle: float, backward: bool) -> str:
        """Return the elements; `top` is the y of the heading's upper edge, `middle` that of the output's center."""
        output, parameters = self.stage.numbers(backward)
        parts = [headed(x, top, self.headings[backward])]
        if self.connection:
            parts.append(self.connection.draw(x - PADDING, x + self.gap, middle, backward))
        left = x + self.gap
        abouts = [listed(whose, facts) for whose, facts in self.facts().items()]
        parts.append(self.places.draw(left, middle, output, largest_of(output or ()), abouts))
        if isinstance(self.places, Circles) and self.places.large:
            ys, center, below = self.places.centers, left + self.places.radius, middle + self.places.radius + LINE - 2
            biases: Nested = parameters.get("bias")
            if shape_of(biases) == (self.places.n,):
                labels = [f"b {number(bias)}" for bias in biases]
                parts += [text(center, below + y, label, anchor="middle") for y, label in zip(ys, labels, strict=True)]
        return "".join(parts)

    def facts(self) -> Facts:
        """Return the numbers of each circle or picture as text."""
        found: Facts = {}
        size, names = self.places.size, per_unit(self.stage, self.places.n)
        for k in range(self.places.n_shown):
            kind = "map" if size > 1 else "input" if self.stage.what == "input" else "unit"
            whose = f"{kind} {k}" if self.places.n > 1 or size == 1 else "all"
            found[whose] = facts(self.stage, k * size, (k + 1) * size)
            found[whose] |= parameter_facts(self.stage, operator.itemgetter(k), names)
        return found
