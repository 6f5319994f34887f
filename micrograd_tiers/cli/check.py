"""`micrograd-tiers check`: check the gradients of a net."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..arguments import either
from ..files import check_outputs
from ..losses import LOSSES, get_loss
from ..recipe import DATASETS, TEXTS, Recipe
from ..tiers import TIERS
from . import options
from .output import plural, write_json
from .small_gpt import small_gpt

if TYPE_CHECKING:
    from ..network import Network

OF_NET = ("activation", "init", "dtype")
N_LOADED = 200  # minimum number of samples for the mean and the standard deviation


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Check the gradients of a net against numerical derivatives of its loss, on samples of a data set. With "
        "--net gpt, a small GPT is checked on the beginnings of names, at every tier. "
        "Exit code 0 if every check passed, 1 if one failed or could not be carried out."
    )
    parser.add_argument(
        "--data",
        choices=(*DATASETS, *TEXTS),
        metavar="SET",
        help=f"data set: {', '.join(DATASETS)}; for a GPT {' or '.join(TEXTS)} (default: ellipse; names for gpt)",
    )
    options.add_data_dir(parser)
    options.add_file(
        parser, "--net", "check this net, saved by train, on its test samples; or gpt, for a new GPT of 432 parameters"
    )
    group = parser.add_argument_group("samples, and settings of a new net")
    add = group.add_argument
    add(
        "--tier",
        type=options.tier,
        help=f"{', '.join(TIERS)}, or your own .py file (default: tensor, or the tier of the saved net; for gpt "
        "all three)",
    )
    add(
        "--hidden",
        type=options.of_setting("hidden"),
        nargs="*",
        metavar="H",
        help="hidden units of each hidden layer (default: 5 4)",
    )
    for name in OF_NET:
        options.add_setting(group, name)
    add(
        "--loss",
        type=options.checked(str, get_loss),
        help=f"{either(LOSSES)} (default: softmax_cross_entropy)",
    )
    add("--exact", action="store_true", help="exact mode: arithmetic that gives equal bits at every tier")
    add("--n", type=options.whole(), help="number of samples (default: 8; 2 for gpt)")
    add(
        "--coordinates",
        type=options.whole(0),
        default=20,
        metavar="N",
        help="number of entries to check in each parameter (default: 20)",
    )
    options.add_seed(parser, default=None, text="random seed (default: 0; with --net, that of the training run)")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Check the gradients of a new or a saved net on the first samples of a set; return 0 if all pass, 1 if not."""
    from ..targets import targets_from_labels

    is_gpt = args.net == "gpt"
    check_outputs([args.json], inputs=[None if is_gpt else args.net, options.tier_file(args.tier)])
    new, X, labels, about = (_new_gpt if is_gpt else _new if args.net is None else _saved)(args)
    y = targets_from_labels(new.loss, labels, new.forward(X[:1]).shape[-1])
    nets = [new.to(tier) for tier in TIERS] if is_gpt and args.tier is None else [new]
    passed, checks = True, []
    for net in nets:
        report = mt.check_network(net, X, y, n_coordinates=args.coordinates, seed=args.seed or 0)
        mode = f"{net.tier_name} tier, {net.dtype}{', exact' * net.exact}"
        print(f"{about['net']} with {net.loss.name} on {plural(len(X), 'sample')} of {about['data']}:", end=" ")
        print(f"{net.n_parameters:,} parameters, {mode}")
        print(report)
        passed = passed and report.passed
        checks += [{"tier": net.tier_name, **check.as_json()} for check in report.checks]
    tiers = ", ".join(net.tier_name for net in nets)
    settings = {"loss": new.loss.name, "tier": tiers, "dtype": new.dtype, "exact": new.exact, "n": len(X)}
    write_json(args.json, {"command": "check", **about, **settings, "passed": passed, "checks": checks})
    return 0 if passed else 1


def _new(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a new net, samples, labels, and a description of net and data for the report."""
    from ..building import load_data

    seed, n = args.seed or 0, args.n or 8
    given = {name: value for name in OF_NET if (value := getattr(args, name)) is not None}
    recipe = Recipe(**given, data=args.data or "ellipse", n_train=max(n, N_LOADED), n_test=1, seed=seed)
    data, _ = load_data(recipe, args.data_dir)
    loss = args.loss or "softmax_cross_entropy"
    hidden = [5, 4] if args.hidden is None else args.hidden
    sizes = [data.train_x.shape[1], *hidden, get_loss(loss).outputs_for(len(data.class_names))]
    net = mt.mlp(
        sizes, recipe.activation, loss=loss, tier=args.tier or "tensor", dtype=recipe.dtype, exact=args.exact,
        init=recipe.init, seed=seed,
    )  # fmt: skip
    about = {"net": f"{'-'.join(map(str, sizes))} {recipe.activation}", "data": data.name, "source": data.source}
    return net, data.train_x[:n], data.train_y[:n], about


def _new_gpt(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a small GPT, the beginnings of names, and a description of both for the report."""
    given = {name: value for name, value in vars(args).items() if value is not None}
    n = args.n or 2
    net, data, X, y = small_gpt(given, n)
    net = net if args.tier is None else net.to(args.tier)
    return net, X[:n], y[:n], {"net": "a small GPT", "data": data.name, "source": data.source}


def _saved(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a saved net, samples and labels of its test set, and a description of net and data for the report."""
    from ..checkpoints import load_usable
    from ..run import load_test_set

    saved = load_usable(args.net)
    net = saved.net if args.tier is None else saved.net.to(args.tier)
    data = load_test_set(args.net, saved, args.data, args.data_dir, n_test=None, seed=args.seed)
    about = {"net": args.net, "data": data.name, "source": data.source}
    n = args.n or 8
    return net, data.test_x[:n], data.test_y[:n], about
