"""Pictures: tiers side by side, training curves, confusion matrices, images, points in the plane, races.

Figures are built without pyplot, so no window, back end or global setting is touched. Each function writes one file,
whole or not at all, as PNG, SVG or PDF by the suffix of its path (PNG where there is none), and raises a ValueError if
the suffix is another one or its arrays do not belong together. The functions themselves stand in `views`, by subject.
"""

from .views.confusion import confusion_matrix
from .views.data import image_grid, scatter_2d
from .views.losses import loss_curves, right_and_wrong
from .views.panels import Panel, panels
from .views.race import GrowthPanel, Speed, Times, benchmark, growth
from .views.style import PALETTE, TIER_COLORS
from .views.tiers import ComparisonCase, Curve, comparison

__all__ = [
    "PALETTE", "TIER_COLORS", "ComparisonCase", "Curve", "GrowthPanel", "Panel", "Speed", "Times", "benchmark",
    "comparison", "confusion_matrix", "growth", "image_grid", "loss_curves", "panels", "right_and_wrong", "scatter_2d",
]  # fmt: skip
