"""The op table: every primitive of the tiers, what it takes, and how examples of its inputs are drawn.

An example is a whole mini-batch and a dy. `part_of` cuts it into what a tier handles and puts the results
together again, so that one row of the table serves every tier.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import product
from operator import add
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

from ..tiers import Tier
from ..tiers.scalar import total

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
class OpCase:
    """One row of the op table.

    Attributes
    ----------
    name : str
        Of the primitive.
    arguments : tuple of str
        All of them, in signature order; those that have a vjp come first.
    n_differentiable : int
        How many have a vjp.
    n_samplewise : int
        How many have one entry per sample.
    is_loss : bool
        Whether the value is one number, summed over the samples.
    ordinary : Recipe
        Numbers of everyday size, none at a kink; N is 1, 2, 7 or 32, the other sizes 1, 2, 3 or 5, square or not.
    extreme : Recipe
        Finite numbers of every size, 0 and kinks included: nothing may overflow, and nothing may warn.
    special : tuple of Example
        NaN and infinity.
    plain : Example
        One of everyday size, with more samples, inputs and outputs than one.
    """

    name: str
    arguments: tuple[str, ...]
    n_differentiable: int
    n_samplewise: int
    is_loss: bool
    ordinary: "Recipe"
    extreme: "Recipe"
    special: tuple[Example, ...]
    plain: Example

    @property
    def parts(self) -> tuple[str, ...]:
        """What can be right or wrong: the value, and the gradient with respect to each differentiable argument."""
        return ("value", *(f"d{argument}" for argument in self.arguments[: self.n_differentiable]))


# How numbers and shapes are drawn. Earlier is simpler: hypothesis shrinks towards the first of each list.

ORDINARY = [1.0, 2.0, -1.0, 3.0, -2.0, 0.5, -0.5, 0.1, -0.3, 1.7, -2.6, 4.2, -5.9, 7.3]
LARGE = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 1e10, -1e10, 1e300, -1e300, 1e-300, -1e-300]
LARGE_LOGITS = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 3000.0, -3000.0, 1e-300, -1e-300]
SQUARABLE = [0.0, 1.0, -1.0, 1e10, -1e10, 1e150, -1e150, 1e-150, -1e-150]
BATCH_SIZES = [1, 2, 7, 32]
SIZES = [1, 2, 3, 5]
ALPHAS = [1.0, 0.5, 2.0]

Pick = Callable[[Sequence[Any]], Any]  # returns one of several


@dataclass(frozen=True, eq=False)
class Recipe:
    """How examples of one kind are made: drawn at random for every shape, or by hypothesis, which can shrink them.

    Attributes
    ----------
    make : callable
        Returns an example from pick(options), N, I and O, where N samples have I features each; O is for linear.
    numbers : list of float
        Which numbers the inputs hold.
    sizes_out : list of int
        The O that are drawn.
    """

    make: Callable[[Pick, list[float], int, int, int], Example]
    numbers: list[float]
    sizes_out: list[int]

    @property
    def strategy(self) -> st.SearchStrategy[Example]:
        """What hypothesis draws from."""

        @st.composite
        def example(draw: Callable[[Any], Any]) -> Example:
            def pick(options: Sequence[Any]) -> Any:
                return draw(st.sampled_from(options))

            return self.make(pick, self.numbers, pick(BATCH_SIZES), pick(SIZES), pick(self.sizes_out))

        return example()

    def sweep(self, n: int) -> Iterator[Example]:
        """Yield n examples or a few more, every shape at least once, and one larger batch; always the same ones."""
        rng = np.random.default_rng(0)

        def pick(options: Sequence[Any]) -> Any:
            return options[int(rng.integers(len(options)))]

        yield self.make(pick, self.numbers, 100, 5, self.sizes_out[-1])
        shapes = [*product(BATCH_SIZES, SIZES, self.sizes_out)]
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


def _rows(*rows: list[float]) -> Array:
    return np.array(rows)


INF, NAN = math.inf, math.nan
PLAIN = _rows([1.0, -2.0, 0.5], [3.0, 0.1, -1.0])
NOT_FINITE = _rows([1.0, 2.0], [NAN, 2.0], [INF, -INF], [3.0, -1.0])
LOGITS = (
    Example((_rows([0.0, -INF], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),  # -inf: probability 0
    Example((_rows([NAN, 2.0], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),
    Example((_rows([-INF, -INF], [1.0, 2.0]),), _rows([1.0, 2.0], [3.0, 1.0])),
)


def _of_loss(logits: list[float], target: int) -> Example:
    return Example((_rows(logits, [1.0, 2.0]), np.array([target, 0])), 2.0)


def _activation(name: str, *defaults: float) -> OpCase:
    make = _with_alpha if defaults else _elementwise
    return OpCase(
        name=name,
        arguments=("x", "alpha")[: 1 + len(defaults)],
        n_differentiable=1,
        n_samplewise=1,
        is_loss=False,
        ordinary=Recipe(make, ORDINARY, [1]),
        extreme=Recipe(make, LARGE, [1]),
        special=(Example((NOT_FINITE, *defaults), np.ones((4, 2))),),
        plain=Example((PLAIN, *defaults), PLAIN),
    )


OP_CASES = (
    OpCase(
        name="linear",
        arguments=("x", "weight", "bias"),
        n_differentiable=3,
        n_samplewise=1,
        is_loss=False,
        ordinary=Recipe(_linear, ORDINARY, SIZES),
        extreme=Recipe(_linear, SQUARABLE, SIZES),
        special=(Example((_rows([1.0, 2.0], [NAN, 2.0]), _rows([1.0, -1.0]), np.array([1.0])), _rows([1.0], [2.0])),),
        plain=Example((PLAIN, _rows([1.0, 2.0, 3.0], [0.5, -1.0, 1.0]), np.array([1.0, -2.0])), PLAIN[:, :2]),
    ),
    _activation("sigmoid"),
    _activation("tanh"),
    _activation("relu"),
    _activation("elu", ALPHAS[0]),
    OpCase(
        name="softmax",
        arguments=("logits",),
        n_differentiable=1,
        n_samplewise=1,
        is_loss=False,
        ordinary=Recipe(_elementwise, ORDINARY, [1]),
        extreme=Recipe(_elementwise, LARGE_LOGITS, [1]),
        special=LOGITS,
        plain=Example((PLAIN,), PLAIN),
    ),
    OpCase(
        name="softmax_cross_entropy",
        arguments=("logits", "target"),
        n_differentiable=1,
        n_samplewise=2,
        is_loss=True,
        ordinary=Recipe(_classification, ORDINARY, [1]),
        extreme=Recipe(_classification, LARGE_LOGITS, [1]),
        special=(
            _of_loss([0.0, -INF], 0),
            _of_loss([0.0, -INF], 1),
            _of_loss([-INF, -INF], 0),
            _of_loss([NAN, 0.0], 1),
        ),
        plain=Example((PLAIN, np.array([2, 0])), 2.0),
    ),
    OpCase(
        name="mean_squared_error",
        arguments=("y", "target"),
        n_differentiable=1,
        n_samplewise=2,
        is_loss=True,
        ordinary=Recipe(_regression, ORDINARY, [1]),
        extreme=Recipe(_regression, SQUARABLE, [1]),
        special=(),
        plain=Example((PLAIN, PLAIN[::-1]), 2.0),
    ),
)
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


def together(case: OpCase, tier: Tier, part: str, pieces: list[Any]) -> Any:
    """Return one part for the whole mini-batch from that of each call: an ndarray, or a float for a loss's value.

    Samples are put one after the other; losses and parameters' gradients are summed, as the network does it.
    """
    k = case.parts.index(part) - 1
    if k < 0 and case.is_loss:
        return total([*map(float, pieces)])
    arrays = [np.array(tier.tolist(piece)) for piece in pieces]
    if k < case.n_samplewise:
        return np.concatenate([np.atleast_2d(array) for array in arrays])
    return np.asarray(reduce(add, arrays))


def part_of(case: OpCase, tier: Tier, example: Example, part: str) -> Any:
    """Return the value, or the gradient of that name ("dx"), for the whole mini-batch."""
    k = case.parts.index(part) - 1
    pieces = [call.value if k < 0 else call.vjps[k](call.dy) for call in calls(case, tier, example)]
    return together(case, tier, part, pieces)
