"""Memory for the parameters, the training and the prediction of three nets, computed and measured."""

import gc
import tracemalloc
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...models import mlp
from ...optimizers import OPTIMIZERS, State
from ...summary import size_of
from .study import Study, StudyReport, table
from .tasks import Result, Task

NETS: tuple[tuple[int, ...], ...] = ((), (1,), (128,))  # hidden units between 784 inputs and 10 outputs
RULES = {"sgd": "SGD", "adam": "Adam"}
BATCH_SIZE = 256  # in the tables
PARTS = ("parameters", "gradients", "optimizer", "images", "outputs")
NUMBER = 8  # bytes of a float64


@dataclass(frozen=True)
class Memory:
    """Compute the memory of a 784-...-10 net with sigmoids, in float64, with `summary`, and measure it.

    Parameters
    ----------
    hidden : tuple of int
        Numbers of hidden units; () for softmax regression.
    optimizer : {"sgd", "adam"}
    batch_size : int
        Number of samples in a mini-batch.
    """

    hidden: tuple[int, ...]
    optimizer: str
    batch_size: int

    def run(self, data_dir: str | None) -> Result:
        """Return the computed and the measured memory in bytes, and the parts of the computed training memory."""
        net = mlp([784, *self.hidden, 10])
        optimizer = OPTIMIZERS[self.optimizer](0.1)
        summary = net.summary(batch_size=self.batch_size, optimizer_numbers=optimizer.numbers_per_parameter)
        parameters = summary.parameter_bytes
        images = NUMBER * self.batch_size * 784
        known = (parameters, parameters, optimizer.numbers_per_parameter * parameters, images)
        training, prediction = self._measured()
        return {
            "n_parameters": net.n_parameters,
            "numbers_per_parameter": optimizer.numbers_per_parameter,
            "training": summary.training_bytes,
            "training_measured": training,
            "prediction": summary.prediction_bytes,
            "prediction_measured": prediction,
            "parts": dict(zip(PARTS, (*known, summary.training_bytes - sum(known)), strict=True)),
        }

    def _measured(self) -> tuple[int, int]:
        """Return the peak memory of one training step and of one `forward`, in bytes.

        It includes the net, the mini-batch and the optimizer's state. tracemalloc sees NumPy's arrays and Python's
        objects, but not the work space of the BLAS library.
        """
        rng = np.random.default_rng(0)
        optimizer = OPTIMIZERS[self.optimizer](0.1)
        gc.collect()
        tracing = tracemalloc.is_tracing()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            net = mlp([784, *self.hidden, 10], seed=rng)
            x, y = rng.random((self.batch_size, 784)), rng.integers(0, 10, self.batch_size)
            optimizer_state: State = {}

            def step() -> None:
                _, grads, _ = net.backprop(x, (y,), optimizer.gradient_factor)
                optimizer.apply(net, grads, optimizer_state)

            prediction = _peak(lambda: net.forward(x)) - before
            return _peak(step) - before, prediction
        finally:
            if not tracing:
                tracemalloc.stop()


def _peak(function: Callable[[], object]) -> int:
    """Return the peak of traced memory, in bytes, in a second call of function; the first fills the caches."""
    function()
    tracemalloc.reset_peak()
    function()
    return tracemalloc.get_traced_memory()[1]


def tasks(quick: bool) -> list[Task]:
    """Return a task for each net, optimizer and batch size."""
    sizes = (1, 16, 64, BATCH_SIZE, 512) if quick else (1, 16, 32, 64, 128, BATCH_SIZE, 384, 512)
    return [Memory(hidden, optimizer, size) for hidden in NETS for optimizer in RULES for size in sizes]


def _name(hidden: Sequence[int]) -> str:
    return "-".join(map(str, (784, *hidden, 10)))


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the memory of each net, and its parts."""
    done = {
        (task.hidden, task.optimizer, task.batch_size): result
        for task, result in zip(tasks, results, strict=True)
        if isinstance(task, Memory)
    }
    at = {(hidden, rule): done[hidden, rule, BATCH_SIZE] for hidden in NETS for rule in RULES}
    answer = (
        f"The mini-batches have {BATCH_SIZE} samples in float64.\n\n{_totals(at)}\n\n"
        "The computed memory is the minimum for a step that stores all gradients. The measured memory is the peak in "
        "tracemalloc, Python's own memory tracer, during one training step (`backprop` and `optimizer.apply`) or "
        "during one `forward`. "
        f"{_excess(at)}\n\n"
        f"{_parts(at)}\n\n{_what_dominates(at)}\n\n{_what_adam_adds(at)}\n\n{_one_neuron(at)}"
    )
    findings = {
        "batch_size": BATCH_SIZE,
        "nets": {f"{_name(hidden)} {RULES[rule]}": result for (hidden, rule), result in at.items()},
    }

    def draw(path: Path) -> None:
        from ... import plots

        sizes = sorted({size for _, _, size in done})
        panels = []
        for hidden in NETS:
            lines = {}
            for what, rule, key in (
                ("Adam", "adam", "training"),
                ("SGD", "sgd", "training"),
                ("prediction", "sgd", "prediction"),
            ):
                for how, name in (("measured", f"{key}_measured"), ("computed", key)):
                    lines[f"{what}, {how}"] = sizes, [done[hidden, rule, size][name] / 1e6 for size in sizes]
            panels.append(plots.Panel(f"Memory of {_name(hidden)}", "batch size", "MB", lines, "y"))
        plots.panels(panels, path=path)

    return StudyReport(answer, findings, {"memory": draw})


At = dict[tuple[tuple[int, ...], str], Result]


def _totals(at: At) -> str:
    return table(
        {
            "net": _name(hidden),
            "optimizer": RULES[rule],
            "parameters": result["n_parameters"],
            "size of the parameters": size_of(result["parts"]["parameters"]),
            "training, computed": size_of(result["training"]),
            "training, measured": size_of(result["training_measured"]),
            "prediction, computed": size_of(result["prediction"]),
            "prediction, measured": size_of(result["prediction_measured"]),
        }
        for (hidden, rule), result in at.items()
    )


def _parts(at: At) -> str:
    """Return a table of the parts of training memory, and the batch size at which samples take half of it."""
    return table(
        {
            "net": _name(hidden),
            "optimizer": RULES[rule],
            **{f"training: {part}": size_of(result["parts"][part]) for part in PARTS},
            "break-even batch size": round(_of_parameters(result) / _of_a_sample(result)),
        }
        for (hidden, rule), result in at.items()
    )


def _of_parameters(result: Result) -> int:
    parts = result["parts"]
    held: int = parts["parameters"] + parts["gradients"] + parts["optimizer"]
    return held


def _of_a_sample(result: Result) -> float:
    parts = result["parts"]
    each: float = (parts["images"] + parts["outputs"]) / BATCH_SIZE
    return each


def _excess(at: At) -> str:
    def compared(hidden: tuple[int, ...], rule: str, key: str) -> str:
        result = at[hidden, rule]
        change = result[f"{key}_measured"] / result[key] - 1
        return f"{abs(change):.0%} {'more' if change >= 0 else 'less'} than computed"

    return (
        "The measured memory is higher where there are intermediate results. With 784-128-10 and Adam, a training step "
        f"takes {compared((128,), 'adam', 'training')}, because each intermediate result of Adam's formula is an array "
        f"as large as a layer's weights. Prediction takes {compared((128,), 'sgd', 'prediction')}, because each "
        "intermediate result of the sigmoid's formula is as large as its output. With SGD, a training step of this net "
        f"takes {compared((128,), 'sgd', 'training')}: the computed memory stores all gradients, but NumPy's BLAS "
        "library can add the gradient of a large weight straight to the weight."
    )


def _what_dominates(at: At) -> str:
    def share(hidden: tuple[int, ...], rule: str) -> str:
        result = at[hidden, rule]
        return f"{_of_parameters(result) / result['training']:.0%}"

    numbers, most = BATCH_SIZE * 784, max(result["n_parameters"] for result in at.values())
    small = [at[hidden, rule] for hidden in ((), (1,)) for rule in RULES]
    images = min(result["parts"]["images"] / result["training"] for result in small)
    prediction = min(result["prediction"] / result["training"] for result in small)
    return (
        f"In small nets, the images need most of the memory: {BATCH_SIZE} images are {numbers:,} numbers, and the nets "
        f"have at most {most:,} parameters. Without a hidden layer, or with one hidden neuron, the images take "
        f"{images:.0%} or more of the training memory. The parameters, with their gradients and the optimizer's state, "
        f"take {share((), 'sgd')} of the training memory of 784-10 with SGD, and {share((1,), 'sgd')} of that of "
        f"784-1-10 with SGD. With 128 hidden neurons, they take {share((128,), 'sgd')} with SGD and "
        f"{share((128,), 'adam')} with Adam.\n\n"
        "The balance depends on the batch size. The memory of the samples (images and outputs) is proportional to it, "
        "and the memory of the parameters (with gradients and state) does not depend on it. The two are equal at the "
        "break-even batch size in the last column. In smaller batches the parameters take more, in larger ones the "
        "samples do.\n\n"
        "Prediction needs less memory than training: no gradients, no optimizer state, and the input and output of "
        "only one layer at a time. But without a hidden layer, or with one hidden neuron, this is still "
        f"{prediction:.0%} or more of the training memory, because the images are the largest part of both."
    )


def _what_adam_adds(at: At) -> str:
    adds = {hidden: at[hidden, "adam"]["training"] - at[hidden, "sgd"]["training"] for hidden in NETS}
    return (
        "Adam needs twice as much memory for each parameter as SGD. SGD needs two numbers, the parameter and its "
        "gradient, and keeps no state. Adam keeps "
        f"{at[(), 'adam']['numbers_per_parameter']} more from step to step: the running mean of the gradient, and that "
        "of its square. (It divides the first by the root of the second.) This state is twice the size of the "
        "parameters, at any batch size: "
        + ", ".join(f"{size_of(n)} for {_name(hidden)}" for hidden, n in adds.items())
        + ". Prediction does not depend on the optimizer."
    )


def _one_neuron(at: At) -> str:
    softmax, one = at[(), "sgd"], at[(1,), "sgd"]
    tenth = softmax["n_parameters"] // 10
    return (
        "One hidden neuron saves many parameters, but hardly any memory. Softmax regression has "
        f"{softmax['n_parameters']:,} parameters: ten neurons see the image, with 784 weights and a bias each. The net "
        f"with one hidden neuron has {one['n_parameters']}: only one neuron sees the image, and "
        f"{one['n_parameters'] - tenth} more numbers, ten weights and ten biases, connect it to the classes. But "
        f"training needs almost as much memory ({size_of(one['training'])} instead of "
        f"{size_of(softmax['training'])}), because the images take the same memory. And the output layer gets only one "
        "number per image."
    )


STUDY = Study(
    "memory",
    "Where memory goes",
    "How much memory do training and prediction need, and for what? The nets have no hidden neuron, one or "
    "128, and are trained by SGD or by Adam.",
    tasks,
    report,
)
