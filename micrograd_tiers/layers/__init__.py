"""Layers: immutable descriptions of a network's steps, written once for all tiers; the network holds the weights."""

from .activation import ELU, ReLU, Sigmoid, Tanh
from .base import Layer
from .convolution import AvgPool2d, Conv2d, MaxPool2d
from .dense import Linear
from .dropout import Dropout
from .normalization import BatchNorm1d, BatchNorm2d
from .shape import Flatten, Reshape

__all__ = [
    "ELU", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv2d", "Dropout", "Flatten", "Layer", "Linear", "MaxPool2d",
    "ReLU", "Reshape", "Sigmoid", "Tanh",
]  # fmt: skip
