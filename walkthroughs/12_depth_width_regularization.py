r"""
12. Depth, width, and regularization
====================================

How large should a net be, and is it better deep or wide? The first half of this page counts parameters, compares nets
of different shapes and equal counts, and shows a function that is cheap for a deep net and expensive for a wide one.
The second half is about a large net with few samples: it memorizes them. Techniques that keep it from doing so are
called *regularization*: early stopping, weight decay, dropout, and label smoothing.

You need to know how a net is trained (page 5 and page 10). A net 784-300-10 has 784 inputs, a *hidden layer* of 300
units, and 10 outputs, one for each class. An *epoch* is one pass over all training samples.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets.toy import moons
from micrograd_tiers.tiers import tensor

# %% [markdown]
# Counting parameters
# -------------------
#
# Take 784 inputs, $k$ hidden layers of $m$ units each, and 10 outputs. Every unit has one weight for each of its
# inputs and one *bias*, a number that it adds. **Question.** How many parameters are there in all?
#
# - The first hidden layer: $m$ units with 784 weights each, and $m$ biases.
# - Each of the other $k - 1$ hidden layers: $m$ units with $m$ weights each, and $m$ biases.
# - The outputs: 10 units with $m$ weights each, and 10 biases.
#
# $$
# P = 784 m + m + (k - 1)(m \cdot m + m) + 10 m + 10
# $$


# %%
def n_parameters(k, m):
    return 784 * m + m + (k - 1) * (m * m + m) + 10 * m + 10


print("   k    m   parameters   share in the first layer")
for k, m in ((1, 1), (1, 300), (2, 100), (3, 64), (5, 50), (10, 20), (10, 300)):
    print(f"{k:4} {m:4} {n_parameters(k, m):12,} {785 * m / n_parameters(k, m):26.0%}")
    assert mt.mlp([784, *[m] * k, 10]).n_parameters == n_parameters(k, m)

# %% [markdown]
# Between hidden layers the width counts twice, as $m \cdot m$. But as long as $m$ is small next to 784, most
# parameters are in the first layer, and further layers cost little.
#
# Deep or wide?
# -------------
#
# **Question.** If all shapes have the same number of parameters, which one is best? For a given $P$ the formula is a
# quadratic equation for the width, $(k - 1) m^2 + (794 + k) m + 10 - P = 0$, and you know from school how to solve
# it. Here are nets with about 20,000 parameters and 1, 2, 4, and 8 hidden layers. Each is trained on 1,200 glyphs
# (images of digits) from three different starting weights, all with the same learning rate.


# %%
def width(k, P):
    a, b, c = k - 1, 794 + k, 10 - P
    return round((-b + np.sqrt(b * b - 4 * a * c)) / (2 * a) if a else -c / b)


glyphs = mt.load_dataset("glyphs", n_train=1200, n_test=500)
training, new_images = (glyphs.train_x, glyphs.train_y), (glyphs.test_x, glyphs.test_y)
depths = (1, 2, 4, 8)
losses = np.zeros((len(depths), 3, 2))  # by depth and start: on the training images, and on new ones
for row, k in zip(losses, depths, strict=True):
    sizes = [784, *[width(k, 20_000)] * k, 10]
    for seed in range(3):
        net = mt.mlp(sizes, "relu", init="kaiming", dtype="float32", seed=seed)
        mt.fit(net, *training, optimizer=mt.SGD(0.06), batch_size=40, epochs=12, seed=seed)
        row[seed] = mt.evaluate(net, *training)["loss"], mt.evaluate(net, *new_images)["loss"]
    print(f"{k} x {sizes[1]}: {net.n_parameters:,} parameters")
    assert abs(net.n_parameters - 20_000) < 500

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.plot(depths, losses[:, :, 0].mean(axis=1), "o-", label="training images, mean")
axes.plot(depths, losses[:, :, 1].mean(axis=1), "s-", label="new images, mean")
axes.plot(np.repeat(depths, 3), losses[:, :, 1].ravel(), "k.", label="new images, each start")
axes.set(xlabel="hidden layers", ylabel="loss (nats)", xticks=depths, title="Loss by depth")
axes.legend()
plt.show()

on_training, on_new = losses.mean(axis=1).T
assert on_training[1] < on_training[0] < on_training[3]
assert on_new[1] < on_new[0] < on_new[3]

# %% [markdown]
# (The loss uses the natural logarithm. Its unit is called the *nat*.)
#
# A second layer pays off: the loss is lower both on the training images and on new ones. Eight narrow layers in a row
# do worse than one, even on the *training* images. So the problem is not overfitting: they are harder to train. (This
# holds for this learning rate and this number of epochs. Page 14 shows a layer that makes deep nets easier to train.)
# So the number of parameters alone does not say what a net can learn.
#
# What depth makes easier
# -----------------------
#
# Consider a tooth: it rises from 0 to 1 and falls back to 0. Two units with the activation ReLU, $\max(x, 0)$, draw
# it between 0 and 1: $t(x) = 2 \max(x, 0) - 4 \max(x - \tfrac12, 0)$. From $\tfrac12$ on, the second unit takes away
# twice as much as the first one adds.
#
# **Question.** What does $t(t(x))$ look like between 0 and 1? As $x$ goes from 0 to 1, the inner $t$ goes up to 1 and
# back down. The outer $t$ therefore runs through its whole input range twice, and draws two teeth. Each further layer
# folds the input once more and doubles the number of teeth. So $k$ layers of two units draw $2^{k-1}$ teeth, with
# $6k + 1$ parameters.


# %%
def teeth(k):
    net = mt.mlp([1, *[2] * k, 1], "relu", loss="mean_squared_error", init="zeros")
    state = net.state_dict()
    for name, array in state.items():
        if name.endswith("weight"):
            array[:] = [[1], [1]] if name == "0.weight" else [2, -4]  # t, for each unit of the next layer
        elif len(array) == 2:
            array[:] = [0, -0.5]
    net.load_state_dict(state)
    return net


x = np.linspace(0, 1, 2049)[:, None]
figure, axes = plt.subplots(1, 3, figsize=(7, 2.4), layout="constrained", sharey=True)
for axis, k in zip(axes, (1, 2, 5), strict=True):
    axis.plot(x, teeth(k).forward(x))
    axis.set(title=f"k = {k}: {teeth(k).n_parameters} parameters", xlabel="x", xticks=(0, 0.5, 1))
plt.show()

for k in range(1, 9):
    slopes = np.sign(np.diff(teeth(k).forward(x)[:, 0]))
    straight_pieces = 1 + np.count_nonzero(np.diff(slopes))
    assert teeth(k).n_parameters == 6 * k + 1
    assert straight_pieces == 2**k
print(f"8 layers: {straight_pieces} straight pieces, {teeth(8).n_parameters} parameters")

# %% [markdown]
# **Question.** How many units does *one* hidden layer need for that? Its output is a sum of ReLUs, and each of them
# has one bend. With $m$ units the output has at most $m$ bends, and so at most $m + 1$ straight pieces. For $2^k$
# pieces it needs at least $2^k - 1$ units with three parameters each, plus one parameter for the output. For $k = 8$
# that is 766, and the deep net has 49.
#
# Such weights exist, but that does not mean that training finds them. Give the deep net 4 layers and random weights,
# and let it learn the 8 teeth:

# %%
assert mt.mlp([1, 2**8 - 1, 1]).n_parameters == 766
net = mt.mlp([1, 2, 2, 2, 2, 1], "relu", loss="mean_squared_error", init="kaiming")
wanted = teeth(4).forward(x[::4])
mt.fit(net, x[::4], wanted, optimizer=mt.Adam(0.01), batch_size=32, epochs=30)
error = mt.evaluate(net, x[::4], wanted)["loss"]
print(f"mean squared error {error:.4f}, of the best horizontal line {wanted.var():.4f}")
assert error > 0.8 * wanted.var()

# %% [markdown]
# Its error ends up about as large as that of the line. What a net *can* do and what it learns are two different
# questions.
#
# Memorizing
# ----------
#
# Now take a large net and few samples. The data are two half moons, so noisy that they overlap: 60 points to learn
# from, and 1,000 new ones to measure the result, the *validation set*. The net has 10,602 parameters. **Question.**
# Will it do well?

# %%
rng = np.random.default_rng(0)
X, y = moons(60, rng=rng, noise=0.35)
new_X, new_y = moons(1000, rng=rng, noise=0.35)


def train(weight_decay=0.0, **options):
    net = mt.mlp([2, 100, 100, 2], "relu", init="kaiming")
    optimizer = mt.SGD(0.1, momentum=0.9, weight_decay=weight_decay)
    new = (new_X, new_y)
    history = mt.fit(net, X, y, optimizer=optimizer, batch_size=20, epochs=200, validation=new, **options)
    return net, history


def draw_decision(axes, net, title):
    grid_x, grid_y = np.meshgrid(np.linspace(-2, 3, 120), np.linspace(-1.6, 2, 120))
    p = net.predict_proba(np.stack([grid_x.ravel(), grid_y.ravel()], axis=1))[:, 1]
    axes.contourf(grid_x, grid_y, p.reshape(grid_x.shape), levels=np.linspace(0, 1, 11), cmap="RdBu", alpha=0.7)
    for c, marker in enumerate("os"):
        axes.plot(*X[y == c].T, marker, ms=4, color=("darkred", "navy")[c], mec="white", mew=0.5)
    axes.set(title=title, xticks=[], yticks=[])


by_heart, history = train()
figure, axes = plt.subplots(1, 2, figsize=(7.5, 3.4), layout="constrained")
axes[0].plot(history.validation_loss, label="new points")
axes[0].plot(history.train_loss, "--", label="the 60 points")
axes[0].set(xlabel="epoch", ylabel="loss (nats)", title="Memorizing")
axes[0].legend()
draw_decision(axes[1], by_heart, "red: first moon, blue: second")
plt.show()

best, end = min(history.validation_loss), history.validation_loss[-1]
print(f"the 60 points: {mt.evaluate(by_heart, X, y)}")
print(f"new points: loss {best:.3f} at best, {end:.3f} at the end")
assert by_heart.n_parameters == 10_602
assert mt.evaluate(by_heart, X, y)["loss"] < 0.1
assert end > 2 * best

# %% [markdown]
# On its 60 points the loss goes down to nearly 0. On new points it falls at first, and then rises to more than twice
# its best value. The net bends its boundary around single points, although they are noise, and is sure of itself on
# both sides. That is *overfitting*.
#
# Early stopping
# --------------
#
# The cheapest cure: watch the validation loss, and stop when it has not fallen for a while. `patience` is the number
# of epochs to wait, and `keep_best` restores the weights of the best epoch.

# %%
stopped, history = train(patience=40, keep_best=True)
print(f"{len(history.validation_loss)} epochs; new points: {mt.evaluate(stopped, new_X, new_y)}")
assert len(history.validation_loss) < 200
assert abs(mt.evaluate(stopped, new_X, new_y)["loss"] - min(history.validation_loss)) < 1e-12

# %% [markdown]
# By now the new points have influenced the result. For an honest final figure you need samples that have not: a third
# set, the *test set*.
#
# Weight decay
# ------------
#
# To bend its boundary sharply, a net needs large weights. So make them expensive: add to the loss the sum of their
# squares, times half of a small number $\lambda$. (This is also called "L2", after the norm.) **Question.** What does
# that do to the gradient, and to a step of gradient descent with learning rate $\eta$?
#
# $$
# \frac{d}{dw} \left( L + \frac{\lambda}{2} \sum w^2 \right) = \frac{dL}{dw} + \lambda w,
# \qquad
# w - \eta \left( \frac{dL}{dw} + \lambda w \right) = (1 - \eta \lambda) \, w - \eta \frac{dL}{dw}
# $$
#
# Before each step, every weight shrinks by the same factor. Weights that the loss does not need decay to 0. In the
# package, weight decay is a setting of the optimizer, and it applies to biases as well. Here is one step, on all 60
# points:

# %%
eta, decay = 0.1, 0.01
net = mt.mlp([2, 100, 100, 2], "relu", init="kaiming")
before, (_, grads) = net.state_dict(), net.loss_and_grads(X, y)
mt.fit(net, X, y, optimizer=mt.SGD(eta, weight_decay=decay), batch_size=60, epochs=1)
for name, w in net.state_dict().items():
    assert abs(w - ((1 - eta * decay) * before[name] - eta * grads[name])).max() < 1e-12

figure, axes = plt.subplots(1, 3, figsize=(7.5, 2.7), layout="constrained")
lengths, on_60, on_new = [], [], []
for axis, decay in zip(axes, (0.0, 0.01, 0.1), strict=True):
    net = train(weight_decay=decay)[0] if decay else by_heart
    lengths.append(np.sqrt(sum((w**2).sum() for w in net.state_dict().values())))
    on_60.append(mt.evaluate(net, X, y)["loss"])
    on_new.append(mt.evaluate(net, new_X, new_y)["loss"])
    draw_decision(axis, net, f"weight decay {decay:g}")
    print(f"weight decay {decay:4}: length {lengths[-1]:5.2f}, loss {on_60[-1]:.3f}, on new points {on_new[-1]:.3f}")
plt.show()
assert lengths[0] > 2 * lengths[1] > 2 * lengths[2]
assert on_60[0] < on_60[1] < on_60[2]
assert on_new[1] < on_new[0] / 2
assert on_new[1] < on_new[2]

# %% [markdown]
# At 0.01, the *length* of the weights, which is the root of the sum of their squares, drops to less than half, and so
# does the loss on new points. The boundary is smoother, and the net is less sure of itself near it. At 0.1 the
# penalty wins: the net fits both the old points and the new ones worse than at 0.01.
#
# Dropout
# -------
#
# Here is another idea: at each training step, leave out each hidden unit with probability $p$, at random. No unit can
# rely on any other one being there, and none gets far with a detail of a single sample. Outputs that are left out
# become 0, and those that are kept are divided by $1 - p$. **Question.** Why divide?
#
# $$
# \text{mean of } y = p \cdot 0 + (1 - p) \cdot \frac{x}{1 - p} = x
# $$
#
# The next layer gets the same input on average. So in prediction, where nothing is left out, nothing has to be
# scaled.


# %%
def draw_mask(shape, p, rng):
    kept = rng.random(shape) >= p
    return kept / (1 - p)


x = np.array([1.0, 2, 3, 4])
mask = draw_mask(4, 0.25, np.random.default_rng(0))
print("mask", mask.round(2), "y", (x * mask).round(2))
many = x * draw_mask((100_000, 4), 0.25, np.random.default_rng(0))
print("mean of y over 100,000 masks", many.mean(axis=0).round(3))
assert abs(many.mean(axis=0) / x - 1).max() < 0.01

assert np.array_equal(mask, mt.Dropout(0.25).draw((4,), np.random.default_rng(0)))
y_tensor, (dx,) = tensor.dropout(x[None], mask[None])
dy = np.array([[10.0, 20, 30, 40]])
assert np.array_equal(y_tensor[0], x * mask)
assert np.array_equal(dx(dy), dy * mask)  # the same mask, because y = mask * x

# %% [markdown]
# The mask is drawn once for each mini-batch, outside the tiers, and passed to them. So even chance is the same at
# every tier:

# %%
weights = {}
for tier in ("scalar", "vector", "tensor"):
    net = mt.mlp([2, 16, 2], "relu", dropout=0.5, tier=tier)
    mt.fit(net, X, y, batch_size=20, epochs=5)
    weights[tier] = np.concatenate([w.ravel() for w in net.state_dict().values()])
    difference = abs(weights[tier] - weights["scalar"]).max()
    print(f"{tier}: largest difference from the scalar tier {difference:.0e}")
    assert difference < 1e-12

without = mt.mlp([2, 16, 2], "relu")
names, values = without.state_dict(), net.state_dict().values()
without.load_state_dict(dict(zip(names, values, strict=True)))
assert np.array_equal(net.forward(X), without.forward(X))

# %% [markdown]
# The last line shows that in prediction, a net with dropout is the same as the net without it.
#
# Label smoothing, and all of them side by side
# ---------------------------------------------
#
# Cross-entropy is never satisfied. Its gradient with respect to the logits (the scores that go into softmax) is
# prediction minus target (page 1). It is 0 only if the prediction is exactly 1, so the logits grow without end.
# *Label smoothing* asks for less: a target of $1 - \varepsilon$ for the right class, plus $\varepsilon$ spread evenly
# over all $C$ classes. With $\varepsilon = 0.1$ and $C = 10$, the target is 0.91 for the right class and 0.01 for
# each of the others. If the net predicts exactly these, the gradient is 0.

# %%
target = np.full(10, 0.01)
target[3] = 0.91
loss, (dlogits,) = tensor.smoothed_cross_entropy(np.log(target)[None], np.array([3]), 0.1)
assert abs(dlogits(1.0)).max() < 1e-15

# %% [markdown]
# Now take 300 of the glyphs and a net of 200 hidden units, and apply each remedy in turn. "Sure" is the mean of the
# largest probability: how sure the net itself is of its answers.

# %%
X, y = glyphs.train_x, glyphs.train_y
new_X, new_y = glyphs.test_x, glyphs.test_y
table = {}
for name, n, decay, options in (
    ("nothing", 300, 0, {}),
    ("weight decay", 300, 0.003, {}),
    ("dropout", 300, 0, {"dropout": 0.5}),
    ("smoothing", 300, 0, {"label_smoothing": 0.1}),
    ("1,200 images", 1200, 0, {}),
):
    net = mt.mlp([784, 200, 10], "relu", init="kaiming", dtype="float32", **options)
    optimizer = mt.SGD(0.1, momentum=0.5, weight_decay=decay)
    mt.fit(net, X[:n], y[:n], optimizer=optimizer, batch_size=32, epochs=12_000 // n)
    p = net.predict_proba(new_X)
    loss = -np.log(p[range(500), new_y]).mean()  # the cross-entropy without smoothing, for every net
    right, sure = mt.accuracy(p.argmax(axis=1), new_y), p.max(axis=1).mean()
    table[name] = loss, right, sure
    print(f"{name:12}  loss on new images {loss:.3f}, right {right:.1%}, sure {sure:.1%}")
assert table["dropout"][0] < table["nothing"][0]
assert table["smoothing"][2] < min(table["nothing"][2], table["smoothing"][1]) - 0.05
assert min(table, key=table.get) == "1,200 images"

# %% [markdown]
# Dropout lowers the loss. Smoothing makes the net less sure of itself, in this case too much so: it is right more
# often than it thinks. And the best remedy is more data: four times the images do more than any of the other
# remedies.
#
# Exercises
# ---------
#
# 1. A net with three hidden layers of equal width should have no more parameters than 784-300-10. How wide can the
#    layers be? `assert mt.mlp([784, m, m, m, 10]).n_parameters <= 238_510 < mt.mlp([784, m + 1, m + 1, m + 1,
#    10]).n_parameters`
# 2. Draw the two teeth with one hidden layer: give `net = mt.mlp([1, 4, 1], "relu", loss="mean_squared_error")` its
#    weights with `load_state_dict`. `assert abs(net.forward(x) - teeth(2).forward(x)).max() < 1e-12` for `x` between
#    0 and 1.
# 3. A weight gets no gradient from the loss. With $\eta = 0.1$ and $\lambda = 0.01$, after how many steps $n$ is it
#    halved? `assert 0.999**n <= 0.5 < 0.999 ** (n - 1)`
# 4. Dropout keeps the mean. What is the variance of $y$ if $x = 1$? Derive `variance(p)` and test it:
#    `assert abs(mt.Dropout(0.2).draw((1_000_000,), np.random.default_rng(0)).var() - variance(0.2)) < 0.01`
# 5. Write `dropout(x, mask)`, with its value and its gradient, in a file `my_tier.py`. Then
#    `micrograd-tiers verify my_tier.py` should list `dropout` under "pass".
#
# Next, on page 13: a layer for images, which needs few weights because it uses them everywhere.
