"""Summary of a net: shapes, parameters, and the memory that training and prediction need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from . import html
from .arguments import whole_number
from .formats import cut_lines
from .layers import Layer
from .layers.base import Shape

HEAD = ("", "layer", "output", "parameters")


@dataclass(frozen=True)
class Summary:
    """Shapes, parameters and memory of a net; `str` makes a table of it, and a notebook shows one.

    Attributes
    ----------
    layers : tuple of Layer
    shapes : tuple of tuple of int
        Shape of one sample, then its shape after each layer.
    n_parameters : tuple of int
        Number of parameters of each layer.
    frozen : frozenset of int
        Indices of the layers that do not learn.
    batch_size : int
        Samples per mini-batch; the memory depends on it.
    optimizer_numbers : int
        How many numbers the optimizer stores for each parameter.
    dtype : {"float64", "float32"}
    """

    layers: tuple[Layer, ...]
    shapes: tuple[Shape, ...]
    n_parameters: tuple[int, ...]
    frozen: frozenset[int]
    batch_size: int
    optimizer_numbers: int
    dtype: str

    @property
    def bytes_each(self) -> int:
        """Bytes per number."""
        return np.dtype(self.dtype).itemsize

    @property
    def parameter_bytes(self) -> int:
        """Bytes of the parameters."""
        return self.bytes_each * sum(self.n_parameters)

    @property
    def training_bytes(self) -> int:
        """Lower bound for a training step that stores all gradients, in bytes.

        It counts parameters, gradients, the optimizer's memory, and activations: the mini-batch, each layer's output,
        and the numbers that layers store for their vjps. Plain gradient descent may take less: BLAS adds the gradient
        of a large weight straight to it.
        """
        learned = sum(n for i, n in enumerate(self.n_parameters) if i not in self.frozen)
        computed = sum(map(math.prod, self.shapes))
        kept = sum(layer.kept(shape) for layer, shape in zip(self.layers, self.shapes, strict=False))
        numbers = sum(self.n_parameters) + (1 + self.optimizer_numbers) * learned + self.batch_size * (computed + kept)
        return self.bytes_each * numbers

    @property
    def prediction_bytes(self) -> int:
        """Lower bound for a prediction, in bytes: parameters, the mini-batch, one layer's input and output."""
        sizes = [*map(math.prod, self.shapes)]
        held = [
            (sizes[i] if i else 0) + layer.kept(self.shapes[i]) + sizes[i + 1] for i, layer in enumerate(self.layers)
        ]
        return self.bytes_each * (sum(self.n_parameters) + self.batch_size * (sizes[0] + max(held)))

    def __str__(self) -> str:
        rows = [HEAD, *self._rows()]
        widths = [max(len(row[k]) for row in rows) for k in range(4)]
        lines = [
            f"{number:>{widths[0]}}  {layer:{widths[1]}}  {shape:{widths[2]}}  {n:>{widths[3]}}".rstrip()
            for number, layer, shape, n in rows
        ]
        return "\n".join([*lines, *self._totals()])

    def __repr__(self) -> str:
        return cut_lines(str(self))

    def _repr_html_(self) -> str:
        rows = [(f"{number} {layer}".strip(), *rest) for number, layer, *rest in self._rows()]
        return html.table(HEAD[1:], rows, "Summary", self._totals())

    def _rows(self) -> list[tuple[str, str, str, str]]:
        rows = [("", "input", str(self.shapes[0]), "")]
        for i, (layer, shape, n) in enumerate(zip(self.layers, self.shapes[1:], self.n_parameters, strict=True)):
            rows.append((str(i), repr(layer), str(shape), f"{n:,}{' (frozen)' if i in self.frozen and n else ''}"))
        return rows

    def _totals(self) -> list[str]:
        return [
            f"{sum(self.n_parameters):,} parameters, {size_of(self.parameter_bytes)} in {self.dtype}",
            f"a training step on {self.batch_size:,} samples needs at least {size_of(self.training_bytes)} if it "
            f"stores all gradients, predicting them {size_of(self.prediction_bytes)}",
        ]


def summary_of(
    layers: Sequence[Layer],
    shapes: Sequence[Shape | None],
    frozen: frozenset[int],
    batch_size: int,
    optimizer_numbers: int,
    dtype: str,
) -> Summary:
    """Return the summary of a chain of layers.

    Raises
    ------
    ValueError
        If a shape is unknown, or a number is out of its range.
    """
    known = tuple(shape for shape in shapes if shape is not None)
    whole_number("summary: batch_size", batch_size)
    whole_number("summary: optimizer_numbers", optimizer_numbers, 0)
    if len(known) < len(shapes):
        raise ValueError("summary: the shape of a sample is not known: give it, as in summary((1, 28, 28))")
    n_parameters = tuple(sum(map(math.prod, layer.parameter_shapes().values())) for layer in layers)
    return Summary(tuple(layers), known, n_parameters, frozen, batch_size, optimizer_numbers, dtype)


def size_of(n_bytes: float) -> str:
    """Return a number of bytes with a suitable unit, such as "1.25 MB"."""
    for unit, size in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if n_bytes >= size:
            return f"{n_bytes / size:.3g} {unit}"
    return f"{n_bytes:.0f} B"
