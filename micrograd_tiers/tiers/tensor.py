"""The tensor tier: a mini-batch at a time, as matrices; no loop over samples is left.

An op returns its value y and, for each differentiable argument, a vjp: the function
that takes dy = dL/dy and returns dL/d(argument). `scalar.py` and `vector.py` hold the
same ops in the same order: read the three files side by side.
Shapes: x (N, I), weight (O, I), bias (O,), logits (N, C), loss (N,), dloss () or (N, 1)
"""

import numpy as np

from micrograd_tiers.tiers.arrays import exp, expm1, log1p, matmul, tanh_of, total
from micrograd_tiers.tiers.assembly import assemble
from micrograd_tiers.tiers.sums import product_with


def linear(x, weight, bias):
    """y = x weight.T + bias."""
    y = matmul(x, weight.T) + bias
    return y, (
        lambda dy: matmul(dy, weight),  # dL/dx (N, I)
        product_with(x),  # dL/dweight (O, I): matmul(dy.T, x), see sums.py
        lambda dy: total(dy, axis=0),  # dL/dbias (O,): summed over the samples
    )


def sigmoid(x):
    """y = 1 / (1 + e**-x), computed as e**x / (1 + e**x) where x < 0."""
    e = exp(np.minimum(x, -x))  # e**-|x|, at most 1
    y = np.maximum(e, x >= 0) / (1 + e)  # numerator: 1 where x >= 0, else e

    def dx(dy):  # y (1 - y) = e / (1 + e)**2; stable form: docs/numerics.md
        return dy * (e / (1 + (2 * e + e * e)))

    return y, (dx,)


def tanh(x):
    """y = tanh(x)."""
    y = tanh_of(x)

    def dx(dy):  # 1 - y**2 = sech(x)**2; stable form: docs/numerics.md
        e = exp(-np.abs(x))
        sech = 2 * e / (1 + e * e)
        return dy * (sech * sech)

    return y, (dx,)


def relu(x):
    """y = max(x, 0); the derivative at 0 is defined as 0."""
    y = np.maximum(x, 0)
    return y, (lambda dy: dy * (x > 0),)


def elu(x, alpha=1.0):
    """y = x where x > 0, alpha (e**x - 1) elsewhere (Clevert et al. 2016)."""
    y = np.where(x <= 0, alpha * expm1(np.minimum(x, 0)), x)

    def dx(dy):
        return np.where(x <= 0, dy * (alpha * exp(np.minimum(x, 0))), dy)

    return y, (dx,)


def softmax(logits):
    """p[c] = e**logits[c] / sum(e**logits); the largest logit is subtracted first."""
    e = exp(logits - logits.max(axis=1, keepdims=True))
    p = e / total(e, axis=1)[:, None]

    def dlogits(dp):
        mean_dp = total(dp * p, axis=1)[:, None]
        return p * (dp - mean_dp)

    return p, (dlogits,)


def softmax_cross_entropy(logits, target):
    """-log(softmax(logits)[target]) in nats, by log-sum-exp: docs/numerics.md."""
    rows, top = np.arange(len(logits)), logits.argmax(axis=1)
    largest = logits[rows, top]
    e = exp(logits - largest[:, None])
    e[rows, top] = 0
    rest = total(e, axis=1)
    e[rows, top] = 1
    loss = log1p(rest) + (largest - logits[rows, target])

    def dlogits(dloss):  # p - 1 at the target, p elsewhere
        p = e / (1 + rest)[:, None]
        p[rows, target] = 0
        p[rows, target] = -total(p, axis=1)
        return p * dloss

    return loss, (dlogits,)


def mean_squared_error(y, target):
    """Mean over the O outputs of (y - target)**2."""
    difference = y - target
    loss = total(difference * difference, axis=1) / y.shape[1]
    return loss, (lambda dloss: 2 * difference / y.shape[1] * dloss,)


assemble("tensor", globals())  # adds the other ops of this tier; see assembly.py
