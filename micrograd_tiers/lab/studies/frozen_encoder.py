"""Linear classifiers on the code of a frozen encoder and on the pixels."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from ...datasets import Dataset
from ...layers import Linear
from ...metrics import evaluate
from ...models import softmax_regression
from ...network import Network
from ...optimizers import Adam
from ...training import fit
from ._encoding import FULL, QUICK, Encoding
from .study import Study, StudyReport, by_epoch, percent, table
from .tasks import Result, Task

STARTS = {
    "pixels": "softmax regression on the 784 pixels",
    "trained": "linear layer on an autoencoder's encoder, frozen",
    "random": "linear layer on a random encoder, frozen",
    "tuned": "linear layer on an autoencoder's encoder, not frozen",
}


@dataclass(frozen=True)
class Classifier:
    """Train a linear classifier on the output of an encoder.

    Parameters
    ----------
    encoder : {"pixels", "trained", "random", "tuned"}
        No encoder; a trained one, frozen; a random one, frozen; or a trained one that is trained further.
    encoding : Encoding
        Settings of the encoder's training. The classifier has the same batch size, epochs and dtype.
    learning_rate : float
        Learning rate of Adam for the classifier.
    """

    encoder: str
    encoding: Encoding
    learning_rate: float = 0.003

    def run(self, data_dir: str | None) -> Result:
        """Return the scores, the number of trained parameters, and the training time of the classifier in seconds."""
        data = self.encoding.load(data_dir)
        net = self.start(data)
        start = time.perf_counter()
        history = fit(
            net, data.train_x, data.train_y, optimizer=Adam(self.learning_rate), batch_size=self.encoding.batch_size,
            epochs=self.encoding.epochs,
        )  # fmt: skip
        seconds = time.perf_counter() - start
        n_learned = sum(n for i, n in enumerate(net.summary().n_parameters) if i not in net.frozen)
        scores = evaluate(net, data.test_x, data.test_y)
        return {
            "train_loss": history.train_loss,
            "test_loss": scores["loss"],
            "test_accuracy": scores["accuracy"],
            "n_learned": n_learned,
            "seconds": seconds,
        }

    def start(self, data: Dataset) -> Network:
        """Return the net before its training with labels."""
        n_classes = len(data.class_names)
        if self.encoder == "pixels":
            return softmax_regression(data.train_x.shape[1], n_classes, dtype=self.encoding.dtype)
        encoder = self.encoding.train(data)[0]
        layers = encoder.layers[:3]  # Linear, ReLU, Linear: down to the code
        net = Network(
            [*layers, Linear(self.encoding.code, n_classes)], dtype=self.encoding.dtype, init="kaiming", seed=1
        )
        if self.encoder != "random":
            own = {
                name: array
                for name, array in encoder.state_dict().items()
                if name in ("0.weight", "0.bias", "2.weight", "2.bias")
            }
            net.load_state_dict(net.state_dict() | own)
        if self.encoder != "tuned":
            net.freeze(0, 1, 2)
        return net


def tasks(quick: bool) -> list[Task]:
    """Return a task for each encoder."""
    return [Classifier(encoder, QUICK if quick else FULL) for encoder in STARTS]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report accuracy, parameters and time."""
    encoding, rate = next((task.encoding, task.learning_rate) for task in tasks if isinstance(task, Classifier))
    by_encoder = dict(zip(STARTS, results, strict=True))
    rows = [
        {
            "classifier": STARTS[name],
            "trained parameters": r["n_learned"],
            "test accuracy": percent(r["test_accuracy"]),
            "test loss": r["test_loss"],
            "seconds": r["seconds"],
        }
        for name, r in by_encoder.items()
    ]
    pixels, frozen, random, tuned = (by_encoder[name] for name in STARTS)
    gap = pixels["test_accuracy"] - frozen["test_accuracy"]
    beside = f"{abs(gap) * 100:.1f} points {'behind' if gap > 0 else 'ahead of'} softmax regression on the pixels"
    answer = (
        f"The autoencoder is {encoding}. Its first half, the encoder, turns an image into a code of {encoding.code} "
        "numbers. A frozen encoder keeps its weights while the linear layer behind it is trained. The classifiers are "
        f"trained by Adam at {rate:g}, with the same batch size and epochs as the autoencoder.\n\n{table(rows)}\n\n"
        f"With {frozen['n_learned']:,} parameters instead of {pixels['n_learned']:,}, a linear layer on the frozen "
        f"code is {beside}. The code was learned without a single label. If the weights of the encoder are random "
        f"instead, the accuracy is {percent(random['test_accuracy'])}; the autoencoder's training makes the "
        "difference. The features that reconstruct an image are not all that is needed to classify it: if the trained "
        "encoder is not frozen, but trained further with the classifier, the accuracy is "
        f"{percent(tuned['test_accuracy'])}.\n\n"
        "The times are those of the classifier's training, without the training of the autoencoder. Frozen layers need "
        "no gradients, but their forward pass still takes time."
    )
    findings = {name: {"accuracy": r["test_accuracy"], "n_learned": r["n_learned"]} for name, r in by_encoder.items()}

    def draw(path: Path) -> None:
        from ... import plots

        lines = {STARTS[name]: by_epoch(r["train_loss"]) for name, r in by_encoder.items()}
        plots.panels([plots.Panel("Training loss", "epoch", "loss (nats)", lines, "y")], path=path)

    return StudyReport(answer, findings, {"loss": draw})


STUDY = Study(
    "frozen-encoder",
    "A linear classifier on a frozen encoder",
    "Is a code that was learned without labels a better start for a linear classifier than the pixels?",
    tasks,
    report,
)
