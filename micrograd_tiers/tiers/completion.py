"""Completion of tiers that are not built in: a default `new_sum`, and sample weights in the losses."""

from typing import Any

from .assembly import BuiltIn
from .registry import ROW_OF
from .sums import sum_with
from .weighting import outside_loss


class Completed:
    """Functions of a tier that is not built in, with sample weights in the losses and a default `new_sum`."""

    def __init__(self, tier: Any, dtype: str = "float64") -> None:
        self._tier, self._dtype = tier, dtype

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle look for such names
            raise AttributeError(name)
        if name == "new_sum" and not hasattr(self._tier, name):
            found: Any = sum_with(self._tier.add_scaled)
        else:
            found = getattr(self._tier, name)
        if name in ROW_OF and ROW_OF[name].is_loss:
            found = outside_loss(found, self._tier, self._dtype)
        setattr(self, name, found)
        return found


def functions_of(tier: Any, dtype: str = "float64") -> Any:
    """Return the functions of a tier as a network of the given dtype calls them: unchecked and complete."""
    return tier.functions if isinstance(tier, BuiltIn) else Completed(tier, dtype)
