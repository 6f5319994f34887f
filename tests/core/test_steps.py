"""Runs of so many steps, rates that fall step by step, and initial weights of a given deviation."""

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.initializers import Normal, get_initializer

X, Y = np.random.default_rng(0).standard_normal((23, 2)), np.arange(23) % 2  # 5 mini-batches of 5, the last one of 3


def trainer(**options):
    return mt.Trainer(mt.mlp([2, 4, 2], dropout=0.2), X, Y, batch_size=5, **options)


@pytest.mark.parametrize("steps", [1, 4, 5, 7, 15])
def test_a_run_takes_so_many_steps(steps):
    run = trainer(steps=steps, validation=(X, Y))
    assert (run.n_steps, run.epochs) == (steps, -(-steps // 5))
    assert run.samples_planned == steps // 5 * 23 + steps % 5 * 5
    run.run()
    assert run.finished
    assert len(run.history.batch_loss) == steps
    assert len(run.history.train_loss) == len(run.history.validation_loss) == steps // 5
    assert run.samples_seen == run.samples_planned


def test_a_run_of_steps_is_the_beginning_of_a_run_of_epochs():
    long, short = trainer(epochs=3), trainer(steps=8)
    long.run()
    short.run()
    assert long.history.batch_loss[:8] == short.history.batch_loss
    whole = trainer(steps=15)
    whole.run()
    assert long.history == whole.history
    assert all(np.array_equal(w, whole.net.state_dict()[name]) for name, w in long.net.state_dict().items())


def test_a_run_of_steps_can_be_resumed():
    options = {"steps": 12, "optimizer": mt.Adam(0.01), "schedule": "linear"}
    whole, first, second = (trainer(**options) for _ in range(3))
    whole.run()
    for _ in range(7):
        first.step()
    second.load_state_dict(first.state_dict())
    second.net.load_state_dict(first.net.state_dict())
    second.run()
    assert second.history == whole.history
    assert all(np.array_equal(w, second.net.state_dict()[name]) for name, w in whole.net.state_dict().items())


def test_the_length_of_a_run_is_given_once():
    with pytest.raises(ValueError, match="epochs is 2 and steps is 3, expected one of them"):
        trainer(epochs=2, steps=3)
    with pytest.raises(ValueError, match="steps is 0, expected"):
        trainer(steps=0)
    assert mt.fit(mt.mlp([2, 2]), X, Y).train_loss[1:] == []  # one epoch by default
    assert repr(trainer(steps=7)).startswith("<Trainer: 0 of 7 steps; 5 mini-batches")
    assert repr(trainer(steps=10)).startswith("<Trainer: 0 of 2 epochs; 5 mini-batches")


def test_weights_that_are_not_finite_are_reported_at_the_end_of_a_cut_epoch():
    net = mt.mlp([2, 2])
    with pytest.raises(mt.DivergedError, match="a weight is NaN or infinite"):
        mt.fit(net, 1e10 * X, Y, batch_size=5, steps=1, optimizer=mt.SGD(1.7e308))


def rates(schedule, **options):
    """Return the learning rate of each step."""
    found = []

    class Recorded(mt.SGD):
        def apply(self, net, gradients, state):
            found.append(self.learning_rate)
            super().apply(net, gradients, state)

    trainer(optimizer=Recorded(0.5), schedule=schedule, **options).run()
    return found


def test_linear_decay_falls_from_step_to_step():
    expected = [0.5 * (1 - k / 12) for k in range(12)]
    assert rates(mt.LinearDecay(12), steps=12) == expected
    assert rates("linear", steps=12) == expected
    assert rates("linear", epochs=2) == [0.5 * (1 - k / 10) for k in range(10)]
    assert rates(mt.LinearDecay(4), steps=6)[:4] == [0.5 * (1 - k / 4) for k in range(4)]
    assert max(rates(mt.LinearDecay(4), steps=6)[4:]) < 1e-300
    assert rates("step:1,0.5", steps=7) == [0.5] * 5 + [0.25] * 2  # schedules of epochs keep their rate within one


@pytest.mark.parametrize(("name", "deviation"), [("normal", 0.08), ("normal:0.02", 0.02), (Normal(0.3), 0.3)])
def test_normal_weights_have_the_deviation_that_was_asked_for(name, deviation):
    weight = mt.mlp([200, 100], init=name).state_dict()["0.weight"]
    assert abs(weight.std() / deviation - 1) < 0.03
    assert abs(weight.mean()) < deviation / 30


@pytest.mark.parametrize("name", ["normal:", "normal:x", "normal:-1", "normal:nan", "normal:inf"])
def test_a_bad_deviation_is_named(name):
    with pytest.raises(ValueError, match=f"init is '{name}', expected a deviation of at least 0"):
        get_initializer(name)
