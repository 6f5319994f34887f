"""Words drawn by rules, and the states of a reader of these words.

A pattern is a sequence of slots, and each slot is filled with a piece. A spelling may have several readings: "kasta" is
kas-ta or ka-sta. A reader sees only the letters, and must weigh all readings of them by their probabilities: the
forward algorithm of a hidden Markov model [1]_. Many beginnings lead to the same readings with the same probabilities.
The number of these states is small, 44 for `names`, so sums over all words can be computed as sums over states.

References
----------
.. [1] L. Rabiner, "A tutorial on hidden Markov models and selected applications in speech recognition", Proceedings of
   the IEEE 77(2), 1989.
"""

from __future__ import annotations

from bisect import bisect
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate

import numpy as np

from ..arguments import whole_number
from ..tokenizer import Tokenizer

Reading = tuple[str, tuple[str, ...]]  # the letters left of the current piece, and the slots after it
State = frozenset[tuple[Reading, Fraction]]  # all readings of the letters so far, with their probabilities


@dataclass(frozen=True, eq=False)
class Grammar:
    """Rules that draw words.

    Parameters
    ----------
    patterns : mapping of str to int
        Weight of each pattern: the names of its slots, with spaces between them.
    pieces : mapping of str to (mapping of str to int)
        For each slot, the weight of each piece, which may be empty.

    Examples
    --------
    >>> grammar = Grammar({"start end": 1}, {"start": {"a": 1, "ab": 1}, "end": {"": 1, "b": 1}})
    >>> grammar.draw(5, rng=np.random.default_rng(0))
    ['a', 'abb', 'abb', 'ab', 'ab']
    >>> grammar.automaton[1]["b"][0]  # the probability of b after a: a+b, ab and ab+b
    0.75
    """

    patterns: Mapping[str, int]
    pieces: Mapping[str, Mapping[str, int]]

    def draw(self, n: int, *, rng: np.random.Generator) -> list[str]:
        """Draw words.

        Parameters
        ----------
        n : int
            Number of words, at least 1.
        rng : numpy.random.Generator
            Source of all randomness.

        Returns
        -------
        list of str, length N

        Raises
        ------
        ValueError
            If `n` is not an integer of at least 1.
        """
        pattern_at, piece_at = _chooser(self.patterns), {slot: _chooser(table) for slot, table in self.pieces.items()}
        longest = max(len(pattern.split()) for pattern in self.patterns)
        words = []
        for first, *others in rng.random((whole_number("n", n), 1 + longest)).tolist():
            slots = pattern_at(first).split()
            words.append("".join(piece_at[slot](x) for slot, x in zip(slots, others, strict=False)))
        return words

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """Tokenizer of the letters of all pieces."""
        return Tokenizer.fit(piece for table in self.pieces.values() for piece in table)

    @cached_property
    def automaton(self) -> list[dict[str, tuple[float, int]]]:
        """Possible next letters in each state, with their probabilities and the numbers of the states after them.

        A word begins in state 0. The letter "" is the end of the word.
        """
        start = _normalized({("", tuple(pattern.split())): p for pattern, p in _shares(self.patterns)})[1]
        states, number, rows = [start], {start: 0}, []
        for state in states:  # which grows
            row = {}
            for letter, (p, after) in self._continuations(state).items():
                if after not in number:
                    number[after] = len(states)
                    states.append(after)
                row[letter] = p, number[after]
            rows.append(row)
        return rows

    @cached_property
    def reached(self) -> list[dict[int, float]]:
        """Probabilities of the states after t letters, in the words that have at least t letters."""
        layers = [{0: 1.0}]
        while True:
            onward: dict[int, float] = defaultdict(float)
            for state, p in layers[-1].items():
                for letter, (share, after) in self.automaton[state].items():
                    if letter:
                        onward[after] += p * share
            if not onward:
                return layers
            layers.append(dict(onward))

    @property
    def mean_length(self) -> float:
        """Expected number of letters of a word."""
        return sum(sum(layer.values()) for layer in self.reached[1:])

    def _continuations(self, state: State) -> dict[str, tuple[float, State]]:
        """Return the possible next letters, each with its probability and the state after it."""
        after: dict[str, dict[Reading, Fraction]] = defaultdict(lambda: defaultdict(Fraction))
        for reading, p in state:
            for (letters, slots), share in self._opened(reading):
                after[letters[:1]][letters[1:], slots] += p * share
        return {letter: _normalized(readings) for letter, readings in after.items()}

    def _opened(self, reading: Reading) -> Iterator[tuple[Reading, Fraction]]:
        """Yield the reading with slots filled until its next letter, or the end, is known; with the probabilities."""
        letters, slots = reading
        if letters or not slots:
            yield reading, Fraction(1)
        else:
            for piece, p in _shares(self.pieces[slots[0]]):
                for opened, share in self._opened((piece, slots[1:])):
                    yield opened, p * share


def _chooser(table: Mapping[str, int]) -> Callable[[float], str]:
    """Return a function from a number, 0 to below 1, to an entry of a table of weights."""
    names, sums = [*table], [*accumulate(table.values())]
    return lambda x: names[bisect(sums, x * sums[-1], hi=len(sums) - 1)]


def _shares(table: Mapping[str, int]) -> Iterator[tuple[str, Fraction]]:
    """Yield the entries of a table of weights with their probabilities."""
    total = sum(table.values())
    for name, weight in table.items():
        yield name, Fraction(weight, total)


def _normalized(readings: Mapping[Reading, Fraction]) -> tuple[float, State]:
    """Return the sum of the probabilities, and the state in which they are divided by it."""
    total = sum(readings.values())
    return float(total), frozenset((reading, p / total) for reading, p in readings.items())
