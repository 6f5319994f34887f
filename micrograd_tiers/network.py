"""The network: a chain of layers with its weights, a loss, and the methods that predict and compute gradients.

Arguments are checked (`inputs.py`) and converted to arrays of the tier; results are converted back to ndarrays.
Backpropagation is the loop in `backprop.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arguments import shown
from .backprop import backprop
from .conversion import as_dtype, as_numbers
from .initializers import Initializer
from .inputs import Array, check_samples, check_tier_has, checked_layers, dtype_at
from .layers import Layer
from .layers.base import Shape
from .losses import Loss, get_loss
from .targets import Targets, check_targets
from .tiers import Tier, get_tier, name_of
from .tiers.arrays import quiet
from .tiers.lists import total  # rounds once, so that the order of the losses does not matter
from .tiers.sums import Sum
from .weights import Chain

SLICE = 1024  # samples that forward() handles at a time, so that predicting a whole set does not fill the memory


def check_net(net: object) -> None:
    """Raise a ValueError unless the argument `net` is a Network."""
    if not isinstance(net, Network):
        raise ValueError(f"net is {shown(net)}, expected a Network such as two_layer_net(784, 300, 10)")


class Network(Chain):
    """A chain of layers with its weights, a loss, and the tier that computes them.

    Parameters
    ----------
    layers : sequence of Layer
        In the order of the forward pass.
    loss : str or Loss
        A name from `losses.ALL_LOSSES`, or a Loss such as ``SoftmaxCrossEntropy(smoothing=0.1)``; a class stands for a
        loss with default settings.
    tier : str or Tier
        "scalar", "vector" or "tensor", or a tier of your own (see `tiers.get_tier`).
    dtype : {"float64", "float32"}
        The scalar tier has only float64.
    exact : bool
        Exact mode: slower arithmetic that gives the same bits at every tier (see `tiers.exact`), for weights, outputs
        and, in float64, losses.
    init : str or callable
        Initializer of the weights (see `initializers.INITIALIZERS`); biases start at zero.
    label_smoothing : float
        Shorthand for the loss ``SoftmaxCrossEntropy(smoothing=...)``.
    seed : int or numpy.random.Generator
        Seed of the initial weights, which are the same at every tier.

    Attributes
    ----------
    loss : Loss
    layers : tuple of Layer
    tier : Tier
    parameters : dict
        Arrays of the tier, keyed as in `state_dict()`.
    frozen : frozenset of int
        Indices of the layers that do not learn.

    Raises
    ------
    ValueError
        If the layers do not fit each other or the loss, the tier lacks one of their ops, or a setting is unknown.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | type[Loss] | Loss = "softmax_cross_entropy",
        *,
        tier: str | Tier = "tensor",
        dtype: str = "float64",
        exact: bool = False,
        init: str | Initializer = "xavier",
        label_smoothing: float = 0.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        self.loss = get_loss(loss, label_smoothing)
        super().__init__(checked_layers(layers, self.loss), tier=tier, dtype=dtype, exact=exact, init=init, seed=seed)

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the functions that the tier must have."""
        return *super().ops, *self.loss.ops

    @property
    def label_smoothing(self) -> float:
        """Share of the target that is spread over all classes; 0 for losses without smoothing."""
        return getattr(self.loss, "smoothing", 0.0)

    @property
    def predicts_tokens(self) -> bool:
        """True if samples are documents and there is a target at each position; both may end with padding."""
        return self.layers[0].takes_tokens and self.loss.axes == 2

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        settings = f"tier={self.tier_name!r}, dtype={self.dtype!r}, exact={self.exact}"
        return f"Network([{layers}], loss={self.loss!r}, {settings})"

    def to(self, tier: str | Tier, *, exact: bool | None = None, dtype: str | None = None) -> Network:
        """Return a new net with the same weights and frozen layers at another tier; this one is not changed.

        Parameters
        ----------
        tier : str or Tier
            As in `Network`.
        exact, dtype
            As in `Network`; by default those of this net. At a tier without float32, such as the scalar tier, a float32
            net becomes float64, which represents the same weights.

        Returns
        -------
        Network

        Raises
        ------
        ValueError
            If the tier lacks one of the net's ops, or a setting is unknown.
        """
        exact = self.exact if exact is None else exact
        found = get_tier(tier, exact)  # once, as a tier file may take long to load
        dtype = dtype_at(found, self.dtype) if dtype is None else dtype
        net = Network(self.layers, self.loss, tier=found, dtype=dtype, exact=exact, init="zeros")
        if isinstance(tier, str) and name_of(found) is None:
            net.tier_name = tier
        net.load_state_dict(self.state_dict())
        net.freeze(*self.frozen)
        return net

    def check_samples(self, X: ArrayLike) -> Array:
        """Return X as an ndarray (N, ...) of the net's dtype, or of int64 for tokens, or raise a DataError."""
        return check_samples(X, self.layers, self.loss, self.dtype)

    # Predictions.

    @quiet
    def forward(self, X: ArrayLike) -> Array:
        """Return the output of the last layer: the logits of a classifier.

        Parameters
        ----------
        X : array_like, shape (N, I), (N, C, H, W) or (N, T)
            Samples: rows, or images or documents if that is what the first layer takes. Documents are token numbers,
            and short ones end with -1. NaN and infinity are allowed and affect only their own sample.

        Returns
        -------
        ndarray, shape (N, O), or (N, T, V) for documents

        Raises
        ------
        DataError
            If X is empty or not numeric, or its number of features is not that of the net.
        """
        samples = self.check_samples(X)
        return self._rows((self.run(x)[0] for (x,) in self._chunks(SLICE, samples)), self.loss.axes)

    @quiet
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class.

        Parameters
        ----------
        X : array_like, shape (N, I) or (N, C, H, W)
            As in `forward`.

        Returns
        -------
        ndarray, shape (N, C)
            With the loss "binary_cross_entropy" and one output, the probabilities of no and yes, (N, 2); with several
            outputs, the probability of yes for each, (N, O). With "next_token_loss", that of each token at each
            position, (N, T, V).

        Raises
        ------
        DataError
            As in `forward`.
        ValueError
            If the loss has no classes.
        """
        outputs = self.forward(X)
        chunks = self._chunks(SLICE, self.loss.logits(outputs))
        rows = self._rows(self.loss.probabilities(self.functions, z) for (z,) in chunks)
        return rows.reshape(*outputs.shape[:-1], -1)

    def predict(self, X: ArrayLike) -> Array:
        """Return the prediction for each sample.

        Parameters
        ----------
        X : array_like, shape (N, I) or (N, C, H, W)
            As in `forward`.

        Returns
        -------
        ndarray
            With the loss "softmax_cross_entropy", the most probable class, (N,). With "binary_cross_entropy", 0 or 1 by
            the sign of the output, (N,) for one output and (N, O) for several; with "hinge", -1 or 1, (N,); with
            "next_token_loss", the most probable next tokens, (N, T). With any other loss, the outputs themselves,
            (N, O).

        Raises
        ------
        DataError
            As in `forward`.
        """
        return np.asarray(self.loss.predictions(self.forward(X)))

    def _chunks(self, size: int, samples: Array, *targets: Any) -> Iterator[tuple[Any, ...]]:
        """Yield the chunks of samples and targets, converting `size` samples at a time to arrays of the tier."""
        for start in range(0, len(samples), size):
            part = slice(start, start + size)
            x = self.tier_samples(samples[part])
            yield from self.tier.chunks(x, *[array[part] for array in targets])

    def _rows(self, values: Iterable[Any], axes: int = 1) -> Array:
        """Return the values computed from all chunks as one ndarray; the value of one sample has so many axes."""
        arrays = map(self._ndarray, values)
        return np.concatenate([array[None] if array.ndim == axes else array for array in arrays])

    # Loss and gradients.

    def check_targets(
        self, y: ArrayLike, n_samples: int, sample_weight: ArrayLike | None = None, *, shape: Shape | None = None
    ) -> Targets:
        """Return y and the sample weights in the form that the loss takes, or raise a DataError that names the problem.

        `shape` is that of one sample, in case the first layer does not determine it.
        """
        output = self.shapes(shape)[-1] or (None,)
        length = shape[0] if shape is not None and self.loss.axes == 2 else None
        targets = check_targets(self.loss, y, n_samples, output[-1], self.dtype, sample_weight, length)
        check_tier_has(targets.loss.ops, self.tier, self.tier_name)
        return targets

    @quiet
    def loss_and_grads(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss over the samples and its gradient with respect to every parameter that is not frozen.

        As in training, batch normalization uses the mean and variance of these samples. Dropout drops nothing.

        Parameters
        ----------
        X : array_like, shape (N, I) or (N, C, H, W)
            Samples, as in `forward`.
        y : array_like
            Targets in the form the loss takes (see `losses`): class labels (N,) from 0 to C - 1, values (N, O), or (N,)
            for one output, next tokens (N, T), ...
        sample_weight : array_like, shape (N,), optional
            Weight of each sample, at least 0. The weighted sum of the losses is divided by the sum of the weights.

        Returns
        -------
        loss : float
            In nats per sample for cross-entropies.
        grads : dict of ndarray
            Keyed and shaped as in `state_dict()`.

        Raises
        ------
        DataError
            If samples, targets or weights do not fit the net.
        ValueError
            If a layer with batch normalization gets fewer than two numbers per channel.
        """
        X = self.check_samples(X)
        self.check_batch(X.shape)
        targets = self.check_targets(y, len(X), sample_weight, shape=X.shape[1:])
        x = self.tier_samples(X)
        loss, grads, _ = self.backprop(x, self.tier_targets(targets), prepared=targets)
        return loss, {name: self._ndarray(grads[name].value()) for name in self.parameters if name in grads}

    def backprop(
        self,
        x: Any,
        targets: tuple[Any, ...],
        factor: float = 1.0,
        noise: Sequence[Any] = (),
        *,
        prepared: Targets | None = None,
    ) -> tuple[float, dict[str, Sum], list[Any]]:
        """Return the mean loss of a mini-batch, its gradient times a factor, and the statistics of batch normalization.

        All arrays are the tier's own and are not checked.

        Parameters
        ----------
        x : array of the tier
        targets : tuple of array of the tier
            The targets and, if there are any, the sample weights.
        factor : float
            Factor of the gradients, such as ``optimizer.gradient_factor``.
        noise : sequence of array of the tier
            As in `run`.
        prepared : Targets, optional
            The `Targets` from which `targets` was made. They determine the loss, and the divisor of its sum. By
            default these are the net's own loss and the number of samples.

        Returns
        -------
        loss : float
        grads : dict of Sum
            Keyed as `parameters`: ``grads[name].value()`` is the gradient times `factor`, an array of the tier.
        seen : list
            For each layer, the statistics that `Layer.updated` needs, or None.
        """
        loss_fn, count = (prepared.loss, prepared.divisor) if prepared else (self.loss, len(targets[0]))
        losses, grads, seen = backprop(self.functions, self._training_steps, loss_fn, x, targets, factor / count, noise)
        return float(total(losses)) / count, grads, seen

    def mean_loss(self, outputs: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean loss of the outputs, shape (N, O) as from `forward`, for the targets y."""
        outputs = as_dtype(as_numbers(outputs, "outputs"), self.dtype, "outputs")
        return self.loss_of_outputs(outputs, self.check_targets(y, len(outputs), sample_weight))

    @quiet
    def loss_of_outputs(self, outputs: Array, targets: Targets) -> float:
        """Return the mean loss of the outputs (N, O) for targets as from `check_targets`."""
        # All samples at once, so that the sum is rounded once.
        chunks = self._chunks(len(outputs), outputs, *self.tier_targets(targets))
        losses = [float(targets.loss.forward(self.functions, *chunk)[0]) for chunk in chunks]
        return float(total(losses) / targets.divisor)
