"""Ready-made networks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, starmap
from typing import Any

import numpy as np

from .arguments import check_name, number, shown, whole_number
from .initializers import Initializer
from .layers import (
    Attention,
    AvgPool2d,
    Conv2d,
    Dropout,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Linear,
    MaxPool2d,
    Position,
    Project,
    Reshape,
    RMSNorm,
    Sigmoid,
    residual,
)
from .layers.activation import ACTIVATIONS
from .losses import Loss
from .network import Network
from .tiers import Tier


def _checked_sizes(model: str, sizes: Any, needed: str) -> list[int]:
    """Return the sizes of a model's layers; raise a ValueError unless they are two or more whole numbers."""
    if isinstance(sizes, str) or not isinstance(sizes, Iterable):
        raise ValueError(f"{model}: sizes is {shown(sizes)}, expected whole numbers such as [784, 300, 10]")
    sizes = [*sizes]
    parts = ["inputs", *["hidden units"] * (len(sizes) - 2), needed.split()[-1]]
    checked = [whole_number(f"{model}: sizes[{i}] ({parts[i]})", size) for i, size in enumerate(sizes)]
    if len(checked) < 2:
        raise ValueError(f"{model}: sizes is {checked}, expected at least {needed}")
    return checked


POOLINGS: dict[str, Callable[[int], Layer]] = {"avg": AvgPool2d, "max": MaxPool2d}


def mlp(
    sizes: Sequence[int],
    activation: str = "sigmoid",
    *,
    dropout: float = 0.0,
    loss: str | Loss = "softmax_cross_entropy",
    tier: str | Tier = "tensor",
    dtype: str = "float64",
    exact: bool = False,
    init: str | Initializer = "xavier",
    label_smoothing: float = 0.0,
    seed: int | np.random.Generator = 0,
) -> Network:
    """Multilayer perceptron: Linear layers with an activation after each except the last.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of hidden units of each layer, and of outputs: [784, 300, 10]. Two sizes make softmax
        regression.
    activation : str
        Activation after every layer except the last: "sigmoid", "tanh", "relu" or "elu".
    dropout : float
        Probability of dropping each output of the hidden layers in training.
    loss, tier, dtype, exact, init, label_smoothing, seed
        As in `Network`.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If there are fewer than two sizes, the activation is unknown, or a setting is out of its range.
    """
    check_name("activation", activation, ACTIVATIONS)
    dropout = number("dropout", dropout, at_least=0, at_most=1)
    layers: list[Layer] = []
    for features_in, features_out in pairwise(_checked_sizes("mlp", sizes, "inputs and outputs")):
        layers += [Linear(features_in, features_out), ACTIVATIONS[activation]()]
        if dropout:
            layers.append(Dropout(dropout))
    del layers[-2 if dropout else -1 :]
    return Network(
        layers, loss, tier=tier, dtype=dtype, exact=exact, init=init, label_smoothing=label_smoothing, seed=seed
    )


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

    Returns
    -------
    Network
    """
    sizes = {"n_inputs": n_inputs, "n_hidden": n_hidden, "n_classes": n_classes}
    return mlp(
        [*starmap(whole_number, sizes.items())], "sigmoid", tier=tier, dtype=dtype, exact=exact, init=init, seed=seed
    )


def softmax_regression(n_inputs: int, n_classes: int, **options: Any) -> Network:
    """Softmax regression: a linear layer with softmax cross-entropy, a classifier without hidden units.

    Parameters
    ----------
    n_inputs, n_classes : int
        I and C: 784, 10 for MNIST.
    **options
        As in `Network`: tier, dtype, exact, init, label_smoothing, seed.

    Returns
    -------
    Network
    """
    return mlp([whole_number("n_inputs", n_inputs), whole_number("n_classes", n_classes)], **options)


def lenet5(activation: str = "sigmoid", pooling: str = "avg", *, n_classes: int = 10, **options: Any) -> Network:
    """LeNet-5 for images of 28 by 28 pixels, given as rows of 784: two convolutions and three dense layers.

    This is the simplified form of most courses: all channels are connected, and the net ends with softmax.

    Parameters
    ----------
    activation : str
        Activation after every layer except the last, as in `mlp`.
    pooling : {"avg", "max"}
        Pooling after each convolution, in windows of 2 by 2 pixels.
    n_classes : int
        C.
    **options
        As in `Network`: tier, dtype, exact, init, label_smoothing, seed.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If the activation or the pooling is unknown, or a setting is out of its range.

    References
    ----------
    Y. LeCun et al., "Gradient-based learning applied to document recognition", Proceedings of the IEEE 86 (1998).
    """
    check_name("activation", activation, ACTIVATIONS)
    check_name("pooling", pooling, POOLINGS)
    n_classes = whole_number("n_classes", n_classes)
    act, pool = ACTIVATIONS[activation], POOLINGS[pooling]
    layers = [
        Reshape((1, 28, 28)),
        *(Conv2d(1, 6, kernel_size=5, padding=2), act(), pool(2)),
        *(Conv2d(6, 16, kernel_size=5), act(), pool(2)),
        Flatten(),
        *(Linear(400, 120), act(), Linear(120, 84), act(), Linear(84, n_classes)),
    ]
    return Network(layers, **options)


NORMS: dict[str, Callable[[int], Layer]] = {"rms_norm": lambda features: RMSNorm(), "layer_norm": LayerNorm}


def gpt(
    n_tokens: int = 27,
    features: int = 16,
    heads: int = 4,
    n_blocks: int = 1,
    length: int = 16,
    activation: str = "relu",
    norm: str = "rms_norm",
    *,
    dropout: float = 0.0,
    init: str | Initializer = "normal:0.08",
    **options: Any,
) -> Network:
    """GPT: a net that reads a document and gives, at each position, the logits of the next token.

    Each block adds the output of two branches to its input: causal attention, and two layers with an activation, of
    which the first is four times as wide. All linear maps are without biases, and the head is not the transposed
    embedding. With the default settings it is the net of Karpathy's microgpt, of 4,192 parameters for 27 tokens.

    Parameters
    ----------
    n_tokens : int
        V, the number of different tokens, including one that begins and ends a document.
    features : int
        C, the number of features of each position.
    heads : int
        Number of attention heads, a divisor of C.
    n_blocks : int
        Number of blocks, at least 1.
    length : int
        Largest number of positions of a document.
    activation : str
        Activation in the second branch: "relu", "squared_relu", or another one as in `mlp`.
    norm : {"rms_norm", "layer_norm"}
        Normalization after the embedding and at the begin of each branch.
    dropout : float
        Probability of dropping each output of a branch in training.
    init : str or callable
        Initializer of the weights; by default a normal distribution with standard deviation 0.08.
    **options
        As in `Network`: tier, dtype, exact, seed.

    Returns
    -------
    Network
        With the loss "next_token_loss". Train it with ``fit(net, X, y, ...)``, where X and y hold token numbers (N, T).

    Raises
    ------
    ValueError
        If the heads do not divide the features, a name is unknown, or a setting is out of its range.

    References
    ----------
    A. Radford et al., "Language models are unsupervised multitask learners", 2019;
    A. Karpathy, "microgpt", 2026, https://karpathy.github.io/2026/02/12/microgpt/
    """
    check_name("activation", activation, ACTIVATIONS)
    check_name("norm", norm, NORMS)
    C, heads = whole_number("features", features), whole_number("heads", heads)
    if C % heads:
        raise ValueError(f"gpt: features is {C} and heads is {heads}, expected a number of heads that divides features")
    dropout = number("dropout", dropout, at_least=0, at_most=1)
    dropped = [Dropout(dropout)] if dropout else []
    layers: list[Layer] = [Embedding(n_tokens, C), Position(length, C), NORMS[norm](C)]
    for _ in range(whole_number("n_blocks", n_blocks)):
        layers += residual(NORMS[norm](C), Project(C, 3 * C), Attention(heads), Project(C, C), *dropped)
        act = ACTIVATIONS[activation]()
        layers += residual(NORMS[norm](C), Project(C, 4 * C), act, Project(4 * C, C), *dropped)
    return Network([*layers, Project(C, n_tokens)], "next_token_loss", init=init, **options)


def autoencoder(sizes: Sequence[int], activation: str = "relu", **options: Any) -> Network:
    """Autoencoder: dense layers down to a code and back up. Train it to reproduce its input with `fit(net, X, X)`.

    The loss is the mean squared error.

    Parameters
    ----------
    sizes : sequence of int
        Numbers of inputs, of hidden units of each encoder layer, and of units of the code: [784, 128, 32]. The decoder
        mirrors the encoder.
    activation : str
        Activation of the hidden layers, as in `mlp`. The code is linear. The output is a sigmoid, as pixels range from
        0 to 1.
    **options
        As in `Network`: tier, dtype, exact, init, seed.

    Returns
    -------
    Network

    Raises
    ------
    ValueError
        If there are fewer than two sizes, the activation is unknown, or a setting is out of its range.
    """
    check_name("activation", activation, ACTIVATIONS)
    sizes = _checked_sizes("autoencoder", sizes, "inputs and code")
    layers: list[Layer] = []
    for features_in, features_out in pairwise([*sizes, *sizes[-2::-1]]):
        layers += [Linear(features_in, features_out), ACTIVATIONS[activation]()]
    del layers[2 * len(sizes) - 3]  # after the code
    layers[-1] = Sigmoid()
    return Network(layers, "mean_squared_error", **options)
