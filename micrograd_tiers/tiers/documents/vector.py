"""Ops of documents, which are sequences of tokens, at the vector tier.

`scalar.py` and `tensor.py` in this folder hold the same ops in the same order.
A document has T positions: tokens (T,), x (T, C), logits (T, V). Tokens are numbers
from 0 to V - 1; -1 pads a document at its end. Only `embedding` and `next_token_loss`
treat it in a way of its own, as `attention` never looks ahead.
"""

from math import sqrt

import numpy as np

from micrograd_tiers.tiers.arrays import exp, log1p, matmul, matmuls, total


def squared_relu(x):
    """y = max(x, 0)**2 (So et al. 2021, https://arxiv.org/abs/2109.08668)."""
    positive = np.maximum(x, 0)
    return positive * positive, (lambda dy: dy * (2 * positive),)


def embedding(tokens, weight):
    """y[t] = weight[tokens[t]], a row of zeros where the token is -1."""
    real = tokens >= 0
    y = weight[tokens]  # a copy; -1 takes the last row
    y[~real] = 0

    def dweight(dy):  # the gradients of a token that occurs twice are added
        rows = np.zeros(weight.shape, dy.dtype)
        np.add.at(rows, tokens[real], dy[real])
        return rows

    return y, (dweight,)


def add_position(x, weight):
    """y[t] = x[t] + weight[t]; weight has a row for each position, T or more."""

    def dweight(dy):
        rows = np.zeros(weight.shape, dy.dtype)
        rows[: len(x)] = dy
        return rows

    return x + weight[: len(x)], (lambda dy: dy.copy(), dweight)


def rms_norm(x, epsilon=1e-5):
    """y[t] = x[t] / sqrt(mean of x[t]**2 + epsilon).

    Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
    """
    C = x.shape[1]
    root = np.sqrt(total(x * x, axis=1) / C + epsilon)[:, None]
    y = x / root

    def dx(dy):
        along = (total(dy * y, axis=1) / C)[:, None]
        return (dy - y * along) / root  # the root depends on x, too: droot/dx = y / C

    return y, (dx,)


def layer_norm(x, weight, bias, epsilon=1e-5):
    """y[t] = weight * z[t] + bias, z[t] = (x[t] - mean) / sqrt(variance + epsilon).

    Ba et al. 2016, https://arxiv.org/abs/1607.06450
    """
    C = x.shape[1]
    centered = x - (total(x, axis=1) / C)[:, None]
    root = np.sqrt(total(centered * centered, axis=1) / C + epsilon)[:, None]
    z = centered / root

    def dx(dy):  # mean and root depend on x, too: droot/dx = z / C
        dz = dy * weight
        mean_dz = (total(dz, axis=1) / C)[:, None]
        along = (total(dz * z, axis=1) / C)[:, None]
        return (dz - mean_dz - z * along) / root

    return weight * z + bias, (
        dx,
        lambda dy: total(dy * z, axis=0),  # dL/dweight (C,)
        lambda dy: total(dy, axis=0),  # dL/dbias (C,)
    )


def attention(x, heads):
    """y[t] = sum over s <= t of p[t, s] v[s], p[t] = softmax of q[t] . k[s] / sqrt(D).

    x[t] is q[t], k[t] and v[t] side by side. Each is cut into `heads` parts of D
    numbers, and each head does the same with its own parts (Vaswani et al. 2017).
    """
    T, D = len(x), x.shape[1] // (3 * heads)
    q, k, v = x.reshape(T, 3, heads, D).transpose(1, 2, 0, 3)  # each (heads, T, D)
    scores = matmuls(q, k.transpose(0, 2, 1)) / sqrt(D)  # [h, t, s], a matrix per head
    scores[:, ~np.tri(T, dtype=bool)] = -np.inf  # where s > t, so that p[h, t, s] = 0
    e = exp(scores - scores.max(axis=-1, keepdims=True))  # softmax over s
    p = e / total(e, axis=-1)[..., None]
    y = matmuls(p, v)  # (heads, T, D)

    def dx(dy):
        dy = dy.reshape(T, heads, D).transpose(1, 0, 2)  # as y
        dp = matmuls(dy, v.transpose(0, 2, 1))
        mean_dp = total(dp * p, axis=-1)[..., None]
        dqk = p * (dp - mean_dp) / sqrt(D)  # dL/d(q[t] . k[s]); like p, 0 where s > t
        dq = matmuls(dqk, k)  # sum over s of dqk[t, s] k[s]
        dk = matmuls(dqk.transpose(0, 2, 1), q)  # sum over t of dqk[t, s] q[t]
        dv = matmuls(p.transpose(0, 2, 1), dy)  # sum over t of p[t, s] dy[t]
        return np.stack([dq, dk, dv]).transpose(2, 0, 1, 3).reshape(x.shape)

    return y.transpose(1, 0, 2).reshape(T, -1), (dx,)


def project(x, weight):
    """y[t] = weight @ x[t]: `linear` without a bias, at each position."""
    return matmul(x, weight.T), (
        lambda dy: matmul(dy, weight),  # dL/dx (T, C)
        lambda dy: matmul(dy.T, x),  # dL/dweight (O, C), summed over the positions
    )


def next_token_loss(logits, target):
    """Mean of -log(softmax(logits)[target]) over the document's targets; -1 is none."""
    real = target >= 0
    count, t, top = (
        max(1, int(real.sum())),
        np.arange(len(logits)),
        logits.argmax(axis=1),
    )
    e = exp(logits - logits[t, top][:, None])  # `softmax_cross_entropy`, row by row
    e[t, top] = 0
    rest = total(e, axis=1)
    e[t, top] = 1
    losses = log1p(rest) + (logits[t, top] - logits[t, target])
    losses[~real] = 0

    def dlogits(dloss):  # p - 1 at the target, p elsewhere
        p = e / (1 + rest)[:, None]
        p[t, target] = 0
        p[t, target] = -total(p, axis=1)
        dlogits = p * (dloss / count)
        dlogits[~real] = 0
        return dlogits

    return total(losses) / count, (dlogits,)
