"""Solutions to the exercises of page 14."""

import numpy as np

import micrograd_tiers as mt


def batch_norm_dx(dy, u, s, weight):
    g = weight * dy
    return (g - g.mean(axis=0) - u * (g * u).mean(axis=0)) / s


x = np.array([[-4.0], [2.0], [4.0], [10.0]])
s = np.sqrt(25 + 1e-5)
u = (x - 3) / s

# 1. g = (1, 0, 0, 0) has the mean 1/4, and g u has the mean -1.4 / 4 = -0.35.
# So dL/dx = (g - 0.25 + 0.35 u) / 5: (0.75 - 0.49) / 5, (-0.25 - 0.07) / 5, (-0.25 + 0.07) / 5, (-0.25 + 0.49) / 5.
dy = np.array([[1.0], [0.0], [0.0], [0.0]])
dx = batch_norm_dx(dy, u, s, 1.0)
assert abs(dx.ravel() - [0.052, -0.064, -0.036, 0.048]).max() < 1e-6

# 2. A common shift of all x changes nothing, so dx must sum to 0. Without the other two terms it does not.
wrong = dy * 1.0 / s
assert abs(dx.sum()) < 1e-14 < abs(wrong.sum())

# 3. The running mean is a constant. Subtracting it does not remove the bias, so the bias has an effect.
rng = np.random.default_rng(0)
X, y = rng.normal(size=(20, 4)), rng.integers(0, 3, 20)
net = mt.Network([mt.Linear(4, 5), mt.BatchNorm1d(5), mt.Sigmoid(), mt.Linear(5, 3)], seed=0)
_, grads = net.loss_and_grads(X, y)
assert abs(grads["0.bias"]).max() < 1e-14
net.freeze(1)
_, grads = net.loss_and_grads(X, y)
assert abs(grads["0.bias"]).max() > 1e-6

# 4. The layers of the decoder are numbered from 0 again: "3.weight" becomes "0.weight".
net = mt.autoencoder([784, 50, 8], dtype="float32", init="kaiming", seed=0)
weights = net.state_dict()
encoder = mt.Network(net.layers[:3], "mean_squared_error", dtype="float32")
encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})
decoder = mt.Network(net.layers[3:], "mean_squared_error", dtype="float32")
of_decoder = {}
for name in decoder.state_dict():
    number, _, kind = name.partition(".")
    of_decoder[name] = weights[f"{int(number) + 3}.{kind}"]
decoder.load_state_dict(of_decoder)
test = mt.load_dataset("glyphs", n_train=1, n_test=50).test_x
assert abs(decoder.forward(encoder.forward(test)) - net.forward(test)).max() < 1e-5
