"""HTML that a notebook shows: tables, images, line charts and scatter plots. It fits a light and a dark background.

Text has the color of its surroundings, and numbers are drawn over transparent colors. No style reaches beyond the
fragment, and nothing is loaded.
"""

import base64
import math
import re
import struct
import zlib
from collections.abc import Callable, Mapping, Sequence
from html import escape

from .colors import PALETTE

__all__ = ["chart", "data_uri", "escape", "folded", "gray_images", "image", "number", "png", "scatter", "table"]

CELL = "text-align:right;padding:0.15em 0.7em;border:0;border-bottom:1px solid rgb(128 128 128 / 0.3)"
NUMBER = re.compile(r"$|[-+(]?(\d|nan|inf)")  # the start of a cell that holds one, or nothing
CAPTION = "text-align:left;white-space:nowrap;color:inherit"
COLORS = tuple("currentColor" if color == "#000000" else color for color in PALETTE)
DASHES = ("none", "7 4", "2 3", "8 3 2 3")  # so that lines differ in more than their color
MARKS = ("m-3 0a3 3 0 1 0 6 0a3 3 0 1 0-6 0z", "m-2.5-2.5h5v5h-5z", "m0-3.5l3 6h-6z", "m0-3.5l3 3.5-3 3.5-3-3.5z")
MOST_POINTS = 300  # of a line; more cannot be told apart
ROW = 15  # height of a line of text


def number(x: float, digits: int = 4) -> str:
    """Return a number with so many significant digits."""
    return f"{x + 0.0:.{digits}g}"  # -0.0 + 0.0 is 0.0


def table(
    head: Sequence[object], rows: Sequence[Sequence[object]], caption: str = "", notes: Sequence[str] = ()
) -> str:
    """Return an HTML table; columns of numbers are aligned right, except for the first. Texts are escaped.

    Parameters
    ----------
    head : sequence
        Column heads.
    rows : sequence of sequence
    caption : str
        Title above the table.
    notes : sequence of str
        Lines below the table.
    """
    columns = [[str(cell) for cell in column] for column in zip(*rows, strict=True)][1:]
    numbers = [all(map(NUMBER.match, column)) for column in columns] or [True] * (len(head) - 1)
    styles = [CELL.replace("right", "left") if left else CELL for left in (True, *(not right for right in numbers))]

    def line(cells: Sequence[object], tag: str) -> str:
        scope = " scope='col'" if tag == "th" else ""
        row = (
            f"<{tag}{scope} style='{style}'>{escape(str(cell))}</{tag}>"
            for cell, style in zip(cells, styles, strict=True)
        )
        return f"<tr style='background:none'>{''.join(row)}</tr>"

    title = f"<caption style='{CAPTION}'><b>{escape(caption)}</b></caption>" if caption else ""
    body = "".join(line(row, "td") for row in rows)
    below = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return (
        f"<div style='overflow-x:auto' tabindex='0' role='group' aria-label='{escape(caption or 'table')}'>"
        f"<table style='border-collapse:collapse;color:inherit'>{title}"
        f"<thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table></div>{below}"
    )


def folded(title: str, text: str) -> str:
    """Return preformatted text that is folded away below its title."""
    pre = "<pre style='overflow-x:auto;background:none;color:inherit' tabindex='0'>"
    return f"<details><summary>{escape(title)}</summary>{pre}{escape(text)}</pre></details>"


def png(rows: Sequence[Sequence[Sequence[int]]]) -> bytes:
    """Return a PNG file of H rows of W pixels, each (red, green, blue, opacity) from 0 to 255.

    References
    ----------
    Portable Network Graphics Specification, W3C, 2003 (ISO/IEC 15948), chapters 5 and 11.
    """

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", len(rows[0]), len(rows), 8, 6, 0, 0, 0)
    pixels = b"".join(b"\0" + bytes(part for pixel in row for part in pixel) for row in rows)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b"")


def data_uri(rows: Sequence[Sequence[Sequence[int]]]) -> str:
    """Return a PNG file as in `png` in the form of an address, for an image that needs no file."""
    return f"data:image/png;base64,{base64.b64encode(png(rows)).decode()}"


def image(rows: Sequence[Sequence[Sequence[int]]], alt: str, width: float) -> str:
    """Return an HTML image of pixels as in `png`, with sharp edges, `width` CSS pixels wide."""
    return (
        f"<img alt='{escape(alt)}' src='{data_uri(rows)}' "
        f"style='width:{width:g}px;max-width:100%;image-rendering:pixelated'>"
    )


def gray_images(images: Sequence[Sequence[Sequence[float]]], captions: Sequence[str], width: float = 56) -> str:
    """Return images side by side, each above its caption; brightness goes from 0 (black) to 1 (white)."""

    def pixel(brightness: float) -> tuple[int, int, int, int]:
        level = round(255 * min(1.0, max(0.0, brightness)))
        return level, level, level, 255

    figures = (
        f"<figure style='margin:0;text-align:center'>"
        f"{image([[*map(pixel, row)] for row in rows], f'image of {caption}', width)}"
        f"<figcaption>{escape(caption)}</figcaption></figure>"
        for rows, caption in zip(images, captions, strict=True)
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:0.4em 0.6em;margin-top:0.4em'>{''.join(figures)}</div>"


def chart(
    lines: Mapping[str, Sequence[float]], title: str, width: int = 360, height: int = 150,
    ends: tuple[str, str] = ("", ""), log: bool = False, colors: Sequence[str] = COLORS[:6],
) -> str:  # fmt: skip
    """Return an SVG line chart of series over their index, all on one scale from the smallest to the largest number.

    Parameters
    ----------
    lines : dict of sequence of float
        Numbers by name; the name is drawn beside a piece of the line. A series may be empty. NaN and infinity leave a
        gap. If there are more than 300, each point is the mean of a group, and the names say so.
    title : str
        Text alternative.
    width, height : int
        In CSS pixels.
    ends : (str, str)
        Labels of the first and the last index.
    log : bool
        Use a logarithmic scale, on which numbers up to 0 leave a gap.
    colors : sequence of str
        Colors of the lines, one after the other.
    """
    longest = max(map(len, lines.values()), default=0)
    group = max(1, math.ceil(longest / MOST_POINTS))
    points = {name: _points(line, group, log) for name, line in lines.items()}
    numbers = [y for line in points.values() for _, y in line]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    height += ROW * max(0, len(lines) - 3)
    left, right, top, bottom = 56, width - 8, 14 + ROW * len(lines), height - 10 - ROW * any(ends)
    across, up = _scale(0, longest - 1, left, right), _scale(low, high, bottom, top)
    parts = [f"<path d='M {left} {top} H {right} M {left} {bottom} H {right}' stroke='currentColor' opacity='0.3'/>"]
    for k, (name, line) in enumerate(points.items()):
        color, y = colors[k % len(colors)], 12 + ROW * k
        style = f"fill='none' stroke='{color}' stroke-width='2' stroke-dasharray='{DASHES[k % len(DASHES)]}'"
        path = ""
        for (i, value), (before, _) in zip(line, [(-math.inf, 0.0), *line], strict=False):
            path += f"{'L' if i - before < 1.5 * group else 'M'}{across(i):.1f},{up(value):.1f}"
            if longest <= 30:
                parts.append(f"<circle cx='{across(i):.1f}' cy='{up(value):.1f}' r='2.5' fill='{color}'/>")
        parts.append(f"<path d='{path}' {style}/><path d='M {left} {y} h 24' {style}/>")
        parts.append(_text(left + 30, y + 4, name + f", means of {group}" * (group > 1), width))
    bounds = {high: top + 4, low: bottom + 4} if numbers else {}  # one if they are equal
    for x, y in bounds.items():
        parts.append(_text(left - 6, y, number(10 ** min(x, 308.25) if log else x, 3), width, "end"))
    parts += [_text(left, height - 4, ends[0], width), _text(right, height - 4, ends[1], width, "end")]
    return _svg(title, width, height, parts)


def scatter(groups: Mapping[str, Sequence[Sequence[float]]], title: str, width: int = 360, height: int = 260) -> str:
    """Return an SVG scatter plot of points (x, y) by the name of their group; points that are not finite are left out.

    Parameters
    ----------
    groups : dict of sequence of (float, float)
        Each group has a color and, up to four groups, a mark of its own.
    title : str
        Text alternative.
    width, height : int
        In CSS pixels; the names of the groups above the plot are added to the height.
    """
    points = {name: [point for point in group if all(map(math.isfinite, point))] for name, group in groups.items()}
    every = [point for group in points.values() for point in group] or [(0.0, 0.0)]
    (x_low, x_high), (y_low, y_high) = ((min(axis), max(axis)) for axis in zip(*every, strict=True))
    height += ROW * len(points)
    left, right, top, bottom = 56, width - 12, 14 + ROW * len(points), height - 10 - ROW
    across, up = _scale(x_low, x_high, left + 6, right), _scale(y_low, y_high, bottom - 6, top)
    parts = [f"<path d='M {left} {top} V {bottom} H {right}' fill='none' stroke='currentColor' opacity='0.3'/>"]
    for k, (name, group) in enumerate(points.items()):
        mark, row = MARKS[k % len(MARKS)], 12 + ROW * k
        path = f"M{left + 12},{row}{mark}" + "".join(f"M{across(x):.1f},{up(y):.1f}{mark}" for x, y in group)
        parts.append(f"<path d='{path}' fill='{COLORS[k % len(COLORS)]}' stroke='currentColor' stroke-width='0.3'/>")
        parts.append(_text(left + 30, row + 4, name, width))
    parts += [_text(left - 6, up(y) + 4, number(y, 3), width, "end") for y in {y_low, y_high}]
    parts += [
        _text(left, height - 6, number(x_low, 3), width),
        _text(right, height - 6, number(x_high, 3), width, "end"),
    ]
    return _svg(title, width, height, parts)


def _scale(low: float, high: float, start: float, end: float) -> Callable[[float], float]:
    """Return the function that maps low to start and high to end."""
    span = high / 2 - low / 2  # halves, because the difference of large numbers may overflow
    return lambda x: start + (end - start) * ((x / 2 - low / 2) / (span or 1))


def _points(line: Sequence[float], group: int, log: bool) -> list[tuple[float, float]]:
    """Return (index, mean) of each group of numbers, or of their logarithms, unless it has none."""
    points = []
    for k in range(0, len(line), group):
        part = [math.log10(y) if log else y for y in line[k : k + group] if math.isfinite(y) and (y > 0 or not log)]
        if part:
            points.append((k + (min(group, len(line) - k) - 1) / 2, sum(y / len(part) for y in part)))
    return points


def _text(x: float, y: float, text: str, width: int, anchor: str = "start") -> str:
    """Return a line of text, cut if it would not fit into the width."""
    most = (width - 90) // 7  # letters of 12 pixels are about 7 wide
    text = text if len(text) <= most else text[: most - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return f"<text x='{x}' y='{y:.1f}' text-anchor='{anchor}'>{escape(text)}</text>" if text else ""


def _svg(title: str, width: int, height: int, parts: Sequence[str]) -> str:
    return (
        f"<svg role='img' aria-label='{escape(title)}' width='{width}' viewBox='0 0 {width} {height}' "
        f"style='max-width:100%;font:12px sans-serif;fill:currentColor'>{''.join(parts)}</svg>"
    )
