"""Running sums of a parameter's gradient over the chunks of a mini-batch."""

from collections.abc import Callable
from typing import Any


class Sum:
    """Running sum of gradients; `sum_with` returns the subclass that uses a tier's `add_scaled`."""

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
    """Return the subclass of `Sum` for a tier.

    Parameters
    ----------
    add_scaled : callable
        The tier's support function: adds in place, or returns the sum if arrays cannot be changed.
    """
    return type("Sum", (Sum,), {"add_scaled": staticmethod(add_scaled)})


class OuterProduct:
    """The vjp of a weight at the vector tier: takes dy (O,), returns dL/dweight (O, I) = dy[:, None] * x.

    You can call it like any other vjp. The running sum of the vector tier does not: it reads x and computes the sum
    over many samples as one matrix product (`arrays.SumOfOuterProducts`).
    """

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, dy: Any) -> Any:
        """Return the outer product of dy and x."""
        return dy[:, None] * self.x


outer_with = OuterProduct
