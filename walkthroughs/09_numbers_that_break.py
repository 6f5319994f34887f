r"""
9. Numbers that break
=====================

A number in a computer has 7 or 16 digits, and there is a largest number and a smallest one. Outside these limits,
formulas that are right on paper return infinity, zero, or "not a number", and a net that meets one of these stops
learning. This page shows where softmax, cross-entropy, and the sigmoid break, and how to repair each of them. At the
end you see why deep nets of sigmoids hardly learn at all.

You need softmax and cross-entropy from page 1.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor

# %% [markdown]
# How a number is stored
# ----------------------
#
# A computer stores a number the way you write $-1.25 \cdot 10^{-3}$ on paper, but in base 2: a sign, a *fraction*
# between 1 and 2, and a power of two. Python's float, *float64*, has 64 bits: 1 for the sign, 11 for the power, and
# 52 for the fraction. *float32* takes half the memory and has 1, 8, and 23.
#
# **Question.** How is 0.15625 stored? It equals $5/32$, which is $1.25 \cdot 2^{-3}$.

# %%
bits = f"{np.float32(0.15625).view(np.uint32):032b}"
sign, power, fraction = bits[0], bits[1:9], bits[9:]
print(sign, power, fraction)
print(f"power {int(power, 2) - 127}, fraction {1 + int(fraction, 2) / 2**23}")
assert (int(power, 2) - 127, 1 + int(fraction, 2) / 2**23) == (-3, 1.25)

# %% [markdown]
# The power is stored with 127 added, so that it is never negative. The leading 1 of the fraction is not stored at
# all, because it is always there.
#
# So the numbers are not evenly spaced. With two bits for the fraction, the numbers from 1 to 2 are 1, 1.25, 1.5, and
# 1.75. From 2 to 4 they are the same numbers, doubled.

# %%
figure, axes = plt.subplots(figsize=(6, 1.4), layout="constrained")
for power in range(-2, 3):
    axes.plot([2.0**power * (1 + k / 4) for k in range(4)], np.zeros(4), "|", markersize=24)
axes.set(yticks=[], xticks=[0, 0.25, 0.5, 1, 2, 4, 8], xlim=(-0.1, 8), title="Numbers with two bits of fraction")
axes.set_xticklabels(["0", "", "0.5", "1", "2", "4", "8"])
plt.show()

# %% [markdown]
# The gap just above 1 is called $\varepsilon$. Gaps grow with the numbers. **Question.** What is the first number to
# which adding 1 has no effect?

# %%
for dtype in (np.float32, np.float64):
    print(f"{dtype.__name__}: gap {np.spacing(dtype(1)):.1e} at 1, {np.spacing(dtype(1e6)):.1e} at a million")
assert np.spacing(np.float32(1)) == 2.0**-23
assert np.spacing(1.0) == 2.0**-52

print(int(np.float32(2**24) + np.float32(1)), int(2.0**53 + 1))
assert np.float32(2**24) + np.float32(1) == 2**24
assert 2.0**53 + 1 == 2.0**53
assert 0.1 + 0.2 != 0.3

# %% [markdown]
# It is $2^{24}$ = 16,777,216 in float32, and $2^{53}$ in float64. The next number above it is 2 away. A result that
# falls into a gap is rounded to the nearest number, so every result is off by at most half a gap. That is why 0.1 + 0.2
# is not 0.3, and it does no harm. Two other things do: a result that is out of range, and a difference of two numbers
# that are almost equal.
#
# Too large, too small
# --------------------
#
# The power of two has limits, too. A result above the largest number becomes `inf`: *overflow*. A result below the
# smallest positive number becomes 0: *underflow*. And if there is no sensible result, as for `inf - inf` or
# `inf / inf`, you get `nan`, "not a number", which spreads to everything that is computed from it.
#
# **Question.** For which $z$ is $e^z$ too large? For every $z$ above the logarithm of the largest number.

# %%
for dtype in (np.float32, np.float64):
    largest = np.finfo(dtype).max
    print(f"{dtype.__name__}: largest {largest:.1e}, so e**z overflows beyond z = {np.log(float(largest)):.2f}")

with np.errstate(all="ignore"):
    print(np.exp([709.0, 710.0, -745.0, -746.0]))
    print(np.exp(np.array([88.0, 89.0, -103.0, -104.0], np.float32)))
    assert np.isinf(np.exp(710.0))
    assert np.isinf(np.exp(np.float32(89)))
    assert np.exp(-746.0) == 0 == np.exp(np.float32(-104))
    assert np.isnan(np.inf - np.inf)
    assert np.isnan(np.exp(710.0) / np.exp(710.0))
assert np.isfinite(np.exp(709.0))
assert np.isfinite(np.exp(np.float32(88)))
assert np.nan != np.nan

# %% [markdown]
# 710 is not a large number. If the learning rate is too large, a score (*logit*) soon gets there. In float32, 89 is
# enough. Look at the last `assert`, too: `nan` equals nothing, not even itself, so the test `loss == nan` is never
# true. Ask `np.isnan(loss)`.
#
# Softmax
# -------
#
# The formula is $y_i = e^{z_i} / \sum_k e^{z_k}$. **Question.** What does it give for the logits 1000, 1001, 1002?


# %%
def naive_softmax(z):
    return np.exp(z) / np.exp(z).sum()


z = np.array([1000.0, 1001.0, 1002.0])
with np.errstate(all="ignore"):
    print(naive_softmax(z))
    assert np.isnan(naive_softmax(z)).all()

# %% [markdown]
# Infinity divided by infinity. Yet there is a perfectly good answer, the same as for 0, 1, 2, because a constant $m$
# that is subtracted from all logits cancels:
#
# $$
# \frac{e^{z_i - m}}{\sum_k e^{z_k - m}} = \frac{e^{-m} e^{z_i}}{e^{-m} \sum_k e^{z_k}} = y_i
# $$
#
# Let $m$ be the largest logit. Then the largest exponent is 0, so nothing overflows. The sum is at least 1, so
# nothing is divided by 0. Small terms may underflow to 0, but next to 1 they do not matter.


# %%
def softmax(z):
    return naive_softmax(z - z.max())


print(softmax(z))
assert abs(softmax(z) - naive_softmax(np.array([0.0, 1.0, 2.0]))).max() < 1e-15
assert abs(softmax(z) - tensor.softmax(z[None])[0]).max() < 1e-15

# %% [markdown]
# Log-sum-exp
# -----------
#
# The loss is $L = -\ln y_c$, where $c$ is the right class. Take two logits, $(g, 0)$, and let the second class be
# right. The net is wrong by a gap of $g$, and $L$ should be about $g$. **Question.** Is the stable softmax enough?

# %%
with np.errstate(all="ignore"):
    print(softmax(np.array([800.0, 0.0])), -np.log(softmax(np.array([800.0, 0.0]))[1]))
    assert np.isinf(-np.log(softmax(np.array([800.0, 0.0]))[1]))

# %% [markdown]
# No. The small probability has become 0, and $\ln 0$ is minus infinity. In a sum next to 1 it did not matter. Under
# the logarithm it does. The cure is to compute no probability at all: write the logarithm of the quotient as a
# difference, and factor $e^m$ out of the sum.
#
# $$
# L = -\ln \frac{e^{z_c}}{\sum_k e^{z_k}} = \ln \sum_k e^{z_k} - z_c = m + \ln \sum_k e^{z_k - m} - z_c
# $$
#
# Now the logarithm is taken of a number between 1 and C, the number of classes. This form is called *log-sum-exp*.
# For the logits $(800, 0)$, by hand: $800 + \ln(1 + e^{-800}) - 0 = 800$.


# %%
def naive_loss(z, c):
    return -np.log(naive_softmax(z)[c])


def shifted_loss(z, c):
    return -np.log(softmax(z)[c])


def log_sum_exp_loss(z, c):
    m = z.max()
    return m + np.log(np.exp(z - m).sum()) - z[c]


gaps, last = np.arange(0, 141, 2, np.float32), {}
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
with np.errstate(all="ignore"):
    for marker, loss in (("-", log_sum_exp_loss), ("s", shifted_loss), ("x", naive_loss)):
        losses = np.array([loss(np.array([gap, 0], np.float32), 1) for gap in gaps])
        finite = np.isfinite(losses)
        axes.plot(gaps[finite], losses[finite], marker, label=loss.__name__)
        last[loss.__name__] = gaps[finite].max()
axes.set(xlabel="gap between the two logits", ylabel="loss if the lower logit is right")
axes.set_title("Cross-entropy in float32")
axes.legend()
plt.show()

for name, gap in last.items():
    print(f"{name}: finite up to a gap of {gap:.0f} (tried: up to {gaps.max():.0f})")
assert last["naive_loss"] < last["shifted_loss"] < last["log_sum_exp_loss"] == 140

z = np.array([800.0, 0.0])
assert log_sum_exp_loss(z, 1) == 800
assert log_sum_exp_loss(np.array([1e300, 0.0]), 1) == 1e300
assert tensor.softmax_cross_entropy(z[None], np.array([1]))[0] == 800

# %% [markdown]
# The three agree until they break. The naive loss breaks first, because $e^z$ overflows. The shifted loss is next,
# because the probability underflows. Log-sum-exp does not break, and the package's loss is written with it.
#
# Sure and right
# --------------
#
# Now the other extreme: the right class is ahead by 40. Then $L = \ln(1 + e^{-40})$, which is about $e^{-40}$.
# **Question.** What is $1 + e^{-40}$ in float64?

# %%
z = np.array([40.0, 0.0])
loss, (dlogits,) = tensor.softmax_cross_entropy(z[None], np.array([0]))
print(f"1 + e**-40: {1 + np.exp(-40.0)}, its logarithm: {log_sum_exp_loss(z, 0)}")
print(f"log1p(e**-40): {np.log1p(np.exp(-40.0)):.6e}, the package's loss: {loss:.6e}")
assert 1 + np.exp(-40.0) == 1
assert log_sum_exp_loss(z, 0) == 0
assert abs(loss / np.exp(-40.0) - 1) < 1e-12

# %% [markdown]
# It is 1. The term $e^{-40}$ is smaller than half the gap next to 1, so it is rounded away, and the logarithm is 0.
# For this case there is `log1p(x)`, which computes $\ln(1 + x)$ without ever forming $1 + x$. The package takes the
# largest term out of the sum and uses `log1p`.
#
# The gradient has the same problem. At the right class it is $y_c - 1$, a difference of two numbers that are almost
# equal: rounding has already removed every digit of $y_c$ that says how far it is from 1. The other entries are fine,
# and all entries sum to 0. So compute this entry as minus the sum of the others:

# %%
by_difference = softmax(z) - np.array([1.0, 0.0])
print(by_difference, dlogits(1.0)[0])
assert by_difference[0] == 0
assert abs(dlogits(1.0)[0, 0] / -np.exp(-40.0) - 1) < 1e-12

# %% [markdown]
# The tails of the sigmoid
# ------------------------
#
# The formula $y = 1 / (1 + e^{-x})$ has two weak spots. On the left, from $x = -710$ down, $e^{-x}$ overflows. On the
# right, $y$ is rounded to 1, and so its slope $y (1 - y)$ becomes 0. **Question.** From which $x$ on? As soon as
# $e^{-x}$ is at most half of $\varepsilon$.

# %%
for dtype in (np.float32, np.float64):
    print(f"{dtype.__name__}: beyond x = {-np.log(np.finfo(dtype).eps / 2):.1f}")

x = np.arange(0, 60, 0.5)
exact = np.exp(-x) / (1 + np.exp(-x)) ** 2
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for dtype, marker in ((np.float32, "x"), (np.float64, "s")):
    y = 1 / (1 + np.exp(-x.astype(dtype)))
    error = abs(y * (1 - y) / exact - 1)
    axes.semilogy(x, np.maximum(error, 1e-17), marker, markersize=4, label=f"y (1 - y) in {dtype.__name__}")
    print(f"{dtype.__name__}: y (1 - y) is 0 from x = {x[y * (1 - y) == 0].min()} on")
    assert (error[x < 1] < 1e-6).all()
    assert (error[x > 38] == 1).all()
_, (dx,) = tensor.sigmoid(x[None].astype(np.float32))
error = abs(dx(np.float32(1))[0] / exact - 1)
axes.semilogy(x, np.maximum(error, 1e-17), "-", label="e / (1 + e)**2 in float32")
axes.set(xlabel="x", ylabel="relative error of the slope", title="1 - y loses its digits one by one")
axes.legend(loc="lower right")
plt.show()
assert error.max() < 1e-6

# %% [markdown]
# An error of 1 means that no digit is left. The solid line, which keeps its digits, is the form that the package
# uses. It cures both weak spots with one number, $e = e^{-|x|}$, which is never above 1. To the right of 0, where
# $e = e^{-x}$,
#
# $$
# y = \frac{1}{1 + e}, \qquad 1 - y = \frac{e}{1 + e}, \qquad y (1 - y) = \frac{e}{(1 + e)^2} ,
# $$
#
# and to the left of 0, $y$ and $1 - y$ trade places. Nothing overflows, and nothing is subtracted. All three tiers
# compute `sigmoid` this way.

# %%
for x in (-720.0, 0.0, 40.0):
    e = np.exp(-abs(x))
    y, (dx,) = tensor.sigmoid(np.array([[x]]))
    print(f"x = {x:4.0f}: y = {y[0, 0]:.6e}, slope = {dx(1.0)[0, 0]:.6e}")
    assert y[0, 0] > 0
    assert abs(y[0, 0] - (1 if x >= 0 else e) / (1 + e)) < 1e-15
    assert abs(dx(1.0)[0, 0] - e / (1 + e) ** 2) < 1e-9 * e

# %% [markdown]
# A neuron that is sure
# ---------------------
#
# Put the slope to work. A neuron without a bias, $p = \sigma(wx)$, should output 0 for $x = 1$. The loss is
# $L = p^2$. By the chain rule,
#
# $$
# \frac{dL}{dw} = 2p \cdot p (1 - p) \cdot x .
# $$
#
# **Question.** The weight is 1, or 10, or 100. Each time the neuron is wrong, and each time it is more sure of
# itself. What is the gradient?

# %%
results = {}
print("    w  p         float32       float64       stable (dL/dw)")
for w in (1.0, 10.0, 100.0):
    for dtype in (np.float32, np.float64):
        p = 1 / (1 + np.exp(-dtype(w)))
        results[w, dtype] = 2 * p * p * (1 - p)
    y, (dx,) = tensor.sigmoid(np.array([[w]]))
    stable = dx(2 * y)[0, 0]
    single, double = results[w, np.float32], results[w, np.float64]
    print(f"{w:5.0f}  {p:.6f}  {single:12.6e}  {double:12.6e}  {stable:12.6e}")

assert abs(results[1.0, np.float64] / 2.874697e-01 - 1) < 1e-6
assert abs(results[10.0, np.float32] / 9.082923e-05 - 1) < 1e-6
assert abs(results[10.0, np.float64] / 9.078749e-05 - 1) < 1e-6
assert results[100.0, np.float32] == results[100.0, np.float64] == 0 < stable < 1e-40

# %% [markdown]
# At a weight of 10, float32 is off by 5 in 10,000. There $1 - p$ can only be a whole multiple of $2^{-24}$, the gap
# just below 1:

# %%
p = 1 / (1 + np.exp(-np.float32(10)))
print(f"{(1 - p) * 2**24:.2f} gaps; the exact value is {2**24 / (1 + np.exp(10.0)):.2f}")
assert (1 - p) * 2**24 == 762

# %% [markdown]
# At 100 both formats say 0, and a gradient of 0 moves nothing, however wrong the neuron is. The stable form keeps its
# digits, but look at the number. **It is right, and it is useless**: a step that small changes nothing either. Better
# arithmetic does not make a sure neuron learn.
#
# Cross-entropy does. Its gradient at the logit is prediction minus target, and no slope appears in it:

# %%
_, (dlogits,) = tensor.softmax_cross_entropy(np.array([[100.0, 0.0]]), np.array([1]))
print(dlogits(1.0)[0])
assert abs(dlogits(1.0)[0] - [1, -1]).max() < 1e-15

# %% [markdown]
# Sure and wrong, and the gradient is still 1. That is one reason why classifiers end in softmax and cross-entropy.
#
# Vanishing gradients
# -------------------
#
# A neuron deep inside a net has no such escape. In the backward pass, every layer multiplies the gradient by the
# slope of its activation. **Question.** The slope of the sigmoid is at most $1/4$, at 0. How much of the gradient is
# left after 20 layers, if the weights neither enlarge nor shrink it?

# %%
print(f"at most {0.25**20:.1e}")
X, y = np.random.default_rng(0).standard_normal((200, 20)), np.random.default_rng(1).integers(0, 10, 200)
sizes = [20, *[50] * 20, 10]

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
first_over_last = {}
for activation, init, marker in (("relu", "kaiming", "o"), ("tanh", "xavier", "s"), ("sigmoid", "xavier", "v")):
    net = mt.mlp(sizes, activation, init=init, seed=0)
    _, grads = net.loss_and_grads(X, y)
    rms = [np.sqrt((g**2).mean()) for name, g in grads.items() if name.endswith("weight")]
    axes.semilogy(range(1, 22), rms, marker + "-", label=activation)
    first_over_last[activation] = rms[0] / rms[-2]
axes.set(xlabel="layer", ylabel="size of dL/dweight", title="20 hidden layers, before training", xticks=range(1, 22, 2))
axes.legend()
plt.show()

for activation, ratio in first_over_last.items():
    print(f"{activation}: the first layer's gradient is {ratio:.1e} times that of the last hidden layer")
assert first_over_last["sigmoid"] < 1e-9
assert min(first_over_last["tanh"], first_over_last["relu"]) > 0.1

# %% [markdown]
# Read the plot from right to left, in the direction of the backward pass. The axis is logarithmic, so a straight line
# means that each layer shrinks the gradient by the same *factor*. (The size is the root mean square of all entries.)
# With sigmoids, the first layers receive next to nothing and stay as they were drawn. Tanh has slope 1 at 0, and ReLU
# has slope 1 wherever it is on. With these two the gradient arrives, provided that the weights start at the right
# size. Page 10 says what that size is.
#
# Two studies of the package show these numbers as tables, and draw the sigmoid. In a shell, run
# `micrograd-tiers experiment vanishing-gradient` and `micrograd-tiers experiment softmax-overflow`. They agree with
# this page:

# %%
from micrograd_tiers.lab.studies.vanishing_gradient import Depth, SaturatedNeuron

study = SaturatedNeuron(10.0).run(None)
assert abs(study["textbook_float32"] / results[10.0, np.float32] - 1) < 1e-6
assert abs(study["textbook_float64"] / results[10.0, np.float64] - 1) < 1e-12
rms = Depth("sigmoid", 20).run(None)["rms"]
print(f"{rms[0] / rms[-2]:.1e}")
assert rms[0] / rms[-2] < 1e-9

# %% [markdown]
# Exercises
# ---------
#
# 1. What is the first whole number that float32 cannot represent? `assert int(np.float32(n)) != n`, and for the
#    numbers before it, `assert all(int(np.float32(k)) == k for k in range(n - 1000, n))`
# 2. By hand: the logits are $(2000, 0, 0)$, and the second class is right. What is the loss? Check your answer:
#    `assert tensor.softmax_cross_entropy(np.array([[2000.0, 0, 0]]), np.array([1]))[0] == ...`
# 3. *Softplus* is $\ln(1 + e^x)$. Write it so that `assert softplus(1000.0) == 1000` and
#    `assert abs(softplus(-50.0) / np.exp(-50.0) - 1) < 1e-12`
# 4. The slope of tanh is $1 - y^2$, which in float64 is 0 at $x = 20$. With $e = e^{-2x}$, $y$ is
#    $(1 - e) / (1 + e)$. Use this to write `slope(x)` without a difference, and
#    `assert abs(slope(25.0) / tensor.tanh(np.array([[25.0]]))[1][0](1.0)[0, 0] - 1) < 1e-12`
# 5. The museum has the bug `loss_log_of_p`, a loss that takes the logarithm of a probability. Let the judge test
#    `softmax_cross_entropy` with that bug, as on page 8. Which property does its value violate?
#    `assert verdict["findings"][0]["property"] == ...`
#
# Next, on page 10: now that the numbers hold, what makes training go well.
