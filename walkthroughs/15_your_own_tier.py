r"""
15. Your own tier
=================

The package has three tiers: lists for one sample, NumPy vectors for one sample, NumPy matrices for a mini-batch. One
corner is empty: lists for a mini-batch. On this page we fill it. We write a tier from the first line, with a mistake in
it that a fair check overlooks, let the package's judge find it, mend it, train with it, and race it.

You need the scalar tier (page 3) and the tensor tier (page 5), and no library but Python's own. At the end stands the
same in a few lines with the derivatives of JAX and PyTorch.
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
# A tier is a Python file with functions of agreed names. Some compute: each returns its value and, for each input
# that has a derivative, the function that carries a derivative back to it. The others serve the network and the
# optimizers, which do not know what the tier's arrays are made of. We begin with those; there are five.

# %%
print(SUPPORT)


def asarray(values, dtype="float64"):
    """Lists of floats, or of ints, from a NumPy array or from lists."""
    if hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, list | tuple):
        return [asarray(value, dtype) for value in values]
    return int(values) if dtype == "int64" else float(values)


def tolist(array):
    """What we compute with is lists already."""
    return array


def chunks(*arrays):
    """What one call handles: here, all samples at once."""
    yield arrays


def add_scaled(target, source, scale):
    """target += scale * source, in place."""
    for i, number in enumerate(source):
        if isinstance(number, list):
            add_scaled(target[i], number, scale)
        else:
            target[i] += scale * number


def elementwise(f, *arrays):
    """f(a, b, ...) for each element: for optimizers such as Adam."""
    if isinstance(arrays[0], list):
        return [elementwise(f, *parts) for parts in zip(*arrays, strict=True)]
    return f(*arrays)


# %% [markdown]
# **Question.** In which of these does the mini-batch show?
#
# Only in `chunks`. The scalar tier's cuts the mini-batch into single samples; ours hands on the whole. From now on
# `x` is a list of $N$ samples, each a list of $I$ numbers.
#
# The linear layer, a first draft
# -------------------------------
#
# Each sample goes through the layer as in the scalar tier, $y_{no} = \sum_i w_{oi} x_{ni} + b_o$, with one more loop
# around it. The derivative with respect to $x$ stays with its sample, too. Weight and bias are shared by all samples.


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
# A quick check beside the numerical derivative, with a layer of two inputs and two outputs, and one sample:

# %%
report = mt.check_vjps(linear, ([[1.0, 2.0]], [[3.0, -1.0], [0.5, 4.0]], [1.0, -2.0]))
print(report)
assert report.passed

# %% [markdown]
# It passes, and there is a mistake in it. **Question.** Do you see it?
#
# The judge
# ---------
#
# The judge tries what you would not: layers of every small shape, one sample and many, numbers of $10^{150}$, NaN
# (not a number), the same call twice. It runs each function in a process of its own, so that an endless loop does no
# harm. It takes the tier as a file, and so we write one: `inspect.getsource` gives the text of a function. The file
# lies in a temporary folder; yours would lie beside your work.

# %%
folder = Path(tempfile.mkdtemp())
atexit.register(shutil.rmtree, folder, ignore_errors=True)  # it goes when Python ends
support = (asarray, tolist, chunks, add_scaled, elementwise)


def write_tier(*functions):
    parts = ["import math\nfrom operator import mul\n", *map(inspect.getsource, functions)]
    (folder / "batch_tier.py").write_text("\n\n".join(parts), encoding="utf-8")


def judged(**points):
    """The verdict on the file; these functions count, each for so many points."""
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
# Our five functions are right. In `linear` the derivative of the weight is wrong, and the judge shows the smallest
# example on which it is: *two* samples, one input, one output, where $1 \cdot 1 + 1 \cdot 1$ should come out and 1
# did. It even knows the mistake: the loop over the samples assigns where it should add, and only the last sample
# counts. With one sample that is right, which is why our check passed.
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
# Two functions are left until a net can learn. The sigmoid, $\sigma(z) = 1 / (1 + e^{-z})$, is written so that the
# exponential is never large (page 9), and its derivative as $\sigma(z)\,\sigma(-z)$, which is $y(1 - y)$ without a
# subtraction. The loss is log-sum-exp minus the score of the right class, summed over the samples; its derivative is
# prediction minus target (page 1).


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
# Passed. "training" means that whole nets were trained, with three optimizers, and every loss and every weight agreed
# with the tensor tier's. What is not yet written costs nothing here; without `points`, as on the command line, all
# eight functions of dense nets count. There the whole procedure is
#
# - `micrograd-tiers verify --new my_tier.py` writes a skeleton: names, formulas and shapes, no derivative;
# - `micrograd-tiers verify my_tier.py` judges it, as far as it is written;
# - `micrograd-tiers compare --data moons --tiers tensor my_tier.py` trains with both and compares.
#
# The same net
# ------------
#
# See it once by hand. One net, copied by `to` to our file and to the tensor tier, trained by both on the same samples
# in the same order:

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
print(f"no weight differs by more than {difference:.1e}")
assert difference < 1e-11
assert histories["tensor"][-1] < 0.7 * histories["tensor"][0]

figure, axes = plt.subplots(figsize=(6, 3.4), layout="constrained")
axes.plot(histories["tensor"], "-", linewidth=4, alpha=0.4, label="tensor")
axes.plot(histories["our own"], "-", linewidth=1, color="black", label="our own")
axes.set(xlabel="step", ylabel="loss of the mini-batch", title="Two tiers, one curve")
axes.legend()
plt.show()

# %% [markdown]
# After 200 steps the weights agree but for rounding: our `sum` and NumPy's matrix product add in different orders
# (page 6). It is the same net.
#
# The race
# --------
#
# The judge has measured, too: one training step of a 64-30-10 net on 32 samples, at our tier and at the built-in
# ones.

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
axes.set_title("64-30-10, 32 samples a step")
axes.grid(axis="x")
plt.show()
assert set(speeds) == {"our own", "scalar", "vector", "tensor"}

# %% [markdown]
# The numbers are those of the machine that ran this page. Look at our tier beside the scalar tier, which computes
# with the same lists. For each sample it makes a table as large as the weight and adds it to a sum; ours takes one
# long dot product for each weight, and makes one table for all. And look at how far both are from NumPy, whose
# numbers lie side by side in memory, and whose loops are compiled.
#
# With the derivatives of JAX or PyTorch
# --------------------------------------
#
# **Question.** These libraries find derivatives by themselves. What is then left to write?
#
# The formulas forward, and one function that turns the library's derivative into ours. JAX has `jax.vjp`: it returns
# the value and the function that carries a derivative back, just what a tier's function returns. PyTorch records what
# is done with its tensors, and `torch.autograd.grad` goes back through the record. Here both compute on NumPy arrays,
# so the five functions of the tensor tier serve them as they are.


# %%
def jax_op(f, n):
    """The op whose value is f, with derivatives for its first n arguments by JAX."""
    import jax

    def op(*arguments):
        y, back = jax.vjp(lambda *leaves: f(*leaves, *arguments[n:]), *arguments[:n])

        def gradient(k, dy):
            return np.array(back(np.asarray(dy, y.dtype))[k])

        return np.array(y), tuple(partial(gradient, k) for k in range(n))

    return op


def torch_op(f, n):
    """The same by PyTorch."""
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
# The next cell runs if one of the two is installed. A tier need not be a file: any object with the functions will do.

# %%
library = next(filter(importlib.util.find_spec, ("jax", "torch")), None)
if library == "jax":
    import jax

    jax.config.update("jax_enable_x64", True)  # else it computes in float32

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
    print(f"{library}: no gradient differs by more than {worst:.1e}")
    assert worst < 1e-12

# %% [markdown]
# In the package's repository `examples/torch_tier.py` is a whole tier of this kind, on PyTorch's own arrays; it
# passes `verify`. To give a tier to others, put it into a package and name it in its `pyproject.toml`, under
# `[project.entry-points."micrograd_tiers.tiers"]`, with a line such as `my-tier = "my_package.my_tier"`. Where the
# package is installed, `tier="my-tier"` is then as good as `tier="tensor"`.
#
# Exercises
# ---------
#
# 1. Write `sigma` as `1 / (1 + math.exp(-z))` for all `z`, write the file again and have it judged. On which number
#    does it fail, and how? `assert "OverflowError" in text(judged(sigmoid=1))`
# 2. Write `relu` and `mean_squared_error` for our tier: `assert judged(relu=1, mean_squared_error=1).passed`
# 3. Write a tier, `my_tier.py`, whose `linear` is the tensor tier's with the value rounded to float32 and back. What
#    does the judge say? `assert "low_precision" in text(judge("my_tier.py", points={"linear": 1}))`
# 4. Start from `micrograd-tiers verify --new my_tier.py --like scalar`, fill in `tanh`, and see what `micrograd-tiers
#    verify my_tier.py` says of it and of the rest.
#
# This is the last page. From one derivative to a tier of your own, everything was made of the same two things: a
# value, and a way back.
