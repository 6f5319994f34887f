"""Solutions to the exercises of page 18."""

import inspect
from types import SimpleNamespace

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor
from micrograd_tiers.tiers.documents import tensor as document_ops

data = mt.load_dataset("names", n_train=4000, n_test=1000)
X, y = data.train_x[:2], data.train_y[:2]


def tier_of(**changed):
    ops = {name: getattr(tensor, name) for name in tensor.__all__}
    return SimpleNamespace(**ops | changed)


def op_with(op, right, wrong):
    text = inspect.getsource(getattr(document_ops, op))
    assert text.count(right) == 1
    namespace = dict(vars(document_ops))
    exec(text.replace(right, wrong), namespace)
    return namespace[op]


def small_gpt(tier):
    return mt.gpt(27, features=8, heads=2, init="normal:0.3", tier=tier)


# 1. With t = tanh(u), the slope is (1 + t) / 2 + x / 2 * (1 - t * t) * du/dx.
def gelu(x):
    c = np.sqrt(2 / np.pi)
    t = np.tanh(c * (x + 0.044715 * x**3))

    def dx(dy):
        return dy * ((1 + t) / 2 + x / 2 * (1 - t * t) * c * (1 + 3 * 0.044715 * x * x))

    return x * (1 + t) / 2, (dx,)


assert mt.check_vjps(gelu, [np.linspace(-3, 3, 13)]).passed
assert mt.check_network(small_gpt(tier_of(relu=gelu)), X, y, n_coordinates=3).passed

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

# 3. With one name there is nothing to add up, and nothing to find. microgpt takes one name per step, so all of
# its losses stay right.
of_last = op_with("add_position", "total(dy, axis=0)", "dy[-1]")
wrong = small_gpt(tier_of(add_position=of_last))
assert mt.check_network(wrong, X[:1], y[:1], n_coordinates=3).passed
report = mt.check_network(wrong, X, y, n_coordinates=3)
failed = [check.name for check in report.checks if not check.passed]
assert failed == ["1.weight", "direction"]

# 4. All scores of a row change by the same number, so no p changes, nor the loss. So the dk sum to 0. That finds
# C, E and F. In A and D the sum is still 0, and G is wrong in dv alone.
rng = np.random.default_rng(0)
x, dy = rng.standard_normal((1, 5, 12)), rng.standard_normal((1, 5, 4))


def sum_of_dk(op):
    _, (dx,) = op(x, 1)
    return abs(dx(dy)[0, :, 4:8].sum(axis=0)).max()


mistakes = {
    "A": ("p * (dp - mean_dp)", "0 * (dp - mean_dp)"),
    "C": ("dqk.swapaxes(2, 3)", "dqk"),
    "D": ("(dp - mean_dp) / sqrt(D)", "(dp - mean_dp)"),
    "E": ("p * (dp - mean_dp)", "p * dp"),
    "F": ("np.stack([dq, dk, dv])", "np.stack([dk, dq, dv])"),
    "G": ("p.swapaxes(2, 3), dy", "p, dy"),
}
assert sum_of_dk(document_ops.attention) < 1e-14
sums = {label: sum_of_dk(op_with("attention", *mistakes[label])) for label in mistakes}
found = [label for label in mistakes if sums[label] > 0.01]
assert found == ["C", "E", "F"]
