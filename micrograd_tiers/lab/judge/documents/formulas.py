"""The formulas of the ops of documents, for a whole mini-batch, as in a textbook.

Where a derivative runs over the numbers of one position, it is written with the whole Jacobian matrix; softmax is
written with the differences of its scores, e**s / sum of e**r = 1 / sum of e**(r - s).

Shapes: N documents, T positions, C channels, V tokens, P rows of a table of positions, H heads of D numbers.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


# Embeddings: tokens (N, T), of which -1 is none.


def embedding(tokens: Array, weight: Array) -> Array:
    """Return the weight's row of each token, (N, T, C)."""
    return np.concatenate([weight, np.zeros_like(weight[:1])])[tokens]  # row -1 is the row of zeros


def embedding_dweight(tokens: Array, weight: Array, dy: Array) -> Array:
    """Return dL/dweight: dy added to the row of each token, position by position."""
    dweight = np.zeros(weight.shape)
    for place in zip(*np.nonzero(tokens >= 0), strict=True):
        dweight[tokens[place]] += dy[place]
    return dweight


def add_position(x: Array, weight: Array) -> Array:
    """Return x plus the first T rows of the weight."""
    return np.asarray(x + weight[: x.shape[1]])


def add_position_dweight(x: Array, weight: Array, dy: Array) -> Array:
    """Return dL/dweight (P, C): row t is the sum over the documents, later rows are 0."""
    return np.asarray(np.einsum("ntc,tp->pc", dy, np.eye(x.shape[1], len(weight))))


# Normalization of each position, z = (x - mean) / root; root mean square normalization has no mean.


def _normalized(x: Array, epsilon: float, mean: Any) -> tuple[Array, Array]:
    """Return z (N, T, C) and the roots (N, T, 1)."""
    root = np.sqrt(((x - mean) ** 2).mean(axis=2, keepdims=True) + epsilon)
    return (x - mean) / root, root


def _times_jacobian(dz: Array, z: Array, root: Array, of_mean: float) -> Array:
    """Return dz times the Jacobian dz/dx of each position: (I - of_mean / C - z z.T / C) / root."""
    C = z.shape[2]
    terms = np.eye(C) - of_mean / C - np.einsum("nti,ntj->ntij", z, z) / C
    return np.asarray(np.einsum("ntj,ntij->nti", dz, terms) / root)


def rms_norm(x: Array, epsilon: float) -> Array:
    """Return x divided by the root mean square of each position."""
    return _normalized(x, epsilon, 0.0)[0]


def rms_norm_dx(x: Array, epsilon: float, dy: Array) -> Array:
    """Return dL/dx."""
    return _times_jacobian(dy, *_normalized(x, epsilon, 0.0), of_mean=0.0)


def _layer_normalized(x: Array, epsilon: float) -> tuple[Array, Array]:
    return _normalized(x, epsilon, x.mean(axis=2, keepdims=True))


def layer_norm(x: Array, weight: Array, bias: Array, epsilon: float) -> Array:
    """Return weight z + bias."""
    return np.asarray(np.einsum("ntc,c->ntc", _layer_normalized(x, epsilon)[0], weight) + bias)


def layer_norm_dx(x: Array, weight: Array, bias: Array, epsilon: float, dy: Array) -> Array:
    """Return dL/dx."""
    return _times_jacobian(weight * dy, *_layer_normalized(x, epsilon), of_mean=1.0)


def layer_norm_dweight(x: Array, weight: Array, bias: Array, epsilon: float, dy: Array) -> Array:
    """Return dL/dweight (C,)."""
    return np.asarray(np.einsum("ntc,ntc->c", dy, _layer_normalized(x, epsilon)[0]))


# Attention: x (N, T, 3 C) holds q, k and v side by side, each the H heads side by side.


class Heads(NamedTuple):
    """Queries, keys and values of all heads, each (N, T, H, D), and the probabilities p (N, H, T, T)."""

    q: Array
    k: Array
    v: Array
    p: Array


def heads_of(x: Array, heads: int) -> Heads:
    """Return q, k, v and p[n, h, t, s] = 1 / sum over r <= t of e**(score[t, r] - score[t, s]) for s <= t, else 0."""
    N, T, width = x.shape
    q, k, v = (part.reshape(N, T, heads, -1) for part in np.split(x, 3, axis=2))
    scores = np.einsum("nthd,nshd->nhts", q, k) / np.sqrt(width / (3 * heads))
    p = np.zeros_like(scores)
    for t in range(T):
        seen = scores[:, :, t, : t + 1]
        p[:, :, t, : t + 1] = 1 / np.exp(seen[..., None, :] - seen[..., :, None]).sum(axis=-1)
    return Heads(q, k, v, p)


def attention(x: Array, heads: int) -> Array:
    """Return y (N, T, C), all heads side by side."""
    _, _, v, p = heads_of(x, heads)
    y = [np.einsum("nhs,nshd->nhd", p[:, :, t, : t + 1], v[:, : t + 1]) for t in range(x.shape[1])]
    return np.stack(y, axis=1).reshape(*x.shape[:2], -1)


def attention_dx(x: Array, heads: int, dy: Array) -> Array:
    """Return dL/dx, by way of dscore[s] = p[s] sum over r of p[r] (dp[s] - dp[r])."""
    q, k, v, p = heads_of(x, heads)
    dy = dy.reshape(q.shape)
    dp = np.einsum("nthd,nshd->nhts", dy, v)
    dscores = np.einsum("nhts,nhtr,nhtsr->nhts", p, p, dp[..., :, None] - dp[..., None, :])
    dscores = dscores / np.sqrt(q.shape[3])
    dq = np.einsum("nhts,nshd->nthd", dscores, k)
    dk = np.einsum("nhts,nthd->nshd", dscores, q)
    dv = np.einsum("nhts,nthd->nshd", p, dy)
    return np.concatenate([part.reshape(*x.shape[:2], -1) for part in (dq, dk, dv)], axis=2)


# Loss.


def shares_of_targets(target: Array, logits: Array) -> Array:
    """Return the loss as cross-entropy with shares (N, T, V): of a document's M targets, each token has 1 / M."""
    one_hot = target[..., None] == np.arange(logits.shape[2])
    return np.asarray(one_hot / np.maximum(1, one_hot.sum(axis=(1, 2), keepdims=True)))
