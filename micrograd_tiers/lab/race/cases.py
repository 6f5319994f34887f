"""Cases of the race: one training step of one net on one mini-batch."""

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

LENET: tuple[int, ...] = ()  # stands for LeNet-5, which is not a chain of dense layers


@dataclass(frozen=True)
class Case:
    """Training step of a net with sigmoid layers, softmax cross-entropy and plain gradient descent, on random data.

    Attributes
    ----------
    sizes : tuple of int
        Inputs, units of each hidden layer, classes; `LENET` stands for LeNet-5.
    batch_size : int
        N, the number of samples in the step.
    dtype : {"float64", "float32"}
    """

    sizes: tuple[int, ...]
    batch_size: int
    dtype: str = "float64"

    def __str__(self) -> str:
        return f"{'-'.join(map(str, self.sizes)) or 'LeNet'}, batch {self.batch_size}, {self.dtype}"

    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier. Its weights are the same at every tier."""
        options: dict[str, Any] = {"tier": tier, "dtype": self.dtype, "exact": exact, "seed": 0}
        return lenet5(**options) if self.sizes == LENET else mlp(self.sizes, **options)

    def weights(self) -> list[Array]:
        """Return the net's initial weights and biases: weight (O, I), bias (O,), weight, bias, and so on."""
        return [*self.net("tensor").state_dict().values()]

    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return samples (N, I), uniform in [0, 1), and class labels (N,)."""
        rng = np.random.default_rng(1)
        inputs, classes = (self.sizes[0], self.sizes[-1]) if self.sizes else (784, 10)
        x = rng.random((self.batch_size, inputs)).astype(self.dtype)
        return x, rng.integers(0, classes, self.batch_size)

    @cached_property
    def summary(self) -> Summary:
        """Shapes, parameters and memory of the net."""
        return self.net("tensor").summary(batch_size=self.batch_size)

    @property
    def flops(self) -> int:
        """Floating-point operations of a step's products: forward, dL/dweight, and dL/dx of all but the first layer."""
        about = self.summary
        products = [layer.products(shape) for layer, shape in zip(about.layers, about.shapes, strict=False)]
        return 2 * self.batch_size * (3 * sum(products) - next(filter(None, products)))


Step = Callable[[], Any]  # makes one training step; returns the loss before it
Weights = Callable[[], list[Any]]  # returns the current weights
Make = Callable[[Case, float], tuple[Step, Weights]]  # takes a case and a learning rate
