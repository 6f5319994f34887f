"""Shared style of the pictures: colors, markers, text wrapped to a width, and files written atomically."""

import textwrap
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

from matplotlib import style
from matplotlib.figure import Figure
from matplotlib.text import Text

from ..files import PathLike, picture_format, replacing

DPI = 150

P = ParamSpec("P")
R = TypeVar("R")

MARKERS = "os^DvPX*<>"  # so that lines differ in more than their color

MOST_LINE_POINTS = 2_000  # more are indistinguishable on paper


def in_own_style(draw: Callable[P, R]) -> Callable[P, R]:
    """Return a function that draws with matplotlib's own defaults, whatever settings and styles the user has chosen."""

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        with style.context("default"):
            return draw(*args, **kwargs)

    return drawn


def rounded(x: float) -> str:
    """Return a positive number as text: as an integer from 10 on, otherwise with two significant digits."""
    return f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


def wrapped(text: object, inches: float, *, size: float = 10, lines: int | None = None) -> str:
    """Wrap text to a width in inches at a font size in points, in at most `lines` lines.

    A letter is taken to be 0.55 times as wide as the font size.
    """
    width = int(inches * 72 / (0.55 * size))
    return "\n".join(textwrap.fill(t, width, max_lines=lines, placeholder="…") for t in str(text).split("\n"))


def save(figure: Figure, path: PathLike) -> None:
    """Write a figure to a file atomically, in the format of its suffix."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a dollar sign does not start a formula
    with replacing(path) as file:
        figure.savefig(file, format=picture_format(path), dpi=DPI)
