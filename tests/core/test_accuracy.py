"""Accuracy of the tiers: their worst errors against 50-digit mpmath, compared with SciPy's and PyTorch's.

benchmarks/accuracy.py measures the errors, here on fewer inputs.
"""

import importlib.util
import math
import pickle
import sys
from pathlib import Path

import numpy as np
import pytest

from micrograd_tiers.tiers import TIERS, get_tier

mpmath = pytest.importorskip("mpmath")

every_tier = pytest.mark.parametrize("tier_name", TIERS)
exact_or_not = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])

# The largest error allowed, in ulp. One rounding costs up to 0.5 ulp of the rounded number, which is up to 1 ulp of a
# result whose leading digits are smaller. These formulas round three to six times.
BOUND = {
    "sigmoid": 3,  # exp, 1 + e, /: 2.31 ulp on 6 million inputs
    "sigmoid'": 3,
    "tanh'": 3,
    "log-sum-exp": 4,  # log(...) counts up to twice where it cancels; stronger cancellation is in NO_BOUND
    "mean cross-entropy": 3,
    "the same, in training": 3,
    "mean squared error": 3,
    "binary cross-entropy": 3,
    "binary cross-entropy'": 3,
    "hinge": 1,
    "mean absolute error": 3,
}
# The other quantities contain e**(logit - largest). The difference is rounded to half an ulp, and exp turns this
# absolute error into a relative one: 2**-49 = 16 ulp for differences from 16 to 32, 2**-44 = 512 ulp for 512 and above.
# SciPy and PyTorch also subtract the largest logit.
BOUND_BY_DIFFERENCE = 16 + 8
BOUND_BY_LARGE_DIFFERENCE = 512 + 8
LARGE_DIFFERENCES = ("one class leads", "far apart")
BOUND_OF_SUMS_IN_ORDER = 50  # exact mode, many classes: terms are summed one by one

# Inputs without a bound: where log-sum-exp cancels, it is ill-conditioned and no formula is accurate; +inf is not a
# legal logit, and the tiers, SciPy's softmax and PyTorch return NaN.
NO_BOUND = ("log-sum-exp near 0", "one +inf")

# Errors of up to 2 ulp, one or two roundings, count as equal. Above that, it is chance which of two results with as
# many roundings is worse on the inputs drawn: by one rounding of up to 1 ulp, or, where the rounded difference
# dominates, by the three roundings that follow it (exp, sum, /).
AS_GOOD_AS_ANY = 2
CHANCE = 1
CHANCE_BY_DIFFERENCE = 3

# The derivative of tanh, sech(x)**2, squares a rounded number, which doubles its error: to 5.1 ulp, where the best of
# the others has 4.4. It reads better than the formula without a square.
SQUARED = {("tanh'", column): 6 for column in (*TIERS, "exact")}


@pytest.fixture(scope="module")
def accuracy():
    """The module benchmarks/accuracy.py."""
    path = Path(__file__).parents[2] / "benchmarks" / "accuracy.py"
    spec = importlib.util.spec_from_file_location("accuracy", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["accuracy"] = module  # dataclasses look up their module there
    spec.loader.exec_module(module)
    yield module
    del sys.modules["accuracy"]


@pytest.fixture
def figures(accuracy, once):
    def measure(folder):
        (folder / "figures").write_bytes(pickle.dumps(accuracy.measure(accuracy.SMALL)))

    return pickle.loads((once("accuracy", measure) / "figures").read_bytes())


def bound(quantity, kind, column):
    if any(kind.startswith(large) for large in LARGE_DIFFERENCES) and quantity != "log-sum-exp":
        return BOUND_BY_LARGE_DIFFERENCE
    if column == "exact" and kind in ("100 classes", "1,000 classes"):
        return BOUND_OF_SUMS_IN_ORDER
    return SQUARED.get((quantity, column), BOUND.get(quantity, BOUND_BY_DIFFERENCE))


def too_large(figures, column):
    """Return the pairs (quantity, kind) whose error in that column exceeds its bound."""
    return [
        (quantity, kind)
        for (quantity, kind), by_column in figures.items()
        if kind not in NO_BOUND and by_column[column] > bound(quantity, kind, column)
    ]


@pytest.mark.parametrize("column", [*TIERS, "exact"])
def test_every_tier_is_accurate_to_a_few_roundings(figures, column):
    assert too_large(figures, column) == []


def test_the_textbook_formulas_would_be_caught(figures):
    caught = too_large(figures, "textbook")
    quantities = {quantity for quantity, _ in caught}
    assert {"sigmoid", "sigmoid'", "tanh'", "softmax", "log-softmax", "cross-entropy", "cross-entropy'"} <= quantities
    assert ("sigmoid'", "ordinary, to 40") in caught  # y * (1 - y)


@pytest.mark.parametrize("column", ["SciPy", "PyTorch"])
def test_every_tier_is_at_least_as_accurate_as(figures, column):
    pytest.importorskip({"SciPy": "scipy", "PyTorch": "torch"}[column])
    worse = {}
    for (quantity, kind), by_column in figures.items():
        theirs = by_column[column]
        chance = CHANCE if theirs < 5 else CHANCE_BY_DIFFERENCE
        for tier in TIERS:
            excused = kind in NO_BOUND or (quantity, tier) in SQUARED
            if not excused and by_column[tier] > max(theirs + chance, AS_GOOD_AS_ANY):
                worse[quantity, kind, tier] = (by_column[tier], theirs)
    assert worse == {}


def test_the_table_has_a_row_for_every_quantity_and_kind(figures, accuracy):
    lines = accuracy.table(figures).splitlines()
    assert len([line for line in lines if line.startswith("    ")]) == len(figures)
    assert all(name in lines[0] for name in (*TIERS, "exact", "textbook"))


def test_errors_are_measured_in_ulp_of_the_true_value(accuracy):
    with mpmath.workdps(50):
        third, below_1 = mpmath.mpf(1) / 3, 1 - mpmath.mpf(2) ** -60
        far_below, beyond = mpmath.exp(-1e308), mpmath.mpf(10) ** 400
        values = [third, below_1, 2.0**-1074, far_below, 0.0, math.inf, 1.0, -math.inf, beyond, beyond, 1.0]
        truth = accuracy.Truth.of_mpmath(np.array(values, object))
    results = [1 / 3, 1.0, 0.0, 0.0, 5e-324, math.inf, math.nan, math.inf, math.inf, 1.0, math.inf]
    expected = [1 / 3, 2**-7, 1.0, 0.0, 1.0, 0.0, math.inf, math.inf, 0.0, math.inf, math.inf]
    assert accuracy.errors_in_ulp(np.array(results), truth).tolist() == pytest.approx(expected, rel=1e-12)


def test_the_reference_values_agree_with_longer_arithmetic(accuracy):
    """Compare the formulas in mpmath with sums and logarithms of plain exponentials in 400 digits."""
    z, target = np.array([[1.5, -40.0, 2.0], [-3.0, 0.25, 700.0]]), np.array([2, 1])
    with mpmath.workdps(50):
        truth = accuracy.IN_MPMATH.rows(z, target)
        slope = accuracy.IN_MPMATH.points(np.array([-300.0, 2.0]))["sigmoid'"]
    with mpmath.workdps(400):
        for n, row in enumerate(z):
            e = [mpmath.exp(value) for value in row]
            p = e[target[n]] / sum(e)
            gradient = truth["cross-entropy'"][n, target[n]]
            assert abs(truth["cross-entropy"][n] / -mpmath.log(p) - 1) < 1e-45
            assert abs(truth["log-sum-exp"][n] / mpmath.log(sum(e)) - 1) < 1e-45
            assert abs(truth["softmax"][n, target[n]] / p - 1) < 1e-45
            assert abs(gradient / (p - 1) - 1) < 1e-45
        for x, value in zip([-300, 2], slope, strict=True):
            y = 1 / (1 + mpmath.exp(-x))
            assert abs(value / (y * (1 - y)) - 1) < 1e-45


def losses_and_gradients(tier, logits, target):
    for chunk in tier.chunks(tier.asarray(logits), tier.asarray(target, "int64")):
        loss, (vjp,) = tier.softmax_cross_entropy(*chunk)
        yield float(loss), np.array(vjp(1.0)).reshape(-1, len(logits[0]))


@every_tier
@exact_or_not
def test_infinite_inputs_give_the_limits_exactly(tier_name, exact):
    tier = get_tier(tier_name, exact)
    ((x, ones),) = tier.chunks(tier.asarray([[-math.inf, math.inf]]), tier.asarray([[1.0, 1.0]]))
    for op, limits in [("sigmoid", [0.0, 1.0]), ("tanh", [-1.0, 1.0])]:
        y, (vjp,) = getattr(tier, op)(x)
        assert np.ravel(y).tolist() == limits
        assert np.ravel(vjp(ones)).tolist() == [0.0, 0.0]

    # A class with logit -inf does not change the results of the others.
    without, with_it = [[0.3, -1.2]], [[0.3, -math.inf, -1.2]]
    p, p_with = [np.ravel(tier.softmax(row)[0]) for z in (without, with_it) for (row,) in tier.chunks(tier.asarray(z))]
    assert p_with.tolist() == [p[0], 0.0, p[1]]
    ((loss, gradient),) = losses_and_gradients(tier, without, [0])
    ((loss_with, gradient_with),) = losses_and_gradients(tier, with_it, [0])
    assert loss_with == loss
    assert gradient_with[0].tolist() == [gradient[0, 0], 0.0, gradient[0, 1]]
    ((loss, gradient),) = losses_and_gradients(tier, with_it, [1])
    assert loss == math.inf
    assert gradient[0].tolist() == [p[0], -1.0, p[1]]


@every_tier
@exact_or_not
@pytest.mark.parametrize("value", [0.0, 0.1, -700.0, 1e308, -1e308, 5e-324])
@pytest.mark.parametrize("C", [2, 3, 10, 1000])
def test_tied_logits_get_equal_probabilities(tier_name, exact, value, C):
    tier = get_tier(tier_name, exact)
    logits = [[value] * C]
    ((row,),) = tier.chunks(tier.asarray(logits))
    assert set(np.ravel(tier.softmax(row)[0]).tolist()) == {1 / C}  # 1 / C is the correctly rounded value
    ((loss, gradient),) = losses_and_gradients(tier, logits, [C - 1])
    assert abs(loss - math.log(C)) <= math.ulp(math.log(C))
    assert set(gradient[0, :-1].tolist()) == {1 / C}
