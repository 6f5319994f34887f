"""The replay of a graph: a page that plays the forward and the backward pass, one step at a time."""

from collections import Counter
from collections.abc import Mapping, Sequence, Set
from dataclasses import replace
from typing import Any

from .._engine import in_order
from ..arguments import shown
from ..engine import Value
from ..html import escape, table
from .drawing import Drawing
from .graph.boxes import NAME, Graph, check_size, graph_of, nodes_of
from .graph.folding import Uses, uses_of
from .graph.names import names_of
from .graph.others import as_values, is_node
from .graph.passes import Contribution, Pass, backward, first_reached, wrong_gradients
from .graph.script import Names, backward_texts, forward_texts, listed
from .graph.svg import picture_of
from .graph.texts import number_text, one_line
from .page import Page

Step = dict[str, Any]  # of the page: the box at work, the numbers that change, and the texts; see replay.js
# Orders in which a node passes its gradient on as soon as it is reached, complete or not.
OTHER_ORDERS = {
    "breadth-first": {"depth_first": False},
    "depth-first": {"depth_first": True},
    "depth-first, last operand first": {"depth_first": True, "last_first": True},
}
LISTED = 10  # late steps that are listed


def replay(value: Any, *, names: Mapping[str, object] | None = None) -> Page:
    """Return a page that plays the forward and the backward pass through the graph of a Value, one step at a time.

    The forward pass computes node by node. Each step of the backward pass shows one product, the gradient to which it
    is added, and why it comes now. A switch plays the backward pass in another order, and shows which gradients are
    then wrong. Buttons, slider and keys (arrows, space, home, end) move through the steps. A notebook shows the page,
    and ``.save("replay.html")`` writes it to a file. The Values keep their gradients.

    Parameters
    ----------
    value : Value
        Or a node of your own class with `data`, `grad`, `_prev` and `slopes`, as in `draw`.
    names : dict, optional
        ``names=locals()`` names each node without a label, as in `draw`. Other nodes are called v1, v2, ...

    Raises
    ------
    TypeError
        If `value` is no Value.
    ValueError
        If the graph has more than 300 nodes.

    Examples
    --------
    >>> import micrograd_tiers as mt
    >>> a, b = mt.Value(2.0, label="a"), mt.Value(-3.0, label="b")
    >>> mt.replay(a * b + a)
    <Page: Replay of v2 = -4; .save('page.html') writes it to a file>
    """
    others: Mapping[int, Value] = {}
    if not isinstance(value, Value):
        if not is_node(value):
            raise TypeError(f"value is {shown(value)}, expected a Value; mt.draw(...) draws a net")
        value, others = as_values(value)
    values = nodes_of(value)
    if others and any(node._x is None for node in values if node._prev):
        raise TypeError(
            "value: its class does not keep local derivatives, expected an attribute `slopes` in the order of `_prev`; "
            "mt.draw(value) draws the graph without them"
        )
    called = _all_named(values, names_of(values, names, others))
    graph = graph_of(values, [], called)
    check_size(graph, len(values), "play a smaller expression, or draw it folded")
    right = backward(in_order(value, reset=False)[0] or [value])
    order, other, wrong = _other_order(values, right)
    graph = _with_room(graph, right, other, wrong)
    uses = uses_of(values, {*values})
    title = f"Replay of {called[value]} = {number_text(value.data)}"
    data = {
        "names": [called[box.value] for box in graph.boxes],
        "forward": _forward_steps(graph, called),
        "right": _backward_steps(graph, right, called, uses, _summary(graph, right, None, wrong, called)),
        "other": _backward_steps(graph, other, called, uses, _summary(graph, right, other, wrong, called)),
        "targets": [edge.target for edge in graph.edges],
        "wrong": [i for i, box in enumerate(graph.boxes) if box.value in wrong],
    }
    picture = picture_of(graph)
    body = f"""
<p>Forward: each node is computed from its operands. Backward: each node multiplies its gradient by the local derivative
on each edge into it, and adds the product to the gradient of the operand.</p>
<p><label><input type="checkbox" role="switch" id="other"> another order of the backward pass: {order}</label></p>
<div id="player"></div>
<div id="graph" class="scroll" tabindex="0" role="group" aria-label="{escape(title)}">
{Drawing(title, *picture, role="group").svg()}
</div>
<section id="verdict" hidden>{_verdict(order, right, other, wrong, called, uses)}</section>
"""
    height = int(min(picture.height, 500)) + 420
    return Page(title, body, ["replay.css", "player.js", "replay.js"], data, height)


def _all_named(values: Sequence[Value], names: Mapping[Value, str]) -> dict[Value, str]:
    """Return a name for each node; nodes without one are v1, v2, ... in the order of the forward pass."""
    taken, n = {*names.values()}, 0
    called: dict[Value, str] = {}
    alike: Counter[str] = Counter()
    for value in reversed(values):
        name = names.get(value)
        while not name:
            n += 1
            name = f"v{n}" if f"v{n}" not in taken else None
        name = one_line(name, NAME)
        alike[name] += 1
        called[value] = name if alike[name] == 1 else f"{one_line(name, NAME - 4)} ({alike[name]})"
    return called


def _other_order(values: Sequence[Value], right: Pass) -> tuple[str, Pass, set[Value]]:
    """Return an order that does harm if there is one, its backward pass, and the nodes with wrong gradients."""
    found = []
    for name, options in OTHER_ORDERS.items():
        other = backward(first_reached(values[0], **options))
        found.append((name, other, wrong_gradients(values, right, other)))
    return max(found, key=lambda each: (len(each[2]) > 0, any(step.late for step in each[1].steps)))


def _edges(graph: Graph) -> dict[tuple[Value, int], int]:
    """Return the number of each edge, by node and place of the operand."""
    seen: Counter[Value] = Counter()
    found = {}
    for k, edge in enumerate(graph.edges):
        node = graph.boxes[edge.target].value
        found[node, seen[node]] = k
        seen[node] += 1
    return found


def _with_room(graph: Graph, right: Pass, other: Pass, wrong: Set[Value]) -> Graph:
    """Return the graph with the right gradients, and with room for every number that the replay shows."""
    edge_of, longest, products = _edges(graph), Counter[Value](), Counter[int]()
    for step in (*right.steps, *other.steps):
        longest[step.operand] = max(longest[step.operand], len(number_text(step.after)) + 2 * (step.operand in wrong))
        edge = edge_of[step.node, step.place]
        products[edge] = max(products[edge], len(_added(step)))
    boxes = [
        replace(box, grad=number_text(right.grads.get(box.value, 0)), columns=longest[box.value]) for box in graph.boxes
    ]
    return Graph(boxes, [edge._replace(columns=products[k]) for k, edge in enumerate(graph.edges)])


def _added(step: Contribution) -> str:
    return f"+= {number_text(step.product)}"


def _forward_steps(graph: Graph, names: Names) -> list[Step]:
    """Return the steps of the forward pass, after one in which nothing is known."""
    steps: list[Step] = [{"formula": "", "why": "No number is computed yet. Each step forward computes one node."}]
    for i, box in reversed([*enumerate(graph.boxes)]):
        formula, why = forward_texts(box.value, names)
        steps.append({"box": i, "data": box.data, "formula": formula, "why": why})
    return steps


def _backward_steps(graph: Graph, passed: Pass, names: Names, uses: Uses, end: str) -> list[Step]:
    """Return the steps of a backward pass, between one that sets the gradient of the result to 1 and a summary."""
    result = names[graph.boxes[0].value]
    place = {box.value: i for i, box in enumerate(graph.boxes)}
    edge_of = _edges(graph)
    why = f"The backward pass starts at the result: d{result}/d{result} = 1. All other gradients start at 0."
    steps: list[Step] = [{"box": 0, "grad": [0, "1"], "formula": f"{result}.grad = 1", "why": why}]
    done: dict[Value, None] = {}
    for step in passed.steps:
        done[step.node] = None
        users = [*dict.fromkeys(uses[step.node])]
        pending = [user for user in users if user not in done]
        formula, why = backward_texts(step, names, users, pending)
        steps.append(
            {
                "box": place[step.node],
                "edge": edge_of[step.node, step.place],
                "added": _added(step),
                "grad": [place[step.operand], number_text(step.after)],
                "late": step.late,
                "formula": formula,
                "why": why,
            }
        )
    return [*steps, {"formula": "", "why": end}]


def _verdict(name: str, right: Pass, other: Pass, wrong: Set[Value], names: Names, uses: Uses) -> str:
    """Return HTML that tells what goes wrong in the other order, or why nothing does."""
    late = [step for step in other.steps if step.late]
    title = f"{len(wrong)} wrong gradient{'s' * (len(wrong) > 1)}" if wrong else "no wrong gradient in this graph"
    parts = [
        f"<h2>{name.capitalize()}: {title}</h2>",
        "<p>In this order a node passes its gradient on as soon as it is first reached, complete or not.</p>",
    ]
    if late:
        items = [_late_text(step, names) for step in late[:LISTED]]
        more = [f"and {len(late) - LISTED} more"] if len(late) > LISTED else []
        listing = "".join(f"<li>{escape(item)}</li>" for item in [*items, *more])
        parts.append(f"<p>Too late:</p><ul>{listing}</ul>")
    if wrong:
        nodes = [node for node in reversed([*uses]) if node in wrong]
        rows = [(names[v], *_told_apart(other.grads[v], right.grads[v])) for v in nodes]
        parts.append(table(["node", "gradient in this order", "right gradient"], rows))
    elif late:
        parts.append("<p>What came too late is 0 or is multiplied by 0, so every gradient is right.</p>")
    else:
        shared = [names[node] for node, by in uses.items() if node._prev and len({*by}) > 1]
        parts.append(f"<p>{escape(_harmless(shared))}</p>")
    return "".join(parts)


def _late_text(step: Contribution, names: Names) -> str:
    operand, onward = names[step.operand], listed([names[x] for x in dict.fromkeys(step.operand._prev)])
    product = number_text(step.product)
    return f"{product} from {names[step.node]} to {operand}, which had already passed its gradient on to {onward}"


def _told_apart(a: Any, b: Any) -> tuple[str, str]:
    """Return two numbers as texts, with as many digits as it takes to tell them apart."""
    short = number_text(a), number_text(b)
    return short if short[0] != short[1] else (repr(a), repr(b))


def _harmless(shared: Sequence[str]) -> str:
    """Return why no contribution comes too late."""
    leaves = " A leaf passes nothing on, so its contributions may come in any order."
    if shared:
        return (
            f"Several nodes are computed from {listed(shared)}, but this search reaches all of them before. "
            "So every node is complete when it is its turn, as in the topological order." + leaves
        )
    return (
        "Each node that passes a gradient on is used by one other node only, so it is complete when it is reached."
        + leaves
    )


def _summary(graph: Graph, right: Pass, other: Pass | None, wrong: Set[Value], names: Names) -> str:
    """Return the last text of a replay: the gradients of the leaves, or those that are wrong."""
    result = names[graph.boxes[0].value]
    if other is None or not wrong:
        leaves = [f"d{result}/d{names[b.value]} = {b.grad}" for b in reversed(graph.boxes) if not b.value._prev]
        return f"Every gradient is complete: {listed(leaves)}."
    found = [
        f"{names[box.value]}.grad is {' instead of '.join(_told_apart(other.grads[box.value], right.grads[box.value]))}"
        for box in reversed(graph.boxes)
        if box.value in wrong
    ]
    return f"{len(wrong)} of {len(graph.boxes)} gradients are wrong: {listed(found)}."
