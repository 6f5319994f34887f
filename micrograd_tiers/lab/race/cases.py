"""Cases of the race: one training step of one net on one mini-batch. The net is a classifier or a GPT."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.names import NAMES
from ...models import gpt, lenet5, mlp
from ...network import Network
from ...summary import Summary
from ...words import sizes_from_words

Array = NDArray[Any]

LENET: tuple[int, ...] = ()  # stands for LeNet-5, which is not a chain of dense layers
TOKENIZER = NAMES.tokenizer


class AnyCase(ABC):
    """Training step with plain gradient descent, of a net on a mini-batch.

    Attributes
    ----------
    batch_size : int
        N, the number of samples in the step.
    dtype : {"float64", "float32"}
    unit : str
        Samples of the net, in the plural.
    """

    batch_size: int
    dtype: str
    unit = "samples"

    def __str__(self) -> str:
        return f"{self.name}, batch {self.batch_size}, {self.dtype}"

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the net, from which `case_of` makes the case."""

    @abstractmethod
    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier. Its weights are the same at every tier."""

    def weights(self) -> list[Array]:
        """Return the net's initial weights, in the order of its `state_dict`: weight (O, I), bias (O,), and so on."""
        return [*self.net("tensor").state_dict().values()]

    @abstractmethod
    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return samples and targets."""

    @cached_property
    def summary(self) -> Summary:
        """Shapes, parameters and memory of the net."""
        x, _ = self.batch()
        return self.net("tensor").summary(x.shape[1:], batch_size=self.batch_size)

    @property
    @abstractmethod
    def flops(self) -> int:
        """Floating-point operations of a step's products, forward and backward."""


@dataclass(frozen=True)
class Case(AnyCase):
    """Training step of a net with sigmoid layers and softmax cross-entropy, on random data.

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

    @property
    def name(self) -> str:
        """Sizes of the net, such as "784-300-10", or "LeNet"."""
        return "-".join(map(str, self.sizes)) or "LeNet"

    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier. Its weights are the same at every tier."""
        options: dict[str, Any] = {"tier": tier, "dtype": self.dtype, "exact": exact, "seed": 0}
        return lenet5(**options) if self.sizes == LENET else mlp(self.sizes, **options)

    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return samples (N, I), uniform in [0, 1), and class labels (N,)."""
        rng = np.random.default_rng(1)
        inputs, classes = (self.sizes[0], self.sizes[-1]) if self.sizes else (784, 10)
        x = rng.random((self.batch_size, inputs)).astype(self.dtype)
        return x, rng.integers(0, classes, self.batch_size)

    @property
    def flops(self) -> int:
        """Floating-point operations of a step's products: forward, dL/dweight, and dL/dx of all but the first layer."""
        products = _products(self.summary)
        return 2 * self.batch_size * (3 * sum(products) - next(filter(None, products)))


@dataclass(frozen=True)
class GPTCase(AnyCase):
    """Training step of a GPT of 4,192 parameters, `mt.gpt()`, on names drawn by rules.

    Attributes
    ----------
    batch_size : int
        N, the number of documents in the step.
    dtype : {"float64", "float32"}
    """

    batch_size: int
    dtype: str = "float64"
    unit = "documents"

    @property
    def name(self) -> str:
        """The word "GPT"."""
        return "GPT"

    def net(self, tier: str, exact: bool = False) -> Network:
        """Return the net at a tier. Its weights are the same at every tier."""
        return gpt(TOKENIZER.n_tokens, tier=tier, dtype=self.dtype, exact=exact, seed=0)

    def names(self) -> list[str]:
        """Return the N documents."""
        return NAMES.draw(self.batch_size, rng=np.random.default_rng(1))

    def batch(self) -> tuple[Array, NDArray[np.int64]]:
        """Return tokens and the tokens after them, both (N, T), T positions of the longest document."""
        return TOKENIZER.encode(self.names())

    def documents(self) -> list[list[int]]:
        """Return the tokens of each document, which begin and end with the same one."""
        return [[TOKENIZER.end, *TOKENIZER.numbers(name), TOKENIZER.end] for name in self.names()]

    @property
    def flops(self) -> int:
        """Floating-point operations of a step's products: forward, and for the derivatives of both factors of each."""
        net = self.net("tensor")
        abouts = [net.summary((len(document) - 1,)) for document in self.documents()]
        return 2 * 3 * sum(sum(_products(about)) for about in abouts)


def _products(about: Summary) -> list[int]:
    """Return how many products each layer sums in the forward pass of one sample."""
    return [layer.products(shape) for layer, shape in zip(about.layers, about.shapes, strict=False)]


def case_of(net: str, batch_size: int, dtype: str = "float64") -> AnyCase:
    """Return the case of a net by its name: "gpt", "lenet", or sizes such as "784-300-10".

    Raises
    ------
    ValueError
        If the name is none of these.
    """
    name = net.lower()
    if name == "gpt":
        return GPTCase(batch_size, dtype)
    try:
        return Case(LENET if name == "lenet" else sizes_from_words(net), batch_size, dtype)
    except ValueError as error:
        raise ValueError(f"{error}, or gpt, or lenet") from None


Step = Callable[[], Any]  # makes one training step; returns the loss before it
Weights = Callable[[], list[Any]]  # returns the current weights
Make = Callable[[Case, float], tuple[Step, Weights]]  # takes a case and a learning rate
MakeGPT = Callable[[GPTCase, float], tuple[Step, Weights]]
