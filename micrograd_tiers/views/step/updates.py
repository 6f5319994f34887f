"""The first update of a parameter by an optimizer, and its formulas."""

from typing import Any

from ...optimizers import SGD, Adam, AdamW, Optimizer, RMSprop
from .formulas import Equation


def update_formulas(optimizer: Optimizer) -> list[Equation]:
    """Return the formulas of the first update by an optimizer: of its memory, the change, and the new parameter.

    The memory is 0 before the first step. An optimizer that is not the package's own has only the last formula.
    """
    g = "gradient[...] + weight_decay * parameter[...]" if optimizer.weight_decay else "gradient[...]"
    in_brackets = f"({g})" if optimizer.weight_decay else g
    mean, square = "mean[...] / (1 - beta1 ** count)", "square[...] / (1 - beta2 ** count)"
    of_adam = f"-learning_rate * ({mean}) / (sqrt({square}) + epsilon)"
    pairs: dict[str, str] = {}
    if type(optimizer) is SGD and optimizer.momentum:
        ahead = f"({g} + momentum * velocity[...])" if optimizer.nesterov else "velocity[...]"
        pairs = {"velocity": g, "change": f"-learning_rate * {ahead}"}
    elif type(optimizer) is SGD:
        pairs = {"change": f"-learning_rate * {in_brackets}"}
    elif type(optimizer) is RMSprop:
        change = f"-learning_rate * {in_brackets} / (sqrt(square[...]) + epsilon)"
        pairs = {"square": f"beta * 0 + (1 - beta) * {in_brackets} ** 2", "change": change}
    elif type(optimizer) in (Adam, AdamW):
        decoupled = type(optimizer) is AdamW
        g = "gradient[...]" if decoupled else in_brackets
        pairs = {"mean": f"beta1 * 0 + (1 - beta1) * {g}", "square": f"beta2 * 0 + (1 - beta2) * {g} ** 2"}
        decay = " - learning_rate * weight_decay * parameter[...]" if decoupled and optimizer.weight_decay else ""
        pairs["change"] = of_adam + decay
    pairs["new"] = "parameter[...] + change[...]"
    return [Equation(f"{name}[...]", right) for name, right in pairs.items()]


def updated(tier: Any, optimizer: Any, gradient: Any, parameter: Any) -> dict[str, Any]:
    """Return the memory of an optimizer after its first update of a parameter, the change, and the new parameter."""
    factor, memory = optimizer.gradient_factor, dict[str, Any]()
    change = optimizer.update(tier, tier.elementwise(lambda g: factor * g, gradient), parameter, memory)
    new = tier.elementwise(lambda w: 1.0 * w, parameter)
    moved = tier.add_scaled(new, change, 1.0)
    return {**memory, "change": change, "new": new if moved is None else moved}
