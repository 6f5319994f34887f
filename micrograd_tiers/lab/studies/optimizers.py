"""Optimizers on MNIST: their losses, and how much these depend on the learning rate."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Line, Study, StudyReport, by_epoch, last_loss, on_glyphs, percent, table
from .tasks import Result, Task, Training

BASE = Recipe(
    data="mnist", hidden=(100,), activation="relu", init="kaiming", dtype="float32", batch_size=128, epochs=5,
    validation=10_000,
)  # fmt: skip
OPTIMIZERS = {
    "SGD": replace(BASE, optimizer="sgd"),
    "momentum 0.9": replace(BASE, optimizer="sgd", momentum=0.9),
    "RMSprop": replace(BASE, optimizer="rmsprop"),
    "Adam": replace(BASE, optimizer="adam"),
}
RATES = (1e-5, 3e-5, 1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)
GOOD = 2  # a learning rate is good if its loss is at most this many times the lowest loss of the optimizer
GUESSING = math.log(10)  # loss of ten equal probabilities
Runs = dict[float, Result]


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    if not quick:
        return recipe
    return on_glyphs(recipe, validation=300, hidden=(30,), batch_size=16)


def tasks(quick: bool) -> list[Task]:
    """Return a task for each optimizer and each learning rate."""
    rates = RATES[::2] if quick else RATES
    return [Training(_shrunk(replace(r, learning_rate=rate), quick)) for r in OPTIMIZERS.values() for rate in rates]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses by optimizer and learning rate, and the good rates of each optimizer."""
    done = [(task.recipe, result) for task, result in zip(tasks, results, strict=True) if isinstance(task, Training)]
    by_rate: dict[str, Runs] = {
        name: {
            recipe.learning_rate: result
            for recipe, result in done
            if recipe.learning_rate is not None
            and (recipe.optimizer, recipe.momentum) == (example.optimizer, example.momentum)
        }
        for name, example in OPTIMIZERS.items()
    }
    best = {name: min(runs, key=lambda rate: last_loss(runs[rate])) for name, runs in by_rate.items()}
    good = {name: _good_rates(runs) for name, runs in by_rate.items()}
    findings = {
        "validation_loss": {
            name: {f"{rate:g}": last_loss(result) for rate, result in runs.items()} for name, runs in by_rate.items()
        },
        "best_rate": best,
        "best_validation_loss": {name: last_loss(by_rate[name][rate]) for name, rate in best.items()},
        "test_accuracy": {name: by_rate[name][rate]["test_accuracy"] for name, rate in best.items()},
        "good_rates": {name: [rates[0], rates[-1]] for name, rates in good.items()},
        "diverged": {name: sum(result["diverged"] for result in runs.values()) for name, runs in by_rate.items()},
    }
    answer = "\n\n".join([_losses(by_rate), _sensitivity(by_rate, best, good), _why(by_rate)])

    def draw(path: Path) -> None:
        from ... import plots

        def by_power(value: Callable[[Result], float]) -> dict[str, Line]:
            # Plot powers of ten: labels of the rates themselves would overlap over seven decades.
            return {name: ([*map(math.log10, runs)], [*map(value, runs.values())]) for name, runs in by_rate.items()}

        at_best = {f"{name}, {rate:g}": by_rate[name][rate]["validation_loss"] for name, rate in best.items()}
        lines = {name: by_epoch(losses) for name, losses in at_best.items()}
        power = "learning rate (power of ten)"
        plots.panels(
            [
                plots.Panel("After the last epoch", power, "validation loss (nats)", by_power(last_loss), "y"),
                plots.Panel(
                    "After the last epoch", power, "test accuracy", by_power(lambda r: float(r["test_accuracy"]))
                ),
                plots.Panel("Each at its best rate", "epoch", "validation loss (nats)", lines, "y"),
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"learning-rates": draw})


def _good_rates(runs: Runs) -> list[float]:
    """Return the good learning rates in ascending order."""
    lowest = min(map(last_loss, runs.values()))
    return [rate for rate, result in sorted(runs.items()) if last_loss(result) <= GOOD * lowest]


def _losses(by_rate: dict[str, Runs]) -> str:
    rates = sorted({rate for runs in by_rate.values() for rate in runs})
    rows = [
        {
            "learning rate": f"{rate:g}",
            **{
                name: "diverged" if runs[rate]["diverged"] else f"{last_loss(runs[rate]):.4g}"
                for name, runs in by_rate.items()
            },
        }
        for rate in rates
    ]
    epochs = max(result["epochs_run"] for runs in by_rate.values() for result in runs.values())
    return f"Validation losses after {epochs} epochs, in nats:\n\n{table(rows)}"


def _sensitivity(by_rate: dict[str, Runs], best: dict[str, float], good: dict[str, list[float]]) -> str:
    decades = {name: math.log10(rates[-1] / rates[0]) for name, rates in good.items()}
    rows = [
        {
            "optimizer": name,
            "best rate": f"{rate:g}",
            "training loss": by_rate[name][rate]["train_loss"][-1],
            "validation loss": by_rate[name][rate]["validation_loss"][-1],
            "test accuracy": percent(by_rate[name][rate]["test_accuracy"]),
            f"rates with at most {GOOD:g} times the lowest loss": f"{good[name][0]:g} to {good[name][-1]:g}",
            "width in decades": f"{decades[name]:.1f}",
        }
        for name, rate in best.items()
    ]
    first = min(best, key=lambda name: last_loss(by_rate[name][best[name]]))
    widest, narrowest = (
        ", ".join(name for name in decades if abs(decades[name] - end) < 0.1)
        for end in (max(decades.values()), min(decades.values()))
    )
    return (
        f"{table(rows)}\n\nWith each optimizer at its best rate, {first} ends with the lowest validation loss. Each "
        "run has only one start, so small differences between optimizers mean nothing.\n\n"
        "The last two columns show how much an optimizer depends on the learning rate: a rate is good if its "
        f"validation loss is at most {GOOD:g} times the lowest loss of the same optimizer. On this grid of rates, the "
        f"range of good rates is widest for {widest}: {max(decades.values()):.1f} decades (factors of ten). It is "
        f"narrowest for {narrowest}: {min(decades.values()):.1f}."
    )


def _why(by_rate: dict[str, Runs]) -> str:
    sgd, momentum, rmsprop, adam = by_rate.values()
    beyond = [
        last_loss(result)
        for runs in by_rate.values()
        for rate, result in runs.items()
        if rate > min(runs, key=lambda rate: last_loss(runs[rate]))
    ]
    lost = sum(loss > 0.95 * GUESSING for loss in beyond)
    return (
        "Momentum 0.9 needs about a tenth of the learning rate of SGD, because it sums about 1 / (1 - 0.9) = ten "
        f"gradients. Momentum at rate 0.001 ends at a loss of {last_loss(momentum[0.001]):.3g}; SGD at rate 0.01 ends "
        f"at {last_loss(sgd[0.01]):.3g}.\n\n"
        "RMSprop and Adam also need smaller rates than SGD. They divide each gradient by a running root mean square of "
        "its own size, so each weight moves by about the learning rate in a step, no matter how small its gradient is. "
        f"At rate 0.001 they end at {last_loss(rmsprop[0.001]):.3g} and {last_loss(adam[0.001]):.3g}, and SGD ends at "
        f"{last_loss(sgd[0.001]):.3g}.\n\n"
        "A rate below the best one is only slow, but a rate above it makes the weights jump. Of the "
        f"{len(beyond)} runs with a rate above the best one of their optimizer, {lost} end near the loss of guessing, "
        f"log 10 = {GUESSING:.3f}, or above it."
    )


STUDY = Study(
    "optimizers",
    "Optimizers and learning rates",
    "What loss do SGD, momentum, RMSprop and Adam reach, and how much does it depend on the learning rate?",
    tasks,
    report,
)
