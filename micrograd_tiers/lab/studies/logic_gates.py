"""Logic gates: OR by one unit, why one unit cannot compute XOR, and XOR with two hidden units, trained and by hand."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...metrics import evaluate
from ...models import mlp
from ...network import Network
from ...optimizers import SGD
from ...training import fit
from .study import Study, StudyReport, dead_units, percent, table
from .tasks import Result, Task

CORNERS = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])  # the inputs a and b
GATES = {"OR": np.array([0, 1, 1, 1]), "AND": np.array([0, 0, 0, 1]), "XOR": np.array([0, 1, 1, 0])}
STEPS = 1000

# With two classes, one unit is enough: the softmax of 0 and z gives class 1 the probability sigmoid(z). So all weights
# of class 0 are zero.
BY_HAND: dict[str, tuple[str, str, dict[str, Any]]] = {
    "OR, one unit": ("OR", "sigmoid", {"0.weight": [[0, 0], [20, 20]], "0.bias": [0, -10]}),
    "XOR, two sigmoids": (
        "XOR",
        "sigmoid",
        {
            "0.weight": [[20, 20], [20, 20]],
            "0.bias": [-10, -30],
            "2.weight": [[0, 0], [20, -20]],
            "2.bias": [0, -10],
        },
    ),
    "XOR, two ReLUs": (
        "XOR",
        "relu",
        {"0.weight": [[1, 1], [1, 1]], "0.bias": [0, -1], "2.weight": [[0, 0], [20, -40]], "2.bias": [0, -10]},
    ),
}


@dataclass(frozen=True)
class ByHand:
    """Evaluate a net with given weights.

    Parameters
    ----------
    name : str
        One of `BY_HAND`.
    """

    name: str

    def run(self, data_dir: str | None) -> Result:
        """Return the probability of 1 at each corner, and the accuracy."""
        gate, activation, state = BY_HAND[self.name]
        net = _net(() if len(state) == 2 else (2,), activation)
        net.load_state_dict(state)
        return {
            "probability": net.predict_proba(CORNERS)[:, 1].tolist(),
            "accuracy": evaluate(net, CORNERS, GATES[gate])["accuracy"],
        }


@dataclass(frozen=True)
class Learned:
    """Train a net by gradient descent, with all four corners in each step.

    Parameters
    ----------
    gate : str
        One of `GATES`.
    hidden : tuple of int
        Numbers of hidden units; () for a single unit without a hidden layer.
    activation : str
        Activation of the hidden units.
    seed : int
        Seed of the initial weights.
    steps : int
    learning_rate : float
    """

    gate: str
    hidden: tuple[int, ...]
    activation: str
    seed: int
    steps: int = STEPS
    learning_rate: float = 1.0

    def run(self, data_dir: str | None) -> Result:
        """Return losses, accuracy, weights, and the number of first-layer units that are positive at no corner.

        The best accuracy is the highest of all steps for a net without hidden units, otherwise the final accuracy.
        """
        y = GATES[self.gate]
        net = _net(self.hidden, self.activation, self.seed)
        watched = None if self.hidden else (CORNERS, y)
        history = fit(
            net,
            CORNERS,
            y,
            optimizer=SGD(self.learning_rate),
            batch_size=4,
            epochs=self.steps,
            shuffle=False,
            validation=watched,
        )
        scores = evaluate(net, CORNERS, y)
        state = net.state_dict()
        return {
            "train_loss": history.train_loss,
            "loss": scores["loss"],
            "accuracy": scores["accuracy"],
            "best_accuracy": max(history.validation_accuracy, default=scores["accuracy"]),
            "off": dead_units(net, CORNERS),
            "weights": {name: values.tolist() for name, values in state.items()},
        }


def _net(hidden: tuple[int, ...], activation: str, seed: int = 0) -> Network:
    return mlp([2, *hidden, 2], activation, seed=seed)


KINDS = (((2,), "sigmoid"), ((2,), "relu"), ((4,), "sigmoid"), ((4,), "relu"))
NAMES = {"sigmoid": "sigmoids", "relu": "ReLUs"}


def tasks(quick: bool) -> list[Task]:
    """Return tasks for the nets by hand, for each gate without hidden units, and for XOR with hidden units.

    Each net that is trained has several random starts.
    """
    alone = [Learned(gate, (), "sigmoid", seed) for gate in GATES for seed in range(2 if quick else 10)]
    xor = [
        Learned("XOR", hidden, activation, seed) for hidden, activation in KINDS for seed in range(6 if quick else 50)
    ]
    return [*map(ByHand, BY_HAND), *alone, *xor]


Runs = dict[tuple[str, tuple[int, ...], str], list[Result]]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the gates that one unit can learn, and XOR with two or four hidden units."""
    by_hand: dict[str, Result] = {}
    runs: Runs = {}
    for task, result in zip(tasks, results, strict=True):
        if isinstance(task, ByHand):
            by_hand[task.name] = result
        elif isinstance(task, Learned):
            runs.setdefault((task.gate, task.hidden, task.activation), []).append(result)
    alone = {gate: runs[gate, (), "sigmoid"] for gate in GATES}
    xor = {f"{hidden[0]} {NAMES[activation]}": runs["XOR", hidden, activation] for hidden, activation in KINDS}
    answer = "\n\n".join(
        (_one_unit(alone), _one_unit_in_words(alone), _with_hidden(xor), _with_hidden_in_words(xor), _hands(by_hand))
    )
    findings = {
        "one_unit": {
            gate: {
                "best_accuracy": max(result["best_accuracy"] for result in of),
                "smallest_loss": min(result["loss"] for result in of),
                "largest_loss": max(result["loss"] for result in of),
            }
            for gate, of in alone.items()
        },
        "xor_found": {name: _found(of) for name, of in xor.items()},
        "starts": {name: len(of) for name, of in xor.items()},
        "by_hand": {name: result["accuracy"] for name, result in by_hand.items()},
    }
    pictures = {
        "losses": lambda path: _draw_losses(path, alone, xor["2 sigmoids"]),
        "or-by-one-unit": lambda path: _draw_regions(
            path, "OR of the two features, learned by one unit", "OR", (), alone["OR"]
        ),
        "xor-by-two-hidden-units": lambda path: _draw_regions(
            path, "XOR of the two features, learned with two hidden sigmoids", "XOR", (2,), xor["2 sigmoids"]
        ),
    }
    return StudyReport(answer, findings, pictures)


def _found(results: Sequence[Result]) -> int:
    return sum(result["accuracy"] == 1 for result in results)


def _one_unit(alone: dict[str, list[Result]]) -> str:
    return "One unit without a hidden layer:\n\n" + table(
        {
            "gate": gate,
            "starts": len(of),
            "starts that learn it": _found(of),
            "best accuracy at any step": percent(max(result["best_accuracy"] for result in of)),
            "lowest final loss": f"{min(result['loss'] for result in of):.6f}",
            "highest final loss": f"{max(result['loss'] for result in of):.6f}",
        }
        for gate, of in alone.items()
    )


def _one_unit_in_words(alone: dict[str, list[Result]]) -> str:
    unit = alone["OR"][0]["weights"]
    weight, bias = (np.array(unit[name]) for name in ("0.weight", "0.bias"))
    found = _sum((weight[1] - weight[0]).tolist(), float(bias[1] - bias[0]), ("a", "b"))
    off = max(1e-12, *(abs(result["loss"] - math.log(2)) for result in alone["XOR"]))
    last = sorted({result["accuracy"] for result in alone["XOR"]})
    return (
        "The net without a hidden layer is a softmax of two classes. That is the same as one unit: the probability of "
        "1 is sigmoid(z), where z = v a + w b + c is the difference of the two logits. For OR, training finds "
        f"z = {found} (first start).\n\n"
        "One unit can learn OR and AND, because a straight line separates the two classes. No straight line separates "
        "those of XOR: for all weights, z(0, 0) + z(1, 1) = z(0, 1) + z(1, 0), but for XOR the left side would have to "
        "be negative and the right side positive. So at least one of the four corners (the four inputs) is wrong, and "
        "no accuracy is above 75%.\n\n"
        "Minimizing the loss of XOR does not even lead to weights with three right corners. The loss is the mean of "
        "`log(1 + e**t)` over four values of t: z(0, 0), z(1, 1), -z(0, 1) and -z(1, 0). These four sum to 0, and the "
        "function is strictly convex. So the mean is at least the function's value at 0, log 2, and it is equal to "
        "log 2 only if all four are 0, that is, if each corner has probability 1/2. Training ends there from every "
        f"start, within {off:.0e} of log 2 = {math.log(2):.6f}. The share of corners that are then right "
        f"({' or '.join(map(percent, last))}) is a matter of rounding."
    )


def _sum(weights: Sequence[float], bias: float, names: Sequence[str]) -> str:
    """Return a unit's weighted sum as text, such as "20 a + 20 b - 10"."""
    terms = [*zip(weights, names, strict=True), (bias, "")]
    text = " ".join(
        f"{'-' if value < 0 else '+'} {'' if abs(value) == 1 and name else f'{abs(value):.3g} '}{name}".strip()
        for value, name in terms
        if value or name
    )
    return text.removeprefix("+ ")


# Losses at which training gets stuck without finding XOR, because the net gives some corners the same output.
STUCK = {
    "two undecided": math.log(2) / 2,
    "three alike": (2 * math.log(3 / 2) + math.log(3)) / 4,
    "all alike": math.log(2),
}


def _with_hidden(xor: dict[str, list[Result]]) -> str:
    rows = []
    for name, of in xor.items():
        losses = [result["loss"] for result in of if result["accuracy"] < 1]
        stuck = {f"{what} ({loss:.2f})": sum(abs(x - loss) < 0.02 for x in losses) for what, loss in STUCK.items()}
        rows.append(
            {"hidden units": name, "starts": len(of), "starts that find XOR": _found(of), **stuck}
            | {"others": len(losses) - sum(stuck.values())}
        )
    return f"XOR with hidden units, {STEPS:,} steps at learning rate 1 from Xavier starts:\n\n{table(rows)}"


def _with_hidden_in_words(xor: dict[str, list[Result]]) -> str:
    two, four = ([_found(xor[f"{n} {kind}"]) for kind in NAMES.values()] for n in (2, 4))
    of = len(xor["2 sigmoids"])
    missed = [result for n in (2, 4) for result in xor[f"{n} ReLUs"] if result["accuracy"] < 1]
    off = sum(result["off"] > 0 for result in missed)
    return (
        "Two hidden units are enough for XOR, but training does not always find the weights. Two sigmoids find them "
        f"from {two[0]} of {of} starts, two ReLUs from {two[1]}. With four hidden units there are more solutions: "
        f"sigmoids find one from {four[0]} of {of} starts, ReLUs from {four[1]}.\n\n"
        "The last four columns count the starts that do not find XOR, by their final loss, to within 0.02:\n\n"
        "- Two undecided: the loss is half of log 2. Two corners are right with confidence, and the other two have "
        "probability 1/2.\n"
        f"- Three alike: the loss is {STUCK['three alike']:.2f}. Three corners have the same probability, one third or "
        "two thirds.\n"
        "- All alike: the loss is log 2. All four corners have probability 1/2.\n\n"
        "ReLUs miss XOR more often than sigmoids. A ReLU with a negative sum is off: its slope is 0, so it gets no "
        f"gradient. In {off} of the {len(missed)} nets of ReLUs that miss XOR, at least one ReLU is off at all four "
        "corners. Then no gradient can switch it on again."
    )


def _hands(by_hand: dict[str, Result]) -> str:
    rows = [
        {
            "by hand": name,
            "hidden units": _hidden_sums(name),
            "probability of 1": f"sigmoid({_output_sum(name)})",
            **{f"{a:g} {b:g}": p for (a, b), p in zip(CORNERS, result["probability"], strict=True)},
        }
        for name, result in by_hand.items()
    ]
    return (
        f"{table(rows)}\n\nThese nets have weights chosen by hand. The unit for OR is on if at least one input is on. "
        "For XOR with two sigmoids, the first hidden unit is on if at least one input is on, and the second if both "
        "are; the output is on if the first is on and the second is not. For XOR with two ReLUs, the first hidden unit "
        "counts the inputs that are on, and the second is 1 only if both are on; the output subtracts the second twice "
        "from the first, which leaves 1 if exactly one input is on, and otherwise 0."
    )


def _hidden_sums(name: str) -> str:
    _, activation, state = BY_HAND[name]
    if len(state) == 2:
        return ""
    units = zip(state["0.weight"], state["0.bias"], strict=True)
    return ", ".join(
        f"h{n + 1} = {activation}({_sum(weights, bias, ('a', 'b'))})" for n, (weights, bias) in enumerate(units)
    )


def _output_sum(name: str) -> str:
    _, _, state = BY_HAND[name]
    layer = len(state) - 2
    weights, bias = state[f"{layer}.weight"][1], state[f"{layer}.bias"][1]
    return _sum(weights, bias, ("a", "b") if layer == 0 else ("h1", "h2"))


def _draw_losses(path: Path, alone: dict[str, list[Result]], xor: list[Result]) -> None:
    from ... import plots

    steps = [*range(1, STEPS + 1)]
    units = {gate: (steps, of[0]["train_loss"]) for gate, of in alone.items()}
    hidden = {f"start {n + 1}": (steps, result["train_loss"]) for n, result in enumerate(xor[:6])}
    plots.panels(
        [
            plots.Panel("One unit", "step", "loss (nats)", units, "y"),
            plots.Panel("XOR with two hidden sigmoids", "step", "loss (nats)", hidden, "y"),
        ],
        path=path,
    )


def _draw_regions(path: Path, title: str, gate: str, hidden: tuple[int, ...], of: Sequence[Result]) -> None:
    from ... import plots

    learned = next((result for result in of if result["accuracy"] == 1), of[0])
    net = _net(hidden, "sigmoid")
    net.load_state_dict(learned["weights"])
    plots.scatter_2d(CORNERS, GATES[gate], ["0", "1"], title=title, predict=net.predict, path=path)


STUDY = Study(
    "logic-gates",
    "OR, XOR and hidden units",
    "What can one unit learn, why can it not learn XOR, and what do two hidden units change?",
    tasks,
    report,
)
