"""Size of the rounding errors that a right op of documents may have, as in `..bounds`."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..cases import OpCase
from ..examples import Example
from .formulas import heads_of

Array = NDArray[Any]


class _Size(NamedTuple):
    """Of each position, (N, T, 1): the largest normalized number, its relative error, and the divisor."""

    largest: Array
    error: Array
    sigma: Array


def _sizes_of(case: OpCase, example: Example) -> _Size:
    x, *_, epsilon = example.inputs
    mean: Any = x.mean(axis=2, keepdims=True) if case.name == "layer_norm" else 0.0
    sigma = np.sqrt(((x - mean) ** 2).mean(axis=2, keepdims=True) + epsilon)
    largest = np.abs(x - mean).max(axis=2, keepdims=True) / sigma
    return _Size(largest, (np.abs(x).max(axis=2, keepdims=True) + np.abs(mean)) / sigma, sigma)


def of_normalization(case: OpCase, example: Example, k: int) -> Any:
    """Return the bound of the value of rms_norm or layer_norm."""
    largest, error, _ = _sizes_of(case, example)
    weight, bias = example.inputs[1:3] if case.name == "layer_norm" else (1.0, 0.0)
    return np.abs(weight) * (1 + largest) * (1 + error) + np.abs(bias)


def of_normalization_gradients(case: OpCase, example: Example, k: int) -> Any:
    """Return the bound of the k-th gradient of rms_norm or layer_norm."""
    largest, error, sigma = _sizes_of(case, example)
    dy = np.abs(example.dy)
    if k == 0:
        weight = np.abs(example.inputs[1]) if case.name == "layer_norm" else 1.0
        return (weight * dy).max(axis=2, keepdims=True) / sigma * (1 + largest) ** 2 * (1 + error)
    return (dy * (1 + largest) * (1 + error) if k == 1 else dy).sum(axis=(0, 1))


def of_attention(case: OpCase, example: Example, k: int) -> Any:
    """Return the bound of attention's value: an error in a score is a relative error of a probability."""
    x, heads = example.inputs
    _, _, v, p = heads_of(x, heads)
    return _steep(x, heads) * _side_by_side(np.einsum("nhts,nshd->nthd", p, np.abs(v)))


def of_attention_gradient(case: OpCase, example: Example, k: int) -> Any:
    """Return the bound of attention's gradient."""
    x, heads = example.inputs
    q, k_, v, p = heads_of(x, heads)
    dy = np.abs(example.dy).reshape(q.shape)
    dp = np.einsum("nthd,nshd->nhts", dy, np.abs(v))
    dscores = p * (dp + np.einsum("nhts,nhts->nht", p, dp)[..., None]) / np.sqrt(q.shape[3])
    dq = np.einsum("nhts,nshd->nthd", dscores, np.abs(k_))
    dk = np.einsum("nhts,nthd->nshd", dscores, np.abs(q))
    dv = np.einsum("nhts,nthd->nshd", p, dy)
    return _steep(x, heads) * np.concatenate([*map(_side_by_side, (dq, dk, dv))], axis=2)


def _steep(x: Array, heads: int) -> Array:
    """Return 1 plus the largest score of each document, (N, 1, 1), before the terms of its sum cancel."""
    q, k, _, _ = heads_of(np.abs(x), heads)
    scores = np.einsum("nthd,nshd->nhts", q, k) / np.sqrt(q.shape[3])
    return np.asarray(1 + scores.max(axis=(1, 2, 3)).reshape(-1, 1, 1))


def _side_by_side(a: Array) -> Array:
    """Return the heads of each position side by side: (N, T, H, D) -> (N, T, C)."""
    return a.reshape(*a.shape[:2], -1)
