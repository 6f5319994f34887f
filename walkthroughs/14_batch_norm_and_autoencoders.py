r"""
14. Batch normalization and autoencoders
========================================

This page has two subjects. *Batch normalization* is a layer that keeps the numbers inside a deep net at a healthy size.
Its derivative is the most demanding one on these pages, and we derive it in full. An *autoencoder* is a net that learns
without a teacher: it squeezes an image into a few numbers and draws the image again from them. At the end we *freeze*
its first half and build a classifier on top.

You need the chain rule (page 1), mini-batches as matrices (page 5), and the small slopes of the sigmoid (page 9).
Instead of the 60,000 images of MNIST we use 1,500 glyphs, digits that the package draws.
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
# A mini-batch is the group of samples that one training step looks at. Take one feature (one column) of a batch of
# four samples: $-4, 2, 4, 10$. Batch normalization subtracts the column's mean $m$ and divides by its standard
# deviation $s$ (*deviation* for short), so that the column has mean 0 and deviation 1. Then it multiplies by a weight
# $w$ and adds a bias $b$, both of which are learned:
#
# $$
# m = \frac1N \sum_n x_n, \qquad v = \frac1N \sum_n (x_n - m)^2, \qquad s = \sqrt{v + \varepsilon},
# $$
# $$
# u_n = \frac{x_n - m}{s}, \qquad y_n = w\, u_n + b .
# $$
#
# The small number $\varepsilon = 0.00001$ prevents a division by 0 if all samples are equal.
#
# **Question.** What are the four $y$, with $w = 2$ and $b = 10$? Compute them by hand.
#
# The mean is $12 / 4 = 3$. The distances from it are $-7, -1, 1, 7$. Their squares 49, 1, 1, 49 have the mean 25, so
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
# The package's op gives the same values, along with three vjps, the functions that carry a derivative back. What do
# they compute?
#
# Batch normalization, backward
# -----------------------------
#
# We are given `dy`, which is $dL/dy_n$ for each sample. Weight and bias work as in any linear function. All samples
# share them, so their gradients are summed over the samples:
#
# $$
# \frac{dL}{dw} = \sum_n \frac{dL}{dy_n} u_n, \qquad \frac{dL}{db} = \sum_n \frac{dL}{dy_n}, \qquad
# g_n = \frac{dL}{du_n} = w \frac{dL}{dy_n} .
# $$
#
# **Question.** If $x_1$ grows a little, which of the four $y$ move?
#
# All of them. $x_1$ moves its own $u_1$ directly. It also moves the mean and the variance, and every $u_n$ depends on
# these. So there are three paths from $x_n$ to the loss, and their contributions add up:
#
# $$
# \frac{dL}{dx_n} = g_n \frac1s + \frac{dL}{dm} \cdot \frac{dm}{dx_n} + \frac{dL}{dv} \cdot \frac{dv}{dx_n} .
# $$
#
# First the mean. We have $dm/dx_n = 1/N$, and each $u_k = (x_k - m) / s$ falls by $1/s$ for each unit of $m$. So
# $dL/dm = -\sum_k g_k / s$. The variance depends on $m$, too, but $dv/dm = -2 \sum_k (x_k - m) / N = 0$, so nothing
# arrives along that path.
#
# Now the variance. We have $dv/dx_n = 2 (x_n - m) / N = 2 s u_n / N$. And $u_k = (x_k - m)(v + \varepsilon)^{-1/2}$
# has the derivative $-(x_k - m)(v + \varepsilon)^{-3/2} / 2 = -u_k / (2 s^2)$ with respect to $v$. So
# $dL/dv = -\sum_k g_k u_k / (2 s^2)$. Insert both, and factor out $1/s$:
#
# $$
# \frac{dL}{dx_n} = \frac1s \Bigl( g_n - \frac1N \sum_k g_k - u_n \cdot \frac1N \sum_k g_k u_k \Bigr) .
# $$
#
# In words: take the gradient, subtract its mean, and subtract the part of it that is parallel to $u$.


# %%
def batch_norm_dx(dy, u, s, weight):
    g = weight * dy
    return (g - g.mean(axis=0) - u * (g * u).mean(axis=0)) / s  # three paths, three terms


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
# Our line, the package, and the numerical derivative agree.
#
# **Question.** Add 1 to all four $x$. What happens to $y$? And what does that tell you about $dL/dx$?
#
# Nothing happens to $y$, because subtracting the mean removes the 1 again. A common shift does not change the loss,
# so the four derivatives sum to 0. In the same way, stretching all distances from the mean changes nothing (apart
# from $\varepsilon$), so $dL/dx$ has no part along $u$.

# %%
print("sum of dx:", dx.sum(), "  sum of dx u:", (dx * u).sum())
assert abs(dx.sum()) < 1e-14
assert abs((dx * u).sum()) < 1e-6

# %% [markdown]
# Why only the tensor tier has it
# -------------------------------
#
# The scalar and the vector tier pass one sample at a time to each op. Everything else on these pages allows that,
# because the output for a sample depends on this sample alone. Here it does not, and a tier that never sees two
# samples together cannot compute their mean. The package says so:

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
print("y was", y.ravel().round(2), "and is now", moved.ravel().round(2))
assert (abs(moved - y)[1:] > 0.4).all()  # ... changes the other three outputs

# %% [markdown]
# Prediction: running statistics
# ------------------------------
#
# **Question.** After training you show the net a single image. What is its variance?
#
# Zero, and $u$ would be 0 whatever the image. Besides, the prediction for an image must not depend on the other
# images in its batch. So the layer keeps a *running* mean and a running variance. With each mini-batch, they move a
# tenth of the way toward the mean and the variance of the batch. In prediction they are used as constants. Watch one
# training step on our four numbers:

# %%
net = mt.Network([mt.BatchNorm1d(1)], "mean_squared_error")
mt.fit(net, x, np.zeros((4, 1)), batch_size=4)
state = net.state_dict()
for name, array in state.items():
    print(name, array.round(4))
assert abs(state["0.running_mean"] - 0.1 * 3) < 1e-12  # from 0 toward 3
assert abs(state["0.running_var"] - (1 + 0.1 * (100 / 3 - 1))) < 1e-12  # from 1 toward 100 / 3
assert abs(net.forward(x[:1]) - net.forward(x)[:1]).max() < 1e-15  # the same, alone or in a batch

# %% [markdown]
# The running variance moves toward $100 / 3$, not $100 / 4$: the sum of squares is divided by $N - 1$, as statistics
# does to estimate the variance of a population from a sample.
#
# For images, `BatchNorm2d` takes the mean and the variance of each *channel* (one of the feature maps of a
# convolution, page 13) over all samples and all their pixels. It is the same op on a longer column:

# %%
images = np.random.default_rng(0).normal(size=(8, 3, 5, 5))  # 8 samples, 3 channels, 5 by 5 pixels
of_images = tensor.batch_norm(images, np.ones(3), np.zeros(3))[0]
pixels = np.moveaxis(images, 1, 3).reshape(200, 3)  # a row for each pixel of each sample
of_pixels = tensor.batch_norm(pixels, np.ones(3), np.zeros(3))[0]
assert abs(np.moveaxis(of_images, 1, 3).reshape(200, 3) - of_pixels).max() < 1e-13

# %% [markdown]
# Effect on a deep net of sigmoids
# --------------------------------
#
# Take eight hidden layers of 30 sigmoids. Page 9 shows why such a net hardly learns. The slope of a sigmoid is at
# most $1/4$. So in the forward pass the differences between samples shrink from layer to layer, and in the backward
# pass the derivatives do. We build the net twice, the second time with batch normalization before each sigmoid. First
# we look at the gradients of each layer before any training.


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
left.set(xlabel="layer", xticks=range(1, 10), ylabel="mean size of dL/dweight", title="Before training")
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
# In the plain net, the gradient in the first layer is less than a ten-thousandth of that in the last layer. After six
# epochs (passes over all images), the net is still guessing: it is right one time in ten. In the other net, batch
# normalization spreads the inputs of each sigmoid to deviation 1 again. In the backward pass, it divides the gradient
# by the small deviation that it has removed. The signal arrives, and the net learns.
#
# A bias before batch normalization
# ---------------------------------
#
# **Question.** The `Linear` layers of that net have biases. What do they learn?
#
# Nothing. A bias adds the same number to all samples of a column, and subtracting the mean removes it again: as we
# saw, a shift has no effect. Its gradient is nothing more than rounding error. The batch normalization after it has a
# bias of its own.

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
# Now take a net whose target is its own input. `mt.autoencoder([784, 100, 8])` goes from 784 pixels through 100
# hidden units down to 8 numbers, the *code*, and then back up through the same sizes. It uses no labels. The loss is
# the mean squared error of the pixels, $\frac1{784} \sum_i (y_i - x_i)^2$. To draw the image again, the net must find
# out which few numbers say most about it. (The 7-digit numbers of float32 and the optimizer Adam, page 10, make it
# fast.)
#
# **Question.** How good can a code of *no* numbers be? Then the net must output the same image every time. The best
# such image is the mean of all images, and its loss is the one to beat.

# %%
autoencoders = {}
for code in (2, 8, 32):
    net = mt.autoencoder([784, 100, code], dtype="float32", init="kaiming", seed=0)
    mt.fit(net, X, X, optimizer=mt.Adam(0.003), batch_size=30, epochs=15)
    autoencoders[code] = net

losses = {0: ((X.mean(axis=0) - test) ** 2).mean()}
losses |= {code: mt.evaluate(net, test, test)["loss"] for code, net in autoencoders.items()}
for code, loss in losses.items():
    print(f"{code:2} numbers: loss {loss:.4f}, {loss / losses[0]:.0%} of the mean image's loss")
assert losses[32] < losses[8] < losses[2] < losses[0]
assert losses[8] < 0.6 * losses[0]
assert losses[32] < 0.4 * losses[0]

figure, axes = plt.subplots(figsize=(6, 3.2), layout="constrained")
axes.bar(range(4), [*losses.values()], width=0.6)
axes.set(xlabel="numbers in the code", xticks=range(4), xticklabels=[*losses])
axes.set(ylabel="loss on test images", title="What a small code loses")
plt.show()

# %% [markdown]
# With eight numbers instead of 784, less than six tenths of the loss remains. With 32, it is less than four tenths.
# Images of digits are a small part of all the images that 784 pixels can show. Look at what is lost:

# %%
rows = {"given": test[:8]}
rows |= {f"code {code}": net.forward(test[:8]) for code, net in autoencoders.items()}
figure, grid = plt.subplots(4, 8, figsize=(7, 3.8), layout="constrained")
for axes_row, (name, pictures) in zip(grid, rows.items(), strict=True):
    for axes, image in zip(axes_row, pictures, strict=True):
        axes.imshow(image.reshape(28, 28), cmap="gray", vmin=0, vmax=1)
        axes.set(xticks=[], yticks=[])
    axes_row[0].set_ylabel(name, rotation=0, ha="right", va="center")
figure.suptitle("Digits, and what comes out of three codes")
plt.show()

# %% [markdown]
# With two numbers, most digits become a blur of several digits. With 32, even slant and stroke are there.
#
# The first three layers, down to the code, are the *encoder*. We take them out as a net of their own. A code of two
# numbers is a point in the plane. Here are the codes of 250 test images. Each point is drawn as its digit.


# %%
def encoder_of(autoencoder):
    encoder = mt.Network(autoencoder.layers[:3], "mean_squared_error", dtype="float32")
    weights = autoencoder.state_dict()
    encoder.load_state_dict({name: weights[name] for name in encoder.state_dict()})
    return encoder


def share_of_like_neighbors(points, digits):
    """Share of the points whose nearest other point is the same digit."""
    distances = ((points[:, None] - points) ** 2).sum(axis=2)
    np.fill_diagonal(distances, np.inf)  # a point is not its own neighbor
    return (digits[distances.argmin(axis=1)] == digits).mean()


codes = {code: encoder_of(net).forward(test) for code, net in autoencoders.items()}
figure, axes = plt.subplots(figsize=(6, 4.6), layout="constrained")
axes.scatter(*codes[2][:250].T, s=0)  # invisible: it only sets the limits of the axes
for point, digit in zip(codes[2][:250], data.test_y, strict=False):
    axes.text(*point, str(digit), color=f"C{digit}", ha="center", va="center", fontsize=9)
axes.set(xlabel="first number", ylabel="second number", title="Test images in two numbers")
plt.show()

alike = {code: share_of_like_neighbors(points, data.test_y) for code, points in codes.items()}
print({code: f"{share:.0%}" for code, share in alike.items()})
assert 0.13 < alike[2] < 0.35 < alike[8] < alike[32]

# %% [markdown]
# Equal digits lie together, although nobody told the net what a digit is, and digits that look alike overlap. By
# chance, the nearest other point would be the same digit one time in ten. With a code of two numbers it is the same
# digit more often than that, with eight more than one time in three, and with 32 more often still.
#
# A frozen encoder
# ----------------
#
# **Question.** The code was learned without labels. Is it a good start for a classifier, which has labels?
#
# We put one `Linear` layer on top of the encoder with 32 numbers, and *freeze* the encoder: `freeze(0, 1, 2)` tells
# the net that these layers keep their weights, so no gradient is computed for them. We train three more classifiers
# for comparison. One is softmax regression, a single linear layer on all 784 pixels. One is a linear layer on a
# frozen encoder with random weights, which shows how much *any* code of 32 numbers is worth. The last is a linear
# layer on the same trained encoder without freezing: the encoder is *fine-tuned*.


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
    "fine-tuned": on_encoder(trained=True),
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
    print(f"{name:15} {learned[name]:7,} trained parameters, {accuracy[name]:.0%} right")

after = classifiers["frozen code"].state_dict()
assert all((before[name] == after[name]).all() for name in after if name not in grads)
assert (learned["pixels"], learned["frozen code"]) == (7850, 330)
assert accuracy["random code"] + 0.05 < accuracy["frozen code"] < accuracy["pixels"] - 0.03
assert accuracy["fine-tuned"] > accuracy["frozen code"] + 0.05

# %% [markdown]
# With 330 parameters instead of 7,850, the linear layer does much better on the frozen code than on a random one, but
# not as well as on the pixels. The code keeps what is needed to *draw* an image, and that is not all that is needed
# to *name* the digit. Once the encoder is fine-tuned, it finds the rest. `micrograd-tiers experiment frozen-encoder`
# repeats this on MNIST if you have it.
#
# Exercises
# ---------
#
# 1. By hand: take the batch $-4, 2, 4, 10$ again, with weight 1 and `dy` = 1, 0, 0, 0. Work out the four numbers of
#    $dL/dx$, with $s = 5$. Then `assert abs(batch_norm_dx(dy, u, s, 1.0).ravel() - [...]).max() < 1e-6`
# 2. `micrograd-tiers bugs show batch_norm_statistics_constant` shows a bug that treats mean and variance as
#    constants: `wrong = dy * weight / s`. Which property from this page reveals it, even if you have no other
#    derivative to compare with? `assert abs(dx.sum()) < 1e-14 < abs(wrong.sum())`
# 3. A frozen layer works in training as it does in prediction. In a small net of `Linear`, `BatchNorm1d`,
#    `Sigmoid`, `Linear`, freeze layer 1. Does the bias of layer 0 still have no effect?
#    `assert abs(grads["0.bias"]).max() > 1e-6`
# 4. Build the decoder of an autoencoder from its layers 3 and up, and check that the two halves make up the whole:
#    `assert abs(decoder.forward(encoder.forward(test)) - net.forward(test)).max() < 1e-5`
#
# Next, on page 15: a tier of your own, judged and raced.
