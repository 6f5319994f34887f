r"""
4. The vector tier
==================

On page 3 every sum was a loop. On this page the loops over units disappear: the input and the output of a layer become
NumPy *vectors*, its weights become a *matrix*, and each loop becomes a single line. We still process one sample at a
time. So each sample has its own gradient, and we look at what happens when 64 of them are averaged. At the end, the
same few lines learn to read digits.

You need to know how to multiply a matrix by a vector. The net is the one from page 3. It has two inputs. Three hidden
units compute weighted sums of them and apply a sigmoid. Two weighted sums of the hidden units, the *logits*, are the
scores of two classes.
"""

# %%
import math
import time

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import vector

# %% [markdown]
# A net for pencil and paper
# --------------------------
#
# Take one sample, $x = (2, 1)$, of class 0. The weight $w_{oi}$ leads from input $i$ to output $o$. Row $o$ of the
# matrix holds all the weights of unit $o$, and the shape of the matrix is (outputs, inputs).

# %%
x, c = np.array([2.0, 1.0]), 0
weight1, bias1 = np.array([[1.0, 0.0], [1.0, -2.0], [0.0, 1.0]]), np.array([-2.0, 0.0, -1.0])
weight2, bias2 = np.array([[4.0, 2.0, 0.0], [0.0, 4.0, 2.0]]), np.array([0.0, 0.0])
print("weight1", weight1.shape, "weight2", weight2.shape)
assert (weight1.shape, weight2.shape) == ((3, 2), (2, 3))

# %% [markdown]
# Forward: dot products
# ---------------------
#
# Each hidden unit multiplies its row of weights elementwise by the inputs, sums the products, and adds its bias:
#
# $$
# z_o = \sum_i w_{oi} x_i + b_o
# $$
#
# **Question.** What are the three sums? Work them out by hand.
#
# At the scalar tier this takes two nested loops: the outer one over the units, the inner one over their inputs. The
# inner loop computes the *dot product* of two vectors. The outer loop computes the dot product of each row with the
# same vector, which is the product of a matrix and a vector. NumPy writes it `@`, and runs both loops inside.

# %%
z_loop = [0.0, 0.0, 0.0]
for o in range(3):
    for i in range(2):
        z_loop[o] += weight1[o, i] * x[i]
    z_loop[o] += bias1[o]

z = weight1 @ x + bias1

print(z)
assert z.tolist() == z_loop == [0, 0, 0]

# %% [markdown]
# For the bias, `+` adds two vectors elementwise. The sigmoid, $h = 1 / (1 + e^{-z})$, is elementwise too: NumPy's `exp`
# takes a whole vector. The second layer is the first line again, with the other weights.
#
# **Question.** At 0 the sigmoid is $\tfrac12$. What are the logits, and what are the probabilities?

# %%
h = 1 / (1 + np.exp(-z))
logits = weight2 @ h + bias2
loss, (dlogits,) = vector.softmax_cross_entropy(logits, c)
dy = dlogits(1.0)
print(f"h {h}, logits {logits}, loss {loss:.6f}, dL/dlogits {dy}")
assert h.tolist() == [1 / (1 + math.exp(-z_o)) for z_o in z_loop] == [0.5, 0.5, 0.5]
assert logits.tolist() == [3, 3]
assert abs(loss - math.log(2)) < 1e-15
assert abs(dy - [-0.5, 0.5]).max() < 1e-15

# %% [markdown]
# Two equal logits give two probabilities of $\tfrac12$, and the loss is $-\ln \tfrac12 = \ln 2$. The derivative is
# prediction minus target, $(\tfrac12, \tfrac12) - (1, 0)$, as on page 1. The loss is the package's own: it returns the
# value, and a function that carries a derivative back. From here on, `dy` is dL/dy, the derivative with respect to the
# output of a layer.
#
# Back to the weights: the outer product
# --------------------------------------
#
# **Question.** A layer computes $y_o = \sum_i w_{oi} x_i + b_o$. In which of its outputs does the weight $w_{oi}$
# occur, and what is it multiplied by?
#
# It occurs only in $y_o$, multiplied by $x_i$. So the chain rule has one product for each weight:
#
# $$
# \frac{\partial L}{\partial w_{oi}} = \frac{\partial L}{\partial y_o} \cdot x_i
# $$
#
# Each entry of `dy` times each entry of the input: that is a multiplication table. It is called the *outer product*.
# For the second layer, the input is $h$:

# %%
dweight2_loop = [[0.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
for o in range(2):
    for i in range(3):
        dweight2_loop[o][i] = dy[o] * h[i]

dweight2 = np.outer(dy, h)

print(dweight2)
assert abs(dweight2 - [[-0.25, -0.25, -0.25], [0.25, 0.25, 0.25]]).max() < 1e-15
assert dweight2.tolist() == dweight2_loop

# %% [markdown]
# Back to the inputs: the transposed product
# ------------------------------------------
#
# **Question.** A bias is added as it is, so its derivative is `dy` itself. But in which outputs does $x_i$ occur?
#
# In all of them: multiplied by $w_{0i}$ in the first, by $w_{1i}$ in the second, and so on. Multiply along each path,
# and sum over the paths:
#
# $$
# \frac{\partial L}{\partial x_i} = \sum_o w_{oi} \frac{\partial L}{\partial y_o}
# $$
#
# This is a dot product again. But now $i$ is fixed and $o$ runs, so its weights are a column of the matrix, column $i$,
# and not a row. The *transposed* matrix, `weight.T`, has these columns as its rows.

# %%
dh_loop = [0.0, 0.0, 0.0]
for i in range(3):
    for o in range(2):
        dh_loop[i] += weight2[o, i] * dy[o]

dh = weight2.T @ dy

print(dh)
assert abs(dh - dh_loop).max() < 1e-14
assert abs(dh - [-2, 1, 1]).max() < 1e-14

# %% [markdown]
# Check one entry by hand: the middle column is $(2, 4)$, and $2 \cdot (-\tfrac12) + 4 \cdot \tfrac12 = 1$.
#
# The next step back is the sigmoid, elementwise: its slope is $h (1 - h) = \tfrac14$ at all three units. Then comes the
# first layer. The gradient that arrives there is `dz`, and the input of the layer is $x$, so the gradient of its
# weights is the outer product of these two.

# %%
dz = dh * (h * (1 - h))
dweight1 = np.outer(dz, x)
print(dweight1)
assert abs(dz - [-0.5, 0.25, 0.25]).max() < 1e-14
assert abs(dweight1 - [[-1, -0.5], [0.5, 0.25], [0.5, 0.25]]).max() < 1e-14

# %% [markdown]
# The lines as functions
# ----------------------
#
# That was the whole backward pass. In the functions below, `dz`, `dh` and `dweight1` are no longer arrays but vjps, as
# on page 3: functions that we call later. Each loop has become one expression:
#
# - the sum over the inputs, for each unit: `weight @ x`, one dot product per row
# - the sum over the units, for each input: `weight.T @ dy`, one dot product per column
# - a product for each weight: `np.outer(dy, x)`
# - an elementwise function: the same line as for one number
#
# Each function returns a value and its vjps, and with them the gradient of the net takes a few lines:


# %%
def linear(x, weight, bias):
    y = weight @ x + bias
    return y, (
        lambda dy: weight.T @ dy,  # dL/dx      (I,)
        lambda dy: np.outer(dy, x),  # dL/dweight (O, I)
        lambda dy: dy.copy(),  # dL/dbias   (O,), a copy: the caller may change it
    )


def sigmoid(x):
    y = 1 / (1 + np.exp(-x))
    return y, (lambda dy: dy * (y * (1 - y)),)


def gradient(weights, x, c):
    z, (_, dweight1, dbias1) = linear(x, weights["0.weight"], weights["0.bias"])
    h, (dz,) = sigmoid(z)
    logits, (dh, dweight2, dbias2) = linear(h, weights["2.weight"], weights["2.bias"])
    _, (dlogits,) = vector.softmax_cross_entropy(logits, c)

    dy2 = dlogits(1.0)  # dL/dlogits
    dy1 = dz(dh(dy2))  # through the second layer, then through the sigmoid
    return {"0.weight": dweight1(dy1), "0.bias": dbias1(dy1), "2.weight": dweight2(dy2), "2.bias": dbias2(dy2)}


by_hand = {"0.weight": weight1, "0.bias": bias1, "2.weight": weight2, "2.bias": bias2}
assert abs(gradient(by_hand, x, c)["0.weight"] - dweight1).max() < 1e-15
assert mt.check_vjps(linear, (x, weight1, bias1)).passed

# %% [markdown]
# The keys are the package's: it counts layers from 0, and layer 1, the sigmoid, has no weights. The last line checks
# the vjps of `linear` numerically, as on page 1. The package's file `vector.py` contains the same lines, with a sigmoid
# that works for any number, and an outer product that can be postponed: page 5 shows why.
#
# One gradient for each sample
# ----------------------------
#
# A net that takes a step after each sample listens to that sample alone. It can also listen to a group of samples, a
# *mini-batch*, and take the mean of their losses as its loss. The derivative of a sum is the sum of the derivatives, so
#
# $$
# L = \frac1{64} \sum_n L_n
# \qquad\text{has}\qquad
# \frac{\partial L}{\partial w} = \frac1{64} \sum_n \frac{\partial L_n}{\partial w} :
# $$
#
# the gradient of the mean is the mean of the gradients. We have a function for one of these gradients. Now we call it,
# with random weights, for each of many points of the ellipse from page 3, and take the mean of the first 64. Then we
# ask the package for the same gradient, at the scalar tier, which computes with plain lists as on page 3, and at the
# vector tier.

# %%
points = mt.load_dataset("ellipse", n_train=2560, n_test=1)
small = mt.two_layer_net(2, 3, 2)
weights = small.state_dict()
of_samples = [gradient(weights, x, c) for x, c in zip(points.train_x, points.train_y, strict=True)]
mean = {name: sum(grads[name] for grads in of_samples[:64]) / 64 for name in weights}

for tier in ("scalar", "vector"):
    _, of_tier = small.to(tier).loss_and_grads(points.train_x[:64], points.train_y[:64])
    difference = max(abs(mean[name] - of_tier[name]).max() for name in mean)
    print(f"{tier}: largest difference {difference:.0e}")
    assert difference < 1e-14

# %% [markdown]
# They agree to 1e-14. Where the last digits differ, a sum was taken in a different order; page 6 is about that.
#
# **Question.** The mean costs as much as 64 single gradients. What do we get for it?
#
# We have the gradients of 2,560 samples, with 17 entries each, and make 40 means of 64 of them. The plots show two of
# the 17 entries: on the left for 640 of the samples, on the right for the means.

# %%
single = np.array([np.concatenate([part.ravel() for part in grads.values()]) for grads in of_samples])
means = single.reshape(40, 64, 17).mean(axis=1)
of_all = single.mean(axis=0)

first, second = 9, 10  # 0 to 5 are 0.weight, 6 to 8 0.bias; then come the weights of logit 0 from hidden units 0 and 1
figure, (left, right) = plt.subplots(1, 2, figsize=(7, 3.8), layout="constrained", sharex=True, sharey=True)
for k, marker in enumerate("os"):
    swarm = single[:640][points.train_y[:640] == k]
    left.plot(swarm[:, first], swarm[:, second], marker, ms=3, alpha=0.5, label=f"class {k}")
right.plot(means[:, first], means[:, second], "^", ms=5, alpha=0.6, color="C2", label="mean of 64")
for axes, title in ((left, "single samples"), (right, "mini-batches")):
    axes.plot(of_all[first], of_all[second], "kX", ms=9, label="mean of all")
    axes.set(title=title, xlabel="dL/dw from hidden unit 0")
    axes.legend(loc="upper left")
left.set(ylabel="dL/dw from hidden unit 1")
plt.show()

# %% [markdown]
# These two entries are prediction minus target, times $h$. They are negative for all samples of class 0, and positive
# for all samples of class 1: each sample pulls toward its own class, no matter what the others say. The cross, the
# gradient of all samples, lies between the two swarms, and the means lie around it.
#
# What is that worth? The *spread* is the typical distance from the cross (the root of the mean square). A gradient $g$
# is useful if its dot product with the gradient of all samples is positive: only then does a small step against $g$
# lower the loss over all samples.


# %%
def spread(gradients):
    return np.sqrt(((gradients - of_all) ** 2).sum(axis=1).mean())


for name, gradients in (("single", single), ("mean of 64", means)):
    helpful = (gradients @ of_all > 0).mean()
    print(f"{name}: spread {spread(gradients):.3f}, useful {helpful:.0%}")
assert 6 < spread(single) / spread(means) < 11
assert (single @ of_all > 0).mean() < 0.7 < 0.9 < (means @ of_all > 0).mean()
assert (single[points.train_y == 0][:, [first, second]] < 0).all()
assert (single[points.train_y == 1][:, [first, second]] > 0).all()

# %% [markdown]
# The means are useful; many of the single gradients are not. Chance averages out, but slowly: means of $N$ samples have
# a spread that is $\sqrt N$ times smaller, here about $\sqrt{64} = 8$ times. Four times as many samples only halve it.
# So the size of a mini-batch is a compromise between an exact step and a cheap one (see page 10).
#
# 784 inputs
# ----------
#
# Nothing in these lines says how large a layer is. *Glyphs* is a set of digits in the format of MNIST, the classic set
# of handwritten digits: 28 by 28 pixels, from 0 (black) to 1 (white). The package draws the glyphs offline, with the
# fonts of matplotlib. MNIST has 60,000 images for training and 10,000 for testing. We use 3,000 and 500 glyphs, so that
# the page runs in a few seconds.
#
# **Question.** What does hidden unit 0 learn from one image? Its weights are row 0 of the matrix, one for each pixel,
# so we can draw their gradient as a picture.
#
# Row 0 of the outer product is `dz[0]` times $x$: **the image itself**, times one number. The number says how much the
# unit should change its response to this image, and in which direction (red is below 0, blue above). The mean over 64
# samples is a mixture of 64 images, each times its own number.

# %%
data = mt.load_dataset("glyphs", n_train=3000, n_test=500)
large = mt.two_layer_net(784, 300, 10, tier="vector")
weights = large.state_dict()
of_images = [gradient(weights, x, c) for x, c in zip(data.train_x[:64], data.train_y[:64], strict=True)]
rows, numbers = [grads["0.weight"][0] for grads in of_images], [grads["0.bias"][0] for grads in of_images]
for n in range(64):
    assert abs(rows[n] - numbers[n] * data.train_x[n]).max() < 1e-15

titles = [f"{number:+.3f} x" for number in numbers[:5]] + ["mean of 64"]
pictures = [row.reshape(28, 28) / abs(row).max() for row in [*rows[:5], np.mean(rows, axis=0)]]  # each on its own scale
mt.plots.matrices(pictures, titles)

# %% [markdown]
# Training
# --------
#
# An *epoch* is one pass over all samples, in a new random order. Each mini-batch of 64 leads to one step: the mean of
# its gradients, times the *learning rate*, is subtracted from the weights. The package's `fit` does all of this.
#
# **Question.** How long would the loops of page 3 take for it? We time one of their gradients.

# %%
start = time.perf_counter()
_, of_lists = large.to("scalar").loss_and_grads(data.train_x[:1], data.train_y[:1])
seconds_of_lists = (time.perf_counter() - start) * 5 * 3000
assert abs(of_images[0]["0.weight"] - of_lists["0.weight"]).max() < 1e-14
assert abs(of_images[0]["2.weight"] - of_lists["2.weight"]).max() < 1e-14

start = time.perf_counter()
history = mt.fit(large, data.train_x, data.train_y, optimizer=mt.SGD(0.7), batch_size=64, epochs=5)
print(f"vectors: {time.perf_counter() - start:.1f} s; lists: about {seconds_of_lists:.0f} s")
guesses = large.predict(data.test_x)
counts = mt.confusion_matrix(guesses, data.test_y, 10)
print(f"{len(history.batch_loss)} steps; {mt.accuracy(guesses, data.test_y):.1%} of 500 new images are read correctly")
assert mt.accuracy(guesses, data.test_y) > 0.6
assert counts.trace() == (guesses == data.test_y).sum()
assert max(history.batch_loss[:20]) > history.batch_loss[0] > 2 * history.train_loss[-1]

mt.plots.loss_curves(history, steps_per_epoch=47, title="784-300-10 on glyphs")

# %% [markdown]
# The loss rises before it falls: for weights that are still random, this learning rate is bold, as page 10 explains.
#
# The *confusion matrix* has a row for each digit, and a column for each prediction. Images that are read correctly are
# counted on the diagonal.

# %%
mt.plots.confusion_matrix(counts, range(10), "500 new images")

# %% [markdown]
# Exercises
# ---------
#
# 1. By hand: let the class of the pencil-and-paper sample be 1. What is `dweight1` now?
#    `assert abs(gradient(by_hand, np.array([2.0, 1.0]), 1)["0.weight"] - yours).max() < 1e-14`
# 2. `micrograd-tiers verify --new my_vector.py --like vector` writes a file of empty functions. Fill in `linear` and
#    `relu`, which is $y = \max(x, 0)$, until `micrograd-tiers verify my_vector.py` lists them under "pass".
# 3. A matrix that is a single outer product has *rank* 1: its rows are multiples of one row. What is the rank of the
#    sum of 64 outer products? `assert np.linalg.matrix_rank(sum(grads["0.weight"] for grads in of_images)) == ...`
# 4. How many times smaller is the spread of means of 16 than the spread of single gradients? Make a prediction, then
#    make 160 means of `single`: `assert 0.7 * yours < spread(single) / spread(means_of_16) < 1.4 * yours`
#
# Next, on page 5: the last loop, the one over the 64 samples, disappears too.
