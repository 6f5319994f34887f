"""Colors of pictures, the same in every picture: classes, tiers, and numbers from negative (red) to positive (blue)."""

import math

# Eight colors for color-blind readers, from M. Okabe, K. Ito (2008), "Color Universal Design", and two more.
PALETTE = (
    "#0072B2", "#E69F00", "#009E73", "#D55E00", "#56B4E9", "#CC79A7", "#000000", "#F0E442", "#882255", "#999999",
)  # fmt: skip
TIER_COLORS = {"scalar": "#E69F00", "vector": "#56B4E9", "tensor": "#0072B2"}
OTHER_TIER_COLORS = ("#CC79A7", "#009E73", "#D55E00", "#999999")

DIVERGING = "RdBu"  # Matplotlib's name of a map with the same hues
NEGATIVE, POSITIVE = (220, 50, 62), (50, 140, 215)
STRONGEST = 0.75  # opacity of the largest number; tests/core/test_html.py measures that text on it is easy to read


def diverging(x: float, largest: float) -> str:
    """Return the CSS color of a number: red if negative, blue if positive, more opaque the larger it is.

    Zero is transparent, so that the color fits a light and a dark background.

    Parameters
    ----------
    x : float
    largest : float
        Size from which on the color is fully saturated, at least 0. NaN is gray.
    """
    red, green, blue, opacity = shade(x, largest)
    return f"rgb({red} {green} {blue} / {opacity:.2f})"


def shade(x: float, largest: float) -> tuple[int, int, int, float]:
    """Return the color of `diverging` as (red, green, blue, opacity): 0 to 255, the opacity 0 to 1."""
    if math.isnan(x):
        return 128, 128, 128, 0.5
    share = min(1.0, abs(x) / largest) if largest else float(x != 0)
    return *(NEGATIVE if x < 0 else POSITIVE), STRONGEST * share


def pixel(x: float, largest: float) -> tuple[int, int, int, int]:
    """Return the color of `diverging` as a pixel of an image: (red, green, blue, opacity) from 0 to 255."""
    red, green, blue, opacity = shade(x, largest)
    return red, green, blue, round(255 * opacity)
