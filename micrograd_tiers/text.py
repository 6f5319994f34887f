"""New text, drawn from a net that has learned to predict the next token."""

from __future__ import annotations

import math
from bisect import bisect
from collections.abc import Sequence
from itertools import accumulate
from typing import Any, Protocol

import numpy as np

from .arguments import number, whole_number
from .errors import DataError
from .layers.base import shape_of_sample
from .network import Network, check_net
from .rng import generator
from .tokenizer import Tokenizer


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
    if net.loss.name != "next_token_loss":
        raise ValueError(f"net: its loss is {net.loss.name!r}, expected a net that predicts tokens, such as mt.gpt()")
    tokenizer.check(net.layers)
    temperature = number("temperature", temperature, above=0)
    rng: Any = seed if hasattr(seed, "random") else generator(seed)
    try:
        start = [tokenizer.end, *tokenizer.numbers(prompt)]
    except DataError as error:
        raise DataError(f"prompt: {error}") from None
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
