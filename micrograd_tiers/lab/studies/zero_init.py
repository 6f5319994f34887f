"""Random starts and zero starts: hidden units that start equal stay equal."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...datasets.toy import moons
from ...metrics import evaluate
from ...models import mlp
from ...network import Network
from ...optimizers import SGD
from ...trainer import Trainer
from .study import Study, StudyReport, grouped, mean_of, percent, table
from .tasks import Result, Task

N_TRAIN, N_TEST = 400, 1000
HIDDEN = 8
EPOCHS = 40


@dataclass(frozen=True)
class Start:
    """Train a 2-...-2 net on two moons, by SGD with momentum.

    Parameters
    ----------
    activation : str
    init : str
        Initialization of the weights, as in `Network`.
    hidden : int
        Number of hidden units.
    learning_rate : float
    seed : int
        Seed of the points, the weights and the shuffling.
    momentum : float
    batch_size, epochs, n_train, n_test : int
    """

    activation: str
    init: str
    hidden: int
    learning_rate: float
    seed: int
    momentum: float = 0.9
    batch_size: int = 25
    epochs: int = EPOCHS
    n_train: int = N_TRAIN
    n_test: int = N_TEST

    def run(self, data_dir: str | None) -> Result:
        """Return the differences between units, the changes of the weights, and the scores."""
        X, y = moons(self.n_train + self.n_test, rng=np.random.default_rng(self.seed))
        # Exact mode sums in the same order for every unit, so equal units stay equal to the last bit on any machine.
        net = mlp([2, self.hidden, 2], self.activation, init=self.init, seed=self.seed, exact=True)
        start = net.state_dict()
        optimizer = SGD(self.learning_rate, momentum=self.momentum)
        trainer = Trainer(
            net,
            X[: self.n_train],
            y[: self.n_train],
            optimizer=optimizer,
            batch_size=self.batch_size,
            epochs=self.epochs,
            seed=self.seed,
        )
        apart, by_epoch = [_apart(net)], [start["0.weight"][:, 0].tolist()]
        while not trainer.finished:
            trainer.step()
            apart.append(_apart(net))
            if trainer.position == 0:
                by_epoch.append(net.state_dict()["0.weight"][:, 0].tolist())
        end = net.state_dict()
        scores = evaluate(net, X[self.n_train :], y[self.n_train :])
        return {
            "apart": max(apart),
            "apart_by_epoch": apart[:: trainer.steps_per_epoch],
            "weights_by_epoch": by_epoch,
            "rank": int(np.linalg.matrix_rank(_units(net))),
            "moved": {name: float(np.abs(end[name] - start[name]).max()) for name in end},
            "train_loss": trainer.history.train_loss,
            "test_loss": scores["loss"],
            "test_accuracy": scores["accuracy"],
        }


def _units(net: Network) -> NDArray[Any]:
    """Return all weights of the hidden units, one unit per row: incoming weights, bias, outgoing weights."""
    state = net.state_dict()
    return np.column_stack([state["0.weight"], state["0.bias"], state["2.weight"].T])


def _apart(net: Network) -> float:
    """Return the largest difference between two units in the same weight, such as the bias."""
    units = _units(net)
    return float((units.max(axis=0) - units.min(axis=0)).max())


RATES = {"relu": 0.3, "sigmoid": 1.0}
RANDOM = {"relu": "kaiming", "sigmoid": "xavier"}
CASES = {
    "ReLU, zero start": ("relu", "zeros", HIDDEN),
    "ReLU, random start": ("relu", RANDOM["relu"], HIDDEN),
    "sigmoid, zero start": ("sigmoid", "zeros", HIDDEN),
    "sigmoid, random start": ("sigmoid", RANDOM["sigmoid"], HIDDEN),
    "sigmoid, one unit": ("sigmoid", RANDOM["sigmoid"], 1),
}


def tasks(quick: bool) -> list[Task]:
    """Return tasks for each start and activation, and for a net of one hidden unit, with several seeds."""
    return [
        Start(activation, init, hidden, RATES[activation], seed)
        for activation, init, hidden in CASES.values()
        for seed in range(2 if quick else 10)
    ]


def _by_case(tasks: Sequence[Task], results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group the results by case."""
    names = {case: name for name, case in CASES.items()}
    own = [names[task.activation, task.init, task.hidden] for task in tasks if isinstance(task, Start)]
    return grouped(CASES, own, results)


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the differences between units, and their effect on the accuracy."""
    runs = _by_case(tasks, results)
    rows = [
        {
            "net": name,
            "hidden units": CASES[name][2],
            "largest difference between units": max(result["apart"] for result in of) if CASES[name][2] > 1 else "",
            "rank of the units' weights": _range([result["rank"] for result in of]),
            "test loss": mean_of(of, "test_loss"),
            "test accuracy": percent(mean_of(of, "test_accuracy")),
        }
        for name, of in runs.items()
    ]
    answer = (
        f"{table(rows)}\n\n"
        f"The nets are trained on {N_TRAIN} points of two moons for {EPOCHS} epochs. Loss and accuracy are means over "
        f"{len(runs['ReLU, zero start'])} seeds, on {N_TEST:,} other points. The weights of a unit are its incoming "
        "weights, its bias and its outgoing weights. The third column gives the largest difference in any of these "
        "weights, between any two units, after any step; 0 means that all units were equal all the time. The rank is "
        "that of a matrix with the weights of one unit in each row: it is 1 if all rows are equal, and 0 if all "
        "weights are zero.\n\n"
        f"{_sigmoid_in_words(runs)}\n\n{_relu_in_words(runs)}\n\n"
        "The biases may all start at zero, and in the random starts here they do: random weights are enough to make "
        "the units different."
    )
    findings = {
        name: {
            "largest_difference": max(result["apart"] for result in of),
            "smallest_difference": min(result["apart"] for result in of),
            "rank": sorted({result["rank"] for result in of}),
            "moved": {key: max(result["moved"][key] for result in of) for key in of[0]["moved"]},
            "test_loss": mean_of(of, "test_loss"),
            "test_accuracy": mean_of(of, "test_accuracy"),
        }
        for name, of in runs.items()
    }
    return StudyReport(answer, findings, {"symmetry": lambda path: _draw(path, runs)})


def _range(values: Sequence[int]) -> str:
    return f"{min(values)}" if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _sigmoid_in_words(runs: dict[str, list[Result]]) -> str:
    zero, rand, one = (
        percent(mean_of(runs[f"sigmoid, {case}"], "test_accuracy"))
        for case in ("zero start", "random start", "one unit")
    )
    moved = min(result["moved"]["0.weight"] for result in runs["sigmoid, zero start"])
    return (
        f"Sigmoid: from the zero start, the units do learn (their weights move by {moved:.1f} or more), but all of "
        "them learn the same weights. Equal units with the same inputs have the same output and get the same gradient, "
        f"so they stay equal in every step. A net of {HIDDEN} equal units can do no more than a net of one unit, whose "
        f"decision boundary is a straight line. From the zero start, {HIDDEN} units classify {zero} of the points "
        f"correctly, about as many as one unit from a random start ({one}). From a random start, {HIDDEN} units "
        f"classify {rand} correctly."
    )


def _relu_in_words(runs: dict[str, list[Result]]) -> str:
    zero = runs["ReLU, zero start"]
    moved = {name: max(result["moved"][name] for result in zero) for name in zero[0]["moved"]}
    moves = ", ".join(f"{name} {most:.2g}" for name, most in moved.items())
    rand = percent(mean_of(runs["ReLU, random start"], "test_accuracy"))
    return (
        f"ReLU: from the zero start, only the last bias learns. (The largest changes from start to end are: {moves}.) "
        "The last weights get no gradient, because the hidden outputs are zero. The hidden layer gets no gradient, "
        "because the last weights are zero; moreover, the slope of ReLU at 0 is taken as 0. With the last bias alone, "
        f"the net predicts the same class for every point. {percent(mean_of(zero, 'test_accuracy'))} are classified "
        f"correctly, and the loss, {mean_of(zero, 'test_loss'):.3f}, is about that of a coin toss, "
        f"log 2 = {np.log(2):.3f}. The bias cannot improve on this, because over all samples the two classes are "
        "equally frequent. It moves only because their proportion varies from mini-batch to mini-batch. From the "
        f"random start, {rand} are classified correctly."
    )


def _draw(path: Path, runs: dict[str, list[Result]]) -> None:
    from ... import plots

    epochs = [*range(EPOCHS + 1)]
    panels = []
    for name in CASES:
        if CASES[name][2] > 1:
            weights = np.array(runs[name][0]["weights_by_epoch"]).T.tolist()
            lines = {f"unit {n + 1}": (epochs, weights[n]) for n in range(4)}
            title = f"{name}{': all on one line' if runs[name][0]['apart'] == 0 else ''}"
            panels.append(plots.Panel(title, "epoch", "first weight of a unit", lines))
    apart = {name: (epochs, of[0]["apart_by_epoch"]) for name, of in runs.items() if CASES[name][2] > 1}
    losses = {name: (epochs[1:], of[0]["train_loss"]) for name, of in runs.items()}
    panels.append(plots.Panel("Largest difference between units", "epoch", "difference", apart))
    panels.append(plots.Panel("Training loss", "epoch", "loss (nats)", losses, "y"))
    plots.panels(panels, path=path)


STUDY = Study(
    "zero-init",
    "Zero weights at the start",
    "What do hidden units learn if all weights start at zero, with ReLU and with sigmoid?",
    tasks,
    report,
)
