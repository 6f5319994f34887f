"""Further losses, and dropout, at the scalar tier.

`vector.py` and `tensor.py` in this folder hold the same ops in the same order. Shapes
are those of `tiers/scalar.py`.
"""

from operator import mul

from micrograd_tiers.tiers.lists import elementwise, exp, log1p, total
from micrograd_tiers.tiers.scalar import softmax_cross_entropy  # unweighted, unchecked


def smoothed_cross_entropy(logits, target, smoothing):
    """Cross-entropy against (1 - smoothing) * one_hot(target) + smoothing / C.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    C = len(logits)

    def dsmoothed(dloss):
        smooth = [d - dloss * (smoothing / C) for d in dlogits(dloss)]
        smooth[target] += dloss * smoothing
        return smooth

    return loss + smoothing * (logits[target] - total(logits) / C), (dsmoothed,)


def soft_cross_entropy(logits, target):
    """Sum over c of -target[c] * log(softmax(logits)[c]); target: probabilities."""
    top = logits.index(max(logits))
    of_top, (dlogits,) = softmax_cross_entropy(logits, top)  # -log(p[top])
    pairs = zip(target, logits, strict=True)
    gaps = [t * (logits[top] - z) if t else 0.0 for t, z in pairs]  # 0 log 0 = 0
    loss = total(target) * of_top + total(gaps)

    def dsoft(dloss):  # p sum(target) - target; stable form: docs/numerics.md
        shift = [-t for t in target]
        shift[top] = total([0.0 if c == top else t for c, t in enumerate(target)])
        d = dlogits(dloss * total(target))
        return [di + si * dloss for di, si in zip(d, shift, strict=True)]

    return loss, (dsoft,)


def binary_cross_entropy(logits, target):
    """Mean over the O outputs of -t log(p) - (1 - t) log(1 - p), p = sigmoid(logit)."""
    pairs = [*zip(logits, target, strict=True)]
    e = [exp(-abs(z)) for z in logits]
    # The share of the target that contradicts the sign of the logit.
    wrong = [1 - t if z > 0 else t for z, t in pairs]
    sizes = [abs(z) * w if w else 0.0 for z, w in zip(logits, wrong, strict=True)]
    losses = [log1p(ei) + size for ei, size in zip(e, sizes, strict=True)]

    def dlogits(dloss):  # (p - t) / O; stable form: docs/numerics.md
        size = [(w - (1 - w) * ei) / (1 + ei) for ei, w in zip(e, wrong, strict=True)]
        signs = [1.0 if z > 0 else -1.0 for z in logits]
        return [s * d / len(e) * dloss for s, d in zip(signs, size, strict=True)]

    return total(losses) / len(e), (dlogits,)


def hinge(y, target):
    """Mean over the O outputs of max(0, 1 - target * y); the slope at the kink is 0."""
    margin = [1 - to * yo for yo, to in zip(y, target, strict=True)]
    loss = total([0.0 if m <= 0 else m for m in margin]) / len(y)

    def dy(dloss):
        pairs = zip(target, margin, strict=True)
        return [-to * (m > 0) / len(y) * dloss for to, m in pairs]

    return loss, (dy,)


def mean_absolute_error(y, target):
    """Mean over the O outputs of |y - target|; the slope at the kink is 0."""
    difference = [yo - to for yo, to in zip(y, target, strict=True)]
    loss = total([abs(d) for d in difference]) / len(y)

    def dy(dloss):
        return [(1.0 * (d > 0) - (d < 0)) / len(y) * dloss for d in difference]

    return loss, (dy,)


def dropout(x, mask):
    """y = mask * x; the mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """
    return elementwise(mul, x, mask), (lambda dy: elementwise(mul, dy, mask),)
