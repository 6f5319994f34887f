r"""
5. The tensor tier
==================

On page 4 the loops over units moved into NumPy, and one loop was left: the loop over the samples of a mini-batch. On
this page it goes too. A whole mini-batch is one matrix, and the net processes it all at once. The mathematics stays the
same. What is new is a question that you can ask of every line: the loss sums over all samples, so *where has this sum
gone?*

You need the formulas of page 4 and the product of two matrices. The net is again 2-3-2: two inputs, three hidden units
with sigmoids, two logits.
"""

# %%
import timeit

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# %% [markdown]
# A mini-batch is a matrix
# ------------------------
#
# Each sample is a row: $N$ samples with $I$ features each form a matrix of *shape* $(N, I)$. Four letters name all the
# sizes in the net: $N$ samples, $I$ inputs, $H$ hidden units, $C$ classes. From here on, the right classes, one for
# each row, are called `y`, as in the package. The class $c$ of one sample becomes `y[n]`.

# %%
N, H, C = 4, 3, 2  # and I = 2
x, y = np.array([[2.0, 1.0], [0.0, 1.0], [-1.0, 0.0], [1.0, -2.0]]), np.array([0, 1, 1, 0])
weight1, bias1 = np.array([[1.0, 0.0], [1.0, -2.0], [0.0, 1.0]]), np.array([-2.0, 0.0, -1.0])
weight2, bias2 = np.array([[4.0, 2.0, 0.0], [0.0, 4.0, 2.0]]), np.array([0.0, 0.0])
assert (x.shape, y.shape) == ((N, 2), (N,))
assert (weight1.shape, weight2.shape) == ((H, 2), (C, H))

# %% [markdown]
# On page 4 a layer was `weight @ x + bias`: the dot products of all rows of the weights with one sample. Now each
# sample, a row of `x`, must meet each row of the weights. A matrix product takes *rows times columns*. So we transpose
# the weights, and their rows become columns:
#
# $$
# z_{no} = \sum_i x_{ni} w_{oi} + b_o, \qquad\text{or}\qquad Z = X W^\mathsf{T} + b .
# $$
#
# **Question.** The product has the shape $(N, H)$, the bias $(H,)$. How can they be added?
#
# NumPy *broadcasts* the bias: it treats it as one row, and adds this row to each of the $N$ rows. Every sample uses the
# same bias, and the same weights. Remember that; it will matter in the backward pass.

# %%
z = x @ weight1.T + bias1
print(z)
for n in range(N):
    assert z[n].tolist() == (weight1 @ x[n] + bias1).tolist()
assert z[0].tolist() == [0, 0, 0]

# %% [markdown]
# Each row is what page 4 computes for that sample. You worked out the first one by hand there.
#
# Forward, with the shape of every line
# -------------------------------------
#
# The shape is the cheapest check there is, so each line has one. The probabilities of a sample are a row that sums to
# 1: softmax sums over axis 1, along the row. `keepdims` keeps the sums as a column, $(N, 1)$, so that broadcasting
# divides each row by its own sum. (Large logits would overflow here; page 9 fixes that.)

# %%
h = 1 / (1 + np.exp(-z))
assert h.shape == z.shape == (N, H)
logits = h @ weight2.T + bias2
assert logits.shape == (N, C)
e = np.exp(logits)
assert e.shape == (N, C)
sums = e.sum(axis=1, keepdims=True)
assert sums.shape == (N, 1)
p = e / sums
assert p.shape == (N, C)
losses = -np.log(p[np.arange(N), y])  # in each row, the right class
assert losses.shape == (N,)
loss = losses.sum() / N
assert loss.shape == ()
print(f"losses {losses.round(4)}, their mean {loss:.4f}")

# %% [markdown]
# So far, no row has met another row. They meet only in the last line: the loss of the mini-batch is the mean
# $L = \frac1N \sum_n L_n$.
#
# Backward: where each sum over samples went
# ------------------------------------------
#
# **Question.** How does $L$ change with the loss $L_n$ of one sample?
#
# By $1/N$. So the backward pass starts with $1/N$ for every sample. Then comes prediction minus target, row by row.

# %%
onehot = np.eye(C)[y]  # row n is 1 at the right class, 0 elsewhere
dlogits = (p - onehot) / N
assert dlogits.shape == logits.shape == (N, C)

# %% [markdown]
# **Question.** Which of the derivatives sum over the samples, and which do not? For each array, ask: how many samples
# use it?
#
# A row of `h` belongs to one sample, and changes the loss of that sample only. So dL/dh has no sum over samples. It is
# page 4's $W^\mathsf{T} dy$ for each row, which is the matrix $dY\, W$, because transposing a product reverses its
# factors: $(W^\mathsf{T} dy)^\mathsf{T} = dy^\mathsf{T}\, W$. The weights and the bias belong to all samples. Each
# sample opens a path from them to the loss, and we sum over the paths.

# %%
dh = dlogits @ weight2
assert dh.shape == h.shape == (N, H)
dz = dh * (h * (1 - h))
assert dz.shape == z.shape == (N, H)
for n in range(N):
    assert abs(dh[n] - weight2.T @ dlogits[n]).max() < 1e-15

# %% [markdown]
# The sum inside the product
# --------------------------
#
# For the weights, page 4 says what a sample contributes: the outer product of its $dy$ and its $x$. Take two samples
# with small numbers, two outputs and three inputs:

# %%
small_x = np.array([[1, 2, 0], [3, 0, 1]])
small_dy = np.array([[1, -1], [2, 1]])
tables = [np.outer(small_dy[n], small_x[n]) for n in range(2)]
print(tables[0], tables[1], tables[0] + tables[1], sep="\n\n")

# %% [markdown]
# **Question.** Compute $dY^\mathsf{T} X$ by hand, rows times columns. Its top left entry is
# $1 \cdot 1 + 2 \cdot 3 = 7$. Where have you seen these two products before?
#
# In the top left corners of the two outer products. The same is true of every entry. Row $o$ of $dY^\mathsf{T}$ holds
# $dy_o$ of all samples, column $i$ of $X$ holds $x_i$ of all samples, and their dot product runs over the samples:
#
# $$
# (dY^\mathsf{T} X)_{oi} = \sum_n dy_{no}\, x_{ni} = \Big( \sum_n dy_n \otimes x_n \Big)_{oi}
# $$
#
# where $\otimes$ is the outer product. **The sum over the samples is inside the matrix product.**

# %%
assert (small_dy.T @ small_x).tolist() == (tables[0] + tables[1]).tolist() == [[7, 2, 2], [2, -2, 1]]

mt.plots.matrices(
    [*tables, small_dy.T @ small_x], ["sample 0", "+ sample 1", "= dy.T @ x"], x_label="input", y_label="output"
)

# %% [markdown]
# A matrix product sums over the index that disappears. A layer with $I$ inputs and $O$ outputs has three products, and
# each index disappears once:
#
# - forward, $(N, I) \cdot (I, O) \to (N, O)$: the inputs disappear
# - dL/dx, $(N, O) \cdot (O, I) \to (N, I)$: the outputs disappear
# - dL/dweight, $(O, N) \cdot (N, I) \to (O, I)$: the samples disappear
#
# The sum along axis 0
# --------------------
#
# **Question.** And the bias?
#
# It was copied into every row, so all $N$ rows of `dy` contribute to its gradient. They are summed along axis 0, the
# axis of the samples. Wherever the forward pass broadcasts, the backward pass sums.

# %%
dweight2, dbias2 = dlogits.T @ h, dlogits.sum(axis=0)
dweight1, dbias1 = dz.T @ x, dz.sum(axis=0)
assert (dweight2.shape, dbias2.shape) == (weight2.shape, bias2.shape) == ((C, H), (C,))
assert (dweight1.shape, dbias1.shape) == (weight1.shape, bias1.shape) == ((H, 2), (H,))
assert abs(dweight1 - sum(np.outer(dz[n], x[n]) for n in range(N))).max() < 1e-15
assert abs(dbias1 - sum(dz[n] for n in range(N))).max() < 1e-15
wrong_axis = dlogits[:2].sum(axis=1)
assert wrong_axis.shape == bias2.shape
assert abs(wrong_axis - dlogits[:2].sum(axis=0)).max() > 0.01

# %% [markdown]
# Shapes catch many mistakes, but not all. The last lines take 2 samples and sum along the wrong axis. There are as many
# samples as outputs, so the shape is right and the numbers are wrong. The package keeps a museum of such bugs. To see
# this one, type `micrograd-tiers bugs show linear_dbias_summed_over_outputs`.
#
# From one sample to a mini-batch, line by line
# ---------------------------------------------
#
# Each line of page 4, and beside it the line for a mini-batch:
#
# - dL/dx: `weight.T @ dy` becomes `dy @ weight`, row by row
# - dL/dweight: `np.outer(dy, x)` becomes `dy.T @ x`, with the sum over the samples inside
# - dL/dbias: `dy.copy()` becomes `dy.sum(axis=0)`, with the sum over the samples written out


# %%
def linear(x, weight, bias):
    y = x @ weight.T + bias
    return y, (
        lambda dy: dy @ weight,  # dL/dx      (N, I)
        lambda dy: dy.T @ x,  # dL/dweight (O, I)
        lambda dy: dy.sum(axis=0),  # dL/dbias   (O,)
    )


def gradient(weights, x, y, start):
    z, (_, dweight1, dbias1) = linear(x, weights["0.weight"], weights["0.bias"])
    h, (dz,) = tensor.sigmoid(z)
    logits, (dh, dweight2, dbias2) = linear(h, weights["2.weight"], weights["2.bias"])
    _, (dlogits,) = tensor.softmax_cross_entropy(logits, y)

    dy2 = dlogits(start)  # dL/dlogits
    dy1 = dz(dh(dy2))  # through the second layer, then through the sigmoid
    return {"0.weight": dweight1(dy1), "0.bias": dbias1(dy1), "2.weight": dweight2(dy2), "2.bias": dbias2(dy2)}


weights = {"0.weight": weight1, "0.bias": bias1, "2.weight": weight2, "2.bias": bias2}
of_mean = gradient(weights, x, y, 1 / N)
assert abs(of_mean["0.weight"] - dweight1).max() < 1e-15
assert mt.check_vjps(linear, (x, weight1, bias1)).passed

# %% [markdown]
# The sigmoid and the loss now come from the package. Its loss is the *sum* over the samples, so that the same function
# works for one sample and for many. The mean enters through the number from which the backward pass starts, $1/N$.
#
# **Question.** What happens if you forget this, and the backward pass starts from 1?
#
# The backward pass consists of sums, and of products with numbers that do not depend on where it starts. So all
# gradients become $N$ times as large, and the right learning rate would change with the size of the mini-batch.

# %%
assert abs(tensor.softmax_cross_entropy(logits, y)[0] - losses.sum()) < 1e-14
of_sum = gradient(weights, x, y, 1.0)
for name in weights:
    assert abs(of_sum[name] - N * of_mean[name]).max() < 1e-14

# %% [markdown]
# Three tiers, one gradient
# -------------------------
#
# Here is the package's net at each tier, beside our function: 2-3-2 on 64 points, 784-300-10 on 3 images.

# %%
points = mt.load_dataset("ellipse", n_train=64, n_test=1)
data = mt.load_dataset("glyphs", n_train=4000, n_test=1000)
for net, samples, classes in (
    (mt.two_layer_net(2, 3, 2), points.train_x, points.train_y),
    (mt.two_layer_net(784, 300, 10), data.train_x[:3], data.train_y[:3]),
):
    ours = gradient(net.state_dict(), samples, classes, 1 / len(samples))
    for tier in ("scalar", "vector", "tensor"):
        loss, grads = net.to(tier).loss_and_grads(samples, classes)
        difference = max(abs(grads[name] - ours[name]).max() for name in grads)
        print(f"{tier}: loss {loss:.12f}, gradient differs by {difference:.0e}")
        assert difference < 1e-14

# %% [markdown]
# In the package, all three tiers share one loop over the layers, `Network.backprop`. It splits the mini-batch into
# chunks: single samples, or the whole of it. It starts each chunk's backward pass from $1/N$, and sums the gradients.
# Now you see why the outer product of page 4 can be postponed: `vector.py` keeps the $dy$ and $x$ of all samples, and
# then multiplies once, $dY^\mathsf{T} X$.
#
# Here is one training step of the small net on our four samples, at all three tiers. Go through it with the arrow keys:
# the numbers are the same, and the marked lines say where each tier has its sum over the samples. Click a number to see
# which numbers made it, and which gradient comes back to it.

# %%
small = mt.two_layer_net(2, 3, 2)
small.load_state_dict(weights)
mt.step_through(small, x, y, mt.SGD(0.5))

# %% [markdown]
# The same training
# -----------------
#
# **Question.** If the gradients are the same, what about the training? We train two tiers for one epoch on 1,000 glyphs
# in mini-batches of 64, from the same weights and in the same order. We also time the gradient of one mini-batch, and
# take the best of 20.

# %%
losses = {}
for tier in ("vector", "tensor"):
    net = mt.two_layer_net(784, 300, 10, tier=tier)
    times = timeit.repeat(lambda net=net: net.loss_and_grads(data.train_x[:64], data.train_y[:64]), number=1, repeat=20)
    history = mt.fit(net, data.train_x[:1000], data.train_y[:1000], optimizer=mt.SGD(0.5), batch_size=64)
    losses[tier] = np.array(history.batch_loss)
    print(f"{tier}: {min(times) * 1000:.2f} ms per mini-batch, last loss {losses[tier][-1]:.12f}")
assert abs(losses["vector"] - losses["tensor"]).max() < 1e-10

# %% [markdown]
# The losses agree step by step, to 1e-10. The times are those of the machine that built the page; page 7 measures
# properly.
#
# Now a longer training: five epochs on 4,000 glyphs (MNIST has 60,000). After each epoch, `fit` evaluates the net on
# 1,000 images that it does not learn from.

# %%
net = mt.two_layer_net(784, 300, 10, tier="tensor")
test = data.test_x, data.test_y
history = mt.fit(net, data.train_x, data.train_y, optimizer=mt.SGD(1.0), batch_size=64, epochs=5, validation=test)
print(f"read correctly: {', '.join(f'{share:.1%}' for share in history.validation_accuracy)}")
assert history.validation_accuracy[-1] > 0.7
assert history.validation_accuracy[-1] > history.validation_accuracy[0]

mt.plots.loss_curves(history, steps_per_epoch=63, title="784-300-10 on glyphs")

# %% [markdown]
# The loss first jumps up, and the accuracy need not rise in every epoch: a learning rate of 1 is bold, as on page 4.
#
# The short last batch
# --------------------
#
# 4,000 is not a multiple of 64. **Question.** How many samples are in the last mini-batch of an epoch, and what is its
# $N$?
#
# $4000 = 62 \cdot 64 + 32$. None of our lines mentions 64: each takes the number of rows that it finds. So the mean
# over the last batch is over 32, and its backward pass must start from 1/32. With 1/64 the step would be half of what
# it should be, and no error message and no shape would give it away.

# %%
trainer = mt.Trainer(net, data.train_x, data.train_y, batch_size=64)
assert trainer.steps_per_epoch == 63
assert len(history.batch_loss) == 5 * 63

last_x, last_y = data.train_x[-32:], data.train_y[-32:]
_, right_one = net.loss_and_grads(last_x, last_y)
wrong_one = gradient(net.state_dict(), last_x, last_y, 1 / 64)
assert abs(wrong_one["2.weight"] - 0.5 * right_one["2.weight"]).max() < 1e-14

# %% [markdown]
# **Question.** What is the mean loss of an epoch? Is it the mean of the 63 losses of its steps?
#
# Nearly. But then each of the last 32 samples would count as much as two others. The mean over the *samples* weights
# each loss by the size of its batch.

# %%
sizes = [64] * 62 + [32]
of_steps = history.batch_loss[:63]
print(f"mean of steps {np.mean(of_steps):.6f}, mean of samples {np.average(of_steps, weights=sizes):.6f}")
assert sum(sizes) == 4000
assert abs(history.train_loss[0] - np.average(of_steps, weights=sizes)) < 1e-12

# %% [markdown]
# In the steps themselves, these samples do count double: the mean of a short batch moves the weights as much as any
# other mean, but fewer samples share it. Since every epoch has a new order, it affects different samples each time.
#
# Exercises
# ---------
#
# 1. A bias is a weight whose input is always 1. Make `x1` from `x` and a column of ones, and find dL/dbias in
#    dL/dweight: `assert abs((dz.T @ x1)[:, -1] - dbias1).max() < 1e-15`
# 2. `np.einsum` takes the indices themselves, and sums over those that the result does not have:
#    `assert (np.einsum("no,ni->oi", small_dy, small_x) == small_dy.T @ small_x).all()`. Write the forward product and
#    dL/dx of a layer that way, and compare.
# 3. `np.einsum("no,ni->noi", dz, x)` keeps the index $n$: it has the gradients of all samples at once. How many bytes
#    does that take for the first layer of 784-300-10 and 64 samples, at 8 bytes per number? `assert yours == 64 * ...`
# 4. `micrograd-tiers verify --new my_tier.py` writes a file of empty functions for this tier. Fill in `linear` and
#    `mean_squared_error`, until `micrograd-tiers verify my_tier.py` lists them under "pass". Over which axis does this
#    loss take the mean, and over which axis the sum?
# 5. 1,000 samples in mini-batches of 64: how many steps are in an epoch, and how many samples are in the last step?
#    `assert mt.Trainer(net, data.train_x[:1000], data.train_y[:1000], batch_size=64).steps_per_epoch == ...`
#
# Next, on page 6: how long do equal nets stay equal, and what do the last digits do?
