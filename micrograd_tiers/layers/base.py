"""The base of all layers: the name of an op, the shapes of its parameters, and how the op is called."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from ..initializers import Initializer
from ..tiers.lists import filled
from ..tiers.protocol import Tier, Vjp

Array = Any  # ndarray, or nested lists
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

    def initial(self, name: str, initializer: Initializer, rng: Any) -> Array:
        """Return the starting numbers of the parameter of that name: weights are drawn, biases are zero."""
        shape = self.parameter_shapes()[name]
        return filled(shape) if name == "bias" else initializer(shape, rng)

    def buffers(self) -> dict[str, Array]:
        """Return the starting numbers of what the net remembers for the layer and does not learn."""
        return {}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the value and the vjps (with respect to x, then to each parameter) of one chunk of samples.

        By default the function of the tier that `op` names is called. The package's own layers call it by name, faster.

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
        self, tier: Tier, x: Any, noise: Iterator[Any], *parameters: Any
    ) -> tuple[Any, tuple[Vjp, ...], Any]:
        """Forward pass in training; by default the same as `forward`.

        Parameters
        ----------
        tier : Tier
        x : array of the tier
        noise : iterator
            The next is what `draw` has drawn for this layer, if it draws.
        *parameters : array of the tier

        Returns
        -------
        y : array of the tier
        vjps : tuple of function
        seen : object
            What `updated` needs to know, None for nothing. No state changes in a forward pass.
        """
        y, vjps = self.forward(tier, x, *parameters)
        return y, vjps, None

    def updated(self, tier: Tier, buffers: dict[str, Any], seen: Any, n: int) -> dict[str, Any]:
        """Return the buffers after a mini-batch in which `seen` was seen, of n numbers per channel."""
        return buffers

    def check_batch(self, n: int) -> None:
        """Raise a ValueError if the layer cannot train on n numbers per channel."""

    def kept(self, shape: Shape) -> int:
        """Return how many numbers the layer keeps for its derivative besides input and output, for one sample."""
        return 0

    def products(self, shape: Shape) -> int:
        """Return how many products of an input and a weight the layer adds up, for one sample of that shape."""
        return 0

    def draw(self, shape: Shape, rng: Any) -> Array | None:
        """Return the random numbers that the layer needs in training, for samples x of that shape (N, ...)."""
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


def shapes_along(layers: Sequence[Layer], shape: Shape | None = None) -> list[Shape | None]:
    """Return the shape of one sample, and what each layer of a chain makes of it; raises as `shape_out`.

    Where no shape is given, it is what the first layer takes; None stands for what is not known.
    """
    shapes = [layers[0].shape_in() if shape is None else shape]
    for i, layer in enumerate(layers):
        try:
            shapes.append(layer.shape_out(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {i}: {error}") from None
    return shapes
