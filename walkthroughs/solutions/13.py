"""Solutions to the exercises of page 13."""

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.tiers import vector

# 1. Each output is the sum of four neighbors, plus 1. The largest is in the lower right corner.
x = np.arange(1.0, 10).reshape(1, 3, 3)
y, _ = vector.conv2d(x, np.ones((1, 1, 2, 2)), np.ones(1))
assert y.tolist() == [[[13, 17], [25, 29]]]
assert vector.max_pool2d(y, 2, 2)[0].tolist() == [[[29]]]


# 2. H + 2P - K + 1 = H gives P = (K - 1) / 2.
def padding(K):
    return (K - 1) // 2


assert all(mt.Conv2d(1, 1, K, padding=padding(K)).shape_out((1, 9, 9)) == (1, 9, 9) for K in (1, 3, 5, 7))

# 3. It lies in all four windows, is the largest in each, and gets 1 from each.
x = np.zeros((1, 4, 4))
x[0, 1, 1] = 1
assert vector.max_pool2d(x, 3, 1)[1][0](np.ones((1, 2, 2)))[0, 1, 1] == 4


# 4. Padding is added first and cut off last. With a stride of 2, a cell of the window sees every second pixel.
def conv2d(x, weight, bias, stride=1, padding=0):
    n_kernels, C, K, _ = weight.shape
    P, T = padding, stride
    image = np.pad(x, ((0, 0), (P, P), (P, P)))
    R, S = (image.shape[1] - K) // T + 1, (image.shape[2] - K) // T + 1

    def seen(image, i, j):  # the pixels under cell i, j of the window, at all places
        return image[:, i : i + T * R : T, j : j + T * S : T]

    covered = np.stack([seen(image, i, j) for i, j in np.ndindex(K, K)], axis=1).reshape(C * K * K, R * S)
    kernels = weight.reshape(n_kernels, -1)
    y = (kernels @ covered + bias[:, None]).reshape(n_kernels, R, S)

    def dx(dy):
        dcovered = (kernels.T @ dy.reshape(n_kernels, -1)).reshape(C, K, K, R, S)
        dimage = np.zeros(image.shape, dy.dtype)
        for i, j in np.ndindex(K, K):
            seen(dimage, i, j)[...] += dcovered[:, i, j]
        return dimage[:, P : P + x.shape[1], P : P + x.shape[2]].copy()

    def dweight(dy):
        return (dy.reshape(n_kernels, -1) @ covered.T).reshape(weight.shape)

    return y, (dx, dweight, lambda dy: dy.sum(axis=(1, 2)))


rng = np.random.default_rng(0)
inputs = [rng.standard_normal((3, 8, 7)), rng.standard_normal((4, 3, 3, 3)), rng.standard_normal(4), 2, 1]
assert abs(conv2d(*inputs)[0] - vector.conv2d(*inputs)[0]).max() < 1e-12
assert mt.check_vjps(conv2d, inputs).passed
