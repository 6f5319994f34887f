"""Reader of IDX files, the format of MNIST and Fashion-MNIST: a short header, then one array in row-major order.

The header is two zero bytes, one byte for the element type, one byte for the number of dimensions, and each dimension
as a big-endian unsigned 32-bit integer. The elements follow, big-endian. The format is described on
http://yann.lecun.com/exdb/mnist/ . A gzipped file is recognized by its first two bytes, not by its name. Files are not
trusted: memory grows with the bytes that arrive, not with the size that the header claims.
"""

from __future__ import annotations

import gzip
import math
import os
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from io import BufferedIOBase
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError

GZIP_MAGIC = b"\x1f\x8b"
TYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
CODES = {np.dtype(kind).newbyteorder("="): code for code, kind in TYPES.items()}
MAX_DIMENSIONS = 32  # supported by every version of NumPy
CHUNK = 2**20
WAY_OUT = "get the file again, or point to another folder"


def read_idx(
    path: str | os.PathLike[str],
    *,
    item_shape: tuple[int, ...] | None = None,
    element: str = "uint8",
    max_bytes: int = 2**30,
) -> NDArray[Any]:
    """Read one IDX file, gzipped or not.

    Parameters
    ----------
    path : path
    item_shape : tuple of int, optional
        Expected shape of one item: `(28, 28)` for images, `()` for labels. If given, the file must hold an array of
        shape ``(N, *item_shape)`` of the type `element`. The header is checked before the elements are read.
    element : {"uint8", "int8", "int16", "int32", "float32", "float64"}
        Expected type if `item_shape` is given.
    max_bytes : int
        Upper bound for the size of the elements, by default 1 GiB. A small gzip file can expand to any size.

    Returns
    -------
    ndarray
        Array with the shape and element type of the header, in native byte order.

    Raises
    ------
    DataError
        If the file cannot be read, is not a complete gzip or IDX file, is empty, holds more or fewer elements than
        its header claims, holds more than `max_bytes`, or does not match `item_shape`.
    """
    path = Path(path)
    with _opened(path) as stream:
        dtype, shape = _read_header(path, stream, item_shape, np.dtype(element))
        claimed = math.prod(shape) * dtype.itemsize
        if claimed > max_bytes:
            raise DataError(f"{path}: header claims {claimed} bytes of data, expected at most {max_bytes}; {WAY_OUT}")
        data = _read_at_most(stream, claimed + 1)  # the extra byte shows if the file is too long
        if len(data) != claimed:
            held = "more" if len(data) > claimed else f"only {len(data)}"
            raise DataError(f"{path}: header claims {claimed} bytes of data, the file holds {held}; {WAY_OUT}")
    return np.frombuffer(data, dtype).reshape(shape).astype(dtype.newbyteorder("="), copy=False)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    """Open a file for reading, through gzip if it is gzipped; every failure until it is closed raises DataError."""
    try:
        if path.is_dir():
            raise DataError(f"{path}: is a folder, expected an IDX file; name the file inside it")
        if path.exists() and not path.is_file():  # reading a pipe or a device might never end
            raise DataError(f"{path}: is not a regular file, expected an IDX file; copy it to one")
        with path.open("rb") as file:
            zipped = file.read(2) == GZIP_MAGIC
            file.seek(0)
            with gzip.GzipFile(fileobj=file) if zipped else nullcontext(file) as stream:
                yield stream
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: corrupt or truncated gzip ({error}); {WAY_OUT}") from error
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error}); {WAY_OUT}") from error


def _read_header(
    path: Path, stream: BufferedIOBase, item_shape: tuple[int, ...] | None, element: np.dtype[Any]
) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Return the element type and the shape from the header, or raise DataError if they are not valid."""
    magic = stream.read(4)
    if not magic:
        raise DataError(f"{path}: the file is empty, expected an IDX header; {WAY_OUT}")
    if len(magic) < 4 or magic[:2] != b"\0\0":
        raise DataError(f"{path}: starts with {magic.hex(' ')}, expected an IDX magic number, 00 00 ..; {WAY_OUT}")
    code, n_dimensions = magic[2:]
    if code not in TYPES:
        known = ", ".join(f"0x{known:02x}" for known in TYPES)
        raise DataError(f"{path}: unknown element type 0x{code:02x}, expected one of {known}; {WAY_OUT}")
    if not 1 <= n_dimensions <= MAX_DIMENSIONS:
        raise DataError(f"{path}: {n_dimensions} dimensions, expected 1 to {MAX_DIMENSIONS}; {WAY_OUT}")
    if item_shape is not None and (code, n_dimensions) != (CODES[element], 1 + len(item_shape)):
        expected = bytes([0, 0, CODES[element], 1 + len(item_shape)])
        raise DataError(
            f"{path}: magic number is {magic.hex(' ')}, expected {expected.hex(' ')} (the element type, "
            f"then the number of dimensions); check that images and labels are not swapped, or {WAY_OUT}"
        )

    sizes = stream.read(4 * n_dimensions)
    if len(sizes) < 4 * n_dimensions:
        raise DataError(f"{path}: ends inside its header of {4 + 4 * n_dimensions} bytes; {WAY_OUT}")
    shape = struct.unpack(f">{n_dimensions}I", sizes)
    if 0 in shape:
        raise DataError(f"{path}: header claims shape {shape}: an empty set, expected at least one item; {WAY_OUT}")
    if item_shape is not None and shape[1:] != item_shape:
        raise DataError(f"{path}: items are of shape {shape[1:]}, expected {item_shape}; {WAY_OUT}")
    return np.dtype(TYPES[code]), shape


def _read_at_most(stream: BufferedIOBase, n_bytes: int) -> bytearray:
    """Return up to `n_bytes` bytes. The buffer grows as data arrives, so a false claim allocates no memory."""
    data = bytearray()
    while chunk := stream.read(min(CHUNK, n_bytes - len(data))):
        data += chunk
    return data
