"""Draw one example of an op, from numbers of one kind and in given sizes.

Each function takes `pick`, which chooses one of a list of options; `numbers`, which the inputs may hold; and the sizes
`n` (samples), `i` or `c` (features or channels per sample) and `o` (outputs, or another size). A large array repeats
its numbers, so that a report can write it in one line (see `pasting`).
"""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .examples import Example, Pick

Array = NDArray[Any]

LARGE_ARRAY = 48  # numbers

# Simplest first: hypothesis shrinks towards the first entry of each list.

ORDINARY = [1.0, 2.0, -1.0, 3.0, -2.0, 0.5, -0.5, 0.1, -0.3, 1.7, -2.6, 4.2, -5.9, 7.3]
# Where rounding and overflow show: near 0, in the tails of exp, and at both ends of the range.
SMALL = [1e-3, -1e-3, 1e-5, -1e-5, 1e-8, -1e-8, 1e-12, -1e-12, 1e-300, -1e-300]
LARGE = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 1e10, -1e10, 1e300, -1e300, *SMALL]
LARGE_LOGITS = [0.0, 1.0, -1.0, 30.0, -30.0, 40.0, -40.0, 750.0, -750.0, 3000.0, -3000.0, 1e-300, -1e-300]
SQUARABLE = [0.0, 1.0, -1.0, 1e10, -1e10, 1e150, -1e150, 1e-150, -1e-150]
NEARLY_EQUAL = [1e8 + 0.1, 1e8 + 1.3, 1e8]
ALPHAS = [1.0, 0.5, 2.0]
FEW = [1, 2, 3]  # numbers of samples, and other sizes, if the samples are images
MASKS = [0.0, 2.0, 1.25]
SMOOTHINGS = [0.1, 0.5, 0.0]


def array(pick: Pick, numbers: list[float], *shape: int) -> Array:
    """Draw an array of numbers."""
    if math.prod(shape) <= LARGE_ARRAY:
        return np.array([pick(numbers) for _ in range(math.prod(shape))]).reshape(shape)
    start = pick(range(len(numbers)))
    return np.resize(numbers[start:] + numbers[:start], shape)


def linear(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw x (N, I), weight (O, I) and bias (O,)."""
    inputs = array(pick, numbers, n, i), array(pick, numbers, o, i), array(pick, numbers, o)
    return Example(inputs, array(pick, ORDINARY, n, o))


def elementwise(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw x (N, I)."""
    return Example((array(pick, numbers, n, i),), array(pick, ORDINARY, n, i))


def with_alpha(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw x (N, I) and alpha."""
    return Example((array(pick, numbers, n, i), pick(ALPHAS)), array(pick, ORDINARY, n, i))


def classification(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw logits (N, I) and labels (N,)."""
    return Example((array(pick, numbers, n, i), choices(pick, range(i), n)), pick(ORDINARY))


def choices(pick: Pick, options: Sequence[int], *shape: int) -> Array:
    """Draw an array of whole numbers."""
    drawn = [pick(options) for _ in range(min(math.prod(shape), LARGE_ARRAY))]
    return np.resize(np.array(drawn, np.int64), shape)


def regression(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw outputs and targets, both (N, I)."""
    return Example((array(pick, numbers, n, i), array(pick, numbers, n, i)), pick(ORDINARY))


def regression_of_extremes(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw as in `regression`; in half of the examples, all outputs and targets are nearly equal."""
    return regression(pick, pick([numbers, NEARLY_EQUAL]), n, i, o)


def smoothed(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw logits (N, I), labels (N,) and a label smoothing."""
    (logits, target), dy = classification(pick, numbers, n, i, o)
    return Example((logits, target, pick(SMOOTHINGS)), dy)


def regression_without_ties(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw outputs and targets, both (N, I), with no output equal to its target."""
    (y, target), dy = regression(pick, numbers, n, i, o)
    return Example((y, target + 0.25), dy)


def yes_or_no(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw logits and targets from 0 to 1, both (N, I)."""
    return Example((array(pick, numbers, n, i), array(pick, [1.0, 0.0, 0.25], n, i)), pick(ORDINARY))


def signs(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw outputs and targets that are -1 or 1, both (N, I)."""
    return Example((array(pick, numbers, n, i), array(pick, [1.0, -1.0], n, i)), pick(ORDINARY))


def signs_off_the_kink(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw as in `signs`, with no output of -1 or 1."""
    return signs(pick, [number for number in numbers if abs(number) != 1], n, i, o)


def distributions(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw logits and probabilities of the classes, both (N, I)."""
    if n * i > LARGE_ARRAY:
        return Example((array(pick, numbers, n, i), np.eye(i)[choices(pick, range(i), n)]), pick(ORDINARY))
    shares = array(pick, [1.0, 0.0, 2.0, 0.5], n, i)
    shares[:, 0] += shares.sum(axis=1) == 0
    return Example((array(pick, numbers, n, i), shares / shares.sum(axis=1, keepdims=True)), pick(ORDINARY))


def convolution(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw images (N, C, H, W), kernels (O, C, K, K), bias (O,), stride and padding."""
    K, stride, padding = pick.size(FEW, 5), pick.size([1, 2, 3], 4), pick.size([0, 1, 2, 3], 4)
    H, W = (max(1, K - 2 * padding) + pick.size([1, 0, 2], largest) for largest in (29, 24))
    R, S = ((size + 2 * padding - K) // stride + 1 for size in (H, W))
    x, weight, bias = array(pick, numbers, n, c, H, W), array(pick, numbers, o, c, K, K), array(pick, numbers, o)
    return Example((x, weight, bias, stride, padding), array(pick, ORDINARY, n, o, R, S))


def pooling(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw images (N, C, H, W), K and stride."""
    K, stride = pick.size([2, 1, 3], 5), pick.size([2, 1, 3], 4)
    H, W = (K + pick.size([0, 1, 3], largest) for largest in (29, 24))
    R, S = ((size - K) // stride + 1 for size in (H, W))
    return Example((array(pick, numbers, n, c, H, W), K, stride), array(pick, ORDINARY, n, c, R, S))


def pooling_without_ties(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw as in `pooling`, with no two pixels equal."""
    (x, *settings), dy = pooling(pick, numbers, n, c, o)
    places = np.arange(float(x.size)).reshape(x.shape)
    return Example((x + 0.00137 * places if x.size <= LARGE_ARRAY else np.sin(places), *settings), dy)


def reshaping(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw x (N, 2, I, O) and another shape for each of its samples."""
    shape = pick([(-1,), (2 * i, o), (o, 2, i)])
    dy = array(pick, ORDINARY, n, 2, i, o)
    return Example((array(pick, numbers, n, 2, i, o), shape), dy.reshape(n, *shape))


def masking(pick: Pick, numbers: list[float], n: int, i: int, o: int) -> Example:
    """Draw x and a mask, both (N, I) or (N, 2, I, O)."""
    shape = (n, i) if o == 1 else (n, 2, i, o)
    return Example((array(pick, numbers, *shape), array(pick, MASKS, *shape)), array(pick, ORDINARY, *shape))


def normalization(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw x (N, C) or (N, C, 2, O), weight (C,), bias (C,), epsilon and, in two of three cases, mean and variance.

    These two are the moments of x, or constants.
    """
    shape = (n, c) if o == 1 else (n, c, 2, o)
    x, weight, bias = array(pick, numbers, *shape), array(pick, numbers, c), array(pick, numbers, c)
    return Example((x, weight, bias, 1e-5, *_statistics(pick, x)), array(pick, ORDINARY, *shape))


def _statistics(pick: Pick, x: Array) -> tuple[Any, ...]:
    mode = pick(["moments", "given", "constant"])
    if mode == "moments":
        return ()
    axes, C = (0, *range(2, x.ndim)), x.shape[1]
    if mode == "given":
        return x.mean(axis=axes), x.var(axis=axes)
    return array(pick, ORDINARY, C), np.abs(array(pick, ORDINARY, C)), True


def normalization_of_extremes(pick: Pick, numbers: list[float], n: int, c: int, o: int) -> Example:
    """Draw as in `normalization`, with small weights and biases, and sometimes a mean far above the deviation."""
    shape = (n, c) if o == 1 else (n, c, 2, o)
    x = array(pick, numbers, *shape) if pick([True, False]) else 1e8 / 7 + array(pick, [0.0, 1.0, -1.0, 3.0], *shape)
    weight, bias = array(pick, [1.0, -1.0, 0.0], c), array(pick, [1.0, -1.0, 0.0], c)  # rounding grows with them
    return Example((x, weight, bias, 1e-5, *_statistics(pick, x)), array(pick, ORDINARY, *shape))
