"""What every layer is: a name of an op, the shapes of its parameters, and how the op is called."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ..initializers import Initializer
from ..tiers import Tier, Vjp

Array = NDArray[Any]
Shape = tuple[int, ...]  # of one sample: (I,), or (C, H, W) of an image


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

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the functions of the tier that the layer calls."""
        return (self.op,)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of the parameters by name, in the order in which the op takes them."""
        return {}

    def initial(self, name: str, initializer: Initializer, rng: np.random.Generator) -> Array:
        """Return what the parameter of that name starts from: weights are drawn, biases start at zero."""
        shape = self.parameter_shapes()[name]
        return np.zeros(shape) if name == "bias" else initializer(shape, rng)

    def buffers(self) -> dict[str, Array]:
        """Return what the net is to remember for the layer and does not learn, as it starts."""
        return {}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and the vjps (with respect to x, then to each parameter) of one chunk of samples.

        Parameters
        ----------
        tier : Tier
        x : array of the tier
        *arrays : array of the tier
            The parameters, then the buffers.
        """
        value_and_vjps: tuple[Any, tuple[Vjp, ...]] = getattr(tier, self.op)(x, *arrays)
        return value_and_vjps

    def forward_in_training(
        self, tier: Tier, x: Any, mask: Any, buffers: dict[str, Any], *parameters: Any
    ) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the same as the layer is while it learns, which most are always.

        Parameters
        ----------
        tier : Tier
        x : array of the tier
        mask : array of the tier or None
            What `draw` has drawn.
        buffers : dict
            What the layer may change, in place; empty where it is to remember nothing.
        *parameters : array of the tier
        """
        return self.forward(tier, x, *parameters)

    def kept(self, shape: Shape) -> int:
        """Return how many numbers the layer keeps for its derivative besides input and output, for one sample."""
        return 0

    def products(self, shape: Shape) -> int:
        """Return how many products of an input and a weight the layer adds up, for one sample of that shape."""
        return 0

    def draw(self, shape: Shape, rng: np.random.Generator) -> Array | None:
        """Return numbers that the layer needs at random in training, for samples x of that shape (N, ...)."""
        return None

    def shape_in(self) -> Shape | None:
        """Return the shape that samples must have if the layer is the first; None if there are several."""
        return None

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape of a sample that comes out when one of that shape goes in (None: not known).

        Raises
        ------
        ValueError
            If the layer cannot take it.
        """
        return shape
