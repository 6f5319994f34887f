"""Layers of nets that read documents, which are sequences of tokens: (T,) token numbers, then (T, C) numbers."""

from dataclasses import dataclass
from typing import Any, ClassVar

from ..arguments import make_number, make_whole
from ..initializers import Initializer
from ..tiers.lists import filled
from ..tiers.protocol import Tier, Vjp
from .base import Array, Layer, Shape


def _features(op: str, shape: Shape | None, expected: int | None = None) -> tuple[int, int] | None:
    """Return (T, C), or None for an unknown shape; raise ValueError unless it is that of a document."""
    if shape is None:
        return None
    if len(shape) != 2:
        raise ValueError(f"{op}: x has shape {shape}, expected a document (T, C): put Embedding(...) before it")
    if expected not in (None, shape[1]):
        raise ValueError(f"{op}: x has {shape[1]} features at each position, expected {expected}")
    return shape[0], shape[1]


@dataclass(frozen=True)
class Embedding(Layer):
    """Table with a row of numbers for each token: (T,) token numbers become (T, C). It is the first layer of its net.

    Samples are documents of T tokens, from 0 to V - 1. In a mini-batch, shorter documents end with -1, which becomes a
    row of zeros.

    Parameters
    ----------
    n_tokens, features : int
        V and C, at least 1. The weight is (V, C).
    """

    op: ClassVar[str] = "embedding"
    takes_tokens: ClassVar[bool] = True
    n_tokens: int
    features: int

    def __post_init__(self) -> None:
        make_whole(self, "n_tokens", 1)
        make_whole(self, "features", 1)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shape of the weight, (V, C)."""
        return {"weight": (self.n_tokens, self.features)}

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return the rows y and two functions: the vjp from dy to dL/dweight, after one that raises TypeError for x."""
        y, (dweight,) = tier.embedding(x, *arrays)
        return y, (_no_gradient, dweight)

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (T, C); raise ValueError unless the sample is (T,)."""
        if shape is not None and len(shape) != 1:
            raise ValueError(f"embedding: a sample has shape {shape}, expected token numbers (T,): make it first")
        return shape and (*shape, self.features)


def _no_gradient(dy: Any) -> Any:
    raise TypeError("embedding: token numbers have no gradient")


@dataclass(frozen=True)
class Position(Layer):
    """Table with a row for each position, added to the document: y[t] = x[t] + weight[t].

    Parameters
    ----------
    length, features : int
        Largest number of positions, and C; at least 1. The weight is (length, C).
    """

    op: ClassVar[str] = "add_position"
    length: int
    features: int

    def __post_init__(self) -> None:
        make_whole(self, "length", 1)
        make_whole(self, "features", 1)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shape of the weight, (length, C)."""
        return {"weight": (self.length, self.features)}

    def longest(self) -> int:
        """Return the largest number of positions."""
        return self.length

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape; raise ValueError if the document is too long or has another number of features."""
        known = _features(self.op, shape, self.features)
        if known and known[0] > self.length:
            raise ValueError(
                f"add_position: a document has {known[0]} positions, expected at most {self.length}: shorten it, or "
                f"build the net for longer ones"
            )
        return known


@dataclass(frozen=True)
class RMSNorm(Layer):
    """Division of each position's numbers by their root mean square: y[t] = x[t] / sqrt(mean of x[t]**2 + epsilon).

    Parameters
    ----------
    epsilon : float
        Above 0.

    References
    ----------
    B. Zhang and R. Sennrich, "Root mean square layer normalization", NeurIPS 2019, https://arxiv.org/abs/1910.07467;
    here without its weight.
    """

    op: ClassVar[str] = "rms_norm"
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        make_number(self, "epsilon", above=0)

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y and its vjp, from dy to dL/dx."""
        return tier.rms_norm(x, self.epsilon)

    def kept(self, shape: Shape) -> int:
        """Return T: the root at each position."""
        return shape[0]

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape; raise ValueError unless it is that of a document."""
        return _features(self.op, shape)


@dataclass(frozen=True)
class LayerNorm(Layer):
    """Layer normalization: each position's numbers get mean 0 and variance 1, then a weight and a bias.

    Parameters
    ----------
    features : int
        C, at least 1. Weight and bias are (C,).
    epsilon : float
        Added to the variance, above 0.

    References
    ----------
    J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", 2016, https://arxiv.org/abs/1607.06450
    """

    op: ClassVar[str] = "layer_norm"
    features: int
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        make_whole(self, "features", 1)
        make_number(self, "epsilon", above=0)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shapes of weight and bias, both (C,)."""
        return {"weight": (self.features,), "bias": (self.features,)}

    def initial(self, name: str, initializer: Initializer, rng: Any) -> Array:
        """Return ones for the weight, zeros for the bias."""
        return filled((self.features,), float(name == "weight"))

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y and its vjps, from dy to dL/dx, dL/dweight and dL/dbias."""
        weight, bias = arrays
        return tier.layer_norm(x, weight, bias, self.epsilon)

    def kept(self, shape: Shape) -> int:
        """Return T C + T: the normalized numbers, and the root at each position."""
        return shape[0] * (self.features + 1)

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return the shape; raise ValueError unless it is that of a document with C features."""
        return _features(self.op, shape, self.features)


@dataclass(frozen=True)
class Attention(Layer):
    """Causal self-attention: each position gets a weighted mean of the values of its own and all earlier positions.

    The input holds query, key and value of each position side by side, (T, 3 C), as from ``Project(C, 3 * C)``. The
    output is (T, C). The layer has no parameters.

    Parameters
    ----------
    heads : int
        Number of parts, at least 1, into which the C numbers of query, key and value are cut; it divides C.

    References
    ----------
    A. Vaswani et al., "Attention is all you need", NeurIPS 2017, https://arxiv.org/abs/1706.03762, section 3.2
    """

    op: ClassVar[str] = "attention"
    heads: int = 1

    def __post_init__(self) -> None:
        make_whole(self, "heads", 1)

    def forward(self, tier: Tier, x: Any, *arrays: Any) -> tuple[Any, tuple[Vjp, ...]]:
        """Return y and its vjp, from dy to dL/dx."""
        return tier.attention(x, self.heads)

    def kept(self, shape: Shape) -> int:
        """Return heads T T: the weights of the means."""
        return self.heads * shape[0] ** 2

    def products(self, shape: Shape) -> int:
        """Return how many products the scores and the means sum: 2 C for each pair of positions s <= t."""
        T, width = shape
        return T * (T + 1) * width // 3

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (T, C); raise ValueError unless the input is (T, 3 C) and the heads divide C."""
        known = _features(self.op, shape)
        if known is None:
            return None
        T, width = known
        if width % (3 * self.heads):
            raise ValueError(
                f"attention: x has {width} features, expected query, key and value of equal size side by side, each "
                f"divisible by {self.heads} heads: put Project(C, 3 * C) before it, with C a multiple of {self.heads}"
            )
        return T, width // 3


@dataclass(frozen=True)
class Project(Layer):
    """Linear map without a bias, at each position of a document: y[t] = weight x[t].

    Parameters
    ----------
    in_features, out_features : int
        I and O, at least 1. The weight is (O, I).
    """

    op: ClassVar[str] = "project"
    in_features: int
    out_features: int

    def __post_init__(self) -> None:
        make_whole(self, "in_features", 1)
        make_whole(self, "out_features", 1)

    def parameter_shapes(self) -> dict[str, Shape]:
        """Return the shape of the weight, (O, I)."""
        return {"weight": (self.out_features, self.in_features)}

    def products(self, shape: Shape) -> int:
        """Return T I O: one product per position and weight."""
        return shape[0] * self.in_features * self.out_features

    def shape_out(self, shape: Shape | None) -> Shape | None:
        """Return (T, O); raise ValueError unless the input is (T, I)."""
        known = _features(self.op, shape, self.in_features)
        return known and (known[0], self.out_features)
