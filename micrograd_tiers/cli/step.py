"""`micrograd-tiers step`: write a page that shows one training step, number by number."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..arguments import either
from ..files import check_outputs
from ..losses import LOSSES, get_loss
from ..recipe import DATASETS, TEXTS, Recipe
from ..tiers import TIERS
from ..words import layers_from_words, sizes_from_words
from . import options
from .output import plural
from .small_gpt import small_gpt
from .step_bug import about_bug, bug_of_step, reason, settings_for, with_bug

if TYPE_CHECKING:
    from ..lab.museum import Bug
    from ..network import Network

N_LOADED = 200  # minimum number of samples for the mean and the standard deviation
OF_NET = ("layers", "activation", "dropout", "init", "dtype", "exact")
OF_OPTIMIZER = ("optimizer", "learning_rate", "momentum", "nesterov", "weight_decay")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Write a page that shows one training step of a small net, number by number, at every tier: each op with its "
        "source, its arrays and its formula. Open the page in a browser; it needs no network."
    )
    options.add_file(parser, "--out", "page to write (default: step.html)", default="step.html")
    parser.add_argument("--bug", type=options.checked(bug_of_step), metavar="NAME", help="show a bug of the museum")
    parser.add_argument(
        "--tier",
        type=options.tier,
        action="append",
        default=[],
        help="your own .py file, beside the built-in tiers; may be given several times",
    )
    group = parser.add_argument_group("samples, net and optimizer")
    add = group.add_argument
    sets = f"{', '.join(DATASETS)}; for a GPT {' or '.join(TEXTS)}"
    add("--data", choices=(*DATASETS, *TEXTS), metavar="SET", help=f"data set: {sets} (default: fits the net)")
    options.add_data_dir(parser)
    add("--samples", type=options.whole(), metavar="N", help="number of samples, at most 32 (default: 4; 2 for gpt)")
    add(
        "--net",
        type=options.checked(lambda words: words if words == "gpt" else sizes_from_words(words)),
        metavar="SIZES",
        help="inputs, hidden units and outputs, such as 784-30-10; or gpt, for a small GPT (default: 2-3-2)",
    )
    add("--loss", type=options.checked(str, get_loss), help=f"{either(LOSSES)} (default: softmax_cross_entropy)")
    for name in (*OF_NET, "label_smoothing", *OF_OPTIMIZER):
        options.add_setting(group, name)
    add(
        "--epochs",
        type=options.whole(0),
        metavar="N",
        help="train the net for so many epochs before the step (default: 0; with --bug 1, so that no bias is 0)",
    )
    options.add_seed(parser)


def run(args: argparse.Namespace) -> int:
    """Record one training step at every tier, and write the page; return 0."""
    from ..views.page import suffix_of
    from ..views.step.alignment import SideBySide
    from ..views.step.front import about_net, recorded, usable
    from ..views.step.page import step_page
    from ..views.step.words import title_of

    suffix_of(args.out, ".html")
    check_outputs([args.out], inputs=map(options.tier_file, args.tier))
    bug: Bug | None = args.bug
    given = {name: value for name, value in vars(args).items() if value is not None and value is not False}
    tiers = [*dict.fromkeys([*TIERS, *args.tier])]
    for settings in settings_for(bug, given) if bug else [given]:
        kind = "gpt" if settings.get("net") == "gpt" else "mlp"
        rule = Recipe(net=kind, **{name: settings[name] for name in OF_OPTIMIZER if name in settings}).update_rule
        net, X, y, source = _net_and_samples(settings, rule)
        recordings = [recorded(net, X, y, rule, tier, seed=args.seed) for tier in usable(net, tiers)]
        if bug is None:
            break
        wrong = with_bug(bug, recordings[0], net, X, y, rule, args.seed)
        if wrong is not None:
            recordings.append(wrong)
            break
    else:
        raise ValueError(reason(args.bug, recordings[0], given))
    side = SideBySide(recordings)
    step_page(side, about_net(net, rule) + (about_bug(bug) if bug else "")).save(args.out)
    print(f"{plural(len(X), 'sample')} of {source}, {plural(len(side.reference.parts), 'step')}: {args.out}")
    if len(recordings) == 1:
        print(f"{recordings[0].tier}: no other tier has all ops of the net, so there is nothing to compare")
    elif side.first is None:
        print(f"{', '.join(r.tier for r in recordings)}: the same numbers at every step")
    else:
        i, tier = side.first
        print(f"first difference: step {i + 1}, {title_of(side.reference.parts[i])}: {recordings[tier].tier}")
    return 0


def _net_and_samples(settings: dict[str, Any], optimizer: Any) -> tuple[Network, Any, Any, str]:
    """Return the net, samples, targets and the name of the data set."""
    from ..building import load_data
    from ..targets import targets_from_labels

    sizes = settings.get("net")
    if sizes == "gpt":
        return _gpt_and_documents(settings, optimizer)
    name = settings.get("data") or ("glyphs" if sizes and sizes[0] == 784 else "ellipse")
    n, seed = settings.get("samples", 4), settings["seed"]
    data, _ = load_data(Recipe(data=name, n_train=max(n, N_LOADED), n_test=1, seed=seed), settings.get("data_dir"))
    loss = get_loss(settings.get("loss", "softmax_cross_entropy"), settings.get("label_smoothing", 0.0))
    n_inputs, n_outputs = data.train_x.shape[1], loss.outputs_for(len(data.class_names))
    chosen = {key: settings[key] for key in ("init", "dtype", "exact") if key in settings} | {"seed": seed}
    if "layers" in settings:
        unused = [f"--{key}" for key in ("net", "activation", "dropout") if key in settings]
        if unused:
            raise ValueError(f"--layers already describes the whole net: leave out {' and '.join(unused)}")
        shape = (n_inputs,) if data.image_shape is None else (1, *data.image_shape)
        net = mt.Network(layers_from_words(settings["layers"], shape, n_outputs), loss, **chosen)
    else:
        of_mlp = {key: settings[key] for key in ("activation", "dropout") if key in settings}
        net = mt.mlp(sizes or [n_inputs, *settings.get("hidden", [3]), n_outputs], **of_mlp, loss=loss, **chosen)
    n_outputs = (net.shapes()[-1] or (n_outputs,))[0]
    y: Any = targets_from_labels(net.loss, data.train_y, n_outputs)
    if "soft_targets" in settings:
        y = [[0.9 if c == label else 0.1 / (n_outputs - 1) for c in range(n_outputs)] for label in y]
    if settings.get("epochs"):
        mt.fit(net, data.train_x, y, optimizer=optimizer, batch_size=8, epochs=settings["epochs"], seed=seed)
    return net, data.train_x[:n], y[:n], data.name


def _gpt_and_documents(settings: dict[str, Any], optimizer: Any) -> tuple[Network, Any, Any, str]:
    """Return a small GPT, the beginnings of documents, and the name of the data set."""
    n = settings.get("samples", 2)
    net, data, X, y = small_gpt(settings, n)
    if settings.get("epochs"):
        seed = settings["seed"]
        mt.fit(net, X, y, optimizer=optimizer, batch_size=8, epochs=settings["epochs"], seed=seed)
    return net, X[:n], y[:n], data.name
