"""Reading of .npz files that are not trusted: shapes before arrays, nothing large for a small file, and no pickles."""

import io
import math
import os
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .errors import DataError
from .file_kinds import kind_of_archive, kind_of_file
from .formats import cut

MOST_AT_ONCE = 2**21  # bytes; the table of a .zip archive with about 20,000 members
SPARE = 2**24  # bytes that arrays may need beyond four times the size of their file: our files are not compressed
SUFFIX = ".npy"


class Archive:
    """The arrays of an .npz file, by name.

    Attributes
    ----------
    names : list of str
    """

    def __init__(self, file: zipfile.ZipFile, size: int) -> None:
        self._file, self._left = file, SPARE + 4 * size
        members = [info.filename for info in file.infolist()]
        if f"header{SUFFIX}" not in members:
            kind = kind_of_archive(members)
            raise DataError(f"is {kind.what}, expected a net saved by micrograd_tiers; {kind.way_out}")
        if len({*members}) < len(members):
            raise DataError("holds two arrays of one name; save or copy the net again")
        strange = [name for name in members if not name.endswith(SUFFIX)]
        if strange:
            raise DataError(f"holds {cut(strange[0], 60)!r}, which is not an array; save or copy the net again")
        self.names = [name.removesuffix(SUFFIX) for name in members]

    def shape(self, name: str) -> tuple[int, ...]:
        """Return the shape of an array that is not yet read; raise DataError if the file cannot hold such an array."""
        shown = cut(name, 60)
        info = self._file.getinfo(name + SUFFIX)
        with self._file.open(info) as member:
            version = np.lib.format.read_magic(member)
            if version != (1, 0):  # others have longer headers, which NumPy would read whole
                raise DataError(f"{shown} is in version {version} of the .npy format, expected (1, 0)")
            shape, _, dtype = np.lib.format.read_array_header_1_0(member)
            held = info.file_size - member.tell()
        if dtype.hasobject:
            raise DataError(f"{shown} holds pickled objects, which are never loaded; save the net with mt.save")
        claimed = math.prod(shape) * dtype.itemsize
        if claimed != held or min(shape, default=0) < 0:
            raise DataError(f"{shown} claims shape {shape}, {claimed:,} bytes, but the file holds {held:,}")
        if claimed > self._left:
            raise DataError(f"{shown} expands to {claimed:,} bytes, far more than the file has; save it uncompressed")
        return tuple(shape)

    def read(self, name: str) -> NDArray[Any]:
        """Return an array; raises as `shape` does."""
        self.shape(name)
        with self._file.open(name + SUFFIX) as member:
            array: NDArray[Any] = np.lib.format.read_array(member, allow_pickle=False)
        self._left -= array.nbytes
        return array


class _Bounded(io.BufferedReader):
    """A file from which only so much can be read at once: a false table of contents costs no memory."""

    def read(self, size: int | None = -1, /) -> bytes:
        """Return at most `size` bytes."""
        wanted = size if size is not None and size >= 0 else os.fstat(self.fileno()).st_size - self.tell()
        if wanted > MOST_AT_ONCE:
            raise DataError("has too many members; save or copy the net again")
        return super().read(size)


@contextmanager
def opened(path: str | os.PathLike[str]) -> Iterator[Archive]:
    """Open an .npz file for reading.

    Raises
    ------
    DataError
        If it is a file of another kind; the message says which, and what to do.
    OSError
        If there is no such file, or it cannot be read.
    """
    kind = kind_of_file(path)
    if kind is not None:
        raise DataError(f"is {kind.what}, expected a net saved by micrograd_tiers; {kind.way_out}")
    size = os.path.getsize(path)
    with _Bounded(io.FileIO(path)) as raw, zipfile.ZipFile(raw) as file:
        yield Archive(file, size)
