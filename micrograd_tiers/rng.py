"""Random generators from seeds, with a clear error for a seed that cannot be used."""

import operator

import numpy as np

from .arguments import shown


def generator(seed: int | np.random.Generator) -> np.random.Generator:
    """Return a NumPy Generator for a seed; a Generator is returned as it is.

    Raises
    ------
    ValueError
        If the seed is not an integer of at least 0.
    """
    if isinstance(seed, np.random.Generator):
        return seed
    try:
        return np.random.default_rng(-1 if isinstance(seed, bool) else operator.index(seed))
    except (TypeError, ValueError):
        raise ValueError(
            f"seed is {shown(seed)}, expected a whole number of at least 0, or a numpy.random.Generator"
        ) from None
