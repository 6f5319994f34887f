"""HTML that a notebook shows: tables, pixel images and line charts. It fits a light and a dark background.

Text has the color of its surroundings, and numbers are drawn over transparent colors. No style reaches beyond the
fragment, and nothing is loaded.
"""

import base64
import struct
import zlib
from collections.abc import Sequence
from html import escape

from .colors import PALETTE

__all__ = ["chart", "data_uri", "escape", "image", "number", "png", "table"]

CELL = "text-align:right;padding:0.15em 0.7em;border:0;border-bottom:1px solid rgb(128 128 128 / 0.3)"


def number(x: float, digits: int = 4) -> str:
    """Return a number with so many significant digits."""
    return f"{x + 0.0:.{digits}g}"  # -0.0 + 0.0 is 0.0


def table(
    head: Sequence[object], rows: Sequence[Sequence[object]], caption: str = "", notes: Sequence[str] = ()
) -> str:
    """Return an HTML table; the first column is aligned left, the others right. Texts are escaped.

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
    left = CELL.replace("right", "left")

    def line(cells: Sequence[object], tag: str) -> str:
        styles = [left, *[CELL] * (len(cells) - 1)]
        scope = " scope='col'" if tag == "th" else ""
        row = (
            f"<{tag}{scope} style='{style}'>{escape(str(cell))}</{tag}>"
            for cell, style in zip(cells, styles, strict=True)
        )
        return f"<tr style='background:none'>{''.join(row)}</tr>"

    title = f"<caption style='text-align:left;color:inherit'><b>{escape(caption)}</b></caption>" if caption else ""
    body = "".join(line(row, "td") for row in rows)
    below = "".join(f"<div>{escape(note)}</div>" for note in notes)
    return (
        f"<table style='border-collapse:collapse;color:inherit'>{title}"
        f"<thead>{line(head, 'th')}</thead><tbody>{body}</tbody></table>{below}"
    )


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


def chart(lines: dict[str, Sequence[float]], title: str, width: int = 360, height: int = 150) -> str:
    """Return an SVG line chart of series over their index, all on one scale from the smallest to the largest number.

    Parameters
    ----------
    lines : dict of sequence of float
        Finite numbers by name; the name is drawn in the color of the line. A series may be empty.
    title : str
        Text alternative.
    width, height : int
        In CSS pixels.
    """
    numbers = [y for line in lines.values() for y in line]
    low, high = min(numbers, default=0.0), max(numbers, default=1.0)
    longest = max(map(len, lines.values()), default=0)
    left, right, top, bottom = 56, width - 8, 14 + 15 * len(lines), height - 10

    def point(k: int, y: float) -> str:
        across = left + (right - left) * k / max(1, longest - 1)
        return f"{across:.1f},{bottom - (bottom - top) * (y - low) / ((high - low) or 1):.1f}"

    parts = []
    for k, (name, line) in enumerate(lines.items()):
        color = PALETTE[k % 6]
        points, y = " ".join(point(i, y) for i, y in enumerate(line)), 12 + 15 * k
        parts.append(f"<polyline points='{points}' fill='none' stroke='{color}' stroke-width='2'/>")
        parts.append(f"<path d='M {left} {y} h 18' stroke='{color}' stroke-width='3'/>")
        parts.append(f"<text x='{left + 24}' y='{y + 4}'>{escape(name)}</text>")
    for bound, y in ((high, top + 4), (low, bottom)):
        parts.append(f"<text x='{left - 6}' y='{y}' text-anchor='end'>{number(bound, 3)}</text>")
    return (
        f"<svg role='img' aria-label='{escape(title)}' width='{width}' viewBox='0 0 {width} {height}' "
        f"style='max-width:100%;font:12px sans-serif;fill:currentColor'>{''.join(parts)}</svg>"
    )
