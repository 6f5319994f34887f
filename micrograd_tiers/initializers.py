"""Initial weights: each initializer draws one weight array from a NumPy Generator; biases start at zero.

All numbers are drawn here, once, in float64, and then converted for the tier, so every tier starts from the same
weights. In the formulas, I and O are the numbers of inputs and outputs of a layer; for a convolution, the numbers of
input and output channels, each times K * K.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .arguments import check_name, make_number
from .tiers.lists import filled

Shape = tuple[int, ...]
Array = Any  # ndarray, or nested lists of floats
Initializer = Callable[[Shape, Any], Array]  # takes a shape and a generator such as numpy.random.Generator


def _fans(shape: Shape) -> tuple[int, int]:
    """Return (I, O) for weight (O, I), (I K K, O K K) for weight (O, I, K, K)."""
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def standard_normal(shape: Shape, rng: Any) -> Array:
    """Normal distribution with mean 0 and standard deviation 1, whatever I is: wide layers start saturated."""
    return rng.standard_normal(shape)


def uniform(shape: Shape, rng: Any) -> Array:
    """Uniform distribution between -1/sqrt(I) and 1/sqrt(I), as in PyTorch's nn.Linear."""
    limit = 1 / math.sqrt(_fans(shape)[0])
    return rng.uniform(-limit, limit, shape)


def xavier_uniform(shape: Shape, rng: Any) -> Array:
    """Uniform distribution between -sqrt(6 / (I + O)) and sqrt(6 / (I + O)) (Glorot and Bengio 2010, equation 16)."""
    limit = math.sqrt(6 / sum(_fans(shape)))
    return rng.uniform(-limit, limit, shape)


def xavier_normal(shape: Shape, rng: Any) -> Array:
    """Normal distribution with mean 0 and variance 2 / (I + O) (Glorot and Bengio 2010, equation 12)."""
    return rng.standard_normal(shape) * math.sqrt(2 / sum(_fans(shape)))


def kaiming_uniform(shape: Shape, rng: Any) -> Array:
    """Uniform distribution between -sqrt(6 / I) and sqrt(6 / I), with variance 2 / I, for ReLU (He et al. 2015)."""
    limit = math.sqrt(6 / _fans(shape)[0])
    return rng.uniform(-limit, limit, shape)


def kaiming_normal(shape: Shape, rng: Any) -> Array:
    """Normal distribution with mean 0 and variance 2 / I, for ReLU (He et al. 2015, equation 10)."""
    return rng.standard_normal(shape) * math.sqrt(2 / _fans(shape)[0])


def zeros(shape: Shape, rng: Any) -> Array:
    """All zeros: all hidden units of a layer stay equal, which shows why initial weights are random."""
    return filled(shape)


@dataclass(frozen=True)
class Normal:
    """Normal distribution with mean 0 and a standard deviation that you choose, as GPTs use; "normal:0.08" in words.

    Parameters
    ----------
    deviation : float
        At least 0; by default 0.08.
    """

    deviation: float = 0.08

    def __post_init__(self) -> None:
        make_number(self, "deviation", at_least=0)

    def __call__(self, shape: Shape, rng: Any) -> Array:
        """Draw a weight array."""
        return rng.standard_normal(shape) * self.deviation


INITIALIZERS: dict[str, Initializer] = {
    "normal": Normal(),
    "standard_normal": standard_normal,
    "uniform": uniform,
    "xavier": xavier_uniform,
    "xavier_uniform": xavier_uniform,
    "xavier_normal": xavier_normal,
    "kaiming": kaiming_normal,
    "kaiming_uniform": kaiming_uniform,
    "kaiming_normal": kaiming_normal,
    "zeros": zeros,
}


def get_initializer(name: str | Initializer) -> Initializer:
    """Return an initializer by name, such as "xavier" or "normal:0.02"; a function (shape, rng) -> ndarray as it is.

    Raises
    ------
    ValueError
        If the name is unknown, or the deviation after "normal:" is not a number of at least 0.

    References
    ----------
    X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.
    K. He et al., "Delving deep into rectifiers", ICCV 2015, https://arxiv.org/abs/1502.01852
    """
    if callable(name):
        return name
    if isinstance(name, str) and name.startswith("normal:"):
        try:
            return Normal(float(name.removeprefix("normal:")))
        except ValueError:
            raise ValueError(f"init is {name!r}, expected a deviation of at least 0, as in 'normal:0.08'") from None
    check_name("initializer", name, INITIALIZERS)
    return INITIALIZERS[name]
