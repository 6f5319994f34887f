"""Boxes and edges: the graph of Values as it is drawn, with folded parts and texts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from ...engine import Value
from .folding import Fold, uses_of
from .texts import number_text, one_line

MOST = 300  # boxes in one drawing
NAME, OP = 24, 10  # most columns of a name and of an op


@dataclass
class Box:
    """One node of the drawing, or a folded part."""

    value: Value
    name: str
    op: str  # "" for a leaf
    data: str
    grad: str
    part: Sequence[Value]  # the nodes that it stands for, its own first: more than one if it is folded
    outside: bool = False  # an input of the part that is drawn, computed elsewhere
    columns: int = 0  # room for the numbers, at least

    @property
    def hidden(self) -> int:
        """Number of nodes that the box hides."""
        return len(self.part) - 1


class Edge(NamedTuple):
    """An edge from an operand to a result, with the local derivative; None if that is unknown."""

    source: int
    target: int
    local: Any
    columns: int = 0  # room for the text, at least


class Graph(NamedTuple):
    """Boxes and edges of one drawing; each box comes before the boxes that it is computed from."""

    boxes: list[Box]
    edges: list[Edge]  # those into one box in the order of its operands


def nodes_of(value: Value) -> list[Value]:
    """Return all nodes of a graph, each before its operands; those that the first operand needs come first."""
    forward: dict[Value, None] = {}
    seen, stack = set(), [(value, False)]
    while stack:
        node, visited = stack.pop()
        if visited:  # the operands are listed, except leaves: these come where they are first needed
            forward |= dict.fromkeys(operand for operand in node._prev if not operand._prev)
            forward[node] = None
        elif node not in seen:
            seen.add(node)
            stack += [(node, True), *((operand, False) for operand in node._prev if operand._prev)]
    return list(reversed(forward))


def check_size(graph: Graph, n: int, way_out: str) -> None:
    """Raise ValueError if a graph of n nodes, some of them folded, has too many boxes for one drawing."""
    if len(graph.boxes) > MOST:
        left = "" if len(graph.boxes) == n else f", {len(graph.boxes):,} boxes after folding"
        raise ValueError(
            f"the graph of value has {n:,} nodes{left}; at most {MOST} are drawn: {way_out}: "
            "mt.draw(value, fold=model), mt.draw(value, fold=[a, b])"
        )


def local_text(edge: Edge) -> str:
    """Return the local derivative as a text, "" if it is unknown."""
    return "" if edge.local is None else number_text(edge.local)


def local_derivatives(value: Value) -> list[tuple[Value, Any]]:
    """Return the operands with the local derivatives that the engine stored, None beside a `_backward` made by hand."""
    if value._x is None:
        return [(operand, None) for operand in value._prev]
    return list(zip(value._prev, (value._dx, value._dy), strict=False))


def graph_of(
    values: Sequence[Value], folds: Sequence[Fold], names: Mapping[Value, str], members: set[Value] | None = None
) -> Graph:
    """Return boxes and edges for nodes in topological order, each before its operands.

    Parameters
    ----------
    values : sequence of Value
    folds : sequence of Fold
        In the order of their results in `values`; of two with the same result, the larger first.
    names : mapping
        Names of nodes.
    members : set of Value, optional
        If given, all other nodes are inputs: boxes without operands.
    """
    members = {*values} if members is None else members
    outer: dict[Value, Fold] = {}
    inside: set[Value] = set()
    for fold in folds:
        if fold.result in members and fold.result not in inside:
            outer[fold.result] = fold
            inside |= fold.members
    uses = uses_of(values, members)
    # A weight that something outside of folds needs, too, is drawn.
    hidden = {v for v in inside & members if v not in outer and uses[v] and inside.issuperset(uses[v])}
    drawn = [value for value in values if value not in hidden]
    order = {value: i for i, value in enumerate(values)}
    place = {value: i for i, value in enumerate(drawn)}
    graph = Graph([], [])
    for i, value in enumerate(drawn):
        name, op, part = names.get(value, ""), (value._op or "f") if value._prev and value in members else "", [value]
        if value in outer:
            name, op = outer[value].title, ""
            part = sorted((outer[value].members & hidden) | {value}, key=order.__getitem__)
        data, grad = number_text(value.data), number_text(value.grad)
        outside = value not in members
        graph.boxes.append(Box(value, one_line(name, NAME), one_line(op, OP), data, grad, part, outside))
        if not outside:
            graph.edges.extend(Edge(place[x], i, local) for x, local in _operands(part) if x in place)
    return graph


def _operands(part: Sequence[Value]) -> list[tuple[Value, Any]]:
    """Return the operands of a part of the graph, and the derivatives of its result, `part[0]`, by the chain rule."""
    if len(part) == 1:
        return local_derivatives(part[0])
    slopes: dict[Value, Any] = dict.fromkeys(part, 0)
    slopes[part[0]] = 1
    outside: dict[Value, Any] = {}
    for value in part:
        for operand, local in local_derivatives(value):
            found = slopes if operand in slopes else outside
            known = local is not None and slopes[value] is not None and found.get(operand, 0) is not None
            found[operand] = found.get(operand, 0) + slopes[value] * local if known else None
    inputs: dict[Value, None] = {}  # from left to right in the formula
    stack: list[Value] = [part[0]]
    seen: set[Value] = set()
    while stack:
        value = stack.pop()
        if value not in slopes:
            inputs[value] = None
        elif value not in seen:
            seen.add(value)
            stack.extend(reversed(value._prev))
    return [(value, outside[value]) for value in inputs]
