"""Checks of what users hand to a network: numbers, weights, settings; `targets.py` has those of targets."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .errors import DataError
from .layers import Layer
from .layers.base import Shape

Array = NDArray[Any]


def parameter_shapes(layers: Sequence[Layer]) -> dict[str, Shape]:
    """Return the shapes of all parameters of a chain of layers, keyed as in `Network.state_dict`."""
    return {f"{i}.{name}": shape for i, layer in enumerate(layers) for name, shape in layer.parameter_shapes().items()}


def state_shapes(layers: Sequence[Layer]) -> dict[str, Shape]:
    """Return the shapes of all parameters and buffers, keyed as `Network.state_dict`."""
    shapes: dict[str, Shape] = {}
    for i, layer in enumerate(layers):
        of_layer = layer.parameter_shapes() | {name: np.shape(values) for name, values in layer.buffers().items()}
        shapes |= {f"{i}.{name}": shape for name, shape in of_layer.items()}
    return shapes


def check_state(state: Mapping[str, ArrayLike], layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the state as ndarrays if it holds just what these layers have, or raise a DataError."""
    arrays = {key: as_numbers(value, key) for key, value in state.items()}
    shapes = state_shapes(layers)
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


def checked_dtype(dtype: str) -> str:
    """Return the name of a dtype, or raise a ValueError if it is not one of the two."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in ("float64", "float32"):
        raise ValueError(f"dtype is {name}, expected float64 or float32")
    return name
