"""Running sums of a parameter's gradient over the chunks of a mini-batch."""

from collections.abc import Callable
from typing import Any


class Sum:
    """Running sum of gradients; `sum_with` returns the subclass that uses a tier's `add_scaled`."""

    total: Any = None
    # Changes its target and returns None, or returns the sum.
    add_scaled: Callable[[Any, Any, float], Any]

    def add(self, vjp: Callable[[Any], Any], dy: Any) -> None:
        """Add vjp(dy)."""
        self.total = vjp(dy) if self.total is None else self.added(self.total, vjp(dy))

    def value(self, target: Any = None) -> Any:
        """Return the sum, or target plus the sum, which may change target."""
        return self.total if target is None else self.added(target, self.total)

    def added(self, target: Any, gradient: Any) -> Any:
        """Return target + gradient, in place where arrays can be changed."""
        added = self.add_scaled(target, gradient, 1.0)
        return target if added is None else added


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
    over many samples as one matrix product (`arrays.SumOfProducts`).
    """

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, dy: Any) -> Any:
        """Return the outer product of dy and x."""
        return dy[:, None] * self.x


class MatrixProduct:
    """The vjp of a weight at the tensor tier: takes dy (N, O), returns dL/dweight (O, I) = dy.T x.

    You can call it like any other vjp. The running sum reads x instead, and can add the product straight to the weight.
    """

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, dy: Any) -> Any:
        """Return dy.T x."""
        return dy.T.dot(self.x)


outer_with, product_with = OuterProduct, MatrixProduct
