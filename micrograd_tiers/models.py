"""Ready-made networks."""

from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from .initializers import Initializer
from .layers import ELU, Layer, Linear, ReLU, Sigmoid, Tanh
from .network import Network
from .tiers import Tier

ACTIVATIONS: dict[str, Callable[[], Layer]] = {"sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU, "elu": ELU}


def mlp(
    sizes: Sequence[int],
    activation: str = "sigmoid",
    *,
    loss: str = "softmax_cross_entropy",
    tier: str | Tier = "tensor",
    dtype: str = "float64",
    exact: bool = False,
    init: str | Initializer = "xavier",
    seed: int | np.random.Generator = 0,
) -> Network:
    """Multi-layer perceptron: Linear layers with an activation between each two.

    Parameters
    ----------
    sizes : sequence of int
        Inputs, hidden units of each layer, outputs: [784, 300, 10]. Two sizes make softmax regression.
    activation : {"sigmoid", "tanh", "relu", "elu"}
        After every layer but the last.
    loss, tier, dtype, exact, init, seed
        As in `Network`.
    """
    if activation not in ACTIVATIONS:
        raise ValueError(f"unknown activation {activation!r}: expected one of {', '.join(ACTIVATIONS)}")
    if len(sizes) < 2:
        raise ValueError(f"mlp: sizes is {list(sizes)}, expected at least inputs and outputs")
    layers: list[Layer] = []
    for features_in, features_out in pairwise(sizes):
        layers += [Linear(features_in, features_out), ACTIVATIONS[activation]()]
    return Network(layers[:-1], loss, tier=tier, dtype=dtype, exact=exact, init=init, seed=seed)


def two_layer_net(
    n_inputs: int,
    n_hidden: int,
    n_classes: int,
    *,
    tier: str | Tier = "tensor",
    dtype: str = "float64",
    exact: bool = False,
    init: str | Initializer = "xavier",
    seed: int | np.random.Generator = 0,
) -> Network:
    """Two-layer net of the course: Linear, Sigmoid, Linear, with softmax cross-entropy.

    Parameters
    ----------
    n_inputs, n_hidden, n_classes : int
        I, H and C: 784, 300, 10 for MNIST.
    tier, dtype, exact, init, seed
        As in `Network`.
    """
    sizes = [n_inputs, n_hidden, n_classes]
    return mlp(sizes, "sigmoid", tier=tier, dtype=dtype, exact=exact, init=init, seed=seed)
