"""Neurons, layers and networks of Values."""

import copy
import math
import pickle
import random
from itertools import pairwise

import numpy as np
import pytest

from micrograd_tiers.engine import Value
from micrograd_tiers.nn import MLP, Layer, Module, Neuron


def as_list(out):
    return out if isinstance(out, list) else [out]


def forward_in_numpy(model, x):
    """Compute the same network as matrix products, an independent check of its wiring."""
    x = np.array(x, dtype=float)
    for layer in model.layers:
        w = np.array([[v.data for v in n.w] for n in layer.neurons])
        x = w @ x + np.array([n.b.data for n in layer.neurons])
        if layer.neurons[0].nonlin:
            x = np.maximum(x, 0)
    return x


@pytest.mark.parametrize("sizes", [(2, 3, 2), (1, 1), (4, 4, 4, 4), (3, 1, 2), (2, 16, 16, 1)])
def test_the_forward_pass_agrees_with_matrix_products(sizes):
    rng = random.Random(0)
    model = MLP(sizes[0], list(sizes[1:]), rng=rng)
    for p in model.parameters():
        p.data = rng.uniform(-1, 1)
    x = [rng.uniform(-1, 1) for _ in range(sizes[0])]
    assert [v.data for v in as_list(model(x))] == pytest.approx(forward_in_numpy(model, x), rel=1e-13, abs=1e-15)


@pytest.mark.parametrize("sizes", [(2, 3, 2), (3, 1, 2), (4, 4, 1)])
def test_gradients_agree_with_central_differences(sizes):
    rng = random.Random(1)
    model = MLP(sizes[0], list(sizes[1:]), rng=rng)
    x = [Value(rng.uniform(-1, 1)) for _ in range(sizes[0])]
    for p in model.parameters():
        p.data = rng.uniform(-1, 1)

    def loss():
        return sum((v - 0.3) ** 2 for v in as_list(model(x)))

    loss().backward()
    leaves = model.parameters() + x
    assert any(p.grad for p in model.layers[0].parameters())
    for leaf in leaves:
        middle, h = leaf.data, 1e-6
        leaf.data = middle + h
        above = loss().data
        leaf.data = middle - h
        below = loss().data
        leaf.data = middle
        assert leaf.grad == pytest.approx((above - below) / (2 * h), rel=1e-7, abs=1e-9)


def test_only_the_last_layer_is_linear():
    assert [[n.nonlin for n in layer.neurons] for layer in MLP(2, [3, 2, 2]).layers] == [
        [True, True, True],
        [True, True],
        [False, False],
    ]


def test_weights_are_uniform_between_minus_one_and_one_and_biases_zero():
    neuron = Neuron(2000, rng=random.Random(3))
    weights = [w.data for w in neuron.w]
    assert all(-1 <= w <= 1 for w in weights)
    assert min(weights) < -0.99
    assert max(weights) > 0.99
    assert abs(sum(weights)) < 4 * math.sqrt(2000 / 3)
    assert repr(neuron.b) == "Value(data=0, grad=0)"


def test_a_given_generator_draws_the_weights_in_order_and_leaves_the_global_state_alone():
    before = random.getstate()
    model = MLP(2, [3, 1], rng=random.Random(5))
    assert random.getstate() == before
    draws = random.Random(5)
    expected = [[[draws.uniform(-1, 1) for _ in range(i)] for _ in range(o)] for i, o in pairwise((2, 3, 1))]
    assert [[[w.data for w in n.w] for n in layer.neurons] for layer in model.layers] == expected


def test_without_a_generator_the_global_one_is_used():
    random.seed(9)
    model = MLP(2, [3, 1])
    assert [p.data for p in model.parameters()] == [p.data for p in MLP(2, [3, 1], rng=random.Random(9)).parameters()]


@pytest.mark.parametrize("make", [lambda: Neuron(3), lambda: Layer(3, 2), lambda: MLP(3, [2, 1])])
@pytest.mark.parametrize("n", [0, 2, 4])
def test_a_wrong_number_of_inputs_is_refused_and_the_neuron_named(make, n):
    with pytest.raises(ValueError, match=rf"ReLUNeuron\(3\): x has {n} inputs, expected 3; "):
        make()([1.0] * n)


def test_a_row_of_a_matrix_is_an_input_and_a_matrix_is_not():
    model = MLP(2, [3, 1], rng=random.Random(0))
    X = np.array([[0.5, -0.25], [1.0, 2.0]])
    assert model(X[0]).data == pytest.approx(model([0.5, -0.25]).data, rel=1e-15)
    with pytest.raises(TypeError, match=r"^ReLUNeuron\(2\): x holds arrays.*\[model\(x\) for x in X\]"):
        model(X)


def test_one_output_is_a_value_and_several_are_a_list():
    assert isinstance(Layer(2, 1)([1.0, 2.0]), Value)
    assert [type(v) for v in Layer(2, 3)([1.0, 2.0])] == [Value] * 3


def test_a_hidden_layer_may_be_one_neuron_wide():
    model = MLP(2, [1, 1, 2], rng=random.Random(0))
    assert len(model([1.0, 2.0])) == 2


def test_parameters_come_layer_by_layer_and_neuron_by_neuron_weights_before_bias():
    model = MLP(2, [2, 1])
    expected = [v for layer in model.layers for n in layer.neurons for v in (*n.w, n.b)]
    assert all(p is v for p, v in zip(model.parameters(), expected, strict=True))
    assert len(expected) == 9
    assert Module().parameters() == []


def test_zero_grad_resets_all_gradients():
    model = MLP(2, [3, 1], rng=random.Random(0))
    (model([1.0, 2.0]) * 3).backward()
    assert any(p.grad for p in model.parameters())
    model.zero_grad()
    assert [p.grad for p in model.parameters()] == [0] * len(model.parameters())


def test_the_repr_names_the_parts():
    assert repr(MLP(2, [2, 1])) == "MLP of [Layer of [ReLUNeuron(2), ReLUNeuron(2)], Layer of [LinearNeuron(2)]]"


def test_a_network_for_mnist_runs_forward_and_backward():
    rng = random.Random(0)
    model = MLP(784, [300, 10], rng=rng)
    x = [rng.uniform(-1, 1) for _ in range(784)]
    out = model(x)
    assert [v.data for v in out] == pytest.approx(forward_in_numpy(model, x), rel=1e-9)
    sum(out).backward()
    last = model.layers[-1]
    hidden = np.maximum([sum(w.data * xi for w, xi in zip(n.w, x, strict=True)) for n in model.layers[0].neurons], 0)
    assert [w.grad for w in last.neurons[3].w] == pytest.approx(hidden, rel=1e-9, abs=1e-12)
    assert last.neurons[3].b.grad == 1


@pytest.mark.parametrize("duplicate", [copy.deepcopy, lambda pair: pickle.loads(pickle.dumps(pair))])
def test_a_network_copied_with_its_loss_is_independent_of_the_original(duplicate):
    model = MLP(3, [4, 1], rng=random.Random(0))
    loss = (model([1.0, -2.0, 0.5]) - 1) ** 2
    other, other_loss = duplicate((model, loss))
    other_loss.backward()
    assert not any(p.grad for p in model.parameters())
    loss.backward()
    assert [p.grad for p in other.parameters()] == [p.grad for p in model.parameters()]
    assert any(p.grad for p in model.parameters())
    assert other([1.0, -2.0, 0.5]).data == model([1.0, -2.0, 0.5]).data


def test_gradient_descent_fits_a_line():
    model = Neuron(1, nonlin=False, rng=random.Random(0))
    data = [(x / 5, 3 * x / 5 - 1) for x in range(-5, 6)]
    for _ in range(200):
        model.zero_grad()
        loss = sum((model([x]) - y) ** 2 for x, y in data) / len(data)
        loss.backward()
        for p in model.parameters():
            p.data -= 0.3 * p.grad
    assert (model.w[0].data, model.b.data) == (pytest.approx(3, abs=1e-9), pytest.approx(-1, abs=1e-9))


def test_a_neuron_adds_its_products_to_the_bias_in_order_as_micrograd_does():
    neuron = Neuron(3, nonlin=False)
    for parameter, number in zip(neuron.parameters(), (1.0, 1.0, 1.0, 2.0**53), strict=True):
        parameter.data = number
    assert neuron([1.0, 1.0, 1.0]).data == 2.0**53 != 3.0 + 2.0**53
