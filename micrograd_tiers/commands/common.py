"""What several commands need."""

import json
import math
from dataclasses import replace
from typing import Any

from ..datasets import Dataset, Standardizer
from ..files import replacing


def inputs_of(data: Dataset, standardize: bool = True) -> tuple[Dataset, Standardizer | None]:
    """Return the set as a net should see it: images as they are, other features with mean 0 and deviation 1.

    Mean and deviation are those of the training samples, for the test samples too.
    """
    if data.image_shape is not None or not standardize:
        return data, None
    scale = Standardizer.fit(data.train_x)
    return replace(data, train_x=scale(data.train_x), test_x=scale(data.test_x)), scale


def write_json(path: str | None, content: dict[str, Any]) -> None:
    """Write the results to a file, if one was asked for; NaN and infinity become null."""
    if path is not None:
        with replacing(path) as file:
            file.write(json.dumps(_without_nan(content), indent=1).encode() + b"\n")


def _without_nan(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nan(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return [_without_nan(value) for value in content]
    return None if isinstance(content, float) and not math.isfinite(content) else content


def plural(n: int, noun: str) -> str:
    """Return n and its noun: 1 step, 2,000 steps."""
    return f"{n:,} {noun}{'' if n == 1 else 's'}"
