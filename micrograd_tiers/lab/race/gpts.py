"""Training steps of the GPT: in PyTorch, in JAX, and with one object per number."""

from collections.abc import Callable
from itertools import pairwise
from random import Random
from typing import Any

import numpy as np

from ...engine import Value
from .cases import TOKENIZER, GPTCase, Step, Weights
from .frameworks import compiled_step, eager_step
from .sources import EXAMPLE, new_module

HEADS = 4


def gpt_in_torch(case: GPTCase, learning_rate: float) -> tuple[Step, Weights]:
    """Training step in PyTorch, with autograd and `torch.optim.SGD`."""
    import torch

    parameters = [torch.tensor(array, requires_grad=True) for array in case.weights()]
    tokens, targets = map(torch.from_numpy, case.batch())
    return eager_step(lambda: torch_loss(parameters, tokens, targets), parameters, learning_rate)


def torch_loss(parameters: list[Any], tokens: Any, targets: Any) -> Any:
    """Return the mean loss of documents (N, T) as a PyTorch tensor."""
    from torch.nn import functional

    token, position, qkv, o, wide, narrow, head = parameters

    def normalized(x: Any) -> Any:
        return functional.rms_norm(x, x.shape[-1:], eps=1e-5)

    x = functional.embedding(tokens.clamp(min=0), token) + position[: tokens.shape[1]]  # no token looks at later ones
    x = normalized(x)
    parts = functional.linear(normalized(x), qkv).chunk(3, dim=-1)
    q, k, v = (part.unflatten(-1, (HEADS, -1)).transpose(1, 2) for part in parts)
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + functional.linear(mixed.transpose(1, 2).flatten(2), o)
    x = x + functional.linear(functional.relu(functional.linear(normalized(x), wide)), narrow)
    logits = functional.linear(x, head)
    each = functional.cross_entropy(logits.flatten(0, 1), targets.flatten(), ignore_index=-1, reduction="none")
    return (each.view_as(targets).sum(1) / (targets >= 0).sum(1)).mean()


def gpt_in_jax(case: GPTCase, learning_rate: float) -> tuple[Step, Weights]:
    """Training step in JAX, with loss, gradient and update compiled together."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", case.dtype == "float64")
    tokens, targets = map(jnp.asarray, case.batch())
    parameters = [jnp.asarray(array) for array in case.weights()]

    def normalized(x: Any) -> Any:
        return x / jnp.sqrt((x * x).mean(-1, keepdims=True) + 1e-5)

    def loss_of(parameters: Any, tokens: Any, targets: Any) -> Any:
        token, position, qkv, o, wide, narrow, head = parameters
        N, T = tokens.shape
        x = normalized(token[jnp.maximum(tokens, 0)] + position[:T])
        q, k, v = (part.reshape(N, T, HEADS, -1) for part in jnp.split(normalized(x) @ qkv.T, 3, axis=-1))
        scores = jnp.einsum("nthd,nshd->nhts", q, k) / np.sqrt(q.shape[-1])
        weights = jax.nn.softmax(jnp.where(jnp.tri(T, dtype=bool), scores, -jnp.inf))
        x = x + jnp.einsum("nhts,nshd->nthd", weights, v).reshape(x.shape) @ o.T
        x = x + jax.nn.relu(normalized(x) @ wide.T) @ narrow.T
        log_p = jax.nn.log_softmax(x @ head.T)
        known = targets >= 0
        each = -jnp.take_along_axis(log_p, jnp.maximum(targets, 0)[..., None], axis=-1)[..., 0] * known
        return (each.sum(1) / known.sum(1)).mean()

    return compiled_step(loss_of, parameters, tokens, targets, learning_rate)


Matrices = list[list[list[Any]]]  # weights as one object per number, in the order of the net


def gpt_of_values(case: GPTCase, learning_rate: float) -> tuple[Step, Weights]:
    """Training step with this package's `Value`: the scalar tier's forward pass, differentiated by `backward`."""
    net = case.net("scalar")
    matrices = [[[*map(Value, row)] for row in matrix] for matrix in net.parameters.values()]
    net.parameters |= dict(zip(net.parameters, matrices, strict=True))

    def loss_of(document: list[int]) -> Any:
        logits, *_ = net.run(document[:-1])
        loss, _ = net.loss.forward(net.functions, logits, document[1:])
        return loss

    return _trained(matrices, loss_of, case, learning_rate)


def gpt_of_slots(case: GPTCase, learning_rate: float) -> tuple[Step, Weights]:
    """Training step with the net of `examples/gpt_of_values.py` and its class, a small one with slots."""
    example = new_module(EXAMPLE)
    net = example.GPT(TOKENIZER.n_tokens, Random(0))
    return _trained(matrices_of(net), net.loss, case, learning_rate)


def matrices_of(net: Any) -> Matrices:
    """Return the weights of the example's net."""
    ((q, k, v, o, wide, narrow),) = net.layers
    return [net.tokens, net.positions, q + k + v, o, wide, narrow, net.head]


def gpt_in_strands(case: GPTCase, learning_rate: float) -> tuple[Step, Weights]:
    """Training step with strands-microgpt, which has the class and the net of Karpathy's microgpt."""
    from strands_microgpt.engine import MicroGPT, _softmax

    net = MicroGPT(TOKENIZER.n_tokens)
    token, position, head, q, k, v, o, wide, narrow = net.state_dict.values()

    def loss_of(document: list[int]) -> Any:
        past: tuple[Any, Any] = [[]], [[]]  # keys and values
        pairs = [*pairwise(document)]
        losses = [-_softmax(net.forward(token, t, *past))[target].log() for t, (token, target) in enumerate(pairs)]
        return sum(losses) / len(losses)

    return _trained([token, position, q + k + v, o, wide, narrow, head], loss_of, case, learning_rate)


def _trained(
    matrices: Matrices, loss_of: Callable[[list[int]], Any], case: GPTCase, learning_rate: float
) -> tuple[Step, Weights]:
    """Return the training step of a net whose numbers are objects with `data`, `grad` and `backward`."""
    for matrix, array in zip(matrices, case.weights(), strict=True):
        for row, numbers in zip(matrix, array.tolist(), strict=True):
            for p, number in zip(row, numbers, strict=True):
                p.data = number
    parameters = [p for matrix in matrices for row in matrix for p in row]
    documents = case.documents()

    def step() -> float:
        total = 0.0
        for p in parameters:
            p.grad = 0.0
        for document in documents:  # one at a time, so that the graph stays small
            loss = loss_of(document) / len(documents)
            loss.backward()
            total += loss.data
        for p in parameters:
            p.data -= learning_rate * p.grad
        return total

    return step, lambda: [np.array([[p.data for p in row] for row in matrix]) for matrix in matrices]
