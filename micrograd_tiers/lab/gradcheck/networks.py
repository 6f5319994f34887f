"""Check the gradients of a whole net."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...network import Network
from ...rng import generator
from .arrays import Array, like
from .report import Report
from .slopes import QUIET
from .verdicts import check_gradient


@QUIET
def check_network(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    *,
    n_coordinates: int | None = 20,
    seed: int | np.random.Generator = 0,
) -> Report:
    """Check the gradients of `net.loss_and_grads(X, y)` against numerical derivatives of the mean loss.

    Layers behave as in `loss_and_grads`; frozen layers are skipped. A sample of each parameter's coordinates is
    checked. One more check, named "direction", moves all parameters at once in a random direction, so that every
    coordinate is covered.

    Parameters
    ----------
    net : Network
        Net at any tier, in float64 or float32; it is not changed.
    X : array_like, shape (N, I)
        Samples; a few are enough.
    y : array_like
        Targets of the samples, as in `Network.loss_and_grads`.
    n_coordinates : int or None
        Number of coordinates of each parameter to check; None for all.
    seed : int or numpy.random.Generator
        Seed for the choice of coordinates and the random direction.

    Returns
    -------
    Report
        One `Check` for each parameter that is not frozen, and "direction" if all gradients have the right shape.

    Raises
    ------
    ValueError
        If X or y do not fit the net (`DataError`), or n_coordinates is not a whole number of at least 0.
    """
    rng = generator(seed)
    samples = net.check_samples(X)
    _, gradients = net.loss_and_grads(samples, y)
    net64 = net.to(net.tier, dtype="float64")
    state, loss = net64.state_dict(), _mean_loss(net64, samples, y)
    point = {name: state[name] for name in gradients}
    checks = []
    for name, x in point.items():

        def terms(x: Array, name: str = name) -> Array:
            return loss(point | {name: x})

        checks.append(check_gradient(name, terms, x, gradients[name], n_coordinates, net.dtype, rng))

    if point and all(gradients[name].shape == x.shape for name, x in point.items()):
        # An extra parameter, a number: how far all the others have moved in a random direction.
        directions = {name: rng.standard_normal(x.shape) for name, x in point.items()}
        gradient = np.array(sum((gradients[name] * directions[name]).sum(dtype=np.float64) for name in point))

        def moved(t: Array) -> Array:
            return loss({name: x + t * directions[name] for name, x in point.items()})

        check = check_gradient("direction", moved, np.zeros(()), gradient, None, net.dtype, rng)
        checks.append(replace(check, n_coordinates=net.n_parameters))
    return Report(tuple(checks))


def _mean_loss(net: Network, samples: Array, y: ArrayLike) -> Callable[[Mapping[str, Array]], Array]:
    """Return the mean loss of a float64 net as a function of its parameters, real or complex.

    The function runs the net's own forward code, chunk by chunk as in `Network.backprop`, and overwrites the net's
    weights. It returns one term per sample, which shows how much cancels between samples. For each chunk there is one
    more term: the difference between its loss and the sum over its rows, which should be zero.
    """
    samples, targets = net.check_samples(samples), net.check_targets(y, len(samples), shape=samples.shape[1:])
    chunks = [*net.tier.chunks(net.tier.asarray(samples), *net.tier_targets(targets))]

    def loss_of(*chunk: Any) -> Any:
        return targets.loss.forward(net.functions, *chunk)[0]

    def terms(parameters: Mapping[str, Array]) -> Array:
        net.parameters |= {name: like(net.parameters[name], array, net.tier) for name, array in parameters.items()}
        losses: list[complex] = []
        for x, *arrays in chunks:
            z, *_ = net.run(x, training=True)
            rows = range(len(z) if getattr(z, "ndim", 1) == 2 else 0)
            parts = [loss_of(z[n : n + 1], *(array[n : n + 1] for array in arrays)) for n in rows]
            losses += [*parts, loss_of(z, *arrays) - sum(parts)]
        return np.array([loss if isinstance(loss, complex) else float(loss) for loss in losses]) / targets.divisor

    return terms
