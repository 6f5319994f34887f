"""Parsers of three one-line notations: for nets, schedules and grids of settings."""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .arguments import check_name, shown
from .layers import AvgPool2d, BatchNorm1d, BatchNorm2d, Conv2d, Dropout, Flatten, Layer, Linear, MaxPool2d, Reshape
from .layers.activation import ACTIVATIONS
from .layers.base import Shape
from .schedules import CosineAnnealing, LinearDecay, Schedule, StepDecay

LAYERS: dict[str, tuple[Callable[..., Layer], int, int]] = {  # the layer; minimum and maximum count of its numbers
    "linear": (Linear, 1, 1),
    "conv": (Conv2d, 2, 4),
    "avg": (AvgPool2d, 1, 2),
    "max": (MaxPool2d, 1, 2),
    "dropout": (Dropout, 1, 1),
    "batchnorm": (BatchNorm2d, 0, 0),
    "flatten": (Flatten, 0, 0),
    **{name: (activation, 0, 0) for name, activation in ACTIVATIONS.items()},
}


def sizes_from_words(words: str) -> tuple[int, ...]:
    """Parse the sizes of a net, such as "784-300-10".

    Raises
    ------
    ValueError
        If there are fewer than two sizes, or one is not a whole number above 0.
    """
    sizes = words.split("-")
    if len(sizes) < 2 or not all(size.isdecimal() and int(size) > 0 for size in sizes):
        raise ValueError(f"net is {words!r}, expected numbers of units such as 784-300-10")
    return tuple(map(int, sizes))


def layers_from_words(words: str, shape: Shape, n_classes: int) -> list[Layer]:
    """Parse the layers of a classifier, such as "conv:6,5,1,2 relu max:2 linear:120 relu dropout:0.5".

    Parameters
    ----------
    words : str
        Layers in order, except the last: conv:O,K[,stride[,padding]], avg:K[,stride], max:K[,stride], linear:O,
        dropout:P, batchnorm, flatten, and the names of `ACTIVATIONS`. Each layer's number of inputs follows from the
        layer before it. Images are flattened before the first linear layer, and a linear layer to the C classes is
        added at the end.
    shape : tuple of int
        Shape of a sample for the first of these layers: (784,) or (1, 28, 28). The net itself takes images as rows.
    n_classes : int
        C.

    Returns
    -------
    list of Layer

    Raises
    ------
    ValueError
        If a word is unknown, or a layer cannot take the output of the layer before it.
    """
    layers: list[Layer] = [Reshape(shape)] if len(shape) > 1 else []
    for word in (*words.split(), f"linear:{n_classes}"):
        name, _, numbers = word.partition(":")
        check_name("layer", name, LAYERS)
        make, fewest, most = LAYERS[name]
        try:
            arguments = [float(n) if "." in n else int(n) for n in numbers.split(",") if n]
        except ValueError:
            raise ValueError(f"layer {word!r}: expected numbers after the colon, as in conv:6,5") from None
        if not fewest <= len(arguments) <= most:
            count = f"{fewest} to {most}" if fewest < most else f"{most or 'none'}"
            raise ValueError(f"layer {word!r}: numbers after the colon: got {len(arguments)}, expected {count}")
        if make is Linear and len(shape) > 1:
            layers.append(Flatten())
            shape = (math.prod(shape),)
        if make is BatchNorm2d:
            layer: Layer = (BatchNorm2d if len(shape) > 1 else BatchNorm1d)(shape[0])
        else:
            layer = make(*([shape[0]] if make in (Linear, Conv2d) else []), *arguments)
        layers.append(layer)
        shape = layer.shape_out(shape) or ()
    return layers


def schedule_from_words(words: str, epochs: int, steps: int) -> Schedule | None:
    """Parse a schedule of the learning rate: "step:EVERY", "step:EVERY,BY", "cosine", "linear" or "constant".

    Parameters
    ----------
    words : str
    epochs, steps : int
        Number of epochs over which the cosine falls, and of steps over which the line falls.

    Returns
    -------
    Schedule or None
        None if the rate is constant, also for "".

    Raises
    ------
    ValueError
        If the text is none of these, or a number is out of its range.
    """
    name, _, numbers = words.partition(":")
    if words in ("", "constant"):
        return None
    if name == "cosine" and not numbers:
        return CosineAnnealing(epochs)
    if name == "linear" and not numbers:
        return LinearDecay(steps)
    every, *by = numbers.split(",")
    if name == "step" and len(by) < 2:
        try:
            return StepDecay(_number("EVERY", int, every), *(_number("BY", float, share) for share in by))
        except ValueError as error:
            raise ValueError(
                f"schedule {words!r}: {error}; write step:EVERY, step:EVERY,BY, cosine, linear or constant"
            ) from None
    raise ValueError(f"unknown schedule {words!r}: expected step:EVERY, step:EVERY,BY, cosine, linear or constant")


def get_schedule(schedule: Any, epochs: int, steps: int) -> Schedule | None:
    """Return the schedule of a run of so many epochs or steps, given in words or as it is; None: a constant rate.

    Raises
    ------
    ValueError
        If it is none of these, or the words cannot be parsed.
    """
    if isinstance(schedule, str):
        return schedule_from_words(schedule, epochs, steps)
    if schedule is not None and not isinstance(schedule, Schedule):
        raise ValueError(
            f"schedule is {shown(schedule)}, expected a Schedule such as CosineAnnealing(epochs=10), or words such as "
            "'cosine' or 'step:10,0.5'"
        )
    return schedule


def grid_from_words(words: Sequence[str], kinds: Mapping[str, Sequence[type]]) -> dict[str, list[Any]]:
    """Parse a grid such as "learning_rate=0.01,0.1" and "seeds=0..4"; return the list of values of each setting.

    Parameters
    ----------
    words : sequence of str
        One setting each. Values are separated by commas; those of `layers` and `schedule`, which contain commas, by
        "|".
    kinds : mapping of str to sequence of type
        Names of the settings, and the types that their values may have.

    Raises
    ------
    ValueError
        If a setting is unknown or given twice, or a value has the wrong type.
    """
    grid: dict[str, list[Any]] = {}
    for word in words:
        name, equals, values = word.partition("=")
        name = {"seeds": "seed"}.get(name, name).replace("-", "_")
        if not equals or name not in kinds:
            raise ValueError(f"{word!r}: expected SETTING=VALUE,VALUE,... with a setting of train: {', '.join(kinds)}")
        if name in grid:
            raise ValueError(f"{name} is given twice: put all its values into one SETTING=VALUE,VALUE,...")
        separator = "|" if name in ("layers", "schedule") else ","
        several = (_values(name, kinds[name], value.strip()) for value in values.split(separator))
        grid[name] = [*dict.fromkeys(value for those in several for value in those)]
    return grid


def _values(name: str, kinds: Sequence[type], value: str) -> list[Any]:
    if tuple in kinds:
        return [tuple(_number(name, int, size) for size in value.split("-")) if value else ()]
    first, dots, last = value.partition("..")
    if dots and int in kinds:
        numbers = [*range(_number(name, int, first), _number(name, int, last) + 1)]
        if not numbers:
            raise ValueError(f"{name} is {value!r}, expected FIRST..LAST, the smaller number first")
        return numbers
    if bool in kinds:
        if value not in ("true", "false"):
            raise ValueError(f"{name} is {value!r}, expected true or false")
        return [value == "true"]
    return [value if str in kinds else _number(name, kinds[0], value)]


def _number(name: str, kind: type, value: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        raise ValueError(f"{name} is {value!r}, expected {'a whole number' if kind is int else 'a number'}") from None
