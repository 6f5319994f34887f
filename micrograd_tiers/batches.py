"""Mini-batches: samples and targets in the order of an epoch, as arrays of the tier."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import shown
from .conversion import as_dtype, as_numbers
from .errors import DataError
from .inputs import check_finite
from .layers.base import Shape
from .network import Network
from .targets import Targets

BLOCK = 65_536  # numbers that are gathered and converted for the tier at a time: 512 KB of float64


class Batches:
    """The mini-batches of all epochs; call `reorder` at the start of each epoch.

    Parameters
    ----------
    net : Network
        The arrays are converted for its tier.
    X : ndarray, shape (N, ...)
    targets : Targets
    batch_size : int
        Samples per mini-batch; the last one of an epoch may be smaller.

    Attributes
    ----------
    shape : tuple of int
        Shape of a sample in the latest mini-batch: documents are only as long as the longest of them.
    """

    def __init__(self, net: Network, X: NDArray[Any], targets: Targets, batch_size: int) -> None:
        self.net, self.X, self.targets, self.batch_size = net, X, targets, batch_size
        self.shape = X.shape[1:]
        self._x: Any = None

    def reorder(self, order: NDArray[Any]) -> None:
        """Start an epoch of the given samples, in their order."""
        self.order, self._block = order, range(0)

    def at(self, position: int) -> tuple[Any, tuple[Any, ...], Targets]:
        """Return the mini-batch that starts at the given position in the epoch.

        Returns
        -------
        x : array of the tier
        arrays : tuple of array of the tier
            The targets and, if there are any, the sample weights.
        targets : Targets
            The mini-batch's targets and weights as ndarrays, with the loss that takes them.
        """
        if position not in self._block:
            padded = self.net.predicts_tokens
            batches = 1 if padded else max(1, BLOCK // (self.X[0].size * self.batch_size))
            self._block = range(position, min(position + batches * self.batch_size, len(self.order)))
            chosen = self.order[self._block.start : self._block.stop]
            self._x = None  # so that the next block can use its memory
            X, self._targets = self.X.take(chosen, axis=0), self.targets.of(chosen)
            if padded:  # the padding that all of these documents have is left out
                longest = 1 + int(np.flatnonzero(((X >= 0) | self._targets.counted).any(axis=0))[-1])
                X, self._targets = X[:, :longest], self._targets.up_to(longest)
            self.shape = X.shape[1:]
            self._x, self._arrays = self.net.tier_samples(X), self.net.tier_targets(self._targets)
        if len(self._block) <= self.batch_size:  # one mini-batch
            return self._x, self._arrays, self._targets
        start = position - self._block.start
        batch = slice(start, start + self.batch_size)
        return self._x[batch], tuple(array[batch] for array in self._arrays), self._targets.of(batch)


def check_batches(net: Network, samples_shape: Shape, batch_size: int, drop_last: bool) -> None:
    """Raise a ValueError if no mini-batch of samples (N, ...) is left, or one is too small for the net to train on."""
    n, *shape = samples_shape
    if drop_last and n < batch_size:
        raise ValueError(
            f"drop_last is True, and {n} samples do not fill a mini-batch of {batch_size}: choose a batch_size of at "
            f"most {n}"
        )
    last = 0 if drop_last else n % batch_size
    for size in {min(batch_size, n), last} - {0}:
        try:
            net.check_batch((size, *shape))
        except ValueError as error:
            way_out = "choose a larger batch_size"
            if size == last < n:
                way_out = (
                    f"the last mini-batch of {n} samples has {size}; leave it out with drop_last=True (--drop-last), "
                    "or choose another batch_size"
                )
            raise ValueError(f"{error}: {way_out}") from None


def checked_pair(validation: Any, n_samples: int) -> tuple[Any, Any]:
    """Return the validation set (X, y), still unchecked; raise a ValueError if it is not a pair."""
    if isinstance(validation, tuple | list):
        if len(validation) == 2:
            return validation[0], validation[1]
        raise ValueError(f"validation has length {len(validation)}, expected a pair (X, y)")
    message = f"validation is {shown(validation)}, expected a pair (X, y)"
    if isinstance(validation, int | float) and not isinstance(validation, bool) and 0 < validation < n_samples:
        n = max(1, round(validation * n_samples)) if validation < 1 else int(validation)
        message += f": set samples aside with X, y, *validation = mt.datasets.train_validation_split(X, y, {n})"
    raise ValueError(message)


def checked_set(
    net: Network, X: ArrayLike, y: ArrayLike, which: str, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[Any], Targets]:
    """Return samples and targets in the form the net trains on, or raise a DataError that begins with `which`."""
    try:
        samples = net.check_samples(X)
        targets = net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:])
        check_finite(samples, X)
        if not np.isfinite(targets.values).all():  # although y is finite
            as_dtype(as_numbers(y, "y"), net.dtype, "y")
    except DataError as error:
        raise DataError(f"{which}{error}") from None
    return samples, targets
