"""Solutions of the exercises of page 8."""

import os
import tempfile
from pathlib import Path

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.judge import judge
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import tensor


# 1. h/2 f'' and epsilon f / h are about equal where h**2 is about epsilon = 2e-16, so h is about 1e-8.
def f(x):
    return np.exp(x) * np.sin(x)


points = np.linspace(0.5, 1.5, 20)
exact = np.exp(points) * (np.sin(points) + np.cos(points))
steps = 10.0 ** np.arange(-20, 0.1, 0.5)
errors = np.array([abs((f(points + h) - f(points)) / h - exact).mean() for h in steps])
assert 1e-9 < steps[errors.argmin()] < 1e-7


# 2. (2 - ih) / (4 + h**2): the imaginary part, divided by h, is -1 / (4 + h**2), and h**2 is lost beside 4.
def complex_step(f, x, h=1e-20):
    return f(x + 1j * h).imag / h


assert abs(complex_step(lambda x: 1 / x, 2.0) - (-0.25)) < 1e-15


# 3. The product rule: s(x) + x s(x) (1 - s(x)).
def swish(x):
    s, _ = tensor.sigmoid(x)
    return x * s, (lambda dy: dy * (s + x * s * (1 - s)),)


assert mt.check_vjps(swish, [np.array([[-2.0, 0.5, 3.0]])]).passed

# 4. With one sample the product of the sums is the sum of the products; with two, it has two products too many.
linear = get_bug("linear_dweight_of_sums").tier("tensor").linear
x, weight, bias = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([[0.5, -1.5]]), np.array([2.0])
assert mt.check_vjps(linear, [x[:1], weight, bias]).passed
assert not mt.check_vjps(linear, [x, weight, bias]).passed

# 5. In Python, call `judge`, as `micrograd-tiers verify` does. Here only relu counts.
RELU = """
import numpy as np

def relu(x):
    return np.maximum(x, 0), (lambda dy: dy * (x > 0),)
"""
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(tempfile.gettempdir()) / "hypothesis")
with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "my_tier.py").write_text(RELU)
    verdict = judge(str(Path(folder) / "my_tier.py"), points={"relu": 1})
assert verdict.passed
