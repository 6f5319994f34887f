"""Check the gradients of a whole net."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from ...layers import AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Linear, MaxPool2d, Reshape
from ...network import Network
from ...rng import generator
from .arrays import Array, like
from .lines import EPS, QUIET
from .parameters import check_parameters
from .report import Check, Report, VerdictKind


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

    def gradients_at(near: Mapping[str, Array]) -> Mapping[str, Array]:
        other = net.to(net.tier)
        other.load_state_dict({**state, **near})
        return other.loss_and_grads(samples, y)[1]

    report = check_parameters(loss, point, gradients, gradients_at, n_coordinates, 1, net.dtype, rng, lenient=True)
    removed = _removed_biases(net)
    return Report(tuple(_excused(check) if check.name in removed else check for check in report.checks))


def _removed_biases(net: Network) -> set[str]:
    """Return the names of the biases that a later batch norm removes: it subtracts the mean, and the bias with it.

    Between the two, only layers that turn a shift of all samples into a shift of all samples.
    """
    names, shifts = set[str](), list[str]()
    for i, layer in enumerate(net.layers):
        if isinstance(layer, BatchNorm1d | BatchNorm2d):
            if i not in net.frozen:  # a frozen one subtracts a constant
                names, shifts = names | {*shifts}, [f"{i}.bias"]
        elif isinstance(layer, Linear | Conv2d):
            shifts = [*shifts, f"{i}.bias"] if not getattr(layer, "padding", 0) else [f"{i}.bias"]
        elif not isinstance(layer, AvgPool2d | MaxPool2d | Dropout | Flatten | Reshape):
            shifts = []
    return names


def _excused(check: Check) -> Check:
    """Return a check that could not see anything but zero as passed, as zero is right."""
    return replace(check, kind=VerdictKind.REMOVED) if check.kind in (VerdictKind.LOST, VerdictKind.ALL_ZERO) else check


def _mean_loss(net: Network, samples: Array, y: ArrayLike) -> Callable[[Mapping[str, Array]], Array]:
    """Return the mean loss of a float64 net as a function of its parameters, real or complex.

    The function runs the net's own forward code, chunk by chunk as in `Network.backprop`, and overwrites the net's
    weights. It returns one term per sample, which shows how much cancels between samples. For each chunk there is one
    more term: the difference between its loss and the sum over its rows, which should be zero.
    """
    samples, targets = net.check_samples(samples), net.check_targets(y, len(samples), shape=samples.shape[1:])
    chunks = [*net.tier.chunks(net.tier_samples(samples), *net.tier_targets(targets))]

    def loss_of(*chunk: Any) -> Any:
        return targets.loss.forward(net.functions, *chunk)[0]

    def terms(parameters: Mapping[str, Array]) -> Array:
        net.parameters |= {name: like(net.parameters[name], array, net.tier) for name, array in parameters.items()}
        losses: list[complex] = []
        for x, *arrays in chunks:
            z, *_ = net.run(x, training=True)
            rows = range(len(z) if getattr(z, "ndim", 0) == 1 + targets.loss.axes else 0)
            parts = [loss_of(z[n : n + 1], *(array[n : n + 1] for array in arrays)) for n in rows]
            losses += [*parts, _rest(loss_of(z, *arrays), parts)]
        return np.array([loss if isinstance(loss, complex) else float(loss) for loss in losses]) / targets.divisor

    return terms


def _rest(loss: complex, parts: Sequence[complex]) -> complex:
    """Return the loss minus the sum of its parts: exactly 0 if the difference is a rounding error."""
    rest = complex(loss - sum(parts))
    real = abs(rest.real) <= 64 * EPS * sum(abs(complex(part).real) for part in parts)
    imag = abs(rest.imag) <= 64 * EPS * sum(abs(complex(part).imag) for part in parts)
    return 0.0 if parts and real and imag else loss - sum(parts)
