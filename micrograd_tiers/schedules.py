"""Schedules: how the learning rate falls from epoch to epoch."""

import math
from dataclasses import dataclass

from .optimizers import check_range


@dataclass(frozen=True)
class Schedule:
    """What all schedules share."""

    def factor(self, epoch: int) -> float:
        """Return by what the optimizer's learning rate is multiplied in an epoch, counted from 0."""
        raise NotImplementedError


@dataclass(frozen=True)
class StepDecay(Schedule):
    """The learning rate is multiplied by a factor every so many epochs.

    Parameters
    ----------
    every : int
        Epochs between two steps, at least 1.
    by : float
        The factor, above 0, at most 1.
    """

    every: int
    by: float = 0.1

    def __post_init__(self) -> None:
        check_epochs(self, "every")
        check_range(self, "by", above=0, below=math.nextafter(1, 2))

    def factor(self, epoch: int) -> float:
        """Return by ** (epoch // every)."""
        return float(self.by ** (epoch // self.every))


@dataclass(frozen=True)
class CosineAnnealing(Schedule):
    """The learning rate falls along half a cosine, from all of it to a share of it, and stays there.

    Parameters
    ----------
    epochs : int
        How long it falls, at least 1.
    floor : float
        The share that is left in the end, above 0, below 1.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
    https://arxiv.org/abs/1608.03983
    """

    epochs: int
    floor: float = 0.001

    def __post_init__(self) -> None:
        check_epochs(self, "epochs")
        check_range(self, "floor", above=0, below=1)

    def factor(self, epoch: int) -> float:
        """Return floor + (1 - floor) (1 + cos(pi epoch / epochs)) / 2."""
        progress = min(epoch, self.epochs) / self.epochs
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2


def check_epochs(schedule: Schedule, name: str) -> None:
    """ValueError unless the setting of that name is a number of epochs."""
    value = getattr(schedule, name)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{type(schedule).__name__}: {name} is {value!r}, expected a whole number of at least 1")
