"""Mistakes in the code of a GPT: what each does to the loss, the gradient check and the names, and what the judge says.

    python benchmarks/gpt_mistakes.py
    python benchmarks/gpt_mistakes.py --batch-sizes 32 --only attention norm

Each bug of the museum that is shown on a GPT is planted, and the net is trained with it, with batches of 1 and with
batches of 32. Training without a bug is repeated with other seeds. The loss hides a bug if its loss in the last tenth
of the run lies within the range of these runs.
"""

import argparse
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import groupby

from micrograd_tiers.lab.judge import Search, judge_op
from micrograd_tiers.lab.judge.cases import CASE_OF
from micrograd_tiers.lab.judge.diagnosis import diagnose
from micrograd_tiers.lab.museum import BUGS, Bug
from micrograd_tiers.lab.museum.demonstration import trained
from micrograd_tiers.lab.museum.scenes import scene_of
from micrograd_tiers.lab.museum.scenes.names import PARTS, Names
from micrograd_tiers.lab.museum.trace import Trace

STEPS = {1: 100, 32: 32}  # steps of a tenth of the run, by batch size
TIER = "tensor"


def bugs_by_scene(only: list[str]) -> Iterator[tuple[Names, list[Bug]]]:
    """Yield the scenes with a GPT, each with its bugs whose names contain one of the words."""
    chosen = [bug for bug in BUGS.values() if any(word in bug.name for word in only or [""])]
    pairs = [(scene, bug) for bug in chosen if isinstance(scene := scene_of(bug), Names)]
    for _, group in groupby(sorted(pairs, key=_scene), _scene):
        scenes, bugs = zip(*group, strict=True)
        yield scenes[0], [*bugs]


def _scene(pair: tuple[Names, Bug]) -> str:
    return repr(pair[0])


@cache
def judged(bug: Bug) -> str:
    """Return "named" or "found", or "" for a bug that is not in an op, which the judge does not see."""
    if bug.kind != "tier":
        return ""
    case, tier = CASE_OF[bug.op], bug.tier(TIER)
    findings = judge_op(case, tier, Search(shrink=False))
    diagnoses = [diagnose(case, tier, finding, TIER) for finding in findings]
    return "named" if any(d and d.name == bug.name for d in diagnoses) else "found" if findings else "missed"


def print_symptoms(scene: Names, bugs: list[Bug], n_seeds: int) -> dict[Bug, Trace]:
    """Print a row for the right program and one for each bug; return the bugs that the loss hides, with their runs."""
    right = [trained(scene, None, TIER, seed) for seed in range(n_seeds)]
    ends = [run.loss[-1] for run in right]
    print(f"\n{scene.task(TIER)}")
    print(f"{'':38} {'loss in each tenth of the run':{5 * PARTS}} loss      gradients judge  names")
    print(row("right program", right[0], "", ""))
    print(f"{'':38} last tenth with {n_seeds} seeds: {min(ends):.3f} to {max(ends):.3f}")
    hidden = {}
    for bug in bugs:
        run = trained(scene, bug, TIER, 0)
        hides = not run.error and min(ends) <= run.loss[-1] <= max(ends)
        print(row(bug.name, run, "hides it" if hides else "differs", judged(bug)), flush=True)
        if hides:
            hidden[bug] = run
    return hidden


def row(name: str, run: Trace, verdict: str, judge: str) -> str:
    """Return the row of one run."""
    if run.error:
        return f"{name:38} {'stops: ' + run.error[:60]:{5 * PARTS + 20}} {judge}"
    curve = " ".join(f"{loss:.2f}" for loss in run.loss)
    _, check, names = run.figures.values()
    return f"{name:38} {curve:{5 * PARTS}} {verdict:9} {check:9} {judge:6} {names}"


def main() -> None:
    """Print the table of symptoms for each batch size."""
    parser = argparse.ArgumentParser(description="Show what mistakes in the code of a GPT do to its training.")
    parser.add_argument("--batch-sizes", type=int, nargs="+", choices=STEPS, default=[*STEPS])
    parser.add_argument("--only", nargs="+", default=[], metavar="WORD", help="bugs whose names contain one of these")
    parser.add_argument("--seeds", type=int, default=8, help="runs of the right program (default: 8)")
    arguments = parser.parse_args()
    groups = [*bugs_by_scene(arguments.only)]
    every = [bug for _, bugs in groups for bug in bugs]
    for batch_size in arguments.batch_sizes:
        hidden: dict[Bug, Trace] = {}
        for scene, bugs in groups:
            scene = replace(scene, batch_size=batch_size, steps=STEPS[batch_size])
            hidden |= print_symptoms(scene, bugs, arguments.seeds)
        seen = sum(run.figures["gradient check"] == "failed" for run in hidden.values())
        print(f"\nBatches of {batch_size}: the loss hides {len(hidden)} of {len(every)} bugs,", end=" ")
        print(f"of which the gradient check finds {seen}.")
    verdicts = [judged(bug) for bug in every if bug.kind == "tier"]
    print(f"The judge names {verdicts.count('named')} of the {len(verdicts)} bugs that are in an op.")


if __name__ == "__main__":
    main()
