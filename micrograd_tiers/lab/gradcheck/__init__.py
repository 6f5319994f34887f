"""Gradient checks: a numerical witness for every derivative that was written by hand.

The functions under test are looked at along straight lines, and their slopes there (`slopes`) are held against what the
vjps say (`verdicts`), of one op (`ops`) or of a whole net (`networks`). A check that would have passed whatever the
gradient is does not count as passed: where all is zero, where the numbers drown in rounding, or at a kink, where there
is no derivative, the report (`report`) says so and says what to do.
"""

from .networks import check_network
from .ops import check_vjps
from .report import Check, Report
from .slopes import numerical_gradient

__all__ = ["Check", "Report", "check_network", "check_vjps", "numerical_gradient"]
