r"""
7. The race
===========

The three tiers compute the same net. Which is fastest, by how much, and why? A clock alone does not answer that: it
tells what one run took, on a machine that was busy with other things too. On this page we go from one look at the clock
to a measurement that you can trust, race the tiers, find where the time goes in each, and see what stops the fastest of
them. At the end we ask the same of memory.

You need Python and a little NumPy. All times on this page are those of the machine that ran it; yours will print
others. The nets are small and the turns short, so that the page takes seconds; the command at its end takes minutes.
"""

# %%
import os

from micrograd_tiers.threads import pinned

os.environ |= pinned(1)  # one thread; why, and why before NumPy is imported, is said below

# %%
import cProfile
import pstats
import statistics
import struct
import sys
import timeit
import tracemalloc
from time import perf_counter
from unittest import mock

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.ticker import LogLocator

import micrograd_tiers as mt
from micrograd_tiers.lab.race import CONTENDERS, Case, Race
from micrograd_tiers.lab.race.race import quartiles
from micrograd_tiers.lab.race.report import time_of
from micrograd_tiers.tiers import TIERS, scalar, tensor

# %% [markdown]
# A first try
# -----------
#
# What we measure is one training step: forward, backward, and the update of the weights. A `Case` says of which net,
# on how many samples; these are random numbers, as the time does not depend on what they are.


# %%
def make_step(tier, case):
    """Return a function that trains once."""
    net = case.net(tier)
    x, y = case.batch()
    samples, target = net.tier.asarray(x), net.tier.asarray(y, "int64")
    sgd, memory = mt.SGD(0.01), {}

    def step():
        loss, grads, _ = net.backprop(samples, (target,), sgd.gradient_factor)
        sgd.apply(net, grads, memory)  # gradients times minus the learning rate
        return loss

    return step


TINY = Case((2, 3, 2), 64)  # 2 inputs, 3 hidden units, 2 classes; 64 samples a step
step = make_step("tensor", TINY)
for _ in range(5):
    start = perf_counter()
    step()
    print(time_of(perf_counter() - start))

# %% [markdown]
# **Question.** Five runs of one step, five times. Which of them is *the* time of a step?
#
# The first is the worst candidate. It pays for what later ones find done: memory that has to be asked for, threads
# that have to be started, a processor that has to wake up. So the first rule: **warm up**, and do not count it.
#
# Repeat
# ------
#
# The second rule: **repeat**. Here are the steps of a fifth of a second, in the order in which they were made, and
# how often each time occurred.


# %%
def measure(step, seconds=0.2):
    """Return the time of each of the steps made in about so many seconds."""
    for _ in range(3):
        step()  # to warm up
    times = []
    end = perf_counter() + seconds
    while perf_counter() < end or len(times) < 5:
        start = perf_counter()
        step()
        times.append(perf_counter() - start)
    return times


times = measure(step)
first, third = quartiles(times)
median, mean = statistics.median(times), statistics.mean(times)

figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.6), sharey=True, layout="constrained", width_ratios=(2, 1))
left.semilogy(1e6 * np.array(times), ".", markersize=2)
left.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
left.yaxis.set_major_formatter("{x:g}")
left.minorticks_off()
left.set(xlabel="step", ylabel="microseconds", title=f"{len(times):,} steps, one after the other")
edges = 1e6 * np.geomspace(min(times), max(times), 61)
right.hist(1e6 * np.array(times), bins=edges, orientation="horizontal", log=True)
right.axhline(1e6 * mean, color="C1", linestyle="--", label="mean")
right.axhline(1e6 * median, color="black", label="median")
right.axhspan(1e6 * first, 1e6 * third, color="gray", alpha=0.4, label="quartiles")
right.set(xlabel="steps", title="How often")
right.legend(loc="upper right")
plt.show()

print(f"mean {time_of(mean)}, median {time_of(median)}, half of all from {time_of(first)} to {time_of(third)}")
print(f"fastest {time_of(min(times))}, slowest {time_of(max(times))}")
assert min(times) <= first <= median <= third <= max(times)
assert np.allclose((first, median, third), np.quantile(times, [0.25, 0.5, 0.75]))

# %% [markdown]
# The cloud has a floor and no ceiling. Nothing makes a step faster than the machine can do it, and much makes it
# slower: another program gets its turn, a page of memory must be fetched, the processor is hot and slows down.
#
# **Question.** Five steps take 1, 1, 1, 1 and 11 milliseconds. What is their mean, and what is their median, the one
# in the middle of all when they are sorted?

# %%
example = [1, 1, 1, 1, 11]
print("mean", statistics.mean(example), "median", statistics.median(example))
assert (statistics.mean(example), statistics.median(example)) == (3, 1)

# %% [markdown]
# One disturbed step has tripled the mean, to a time that no step took. The median has not moved. The spread is told
# by the *quartiles*: a quarter of the times lies below the first, a quarter above the third. The third rule: **give
# the median and the quartiles**.
#
# In turns
# --------
#
# Now two contenders: A takes 1 ms, B takes 2 ms. We make 20 measurements of each. But halfway through, the machine
# gets hot, and from then on it runs at half its speed.
#
# **Question.** What is the ratio of the medians if all of A comes first? And if they take turns: A, B, A, B, and so
# on?

# %%
slowness = np.repeat([1, 2], 20)  # of 40 measurements
a, b = 1 * slowness[:20], 2 * slowness[20:]
print(f"one after the other: B takes {np.median(b) / np.median(a):g} times as long as A")
assert np.median(b) / np.median(a) == 4

a, b = 1 * slowness[0::2], 2 * slowness[1::2]
print(f"in turns:            B takes {np.median(b / a):g} times as long as A")
assert (b / a == 2).all()

# %% [markdown]
# In turns, the machine is as slow for one as it is for the other. The ratio is taken *within* each round, and then
# the median of the ratios. The fourth rule: **ratios, in turns**. They also travel better than times: a ratio says
# something about your machine too.
#
# Two rules are left. **A process for each.** Libraries under NumPy keep threads of their own, and these go on
# spinning for a while when the work is done; and the garbage that one contender leaves may be collected in the time
# of the next.
#
# **Pinned threads.** A matrix product is cut into parts, one for each core, and is done when the last part is. If
# another program holds one of the cores, all wait for it. And a contender with two threads has two machines where
# another has one. The libraries read how many threads they may use when they are first imported, from the
# environment. So we asked for one before the line `import numpy`. (Where NumPy has been imported before, as in a
# notebook that you run a second time, or on the site, it comes too late.)

# %%
print(pinned(1))
assert set(pinned(1).values()) == {"1"}

# %% [markdown]
# And a quiet machine: no browser, no video call, a laptop on mains. Statistics does not make up for a machine that
# does something else half of the time.
#
# The race
# --------
#
# `Race` keeps all these rules. And before it takes any time it proves that all contenders compute the same gradients:
# who does less may well be faster. Two nets, three tiers:

# %%
SMALL = Case((784, 30, 10), 16)
with Race(threads=1, rounds=5, seconds=0.01) as race:
    rows = {case: race.run(case, TIERS) for case in (TINY, SMALL)}

for case, of_case in rows.items():
    print(case)
    for row in of_case:
        first, third = quartiles(row.seconds)
        print(
            f"  {row.contender:6}  {time_of(row.median):>8} ({time_of(first)} to {time_of(third)}),"
            f" {row.samples_per_second:,.0f} samples a second, {row.ratio:.2g} times as fast as tensor"
        )
        assert row.off < 1e-12

figure, both = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for axes, (case, of_case) in zip(both, rows.items(), strict=True):
    for k, row in enumerate(sorted(of_case, key=lambda row: TIERS.index(row.contender))):
        rates = case.batch_size / np.array(row.seconds)
        axes.semilogx(rates, [k] * len(rates), "o", alpha=0.5)
        axes.plot(statistics.median(rates), k, "k|", markersize=18)
    axes.set(xlabel="samples per second", yticks=range(3), yticklabels=TIERS, ylim=(2.5, -0.5), title=str(case))
    axes.set_xlim(10, 10_000_000)
plt.show()

# %% [markdown]
# Each dot is a turn, each bar the median of a tier. On a net of 784 inputs the order is what you expect. The tiny net
# may surprise you: there the vector tier has no lead over the lists, and may well be behind. To understand both, we
# must know where the time goes.
#
# What there is to do
# -------------------
#
# **Question.** 784-30-10: how many multiplications, each with an addition, does one sample take? Count the products
# of weights with something, forward and backward.
#
# - forward, layer 1: $784 \cdot 30$, each weight with its input; layer 2: $30 \cdot 10$
# - backward, $dL/dW$: each weight has a derivative, and it is one product: as many again
# - backward, $dL/dx$: as many again for layer 2, and none for layer 1, as nobody asks how the loss changes with the
#   data
#
# $$
# 3 \cdot (784 \cdot 30 + 30 \cdot 10) - 784 \cdot 30 = 47{,}940
# $$
#
# A multiplication and an addition are two floating-point operations, "flops". A step on $N$ samples has
# $2N \cdot 47{,}940$ of them, and `Case.flops` agrees:

# %%
per_sample = 3 * (784 * 30 + 30 * 10) - 784 * 30
print(f"{per_sample:,} multiply-adds a sample, {SMALL.flops:,} flops a step on {SMALL.batch_size} samples")
assert per_sample == 47_940
assert SMALL.flops == 2 * 16 * per_sample

for row in rows[SMALL]:
    print(f"{row.contender:6}  {time_of(row.median / (SMALL.flops / 2)):>8} for each multiply-add")

# %% [markdown]
# Python or the processor
# -----------------------
#
# The scalar tier makes each of these multiplications an operation of Python: fetch two objects, look at their types,
# multiply, make an object for the result. The tensor tier hands the library a matrix, and then another. How many
# products of matrices does it need for a step? Layer 1 has two, and layer 2 has three, as counted above:

# %%
step = make_step("tensor", SMALL)
product = mock.Mock(wraps=tensor.matmul)  # counts how often it is called
with mock.patch.dict(tensor.essence, matmul=product):  # in the file tiers/tensor.py
    step()
print(product.call_count, "products of matrices")
assert product.call_count == 5

# %% [markdown]
# Between the two lies the price of a call. NumPy's `dot` looks at types and shapes once for a whole vector. Take dot
# products of growing length, and divide the time by the length. (Such a call is about as short as a look at the
# clock, so `timeit` looks once for many calls.)


# %%
def seconds_of(function, number):
    return statistics.median(timeit.repeat(function, number=number, repeat=7)) / number


lengths = [1, 3, 10, 30, 100, 300, 1_000, 3_000]
on_lists, on_vectors = [], []
for n in lengths:
    vector_a, vector_b = np.random.default_rng(0).random((2, n))
    list_a, list_b = vector_a.tolist(), vector_b.tolist()
    on_lists.append(seconds_of(lambda a=list_a, b=list_b: scalar.dot(a, b), 3_000 // (n + 10) + 1) / n)
    on_vectors.append(seconds_of(lambda a=vector_a, b=vector_b: np.dot(a, b), 300) / n)
    assert abs(scalar.dot(list_a, list_b) - np.dot(vector_a, vector_b)) < 1e-10

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.loglog(lengths, 1e9 * np.array(on_lists), "o-", label="scalar.dot, on lists")
axes.loglog(lengths, 1e9 * np.array(on_vectors), "s-", label="np.dot, on vectors")
axes.set(xlabel="length of the vectors", ylabel="nanoseconds per multiply-add", title="The price of a call, shared out")
axes.legend()
plt.show()

# %% [markdown]
# On lists the curve soon is flat: each multiply-add costs the same, however many there are. On vectors it falls for a
# long time: the price is that of the *call*, and it is shared by more and more. For vectors of a few numbers there is
# little to share, and lists do as well or better. That is the tiny net: its vectors have two or three numbers.
#
# So count the calls. A profiler, here `cProfile` of Python's standard library, notes each one.


# %%
def profile_of(step, steps=1):
    step()  # to warm up
    with cProfile.Profile() as profile:
        for _ in range(steps):
            step()
    return pstats.Stats(profile)


calls = {}
for tier in TIERS:
    for batch_size in (16, 32, 64):
        step = make_step(tier, Case((2, 3, 2), batch_size))
        calls[tier, batch_size] = profile_of(step).total_calls
    print(f"{tier:6}  calls in a step on 16, 32, 64 samples: {[calls[tier, n] for n in (16, 32, 64)]}")

for tier in ("scalar", "vector"):
    assert 1.8 < calls[tier, 64] / calls[tier, 32] < 2.1
assert calls["tensor", 16] == calls["tensor", 32] == calls["tensor", 64] < calls["vector", 16] / 5

# %% [markdown]
# Twice the samples, twice the calls; but not at the tensor tier. There the batch is one thing. This, more than
# anything inside of the library, is why it wins on the tiny net.
#
# The same profiler says where the time is spent. Here are the three functions of each tier that have most of it, for
# the net that the tier can bear. `tottime` is the time in the function itself, without what it calls.

# %%
LARGE = Case((784, 300, 10), 64)
for tier, case, steps in (("scalar", SMALL, 3), ("vector", LARGE, 20), ("tensor", LARGE, 20)):
    print(f"{tier}, {case}, {steps} steps")
    profile_of(make_step(tier, case), steps).strip_dirs().sort_stats("tottime").print_stats(3)

# %% [markdown]
# Each line ends with the file, the line and the name of a function: there you can read what takes the time. At the
# scalar tier look for the loops that go through all weights: `sum`, which is the forward pass, the nested loops of
# `dL/dweight`, and `add_scaled`, which adds up the samples and moves the weights. At the others look for `linear`,
# the forward product, and `dL/dweight`, the backward one (at the vector tier it is called `value`: the products of
# all samples are put off, and made at once). They are the multiply-adds that we counted. Short functions seem more
# expensive than they are, as the profiler takes its time at each call: use it to find the place, and a clock to
# measure it.
#
# The matrix-product limit
# ------------------------
#
# **Question.** Suppose that everything but the matrix products took no time at all. How fast would a step be?
#
# By hand, for 784-300-10 on 64 samples:
#
# $$
# 2 \cdot 64 \cdot \bigl(3 \cdot (784 \cdot 300 + 300 \cdot 10) - 784 \cdot 300\bigr) = 61{,}363{,}200
# $$
#
# flops. "matrix products" is a contender that makes these five products and nothing else. The tensor tier can come
# near its speed, and not pass it.

# %%
by_hand = 2 * 64 * (3 * (784 * 300 + 300 * 10) - 784 * 300)
assert by_hand == LARGE.flops == 61_363_200

batch_sizes = (1, 8, 64, 256)
speeds = {"matrix products": [], "tensor": []}
with Race(threads=1, rounds=5, seconds=0.01) as race:
    for batch_size in batch_sizes:
        tier, products = race.run(Case((784, 300, 10), batch_size), ["tensor", "matrix products"])
        for row in (tier, products):
            speeds[row.contender].append(row.gflops)
        print(
            f"batch {batch_size:3}: products {products.gflops:5.3g} billion flops a second,"
            f" tensor {tier.gflops:5.3g}, {1 / products.ratio:.0%} of the limit"
        )

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (name, of_name), style in zip(speeds.items(), ("s--", "o-"), strict=True):
    axes.semilogx(batch_sizes, of_name, style, label=name)
axes.set(xlabel="batch size", ylabel="billion flops per second", title="784-300-10, one thread", ylim=(0, None))
axes.set_xticks(batch_sizes, map(str, batch_sizes))
axes.minorticks_off()
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# With one sample, the limit itself is low. **Question.** Why should the processor multiply faster because there are
# more samples?
#
# It does not; it waits less. With one sample, each of the 235,200 weights of the first layer is fetched from memory,
# used for one multiply-add of the forward pass, and dropped. With 64 it is fetched once and used 64 times. Fetching
# takes longer than multiplying, so a product of two matrices can keep the processor busy, and a product of a matrix
# with one vector cannot. This is also why the forward pass of the vector tier cannot catch up.
#
# What is left between the tensor tier and the limit are the sigmoid, the update of the weights, and memory for
# results. The larger the products, the less these count: then a faster processor helps, and better Python does not.
#
# Memory
# ------
#
# Time is not all that a step costs. What a net must hold at least can be counted, and `summary` does:

# %%
net = mt.two_layer_net(784, 300, 10)
print(net.summary(batch_size=64))

# %% [markdown]
# **Question.** Where do the bytes come from? A number in float64 takes 8. There are 238,510 parameters, as many
# gradients, and for each of the 64 samples the 784 inputs and what each layer makes of them: 300, 300 and 10 numbers.
# All of these must be kept: the backward pass needs them.
#
# Prediction needs no gradients, and may forget each layer's input when its output is there: the parameters, the 64
# samples, and the one layer that has most in its hands, of 300 numbers in and 300 out.

# %%
training = 8 * (2 * 238_510 + 64 * (784 + 300 + 300 + 10))
prediction = 8 * (238_510 + 64 * (784 + 300 + 300))
print(f"training {training:,} bytes, prediction {prediction:,} bytes")
assert training == net.summary(batch_size=64).training_bytes
assert prediction == net.summary(batch_size=64).prediction_bytes

# %% [markdown]
# That is what is needed *at least*. What is really held, `tracemalloc` tells: Python's and NumPy's memory goes
# through its hands, and it notes the peak.


# %%
def peak(make):
    """Return the most bytes held at a time while what was made is called; what it needs for that is counted."""
    tracemalloc.start()
    call = make()
    tracemalloc.reset_peak()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def make_prediction(tier, case):
    net, (x, _) = case.net(tier), case.batch()
    return lambda: net.forward(x)


batch_sizes = (1, 4, 16, 64, 256)
cases = [Case((784, 300, 10), n) for n in batch_sizes]
trained = np.array([peak(lambda case=case: make_step("tensor", case)) for case in cases])
predicted = np.array([peak(lambda case=case: make_prediction("tensor", case)) for case in cases])
needed = np.array([(case.summary.training_bytes, case.summary.prediction_bytes) for case in cases]).T

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.semilogx(batch_sizes, needed[0] / 1e6, "C0-", label="training, counted")
axes.semilogx(batch_sizes, trained / 1e6, "C0o", label="training, measured")
axes.semilogx(batch_sizes, needed[1] / 1e6, "C1--", label="prediction, counted")
axes.semilogx(batch_sizes, predicted / 1e6, "C1s", label="prediction, measured")
axes.set(xlabel="batch size", ylabel="megabytes", title="784-300-10, tensor tier, float64", ylim=(0, None))
axes.set_xticks(batch_sizes, map(str, batch_sizes))
axes.minorticks_off()
axes.legend()
plt.show()

assert (trained / needed[0] > 0.95).all()
assert (trained / needed[0] < 1.3).all()
assert (predicted < trained).all()

# %% [markdown]
# With small batches the parameters and their gradients are nearly all of it, and the batch is free. With large ones
# the batch takes over, and memory grows as the batch does.
#
# **Question.** And at the scalar tier? There each number is an object of its own, and a list keeps a pointer to it.

# %%
pointer = struct.calcsize("P")
print(f"a float takes {sys.getsizeof(0.5)} bytes, and its pointer {pointer}")
assert sys.getsizeof(0.5) + pointer == 4 * 8

case = Case((784, 30, 10), 4)
held = {tier: peak(lambda tier=tier: make_step(tier, case)) for tier in TIERS}
for tier, most in held.items():
    print(f"{tier:6}  {most:>9,} bytes, {most / case.summary.training_bytes:.2f} times what is needed in float64")
assert held["scalar"] > 4 * case.summary.training_bytes
assert held["tensor"] < 1.3 * case.summary.training_bytes

# %% [markdown]
# More than four times as much: a number takes 32 bytes and not 8; and beside the sum of the gradients there is the
# gradient of the sample that is being added to it.
#
# The page's own measurement and the package's should agree, and so should the step. Memory can be asserted, as it
# does not depend on who else is busy; a time never should be.

# %%
with Race(threads=1) as race:
    of_race = race.memory(case, ["tensor"])["tensor"]["training"]
print(f"ours {held['tensor']:,} bytes, the race's {of_race:,} bytes")
assert abs(held["tensor"] / of_race - 1) < 0.1

ours = make_step("tensor", SMALL)
theirs, _ = CONTENDERS["tensor"].make(SMALL, 0.01)
assert all(abs(ours() - theirs()) < 1e-12 for _ in range(3))

# %% [markdown]
# The commands
# ------------
#
# `micrograd-tiers compare` trains two nets at all tiers for some seconds, and says how fast and how far apart they
# are: this page and the last in one command. `micrograd-tiers benchmark` is the race in earnest, with larger nets,
# longer turns, and other libraries where they are installed: `micrograd-tiers benchmark --net 784-300-10 --batch-size
# 1 64 512 --threads 1`. With `--growth` it draws how the time grows with the hidden units, the batch and the depth,
# and with `--json` and `--compare` you can see whether a change of yours made anything faster.
#
# Exercises
# ---------
#
# 1. By hand: the flops of a step of 784-100-100-10 on 32 samples. `assert Case((784, 100, 100, 10), 32).flops ==
#    yours`.
# 2. Your machine runs at half its speed in the *first* half of the 40 measurements, and A really takes 1 ms, B 2 ms.
#    What ratio do you get one after the other? `assert np.median(b) / np.median(a) == yours`. And in turns?
# 3. From which batch size on do the samples of 784-300-10, with what the layers make of them, take more memory than
#    parameters and gradients together? And one less is not enough:
#    `assert n * (784 + 300 + 300 + 10) > 2 * 238_510 >= (n - 1) * (784 + 300 + 300 + 10)`.
# 4. The optimizer Adam remembers two numbers for each parameter. How many bytes does a training step on 64 samples
#    then need? `assert net.summary(optimizer_numbers=2).training_bytes == yours`.
# 5. In which dtype does the net need half of everything? `assert yours.summary().training_bytes * 2 == training`.
#    Race the two with `micrograd-tiers benchmark --net 784-300-10 --dtype float64 float32 --only tensor`.
#
# Next, on page 8: how do you know that a derivative is right, when its author is you?
