"""The bug museum: real bugs of backpropagation, training, engines, data and text, each small and executable.

Many of them raise no error: the loss falls and the accuracy looks right. They show what to look for, they provide the
likely bugs that the judge names, and they are the mutation test of this package's own tests.
"""

import difflib

from .bug import Bug, planted
from .data import DATA_BUGS
from .engine import ENGINE_BUGS
from .network import NETWORK_BUGS
from .text import TEXT_BUGS
from .tiers import TIER_BUGS
from .training import TRAINING_BUGS

BUGS = {
    bug.name: bug for bug in (*TIER_BUGS, *NETWORK_BUGS, *TRAINING_BUGS, *ENGINE_BUGS, *DATA_BUGS, *TEXT_BUGS)
}  # by name, in the order of display

__all__ = ["BUGS", "Bug", "get_bug", "planted"]


def get_bug(name: str) -> Bug:
    """Return the bug with this name.

    Raises
    ------
    ValueError
        If there is no such bug. The message suggests similar names.
    """
    if name not in BUGS:
        near = " or ".join(difflib.get_close_matches(name, BUGS))
        guess = f"did you mean {near}? " if near else ""
        raise ValueError(f"unknown bug {name!r}: {guess}`micrograd-tiers bugs` lists all names")
    return BUGS[name]
