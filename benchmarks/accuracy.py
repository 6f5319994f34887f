"""Worst errors in ulp of each tier, beside those of SciPy, PyTorch and the textbook formulas.

    python benchmarks/accuracy.py            print the whole table, in about 20 seconds
    python benchmarks/accuracy.py --small    use fewer inputs, in 3 seconds

The true values come from mpmath with 50 digits. An error is |result - true value| / ulp, where ulp is the distance
between neighboring float64 numbers at the true value, 2**-1074 if these are subnormal. The error is 0 if both are the
same infinity, and inf if only one of them is finite or the result is NaN. A correctly rounded result has an error of up
to 0.5 ulp; at 4.5e15 ulp, no digit is right. All columns get the same inputs: some are random, the others are the
inputs, from a much larger random set, on which some column has its largest errors (`hardest`).

SciPy and PyTorch each have a column if they are installed. For quantities that SciPy has no function for, its column
combines the functions that it has: expit(x) expit(-x), 1 / cosh(x)**2, logsumexp(z) - z[target] for cross-entropy,
softmax(z) - onehot for its gradient, and NumPy's mean. The tiers have no ops for log-softmax and log-sum-exp, so these
are computed from cross-entropy: -loss(z, target) and z[top] + loss(z, top).
"""

import argparse
import platform
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import mpmath
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS, get_tier

try:
    import scipy.special
except ImportError:
    scipy = None
try:
    import torch
except ImportError:
    torch = None

Array = Any  # ndarray
Results = dict[str, Array]  # keyed by quantity; the first axis is the case
Figures = dict[tuple[str, str], dict[str, float]]  # worst error in ulp, keyed by (quantity, kind of input), then column

DIGITS = 50
LARGEST = 1e308  # largest finite input
OURS = (*TIERS, "exact")
THEIRS = ("SciPy", "PyTorch")

QUIET = np.errstate(all="ignore")  # overflow and NaN are results here: some of the formulas should fail


# Errors of results.


@dataclass(frozen=True)
class Truth:
    """True values, each as the nearest float64 and the remaining difference in ulp.

    Attributes
    ----------
    nearest : ndarray of float64
        Nearest float64 to each true value; infinite if the true value is infinite or overflows.
    rest : ndarray of float64
        (true value - nearest) / ulp.
    ulp : ndarray of float64
        Distance between neighboring float64 numbers in the binade of the true value.
    """

    nearest: Array
    rest: Array
    ulp: Array

    @classmethod
    def of_mpmath(cls, values: Array) -> "Truth":
        """Return the true values from an object array of mpf."""
        parts = np.array([_nearest_rest_ulp(mpmath.mpf(value)) for value in values.ravel()])
        return cls(*(column.reshape(values.shape) for column in parts.T))

    @classmethod
    @QUIET
    def of_longdouble(cls, values: Array) -> "Truth":
        """Return approximate true values from an array of long doubles."""
        nearest = values.astype(np.float64)
        ulp = np.spacing(np.abs(nearest))
        return cls(nearest, ((values - nearest) / ulp).astype(np.float64), ulp)


def _nearest_rest_ulp(value: Any) -> tuple[float, float, float]:
    if not mpmath.isfinite(value):
        return float(value), 0.0, 1.0
    exponent = int(mpmath.mag(value)) if value else -1074  # |value| < 2**exponent
    if exponent < -1200:  # far below the smallest float64, like e**-1e308
        return 0.0, 0.0, 2.0**-1074
    nearest, ulp_exponent = float(value), max(exponent - 53, -1074)
    rest = mpmath.ldexp(value - mpmath.mpf(nearest), -ulp_exponent) if abs(nearest) < np.inf else 0.0
    return nearest, float(rest), 2.0**ulp_exponent if ulp_exponent <= 971 else np.inf


@QUIET
def errors_in_ulp(computed: Array, truth: Truth) -> Array:
    """Return |computed - true value| in ulp; inf if only one of them is finite, or the infinities differ."""
    error = np.abs((computed - truth.nearest) / truth.ulp - truth.rest)
    both_finite = np.isfinite(computed) & np.isfinite(truth.nearest)
    return np.where(both_finite, error, np.where(computed == truth.nearest, 0.0, np.inf))


# True values. The same formulas in mpmath (50 digits) and in long double (fast, for many inputs).


class Formulas:
    """Quantities by formulas without cancellation, in numbers of more than double precision.

    Parameters
    ----------
    number, exp, log1p : function
        Elementwise functions of arrays: conversion to those numbers, exponential, and log(1 + x).
    """

    def __init__(self, number: Callable[..., Array], exp: Callable[..., Array], log1p: Callable[..., Array]) -> None:
        self.number, self.exp, self.log1p = number, exp, log1p

    def points(self, x: Array) -> Results:
        """Return elementwise quantities of x, shape (N,); the losses are those for target 1."""
        x = self.number(x)
        e, e2, zero = self.exp(-np.abs(x)), self.exp(-np.abs(x) * 2), self.number(np.zeros(len(x)))
        return {
            "sigmoid": np.where(x >= 0, 1 + 0 * e, e) / (1 + e),
            "sigmoid'": e / (1 + e) ** 2,
            "tanh'": 4 * e2 / (1 + e2) ** 2,
            "binary cross-entropy": self.log1p(e) + np.where(x < 0, -x, zero),
            "binary cross-entropy'": -np.where(x < 0, 1 + 0 * e, e) / (1 + e),
            "hinge": np.where(x < 1, 1 - x, zero),
        }

    def rows(self, z: Array, target: Array) -> Results:
        """Return quantities of each row of logits z, (N, C), with target (N,); for infinite logits, their limits."""
        each, infinite = np.arange(len(z)), (z == np.inf).any(axis=1)
        z = self.number(np.where(infinite[:, None], np.where(z == np.inf, 0.0, -np.inf), z))
        top = z.argmax(axis=1)
        e = self.exp(z - z[each, top][:, None])
        e[each, top] = 0
        rest = e.sum(axis=1)
        e[each, top] = 1
        loss = self.log1p(rest) + (z[each, top] - z[each, target])
        p = e / (1 + rest)[:, None]
        gradient = p.copy()
        gradient[each, target] = 0
        gradient[each, target] = -gradient.sum(axis=1)
        log_sum_exp = self.log1p(rest) + z[each, top]
        log_sum_exp[infinite] = self.number(np.array([np.inf]))[0]
        return {
            "softmax": p,
            "log-softmax": -loss,
            "log-sum-exp": log_sum_exp,
            "cross-entropy": loss,
            "cross-entropy'": gradient,
        }

    def means(self, z: Array, target: Array) -> Results:
        """Return the mean cross-entropy of each mini-batch: z (B, N, C), target (B, N)."""
        losses = self.rows(z.reshape(-1, z.shape[-1]), target.ravel())["cross-entropy"]
        mean = losses.reshape(target.shape).sum(axis=1) / target.shape[1]
        return {"mean cross-entropy": mean, "the same, in training": mean}

    def squares(self, y: Array, target: Array) -> Results:
        """Return mean squared and mean absolute error of each mini-batch: y and target (B, N, O)."""
        difference = (self.number(y) - self.number(target)).reshape(len(y), -1)
        squares, sizes = ((d.sum(axis=1) / d.shape[1]) for d in (difference * difference, np.abs(difference)))
        return {"mean squared error": squares, "mean absolute error": sizes}


IN_MPMATH = Formulas(*(np.frompyfunc(f, 1, 1) for f in (mpmath.mpf, mpmath.exp, mpmath.log1p)))
IN_LONGDOUBLE = Formulas(np.longdouble, np.exp, np.log1p)


# Columns of the table. Each class has the four methods of `Formulas`, in float64.


class OfTier:
    """Quantities by a tier: single samples by its ops, mini-batches by a `Network`."""

    def __init__(self, name: str, exact: bool = False) -> None:
        self.tier = get_tier(name, exact)

    def _slope(self, op: str, x: Array) -> tuple[Array, Array]:
        ((chunk, ones),) = self.tier.chunks(self.tier.asarray(x[None]), self.tier.asarray(np.ones((1, len(x)))))
        y, (vjp,) = getattr(self.tier, op)(chunk)
        return np.ravel(y), np.ravel(vjp(ones))

    def points(self, x: Array) -> Results:
        """Return the quantities of `Formulas.points`."""
        y, slope = self._slope("sigmoid", x)
        losses, slopes = self._losses("binary_cross_entropy", x)
        return {
            "sigmoid": y,
            "sigmoid'": slope,
            "tanh'": self._slope("tanh", x)[1],
            "binary cross-entropy": losses,
            "binary cross-entropy'": slopes,
            "hinge": self._losses("hinge", x)[0],
        }

    def _losses(self, op: str, x: Array) -> tuple[Array, Array]:
        """Return loss and derivative of each number, one call per number, for target 1."""
        each = [self._loss(op, [[xi]], [[1.0]]) for xi in x]
        return np.array([loss for loss, _ in each]), np.array([slope[0] for _, slope in each])

    def _loss(self, op: str, outputs: Any, targets: Any, dtype: str = "float64") -> tuple[float, Array]:
        (chunk,) = self.tier.chunks(self.tier.asarray(outputs), self.tier.asarray(targets, dtype))
        loss, (vjp,) = getattr(self.tier, op)(*chunk)
        return float(loss), np.ravel(vjp(1.0))

    def _row(self, z: Array, target: int) -> tuple[float, Array]:
        return self._loss("softmax_cross_entropy", z[None], [target], "int64")

    @QUIET
    def rows(self, z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.rows`."""
        top = z.argmax(axis=1)
        p = [np.ravel(self.tier.softmax(chunk)[0]) for (chunk,) in self.tier.chunks(self.tier.asarray(z))]
        losses, gradients = zip(*map(self._row, z, target), strict=True)
        log_sum_exp = [row[t] + self._row(row, t)[0] for row, t in zip(z, top, strict=True)]
        return {
            "softmax": np.reshape(np.concatenate(p), z.shape),
            "log-softmax": -np.array(losses),
            "log-sum-exp": np.array(log_sum_exp),
            "cross-entropy": np.array(losses),
            "cross-entropy'": np.array(gradients),
        }

    def _net(self, loss: str, C: int) -> mt.Network:
        """Return a net that computes the identity on samples of C numbers."""
        net = mt.Network([mt.Linear(C, C)], loss, tier=self.tier)
        net.load_state_dict({"0.weight": np.eye(C), "0.bias": np.zeros(C)})
        return net

    def means(self, z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.means`."""
        net, batches = self._net("softmax_cross_entropy", z.shape[-1]), [*zip(z, target, strict=True)]
        return {
            "mean cross-entropy": np.array([net.mean_loss(*batch) for batch in batches]),
            "the same, in training": np.array([net.loss_and_grads(*batch)[0] for batch in batches]),
        }

    def squares(self, y: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.squares`."""
        results = {}
        for loss in ("mean_squared_error", "mean_absolute_error"):
            net = self._net(loss, y.shape[-1])
            means = [net.mean_loss(*batch) for batch in zip(y, target, strict=True)]
            results[loss.replace("_", " ")] = np.array(means)
        return results


class Textbook:
    """Quantities by the textbook formulas, with sums in sequential order."""

    @staticmethod
    @QUIET
    def points(x: Array) -> Results:
        """Return the quantities of `Formulas.points`."""
        y, tanh = 1 / (1 + np.exp(-x)), np.tanh(x)
        return {
            "sigmoid": y,
            "sigmoid'": y * (1 - y),
            "tanh'": 1 - tanh * tanh,
            "binary cross-entropy": -np.log(y),
            "binary cross-entropy'": y - 1,
            "hinge": np.maximum(0, 1 - x),
        }

    @staticmethod
    @QUIET
    def rows(z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.rows`."""
        e = np.exp(z)
        e_sum = np.cumsum(e, axis=1)[:, -1]
        p = e / e_sum[:, None]
        log_p = np.log(p[np.arange(len(z)), target])
        return {
            "softmax": p,
            "log-softmax": log_p,
            "log-sum-exp": np.log(e_sum),
            "cross-entropy": -log_p,
            "cross-entropy'": p - np.eye(z.shape[1])[target],
        }

    @classmethod
    def means(cls, z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.means`."""
        losses = cls.rows(z.reshape(-1, z.shape[-1]), target.ravel())["cross-entropy"].reshape(target.shape)
        mean = np.cumsum(losses, axis=1)[:, -1] / target.shape[1]
        return {"mean cross-entropy": mean, "the same, in training": mean}

    @staticmethod
    @QUIET
    def squares(y: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.squares`."""
        difference = (y - target).reshape(len(y), -1)
        squares, sizes = (np.cumsum(d, axis=1)[:, -1] / d.shape[1] for d in (difference**2, np.abs(difference)))
        return {"mean squared error": squares, "mean absolute error": sizes}


class OfSciPy:
    """Quantities by SciPy, and by NumPy if SciPy has no such function."""

    @staticmethod
    @QUIET
    def points(x: Array) -> Results:
        """Return the quantities of `Formulas.points`."""
        expit = scipy.special.expit
        return {
            "sigmoid": expit(x),
            "sigmoid'": expit(x) * expit(-x),
            "tanh'": 1 / np.cosh(x) ** 2,
            "binary cross-entropy": -scipy.special.log_expit(x),
            "binary cross-entropy'": -expit(-x),
            "hinge": np.maximum(0, 1 - x),
        }

    @staticmethod
    @QUIET
    def rows(z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.rows`."""
        each = np.arange(len(z))
        p = scipy.special.softmax(z, axis=1)
        log_sum_exp = scipy.special.logsumexp(z, axis=1)
        return {
            "softmax": p,
            "log-softmax": scipy.special.log_softmax(z, axis=1)[each, target],
            "log-sum-exp": log_sum_exp,
            "cross-entropy": log_sum_exp - z[each, target],
            "cross-entropy'": p - np.eye(z.shape[1])[target],
        }

    @classmethod
    @QUIET
    def means(cls, z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.means`."""
        losses = cls.rows(z.reshape(-1, z.shape[-1]), target.ravel())["cross-entropy"].reshape(target.shape)
        return {"mean cross-entropy": losses.mean(axis=1), "the same, in training": losses.mean(axis=1)}

    @staticmethod
    @QUIET
    def squares(y: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.squares`."""
        squares, sizes = np.square(y - target).mean(axis=(1, 2)), np.abs(y - target).mean(axis=(1, 2))
        return {"mean squared error": squares, "mean absolute error": sizes}


class OfPyTorch:
    """Quantities by PyTorch, with derivatives by its autograd."""

    @staticmethod
    def points(x: Array) -> Results:
        """Return the quantities of `Formulas.points`."""
        X = torch.tensor(x, requires_grad=True)
        y = torch.sigmoid(X)
        (slope,) = torch.autograd.grad(y.sum(), X)
        (tanh_slope,) = torch.autograd.grad(torch.tanh(X).sum(), X)
        bce = torch.nn.functional.binary_cross_entropy_with_logits(X, torch.ones_like(X), reduction="none")
        (bce_slope,) = torch.autograd.grad(bce.sum(), X)
        return {
            "sigmoid": y.detach().numpy(),
            "sigmoid'": slope.numpy(),
            "tanh'": tanh_slope.numpy(),
            "binary cross-entropy": bce.detach().numpy(),
            "binary cross-entropy'": bce_slope.numpy(),
            "hinge": torch.relu(1 - X).detach().numpy(),
        }

    @staticmethod
    def rows(z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.rows`."""
        Z, labels, each = torch.tensor(z, requires_grad=True), torch.tensor(target), np.arange(len(z))
        losses = torch.nn.functional.cross_entropy(Z, labels, reduction="none")
        (gradient,) = torch.autograd.grad(losses.sum(), Z)
        return {
            "softmax": torch.softmax(Z, 1).detach().numpy(),
            "log-softmax": torch.log_softmax(Z, 1).detach().numpy()[each, target],
            "log-sum-exp": torch.logsumexp(Z, 1).detach().numpy(),
            "cross-entropy": losses.detach().numpy(),
            "cross-entropy'": gradient.numpy(),
        }

    @staticmethod
    def means(z: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.means`."""
        cross_entropy = torch.nn.functional.cross_entropy
        mean = np.array([cross_entropy(*map(torch.tensor, batch)).item() for batch in zip(z, target, strict=True)])
        return {"mean cross-entropy": mean, "the same, in training": mean}

    @staticmethod
    def squares(y: Array, target: Array) -> Results:
        """Return the quantities of `Formulas.squares`."""
        batches = [tuple(map(torch.tensor, batch)) for batch in zip(y, target, strict=True)]
        squares, sizes = torch.nn.functional.mse_loss, torch.nn.functional.l1_loss
        return {
            "mean squared error": np.array([squares(*batch).item() for batch in batches]),
            "mean absolute error": np.array([sizes(*batch).item() for batch in batches]),
        }


def contestants() -> dict[str, Any]:
    """Return the implementations, keyed by column; SciPy and PyTorch only if they are installed."""
    return {
        **{name: OfTier(name) for name in TIERS},
        "exact": OfTier("scalar", exact=True),  # the other two give the same bits
        "textbook": Textbook(),
        **({"SciPy": OfSciPy()} if scipy else {}),
        **({"PyTorch": OfPyTorch()} if torch else {}),
    }


# Inputs.


@dataclass(frozen=True)
class Size:
    """Numbers of inputs of each kind.

    Attributes
    ----------
    points, rows, wide_rows, batches : int
        Inputs to draw: numbers for the elementwise functions; rows of 2 to 10 classes; rows of 100 and 1,000 classes;
        mini-batches.
    kept, hardest : int
        Inputs to evaluate: the first `kept` ones, and the `hardest` ones with the largest errors of each column.
    """

    points: int
    rows: int
    wide_rows: int
    batches: int
    kept: int
    hardest: int


FULL = Size(points=50_000, rows=1_600, wide_rows=40, batches=60, kept=200, hardest=20)
SMALL = Size(points=4_000, rows=100, wide_rows=6, batches=6, kept=20, hardest=4)


def _signs(rng: np.random.Generator, n: int) -> Array:
    return rng.choice([-1.0, 1.0], n)


def kinds_of_points(rng: np.random.Generator, n: int) -> Iterator[tuple[str, Array]]:
    """Yield (kind, x (N,)) for the elementwise functions."""
    yield "ordinary, to 40", np.concatenate([rng.uniform(-40, 40, n // 2), rng.standard_normal(n // 2)])
    yield "tails, to 708", rng.uniform(40, 708, n) * _signs(rng, n)
    yield "tails, to 750", rng.uniform(708, 750, n) * _signs(rng, n)
    yield "large, to 1e308", np.append(10 ** rng.uniform(3, 308, n // 10) * _signs(rng, n // 10), [LARGEST, -LARGEST])
    yield "tiny, from 5e-324", np.append(10 ** rng.uniform(-320, -2, n // 10) * _signs(rng, n // 10), [0, 5e-324])
    yield "infinite", np.array([-np.inf, np.inf])


@QUIET
def _logits(kind: str, rng: np.random.Generator, n: int, C: int) -> Array:
    """Return n rows of C logits of a kind."""
    z = 3 * rng.standard_normal((n, C))
    one = (np.arange(n), rng.integers(C, size=n))  # one class per row
    if kind == "one class leads":
        z[one] += rng.uniform(20, 700, n)
    elif kind == "far apart":
        z *= 100
    elif kind == "on an offset":
        z += (10 ** rng.uniform(2, 15, n) * _signs(rng, n))[:, None]
    elif kind == "large, to 1e308":
        z = np.clip(z * 10 ** rng.uniform(3, 308, (n, 1)), -LARGEST, LARGEST)
    elif kind == "tiny, from 5e-324":
        z *= 10 ** rng.uniform(-320, -2, (n, 1))
    elif kind == "tied":
        z = rng.integers(0, 3, (n, C)) * rng.choice([0.0, 1.0, -0.1, 1e-9, 40.0, LARGEST / 2, -LARGEST / 2], (n, 1))
    elif kind == "some -inf":
        finite = z[one]
        z[rng.random((n, C)) < 0.4] = -np.inf
        z[one] = finite
    elif kind == "one +inf":
        z[one] = np.inf
    elif kind == "log-sum-exp near 0":
        return z - np.log(np.exp(z).sum(axis=1, keepdims=True))
    # Log-sum-exp is largest + log(...). If these two cancel, every formula loses digits; that is a separate kind.
    largest = z.max(axis=1, keepdims=True)
    log_of_sum = np.log(np.exp(z - largest).sum(axis=1, keepdims=True))
    return np.where(np.abs(largest) + log_of_sum > 2 * np.abs(largest + log_of_sum), z - largest, z)


KINDS_OF_ROWS = {  # numbers of classes, keyed by kind
    **dict.fromkeys(
        [
            *("ordinary", "one class leads", "far apart", "on an offset", "large, to 1e308", "tiny, from 5e-324"),
            *("tied", "some -inf", "one +inf", "log-sum-exp near 0"),
        ],
        (2, 3, 5, 10),
    ),
    "100 classes": (100,),
    "1,000 classes": (1000,),
}


def kinds_of_rows(rng: np.random.Generator, size: Size) -> Iterator[tuple[str, Array, Array]]:
    """Yield (kind, logits (N, C), target (N,)), once for each kind and each of its numbers of classes C."""
    for kind, classes in KINDS_OF_ROWS.items():
        n = size.wide_rows if max(classes) >= 100 else size.rows // len(classes)
        for C in classes:
            z = _logits(kind, rng, n, C)
            # Half of the targets are the most probable class, whose loss is smallest and prone to cancellation.
            yield kind, z, np.where(rng.random(n) < 0.5, z.argmax(axis=1), rng.integers(C, size=n))


def kinds_of_batches(rng: np.random.Generator, size: Size) -> Iterator[tuple[str, Array, Array]]:
    """Yield (kind, logits (B, N, C), target (B, N)) for the mean cross-entropy, with C = 10."""
    for kind, N, B in [
        ("ordinary", 60, size.batches),
        ("ordinary", 64, size.batches),
        ("ordinary", 1000, max(2, size.batches // 10)),
        ("one class leads", 60, size.batches),
        ("tied", 60, size.batches),
        ("large, to 1e308", 60, size.batches // 4),
    ]:
        z = _logits(kind, rng, B * N, 10)
        if kind == "tied":
            z = np.clip(z, -1e300, 1e300)  # so that the sum of the losses is finite
        target = z.argmax(axis=1) if kind == "one class leads" else rng.integers(10, size=B * N)
        yield f"{kind}, N = {N:,}", z.reshape(B, N, 10), target.reshape(B, N)


def kinds_of_outputs(rng: np.random.Generator, size: Size) -> Iterator[tuple[str, Array, Array]]:
    """Yield (kind, outputs (B, N, O), targets (B, N, O)) for the mean squared and absolute errors, with O = 10."""
    for kind, N, scale in [
        ("ordinary", 60, 1.0),
        ("ordinary", 64, 1.0),
        ("ordinary", 1000, 1.0),
        ("large, to 1e150", 60, 1e149),
        ("tiny, from 1e-162", 60, 1e-161),
        ("tied", 60, 1.0),
    ]:
        shape = (max(2, size.batches // (1 + N // 100)), N, 10)
        target = rng.standard_normal(shape)
        outputs = target if kind == "tied" else 1 + rng.standard_normal(shape)
        yield f"{kind}, N = {N:,}", scale * outputs, scale * target


# Measurement.


def hardest(outputs: dict[str, Results], approximate: Results, size: Size) -> Array:
    """Return the indices of the cases to evaluate: the first ones, and those with the largest errors of each column.

    Long doubles, with 11 bits more than float64, are accurate enough to find them. On a machine without long doubles,
    fewer of the hard cases are found, but the errors that are reported are still right.
    """
    indices = {*range(min(size.kept, len(next(iter(approximate.values())))))}
    for quantity, values in approximate.items():
        truth = Truth.of_longdouble(values)
        for results in outputs.values():
            errors = errors_in_ulp(results[quantity], truth)
            worst_of_case = errors.reshape(len(errors), -1).max(axis=1)
            indices.update(np.argsort(worst_of_case)[-size.hardest :].tolist())
    return np.array(sorted(indices))


@QUIET
def worst_errors(function: str, inputs: tuple[Array, ...], size: Size) -> dict[str, dict[str, float]]:
    """Return the worst errors in ulp, keyed by quantity, then column; all columns get the same inputs.

    Parameters
    ----------
    function : {"points", "rows", "means", "squares"}
    inputs : tuple of ndarray
        Arguments of the function.
    size : Size
    """
    outputs = {column: getattr(contestant, function)(*inputs) for column, contestant in contestants().items()}
    chosen = hardest(outputs, getattr(IN_LONGDOUBLE, function)(*inputs), size)
    with mpmath.workdps(DIGITS):
        values = getattr(IN_MPMATH, function)(*(array[chosen] for array in inputs))
        truths = {quantity: Truth.of_mpmath(value) for quantity, value in values.items()}
    return {
        quantity: {
            column: float(errors_in_ulp(results[quantity][chosen], truth).max()) for column, results in outputs.items()
        }
        for quantity, truth in truths.items()
    }


def measure(size: Size = FULL, seed: int = 0) -> Figures:
    """Return the worst errors in ulp, keyed by (quantity, kind of input), then column."""
    rng = np.random.default_rng(seed)
    cases = [
        *(("points", kind, (x,)) for kind, x in kinds_of_points(rng, size.points)),
        *(("rows", kind, inputs) for kind, *inputs in kinds_of_rows(rng, size)),
        *(("means", kind, inputs) for kind, *inputs in kinds_of_batches(rng, size)),
        *(("squares", kind, inputs) for kind, *inputs in kinds_of_outputs(rng, size)),
    ]
    figures: Figures = {}
    for function, kind, inputs in cases:
        for quantity, by_column in worst_errors(function, tuple(inputs), size).items():
            if kind == "log-sum-exp near 0" and quantity != "log-sum-exp":
                continue  # ordinary inputs for all other quantities
            so_far = figures.setdefault((quantity, kind), by_column)
            so_far.update({column: max(so_far[column], error) for column, error in by_column.items()})
    return figures


def worse_than_theirs(by_column: dict[str, float], column: str, slack: float = 0.0) -> bool:
    """Return True if the column's error exceeds the smaller of SciPy's and PyTorch's by more than slack ulp."""
    theirs = [by_column[name] for name in THEIRS if name in by_column]
    return bool(theirs) and by_column[column] > min(theirs) + slack


def _cell(by_column: dict[str, float], column: str) -> str:
    error = by_column[column]
    text = f"{error:.2f}" if error < 1000 else f"{error:.1e}".replace("e+", "e")
    return ("0" if error == 0 else text) + ("*" if column in OURS and worse_than_theirs(by_column, column) else " ")


def table(figures: Figures) -> str:
    """Return the figures as a text table, with a row per quantity and kind of input."""
    columns = [*next(iter(figures.values()))]
    lines = [f"{'worst error in ulp':36}" + "".join(f"{column:>10} " for column in columns)]
    for quantity in dict.fromkeys(quantity for quantity, _ in figures):
        lines.append(quantity)
        lines += [
            f"    {kind:30}" + "".join(f"{_cell(by_column, column):>11}" for column in columns)
            for (of_quantity, kind), by_column in figures.items()
            if of_quantity == quantity
        ]
    if any(name in columns for name in THEIRS):
        lines.append("* larger than SciPy's or PyTorch's")
    lines += [f"{name} is not installed: no column" for name in THEIRS if name not in columns]
    return "\n".join(lines)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print the worst errors of the tiers, SciPy and PyTorch, in ulp.")
    parser.add_argument("--small", action="store_true", help="use fewer inputs, in a few seconds")
    parser.add_argument("--seed", type=int, default=0, help="random seed of the inputs (default: 0)")
    arguments = parser.parse_args()
    start = time.perf_counter()
    print(table(measure(SMALL if arguments.small else FULL, arguments.seed)))
    versions = [f"{module.__name__} {module.__version__}" for module in (np, mpmath, scipy, torch) if module]
    print(f"Python {platform.python_version()}, {', '.join(versions)}; {time.perf_counter() - start:.0f} s")


if __name__ == "__main__":
    main()
