"""LeNet on Fashion-MNIST and MNIST: sigmoids with average pooling, and what ReLU with maximum pooling changes."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ...recipe import Recipe
from .study import Study, StudyReport, by_epoch, on_glyphs, percent, table
from .tasks import Result, Task, Training

WORDS = "conv:6,5,1,2 {act} {pool}:2 conv:16,5 {act} {pool}:2 linear:120 {act} linear:84 {act}"
CLASSIC = Recipe(
    data="fashion-mnist",
    layers=WORDS.format(act="sigmoid", pool="avg"),
    dtype="float32",
    learning_rate=0.9,
    batch_size=256,
)
MODERN = replace(
    CLASSIC,
    layers=WORDS.format(act="relu", pool="max"),
    init="kaiming",
    optimizer="adam",
    learning_rate=0.001,
    batch_size=64,
    epochs=20,
)
NETS = {CLASSIC.layers: "sigmoid and average pooling", MODERN.layers: "ReLU and maximum pooling"}
RUNS = (
    replace(CLASSIC, epochs=5),
    replace(CLASSIC, epochs=10),
    replace(CLASSIC, epochs=20),
    MODERN,
    replace(MODERN, data="mnist", epochs=10, schedule="cosine"),
)
COURSE = ("low 70s", "", "mid 80s", "about 90%", "98.9%")  # test accuracy in the course report


def tasks(quick: bool) -> list[Task]:
    """Return the runs. Quick runs use a thousand glyphs and, as these are few, smaller batches."""
    if not quick:
        return [*map(Training, RUNS)]
    return [
        Training(
            on_glyphs(
                recipe,
                n_train=1000,
                n_test=300,
                batch_size=32,
                epochs=max(1, recipe.epochs // 4),
                schedule="",
            )
        )
        for recipe in RUNS
    ]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report accuracy and losses of each run."""
    names = [_name(task.recipe) for task in tasks if isinstance(task, Training)]
    rows = [
        {
            "run": name,
            "course report": theirs,
            "test accuracy": percent(result["test_accuracy"]),
            "training loss": result["train_loss"][-1],
            "test loss": result["test_loss"],
        }
        for name, theirs, result in zip(names, COURSE, results, strict=True)
    ]
    classic, modern = results[2], results[3]
    plateau = sum(loss > 0.95 * classic["train_loss"][0] for loss in classic["train_loss"])
    answer = (
        f"{table(rows)}\n\n"
        "Sigmoids learn slowly at first, because the slope of a sigmoid is at most 1/4. Each sigmoid passes back at "
        "most a quarter of the gradient, and four in a row at most 1/256. So the loss stays on a plateau before it "
        f"falls (here for {plateau} of {classic['epochs_run']} epochs), and the accuracy after a few epochs depends on "
        "when it leaves the plateau. The slope of a ReLU is 1 for positive inputs, so it passes their gradients back "
        f"unchanged. After the first epoch, the training loss is {modern['train_loss'][0]:.2f} with ReLUs and "
        f"{classic['train_loss'][0]:.2f} with sigmoids. The optimizers differ, too: the nets with sigmoids are trained "
        f"by plain gradient descent at learning rate {CLASSIC.learning_rate:g}, the nets with ReLUs by Adam at "
        f"{MODERN.learning_rate:g}."
    )
    findings = {
        "test_accuracy": {name: result["test_accuracy"] for name, result in zip(names, results, strict=True)},
        "first_training_loss": {"sigmoid": classic["train_loss"][0], "relu": modern["train_loss"][0]},
    }

    def draw(path: Path) -> None:
        from ... import plots

        lines = {name: by_epoch(r["train_loss"]) for name, r in [*zip(names, results, strict=True)][2:]}
        plots.panels([plots.Panel("LeNet: training loss", "epoch", "loss (nats)", lines, "y")], path=path)

    return StudyReport(answer, findings, {"loss": draw})


def _name(recipe: Recipe) -> str:
    return f"{NETS[recipe.layers]}, {recipe.data}, {recipe.epochs} epochs"


STUDY = Study(
    "lenet",
    "LeNet on Fashion-MNIST and MNIST",
    "How far do sigmoids and average pooling get in 5, 10 and 20 epochs, and what do ReLU and maximum pooling change?",
    tasks,
    report,
)
