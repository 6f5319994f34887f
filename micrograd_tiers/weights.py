"""A chain of layers with its weights: the arrays of a tier, their import and export, and the layers that learn."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from copy import deepcopy
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from .arguments import shown
from .backprop import Step, forward
from .conversion import as_dtype
from .initializers import Initializer, get_initializer
from .inputs import Array, check_state, check_tier_has, checked_dtype
from .layers import Layer
from .layers.base import Shape, shapes_along
from .rng import generator
from .summary import Summary, summary_of
from .targets import Targets
from .tiers import SUPPORT, Tier, TierReference, functions_of, get_tier, name_of


def parameter_shapes(layers: Sequence[Layer]) -> dict[str, Shape]:
    """Return the shapes of all parameters of a chain of layers, keyed as in `Network.state_dict`."""
    return {f"{i}.{name}": shape for i, layer in enumerate(layers) for name, shape in layer.parameter_shapes().items()}


class Chain:
    """A `Network` without a loss: layers in a row, and their weights at one tier.

    Parameters
    ----------
    layers : tuple of Layer
    tier, dtype, exact, init, seed
        As in `Network`.

    Attributes
    ----------
    functions : object
        The tier's functions as a network calls them: without checks, as the network has checked its arrays.
    """

    def __init__(
        self,
        layers: tuple[Layer, ...],
        *,
        tier: str | Tier,
        dtype: str,
        exact: bool,
        init: str | Initializer,
        seed: int | np.random.Generator,
    ) -> None:
        self.layers = layers
        self.tier = get_tier(tier, exact)
        name = tier if isinstance(tier, str) else getattr(tier, "__name__", type(tier).__name__)
        self.tier_name, self.exact = name_of(self.tier) or (name, False)
        self.dtype = checked_dtype(dtype)
        self.functions = functions_of(self.tier, self.dtype)
        check_tier_has(self.ops, self.tier, self.tier_name)

        rng, initializer = generator(seed), get_initializer(init)
        self.parameters: dict[str, Any] = {}
        self._buffers: list[dict[str, Any]] = []  # one dict per layer
        for i, layer in enumerate(self.layers):
            for name in layer.parameter_shapes():
                self.parameters[f"{i}.{name}"] = self._own(self._initial(i, name, initializer, rng))
            self._buffers.append({name: self._own_buffer(values) for name, values in layer.buffers().items()})
        self.frozen: frozenset[int] = frozenset()
        self.freeze()

    def __getstate__(self) -> dict[str, Any]:
        made_again = ("functions", "_training_steps", "_prediction_steps")  # hold closures and views: not pickled
        state = {name: value for name, value in vars(self).items() if name not in made_again}
        return state | {"tier": TierReference(self.tier)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, tier=state["tier"].tier)
        self.functions = functions_of(self.tier, self.dtype)
        self.freeze()

    __copy__ = deepcopy  # a copy shares nothing

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the functions that the tier must have."""
        return (*SUPPORT, *(op for layer in self.layers for op in layer.ops))

    def shapes(self, shape: Shape | None = None) -> list[Shape | None]:
        """Return the shape of one sample, then its shape after each layer; None if a shape is unknown.

        Parameters
        ----------
        shape : tuple of int, optional
            Shape of one sample; by default the shape that the first layer takes.

        Raises
        ------
        ValueError
            If a layer cannot take the output of the layer before it.
        """
        if not (shape is None or isinstance(shape, tuple | list)):
            raise ValueError(
                f"shape is {shown(shape)}, expected the shape of one sample, such as (784,) or (1, 28, 28)"
            )
        return shapes_along(self.layers, shape)

    @property
    def n_parameters(self) -> int:
        """Number of parameters, including those of frozen layers."""
        return sum(math.prod(shape) for shape in parameter_shapes(self.layers).values())

    def summary(self, shape: Shape | None = None, *, batch_size: int = 64, optimizer_numbers: int = 0) -> Summary:
        """Return shapes, number of parameters and memory; print the result to see a table.

        Parameters
        ----------
        shape : tuple of int, optional
            Shape of one sample, such as (784,) or (1, 28, 28), if the first layer does not determine it.
        batch_size : int
            Samples per mini-batch, at least 1; the memory depends on it.
        optimizer_numbers : int
            How many numbers the optimizer stores for each parameter: `optimizer.numbers_per_parameter`.

        Returns
        -------
        Summary

        Raises
        ------
        ValueError
            If the shape of a sample is unknown, or a number is out of its range.
        """
        return summary_of(self.layers, self.shapes(shape), self.frozen, batch_size, optimizer_numbers, self.dtype)

    def _initial(self, i: int, name: str, initializer: Initializer, rng: np.random.Generator) -> Array:
        """Return initial values of a parameter of layer i; raise ValueError unless they are finite and of its shape."""
        layer = self.layers[i]
        shape = layer.parameter_shapes()[name]
        try:
            values = np.array(layer.initial(name, initializer, rng), "float64")
        except (TypeError, ValueError) as error:
            values, got = np.array(math.nan), f"raises {type(error).__name__}: {error}"
        else:
            got = f"gives shape {values.shape}" if values.shape != shape else "gives NaN or infinity"
        if values.shape != shape or not np.isfinite(values).all():
            raise ValueError(
                f"init {got} for {i}.{name}, expected finite numbers of shape {shape}; a function takes a shape and a "
                "generator: lambda shape, rng: rng.normal(0, 0.1, shape)"
            )
        return values

    # Arrays of the tier, and ndarrays.

    def _own(self, values: ArrayLike) -> Any:
        # A copy, since the tier may use the array itself.
        return self.tier.asarray(np.array(values, self.dtype), self.dtype)

    def _own_buffer(self, values: ArrayLike) -> Any:
        return self._own(values) if np.ndim(values) else float(np.array(values, self.dtype))  # a count: a float

    def tier_array(self, array: Any) -> Any:
        """Convert an ndarray to an array of the tier; return any other object as it is."""
        return self.tier.asarray(array, self.dtype) if isinstance(array, np.ndarray) else array

    def tier_samples(self, samples: Array) -> Any:
        """Return samples, targets or weights as an array of the tier: of whole numbers if they are tokens or labels."""
        return self.tier.asarray(samples, "int64" if samples.dtype.kind == "i" else self.dtype)

    def tier_targets(self, targets: Targets) -> tuple[Any, ...]:
        """Return targets, and sample weights if there are any, as arrays of the tier."""
        return tuple(map(self.tier_samples, targets.arrays))

    def check_gradient(self, name: str, gradient: Any) -> None:
        """Raise ValueError unless a gradient, an ndarray or an array of the tier, has the shape of its parameter."""
        numbers = gradient if isinstance(gradient, np.ndarray) else self.tier.tolist(gradient)
        shape, expected = np.shape(numbers), parameter_shapes(self.layers)[name]
        if shape != expected:
            raise ValueError(f"the gradient of {name} has shape {shape}, expected {expected}: check the vjp it is from")

    def _ndarray(self, array: Any) -> Array:
        if isinstance(array, np.ndarray):
            return array.copy()
        return np.array(array if isinstance(array, float) else self.tier.tolist(array), self.dtype)

    def state_dict(self) -> dict[str, Array]:
        """Return copies of all parameters and buffers, keyed and shaped as in the equivalent torch.nn.Sequential."""
        state: dict[str, Array] = {}
        for i, (layer, buffers) in enumerate(zip(self.layers, self._buffers, strict=True)):
            arrays = {name: self.parameters[f"{i}.{name}"] for name in layer.parameter_shapes()} | buffers
            state |= {f"{i}.{name}": self._ndarray(array) for name, array in arrays.items()}
        return state

    def load_state_dict(self, state: Mapping[str, ArrayLike]) -> None:
        """Set all parameters and buffers; leave the net unchanged if any of them does not fit.

        Parameters
        ----------
        state : mapping of str to array_like
            As from `state_dict()`, or from the equivalent torch.nn.Sequential.

        Raises
        ------
        DataError
            If keys are missing or unexpected, or shapes differ; the message names them.
        """
        arrays = {key: as_dtype(array, self.dtype, key) for key, array in check_state(state, self.layers).items()}
        for key, array in arrays.items():
            if key in self.parameters:
                self.parameters[key] = self._own(array)
            else:
                layer, _, name = key.partition(".")
                self._buffers[int(layer)][name] = self._own_buffer(array)

    # Layers that learn.

    def freeze(self, *layers: int) -> None:
        """Freeze layers: their parameters get no gradient and stay as they are, and they behave as in prediction.

        Parameters
        ----------
        *layers : int
            Indices of layers, from 0; negative ones count from the end.

        Raises
        ------
        IndexError
            If there is no layer with that index.
        """
        self._set_frozen(self.frozen.union(self._numbers_of(layers)))

    def unfreeze(self, *layers: int) -> None:
        """Let frozen layers learn again: those with the given indices, or all of them if none is given."""
        self._set_frozen(self.frozen.difference(self._numbers_of(layers)) if layers else frozenset())

    def _numbers_of(self, layers: tuple[int, ...]) -> set[int]:
        n = len(self.layers)
        for layer in layers:
            if not isinstance(layer, int | np.integer) or isinstance(layer, bool):
                raise TypeError(f"layer is {shown(layer)}, expected an index from {-n} to {n - 1}")
            if not -n <= layer < n:
                raise IndexError(f"layer is {layer}, expected an index from {-n} to {n - 1}")
        return {range(n)[layer] for layer in layers}

    def _set_frozen(self, frozen: frozenset[int]) -> None:
        self.frozen = frozen
        self._updating = [i for i, buffers in enumerate(self._buffers) if buffers and i not in frozen]
        self._training_steps, self._prediction_steps = [], []
        for i, (layer, buffers) in enumerate(zip(self.layers, self._buffers, strict=True)):
            arrays = (tuple(f"{i}.{name}" for name in layer.parameter_shapes()), self.parameters, buffers)
            self._training_steps.append(Step(layer, *arrays, training=i not in frozen))
            self._prediction_steps.append(Step(layer, *arrays))

    def steps(self, training: bool) -> list[Step]:
        """Return the layers with their arrays; in training, those that are not frozen learn."""
        return self._training_steps if training else self._prediction_steps

    def run(self, x: Any, *, training: bool = False, noise: Sequence[Any] = ()) -> tuple[Any, list[Any], list[Any]]:
        """Forward pass of one chunk, in the tier's own arrays and without checks.

        Parameters
        ----------
        x : array of the tier
        training : bool
            If True, layers that are not frozen behave as in training: dropout applies its mask, if `noise` holds one,
            and batch normalization uses the mean and variance of x.
        noise : sequence of array of the tier
            One array for each layer that draws random numbers, as from `draw_noise`.

        Returns
        -------
        y : array of the tier
            Output of the last layer.
        vjps : list of tuple of function
            The vjps of each layer.
        seen : list
            For each layer, the statistics that `Layer.updated` needs, or None.
        """
        outputs: tuple[Any, list[Any], list[Any]] = forward(self.functions, self.steps(training), x, noise)
        return outputs

    def draw_noise(self, samples_shape: Shape, rng: np.random.Generator) -> list[Array]:
        """Return the random numbers of a training step on samples of shape (N, ...): the masks of dropout.

        Numbers are drawn for all layers that need some, in order; those of frozen layers are not returned.
        """
        drawn = enumerate(self.drawn_by_layer(samples_shape, rng))
        return [array for i, array in drawn if array is not None and i not in self.frozen]

    def drawn_by_layer(self, samples_shape: Shape, rng: np.random.Generator) -> list[Array | None]:
        """Return one entry per layer: its random numbers for a training step on samples of shape (N, ...), or None."""
        drawn = []
        for layer, shape in zip(self.layers, self.shapes(samples_shape[1:]), strict=False):
            assert shape is not None  # known, as the shape of the samples is
            drawn.append(layer.draw((samples_shape[0], *shape), rng))
        return drawn

    def check_batch(self, samples_shape: Shape) -> None:
        """Raise ValueError if a layer cannot train on a mini-batch of shape (N, ...)."""
        for i, n in self._counts(samples_shape):
            self.layers[i].check_batch(n)

    def apply_seen(self, seen: Sequence[Any], samples_shape: Shape) -> None:
        """Update the buffers of batch normalization from the statistics of a mini-batch of shape (N, ...)."""
        for i, n in self._counts(samples_shape):
            if seen[i] is not None:
                self._buffers[i].update(self.layers[i].updated(self.functions, self._buffers[i], seen[i], n))

    def _counts(self, samples_shape: Shape) -> list[tuple[int, int]]:
        """Return (i, numbers per channel) for each layer that has buffers and is not frozen."""
        if not self._updating:
            return []
        shapes = self.shapes(samples_shape[1:])
        return [(i, samples_shape[0] * math.prod((shapes[i] or ())[1:])) for i in self._updating]
