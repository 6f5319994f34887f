"""The perfect model of words that are drawn by rules, and its expected loss: the floor under the loss of any model."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from ..arguments import check_name, shown
from ..errors import DataError
from ..tokenizer import checked_documents
from .grammar import Grammar

# Weight of each target of a word that has n of them: its letters, and its end.
WEIGHTS: dict[str, Callable[[int], float]] = {"document": lambda n: 1 / n, "token": lambda n: 1.0}


@dataclass(frozen=True, eq=False)
class PerfectModel:
    """Predictions of the next letter that have the least expected loss.

    Parameters
    ----------
    grammar : Grammar
        The rules that draw the words.
    per : {"document", "token"}
        Kind of mean. "document": the mean over the words of the mean over the targets of each, as `fit` and `evaluate`
        take it; a target of a short word counts more than one of a long word. "token": the mean over all targets, as
        with the number of targets of each document as its sample weight.

    Notes
    -----
    After some letters, let p be the probability of a next letter, and w the mean weight of the words that go on with
    it. Predictions q have the expected loss -sum(p * w * log(q)), which is least for q = p * w / sum(p * w). Per token,
    q is p. Per document, the weight of a short word is larger, so q expects the end of the word a little sooner than p.

    Examples
    --------
    >>> grammar = Grammar({"start end": 1}, {"start": {"a": 1, "ab": 1}, "end": {"": 1, "b": 1}})
    >>> PerfectModel(grammar, per="token").probabilities("a")  # of a, b and the end
    array([[1.  , 0.  , 0.  ],
           [0.  , 0.75, 0.25]])
    """

    grammar: Grammar
    per: str = "document"

    def __post_init__(self) -> None:
        check_name("mean", self.per, WEIGHTS)

    @property
    def floor(self) -> float:
        """Least expected loss of any model of these words, in nats per target. It is exact except for rounding."""
        return self._solution[0]

    def probabilities(self, document: str) -> NDArray[np.float64]:
        """Return the predictions at each position of a document.

        Parameters
        ----------
        document : str
            A word, or the beginning of one, of T - 1 letters.

        Returns
        -------
        ndarray, shape (T, V)
            Row t has the probabilities after the first t letters: of each token of `grammar.tokenizer`, the end last.

        Raises
        ------
        DataError
            If the rules draw no word that begins like this.
        """
        characters = (*self.grammar.tokenizer.characters, "")
        rows = [[q.get(letter, 0.0) for letter in characters] for q in self._predictions(document)]
        return np.array(rows)

    def loss(self, documents: Iterable[str]) -> float:
        """Return the mean loss on these words.

        Its expected value is the floor. The loss of a net on the same words minus this loss shows how far from perfect
        the net is, with less noise than a comparison with the floor.

        Parameters
        ----------
        documents : iterable of str

        Raises
        ------
        DataError
            If there is no document, or the rules do not draw one of them.
        """
        total = targets = 0.0
        for document in checked_documents(documents):
            rows = zip(self._predictions(document), [*document, ""], strict=True)
            probabilities = [q.get(letter, 0.0) for q, letter in rows]
            if not probabilities[-1]:
                raise DataError(f"documents holds {shown(document)}, expected whole words: this is a beginning of one")
            weight = WEIGHTS[self.per](len(probabilities))
            total -= weight * sum(map(math.log, probabilities))
            targets += weight * len(probabilities)
        if not targets:
            raise DataError("documents is empty, expected at least one word")
        return total / targets

    def _predictions(self, document: str) -> list[dict[str, float]]:
        """Return the probabilities of the possible next letters at each position of a document."""
        state, rows = 0, [self._solution[1][0][0]]
        for t, letter in enumerate(document):
            if letter not in rows[-1]:
                letters = sorted(filter(None, rows[-1]))
                expected = f"one of {', '.join(letters)}" if letters else "the end"
                raise DataError(f"the rules do not draw {shown(document)}: after {document[:t]!r}, expected {expected}")
            state = self.grammar.automaton[state][letter][1]
            rows.append(self._solution[1][t + 1][state])
        return rows

    @cached_property
    def _solution(self) -> tuple[float, list[dict[int, dict[str, float]]]]:
        """The floor, and the best predictions in each state after t letters: a dynamic program, from the end back."""
        reached = self.grammar.reached
        best: list[dict[int, dict[str, float]]] = [{} for _ in reached]
        loss = targets = 0.0
        later: dict[int, float] = {}  # mean weight of the words that are in a state one letter later
        for t in reversed(range(len(reached))):
            now = {}
            for state, p_state in reached[t].items():
                weighted = {
                    letter: p * (later[after] if letter else WEIGHTS[self.per](t + 1))
                    for letter, (p, after) in self.grammar.automaton[state].items()
                }
                now[state] = sum(weighted.values())
                best[t][state] = {letter: x / now[state] for letter, x in weighted.items()}
                targets += p_state * now[state]
                loss -= p_state * sum(x * math.log(best[t][state][letter]) for letter, x in weighted.items())
            later = now
        return loss / targets, best
