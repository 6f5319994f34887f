"""Losses: immutable descriptions of the function that training minimizes, written once for all tiers.

A loss is a class here and an op at each tier. Sample weights, class weights and ignored labels are combined into one
weight per sample before training begins; the mean loss divides by the sum of these weights.
"""

import operator
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from .arguments import chosen, make_number, number, shown


@dataclass(frozen=True)
class Loss:
    """Base class of all losses: a function of outputs and targets, averaged over the samples.

    The op in a tier file returns the loss of each sample. A tier returns the sum over its chunk, and a network returns
    the mean over all samples.

    Attributes
    ----------
    op : str
        Name of the tier's function, and of the loss.
    targets : {"classes", "values", "fractions", "signs", "tokens"}
        The contents of y. "classes": labels (N,), or probabilities (N, C). "values": any finite numbers, (N, O), or
        (N,) for one output. "fractions": numbers from 0 to 1, shaped as values. "signs": -1 and 1, (N,). A column
        (N, 1) counts as (N,). "tokens": token numbers (N, T), with -1 where there is no target.
    axes : int
        Number of axes of one sample's output: 1 for a row (O,), 2 for a document (T, C).
    """

    op: ClassVar[str]
    targets: ClassVar[str] = "values"
    axes: ClassVar[int] = 1

    @property
    def name(self) -> str:
        """Name of the loss for `Network` and the command line."""
        return self.op

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the tier's functions that the loss calls."""
        return (self.op,)

    def forward(self, tier: Any, output: Any, target: Any, weight: Any = None) -> Any:
        """Return the weighted sum of the losses of a chunk, and its vjp.

        By default, calls the tier's function named by `op`.

        Parameters
        ----------
        tier : object
            The tier's functions as returned by `tiers.functions_of`, which take a weight.
        output : array of the tier
        target : array of the tier, or a number
        weight : array of the tier or number, optional
            Weight of each sample.

        Returns
        -------
        loss : float
        vjps : tuple of one function
            From dL/dloss to dL/doutput.
        """
        return getattr(tier, self.op)(output, target, weight=weight)

    def outputs_for(self, n_classes: int) -> int:
        """Return how many outputs a net with this loss needs to distinguish n classes."""
        return n_classes

    def check_outputs(self, n_outputs: int) -> None:
        """Raise ValueError if a net with this loss cannot have n outputs."""

    def predictions(self, outputs: Any) -> Any:
        """Return predictions from the net's outputs (N, O): by default the outputs themselves."""
        return outputs

    def logits(self, outputs: Any) -> Any:
        """Return the logits that `predict_proba` converts to probabilities: by default the outputs (N, O)."""
        return outputs

    def probabilities(self, tier: Any, outputs: Any) -> Any:
        """Return class probabilities from the outputs of a chunk; raise ValueError if the loss has no classes."""
        raise ValueError(f"predict_proba: a net with loss {self.name!r} gives values, not probabilities: call predict")


@dataclass(frozen=True)
class SoftmaxCrossEntropy(Loss):
    """Negative log of the probability that softmax assigns to the right class, in nats.

    Parameters
    ----------
    smoothing : float
        Share of the target that is spread over all classes, from 0 to below 1 (Szegedy et al. 2016,
        https://arxiv.org/abs/1512.00567, section 7).
    class_weights : sequence of float, optional
        Weight of the samples of each class, at least 0; a dict must have the keys 0 to C - 1. Works only with labels,
        and not with smoothing: PyTorch weights the smoothed share class by class, which a single weight per sample
        cannot do.
    ignore : int, optional
        Label of samples that do not count.
    """

    op: ClassVar[str] = "softmax_cross_entropy"
    targets: ClassVar[str] = "classes"
    smoothing: float = 0.0
    class_weights: tuple[float, ...] | None = None
    ignore: int | None = None

    def __post_init__(self) -> None:
        make_number(self, "smoothing", at_least=0, below=1)
        if self.ignore is not None:
            object.__setattr__(self, "ignore", label(self.ignore))
        if self.class_weights is not None:
            weights = _class_weights(self.class_weights)
            object.__setattr__(self, "class_weights", weights)
            if not any(weights):
                raise ValueError("SoftmaxCrossEntropy: class_weights are all 0, expected at least one above 0")
            if self.smoothing:
                raise ValueError(
                    "SoftmaxCrossEntropy: class_weights and smoothing do not go together, as the smoothed share "
                    "belongs to all classes: leave one of them out, or give fit a sample_weight"
                )

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the tier's functions that the loss calls."""
        return ("smoothed_cross_entropy",) if self.smoothing else (self.op,)

    def forward(self, tier: Any, output: Any, target: Any, weight: Any = None) -> Any:
        """Return the weighted sum of the losses of a chunk, for labels, and its vjp."""
        if self.smoothing:
            return tier.smoothed_cross_entropy(output, target, self.smoothing, weight=weight)
        return tier.softmax_cross_entropy(output, target, weight=weight)

    def check_outputs(self, n_outputs: int) -> None:
        """Raise ValueError unless there is one class weight per output."""
        if self.class_weights is not None and len(self.class_weights) != n_outputs:
            raise ValueError(
                f"SoftmaxCrossEntropy: got {len(self.class_weights)} class_weights, expected one for each of the net's "
                f"{n_outputs} outputs"
            )

    def predictions(self, outputs: Any) -> Any:
        """Return the most probable class of each sample, (N,); if several are equal, the first."""
        return outputs.argmax(axis=1)

    def probabilities(self, tier: Any, outputs: Any) -> Any:
        """Return the probability of each class, shaped as the outputs."""
        return tier.softmax(outputs)[0]


@dataclass(frozen=True)
class SoftTargets(SoftmaxCrossEntropy):
    """Softmax cross-entropy whose targets are a probability of each class, with the smoothing already applied."""

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the tier's functions that the loss calls."""
        return ("soft_cross_entropy",)

    def forward(self, tier: Any, output: Any, target: Any, weight: Any = None) -> Any:
        """Return the weighted sum of the losses of a chunk, for probabilities, and its vjp."""
        return tier.soft_cross_entropy(output, target, weight=weight)


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Binary cross-entropy in nats, computed from the logits; mean over the O outputs.

    Each output is a separate yes-or-no question. The probability of yes is sigmoid(logit). Targets are from 0 (no) to 1
    (yes): y is (N,) for one output, otherwise (N, O).
    """

    op: ClassVar[str] = "binary_cross_entropy"
    targets: ClassVar[str] = "fractions"

    def predictions(self, outputs: Any) -> Any:
        """Return 1 where the logit is above 0, otherwise 0: (N,) for one output, (N, O) for several."""
        yes = (outputs > 0).astype("int64")
        return yes[:, 0] if yes.shape[1] == 1 else yes

    def logits(self, outputs: Any) -> Any:
        """Return the logits of no and yes, (N, 2), if there is one output; otherwise the outputs themselves, (N, O)."""
        return outputs * [-1, 1] if outputs.shape[1] == 1 else outputs

    def probabilities(self, tier: Any, outputs: Any) -> Any:
        """Return the probability of yes for each output of a chunk."""
        return tier.sigmoid(outputs)[0]


@dataclass(frozen=True)
class Hinge(Loss):
    """Hinge loss max(0, 1 - target * output) of one output, for targets -1 and 1: no loss beyond a margin of 1."""

    op: ClassVar[str] = "hinge"
    targets: ClassVar[str] = "signs"

    def outputs_for(self, n_classes: int) -> int:
        """Return 1: the sign of a single output distinguishes two classes."""
        return 1

    def check_outputs(self, n_outputs: int) -> None:
        """Raise ValueError unless there is one output."""
        if n_outputs != 1:
            raise ValueError(f"hinge: the net has {n_outputs} outputs, expected one: end with Linear(..., 1)")

    def predictions(self, outputs: Any) -> Any:
        """Return 1 where the output is above 0, otherwise -1: (N,)."""
        return 2 * (outputs[:, 0] > 0).astype("int64") - 1


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Mean over the O outputs of (output - target)**2."""

    op: ClassVar[str] = "mean_squared_error"


@dataclass(frozen=True)
class MeanAbsoluteError(Loss):
    """Mean over the O outputs of abs(output - target): large errors count less than in `MeanSquaredError`."""

    op: ClassVar[str] = "mean_absolute_error"


@dataclass(frozen=True)
class NextTokenLoss(Loss):
    """Softmax cross-entropy of each token of a document, in nats; mean over the document's targets.

    The outputs are logits (N, T, V), the targets token numbers (N, T). -1 is no target: the padding of short documents,
    or a token that should not count. The mean over a mini-batch is that of its documents; with the numbers of their
    targets as sample weights, it is that of all targets.
    """

    op: ClassVar[str] = "next_token_loss"
    targets: ClassVar[str] = "tokens"
    axes: ClassVar[int] = 2

    def predictions(self, outputs: Any) -> Any:
        """Return the most probable next token at each position, (N, T); if several are equal, the first."""
        return outputs.argmax(axis=2)

    def logits(self, outputs: Any) -> Any:
        """Return the logits of all positions, (N T, V)."""
        return outputs.reshape(-1, outputs.shape[2])

    def probabilities(self, tier: Any, outputs: Any) -> Any:
        """Return the probability of each token, shaped as the outputs."""
        return tier.softmax(outputs)[0]


def _class_weights(given: Any) -> tuple[float, ...]:
    """Return one weight for each class from 0 to C - 1; raise ValueError unless they are numbers of at least 0."""
    if isinstance(given, Mapping) and {*given} == {*range(len(given))}:
        given = [given[k] for k in range(len(given))]
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise ValueError(
            f"SoftmaxCrossEntropy: class_weights is {shown(given)}, expected a weight for each class, such as [1, 2.5]"
        )
    return tuple(number("SoftmaxCrossEntropy: a class weight", weight, at_least=0) for weight in given)


def label(value: Any) -> int:
    """Return a label as an int, which may be negative; raise ValueError if it is not a whole number."""
    try:
        return operator.index(value)
    except TypeError:
        raise ValueError(f"SoftmaxCrossEntropy: ignore is {value!r}, expected a label such as -100") from None


LOSSES: dict[str, type[Loss]] = {
    loss.op: loss for loss in (SoftmaxCrossEntropy, MeanSquaredError, MeanAbsoluteError, BinaryCrossEntropy, Hinge)
}
ALL_LOSSES: dict[str, type[Loss]] = LOSSES | {NextTokenLoss.op: NextTokenLoss}  # also of documents


def get_loss(loss: str | type[Loss] | Loss, label_smoothing: float = 0.0) -> Loss:
    """Return a loss given by its name or class, with its default settings; a Loss is returned as it is.

    Raises
    ------
    ValueError
        If it is none of these, or label_smoothing is out of its range, or it is above 0 and the loss has no labels or
        has settings of its own.
    """
    smoothing = number("label_smoothing", label_smoothing, at_least=0, below=1)
    found = chosen("loss", loss, ALL_LOSSES, Loss, "a Loss such as SoftmaxCrossEntropy()")
    if not smoothing:
        return found
    if not isinstance(found, SoftmaxCrossEntropy):
        raise ValueError(
            f"label_smoothing is {smoothing:g}: the loss {found.name!r} has no labels to smooth; leave it at 0"
        )
    if found != SoftmaxCrossEntropy():
        raise ValueError(f"label_smoothing is {smoothing:g}: give it to the loss, SoftmaxCrossEntropy(smoothing=...)")
    return SoftmaxCrossEntropy(smoothing)
