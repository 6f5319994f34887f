"""Solutions to the exercises of page 17."""

import numpy as np

import micrograd_tiers as mt


def softmax(z):
    e = np.exp(z)
    return e / e.sum(axis=-1, keepdims=True)


def attention_where(seen):
    """Return attention in which position t sees position s if seen[t, s]."""

    def attention(q, k, v):
        root = np.sqrt(q.shape[1])
        p = softmax(np.where(seen, q @ k.T / root, -np.inf))

        def dqk(dy):
            dp = dy @ v.T
            return p * (dp - (dp * p).sum(axis=1, keepdims=True)) / root

        return p @ v, (
            lambda dy: dqk(dy) @ k,
            lambda dy: dqk(dy).T @ q,
            lambda dy: p.T @ dy,
        )

    return attention


q = np.log(2) * np.array([[1.0, 0, 0, 1], [0, 2, 0, 0], [2, 2, 0, 0], [1, 1, -1, 2]])
k = np.array([[1.0, 0, 1, 0], [0, 1, 1, 0], [1, 1, 0, 0], [0, 0, 0, 2]])
v = np.array([[4.0, 0, 8, 1], [0, 4, 0, 1], [2, 0, 0, 1], [0, 0, 8, 1]])

# 1. The weights are 1/3 and 2/3. dp is 12 and 0, with the mean 4. So dz is 8/3 and -8/3. Divided by the root, it
# is 4/3 and -4/3.
_, (dq, dk, dv) = attention_where(np.tri(4, dtype=bool))(q, k, v)
dy = np.zeros((4, 4))
dy[1] = 3, 0, 0, 0
assert abs(dv(dy)[:2] - [[1, 0, 0, 0], [2, 0, 0, 0]]).max() < 1e-14
assert abs(dq(dy)[1] - [4 / 3, -4 / 3, 0, 0]).max() < 1e-14

# 2. They are at the position of the last real token. The padding comes after it, and no position looks ahead.
tokenizer = mt.load_dataset("names", n_train=1, n_test=1).tokenizer
net = mt.gpt(tokenizer.n_tokens, init="normal:0.5", exact=True)
prompts = [[tokenizer.end, *tokenizer.numbers(prompt)] for prompt in ("ka", "sho", "e")]
padded = np.full((3, max(map(len, prompts))), -1)
for n, prompt in enumerate(prompts):
    padded[n, : len(prompt)] = prompt
together = net.forward(padded)[np.arange(3), [len(prompt) - 1 for prompt in prompts]]
for n, prompt in enumerate(prompts):
    assert together[n].tobytes() == net.forward([prompt])[0, -1].tobytes()


# 3. A rotation by the opposite angle takes the gradient back: the transposed matrix of a rotation is its inverse.
# A score depends on the distance of two positions alone, not on where they are.
def rotated(x, angles):
    a, b = x[:, 0::2], x[:, 1::2]
    y = np.empty_like(x)
    y[:, 0::2] = a * np.cos(angles) - b * np.sin(angles)
    y[:, 1::2] = a * np.sin(angles) + b * np.cos(angles)
    return y


def rope(x, theta):
    angles = np.arange(len(x))[:, None] * theta
    return rotated(x, angles), (lambda dy: rotated(dy, -angles),)


theta = np.array([1.0, 0.01])
assert mt.check_vjps(rope, [q, theta]).passed
same_query, same_key = np.tile(q[3], (4, 1)), np.tile(k[0], (4, 1))
scores = rope(same_query, theta)[0] @ rope(same_key, theta)[0].T
for distance in range(1, 3):
    assert abs(np.diff(np.diag(scores, -distance))).max() < 1e-14
assert abs(scores[1, 0] - scores[2, 0]) > 0.1

# 4. True where t - W < s <= t. Positions 0 and 1 are W places or more before position 3, and get nothing from
# it.
W = 2
windowed = attention_where(np.tri(4, dtype=bool) & ~np.tri(4, k=-W, dtype=bool))
assert mt.check_vjps(windowed, [q, k, v]).passed
_, (dq, dk, dv) = windowed(q, k, v)
dy = np.zeros((4, 4))
dy[3] = 1, 2, 3, 4
for vjp in (dk, dv):
    assert (vjp(dy)[:2] == 0).all()
    assert (vjp(dy)[2:] != 0).any()
