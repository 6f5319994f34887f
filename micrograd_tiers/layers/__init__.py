"""Layers: immutable descriptions of a network's steps, written once for all tiers; the network holds the weights."""

from .activation import ELU, ReLU, Sigmoid, SquaredReLU, Tanh
from .base import Layer
from .convolution import AvgPool2d, Conv2d, MaxPool2d
from .dense import Linear
from .documents import Attention, Embedding, LayerNorm, Position, Project, RMSNorm
from .dropout import Dropout
from .normalization import BatchNorm1d, BatchNorm2d
from .residual import Fork, Join, residual
from .shape import Flatten, Reshape

__all__ = [
    "ELU", "Attention", "AvgPool2d", "BatchNorm1d", "BatchNorm2d", "Conv2d", "Dropout", "Embedding", "Flatten", "Fork",
    "Join", "Layer", "LayerNorm", "Linear", "MaxPool2d", "Position", "Project", "RMSNorm", "ReLU", "Reshape", "Sigmoid",
    "SquaredReLU", "Tanh", "residual",
]  # fmt: skip
