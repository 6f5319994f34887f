"""Checks of what users hand to a network: numbers, labels, weights, settings."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import number
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
        of_layer = layer.parameter_shapes() | {name: values.shape for name, values in layer.buffers().items()}
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


def check_labels(y: ArrayLike, n_classes: int | None) -> NDArray[np.int64]:
    """Return class labels (N,) as int64, or raise a DataError if any is not a whole number from 0 to C - 1."""
    array = as_numbers(y, "y")
    if array.ndim != 1:
        raise DataError(f"y has shape {array.shape}, expected class labels of shape (N,)")
    wrong = array[~(np.isfinite(array) & (array == np.floor(array)))]
    if wrong.size:
        raise DataError(f"y holds the label {wrong[0]}, expected whole numbers")
    wrong = array[(array < 0) | (array >= (np.inf if n_classes is None else n_classes))]
    if wrong.size:
        upper = "" if n_classes is None else f" to {n_classes - 1}, one for each of the net's {n_classes} outputs"
        raise DataError(f"y holds the label {wrong[0]}, expected 0{upper or ' or more'}")
    return array.astype(np.int64)


def checked_smoothing(smoothing: float, loss: str) -> float:
    """Return the label smoothing, or raise a ValueError if it is out of range or the loss has no labels."""
    smoothing = number("label_smoothing", smoothing, at_least=0, below=1)
    if smoothing and loss != "softmax_cross_entropy":
        raise ValueError(f"label_smoothing is {smoothing:g}: the loss {loss!r} has no labels to smooth")
    return smoothing


def checked_dtype(dtype: str) -> str:
    """Return the name of a dtype, or raise a ValueError if it is not one of the two."""
    name = dtype if isinstance(dtype, str) else np.dtype(dtype).name
    if name not in ("float64", "float32"):
        raise ValueError(f"dtype is {name}, expected float64 or float32")
    return name
