"""Tiers with custom arrays: another class than ndarray, or arrays that cannot be changed in place."""

from types import SimpleNamespace

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import OPS, get_tier

TENSOR = get_tier("tensor")
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((20, 6)), rng.integers(0, 3, 20)


class Own:
    """A custom array class that supports only indexing and len()."""

    def __init__(self, values):
        self.values = values

    def __getitem__(self, index):
        return Own(self.values[index])

    def __len__(self):
        return len(self.values)


def unwrapped(thing):
    return thing.values if isinstance(thing, Own) else thing


def wrapped(thing):
    return Own(thing) if isinstance(thing, np.ndarray) else thing


def own_op(op):
    """Return the tensor tier's op, working on `Own` arrays."""

    def function(*arguments):
        value, vjps = op(*map(unwrapped, arguments))
        return wrapped(value), tuple(lambda dy, vjp=vjp: wrapped(vjp(unwrapped(dy))) for vjp in vjps)

    return function


def own_class(**others):
    """Return the tensor tier with `Own` arrays."""

    def add_scaled(target, source, scale):
        target.values += scale * source.values

    functions = {
        **{name: own_op(getattr(TENSOR, name)) for name in OPS},
        "moments": lambda x: tuple(map(Own, TENSOR.moments(x.values))),
        "asarray": lambda values, dtype="float64": Own(np.array(values, dtype)),
        "tolist": lambda array: array.values.tolist(),
        "chunks": lambda *arrays: iter((arrays,)),
        "add_scaled": add_scaled,
        "elementwise": lambda f, *arrays: Own(f(*map(unwrapped, arrays))),
    }
    return SimpleNamespace(**functions | others)


def read_only(array):
    array = np.array(array)
    array.flags.writeable = False
    return array


def immutable(**others):
    """Return the tensor tier with arrays that cannot be changed in place."""
    functions = {name: getattr(TENSOR, name) for name in (*OPS, "moments", "tolist", "chunks")}
    functions |= {
        "asarray": lambda values, dtype="float64": read_only(np.array(values, dtype)),
        "add_scaled": lambda target, source, scale: read_only(target + scale * source),
        "elementwise": lambda f, *arrays: read_only(f(*arrays)),
    }
    return SimpleNamespace(**functions | others)


LAYERS = [mt.Linear(6, 4), mt.BatchNorm1d(4), mt.Tanh(), mt.Dropout(0.25), mt.Linear(4, 3)]
own_arrays = pytest.mark.parametrize("make", [own_class, immutable])


@own_arrays
@pytest.mark.parametrize(
    "optimizer", [mt.SGD(0.1), mt.SGD(0.1, momentum=0.9), mt.Adam(0.01), mt.AdamW(0.01), mt.RMSprop(0.01)]
)
def test_a_net_with_batch_norm_and_dropout_trains_as_at_the_tensor_tier(make, optimizer):
    states = []
    for tier in (make(), TENSOR):
        net = mt.Network(LAYERS, tier=tier, seed=1)
        mt.fit(net, X, Y, optimizer=optimizer, batch_size=8, epochs=2, seed=2)
        states.append(net.state_dict())
    for name, array in states[1].items():
        np.testing.assert_allclose(states[0][name], array, rtol=0, atol=1e-14, err_msg=name)


@own_arrays
@pytest.mark.parametrize("norm", ["rms_norm", "layer_norm"])
def test_a_net_of_documents_trains_as_at_the_tensor_tier(make, norm):
    X = rng.integers(0, 5, (6, 4))
    X[::2, 3:] = -1
    states = []
    for tier in (make(), TENSOR):
        net = mt.gpt(5, 4, 2, length=5, activation="squared_relu", norm=norm, init="normal:0.5", tier=tier, seed=1)
        mt.fit(net, X[:, :-1], X[:, 1:], optimizer=mt.Adam(0.01), batch_size=2, epochs=2, seed=2)
        states.append(net.state_dict())
    for name, array in states[1].items():
        np.testing.assert_allclose(states[0][name], array, rtol=0, atol=1e-14, err_msg=name)


@own_arrays
def test_sample_weights_count_in_the_loss_and_its_gradient(make):
    weight = np.random.default_rng(1).uniform(0, 2, 20)
    (loss, grads), (right, expected) = (
        mt.mlp([6, 4, 3], tier=tier, seed=1).loss_and_grads(X, Y, weight) for tier in (make(), TENSOR)
    )
    assert loss == pytest.approx(right, rel=1e-14)
    for name, gradient in expected.items():
        np.testing.assert_allclose(grads[name], gradient, rtol=0, atol=1e-15)


@own_arrays
def test_a_sample_of_weight_0_does_not_count_even_if_its_loss_is_infinite(make):
    net = mt.Network([mt.Linear(1, 1)], "mean_squared_error", tier=make())
    with np.errstate(over="ignore"):
        loss, grads = net.loss_and_grads([[1.0], [2.0]], [[1e200], [1.0]], [0, 1])
    assert loss == net.loss_and_grads([[2.0]], [[1.0]])[0]
    assert np.isfinite(grads["0.weight"]).all()


def test_a_fit_that_moves_no_weight_warns():
    tier = immutable(add_scaled=lambda target, source, scale: None)
    with pytest.warns(UserWarning, match="no weight has moved at the first step.*add_scaled of the tier"):
        mt.fit(mt.mlp([6, 4, 3], tier=tier), X, Y)


def test_a_net_whose_gradient_is_zero_does_not_warn():
    mt.fit(mt.mlp([6, 4, 1]), X, np.zeros(20))  # one class only: nothing to learn


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("optimizer", [mt.SGD(1e-300), mt.SGD(1e-300, momentum=0.9), mt.Adam(1e-300)], ids=repr)
def test_a_learning_rate_without_effect_warns(optimizer, dtype):
    with pytest.warns(UserWarning, match=r"no weight has moved at the first step: the learning rate \(1e-300\)"):
        mt.fit(mt.mlp([6, 4, 3], dtype=dtype), X, Y, optimizer=optimizer)


def test_weights_that_start_at_zero_move():
    mt.fit(mt.Network([mt.Linear(6, 3)], init="zeros"), X, Y, optimizer=mt.SGD(1e-6))
