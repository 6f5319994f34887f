r"""
13. Convolution and LeNet
=========================

A dense layer takes an image as one long row of numbers. It does not know which pixels are neighbors, and if it learns
to see a stroke in one corner, it still cannot see that stroke in another. A *convolution* can: it looks at the image
through a small window, and applies the same few weights wherever the window is. On this page we write it as four loops,
turn the loops into one matrix product, and derive the three gradients. Then we put two such layers into LeNet, a net
that reads digits.

You need the tensor tier (page 5) and the chain rule (page 1).
"""

# %%
import time

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

import micrograd_tiers as mt
from micrograd_tiers.tiers import scalar, tensor, vector
from micrograd_tiers.tiers.images.arrays import windows

# %% [markdown]
# A window moves over an image
# ----------------------------
#
# Take an image of 3 by 3 pixels and a *kernel* (or filter) of 2 by 2 weights:
#
# $$
# x = \begin{pmatrix} 1 & 2 & 0 \\ 0 & 1 & 3 \\ 2 & 1 & 0 \end{pmatrix}, \qquad
# w = \begin{pmatrix} 1 & 0 \\ 0 & -1 \end{pmatrix}
# $$
#
# Place the kernel on the upper left corner, multiply each weight by the pixel beneath it, and sum:
# $1 \cdot 1 + 0 \cdot 2 + 0 \cdot 0 - 1 \cdot 1 = 0$. That is the first number of the output. For the next one, move
# the kernel one pixel to the right.
#
# **Question.** The window fits in four places. What are the other three numbers?
#
# An image may have several *channels*, such as red, green, and blue. A kernel then has weights for each of them. And
# a layer has several kernels, each with a bias, and each kernel makes one channel of the output. With $C$ channels,
# kernels of $K$ by $K$ pixels, and $o$, $r$, $s$ for the output's channel, row, and column:
#
# $$
# y_{ors} = b_o + \sum_{c} \sum_{i=0}^{K-1} \sum_{j=0}^{K-1} w_{ocij} \; x_{c,\,r+i,\,s+j}
# $$
#
# These are four loops: over the output channels, over the rows, over the columns, and over the terms of the sum.


# %%
def conv_by_loops(x, weight, bias):
    n_kernels, C, K, _ = weight.shape
    R, S = x.shape[1] - K + 1, x.shape[2] - K + 1
    y = np.zeros((n_kernels, R, S))
    for o in range(n_kernels):
        for r in range(R):
            for s in range(S):
                y[o, r, s] = bias[o]
                for c, i, j in np.ndindex(C, K, K):
                    y[o, r, s] += weight[o, c, i, j] * x[c, r + i, s + j]
    return y


x = np.array([[[1.0, 2, 0], [0, 1, 3], [2, 1, 0]]])  # (C, H, W): one channel
weight = np.array([[[[1.0, 0], [0, -1]]]])  # (O, C, K, K): one kernel
bias = np.array([0.0])
y = conv_by_loops(x, weight, bias)
print(y)
assert y.tolist() == [[[0, -1], [-1, 1]]]
assert abs(y - vector.conv2d(x, weight, bias)[0]).max() < 1e-12

# %% [markdown]
# The package's `conv2d` gives the same result. (In mathematics, the kernel of a convolution is flipped upside down
# and left to right first. Here the weights are learned, so it makes no difference.)
#
# What a kernel sees
# ------------------
#
# **Question.** An image is dark (0) on the left and bright (1) on the right. What is the output of this kernel?
#
# $$
# \begin{pmatrix} -1 & 0 & 1 \\ -1 & 0 & 1 \\ -1 & 0 & 1 \end{pmatrix}
# $$

# %%
upright = np.array([[-1.0, 0, 1]] * 3)
edge = np.array([[[0.0, 0, 0, 1, 1, 1]] * 3])
response = conv_by_loops(edge, upright[None, None], [0.0])
print(response)
assert response.tolist() == [[[0, 3, 3, 0]]]

# %% [markdown]
# Left and right cancel wherever all pixels are equal. At the edge, and only there, the output is large. The kernel
# detects vertical edges. Transposed, it detects horizontal ones. Here are both on a digit:

# %%
data = mt.load_dataset("glyphs", n_train=1000, n_test=500)
glyph = data.test_x[np.flatnonzero(data.test_y == 4)[0]].reshape(1, 28, 28)
detectors = np.stack([upright, upright.T])[:, None]  # (2, 1, 3, 3)
maps = conv_by_loops(glyph, detectors, np.zeros(2))

moved = np.pad(glyph, ((0, 0), (0, 0), (2, 0)))[:, :, :-2]  # two pixels to the right
maps_moved = conv_by_loops(moved, detectors, np.zeros(2))
assert abs(maps_moved[:, :, 2:] - maps[:, :, :-2]).max() < 1e-12

mt.plots.matrices([*glyph, *maps], ["the image", "vertical edges", "horizontal edges"], largest=3)

# %% [markdown]
# Blue marks places where the image gets brighter to the right (or downward), and red marks places where it gets
# darker. Such an output is called a *feature map*: it is itself an image, which shows where the feature is. If the
# digit moves two pixels to the right, so do the maps, as the last line asserts, because the weights are the same
# everywhere. A dense layer would have to learn the moved digit from scratch.
#
# Sharing also saves weights. **Question.** A layer has 8 kernels of 5 by 5 on 3 channels. How many parameters does it
# have, and what is the output's shape for a color image of 32 by 32? A kernel has $5 \cdot 5 \cdot 3 = 75$ weights
# and a bias. A window of 5 fits into 32 pixels in $32 - 5 + 1 = 28$ places.

# %%
layer = mt.Conv2d(3, 8, kernel_size=5)
n_parameters = sum(np.prod(shape) for shape in layer.parameter_shapes().values())
print(f"{n_parameters} parameters; (3, 32, 32) becomes {layer.shape_out((3, 32, 32))}")
print(f"a dense layer with the same inputs and outputs has {(32 * 32 * 3 + 1) * (28 * 28 * 8):,}")
assert n_parameters == 8 * (75 + 1) == 608
assert layer.shape_out((3, 32, 32)) == (8, 28, 28)

# %% [markdown]
# Stride and padding
# ------------------
#
# Each layer shrinks the image by $K - 1$, and the pixels at its border are seen less often than those in the middle.
# *Padding* first adds $P$ rows and columns of zeros on each side. A *stride* of $T$ moves the window by $T$ pixels at
# a time: it starts at 0, then moves to $T$, $2T$, and so on, and ends at $H + 2P - K$ or a little before. So the
# output has
#
# $$
# R = \left\lfloor \frac{H + 2P - K}{T} \right\rfloor + 1
# $$
#
# rows, where $\lfloor \cdot \rfloor$ means rounding down. **Question.** Which padding keeps an image of 28 pixels at
# 28 if the kernel size is 5?

# %%
for K, P, T in ((5, 0, 1), (5, 2, 1), (5, 2, 2), (3, 1, 1), (2, 0, 2)):
    R = (28 + 2 * P - K) // T + 1
    print(f"kernel {K}, padding {P}, stride {T}: 28 becomes {R}")
    assert mt.Conv2d(1, 1, K, stride=T, padding=P).shape_out((1, 28, 28)) == (1, R, R)

with_rim = np.pad(glyph, ((0, 0), (1, 1), (1, 1)))
every_place = conv_by_loops(with_rim, detectors, np.zeros(2))
every_second = vector.conv2d(glyph, detectors, np.zeros(2), stride=2, padding=1)[0]
assert abs(every_second - every_place[:, ::2, ::2]).max() < 1e-12

# %% [markdown]
# Neither is a new operation, as the last line asserts. Padding enlarges the image first, and a stride of 2 keeps
# every second row and column of the output for a stride of 1.
#
# From loops to a matrix product
# ------------------------------
#
# At each place the window covers $C K K$ numbers, and each kernel multiplies them by its $C K K$ weights and sums.
# That is a dense layer. So write the numbers under the window as columns, one for each place, and write the kernels
# as rows. Then all four loops are one product of two matrices.


# %%
def covered_by_window(x, K):
    seen = sliding_window_view(x, (K, K), axis=(1, 2))  # (C, R, S, K, K), a view
    return seen.transpose(0, 3, 4, 1, 2).reshape(x.shape[0] * K * K, -1)  # (C K K, R S)


print(covered_by_window(x, 2))
product = weight.reshape(1, 4) @ covered_by_window(x, 2)
print(weight.reshape(1, 4), "times this matrix is", product)
assert product.reshape(y.shape).tolist() == y.tolist()
of_package = np.stack(windows(x, (2, 2), 1), axis=1)
assert covered_by_window(x, 2).tolist() == of_package.reshape(4, 4).tolist()

# %% [markdown]
# The first column, 1, 2, 0, 1, is the upper left corner of the image. Nine pixels have become 16 numbers: the product
# takes more memory than the loops, and less time, as you will see. (The last line checks against the package, which
# builds the same matrix from $K K$ views of the image, one for each cell of the window, in `tiers/images/arrays.py`.)
#
# Backward pass
# -------------
#
# Let `dy` be $\partial L / \partial y$, one number for each output. By the chain rule, the gradient of an input is a
# sum over all outputs in which it occurs: each contributes its `dy` times the input's factor there. So look at the
# formula of the four loops and ask: *in which outputs does it occur, and with which factor?*
#
# - A bias $b_o$ occurs in all outputs of channel $o$, with factor 1.
# - A weight $w_{ocij}$ occurs in all outputs of channel $o$. Its factor is the pixel that lay beneath it.
# - A pixel $x_{chv}$ (row $h$, column $v$) occurs wherever a window covered it. Its factor is the weight that lay on
#   it: $w_{ocij}$ with $i = h - r$ and $j = v - s$.
#
# $$
# \frac{\partial L}{\partial b_o} = \sum_{r,s} dy_{ors}, \qquad
# \frac{\partial L}{\partial w_{ocij}} = \sum_{r,s} dy_{ors} \; x_{c,\,r+i,\,s+j}, \qquad
# \frac{\partial L}{\partial x_{chv}} = \sum_{o,i,j} dy_{o,\,h-i,\,v-j} \; w_{ocij}
# $$
#
# The last sum leaves out terms for which there is no such output. **Question.** With $x$ and $w$ from above, and
# $dy = \begin{pmatrix} 1 & 2 \\ 0 & 1 \end{pmatrix}$, compute the gradients by hand. For each weight, multiply `dy`
# by the pixels that the weight has met, place by place, and sum. For the pixels, press the kernel down at each place
# like a stamp, multiplied by the `dy` of that place, and sum where stamps overlap.


# %%
def gradients_by_loops(dy, x, weight):
    dx, dweight, dbias = np.zeros(x.shape), np.zeros(weight.shape), dy.sum(axis=(1, 2))
    K = weight.shape[2]
    for o, r, s in np.ndindex(dy.shape):
        dweight[o] += dy[o, r, s] * x[:, r : r + K, s : s + K]
        dx[:, r : r + K, s : s + K] += dy[o, r, s] * weight[o]  # the stamp
    return dx, dweight, dbias


dy = np.array([[[1.0, 2], [0, 1]]])
dx, dweight, dbias = gradients_by_loops(dy, x, weight)
print(f"dx\n{dx[0]}\ndweight\n{dweight[0, 0]}\ndbias {dbias}")
assert dx.tolist() == [[[1, 2, 0], [0, 0, -2], [0, 0, -1]]]
assert dweight.tolist() == [[[[6, 5], [3, 7]]]]
assert dbias.tolist() == [4]

# %% [markdown]
# In the middle of `dx`, the first stamp has left $-1$ and the last one $+1$: together 0.
#
# Now with matrices. In the forward pass, `y = kernels @ covered + bias` is a dense layer, and its gradients are those
# of a dense layer (page 5). Only `dx` needs one more step, from the columns back to the pixels. That is the stamping.
# Here it takes one addition for each cell of the window, for all places at once.


# %%
def conv2d(x, weight, bias):
    n_kernels, C, K, _ = weight.shape
    R, S = x.shape[1] - K + 1, x.shape[2] - K + 1
    covered, kernels = covered_by_window(x, K), weight.reshape(n_kernels, -1)
    y = (kernels @ covered + bias[:, None]).reshape(n_kernels, R, S)

    def dx(dy):
        dcovered = (kernels.T @ dy.reshape(n_kernels, -1)).reshape(C, K, K, R, S)
        image = np.zeros(x.shape)
        for i, j in np.ndindex(K, K):
            image[:, i : i + R, j : j + S] += dcovered[:, i, j]
        return image

    def dweight(dy):
        return (dy.reshape(n_kernels, -1) @ covered.T).reshape(weight.shape)

    return y, (dx, dweight, lambda dy: dy.sum(axis=(1, 2)))


rng = np.random.default_rng(0)
weight, bias, dy = (rng.standard_normal(shape) for shape in ((6, 1, 5, 5), (6,), (6, 24, 24)))
start = time.perf_counter()
by_loops = [conv_by_loops(glyph, weight, bias), *gradients_by_loops(dy, glyph, weight)]
middle = time.perf_counter()
y, vjps = conv2d(glyph, weight, bias)
by_product = [y, *(vjp(dy) for vjp in vjps)]
end = time.perf_counter()
print(f"loops {1e3 * (middle - start):.1f} ms, product {1e3 * (end - middle):.2f} ms")

y, vjps = vector.conv2d(glyph, weight, bias)
by_package = [y, *(vjp(dy) for vjp in vjps)]
for loops, product, package in zip(by_loops, by_product, by_package, strict=True):
    assert abs(product - loops).max() < 1e-12
    assert abs(package - loops).max() < 1e-12

small = [rng.standard_normal(shape) for shape in ((3, 7, 6), (4, 3, 3, 3), (4,))]
report = mt.check_vjps(conv2d, small)
print(report)
assert report.passed

# %% [markdown]
# Loops, product, and package agree, and all three gradients agree with numerical ones. The package's `conv2d` is this
# function with stride and padding. At the tensor tier, there is one more axis in front for the samples of a
# mini-batch, and the gradients of weights and biases are summed over it.
#
# Pooling
# -------
#
# The presence of a feature matters more than its exact place. *Pooling* cuts each feature map into windows of, say,
# 2 by 2 pixels, and keeps one number from each: the mean or the maximum. **Question.** What is left of this
# map in each case?
#
# $$
# \begin{pmatrix} 1 & 3 & 2 & 0 \\ 4 & 2 & 2 & 2 \\ 0 & 0 & 5 & 6 \\ 0 & 2 & 7 & 8 \end{pmatrix}
# $$

# %%
x = np.array([[1.0, 3, 2, 0], [4, 2, 2, 2], [0, 0, 5, 6], [0, 2, 7, 8]])
in_windows = x.reshape(2, 2, 2, 2)  # [r, i, s, j]: row i and column j of the window at r, s
means, largest = in_windows.mean(axis=(1, 3)), in_windows.max(axis=(1, 3))
print(means, largest, sep="\n")
assert means.tolist() == [[2.5, 1.5], [0.5, 6.5]]
assert largest.tolist() == [[4, 2], [2, 8]]
assert vector.avg_pool2d(x[None], 2, 2)[0].tolist() == [means.tolist()]
assert vector.max_pool2d(x[None], 2, 2)[0].tolist() == [largest.tolist()]

# %% [markdown]
# There is nothing to learn, so the only gradient is `dx`. In a mean, each pixel counts for a quarter, so it gets a
# quarter of the `dy` of its window. A maximum depends on the largest pixel alone, so that pixel gets all of `dy`.
#
# **Question.** The upper right window contains three twos. Which of them gets the gradient? There is no derivative:
# if you make any one of the three larger, the maximum grows, and if you make it smaller, the maximum stays. So one
# has to be chosen. At every tier it is the first, row by row.

# %%
dy = np.array([[10.0, 20], [30, 40]])
dx = np.zeros(x.shape)
for r, s in np.ndindex(2, 2):
    window = x[2 * r : 2 * r + 2, 2 * s : 2 * s + 2]
    i, j = np.unravel_index(window.argmax(), window.shape)  # argmax returns the first
    dx[2 * r + i, 2 * s + j] = dy[r, s]
print(dx)
assert dx.tolist() == [[0, 0, 20, 0], [10, 0, 0, 0], [0, 0, 0, 0], [0, 30, 0, 40]]
assert scalar.max_pool2d([x.tolist()], 2, 2)[1][0]([dy.tolist()]) == [dx.tolist()]
assert vector.max_pool2d(x[None], 2, 2)[1][0](dy[None]).tolist() == [dx.tolist()]
assert tensor.max_pool2d(x[None, None], 2, 2)[1][0](dy[None, None]).tolist() == [[dx.tolist()]]
assert "at a kink" in str(mt.check_vjps(vector.max_pool2d, [x[None], 2, 2]))

# %% [markdown]
# The last line shows that the gradient check notices: there is no derivative at this image, so the check does not
# pass.
#
# LeNet
# -----
#
# LeNet, from 1998, was built to read digits on bank checks. It uses all of the above: two rounds of convolution,
# activation, and pooling, followed by three dense layers. The original used smooth activations and average pooling.
# Ours uses ReLU, which is $\max(x, 0)$, and max pooling.

# %%
net = mt.lenet5("relu", "max", dtype="float32", seed=1)
print(net.summary())
assert net.n_parameters == 6 * 26 + 16 * 151 + 401 * 120 + 121 * 84 + 85 * 10 == 61_706

# %% [markdown]
# Follow the shapes from top to bottom. Padding keeps the first maps at 28, and pooling halves them to 14. Each kernel
# of the second convolution has $6 \cdot 5 \cdot 5$ weights and sees all six maps at once. The new maps have 10
# rows, which pooling halves to 5. The resulting $16 \cdot 5 \cdot 5 = 400$ numbers are no longer an image, but a
# list of which features were found where. They go to the dense layers.
#
# Now let it learn, next to a dense net with about as many parameters. MNIST has 60,000 images. Here we use 1,000
# glyphs, so that training takes seconds. One *epoch* is one pass over all of them.

# %%
dense_net = mt.mlp([784, 77, 10], "relu", dtype="float32")
kernels_before = net.state_dict()["1.weight"]
errors, epochs = {}, range(1, 6)
losses = {}
for name, its_net in (("LeNet", net), ("dense", dense_net)):
    history = mt.fit(
        its_net, data.train_x, data.train_y, optimizer=mt.Adam(0.003), batch_size=20, epochs=5,
        validation=(data.test_x, data.test_y),
    )  # fmt: skip
    errors[name] = 1 - history.validation_accuracy[-1]
    print(f"{name}: {its_net.n_parameters:,} parameters, {errors[name]:.1%} wrong on new glyphs")
    losses[f"{name}, new glyphs"] = (epochs, history.validation_loss)
    losses[f"{name}, training"] = (epochs, history.train_loss)
assert errors["LeNet"] < errors["dense"] / 2

mt.plots.panels([mt.plots.Panel("LeNet and a dense net", "epoch", "loss (nats)", losses)])

# %% [markdown]
# The two nets have about the same number of parameters. LeNet's are arranged so that it knows what a neighbor is, and
# it makes less than half the mistakes on images that it has not seen.
#
# **Question.** The kernels of the first layer were drawn at random. What do they look like now?

# %%
kernels = net.state_dict()["1.weight"]


def likeness_of_neighbors(kernels):
    side_by_side = kernels[..., :-1].ravel(), kernels[..., 1:].ravel()
    one_on_other = kernels[..., :-1, :].ravel(), kernels[..., 1:, :].ravel()
    return np.corrcoef(np.hstack([side_by_side, one_on_other]))[0, 1]


before, after = likeness_of_neighbors(kernels_before), likeness_of_neighbors(kernels)
print(f"correlation of neighboring weights: {before:.2f} at the start, {after:.2f} learned")
assert before < 0.15 < 0.25 < after

mt.plots.matrices(
    [*kernels_before[:, 0], *kernels[:, 0]], ["at the start"] * 6 + ["learned"] * 6, columns=6, largest=0.4
)

# %% [markdown]
# Blue weights are positive, red ones negative. At the start, neighboring weights have nothing in common. Now they do.
# Some kernels are blue on one side and red on the other, like our edge detectors. Nobody told the net to look for
# edges.
#
# Here is the whole net at work on the digit from the beginning of this page, with each kernel of the first layer beside
# its feature map. Point at a layer, or open its table, to see the numbers.

# %%
mt.draw(net, glyph.reshape(1, 784))

# %% [markdown]
# The same at every tier
# ----------------------
#
# The scalar tier does all of this in plain loops over Python floats, and that takes time. So give it only two glyphs,
# and compute their loss and all 61,706 derivatives.

# %%
results = {}
for tier in ("scalar", "vector", "tensor"):
    at_tier = net.to(tier, dtype="float64")
    start = time.perf_counter()
    loss, grads = at_tier.loss_and_grads(data.test_x[:2], data.test_y[:2])
    seconds = time.perf_counter() - start
    results[tier] = np.concatenate([[loss], *(gradient.ravel() for gradient in grads.values())])
    difference = abs(results[tier] - results["scalar"]).max()
    print(f"{tier}: loss {loss:.12f}, {1e3 * seconds:.1f} ms, off by {difference:.0e}")
    assert difference < 1e-12

# %% [markdown]
# Exercises
# ---------
#
# 1. By hand: take the image with the rows (1, 2, 3), (4, 5, 6), (7, 8, 9), the kernel with the rows (1, 1), (1, 1),
#    and the bias 1. Then apply max pooling, 2 by 2. Compare: `assert conv_by_loops(x, weight, bias).tolist() == ...`
# 2. If $K$ is odd and the stride is 1, which padding keeps the size of an image? Write `padding(K)`:
#    `assert all(mt.Conv2d(1, 1, K, padding=padding(K)).shape_out((1, 9, 9)) == (1, 9, 9) for K in (1, 3, 5, 7))`
# 3. Windows may overlap. An image of 4 by 4 is 0 everywhere except for a 1 in row 1, column 1 (counted from 0). Apply
#    max pooling with kernel size 3 and stride 1, and let all of `dy` be 1. What gradient does the 1 get?
#    `assert vector.max_pool2d(x, 3, 1)[1][0](np.ones((1, 2, 2)))[0, 1, 1] == ...`
# 4. Write `conv2d(x, weight, bias, stride=1, padding=0)` with its three gradients, for one image, in a file
#    `my_tier.py`. Start from the function above. Then `micrograd-tiers verify --like vector my_tier.py` should list
#    `conv2d` under "pass".
#
# Next, on page 14: a layer that keeps numbers in a healthy range, and nets that learn from images without being told
# what is in them.
