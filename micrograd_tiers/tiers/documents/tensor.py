"""Ops of documents, which are sequences of tokens, at the tensor tier.

`scalar.py` and `vector.py` in this folder hold the same ops in the same order.
A mini-batch has N documents of T positions: tokens (N, T), x (N, T, C), logits
(N, T, V). Tokens are numbers from 0 to V - 1; -1 pads a document at its end. Only
`embedding` and `next_token_loss` treat it in a way of its own, as `attention` never
looks ahead.
"""

from math import sqrt

import numpy as np

from micrograd_tiers.tiers.arrays import exp, matmul, matmuls, products, total
from micrograd_tiers.tiers.tensor import softmax_cross_entropy  # unweighted, unchecked


def squared_relu(x):
    """y = max(x, 0)**2 (So et al. 2021, https://arxiv.org/abs/2109.08668)."""
    positive = np.maximum(x, 0)
    return positive * positive, (lambda dy: dy * (2 * positive),)


def embedding(tokens, weight):
    """y[n, t] = weight[tokens[n, t]], a row of zeros where the token is -1."""
    y = weight[tokens]  # a copy; -1 takes the last row
    y[tokens < 0] = 0

    def dweight(dy):  # the gradients of a token that occurs twice are added
        one_hot = tokens[..., None] == np.arange(len(weight))  # (N, T, V); -1: no 1
        return products(one_hot.astype(dy.dtype), dy)  # sum of one_hot[n].T @ dy[n]

    return y, (dweight,)


def add_position(x, weight):
    """y[n, t] = x[n, t] + weight[t]; weight has a row for each position, T or more."""
    T = x.shape[1]

    def dweight(dy):
        rows = np.zeros(weight.shape, dy.dtype)
        rows[:T] = total(dy, axis=0)
        return rows

    return x + weight[:T], (lambda dy: dy.copy(), dweight)


def rms_norm(x, epsilon=1e-5):
    """y[n, t] = x[n, t] / sqrt(mean of x[n, t]**2 + epsilon).

    Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
    """
    C = x.shape[2]
    root = np.sqrt(total(x * x, axis=2) / C + epsilon)[..., None]
    y = x / root

    def dx(dy):
        along = (total(dy * y, axis=2) / C)[..., None]
        return (dy - y * along) / root  # the root depends on x, too: droot/dx = y / C

    return y, (dx,)


def layer_norm(x, weight, bias, epsilon=1e-5):
    """y[n, t] = weight * z[n, t] + bias, z = (x - mean) / sqrt(variance + epsilon).

    Ba et al. 2016, https://arxiv.org/abs/1607.06450
    """
    C = x.shape[2]
    centered = x - (total(x, axis=2) / C)[..., None]
    root = np.sqrt(total(centered * centered, axis=2) / C + epsilon)[..., None]
    z = centered / root

    def dx(dy):  # mean and root depend on x, too: droot/dx = z / C
        dz = dy * weight
        mean_dz = (total(dz, axis=2) / C)[..., None]
        along = (total(dz * z, axis=2) / C)[..., None]
        return (dz - mean_dz - z * along) / root

    return weight * z + bias, (
        dx,
        lambda dy: total(total(dy * z, axis=1), axis=0),  # dL/dweight (C,)
        lambda dy: total(total(dy, axis=1), axis=0),  # dL/dbias (C,)
    )


def attention(x, heads):
    """y[t] = sum over s <= t of p[t, s] v[s], p[t] = softmax of q[t] . k[s] / sqrt(D).

    For each n, x[t] is q[t], k[t] and v[t] side by side. Each is cut into `heads` parts
    of D numbers, and each head does the same with its own parts (Vaswani et al. 2017).
    """
    N, T, width = x.shape
    D = width // (3 * heads)
    q, k, v = x.reshape(N, T, 3, heads, D).transpose(2, 0, 3, 1, 4)  # (N, heads, T, D)
    scores = matmuls(q, k.swapaxes(2, 3)) / sqrt(D)  # [n, h, t, s]: one matrix per head
    scores[..., ~np.tri(T, dtype=bool)] = -np.inf  # where s > t, so that p[t, s] = 0
    e = exp(scores - scores.max(axis=-1, keepdims=True))  # softmax over s
    p = e / total(e, axis=-1)[..., None]
    y = matmuls(p, v)  # (N, heads, T, D)

    def dx(dy):
        dy = dy.reshape(N, T, heads, D).swapaxes(1, 2)  # as y
        dp = matmuls(dy, v.swapaxes(2, 3))
        mean_dp = total(dp * p, axis=-1)[..., None]
        dqk = p * (dp - mean_dp) / sqrt(D)  # dL/d(q[t] . k[s]); like p, 0 where s > t
        dq = matmuls(dqk, k)  # sum over s of dqk[t, s] k[s]
        dk = matmuls(dqk.swapaxes(2, 3), q)  # sum over t of dqk[t, s] q[t]
        dv = matmuls(p.swapaxes(2, 3), dy)  # sum over t of p[t, s] dy[t]
        return np.stack([dq, dk, dv]).transpose(1, 3, 0, 2, 4).reshape(x.shape)

    return y.swapaxes(1, 2).reshape(N, T, -1), (dx,)


def project(x, weight):
    """y[n, t] = weight @ x[n, t]: `linear` without a bias, at each position."""
    y = matmul(x.reshape(-1, x.shape[2]), weight.T)

    def dx(dy):
        return matmul(dy.reshape(-1, dy.shape[2]), weight).reshape(x.shape)

    def dweight(dy):  # (O, C): sum over n of dy[n].T @ x[n]
        return products(dy, x)

    return y.reshape(*x.shape[:2], -1), (dx, dweight)


def next_token_loss(logits, target):
    """Mean of -log(softmax(logits)[target]) over a document's targets; -1 is none."""
    real, rows = target >= 0, logits.reshape(-1, logits.shape[2])
    count = np.maximum(1, real.sum(axis=1))[:, None]
    losses, (vjp,) = softmax_cross_entropy(rows, target.ravel())  # (N T,)
    losses = np.where(real, losses.reshape(real.shape), 0)
    loss = total(losses, axis=1) / count[:, 0]

    def dlogits(dloss):  # a number, or (N, 1)
        shares = np.broadcast_to(dloss / count, real.shape).astype(logits.dtype)
        dlogits = vjp(shares.reshape(-1, 1)).reshape(logits.shape)
        dlogits[~real] = 0
        return dlogits

    return loss.astype(logits.dtype), (dlogits,)
