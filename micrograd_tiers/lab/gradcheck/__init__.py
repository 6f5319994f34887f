"""Gradient checks: a numerical witness for every hand-written derivative.

`slopes` differentiates the function under test along straight lines. `verdicts` compares those slopes with the
gradients from the vjps, for one op (`ops`) or a whole net (`networks`). A check that could not have failed does not
pass: if all gradients are zero, are lost in rounding error, or are taken at a kink, where no derivative exists, the
report (`report`) says so and advises what to do.
"""

from .networks import check_network
from .ops import check_vjps
from .report import Check, Report
from .slopes import numerical_gradient

__all__ = ["Check", "Report", "check_network", "check_vjps", "numerical_gradient"]
