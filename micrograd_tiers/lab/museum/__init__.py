"""The bug museum: real bugs of backpropagation, training, autograd engines and data code, each small and executable.

Many of them train silently: the loss goes down, the accuracy looks right. They teach what to look for, they give
the judge the names it calls a wrong tier by, and they are the mutation test of this package's own tests.
"""

import difflib

from .bug import Bug, planted
from .data import DATA_BUGS
from .engine import ENGINE_BUGS
from .network import NETWORK_BUGS
from .tiers import TIER_BUGS
from .training import TRAINING_BUGS

BUGS = {
    bug.name: bug for bug in (*TIER_BUGS, *NETWORK_BUGS, *TRAINING_BUGS, *ENGINE_BUGS, *DATA_BUGS)
}  # by name, in the order in which they are shown

__all__ = ["BUGS", "Bug", "get_bug", "planted"]


def get_bug(name: str) -> Bug:
    """Return the bug of that name.

    Raises
    ------
    ValueError
        If there is none.
    """
    if name not in BUGS:
        near = " or ".join(difflib.get_close_matches(name, BUGS))
        guess = f"did you mean {near}? " if near else ""
        raise ValueError(f"unknown bug {name!r}: {guess}`micrograd-tiers bugs` lists those there are")
    return BUGS[name]
