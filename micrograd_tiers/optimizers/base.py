"""Base class of all optimizers: it applies the rule for one parameter to a whole net."""

from dataclasses import dataclass, field
from typing import Any

from ..arguments import make_number

Memory = dict[str, Any]  # of one parameter: arrays by slot
State = dict[str, Memory]  # keyed by parameter


@dataclass(frozen=True)
class Optimizer:
    """Base class of all optimizers.

    Parameters
    ----------
    learning_rate : float
        Factor of each step, positive and finite.
    weight_decay : float
        Factor of the L2 penalty, at least 0; see `SGD`.
    """

    learning_rate: float
    weight_decay: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        make_number(self, "learning_rate", above=0)
        make_number(self, "weight_decay", at_least=0)

    @property
    def slots(self) -> tuple[str, ...]:
        """Names of the arrays that are stored for each parameter."""
        return ()

    @property
    def numbers_per_parameter(self) -> int:
        """Count of the numbers that are stored for each parameter."""
        return len(self.slots)

    @property
    def gradient_factor(self) -> float:
        """Factor of the gradients: the backward pass starts from it, divided by the number of samples."""
        return 1.0

    def update(self, tier: Any, gradient: Any, parameter: Any, memory: Memory) -> Any:
        """Return the change of a parameter: an array to be added to it.

        Parameters
        ----------
        tier : Tier
        gradient : array of the tier
            The gradient times `gradient_factor`.
        parameter : array of the tier
            Not changed here.
        memory : dict
            Arrays stored for this parameter, updated in place; empty at the first step.

        Returns
        -------
        array of the tier
        """
        raise NotImplementedError

    def apply(self, net: Any, gradients: dict[str, Any], state: State) -> None:
        """Update the weights of net once, from gradients times `gradient_factor`, as returned by `net.backprop`."""
        tier, parameters = net.functions, net.parameters
        for name, gradient in gradients.items():
            parameter, memory = parameters[name], state.setdefault(name, {})
            moved = tier.add_scaled(parameter, self.update(tier, gradient, parameter, memory), 1.0)
            if moved is not None:  # arrays that cannot be changed in place
                parameters[name] = moved

    def step(self, net: Any, grads: dict[str, Any], state: State) -> None:
        """Update the weights of net once.

        Parameters
        ----------
        net : Network
        grads : dict
            Gradients, as from `net.loss_and_grads`. A parameter that is not among them stays as it is.
        state : dict
            The optimizer's memory between steps. It starts empty and belongs to one training run.
        """
        factor = self.gradient_factor
        for name, gradient in grads.items():  # one at a time, so that they are never all copied at once
            own = net.tier.elementwise(lambda g: factor * g, net.tier_array(gradient))
            self.apply(net, {name: own}, state)

    def _with_decay(self, tier: Any, gradient: Any, parameter: Any) -> Any:
        """Return the gradient plus that of the L2 penalty."""
        if not self.weight_decay:
            return gradient
        return tier.elementwise(lambda g, w: g + self.weight_decay * w, gradient, parameter)
