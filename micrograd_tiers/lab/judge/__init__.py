"""The judge of tiers: it tests every op, finds the smallest example on which one fails, and names the likely bug.

`judge("my_tier.py")` returns a `Verdict`, and `report.text` turns it into a report. Each op has a row in
`tiers.registry`. Under the same name, `formulas` holds its correct value and gradients, and `cases` the examples on
which it is tested.
"""

from .cases import OP_CASES, OpCase
from .examples import Example
from .points import read_points
from .properties import Finding
from .search import Search, judge_op
from .verdict import Item, Verdict, judge

__all__ = ["OP_CASES", "Example", "Finding", "Item", "OpCase", "Search", "Verdict", "judge", "judge_op", "read_points"]
