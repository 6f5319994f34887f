"""Solutions to the exercises of page 16."""

import numpy as np

import micrograd_tiers as mt

# 1. 1/2 * 1 + 1/4 * 2 + 1/8 * 3 + 1/8 * 3 = 1.75, in units of ln 2, which are called bits.
p = np.array([1 / 2, 1 / 4, 1 / 8, 1 / 8])
assert abs(-(p * np.log(p)).sum() / np.log(2) - 1.75) < 1e-12

# 2. 27 for a model that knows nothing, and 8.27 for the perfect one.
data = mt.load_dataset("names")
assert abs(np.exp(np.log(27)) - 27) < 1e-12
assert abs(np.exp(data.floor) - 8.27) < 0.01


# 3. Runs of three with 0.01. Runs of four want 0.1, and stay behind; the GPT still wins.
def all_runs(y, n):
    rows = np.hstack([np.full((len(y), n - 1), data.tokenizer.end), y])
    runs = np.stack([rows[:, i : i + y.shape[1]] for i in range(n)], axis=-1)
    return runs[y >= 0]


def probabilities(y, n, added):
    counts = np.full((27,) * n, added)
    np.add.at(counts, tuple(all_runs(y, n).T), 1)
    return counts / counts.sum(axis=-1, keepdims=True)


is_token = data.test_y >= 0
of_names = is_token / is_token.sum(axis=1, keepdims=True)
shares = of_names[is_token] / len(is_token)  # of each token in the loss
losses = {}
for n, added in ((3, 1.0), (3, 0.1), (3, 0.01), (4, 0.1), (4, 0.01)):
    p = probabilities(data.train_y, n, added)
    losses[n, added] = shares @ -np.log(p[tuple(all_runs(data.test_y, n).T)])
best = min(losses, key=losses.get)
assert best == (3, 0.01)
assert losses[4, 0.1] < losses[4, 0.01]
assert 2.15 < losses[best] < losses[3, 1.0] - 0.01

# 4. A block has (48 + 16) * 16 weights in the branch of attention and 2 * 64 * 16 in the other one. The loss is
# the same up to chance: these names have little that a single block cannot say, and 400 steps are few.
two = mt.gpt(27, n_blocks=2)
assert two.n_parameters == 4192 + 64 * 16 + 2 * 64 * 16
adam = mt.Adam(0.01)
mt.fit(
    two,
    data.train_x,
    data.train_y,
    optimizer=adam,
    schedule="linear",
    batch_size=32,
    steps=400,
)
assert abs(mt.evaluate(two, data.test_x, data.test_y)["loss"] - 2.15) < 0.02
