"""The process in which a tier is tested: it may hang, crash or exit without harm to the judge.

`python -m micrograd_tiers.lab.judge.worker TASK RESULT SIGN`: TASK is JSON, RESULT is the file to write the answer to,
and SIGN is a file that is touched before each call of the tier, so that the judge sees a call that does not return.
"""

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ...processes import end_with_parent
from ...tiers import OPS, TIERS, Tier
from .calls import case_at, chunks_of
from .cases import CASE_OF, OpCase
from .clock import CALL_LIMIT, CLOCK
from .diagnosis import diagnose, diagnose_support
from .drawing import LARGE_ARRAY
from .guard import numbers_of, unprinted
from .loading import Problem, load
from .pasting import calls_of, first_difference, in_form_of_tier
from .probing import PATIENCE, Diagnosis
from .properties import Finding
from .provenance import taken_op, taken_support
from .search import Search, judge_op
from .support import FUNCTIONS, built_in_like, completed, judge_support, makes_other_arrays
from .trajectory import judge_training, speeds

PATIENCE_SECONDS = 30.0  # for one diagnosis


def main(task: str, result: str, sign: str) -> None:
    """Do one task and write the answer to a file."""
    CLOCK.on_call = lambda: os.utime(sign)
    words = json.dumps(answer(**json.loads(task)))
    Path(result).write_text(words, encoding="utf-8")


def answer(
    tier: str,
    item: str,
    like: str = "",
    ops: Collection[str] = (),
    broken: Collection[str] = (),
    seconds: float = CALL_LIMIT,
) -> dict[str, Any]:
    """Return the answer to one task.

    Parameters
    ----------
    tier : str
        Name or file of the tier, as in `tiers.get_tier`.
    item : str
        "look", to list the functions; an op; a support function, or "support" for all of them; "training"; "speed".
    like : str
        Name of the built-in tier whose arrays the tier takes.
    ops : sequence of str
        Ops that have passed, for "training" and "speed".
    broken : sequence of str
        Support functions that are wrong; those of the built-in tier are used instead.
    seconds : float
        Time limit for one call.
    """
    CLOCK.limit = seconds
    with unprinted():  # a file may print when it is imported
        try:
            loaded = load(tier)
        except Problem as problem:
            return {"problem": str(problem)}
        np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")  # in case the file has changed it
        if item == "look":
            written = [name for name in (*OPS, *FUNCTIONS) if hasattr(loaded, name)]
            return {"like": like or built_in_like(loaded), "written": written}
        if item in OPS and {"asarray", "tolist"} & {*broken} and makes_other_arrays(loaded, like):
            return {"status": "not judged", "note": "needs a correct asarray and tolist"}
        whole = completed(loaded, like, without=broken)
        file = "" if tier in TIERS else getattr(loaded, "__file__", None) or tier
        if item == "support":
            return {name: judged(name, whole, like, file=file) for name in FUNCTIONS if hasattr(loaded, name)}
        if item == "speed":
            return {"speeds": speeds(whole, ops)}
        return judged(item, whole, like, ops, file)


def judged(item: str, tier: Tier, like: str, ops: Collection[str] = (), file: str = "") -> dict[str, Any]:
    """Judge one item of a complete tier, and return its status and its diagnosed findings, ready for JSON.

    Parameters
    ----------
    item, like, ops
        As in `answer`.
    tier : Tier
        The tier.
    file : str
        File of a tier that is not built in; then the answer also says what is taken from this package.
    """
    try:
        if item == "training":
            findings = judge_training(tier, ops)
        elif item in FUNCTIONS:
            findings = judge_support(item, tier)
        else:
            findings = judge_op(CASE_OF[item], tier, Search())
    except NotImplementedError:
        return {"status": "not yet written"}
    taken = ""
    if file and item != "training" and not any(finding.blocks for finding in findings):
        taken = taken_op(CASE_OF[item], tier, file) if item in CASE_OF else taken_support(item, tier, file)
    return {
        "status": "fail" if any(finding.level for finding in findings) else "pass",
        "findings": [_described(item, finding, tier, like) for finding in findings],
        "taken": taken,
    }


def _diagnosis(item: str, finding: Finding, tier: Tier, like: str) -> Diagnosis | None:
    try:
        with PATIENCE.of(PATIENCE_SECONDS):
            if item in CASE_OF:
                return diagnose(CASE_OF[item], tier, finding, like)
            return diagnose_support(item, finding, like)
    except Exception:  # foreign code may fail again: then the finding has no likely bug
        return None


def _described(item: str, finding: Finding, tier: Tier, like: str) -> dict[str, Any]:
    message, expected, got = finding.message, finding.expected, finding.got
    described: dict[str, Any] = {}
    if finding.example is not None:
        case = case_at(CASE_OF[item], tier)
        described = _example(case, tier, finding)
        if finding.property != "shape" and finding.kind != "purity":
            expected, got = (in_form_of_tier(case, tier, finding.part, a) for a in (expected, got))
        difference = first_difference(expected, got)
        if difference is not None:
            where, expected, got = difference
            message = f"{message}: {where}"
    return {
        "part": finding.part,
        "property": finding.property,
        "level": finding.level,
        "kind": finding.kind,
        "message": message,
        "expected": _listed(expected),
        "got": _listed(got),
        "blocks": finding.blocks,
        **described,
        "likely_bug": None if (diagnosis := _diagnosis(item, finding, tier, like)) is None else vars(diagnosis),
    }


def _example(case: OpCase, tier: Tier, finding: Finding) -> dict[str, Any]:
    """Return the arguments of the first call on the finding's example, by name, and the calls as code."""
    assert finding.example is not None
    inputs, dy = next(chunks_of(case, tier, finding.example))
    arguments = dict(zip(case.arguments, inputs, strict=False))
    if finding.part != "value":
        arguments["dloss" if case.is_loss else "dy"] = dy
    listed = {name: _listed(numbers_of(tier, a)) if _is_array(a) else a for name, a in arguments.items()}
    calls = calls_of(case, tier, finding.example, finding.part, finding.detail)
    return {"example": listed, "calls": calls}


def _is_array(a: Any) -> bool:
    return not isinstance(a, int | float | tuple | str) and a is not None


def _listed(a: Any) -> Any:
    """Return an array as lists; of a large one only the shape."""
    if isinstance(a, np.ndarray) and a.size > LARGE_ARRAY:
        return f"an array of shape {a.shape}"
    return a.tolist() if isinstance(a, np.ndarray | np.number) else a


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
