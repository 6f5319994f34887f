"""The published sets of images of 28 x 28 pixels in IDX files: MNIST and the sets made in its form.

MNIST: Y. LeCun, L. Bottou, Y. Bengio and P. Haffner, "Gradient-based learning applied to document recognition",
Proceedings of the IEEE 86(11), 1998. Fashion-MNIST: H. Xiao, K. Rasul and R. Vollgraf, arXiv:1708.07747, 2017. KMNIST:
T. Clanuwat et al., arXiv:1812.01718, 2018. QMNIST: C. Yadav and L. Bottou, arXiv:1905.10498, 2019. EMNIST: G. Cohen,
S. Afshar, J. Tapson and A. van Schaik, arXiv:1702.05373, 2017.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits

SPLITS = ("train", "test")
INNER = {"raw", "gzip", "data"}  # folders that say nothing about the set in them


@dataclass(frozen=True)
class Published:
    """Description of a published set.

    Attributes
    ----------
    class_names : tuple of str
    folders : tuple of str
        Names of folders that hold this set, as `plain` returns them.
    files : tuple of (str, str)
        Names of the files of images and of labels, for each of `SPLITS`.
    first_label : int
        Number of the first class in the files.
    label_columns : int
        Numbers per label, 32 bits each, of which the first is the class; 0 if a label is one byte.
    transposed : bool
        True if the files store each image column by column.
    label_crcs : tuple of int
        CRC-32 of the labels of each split, if known: sets with files of the same names can be told apart by them.
    """

    class_names: tuple[str, ...]
    folders: tuple[str, ...]
    files: tuple[tuple[str, str], ...]
    first_label: int = 0
    label_columns: int = 0
    transposed: bool = False
    label_crcs: tuple[int, ...] = ()


DIGITS = tuple(digits)
CLOTHES = (
    *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
    *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
)
KANA = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
MNIST_FILES = (
    ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
)
QMNIST_FILES = tuple((f"qmnist-{split}-images-idx3-ubyte", f"qmnist-{split}-labels-idx2-int") for split in SPLITS)


def _emnist(part: str, class_names: tuple[str, ...], first_label: int = 0) -> Published:
    files = tuple(
        (f"emnist-{part}-{split}-images-idx3-ubyte", f"emnist-{part}-{split}-labels-idx1-ubyte") for split in SPLITS
    )
    return Published(class_names, ("emnist", f"emnist{part}"), files, first_label=first_label, transposed=True)


MERGED = (*digits, *ascii_uppercase, *"abdefghnqrt")  # other small letters look like their capitals
SETS = {
    "mnist": Published(DIGITS, ("mnist",), MNIST_FILES, label_crcs=(0xBA07E8EF, 0xEE8604D9)),
    "fashion-mnist": Published(CLOTHES, ("fashionmnist", "fashion"), MNIST_FILES, label_crcs=(0x2ED6E46A, 0x242BC73F)),
    "kmnist": Published(KANA, ("kmnist", "kuzushijimnist"), MNIST_FILES),
    "qmnist": Published(DIGITS, ("qmnist",), QMNIST_FILES, label_columns=8),
    "emnist-balanced": _emnist("balanced", MERGED),
    "emnist-byclass": _emnist("byclass", (*digits, *ascii_uppercase, *ascii_lowercase)),
    "emnist-bymerge": _emnist("bymerge", MERGED),
    "emnist-digits": _emnist("digits", DIGITS),
    "emnist-letters": _emnist("letters", tuple(ascii_lowercase), first_label=1),
    "emnist-mnist": _emnist("mnist", DIGITS),
}


def plain(name: str) -> str:
    """Return a name in lower case, without all but letters: "fashionmnist" for "Fashion-MNIST"."""
    return re.sub("[^a-z]", "", name.lower())


def belongs_to_another(folder: Path, name: str) -> bool:
    """Return True if the name of a folder, or of the one around a "raw", is that of a set other than `name`."""
    inner = [part for part in map(plain, folder.parts[-3:]) if part not in INNER]
    if not inner:
        return False
    owners = {other for other, of_other in SETS.items() if inner[-1] in of_other.folders}
    return bool(owners) and name not in owners


def set_with_labels(crc: int, split: str) -> str | None:
    """Return the name of the set whose labels have this CRC-32 in a split; None if it is of no known set."""
    for name, known in SETS.items():
        if known.label_crcs and known.label_crcs[SPLITS.index(split)] == crc:
            return name
    return None
