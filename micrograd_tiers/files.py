"""Atomic writing of files: whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

PathLike = str | os.PathLike[str]
PICTURE_FORMATS = ("png", "svg", "pdf")


@contextmanager
def replacing(path: PathLike) -> Iterator[IO[Any]]:
    """Open a temporary binary file that replaces `path` if the block ends without an error.

    The temporary file has a unique name in the same folder. It is flushed to disk and then renamed, so at any moment
    `path` is either the old file or the new one.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written to, or path exists and is not a file.
    """
    path = Path(os.path.realpath(path))  # a link stays a link; the file that it points to is replaced
    _check_writable(path)
    descriptor, temporary = tempfile.mkstemp(prefix=".micrograd-tiers.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        os.replace(temporary, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def picture_format(path: PathLike) -> str:
    """Return "png", "svg" or "pdf" from the suffix of a path ("png" without one); raise ValueError for any other."""
    name = Path(path).suffix.lower().removeprefix(".") or "png"
    if name not in PICTURE_FORMATS:
        known = ", ".join(f".{known}" for known in PICTURE_FORMATS)
        raise ValueError(f"{path}: cannot draw a picture with the suffix .{name}; supported are {known}")
    return name


def check_outputs(
    files: Sequence[PathLike | None] = (),
    pictures: Sequence[PathLike | None] = (),
    inputs: Sequence[PathLike | None] = (),
) -> None:
    """Raise an error if an output cannot be written; call this before long work. Paths that are None are skipped.

    Parameters
    ----------
    files, pictures : sequence of path or None
        Files that will be written.
    inputs : sequence of path or None
        Files that will be read and must not be overwritten.

    Raises
    ------
    OSError
        If a path exists and is not a file, or its folder does not exist or cannot be written to.
    ValueError
        If the suffix of a picture is unknown, or a file is named twice.
    """
    for picture in pictures:
        if picture is not None:
            picture_format(picture)
    taken = {os.path.realpath(path) for path in inputs if path is not None}
    for path in [*files, *pictures]:
        if path is None:
            continue
        real = os.path.realpath(path)
        if real in taken:
            raise ValueError(f"{path} is named twice: each output needs a file of its own")
        taken.add(real)
        _check_writable(Path(real))


def _check_writable(path: Path) -> None:
    if path.exists() and not path.is_file():
        raise IsADirectoryError(f"{path} is a folder or a device, expected the name of a file to write")
    if not path.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {path.parent}")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write {path}: no permission to write in {path.parent}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
