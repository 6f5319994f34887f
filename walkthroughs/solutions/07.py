"""Solutions of the exercises of page 7."""

import numpy as np

import micrograd_tiers as mt
from micrograd_tiers.lab.race import Case

# 1. Three products for each weight, but two for those of the first layer; two flops each; 32 samples.
by_hand = 2 * 32 * (3 * (784 * 100 + 100 * 100 + 100 * 10) - 784 * 100)
assert by_hand == 12_147_200
assert Case((784, 100, 100, 10), 32).flops == by_hand

# 2. A is measured while the machine is slow, B while it is fast: they seem equal. In turns it is 2, as it should.
slowness = np.repeat([2, 1], 20)
a, b = 1 * slowness[:20], 2 * slowness[20:]
assert np.median(b) / np.median(a) == 1
a, b = 1 * slowness[0::2], 2 * slowness[1::2]
assert np.median(b / a) == 2

# 3. n > 2 * 238,510 / 1,394 = 342.2
n = 343
assert n * (784 + 300 + 300 + 10) > 2 * 238_510 >= (n - 1) * (784 + 300 + 300 + 10)

# 4. Parameters, gradients and the two that Adam keeps: four numbers for each parameter, and the batch as before.
net = mt.two_layer_net(784, 300, 10)
by_hand = 8 * (4 * 238_510 + 64 * (784 + 300 + 300 + 10))
assert net.summary(optimizer_numbers=2).training_bytes == by_hand

# 5. float32: 4 bytes a number.
training = net.summary().training_bytes
assert mt.two_layer_net(784, 300, 10, dtype="float32").summary().training_bytes * 2 == training
