"""Glyphs of the scenes, drawn once for the right program and the wrong one."""

from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from ....datasets import draw_glyphs
from ....rng import generator

Samples = tuple[NDArray[Any], NDArray[Any]]

N_TRAIN, N_TRAIN_SCALAR, N_TEST, CLASSES = 1_500, 300, 500, 10


@lru_cache(maxsize=1)
def glyphs(seed: int) -> Samples:
    """Draw test samples first, then training samples; the same arrays for both programs, so they are read-only."""
    X, y = draw_glyphs(N_TEST + N_TRAIN, rng=generator(seed))
    X.flags.writeable = y.flags.writeable = False
    return X, y
