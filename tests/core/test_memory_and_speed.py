"""Speed and memory: optimizations change no result, and training holds no more memory than it needs."""

import gc
import importlib.util
import random
import tracemalloc
import weakref
from functools import reduce
from operator import add, mul
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.lab.race import CONTENDERS, Case
from micrograd_tiers.lab.race.cases import LENET
from micrograd_tiers.tiers import TIERS, get_tier, tensor, vector
from micrograd_tiers.tiers.exact import arrays as exact
from micrograd_tiers.trainer import Trainer


@pytest.mark.parametrize("fuses", [exact.EINSUM_FUSES, True], ids=["einsum of this machine", "einsum that fuses"])
@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 40), st.integers(0, 2**32 - 1))
@examples(100)
def test_exact_products_add_in_order(fuses, M, K, P, seed):
    rng = np.random.default_rng(seed)
    a, b = rng.standard_normal((M, K)), rng.standard_normal((K, P))
    a[rng.random((M, K)) < 0.2] = -0.0
    expected = np.array([[reduce(add, map(mul, row, column), 0.0) for column in b.T.tolist()] for row in a.tolist()])
    before, exact.EINSUM_FUSES = exact.EINSUM_FUSES, fuses
    try:
        assert exact.matmul(a, b).tobytes() == expected.tobytes()
        assert exact.matmul(np.asfortranarray(a), b.T.copy().T).tobytes() == expected.tobytes()
        assert exact.matmul(a, b[:, 0]).tobytes() == expected[:, 0].tobytes()
        assert exact.matmul(a[0], b).tobytes() == expected[0].tobytes()
    finally:
        exact.EINSUM_FUSES = before


@given(st.lists(st.integers(1, 40), min_size=1, max_size=3), st.integers(0, 2**32 - 1), st.data())
@examples(200)
def test_exact_sums_add_in_order(shape, seed, data):
    rng = np.random.default_rng(seed)
    a = rng.standard_normal(shape).astype(data.draw(st.sampled_from(["float32", "float64"])))
    a[rng.random(shape) < 0.3] = -0.0
    a = data.draw(st.sampled_from([a, np.asfortranarray(a), a.T, a[::-1]]))
    axes = data.draw(st.lists(st.integers(-a.ndim, a.ndim - 1), min_size=1, unique_by=lambda k: k % a.ndim))
    terms = np.moveaxis(a, axes, range(len(axes)))
    expected = reduce(add, terms.reshape(-1, *terms.shape[len(axes) :]))
    found = exact.total(a, axes[0] if len(axes) == 1 else tuple(axes))
    assert (found.dtype, found.tobytes()) == (expected.dtype, expected.tobytes())


@pytest.mark.parametrize("shape", [(3, 4), (300, 784), (70_001,), (1, 70_001)])
@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("tier", [vector, tensor], ids=["vector", "tensor"])
def test_add_scaled_updates_every_entry_at_any_size_and_memory_order(tier, shape, order):
    rng = np.random.default_rng(0)
    target, source = (rng.standard_normal(shape) for _ in range(2))
    expected = target + -0.1 * source
    target = np.array(target, order=order)
    tier.add_scaled(target, source, -0.1)
    assert np.array_equal(target, expected)


@pytest.mark.parametrize("n", [1, 5, 40])  # 40: more than one block of the vector tier
@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("tier", TIERS)
def test_a_running_sum_of_products_equals_the_sum_of_the_gradients(tier, exact, n):
    functions = get_tier(tier, exact).functions
    rng = np.random.default_rng(0)
    x, dy, weight, bias = map(functions.asarray, map(rng.standard_normal, [(n, 7), (n, 3), (3, 7), 3]))
    chunks = [(functions.linear(xn, weight, bias)[1][1], dyn) for xn, dyn in functions.chunks(x, dy)]
    one_by_one = reduce(add, (np.array(vjp(dyn)) for vjp, dyn in chunks))
    off = 0 if exact or tier == "scalar" else 1e-14
    for plain in (False, True):  # True: a lambda replaces one of the vjps
        gradient = functions.new_sum()
        for k, (vjp, dyn) in enumerate(chunks):
            gradient.add((lambda dy, vjp=vjp: vjp(dy)) if plain and k == 0 else vjp, dyn)
        off = off or 1e-14 * plain  # it is added last
        for _ in range(2):  # asking again changes nothing
            np.testing.assert_allclose(gradient.value(), one_by_one, rtol=0, atol=off)
        target = functions.asarray(np.ones((3, 7)))
        assert gradient.value(target) is target
        np.testing.assert_allclose(target, 1 + one_by_one, rtol=0, atol=off)


@pytest.mark.parametrize("tier", TIERS)
def test_backprop_returns_arrays_of_the_tier(tier):
    case = Case((4, 3, 2), 5)
    net = case.net(tier)
    x, y = case.batch()
    _, grads, _ = net.backprop(net.tier.asarray(x), (net.tier.asarray(y, "int64"),))
    kind = type(net.tier.asarray([0.0]))
    assert {type(gradient.value()) for gradient in grads.values()} == {kind}


def traced(function):
    """Return the bytes still held after a call, the peak during the call, and its result."""
    gc.collect()
    tracemalloc.start()
    try:
        result = function()
        gc.collect()
        held, peak = tracemalloc.get_traced_memory()
        return held, peak, result
    finally:
        tracemalloc.stop()


def test_after_fit_only_parameters_and_history_are_held():
    case = Case((100, 50, 10), 500)
    net, (X, y) = case.net("tensor"), case.batch()
    mt.fit(net, X, y)  # imports modules and fills caches
    held, _, history = traced(lambda: mt.fit(net, X, y, epochs=3))
    assert len(history.batch_loss) == 24
    assert held < 10_000  # the history and small objects; a single gradient would be 40,000


@pytest.mark.parametrize("tier", TIERS)
def test_no_array_of_a_training_step_outlives_it(tier):
    case = Case((20, 10, 3), 30)
    net, (X, y) = case.net(tier), case.batch()
    trainer = Trainer(net, X, y, batch_size=10)
    trainer.step()
    ref = weakref.ref(trainer)
    held, _, _ = traced(trainer.step)
    assert held < 3_000  # for comparison: a batch has 10 samples of 20 numbers, the first layer 200 weights
    del trainer
    assert ref() is None  # no cycle keeps the data until the garbage is collected


@pytest.mark.parametrize("layout", ["F", "columns", "transposed images"])
def test_samples_in_any_layout_train_the_same_net_and_are_not_copied_by_a_step(layout):
    X = np.random.default_rng(0).random((3000, 8, 8, 3))
    layers = [mt.Flatten(), mt.Linear(192, 10)]
    if layout == "transposed images":
        X = X.transpose(0, 3, 1, 2)
    else:
        X, layers = X.reshape(3000, 192), [mt.Linear(96, 10)]
        X = X[:, ::2] if layout == "columns" else np.asfortranarray(X[:, :96])
    y = np.arange(3000) % 10
    trainers = [mt.Trainer(mt.Network(layers, seed=0), samples, y) for samples in (X, X.copy(order="C"))]
    peaks = [traced(trainer.run)[1] for trainer in trainers]
    assert max(peaks) < X.nbytes / 2
    weights, expected = ([array.tobytes() for array in trainer.net.state_dict().values()] for trainer in trainers)
    assert weights == expected


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("batch_size", [1, 64, 512])
@pytest.mark.parametrize("sizes", [(784, 300, 10), (784, 100, 100, 10), LENET])
def test_a_training_step_takes_at_most_1_3_times_the_computed_memory(sizes, batch_size, dtype):
    case = Case(sizes, batch_size, dtype)

    def one_step():
        net, (x, y) = case.net("tensor"), case.batch()
        tracemalloc.reset_peak()
        sgd = mt.SGD(0.1)
        _, grads, _ = net.backprop(x, (y,), sgd.gradient_factor)
        sgd.apply(net, grads, {})

    one_step()
    _, peak, _ = traced(one_step)
    assert peak <= 1.3 * case.summary.training_bytes


def steps_of(case, tier, optimizer):
    """Return a function that takes a training step, always with the same net, samples and memory of the optimizer."""
    net, (x, y), memory = case.net(tier), case.batch(), {}
    samples, targets = net.tier.asarray(x, case.dtype), (net.tier.asarray(y, "int64"),)

    def step():
        _, grads, _ = net.backprop(samples, targets, optimizer.gradient_factor)
        optimizer.apply(net, grads, memory)

    return step


@pytest.mark.parametrize(("optimizer", "most"), [(mt.SGD(0.1), 1.2), (mt.Adam(), 1.4)], ids=["SGD", "Adam"])
@pytest.mark.parametrize(
    ("tier", "case"),
    [
        *(("scalar", Case((784, 30, 10), n)) for n in (1, 8, 64)),
        *((tier, Case((784, 30, 10), 64)) for tier in ("vector", "tensor")),
        *((tier, Case((784, 300, 10), 64, dtype)) for tier in ("vector", "tensor") for dtype in ("float64", "float32")),
        *((tier, Case(LENET, 64, "float32")) for tier in ("vector", "tensor")),
    ],
    ids=str,
)
def test_a_step_takes_little_more_memory_than_its_numbers(tier, case, optimizer, most):
    def first_steps():
        step = steps_of(case, tier, optimizer)
        step()
        tracemalloc.reset_peak()
        step()

    _, peak, _ = traced(first_steps)
    summary = case.net("tensor").summary(batch_size=case.batch_size, optimizer_numbers=optimizer.numbers_per_parameter)
    bytes_of_a_number = 32 if tier == "scalar" else summary.bytes_each  # a float, and its pointer in a list
    assert peak <= most * summary.training_bytes / summary.bytes_each * bytes_of_a_number


@pytest.mark.parametrize("optimizer", [mt.SGD(0.1), mt.Adam()], ids=["SGD", "Adam"])
@pytest.mark.parametrize("tier", TIERS)
def test_ten_thousand_steps_leak_nothing(tier, optimizer):
    step = steps_of(Case((2, 3, 2), 1), tier, optimizer)
    for _ in range(10):
        step()
    # The least of four parts, as a thread of the test runner may receive messages in one of them.
    held = min(traced(lambda: [step() for _ in range(2_500)] and None)[0] for _ in range(4))
    assert held < 4_000  # weights that have new objects; a number per step would be 80,000


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(40_000,), (2, 40_000), (70_001, 1), (300, 784), (3, 200, 100), ()])
def test_elementwise_gives_the_same_in_blocks(shape, order):
    rng = np.random.default_rng(0)
    a, b = (np.asarray(rng.standard_normal(shape), order=order) for _ in range(2))
    for function in (lambda a, b: a * b + 1, lambda a, b: (a > b).astype("float32")):
        expected, found = function(a, b), tensor.elementwise(function, a, b)
        assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
        assert np.array_equal(found, expected)


# The engine, in benchmarks/engine.py.


@pytest.fixture(scope="module")
def benchmark_of_the_engine():
    path = Path(__file__).parents[2] / "benchmarks" / "engine.py"
    spec = importlib.util.spec_from_file_location("engine_benchmark", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.NAME = [26, 0, 26]  # short, and so quick
    return module


def test_the_benchmark_takes_equal_steps_of_both_classes_with_and_without_the_collector(benchmark_of_the_engine):
    nodes, times = benchmark_of_the_engine.measure(rounds=2, steps=1)
    assert all(15_000 < n < 20_000 for n in nodes.values())
    assert [*map(len, times.values())] == [2, 2, 2, 2]
    assert gc.isenabled()


def test_a_different_bit_is_noticed_before_the_race(benchmark_of_the_engine, monkeypatch):
    monkeypatch.setattr(mt.Value, "__neg__", lambda v: v * -(1 + 2**-52))
    with pytest.raises(ArithmeticError, match="differ in a loss"):
        benchmark_of_the_engine.measure(rounds=1)


def test_a_graph_takes_less_memory_than_with_a_class_that_has_tuples(benchmark_of_the_engine):
    def bytes_of_graph(name):
        net = benchmark_of_the_engine.example(name).GPT(27, random.Random(0))
        tracemalloc.start()
        try:
            loss = net.loss(benchmark_of_the_engine.NAME)
            loss.backward()
            held, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert loss.grad == 1
        return held

    assert bytes_of_graph("Value") < 0.95 * bytes_of_graph("class with slots")


@pytest.mark.parametrize("name", ["Value", "class with slots"])
def test_a_graph_is_freed_without_the_collector(benchmark_of_the_engine, name):
    net = benchmark_of_the_engine.example(name).GPT(27, random.Random(0))
    gc.collect()
    gc.disable()
    try:
        net.backprop(benchmark_of_the_engine.NAME)
        assert gc.collect() == 0
    finally:
        gc.enable()


def test_two_thousand_training_steps_with_values_hold_no_more_memory_than_one():
    step, _ = CONTENDERS["Value"].make(Case((2, 3, 2), 1), 0.01)
    step()

    def grown():
        gc.collect()
        before = len(gc.get_objects())
        held, _, _ = traced(lambda: [step() for _ in range(500)][-1])
        return len(gc.get_objects()) - before, held

    # The least of four parts, as a thread of the test runner may receive messages in one of them.
    objects, held = map(min, zip(*(grown() for _ in range(4)), strict=True))
    assert objects <= 5
    assert held < 3_000  # a single graph that stays would be more
