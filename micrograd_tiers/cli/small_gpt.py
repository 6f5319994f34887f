"""The small GPT of `check` and `step`, and the beginnings of documents that it reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..recipe import KINDS, Recipe

if TYPE_CHECKING:
    from ..datasets import Documents
    from ..network import Network

LENGTH, N_LOADED = 6, 200  # positions, documents


def small_gpt(given: Mapping[str, Any], n: int) -> tuple[Network, Documents, Any, Any]:
    """Return a GPT of 432 parameters for 26 letters, the data set, and samples and targets of all its documents.

    The first n are long, then shorter and shorter, so that there is padding.

    Parameters
    ----------
    given : mapping
        Options of the command that were given.
    n : int
        Number of documents that the command shows or checks.

    Raises
    ------
    ValueError
        If an option does not go with a GPT.
    """
    import numpy as np

    from ..building import load_data
    from ..datasets import Documents

    if "loss" in given:
        raise ValueError("--net gpt has a loss of its own, next_token_loss: leave out --loss")
    settings = {name: value for name, value in given.items() if name in KINDS and name != "tier"}
    recipe = Recipe(**{**settings, "net": "gpt", "n_train": max(n, N_LOADED), "n_test": 1})
    data, _ = load_data(recipe, given.get("data_dir"))
    assert isinstance(data, Documents)
    net = mt.gpt(
        data.tokenizer.n_tokens, features=4, heads=2, length=LENGTH, activation=recipe.activation,
        norm=given.get("norm", "rms_norm"), dropout=recipe.dropout, init=recipe.init, dtype=recipe.dtype,
        exact=recipe.exact, seed=recipe.seed,
    )  # fmt: skip
    X, y = data.tokenizer.encode(data.train_documents, LENGTH)
    by_length = np.argsort(-(X >= 0).sum(axis=1), kind="stable")
    first = by_length[np.linspace(0, len(X) - 1, n).round().astype(int)]
    order = [*first, *np.setdiff1d(by_length, first)]
    return net, data, X[order], y[order]
