"""Options shared by several commands."""

import argparse
import os
from importlib.util import find_spec

from ..recipe import DATASETS


def add_data(parser: argparse.ArgumentParser, *, train: bool = True) -> None:
    """Add --data, --data-dir, --n-test and, if `train` is True, --n-train."""
    parser.add_argument("--data", choices=DATASETS, metavar="SET", help=f"data set: {', '.join(DATASETS)}")
    add_data_dir(parser)
    if train:
        parser.add_argument("--n-train", type=int, metavar="N", help="number of training samples")
    parser.add_argument("--n-test", type=int, metavar="N", help="number of test samples")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add --data-dir."""
    parser.add_argument(
        "--data-dir",
        metavar="DIR",
        help="folder with the files of MNIST or Fashion-MNIST (default: $MICROGRAD_TIERS_DATA, then the downloads)",
    )


def add_seed(
    parser: argparse.ArgumentParser, default: int | str | None = 0, text: str = "random seed (default: 0)"
) -> None:
    """Add --seed with this help text."""
    parser.add_argument("--seed", type=int, default=default, help=text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", metavar="FILE", help="write the results to this file as JSON")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and --dask."""
    cores = os.cpu_count() if find_spec("joblib") else 1
    parser.add_argument(
        "--jobs",
        type=int,
        metavar="N",
        default=cores,
        help="runs at the same time (default: one per core; 1 without joblib)",
    )
    parser.add_argument("--dask", metavar="ADDRESS", help="run on this Dask cluster, such as tcp://127.0.0.1:8786")
