"""Points of the items that the judge grades, and the file that sets them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path

from ...errors import DataError
from ...tiers import CORE, OPS
from .cases import CASE_OF
from .properties import LEVELS
from .support import FUNCTIONS

ITEMS = (*OPS, *FUNCTIONS, "training")

Worth = float | Mapping[str, float]
Points = Mapping[str, Worth]


def parts_of(name: str) -> tuple[str, ...]:
    """Return the parts of an item: "value" and, for an op, its gradients."""
    return CASE_OF[name].parts if name in CASE_OF else ("value",)


def default_points() -> dict[str, float]:
    """Return one point for each op that nets of dense layers need (`tiers.CORE`), and one for training."""
    return {**dict.fromkeys(CORE, 1.0), "training": 1.0}


def read_points(path: str) -> tuple[Points, str]:
    """Read the points for each item, and the level, from a TOML file.

    A number is for the whole item, all or nothing; a table gives points for its parts, and for a level that all of them
    reach, whatever the level of the grade::

        level = "formulas"
        sigmoid = 2
        training = 3
        [linear]
        value = 1
        dx = 1
        dweight = 2
        dbias = 1
        stable = 1

    Items that are not named are worth nothing and need not be written.

    Parameters
    ----------
    path : str
        File to read.

    Returns
    -------
    points : mapping of str to (float or mapping of str to float)
        Points for each item, as `judge` takes them.
    level : str
        One of `LEVELS`; "all" if the file names none.

    Raises
    ------
    OSError
        If the file cannot be read.
    DataError
        If the file is not TOML, names no item, or has an unknown item, part or level, or invalid points.
    """
    try:
        table = tomllib.loads(Path(path).read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: not a TOML file: {error}") from None
    level = table.pop("level", None)
    table = table.get("points", table)
    level = table.pop("level", level or "all")
    if level not in LEVELS:
        raise DataError(f"{path}: level is {level!r}, expected one of {', '.join(LEVELS)}")
    for name, worth in table.items():
        if name not in ITEMS:
            raise DataError(f"{path}: {name} is not an item, expected some of {', '.join(ITEMS)}")
        keys = (*parts_of(name), *LEVELS)
        for part, n in worth.items() if isinstance(worth, dict) else [(keys[0], worth)]:
            if part not in keys:
                raise DataError(f"{path}: {name} has no part {part}, expected some of {', '.join(keys)}")
            if isinstance(n, bool) or not isinstance(n, int | float) or not 0 <= n < 1e6:
                raise DataError(f"{path}: {name} is worth {n!r}, expected a number of at least 0")
    if not table:
        raise DataError(f"{path}: names no item, expected some of {', '.join(ITEMS)}")
    return dict(table), level
