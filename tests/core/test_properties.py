"""Properties of the whole program that the tests of its parts missed, as the museum of bugs showed."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.engine import Value
from micrograd_tiers.initializers import INITIALIZERS
from micrograd_tiers.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)


def samples(n=23, i=5, c=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, i)), rng.integers(0, c, n)


@pytest.mark.parametrize("init", sorted({*INITIALIZERS} - {"zeros"}))
def test_no_initial_weight_is_drawn_twice(init):
    net = mt.mlp([6, 6, 6, 6], init=init)
    weights = np.concatenate([array.ravel() for name, array in net.state_dict().items() if "weight" in name])
    assert len(np.unique(weights)) == len(weights)


@every_tier
def test_the_gradient_of_a_batch_does_not_depend_on_earlier_batches(tier):
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    loss, grads = net.loss_and_grads(*samples())
    net.loss_and_grads(*samples(n=4, seed=1))
    again, grads_again = net.loss_and_grads(*samples())
    assert again == loss
    for name, gradient in grads.items():
        np.testing.assert_array_equal(grads_again[name], gradient)


@every_tier
def test_the_validation_scores_of_an_epoch_use_its_last_weights(tier):
    validation = samples(n=9, seed=1)
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    trainer = mt.Trainer(net, *samples(), optimizer=mt.SGD(0.5), batch_size=6, epochs=3, validation=validation)
    scores = []
    while not trainer.finished:
        trainer.step()
        if trainer.position == 0:
            scores.append(mt.evaluate(net, *validation))
    assert trainer.history.validation_loss == [score["loss"] for score in scores]
    assert trainer.history.validation_accuracy == [score["accuracy"] for score in scores]


@every_tier
def test_a_loaded_net_has_every_saved_parameter(tmp_path, tier):
    rng = np.random.default_rng(0)
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    values = {name: rng.standard_normal(array.shape) for name, array in net.state_dict().items()}
    net.load_state_dict(values)
    mt.save(net, tmp_path / "net.npz")
    for name, array in mt.load(tmp_path / "net.npz").state_dict().items():
        np.testing.assert_array_equal(array, values[name])


whole = st.integers(-2, 2)


@examples(25)
@given(whole, whole, whole)
def test_equal_numbers_are_differentiated_separately(a, b, c):
    x, y, z = Value(a), Value(b), Value(c)
    ((x * y + z) * (x + y * z)).backward()
    first, second = a * b + c, a + b * c
    assert (x.grad, y.grad, z.grad) == (b * second + first, a * second + c * first, second + b * first)


def test_in_place_addition_is_ordinary_addition():
    x, y = Value(2.0), Value(3.0)
    total = x * y
    before = total
    total += x
    total += 1
    total.backward()
    assert (total.data, x.grad, y.grad) == (9.0, 4.0, 2.0)
    assert before.data == 6.0
