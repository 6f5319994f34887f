"""Twins: parameters and layers of one shape have states of their own; of equal losses or outputs, the first counts."""

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((13, 4)), rng.integers(0, 4, 13)
OPTIMIZERS = [mt.SGD(0.3, momentum=0.9), mt.Adam(0.01), mt.AdamW(0.01), mt.RMSprop(0.01, weight_decay=0.01)]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=lambda optimizer: type(optimizer).__name__)


def twins(tier="tensor", layers=None, seed=1):
    """Return a net with three weights of shape (4, 4) and three biases of shape (4,)."""
    layers = [mt.Linear(4, 4), mt.Tanh(), mt.Linear(4, 4), mt.Tanh(), mt.Linear(4, 4)] if layers is None else layers
    return mt.Network(layers, tier=tier, init="standard_normal", seed=seed)


def bits(net):
    return {name: array.tobytes() for name, array in net.state_dict().items()}


# Parameters of one shape.


@every_tier
@every_optimizer
def test_each_parameter_has_its_own_memory(tier, optimizer):
    """Update each parameter alone, with the memory of no other one."""
    net = twins(tier)
    trainer = mt.Trainer(net, X, Y, optimizer=optimizer, batch_size=5, epochs=2, shuffle=False)
    alone, memories = twins(tier), {name: {} for name in net.parameters}
    while not trainer.finished:
        start = trainer.position
        _, gradients = alone.loss_and_grads(X[start : start + 5], Y[start : start + 5])
        state = alone.state_dict()
        for name, gradient in gradients.items():
            g, parameter = alone.tier.asarray(gradient), alone.tier.asarray(state[name].copy())
            change = optimizer.update(alone.tier, g, parameter, memories[name])
            state[name] = state[name] + np.array(alone.tier.tolist(change))
        alone.load_state_dict(state)
        trainer.step()
    for name, array in net.state_dict().items():
        np.testing.assert_allclose(array, alone.state_dict()[name], rtol=1e-12, atol=1e-14, err_msg=name)


@every_tier
def test_each_parameter_has_its_own_gradient(tier):
    net = twins(tier)
    _, gradients = net.loss_and_grads(X, Y)
    state = net.state_dict()
    h = [X]
    for k in (0, 2, 4):
        z = h[-1] @ state[f"{k}.weight"].T + state[f"{k}.bias"]
        h.append(np.tanh(z) if k < 4 else z)
    p = np.exp(h[3]) / np.exp(h[3]).sum(axis=1, keepdims=True)
    dz = (p - np.eye(4)[Y]) / len(X)
    for k, below in ((4, h[2]), (2, h[1]), (0, h[0])):
        np.testing.assert_allclose(gradients[f"{k}.weight"], dz.T @ below, rtol=1e-10, atol=1e-14)
        np.testing.assert_allclose(gradients[f"{k}.bias"], dz.sum(axis=0), rtol=1e-10, atol=1e-14)
        dz = dz @ state[f"{k}.weight"] * (1 - below**2)


@every_tier
@every_optimizer
@pytest.mark.parametrize("steps", [1, 4])
def test_a_resumed_run_gives_each_parameter_its_own_memory_back(tier, optimizer, steps, tmp_path):
    def trainer(net, seed):
        return mt.Trainer(net, X, Y, optimizer=optimizer, batch_size=5, epochs=3, seed=seed)

    whole, half = trainer(twins(tier), 3), trainer(twins(tier), 3)
    whole.run()
    for _ in range(steps):
        half.step()
    mt.save(half.net, tmp_path / "net.npz", training=half.state_dict())
    saved = load_checkpoint(tmp_path / "net.npz")
    resumed = trainer(saved.net, 99)
    resumed.load_state_dict(saved.training)
    resumed.run()
    assert bits(resumed.net) == bits(whole.net)


@every_tier
def test_each_parameter_is_set_saved_and_loaded_under_its_own_name(tier, tmp_path):
    net = twins(tier)
    state = {name: np.full(array.shape, float(k)) for k, (name, array) in enumerate(net.state_dict().items())}
    net.load_state_dict({name: state[name] for name in sorted(state, reverse=True)})  # in any order
    mt.save(net, tmp_path / "net.npz")
    for copy in (net, net.to("scalar"), mt.load(tmp_path / "net.npz")):
        assert all(np.array_equal(array, state[name]) for name, array in copy.state_dict().items())


@every_tier
@pytest.mark.parametrize("frozen", [0, 2, 4])
def test_a_frozen_layer_stays_and_its_twins_learn(tier, frozen):
    net = twins(tier)
    net.freeze(frozen)
    before = bits(net)
    mt.fit(net, X, Y, optimizer=mt.Adam(0.01), batch_size=5)
    assert {name for name in before if bits(net)[name] == before[name]} == {f"{frozen}.weight", f"{frozen}.bias"}


def test_a_layer_that_learns_later_starts_with_an_empty_memory():
    net = twins()
    net.freeze(2)
    trainer = mt.Trainer(net, X, Y, optimizer=mt.Adam(0.01), batch_size=5, epochs=2)
    trainer.step()
    net.unfreeze(2)
    trainer.step()
    resumed = mt.Trainer(net, X, Y, optimizer=mt.Adam(0.01), batch_size=5, epochs=2)
    resumed.load_state_dict(trainer.state_dict())
    for state in (trainer.state, resumed.state):
        counts = {name: memory["count"] for name, memory in state.memory.items()}
        assert counts == {name: 1 if name.startswith("2.") else 2 for name in net.parameters}


# Layers of one shape.


def recorder():
    """Return a layer that passes its input on, and the list of the inputs that it has seen."""
    seen = []

    class Recorder(mt.Sigmoid):
        def forward(self, tier, x, *parameters):
            seen.append(np.array(tier.tolist(x)))
            return x, (lambda dy: dy,)

    return Recorder(), seen


@every_tier
@pytest.mark.parametrize("frozen", [None, 0, 1])
def test_two_dropout_layers_of_one_shape_drop_independently(tier, frozen):
    layer, seen = recorder()
    net = mt.Network([mt.Dropout(0.5), mt.Dropout(0.5), layer, mt.Linear(50, 4)], tier=tier)
    if frozen is not None:
        net.freeze(frozen)
    mt.fit(net, np.ones((40, 50)), np.arange(40) % 4, batch_size=10, optimizer=mt.SGD(1e-9))
    passed = np.concatenate([np.ravel(x) for x in seen])
    values, share = ({0, 4}, 0.25) if frozen is None else ({0, 2}, 0.5)  # 0.5 if both drop the same
    assert {*passed.tolist()} == values
    assert np.mean(passed > 0) == pytest.approx(share, abs=0.04)


def test_freezing_a_dropout_layer_leaves_the_masks_of_its_twin_as_they_are():
    net = mt.Network([mt.Dropout(0.5), mt.Dropout(0.5), mt.Linear(50, 4)])
    first, second = net.draw_noise((6, 50), np.random.default_rng(3))
    assert not np.array_equal(first, second)
    for frozen, left in ((0, second), (1, first)):
        net.unfreeze()
        net.freeze(frozen)
        (mask,) = net.draw_noise((6, 50), np.random.default_rng(3))
        assert np.array_equal(mask, left)


@every_tier
def test_every_step_and_every_epoch_has_masks_of_its_own(tier):
    layer, seen = recorder()
    net = mt.Network([mt.Dropout(0.5), layer, mt.Linear(50, 4)], tier=tier)
    mt.fit(net, np.ones((8, 50)), np.arange(8) % 4, batch_size=4, epochs=3, optimizer=mt.SGD(1e-9))
    masks = np.concatenate([np.reshape(x, (-1, 50)) for x in seen])
    assert len({mask.tobytes() for mask in masks}) == len(masks) == 24


def test_each_batch_normalization_has_its_own_running_statistics():
    layers = [mt.BatchNorm1d(4), mt.Linear(4, 4), mt.BatchNorm1d(4, momentum=0.5), mt.Tanh(), mt.Linear(4, 4)]
    net = twins(layers=layers)
    state = net.state_dict()
    x = X + 3
    mt.fit(net, x, Y, batch_size=len(X), shuffle=False)
    first = (x - x.mean(axis=0)) / np.sqrt(x.var(axis=0) + 1e-5)
    second = first @ state["1.weight"].T + state["1.bias"]
    after = net.state_dict()
    for k, seen, momentum in ((0, x, 0.1), (2, second, 0.5)):
        np.testing.assert_allclose(after[f"{k}.running_mean"], momentum * seen.mean(axis=0), rtol=1e-10, atol=1e-12)
        variance = 1 - momentum + momentum * seen.var(axis=0, ddof=1)
        np.testing.assert_allclose(after[f"{k}.running_var"], variance, rtol=1e-10)
        assert after[f"{k}.num_batches_tracked"] == 1


def test_each_batch_normalization_predicts_with_its_own_statistics():
    net = twins(layers=[mt.BatchNorm1d(4), mt.Linear(4, 4), mt.BatchNorm1d(4)])
    state = net.state_dict()
    for k in (0, 2):
        for name in ("weight", "bias", "running_mean", "running_var"):
            state[f"{k}.{name}"] = np.random.default_rng(k).uniform(0.5, 2, 4) + (name == "running_var")
    net.load_state_dict(state)
    y = X
    for k in (0, 2):
        weight, bias, mean, variance = (
            state[f"{k}.{name}"] for name in ("weight", "bias", "running_mean", "running_var")
        )
        y = weight * (y - mean) / np.sqrt(variance + 1e-5) + bias
        y = y @ state["1.weight"].T + state["1.bias"] if k == 0 else y
    np.testing.assert_allclose(net.forward(X), y, rtol=1e-12, atol=1e-13)


# Ties.


def run_with_losses(losses, monkeypatch, **options):
    """Train with these validation losses; return the trainer and the weights after each epoch."""
    from micrograd_tiers.metrics import Scores

    left = iter(losses)
    monkeypatch.setattr("micrograd_tiers.trainer.score", lambda *args: Scores(next(left), Y, Y))
    trainer = mt.Trainer(twins(), X, Y, epochs=len(losses), validation=(X, Y), **options)
    weights = [bits(trainer.net)]
    while not trainer.finished:
        trainer.step()
        weights.append(bits(trainer.net))
    return trainer, weights


@pytest.mark.parametrize(
    ("losses", "best"),
    [
        ([3, 1, 1, 2, 1], 2),
        ([1, 1, 1, 1], 1),
        ([2, 3, 2, 1, 1], 4),
        ([1, 2, 3, 1], 1),
        ([4, 3, 2, 1], 4),
        ([0.0, -0.0, 0.0], 1),
    ],
)
def test_of_equal_validation_losses_the_first_is_the_best(losses, best, monkeypatch):
    trainer, weights = run_with_losses(losses, monkeypatch, batch_size=len(X), keep_best=True)
    assert trainer.best_epoch == best
    assert bits(trainer.net) == weights[best]
    trainer.net.load_state_dict(trainer.state.last_weights or trainer.net.state_dict())
    assert best == len(losses) or bits(trainer.net) != weights[best]


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 4), (3, 5), (4, 6), (5, 6)])
def test_an_equal_validation_loss_is_no_progress(patience, epochs, monkeypatch):
    trainer, _ = run_with_losses([2, 1, 1, 1, 1.5, 1], monkeypatch, batch_size=len(X), patience=patience)
    assert trainer.epoch == epochs
    assert trainer.best_epoch == 2


@every_tier
@pytest.mark.parametrize(
    ("loss", "n_outputs", "predicted"),
    [("softmax_cross_entropy", 3, 0), ("binary_cross_entropy", 1, 0), ("hinge", 1, -1), ("binary_cross_entropy", 2, 0)],
)
def test_of_equal_outputs_the_first_class_or_no_is_predicted(tier, loss, n_outputs, predicted):
    net = mt.mlp([4, n_outputs], loss=loss, tier=tier, init="zeros")
    assert (net.predict(X) == predicted).all()
