"""Schedules, which lower the learning rate from epoch to epoch, or from step to step."""

import math
from dataclasses import dataclass
from typing import ClassVar

from .arguments import make_number, make_whole


@dataclass(frozen=True)
class Schedule:
    """Base class of all schedules.

    Attributes
    ----------
    by_step : bool
        True if the rate changes at each step; by default it changes at each epoch.
    """

    by_step: ClassVar[bool] = False

    def factor(self, epoch: int) -> float:
        """Return the factor of the optimizer's learning rate in an epoch, or a step if `by_step`, counted from 0."""
        raise NotImplementedError


@dataclass(frozen=True)
class StepDecay(Schedule):
    """Step decay: every few epochs, the learning rate is multiplied by a factor.

    Parameters
    ----------
    every : int
        Number of epochs between two decays, at least 1.
    by : float
        The factor, above 0, at most 1.
    """

    every: int
    by: float = 0.1

    def __post_init__(self) -> None:
        make_whole(self, "every")
        make_number(self, "by", above=0, at_most=1)

    def factor(self, epoch: int) -> float:
        """Return by ** (epoch // every)."""
        return float(self.by ** (epoch // self.every))


@dataclass(frozen=True)
class CosineAnnealing(Schedule):
    """Cosine annealing: the learning rate falls along half a cosine to a share of its initial value, and stays there.

    Parameters
    ----------
    epochs : int
        Number of epochs over which it falls, at least 1.
    floor : float
        Final share of the initial learning rate, above 0, below 1.

    References
    ----------
    I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts", ICLR 2017, equation 5,
    https://arxiv.org/abs/1608.03983
    """

    epochs: int
    floor: float = 0.001

    def __post_init__(self) -> None:
        make_whole(self, "epochs")
        make_number(self, "floor", above=0, below=1)

    def factor(self, epoch: int) -> float:
        """Return floor + (1 - floor) (1 + cos(pi epoch / epochs)) / 2."""
        progress = min(epoch, self.epochs) / self.epochs
        return self.floor + (1 - self.floor) * (1 + math.cos(math.pi * progress)) / 2


@dataclass(frozen=True)
class LinearDecay(Schedule):
    """Linear decay: step by step, the learning rate falls to 0, which it would reach after the last step.

    Parameters
    ----------
    steps : int
        Number of steps over which it falls, at least 1. Later steps would have no effect.
    """

    by_step: ClassVar[bool] = True
    steps: int

    def __post_init__(self) -> None:
        make_whole(self, "steps")

    def factor(self, epoch: int) -> float:
        """Return 1 - step / steps, at least 0."""
        return max(0.0, 1 - epoch / self.steps)
