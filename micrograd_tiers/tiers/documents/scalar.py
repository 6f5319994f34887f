"""Ops of documents, which are sequences of tokens, at the scalar tier.

`vector.py` and `tensor.py` in this folder hold the same ops in the same order.
A document has T positions: tokens (T,), x (T, C), logits (T, V). Tokens are numbers
from 0 to V - 1; -1 pads a document at its end. Only `embedding` and `next_token_loss`
treat it in a way of its own, as `attention` never looks ahead. x_t is row t of x.
"""

from operator import add, mul

from micrograd_tiers.tiers.lists import (
    columns,
    dot,
    elementwise,
    filled,
    flat,
    sqrt,
    total,
)
from micrograd_tiers.tiers.scalar import softmax, softmax_cross_entropy  # unchecked


def squared_relu(x):
    """y = max(x, 0)**2 (So et al. 2021, https://arxiv.org/abs/2109.08668)."""
    positive = [0.0 if xi <= 0 else xi for xi in x]
    y = [pi * pi for pi in positive]

    def dx(dy):
        return [dyi * (2 * pi) for dyi, pi in zip(dy, positive, strict=True)]

    return y, (dx,)


def embedding(tokens, weight):
    """y[t] = weight[tokens[t]], a row of zeros where the token is -1."""
    V, C = len(weight), len(weight[0])
    y = [[*weight[token]] if token >= 0 else [0.0] * C for token in tokens]

    def dweight(dy):  # the gradients of a token that occurs twice are added
        rows = filled((V, C))
        for token, dy_t in zip(tokens, dy, strict=True):
            if token >= 0:
                rows[token] = elementwise(add, rows[token], dy_t)
        return rows

    return y, (dweight,)


def add_position(x, weight):
    """y[t] = x[t] + weight[t]; weight has a row for each position, T or more."""
    T, later = len(x), len(weight) - len(x)

    def dx(dy):
        return [[*dy_t] for dy_t in dy]

    def dweight(dy):
        return dx(dy) + filled((later, len(x[0])))

    return elementwise(add, x, weight[:T]), (dx, dweight)


def rms_norm(x, epsilon=1e-5):
    """y[t] = x[t] / sqrt(mean of x[t]**2 + epsilon).

    Zhang and Sennrich 2019, https://arxiv.org/abs/1910.07467
    """
    C = len(x[0])
    roots = [sqrt(total([xi * xi for xi in x_t]) / C + epsilon) for x_t in x]
    y = [[xi / root for xi in x_t] for x_t, root in zip(x, roots, strict=True)]

    def dx_t(dy_t, y_t, root):  # the root depends on x, too: droot/dx = y / C
        along = dot(dy_t, y_t) / C
        pairs = zip(dy_t, y_t, strict=True)
        return [(dyi - yi * along) / root for dyi, yi in pairs]

    return y, (lambda dy: [*map(dx_t, dy, y, roots)],)


def layer_norm(x, weight, bias, epsilon=1e-5):
    """y[t] = weight * z[t] + bias, z[t] = (x[t] - mean) / sqrt(variance + epsilon).

    Ba et al. 2016, https://arxiv.org/abs/1607.06450
    """
    C = len(x[0])
    roots, z = [], []
    for x_t in x:
        mean = total(x_t) / C
        centered = [xi - mean for xi in x_t]
        roots.append(sqrt(total([ci * ci for ci in centered]) / C + epsilon))
        z.append([ci / roots[-1] for ci in centered])
    y = [elementwise(lambda w, zi, b: w * zi + b, weight, z_t, bias) for z_t in z]

    def dx_t(dy_t, z_t, root):  # mean and root depend on x, too: droot/dx = z / C
        dz = elementwise(mul, dy_t, weight)
        mean_dz, along = total(dz) / C, dot(dz, z_t) / C
        pairs = zip(dz, z_t, strict=True)
        return [(dzi - mean_dz - zi * along) / root for dzi, zi in pairs]

    def dweight(dy):  # (C,), summed over the positions
        return [*map(total, columns(elementwise(mul, dy, z)))]

    def dbias(dy):
        return [*map(total, columns(dy))]

    return y, (lambda dy: [*map(dx_t, dy, z, roots)], dweight, dbias)


def attention(x, heads):
    """y[t] = sum over s <= t of p[t][s] v[s], p[t] = softmax of q[t] . k[s] / sqrt(D).

    x[t] is q[t], k[t] and v[t] side by side. Each is cut into `heads` parts of D
    numbers, and each head does the same with its own parts (Vaswani et al. 2017).
    """
    T, D = len(x), len(x[0]) // (3 * heads)
    root_D = sqrt(D)
    parts = [[x_t[i : i + D] for x_t in x] for i in range(0, len(x[0]), D)]
    y, p, vjps = filled((T, 0)), [], []  # p, vjps: of head h, position t at [h * T + t]
    for h in range(heads):
        q, k, v = parts[h::heads]  # parts h, heads + h and 2 * heads + h
        for t in range(T):
            scores = [dot(q[t], k[s]) / root_D for s in range(t + 1)]  # none for s > t
            p_t, (vjp,) = softmax(scores)
            y[t] += [dot(p_t, v_i) for v_i in columns(v[: t + 1])]  # appended
            p.append(p_t)
            vjps.append(vjp)

    def dx(dy):
        dparts = filled((3 * heads, T, D))
        for h in range(heads):
            (q, k, v), (dq, dk, dv) = parts[h::heads], dparts[h::heads]
            for t in range(T):
                dy_t, p_t = dy[t][h * D : (h + 1) * D], p[h * T + t]
                dp_t = [dot(dy_t, v[s]) for s in range(t + 1)]
                dscores = vjps[h * T + t](dp_t)
                dqk_t = [d / root_D for d in dscores]  # dL/d(q[t] . k[s])
                for s in range(t + 1):
                    for i in range(D):
                        dq[t][i] += dqk_t[s] * k[s][i]
                        dk[s][i] += dqk_t[s] * q[t][i]
                        dv[s][i] += p_t[s] * dy_t[i]
        return [flat(of_t) for of_t in columns(dparts)]  # [part][t] to [t][part]

    return y, (dx,)


def project(x, weight):
    """y[t] = weight @ x[t]: `linear` without a bias, at each position."""
    y = [[dot(row, x_t) for row in weight] for x_t in x]

    def dx(dy):
        return [[dot(column, dy_t) for column in columns(weight)] for dy_t in dy]

    def dweight(dy):  # (O, C), summed over the positions
        return [[dot(dy_o, x_c) for x_c in columns(x)] for dy_o in columns(dy)]

    return y, (dx, dweight)


def next_token_loss(logits, target):
    """Mean of -log(softmax(logits)[target]) over the document's targets; -1 is none."""
    count = max(1, sum(token >= 0 for token in target))
    losses, vjps = [], []
    for logits_t, token in zip(logits, target, strict=True):
        loss, (vjp,) = softmax_cross_entropy(logits_t, token)
        losses.append(loss if token >= 0 else 0.0)  # that of -1 means nothing
        vjps.append(vjp)

    def dlogits(dloss):
        none, share = [0.0] * len(logits[0]), dloss / count
        pairs = zip(vjps, target, strict=True)
        return [vjp(share) if token >= 0 else [*none] for vjp, token in pairs]

    return total(losses) / count, (dlogits,)
