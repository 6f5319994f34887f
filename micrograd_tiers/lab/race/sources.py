"""Modules that contenders need: installed packages, and an example that only the repository has."""

from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Any

EXAMPLE = "gpt_of_values"
EXAMPLES = Path(__file__).parents[3] / "examples"


def spec_of(name: str) -> ModuleSpec | None:
    """Return the spec of the example or of a package; None if it is not there."""
    return PathFinder.find_spec(name, [str(EXAMPLES)]) if name == EXAMPLE else find_spec(name)


def new_module(name: str) -> Any:
    """Return a new module with the code of the example or of an installed module, which stays as it is."""
    spec: Any = spec_of(name)
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
