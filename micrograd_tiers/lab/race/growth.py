"""The cost of growth: time per sample of each tier against the hidden units, the batch size and the depth."""

from dataclasses import dataclass, replace

import numpy as np

from ...tiers import TIERS
from .cases import Case
from .race import Race

SCALAR_BATCH = 4  # instead of 64: the batch size series shows that the time per sample does not depend on it
LONGEST = 600.0  # longest acceptable time for an epoch of MNIST, in seconds
MNIST = 60_000  # training samples

HIDDEN = (10, 30, 100, 300, 1000, 3000)
BATCHES = (1, 4, 16, 64, 256, 1024, 4096)
DEPTHS = (1, 2, 4, 8, 16)
SERIES = {
    "hidden units": [(hidden, Case((784, hidden, 10), 64)) for hidden in HIDDEN],
    "batch size": [(batch, Case((784, 30, 10), batch)) for batch in BATCHES],
    "hidden layers": [(depth, Case((784, *[100] * depth, 10), 64)) for depth in DEPTHS],
}
NETS = {"hidden units": "784-H-10, batch 64", "batch size": "784-30-10", "hidden layers": "784-100-...-10, batch 64"}


@dataclass(frozen=True)
class GrowthCurve:
    """Time per sample of one tier against one size.

    Attributes
    ----------
    grows : str
        The size that grows: "hidden units", "batch size" or "hidden layers".
    tier : str
    sizes : list of int
    seconds : list of float
        Time per sample at each size.
    """

    grows: str
    tier: str
    sizes: list[int]
    seconds: list[float]

    @property
    def slope(self) -> float:
        """Exponent of growth over the last three sizes: 1 is proportional to the size, 0 is constant."""
        return float(np.polyfit(np.log(self.sizes[-3:]), np.log(self.seconds[-3:]), 1)[0])

    @property
    def sensible(self) -> int | None:
        """Largest size at which an epoch of MNIST, 60,000 samples, takes at most ten minutes; None if none does."""
        fit = [size for size, seconds in zip(self.sizes, self.seconds, strict=True) if seconds * MNIST <= LONGEST]
        return max(fit, default=None)


def measure_growth(race: Race) -> list[GrowthCurve]:
    """Race the tiers at all sizes; the scalar tier only at those whose step takes at most a few seconds."""
    curves = []
    for grows, points in SERIES.items():
        seconds: dict[str, dict[int, float]] = {tier: {} for tier in TIERS}
        for size, case in points:
            few = case if grows == "batch size" else replace(case, batch_size=SCALAR_BATCH)
            for row in [*race.run(case, TIERS[1:]), *race.run(few, TIERS[:1])]:
                seconds[row.contender][size] = row.median / row.case.batch_size
        curves += [GrowthCurve(grows, tier, [*found], [*found.values()]) for tier, found in seconds.items()]
    return curves
