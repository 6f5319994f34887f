"""Time of `Value` beside a small class with slots, and the cost of Python's cyclic garbage collector.

    python benchmarks/engine.py              print the times, in about a minute
    python benchmarks/engine.py --rounds 50  measure longer

Both classes take training steps of the GPT in examples/gpt_of_values.py, on the same name. The other class is the one
in that file: the least that it needs, without checks, labels or errors with a way out. First, losses, gradients and
weights must have the same bits. Then there are four turns to a round, each of five steps: both classes, with the
collector on and off. The order changes from round to round, and ratios are taken within a round. Freeing the graph
counts. Times are those of the processor, which other programs change less.
"""

from __future__ import annotations

import argparse
import gc
import importlib.util
import random
import statistics
import time
from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import Any

from micrograd_tiers.engine import Value

EXAMPLE = Path(__file__).parents[1] / "examples" / "gpt_of_values.py"
CLASSES = ("class with slots", "Value")
NAME = [26, 4, 12, 8, 11, 24, 26]  # emily, between the tokens that begin and end a name
STEPS = 5  # of a turn

Times = dict[tuple[str, str], list[float]]  # by class and collector


def example(name: str) -> Any:
    """Return the example as a new module, with `Value` in place of its class if this is the name."""
    spec: Any = importlib.util.spec_from_file_location("gpt_of_values", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    if name == "Value":
        module.Value = Value
    return module


def n_nodes(root: Any) -> int:
    """Return the number of nodes below and including `root`."""
    seen, stack = {root}, [root]
    while stack:
        new = {*stack.pop()._prev} - seen
        seen |= new
        stack += new
    return len(seen)


def prove(modules: dict[str, Any], nets: dict[str, Any]) -> None:
    """Take three steps with each class; raise ArithmeticError if one bit of a loss, gradient or weight differs."""
    found = []
    for name in CLASSES:
        losses = [*islice(modules[name].train(nets[name], [NAME]), 3)]
        numbers = [number for p in nets[name].parameters for number in (p.grad, p.data)]
        found.append([float(number).hex() for number in losses + numbers])
    if found[0] != found[1]:
        raise ArithmeticError("the two classes differ in a loss, a gradient or a weight")


def measure(rounds: int, steps: int = STEPS) -> tuple[dict[str, int], Times]:
    """Return the nodes of a step by class, and the seconds of a step in each turn by class and collector, on or off.

    Raises
    ------
    ArithmeticError
        If one bit of a loss, gradient or weight differs after three steps.
    """
    modules = {name: example(name) for name in CLASSES}
    nets = {name: module.GPT(27, random.Random(0)) for name, module in modules.items()}
    nodes = {name: n_nodes(net.loss(NAME)) for name, net in nets.items()}
    prove(modules, nets)
    turns = [(name, collector) for collector in ("on", "off") for name in CLASSES]
    times: Times = {turn: [] for turn in turns}
    try:
        for _ in range(rounds):
            turns.append(turns.pop(0))
            for name, collector in turns:
                (gc.enable if collector == "on" else gc.disable)()
                start = time.process_time()
                for _ in islice(modules[name].train(nets[name], [NAME]), steps):
                    pass
                times[name, collector].append((time.process_time() - start) / steps)
    finally:
        gc.enable()
    return nodes, times


def quartiles(numbers: Iterable[float], unit: str) -> str:
    """Return the median and the quartiles as text."""
    first, median, third = statistics.quantiles(numbers, n=4, method="inclusive")
    return f"{median:6.2f}{unit}  ({first:.2f} to {third:.2f})"


def main() -> None:
    """Print the times, their ratios, and the share of the collector."""
    parser = argparse.ArgumentParser(description="Time a training step of a GPT made of Values.")
    parser.add_argument("--rounds", type=int, default=20, help=f"rounds of four turns of {STEPS} steps (default: 20)")
    rounds = parser.parse_args().rounds
    nodes, times = measure(rounds)
    from micrograd_tiers.lab.race import report  # only now: the collector would search its objects, too

    print(report.machine_line(report.machine(threads=1)))
    print(f"One training step of a GPT on a name of five letters, {rounds} rounds")
    print("Median, and quartiles in brackets. Losses, gradients and weights of both classes have the same bits.\n")
    for (name, collector), seconds in times.items():
        print(f"{name:17} {nodes[name]:,} nodes, collector {collector:4}{quartiles([1e3 * s for s in seconds], ' ms')}")
    for collector in ("off", "on"):
        pairs = zip(times["class with slots", collector], times["Value", collector], strict=True)
        print(f"speed of Value against the class, collector {collector:4}{quartiles([a / b for a, b in pairs], '')}")
    for name in CLASSES:
        pairs = zip(times[name, "on"], times[name, "off"], strict=True)
        print(f"share of the collector in a step, {name:17}{quartiles([100 * (1 - b / a) for a, b in pairs], ' %')}")


if __name__ == "__main__":
    main()
