"""Pictures: tiers side by side, training curves, confusion matrices, images, points in the plane, races.

Figures are built without pyplot, so no window, backend or global setting is touched. Each function writes one file,
whole or not at all. The suffix of its path selects PNG, SVG or PDF (PNG if there is none). An unknown suffix, or arrays
that do not fit together, raise a ValueError. The functions are defined in `figures`, by subject.
"""

from .colors import PALETTE, TIER_COLORS
from .figures.confusion import confusion_matrix
from .figures.data import image_grid, prepared_images, scatter_2d
from .figures.losses import loss_curves, right_and_wrong
from .figures.panels import Panel, panels
from .figures.race import GrowthPanel, Speed, Times, benchmark, growth
from .figures.tiers import ComparisonCase, Curve, comparison

__all__ = [
    "PALETTE", "TIER_COLORS", "ComparisonCase", "Curve", "GrowthPanel", "Panel", "Speed", "Times", "benchmark",
    "comparison", "confusion_matrix", "growth", "image_grid", "loss_curves", "panels", "prepared_images",
    "right_and_wrong", "scatter_2d",
]  # fmt: skip
