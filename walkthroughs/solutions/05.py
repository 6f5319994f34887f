"""Solutions of the exercises of page 5."""

from types import SimpleNamespace

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.judge import OP_CASES, judge_op
from micrograd_tiers.tiers import SUPPORT, tensor

rng = np.random.default_rng(0)
x, dz, weight = rng.standard_normal((4, 2)), rng.standard_normal((4, 3)), rng.standard_normal((3, 2))

# 1. The sum over the samples of dz times 1 is the sum of dz.
x1 = np.column_stack([x, np.ones(4)])
assert abs((dz.T @ x1)[:, -1] - dz.sum(axis=0)).max() < 1e-15

# 2. In the forward product i disappears, in dL/dx it is o.
assert abs(np.einsum("ni,oi->no", x, weight) - x @ weight.T).max() < 1e-14
assert abs(np.einsum("no,oi->ni", dz, weight) - dz @ weight).max() < 1e-14

# 3. 120 million bytes, only to sum them in the end. The matrix product never holds them.
of_samples = np.einsum("no,ni->noi", dz, x)
assert of_samples.shape == (4, 3, 2)
assert abs(of_samples.sum(axis=0) - dz.T @ x).max() < 1e-14
yours = 120_422_400
assert yours == 64 * 300 * 784 * 8


# 4. The mean is over the outputs of a sample, the sum over the samples. The network's 1/N turns the sum into a mean.
def linear(x, weight, bias):
    y = x @ weight.T + bias
    return y, (lambda dy: dy @ weight, lambda dy: dy.T @ x, lambda dy: dy.sum(axis=0))


def mean_squared_error(y, target):
    difference = y - target
    n_outputs = y.shape[1]
    return (difference**2).sum() / n_outputs, (lambda dloss: 2 * difference / n_outputs * dloss,)


support = {name: getattr(tensor, name) for name in SUPPORT}
my_tier = SimpleNamespace(**support, linear=linear, mean_squared_error=mean_squared_error)
for case in OP_CASES:
    if case.name in ("linear", "mean_squared_error"):
        assert judge_op(case, my_tier) == []

# 5. 16 steps: 15 with 64 samples, and one with the remaining 40.
net = mt.two_layer_net(2, 3, 2)
points = mt.load_dataset("ellipse", n_train=1000, n_test=1)
assert mt.Trainer(net, points.train_x, points.train_y, batch_size=64).steps_per_epoch == 16
assert 1000 - 15 * 64 == 40
