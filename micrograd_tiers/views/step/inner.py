"""Numbers inside an op that its formulas speak of: the scores and weights of attention, from the op's own inputs."""

from collections.abc import Callable, Mapping
from math import sqrt
from typing import Any

from ...tiers.lists import dot, shape_of
from ...tiers.scalar import softmax
from .event import Event
from .names import Numbers

Heads = list[list[list[float]]]  # (heads, T, T), 0 where s > t


def inner_numbers(event: Event, arrays: Mapping[str, Numbers]) -> dict[str, Numbers]:
    """Return numbers between the inputs and the results of an event, by name; none for an op other than attention.

    For the value, "score" and the softmax weights "p", (heads, T, T) or (N, heads, T, T); for the gradient, "dscore".
    The number D of features of a head becomes a setting of the event.
    """
    if event.op != "attention":
        return {}
    x, heads = arrays[event.inputs["x"]], event.settings["heads"]
    event.settings["D"] = shape_of(x)[-1] // (3 * heads)
    function: Callable[..., dict[str, Heads]] = scores_and_weights if event.part == "value" else _dscores
    names = ("x",) if event.part == "value" else ("x", "dy", "y", "p")
    given = [arrays[event.inputs[name]] for name in names]
    if len(shape_of(x)) == 2:
        return function(heads, *given)
    documents = [function(heads, *document) for document in zip(*given, strict=True)]
    return {name: [document[name] for document in documents] for name in documents[0]}


def scores_and_weights(heads: int, x: Any) -> dict[str, Heads]:
    """Return scores and weights of one document, for each head."""
    T, D = len(x), len(x[0]) // (3 * heads)
    scores, p = [], []
    for h in range(heads):
        q, k = _cut(x, h * D, D), _cut(x, (heads + h) * D, D)
        triangle = [[dot(q[t], k[s]) / sqrt(D) for s in range(t + 1)] for t in range(T)]
        scores.append([_filled(row, T) for row in triangle])
        p.append([_filled(softmax(row)[0], T) for row in triangle])
    return {"score": scores, "p": p}


def _dscores(heads: int, x: Any, dy: Any, y: Any, p: Any) -> dict[str, Heads]:
    """Return the gradients of the scores of one document, for each head."""
    T, D = len(x), len(x[0]) // (3 * heads)
    dscores = []
    for h in range(heads):
        v, dy_h, y_h = _cut(x, (2 * heads + h) * D, D), _cut(dy, h * D, D), _cut(y, h * D, D)
        along = [dot(dy_h[t], y_h[t]) for t in range(T)]
        triangle = [[p[h][t][s] * (dot(dy_h[t], v[s]) - along[t]) for s in range(t + 1)] for t in range(T)]
        dscores.append([_filled(row, T) for row in triangle])
    return {"dscore": dscores}


def _cut(rows: Any, start: int, D: int) -> Any:
    return [row[start : start + D] for row in rows]


def _filled(row: list[float], T: int) -> list[float]:
    return [*row, *[0.0] * (T - len(row))]
