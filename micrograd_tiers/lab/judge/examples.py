"""Examples of one op, and samplers that draw them.

An example is a whole mini-batch and a dy, so that the same examples work at every tier (see `calls`).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product
from typing import TYPE_CHECKING, Any, NamedTuple

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


Pick = Callable[[Sequence[Any]], Any]  # returns one of the options
Make = Callable[[Pick, list[float], int, int, int], Example]


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
        Values of O, I and N to draw from.
    largest : tuple of int
        N and I of one additional, larger example.
    """

    make: Make
    numbers: list[float]
    sizes_out: list[int]
    sizes_in: list[int] = field(default_factory=lambda: SIZES)
    batch_sizes: list[int] = field(default_factory=lambda: BATCH_SIZES)
    largest: tuple[int, int] = (100, 5)

    @property
    def strategy(self) -> "SearchStrategy[Example]":
        """Strategy that hypothesis draws from."""
        from hypothesis import strategies as st

        @st.composite
        def example(draw: Callable[[Any], Any]) -> Example:
            def pick(options: Sequence[Any]) -> Any:
                return draw(st.sampled_from(options))

            return self.make(pick, self.numbers, pick(self.batch_sizes), pick(self.sizes_in), pick(self.sizes_out))

        return example()

    def sweep(self, n: int) -> Iterator[Example]:
        """Yield one larger batch, then about n examples that cover every shape; the same ones in each call."""
        rng = np.random.default_rng(0)

        def pick(options: Sequence[Any]) -> Any:
            return options[int(rng.integers(len(options)))]

        yield self.make(pick, self.numbers, *self.largest, self.sizes_out[-1])
        shapes = [*product(self.batch_sizes, self.sizes_in, self.sizes_out)]
        for _ in range(max(1, round(n / len(shapes)))):
            for shape in shapes:
                yield self.make(pick, self.numbers, *shape)


@dataclass(frozen=True, eq=False)
class Examples:
    """Examples on which one op is tested.

    Attributes
    ----------
    ordinary : Sampler
        Numbers of everyday size, none at a kink. N is 1, 2, 7 or 32, and the other sizes are 1, 2, 3 or 5; for images
        there are fewer and smaller sizes.
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
