"""Running sums of a parameter's gradient over the chunks of a mini-batch."""

from collections.abc import Callable
from typing import Any


class Product:
    """The vjp of a weight, dL/dweight (O, I): a product of dy and x.

    You can call it like any other vjp. A running sum reads x instead, and computes the products of all chunks when its
    value is asked for. It can add them straight to the weight, so that the gradient takes up no memory.
    """

    def __init__(self, x: Any) -> None:
        self.x = x

    def __call__(self, dy: Any) -> Any:
        """Return dL/dweight."""
        raise NotImplementedError


class OuterRows(Product):
    """The vjp of a weight at the scalar tier: takes a list dy (O,), returns dL/dweight (O, I) as nested lists."""

    def __call__(self, dy: Any) -> Any:
        """Return dyo * xi for each o and i."""
        return [[dyo * xi for xi in self.x] for dyo in dy]


class OuterProduct(Product):
    """The vjp of a weight at the vector tier: takes dy (O,), returns dL/dweight (O, I) = dy[:, None] * x."""

    def __call__(self, dy: Any) -> Any:
        """Return the outer product of dy and x."""
        return dy[:, None] * self.x


class MatrixProduct(Product):
    """The vjp of a weight at the tensor tier: takes dy (N, O), returns dL/dweight (O, I) = dy.T x."""

    def __call__(self, dy: Any) -> Any:
        """Return dy.T x."""
        return dy.T.dot(self.x)


outer_rows_with, outer_with, product_with = OuterRows, OuterProduct, MatrixProduct


class Sum:
    """Running sum of gradients; `sum_with` returns the subclass that uses a tier's functions."""

    reads_products = False
    total: Any = None
    dys: list[Any] | None = None  # of the products that are not computed yet
    xs: list[Any]
    # Changes its target and returns None, or returns the sum.
    add_scaled: Callable[[Any, Any, float], Any]
    sum_of_products: Callable[[list[Any], list[Any]], Any]
    add_products: Callable[[Any, list[Any], list[Any]], None]

    def add(self, vjp: Callable[[Any], Any], dy: Any) -> None:
        """Add vjp(dy)."""
        if not (self.reads_products and isinstance(vjp, Product)):
            self.total = (
                vjp(dy) if self.total is None else self.added(self.total, vjp(dy))
            )
        elif self.dys is None:
            self.dys, self.xs = [dy], [vjp.x]
        else:
            self.dys.append(dy)
            self.xs.append(vjp.x)

    def value(self, target: Any = None) -> Any:
        """Return the sum, or target plus the sum, which may change target."""
        if self.dys is None:
            return self.total if target is None else self.added(target, self.total)
        if target is None:
            products = self.sum_of_products(self.dys, self.xs)
            return products if self.total is None else self.added(products, self.total)
        if self.total is not None:
            target = self.added(target, self.total)
        self.add_products(target, self.dys, self.xs)
        return target

    def added(self, target: Any, gradient: Any) -> Any:
        """Return target + gradient, in place where arrays can be changed."""
        added = self.add_scaled(target, gradient, 1.0)
        return target if added is None else added


def sum_with(
    add_scaled: Callable[[Any, Any, float], Any], **products: Callable[..., Any]
) -> type[Sum]:
    """Return the subclass of `Sum` for a tier.

    Parameters
    ----------
    add_scaled : callable
        The tier's support function: adds in place, or returns the sum if arrays cannot be changed.
    **products : callable
        `sum_of_products` and `add_products`, as in `lists.py` and `arrays.py`. Without them, a `Product` is called like
        any other vjp.
    """
    functions = {"add_scaled": add_scaled, **products}
    own = {name: staticmethod(function) for name, function in functions.items()}
    return type("Sum", (Sum,), {"reads_products": bool(products), **own})
