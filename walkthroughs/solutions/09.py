"""Solutions to the exercises of page 9."""

import os
import tempfile
from pathlib import Path

import numpy as np

from micrograd_tiers.lab.judge.support import completed
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import tensor

# 1. Up to 2**24 the gap is at most 1. Beyond that, float32 has only even numbers.
n = 2**24 + 1
assert int(np.float32(n)) != n
assert all(int(np.float32(k)) == k for k in range(n - 1000, n))

# 2. 2000 + ln(1 + 2 e**-2000) - 0 = 2000.
assert tensor.softmax_cross_entropy(np.array([[2000.0, 0, 0]]), np.array([1]))[0] == 2000


# 3. It is the logarithm of e**0 + e**x: log-sum-exp, with the larger of 0 and x factored out.
def softplus(x):
    return max(x, 0) + np.log1p(np.exp(-abs(x)))


assert softplus(1000.0) == 1000
assert abs(softplus(-50.0) / np.exp(-50.0) - 1) < 1e-12


# 4. 1 - y**2 = ((1 + e)**2 - (1 - e)**2) / (1 + e)**2 = 4 e / (1 + e)**2.
def slope(x):
    e = np.exp(-2 * x)
    return 4 * e / (1 + e) ** 2


assert 1 - np.tanh(20.0) ** 2 == 0
assert abs(slope(25.0) / tensor.tanh(np.array([[25.0]]))[1][0](1.0)[0, 0] - 1) < 1e-12

# 5. "stability": for everyday numbers the value is right.
os.environ["HYPOTHESIS_STORAGE_DIRECTORY"] = str(Path(tempfile.gettempdir()) / "hypothesis")
tier = get_bug("loss_log_of_p").tier("tensor")
verdict = judged("softmax_cross_entropy", completed(tier, "tensor"), "tensor")
assert verdict["findings"][0]["part"] == "value"
assert verdict["findings"][0]["property"] == "stability"
