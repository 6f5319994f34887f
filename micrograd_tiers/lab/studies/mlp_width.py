"""Width of a hidden layer on Fashion-MNIST, and why one hidden neuron is worse than none."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...datasets import Dataset
from ...network import Network
from ...recipe import Recipe
from .study import Line, Study, StudyReport, by_epoch, on_glyphs, percent, table
from .tasks import Result, Task, Training, prepare

BASE = Recipe(
    data="fashion-mnist", activation="relu", init="kaiming", dtype="float32", learning_rate=0.1, batch_size=128,
    epochs=20, validation=10_000,
)  # fmt: skip
WIDTHS = (256, 128, 10, 4, 1, 0)  # 0: no hidden layer
STARTS = 3  # of one neuron, with each activation
INITS = {"relu": "kaiming", "tanh": "xavier"}
BINS = 40


@dataclass(frozen=True)
class ScoreSpread:
    """Train a net, and count the directions in which its ten scores vary over the test set.

    Parameters
    ----------
    recipe : Recipe
    """

    KIND: ClassVar[str] = "Scores"

    recipe: Recipe

    def run(self, data_dir: str | None) -> Result:
        """Return the test scores and the number of directions.

        With one hidden neuron, the result also has histograms of its output, and the class that wins at each output.
        """
        run = prepare(self.recipe, data_dir)
        run.trainer.run()
        scores = run.test()
        return {
            "test_loss": scores.loss,
            "test_accuracy": scores.accuracy,
            "directions": _directions(run.net.forward(run.data.test_x)),
            **(_one_neuron(run.net, run.data, self.recipe.activation) if self.recipe.hidden == (1,) else {}),
        }


def _directions(logits: NDArray[Any]) -> int:
    """Return the rank of logits (N, C) after subtracting the mean of each sample, then the mean of each class.

    Softmax does not depend on the mean of a sample, and a constant offset for each class adds no direction.
    """
    logits = logits.astype("float64")
    spread = logits - logits.mean(axis=1, keepdims=True)
    sizes = np.linalg.svd(spread - spread.mean(axis=0), compute_uv=False)
    return int((sizes > 1e-5 * np.linalg.norm(logits)).sum())  # well above float32's rounding error of 1e-7


def _one_neuron(net: Network, data: Dataset, activation: str) -> Result:
    """Return histograms of the neuron's output h on the test set, by class, and the class that wins at each h."""
    weight, bias, slopes, offsets = net.state_dict().values()
    before = data.test_x @ weight[0] + bias[0]
    h = np.tanh(before) if activation == "tanh" else np.maximum(before, 0)
    at = np.linspace(h.min(), h.max(), 2001)
    winner = (slopes * at + offsets[:, None]).argmax(axis=0)
    first = [0, *(1 + np.flatnonzero(winner[1:] != winner[:-1]))]  # start of each interval with one winner
    edges = np.linspace(h.min(), max(h.max(), h.min() + 1e-6), BINS + 1)
    counts = [np.histogram(h[data.test_y == c], edges)[0].tolist() for c in range(len(data.class_names))]
    return {
        "classes": [*data.class_names],
        "slopes": slopes[:, 0].tolist(),
        "offsets": offsets.tolist(),
        "winners": [data.class_names[winner[k]] for k in first],
        "edges": edges.tolist(),
        "counts": counts,
        "silent": bool(h.min() == h.max()),
    }


def _shrunk(recipe: Recipe, quick: bool) -> Recipe:
    return on_glyphs(recipe, validation=300, batch_size=32) if quick else recipe


def _neurons() -> list[Recipe]:
    return [
        replace(BASE, hidden=(1,), activation=activation, init=init, seed=seed)
        for activation, init in INITS.items()
        for seed in range(STARTS)
    ]


def tasks(quick: bool) -> list[Task]:
    """Return a task for each width, and tasks for the spread of the narrowest nets' scores."""
    widths = [Training(_shrunk(replace(BASE, hidden=(n,) if n else ()), quick)) for n in WIDTHS]
    two = replace(BASE, hidden=(2,), activation="tanh", init=INITS["tanh"])
    narrow = [*_neurons(), two, replace(BASE, hidden=())]
    return [*widths, *(ScoreSpread(_shrunk(recipe, quick)) for recipe in narrow)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report losses and accuracy by width, and the spread of the scores behind one neuron."""
    by_width = dict(zip(WIDTHS, results[: len(WIDTHS)], strict=True))
    *neurons, two, none = results[len(WIDTHS) :]
    best = min(neurons[STARTS:], key=lambda result: float(result["test_loss"]))  # tanh: its range is easy to draw
    directions = {"1": max(neuron["directions"] for neuron in neurons), "2": two["directions"]}
    findings = {
        "training_loss": {str(n): result["train_loss"][-1] for n, result in by_width.items()},
        "validation_loss": {str(n): result["validation_loss"][-1] for n, result in by_width.items()},
        "test_accuracy": {str(n): result["test_accuracy"] for n, result in by_width.items()},
        "one_neuron_test_accuracies": [neuron["test_accuracy"] for neuron in neurons],
        "silent_neurons": sum(neuron["silent"] for neuron in neurons),
        "directions": {**directions, "none": none["directions"]},
        "classes_that_win": [len(set(neuron["winners"])) for neuron in neurons],
        "intervals": [len(neuron["winners"]) for neuron in neurons],
    }
    answer = f"{_widths(by_width)}\n\n{_why(neurons, best, two, none)}"
    pictures = {"losses": lambda path: _draw_losses(path, by_width), "one-neuron": lambda path: _draw_one(path, best)}
    return StudyReport(answer, findings, pictures)


def _widths(by_width: dict[int, Result]) -> str:
    rows = [
        {
            "hidden neurons": n or "none",
            "parameters": result["n_parameters"],
            "training loss": result["train_loss"][-1],
            "validation loss": result["validation_loss"][-1],
            "lowest validation loss": min(result["validation_loss"]),
            "test accuracy": percent(result["test_accuracy"]),
        }
        for n, result in by_width.items()
    ]
    widest, linear = by_width[WIDTHS[0]], by_width[0]
    best = min(by_width, key=lambda n: float(by_width[n]["validation_loss"][-1]))
    gains = {key: linear[key][-1] - widest[key][-1] for key in ("train_loss", "validation_loss")}
    return (
        f"{table(rows)}\n\nThese nets have ReLUs and train for {linear['epochs_run']} epochs at learning rate "
        f"{BASE.learning_rate:g}. The training loss is the mean over the last epoch; the validation loss is measured "
        f"after that epoch, and is lowest with {_neurons_in_words(best)}. Compared with no hidden layer (softmax "
        f"regression), {_neurons_in_words(WIDTHS[0])} reduce the training loss by {gains['train_loss']:.2g}, but the "
        f"validation loss only by {gains['validation_loss']:.2g}. The rest of the gain holds only for the training "
        "images themselves."
    )


def _neurons_in_words(n: int) -> str:
    return {0: "no hidden layer", 1: "1 neuron"}.get(n, f"{n} neurons")


def _why(neurons: Sequence[Result], best: Result, two: Result, none: Result) -> str:
    accuracies = [neuron["test_accuracy"] for neuron in neurons]
    won = [len(neuron["winners"]) for neuron in neurons]
    silent = sum(neuron["silent"] for neuron in neurons[:STARTS])  # with ReLU
    rows = [
        {
            "activation": activation,
            "start": seed,
            "test loss": neuron["test_loss"],
            "test accuracy": percent(neuron["test_accuracy"]),
            "winning classes, by increasing output of the neuron": ", ".join(neuron["winners"]),
        }
        for neuron, (activation, seed) in zip(neurons, [(a, s) for a in INITS for s in range(STARTS)], strict=True)
    ]
    return (
        f"{table(rows)}\n\nOne neuron is worse than none from every start: it classifies {percent(min(accuracies))} to "
        f"{percent(max(accuracies))} of the test images correctly. Softmax regression, without a hidden neuron, "
        f"classifies {percent(none['test_accuracy'])} correctly.\n\n"
        "The reason is that one neuron gives the output layer only one number per image, its output h. The score "
        "(logit) of class c is w_c h + b_c, a straight line over h, and the class with the highest score wins. The "
        "highest of ten straight lines is a convex function of h, so each class wins on at most one interval of h. "
        f"Here, {min(won)} to {max(won)} classes win somewhere, and all images of the other classes are "
        f"misclassified.{_silence(silent)}\n\n"
        "The loss of information can be counted, as the number of directions in which the ten logits vary over the "
        f"test set. One neuron gives {best['directions']} direction, and two neurons give {two['directions']}. Softmax "
        f"regression has a weighted sum of all pixels for each class, and gives {none['directions']}. (A shift that "
        "all ten logits share is not counted, because it does not change the softmax.)"
    )


def _silence(silent: int) -> str:
    if not silent:
        return ""
    return (
        f" With ReLU, {silent} of {STARTS} neurons ended dead: off for every test image. Then all images get the same "
        f"scores, and the loss is about log 10 = {np.log(10):.3f}. The neurons with tanh did not die, but they are "
        "also worse than none."
    )


def _draw_losses(path: Path, by_width: dict[int, Result]) -> None:
    from ... import plots

    def lines(key: str) -> dict[str, Line]:
        return {str(n or "none"): by_epoch(r[key]) for n, r in by_width.items()}

    titles = {"train_loss": "Training loss by width", "validation_loss": "Validation loss by width"}
    plots.panels(
        [plots.Panel(title, "epoch", "loss (nats)", lines(key), "y") for key, title in titles.items()], path=path
    )


def _draw_one(path: Path, neuron: Result) -> None:
    from ... import plots

    edges = np.array(neuron["edges"])
    slopes, offsets = np.array(neuron["slopes"])[:, None], np.array(neuron["offsets"])[:, None]
    h = np.linspace(edges[0], edges[-1], 201)
    scores = slopes * h + offsets
    shares = np.exp(scores - scores.max(axis=0))
    shares /= shares.sum(axis=0)

    def lines(x: NDArray[Any], ys: Any) -> dict[str, Line]:
        return {name: (x.tolist(), [*y]) for name, y in zip(neuron["classes"], ys, strict=True)}

    plots.panels(
        [
            plots.Panel("Ten scores from one tanh neuron", "its output", "score", lines(h, scores)),
            plots.Panel("The probabilities that they make", "its output", "probability", lines(h, shares)),
            plots.Panel(
                "The test images", "its output", "images", lines((edges[1:] + edges[:-1]) / 2, neuron["counts"])
            ),
        ],
        path=path,
    )


STUDY = Study(
    "mlp-width",
    "The width of a hidden layer",
    "What do 256, 128 or 1 hidden neurons add to softmax regression on Fashion-MNIST, and why is 1 worse than none?",
    tasks,
    report,
)
