"""The scalar tier: one sample at a time, in lists of Python floats, with nothing hidden in a library.

Every sum and every product of backpropagation can be read here. `vector.py` and `tensor.py` hold the same functions,
in the same order, under the same names: lay the three side by side. An op returns its value and, for each
differentiable input, the function that carries a gradient back through it (its vector-Jacobian product, vjp).

Shapes: x (I,), weight (O, I), bias (O,), logits (C,); `dy` is dL/dy and has y's shape. The forward code also runs on
`engine.Value`s in place of floats.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import starmap
from operator import add, mul
from typing import Any

Number = Any  # a float, or an engine.Value
Vector = Sequence[Number]
Matrix = Sequence[Sequence[Number]]
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


def sigmoid(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = 1 / (1 + e**-x), as e**x / (1 + e**x) where x < 0, so that e is never above 1."""
    e = [exp(-xi) if xi >= 0 else exp(xi) for xi in x]
    y = [(1 if xi >= 0 else ei) / (1 + ei) for xi, ei in zip(x, e, strict=True)]

    def dx(dy: Vector) -> Vector:
        # dy/dx = y (1 - y) = e / (1 + e)**2. In the first form 1 - y loses all its digits beyond x = 37. Squaring would
        # double the rounding of 1 + e: multiplied out, the result is within 2.4 units in the last place, not 4.
        return [dyi * (ei / (1 + (2 * ei + ei * ei))) for dyi, ei in zip(dy, e, strict=True)]

    return y, (dx,)


def tanh(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = tanh(x)."""
    y = [tanh_of(xi) for xi in x]

    def dx(dy: Vector) -> Vector:
        # dy/dx = 1 - y**2 = sech(x)**2. The first form loses all its digits beyond |x| = 19.
        e = [exp(-abs(xi)) for xi in x]
        sech = [2 * ei / (1 + ei * ei) for ei in e]
        return [dyi * (si * si) for dyi, si in zip(dy, sech, strict=True)]

    return y, (dx,)


def relu(x: Vector) -> tuple[Vector, tuple[Vjp]]:
    """y = max(x, 0); the derivative at 0 is taken as 0."""
    y = [0.0 if xi <= 0 else xi for xi in x]
    return y, (lambda dy: [0.0 if xi <= 0 else dyi for xi, dyi in zip(x, dy, strict=True)],)


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
    is_matrix = target and isinstance(target[0], list)
    for t_row, s_row in zip(target, source, strict=True) if is_matrix else [(target, source)]:
        if scale == 1:
            t_row[:] = starmap(add, zip(t_row, s_row, strict=True))
        else:
            t_row[:] = [t + scale * s for t, s in zip(t_row, s_row, strict=True)]


def elementwise(f: Callable[..., float], *arrays: Any) -> Any:
    """Array of f(a, b, ...) for every element."""
    if arrays[0] and isinstance(arrays[0][0], list):
        return [elementwise(f, *rows) for rows in zip(*arrays, strict=True)]
    return [*map(f, *arrays)]
