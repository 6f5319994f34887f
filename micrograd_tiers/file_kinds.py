"""The kinds of files that people mistake for a saved net, recognized by their first bytes, and the way out of each."""

import json
import os
import struct
from collections.abc import Collection
from pathlib import Path
from typing import NamedTuple

from .files import kind_of

LOAD = "pass them to net.load_state_dict"
AGAIN = "get or save the file again"


class FileKind(NamedTuple):
    """Description of a file, as a phrase, and what to do with it."""

    what: str
    way_out: str = "train or save a net first"


STARTS = {  # first bytes
    b"\x93NUMPY": FileKind("one NumPy array (.npy)", "mt.save writes a net"),
    b"\x1f\x8b": FileKind("a gzipped file", "unpack it first"),
    b"BZh": FileKind("a file compressed by bzip2", "unpack it first"),
    b"\xfd7zXZ\0": FileKind("a file compressed by xz", "unpack it first"),
    b"\x28\xb5\x2f\xfd": FileKind("a file compressed by zstd", "unpack it first"),
    b"7z\xbc\xaf\x27\x1c": FileKind("a 7z archive", "unpack it first"),
    b"\x89HDF": FileKind("an HDF5 file (.h5, as from Keras)", f"read its arrays with h5py, and {LOAD}"),
    b"\x80\x02\x8a\x0al\xfc\x9cF": FileKind("an old PyTorch file", f"read its arrays with PyTorch, and {LOAD}"),
    **{
        bytes([0x80, protocol]): FileKind("a Python pickle, which is never loaded", "save the net with mt.save")
        for protocol in range(2, 6)
    },
    b"GGUF": FileKind("a GGUF model"),
    b"\x89PNG": FileKind("a PNG image", "--image takes images"),
    b"\xff\xd8\xff": FileKind("a JPEG image", "--image takes images"),
    b"GIF8": FileKind("a GIF image", "--image takes images"),
    b"BM": FileKind("a BMP image", "--image takes images"),
    b"II*\0": FileKind("a TIFF image", "--image takes images"),
    b"MM\0*": FileKind("a TIFF image", "--image takes images"),
    b"%PDF": FileKind("a PDF document"),
    b"\x7fELF": FileKind("a program"),
}
PYTORCH = FileKind(
    "a PyTorch file (.pt, .pth)", f"read its arrays with torch.load(path, weights_only=True), and {LOAD}"
)
SAFETENSORS = FileKind("a .safetensors file", f"read its arrays with safetensors.numpy.load_file(path), and {LOAD}")
OTHER_NPZ = FileKind("an .npz file of another program (it has no header)", f"read its arrays with np.load, and {LOAD}")


def kind_of_file(path: str | os.PathLike[str]) -> FileKind | None:
    """Return the kind of a file that is not a .zip archive (as .npz is); None for one that begins as such.

    Raises
    ------
    OSError
        If there is no such file, or it cannot be read.
    """
    path = Path(path)
    if path.exists() and not path.is_file():  # a pipe would be waited for
        return FileKind(kind_of(path), "name a file")
    with path.open("rb") as file:
        head = file.read(4096)
        size = os.fstat(file.fileno()).st_size
    if head.startswith((b"PK\3\4", b"PK\5\6")):
        return None
    if not head:
        return FileKind("empty", AGAIN)
    for start, kind in STARTS.items():
        if head.startswith(start):
            return kind
    if len(head) > 8 and head[8:9] == b"{" and struct.unpack("<Q", head[:8])[0] <= size:
        return SAFETENSORS
    if head[4:8] == b"TFL3":
        return FileKind("a TensorFlow Lite model")
    if head[:1] == b"\x08" and head[2:3] in (b"\x12", b"\x3a", b"\x42"):  # ir_version, then another field
        return FileKind("an ONNX model", f"read its arrays with the package onnx, and {LOAD}")
    if head[:2] == b"\0\0" and head[2:3] in (b"\x08", b"\x09", b"\x0b", b"\x0c", b"\x0d", b"\x0e"):
        return FileKind("an IDX file, such as those of MNIST", "--data-dir takes their folder")
    return _text(head) or FileKind("not a net saved by micrograd_tiers, nor a file of a known kind", AGAIN)


def kind_of_archive(names: Collection[str]) -> FileKind:
    """Return the kind of a .zip archive without a net's header, from the names of its members."""
    if any(name.endswith("/data.pkl") for name in names):
        return PYTORCH
    if "model.weights.h5" in names:
        return FileKind("a Keras model (.keras)", f"read its arrays with Keras, and {LOAD}")
    if names and all(name.endswith(".npy") for name in names):
        return OTHER_NPZ
    return FileKind("a .zip archive of another kind", "name a file inside it" if names else AGAIN)


def _text(head: bytes) -> FileKind | None:
    try:
        text = head.decode("utf-8", errors="strict" if len(head) < 4096 else "ignore").lstrip("\ufeff \t\r\n")
    except UnicodeDecodeError:
        return None
    if not all(c.isprintable() or c.isspace() for c in text):
        return None
    if text[:1] == "<":
        return FileKind("a web page or other markup", AGAIN)
    if text[:1] in ("{", "["):
        try:
            json.loads(text)
        except ValueError:
            if len(head) < 4096:
                return FileKind("text", AGAIN)
        return FileKind("a JSON file", "--json writes results; nets are in the file that --checkpoint names")
    return FileKind("text", AGAIN)
