"""The network: a chain of layers with its weights. Backpropagation, whole, is `Network.backprop`.

What users hand in is checked here, once, and turned into arrays of the tier; what they get back are ndarrays again.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import whole_number
from .checks import (
    as_numbers,
    check_labels,
    check_state,
    checked_dtype,
    checked_smoothing,
    parameter_shapes,
)
from .errors import DataError
from .initializers import Initializer, get_initializer
from .layers import Layer
from .layers.base import Shape
from .rng import generator
from .summary import Summary, summary_of
from .tiers import COUPLED, SUPPORT, Tier, Vjp, get_tier, name_of
from .tiers.scalar import total  # rounds once, so that the order of the losses does not matter

Array = NDArray[Any]

LOSSES = ("softmax_cross_entropy", "mean_squared_error")
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore")  # inf and nan are shown, not warned of
NO_MASKS: Mapping[int, Any] = {}
SLICE = 1024  # samples that forward() handles at a time, so that predicting a whole set does not fill the memory


class Network:
    """A chain of layers, its weights, a loss, and the tier that computes them.

    Parameters
    ----------
    layers : sequence of Layer
        In the order in which a sample passes them.
    loss : {"softmax_cross_entropy", "mean_squared_error"}
        The first takes class labels (N,), the second targets (N, O).
    tier : str or Tier
        "scalar", "vector" or "tensor", or a tier of your own (see `tiers.get_tier`).
    dtype : {"float64", "float32"}
        The scalar tier has float64 only.
    exact : bool
        Slower arithmetic that gives the same bits at every tier (see `tiers.exact`): weights, outputs, and in float64
        the losses too, unless labels are smoothed.
    init : str or callable
        How the weights start (see `initializers.INITIALIZERS`); biases start at zero.
    label_smoothing : float
        What of the target of "softmax_cross_entropy" is spread over all classes, from 0 to below 1.
    seed : int or numpy.random.Generator
        From which the weights are drawn; the same numbers at every tier.

    Raises
    ------
    ValueError
        If layers do not fit together, or a name is not known.
    """

    def __init__(
        self,
        layers: Sequence[Layer],
        loss: str = "softmax_cross_entropy",
        *,
        tier: str | Tier = "tensor",
        dtype: str = "float64",
        exact: bool = False,
        init: str | Initializer = "xavier",
        label_smoothing: float = 0.0,
        seed: int | np.random.Generator = 0,
    ) -> None:
        self.layers = tuple(layers)
        self.loss = loss
        self.label_smoothing = checked_smoothing(label_smoothing, loss)
        self.tier = get_tier(tier, exact)
        built_in = name_of(self.tier)
        self.exact = built_in is not None and built_in[1]
        if built_in is not None:
            self.tier_name = built_in[0]
        else:
            self.tier_name = tier if isinstance(tier, str) else getattr(tier, "__name__", type(tier).__name__)
        self.dtype = checked_dtype(dtype)
        self._check_architecture()

        rng = generator(seed)
        initializer = get_initializer(init)
        self.parameters: dict[str, Any] = {}
        for i, layer in enumerate(self.layers):
            for name in layer.parameter_shapes():
                self._set(f"{i}.{name}", layer.initial(name, initializer, rng))
        self._names = [tuple(f"{i}.{name}" for name in layer.parameter_shapes()) for i, layer in enumerate(self.layers)]
        self._buffers = [
            {name: np.array(values, self.dtype) for name, values in layer.buffers().items()} for layer in self.layers
        ]
        self.frozen: frozenset[int] = frozenset()
        self.freeze()

    def _check_architecture(self) -> None:
        if not self.layers:
            raise ValueError("Network: got no layers, expected at least one")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"Network: got {layer!r} among the layers, expected a Layer such as Linear(784, 300)")
        if self.loss not in LOSSES:
            raise ValueError(f"unknown loss {self.loss!r}: expected one of {', '.join(LOSSES)}")
        shape = self.shapes()[-1]
        if shape is not None and len(shape) != 1:
            raise ValueError(f"Network: the last layer gives {shape}, {self.loss} expects a row: end with Flatten()")
        needed = (*SUPPORT, *(op for layer in self.layers for op in layer.ops), self._loss_op)
        missing = [name for name in dict.fromkeys(needed) if not hasattr(self.tier, name)]
        if missing:
            message = f"tier {self.tier_name!r} does not have {', '.join(missing)}, which this network needs"
            coupled = [name for name in missing if name in COUPLED]
            if coupled:
                message += f"; {coupled[0]} couples the samples of a mini-batch: use tier='tensor', which sees them all"
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
    def _loss_op(self) -> str:
        return "smoothed_cross_entropy" if self.label_smoothing else self.loss

    def loss_of(self, outputs: Any, target: Any) -> tuple[Any, tuple[Vjp]]:
        """Return the loss, summed over the samples of a chunk, and its vjp."""
        settings = (self.label_smoothing,) if self.label_smoothing else ()
        loss_and_vjp: tuple[Any, tuple[Vjp]] = getattr(self.tier, self._loss_op)(outputs, target, *settings)
        return loss_and_vjp

    def _set(self, key: str, values: ArrayLike) -> None:
        # The tier may use the array as it is, so it gets a copy of its own.
        self.parameters[key] = self.tier.asarray(np.array(values, self.dtype), self.dtype)

    def __repr__(self) -> str:
        layers = ", ".join(map(repr, self.layers))
        return (
            f"Network([{layers}], loss={self.loss!r}, tier={self.tier_name!r}, dtype={self.dtype!r}, "
            f"exact={self.exact})"
        )

    # From samples to predictions.

    @QUIET
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
        return self._apply(lambda x: self.run_layers(x)[0], self.check_samples(X))

    @QUIET
    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probability of each class, shape (N, C), for X of shape (N, I)."""
        if self.loss != "softmax_cross_entropy":
            raise ValueError(f"predict_proba: a net with loss {self.loss!r} gives values, not probabilities")
        return self._apply(lambda logits: self.tier.softmax(logits)[0], self.forward(X))

    def predict(self, X: ArrayLike) -> Array:
        """Return the most probable class of each sample, shape (N,); of two equal ones the first.

        With the loss "mean_squared_error", the outputs themselves, shape (N, O).
        """
        outputs = self.forward(X)
        return outputs.argmax(axis=1) if self.loss == "softmax_cross_entropy" else outputs

    def _apply(self, function: Callable[[Any], Any], samples: Array) -> Array:
        """Return the values of function for all samples, computed chunk by chunk in the tier's own arrays."""
        values = [
            np.atleast_2d(self._ndarray(function(chunk)))
            for start in range(0, len(samples), SLICE)
            for (chunk,) in self.tier.chunks(self.tier.asarray(samples[start : start + SLICE], self.dtype))
        ]
        return np.concatenate(values)

    def run_layers(
        self, x: Any, masks: Mapping[int, Any] | None = None, observe: bool = False
    ) -> tuple[Any, list[tuple[Vjp, ...]]]:
        """Return one chunk's output, and each layer's vjps on the way; all in the tier's own arrays, unchecked.

        Parameters
        ----------
        x : array of the tier
        masks : mapping, optional
            If given, layers behave as in training: dropout drops by the mask of that layer's number, if there is one;
            batch norm takes mean and variance of x. Frozen layers are as in prediction all the same.
        observe : bool
            Whether the running statistics of batch norm take notice of x.
        """
        vjps = []
        for i, layer in enumerate(self.layers):
            arrays = [self.parameters[name] for name in self._names[i]]
            if masks is None or i in self.frozen:
                x, layer_vjps = layer.forward(self.tier, x, *arrays, *self._buffers[i].values())
            else:
                buffers = self._buffers[i] if observe else {}
                x, layer_vjps = layer.forward_in_training(self.tier, x, masks.get(i), buffers, *arrays)
            vjps.append(layer_vjps)
        return x, vjps

    # Loss and gradients.

    @QUIET
    def loss_and_grads(self, X: ArrayLike, y: ArrayLike) -> tuple[float, dict[str, Array]]:
        """Return the mean loss over the samples and its gradient with respect to every parameter that is not frozen.

        As in training, batch norm takes mean and variance of these samples; but dropout drops nothing.

        Parameters
        ----------
        X : array_like, shape (N, I)
        y : array_like, shape (N,) of class labels 0 ... C - 1; shape (N, O) with the loss "mean_squared_error"

        Returns
        -------
        loss : float
            In nats per sample for softmax cross-entropy.
        grads : dict of ndarray
            Keyed and shaped as in `state_dict()`.

        Raises
        ------
        DataError
            If samples or targets are not what the net expects.
        """
        X = self.check_samples(X)
        x, target = self.tier.asarray(X, self.dtype), self._tier_targets(self.check_targets(y, len(X)))
        loss, grads = self.backprop(x, target)
        return loss, {name: self._ndarray(grads[name]) for name in self.parameters if name in grads}

    def backprop(
        self, x: Any, target: Any, scale: float = 1.0, masks: Mapping[int, Any] = NO_MASKS, observe: bool = False
    ) -> tuple[float, dict[str, Any]]:
        """Return the mean loss of a mini-batch, and its gradients times scale; all in the tier's own arrays, unchecked.

        The chain rule is the loop over the layers in reverse: each vjp takes dL/d(the layer's output) and gives
        dL/d(one of its inputs). The loss is the mean over the N samples, so the backward pass starts from 1/N.
        The other arguments are those of `run_layers`.
        """
        losses = []
        grads: dict[str, Any] = {}
        seed = scale / len(target)
        for x_chunk, target_chunk, *mask_chunks in self.tier.chunks(x, target, *masks.values()):
            of_chunk = dict(zip(masks, mask_chunks, strict=True)) if masks else masks
            output, vjps = self.run_layers(x_chunk, of_chunk, observe)
            loss, (doutput,) = self.loss_of(output, target_chunk)
            losses.append(float(loss))

            dy = doutput(seed)
            for i in reversed(range(len(self.layers))):
                dx, *dparameters = vjps[i]
                for name, dparameter in zip(self._learned[i], dparameters if self._learned[i] else (), strict=True):
                    gradient = getattr(dparameter, "later", dparameter)(dy)  # a promise, if the tier makes one
                    if name in grads:
                        self.tier.add_scaled(grads[name], gradient, 1.0)
                    else:
                        grads[name] = gradient
                if i == self._first_that_learns:
                    break  # nobody needs dL/dx
                dy = dx(dy)
        for name, gradient in grads.items():
            if hasattr(gradient, "now"):
                grads[name] = gradient.now()
        return total(losses) / len(target), grads

    @QUIET
    def mean_loss(self, outputs: ArrayLike, y: ArrayLike) -> float:
        """Return the mean loss of given outputs, shape (N, C) as from `forward`, for the targets y."""
        outputs = np.asarray(outputs, self.dtype)
        target = self._tier_targets(self.check_targets(y, len(outputs)))
        chunks = self.tier.chunks(self.tier.asarray(outputs, self.dtype), target)
        loss: float = total([float(self.loss_of(*chunk)[0]) for chunk in chunks]) / len(outputs)
        return loss

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

    def check_targets(self, y: ArrayLike, n_samples: int) -> Array:
        """Return y as an ndarray fit for the loss, or raise a DataError that says what is wrong with it."""
        array = as_numbers(y, "y")
        if array.ndim == 0 or len(array) != n_samples:
            raise DataError(f"y has shape {array.shape}, expected one target for each of the {n_samples} samples")
        n_outputs = (self.shapes()[-1] or (None,))[0]
        if self.loss == "mean_squared_error":
            if array.ndim != 2 or n_outputs not in (None, array.shape[1]):
                raise DataError(f"y has shape {array.shape}, mean_squared_error expects (N, {n_outputs or 'O'})")
            if not np.isfinite(array).all():
                raise DataError("y holds NaN or infinite targets: remove or repair these samples")
            return array.astype(self.dtype, copy=False)
        return check_labels(array, n_outputs)

    def _tier_targets(self, targets: Array) -> Any:
        return self.tier.asarray(targets, targets.dtype.name)

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
        self._learned = [() if i in layers else names for i, names in enumerate(self._names)]
        self._first_that_learns = next((i for i, names in enumerate(self._learned) if names), len(self.layers) - 1)

    def draw_masks(self, samples_shape: Shape, rng: np.random.Generator) -> dict[int, Array]:
        """Return what dropout keeps of a mini-batch of that shape (N, ...), by the number of the layer."""
        shapes = self.shapes(samples_shape[1:])
        masks = {}
        for i, (layer, shape) in enumerate(zip(self.layers, shapes, strict=False)):
            assert shape is not None  # as that of the samples is known
            mask = layer.draw((samples_shape[0], *shape), rng)
            if mask is not None:
                masks[i] = mask
        return masks

    # Weights in and out.

    @property
    def n_parameters(self) -> int:
        """How many numbers the net learns, those of frozen layers included."""
        return sum(math.prod(shape) for shape in parameter_shapes(self.layers).values())

    def _ndarray(self, array: Any) -> Array:
        return array.copy() if isinstance(array, np.ndarray) else np.array(self.tier.tolist(array), self.dtype)

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
            state |= {f"{i}.{name}": values.copy() for name, values in self._buffers[i].items()}
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
                self._buffers[int(layer)][name] = np.array(array, self.dtype)

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
            label_smoothing=self.label_smoothing,
        )
        net.load_state_dict(self.state_dict())
        net.freeze(*self.frozen)
        return net
