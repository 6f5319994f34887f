r"""
16. Counting letters
====================

So far, nets had to name something that was there: a class of points, a digit. On this page they have to say what comes
*next*. Take names: after "ma", is it "r", or "n", or does the name end? The simplest answer is to count. You will count
single letters, pairs, triples, and runs of four, see why longer is not always better, and train a first GPT that beats
them all. And because the names are drawn by known rules, you will know how good the best possible answer is.

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
print(f"{len(data.train_documents):,} names to learn from, {len(data.test_documents):,} held out, such as")
print(", ".join(data.train_documents[:12]))
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
# expected surprise of a model be?
#
# Suppose that the model knows these probabilities. Then the surprises are $\ln 2$, $\ln 4$ and $\ln 4$, and their
# expected value is $\tfrac12 \ln 2 + \tfrac14 \ln 4 + \tfrac14 \ln 4 = 1.5 \ln 2 = 1.04$ nats. Can another model do
# better, for example one that bets more on a? Try all models: $q$ for a, and half of the rest for b and c.

# %%
truth = np.array([0.5, 0.25, 0.25])
entropy = -(truth * np.log(truth)).sum()
bets = np.linspace(0.05, 0.95, 19)
costs = [-(truth * np.log([q, (1 - q) / 2, (1 - q) / 2])).sum() for q in bets]
print(f"entropy {entropy:.4f}; the best bet on a is {bets[np.argmin(costs)]:.2f}, at {min(costs):.4f}")
assert abs(bets[np.argmin(costs)] - 0.5) < 1e-12
assert abs(min(costs) - entropy) < 1e-12

# %% [markdown]
# It cannot. The expected surprise of the true probabilities is the *entropy*, $H = -\sum_i p_i \ln p_i$, and no model
# has less. The reason is one line: since $\ln x \le x - 1$,
#
# $$
# \sum_i p_i \ln \frac{q_i}{p_i} \;\le\; \sum_i p_i \Big( \frac{q_i}{p_i} - 1 \Big) = \sum_i q_i - \sum_i p_i = 0 ,
# $$
#
# so $-\sum_i p_i \ln q_i \ge -\sum_i p_i \ln p_i$. Entropy is the surprise that is left when there is nothing more to
# learn.
#
# The floor
# ---------
#
# Real text has an entropy, too, but nobody knows it. These names are drawn by rules, and the package computes it
# exactly. `data.perfect` is the model that knows the rules. After "kas" it weighs two readings: the s may close the
# syllable, *kas-*, or open the next one, *ka-s* (and *ka-sh*). Its expected loss is `data.floor`. (The mean is taken
# name by name, so a token of a short name counts a little more than one of a long name. That is why the best
# predictions are not quite the true probabilities: the perfect model expects the end of a name a little more often than
# it comes.)

# %%
after_kas = data.perfect.probabilities("kas")[-1]
likely = np.argsort(-after_kas)[:5]
print("after kas:", ", ".join(f"{tokenizer.characters[i]} {after_kas[i]:.2f}" for i in likely))
perfect_loss = data.perfect.loss(data.test_documents)
print(f"floor {data.floor:.4f}; the perfect model on the names held out: {perfect_loss:.4f}")
assert abs(perfect_loss - data.floor) < 0.01

# %% [markdown]
# On 2,000 names, chance moves the loss a little. So we compare all models with the perfect one on the same names.
#
# Counting
# --------
#
# Now forget the rules, and learn from the 32,000 names. To count runs of $n$ letters means: for each token, look at the
# $n - 1$ tokens before it, the *context*, and count how often which token follows. With $n = 1$ there is no context,
# and the letters are counted as they come. Before the first letter, the context is filled with the token of the
# beginning.


# %%
def all_runs(y, n):
    """Return each token of the names y with the n - 1 tokens before it, (M, n)."""
    rows = np.hstack([np.full((len(y), n - 1), end), y])
    runs = np.stack([rows[:, i : i + y.shape[1]] for i in range(n)], axis=-1)  # (N, T, n)
    return runs[y >= 0]


names_of_tokens = [*tokenizer.characters, "end"]
print("pairs of mia:", [[names_of_tokens[i] for i in run] for run in all_runs(next_of_mia, 2)])

# %% [markdown]
# The counts are a table with an axis for each letter of the run. Divide each row by its sum, and it holds
# probabilities.
#
# **Question.** Suppose that "zu" is never followed by "x" in 32,000 names, and then a held-out name has "zux". What is
# the loss?
#
# Infinite: $-\ln 0$. To have never seen something is no proof that it cannot be. So pretend that each token has been
# seen once more after each context: *add-one smoothing*.


# %%
def probabilities(y, n):
    """Return p(next | context), a table of shape (27, ..., 27) with the next token on its last axis."""
    counts = np.ones((27,) * n)  # add one
    np.add.at(counts, tuple(all_runs(y, n).T), 1)
    return counts / counts.sum(axis=-1, keepdims=True)


def surprises(p, n):
    return -np.log(p[tuple(all_runs(data.test_y, n).T)])


is_token = data.test_y >= 0
shares = (is_token / is_token.sum(axis=1, keepdims=True))[is_token] / len(is_token)  # of each token in the loss
models, losses = {}, {}
for n in (1, 2, 3, 4):
    models[n] = probabilities(data.train_y, n)
    losses[n] = shares @ surprises(models[n], n)
    above = losses[n] - perfect_loss
    print(f"{n} letters: table of {models[n].size:7,} numbers, loss {losses[n]:.4f}, above perfect {above:.4f}")
assert losses[1] > losses[2] > losses[3] < losses[4]

# %% [markdown]
# Pairs help a lot, triples a little, and runs of four make it *worse*.
#
# Why longer runs stop helping
# ----------------------------
#
# More context cannot hurt a model that knows the probabilities. But ours has to learn them. There are $27^3 = 19{,}683$
# contexts of three letters, and each needs its own counts: nothing that was learned after "kas" helps after "mas".
#
# **Question.** After a context that was seen 10 times, how much of the prediction is counted, and how much is the
# pretended 27?
#
# 10 parts of 37 are counted, 27 parts say "anything". Here are the tokens of the held-out names, grouped by how often
# the context of three letters was seen, with the surprise above the perfect model's:

# %%
times = np.zeros((27,) * 3)
np.add.at(times, tuple(all_runs(data.train_y, 4)[:, :3].T), 1)
runs = all_runs(data.test_y, 4)
seen = times[tuple(runs[:, :3].T)]
by_perfect = np.vstack([data.perfect.probabilities(name) for name in data.test_documents])  # (M, 27)
above = surprises(models[4], 4) + np.log(by_perfect[np.arange(len(runs)), runs[:, 3]])
mean_above = {}
for low, high in ((0, 30), (30, 300), (300, 3000), (3000, np.inf)):
    group = (low <= seen) & (seen < high)
    mean_above[low] = above[group].mean()
    print(
        f"seen {low:4} to {high - 1:4.0f} times: {group.mean():4.0%} of the tokens, {mean_above[low]:.3f} above perfect"
    )
assert mean_above[0] > mean_above[30] > mean_above[300] > mean_above[3000]

# %% [markdown]
# After common contexts, such as the beginning of a name, the counts of four letters are nearly perfect. After the
# rarest ones they know little, but few tokens come there. Most of the loss comes from the next group, contexts that
# were seen up to 299 times: that is still few beside the 27 that every context starts with. With fewer names, it gets
# worse sooner, as the picture below shows. A table has no way out: for each further letter of context, it has 27 times
# as many rows to fill. (A value just below 0 is chance: the perfect model is best on average, not on every group of
# tokens.)
#
# A first GPT
# -----------
#
# A net can share what it learns. It turns each letter into a few numbers, its *features*, so that similar letters can
# have similar features, and computes the probabilities from the features of all letters before. A net of this kind is
# called *GPT* (generative pre-trained transformer), and the next page opens it. Here we only train one. `mt.gpt` builds
# the net, and `mt.Adam` takes steps that adapt the learning rate of each weight (page 10). We take 400 steps, each on
# 32 names, at a rate that falls to 0. That is 12,800 names, less than half of them.

# %%
net = mt.gpt(tokenizer.n_tokens)
history = mt.fit(
    net, data.train_x, data.train_y, optimizer=mt.Adam(0.01), batch_size=32, steps=400, schedule="linear"
)  # fmt: skip
gpt_loss = mt.evaluate(net, data.test_x, data.test_y)["loss"]
print(f"GPT with {net.n_parameters:,} weights: loss {gpt_loss:.4f}, above perfect {gpt_loss - perfect_loss:.4f}")
assert perfect_loss < gpt_loss < losses[3]

lengths = [1, 2, 3, 4]
fewer = {size: [shares @ surprises(probabilities(data.train_y[:size], n), n) for n in lengths] for size in (1000, 4000)}
lines = {f"{size:,} names": (lengths, of_size) for size, of_size in fewer.items()}
lines |= {
    "32,000 names": (lengths, [*losses.values()]),
    "GPT": (lengths, [gpt_loss] * 4),
    "perfect": (lengths, [perfect_loss] * 4),
}
assert np.argmin(fewer[1000]) == 1  # at a length of 2
assert np.argmin(fewer[4000]) == 1

mt.plots.panels([mt.plots.Panel("Names held out", "letters counted together", "loss (nats)", lines)])

# %% [markdown]
# With 1,000 or 4,000 names, even triples are too long. The GPT looks back at *all* letters, has fewer weights than the
# table of triples has numbers, and is closer to the floor than any of the counts. What is left above the floor is not
# in the names: more steps bring it down.
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
            context = tuple(tokens[len(tokens) - n + 1 :])
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
#    knows nothing, and for the floor? `assert abs(np.exp(np.log(27)) - ...) < 1e-12`
# 3. Add less than 1. Give `probabilities` an argument for what it adds, and try 0.1 and 0.01 with runs of three and
#    four. Which is best now, and does the GPT still win? `assert gpt_loss < best < losses[3] - 0.01`
# 4. *Two layers.* `mt.gpt(27, n_blocks=2)` has two blocks of attention and dense layers, one after the other. How many
#    weights does it have, and where are the additional ones? `assert two.n_parameters == 4192 + ...`. Train it for the
#    same 400 steps. Is its loss lower?
#
# Next, on page 17: what is in the box. Attention, by hand.
