"""Solutions to the exercises of page 18."""

import inspect
from types import SimpleNamespace

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor
from micrograd_tiers.tiers.documents import tensor as document_ops

data = mt.load_dataset("names", n_train=4000, n_test=1000)
X, y = data.train_x[:2], data.train_y[:2]


def tier_of(**ops):
    return SimpleNamespace(**{name: getattr(tensor, name) for name in tensor.__all__} | ops)


def tier_with(op, right, wrong):
    text = inspect.getsource(getattr(document_ops, op))
    assert text.count(right) == 1
    namespace = dict(vars(document_ops))
    exec(text.replace(right, wrong), namespace)
    return tier_of(**{op: namespace[op]})


# 1. With t = tanh(u), the slope is (1 + t) / 2 + x / 2 * (1 - t * t) * du/dx.
def gelu(x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))

    def dx(dy):
        return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))

    return x * (1 + t) / 2, (dx,)


assert mt.check_vjps(gelu, [np.linspace(-3, 3, 13)]).passed
net = mt.gpt(27, features=8, heads=2, init="normal:0.3", tier=tier_of(relu=gelu))
assert mt.check_network(net, X, y, n_coordinates=3).passed

# 2. The sum of the two gradients. Tying saves 27 * 16 = 432 weights.
net = mt.gpt(27, init="normal:0.3")
start = net.state_dict()


def tied(embedding):
    net.load_state_dict(start | {"0.weight": embedding, "15.weight": embedding})
    return net.loss_and_grads(X, y)


_, grads = tied(start["0.weight"])
yours = grads["0.weight"] + grads["15.weight"]
step = np.zeros((27, 16))
step[3, 5] = 1e-5
slope = (tied(start["0.weight"] + step)[0] - tied(start["0.weight"] - step)[0]) / 2e-5
assert abs(slope - yours[3, 5]) < 1e-8
assert abs(slope - grads["15.weight"][3, 5]) > 1e-8
assert yours.size == 432

# 3. With one document, there is nothing to add up, and nothing to find: microgpt takes one document per step.
wrong = mt.gpt(
    27, features=8, heads=2, init="normal:0.3", tier=tier_with("add_position", "total(dy, axis=0)", "dy[-1]")
)
assert mt.check_network(wrong, X[:1], y[:1], n_coordinates=3).passed
report = mt.check_network(wrong, X, y, n_coordinates=3)
assert [check.name for check in report.checks if not check.passed] == ["1.weight", "direction"]

# 4. The mean, in the derivative of softmax. It trains as well as the others.
no_mean = tier_with("attention", "(dp - mean_dp)", "dp")
held_out = []
for tier in (tensor, no_mean):
    net = mt.gpt(27, tier=tier)
    mt.fit(net, data.train_x, data.train_y, optimizer=mt.Adam(0.01), batch_size=16, steps=200, schedule="linear")
    held_out.append(mt.evaluate(net, data.test_x, data.test_y)["loss"])
assert abs(held_out[1] - held_out[0]) < 0.02
