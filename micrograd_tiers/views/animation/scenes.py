"""Scenes: samples in the plane and a picture of the net behind them, without words and axes.

A net that classifies has decision regions; a net of two features and one value has a height at each place, drawn as a
color; a net of one feature and one value has a curve. All three have the same attributes and methods.
"""

from collections.abc import Sequence
from math import isfinite, isnan, nan
from typing import ClassVar, NamedTuple

from ...colors import PALETTE, STRONGEST, pixel
from ...errors import DataError
from ...html import number
from ...inputs import Array
from ...network import Network

CELLS = 64  # per side of the grid on which a net is evaluated
CURVE_POINTS = 120
MOST_POINTS = 400  # samples that are drawn
MARGIN = 0.08  # around the samples, as a share of their extent
UNKNOWN = pixel(nan, 1.0)  # the net's output is NaN

Pixel = tuple[int, ...]  # red, green, blue, opacity, from 0 to 255


class NetPicture(NamedTuple):
    """Picture of a net: rows of pixels from the top, or the heights of a curve; and what they show, in words."""

    words: str
    pixels: list[list[Pixel]] = []  # noqa: RUF012
    heights: list[float] = []  # noqa: RUF012


class Bounds(NamedTuple):
    """Part of the plane that is shown."""

    left: float
    right: float
    bottom: float
    top: float


class Point(NamedTuple):
    """A sample: its place, its color and the number of its marker."""

    x: float
    y: float
    color: str
    marker: int


class Key(NamedTuple):
    """A line of the legend."""

    name: str
    color: str
    marker: int


class Regions:
    """Decision regions: each place has the color of the predicted class, the more opaque the more probable it is.

    Parameters
    ----------
    net : Network
        It gives the loss.
    X : ndarray, shape (N, 2)
    labels : sequence of int, length N
        Class of each sample, from 0 to C - 1.
    names : sequence of str, length C
    """

    axes: ClassVar[tuple[str, str]] = ("feature 0", "feature 1")
    what: ClassVar[str] = "Decision regions"
    is_curve: ClassVar[bool] = False

    def __init__(self, net: Network, X: Array, labels: Sequence[int], names: Sequence[str]) -> None:
        self.bounds = Bounds(*_interval(X[:, 0].tolist()), *_interval(X[:, 1].tolist()))
        self.grid = _grid(self.bounds)
        self.points = [Point(x, y, PALETTE[c], c) for (x, y), c in zip(X.tolist(), labels, strict=True)]
        self.legend = [Key(name, PALETTE[c], c) for c, name in enumerate(names)]
        self.names = names
        by_margin = net.loss.targets == "signs"
        self.opacity = "the distance from the boundary, up to the margin" if by_margin else "its probability"

    def picture(self, net: Network) -> NetPicture:
        """Return the regions, and the share of the plane that each class has."""
        pixels = [_class_pixel(strengths) for strengths in strengths_of(net, self.grid)]
        colors = [pixel[:3] for pixel in pixels]
        shares = (f"{name} {colors.count(_rgb(PALETTE[c])) / len(colors):.0%}" for c, name in enumerate(self.names))
        return NetPicture(f"share of the plane: {', '.join(shares)}", _rows(pixels))

    @property
    def caption(self) -> str:
        """Sentence that says what the colors mean."""
        return f"The color of a place is the class that the net predicts there, its opacity {self.opacity}."


class Heights:
    """Values of a net over the plane, in the diverging colors: red if negative, blue if positive.

    Parameters
    ----------
    X : ndarray, shape (N, 2)
    targets : sequence of float, length N
    """

    axes: ClassVar[tuple[str, str]] = ("feature 0", "feature 1")
    what: ClassVar[str] = "Values of the net"
    is_curve: ClassVar[bool] = False

    def __init__(self, X: Array, targets: Sequence[float]) -> None:
        self.bounds = Bounds(*_interval(X[:, 0].tolist()), *_interval(X[:, 1].tolist()))
        self.grid = _grid(self.bounds)
        self.largest = max(map(abs, targets)) or 1.0
        # Opaque, and mixed with white: on the same color as a background they would not be seen.
        self.points = [
            Point(x, y, _css(_mixed(pixel(t, self.largest))), int(t < 0))
            for (x, y), t in zip(X.tolist(), targets, strict=True)
        ]
        self.legend = [
            Key(f"target {number(sign * self.largest)}", _css(_mixed(pixel(sign, 1))), int(sign < 0))
            for sign in (1, -1)
        ]

    def picture(self, net: Network) -> NetPicture:
        """Return the values, and the share of the plane where they are positive."""
        values = [value for (value,) in net.predict(self.grid).tolist()]
        share = sum(value > 0 for value in values) / len(values)
        pixels: list[Pixel] = [pixel(value, self.largest) for value in values]
        return NetPicture(f"positive in {share:.0%} of the plane", _rows(pixels))

    @property
    def caption(self) -> str:
        """Sentence that says what the colors mean."""
        return (
            "The color of a place is the net's output there: red if negative, blue if positive, strongest from "
            f"{number(self.largest)} on. Samples have the color of their target."
        )


class Curve1d:
    """Values of a net of one feature, as a curve through the samples.

    Parameters
    ----------
    X : ndarray, shape (N, 1)
    targets : sequence of float, length N
    """

    axes: ClassVar[tuple[str, str]] = ("feature 0", "value")
    what: ClassVar[str] = "Values of the net"
    is_curve: ClassVar[bool] = True
    caption: ClassVar[str] = "The curve is the net's output, a dot is a sample with its target."

    def __init__(self, X: Array, targets: Sequence[float]) -> None:
        self.bounds = Bounds(*_interval(X[:, 0].tolist()), *_interval(targets))
        self.points = [Point(x, t, PALETTE[0], 0) for (x,), t in zip(X.tolist(), targets, strict=True)]
        self.legend = [Key("sample", PALETTE[0], 0)]
        self.grid = [[x] for x in _between(self.bounds.left, self.bounds.right, CURVE_POINTS)]

    def picture(self, net: Network) -> NetPicture:
        """Return the values at the points of the grid, and their range."""
        heights = [value for (value,) in net.predict(self.grid).tolist()]
        values = [*filter(isfinite, heights)]
        words = f"from {number(min(values))} to {number(max(values))}" if values else "no finite values"
        return NetPicture(words, heights=heights)


Scene = Regions | Heights | Curve1d


def strengths_of(net: Network, X: Sequence[Sequence[float]]) -> list[list[float]]:
    """Return how strongly a net of C classes holds each place for each class, (N, C) from 0 to 1, NaN if unknown.

    These are the probabilities; for the hinge loss, the output from -1 (class 0) to 1 (class 1), scaled to 0 to 1.
    """
    if net.loss.targets != "signs":
        strengths: list[list[float]] = net.predict_proba(X).tolist()
        return strengths
    outputs = [output for (output,) in net.forward(X).tolist()]
    yes = [(1 + max(-1.0, min(1.0, output))) / 2 if not isnan(output) else output for output in outputs]
    return [[1 - share, share] for share in yes]


def _class_pixel(strengths: list[float]) -> Pixel:
    best = max(strengths)
    if any(map(isnan, strengths)):
        return UNKNOWN
    return *_rgb(PALETTE[strengths.index(best)]), round(255 * STRONGEST * best)


def _mixed(color: Pixel) -> Pixel:
    """Return the color of a pixel on white."""
    share = color[3] / 255
    return tuple(round(255 + share * (part - 255)) for part in color[:3])


def _css(color: Pixel) -> str:
    return f"#{bytes(color).hex()}"


def _rgb(color: str) -> Pixel:
    return tuple(bytes.fromhex(color[1:]))


def _interval(numbers: Sequence[float]) -> tuple[float, float]:
    """Return a range that holds all numbers and a margin on both sides."""
    low, high = min(numbers), max(numbers)
    if not isfinite(2 * (high - low)):
        raise DataError(f"data reaches from {low:g} to {high:g}, expected a smaller range: scale the features")
    margin = MARGIN * (high - low) or max(1.0, MARGIN * abs(high))
    return low - margin, high + margin


def _between(low: float, high: float, count: int) -> list[float]:
    """Return the centers of equal parts of a range, in order."""
    return [low + (high - low) * (i + 0.5) / count for i in range(count)]


def _rows(pixels: list[Pixel]) -> list[list[Pixel]]:
    return [pixels[i : i + CELLS] for i in range(0, len(pixels), CELLS)]


def _grid(bounds: Bounds) -> list[list[float]]:
    """Return the places (CELLS * CELLS, 2), row by row, the top row first."""
    xs = _between(bounds.left, bounds.right, CELLS)
    ys = _between(bounds.bottom, bounds.top, CELLS)
    return [[x, y] for y in reversed(ys) for x in xs]
