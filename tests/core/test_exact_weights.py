"""Weights that exact mode must reach, to the last bit, compared with recorded hashes.

A change in how the package computes must not change its results. The last bits depend on the C library's exp and
similar functions, so a fingerprint of these is recorded with the hashes; if it differs, the tests are skipped.

Record new hashes only after changing a formula on purpose: `PYTHONPATH=tests python tests/core/test_exact_weights.py`.
"""

import hashlib
import json
import math
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from fingerprint import fingerprint

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS

RECORD = Path(__file__).with_name("exact_weights.json")
N, BATCH_SIZE, EPOCHS = 23, 8, 2  # the last batch of an epoch has 7 samples

OPTIMIZERS = {
    "sgd": mt.SGD(0.3),
    "momentum": mt.SGD(0.1, momentum=0.9),
    "nesterov": mt.SGD(0.1, momentum=0.9, nesterov=True),
    "weight decay": mt.SGD(0.3, weight_decay=0.01),
    "rmsprop": mt.RMSprop(0.01),
    "adam": mt.Adam(0.01),
    "adam, weight decay": mt.Adam(0.01, weight_decay=0.1),
    "adamw": mt.AdamW(0.01, weight_decay=0.1),
}


def dense(sizes, *between):
    """Return Linear layers of these sizes, with the layers `between` between each two of them."""
    layers = [mt.Linear(sizes[0], sizes[1])]
    for features_in, features_out in pairwise(sizes[1:]):
        layers += [*between, mt.Linear(features_in, features_out)]
    return layers


SMALL_LENET = [
    mt.Reshape((1, 12, 12)),
    *(mt.Conv2d(1, 2, 3, padding=1), mt.Sigmoid(), mt.AvgPool2d(2)),
    *(mt.Conv2d(2, 3, 3, stride=2), mt.ReLU(), mt.MaxPool2d(2, stride=1), mt.Flatten()),
    *(mt.Linear(3, 5), mt.Tanh(), mt.Linear(5, 4)),
]
BATCH_NORMS = [
    mt.Reshape((1, 6, 6)),
    *(mt.Conv2d(1, 3, 3), mt.BatchNorm2d(3), mt.ReLU(), mt.Flatten()),
    *(mt.Linear(48, 6), mt.BatchNorm1d(6), mt.Tanh(), mt.Dropout(0.25), mt.Linear(6, 3)),
]
NETS = {
    "2-3-2": (dense([2, 3, 2], mt.Sigmoid()), {}),
    "64-16-10": (dense([64, 16, 10], mt.Tanh(), mt.Dropout(0.3)), {"label_smoothing": 0.1}),
    "64-16-8-10, values": (dense([64, 16, 8, 10], mt.ELU(0.5)), {"loss": "mean_squared_error"}),
    "784-30-10": (dense([784, 30, 10], mt.ReLU()), {"init": "kaiming"}),
    "LeNet": (SMALL_LENET, {}),
    "batch norm": (BATCH_NORMS, {}),
}
CASES = [
    *((net, optimizer) for net in ("2-3-2", "64-16-10", "LeNet", "batch norm") for optimizer in OPTIMIZERS),
    *(("784-30-10", optimizer) for optimizer in ("sgd", "adam")),
    *(("64-16-8-10, values", optimizer) for optimizer in ("sgd", "nesterov")),
]


def tiers_of(net):
    """Return the tiers that can train this net."""
    return ("tensor",) if net == "batch norm" else TIERS


def weights_after_training(net_name, optimizer, tier):
    """Return the SHA-256 of weights and buffers after two epochs."""
    layers, options = NETS[net_name]
    n_inputs = math.prod(next(shape for shape in (layer.shape_in() for layer in layers) if shape))
    rng = np.random.default_rng(5)
    X = rng.standard_normal((N, n_inputs))
    net = mt.Network(layers, tier=tier, exact=True, seed=1, **options)
    n_outputs = net.shapes()[-1][0]
    values = options.get("loss") == "mean_squared_error"
    y = rng.standard_normal((N, n_outputs)) if values else rng.integers(0, n_outputs, N)
    mt.fit(net, X, y, optimizer=OPTIMIZERS[optimizer], batch_size=BATCH_SIZE, epochs=EPOCHS, seed=3)
    digest = hashlib.sha256()
    for name, array in sorted(net.state_dict().items()):
        digest.update(f"{name} {array.shape}".encode() + array.tobytes())
    return digest.hexdigest()


def recorded():
    record = json.loads(RECORD.read_text())
    if record["fingerprint"] != fingerprint():
        pytest.skip("exp, expm1, log1p or tanh of this C library differ in some bit from the recorded ones")
    return record["weights"]


@pytest.mark.parametrize(
    ("net", "optimizer", "tier"),
    [(net, optimizer, tier) for net, optimizer in CASES for tier in tiers_of(net)],
    ids=lambda value: value.replace(" ", "_"),
)
def test_exact_mode_reaches_the_recorded_weights(net, optimizer, tier):
    assert weights_after_training(net, optimizer, tier) == recorded()[f"{net}, {optimizer}"]


def test_a_different_learning_rate_is_noticed(monkeypatch):
    monkeypatch.setitem(OPTIMIZERS, "sgd", mt.SGD(0.3000000000000001))
    assert weights_after_training("2-3-2", "sgd", "tensor") != recorded()["2-3-2, sgd"]


if __name__ == "__main__":
    weights = {f"{net}, {optimizer}": weights_after_training(net, optimizer, "tensor") for net, optimizer in CASES}
    RECORD.write_text(json.dumps({"fingerprint": fingerprint(), "weights": weights}, indent=1) + "\n")
