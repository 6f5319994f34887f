"""The toy sets: each follows its definition, is balanced, and depends only on its Generator."""

import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_tiers.datasets import blobs, circles, ellipse, moons, spiral, xor

BALANCED = {xor: 2, moons: 2, circles: 2, spiral: 3, blobs: 3}
every_set = pytest.mark.parametrize("draw", [ellipse, *BALANCED], ids=lambda draw: draw.__name__)
balanced_sets = pytest.mark.parametrize("draw", BALANCED, ids=lambda draw: draw.__name__)


def rng(seed=0):
    return np.random.default_rng(seed)


@every_set
@given(n=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_shapes_and_types_hold_for_any_size(draw, n, seed):
    X, y = draw(n, rng=rng(seed))
    assert (X.shape, y.shape) == ((n, 2), (n,))
    assert (X.dtype, y.dtype) == (np.float64, np.int64)
    assert np.isfinite(X).all()
    assert 0 <= y.min() <= y.max() < BALANCED.get(draw, 2)


@balanced_sets
@given(n=st.integers(1, 200), seed=st.integers(0, 2**32))
def test_class_counts_differ_by_at_most_one(draw, n, seed):
    counts = np.bincount(draw(n, rng=rng(seed))[1], minlength=BALANCED[draw])
    assert np.ptp(counts) <= 1


@balanced_sets
def test_classes_come_in_random_order(draw):
    y = draw(1000, rng=rng())[1]
    assert 0.3 < np.mean(y[1:] == y[:-1]) < 0.7


@every_set
def test_the_seed_determines_the_set_and_the_global_state_is_left_alone(draw):
    np.random.seed(1)  # noqa: NPY002
    random.seed(1)
    before = np.random.get_state(legacy=False)["state"], random.getstate()  # noqa: NPY002
    X, y = draw(50, rng=rng())
    after = np.random.get_state(legacy=False)["state"], random.getstate()  # noqa: NPY002
    assert before[0]["pos"] == after[0]["pos"]
    np.testing.assert_array_equal(before[0]["key"], after[0]["key"])
    assert before[1] == after[1]

    np.random.seed(2)  # noqa: NPY002
    random.seed(2)
    again_x, again_y = draw(50, rng=rng())
    np.testing.assert_array_equal(X, again_x)
    np.testing.assert_array_equal(y, again_y)
    assert not np.array_equal(X, draw(50, rng=rng(1))[0])


def test_the_ellipse_splits_standard_normal_points_by_its_quadratic_form():
    X, y = ellipse(20_000, rng=rng())
    a, b = X.T
    np.testing.assert_array_equal(y, a * a + 0.95 * a * b + 0.4 * b * b > 0.6)
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=0.03)
    np.testing.assert_allclose(np.cov(X.T), np.eye(2), atol=0.05)
    assert y.mean() == pytest.approx(0.557, abs=0.015)


def test_xor_is_one_where_the_signs_differ():
    X, y = xor(1000, rng=rng(), noise=0.1)
    np.testing.assert_array_equal(y, X[:, 0] * X[:, 1] < 0)
    np.testing.assert_array_equal(np.abs(xor(10, rng=rng(), noise=0.0)[0]), 1.0)
    assert len(np.unique(np.sign(X), axis=0)) == 4


def test_moons_without_noise_are_half_circles():
    X, y = moons(1000, rng=rng(), noise=0.0)
    upper, lower = X[y == 0], X[y == 1]
    np.testing.assert_allclose(np.hypot(*upper.T), 1.0)
    np.testing.assert_allclose(np.hypot(*(lower - [1.0, 0.5]).T), 1.0)
    assert upper[:, 1].min() >= 0.0
    assert lower[:, 1].max() <= 0.5


def test_circles_without_noise_have_their_radii():
    X, y = circles(1000, rng=rng(), noise=0.0, factor=0.3)
    np.testing.assert_allclose(np.hypot(*X.T), np.where(y == 0, 1.0, 0.3))
    np.testing.assert_allclose(X.mean(axis=0), 0.0, atol=0.1)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_spiral_arms_without_noise_turn_by_four_radians_each_from_its_own_start(n_classes):
    X, y = spiral(1000, rng=rng(), noise=0.0, n_classes=n_classes)
    radius = np.hypot(*X.T)
    start = np.exp(1j * (np.arctan2(X[:, 1], X[:, 0]) - 4.0 * radius))
    np.testing.assert_allclose(start, np.exp(2j * np.pi * y / n_classes), atol=1e-9)
    assert radius.max() <= 1.0
    assert set(y) == set(range(n_classes))


def test_spiral_noise_moves_points_along_the_circle_only():
    still, moved = spiral(100, rng=rng(), noise=0.0)[0], spiral(100, rng=rng(), noise=0.2)[0]
    np.testing.assert_allclose(np.hypot(*still.T), np.hypot(*moved.T))
    assert not np.allclose(still, moved)


@pytest.mark.parametrize("n_classes", [2, 3, 7])
def test_blobs_lie_around_centers_evenly_spaced_on_a_circle(n_classes):
    X, y = blobs(700 * n_classes, rng=rng(), noise=0.5, n_classes=n_classes)
    for k in range(n_classes):
        angle = 2 * np.pi * k / n_classes
        np.testing.assert_allclose(X[y == k].mean(axis=0), [2 * np.cos(angle), 2 * np.sin(angle)], atol=0.1)
        np.testing.assert_allclose(X[y == k].std(axis=0), 0.5, atol=0.06)


@balanced_sets
@pytest.mark.parametrize("noise", [-0.1, 1.1, np.nan, np.inf])
def test_noise_out_of_range_is_refused(draw, noise):
    with pytest.raises(ValueError, match=r"noise is .*, expected a number from 0 to 1"):
        draw(10, rng=rng(), noise=noise)


@every_set
@pytest.mark.parametrize("n", [0, -1, 1.5, "10", None])
def test_a_size_that_is_not_a_positive_integer_is_refused(draw, n):
    with pytest.raises(ValueError, match=r"n is .*, expected"):
        draw(n, rng=rng())


@pytest.mark.parametrize(
    ("draw", "options"),
    [(spiral, {"n_classes": 1}), (blobs, {"n_classes": 0}), (circles, {"factor": 1.5}), (circles, {"factor": -0.1})],
)
def test_other_options_out_of_range_are_refused(draw, options):
    with pytest.raises(ValueError, match=next(iter(options))):
        draw(10, rng=rng(), **options)
