"""What is raced: one training step of one net on one mini-batch."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...models import lenet5, mlp
from ...network import Network
from ...summary import Summary

Array = NDArray[Any]

LENET: tuple[int, ...] = ()  # no chain of dense layers


@dataclass(frozen=True)
class Case:
    """Sigmoid layers, softmax cross-entropy, plain gradient descent, on numbers drawn at random.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, hidden units of each layer, classes; `LENET` stands for LeNet-5.
    batch_size : int
        N, the samples of the step.
    dtype : {"float64", "float32"}
    """

    sizes: tuple[int, ...]
    batch_size: int
    dtype: str = "float64"

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes)) or 'LeNet'}, batch {self.batch_size}, {self.dtype}"

    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier; with the same weights at every one."""
        options: dict[str, Any] = {"tier": tier, "dtype": self.dtype, "exact": exact, "seed": 0}
        return lenet5(**options) if self.sizes == LENET else mlp(self.sizes, **options)

    def weights(self) -> list[Array]:
        """Return the weights and biases with which every contender starts: weight (O, I), bias (O,), and so on."""
        return [*self.net("tensor").state_dict().values()]

    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return samples (N, I), uniform from 0 to 1, and class labels (N,)."""
        rng = np.random.default_rng(1)
        inputs, classes = (self.sizes[0], self.sizes[-1]) if self.sizes else (784, 10)
        x = rng.random((self.batch_size, inputs)).astype(self.dtype)
        return x, rng.integers(0, classes, self.batch_size)

    @cached_property
    def summary(self) -> Summary:
        """Shapes, parameters and memory."""
        return self.net("tensor").summary(batch_size=self.batch_size)

    @property
    def flops(self) -> int:
        """Floating-point operations of the step's products: forward, dL/dweight, and dL/dx but for the first."""
        about = self.summary
        products = [layer.products(shape) for layer, shape in zip(about.layers, about.shapes, strict=False)]
        return 2 * self.batch_size * (3 * sum(products) - next(filter(None, products)))


# Whoever makes the training step of a case, from it and a learning rate.

Step = Callable[[], Any]  # one training step; returns the loss before it
Weights = Callable[[], list[Any]]
Make = Callable[[Case, float], tuple[Step, Weights]]
