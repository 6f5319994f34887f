"""Demonstrations of bugs: training with and without the bug, from the same seed, on the same samples.

Each bug has a scene in which it acts (`scenes`). The figures shown are those that the program itself reports, so
the bug may falsify them.
"""

import math
import re
import textwrap
import time
import warnings
from contextlib import nullcontext
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType

import numpy as np

from ...rng import generator
from ...tiers import TIERS, Tier
from .bug import PACKAGE, Bug, planted
from .scenes import Scene, scene_of
from .scenes.images import Images
from .scenes.names import Names
from .scenes.samples import glyphs
from .trace import Trace

FOLDER_OF_FILES = r"\S*glyphs-\w+[\\/]"  # a temporary folder, removed from error messages


@dataclass(frozen=True)
class Demonstration:
    """Result of training without a bug and with it.

    Attributes
    ----------
    task : str
        Description of the training: net, loss, optimizer, data, tier.
    n_samples : int
        Number of training samples in an epoch.
    n_classes : int
        Number of classes; guessing is right in one of n_classes cases.
    right, wrong : Trace
        The run without the bug and the run with it.
    loss_spread : float or None
        Difference in loss that chance explains, where the loss tells more than the accuracy.
    """

    task: str
    n_samples: int
    n_classes: int
    right: Trace
    wrong: Trace
    loss_spread: float | None = None

    def other_figures(self) -> dict[str, tuple[float | str | None, float | str | None]]:
        """Return the figures besides losses and accuracies that differ by more than rounding: right and wrong."""
        pairs = {name: (right, self.wrong.figures.get(name)) for name, right in self.right.figures.items()}
        return {name: pair for name, pair in pairs.items() if not _same(*pair)}

    def verdict(self) -> str:
        """Return one line that says how visible the bug is."""
        right, wrong = self.right, self.wrong
        if right.error or wrong.error:
            return f"the right program {_ending(right)}; with the bug it {_ending(wrong)}"
        a, b = right.accuracy[-1], wrong.accuracy[-1]
        if (right.loss, right.accuracy) == (wrong.loss, wrong.accuracy):
            other = ", ".join(self.other_figures())
            seen = f"the only difference is in {other}" if other else "all other figures are equal, too"
            return f"accuracy {b:.1%}, and not a digit of the curves differs; {seen}"
        text = f"accuracy {b:.1%}, as it should be" if a == b else f"accuracy {b:.1%} instead of {a:.1%}"
        if not math.isfinite(wrong.loss[-1]):
            return f"{text}: the loss is {wrong.loss[-1]:g}"
        if self.loss_spread is not None:
            text = f"loss {wrong.loss[-1]:.3f} instead of {right.loss[-1]:.3f}"
            return f"{text}: {_noticed(right.loss[-1] - wrong.loss[-1], self.loss_spread)}"
        chance = 1 / self.n_classes
        if b < chance / 3:
            return f"{text}: far worse than guessing"
        if b < chance + 0.05 < a:
            return f"{text}: no better than guessing"
        if a - b > 0.15:
            return f"{text}: much worse, but it learns something"
        ratio = (wrong.loss[-1] + 1e-3) / (right.loss[-1] + 1e-3)  # two losses near 0 count as equal
        if abs(b - a) <= 0.03 and not 0.5 < ratio < 2:
            return f"{text}; but the reported loss is {ratio:.2g} times as large"
        return f"{text}: {_noticed(b - a, 0.03)}"


def _noticed(gain: float, spread: float) -> str:
    """Return what a person makes of a gain, or of a loss if it is negative; chance explains a spread."""
    if gain > spread:
        return "better, so nobody would look for a bug"
    return "worse, and easily blamed on the settings" if gain < -spread else "nobody would notice"


def demonstrate(bug: Bug, *, tier: str | None = None, seed: int = 0) -> Demonstration:
    """Train without the bug and with it.

    Parameters
    ----------
    bug : Bug
        Bug to demonstrate.
    tier : str, optional
        Tier of the nets. The default is the fastest one in which the bug acts. Not allowed for a bug of the engine.
    seed : int, default 0
        Seed of the samples, the starting weights and the order of the samples; at least 0.

    Returns
    -------
    Demonstration
        The task, and the records of both runs.

    Raises
    ------
    ValueError
        If the bug is not in this tier, a tier is given for a bug of the engine, or the seed is negative.
    """
    generator(seed)
    scene = scene_of(bug)
    name = _tier_name(bug, tier, scene)
    right, wrong = (trained(scene, which, name, seed) for which in (None, bug))
    spread = scene.loss_spread(name) if isinstance(scene, Names) else None
    return Demonstration(scene.task(name), scene.n_samples(name), scene.n_classes, right, wrong, spread)


def trained(scene: Scene, bug: Bug | None, tier: str, seed: int) -> Trace:
    """Train in a scene with a bug, or without one if it is None, and return the record.

    Parameters
    ----------
    scene : Scene
    bug : Bug or None
    tier : str
        Name of the tier of the nets; "" in a scene of the engine.
    seed : int
    """
    tier_of_nets = bug.tier(tier) if bug is not None and bug.kind == "tier" else tier
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        clean = import_module(PACKAGE)
        with nullcontext(clean) if bug is None or bug.kind == "tier" else planted(bug) as package:
            return _traced(scene, package, tier_of_nets, tier, seed)


def _tier_name(bug: Bug, tier: str | None, scene: Scene) -> str:
    if bug.kind == "engine":
        if tier is not None:
            raise ValueError(f"bug {bug.name} is in the engine, which has no tiers: leave out --tier")
        return ""
    known = tuple(name for name in TIERS if name in bug.tiers()) if bug.kind == "tier" else TIERS
    if tier is not None and tier not in known:
        raise ValueError(f"bug {bug.name} is not in the tier {tier!r}, expected one of {', '.join(known)}")
    return tier or (scene.best_tier if scene.best_tier in known else known[-1])


def _traced(scene: Scene, package: ModuleType, tier: str | Tier, name: str, seed: int) -> Trace:
    # Imported first, so that the imports do not count as training time.
    for part in ("nn", "models", "training", "checkpoints"):
        import_module(f"{PACKAGE}.{part}")
    if isinstance(scene, Images):
        glyphs(seed)
    trace = Trace()
    start = time.perf_counter()
    try:
        scene.train(package, trace, tier, name, seed)
    except Exception as error:  # a bug may raise anything; the error is then its effect
        trace.error = re.sub(FOLDER_OF_FILES, "", f"{type(error).__name__}: {error}")
    trace.seconds = time.perf_counter() - start
    trace.loss, trace.accuracy = [float(x) for x in trace.loss], [float(x) for x in trace.accuracy]
    return trace


def _same(a: float | str | None, b: float | str | None) -> bool:
    """Return True for equal texts, two NaN, and numbers that differ by rounding alone."""
    if isinstance(a, float) and isinstance(b, float):
        return math.isclose(a, b, rel_tol=1e-12) or (math.isnan(a) and math.isnan(b))
    return a == b


def _ending(trace: Trace) -> str:
    if trace.error:
        return f"stops with {textwrap.shorten(trace.error, 110, placeholder=' ...')}"
    return f"runs to its end with accuracy {trace.accuracy[-1]:.1%} and loss {trace.loss[-1]:.3g}"
