"""SVG of a graph: boxes with name, op, data and gradient; edges with local derivatives."""

from collections.abc import Callable
from typing import NamedTuple

from ...html import escape
from .boxes import Box, Edge, Graph, local_text
from .layout import Ending, layout
from .texts import columns

COLUMN, LINE = 7.25, 16.0  # of text at 12 pixels: no common monospace font is wider
PAD = 8.0  # between text and frame
PORT = 18.0  # from one edge into a box to the next
HEAD = 6.0  # length of an arrowhead
MARGIN = 6.0  # around the drawing
FRAME = "#868b93"  # visible on white and on black
LINK = "color:inherit;text-decoration:none"  # whatever the page around it does with links
LEAF, BOX, OP = (
    f"fill='{color}' fill-opacity='{opacity}'"  # a transparent box takes clicks, one without fill does not
    for color, opacity in (("#56b4e9", 0.16), ("#808080", 0), ("#808080", 0.18))
)


class DrawnGraph(NamedTuple):
    """Width and height in pixels, and SVG elements."""

    width: float
    height: float
    parts: str


def picture_of(graph: Graph, address: Callable[[Box], str] | None = None) -> DrawnGraph:
    """Return the picture of a graph.

    Scripts find boxes and edges by their positions in the graph, ``data-box`` and ``data-edge``, and numbers by
    ``data-text``: "data" and "grad" of a box, "local" of an edge.

    Parameters
    ----------
    graph : Graph
    address : function, optional
        Takes a folded box, and returns the id of the element that it links to.
    """
    inputs: list[list[Edge]] = [[] for _ in graph.boxes]
    for edge in graph.edges:
        inputs[edge.target].append(edge)
    sizes = [_size(box, len(edges)) for box, edges in zip(graph.boxes, inputs, strict=True)]
    endings = []
    for edges in inputs:
        for i, edge in enumerate(edges):
            port = PORT * (i - (len(edges) - 1) / 2) + (3 if len(edges) > 1 else 0)  # its text is above it
            room = COLUMN * max(columns(local_text(edge)), edge.columns) + HEAD + PAD
            endings.append(Ending(edge.source, edge.target, port, room))
    plan = layout(sizes, endings)
    parts = [f"<g font-size='12' transform='translate({MARGIN:g} {MARGIN:g})'>"]
    for k, (edge, course) in enumerate(zip(graph.edges, plan.courses, strict=True)):
        x, y = course[-1]
        label = _text(x - HEAD - 2, y - 4, local_text(edge) or "?" * bool(edge.columns), "end", " data-text='local'")
        parts.append(f"<g data-edge='{k}'><path d='{_path(course)}' fill='none' stroke='{FRAME}'/>{label}</g>")
    for k, (box, (left, top)) in enumerate(zip(graph.boxes, plan.corners, strict=True)):
        inner = (
            f"<g data-box='{k}' role='img' transform='translate({left:.1f} {top:.1f})'>"
            f"<title>{escape(_sentence(box, inputs[k], graph.boxes))}</title>{_box(box, *sizes[k], k == 0)}</g>"
        )
        parts.append(f"<a href='#{address(box)}' style='{LINK}'>{inner}</a>" if box.hidden and address else inner)
    return DrawnGraph(plan.width + 2 * MARGIN, plan.height + 2 * MARGIN, "".join([*parts, "</g>"]))


def _size(box: Box, ports: int) -> tuple[float, float]:
    """Return the width and height of a box with a number of edges into it."""
    numbers = 5 + max(len(box.data), len(box.grad), box.columns)
    body = max(columns(box.name), numbers, columns(_note(box)))
    return _op_width(box) + COLUMN * body + 2 * PAD, max(LINE * len(_lines(box)) + PAD, PORT * ports + PAD)


def _lines(box: Box) -> list[tuple[str, str]]:
    """Return the lines of a box as (kind, text)."""
    lines = [("name", box.name), ("data", box.data), ("grad", box.grad), ("note", _note(box))]
    return [(kind, text) for kind, text in lines if text]


def _op_width(box: Box) -> float:
    return COLUMN * columns(box.op) + 1.5 * PAD if box.op else 0.0


def _note(box: Box) -> str:
    return f"{box.hidden:,} node{'s' * (box.hidden != 1)} inside" if box.hidden else ""


def _box(box: Box, width: float, height: float, result: bool) -> str:
    """Return the elements of a box: frame, op on the left, then name, data, gradient and note, one below the other.

    Leaves have round corners, inputs from outside a dashed frame, folds a double frame, and the result a thick one.
    """
    leaf = not (box.op or box.hidden)
    left = _op_width(box)
    style = f"{LEAF if leaf else BOX} stroke='{FRAME}'"
    special = " stroke-dasharray='4 3'" * box.outside + " stroke-width='2.5'" * result
    parts = [f"<rect width='{width:.1f}' height='{height:.1f}' rx='{12 if leaf else 3}' {style}{special}/>"]
    if box.hidden:
        parts.append(f"<rect x='3.5' y='3.5' width='{width - 7:.1f}' height='{height - 7:.1f}' rx='1' {style}/>")
    if box.op:
        parts.append(f"<path d='M0 0H{left:.1f}V{height:.1f}H0Z' {OP}/>")
        parts.append(_text(left / 2, height / 2 + 4, box.op, "middle"))
    lines = _lines(box)
    for i, (kind, text) in enumerate(lines):
        y = height / 2 + LINE * (i - (len(lines) - 1) / 2) + 4
        if kind in ("name", "note"):
            parts.append(_text(left + PAD, y, text, more=" font-weight='bold'" if kind == "name" else ""))
        else:
            parts.append(_text(left + PAD, y, kind, more=" fill-opacity='0.75'"))
            parts.append(_text(width - PAD, y, text, "end", f" data-text='{kind}'"))
    return "".join(parts)


def _path(course: list[tuple[float, float]]) -> str:
    """Return the path of an edge, with its head."""
    (x, y), *points = course
    path = [f"M{x:.1f} {y:.1f}"]
    for (a, high), (b, low) in zip(points[:-1:2], points[1::2], strict=True):
        if abs(high - low) > 0.05:
            middle = (a + b) / 2
            path.append(f"H{a:.1f}C{middle:.1f} {high:.1f} {middle:.1f} {low:.1f} {b:.1f} {low:.1f}")
    x, y = points[-1]
    return f"{''.join(path)}H{x:.1f}m{-HEAD:g} {-HEAD / 2:g}l{HEAD:g} {HEAD / 2:g}l{-HEAD:g} {HEAD / 2:g}"


def _text(x: float, y: float, text: str, anchor: str = "start", more: str = "") -> str:
    """Return a text that takes as many pixels as its columns do, in any font; "" for no text."""
    if not text:
        return ""
    style = "" if anchor == "start" else f" text-anchor='{anchor}'"
    squeeze = "" if text.isascii() else " lengthAdjust='spacingAndGlyphs'"
    length = f" textLength='{COLUMN * columns(text):g}'{squeeze}"
    return f"<text x='{x:.1f}' y='{y:.1f}'{style}{length}{more}>{escape(text)}</text>"


def _sentence(box: Box, edges: list[Edge], boxes: list[Box]) -> str:
    """Return what a box and the edges into it say, for screen readers and as a tooltip."""
    operands = [f"{_called(boxes[edge.source])} (local derivative {local_text(edge) or 'unknown'})" for edge in edges]
    kind = f", {_note(box)}" if box.hidden else ", from outside" if box.outside else ""
    made = f"{', ' + box.op if box.op else ''} of {' and '.join(operands)}" if operands else ""
    return f"{_called(box)}{kind}{made}: data {box.data}, grad {box.grad}"


def _called(box: Box) -> str:
    return box.name or f"node with data {box.data}"
