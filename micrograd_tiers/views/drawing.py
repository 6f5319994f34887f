"""A drawing: SVG that shows itself in a notebook and can be saved as an image or as a page."""

from ..files import PathLike, replacing
from ..html import escape
from .page import Page, suffix_of

STYLE = "fill:currentColor;font-family:ui-monospace,monospace;max-width:none"  # on phones it scrolls
ALONE = (
    "<style>svg{color:#16181c;background:#fff}"
    "@media(prefers-color-scheme:dark){svg{color:#eceef1;background:#131416}}</style>"
)  # of an SVG file


class Drawing:
    """A drawing as SVG.

    Text and lines have the color of their surroundings, so that the drawing fits a light and a dark background.

    Parameters
    ----------
    title : str
        Title of the page, and start of the text alternative of the SVG.
    width, height : float
        In CSS pixels.
    parts : str
        SVG elements.
    below : str
        HTML shown below the drawing in notebooks and on pages, not in SVG files.
    description : str
        What the drawing shows, in words and numbers, for screen readers.
    role : str
        "img", or "group" if the parts have text alternatives of their own.
    linked : str
        SVG elements with links to what is below, instead of `parts` in notebooks and on pages.
    """

    def __init__(
        self,
        title: str,
        width: float,
        height: float,
        parts: str,
        below: str = "",
        description: str = "",
        *,
        role: str = "img",
        linked: str = "",
    ) -> None:
        self.title, self.width, self.height, self.parts, self.below = title, width, height, parts, below
        self.description, self.role, self.linked = description, role, linked

    def svg(self) -> str:
        """Return the SVG element."""
        return self._element(self.parts)

    def _element(self, parts: str) -> str:
        size = f'width="{self.width:g}" height="{self.height:g}" viewBox="0 0 {self.width:g} {self.height:g}"'
        label = escape(f"{self.title}. {self.description}" if self.description else self.title)
        start = f'<svg xmlns="http://www.w3.org/2000/svg" role="{self.role}" aria-label="{label}" {size}'
        return f'{start} style="{STYLE}">{parts}</svg>'

    def html(self) -> str:
        """Return the drawing, in a box that scrolls if it is too wide, and the HTML below it."""
        box = f'<div style="overflow-x:auto" tabindex="0" role="group" aria-label="{escape(self.title)}">'
        return f"{box}{self._element(self.linked or self.parts)}</div>{self.below}"

    def save(self, path: PathLike) -> None:
        """Write the drawing to a file, whole or not at all: an image if its name ends in ".svg", a page if in ".html".

        Raises
        ------
        ValueError
            If the name ends in something else.
        """
        if suffix_of(path, ".svg", ".html") == ".svg":
            with replacing(path) as file:
                file.write(self.svg().replace(">", f">{ALONE}", 1).encode())
        else:
            Page(self.title, self.html()).save(path)

    def _repr_svg_(self) -> str:
        return self.svg()

    def _repr_html_(self) -> str:
        return self.html()

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.title}; write it with .save('drawing.svg') or .save('drawing.html')>"
