"""Outputs and gradients of every layer, recorded in the loop of `backprop.py`, by which nets learn."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from ...arguments import shown
from ...backprop import backprop, forward
from ...formats import cut
from ...layers import Attention
from ...tiers.lists import total
from ...tiers.scalar import softmax
from ..calls import call_of
from ..step.inner import scores_and_weights
from .snapshot import Nested, Numbers, Snapshot, Stage, numbers_in

if TYPE_CHECKING:
    from ...network import Network

MOST_LAYERS, MOST_PARAMETERS, MOST_OUTPUTS = 100, 3_000_000, 200_000


class Probe:
    """A step between two layers that changes nothing, and records x and dL/dx of every chunk.

    It pretends to learn, so that the loop computes the gradient at this place, also below frozen layers; but not if x
    holds token numbers, which have no gradient.
    """

    branch = ""

    def __init__(self, name: str, *, tokens: bool = False) -> None:
        self.learned = () if tokens else (name,)
        self.xs: list[Any] = []
        self.dxs: list[Any] = []

    def forward(self, tier: Any, x: Any, noise: Any) -> tuple[Any, tuple[Callable[[Any], Any], ...], None]:
        """Return x, the vjp of the identity, and the vjp that records."""

        def record(dx: Any) -> Any:
            self.dxs.append(dx)
            return tier.elementwise(lambda number: 1.0 * number, dx)  # a copy, as the loop adds to it

        self.xs.append(x)
        return x, (lambda dy: dy, *[record] * len(self.learned)), None


def probed(steps: Sequence[Any]) -> tuple[list[Any], list[Probe]]:
    """Return the steps with a probe before the first and after each of them, and the probes."""
    tokens = steps[0].layer.takes_tokens
    first, *others = probes = [Probe(f"output {i}", tokens=tokens and i == 0) for i in range(len(steps) + 1)]
    return [first, *(each for pair in zip(steps, others, strict=True) for each in pair)], probes


def of_sample(tier: Any, chunks: Sequence[Any], sample: int, n_samples: int) -> Numbers | None:
    """Return the numbers of one sample from an array of all samples in chunks; None if there are no chunks."""
    if not chunks:
        return None
    if len(chunks) == n_samples:
        return numbers_in(tier.tolist(chunks[sample]))
    return numbers_in([row for chunk in chunks for row in tier.tolist(chunk)][sample])


def check_size(n_layers: int, n_parameters: int, n_outputs: int) -> None:
    """Raise a ValueError if a net is too big to draw."""
    counts = [("layers", n_layers, MOST_LAYERS), ("parameters", n_parameters, MOST_PARAMETERS)]
    for what, n, most in [*counts, ("outputs of layers for a sample", n_outputs, MOST_OUTPUTS)]:
        if n > most:
            raise ValueError(
                f"draw: the net has {n:,} {what}, expected at most {most:,}: draw a net of the same kind with fewer of "
                "them; print(net.summary()) shows the layers of a Network of any size"
            )


def check_sample(sample: int, n_samples: int) -> int:
    """Return the index of a sample as an int; raise a ValueError unless it is a whole number from 0 to N - 1."""
    try:
        index = operator.index(sample)
    except TypeError:
        index = -1
    if isinstance(sample, bool) or not 0 <= index < n_samples:
        raise ValueError(f"sample is {shown(sample)}, expected a whole number from 0 to {n_samples - 1}, an index of X")
    return index


def of_network(net: Network, X: Any, y: Any, sample: int) -> Snapshot:
    """Return the snapshot of a Network, which is not changed.

    With X alone, the forward pass is that of `Network.forward`. With X and y, loss and gradients are those of
    `Network.loss_and_grads`, so layers behave as in training. Raises as these two do.
    """
    if X is None and y is not None:
        raise ValueError("y is given without X: call draw(net, X, y)")
    samples = None if X is None else net.check_samples(X)
    shapes = net.shapes(None if samples is None else samples.shape[1:])
    for i, layer in enumerate(net.layers):
        shapes[i] = shapes[i] or layer.shape_in()
    check_size(len(net.layers), net.n_parameters, sum(math.prod(shape or ()) for shape in shapes))
    if samples is None:
        check_sample(sample, 1)
        return Snapshot(_stages(net, shapes), loss_name=_name(net.loss))
    from ...tiers.arrays import quiet  # the net's policy for NumPy's warnings; a Network has imported NumPy

    sample = check_sample(sample, len(samples))
    if y is None:
        return quiet(_predicted)(net, samples, sample, shapes)
    net.check_batch(samples.shape)
    return quiet(_trained)(net, samples, net.check_targets(y, len(samples), shape=samples.shape[1:]), sample, shapes)


def _predicted(net: Network, samples: Any, sample: int, shapes: Any) -> Snapshot:
    """Return the snapshot of a prediction."""
    tier, (steps, probes) = net.functions, probed(net.steps(training=False))
    for (chunk,) in tier.chunks(net.tier_samples(samples[sample : sample + 1])):
        forward(tier, steps, chunk)
    return Snapshot(
        _stages(net, shapes, [of_sample(net.tier, probe.xs, 0, 1) for probe in probes]),
        about=f"Sample {sample} of {len(samples)}. Layers behave as in prediction.",
        loss_name=_name(net.loss),
        probabilities=_probabilities(net, probes[-1].xs, 0, 1),
        has_classes=net.loss.targets == "classes",
    )


def _trained(net: Network, samples: Any, targets: Any, sample: int, shapes: Any) -> Snapshot:
    """Return the snapshot of a forward and a backward pass."""
    (steps, probes), N = probed(net.steps(training=True)), len(samples)
    arrays = net.tier_samples(samples), net.tier_targets(targets), 1.0 / targets.divisor
    losses, sums, _ = backprop(net.functions, steps, targets.loss, *arrays)

    def numbers(chunks: Sequence[Any]) -> Numbers | None:
        return of_sample(net.tier, chunks, sample, N)

    outputs, doutputs = [numbers(probe.xs) for probe in probes], [numbers(probe.dxs) for probe in probes]
    target = targets.values[sample].tolist()
    counts = targets.counted is ... or bool(targets.counted[sample].any())
    weighted = "" if targets.weights is None else "weighted "
    ignored = "" if counts else " Its label is ignored."
    dropout = ", but dropout drops nothing" if any(layer.op == "dropout" for layer in net.layers) else ""
    return Snapshot(
        _stages(net, shapes, outputs, doutputs, {name: gradient.value() for name, gradient in sums.items()}),
        about=f"Sample {sample} of {N}. Layers behave as in training{dropout}.{ignored}",
        about_gradients=f"L is the {weighted}mean loss of the {N} samples." if N > 1 else "L is the loss.",
        loss_name=_name(net.loss),
        loss=float(total(losses)) / targets.divisor,
        probabilities=_probabilities(net, probes[-1].xs, sample, N),
        has_classes=net.loss.targets == "classes",
        label=None if isinstance(target, list) or not counts else target,
        target=target if isinstance(target, list) else None,
    )


def _probabilities(net: Network, outputs: Sequence[Any], sample: int, n_samples: int) -> Numbers | None:
    """Return the probabilities for a sample, at each position of a document, or None if the loss has no classes."""
    if net.loss.targets == "tokens":
        logits = of_sample(net.tier, outputs, sample, n_samples) or ()
        V = (net.shapes()[-1] or (len(logits),))[-1]
        return [p for start in range(0, len(logits), V) for p in softmax(logits[start : start + V])[0]]
    try:
        shares = [net.loss.probabilities(net.functions, output) for output in outputs]
    except ValueError:
        return None
    return of_sample(net.tier, shares, sample, n_samples)


def _stages(net: Network, shapes: Any, outputs: Any = None, doutputs: Any = None, gradients: Any = None) -> list[Stage]:
    """Return the input and the layers with the numbers that are known."""
    nothing = [None] * len(shapes)
    outputs, doutputs = outputs or nothing, doutputs or nothing
    stages = [Stage("input", shapes[0], outputs[0], doutputs[0], what="input")]
    for i, layer in enumerate(net.layers):
        parameters, gradients_of_layer = (_of_layer(net, i, arrays) for arrays in (net.parameters, gradients or {}))
        if isinstance(layer, Attention) and outputs[i] is not None:
            parameters = {"weight": _attention_weights(layer.heads, outputs[i], shapes[i])}
        numbers = shapes[i + 1], outputs[i + 1], doutputs[i + 1], parameters, gradients_of_layer
        stages.append(Stage(f"{i} {_name(layer)}", *numbers, frozen=i in net.frozen))
    return stages


def _of_layer(net: Network, i: int, arrays: dict[str, Any]) -> dict[str, Nested]:
    """Return those arrays that belong to layer i as nested lists, by the layer's own names."""
    names = {name: f"{i}.{name}" for name in net.layers[i].parameter_shapes()}
    return {name: net.tier.tolist(arrays[key]) for name, key in names.items() if key in arrays}


def _attention_weights(heads: int, x: Numbers, shape: tuple[int, ...]) -> Nested:
    """Return the weights p with which each head of an attention mixes the positions of its input: (heads, T, T)."""
    n = shape[-1]
    return scores_and_weights(heads, [x[start : start + n] for start in range(0, len(x), n)])["p"]


def _name(settings: Any) -> str:
    """Return a layer or a loss as a call that is short enough for a heading."""
    return cut(call_of(settings), 40)
