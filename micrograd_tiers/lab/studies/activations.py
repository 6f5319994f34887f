"""Activations on MNIST: sigmoid, tanh, ReLU and ELU, with one hidden layer and with three."""

import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from ...formats import loss_text
from ...recipe import Recipe
from .study import Study, StudyReport, grouped, mean_and_deviation, on_glyphs, table
from .tasks import Result, Task, Training

BASE = Recipe(data="mnist", dtype="float32", learning_rate=0.1, batch_size=128, epochs=10, validation=10_000)
INITS = {"sigmoid": "xavier", "tanh": "xavier", "relu": "kaiming", "elu": "kaiming"}
NAMES = {"sigmoid": "sigmoid", "tanh": "tanh", "relu": "ReLU", "elu": "ELU"}
DEPTHS = (1, 3)
STARTS = 3
GUESSING = math.log(10)  # loss of ten equal probabilities
Case = tuple[int, str]  # hidden layers, activation


def _recipe(activation: str, depth: int, seed: int, quick: bool) -> Recipe:
    recipe = replace(BASE, activation=activation, init=INITS[activation], hidden=(100,) * depth, seed=seed)
    if not quick:
        return recipe
    return on_glyphs(recipe, validation=300, hidden=(30,) * depth, batch_size=16)


def tasks(quick: bool) -> list[Task]:
    """Return a few random starts of each activation at each depth."""
    cases = [(activation, depth) for depth in DEPTHS for activation in INITS]
    return [Training(_recipe(*case, seed, quick)) for seed in range(STARTS) for case in cases]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses and accuracy by activation, with one hidden layer and with three."""
    cases = [(depth, name) for depth in DEPTHS for name in INITS]
    own = [(len(task.recipe.hidden), task.recipe.activation) for task in tasks if isinstance(task, Training)]
    runs = grouped(cases, own, results)
    losses = {case: _means(own, "validation_loss") for case, own in runs.items()}
    accuracies = {case: float(np.mean([result["test_accuracy"] for result in own])) for case, own in runs.items()}
    findings = {
        "validation_loss": {f"{name}, {depth}": loss for (depth, name), loss in losses.items()},
        "test_accuracy": {f"{name}, {depth}": accuracy for (depth, name), accuracy in accuracies.items()},
    }
    answer = "\n\n".join([_table(runs), _of_sigmoid(losses), _of_others(losses)])

    def draw(path: Path) -> None:
        from ... import plots

        plots.panels(
            [
                plots.Panel(
                    f"{what} loss, {depth} hidden layer{'s' if depth > 1 else ''}",
                    "epoch",
                    "loss (nats)",
                    {NAMES[name]: ([*range(1, BASE.epochs + 1)], _means(runs[depth, name], key)) for name in INITS},
                    "y",
                )
                for depth in DEPTHS
                for what, key in (("Training", "train_loss"), ("Validation", "validation_loss"))
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"losses": draw})


def _means(runs: Sequence[Result], key: str) -> list[float]:
    """Return the mean over the starts after each epoch; NaN once a start has diverged."""
    return [float(np.mean([run[key][n] if n < len(run[key]) else np.nan for run in runs])) for n in range(BASE.epochs)]


def _last(result: Result) -> float:
    return math.nan if result["diverged"] else float(result["validation_loss"][-1])


def _table(runs: dict[Case, list[Result]]) -> str:
    rows = [
        {
            "hidden layers": depth,
            "activation": NAMES[name],
            "validation loss, epoch 1": loss_text(_means(own, "validation_loss")[0]),
            "training loss": loss_text(_means(own, "train_loss")[-1]),
            "validation loss": mean_and_deviation([_last(result) for result in own]),
            "test accuracy": mean_and_deviation([result["test_accuracy"] for result in own]),
        }
        for (depth, name), own in runs.items()
    ]
    return (
        f"{table(rows)}\n\nEach row gives means over {STARTS} random starts, some with standard deviations. Sigmoid "
        "and tanh start from Xavier initialization, ReLU and ELU from Kaiming initialization. The learning rate is "
        f"{BASE.learning_rate:g}, and all nets train for {BASE.epochs} epochs."
    )


def _of_sigmoid(losses: dict[Case, list[float]]) -> str:
    one, three = (losses[depth, "sigmoid"] for depth in DEPTHS)
    below = next((n for n, loss in enumerate(three, 1) if loss < GUESSING / 2), None)
    until = f"for {below - 1} epochs" if below else f"for all {len(three)} epochs"
    return (
        f"The sigmoid learns most slowly. After the first epoch, its validation loss is {one[0]:.3g} with one hidden "
        f"layer and {three[0]:.3g} with three; guessing has a loss of log 10 = {GUESSING:.4g}. The cause is the slope "
        "of the sigmoid, which is at most 1/4. In the backward pass, each sigmoid multiplies the gradient by its "
        "slope. So one layer of sigmoids leaves at most a quarter of the gradient, and three layers leave at most "
        "1/64, before the weights are taken into account. With three layers, the validation loss stays above half the "
        f"loss of guessing {until}, and ends at {three[-1]:.3g}."
    )


def _of_others(losses: dict[Case, list[float]]) -> str:
    others = [name for name in INITS if name != "sigmoid"]
    text = []
    for depth in DEPTHS:
        first, last = (sorted(others, key=lambda name: losses[depth, name][n]) for n in (0, -1))
        lowest = f"after the first epoch, and {NAMES[last[0]]} after the last one"
        if first[0] == last[0]:
            lowest = "both after the first epoch and after the last one"
        text.append(
            f"With {depth} hidden layer{'s' if depth > 1 else ''}, {NAMES[first[0]]} has the lowest validation loss "
            f"{lowest}; the final losses of the three are between {losses[depth, last[0]][-1]:.3g} and "
            f"{losses[depth, last[-1]][-1]:.3g}."
        )
    return (
        f"tanh, ReLU and ELU have slopes up to 1, so they pass the gradient on. {' '.join(text)} The three may rank "
        "differently at another learning rate: all runs here use the same one."
    )


STUDY = Study(
    "activations",
    "Activations",
    "How fast and how well do sigmoid, tanh, ReLU and ELU learn, with one hidden layer and with three?",
    tasks,
    report,
)
