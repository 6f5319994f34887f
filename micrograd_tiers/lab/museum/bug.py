"""How a bug is described, and how it gets into a program that is otherwise right.

A bug is a small edit of the package's own source: these lines, written like this instead. It can be read as a
difference, loaded as a tier, or planted in a second copy of the whole package; the first copy stays as it is.
"""

import ast
import difflib
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from ...tiers import TIERS, Tier
from ...tiers.assembly import changed_tier
from ...tiers.functions import files_of
from .matching import replaced

PACKAGE = __name__.split(".")[0]
FOLDER = Path(__file__).parents[2]

Edit = tuple[str, str, str]  # where, right, wrong
Edits = Mapping[str, tuple[Edit, ...]]
TierEdit = tuple[str, str] | Edit


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
    edits : mapping of str to tuple of (str, str, str)
        For each file that it changes ("network.py"), or, made by `in_tiers`, for each tier: where (a function, a class,
        a method, "Network.backprop"; "" is the whole file, or, in a tier, the op), what is right there, and occurs
        once, and what is wrong. `matching` says how the two are written, and what of the right text need not be as it
        is in the file. A bug that is in several tiers is the same in all of them.
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

    def files(self) -> Edits:
        """Return the edits by the files that they are made in."""
        if self.kind != "tier":
            return self.edits
        files: dict[str, tuple[Edit, ...]] = {}
        for tier, edits in self.edits.items():
            for where, right, wrong in edits:
                where = where or self.op
                file, edit = file_of(tier, where), (where, right, wrong)
                if edit not in files.get(file, ()):  # two tiers may share the file
                    files[file] = (*files.get(file, ()), edit)
        return files

    def source(self, file: str) -> str:
        """Return the text of one of the package's files with the bug in it.

        Raises
        ------
        ValueError
            If the file does not hold the right text just once: then file and bug have grown apart.
        """
        text = (FOLDER / file).read_text(encoding="utf-8")
        for where, right, wrong in self.files()[file]:
            try:
                text = replaced(text, where, right, wrong)
            except ValueError as error:
                place = f"{file}, {where}" if where else file
                raise ValueError(f"bug {self.name}: {place}: {error}") from None
        return text

    def difference(self) -> str:
        """Return what the bug changes, as a unified diff of every file."""
        lines: list[str] = []
        for file in self.files():
            right = (FOLDER / file).read_text(encoding="utf-8").splitlines()
            wrong = self.source(file).splitlines()
            lines += difflib.unified_diff(right, wrong, f"right/{file}", f"wrong/{file}", n=2, lineterm="")
        return "\n".join(lines)

    def tiers(self) -> tuple[str, ...]:
        """Return the names of the tiers that it has an edit for."""
        return tuple(self.edits) if self.kind == "tier" else ()

    def tier(self, name: str) -> Tier:
        """Return the built-in tier of that name with the bug in it."""
        files = {file_of(name, where or self.op) for where, *_ in self.edits[name]}
        texts = {file.removeprefix("tiers/").removesuffix(".py"): self.source(file) for file in files}
        return cast(Tier, changed_tier(name, f"{self.name}.{name}", texts))


def file_of(tier: str, where: str) -> str:
    """Return the file that holds this function or class of a built-in tier.

    Raises
    ------
    ValueError
        If none of them does.
    """
    name = where.partition(".")[0]
    for file in files_of(tier).values():
        if name in _defined_in(f"tiers/{file}.py"):
            return f"tiers/{file}.py"
    raise ValueError(f"no file of the {tier} tier holds {name!r}")


@cache
def _defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def in_tiers(**edits: TierEdit | tuple[TierEdit, ...]) -> Edits:
    """Return edits by tier from one (right, wrong), or several, per tier.

    They are made in the bug's op; (where, right, wrong) is made in another function. `numpy` stands for vector and
    tensor, whose lines are the same.
    """
    tiers: dict[str, tuple[Edit, ...]] = {}
    for name, edit in edits.items():
        several = (edit,) if isinstance(edit[0], str) else edit
        in_full = tuple(one if len(one) == 3 else ("", *one) for one in several)
        tiers |= dict.fromkeys(("vector", "tensor") if name == "numpy" else (name,), in_full)
    return {tier: tiers[tier] for tier in TIERS if tier in tiers}


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
            if file in self.bug.files():
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
