"""Heights in a layered drawing: the order of the items of each column, and how far down each one is."""

from bisect import bisect_right, insort
from collections import Counter
from collections.abc import Sequence

from .columns import Columns, Link

GAP = 12.0  # between two items of a column, in pixels
ORDERING, STRAIGHTENING = 4, 2  # sweeps across all columns
STRAIGHT = 20.0  # weight of a slot; that of a box is 1 and its share of the weights of its operands
Shares = list[tuple[int, float]]  # items and weights


def middles_of(columns: Columns, heights: Sequence[float]) -> list[float]:
    """Return the distance of each item's middle from the top, and sort the items of each column by it.

    Column by column, each item moves to the weighted mean of the items that it is linked to. The first sweeps also sort
    the columns, and the order with the fewest crossings is kept; the others make edges straight.

    Parameters
    ----------
    columns : Columns
    heights : sequence of float
        Of the boxes; a slot has none.
    """
    n = sum(map(len, columns.items))
    heights = [*heights, *[0.0] * (n - len(heights))]
    weights = _weights(columns, n)
    middles = [0.0] * n
    links = [link for links in columns.links for link in links]
    from_left = [(right, left, -port) for left, right, port in links]
    from_right = [(left, right, port) for left, right, port in links]
    left, right, both = (_wishes(pulls, weights) for pulls in (from_left, from_right, from_left + from_right))

    def sweep(leftward: bool, wishes: Sequence[tuple[float, Shares]], sort: bool = False) -> None:
        for items in reversed(columns.items) if leftward else columns.items:
            wanted = {}
            for item in items:
                lower, shares = wishes[item]
                for i, share in shares:
                    lower += share * middles[i]
                wanted[item] = lower if shares else middles[item]
            if sort:
                items.sort(key=wanted.__getitem__)
            _place(items, wanted, weights, heights, middles)

    best, fewest = [], -1
    for k in range(ORDERING):
        sweep(k % 2 == 0, both if k > 1 else left if k else right, sort=True)
        crossings = sum(_crossings(links, middles) for links in columns.links)
        if fewest < 0 or crossings < fewest:
            best, fewest = [[*items] for items in columns.items], crossings
        if not crossings:
            break
    columns.items[:] = best
    sweep(True, right)
    for k in range(STRAIGHTENING):
        sweep(k % 2 == 1, both)
    sweep(False, left)  # each result beside its operands
    top = min(middle - height / 2 for middle, height in zip(middles, heights, strict=True))
    return [middle - top for middle in middles]


def _wishes(pulls: Sequence[tuple[int, int, float]], weights: Sequence[float]) -> list[tuple[float, Shares]]:
    """Return for each item the mean of the places where others pull it, as a number and shares of their middles.

    Parameters
    ----------
    pulls : sequence of (item, other, how far below the other the item should be)
    weights : sequence of float
    """
    shares: list[Shares] = [[] for _ in weights]
    lower, totals = [0.0] * len(weights), [0.0] * len(weights)
    for item, other, distance in pulls:
        weight = min(weights[item], weights[other])
        shares[item].append((other, weight))
        lower[item] += weight * distance
        totals[item] += weight
    return [
        (low / (total or 1), [(other, weight / total) for other, weight in each])
        for low, total, each in zip(lower, totals, shares, strict=True)
    ]


def _weights(columns: Columns, n: int) -> list[float]:
    """Return the weights of all items: the more a box is computed from, the less it makes way for others."""
    weights = [1.0] * n
    uses = Counter(route[0].left for route in columns.routes)
    for route in reversed(columns.routes):  # the operands of a box before the box
        weights[route[-1].right] += weights[route[0].left] / uses[route[0].left]
    for route in columns.routes:
        for link in route[1:]:
            weights[link.left] = STRAIGHT
    return weights


def _place(
    items: Sequence[int], wanted: dict[int, float], weights: Sequence[float], heights: Sequence[float], out: list[float]
) -> None:
    """Move the items of a column as close as possible to where they want to be, without changing their order.

    The weighted sum of squares is least: isotonic regression by pooling adjacent violators.
    """
    pools: list[tuple[float, float, int]] = []  # mean, weight, number of items, if items had no height
    distance, before, distances = 0.0, 0.0, []
    for item in items:
        distance += before + heights[item] / 2
        before = heights[item] / 2 + GAP
        distances.append(distance)
        mean, weight, n = wanted[item] - distance, weights[item], 1
        while pools and pools[-1][0] >= mean:
            other, its_weight, m = pools.pop()
            mean = (other * its_weight + mean * weight) / (its_weight + weight)
            weight, n = weight + its_weight, n + m
        pools.append((mean, weight, n))
    k = 0
    for mean, _, n in pools:
        for i in range(k, k + n):
            out[items[i]] = mean + distances[i]
        k += n


def _crossings(links: Sequence[Link], middles: Sequence[float]) -> int:
    """Return how many pairs of links cross between two columns."""
    ends = [(middles[left], middles[right] + port) for left, right, port in links]
    crossings = 0
    seen: list[float] = []  # sorted
    for _start, end in sorted(ends):
        crossings += len(seen) - bisect_right(seen, end)
        insort(seen, end)
    return crossings
