"""Text as token numbers, and new text drawn from a net that has learned to predict the next token."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from .arguments import number, shown, whole_number
from .errors import DataError
from .layers import Embedding
from .layers.base import shape_of_sample
from .network import Network, check_net
from .rng import generator


@dataclass(frozen=True)
class Tokenizer:
    """Numbers of the characters of a language. Token k is the k-th character; the last one begins and ends a document.

    Parameters
    ----------
    characters : str or sequence of str
        The different characters, in the order of their numbers.

    Examples
    --------
    >>> tokenizer = Tokenizer.fit(["emma", "ava"])
    >>> tokenizer.characters, tokenizer.end
    (('a', 'e', 'm', 'v'), 4)
    >>> X, y = tokenizer.encode(["ava"])
    >>> X.tolist(), y.tolist()
    ([[4, 0, 3, 0]], [[0, 3, 0, 4]])
    """

    characters: tuple[str, ...]

    def __post_init__(self) -> None:
        characters = tuple(self.characters)
        if not characters or any(not isinstance(one, str) or len(one) != 1 for one in characters):
            raise ValueError(f"Tokenizer: characters is {shown(self.characters)}, expected single characters")
        if len({*characters}) < len(characters):
            raise ValueError(
                "Tokenizer: a character occurs twice, expected different ones: use Tokenizer.fit(documents)"
            )
        object.__setattr__(self, "characters", characters)

    @classmethod
    def fit(cls, documents: Iterable[str]) -> Tokenizer:
        """Return the tokenizer of all characters of the documents, at least one, in alphabetical order."""
        characters = sorted({one for document in _checked(documents) for one in document})
        if not characters:
            raise DataError("documents hold no character, expected at least one: is the file empty?")
        return cls(tuple(characters))

    @property
    def end(self) -> int:
        """Number of the token that begins and ends a document."""
        return len(self.characters)

    @property
    def n_tokens(self) -> int:
        """Number of different tokens: the characters, and the one that begins and ends a document."""
        return len(self.characters) + 1

    def numbers(self, text: str) -> list[int]:
        """Return the token number of each character; raise DataError if one is unknown."""
        found = {one: k for k, one in enumerate(self.characters)}
        unknown = [one for one in text if one not in found]
        if unknown:
            raise DataError(
                f"{shown(text)} holds {unknown[0]!r}, expected characters of {shown(''.join(self.characters))}"
            )
        return [found[one] for one in text]

    def encode(
        self, documents: Iterable[str], length: int | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the documents as samples and targets of a net: each token, and the next one.

        Parameters
        ----------
        documents : iterable of str
            N documents.
        length : int, optional
            Largest number of positions; what is longer is cut off at its end. By default nothing is cut off.

        Returns
        -------
        X, y : ndarray of int, shape (N, T)
            y[n, t] is the token after X[n, t]. Short documents end with -1.

        Raises
        ------
        DataError
            If there is no document, or one holds an unknown character.
        """
        rows = [[self.end, *self.numbers(document), self.end] for document in _checked(documents)]
        if not rows:
            raise DataError("documents is empty, expected at least one")
        longest = max(map(len, rows)) - 1
        T = longest if length is None else min(longest, whole_number("length", length))
        tokens = np.full((len(rows), T + 1), -1)
        for n, row in enumerate(rows):
            tokens[n, : len(row)] = row[: T + 1]
        return np.where(tokens[:, 1:] < 0, -1, tokens[:, :-1]), tokens[:, 1:]

    def decode(self, tokens: Iterable[int]) -> str:
        """Return the characters of token numbers, without padding and the token that begins and ends a document."""
        return "".join(self.characters[token] for token in tokens if 0 <= token < self.end)


class Draws(Protocol):
    """Generator of random numbers, of NumPy or of Python."""

    def random(self) -> float:
        """Return a number from 0 to below 1."""


def generate(
    net: Network,
    tokenizer: Tokenizer,
    n: int = 20,
    *,
    temperature: float = 1.0,
    prompt: str = "",
    seed: int | np.random.Generator | Draws = 0,
) -> list[str]:
    """Draw new documents from a net, one token after the other.

    Parameters
    ----------
    net : Network
        A net of documents such as `gpt`.
    tokenizer : Tokenizer
        The one with which it was trained.
    n : int
        Number of documents.
    temperature : float
        Divisor of the logits, above 0: below 1 the likely tokens become likelier.
    prompt : str
        Beginning of each document.
    seed : int, numpy.random.Generator or random.Random
        Seed of the draws, which are the same at every tier; or a generator with a method `random`.

    Returns
    -------
    list of str
        Each begins with the prompt, and ends where the net ends it, or at the largest number of positions.

    Raises
    ------
    ValueError
        If the net takes no tokens, or other ones, or its outputs are not finite, or an argument is out of its range.
    DataError
        If the prompt holds an unknown character, or fills the document.
    """
    check_net(net)
    first = net.layers[0]
    if not isinstance(first, Embedding) or net.loss.name != "next_token_loss":
        raise ValueError(f"net: its loss is {net.loss.name!r}, expected a net that predicts tokens, such as mt.gpt()")
    if first.n_tokens != tokenizer.n_tokens:
        raise ValueError(
            f"net takes {first.n_tokens} tokens, the tokenizer has {tokenizer.n_tokens}: use the net's own"
        )
    temperature = number("temperature", temperature, above=0)
    rng: Any = seed if hasattr(seed, "random") else generator(seed)
    start = [tokenizer.end, *tokenizer.numbers(prompt)]
    (length,) = shape_of_sample(net.layers) or (math.inf,)
    if len(start) > length:
        raise DataError(f"prompt has {len(prompt)} characters, expected at most {length - 1:.0f}: the net's positions")

    def document() -> str:
        tokens = [*start]
        while len(tokens) <= length:
            token = _drawn(net.forward([tokens])[0, -1].tolist(), temperature, rng)
            if token == tokenizer.end:
                break
            tokens.append(token)
        return tokenizer.decode(tokens)

    return [document() for _ in range(whole_number("n", n, 0))]


def _drawn(logits: Sequence[float], temperature: float, rng: Draws) -> int:
    """Return the index of a token, drawn with the probabilities softmax(logits / temperature)."""
    scaled = [z / temperature for z in logits]
    largest = max(scaled)
    if not math.isfinite(largest) or any(math.isnan(z) for z in scaled):
        raise ValueError("net: its outputs are not finite, expected a trained net: its training has diverged")
    cumulative = [*accumulate(math.exp(z - largest) for z in scaled)]
    return bisect(cumulative, rng.random() * cumulative[-1], hi=len(cumulative) - 1)


def _checked(documents: Iterable[str]) -> list[str]:
    """Return the documents as a list; raise DataError unless they are texts."""
    if isinstance(documents, str):
        raise DataError(f"documents is {shown(documents)}, expected a list of texts such as ['emma', 'ava']")
    checked = [*documents]
    for document in checked:
        if not isinstance(document, str):
            raise DataError(f"documents holds {shown(document)}, expected texts")
    return checked
