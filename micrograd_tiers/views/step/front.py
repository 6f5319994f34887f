"""`step_through`: one training step of a network, recorded at several tiers and shown on a page."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from typing import TYPE_CHECKING, Any

from ...arguments import shown
from ...html import escape
from ...optimizers import SGD, Optimizer, get_optimizer
from ...tiers import TIERS, Tier, get_tier, name_of
from ...tiers.protocol import COUPLED
from ..calls import call_of
from ..page import Page
from .alignment import SideBySide
from .page import step_page
from .recording import Recording, record

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import ArrayLike

    from ...network import Network

MOST_UNITS, MOST_SAMPLES, MOST_TOKENS = 200, 32, 128


def step_through(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    optimizer: str | type[Optimizer] | Optimizer | None = None,
    *,
    tiers: Sequence[str | Tier] = TIERS,
    seed: int | Generator = 0,
) -> Page:
    """Return a page of one training step, number by number: forward pass, loss, backward pass and update.

    Every op is shown with its source at each tier, the arrays that go in and come out, its formula, and the formula
    with the numbers of this step. The net is not changed.

    Parameters
    ----------
    net : Network
        With at most 200 units: outputs of `Linear` and `Project` layers, kernels of `Conv2d` layers.
    X : array_like, shape (N, I), (N, C, H, W) or (N, T)
        At most 32 samples; of documents, at most 128 tokens together.
    y : array_like
        Targets, as in `Network.loss_and_grads`.
    optimizer : Optimizer, str or type, optional
        Its memory is empty, as at the first step of a training run. By default plain SGD.
    tiers : sequence of str or Tier
        Tiers to compare, as in `get_tier`; the first built-in one is the reference. The scalar and the vector tier are
        left out if the net has batch normalization, which only the tensor tier has.
    seed : int or numpy.random.Generator
        Seed of the dropout masks, which are the same at every tier.

    Returns
    -------
    Page
        Shows itself in a notebook; ``.save("step.html")`` writes it to a file.

    Raises
    ------
    DataError
        If samples or targets do not fit the net.
    ValueError
        If the net or the mini-batch is too large for a page, or a tier lacks one of the net's ops.

    Examples
    --------
    >>> import micrograd_tiers as mt
    >>> net = mt.two_layer_net(2, 3, 2)
    >>> mt.step_through(net, [[0.5, -1.0], [2.0, 1.0]], [0, 1], mt.SGD(0.5))
    <Page: One training step, number by number; .save('page.html') writes it to a file>
    """
    rule = SGD() if optimizer is None else get_optimizer(optimizer)
    recordings = [recorded(net, X, y, rule, tier, seed=seed) for tier in usable(net, tiers)]
    return step_page(SideBySide(recordings), about_net(net, rule))


def usable(net: Network, tiers: Sequence[str | Tier]) -> list[str | Tier]:
    """Return the tiers without the built-in ones that cannot run batch normalization, if the net has it.

    Raises
    ------
    ValueError
        If the net is no network, or too large, or `tiers` is no list.
    """
    check(net)
    if isinstance(tiers, str) or not tiers:
        raise ValueError(f"tiers is {shown(tiers)}, expected a list such as ['scalar', 'tensor']")
    coupled = {*net.ops} & {*COUPLED}
    lacking = ("scalar", "vector") if coupled and len(tiers) > 1 else ()
    return [tier for tier in tiers if (name_of(get_tier(tier)) or ("",))[0] not in lacking]


def about_net(net: Network, optimizer: Optimizer) -> str:
    """Return the HTML paragraph that says what the page shows."""
    rule = call_of(optimizer, always=["learning_rate"])
    words = f"{', '.join(map(call_of, net.layers))}; loss {call_of(net.loss)}; optimizer {rule}."
    return f"<p>{escape(words)}</p>"


def check(net: Any) -> None:
    """Raise a ValueError unless `net` is a network that is small enough for a page."""
    if not hasattr(net, "loss_and_grads"):
        raise ValueError(f"net is {shown(net)}, expected a Network such as two_layer_net(784, 30, 10)")
    units = sum(getattr(layer, "out_features", getattr(layer, "out_channels", 0)) for layer in net.layers)
    if units > MOST_UNITS:
        smaller = "gpt(27, features=16, n_blocks=1)" if net.layers[0].takes_tokens else "two_layer_net(784, 30, 10)"
        raise ValueError(
            f"net has {units} units (outputs of linear and project layers, kernels of convolutions), expected at most "
            f"{MOST_UNITS}, as the page shows every number: take a smaller net, such as {smaller}"
        )


def recorded(
    net: Network,
    X: ArrayLike,
    y: ArrayLike,
    optimizer: Optimizer,
    tier: str | Tier,
    *,
    name: str = "",
    seed: int | Generator = 0,
) -> Recording:
    """Return the recording of a training step at one tier; `name` is for the reader, the rest as in `step_through`."""
    from ...rng import generator  # here, as it needs NumPy

    net = net.to(tier)
    samples = net.check_samples(X)
    if len(samples) > MOST_SAMPLES:
        raise ValueError(
            f"X has {len(samples)} samples, expected at most {MOST_SAMPLES}, as the page shows every number: "
            "try step_through(net, X[:4], y[:4])"
        )
    if net.layers[0].takes_tokens and samples.size > MOST_TOKENS:
        raise ValueError(
            f"X has {samples.size} tokens, expected at most {MOST_TOKENS}, as the page shows every number: "
            "try step_through(net, X[:4, :16], y[:4, :16])"
        )
    net.check_batch(samples.shape)
    targets = net.check_targets(y, len(samples), shape=samples.shape[1:])
    masks = net.draw_noise(samples.shape, generator(deepcopy(seed)))  # the same at every tier
    # Copies, so that an op that overwrites its input changes neither the caller's arrays nor those of other tiers.
    x, others = deepcopy((net.tier_samples(samples), net.tier_targets(targets)))
    return record(
        name or net.tier_name.replace("\\", "/").rpartition("/")[2],
        net.functions,
        net.steps(training=True),
        targets.loss,
        net.parameters,
        x,
        others,
        optimizer,
        divisor=targets.divisor,
        noise=[net.tier.asarray(mask.astype(net.dtype), net.dtype) for mask in masks],
        dtype=net.dtype,
    )
