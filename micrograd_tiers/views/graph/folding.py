"""Folds: parts of a graph that are drawn as one box each."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from ...arguments import shown
from ...engine import Value
from .names import parts_of

ACTIVATIONS = ("ReLU", "tanh", "sigmoid", "leaky ReLU", "softplus")
Uses = Mapping[Value, Sequence[Value]]


class Fold(NamedTuple):
    """A part of a graph with one result: its members are drawn as one box."""

    title: str
    result: Value
    members: set[Value]  # with the result
    names: Mapping[Value, str]  # of members, in the drawing of the inside


def uses_of(values: Iterable[Value], members: Container[Value]) -> dict[Value, list[Value]]:
    """Return for each node the members that are computed from it, one entry per use."""
    uses: dict[Value, list[Value]] = {value: [] for value in values}
    for value in uses:
        if value in members:
            for operand in value._prev:
                uses[operand].append(value)
    return uses


class Weighted(NamedTuple):
    """Parameters of a neuron, and True if it has an activation."""

    w: list[Value]
    b: Value
    nonlin: bool


def folds_of(
    fold: Any, uses: Uses, names: Mapping[Value, str], others: Mapping[int, Value] = MappingProxyType({})
) -> list[Fold]:
    """Return the folds that the argument `fold` asks for, the nearest to the result of the graph first.

    Parameters
    ----------
    fold : Value, net, or list of these
        A Value folds all that only it depends on. A net is an `nn.MLP`, `nn.Layer` or `nn.Neuron`, or an object built
        in the same way: each call of each neuron becomes one fold.
    uses : mapping
        Nodes of the graph, each before its operands, with the nodes computed from them.
    names : mapping
        Names of nodes.
    others : mapping
        Values that stand for objects of another class, keyed by the `id` of the object.

    Raises
    ------
    TypeError, ValueError
        If `fold` holds something else, or something that is not in the graph.
    """
    things = fold if isinstance(fold, (list, tuple)) else [] if fold is None else [fold]
    found: list[Fold] = []
    for thing in (others.get(id(thing), thing) for thing in things):
        if isinstance(thing, Value):
            if thing not in uses:
                raise ValueError(f"fold holds {shown(thing)}, which is not a node of the graph; fold one of its nodes")
            found.append(Fold(names.get(thing, thing._op), thing, _needed_only_by(thing, uses), {}))
            continue
        parts = ((path, _neuron(part, others)) for path, part in parts_of(thing, ""))
        neurons = [(path, neuron) for path, neuron in parts if neuron]
        if not neurons:
            raise TypeError(f"fold holds {shown(thing)}, expected Values or nets such as nn.MLP")
        calls = [
            Fold(_title(path), *call, {neuron.b: "b"} | {w: f"w[{i}]" for i, w in enumerate(neuron.w)})
            for path, neuron in neurons
            for call in _calls_of(neuron, uses, names)
        ]
        if not calls:
            raise ValueError(
                f"fold holds {shown(thing)}, which has no neuron in the graph; fold the net that computed it"
            )
        found += calls
    found = [each for each in found if len(each.members) > 1]
    for outer in found:  # what neurons inside need is inside, too, even if other nodes share it
        inside = (f for f in found if f.result in outer.members and (f.result is not outer.result or not outer.names))
        outer.members.update(*[f.members for f in inside])
    place = {value: i for i, value in enumerate(uses)}
    return sorted(found, key=lambda each: (place[each.result], -len(each.members)))


def _needed_only_by(result: Value, uses: Uses) -> set[Value]:
    """Return a node and all nodes from which nothing but this node is computed."""
    members = {result}
    for value, users in uses.items():  # each node after those computed from it
        if users and members.issuperset(users):
            members.add(value)
    return members


def _neuron(thing: Any, others: Mapping[int, Value]) -> Weighted | None:
    """Return the parameters of an object with a list of weights `w` and a bias `b`, as a Neuron has; else None."""
    weights, bias = getattr(thing, "w", None), getattr(thing, "b", None)
    if not isinstance(weights, list):
        return None
    *w, b = (others.get(id(each), each) for each in (*weights, bias))
    return Weighted(w, b, getattr(thing, "nonlin", True)) if all(isinstance(each, Value) for each in (*w, b)) else None


def _title(path: str) -> str:
    """Return a name for a neuron: "layer 1, neuron 2" for "layers[0].neurons[1]"."""
    return re.sub(r"(\w+?)s?\[(\d+)\]", lambda m: f"{m[1]} {int(m[2]) + 1}", path).replace(".", ", ") or "neuron"


def _calls_of(neuron: Weighted, uses: Uses, names: Mapping[Value, str]) -> Iterator[tuple[Value, set[Value]]]:
    """Yield result and members of each call: b + w[0] * x[0] + w[1] * x[1] + ..., then an activation or none.

    Weights and bias are members, inputs are not, except numbers: a number is a node of this call alone.
    """
    for total in uses.get(neuron.b, ()):
        before, members = neuron.b, {neuron.b}
        for w in neuron.w:
            if before is not neuron.b:
                if len(uses[before]) != 1:
                    break
                total = uses[before][0]
            others = [x for x in total._prev if x is not before]  # micrograd keeps operands in any order
            if total._op != "+" or len(total._prev) != 2 or len(others) != 1:
                break
            (product,) = others
            if product._op != "*" or len(uses[product]) != 1 or not any(x is w for x in product._prev):
                break
            numbers = [x for x in product._prev if not x._prev and len(uses[x]) == 1 and x not in names]
            members.update((w, product, total, *numbers))
            before = total
        else:
            users = uses[before] if neuron.w else [total]
            if neuron.nonlin and len(users) == 1 and users[0]._op in ACTIVATIONS:
                before = users[0]
            yield before, members | {before}
