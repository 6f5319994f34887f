"""Completion of tiers that are not built in: a default `new_sum`, and sample weights in the losses."""

from collections.abc import Callable
from typing import Any

from .assembly import BuiltIn
from .registry import ROW_OF
from .sums import Sum, sum_with
from .weighting import outside_loss


class Completed:
    """Functions of a tier that is not built in, with sample weights in the losses and a default `new_sum`."""

    def __init__(self, tier: Any, dtype: str = "float64") -> None:
        self._tier, self._dtype = tier, dtype

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle look for such names
            raise AttributeError(name)
        if name == "new_sum" and hasattr(self._tier, name):
            found: Any = lambda: OwnSum(self._tier.new_sum(), self._tier.add_scaled)
        elif name == "new_sum":
            found = sum_with(self._tier.add_scaled)
        else:
            found = getattr(self._tier, name)
        if name in ROW_OF and ROW_OF[name].is_loss:
            found = outside_loss(found, self._tier, self._dtype)
        setattr(self, name, found)
        return found


class OwnSum(Sum):
    """Running sum of a tier that has a `new_sum` of its own, whose sums need only `add` and `value()`."""

    def __init__(self, inner: Any, add_scaled: Callable[..., Any]) -> None:
        self.inner, self.add_scaled = inner, add_scaled

    def add(self, vjp: Callable[[Any], Any], dy: Any) -> None:
        """Add vjp(dy)."""
        self.inner.add(vjp, dy)

    def value(self, target: Any = None) -> Any:
        """Return the sum, or target plus the sum."""
        self.total = self.inner.value()
        return super().value(target)


def functions_of(tier: Any, dtype: str = "float64") -> Any:
    """Return the functions of a tier as a network of the given dtype calls them: unchecked and complete."""
    return tier.functions if isinstance(tier, BuiltIn) else Completed(tier, dtype)
