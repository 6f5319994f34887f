"""Axes of a drawing in SVG, with round numbers along them, and markers for points."""

from collections.abc import Iterable, Sequence
from math import ceil, floor, isfinite, log10

from ...html import escape
from .scenes import Bounds, Key, Point

WIDTH = 400
LEFT, RIGHT, TOP, BOTTOM = 48, 18, 8, 40  # margins

# Paths around a center, in the order of the markers of figures/style.py: classes differ in more than their color.
MARKERS = (
    "m-3.5,0a3.5,3.5 0 1,0 7,0a3.5,3.5 0 1,0-7,0z",
    "m-3.2,-3.2h6.4v6.4h-6.4z",
    "m0,-4.4l4,7.2h-8z",
    "m0,-4.6l4.2,4.6-4.2,4.6-4.2,-4.6z",
    "m0,4.4l4,-7.2h-8z",
    "m-1.4,-4.2h2.8v2.8h2.8v2.8h-2.8v2.8h-2.8v-2.8h-2.8v-2.8h2.8z",
    "m0,-2l2.3,-2.3 2,2-2.3,2.3 2.3,2.3-2,2-2.3,-2.3-2.3,2.3-2,-2 2.3,-2.3-2.3,-2.3 2,-2z",
    "m0,-5l1.2,3.4 3.6,.1-2.9,2.2 1,3.5-2.9,-2.1-2.9,2.1 1,-3.5-2.9,-2.2 3.6,-.1z",
    "m-4.4,0l7.2,-4v8z",
    "m4.4,0l-7.2,-4v8z",
)


class Axes:
    """Axes that map numbers to places in a drawing WIDTH wide.

    Parameters
    ----------
    bounds : Bounds
        Range of the numbers; not empty.
    height : int
    names : (str, str)
        Names of the axes.
    """

    def __init__(self, bounds: Bounds, height: int, names: tuple[str, str]) -> None:
        self.bounds, self.height, self.names = bounds, height, names
        self.box = LEFT, TOP, WIDTH - LEFT - RIGHT, height - TOP - BOTTOM

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of a point; one beyond the upper or lower bound is on that bound."""
        b, (left, top, width, height) = self.bounds, self.box
        across = (x - b.left) / (b.right - b.left)
        up = (min(max(y, b.bottom), b.top) - b.bottom) / (b.top - b.bottom)
        return round(left + width * across, 1), round(top + height * (1 - up), 1)

    def line(self, points: Iterable[tuple[float, float]]) -> str:
        """Return the points of a polyline, without those that are not finite."""
        places = (self.at(x, y) for x, y in points if isfinite(y))
        return " ".join(f"{x:g},{y:g}" for x, y in places)

    def svg(self) -> str:
        """Return the frame, the numbers and the names of the axes."""
        left, top, width, height = self.box
        b, bottom = self.bounds, top + height
        parts = [f"<rect x='{left}' y='{top}' width='{width}' height='{height}' fill='none' stroke='var(--line)'/>"]
        for tick in ticks(b.left, b.right):
            x = self.at(tick, b.bottom)[0]
            parts.append(f"<path d='M{x:g},{bottom}v4' stroke='currentColor'/>")
            parts.append(f"<text x='{x:g}' y='{bottom + 17}' text-anchor='middle'>{tick:g}</text>")
        for tick in ticks(b.bottom, b.top):
            y = self.at(b.left, tick)[1]
            parts.append(f"<path d='M{left},{y:g}h-4' stroke='currentColor'/>")
            parts.append(f"<text x='{left - 7}' y='{y + 4:g}' text-anchor='end'>{tick:g}</text>")
        middle = top + height / 2
        turned = f"x='14' y='{middle:g}' transform='rotate(-90 14 {middle:g})'"
        parts.append(
            f"<text x='{left + width / 2:g}' y='{self.height - 5}' text-anchor='middle'>{escape(self.names[0])}</text>"
        )
        parts.append(f"<text {turned} text-anchor='middle'>{escape(self.names[1])}</text>")
        return "".join(parts)

    def samples(self, points: Sequence[Point]) -> str:
        """Return the points, those of one color and marker as one path."""
        paths: dict[tuple[str, int], str] = {}
        for point in points:
            x, y = self.at(point.x, point.y)
            key = point.color, point.marker
            paths[key] = f"{paths.get(key, '')}M{x:g},{y:g}{MARKERS[point.marker]}"
        return "".join(f"<path class='samples' fill='{color}' d='{d}'/>" for (color, _), d in paths.items())


def legend(keys: Sequence[Key]) -> str:
    """Return the names of the classes with their markers, as an HTML list."""
    items = (
        f"<li><svg aria-hidden='true' width='14' height='14' viewBox='-7 -7 14 14'>"
        f"<path class='samples' fill='{key.color}' d='M0,0{MARKERS[key.marker]}'/></svg> {escape(key.name)}</li>"
        for key in keys
    )
    return f"<ul class='legend'>{''.join(items)}</ul>"


def ticks(low: float, high: float) -> list[float]:
    """Return three to seven round numbers within a range."""
    rough = (high - low) / 4
    power = 10.0 ** floor(log10(rough))
    step = power * max(factor for factor in (1, 2, 5) if factor * power <= rough * (1 + 1e-9))
    return [float(f"{k * step:.12g}") for k in range(ceil(low / step), floor(high / step) + 1)]
