"""Names of Values: their labels, and the names of variables, lists and nets that hold them."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from types import MappingProxyType
from typing import Any

from ...arguments import shown
from ...engine import Value

LONGEST = 1000  # longer lists are data, not variables
MOST = 20_000  # objects that are searched


def parts_of(thing: object, path: str) -> Iterator[tuple[str, Any]]:
    """Yield (path, object) for an object and all that lists, tuples, arrays of Values and nets hold in it.

    A net is any object with a method `parameters`. Breadth first, so that what is nearest comes first.
    """
    queue: list[tuple[str, Any]] = [(path, thing)]
    seen: set[int] = set()
    for path, part in queue:  # the list grows during the loop
        if id(part) in seen:
            continue
        seen.add(id(part))
        yield path, part
        if hasattr(type(part), "tolist") and getattr(getattr(part, "dtype", None), "kind", "") == "O":
            part = part.tolist() if part.size <= MOST else []
        if isinstance(part, (list, tuple)) and len(part) <= LONGEST:
            queue.extend((f"{path}[{i}]", inner) for i, inner in enumerate(part))
        elif callable(getattr(type(part), "parameters", None)) and hasattr(part, "__dict__"):
            queue.extend((f"{path}.{name}".lstrip("."), inner) for name, inner in vars(part).items())


def names_of(
    values: Sequence[Value], names: Mapping[str, object] | None, others: Mapping[int, Value] = MappingProxyType({})
) -> dict[Value, str]:
    """Return the labels of Values, and for those without a label the first name found in `names`.

    `others` are the Values that stand for objects of another class, keyed by the `id` of the object.

    Raises
    ------
    TypeError
        If `names` is no mapping.
    """
    found = {value: label for value in values if (label := str(value.label))}
    if names is None:
        return found
    if not isinstance(names, Mapping):
        raise TypeError(f"names is {shown(names)}, expected a dict of names and objects: names=locals()")
    unnamed = {*values} - {*found}
    left = MOST
    for name, thing in names.items():
        if str(name).startswith("_"):  # IPython's _, __, _1 ...
            continue
        with suppress(Exception):  # an object that cannot be searched is of no use here
            for path, part in islice(parts_of(thing, str(name)), left):
                left -= 1
                value = others.get(id(part), part)
                if isinstance(value, Value) and value in unnamed:
                    found.setdefault(value, path)
    return found
