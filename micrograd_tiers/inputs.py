"""Checks of a network's arguments: layers, samples, weights and dtype; `targets.py` checks targets."""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import shown
from .conversion import as_numbers
from .errors import DataError
from .layers import Layer
from .layers.base import Shape, shapes_along
from .losses import Loss
from .tiers import COUPLED, Tier

Array = NDArray[Any]


def checked_layers(layers: Iterable[Layer], loss: Loss) -> tuple[Layer, ...]:
    """Return the layers as a tuple; raise ValueError if they do not fit each other or the loss."""
    if isinstance(layers, str) or not isinstance(layers, Iterable):
        raise ValueError(f"layers is {shown(layers)}, expected a list of layers such as [Linear(784, 10)]")
    layers = tuple(layers)
    if not layers:
        raise ValueError("Network: got no layers, expected at least one")
    for layer in layers:
        if not isinstance(layer, Layer):
            raise ValueError(f"layers holds {shown(layer)}, expected a Layer such as Linear(784, 300)")
    shape = shapes_along(layers)[-1]
    if shape is not None and len(shape) != 1:
        raise ValueError(f"Network: the last layer gives {shape}, {loss.name} expects a row: end with Flatten()")
    if shape is not None:
        loss.check_outputs(shape[0])
    return layers


def check_tier_has(functions: Iterable[str], tier: Tier, tier_name: str) -> None:
    """Raise a ValueError that names the functions that the tier lacks, if there are any."""
    missing = [name for name in dict.fromkeys(functions) if not hasattr(tier, name)]
    if missing:
        message = f"tier {tier_name!r} does not have {', '.join(missing)}, which this network needs"
        coupled = [name for name in missing if name in COUPLED]
        if coupled:
            message += f"; {coupled[0]} mixes the samples of a mini-batch: use tier='tensor', which sees them all"
        raise ValueError(message)


def dtype_at(tier: Tier, dtype: str) -> str:
    """Return the dtype of a net at a tier: its own if the tier offers it, otherwise float64."""
    try:
        tier.asarray([0.0], dtype)
    except (AttributeError, ValueError):  # what is wrong with a tier is reported when the net is made
        return "float64"
    return dtype


def check_samples(X: ArrayLike, layers: Sequence[Layer], dtype: str) -> Array:
    """Return X as an ndarray (N, ...) of the given dtype, or raise a DataError that names the problem."""
    array = as_numbers(X, "X")
    expected = layers[0].shape_in()
    if array.ndim < 2 or (expected is not None and array.ndim != 1 + len(expected)):
        shape = ", ".join(map(str, expected or ("...",)))
        raise DataError(
            f"X has shape {array.shape}, expected (N, {shape}): one sample per row. For a single sample write [x]"
        )
    if len(array) == 0:
        raise DataError("X is empty: expected at least one sample")
    try:
        output = shapes_along(layers, array.shape[1:])[-1]
    except ValueError as error:
        raise DataError(f"X has shape {array.shape}; {error}") from None
    if output is None or len(output) != 1:
        raise DataError(f"X has shape {array.shape}; the last layer gives {output}, expected a row: end with Flatten()")
    return array.astype(dtype, copy=False)


def check_state(state: Mapping[str, ArrayLike], layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the state as ndarrays, or raise a DataError unless its keys and shapes are those of the layers."""
    if not isinstance(state, Mapping):
        raise DataError(f"state is {shown(state)}, expected a dict of arrays, as from net.state_dict()")
    arrays = {key: as_numbers(value, key) for key, value in state.items()}
    shapes: dict[str, Shape] = {}
    for i, layer in enumerate(layers):
        of_layer = layer.parameter_shapes() | {name: np.shape(values) for name, values in layer.buffers().items()}
        shapes |= {f"{i}.{name}": shape for name, shape in of_layer.items()}
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


def check_finite(samples: Array) -> None:
    """Raise a DataError that names the first number of X that is NaN or infinite, if there is one."""
    wrong = ~np.isfinite(samples)
    if wrong.any():
        n, *place = np.argwhere(wrong)[0]
        feature = ", ".join(map(str, place))
        raise DataError(
            f"X holds {samples[n, *place]} (sample {n}, feature {feature}; {wrong.sum()} of {wrong.size} values "
            "are not finite): remove or repair these samples"
        )


def checked_dtype(dtype: str) -> str:
    """Return the name of a dtype; raise ValueError unless it is float64 or float32."""
    name = dtype
    if not isinstance(dtype, str):
        with suppress(TypeError):
            name = "None" if dtype is None else np.dtype(dtype).name
    if name not in ("float64", "float32"):
        raise ValueError(f"dtype is {name}, expected float64 or float32")
    return name
