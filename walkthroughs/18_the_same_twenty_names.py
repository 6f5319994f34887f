r"""
18. The same twenty names
=========================

A GPT that runs is easy to get. A GPT whose backward pass is *right* is another matter, because the loss falls either
way. On this page, three tiers train the same GPT, and each draws twenty names. Then the package repeats the losses that
somebody else's program prints. At the end there are four loss curves that look the same. Only one of them belongs to a
right backward pass, and you will find out which. Then seven more wrong ones join them.

You need attention and its derivative (page 17), and names, their loss in nats, and Adam (page 16).
"""

# %%
import inspect
import random
from types import SimpleNamespace

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.comparison import sha256_of_weights
from micrograd_tiers.tiers import TIERS, tensor
from micrograd_tiers.tiers.documents import tensor as document_ops

# %% [markdown]
# Three tiers
# -----------
#
# Take one net, copy it to each tier, and train the copies: 40 steps, one name each, in the same order. The net is in
# exact mode: all tiers add the terms of a sum in the same order, so that they also round alike (page 17).
# After the training, each copy draws twenty names. The seed of the draws is the same, too.
#
# **Question.** How much may the three copies differ?

# %%
data = mt.load_dataset("names", n_train=4000, n_test=1000)
start = mt.gpt(data.tokenizer.n_tokens, exact=True)
losses, digests, names = {}, {}, {}
for tier in TIERS:
    net = start.to(tier)
    history = mt.fit(
        net,
        data.train_x,
        data.train_y,
        optimizer=mt.Adam(0.01),
        schedule="linear",
        batch_size=1,
        steps=40,
    )
    losses[tier], digests[tier] = history.batch_loss, sha256_of_weights(net)
    names[tier] = mt.generate(net, data.tokenizer, 20, temperature=0.5)
    print(f"{tier}: last loss {losses[tier][-1]!r}, SHA-256 {digests[tier][:12]}...")
    print("  ", ", ".join(names[tier][:10]), "\n  ", ", ".join(names[tier][10:]))
assert losses["scalar"] == losses["vector"] == losses["tensor"]
assert digests["scalar"] == digests["vector"] == digests["tensor"]
assert names["scalar"] == names["vector"] == names["tensor"]

# %% [markdown]
# Not at all. A SHA-256 is a fingerprint of all bits of the 4,192 weights: if a single bit of a single weight differed,
# the fingerprints would have nothing in common. (40 names are too few to learn much from, as you see. The argument
# `temperature` divides the logits before softmax: below 1, likely tokens become likelier.)
#
# **Question.** What does this prove, and what does it not?
#
# The three tiers were written separately: loops over lists, products of vectors, products of stacks of matrices. A
# mistake in one of them would show here. A mistake that all three share would not. (`micrograd-tiers compare --net gpt
# --exact` does the same with 400 names.)
#
# Thirteen losses of somebody else
# --------------------------------
#
# So compare with a program that knows nothing of this package. Andrej Karpathy's *microgpt*
# (https://karpathy.github.io/2026/02/12/microgpt/) is a GPT in 200 lines of plain Python, with an engine like that of
# page 2. It trains on 32,033 first names and prints the loss of every step. Its first thirteen losses are below. To
# repeat them, three things must be the same as there:
#
# - *The names.* It shuffles its list, and takes one name per step. Here are the first thirteen.
# - *The weights.* It draws them from the same random generator, after the shuffling. To bring a generator to the same
#   state, we shuffle *any* list of 32,033 things. Then we draw the matrices in microgpt's order.
# - *The steps.* Adam with microgpt's four numbers. The first is the learning rate, which falls to 0 over 1,000 steps.

# %%
thirteen = ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi", "phia"]
thirteen += ["samatha", "phoenix", "emmelynn", "hollan", "hollis", "callalily"]
printed = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894]
printed += [3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]

rng = random.Random(42)
rng.shuffle([*range(32_033)])


def matrix(outputs, inputs):
    return [[rng.gauss(0, 0.08) for _ in range(inputs)] for _ in range(outputs)]


token, position, head = matrix(27, 16), matrix(16, 16), matrix(27, 16)
query, key, value, mix = (matrix(16, 16) for _ in range(4))
widen, narrow = matrix(64, 16), matrix(16, 64)
qkv = query + key + value  # lists: the rows of one matrix after those of another
weights = [token, position, qkv, mix, widen, narrow, head]

X, y = mt.Tokenizer("abcdefghijklmnopqrstuvwxyz").encode(thirteen)


def thirteen_losses(tier):
    net = mt.gpt(tier=tier)
    net.load_state_dict(dict(zip(net.state_dict(), weights, strict=True)))
    history = mt.fit(
        net,
        X,
        y,
        optimizer=mt.Adam(0.01, 0.85, 0.99, 1e-8),
        schedule=mt.LinearDecay(1000),
        batch_size=1,
        steps=13,
        shuffle=False,
    )
    return [round(loss, 4) for loss in history.batch_loss]


for tier in TIERS:
    ours = thirteen_losses(tier)
    print(f"{tier}:", *(f"{loss:.4f}" for loss in ours))
    assert ours == printed

# %% [markdown]
# All digits that microgpt prints, at every tier. With the file of all names (`micrograd-tiers data download names`
# fetches it), `python benchmarks/gpt.py --names names.txt` in the package's repository takes all 1,000 steps and draws
# microgpt's own twenty names, kamon, ann, karai and so on, at all three tiers.
#
# **Question.** Which of the thirteen is the first loss that a wrong backward pass can change?
#
# The second. The first one depends on the forward pass and the initial weights alone.
#
# Four backward passes
# --------------------
#
# Now break it. A tier is an object that holds the ops. `tier_with` makes a copy of the tensor tier, in which the text
# of one op has one place replaced. (You have seen these lines of `attention` on page 17.) The forward pass stays right.
# These are mistakes that people make in the backward pass:
#
# - *No root*: the division by the root is left out, so $dq$ and $dk$ are $\sqrt D$ times too large.
# - *Not transposed*: $dk$ is `dqk @ q` in place of `dqk.T @ q`, as on page 17.
# - *p constant*: the weights $p$ are treated as if they did not depend on queries and keys. Then $dq = dk = 0$, and the
#   values alone learn.


# %%
def tier_with(op, right, wrong):
    """Return the tensor tier with one place of an op of documents replaced."""
    text = inspect.getsource(getattr(document_ops, op))
    assert text.count(right) == 1
    namespace = dict(vars(document_ops))
    exec(text.replace(right, wrong), namespace)
    ops = {name: getattr(tensor, name) for name in tensor.__all__}
    return SimpleNamespace(**ops | {op: namespace[op]})


tiers = {
    "no root": tier_with("attention", "(dp - mean_dp) / sqrt(D)", "(dp - mean_dp)"),
    "right": tensor,
    "not transposed": tier_with("attention", "dqk.swapaxes(2, 3)", "dqk"),
    "p constant": tier_with("attention", "p * (dp - mean_dp)", "0 * (dp - mean_dp)"),
}

# %% [markdown]
# Each of the four tiers trains the same net, from the same weights, on the same names in the same order. The labels A
# to D are dealt at random. The loss of a step jumps from mini-batch to mini-batch, so the curves show means over 25
# steps.
#
# **Question.** Which curve is the right one?


# %%
def trained(tier, seed=0):
    """Return the loss of the training, as means of 25 steps, and of names held out."""
    net = mt.gpt(data.tokenizer.n_tokens, tier=tier, seed=seed)
    history = mt.fit(
        net,
        data.train_x,
        data.train_y,
        optimizer=mt.Adam(0.01),
        schedule="linear",
        batch_size=16,
        steps=200,
    )
    curve = np.convolve(history.batch_loss, np.ones(25) / 25, "valid")
    return curve, mt.evaluate(net, data.test_x, data.test_y)["loss"]


dealt = np.random.default_rng(5).permutation([*tiers])
curves, held_out = {}, {}
for label, kind in zip("ABCD", dealt, strict=True):
    curves[label], held_out[label] = trained(tiers[kind])
    print(f"{label}: {held_out[label]:.4f} nats on names held out")

print(f"from the lowest to the highest: {np.ptp([*held_out.values()]):.4f}")
assert np.ptp([*held_out.values()]) < 0.02

steps = range(25, 201)
lines = {label: (steps, curves[label]) for label in "ABCD"}
mt.plots.panels([mt.plots.Panel("All steps", "step", "loss (nats)", lines)])

# %% [markdown]
# The four curves lie on top of each other. Look closer, at the last 100 steps, and subtract the mean of the four curves
# from each:

# %%
mean = sum(curves.values()) / 4
last = {label: (steps[-100:], (curves[label] - mean)[-100:]) for label in "ABCD"}
title = "The last 100 steps"
mt.plots.panels([mt.plots.Panel(title, "step", "loss minus mean of the four", last)])

# %% [markdown]
# At the end, B and D are the lowest.
#
# **Question.** So is the right curve B or D? What would you have to know before you can say so?
#
# How much the loss of the *right* net varies by chance. Train it three more times, each from other initial weights:

# %%
others = [trained(tensor, seed)[1] for seed in (1, 2, 3)]
print("right ones from other weights:", *(f"{loss:.4f}" for loss in others))
print(f"from the lowest to the highest: {np.ptp(others):.4f}")
assert np.ptp(others) > np.ptp([*held_out.values()])

# %% [markdown]
# By chance alone, they differ more than A, B, C and D do. So lower does not mean right, and no curve can tell.
#
# **Question.** Over the last 60 steps, B and D stay close together, away from A and C. Which mistake could be so close
# to the right one? Adam divides the gradient of each weight by its usual size.
#
# No root: the gradients of queries and keys are twice as large, for four heads share 16 features, so $D = 4$ and
# $\sqrt D = 2$. Divided by their usual size, they are the same again. So B and D may well be the right one and the one
# without the root. That is a guess, and it does not say which is which.
#
# Which is right?
# ---------------
#
# So ask something that can say no. There are three ways.
#
# - *Numbers.* `mt.check_network` moves single weights of a net, and compares the change of the loss with the gradient
#   from backpropagation. It also moves all weights at once, in a random direction. A small net and two names are
#   enough.
# - *Another tier.* From the same weights, on the same names, the scalar tier must find the same gradient.
# - *Somebody else's digits.* Starting from microgpt's weights, how many of its thirteen losses does the net print?

# %%
two_x, two_y = data.train_x[:2], data.train_y[:2]


def small_gpt(tier):
    return mt.gpt(27, features=8, heads=2, init="normal:0.3", tier=tier)


verdicts, of_5 = {}, {}
for label, kind in zip("ABCD", dealt, strict=True):
    small = small_gpt(tiers[kind])
    report = mt.check_network(small, two_x, two_y, n_coordinates=6)
    wrong = [check.name for check in report.checks if not check.passed]

    _, grads = small.loss_and_grads(two_x, two_y)
    _, expected = small.to("scalar").loss_and_grads(two_x, two_y)
    difference = max(abs(grads[name] - expected[name]).max() for name in grads)
    of_5[label] = grads["5.weight"], expected["5.weight"]

    equal = sum(np.equal(thirteen_losses(tiers[kind]), printed))

    verdicts[kind] = report.passed, difference < 1e-12, equal == 13
    print(f"{label}: wrong gradients: {', '.join(wrong) or 'none'}")
    print(f"   largest difference from the scalar tier: {difference:.0e}")
    print(f"   {equal} of microgpt's 13 losses")
assert all(verdicts[kind] == (kind == "right",) * 3 for kind in tiers)

# %% [markdown]
# **Question.** Which curve is right?
#
# B: all three ways agree. The first also says where to look for the mistake of the others. The gradient travels from
# the last layer to the first. It is right down to `7.weight`, the first matrix after attention. It is wrong from
# `5.weight` on, the matrix that makes queries, keys and values. Layer 6, in between, is attention. ("direction" is the
# move of all weights at once.) The third way needs the *digits*: wrong nets print some of microgpt's losses, too, but
# not all thirteen.
#
# Which mistake is which? `5.weight` has a third of its rows for queries, a third for keys, and a third for values.
# Compare the gradient of each third with that of the scalar tier, and print how many times as long it is:

# %%
for label, (grad, expected) in of_5.items():
    found = []
    for part, right_part in zip(np.split(grad, 3), np.split(expected, 3), strict=True):
        times = np.sqrt((part**2).sum() / (right_part**2).sum())
        agrees = abs(part - right_part).max() < 1e-12
        found.append("right" if agrees else f"wrong, {times:.2f} times as long")
    print(f"{label}: queries {found[0]}; keys {found[1]}; values {found[2]}")

# %% [markdown]
# **Question.** Which mistake does A make, which C, and which D?
#
# In A, queries and keys get no gradient: $p$ is held constant. In C, only the keys are wrong: their table is not
# transposed. In D, the gradients of queries and keys are twice as long: the root is missing.

# %%
print(", ".join(f"{label}: {kind}" for label, kind in zip("ABCD", dealt, strict=True)))
assert [*dealt] == ["p constant", "right", "not transposed", "no root"]

# %% [markdown]
# Why the curves hide it
# ----------------------
#
# - A: queries and keys learn nothing, and stay as they were drawn. The other weights learn all the same.
# - C: the keys move in directions that mean nothing. But the gradient of the queries is right, and so they can learn to
#   work with the keys as they are.
# - D: Adam hides that the gradients of queries and keys are twice as long. It cannot hide all of it. In the layers
#   before attention, they are added to the right gradients that come past it, through the fork, and the sum is wrong.
#
# A net has many ways to lower its loss, and uses those that are left. That is why a falling loss proves nothing.
#
# Ten wrong backward passes
# -------------------------
#
# Here are seven more, each wrong in one place of one op. They train the same net in the same way.
#
# - E: `softmax` without its mean, $dz = p\,dp$.
# - F: $dq$ and $dk$ are exchanged.
# - G: in $dv$, the table $p$ is not transposed.
# - H: `rms_norm` computes $y = x / r$ for each row, and the root $r$ depends on $x$, too. H treats it as a constant,
#   with $dx = dy / r$.
# - I: the right derivative of `rms_norm` is $dx = (dy - m y) / r$, where $m$ is the mean of the products $dy_i\, y_i$.
#   I takes their sum.
# - J: all names of a mini-batch use the same rows of positions, so their gradients are summed. J takes those of the
#   last name alone.
# - K: a letter that comes twice in a name uses its row of the embedding twice. K counts the first time alone.
#
# **Question.** The three right ones from other weights ended at different losses. How many of the ten wrong ones end
# below the highest of these? Which would you see in a plot?

# %%
more = {
    "E": ("attention", "p * (dp - mean_dp)", "p * dp"),
    "F": ("attention", "np.stack([dq, dk, dv])", "np.stack([dk, dq, dv])"),
    "G": ("attention", "p.swapaxes(2, 3), dy", "p, dy"),
    "H": ("rms_norm", "(dy - y * along) / root", "dy / root"),
    "I": ("rms_norm", "(total(dy * y, axis=2) / C)", "total(dy * y, axis=2)"),
    "J": ("add_position", "total(dy, axis=0)", "dy[-1]"),
    "K": ("embedding", "(one_hot.", "((one_hot & (one_hot.cumsum(1) == 1))."),
}
passed = {label: kind == "right" for label, kind in zip("ABCD", dealt, strict=True)}
for label, replacement in more.items():
    tier = tier_with(*replacement)
    curves[label], held_out[label] = trained(tier)
    report = mt.check_network(small_gpt(tier), two_x, two_y, n_coordinates=2)
    passed[label] = report.passed

print(f"highest of the right ones from other weights: {max(others):.4f}")
for label in sorted(held_out, key=held_out.get):
    place = "below" if held_out[label] <= max(others) else "above"
    verdict = "right" if passed[label] else "wrong"
    print(f"{label}: {held_out[label]:.4f}, {place} that; gradient check: {verdict}")

hidden = [c for c in held_out if c != "B" and held_out[c] <= max(others)]
print(f"the loss hides {len(hidden)} of 10 mistakes, ", end="")
print(f"the gradient check finds {[*passed.values()].count(False)}")
assert len(hidden) >= 5
assert [label for label in passed if passed[label]] == ["B"]

lines = {label: (steps, curves[label]) for label in "BEFGHJKI"}
mt.plots.panels([mt.plots.Panel("B, and seven more", "step", "loss (nats)", lines)])

# %% [markdown]
# Only I stands out. And without B beside it, how would you know that it is too high? Here are the others again, minus
# the loss of B:

# %%
to_b = {label: (steps, curves[label] - curves["B"]) for label in "BEFGHJK"}
mt.plots.panels([mt.plots.Panel("Without I", "step", "loss minus that of B", to_b)])

# %% [markdown]
# Some are a hundredth higher, some are as often below B as above it, and all are wrong. The museum,
# `micrograd-tiers bugs`, has more such mistakes, and `python benchmarks/gpt_mistakes.py` in the package's repository
# measures what each does to the loss.
#
# Exercises
# ---------
#
# 1. *GELU* takes the place of ReLU in many GPTs: $\tfrac12 x\,(1 + \tanh(c\,(x + 0.044715\,x^3)))$ with
#    $c = \sqrt{2/\pi}$ (Hendrycks and Gimpel 2016, https://arxiv.org/abs/1606.08415). Write `gelu(x)` as an op with its
#    `dx`; page 1 has the derivative of $\tanh$. First `assert mt.check_vjps(gelu, [np.linspace(-3, 3, 13)]).passed`.
#    Then make a tier whose op `relu` is `gelu`, with the last two lines of `tier_with`, and
#    `assert mt.check_network(small_gpt(tier), two_x, two_y, n_coordinates=3).passed`.
# 2. *Tied head.* The embedding, `0.weight`, has a row of features for each token, and so has the matrix of the last
#    layer, `15.weight`. Many GPTs use one matrix for both. With `state_dict` and `load_state_dict`, set `15.weight` of
#    a GPT to a copy of `0.weight`. The shared matrix reaches the loss along two paths. What is its gradient? To check
#    it, move its number `[3, 5]` by $h = 10^{-5}$ in both places: `assert abs(slope - yours[3, 5]) < 1e-8`. How many
#    weights does tying save?
# 3. Mistake J takes the positions of the last name alone. Does `mt.check_network` find it with one name? With two?
#    Would microgpt's thirteen losses find it?
# 4. A check that needs no trial: add the same row to all keys of a document. Which scores change, and which weights
#    $p$? So what is the sum of all $dk_s$? Let `op` be `document_ops.attention`, and compute the sum with
#    `_, (dx,) = op(x, 1)` for a random `x` of shape (1, 5, 12) and a random `dy` of shape (1, 5, 4):
#    `dx(dy)[0, :, 4:8]` is $dk$. `assert abs(...).max() < 1e-14`. Then let `op` be `tier_with(...).attention`. Which of
#    the six mistakes in attention does the sum find: A, C, D, E, F, G?
#
# This is the last page. From one derivative to a net that writes names, everything was made of the same two things: a
# value, and a function that carries its gradient back.
