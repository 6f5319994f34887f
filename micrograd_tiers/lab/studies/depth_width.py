"""Depth against width on MNIST at equal numbers of parameters, and the effect of weight decay and dropout."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from ...metrics import evaluate
from ...models import mlp
from ...recipe import Recipe
from .study import Line, Study, StudyReport, by_epoch, mean_and_deviation, on_glyphs, percent, table
from .tasks import Result, Task, Training, prepare

BASE = Recipe(
    data="mnist", activation="relu", init="kaiming", dtype="float32", learning_rate=0.05, batch_size=64, epochs=10,
    validation=10_000,
)  # fmt: skip
COUNTED = ((1, 1), (1, 300), (2, 100), (3, 64), (5, 50), (10, 20))  # k hidden layers of m units
DEPTHS = (1, 2, 3, 4, 6)
SHAPES = {
    **{f"{k} of equal width": (1,) * k for k in DEPTHS},
    "3, growing": (1, 2, 4),
    "3, shrinking": (4, 2, 1),
}
EQUAL = [name for name, ratios in SHAPES.items() if len({*ratios}) == 1]
SCORES = ("train_loss", "validation_loss", "test_accuracy")
LARGE = replace(BASE, hidden=(256, 256), momentum=0.9, learning_rate=0.05, batch_size=128, epochs=20)
PENALTIES = {
    "neither": LARGE,
    "L2 0.0001": replace(LARGE, weight_decay=1e-4),
    "L2 0.001": replace(LARGE, weight_decay=1e-3),
    "dropout 0.2": replace(LARGE, dropout=0.2),
    "dropout 0.5": replace(LARGE, dropout=0.5),
}


@dataclass(frozen=True)
class Count:
    """Count the parameters of a net with hidden layers of equal width.

    Parameters
    ----------
    depth, width : int
        Number of hidden layers, k, and number of units in each, m.
    """

    depth: int
    width: int

    def run(self, data_dir: str | None) -> Result:
        """Return the number of the net's parameters, and the number by the formula."""
        k, m = self.depth, self.width
        return {"n_parameters": mlp([784, *[m] * k, 10]).n_parameters, "formula": formula(k, m)}


@dataclass(frozen=True)
class Fitted:
    """Train a net, then evaluate it on its training samples without dropout.

    Parameters
    ----------
    recipe : Recipe
    """

    recipe: Recipe

    def run(self, data_dir: str | None) -> Result:
        """Return the training and validation loss by epoch, and the scores of the trained net.

        These are the loss on the training samples, and loss and accuracy on the test set.
        """
        run = prepare(self.recipe, data_dir)
        trainer = run.trainer
        trainer.run()
        scores = run.test()
        return {
            "fitted_loss": evaluate(run.net, trainer.X, trainer.y)["loss"],
            "train_loss": trainer.history.train_loss,
            "validation_loss": trainer.history.validation_loss,
            "test_loss": scores.loss,
            "test_accuracy": scores.accuracy,
        }


def formula(k: int, m: int) -> int:
    """Return the number of parameters of a net with 784 inputs, k hidden layers of m units, and 10 classes."""
    return 784 * m + m + (k - 1) * (m * m + m) + 10 * m + 10


def count(hidden: Sequence[int]) -> int:
    """Return the number of parameters of a net with 784 inputs, hidden layers of any widths, and 10 classes."""
    return sum((features_in + 1) * features_out for features_in, features_out in pairwise([784, *hidden, 10]))


def _shaped(ratios: Sequence[int], n_parameters: int) -> tuple[int, ...]:
    """Return widths of hidden layers, in these ratios, that give a net of about n_parameters parameters."""
    unit = min(range(1, 1000), key=lambda unit: abs(count([unit * ratio for ratio in ratios]) - n_parameters))
    return tuple(unit * ratio for ratio in ratios)


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    return on_glyphs(recipe, validation=300) if quick else recipe


def tasks(quick: bool) -> list[Task]:
    """Return the counts, some random starts of each shape, and a large net with L2, with dropout, and with neither."""
    small = replace(_shrunk(BASE, quick), batch_size=16 if quick else BASE.batch_size)
    hidden = [_shaped(ratios, 20_000 if quick else 100_000) for ratios in SHAPES.values()]
    shaped = [replace(small, hidden=widths, seed=seed) for seed in range(2 if quick else 3) for widths in hidden]
    large = [_shrunk(recipe, quick) for recipe in PENALTIES.values()]
    return [*(Count(k, m) for k, m in COUNTED), *map(Training, shaped), *map(Fitted, large)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the counts, losses by shape, and losses with and without L2 and dropout."""
    done = [*zip(tasks, results, strict=True)]
    counts = [(task.depth, task.width, result) for task, result in done if isinstance(task, Count)]
    runs = [(task.recipe.hidden, result) for task, result in done if isinstance(task, Training)]
    shapes = {name: runs[n :: len(SHAPES)] for n, name in enumerate(SHAPES)}
    penalties = dict(zip(PENALTIES, [r for task, r in done if isinstance(task, Fitted)], strict=True))
    findings = {
        "formula": [{"k": k, "m": m, **result} for k, m, result in counts],
        "n_parameters": {name: own[0][1]["n_parameters"] for name, own in shapes.items()},
        "validation_loss": {name: _means(own)["validation_loss"] for name, own in shapes.items()},
        "test_accuracy": {name: _means(own)["test_accuracy"] for name, own in shapes.items()},
        "fitted_loss": {name: result["fitted_loss"] for name, result in penalties.items()},
        "large_validation_loss": {name: result["validation_loss"][-1] for name, result in penalties.items()},
        "large_test_accuracy": {name: result["test_accuracy"] for name, result in penalties.items()},
    }
    answer = "\n\n".join([_formula(counts), _by_shape(shapes), _penalized(penalties)])

    def draw(path: Path) -> None:
        from ... import plots

        def lines(of: dict[str, Result], key: str) -> dict[str, Line]:
            return {name: by_epoch(r[key]) for name, r in of.items()}

        first = {_label(own[0][0]): own[0][1] for own in shapes.values()}
        plots.panels(
            [
                plots.Panel(f"{what} loss{of}", "epoch", "loss (nats)", lines(runs, key), log)
                for of, runs in ((" by hidden layers", first), (", large net", penalties))
                for what, key, log in (("Training", "train_loss", "y"), ("Validation", "validation_loss", ""))
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"losses": draw})


def _label(hidden: tuple[int, ...]) -> str:
    equal = len({*hidden}) == 1
    return f"{len(hidden)} x {hidden[0]}" if equal else "-".join(map(str, hidden))  # legends are narrow


def _means(runs: Sequence[tuple[Any, Result]]) -> dict[str, float]:
    """Return mean losses and mean accuracy of the starts after the last epoch."""
    last = [{key: np.ravel(result[key])[-1] for key in SCORES} for _, result in runs]
    return {key: float(np.mean([scores[key] for scores in last])) for key in SCORES}


def _formula(counts: Sequence[tuple[int, int, Result]]) -> str:
    rows = [
        {"k": k, "m": m, "by the formula": result["formula"], "parameters of the net": result["n_parameters"]}
        for k, m, result in counts
    ]
    agree = all(result["formula"] == result["n_parameters"] for _, _, result in counts)
    return (
        f"{table(rows)}\n\nThe formula {'agrees' if agree else 'does not agree'} with the number of parameters of all "
        "these nets. A net with 784 inputs, k hidden layers of m units and 10 classes has 784 m + m + "
        "(k - 1)(m m + m) + 10 m + 10 parameters: the weights and biases of the first hidden layer, of the k - 1 other "
        "hidden layers, and of the output layer."
    )


def _by_shape(shapes: dict[str, list[tuple[tuple[int, ...], Result]]]) -> str:
    widths = {name: "-".join(map(str, own[0][0])) for name, own in shapes.items()}
    rows = [
        {
            "hidden layers": name,
            "widths": widths[name],
            "parameters": own[0][1]["n_parameters"],
            **{
                label: mean_and_deviation([float(np.ravel(result[key])[-1]) for _, result in own])
                for label, key in zip(("training loss", "validation loss", "test accuracy"), SCORES, strict=True)
            },
        }
        for name, own in shapes.items()
    ]
    losses = {name: _means(own)["validation_loss"] for name, own in shapes.items()}
    equal = {name: loss for name, loss in losses.items() if name in EQUAL}
    three = {name: loss for name, loss in losses.items() if len(SHAPES[name]) == 3}
    (best, worst), (least, most) = _ends(equal), _ends(three)
    first_widths = [own[0][0][0] for name, own in shapes.items() if name in equal]
    spread = max(np.std([result["validation_loss"][-1] for _, result in shapes[name]], ddof=1) for name in three)
    return (
        f"{table(rows)}\n\nAll nets in this table have about as many parameters. The losses and the accuracy are means "
        f"and standard deviations over {len(shapes[best])} random starts, after {shapes[best][0][1]['epochs_run']} "
        "epochs.\n\n"
        f"Depth: among the nets with layers of equal width, the one with {_layers(best)} has the lowest mean "
        f"validation loss, {equal[best]:.3g}, and the one with {_layers(worst)} the highest, {equal[worst]:.3g}."
        f"{_near(equal, best, shapes)} A deeper "
        "net has narrower layers. The first layer holds most of the parameters, 785 per unit, and shrinks from "
        f"{first_widths[0]} units in the net with {_layers(EQUAL[0])} to {first_widths[-1]} in the net with "
        f"{_layers(EQUAL[-1])}. All nets have the same learning rate, {BASE.learning_rate:g}, which may suit shallow "
        "and deep nets differently.\n\n"
        f"Shape: among the nets with three hidden layers, the one with widths {widths[least]} has the lowest mean "
        f"validation loss, {three[least]:.3g}, and the one with widths {widths[most]} the highest, {three[most]:.3g}. "
        f"This difference is {'small' if three[most] - three[least] < 2 * spread else 'large'} compared with the "
        f"standard deviation over the starts of one shape, which is up to {spread:.2g}."
    )


def _near(losses: dict[str, float], best: str, shapes: dict[str, list[tuple[tuple[int, ...], Result]]]) -> str:
    """Return a sentence that names the shapes whose loss is within one standard deviation of the best; "" if none."""
    spread = {name: np.std([r["validation_loss"][-1] for _, r in shapes[name]], ddof=1) for name in losses}
    near = [name for name in losses if name != best and losses[name] - losses[best] < max(spread[name], spread[best])]
    return (
        f" The loss with {' and with '.join(map(_layers, near))} is within one standard deviation of the lowest."
        if near
        else ""
    )


def _ends(losses: dict[str, float]) -> tuple[str, str]:
    """Return the names of the shapes with the lowest and with the highest loss."""
    names = sorted(losses, key=lambda name: losses[name])
    return names[0], names[-1]


def _penalized(penalties: dict[str, Result]) -> str:
    rows = [
        {
            "large net with": name,
            "training loss, during training": result["train_loss"][-1],
            "training loss, afterwards": result["fitted_loss"],
            "validation loss": result["validation_loss"][-1],
            "lowest validation loss": min(result["validation_loss"]),
            "in epoch": 1 + int(np.argmin(result["validation_loss"])),
            "validation loss - training loss": result["validation_loss"][-1] - result["fitted_loss"],
            "test accuracy": percent(result["test_accuracy"]),
        }
        for name, result in penalties.items()
    ]
    gaps = {name: result["validation_loss"][-1] - result["fitted_loss"] for name, result in penalties.items()}
    ends = {name: result["validation_loss"][-1] for name, result in penalties.items()}
    narrower = [name for name in gaps if gaps[name] < gaps["neither"]]
    lower = [name for name in ends if ends[name] < ends["neither"]]
    accuracies = {name: result["test_accuracy"] for name, result in penalties.items()}
    right = [name for name in accuracies if accuracies[name] == max(accuracies.values())]
    best = min(ends, key=lambda name: float(ends[name]))
    hidden = "-".join(map(str, LARGE.hidden))
    return (
        f"{table(rows)}\n\nRegularization: L2 (weight decay) pulls all weights toward 0, and dropout removes a random "
        "part of the hidden units in each step. Both make it harder to memorize the training images. The net here has "
        f"the hidden layers {hidden}, enough to memorize them: with neither L2 nor dropout, the training loss ends at "
        f"{penalties['neither']['fitted_loss']:.2g} and the validation loss at {ends['neither']:.2g}.\n\n"
        "The training loss is higher with L2 and with dropout. The gap between training loss and validation loss is "
        f"narrower with {_listed(narrower)}. But a narrow gap is not the goal; a low validation loss is. Compared with "
        f"the net without either, the validation loss ends lower with {_listed(lower)}. It is lowest with "
        f"{_listed([best])}. The highest test accuracy is that of {_listed(right)}: unlike the loss, accuracy does not "
        "depend on how confident a net is.\n\n"
        "The table gives two training losses. The one during training is the mean over the last epoch, measured while "
        "dropout removes units. The one afterwards is that of the whole trained net on the same images. With dropout, "
        "the whole net fits them better than the nets with missing units did."
    )


def _layers(name: str) -> str:
    k = len(SHAPES[name])
    return f"{k} hidden layers" if k > 1 else "1 hidden layer"


def _listed(names: Sequence[str]) -> str:
    names = ["the net without either" if name == "neither" else name for name in names]
    if len(names) < 2:
        return names[0] if names else "none of them"
    return f"{', '.join(names[:-1])} and {names[-1]}"


STUDY = Study(
    "depth-width",
    "Depth against width",
    "How many parameters does a net have? Is a deep net better than a wide one with as many parameters? What do L2 and "
    "dropout change?",
    tasks,
    report,
)
