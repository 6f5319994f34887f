"""Layout of a graph in columns, from left to right, the result last: places of boxes and courses of edges.

An edge bends only in the gap between two columns. It runs through a column in a slot of its own, so it cannot cross a
box. The method is that of K. Sugiyama, S. Tagawa and M. Toda, "Methods for Visual Understanding of Hierarchical System
Structures", IEEE Transactions on Systems, Man, and Cybernetics 11 (1981), pages 109-125.
"""

from collections.abc import Sequence
from typing import NamedTuple

from .columns import columns_of
from .middles import middles_of

BEND = 26.0, 90.0  # least and greatest width of the part of a gap in which edges bend


class Ending(NamedTuple):
    """An edge from box `source` to box `target`."""

    source: int
    target: int
    port: float  # place of its end, in pixels below the middle of the target
    room: float  # width of the text before its end


class Layout(NamedTuple):
    """Places of boxes and courses of edges, in pixels from the left top corner.

    A course is a list of points. From the first point to the second the edge is straight, then it bends to the third,
    and so on; the last piece is straight.
    """

    corners: list[tuple[float, float]]
    courses: list[list[tuple[float, float]]]
    width: float
    height: float


def layout(sizes: Sequence[tuple[float, float]], edges: Sequence[Ending]) -> Layout:
    """Return the layout of boxes, given as (width, height), each before the boxes that it is computed from.

    Edges are ordered by target, and the edges to one box from its highest port to its lowest. Box 0 is the result.
    """
    columns = columns_of(len(sizes), [(edge.source, edge.target, edge.port) for edge in edges])
    middles = middles_of(columns, [height for _, height in sizes])
    room = [0.0] * len(columns.items)
    column_of = {item: k for k, items in enumerate(columns.items) for item in items}
    for edge in edges:
        room[column_of[edge.target]] = max(room[column_of[edge.target]], edge.room)
    left, starts, ends, bends = 0.0, [], [], []
    for k, items in enumerate(columns.items):
        if k:
            steepest = max(abs(middles[a] - middles[b] - port) for a, b, port in columns.links[k - 1])
            bends.append((left, left + min(max(BEND[0], 0.3 * steepest), BEND[1])))
            left = bends[-1][1] + room[k]
        starts.append(left)
        left += max((sizes[item][0] for item in items if item < len(sizes)), default=0.0)
        ends.append(left)
    corners = [(starts[column_of[box]], middles[box] - height / 2) for box, (_, height) in enumerate(sizes)]
    courses = []
    for route in columns.routes:
        source, target = route[0].left, route[-1].right
        course = [(corners[source][0] + sizes[source][0], middles[source])]
        for link in route:
            start, end = bends[column_of[link.left]]
            course += [(start, middles[link.left]), (end, middles[link.right] + link.port)]
        courses.append([*course, (corners[target][0], course[-1][1])])
    bottom = max(middles[box] + height / 2 for box, (_, height) in enumerate(sizes))
    return Layout(corners, courses, left, max(bottom, *middles))
