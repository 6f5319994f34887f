"""Glyphs for the scenes, drawn once for both the right program and the wrong one."""

from functools import lru_cache
from typing import Any

from numpy.typing import NDArray

from ....datasets import draw_glyphs
from ....rng import generator

Samples = tuple[NDArray[Any], NDArray[Any]]

N_TRAIN, N_TRAIN_SCALAR, N_TEST, CLASSES = 1_500, 300, 500, 10


@lru_cache(maxsize=1)
def glyphs(seed: int) -> Samples:
    """Draw the test samples, then the training samples. The arrays are read-only, because both programs share them."""
    X, y = draw_glyphs(N_TEST + N_TRAIN, rng=generator(seed))
    X.flags.writeable = y.flags.writeable = False
    return X, y
