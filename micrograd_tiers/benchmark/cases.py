"""What is raced: one training step of one net on one mini-batch."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..models import mlp
from ..network import Network

Array = NDArray[Any]


@dataclass(frozen=True)
class Case:
    """Sigmoid layers, softmax cross-entropy, plain gradient descent, on numbers drawn at random.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden units of each layer, classes.
    batch_size : int
        N, the samples of the step.
    dtype : {"float64", "float32"}
    """

    sizes: tuple[int, ...]
    batch_size: int
    dtype: str = "float64"

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes))}, batch {self.batch_size}, {self.dtype}"

    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier; with the same weights at every one."""
        return mlp(self.sizes, tier=tier, dtype=self.dtype, exact=exact, seed=0)

    def weights(self) -> list[Array]:
        """Return the weights and biases with which every contender starts: weight (O, I), bias (O,), and so on."""
        return [*self.net("tensor").state_dict().values()]

    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return samples (N, I), uniform from 0 to 1, and class labels (N,)."""
        rng = np.random.default_rng(1)
        x = rng.random((self.batch_size, self.sizes[0])).astype(self.dtype)
        return x, rng.integers(0, self.sizes[-1], self.batch_size)

    @property
    def n_parameters(self) -> int:
        """How many numbers are learned."""
        return sum((inputs + 1) * outputs for inputs, outputs in pairwise(self.sizes))

    @property
    def flops(self) -> int:
        """Floating-point operations of the step's matrix products: forward, dL/dweight, and dL/dx but for the first."""
        products = [inputs * outputs for inputs, outputs in pairwise(self.sizes)]
        return 2 * self.batch_size * (3 * sum(products) - products[0])

    @property
    def training_numbers(self) -> int:
        """How many numbers a training step needs at least: parameters, gradients, the batch, each layer's output."""
        outputs = 2 * sum(self.sizes[1:-1]) + self.sizes[-1]  # of Linear and of Sigmoid
        return 2 * self.n_parameters + self.batch_size * (self.sizes[0] + outputs)

    @property
    def prediction_numbers(self) -> int:
        """How many numbers predicting needs at least: parameters, the batch, one layer's input and output."""
        widest = max((a + b for a, b in pairwise(self.sizes[1:])), default=self.sizes[1])
        return self.n_parameters + self.batch_size * (self.sizes[0] + widest)
