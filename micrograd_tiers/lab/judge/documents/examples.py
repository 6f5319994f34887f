"""Examples of the ops of documents: N documents of T positions, of which one may have NaN at a position."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..drawing import FEW, LARGE_LOGITS, ORDINARY, SQUARABLE
from ..examples import Example, Examples, Make, Sampler
from . import drawing

Array = NDArray[Any]

HEADS = [1, 2, 3, 4]
SCORES = [0.0, 1.0, -1.0, 27.0, -27.0, 40.0, -40.0, 1e-8, 1e-300]  # their products are 700 apart and more
NORMALIZED = [0.0, 1.0, -1.0, 1e10, -1e10, 1e-150]
UNUSUAL = ((7, 5, 4), (300, 3, 2), (1, 200, 2))  # N, C and O


def _sampled(
    make: Make, numbers: list[float], extreme: Make | None = None, sizes_out: list[int] = FEW
) -> tuple[Sampler, Sampler]:
    """Return an ordinary and an extreme sampler."""
    sizes = sizes_out, FEW, FEW
    return Sampler(make, ORDINARY, *sizes, UNUSUAL, (2, 2, 2)), Sampler(extreme or make, numbers, *sizes)


def _numbers(*shape: int) -> Array:
    return np.asarray(np.sin(np.arange(1.0, 1.0 + math.prod(shape))).reshape(shape))


def _with_nan(a: Array, *place: int) -> Array:
    a = a.copy()
    a[place] = math.nan
    return a


PLAIN, WEIGHT = _numbers(2, 3, 4), _numbers(5, 4)
SCALE, SHIFT = np.array([1.0, -0.5, 2.0, 0.5]), np.array([0.0, 1.0, -1.0, 3.0])
QKV, DY = _numbers(2, 3, 12), np.cos(PLAIN)
TOKENS, TARGETS = np.array([[3, 0, 3], [3, 1, -1]]), np.array([[3, -1, 0], [1, -1, -1]])
ONE_NAN = _with_nan(PLAIN, 0, 1, 2)
IMPOSSIBLE = np.array([[[0.0, -math.inf], [1.0, 2.0]]])  # logits: the second token has probability 0

EXAMPLES = {
    "embedding": Examples(
        *_sampled(drawing.embedding, SQUARABLE),
        plain=Example((TOKENS, WEIGHT), DY),
        special=(  # in the row of a token of one document; in the last row, which -1 is not
            Example((TOKENS, _with_nan(WEIGHT, 0, 2)), DY),
            Example((TOKENS, _with_nan(WEIGHT, -1, 2)), DY),
        ),
    ),
    "add_position": Examples(
        *_sampled(drawing.add_position, SQUARABLE),
        plain=Example((PLAIN, WEIGHT), DY),
        special=(Example((ONE_NAN, WEIGHT), DY), Example((PLAIN, _with_nan(WEIGHT, 3, 2)), DY)),  # the latter is unseen
    ),
    "rms_norm": Examples(
        *_sampled(drawing.rms_norm, SQUARABLE),
        plain=Example((PLAIN, 1e-5), DY),
        special=(Example((ONE_NAN, 1e-5), DY),),
    ),
    "layer_norm": Examples(
        *_sampled(drawing.layer_norm, NORMALIZED, drawing.layer_norm_of_extremes),
        plain=Example((PLAIN, SCALE, SHIFT, 1e-5), DY),
        special=(Example((ONE_NAN, SCALE, SHIFT, 1e-5), DY),),
    ),
    "attention": Examples(
        *_sampled(drawing.attention, SCORES, sizes_out=HEADS),
        plain=Example((QKV, 2), DY),
        special=tuple(Example((_with_nan(QKV, 0, 1, c), 2), DY) for c in (1, 5, 9)),  # in q, k and v
    ),
    "project": Examples(
        *_sampled(drawing.project, SQUARABLE),
        plain=Example((PLAIN, WEIGHT), _numbers(2, 3, 5)),
        special=(Example((ONE_NAN, WEIGHT), _numbers(2, 3, 5)),),
    ),
    "next_token_loss": Examples(
        *_sampled(drawing.next_tokens, LARGE_LOGITS),
        plain=Example((PLAIN, TARGETS), 2.0),
        special=(
            Example((ONE_NAN, TARGETS), 2.0),  # where there is no target
            Example((_with_nan(PLAIN, 0, 0, 2), TARGETS), 2.0),
            Example((IMPOSSIBLE, np.array([[0, 1]])), 2.0),
            Example((IMPOSSIBLE, np.array([[1, 0]])), 2.0),
            Example((IMPOSSIBLE, np.array([[-1, 0]])), 2.0),
        ),
    ),
}
