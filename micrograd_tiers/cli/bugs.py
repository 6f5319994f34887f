"""`micrograd-tiers bugs`: list the bugs of the museum, explain one, train with one, or ask for one in a quiz."""

from __future__ import annotations

import argparse
import random
import sys
import textwrap
from collections.abc import Sequence
from dataclasses import asdict
from itertools import groupby, zip_longest
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..arguments import either, whole_number
from ..files import check_outputs
from ..tiers import TIERS
from . import OneLineParser, options
from .output import drawing, plural, write_json

if TYPE_CHECKING:
    from ..lab.museum import Bug
    from ..lab.museum.demonstration import Demonstration

CANDIDATES, FEWEST = 5, 3  # titles to choose from
JUDGE = "judge"
TRIES = 2
MOST_POINTS = 3  # the judge's report costs one, and so does a wrong answer; after the last try there are none


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.description = (
        "Real bugs in backpropagation, training, autograd engines, and the code of data and text, each in a few lines "
        "of this package's own source. Without ACTION, list them."
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION", parser_class=OneLineParser)
    parser.set_defaults(action="list", json=None)
    listing = actions.add_parser("list", help="list all bugs")
    options.add_json(listing)
    show = actions.add_parser("show", help="explain a bug: its symptom, its effect on training, and the wrong lines")
    show.add_argument("name", metavar="NAME", help="name of the bug")
    options.add_seed(show)
    options.add_json(show)
    train = actions.add_parser("train", help="train without a bug and with it, and compare")
    train.add_argument("name", metavar="NAME", help="name of the bug")
    train.add_argument("--tier", choices=TIERS, help=f"{either(TIERS)} (default: the fastest that has the bug)")
    options.add_file(train, "--picture", "write a picture of both loss curves to this file")
    options.add_seed(train)
    options.add_json(train)
    quiz = actions.add_parser("quiz", help="find out which bug is hidden, from how training goes")
    quiz.add_argument("--answer", metavar="NAME", help="answer the quiz of --seed; exit code 0 if right, 1 if not")
    quiz.add_argument("--judge", action="store_true", help="show what the judge reports; this costs a point")
    options.add_seed(quiz, default=None, text="number of the quiz (default: random)")
    options.add_json(quiz)


def run(args: argparse.Namespace) -> int:
    """Run one action: list the bugs, explain one, train with one, or ask for one in a quiz."""
    check_outputs([args.json], [getattr(args, "picture", None)])
    if args.action == "train":
        return _train(args)
    code, result = {"list": _list, "show": _show, "quiz": _quiz}[args.action](args)
    _write(args, result)
    return code


def _write(args: argparse.Namespace, result: dict[str, Any]) -> None:
    write_json(args.json, {"command": f"bugs {args.action}", **result})


def _list(args: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from ..lab.museum import BUGS

    width = max(map(len, BUGS))
    for kind, group in groupby(BUGS.values(), key=lambda bug: bug.kind):
        bugs = [*group]
        print(f"{kind} ({len(bugs)})")
        for bug in bugs:
            print(f"  {bug.name:{width}}  {bug.title}")
        print()
    print(f"{plural(len(BUGS), 'bug')}. Read about one, train with it, or take a quiz:")
    for action in ("show NAME", "train NAME", "quiz"):
        print(f"  micrograd-tiers bugs {action}")
    return 0, {"bugs": [{"name": bug.name, "kind": bug.kind, "title": bug.title} for bug in BUGS.values()]}


def _show(args: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from ..lab.museum import get_bug
    from ..lab.museum.demonstration import demonstrate

    bug = get_bug(args.name)
    print(f"{bug.name}: {bug.title}\n")
    _print_text(f"Symptom: {bug.symptom}")
    shown = demonstrate(bug, seed=args.seed)
    _print_text(f"Training ({shown.task}): {shown.verdict()}")
    _print_text(f"Property that it violates: {bug.property}")
    print()
    _explain(bug)
    texts = {name: getattr(bug, name) for name in ("name", "title", "kind", "symptom", "property", "explanation")}
    return 0, {**texts, **_in_numbers(shown), "difference": bug.difference()}


def _explain(bug: Bug) -> None:
    print(f"{bug.difference()}\n")
    _print_text(bug.explanation)


def _print_text(text: str) -> None:
    print(textwrap.fill(text, 100))


def _train(args: argparse.Namespace) -> int:
    from ..lab.museum import get_bug
    from ..lab.museum.demonstration import demonstrate

    bug = get_bug(args.name)
    shown = demonstrate(bug, tier=args.tier, seed=args.seed)
    print(f"{bug.name}: {bug.title}")
    _print_curves(shown)
    print()
    _print_text(shown.verdict())
    _write(args, {"bug": bug.name, "seed": args.seed, **_in_numbers(shown)})
    if args.picture:
        right, wrong = shown.right, shown.wrong
        losses, accuracies = (right.loss, wrong.loss), (right.accuracy, wrong.accuracy)
        with drawing(args.picture):
            mt.plots.right_and_wrong(losses, accuracies, f"{bug.title}\n{shown.verdict()}", path=args.picture)
    return 0


def _in_numbers(shown: Demonstration) -> dict[str, Any]:
    return {
        "task": shown.task,
        "right": asdict(shown.right),
        "with_the_bug": asdict(shown.wrong),
        "verdict": shown.verdict(),
    }


def _print_curves(shown: Demonstration) -> None:
    """Print losses and accuracies by epoch, then the other figures that differ."""
    _print_text(shown.task)
    print()
    print(f"{'':5}  {'training loss':^21}  {'accuracy':^21}".rstrip())
    print(f"{'epoch':5}  {'right':>9}  {'with bug':>10}  {'right':>9}  {'with bug':>10}")
    right, wrong = shown.right, shown.wrong
    rows = zip_longest(right.loss, wrong.loss, right.accuracy, wrong.accuracy)
    for epoch, (*losses, a, b) in enumerate(rows, start=1):
        cells = [_number(x) for x in losses] + ["-" if x is None else f"{x:.1%}" for x in (a, b)]
        print(f"{epoch:5}  {cells[0]:>9}  {cells[1]:>10}  {cells[2]:>9}  {cells[3]:>10}")
    for who, stopped in (("the right program", right), ("the program with the bug", wrong)):
        if stopped.error:
            _print_text(f"{who} stopped: {stopped.error}")
    for name, pair in shown.other_figures().items():
        digits = next(n for n in (4, 8, 17) if n == 17 or len({_number(x, n) for x in pair}) == 2)
        a, b = (_number(x, digits) for x in pair)
        print(f"{name}: {a}, with the bug {b}")


def _number(x: float | str | None, digits: int = 4) -> str:
    return "-" if x is None else x if isinstance(x, str) else f"{x:.{digits}g}"


# The quiz.


def _quiz(args: argparse.Namespace) -> tuple[int, dict[str, Any]]:
    from ..lab.museum import get_bug
    from ..lab.museum.demonstration import demonstrate

    if args.answer is not None and args.seed is None:
        raise ValueError("--answer goes with --seed, the number of the quiz")
    seed = random.randrange(10_000) if args.seed is None else args.seed
    bug, candidates = _question(seed)
    given = None if args.answer is None else _candidate(args.answer, candidates) or get_bug(args.answer)

    print(f"Quiz {seed}. The program has a bug.\n")
    shown = demonstrate(bug, seed=seed)
    _print_curves(shown)
    print()
    _print_text(f"Symptom: {bug.symptom}")
    print("\nWhich bug is it?")
    for number, candidate in enumerate(candidates, start=1):
        print(f"  {number}. {candidate.title} [{candidate.name}]")
    judged = args.judge
    if judged:
        print(f"\n{_report_without_names(bug)}")

    guesses = [] if given is None else [given]
    if given is not None:
        _judge(given, bug, last=False)
    while given is None and len(guesses) < TRIES and bug not in guesses:
        answer = _ask(candidates)
        if answer is None:
            break
        if isinstance(answer, str):
            judged = True
            print(f"\n{_report_without_names(bug)}\n")
        else:
            guesses.append(answer)
            _judge(answer, bug, last=len(guesses) == TRIES)
    points = None
    if guesses:
        points = MOST_POINTS - judged - (len(guesses) - 1) if bug in guesses else 0
        print(f"\nScore: {points} of {MOST_POINTS}")
    else:
        print(f"To answer: micrograd-tiers bugs quiz --seed {seed} --answer NAME")
        print("The judge's report, for a point: --judge")
    asked = {"seed": seed, "candidates": [candidate.name for candidate in candidates], "judge_asked": judged}
    answered = {"guesses": [guess.name for guess in guesses], "answered_right": bug in guesses if guesses else None}
    result = {**asked, **answered, "points": points, **_in_numbers(shown)}
    return int(bool(guesses) and bug not in guesses), result


def _question(seed: int) -> tuple[Bug, list[Bug]]:
    """Return the hidden bug, and a shuffled list of it and up to four others of the same op, or of the same kind."""
    from ..lab.museum import BUGS

    rng = random.Random(whole_number("seed", seed, 0))
    groups: dict[tuple[str, str], list[Bug]] = {}
    for bug in BUGS.values():
        groups.setdefault((bug.kind, bug.op), []).append(bug)
    hidden = rng.choice([bug for group in groups.values() if len(group) >= FEWEST for bug in group])
    others = [bug for bug in groups[hidden.kind, hidden.op] if bug is not hidden]
    candidates = [hidden, *rng.sample(others, min(CANDIDATES - 1, len(others)))]
    rng.shuffle(candidates)
    return hidden, candidates


def _report_without_names(bug: Bug) -> str:
    """Return the judge's report on a bug in a tier, without the names of bugs."""
    if bug.kind != "tier":
        return "The judge tests tiers, and this bug is elsewhere."
    from ..lab.judge.report import paragraph  # with hypothesis
    from ..lab.judge.support import completed
    from ..lab.judge.worker import judged

    like = bug.tiers()[-1]
    findings = judged(bug.op, completed(bug.tier(like), like), like)["findings"]
    return "\n\n".join(["The judge reports:", *(paragraph(bug.op, finding, names=False) for finding in findings)])


def _ask(candidates: Sequence[Bug]) -> Bug | str | None:
    """Read a guess, or the wish for the judge's report, from standard input; None at its end."""
    while True:
        print(f"1 to {len(candidates)}, or {JUDGE} for the judge's report: ", end="", flush=True)
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            print()
            return None
        if line.strip() == JUDGE:
            return JUDGE
        if guess := _candidate(line.strip(), candidates):
            return guess


def _candidate(answer: str, candidates: Sequence[Bug]) -> Bug | None:
    """Return the candidate with this number or name, or None."""
    for number, candidate in enumerate(candidates, start=1):
        if answer in (str(number), candidate.name):
            return candidate
    return None


def _judge(guess: Bug, bug: Bug, *, last: bool) -> None:
    if guess is bug:
        print(f"\nRight: {bug.title}.\n")
        _explain(bug)
    elif last:
        print(f"\nNo, it was {bug.name}: {bug.title}.\n")
        _explain(bug)
    else:
        print()
        _print_text(f"No. Hint: {bug.hint}")
        print()
