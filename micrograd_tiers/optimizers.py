"""Optimizers: how a gradient moves the weights. Immutable settings; what a run remembers is a dict that it owns.

The rules are written once, for all tiers, with the tier's `elementwise` and `add_scaled`.
"""

import math
from dataclasses import dataclass, field
from typing import Any

from .arguments import make_number

Memory = dict[str, Any]  # of one parameter: arrays by slot
State = dict[str, Memory]  # by parameter


@dataclass(frozen=True)
class Optimizer:
    """The base of all optimizers.

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

    def __post_init__(self) -> None:
        make_number(self, "learning_rate", above=0)
        make_number(self, "weight_decay", at_least=0)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays that are remembered for each parameter."""
        return ()

    @property
    def numbers_per_parameter(self) -> int:
        """Count of the numbers that are remembered for each parameter."""
        return len(self.slots)

    @property
    def gradient_factor(self) -> float:
        """Factor of the gradients: the backward pass starts from it, divided by the number of samples."""
        return 1.0

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return what is to be added to a parameter.

        Parameters
        ----------
        tier : Tier
        gradient : array of the tier
            Times `gradient_factor`.
        parameter : array of the tier
            It is not changed.
        memory : dict
            What is remembered of this parameter; empty at the first step.
        """
        raise NotImplementedError

    def apply(self, net: Any, gradients: dict[str, Any], state: State) -> None:
        """Move the weights of net once, given gradients times `gradient_factor` as from `net.backprop`."""
        tier, parameters = net.functions, net.parameters
        for name, gradient in gradients.items():
            parameter, memory = parameters[name], state.setdefault(name, {})
            moved = tier.add_scaled(parameter, self.update(tier, gradient, parameter, memory), 1.0)
            if moved is not None:  # arrays that cannot be changed in place
                parameters[name] = moved

    def step(self, net: Any, grads: dict[str, Any], state: State) -> None:
        """Move the weights of net once.

        Parameters
        ----------
        net : Network
        grads : dict
            As from `net.loss_and_grads`. A parameter that is not among them stays as it is.
        state : dict
            What the optimizer remembers between steps: starts empty and belongs to one training run.
        """
        factor = self.gradient_factor
        for name, gradient in grads.items():  # one by one: no copies of all are held
            own = net.tier.elementwise(lambda g: factor * g, net.tier_array(gradient))
            self.apply(net, {name: own}, state)

    def _with_decay(self, tier: Any, gradient: Any, parameter: Any) -> Any:
        """Return the gradient with that of the L2 penalty."""
        if not self.weight_decay:
            return gradient
        return tier.elementwise(lambda g, w: g + self.weight_decay * w, gradient, parameter)


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
    def slots(self) -> tuple[str, ...]:
        """The velocity, with momentum."""
        return ("velocity",) if self.momentum else ()

    @property
    def gradient_factor(self) -> float:
        """Minus the learning rate, without momentum and weight decay; else 1.

        In the plain case the gradient then is what has to be added already. That saves a tenth of a step of 784-300-10
        on 64 samples, float32.
        """
        return 1.0 if self.momentum or self.weight_decay else -self.learning_rate

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return what is to be added to a parameter."""
        if not (self.momentum or self.weight_decay):
            return gradient  # times gradient_factor, which is minus the learning rate
        rate, decay, momentum = -self.learning_rate, self.weight_decay, self.momentum
        if not momentum:
            return tier.elementwise(lambda g, w: rate * (g + decay * w), gradient, parameter)
        velocity = gradient = self._with_decay(tier, gradient, parameter)
        if memory:
            velocity = tier.elementwise(lambda v, g: momentum * v + g, memory["velocity"], gradient)
        memory["velocity"] = velocity
        if self.nesterov:
            return tier.elementwise(lambda g, v: rate * (g + momentum * v), gradient, velocity)
        return tier.elementwise(lambda v: rate * v, velocity)


@dataclass(frozen=True)
class Adam(Optimizer):
    """Adam: steps of about the same size for every parameter, from running means of gradient and squared gradient.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
    beta1, beta2 : float
        Share of the running means that is kept at each step, from 0 to below 1.
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
    def slots(self) -> tuple[str, ...]:
        """Running means of the gradient and of its square; besides them the number of steps is counted."""
        return ("mean", "square")

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return what is to be added to a parameter."""
        return self._adam(tier, self._with_decay(tier, gradient, parameter), memory)

    def _adam(self, tier: Any, gradient: Any, memory: Memory) -> Any:
        elementwise, b1, b2 = tier.elementwise, self.beta1, self.beta2
        if not memory:
            memory["mean"] = memory["square"] = elementwise(lambda g: 0.0 * g, gradient)
        t = memory["count"] = memory.get("count", 0) + 1
        mean = elementwise(lambda m, g: b1 * m + (1 - b1) * g, memory["mean"], gradient)
        square = elementwise(lambda s, g: b2 * s + (1 - b2) * (g * g), memory["square"], gradient)
        memory["mean"], memory["square"] = mean, square

        rate, mean_unbiased, square_unbiased = -self.learning_rate, 1 / (1 - b1**t), 1 / (1 - b2**t)
        return elementwise(
            lambda m, s: rate * (m * mean_unbiased / (_sqrt(s * square_unbiased) + self.epsilon)), mean, square
        )


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

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return what is to be added to a parameter."""
        shrink = self.learning_rate * self.weight_decay
        return tier.elementwise(lambda a, w: a - shrink * w, self._adam(tier, gradient, memory), parameter)


@dataclass(frozen=True)
class RMSprop(Optimizer):
    """Gradient over the root of a running mean of its square: steps of about the same size for every parameter.

    Parameters
    ----------
    learning_rate, weight_decay : float
        As in `Optimizer`.
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
        """The running mean of the squared gradient."""
        return ("square",)

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return what is to be added to a parameter."""
        elementwise, rate = tier.elementwise, -self.learning_rate
        gradient = self._with_decay(tier, gradient, parameter)
        if not memory:
            memory["square"] = elementwise(lambda g: 0.0 * g, gradient)
        square = elementwise(lambda s, g: self.beta * s + (1 - self.beta) * (g * g), memory["square"], gradient)
        memory["square"] = square
        return elementwise(lambda g, s: rate * (g / (_sqrt(s) + self.epsilon)), gradient, square)


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def _sqrt(x: Any) -> Any:
    """Square root of a float or an array: correctly rounded in both cases, which float ** 0.5 is not."""
    return math.sqrt(x) if isinstance(x, float) else x**0.5
