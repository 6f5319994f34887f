"""Modules that contenders need: installed packages, and an example that only the repository has."""

from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

EXAMPLE = "gpt_of_values"
EXAMPLES = Path(__file__).parents[3] / "examples"


def spec_of(name: str) -> ModuleSpec | None:
    """Return the spec of the example or of a package; None if it is not there."""
    return PathFinder.find_spec(name, [str(EXAMPLES)]) if name == EXAMPLE else find_spec(name)
