r"""
15. Your own tier
=================

The package has three tiers: lists for one sample, NumPy vectors for one sample, and NumPy matrices for a mini-batch.
One combination is missing: lists for a mini-batch. On this page we add it. We write a tier from the first line, with a
mistake in it that a reasonable check misses. The package's judge finds the mistake. Then we fix the tier, train with
it, and enter it in a race.

You need the scalar tier (page 3) and the tensor tier (page 5). Our tier needs no library except Python's own. At the
end we build a tier in a few lines, with derivatives from JAX or PyTorch.
"""

# %%
import atexit
import contextlib
import importlib.util
import inspect
import math
import shutil
import tempfile
import time
from functools import partial
from operator import mul
from pathlib import Path
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.judge import judge
from micrograd_tiers.lab.judge.report import paragraph, text
from micrograd_tiers.tiers import SUPPORT, tensor

# %% [markdown]
# What a tier is
# --------------
#
# A tier is a Python file that defines functions with agreed names. Some of them are ops: an op returns its value
# and, for each input that has a derivative, the function that carries a derivative back to it. The others are
# *support functions*. Networks and optimizers, which do not know what a tier's arrays are made of, rely on them. We
# begin with the support functions. There are five.

# %%
print(SUPPORT)


def asarray(values, dtype="float64"):
    """Convert a NumPy array or lists to lists of floats or of ints."""
    if dtype == "float32":
        raise ValueError("Python's floats are float64")
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return [asarray(value, dtype) for value in values]
    return int(values) if dtype == "int64" else float(values)


def tolist(array):
    """Return the array as it is: our arrays are lists already."""
    return array


def chunks(*arrays):
    """Split a mini-batch into chunks: here, one chunk of all samples."""
    yield arrays


def add_scaled(target, source, scale):
    """Add scale * source to target, in place."""
    for i, number in enumerate(source):
        if isinstance(number, list):
            add_scaled(target[i], number, scale)
        else:
            target[i] += scale * number


def elementwise(f, *arrays):
    """Return f(a, b, ...), elementwise. Optimizers such as Adam use it."""
    if isinstance(arrays[0], list):
        return [elementwise(f, *parts) for parts in zip(*arrays, strict=True)]
    return f(*arrays)


# %% [markdown]
# **Question.** Which of these functions shows that we work on mini-batches?
#
# Only `chunks`. The scalar tier's version splits the mini-batch into single samples. Ours passes on the whole
# mini-batch. From now on, `x` is a list of $N$ samples, each of them a list of $I$ numbers.
#
# The linear layer, a first draft
# -------------------------------
#
# Each sample goes through the layer as at the scalar tier, $y_{no} = \sum_i w_{oi} x_{ni} + b_o$, with one more loop
# around it. The derivative with respect to $x$ also stays with its sample. All samples share the weight and the bias.


# %%
def dot(a, b):
    return sum(map(mul, a, b))


def linear(x, weight, bias):
    y = [[dot(row, xn) + b for row, b in zip(weight, bias, strict=True)] for xn in x]

    def dx(dy):
        columns = [*zip(*weight, strict=True)]
        return [[dot(column, dyn) for column in columns] for dyn in dy]

    def dweight(dy):
        for xn, dyn in zip(x, dy, strict=True):
            dw = [[dyo * xi for xi in xn] for dyo in dyn]
        return dw

    def dbias(dy):
        return [sum(dyo) for dyo in zip(*dy, strict=True)]

    return y, (dx, dweight, dbias)


# %% [markdown]
# Here is a quick check against the numerical derivative, for a layer of two inputs and two outputs, and one sample:

# %%
report = mt.check_vjps(linear, ([[1.0, 2.0]], [[3.0, -1.0], [0.5, 4.0]], [1.0, -2.0]))
print(report)
assert report.passed

# %% [markdown]
# It passes, and yet there is a mistake in the code. **Question.** Do you see it?
#
# The judge
# ---------
#
# The judge tries inputs that you would not: layers of every small shape, one sample and many, numbers of $10^{150}$,
# NaN (not a number), the same call twice. It runs each function in a process of its own, so that an endless loop does
# no harm. The judge expects the tier as a file, so we write one: `inspect.getsource` returns the text of a function.
# This file is in a temporary folder. Yours would be next to your work.

# %%
folder = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, folder, ignore_errors=True)  # removed when Python exits
support = (asarray, tolist, chunks, add_scaled, elementwise)


def write_tier(*functions):
    parts = ["import math\nfrom operator import mul\n", *map(inspect.getsource, functions)]
    (folder / "batch_tier.py").write_text("\n\n".join(parts), encoding="utf-8")


def judged(**points):
    """Return the verdict on the file. Only the functions in points count."""
    with contextlib.chdir(folder):
        return judge("batch_tier.py", points=points)


write_tier(*support, dot, linear)
verdict = judged(linear=1)
status = {item.name: item.status for item in verdict.items if item.status != "not yet written"}
(finding,) = next(item.findings for item in verdict.items if item.name == "linear")
for name, word in status.items():
    print(f"{name}: {word}")
print(paragraph("linear", finding))
assert not verdict.passed
assert {status[function.__name__] for function in support} == {"pass"}
assert (finding["part"], finding["example"]["x"]) == ("dweight", [[1.0], [1.0]])
assert (finding["expected"], finding["got"]) == ([[2.0]], [[1.0]])
assert finding["likely_bug"]["name"] == "linear_dweight_last_sample_only"

# %% [markdown]
# Our five support functions are right. In `linear`, the derivative with respect to the weight is wrong, and the judge
# shows the smallest example that reveals the error: *two* samples, one input, one output. The result should be
# $1 \cdot 1 + 1 \cdot 1$, and it was 1. The judge even recognizes the mistake: the loop over the samples assigns
# instead of adding, so only the last sample counts. With one sample that is right, which is why our check passed.
#
# The sum over the samples, and the rest
# --------------------------------------
#
# **Question.** How do you write the sum as *one* expression?
#
# $$
# \frac{dL}{dw_{oi}} = \sum_n \frac{dL}{dy_{no}} x_{ni}
# $$
#
# It is a dot product over the samples, of column $o$ of `dy` and column $i$ of `x`. `zip(*x)` gives the columns.


# %%
def linear(x, weight, bias):
    y = [[dot(row, xn) + b for row, b in zip(weight, bias, strict=True)] for xn in x]

    def dx(dy):
        columns = [*zip(*weight, strict=True)]
        return [[dot(column, dyn) for column in columns] for dyn in dy]

    def dweight(dy):
        columns = [*zip(*x, strict=True)]
        return [[dot(dyo, xi) for xi in columns] for dyo in zip(*dy, strict=True)]

    def dbias(dy):
        return [sum(dyo) for dyo in zip(*dy, strict=True)]

    return y, (dx, dweight, dbias)


# %% [markdown]
# A net needs two more ops before it can learn. The sigmoid, $\sigma(z) = 1 / (1 + e^{-z})$, is written so that the
# exponential is never large (page 9). Its derivative is written as $\sigma(z)\,\sigma(-z)$, which is $y(1 - y)$
# without a subtraction. The loss is log-sum-exp minus the score of the right class, summed over the samples, and its
# derivative is prediction minus target (page 1).


# %%
def sigma(z):
    return 1 / (1 + math.exp(-z)) if z >= 0 else math.exp(z) / (1 + math.exp(z))


def sigmoid(x):
    def dx(dy):
        return elementwise(lambda d, z: d * sigma(z) * sigma(-z), dy, x)

    return elementwise(sigma, x), (dx,)


def softmax_cross_entropy(logits, target):
    loss, difference = 0.0, []
    for z, c in zip(logits, target, strict=True):
        largest = max(z)
        e = [math.exp(zi - largest) for zi in z]
        loss += math.log(sum(e)) + largest - z[c]
        difference.append([ei / sum(e) for ei in e])
        difference[-1][c] -= 1  # prediction minus target

    def dlogits(dloss):
        return elementwise(lambda d: dloss * d, difference)

    return loss, (dlogits,)


write_tier(*support, dot, linear, sigma, sigmoid, softmax_cross_entropy)
verdict = judged(linear=1, sigmoid=1, softmax_cross_entropy=1, training=1)
report = text(verdict)
print("\n".join(line for line in report.splitlines() if "not yet written" not in line))
assert verdict.passed
assert verdict.points == 4

# %% [markdown]
# Passed. "training" means that the judge trained whole nets with three optimizers, and that every loss and every
# weight agreed with the tensor tier. Ops that are not yet written cost nothing here. Without `points`, as on the
# command line, all eight functions of dense nets count. In a shell, the whole procedure is:
#
# - `micrograd-tiers verify --new my_tier.py` writes a skeleton with names, formulas, and shapes, but no derivatives.
# - `micrograd-tiers verify my_tier.py` judges it, as far as it is written.
# - `micrograd-tiers compare --data moons --tiers tensor my_tier.py` trains with both tiers and compares them.
#
# The same net
# ------------
#
# Now do it once by hand. Use `to` to copy one net to our file and to the tensor tier, and train both copies on the
# same samples in the same order:

# %%
data = mt.load_dataset("moons", n_train=500, n_test=200)
start = mt.two_layer_net(2, 16, 2, seed=0)
nets = {"our own": start.to(str(folder / "batch_tier.py")), "tensor": start.to("tensor")}
settings = {"optimizer": mt.SGD(1.0), "batch_size": 50, "epochs": 20}
histories = {}
for name, net in nets.items():
    trainer = mt.Trainer(net, data.train_x, data.train_y, **settings)
    seconds = time.perf_counter()
    trainer.run()
    seconds = time.perf_counter() - seconds
    histories[name] = trainer.history.batch_loss
    print(f"{name:8} {len(histories[name])} steps in {seconds:.3f} s")

ours, theirs = (net.state_dict() for net in nets.values())
difference = max(abs(ours[name] - theirs[name]).max() for name in ours)
print(f"largest difference between two weights: {difference:.1e}")
assert difference < 1e-11
assert histories["tensor"][-1] < 0.7 * histories["tensor"][0]

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(histories["tensor"], "-", linewidth=4, alpha=0.4, label="tensor")
axes.plot(histories["our own"], "-", linewidth=1, color="black", label="our own")
axes.set(xlabel="step", ylabel="loss of the mini-batch", title="Two tiers, one curve")
axes.legend()
plt.show()

# %% [markdown]
# After 200 steps the weights agree except for rounding errors: our `sum` and NumPy's matrix product add in different
# orders (page 6). It is the same net.
#
# The race
# --------
#
# The judge has also timed our tier and the built-in ones: one training step of a 64-30-10 net on 32 samples.

# %%
speeds = {name or "our own": speed for name, speed in verdict.speeds.items()}
speeds = dict(sorted(speeds.items(), key=lambda pair: pair[1]))
for name, speed in speeds.items():
    print(f"{name:8} {speed:10,.0f} samples/s, {speed / speeds['scalar']:6.1f} times scalar")

figure, axes = plt.subplots(figsize=(6, 2.4), layout="constrained")
for name, speed in speeds.items():
    marker, color = ("s", "C1") if name == "our own" else ("o", "C0")
    axes.semilogx(speed, name, marker, color=color, markersize=9)
axes.set(xlabel="training samples per second", xlim=(1e2, 1e6), ylim=(-0.5, 3.5))
axes.set_title("64-30-10, 32 samples per step")
axes.grid(axis="x")
plt.show()
assert set(speeds) == {"our own", "scalar", "vector", "tensor"}

# %% [markdown]
# These are the numbers of the machine that ran this page. Compare our tier with the scalar tier, which computes with
# the same lists. For each sample, the scalar tier makes a table as large as the weight and adds it to a sum. Ours
# computes one long dot product for each weight, and makes one table for all samples. Now see how far both are from
# NumPy. Its numbers are contiguous in memory, and its loops are compiled.
#
# With derivatives from JAX or PyTorch
# ------------------------------------
#
# **Question.** These libraries find derivatives automatically. What is left for you to write?
#
# The formulas of the forward pass, and one function that turns the library's derivative into ours. JAX has `jax.vjp`:
# it returns the value and the function that carries a derivative back, exactly as an op of a tier does. PyTorch
# records every operation on its tensors, and `torch.autograd.grad` goes back through the record. Here both libraries
# compute on NumPy arrays, so we can use the five support functions of the tensor tier unchanged.


# %%
def jax_op(f, n):
    """Return the op that computes f. JAX finds the derivatives for its first n arguments."""
    import jax

    def op(*arguments):
        y, back = jax.vjp(lambda *leaves: f(*leaves, *arguments[n:]), *arguments[:n])

        def gradient(k, dy):
            return np.array(back(np.asarray(dy, y.dtype))[k])

        return np.array(y), tuple(partial(gradient, k) for k in range(n))

    return op


def torch_op(f, n):
    """Return the same op, with derivatives from PyTorch."""
    import torch

    def op(*arguments):
        leaves = [torch.tensor(a, requires_grad=k < n) for k, a in enumerate(arguments)]
        y = f(*leaves)

        def gradient(leaf, dy):
            dy = torch.as_tensor(dy, dtype=y.dtype)
            return torch.autograd.grad(y, leaf, dy, retain_graph=True)[0].numpy().copy()

        return y.detach().numpy(), tuple(partial(gradient, leaf) for leaf in leaves[:n])

    return op


# %% [markdown]
# The next cell runs if one of the two libraries is installed. A tier does not have to be a file: any object with the
# functions will do.

# %%
library = next(filter(importlib.util.find_spec, ("jax", "torch")), None)
if library == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)  # by default, JAX computes in float32

    def cross_entropy(z, target):
        return -jax.nn.log_softmax(z)[np.arange(len(target)), target].sum()

    formulas = {
        "linear": jax_op(lambda x, weight, bias: x @ weight.T + bias, 3),
        "sigmoid": jax_op(jax.nn.sigmoid, 1),
        "softmax_cross_entropy": jax_op(cross_entropy, 1),
    }
elif library == "torch":
    from torch.nn import functional

    def cross_entropy(z, target):
        return functional.cross_entropy(z, target, reduction="sum")

    formulas = {
        "linear": torch_op(functional.linear, 3),
        "sigmoid": torch_op(functional.sigmoid, 1),
        "softmax_cross_entropy": torch_op(cross_entropy, 1),
    }

if library is None:
    print("neither JAX nor PyTorch is installed")
else:
    from_tensor = {name: getattr(tensor, name) for name in SUPPORT}
    net = start.to(SimpleNamespace(**formulas, **from_tensor))
    _, grads = net.loss_and_grads(data.train_x, data.train_y)
    _, expected = start.loss_and_grads(data.train_x, data.train_y)
    worst = max(abs(grads[name] - expected[name]).max() for name in expected)
    print(f"{library}: largest difference between two gradients: {worst:.1e}")
    assert worst < 1e-12

# %% [markdown]
# In the package's repository, `examples/torch_tier.py` is a complete tier of this kind, on PyTorch's own arrays. It
# passes `verify`. To share a tier, put it into a package and name it in that package's `pyproject.toml`, under
# `[project.entry-points."micrograd_tiers.tiers"]`, with a line such as `my-tier = "my_package.my_tier"`. Once the
# package is installed, `tier="my-tier"` works like `tier="tensor"`.
#
# Exercises
# ---------
#
# 1. Write `sigma` as `1 / (1 + math.exp(-z))` for all `z`, write the file again, and let the judge test it. For which
#    number does it fail, and how? `assert "OverflowError" in text(judged(sigmoid=1))`
# 2. Write `relu` and `mean_squared_error` for our tier: `assert judged(relu=1, mean_squared_error=1).passed`
# 3. Write a tier, `my_tier.py`, whose `linear` is that of the tensor tier with the value rounded to float32 and back.
#    What does the judge say? `assert "low_precision" in text(judge("my_tier.py", points={"linear": 1}))`
# 4. Start from `micrograd-tiers verify --new my_tier.py --like scalar`, fill in `tanh`, and see what
#    `micrograd-tiers verify my_tier.py` says about it and about the rest.
#
# Next, on page 16: nets that write. It starts with counting letters.
