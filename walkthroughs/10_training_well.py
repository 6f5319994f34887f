r"""
10. Training well
=================

A net that could learn does not learn by itself. Somebody has to choose how long it trains, how large its steps are, how
many samples each step looks at, where the weights start, and by which rule they move. This page takes these choices one
by one: what each of them does, how to see that it is wrong, and where to begin.

You need to know that a net has weights, and that training moves them a little at a time against their derivatives, the
*gradient* (page 1 to page 5). The largest data set here has 1,000 digits, drawn offline, where MNIST has 60,000. So all
the training on this page takes seconds.
"""

# %%
import textwrap

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets import moons, train_validation_split


def draw(curves, title, x=None, guess=None, **labels):
    axes = plt.figure(figsize=(6.4, 3.4), layout="constrained").gca()
    for (label, curve), marker in zip(curves.items(), "os^Dv", strict=False):
        axes.plot(x or range(1, len(curve) + 1), curve, marker + "-", markersize=4, label=label)
    if guess is not None:
        axes.axhline(guess, color="gray", linestyle=":", label="knows nothing")
    axes.set(**{"title": title, "xlabel": "epoch", "ylabel": "validation loss", **labels})
    axes.legend(loc="upper left", bbox_to_anchor=(1, 1))
    plt.show()


# %% [markdown]
# Two losses
# ----------
#
# Let us train on 60 points. They form two half moons, so noisy that they overlap. Another 500 points from the same
# source are set aside. The net never learns from these. It is only evaluated on them: they are the *validation set*.
#
# One *epoch* is one pass over all training samples. The samples come in *mini-batches*, here of 10, and each
# mini-batch leads to one step of the weights. That makes 6 steps per epoch. For each epoch we record the *training
# loss*, which is the mean loss on the 60 points, and the *validation loss*, which is the mean loss on the 500 others.
# (The learning rate and the starting weights are chosen with care. How to choose them comes further down.)

# %%
X, y = moons(60, rng=np.random.default_rng(0), noise=0.3)
validation = moons(500, rng=np.random.default_rng(100), noise=0.3)


def fit_moons(**options):
    net = mt.mlp([2, 50, 50, 2], "relu", init="kaiming")
    settings = {"optimizer": mt.SGD(learning_rate=0.1), "batch_size": 10, "epochs": 400}
    return net, mt.fit(net, X, y, validation=validation, **settings, **options)


last, run = fit_moons()
best = int(np.argmin(run.validation_loss))
axes = plt.figure(figsize=(6, 3.6), layout="constrained").gca()
axes.plot(range(1, 401), run.train_loss, label="training")
axes.plot(range(1, 401), run.validation_loss, "--", label="validation")
axes.plot(best + 1, run.validation_loss[best], "ko", label="lowest validation loss")
axes.set(xlabel="epoch", ylabel="loss", title="Two losses", ylim=(0, None))
axes.legend()
plt.show()
for e in (best, 399):
    train, valid = run.train_loss[e], run.validation_loss[e]
    print(f"epoch {e + 1}: training {train:.3f}, validation {valid:.3f}")
assert run.train_loss[-1] < 0.3 * run.train_loss[best]
assert run.validation_loss[-1] > 1.3 * run.validation_loss[best]

# %% [markdown]
# **Question.** Which of the 400 nets would you rather use? The last one has the lower training loss.
#
# The training loss tells you how well a net fits *these* 60 points. The validation loss tells you how well it does on
# points that it has not seen, and that is what you want a net for. At first both fall: the net learns what all the
# points have in common. Then the training loss keeps falling while the validation loss rises: the net is memorizing
# the noise in its 60 points. That is *overfitting*.
#
# So stop when the validation loss no longer falls: *early stopping*. The curve is bumpy, so wait a while. With
# `patience=50`, training ends when the lowest value is 50 epochs old. By then the weights have moved on, and
# `keep_best=True` restores those of the best epoch. How do the two nets divide the plane?

# %%
stopped, short = fit_moons(patience=50, keep_best=True)
losses = short.validation_loss
lowest = int(np.argmin(losses)) + 1
print(f"stopped after {len(losses)} epochs, with the weights of epoch {lowest}")
assert len(losses) == lowest + 50 < 400
assert mt.evaluate(stopped, *validation)["loss"] == min(losses)

across, up = np.meshgrid(np.linspace(-2, 3, 120), np.linspace(-1.5, 2, 120))
plane = np.column_stack([across.ravel(), up.ravel()])
bands = {"levels": np.linspace(0, 1, 11), "cmap": "RdBu", "alpha": 0.7}
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="constrained", sharey=True)
for axes, net, title in zip(panels, (stopped, last), ("stopped early", "400 epochs"), strict=True):
    chance = net.predict_proba(plane)[:, 1].reshape(across.shape)
    image = axes.contourf(across, up, chance, **bands)
    for c, style in enumerate(("oC3", "^C0")):
        axes.plot(*X[y == c].T, style, markeredgecolor="white", markersize=6)
    axes.set(title=title, xlabel="first feature")
panels[0].set(ylabel="second feature")
figure.colorbar(image, label="probability of class 1")
plt.show()
surer = [net.predict_proba(validation[0]).max(axis=1).mean() for net in (stopped, last)]
print(f"mean probability of the answer: {surer[0]:.2f} stopped early, {surer[1]:.2f} after 400 epochs")
assert mt.evaluate(last, X, y)["accuracy"] == 1
assert surer[0] < surer[1]

# %% [markdown]
# The net on the right has bent its boundary around single points until all 60 were right. It is also more sure of
# itself, and wherever it is sure and wrong, the loss is large.
#
# One warning. The 500 points have now taken part in a choice, that of the epoch, so their loss looks a little better
# than it is. If you report a result, measure it once, at the end, on a third set that has taken part in nothing: the
# *test set*.
#
# The learning rate
# -----------------
#
# How far should a step go? Take the smallest net there is: one weight, $y = wx$, on the samples $(1, 2)$ and
# $(-1, -2)$, with the squared error. Both samples say that $w$ should be 2:
#
# $$
# L = (w - 2)^2, \qquad w \leftarrow w - \eta \cdot 2 (w - 2),
# \qquad \text{so} \quad (w - 2) \leftarrow (1 - 2 \eta)(w - 2) .
# $$
#
# Here $\eta$ is the *learning rate*. Each step multiplies the distance from the goal by $1 - 2\eta$. **Question.**
# What happens for $\eta = 0.05$, $0.5$, $0.95$, and $1.05$? The factors are $0.9$, $0$, $-0.9$, and $-1.1$.


# %%
def path_of(rate, steps=6):
    net = mt.Network([mt.Linear(1, 1)], "mean_squared_error", init="zeros")
    x, y = [[1.0], [-1.0]], [[2.0], [-2.0]]
    trainer = mt.Trainer(net, x, y, optimizer=mt.SGD(rate), epochs=steps)
    path = [0.0]
    while not trainer.finished:
        trainer.step()
        path.append(net.state_dict()["0.weight"].item())
    return np.array(path)


figure, panels = plt.subplots(1, 4, figsize=(9, 2.8), layout="constrained", sharey=True)
w = np.linspace(-2, 6, 200)
titles = {0.05: "too small", 0.5: "just right", 0.95: "too large", 1.05: "diverging"}
for axes, (rate, title) in zip(panels, titles.items(), strict=True):
    path = path_of(rate)
    axes.plot(w, (w - 2) ** 2, color="lightgray")
    axes.plot(path, (path - 2) ** 2, "o-", markersize=4)
    axes.set(title=f"{rate}: {title}", xlabel="w")
    assert np.allclose(path - 2, (1 - 2 * rate) ** np.arange(7) * (0 - 2))
panels[0].set(ylabel="loss")
plt.show()

# %% [markdown]
# If the factor is between $-1$ and $1$, the weight gets there sooner or later. Otherwise no step lands any nearer
# than it started, and beyond $-1$ the loss grows until it is infinite. The package stops there and says so:

# %%
try:
    path_of(rate=3.0, steps=1000)
except mt.DivergedError as error:
    message = str(error)
print(textwrap.fill(message, 84))
assert "a learning rate that is too large" in message

# %% [markdown]
# A real net is not a parabola, and no formula gives its best rate. But the pictures are the same. Here a net with 50
# hidden sigmoids learns 1,000 digits of 28 by 28 pixels, in batches of 32. Another 500 are set aside. A net that
# knows nothing gives each of the ten digits the probability $\frac1{10}$, so its loss is
# $-\ln \frac1{10} = \ln 10 \approx 2.30$. That number belongs in the plot.

# %%
digits = mt.load_dataset("glyphs", n_train=1500, n_test=1)
digits_x, digits_y, *held_out = train_validation_split(digits.train_x, digits.train_y, 500)
guess = np.log(10)


def fit_digits(optimizer, batch_size=32, epochs=10, init="xavier", schedule=None):
    net = mt.two_layer_net(784, 50, 10, init=init)
    return mt.fit(
        net, digits_x, digits_y, optimizer=optimizer, batch_size=batch_size, epochs=epochs,
        validation=held_out, schedule=schedule,
    )  # fmt: skip


runs = {f"rate {r:g}": fit_digits(mt.SGD(r)).validation_loss for r in (0.01, 1, 10)}
draw(runs, "784-50-10 on 1,000 digits", guess=guess)
assert runs["rate 1"][-1] < 1 < runs["rate 0.01"][-1] < guess < max(runs["rate 10"])

# %% [markdown]
# Too small: the curve is smooth and hardly falls. Too large: it jumps about, and again and again it is worse than
# knowing nothing. (It does not become infinite, because a classifier's loss grows only in proportion to its scores.)
# In between, the curve falls fast and trembles a little. Where should you begin? Try 0.01, 0.1, and 1, and keep the
# largest rate whose curve still falls.
#
# The batch size
# --------------
#
# You want the gradient over all samples. A step follows the gradient of its mini-batch, which is an estimate.
# **Question.** How does the error of the estimate depend on the batch size $B$? Draw 100 batches of each size and see
# how far their gradients are from the full gradient, relative to its length.

# %%
net = mt.two_layer_net(784, 50, 10)
_, full = net.loss_and_grads(digits_x, digits_y)
length = np.sqrt(sum((gradient**2).sum() for gradient in full.values()))
rng, errors = np.random.default_rng(0), {}
for size in (1, 4, 16, 64, 256):
    squares = []
    for _ in range(100):
        drawn = rng.integers(1000, size=size)
        _, grads = net.loss_and_grads(digits_x[drawn], digits_y[drawn])
        squares.append(sum(((grads[name] - full[name]) ** 2).sum() for name in full))
    errors[size] = np.sqrt(np.mean(squares)) / length
    by_root = errors[size] * size**0.5
    print(f"B = {size:3}: error {errors[size]:.2f}; error times root of B {by_root:.2f}")
    assert abs(by_root / errors[1] - 1) < 0.25
assert errors[1] > 2

# %% [markdown]
# The error falls as $1 / \sqrt{B}$, as for every mean: four times the samples only halve it. The gradient of a single
# sample is off by several times the length of the true one. But it is cheap: 1,000 samples give you 1,000 rough
# steps, or one good one. Which is better? Here are 10 epochs for each batch size, all at the rate 0.5:

# %%
runs = {size: fit_digits(mt.SGD(0.5), batch_size=size) for size in (1, 4, 32, 256, 1000)}
steps = {size: len(run.batch_loss) // 10 for size, run in runs.items()}
names = [f"{size}: {n:,} step{'s' * (n > 1)} per epoch" for size, n in steps.items()]
curves = [run.validation_loss for run in runs.values()]
draw(dict(zip(names, curves, strict=True)), "Batch sizes", guess=guess)
assert steps == {1: 1000, 4: 250, 32: 32, 256: 4, 1000: 1}
settled = {size: np.mean(run.validation_loss[5:]) for size, run in runs.items()}
assert settled[4] < settled[32] < settled[256] < settled[1000]
assert settled[1] > 2 * settled[4]

# %% [markdown]
# Batches of 256 and 1,000 take too few steps to get anywhere. Batches of 4 get furthest. Single samples throw the
# weights about: the rate is too large for that much noise. So the rate and the batch size belong together, and if you
# change one, look at the other again. Sizes from 16 to 128 are a good start: they give many steps, and matrices that
# are large enough to be fast (page 7).
#
# The starting weights
# --------------------
#
# A hidden unit sums its inputs, $z = \sum_i w_i x_i$. If the weights are drawn independently, with mean 0 and
# variance $v$, the variances add: $\operatorname{Var}(z) = v \sum_i x_i^2$. **Question.** A digit has 784 pixels.
# With $v = 1$, the standard normal distribution, how large is $z$, and what does a sigmoid do with it? In Xavier
# initialization, $v = 2 / (I + O)$, for the $I$ inputs and $O$ outputs of the layer.

# %%
expected = np.sqrt((digits_x**2).sum(axis=1).mean())
print(f"by the formula, the standard deviation of z is {expected:.1f} for v = 1")
deviation, slope, loss = {}, {}, {}
figure, panels = plt.subplots(1, 2, figsize=(7.5, 3), layout="constrained", sharey=True)
for axes, init in zip(panels, ("standard_normal", "xavier_normal"), strict=True):
    weight = mt.two_layer_net(784, 50, 10, init=init).state_dict()["0.weight"]
    z = digits_x @ weight.T  # biases start at 0
    h = 1 / (1 + np.exp(-z))
    axes.hist(h.ravel(), bins=40)
    axes.set(title=init, xlabel="output of a hidden unit", xlim=(0, 1))
    deviation[init], slope[init] = z.std(), (h * (1 - h)).mean()
    loss[init] = fit_digits(mt.SGD(0.5), init=init).validation_loss[-1]
    print(f"{init}: deviation {deviation[init]:.1f}, slope {slope[init]:.3f}, final loss {loss[init]:.2f}")
panels[0].set(ylabel="count")
plt.show()
assert abs(deviation["standard_normal"] / expected - 1) < 0.25
assert slope["standard_normal"] < 0.08 < 0.2 < slope["xavier_normal"] < 0.25
assert loss["standard_normal"] > 1.3 * loss["xavier_normal"]

# %% [markdown]
# With standard normal weights, most sigmoids are near 0 or 1: they are *saturated*. There the slope $h(1 - h)$ is
# close to 0. It is a factor of every gradient in the first layer, so that layer hardly learns. With Xavier
# initialization the slope is close to its maximum, $\frac14$.
#
# In a deep net such factors multiply. ReLU, $\max(z, 0)$, turns half of the numbers into 0 and so halves the mean
# square. Kaiming initialization, $v = 2 / I$, makes up for that. **Question.** What is left of a signal after 20
# layers of 100 ReLUs?

# %%
signal = np.random.default_rng(0).standard_normal((200, 100))
sizes = {"standard_normal": [], "xavier_normal": [], "kaiming_normal": []}
for init, by_layer in sizes.items():
    weights, a = mt.mlp([100] * 21 + [10], "relu", init=init).state_dict(), signal
    for layer in range(20):
        a = np.maximum(a @ weights[f"{2 * layer}.weight"].T, 0)
        by_layer.append(np.sqrt((a**2).mean()))
labels = {"xlabel": "layer", "ylabel": "root mean square", "xticks": range(0, 21, 5)}
draw(sizes, "20 layers of 100 ReLUs", yscale="log", **labels)
print({init: f"{by_layer[-1]:.1e}" for init, by_layer in sizes.items()})
assert sizes["standard_normal"][-1] > 1e12
assert sizes["xavier_normal"][-1] < 1e-2 < 0.1 < sizes["kaiming_normal"][-1] < 10

# %% [markdown]
# Each layer multiplies the mean square by $v I / 2$, which is 50, $\frac12$, and 1. So use Xavier for sigmoid and
# tanh, and Kaiming for ReLU. Why not start at zero? See page 11.
#
# Momentum
# --------
#
# Two weights may need very different rates. Let $L = \frac12 (a^2 + 25 b^2)$: a long valley, flat along $a$ and steep
# along $b$. Its gradient is $(a, 25b)$. A rate above $2/25$ diverges across the valley, and any rate below that is
# slow along it. Now think of a heavy ball. It has a velocity $v$, which friction slows and the slope drives:
#
# $$
# v \leftarrow \mu v + \text{gradient}, \qquad w \leftarrow w - \eta v .
# $$
#
# **Question.** If the slope is 1 everywhere and the *momentum* $\mu$ is 0.9, how fast does the ball get? By hand: 1,
# then $0.9 + 1 = 1.9$, then $2.71$, and in the end $1 / (1 - \mu) = 10$. Across the valley the slope changes its sign
# again and again, and most of it cancels.


# %%
def gradient_at(w):
    return w * [1.0, 25.0]


def height(w):
    return (w**2 * [0.5, 12.5]).sum(axis=-1)


def roll(rate, momentum, steps):
    w, v, path = np.array([-10.0, 1.5]), 0, []
    for _ in range(steps):
        path.append(w)
        v = momentum * v + gradient_at(w)
        w = w - rate * v
    return np.array(path)


def arrival(rate, momentum):
    """Return the number of steps to the bottom, a height below 0.01; at most 100."""
    low = height(roll(rate, momentum, 100)) < 0.01
    return int(np.argmax(low)) if low.any() else 100


a, b = np.meshgrid(np.linspace(-11, 4, 100), np.linspace(-2, 2, 100))
figure, panels = plt.subplots(2, 1, figsize=(6.4, 4.4), layout="constrained", sharex=True)
rates, best = np.arange(5, 150) / 1000, {}
for axes, momentum in zip(panels, (0.0, 0.5), strict=True):
    rate = best[momentum] = min(rates, key=lambda rate: arrival(rate, momentum))
    axes.contour(a, b, height(np.stack([a, b], axis=-1)), levels=12, colors="lightgray")
    axes.plot(*roll(rate, momentum, 100).T, "o-", markersize=3)
    title = f"momentum {momentum}, rate {rate}: at the bottom after {arrival(rate, momentum)} steps"
    axes.set(title=title, ylabel="b")
panels[1].set(xlabel="a")
plt.show()
assert abs(sum(0.9**t for t in range(1000)) - 10) < 1e-9
assert [arrival(rate, momentum) for momentum, rate in best.items()] == [55, 12]
assert best[0.0] < 2 / 25 < best[0.5]
assert height(roll(0.081, 0.0, 300)[-1]) > height(roll(0.081, 0.0, 1)[0])

# %% [markdown]
# Each ball has the best of 145 rates. Without momentum the weights leap from side to side and creep along the valley:
# 55 steps. With momentum they run down it and even overshoot, and need only 12. They can also bear a rate that diverges
# without momentum. Where the slope keeps its sign, the velocity adds up about $1 / (1 - \mu)$ gradients, so choose a
# smaller rate for a $\mu$ near 1.
#
# Does the package do the same as `roll`? An optimizer accepts any gradient, so let it move two weights of a net along
# our valley.


# %%
def descend(optimizer, steps, factor=1.0):
    net, memory, path = mt.Network([mt.Linear(2, 1)], "mean_squared_error"), {}, []
    net.load_state_dict({"0.weight": [[-10.0, 1.5]], "0.bias": [0.0]})
    for _ in range(steps):
        w = net.state_dict()["0.weight"]
        path.append(w[0])
        optimizer.step(net, {"0.weight": factor * gradient_at(w)}, memory)
    return np.array(path)


assert abs(descend(mt.SGD(0.07, momentum=0.7), 100) - roll(0.07, 0.7, 100)).max() < 1e-12

# %% [markdown]
# Adam
# ----
#
# Adam gives each weight a rate of its own. It keeps a running mean of the gradients $g$ and another of their squares,
# and divides the first by the root of the second:
#
# $$
# m \leftarrow \beta_1 m + (1 - \beta_1) g, \quad s \leftarrow \beta_2 s + (1 - \beta_2) g^2, \quad
# w \leftarrow w - \eta \frac{m / (1 - \beta_1^t)}{\sqrt{s / (1 - \beta_2^t)} + \varepsilon} .
# $$
#
# At step $t$, the divisors $1 - \beta^t$ correct for the fact that $m$ and $s$ start at 0, and $\varepsilon$ is tiny.
# **Question.** How long is the first step? By hand: $m = (1 - \beta_1) g$, so the numerator is $g$ and the root is
# $|g|$. The step is $\eta$, whatever the gradient. And what if the whole loss is multiplied by 1,000? Adam follows
# the same path, while SGD flies off.

# %%
path = descend(mt.Adam(0.5), 100)
print("first step:", (path[1] - path[0]).round(6))
assert np.allclose(path[1] - path[0], [0.5, -0.5])
assert np.allclose(path, descend(mt.Adam(0.5), 100, factor=1000), atol=1e-6)
assert abs(descend(mt.SGD(0.07), 10, factor=1000)).max() > 1e9

# %% [markdown]
# So Adam's rate says how far a weight moves in one step. Now let each optimizer train on the digits for three epochs,
# at rates over seven powers of ten:

# %%
rates = [10.0**k for k in range(-5, 2)]
makers = {"SGD": mt.SGD, "momentum 0.9": lambda r: mt.SGD(r, momentum=0.9), "Adam": mt.Adam}
ends = {}
for name, make in makers.items():
    ends[name] = [fit_digits(make(rate), epochs=3).validation_loss[-1] for rate in rates]
draw(ends, "Each has a rate of its own", rates, guess, xlabel="learning rate", xscale="log", yscale="log")
best = {name: rates[np.argmin(losses)] for name, losses in ends.items()}
print(best)
assert rates[0] < best["Adam"] < best["SGD"] < rates[-1]
assert np.allclose(ends["SGD"][1:5], ends["momentum 0.9"][:4], rtol=0.1)
lowest, highest = [[f(losses) for losses in ends.values()] for f in (min, max)]
assert max(lowest) / min(lowest) < min(h / low for h, low in zip(highest, lowest, strict=True))

# %% [markdown]
# Each curve falls and rises again: too slow on the left, thrown about on the right. Up to that point, momentum 0.9
# does what SGD does at ten times the rate, because ten gradients add up. The three optimizers, each at its best rate,
# differ less than any one of them differs between its best rate and a bad one. The choice of the rate matters more
# than the choice of the optimizer.
#
# Schedules
# ---------
#
# Large steps get far, and small steps settle. A *schedule* gives you both: it multiplies the rate by a factor that
# falls from epoch to epoch. For batches of 4, the rate 2 is too large to end with, but not too large to begin with.

# %%
step, cosine = mt.StepDecay(4, 0.2), mt.CosineAnnealing(10)
runs = {
    "always 2": fit_digits(mt.SGD(2.0), batch_size=4).validation_loss,
    "StepDecay(4, 0.2)": fit_digits(mt.SGD(2.0), batch_size=4, schedule=step).validation_loss,
    "CosineAnnealing(10)": fit_digits(mt.SGD(2.0), batch_size=4, schedule=cosine).validation_loss,
}
draw(runs, "The rate falls", ylim=(0, None))
for name, schedule in {"step decay": step, "cosine": cosine}.items():
    print(f"{name}: rate", [round(2 * schedule.factor(epoch), 2) for epoch in range(10)])
assert runs["StepDecay(4, 0.2)"][-1] < runs["always 2"][-1] > runs["CosineAnnealing(10)"][-1]

# %% [markdown]
# Where to begin
# --------------
#
# - Set samples aside, some for validation and some for the test. Plot both losses.
# - Use Kaiming initialization with ReLU, and Xavier with sigmoid and tanh. Use batches of 16 to 128.
# - Begin with SGD with momentum 0.9 at the rate 0.01, or with Adam at 0.001. Multiply the rate by ten for as long as
#   the curve still falls. Toward the end, let a schedule lower it.
# - Train until the validation loss rises, and keep the best weights.
#
# Exercises
# ---------
#
# 1. For the net with one weight, which rate halves the distance to the goal at each step and changes its sign? Then
#    `assert np.allclose(path_of(rate) - 2, -2 * (-0.5) ** np.arange(7))`
# 2. A layer with 784 inputs and 50 units gets Kaiming initialization. What is the standard deviation of its weights?
#    `assert abs(mt.mlp([784, 50, 10], "relu", init="kaiming").state_dict()["0.weight"].std() / deviation - 1) < 0.02`
# 3. On a slope of 1 everywhere, which momentum makes the ball four times as fast as no momentum? By hand, then
#    `assert abs(sum(momentum**t for t in range(1000)) - 4) < 1e-9`
# 4. Write Adam the way `roll` is written, with $\beta_1 = 0.9$, $\beta_2 = 0.999$, and $\varepsilon = 10^{-8}$:
#    `assert np.allclose(my_adam(0.5, 100), descend(mt.Adam(0.5), 100))`
#
# Next, on page 11: what it looks like when learning fails, and how to find out why.
