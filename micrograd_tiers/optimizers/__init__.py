"""Optimizers: the rules by which gradients change the weights.

An optimizer holds immutable settings only; its state is a dict that belongs to the training run. The rules are written
once for all tiers, with the tier's `elementwise` and `add_scaled`.
"""

from .adaptive import Adam, AdamW, RMSprop
from .base import Memory, Optimizer, State
from .sgd import SGD

__all__ = ["OPTIMIZERS", "SGD", "Adam", "AdamW", "Memory", "Optimizer", "RMSprop", "State"]

OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "rmsprop": RMSprop, "adam": Adam, "adamw": AdamW}
