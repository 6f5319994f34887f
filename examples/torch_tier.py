"""A tier on PyTorch: ops and derivatives are PyTorch's own.

It has the functions of the tensor tier, on PyTorch tensors instead of NumPy arrays, and needs the extra `torch`.
`micrograd-tiers verify examples/torch_tier.py` judges it; `micrograd-tiers train --tier examples/torch_tier.py` trains
with it.
"""

import numpy as np
import torch
from torch.nn import functional


def op_of(f, n_differentiable):
    """Return an op that computes a PyTorch function, with vjps for its first n_differentiable arguments."""

    def op(*arguments):
        leaves = [a.detach().requires_grad_() for a in arguments[:n_differentiable]]
        with torch.enable_grad():
            y = f(*leaves, *arguments[n_differentiable:])

        def vjp_of(leaf):
            def vjp(dy):
                (gradient,) = torch.autograd.grad(y, leaf, torch.as_tensor(dy, dtype=y.dtype), retain_graph=True)
                return gradient.clone()  # new memory: dbias may be a view of dy

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
    """Exponential linear unit; alpha is a constant and has no vjp."""
    return op_of(lambda x: functional.elu(x, alpha), 1)(x)


def asarray(values, dtype="float64"):
    """Return a tensor of this dtype, as a copy."""
    return torch.tensor(np.asarray(values), dtype=getattr(torch, dtype))


def tolist(array):
    """Return nested lists of Python numbers."""
    return array.tolist()


def chunks(*arrays):
    """Yield one chunk, the whole mini-batch."""
    yield arrays


def add_scaled(target, source, scale):
    """Add scale * source to target, in place."""
    target.add_(source, alpha=scale)


def elementwise(f, *arrays):
    """Return f of whole tensors."""
    return f(*arrays)
