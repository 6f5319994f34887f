"""ReLUs that die when one class is seen after the other, and what keeps them alive."""

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
BATCHES = 2 * N_EACH // BATCH_SIZE  # in an epoch
EVERY = 5  # batches from one count to the next
EARLY = 20  # batches after the class has changed


@dataclass(frozen=True)
class OrderedTraining:
    """A net on two moons: some epochs in some order, then as many shuffled.

    Parameters
    ----------
    seed : int
        Of the points, the weights, and the order where it is shuffled.
    shuffle : bool
        False: in each of the first epochs all negative examples are seen before all positive ones.
    activation, init : str
        As in `mlp`.
    learning_rate, momentum : float
        Of SGD.
    bias : float
        From which the biases of the hidden units start.
    hidden, batch_size : int
    epochs : int
        In that order, and shuffled.
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
        """Return how many units are dead in the course of the run, the losses where the class changes, the accuracy.

        Losses are means over the changes, of the last batch before and of the first one after; the accuracy is that on
        the training samples.
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
    """Return each case for several seeds."""
    return [replace(case, seed=seed) for case in CASES.values() for seed in range(3 if quick else 20)]


def _by_case(tasks: Sequence[Task], results: Sequence[Result]) -> dict[str, list[Result]]:
    """Return the results of each case, one for each seed."""
    names = {case: name for name, case in CASES.items()}
    own = [names[replace(task, seed=BASE.seed)] for task in tasks if isinstance(task, OrderedTraining)]
    return grouped(CASES, own, results)


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Return how many units die, when, and what helps."""
    runs = _by_case(tasks, results)
    rows = [
        {
            "run": name,
            "dead of 16": f"{mean_of(of, 'dead'):.1f}",
            "from - to": f"{min(result['dead'] for result in of)} - {max(result['dead'] for result in of)}",
            "accuracy": percent(mean_of(of, "accuracy")),
            "dead after 5 more epochs, shuffled": f"{mean_of(of, 'dead_later'):.1f}",
            "accuracy after them": percent(mean_of(of, "accuracy_later")),
        }
        for name, of in runs.items()
    ]
    answer = (
        f"{table(rows)}\n\n"
        f"Two moons, {N_EACH} examples of each class; a net 2-{HIDDEN}-2, batches of {BATCH_SIZE}, 5 epochs of SGD "
        f"with (learning) rate {BASE.learning_rate:g} and momentum {BASE.momentum:g} from a Kaiming start, in order, "
        f"where nothing else is said; means over {len(runs['in order'])} seeds. A unit is counted as dead when it is "
        f"above zero for none of the {2 * N_EACH:,} training samples. At the start "
        f"{_mean_at(runs['in order'], 0):g} are.\n\n"
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
    """Return the share of the deaths that fall into the first batches after the class has changed."""
    more = np.array([np.maximum(np.diff(result["dead_by_time"]), 0) for result in results]).sum(axis=0)
    since = np.arange(len(more)) * EVERY % (BATCHES // 2)  # batches seen of the class, before those counted
    return float(more[since < EARLY].sum() / more.sum())


def _what_happens(runs: dict[str, list[Result]]) -> str:
    ordered, shuffled = runs["in order"], runs["shuffled"]
    epoch = BATCHES // EVERY
    revived = sum(result["dead_later"] < result["dead"] for result in ordered)
    return (
        f"With all negative examples before all positive ones, {_mean_at(ordered, epoch):.1f} units are dead after "
        f"one epoch and {mean_of(ordered, 'dead'):.1f} of {HIDDEN} after five; shuffled, the same examples kill "
        f"{_mean_at(shuffled, epoch):.1f} and {mean_of(shuffled, 'dead'):.1f}. While the net sees one class only, it "
        f"learns to say that class of everything, and comes to rest: the loss of its last batch is "
        f"{mean_of(ordered, 'loss_before'):.2g}. When the class changes, it is wrong and sure of it: the next one's is "
        f"{mean_of(ordered, 'loss_after'):.2g}. The gradients of one batch after the other are large and, as there is "
        "one class only, point much the same way; momentum adds them up, and units are thrown to where no sample "
        f"reaches them. {_early_deaths(ordered):.0%} of the deaths fall into the first {EARLY} of the {BATCHES // 2} "
        "batches of a class. A dead ReLU has no slope for any sample, so no gradient calls it back: in "
        f"{revived} of {len(ordered)} runs there were fewer of them after 5 more epochs in random order, and the "
        f"accuracy came to {percent(mean_of(ordered, 'accuracy_later'))}, not to the "
        f"{percent(mean_of(shuffled, 'accuracy_later'))} of the runs that were shuffled all along."
    )


def _what_helps(runs: dict[str, list[Result]]) -> str:
    cures = [runs[name] for name in ("rate 0.01", "no momentum", "rate 1, no momentum")]
    slow, none, large = (f"{mean_of(of, 'dead'):.1f}" for of in cures)
    now = percent(max(mean_of(of, "accuracy") for of in cures))
    later = ", ".join(percent(mean_of(of, "accuracy_later")) for of in cures)
    return (
        f"What helps is to shuffle, first of all. Else smaller steps: a learning rate of 0.01 leaves {slow} units "
        f"dead, no momentum {none}. Momentum of 0.9 makes steps up to ten times as large; yet it is not only their "
        f"size, as without it ten times the learning rate leaves {large} dead. None of this makes up for the order: "
        f"just after it these nets are right about {now} of the samples at most, in the mean, as they have seen none "
        f"but positive ones for {BATCHES // 2} batches. But with their units alive they learn the rest from shuffled "
        f"epochs ({later} after five)."
    )


def _what_does_not(runs: dict[str, list[Result]]) -> str:
    elu, xavier, bias, fast = (runs[name] for name in ("ELU", "Xavier start", "biases start at 1", "shuffled, rate 1"))
    return (
        f"ELU helps in part. {mean_of(elu, 'dead'):.1f} units end up below zero for all samples there too, but the "
        "slope is `e**x` there, not zero, and from shuffled epochs the net comes to "
        f"{percent(mean_of(elu, 'accuracy_later'))}, where ReLUs come to "
        f"{percent(mean_of(runs['in order'], 'accuracy_later'))}. Far below zero, `e**x` is next to nothing, and the "
        "net does not come to what shuffling all along does. No cure at all is another start (Xavier: "
        f"{mean_of(xavier, 'dead'):.1f} dead) or biases that start at 1 ({mean_of(bias, 'dead'):.1f}): the units are "
        "not dead at the start, they are killed on the way. And shuffling does not help against steps that are too "
        f"large in any order: with a learning rate of 1 and momentum, {mean_of(fast, 'dead'):.1f} die all the same."
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
        for title, shown in (("What helps", names[:5]), ("What does not, or in part", [names[0], *names[5:]]))
    ]
    plots.panels(path, panels)


STUDY = Study(
    "dying-relu",
    "Dying ReLUs",
    "How many ReLUs die when 500 negative examples are seen before 500 positive ones, and what keeps them alive?",
    tasks,
    report,
)
