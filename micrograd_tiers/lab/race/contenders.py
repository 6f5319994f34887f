"""Who is raced: each contender makes the same training step from the same weights on the same samples, in its own way.

An opponent's code is what its documentation shows; where there is a choice, the faster one. A limit is not a
contender but a part of the work, or all of it without any structure: what no tier of its kind can undercut by much.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from operator import mul
from typing import Any

import numpy as np

from ...optimizers import SGD
from .cases import LENET, Array, Case

Step = Callable[[], Any]  # one training step; returns the loss before it
Weights = Callable[[], list[Any]]
Make = Callable[[Case, float], tuple[Step, Weights]]


@dataclass(frozen=True)
class Contender:
    """One way to make the step.

    Attributes
    ----------
    name : str
    make : callable
        From a case and a learning rate to (step, weights): `step()` trains once and returns the loss, `weights()`
        returns the arrays as `Case.weights` gives them.
    kind : {"tier", "exact", "engine", "opponent", "limit"}
    needs : str
        The package that it is made of, where it is not one of ours.
    dtypes : tuple of str
    most : int
        Parameters times samples of the largest step that it is asked to make: more would take too long.
    largest_batch : int
        The most samples that its code can take.
    layers : int
        The number of layers of weights that its code is written for; 0 for any.
    only : tuple of int
        The sizes of the only net that it is about, if there is but one.
    lenet : bool
        Whether it can make a LeNet's step.
    held_to : str
        The contender whose loss and gradients it must give; "" for a limit, which computes none.
    recursive : bool
        Whether it needs a stack, and so a recursion limit, as deep as the net's graph.
    """

    name: str
    make: Make
    kind: str
    needs: str = ""
    dtypes: tuple[str, ...] = ("float64", "float32")
    most: int = 10**12
    largest_batch: int = 10**12
    layers: int = 0
    only: tuple[int, ...] = ()
    lenet: bool = False
    held_to: str = "tensor"
    recursive: bool = False

    @property
    def installed(self) -> bool:
        """Whether what it needs is there."""
        return not self.needs or find_spec(self.needs) is not None

    def takes(self, case: Case) -> bool:
        """Return whether it can make this step, in a sensible time."""
        return (
            case.dtype in self.dtypes
            and (not self.only or case.sizes == self.only)
            and (self.lenet or case.sizes != LENET)
            and sum(case.summary.n_parameters) * case.batch_size <= self.most
            and case.batch_size <= self.largest_batch
            and self.layers in (0, len(case.sizes) - 1)
        )


def _tier(name: str, exact: bool = False) -> Make:
    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        net, (x, y) = case.net(name, exact), case.batch()
        samples, target = net.tier.asarray(x, case.dtype), net.tier.asarray(y, "int64")
        optimizer, memory = SGD(learning_rate), dict[str, Any]()

        def step() -> float:
            loss, grads, _ = net.backprop(samples, (target,), optimizer.gradient_factor)
            optimizer.apply(net, grads, memory)
            return loss

        return step, lambda: [*net.state_dict().values()]

    return make


# Opponents.


def _torch_eager(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """As in PyTorch's tutorial, https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html."""
    import torch
    from torch import nn

    layers: list[Any] = []
    for inputs, outputs in pairwise(case.sizes):
        layers += [nn.Linear(inputs, outputs), nn.Sigmoid()]
    if case.sizes == LENET:
        layers = [
            nn.Unflatten(1, (1, 28, 28)),
            *(nn.Conv2d(1, 6, kernel_size=5, padding=2), nn.Sigmoid(), nn.AvgPool2d(2)),
            *(nn.Conv2d(6, 16, kernel_size=5), nn.Sigmoid(), nn.AvgPool2d(2), nn.Flatten()),
            *(nn.Linear(400, 120), nn.Sigmoid(), nn.Linear(120, 84), nn.Sigmoid(), nn.Linear(84, 10), nn.Sigmoid()),
        ]
    model = nn.Sequential(*layers[:-1]).to(getattr(torch, case.dtype))
    with torch.no_grad():
        for parameter, values in zip(model.parameters(), case.weights(), strict=True):
            parameter.copy_(torch.from_numpy(values))
    x, y = map(torch.from_numpy, case.batch())
    loss_fn = torch.nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(model.parameters(), lr=learning_rate)

    def step() -> Any:
        pred = model(x)
        loss = loss_fn(pred, y)
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step, lambda: [parameter.detach().numpy() for parameter in model.parameters()]


def _torch_in_place(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """The same derivatives as ours, by hand, in storage that is used again; the update is part of the product."""
    import torch

    W1, b1, W2, b2 = (torch.from_numpy(array.copy()) for array in case.weights())
    x, y = map(torch.from_numpy, case.batch())
    rows = torch.arange(len(y))
    h, logits = x.new_empty((len(x), len(b1))), x.new_empty((len(x), len(b2)))
    dh = torch.empty_like(h)

    def step() -> Any:
        with torch.no_grad():
            torch.addmm(b1, x, W1.T, out=h)
            torch.sigmoid_(h)
            torch.addmm(b2, h, W2.T, out=logits)
            log_p = torch.log_softmax(logits, 1)
            loss = -log_p[rows, y].mean()
            dlogits = log_p.exp_()
            dlogits[rows, y] -= 1
            dlogits /= len(y)
            torch.mm(dlogits, W2, out=dh)
            W2.addmm_(dlogits.T, h, alpha=-learning_rate)
            b2.sub_(dlogits.sum(0), alpha=learning_rate)
            dh.mul_(h).mul_(h.neg_().add_(1))
            W1.addmm_(dh.T, x, alpha=-learning_rate)
            b1.sub_(dh.sum(0), alpha=learning_rate)
            return loss

    return step, lambda: [array.numpy() for array in (W1, b1, W2, b2)]


def _jax(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """As in JAX's "Training a simple neural network"; loss, gradient and update are compiled as one function."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", case.dtype == "float64")
    x, y = map(jnp.asarray, case.batch())
    parameters = [jnp.asarray(array) for array in case.weights()]

    def loss_of(parameters: Any, x: Any, y: Any) -> Any:
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        for weight, bias in hidden:
            x = jax.nn.sigmoid(x @ weight.T + bias)
        logits = x @ last[0].T + last[1]
        return -jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], axis=1).mean()

    def update(parameters: Any, x: Any, y: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(parameters, x, y)
        return loss, [parameter - learning_rate * grad for parameter, grad in zip(parameters, grads, strict=True)]

    compiled = jax.jit(update, donate_argnums=0)

    def step() -> Any:
        nonlocal parameters
        loss, parameters = compiled(parameters, x, y)
        return jax.block_until_ready(loss)

    return step, lambda: [np.asarray(array) for array in parameters]


def _autograd(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """As in the examples of HIPS autograd: the loss in autograd.numpy, differentiated by value_and_grad."""
    import autograd.numpy as anp
    from autograd import value_and_grad
    from autograd.scipy.special import logsumexp

    x, y = case.batch()
    rows = np.arange(len(y))
    parameters = case.weights()

    def loss_of(parameters: Any) -> Any:
        h = x
        *hidden, last = zip(parameters[::2], parameters[1::2], strict=True)
        for weight, bias in hidden:
            h = 1 / (1 + anp.exp(-(anp.dot(h, weight.T) + bias)))
        logits = anp.dot(h, last[0].T) + last[1]
        return anp.mean(logsumexp(logits, axis=1) - logits[rows, y])

    loss_and_grads = value_and_grad(loss_of)

    def step() -> float:
        loss, grads = loss_and_grads(parameters)
        for parameter, grad in zip(parameters, grads, strict=True):
            parameter -= learning_rate * grad
        return float(loss)

    return step, lambda: parameters


def _of_values(Value: Any, sigmoid: Callable[[Any], Any]) -> Make:
    """A net of one object per number, in the operators that micrograd's users write."""

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


def _value(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    from ...engine import Value

    return _of_values(Value, Value.sigmoid)(case, learning_rate)


def _micrograd(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """With the two functions that micrograd lacks, written as its author writes such in his lecture."""
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
    return _of_values(Value, lambda v: 1 / (1 + (-v).exp()))(case, learning_rate)


def _moons(of_micrograd: bool) -> Make:
    """The demo in micrograd's repository: moons, a net with ReLUs, hinge loss, a penalty on the weights."""

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        import random

        from ...datasets.toy import moons

        if of_micrograd:
            from micrograd.engine import Value
            from micrograd.nn import MLP
        else:
            from ...engine import Value
            from ...nn import MLP
        points, classes = moons(case.batch_size, rng=np.random.default_rng(0))
        xs, ys = points.tolist(), (2 * classes - 1).tolist()
        random.seed(1337)  # the one generator that micrograd knows; this process is the contender's own
        model = MLP(case.sizes[0], [*case.sizes[1:]])

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


# Limits.


def _matrix_products(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """The five products of the step and nothing else, in storage that is used again."""
    W1, b1, W2, b2 = case.weights()
    x, _ = case.batch()
    h, logits = np.empty((len(x), len(b1)), x.dtype), np.empty((len(x), len(b2)), x.dtype)
    dh, dW1, dW2 = np.empty_like(h), np.empty_like(W1), np.empty_like(W2)

    def step() -> None:
        np.dot(x, W1.T, out=h)
        np.dot(h, W2.T, out=logits)
        np.dot(logits, W2, out=dh)
        np.dot(logits.T, h, out=dW2)
        np.dot(dh.T, x, out=dW1)

    return step, lambda: [W1, b1, W2, b2]


def _naive_numpy(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """One sample at a time, one line per formula, as a course would write it down."""
    W1, b1, W2, b2 = case.weights()
    xs, ys = case.batch()
    N = len(ys)

    def step() -> float:
        nonlocal W1, b1, W2, b2
        loss = 0.0
        dW1, db1, dW2, db2 = (np.zeros_like(array) for array in (W1, b1, W2, b2))
        for x, y in zip(xs, ys, strict=True):
            h = 1 / (1 + np.exp(-(np.dot(W1, x) + b1)))
            logits = np.dot(W2, h) + b2
            e = np.exp(logits - np.max(logits))
            p = e / np.sum(e)
            loss = loss - np.log(p[y]) / N
            dlogits = p.copy()
            dlogits[y] -= 1
            dz = np.dot(W2.T, dlogits) * h * (1 - h)
            dW2 = dW2 + np.outer(dlogits, h) / N
            db2 = db2 + dlogits / N
            dW1 = dW1 + np.outer(dz, x) / N
            db1 = db1 + dz / N
        W1, b1 = W1 - learning_rate * dW1, b1 - learning_rate * db1
        W2, b2 = W2 - learning_rate * dW2, b2 - learning_rate * db2
        return float(loss)

    return step, lambda: [W1, b1, W2, b2]


def _flat_loop(fused: bool) -> Make:
    """Plain lists in one function, written for this net alone: no layers, no vjps, no optimizer, nothing to reuse.

    Fused, the weights are moved where the gradient is formed, and no gradient is ever stored.
    """

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        xs, ys = (array.tolist() for array in case.batch())
        (x,), (y,) = xs, ys
        W1, b1, W2, b2 = (array.tolist() for array in case.weights())

        def step() -> Any:
            h, slope = [], []
            for row, b in zip(W1, b1, strict=True):
                z = sum(map(mul, row, x)) + b
                e = math.exp(-z) if z >= 0 else math.exp(z)
                h.append((1 if z >= 0 else e) / (1 + e))
                slope.append(e / ((1 + e) * (1 + e)))
            logits = [sum(map(mul, row, h)) + b for row, b in zip(W2, b2, strict=True)]
            top = max(logits)
            es = [math.exp(z - top) for z in logits]
            e_sum = sum(es)
            loss = math.log(e_sum) + top - logits[y]
            dlogits = [e / e_sum for e in es]
            dlogits[y] -= 1
            dh = [sum(map(mul, column, dlogits)) for column in zip(*W2, strict=True)]
            dz = [d * s for d, s in zip(dh, slope, strict=True)]
            if fused:
                for weight, bias, dy, inputs in ((W1, b1, dz, x), (W2, b2, dlogits, h)):
                    for o, d in enumerate(dy):
                        rate = learning_rate * d
                        weight[o] = [w - rate * i for w, i in zip(weight[o], inputs)]  # noqa: B905
                        bias[o] -= rate
                return loss
            dW1 = [[d * i for i in x] for d in dz]
            dW2 = [[d * i for i in h] for d in dlogits]
            for weight, dweight in ((W1, dW1), (W2, dW2)):
                for row, drow in zip(weight, dweight):  # noqa: B905
                    row[:] = [w - learning_rate * d for w, d in zip(row, drow)]  # noqa: B905
            for bias, dbias in ((b1, dz), (b2, dlogits)):
                bias[:] = [b - learning_rate * d for b, d in zip(bias, dbias)]  # noqa: B905
            return loss

        return step, lambda: [np.array(array) for array in (W1, b1, W2, b2)]

    return make


ONLY_64 = ("float64",)
MOONS = (2, 16, 16, 1)
CONTENDERS = {
    contender.name: contender
    for contender in (
        Contender("scalar", _tier("scalar"), "tier", dtypes=ONLY_64, most=20_000_000),
        Contender("vector", _tier("vector"), "tier", lenet=True),
        Contender("tensor", _tier("tensor"), "tier", lenet=True),
        Contender("scalar exact", _tier("scalar", True), "exact", dtypes=ONLY_64, most=4_000_000),
        Contender("vector exact", _tier("vector", True), "exact", most=20_000_000),
        Contender("tensor exact", _tier("tensor", True), "exact", most=20_000_000),
        Contender("Value", _value, "engine", dtypes=ONLY_64, most=30_000, layers=2),
        Contender("PyTorch eager", _torch_eager, "opponent", "torch", lenet=True),
        Contender("PyTorch in place", _torch_in_place, "opponent", "torch", layers=2),
        Contender("JAX jit", _jax, "opponent", "jax"),
        Contender("HIPS autograd", _autograd, "opponent", "autograd"),
        Contender("micrograd", _micrograd, "opponent", "micrograd", ONLY_64, most=30_000, layers=2, recursive=True),
        Contender(
            "Value on moons", _moons(of_micrograd=False), "engine", dtypes=ONLY_64, only=MOONS, held_to="Value on moons"
        ),
        Contender(
            "micrograd on moons",
            _moons(of_micrograd=True),
            "opponent",
            "micrograd",
            ONLY_64,
            only=MOONS,
            held_to="Value on moons",
            recursive=True,
        ),
        Contender("naive NumPy", _naive_numpy, "limit", layers=2),
        Contender("flat loop", _flat_loop(fused=False), "limit", dtypes=ONLY_64, largest_batch=1, layers=2),
        Contender("flat loop, fused", _flat_loop(fused=True), "limit", dtypes=ONLY_64, largest_batch=1, layers=2),
        Contender("matrix products", _matrix_products, "limit", layers=2, held_to=""),
    )
}


def check_contenders(names: list[str]) -> None:
    """Raise a ValueError unless all of these are known."""
    for name in names:
        if name not in CONTENDERS:
            raise ValueError(f"unknown contender {name!r}: expected one of {', '.join(CONTENDERS)}")


def equal_arrays(got: list[Array], expected: list[Array], tolerance: float) -> float:
    """Return by how much arrays are off, relative to the largest number of each, if the worst is within tolerance."""
    off = max(float(np.abs(a - b).max() / np.abs(b).max()) for a, b in zip(got, expected, strict=True))
    if not off <= tolerance:
        raise ArithmeticError(f"off by {off:.1e} of the largest number, expected at most {tolerance:g}")
    return off
