"""Data sets of documents, such as names drawn by rules."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .. import html
from ..formats import cut
from ..rng import generator
from ..tokenizer import Tokenizer
from .dataset import Dataset
from .names import NAMES
from .perfect import PerfectModel

N_TRAIN, N_TEST = 32_000, 2_000  # names drawn by default
N_SHOWN = 20  # documents that a notebook shows


@dataclass(frozen=True, eq=False)
class Documents(Dataset):
    """A data set of documents, for a net that predicts the next token.

    Its samples are token numbers (N, T) and its targets the next ones, (N, T), as from `Tokenizer.encode`: -1 after the
    end of a document. Each part has its own N and T. The classes are the tokens.

    Attributes
    ----------
    train_documents, test_documents : tuple of str, length N
    tokenizer : Tokenizer
    perfect : PerfectModel or None
        The model of least expected loss, if the documents are drawn by rules; its `grammar` has the rules.
    """

    train_documents: tuple[str, ...]
    test_documents: tuple[str, ...]
    tokenizer: Tokenizer
    perfect: PerfectModel | None = None

    @property
    def floor(self) -> float | None:
        """Least expected loss of any net, in nats per token; None if the documents are not drawn by rules.

        It is the floor of the loss of `fit` and `evaluate`, the mean over the documents of the mean over each.
        """
        return self.perfect.floor if self.perfect else None

    def __repr__(self) -> str:
        parts = f"{len(self.train_x):,} training and {len(self.test_x):,} test documents"
        return f"<Documents {self.name}: {parts} of up to {self._longest} characters; {self._tokens}; {self.source}>"

    def _repr_html_(self) -> str:
        rows = [
            (part, f"{len(x):,}", x.shape, y.shape, cut(", ".join(documents[:N_SHOWN]), 200))
            for part, x, y, documents in (
                ("training", self.train_x, self.train_y, self.train_documents),
                ("test", self.test_x, self.test_y, self.test_documents),
            )
        ]
        floor = [f"floor {self.floor:.4f} nats per token"] if self.floor is not None else []
        notes = [self._tokens, *floor, self.source]
        return html.table(("part", "documents", "X", "y", "the first ones"), rows, f"Data set {self.name}", notes)

    @property
    def _tokens(self) -> str:
        return f"{self.tokenizer.n_tokens} tokens: {cut(''.join(self.tokenizer.characters), 100)} and the end"

    @property
    def _longest(self) -> int:
        return max(map(len, (*self.train_documents, *self.test_documents)))


def as_documents(
    name: str,
    train: Sequence[str],
    test: Sequence[str],
    tokenizer: Tokenizer,
    source: str,
    *,
    length: int | None = None,
    perfect: PerfectModel | None = None,
) -> Documents:
    """Return the data set of these documents; `train` may be empty."""
    test_x, test_y = tokenizer.encode(test, length)
    train_x, train_y = tokenizer.encode(train, length) if train else (test_x[:0], test_y[:0])
    return Documents(
        name, train_x, train_y, test_x, test_y, (*tokenizer.characters, "end"), None, source,
        tuple(train), tuple(test), tokenizer, perfect,
    )  # fmt: skip


def draw_names(n_train: int | None, n_test: int | None, seed: int, *, test_only: bool) -> Documents:
    """Return names drawn by rules; arguments as in `load_dataset`."""
    train_rng, test_rng = generator(seed).spawn(2)
    test = NAMES.draw(N_TEST if n_test is None else n_test, rng=test_rng)
    train = [] if test_only else NAMES.draw(N_TRAIN if n_train is None else n_train, rng=train_rng)
    perfect = PerfectModel(NAMES)
    return as_documents("names", train, test, NAMES.tokenizer, f"drawn offline, seed {seed}", perfect=perfect)
