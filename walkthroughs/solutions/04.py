"""Solutions of the exercises of page 4."""

from types import SimpleNamespace

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.judge import OP_CASES, judge_op
from micrograd_tiers.tiers import SUPPORT, vector

# 1. dL/dlogits is (1/2, 1/2) - (0, 1): the old value times -1. So every gradient computed from it is times -1 too.
by_hand = mt.two_layer_net(2, 3, 2, tier="vector")
by_hand.load_state_dict(
    {
        "0.weight": [[1.0, 0.0], [1.0, -2.0], [0.0, 1.0]],
        "0.bias": [-2.0, 0.0, -1.0],
        "2.weight": [[4.0, 2.0, 0.0], [0.0, 4.0, 2.0]],
        "2.bias": [0.0, 0.0],
    }
)
yours = np.array([[1.0, 0.5], [-0.5, -0.25], [-0.5, -0.25]])
_, grads = by_hand.loss_and_grads([[2.0, 1.0]], [1])
assert abs(grads["0.weight"] - yours).max() < 1e-14


# 2. Put these two functions into my_vector.py. The judge behind `verify` has no findings about them.
def linear(x, weight, bias):
    y = weight @ x + bias
    return y, (lambda dy: weight.T @ dy, lambda dy: np.outer(dy, x), lambda dy: dy.copy())


def relu(x):
    return np.maximum(x, 0), (lambda dy: dy * (x > 0),)


support = {name: getattr(vector, name) for name in SUPPORT}
my_vector = SimpleNamespace(**support, linear=linear, relu=relu)
for case in OP_CASES:
    if case.name in ("linear", "relu"):
        assert judge_op(case, my_vector) == []

# 3. 64: each row is a mixture of the same 64 images, with its own factors.
data = mt.load_dataset("glyphs", n_train=64, n_test=1)
large = mt.two_layer_net(784, 300, 10, tier="vector")
_, grads = large.loss_and_grads(data.train_x, data.train_y)
assert np.linalg.matrix_rank(grads["0.weight"]) == 64

# 4. 4 times, the square root of 16.
points = mt.load_dataset("ellipse", n_train=2560, n_test=1)
small = mt.two_layer_net(2, 3, 2, tier="vector")
single = np.array(
    [
        np.concatenate([part.ravel() for part in small.loss_and_grads([x], [c])[1].values()])
        for x, c in zip(points.train_x, points.train_y, strict=True)
    ]
)


def spread(gradients):
    return np.sqrt(((gradients - single.mean(axis=0)) ** 2).sum(axis=1).mean())


means_of_16 = single.reshape(160, 16, 17).mean(axis=1)
assert 0.7 * 4 < spread(single) / spread(means_of_16) < 1.4 * 4
