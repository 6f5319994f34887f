"""One GPT at three tiers: proof that they train to the same weights, and the speed of a training step.

    python benchmarks/gpt.py --names names.txt               print both, in about two minutes
    python benchmarks/gpt.py --names names.txt --steps 100   train for fewer steps
    python benchmarks/gpt.py                                 the same with random letters in place of names

The net is that of Karpathy's microgpt: 4,192 parameters, one document a step, Adam. With the 32,033 names of makemore
(https://github.com/karpathy/makemore, names.txt), the losses and the twenty names are those that microgpt prints.

Proof: in exact mode, weights (SHA-256), all losses and 200 names must be equal at three tiers. In fast mode, the table
shows how far the weights are apart. Gradients are compared with those of three witnesses: the single numbers of
examples/gpt_of_values.py, complex steps, and PyTorch if it is installed.

Speed: seconds of a step in turns, on the same documents, one thread. The order changes from round to round, and ratios
are taken within a round. Each step includes the choice of documents, Adam, and a rate that falls.
"""

import argparse
import gc
import hashlib
import os
import random
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from micrograd_tiers.threads import pinned

os.environ |= pinned(1)  # before NumPy is imported

import numpy as np
from engine import example, quartiles

import micrograd_tiers as mt
from micrograd_tiers.lab.race import report
from micrograd_tiers.lab.race.gpts import matrices_of, torch_loss
from micrograd_tiers.tiers import TIERS

try:
    import torch
except ImportError:
    torch = None

RATE, BETAS = 0.01, (0.85, 0.99)
LETTERS = mt.Tokenizer("abcdefghijklmnopqrstuvwxyz")
Array = Any
Contender = Callable[[int], float]  # takes so many steps, returns the seconds of one


def documents_of(path: Path | None) -> list[str]:
    """Return documents in random order: microgpt's order for its names."""
    rng = random.Random(42)
    if path is None:
        documents = ["".join(rng.choices(LETTERS.characters, k=rng.randint(3, 9))) for _ in range(1000)]
    else:
        documents = [line.strip() for line in path.read_text().splitlines() if line.strip()]
    rng.shuffle(documents)
    return documents


def started(documents: list[str]) -> tuple[random.Random, list[Array]]:
    """Return the generator after the shuffle and the draw of the weights, and the weights in the order of the net."""
    rng = random.Random(42)
    rng.shuffle([*documents])
    matrices = matrices_of(example("class with slots").GPT(27, rng))
    return rng, [np.array([[p.data for p in row] for row in matrix]) for matrix in matrices]


def net_at(tier: str, weights: list[Array], exact: bool = False) -> mt.Network:
    """Return the net with these weights."""
    net = mt.gpt(tier=tier, exact=exact)
    net.load_state_dict(dict(zip(net.state_dict(), weights, strict=True)))
    return net


def trainer_of(net: mt.Network, documents: list[str], steps: int, batch_size: int = 1) -> mt.Trainer:
    """Return a run of so many steps over the documents, in their order."""
    return mt.Trainer(
        net, *LETTERS.encode(documents, 16), optimizer=mt.Adam(RATE, *BETAS), batch_size=batch_size, steps=steps,
        shuffle=False, schedule=mt.LinearDecay(max(1000, steps)),
    )  # fmt: skip


# Proof.


def trained(tier: str, exact: bool, documents: list[str], steps: int, n: int) -> dict[str, Any]:
    """Train from microgpt's weights; return weights, losses, n new names and seconds."""
    documents, (rng, weights) = documents[:1000], started(documents)
    net = net_at(tier, weights, exact)
    trainer = trainer_of(net, documents, steps)
    start = time.perf_counter()
    trainer.run()
    seconds = time.perf_counter() - start
    names = mt.generate(net, LETTERS, n, temperature=0.5, seed=rng)
    state = [np.ascontiguousarray(array) for array in net.state_dict().values()]
    digest = hashlib.sha256(b"".join(array.tobytes() for array in state)).hexdigest()
    return {"weights": state, "losses": trainer.history.batch_loss, "names": names, "sha": digest, "seconds": seconds}


def print_proof(documents: list[str], steps: int, n: int) -> None:
    """Print what the tiers agree on, and by how much they differ."""
    runs = {(tier, exact): trained(tier, exact, documents, steps, n) for exact in (True, False) for tier in TIERS}
    first = runs["tensor", False]
    print(f"after {steps:,} steps" + " " * 20 + "SHA-256 of the weights   seconds   first names")
    for (tier, exact), run in runs.items():
        mode = "exact" if exact else "fast"
        print(f"  {tier} {mode:24}  {run['sha'][:16]}  {run['seconds']:12.2f}   {' '.join(run['names'][:4])}")
    exact = [runs[tier, True] for tier in TIERS]
    same = all(run[key] == exact[0][key] for run in exact for key in ("sha", "losses", "names"))
    print(f"exact: weights, {len(exact[0]['losses']):,} losses and {n} names equal at three tiers: {same}")
    largest = max(np.abs(array).max() for array in first["weights"])
    for tier in TIERS[:2]:
        run = runs[tier, False]
        off = max(np.abs(a - b).max() for a, b in zip(run["weights"], first["weights"], strict=True)) / largest
        equal = sum(a == b for a, b in zip(run["names"], first["names"], strict=True))
        print(f"fast: {tier} against tensor: weights off by {off:.1e} of the largest, {equal} of {n} names equal")
    for tier in TIERS:
        run = runs[tier, False]
        print(f"{tier}: losses of the first steps {' '.join(f'{loss:.4f}' for loss in run['losses'][:13])}")
        print(f"{tier}: the first twenty names {' '.join(run['names'][:20])}")


def print_witnesses(documents: list[str]) -> None:
    """Print how far the gradients of a document are from those of each witness, as a share of the largest."""
    _, weights = started(documents)
    X, y = LETTERS.encode(documents[:1], 16)
    witnesses = {"Value": by_values(documents), "complex steps": by_complex_steps(weights, X, y)}
    if torch is not None:
        parameters = [torch.tensor(w, requires_grad=True) for w in weights]
        torch_loss(parameters, torch.from_numpy(X), torch.from_numpy(y)).backward()
        witnesses["PyTorch"] = [p.grad.numpy() for p in parameters]
    for name, expected in witnesses.items():
        largest = max(np.abs(array).max() for array in expected)
        off = []
        for tier in TIERS:
            _, grads = net_at(tier, weights).loss_and_grads(X, y)
            errors = (np.abs(g - e).max() for g, e in zip(grads.values(), expected, strict=True))
            off.append(f"{tier} {max(errors) / largest:.1e}")
        print(f"gradients against {name:14} {'   '.join(off)}")


def by_values(documents: list[str]) -> list[Array]:
    """Return the gradients of the first document from the example's net, with the package's Value as its class."""
    rng = random.Random(42)
    rng.shuffle([*documents])
    net = example("Value").GPT(27, rng)
    net.backprop([26, *LETTERS.numbers(documents[0]), 26])
    return [np.array([[p.grad for p in row] for row in matrix], float) for matrix in matrices_of(net)]


def by_complex_steps(weights: list[Array], X: Array, y: Array, h: float = 1e-20) -> list[Array]:
    """Return the gradients as the imaginary part of the loss at w + ih, over h: no difference, so no rounding error."""
    net = net_at("vector", weights)
    gradients = []
    for name, array in net.state_dict().items():
        gradient = np.zeros(array.shape)
        for place in np.ndindex(array.shape):
            moved = array.astype(complex)
            moved[place] += 1j * h
            net.parameters[name] = moved
            loss, _ = net.loss.forward(net.functions, net.run(X[0])[0], y[0])
            gradient[place] = loss.imag / h
        net.parameters[name] = array
        gradients.append(gradient)
    return gradients


# Speed.


def contenders(documents: list[str]) -> dict[str, tuple[Contender, int]]:
    """Return the contenders by name, each with the number of documents of a step."""
    _, weights = started(documents)
    found: dict[str, tuple[Contender, int]] = {}
    for collector in ("off", "on"):
        for name in ("class with slots", "Value"):
            found[f"{name}, collector {collector}"] = of_values(name, documents, collector == "on"), 1
    for tier in TIERS:
        for exact in (False, True):
            found[f"{tier}{' exact' * exact}"] = of_tier(net_at(tier, weights, exact), documents, 1), 1
    found["tensor, batch 32"] = of_tier(net_at("tensor", weights), documents, 32), 32
    if torch is not None:
        for batch_size, name in ((1, "PyTorch"), (32, "PyTorch, batch 32")):
            found[name] = of_torch(weights, documents, batch_size), batch_size
    return found


def of_values(name: str, documents: list[str], collector: bool) -> Contender:
    """Return the contender that trains the example's net with this class."""
    module = example(name)
    rng = random.Random(42)
    net = module.GPT(27, rng)
    steps = module.train(net, [[26, *LETTERS.numbers(document), 26] for document in documents])

    def turn(n: int) -> float:
        (gc.enable if collector else gc.disable)()
        return seconds_of(lambda: next(steps), n)

    return turn


def of_tier(net: mt.Network, documents: list[str], batch_size: int) -> Contender:
    """Return the contender that trains a net of the package."""
    trainer = trainer_of(net, documents, 1_000_000, batch_size)
    return lambda n: seconds_of(trainer.step, n)


def of_torch(weights: list[Array], documents: list[str], batch_size: int) -> Contender:
    """Return the contender that trains the net in PyTorch, on mini-batches cut to their longest document."""
    torch.set_num_threads(1)
    parameters = [torch.tensor(w, requires_grad=True) for w in weights]
    optimizer = torch.optim.Adam(parameters, lr=RATE, betas=BETAS, eps=1e-8)
    X, y = LETTERS.encode(documents, 16)
    position = 0

    def step() -> None:
        nonlocal position
        batch = np.arange(position, position + batch_size) % len(X)
        longest = int((X[batch] >= 0).sum(axis=1).max())
        loss = torch_loss(parameters, *(torch.from_numpy(array[batch, :longest]) for array in (X, y)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.param_groups[0]["lr"] = RATE * (1 - position / 1_000_000)
        optimizer.step()
        loss.item()
        position += batch_size

    return lambda n: seconds_of(step, n)


def seconds_of(step: Callable[[], object], n: int) -> float:
    """Return the processor time of a step, over n steps."""
    start = time.process_time()
    for _ in range(n):
        step()
    return (time.process_time() - start) / n


RATIOS = [  # slower, faster
    *((f"class with slots, collector {state}", f"Value, collector {state}") for state in ("off", "on")),
    *((f"class with slots, collector {state}", "scalar") for state in ("off", "on")),
    *(("scalar", "vector"), ("scalar", "tensor, batch 32")),
    *(("PyTorch", "tensor"), ("PyTorch, batch 32", "tensor, batch 32")),
    *((f"{tier} exact", tier) for tier in TIERS),
]


def print_speed(documents: list[str], rounds: int) -> None:
    """Print the time of a step of each contender, and their ratios."""
    racing = contenders(documents)
    seconds: dict[str, list[float]] = {name: [] for name in racing}
    turns = {name: 2 if "collector" in name else 10 if "scalar" in name else 200 for name in racing}
    order = [*racing]
    for _ in range(rounds):
        order.append(order.pop(0))
        for name in order:
            turn, n_documents = racing[name]
            seconds[name].append(turn(turns[name]) / n_documents)
            gc.enable()
    print(f"\ntime of a document, {rounds} rounds: median, and quartiles in brackets")
    for name, times in seconds.items():
        print(f"  {name:32}{quartiles([1e3 * s for s in times], ' ms')}")
    print("how many times as fast")
    for slower, faster in RATIOS:
        if slower in seconds and faster in seconds:
            pairs = zip(seconds[slower], seconds[faster], strict=True)
            print(f"  {faster + ' against ' + slower:60}{quartiles([a / b for a, b in pairs], '')}")


def main() -> None:
    """Print the proof, then the speed."""
    parser = argparse.ArgumentParser(description="Prove and time one GPT at three tiers.")
    parser.add_argument("--names", type=Path, help="text file with a name on each line (default: random letters)")
    parser.add_argument("--steps", type=int, default=1000, help="training steps of the proof (default: 1000)")
    parser.add_argument("--generated", type=int, default=200, help="names to generate at each tier (default: 200)")
    parser.add_argument("--rounds", type=int, default=11, help="rounds of the timing; 0 for none (default: 11)")
    arguments = parser.parse_args()
    documents = documents_of(arguments.names)
    print(report.machine_line(report.machine(threads=1)))
    print(f"{len(documents):,} documents")
    print_proof(documents, arguments.steps, arguments.generated)
    print_witnesses(documents)
    if arguments.rounds:
        print_speed(documents, arguments.rounds)


if __name__ == "__main__":
    sys.exit(main())
