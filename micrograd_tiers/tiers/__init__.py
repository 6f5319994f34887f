"""The tiers: what a tier is (the `Tier` protocol), and how to get one by name, from a file or from a package.

A tier is anything that has these functions: a module, as the three built-in ones, or any other object. Layers, network
and optimizers are written once, on top of them.
"""

import importlib
import importlib.util
import sys
import traceback
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, Protocol, cast

from . import registry

Array = Any  # whatever the tier computes with
Vjp = Callable[[Any], Array]

TIERS = ("scalar", "vector", "tensor")
EXACT = "_exact"  # ends the module names of exact tiers
FROM_FILE = "tier_from_file."  # begins the module names of tiers that come from files


class Tier(Protocol):
    """What one tier must offer (PEP 544).

    The primitives return their value and a tuple of vjps, one per differentiable input in signature order. A vjp
    returns fresh storage and changes none of its inputs. One that sums over samples faster than they can be added one
    by one may also have `later(dy)`: a promise, to which others are added with +=, and whose `now()` is the array; see
    `vector.OuterProduct`. The loss primitives return the sum over the samples that they
    are given, so that single samples and whole batches go through the same lines.
    """

    def linear(self, x: Array, weight: Array, bias: Array) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Affine map: y = x weight' + bias.

        Parameters
        ----------
        x : array, shape (I,) for one sample, (N, I) for a mini-batch
        weight : array, shape (O, I)
        bias : array, shape (O,)

        Returns
        -------
        y : array, shape (O,) or (N, O)
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, shaped as those.

        Raises
        ------
        ValueError
            If x has another number of features than weight.
        """

    def sigmoid(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """1 / (1 + exp(-x)) of each number: from 0 to 1, to full relative accuracy in both tails."""

    def tanh(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """Hyperbolic tangent of each number: from -1 to 1."""

    def relu(self, x: Array) -> tuple[Array, tuple[Vjp]]:
        """max(x, 0) of each number, with derivative 0 at 0; NaN stays NaN."""

    def elu(self, x: Array, alpha: float = 1.0) -> tuple[Array, tuple[Vjp]]:
        """x where x > 0, alpha (exp(x) - 1) elsewhere, of each number; its derivative at 0 is alpha."""

    def softmax(self, logits: Array) -> tuple[Array, tuple[Vjp]]:
        """Probabilities of the C classes, shaped as the logits, (C,) or (N, C): from 0 to 1, adding up to 1 per row."""

    def conv2d(
        self, x: Array, weight: Array, bias: Array, stride: int = 1, padding: int = 0
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """Convolution, not mirrored (cross-correlation): a window that moves over an image, and a dot product at each.

        Parameters
        ----------
        x : array, shape (C, H, W) or (N, C, H, W)
            Padded with zeros on each side; then at least as large as the window.
        weight : array, shape (O, C, K, K)
        bias : array, shape (O,)
        stride : int
            By how many pixels the window moves, at least 1.
        padding : int
            Zeros on each side, at least 0.

        Returns
        -------
        y : array, shape (O, R, S) or (N, O, R, S)
            R = (H + 2 padding - K) // stride + 1, and S likewise from W.
        vjps : tuple of function
            From dy, shaped as y, to dL/dx, dL/dweight and dL/dbias, shaped as those.
        """

    def avg_pool2d(self, x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
        """Mean of each window of K by K pixels, channel by channel: (C, H, W) to (C, R, S), samples first if any."""

    def max_pool2d(self, x: Array, kernel_size: int, stride: int) -> tuple[Array, tuple[Vjp]]:
        """Largest number of each window, likewise; of equal ones the first gets the gradient; NaN stays NaN."""

    def reshape(self, x: Array, shape: tuple[int, ...]) -> tuple[Array, tuple[Vjp]]:
        """The same numbers in the same order, each sample an array of that shape; (-1,) is a row of all of them."""

    def dropout(self, x: Array, mask: Array) -> tuple[Array, tuple[Vjp]]:
        """mask * x, of each number; the mask is shaped as x, drawn by the caller, and has no gradient."""

    def batch_norm(
        self,
        x: Array,
        weight: Array,
        bias: Array,
        epsilon: float = 1e-5,
        mean: Array | None = None,
        variance: Array | None = None,
        constant: bool = False,
    ) -> tuple[Array, tuple[Vjp, Vjp, Vjp]]:
        """weight * (x - mean) / sqrt(variance + epsilon) + bias, channel by channel; for tiers that see whole batches.

        Parameters
        ----------
        x : array, shape (N, C) or (N, C, H, W)
        weight, bias : array, shape (C,)
        epsilon : float
            Above 0.
        mean, variance : array, shape (C,), optional
            `moments(x)`, which is computed where not given.
        constant : bool
            Whether mean and variance do not depend on x, as in prediction.
        """

    def moments(self, x: Array) -> tuple[Array, Array]:
        """Mean and variance, both (C,), of each channel of x, shape (N, C) or (N, C, H, W), over all else."""

    def softmax_cross_entropy(self, logits: Array, target: Any) -> tuple[float, tuple[Vjp]]:
        """-log(softmax(logits)[target]) in nats, summed over the samples.

        Parameters
        ----------
        logits : array, shape (C,) or (N, C)
            Numbers, or -inf for a class of probability 0. NaN, or a row of nothing but -inf, gives NaN for that row.
        target : int, or array of int, shape (N,)
            The right class of each sample, from 0 to C - 1.

        Returns
        -------
        loss : float
            At least 0.
        vjps : tuple of one function
            From dL/dloss, a number, to dL/dlogits.
        """

    def smoothed_cross_entropy(self, logits: Array, target: Any, smoothing: float) -> tuple[float, tuple[Vjp]]:
        """Cross-entropy, likewise, to 1 - smoothing for the right class plus smoothing / C for each; 0 to below 1."""

    def mean_squared_error(self, y: Array, target: Array) -> tuple[float, tuple[Vjp]]:
        """Mean over the O outputs of (y - target)**2, summed over the samples; y and target (O,) or (N, O)."""

    def asarray(self, values: Any, dtype: str = "float64") -> Array:
        """Array of the tier's own kind from an ndarray or nested lists; dtype "float64", "float32" or "int64"."""

    def tolist(self, array: Array) -> Any:
        """Nested lists of Python numbers from an array of the tier's own kind."""

    def chunks(self, *arrays: Array) -> Iterator[tuple[Any, ...]]:
        """Cut a mini-batch, arrays of N samples each, into what one primitive handles: single samples, or all of it."""

    def add_scaled(self, target: Array, source: Array, scale: float) -> None:
        """target += scale * source, in place; both of one shape."""

    def elementwise(self, f: Callable[..., Any], *arrays: Array) -> Array:
        """Array of f(a, b, ...) for every element of arrays of one shape; f uses + - * / and ** only."""


OPS = tuple(row.name for row in registry.OPS)
PRIMITIVES = tuple(row.name for row in registry.OPS if row.family != "batch")
COUPLED = tuple(row.name for row in registry.OPS if row.family == "batch")  # only for tiers that see whole mini-batches
CORE = tuple(row.name for row in registry.OPS if row.family == "essence")  # what nets of dense layers are made of
SUPPORT = ("asarray", "tolist", "chunks", "add_scaled", "elementwise")


def get_tier(name: str | Tier, exact: bool = False) -> Tier:
    """Return the tier of that name.

    Parameters
    ----------
    name : str or Tier
        "scalar", "vector" or "tensor"; a path to a Python file ("path/to/my_tier.py"); the name of an entry point in
        the group ``micrograd_tiers.tiers``; or a module ("package.module"). What is a tier already is returned as it
        is.
    exact : bool
        With the arithmetic of `micrograd_tiers.tiers.exact`, which gives the same bits at every tier. Built-in tiers
        only.

    Raises
    ------
    ValueError
        If there is no such tier, or what was found has none of a tier's functions.
    """
    built_in = (name, exact) if isinstance(name, str) else name_of(name)
    if built_in is not None and built_in[0] in TIERS:
        return _built_in(built_in[0], exact or built_in[1])
    if exact:
        raise ValueError(f"tier {name!r}: exact mode is offered by the built-in tiers only ({', '.join(TIERS)})")
    tier = _from_outside(name) if isinstance(name, str) else name
    if not any(hasattr(tier, function) for function in PRIMITIVES):
        raise ValueError(f"{name!r} is not a tier: it has none of the functions {', '.join(PRIMITIVES)}")
    return cast(Tier, tier)


def name_of(tier: Any) -> tuple[str, bool] | None:
    """Return the name of a built-in tier and whether it is the exact one; None for any other tier."""
    module = getattr(tier, "__name__", "")
    for name in TIERS:
        if module in (f"{__name__}.{name}", f"{__name__}.{name}{EXACT}"):
            return name, module.endswith(EXACT)
    return None


@cache
def _built_in(name: str, exact: bool) -> Tier:
    if not exact:
        return cast(Tier, importlib.import_module(f"{__name__}.{name}"))
    from .exact import ARITHMETIC

    # A second copy of the same file, whose names for the arithmetic stand for the exact functions.
    module = _module_from_file(Path(__file__).with_name(f"{name}.py"), f"{__name__}.{name}{EXACT}")
    vars(module).update(ARITHMETIC[name])
    return cast(Tier, module)


def line_in_tier_file(error: BaseException) -> int | None:
    """Return the line, the innermost one, of a tier from a file that an error comes from; None if from none."""
    lines = [
        line
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__", "").startswith(FROM_FILE)
    ]
    return lines[-1] if lines else None


def _from_outside(name: str) -> Any:
    if name.endswith(".py") and not Path(name).is_file():
        raise ValueError(f"tier {name!r}: there is no such file")
    try:
        if name.endswith(".py"):
            return _module_from_file(Path(name), FROM_FILE + Path(name).stem)
        from importlib.metadata import entry_points  # takes a third of the time of importing this package

        for entry_point in entry_points(group="micrograd_tiers.tiers", name=name):
            return entry_point.load()
        if _exists(name):
            return importlib.import_module(name)
    except Exception as error:
        raise ValueError(f"tier {name!r} cannot be imported: {type(error).__name__}: {error}") from error
    raise ValueError(f"unknown tier {name!r}: expected {', '.join(TIERS)}, a .py file, an installed tier or a module")


def _exists(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # no such package; no such name
        return False


def _module_from_file(path: Path, name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look there
    sys.path.insert(0, str(path.resolve().parent))  # it may import its neighbors, as a script may
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(str(path.resolve().parent))
    return module
