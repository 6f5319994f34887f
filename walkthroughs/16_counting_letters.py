r"""
16. Counting letters
====================

So far, nets had to name something that was there: a class of points, a digit. On this page they have to say what comes
*next*. Take names: after "ma", is it "r", or "n", or does the name end? The simplest answer is to count. You will count
single letters, pairs, triples, and runs of four, see why longer is not always better, and train a first GPT. And
because the names are drawn by known rules, you will know how good the best possible answer is.

You need softmax and cross-entropy (page 1), and what a mini-batch and a step are (page 5).
"""

# %%
import numpy as np

import micrograd_tiers as mt

# %% [markdown]
# Documents and tokens
# --------------------
#
# The package draws names from rules of its own: a name consists of one to three syllables, and each part of a syllable
# has its probabilities. A name is a *document*, a sequence of *tokens*. Here the tokens are the 26 letters, with the
# numbers 0 to 25, and number 26, which stands for the beginning and for the end of a name.

# %%
data = mt.load_dataset("names")
tokenizer, end = data.tokenizer, data.tokenizer.end
print(f"{len(data.train_documents):,} names to learn from, such as")
print(", ".join(data.train_documents[:12]))
print(f"and {len(data.test_documents):,} held out, to judge a model by")
mia, next_of_mia = tokenizer.encode(["mia"])
print("mia:", mia.tolist(), "and what comes next:", next_of_mia.tolist())
assert (tokenizer.n_tokens, end) == (27, 26)

# %% [markdown]
# To predict a name is to predict each of its tokens from those before it. "mia" gives four tasks: m at the beginning, i
# after m, a after mi, and the end after mia. The data set holds all names in this form, `train_x` and `train_y`, one
# name in each row. The rows of short names are filled up with $-1$, which is no token.
#
# Surprise
# --------
#
# A model gives each possible next token a probability. How good is it? Look at the token that comes, and take
# $-\ln p$: the *surprise*. It is 0 if the model was certain of this token, and grows without bound as $p$ falls. This
# is the cross-entropy of page 1, with the token as the right class. Its unit is called *nat*.
#
# The loss of a name is the mean surprise over its tokens, and the loss of a model is the mean over the names.
#
# **Question.** A model knows nothing, and gives each of the 27 tokens the same probability. What is its loss?
#
# Each token has the surprise $-\ln \tfrac1{27} = \ln 27$, and so does each name, and so does the mean.

# %%
print(f"knowing nothing costs {np.log(27):.4f} nats per token")

# %% [markdown]
# Entropy
# -------
#
# **Question.** A letter is a, b or c, with the probabilities $\tfrac12$, $\tfrac14$, $\tfrac14$. How small can the
# surprise of a model be, on average over many letters?
#
# Suppose that the model knows these probabilities. Then the surprises are $\ln 2$, $\ln 4$ and $\ln 4$. The first comes
# half of the time, the others a quarter each, so the mean is
# $\tfrac12 \ln 2 + \tfrac14 \ln 4 + \tfrac14 \ln 4 = 1.5 \ln 2 = 1.04$ nats: the *expected* surprise. Can another model
# do better, for example one that bets more on a? Try models that give $q$ to a, and half of the rest to b and to c.

# %%
truth = np.array([0.5, 0.25, 0.25])
entropy = -(truth * np.log(truth)).sum()
bets = np.linspace(0.05, 0.95, 19)
costs = [-(truth * np.log([q, (1 - q) / 2, (1 - q) / 2])).sum() for q in bets]
best = bets[np.argmin(costs)]
print(f"the true model {entropy:.4f}; the best q is {best:.2f}, with {min(costs):.4f}")
assert abs(best - 0.5) < 1e-12
assert abs(min(costs) - entropy) < 1e-12

# %% [markdown]
# It cannot. With the true probabilities $p_i$, the expected surprise is the *entropy*, $H = -\sum_i p_i \ln p_i$. A
# model with any other probabilities $q_i$ has $-\sum_i p_i \ln q_i$, and that is never less. The reason is one line.
# The curve $\ln x$ bends downward, so it lies below its tangent at 1: $\ln x \le x - 1$. Therefore
#
# $$
# \sum_i p_i \ln \frac{q_i}{p_i} \;\le\; \sum_i p_i \Big( \frac{q_i}{p_i} - 1 \Big) = \sum_i q_i - \sum_i p_i = 0 ,
# $$
#
# because both sums are 1. The left side is $\sum_i p_i \ln q_i - \sum_i p_i \ln p_i$, so
# $-\sum_i p_i \ln q_i \ge -\sum_i p_i \ln p_i$. Entropy is the surprise that is left when there is nothing more to
# learn.
#
# The floor
# ---------
#
# Real text has an entropy, too, but nobody knows it. These names are drawn by rules, so the package can compute how
# small the expected loss can be: `data.floor`. `data.perfect` is the model that reaches it, because it knows the rules.
# After "kas" it weighs two possibilities. The s may close a syllable, *kas*, and then t may follow. Or it may open the
# next one, *ka-s*, and then a vowel follows, or h, as in *ka-sh*.
#
# (One detail: the loss takes the mean of each name first, so a token of a short name counts more than one of a long
# name. The perfect model allows for that. It gives the end of a name slightly more than its true probability.)

# %%
after_kas = data.perfect.probabilities("kas")[-1]
likely = np.argsort(-after_kas)[:5]
shown = [f"{tokenizer.characters[i]} {after_kas[i]:.2f}" for i in likely]
print("after kas:", ", ".join(shown))
perfect_loss = data.perfect.loss(data.test_documents)
print(f"floor {data.floor:.4f}; the perfect model on names held out {perfect_loss:.4f}")
assert abs(perfect_loss - data.floor) < 0.01

# %% [markdown]
# The floor is a mean over all names that the rules can draw. On 2,000 of them, chance moves the loss a little. So we
# compare all models with the perfect one on the same names.
#
# Counting
# --------
#
# Now forget the rules, and learn from the 32,000 names. To count runs of $n$ letters means: the $n - 1$ tokens before a
# token are its *context*, and we count how often each token follows each context. With $n = 1$ there is no context, and
# the letters are counted as they come. Before the first letter, the context is filled with the token of the beginning.
#
# In the code, `y` holds $N$ names, in rows of $T$ tokens. `runs[a, t]` is the run of $n$ tokens that ends with token
# $t$ of name $a$. The last line leaves out the runs that end in padding; $M$ are left, one for each token.


# %%
def all_runs(y, n):
    """Return each token of the names y with the n - 1 tokens before it, (M, n)."""
    N, T = y.shape
    rows = np.hstack([np.full((N, n - 1), end), y])
    runs = np.stack([rows[:, i : i + T] for i in range(n)], axis=-1)  # (N, T, n)
    return runs[y >= 0]


names_of_tokens = [*tokenizer.characters, "end"]
for n in (2, 3):
    runs = all_runs(next_of_mia, n)
    print("runs of mia:", [" ".join(names_of_tokens[i] for i in run) for run in runs])
assert all_runs(next_of_mia, 2).tolist() == [[26, 12], [12, 8], [8, 0], [0, 26]]

# %% [markdown]
# (26 stands for the beginning as well as for the end, so both print as "end".) The counts form a table with an axis for
# each letter of the run: the pair "ma" is counted at `[12, 0]`. A row of the table belongs to one context. Divide it by
# its sum, and it holds the probabilities of what comes next.
#
# **Question.** Suppose that "zu" is never followed by "x" in 32,000 names, and then a held-out name has "zux". What is
# the loss?
#
# Infinite: $-\ln 0$. To have never seen something is no proof that it cannot be. So pretend that each token has been
# seen once more after each context: *add-one smoothing*. (`np.add.at` counts: it adds 1 at each place that a run names,
# as often as it comes. The transposed runs are one row of indices for each axis of the table.)


# %%
def probabilities(y, n):
    """Return the table of probabilities; its last axis is the token that comes next."""
    counts = np.ones((27,) * n)  # add one
    np.add.at(counts, tuple(all_runs(y, n).T), 1)
    return counts / counts.sum(axis=-1, keepdims=True)


def surprises(p, n):
    """Return the surprise of each token of the names held out, (M,)."""
    return -np.log(p[tuple(all_runs(data.test_y, n).T)])


def loss_of(p, n):
    """Return the mean over the names of the mean over the tokens of each."""
    of_tokens = np.zeros(data.test_y.shape)
    of_tokens[data.test_y >= 0] = surprises(p, n)
    return (of_tokens.sum(axis=1) / (data.test_y >= 0).sum(axis=1)).mean()


models, losses = {}, {}
for n in (1, 2, 3, 4):
    models[n] = probabilities(data.train_y, n)
    losses[n] = loss_of(models[n], n)
    print(f"{n} letters: {models[n].size:7,} numbers, ", end="")
    print(f"loss {losses[n]:.4f}, above perfect {losses[n] - perfect_loss:.4f}")
assert losses[1] > losses[2] > losses[3] < losses[4]

# %% [markdown]
# Pairs help a lot, triples a little, and runs of four make it *worse*.
#
# Why longer runs stop helping
# ----------------------------
#
# More context cannot hurt a model that knows the probabilities. But ours has to learn them. A run of four has a context
# of three letters. There are $27^3 = 19{,}683$ of these, and each needs its own counts: nothing that was learned after
# "kas" helps after "mas".
#
# **Question.** After a context that was seen 10 times, how much of the prediction is counted, and how much is the
# pretended 27?
#
# 10 parts of 37 are counted, 27 parts say "anything". Now take the tokens of the held-out names, and ask of each how
# often its context of three letters was seen in training. The table has four groups of tokens, from rare contexts to
# common ones. For each it shows the mean surprise of the counts, minus that of the perfect model:

# %%
times = np.zeros((27,) * 3)
np.add.at(times, tuple(all_runs(data.train_y, 4)[:, :3].T), 1)
runs = all_runs(data.test_y, 4)
seen = times[tuple(runs[:, :3].T)]
of_names = [data.perfect.probabilities(name) for name in data.test_documents]
by_perfect = np.vstack(of_names)[np.arange(len(runs)), runs[:, 3]]  # of what came
above = surprises(models[4], 4) + np.log(by_perfect)
mean_above = {}
for low, high in ((0, 30), (30, 300), (300, 3000), (3000, np.inf)):
    group = (low <= seen) & (seen < high)
    mean_above[low] = above[group].mean()
    print(f"seen {low:4} to {high - 1:4.0f} times: {group.mean():4.0%} ", end="")
    print(f"of the tokens, {mean_above[low]:6.3f} above perfect")
assert mean_above[0] > mean_above[30] > mean_above[300] > mean_above[3000]

# %% [markdown]
# After common contexts, such as the beginning of a name, the counts of four letters are nearly perfect. (A value just
# below 0 is chance: the perfect model is best on average, not on every group of tokens.) After the rarest ones they
# know little, but few tokens come there. The next group costs most, because half of all tokens are in it: beside
# 30 real counts, the pretended 27 are still nearly half of the prediction. A table has no way out: for each further
# letter of context, it has 27 times as many rows to fill.
#
# A first GPT
# -----------
#
# A net can share what it learns. It turns each letter into a few numbers, its *features*, so that similar letters can
# have similar features, and computes the probabilities from the features of all letters before. A net of this kind is
# called *GPT* (generative pre-trained transformer), and the next page opens it. Here we only train one. `mt.gpt` builds
# the net. `mt.Adam` is another way to take a step: it divides the gradient of each weight by the usual size of that
# gradient (page 10 has the formula). The step is then about as long as the learning rate, which falls evenly to 0.
#
# **Question.** 400 steps, each on a mini-batch of 32 names, make 12,800 names, less than half of them. Will the GPT be
# better or worse than triples?


# %%
def trained_gpt(steps):
    net = mt.gpt(tokenizer.n_tokens)
    mt.fit(
        net,
        data.train_x,
        data.train_y,
        optimizer=mt.Adam(0.01),
        schedule="linear",
        batch_size=32,
        steps=steps,
    )
    return net, mt.evaluate(net, data.test_x, data.test_y)["loss"]


net, gpt_loss = trained_gpt(400)
print(f"GPT: {net.n_parameters:,} weights, ", end="")
print(f"loss {gpt_loss:.4f}, above perfect {gpt_loss - perfect_loss:.4f}")
assert perfect_loss < gpt_loss < losses[3]

lengths = [1, 2, 3, 4]
lines = {}
for size in (1000, 4000, 32_000):
    tables = [probabilities(data.train_y[:size], n) for n in lengths]
    lines[f"{size:,} names"] = lengths, [loss_of(tables[n - 1], n) for n in lengths]
assert np.argmin(lines["1,000 names"][1]) == 1  # pairs
assert np.argmin(lines["4,000 names"][1]) == 1
lines |= {"GPT": (lengths, [gpt_loss] * 4), "perfect": (lengths, [perfect_loss] * 4)}

axes = "letters counted together", "loss (nats)"
mt.plots.panels([mt.plots.Panel("Names held out", *axes, lines)])

# %% [markdown]
# Better. With 1,000 or 4,000 names, even triples are too long. The GPT looks back at *all* letters, has fewer weights
# than the table of triples has numbers, and is closer to the perfect model than any of the counts.
#
# **Question.** Why is it not perfect? Is it too small for these rules, or has it not learned long enough?

# %%
_, longer_loss = trained_gpt(1600)
print(f"after four times as many steps, above perfect {longer_loss - perfect_loss:.4f}")
assert longer_loss - perfect_loss < (gpt_loss - perfect_loss) / 2

# %% [markdown]
# It had not learned long enough: the same net gets much closer.
#
# New names
# ---------
#
# A model that predicts the next token can also write: draw a token with the predicted probabilities, append it, and go
# on until the end is drawn.


# %%
def drawn_names(p, n, how_many, rng):
    names = []
    for _ in range(how_many):
        tokens = [end] * (n - 1)
        while len(tokens) < n or tokens[-1] != end:
            context = tuple(tokens[len(tokens) - n + 1 :])  # the last n - 1
            tokens.append(int(rng.choice(27, p=p[context])))
        names.append(tokenizer.decode(tokens))
    return names


rng = np.random.default_rng(0)
for n, p in models.items():
    print(f"{n} letters:", ", ".join(drawn_names(p, n, 8, rng)))
print("GPT:      ", ", ".join(mt.generate(net, tokenizer, 8)))
print("the rules:", ", ".join(data.test_documents[:8]))

# %% [markdown]
# Single letters give noise, pairs can be spoken here and there, triples look like names. In the names from runs of
# four, look for letters that fit nowhere: after a rare context, add-one smoothing draws anything. The GPT's names are
# hard to tell from those of the rules. The eye is satisfied long before the loss is.
#
# Exercises
# ---------
#
# 1. By hand: four letters have the probabilities $\tfrac12, \tfrac14, \tfrac18, \tfrac18$. What is the entropy, in
#    units of $\ln 2$? `assert abs(-(p * np.log(p)).sum() / np.log(2) - ...) < 1e-12`
# 2. $e^H$ is the *perplexity*: the number of equally likely tokens with the same entropy. What is it for a model that
#    knows nothing, `assert abs(np.exp(np.log(27)) - ...) < 1e-12`, and what for the floor,
#    `assert abs(np.exp(data.floor) - ...) < 0.01`?
# 3. Add less than 1. Give `probabilities` an argument for what it adds, and try 0.1 and 0.01 with runs of three and
#    four. Which is best now, and does the GPT still win? `assert gpt_loss < best < losses[3] - 0.01`
# 4. *Two layers.* The layers of `mt.gpt(27)` between the first three and the last are called a *block*. Let
#    `two = mt.gpt(27, n_blocks=2)` have two blocks, one after the other, and compare `two.summary()` with
#    `net.summary()`. Where are the additional weights? `assert two.n_parameters == 4192 + ...`. Train it for the same
#    400 steps. Is its loss lower?
#
# Next, on page 17: what is in the box. Attention, by hand.
