"""The scalar tier: one sample at a time, in lists of Python floats, with nothing hidden in a library.

Every sum and every product of backpropagation can be read here. `vector.py` and `tensor.py` hold the same functions,
in the same order, under the same names: lay the three side by side. An op returns its value and, for each
differentiable input, the function that carries a gradient back through it (its vector-Jacobian product, vjp).

Shapes: x (I,), weight (O, I), bias (O,), logits (C,); an image x is (C, H, W), its channels, rows and columns, and the
weight of a convolution (O, C, K, K). `dy` is dL/dy and has y's shape. The forward code also runs on `engine.Value`s in
place of floats.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from itertools import chain, product, starmap
from operator import add, mul
from typing import Any

Number = Any  # a float, or an engine.Value
Vector = Sequence[Number]
Matrix = Sequence[Sequence[Number]]
Image = Sequence[Matrix]
Vjp = Callable[[Any], Any]


# The arithmetic. Exact mode runs this same file with dot and total replaced by those of exact.py.


def dot(a: Vector, b: Vector) -> Number:
    """Sum of a[i] * b[i]."""
    return sum(map(mul, a, b))


def total(a: Vector) -> Number:
    """Sum of a[i], rounded once: of 1,000 numbers a loop loses 7 units in the last place, fsum half a unit."""
    try:
        return math.fsum(a)
    except (TypeError, OverflowError, ValueError):  # Values; a sum beyond the largest float; inf - inf
        return sum(a)


def _math(name: str) -> Callable[[Number], Number]:
    """Return math's function of that name for floats, and the method of that name for anything else (Value)."""
    of_float = getattr(math, name)

    def function(x: Number) -> Number:
        try:
            return of_float(x)
        except TypeError:
            return getattr(x, name)()

    return function


exp, expm1, log1p, tanh_of = _math("exp"), _math("expm1"), _math("log1p"), _math("tanh")


def each_number(op: Callable[..., Any]) -> Callable[..., Any]:
    """Let an op that takes a list of numbers, each by itself, take lists of lists too: images."""

    @wraps(op)
    def of_nested(x: Any, *settings: float) -> Any:
        if not (x and isinstance(x[0], list)):
            return op(x, *settings)
        ys, vjps = zip(*(of_nested(row, *settings) for row in x), strict=True)
        return [*ys], (lambda dy: [dx(row) for (dx,), row in zip(vjps, dy, strict=True)],)

    return of_nested


# Lists in lists.


def shape_of(x: Any) -> tuple[int, ...]:
    """Their lengths, outermost first."""
    return (len(x), *shape_of(x[0])) if isinstance(x, list) else ()


def flat(x: Any) -> Vector:
    """All their numbers, in order."""
    return [*chain.from_iterable(map(flat, x))] if isinstance(x[0], list) else x


def in_shape(numbers: Vector, shape: tuple[int, ...]) -> Any:
    """Numbers in lists of that shape, filled in order."""
    if len(shape) == 1:
        return [*numbers]
    size = len(numbers) // shape[0]
    return [in_shape(numbers[k * size : (k + 1) * size], shape[1:]) for k in range(shape[0])]


def zeros(shape: tuple[int, ...]) -> Any:
    """Lists of that shape, full of zeros."""
    return in_shape([0.0] * math.prod(shape), shape)


# Layers.


def linear(x: Vector, weight: Matrix, bias: Vector) -> tuple[Vector, tuple[Vjp, Vjp, Vjp]]:
    """y[o] = sum over i of weight[o][i] * x[i], plus bias[o]."""
    if len(x) != len(weight[0]):  # map() would quietly stop at the shorter of the two
        raise ValueError(
            f"linear: x has {len(x)} features, weight ({len(weight)}, {len(weight[0])}) expects {len(weight[0])}"
        )
    y = [dot(row, x) + b for row, b in zip(weight, bias, strict=True)]
    return y, (
        lambda dy: [dot(column, dy) for column in zip(*weight, strict=True)],  # dL/dx      (I,)
        lambda dy: [[dyo * xi for xi in x] for dyo in dy],  #                    dL/dweight (O, I)
        lambda dy: list(dy),  #                                                  dL/dbias   (O,)
    )


@each_number
def sigmoid(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = 1 / (1 + e**-x), as e**x / (1 + e**x) where x < 0, so that e is never above 1."""
    e = [exp(-xi) if xi >= 0 else exp(xi) for xi in x]
    y = [(1 if xi >= 0 else ei) / (1 + ei) for xi, ei in zip(x, e, strict=True)]

    def dx(dy: Vector) -> Vector:
        # dy/dx = y (1 - y) = e / (1 + e)**2. In the first form 1 - y loses all its digits beyond x = 37. Squaring would
        # double the rounding of 1 + e: multiplied out, the result is within 2.4 units in the last place, not 4.
        return [dyi * (ei / (1 + (2 * ei + ei * ei))) for dyi, ei in zip(dy, e, strict=True)]

    return y, (dx,)


@each_number
def tanh(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = tanh(x)."""
    y = [tanh_of(xi) for xi in x]

    def dx(dy: Vector) -> Vector:
        # dy/dx = 1 - y**2 = sech(x)**2. The first form loses all its digits beyond |x| = 19.
        e = [exp(-abs(xi)) for xi in x]
        sech = [2 * ei / (1 + ei * ei) for ei in e]
        return [dyi * (si * si) for dyi, si in zip(dy, sech, strict=True)]

    return y, (dx,)


@each_number
def relu(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = max(x, 0); the derivative at 0 is taken as 0."""
    y = [0.0 if xi <= 0 else xi for xi in x]
    return y, (lambda dy: [dyi * (xi > 0) for xi, dyi in zip(x, dy, strict=True)],)


@each_number
def elu(x: Vector, alpha: float = 1.0) -> tuple[Vector, tuple[Vjp]]:
    """y = x where x > 0, alpha (e**x - 1) elsewhere (Clevert et al. 2016, https://arxiv.org/abs/1511.07289)."""
    y = [alpha * expm1(xi) if xi <= 0 else xi for xi in x]
    return y, (lambda dy: [dyi * (alpha * exp(xi)) if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)],)


def softmax(logits: Vector) -> tuple[Vector, tuple[Vjp]]:
    """p[c] = e**logits[c] / sum of all e**logits, with the largest logit subtracted first."""
    # Rounding the difference costs up to 512 units in the last place of p where logits are 512 apart, as in SciPy and
    # PyTorch. Without the subtraction it would be 2 units, and overflow from 710 on.
    largest = max(logits)
    e = [exp(z - largest) for z in logits]
    e_sum = total(e)
    p = [ei / e_sum for ei in e]

    def dlogits(dp: Vector) -> Vector:
        mean_dp = dot(dp, p)
        return [pi * (dpi - mean_dp) for pi, dpi in zip(p, dp, strict=True)]

    return p, (dlogits,)


# Images: channels of rows of numbers, x[c][h][w].


def padded(x: Image, padding: int) -> Image:
    """The image with so many zeros on each side."""
    width = len(x[0][0]) + 2 * padding
    above, side = [[0.0] * width] * padding, [0.0] * padding
    return [[*above, *([*side, *row, *side] for row in channel), *above] for channel in x]


def unpadded(x: Image, padding: int) -> Image:
    """The image without so many numbers on each side."""
    return [[row[padding : len(row) - padding] for row in channel[padding : len(channel) - padding]] for channel in x]


def windows(x: Image, size: tuple[int, ...], stride: int) -> tuple[list[list[tuple[int, int]]], tuple[int, int]]:
    """The places (h, w) that a window covers, at each of its positions; and in how many rows and columns these are."""
    height, width = size
    rows = range(0, len(x[0]) - height + 1, stride)
    columns = range(0, len(x[0][0]) - width + 1, stride)
    cells = [*product(range(height), range(width))]
    return [[(h + i, w + j) for i, j in cells] for h in rows for w in columns], (len(rows), len(columns))


def backwards(*of_positions: Iterable[Any]) -> Iterator[tuple[Any, ...]]:
    """What belongs together, position by position, the last first: so a place adds up what it gets in one order.

    It is that of the other tiers, which add cell after cell of the window: the last position sees it in its first cell.
    """
    return iter([*zip(*of_positions, strict=True)][::-1])


def conv2d(
    x: Image, weight: Sequence[Image], bias: Vector, stride: int = 1, padding: int = 0
) -> tuple[Image, tuple[Vjp, Vjp, Vjp]]:
    """y[o][r][s] = sum over c, i, j of weight[o][c][i][j] * x[c][r stride + i][s stride + j], plus bias[o].

    x is padded with zeros first. At each position of the window this is `linear`, of the numbers that it covers.
    """
    if len(x) != len(weight[0]):
        raise ValueError(f"conv2d: x has {len(x)} channels, weight {shape_of(weight)} expects {len(weight[0])}")
    image = padded(x, padding)
    places, shape = windows(image, shape_of(weight[0])[1:], stride)  #       P positions of K K places
    covered = [[channel[h][w] for channel in image for h, w in window] for window in places]  # (P, C K K)
    kernels = [*map(flat, weight)]  #                                                           (O, C K K)
    y = [in_shape([dot(kernel, xs) + b for xs in covered], shape) for kernel, b in zip(kernels, bias, strict=True)]

    def dx(dy: Image) -> Image:
        dimage = zeros(shape_of(image))
        for window, *dys in backwards(places, *map(flat, dy)):  # dys: of all O outputs at one position
            dcovered = iter([dot(column, dys) for column in zip(*kernels, strict=True)])
            for dchannel in dimage:
                for h, w in window:
                    dchannel[h][w] += next(dcovered)
        return unpadded(dimage, padding)

    def dweight(dy: Image) -> list[Image]:
        kernel = shape_of(weight[0])
        return [in_shape([dot(dyo, xs) for xs in zip(*covered, strict=True)], kernel) for dyo in map(flat, dy)]

    return y, (dx, dweight, lambda dy: [total(dyo) for dyo in map(flat, dy)])


def avg_pool2d(x: Image, kernel_size: int, stride: int) -> tuple[Image, tuple[Vjp]]:
    """y[c][r][s] = mean of the numbers of x[c] that the window covers at row r stride, column s stride."""
    places, shape = windows(x, (kernel_size, kernel_size), stride)
    size = kernel_size * kernel_size
    y = [in_shape([total([channel[h][w] for h, w in window]) / size for window in places], shape) for channel in x]

    def dx(dy: Image) -> Image:
        dx: list[Any] = zeros(shape_of(x))
        for dchannel, dyc in zip(dx, map(flat, dy), strict=True):
            for window, d in backwards(places, dyc):
                for h, w in window:
                    dchannel[h][w] += d / size
        return dx

    return y, (dx,)


def max_pool2d(x: Image, kernel_size: int, stride: int) -> tuple[Image, tuple[Vjp]]:
    """y[c][r][s] = largest number of x[c] that the window covers at row r stride, column s stride.

    The gradient goes to where it stands; of several equal ones, to the first.
    """
    places, shape = windows(x, (kernel_size, kernel_size), stride)
    # A NaN is not equal to itself. It counts as larger than all numbers, so that it is not lost.
    largest = [
        [max(window, key=lambda p: (c[p[0]][p[1]] != c[p[0]][p[1]], c[p[0]][p[1]])) for window in places] for c in x
    ]
    y = [in_shape([channel[h][w] for h, w in its], shape) for channel, its in zip(x, largest, strict=True)]

    def dx(dy: Image) -> Image:
        dx: list[Any] = zeros(shape_of(x))
        for dchannel, its, dyc in zip(dx, largest, map(flat, dy), strict=True):
            for (h, w), d in backwards(its, dyc):
                dchannel[h][w] += d
        return dx

    return y, (dx,)


# Another shape, and chance.


def reshape(x: Any, shape: tuple[int, ...]) -> tuple[Any, tuple[Vjp]]:
    """The same numbers in the same order, in lists of that shape."""
    return in_shape(flat(x), shape), (lambda dy: in_shape(flat(dy), shape_of(x)),)


def dropout(x: Any, mask: Any) -> tuple[Any, tuple[Vjp]]:
    """y = mask * x, of each number; mask is 0 where x is dropped, 1 / (1 - p) where it is kept.

    Srivastava et al. 2014, https://jmlr.org/papers/v15/srivastava14a.html; scaled here, not when predicting.
    """
    return elementwise(mul, x, mask), (lambda dy: elementwise(mul, dy, mask),)


# Losses. Each returns the sum over the samples that it is given: here, one.


def softmax_cross_entropy(logits: Vector, target: int) -> tuple[Number, tuple[Vjp]]:
    """-log(softmax(logits)[target]) in nats, straight from the logits: log-sum-exp less the target's logit.

    With the largest logit taken out, log-sum-exp is largest + log(1 + rest), which loses no digits when rest is tiny.
    """
    top = max(range(len(logits)), key=logits.__getitem__)
    e = [exp(z - logits[top]) for z in logits]
    e[top] = 0.0
    rest = total(e)
    e[top] = 1.0
    loss = log1p(rest) + (logits[top] - logits[target])

    def dlogits(dloss: float) -> Vector:
        p = [ei / (1 + rest) for ei in e]
        p[target] = 0.0
        p[target] = -total(p)  # p - 1 at the target, as minus the others: no cancellation when p is nearly 1
        return [pi * dloss for pi in p]

    return loss, (dlogits,)


def smoothed_cross_entropy(logits: Vector, target: int, smoothing: float) -> tuple[Number, tuple[Vjp]]:
    """Cross-entropy to a target that has 1 - smoothing for the right class, and smoothing spread over all classes.

    Szegedy et al. 2016, https://arxiv.org/abs/1512.00567, section 7.
    """
    loss, (dlogits,) = softmax_cross_entropy(logits, target)
    C = len(logits)

    def dsmoothed(dloss: float) -> Vector:
        smooth = [d - dloss * (smoothing / C) for d in dlogits(dloss)]
        smooth[target] += dloss * smoothing
        return smooth

    return loss + smoothing * (logits[target] - total(logits) / C), (dsmoothed,)


def mean_squared_error(y: Vector, target: Vector) -> tuple[Number, tuple[Vjp]]:
    """Mean over the O outputs of (y - target)**2."""
    difference = [yo - to for yo, to in zip(y, target, strict=True)]
    loss = total([d * d for d in difference]) / len(y)
    return loss, (lambda dloss: [2 * d / len(y) * dloss for d in difference],)


# What lets layers, network and optimizers be written once for all tiers.


def asarray(values: Any, dtype: str = "float64") -> Any:
    """Nested lists of Python floats (or of ints, dtype "int64") from nested lists or from anything with .tolist()."""
    if dtype not in ("float64", "int64"):
        raise ValueError(
            f"scalar tier: dtype {dtype} is not offered; Python floats are float64. "
            "Use dtype='float64', or the vector or tensor tier"
        )
    values = values.tolist() if hasattr(values, "tolist") else values
    if isinstance(values, list | tuple):
        return [asarray(value, dtype) for value in values]
    return int(values) if dtype == "int64" else float(values)


def tolist(array: Any) -> Any:
    """Nested lists of Python floats."""
    return array


def chunks(*arrays: Any) -> Iterator[tuple[Any, ...]]:
    """Cut a mini-batch into what one call of an op handles: single samples."""
    return zip(*arrays, strict=True)


def add_scaled(target: Any, source: Any, scale: float) -> None:
    """target += scale * source, in place."""
    if target and isinstance(target[0], list):
        for t_row, s_row in zip(target, source, strict=True):
            add_scaled(t_row, s_row, scale)
    elif scale == 1:
        target[:] = starmap(add, zip(target, source, strict=True))
    else:
        target[:] = [t + scale * s for t, s in zip(target, source, strict=True)]


def elementwise(f: Callable[..., float], *arrays: Any) -> Any:
    """Array of f(a, b, ...) for every element."""
    if arrays[0] and isinstance(arrays[0][0], list):
        return [elementwise(f, *rows) for rows in zip(*arrays, strict=True)]
    return [*map(f, *arrays)]
