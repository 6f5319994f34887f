"""A hash of the C library's functions, on which the last bits of exact mode depend."""

import hashlib
import math

import numpy as np


def fingerprint():
    """Return a hash of exp, expm1, log1p and tanh of 20,000 numbers such as nets meet."""
    xs = np.random.default_rng(0).normal(0, 3, 20_000).tolist()
    functions = (math.exp, math.expm1, lambda x: math.log1p(abs(x)), math.tanh)
    return hashlib.sha256(np.array([[f(x) for x in xs] for f in functions]).tobytes()).hexdigest()
