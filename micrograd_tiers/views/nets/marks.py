"""SVG elements: texts whose width is known, lines, circles, and pictures with a pixel per number."""

import math
from collections.abc import Iterable, Sequence

from ...colors import pixel, shade
from ...html import data_uri, escape, number

CHARACTER = 0.61  # em: width of a character in the monospaced fonts of browsers, at most
SMALL, NAME, LINE = 10, 11.5, 13  # size of small text and of names, distance of two lines, in CSS pixels
LONGEST_NUMBER = CHARACTER * SMALL * len("-1.234e-05")

Row = Sequence[float | None]  # None is a pixel that does not exist
NO_PIXEL = (0, 0, 0, 0)


def text(x: float, y: float, content: str, *, size: float = SMALL, anchor: str = "start", bold: bool = False) -> str:
    """Return text with its baseline at y; nothing if it is empty."""
    if not content:
        return ""
    weight = ' font-weight="bold"' if bold else ""
    where = f'x="{x:.1f}" y="{y:.1f}" font-size="{size:g}"'
    return f'<text {where} text-anchor="{anchor}"{weight}>{escape(content)}</text>'


def width_of(content: str, size: float = SMALL) -> float:
    """Return an upper bound of the width of a text."""
    return CHARACTER * size * len(content)


def heading_width(lines: Sequence[str]) -> float:
    """Return the width of the lines of a heading."""
    return max(width_of(lines[0], NAME), *map(width_of, lines))


def headed(x: float, top: float, lines: Sequence[str]) -> str:
    """Return the lines of a heading, the first in bold, below the y of its upper edge."""
    first = text(x, top + NAME, lines[0], size=NAME, bold=True)
    return first + "".join(text(x, top + NAME + k * LINE, line) for k, line in enumerate(lines[1:], 1))


def title(content: str) -> str:
    """Return the text that is shown when a pointer rests on an element."""
    return f"<title>{escape(content)}</title>" if content else ""


def largest_of(numbers: Iterable[float | None]) -> float:
    """Return the largest absolute value among finite numbers, 0 if there are none."""
    return max((abs(x) for x in numbers if x is not None and math.isfinite(x)), default=0.0)


def range_of(numbers: Sequence[float | None]) -> str:
    """Return the smallest and the largest of some numbers as text, and how many are NaN."""
    known = [x for x in numbers if x is not None and not math.isnan(x)]
    if not known:
        return "nan"
    n_nan = sum(x is not None for x in numbers) - len(known)
    return f"from {number(min(known))} to {number(max(known))}{f', {n_nan} nan' * bool(n_nan)}"


def paint(kind: str, x: float, largest: float) -> str:
    """Return the attributes that color a "fill" or a "stroke" by a number: every program that shows SVG knows them."""
    red, green, blue, opacity = shade(x, largest)
    return f'{kind}="#{red:02x}{green:02x}{blue:02x}" {kind}-opacity="{opacity:.2f}"'


def circle(x: float, y: float, radius: float, value: float | None, largest: float, about: str) -> str:
    """Return a circle colored by a number, dashed if it is negative, with a title."""
    fill = 'fill="none" pointer-events="all"' if value is None else paint("fill", value, largest)
    dashed = ' stroke-dasharray="3 2"' if value is not None and value < 0 else ""
    where = f'cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}"'
    return f'<circle {where} {fill} stroke="currentColor" stroke-opacity="0.6"{dashed}>{title(about)}</circle>'


def box(x: float, y: float, width: float, height: float, about: str = "") -> str:
    """Return a frame with a title."""
    edges = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
    look = 'fill="none" pointer-events="all" stroke="currentColor" stroke-opacity="0.4"'
    return f"<rect {edges} {look}>{title(about)}</rect>"


def picture(x: float, y: float, width: float, height: float, rows: Sequence[Row], largest: float, about: str) -> str:
    """Return an image with a pixel per number, framed, with a title; without rows, the frame alone."""
    image = ""
    if rows:
        source = data_uri([[NO_PIXEL if value is None else pixel(value, largest) for value in row] for row in rows])
        edges = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}"'
        image = f'<image {edges} preserveAspectRatio="none" style="image-rendering:pixelated" href="{source}"/>'
    return image + box(x, y, width, height, about)


def faint(d: str) -> str:
    """Return a thin gray path."""
    return f'<path d="{d}" fill="none" stroke="currentColor" stroke-opacity="0.5"/>'


def arrow(x0: float, x1: float, y: float) -> str:
    """Return a thin gray arrow from left to right."""
    return faint(f"M{x0:.1f} {y:.1f}H{x1:.1f}m-4 -3l4 3l-4 3")
