"""Training steps in PyTorch, JAX and HIPS autograd, written as in the documentation of each package.

Where the documentation offers a choice, the faster variant is used.
"""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np

from .cases import LENET, Case, Step, Weights


def torch_eager(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of PyTorch's tutorial.

    References
    ----------
    https://docs.pytorch.org/tutorials/beginner/basics/optimization_tutorial.html
    """
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
    return eager_step(lambda: loss_fn(model(x), y), [*model.parameters()], learning_rate)


def eager_step(loss_of: Callable[[], Any], parameters: list[Any], learning_rate: float) -> tuple[Step, Weights]:
    """Return the training step of a loss in PyTorch, a function without arguments: autograd and `torch.optim.SGD`."""
    import torch

    optimizer = torch.optim.SGD(parameters, lr=learning_rate)

    def step() -> Any:
        loss = loss_of()
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        return loss.detach()

    return step, lambda: [parameter.detach().numpy() for parameter in parameters]


def torch_in_place(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step in PyTorch without autograd: this package's derivatives, computed in preallocated tensors.

    `addmm_` computes a weight gradient and updates the weight in one call.
    """
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


def jax_jit(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of JAX's "Training a simple neural network", with loss, gradient and update compiled together."""
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

    return compiled_step(loss_of, parameters, x, y, learning_rate)


def compiled_step(
    loss_of: Callable[[Any, Any, Any], Any], parameters: list[Any], x: Any, y: Any, learning_rate: float
) -> tuple[Step, Weights]:
    """Return the training step of a loss in JAX, a function of parameters, samples and targets, compiled as a whole."""
    import jax

    def update(parameters: Any, x: Any, y: Any) -> Any:
        loss, grads = jax.value_and_grad(loss_of)(parameters, x, y)
        return loss, [parameter - learning_rate * grad for parameter, grad in zip(parameters, grads, strict=True)]

    compiled = jax.jit(update, donate_argnums=0)

    def step() -> Any:
        nonlocal parameters
        loss, parameters = compiled(parameters, x, y)
        return jax.block_until_ready(loss)

    return step, lambda: [np.asarray(array) for array in parameters]


def hips_autograd(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step of HIPS autograd's examples: a loss in autograd.numpy, differentiated by value_and_grad."""
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
