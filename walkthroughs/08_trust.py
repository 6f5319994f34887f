r"""
8. Trust
========

A program with a syntax error stops. A program with a wrong derivative keeps going: it learns a little worse, or a
little better, and nobody asks why. On this page you get four tools that do ask: gradient checks, the complex step,
properties tested on random examples, and a judge. Along the way you hunt four real bugs.

You need the numerical derivatives of page 1, and the form of an op from page 5: it returns its value and, for each
input, a function that turns $dL/dy$ into the derivative with respect to that input. Such a function is called a *vjp*
(vector-Jacobian product).
"""

# %%
import os
import tempfile
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import micrograd_tiers as mt
from micrograd_tiers.lab.judge.report import paragraph
from micrograd_tiers.lab.judge.support import completed
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import tensor

# Hypothesis stores files in a folder; keep them out of the current one.
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(tempfile.gettempdir()) / "hypothesis")

# %% [markdown]
# A wrong gradient that learns
# ----------------------------
#
# The package has a museum of bugs: real mistakes, each of which can be planted in a tier. Here the same net is trained
# twice on two half moons, from the same weights. In one of the two trainings, the derivative of the sigmoid is wrong.
#
# **Question.** In which one?

# %%
data = mt.load_dataset("moons", n_train=400, n_test=400)
wrong_tier = get_bug("sigmoid_derivative_of_tanh").tier("tensor")


def new_net(tier):
    return mt.mlp([2, 16, 16, 2], "sigmoid", tier=tier, seed=0)


losses = {}
for name, tier in (("A", wrong_tier), ("B", "tensor")):
    net = new_net(tier)
    history = mt.fit(net, data.train_x, data.train_y, optimizer=mt.SGD(0.5), batch_size=16, epochs=20)
    losses[name] = history.train_loss
    accuracy = mt.evaluate(net, data.test_x, data.test_y)["accuracy"]
    print(f"{name}: training loss {losses[name][-1]:.3f}, test accuracy {accuracy:.1%}")

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.plot(range(1, 21), losses["A"], "o-", label="A")
axes.plot(range(1, 21), losses["B"], "s-", label="B")
axes.set(xlabel="epoch", ylabel="training loss", title="Which of the two is wrong?", xticks=range(2, 21, 2))
axes.legend()
plt.show()
assert losses["A"][-1] < losses["B"][-1]

# %% [markdown]
# It is A, the one with the lower loss. Its slope is $1 - y^2$, the slope of tanh, and the right slope is $y (1 - y)$.
# The wrong one is always larger, so the first layers take larger steps, and here this does no harm. A falling curve
# proves nothing.
#
# Checking every weight
# ---------------------
#
# So ask the net itself. Move one weight by $h$ in both directions, see how the loss changes, and compare this with the
# derivative from backpropagation. Twenty samples and one weight matrix are enough.

# %%
X, y = data.train_x[:20], data.train_y[:20]
net = new_net("tensor")
start = net.state_dict()


def loss_at(weight):
    net.load_state_dict(start | {"0.weight": weight})
    return net.loss_and_grads(X, y)[0]


def central_difference(f, x, h):
    slopes = np.zeros_like(x)
    for k in np.ndindex(x.shape):
        step = np.zeros_like(x)
        step[k] = h
        slopes[k] = (f(x + step) - f(x - step)) / (2 * h)
    return slopes


numerical = central_difference(loss_at, start["0.weight"], 1e-5)
right = new_net("tensor").loss_and_grads(X, y)[1]["0.weight"]
wrong = new_net(wrong_tier).loss_and_grads(X, y)[1]["0.weight"]

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
axes.axline((0, 0), slope=1, color="gray", linewidth=1)
axes.plot(numerical.ravel(), wrong.ravel(), "o", label="A")
axes.plot(numerical.ravel(), right.ravel(), "s", label="B")
axes.set(xlabel="numerical derivative", ylabel="derivative by backpropagation", title="32 weights of each net")
axes.legend()
plt.show()

# %% [markdown]
# Right derivatives lie on the line, where both agree. To put the agreement into a number, divide the difference by the
# larger of the two: a difference of 0.0001 is nothing beside a derivative of 100, and everything beside one of 0.0001.
#
# $$
# \text{relative error} = \frac{|a - n|}{\max(|a|, |n|)}
# $$
#
# **Question.** How small is small enough?


# %%
def relative_error(a, n):
    return abs(a - n) / np.maximum(abs(a), abs(n))


print("relative errors:")
print(f"A: from {relative_error(wrong, numerical).min():.0e} to {relative_error(wrong, numerical).max():.0e}")
print(f"B: from {relative_error(right, numerical).min():.0e} to {relative_error(right, numerical).max():.0e}")
assert relative_error(wrong, numerical).min() > 0.1
assert relative_error(right, numerical).max() < 1e-6

# %% [markdown]
# With central differences in float64 (16 digits), a right derivative has a relative error of $10^{-7}$ or less. A wrong
# one usually has $10^{-2}$ or more, because a forgotten factor is not a matter of digits. In between, look closer: the
# step may be bad, or there is a kink. A good check needs two things: more than one sample, because some mistakes do not
# show with one, and numbers other than 0 and 1, where too many formulas agree.
#
# Which step?
# -----------
#
# Page 1 showed that there is a best step. Where is it? Write down $f$ on both sides,
#
# $$
# f(x \pm h) = f(x) \pm h f'(x) + \tfrac{h^2}{2} f''(x) \pm \tfrac{h^3}{6} f'''(x) + \dots
# $$
#
# and subtract: $f$ and $f''$ cancel, and the difference quotient has an error of $\frac{h^2}{6} f'''$. But each value
# of $f$ is also rounded, by about $\varepsilon |f|$, where $\varepsilon$ is $2.2 \cdot 10^{-16}$ in float64. Divided by
# $2h$, this error *grows* as $h$ shrinks. The two errors are about equal where $h^3$ is about $\varepsilon$, and the
# error that remains there is about $h^2$.

# %%
for dtype in (np.float64, np.float32):
    epsilon = np.finfo(dtype).eps
    print(f"{dtype.__name__}: epsilon {epsilon:.1e}, best step near {np.cbrt(epsilon):.0e}")
assert np.cbrt(np.finfo(np.float64).eps) < 1e-5 < 1e-3 < np.cbrt(np.finfo(np.float32).eps)

# %% [markdown]
# So $10^{-5}$ is a good step in float64. In float32, which has 7 digits, even the best step leaves only a few of them:
# **check in float64.**
#
# Complex step
# ------------
#
# The trouble is the subtraction, and there is a way around it. Step not to the side but into the complex plane, by $ih$
# with $i^2 = -1$:
#
# $$
# f(x + ih) = f(x) + ih f'(x) - \tfrac{h^2}{2} f''(x) - \tfrac{i h^3}{6} f'''(x) + \dots
# $$
#
# Complex arithmetic keeps the terms with $i$ apart from the others. Take the imaginary part and divide by $h$:
#
# $$
# \frac{\operatorname{Im} f(x + ih)}{h} = f'(x) - \tfrac{h^2}{6} f'''(x) + \dots
# $$
#
# Nothing is subtracted, so $h$ may be as small as you like. With $h = 10^{-20}$, $h^2$ is lost beside 1.
#
# **Question.** What does this give for $f(x) = x^3$ at $x = 2$? By hand: $(2 + ih)^3 = 8 + 12\,ih - 6h^2 - ih^3$, so
# the result is $12 - h^2$.


# %%
def complex_step(f, x, h=1e-20):
    return f(x + 1j * h).imag / h


print(complex_step(lambda x: x**3, 2.0))
assert abs(complex_step(lambda x: x**3, 2.0) - 12) < 1e-13


def f(x):
    return np.exp(x) * np.sin(x)


points = np.linspace(0.5, 1.5, 20)
exact = np.exp(points) * (np.sin(points) + np.cos(points))
steps = 10.0 ** np.arange(-20, 0.1, 0.5)
errors = {}
for name, dtype in (("central, float32", np.float32), ("central, float64", np.float64)):
    x = points.astype(dtype)
    slopes = [(f(x + dtype(h)) - f(x - dtype(h))) / dtype(2 * h) for h in steps]
    errors[name] = np.array([relative_error(slope, exact).mean() for slope in slopes])
errors["complex step"] = np.array([relative_error(complex_step(f, points, h), exact).mean() for h in steps])

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for marker, (name, error) in zip("v^o", errors.items(), strict=True):
    axes.loglog(steps, np.maximum(error, 1e-17), marker + "-", markersize=4, label=name)
axes.set(xlabel="step h", ylabel="relative error", title="Three numerical derivatives")
axes.legend(loc="center left")
plt.show()

for name, error in errors.items():
    best = error.argmin()
    print(f"{name}: best at h = {steps[best]:.0e}, with an error of {error[best]:.0e}")
assert 1e-7 < steps[errors["central, float64"].argmin()] < 1e-3
assert 1e-3 < steps[errors["central, float32"].argmin()] < 0.1
assert errors["central, float64"].min() < 1e-9 < 1e-6 < errors["central, float32"].min()
assert errors["complex step"][steps < 1e-8].max() < 1e-15

# %% [markdown]
# Read the plot from right to left. Central differences and the complex step fall side by side. Then the error of the
# differences rises to 1, which means that no digit is right. The complex step stays accurate to the last digit for
# every smaller $h$.
#
# The price is that $f$ must accept complex numbers, and must not use functions that have no complex derivative. The
# absolute value silently drops the imaginary part. **Question.** What does the complex step say about $|x|$ at 3?

# %%
print(complex_step(np.abs, 3.0))
assert complex_step(np.abs, 3.0) == 0
assert abs(mt.numerical_gradient(np.abs, np.array(3.0)) - 1) < 1e-9

# %% [markdown]
# It says 0, but the derivative is 1. So `mt.numerical_gradient` first compares the complex step with a difference. If
# they disagree, it uses differences, and halves the step until the results settle (Richardson extrapolation). How long
# the steps are depends on $x$ and on how much the function itself rounds, so it works for tiny numbers too.
#
# With that, the package checks an op, `mt.check_vjps(op, inputs)`, or a whole net:

# %%
report_of_B = mt.check_network(new_net("tensor"), X, y)
report_of_A = mt.check_network(new_net(wrong_tier), X, y)
print(report_of_B, report_of_A, sep="\n\n")
assert report_of_B.passed
assert {check.name for check in report_of_A.checks if check.passed} == {"4.weight", "4.bias"}

# %% [markdown]
# Each line is the gradient of one parameter, at the weight where it agrees least. Read the second table backward, from
# the last layer to the first. The gradients of layer 4 are right. Those of layers 2 and 0 are wrong, because on their
# way there they pass through a sigmoid, and a wrong vjp corrupts every gradient that it passes on. So the bug lies
# between the gradients that are still right and the first that are wrong: here, in layer 3. For a large matrix, a
# sample of the weights is checked. In the line "direction" all weights move at once, so that none goes untested.
#
# Kinks
# -----
#
# ReLU is $\max(x, 0)$: its slope is 0 on the left and 1 on the right, and at 0 it has a kink. **Question.** What does a
# central difference give at $x = 0$? And at $x = 0.0001$ with the step $h = 0.001$? By hand:
# $(0.0011 - 0) / 0.002 = 0.55$, but the slope is 1.

# %%
for x, h in ((0.0, 1e-3), (1e-4, 1e-3), (1e-4, 1e-5)):
    print(f"x = {x}, h = {h}: {(max(x + h, 0) - max(x - h, 0)) / (2 * h):.3f}")
assert abs((max(1e-4 + 1e-3, 0) - max(1e-4 - 1e-3, 0)) / 2e-3 - 0.55) < 1e-12

at_kink = mt.check_vjps(tensor.relu, [np.array([[-1.0, 0.0, 2.0]])])
print(at_kink)
assert not at_kink.passed
assert mt.check_vjps(tensor.relu, [np.array([[-1.0, 1e-4, 2.0]])]).passed

# %% [markdown]
# At 0 it gives one half, which is neither slope. There is no derivative there; a program takes 0 or 1 by convention,
# and no check can say more. The report does not count it as passed, and says what to do. Near the kink, a large step
# reaches across it and calls a right derivative wrong. A smaller step does not, and the package finds one.
#
# Zero proves nothing
# -------------------
#
# **Question.** Suppose that all the weights of a net start at zero. What is the derivative with respect to the first
# layer? The gradient that reaches this layer was multiplied by the weights of the next layer, and they are 0. Check A
# again, the net with the wrong sigmoid, from such a start.

# %%
X, y = X[:5], y[:5]
net = mt.two_layer_net(2, 3, 2, tier=wrong_tier, init="zeros")
start = net.state_dict()
gradient = net.loss_and_grads(X, y)[1]["0.weight"]
difference = abs(gradient - central_difference(loss_at, start["0.weight"], 1e-5)).max()
print("largest difference:", difference)
assert difference == 0

net.load_state_dict(start)
report = mt.check_network(net, X, y)
print(report)
assert not report.passed
assert [check.name for check in report.checks if "zero" in check.verdict] == ["0.weight", "0.bias"]

# %% [markdown]
# The difference is exactly 0, and the program is wrong. A gradient that is exactly zero agrees with any mistake. The
# report calls such a check vacuous, and does not count it as passed. The same happens with ReLUs that are all off.
#
# Properties
# ----------
#
# If you pick examples by hand, you pick those that work. A *property* is a statement that must be true of every input.
# The tool `hypothesis` draws many inputs, nasty ones among them, and tries to make the statement false.
#
# Here is a property of the layer $y = W x + b$. If the loss is the sum of all outputs, every $dL/dy_o$ is 1, and
# $dL/dx_i$ must be the amount that this sum gains when $x_i$ grows by 1. It must match exactly, because the layer is
# linear, and with whole numbers nothing is rounded. The tier below is from the museum. For the layer that comes to mind
# first, with 3 inputs and 2 outputs, the property holds:

# %%
linear = get_bug("linear_dx_ignores_later_outputs").tier("tensor").linear


def dx_is_what_a_step_gains(weight):
    n_outputs, n_inputs = weight.shape
    x, bias = np.zeros((1, n_inputs)), np.zeros(n_outputs)
    y, (dx, _, _) = linear(x, weight, bias)
    gains = [linear(x + step, weight, bias)[0].sum() - y.sum() for step in np.eye(n_inputs)]
    assert dx(np.ones_like(y))[0].tolist() == gains


dx_is_what_a_step_gains(np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]))

# %% [markdown]
# Now let `hypothesis` choose. `weights` says how to draw one example: one to four outputs, one to four inputs, whole
# numbers from -9 to 9. `@given` passes one example after the other to the test. The settings make it draw the same
# examples each time, store nothing, set no time limit, and print no code to reproduce a failure with.


# %%
@st.composite
def weights(draw):
    n_outputs, n_inputs = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    return np.array([[float(draw(st.integers(-9, 9))) for _ in range(n_inputs)] for _ in range(n_outputs)])


tried = []


@settings(derandomize=True, database=None, deadline=None, print_blob=False)
@given(weights())
def test_dx(weight):
    tried.append([weight, False])
    dx_is_what_a_step_gains(weight)
    tried[-1][1] = True


try:
    test_dx()
except AssertionError as error:
    print(*error.__notes__, sep="\n")
smallest, passed = tried[-1]
assert not passed
assert smallest.tolist() == [[0], [1]]

figure, axes = plt.subplots(figsize=(6, 3.6), layout="constrained")
for marker, outcome, label in (("o", True, "passes"), ("X", False, "fails")):
    sums = {n: abs(weight).sum() for n, (weight, passed) in enumerate(tried, start=1) if passed == outcome}
    axes.plot([*sums], [*sums.values()], marker, label=label)
axes.set(xlabel="examples, in the order they were tried", ylabel="sum of |weight|", title="Found, then shrunk")
axes.legend()
plt.show()

# %% [markdown]
# It finds a failing layer, and then makes it smaller, step by step, for as long as it still fails. This is called
# *shrinking*. The result has one input and two outputs, and only the weight of the second output is not 0. That is all
# it takes to fail, and it tells you what is wrong: the second output is ignored. Here is the op with the bug.


# %%
def show(name):
    bug = get_bug(name)
    _, head, rest = bug.source("tiers/tensor.py").partition(f"def {bug.op}(")
    print(head + rest.partition("\n\n\n")[0])


show("linear_dx_ignores_later_outputs")

# %% [markdown]
# In its second line, `dx` uses as many outputs as there are *inputs*, `x.shape[1]`.
#
# Spot the bug
# ------------
#
# Here are four ops from the museum, each with one bug in it. Find the bug before you read the answers below. In a
# shell, `micrograd-tiers bugs show NAME` prints any bug of the museum, and says what it does to training.

# %%
show("softmax_derivative_diagonal_only")

# %% [markdown]
# **Question A.** One score grows. What should happen to the probabilities of the *other* classes?

# %%
show("relu_drops_negative_gradients")

# %% [markdown]
# **Question B.** It was tested at many `x`, with `dy = 1` everywhere. What was forgotten?

# %%
show("elu_derivative_y_plus_one")

# %% [markdown]
# **Question C.** ELU is $\alpha (e^x - 1)$ at negative $x$. This version passed all tests, and the tests left $\alpha$
# at its default, 1. What is wrong?

# %%
show("sigmoid_forgets_its_call")

# %% [markdown]
# **Question D.** Every derivative that you check is right. When is it wrong?
#
# Answers
# -------
#
# **A.** They fall: off the diagonal, the Jacobian of softmax has $-y_i y_j$ (page 1). Here only the diagonal is left,
# `p * (1 - p)`. A check with three classes shows it.


# %%
def check(name, *inputs, **options):
    bug = get_bug(name)
    return mt.check_vjps(getattr(bug.tier("tensor"), bug.op), inputs, **options)


answer = check("softmax_derivative_diagonal_only", np.array([[1.0, 2.0, 3.0]]))
print(answer)
assert not answer.passed

# %% [markdown]
# **B.** Negative `dy`. `x` alone decides whether a unit is on. `dy` says how the loss changes with the output of the
# unit, and it is negative as often as not. With `dy = 1` the check passes, and with `dy = -1` it fails. By default,
# `mt.check_vjps` draws both.

# %%
x = np.array([[-2.0, 0.5, 3.0]])
assert check("relu_drops_negative_gradients", x, dy=np.ones((1, 3))).passed
assert not check("relu_drops_negative_gradients", x, dy=-np.ones((1, 3))).passed
print(check("relu_drops_negative_gradients", x, dy=-np.ones((1, 3))))

# %% [markdown]
# **C.** The derivative is $\alpha e^x$. Since $y = \alpha e^x - \alpha$, that is $y + \alpha$ and not $y + 1$. At
# $\alpha = 1$ the two are the same. A parameter that always keeps its default has not been tested.

# %%
assert check("elu_derivative_y_plus_one", x, 1.0).passed
assert not check("elu_derivative_y_plus_one", x, 2.0).passed
print(check("elu_derivative_y_plus_one", x, 2.0))

# %% [markdown]
# **D.** When the op has been called again in the meantime, as in any net with two sigmoid layers: `LAST` holds the
# values of the *last* call. A gradient check calls the op, and its vjp right after it, and sees nothing. This property
# catches it: a second call changes nothing for the first.

# %%
assert check("sigmoid_forgets_its_call", x).passed
sigmoid = get_bug("sigmoid_forgets_its_call").tier("tensor").sigmoid
_, (dx,) = sigmoid(np.array([[0.0]]))
before = dx(1.0)
sigmoid(np.array([[5.0]]))
after = dx(1.0)
print("slope at 0:", before[0, 0], "and after another call:", after[0, 0])
assert before == 0.25
assert after < 0.01

# %% [markdown]
# The judge
# ---------
#
# Random examples, shrinking, gradients, calls in another order, NaN, overflow: the judge puts any op through all of
# this, and names the bug if it is in the museum. In a shell, run `micrograd-tiers verify my_tier.py` with a file of
# your own; each op gets its own process. Here is what the judge reports about one op, the ELU of question C:

# %%
bug = get_bug("elu_derivative_y_plus_one")
verdict = judged("elu", completed(bug.tier("tensor"), "tensor"), "tensor")
for finding in verdict["findings"]:
    print(paragraph("elu", finding))
assert verdict["status"] == "fail"
assert verdict["findings"][0]["likely_bug"]["name"] == bug.name
assert judged("elu", tensor, "tensor")["status"] == "pass"

# %% [markdown]
# The example needs only one number: a negative one, with an $\alpha$ that is not 1. The package's own ELU passes. To
# hunt more bugs, run `micrograd-tiers bugs quiz`: it hides a bug and shows you its symptoms.
#
# Exercises
# ---------
#
# 1. For a one-sided difference, $(f(x + h) - f(x)) / h$, the error is $\frac{h}{2} f''$ and the rounding error is
#    $\varepsilon |f| / h$. Where is the best step in float64? Compute the errors of the function `f` above, at the same
#    steps, and `assert 1e-9 < steps[errors.argmin()] < 1e-7`
# 2. By hand: take $1 / (2 + ih)$, and multiply numerator and denominator by $2 - ih$. What does the complex step give
#    for $1/x$ at 2? `assert abs(complex_step(lambda x: 1 / x, 2.0) - ...) < 1e-15`
# 3. The function $x \sigma(x)$ is called *swish*. Find its derivative, write `swish(x)` as an op (value and vjp), and
#    `assert mt.check_vjps(swish, [np.array([[-2.0, 0.5, 3.0]])]).passed`
# 4. `linear_dweight_of_sums` multiplies the sum of all `dy` by the sum of all `x`. For which mini-batches is that
#    right? Find one that passes `mt.check_vjps`, and one with two samples that does not.
# 5. `micrograd-tiers verify --new my_tier.py` writes a file to fill in. Write its `relu`, and let
#    `micrograd-tiers verify my_tier.py` judge it, until it lists `relu` under "pass".
#
# Next, on page 9: what happens when the numbers themselves give way.
