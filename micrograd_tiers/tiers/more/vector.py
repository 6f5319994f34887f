"""Further losses, and dropout, at the vector tier.

`scalar.py` and `tensor.py` in this folder hold the same ops in the same order. Shapes
are those of `tiers/vector.py`.
"""

import numpy as np

from micrograd_tiers.tiers.arrays import exp, log1p, total
from micrograd_tiers.tiers.vector import softmax_cross_entropy  # unweighted, unchecked


def smoothed_cross_entropy(logits, target, smoothing):
    """Cross-entropy against (1 - smoothing) * one_hot(target) + smoothing / C.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    C = len(logits)

    def dsmoothed(dloss):
        smooth = dlogits(dloss) - dloss * (smoothing / C)
        smooth[target] += dloss * smoothing
        return smooth

    return loss + smoothing * (logits[target] - total(logits) / C), (dsmoothed,)


def soft_cross_entropy(logits, target):
    """Sum over c of -target[c] * log(softmax(logits)[c]); target: probabilities."""
    top = logits.argmax()
    of_top, (dlogits,) = softmax_cross_entropy(logits, top)  # -log(p[top])
    gap = np.where(target == 0, 0, logits[top] - logits)  # 0 log 0 = 0
    loss = total(target) * of_top + total(target * gap)

    def dsoft(dloss):  # p sum(target) - target; stable form: docs/numerics.md
        shift = target.copy()
        shift[top] = 0
        shift[top] = -total(shift)
        return dlogits(dloss * total(target)) - shift * dloss

    return loss, (dsoft,)


def binary_cross_entropy(logits, target):
    """Mean over the O outputs of -t log(p) - (1 - t) log(1 - p), p = sigmoid(logit)."""
    e = exp(-np.abs(logits))
    # The share of the target that contradicts the sign of the logit.
    wrong = np.where(logits > 0, 1 - target, target)
    size = np.where(wrong == 0, 0, np.abs(logits) * wrong)
    loss = total(log1p(e) + size) / len(logits)

    def dlogits(dloss):  # (p - t) / O; stable form: docs/numerics.md
        size = (wrong - (1 - wrong) * e) / (1 + e)
        return np.where(logits > 0, size, -size) / len(logits) * dloss

    return loss, (dlogits,)


def hinge(y, target):
    """Mean over the O outputs of max(0, 1 - target * y); the slope at the kink is 0."""
    margin = 1 - target * y
    loss = total(np.maximum(margin, 0)) / len(y)
    return loss, (lambda dloss: -target * (margin > 0) / len(y) * dloss,)


def mean_absolute_error(y, target):
    """Mean over the O outputs of |y - target|; the slope at the kink is 0."""
    difference = y - target
    loss = total(np.abs(difference)) / len(y)
    return loss, (lambda dloss: np.sign(difference) / len(y) * dloss,)


def dropout(x, mask):
    """y = mask * x; the mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """
    return x * mask, (lambda dy: dy * mask,)
