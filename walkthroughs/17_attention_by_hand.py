r"""
17. Attention by hand
=====================

A count of three letters (page 16) cannot see the fourth. *Attention* can: each position of a document looks at itself
and at all positions before it, decides which of them matter, and takes a mean of what they have to say. It needs no new
mathematics: dot products, softmax, and a weighted sum. On this page you compute one by hand, derive its three
gradients, and test that it never looks ahead.

You need softmax and its Jacobian (page 1), ops and vjps (page 3), matrices whose rows are samples (page 5), and
documents and tokens (page 16).
"""

# %%
import inspect
import re
import time

import matplotlib.pyplot as plt
import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS, get_tier
from micrograd_tiers.tiers.documents import scalar, tensor, vector
from micrograd_tiers.tiers.exact.lists import dot

# %% [markdown]
# Query, key, value
# -----------------
#
# Take a document of four tokens, at the positions 0 to 3. In a net, a layer before attention computes three rows of $D$
# numbers for each position $t$:
#
# - the *query* $q_t$: what this position looks for
# - the *key* $k_t$: how it can be found
# - the *value* $v_t$: what it hands over when it is found
#
# Here we choose them ourselves, with $D = 4$. Each of the three is a matrix with a row for each position. The queries
# are multiples of $u = \ln 2$. You will see why in a moment.

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
# **Question.** Position 2 looks at positions 0, 1 and 2. What are its three scores, in units of $u$? Its query is
# $(2, 2, 0, 0)$, the keys are $(1, 0, 1, 0)$, $(0, 1, 1, 0)$ and $(1, 1, 0, 0)$, and $\sqrt D = 2$.
#
# The dot products are 2, 2 and 4, so the scores are 1, 1 and 2. In matrices, the table of all dot products is
# $Q K^\mathsf{T}$: rows of $Q$ meet rows of $K$, as samples met weights on page 5.

# %%
D = 4
scores = q @ k.T / np.sqrt(D)
print((scores / u).round(2))
assert abs(scores[2, :3] / u - [1, 1, 2]).max() < 1e-14

# %% [markdown]
# Why the root? A dot product is a sum of $D$ products. If these are random, of size 1 and of either sign, many of them
# cancel, and the sum is typically of size $\sqrt D$. (On page 4, the mean of $N$ samples had a spread $\sqrt N$ times
# smaller; the sum is $N$ times the mean.) Without the division, longer rows would mean larger scores. Softmax would
# then give nearly all to a single position, and where a probability is near 0 or 1, its slope $p (1 - p)$ is near 0:
# nothing would be learned. Try it with 8 random keys of 256 numbers, where the root is 16:


# %%
def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


rng = np.random.default_rng(0)
wide_q, wide_k = rng.standard_normal((1000, 256)), rng.standard_normal((8, 256))
with_root, without = softmax(wide_q @ wide_k.T / 16), softmax(wide_q @ wide_k.T)
largest_with, largest_without = with_root.max(axis=1).mean(), without.max(axis=1).mean()
print("largest of 8 probabilities, on average: ", end="")
print(f"{largest_with:.2f} with the root, {largest_without:.2f} without")
assert largest_with < 0.5 < 0.9 < largest_without

# %% [markdown]
# The triangle
# ------------
#
# The net should predict the token that comes *next*. If a position could look ahead, it would read the answer. So
# position $t$ uses the scores with $s \le t$ only: the others are set to $-\infty$, and $e^{-\infty} = 0$. What is left
# of the table is a triangle, and softmax turns each of its rows into weights $p_{ts}$ that sum to 1. (These are weights
# of a mean. They are computed anew for each document, while the weights of a layer are learned.)
#
# **Question.** What are the weights of position 2? Remember that $e^{n u} = 2^n$.
#
# The exponentials are 2, 2 and 4, so the weights are $\tfrac14$, $\tfrac14$ and $\tfrac12$. Position 0 sees only
# itself, with the weight 1, whatever its query is.

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
    [np.where(triangle, scores / u, np.nan), p, v, y],
    ["scores, in units of u", "weights p", "values v", "y = p @ v"],
    columns=2,
    title="Attention at four positions",
)

# %% [markdown]
# The gray scores are those with $s > t$, which are taken away. That is all of attention:
#
# $$
# Y = \operatorname{softmax}\!\left( \frac{Q K^\mathsf{T}}{\sqrt D} \text{ where } s \le t \right) V
# $$
#
# The derivative, three times
# ---------------------------
#
# Three things come in, so three gradients go back: $dq$, $dk$ and $dv$. As always, `dy` is $dL/dy$. We go back through
# the three steps: the weighted sum, softmax, and the dot product. To begin with, let the loss depend on the output of
# position 2 alone. Its row of `dy` is $dy_2 = (1, 2, 0, 0)$, the other rows are 0.
#
# **The weighted sum.** In $p_{ts}\, v_s$, each factor gets the gradient times the *other* factor, as in any product
# (page 2). For the value this is $p_{ts}\, dy_t$. For the weight it is a dot product, because $p_{ts}$ multiplies all
# numbers of $v_s$: $dp_{ts} = dy_t \cdot v_s$.
#
# **Question.** What are $dv_0$, $dv_1$, $dv_2$, and $dp_{20}$, $dp_{21}$, $dp_{22}$?
#
# The values get $\tfrac14$, $\tfrac14$ and $\tfrac12$ of $(1, 2, 0, 0)$. The weights get $1 \cdot 4 + 2 \cdot 0 = 4$,
# $1 \cdot 0 + 2 \cdot 4 = 8$ and $1 \cdot 2 + 2 \cdot 0 = 2$.
#
# **Softmax.** Each score moves all weights of its row. Let $z_s$ be the scores of one row, and $p_s$ its weights.
# Page 1 has the table of slopes: $\partial p_s / \partial z_s = p_s - p_s p_s$, and for $r \neq s$,
# $\partial p_r / \partial z_s = -p_r p_s$. The score reaches the loss through all weights of its row, so sum
# $dp_r \cdot \partial p_r / \partial z_s$ over all $r$, $r = s$ included:
#
# $$
# \begin{aligned}
# dz_s &= p_s\, dp_s - \sum_r p_r p_s\, dp_r \\
#      &= p_s \Big( dp_s - \sum_r p_r\, dp_r \Big) .
# \end{aligned}
# $$
#
# The sum in the brackets is the mean of $dp$, with the same weights $p$. So a score gets a gradient only if its $dp$
# is *above or below this mean*. That is because the weights sum to 1: what one position gains, the others lose.
#
# **Question.** What are the three $dz$? The mean of 4, 8 and 2 is $1 + 2 + 1 = 4$.
#
# They are $\tfrac14 (4 - 4) = 0$, $\tfrac14 (8 - 4) = 1$ and $\tfrac12 (2 - 4) = -1$. They sum to 0, and they must: the
# same number added to all scores of a row changes no weight.
#
# **The dot product.** The score is $q_t \cdot k_s / \sqrt D$. First the root: the gradient of $q_t \cdot k_s$, which we
# call $dqk_{ts}$, is $dz_{ts} / \sqrt D$. Here this is 0, $\tfrac12$ and $-\tfrac12$. Then the product: the query gets
# this number times the key, and the key gets it times the query. The query meets three keys, and sums over them.
#
# **Question.** What are $dq_2$, $dk_0$, $dk_1$ and $dk_2$? The keys are $(1, 0, 1, 0)$, $(0, 1, 1, 0)$ and
# $(1, 1, 0, 0)$, the query is $u\,(2, 2, 0, 0)$.
#
# $dq_2$ is $\tfrac12 (0, 1, 1, 0) - \tfrac12 (1, 1, 0, 0) = (-\tfrac12, 0, \tfrac12, 0)$. The keys get 0,
# $u\,(1, 1, 0, 0)$ and $u\,(-1, -1, 0, 0)$. Here is the row in numbers:

# %%
dy_2 = np.array([1.0, 2, 0, 0])
dp_2 = v[:3] @ dy_2
dz_2 = p[2, :3] * (dp_2 - p[2, :3] @ dp_2)
dqk_2 = dz_2 / np.sqrt(D)
dq_2 = dqk_2 @ k[:3]
print("dp", dp_2, "  dz", dz_2.round(3) + 0, "  dq", dq_2.round(3) + 0)  # -0 to 0
assert abs(dp_2 - [4, 8, 2]).max() < 1e-14
assert abs(dz_2 - [0, 1, -1]).max() < 1e-14
assert abs(dq_2 - [-0.5, 0, 0.5, 0]).max() < 1e-14

# %% [markdown]
# All positions at once
# ---------------------
#
# Now let all four outputs reach the loss, so no row of `dy` need be 0. Then each row of $q$, $k$ and $v$ sums what
# comes back from all positions that use it. As on page 5, ask: who uses this row?
#
# - A query $q_t$ is used by its own position, with each key that it sees. So $dq_t$ sums over $s$:
#   $dq_t = \sum_s dqk_{ts}\, k_s$.
# - A key $k_s$ is used by its own position and by all *later* ones. So $dk_s$ sums over $t$:
#   $dk_s = \sum_t dqk_{ts}\, q_t$.
# - The same holds for a value: $dv_s = \sum_t p_{ts}\, dy_t$.
#
# Now write the sums as matrix products. A product sums over the *columns* of its first factor, which here is a table,
# $dqk$ or $p$, with a row for each $t$ and a column for each $s$. $dq$ sums over $s$, so the table stays as it is. $dk$
# and $dv$ sum over $t$, so the table is transposed first.
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
print("dk, in units of u", (dk(dy) / u).round(3) + 0, "dv", dv(dy), sep="\n")
assert abs(dq(dy)[2] - dq_2).max() < 1e-14
assert abs(dk(dy)[:3] / u - [[0, 0, 0, 0], [1, 1, 0, 0], [-1, -1, 0, 0]]).max() < 1e-14

# %% [markdown]
# These are the numbers from above. Three derivations are three chances of a mistake, so try them on other numbers, too.
# `mt.check_vjps` draws a random `dy`. It moves each of the 48 numbers of $q$, $k$ and $v$ a little, and compares what
# happens with what our three functions say.
#
# The report has a row for each of the three. It shows where the error is largest, and there what our function says
# (*analytic*) and what the trial says (*numerical*). The error is relative: $10^{-10}$ means that ten digits agree.
# (The *complex step* is a trial with fewer rounding errors than that of page 1; page 8 explains it. For `q`, the number
# shown is 0 up to rounding; there the error is not divided by the number itself.)

# %%
report = mt.check_vjps(attention, [q, k, v])
print(report)
assert report.passed

# %% [markdown]
# **Question.** The table is square. Suppose that you forget to transpose it in $dk$. Which error message do you get?
#
# None: the shapes fit. Only the numbers are wrong, and only the check says so.


# %%
def careless(q, k, v):
    y, (dq, _, dv) = attention(q, k, v)
    p = softmax(np.where(triangle, q @ k.T / np.sqrt(D), -np.inf))

    def dk(dy):
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
# The package's `attention` takes a single matrix `x`, with $q$, $k$ and $v$ side by side, because a single layer
# computes all three. So it has a single vjp, `dx`. Its second argument is the number of heads, which the next section
# explains; here it is 1. At the tensor tier, a mini-batch of documents has one more axis, in front: `x[None]` is one
# document.

# %%
x, dy = np.hstack([q, k, v]), rng.standard_normal((4, 4))  # x: (4, 12)
dx = np.hstack([vjp(dy) for vjp in (dq, dk, dv)])
y_scalar, (dx_scalar,) = scalar.attention(x.tolist(), 1)
y_vector, (dx_vector,) = vector.attention(x, 1)
y_tensor, (dx_tensor,) = tensor.attention(x[None], 1)
for name, its_y, its_dx in (
    ("scalar", y_scalar, dx_scalar(dy.tolist())),
    ("vector", y_vector, dx_vector(dy)),
    ("tensor", y_tensor[0], dx_tensor(dy[None])[0]),
):
    of_y, of_dx = abs(np.array(its_y) - y).max(), abs(np.array(its_dx) - dx).max()
    print(f"{name}: differs from ours by {max(of_y, of_dx):.0e}")
    assert max(of_y, of_dx) < 1e-14

# %% [markdown]
# Now read the derivatives in the three files. (The site has a page with all ops at the three tiers side by side.) At
# the scalar tier they are loops over the heads `h`, over `t` and over `s`, and a sum is a `+=`. The index on the left
# says which row collects it: `dq[t]` collects over `s`, while `dk[s]` and `dv[s]` collect over `t`. (There, softmax
# brings its own vjp for each row, so no mean is to be seen.) At the vector and the tensor tier the same sums are matrix
# products. `matmuls` multiplies all matrices of a stack, one for each head and document, and `total` is a sum.
# `transpose(0, 2, 1)` and `swapaxes(2, 3)` transpose each matrix of the stack.

# %%
source = inspect.getsource(scalar.attention)
start, stop = source.index("    def dx"), source.index("        return")
print("scalar", source[start:stop], sep="\n")
for tier in (vector, tensor):
    print(tier.__name__.rpartition(".")[2])
    for line in inspect.getsource(tier.attention).splitlines():
        if re.match(r" *(dp|mean_dp|dqk|dq|dk|dv) = ", line):
            print(line)

# %% [markdown]
# Heads
# -----
#
# One softmax makes one mean, but a token may have several reasons to look back: at the last vowel, and at the beginning
# of the name. So each row of $q$, $k$ and $v$ is cut into equal parts. A *head* has one part of each, its own softmax,
# and its own mean. The outputs of the heads are put side by side again.
#
# **Question.** Cut our rows of four numbers for two heads. What is the $D$ under the root now?
#
# 2, the size of a *head's* key. Two calls of our function, one for each half, give what the package gives for two
# heads:

# %%
first, _ = attention(q[:, :2], k[:, :2], v[:, :2])
second, _ = attention(q[:, 2:], k[:, 2:], v[:, 2:])
two_heads, _ = vector.attention(x, 2)
print(two_heads.round(3))
assert abs(np.hstack([first, second]) - two_heads).max() < 1e-14
assert abs(two_heads - y).max() > 0.1

# %% [markdown]
# Inside a GPT
# ------------
#
# A GPT surrounds attention with a few other layers. Here is a tiny one, with 5 tokens, 4 features and one head, in one
# training step on one document, at all three tiers. Go to step 7, where attention shows scores, weights and weighted
# sums as on this page, and to step 34, where the gradient comes back through it, with the lines of the three tiers.

# %%
small = mt.gpt(5, features=4, heads=1, length=4, init="normal:0.5")
mt.step_through(small, [[4, 0, 1, 0]], [[0, 1, 0, 4]], mt.SGD(0.1))

# %% [markdown]
# Here are the layers in their order:
#
# - `embedding` looks up a row of features for each token.
# - `add position` adds a row of features for each position, because a dot product does not know where a key stands.
# - `rms norm` divides each row by the root of its mean square, so that no row is much longer than another.
# - `fork` keeps a copy of its input, and `join` adds it to the output of the layers in between. These layers are a
#   *branch*.
# - The first branch is attention. Before it, a `project` makes queries, keys and values. After it, another one mixes
#   the outputs of the heads. (`project` is `linear` without a bias.)
# - The second branch is two `project` layers with a ReLU (page 2) between them.
# - A last `project` makes the logits of the next token.
#
# Only attention lets positions see each other. All other layers treat each position on its own.
#
# What do the heads look at? Train a GPT with four heads for 300 steps on names, and let it read "rinshigus". Its first
# weight matrices are those of the embedding, of the positions, and of the `project` before attention. So the weights
# $p$ of a head take a few lines:

# %%
data = mt.load_dataset("names", n_train=4000, n_test=1)
tokenizer = data.tokenizer
document = [tokenizer.end, *tokenizer.numbers("rinshigus")]
learned = mt.gpt(tokenizer.n_tokens)
history = mt.fit(
    learned,
    data.train_x,
    data.train_y,
    optimizer=mt.Adam(0.01),
    schedule="linear",
    batch_size=16,
    steps=300,
)
assert history.batch_loss[-1] < 2.4 < 3 < history.batch_loss[0]


def rms_normed(x):
    return x / np.sqrt((x**2).mean(axis=1, keepdims=True))


of_token, of_position, to_qkv, *_ = learned.state_dict().values()
features = rms_normed(of_token[document] + of_position[: len(document)])
parts = np.split(rms_normed(features) @ to_qkv.T, 12, axis=1)  # q, k, v of four heads
seen, heads = np.tri(len(document), dtype=bool), []
for h in range(4):
    scores = parts[h] @ parts[4 + h].T / np.sqrt(4)  # 16 features, so D = 4
    heads.append(softmax(np.where(seen, scores, -np.inf)))

figure, axes = plt.subplots(2, 1, figsize=(3.6, 6.8), layout="constrained")
mt.plots.matrices([heads[0], heads[3]], ["first head", "last head"], axes=axes)
for one in axes:
    one.set(xticks=range(10), xticklabels=["begin", *"rinshigus"], xlabel="looks at")
    one.set(yticks=range(10), yticklabels=["begin", *"rinshigus"], ylabel="position")
plt.show()

at_h, at_g = heads[3][5], heads[3][7]
for letter, row in (("h", at_h), ("g", at_g)):
    print(f"last head at {letter}:", row[row > 0].round(2))
assert at_h[[0, 2]].sum() > 0.8  # the beginning, and i
assert at_g[[0, 2, 6]].sum() > 0.8  # the beginning, and both i
assert heads[0][:, 0].min() > 0.05

# %% [markdown]
# A row holds the weights of one position. Nobody told a head what to look for. In the first head, a position takes a
# share of all that came before. The last head is choosy at some positions: h and g look at the letters i, and at the
# beginning. (At h, the net predicts the letter after h. `mt.draw(learned, [document])` draws the outputs of all
# layers.)
#
# Causality, tested
# -----------------
#
# Attention is *causal*: nothing depends on what comes later. The triangle is meant to make sure of that. A triangle
# that is one place too wide is easily written, and no shape gives it away. So test it.
#
# **Question.** If no position looks ahead, what happens to the first outputs of a document when you cut off its end?
#
# Nothing at all: not even their last bit may change. But a sum of floats depends on the order of its terms in the last
# bits, and NumPy may sum a longer document in another order. So we switch to *exact mode*, in which each tier adds the
# terms of a sum one by one, in the order of their index (page 6). The weights of this net are random: causality must
# hold for any.

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
assert outputs["scalar"].tobytes() == outputs["vector"].tobytes()
assert outputs["scalar"].tobytes() == outputs["tensor"].tobytes()

# %% [markdown]
# Can this test fail? Try it on our four positions, with the right triangle and with one that is a place too wide.


# %%
def outputs_change(ahead):
    seen = np.tri(4, 4, ahead, dtype=bool)  # True where s <= t + ahead
    scores = np.where(seen, q @ k.T / 2, -np.inf)
    whole, cut = softmax(scores) @ v, softmax(scores[:3, :3]) @ v[:3]
    return abs(whole[:3] - cut).max() > 0


print("outputs change with the triangle:", outputs_change(0))
print("with one a place too wide:", outputs_change(1))
assert not outputs_change(0)
assert outputs_change(1)

# %% [markdown]
# It can. And the backward pass? $y_1$ does not depend on positions 2 and 3, so its gradient must not reach them:

# %%
of_y_1 = np.zeros((4, 4))
of_y_1[1] = 1
for vjp in (dq, dk, dv):
    assert (vjp(of_y_1)[2:] == 0).all()
print("dk of y_1, in units of u", (dk(of_y_1) / u).round(3) + 0, sep="\n")
assert (dk(of_y_1)[:2] != 0).any()

# %% [markdown]
# So one forward pass over a document of $T$ tokens makes $T$ predictions, and none of them has seen its answer. A
# training step learns from all of them. A net without causality would need a pass for each.
#
# A cache of keys and values
# --------------------------
#
# To draw a name, the net predicts a token, appends it, and predicts the next one. **Question.** What has to be computed
# again for the positions that were there before?
#
# Nothing. They do not depend on the new token, so their keys and values stay as they are. Their queries have done
# their work. So keep the keys and values of all positions in a list, the *key-value cache*, and compute the new
# position alone. Here is the whole net for one token, in single rows. `dot` is the dot product in exact mode, and `ops`
# are the ops of the scalar tier. The seven matrices come in the order of the layers. Follow the lines of `next_logits`
# in the list of layers above.

# %%
ops, HEADS, D = get_tier("scalar", exact=True), 4, 4
matrices = [weight.tolist() for weight in net.state_dict().values()]
tokens, positions, qkv, mix, widen, narrow, last = matrices


def project(row, weight):
    return [dot(weight_o, row) for weight_o in weight]


def rms_norm(row):
    return ops.rms_norm([row])[0][0]


def added(a, b):
    return [ai + bi for ai, bi in zip(a, b, strict=True)]


def next_logits(token, cache):
    """Return the logits of what follows; append the keys and values to the cache."""
    x = rms_norm(added(tokens[token], positions[len(cache)]))
    row = project(rms_norm(x), qkv)
    parts = [row[i : i + D] for i in range(0, len(row), D)]  # of each head
    queries = parts[:HEADS]
    cache.append((parts[HEADS : 2 * HEADS], parts[2 * HEADS :]))
    means = []
    for h in range(HEADS):
        keys = [keys_of_heads[h] for keys_of_heads, _ in cache]  # up to this position
        values = [values_of_heads[h] for _, values_of_heads in cache]
        p, _ = ops.softmax([dot(queries[h], key) / 2 for key in keys])  # 2 is sqrt(D)
        means += [dot(p, column) for column in zip(*values, strict=True)]
    x = added(project(means, mix), x)
    positive = [max(zi, 0.0) for zi in project(rms_norm(x), widen)]
    x = added(project(positive, narrow), x)
    return project(x, last)


cache = []
one_by_one = np.array([next_logits(token, cache) for token in document])
same = one_by_one.tobytes() == outputs["scalar"].tobytes()
print("the same bits as the whole document:", same)
assert same

# %% [markdown]
# The same bits. No line of this function mentions a triangle or $-\infty$: a position cannot look ahead, because what
# comes later is not in the list yet. That is the shortest proof of causality. The package's nets have it, too, because
# they give the same bits.
#
# The cache also saves work. To write a document of 16 tokens without it, the net computes one position for the first
# token, two for the second, and so on: $1 + 2 + \dots + 16 = 136$. With the cache, it computes 16.

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
# 2. *A batch of prompts.* Continue "ka", "sho" and "e" at once. A prompt is a list of tokens, like `document`. Make one
#    array with a row for each prompt, and fill up the short ones with $-1$ at the end. One call of `net.forward`
#    returns logits of shape (3, 4, 27). Which of them belong to the next token of each prompt? Call these `together`,
#    and compare with each prompt alone: `assert together[n].tobytes() == net.forward([prompts[n]])[0, -1].tobytes()`.
#    Why does the padding at the end do no harm?
# 3. *RoPE* (Su et al. 2021, https://arxiv.org/abs/2104.09864) marks positions by rotation. It takes the numbers of a
#    query or key in pairs $(a, b)$: $x_0$ and $x_1$ are pair 0, $x_2$ and $x_3$ are pair 1. At position $t$ it rotates
#    pair $i$ by the angle $\varphi = t\,\theta_i$, to $(a \cos \varphi - b \sin \varphi,\; a \sin \varphi + b \cos
#    \varphi)$. Write `rope(x, theta)`, for `x` with a row for each position, as an op whose only vjp is `dx`: `theta`
#    is not learned. Which rotation takes the gradient back? With `theta = np.array([1.0, 0.01])`,
#    `assert mt.check_vjps(rope, [q, theta]).passed`. Then put the same query at all four positions, and the same key.
#    Rotate both matrices, and let `scores` be the table of all dot products. Each diagonal belongs to one distance
#    $t - s$: `assert abs(np.diff(np.diag(scores, -1))).max() < 1e-14`. What does this say?
# 4. Some nets look back at the last $W$ positions only, a *window*. The position itself is one of them. Write
#    `windowed(q, k, v)` for $W = 2$. Which two `np.tri` do you combine? Which rows of $dk$ and $dv$ are 0 if only row 3
#    of `dy` is not? `assert mt.check_vjps(windowed, [q, k, v]).passed`
#
# Next, on page 18: the same names at three tiers, and four loss curves, one of them from a right backward pass.
