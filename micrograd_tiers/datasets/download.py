"""Downloads of MNIST and Fashion-MNIST: mirrors in order, every file against its SHA-256, kept in a cache.

Only here is the network used, and only when asked for. Pooch does the work (an optional dependency, so it is
imported when a download is wanted): it writes to a temporary file and renames it once the checksum is right, so
whatever lies in the cache under its proper name is whole.
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
    """Where a set can be downloaded from, and what must arrive.

    Attributes
    ----------
    mirrors : tuple of str
        Addresses of folders, each with all the files; the first is tried first.
    sha256 : dict of str to str
        The checksum of each file, keyed by its name.
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
}


def download(
    name: str,
    cache_dir: str | os.PathLike[str] | None = None,
    *,
    mirrors: Sequence[str] | None = None,
    progress: bool = True,
) -> Path:
    """Download a set, unless it is there already, and return the folder that holds it.

    Parameters
    ----------
    name : {"mnist", "fashion-mnist"}
        The set.
    cache_dir : path, optional
        The files go to its sub-folder `name`. By default the user's cache, as the operating system has it.
    mirrors : sequence of str, optional
        Addresses of folders to try, in this order, instead of the official ones.
    progress : bool
        Whether to show a progress bar on stderr; only if tqdm is installed.

    Returns
    -------
    Path
        The folder with the four gzipped files, each of the right checksum.

    Raises
    ------
    ValueError
        If there is no such set.
    ImportError
        If pooch is not installed.
    DataError
        If a file cannot be had from any mirror, or the folder cannot be written to.
    """
    if name not in SOURCES:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(map(repr, SOURCES))}")
    if find_spec("pooch") is None:
        raise ImportError("downloading needs pooch, which is not installed: pip install 'micrograd-tiers[data]'")
    folder = Path(cache_dir).expanduser() / name if cache_dir is not None else cache_folder(name)
    assert folder is not None  # pooch is here, so there is a cache
    source = SOURCES[name]
    for file, sha256 in source.sha256.items():
        _fetch(name, folder / file, sha256, source.mirrors if mirrors is None else mirrors, progress)
    return folder


def cache_folder(name: str) -> Path | None:
    """Return the folder that `download` fills by default, there or not; None where pooch is not installed."""
    if find_spec("pooch") is None:
        return None
    import pooch

    return Path(pooch.os_cache("micrograd-tiers")) / name


def _fetch(name: str, path: Path, sha256: str, mirrors: Sequence[str], progress: bool) -> None:
    """Make sure that the file of this checksum is at `path`, from the first mirror that has it."""
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
        except (OSError, ValueError) as error:  # no network, no such file; what came is not what should have
            reasons.append(f"{url}: {shorten(str(error), 200)}")
    raise DataError(
        f"{name}: {path.name} could not be downloaded to {path.parent} ({'; '.join(reasons)}); "
        "try again later, or get the files elsewhere, put them into a folder and name it with --data-dir"
    )


@contextmanager
def _quiet(logger: logging.Logger) -> Iterator[None]:
    """Keep the logger's everyday messages to itself; the progress bar says enough."""
    level = logger.level
    logger.setLevel(logging.WARNING)
    try:
        yield
    finally:
        logger.setLevel(level)
