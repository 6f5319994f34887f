"""Style of the pictures: colors, markers, text that fits its place, files written whole or not at all."""

import textwrap

from matplotlib.figure import Figure
from matplotlib.text import Text

from ..files import PathLike, picture_format, replacing

DPI = 150

# M. Okabe, K. Ito (2008), "Color Universal Design": eight colors that color-blind readers can tell apart; and two more.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#F0E442", "#882255", "#999999",
)  # fmt: skip
TIER_COLORS = {"scalar": "#E69F00", "vector": "#56B4E9", "tensor": "#0072B2"}
MARKERS = "os^DvPX*<>"  # so that color is not the only sign

MOST_LINE_POINTS = 2_000  # more cannot be told apart on paper


def rounded(x: float) -> str:
    """Return a number with two significant digits, or all those before the point."""
    return f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


def wrapped(text: object, inches: float, *, size: float = 10, lines: int | None = None) -> str:
    """Break text to fit the width at the font size in points (a letter is about 0.55 as wide), in at most `lines`."""
    width = int(inches * 72 / (0.55 * size))
    return "\n".join(textwrap.fill(t, width, max_lines=lines, placeholder="…") for t in str(text).split("\n"))


def save(figure: Figure, path: PathLike) -> None:
    """Write a figure to a file, whole or not at all, in the format that its suffix says."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a dollar sign in a title is a dollar sign
    with replacing(path) as file:
        figure.savefig(file, format=picture_format(path), dpi=DPI)
