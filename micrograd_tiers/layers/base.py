"""Base class of all layers: the name of an op, the shapes of its parameters, and the call of the op."""

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
    """Base class of all layers: one step of a network.

    A layer holds no weights and no state, so one layer can be part of many networks, at any tier.

    Attributes
    ----------
    op : str
        Name of the op that the layer calls.
    takes_tokens : bool
        True if samples are token numbers (T,), which have no gradient; such a layer comes first.
    branch : {"", "fork", "join"}
        "fork" and "join" for the two ends of a residual branch, see `residual`.
    """

    op: ClassVar[str]
    takes_tokens: ClassVar[bool] = False
    branch: ClassVar[str] = ""

    @property
    def ops(self) -> tuple[str, ...]:
        """Names of the tier's functions that the layer calls."""
        return (self.op,)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of the parameters by name, in the order in which the op takes them."""
        return {}

    def initial(self, name: str, initializer: Initializer, rng: Any) -> Array:
        """Return the initial values of a parameter: weights are drawn, biases are zero."""
        shape = self.parameter_shapes()[name]
        return filled(shape) if name == "bias" else initializer(shape, rng)

    def buffers(self) -> dict[str, Array]:
        """Return the initial values of the layer's buffers, by name: arrays that the net keeps but does not learn."""
        return {}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Forward pass of one chunk of samples.

        By default, calls the tier's function named by `op`. The package's own layers call it directly, which is faster.

        Parameters
        ----------
        tier : Tier
        x : array of the tier
        *arrays : array of the tier
            The parameters, then the buffers.

        Returns
        -------
        y : array of the tier
        vjps : tuple of function
            Each takes dy, shaped as y. The first returns dL/dx, the others the gradients of the parameters, in order.
        """
        value_and_vjps: tuple[Any, tuple[Vjp, ...]] = getattr(tier, self.op)(x, *arrays)
        return value_and_vjps

    def forward_in_training(
        self, tier: Tier, x: Any, noise: Iterator[Any], *parameters: Any
    ) -> tuple[Any, tuple[Vjp, ...], Any]:
        """Forward pass in training mode; by default the same as `forward`.

        Parameters
        ----------
        tier : Tier
        x : array of the tier
        noise : iterator of array of the tier
            Its next item is the array that `draw` returned for this layer, if the layer draws one.
        *parameters : array of the tier

        Returns
        -------
        y : array of the tier
        vjps : tuple of function
            As in `forward`.
        seen : object
            Statistics that `updated` needs, or None. The forward pass itself changes no state.
        """
        y, vjps = self.forward(tier, x, *parameters)
        return y, vjps, None

    def updated(self, tier: Tier, buffers: dict[str, Any], seen: Any, n: int) -> dict[str, Any]:
        """Return the buffers after a mini-batch with the statistics `seen`, of n numbers per channel."""
        return buffers

    def check_batch(self, n: int) -> None:
        """Raise ValueError if the layer cannot train on n numbers per channel."""

    def kept(self, shape: Shape) -> int:
        """Return how many numbers per sample of the given shape the layer stores for its vjps, besides x and y."""
        return 0

    def products(self, shape: Shape) -> int:
        """Return how many products of an input and a weight the layer sums per sample of the given shape."""
        return 0

    def draw(self, shape: Shape, rng: Any) -> Array | None:
        """Return the random numbers that training on samples of shape (N, ...) needs; None if it needs none."""
        return None

    def shape_in(self) -> Shape | None:
        """Return the shape that samples must have if the layer comes first; None if it takes several."""
        return None

    def longest(self) -> int | None:
        """Return the largest number of positions that a document may have; None if the layer does not limit it."""
        return None

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape of one sample's output, given the shape of its input; None if that is unknown.

        Raises
        ------
        ValueError
            If the layer cannot take an input of this shape.
        """
        return shape


def no_bias(tier: Tier, weight: Any, n: int) -> Any:
    """Return n zeros for an op that takes a bias, in the dtype of the weight."""
    return tier.asarray(filled((n,)), "float32" if "float32" in str(getattr(weight, "dtype", "")) else "float64")


def shape_of_sample(layers: Sequence[Layer]) -> Shape | None:
    """Return the shape that the first layer takes, or that of the longest document; None if it is not determined."""
    if not layers[0].takes_tokens:
        inner = (layer.shape_in() for layer in layers if layer.branch != "fork")
        return next(inner, None)
    limits = [limit for layer in layers if (limit := layer.longest())]
    return (min(limits),) if limits else None


def shapes_along(layers: Sequence[Layer], shape: Shape | None = None) -> list[Shape | None]:
    """Return the shape of one sample, then the shape after each layer of a chain; raises as `Layer.shape_out` does.

    By default the sample has the shape from `shape_of_sample`. An unknown shape is None. Each branch must begin with a
    `Fork`, end with a `Join`, and return the shape that it gets.
    """
    shapes = [shape_of_sample(layers) if shape is None else shape]
    forks: list[tuple[int, Shape | None]] = []  # of the branches around the layer: index of the Fork, and its shape
    for i, layer in enumerate(layers):
        try:
            if layer.takes_tokens and i:
                raise ValueError(f"{layer.op}: expected it first, as it takes token numbers")
            if layer.branch == "join":
                _check_branch(forks, shapes[-1])
            shapes.append(layer.shape_out(shapes[-1]))
        except ValueError as error:
            raise ValueError(f"layer {i}: {error}") from None
        if layer.branch == "fork":
            forks.append((i, shapes[-1]))
    if forks:
        raise ValueError(f"layer {forks[-1][0]}: the branch of this Fork() has no end: put Join() after its last layer")
    return shapes


def _check_branch(forks: list[tuple[int, Shape | None]], end: Shape | None) -> None:
    """Remove the innermost of the open branches; raise ValueError unless there is one, and it ends as it began."""
    if not forks:
        raise ValueError("join: no branch ends here: put Fork() before its first layer")
    i, begin = forks.pop()
    if None not in (begin, end) and begin != end:
        raise ValueError(
            f"join: the branch from layer {i} turns shape {begin} into {end}, expected the same shape, as the two are "
            "added"
        )
