"""The drawing of a Value's graph, and below it what the folded boxes hide."""

from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any
from zlib import crc32

from ...engine import Value
from ...html import escape
from ..drawing import Drawing
from .boxes import MOST, Box, Graph, check_size, graph_of, nodes_of
from .folding import Fold, folds_of, uses_of
from .names import names_of
from .others import as_values
from .svg import picture_of
from .texts import number_text, one_line

DRAWN = count(1)  # drawings with folds


def draw_graph(value: Any, names: Mapping[str, object] | None = None, fold: Any = None) -> Drawing:
    """Return the drawing of the graph of a Value, or of a node of another class; see `draw`."""
    value, others = (value, {}) if isinstance(value, Value) else as_values(value)
    values = nodes_of(value)
    called = names_of(values, names, others)
    folds = folds_of(fold, uses_of(values, {*values}), called, others)
    graph = graph_of(values, folds, called)
    check_size(
        graph, len(values), "fold the neurons of a net, or nodes with all that only they need, into one box each"
    )
    name = f"{one_line(called[value], 40)} = " if value in called else ""
    title = f"Graph of {name}{number_text(value.data)}: {len(values):,} node{'s' * (len(values) > 1)}"
    picture = picture_of(graph)
    if len(graph.boxes) == len(values):
        return Drawing(title, *picture, role="group")
    order = {node: i for i, node in enumerate(values)}
    prefix = f"part-{crc32(picture.parts.encode()):08x}-{next(DRAWN)}"  # a notebook may show a drawing twice

    def address(box: Box) -> str:
        return f"{prefix}-{order[box.value]}-{box.hidden}"

    below, graphs = [], [graph]
    for outer in graphs:  # the list grows during the loop
        for box in outer.boxes:
            if box.hidden:
                inside = _inside(box, order, folds, called)
                summary = f"{escape(box.name)} = {box.data}: {box.hidden} nodes inside"
                if len(inside.boxes) > MOST:
                    content = f"<p>More than {MOST} nodes are not drawn: fold parts of them.</p>"
                else:
                    graphs.append(inside)
                    content = Drawing(f"Inside of {box.name}", *picture_of(inside, address), role="group").html()
                below.append(f"<details><summary>{summary}</summary><div id='{address(box)}'>{content}</div></details>")
    return Drawing(title, *picture, "".join(below), role="group", linked=picture_of(graph, address).parts)


def _inside(box: Box, order: Mapping[Value, int], folds: Sequence[Fold], names: Mapping[Value, str]) -> Graph:
    """Return the graph that a folded box hides, with its inputs."""
    members = {*box.part}
    values = sorted(members.union(*(value._prev for value in box.part)), key=order.__getitem__)
    *_, this = (fold for fold in folds if fold.result is box.value and fold.members >= members)
    smaller = [fold for fold in folds if fold.result is not box.value or len(fold.members) < len(this.members)]
    short = {value: name for value, name in this.names.items() if not value.label}
    return graph_of(values, smaller, {**{fold.result: fold.title for fold in folds}, **names, **short}, members)
