"""The tiers, and how to get one: by name, from a file or from a package.

`scalar.py`, `vector.py` and `tensor.py` are made to be laid side by side; `more/` and `images/` hold further ops in the
same form, `batch.py` those of whole mini-batches. `protocol.py` says what a tier is, `registry.py` lists the ops,
`functions.py` finds them in the files, and `assembly.py` makes a tier of them.
"""

import importlib
import importlib.util
import sys
import traceback
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from .assembly import EXACT, built_in
from .completion import functions_of
from .protocol import (
    ACTIVATIONS,
    CORE,
    COUPLED,
    OPS,
    PRIMITIVES,
    SUPPORT,
    TIERS,
    Array,
    Tier,
    Vjp,
)

__all__ = [
    "ACTIVATIONS", "CORE", "COUPLED", "OPS", "PRIMITIVES", "SUPPORT", "TIERS", "Array", "Tier", "Vjp",
    "functions_of", "get_tier", "line_in_tier_file", "name_of",
]  # fmt: skip

FROM_FILE = "tier_from_file."  # begins the module names of tiers that come from files


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
    known = (name, exact) if isinstance(name, str) else name_of(name)
    if known is not None and known[0] in TIERS:
        return cast(Tier, built_in(known[0], exact or known[1]))
    if exact:
        raise ValueError(
            f"tier {name!r}: exact mode is offered by the built-in tiers only ({', '.join(TIERS)})"
        )
    tier = _from_outside(name) if isinstance(name, str) else name
    if not any(hasattr(tier, function) for function in PRIMITIVES):
        raise ValueError(
            f"{name!r} is not a tier: it has none of the functions {', '.join(PRIMITIVES)}"
        )
    return cast(Tier, tier)


def name_of(tier: Any) -> tuple[str, bool] | None:
    """Return the name of a built-in tier and whether it is the exact one; None for any other tier."""
    module = getattr(tier, "__name__", "")
    for name in TIERS:
        if module in (f"{__name__}.{name}", f"{__name__}.{name}{EXACT}"):
            return name, module.endswith(EXACT)
    return None


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
        # Takes a third of the time of importing this package.
        from importlib.metadata import entry_points

        for entry_point in entry_points(group="micrograd_tiers.tiers", name=name):
            return entry_point.load()
        if _exists(name):
            return importlib.import_module(name)
    except Exception as error:
        raise ValueError(
            f"tier {name!r} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    raise ValueError(
        f"unknown tier {name!r}: expected {', '.join(TIERS)}, a .py file, an installed tier or a module"
    )


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
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)  # it may import its neighbors, as a script may
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        sys.path.remove(folder)
    return sys.modules[name]  # a module may put something else in its place
