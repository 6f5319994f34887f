"""The two-layer net of the course on MNIST: five starts, learning rates, and the accuracy of the final run."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, by_epoch, mean_and_deviation, on_glyphs, percent, table
from .tasks import Result, Task, Training

COURSE = Recipe(
    data="mnist", hidden=(300,), init="standard_normal", learning_rate=0.03, batch_size=64, epochs=5, validation=10_000
)
RATES = (0.0001, 0.003, 0.01, 0.03)
FINAL = replace(COURSE, epochs=10, validation=0)
FINALS = {
    "as the report says": FINAL,
    "twice the epochs": replace(FINAL, epochs=20),
    "learning rate 0.1": replace(FINAL, learning_rate=0.1),
    "Xavier start": replace(FINAL, init="xavier"),
    "Xavier start, learning rate 0.1": replace(FINAL, init="xavier", learning_rate=0.1),
}


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    if not quick:
        return recipe
    validation = 300 if recipe.validation else 0
    return on_glyphs(recipe, hidden=(50,), epochs=recipe.epochs // 2, validation=validation)


def _starts(quick: bool) -> list[Recipe]:
    return [_shrunk(replace(COURSE, seed=seed), quick) for seed in range(5)]


def _by_rate(quick: bool) -> list[Recipe]:
    return [_shrunk(replace(COURSE, learning_rate=rate), quick) for rate in RATES]


def _finals(quick: bool) -> dict[str, Recipe]:
    return {name: _shrunk(recipe, quick) for name, recipe in FINALS.items()}


def tasks(quick: bool) -> list[Task]:
    """Return tasks for five starts, four learning rates, and the final runs."""
    return [*map(Training, [*_starts(quick), *_by_rate(quick), *_finals(quick).values()])]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the figures that correspond to those of the course report."""
    starts, by_rate, finals = results[:5], results[5:9], dict(zip(FINALS, results[9:], strict=True))
    accuracies = [result["test_accuracy"] for result in starts]
    rates = [
        {
            "learning rate": rate,
            "training loss": result["train_loss"][-1],
            "validation loss": result["validation_loss"][-1],
            "validation accuracy": percent(result["validation_accuracy"][-1]),
        }
        for rate, result in zip(RATES, by_rate, strict=True)
    ]
    last = [
        {
            "final run": name,
            "epochs": result["epochs_run"],
            "test loss": result["test_loss"],
            "test accuracy": percent(result["test_accuracy"]),
        }
        for name, result in finals.items()
    ]
    as_written = finals["as the report says"]["test_accuracy"]
    answer = (
        f"With five random starts at learning rate 0.03, the test accuracy after {starts[0]['epochs_run']} epochs is "
        f"{mean_and_deviation(accuracies)} (mean and standard deviation). The first table compares learning rates with "
        "one of these starts, and the second compares the final run of the course report with variants of it.\n\n"
        f"{table(rates)}\n\n{table(last)}"
    )
    reading = (
        "The course report gives 91% for the final run, with learning rate 0.03, batches of 64 and 10 epochs. If it is "
        "run as described there, from standard-normal weights and with pixels in [0, 1], it reaches only "
        f"{percent(as_written)}. With twice the epochs it comes closer to 91%, and with a learning rate of 0.1 it "
        "exceeds 91%. The run learns slowly because of its start. Each hidden unit sums 784 inputs with weights of "
        "standard deviation 1, so nearly all sigmoids are saturated. From a Xavier start, with all other settings as "
        "described, the run also exceeds 91%."
    )
    findings = {
        "starts_mean": sum(accuracies) / len(accuracies),
        "validation_loss_by_rate": {
            f"{rate:g}": result["validation_loss"][-1] for rate, result in zip(RATES, by_rate, strict=True)
        },
        "test_accuracy": {name: result["test_accuracy"] for name, result in finals.items()},
    }

    def draw(path: Path) -> None:
        from ... import plots

        epochs = [*range(1, starts[0]["epochs_run"] + 1)]
        first = {"training": (epochs, starts[0]["train_loss"]), "validation": (epochs, starts[0]["validation_loss"])}
        rates = {f"{rate:g}": (epochs, result["validation_loss"]) for rate, result in zip(RATES, by_rate, strict=True)}
        ends = {name: by_epoch(result["train_loss"]) for name, result in finals.items()}
        plots.panels(
            [
                plots.Panel("Learning rate 0.03", "epoch", "loss (nats)", first),
                plots.Panel("Validation loss by learning rate", "epoch", "loss (nats)", rates, "y"),
                plots.Panel("Final runs, training loss", "epoch", "loss (nats)", ends, "y"),
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"losses": draw}, reading)


STUDY = Study(
    "two-layer-mnist",
    "The two-layer net on MNIST",
    "How accurate is 784-300-10 with sigmoids, how much does that depend on the start and the learning rate, and does "
    "the final run reach the 91% of the course report?",
    tasks,
    report,
)
