"""Vanishing gradients, in one saturated neuron and through many layers."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np

from ...models import mlp
from ...tiers import tensor
from .study import Study, StudyReport, by_epoch, table
from .tasks import Result, Task

WEIGHTS = (1.0, 10.0, 100.0)
# Figures for p and dL/dw in the course report.
COURSE = {1.0: ("0.731059", "2.874697e-01"), 10.0: ("0.999955", "9.082923e-05"), 100.0: ("1.000000", "0")}
ACTIVATIONS = ("sigmoid", "tanh", "relu")


@dataclass(frozen=True)
class SaturatedNeuron:
    """Compute dL/dw of one sigmoid neuron.

    The neuron is p = sigmoid(w x) and the loss is L = (p - t)**2, with x = 1 and t = 0, so dL/dw = 2 p p (1 - p).

    Parameters
    ----------
    weight : float
        The weight w.
    """

    KIND: ClassVar[str] = "Neuron"

    weight: float

    def run(self, data_dir: str | None) -> Result:
        """Return p and dL/dw in float32 and in float64, and dL/dw computed without cancellation."""
        result: Result = {}
        for dtype in ("float32", "float64"):
            w = np.array([[self.weight]], dtype)
            p = 1 / (1 + np.exp(-w))
            result |= {f"p_{dtype}": float(p[0, 0]), f"textbook_{dtype}": float((2 * p * p * (1 - p))[0, 0])}
        y, (dx,) = tensor.sigmoid(np.array([[self.weight]]))
        return result | {"stable": float(dx(2 * y)[0, 0])}


@dataclass(frozen=True)
class Depth:
    """Compute the gradients of a deep net before training, layer by layer.

    Parameters
    ----------
    activation : str
    depth : int
        Number of hidden layers, with 50 units each.
    """

    activation: str
    depth: int

    def run(self, data_dir: str | None) -> Result:
        """Return the root mean square of dL/dweight of each layer, on 200 random samples of 20 features."""
        init = "kaiming" if self.activation == "relu" else "xavier"
        net = mlp([20, *[50] * self.depth, 10], self.activation, init=init, seed=0)
        rng = np.random.default_rng(0)
        _, grads = net.loss_and_grads(rng.standard_normal((200, 20)), rng.integers(0, 10, 200))
        return {"rms": [float(np.sqrt((g**2).mean())) for name, g in grads.items() if name.endswith("weight")]}


def tasks(quick: bool) -> list[Task]:
    """Return tasks for the three neurons, and for a deep net of each activation."""
    return [*map(SaturatedNeuron, WEIGHTS), *(Depth(activation, 5 if quick else 20) for activation in ACTIVATIONS)]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the neuron's gradient, and the gradients of the first and the last layer of the deep nets."""
    done = [*zip(tasks, results, strict=True)]
    neurons = {task.weight: result for task, result in done if isinstance(task, SaturatedNeuron)}
    deep = {task.activation: result["rms"] for task, result in done if isinstance(task, Depth)}
    depth = next(task.depth for task in tasks if isinstance(task, Depth))
    rows = [
        {
            "w": w,
            "p (course report)": COURSE[w][0],
            "p (here)": f"{result['p_float32']:.6f}",
            "dL/dw (course report)": COURSE[w][1],
            "dL/dw (float32)": f"{result['textbook_float32']:.6e}",
            "dL/dw (float64)": f"{result['textbook_float64']:.6e}",
            "dL/dw (no cancellation)": f"{result['stable']:.6e}",
        }
        for w, result in neurons.items()
    ]
    by_depth = [
        {"activation": name, "first layer": rms[0], "last hidden layer": rms[-2], "first / last": rms[0] / rms[-2]}
        for name, rms in deep.items()
    ]
    answer = (
        f"{table(rows)}\n\n"
        "The table shows a sigmoid neuron p = sigmoid(w x) and the gradient dL/dw = 2 p (p - t) (1 - p) x of its loss "
        "`L = (p - t)**2`. The figures of the course report come out with input x = 1, target t = 0, no bias, and no "
        "factor 1/2 in the loss.\n\n"
        "The larger w is, the smaller the gradient, and the more of it is lost to rounding. The second figure of the "
        "course report, 9.082923e-05, is a result of float32, in which 1 - p has only three digits left. In float64 it "
        "is 9.078749e-05. At w = 100, p is rounded to 1 in both types, so 1 - p is 0, and so is the gradient. The true "
        "gradient is 7.4e-44. It is not lost if the slope of the sigmoid, p (1 - p), is computed without this "
        "subtraction, as `e / (1 + e)**2` with e = `exp(-w)` (last column).\n\n"
        f"{table(by_depth)}\n\n"
        f"The second table shows the root mean square of dL/dweight in nets of {depth} hidden layers before training. "
        "With sigmoids, the gradient vanishes on the way to the first layer. The slope of a sigmoid is at most 1/4, "
        "so, apart from the weights, each layer passes back a quarter of the gradient or less, and the first layers of "
        "a deep net hardly learn. tanh (slope up to 1) and ReLU (slope 1 where it is on) pass the gradient on."
    )
    findings = {
        "dL_dw": {f"{w:g}": result["textbook_float32"] for w, result in neurons.items()},
        "p": {f"{w:g}": result["p_float32"] for w, result in neurons.items()},
        "first_over_last": {name: rms[0] / rms[-2] for name, rms in deep.items()},
    }

    def draw(path: Path) -> None:
        from ... import plots

        x = np.linspace(-12, 12, 241)
        y, (dx,) = tensor.sigmoid(x[None])
        curves = {
            "sigmoid": (x.tolist(), y[0].tolist()),
            "its derivative": (x.tolist(), dx(np.ones_like(y))[0].tolist()),
        }
        layers = {name: by_epoch(rms) for name, rms in deep.items()}
        plots.panels(
            [
                plots.Panel("The sigmoid and its derivative", "x", "", curves),
                plots.Panel("Gradients at the start, by layer", "layer", "root mean square of dL/dweight", layers, "y"),
            ],
            path=path,
        )

    return StudyReport(answer, findings, {"gradients": draw})


STUDY = Study(
    "vanishing-gradient",
    "The vanishing gradient",
    "How small are the gradients of a saturated sigmoid, and of the first layers of a deep net?",
    tasks,
    report,
)
