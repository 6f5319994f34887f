"""Columns of a layered drawing: the column of each box, and the slots in which long edges run through columns."""

from collections.abc import Sequence
from typing import NamedTuple


class Link(NamedTuple):
    """A piece of an edge, from an item of one column to an item of the next column to the right.

    An item is a box, or the slot in which an edge runs through a column.
    """

    left: int
    right: int
    port: float  # distance of the piece's end from the middle of the right item, downwards, in pixels


class Columns(NamedTuple):
    """Items and links, from left to right."""

    items: list[list[int]]  # of each column
    links: list[list[Link]]  # links[k] join columns k and k + 1
    routes: list[list[Link]]  # the pieces of each edge


def columns_of(n: int, edges: Sequence[tuple[int, int, float]]) -> Columns:
    """Return the columns of boxes 0 to n - 1, each of which comes before the boxes that it is computed from.

    The result, box 0, is in the last column; each other box is in the column before the first that needs it. Edges
    from one box share their slots, which are numbered from n.

    Parameters
    ----------
    n : int
    edges : sequence of (source, target, port)
        Ordered by target.
    """
    depth = [0] * n  # number of columns to the right
    for source, target, _ in edges:
        depth[source] = max(depth[source], depth[target] + 1)
    last = max(depth)
    items: list[list[int]] = [[] for _ in range(last + 1)]
    for box in reversed(range(n)):  # operands from above, as in the formula
        items[last - depth[box]].append(box)
    links: list[dict[Link, None]] = [{} for _ in range(last)]  # without duplicates, in order
    slots: dict[tuple[int, int], int] = {}
    routes: list[list[Link]] = []
    for source, target, port in edges:
        item, route = source, []
        for column in range(last - depth[source] + 1, last - depth[target]):
            if (source, column) not in slots:
                slots[source, column] = n + len(slots)
                items[column].append(slots[source, column])
            route.append(Link(item, slots[source, column], 0.0))
            item = slots[source, column]
        route.append(Link(item, target, port))
        for column, link in enumerate(route, last - depth[source]):
            links[column][link] = None
        routes.append(route)
    return Columns(items, [list(pieces) for pieces in links], routes)
