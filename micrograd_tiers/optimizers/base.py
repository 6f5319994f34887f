"""The base of all optimizers: what it does with a net, once a rule says how one parameter moves."""

from dataclasses import dataclass, field
from typing import Any

from ..arguments import make_number

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
