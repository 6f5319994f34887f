"""The sheet of a picture: a new figure that shows itself in a notebook, or axes of the caller's."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from html import escape
from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import style
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from ..files import PathLike, picture_format, replacing

DPI = 150
CSS_PIXELS = 100  # per inch, in notebooks

AxesLike = Axes | Sequence[Axes] | NDArray[Any]


class Picture(Figure):
    """A figure that shows itself in a notebook, also if pyplot was never imported; its label is the alternative text.

    IPython draws other figures only after ``%matplotlib inline``, or once pyplot has been imported.
    """

    def _repr_png_(self) -> tuple[bytes, dict[str, int]]:
        width, height = (round(CSS_PIXELS * inches) for inches in self.get_size_inches())
        file = BytesIO()
        with style.context("default"):
            self.savefig(file, format="png", dpi=DPI)
        return file.getvalue(), {"width": width, "height": height}

    def _repr_html_(self) -> str:
        png, size = self._repr_png_()
        source = f"data:image/png;base64,{base64.b64encode(png).decode()}"
        alt = escape(str(self.get_label()))
        return f"<img src='{source}' alt='{alt}' width='{size['width']}' style='max-width:100%;height:auto'>"


class Sheet:
    """The panels of one picture.

    Parameters
    ----------
    name : str
        Name of the function that draws, for errors.
    path : path-like or None
        File to write.
    axes : Axes or sequence of Axes, optional
        The caller's panels, row by row; by default a new figure is made.

    Raises
    ------
    ValueError
        If the suffix of the path is unknown.
    """

    def __init__(self, name: str, path: PathLike | None, axes: AxesLike | None) -> None:
        if path is not None:
            picture_format(path)
        self.name, self.path, self.axes, self.own = name, path, axes, axes is None
        self.figure: Figure
        self._given: list[Axes] = []  # the caller's panels
        self._before: dict[Text, str] = {}  # their texts before anything is drawn

    def panels(
        self, n: int, figsize: tuple[float, float], title: str = "", *, rows: int = 1, columns: int | None = None,
        **subplots: Any,
    ) -> list[Axes]:  # fmt: skip
        """Return n panels: of a new figure, row by row, or those of the caller, of which the first gets the title.

        Raises
        ------
        TypeError, ValueError
            If the caller's axes are not Axes, or there are more or fewer than n.
        """
        if not self.own:
            return self.given(n, title)
        figure = self.new_figure(figsize, title)
        panels: list[Axes] = [*figure.subplots(rows, columns or n, squeeze=False, **subplots).ravel()]
        for unused in panels[n:]:
            unused.remove()
        return panels[:n]

    def new_figure(self, figsize: tuple[float, float], title: str = "") -> Figure:
        """Return a new figure with a title, for functions that arrange its panels themselves."""
        words = ": ".join(filter(None, [self.name.replace("_", " "), " ".join(title.split())]))
        self.figure = Picture(figsize=figsize, layout="constrained", label=words)
        if title:
            self.figure.suptitle(title)
        return self.figure

    def given(self, n: int, title: str = "") -> list[Axes]:
        """Return the caller's n panels; errors as in `panels`."""
        panels: list[Any] = [self.axes] if isinstance(self.axes, Axes) else [*np.ravel(np.asarray(self.axes, object))]
        call = f"figure.subplots({f'1, {n}' * (n > 1)})"
        for panel in panels:
            if not isinstance(panel, Axes):
                got = type(panel).__name__
                raise TypeError(f"{self.name}: axes holds a {got}, expected matplotlib Axes, as from {call}")
        if len(panels) != n:
            raise ValueError(f"{self.name}: got {len(panels)} axes, expected {n} for this picture, as from {call}")
        figures = {panel.figure.figure for panel in panels}  # the figure, also of axes in a SubFigure
        if len(figures) > 1:
            raise ValueError(f"{self.name}: axes belong to {len(figures)} figures, expected one figure")
        (self.figure,) = figures
        self._before = {text: text.get_text() for panel in panels for text in panel.findobj(Text)}
        if title:
            panels[0].set_title(title)
        self._given = panels
        return panels

    def finished(self) -> Figure:
        """Return the figure, after it is written to the path, if there is one."""
        for part in [self.figure] if self.own else self._given:
            for text in part.findobj(Text):
                if text.get_text() != self._before.get(text):
                    text.set_parse_math(False)  # a dollar sign does not start a formula
        if self.path is not None:
            with replacing(self.path) as file:
                self.figure.savefig(file, format=picture_format(self.path), dpi=DPI)
        return self.figure
