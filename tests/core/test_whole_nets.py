"""Random nets against a second implementation in plain matrix form, with separate formulas and derivatives."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS

# Each activation, and its derivative as a function of input and output.
ACTIVATIONS = {
    "Sigmoid": (lambda x: 1 / (1 + np.exp(-x)), lambda x, y: y * (1 - y)),
    "Tanh": (np.tanh, lambda x, y: 1 - y**2),
    "ReLU": (lambda x: np.maximum(x, 0), lambda x, y: (x > 0).astype(float)),
    "ELU": (lambda x: np.where(x > 0, x, 0.7 * (np.exp(x) - 1)), lambda x, y: np.where(x > 0, 1, y + 0.7)),
}
RATE = 0.03  # at larger rates some of these nets diverge, and rounding errors grow without bound
LAYER = {"Sigmoid": mt.Sigmoid(), "Tanh": mt.Tanh(), "ReLU": mt.ReLU(), "ELU": mt.ELU(alpha=0.7)}


@st.composite
def nets(draw):
    """Draw the sizes of 1 to 4 linear layers, an activation between each two, and a loss."""
    sizes = draw(st.lists(st.integers(1, 6), min_size=2, max_size=5))
    activations = [draw(st.sampled_from(sorted(ACTIVATIONS))) for _ in sizes[2:]]
    loss = draw(st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]))
    return sizes, activations, loss


def replay(weights, activations, loss, X, y, batches, learning_rate, weight_decay):
    """Train in plain matrix form: update the weights, [W, b, W, b, ...], in place; return the loss of each batch."""
    losses = []
    for batch in batches:
        x, target, n = X[batch], y[batch], len(batch)
        inputs, outputs = [], [x]  # inputs of the activations; outputs of the layers, x first
        for k in range(0, len(weights), 2):
            inputs.append(outputs[-1] @ weights[k].T + weights[k + 1])
            last = k == len(weights) - 2
            outputs.append(inputs[-1] if last else ACTIVATIONS[activations[k // 2]][0](inputs[-1]))
        z = outputs[-1]
        if loss == "mean_squared_error":
            losses.append(np.mean((z - target) ** 2))
            d = 2 * (z - target) / z.size
        else:
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            losses.append(-np.mean(np.log(p[np.arange(n), target])))
            d = (p - np.eye(z.shape[1])[target]) / n
        for k in reversed(range(0, len(weights), 2)):
            if k < len(weights) - 2:
                d = d * ACTIVATIONS[activations[k // 2]][1](inputs[k // 2], outputs[k // 2 + 1])
            dW, db = np.einsum("no,ni->oi", d, outputs[k // 2]), np.einsum("no->o", d)
            d = np.einsum("no,oi->ni", d, weights[k])
            weights[k] -= learning_rate * (dW + weight_decay * weights[k])
            weights[k + 1] -= learning_rate * (db + weight_decay * weights[k + 1])
    return losses


def built(drawn, tier, n, seed):
    """Return the net, with nonzero biases, and n samples with their targets."""
    sizes, activations, loss = drawn
    rng = np.random.default_rng(seed)
    layers = [mt.Linear(sizes[0], sizes[1])]
    for name, i, o in zip(activations, sizes[1:], sizes[2:], strict=False):
        layers += [LAYER[name], mt.Linear(i, o)]
    net = mt.Network(layers, loss=loss, tier=tier, seed=rng)
    net.load_state_dict({name: w + 0.1 * rng.standard_normal(w.shape) for name, w in net.state_dict().items()})
    X = rng.standard_normal((n, sizes[0]))
    if loss == "softmax_cross_entropy":
        return net, X, rng.integers(0, sizes[-1], n)
    return net, X, rng.standard_normal((n, sizes[-1]))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("weight_decay", [0.0, 0.05])
@examples(40)
@given(drawn=nets(), n=st.sampled_from([1, 7, 12]), batch_size=st.sampled_from([1, 5, 32]), seed=st.integers(0, 99))
def test_an_epoch_of_any_net_agrees_with_a_second_implementation(tier, weight_decay, drawn, n, batch_size, seed):
    net, X, y = built(drawn, tier, n, seed)
    _, activations, loss = drawn
    weights = [*net.state_dict().values()]
    order = np.random.default_rng(seed).permutation(n)
    batches = [order[start : start + batch_size] for start in range(0, n, batch_size)]
    expected = replay(weights, activations, loss, X, y, batches, RATE, weight_decay)

    optimizer = mt.SGD(RATE, weight_decay=weight_decay)
    history = mt.fit(net, X, y, optimizer=optimizer, batch_size=batch_size, epochs=1, seed=seed)
    np.testing.assert_allclose(history.batch_loss, expected, rtol=1e-9, atol=1e-12)
    for (name, ours), theirs in zip(net.state_dict().items(), weights, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-9, atol=1e-10, err_msg=name)


@pytest.mark.parametrize("tier", TIERS)
@examples(25)
@given(drawn=nets(), seed=st.integers(0, 99))
def test_a_batch_joined_to_itself_has_the_same_mean_loss_and_gradients(tier, drawn, seed):
    net, X, y = built(drawn, tier, 5, seed)
    loss, grads = net.loss_and_grads(X, y)
    loss_of_two, grads_of_two = net.loss_and_grads(np.concatenate([X, X]), np.concatenate([y, y]))
    assert loss_of_two == pytest.approx(loss, rel=1e-12)
    for name, gradient in grads.items():
        scale = np.abs(gradient).max()
        np.testing.assert_allclose(grads_of_two[name], gradient, rtol=1e-12, atol=1e-12 * scale, err_msg=name)
