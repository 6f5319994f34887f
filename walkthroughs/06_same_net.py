r"""
6. The same net
===============

Pages 3, 4 and 5 built one net three times: on lists of numbers, on vectors, on matrices. On this page we train all
three from the same weights on the same samples, and ask whether they end up as the same net. They agree to twelve
digits and more, and differ in the last ones. You will see where that difference comes from, how to make it vanish down
to the last bit, and when only equal bits prove that two programs compute the same thing.

You need Python and a little NumPy. You know from the earlier pages what a training step does: it computes the gradient
of the loss on a mini-batch, a handful of samples, and moves each weight a little against it.
"""

# %%
import decimal
import math

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.comparison import sha256_of_weights
from micrograd_tiers.tiers import TIERS
from micrograd_tiers.tiers.exact import arrays, lists

# %% [markdown]
# A thousand steps
# ----------------
#
# The net has 2 inputs, 3 hidden units and 2 classes. The samples are points in the plane, inside or outside an ellipse.
# 10,000 points in mini-batches of ten make 1,000 steps. `Trainer` takes one step at a time, so we can look at the
# weights after each. Its argument `seed` determines the order of the samples. Here it is always 0, the default, so all
# nets see the same samples in the same order.

# %%
data = mt.load_dataset("ellipse", n_train=10_000, n_test=1_000)


def train(net, steps=1_000, learning_rate=0.5):
    """Train the net, and return all weights after each step, one row per step."""
    trainer = mt.Trainer(net, data.train_x, data.train_y, optimizer=mt.SGD(learning_rate), batch_size=10)
    rows = []
    for _ in range(steps):
        trainer.step()
        rows.append(np.concatenate([array.ravel() for array in net.state_dict().values()]))
    return np.array(rows)


start = mt.two_layer_net(2, 3, 2, seed=0)
nets = {tier: start.to(tier) for tier in TIERS}  # copies, with the same weights
weights = {tier: train(net) for tier, net in nets.items()}

for tier, net in nets.items():
    accuracy = mt.evaluate(net, data.test_x, data.test_y)["accuracy"]
    print(f"{tier:6}  first weights {weights[tier][-1, :3]}  accuracy {accuracy:.1%}")
assert start.n_parameters == weights["scalar"].shape[1] == 17
assert accuracy > 0.85

# %% [markdown]
# **Question.** Are these three nets equal? Printed like this, they are. Look closer: how large is the largest
# difference between any of the 17 weights?


# %%
def apart(a, b):
    """Return the largest difference of any weight after each step."""
    return abs(a - b).max(axis=1)


largest = abs(weights["scalar"]).max()
print(f"largest weight {largest:.2f}; the next number up is {np.spacing(largest):.1e} away")
for tier in ("vector", "tensor"):
    difference = apart(weights["scalar"], weights[tier])[-1]
    print(f"{tier} differs from scalar by {difference:.1e}")
    assert difference < 1e-12

# %% [markdown]
# A computer keeps 53 binary digits of a number, about 16 decimal digits. The nets agree in all but the last of these:
# no weight differs by as much as $10^{-12}$. Up to rounding, they are the same net. Now watch the difference over the
# steps.

# %%
figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for tier, marker in (("vector", "o"), ("tensor", "s")):
    difference = apart(weights["scalar"], weights[tier])
    style = {"color": mt.plots.TIER_COLORS[tier], "marker": marker, "markevery": 100, "linewidth": 1}
    axes.semilogy(range(1, 1_001), difference, label=f"{tier} and scalar", **style)
axes.axhline(np.spacing(largest), color="gray", linestyle=":", label="gap between neighbors at the largest weight")
axes.set(xlabel="step", ylabel="largest difference of a weight", ylim=(1e-17, 1e-12), title="Rounding adds up, slowly")
axes.legend(loc="upper left")
plt.show()

for tier in ("vector", "tensor"):
    assert apart(weights["scalar"], weights[tier]).max() < 1_000 * np.spacing(largest)
# %% [markdown]
# The curves grow as a sum grows: each step adds a little rounding error, on average less than one gap. It does *not*
# multiply the error that was there before. Keep that in mind for the end of this page.
#
# Addition with two digits
# ------------------------
#
# **Question.** All three tiers compute the same formulas. Why do they differ at all?
#
# Take a computer that keeps two decimal digits, and add 10, 0.4 and 0.4. From the left: 10 + 0.4 is 10.4, which is kept
# as 10, and adding 0.4 again still gives 10. From the right: 0.4 + 0.4 is 0.8, and 10 + 0.8 is 10.8, which is kept as
# 11.

# %%
with decimal.localcontext(prec=2):
    ten, little = decimal.Decimal(10), decimal.Decimal("0.4")
    print((ten + little) + little, ten + (little + little))
    assert (ten + little) + little == 10
    assert ten + (little + little) == 11

# %% [markdown]
# In school, addition is *associative*: $(a + b) + c = a + (b + c)$. With rounding after each addition, it is not. Your
# computer keeps 53 binary digits, and the same happens to it, only further to the right:

# %%
a, b, c = 0.1, 0.2, 0.3
print((a + b) + c, a + (b + c))
assert (a + b) + c != a + (b + c)

# %% [markdown]
# And sometimes not so far to the right. At $10^{16}$ the numbers that a computer can represent are 2 apart: there is no
# room for a 1.

# %%
big = 1e16
print(f"gap at 1e16: {math.ulp(big)};  1e16 + 1 - 1e16 = {(big + 1) - big},  1e16 - 1e16 + 1 = {(big - big) + 1}")
assert math.ulp(big) == 2
assert ((big + 1) - big, (big - big) + 1) == (0, 1)

# %% [markdown]
# You can sum many numbers in many orders. Here are 1,000 numbers, summed in 1,000 random orders, beside `math.fsum`,
# which keeps all digits along the way and rounds once, at the end.


# %%
def add_up(numbers):
    """Sum from left to right. (Since Python 3.12, sum() corrects its rounding errors.)"""
    result = 0.0
    for number in numbers:
        result += number
    return result


rng = np.random.default_rng(0)
numbers = rng.standard_normal(1_000)
right = math.fsum(numbers)
errors = np.array([add_up(rng.permutation(numbers).tolist()) - right for _ in range(1_000)])

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
units = errors / math.ulp(right)  # the gap between neighbors at the sum
axes.hist(units, bins=np.arange(units.min() - 0.5, units.max() + 1))
axes.set(xlabel="error, in units of the last digit", ylabel="orders", title="1,000 numbers, summed in 1,000 orders")
plt.show()

print(f"the sum is {right:.6f}; {len(set(errors))} different results, off by up to {abs(errors).max():.1e}")
print(f"NumPy's sum is off by {numbers.sum() - right:.1e}")
assert len(set(errors)) > 1
assert abs(errors).max() < len(numbers) * 2**-53 * abs(numbers).sum()

# %% [markdown]
# No result is *the* sum, and none is wrong. All that we can guarantee is a bound. Each of the $n$ additions rounds its
# result by at most a fraction of $2^{-53}$, so the error stays below $n \cdot 2^{-53} \cdot \sum_i |x_i|$.
#
# Where the tiers sum
# -------------------
#
# A net is full of sums, and each tier computes them in the order that is fastest for it:
#
# - scalar: Python's own sum runs over the inputs, and the samples of a mini-batch are added one after the other
# - vector: a library computes the sums over inputs, with several partial sums side by side
# - tensor: the sum over the samples is part of a matrix product too, which the library splits into blocks
#
# So even the gradient of one mini-batch differs, and with it the weights of the next step:

# %%
x, y = data.train_x[:1_000], data.train_y[:1_000]
gradient = {tier: start.to(tier).loss_and_grads(x, y)[1]["0.weight"] for tier in TIERS}
for tier in TIERS:
    print(f"{tier:6}  {gradient[tier][0, 0]:.20f}")
    assert abs(gradient[tier] - gradient["scalar"]).max() < 1e-15

# %% [markdown]
# Exact mode
# ----------
#
# **Question.** What would all tiers have to agree on, so that they get the same bits?
#
# Two things. The first is the order: every sum goes from left to right, and each product is rounded before it is added.
# The second is one implementation of each function that computers may round differently, such as $e^x$. For $+$, $-$,
# $\times$, $/$ and the square root there is nothing to agree on: a standard, IEEE 754, prescribes every bit of their
# results.


# %%
def dot_in_order(a, b):
    result = 0.0
    for ai, bi in zip(a, b, strict=True):
        result += ai * bi
    return result


a, b = rng.standard_normal((2, 1_000))
ours = dot_in_order(a.tolist(), b.tolist())
assert ours == lists.dot(a.tolist(), b.tolist()) == arrays.matmul(a, b)
assert abs(ours - np.dot(a, b)) < 1_000 * 2**-52 * np.dot(abs(a), abs(b))
print(f"in order {ours:.17f}\nnp.dot   {np.dot(a, b):.17f}")

# %% [markdown]
# This is exact mode. The tiers and their lines are the same, but every fast sum is replaced by one in this order: by
# `dot` of `tiers/exact/lists.py`, or by `matmul` of `tiers/exact/arrays.py`. Exact does not mean more accurate; it
# means the same bits at every tier. The price is speed, so exact mode is for proofs and not for every day.

# %%
exact_nets = {tier: start.to(tier, exact=True) for tier in TIERS}
exact_weights = {tier: train(net) for tier, net in exact_nets.items()}
for tier in TIERS:
    assert (exact_weights[tier] == exact_weights["scalar"]).all()
    assert apart(exact_weights[tier], weights[tier]).max() < 1e-12
print("17 weights, 1,000 steps, three tiers: all equal")

# %% [markdown]
# The asserts say `==`, for every weight after every step. No tolerance is left.
#
# To compare nets on two screens, or on two evenings, take a *hash*: a fingerprint of all bytes of all weights, 256 bits
# computed by the algorithm SHA-256. Change the last digit of one weight, and the fingerprint is a different one.

# %%
for tier in TIERS:
    print(f"{tier:14} {sha256_of_weights(exact_nets[tier])}")
assert len({sha256_of_weights(net) for net in exact_nets.values()}) == 1

bumped = exact_nets["tensor"].to("tensor")
state = bumped.state_dict()
state["2.bias"][0] = np.nextafter(state["2.bias"][0], np.inf)  # the next number up
bumped.load_state_dict(state)
print(f"a neighbor     {sha256_of_weights(bumped)}")
assert sha256_of_weights(bumped) != sha256_of_weights(exact_nets["tensor"])

# %% [markdown]
# The hash is the same for all tiers *on one computer*. Another computer may get a different hash, but again the same
# one for all tiers: $e^x$ and the logarithm come from the C library, and IEEE 754 does not prescribe their last bit.
#
# One weight, gone wild
# ---------------------
#
# So far, rounding errors stayed small. They need not. Take a net with a single weight, and the loss
#
# $$
# L(w) = \tfrac43 w^3 - \tfrac32 w^2, \qquad \frac{dL}{dw} = 4w^2 - 3w .
# $$
#
# It has a valley at $w = \tfrac34$. A step with learning rate $\eta$ goes from $w$ to $w - \eta (4w^2 - 3w)$.
#
# **Question.** Start at $w = 0.1$ with $\eta = 1$. Where are you after three steps? Three decimals will do.

# %%
two_ways = {
    "4ww - 3w": lambda w: 4 * w * w - 3 * w,
    "w(4w - 3)": lambda w: w * (4 * w - 3),
}


def descend(slope, learning_rate, w=0.1, steps=80):
    path = [w]
    for _ in range(steps):
        path.append(path[-1] - learning_rate * slope(path[-1]))
    return np.array(path)


wild = {name: descend(slope, learning_rate=1.0) for name, slope in two_ways.items()}
calm = {name: descend(slope, learning_rate=0.5) for name, slope in two_ways.items()}
for name in two_ways:
    print(f"{name:9}  rate 1: {wild[name][:4].round(4)} ... {wild[name][-3:].round(4)}")
    assert abs(wild[name][:4] - [0.1, 0.36, 0.9216, 0.28901376]).max() < 1e-14
    assert abs(calm[name][-1] - 0.75) < 1e-12

# %% [markdown]
# The two expressions for the slope are the same formula. They agree in the first steps, and not at all in the last.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for (name, path), style in zip(wild.items(), ("o-", "s--"), strict=True):
    left.plot(range(40, 71), path[40:71], style, markersize=3, linewidth=1, label=name)
left.set(xlabel="step", ylabel="weight", ylim=(-0.05, 1.3), title="Learning rate 1, steps 40 to 70")
left.legend(loc="upper center", ncols=2)
for paths, style, label in ((wild, "o-", "learning rate 1"), (calm, "s-", "learning rate 0.5")):
    first, second = paths.values()
    right.semilogy(abs(first - second) + 1e-17, style, markersize=3, linewidth=1, label=label)
right.set(xlabel="step", ylabel="difference (+ 1e-17)", ylim=(3e-18, 3e3), title="Between the two expressions")
right.legend(loc="upper left")
plt.show()

first, second = wild.values()
assert abs(first - second)[:10].max() < 1e-12
assert abs(first - second)[60:].max() > 0.1
first, second = calm.values()
assert abs(first - second).max() < 1e-15

# %% [markdown]
# A step takes two weights that are a little apart, and multiplies the distance between them by the derivative of the
# step, $1 - \eta (8w - 3)$. In the valley, at $w = \tfrac34$, that is $1 - 3\eta$. With the learning rate 0.5 it is
# $-\tfrac12$: every error is halved, rounding errors included.
#
# With $\eta = 1$ it is $-2$. The step leaps over the valley to a place twice as far away, until the slope on the other
# side catches it and sends it back. The weight stays between 0 and 1 and never settles. On average along the path, a
# small error doubles in each step. **Question.** After how many doublings is $2^{-53}$ as large as 1?

# %%
for path in wild.values():
    doublings = np.log2(abs(1 - (8 * path - 3))).mean()
    print(f"{doublings:.2f} doublings a step")
    assert abs(doublings - 1) < 0.05
    assert 0 < path.min() < path.max() < 1
    assert path[60:].max() - path[60:].min() > 0.5

# %% [markdown]
# After 53, and that is where the curve in the plot bends. This is *chaos*: bounded, with no randomness in it, and
# unpredictable all the same.
#
# A net, gone wild
# ----------------
#
# Back to 2-3-2 on the ellipse: the same net, the same samples, but a learning rate of 20. Beside it we train two
# others. In the first, each starting weight is moved by $2^{-52}$ of itself, about $2 \cdot 10^{-16}$: one rounding
# error. The second belongs to a program with a real mistake: its learning rate is off by one part in a million.


# %%
def three_runs(learning_rate, steps=300):
    moved = start.to("tensor")
    moved.load_state_dict({name: array * (1 + 2**-52) for name, array in start.state_dict().items()})
    run = train(start.to("tensor"), steps, learning_rate)
    return {
        "rounding error at the start": apart(run, train(moved, steps, learning_rate)),
        "mistake of one in a million": apart(run, train(start.to("tensor"), steps, learning_rate * (1 + 1e-6))),
    }


calm, wild = three_runs(learning_rate=0.5), three_runs(learning_rate=20)

figure, both = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained")
for axes, runs, rate in zip(both, (calm, wild), (0.5, 20), strict=True):
    for (name, difference), marker in zip(runs.items(), "os", strict=True):
        axes.semilogy(range(1, 301), difference, marker=marker, markevery=30, linewidth=1, label=name)
    axes.set(xlabel="step", ylim=(1e-17, 1e6), title=f"Learning rate {rate}")
both[0].set_ylabel("largest difference of a weight")
both[0].legend(loc="upper left")
plt.show()

rounding, mistake = calm.values()
print(f"learning rate 0.5: rounding {rounding[-1]:.0e}, mistake {mistake[-1]:.0e}")
assert rounding.max() < 1e-12
assert mistake[-1] > 1e4 * rounding.max()
rounding, mistake = wild.values()
print(f"learning rate 20:  rounding {rounding[-1]:.0e}, mistake {mistake[-1]:.0e}")
assert min(rounding.max(), mistake.max()) > 0.1
assert rounding.max() > 1e10 * rounding[0]

# %% [markdown]
# **Question.** In each plot, which tolerance separates the mistake from rounding?
#
# On the left, anything from $10^{-12}$ to $10^{-8}$: there is a gap of several powers of ten between the two curves. On
# the right, after 200 steps, none. Any tolerance that lets rounding pass lets the mistake pass too, and every other
# mistake with it. A test with such a tolerance would be green, and would say nothing.
#
# Exact mode still separates them, because it has nothing to tolerate:

# %%
hashes = {}
for tier in TIERS:
    net = start.to(tier, exact=True)
    train(net, steps=300, learning_rate=20)
    hashes[tier] = sha256_of_weights(net)
net = start.to("tensor", exact=True)
train(net, steps=300, learning_rate=20 * (1 + 1e-6))
hashes["mistake"] = sha256_of_weights(net)

for name, digits in hashes.items():
    print(f"{name:8} {digits}")
assert hashes["scalar"] == hashes["vector"] == hashes["tensor"] != hashes["mistake"]

# %% [markdown]
# What to believe
# ---------------
#
# - Two programs whose weights agree to the last bit have computed the same thing, at any learning rate.
# - Two programs that agree within a tolerance are the same up to rounding, *if* training is not chaotic. To find out,
#   move the starting weights by one rounding error, as above. The tolerance cannot be smaller than the difference that
#   this makes. If the difference is as large as the weights, no tolerance will do.
# - If training is chaotic, compare bits, or compare less: one gradient, or the first few steps.
#
# The command `micrograd-tiers compare` does the first half of this page with two nets, and prints how far apart the
# tiers are; `micrograd-tiers compare --exact` prints their hashes. Try
# `micrograd-tiers compare --data ellipse --learning-rate 20`, and read its verdict.
#
# Exercises
# ---------
#
# 1. A computer keeps three decimal digits and adds 100, 0.6, 0.6 and $-100$. Find by hand one order that gives 2, one
#    that gives 1, and one that gives the right result, 1.2. Check each of them as above, with
#    `decimal.localcontext(prec=3)`, as in `assert ((hundred + little) + little) - hundred == 2`.
# 2. `add_up([1e16, 1, 1, 1, 1])` loses all four ones. Find an order that loses none:
#    `assert add_up(yours) == 1e16 + 4`.
# 3. For the net with one weight, which learning rate makes the factor $1 - 3\eta$ zero? With this rate, each step no
#    longer multiplies the distance to the valley: it squares the distance, up to a constant factor.
#    `assert abs(descend(two_ways["w(4w - 3)"], rate, w=0.7, steps=5)[-1] - 0.75) < 1e-15`.
# 4. Take another net and another data set: `mt.mlp([2, 8, 8, 2], "tanh")` on moons, learning rate 1, 100 steps. Prove
#    that the tiers are equal: `assert len({sha256_of_weights(net) for net in nets}) == 1`.
#
# Next, on page 7: the three tiers are one net, so a race between them is fair. You will see how to measure it, and
# where the time goes.
