"""Time of `Value` beside a class that stores nothing but a number, its gradient, its operands and its slopes.

    python benchmarks/engine.py               print the times, in about 10 seconds
    python benchmarks/engine.py --rounds 200  measure longer

Both classes take training steps of the same small transformer, written with single numbers: 19,000 nodes per step.
`Bare` is the least that reverse mode needs, without checks, names, labels or errors with a way out. First, loss and
gradients must agree. Then the two take turns; the order changes from round to round, and ratios are taken within a
round. Garbage collection is on, as in real use, and freeing the graph counts.
"""

from __future__ import annotations

import argparse
import math
import platform
import random
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from micrograd_tiers.engine import Value

VOCABULARY, WIDTH, HEADS, HIDDEN, LENGTH = 12, 8, 2, 32, 8
LEARNING_RATE = 0.01


class Bare:
    """A number with a gradient, its operands, and the derivatives with respect to them."""

    __slots__ = ("data", "grad", "operands", "slopes")

    def __init__(self, data: float, operands: tuple[Bare, ...] = (), slopes: tuple[float, ...] = ()) -> None:
        self.data = data
        self.grad = 0.0
        self.operands = operands
        self.slopes = slopes

    def __add__(self, other: Bare | float) -> Bare:
        other = other if isinstance(other, Bare) else Bare(other)
        return Bare(self.data + other.data, (self, other), (1, 1))

    def __sub__(self, other: Bare | float) -> Bare:
        other = other if isinstance(other, Bare) else Bare(other)
        return Bare(self.data - other.data, (self, other), (1, -1))

    def __mul__(self, other: Bare | float) -> Bare:
        other = other if isinstance(other, Bare) else Bare(other)
        return Bare(self.data * other.data, (self, other), (other.data, self.data))

    def __truediv__(self, other: Bare | float) -> Bare:
        return self * other**-1

    def __pow__(self, k: float) -> Bare:
        return Bare(self.data**k, (self,), (k * self.data ** (k - 1),))

    def __neg__(self) -> Bare:
        return Bare(-self.data, (self,), (-1,))

    __radd__, __rmul__ = __add__, __mul__

    def exp(self) -> Bare:
        """Return e**x."""
        y = math.exp(self.data)
        return Bare(y, (self,), (y,))

    def log(self) -> Bare:
        """Return the natural logarithm."""
        return Bare(math.log(self.data), (self,), (1 / self.data,))

    def relu(self) -> Bare:
        """Return the value, or 0 if it is negative."""
        return Bare(self.data if self.data > 0 else 0.0, (self,), (1.0 if self.data > 0 else 0.0,))

    def backward(self) -> None:
        """Add the derivatives of this number to `grad` of all others; the loop is the fastest of several tried."""
        order: list[Bare] = []
        seen = set()
        stack: list[Any] = [self]
        push, pop = stack.append, stack.pop
        while stack:
            node = pop()
            if node is None:
                order.append(pop())
            elif node not in seen:
                seen.add(node)
                if node.operands:
                    push(node)
                    push(None)
                    stack.extend(node.operands)
        self.grad = 1.0
        order.reverse()
        for node in order:
            grad, slopes = node.grad, node.slopes
            if len(slopes) == 2:
                a, b = node.operands
                a.grad += slopes[0] * grad
                b.grad += slopes[1] * grad
            else:
                node.operands[0].grad += slopes[0] * grad


# The transformer: embedding, attention with two heads, a layer with ReLU, residual connections, cross-entropy.


def weights_of(number: Any) -> dict[str, list[list[Any]]]:
    """Return the matrices (O, I) of the transformer; equal for every class of numbers."""
    rng = random.Random(0)
    shapes = {
        **{"token": (VOCABULARY, WIDTH), "position": (LENGTH, WIDTH), "output": (VOCABULARY, WIDTH)},
        **dict.fromkeys(("query", "key", "value", "mix"), (WIDTH, WIDTH)),
        **{"up": (HIDDEN, WIDTH), "down": (WIDTH, HIDDEN)},
    }
    return {
        name: [[number(rng.gauss(0, 0.3)) for _ in range(inputs)] for _ in range(outputs)]
        for name, (outputs, inputs) in shapes.items()
    }


def linear(matrix: list[list[Any]], x: list[Any]) -> list[Any]:
    """Return the product of a matrix (O, I) and a vector (I,)."""
    return [sum(w * xi for w, xi in zip(row, x, strict=True)) for row in matrix]


def softmax(z: list[Any]) -> list[Any]:
    """Return the probabilities of the logits z."""
    top = max(zi.data for zi in z)
    e = [(zi - top).exp() for zi in z]
    total = sum(e)
    return [ei / total for ei in e]


def normalized(x: list[Any]) -> list[Any]:
    """Return x divided by the root of its mean square."""
    factor = (sum(xi * xi for xi in x) / len(x) + 1e-5) ** -0.5
    return [xi * factor for xi in x]


def loss_of(weights: dict[str, list[list[Any]]], tokens: list[int]) -> Any:
    """Return the mean cross-entropy of predicting each token from those before it."""
    keys, values, losses = [], [], []
    size = WIDTH // HEADS
    for place, (token, target) in enumerate(pairwise(tokens)):
        x = [a + b for a, b in zip(weights["token"][token], weights["position"][place], strict=True)]
        h = normalized(x)
        query = linear(weights["query"], h)
        keys.append(linear(weights["key"], h))
        values.append(linear(weights["value"], h))
        mixed = []
        for start in range(0, WIDTH, size):
            head = range(start, start + size)
            attention = softmax([sum(query[i] * key[i] for i in head) / math.sqrt(size) for key in keys])
            mixed += [sum(a * value[i] for a, value in zip(attention, values, strict=True)) for i in head]
        x = [a + b for a, b in zip(x, linear(weights["mix"], mixed), strict=True)]
        h = [a.relu() for a in linear(weights["up"], normalized(x))]
        x = [a + b for a, b in zip(x, linear(weights["down"], h), strict=True)]
        losses.append(-softmax(linear(weights["output"], x))[target].log())
    return sum(losses) / len(losses)


def step_of(number: Any) -> tuple[Callable[[], Any], list[Any]]:
    """Return a function that makes one training step and returns its loss, and the parameters."""
    weights = weights_of(number)
    parameters = [p for matrix in weights.values() for row in matrix for p in row]
    rng = random.Random(1)
    tokens = [rng.randrange(VOCABULARY) for _ in range(LENGTH + 1)]

    def step() -> Any:
        for p in parameters:
            p.grad = 0.0
        loss = loss_of(weights, tokens)
        loss.backward()
        for p in parameters:
            p.data -= LEARNING_RATE * p.grad
        return loss

    return step, parameters


def n_nodes(root: Value) -> int:
    """Return the number of nodes below and including `root`."""
    seen, stack = {root}, [root]
    while stack:
        new = {*stack.pop()._prev} - seen
        seen |= new
        stack += new
    return len(seen)


def measure(rounds: int) -> tuple[int, dict[str, list[float]]]:
    """Return the nodes of a step, and the time of each step in seconds.

    Raises
    ------
    ArithmeticError
        If loss or gradients differ by more than 1e-12.
    """
    (ours, parameters), (bare, others) = step_of(Value), step_of(Bare)
    loss, expected = ours(), bare()
    nodes = n_nodes(loss)
    pairs = [(loss.data, expected.data), *((p.grad, q.grad) for p, q in zip(parameters, others, strict=True))]
    off = max(abs(a - b) for a, b in pairs)
    if not off <= 1e-12:
        raise ArithmeticError(f"loss or gradients differ by {off:.1e}")
    del loss, expected
    times: dict[str, list[float]] = {"Value": [], "bare class": []}
    turns = [("Value", ours), ("bare class", bare)]
    for _ in range(rounds):
        turns.reverse()
        for name, step in turns:
            start = time.perf_counter()
            step()  # the graph is freed at once
            times[name].append(time.perf_counter() - start)
    return nodes, times


def _quartiles(values: list[float]) -> tuple[float, float, float]:
    first, median, third = statistics.quantiles(values, n=4, method="inclusive")
    return median, first, third


def main() -> None:
    """Print the times and their ratio."""
    parser = argparse.ArgumentParser(description="Time a training step of a transformer made of Values.")
    parser.add_argument("--rounds", type=int, default=150, help="steps of each class (default: 150)")
    rounds = parser.parse_args().rounds
    nodes, times = measure(rounds)
    print(f"One training step of a transformer of {nodes:,} nodes, {rounds} rounds, Python {platform.python_version()}")
    for name, seconds in times.items():
        median, first, third = (1e3 * s for s in _quartiles(seconds))
        print(
            f"{name:12}{median:6.1f} ms   quartiles {first:.1f} to {third:.1f} ms   fastest {1e3 * min(seconds):.1f} ms"
        )
    ratios = [own / bare for own, bare in zip(times["Value"], times["bare class"], strict=True)]
    median, first, third = _quartiles(ratios)
    print(f"Value takes {median:.2f} times the time of the bare class (quartiles {first:.2f} to {third:.2f}).")


if __name__ == "__main__":
    main()
