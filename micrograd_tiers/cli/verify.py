"""`micrograd-tiers verify`: judge the user's own tier."""

from __future__ import annotations

import argparse
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import check_outputs
from ..processes import ended
from ..tiers import DOCUMENTS, OPS, SUPPORT, TIERS
from . import options
from .output import write_json

if TYPE_CHECKING:
    from ..lab.judge import Item

# Written down here because the judge's own lists come with NumPy, which a command's help does without.
LEVELS = ("formulas", "stable", "all")
NAMES = (*OPS, *SUPPORT, "moments", "training")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Judge your own tier: the values, derivatives, purity and stability of each op, then training and speed. For "
        "each failure, the judge shows the call to try, on the smallest example that it found, and the likely bug. The "
        "result does not depend on the machine or what else it does. Exit code 0 if the tier passes, 1 if not."
    )
    parser.add_argument(
        "tier", nargs="?", metavar="TIER", help="Python file with your ops; it need not have all of them"
    )
    options.add_file(parser, "--new", "write the skeleton of a tier to this file, for you to fill in")
    parser.add_argument(
        "--like", choices=TIERS, help="tier with the same kind of arrays (default: detected; tensor with --new)"
    )
    options.add_file(parser, "--points", "TOML file with the points of each op (default: one point per op)")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--documents",
        action="store_true",
        help="judge the ops of documents, which a GPT needs, or write a skeleton with them by --new (default: the ops "
        "of dense nets, and others that are written)",
    )
    which.add_argument(
        "--only", nargs="+", type=_item_name, metavar="OP", help="judge only these ops, and show all their findings"
    )
    parser.add_argument("--first", action="store_true", help="show only the first finding")
    parser.add_argument(
        "--level",
        choices=LEVELS,
        help="what is asked for. formulas: right results at numbers of everyday size; stable: also at very large and "
        "very small ones, without warnings; all: also for NaN and infinity, and in float32 (default: all, or the level "
        "in the file of --points)",
    )
    parser.add_argument(
        "--time-limit",
        type=options.real(at_least=1, at_most=86_400),
        default=10.0,
        metavar="S",
        help="time limit for one call of an op, in seconds of processor time (default: 10)",
    )
    options.add_json(parser)


def _item_name(text: str) -> str:
    if text not in NAMES:
        way_out = "; write the file before --only" if text.endswith(".py") else ""
        raise argparse.ArgumentTypeError(f"{text!r} is not one of {', '.join(NAMES)}{way_out}")
    return text


def run(args: argparse.Namespace) -> int:
    """Judge a tier and print the report, or write a skeleton; return 0 if the tier passes, 1 if not."""
    from ..lab.judge import judge, read_points
    from ..lab.judge.report import text

    if args.new is not None:
        check_outputs([args.json])
        return _write_skeleton(args.new, args.like or "tensor", documents=args.documents)
    if args.tier is None:
        raise ValueError(
            "verify: expected the file with your tier; to write a skeleton of one: verify --new my_tier.py"
        )
    check_outputs([args.json], inputs=[options.tier_file(args.tier), args.points])
    points, level = (None, "all") if args.points is None else read_points(args.points)
    verdict = judge(
        args.tier,
        like=args.like or "",
        points=points,
        level=args.level or level,
        only=args.only or (DOCUMENTS if args.documents else ()),
        time_limit=args.time_limit,
        on_item=_say,
    )
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr, flush=True)
    print(text(verdict, first=args.first, in_full=bool(args.only)))
    summary = {"command": "verify", "passed": verdict.passed, "points": verdict.points, "possible": verdict.possible}
    write_json(args.json, {**summary, **asdict(verdict)})
    return 0 if verdict.passed else 1


def _say(item: Item) -> None:
    """Show what has been judged: in one line on a terminal, as the report should not scroll away."""
    if ended.is_set():  # otherwise an op fails because its process was killed
        return
    start, end = ("\r\033[K", "") if sys.stderr.isatty() else ("", "\n")
    print(f"{start}  {item.name}: {item.status}", end=end, file=sys.stderr, flush=True)


def _write_skeleton(path: str, like: str, *, documents: bool) -> int:
    from ..lab.judge.skeleton import skeleton

    try:
        with Path(path).open("x", encoding="utf-8") as file:
            file.write(skeleton(like, documents=documents))
    except FileExistsError:
        raise ValueError(f"{path} exists already; choose another name, or move the file away first") from None
    print(f"Wrote {path}, the skeleton of a {like} tier. Fill in the functions one by one; after each, run")
    print(f"  micrograd-tiers verify {path}{' --documents' * documents}")
    return 0
