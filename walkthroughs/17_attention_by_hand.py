r"""
17. Attention by hand
=====================

A count of three letters (page 16) cannot see the fourth. *Attention* can: each position of a document looks back at all
positions before it, decides which of them matter, and takes a mean of what they have to say. It needs no new
mathematics: dot products, softmax, and a weighted sum. On this page you compute one by hand, derive its three
gradients, and test that it never looks ahead.

You need softmax and its Jacobian (page 1), ops and vjps (page 3), matrices whose rows are samples (page 5), exact mode
(page 6), and documents and tokens (page 16).
"""

# %%
import inspect
import re
import time

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS, get_tier
from micrograd_tiers.tiers.documents import scalar, tensor, vector
from micrograd_tiers.tiers.exact.lists import dot

# %% [markdown]
# Query, key, value
# -----------------
#
# Take a document of four positions, counted from 0. At each position $t$ there are three rows of $D$ numbers:
#
# - the *query* $q_t$: what this position looks for
# - the *key* $k_t$: how it can be found
# - the *value* $v_t$: what it hands over when it is found
#
# Here $D = 4$, and each of the three is a matrix with a row for each position. The queries are multiples of
# $u = \ln 2$. You will see why in a moment.

# %%
u = np.log(2)
q = u * np.array([[1.0, 0, 0, 1], [0, 2, 0, 0], [2, 2, 0, 0], [1, 1, -1, 2]])
k = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 2]])
v = np.array([[4.0, 0, 8, 1], [0, 4, 0, 1], [2, 0, 0, 1], [0, 0, 8, 1]])

# %% [markdown]
# Scores
# ------
#
# How well does the key of position $s$ match the query of position $t$? The dot product tells us: it is large if both
# rows have large numbers in the same places. It is divided by the root of $D$:
#
# $$
# \text{score}_{ts} = \frac{q_t \cdot k_s}{\sqrt D}
# $$
#
# **Question.** Position 2 looks at itself and at what came before. What are its three scores, in units of $u$? Its
# query is $(2, 2, 0, 0)$, and $\sqrt D = 2$.
#
# The dot products are 2, 2 and 4, so the scores are 1, 1 and 2. In matrices, the table of all dot products is
# $Q K^\mathsf{T}$: rows of $Q$ meet rows of $K$, as samples met weights on page 5.

# %%
D = 4
scores = q @ k.T / np.sqrt(D)
print((scores / u).round(2))
assert abs(scores[2, :3] / u - [1, 1, 2]).max() < 1e-14

# %% [markdown]
# Why the root? A dot product of $D$ numbers is a sum of $D$ products. If these are independent, with mean 0 and
# variance 1, the variances add up to $D$, so the sum is typically of size $\sqrt D$. Without the division, a net with
# more features would start with larger scores. Softmax would then put nearly all its weight on a single position, and
# where a probability is near 0 or 1, its slope $p (1 - p)$ is near 0: nothing would be learned. Try it with 8 random
# keys of 256 numbers, where the root is 16:


# %%
def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


rng = np.random.default_rng(0)
wide_q, wide_k = rng.standard_normal((1000, 256)), rng.standard_normal((8, 256))
with_root, without = softmax(wide_q @ wide_k.T / 16), softmax(wide_q @ wide_k.T)
print(f"largest of 8 probabilities, on average: {with_root.max(axis=1).mean():.2f} with the root, ", end="")
print(f"{without.max(axis=1).mean():.2f} without")
assert with_root.max(axis=1).mean() < 0.5 < 0.9 < without.max(axis=1).mean()

# %% [markdown]
# The triangle
# ------------
#
# The net should predict the token that comes *next*. If a position could look ahead, it would read the answer. So
# position $t$ uses the scores with $s \le t$ only: the others are set to $-\infty$, and $e^{-\infty} = 0$. What is left
# of the table is a triangle, and softmax turns each of its rows into weights that sum to 1.
#
# **Question.** What are the weights of position 2? Remember that $e^{n u} = 2^n$.
#
# The exponentials are 2, 2 and 4, so the weights are $\tfrac14$, $\tfrac14$ and $\tfrac12$. Position 0 sees only
# itself, whatever its query is.

# %%
triangle = np.tri(4, dtype=bool)  # True where s <= t
p = softmax(np.where(triangle, scores, -np.inf))
print(p.round(3))
assert abs(p[1] - [1 / 3, 2 / 3, 0, 0]).max() < 1e-14
assert abs(p[2] - [1 / 4, 1 / 4, 1 / 2, 0]).max() < 1e-14
assert abs(p[3] - [1 / 8, 1 / 8, 1 / 4, 1 / 2]).max() < 1e-14
assert (p[~triangle] == 0).all()  # zero, to the last bit

# %% [markdown]
# The weighted sum
# ----------------
#
# The output at position $t$ is the mean of the values, with these weights: $y_t = \sum_{s \le t} p_{ts}\, v_s$.
#
# **Question.** What is $y_2$? The values are $(4, 0, 8, 1)$, $(0, 4, 0, 1)$ and $(2, 0, 0, 1)$.
#
# A quarter of the first, a quarter of the second, and half of the third: $(2, 1, 2, 1)$. The last number of each value
# is 1, and so the last number of each output is 1, too: weights that sum to 1 make a mean. For all positions at once,
# it is one more matrix product.

# %%
y = p @ v
print(y.round(3))
assert abs(y[2] - [2, 1, 2, 1]).max() < 1e-14

mt.plots.matrices(
    [np.where(triangle, scores / u, np.nan), p, v, y], ["scores, in units of u", "weights p", "values v", "y = p @ v"],
    columns=2, title="Attention at four positions",
)  # fmt: skip

# %% [markdown]
# The triangle takes the gray cells away. That is all of attention:
#
# $$
# Y = \operatorname{softmax}\!\left( \frac{Q K^\mathsf{T}}{\sqrt D} \text{ where } s \le t \right) V
# $$
#
# The derivative, three times
# ---------------------------
#
# Three things come in, so three gradients go back: $dq$, $dk$ and $dv$. As always, `dy` is $dL/dy$. We go back through
# the three steps. To begin with, let the loss depend on position 2 alone: its row of `dy` is $(1, 2, 0, 0)$.
#
# **The weighted sum.** In $p_{ts}\, v_s$, each factor gets the gradient times the *other* factor, as in any product
# (page 2). For the value this is $p_{ts}\, dy_t$. For the weight it is a dot product, because $p_{ts}$ multiplies all
# numbers of $v_s$: $dp_{ts} = dy_t \cdot v_s$.
#
# **Question.** What are $dv_0$, $dv_1$, $dv_2$, and $dp_{20}$, $dp_{21}$, $dp_{22}$?
#
# The values get $\tfrac14$, $\tfrac14$ and $\tfrac12$ of $(1, 2, 0, 0)$. The weights get 4, 8 and 2.
#
# **Softmax.** Each score moves all weights of its row. Let $z_s$ be the scores of one row, and $p_s$ its weights.
# Page 1 has the table: $\partial p_s / \partial z_s = p_s (1 - p_s)$ and $\partial p_r / \partial z_s = -p_r p_s$.
# Summed over all paths,
#
# $$
# dz_s = p_s\, dp_s - \sum_r p_r p_s\, dp_r = p_s \Big( dp_s - \sum_r p_r\, dp_r \Big) .
# $$
#
# The sum is the mean of $dp$, with the same weights $p$. So a score gets a gradient only if its $dp$ is *above or below
# the mean*: weight that one position gains, the others lose.
#
# **Question.** What are the three $dz$? The mean of 4, 8 and 2 is $1 + 2 + 1 = 4$.
#
# They are $\tfrac14 (4 - 4) = 0$, $\tfrac14 (8 - 4) = 1$ and $\tfrac12 (2 - 4) = -1$. As they must, they sum to 0.
#
# **The dot product.** The score is $q_t \cdot k_s / \sqrt D$. First the root: the gradient of $q_t \cdot k_s$, which we
# call $dqk_{ts}$, is $dz_{ts} / \sqrt D$. Here this is 0, $\tfrac12$ and $-\tfrac12$. Then the product: the query gets
# this number times the key, and the key gets it times the query.
#
# **Question.** What is $dq_2$? The keys are $(1, 0, 1, 0)$, $(0, 1, 1, 0)$ and $(1, 1, 0, 0)$.
#
# $\tfrac12 (0, 1, 1, 0) - \tfrac12 (1, 1, 0, 0) = (-\tfrac12, 0, \tfrac12, 0)$. Here is the row in numbers:

# %%
dy_2 = np.array([1.0, 2, 0, 0])
dp_2 = v[:3] @ dy_2
dz_2 = p[2, :3] * (dp_2 - p[2, :3] @ dp_2)
dqk_2 = dz_2 / np.sqrt(D)
dq_2 = dqk_2 @ k[:3]
print("dp", dp_2, "  dz", dz_2.round(3) + 0, "  dq", dq_2.round(3) + 0)
assert abs(dp_2 - [4, 8, 2]).max() < 1e-14
assert abs(dz_2 - [0, 1, -1]).max() < 1e-14
assert abs(dq_2 - [-0.5, 0, 0.5, 0]).max() < 1e-14

# %% [markdown]
# All positions at once
# ---------------------
#
# Now let all rows of `dy` be there. As on page 5, ask of each sum: who uses this row?
#
# - A query $q_t$ is used by its own position, with each key that it sees. So $dq_t$ sums over $s$:
#   $dq_t = \sum_s dqk_{ts}\, k_s$.
# - A key $k_s$ is used by its own position and by all *later* ones. So $dk_s$ sums over $t$:
#   $dk_s = \sum_t dqk_{ts}\, q_t$.
# - The same holds for a value: $dv_s = \sum_t p_{ts}\, dy_t$.
#
# A matrix product sums over the columns of its first factor. $dq$ sums over $s$, the columns of the table, so the table
# stays as it is. $dk$ and $dv$ sum over $t$, its rows, so the table is transposed first.
#
# What about the triangle? Where a score was taken away, $p$ is 0, and so $dz = p\,(\dots)$ is 0, too. Nothing else is
# needed.


# %%
def attention(q, k, v):
    T, D = q.shape
    triangle = np.tri(T, dtype=bool)
    p = softmax(np.where(triangle, q @ k.T / np.sqrt(D), -np.inf))

    def dqk(dy):  # dL/d(q_t . k_s)
        dp = dy @ v.T
        mean = (dp * p).sum(axis=1, keepdims=True)
        return p * (dp - mean) / np.sqrt(D)

    return p @ v, (
        lambda dy: dqk(dy) @ k,  # dL/dq, sums over s
        lambda dy: dqk(dy).T @ q,  # dL/dk, sums over t
        lambda dy: p.T @ dy,  # dL/dv, sums over t
    )


value, (dq, dk, dv) = attention(q, k, v)
assert (value == y).all()
dy = np.zeros((4, 4))
dy[2] = dy_2
assert abs(dq(dy)[2] - dq_2).max() < 1e-14
print("dk, in units of u", (dk(dy) / u).round(3) + 0, "dv", dv(dy), sep="\n")

# %% [markdown]
# Three derivations are three chances of a mistake, so try them on numbers. `mt.check_vjps` moves each of the 48 numbers
# of $q$, $k$ and $v$ a little, and compares what happens with what the three functions say, for a random `dy`.

# %%
report = mt.check_vjps(attention, [q, k, v])
print(report)
assert report.passed

# %% [markdown]
# **Question.** The table is square. Suppose that you forget to transpose it in $dk$. Which error do you get?
#
# None: the shapes fit. Only the numbers are wrong.


# %%
def careless(q, k, v):
    y, (dq, _, dv) = attention(q, k, v)

    def dk(dy):
        p = softmax(np.where(triangle, q @ k.T / np.sqrt(D), -np.inf))
        dp = dy @ v.T
        dqk = p * (dp - (dp * p).sum(axis=1, keepdims=True)) / np.sqrt(D)
        return dqk @ q  # right: dqk.T @ q

    return y, (dq, dk, dv)


report = mt.check_vjps(careless, [q, k, v])
print(report)
assert [check.passed for check in report.checks] == [True, False, True]

# %% [markdown]
# The same at three tiers
# -----------------------
#
# The package's `attention` takes the three side by side as one matrix, because one layer computes all of them from the
# features of a position: `Project(C, 3 * C)`, where C is the number of features. Its second argument is the number of
# heads, which the next section explains. Here it is at each tier, with our numbers. (`None` adds the axis of documents
# for the tensor tier. Each op returns its value and its vjps, as on page 3.)

# %%
x, dy = np.hstack([q, k, v]), rng.standard_normal((4, 4))  # x: (4, 12)
dx = np.hstack([vjp(dy) for vjp in (dq, dk, dv)])
of_scalar, of_vector, of_tensor = scalar.attention(x.tolist(), 1), vector.attention(x, 1), tensor.attention(x[None], 1)
for name, its_y, its_dx in (
    ("scalar", of_scalar[0], of_scalar[1][0](dy.tolist())),
    ("vector", of_vector[0], of_vector[1][0](dy)),
    ("tensor", of_tensor[0][0], of_tensor[1][0](dy[None])[0]),
):
    difference = max(abs(np.array(its_y) - y).max(), abs(np.array(its_dx) - dx).max())
    print(f"{name}: differs from ours by {difference:.0e}")
    assert difference < 1e-14

# %% [markdown]
# Now read the three derivatives in the three files. (The site has a page with all ops at the three tiers side by side.)
# At the scalar tier they are loops, and a sum is a `+=`: the loop over `s` is around all three, and the index on the
# left says which row collects the sum. `dq[t]` collects over `s`, while `dk[s]` and `dv[s]` collect over `t`. (Softmax
# brings its own derivative there: `vjps` holds the functions that carry a gradient back through each row.) At the
# vector tier the same sums are matrix products, and at the tensor tier these are products of stacks of matrices, one
# for each document.

# %%
for tier in (scalar, vector, tensor):
    print(tier.__name__.rpartition(".")[2])
    for line in inspect.getsource(tier.attention).splitlines():
        if re.match(r" *(dp|dp_t|dscores|mean_dp|dqk|dqk_t|d[qkv]|d[qkv]\[.*) \+?= ", line):
            print("   ", line.strip())

# %% [markdown]
# Heads
# -----
#
# Softmax prefers one position, but a token may have several reasons to look back: at the last vowel, and at the
# beginning of the name. So the numbers are cut into $H$ parts, the *heads*. Each head has its own queries, keys and
# values of $D = C / H$ numbers, its own softmax, and its own mean. The results are put side by side again.
#
# **Question.** With two heads, what is the $D$ under the root? It is the size of a *head's* key: 2, not 4.

# %%
halves = [attention(*(array[:, part] for array in (q, k, v)))[0] for part in (slice(0, 2), slice(2, 4))]
two_heads, _ = vector.attention(x, 2)
assert abs(np.hstack(halves) - two_heads).max() < 1e-14
assert abs(two_heads - y).max() > 0.1

# %% [markdown]
# Inside a GPT
# ------------
#
# A GPT surrounds attention with a few other layers. Here is a tiny one, with 5 tokens, 4 features and one head, in one
# training step on one document, at all three tiers. Go to step 7, where attention shows scores, weights and weighted
# sums as on this page, and to step 34, where the gradients come back, each with the lines of the three tiers.

# %%
small = mt.gpt(5, features=4, heads=1, length=4, init="normal:0.5")
mt.step_through(small, [[4, 0, 1, 0]], [[0, 1, 0, 4]], mt.SGD(0.1))

# %% [markdown]
# From top to bottom: `embedding` looks up a row of features for each token, and `add_position` adds a row for each
# position, since a dot product does not know where a key stands. `rms_norm` divides each row by the root of its mean
# square, which keeps the scores in range. `project` multiplies each row by a weight matrix. Between `fork` and `join`,
# a copy of the input goes around the layers and is added to their output, so that each branch only *adds* something.
# Then comes a second branch: two `project` layers with a ReLU (page 2) between them. A last `project` gives the logits
# of the next token. Of all of these, only attention lets positions see each other.
#
# What do the heads look at? Here is a GPT with four heads after 300 steps on names, as it reads "rinshigus". At layer 6
# there are four triangles, one for each head. A row holds the weights of one position, over the positions up to it.

# %%
data = mt.load_dataset("names", n_train=4000, n_test=1)
tokenizer = data.tokenizer
document = [tokenizer.end, *tokenizer.numbers("rinshigus")]
learned = mt.gpt(tokenizer.n_tokens)
history = mt.fit(
    learned, data.train_x, data.train_y, optimizer=mt.Adam(0.01), batch_size=16, steps=300, schedule="linear"
)  # fmt: skip
assert history.batch_loss[-1] < 2.4 < 3 < history.batch_loss[0]

mt.draw(learned, [document])

# %% [markdown]
# Nobody told a head what to look for. In the first one, a position takes a share of nearly all that came before. In the
# last one there are dark columns: h and g look at the letters i, and at the beginning. (At h, the net predicts the
# letter after h.)
#
# Causality, tested
# -----------------
#
# The triangle is meant to make sure that nothing depends on what comes later. A mistake by one place in the triangle
# is easily made, and shows in no shape. So do not trust the derivation: test it.
#
# **Question.** If no position looks ahead, what happens to the first outputs of a document when you cut off its end?
#
# Nothing at all: not even their last bit may change. For this we switch to *exact mode*, in which each tier adds its
# terms in the order of their index and rounds after each (page 6). Otherwise a matrix product is free to sum a longer
# document in another order, and the last bits say nothing. The weights of this net are random: causality must hold for
# any.

# %%
net = mt.gpt(tokenizer.n_tokens, init="normal:0.5", exact=True)
outputs = {}
for tier in TIERS:
    at_tier = net.to(tier)
    outputs[tier] = at_tier.forward([document])[0]  # (T, V)
    for t in range(1, len(document)):
        prefix = at_tier.forward([document[:t]])[0]
        assert prefix.tobytes() == outputs[tier][:t].tobytes()
print(f"{len(document) - 1} prefixes at {len(TIERS)} tiers: the same bits")
assert outputs["scalar"].tobytes() == outputs["vector"].tobytes() == outputs["tensor"].tobytes()

# %% [markdown]
# Can this test fail? Try it on our four positions, with the right triangle and with one that is a place too wide.


# %%
def outputs_change(ahead):
    seen = np.tri(4, 4, ahead, dtype=bool)  # True where s <= t + ahead
    whole, cut = (softmax(np.where(seen, q @ k.T / 2, -np.inf)[:n, :n]) @ v[:n] for n in (4, 3))
    return abs(whole[:3] - cut).max() > 0


print("triangle:", outputs_change(0), " one place too wide:", outputs_change(1))
assert not outputs_change(0)
assert outputs_change(1)

# %% [markdown]
# It can. And the backward pass? If $y_1$ does not depend on position 2, then its gradient must not reach position 2:

# %%
of_y_1 = np.zeros((4, 4))
of_y_1[1] = 1
for vjp in (dq, dk, dv):
    assert (vjp(of_y_1)[2:] == 0).all()
assert (dq(of_y_1)[0] == 0).all()
assert (dk(of_y_1)[0] != 0).any()

# %% [markdown]
# So one forward pass over a document of $T$ tokens makes $T$ predictions that have not seen the answer, and a training
# step learns from all of them. A net without causality would need a pass for each.
#
# A cache of keys and values
# --------------------------
#
# To draw a name, the net predicts a token, appends it, and predicts the next one. **Question.** What has to be computed
# again for the positions that were there before?
#
# Nothing. Their outputs do not change, so their keys and values do not either, and their queries are never needed
# again. So keep the keys and values of all positions in a list, the *key-value cache*, and compute the new position
# alone. Here is the whole net for one token, written with single rows and the ops of the scalar tier. `dot` is the dot
# product in exact mode. The seven matrices come in the order of the layers: tokens, positions, the one that makes
# queries, keys and values, the one that mixes the heads' results, the two of the ReLU branch, and the last layer. The
# 2 is $\sqrt D$.

# %%
ops, HEADS, D = get_tier("scalar", exact=True), 4, 4
tokens, positions, qkv, mix, widen, narrow, last = (weight.tolist() for weight in net.state_dict().values())


def project(row, weight):
    return [dot(weight_o, row) for weight_o in weight]


def rms_norm(row):
    return ops.rms_norm([row])[0][0]


def added(a, b):
    return [ai + bi for ai, bi in zip(a, b, strict=True)]


def next_logits(token, cache):
    """Return the logits of the next token, and append this position's keys and values to the cache."""
    x = rms_norm(added(tokens[token], positions[len(cache)]))
    row = project(rms_norm(x), qkv)
    parts = [row[i : i + D] for i in range(0, len(row), D)]  # queries, keys and values of the heads
    queries, keys, values = parts[:HEADS], parts[HEADS : 2 * HEADS], parts[2 * HEADS :]
    cache.append((keys, values))
    mean = []
    for h in range(HEADS):
        scores = [dot(queries[h], keys[h]) / 2 for keys, _ in cache]  # the cache is the triangle
        p, _ = ops.softmax(scores)
        mean += [dot(p, column) for column in zip(*(values[h] for _, values in cache), strict=True)]
    x = added(project(mean, mix), x)
    positive = [max(zi, 0.0) for zi in project(rms_norm(x), widen)]
    x = added(project(positive, narrow), x)
    return project(x, last)


cache = []
one_by_one = np.array([next_logits(token, cache) for token in document])
print("the same bits as the whole document:", one_by_one.tobytes() == outputs["scalar"].tobytes())
assert one_by_one.tobytes() == outputs["scalar"].tobytes()

# %% [markdown]
# The same bits. No line of this function mentions a triangle or $-\infty$: a position cannot look ahead, because what
# comes later is not in the list yet. That is the shortest proof of causality, and the test above says that the
# package's three tiers have it, too.
#
# It also saves work. Without the cache, a document of 16 tokens takes $1 + 2 + \dots + 16 = 136$ positions; with it,
# 16.

# %%
long_document = (document * 2)[:16]
start = time.perf_counter()
slow = [net.to("scalar").forward([long_document[:t]])[0, -1] for t in range(1, 17)]
middle = time.perf_counter()
cache = []
fast = [next_logits(token, cache) for token in long_document]
end = time.perf_counter()
print(f"without a cache {middle - start:.3f} s, with it {end - middle:.3f} s")
assert np.array(slow).tobytes() == np.array(fast).tobytes()

# %% [markdown]
# Exercises
# ---------
#
# 1. By hand: let `dy` be 0 except for row 1, which is $(3, 0, 0, 0)$. Work out $dv_0$, $dv_1$, and then $dq_1$.
#    `assert abs(dq(dy)[1] - [...]).max() < 1e-14`
# 2. *A batch of prompts.* Continue "ka", "sho" and "e" at once: one call of `net.forward` with a row for each prompt,
#    and -1 after the end of the short ones. Where are the logits of the next token? Compare with each prompt alone:
#    `assert together[n].tobytes() == net.forward([prompts[n]])[0, -1].tobytes()`. Why does the padding at the end do no
#    harm?
# 3. *RoPE* (Su et al. 2021, https://arxiv.org/abs/2104.09864) marks positions by rotation. It takes the numbers of a
#    query or key in pairs $(a, b)$, and at position $t$ it rotates pair $i$ by the angle $t\,\theta_i$: it becomes
#    $(a \cos - b \sin,\; a \sin + b \cos)$. Write `rope(x, theta)`, for `x` with a row for each position, as an op with
#    its `dx`. Which rotation takes the gradient back? `assert mt.check_vjps(rope, [q, theta]).passed` will ask for one
#    function for each input; `theta` is not learned, so let `dx` be the only one. Then show that scores depend on the
#    distance of two positions alone: rotate the same query and the same key at each of four positions, and
#    `assert abs(np.diff(np.diag(scores, -1))).max() < 1e-14`.
# 4. Some nets look back at the last $W$ positions only, a *window*. Which `np.tri` do you have to combine? Which
#    gradients are 0 then? `assert mt.check_vjps(windowed, [q, k, v]).passed`
#
# Next, on page 18: the same names at three tiers, and four loss curves, one of them from a right backward pass.
