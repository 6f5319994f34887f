"""Mini-batches: samples and targets in the order of an epoch, as arrays of the tier."""

from typing import Any

from numpy.typing import ArrayLike, NDArray

from .errors import DataError
from .inputs import check_finite
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
    """

    def __init__(self, net: Network, X: NDArray[Any], targets: Targets, batch_size: int) -> None:
        self.net, self.X, self.targets, self.batch_size = net, X, targets, batch_size

    def reorder(self, order: NDArray[Any]) -> None:
        """Start an epoch with the samples in the given order."""
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
            batches = max(1, BLOCK // (self.X[0].size * self.batch_size))
            self._block = range(position, min(position + batches * self.batch_size, len(self.X)))
            chosen = self.order[self._block.start : self._block.stop]
            self._x = self.net.tier.asarray(self.X[chosen], self.net.dtype)
            self._targets = self.targets.of(chosen)
            self._arrays = self.net.tier_targets(self._targets)
        start = position - self._block.start
        batch = slice(start, start + self.batch_size)
        return self._x[batch], tuple(array[batch] for array in self._arrays), self._targets.of(batch)


def checked_set(
    net: Network, X: ArrayLike, y: ArrayLike, which: str, sample_weight: ArrayLike | None = None
) -> tuple[NDArray[Any], Targets]:
    """Return samples and targets in the form the net trains on, or raise a DataError that begins with `which`."""
    try:
        samples = net.check_samples(X)
        targets = net.check_targets(y, len(samples), sample_weight, shape=samples.shape[1:])
        check_finite(samples)
    except DataError as error:
        raise DataError(f"{which}{error}") from None
    return samples, targets
