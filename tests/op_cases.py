"""The op table: every primitive of the tiers, and how to draw inputs for it.

Inputs are drawn for a whole mini-batch; `call` cuts them into what a tier handles and puts the results together
again, so that every op is tested at every tier from one row.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

import numpy as np
from hypothesis import strategies as st

from micrograd_tiers.tiers import Tier

Inputs = tuple[np.ndarray, ...]


@dataclass(frozen=True)
class OpCase:
    """One row.

    Attributes
    ----------
    name : str
        Of the primitive.
    inputs : strategy
        Its inputs for a mini-batch: first those with one entry per sample, then the parameters.
    n_samplewise : int
        How many of them have one entry per sample.
    differentiable : tuple of str
        The names of the inputs that have a vjp.
    is_loss : bool
        Whether the value is one number, summed over the samples.
    """

    name: str
    inputs: st.SearchStrategy[Inputs]
    n_samplewise: int
    differentiable: tuple[str, ...]
    is_loss: bool = False


def drawn(make: Callable[..., Inputs]) -> st.SearchStrategy[Inputs]:
    """Inputs that make(normal, rng, N, I, O) returns; normal(*shape) draws numbers of some scale, none near 0."""

    def build(seed: int, scale: float, n: int, i: int, o: int) -> Inputs:
        rng = np.random.default_rng(seed)

        def normal(*shape: int) -> np.ndarray:
            x = rng.standard_normal(shape) * scale
            return np.where(np.abs(x) < 1e-3, 0.5, x)  # the kinks at 0 are tested on their own

        return make(normal, rng, n, i, o)

    sizes = st.sampled_from([1, 2, 3, 5])
    return st.builds(
        build, st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 8.0]), st.sampled_from([1, 2, 7]), sizes, sizes
    )


ELEMENTWISE = drawn(lambda normal, rng, n, i, o: (normal(n, i),))

OP_CASES = [
    OpCase(
        "linear",
        drawn(lambda normal, rng, n, i, o: (normal(n, i), normal(o, i), normal(o))),
        1,
        ("x", "weight", "bias"),
    ),
    OpCase("sigmoid", ELEMENTWISE, 1, ("x",)),
    OpCase("tanh", ELEMENTWISE, 1, ("x",)),
    OpCase("relu", ELEMENTWISE, 1, ("x",)),
    OpCase("elu", ELEMENTWISE, 1, ("x",)),
    OpCase("softmax", ELEMENTWISE, 1, ("logits",)),
    OpCase(
        "softmax_cross_entropy",
        drawn(lambda normal, rng, n, i, o: (normal(n, i), rng.integers(0, i, n))),
        2,
        ("logits",),
        is_loss=True,
    ),
    OpCase(
        "mean_squared_error", drawn(lambda normal, rng, n, i, o: (normal(n, i), normal(n, i))), 2, ("y",), is_loss=True
    ),
]


def call(case: OpCase, tier: Tier, inputs: Inputs, dy: Any = 1.0) -> tuple[Any, list[np.ndarray]]:
    """Return value and gradients of one op for a mini-batch, at any tier, as NumPy has them.

    dy has the value's shape, samples first; it is a number for a loss. Gradients of parameters are summed over the
    samples, as the network does it.
    """
    samplewise = [tier.asarray(a, a.dtype.name) for a in inputs[: case.n_samplewise]]
    parameters = [tier.asarray(a, a.dtype.name) for a in inputs[case.n_samplewise :]]
    dys = [] if np.ndim(dy) == 0 else [tier.asarray(dy)]
    values, gradients = [], []
    for chunk in tier.chunks(*samplewise, *dys):
        value, vjps = getattr(tier, case.name)(*chunk[: case.n_samplewise], *parameters)
        assert len(vjps) == len(case.differentiable)
        chunk_dy = chunk[-1] if dys else dy
        if not case.is_loss and not dys:  # the same dy for every output
            chunk_dy = tier.elementwise(lambda v: dy + 0 * v, value)
        values.append(float(value) if case.is_loss else np.atleast_2d(tier.tolist(value)))
        gradients.append([np.array(tier.tolist(vjp(chunk_dy))) for vjp in vjps])
    together = [
        np.concatenate([np.atleast_2d(g) for g in parts]) if k < case.n_samplewise else sum(parts)
        for k, parts in enumerate(zip(*gradients, strict=True))
    ]
    # Not sum(): from Python 3.12 on it compensates for rounding, which a network's loop over samples does not.
    return reduce(add, values) if case.is_loss else np.concatenate(values), together
