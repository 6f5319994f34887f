"""Helpers for the tests of ops: value and gradients of an op at a tier, and derivatives by complex step."""

import numpy as np

from micrograd_tiers.lab.judge.calls import part_of
from micrograd_tiers.lab.judge.cases import OP_CASES
from micrograd_tiers.lab.judge.documents.formulas import shares_of_targets
from micrograd_tiers.lab.judge.formulas import FORMULAS

__all__ = ["COMPLEX", "OP_CASES", "complex_step", "gradient_of", "value_of"]


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=-1, keepdims=True))


def smoothed_cross_entropy(z, target, smoothing):
    right = log_softmax(z)[np.arange(len(z)), target]
    return -(1 - smoothing) * right.sum() - smoothing * log_softmax(z).mean(axis=1).sum()


# The ops' values at ordinary inputs, real or complex: the judge's formulas, except those that need real numbers.
COMPLEX = {name: formula.value for name, formula in FORMULAS.items()} | {
    "softmax": lambda z: np.exp(log_softmax(z)),
    "softmax_cross_entropy": lambda z, target: smoothed_cross_entropy(z, target, 0.0),
    "smoothed_cross_entropy": smoothed_cross_entropy,
    "soft_cross_entropy": lambda z, target: -np.sum(target * log_softmax(z)),
    "next_token_loss": lambda z, target: -np.sum(shares_of_targets(target, z) * log_softmax(z)),
    "binary_cross_entropy": lambda z, target: (np.log(1 + np.exp(z)) - target * z).mean(axis=1).sum(),
}


def value_of(case, tier, example):
    """Return the op's value for the whole mini-batch."""
    return part_of(case, tier, example, "value")


def gradient_of(case, tier, example, k):
    """Return dL/d(inputs[k]) for the whole mini-batch."""
    return part_of(case, tier, example, f"d{case.arguments[k]}")


def complex_step(formula, inputs, k, dy):
    """Return dL/d(inputs[k]) of L = sum(dy * formula(*inputs)), Im f(x + ih) / h, h = 1e-20 (Squire and Trapp 1998)."""
    gradient = np.zeros(inputs[k].shape)
    for index in np.ndindex(inputs[k].shape):
        stepped = [*inputs]
        stepped[k] = inputs[k].astype(complex)
        stepped[k][index] += 1e-20j
        gradient[index] = np.sum(dy * formula(*stepped)).imag / 1e-20
    return gradient
