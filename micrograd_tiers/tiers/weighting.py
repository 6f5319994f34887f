"""Sample weights in the losses, added to ops that know nothing of weights.

The loss in a tier file is that of one sample, or one number per sample (``tensor.py``). The loss that a network calls
is the weighted sum over the samples. A weight of 0 leaves a sample out, even if its loss is infinite: 0 * inf would be
NaN.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from .lists import filled, shape_of

Loss = Callable[..., Any]  # an op: (output, target, *settings) -> (value, vjps)


def sample_loss(op: Loss) -> Loss:
    """Return the loss of one sample with a weight, which multiplies the loss and, in the backward pass, dloss."""

    @wraps(op)
    def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
        if weight is None:
            return op(output, target, *settings)
        value, (doutput,) = op(output, target, *settings)
        weighted = value * weight if weight else 0.0
        return weighted, (lambda dloss: doutput(dloss * weight),)

    return loss


def batch_loss(op: Loss, sum_of: Callable[[Any], Any]) -> Loss:
    """Return the sum of the losses (N,) of a mini-batch, each times its weight if there are weights (N,)."""

    @wraps(op)
    def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
        losses, vjps = op(output, target, *settings)
        if weight is None:
            return sum_of(losses), vjps
        (doutput,) = vjps
        counted = losses[weight > 0] * weight[weight > 0]
        return sum_of(counted), (lambda dloss: doutput(dloss * weight[:, None]),)

    return loss


def outside_loss(op: Loss, tier: Any, dtype: str) -> Loss:
    """Return a loss that takes sample weights, for the op of a tier that is not built in.

    The argument `weight` is one number, or an array (N,) for a mini-batch. Weights multiply the op's losses, computed
    sample by sample, and the rows of its gradient.
    """
    of_sample = sample_loss(op)

    @wraps(op)
    def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
        if weight is None:
            return op(output, target, *settings)
        weights = tier.tolist(weight) if hasattr(weight, "__len__") else weight
        if not isinstance(weights, list):
            return of_sample(output, target, *settings, weight=weight)
        samples = [slice(n, n + 1) for n in range(len(weights))]
        losses = [float(op(output[n], target[n], *settings)[0]) for n in samples]
        _, (doutput,) = op(output, target, *settings)
        shapes = map(shape_of, tier.tolist(output))
        rows = tier.asarray([*map(filled, shapes, weights)], dtype)

        def weighted(dloss: float) -> Any:
            return tier.elementwise(lambda d, w: d * w, doutput(dloss), rows)

        counted = (w * one for w, one in zip(weights, losses, strict=True) if w)
        return sum(counted), (weighted,)

    return loss
