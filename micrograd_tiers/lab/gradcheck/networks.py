"""Check the gradients of a whole net."""

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
    """Check `net.loss_and_grads(X, y)`: every parameter's gradient against numerical derivatives of the mean loss.

    Layers behave as in `loss_and_grads`; frozen ones are left out. Of each parameter a sample of coordinates is
    checked. One more check, named "direction", moves all parameters at once in a random direction, so that no
    coordinate is left out.

    Parameters
    ----------
    net : Network
        At any tier, in float64 or float32; it is not changed.
    X : array_like, shape (N, I)
        A few samples are enough.
    y : array_like
        Their targets, as in `Network.loss_and_grads`.
    n_coordinates : int or None
        How many of each parameter; None for all.
    seed : int or numpy.random.Generator
        For the choice of coordinates and the directions.

    Raises
    ------
    ValueError
        If X or y are not what the net expects (`DataError`), or n_coordinates is no number of coordinates.
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
        # One parameter more, a number: how far all the others have gone in a random direction.
        directions = {name: rng.standard_normal(x.shape) for name, x in point.items()}
        gradient = np.array(sum((gradients[name] * directions[name]).sum(dtype=np.float64) for name in point))

        def moved(t: Array) -> Array:
            return loss({name: x + t * directions[name] for name, x in point.items()})

        check = check_gradient("direction", moved, np.zeros(()), gradient, None, net.dtype, rng)
        checks.append(replace(check, n_coordinates=net.n_parameters))
    return Report(tuple(checks))


def _mean_loss(net: Network, samples: Array, y: ArrayLike) -> Callable[[Mapping[str, Array]], Array]:
    """Return the mean loss of a float64 net as a function of its parameters, real or complex; the net is used up.

    The net's own forward code, chunk by chunk, as in `Network.backprop`. There is a term for each sample, so that they
    show what cancels between samples, and one for what the loss of a batch is besides the sum of its rows: nothing.
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
