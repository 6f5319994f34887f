"""Self-contained HTML pages: style, scripts and data in one file that loads nothing."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..files import PathLike, replacing
from ..html import escape

WEB = Path(__file__).parent / "web"
POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"


def suffix_of(path: PathLike, *expected: str) -> str:
    """Return the suffix of a path in lower case; raise ValueError unless it is one of those expected."""
    suffix = Path(path).suffix.lower()
    if suffix not in expected:
        raise ValueError(f"path is {str(path)!r}, expected a name that ends in {' or '.join(expected)}")
    return suffix


class Page:
    """An HTML page that shows itself in a notebook and can be saved.

    Parameters
    ----------
    title : str
    body : str
        HTML of the page, below its title.
    files : sequence of str
        Names of the style sheets and scripts in ``views/web``, in order; all scripts together are one module.
    data : object, optional
        Written as JSON; scripts read it as `data`.
    height : int
        Height in a notebook, in CSS pixels.
    """

    def __init__(self, title: str, body: str, files: Sequence[str] = (), data: Any = None, height: int = 600) -> None:
        self.title, self.body, self.files, self.data, self.height = title, body, files, data, height

    def html(self) -> str:
        """Return the page as one document."""
        texts = {name: (WEB / name).read_text(encoding="utf-8") for name in ("page.css", "page.js", *self.files)}
        style, script = ("\n".join(t for n, t in texts.items() if n.endswith(end)) for end in (".css", ".js"))
        numbers = json.dumps(self.data, separators=(",", ":"), allow_nan=False).replace("<", r"\u003c")
        return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<title>{escape(self.title)}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="{POLICY}">
<style>
{style}</style>
</head>
<body>
<main>
<h1>{escape(self.title)}</h1>
{self.body}
</main>
<script type="module">
const data = {numbers};
{script}</script>
</body>
</html>
"""

    def save(self, path: PathLike) -> None:
        """Write the page to a file, whole or not at all; raise ValueError unless its name ends in ".html"."""
        suffix_of(path, ".html")
        with replacing(path) as file:
            file.write(self.html().encode())

    def _repr_html_(self) -> str:
        return (
            f'<iframe srcdoc="{escape(self.html())}" title="{escape(self.title)}" '
            f'style="width:100%;height:{self.height}px;border:0"></iframe>'
        )

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.title}; .save('page.html') writes it to a file>"
