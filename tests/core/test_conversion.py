"""Values that users hand in: masked values are refused wherever they could be lost."""

import warnings

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.datasets import Standardizer, train_validation_split

X, Y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
MASKED_X = np.ma.array(X, mask=[[0, 0], [0, 1], [0, 0], [0, 0]])
MASKED_Y = np.ma.array(Y, mask=[0, 0, 1, 0])
MASKED_WEIGHTS = np.ma.array(np.ones(4), mask=[0, 0, 0, 1])


def net():
    return mt.two_layer_net(2, 3, 2, seed=0)


CALLS = {
    "features of fit": lambda: mt.fit(net(), MASKED_X, Y),
    "rows of features": lambda: mt.fit(net(), list(MASKED_X), Y),
    "labels of fit": lambda: mt.fit(net(), X, MASKED_Y),
    "sample weights": lambda: mt.fit(net(), X, Y, sample_weight=MASKED_WEIGHTS),
    "validation": lambda: mt.fit(net(), X, Y, validation=(MASKED_X, Y)),
    "evaluate": lambda: mt.evaluate(net(), MASKED_X, Y),
    "predict": lambda: net().predict(MASKED_X),
    "forward": lambda: net().forward(MASKED_X),
    "mean_loss": lambda: net().mean_loss(np.ma.array(np.ones((4, 2)), mask=np.eye(4, 2)), Y),
    "loss_and_grads": lambda: net().loss_and_grads(X, MASKED_Y),
    "load_state_dict": lambda: net().load_state_dict(net().state_dict() | {"0.bias": np.ma.array(np.ones(3), mask=1)}),
    "Standardizer.fit": lambda: Standardizer.fit(MASKED_X),
    "Standardizer": lambda: Standardizer.fit(X)(MASKED_X),
    "split of features": lambda: train_validation_split(MASKED_X, Y, 1),
    "split of labels": lambda: train_validation_split(X, MASKED_Y, 1),
    "accuracy": lambda: mt.accuracy(MASKED_Y, Y),
    "confusion_matrix": lambda: mt.confusion_matrix(Y, MASKED_Y, 2),
    "check_network": lambda: mt.check_network(net(), MASKED_X, Y),
    "numerical_gradient": lambda: mt.numerical_gradient(lambda x: (x**2).sum(), MASKED_X),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_masked_values_are_refused(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(mt.DataError, match=r"\d+ masked values?, expected none: fill"):
            call()


def test_a_masked_array_without_masked_values_is_an_array():
    plain = mt.evaluate(net(), X, Y)
    assert mt.evaluate(net(), np.ma.array(X), np.ma.array(Y)) == plain
    np.testing.assert_array_equal(Standardizer.fit(np.ma.array(X)).mean, Standardizer.fit(X).mean)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-30, 1.0, 1e30, 1e200, 1.7e308])
def test_standardizing_two_values_gives_minus_one_and_one_at_every_scale(size, dtype):
    info = np.finfo(dtype)
    if not 4 * float(info.tiny) < size <= float(info.max):
        pytest.skip("out of this type's range")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for a, b in ((-size, size), (0.0, size), (size / 2, size)):
            X = np.array([[a], [b], [a], [b]], dtype)
            scaled = Standardizer.fit(X)(X)
            np.testing.assert_allclose(scaled[:, 0], [-1, 1, -1, 1], rtol=4 * info.eps)


def test_standardizing_float16_does_not_overflow():
    X = np.array([[-60000.0], [60000.0]], np.float16)
    np.testing.assert_array_equal(Standardizer.fit(X)(X), [[-1], [1]])


def test_standardizing_ordinary_data_keeps_its_bits():
    X = np.random.default_rng(0).normal(3, 7, (50, 4))
    from_first = X - X[0]
    scale = Standardizer.fit(X)
    np.testing.assert_array_equal(scale.mean, X[0] + from_first.mean(axis=0))
    np.testing.assert_array_equal(scale.std, from_first.std(axis=0))
    np.testing.assert_array_equal(scale(X), (X - scale.mean) / scale.std)
