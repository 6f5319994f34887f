"""A tier on PyTorch: the ops are PyTorch's own, and so are their derivatives.

The tensor tier's protocol in another library's arrays: `micrograd-tiers verify examples/torch_tier.py` judges it, and
`micrograd-tiers train --tier examples/torch_tier.py` trains with it. It needs the extra `torch`.
"""

import numpy as np
import torch
from torch.nn import functional


def op_of(f, n_differentiable):
    """Return an op in the sense of the tiers, value and vjps, from a PyTorch function."""

    def op(*arguments):
        leaves = [a.detach().requires_grad_() for a in arguments[:n_differentiable]]
        with torch.enable_grad():
            y = f(*leaves, *arguments[n_differentiable:])

        def vjp_of(leaf):
            def vjp(dy):
                (gradient,) = torch.autograd.grad(y, leaf, torch.as_tensor(dy, dtype=y.dtype), retain_graph=True)
                return gradient.clone()  # fresh storage: dbias may be a view of dy

            return vjp

        return y.detach(), tuple(vjp_of(leaf) for leaf in leaves)

    return op


linear = op_of(functional.linear, 3)
sigmoid = op_of(torch.sigmoid, 1)
tanh = op_of(torch.tanh, 1)
relu = op_of(torch.relu, 1)
softmax = op_of(lambda logits: functional.softmax(logits, dim=1), 1)
softmax_cross_entropy = op_of(lambda logits, target: functional.cross_entropy(logits, target, reduction="sum"), 1)
mean_squared_error = op_of(lambda y, target: ((y - target) ** 2).mean(dim=1).sum(), 1)


def elu(x, alpha=1.0):
    """Exponential linear unit; alpha is a setting and has no vjp."""
    return op_of(lambda x: functional.elu(x, alpha), 1)(x)


def asarray(values, dtype="float64"):
    """Tensor of that dtype, with storage of its own."""
    return torch.tensor(np.asarray(values), dtype=getattr(torch, dtype))


def tolist(array):
    """Nested lists of Python numbers."""
    return array.tolist()


def chunks(*arrays):
    """The whole mini-batch at once."""
    yield arrays


def add_scaled(target, source, scale):
    """target += scale * source, in place."""
    target.add_(source, alpha=scale)


def elementwise(f, *arrays):
    """f of whole tensors."""
    return f(*arrays)
