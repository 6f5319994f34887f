"""History of a training run: its losses and accuracies, and the table and the curve that a notebook shows of them."""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, field

from . import html

MOST_ROWS = 8  # of the table


@dataclass
class History:
    """Losses and accuracies of a training run; a notebook shows a table and a curve of them.

    Attributes
    ----------
    batch_loss : list of float
        Mean loss of each mini-batch, before the step on it.
    train_loss : list of float
        One entry per epoch: the mean loss of its samples. Each loss is computed before the step on the sample's
        mini-batch.
    validation_loss, validation_accuracy : list of float
        One entry per epoch, for the weights at its end. Empty without a validation set; the accuracy is also empty for
        nets that do not classify.
    """

    batch_loss: list[float] = field(default_factory=list)
    train_loss: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_accuracy: list[float] = field(default_factory=list)

    def diverges(self, loss: float) -> bool:
        """Return True if a later loss is over 10,000, and over 10,000 times that of the first mini-batch."""
        return loss > 1e4 * max([1.0, *self.batch_loss[:1]])

    __copy__ = deepcopy  # a copy shares nothing

    def __repr__(self) -> str:
        return f"<History: {'; '.join([self._length, *self._courses(), *self._notes()])}>"

    def _repr_html_(self) -> str:
        columns = {"training loss": self.train_loss, "validation loss": self.validation_loss}
        columns = {name: losses for name, losses in columns.items() if losses}
        texts = {name: [html.number(loss) for loss in losses] for name, losses in columns.items()}
        if self.validation_accuracy:
            texts["validation accuracy"] = [f"{share:.2%}" for share in self.validation_accuracy]
        n = max(map(len, texts.values()), default=0)
        shown = {round(k * (n - 1) / (MOST_ROWS - 1)) for k in range(MOST_ROWS)} if n else set()
        if best := _lowest(self.validation_loss):
            shown.add(best - 1)
        rows = [
            [f"{i + 1:,}", *(column[i] if i < len(column) else "" for column in texts.values())] for i in sorted(shown)
        ]
        table = html.table(["epoch", *texts], rows, f"History: {self._length}", self._notes())
        if n > 1:
            return table + self._chart(columns, "epoch")
        table = table if n else f"<b>History: {self._length}</b><div>{'; '.join(self._notes())}</div>"
        return table + self._chart({"loss of the mini-batch": self.batch_loss}, "mini-batch")

    @property
    def _length(self) -> str:
        epochs, batches = len(self.train_loss), len(self.batch_loss)
        return f"{epochs:,} epoch{'s' * (epochs != 1)}, {batches:,} mini-batch{'es' * (batches != 1)}"

    def _courses(self) -> list[str]:
        """Return how each quantity went: "training loss 2.301 to 0.1234"."""
        losses = {"training loss": self.train_loss, "validation loss": self.validation_loss}
        ends = {name: [html.number(x) for x in (xs[0], xs[-1])] for name, xs in losses.items() if xs}
        if shares := self.validation_accuracy:
            ends["validation accuracy"] = [f"{shares[0]:.2%}", f"{shares[-1]:.2%}"]
        return [f"{name} {' to '.join(dict.fromkeys(pair))}" for name, pair in ends.items()]

    def _notes(self) -> list[str]:
        notes = []
        if best := _lowest(self.validation_loss):
            notes.append(f"lowest validation loss {html.number(self.validation_loss[best - 1])} in epoch {best:,}")
        bad = next((i for i, loss in enumerate(self.batch_loss) if not math.isfinite(loss)), None)
        if bad is not None:
            notes.append(f"mini-batch {bad + 1:,} has the loss {self.batch_loss[bad]}")
        return notes

    def _chart(self, lines: dict[str, list[float]], unit: str) -> str:
        finite = [loss for line in lines.values() for loss in line if math.isfinite(loss)]
        if not finite:
            return ""
        log = 0 < 20 * min(finite) < max(finite)
        n = max(map(len, lines.values()))
        courses = self._courses() if unit == "epoch" else [f"loss from {html.number(finite[0])} to {finite[-1]:.4g}"]
        names = {name + ", logarithmic" * log: line for name, line in lines.items()}
        ends = (f"{unit} 1", f"{unit} {n:,}" if n > 1 else "")
        return html.chart(names, f"Curve by {unit}: {', '.join(courses)}", ends=ends, log=log)


def _lowest(losses: Sequence[float]) -> int:
    """Return the number of the epoch with the lowest finite loss; 0 if there is none."""
    finite = [loss for loss in losses if math.isfinite(loss)]
    return 1 + losses.index(min(finite)) if finite else 0
