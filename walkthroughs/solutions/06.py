"""Solutions of the exercises of page 6."""

import decimal

import micrograd_tiers as mt
from micrograd_tiers.lab.comparison import sha256_of_weights
from micrograd_tiers.tiers import TIERS

# 1. 100.6 is kept as 101, and 101.6 as 102. 101.2 is kept as 101. 1.2 has only two digits, so nothing is rounded.
with decimal.localcontext(prec=3):
    hundred, little = decimal.Decimal(100), decimal.Decimal("0.6")
    assert ((hundred + little) + little) - hundred == 2
    assert (hundred + (little + little)) - hundred == 1
    assert (hundred - hundred) + (little + little) == decimal.Decimal("1.2")


# 2. The small ones first: their sum, 4, is large enough to count beside 1e16, where numbers are 2 apart.
def add_up(numbers):
    result = 0.0
    for number in numbers:
        result += number
    return result


assert add_up([1e16, 1, 1, 1, 1]) == 1e16
assert add_up([1, 1, 1, 1, 1e16]) == 1e16 + 4

# 3. 1 - 3 rate = 0 for rate = 1/3. With w = 3/4 + d the step gives 3/4 - 4/3 d**2, as 4w**2 - 3w = 3d + 4d**2.
rate = 1 / 3
w = 0.7
for _ in range(5):
    w -= rate * (w * (4 * w - 3))
assert abs(w - 0.75) < 1e-15

# 4. In exact mode every net gets the same bits at all tiers.
data = mt.load_dataset("moons", n_train=1_000, n_test=10)
start = mt.mlp([2, 8, 8, 2], "tanh", seed=0)
nets = [start.to(tier, exact=True) for tier in TIERS]
for net in nets:
    trainer = mt.Trainer(net, data.train_x, data.train_y, optimizer=mt.SGD(1.0), batch_size=10)
    for _ in range(100):
        trainer.step()
assert len({sha256_of_weights(net) for net in nets}) == 1
