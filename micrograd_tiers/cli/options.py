"""Options that several commands share."""

import argparse
import os
from importlib.util import find_spec

from ..recipe import DATASETS


def add_data(parser: argparse.ArgumentParser, *, train: bool = True) -> None:
    """Add --data, --data-dir, --n-test and, if there is something to train on, --n-train."""
    parser.add_argument("--data", choices=DATASETS, metavar="SET", help=", ".join(DATASETS))
    add_data_dir(parser)
    if train:
        parser.add_argument("--n-train", type=int, metavar="N", help="how many training samples")
    parser.add_argument("--n-test", type=int, metavar="N", help="how many test samples")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add --data-dir."""
    parser.add_argument("--data-dir", metavar="DIR", help="folder with IDX files (else $MICROGRAD_TIERS_DATA)")


def add_seed(parser: argparse.ArgumentParser, default: int | str | None = 0) -> None:
    """Add --seed."""
    parser.add_argument("--seed", type=int, default=default, help="of all that is drawn at random (0)")


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    parser.add_argument("--json", metavar="FILE", help="write the results for machines")


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and --dask."""
    cores = os.cpu_count() if find_spec("joblib") else 1
    parser.add_argument("--jobs", type=int, metavar="N", default=cores, help="runs at a time (one per core)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on this Dask cluster, as in tcp://127.0.0.1:8786")
