"""Solutions to the exercises of page 15."""

import contextlib
import tempfile
from pathlib import Path

from micrograd_tiers.lab.judge import judge
from micrograd_tiers.lab.judge.report import text
from micrograd_tiers.lab.judge.skeleton import skeleton

# The support functions are those of the scalar tier, which accept lists of lists as ours do. Only chunks is different.
HEAD = """
import math
from micrograd_tiers.tiers.scalar import add_scaled, asarray, elementwise, tolist

def chunks(*arrays):
    yield arrays
"""


def judged(source, **points):
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
        Path("my_tier.py").write_text(source, encoding="utf-8")
        return judge("my_tier.py", points=points)


# 1. At z = -750: exp(-z) is beyond the largest float, so math.exp raises an OverflowError.
overflows = """
def sigma(z):
    return 1 / (1 + math.exp(-z))

def sigmoid(x):
    y = [[sigma(z) for z in row] for row in x]
    return y, (lambda dy: [[d * sigma(z) * sigma(-z) for d, z in zip(*rows)] for rows in zip(dy, x)],)
"""
verdict = judged(HEAD + overflows, sigmoid=1)
assert not verdict.passed
assert "OverflowError" in text(verdict)

# 2. The comparison z <= 0 is False for NaN, so NaN stays NaN.
functions = """
def relu(x):
    y = [[0.0 if z <= 0 else z for z in row] for row in x]
    return y, (lambda dy: [[d * (z > 0) for d, z in zip(*rows)] for rows in zip(dy, x)],)

def mean_squared_error(y, target):
    difference = [[a - b for a, b in zip(*rows)] for rows in zip(y, target)]
    loss = sum(sum(d * d for d in row) / len(row) for row in difference)
    return loss, (lambda dloss: [[2 * d / len(row) * dloss for d in row] for row in difference],)
"""
assert judged(HEAD + functions, relu=1, mean_squared_error=1).passed

# 3. The judge says that the value is right to 7 digits only. It has passed through float32.
rounding = """
from micrograd_tiers.tiers import tensor
from micrograd_tiers.tiers.tensor import add_scaled, asarray, chunks, elementwise, tolist

def linear(x, weight, bias):
    y, vjps = tensor.linear(x, weight, bias)
    return y.astype("float32").astype("float64"), vjps
"""
assert "low_precision" in text(judged(rounding, linear=1))

# 4. tanh passes, and the other seven functions are not yet written. The skeleton imports the support functions.
filled_in = """

def tanh(x):
    y = [math.tanh(z) for z in x]
    return y, (lambda dy: [d * (1 - yi * yi) for d, yi in zip(dy, y)],)
"""
verdict = judged(skeleton("scalar") + filled_in, tanh=1)
statuses = [item.status for item in verdict.items]
assert verdict.passed
assert statuses.count("not yet written") == 7
