"""ReLUs that die when a net sees one class after the other, and ways to keep them alive."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...datasets.toy import moons
from ...metrics import evaluate
from ...models import mlp
from ...network import Network
from ...optimizers import SGD
from ...trainer import Trainer
from .study import Line, Study, StudyReport, dead_units, grouped, mean_of, percent, table
from .tasks import Result, Task

N_EACH = 500  # examples of each class
HIDDEN = 16
BATCH_SIZE = 10
BATCHES = 2 * N_EACH // BATCH_SIZE  # per epoch
EVERY = 5  # batches between two counts of dead units
EARLY = 20  # deaths within this many batches after a change of class are early


@dataclass(frozen=True)
class OrderedTraining:
    """Train a net on two moons in two parts: first on examples in order (or shuffled), then on shuffled ones.

    Parameters
    ----------
    seed : int
        Seed of the points, the weights and the shuffling.
    shuffle : bool
        If False, each of the first epochs has all negative examples before all positive ones.
    activation, init : str
        As in `mlp`.
    learning_rate, momentum : float
        Settings of SGD.
    bias : float
        Initial value of the hidden units' biases.
    hidden, batch_size : int
    epochs : int
        Number of epochs in each of the two parts.
    """

    KIND: ClassVar[str] = "Run"

    seed: int
    shuffle: bool = False
    activation: str = "relu"
    init: str = "kaiming"
    learning_rate: float = 0.1
    momentum: float = 0.9
    bias: float = 0.0
    hidden: int = HIDDEN
    batch_size: int = BATCH_SIZE
    epochs: int = 5

    def run(self, data_dir: str | None) -> Result:
        """Return the number of dead units over time, the losses at the changes of class, and the training accuracy.

        The losses are those of the last batch before a change of class and of the first batch after it, each averaged
        over all changes.
        """
        X, y = moons(2 * N_EACH, rng=np.random.default_rng(self.seed))
        order = np.argsort(y, kind="stable")
        X, y = X[order], y[order]
        net = mlp([2, self.hidden, 2], self.activation, init=self.init, seed=self.seed)
        net.load_state_dict(net.state_dict() | {"0.bias": np.full(self.hidden, self.bias)})
        dead = [dead_units(net, X)]
        trainer = self._trainer(net, X, y, shuffle=self.shuffle)
        while not trainer.finished:
            trainer.step()
            if trainer.position % (EVERY * self.batch_size) == 0:
                dead.append(dead_units(net, X))
        accuracy = evaluate(net, X, y)["accuracy"]
        losses = np.array(trainer.history.batch_loss).reshape(-1, BATCHES // 2)  # a row for each block of one class
        self._trainer(net, X, y, shuffle=True).run()
        return {
            "dead_by_time": dead,
            "dead": dead[-1],
            "loss_before": float(losses[:-1, -1].mean()),
            "loss_after": float(losses[1:, 0].mean()),
            "accuracy": accuracy,
            "dead_later": dead_units(net, X),
            "accuracy_later": evaluate(net, X, y)["accuracy"],
        }

    def _trainer(self, net: Network, X: NDArray[Any], y: NDArray[Any], *, shuffle: bool) -> Trainer:
        optimizer = SGD(self.learning_rate, momentum=self.momentum)
        return Trainer(
            net,
            X,
            y,
            optimizer=optimizer,
            batch_size=self.batch_size,
            epochs=self.epochs,
            seed=self.seed,
            shuffle=shuffle,
        )


BASE = OrderedTraining(seed=0)
CASES = {
    "in order": BASE,
    "shuffled": replace(BASE, shuffle=True),
    "rate 0.01": replace(BASE, learning_rate=0.01),
    "no momentum": replace(BASE, momentum=0.0),
    "rate 1, no momentum": replace(BASE, momentum=0.0, learning_rate=1.0),
    "ELU": replace(BASE, activation="elu"),
    "Xavier start": replace(BASE, init="xavier"),
    "biases start at 1": replace(BASE, bias=1.0),
    "shuffled, rate 1": replace(BASE, shuffle=True, learning_rate=1.0),
}


def tasks(quick: bool) -> list[Task]:
    """Return a task for each case and each of several seeds."""
    return [replace(case, seed=seed) for case in CASES.values() for seed in range(3 if quick else 20)]


def _by_case(tasks: Sequence[Task], results: Sequence[Result]) -> dict[str, list[Result]]:
    """Group the results by case."""
    names = {case: name for name, case in CASES.items()}
    own = [names[replace(task, seed=BASE.seed)] for task in tasks if isinstance(task, OrderedTraining)]
    return grouped(CASES, own, results)


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the number of dead units, the time of their deaths, and the effect of possible cures."""
    runs = _by_case(tasks, results)
    rows = [
        {
            "run": name,
            "dead units of 16": f"{mean_of(of, 'dead'):.1f}",
            "min - max": f"{min(result['dead'] for result in of)} - {max(result['dead'] for result in of)}",
            "accuracy": percent(mean_of(of, "accuracy")),
            "dead units after 5 more epochs, shuffled": f"{mean_of(of, 'dead_later'):.1f}",
            "accuracy after these epochs": percent(mean_of(of, "accuracy_later")),
        }
        for name, of in runs.items()
    ]
    answer = (
        f"{table(rows)}\n\n"
        f"The data are two moons with {N_EACH} examples of each class, and the net is 2-{HIDDEN}-2. Unless the first "
        "column says otherwise, every epoch shows all negative examples before all positive ones. The net is trained "
        f"for {BASE.epochs} epochs, in batches of {BATCH_SIZE}, by SGD with learning rate {BASE.learning_rate:g} and "
        f"momentum {BASE.momentum:g}, after Kaiming initialization. The table shows means over "
        f"{len(runs['in order'])} seeds. A unit counts as dead if it is positive for none of the {2 * N_EACH:,} "
        f"training samples. At the start, {_mean_at(runs['in order'], 0):g} units are dead.\n\n"
        f"{_what_happens(runs)}\n\n{_what_helps(runs)}\n\n{_what_does_not(runs)}"
    )
    findings = {
        name: {
            "dead": mean_of(of, "dead"),
            "fewest_dead": min(result["dead"] for result in of),
            "most_dead": max(result["dead"] for result in of),
            "dead_after_one_epoch": _mean_at(of, BATCHES // EVERY),
            "accuracy": mean_of(of, "accuracy"),
            "dead_later": mean_of(of, "dead_later"),
            "accuracy_later": mean_of(of, "accuracy_later"),
        }
        for name, of in runs.items()
    }
    findings["early_deaths"] = {"share": _early_deaths(runs["in order"]), "of_the_time": 2 * EARLY / BATCHES}
    return StudyReport(answer, findings, {"dead-units": lambda path: _draw(path, runs)})


def _mean_at(results: Sequence[Result], time: int) -> float:
    return float(np.mean([result["dead_by_time"][time] for result in results]))


def _early_deaths(results: Sequence[Result]) -> float:
    """Return the share of the deaths in the first `EARLY` batches after a change of class."""
    more = np.array([np.maximum(np.diff(result["dead_by_time"]), 0) for result in results]).sum(axis=0)
    since = np.arange(len(more)) * EVERY % (BATCHES // 2)  # batches since the change, at the start of each interval
    return float(more[since < EARLY].sum() / more.sum())


def _what_happens(runs: dict[str, list[Result]]) -> str:
    ordered, shuffled = runs["in order"], runs["shuffled"]
    epoch = BATCHES // EVERY
    revived = sum(result["dead_later"] < result["dead"] for result in ordered)
    return (
        f"With all negative examples before all positive ones, {_mean_at(ordered, epoch):.1f} of {HIDDEN} units are "
        f"dead after one epoch, and {mean_of(ordered, 'dead'):.1f} after five. If the same examples are shuffled, "
        f"{_mean_at(shuffled, epoch):.1f} are dead after one epoch, and {mean_of(shuffled, 'dead'):.1f} after five.\n\n"
        "The units die when the class changes. While the net sees only one class, it learns to predict that class for "
        "every input, until nearly nothing is left to learn: the loss of the last batch before a change is "
        f"{mean_of(ordered, 'loss_before'):.2g}. Then the class changes, and the net is wrong with great confidence: "
        f"the loss of the next batch is {mean_of(ordered, 'loss_after'):.2g}. The gradients of the following batches "
        "are large and, because these batches contain only one class, point in nearly the same direction. Momentum "
        "accumulates these gradients, and moves units so far that they are negative for every sample. "
        f"{_early_deaths(ordered):.0%} of the deaths happen in the first {EARLY} of the {BATCHES // 2} batches of a "
        "class.\n\n"
        "Dead units stay dead. A dead ReLU has slope 0 for every sample, so no gradient brings it back to life. After "
        f"5 more epochs in random order, {revived} of {len(ordered)} runs had fewer dead units than before. The mean "
        f"accuracy of these runs was then {percent(mean_of(ordered, 'accuracy_later'))}; that of the runs that were "
        f"shuffled from the start was {percent(mean_of(shuffled, 'accuracy_later'))}."
    )


def _what_helps(runs: dict[str, list[Result]]) -> str:
    cures = [runs[name] for name in ("rate 0.01", "no momentum", "rate 1, no momentum")]
    slow, none, large = (f"{mean_of(of, 'dead'):.1f}" for of in cures)
    now = percent(max(mean_of(of, "accuracy") for of in cures))
    later = ", ".join(percent(mean_of(of, "accuracy_later")) for of in cures)
    return (
        "The best cure is to shuffle the examples. Smaller steps also help: with a learning rate of 0.01, "
        f"{slow} units die, and without momentum {none}. Momentum 0.9 makes steps up to ten times as large, but large "
        f"steps alone do not kill as many units: without momentum, at ten times the learning rate, only {large} "
        "die.\n\n"
        "But smaller steps do not make up for the order of the examples. Right after the ordered epochs, the mean "
        f"accuracy in these three cases is {now} at most, because the last {BATCHES // 2} batches contained only "
        "positive examples. Most units are still alive, however, so the nets learn the rest from shuffled epochs: "
        f"after five of these, the accuracies are {later}."
    )


def _what_does_not(runs: dict[str, list[Result]]) -> str:
    elu, xavier, bias, fast = (runs[name] for name in ("ELU", "Xavier start", "biases start at 1", "shuffled, rate 1"))
    return (
        f"ELU helps in part. {mean_of(elu, 'dead'):.1f} ELUs also become negative for all samples, but their slope is "
        "then `e**x`, not zero, so they can still learn. After the shuffled epochs, the net with ELUs reaches "
        f"{percent(mean_of(elu, 'accuracy_later'))}, and the net with ReLUs only "
        f"{percent(mean_of(runs['in order'], 'accuracy_later'))}. Far below zero, however, `e**x` is almost zero, so "
        "the net with ELUs does not become as good as one that was shuffled from the start.\n\n"
        f"A different start does not help: {mean_of(xavier, 'dead'):.1f} units die after Xavier initialization, and "
        f"{mean_of(bias, 'dead'):.1f} if the biases start at 1. In both cases the units are alive at the start, and "
        "die during training.\n\n"
        "Shuffling does not help if the steps are too large: with a learning rate of 1 and momentum, "
        f"{mean_of(fast, 'dead'):.1f} units die although the examples are shuffled."
    )


def _draw(path: Path, runs: dict[str, list[Result]]) -> None:
    from ... import plots

    def lines(names: Sequence[str]) -> dict[str, Line]:
        means = {name: np.mean([result["dead_by_time"] for result in runs[name]], axis=0) for name in names}
        return {
            name: ([EVERY * BATCH_SIZE * n / 1000 for n in range(len(mean))], mean.tolist())
            for name, mean in means.items()
        }

    names = [*CASES]
    panels = [
        plots.Panel(title, "thousands of samples (classes change every 0.5)", "dead units, mean", lines(shown))
        for title, shown in (("What helps", names[:5]), ("What does not help, or only in part", [names[0], *names[5:]]))
    ]
    plots.panels(panels, path=path)


STUDY = Study(
    "dying-relu",
    "Dying ReLUs",
    "How many ReLUs die when 500 negative examples are seen before 500 positive ones, and what keeps them alive?",
    tasks,
    report,
)
