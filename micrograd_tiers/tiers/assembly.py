"""How the built-in tiers are put together from their files, and tiers from outside made complete.

A tier file holds the mathematics and nothing else. Added here: the ops of the sibling files, the exact arithmetic if
asked for, weights of samples in the losses, and, for whoever calls an op directly, checks of sizes and the policy for
floating-point warnings. A network has checked its arrays before it begins, and calls the functions behind these checks.

So `tier.linear` in a net is `Functions.linear`: the function in the tier file, looked up by the registry's row when it
is first asked for, in exact mode a copy of it that sees other arithmetic. `tiers.scalar.linear`, for users, is the
same behind a check of its sizes. A loss in ``tensor.py`` gives one number per sample; here they become their sum.
"""

import sys
from collections.abc import Callable, Mapping
from functools import partial, update_wrapper, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from .protocol import OPS, SUPPORT
from .registry import ROW_OF
from .sums import sum_with

Names = Mapping[str, Any]  # of a module
Op = Callable[..., Any]
Shape = tuple[int, ...]

PACKAGE = __name__.rpartition(".")[0]
EXACT = "_exact"  # ends the module names of exact tiers
# Losses whose target is a class.
OF_LABELS = ("softmax_cross_entropy", "smoothed_cross_entropy")


def files_of(tier: str) -> dict[str, str]:
    """Return the files that a built-in tier is made of, by what they hold, without ".py"."""
    kind = "lists" if tier == "scalar" else "arrays"
    files = {"essence": tier, "more": f"more/{tier}", "images": f"images/{tier}"}
    files |= {"batch": "batch"} if tier == "tensor" else {}
    return files | {"helpers": kind, "windows": f"images/{kind}", "sums": "sums"}


class Functions:
    """The functions of a built-in tier, unchecked; each is looked up when it is first asked for.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    exact : bool
        With the arithmetic of `tiers.exact`.
    replaced : mapping, optional
        Functions that stand in for those of these names wherever the tier's files use them.
    """

    def __init__(
        self, tier: str, exact: bool = False, replaced: Names | None = None
    ) -> None:
        self._tier, self._files, self._names = tier, files_of(tier), dict[str, Names]()
        self._replaced = dict(replaced or {})
        if exact:
            self._replaced |= _module(f"exact/{self._files['helpers']}").ARITHMETIC

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what copy and pickle look for
            raise AttributeError(name)
        row = ROW_OF.get(name)
        function = self._helper(name) if row is None else self._op(name)
        if function is None:
            raise AttributeError(f"tier {self._tier!r} has no {name!r}")
        if row and row.kind == "activation" and self._tier == "scalar":
            function = each_number(function)
        if row and row.is_loss and self._tier == "tensor":
            function = batch_loss(function, self.sum_of)
        elif row and row.is_loss:
            function = sample_loss(function)
        setattr(self, name, function)
        return function

    def _op(self, name: str) -> Any:
        return self.names(ROW_OF[name].family).get(name)

    def _helper(self, name: str) -> Any:
        if name == "moments":
            return self.names("batch").get(name)
        if name == "new_sum" and self._tier == "vector":
            return partial(self.SumOfOuterProducts, self.matmul)
        if name == "new_sum":
            return sum_with(self.add_scaled)
        if name == "chunks" and self._tier != "scalar":
            name = "samples" if self._tier == "vector" else "whole_batch"
        helpers = vars(_module(self._files["helpers"]))
        return self._replaced.get(name) or helpers.get(name)

    def names(self, file: str) -> Names:
        """Return the names in one of the tier's files, as their functions are to see them."""
        if file not in self._files:
            return {}
        if file not in self._names:
            essence = {} if file == "essence" else self.names("essence")
            others = {name: essence[name] for name in OPS if name in essence}
            own = _names_in(self._files[file])
            self._names[file] = with_names(own, others | self._replaced)
        return self._names[file]


def _module(file: str) -> ModuleType:
    return import_module(f"{PACKAGE}.{file.replace('/', '.')}")


def _names_in(file: str) -> Names:
    """Return the names in a file of the tiers as the file has them."""
    module = _module(file)
    return module.essence if isinstance(module, BuiltIn) else vars(module)


def with_names(own: Names, others: Names) -> Names:
    """Return the names of a module whose functions use these others in the place of its own."""
    changed = {
        name: other
        for name, other in others.items()
        if own.get(name, other) is not other
    }
    if not changed:
        return own
    names = {**own, **changed}
    for name, f in own.items():
        if name not in changed and isinstance(f, FunctionType) and f.__globals__ is own:
            copy = FunctionType(
                f.__code__, names, f.__name__, f.__defaults__, f.__closure__
            )
            names[name] = update_wrapper(copy, f)
    return names


class BuiltIn(ModuleType):
    """A built-in tier as users see it, in the place of the module that its file makes.

    Attributes
    ----------
    functions : Functions
        Those behind the checks.
    essence : dict
        The names in the tier's own file.
    ops : frozenset of str
        Names of the ops that it may have.
    """

    def __init__(
        self,
        module_name: str,
        functions: Functions,
        essence: Names,
        ops: frozenset[str] = frozenset(OPS) | {"moments"},
    ) -> None:
        super().__init__(module_name, essence.get("__doc__"))
        self.functions, self.essence, self.ops = functions, essence, ops
        for name in ("__file__", "__spec__", "__loader__", "__package__"):
            setattr(self, name, essence.get(name))

    def __getattr__(self, name: str) -> Any:
        found: Any
        if name in self.ops:
            found = self._checked(name, getattr(self.functions, name))
        elif name in SUPPORT:
            found = getattr(self.functions, name)
        elif name == "__all__":  # from ... import *
            found = [
                function
                for function in (*OPS, "moments", *SUPPORT)
                if hasattr(self, function)
            ]
        elif name in self.essence:
            found = self.essence[name]
        else:
            raise AttributeError(f"tier {self.__name__!r} has no {name!r}")
        setattr(self, name, found)
        return found

    def __dir__(self) -> list[str]:
        return sorted({*vars(self), *self.__all__})

    def __reduce__(self) -> tuple[Any, ...]:
        name = self.__name__.removesuffix(EXACT)
        return built_in, (name.rpartition(".")[2], self.__name__.endswith(EXACT))

    def _checked(self, name: str, function: Op) -> Op:
        helpers = self.functions
        if name in CHECKS:
            function = checked(CHECKS[name], helpers.shape_of, function)
        return helpers.quiet(function) if hasattr(helpers, "quiet") else function


def assemble(tier: str, essence: dict[str, Any]) -> None:
    """Put a tier in the place of the module that has just been executed: the last line of a tier file.

    A copy of such a file is a tier as well: with the ops that it holds, and the support functions of the original.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    essence : dict
        The names of the module. If they are of no module (a text that somebody executes), nothing happens.
    """
    name = essence["__name__"]
    if vars(sys.modules.get(name, object)) is not essence:
        return
    if name == f"{PACKAGE}.{tier}":
        sys.modules[name] = BuiltIn(name, Functions(tier), essence)
    else:
        own = {op: essence[op] for op in OPS if op in essence}
        functions = Functions(tier, replaced=own)
        sys.modules[name] = BuiltIn(name, functions, essence, frozenset(own))


EXACT_TIERS: dict[str, BuiltIn] = {}


def built_in(tier: str, exact: bool = False) -> BuiltIn:
    """Return the built-in tier of that name."""
    found = _module(tier)
    assert isinstance(found, BuiltIn)
    if not exact:
        return found
    if tier not in EXACT_TIERS:
        functions = Functions(tier, exact=True)
        EXACT_TIERS[tier] = BuiltIn(
            found.__name__ + EXACT, functions, functions.names("essence")
        )
    return EXACT_TIERS[tier]


def changed_tier(tier: str, module_name: str, texts: Mapping[str, str]) -> BuiltIn:
    """Return a built-in tier in which some of its files have another text.

    It lets NumPy warn, as any file does that somebody writes: what overflows in it is seen.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    module_name : str
        Name of the new tier.
    texts : mapping of str to str
        By file, as `files_of` names them.
    """
    essence = _names_in(tier)
    replaced: dict[str, Any] = {"quiet": lambda op: op}
    for file, text in texts.items():
        name = f"{PACKAGE}.{file.replace('/', '.')}"
        package, _, _ = name.rpartition(".")
        fresh: dict[str, Any] = {"__name__": name, "__package__": package}
        exec(compile(text, f"{file}.py in {module_name}", "exec"), fresh)
        own = {
            key
            for key, value in fresh.items()
            if getattr(value, "__module__", "") == name
        }
        imported = {
            key: essence[key] for key in OPS if key in essence and key not in own
        }
        names = with_names(fresh, imported)
        replaced |= {key: names[key] for key in own}
    return BuiltIn(module_name, Functions(tier, replaced=replaced), essence)


# What is added to an op.


def each_number(op: Op) -> Op:
    """Let an op on a list of numbers, each by itself, take lists of lists too: images at the scalar tier."""

    @wraps(op)
    def of_nested(x: Any, *settings: float) -> Any:
        if not (x and isinstance(x[0], list)):
            return op(x, *settings)
        ys, vjps = zip(*(of_nested(row, *settings) for row in x), strict=True)

        def dx(dy: Any) -> Any:
            return [of_row(row) for (of_row,), row in zip(vjps, dy, strict=True)]

        return [*ys], (dx,)

    return of_nested


def sample_loss(op: Op) -> Op:
    """Let the loss of one sample take a weight: it multiplies the loss, and dloss on the way back."""

    @wraps(op)
    def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
        if weight is None:
            return op(output, target, *settings)
        value, (doutput,) = op(output, target, *settings)
        # Weight 0 leaves the sample out, whatever its loss: 0 * inf would be NaN.
        weighted = value * weight if weight else 0.0
        return weighted, (lambda dloss: doutput(dloss * weight),)

    return loss


def batch_loss(op: Op, sum_of: Callable[[Any], Any]) -> Op:
    """Sum the losses (N,) of a mini-batch, each times its weight, if there are weights (N,)."""

    @wraps(op)
    def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
        losses, vjps = op(output, target, *settings)
        if weight is None:
            return sum_of(losses), vjps
        (doutput,) = vjps
        counted = losses[weight > 0] * weight[weight > 0]  # 0 * inf is NaN
        return sum_of(counted), (lambda dloss: doutput(dloss * weight[:, None]),)

    return loss


def checked(
    check: Callable[[Shape, Shape], None], shape_of: Callable[[Any], Shape], op: Op
) -> Op:
    """Check the sizes of x and weight before the op is called."""

    @wraps(op)
    def with_check(x: Any, weight: Any, *others: Any, **named: Any) -> Any:
        check(shape_of(x), shape_of(weight))
        return op(x, weight, *others, **named)

    return with_check


def _check_features(x: Shape, weight: Shape) -> None:
    if x[-1:] != weight[1:]:
        raise ValueError(
            f"linear: x has shape {x}, weight {weight} expects {weight[-1]} features"
        )


def _check_channels(x: Shape, weight: Shape) -> None:
    if x[-3:-2] != weight[1:2]:
        raise ValueError(
            f"conv2d: x has shape {x}, weight {weight} expects {weight[1]} channels"
        )


def _check_targets(output: Shape, target: Shape) -> None:
    if output != target:
        raise ValueError(
            f"loss: outputs have shape {output}, targets {target}, expected the same"
        )


CHECKS = {"linear": _check_features, "conv2d": _check_channels} | {
    row.name: _check_targets
    for row in ROW_OF.values()
    if row.is_loss and row.name not in OF_LABELS
}


# Tiers from outside.


class Completed:
    """The functions of a tier from outside, with defaults for what it may leave out.

    `new_sum` adds gradients as they come. A loss takes weights of samples: they multiply what the tier's loss gives for
    each sample by itself, and the rows of its gradient.
    """

    def __init__(self, tier: Any, dtype: str = "float64") -> None:
        self._tier, self._dtype = tier, dtype

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # what copy and pickle look for
            raise AttributeError(name)
        if name == "new_sum" and not hasattr(self._tier, name):
            found: Any = sum_with(self._tier.add_scaled)
        else:
            found = getattr(self._tier, name)
        if name in ROW_OF and ROW_OF[name].is_loss:
            found = self._weighable(found)
        setattr(self, name, found)
        return found

    def _weighable(self, op: Op) -> Op:
        tier, dtype, of_sample = self._tier, self._dtype, sample_loss(op)

        def loss(output: Any, target: Any, *settings: float, weight: Any = None) -> Any:
            if weight is None:
                return op(output, target, *settings)
            weights = tier.tolist(weight) if hasattr(weight, "__len__") else weight
            if not isinstance(weights, list):
                return of_sample(output, target, *settings, weight=weight)
            samples = [slice(n, n + 1) for n in range(len(weights))]
            losses = [float(op(output[n], target[n], *settings)[0]) for n in samples]
            _, (doutput,) = op(output, target, *settings)
            widths = map(len, tier.tolist(output))
            rows = tier.asarray(
                [[w] * n for w, n in zip(weights, widths, strict=True)], dtype
            )

            def weighted(dloss: float) -> Any:
                return tier.elementwise(lambda d, w: d * w, doutput(dloss), rows)

            counted = (w * one for w, one in zip(weights, losses, strict=True) if w)
            return sum(counted), (weighted,)

        return loss


def functions_of(tier: Any, dtype: str = "float64") -> Any:
    """Return the functions of a tier as a network of that dtype calls them: unchecked, and complete."""
    return tier.functions if isinstance(tier, BuiltIn) else Completed(tier, dtype)
