"""`load_dataset` and the next steps: splitting off validation samples and standardizing features."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from micrograd_tiers.datasets import DATASETS, TEXTS, Standardizer, load_dataset, train_validation_split
from micrograd_tiers.datasets.published import SETS
from micrograd_tiers.errors import DataError

DRAWN = ("ellipse", "xor", "moons", "circles", "spiral", "blobs", "glyphs")
SIZES = {"ellipse": (60_000, 10_000), "glyphs": (10_000, 2_000)}


def test_the_names_of_the_data_sets():
    assert tuple(DATASETS) == (*DRAWN, *SETS)


@pytest.mark.parametrize("name", DRAWN)
def test_a_drawn_set_has_its_default_sizes_and_names_its_source(name):
    data = load_dataset(name, seed=3)
    n_train, n_test = SIZES.get(name, (2_000, 500))
    n_inputs = 784 if name == "glyphs" else 2
    assert (data.train_x.shape, data.test_x.shape) == ((n_train, n_inputs), (n_test, n_inputs))
    assert (data.train_y.shape, data.test_y.shape) == ((n_train,), (n_test,))
    assert data.train_y.dtype == data.test_y.dtype == np.int64
    assert (data.name, data.source) == (name, "drawn offline, seed 3")
    assert data.image_shape == ((28, 28) if name == "glyphs" else None)
    assert len(data.class_names) == data.train_y.max() + 1 == data.test_y.max() + 1


@pytest.mark.parametrize("name", DRAWN)
def test_the_seed_determines_the_set_and_its_parts_differ(name):
    data, again, other = (load_dataset(name, n_train=50, n_test=50, seed=seed) for seed in (0, 0, 1))
    np.testing.assert_array_equal(data.train_x, again.train_x)
    np.testing.assert_array_equal(data.test_y, again.test_y)
    assert not np.array_equal(data.train_x, other.train_x)
    assert not np.array_equal(data.train_x, data.test_x)


@pytest.mark.parametrize("name", DRAWN)
def test_the_test_set_does_not_depend_on_the_size_of_the_training_set(name):
    small, large = (load_dataset(name, n_train=n, n_test=30) for n in (10, 70))
    assert len(large.train_x) == 70
    np.testing.assert_array_equal(small.test_x, large.test_x)
    np.testing.assert_array_equal(small.test_y, large.test_y)


@pytest.mark.parametrize("sizes", [{"n_train": 0}, {"n_test": -3}, {"n_train": 2.5}, {"n_test": "7"}])
@pytest.mark.parametrize("name", [*DATASETS, *TEXTS])
def test_a_size_that_is_not_a_positive_integer_is_refused(name, sizes):
    with pytest.raises(ValueError, match=f"{next(iter(sizes))} is .*, expected"):
        load_dataset(name, **sizes)


def test_an_unknown_name_is_refused_with_the_known_ones():
    with pytest.raises(
        ValueError,
        match=r"unknown data set 'minst', expected one of ellipse, .*, names, makemore-names",
    ):
        load_dataset("minst")


def test_a_data_set_is_frozen():
    data = load_dataset("xor", n_train=4, n_test=4)
    with pytest.raises(dataclasses.FrozenInstanceError):
        data.name = "nor"


@given(n=st.integers(2, 60), data=st.data(), seed=st.integers(0, 2**32))
def test_a_split_is_a_shuffled_partition_that_keeps_samples_and_targets_together(n, data, seed):
    n_validation = data.draw(st.integers(1, n - 1))
    X = np.arange(2 * n).reshape(n, 2)
    train_x, train_y, validation_x, validation_y = train_validation_split(X, 10 * X[:, 0], n_validation, seed=seed)
    assert (len(train_x), len(validation_x)) == (n - n_validation, n_validation)
    np.testing.assert_array_equal(np.sort(np.concatenate([train_x, validation_x]), axis=0), X)
    np.testing.assert_array_equal(train_y, 10 * train_x[:, 0])
    np.testing.assert_array_equal(validation_y, 10 * validation_x[:, 0])


def test_a_split_follows_its_seed_and_leaves_inputs_and_global_state_alone():
    X, y = np.arange(100.0)[:, None], np.arange(100)
    before = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    first, again, other = (train_validation_split(X, y, 30, seed=seed) for seed in (5, 5, 6))
    after = np.random.get_state(legacy=False)["state"]  # noqa: NPY002
    assert before["pos"] == after["pos"]
    np.testing.assert_array_equal(first[1], again[1])
    assert not np.array_equal(first[1], other[1])
    assert not np.array_equal(first[1], np.sort(first[1]))
    first[0][:] = -1.0
    np.testing.assert_array_equal(X[:, 0], np.arange(100.0))


def test_a_split_takes_lists_and_images():
    parts = train_validation_split([[1.0], [2.0], [3.0]], [1, 2, 3], 1)
    assert [len(part) for part in parts] == [2, 2, 1, 1]
    assert train_validation_split(np.zeros((5, 1, 4, 4)), np.zeros(5), 2)[2].shape == (2, 1, 4, 4)


@pytest.mark.parametrize("n_validation", [0, -1, 10, 11, 0.2, None])
def test_a_split_that_leaves_a_part_empty_is_refused(n_validation):
    with pytest.raises(ValueError, match=r"n_validation is .*, expected"):
        train_validation_split(np.zeros((10, 2)), np.zeros(10), n_validation)


@pytest.mark.parametrize(("X", "y"), [(np.zeros((10, 2)), np.zeros(9)), (np.zeros(()), np.zeros(())), (3, [1, 2, 3])])
def test_a_split_of_samples_without_their_targets_is_refused(X, y):
    with pytest.raises(DataError, match="expected one target per sample"):
        train_validation_split(X, y, 1)


def test_standardized_training_samples_have_mean_zero_and_deviation_one():
    rng = np.random.default_rng(0)
    train, test = rng.normal([5.0, -300.0], [0.1, 40.0], size=(500, 2)), rng.normal(size=(20, 2))
    scale = Standardizer.fit(train)
    np.testing.assert_allclose(scale(train).mean(axis=0), 0.0, atol=1e-12)
    np.testing.assert_allclose(scale(train).std(axis=0), 1.0)
    np.testing.assert_allclose(scale(test), (test - train.mean(axis=0)) / train.std(axis=0))


@pytest.mark.parametrize(
    ("dtype", "constant"),
    [(dtype, constant) for dtype in ("float64", "float32") for constant in (0.0, 0.1, -7.0, 1e30, 123456.789)]
    + [("float64", 1e-300), ("float64", 1e300)],
)
def test_a_constant_feature_becomes_zero_and_not_nan(dtype, constant):
    train = np.full((1001, 3), constant, dtype=dtype)
    train[:, 1] = np.arange(1001)
    scaled = Standardizer.fit(train)(train)
    assert scaled.dtype == train.dtype
    np.testing.assert_array_equal(scaled[:, [0, 2]], 0.0)
    np.testing.assert_allclose(scaled[:, 1].std(), 1.0, rtol=1e-5)


def test_a_feature_whose_variance_underflows_stays_finite():
    assert np.isfinite(Standardizer.fit(train := np.array([[0.0], [1e-200]]))(train)).all()


def test_a_single_sample_and_whole_numbers_can_be_standardized():
    np.testing.assert_array_equal(Standardizer.fit([[1, 2, 3]])([[2, 2, 5]]), [[1.0, 0.0, 2.0]])


@pytest.mark.parametrize(
    "X", [np.zeros((0, 3)), [[1.0, np.nan]], [[np.inf], [1.0]], np.zeros(5), [["a"]], np.zeros((2, 2, 2))], ids=str
)
def test_samples_that_cannot_be_standardized_are_refused(X):
    with pytest.raises(DataError, match="expected"):
        Standardizer.fit(X)


def test_samples_with_another_number_of_features_are_refused():
    with pytest.raises(DataError, match="2 features, expected 3"):
        Standardizer.fit(np.ones((4, 3)))(np.ones((4, 2)))
