"""Further losses, and dropout, at the tensor tier.

`scalar.py` and `vector.py` in this folder hold the same ops in the same order. Shapes
are those of `tiers/tensor.py`.
"""

import numpy as np

from micrograd_tiers.tiers.arrays import exp, log1p, total
from micrograd_tiers.tiers.tensor import softmax_cross_entropy  # unweighted, unchecked


def smoothed_cross_entropy(logits, target, smoothing):
    """Cross-entropy against (1 - smoothing) * one_hot(target) + smoothing / C.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    rows, C = np.arange(len(logits)), logits.shape[1]

    def dsmoothed(dloss):
        smooth = dlogits(dloss) - dloss * (smoothing / C)
        smooth[rows, target] += np.ravel(dloss) * smoothing
        return smooth

    mean = total(logits, axis=1) / C
    return loss + smoothing * (logits[rows, target] - mean), (dsmoothed,)


def soft_cross_entropy(logits, target):
    """Sum over c of -target[c] * log(softmax(logits)[c]); target: probabilities."""
    rows, top = np.arange(len(logits)), logits.argmax(axis=1)
    of_top, (dlogits,) = softmax_cross_entropy(logits, top)  # -log(p[top])
    gap = np.where(target == 0, 0, logits[rows, top][:, None] - logits)  # 0 log 0 = 0
    loss = total(target, axis=1) * of_top + total(target * gap, axis=1)

    def dsoft(dloss):  # p sum(target) - target; stable form: docs/numerics.md
        shift = target.copy()
        shift[rows, top] = 0
        shift[rows, top] = -total(shift, axis=1)
        return dlogits(dloss * total(target, axis=1)[:, None]) - shift * dloss

    return loss, (dsoft,)


def binary_cross_entropy(logits, target):
    """Mean over the O outputs of -t log(p) - (1 - t) log(1 - p), p = sigmoid(logit)."""
    e = exp(-np.abs(logits))
    # The share of the target that contradicts the sign of the logit.
    wrong = np.where(logits > 0, 1 - target, target)
    size = np.where(wrong == 0, 0, np.abs(logits) * wrong)
    loss = total(log1p(e) + size, axis=1) / logits.shape[1]

    def dlogits(dloss):  # (p - t) / O; stable form: docs/numerics.md
        size = (wrong - (1 - wrong) * e) / (1 + e)
        return np.where(logits > 0, size, -size) / logits.shape[1] * dloss

    return loss, (dlogits,)


def hinge(y, target):
    """Mean over the O outputs of max(0, 1 - target * y); the slope at the kink is 0."""
    margin = 1 - target * y
    loss = total(np.maximum(margin, 0), axis=1) / y.shape[1]
    return loss, (lambda dloss: -target * (margin > 0) / y.shape[1] * dloss,)


def mean_absolute_error(y, target):
    """Mean over the O outputs of |y - target|; the slope at the kink is 0."""
    difference = y - target
    loss = total(np.abs(difference), axis=1) / y.shape[1]
    return loss, (lambda dloss: np.sign(difference) / y.shape[1] * dloss,)


def dropout(x, mask):
    """y = mask * x; the mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html
    """
    return x * mask, (lambda dy: dy * mask,)
