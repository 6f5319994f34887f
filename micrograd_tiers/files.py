"""Atomic writing of files: whole or not at all."""

import os
import stat
import tempfile
from collections.abc import Iterable, Iterator, Sequence
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
        If the folder does not exist or cannot be written to, or path is not that of a regular file: pipes, devices and
        standard output cannot be replaced.
    ValueError
        If path is empty or "-".
    """
    path = _target(path)
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
    inputs: Iterable[PathLike | None] = (),
) -> None:
    """Raise an error if an output cannot be written; call this before long work. Paths that are None are skipped.

    Parameters
    ----------
    files, pictures : sequence of path or None
        Files that will be written.
    inputs : iterable of path or None
        Files that will be read and must not be overwritten.

    Raises
    ------
    OSError
        As from `replacing`.
    ValueError
        If the suffix of a picture is unknown, a file is named twice, or a path is empty or "-".
    """
    for picture in pictures:
        if picture is not None:
            picture_format(picture)
    taken = {os.path.realpath(path) for path in inputs if path is not None}
    for path in [*files, *pictures]:
        if path is None:
            continue
        real = str(_target(path))
        if real in taken:
            raise ValueError(f"{path} is named twice: each output needs a file of its own")
        taken.add(real)


def check_folder(folder: PathLike) -> None:
    """Raise an OSError unless the folder exists or can be made, and files can be written to it."""
    place = Path(folder).absolute()
    while not os.path.lexists(place):
        place = place.parent
    if not place.is_dir():
        raise NotADirectoryError(f"cannot write to the folder {folder}: {place} is {kind_of(place)}")
    _check_writable_folder(place, f"to the folder {folder}")


def check_file_name(name: str) -> None:
    """Raise a ValueError for "", and for "-", which other programs take for standard output."""
    if not name:
        raise ValueError("the name of a file is empty")
    if name == "-":
        raise ValueError("- is not the name of a file: results go to files only (./- is a file of that name)")


def _target(path: PathLike) -> Path:
    """Return the file that will be replaced; a link stays a link, the file that it points to is replaced."""
    check_file_name(os.fspath(path))
    target = Path(os.path.realpath(path))
    if os.path.lexists(target) and not target.is_file():
        error = IsADirectoryError if target.is_dir() else OSError
        raise error(f"{path} is {kind_of(target)}, expected the name of a file to write")
    if stream := _stream(path, target):
        raise OSError(f"{path} is {stream}, expected the name of a file to write")
    if not target.parent.is_dir():
        raise FileNotFoundError(f"cannot write {path}: there is no folder {target.parent}")
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(f"cannot write {path}: the file is read-only")
    _check_writable_folder(target.parent, str(path))
    return target


def _stream(path: PathLike, target: Path) -> str:
    """Return what a path stands for if it is a file that this process has open, such as /dev/stdout; otherwise ""."""
    for number, name in enumerate(("input", "output", "error")):
        with suppress(OSError):  # a process may lack any of the three
            if target.exists() and os.path.samestat(os.fstat(number), os.stat(target)):
                return f"the standard {name} of this command"
    link = os.path.abspath(path)
    for _ in range(40):  # as many links as Linux follows
        if os.path.realpath(os.path.dirname(link)).startswith(("/proc/", "/dev/fd")):
            return "a file that this command has open"
        if not os.path.islink(link):
            break
        link = os.path.join(os.path.dirname(link), os.readlink(link))
    return ""


def kind_of(path: Path) -> str:
    """Return what an existing path is: "a folder", "a pipe"."""
    mode = path.stat().st_mode if path.exists() else path.lstat().st_mode
    kinds = {stat.S_IFDIR: "a folder", stat.S_IFIFO: "a pipe", stat.S_IFREG: "a file", stat.S_IFSOCK: "a socket"}
    return kinds.get(stat.S_IFMT(mode), "a link that leads nowhere" if stat.S_ISLNK(mode) else "a device")


def _check_writable_folder(folder: Path, what: str) -> None:
    if not os.access(folder, os.W_OK | os.X_OK):
        raise PermissionError(f"cannot write {what}: no permission to write in {folder}")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
