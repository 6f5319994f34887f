"""A small convolutional net on MNIST, with and without batch normalization and dropout."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, by_epoch, on_glyphs, percent, table
from .tasks import Result, Task, Training

WORDS = "conv:8,3,1,1 {norm} relu max:2 conv:16,3,1,1 {norm} relu max:2 {drop} linear:128 relu {drop}"
BASE = Recipe(
    data="mnist", init="kaiming", dtype="float32", optimizer="adam", learning_rate=0.002, schedule="cosine", epochs=10
)
VARIANTS = {
    "convolution alone": ("", ""),
    "with batch normalization": ("batchnorm", ""),
    "with dropout 0.3": ("", "dropout:0.3"),
    "with both": ("batchnorm", "dropout:0.3"),
}
PROBABILITIES = tuple(k / 9 for k in range(10))
COURSE = 0.9854  # test accuracy in the course report


def _recipes() -> list[Recipe]:
    variants = [replace(BASE, layers=WORDS.format(norm=norm, drop=drop)) for norm, drop in VARIANTS.values()]
    return variants + [
        replace(BASE, layers=WORDS.format(norm="batchnorm", drop=f"dropout:{p:.4f}"), epochs=1, schedule="")
        for p in PROBABILITIES
    ]


def tasks(quick: bool) -> list[Task]:
    """Return four variants with ten epochs, and ten dropout probabilities with one epoch."""
    if not quick:
        return [*map(Training, _recipes())]
    return [
        Training(on_glyphs(recipe, n_train=500, n_test=300, batch_size=10, epochs=min(2, recipe.epochs)))
        for recipe in _recipes()
    ]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses and accuracy of each variant, and the effect of dropout in the first epoch."""
    variants, by_p = dict(zip(VARIANTS, results[: len(VARIANTS)], strict=True)), results[len(VARIANTS) :]
    rows = [
        {
            "net": name,
            "parameters": result["n_parameters"],
            "training loss": result["train_loss"][-1],
            "test loss": result["test_loss"],
            "test accuracy": percent(result["test_accuracy"]),
        }
        for name, result in variants.items()
    ]
    dropped = [
        {
            "dropout p": f"{p:.2f}",
            "training loss": result["train_loss"][-1],
            "test loss": result["test_loss"],
            "test accuracy": percent(result["test_accuracy"]),
        }
        for p, result in zip(PROBABILITIES, by_p, strict=True)
    ]
    best, surest = (
        max(variants, key=lambda name: variants[name]["test_accuracy"]),
        min(variants, key=lambda name: variants[name]["test_loss"]),
    )
    lowest = PROBABILITIES[min(range(len(by_p)), key=lambda k: by_p[k]["test_loss"])]
    answer = (
        f"{table(rows)}\n\n"
        f"After {variants[best]['epochs_run']} epochs the net {best} has the highest test accuracy, "
        f"{percent(variants[best]['test_accuracy'])}, and the net {surest} has the lowest test loss. The course report "
        f"gives {percent(COURSE)} within ten epochs. Training losses with dropout are measured while units are "
        "dropped, so they are higher than without dropout.\n\n"
        f"{table(dropped)}\n\n"
        "The second table shows the net with batch normalization and dropout after one epoch, for ten probabilities p "
        "of dropping a unit. Dropout gains little here: after one epoch the net can hardly have overfitted, and each "
        f"step trains only a part of it. The lowest test loss is at p = {lowest:.2f}. Dropping many more than half of "
        "the units costs much accuracy. At p = 1, nothing of the image reaches the output, and all weights get zero "
        "gradients. Only the last bias learns, and it can learn no more than the frequency of each class. So the "
        "training loss is that of guessing, log 10 = 2.303. In prediction nothing is dropped, so the net then uses "
        "weights that were never trained."
    )
    findings = {
        "test_accuracy": {name: result["test_accuracy"] for name, result in variants.items()},
        "by_probability": {f"{p:.2f}": r["test_accuracy"] for p, r in zip(PROBABILITIES, by_p, strict=True)},
        "loss_at_p_1": by_p[-1]["train_loss"][-1],
    }

    def draw(path: Path) -> None:
        from ... import plots

        losses = {name: by_epoch(r["train_loss"]) for name, r in variants.items()}
        accuracy = {"test accuracy": (PROBABILITIES, [r["test_accuracy"] for r in by_p])}
        plots.panels(
            [
                plots.Panel("Training loss", "epoch", "loss (nats)", losses, "y"),
                plots.Panel("After one epoch", "probability of dropout", "test accuracy", accuracy),
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"regularization": draw})


STUDY = Study(
    "cnn-regularization",
    "Batch normalization and dropout in a convolutional net",
    "What do batch normalization and dropout add on MNIST within ten epochs, and how much dropout is too much?",
    tasks,
    report,
)
