"""The museum's net with a tied head: its gradient is the slope of the loss along both copies of the matrix."""

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.lab.museum.tied import TiedHead

TIERS = ("scalar", "vector", "tensor")
X, Y = [[0, 1, 2, 1], [0, 3, -1, -1]], [[1, 2, 1, 0], [3, 0, -1, -1]]


def made(tier):
    layers = mt.gpt(4, features=4, heads=2, length=4).layers
    return TiedHead(layers, "next_token_loss", tier=tier, init="normal:0.3")


def matrices(net):
    state = net.state_dict()
    return [state[name] for name in net.tied]


@pytest.mark.parametrize("tier", TIERS)
def test_the_gradient_is_the_slope_along_both_copies(tier):
    net = made(tier)
    _, grads = net.loss_and_grads(X, Y)
    embedding, head = net.tied
    start, _ = matrices(net)

    def loss(matrix):
        net.set_tied(matrix)
        return net.loss_and_grads(X, Y)[0]

    slopes = mt.numerical_gradient(loss, start)
    np.testing.assert_allclose(grads[embedding], slopes, rtol=1e-7, atol=1e-10)
    np.testing.assert_array_equal(grads[head], grads[embedding])


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("optimizer", [mt.Adam(0.01), mt.AdamW(0.01), mt.SGD(0.1, momentum=0.9, weight_decay=0.1)])
def test_training_keeps_both_copies_equal(tier, optimizer):
    net = made(tier)
    start, _ = matrices(net)
    mt.fit(net, X, Y, optimizer=optimizer, batch_size=1, epochs=3)
    embedding, head = matrices(net)
    np.testing.assert_array_equal(head, embedding)
    assert np.all(embedding != start)


def test_only_the_two_copies_differ_from_a_net_that_is_not_tied():
    net = made("tensor")
    other = mt.gpt(4, features=4, heads=2, length=4)
    other.load_state_dict(net.state_dict())
    loss, grads = net.loss_and_grads(X, Y)
    other_loss, of_each = other.loss_and_grads(X, Y)
    assert loss == other_loss
    assert net.tied == ("0.weight", "15.weight")
    for name, gradient in grads.items():
        expected = of_each["0.weight"] + of_each["15.weight"] if name in net.tied else of_each[name]
        np.testing.assert_array_equal(gradient, expected)
