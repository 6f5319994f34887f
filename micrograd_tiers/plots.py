"""Pictures: tiers side by side, training curves, confusion matrices, images, points in the plane, races, targets.

Each function returns a matplotlib `Figure`, which shows itself in a notebook. It is built without pyplot, so no window,
backend or global setting is touched. `path=` also writes it to a file, whole or not at all; the suffix selects PNG, SVG
or PDF (PNG if there is none). `axes=` draws into your own axes, in your own style, and returns their figure, of which
nothing else changes; each function says how many it takes. An unknown suffix, another number of axes, or arrays that do
not fit together, raise a ValueError. The functions are defined in `figures`, by subject.
"""

from .colors import PALETTE, TIER_COLORS
from .figures.confusion import confusion_matrix
from .figures.data import image_grid, prepared_images, scatter_2d
from .figures.losses import loss_curves, right_and_wrong
from .figures.matrices import matrices
from .figures.panels import Panel, panels
from .figures.race import GrowthPanel, Speed, Times, benchmark, growth
from .figures.targets import TargetPanel, targets
from .figures.tiers import ComparisonCase, Curve, comparison

__all__ = [
    "PALETTE", "TIER_COLORS", "ComparisonCase", "Curve", "GrowthPanel", "Panel", "Speed", "TargetPanel", "Times",
    "benchmark", "comparison", "confusion_matrix", "growth", "image_grid", "loss_curves", "matrices", "panels",
    "prepared_images", "right_and_wrong", "scatter_2d", "targets",
]  # fmt: skip
