"""Download MNIST, Fashion-MNIST and the names of makemore into a cache.

Mirrors are tried in order, and every file is checked against its SHA-256. This is the only module that uses the
network, and only on request. Pooch does the work. It is an optional dependency, so it is imported on first use. Pooch
writes to a temporary file and renames it after the checksum has matched, so a file in the cache is always complete.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from textwrap import shorten

from ..errors import DataError


@dataclass(frozen=True)
class Source:
    """Mirrors of a set, and the checksums of its files.

    Attributes
    ----------
    mirrors : tuple of str
        URLs of folders that each hold all files, in the order in which they are tried.
    sha256 : dict of str to str
        Checksum of each file, keyed by file name.
    """

    mirrors: tuple[str, ...]
    sha256: dict[str, str]


SOURCES = {
    "mnist": Source(
        mirrors=(
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
        ),
        sha256={
            "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
            "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
            "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
            "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
        },
    ),
    "fashion-mnist": Source(
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion/",
        ),
        sha256={
            "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
            "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
            "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
            "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
        },
    ),
    "names": Source(
        mirrors=(
            "https://raw.githubusercontent.com/karpathy/makemore/988aa59/",
            "https://raw.githubusercontent.com/karpathy/makemore/master/",
        ),
        sha256={"names.txt": "0a30b5557f192f32ab962680889aac5f6fda0f4cecf40a6d0b5694f58ea8cc4d"},
    ),
}


def download(
    name: str,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Download a set unless it is in the cache already, and return its folder.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist", "names"}
        "names" is the file of `load_dataset("makemore-names")`.
    cache_dir : path, optional
        The files go to the subfolder `name` of this folder, by default `micrograd-tiers` in the user's cache folder.
    mirrors : sequence of str, optional
        URLs of folders to try, in this order, instead of the official mirrors.
    progress : bool
        If True and tqdm is installed, show a progress bar on stderr.

    Returns
    -------
    Path
        Folder with the files of the set, all with matching checksums.

    Raises
    ------
    ValueError
        If `name` is unknown.
    ImportError
        If pooch is not installed.
    DataError
        If a file cannot be downloaded from any mirror, or the folder cannot be written to.
    """
    if name not in SOURCES:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(map(repr, SOURCES))}")
    if find_spec("pooch") is None:
        raise ImportError("downloading needs pooch, which is not installed: pip install 'micrograd-tiers[data]'")
    folder = Path(cache_dir).expanduser() / name if cache_dir is not None else cache_folder(name)
    assert folder is not None  # for mypy: pooch is installed, so there is a cache
    source = SOURCES[name]
    for file, sha256 in source.sha256.items():
        _fetch(name, folder / file, sha256, source.mirrors if mirrors is None else mirrors, progress)
    return folder


def cache_folder(name: str) -> Path | None:
    """Return the default folder of `download`, which may not exist yet; None if pooch is not installed."""
    if find_spec("pooch") is None:
        return None
    import pooch

    return Path(pooch.os_cache("micrograd-tiers")) / name


def _fetch(name: str, path: Path, sha256: str, mirrors: Sequence[str], progress: bool) -> None:
    """Download the file to `path` from the first mirror that has it, unless it is there with this checksum."""
    import pooch

    downloader = pooch.HTTPDownloader(
        progressbar=progress and find_spec("tqdm") is not None, chunk_size=2**16, timeout=30
    )
    reasons = []
    for mirror in mirrors:
        url = f"{mirror.rstrip('/')}/{path.name}"
        try:
            with _quiet(pooch.get_logger()):
                pooch.retrieve(url, f"sha256:{sha256}", path.name, path.parent, downloader=downloader)
            return
        except (OSError, ValueError) as error:  # no network or no such file; wrong checksum
            reasons.append(f"{url}: {shorten(str(error), 200)}")
    raise DataError(
        f"{name}: {path.name} could not be downloaded to {path.parent} ({'; '.join(reasons)}); "
        "try again later, or get the files from another source and name their folder with --data-dir"
    )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Silence the logger below warnings: the progress bar is enough."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
