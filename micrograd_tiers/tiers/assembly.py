"""The built-in tiers as users see them: assembled from their files, with checks.

`tiers.scalar.linear` is the function that a network calls (see `functions.py`), with a check of its shapes and the
policy for floating-point warnings.
"""

import linecache
import sys
from collections.abc import Callable, Mapping
from types import CodeType, ModuleType
from typing import Any

from .checks import checked
from .functions import PACKAGE, Functions, Names, module_of, names_in, with_names
from .loading import reduce_module
from .protocol import OPS, SUPPORT, TIERS

EXACT = "_exact"  # suffix of the module names of exact tiers


class BuiltIn(ModuleType):
    """A built-in tier as users see it; it replaces the module of its file.

    Attributes
    ----------
    functions : Functions
        The functions without checks.
    essence : dict
        The namespace of the tier's own file.
    ops : frozenset of str
        Names of the ops that the tier may have.
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
            found = self._op(name)
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
        if name not in (f"{PACKAGE}.{tier}" for tier in TIERS):  # a copy of a tier file
            return reduce_module(self)
        return built_in, (name.rpartition(".")[2], self.__name__.endswith(EXACT))

    def _op(self, name: str) -> Callable[..., Any]:
        functions = self.functions
        op = checked(getattr(functions, name), name, functions.shape_of)
        return functions.quiet(op) if hasattr(functions, "quiet") else op


def assemble(tier: str, essence: dict[str, Any]) -> None:
    """Replace the module that has just been executed with a tier. This call is the last line of a tier file.

    A copy of a tier file is also a tier, with the ops that the copy defines and the support functions of the original.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    essence : dict
        The namespace of the module. If it belongs to no module (source text that was executed), nothing happens.
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
    """Return a built-in tier, in fast or in exact mode."""
    found = module_of(tier)
    assert isinstance(found, BuiltIn)
    if not exact:
        return found
    if tier not in EXACT_TIERS:
        functions = Functions(tier, exact=True)
        EXACT_TIERS[tier] = BuiltIn(
            found.__name__ + EXACT, functions, functions.names("essence")
        )
    return EXACT_TIERS[tier]


def compiled(text: str, path: str) -> CodeType:
    """Compile a source text that is in no file, so that tracebacks and `inspect` find its lines."""
    linecache.cache[path] = (len(text), None, text.splitlines(True), path)
    return compile(text, path, "exec")


def changed_tier(tier: str, module_name: str, texts: Mapping[str, str]) -> BuiltIn:
    """Return a built-in tier with another source text in some of its files.

    NumPy's warnings stay on in it, as in any tier that users write, so that overflow is visible.

    Parameters
    ----------
    tier : {"scalar", "vector", "tensor"}
    module_name : str
        Name of the new tier.
    texts : mapping of str to str
        Source texts, keyed by file as in the values of `files_of`.
    """
    essence = names_in(tier)
    replaced: dict[str, Any] = {"quiet": lambda op: op}
    for file, text in texts.items():
        name = f"{PACKAGE}.{file.replace('/', '.')}"
        package, _, _ = name.rpartition(".")
        fresh: dict[str, Any] = {"__name__": name, "__package__": package}
        exec(compiled(text, f"{file}.py in {module_name}"), fresh)
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
