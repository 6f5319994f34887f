"""Solutions to the exercises of page 11."""

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets import train_validation_split
from micrograd_tiers.lab.museum import get_bug, planted

corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])

# 1. The score of class 1 is a + b - 3/2, which is positive only for two ones. The score of class 0 is 0.
net = mt.mlp([2, 2])
net.load_state_dict({"0.weight": [[0, 0], [1, 1]], "0.bias": [0, -1.5]})
assert net.predict(corners).tolist() == [0, 0, 0, 1]

# 2. h1 = sigmoid(20 a + 20 b - 10): any input is 1. h2 = sigmoid(20 a + 20 b - 30): both are. XOR is h1 without h2.
net = mt.mlp([2, 2, 2], "sigmoid")
net.load_state_dict(
    {"0.weight": [[20, 20], [20, 20]], "0.bias": [-10, -30], "2.weight": [[0, 0], [20, -20]], "2.bias": [0, -10]}
)
assert net.predict(corners).tolist() == [0, 1, 1, 0]

# 3. The output of a ReLU is 0 for z = 0, so the gradient of the last weights is 0, too. Only the last bias, whose input
# is 1, has a gradient that is not 0, because 25 points cannot be half of one class and half of the other.
moons = mt.load_dataset("moons", n_train=400, n_test=1000)
_, grads = mt.mlp([2, 8, 2], "relu", init="zeros").loss_and_grads(moons.train_x[:25], moons.train_y[:25])
assert [name for name, gradient in grads.items() if gradient.any()] == ["2.bias"]

# 4. The gradient is 25 times too small, so the rate must be 25 times as large.
digits = mt.load_dataset("glyphs", n_train=1500, n_test=1)
X, y, *held_out = train_validation_split(digits.train_x, digits.train_y, 500)


def train(package=mt, rate=0.5):
    net = package.two_layer_net(784, 50, 10)
    return package.fit(net, X, y, optimizer=package.SGD(rate), batch_size=25, epochs=8, validation=held_out)


with planted(get_bug("double_batch_mean")) as package:
    cured = train(package, rate=0.5 * 25)
assert np.allclose(cured.train_loss, train().train_loss, atol=1e-3)
