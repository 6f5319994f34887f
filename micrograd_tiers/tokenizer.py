"""Text as token numbers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .arguments import shown, whole_number
from .errors import DataError
from .layers import Embedding, Layer


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
        characters = sorted({one for document in checked_documents(documents) for one in document})
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
        rows = [[self.end, *self.numbers(document), self.end] for document in checked_documents(documents)]
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

    def check(self, layers: Sequence[Layer]) -> None:
        """Raise a ValueError unless a net of these layers takes these tokens."""
        first = layers[0]
        if not isinstance(first, Embedding):
            raise ValueError(
                f"net: its first layer is {type(first).__name__}, expected an Embedding of tokens, as in mt.gpt()"
            )
        if first.n_tokens != self.n_tokens:
            raise ValueError(f"net takes {first.n_tokens} tokens, the tokenizer has {self.n_tokens}: use the net's own")


def checked_documents(documents: Iterable[str]) -> list[str]:
    """Return the documents as a list; raise DataError unless they are texts."""
    if isinstance(documents, str):
        raise DataError(f"documents is {shown(documents)}, expected a list of texts such as ['emma', 'ava']")
    checked = [*documents]
    for document in checked:
        if not isinstance(document, str):
            raise DataError(f"documents holds {shown(document)}, expected texts")
    return checked
