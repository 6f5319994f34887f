"""Solutions of the exercises of page 3."""

import tempfile
from math import log
from pathlib import Path

import micrograd_tiers as mt
from micrograd_tiers.engine import Value
from micrograd_tiers.lab.judge import judge
from micrograd_tiers.tiers import scalar

W1 = [[2.0, -1.0], [1.0, 1.0], [-1.0, 0.0]]
b1 = [0.0, log(3) - 3, 1 - log(3)]
W2 = [[1.0, -1.0, 1.0], [2.0, 0.0, -4.0]]
b2 = [0.0, log(3)]
x = [1.0, 2.0]

# 1. y is (1/4, 3/4) as before, and h is (1/2, 3/4, 1/4). So ds = (1/4, 3/4 - 1), and dW2[k][j] = ds[k] * h[j].
net = mt.two_layer_net(2, 3, 2, tier="scalar")
net.load_state_dict({"0.weight": W1, "0.bias": b1, "2.weight": W2, "2.bias": b2})
loss, gradients = net.loss_and_grads([x], [1])
assert abs(gradients["2.weight"] - [[1 / 8, 3 / 16, 1 / 16], [-1 / 8, -3 / 16, -1 / 16]]).max() < 1e-12
assert abs(gradients["2.bias"] - [1 / 4, -1 / 4]).max() < 1e-12

# 2. If x is negative, take the form with e**x, so that the exponent is never positive.
MY_TIER = """
import math


def sigmoid(x):
    y = [1 / (1 + math.exp(-xi)) if xi >= 0 else math.exp(xi) / (math.exp(xi) + 1) for xi in x]

    def dx(dy):
        return [dy[i] * y[i] * (1 - y[i]) for i in range(len(x))]

    return y, (dx,)
"""
with tempfile.TemporaryDirectory() as folder:
    path = Path(folder) / "my_tier.py"
    path.write_text(MY_TIER)
    verdict = judge(str(path), like="scalar", points={"sigmoid": 1})
    assert verdict.passed, verdict

# 3. The ops need numbers that they can add, multiply, compare and so on. Values are such numbers.
W1, W2 = ([[Value(w) for w in row] for row in weights] for weights in (W1, W2))
b1, b2 = ([Value(b) for b in biases] for biases in (b1, b2))
z, _ = scalar.linear(x, W1, b1)
h, _ = scalar.sigmoid(z)
s, _ = scalar.linear(h, W2, b2)
loss, _ = scalar.softmax_cross_entropy(s, 0)
loss.backward()
assert abs(W1[0][0].grad - 3 / 16) < 1e-12
assert abs(W1[2][1].grad + 45 / 32) < 1e-12

# 4. One unit draws one line. Two units make a strip, and the ellipse is long, so few points of the strip are outside.
data = mt.load_dataset("ellipse", n_test=1_000)
accuracy_of = {}
for hidden in (1, 2):
    net = mt.two_layer_net(2, hidden, 2)
    mt.fit(net, data.train_x, data.train_y, optimizer=mt.SGD(1.0), batch_size=32)
    accuracy_of[hidden] = mt.evaluate(net, data.test_x, data.test_y)["accuracy"]
assert accuracy_of[1] < 0.8 < 0.9 < accuracy_of[2]
