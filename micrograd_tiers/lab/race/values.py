"""Training steps of nets with one object per number: this package's `Value`, micrograd's, and those of others."""

import math
import warnings
from collections.abc import Callable
from operator import mul
from typing import Any

import numpy as np

from .cases import Case, Make, Step, Weights
from .sources import EXAMPLE, new_module


def _net_of(Value: Any, sigmoid: Callable[[Any], Any]) -> Make:
    """Return the training step of a net of `Value` objects, written with their operators."""

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        x, y = (array.tolist() for array in case.batch())
        W1, b1, W2, b2 = (array.tolist() for array in case.weights())
        W1, W2 = ([[*map(Value, row)] for row in weight] for weight in (W1, W2))
        b1, b2 = [*map(Value, b1)], [*map(Value, b2)]
        parameters = [p for rows in ([*W1, b1, *W2, b2]) for p in rows]

        def loss_of(sample: list[float], label: int) -> Any:
            h = [sigmoid(sum(map(mul, row, sample), b)) for row, b in zip(W1, b1, strict=True)]
            e = [sum(map(mul, row, h), b).exp() for row, b in zip(W2, b2, strict=True)]
            return -(e[label] / sum(e)).log()

        def step() -> float:
            loss = sum(map(loss_of, x, y)) / len(y)
            for p in parameters:
                p.grad = 0
            loss.backward()
            for p in parameters:
                p.data -= learning_rate * p.grad
            return float(loss.data)

        def numbers(row: list[Any]) -> list[float]:
            return [p.data for p in row]

        return step, lambda: [np.array(a) for a in ([*map(numbers, W1)], numbers(b1), [*map(numbers, W2)], numbers(b2))]

    return make


def net_of_values(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of a net of this package's `Value`s, with its `sigmoid` method."""
    from ...engine import Value

    return _net_of(Value, Value.sigmoid)(case, learning_rate)


def net_of_slots(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of a net of the class in `examples/gpt_of_values.py`, a small one with slots."""
    return _net_of(new_module(EXAMPLE).Value, lambda v: (1 + (-v).exp()) ** -1)(case, learning_rate)


def net_on(module: str, name: str) -> Make:
    """Return the training step of a net of another package's class, with its methods `sigmoid`, `exp` and `log`."""

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        with warnings.catch_warnings(action="ignore"):  # scalargrad warns if its drawings lack Graphviz
            cls = getattr(new_module(module), name)
        return _net_of(cls, cls.sigmoid)(case, learning_rate)

    return make


def net_on_micrograd(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of a net of micrograd's `Value`s, with the `exp` and `log` that micrograd lacks.

    `exp` and `log` are written as in Andrej Karpathy's lecture on micrograd.
    """
    from micrograd.engine import Value

    def exp(self: Any) -> Any:
        out = Value(math.exp(self.data), (self,), "exp")

        def _backward() -> None:
            self.grad += out.data * out.grad

        out._backward = _backward
        return out

    def log(self: Any) -> Any:
        out = Value(math.log(self.data), (self,), "log")

        def _backward() -> None:
            self.grad += out.grad / self.data

        out._backward = _backward
        return out

    Value.exp, Value.log = exp, log
    return _net_of(Value, lambda v: 1 / (1 + (-v).exp()))(case, learning_rate)


def moons_demo(module: str) -> Make:
    """Return the training step of the demo in micrograd's repository.

    The demo trains a net with ReLUs on two moons, with a hinge loss and a penalty on the weights.

    Parameters
    ----------
    module : str
        The module that has the class `Value`. The net is that of micrograd for micrograd, otherwise this package's.
    """

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        import random

        from ...datasets.toy import moons

        nn = new_module("micrograd.nn" if module == "micrograd.engine" else "micrograd_tiers.nn")
        Value = nn.Value = new_module(module).Value
        if not hasattr(Value, "backward"):  # nanograd-bgriebel
            Value.backward = Value.backwards
        points, classes = moons(case.batch_size, rng=np.random.default_rng(0))
        xs, ys = points.tolist(), (2 * classes - 1).tolist()
        random.seed(1337)  # micrograd draws from the global generator; the process runs nothing else
        model = nn.MLP(case.sizes[0], [*case.sizes[1:]])

        def step() -> float:
            inputs = [[*map(Value, x)] for x in xs]
            scores = [model(x) for x in inputs]
            losses = [(1 + -y * score).relu() for y, score in zip(ys, scores, strict=True)]
            penalty = 1e-4 * sum(p * p for p in model.parameters())
            loss = sum(losses) * (1.0 / len(losses)) + penalty
            model.zero_grad()
            loss.backward()
            for p in model.parameters():
                p.data -= learning_rate * p.grad
            return float(loss.data)

        return step, lambda: [np.array([p.data for p in model.parameters()])]

    return make
