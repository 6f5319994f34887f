"""Text files with one document per line, among them the names of makemore.

The names are those of A. Karpathy's makemore, https://github.com/karpathy/makemore (MIT license): 32,033 first names.
"""

from __future__ import annotations

import os
from pathlib import Path

from ..arguments import shown, whole_number
from ..errors import DataError
from ..rng import generator
from ..tokenizer import Tokenizer
from .documents import Documents, as_documents
from .download import cache_folder
from .download import download as fetch
from .mnist import DATA_VARIABLE, StrPath


def find_makemore_names(data_dir: StrPath | None = None) -> Path | None:
    """Return the file from which `load_dataset` would load the names of makemore; None if there is none.

    Parameters
    ----------
    data_dir : path, optional
        Folder with the file, or with a folder `names` that holds it. By default the folder that the environment
        variable MICROGRAD_TIERS_DATA names, then the download cache.
    """
    return next((path for path in _places(data_dir) if os.path.isfile(path)), None)


def load_makemore_names(
    data_dir: StrPath | None, n_train: int | None, n_test: int | None, seed: int, *, download: bool, test_only: bool
) -> Documents:
    """Return the names of makemore; arguments as in `load_dataset`."""
    path = find_makemore_names(data_dir)
    if path is None and download and data_dir is None:
        path = fetch("names") / "names.txt"
    if path is None:
        places = " or ".join(map(str, _places(data_dir))) or "any folder (none is given)"
        raise DataError(
            f"makemore-names: did not find {places}; name the folder with --data-dir or {DATA_VARIABLE}, or run "
            "`micrograd-tiers data download names`; the data set names needs no file"
        )
    return _split("makemore-names", path, n_train, n_test, seed, test_only=test_only)


def load_text(
    path: StrPath,
    *,
    n_train: int | None = None,
    n_test: int | None = None,
    length: int | None = None,
    seed: int = 0,
    test_only: bool = False,
) -> Documents:
    """Load a text file with one document per line.

    White space around a document is removed, and empty lines are left out. The documents are shuffled, and the last
    ones become the test part. A line that occurs twice may be in both parts.

    Parameters
    ----------
    path : path
        A file in UTF-8.
    n_train, n_test : int, optional
        Number of documents to take for each part. By default a tenth of all documents is for the test, at least one,
        and all others are for the training.
    length : int, optional
        Largest number of positions of X and y; longer documents are cut off at their end, as in `Tokenizer.encode`.
    seed : int
        Random seed of the order.
    test_only : bool
        If True, leave the training part empty.

    Returns
    -------
    Documents
        Its tokenizer has all characters of the file.

    Raises
    ------
    DataError
        If the file is not a text in UTF-8, or has fewer than two documents.
    FileNotFoundError
        If there is no such file.
    ValueError
        If an argument is out of its range.

    Examples
    --------
    >>> data = mt.load_text("poems.txt", length=64)  # doctest: +SKIP
    >>> net = mt.gpt(data.tokenizer.n_tokens, length=64)  # doctest: +SKIP
    """
    if not isinstance(path, str | os.PathLike):
        raise ValueError(f"path is {shown(path)}, expected the name of a file")
    file = Path(path).expanduser()
    return _split(file.name, file, n_train, n_test, seed, length=length, test_only=test_only)


def _split(
    name: str,
    path: Path,
    n_train: int | None,
    n_test: int | None,
    seed: int,
    *,
    length: int | None = None,
    test_only: bool,
) -> Documents:
    """Return the documents of a file in random order, divided into a training part and a test part."""
    documents = _lines(path)
    n = len(documents)
    n_test = whole_number("n_test", max(1, n // 10) if n_test is None else n_test)
    if n_test >= n:
        raise ValueError(f"n_test is {n_test}, expected at most {n - 1}: {path} has {n} documents")
    n_train = whole_number("n_train", n - n_test if n_train is None else n_train)
    if n_train > n - n_test:
        raise ValueError(f"n_train is {n_train}, expected at most {n - n_test}: {path} has {n} documents")
    shuffled = [documents[i] for i in generator(seed).permutation(n)]
    train, test = [] if test_only else shuffled[:n_train], shuffled[-n_test:]
    return as_documents(name, train, test, Tokenizer.fit(documents), f"file {path}, seed {seed}", length=length)


def _lines(path: Path) -> list[str]:
    """Return the lines of a text file that are not empty, at least two, without the white space around them."""
    if path.is_dir():
        raise DataError(f"{path}: this is a folder, expected a text file with one document per line")
    try:
        with open(path, encoding="utf-8-sig") as file:
            documents = [line.strip() for line in file if line.strip()]
    except FileNotFoundError:
        raise FileNotFoundError(f"{path}: there is no such file") from None
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: not a text in UTF-8 ({error.reason} at byte {error.start:,}); if it is a text, save it as UTF-8"
        ) from None
    if len(documents) < 2:
        found = f"{len(documents)} document{'s' * (not documents)}"
        raise DataError(f"{path}: holds {found}, expected at least 2, one per line: for training and test")
    return documents


def _places(data_dir: StrPath | None) -> list[Path]:
    """Return the paths at which the names of makemore may be, in the order of the search."""
    folders = []
    if root := data_dir if data_dir is not None else os.environ.get(DATA_VARIABLE):
        root = Path(root).expanduser()
        folders = [root / "names", root]
    if data_dir is None and (cache := cache_folder("names")):
        folders.append(cache)
    return [folder / "names.txt" for folder in folders]
