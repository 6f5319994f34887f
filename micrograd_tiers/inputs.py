"""Checks of a network's arguments: layers, samples, weights and dtype; `targets.py` checks targets."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .arguments import shown
from .conversion import advice, are_whole, as_numbers, dropping, named
from .errors import DataError
from .formats import cut
from .layers import Conv2d, Embedding, Layer, Reshape
from .layers.base import Shape, shape_of_sample, shapes_along
from .losses import Loss
from .tiers import COUPLED, Tier

Array = NDArray[Any]

MOST_PROBLEMS = 8  # named in one error


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
    if shape is not None:
        if len(shape) != loss.axes:
            raise ValueError(f"Network: the last layer gives {shape}, {loss.name} {_expected_output(loss)}")
        loss.check_outputs(shape[-1])
    return layers


def _expected_output(loss: Loss) -> str:
    if loss.axes == 1:
        return "expects a row: end with Flatten()"
    return "expects (T, V), a row of logits for each position: begin with Embedding(V, ...), end with Project(..., V)"


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


def check_samples(X: ArrayLike, layers: Sequence[Layer], loss: Loss, dtype: str) -> Array:
    """Return X as an ndarray (N, ...) of the given dtype, or of int64 for tokens, or raise a DataError."""

    def accept(array: Array) -> None:
        _check_shape(array, layers, loss)
        if isinstance(layers[0], Embedding):
            _check_tokens(array, layers[0].n_tokens)

    try:
        array = as_numbers(X, "X", accept)
    except DataError as error:
        if layers[0].takes_tokens and "rectangular" in str(error):
            raise DataError(f"{error}: end short documents with -1, as Tokenizer.encode does") from None
        raise
    try:
        accept(array)
    except DataError as error:
        calls = _reshapings(X, array.shape, layers)
        raise DataError(f"{error}{advice('X', X, calls, lambda result: accept(np.asarray(result)))}") from None
    if layers[0].takes_tokens:
        return array.astype(np.int64)
    with np.errstate(over="ignore"):  # `check_finite` reports it before training; predictions show it
        return array.astype(dtype, copy=False)


def _check_tokens(X: Array, n_tokens: int) -> None:
    """Raise a DataError unless X holds documents of token numbers, (N, T), each with its padding at its end."""
    check_token_numbers(X, "X", n_tokens)
    if X.shape[1] == 0:
        raise DataError("X is empty: expected at least one token in each document")
    if (X[:, 0] < 0).any():
        raise DataError(f"X: document {np.argmax(X[:, 0] < 0)} begins with -1, expected at least one token")
    gap = (X[:, :-1] < 0) & (X[:, 1:] >= 0)
    if gap.any():
        n, t = np.argwhere(gap)[0]
        raise DataError(f"X: document {n} has -1 at position {t} and a token after it; expected -1 only at its end")


def check_token_numbers(array: Array, what: str, n_tokens: int | None) -> None:
    """Raise a DataError unless an array holds whole numbers from -1 to V - 1."""
    last = np.inf if n_tokens is None else n_tokens - 1
    wrong = array[~(are_whole(array) & (array >= -1) & (array <= last))]
    if wrong.size:
        raise DataError(f"{what} holds {wrong[0]}, expected token numbers from 0 to {last}, and -1 after the end")


def _check_shape(array: Array, layers: Sequence[Layer], loss: Loss) -> None:
    expected = shape_of_sample(layers)
    if layers[0].takes_tokens and array.ndim != 2:
        raise DataError(f"X has shape {array.shape}, expected (N, T): the token numbers of one document per row")
    if array.ndim < 2 or (expected is not None and array.ndim != 1 + len(expected)):
        shape = ", ".join(map(str, expected or ("...",)))
        raise DataError(f"X has shape {array.shape}, expected (N, {shape}): one sample per row")
    if len(array) == 0:
        raise DataError("X is empty: expected at least one sample")
    try:
        output = shapes_along(layers, array.shape[1:])[-1]
    except ValueError as error:
        raise DataError(f"X has shape {array.shape}; {error}") from None
    if output is None or len(output) != loss.axes:
        raise DataError(
            f"X has shape {array.shape}; the last layer gives {output}, {loss.name} {_expected_output(loss)}"
        )


def _reshapings(X: ArrayLike, shape: Shape, layers: Sequence[Layer]) -> Iterator[str]:
    """Yield expressions that may give X the shape that the layers take, those that keep most of its shape first."""
    x, first = named("X", X), layers[0]
    yield "[X]"  # a single sample
    yield f"{x}.reshape(-1, 1)"  # samples of one feature
    yield f"{x}.transpose(0, 3, 1, 2)"  # (N, H, W, C)
    yield f"{x}[:, None]"  # (N, H, W)
    yield from (f"{x}.transpose(2, 0, 1)[None]", f"{x}[None, None]")  # a single image (H, W, C), (H, W)
    if isinstance(first, Reshape) and len(shape) == 4 and first.shape[0] > 1 and shape[3:] + shape[1:3] == first.shape:
        yield f"{x}.transpose(0, 3, 1, 2).reshape(len(X), -1)"
    yield f"{x}.reshape(len(X), -1)"
    yield f"{x}.reshape(1, -1)"  # a single image
    yield f"{x}.T"
    if isinstance(first, Conv2d) and len(shape) == 2:
        side = math.isqrt(shape[1] // first.in_channels)
        yield f"{x}.reshape(-1, {first.in_channels}, {side}, {side})"


def check_state(state: Mapping[str, ArrayLike], layers: Sequence[Layer]) -> dict[str, Array]:
    """Return the state as ndarrays, or raise a DataError unless its keys and shapes are those of the layers."""
    if not isinstance(state, Mapping):
        raise DataError(f"state is {shown(state)}, expected a dict of arrays, as from net.state_dict()")
    arrays = {key: as_numbers(value, key) for key, value in state.items()}
    check_shapes({key: array.shape for key, array in arrays.items()}, layers)
    return arrays


def check_shapes(shapes: Mapping[str, Shape], layers: Sequence[Layer]) -> None:
    """Raise a DataError unless these are the keys and shapes of the layers' parameters and buffers."""
    expected: dict[str, Shape] = {}
    for i, layer in enumerate(layers):
        of_layer = layer.parameter_shapes() | {name: np.shape(values) for name, values in layer.buffers().items()}
        expected |= {f"{i}.{name}": shape for name, shape in of_layer.items()}
    problems = [
        *(f"{key} is missing" for key in expected if key not in shapes),
        *(f"{cut(key, 60)} is unexpected" for key in shapes if key not in expected),
        *(
            f"{key} has shape {shapes[key]}, expected {shape}"
            for key, shape in expected.items()
            if key in shapes and shapes[key] != shape
        ),
    ]
    if problems:
        more = [f"and {len(problems) - MOST_PROBLEMS:,} more"] if len(problems) > MOST_PROBLEMS else []
        raise DataError(f"weights do not fit the layers: {'; '.join(problems[:MOST_PROBLEMS] + more)}")


def check_numbers(values: Any, what: str) -> Array:
    """Return values as an ndarray of finite floats, or raise a DataError."""
    array = as_numbers(values, what).astype(float)
    if not np.isfinite(array).all():
        raise DataError(f"{what} holds {array[~np.isfinite(array)].flat[0]}, expected finite numbers")
    return array


def check_finite(samples: Array, X: ArrayLike) -> None:
    """Raise a DataError that names the first number of the samples that is NaN or infinite, if there is one.

    The same for numbers that have become 0, if nothing else is left of the samples or of a feature. X is what the
    samples were made of.
    """
    if _all_finite(samples):
        if getattr(X, "dtype", None) != samples.dtype:  # only a conversion can turn a number into 0
            _check_underflow(samples, X)
        return
    wrong = ~np.isfinite(samples)
    n, *place = np.argwhere(wrong)[0]
    which = f"sample {n}, feature {', '.join(map(str, place))}"
    given = as_numbers(X, "X")[n, *place]
    if np.isfinite(given):
        way_out = "; try mt.datasets.Standardizer.fit(X)(X)" * bool(abs(given) <= np.finfo(np.float64).max)
        raise DataError(
            f"X holds {given:g} ({which}), expected at most {np.finfo(samples.dtype).max:.2g}, the largest number of "
            f"{samples.dtype}: scale the features{way_out}"
        )
    axes = tuple(range(1, samples.ndim))
    x = "X" if isinstance(X, np.ndarray) and X.dtype.kind == "f" else "np.asarray(X, float)"
    usable = not wrong.any(axis=axes).all()
    way_out = dropping(f"np.isfinite({x}).all(axis={axes if len(axes) > 1 else 1})")
    raise DataError(
        f"X holds {samples[n, *place]} ({which}; {wrong.sum()} of {wrong.size} values are not finite): remove or "
        f"repair these samples{f'; try {way_out}' * usable}"
    )


def _all_finite(samples: Array) -> bool:
    """Return True if no number is NaN or infinite."""
    numbers = samples.ravel(order="K")  # as they lie in memory: a transposed array is not copied
    half = (numbers.size + 1) // 2
    # Each number is multiplied by one of the other half. A product with NaN or infinity is not finite, nor is the sum.
    with np.errstate(over="ignore", invalid="ignore"):  # finite products may overflow
        if np.isfinite(np.dot(numbers[:half], numbers[-half:])):  # in half the time of the line below
            return True
    return bool(np.isfinite(numbers).all())


def _check_underflow(samples: Array, X: ArrayLike) -> None:
    empty = ~samples.any(axis=0)
    if not empty.any():
        return
    lost = np.asarray(as_numbers(X, "X")[:, empty] != 0)
    if samples.any():  # a feature of zeros and of rounding errors, such as a pixel of the border, is not lost
        lost &= lost.all(axis=0)
    if lost.any():
        n, column = np.argwhere(lost)[0]
        place = np.argwhere(empty)[column]
        smallest = np.finfo(samples.dtype).smallest_subnormal
        way_out = "; try mt.datasets.Standardizer.fit(X)(X)" * (samples.ndim == 2)
        raise DataError(
            f"X holds {as_numbers(X, 'X')[n, *place]:g} (sample {n}, feature {', '.join(map(str, place))}), which "
            f"becomes 0: expected at least {smallest:.2g}, the smallest number of {samples.dtype}: scale the features"
            f"{way_out}"
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
