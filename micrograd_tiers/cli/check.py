"""`micrograd-tiers check`: check the gradients of a net."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..arguments import either
from ..files import check_outputs
from ..losses import LOSSES, get_loss
from ..recipe import DATASETS, Recipe
from ..tiers import TIERS
from . import options
from .output import plural, write_json

if TYPE_CHECKING:
    from ..network import Network

OF_NET = ("activation", "init", "dtype")
N_LOADED = 200  # minimum number of samples for the mean and the standard deviation


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Check the gradients of a net against numerical derivatives of its loss, on samples of a data set. "
        "Exit code 0 if every check passed, 1 if one failed or could not be carried out."
    )
    parser.add_argument(
        "--data", choices=DATASETS, metavar="SET", help=f"data set: {', '.join(DATASETS)} (default: ellipse)"
    )
    options.add_data_dir(parser)
    options.add_file(parser, "--net", "check this net, saved by train, on its test samples")
    add = parser.add_argument_group("samples, and settings of the net if --net is not given").add_argument
    add(
        "--tier",
        type=options.tier,
        help=f"{', '.join(TIERS)}, or your own .py file (default: tensor, or the tier of the saved net)",
    )
    add(
        "--hidden",
        type=options.of_setting("hidden"),
        nargs="*",
        default=[5, 4],
        metavar="H",
        help="hidden units of each hidden layer (default: 5 4)",
    )
    for name in OF_NET:
        setting = Recipe.__dataclass_fields__[name]
        add(f"--{name}", type=options.of_setting(name), help=setting.metadata["help"])
    add(
        "--loss",
        type=options.checked(str, get_loss),
        default="softmax_cross_entropy",
        help=f"{either(LOSSES)} (default: softmax_cross_entropy)",
    )
    add("--exact", action="store_true", help="exact mode: arithmetic that gives equal bits at every tier")
    add("--n", type=options.whole(), default=8, help="number of samples (default: 8)")
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

    check_outputs([args.json], inputs=[args.net, options.tier_file(args.tier)])
    net, X, labels, about = _new(args) if args.net is None else _saved(args)
    n_outputs = net.forward(X[:1]).shape[1]
    y = targets_from_labels(net.loss, labels, n_outputs)
    report = mt.check_network(net, X, y, n_coordinates=args.coordinates, seed=args.seed or 0)
    mode = f"{net.tier_name} tier, {net.dtype}{', exact' * net.exact}"
    print(f"{about['net']} with {net.loss.name} on {plural(len(X), 'sample')} of {about['data']}:", end=" ")
    print(f"{net.n_parameters:,} parameters, {mode}")
    print(report)
    settings = {"loss": net.loss.name, "tier": net.tier_name, "dtype": net.dtype, "exact": net.exact, "n": len(X)}
    checks = [check.as_json() for check in report.checks]
    write_json(args.json, {"command": "check", **about, **settings, "passed": report.passed, "checks": checks})
    return 0 if report.passed else 1


def _new(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a new net, samples, labels, and a description of net and data for the report."""
    seed, n_train = args.seed or 0, max(args.n, N_LOADED)
    recipe = Recipe(**{name: value for name in OF_NET if (value := getattr(args, name)) is not None})
    data = mt.load_dataset(args.data or "ellipse", data_dir=args.data_dir, n_train=n_train, n_test=1, seed=seed)
    data = mt.datasets.standardize(data)
    n_outputs = get_loss(args.loss).outputs_for(len(data.class_names))
    sizes = [data.train_x.shape[1], *args.hidden, n_outputs]
    net = mt.mlp(
        sizes, recipe.activation, loss=args.loss, tier=args.tier or "tensor", dtype=recipe.dtype, exact=args.exact,
        init=recipe.init, seed=seed,
    )  # fmt: skip
    about = {"net": f"{'-'.join(map(str, sizes))} {recipe.activation}", "data": data.name, "source": data.source}
    return net, data.train_x[: args.n], data.train_y[: args.n], about


def _saved(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a saved net, samples and labels of its test set, and a description of net and data for the report."""
    from ..checkpoints import load_usable
    from ..run import load_test_set

    saved = load_usable(args.net)
    net = saved.net if args.tier is None else saved.net.to(args.tier)
    data = load_test_set(args.net, saved, args.data, args.data_dir, n_test=None, seed=args.seed)
    about = {"net": args.net, "data": data.name, "source": data.source}
    return net, data.test_x[: args.n], data.test_y[: args.n], about
