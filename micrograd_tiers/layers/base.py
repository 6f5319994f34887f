"""What every layer is: a name of an op, the shapes of its parameters, and how the op is called."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..tiers import Tier, Vjp


@dataclass(frozen=True)
class Layer:
    """One step of a network.

    A layer holds no weights and no state, so the same layer serves in many networks, at every tier.

    Attributes
    ----------
    op : str
        Name of the primitive that the layer calls.
    """

    op: ClassVar[str]

    def parameter_shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters by name, in the order in which the op takes them."""
        return {}

    def forward(self, tier: Tier, x: Any, *parameters: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and the vjps (with respect to x, then to each parameter) of one chunk of samples."""
        value_and_vjps: tuple[Any, tuple[Vjp, ...]] = getattr(tier, self.op)(x, *parameters)
        return value_and_vjps

    def features_out(self, features_in: int | None) -> int | None:
        """Return how many numbers per sample come out when `features_in` go in (None: not known).

        Raises
        ------
        ValueError
            If the layer cannot take that many.
        """
        return features_in
