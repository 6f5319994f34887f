"""The batch size on MNIST: what is learned by the epoch and by the second."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, by_epoch, last_loss, on_glyphs, percent, table
from .tasks import Result, Task, Training

BASE = Recipe(
    data="mnist", hidden=(100,), activation="relu", init="kaiming", dtype="float32", learning_rate=0.1, epochs=10,
    validation=10_000,
)  # fmt: skip
SIZES = (1, 4, 16, 64, 256, 1024, 4096)
REFERENCE = 64  # at this batch size both rules have the same learning rate
FIXED, PROPORTIONAL = "one rate", "rate in proportion"
Runs = dict[int, Result]


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    if not quick:
        return recipe
    return on_glyphs(recipe, validation=300, hidden=(30,))


def _rate(size: int) -> float:
    assert BASE.learning_rate is not None
    return BASE.learning_rate * size / REFERENCE


def _sizes(quick: bool) -> tuple[int, ...]:
    return tuple(size for size in SIZES if size <= 1200) if quick else SIZES


def tasks(quick: bool) -> list[Task]:
    """Return a run for each batch size at one learning rate, and one each at a rate in proportion to it."""
    fixed = [replace(BASE, batch_size=size) for size in _sizes(quick)]
    proportional = [replace(BASE, batch_size=size, learning_rate=_rate(size)) for size in _sizes(quick)]
    return [Training(_shrunk(recipe, quick)) for recipe in [*fixed, *proportional]]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Return losses and times by batch size, at one learning rate and at rates in proportion to the size."""
    recipes = [task.recipe for task in tasks if isinstance(task, Training)]
    sizes = [recipe.batch_size for recipe in recipes[: len(recipes) // 2]]
    fixed = dict(zip(sizes, results[: len(sizes)], strict=True))
    proportional = dict(zip(sizes, results[len(sizes) :], strict=True))
    n_samples = (recipes[0].n_train or 60_000) - recipes[0].validation
    target = 2 * min(map(last_loss, fixed.values()))
    epochs = {size: _epochs_to(target, result) for size, result in fixed.items()}
    seconds = {size: _seconds(result) for size, result in fixed.items()}
    findings = {
        "seconds_an_epoch": {str(size): second for size, second in seconds.items()},
        "validation_loss": {str(size): last_loss(result) for size, result in fixed.items()},
        "validation_loss_in_proportion": {str(size): last_loss(result) for size, result in proportional.items()},
        "test_accuracy": {str(size): result["test_accuracy"] for size, result in fixed.items()},
        "target_loss": target,
        "epochs_to_target": {str(size): n for size, n in epochs.items()},
        "seconds_to_target": {str(size): n * seconds[size] for size, n in epochs.items() if n is not None},
    }
    answer = "\n\n".join([_at_one_rate(fixed, n_samples, target), _in_proportion(fixed, proportional)])

    def draw(path: Path) -> None:
        from ... import plots

        lines = {f"{n}": by_epoch(r["validation_loss"]) for n, r in fixed.items()}
        times = {n: [epoch * seconds[n] for epoch in lines[f"{n}"][0]] for n in fixed}
        by_second = {f"{n}": (times[n], lines[f"{n}"][1]) for n in fixed}
        powers = [int(math.log2(size)) for size in sizes]  # the labels of the sizes would run into each other
        ends = {
            name: (powers, [last_loss(r) for r in of.values()])
            for name, of in ((FIXED, fixed), (PROPORTIONAL, proportional))
        }
        plots.panels(
            path,
            [
                plots.Panel("Validation loss by batch size", "epoch", "loss (nats)", lines, "y"),
                plots.Panel("Validation loss by batch size", "second", "loss (nats)", by_second, "xy"),
                plots.Panel(
                    "Time", "batch size (power of two)", "seconds an epoch", {"": (powers, [*seconds.values()])}, "y"
                ),
                plots.Panel("After the last epoch", "batch size (power of two)", "validation loss (nats)", ends, "y"),
            ],
        )

    return StudyReport(answer, findings, {"batch-sizes": draw})


def _seconds(result: Result) -> float:
    return float(result["seconds"] / max(1, result["epochs_run"]))


def _epochs_to(loss: float, result: Result) -> int | None:
    return next((n for n, own in enumerate(result["validation_loss"], 1) if own <= loss), None)


def _shown(result: Result) -> str:
    return "diverged" if result["diverged"] else f"{last_loss(result):.4g}"


def _at_one_rate(fixed: Runs, n_samples: int, target: float) -> str:
    steps = {size: math.ceil(n_samples / size) for size in fixed}
    seconds = {size: _seconds(result) for size, result in fixed.items()}
    needed = {size: _epochs_to(target, result) for size, result in fixed.items()}
    rows = [
        {
            "batch size": size,
            "steps an epoch": steps[size],
            "seconds an epoch": seconds[size],
            "after 1 epoch": result["validation_loss"][0] if result["epochs_run"] else "diverged",
            "validation loss": _shown(result),
            "test accuracy": percent(result["test_accuracy"]),
            f"epochs to {target:.2g}": needed[size] or "more",
            f"seconds to {target:.2g}": (needed[size] or 0) * seconds[size] or "more",
        }
        for size, result in fixed.items()
    ]
    return f"{table(rows)}\n\n{_of_time(seconds, steps)}\n\n{_of_learning(fixed, steps, target)}"


def _of_time(seconds: dict[int, float], steps: dict[int, int]) -> str:
    first, fastest = min(seconds), min(seconds.values())
    enough = next(size for size in seconds if seconds[size] < 1.5 * fastest)
    return (
        f"Time: an epoch in batches of {first} takes {seconds[first] / fastest:.3g} times as long as the fastest, for "
        f"each of its {steps[first]:,} steps has costs that do not depend on its size. With batches of {enough} it "
        "takes less than 1.5 times as long: beyond them there is little time to save. (The times are with the "
        "validation after each epoch, and with whatever else the machine did.)"
    )


def _of_learning(fixed: Runs, steps: dict[int, int], target: float) -> str:
    needed = {size: n for size, result in fixed.items() if (n := _epochs_to(target, result))}
    fewest = [size for size, n in needed.items() if n == min(needed.values())]
    soonest = min(needed, key=lambda size: needed[size] * _seconds(fixed[size]))
    best = min(fixed, key=lambda size: last_loss(fixed[size]))
    small, large = min(fixed), max(fixed)
    return (
        f"Learning: all have the learning rate {BASE.learning_rate:g} and {fixed[best]['epochs_run']} epochs; the "
        f"losses are those of the validation set. Batches of {best} end with the lowest. Those of {large} make only "
        f"{steps[large]} steps an epoch, and end at {_shown(fixed[large])}. With those of {small}, a step follows the "
        "noise of a single sample, at this rate too far to settle anywhere: they end at "
        f"{_shown(fixed[small])}. To {target:.2g}, twice the lowest loss, it takes the fewest epochs with batches of "
        f"{' or '.join(map(str, fewest))}, and the fewest seconds with batches of {soonest}."
    )


def _in_proportion(fixed: Runs, proportional: Runs) -> str:
    rows = [
        {
            "batch size": size,
            "learning rate": f"{_rate(size):.3g}",
            "validation loss": _shown(result),
            "test accuracy": percent(result["test_accuracy"]),
            f"validation loss at {BASE.learning_rate:g}": _shown(fixed[size]),
        }
        for size, result in proportional.items()
    ]
    small = [last_loss(result) for size, result in proportional.items() if size <= REFERENCE]
    last = max(proportional)
    return (
        f"{table(rows)}\n\nWith a learning rate in proportion to the batch size, one large step goes about as far as "
        f"the many small ones that it replaces: up to batches of {REFERENCE}, all end between {min(small):.3g} and "
        f"{max(small):.3g}. That holds as long as the gradient stays about the same along the step. Batches of {last} "
        f"would need the rate {_rate(last):.3g}, and "
        f"{'diverge' if proportional[last]['diverged'] else f'end at {_shown(proportional[last])}'}."
    )


STUDY = Study(
    "batch-size",
    "The batch size",
    "How do loss and time depend on the batch size, at one learning rate and with as many epochs?",
    tasks,
    report,
)
