r"""
14. Batch normalization and autoencoders
========================================

This page has two subjects. *Batch normalization* is a layer that keeps the numbers inside a deep net at a healthy size;
its derivative is the most demanding one in this book, and we derive it in full. An *autoencoder* is a net that learns
without a teacher: it squeezes an image into a few numbers and draws it again from them. At the end, its first half is
*frozen* and serves a classifier.

You need the chain rule (page 1), mini-batches as matrices (page 5), and sigmoid's small slopes (page 9). Instead of the
60,000 images of MNIST we take 1,500 glyphs, digits that the package draws.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# %% [markdown]
# Batch normalization, forward
# ----------------------------
#
# A mini-batch is the group of samples that one step of training looks at. Take one feature (one column) of a batch of
# four samples: $-4, 2, 4, 10$. Batch normalization subtracts the column's mean $m$ and divides by its deviation $s$,
# so that the column has mean 0 and deviation 1. Then it multiplies by a weight $w$ and adds a bias $b$, which are
# learned:
#
# $$
# m = \frac1N \sum_n x_n, \qquad v = \frac1N \sum_n (x_n - m)^2, \qquad s = \sqrt{v + \varepsilon},
# $$
# $$
# u_n = \frac{x_n - m}{s}, \qquad y_n = w\, u_n + b .
# $$
#
# The small number $\varepsilon = 0.00001$ keeps us from dividing by 0 where all samples are alike.
#
# **Question.** What are the four $y$, with $w = 2$ and $b = 10$? Do it by hand.
#
# The mean is $12 / 4 = 3$. The distances from it are $-7, -1, 1, 7$, their squares 49, 1, 1, 49 have the mean 25, so
# $s = 5$, and $u = -1.4, -0.2, 0.2, 1.4$.

# %%
x = np.array([[-4.0], [2.0], [4.0], [10.0]])  # (N, 1): four samples of one feature
weight, bias, epsilon = np.array([2.0]), np.array([10.0]), 1e-5

m = x.mean(axis=0)
v = ((x - m) ** 2).mean(axis=0)
s = np.sqrt(v + epsilon)
u = (x - m) / s
y = weight * u + bias
print("mean", m, "variance", v, "\nu", u.ravel().round(4), "\ny", y.ravel().round(4))
assert (m, v) == (3, 25)
assert abs(u.ravel() - [-1.4, -0.2, 0.2, 1.4]).max() < 1e-5
assert abs(y.ravel() - [7.2, 9.6, 10.4, 12.8]).max() < 1e-5

theirs, (dx_of, dweight_of, dbias_of) = tensor.batch_norm(x, weight, bias)
assert abs(y - theirs).max() < 1e-13

# %% [markdown]
# The package's operation gives the same, and three functions besides that carry a derivative back. What is in them?
#
# Batch normalization, backward
# -----------------------------
#
# We are given `dy`, that is $dL/dy_n$ for each sample. Weight and bias are as in any linear function, summed over the
# samples because all samples share them:
#
# $$
# \frac{dL}{dw} = \sum_n \frac{dL}{dy_n} u_n, \qquad \frac{dL}{db} = \sum_n \frac{dL}{dy_n}, \qquad
# g_n = \frac{dL}{du_n} = w \frac{dL}{dy_n} .
# $$
#
# **Question.** If $x_1$ grows a little, which of the four $y$ move?
#
# All of them. $x_1$ moves its own $u_1$ directly; and it moves the mean and the variance, on which every $u_n$
# depends. So there are three ways from $x_n$ to the loss, and we add them up:
#
# $$
# \frac{dL}{dx_n} = g_n \frac1s + \frac{dL}{dm} \cdot \frac{dm}{dx_n} + \frac{dL}{dv} \cdot \frac{dv}{dx_n} .
# $$
#
# The mean: $dm/dx_n = 1/N$, and each $u_k = (x_k - m) / s$ falls by $1/s$ for each step of $m$. So
# $dL/dm = -\sum_k g_k / s$. The variance depends on $m$, too, but $dv/dm = -2 \sum_k (x_k - m) / N = 0$, so nothing
# comes that way.
#
# The variance: $dv/dx_n = 2 (x_n - m) / N = 2 s u_n / N$. And $u_k = (x_k - m)(v + \varepsilon)^{-1/2}$ has the
# derivative $-(x_k - m)(v + \varepsilon)^{-3/2} / 2 = -u_k / (2 s^2)$ with respect to $v$. So
# $dL/dv = -\sum_k g_k u_k / (2 s^2)$. Put in, with $1/s$ taken out:
#
# $$
# \frac{dL}{dx_n} = \frac1s \Bigl( g_n - \frac1N \sum_k g_k - u_n \cdot \frac1N \sum_k g_k u_k \Bigr) .
# $$
#
# In words: take the gradient, subtract its mean, subtract the part of it that goes along with $u$.


# %%
def batch_norm_dx(dy, u, s, weight):
    g = weight * dy
    return (g - g.mean(axis=0) - u * (g * u).mean(axis=0)) / s  # three ways, three terms


dy = np.array([[1.0], [0.5], [-2.0], [1.5]])
dx = batch_norm_dx(dy, u, s, weight)
print("dL/dx", dx.ravel().round(4))
assert abs(dx - dx_of(dy)).max() < 1e-13
assert abs((dy * u).sum(axis=0) - dweight_of(dy)).max() < 1e-13
assert (dy.sum(axis=0) == dbias_of(dy)).all()

report = mt.check_vjps(tensor.batch_norm, (x, weight, bias), dy=dy)
print(report)
assert report.passed

# %% [markdown]
# Our line, the package's and the numerical derivative agree.
#
# **Question.** Add 1 to all four $x$. What happens to $y$? What does that say about $dL/dx$?
#
# Nothing happens to $y$: the mean takes the 1 away again. A common shift has no effect on the loss, so the four
# derivatives add up to 0. In the same way (but for $\varepsilon$) stretching all distances from the mean changes
# nothing, so $dL/dx$ has no part along $u$.

# %%
print("sum of dx:", dx.sum(), "  sum of dx u:", (dx * u).sum())
assert abs(dx.sum()) < 1e-14
assert abs((dx * u).sum()) < 1e-6

# %% [markdown]
# Why only the tensor tier has it
# -------------------------------
#
# The scalar and the vector tier hand each operation one sample. Everything else in this book allows that: what a
# sample becomes depends on this sample alone. Here it does not, and a tier that never sees two samples together
# cannot compute their mean. The package says so:

# %%
try:
    mt.Network([mt.Linear(784, 30), mt.BatchNorm1d(30)], tier="scalar")
except ValueError as error:
    message = str(error)
print(message.replace("; ", ";\n"))
assert "mixes the samples" in message

others = x.copy()
others[0] += 6  # another first sample ...
moved = tensor.batch_norm(others, weight, bias)[0]
print("y was", y.ravel().round(2), "and is", moved.ravel().round(2))
assert (abs(moved - y)[1:] > 0.4).all()  # ... changes what the other three become

# %% [markdown]
# Prediction: running statistics
# ------------------------------
#
# **Question.** After training you show the net a single image. What is its variance?
#
# Zero, and $u$ would be 0 whatever the image. A prediction must not depend on the company that an image is in,
# either. So the layer keeps a *running* mean and variance: with each mini-batch they move a tenth of the way to those
# of the batch. In prediction these are used, as constants. Watch one step of training, on our four numbers:

# %%
net = mt.Network([mt.BatchNorm1d(1)], "mean_squared_error")
mt.fit(net, x, np.zeros((4, 1)), batch_size=4)
state = net.state_dict()
for name, array in state.items():
    print(name, array.round(4))
assert abs(state["0.running_mean"] - 0.1 * 3) < 1e-12  # from 0 towards 3
assert abs(state["0.running_var"] - (1 + 0.1 * (100 / 3 - 1))) < 1e-12  # from 1 towards 100 / 3
assert abs(net.forward(x[:1]) - net.forward(x)[:1]).max() < 1e-15  # alone or not: the same

# %% [markdown]
# The running variance moves towards $100 / 3$, not $100 / 4$: divided by $N - 1$, as statistics does where a sample
# speaks for all that were not drawn.
#
# For images, `BatchNorm2d` takes mean and variance of each *channel* (each of the images that a convolution makes,
# page 13) over all samples and all their pixels. It is the same operation on a longer column:

# %%
images = np.random.default_rng(0).normal(size=(8, 3, 5, 5))  # 8 samples, 3 channels, 5 by 5 pixels
of_images = tensor.batch_norm(images, np.ones(3), np.zeros(3))[0]
pixels = np.moveaxis(images, 1, 3).reshape(200, 3)  # a row for each pixel of each sample
of_pixels = tensor.batch_norm(pixels, np.ones(3), np.zeros(3))[0]
assert abs(np.moveaxis(of_images, 1, 3).reshape(200, 3) - of_pixels).max() < 1e-13

# %% [markdown]
# What it does for a deep net of sigmoids
# ---------------------------------------
#
# Eight hidden layers of 30 sigmoids: page 9 shows why such a net hardly learns. The slope of a sigmoid is at most
# $1/4$: from layer to layer the differences between samples shrink on the way forward, and the derivatives on the way
# back. We build it twice, the second time with batch normalization before each sigmoid, and look at the gradients
# before any training first, layer by layer.


# %%
def deep_net(normalized):
    layers, n_inputs = [], 784
    for _ in range(8):
        normalization = [mt.BatchNorm1d(30)] if normalized else []
        layers += [mt.Linear(n_inputs, 30), *normalization, mt.Sigmoid()]
        n_inputs = 30
    return mt.Network([*layers, mt.Linear(30, 10)], seed=0)


data = mt.load_dataset("glyphs", n_train=1500, n_test=500)
X, labels, test = data.train_x, data.train_y, data.test_x
nets = {"plain": deep_net(False), "normalized": deep_net(True)}
sizes, histories = {}, {}
for name, net in nets.items():
    _, grads = net.loss_and_grads(X[:50], labels[:50])
    sizes[name] = [abs(g).mean() for g in grads.values() if g.ndim == 2]  # of the Linear layers
    histories[name] = mt.fit(net, X, labels, optimizer=mt.SGD(0.5), batch_size=50, epochs=6)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), layout="constrained")
for (name, size), marker in zip(sizes.items(), "os", strict=True):
    left.semilogy(range(1, 10), size, f"{marker}-", label=name)
    right.plot(range(1, 7), histories[name].train_loss, f"{marker}-", label=name)
left.set(xlabel="layer", xticks=range(1, 10), ylabel="mean size of dL/dweight", title="Before")
right.set(xlabel="epoch", ylabel="training loss", ylim=0, title="Training")
left.legend()
right.legend()
plt.show()

scores = {name: mt.evaluate(net, test, data.test_y)["accuracy"] for name, net in nets.items()}
for name, size in sizes.items():
    print(f"{name:10} layer 1 {size[0]:.1e}, layer 9 {size[-1]:.1e}, {scores[name]:.0%} right")
assert sizes["plain"][0] < 1e-4 * sizes["plain"][-1]
assert sizes["normalized"][0] > 0.01 * sizes["normalized"][-1]
assert scores["plain"] < 0.2
assert scores["normalized"] > 0.6

# %% [markdown]
# In the plain net, what reaches the first layer is less than a ten-thousandth of what the last one gets, and after
# six epochs (passes through all images) it still guesses: one in ten is right. Batch normalization spreads the inputs
# of each sigmoid out again to deviation 1, and on the way back divides by the small deviation that it has removed.
# The signal arrives, and the net learns.
#
# A bias before it is in vain
# ---------------------------
#
# **Question.** The `Linear` layers of that net have biases. What do they learn?
#
# Nothing. A bias adds the same number to all samples of a column, and the mean takes it away again: a shift has no
# effect, as we saw. Only rounding is left of its gradient, and the layer has a bias of its own, behind.

# %%
_, grads = nets["normalized"].loss_and_grads(X[:50], labels[:50])
dweight, dbias = abs(grads["0.weight"]).max(), abs(grads["0.bias"]).max()
bias = abs(nets["normalized"].state_dict()["0.bias"]).max()
print(f"dL/dweight {dweight:.1e}, dL/dbias {dbias:.1e}, bias after training {bias:.1e}")
assert dbias < 1e-12 * dweight
assert bias < 1e-12

# %% [markdown]
# An autoencoder
# --------------
#
# Now a net whose target is its own input. `mt.autoencoder([784, 100, 8])` goes from 784 pixels through 100 hidden
# units down to 8 numbers, the *code*, and back up the same way. No labels are used: the loss is the mean squared
# error of the pixels, $\frac1{784} \sum_i (y_i - x_i)^2$. To draw the image again, the net must find out which few
# numbers say most about it. (Numbers of 7 digits, float32, and the optimizer Adam, page 10, make it fast.)
#
# **Question.** How good can a code of *no* numbers be? Then the net must give the same image for all. The best such
# image is the mean of all images, and its loss is what the others have to beat.

# %%
autoencoders = {}
for code in (2, 8, 32):
    net = mt.autoencoder([784, 100, code], dtype="float32", init="kaiming", seed=0)
    mt.fit(net, X, X, optimizer=mt.Adam(0.003), batch_size=30, epochs=15)
    autoencoders[code] = net

losses = {0: ((X.mean(axis=0) - test) ** 2).mean()}
losses |= {code: mt.evaluate(net, test, test)["loss"] for code, net in autoencoders.items()}
for code, loss in losses.items():
    print(f"{code:2} numbers: loss {loss:.4f}, {loss / losses[0]:.0%} of the mean image's")
assert losses[32] < losses[8] < losses[2] < losses[0]
assert losses[8] < 0.6 * losses[0]
assert losses[32] < 0.4 * losses[0]

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.bar(range(4), [*losses.values()], width=0.6)
axes.set(xlabel="numbers of the code", xticks=range(4), xticklabels=[*losses])
axes.set(ylabel="loss on test images", title="What a small code loses")
plt.show()

# %% [markdown]
# Eight numbers in the place of 784 leave less than six tenths of the loss, 32 less than four tenths: images of digits
# are a small part of all the images that 784 pixels can show. Look at what is lost:

# %%
rows = {"given": test[:8]}
rows |= {f"code {code}": net.forward(test[:8]) for code, net in autoencoders.items()}
figure, grid = plt.subplots(4, 8, figsize=(7, 3.8), layout="constrained")
for axes_row, (name, pictures) in zip(grid, rows.items(), strict=True):
    for axes, image in zip(axes_row, pictures, strict=True):
        axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
plt.show()

# %% [markdown]
# With two numbers most digits become a blur between several; with 32 even slant and stroke are there.
#
# The first three layers, down to the code, are the *encoder*; we take them out as a net of their own. A code of two
# numbers is a point in the plane. Here are the codes of 250 test images, each drawn as the digit that it belongs to.


# %%
def encoder_of(autoencoder):
    encoder = mt.Network(autoencoder.layers[:3], "mean_squared_error", dtype="float32")
    weights = autoencoder.state_dict()
    encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})
    return encoder


def share_of_like_neighbors(points, digits):
    """How often the nearest other point is the same digit."""
    distances = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)  # a point is not its own neighbor
    return (digits[distances.argmin(axis=1)] == digits).mean()


codes = {code: encoder_of(net).forward(test) for code, net in autoencoders.items()}
figure, axes = plt.subplots(figsize=(6, 4.6), layout="constrained")
axes.scatter(*codes[2][:250].T, s=0)  # nothing to see: it only makes room
for point, digit in zip(codes[2][:250], data.test_y, strict=False):
    axes.text(*point, str(digit), color=f"C{digit}", ha="center", va="center", fontsize=9)
axes.set(xlabel="first number", ylabel="second number", title="Test images in two numbers")
plt.show()

alike = {code: share_of_like_neighbors(points, data.test_y) for code, points in codes.items()}
print({code: f"{share:.0%}" for code, share in alike.items()})
assert 0.13 < alike[2] < 0.35 < alike[8] < alike[32]

# %% [markdown]
# Digits of a kind lie together, though nobody told the net what a digit is, and kinds that look alike overlap. By
# chance the nearest other point would be the same digit one time in ten. With a code of two numbers it is so more
# often, with eight more than one time in three, with 32 still more often.
#
# A frozen encoder
# ----------------
#
# **Question.** The code was learned without labels. Is it a good start for a classifier that gets them?
#
# We put one `Linear` layer on the encoder with 32 numbers, and *freeze* the encoder: `freeze(0, 1, 2)` tells the net
# that these layers keep their weights; no gradient is computed for them. Beside it we train three others: softmax
# regression, which is one linear layer on all 784 pixels; a linear layer on a frozen encoder with random weights, to
# see how much *any* code of 32 numbers is worth; and one on the same trained encoder that may learn along.


# %%
def on_encoder(trained):
    layers = [*autoencoders[32].layers[:3], mt.Linear(32, 10)]
    net = mt.Network(layers, dtype="float32", init="kaiming", seed=1)
    if trained:
        net.load_state_dict(net.state_dict() | encoder_of(autoencoders[32]).state_dict())
    return net


classifiers = {
    "pixels": mt.softmax_regression(784, 10, dtype="float32"),
    "frozen code": on_encoder(trained=True),
    "random code": on_encoder(trained=False),
    "learning along": on_encoder(trained=True),
}
for name in ("frozen code", "random code"):
    classifiers[name].freeze(0, 1, 2)

_, grads = classifiers["frozen code"].loss_and_grads(X[:50], labels[:50])
assert set(grads) == {"3.weight", "3.bias"}
before = classifiers["frozen code"].state_dict()
accuracy, learned = {}, {}
for name, net in classifiers.items():
    mt.fit(net, X, labels, optimizer=mt.Adam(0.01), batch_size=50, epochs=15)
    accuracy[name] = mt.evaluate(net, test, data.test_y)["accuracy"]
    of_layers = enumerate(net.summary().n_parameters)
    learned[name] = sum(n for i, n in of_layers if i not in net.frozen)
    print(f"{name:15} {learned[name]:7,} parameters learn, {accuracy[name]:.0%} right")

after = classifiers["frozen code"].state_dict()
assert all((before[name] == after[name]).all() for name in after if name not in grads)
assert (learned["pixels"], learned["frozen code"]) == (7850, 330)
assert accuracy["random code"] + 0.05 < accuracy["frozen code"] < accuracy["pixels"] - 0.03
assert accuracy["learning along"] > accuracy["frozen code"] + 0.05

# %% [markdown]
# With 330 parameters in the place of 7,850 the linear layer on the frozen code does much better than on a random one,
# and not as well as on the pixels. What helps to *draw* an image again is not all that helps to *name* it: learning
# along, the same encoder finds the rest. `micrograd-tiers experiment frozen-encoder` does this with MNIST where you
# have it.
#
# Exercises
# ---------
#
# 1. By hand: the batch $-4, 2, 4, 10$ again, with weight 1 and `dy` = 1, 0, 0, 0. Work out the four numbers of
#    $dL/dx$, with $s = 5$. Then `assert abs(batch_norm_dx(dy, u, s, 1.0).ravel() - [...]).max() < 1e-6`
# 2. `micrograd-tiers bugs show batch_norm_statistics_constant` is a bug that takes mean and variance for constants:
#    `wrong = dy * weight / s`. Which property of this page gives it away, with no other derivative at hand?
#    `assert abs(dx.sum()) < 1e-14 < abs(wrong.sum())`
# 3. A frozen layer behaves as in prediction. In a small net of `Linear`, `BatchNorm1d`, `Sigmoid`, `Linear`, freeze
#    layer 1. Is the bias of layer 0 still in vain? `assert abs(grads["0.bias"]).max() > 1e-6`
# 4. Build the decoder of an autoencoder, its layers from 3 on, and check that the two halves make the whole:
#    `assert abs(decoder.forward(encoder.forward(test)) - net.forward(test)).max() < 1e-5`
#
# Next, on page 15: a tier of your own, judged and raced.
