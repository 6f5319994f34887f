"""Connections of a layer with the one before it: lines, pictures of weights, or an arrow.

A connection has a width, and draws itself from x0 to x1. It shows weights, or their gradients.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import partial

from ...tiers.lists import shape_of
from .lines import Lines
from .marks import Row, arrow, faint, largest_of, picture
from .places import GAP, Circles, Pictures, Places
from .snapshot import Nested, Numbers, Stage, numbers_in
from .words import Facts, listed, parameter_facts

MOST_UNITS = 24  # units or maps whose weights are drawn in a block
MOST_KERNELS = 16  # input maps whose kernels are drawn
WIDEST, HIGHEST = 120.0, 400.0  # of a picture of weights, and of a block of them


class Arrow:
    """An arrow, for a layer without weights."""

    width, height, needs_source, note = 34.0, 0.0, False, ""

    def facts(self) -> Facts:
        """Return nothing: there are no weights."""
        return {}

    def draw(self, x0: float, x1: float, middle: float, backward: bool) -> str:
        """Return the arrow."""
        return arrow(x0 + 6, x1 - 6, middle)


class Weights:
    """Pictures of weights, side by side with the units to which they belong, or in a block.

    Parameters
    ----------
    stage : Stage
    shape : tuple of int
        Rows and columns of one picture.
    n : int
        Number of pictures.
    numbers : callable
        Takes k and the weight, nested lists; returns the numbers of picture k, flattened.
    rows : callable
        Takes the numbers of a picture, returns its rows.
    whose : str
        "unit", "input", "map" or "head", for the title of a picture.
    centers : sequence of float, optional
        The y of each unit.
    """

    def __init__(
        self,
        stage: Stage,
        shape: tuple[int, int],
        n: int,
        numbers: Callable[[int, Nested], Numbers],
        rows: Callable[[Numbers], list[Row]],
        whose: str,
        centers: Sequence[float] | None = None,
        note: str = "",
    ) -> None:
        self.stage, self.n, self.numbers, self.rows, self.whose, self.note = stage, n, numbers, rows, whose, note
        self.needs_source = whose == "input"
        self.beside = centers is not None
        pitch = 76.0 if centers is None or n == 1 else centers[1] - centers[0]
        columns = 1 if pitch >= 44 else 2  # like bricks: then pictures may be twice as high as the units are apart
        height = 40.0 if centers is None else min(72.0, columns * pitch - 4 * columns)
        pixel = min(9.0, height / shape[0], WIDEST / shape[1])
        self.tile_height, self.tile_width = (max(3.0, pixel * length) for length in shape)
        if centers is None:
            pitch = self.tile_height + GAP
            columns = math.ceil(n * pitch / HIGHEST)
            in_a_column = math.ceil(n / columns)
            self.places = [(k // in_a_column, (k % in_a_column - (in_a_column - 1) / 2) * pitch) for k in range(n)]
        else:
            self.places = [(k % columns, y) for k, y in enumerate(centers)]
        self.block_width = columns * (self.tile_width + GAP)
        self.width = 30 + self.block_width
        self.height = 2 * max(abs(y) for _, y in self.places) + self.tile_height

    def facts(self) -> Facts:
        """Return the range of the weights in each picture, and of their gradients, as text."""
        return {
            f"{self.whose} {k}": parameter_facts(self.stage, partial(self.numbers, k), ["weight"])
            for k in range(self.n)
        }

    def draw(self, x0: float, x1: float, middle: float, backward: bool) -> str:
        """Return the pictures and what joins them with the layers: a line for each unit, an arrow for all."""
        weight = self.stage.numbers(backward)[1].get("weight")
        largest = largest_of(numbers_in(weight or []))
        left = x0 + 6 if self.needs_source else x1 - self.block_width
        parts, facts = [], self.facts()
        for k, (column, y) in enumerate(self.places):
            whose = f"{self.whose} {k}"
            x, y = left + column * (self.tile_width + GAP), middle + y
            if self.beside:
                ends = (x0, x) if self.needs_source else (x + self.tile_width, x1)
                parts.append(faint(f"M{ends[0]:.1f} {y:.1f}H{ends[1]:.1f}"))
            rows = self.rows(self.numbers(k, weight)) if weight else []
            about = listed(f"weights of {whose}", facts[whose])
            parts.append(picture(x, y - self.tile_height / 2, self.tile_width, self.tile_height, rows, largest, about))
        ends = (left + self.block_width, x1 - 4) if self.needs_source else (x0 + 4, left - 4)
        return "".join([arrow(*ends, middle), *parts])


Connection = Arrow | Lines | Weights


def connection_of(before: Places, stage: Stage, after: Places) -> Connection:
    """Return the connection of a layer with the one before it, by the shape of its weight."""
    shape = shape_of(stage.parameters.get("weight"))
    if len(shape) == 4:
        return _kernels(stage, shape, after)
    if len(shape) == 3:
        return _triangles(stage, shape)
    if len(shape) == 2:
        return _dense(stage, shape, before, after)
    if (
        isinstance(before, Circles)
        and isinstance(after, Circles)
        and before.n == after.n
        and (shape == (after.n,) or "weight" not in stage.parameters)
    ):
        return Lines(stage, before, after, dense=False)
    return Arrow()


def _dense(stage: Stage, shape: tuple[int, ...], before: Places, after: Places) -> Connection:
    """Return lines between circles, pictures of weights beside circles if one end has them, or a block of pictures."""
    if isinstance(before, Circles) and shape == (after.size * after.n, before.n):
        if isinstance(after, Circles):
            return Lines(stage, before, after, dense=True)
        if isinstance(after, Pictures):
            return Weights(stage, (after.rows, after.cols), before.n, _column, after.rows_of, "input", before.centers)
    n, n_inputs = shape
    source = before if isinstance(before, Pictures) and before.size == n_inputs else Pictures((n_inputs,))
    picture_shape = (source.rows, source.cols)
    if isinstance(after, Circles) and after.n == n:
        return Weights(stage, picture_shape, n, _row, source.rows_of, "unit", after.centers)
    n = min(n, MOST_UNITS)
    note = f"weights of {n} units" if n < shape[0] else ""
    return Weights(stage, picture_shape, n, _row, source.rows_of, "unit", note=note)


def _row(k: int, weight: Nested) -> Numbers:
    """Return the weights of unit k."""
    return [*weight[k]]


def _column(k: int, weight: Nested) -> Numbers:
    """Return the weights of input k, one for each unit."""
    return [row[k] for row in weight]


def _triangles(stage: Stage, shape: tuple[int, ...]) -> Weights:
    """Return a picture of the weights of each head of an attention: row t has those of position t."""
    heads, T, _ = shape

    def numbers(k: int, weight: Nested) -> Numbers:
        return numbers_in(weight[k])

    def rows(weights: Numbers) -> list[Row]:
        return [weights[start : start + T] for start in range(0, len(weights), T)]

    return Weights(stage, (T, T), heads, numbers, rows, "head", note="weights of each head")


def _kernels(stage: Stage, shape: tuple[int, ...], after: Places) -> Weights:
    """Return pictures of the kernels of each output map, side by side."""
    n_maps, n_inputs, height, width = shape
    n, C = min(n_maps, MOST_UNITS), min(n_inputs, MOST_KERNELS)

    def numbers(k: int, weight: Nested) -> Numbers:
        return numbers_in(weight[k][:C])

    def rows(kernels: Numbers) -> list[Row]:
        strip: list[list[float | None]] = [[] for _ in range(height)]
        for start in range(0, len(kernels), width):
            row = strip[start // width % height]
            row += [*[None] * bool(row), *kernels[start : start + width]]  # a gap between two kernels
        return [*strip]

    note = f"kernels of {n} maps" if n < n_maps else f"{C} kernels of each map" if n_inputs > C else ""
    centers = after.centers if n == n_maps == after.n else None
    return Weights(stage, (height, C * (width + 1) - 1), n, numbers, rows, "map", centers, note)
