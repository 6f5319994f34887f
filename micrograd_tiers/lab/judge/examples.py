"""Examples of one op, and samplers that draw them.

An example is a whole mini-batch and a dy, so that the same examples work at every tier (see `calls`).
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np

if TYPE_CHECKING:  # its import takes as long as NumPy's, and only shrinking needs it
    from hypothesis.strategies import SearchStrategy

BATCH_SIZES, SIZES = [1, 2, 7, 32], [1, 2, 3, 5]  # simplest first: hypothesis shrinks towards the first entry


class Example(NamedTuple):
    """Inputs of an op, and a dy for its vjps.

    Attributes
    ----------
    inputs : tuple of ndarray or float
        One per argument: first those with one entry per sample, then parameters, then settings such as elu's alpha.
    dy : ndarray or float
        dL/d(value): shaped as the value for the whole mini-batch; a number for a loss.
    """

    inputs: tuple[Any, ...]
    dy: Any


Make = Callable[["Pick", list[float], int, int, int], Example]
Sizes = tuple[int, int, int]  # N, I and O


class Pick(Protocol):
    """Choice among options: at random, or by hypothesis."""

    def __call__(self, options: Sequence[Any]) -> Any:
        """Return one of the options."""

    def size(self, options: Sequence[int], largest: int) -> int:
        """Return one of the usual sizes, or the largest one that is tried at all."""


class _Drawn:
    """Picks of hypothesis, which it can shrink."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        from hypothesis import strategies as st

        self._draw, self._options = draw, st.sampled_from

    def __call__(self, options: Sequence[Any]) -> Any:
        return self._draw(self._options(options))

    def size(self, options: Sequence[int], largest: int) -> int:
        return int(self(options))


class _Random:
    """Picks of a generator, the same ones in each run; `wide` picks the largest sizes."""

    def __init__(self, *seed: int, wide: bool = False) -> None:
        self._rng, self._wide = np.random.default_rng(seed), wide

    def __call__(self, options: Sequence[Any]) -> Any:
        return options[int(self._rng.integers(len(options)))]

    def size(self, options: Sequence[int], largest: int) -> int:
        return largest if self._wide else int(self(options))


@dataclass(frozen=True, eq=False)
class Sampler:
    """Draws examples of one kind: at random in every shape, or by hypothesis, which can shrink them.

    Attributes
    ----------
    make : callable
        Function of `drawing`: make(pick, numbers, N, I, O) returns an example.
    numbers : list of float
        Numbers that the inputs may hold.
    sizes_out, sizes_in, batch_sizes : list of int
        Usual values of O, I and N.
    unusual : tuple of (int, int, int)
        Odd and large sizes (N, I, O), one example each: more samples, features or numbers than code that works in
        blocks takes at once.
    wide : tuple of (int, int, int), optional
        Sizes of one example in which kernels, strides, paddings and images are also large.
    """

    make: Make
    numbers: list[float]
    sizes_out: list[int]
    sizes_in: list[int] = field(default_factory=lambda: SIZES)
    batch_sizes: list[int] = field(default_factory=lambda: BATCH_SIZES)
    unusual: tuple[Sizes, ...] = ()
    wide: Sizes | None = None

    @property
    def alone(self) -> "Sampler":
        """The same sampler with mini-batches of one sample, for tiers that take one sample per call."""
        unusual = tuple((1, i, o) for _, i, o in self.unusual)
        wide = None if self.wide is None else (1, *self.wide[1:])
        return replace(self, batch_sizes=[1], unusual=unusual, wide=wide)

    @property
    def strategy(self) -> "SearchStrategy[Example]":
        """Strategy that hypothesis draws from."""
        from hypothesis import strategies as st

        @st.composite
        def example(draw: Callable[[Any], Any]) -> Example:
            pick = _Drawn(draw)
            return self.make(pick, self.numbers, pick(self.batch_sizes), pick(self.sizes_in), pick(self.sizes_out))

        return example()

    def sweep(self, n: int) -> Iterator[Example]:
        """Yield about n examples that cover every usual shape, small ones first; the same ones in each call."""
        shapes = sorted(product(self.batch_sizes, self.sizes_in, self.sizes_out), key=math.prod)
        pick = _Random(0)
        for shape in shapes * max(1, round(n / len(shapes))):
            yield self.make(pick, self.numbers, *shape)

    def large(self) -> Iterator[Example]:
        """Yield the examples of unusual sizes."""
        yield from map(self.of_size, self.unusual)
        if self.wide is not None:
            yield self.make(_Random(1, wide=True), self.numbers, *self.wide)

    def of_size(self, sizes: Sizes) -> Example:
        """Return the example of these sizes; the same one in each call."""
        return self.make(_Random(*sizes), self.numbers, *sizes)


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples on which one op is tested.

    Attributes
    ----------
    ordinary : Sampler
        Numbers of everyday size, none at a kink. N is 1, 2, 7 or 32, and the other sizes are 1, 2, 3 or 5; for images
        there are fewer and smaller sizes. A few examples are larger.
    extreme : Sampler
        Finite numbers of every size, including 0 and kinks: nothing may overflow, and nothing may warn.
    plain : Example
        One example of everyday size, with more than one sample, input and output.
    special : tuple of Example
        Examples with NaN or infinity.
    """

    ordinary: Sampler
    extreme: Sampler
    plain: Example
    special: tuple[Example, ...] = ()
