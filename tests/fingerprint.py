"""A hash of the C library's functions, on which the last bits of exact mode depend."""

import hashlib
import math

import numpy as np


def fingerprint():
    """Return the SHA-256 of exp, expm1, log1p(|x|) and tanh at 20,000 numbers of a size that is typical of nets."""
    xs = np.random.default_rng(0).normal(0, 3, 20_000).tolist()
    functions = (math.exp, math.expm1, lambda x: math.log1p(abs(x)), math.tanh)
    return hashlib.sha256(np.array([[f(x) for x in xs] for f in functions]).tobytes()).hexdigest()
