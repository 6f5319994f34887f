"""Optimizers: how a gradient moves the weights. Immutable settings; what a run remembers is a dict that it owns.

The rules are written once, for all tiers, with two operations of the tier: `add_scaled` and `elementwise`.
"""

import math
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from .arguments import make_number
from .network import Network

State = dict[str, Any]


@dataclass(frozen=True)
class Optimizer:
    """What all optimizers share.

    Parameters
    ----------
    learning_rate : float
        Size of a step, positive and finite.
    weight_decay : float
        Factor of the L2 penalty, at least 0: weight_decay * parameter is added to each parameter's gradient. As in
        PyTorch, biases decay too, and the reported loss does not contain the penalty.
    """

    learning_rate: float
    weight_decay: float = field(default=0.0, kw_only=True)
    decays_gradient: ClassVar[bool] = True  # whether the decay is part of the gradient

    def __post_init__(self) -> None:
        make_number(self, "learning_rate", above=0)
        make_number(self, "weight_decay", at_least=0)

    @property
    def numbers_per_parameter(self) -> int:
        """How many numbers are remembered for each parameter."""
        return 0

    @property
    def scale(self) -> float:
        """By what `Network.backprop` should multiply the gradients for `step`.

        Gradient descent asks for them times minus its learning rate: then only a sum is left to do in the update, which
        saves a tenth of a step of 784-300-10 on 64 samples, float32.
        """
        return 1.0

    def step(self, net: Network, grads: dict[str, Any], state: State, scale: float = 1.0) -> None:
        """Move the weights of net once, in place.

        Parameters
        ----------
        net : Network
        grads : dict
            As from `net.backprop` or `net.loss_and_grads`. A parameter that is not among them stays as it is.
        state : dict
            What the optimizer remembers between steps: starts empty and belongs to one training run.
        scale : float
            By what grads have been multiplied: 1, or `self.scale`.
        """
        rate = -self.learning_rate / scale
        for name, gradient in grads.items():
            parameter = net.parameters[name]
            if isinstance(gradient, np.ndarray):
                gradient = net.tier.asarray(gradient, net.dtype)
            if self.weight_decay and self.decays_gradient:
                gradient = net.tier.elementwise(lambda g, w: g + self.weight_decay * w, gradient, parameter)
            self._move(net, name, parameter, gradient, state, rate)

    def _move(self, net: Network, name: str, parameter: Any, gradient: Any, state: State, rate: float) -> None:
        raise NotImplementedError


@dataclass(frozen=True)
class SGD(Optimizer):
    """Stochastic gradient descent: parameter -= learning_rate * velocity, velocity = momentum * velocity + gradient.

    With Nesterov's momentum the step is learning_rate * (gradient + momentum * velocity): the gradient counts as if it
    were taken where the velocity leads.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    momentum : float
        From 0 (none) to below 1. The velocity starts as the first gradient, as in PyTorch.
    nesterov : bool
        Whether the momentum is Nesterov's.

    References
    ----------
    I. Sutskever et al., "On the importance of initialization and momentum in deep learning", ICML 2013.
    """

    learning_rate: float = 0.1
    momentum: float = 0.0
    nesterov: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        make_number(self, "momentum", at_least=0, below=1)
        if self.nesterov and not self.momentum:
            raise ValueError("SGD: nesterov needs a momentum above 0, such as 0.9")

    @property
    def numbers_per_parameter(self) -> int:
        """1 with momentum, else 0."""
        return int(self.momentum > 0)

    @property
    def scale(self) -> float:
        """Minus the learning rate, unless gradients are mixed with something else."""
        return 1.0 if self.momentum or self.weight_decay else -self.learning_rate

    def _move(self, net: Network, name: str, parameter: Any, gradient: Any, state: State, rate: float) -> None:
        if self.momentum:
            key = f"velocity.{name}"
            raw = gradient
            if key in state:
                gradient = net.tier.elementwise(lambda v, g: self.momentum * v + g, state[key], gradient)
            state[key] = gradient
            if self.nesterov:
                gradient = net.tier.elementwise(lambda g, v: g + self.momentum * v, raw, state[key])
        net.tier.add_scaled(parameter, gradient, rate)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps of about the same size for every parameter, from running means of gradient and squared gradient.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    beta1, beta2 : float
        How much of the running means is kept at each step, from 0 to below 1.
    epsilon : float
        Added to the root of the squared mean, above 0.

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
    def numbers_per_parameter(self) -> int:
        """2, the running means of gradient and squared gradient."""
        return 2

    def _move(self, net: Network, name: str, parameter: Any, gradient: Any, state: State, rate: float) -> None:
        elementwise, b1, b2 = net.tier.elementwise, self.beta1, self.beta2
        mean_key, square_key, count_key = f"mean.{name}", f"square.{name}", f"count.{name}"
        if mean_key not in state:
            state[mean_key] = state[square_key] = elementwise(lambda g: 0.0 * g, gradient)
        t = state[count_key] = state.get(count_key, 0) + 1
        mean = elementwise(lambda m, g: b1 * m + (1 - b1) * g, state[mean_key], gradient)
        square = elementwise(lambda s, g: b2 * s + (1 - b2) * (g * g), state[square_key], gradient)
        state[mean_key], state[square_key] = mean, square

        mean_unbiased, square_unbiased = 1 / (1 - b1**t), 1 / (1 - b2**t)
        direction = elementwise(
            lambda m, s: m * mean_unbiased / (_sqrt(s * square_unbiased) + self.epsilon), mean, square
        )
        net.tier.add_scaled(parameter, direction, rate)


@dataclass(frozen=True)
class AdamW(Adam):
    """Adam with decoupled weight decay: the weights shrink by learning_rate * weight_decay, apart from the gradient.

    Parameters
    ----------
    learning_rate, beta1, beta2, epsilon : float
        As in `Adam`.
    weight_decay : float
        At least 0. It is not part of the gradient, so that Adam does not divide it by the gradient's size.

    References
    ----------
    I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", ICLR 2019, https://arxiv.org/abs/1711.05101
    """

    weight_decay: float = field(default=0.01, kw_only=True)
    decays_gradient: ClassVar[bool] = False

    def _move(self, net: Network, name: str, parameter: Any, gradient: Any, state: State, rate: float) -> None:
        if self.weight_decay:
            net.tier.add_scaled(parameter, parameter, -self.learning_rate * self.weight_decay)
        super()._move(net, name, parameter, gradient, state, rate)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradient over the root of a running mean of its square: steps of about the same size for every parameter.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    beta : float
        How much of the running mean is kept at each step, from 0 to below 1.
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
    def numbers_per_parameter(self) -> int:
        """1, the running mean of the squared gradient."""
        return 1

    def _move(self, net: Network, name: str, parameter: Any, gradient: Any, state: State, rate: float) -> None:
        elementwise, key = net.tier.elementwise, f"square.{name}"
        if key not in state:
            state[key] = elementwise(lambda g: 0.0 * g, gradient)
        state[key] = elementwise(lambda s, g: self.beta * s + (1 - self.beta) * (g * g), state[key], gradient)
        direction = elementwise(lambda g, s: g / (_sqrt(s) + self.epsilon), gradient, state[key])
        net.tier.add_scaled(parameter, direction, rate)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def _sqrt(x: Any) -> Any:
    """Square root of a float or an array: correctly rounded in both cases, which float ** 0.5 is not."""
    return math.sqrt(x) if isinstance(x, float) else x**0.5
