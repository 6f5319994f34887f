"""Tiers that are modules: loading them from files, and finding them again after pickling."""

import importlib
import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

FROM_FILE = "tier_from_file."  # prefix of the names of modules loaded from files


def module_from_file(path: Path) -> ModuleType:
    """Execute a tier file and return its module; raise whatever the file raises."""
    name = FROM_FILE + path.stem
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickle look there
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # it may import files beside it, as a script may
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(folder)
    return sys.modules[name]  # a module may replace itself there, as `assemble` does


def reduce_module(
    module: ModuleType,
) -> tuple[Callable[..., ModuleType], tuple[Any, ...]]:
    """Return the function and the arguments that find a module again, as `__reduce__` does."""
    name, file = module.__name__, getattr(module, "__file__", None)
    from_file = name.startswith(FROM_FILE)
    if not from_file and sys.modules.get(name) is not module:
        from pickle import (
            PicklingError,
        )  # here, as tiers are imported more often than pickled

        raise PicklingError(
            f"tier {name!r} cannot be pickled: it is neither an imported module nor a .py file"
        )
    return module_again, (
        name,
        str(Path(file).resolve()) if from_file and file else None,
    )


def module_again(name: str, file: str | None) -> ModuleType:
    """Return the module of that name, which is loaded from its file, or imported, unless it already is."""
    if file is None:
        return importlib.import_module(name)
    found = sys.modules.get(name)
    if found is not None and str(Path(found.__file__ or "").resolve()) == file:
        return found
    if not Path(file).is_file():
        raise ValueError(f"tier {file!r}: there is no such file")
    return module_from_file(Path(file))


class TierReference:
    """A tier in a copy or a pickle of a net. It is code: copies use the same one, and a pickle holds its name or path.

    Parameters
    ----------
    tier : Tier
    """

    def __init__(self, tier: Any) -> None:
        self.tier = tier

    def __deepcopy__(self, memo: dict[int, Any]) -> "TierReference":
        return self

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        if type(self.tier) is not ModuleType:
            return TierReference, (self.tier,)
        function, arguments = reduce_module(self.tier)
        return reference_again, (function, arguments)


def reference_again(
    function: Callable[..., ModuleType], arguments: tuple[Any, ...]
) -> TierReference:
    """Return a reference to the tier that `function` finds."""
    return TierReference(function(*arguments))
