"""How a bug is described, and how it gets into a program that is otherwise right.

A bug is a small edit of the package's own source: these lines, written like this instead. It can be read as a
difference, loaded as a tier, or planted in a second copy of the whole package; the first copy stays as it is.
"""

import difflib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ..tiers import TIERS, Tier

PACKAGE = __name__.split(".")[0]
FOLDER = Path(__file__).parent.parent

Edits = Mapping[str, tuple[tuple[str, str], ...]]
Edit = tuple[str, str] | tuple[tuple[str, str], ...]


@dataclass(frozen=True, eq=False)
class Bug:
    """One exhibit.

    Attributes
    ----------
    name : str
        In snake case; for a tier bug it begins with the op.
    title : str
        What is done wrong, in one line.
    kind : {"tier", "network", "training", "engine", "data"}
        The part of the program that it sits in.
    edits : mapping of str to tuple of (str, str)
        For each file that it changes ("tiers/tensor.py"): pairs of the right text, which occurs there once, and the
        wrong one. A bug of a tier may have an edit for several tiers, each of which shows the same bug.
    symptom : str
        What the person sees who trains with it.
    property : str
        The weakest property that catches it.
    explanation : str
        Why it is wrong, and why it looks as it does.
    hint : str
        A question that leads to the bug and does not name its cure.
    op, part : str
        Of tier bugs: the op, and the first part of it that is wrong: "value", or the gradient "dx", "dweight", ...
    """

    name: str
    title: str
    kind: str
    edits: Edits
    symptom: str
    property: str
    explanation: str
    hint: str = ""
    op: str = ""
    part: str = ""

    def source(self, file: str) -> str:
        """Return the text of one of the package's files with the bug in it.

        Raises
        ------
        ValueError
            If the file does not hold the right text just once: then file and bug have grown apart.
        """
        text = (FOLDER / file).read_text(encoding="utf-8")
        for right, wrong in self.edits[file]:
            if text.count(right) != 1:
                raise ValueError(f"bug {self.name}: {file} holds {right!r} {text.count(right)} times, expected once")
            text = text.replace(right, wrong)
        return text

    def difference(self) -> str:
        """Return what the bug changes, as a unified diff of every file."""
        lines: list[str] = []
        for file in self.edits:
            right = (FOLDER / file).read_text(encoding="utf-8").splitlines()
            wrong = self.source(file).splitlines()
            lines += difflib.unified_diff(right, wrong, f"right/{file}", f"wrong/{file}", n=2, lineterm="")
        return "\n".join(lines)

    def tiers(self) -> tuple[str, ...]:
        """Return the names of the tiers that it has an edit for."""
        return tuple(Path(file).stem for file in self.edits if file.startswith("tiers/"))

    def tier(self, name: str) -> Tier:
        """Return the built-in tier of that name with the bug in it."""
        module = ModuleType(f"{self.name}.{name}")
        exec(compile(self.source(f"tiers/{name}.py"), f"{name}.py with {self.name}", "exec"), vars(module))
        return cast(Tier, module)


def in_tiers(**edits: Edit) -> Edits:
    """Return edits by file from one (right, wrong) pair, or several, per tier.

    `numpy` stands for vector and tensor, whose lines are the same.
    """
    files: dict[str, tuple[tuple[str, str], ...]] = {}
    for name, edit in edits.items():
        pairs = (edit,) if isinstance(edit[0], str) else edit
        for tier in ("vector", "tensor") if name == "numpy" else (name,):
            files[f"tiers/{tier}.py"] = pairs
    return {file: files[file] for file in (f"tiers/{tier}.py" for tier in TIERS) if file in files}


@contextmanager
def planted(bug: Bug) -> Iterator[ModuleType]:
    """Import the package a second time, with the bug in it, for as long as the `with` block runs.

    Use the package that is handed over, `with planted(bug) as mt: mt.fit(...)`, and import nothing else of it from
    outside the block: what was imported before knows nothing of the bug.
    """
    finder = _Finder(bug)
    _with_all_names(PACKAGE)
    clean = _take_out_of_sys_modules()
    sys.meta_path.insert(0, finder)
    try:
        yield _with_all_names(PACKAGE)
    finally:
        sys.meta_path.remove(finder)
        _take_out_of_sys_modules()
        sys.modules.update(clean)


def _with_all_names(package: str) -> ModuleType:
    """Return the package with its public names, which it imports when they are first used: from its own copy now."""
    module = importlib.import_module(package)
    for name in module.__all__:
        getattr(module, name)
    return module


def _take_out_of_sys_modules() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
    return {name: sys.modules.pop(name) for name in names}


class _Finder(importlib.abc.MetaPathFinder):
    """Finds the modules that a bug changes, before Python finds the right ones."""

    def __init__(self, bug: Bug) -> None:
        self.bug = bug

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        inside = fullname.removeprefix(PACKAGE + ".").replace(".", "/")
        for file in (f"{inside}.py", f"{inside}/__init__.py"):
            if file in self.bug.edits:
                location = FOLDER / file
                places = [str(location.parent)] if file.endswith("__init__.py") else None
                return importlib.util.spec_from_file_location(
                    fullname, location, loader=_Loader(self.bug, file), submodule_search_locations=places
                )
        return None


class _Loader(importlib.abc.InspectLoader):
    """Loads one module from the text with the bug in it."""

    def __init__(self, bug: Bug, file: str) -> None:
        self.bug, self.file = bug, file

    def get_source(self, fullname: str) -> str:
        return self.bug.source(self.file)

    def is_package(self, fullname: str) -> bool:
        return self.file.endswith("__init__.py")

    def exec_module(self, module: Any) -> None:
        code = compile(self.bug.source(self.file), f"{self.file} with {self.bug.name}", "exec")
        exec(code, vars(module))
