"""Batch size on MNIST: progress per epoch and per second."""

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
REFERENCE = 64  # batch size at which both rules give the same learning rate
FIXED, PROPORTIONAL = "fixed rate", "proportional rate"
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
    """Return two tasks for each batch size: at a fixed learning rate, and at a rate proportional to the batch size."""
    fixed = [replace(BASE, batch_size=size) for size in _sizes(quick)]
    proportional = [replace(BASE, batch_size=size, learning_rate=_rate(size)) for size in _sizes(quick)]
    return [Training(_shrunk(recipe, quick)) for recipe in [*fixed, *proportional]]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses and times by batch size, at a fixed learning rate and at rates proportional to the batch size."""
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
        powers = [int(math.log2(size)) for size in sizes]  # labels of the sizes themselves would overlap
        ends = {
            name: (powers, [last_loss(r) for r in of.values()])
            for name, of in ((FIXED, fixed), (PROPORTIONAL, proportional))
        }
        plots.panels(
            [
                plots.Panel("Validation loss by batch size", "epoch", "loss (nats)", lines, "y"),
                plots.Panel("Validation loss by batch size", "seconds", "loss (nats)", by_second, "xy"),
                plots.Panel(
                    "Time", "batch size (power of two)", "seconds per epoch", {"": (powers, [*seconds.values()])}, "y"
                ),
                plots.Panel("After the last epoch", "batch size (power of two)", "validation loss (nats)", ends, "y"),
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"batch-sizes": draw})


def _seconds(result: Result) -> float:
    return float(result["seconds"] / max(1, result["epochs_run"]))


def _epochs_to(loss: float, result: Result) -> int | None:
    return next((n for n, own in enumerate(result["validation_loss"], 1) if own <= loss), None)


def _shown(result: Result) -> str:
    return "diverged" if result["diverged"] else f"{last_loss(result):.4g}"


def _ending(result: Result) -> str:
    return "training diverges" if result["diverged"] else f"the final loss is {last_loss(result):.4g}"


def _at_one_rate(fixed: Runs, n_samples: int, target: float) -> str:
    steps = {size: math.ceil(n_samples / size) for size in fixed}
    seconds = {size: _seconds(result) for size, result in fixed.items()}
    needed = {size: _epochs_to(target, result) for size, result in fixed.items()}
    rows = [
        {
            "batch size": size,
            "steps per epoch": steps[size],
            "seconds per epoch": seconds[size],
            "validation loss, epoch 1": result["validation_loss"][0] if result["epochs_run"] else "diverged",
            "validation loss, last epoch": _shown(result),
            "test accuracy": percent(result["test_accuracy"]),
            f"epochs to reach {target:.2g}": needed[size] or "not reached",
            f"seconds to reach {target:.2g}": (needed[size] or 0) * seconds[size] or "not reached",
        }
        for size, result in fixed.items()
    ]
    return f"{table(rows)}\n\n{_of_time(seconds, steps)}\n\n{_of_learning(fixed, steps, target)}"


def _of_time(seconds: dict[int, float], steps: dict[int, int]) -> str:
    first, fastest = min(seconds), min(seconds.values())
    enough = next(size for size in seconds if seconds[size] < 1.5 * fastest)
    return (
        f"Time: small batches are slow. With batches of {first}, an epoch takes {seconds[first] / fastest:.3g} times "
        f"as long as the fastest epoch in the table, because each of its {steps[first]:,} steps has costs that do not "
        f"depend on the batch size. With batches of {enough}, an epoch takes less than 1.5 times as long as the "
        "fastest one, so still larger batches save little time. (The times include the validation after each epoch, "
        "and vary with other load on the machine.)"
    )


def _of_learning(fixed: Runs, steps: dict[int, int], target: float) -> str:
    needed = {size: n for size, result in fixed.items() if (n := _epochs_to(target, result))}
    fewest = [size for size, n in needed.items() if n == min(needed.values())]
    soonest = min(needed, key=lambda size: needed[size] * _seconds(fixed[size]))
    best = min(fixed, key=lambda size: last_loss(fixed[size]))
    small, large = min(fixed), max(fixed)
    goal = f"a validation loss of {target:.2g}, twice the lowest final loss"
    quickest = f"Batches of {soonest} need the fewest epochs and the fewest seconds to reach {goal}."
    if fewest != [soonest]:
        sizes = " or ".join(map(str, fewest))
        quickest = (
            f"To reach {goal}, batches of {sizes} need the fewest epochs, and batches of {soonest} the fewest seconds."
        )
    return (
        f"Learning: batches of {best} end with the lowest validation loss. All runs have the learning rate "
        f"{BASE.learning_rate:g} and {fixed[best]['epochs_run']} epochs. Large batches make few steps: with batches of "
        f"{large} there are only {steps[large]} per epoch, and {_ending(fixed[large])}. Small batches "
        f"make noisy steps: with batches of {small}, each step follows a single sample, and at this learning rate the "
        f"steps are too long for the weights to settle. {_ending(fixed[small]).capitalize()}. {quickest}"
    )


def _in_proportion(fixed: Runs, proportional: Runs) -> str:
    rows = [
        {
            "batch size": size,
            "learning rate": f"{_rate(size):.3g}",
            "validation loss": _shown(result),
            "test accuracy": percent(result["test_accuracy"]),
            f"validation loss at rate {BASE.learning_rate:g}": _shown(fixed[size]),
        }
        for size, result in proportional.items()
    ]
    small = [last_loss(result) for size, result in proportional.items() if size <= REFERENCE]
    last = max(proportional)
    return (
        f"{table(rows)}\n\nThe second table has a learning rate proportional to the batch size. Up to batches of "
        f"{REFERENCE}, all these runs end with nearly the same validation loss, between {min(small):.3g} and "
        f"{max(small):.3g}: one large step goes about as far as the many small steps that it replaces. This works only "
        f"while the gradient hardly changes along the large step. Batches of {last} would need a learning rate of "
        f"{_rate(last):.3g}, at which "
        f"{'they diverge' if proportional[last]['diverged'] else f'the loss ends at {_shown(proportional[last])}'}."
    )


STUDY = Study(
    "batch-size",
    "The batch size",
    "How do loss and time depend on the batch size, at the same learning rate and number of epochs?",
    tasks,
    report,
)
