"""Softmax regression on Fashion-MNIST: learning rates and batch sizes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from ...building import load_data
from ...recipe import Recipe
from .study import Line, Study, StudyReport, by_epoch, on_glyphs, percent, table
from .tasks import Result, Task, Training

BASE = Recipe(data="fashion-mnist", hidden=(), learning_rate=0.1, batch_size=256, epochs=10, validation=10_000)
RATES = (0.5, 0.1, 0.05, 0.01, 0.001)
BATCH_SIZES = (32, 64, 128, 256)


@dataclass(frozen=True)
class Samples:
    """Load the first ten training images.

    Parameters
    ----------
    data : str
        Name of the data set.
    """

    data: str

    def run(self, data_dir: str | None) -> Result:
        """Return images and labels."""
        data, _ = load_data(Recipe(data=self.data, n_train=10, n_test=1), data_dir)
        assert data.image_shape is not None
        images = data.train_x.reshape(-1, *data.image_shape)
        return {"images": images.round(4).tolist(), "labels": [data.class_names[y] for y in data.train_y]}


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    return on_glyphs(recipe, n_train=1200, n_test=400, epochs=4, validation=200) if quick else recipe


def tasks(quick: bool) -> list[Task]:
    """Return a task for the images, and one for each learning rate and each batch size."""
    rates = [replace(BASE, learning_rate=rate) for rate in RATES]
    sizes = [replace(BASE, batch_size=size) for size in BATCH_SIZES]
    return [Samples(_shrunk(BASE, quick).data), *(Training(_shrunk(recipe, quick)) for recipe in [*rates, *sizes])]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses and accuracies by learning rate and by batch size."""
    samples, by_rate, by_size = results[0], results[1:6], results[6:]
    rates = [{"learning rate": rate, **_row(result)} for rate, result in zip(RATES, by_rate, strict=True)]
    sizes = [{"batch size": size, **_row(result)} for size, result in zip(BATCH_SIZES, by_size, strict=True)]
    by = {"rate": (RATES, by_rate), "size": (BATCH_SIZES, by_size)}
    best = {what: names[int(np.argmin([r["validation_loss"][-1] for r in runs]))] for what, (names, runs) in by.items()}
    most = {what: names[int(np.argmax([r["test_accuracy"] for r in runs]))] for what, (names, runs) in by.items()}
    first = [result["train_loss"][0] for result in by_size]
    jumps = [np.ptp(result["validation_loss"][len(result["validation_loss"]) // 2 :]) for result in by_size]
    also = "" if best["size"] == most["size"] else f" batches of {most['size']}"
    answer = (
        f"{table(rates)}\n\nThese runs have batches of {BASE.batch_size}. After {by_rate[0]['epochs_run']} epochs, the "
        f"learning rate {best['rate']:g} has the lowest validation loss, and {most['rate']:g} has the highest test "
        f"accuracy.\n\n{table(sizes)}\n\nThese runs have learning rate {BASE.learning_rate:g}. Batches of "
        f"{best['size']} have the lowest validation loss and{also} the highest test accuracy. Smaller "
        "batches make more steps per epoch and are ahead at first: after one epoch, the training loss is "
        f"{first[0]:.3g} with batches of {BATCH_SIZES[0]}, and {first[-1]:.3g} with batches of {BATCH_SIZES[-1]}. But "
        "each step averages over fewer images, so the loss is less steady: in the second half of the epochs, the "
        f"validation loss varies by {jumps[0]:.2g} with batches of {BATCH_SIZES[0]}, and by {jumps[-1]:.2g} with "
        f"batches of {BATCH_SIZES[-1]}."
    )
    reading = (
        "The learning rate 0.5 overshoots: its losses jump from epoch to epoch, so its last loss and accuracy are a "
        "matter of chance. It happens to end with the best accuracy. At rates below 0.1, learning is too slow: the "
        "loss is still falling in the last epoch. With one linear layer, the loss is convex and has a single valley, "
        "so all rates that do not overshoot lead to the same minimum, if they get enough epochs.\n\n"
        "The batch sizes hardly differ in the end: their final validation losses differ by less than the loss of small "
        "batches varies from epoch to epoch. If two batch sizes end alike, the larger one takes less time."
    )
    findings = {
        "best_rate": best["rate"],
        "best_batch_size": best["size"],
        "first_training_loss_by_batch_size": dict(zip(map(str, BATCH_SIZES), first, strict=True)),
        "jumps_by_batch_size": dict(zip(map(str, BATCH_SIZES), map(float, jumps), strict=True)),
        "validation_loss_by_rate": {
            f"{rate:g}": result["validation_loss"][-1] for rate, result in zip(RATES, by_rate, strict=True)
        },
        "validation_loss_by_batch_size": {
            str(n): r["validation_loss"][-1] for n, r in zip(BATCH_SIZES, by_size, strict=True)
        },
        "training_loss_by_batch_size": {str(n): r["train_loss"][-1] for n, r in zip(BATCH_SIZES, by_size, strict=True)},
    }

    def draw(path: Path) -> None:
        from ... import plots

        def lines(key: str, names: Sequence[float], results: Sequence[Result]) -> dict[str, Line]:
            return {f"{n:g}": by_epoch(r[key]) for n, r in zip(names, results, strict=True)}

        plots.panels(
            [
                plots.Panel(f"{what} loss by {by}", "epoch", "loss (nats)", lines(key, names, runs))
                for by, names, runs in (("learning rate", RATES, by_rate), ("batch size", BATCH_SIZES, by_size))
                for what, key in (("Training", "train_loss"), ("Validation", "validation_loss"))
            ],
            path=path,
        )

    def draw_samples(path: Path) -> None:
        from ... import plots

        plots.image_grid(samples["images"], samples["labels"], title="The first ten training images", path=path)

    return StudyReport(answer, findings, {"images": draw_samples, "losses": draw}, reading)


def _row(result: Result) -> dict[str, object]:
    return {
        "training loss": result["train_loss"][-1],
        "validation loss": result["validation_loss"][-1],
        "test accuracy": percent(result["test_accuracy"]),
    }


STUDY = Study(
    "softmax-regression",
    "Softmax regression on Fashion-MNIST",
    "Which learning rate and which batch size are best for a linear classifier?",
    tasks,
    report,
)
