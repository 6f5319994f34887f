"""The contenders: implementations of the same training step, from the same weights, on the same samples."""

from dataclasses import dataclass
from typing import Any

from ...optimizers import SGD
from .cases import LENET, AnyCase, Case, GPTCase, Make, MakeGPT, Step, Weights
from .frameworks import hips_autograd, jax_jit, torch_eager, torch_in_place
from .gpts import gpt_in_jax, gpt_in_strands, gpt_in_torch, gpt_of_slots, gpt_of_values
from .limits import flat_loop, matrix_products, naive_numpy
from .sources import EXAMPLE, spec_of
from .values import moons_demo, net_of_slots, net_of_values, net_on, net_on_micrograd

ONLY_64 = ("float64",)
MOONS = (2, 16, 16, 1)


@dataclass(frozen=True)
class Contender:
    """One implementation of the training step.

    Attributes
    ----------
    name : str
    classifier : callable or None
        Training step of a `Case`: takes a case and a learning rate, and returns (step, weights). `step()` trains once
        and returns the loss; `weights()` returns the arrays in the order of `Case.weights`. None if it has none.
    kind : {"tier", "exact", "engine", "library", "reference"}
        A tier, a tier in exact mode, a net of this package's `Value`s, another package, or a reference.
    tier : str
        The tier that makes the step; "" for contenders that are not tiers.
    exact : bool
        True if that tier computes in exact mode.
    needs : str
        Package to import, such as "torch", or the example of the repository; "" if NumPy is enough.
    dtypes : tuple of str
        The dtypes that it supports.
    most : int
        Largest number of parameters times samples in a step of a `Case`; a larger step would take too long.
    largest_batch : int
        Largest number of samples that its code supports.
    layers : int
        Number of layers with weights that its code is written for; 0 for any.
    only : tuple of int
        Sizes of the one net that it supports; () for any.
    lenet : bool
        True if it can train LeNet-5.
    held_to : str
        Contender whose loss and gradients it must reproduce; "" if it computes no gradients.
    blas : bool
        True if NumPy's BLAS multiplies its matrices.
    recursive : bool
        True if its backward pass recurses as deep as the net's graph, so that it needs a larger stack.
    gpt : callable or None
        Training step of a `GPTCase`, as `classifier`.
    """

    name: str
    classifier: Make | None
    kind: str
    tier: str = ""
    exact: bool = False
    needs: str = ""
    dtypes: tuple[str, ...] = ("float64", "float32")
    most: int = 10**12
    largest_batch: int = 10**12
    layers: int = 0
    only: tuple[int, ...] = ()
    lenet: bool = False
    held_to: str = "tensor"
    blas: bool = False
    recursive: bool = False
    gpt: MakeGPT | None = None

    @property
    def installed(self) -> bool:
        """True if what it needs is there."""
        return not self.needs or spec_of(self.needs) is not None

    def make(self, case: AnyCase, learning_rate: float) -> tuple[Step, Weights]:
        """Return (step, weights) for a case that it takes."""
        make: Any = self.gpt if isinstance(case, GPTCase) else self.classifier
        found: tuple[Step, Weights] = make(case, learning_rate)
        return found

    def takes(self, case: AnyCase) -> bool:
        """Return True if it can make this step in a reasonable time."""
        if not isinstance(case, Case):
            return self.gpt is not None and case.dtype in self.dtypes
        return (
            self.classifier is not None
            and case.dtype in self.dtypes
            and (not self.only or case.sizes == self.only)
            and (self.lenet or case.sizes != LENET)
            and sum(case.summary.n_parameters) * case.batch_size <= self.most
            and case.batch_size <= self.largest_batch
            and self.layers in (0, len(case.sizes) - 1)
        )


def _tier(tier: str, exact: bool = False, **limits: Any) -> Contender:
    """Return the contender for a tier, in fast or exact mode."""

    def make(case: AnyCase, learning_rate: float) -> tuple[Step, Weights]:
        net, (x, y) = case.net(tier, exact), case.batch()
        samples, target = net.tier.asarray(x, x.dtype.name), net.tier.asarray(y, "int64")
        optimizer, memory = SGD(learning_rate), dict[str, Any]()

        def step() -> float:
            loss, grads, _ = net.backprop(samples, (target,), optimizer.gradient_factor)
            optimizer.apply(net, grads, memory)
            return loss

        return step, lambda: [*net.state_dict().values()]

    name, kind = (f"{tier} exact", "exact") if exact else (tier, "tier")
    return Contender(name, make, kind, tier, exact, blas=tier != "scalar" and not exact, gpt=make, **limits)


def _engine(name: str, make: Make, needs: str) -> Contender:
    """Return the contender for another package with one object per number."""
    return Contender(name, make, "library", needs=needs, dtypes=ONLY_64, most=30_000, layers=2, recursive=True)


def _moons(name: str, module: str, kind: str, needs: str = "") -> Contender:
    """Return the contender for the demo of micrograd, with the class `Value` of a module."""
    return Contender(
        f"{name} on moons",
        moons_demo(module),
        kind,
        needs=needs,
        dtypes=ONLY_64,
        only=MOONS,
        held_to="Value on moons",
        recursive=kind != "engine",
    )


CONTENDERS = {
    contender.name: contender
    for contender in (
        _tier("scalar", dtypes=ONLY_64, most=20_000_000),
        _tier("vector", lenet=True),
        _tier("tensor", lenet=True),
        _tier("scalar", exact=True, dtypes=ONLY_64, most=4_000_000),
        _tier("vector", exact=True, most=20_000_000),
        _tier("tensor", exact=True, most=20_000_000),
        Contender("Value", net_of_values, "engine", dtypes=ONLY_64, most=30_000, layers=2, gpt=gpt_of_values),
        Contender(
            "class with slots",
            net_of_slots,
            "reference",
            needs=EXAMPLE,
            dtypes=ONLY_64,
            most=30_000,
            layers=2,
            recursive=True,
            gpt=gpt_of_slots,
        ),
        Contender("PyTorch eager", torch_eager, "library", needs="torch", lenet=True, gpt=gpt_in_torch),
        Contender("PyTorch in place", torch_in_place, "library", needs="torch", layers=2),
        Contender("JAX jit", jax_jit, "library", needs="jax", gpt=gpt_in_jax),
        Contender("strands-microgpt", None, "library", needs="strands_microgpt", dtypes=ONLY_64, gpt=gpt_in_strands),
        Contender("HIPS autograd", hips_autograd, "library", needs="autograd", blas=True),
        _engine("micrograd", net_on_micrograd, "micrograd"),
        _engine("propgrad", net_on("propgrad.engine", "Value"), "propgrad"),
        _engine("scalargrad", net_on("scalargrad.core", "Scalar"), "scalargrad"),
        _engine("tinymlp", net_on("tinymlp.core.value", "Value"), "tinymlp"),
        _moons("Value", "micrograd_tiers.engine", "engine"),
        _moons("class with slots", EXAMPLE, "reference", needs=EXAMPLE),
        _moons("micrograd", "micrograd.engine", "library", needs="micrograd"),
        _moons("nanograd-bgriebel", "nanograd_bgriebel", "library", needs="nanograd_bgriebel"),
        Contender("naive NumPy", naive_numpy, "reference", layers=2, blas=True),
        Contender("flat loop", flat_loop(fused=False), "reference", dtypes=ONLY_64, largest_batch=1, layers=2),
        Contender("flat loop, fused", flat_loop(fused=True), "reference", dtypes=ONLY_64, largest_batch=1, layers=2),
        Contender("matrix products", matrix_products, "reference", layers=2, held_to="", blas=True),
    )
}


def check_contenders(names: list[str]) -> None:
    """Raise ValueError if a name is not that of a contender."""
    for name in names:
        if name not in CONTENDERS:
            raise ValueError(f"unknown contender {name!r}: expected one of {', '.join(CONTENDERS)}")
