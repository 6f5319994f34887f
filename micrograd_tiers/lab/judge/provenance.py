"""Provenance: whether an op is its author's own work, or code of this package runs in it.

The calls are watched, so it does not matter how the package's function got there: by import, under another name, in a
wrapper, a partial function, a copy of the function object or of its source.
"""

import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import chain, islice
from pathlib import Path
from types import CodeType, FrameType, FunctionType
from typing import Any

from ... import _engine, engine  # noqa: F401  # so that an op that imports them runs no code of theirs
from ...tiers import TIERS, Tier
from ...tiers.functions import PACKAGE as TIERS_PACKAGE
from ...tiers.functions import files_of, names_in
from .calls import case_at, chunks_of
from .cases import OpCase
from .clock import CLOCK, OutOfTime
from .guard import unprinted

FOLDER = Path(__file__).parents[2]
PACKAGE = TIERS_PACKAGE.partition(".")[0]
FILES = {file: kind for tier in TIERS for kind, file in files_of(tier).items()}
OP_FILES = {file for file, kind in FILES.items() if kind not in ("helpers", "windows", "sums")}
HELPERS = {f"tiers.{file}" for file, kind in FILES.items() if kind == "helpers"}
# Ops and derivatives are found here.
FORMULAS = {"lab.judge.formulas", "lab.judge.documents.formulas"}
SOLUTIONS = {f"tiers.{file.replace('/', '.')}" for file in OP_FILES} | {"engine", "_engine"} | FORMULAS
GRADIENT_CHECKS = "lab.gradcheck."


def taken_op(case: OpCase, tier: Tier, own_file: str) -> str:
    """Return the function of this package that runs when an op or one of its vjps is called; "" if none does.

    Parameters
    ----------
    case, tier
        The op to call, on a few examples of each kind.
    own_file : str
        File of the tier; what it defines is its own, even if it is a file of this package.
    """
    case, op = case_at(case, tier), getattr(tier, case.name)
    examples = case.examples
    some = chain([examples.plain], islice(examples.ordinary.sweep(1), 2), islice(examples.extreme.sweep(1), 2))
    with _watched(_is_solution, own_file) as seen:
        for example in chain(some, examples.special):
            try:
                for inputs, dy in chunks_of(case, tier, example):
                    for vjp in CLOCK.timed(op)(*inputs)[1]:
                        CLOCK.timed(vjp)(dy)
            except OutOfTime:
                break
            except Exception:  # what fails is for the other checks
                continue
    return seen[0] if seen else ""


def taken_support(name: str, tier: Tier, own_file: str) -> str:
    """Return the function of this package that does the work of a support function; "" if none does."""

    def is_it(module: str, code: CodeType) -> bool:
        of_chunks = name == "chunks" and code.co_name in ("samples", "whole_batch")
        return (module in HELPERS and (code.co_name == name or of_chunks)) or (
            name == "moments" and module == "tiers.batch"
        )

    function = getattr(tier, name)
    with _watched(is_it, own_file) as seen, suppress(Exception):
        a, b = tier.asarray([[1.0, 2.0]]), tier.asarray([[1.0, 2.0]])
        seen.clear()
        if name == "asarray":
            function([[1.0]])
        elif name == "add_scaled":
            function(a, b, 1.0)
        elif name == "elementwise":
            function(lambda x: x, a)
        elif name == "chunks":
            [*function(a)]
        else:
            function(a)
    return seen[0] if seen else ""


def _is_solution(module: str, code: CodeType) -> bool:
    return (module in SOLUTIONS or module.startswith(GRADIENT_CHECKS)) and code.co_name != "<module>"


@contextmanager
def _watched(counts: Callable[[str, CodeType], bool], own_file: str) -> Iterator[list[str]]:
    """Collect the functions of this package that are called in the block, in this thread and in new ones."""
    seen: list[str] = []
    own = Path(own_file).resolve()

    def profile(frame: FrameType, event: str, argument: Any) -> None:
        if event == "call":
            code = frame.f_code
            module = _module(frame.f_globals.get("__name__", ""), code)
            if module and counts(module, code) and Path(code.co_filename) != own:
                seen.append(f"{PACKAGE}.{module}.{code.co_name}")

    before = sys.getprofile()
    sys.setprofile(profile)
    threading.setprofile(profile)
    try:
        with unprinted():
            yield seen
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def _module(name: str, code: CodeType) -> str:
    """Return the module of this package that a function comes from, without the package; "" for other functions."""
    if name.startswith(f"{PACKAGE}."):
        return name.removeprefix(f"{PACKAGE}.")
    file = Path(code.co_filename)
    if file.is_relative_to(FOLDER):
        return ".".join(file.relative_to(FOLDER).with_suffix("").parts)
    if code.co_filename.startswith("<"):  # source text that was executed
        return _sources().get((code.co_name, code.co_code), "")
    return ""


@cache
def _sources() -> dict[tuple[str, bytes], str]:
    """Return the module of each op of this package, keyed by name and bytecode."""
    return {
        (function.__code__.co_name, function.__code__.co_code): f"tiers.{file.replace('/', '.')}"
        for file in OP_FILES
        for function in names_in(file).values()
        if isinstance(function, FunctionType) and function.__module__ == f"{TIERS_PACKAGE}.{file.replace('/', '.')}"
    }
