"""The race's cases for pytest-benchmark, with all contenders in one process: for a quick measurement or a profiler.

``pytest -n0 benchmarks`` times them; ``pytest benchmarks --benchmark-disable`` runs each once and checks its gradients.
For figures to report, use ``micrograd-tiers benchmark``, which runs every contender in its own process.
"""

import sys

import pytest

from micrograd_tiers.lab.race import CONTENDERS, Case
from micrograd_tiers.lab.race.proof import TOLERANCE, equal_arrays, gradients
from micrograd_tiers.lab.race.worker import RACE_RATE

CASES = [
    *(Case(sizes, batch_size) for sizes in ((2, 3, 2), (784, 30, 10)) for batch_size in (1, 64)),
    *(Case((784, 300, 10), batch_size, dtype) for batch_size in (1, 64) for dtype in ("float64", "float32")),
]
PAIRS = [(case, name) for case in CASES for name, contender in CONTENDERS.items() if contender.takes(case)]


@pytest.fixture
def recursion_limit():
    """Raise the recursion limit, for backward passes that are recursive."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(20_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.parametrize(("case", "name"), PAIRS, ids=[f"{case}: {name}" for case, name in PAIRS])
def test_step(benchmark, case, name, recursion_limit):
    """Time a training step of one contender, after a check of its gradients."""
    contender = CONTENDERS[name]
    if not contender.installed:
        pytest.skip(f"{contender.needs} is not installed")
    if contender.held_to:
        _, expected, _ = gradients(contender.held_to, Case(case.sizes, case.batch_size))
        equal_arrays(gradients(name, case)[1], expected, TOLERANCE[case.dtype])
    step, _ = contender.make(case, RACE_RATE)
    benchmark.group = str(case)
    benchmark(step)
