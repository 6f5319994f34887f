"""Solutions to the exercises of page 12."""

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# 1. 2 m**2 + 797 m + 10 <= 238510 gives m <= 199.4.
m = int((-797 + np.sqrt(797**2 + 4 * 2 * (238_510 - 10))) / (2 * 2))
assert m == 199
assert mt.mlp([784, m, m, m, 10]).n_parameters <= 238_510 < mt.mlp([784, m + 1, m + 1, m + 1, 10]).n_parameters

# 2. The slopes are 4, -4, 4, -4: the first is 4, and the changes at 1/4, 1/2, and 3/4 are -8, 8, and -8.
net = mt.mlp([1, 4, 1], "relu", loss="mean_squared_error")
weight, bias = np.ones((4, 1)), np.array([0, -1 / 4, -1 / 2, -3 / 4])
net.load_state_dict({"0.weight": weight, "0.bias": bias, "2.weight": [[4, -8, 8, -8]], "2.bias": [0]})
x = np.linspace(0, 1, 2049)[:, None]


def tooth(x):
    return 2 * np.maximum(x, 0) - 4 * np.maximum(x - 0.5, 0)


assert abs(net.forward(x) - tooth(tooth(x))).max() < 1e-12  # teeth(2) on the page

# 3. Each step multiplies by 1 - 0.1 * 0.01 = 0.999; n = ln 0.5 / ln 0.999, rounded up.
n = int(np.ceil(np.log(0.5) / np.log(0.999)))
assert n == 693
assert 0.999**n <= 0.5 < 0.999 ** (n - 1)


# 4. The mean of y**2 is (1 - p) / (1 - p)**2 = 1 / (1 - p). Subtract the squared mean, 1, to get p / (1 - p).
def variance(p):
    return p / (1 - p)


assert abs(mt.Dropout(0.2).draw((1_000_000,), np.random.default_rng(0)).var() - variance(0.2)) < 0.01


# 5. Each number is multiplied by its own entry of the mask, and so is its gradient.
def dropout(x, mask):
    return x * mask, (lambda dy: dy * mask,)


x, mask = np.array([[1.0, 2.0, 3.0]]), np.array([[2.0, 0.0, 2.0]])
assert np.array_equal(dropout(x, mask)[0], tensor.dropout(x, mask)[0])
assert np.array_equal(dropout(x, mask)[1][0](x), tensor.dropout(x, mask)[1][0](x))
