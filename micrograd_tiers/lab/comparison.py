"""Comparison of tiers: train one net from the same weights on the same samples at each tier.

The first tier is the reference. It trains for as many steps as its time allows. Each other tier takes the same steps,
is compared with the reference, and then completes the epoch. The results are the differences and the speeds. Nets that
read documents also draw new ones after the common steps.
"""

import hashlib
import math
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .. import html
from ..arguments import number
from ..colors import OTHER_TIER_COLORS, TIER_COLORS
from ..datasets import Dataset, Documents
from ..errors import DivergedError
from ..metrics import evaluate
from ..network import Network
from ..optimizers import Optimizer
from ..schedules import Schedule
from ..text import generate
from ..tiers import TIERS
from ..trainer import Trainer
from ..weights import parameter_shapes

HEAD = ("tier", "samples/s", "weights off by", "losses off by", "test loss", "accuracy", "after the epoch")
N_DOCUMENTS, TEMPERATURE = 10, 0.5  # of the documents that are drawn
SAME = 1e-13  # relative to the largest weight; in a few epochs of stable float64 training, rounding adds up to less


@dataclass
class TierResult:
    """Results of one tier.

    Attributes
    ----------
    tier : str
        Name of the tier.
    samples_per_second : float
        Training speed over all its steps.
    loss, accuracy : float
        Loss and accuracy on the first `n_scored` test samples, computed at this tier, after the common steps.
    weight_difference : float
        Largest absolute difference from the reference tier's weights, after the common steps.
    loss_difference : float
        Largest absolute difference from the reference tier's training losses, over the common steps.
    sha256 : str
        SHA-256 of the weights, after the common steps.
    epoch_loss, epoch_accuracy : float or None
        Loss and accuracy on the whole test set after one epoch; None if this tier did not complete it.
    batch_loss : list of float
        Training loss of each mini-batch.
    documents : list of str
        New documents, drawn at this tier after the common steps; empty for other nets.
    """

    tier: str
    samples_per_second: float = 0.0
    loss: float = 0.0
    accuracy: float = 0.0
    weight_difference: float = 0.0
    loss_difference: float = 0.0
    sha256: str = ""
    epoch_loss: float | None = None
    epoch_accuracy: float | None = None
    batch_loss: list[float] = field(default_factory=list)
    documents: list[str] = field(default_factory=list)

    def __repr__(self) -> str:
        return f"<TierResult {', '.join(f'{name}: {text}' for name, text in zip(HEAD, self.cells(), strict=True))}>"

    def _repr_html_(self) -> str:
        return html.table(HEAD, [self.cells()])

    def cells(self) -> tuple[str, ...]:
        """Return the tier's row of the table of a comparison."""
        differences = (f"{x:.1e}" for x in (self.weight_difference, self.loss_difference))
        epoch = "" if self.epoch_accuracy is None else f"{self.epoch_accuracy:.2%}"
        scores = (html.number(self.loss), f"{self.accuracy:.2%}")
        return self.tier, f"{self.samples_per_second:,.0f}", *differences, *scores, epoch


@dataclass
class Comparison:
    """Results of all tiers with one net on one data set.

    Attributes
    ----------
    net : str
        Sizes of the net: "784-300-10"; or "GPT of 4,192 parameters".
    data_name, data_source : str
        Name and source of the data set, as in `Dataset`.
    batch_size, steps, steps_per_epoch, n_samples, n_scored : int
        `steps` is the number of common steps, which all tiers took; `n_scored` is the number of test samples that
        they were scored on.
    exact : bool
        True in exact mode.
    learning_rate : float
        Learning rate of the optimizer.
    largest_weight : float
        Largest absolute weight of the reference tier after the common steps.
    tiers : list of TierResult
        Results of each tier, the reference first.
    """

    net: str
    data_name: str
    data_source: str
    exact: bool
    learning_rate: float
    batch_size: int
    n_samples: int
    n_scored: int
    steps: int
    steps_per_epoch: int
    largest_weight: float
    tiers: list[TierResult]

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(result.tier for result in self.tiers)}: {self._title}. {self.verdict}>"

    def _repr_html_(self) -> str:
        lines = {result.tier: result.batch_loss for result in self.tiers}
        others = iter(OTHER_TIER_COLORS * len(lines))
        colors = [TIER_COLORS.get(tier) or next(others) for tier in lines]
        longest = max(map(len, lines.values()))
        chart = html.chart(
            lines, f"Training loss of each tier over {longest:,} mini-batches",
            ends=("mini-batch 1", f"mini-batch {longest:,}"), colors=colors,
        )  # fmt: skip
        return html.table(HEAD, [result.cells() for result in self.tiers], self._title, [self.verdict]) + chart

    @property
    def _title(self) -> str:
        exact = ", exact" * self.exact
        return f"{self.net} on {self.data_name}{exact}, {self.steps:,} common steps of {self.batch_size:,} samples"

    @property
    def data(self) -> str:
        """Name and source of the data set."""
        return f"{self.data_name}, {self.data_source}"

    def as_json(self) -> dict[str, Any]:
        """Return all fields, with `same` and `verdict`, for a JSON file."""
        content = {"net": self.net, "data": self.data, **asdict(self), "same": self.same, "verdict": self.verdict}
        del content["data_name"], content["data_source"]
        return content

    @property
    def same(self) -> bool:
        """True if weights and losses are equal: bit for bit in exact mode, to within rounding error otherwise."""
        if self.exact:
            return len({result.sha256 for result in self.tiers}) == 1 and self._worst("loss_difference")[0] == 0
        return self._worst_weight <= SAME and self._worst_loss <= SAME

    def _worst(self, name: str) -> tuple[float, str]:
        """Return the largest value of a field of the results, NaN if any is NaN, and the tier that has it."""
        differences = [getattr(result, name) for result in self.tiers]
        worst = int(np.argmax(differences))  # argmax returns the first NaN if there is one
        return differences[worst], self.tiers[worst].tier

    @property
    def _worst_weight(self) -> float:
        return self._worst("weight_difference")[0] / (self.largest_weight or 1.0)

    @property
    def _worst_loss(self) -> float:
        return self._worst("loss_difference")[0] / max(1.0, *self.tiers[0].batch_loss[: self.steps])

    @property
    def verdict(self) -> str:
        """Verdict in one sentence: same network or not, and by how much the tiers differ."""
        after = f"After {self.steps:,} {'step' if self.steps == 1 else 'steps'}"
        difference, tier = self._worst("weight_difference")
        if self.exact and self.same:
            return f"{after} all tiers hold the same weights, bit for bit: they are the same network."
        if self.same:
            return (
                f"{after} no weight differs by more than {difference:.1e}, which is {self._worst_weight:.1e} of the "
                "largest: apart from rounding they are the same network."
            )
        if self._worst_weight <= SAME:
            difference, tier = self._worst("loss_difference")
            return (
                f"{after} the weights agree, but training losses of the {tier} tier are off by up to {difference:.1e}: "
                "it is NOT the same network."
            )
        sentence = (
            f"{after} weights of the {tier} tier are off by up to {difference:.1e}, which is {self._worst_weight:.1e} "
            "of the largest: it is NOT the same network"
        )
        if tier in TIERS and not self.exact:
            return f"{sentence}, or training is chaotic at this learning rate: run again with --exact to find out."
        return f"{sentence}."


def compare_tiers(
    net: Network,
    data: Dataset,
    *,
    tiers: Sequence[str],
    optimizer: Optimizer,
    batch_size: int,
    seconds: float,
    seed: int,
    schedule: str | Schedule | None = None,
    report: Callable[[str], None] = lambda message: None,
) -> Comparison:
    """Train copies of a net at several tiers and compare them.

    Parameters
    ----------
    net : Network
        Net with the architecture, the starting weights and the mode (exact or fast); it is not changed.
    data : Dataset
        Data to train and score on.
    tiers : sequence of str
        Names of the tiers; the first is the reference.
    optimizer, batch_size, seed, schedule
        Training settings, as in `fit`. New documents are drawn with the same seed.
    seconds : float
        Training time of the reference tier, above 0; it takes at least one step and at most one epoch.
    report : callable
        Called with a message about the progress.

    Returns
    -------
    Comparison
        Results of all tiers.

    Raises
    ------
    ValueError
        If seconds is not above 0.
    DivergedError
        If a tier's test loss is not finite.
    """
    number("seconds", seconds, above=0)
    train = partial(Trainer, optimizer=optimizer, batch_size=batch_size, seed=seed, schedule=schedule)
    trainers = [train(net.to(tier), data.train_x, data.train_y) for tier in tiers]
    # A slow tier can score this many test samples in a second or two.
    n_scored = min(len(data.test_x), max(100, 50_000_000 // max(1, net.n_parameters)))
    scored = data.test_x[:n_scored], data.test_y[:n_scored]

    results = []
    reference: dict[str, NDArray[np.float64]] = {}
    steps = trainers[0].steps_per_epoch
    for trainer in trainers:
        result = TierResult(trainer.net.tier_name)
        report(f"{result.tier}: training")
        elapsed = _train(trainer, steps, seconds if trainer is trainers[0] else float("inf"))
        weights = trainer.net.state_dict()
        if trainer is trainers[0]:
            steps = len(trainer.history.batch_loss)
            reference = weights
        result.weight_difference = _largest(weights[key] - reference[key] for key in reference)
        result.sha256 = sha256_of_weights(trainer.net)
        scores = evaluate(trainer.net, *scored)
        result.loss, result.accuracy = scores["loss"], scores["accuracy"]
        losses = np.array([t.history.batch_loss[:steps] for t in (trainers[0], trainer)])
        result.loss_difference = float(np.abs(losses[1] - losses[0]).max())
        _stop_if_not_finite(result.tier, result.loss)
        if isinstance(data, Documents):
            report(f"{result.tier}: drawing {N_DOCUMENTS} documents")
            result.documents = generate(trainer.net, data.tokenizer, N_DOCUMENTS, temperature=TEMPERATURE, seed=seed)

        if trainer is not trainers[0]:
            elapsed += _train(trainer, trainer.steps_per_epoch, float("inf"))
        if trainer.finished:
            report(f"{result.tier}: scoring {len(data.test_x):,} test samples")
            scores = evaluate(trainer.net, data.test_x, data.test_y)
            result.epoch_loss, result.epoch_accuracy = scores["loss"], scores["accuracy"]
            _stop_if_not_finite(result.tier, result.epoch_loss)
        result.batch_loss = trainer.history.batch_loss
        result.samples_per_second = min(len(result.batch_loss) * batch_size, trainer.n_samples) / elapsed
        results.append(result)

    return Comparison(
        net=_described(net),
        data_name=data.name,
        data_source=data.source,
        exact=net.exact,
        learning_rate=optimizer.learning_rate,
        batch_size=batch_size,
        n_samples=trainers[0].n_samples,
        n_scored=n_scored,
        steps=steps,
        steps_per_epoch=trainers[0].steps_per_epoch,
        largest_weight=_largest(reference.values()),
        tiers=results,
    )


def sha256_of_weights(net: Network) -> str:
    """Return the SHA-256 of all weights' bytes, in the order of `state_dict()`."""
    digest = hashlib.sha256()
    for array in net.state_dict().values():
        digest.update(array.tobytes())
    return digest.hexdigest()


def _stop_if_not_finite(tier: str, loss: float) -> None:
    if not math.isfinite(loss):
        raise DivergedError(f"training diverged: the {tier} tier's test loss is {loss}; try a lower learning rate")


def _train(trainer: Trainer, steps: int, seconds: float) -> float:
    """Train until `steps` steps are taken in total, or the epoch or the time is over; return the seconds it took."""
    start = time.perf_counter()
    while len(trainer.history.batch_loss) < steps and not trainer.finished:
        trainer.step()
        if time.perf_counter() - start > seconds:
            break
    return time.perf_counter() - start


def _largest(arrays: Iterable[NDArray[np.float64]]) -> float:
    """Return the largest absolute value, NaN if any value is NaN."""
    return float(np.max([np.abs(array).max() for array in arrays]))


def _described(net: Network) -> str:
    if net.predicts_tokens:
        return f"GPT of {net.n_parameters:,} parameters"
    return "-".join(map(str, _sizes(net)))


def _sizes(net: Network) -> Iterator[int]:
    shapes = [shape for name, shape in parameter_shapes(net.layers).items() if name.endswith("weight")]
    yield shapes[0][1]
    for shape in shapes:
        yield shape[0]
