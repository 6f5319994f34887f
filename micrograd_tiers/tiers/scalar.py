"""The scalar tier: one sample at a time, as lists of Python floats, in explicit loops.

An op returns its value y and, for each differentiable argument, a vjp: the function
that takes dy = dL/dy and returns dL/d(argument). `vector.py` and `tensor.py` hold the
same ops in the same order: read the three files side by side. The forward code also
runs on `engine.Value`s instead of floats.

Shapes: x (I,), weight (O, I), bias (O,), logits (C,); a loss is a number.
"""

from micrograd_tiers.tiers.assembly import assemble
from micrograd_tiers.tiers.lists import dot, exp, expm1, log1p, tanh_of, total
from micrograd_tiers.tiers.sums import outer_rows_with


def linear(x, weight, bias):
    """y[o] = sum over i of weight[o][i] * x[i], plus bias[o]."""
    y = [dot(row, x) + b for row, b in zip(weight, bias, strict=True)]
    return y, (
        lambda dy: [dot(column, dy) for column in zip(*weight, strict=True)],  # dL/dx
        outer_rows_with(x),  # dL/dweight (O, I): [[dyo * xi for xi in x] for dyo in dy]
        lambda dy: [*dy],  # dL/dbias (O,): a copy, as the caller may change it
    )


def sigmoid(x):
    """y = 1 / (1 + e**-x), computed as e**x / (1 + e**x) where x < 0."""
    e = [exp(-xi) if xi >= 0 else exp(xi) for xi in x]  # e**-|x|, at most 1
    y = [(1.0 if xi >= 0 else ei) / (1.0 + ei) for xi, ei in zip(x, e, strict=True)]

    def dx(dy):  # y (1 - y) = e / (1 + e)**2; stable form: docs/numerics.md
        pairs = zip(dy, e, strict=True)
        return [dyi * (ei / (1.0 + (2.0 * ei + ei * ei))) for dyi, ei in pairs]

    return y, (dx,)


def tanh(x):
    """y = tanh(x)."""
    y = [tanh_of(xi) for xi in x]

    def dx(dy):  # 1 - y**2 = sech(x)**2; stable form: docs/numerics.md
        e = [exp(-abs(xi)) for xi in x]
        sech = [2 * ei / (1 + ei * ei) for ei in e]
        return [dyi * (si * si) for dyi, si in zip(dy, sech, strict=True)]

    return y, (dx,)


def relu(x):
    """y = max(x, 0); the derivative at 0 is defined as 0."""
    y = [0.0 if xi <= 0 else xi for xi in x]
    return y, (lambda dy: [dyi * (xi > 0) for xi, dyi in zip(x, dy, strict=True)],)


def elu(x, alpha=1.0):
    """y = x where x > 0, alpha (e**x - 1) elsewhere (Clevert et al. 2016)."""
    y = [alpha * expm1(xi) if xi <= 0 else xi for xi in x]

    def dx(dy):
        pairs = zip(x, dy, strict=True)
        return [dyi * (alpha * exp(xi)) if xi <= 0 else dyi for xi, dyi in pairs]

    return y, (dx,)


def softmax(logits):
    """p[c] = e**logits[c] / sum(e**logits); the largest logit is subtracted first."""
    largest = max(logits)
    e = [exp(z - largest) for z in logits]
    e_sum = total(e)
    p = [ei / e_sum for ei in e]

    def dlogits(dp):
        mean_dp = dot(dp, p)
        return [pi * (dpi - mean_dp) for pi, dpi in zip(p, dp, strict=True)]

    return p, (dlogits,)


def softmax_cross_entropy(logits, target):
    """-log(softmax(logits)[target]) in nats, by log-sum-exp: docs/numerics.md."""
    top = logits.index(max(logits))
    e = [exp(z - logits[top]) for z in logits]
    e[top] = 0.0
    rest = total(e)
    e[top] = 1.0
    loss = log1p(rest) + (logits[top] - logits[target])

    def dlogits(dloss):  # p - 1 at the target, p elsewhere
        p = [ei / (1 + rest) for ei in e]
        p[target] = 0.0
        p[target] = -total(p)
        return [pi * dloss for pi in p]

    return loss, (dlogits,)


def mean_squared_error(y, target):
    """Mean over the O outputs of (y - target)**2."""
    difference = [yo - to for yo, to in zip(y, target, strict=True)]
    loss = total([d * d for d in difference]) / len(y)
    return loss, (lambda dloss: [2 * d / len(y) * dloss for d in difference],)


assemble("scalar", globals())  # adds the other ops of this tier; see assembly.py
