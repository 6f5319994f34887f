"""The functions of the built-in tiers, as a network calls them.

A tier file holds only the mathematics. This module adds the ops of the sibling files, the arithmetic of exact mode, and
sample weights in the losses. A net that calls `linear` gets the function from the file that the registry names; in
exact mode, it gets a copy of that function that uses exact arithmetic. Each function is looked up once, on first use.
"""

from collections.abc import Callable, Mapping
from functools import update_wrapper, wraps
from importlib import import_module
from types import FunctionType, ModuleType
from typing import Any

from .protocol import OPS
from .registry import ROW_OF
from .sums import sum_with
from .weighting import batch_loss, sample_loss

Names = Mapping[str, Any]  # the namespace of a module

PACKAGE = __name__.rpartition(".")[0]


def files_of(tier: str) -> dict[str, str]:
    """Return the files of a built-in tier, without ".py", keyed by their contents: "essence", "more", ..."""
    kind = "lists" if tier == "scalar" else "arrays"
    files = {"essence": tier} | {
        family: f"{family}/{tier}" for family in ("more", "images", "documents")
    }
    files |= {"batch": "batch"} if tier == "tensor" else {}
    return files | {"helpers": kind, "windows": f"images/{kind}", "sums": "sums"}


class Functions:
    """The functions of a built-in tier, without checks; each is looked up on first use.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    exact : bool
        If True, use the arithmetic of `tiers.exact`.
    replaced : mapping, optional
        Functions by name, which replace those of the same name wherever the tier's files use them.
    """

    def __init__(
        self, tier: str, exact: bool = False, replaced: Names | None = None
    ) -> None:
        self._tier, self._files, self._names = tier, files_of(tier), dict[str, Names]()
        self._replaced = dict(replaced or {})
        if exact:
            self._replaced |= module_of(f"exact/{self._files['helpers']}").ARITHMETIC

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):  # copy and pickle look for such names
            raise AttributeError(name)
        row = ROW_OF.get(name)
        function = self.names(row.family).get(name) if row else self._helper(name)
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

    def _helper(self, name: str) -> Any:
        if name == "moments":
            return self.names("batch").get(name)
        if name == "new_sum":
            products = ("sum_of_products", "add_products")
            return sum_with(
                self.add_scaled, **{each: getattr(self, each) for each in products}
            )
        if name == "chunks" and self._tier != "scalar":
            name = "samples" if self._tier == "vector" else "whole_batch"
        helpers = vars(module_of(self._files["helpers"]))
        return self._replaced.get(name) or helpers.get(name)

    def names(self, file: str) -> Names:
        """Return the namespace of one of the tier's files, with all replacements made."""
        if file not in self._files:
            return {}
        if file not in self._names:
            essence = {} if file == "essence" else self.names("essence")
            others = {name: essence[name] for name in OPS if name in essence}
            own = names_in(self._files[file])
            self._names[file] = with_names(own, others | self._replaced)
        return self._names[file]


def module_of(file: str) -> ModuleType:
    """Import a file of the tiers and return its module."""
    return import_module(f"{PACKAGE}.{file.replace('/', '.')}")


def names_in(file: str) -> Names:
    """Return the namespace of a file of the tiers, without replacements."""
    names: Names = vars(module_of(file))
    essence: Names = names.get("essence", names)  # a `BuiltIn` may replace the module
    return essence


def with_names(own: Names, others: Names) -> Names:
    """Return a module's namespace with `others` in place of its own; its functions use them too."""
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


def each_number(op: Callable[..., Any]) -> Callable[..., Any]:
    """Return the elementwise op extended from lists to nested lists, the images of the scalar tier."""

    @wraps(op)
    def of_nested(x: Any, *settings: float) -> Any:
        if not (x and isinstance(x[0], list)):
            # A call with * takes longer, and small nets notice.
            return op(x, *settings) if settings else op(x)
        ys, vjps = zip(*(of_nested(row, *settings) for row in x), strict=True)

        def dx(dy: Any) -> Any:
            return [of_row(row) for (of_row,), row in zip(vjps, dy, strict=True)]

        return [*ys], (dx,)

    return of_nested
