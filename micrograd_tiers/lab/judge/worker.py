"""The process in which a tier is tested: it may hang, crash or exit without harm to the judge.

`python -m micrograd_tiers.lab.judge.worker TASK RESULT`: TASK is JSON, and RESULT is the file to write the answer to.
"""

import contextlib
import io
import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np

from ...processes import end_with_parent
from ...tiers import OPS, SUPPORT, TIERS, Tier, get_tier
from .cases import CASE_OF
from .diagnosis import diagnose, diagnose_support
from .probing import Diagnosis
from .properties import Finding
from .search import Search, judge_op
from .support import built_in_like, completed, judge_support
from .trajectory import judge_training, speeds


def main(task: str, result: str) -> None:
    """Do one task and write the answer to a file."""
    try:
        words = json.dumps(answer(**json.loads(task)))
    except SystemExit:
        raise RuntimeError("SystemExit: the file ends the program") from None
    Path(result).write_text(words, encoding="utf-8")


def answer(
    tier: str,
    item: str,
    like: str = "",
    ops: Collection[str] = (),
    broken: Collection[str] = (),
    seconds: float = 30.0,
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
        Time limit for trying examples of an op.
    """
    with contextlib.redirect_stdout(io.StringIO()):  # a file may print when it is imported
        real = get_tier(tier) if tier in TIERS else _from_file(tier)
        np.seterr(divide="warn", over="warn", under="ignore", invalid="warn")  # in case the file has changed it
        if item == "look":
            written = [name for name in (*OPS, *SUPPORT) if hasattr(real, name)]
            return {"like": like or built_in_like(real), "written": written}
        whole = completed(real, like, without=broken)
        if item == "support":
            return {name: judged(name, whole, like) for name in SUPPORT if hasattr(real, name)}
        if item == "speed":
            return {"speeds": speeds(whole, ops)}
        return judged(item, whole, like, ops, seconds)


def judged(item: str, tier: Tier, like: str, ops: Collection[str] = (), seconds: float = 30.0) -> dict[str, Any]:
    """Judge one item of a complete tier, and return its status and its diagnosed findings, ready for JSON."""
    try:
        if item == "training":
            findings = judge_training(tier, ops)
        elif item in SUPPORT:
            findings = judge_support(item, tier)
        else:
            findings = judge_op(CASE_OF[item], tier, Search(seconds=seconds))
    except NotImplementedError:
        return {"status": "not yet written"}
    return {
        "status": "fail" if findings else "pass",
        "findings": [_described(item, finding, tier, like) for finding in findings],
    }


def _from_file(tier: str) -> Any:
    try:
        return get_tier(tier)
    except ValueError as error:
        raise (error.__cause__ or error) from None  # the judge shows only the last line


def _diagnosis(item: str, finding: Finding, tier: Tier, like: str) -> Diagnosis | None:
    try:
        if item in CASE_OF:
            return diagnose(CASE_OF[item], tier, finding, like)
        return diagnose_support(item, finding, like)
    except Exception:  # foreign code may fail again: then the finding has no likely bug
        return None


def _described(item: str, finding: Finding, tier: Tier, like: str) -> dict[str, Any]:
    described: dict[str, Any] = {
        "part": finding.part,
        "property": finding.property,
        "message": finding.message,
        "expected": _listed(finding.expected),
        "got": _listed(finding.got),
        "blocks": finding.blocks,
    }
    if finding.example is not None:
        case = CASE_OF[item]
        described["example"] = dict(zip(case.arguments, map(_listed, finding.example.inputs), strict=True))
        if finding.part != "value":
            described["example"]["dloss" if case.is_loss else "dy"] = _listed(finding.example.dy)
    diagnosis = _diagnosis(item, finding, tier, like)
    described["likely_bug"] = None if diagnosis is None else vars(diagnosis)
    return described


def _listed(a: Any) -> Any:
    return a.tolist() if isinstance(a, np.ndarray | np.number) else a


if __name__ == "__main__":
    end_with_parent()
    main(*sys.argv[1:])
