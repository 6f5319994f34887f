"""The examples on which each op of the registry is tried.

An example is a whole mini-batch and a dy. `part_of` cuts it into what a tier handles and puts the results together
again, so that one set of examples serves every tier.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import product
from operator import add
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ...tiers import Tier, registry
from ...tiers.lists import total
from ...tiers.registry import Op

Array = NDArray[Any]


class Example(NamedTuple):
    """What an op and its vjps are tried on.

    Attributes
    ----------
    inputs : tuple of ndarray or float
        One per argument: first those with one entry per sample, then parameters, then settings such as elu's alpha.
    dy : ndarray or float
        dL/d(value): shaped as the value for the whole mini-batch; a number for a loss.
    """

    inputs: tuple[Any, ...]
    dy: Any


@dataclass(frozen=True, eq=False)
class Examples:
    """What one op is tried on.

    Attributes
    ----------
    ordinary : Recipe
        Numbers of everyday size, none at a kink; N is 1, 2, 7 or 32, the other sizes 1, 2, 3 or 5, square or not;
        less of all that for images.
    extreme : Recipe
        Finite numbers of every size, 0 and kinks included: nothing may overflow, and nothing may warn.
    plain : Example
        One of everyday size, with more samples, inputs and outputs than one.
    special : tuple of Example
        NaN and infinity.
    """

    ordinary: "Recipe"
    extreme: "Recipe"
    plain: Example
    special: tuple[Example, ...] = ()


@dataclass(frozen=True, eq=False, kw_only=True)
class OpCase(Op):
    """A row of the registry with the examples of its op."""

    examples: Examples


# How numbers and shapes are drawn. Earlier is simpler: hypothesis shrinks towards the first of each list.

ORDINARY = [1.0, 2.0, -1.0, 3.0, -2.0, 0.5, -0.5, 0.1, -0.3, 1.7, -2.6, 4.2, -5.9, 7.3]
LARGE = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 1e10, -1e10, 1e300, -1e300, 1e-300, -1e-300]
LARGE_LOGITS = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 3000.0, -3000.0, 1e-300, -1e-300]
SQUARABLE = [0.0, 1.0, -1.0, 1e10, -1e10, 1e150, -1e150, 1e-150, -1e-150]
BATCH_SIZES = [1, 2, 7, 32]
SIZES = [1, 2, 3, 5]
ALPHAS = [1.0, 0.5, 2.0]
FEW = [1, 2, 3]  # samples, and other sizes, where the samples are images
MASKS = [0.0, 2.0, 1.25]
SMOOTHINGS = [0.1, 0.5, 0.0]

Pick = Callable[[Sequence[Any]], Any]  # returns one of several
Make = Callable[[Pick, list[float], int, int, int], Example]


@dataclass(frozen=True, eq=False)
class Recipe:
    """How examples of one kind are made: drawn at random for every shape, or by hypothesis, which can shrink them.

    Attributes
    ----------
    make : callable
        Returns an example from pick(options), N, I and O, where N samples have I features each; O is for linear.
    numbers : list of float
        Which numbers the inputs hold.
    sizes_out, sizes_in, batch_sizes : list of int
        The O, I and N that are drawn.
    largest : tuple of int
        N and I of one example more.
    """

    make: Make
    numbers: list[float]
    sizes_out: list[int]
    sizes_in: list[int] = field(default_factory=lambda: SIZES)
    batch_sizes: list[int] = field(default_factory=lambda: BATCH_SIZES)
    largest: tuple[int, int] = (100, 5)

    @property
    def strategy(self) -> st.SearchStrategy[Example]:
        """What hypothesis draws from."""

        @st.composite
        def example(draw: Callable[[Any], Any]) -> Example:
            def pick(options: Sequence[Any]) -> Any:
                return draw(st.sampled_from(options))

            return self.make(pick, self.numbers, pick(self.batch_sizes), pick(self.sizes_in), pick(self.sizes_out))

        return example()

    def sweep(self, n: int) -> Iterator[Example]:
        """Yield n examples or a few more, every shape at least once, and one larger batch; always the same ones."""
        rng = np.random.default_rng(0)

        def pick(options: Sequence[Any]) -> Any:
            return options[int(rng.integers(len(options)))]

        yield self.make(pick, self.numbers, *self.largest, self.sizes_out[-1])
        shapes = [*product(self.batch_sizes, self.sizes_in, self.sizes_out)]
        for _ in range(max(1, round(n / len(shapes)))):
            for shape in shapes:
                yield self.make(pick, self.numbers, *shape)


def _array(pick: Pick, numbers: list[float], *shape: int) -> Array:
    return np.array([pick(numbers) for _ in range(math.prod(shape))]).reshape(shape)


def _linear(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    inputs = _array(pick, numbers, n, i), _array(pick, numbers, o, i), _array(pick, numbers, o)
    return Example(inputs, _array(pick, ORDINARY, n, o))


def _elementwise(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    return Example((_array(pick, numbers, n, i),), _array(pick, ORDINARY, n, i))


def _with_alpha(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    return Example((_array(pick, numbers, n, i), pick(ALPHAS)), _array(pick, ORDINARY, n, i))


def _classification(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    target = np.array([pick(range(i)) for _ in range(n)], np.int64)
    return Example((_array(pick, numbers, n, i), target), pick(ORDINARY))


def _regression(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    return Example((_array(pick, numbers, n, i), _array(pick, numbers, n, i)), pick(ORDINARY))


def _smoothed(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    (logits, target), dy = _classification(pick, numbers, n, i, o)
    return Example((logits, target, pick(SMOOTHINGS)), dy)


def _regression_without_ties(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    (y, target), dy = _regression(pick, numbers, n, i, o)
    return Example((y, target + 0.25), dy)


def _yes_or_no(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    return Example((_array(pick, numbers, n, i), _array(pick, [1.0, 0.0, 0.25], n, i)), pick(ORDINARY))


def _signs(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    return Example((_array(pick, numbers, n, i), _array(pick, [1.0, -1.0], n, i)), pick(ORDINARY))


def _distributions(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    shares = _array(pick, [1.0, 0.0, 2.0, 0.5], n, i)
    shares[:, 0] += shares.sum(axis=1) == 0
    return Example((_array(pick, numbers, n, i), shares / shares.sum(axis=1, keepdims=True)), pick(ORDINARY))


def _convolution(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    K, stride, padding = pick(FEW), pick([1, 2]), pick([0, 1])
    H, W = (max(1, K - 2 * padding) + pick([1, 0, 2]) for _ in range(2))
    R, S = ((size + 2 * padding - K) // stride + 1 for size in (H, W))
    x, weight, bias = _array(pick, numbers, n, c, H, W), _array(pick, numbers, o, c, K, K), _array(pick, numbers, o)
    return Example((x, weight, bias, stride, padding), _array(pick, ORDINARY, n, o, R, S))


def _pooling(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    K, stride = pick([2, 1, 3]), pick([2, 1, 3])
    H, W = (K + pick([0, 1, 3]) for _ in range(2))
    R, S = ((size - K) // stride + 1 for size in (H, W))
    return Example((_array(pick, numbers, n, c, H, W), K, stride), _array(pick, ORDINARY, n, c, R, S))


def _pooling_without_ties(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    (x, *settings), dy = _pooling(pick, numbers, n, c, o)
    return Example((x + 0.00137 * np.arange(x.size).reshape(x.shape), *settings), dy)


def _reshaping(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    shape = pick([(-1,), (2 * i, o), (o, 2, i)])
    dy = _array(pick, ORDINARY, n, 2, i, o)
    return Example((_array(pick, numbers, n, 2, i, o), shape), dy.reshape(n, *shape))


def _masking(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    shape = (n, i) if o == 1 else (n, 2, i, o)
    return Example((_array(pick, numbers, *shape), _array(pick, MASKS, *shape)), _array(pick, ORDINARY, *shape))


def _normalization(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    shape = (n, c) if o == 1 else (n, c, 2, o)
    inputs = _array(pick, numbers, *shape), _array(pick, numbers, c), _array(pick, numbers, c), 1e-5
    return Example(inputs, _array(pick, ORDINARY, *shape))


def _normalization_of_extremes(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    (x, *_, epsilon), dy = _normalization(pick, numbers, n, c, o)
    weight, bias = _array(pick, [1.0, -1.0, 0.0], c), _array(pick, [1.0, -1.0, 0.0], c)  # rounding grows with them
    return Example((x, weight, bias, epsilon), dy)


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


ONE_NAN = np.arange(36.0).reshape(2, 2, 3, 3) / 10
ONE_NAN[1, 0, 1, 1] = NAN


def _of_images(
    ordinary: Make, extreme: Make, numbers: list[float], sizes_out: list[int] = FEW, batch_sizes: list[int] = FEW
) -> tuple[Recipe, Recipe]:
    """Recipes of fewer and smaller samples."""
    sizes = sizes_out, FEW, batch_sizes, (10, 2)
    return Recipe(ordinary, ORDINARY, *sizes), Recipe(extreme, numbers, *sizes)


def _of_pooling(ordinary: Make) -> Examples:
    return Examples(
        *_of_images(ordinary, _pooling, SQUARABLE, [1]),
        plain=Example((PLAIN_IMAGES, 2, 1), PLAIN_IMAGES[:, :, :2, :2]),
        special=(Example((ONE_NAN, 2, 1), np.ones((2, 2, 2, 2))),),
    )


def _of_activation(row: Op) -> Examples:
    settings = row.defaults
    make = _with_alpha if settings else _elementwise
    return Examples(
        ordinary=Recipe(make, ORDINARY, [1]),
        extreme=Recipe(make, LARGE, [1]),
        plain=Example((PLAIN, *settings), PLAIN),
        special=(Example((NOT_FINITE, *settings), np.ones((4, 2))),),
    )


EXAMPLES = {
    **{row.name: _of_activation(row) for row in registry.OPS if row.kind == "activation"},
    "linear": Examples(
        ordinary=Recipe(_linear, ORDINARY, SIZES),
        extreme=Recipe(_linear, SQUARABLE, SIZES),
        plain=Example((PLAIN, _rows([1.0, 2.0, 3.0], [0.5, -1.0, 1.0]), np.array([1.0, -2.0])), PLAIN[:, :2]),
        special=(Example((_rows([1.0, 2.0], [NAN, 2.0]), _rows([1.0, -1.0]), np.array([1.0])), _rows([1.0], [2.0])),),
    ),
    "softmax": Examples(
        ordinary=Recipe(_elementwise, ORDINARY, [1]),
        extreme=Recipe(_elementwise, LARGE_LOGITS, [1]),
        plain=Example((PLAIN,), PLAIN),
        special=LOGITS,
    ),
    "softmax_cross_entropy": Examples(
        ordinary=Recipe(_classification, ORDINARY, [1]),
        extreme=Recipe(_classification, LARGE_LOGITS, [1]),
        plain=Example((PLAIN, np.array([2, 0])), 2.0),
        special=(
            _of_loss([0.0, -INF], 0),
            _of_loss([0.0, -INF], 1),
            _of_loss([-INF, -INF], 0),
            _of_loss([NAN, 0.0], 1),
        ),
    ),
    "mean_squared_error": Examples(
        ordinary=Recipe(_regression, ORDINARY, [1]),
        extreme=Recipe(_regression, SQUARABLE, [1]),
        plain=Example((PLAIN, PLAIN[::-1]), 2.0),
    ),
    "smoothed_cross_entropy": Examples(
        ordinary=Recipe(_smoothed, ORDINARY, [1]),
        extreme=Recipe(_smoothed, LARGE_LOGITS, [1]),
        plain=Example((PLAIN, np.array([2, 0]), 0.1), 2.0),
    ),
    "soft_cross_entropy": Examples(
        ordinary=Recipe(_distributions, ORDINARY, [1]),
        extreme=Recipe(_distributions, LARGE_LOGITS, [1]),
        plain=Example((PLAIN, _rows([0.5, 0.25, 0.25], [0.0, 1.0, 0.0])), 2.0),
        special=(
            _of_targets([0.0, -INF], [1.0, 0.0]),
            _of_targets([0.0, -INF], [0.5, 0.5]),
            _of_targets([-INF, -INF], [1.0, 0.0]),
            _of_targets([NAN, 0.0], [0.0, 1.0]),
        ),
    ),
    "binary_cross_entropy": Examples(
        ordinary=Recipe(_yes_or_no, ORDINARY, [1]),
        extreme=Recipe(_yes_or_no, LARGE, [1]),
        plain=Example((PLAIN, _rows([1.0, 0.0, 0.25], [0.0, 1.0, 0.0])), 2.0),
        special=(_of_targets([NAN, 0.0], [0.0, 1.0]),),
    ),
    "hinge": Examples(
        ordinary=Recipe(_signs, [number for number in ORDINARY if abs(number) != 1], [1]),
        extreme=Recipe(_signs, LARGE, [1]),
        plain=Example((2 * PLAIN, _rows([1.0, 1.0, 1.0], [-1.0, 1.0, -1.0])), 2.0),
        special=(_of_targets([NAN, 0.0], [-1.0, 1.0]),),
    ),
    "mean_absolute_error": Examples(
        ordinary=Recipe(_regression_without_ties, ORDINARY, [1]),
        extreme=Recipe(_regression, LARGE, [1]),
        plain=Example((PLAIN, PLAIN[::-1]), 2.0),
        special=(_of_targets([NAN, 0.0], [0.0, 1.0]),),
    ),
    "dropout": Examples(
        *_of_images(_masking, _masking, SQUARABLE),
        plain=Example((PLAIN, _rows([2.0, 0.0, 2.0], [0.0, 0.0, 2.0])), PLAIN),
    ),
    "conv2d": Examples(
        *_of_images(_convolution, _convolution, SQUARABLE),
        plain=Example(
            (PLAIN_IMAGES, PLAIN_IMAGES[:, :, 1:, 1:], np.array([1.0, -2.0]), 1, 0), PLAIN_IMAGES[:, :, :2, :2]
        ),
        special=(Example((ONE_NAN, np.ones((1, 2, 2, 2)), np.array([1.0]), 1, 0), np.ones((2, 1, 2, 2))),),
    ),
    "avg_pool2d": _of_pooling(_pooling),
    "max_pool2d": _of_pooling(_pooling_without_ties),
    "reshape": Examples(
        *_of_images(_reshaping, _reshaping, LARGE),
        plain=Example((PLAIN_IMAGES, (3, 6)), PLAIN_IMAGES.reshape(2, 3, 6)),
        special=(Example((ONE_NAN, (3, 6)), np.ones((2, 3, 6))),),
    ),
    "batch_norm": Examples(
        *_of_images(
            _normalization,
            _normalization_of_extremes,
            [0.0, 1.0, -1.0, 1e10, -1e10, 1e-150],
            batch_sizes=[2, 3, 7],
        ),
        plain=Example((PLAIN, np.array([1.0, -0.5, 2.0]), np.array([0.0, 1.0, -1.0]), 1e-5), PLAIN[:, ::-1]),
    ),
}
OP_CASES = tuple(OpCase(**vars(row), examples=EXAMPLES[row.name]) for row in registry.OPS)
CASE_OF = {case.name: case for case in OP_CASES}


# Calling one op for a whole mini-batch, at any tier.


class Call(NamedTuple):
    """One chunk's call of an op: what went in, the dy of this chunk, and what came out."""

    inputs: tuple[Any, ...]
    dy: Any
    value: Any
    vjps: tuple[Any, ...]


def chunks_of(case: OpCase, tier: Tier, example: Example) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Cut the mini-batch into inputs and dy of each call of the op, in the tier's own arrays."""
    to_tier = [
        tier.asarray(a.copy(), a.dtype.name) if isinstance(a, np.ndarray) else a for a in (*example.inputs, example.dy)
    ]
    samplewise, shared = to_tier[: case.n_samplewise], to_tier[case.n_samplewise : -1]
    dys = [] if case.is_loss else to_tier[-1:]
    for chunk in tier.chunks(*samplewise, *dys):
        yield (*chunk[: case.n_samplewise], *shared), example.dy if case.is_loss else chunk[-1]


def calls(case: OpCase, tier: Tier, example: Example, op: Callable[..., Any] | None = None) -> Iterator[Call]:
    """Call the tier's op, or another in its place, for each chunk of the mini-batch."""
    op = op or getattr(tier, case.name)
    for inputs, dy in chunks_of(case, tier, example):
        value, vjps = op(*inputs)
        yield Call(inputs, dy, value, vjps)


def together(case: OpCase, tier: Tier, example: Example, part: str, pieces: list[Any]) -> Any:
    """Return one part for the whole mini-batch from that of each call: an ndarray, or a float for a loss's value.

    Samples are put one after the other; losses and parameters' gradients are summed, as the network does it.
    """
    k = case.parts.index(part) - 1
    if k < 0 and case.is_loss:
        return total([*map(float, pieces)])
    arrays = [np.array(tier.tolist(piece)) for piece in pieces]
    if k >= case.n_samplewise:
        return np.asarray(reduce(add, arrays))
    of_sample = np.shape(example.dy if k < 0 else example.inputs[k])[1:]
    return np.concatenate([array.reshape(-1, *of_sample) for array in arrays])


def part_of(case: OpCase, tier: Tier, example: Example, part: str) -> Any:
    """Return the value, or the gradient of that name ("dx"), for the whole mini-batch."""
    k = case.parts.index(part) - 1
    pieces = [call.value if k < 0 else call.vjps[k](call.dy) for call in calls(case, tier, example)]
    return together(case, tier, example, part, pieces)
