"""Output of the commands: result files and messages."""

import json
import math
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import PictureError
from ..files import replacing


def write_json(path: str | None, content: dict[str, Any]) -> None:
    """Write the results as JSON, with null for NaN and infinity; do nothing if `path` is None."""
    if path is not None:
        with replacing(path) as file:
            file.write(json.dumps(_without_nan(content), indent=1).encode() + b"\n")


def write_results(folder: Path, texts: dict[str, str], content: dict[str, Any]) -> None:
    """Write each text to the file that its key names, and the content to results.json. No file is left half-written."""
    for name, text in texts.items():
        with replacing(folder / name) as file:
            file.write(text.encode())
    write_json(str(folder / "results.json"), content)


@contextmanager
def drawing(path: str | Path, what: str = "Picture") -> Iterator[None]:
    """Say where a picture is, once the block has drawn it. Do this last: results must not depend on pictures.

    Raises
    ------
    PictureError
        If the block raises any error.
    """
    try:
        yield
    except Exception as error:  # the fonts, libraries and settings of the user's system can fail in any way
        raise PictureError(f"{path} cannot be drawn: {type(error).__name__}: {error}") from error
    print(f"{what}: {path}")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def about_perfect(data: Any) -> dict[str, float]:
    """Print the loss of the perfect model on the test documents if it is known; return it and the floor for JSON."""
    perfect = getattr(data, "perfect", None)
    if perfect is None:
        return {}
    loss, floor = perfect.loss(data.test_documents), perfect.floor
    print(f"the perfect model's loss on the same documents: {loss:.4f}; expected on others: {floor:.4f}")
    return {"perfect_loss": loss, "floor": floor}


def say(message: str) -> None:
    """Print a line of progress on standard error."""
    print(f"  {message} ...", file=sys.stderr)


def warn(warning: str | None) -> None:
    """Print a warning on standard error, if there is one."""
    if warning:
        print(warning, file=sys.stderr)


def plural(n: int, noun: str) -> str:
    """Return the number with its noun, such as "1 step" or "2,000 steps"."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
