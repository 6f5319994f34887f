"""Gradient checks: a numerical witness for every hand-written derivative.

`slopes` differentiates the function under test along straight lines (`lines`), with steps that the function's own noise
(`noise`) decides; `witnesses` chooses the method. `verdicts` compares those slopes with the gradient, for any function
(`functions`), one op (`ops`) or a whole net (`networks`). A check that could not have failed does not pass: if all
gradients are zero, are lost in rounding errors, or are taken at a kink, where no derivative exists, the report
(`report`) says so and advises what to do.
"""

from .functions import assert_gradient, check, check_jvp
from .networks import check_network
from .numerical import numerical_gradient
from .ops import check_vjps
from .report import Check, Report

__all__ = [
    "Check", "Report", "assert_gradient", "check", "check_jvp", "check_network", "check_vjps", "numerical_gradient",
]  # fmt: skip
