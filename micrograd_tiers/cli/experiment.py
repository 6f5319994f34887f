"""`micrograd-tiers experiment`: run one of the classic studies and write its report."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..files import check_folder
from ..machine import processor
from . import options
from .output import drawing, write_results

if TYPE_CHECKING:
    from ..lab.studies import Result, Study, StudyReport, Task

QUICK = (
    "(A quick run: a smaller version of the study, with glyphs in place of MNIST and Fashion-MNIST. "
    "The full study gives other figures.)"
)


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Run one of the classic studies, and write its results (CSV and JSON), pictures and a short report. Without "
        "NAME, list the studies. Finished runs are kept, so an interrupted study continues where it stopped."
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="name of the study")
    parser.add_argument(
        "--quick", action="store_true", help="run a small version in seconds, with glyphs in place of MNIST"
    )
    options.add_data_dir(parser)
    parser.add_argument(
        "--out", type=options.folder, metavar="DIR", help="folder to write to (default: experiments/NAME)"
    )
    options.add_jobs(parser)


def run(args: argparse.Namespace) -> int:
    """List the studies, or run one; a study that was interrupted continues from the finished runs."""
    from ..lab.studies import STUDIES, on_cluster, run_all
    from ..progress import Progress

    if args.name is None:
        width = max(map(len, STUDIES))
        for study in STUDIES.values():
            print(f"{study.name:{width}}  {study.title}")
        return 0
    if args.name not in STUDIES:
        raise ValueError(f"unknown study {args.name!r}: expected one of {', '.join(STUDIES)}")
    study = STUDIES[args.name]
    out = Path(args.out or f"experiments/{study.name}{'-quick' if args.quick else ''}")
    check_folder(out)
    tasks = study.tasks(args.quick)
    print(f"{study.title}: {len(tasks)} runs, in {out}")
    with Progress(len(tasks), "run", lines=True) as progress, on_cluster(args.dask):
        results = run_all(tasks, out / "runs", data_dir=args.data_dir, jobs=args.jobs, on_result=progress.update)
    report = study.report(tasks, results)
    write(study, tasks, results, report, out, args.quick)
    return 0


def write(
    study: Study, tasks: Sequence[Task], results: Sequence[Result], report: StudyReport, out: Path, quick: bool
) -> None:
    """Write the report and the results as CSV and JSON, print the answer, and draw the pictures."""
    from ..lab.studies import as_csv, environment, runs_of

    pictures = "".join(f"\n![{study.title}: {name.replace('-', ' ')}]({name}.png)\n" for name in report.pictures)
    if quick and study.tasks(True) != study.tasks(False):
        answer = f"{QUICK}\n\n{report.answer}"
    else:
        answer = "\n\n".join(filter(None, [report.answer, report.reading]))
    command = f"micrograd-tiers experiment {study.name}{' --quick' if quick else ''}"
    text = f"# {study.title}\n\n{study.question}\n\n{answer}\n{pictures}\nMade by `{command}` on {processor()}.\n"
    content = {
        "study": study.name,
        "quick": quick,
        "environment": environment(),
        "findings": report.findings,
        "runs": runs_of(tasks, results),
    }
    write_results(out, {"report.md": text, "results.csv": as_csv(tasks, results)}, content)
    print(f"\n{report.answer}\n\nReport: {out / 'report.md'}")
    for name, draw in report.pictures.items():
        with drawing(out / f"{name}.png"):
            draw(out / f"{name}.png")
