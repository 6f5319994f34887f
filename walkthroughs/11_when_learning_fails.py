r"""
11. When learning fails
=======================

A program with a bug usually stops, or prints nonsense. A net with a bug often learns anyway, only worse, and says
nothing. On this page we make learning fail on purpose, in a dozen ways. For each you will see the *symptom* (the shape
of the loss curve), the *cause*, and the *cure*.

You need to know what training loss, validation loss, and learning rate are (page 10). The data sets have at most 1,000
samples, so the whole page runs in seconds.
"""

# %%
import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.datasets import Standardizer, train_validation_split
from micrograd_tiers.lab.museum import get_bug, planted

# %% [markdown]
# Two questions to ask first
# --------------------------
#
# **Question.** A net has drawn its starting weights and nothing more. You ask it about ten classes. What is its loss?
#
# It knows nothing, so it should give each class about $\frac1{10}$. The loss is then $-\ln \frac1{10} = \ln 10$. If
# the first loss is far above that, the net is sure of something that it cannot know. The second question: can the net
# memorize ten samples? If not, more samples will not help. Both tests take no time.

# %%
digits = mt.load_dataset("glyphs", n_train=1500, n_test=1)
X, y, *held_out = train_validation_split(digits.train_x, digits.train_y, 500)

net = mt.two_layer_net(784, 50, 10)
first = mt.evaluate(net, X, y)["loss"]
mt.fit(net, X[:10], y[:10], optimizer=mt.SGD(0.5), epochs=200)
ten = mt.evaluate(net, X[:10], y[:10])["loss"]
print(f"loss at the start {first:.2f} (ln 10 is {np.log(10):.2f}), of ten memorized samples {ten:.3f}")
assert abs(first - np.log(10)) < 0.4
assert ten < 0.05

# %% [markdown]
# Starting at zero
# ----------------
#
# Why are starting weights random? Let us start a net with 8 hidden sigmoids from zero, on two half moons.
# **Question.** Which of its gradients are zero in the first step?
#
# Every hidden unit gets $z = 0$ and outputs $h = \frac12$. Both scores are 0, so both classes get $\frac12$, and the
# gradient of the scores is prediction minus target (page 1). Multiplied by $h$, it gives the gradient of the last
# weights, the same for each unit. Multiplied by the last weights, it gives the gradient that goes back to the hidden
# layer. But the last weights are zero, so nothing reaches the hidden layer.

# %%
two_moons = mt.load_dataset("moons", n_train=400, n_test=1000)
moons_x, moons_y = two_moons.train_x, two_moons.train_y
zero = mt.mlp([2, 8, 2], "sigmoid", init="zeros", exact=True)
_, grads = zero.loss_and_grads(moons_x[:25], moons_y[:25])
print("gradient of the hidden layer:", grads["0.weight"].T, sep="\n")
print("gradient of the last layer:", grads["2.weight"].round(3), sep="\n")
assert not grads["0.weight"].any()
assert (grads["2.weight"] == grads["2.weight"][:, :1]).all()

# %% [markdown]
# After that step the last weights are no longer zero, and the hidden layer learns, too. But all columns of the last
# weights are equal, so every hidden unit gets the same gradient. Units that start equal and move equally stay equal.
# The plot shows the first weight of each of the 8 units, epoch by epoch. (`exact=True` makes the net sum in the same
# order for every unit, so that equal means equal to the last bit. Page 6 says more about it.)


# %%
def fit_moons(init, hidden=8):
    net = mt.mlp([2, hidden, 2], "sigmoid", init=init, exact=True)
    sgd = mt.SGD(1.0, momentum=0.9)
    trainer = mt.Trainer(net, moons_x, moons_y, optimizer=sgd, batch_size=25, epochs=40)
    first_weights = []
    while not trainer.finished:
        if trainer.position == 0:
            first_weights.append(net.state_dict()["0.weight"][:, 0])
        trainer.step()
    right = mt.evaluate(net, two_moons.test_x, two_moons.test_y)["accuracy"]
    return net.state_dict()["0.weight"], first_weights, right


figure, panels = plt.subplots(1, 2, figsize=(7.5, 3.2), layout="constrained")
right = {}
for axes, init in zip(panels, ("zeros", "xavier"), strict=True):
    weight, first_weights, right[init] = fit_moons(init)
    axes.plot(first_weights)
    axes.set(title=f"{init}: {right[init]:.1%} right", xlabel="epoch")
    assert (weight == weight[0]).all() == (init == "zeros")
    assert weight.any()
panels[0].set(ylabel="first weight of each unit")
plt.show()

weight, _, right["16 constant units"] = fit_moons(lambda shape, rng: np.full(shape, 0.3), hidden=16)
_, _, right["one unit"] = fit_moons("xavier", hidden=1)
print({name: f"{share:.1%}" for name, share in right.items()})
assert (weight == weight[0]).all()
assert max(share for name, share in right.items() if name != "xavier") < 0.92 < 0.97 < right["xavier"]

# %% [markdown]
# On the left, eight lines lie on top of each other. A net of eight equal units, or of sixteen, is a net of one unit,
# and about as good.
#
# - **Symptom**: the loss falls a little and then stays, no matter how many hidden units you add.
# - **Cause**: units that start equal stay equal. Any constant does this, not only zero.
# - **Cure**: random weights. Biases may start at zero, because random weights are enough to make the units differ.
#
# Dying ReLUs
# -----------
#
# A ReLU outputs $\max(z, 0)$. If $z < 0$ for all samples, its output is 0 for all samples, its slope is 0, and no
# gradient ever reaches it again. It is *dead*. **Question.** What kills it?
#
# Here is one way: show the net 500 points of one class, then 500 of the other. As long as it sees a single class, it
# learns to answer with that class every time. Then the other class arrives, and the net is wrong and sure of itself.
# For five epochs, count after each step how many of 16 ReLUs are dead:

# %%
thousand = mt.load_dataset("moons", n_train=1000, n_test=1)
order = np.argsort(thousand.train_y, kind="stable")
sorted_x, sorted_y = thousand.train_x[order], thousand.train_y[order]


def count_dead(net):
    state = net.state_dict()
    above = sorted_x @ state["0.weight"].T + state["0.bias"] > 0
    return int((~above.any(axis=0)).sum())


def relus(optimizer=None, shuffle=False, net=None):
    net = net or mt.mlp([2, 16, 2], "relu", init="kaiming")
    optimizer = optimizer or mt.SGD(0.1, momentum=0.9)
    settings = {"optimizer": optimizer, "batch_size": 10, "epochs": 5, "shuffle": shuffle}
    run = mt.Trainer(net, sorted_x, sorted_y, **settings)
    dead = []
    while not run.finished:
        run.step()
        dead.append(count_dead(net))
    return net, dead, run.history.batch_loss


cases = {
    "in order": relus(),
    "shuffled": relus(shuffle=True),
    "in order, rate 0.01": relus(mt.SGD(0.01, momentum=0.9)),
    "in order, no momentum": relus(mt.SGD(0.1)),
}
figure, (left, right) = plt.subplots(1, 2, figsize=(8.5, 3.2), layout="constrained")
accuracy = {}
for (name, (net, dead, _)), style in zip(cases.items(), ("-", "--", "-.", ":"), strict=True):
    left.plot(dead, style, label=name)
    accuracy[name] = mt.evaluate(net, sorted_x, sorted_y)["accuracy"]
    print(f"{name}: {dead[-1]} dead, {accuracy[name]:.1%} right")
changes = "step (the class changes every 50)"
left.set(xlabel=changes, title="Dead ReLUs out of 16", ylim=(-0.5, 16.5), yticks=range(0, 17, 4))
left.legend(loc="upper left")

net, dead, losses = cases["in order"]
right.semilogy(losses)
right.set(xlabel=changes, title="Loss of each mini-batch, in order", ylim=(1e-6, 100))
plt.show()
assert losses[50] > 1000 * losses[49]
assert dead[-1] > 6 > 4 > max(case[1][-1] for case in list(cases.values())[1:])
assert accuracy["shuffled"] > 0.92 > max(accuracy[name] for name in cases if name != "shuffled")

_, later, _ = relus(shuffle=True, net=net)
revived = mt.evaluate(net, sorted_x, sorted_y)["accuracy"]
print(f"in order, then five more epochs shuffled: {later[-1]} dead, {revived:.1%} right")
assert min(later) >= dead[-1]
assert revived < accuracy["shuffled"]

# %% [markdown]
# After the change of class the gradients are large, momentum adds them up, and units are thrown to places that no
# sample reaches. The last lines train that net for five more epochs, now shuffled. Not one dead unit comes back.
#
# - **Symptom**: the loss jumps when the data change, and the net never gets as good as its size should allow. Count
#   the units that are above 0 for no sample.
# - **Cause**: steps so large that a unit lands where its slope is 0 for all samples.
# - **Cure**: first of all, shuffle. A smaller rate or no momentum keeps the units alive, but in this order even those
#   nets fall behind: the last thing they saw was a single class.
#
# XOR
# ---
#
# The class is 1 if exactly one of two inputs is 1. A net without hidden units cannot learn that. **Question.** Why
# not?
#
# Such a net has a score $z = v a + w b + c$, and answers with class 1 if the score is positive. Whatever the weights,
#
# $$
# z(0, 0) + z(1, 1) = v + w + 2c = z(0, 1) + z(1, 0) .
# $$
#
# XOR needs the left side to be negative and the right side to be positive. No learning rate, no start, and no
# amount of patience can help. Training gives each corner $\frac12$ and stays at the loss of a coin toss, $\ln 2$. OR
# has no such trouble.

# %%
corners = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
OR, XOR = np.array([0, 1, 1, 1]), np.array([0, 1, 1, 0])


def learned(sizes, gate, seed=0):
    net = mt.mlp(sizes, "sigmoid", seed=seed)
    history = mt.fit(net, corners, gate, optimizer=mt.SGD(1.0), batch_size=4, epochs=1000)
    return net, history.batch_loss[-1]


ends = [learned([2, 2], XOR, seed)[1] for seed in range(5)]
print(f"XOR, no hidden units, five starts: {np.round(ends, 6)} (ln 2 is {np.log(2):.6f})")
assert np.allclose(ends, np.log(2), atol=1e-6)
assert learned([2, 2], OR)[1] < 0.01

# %% [markdown]
# Two hidden ReLUs are enough, and you can set their weights by hand. Let $h_1 = \max(a + b, 0)$ count the inputs that
# are 1, and let $h_2 = \max(a + b - 1, 0)$ count those beyond the first. Then $h_1 - 2 h_2$ is $0, 1, 1, 0$ on the
# four corners. To get sure answers, take $z = 20 h_1 - 40 h_2 - 10$. (Softmax of the scores 0 and $z$ is the sigmoid
# of $z$, page 1.)

# %%
by_hand = mt.mlp([2, 2, 2], "relu")
first_layer = {"0.weight": [[1, 1], [1, 1]], "0.bias": [0, -1]}
by_hand.load_state_dict({**first_layer, "2.weight": [[0, 0], [20, -40]], "2.bias": [0, -10]})
trained, loss = learned([2, 4, 2], XOR)
for name, net in {"by hand": by_hand, "trained": trained}.items():
    print(name, net.predict_proba(corners)[:, 1].round(3))
    assert net.predict(corners).tolist() == [0, 1, 1, 0]
assert loss < 0.05

found = {h: sum(learned([2, h, 2], XOR, seed)[1] < 0.1 for seed in range(8)) for h in (2, 4)}
print(f"XOR learned from 8 starts: {found[2]} times with 2 hidden sigmoids, {found[4]} times with 4")
assert found[2] < found[4]

nets = {
    "OR, no hidden units": (learned([2, 2], OR)[0], OR),
    "XOR, no hidden units": (learned([2, 2], XOR)[0], XOR),
    "XOR, 2 ReLUs by hand": (by_hand, XOR),
    "XOR, 4 sigmoids, trained": (trained, XOR),
}
across, up = np.meshgrid(np.linspace(-0.5, 1.5, 80), np.linspace(-0.5, 1.5, 80))
plane = np.column_stack([across.ravel(), up.ravel()])
bands = {"levels": np.linspace(0, 1, 12), "cmap": "RdBu", "alpha": 0.7}
figure, panels = plt.subplots(1, 4, figsize=(10, 2.8), layout="constrained", sharey=True)
for axes, (title, (net, gate)) in zip(panels, nets.items(), strict=True):
    chance = net.predict_proba(plane)[:, 1].reshape(across.shape)
    image = axes.contourf(across, up, chance, **bands)
    for c, style in enumerate(("oC3", "^C0")):
        axes.plot(*corners[gate == c].T, style, markeredgecolor="white", markersize=10)
    axes.set(title=title, xlabel="a", aspect="equal")
    axes.title.set_size(10)
panels[0].set(ylabel="b")
figure.colorbar(image, label="probability of 1", ticks=[0, 0.5, 1])
plt.show()

# %% [markdown]
# - **Symptom**: the training loss itself stays high, from every start and at every rate.
# - **Cause**: no weights of this net compute the function that you want it to learn.
# - **Cure**: hidden units. Take more than the function strictly needs, because training does not find every solution.
#
# A gallery of failures
# ---------------------
#
# The remaining nets learn the digits. Each picture shows one healthy run, dashed and gray: 784-50-10, rate 0.5,
# batches of 25. Each failure differs from it in one thing. Some of them are bugs from the museum,
# `micrograd_tiers.lab.museum`: `planted` gives you a second copy of the package with the bug in it.


# %%
def train(package=mt, x=X, y=y, rate=0.5, init="xavier", validation=held_out, **options):
    net = package.two_layer_net(784, 50, 10, init=init)
    settings = {"batch_size": 25, "epochs": 8, "validation": validation, **options}
    return package.fit(net, x, y, optimizer=package.SGD(rate), **settings)


def train_with(bug, **options):
    with planted(get_bug(bug)) as package:
        return train(package, **options)


healthy = train()


def show(runs, top):
    size = (3.1 * len(runs), 2.9)
    figure, panels = plt.subplots(1, len(runs), figsize=size, layout="constrained", sharey=True)
    for axes, (title, run) in zip(panels, runs.items(), strict=True):
        epochs = range(1, len(run.train_loss) + 1)
        axes.plot(epochs, healthy.validation_loss, "--", color="gray", label="validation, healthy")
        axes.plot(epochs, run.train_loss, "o-", markersize=4, label="training")
        axes.plot(epochs, run.validation_loss, "^-", markersize=4, label="validation")
        axes.axhline(np.log(10), color="gray", linestyle=":", linewidth=1, label="ln 10")
        axes.set(title=title, xlabel="epoch", ylim=(0, top))
    panels[0].set(ylabel="loss")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4)
    plt.show()


# %% [markdown]
# **The loss rises, or jumps about.** Three runs with the same symptom.

# %%
too_large, not_divided = train(rate=10), train_with("gradient_not_divided")
not_cleared = train_with("gradients_not_cleared")
names = ("rate too large", "1/N forgotten", "gradients not cleared")
show(dict(zip(names, (too_large, not_divided, not_cleared), strict=True)), top=8)
assert min(*too_large.train_loss, *not_divided.train_loss) > 1 > healthy.train_loss[-1]
assert not_cleared.train_loss[1] < not_cleared.train_loss[0] < np.log(10)
assert not_cleared.train_loss[-1] > np.log(10)

smaller_rate = train_with("gradient_not_divided", rate=0.5 / 25)
assert np.allclose(smaller_rate.train_loss, healthy.train_loss, atol=1e-3)
with planted(get_bug("gradients_not_cleared")) as package:
    net = package.two_layer_net(784, 50, 10)
    once, twice = (net.loss_and_grads(X[:25], y[:25])[1]["2.bias"] for _ in range(2))
assert np.allclose(twice, 2 * once)

# %% [markdown]
# - *Rate too large.* Cause: each step goes too far. Cure: take a tenth of the rate, and repeat until the curve falls.
#   The healthy run has a twentieth of this rate.
# - *1/N forgotten.* Cause: the loss is a mean over the $N$ samples of a batch, but its gradient is a sum, which is
#   $N$ times too large. It looks like a large rate, and in effect it is one: at a rate 25 times smaller the run is
#   healthy. Cure: compare the gradient with a numerical one (page 8), on more than one sample.
# - *Gradients not cleared.* Cause: gradients are added up and nobody resets them, so each step repeats all the steps
#   before it. The run starts well, then the loss rises. Cure: set the gradients to zero before each batch (page 2).
#   To find this bug, ask for the gradient of the same batch twice. Here the second one is twice the first.
#
# **The loss stays where it was.** It is about that of a net that knows nothing.

# %%
mixed = np.random.default_rng(0).permutation(y)
wrong_labels = train(y=mixed)
bright, bright_held_out = 255 * X, (255 * held_out[0], held_out[1])
not_scaled = train(x=bright, validation=bright_held_out)
show({"labels of other samples": wrong_labels, "pixels from 0 to 255": not_scaled}, top=4)
assert min(*wrong_labels.validation_loss, *not_scaled.validation_loss) > 2.1

scale = Standardizer.fit(bright)
scaled_held_out = (scale(bright_held_out[0]), held_out[1])
cured = train(x=scale(bright), validation=scaled_held_out, rate=0.1)
print(f"validation loss, pixels from 0 to 255 standardized: {cured.validation_loss[-1]:.2f}")
assert cured.validation_loss[-1] < 1

# %% [markdown]
# - *Labels of other samples.* Cause: samples and labels were shuffled separately, or one file was read one line off.
#   All that can be learned is how frequent each class is. (The training loss falls slowly, because the net begins to
#   memorize the wrong labels.) Cure: plot ten images with their labels, and look.
# - *Features not scaled.* Cause: inputs in the hundreds saturate every sigmoid, as starting weights that are too
#   large do (page 10). Cure: scale all features to a size of about 1. `Standardizer` does it. It takes the mean and
#   the standard deviation from the training samples, and applies them to all parts of the data.
#
# **The loss falls, but too slowly.** These failures are the dangerous ones, because nothing looks broken.

# %%
saturated = train(init="standard_normal")
no_gradient = train_with("first_layer_gets_no_gradient")
show({"saturated start": saturated, "first layer stays": no_gradient}, top=4)
assert saturated.validation_loss[-1] > 1.4 * healthy.validation_loss[-1]
assert np.log(10) > no_gradient.validation_loss[-1] > 2 * healthy.validation_loss[-1]
assert saturated.batch_loss[0] > 3 > healthy.batch_loss[0]

# %% [markdown]
# - *Saturated start.* Cause: standard normal weights for 784 inputs (page 10). The first loss gives it away: it is
#   far above $\ln 10$. Cure: Xavier initialization, or Kaiming for ReLU.
# - *First layer stays.* Cause: the loop of the backward pass ends one layer too early. The first layer keeps its
#   random weights, and the last layer learns to work with them. Cure: compare the weights of each layer before and
#   after an epoch, and check gradients (page 8).
#
# **The two losses disagree.** Here only the comparison gives the bug away.

# %%
by_class = np.argsort(y, kind="stable")
not_shuffled = train(x=X[by_class], y=y[by_class], shuffle=False)
overlap = train(validation=(X[:500], y[:500]))
show({"sorted, not shuffled": not_shuffled, "parts overlap": overlap}, top=4)
assert not_shuffled.train_loss[-1] < 1.6 < 2 < not_shuffled.validation_loss[-1]
assert overlap.train_loss == healthy.train_loss
assert overlap.validation_loss[-1] < 0.8 * healthy.validation_loss[-1]
shuffled = train(x=X[by_class], y=y[by_class])
assert shuffled.validation_loss[-1] < 1

# %% [markdown]
# - *Sorted, not shuffled.* Cause: the file is sorted by class, so the net learns to repeat the latest right answer.
#   The training loss of each batch is measured *before* its step, and by then the previous few batches were of the
#   same class. Cure: shuffle in every epoch, as `fit` does by default.
# - *Parts overlap.* Cause: the net is validated on training samples. The training loss equals that of the healthy
#   run, to the last bit. Only the validation loss is too good. Cure: split once, before everything else, and look for
#   samples that are in both parts. (In the opposite case, the validation loss rises while the training loss falls.
#   That is overfitting: page 10.)
#
# Where to look first
# -------------------
#
# 1. The loss at the start: is it about $\ln C$?
# 2. Ten samples: can the net memorize them?
# 3. The gradients: have you checked them, on more than one sample (page 8)?
# 4. The data, as they reach the net: have you plotted them with their labels? Is their size about 1? Are they
#    shuffled? Are the parts disjoint?
# 5. The rate: have you tried a tenth of it, and ten times as much?
# 6. The layers: which weights have moved, and which units are dead or saturated?
#
# Exercises
# ---------
#
# 1. Find weights for AND in a net without hidden units: `net = mt.mlp([2, 2])`, `net.load_state_dict(...)`, then
#    `assert net.predict(corners).tolist() == [0, 0, 0, 1]`
# 2. Compute XOR by hand with two *sigmoids*: one tells whether any input is 1, the other whether both are. Then
#    `assert net.predict(corners).tolist() == [0, 1, 1, 0]`
# 3. Start at zero with ReLU. Which gradients are not zero in the first step? Think first, then compare with
#    `_, grads = mt.mlp([2, 8, 2], "relu", init="zeros").loss_and_grads(moons_x[:25], moons_y[:25])`:
#    `assert [name for name, gradient in grads.items() if gradient.any()] == [...]`
# 4. The bug "double_batch_mean" divides by $N$ twice. Which rate makes up for it? Then
#    `assert np.allclose(train_with("double_batch_mean", rate=...).train_loss, healthy.train_loss, atol=1e-3)`
#
# Next, on page 12: how deep, how wide, and how to keep a large net from memorizing its samples.
