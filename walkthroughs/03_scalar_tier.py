r"""
3. The scalar tier
==================

The package holds one network three times, written at three *tiers*. This is the first: two inputs, three hidden units
and two classes in plain lists of floats, with every product and every sum in sight. We write the walk there, the walk
back and the step from the formulas of page 1, check them on an example that comes out by hand, and find the same lines
in the package. Then the net learns to tell the inside of an ellipse from the outside.

You need page 1. Page 2 helps, as its walk back is the one that is done here.
"""

# %%
import inspect
from copy import deepcopy
from math import exp, log

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import scalar

# %% [markdown]
# The net
# -------
#
# Two numbers $x_0, x_1$ go in. Each of three *hidden units* takes a weighted sum of them, $z_j$, and makes of it a
# number between 0 and 1, $h_j = \sigma(z_j)$. Each of two classes takes a weighted sum of these: its score, or
# *logit*, $s_k$. Softmax makes probabilities $y_k$ of the scores, and the loss is the cross-entropy of the right
# class $c$:
#
# $$
# z_j = \sum_i W^1_{ji} x_i + b^1_j, \qquad h_j = \frac{1}{1 + e^{-z_j}}, \qquad s_k = \sum_j W^2_{kj} h_j + b^2_k
# $$
#
# $$
# y_k = \frac{e^{s_k}}{\sum_m e^{s_m}}, \qquad L = -\ln y_c
# $$
#
# The 1 and the 2 above a letter number the layer; they are no powers. The weights of a layer are a list of lists, one
# inner list for each unit that they lead *to*: `W1[j][i]` leads from input $i$ to hidden unit $j$, `W2[k][j]` from
# hidden unit $j$ to class $k$. The numbers added, `b1` and `b2`, are called *biases*. They are chosen here such that
# the sums come out as 0 and $\pm \ln 3$, for there $e^z$ is 1, 3 and $\tfrac13$.

# %%
W1 = [[2.0, -1.0], [1.0, 1.0], [-1.0, 0.0]]
b1 = [0.0, log(3) - 3, 1 - log(3)]
W2 = [[1.0, -1.0, 1.0], [2.0, 0.0, -4.0]]
b2 = [0.0, log(3)]
x, c = [1.0, 2.0], 0

# %% [markdown]
# The walk there
# --------------
#
# **Question.** What are $z$, $h$, $s$ and $y$ for this $x$? Take paper: all come out as simple fractions, or 0, or
# $\pm \ln 3$.
#
# This walk is called the *forward pass*, and the one back the *backward pass*. In the code each formula is a line: a
# list over the units, and in it a sum over what leads to the unit.


# %%
def forward(x, W1, b1, W2, b2):
    z = [sum(W1[j][i] * x[i] for i in range(2)) + b1[j] for j in range(3)]
    h = [1 / (1 + exp(-z[j])) for j in range(3)]
    s = [sum(W2[k][j] * h[j] for j in range(3)) + b2[k] for k in range(2)]
    y = [exp(s[k]) / sum(exp(s[m]) for m in range(2)) for k in range(2)]
    return z, h, s, y


def same(a, b, tolerance=1e-12):
    """Whether two numbers, lists, or lists of lists are the same, but for rounding."""
    return np.shape(a) == np.shape(b) and np.allclose(a, b, rtol=0, atol=tolerance)


z, h, s, y = forward(x, W1, b1, W2, b2)
loss = -log(y[c])
for name, values in (("z", z), ("h", h), ("s", s), ("y", y), ("loss", loss)):
    print(name, np.round(values, 4).tolist())
assert same(z, [0, log(3), -log(3)])
assert same(h, [1 / 2, 3 / 4, 1 / 4])
assert same(s, [0, log(3)])
assert same(y, [1 / 4, 3 / 4])
assert same(loss, log(4))

# %% [markdown]
# By hand:
#
# - $z_0 = 2 \cdot 1 - 1 \cdot 2 + 0 = 0$, so $h_0 = 1 / (1 + 1) = \tfrac12$
# - $z_1 = 1 \cdot 1 + 1 \cdot 2 + \ln 3 - 3 = \ln 3$, so $h_1 = 1 / (1 + \tfrac13) = \tfrac34$
# - $z_2 = -1 \cdot 1 + 0 \cdot 2 + 1 - \ln 3 = -\ln 3$, so $h_2 = 1 / (1 + 3) = \tfrac14$
# - $s_0 = \tfrac12 - \tfrac34 + \tfrac14 + 0 = 0$ and $s_1 = 1 + 0 - 1 + \ln 3 = \ln 3$
# - $e^{s_0} = 1$ and $e^{s_1} = 3$, so $y = (\tfrac14, \tfrac34)$ and $L = -\ln \tfrac14 = \ln 4$
#
# The net finds class 1 three times as likely as class 0, which is the right one. It has something to learn.
#
# The walk back
# -------------
#
# We write `dz` for $dL/dz$, and so on: a list of the same shape as `z`, or whatever stands behind the d.
#
# **Question.** Go back line by line: what is `ds`? From it `dW2`, `db2` and `dh`; then `dz`; then `dW1` and `db1`?
#
# 1. Softmax and cross-entropy together gave prediction minus target on page 1: $ds_k = y_k - 1$ if $k = c$, else
#    $y_k$.
# 2. $W^2_{kj}$ occurs in $s_k$ alone, and there with the factor $h_j$: so $dW^2_{kj} = ds_k \cdot h_j$.
# 3. $b^2_k$ is added to $s_k$: so $db^2_k = ds_k$.
# 4. $h_j$ reaches the loss through both scores; the ways are added: $dh_j = \sum_k W^2_{kj} \cdot ds_k$.
# 5. The sigmoid has the slope $h_j (1 - h_j)$: so $dz_j = dh_j \cdot h_j (1 - h_j)$.
# 6. The first layer is as the second: $dW^1_{ji} = dz_j \cdot x_i$ and $db^1_j = dz_j$. Nobody asks for $dx$.


# %%
def backward(x, c, h, y, W2):
    ds = [y[k] - (k == c) for k in range(2)]  # True counts as 1, False as 0
    dW2 = [[ds[k] * h[j] for j in range(3)] for k in range(2)]
    db2 = [ds[k] for k in range(2)]
    dh = [sum(W2[k][j] * ds[k] for k in range(2)) for j in range(3)]
    dz = [dh[j] * h[j] * (1 - h[j]) for j in range(3)]
    dW1 = [[dz[j] * x[i] for i in range(2)] for j in range(3)]
    db1 = [dz[j] for j in range(3)]
    return dW1, db1, dW2, db2


dW1, db1, dW2, db2 = gradients = backward(x, c, h, y, W2)
for name, gradient in zip(("dW1", "db1", "dW2", "db2"), gradients, strict=True):
    print(name, np.round(gradient, 4).tolist())
assert same(db2, [-3 / 4, 3 / 4])
assert same(dW2, [[-3 / 8, -9 / 16, -3 / 16], [3 / 8, 9 / 16, 3 / 16]])
assert same(db1, [3 / 16, 9 / 64, -45 / 64])
assert same(dW1, [[3 / 16, 3 / 8], [9 / 64, 9 / 32], [-45 / 64, -45 / 32]])

# %% [markdown]
# By hand: $ds = (\tfrac14 - 1, \tfrac34)$. Then $dh_0 = 1 \cdot (-\tfrac34) + 2 \cdot \tfrac34 = \tfrac34$, and in
# the same way $dh_1 = \tfrac34$ and $dh_2 = -\tfrac{15}{4}$. The slopes of the sigmoid are $\tfrac14$, $\tfrac3{16}$
# and $\tfrac3{16}$, which makes $dz = (\tfrac3{16}, \tfrac9{64}, -\tfrac{45}{64})$. All in one picture:

# %%
places = [[(0, 1.5), (0, 0.5)], [(2, 2), (2, 1), (2, 0)], [(4, 1.5), (4, 0.5)]]
texts = [
    [f"$x_{i}$ = {x[i]:g}" for i in range(2)],
    [f"$h_{j}$ = {h[j]:.4g}\n$dz_{j}$ = {db1[j]:.4f}" for j in range(3)],
    [f"$y_{k}$ = {y[k]:.4g}\n$ds_{k}$ = {db2[k]:.4f}" for k in range(2)],
]
figure, axes = plt.subplots(figsize=(6.5, 3.6), layout="constrained")
for column, of_column in zip(places, texts, strict=True):
    for place, text in zip(column, of_column, strict=True):
        axes.text(*place, text, ha="center", va="center", bbox={"boxstyle": "round", "facecolor": "lightyellow"})
for weights, sources, targets in ((W1, places[0], places[1]), (W2, places[1], places[2])):
    for row, (to_x, to_y) in zip(weights, targets, strict=True):
        for weight, (from_x, from_y) in zip(row, sources, strict=True):
            axes.plot([from_x, to_x], [from_y, to_y], color="0.6", zorder=0)
            label = {"ha": "center", "va": "center", "backgroundcolor": "white", "fontsize": 8}
            axes.text(0.75 * from_x + 0.25 * to_x, 0.75 * from_y + 0.25 * to_y, f"{weight:g}", **label)
axes.set(xlim=(-0.4, 4.5), ylim=(-0.4, 2.4))
axes.axis("off")
plt.show()

# %% [markdown]
# In the boxes stand values and gradients, on the lines the weights. And never believe a derivative that you have not
# tried. Here are all 17 numbers that can learn:

# %%
parameters = [W1, b1, W2, b2]
assert sum(np.size(parameter) for parameter in parameters) == 17
for n, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):

    def loss_with(values, n=n):  # of the same net, with parameter n replaced; [3] is y
        return -log(forward(x, *parameters[:n], values, *parameters[n + 1 :])[3][c])

    assert same(mt.numerical_gradient(loss_with, np.array(parameter)), gradient, 1e-9)

# %% [markdown]
# The step
# --------
#
# Each weight goes down its slope: by its gradient times the *learning rate*. For several samples at once, a
# *mini-batch*, the loss is the mean of theirs, and so is the gradient. All walks are done before the first weight
# moves.


# %%
def step(xs, cs, W1, b1, W2, b2, learning_rate):
    gradients = []
    for x, c in zip(xs, cs, strict=True):
        _, h, _, y = forward(x, W1, b1, W2, b2)
        gradients.append(backward(x, c, h, y, W2))
    rate = learning_rate / len(xs)  # 1/N of each sample's gradient: their mean
    for dW1, db1, dW2, db2 in gradients:
        for j in range(3):
            for i in range(2):
                W1[j][i] -= rate * dW1[j][i]
            b1[j] -= rate * db1[j]
        for k in range(2):
            for j in range(3):
                W2[k][j] -= rate * dW2[k][j]
            b2[k] -= rate * db2[k]


moved = deepcopy(parameters)
step([x], [c], *moved, learning_rate=0.5)
loss_after = -log(forward(x, *moved)[3][c])
print(f"W2[0][0] from {W2[0][0]} to {moved[2][0][0]:.4f}, loss from {loss:.4f} to {loss_after:.4f}")
assert same(moved[2][0][0], 1 + 0.5 * 3 / 8)
assert loss_after < loss

# %% [markdown]
# That is a network and its backpropagation, whole. It has one flaw: `backward` knows this net and no other. Put in
# one more layer, and you write it again.
#
# A value and the way back
# ------------------------
#
# **Question.** What would each part have to give out, so that parts can be put together in any order?
#
# Its value, and for each of its inputs the function that carries a gradient back to it: from $dL/dy$, called `dy`, to
# $dL/dx$. Such a function is called a *vjp*, for vector-Jacobian product, after the table of derivatives of page 1.
# The package calls such a part an *op*. Here is its `linear`, weighted sums with biases, as it stands in
# `micrograd_tiers/tiers/scalar.py`:

# %%
print(inspect.getsource(scalar.linear))

# %% [markdown]
# `dot` is the sum of products, made with Python's `map` in `tiers/lists.py`, and `zip(*weight)` goes through the
# columns of the weights. The three functions
# after `return` are lines 4, 2 and 3 of the list above. They still know `x` and `weight`, for a function made inside
# another one remembers what it saw there. The other ops, `sigmoid` and `softmax_cross_entropy`, are of the same form.
# Now backpropagation fits every chain of ops. Walk there, and keep the vjps. Walk back, and hand to each what the one
# behind it gave:

# %%
layers = [(scalar.linear, W1, b1), (scalar.sigmoid,), (scalar.linear, W2, b2)]

out, kept = x, []
for op, *weights in layers:
    out, vjps = op(out, *weights)
    kept.append(vjps)
loss_by_ops, (dlogits,) = scalar.softmax_cross_entropy(out, c)

dy, found = dlogits(1.0), []  # dL/dL is 1
for dx, *dweights in reversed(kept):
    found = [dweight(dy) for dweight in dweights] + found
    dy = dx(dy)

assert same(loss_by_ops, loss)
for by_ops, by_hand in zip(found, gradients, strict=True):
    assert same(by_ops, by_hand)

# %% [markdown]
# `backprop.py` in the package is this loop, inside a loop over the samples of a mini-batch. It starts from $1/N$
# in place of 1, and adds up what the samples give. The net itself is `two_layer_net`, and `tier="scalar"` says that
# it computes with these ops. Its weights go by the number of the layer; layer 1, the sigmoid, has none.

# %%
net = mt.two_layer_net(2, 3, 2, tier="scalar")
names = ["0.weight", "0.bias", "2.weight", "2.bias"]
net.load_state_dict(dict(zip(names, parameters, strict=True)))
print(net.summary())

net_loss, net_gradients = net.loss_and_grads([x], [c])
assert same(net_loss, loss)
for name, by_hand in zip(names, gradients, strict=True):
    assert same(net_gradients[name], by_hand)

# %% [markdown]
# Learning an ellipse
# -------------------
#
# The points of this set lie around the origin. Those inside an ellipse are class 0, those outside are class 1; no
# straight line can part them. There are 60,000 points. In mini-batches of 32, one pass over all of them, an *epoch*,
# takes 1,875 steps. The learning rate is 1.
#
# First a hundred steps with our own `step` and with the package's `Trainer`, from the same weights, on the same
# points. `mt.SGD(1.0)`, for stochastic gradient descent, is our step with the learning
# rate 1.

# %%
data = mt.load_dataset("ellipse", n_test=1_000)
points, classes = data.train_x.tolist(), data.train_y.tolist()

net = mt.two_layer_net(2, 3, 2, tier="scalar", seed=0)  # starts from small random weights
trainer = mt.Trainer(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32, shuffle=False)
mine = [net.state_dict()[name].tolist() for name in names]
for n in range(100):
    trainer.step()
    batch = slice(32 * n, 32 * (n + 1))
    step(points[batch], classes[batch], *mine, learning_rate=1.0)

difference = max(abs(net.state_dict()[name] - own).max() for name, own in zip(names, mine, strict=True))
print(f"after 100 steps no weight differs by more than {difference:.0e}")
assert difference < 1e-12
assert trainer.steps_per_epoch == 1875

# %% [markdown]
# They are the same but for rounding; for one thing, the package multiplies by $1/N$ before the walk back, and we
# after it. Now the whole epoch, with a look at the net at five moments. The *accuracy* is the share of 1,000 other
# points that it puts in the right class. Circles are points inside the ellipse, triangles points outside; the color
# of the ground shows what the net says. A dashed line is where $z_j = 0$ for one of the hidden units: there $h_j$ is
# $\tfrac12$, on one side it is less, on the other more.

# %%
net = mt.two_layer_net(2, 3, 2, tier="scalar", seed=0)
trainer = mt.Trainer(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32, shuffle=False)
axis = np.linspace(-3, 3, 41)
grid = np.array([[x0, x1] for x1 in axis for x0 in axis])

moments, accuracies = [0, 150, 200, 500, 1875], []
figure, row = plt.subplots(1, 5, figsize=(9, 2.5), layout="constrained", sharey=True)
for moment, axes in zip(moments, row, strict=True):
    while len(trainer.history.batch_loss) < moment:
        trainer.step()
    accuracies.append(mt.evaluate(net, data.test_x, data.test_y)["accuracy"])

    outside = net.predict_proba(grid)[:, 1].reshape(41, 41)
    axes.contourf(axis, axis, outside, levels=[0, 0.5, 1], colors=["C0", "C1"], alpha=0.3)
    sums = grid @ net.state_dict()["0.weight"].T + net.state_dict()["0.bias"]  # z of all units at all places
    for zj in sums.T.reshape(3, 41, 41):
        axes.contour(axis, axis, zj, levels=[0], colors="0.3", linestyles="dashed", linewidths=1)
    for label, marker, color in ((0, "o", "C0"), (1, "^", "C1")):
        axes.scatter(*data.test_x[:150][data.test_y[:150] == label].T, s=6, marker=marker, color=color)
    axes.set(xlim=(-3, 3), ylim=(-3, 3), aspect="equal", xlabel="$x_0$")
    axes.set_title(f"{moment} steps\naccuracy {accuracies[-1]:.0%}", fontsize=10)
row[0].set_ylabel("$x_1$")
plt.show()

share_outside = data.test_y.mean()
assert 0.5 < share_outside < 0.6
assert abs(accuracies[1] - share_outside) < 0.05
assert accuracies[2] > 0.85
assert accuracies[4] > 0.95
assert min(outside[0].min(), outside[-1].min(), outside[:, 0].min(), outside[:, -1].min()) > 0.5  # along the frame

# %% [markdown]
# **Question.** What did the net learn first, what next, and what last?
#
# At first the lines lie anywhere. After 150 steps the net says "outside" nearly everywhere, which is right for a
# little more than half of the points. Then it finds a strip between parallel lines, and with that most points are
# right. At last the lines turn and close the strip at both ends: three units have fenced in the ellipse.
#
# Exercises
# ---------
#
# 1. By hand: the same example, but the right class is 1. What are `ds` and `dW2`? Then
#    `assert same(backward(x, 1, h, y, W2)[2], ...)`
# 2. Write `sigmoid` as an op: from a list `x`, the list `y` and the tuple of one vjp. Write the frame with
#    `micrograd-tiers verify --new my_tier.py --like scalar`, fill in `sigmoid`, and run
#    `micrograd-tiers verify my_tier.py` until it says of `sigmoid`: pass. (If it names a number at which yours fails:
#    `math.exp(1000)` is an error, and $1 / (1 + e^{-x}) = e^x / (e^x + 1)$.)
# 3. The ops also run on the Values of page 2. Make Values of all weights, walk through the three ops and the loss,
#    and call `backward` on it: `assert same(W1[0][0].grad, 3 / 16)`
# 4. How far does a net with one hidden unit come, and with two? Take `mt.two_layer_net(2, 1, 2)`, and then 2 in place
#    of 1, without `tier="scalar"`, which makes it fast. `mt.fit` takes all steps of an epoch at once:
#    `mt.fit(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32)`. With the two accuracies in a dict,
#    `assert accuracy_of[1] < 0.8 < 0.9 < accuracy_of[2]`
#
# Every product on this page was one turn of a loop in Python. Next, on page 4: the same net with NumPy's vectors,
# where the loops over units are gone.
