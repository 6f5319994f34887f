"""Softmax and its logarithm in floating point: the logits at which each formula breaks, and how to avoid it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...tiers import get_tier
from .study import Study, StudyReport, table
from .tasks import Result, Task

Array = NDArray[Any]
FINE = np.arange(1, 2000, 0.1)
GAPS = np.concatenate([np.arange(0, 120, 2.0), np.arange(120, 1200, 20.0)])


def naive(logits: Array) -> Array:
    """Return -log(e**z / sum of e**z), computed as in textbooks."""
    e = np.exp(logits)
    loss: Array = -np.log(e / e.sum(axis=1, keepdims=True))
    return loss


def shifted(logits: Array) -> Array:
    """Return the same loss as `naive`, but first subtract the largest logit of each row."""
    return naive(logits - logits.max(axis=1, keepdims=True))


def log_sum_exp(logits: Array) -> Array:
    """Return log(sum of e**z) - z, which needs no probability."""
    largest = logits.max(axis=1, keepdims=True)
    loss: Array = np.log(np.exp(logits - largest).sum(axis=1, keepdims=True)) + largest - logits
    return loss


FORMS: dict[str, Callable[[Array], Array]] = {
    "naive": naive,
    "largest logit subtracted": shifted,
    "log-sum-exp": log_sum_exp,
}


@dataclass(frozen=True)
class Losses:
    """Compute the loss of two logits, (gap, 0), if the second class is right: gap + log(1 + e**-gap).

    Parameters
    ----------
    dtype : {"float64", "float32"}
    """

    dtype: str

    def run(self, data_dir: str | None) -> Result:
        """Return the loss by each formula for every gap, and the smallest gap at which each formula breaks."""
        logits = np.stack([GAPS, np.zeros_like(GAPS)], axis=1).astype(self.dtype)
        with np.errstate(all="ignore"):
            losses = {name: form(logits)[:, 1].astype(float) for name, form in FORMS.items()}
            overflow = next(z for z in FINE if np.isinf(np.exp(np.array(z, self.dtype))))
            underflow = next(z for z in FINE if np.exp(np.array(-z, self.dtype)) == 0)
        tensor = get_tier("tensor")
        ours = [tensor.softmax_cross_entropy(row[None], np.array([1]))[0] for row in logits]
        return {
            "overflow": float(overflow),
            "underflow": float(underflow),
            "breaks": {name: self._breaks(form) for name, form in FORMS.items()},
            "losses": {name: np.where(np.isfinite(loss), loss, np.nan).tolist() for name, loss in losses.items()},
            "ours_off_by": float(np.max(np.abs(np.array(ours) - GAPS - np.log1p(np.exp(-GAPS))) / np.maximum(1, GAPS))),
        }

    def _breaks(self, form: Callable[[Array], Array]) -> float | None:
        with np.errstate(all="ignore"):
            broken = ~np.isfinite(form(np.stack([FINE, np.zeros_like(FINE)], axis=1).astype(self.dtype))[:, 1])
        return float(FINE[broken.argmax()]) if broken.any() else None


def tasks(quick: bool) -> list[Task]:
    """Return a task for each dtype."""
    return [Losses("float32"), Losses("float64")]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Report the gap at which each formula breaks."""
    by_dtype = {task.dtype: result for task, result in zip(tasks, results, strict=True) if isinstance(task, Losses)}
    rows = [
        {
            "formula": name,
            **{dtype: _breaks(result["breaks"][name]) for dtype, result in by_dtype.items()},
        }
        for name in FORMS
    ]
    f32, f64 = by_dtype["float32"], by_dtype["float64"]
    answer = (
        f"{table(rows)}\n\n"
        "There are two logits, the gap and 0. The second class, with the smaller logit, is the right one, and the loss "
        "is minus the logarithm of its probability.\n\n"
        f"- Naive: `e**z` overflows to infinity for z of {f32['overflow']:.1f} and more in float32, and of "
        f"{f64['overflow']:.1f} and more in float64. Infinity divided by infinity is NaN.\n"
        "- Largest logit subtracted: nothing overflows, but the probability of the second class underflows to 0 at "
        f"gaps of {f32['underflow']:.1f} and more in float32, and of {f64['underflow']:.1f} and more in float64. Then "
        "its logarithm is minus infinity.\n"
        "- Log-sum-exp: the loss is computed as the logarithm of the sum of all `e**z`, minus the logit of the right "
        "class. No logarithm of a probability is taken. Here, too, the largest logit is first subtracted from all "
        "logits, and small terms of the sum may underflow. But next to the largest term, 1, they do not matter: the "
        "loss grows with the gap, as it should.\n\n"
        "The ops of this package use log-sum-exp, and also take the largest term out of the sum. The relative error of "
        f"their losses is at most {f32['ours_off_by']:.0e} in float32 and {f64['ours_off_by']:.0e} in float64, about "
        "the rounding error of these types."
    )
    keys = ("overflow", "underflow", "breaks")
    findings = {dtype: {key: result[key] for key in keys} for dtype, result in by_dtype.items()}

    def draw(path: Path) -> None:
        from ... import plots

        panels = []
        for dtype, result in by_dtype.items():
            n = int(np.sum(1.4 * result["underflow"] >= GAPS))
            # Each formula is right until it breaks. The one that breaks first is drawn on top, so that all are visible.
            lines = {name: (GAPS[:n].tolist(), result["losses"][name][:n]) for name in FORMS}
            title = f"{dtype}: loss of the smaller logit's class"
            panels.append(plots.Panel(title, "gap between the two logits", "loss (nats)", lines))
        plots.panels(panels, path=path)

    return StudyReport(answer, findings, {"loss": draw})


def _breaks(gap: float | None) -> str:
    return "never breaks" if gap is None else f"breaks at gaps of {gap:.1f} and more"


STUDY = Study(
    "softmax-overflow",
    "Softmax and logarithm in floating point",
    "At which logits do softmax and log break? Does it help to subtract the largest logit, or to use log-sum-exp?",
    tasks,
    report,
)
