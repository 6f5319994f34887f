"""The tiers, and `get_tier`, which returns one by name, from a file or from a package.

`scalar.py`, `vector.py` and `tensor.py` are written to be read side by side. `more/` and `images/` hold further ops in
the same form, and `batch.py` the ops of whole mini-batches. `protocol.py` defines what a tier is, `registry.py` lists
the ops, `functions.py` finds them in the files, and `assembly.py` builds the tiers from them.
"""

import importlib
import importlib.util
import traceback
from pathlib import Path
from typing import Any, cast

from ..arguments import flag, shown
from .assembly import EXACT, built_in
from .completion import functions_of
from .loading import FROM_FILE, TierReference, module_from_file
from .protocol import (
    ACTIVATIONS,
    CORE,
    COUPLED,
    DOCUMENTS,
    OPS,
    PRIMITIVES,
    SUPPORT,
    TIERS,
    Array,
    Tier,
    Vjp,
)

__all__ = [
    "ACTIVATIONS", "CORE", "COUPLED", "DOCUMENTS", "OPS", "PRIMITIVES", "SUPPORT", "TIERS", "Array", "Tier",
    "TierReference", "Vjp", "functions_of", "get_tier", "line_in_tier_file", "name_of",
]  # fmt: skip


def __getattr__(name: str) -> Tier:
    """Import a built-in tier on first use, as in `mt.tiers.vector`."""
    if name in TIERS:
        return cast(Tier, built_in(name))
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*__all__, *TIERS})


def get_tier(name: str | Tier, exact: bool = False) -> Tier:
    """Return a tier.

    Parameters
    ----------
    name : str or Tier
        "scalar", "vector" or "tensor"; the path of a Python file ("path/to/my_tier.py"); the name of an entry point in
        the group ``micrograd_tiers.tiers``; or a module ("package.module"). A tier is returned as it is.
    exact : bool
        Exact mode: the arithmetic of `micrograd_tiers.tiers.exact`, which gives the same bits at every tier. Built-in
        tiers only.

    Returns
    -------
    Tier

    Raises
    ------
    ValueError
        If there is no such tier, it cannot be imported, it has none of a tier's ops, or exact mode is requested of a
        tier that is not built in.
    """
    exact = flag("exact", exact)
    known = (name, exact) if isinstance(name, str) else name_of(name)
    if known is not None and known[0] in TIERS:
        return cast(Tier, built_in(known[0], exact or known[1]))
    if exact:
        raise ValueError(
            f"tier {name!r}: only the built-in tiers ({', '.join(TIERS)}) have an exact mode"
        )
    tier = _from_outside(name) if isinstance(name, str) else name
    if not any(hasattr(tier, function) for function in PRIMITIVES):
        raise ValueError(
            f"{shown(name)} is not a tier: it has none of the functions {', '.join(PRIMITIVES[:3])}, ..."
        )
    return cast(Tier, tier)


def name_of(tier: Any) -> tuple[str, bool] | None:
    """Return (name, exact) of a built-in tier; None for any other tier."""
    module = getattr(tier, "__name__", "")
    for name in TIERS:
        if module in (f"{__name__}.{name}", f"{__name__}.{name}{EXACT}"):
            return name, module.endswith(EXACT)
    return None


def line_in_tier_file(error: BaseException) -> int | None:
    """Return the number of the last line of a user's tier file in an error's traceback; None if there is none."""
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
            return module_from_file(Path(name))
        # Imported here because it takes a third of the time of importing this package.
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
