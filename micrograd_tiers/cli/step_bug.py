"""Bugs of the museum on the page of a training step: nets that show them, and recordings with a bug."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from typing import TYPE_CHECKING, Any

from ..losses import LOSSES
from ..optimizers import OPTIMIZERS
from ..tiers import DOCUMENTS, TIERS

if TYPE_CHECKING:
    from ..lab.museum import Bug
    from ..network import Network
    from ..views.step.recording import Recording

IMAGES = {"data": "glyphs", "samples": 2}

# Settings with which a bug shows where it does not in the default net, by its name, its op, or the first word of its
# name.
SHOWS: dict[str, dict[str, Any]] = {
    **{op: {"activation": op} for op in ("tanh", "relu", "elu")},
    **{loss: {"loss": loss} for loss in LOSSES},
    "smoothed_cross_entropy": {"label_smoothing": 0.1},
    "soft_cross_entropy": {"soft_targets": True},
    "dropout": {"dropout": 0.4},  # not 1/2, where 1 / p is 1 / (1 - p)
    "layers": {"dropout": 0.5},  # layers_never_in_training_mode
    "l2": {"weight_decay": 0.1},
    "nesterov": {"momentum": 0.9, "nesterov": True},
    "batch_norm": {**IMAGES, "samples": 4, "layers": "conv:2,9,4 batchnorm relu max:2"},
    "conv2d": {**IMAGES, "layers": "conv:2,9,4 sigmoid conv:3,3,2,1 sigmoid"},
    "avg_pool2d": {**IMAGES, "layers": "conv:2,9,3 sigmoid avg:3,2"},
    "max_pool2d": {**IMAGES, "layers": "conv:2,9,3 relu max:3,2"},
    "reshape": {**IMAGES, "layers": "conv:2,9,4 sigmoid"},
    **{op: {"net": "gpt", "samples": 4} for op in DOCUMENTS},
    "squared_relu": {"net": "gpt", "activation": "squared_relu"},
    "layer_norm": {"net": "gpt", "norm": "layer_norm"},
    "attention_root_is_float64": {"net": "gpt", "dtype": "float32"},
}

# Reasons why a bug shows in no net of the command.
IN_NO_NET = {
    "embedding_padding_in_gradient": "in a GPT, whose padding has a gradient of 0. mt.step_through shows it in a net "
    "that mixes positions, mt.Network([mt.Embedding(5, 3), mt.Flatten(), mt.Linear(12, 2)]), with documents of 4 "
    "tokens that end with -1",
}

# Tried one after the other, until a bug shows. After an epoch no bias is 0; in a long training samples get a loss of 0.
TRIES: tuple[dict[str, Any], ...] = (
    {"epochs": 1},
    {"epochs": 1, "hidden": [2, 3]},
    {"epochs": 1, "hidden": [3, 3]},
    {"epochs": 50},
)


def bug_of_step(name: str) -> Bug:
    """Return the bug with this name; raise ValueError if there is none, or it is in no code that a step runs."""
    from ..lab.museum import get_bug

    bug = get_bug(name)
    if bug.kind not in ("tier", "network", "training"):
        raise ValueError(
            f"bug {bug.name} is not in the code of a training step, but in: {', '.join(bug.files())}; see "
            f"`micrograd-tiers bugs show {bug.name}`"
        )
    return bug


def settings_for(bug: Bug, given: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield settings of nets and optimizers that run the code of a bug; those that were given are kept."""
    classes = {where.partition(".")[0].lower() for edits in bug.files().values() for where, *_ in edits}
    optimizers = [name for name in OPTIMIZERS if name in classes]
    of_optimizer = (
        {"optimizer": "sgd", "momentum": 0.9}
        if "sgd" in optimizers
        else {"optimizer": optimizers[-1]}
        if optimizers
        else {}
    )
    for one in TRIES:
        settings = of_optimizer | _wanted(bug) | one
        of_gpt = {"net": "gpt"} if settings.get("net") == "gpt" else {}
        excluded = _excluded(of_gpt | given)
        yield {name: value for name, value in settings.items() if name not in excluded} | given


def _wanted(bug: Bug) -> dict[str, Any]:
    """Return the settings with which a bug shows, besides those of the optimizer."""
    return SHOWS.get(bug.name) or SHOWS.get(bug.op or bug.name.partition("_")[0], {})


def _excluded(given: dict[str, Any]) -> set[str]:
    """Return the settings that make no sense together with those that were given."""
    names: set[str] = set()
    if given.get("net") == "gpt":
        names |= {"data", "layers", "hidden", "loss", "label_smoothing", "soft_targets"}
    if "layers" in given:
        names |= {"activation", "dropout"}
    if given.keys() & {"net", "activation", "dropout"}:
        names |= {"layers"}
    if given.get("optimizer", "sgd") != "sgd":
        names |= {"momentum", "nesterov"}
    if given.keys() & {"momentum", "nesterov"}:
        names |= {"optimizer"}
    if given.get("loss", "softmax_cross_entropy") != "softmax_cross_entropy":
        names |= {"label_smoothing", "soft_targets"}
    return names


def reason(bug: Bug, right: Recording, given: dict[str, Any]) -> str:
    """Return the reason why a bug shows in no net that was tried.

    `right` is a recording of the last one, and `given` holds the settings that were not chosen here.
    """
    see = f"see `micrograd-tiers bugs show {bug.name}`"
    if bug.name in IN_NO_NET:
        return f"bug {bug.name} does not show {IN_NO_NET[bug.name]}; {see}"
    wanted = _wanted(bug)
    against = [
        f"--{name.replace('_', '-')}"
        for name, value in given.items()
        if value != wanted.get(name, value) or _excluded({name: value}) & wanted.keys()
    ]
    if against:
        options = " and ".join(against)
        return f"bug {bug.name} does not show with these settings: leave out {options} to see it; {see}"
    if bug.op in {part.op for part in right.parts}:
        return f"bug {bug.name} does not show in one training step of this net or of others that were tried; {see}"
    return (
        f"bug {bug.name} is outside of what the page records, which is the ops, their gradients and the update rule in "
        f"one training step; it is in: {', '.join(bug.files())}; {see}"
    )


def with_bug(bug: Bug, right: Recording, net: Network, X: Any, y: Any, optimizer: Any, seed: int) -> Recording | None:
    """Return the recording with the bug of the first tier that differs from the right one; None if none does."""
    from ..views.step.alignment import SideBySide
    from ..views.step.front import usable

    for tier in reversed(bug.tiers() or usable(net, TIERS)):
        wrong = _with_bug(bug, tier, net, X, y, optimizer, seed)
        if SideBySide([right, wrong]).first is not None:
            return wrong
    return None


def _with_bug(bug: Bug, tier: Any, net: Network, X: Any, y: Any, optimizer: Any, seed: int) -> Recording:
    """Return the recording of a training step with the bug."""
    from ..lab.museum import planted
    from ..lab.museum.bug import PACKAGE
    from ..views.step.front import recorded

    if bug.kind == "tier":
        return recorded(net, X, y, optimizer, bug.tier(tier), name=f"{tier} with {bug.name}", seed=seed)
    with planted(bug) as package:  # everything from the copy of the package that has the bug
        layers = [_again(package, layer) for layer in net.layers]
        other = package.Network(layers, _again(package, net.loss), dtype=net.dtype, exact=net.exact)
        other.load_state_dict(net.state_dict())
        record = import_module(f"{PACKAGE}.views.step.front").recorded
        name, rule = f"{tier} with {bug.name}", _again(package, optimizer)
        found: Recording = record(other, X, y, rule, tier, name=name, seed=seed)
        return found


def _again(package: Any, thing: Any) -> Any:
    """Return a layer, loss or optimizer of another copy of the package, with the same settings."""
    return getattr(package, type(thing).__name__)(**vars(thing))


def about_bug(bug: Bug) -> str:
    """Return the HTML that says what was planted."""
    from ..html import escape

    return (
        f"<p>With a planted bug, <b>{escape(bug.name)}</b>: {escape(bug.title)}.</p>"
        f"<details><summary>What was changed, and why it is wrong</summary><p>{escape(bug.explanation)}</p>"
        f"<pre>{escape(bug.difference())}</pre></details>"
    )
