"""Solutions of the exercises of page 7."""

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.race import Case

# 1. Three products per weight, only two for the first layer; two flops per product; 32 samples.
by_hand = 2 * 32 * (3 * (784 * 100 + 100 * 100 + 100 * 10) - 784 * 100)
assert by_hand == 12_147_200
assert Case((784, 100, 100, 10), 32).flops == by_hand

# 2. The machine is slow for A and fast for B, so the two seem equal. In turns the ratio is 2, as it should be.
slowness = np.repeat([2, 1], 20)
a, b = 1 * slowness[:20], 2 * slowness[20:]
assert np.median(b) / np.median(a) == 1
a, b = 1 * slowness[0::2], 2 * slowness[1::2]
assert np.median(b / a) == 2

# 3. n > 2 * 238,510 / 1,394 = 342.2
n = 343
assert n * (784 + 300 + 300 + 10) > 2 * 238_510 >= (n - 1) * (784 + 300 + 300 + 10)

# 4. A parameter, its gradient, and the two numbers that Adam stores: four per parameter, and the batch as before.
net = mt.two_layer_net(784, 300, 10)
by_hand = 8 * (4 * 238_510 + 64 * (784 + 300 + 300 + 10))
assert net.summary(optimizer_numbers=2).training_bytes == by_hand

# 5. float32: 4 bytes per number.
training = net.summary().training_bytes
assert mt.two_layer_net(784, 300, 10, dtype="float32").summary().training_bytes * 2 == training
