"""The network: a chain of layers with its weights. Backpropagation is the loop in `backprop.py`.

What users hand in is checked here, once, and turned into arrays of the tier; what they get back are ndarrays again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .backprop import Step, backprop, forward
from .errors import DataError
from .initializers import Initializer, get_initializer
from .inputs import as_numbers, check_state, checked_dtype, parameter_shapes
from .layers import Layer
from .layers.base import Shape
from .losses import Loss, get_loss
from .rng import generator
from .summary import Summary, summary_of
from .targets import Targets, check_targets
from .tiers import COUPLED, SUPPORT, Tier, functions_of, get_tier, name_of
from .tiers.arrays import quiet
from .tiers.lists import total  # rounds once, so that the order of the losses does not matter

Array = NDArray[Any]

SLICE = 1024  # samples that forward() handles at a time, so that predicting a whole set does not fill the memory


class Network:
    """A chain of layers, its weights, a loss, and the tier that computes them.

    Parameters
    ----------
    layers : sequence of Layer
        In the order in which a sample passes them.
    loss : str or Loss
        A name from `losses.LOSSES`, or a Loss such as ``SoftmaxCrossEntropy(smoothing=0.1)``.
    tier : str or Tier
        "scalar", "vector" or "tensor", or a tier of your own (see `tiers.get_tier`).
    dtype : {"float64", "float32"}
        The scalar tier has float64 only.
    exact : bool
        Slower arithmetic that gives the same bits at every tier (see `tiers.exact`): weights, outputs, and in float64
        the losses too.
    init : str or callable
        Initializer of the weights (see `initializers.INITIALIZERS`); biases start at zero.
    label_smoothing : float
        Another spelling of ``SoftmaxCrossEntropy(smoothing=...)``.
    seed : int or numpy.random.Generator
        Source of the starting weights; the same numbers at every tier.

    Attributes
    ----------
    loss : Loss
    tier : Tier
    functions : object
        The tier's functions as the network calls them: unchecked, as it has checked its arrays.
    parameters : dict
        Arrays of the tier, keyed as in `state_dict()`.
    frozen : frozenset of int
        Numbers of the layers that do not learn.

    Raises
    ------
    ValueError
        If layers do not fit together, or a name is not known.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str | Loss = "softmax_cross_entropy",
        *,
        tier: str | Tier = "tensor",
        dtype: str = "float64",
        exact: bool = False,
        init: str | Initializer = "xavier",
        label_smoothing: float = 0.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        self.layers = tuple(layers)
        self.loss = get_loss(loss, label_smoothing)
        self.tier = get_tier(tier, exact)
        built_in = name_of(self.tier)
        self.exact = built_in is not None and built_in[1]
        if built_in is not None:
            self.tier_name = built_in[0]
        else:
            self.tier_name = tier if isinstance(tier, str) else getattr(tier, "__name__", type(tier).__name__)
        self.dtype = checked_dtype(dtype)
        self.functions = functions_of(self.tier, self.dtype)
        self._check_architecture()

        rng = generator(seed)
        initializer = get_initializer(init)
        self.parameters: dict[str, Any] = {}
        for i, layer in enumerate(self.layers):
            for name in layer.parameter_shapes():
                self._set(f"{i}.{name}", layer.initial(name, initializer, rng))
        self._names = [tuple(f"{i}.{name}" for name in layer.parameter_shapes()) for i, layer in enumerate(self.layers)]
        self._buffers = [
            {name: self._tier_buffer(values) for name, values in layer.buffers().items()} for layer in self.layers
        ]
        self.frozen: frozenset[int] = frozenset()
        self.freeze()

    def _check_architecture(self) -> None:
        if not self.layers:
            raise ValueError("Network: got no layers, expected at least one")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"Network: got {layer!r} among the layers, expected a Layer such as Linear(784, 300)")
        shape = self.shapes()[-1]
        if shape is not None and len(shape) != 1:
            raise ValueError(
                f"Network: the last layer gives {shape}, {self.loss.name} expects a row: end with Flatten()"
            )
        if shape is not None:
            self.loss.check_outputs(shape[0])
        self._check_tier_has(*SUPPORT, *(op for layer in self.layers for op in layer.ops), *self.loss.ops)

    def _check_tier_has(self, *functions: str) -> None:
        missing = [name for name in dict.fromkeys(functions) if not hasattr(self.tier, name)]
        if missing:
            message = f"tier {self.tier_name!r} does not have {', '.join(missing)}, which this network needs"
            coupled = [name for name in missing if name in COUPLED]
            if coupled:
                message += f"; {coupled[0]} mixes the samples of a mini-batch: use tier='tensor', which sees them all"
            raise ValueError(message)

    def shapes(self, shape: Shape | None = None) -> list[Shape | None]:
        """Return the shape of one sample, then what each layer makes of it; None for what is not known.

        Parameters
        ----------
        shape : tuple of int, optional
            Of one sample; where not given, what the first layer takes.

        Raises
        ------
        ValueError
            If a layer cannot take what the one before it gives.
        """
        if shape is None:
            shape = self.layers[0].shape_in()
        shapes = [shape]
        for i, layer in enumerate(self.layers):
            try:
                shapes.append(layer.shape_out(shapes[-1]))
            except ValueError as error:
                raise ValueError(f"layer {i}: {error}") from None
        return shapes

    @property
    def label_smoothing(self) -> float:
        """Share of the target that is spread over all classes."""
        return getattr(self.loss, "smoothing", 0.0)

    def _set(self, key: str, values: ArrayLike) -> None:
        # The tier may use the array as it is, so it gets a copy of its own.
        self.parameters[key] = self.tier.asarray(np.array(values, self.dtype), self.dtype)

    def _tier_buffer(self, values: ArrayLike) -> Any:
        array = np.array(values, self.dtype)
        return self.tier.asarray(array, self.dtype) if array.ndim else float(array)  # a count is a number

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return (
            f"Network([{layers}], loss={self.loss!r}, tier={self.tier_name!r}, dtype={self.dtype!r}, "
            f"exact={self.exact})"
        )

    # From samples to predictions.

    @quiet
    def forward(self, X: ArrayLike) -> Array:
        """Return the last layer's output: the logits of a classifier.

        Parameters
        ----------
        X : array_like, shape (N, I)
            One sample a row; finite or not: what is not finite spoils its own row only.

        Returns
        -------
        ndarray, shape (N, C)

        Raises
        ------
        DataError
            If X is empty, not numeric, or has another number of features than the net.
        """
        return self._apply(lambda x: self.run(x)[0], self.check_samples(X))

    @quiet
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, shape (N, C), for X of shape (N, I).

        With the loss "binary_cross_entropy" and one output: of no and yes, (N, 2); with several, of yes, (N, O).
        """
        logits = self.loss.logits(self.forward(X))
        return self._apply(lambda chunk: self.loss.probabilities(self.functions, chunk), logits)

    def predict(self, X: ArrayLike) -> Array:
        """Return what the net says of each sample.

        With the loss "softmax_cross_entropy" the most probable class, (N,); with "binary_cross_entropy" 0 or 1 and
        with "hinge" -1 or 1, by the sign of the output; otherwise the outputs themselves, (N, O).
        """
        predictions: Array = self.loss.predictions(self.forward(X))
        return predictions

    def _apply(self, function: Callable[[Any], Any], samples: Array) -> Array:
        """Return the values of function for all samples, computed chunk by chunk in the tier's own arrays."""
        values = [
            np.atleast_2d(self._ndarray(function(chunk)))
            for start in range(0, len(samples), SLICE)
            for (chunk,) in self.tier.chunks(self.tier.asarray(samples[start : start + SLICE], self.dtype))
        ]
        return np.concatenate(values)

    def run(self, x: Any, *, training: bool = False, noise: Sequence[Any] = ()) -> tuple[Any, list[Any], list[Any]]:
        """Return one chunk's output, each layer's vjps, and what each saw; in the tier's own arrays, unchecked.

        Parameters
        ----------
        x : array of the tier
        training : bool
            Layers that are not frozen behave as in training: dropout drops what the noise says, if there is any; batch
            norm takes mean and variance of x.
        noise : sequence of array of the tier
            One for each layer that draws, as from `draw_noise`.
        """
        outputs: tuple[Any, list[Any], list[Any]] = forward(self.functions, self.steps(training), x, noise)
        return outputs

    # Loss and gradients.

    @quiet
    def loss_and_grads(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> tuple[float, dict[str, Array]]:
        """Return the mean loss over the samples and its gradient with respect to every parameter that is not frozen.

        As in training, batch norm takes mean and variance of these samples; but dropout drops nothing.

        Parameters
        ----------
        X : array_like, shape (N, I)
        y : array_like
            Targets as the loss takes them (see `losses`): class labels (N,) from 0 to C - 1, values (N, O), ...
        sample_weight : array_like, shape (N,), optional
            Weight of each sample, at least 0; the mean divides by their sum.

        Returns
        -------
        loss : float
            In nats per sample for cross-entropies.
        grads : dict of ndarray
            Keyed and shaped as in `state_dict()`.

        Raises
        ------
        DataError
            If samples, targets or weights are not what the net expects.
        """
        X = self.check_samples(X)
        self.check_batch(X.shape)
        targets = self.check_targets(y, len(X), sample_weight, shape=X.shape[1:])
        x = self.tier.asarray(X, self.dtype)
        loss, grads, _ = self.backprop(x, self.tier_targets(targets), prepared=targets)
        return loss, {name: self._ndarray(grads[name]) for name in self.parameters if name in grads}

    def backprop(
        self,
        x: Any,
        targets: tuple[Any, ...],
        factor: float = 1.0,
        noise: Sequence[Any] = (),
        *,
        prepared: Targets | None = None,
    ) -> tuple[float, dict[str, Any], list[Any]]:
        """Return the mean loss of a mini-batch, its gradient times a factor, and what batch norm saw.

        All arrays are the tier's own, and unchecked.

        Parameters
        ----------
        x : array of the tier
        targets : tuple of array of the tier
            The targets and, if samples have weights, those.
        factor : float
            Of the gradients, such as ``optimizer.gradient_factor``.
        noise : sequence of array of the tier
            As in `run`.
        prepared : Targets, optional
            What the targets are made of: it has their loss, and the sum of the weights. By default these are the net's
            loss and the number of samples.
        """
        loss_fn, count = (prepared.loss, prepared.divisor) if prepared else (self.loss, len(targets[0]))
        losses, grads, seen = backprop(self.functions, self._training_steps, loss_fn, x, targets, factor / count, noise)
        return total([*map(float, losses)]) / count, grads, seen

    def apply_seen(self, seen: Sequence[Any], samples_shape: Shape) -> None:
        """Update the running means of batch norm with what was seen in a mini-batch of that shape (N, ...)."""
        for i, n in self._counts(samples_shape):
            if seen[i] is not None:
                self._buffers[i].update(self.layers[i].updated(self.functions, self._buffers[i], seen[i], n))

    def check_batch(self, samples_shape: Shape) -> None:
        """Raise a ValueError if a layer cannot train on a mini-batch of that shape (N, ...)."""
        for i, n in self._counts(samples_shape):
            self.layers[i].check_batch(n)

    def _counts(self, samples_shape: Shape) -> list[tuple[int, int]]:
        """Return (i, numbers per channel) for each layer that has buffers and is not frozen."""
        layers = [i for i, buffers in enumerate(self._buffers) if buffers and i not in self.frozen]
        if not layers:
            return []
        shapes = self.shapes(samples_shape[1:])
        return [(i, samples_shape[0] * math.prod((shapes[i] or ())[1:])) for i in layers]

    def mean_loss(self, outputs: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Return the mean loss of given outputs, shape (N, C) as from `forward`, for the targets y."""
        outputs = np.asarray(outputs, self.dtype)
        return self.loss_of_outputs(outputs, self.check_targets(y, len(outputs), sample_weight))

    @quiet
    def loss_of_outputs(self, outputs: Array, targets: Targets) -> float:
        """Return the mean loss of given outputs (N, O) for targets as from `check_targets`."""
        chunks = self.tier.chunks(self.tier.asarray(outputs, self.dtype), *self.tier_targets(targets))
        losses = [float(targets.loss.forward(self.functions, *chunk)[0]) for chunk in chunks]
        return float(total(losses) / targets.divisor)

    # What comes in.

    def check_samples(self, X: ArrayLike) -> Array:
        """Return X as an ndarray (N, I) of the net's dtype, or raise a DataError that says what is wrong with it."""
        array = as_numbers(X, "X")
        expected = self.layers[0].shape_in()
        if array.ndim < 2 or (expected is not None and array.ndim != 1 + len(expected)):
            shape = ", ".join(map(str, expected or ("...",)))
            raise DataError(
                f"X has shape {array.shape}, expected (N, {shape}): one sample a row. For a single sample write [x]"
            )
        if len(array) == 0:
            raise DataError("X is empty: expected at least one sample")
        try:
            of_output = self.shapes(array.shape[1:])[-1]
        except ValueError as error:
            raise DataError(f"X has shape {array.shape}; {error}") from None
        if of_output is None or len(of_output) != 1:
            raise DataError(
                f"X has shape {array.shape}; the last layer gives {of_output}, expected a row: end with Flatten()"
            )
        return array.astype(self.dtype, copy=False)

    def check_targets(
        self, y: ArrayLike, n_samples: int, sample_weight: ArrayLike | None = None, *, shape: Shape | None = None
    ) -> Targets:
        """Return y and the weights of the samples as the loss takes them, or raise a DataError that says what is wrong.

        The shape is that of one sample, where the first layer does not say it.
        """
        n_outputs = (self.shapes(shape)[-1] or (None,))[0]
        targets = check_targets(self.loss, y, n_samples, n_outputs, self.dtype, sample_weight)
        self._check_tier_has(*targets.loss.ops)
        return targets

    def tier_targets(self, targets: Targets) -> tuple[Any, ...]:
        """Return targets, and weights if there are any, as arrays of the tier."""
        return tuple(self.tier.asarray(array, array.dtype.name) for array in targets.arrays)

    def tier_array(self, array: Any) -> Any:
        """Return an array of the tier with the numbers of an ndarray; what is no ndarray is returned as it is."""
        return self.tier.asarray(array, self.dtype) if isinstance(array, np.ndarray) else array

    # What is learned.

    def freeze(self, *layers: int) -> None:
        """Let layers keep their parameters: no gradient is computed for them, and they behave as in prediction.

        Parameters
        ----------
        *layers : int
            Numbers of layers, from 0; negative ones count from the last.

        Raises
        ------
        IndexError
            If there is no layer of that number.
        """
        self._freeze(self.frozen.union(map(self._number_of, layers)))

    def unfreeze(self, *layers: int) -> None:
        """Let frozen layers learn again: those of these numbers, or all of them."""
        self._freeze(self.frozen.difference(map(self._number_of, layers)) if layers else frozenset())

    def _number_of(self, layer: int) -> int:
        return range(len(self.layers))[layer]

    def _freeze(self, layers: frozenset[int]) -> None:
        self.frozen = layers

        parts = [*enumerate(zip(self.layers, self._names, self._buffers, strict=True))]
        self._training_steps, self._prediction_steps = (
            [
                Step(layer, names, self.parameters, kept, training and i not in layers)
                for i, (layer, names, kept) in parts
            ]
            for training in (True, False)
        )

    def steps(self, training: bool = True) -> list[Step]:
        """Return the layers with their arrays; in training those that are not frozen learn."""
        return self._training_steps if training else self._prediction_steps

    def draw_noise(self, samples_shape: Shape, rng: np.random.Generator) -> list[Array]:
        """Return the random numbers of a training step on samples of that shape (N, ...): the masks of dropout.

        Numbers are drawn for every layer that needs some, in order; those of frozen layers are not returned.
        """
        drawn = enumerate(self.drawn_by_layer(samples_shape, rng))
        return [array for i, array in drawn if array is not None and i not in self.frozen]

    def drawn_by_layer(self, samples_shape: Shape, rng: np.random.Generator) -> list[Array | None]:
        """Return what each layer draws for a training step on samples of that shape (N, ...); None if nothing."""
        drawn = []
        for layer, shape in zip(self.layers, self.shapes(samples_shape[1:]), strict=False):
            assert shape is not None  # as that of the samples is known
            drawn.append(layer.draw((samples_shape[0], *shape), rng))
        return drawn

    # Weights in and out.

    @property
    def n_parameters(self) -> int:
        """Count of the parameters, those of frozen layers included."""
        return sum(math.prod(shape) for shape in parameter_shapes(self.layers).values())

    def _ndarray(self, array: Any) -> Array:
        if isinstance(array, np.ndarray):
            return array.copy()
        return np.array(array if isinstance(array, float) else self.tier.tolist(array), self.dtype)

    def summary(self, shape: Shape | None = None, *, batch_size: int = 64, optimizer_numbers: int = 0) -> Summary:
        """Return shapes, parameters and memory; print it for a table.

        Parameters
        ----------
        shape : tuple of int, optional
            Of one sample, where the first layer does not say it: (784,), (1, 28, 28).
        batch_size : int
            Samples of a mini-batch, for the memory.
        optimizer_numbers : int
            How many numbers the optimizer remembers for each parameter: `optimizer.numbers_per_parameter`.
        """
        whole_number("summary: batch_size", batch_size)
        whole_number("summary: optimizer_numbers", optimizer_numbers, 0)
        return summary_of(self.layers, self.shapes(shape), self.frozen, batch_size, optimizer_numbers, self.dtype)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all weights and buffers, keyed and shaped as those of the equivalent torch.nn.Sequential."""
        state: dict[str, Array] = {}
        for i, names in enumerate(self._names):
            state |= {name: self._ndarray(self.parameters[name]) for name in names}
            state |= {f"{i}.{name}": self._ndarray(values) for name, values in self._buffers[i].items()}
        return state

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Set all weights; the net is unchanged if any of them does not fit.

        Parameters
        ----------
        state : mapping of str to array_like
            As from `state_dict()`, or from the equivalent torch.nn.Sequential.

        Raises
        ------
        DataError
            If keys are missing or unexpected, or shapes differ; the message names them.
        """
        arrays = check_state(state, self.layers)
        for key, array in arrays.items():
            if key in self.parameters:
                self._set(key, array)
            else:
                layer, _, name = key.partition(".")
                self._buffers[int(layer)][name] = self._tier_buffer(array)

    def to(self, tier: str | Tier, *, exact: bool | None = None, dtype: str | None = None) -> "Network":
        """Return a new net with the same weights at another tier; this one stays as it is.

        Parameters
        ----------
        tier : str or Tier
            As in `Network`.
        exact, dtype
            As in `Network`; those of this net where not given. At the scalar tier a float32 net becomes float64, which
            holds the same weights.
        """
        if dtype is None:
            dtype = "float64" if tier == "scalar" else self.dtype
        net = Network(
            self.layers,
            self.loss,
            tier=tier,
            dtype=dtype,
            exact=self.exact if exact is None else exact,
            init="zeros",
        )
        net.load_state_dict(self.state_dict())
        net.freeze(*self.frozen)
        return net
