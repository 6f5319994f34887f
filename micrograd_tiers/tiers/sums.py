"""The running sum of one parameter's gradients over the chunks of a mini-batch."""

from collections.abc import Callable
from typing import Any


class Sum:
    """Sum of gradients, added up as they come. `sum_with` makes the class of a tier, with its `add_scaled`."""

    total: Any = None
    add_scaled: Callable[[Any, Any, float], Any]

    def add(self, vjp: Callable[[Any], Any], dy: Any) -> None:
        """Add vjp(dy)."""
        if self.total is None:
            self.total = vjp(dy)
        else:
            added = self.add_scaled(self.total, vjp(dy), 1.0)
            self.total = self.total if added is None else added

    def value(self) -> Any:
        """Return the sum."""
        return self.total


def sum_with(add_scaled: Callable[[Any, Any, float], Any]) -> type[Sum]:
    """Return the class of sums of a tier.

    Parameters
    ----------
    add_scaled : callable
        The tier's function of that name: adds in place, or returns the sum where arrays cannot be changed.
    """
    return type("Sum", (Sum,), {"add_scaled": staticmethod(add_scaled)})


class OuterProduct:
    """The vjp of a weight at the vector tier: from dy (O,) to dL/dweight (O, I), dy[:, None] * x.

    It can be called like any other vjp. The sum of the vector tier does not: it knows x, and so can multiply out the
    products of many samples as one (`arrays.SumOfOuterProducts`).
    """

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, dy: Any) -> Any:
        """Return the outer product of dy and x."""
        return dy[:, None] * self.x


outer_with = OuterProduct
