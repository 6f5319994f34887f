"""An epoch of `mt.fit` beside PyTorch's training loop and beside the training steps alone.

    python benchmarks/fit.py          proof and times, in about a minute
    python benchmarks/fit.py --check  the proof alone, on a small set

The net is 784-300-10 at the tensor tier: sigmoid, softmax cross-entropy, plain gradient descent, mini-batches of 64.
The samples are random. PyTorch's loop is that of its tutorials, with a `DataLoader`, or with a random permutation and
indices. The steps alone are `Network.backprop` and `Optimizer.apply`, on mini-batches that have been cut before.

Proof: all start with the same weights and take the samples in the same order. After an epoch, the weights must be equal
but for rounding, in float64 and in float32.

Speed: seconds of an epoch in turns, float32, shuffled, one thread. The order changes from round to round, and ratios
are taken within a round. Times are those of the processor, which other programs change less.
"""

import argparse
import os
import sys
import time
from collections.abc import Callable
from typing import Any

from micrograd_tiers.threads import pinned

os.environ |= pinned(1)  # before NumPy is imported

import numpy as np
from engine import quartiles

import micrograd_tiers as mt
from micrograd_tiers.lab.race import report

try:
    import torch
    from torch.utils.data import DataLoader, TensorDataset
except ImportError:
    torch = None

Array = Any
Contender = tuple[Callable[[], object], Callable[[], list[Array]]]  # trains for an epoch; returns the weights

RATE, BATCH = 0.1, 64
TOLERANCE = {"float64": 1e-12, "float32": 1e-5}  # of the largest weight
FIT, STEPS, LOADER, INDICES = "mt.fit", "training steps alone", "PyTorch, DataLoader", "PyTorch, indices"
RATIOS = ((LOADER, FIT), (INDICES, FIT), (FIT, STEPS))


def data(n: int, dtype: str) -> tuple[Array, Array]:
    """Return n random samples, uniform in [0, 1), and class labels."""
    rng = np.random.default_rng(1)
    return rng.random((n, 784), dtype), rng.integers(0, 10, n)


def contenders(X: Array, y: Array, shuffle: bool) -> dict[str, Contender]:
    """Return the contenders by name, all with the same weights."""
    found = {FIT: of_fit(X, y, shuffle), STEPS: of_steps(X, y)}
    if torch is not None:
        found |= {LOADER: of_torch(X, y, shuffle, loader=True), INDICES: of_torch(X, y, shuffle, loader=False)}
    return found


def net_for(X: Array) -> mt.Network:
    """Return the net, with the dtype of the samples."""
    return mt.two_layer_net(784, 300, 10, tier="tensor", dtype=X.dtype.name)


def of_fit(X: Array, y: Array, shuffle: bool) -> Contender:
    """Return the contender that calls `mt.fit`."""
    net = net_for(X)

    def epoch() -> None:
        mt.fit(net, X, y, optimizer=mt.SGD(RATE), batch_size=BATCH, shuffle=shuffle)

    return epoch, lambda: [*net.state_dict().values()]


def of_steps(X: Array, y: Array) -> Contender:
    """Return the contender that takes only the training steps."""
    net, optimizer = net_for(X), mt.SGD(RATE)
    batches = [(X[k : k + BATCH].copy(), y[k : k + BATCH].copy()) for k in range(0, len(X), BATCH)]
    memory: dict[str, Any] = {}

    def epoch() -> None:
        for samples, labels in batches:
            _, grads, _ = net.backprop(samples, (labels,), optimizer.gradient_factor)
            optimizer.apply(net, grads, memory)

    return epoch, lambda: [*net.state_dict().values()]


def of_torch(X: Array, y: Array, shuffle: bool, loader: bool) -> Contender:
    """Return the contender that trains in PyTorch, with a `DataLoader` or with indices."""
    torch.set_num_threads(1)
    samples, labels = torch.from_numpy(X), torch.from_numpy(y)
    model = torch.nn.Sequential(torch.nn.Linear(784, 300), torch.nn.Sigmoid(), torch.nn.Linear(300, 10))
    model.to(samples.dtype)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in net_for(X).state_dict().items()})
    loss_fn, optimizer = torch.nn.CrossEntropyLoss(), torch.optim.SGD(model.parameters(), lr=RATE)
    batches = DataLoader(TensorDataset(samples, labels), batch_size=BATCH, shuffle=shuffle)

    def by_indices() -> Any:
        order = torch.randperm(len(samples)) if shuffle else torch.arange(len(samples))
        return ((samples[chosen], labels[chosen]) for chosen in order.split(BATCH))

    def epoch() -> float:
        loss_sum = 0.0
        for inputs, targets in batches if loader else by_indices():
            optimizer.zero_grad()
            loss = loss_fn(model(inputs), targets)
            loss.backward()
            optimizer.step()
            loss_sum += loss.item()
        return loss_sum

    return epoch, lambda: [p.detach().numpy() for p in model.parameters()]


def prove(n: int, dtype: str) -> bool:
    """Train on n samples in their order, print how far weights are from those of `mt.fit`, and return if they agree."""
    racing = contenders(*data(n, dtype), shuffle=False)
    before = racing[FIT][1]()
    for epoch, _ in racing.values():
        epoch()
    _, weights = racing[FIT]
    expected = weights()
    largest = max(np.abs(array).max() for array in expected)
    agree = all((a != b).any() for a, b in zip(before, expected, strict=True))  # all weights have moved
    for name, (_, weights) in racing.items():
        if name != FIT:
            off = max(np.abs(a - b).max() for a, b in zip(weights(), expected, strict=True)) / largest
            agree &= bool(off <= TOLERANCE[dtype])
            print(f"  {name:24} weights off by {off:.1e} of the largest")
    print(f"{dtype}: equal weights after {n:,} samples: {agree}")
    return agree


def print_speed(n: int, rounds: int) -> None:
    """Print the time of an epoch of each contender, and their ratios."""
    racing = contenders(*data(n, "float32"), shuffle=True)
    seconds: dict[str, list[float]] = {name: [] for name in racing}
    order = [*racing]
    for k in range(rounds + 1):
        order.append(order.pop(0))
        for name in order if k % 2 else order[::-1]:  # no contender always follows the same one
            start = time.process_time()
            racing[name][0]()
            if k:  # the first round fills the caches
                seconds[name].append(time.process_time() - start)
    print(f"\ntime of an epoch of {n:,} samples, {rounds} rounds: median, and quartiles in brackets")
    for name, times in seconds.items():
        print(f"  {name:44}{quartiles(times, ' s')}")
    for slower, faster in RATIOS:
        if slower in seconds:
            pairs = zip(seconds[slower], seconds[faster], strict=True)
            print(f"  {slower + ' / ' + faster:44}{quartiles([a / b for a, b in pairs], '')}")


def main(arguments: list[str] | None = None) -> int:
    """Print the proof, then the times; return 1 if the weights differ."""
    parser = argparse.ArgumentParser(description="Time an epoch of mt.fit beside PyTorch's training loop.")
    parser.add_argument("--check", action="store_true", help="only the proof, on a small set")
    parser.add_argument("--samples", type=int, default=20_000, help="samples of an epoch (default: 20000)")
    parser.add_argument("--rounds", type=int, default=9, help="rounds of the timing (default: 9)")
    options = parser.parse_args(arguments)
    print(report.machine_line(report.machine(threads=1)))
    n = 1_000 if options.check else options.samples
    if not all(prove(n, dtype) for dtype in TOLERANCE):
        return 1
    if not options.check:
        print_speed(n, options.rounds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
