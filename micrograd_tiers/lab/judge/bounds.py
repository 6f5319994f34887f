"""Size of the rounding errors that a right op may have, part by part.

A bound is what the error of an ordinary way to compute the formula is proportional to: the size of the result where
nothing cancels, the size of the terms of a sum, the largest logit where logits are subtracted. A derivative such as
y (1 - y) loses its digits in the tails, where hardly any gradient is left; that is right enough. So the bounds of
derivatives contain a hundredth of dy.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .cases import OpCase
from .documents import bounds as documents
from .examples import Example
from .formulas import FORMULAS

Array = NDArray[Any]
TINY = 1e-18  # times the tolerance, the error that is allowed where the right result is 0


def bound(case: OpCase, example: Example, part: str, expected: Any) -> Any:
    """Return the bound of one part: a number, or an array shaped as the part."""
    k = case.parts.index(part) - 1
    with np.errstate(all="ignore"):
        of_op = OF_VALUE.get(case.name) if k < 0 else OF_GRADIENT.get(case.name)
        size = np.abs(expected) + TINY
        return size if of_op is None else size + of_op(case, example, k)


def _without_cancellation(case: OpCase, example: Example, k: int) -> Any:
    """Return the part with the absolute values of all terms of its sums."""
    value, gradients = FORMULAS[case.name]
    inputs = tuple(np.abs(a) if isinstance(a, np.ndarray) else a for a in example.inputs)
    return value(*inputs) if k < 0 else gradients[k](*inputs, np.abs(example.dy))


def _sums_of_dy(case: OpCase, example: Example, k: int) -> Any:
    return FORMULAS[case.name].gradients[k](*example.inputs, np.abs(example.dy))


def _tails(case: OpCase, example: Example, k: int) -> Any:
    return 0.01 * np.abs(example.dy)


def _largest(example: Example) -> Array:
    """Return the size of the largest logit of each sample, (N, 1), or of each position of a document, (N, T, 1)."""
    return np.asarray(np.abs(example.inputs[0]).max(axis=-1, keepdims=True))


def _softmax(case: OpCase, example: Example, k: int) -> Any:
    return FORMULAS["softmax"].value(*example.inputs) * _largest(example)


def _softmax_dlogits(case: OpCase, example: Example, k: int) -> Any:
    return 0.01 * np.abs(example.dy).max(axis=1, keepdims=True)


def _sum_of_losses(case: OpCase, example: Example, k: int) -> Any:
    return (1 + _largest(example)).sum()


def _normal(example: Example) -> tuple[Any, ...]:
    """Return the largest normalized number, its relative error and the divisor, each shaped to multiply x."""
    x, _, _, epsilon, *statistics = example.inputs
    axes = (0, *range(2, x.ndim))
    mean, variance = statistics[:2] if statistics else (x.mean(axis=axes), x.var(axis=axes))
    shape = (-1, *[1] * (x.ndim - 2))
    sigma = np.sqrt(variance + epsilon).reshape(shape)
    largest = np.abs(x).max(axis=axes).reshape(shape)
    normal = np.abs(x - mean.reshape(shape)).max(axis=axes).reshape(shape) / sigma
    return normal, (largest + np.abs(mean).reshape(shape)) / sigma, sigma


def _batch_norm(case: OpCase, example: Example, k: int) -> Any:
    x, weight, bias = example.inputs[:3]
    shape = (-1, *[1] * (x.ndim - 2))
    normal, error, _ = _normal(example)
    return np.abs(weight).reshape(shape) * (1 + normal) * (1 + error) + np.abs(bias).reshape(shape)


def _batch_norm_gradients(case: OpCase, example: Example, k: int) -> Any:
    x, weight = example.inputs[:2]
    shape, axes = (-1, *[1] * (x.ndim - 2)), (0, *range(2, x.ndim))
    normal, error, sigma = _normal(example)
    if k == 0:
        of_dy = np.abs(example.dy).max(axis=axes).reshape(shape)
        return np.abs(weight).reshape(shape) / sigma * of_dy * (1 + normal) ** 2 * (1 + error)
    of_dy = np.abs(example.dy).sum(axis=axes)
    return of_dy if k == 2 else of_dy * ((1 + normal) * (1 + error)).ravel()


Bound = Callable[[OpCase, Example, int], Any]

SUMS: dict[str, Bound] = dict.fromkeys(("linear", "conv2d", "avg_pool2d", "project"), _without_cancellation)
LOSSES_OF_LOGITS = (
    "softmax_cross_entropy",
    "smoothed_cross_entropy",
    "soft_cross_entropy",
    "binary_cross_entropy",
    "next_token_loss",
)

OF_VALUE: dict[str, Bound] = {
    **SUMS,
    **dict.fromkeys((*LOSSES_OF_LOGITS, "hinge"), _sum_of_losses),
    "softmax": _softmax,
    "batch_norm": _batch_norm,
    **dict.fromkeys(("rms_norm", "layer_norm"), documents.of_normalization),
    "attention": documents.of_attention,
}
OF_GRADIENT: dict[str, Bound] = {
    **SUMS,
    **dict.fromkeys(("sigmoid", "tanh", "elu", *LOSSES_OF_LOGITS), _tails),
    "softmax": _softmax_dlogits,
    **dict.fromkeys(("max_pool2d", "embedding", "add_position"), _sums_of_dy),
    "batch_norm": _batch_norm_gradients,
    **dict.fromkeys(("rms_norm", "layer_norm"), documents.of_normalization_gradients),
    "attention": documents.of_attention_gradient,
}
