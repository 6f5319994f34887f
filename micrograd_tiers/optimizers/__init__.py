"""Optimizers: the rules by which gradients change the weights.

An optimizer holds immutable settings only; its state is a dict that belongs to the training run. The rules are written
once for all tiers, with the tier's `elementwise` and `add_scaled`.
"""

from ..arguments import chosen
from .adaptive import Adam, AdamW, RMSprop
from .base import Memory, Optimizer, State
from .sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Memory", "Optimizer", "RMSprop", "State", "get_optimizer"]

OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}


def get_optimizer(optimizer: str | type[Optimizer] | Optimizer) -> Optimizer:
    """Return an optimizer given by its name or class, with its default settings; an Optimizer is returned as it is.

    Raises
    ------
    ValueError
        If it is none of these.
    """
    return chosen("optimizer", optimizer, OPTIMIZERS, Optimizer, "an Optimizer such as Adam(0.001)")
