"""The description of a bug, and ways to put it into an otherwise right program.

A bug is a small edit of the package's own source: a right snippet and the wrong one that replaces it. It can be read
as a diff, loaded as a tier, or planted in a second copy of the whole package. The first copy does not change.
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
from textwrap import fill
from types import ModuleType
from typing import Any, cast

from ... import html
from ...tiers import TIERS, Tier
from ...tiers.assembly import changed_tier, compiled
from ...tiers.functions import files_of
from .matching import replaced

PACKAGE = __name__.split(".")[0]
FOLDER = Path(__file__).parents[2]

Edit = tuple[str, str, str]  # (where, right, wrong)
Edits = Mapping[str, tuple[Edit, ...]]
TierEdit = tuple[str, str] | Edit


@dataclass(frozen=True, eq=False)
class Bug:
    """A planted bug: an edit of the source, and the texts that explain it.

    Attributes
    ----------
    name : str
        Name in snake case. For a tier bug it usually begins with the op or a short form of it.
    title : str
        The mistake, in one line.
    kind : {"tier", "network", "training", "engine", "data", "text"}
        Part of the program that has the bug.
    edits : mapping of str to tuple of (str, str, str)
        Edits (where, right, wrong) for each file, such as "network.py". For a tier bug, edits for each tier, as
        returned by `in_tiers`. `where` is a function, a class or a method, such as "Network.backprop"; "" is the whole
        file or, for a tier bug, the op. `right` is a snippet that must occur exactly once there, and `wrong` replaces
        it. `matching` defines which differences in layout are ignored. A bug in several tiers is the same mistake in
        each of them.
    symptom : str
        Effect that somebody who trains with the bug would notice, if any.
    property : str
        The weakest property that catches the bug.
    explanation : str
        The reason why it is wrong, and why it shows or does not show.
    hint : str
        A question that leads to the bug without naming the fix.
    op, part : str
        For a tier bug: the op, and the first part of it that is wrong, "value" or a gradient such as "dx" or
        "dweight". Otherwise "".
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

    def __repr__(self) -> str:
        return f"<Bug {self.name}: {self.title}>"

    def _repr_html_(self) -> str:
        title, symptom = html.escape(f"{self.name}: {self.title}"), html.escape(self.symptom)
        why = fill(f"{self.explanation} Caught by: {self.property}.", 100)
        parts = html.folded("Explanation", why) + html.folded("Source", self.difference())
        return f"<b>{title}</b><p>{symptom}</p>{parts}"

    def files(self) -> Edits:
        """Return the edits, grouped by file."""
        if self.kind != "tier":
            return self.edits
        files: dict[str, tuple[Edit, ...]] = {}
        for tier, edits in self.edits.items():
            for where, right, wrong in edits:
                where = where or self.op
                file, edit = file_of(tier, where), (where, right, wrong)
                if edit not in files.get(file, ()):  # two tiers may share a file
                    files[file] = (*files.get(file, ()), edit)
        return files

    def source(self, file: str) -> str:
        """Return the source of one of the package's files, with the bug in it.

        Raises
        ------
        ValueError
            If a right snippet does not occur exactly once: the file has changed since the bug was written.
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
        """Return a unified diff of all files that the bug changes."""
        lines: list[str] = []
        for file in self.files():
            right = (FOLDER / file).read_text(encoding="utf-8").splitlines()
            wrong = self.source(file).splitlines()
            lines += difflib.unified_diff(right, wrong, f"right/{file}", f"wrong/{file}", n=2, lineterm="")
        return "\n".join(lines)

    def tiers(self) -> tuple[str, ...]:
        """Return the names of the tiers that have the bug; empty unless it is a tier bug."""
        return tuple(self.edits) if self.kind == "tier" else ()

    def tier(self, name: str) -> Tier:
        """Return the built-in tier with this name, with the bug in it."""
        files = {file_of(name, where or self.op) for where, *_ in self.edits[name]}
        texts = {file.removeprefix("tiers/").removesuffix(".py"): self.source(file) for file in files}
        return cast(Tier, changed_tier(name, f"{self.name}.{name}", texts))


def file_of(tier: str, where: str) -> str:
    """Return the path of the file that defines a function or class of a built-in tier.

    Raises
    ------
    ValueError
        If no file of the tier defines it.
    """
    name = where.partition(".")[0]
    for file in files_of(tier).values():
        if name in _defined_in(f"tiers/{file}.py"):
            return f"tiers/{file}.py"
    raise ValueError(f"no file of the {tier} tier defines {name!r}")


@cache
def _defined_in(file: str) -> frozenset[str]:
    tree = ast.parse((FOLDER / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))


def in_tiers(**edits: TierEdit | tuple[TierEdit, ...]) -> Edits:
    """Return edits by tier.

    Parameters
    ----------
    **edits : (str, str), (str, str, str), or a tuple of these
        For each tier, one or several edits. (right, wrong) edits the bug's op, and (where, right, wrong) edits another
        function. The key `numpy` stands for both vector and tensor; use it if both have the same lines.
    """
    tiers: dict[str, tuple[Edit, ...]] = {}
    for name, edit in edits.items():
        several = (edit,) if isinstance(edit[0], str) else edit
        in_full = tuple(one if len(one) == 3 else ("", *one) for one in several)
        tiers |= dict.fromkeys(("vector", "tensor") if name == "numpy" else (name,), in_full)
    return {tier: tiers[tier] for tier in TIERS if tier in tiers}


@contextmanager
def planted(bug: Bug) -> Iterator[ModuleType]:
    """Import a second copy of the package, with the bug in it, for the duration of a `with` block.

    Inside the block, use only the yielded package: `with planted(bug) as mt: mt.fit(...)`. Names that were imported
    before the block belong to the first copy, which does not have the bug.

    Parameters
    ----------
    bug : Bug
        Bug to plant.

    Yields
    ------
    module
        The package with the bug.
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
    """Import a package and all its public names, so that none is imported later, from another copy."""
    module = importlib.import_module(package)
    for name in module.__all__:
        getattr(module, name)
    return module


def _take_out_of_sys_modules() -> dict[str, ModuleType]:
    names = [name for name in sys.modules if name.partition(".")[0] == PACKAGE]
    return {name: sys.modules.pop(name) for name in names}


class _Finder(importlib.abc.MetaPathFinder):
    """Import finder for the modules that a bug changes. It runs before Python's own finders."""

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
    """Import loader for one module, from its source with the bug in it."""

    def __init__(self, bug: Bug, file: str) -> None:
        self.bug, self.file = bug, file

    def get_source(self, fullname: str) -> str:
        return self.bug.source(self.file)

    def is_package(self, fullname: str) -> bool:
        return self.file.endswith("__init__.py")

    def exec_module(self, module: Any) -> None:
        exec(compiled(self.bug.source(self.file), f"{self.file} with {self.bug.name}"), vars(module))
