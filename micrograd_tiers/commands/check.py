"""`micrograd-tiers check`: tell whether the gradients of a net are right."""

import argparse
from dataclasses import asdict

import numpy as np

from ..datasets import load_dataset
from ..files import check_outputs
from ..gradcheck import check_network
from ..models import mlp
from .common import inputs_of, plural, write_json

N_LOADED = 200  # samples that mean and deviation come from, at least


def run(args: argparse.Namespace) -> int:
    """Check the gradients of a new net on the first samples of a set."""
    check_outputs([args.json])
    if args.n < 1:
        raise ValueError(f"--n is {args.n}, expected at least 1 sample")
    data = load_dataset(args.data, data_dir=args.data_dir, n_train=max(args.n, N_LOADED), n_test=1, seed=args.seed)
    data, _ = inputs_of(data)
    X, y, n_classes = data.train_x[: args.n], data.train_y[: args.n], len(data.class_names)
    sizes = [X.shape[1], *args.hidden, n_classes]
    net = mlp(
        sizes, args.activation, loss=args.loss, tier=args.tier, dtype=args.dtype, exact=args.exact, init=args.init,
        seed=args.seed,
    )  # fmt: skip
    targets = np.eye(n_classes)[y] if args.loss == "mean_squared_error" else y
    report = check_network(net, X, targets, n_coordinates=args.coordinates, seed=args.seed)

    title = (
        f"{'-'.join(map(str, sizes))} {args.activation} with {args.loss} on {plural(len(X), 'sample')} of {data.name}"
    )
    print(f"{title}: {net.n_parameters:,} parameters, {net.tier_name} tier, {net.dtype}{', exact' * net.exact}")
    print(report)
    write_json(
        args.json,
        {
            "command": "check",
            "data": data.name,
            "source": data.source,
            "sizes": sizes,
            "activation": args.activation,
            "loss": args.loss,
            "init": args.init,
            "tier": net.tier_name,
            "dtype": net.dtype,
            "exact": net.exact,
            "n": len(X),
            "seed": args.seed,
            "n_parameters": net.n_parameters,
            "passed": report.passed,
            "checks": [asdict(check) for check in report.checks],
        },
    )
    return 0 if report.passed else 1
