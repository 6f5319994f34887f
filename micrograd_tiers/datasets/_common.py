"""Balanced labels, shared by the sets that are drawn."""

import numpy as np
from numpy.typing import NDArray

from ..arguments import whole_number


def balanced_labels(n: int, n_classes: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return (N,) labels whose counts differ by at most one, in random order."""
    return rng.permutation(np.arange(whole_number("n", n), dtype=np.int64) % n_classes)
