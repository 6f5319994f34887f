"""Layers: immutable descriptions of what is done, written once for all tiers; the network holds the weights."""

from .activation import ELU, ReLU, Sigmoid, Tanh
from .base import Layer
from .dense import Linear

__all__ = ["ELU", "Layer", "Linear", "ReLU", "Sigmoid", "Tanh"]
