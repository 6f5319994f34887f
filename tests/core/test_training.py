"""Training: the same at every tier, with the samples in the right order, and never on bad input."""

import math
from contextlib import suppress
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from profiles import examples

import micrograd_tiers as mt
from micrograd_tiers.batches import Batches
from micrograd_tiers.lab.comparison import sha256_of_weights
from micrograd_tiers.tiers import CORE, SUPPORT, TIERS, scalar

every_tier = pytest.mark.parametrize("tier", TIERS)
OPTIMIZERS = [
    mt.SGD(0.3),
    mt.SGD(0.3, momentum=0.9),
    mt.SGD(0.3, momentum=0.5, weight_decay=0.01),
    mt.Adam(0.01),
    mt.Adam(0.01, weight_decay=0.01, beta1=0.8, beta2=0.99),
    mt.SGD(0.1, momentum=0.9, nesterov=True),
    mt.RMSprop(0.01, weight_decay=0.01, beta=0.9),
    mt.AdamW(0.01, weight_decay=0.1),
]
every_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)


def samples(n=23, i=5, c=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, i)), rng.integers(0, c, n)


def largest_difference(a, b):
    return max(float(np.abs(array - b.state_dict()[name]).max()) for name, array in a.state_dict().items())


def largest_weight(net):
    return max(float(np.abs(array).max()) for array in net.state_dict().values())


def trained(tier, X, y, sizes, steps, *, exact, rate, batch_size):
    net = mt.two_layer_net(*sizes, tier=tier, exact=exact, init="standard_normal", seed=1)
    trainer = mt.Trainer(net, X, y, optimizer=mt.SGD(rate), batch_size=batch_size, epochs=10**9, seed=2)
    for _ in range(steps):
        trainer.step()
    return net


def same_bits(sizes, steps, rate, batch_size, n=50):
    X, y = samples(n, sizes[0], sizes[-1])
    return {
        sha256_of_weights(trained(tier, X, y, sizes, steps, exact=True, rate=rate, batch_size=batch_size))
        for tier in TIERS
    }


# The same training at every tier. 50 samples in batches of 8: the last batch is short.


@pytest.mark.parametrize("sizes", [(2, 3, 2), (64, 16, 10), (784, 30, 10)])
@pytest.mark.parametrize("steps", [1, 20])
@pytest.mark.parametrize(("rate", "batch_size"), [(0.1, 8), (10.0, 1)])
def test_exact_training_gives_the_same_bits_at_every_tier(sizes, steps, rate, batch_size):
    assert len(same_bits(sizes, steps, rate, batch_size)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("sizes", [(2, 3, 2), (64, 16, 10), (784, 30, 10)])
@pytest.mark.parametrize("steps", [100, 2000])
@pytest.mark.parametrize(("rate", "batch_size"), [(0.1, 8), (10.0, 1)])
def test_long_exact_training_gives_the_same_bits_at_every_tier(sizes, steps, rate, batch_size):
    assert len(same_bits(sizes, steps, rate, batch_size)) == 1


@examples(25)
@given(
    sizes=st.lists(st.integers(1, 5), min_size=2, max_size=4),
    activation=st.sampled_from(["sigmoid", "tanh", "relu", "elu"]),
    loss=st.sampled_from(["softmax_cross_entropy", "mean_squared_error"]),
    optimizer=st.sampled_from(OPTIMIZERS),
    batch_size=st.integers(1, 9),
    seed=st.integers(0, 2**32 - 1),
)
def test_any_net_with_any_optimizer_trains_to_the_same_bits(sizes, activation, loss, optimizer, batch_size, seed):
    X, y = samples(7, sizes[0], sizes[-1], seed)
    if loss == "mean_squared_error":
        y = np.random.default_rng(seed).standard_normal((7, sizes[-1]))
    bits, losses = set(), set()
    for tier in TIERS:
        net = mt.mlp(sizes, activation, loss=loss, tier=tier, exact=True, init="standard_normal", seed=seed)
        trainer = mt.Trainer(net, X, y, optimizer=optimizer, batch_size=batch_size, epochs=3)
        with suppress(mt.DivergedError):  # some nets diverge, in the same step at every tier
            while not trainer.finished:
                trainer.step()
        bits.add(sha256_of_weights(net))
        losses.add(repr(trainer.history.batch_loss))  # as text, because NaN is not equal to itself
    assert len(bits) == len(losses) == 1


@pytest.mark.parametrize("sizes", [(2, 3, 2), (64, 16, 10), (784, 30, 10)])
def test_one_fast_step_differs_only_by_rounding(sizes):
    X, y = samples(50, sizes[0], sizes[-1])
    nets = [trained(tier, X, y, sizes, 1, exact=False, rate=0.5, batch_size=50) for tier in TIERS]
    for net in nets[1:]:
        assert largest_difference(nets[0], net) <= 1e-14 * largest_weight(nets[0])


def test_ten_fast_epochs_differ_only_by_rounding():
    data = mt.load_dataset("ellipse", n_train=500, n_test=1)
    nets = [mt.two_layer_net(2, 3, 2, tier=tier, init="standard_normal") for tier in TIERS]
    for net in nets:
        mt.fit(net, data.train_x, data.train_y, optimizer=mt.SGD(0.5), batch_size=10, epochs=10)
    for net in nets[1:]:
        assert largest_difference(nets[0], net) <= 1e-13 * largest_weight(nets[0])


@every_tier
@every_optimizer
def test_three_epochs_agree_with_an_independent_implementation(tier, optimizer):
    """Replay three epochs in plain matrix form, with separate formulas, optimizers and shuffling."""
    X, y = samples(n=23)
    net = mt.two_layer_net(5, 4, 3, tier=tier, seed=7)
    W1, b1, W2, b2 = P = [array.copy() for array in net.state_dict().values()]
    M, V, t = [0 * p for p in P], [0 * p for p in P], 0
    rng = np.random.default_rng(11)
    batch_losses, epoch_losses = [], []
    for _ in range(3):
        order, losses = rng.permutation(23), []
        for start in range(0, 23, 6):
            x, labels = X[order[start : start + 6]], y[order[start : start + 6]]
            h = 1 / (1 + np.exp(-(x @ W1.T + b1)))
            z = h @ W2.T + b2
            p = np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
            losses.append((-np.log(p[np.arange(len(x)), labels]).mean(), len(x)))
            dz = (p - np.eye(3)[labels]) / len(x)
            da = dz @ W2 * h * (1 - h)
            t += 1
            for k, gradient in enumerate([da.T @ x, da.sum(axis=0), dz.T @ h, dz.sum(axis=0)]):
                g = gradient + optimizer.weight_decay * P[k]
                if isinstance(optimizer, mt.SGD):
                    M[k] = optimizer.momentum * M[k] + g
                    step = g + optimizer.momentum * M[k] if optimizer.nesterov else M[k]
                    P[k] -= optimizer.learning_rate * step
                elif isinstance(optimizer, mt.RMSprop):
                    V[k] = optimizer.beta * V[k] + (1 - optimizer.beta) * g**2
                    P[k] -= optimizer.learning_rate * g / (np.sqrt(V[k]) + optimizer.epsilon)
                else:
                    if isinstance(optimizer, mt.AdamW):
                        g = gradient
                        P[k] *= 1 - optimizer.learning_rate * optimizer.weight_decay
                    M[k] = optimizer.beta1 * M[k] + (1 - optimizer.beta1) * g
                    V[k] = optimizer.beta2 * V[k] + (1 - optimizer.beta2) * g**2
                    m, v = M[k] / (1 - optimizer.beta1**t), V[k] / (1 - optimizer.beta2**t)
                    P[k] -= optimizer.learning_rate * m / (np.sqrt(v) + optimizer.epsilon)
        batch_losses += [loss for loss, _ in losses]
        epoch_losses.append(sum(loss * n for loss, n in losses) / 23)

    history = mt.fit(net, X, y, optimizer=optimizer, batch_size=6, epochs=3, seed=11)
    np.testing.assert_allclose(history.batch_loss, batch_losses, rtol=1e-11)
    np.testing.assert_allclose(history.train_loss, epoch_losses, rtol=1e-11)
    for ours, theirs in zip(net.state_dict().values(), P, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-10, atol=1e-11)


# Schedules and early stopping.


@every_tier
def test_a_schedule_sets_the_learning_rate_of_each_epoch_even_when_resumed(tier):
    X, y = samples()
    schedule, kwargs = mt.StepDecay(1, 0.5), {"batch_size": 6, "seed": 4}
    by_hand = mt.two_layer_net(5, 4, 3, tier=tier)
    for rate in (0.4, 0.2, 0.1):
        mt.fit(by_hand, X, y, optimizer=mt.SGD(rate), batch_size=6, shuffle=False)
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    mt.fit(net, X, y, optimizer=mt.SGD(0.4), epochs=3, schedule=schedule, batch_size=6, shuffle=False)
    assert sha256_of_weights(net) == sha256_of_weights(by_hand)

    whole, half = (mt.Trainer(mt.mlp([5, 3]), X, y, epochs=3, schedule=schedule, **kwargs) for _ in range(2))
    for _ in range(6):
        half.step()
    resumed = mt.Trainer(half.net, X, y, epochs=3, schedule=schedule, **kwargs)
    resumed.load_state_dict(half.state_dict())
    for trainer in (whole, resumed):
        while not trainer.finished:
            trainer.step()
    assert sha256_of_weights(whole.net) == sha256_of_weights(resumed.net)
    with pytest.raises(mt.DataError, match="schedule was"):
        mt.Trainer(half.net, X, y, epochs=3, **kwargs).load_state_dict(half.state_dict())


def test_a_learning_rate_that_underflows_leaves_the_weights_unchanged():
    X, y = samples()
    history = mt.fit(mt.mlp([5, 3]), X, y, epochs=400, schedule=mt.StepDecay(1, 0.1))
    assert history.train_loss[-1] == history.train_loss[-2]


def overfitting(**options):
    """Fit thirty samples with random labels, where the validation loss reaches its minimum early."""
    (X, y), validation = samples(30), samples(40, seed=1)
    net = mt.mlp([5, 30, 3], "tanh", seed=3)
    return net, validation, mt.fit(net, X, y, epochs=40, optimizer=mt.SGD(0.5), validation=validation, **options)


def test_training_stops_when_the_validation_loss_has_not_fallen_for_patience_epochs():
    whole, stopped = overfitting()[2], overfitting(patience=3)[2]
    best = int(np.argmin(stopped.validation_loss))
    assert len(stopped.validation_loss) == best + 4 < 40
    assert stopped.validation_loss == whole.validation_loss[: best + 4]


@pytest.mark.parametrize("options", [{}, {"patience": 3}], ids=["to the end", "stopped early"])
def test_the_best_weights_are_kept(options):
    net, validation, history = overfitting(keep_best=True, **options)
    assert min(history.validation_loss) < history.validation_loss[-1]
    assert mt.evaluate(net, *validation)["loss"] == pytest.approx(min(history.validation_loss), rel=1e-12)


def test_the_best_weights_are_kept_when_a_run_is_resumed():
    (X, y), validation = samples(30), samples(40, seed=1)
    options = {"epochs": 40, "optimizer": mt.SGD(0.5), "validation": validation, "keep_best": True}
    half = mt.Trainer(mt.mlp([5, 30, 3], "tanh", seed=3), X, y, **options)
    while half.epoch < 30:
        half.step()
    resumed = mt.Trainer(half.net, X, y, **options)
    resumed.load_state_dict(half.state_dict())
    while not resumed.finished:
        resumed.step()
    assert resumed.best_epoch < 30
    assert sha256_of_weights(resumed.net) == sha256_of_weights(overfitting(keep_best=True)[0])


@pytest.mark.parametrize("options", [{}, {"patience": 30}], ids=["all epochs", "stopped early"])
def test_a_finished_run_that_kept_its_best_resumes_from_its_last_weights(options):
    (X, y), validation = samples(30), samples(40, seed=1)
    options |= {"optimizer": mt.SGD(0.5, momentum=0.5), "validation": validation, "keep_best": True}
    done = mt.Trainer(mt.mlp([5, 30, 3], "tanh", seed=3), X, y, epochs=20, **options)
    done.run()
    assert 0 < done.best_epoch < 20
    begun = mt.Trainer(done.net, X, y, epochs=40, **options)
    begun.load_state_dict(done.state_dict())
    begun.step()  # and is interrupted again
    more = mt.Trainer(begun.net, X, y, epochs=40, **options)
    more.load_state_dict(begun.state_dict())
    whole = mt.Trainer(mt.mlp([5, 30, 3], "tanh", seed=3), X, y, epochs=40, **options)
    for trainer in (more, whole):
        trainer.run()
    assert more.history == whole.history
    assert sha256_of_weights(more.net) == sha256_of_weights(whole.net)


# The order of the samples.


class Recorder(mt.Sigmoid):
    """A layer that returns its input unchanged and records it."""

    seen: list = []  # noqa: RUF012

    def forward(self, tier, x, *parameters):
        self.seen.extend(np.array(x).reshape(-1).tolist())
        return x, (lambda dy: dy,)


def order_seen(tier="tensor", *, n=10, batch_size=3, epochs=3, seed=0, shuffle=True):
    Recorder.seen.clear()
    net = mt.Network([Recorder(), mt.Linear(1, 2)], tier=tier)
    X = np.arange(n)[:, None]
    mt.fit(
        net, X, X[:, 0] % 2, optimizer=mt.SGD(1e-6), batch_size=batch_size, epochs=epochs, seed=seed, shuffle=shuffle
    )
    return np.reshape(Recorder.seen, (epochs, n)).tolist()


@every_tier
@pytest.mark.parametrize("batch_size", [1, 3, 10, 64])
def test_every_epoch_sees_each_sample_once_in_a_new_order(tier, batch_size):
    orders = order_seen(tier, batch_size=batch_size)
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) == 3
    assert orders == order_seen("tensor", batch_size=1)  # the same at every tier and for every batch size
    assert orders != order_seen("tensor", seed=1)


def test_without_shuffling_the_samples_keep_their_order():
    assert order_seen(shuffle=False) == [list(range(10))] * 3


def test_large_sets_are_converted_in_blocks_without_losing_a_sample(monkeypatch):
    whole = order_seen()
    monkeypatch.setattr("micrograd_tiers.batches.BLOCK", 7)
    assert order_seen() == whole


# History, evaluation.


def test_history_has_one_entry_per_epoch_and_per_batch():
    X, y = samples(n=10)
    net = mt.two_layer_net(5, 4, 3)
    start = net.loss_and_grads(X, y)[0]
    history = mt.fit(net, X, y, batch_size=4, epochs=3, validation=(X, y), optimizer=mt.SGD(0.5))
    assert [len(values) for values in vars(history).values()] == [9, 3, 3, 3]
    assert history.train_loss[0] == pytest.approx(np.dot(history.batch_loss[:3], [4, 4, 2]) / 10)
    assert history.validation_loss[-1] == mt.evaluate(net, X, y)["loss"] < start
    assert history.validation_accuracy[-1] == np.mean(net.predict(X) == y)


def test_the_loss_of_a_batch_is_computed_before_its_step():
    X, y = samples()
    net = mt.two_layer_net(5, 4, 3)
    before = net.loss_and_grads(X, y)[0]
    assert mt.fit(net, X, y, batch_size=len(X)).batch_loss == pytest.approx([before], rel=1e-14)


@every_tier
def test_evaluation_changes_nothing(tier):
    X, y = samples()
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    before = net.state_dict()
    assert mt.evaluate(net, X, y) == mt.evaluate(net, X, y)
    assert all(np.array_equal(net.state_dict()[name], before[name]) for name in before)


@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_exact_evaluation_gives_the_same_bits_at_every_tier(loss):
    X, y = samples(n=500)
    targets = np.eye(3)[y] if loss == "mean_squared_error" else y
    nets = [mt.mlp([5, 4, 3], loss=loss, tier=tier, exact=True) for tier in TIERS]
    assert len({mt.evaluate(net, X, targets)["loss"].hex() for net in nets}) == 1
    assert len({net.loss_and_grads(X, targets)[0].hex() for net in nets}) == 1


def test_settings_of_optimizers_may_be_numpy_numbers():
    assert mt.SGD(np.float64(0.1)) == mt.SGD(0.1)
    assert repr(mt.SGD(np.float64(1), momentum=0)) == repr(mt.SGD(1.0))


def test_a_run_with_another_kind_of_generator_can_be_resumed():
    X, y = samples()
    run = mt.Trainer(mt.two_layer_net(5, 4, 3), X, y, seed=np.random.Generator(np.random.MT19937(0)))
    again = mt.Trainer(mt.two_layer_net(5, 4, 3), X, y, seed=np.random.Generator(np.random.MT19937(1)))
    again.load_state_dict(run.state_dict())
    run.step()
    again.step()
    assert sha256_of_weights(run.net) == sha256_of_weights(again.net)


def test_validation_does_not_change_the_training():
    X, y = samples()
    nets = [mt.two_layer_net(5, 4, 3) for _ in range(2)]
    mt.fit(nets[0], X, y, epochs=3)
    mt.fit(nets[1], X, y, epochs=3, validation=samples(seed=5))
    assert sha256_of_weights(nets[0]) == sha256_of_weights(nets[1])


def test_an_optimizer_can_be_used_for_many_runs():
    """The state of a run (velocities, counts) is not stored in the optimizer."""
    X, y = samples()
    for optimizer in OPTIMIZERS:
        nets = [mt.two_layer_net(5, 4, 3) for _ in range(2)]
        for net in nets:
            mt.fit(net, X, y, optimizer=optimizer, epochs=2)
        assert sha256_of_weights(nets[0]) == sha256_of_weights(nets[1])


@every_tier
def test_an_optimizer_takes_the_gradients_that_loss_and_grads_returns(tier):
    X, y = samples()
    nets = [mt.two_layer_net(5, 4, 3, tier=tier, exact=True) for _ in range(2)]
    state = {}
    mt.SGD(0.5, momentum=0.9).step(nets[0], nets[0].loss_and_grads(X, y)[1], state)
    mt.SGD(0.5, momentum=0.9).step(nets[0], nets[0].loss_and_grads(X, y)[1], state)
    mt.fit(nets[1], X, y, optimizer=mt.SGD(0.5, momentum=0.9), batch_size=len(X), epochs=2, shuffle=False)
    assert sha256_of_weights(nets[0]) == sha256_of_weights(nets[1])


def test_a_net_for_regression_is_scored_by_its_loss_only():
    X, _ = samples()
    net = mt.Network([mt.Linear(5, 2)], loss="mean_squared_error")
    true = np.random.default_rng(0).standard_normal((2, 5))
    history = mt.fit(net, X, X @ true.T, epochs=300, batch_size=5, validation=(X, X @ true.T))
    assert history.validation_accuracy == []
    assert mt.evaluate(net, X, X @ true.T).keys() == {"loss"}
    np.testing.assert_allclose(net.state_dict()["0.weight"], true, atol=1e-6)


def test_training_leaves_the_users_arrays_alone():
    X, y = samples()
    state = mt.two_layer_net(5, 4, 3, seed=5).state_dict()
    copies = [X.copy(), y.copy(), *[array.copy() for array in state.values()]]
    for tier in TIERS:
        net = mt.two_layer_net(5, 4, 3, tier=tier)
        net.load_state_dict(state)
        mt.fit(net, X, y, batch_size=4)
    assert all(np.array_equal(a, b) for a, b in zip(copies, [X, y, *state.values()], strict=True))


# Stopping and resuming.


@every_tier
@pytest.mark.parametrize("optimizer", [mt.SGD(0.3, momentum=0.9), mt.Adam(0.01), mt.RMSprop(0.01)], ids=str)
@pytest.mark.parametrize("steps", [0, 1, 4, 5, 8])
def test_a_resumed_run_gives_the_same_bits(tmp_path, tier, optimizer, steps):
    X, y = samples()
    kwargs = {"optimizer": optimizer, "batch_size": 6, "epochs": 3, "validation": (X, y)}  # 4 steps per epoch
    net = mt.two_layer_net(5, 4, 3, tier=tier)
    history = mt.fit(net, X, y, **kwargs, seed=4)

    stopped = mt.Trainer(mt.two_layer_net(5, 4, 3, tier=tier), X, y, **kwargs, seed=4)
    for _ in range(steps):
        stopped.step()
    mt.save(stopped.net, tmp_path / "net.npz", training=stopped.state_dict())
    from micrograd_tiers.checkpoints import load_checkpoint

    saved = load_checkpoint(tmp_path / "net.npz")
    resumed = mt.Trainer(saved.net, X, y, **kwargs, seed=99)  # the order comes from the saved state
    resumed.load_state_dict(saved.training)
    while not resumed.finished:
        resumed.step()
    assert sha256_of_weights(resumed.net) == sha256_of_weights(net)
    assert resumed.history == history


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"batch_size": 7}, "batch_size was 6, now it is 7"),
        ({"optimizer": mt.SGD(0.2)}, r"optimizer was SGD\(learning_rate=0.1"),
        ({"shuffle": False}, "shuffle was True"),
        ({"X": samples(n=22)[0], "y": samples(n=22)[1]}, "n_samples was 23"),
        ({"X": samples(seed=1)[0]}, "the samples are not those of the saved run"),
        ({"validation": samples(seed=2)}, "the samples are not those of the saved run"),
        ({"patience": 3}, "patience was None, now it is 3"),
        ({"keep_best": True}, "keep_best was False, now it is True"),
    ],
)
def test_a_run_is_not_resumed_with_other_data_or_settings(change, message):
    X, y = samples()
    run = {"X": X, "y": y, "batch_size": 6, "validation": samples(seed=1)}
    state = mt.Trainer(mt.two_layer_net(5, 4, 3), **run).state_dict()
    with pytest.raises(mt.DataError, match=message):
        mt.Trainer(mt.two_layer_net(5, 4, 3), **(run | change)).load_state_dict(state)


def test_an_incomplete_training_state_is_refused():
    X, y = samples()
    trainer = mt.Trainer(mt.two_layer_net(5, 4, 3), X, y)
    with pytest.raises(mt.DataError, match="cannot resume"):
        trainer.load_state_dict({})


# Failures.


@every_tier
def test_a_diverged_run_stops_and_says_at_which_step_and_why(tier):
    X, _ = samples()
    net = mt.Network([mt.Linear(5, 2)], loss="mean_squared_error", tier=tier)
    with pytest.raises(mt.DivergedError, match=r"diverged at step \d+ \(epoch \d+\).*learning rate.*here 1e\+06"):
        mt.fit(net, X, X[:, :2], optimizer=mt.SGD(1e6), epochs=200)


def test_validation_notices_a_run_that_diverges_in_its_last_step():
    X, y = samples()
    net = mt.Network([mt.Linear(5, 3)], loss="mean_squared_error")
    Y = np.eye(3)[y]
    with pytest.raises(mt.DivergedError):
        mt.fit(net, X, Y, optimizer=mt.SGD(1e200), batch_size=len(X), validation=(X, Y))


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_features_that_are_not_finite_are_found_before_training(bad):
    X, y = samples()
    X[4, 2] = bad
    with pytest.raises(mt.DataError, match=rf"X holds {bad} \(sample 4, feature 2; 1 of 115 values"):
        mt.fit(mt.two_layer_net(5, 4, 3), X, y)
    with pytest.raises(mt.DataError, match="validation X holds"):
        mt.fit(mt.two_layer_net(5, 4, 3), *samples(), validation=(X, y))


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"batch_size": 0}, "batch_size is 0"),
        ({"batch_size": -3}, "batch_size is -3"),
        ({"batch_size": 1.5}, "batch_size is 1.5"),
        ({"epochs": 0}, "epochs is 0"),
    ],
)
def test_impossible_settings_are_refused(kwargs, message):
    with pytest.raises(ValueError, match=message):
        mt.fit(mt.two_layer_net(5, 4, 3), *samples(), **kwargs)


def test_a_batch_larger_than_the_set_is_one_short_batch():
    X, y = samples()
    assert len(mt.fit(mt.two_layer_net(5, 4, 3), X, y, batch_size=1000, epochs=2).batch_loss) == 2


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: mt.SGD(0), "learning_rate is 0"),
        (lambda: mt.SGD(-0.1), "learning_rate is -0.1"),
        (lambda: mt.SGD(math.nan), "learning_rate is nan"),
        (lambda: mt.SGD(math.inf), "learning_rate is inf"),
        (lambda: mt.SGD("0.1"), "learning_rate is '0.1'"),
        (lambda: mt.SGD(True), "learning_rate is True"),
        (lambda: mt.SGD(0.1, momentum=1), "momentum is 1.*below 1"),
        (lambda: mt.SGD(0.1, nesterov=True), "nesterov needs a momentum"),
        (lambda: mt.RMSprop(beta=1), "RMSprop: beta is 1"),
        (lambda: mt.AdamW(weight_decay=-1), "AdamW: weight_decay is -1"),
        (lambda: mt.StepDecay(0), "StepDecay: every is 0"),
        (lambda: mt.StepDecay(1, 1.5), "StepDecay: by is 1.5"),
        (lambda: mt.CosineAnnealing(5, floor=0), "CosineAnnealing: floor is 0"),
        (lambda: mt.fit(mt.mlp([5, 3]), *samples(), patience=0, validation=samples()), "patience is 0"),
        (lambda: mt.fit(mt.mlp([5, 3]), *samples(), keep_best=True), "give a validation set"),
        (lambda: mt.fit(mt.mlp([5, 3]), *samples(), schedule=0.5), "schedule is 0.5, expected a Schedule"),
        (lambda: mt.SGD(0.1, weight_decay=-1), "weight_decay is -1"),
        (lambda: mt.Adam(0.1, beta2=1.0), "beta2 is 1.0"),
        (lambda: mt.Adam(0.1, epsilon=0), "epsilon is 0"),
    ],
)
def test_impossible_optimizers_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_the_progress_bar_shows_loss_and_speed(capsys):
    pytest.importorskip("tqdm")
    X, y = samples()
    plain, with_bar = mt.two_layer_net(5, 4, 3), mt.two_layer_net(5, 4, 3)
    mt.fit(plain, X, y, batch_size=1, epochs=3)
    mt.fit(with_bar, X, y, batch_size=1, epochs=3, progress=True)
    assert sha256_of_weights(plain) == sha256_of_weights(with_bar)
    shown = capsys.readouterr().err
    assert "69.0/69.0" in shown
    assert "samples/s" in shown


# Metrics.


def test_accuracy_and_confusion_matrix_of_known_answers():
    predicted, y = [0, 1, 2, 2, 1], [0, 1, 1, 2, 0]
    assert mt.accuracy(predicted, y) == 0.6
    assert mt.confusion_matrix(predicted, y, 3).tolist() == [[1, 1, 0], [0, 1, 1], [0, 0, 1]]


def test_the_first_of_two_equal_outputs_is_predicted():
    net = mt.Network([mt.Linear(2, 3)], init="zeros")
    assert net.predict([[1.0, 2.0]]).tolist() == [0]


@pytest.mark.parametrize(("predicted", "y"), [([0], [0, 1]), ([], []), ([[0, 1]], [[0, 1]])])
def test_metrics_need_two_lists_of_the_same_length(predicted, y):
    with pytest.raises(ValueError, match="expected two non-empty arrays"):
        mt.accuracy(predicted, y)


@pytest.mark.parametrize("dtype", ["float64", "float32", "int8", "uint64", "bool"])
def test_confusion_matrix_takes_whole_numbers_of_any_type(dtype):
    predicted, y = np.array([0, 1, 1]), np.array([0, 0, 1])
    expected = [[1, 1], [0, 1]]
    assert mt.confusion_matrix(predicted.astype(dtype), y, 2).tolist() == expected
    assert mt.confusion_matrix(predicted, y.astype(dtype), 2).tolist() == expected


@pytest.mark.parametrize("labels", [["cat", "dog"], [0.5, 1.0], [np.nan, 1.0], [None, 1], [0j, 1j]], ids=str)
def test_confusion_matrix_names_labels_that_are_no_class_numbers(labels):
    with pytest.raises(ValueError, match=r"y holds .*, expected whole numbers from 0 to 1"):
        mt.confusion_matrix([0, 1], labels, 2)
    with pytest.raises(ValueError, match=r"predicted holds .*, expected whole numbers from 0 to 1"):
        mt.confusion_matrix(labels, [0, 1], 2)


@pytest.mark.parametrize("n_classes", [0, -1, 2.5, "2"])
def test_confusion_matrix_needs_a_number_of_classes(n_classes):
    with pytest.raises(ValueError, match="n_classes"):
        mt.confusion_matrix([0], [0], n_classes)


def test_confusion_matrix_needs_labels_in_range():
    with pytest.raises(ValueError, match="got labels from 0 to 2, expected 0 to 1"):
        mt.confusion_matrix([0, 2], [0, 1], 2)


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("optimizer", "factor"),
    [(mt.SGD(0.1), -0.1), (mt.SGD(0.1, momentum=0.9), 1), (mt.SGD(0.1, weight_decay=0.01), 1), (mt.Adam(0.1), 1)],
    ids=["sgd", "momentum", "decay", "adam"],
)
def test_gradients_multiplied_by_gradient_factor_give_the_same_step(tier, optimizer, factor):
    assert optimizer.gradient_factor == factor
    nets = [mt.two_layer_net(4, 3, 2, tier=tier) for _ in range(2)]
    rng = np.random.default_rng(0)
    x, y = nets[0].tier.asarray(rng.random((5, 4))), nets[0].tier.asarray([0, 1, 1, 0, 1], "int64")
    states = {}, {}
    for _ in range(3):
        _, grads, _ = nets[0].backprop(x, (y,))
        optimizer.step(nets[0], {name: gradient.value() for name, gradient in grads.items()}, states[0])
        _, grads, _ = nets[1].backprop(x, (y,), factor)
        optimizer.apply(nets[1], grads, states[1])
    plain, multiplied = (net.state_dict() for net in nets)
    for name, weights in plain.items():
        np.testing.assert_allclose(multiplied[name], weights, rtol=0, atol=1e-15)


def test_an_optimizer_with_state_outside_its_slots_is_not_saved():
    @dataclass(frozen=True)
    class Counting(mt.SGD):
        def update(self, tier, gradient, parameter, memory):
            memory["steps"] = memory.get("steps", 0) + 1
            return super().update(tier, gradient, parameter, {})

    trainer = mt.Trainer(mt.two_layer_net(2, 3, 2), [[1.0, 2.0]], [0], optimizer=Counting(0.1), epochs=2)
    trainer.step()
    with pytest.raises(ValueError, match=r"Counting.* stores steps, but its slots are .*: add steps to slots"):
        trainer.state_dict()


def test_a_file_that_lacks_one_of_the_optimizers_arrays_is_refused():
    def trainer():
        net = mt.two_layer_net(2, 3, 2)
        return mt.Trainer(net, [[1.0, 2.0], [0.0, 1.0]], [0, 1], optimizer=mt.Adam(0.1), batch_size=1, epochs=2)

    first = trainer()
    first.step()
    state = first.state_dict()
    del state["optimizer.square.0.bias"]
    with pytest.raises(mt.DataError, match=r"optimizer.square.0.bias is missing"):
        trainer().load_state_dict(state)


@pytest.mark.parametrize("n", [100, 101, 96])
@pytest.mark.parametrize("batch_size", [1, 7, 32])
def test_batches_gathered_in_blocks_are_those_of_the_order(n, batch_size, monkeypatch):
    X, y = np.arange(3.0 * n).reshape(n, 3), np.arange(n) % 2
    net = mt.Network([mt.Linear(3, 2)])
    order = np.random.default_rng(0).permutation(n)
    batches = Batches(net, X, net.check_targets(y, n), batch_size)
    for block in (1, 50, 200, 10**6):
        monkeypatch.setattr("micrograd_tiers.batches.BLOCK", block)
        batches.reorder(order)
        for start in range(0, n, batch_size):
            x, (labels,), _ = batches.at(start)
            chosen = order[start : start + batch_size]
            np.testing.assert_array_equal(x, X[chosen])
            np.testing.assert_array_equal(labels, y[chosen])


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("shape", [(2, 2), (2, 4), (1, 3), (3, 3), (6,)])
def test_a_gradient_of_another_shape_changes_nothing(tier, shape):
    net = mt.mlp([3, 2], tier=tier)
    before = net.state_dict()
    with pytest.raises(ValueError, match=r"the gradient of 0.weight has shape .*, expected \(2, 3\)"):
        mt.SGD(0.1).step(net, {"0.weight": np.ones(shape)}, {})
    assert np.array_equal(net.state_dict()["0.weight"], before["0.weight"])


def test_a_vjp_of_another_shape_is_found_before_the_first_step_changes_a_weight():
    def linear(x, weight, bias):
        y, (dx, dweight, dbias) = scalar.linear(x, weight, bias)
        return y, (dx, lambda dy: [row[:-1] for row in dweight(dy)], dbias)

    tier = SimpleNamespace(**{name: getattr(scalar, name) for name in (*CORE, *SUPPORT)} | {"linear": linear})
    net = mt.mlp([3, 2], tier=tier)
    before = net.state_dict()
    with pytest.raises(ValueError, match=r"the gradient of 0.weight has shape \(2, 2\), expected \(2, 3\)"):
        mt.fit(net, np.ones((4, 3)), [0, 1, 0, 1])
    assert all(np.array_equal(before[name], weights) for name, weights in net.state_dict().items())
