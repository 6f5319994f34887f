"""Optimizers that divide each parameter's step by the root of a running mean of its squared gradient."""

import math
from dataclasses import dataclass, field
from typing import Any

from ..arguments import make_number
from .base import Memory, Optimizer


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: the running mean of the gradient, divided by the root of the running mean of its square.

    Steps are therefore of about the same size for every parameter. Both means are corrected for their start at 0.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `SGD`.
    beta1, beta2 : float
        Share of the running mean that is kept at each step: beta1 for the gradient, beta2 for its square. From 0 to
        below 1.
    epsilon : float
        Added to the root of the mean square, above 0.

    References
    ----------
    D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", ICLR 2015, algorithm 1,
    https://arxiv.org/abs/1412.6980
    """

    learning_rate: float = 0.001
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        make_number(self, "beta1", at_least=0, below=1)
        make_number(self, "beta2", at_least=0, below=1)
        make_number(self, "epsilon", above=0)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the stored arrays: running means of the gradient and of its square; a count of steps is kept too."""
        return ("mean", "square")

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return the change of a parameter."""
        return self._adam(tier, self._with_decay(tier, gradient, parameter), memory)

    def _adam(self, tier: Any, gradient: Any, memory: Memory) -> Any:
        elementwise, b1, b2 = tier.elementwise, self.beta1, self.beta2
        if not memory:
            memory["mean"] = memory["square"] = elementwise(lambda g: 0.0 * g, gradient)
        t = memory["count"] = memory.get("count", 0) + 1
        # Each replaces the one before at once, so that they do not take up memory together.
        memory["mean"] = elementwise(lambda m, g: b1 * m + (1 - b1) * g, memory["mean"], gradient)
        memory["square"] = elementwise(lambda s, g: b2 * s + (1 - b2) * (g * g), memory["square"], gradient)

        rate, mean_unbiased, square_unbiased = -self.learning_rate, 1 / (1 - b1**t), 1 / (1 - b2**t)
        return elementwise(
            lambda m, s: rate * (m * mean_unbiased / (_sqrt(s * square_unbiased) + self.epsilon)),
            memory["mean"],
            memory["square"],
        )


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: each step also subtracts learning_rate * weight_decay * parameter.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
        As in `Adam`.
    weight_decay : float
        At least 0. The decay is not part of the gradient, so Adam does not divide it by the gradient's size.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, https://arxiv.org/abs/1711.05101
    """

    weight_decay: float = field(default=0.01, kw_only=True)

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return the change of a parameter."""
        shrink = self.learning_rate * self.weight_decay
        return tier.elementwise(lambda a, w: a - shrink * w, self._adam(tier, gradient, memory), parameter)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """RMSprop: the gradient is divided by the root of a running mean of its square.

    Steps are therefore of about the same size for every parameter.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `SGD`.
    beta : float
        Share of the running mean that is kept at each step, from 0 to below 1.
    epsilon : float
        Added to the root, above 0.

    References
    ----------
    T. Tieleman and G. Hinton, "Lecture 6.5: rmsprop", COURSERA: Neural networks for machine learning, 2012.
    """

    learning_rate: float = 0.001
    beta: float = 0.99
    epsilon: float = 1e-8

    def __post_init__(self) -> None:
        super().__post_init__()
        make_number(self, "beta", at_least=0, below=1)
        make_number(self, "epsilon", above=0)

    @property
    def slots(self) -> tuple[str, ...]:
        """Name of the stored array: the running mean of the squared gradient."""
        return ("square",)

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return the change of a parameter."""
        elementwise, rate = tier.elementwise, -self.learning_rate
        gradient = self._with_decay(tier, gradient, parameter)
        if not memory:
            memory["square"] = elementwise(lambda g: 0.0 * g, gradient)
        square = elementwise(lambda s, g: self.beta * s + (1 - self.beta) * (g * g), memory["square"], gradient)
        memory["square"] = square
        return elementwise(lambda g, s: rate * (g / (_sqrt(s) + self.epsilon)), gradient, square)


def _sqrt(x: Any) -> Any:
    """Return the square root of a float or an array, correctly rounded in both cases; float ** 0.5 is not."""
    return math.sqrt(x) if isinstance(x, float) else x**0.5
