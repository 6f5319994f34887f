"""Atomic writing of files: whole or not at all."""

import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

try:
    import fcntl
except ImportError:  # Windows: there a file that is open cannot be removed, which is as good as a lock
    fcntl = None  # type: ignore[assignment]

PathLike = str | os.PathLike[str]
PICTURE_FORMATS = ("png", "svg", "pdf")
SUFFIX = ".micrograd-tiers.part"  # of temporary files


@contextmanager
def replacing(path: PathLike) -> Iterator[IO[Any]]:
    """Open a temporary binary file that replaces `path` if the block ends without an error.

    The temporary file is in the same folder. It is flushed to disk and then renamed, so at any moment `path` is either
    the old file or the new one. A file that exists keeps its mode. If the process is killed, the temporary file stays
    until the next call for the same path.

    Raises
    ------
    OSError
        If the folder does not exist or cannot be written to, or path exists and is not a file.
    """
    path = Path(os.path.realpath(path))  # a link stays a link; the file that it points to is replaced
    _check_writable(path)
    mode = path.stat().st_mode & 0o7777 if path.exists() else 0o666 & ~_umask()
    prefix = f".{path.name[:40]}."
    _remove_abandoned(path.parent, prefix)
    file = _locked_file(path.parent, prefix)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.chmod(file.name, mode)
            if fcntl:
                os.replace(file.name, path)  # before the lock is released
        if not fcntl:
            os.replace(file.name, path)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(file.name)
        raise


def _locked_file(folder: Path, prefix: str) -> IO[Any]:
    """Return a new file that is locked, as a sign that its process lives."""
    while True:
        file = tempfile.NamedTemporaryFile(prefix=prefix, suffix=SUFFIX, dir=folder, delete=False)  # noqa: SIM115
        if not fcntl:
            return file
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # another save has found the file before it was locked, and removes it
            file.close()
            continue
        except OSError:  # a file system without locks
            return file
        if os.path.exists(file.name):
            return file
        file.close()  # removed before it was locked


def _remove_abandoned(folder: Path, prefix: str) -> None:
    """Remove temporary files with that prefix whose processes were killed."""
    for entry in os.scandir(folder):
        if not (entry.name.startswith(prefix) and entry.name.endswith(SUFFIX)):
            continue
        with suppress(OSError):  # held by a living process, or gone
            if fcntl:
                with open(entry.path, "rb") as file:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    os.unlink(entry.path)
            else:
                os.unlink(entry.path)


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
