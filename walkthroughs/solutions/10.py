"""Solutions to the exercises of page 10."""

import numpy as np

import micrograd_tiers as mt


def path_of(rate, steps=6):  # from the page
    net = mt.Network([mt.Linear(1, 1)], "mean_squared_error", init="zeros")
    trainer = mt.Trainer(net, [[1.0], [-1.0]], [[2.0], [-2.0]], optimizer=mt.SGD(rate), epochs=steps)
    path = [0.0]
    while not trainer.finished:
        trainer.step()
        path.append(net.state_dict()["0.weight"].item())
    return np.array(path)


def gradient_at(w):
    return w * [1.0, 25.0]


def descend(optimizer, steps, factor=1.0):
    net, memory, path = mt.Network([mt.Linear(2, 1)], "mean_squared_error"), {}, []
    net.load_state_dict({"0.weight": [[-10.0, 1.5]], "0.bias": [0.0]})
    for _ in range(steps):
        w = net.state_dict()["0.weight"]
        path.append(w[0])
        optimizer.step(net, {"0.weight": factor * gradient_at(w)}, memory)
    return np.array(path)


# 1. The factor is 1 - 2 rate = -1/2, so the rate is 3/4.
rate = 0.75
assert np.allclose(path_of(rate) - 2, -2 * (-0.5) ** np.arange(7))

# 2. The variance is 2 / I, so the deviation is the root of 2 / 784. The number of units does not matter.
deviation = np.sqrt(2 / 784)
assert abs(mt.mlp([784, 50, 10], "relu", init="kaiming").state_dict()["0.weight"].std() / deviation - 1) < 0.02

# 3. 1 / (1 - momentum) = 4, so the momentum is 3/4.
momentum = 0.75
assert abs(sum(momentum**t for t in range(1000)) - 4) < 1e-9


# 4.
def my_adam(rate, steps):
    w, m, s, path = np.array([-10.0, 1.5]), 0, 0, []
    for t in range(1, steps + 1):
        path.append(w)
        g = gradient_at(w)
        m = 0.9 * m + (1 - 0.9) * g
        s = 0.999 * s + (1 - 0.999) * g**2
        w = w - rate * (m / (1 - 0.9**t)) / (np.sqrt(s / (1 - 0.999**t)) + 1e-8)
    return np.array(path)


assert np.allclose(my_adam(0.5, 100), descend(mt.Adam(0.5), 100))
