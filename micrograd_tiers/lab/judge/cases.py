"""Examples on which each op of the registry is tested."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import registry
from ...tiers.registry import Op
from . import drawing
from .documents.examples import EXAMPLES as OF_DOCUMENTS
from .drawing import FEW, LARGE, LARGE_LOGITS, ORDINARY, SQUARABLE
from .examples import SIZES, Example, Examples, Make, Sampler, Sizes

Array = NDArray[Any]


@dataclass(frozen=True, eq=False, kw_only=True)
class OpCase(Op):
    """Row of the registry, with the examples of its op."""

    examples: Examples

    # By identity, not by the row: a case and its `alone` are different, and results of both are kept.
    __eq__ = object.__eq__
    __hash__ = object.__hash__

    def argument_of(self, part: str) -> int:
        """Return the index of the argument that a gradient such as "dx" belongs to."""
        return self.differentiable[self.parts.index(part) - 1]

    def is_samplewise(self, part: str) -> bool:
        """Return True if a part has one entry per sample, False if it is a sum over the samples."""
        return not self.is_loss if part == "value" else self.argument_of(part) < self.n_samplewise

    @cached_property
    def alone(self) -> "OpCase":
        """The same case with examples of one sample each, for tiers that take one sample per call."""
        ordinary, extreme, plain, special = vars(self.examples).values()
        singles = [[*self.samples_of(example)] for example in (plain, *special)]
        examples = Examples(ordinary.alone, extreme.alone, singles[0][0], (*chain.from_iterable(singles[1:]),))
        return replace(self, examples=examples)

    def samples_of(self, example: Example) -> Iterator[Example]:
        """Yield the samples of an example, each as an example of its own."""
        inputs, dy = example
        for n in range(len(inputs[0])):
            single = tuple(a[n : n + 1] if k < self.n_samplewise else a for k, a in enumerate(inputs))
            yield Example(single, dy if self.is_loss else dy[n : n + 1])


def _rows(*rows: list[float]) -> Array:
    return np.array(rows)


INF, NAN = math.inf, math.nan
PLAIN = _rows([1.0, -2.0, 0.5], [3.0, 0.1, -1.0])
PLAIN_IMAGES = np.sin(np.arange(1.0, 37.0)).reshape(2, 2, 3, 3)
NOT_FINITE = _rows([1.0, 2.0], [NAN, 2.0], [INF, -INF], [3.0, -1.0])
LOGITS = (
    Example((_rows([0.0, -INF], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),  # -inf: probability 0
    Example((_rows([NAN, 2.0], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),
    Example((_rows([-INF, -INF], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),
)


def _of_targets(first: list[float], target: list[float]) -> Example:
    return Example((_rows(first, [1.0, 2.0]), _rows(target, [1.0, 0.0])), 2.0)


def _of_loss(logits: list[float], target: int) -> Example:
    return Example((_rows(logits, [1.0, 2.0]), np.array([target, 0])), 2.0)


# Odd and large sizes (N, I, O). The large ones are above 200 samples or 2**15 numbers.
DENSE = ((13, 17, 11), (31, 33, 9), (300, 120, 5), (2, 300, 120), (1, 33_000, 2))
ROWS = ((13, 17, 1), (31, 33, 1), (300, 120, 1))
MAPS = ((13, 17, 3), (300, 120, 1), (1, 170, 100))

ONE_NAN = np.arange(36.0).reshape(2, 2, 3, 3) / 10
ONE_NAN[1, 0, 1, 1] = NAN


def _of_rows(
    make: Make, numbers: list[float], extreme: Make | None = None, largest: int = 33_000
) -> tuple[Sampler, Sampler]:
    """Return an ordinary and an extreme sampler of samples (I,), where I is at most `largest`."""
    unusual = (*ROWS, (1, largest, 1))
    return Sampler(make, ORDINARY, [1], unusual=unusual), Sampler(extreme or make, numbers, [1], unusual=((4, 40, 1),))


def _of_classes(make: Make) -> tuple[Sampler, Sampler]:
    """Return an ordinary and an extreme sampler of logits, few enough for matrices of C x C numbers."""
    return _of_rows(make, LARGE_LOGITS, largest=1_500)


def _of_images(
    ordinary: Make,
    extreme: Make,
    numbers: list[float],
    sizes_out: list[int] = FEW,
    batch_sizes: list[int] = FEW,
    unusual: tuple[Sizes, ...] = ((7, 5, 4), (500, 3, 2), (1, 1400, 2)),
) -> tuple[Sampler, Sampler]:
    """Return an ordinary and an extreme sampler of fewer and smaller samples."""
    sizes = sizes_out, FEW, batch_sizes
    return Sampler(ordinary, ORDINARY, *sizes, unusual, (2, 2, 2)), Sampler(extreme, numbers, *sizes)


def _of_pooling(ordinary: Make) -> Examples:
    return Examples(
        *_of_images(ordinary, drawing.pooling, SQUARABLE, [1]),
        plain=Example((PLAIN_IMAGES, 2, 1), PLAIN_IMAGES[:, :, :2, :2]),
        special=(Example((ONE_NAN, 2, 1), np.ones((2, 2, 2, 2))),),
    )


def _of_activation(row: Op) -> Examples:
    settings = row.defaults
    make = drawing.with_alpha if settings else drawing.elementwise
    return Examples(
        *_of_rows(make, SQUARABLE if row.name == "squared_relu" else LARGE),
        plain=Example((PLAIN, *settings), PLAIN),
        special=(Example((NOT_FINITE, *settings), np.ones((4, 2))),),
    )


EXAMPLES = {
    **{row.name: _of_activation(row) for row in registry.OPS if row.kind == "activation"},
    "linear": Examples(
        ordinary=Sampler(drawing.linear, ORDINARY, SIZES, unusual=DENSE),
        extreme=Sampler(drawing.linear, SQUARABLE, SIZES),
        plain=Example((PLAIN, _rows([1.0, 2.0, 3.0], [0.5, -1.0, 1.0]), np.array([1.0, -2.0])), PLAIN[:, :2]),
        special=(Example((_rows([1.0, 2.0], [NAN, 2.0]), _rows([1.0, -1.0]), np.array([1.0])), _rows([1.0], [2.0])),),
    ),
    "softmax": Examples(
        *_of_classes(drawing.elementwise),
        plain=Example((PLAIN,), PLAIN),
        special=LOGITS,
    ),
    "softmax_cross_entropy": Examples(
        *_of_classes(drawing.classification),
        plain=Example((PLAIN, np.array([2, 0])), 2.0),
        special=(
            _of_loss([0.0, -INF], 0),
            _of_loss([0.0, -INF], 1),
            _of_loss([-INF, -INF], 0),
            _of_loss([NAN, 0.0], 1),
        ),
    ),
    "mean_squared_error": Examples(
        *_of_rows(drawing.regression, SQUARABLE, drawing.regression_of_extremes),
        plain=Example((PLAIN, PLAIN[::-1]), 2.0),
    ),
    "smoothed_cross_entropy": Examples(
        *_of_classes(drawing.smoothed),
        plain=Example((PLAIN, np.array([2, 0]), 0.1), 2.0),
    ),
    "soft_cross_entropy": Examples(
        *_of_classes(drawing.distributions),
        plain=Example((PLAIN, _rows([0.5, 0.25, 0.25], [0.0, 1.0, 0.0])), 2.0),
        special=(
            _of_targets([0.0, -INF], [1.0, 0.0]),
            _of_targets([0.0, -INF], [0.5, 0.5]),
            _of_targets([-INF, -INF], [1.0, 0.0]),
            _of_targets([NAN, 0.0], [0.0, 1.0]),
        ),
    ),
    "binary_cross_entropy": Examples(
        *_of_rows(drawing.yes_or_no, LARGE),
        plain=Example((PLAIN, _rows([1.0, 0.0, 0.25], [0.0, 1.0, 0.0])), 2.0),
        special=(_of_targets([NAN, 0.0], [0.0, 1.0]),),
    ),
    "hinge": Examples(
        *_of_rows(drawing.signs_off_the_kink, LARGE, drawing.signs),
        plain=Example((2 * PLAIN, _rows([1.0, 1.0, 1.0], [-1.0, 1.0, -1.0])), 2.0),
        special=(_of_targets([NAN, 0.0], [-1.0, 1.0]),),
    ),
    "mean_absolute_error": Examples(
        *_of_rows(drawing.regression_without_ties, LARGE, drawing.regression),
        plain=Example((PLAIN, PLAIN[::-1]), 2.0),
        special=(_of_targets([NAN, 0.0], [0.0, 1.0]),),
    ),
    "dropout": Examples(
        *_of_images(drawing.masking, drawing.masking, SQUARABLE, unusual=MAPS),
        plain=Example((PLAIN, _rows([2.0, 0.0, 2.0], [0.0, 0.0, 2.0])), PLAIN),
    ),
    "conv2d": Examples(
        *_of_images(drawing.convolution, drawing.convolution, SQUARABLE),
        plain=Example(
            (PLAIN_IMAGES, PLAIN_IMAGES[:, :, 1:, 1:], np.array([1.0, -2.0]), 1, 0), PLAIN_IMAGES[:, :, :2, :2]
        ),
        special=(Example((ONE_NAN, np.ones((1, 2, 2, 2)), np.array([1.0]), 1, 0), np.ones((2, 1, 2, 2))),),
    ),
    "avg_pool2d": _of_pooling(drawing.pooling),
    "max_pool2d": _of_pooling(drawing.pooling_without_ties),
    "reshape": Examples(
        *_of_images(drawing.reshaping, drawing.reshaping, LARGE, unusual=MAPS),
        plain=Example((PLAIN_IMAGES, (3, 6)), PLAIN_IMAGES.reshape(2, 3, 6)),
        special=(Example((ONE_NAN, (3, 6)), np.ones((2, 3, 6))),),
    ),
    **OF_DOCUMENTS,
    "batch_norm": Examples(
        *_of_images(
            drawing.normalization,
            drawing.normalization_of_extremes,
            [0.0, 1.0, -1.0, 1e10, -1e10, 1e-150],
            batch_sizes=[2, 3, 7],
            unusual=MAPS[:2],
        ),
        plain=Example((PLAIN, np.array([1.0, -0.5, 2.0]), np.array([0.0, 1.0, -1.0]), 1e-5), PLAIN[:, ::-1]),
    ),
}
OP_CASES = tuple(OpCase(**vars(row), examples=EXAMPLES[row.name]) for row in registry.OPS)
CASE_OF = {case.name: case for case in OP_CASES}
