"""Multilayer perceptrons made of Values, one object per number: the most readable and the slowest network.

The classes are drop-in replacements for those of ``micrograd.nn``: the same random draws give the same weights, and
sums are formed in the same order. There are two additions: you can pass your own random generator, and a wrong number
of inputs raises an error, where micrograd silently drops the surplus.
"""

from __future__ import annotations

import operator
import random
from collections.abc import Sequence
from typing import cast

from .engine import Value

__all__ = ["MLP", "Layer", "Module", "Neuron"]


def __dir__() -> list[str]:
    return sorted(__all__)


class Module:
    """Base class of neurons, layers and networks: anything that has parameters."""

    def zero_grad(self) -> None:
        """Set the gradient of every parameter to 0: `Value.backward` adds to the gradients that are there."""
        for p in self.parameters():
            p.grad = 0

    def parameters(self) -> list[Value]:
        """Return the parameters, always in the same order."""
        return []


class Neuron(Module):
    """Weighted sum of the inputs plus a bias, followed by a ReLU.

    Parameters
    ----------
    nin : int
        Number of inputs.
    nonlin : bool
        If False, leave out the ReLU.
    rng : random.Random, optional
        Source of the weights, which are uniform in [-1, 1]; by default Python's global generator, as in micrograd. The
        bias starts at 0.
    """

    def __init__(self, nin: int, nonlin: bool = True, *, rng: random.Random | None = None) -> None:
        uniform = random.uniform if rng is None else rng.uniform
        self.w = [Value(uniform(-1, 1)) for _ in range(nin)]
        self.b = Value(0)
        self.nonlin = nonlin

    def __call__(self, x: Sequence[Value | float]) -> Value:
        """Return the output for the `nin` inputs `x` of one sample; raise ValueError if there are more or fewer."""
        if len(x) != len(self.w):
            raise ValueError(f"{self}: x has {len(x)} inputs, expected {len(self.w)}; match nin to the data")
        act = sum(map(operator.mul, self.w, x), self.b)
        if not isinstance(act, Value):
            raise TypeError(f"{self}: x holds arrays, expected one sample; call it for each: [model(x) for x in X]")
        return act.relu() if self.nonlin else act

    def parameters(self) -> list[Value]:
        """Return the weights, then the bias."""
        return [*self.w, self.b]

    def __repr__(self) -> str:
        return f"{'ReLU' if self.nonlin else 'Linear'}Neuron({len(self.w)})"


class Layer(Module):
    """Neurons side by side, all with the same inputs.

    Parameters
    ----------
    nin : int
        Number of inputs.
    nout : int
        Number of neurons, each of which has one output.
    nonlin, rng
        As for `Neuron`.
    """

    def __init__(self, nin: int, nout: int, nonlin: bool = True, *, rng: random.Random | None = None) -> None:
        self.neurons = [Neuron(nin, nonlin, rng=rng) for _ in range(nout)]

    def __call__(self, x: Sequence[Value | float]) -> Value | list[Value]:
        """Return the list of the neurons' outputs, or the output itself if there is only one neuron."""
        out = [n(x) for n in self.neurons]
        return out[0] if len(out) == 1 else out

    def parameters(self) -> list[Value]:
        """Return the parameters of all neurons, in order."""
        return [p for n in self.neurons for p in n.parameters()]

    def __repr__(self) -> str:
        return f"Layer of [{', '.join(str(n) for n in self.neurons)}]"


class MLP(Module):
    """Multilayer perceptron: a chain of layers, each with a ReLU except the last, which is linear.

    Parameters
    ----------
    nin : int
        Number of inputs.
    nouts : list of int
        Number of neurons in each layer.
    rng : random.Random, optional
        As for `Neuron`.

    Examples
    --------
    >>> model = MLP(2, [16, 16, 1], rng=random.Random(0))
    >>> len(model.parameters())
    337
    """

    def __init__(self, nin: int, nouts: Sequence[int], *, rng: random.Random | None = None) -> None:
        sizes = [nin, *nouts]
        last = len(nouts) - 1
        self.layers = [Layer(sizes[i], sizes[i + 1], nonlin=i != last, rng=rng) for i in range(len(nouts))]

    def __call__(self, x: Sequence[Value | float]) -> Value | list[Value]:
        """Return the last layer's output: a list of Values, or one Value if that layer has only one neuron."""
        out: Sequence[Value | float] | Value = x
        for layer in self.layers:
            out = layer([out] if isinstance(out, Value) else out)  # a hidden layer may be one neuron wide
        return cast("Value | list[Value]", out)

    def parameters(self) -> list[Value]:
        """Return the parameters of all layers, in order."""
        return [p for layer in self.layers for p in layer.parameters()]

    def __repr__(self) -> str:
        return f"MLP of [{', '.join(str(layer) for layer in self.layers)}]"
