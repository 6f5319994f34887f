"""Numbers of a net as text: what a pointer shows on a mark, and what the tables below the drawing hold."""

from collections.abc import Callable, Iterable

from ...html import number
from .marks import range_of
from .snapshot import Nested, Numbers, Stage, numbers_in

Facts = dict[str, dict[str, str]]  # numbers as text by name, for each mark: {"unit 0": {"output": "0.5"}}


def shape_text(stage: Stage) -> str:
    """Return the shape of a stage's output: "3 units", "784 numbers", "6 maps of 28 x 28"."""
    shape = stage.shape
    if shape is None:
        return "any shape"
    if len(shape) == 1:
        return f"{shape[0]:,} {'input' if stage.what == 'input' else 'unit'}{'s' * (shape[0] > 1)}"
    size = " x ".join(map(str, shape[-2:]))
    n = " x ".join(map(str, shape[:-2]))
    return f"{n} map{'s' * (n != '1')} of {size}" if n else size


def spread(numbers: Numbers) -> str:
    """Return a single number, or the range of several."""
    return number(numbers[0]) if len(numbers) == 1 else range_of(numbers)


def facts(stage: Stage, start: int, stop: int) -> dict[str, str]:
    """Return the output and its gradient as text by name, for the numbers from `start` to before `stop`."""
    named = {stage.what: stage.output, f"dL/d({stage.what})": stage.doutput}
    return {name: spread(numbers[start:stop]) for name, numbers in named.items() if numbers is not None}


def parameter_facts(stage: Stage, pick: Callable[[Nested], Nested], names: Iterable[str]) -> dict[str, str]:
    """Return the part of some parameters that `pick` takes from each of them, and its gradient, as text by name."""
    found = {}
    for name in names:
        for title, parameters in ((name, stage.parameters), (f"dL/d({name})", stage.gradients)):
            if name in parameters:
                found[title] = spread(numbers_in(pick(parameters[name])))
    return found


def per_unit(stage: Stage, n: int) -> list[str]:
    """Return the names of the parameters that have an entry for each of n units or maps."""
    return [name for name, values in stage.parameters.items() if isinstance(values, list) and len(values) == n]


def listed(whose: str, named: dict[str, str]) -> str:
    """Return named texts as a phrase: "unit 0: output 0.5, bias -1"."""
    return f"{whose}: {', '.join(f'{name} {value}' for name, value in named.items())}" if named else ""
