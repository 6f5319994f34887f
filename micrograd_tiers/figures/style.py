"""Shared style of the pictures: matplotlib's defaults, markers, and text wrapped to a width."""

import os
import textwrap
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import signature
from typing import ParamSpec, TypeVar

from matplotlib import style
from matplotlib.figure import Figure

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


def plot(draw: Callable[P, Figure]) -> Callable[P, Figure]:
    """Return a function of `plots`: it draws in its own style, but in the user's style into `axes`.

    A call in the form of earlier versions, with a path first, raises a TypeError that shows the new call.
    """
    draw_alone = in_own_style(draw)

    @wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> Figure:
        if args and isinstance(args[0], str | os.PathLike):
            raise TypeError(_path_first(draw, os.fspath(args[0]), len(args) - 1, kwargs))
        return (draw_alone if kwargs.get("axes") is None else draw)(*args, **kwargs)

    return drawn


def _path_first(draw: Callable[P, Figure], path: str, n: int, keywords: Iterable[str]) -> str:
    """Return the error for a call with a path, n more arguments, and some keywords."""
    parameters = signature(draw).parameters
    given = {*[*parameters][:n], *keywords} - {"path"}
    arguments = [
        f"{name}=..." if parameter.kind is parameter.KEYWORD_ONLY else name
        for name, parameter in parameters.items()
        if parameter.default is parameter.empty or name in given
    ]
    call = f"plots.{draw.__name__}({', '.join(arguments)}, path={path!r})"
    first = next(iter(parameters))
    return f"{draw.__name__}: the first argument is the path {path!r}, expected {first}; name the path: {call}"


def rounded(x: float) -> str:
    """Return a positive number as text: as an integer from 10 on, otherwise with two significant digits."""
    return f"{x:,.0f}" if x >= 10 else f"{x:.2g}"


def wrapped(text: object, inches: float, *, size: float = 10, lines: int | None = None) -> str:
    """Wrap text to a width in inches at a font size in points, in at most `lines` lines.

    A letter is taken to be 0.55 times as wide as the font size.
    """
    width = int(inches * 72 / (0.55 * size))
    return "\n".join(textwrap.fill(t, width, max_lines=lines, placeholder="…") for t in str(text).split("\n"))
