"""`micrograd-tiers benchmark`: time a training step of every tier, beside other libraries and lower bounds."""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from .. import processes
from ..errors import DataError
from ..files import check_outputs
from ..pools import kernels_warning, pools
from . import benchmark_history, options
from .output import drawing, say, warn, write_json

if TYPE_CHECKING:
    from ..lab.race import Row
    from ..lab.race.cases import AnyCase
    from ..lab.race.growth import GrowthCurve

SIZES, BATCH_SIZES, DTYPES = ("2-3-2", "784-30-10", "784-300-10"), (1, 64, 512), ("float64", "float32")
BATCH_SIZES_OF_GPT = (1, 32)
EARLIER_KEYS = {"net", "batch_size", "dtype", "contender", "median", "ratio"}
BUSY = 0.15  # share of a core's time that other processes may take
LOOP = """
import time
time.sleep(0.1)  # until all loops have started
start, used = time.perf_counter(), time.process_time()
while time.perf_counter() < start + 0.3:
    pass
print((time.process_time() - used) / (time.perf_counter() - start))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Prove that all contenders compute equal gradients, then time a training step of each. Every contender runs in "
        "its own process, and they take turns. Contenders that are not installed are left out (PyTorch, JAX, HIPS "
        "autograd, micrograd, propgrad, scalargrad, tinymlp, nanograd-bgriebel, strands-microgpt)."
    )
    contender = options.checked(str, _check_contender)
    parser.add_argument(
        "--net",
        type=options.checked(str, _check_net),
        nargs="+",
        metavar="NET",
        help="nets, such as 784-300-10, gpt or lenet (default: 2-3-2 784-30-10 784-300-10; with --all also gpt)",
    )
    parser.add_argument(
        "--batch-size", type=options.whole(), nargs="+", metavar="N", help="samples per step (default: 64)"
    )
    parser.add_argument(
        "--dtype",
        type=options.of_setting("dtype"),
        nargs="+",
        metavar="DTYPE",
        help="float64, float32 or both (default: float64)",
    )
    parser.add_argument("--only", type=contender, nargs="+", metavar="NAME", help="contenders to race (default: all)")
    parser.add_argument(
        "--base",
        type=contender,
        default="tensor",
        metavar="NAME",
        help="contender that the others are compared with (default: tensor)",
    )
    parser.add_argument(
        "--threads",
        type=options.whole(),
        default=os.cpu_count() or 1,
        help="threads of each contender (default: one per core)",
    )
    parser.add_argument("--rounds", type=options.whole(), default=7, help="turns of each contender (default: 7)")
    parser.add_argument(
        "--seconds",
        type=options.real(above=0, below=3600),
        default=0.15,
        help="length of a turn, at least one training step (default: 0.15)",
    )
    parser.add_argument(
        "--all", action="store_true", help="race all cases, run --growth, and check the package's speed targets"
    )
    parser.add_argument(
        "--growth", action="store_true", help="only measure how the time grows with hidden units, batch size and depth"
    )
    options.add_file(
        parser,
        "--history",
        "print the targets on each machine in this file, to which --all adds its run; --picture draws them",
    )
    options.add_file(parser, "--picture", "write a picture of the results to this file")
    options.add_file(parser, "--compare", "compare with the --json file of an earlier run")
    options.add_json(parser)


def _check_net(name: str) -> None:
    from ..lab.race.cases import case_of

    case_of(name, 1)


def _check_contender(name: str) -> None:
    from ..lab.race.contenders import check_contenders

    check_contenders([name])


def run(args: argparse.Namespace) -> int:
    """Race the contenders; return 0 if all gradients are equal, whatever the speeds."""
    from ..lab.race import CONTENDERS, Race, history, report
    from ..lab.race.growth import measure_growth
    from ..lab.race.targets import check_start, check_targets

    if args.history and not args.all:
        return benchmark_history.show(args)
    check_outputs([args.json, args.history], [args.picture], inputs=[args.compare])
    if args.history and Path(args.history).exists():
        history.read_history(args.history)  # a damaged file is refused before the work begins
    cases = _cases(args)
    names = args.only or [name for name, contender in CONTENDERS.items() if any(map(contender.takes, cases))]
    earlier = _earlier_rows(args.compare)

    about = report.machine(args.threads)
    print(report.machine_line(about))
    for line in (report.missing_line(names), _busy()):
        if line:
            print(line)
    content: dict[str, Any] = {"command": "benchmark", "machine": about}
    rows: list[Row] = []
    race = Race(args.threads, args.rounds, args.seconds, say)
    warn(race.thread_warning(cases[0], names))
    some_without = len({CONTENDERS[name].blas for name in names if CONTENDERS[name].installed}) == 2
    if args.all or args.growth or some_without:  # targets and growth have races of their own
        warn(kernels_warning(pools()))
    if not args.growth:
        for case in cases:
            raced = race.run(case, names, args.base)
            if raced:
                rows += raced
                print("\n" + "\n".join(report.race_table(raced)))
        memory = race.memory(cases[-1], names)
        if memory:
            print("\n" + "\n".join(report.memory_table(cases[-1], memory)))
            content["memory"] = {str(cases[-1]): memory}
    if args.growth or args.all:
        curves = measure_growth(race)
        print("\n" + "\n".join(report.growth_table(curves)))
        content["growth"] = [asdict(curve) | {"slope": curve.slope} for curve in curves]
    if args.all:
        results, more = check_targets(race)
        results += check_start(args.rounds, say)
        print("\n" + "\n".join(report.target_table(results)))
        content["target_rows"] = [*map(report.as_json, more)]
        content["targets"] = [result.as_json() for result in results]
    if earlier is not None:
        print("\n" + "\n".join(report.change_table(rows, earlier)))
    content["rows"] = [*map(report.as_json, rows)]
    write_json(args.json, content)
    runs = benchmark_history.add(args.history, history.entry(about, results)) if args.history else []
    if runs:
        print("\n" + "\n".join(report.history_table(runs)))
    if args.picture:
        print()
        with drawing(args.picture):
            if runs:
                benchmark_history.draw(args.picture, runs)
            elif args.growth:
                _draw_growth(args.picture, curves)
            else:
                _draw_speeds(args.picture, rows)
    return 0


def _cases(args: argparse.Namespace) -> list[AnyCase]:
    from ..lab.race.cases import case_of

    nets = args.net or (["gpt", *SIZES] if args.all else SIZES)  # the memory is that of the last net
    dtypes = args.dtype or (DTYPES if args.all else ["float64"])
    return [case_of(net, n, dtype) for net in nets for n in _batch_sizes(net, args) for dtype in dtypes]


def _batch_sizes(net: str, args: argparse.Namespace) -> Sequence[int]:
    if args.batch_size or not args.all:
        return args.batch_size or [64]
    return BATCH_SIZES_OF_GPT if net.lower() == "gpt" else BATCH_SIZES


def _earlier_rows(path: str | None) -> list[dict[str, Any]] | None:
    if path is None:
        return None
    try:
        content = json.loads(Path(path).read_text())
        rows: list[dict[str, Any]] = content["rows"]
        for row in rows:
            if "sizes" in row:  # in place of the name, in files of earlier versions
                row["net"] = "-".join(map(str, row["sizes"]))
        if content["command"] != "benchmark" or not all(row.keys() >= EARLIER_KEYS for row in rows):
            raise KeyError
    except (UnicodeDecodeError, json.JSONDecodeError, AttributeError, KeyError, TypeError):
        raise DataError(f"{path} is not a file that benchmark --json has written") from None
    return rows


def _draw_speeds(picture: str, rows: list[Row]) -> None:
    from ..lab.race import CONTENDERS

    cases: dict[str, list[mt.plots.Speed]] = {}
    for row in rows:
        kind = CONTENDERS[row.contender].kind
        speed = mt.plots.Speed(row.contender, row.samples_per_second, row.contender if kind == "tier" else kind)
        cases.setdefault(str(row.case), []).append(speed)
    mt.plots.benchmark(cases, path=picture)


def _draw_growth(picture: str, curves: list[GrowthCurve]) -> None:
    from ..lab.race.growth import NETS

    lines: dict[str, list[mt.plots.Times]] = {}
    for curve in curves:
        times = mt.plots.Times(f"{curve.tier}, slope {curve.slope:.2f}", curve.sizes, curve.seconds, curve.tier)
        lines.setdefault(curve.grows, []).append(times)
    mt.plots.growth([mt.plots.GrowthPanel(NETS[grows], grows, found) for grows, found in lines.items()], path=picture)


def _busy() -> str | None:
    """Return a warning if the machine is busy: if a loop on each core does not get (nearly) all of its time."""
    cores = os.cpu_count() or 1
    loops = [processes.start([sys.executable, "-c", LOOP], stdout=subprocess.PIPE, text=True) for _ in range(cores)]
    got = [float(loop.communicate()[0]) for loop in loops]
    if min(got) >= 1 - BUSY:
        return None
    shares = ", ".join(f"{share:.0%}" for share in got)
    return f"Warning: the machine is busy (a loop on each core got {shares} of its time): times and ratios may be off"
