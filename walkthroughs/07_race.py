r"""
7. The race
===========

The three tiers compute the same net. Which is fastest, by how much, and why? A clock alone does not answer that. It
tells how long one step took, on a machine that was busy with other things too. On this page we go from one look at the
clock to a measurement that you can trust. We race the tiers, find where the time goes in each, and see what limits the
fastest of them. At the end we ask the same about memory.

You need Python and a little NumPy. All times on this page are those of the machine that ran it; yours will be
different. The nets are small and the turns short, so that the page takes seconds; the command at its end takes minutes.
"""

# %%
import os

from micrograd_tiers.threads import pinned

os.environ |= pinned(1)  # one thread, set before NumPy is imported: the page says why

# %%
import cProfile
import linecache
import statistics
import struct
import sys
import timeit
import tracemalloc
from collections import Counter
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
# We measure one training step: forward pass, backward pass, and the update of the weights. A `Case` states the net and
# the number of samples. The samples are random numbers, because the time does not depend on their values.


# %%
def make_step(tier, case):
    """Return a function that takes one training step."""
    net = case.net(tier)
    x, y = case.batch()
    samples, target = net.tier.asarray(x), net.tier.asarray(y, "int64")
    sgd, memory = mt.SGD(0.01), {}

    def step():
        loss, grads, _ = net.backprop(samples, (target,), sgd.gradient_factor)
        sgd.apply(net, grads, memory)  # adds gradients times -learning_rate
        return loss

    return step


TINY = Case((2, 3, 2), 64)  # 2 inputs, 3 hidden units, 2 classes; 64 samples a step
step = make_step("tensor", TINY)
for _ in range(5):
    start = perf_counter()
    step()
    print(time_of(perf_counter() - start))

# %% [markdown]
# **Question.** Five times for the same step. Which of them is *the* time of a step?
#
# The first is the worst candidate. It pays for work that later steps find already done: memory must be allocated,
# threads must be started, the processor must wake up. So the first rule is: **warm up**, and do not count it.
#
# Repeat
# ------
#
# The second rule: **repeat**. The plot shows every step made in a fifth of a second, in order, and how often each time
# occurred.


# %%
def measure(step, seconds=0.2):
    """Return the times of the steps made in about the given number of seconds."""
    for _ in range(3):
        step()  # warm up
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

print(f"mean {time_of(mean)}, median {time_of(median)}")
print(f"half of all steps take from {time_of(first)} to {time_of(third)}")
print(f"fastest {time_of(min(times))}, slowest {time_of(max(times))}")
assert min(times) <= first <= median <= third <= max(times)
assert np.allclose((first, median, third), np.quantile(times, [0.25, 0.5, 0.75]))

# %% [markdown]
# The cloud of points has a floor and no ceiling. Nothing makes a step faster than the machine can go, and many things
# make it slower: another program gets its turn, a page of memory must be fetched, the processor is hot and slows down.
#
# **Question.** Five steps take 1, 1, 1, 1 and 11 milliseconds. What is their mean, and what is their median, the one in
# the middle when all are sorted?

# %%
example = [1, 1, 1, 1, 11]
print("mean", statistics.mean(example), "median", statistics.median(example))
assert (statistics.mean(example), statistics.median(example)) == (3, 1)

# %% [markdown]
# One disturbed step has tripled the mean, to a time that no step took. The median has not moved. The *quartiles* show
# the spread: a quarter of the times is below the first, a quarter above the third. The third rule: **report the median
# and the quartiles**.
#
# In turns
# --------
#
# Now take two contenders: A takes 1 ms, B takes 2 ms. We measure each of them 20 times. But halfway through, the
# machine gets hot, and from then on it runs at half its speed.
#
# **Question.** What is the ratio of the medians if we measure all of A first? And if they take turns: A, B, A, B, and
# so on?

# %%
slowness = np.repeat([1, 2], 20)  # of 40 measurements
a, b = 1 * slowness[:20], 2 * slowness[20:]
print(f"one after the other: B takes {np.median(b) / np.median(a):g} times as long as A")
assert np.median(b) / np.median(a) == 4

a, b = 1 * slowness[0::2], 2 * slowness[1::2]
print(f"in turns:            B takes {np.median(b / a):g} times as long as A")
assert (b / a == 2).all()

# %% [markdown]
# When they take turns, the machine is as slow for one as it is for the other. We take the ratio *within* each round,
# and then the median of the ratios. The fourth rule: **compare by ratios, in turns**. Ratios also travel better than
# times: a ratio says something about your machine too.
#
# Two rules are left. **A process for each.** The libraries under NumPy have threads of their own, which keep spinning
# for a while after the work is done. And the garbage that one contender leaves may be collected in the time of the
# next. The next net gets new processes, because what this one leaves in memory may scatter the numbers of the next.
#
# **Pinned threads.** A matrix product is split into parts, one for each core, and it is done when the last part is
# done. If another program occupies one of the cores, all the others wait for it. And a contender with two threads has
# two machines where another has one. The libraries read the number of threads from the environment when they are first
# imported. That is why we set it to one before the line `import numpy`. (If NumPy has been imported before, the
# setting comes too late. This happens when you run a notebook a second time, and when the documentation is built.)

# %%
print(pinned(1))
assert set(pinned(1).values()) == {"1"}

# %% [markdown]
# And use a quiet machine: no browser, no video call, a laptop on mains power. Statistics cannot make up for a machine
# that does something else half of the time.
#
# The race
# --------
#
# `Race` follows all these rules. Before it takes any time, it proves that all contenders compute the same gradients,
# because a contender that does less work may well be faster. Two nets, three tiers:

# %%
SMALL = Case((784, 30, 10), 16)
race = Race(threads=1, rounds=5, seconds=0.01)
rows = {case: race.run(case, TIERS) for case in (TINY, SMALL)}

for case, of_case in rows.items():
    print(case)
    for row in of_case:
        first, third = quartiles(row.seconds)
        print(
            f"  {row.contender:6}  {time_of(row.median):>8} ({time_of(first)} to {time_of(third)}),"
            f" {row.samples_per_second:,.0f} samples per second,"
            f" {row.ratio:.2g} times as fast as tensor"
        )
        assert row.off < 1e-12

figure, both = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
for axes, (case, of_case) in zip(both, rows.items(), strict=True):
    for k, row in enumerate(sorted(of_case, key=lambda row: TIERS.index(row.contender))):
        rates = case.batch_size / np.array(row.seconds)
        axes.semilogx(rates, [k] * len(rates), "o", color=mt.plots.TIER_COLORS[row.contender], alpha=0.5)
        axes.plot(statistics.median(rates), k, "k|", markersize=18)
    axes.set(xlabel="samples per second", yticks=range(3), yticklabels=TIERS, ylim=(2.5, -0.5), title=str(case))
    axes.set_xlim(10, 10_000_000)
plt.show()

# %% [markdown]
# Each dot is a turn, each bar is the median of a tier. On a net with 784 inputs, the order is what you would expect.
# The tiny net may surprise you: there the vector tier has no lead over the lists, and may well be behind. To understand
# both, we must find out where the time goes.
#
# Counting the work
# -----------------
#
# **Question.** 784-30-10: how many multiplications, each with an addition, does one sample take? Count the products in
# which the weights and their derivatives occur, forward and backward.
#
# - forward, layer 1: $784 \cdot 30$, each weight with its input; layer 2: $30 \cdot 10$
# - backward, $dL/dW$: each weight has a derivative, and each derivative is one product: the same number again
# - backward, $dL/dx$: the same number again for layer 2, and none for layer 1, because nobody asks how the loss changes
#   with the data
#
# $$
# 3 \cdot (784 \cdot 30 + 30 \cdot 10) - 784 \cdot 30 = 47{,}940
# $$
#
# A multiplication and an addition are two floating-point operations, "flops". A step on $N$ samples has
# $2N \cdot 47{,}940$ of them, and `Case.flops` agrees:

# %%
per_sample = 3 * (784 * 30 + 30 * 10) - 784 * 30
print(f"{per_sample:,} multiply-adds per sample")
print(f"{SMALL.flops:,} flops per step on {SMALL.batch_size} samples")
assert per_sample == 47_940
assert SMALL.flops == 2 * 16 * per_sample

for row in rows[SMALL]:
    print(f"{row.contender:6}  {time_of(row.median / (SMALL.flops / 2)):>8} per multiply-add")

# %% [markdown]
# Python or the processor
# -----------------------
#
# The scalar tier performs each of these multiplications as a Python operation: fetch two objects, look at their types,
# multiply, create an object for the result. The tensor tier hands whole matrices to the library. How many matrix
# products does it need for a step? Layer 1 has two, and layer 2 has three, as counted above:

# %%
step = make_step("tensor", SMALL)
product = mock.Mock(wraps=tensor.matmul)  # counts how often it is called
of_weight = mock.Mock(wraps=tensor.product_with)  # the same for dL/dweight
with mock.patch.dict(tensor.essence, matmul=product, product_with=of_weight):
    step()  # calls both from the file tiers/tensor.py
print(product.call_count + of_weight.call_count, "matrix products")
assert (product.call_count, of_weight.call_count) == (3, 2)

# %% [markdown]
# A call has a price, and the tensor tier pays it less often. NumPy's `dot`, for example, looks at types and shapes once
# for a whole vector. Take dot products of growing length, and divide the time by the length. (Such a call is about as
# short as a look at the clock, so `timeit` looks at the clock once for many calls.)


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
colors = mt.plots.TIER_COLORS
axes.loglog(lengths, 1e9 * np.array(on_lists), "o-", color=colors["scalar"], label="scalar.dot, on lists")
axes.loglog(lengths, 1e9 * np.array(on_vectors), "s-", color=colors["vector"], label="np.dot, on vectors")
axes.set(xlabel="length of the vectors", ylabel="nanoseconds per multiply-add", title="The price of a call, shared")
axes.legend()
plt.show()

# %% [markdown]
# On lists, the curve is soon flat: each multiply-add costs the same, however many there are. On vectors, it falls for a
# long time: you pay for the *call*, and more and more multiply-adds share the price. Vectors of a few numbers have
# little to share, and lists do as well or better. That explains the tiny net: its vectors have two or three numbers.
#
# So count the calls. A profiler, here `cProfile` from Python's standard library, records each one.


# %%
def profile_of(step, steps=1):
    """Return one entry for each function that was called: its code, its calls, and its time."""
    step()  # warm up
    with cProfile.Profile() as profile:
        for _ in range(steps):
            step()
    return profile.getstats()


calls = {}
for tier in TIERS:
    for batch_size in (16, 32, 64):
        entries = profile_of(make_step(tier, Case((2, 3, 2), batch_size)))
        calls[tier, batch_size] = sum(entry.callcount for entry in entries)
    print(f"{tier:6}  calls per step on 16, 32, 64 samples: {[calls[tier, n] for n in (16, 32, 64)]}")

for tier in ("scalar", "vector"):
    assert 1.8 < calls[tier, 64] / calls[tier, 32] < 2.1
assert calls["tensor", 16] == calls["tensor", 32] == calls["tensor", 64] < calls["vector", 16] / 5

# %% [markdown]
# Twice the samples, twice the calls, but not at the tensor tier. There, the batch is a single object. This, more than
# anything inside the library, is why the tensor tier wins on the tiny net.
#
# The same profiler tells where the time is spent. Here are the functions of each tier that take the most time, on a net
# that the tier can handle: the share of the time spent in the function itself, without the functions that it calls,
# then its place and its first line.


# %%
def costly(entries, n=4):
    """Return a line of text for each of the n functions in which the most time is spent."""
    seconds = Counter()
    for entry in entries:
        code = entry.code  # text for functions that are not written in Python
        place = (code, 0) if isinstance(code, str) else (code.co_filename, code.co_firstlineno)
        seconds[place] += entry.inlinetime
    return [
        f"{time / seconds.total():4.0%}  {f'{os.path.basename(file)}:{line}' if line else '':14}"
        f"  {linecache.getline(file, line).strip() or file:.66}"
        for (file, line), time in seconds.most_common(n)
    ]


LARGE = Case((784, 300, 10), 64)
shown = {}
for tier, case, steps in (("scalar", SMALL, 3), ("vector", LARGE, 20), ("tensor", LARGE, 20)):
    shown[tier] = costly(profile_of(make_step(tier, case), steps))
    print(f"{tier}, {case}", *shown[tier], "", sep="\n")

for work in ("builtins.sum", "dyo * xi"):
    assert work in " ".join(shown["scalar"][:2])
assert "def linear(" in shown["vector"][0] + shown["vector"][1]
assert "def linear(" in shown["tensor"][0] + shown["tensor"][1]
assert "blas.py" in shown["tensor"][0] + shown["tensor"][1]

# %% [markdown]
# At the scalar tier, look for the loops over all weights: `sum`, which is the forward pass, and the loop over
# `dyo * xi`, which computes a row of `dL/dweight` and adds it up over the samples. At the tensor tier they are the
# forward product in `linear` and the product of `dL/dweight`, which `blas.py` adds straight to the weights. At the
# vector tier, `linear` is called for every sample; the products of `dL/dweight` are postponed, and made
# at once for all samples. These are the multiply-adds that we counted. Short functions look more expensive than they
# are, because the profiler takes some time at each call. Use a profiler to find the place, and a clock to measure it.
#
# The matrix-product limit
# ------------------------
#
# **Question.** Suppose that everything except the matrix products took no time at all. How fast would a step be?
#
# By hand, the number of flops for 784-300-10 on 64 samples is
#
# $$
# 2 \cdot 64 \cdot \bigl(3 \cdot (784 \cdot 300 + 300 \cdot 10) - 784 \cdot 300\bigr) = 61{,}363{,}200 .
# $$
#
# The contender "matrix products" computes these five products and nothing else. The tensor tier can come close to its
# speed, but hardly be faster.

# %%
by_hand = 2 * 64 * (3 * (784 * 300 + 300 * 10) - 784 * 300)
assert by_hand == LARGE.flops == 61_363_200

batch_sizes = (1, 8, 64, 256)
speeds = {"matrix products": [], "tensor": []}
for batch_size in batch_sizes:
    tier, products = race.run(Case((784, 300, 10), batch_size), ["tensor", "matrix products"])
    for row in (tier, products):
        speeds[row.contender].append(row.gflops)
    print(
        f"batch {batch_size:3}: products {products.gflops:5.3g} billion flops per second,"
        f" tensor {tier.gflops:5.3g}, {1 / products.ratio:.0%} of the limit"
    )

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for (name, of_name), style in zip(speeds.items(), ("s--", "o-"), strict=True):
    axes.semilogx(batch_sizes, of_name, style, color=colors.get(name, "black"), label=name)
axes.set(xlabel="batch size", ylabel="billion flops per second", title="784-300-10, one thread", ylim=(0, None))
axes.set_xticks(batch_sizes, map(str, batch_sizes))
axes.minorticks_off()
axes.legend(loc="lower right")
plt.show()

# %% [markdown]
# With one sample, the limit itself is low. **Question.** Why should the processor multiply faster when there are more
# samples?
#
# It does not; it waits less. With one sample, each of the 235,200 weights of the first layer is fetched from memory,
# used for one multiply-add of the forward pass, and dropped. With 64 samples, it is fetched once and used 64 times.
# Fetching takes longer than multiplying. So a product of two matrices can keep the processor busy, and a product of a
# matrix and a vector cannot. This is also why the forward pass of the vector tier cannot catch up.
#
# Two things remain between the tensor tier and the limit: the sigmoid, and memory for results. (The update of the
# weights takes part in a product: the gradient of a large weight is added straight to the weight.) The larger the
# products, the less these count. Then a faster processor helps, and better Python does not.
#
# Memory
# ------
#
# Time is not the only cost of a step. You can count the memory that a net must hold at least, and `summary` does so:

# %%
net = mt.two_layer_net(784, 300, 10)
print(net.summary(batch_size=64))

# %% [markdown]
# **Question.** Where do the bytes come from? A float64 number takes 8. There are 238,510 parameters, and as many
# gradients. For each of the 64 samples there are the 784 inputs and the outputs of the layers: 300, 300 and 10 numbers.
# All of these must be kept, because the backward pass needs them.
#
# Prediction needs no gradients, and it may drop the input of a layer once the layer's output is computed. That leaves
# the parameters, the 64 samples, and the layer that holds the most: 300 numbers of input and 300 of output for each
# sample.

# %%
training = 8 * (2 * 238_510 + 64 * (784 + 300 + 300 + 10))
prediction = 8 * (238_510 + 64 * (784 + 300 + 300))
print(f"training {training:,} bytes, prediction {prediction:,} bytes")
assert training == net.summary(batch_size=64).training_bytes
assert prediction == net.summary(batch_size=64).prediction_bytes

# %% [markdown]
# That is the *minimum* for a step that stores all gradients. To see how much memory is really held, ask
# `tracemalloc`: it tracks the memory that Python and NumPy allocate, and records the peak.


# %%
def peak(make):
    """Return the peak memory in bytes of a call, with everything that `make` made for it."""
    tracemalloc.start()
    call = make()
    tracemalloc.reset_peak()
    call()
    most = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return most


def make_gradients(tier, case):
    net, (x, y) = case.net(tier), case.batch()
    return lambda: [gradient.value() for gradient in net.backprop(x, (y,))[1].values()]


def make_prediction(tier, case):
    net, (x, _) = case.net(tier), case.batch()
    return lambda: net.forward(x)


batch_sizes = (1, 4, 16, 64, 256)
cases = [Case((784, 300, 10), n) for n in batch_sizes]
trained = np.array([peak(lambda case=case: make_gradients("tensor", case)) for case in cases])
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
# With small batches, nearly all of the memory is parameters and gradients, and the batch is free. With large batches,
# the batch takes over, and memory grows as the batch does.
#
# A whole step takes no more. Plain gradient descent takes even less than counted: a library for matrix products can add
# the gradient of a large weight straight to the weight, so that the gradient is never stored.

# %%
step = peak(lambda: make_step("tensor", cases[0]))
print(f"a step on one sample takes {step:,} bytes, {step / needed[0][0]:.2f} times the count with all gradients")
assert step < 1.3 * needed[0][0]

# %% [markdown]
# **Question.** And at the scalar tier? There each number is an object, and a list keeps a pointer to it.

# %%
pointer = struct.calcsize("P")
print(f"a float takes {sys.getsizeof(0.5)} bytes, and its pointer {pointer}")
assert sys.getsizeof(0.5) + pointer == 4 * 8

case = Case((784, 30, 10), 4)
held = {tier: peak(lambda tier=tier: make_step(tier, case)) for tier in TIERS}
for tier, most in held.items():
    print(f"{tier:6}  {most:>9,} bytes, {most / case.summary.training_bytes:.2f} times the count in float64")
assert 3.5 < held["scalar"] / held["tensor"] < 4.5

# %% [markdown]
# Four times as much as at the tensor tier: a number takes 32 bytes instead of 8. The scalar tier stores no gradient of
# a weight either: it adds each row of the gradient to the weights as soon as the row is computed.
#
# Our measurement should agree with the package's own, and our step should give the same losses as the package's step.
# You can assert memory, because it does not depend on what else the machine is doing. Never assert a time.

# %%
of_race = Race(threads=1).memory(case, ["tensor"])["tensor"]["training"]
print(f"ours {held['tensor']:,} bytes, the race's {of_race:,} bytes")
assert abs(held["tensor"] / of_race - 1) < 0.1

ours = make_step("tensor", SMALL)
theirs, _ = CONTENDERS["tensor"].make(SMALL, 0.01)
assert all(abs(ours() - theirs()) < 1e-12 for _ in range(3))

# %% [markdown]
# The commands
# ------------
#
# `micrograd-tiers compare` trains two nets at all tiers for a few seconds, and reports how fast they are and how far
# apart: this page and the previous one in one command. `micrograd-tiers benchmark` is the race in earnest, with larger
# nets, longer turns, and other libraries if they are installed:
# `micrograd-tiers benchmark --net 784-300-10 --batch-size 1 64 512 --threads 1`. With `--growth` it plots how the time
# grows with the hidden units, the batch and the depth. With `--json` and `--compare` you can see whether a change of
# yours made anything faster.
#
# Exercises
# ---------
#
# 1. By hand: count the flops of a step of 784-100-100-10 on 32 samples.
#    `assert Case((784, 100, 100, 10), 32).flops == yours`.
# 2. Your machine runs at half its speed in the *first* half of the 40 measurements. A really takes 1 ms, and B 2 ms.
#    What ratio do you get one after the other? `assert np.median(b) / np.median(a) == yours`. And in turns?
# 3. Take 784-300-10. From which batch size on do the samples and the outputs of the layers take more memory than the
#    parameters and gradients together? Show that a batch with one sample less does not:
#    `assert n * (784 + 300 + 300 + 10) > 2 * 238_510 >= (n - 1) * (784 + 300 + 300 + 10)`.
# 4. The optimizer Adam remembers two numbers for each parameter. How many bytes does a training step on 64 samples need
#    then? `assert net.summary(optimizer_numbers=2).training_bytes == yours`.
# 5. With which dtype does the net need half of the memory? `assert yours.summary().training_bytes * 2 == training`.
#    Race the two with `micrograd-tiers benchmark --net 784-300-10 --dtype float64 float32 --only tensor`.
#
# Next, on page 8: how do you know that a derivative is right, when its author is you?
