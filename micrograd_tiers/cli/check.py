"""`micrograd-tiers check`: tell whether the gradients of a net are right."""

import argparse
from dataclasses import asdict
from typing import Any

from ..arguments import whole_number
from ..checkpoints import load_checkpoint
from ..datasets import inputs_of, load_dataset
from ..files import check_outputs
from ..lab.gradcheck import check_network
from ..losses import get_loss
from ..models import mlp
from ..network import Network
from ..targets import targets_from_labels
from .common import plural, set_for_saved_net, write_json

N_LOADED = 200  # samples that mean and deviation come from, at least


def run(args: argparse.Namespace) -> int:
    """Check the gradients of a new or a saved net on the first samples of a set."""
    check_outputs([args.json], inputs=[args.net] if args.net else [])
    whole_number("--n", args.n)
    net, X, labels, about = _new(args) if args.net is None else _saved(args)
    n_outputs = net.forward(X[:1]).shape[1]
    y = targets_from_labels(net.loss, labels, n_outputs)
    report = check_network(net, X, y, n_coordinates=args.coordinates, seed=args.seed or 0)
    mode = f"{net.tier_name} tier, {net.dtype}{', exact' * net.exact}"
    print(f"{about['net']} with {net.loss.name} on {plural(len(X), 'sample')} of {about['data']}:", end=" ")
    print(f"{net.n_parameters:,} parameters, {mode}")
    print(report)
    settings = {"loss": net.loss.name, "tier": net.tier_name, "dtype": net.dtype, "exact": net.exact, "n": len(X)}
    checks = [asdict(check) for check in report.checks]
    write_json(args.json, {"command": "check", **about, **settings, "passed": report.passed, "checks": checks})
    return 0 if report.passed else 1


def _new(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a new net, with samples and labels."""
    seed, n_train = args.seed or 0, max(args.n, N_LOADED)
    data = load_dataset(args.data or "ellipse", data_dir=args.data_dir, n_train=n_train, n_test=1, seed=seed)
    data = inputs_of(data)
    n_outputs = get_loss(args.loss).outputs_for(len(data.class_names))
    sizes = [data.train_x.shape[1], *args.hidden, n_outputs]
    net = mlp(
        sizes, args.activation, loss=args.loss, tier=args.tier or "tensor", dtype=args.dtype, exact=args.exact,
        init=args.init, seed=seed,
    )  # fmt: skip
    about = {"net": f"{'-'.join(map(str, sizes))} {args.activation}", "data": data.name, "source": data.source}
    return net, data.train_x[: args.n], data.train_y[: args.n], about


def _saved(args: argparse.Namespace) -> tuple[Network, Any, Any, dict[str, Any]]:
    """Return a saved net, with samples and labels of its test set."""
    saved = load_checkpoint(args.net)
    net = saved.net if args.tier is None else saved.net.to(args.tier)
    data = set_for_saved_net(args.net, saved.info, args.data, args.data_dir, n_test=None, seed=args.seed)
    about = {"net": args.net, "data": data.name, "source": data.source}
    return net, data.test_x[: args.n], data.test_y[: args.n], about
