"""The benchmark's results as tables of text and as JSON."""

import importlib.metadata
import os
import platform
from collections.abc import Iterable, Sequence
from typing import Any

from ...machine import processor
from ...pools import numpys, pools
from ...summary import size_of
from .cases import AnyCase
from .contenders import CONTENDERS
from .growth import NETS, GrowthCurve
from .history import PastRun, Quartiles, latest
from .race import Row, quartiles
from .sources import EXAMPLE
from .targets import Bar, TargetResult, bars, shown

LIMIT = "matrix products"
FLOAT = 32  # bytes of a Python float in a list: 24 for the number, 8 for the pointer to it


def machine(threads: int) -> dict[str, Any]:
    """Return a description of the machine: processor, system, cores, threads, versions, and NumPy's BLAS if known."""
    own = numpys(pools())
    blas, kernels = (f"{own.kind} {own.version}", own.kernels) if own and own.kernels else (None, None)
    packages = dict.fromkeys(["numpy", *(contender.needs for contender in CONTENDERS.values())])
    return {
        "processor": processor(),
        "system": platform.system(),
        "cores": os.cpu_count(),
        "threads": threads,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in packages if name not in ("", EXAMPLE)},
        "blas": blas,
        "kernels": kernels,
    }


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def machine_line(about: dict[str, Any]) -> str:
    """Return the description of the machine as one line."""
    versions = ", ".join(f"{name} {version}" for name, version in about["packages"].items() if version)
    threads = f"{about['threads']} thread{'s' * (about['threads'] != 1)}"
    blas = f"{about['blas']} ({about['kernels']} kernels), " if about["blas"] else ""
    return (
        f"{about['processor']}, {about['cores']} cores, {threads} per contender, {blas}Python {about['python']}, "
        f"{versions}"
    )


def missing_line(names: Iterable[str]) -> str | None:
    """Return a line that names the packages that are not installed; None if all are."""
    missing = sorted({CONTENDERS[name].needs for name in names if not CONTENDERS[name].installed})
    packages = [f"{name} (an example in the repository)" if name == EXAMPLE else name for name in missing]
    return f"Left out, not installed: {', '.join(packages)}" if packages else None


def time_of(seconds: float) -> str:
    """Return a time with three significant digits and a suitable unit, such as "45.6 µs"."""
    for unit, size in (("s", 1.0), ("ms", 1e-3), ("µs", 1e-6)):
        if seconds >= size:
            return f"{seconds / size:.3g} {unit}" if seconds < 1000 * size else f"{seconds / size:,.0f} {unit}"
    return f"{seconds * 1e9:.3g} ns"


def race_table(rows: Sequence[Row]) -> list[str]:
    """Return the table of one case as lines, the fastest contender first."""
    (case,) = {row.case for row in rows}
    limit = next((row.median for row in rows if row.contender == LIMIT), None)
    base = rows[0].base
    width = max(18, *(len(row.contender) + 1 for row in rows))
    share_head = f"{'% of limit':>12}" if limit else ""
    head = (
        f"{'':{width}}{'step time':>9}{'quartiles':>20}{case.unit + '/s':>13}{' speed vs. ' + base:>26}"
        f"{'GFLOP/s':>10}{share_head}"
    )
    lines = [f"{case}", f"{head}   gradient error"]
    for row in sorted(rows, key=lambda row: row.median):
        first, third = quartiles(row.seconds)
        low, high = quartiles(row.ratios) if row.ratios else (0.0, 0.0)
        ratio = f"{_short(row.ratio)} ({_short(low)} to {_short(high)})" if row.ratios else ""
        share = f"{f'{limit / row.median:.0%}':>12}" if limit else ""
        off = "(no gradients)" if row.off is None else "0" if row.off == 0 else f"{row.off:.0e}"
        spread = f"{time_of(first)} to {time_of(third)}"
        lines.append(
            f"{row.contender:{width}}{time_of(row.median):>9}{spread:>20}{_rate(row.samples_per_second):>13}{ratio:>26}"
            f"{row.gflops:>10.3g}{share}   {off}"
        )
    return lines


def memory_table(case: AnyCase, measured: dict[str, dict[str, int]]) -> list[str]:
    """Return the table of each tier's memory, computed and measured, as lines."""
    lines = [
        f"Memory, {case}",
        f"{'':18}{'parameters':>12}{'training, computed':>20}{'measured':>12}{'':>7}"
        f"{'prediction, computed':>22}{'measured':>12}",
    ]
    about = case.summary
    for name, held in measured.items():
        training, prediction = held["training"], held["prediction"]
        each = FLOAT / about.bytes_each if CONTENDERS[name].tier == "scalar" else 1
        step = each * about.training_bytes
        lines.append(
            f"{name:18}{size_of(each * about.parameter_bytes):>12}{size_of(step):>20}{size_of(training):>12}"
            f"{f'({training / step:.2f})':>7}{size_of(each * about.prediction_bytes):>22}{size_of(prediction):>12}"
        )
    return lines


def target_table(results: Sequence[TargetResult]) -> list[str]:
    """Return the table of targets as lines."""
    width = max(len(result.name) for result in results)
    lines = [f"{'target':{width}}  {'required':>23}{'measured':>12}{'quartiles':>20}"]
    for result in results:
        verdict = "   MISSED" if result.met is False else ""
        lines.append(
            f"{result.name:{width}}  {result.bar!s:>23}  {result.median:>10}{result.spread:>20}{verdict}".rstrip()
        )
    return lines


def history_table(runs: Sequence[PastRun]) -> list[str]:
    """Return a table of the latest medians on each machine, as lines; a target is met if it is met on all of them."""
    machines = latest(runs)
    lines = [
        f"machine {k}: {run.machine}, {run.cores} cores, {run.threads} threads; version {run.code}, {run.date}"
        for k, run in enumerate(machines, start=1)
    ]
    limits = bars()
    width = max(map(len, limits))
    heads = "".join(f"{f'machine {k}':>12}" for k in range(1, len(machines) + 1))
    lines += ["", f"{'target':{width}}  {'required':>23}{heads}{'spread':>9}"]
    for name, bar in limits.items():
        found = [run.quartiles.get(name) for run in machines]
        medians = [quartiles[1] for quartiles in found if quartiles]
        cells = "".join(f"{shown(quartiles[1], bar) if quartiles else '-':>12}" for quartiles in found)
        spread = f"{max(medians) / min(medians):.2f}x" if len(medians) > 1 and min(medians) > 0 else ""
        lines.append(f"{name:{width}}  {bar!s:>23}{cells}{spread:>9}   {_verdict(bar, found)}")
    return lines


def _verdict(bar: Bar, found: Sequence[Quartiles | None]) -> str:
    numbered = [*enumerate(found, start=1)]
    missed = [str(k) for k, quartiles in numbered if quartiles and not bar.is_met(quartiles[0], quartiles[2])]
    absent = [str(k) for k, quartiles in numbered if not quartiles]
    if missed:
        return f"MISSED on {', '.join(missed)}"
    return f"not measured on {', '.join(absent)}" if absent else "met"


def growth_table(curves: Sequence[GrowthCurve]) -> list[str]:
    """Return a table for each size that grows, as lines: time per sample of each tier, and the slope."""
    lines = []
    for grows in dict.fromkeys(curve.grows for curve in curves):
        own = [curve for curve in curves if curve.grows == grows]
        sizes = sorted({size for curve in own for size in curve.sizes})
        lines.append(f"Time per sample against {grows} ({NETS[grows]})")
        lines.append(
            f"{'':8}" + "".join(f"{size:>10,}" for size in sizes) + f"{'slope':>8}  MNIST epoch within 10 minutes up to"
        )
        for curve in own:
            times = dict(zip(curve.sizes, map(time_of, curve.seconds), strict=True))
            cells = "".join(f"{times.get(size, '-'):>10}" for size in sizes)
            lines.append(f"{curve.tier:8}{cells}{curve.slope:>8.2f}  {_sensible(curve)}")
        lines.append("")
    return lines[:-1]


def _sensible(curve: GrowthCurve) -> str:
    if curve.sensible is None:
        return "none of these"
    return f"{curve.sensible:,}{' and beyond' if curve.sensible == max(curve.sizes) else ''}"


def _rate(x: float) -> str:
    return f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


def _short(x: float) -> str:
    return f"{x:.2f}" if x >= 0.095 else f"{x:.1g}"


def as_json(row: Row) -> dict[str, Any]:
    """Return a row as it is written to JSON."""
    return {
        "net": row.case.name, "batch_size": row.case.batch_size, "dtype": row.case.dtype,
        "contender": row.contender, "threads": row.threads, "base": row.base, "seconds": row.seconds,
        "median": row.median, "ratio": row.ratio, "samples_per_second": row.samples_per_second, "gflops": row.gflops,
        "gradients_off_by": row.off,
    }  # fmt: skip


def change_table(rows: Sequence[Row], earlier: Sequence[dict[str, Any]]) -> list[str]:
    """Return a table, as lines, of each row's time and ratio to the base beside those of an earlier run.

    Times depend on the machine; ratios depend on it far less.
    """
    before = {(entry["net"], entry["batch_size"], entry["dtype"], entry["contender"]): entry for entry in earlier}
    lines = [f"{'':58}{'before':>10}{'now':>10}{'speedup':>9}{'speed vs. base':>22}"]
    for row in rows:
        entry = before.get((row.case.name, row.case.batch_size, row.case.dtype, row.contender))
        if entry is None:
            continue
        ratio = "" if entry["ratio"] is None or not row.ratios else f"{entry['ratio']:.2f} -> {row.ratio:.2f}"
        what = f"{row.contender}, {row.case}"
        lines.append(
            f"{what:58}{time_of(entry['median']):>10}{time_of(row.median):>10}{entry['median'] / row.median:>8.2f}x"
            f"{ratio:>22}"
        )
    return lines
