"""Texts in a drawing: how many columns of a monospace font they take, and numbers of any size."""

import unicodedata
from decimal import Decimal
from typing import Any

from ...html import number

JOINER = "\u200d"  # joins two emoji into one


def number_text(x: Any) -> str:
    """Return a number with four significant digits, also an integer or a fraction that is too large for a float."""
    if x is None:
        return "?"
    try:
        return number(float(x))
    except OverflowError:
        return f"{Decimal(int(x)):.4g}"


def columns(text: str) -> int:
    """Return the width of a text in columns: 2 for CJK characters and most emoji, 0 for combining marks."""
    wide = 0
    for before, char in zip(" " + text, text, strict=False):
        if before != JOINER and unicodedata.category(char) not in ("Mn", "Me", "Cf"):
            wide += 2 if unicodedata.east_asian_width(char) in "WF" else 1
    return max(1, wide) if text else 0


def one_line(text: object, most: int) -> str:
    """Return a text of at most `most` columns without line breaks and control characters, cut in the middle."""
    shown = "".join(c if c.isprintable() or c == JOINER else " " if c.isspace() else "\ufffd" for c in str(text))
    if len(shown) > 3 * most:  # also many marks on one letter
        shown = f"{shown[:most]}…{shown[-most:]}"
    if columns(shown) > most:
        start, end = most // 2, len(shown) - most // 2
        while columns(shown[:start]) > most // 2:
            start -= 1
        while columns(shown[end:]) > most - most // 2 - 1:
            end += 1
        shown = f"{shown[:start]}…{shown[end:]}"
    return shown
