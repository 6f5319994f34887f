"""The network: a chain of layers with its weights. Backpropagation, whole, is `Network.backprop`.

What users hand in is checked here, once, and turned into arrays of the tier; what they get back are ndarrays again.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DataError
from .initializers import Initializer, get_initializer
from .layers import Layer
from .rng import generator
from .tiers import SUPPORT, Tier, get_tier, name_of
from .tiers.scalar import total  # rounds once, so that the order of the losses does not matter

Array = NDArray[Any]

LOSSES = ("softmax_cross_entropy", "mean_squared_error")
QUIET = np.errstate(over="ignore", under="ignore", invalid="ignore")  # inf and nan are shown, not warned of
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
        the losses too.
    init : str or callable
        How the weights start (see `initializers.INITIALIZERS`); biases start at zero.
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
        seed: int | np.random.Generator = 0,
    ) -> None:
        self.layers = tuple(layers)
        self.loss = loss
        self.tier = get_tier(tier, exact)
        built_in = name_of(self.tier)
        self.exact = built_in is not None and built_in[1]
        if built_in is not None:
            self.tier_name = built_in[0]
        else:
            self.tier_name = tier if isinstance(tier, str) else getattr(tier, "__name__", type(tier).__name__)
        self.dtype = _checked_dtype(dtype)
        self._check_architecture()

        rng = generator(seed)
        initializer = get_initializer(init)
        self.parameters: dict[str, Any] = {}
        for name, shape in parameter_shapes(self.layers).items():
            self._set(name, np.zeros(shape) if name.endswith("bias") else initializer(shape, rng))
        self._names = [tuple(f"{i}.{name}" for name in layer.parameter_shapes()) for i, layer in enumerate(self.layers)]
        self._first_with_parameters = next((i for i, names in enumerate(self._names) if names), 0)

    def _check_architecture(self) -> None:
        if not self.layers:
            raise ValueError("Network: got no layers, expected at least one")
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise ValueError(f"Network: got {layer!r} among the layers, expected a Layer such as Linear(784, 300)")
        if self.loss not in LOSSES:
            raise ValueError(f"unknown loss {self.loss!r}: expected one of {', '.join(LOSSES)}")
        self._features_out(None)
        missing = [
            name for name in (*SUPPORT, *(layer.op for layer in self.layers), self.loss) if not hasattr(self.tier, name)
        ]
        if missing:
            raise ValueError(f"tier {self.tier_name!r} does not have {', '.join(missing)}, which this network needs")

    def _features_out(self, features_in: int | None) -> int | None:
        features = features_in
        for i, layer in enumerate(self.layers):
            try:
                features = layer.features_out(features)
            except ValueError as error:
                raise ValueError(f"layer {i}: {error}") from None
        return features

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

    def run_layers(self, x: Any) -> tuple[Any, list[Any]]:
        """Return one chunk's output, and each layer's vjps on the way; all in the tier's own arrays, unchecked."""
        vjps = []
        for layer, names in zip(self.layers, self._names, strict=True):
            x, layer_vjps = layer.forward(self.tier, x, *[self.parameters[name] for name in names])
            vjps.append(layer_vjps)
        return x, vjps

    # Loss and gradients.

    @QUIET
    def loss_and_grads(self, X: ArrayLike, y: ArrayLike) -> tuple[float, dict[str, Array]]:
        """Return the mean loss over the samples and its gradient with respect to every parameter.

        Parameters
        ----------
        X : array_like, shape (N, I)
        y : array_like, shape (N,) of class labels 0 ... C - 1; shape (N, O) with the loss "mean_squared_error"

        Returns
        -------
        loss : float
            In nats per sample for softmax cross-entropy.
        grads : dict of ndarray
            Keyed and shaped as `state_dict()`.

        Raises
        ------
        DataError
            If samples or targets are not what the net expects.
        """
        X = self.check_samples(X)
        x, target = self.tier.asarray(X, self.dtype), self._tier_targets(self.check_targets(y, len(X)))
        loss, grads = self.backprop(x, target)
        return loss, {name: self._ndarray(grads[name]) for name in self.parameters}

    def backprop(self, x: Any, target: Any, scale: float = 1.0) -> tuple[float, dict[str, Any]]:
        """Return mean loss and gradients, times scale, of one mini-batch; all in the tier's own arrays, unchecked.

        The chain rule is the loop over the layers in reverse: each vjp takes dL/d(the layer's output) and gives
        dL/d(one of its inputs). The loss is the mean over the N samples, so the backward pass starts from 1/N.
        """
        losses = []
        grads: dict[str, Any] = {}
        seed = scale / len(target)
        for x_chunk, target_chunk in self.tier.chunks(x, target):
            output, vjps = self.run_layers(x_chunk)
            loss, (doutput,) = getattr(self.tier, self.loss)(output, target_chunk)
            losses.append(float(loss))

            dy = doutput(seed)
            for i in reversed(range(len(self.layers))):
                dx, *dparameters = vjps[i]
                for name, dparameter in zip(self._names[i], dparameters, strict=True):
                    gradient = getattr(dparameter, "later", dparameter)(dy)  # a promise, if the tier makes one
                    if name in grads:
                        self.tier.add_scaled(grads[name], gradient, 1.0)
                    else:
                        grads[name] = gradient
                if i == self._first_with_parameters:
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
        loss_of = getattr(self.tier, self.loss)
        chunks = self.tier.chunks(self.tier.asarray(outputs, self.dtype), target)
        loss: float = total([float(loss_of(*chunk)[0]) for chunk in chunks]) / len(outputs)
        return loss

    # What comes in.

    def check_samples(self, X: ArrayLike) -> Array:
        """Return X as an ndarray (N, I) of the net's dtype, or raise a DataError that says what is wrong with it."""
        array = as_numbers(X, "X")
        weights = [shape for name, shape in parameter_shapes(self.layers).items() if name.endswith("weight")]
        features = weights[0][1] if weights else None
        if array.ndim != 2:
            raise DataError(
                f"X has shape {array.shape}, expected (N, {features or 'I'}): one sample a row. "
                "For a single sample write [x]"
            )
        if len(array) == 0:
            raise DataError("X is empty: expected at least one sample")
        if features not in (None, array.shape[1]):
            raise DataError(f"linear: x has {array.shape[1]} features, weight {weights[0]} expects {features}")
        return array.astype(self.dtype, copy=False)

    def check_targets(self, y: ArrayLike, n_samples: int) -> Array:
        """Return y as an ndarray fit for the loss, or raise a DataError that says what is wrong with it."""
        array = as_numbers(y, "y")
        if len(array) != n_samples if array.ndim else True:
            raise DataError(f"y has shape {array.shape}, expected one target for each of the {n_samples} samples")
        n_outputs = self._features_out(None)
        if self.loss == "mean_squared_error":
            if array.ndim != 2 or n_outputs not in (None, array.shape[1]):
                raise DataError(f"y has shape {array.shape}, mean_squared_error expects (N, {n_outputs or 'O'})")
            if not np.isfinite(array).all():
                raise DataError("y holds NaN or infinite targets: remove or repair these samples")
            return array.astype(self.dtype, copy=False)
        return check_labels(array, n_outputs)

    def _tier_targets(self, targets: Array) -> Any:
        return self.tier.asarray(targets, targets.dtype.name)

    # Weights in and out.

    @property
    def n_parameters(self) -> int:
        """How many numbers the net learns."""
        return sum(math.prod(shape) for shape in parameter_shapes(self.layers).values())

    def _ndarray(self, array: Any) -> Array:
        return array.copy() if isinstance(array, np.ndarray) else np.array(self.tier.tolist(array), self.dtype)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all weights, keyed and shaped as those of the equivalent torch.nn.Sequential."""
        return {name: self._ndarray(parameter) for name, parameter in self.parameters.items()}

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
            self._set(key, array)

    def to(self, tier: str | Tier, *, exact: bool | None = None, dtype: str | None = None) -> "Network":
        """Return a new net with the same weights at another tier; this one stays as it is.

        Parameters
        ----------
        tier : str or Tier
            As in `Network`.
        exact, dtype
            As in `Network`; those of this net where not given.
        """
        net = Network(
            self.layers,
            self.loss,
            tier=tier,
            dtype=self.dtype if dtype is None else dtype,
            exact=self.exact if exact is None else exact,
            init="zeros",
        )
        net.load_state_dict(self.state_dict())
        return net


def parameter_shapes(layers: Sequence[Layer]) -> dict[str, tuple[int, ...]]:
    """Return the shapes of all parameters of a chain of layers, keyed as `Network.state_dict`."""
    return {f"{i}.{name}": shape for i, layer in enumerate(layers) for name, shape in layer.parameter_shapes().items()}


def check_state(state: Mapping[str, ArrayLike], layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the state as ndarrays if it holds just the parameters of these layers, or raise a DataError."""
    arrays = {key: as_numbers(value, key) for key, value in state.items()}
    shapes = parameter_shapes(layers)
    problems = [
        *(f"{key} is missing" for key in shapes if key not in arrays),
        *(f"{key} is unexpected" for key in arrays if key not in shapes),
        *(
            f"{key} has shape {arrays[key].shape}, expected {shape}"
            for key, shape in shapes.items()
            if key in arrays and arrays[key].shape != shape
        ),
    ]
    if problems:
        raise DataError(f"weights do not fit the layers: {'; '.join(problems)}")
    return arrays


def as_numbers(values: ArrayLike, what: str) -> Array:
    """Return values as an ndarray of real numbers, or raise a DataError."""
    try:
        array = np.asarray(values)
    except ValueError as error:
        raise DataError(f"{what} is not a rectangular array of numbers: {error}") from None
    if array.dtype.kind not in "fiub":
        raise DataError(f"{what} holds {array.dtype}, expected real numbers")
    return array


def check_labels(y: ArrayLike, n_classes: int | None) -> NDArray[np.int64]:
    """Return class labels (N,) as int64, or raise a DataError if any is not a whole number from 0 to C - 1."""
    array = as_numbers(y, "y")
    if array.ndim != 1:
        raise DataError(f"y has shape {array.shape}, expected class labels of shape (N,)")
    wrong: Iterable[Any] = array[~(np.isfinite(array) & (array == np.floor(array)))]
    for label in wrong:
        raise DataError(f"y holds the label {label}, expected whole numbers")
    wrong = array[(array < 0) | (array >= (np.inf if n_classes is None else n_classes))]
    for label in wrong:
        upper = "" if n_classes is None else f" to {n_classes - 1}, one for each of the net's {n_classes} outputs"
        raise DataError(f"y holds the label {label}, expected 0{upper or ' or more'}")
    return array.astype(np.int64)


def _checked_dtype(dtype: str) -> str:
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in ("float64", "float32"):
        raise ValueError(f"dtype is {name}, expected float64 or float32")
    return name
