"""Options shared by several commands, and the types of options: an error of a type names its option."""

import argparse
import os
import re
from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from typing import Any, TypeVar

from ..arguments import number, whole_number
from ..files import check_file_name
from ..recipe import DATASETS, KINDS, TEXTS, Recipe, check_setting
from ..tiers import get_tier

T = TypeVar("T")

# Types. `argparse` adds the name of the option to an ArgumentTypeError.


def checked(convert: Callable[[str], T], check: Callable[[T], object] = lambda value: None) -> Callable[[str], T]:
    """Return the type of an option: its text is converted and checked, and a ValueError is reported with its name."""

    def parse(text: str) -> T:
        try:
            value = convert(text)
            check(value)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None
        return value

    return parse


def whole(at_least: int = 1) -> Callable[[str], int]:
    """Return the type of a whole number of at least `at_least`."""
    return checked(lambda text: whole_number("the value", _numeric(int, text), at_least))


def real(**limits: float) -> Callable[[str], float]:
    """Return the type of a number, with limits as in `arguments.number`."""
    return checked(lambda text: number("the value", _numeric(float, text), **limits))


def _numeric(kind: Callable[[str], Any], text: str) -> Any:
    try:
        return kind(text)
    except ValueError:
        return text


def _file_name(text: str) -> str:
    check_file_name(text)
    return text


def _folder(text: str) -> str:
    if not text:
        raise ValueError("the name of a folder is empty")
    return text


def _tier(text: str) -> str:
    if not text.endswith(".py"):  # a file is run where it is used, not here too
        get_tier(text)
    return text


def tier_file(name: str | None) -> str | None:
    """Return the name of a tier if it is that of a file, which must not be overwritten; otherwise None."""
    return name if name is not None and name.endswith(".py") else None


def _address(text: str) -> str:
    if not re.fullmatch(r"\S+://\S+|\S+:\d+", text):
        raise ValueError(f"the address is {text!r}, expected one such as tcp://127.0.0.1:8786")
    return text


file_name = checked(_file_name)
folder = checked(_folder)
tier = checked(_tier)
address = checked(_address)


def of_setting(name: str) -> Callable[[str], Any]:
    """Return the type of the option for a setting of a `Recipe`."""
    if name == "tier":
        return tier
    kind = int if tuple in KINDS[name] else KINDS[name][0]

    def convert(text: str) -> Any:
        if not text:
            raise ValueError("the value is empty")
        return _numeric(kind, text)

    return checked(convert, partial(check_setting, name))


# Options.


def add_setting(parser: argparse._ActionsContainer, name: str, **options: Any) -> None:
    """Add the option for a setting of a `Recipe`, with the help text of its field."""
    kinds, about = KINDS[name], Recipe.__dataclass_fields__[name].metadata
    option = f"--{name.replace('_', '-')}"
    if bool in kinds:
        parser.add_argument(option, action="store_true", help=about["help"], **options)
        return
    nargs = "*" if tuple in kinds else None
    parser.add_argument(
        option, type=of_setting(name), nargs=nargs, metavar=about["metavar"], help=about["help"], **options
    )


def add_data(parser: argparse.ArgumentParser, *, train: bool = True) -> None:
    """Add --data, --data-dir, --n-test and, if `train` is True, --n-train."""
    sets = f"{', '.join(DATASETS)}; for a GPT {' or '.join(TEXTS)}"
    parser.add_argument("--data", choices=(*DATASETS, *TEXTS), metavar="SET", help=f"data set: {sets}")
    add_data_dir(parser)
    if train:
        parser.add_argument("--n-train", type=whole(), metavar="N", help="number of training samples")
    parser.add_argument("--n-test", type=whole(), metavar="N", help="number of test samples")


def add_data_dir(parser: argparse.ArgumentParser) -> None:
    """Add --data-dir."""
    parser.add_argument(
        "--data-dir",
        type=folder,
        metavar="DIR",
        help="folder with the files of MNIST and the like (default: $MICROGRAD_TIERS_DATA, then the downloads)",
    )


def add_seed(
    parser: argparse.ArgumentParser, default: int | str | None = 0, text: str = "random seed (default: 0)"
) -> None:
    """Add --seed with this help text."""
    parser.add_argument("--seed", type=of_setting("seed"), default=default, help=text)


def add_json(parser: argparse.ArgumentParser) -> None:
    """Add --json."""
    add_file(parser, "--json", "write the results to this file as JSON")


def add_file(parser: argparse.ArgumentParser, name: str, text: str, **options: Any) -> None:
    """Add an option that takes the name of a file."""
    parser.add_argument(name, type=file_name, metavar="FILE", help=text, **options)


def add_jobs(parser: argparse.ArgumentParser) -> None:
    """Add --jobs and --dask."""
    cores = os.cpu_count() if find_spec("joblib") else 1
    parser.add_argument(
        "--jobs",
        type=whole(),
        metavar="N",
        default=cores,
        help="runs at the same time (default: one per core; 1 without joblib)",
    )
    parser.add_argument(
        "--dask", type=address, metavar="ADDRESS", help="run on this Dask cluster, such as tcp://127.0.0.1:8786"
    )
