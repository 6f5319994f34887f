"""Solutions of the exercises of page 1."""

import numpy as np

import micrograd_tiers as mt


# 1.
def dtanh(z):
    return 1 - np.tanh(z) ** 2


assert abs(dtanh(0.3) - mt.numerical_gradient(np.tanh, np.array(0.3))) < 1e-12

# 2. z = 3 * 1 - 3 = 0, so y = 1/2; dL/dw = 2 (1/2 - 0) * 1/4 * 3 = 3/4.
x, w, b, t = 3.0, 1.0, -3.0, 0.0
y = 1 / (1 + np.exp(-(w * x + b)))
dL_dw = 2 * (y - t) * y * (1 - y) * x
assert (y, dL_dw) == (0.5, 0.75)

# 3. Divide numerator and denominator of e**z / (e**z + 1) by e**z: 1 / (1 + e**-z).
for z in (-3.0, 0.0, 0.7, 5.0):
    softmax = np.exp([z, 0.0]) / np.exp([z, 0.0]).sum()
    assert abs(softmax[0] - 1 / (1 + np.exp(-z))) < 1e-15

# 4. Each output occurs in a single term, so dL/dy_i = 2 (y_i - t_i) / n.
y, t = np.array([1.0, 2.0, 4.0]), np.array([0.0, 2.0, 1.0])
tried = mt.numerical_gradient(lambda y: ((y - t) ** 2).mean(), y)
assert abs(2 * (y - t) / 3 - tried).max() < 1e-12
