r"""
3. The scalar tier
==================

The package contains one network three times, written at three *tiers*. This page is about the first: two inputs, three
hidden units and two classes in plain lists of floats, with every product and every sum in plain view. We write the
forward pass, the backward pass and the training step from the formulas of page 1. We check them on an example that you
can work out by hand, and find the same lines in the package. At the end, the net learns to tell the inside of an
ellipse from the outside.

You need page 1. Page 2 helps, because its backward pass is the one that we write here.
"""

# %%
import inspect
from copy import deepcopy
from math import exp, log

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import scalar

# %% [markdown]
# The net
# -------
#
# The net has two inputs, $x_0$ and $x_1$. Each of three *hidden units* computes a weighted sum of them, $z_j$, and
# turns it into a number between 0 and 1, $h_j = \sigma(z_j)$. Each of two classes computes a weighted sum of the $h_j$:
# its score, or *logit*, $s_k$. Softmax turns the scores into probabilities $y_k$, and the loss is the cross-entropy for
# the right class $c$:
#
# $$
# z_j = \sum_i W^1_{ji} x_i + b^1_j, \qquad h_j = \frac{1}{1 + e^{-z_j}}, \qquad s_k = \sum_j W^2_{kj} h_j + b^2_k
# $$
#
# $$
# y_k = \frac{e^{s_k}}{\sum_m e^{s_m}}, \qquad L = -\ln y_c
# $$
#
# The superscripts 1 and 2 number the layers; they are not powers. The weights of a layer are a list of lists, with one
# inner list for each unit that they lead *to*: `W1[j][i]` leads from input $i$ to hidden unit $j$, and `W2[k][j]` from
# hidden unit $j$ to class $k$. The numbers added to the sums, `b1` and `b2`, are called *biases*. We chose them here so
# that the sums are 0 and $\pm \ln 3$, where $e^z$ is 1, 3 and $\tfrac13$.

# %%
W1 = [[2.0, -1.0], [1.0, 1.0], [-1.0, 0.0]]
b1 = [0.0, log(3) - 3, 1 - log(3)]
W2 = [[1.0, -1.0, 1.0], [2.0, 0.0, -4.0]]
b2 = [0.0, log(3)]
x, c = [1.0, 2.0], 0

# %% [markdown]
# The forward pass
# ----------------
#
# **Question.** What are $z$, $h$, $s$ and $y$ for this $x$? Take a sheet of paper: all of them are simple fractions, 0,
# or $\pm \ln 3$.
#
# The *forward pass* computes them from input to output. In the code each formula takes one line: a list over the
# units, and inside it a sum over everything that leads to the unit.


# %%
def forward(x, W1, b1, W2, b2):
    z = [sum(W1[j][i] * x[i] for i in range(2)) + b1[j] for j in range(3)]
    h = [1 / (1 + exp(-z[j])) for j in range(3)]
    s = [sum(W2[k][j] * h[j] for j in range(3)) + b2[k] for k in range(2)]
    y = [exp(s[k]) / sum(exp(s[m]) for m in range(2)) for k in range(2)]
    return z, h, s, y


def same(a, b, tolerance=1e-12):
    """Return True if two numbers, lists, or lists of lists agree up to rounding."""
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
# The net considers class 1 three times as likely as class 0, but class 0 is the right one. It has something to learn.
#
# The backward pass
# -----------------
#
# The *backward pass* goes through the same formulas in reverse. We write `dz` for $dL/dz$, `dh` for $dL/dh$, and so on.
# Each is a list of the same shape as the one it is named after.
#
# **Question.** Go back line by line. What is `ds`? What are `dW2`, `db2` and `dh`, given `ds`? Then what is `dz`, and
# what are `dW1` and `db1`?
#
# 1. On page 1, softmax and cross-entropy together gave prediction minus target: $ds_k = y_k - 1$ if $k = c$, and $y_k$
#    otherwise.
# 2. $W^2_{kj}$ occurs only in $s_k$, with the factor $h_j$. So $dW^2_{kj} = ds_k \cdot h_j$.
# 3. $b^2_k$ is added to $s_k$. So $db^2_k = ds_k$.
# 4. $h_j$ reaches the loss through both scores, and we sum over these paths: $dh_j = \sum_k W^2_{kj} \cdot ds_k$.
# 5. The sigmoid has the slope $h_j (1 - h_j)$. So $dz_j = dh_j \cdot h_j (1 - h_j)$.
# 6. The first layer works like the second: $dW^1_{ji} = dz_j \cdot x_i$ and $db^1_j = dz_j$. Nobody needs $dx$.


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
# By hand: $ds = (\tfrac14 - 1, \tfrac34)$. Then $dh_0 = 1 \cdot (-\tfrac34) + 2 \cdot \tfrac34 = \tfrac34$, and in the
# same way $dh_1 = \tfrac34$ and $dh_2 = -\tfrac{15}{4}$. The slopes of the sigmoid are $\tfrac14$, $\tfrac3{16}$ and
# $\tfrac3{16}$, so $dz = (\tfrac3{16}, \tfrac9{64}, -\tfrac{45}{64})$. Here is everything in one picture.
# The package's `two_layer_net` is the same net, so we give it our weights and draw it. They are named by the number of
# their layer; layer 1, the sigmoid, has none.

# %%
net = mt.two_layer_net(2, 3, 2, tier="scalar")
names = ["0.weight", "0.bias", "2.weight", "2.bias"]
net.load_state_dict(dict(zip(names, [W1, b1, W2, b2], strict=True)))
mt.draw(net, [x], [c])

# %% [markdown]
# The upper half shows outputs and weights, the lower half shows the gradient of each number. As always, trust no
# derivative that you have not checked numerically. Here is the check for all 17 numbers that can learn:

# %%
parameters = [W1, b1, W2, b2]
assert sum(np.size(parameter) for parameter in parameters) == 17
for n, (parameter, gradient) in enumerate(zip(parameters, gradients, strict=True)):

    def loss_with(values, n=n):  # the loss with parameter n replaced; [3] is y
        return -log(forward(x, *parameters[:n], values, *parameters[n + 1 :])[3][c])

    assert same(mt.numerical_gradient(loss_with, np.array(parameter)), gradient, 1e-9)

# %% [markdown]
# The training step
# -----------------
#
# Each weight moves down its slope: by its gradient times the *learning rate*. With several samples at once, a
# *mini-batch*, the loss is the mean of their losses, so the gradient is the mean of their gradients. All forward and
# backward passes come before the first weight moves.


# %%
def step(xs, cs, W1, b1, W2, b2, learning_rate):
    gradients = []
    for x, c in zip(xs, cs, strict=True):
        _, h, _, y = forward(x, W1, b1, W2, b2)
        gradients.append(backward(x, c, h, y, W2))
    rate = learning_rate / len(xs)  # 1/N of each sample's gradient makes the mean
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
print(f"W2[0][0] moves from {W2[0][0]} to {moved[2][0][0]:.4f}")
print(f"the loss falls from {loss:.4f} to {loss_after:.4f}")
assert same(moved[2][0][0], 1 + 0.5 * 3 / 8)
assert loss_after < loss

# %% [markdown]
# That is a complete network with its backpropagation. It has one flaw: `backward` knows this net and no other. Add one
# layer, and you have to write it again.
#
# A value and its vjps
# --------------------
#
# **Question.** What would each part of a net have to return, so that you could put parts together in any order?
#
# Its value, and for each of its inputs a function that carries a gradient back to that input: from $dL/dy$, called
# `dy`, to $dL/dx$. Such a function is called a *vjp*, for vector-Jacobian product, after the table of derivatives on
# page 1. The package calls such a part an *op*. Here is its `linear`, weighted sums with biases, from
# `micrograd_tiers/tiers/scalar.py`:

# %%
print(inspect.getsource(scalar.linear))

# %% [markdown]
# `dot` is the sum of products, written with Python's `map` in `tiers/lists.py`, and `zip(*weight)` iterates over the
# columns of the weights. The three functions after `return` are lines 4, 2 and 3 of the list above. The first still
# knows `weight`, because a function defined inside another one remembers the variables around it. The second is an
# object that is called like a function and keeps `x`; the comment beside it says what it returns. So a training step
# can read `x` and add these products straight to the weights. The other ops, `sigmoid` and `softmax_cross_entropy`,
# have the same form.
#
# Now backpropagation works for every chain of ops. In the forward pass, keep the vjps. In the backward pass, call them
# in reverse order, and give each the gradient that the one before returned:

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
# instead of 1, and sums the gradients of the samples. The net that we have drawn, with `tier="scalar"`, computes with
# these ops.

# %%
print(net.summary())

net_loss, net_gradients = net.loss_and_grads([x], [c])
assert same(net_loss, loss)
for name, by_hand in zip(names, gradients, strict=True):
    assert same(net_gradients[name], by_hand)

# %% [markdown]
# Learning an ellipse
# -------------------
#
# The points of this data set lie around the origin. Those inside an ellipse are class 0, those outside are class 1; no
# straight line can separate them. There are 60,000 points. In mini-batches of 32, one pass over all of them, an
# *epoch*, takes 1,875 steps. The learning rate is 1.
#
# First we take a hundred steps twice, with our own `step` and with the package's `Trainer`, from the same weights and
# on the same points. `mt.SGD(1.0)`, for stochastic gradient descent, is our step with the learning rate 1.

# %%
data = mt.load_dataset("ellipse", n_test=1_000)
points, classes = data.train_x.tolist(), data.train_y.tolist()

net = mt.two_layer_net(2, 3, 2, tier="scalar", seed=0)  # small random weights
trainer = mt.Trainer(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32, shuffle=False)
mine = [net.state_dict()[name].tolist() for name in names]
for n in range(100):
    trainer.step()
    batch = slice(32 * n, 32 * (n + 1))
    step(points[batch], classes[batch], *mine, learning_rate=1.0)

difference = max(abs(net.state_dict()[name] - own).max() for name, own in zip(names, mine, strict=True))
print(f"after 100 steps, no weight differs by more than {difference:.0e}")
assert difference < 1e-12
assert trainer.steps_per_epoch == 1875

# %% [markdown]
# The weights are the same up to rounding. One source of rounding is that the package multiplies by $1/N$ before the
# backward pass, and we multiply after it.
#
# Now train for the whole epoch, and look at the *accuracy* at five moments: the share of 1,000 other points that the
# net classifies correctly.

# %%
net = mt.two_layer_net(2, 3, 2, tier="scalar", seed=0)
trainer = mt.Trainer(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32, shuffle=False)
axis = np.linspace(-3, 3, 41)
grid = np.array([[x0, x1] for x1 in axis for x0 in axis])

moments, accuracies = [0, 150, 200, 500, 1875], []
for moment in moments:
    while len(trainer.history.batch_loss) < moment:
        trainer.step()
    accuracies.append(mt.evaluate(net, data.test_x, data.test_y)["accuracy"])
    print(f"{moment} steps: accuracy {accuracies[-1]:.0%}")
outside = net.predict_proba(grid)[:, 1].reshape(41, 41)

share_outside = data.test_y.mean()
assert 0.5 < share_outside < 0.6
assert abs(accuracies[1] - share_outside) < 0.05
assert accuracies[2] > 0.85
assert accuracies[4] > 0.95
assert min(outside[0].min(), outside[-1].min(), outside[:, 0].min(), outside[:, -1].min()) > 0.5  # along the border

# %% [markdown]
# **Question.** What did the net learn first, what next, and what last? Play the training, or move through it with the
# arrow keys. The background shows what the net predicts.

# %%
start = mt.two_layer_net(2, 3, 2, seed=0)
mt.animate(start, data, optimizer=mt.SGD(1.0), batch_size=32, epochs=1, shuffle=False)

# %% [markdown]
# After 150 steps the net predicts "outside" nearly everywhere, which is right for a little more than half of the
# points. Then it finds a strip between two parallel lines, and with that it gets most points right. At last it closes
# the strip at both ends: three units have fenced in the ellipse.
#
# Exercises
# ---------
#
# 1. By hand: take the same example, but let the right class be 1. What are `ds` and `dW2`? Then
#    `assert same(backward(x, 1, h, y, W2)[2], ...)`
# 2. Write `sigmoid` as an op: it takes a list `x`, and returns the list `y` and a tuple of one vjp. Create a file of
#    empty functions with `micrograd-tiers verify --new my_tier.py --like scalar`, fill in `sigmoid`, and run
#    `micrograd-tiers verify my_tier.py` until it lists `sigmoid` under "pass". (If it names a number at which yours
#    fails: `math.exp(1000)` raises an error, and $1 / (1 + e^{-x}) = e^x / (e^x + 1)$.)
# 3. The ops also run on the Values of page 2. Turn all weights into Values, run the three ops and the loss, and call
#    `backward` on the loss: `assert same(W1[0][0].grad, 3 / 16)`
# 4. How far does a net get with one hidden unit, and with two? Take `mt.two_layer_net(2, 1, 2)`, and then 2 in place
#    of 1. Leave out `tier="scalar"`, which makes it fast. `mt.fit` takes all steps of an epoch at once:
#    `mt.fit(net, points, classes, optimizer=mt.SGD(1.0), batch_size=32)`. With the two accuracies in a dict,
#    `assert accuracy_of[1] < 0.8 < 0.9 < accuracy_of[2]`
#
# Every product on this page was one turn of a Python loop. Next, on page 4: the same net with NumPy's vectors, where
# the loops over units are gone.
