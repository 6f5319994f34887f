"""The judge of anybody's tier: what every op must be, the smallest example on which one is not, and the likely bug.

`judge("my_tier.py")` returns a `Verdict`; `report.text` words it. Each op has its row in `tiers.registry`; under the
same name stand what it must agree with (`formulas`) and the examples on which it must (`cases`).
"""

from .cases import OP_CASES, OpCase
from .examples import Example
from .properties import Finding
from .search import Search, judge_op
from .verdict import Item, Verdict, judge, read_points

__all__ = ["OP_CASES", "Example", "Finding", "Item", "OpCase", "Search", "Verdict", "judge", "judge_op", "read_points"]
