r"""
18. The same twenty names
=========================

A GPT that runs is easy to get. A GPT whose backward pass is *right* is another matter, because the loss falls either
way. On this page, three tiers train the same GPT to the same bits, and draw the same twenty names. Then the package
repeats the losses that somebody else's program prints. At the end there are four loss curves that look the same. Only
one of them belongs to a right backward pass, and you will find out which; and then ten wrong ones beside it.

You need attention and its derivative (page 17), and the loss of a name in nats (page 16).
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
# exact mode: all tiers add the terms of a sum in the same order, so not even rounding makes a difference (page 6).
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
        net, data.train_x, data.train_y, optimizer=mt.Adam(0.01), batch_size=1, steps=40, schedule="linear"
    )  # fmt: skip
    losses[tier], digests[tier] = history.batch_loss, sha256_of_weights(net)
    names[tier] = mt.generate(net, data.tokenizer, 20, temperature=0.5)
    print(f"{tier}: last loss {losses[tier][-1]!r}, SHA-256 of the weights {digests[tier][:12]}...")
    print("  ", ", ".join(names[tier][:10]), "\n  ", ", ".join(names[tier][10:]))
assert losses["scalar"] == losses["vector"] == losses["tensor"]
assert digests["scalar"] == digests["vector"] == digests["tensor"]
assert names["scalar"] == names["vector"] == names["tensor"]

# %% [markdown]
# Not at all. A SHA-256 is a fingerprint of all bits of the 4,192 weights: if a single bit of a single weight differed,
# the fingerprints would have nothing in common. (40 names are too few to learn much from, as you see. The argument
# `temperature` divides the logits before softmax: below 1, likely tokens become likelier.)
#
# What does this prove? Loops over lists, products of vectors and of stacks of matrices were written separately. A
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
# - *The weights.* They are drawn from the same generator, after the shuffling. To bring the generator to the same place
#   it suffices to shuffle *any* list of 32,033 things.
# - *The steps.* Adam with its four settings, and a rate that falls to 0 over 1,000 steps.

# %%
thirteen = ["yuheng", "diondre", "xavien", "jori", "juanluis", "erandi", "phia", "samatha", "phoenix", "emmelynn"]
thirteen += ["hollan", "hollis", "callalily"]
printed = [3.3660, 3.4243, 3.1778, 3.0664, 3.2209, 2.9452, 3.2894, 3.3245, 2.8990, 3.2229, 2.7964, 2.9345, 3.0544]

rng = random.Random(42)
rng.shuffle([*range(32_033)])


def matrix(outputs, inputs):
    return [[rng.gauss(0, 0.08) for _ in range(inputs)] for _ in range(outputs)]


token, position, head = matrix(27, 16), matrix(16, 16), matrix(27, 16)
query, key, value, mix = (matrix(16, 16) for _ in range(4))
widen, narrow = matrix(64, 16), matrix(16, 64)
weights = [token, position, query + key + value, mix, widen, narrow, head]

X, y = mt.Tokenizer("abcdefghijklmnopqrstuvwxyz").encode(thirteen)


def thirteen_losses(tier):
    net = mt.gpt(tier=tier)
    net.load_state_dict(dict(zip(net.state_dict(), weights, strict=True)))
    history = mt.fit(
        net, X, y, optimizer=mt.Adam(0.01, 0.85, 0.99, 1e-8), batch_size=1, steps=13, shuffle=False,
        schedule=mt.LinearDecay(1000),
    )  # fmt: skip
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
# Now break it. The copy of `attention` below is the package's text with one place replaced. Everything else of the tier
# stays as it is. These are mistakes that people make:
#
# - *The root is left out* in the backward pass: $dq$ and $dk$ are $\sqrt D$ times too large.
# - *The table is not transposed* in $dk$: each key gets the gradient of another.
# - *The weights p are held constant*, as if softmax did not depend on queries and keys. Then $dq = dk = 0$, and only
#   the values learn.


# %%
def tier_with(op, right, wrong):
    """Return the tensor tier with one place of an op of documents replaced."""
    text = inspect.getsource(getattr(document_ops, op))
    assert text.count(right) == 1
    namespace = dict(vars(document_ops))
    exec(text.replace(right, wrong), namespace)
    return SimpleNamespace(**{name: getattr(tensor, name) for name in tensor.__all__} | {op: namespace[op]})


tiers = {
    "no root": tier_with("attention", "(dp - mean_dp) / sqrt(D)", "(dp - mean_dp)"),
    "right": tensor,
    "not transposed": tier_with("attention", "dqk.swapaxes(2, 3)", "dqk"),
    "p constant": tier_with("attention", "p * (dp - mean_dp)", "0 * (dp - mean_dp)"),
}

# %% [markdown]
# Each of the four tiers trains the same net, from the same weights, on the same names in the same order. The labels are
# dealt at random.
#
# **Question.** Which curve is the right one?


# %%
def trained(tier, seed=0):
    """Return the losses of the training, as means of 25 steps, and the loss on names held out."""
    net = mt.gpt(data.tokenizer.n_tokens, tier=tier, seed=seed)
    history = mt.fit(
        net, data.train_x, data.train_y, optimizer=mt.Adam(0.01), batch_size=16, steps=200, schedule="linear"
    )  # fmt: skip
    curve = np.convolve(history.batch_loss, np.ones(25) / 25, "valid")
    return curve, mt.evaluate(net, data.test_x, data.test_y)["loss"]


dealt = np.random.default_rng(5).permutation([*tiers])
curves, held_out = {}, {}
for label, kind in zip("ABCD", dealt, strict=True):
    curves[label], held_out[label] = trained(tiers[kind])
    print(f"{label}: {held_out[label]:.4f} nats on names held out")

assert max(held_out.values()) - min(held_out.values()) < 0.02

steps = range(25, 201)
mt.plots.panels(
    [mt.plots.Panel("All steps", "step", "loss (nats), mean of 25 steps", {c: (steps, curves[c]) for c in curves})]
)

# %% [markdown]
# The four curves lie on top of each other. Look closer, at the last 100 steps:

# %%
last = {c: (steps[-100:], curves[c][-100:]) for c in curves}
mt.plots.panels([mt.plots.Panel("The last 100 steps", "step", "loss (nats), mean of 25 steps", last)])

# %% [markdown]
# One run cannot tell. Some curves lie a few thousandths lower, but lower does not mean right: with other initial
# weights, the right net alone covers a wider range.

# %%
right = [held_out["ABCD"[[*dealt].index("right")]], *(trained(tensor, seed)[1] for seed in (1, 2, 3))]
spread = max(held_out.values()) - min(held_out.values())
print(f"A to D lie within {spread:.4f}; four seeds of the right one within {max(right) - min(right):.4f}")
assert max(right) - min(right) > spread

# %% [markdown]
# **Question.** Two of the curves, B and D, almost coincide. Which of the three mistakes would Adam hide (page 10)?

# %% [markdown]
# Which is right?
# ---------------
#
# So ask something that can say no. There are three ways.
#
# **Numbers.** `mt.check_network` moves single weights of a net, and compares the change of the loss with the gradient
# from backpropagation. A small net and two names are enough.
#
# **Another tier.** From the same weights, on the same names, the scalar tier must find the same gradient.
#
# **Somebody else's digits.** Starting from microgpt's weights, how many of its thirteen losses does the net print?

# %%
verdicts = {}
for label, kind in zip("ABCD", dealt, strict=True):
    small = mt.gpt(data.tokenizer.n_tokens, features=8, heads=2, init="normal:0.3", tier=tiers[kind])
    report = mt.check_network(small, data.train_x[:2], data.train_y[:2], n_coordinates=6)
    wrong = [check.name for check in report.checks if not check.passed]

    _, grads = small.loss_and_grads(data.train_x[:2], data.train_y[:2])
    _, expected = small.to("scalar").loss_and_grads(data.train_x[:2], data.train_y[:2])
    difference = max(abs(grads[name] - expected[name]).max() for name in grads)

    equal = sum(np.equal(thirteen_losses(tiers[kind]), printed))

    verdicts[kind] = report.passed, difference < 1e-12, equal == 13
    print(f"{label}: {kind}")
    print(f"   wrong gradients: {', '.join(wrong) or 'none'}")
    print(f"   differs from the scalar tier by {difference:.0e}; {equal} of microgpt's 13 losses")
assert {*verdicts} == {*tiers}
assert all(verdict == (kind == "right",) * 3 for kind, verdict in verdicts.items())

# %% [markdown]
# All three agree: B is right, and the other three come from a wrong backward pass. And now you can see why D hid behind
# B: D is the net without the root, and Adam hides that. The check
# also says where to look. The gradient travels from the last layer to the first, and it is right down to `7.weight`,
# the first matrix after attention. It is wrong from `5.weight` on, which makes queries, keys and values. Layer 6, in
# between, is attention. ("direction" moves all weights at once.)
#
# The third way needs *digits*. The curve of a wrong net looks like microgpt's, but its digits differ after a step or
# two. Some losses still agree to four digits; all thirteen do not.
#
# Why the curves hide it
# ----------------------
#
# - Without the root, the gradients of queries and keys have the right direction, and are twice as long: four heads
#   share 16 features, so $D = 4$ and $\sqrt D = 2$. Adam divides each step by the usual size of the gradient, so twice
#   as long makes no difference to their weights. What is wrong is only the share of attention in the gradient of the
#   layers below.
# - With $p$ held constant, queries and keys learn nothing, and stay as they were drawn: attention probably stays
#   close to a mean with equal weights. The values, the positions and the dense layers learn around it.
# - If the table is not transposed, the keys move in directions that mean nothing. But the gradient of the queries is
#   right, and so they can learn to work with the keys as they are.
#
# A net has many ways to lower its loss, and uses those that are left. That is why it is so patient with mistakes, and
# why a falling loss proves nothing.
#
# Ten wrong backward passes
# -------------------------
#
# Here are seven more, each wrong in one place of one op. They train the same net in the same way.
#
# **Question.** How many of the ten end within the range of the four right runs from above?

# %%
more = {
    "softmax without its mean": tier_with("attention", "p * (dp - mean_dp)", "p * dp"),
    "dq and dk exchanged": tier_with("attention", "np.stack([dq, dk, dv])", "np.stack([dk, dq, dv])"),
    "dv not transposed": tier_with("attention", "p.swapaxes(2, 3), dy", "p, dy"),
    "RMSNorm's root held constant": tier_with("rms_norm", "(dy - y * along) / root", "dy / root"),
    "RMSNorm with a sum for a mean": tier_with("rms_norm", "(total(dy * y, axis=2) / C)", "total(dy * y, axis=2)"),
    "positions of the last name only": tier_with("add_position", "total(dy, axis=0)", "dy[-1]"),
    "a repeated token counts once": tier_with(
        "embedding", "products(one_hot.astype", "products((one_hot & (one_hot.cumsum(1) == 1)).astype"
    ),
}
ends = {kind: held_out[label] for label, kind in zip("ABCD", dealt, strict=True)}
for label, kind in zip("EFGHIJK", more, strict=True):
    curves[label], ends[kind] = trained(more[kind])

passed = {kind: verdicts[kind][0] for kind in tiers}
for kind in more:
    small = mt.gpt(data.tokenizer.n_tokens, features=8, heads=2, init="normal:0.3", tier=more[kind])
    passed[kind] = mt.check_network(small, data.train_x[:2], data.train_y[:2], n_coordinates=2).passed

for kind in sorted(ends, key=ends.get):
    within = "within the range" if ends[kind] <= max(right) else "above it"
    print(f"{kind:32} {ends[kind]:.4f}  {within:16}  gradient check: {'right' if passed[kind] else 'wrong'}")

hidden = [kind for kind in ends if kind != "right" and ends[kind] <= max(right)]
print(f"the loss hides {len(hidden)} of 10 mistakes; the gradient check finds {list(passed.values()).count(False)}")
assert len(hidden) >= 5
assert [kind for kind in passed if passed[kind]] == ["right"]

shown = {label: (steps, curves[label]) for label in "BEFGHIJK"}
mt.plots.panels([mt.plots.Panel("B, and seven more", "step", "loss (nats), mean of 25 steps", shown)])

# %% [markdown]
# Only a mistake as gross as a sum for a mean shows in the picture. The museum, `micrograd-tiers bugs`, has more such
# mistakes, and `python benchmarks/gpt_mistakes.py` in the package's repository measures what each does to the loss.
#
# Exercises
# ---------
#
# 1. *GELU* is an activation of many GPTs: $x\,\Phi(x)$, for which most write
#    $\tfrac12 x\,(1 + \tanh(c\,(x + 0.044715\,x^3)))$ with $c = \sqrt{2/\pi}$ (Hendrycks and Gimpel 2016,
#    https://arxiv.org/abs/1606.08415). Write `gelu(x)` as an op with its `dx`. First
#    `assert mt.check_vjps(gelu, [x]).passed`. Then let it take the place of `relu` in a tier, as `attention` did above,
#    and `assert mt.check_network(net, X, y, n_coordinates=3).passed`.
# 2. *Tied head.* Many GPTs use the embedding, a row for each token, as the matrix of the last layer, too. Set
#    `15.weight` of a GPT to a copy of `0.weight`. The shared matrix reaches the loss along two paths. What is its
#    gradient? Move one of its numbers by $h = 10^{-5}$ in both places, and
#    `assert abs(slope - yours[3, 5]) < 1e-8`. How many weights does tying save?
# 3. At the tensor tier, the gradient of `add_position` is `total(dy, axis=0)`: all documents use the same row for a
#    position. Write `tier_with("add_position", "total(dy, axis=0)", "dy[-1]")`, which takes that of the last document
#    alone. Does `mt.check_network` find it with one document? With two? Which batch size did we use for microgpt?
# 4. Another wrong one: `"(dp - mean_dp)"` becomes `"dp"`. Which term of which derivative on page 17 is missing? Train
#    it like the four. Would you have seen it? `assert held_out_loss < max(held_out.values()) + 0.02`
#
# This is the last page. From one derivative to a net that writes names, everything was made of the same two things: a
# value, and a function that carries its gradient back.
