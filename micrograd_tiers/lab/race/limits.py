"""The limits: references for the speed of the tiers, such as the matrix products of the step alone."""

import math
from operator import mul
from typing import Any

import numpy as np

from .cases import Case, Make, Step, Weights


def matrix_products(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """The five matrix products of the step alone, in preallocated arrays: a lower bound for every contender."""
    W1, b1, W2, b2 = case.weights()
    x, _ = case.batch()
    h, logits = np.empty((len(x), len(b1)), x.dtype), np.empty((len(x), len(b2)), x.dtype)
    dh, dW1, dW2 = np.empty_like(h), np.empty_like(W1), np.empty_like(W2)

    def step() -> None:
        np.dot(x, W1.T, out=h)
        np.dot(h, W2.T, out=logits)
        np.dot(logits, W2, out=dh)
        np.dot(logits.T, h, out=dW2)
        np.dot(dh.T, x, out=dW1)

    return step, lambda: [W1, b1, W2, b2]


def naive_numpy(case: Case, learning_rate: float) -> tuple[Step, Weights]:
    """Training step that handles one sample at a time, with one line of NumPy per formula, as in a course."""
    W1, b1, W2, b2 = case.weights()
    xs, ys = case.batch()
    N = len(ys)

    def step() -> float:
        nonlocal W1, b1, W2, b2
        loss = 0.0
        dW1, db1, dW2, db2 = (np.zeros_like(array) for array in (W1, b1, W2, b2))
        for x, y in zip(xs, ys, strict=True):
            h = 1 / (1 + np.exp(-(np.dot(W1, x) + b1)))
            logits = np.dot(W2, h) + b2
            e = np.exp(logits - np.max(logits))
            p = e / np.sum(e)
            loss = loss - np.log(p[y]) / N
            dlogits = p.copy()
            dlogits[y] -= 1
            dz = np.dot(W2.T, dlogits) * h * (1 - h)
            dW2 = dW2 + np.outer(dlogits, h) / N
            db2 = db2 + dlogits / N
            dW1 = dW1 + np.outer(dz, x) / N
            db1 = db1 + dz / N
        W1, b1 = W1 - learning_rate * dW1, b1 - learning_rate * db1
        W2, b2 = W2 - learning_rate * dW2, b2 - learning_rate * db2
        return float(loss)

    return step, lambda: [W1, b1, W2, b2]


def flat_loop(fused: bool) -> Make:
    """Training step on plain lists, in one function for this net alone: no layers, no vjps, no optimizer.

    If fused, it updates each weight as soon as its gradient is known, and stores no gradient.
    """

    def make(case: Case, learning_rate: float) -> tuple[Step, Weights]:
        xs, ys = (array.tolist() for array in case.batch())
        (x,), (y,) = xs, ys
        W1, b1, W2, b2 = (array.tolist() for array in case.weights())

        def step() -> Any:
            h, slope = [], []
            for row, b in zip(W1, b1, strict=True):
                z = sum(map(mul, row, x)) + b
                e = math.exp(-z) if z >= 0 else math.exp(z)
                h.append((1 if z >= 0 else e) / (1 + e))
                slope.append(e / ((1 + e) * (1 + e)))
            logits = [sum(map(mul, row, h)) + b for row, b in zip(W2, b2, strict=True)]
            top = max(logits)
            es = [math.exp(z - top) for z in logits]
            e_sum = sum(es)
            loss = math.log(e_sum) + top - logits[y]
            dlogits = [e / e_sum for e in es]
            dlogits[y] -= 1
            dh = [sum(map(mul, column, dlogits)) for column in zip(*W2, strict=True)]
            dz = [d * s for d, s in zip(dh, slope, strict=True)]
            if fused:
                for weight, bias, dy, inputs in ((W1, b1, dz, x), (W2, b2, dlogits, h)):
                    for o, d in enumerate(dy):
                        rate = learning_rate * d
                        weight[o] = [w - rate * i for w, i in zip(weight[o], inputs)]  # noqa: B905
                        bias[o] -= rate
                return loss
            dW1 = [[d * i for i in x] for d in dz]
            dW2 = [[d * i for i in h] for d in dlogits]
            for weight, dweight in ((W1, dW1), (W2, dW2)):
                for row, drow in zip(weight, dweight):  # noqa: B905
                    row[:] = [w - learning_rate * d for w, d in zip(row, drow)]  # noqa: B905
            for bias, dbias in ((b1, dz), (b2, dlogits)):
                bias[:] = [b - learning_rate * d for b, d in zip(bias, dbias)]  # noqa: B905
            return loss

        return step, lambda: [np.array(array) for array in (W1, b1, W2, b2)]

    return make
