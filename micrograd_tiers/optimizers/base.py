"""Base class of all optimizers: it applies the rule for one parameter to a whole net."""

from dataclasses import dataclass, field
from typing import Any

from ..arguments import make_number
from ..tiers.sums import Sum

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

    @property
    def adds_gradient(self) -> bool:
        """True if the change of a parameter is just its gradient times `gradient_factor`."""
        return False

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

    def apply(self, net: Any, gradients: dict[str, Sum], state: State) -> None:
        """Update the weights of net once, from gradients times `gradient_factor`, as returned by `net.backprop`."""
        tier, parameters, adds_gradient = net.functions, net.parameters, self.adds_gradient
        for name, gradient in gradients.items():
            parameter = parameters[name]
            if adds_gradient:
                parameters[name] = gradient.value(parameter)
            else:
                change = self.update(tier, gradient.value(), parameter, state.setdefault(name, {}))
                parameters[name] = gradient.added(parameter, change)

    def step(self, net: Any, grads: dict[str, Any], state: State) -> None:
        """Update the weights of net once.

        Parameters
        ----------
        net : Network
        grads : dict
            Gradients, as from `net.loss_and_grads`. A parameter that is not among them stays as it is.
        state : dict
            The optimizer's memory between steps. It starts empty and belongs to one training run.

        Raises
        ------
        ValueError
            If a gradient has another shape than its parameter.
        """
        tier, factor = net.functions, self.gradient_factor
        for name, gradient in grads.items():  # one at a time, so that they are never all copied at once
            net.check_gradient(name, gradient)
            scaled = tier.new_sum()
            scaled.add(lambda own: tier.elementwise(lambda g: factor * g, own), net.tier_array(gradient))
            self.apply(net, {name: scaled}, state)

    def _with_decay(self, tier: Any, gradient: Any, parameter: Any) -> Any:
        """Return the gradient plus that of the L2 penalty."""
        if not self.weight_decay:
            return gradient
        return tier.elementwise(lambda g, w: g + self.weight_decay * w, gradient, parameter)
