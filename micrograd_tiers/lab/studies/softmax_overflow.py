"""Where softmax and its logarithm break in floating point, and what repairs them."""

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
    """-log(e**z / sum of e**z), as it stands in the book."""
    e = np.exp(logits)
    loss: Array = -np.log(e / e.sum(axis=1, keepdims=True))
    return loss


def shifted(logits: Array) -> Array:
    """The same, with each row's largest logit subtracted first."""
    return naive(logits - logits.max(axis=1, keepdims=True))


def log_sum_exp(logits: Array) -> Array:
    """log of the sum of e**z, less z: no probability is formed."""
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
    """The loss of two logits, (gap, 0), whose right class is the second: gap + log(1 + e**-gap).

    Parameters
    ----------
    dtype : {"float64", "float32"}
    """

    dtype: str

    def run(self, data_dir: str | None) -> Result:
        """Return the loss in each form for every gap, and the gaps at which a form breaks first."""
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
    """Return one task for each dtype."""
    return [Losses("float32"), Losses("float64")]


def report(tasks: Sequence[Task], results: Sequence[Result]) -> StudyReport:
    """Return where each form breaks."""
    by_dtype = {task.dtype: result for task, result in zip(tasks, results, strict=True) if isinstance(task, Losses)}
    rows = [
        {
            "form": name,
            **{dtype: _breaks(result["breaks"][name]) for dtype, result in by_dtype.items()},
        }
        for name in FORMS
    ]
    f32, f64 = by_dtype["float32"], by_dtype["float64"]
    answer = (
        f"{table(rows)}\n\n"
        f"`e**z` is infinite from z = {f32['overflow']:.1f} (float32) and {f64['overflow']:.1f} (float64) on, and "
        "infinity over infinity is NaN: that ends the naive form. With the largest logit subtracted nothing "
        f"overflows, but the probability of the other class is rounded to 0 from a gap of {f32['underflow']:.1f} and "
        f"{f64['underflow']:.1f} on, and log 0 is minus infinity. Log-sum-exp forms no probability, so there is "
        "nothing to lose: the loss grows with the gap, as it should. The ops of this package take the largest term "
        f"out of the sum as well, and are within {f32['ours_off_by']:.0e} (float32) and {f64['ours_off_by']:.0e} "
        "(float64) of the exact value, which is how finely the two can tell numbers of this size apart."
    )
    keys = ("overflow", "underflow", "breaks")
    findings = {dtype: {key: result[key] for key in keys} for dtype, result in by_dtype.items()}

    def draw(path: Path) -> None:
        from ... import plots

        panels = []
        for dtype, result in by_dtype.items():
            n = int(np.sum(1.4 * result["underflow"] >= GAPS))
            # Each form is right until it breaks: the one that breaks first lies on top, so that all can be seen.
            lines = {name: (GAPS[:n].tolist(), result["losses"][name][:n]) for name in FORMS}
            title = f"{dtype}: loss of the class that is behind"
            panels.append(plots.Panel(title, "gap between the two logits", "loss (nats)", lines))
        plots.panels(path, panels)

    return StudyReport(answer, findings, {"loss": draw})


def _breaks(gap: float | None) -> str:
    return "never" if gap is None else f"from a gap of {gap:.1f} on"


STUDY = Study(
    "softmax-overflow",
    "Softmax and logarithm in floating point",
    "Where do softmax and log break, what does subtracting the largest logit repair, and what does log-sum-exp?",
    tasks,
    report,
)
