"""Runs: a run that is stopped, saved and resumed gives the same bits as an uninterrupted one."""

from dataclasses import replace

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.recipe import Recipe
from micrograd_tiers.run import Run, confusion_of, load_test_set

MOONS = Recipe(data="moons", n_train=60, n_test=20, hidden=(4,), batch_size=7, epochs=3)
KINDS = {
    "plain": MOONS,
    "momentum": replace(MOONS, momentum=0.9, nesterov=True, schedule="step:2,0.5", tier="vector"),
    "adam": replace(MOONS, optimizer="adamw", dtype="float32", dropout=0.5, layers=""),
    "patient": replace(MOONS, validation=20, patience=2, keep_best=True, tier="scalar", exact=True),
    "linear": replace(MOONS, schedule="linear", init="normal:0.5", activation="squared_relu"),
    "gpt": Recipe(net="gpt", n_train=12, n_test=4, steps=15, validation=4),
    "words": replace(MOONS, hidden=(300,), layers="linear:5 batchnorm tanh", label_smoothing=0.1, no_shuffle=True),
}


@pytest.mark.parametrize("recipe", KINDS.values(), ids=KINDS)
def test_a_run_resumed_within_an_epoch_gives_the_same_bits(recipe, tmp_path):
    whole, half = Run.start(recipe), Run.start(recipe)
    whole.trainer.run()
    for _ in range(7):
        half.trainer.step()
    half.save(tmp_path / "half.npz")
    resumed = Run.resume(tmp_path / "half.npz")
    resumed.trainer.run()
    for name, weights in whole.net.state_dict().items():
        assert np.array_equal(resumed.net.state_dict()[name], weights), name
    assert resumed.trainer.history == whole.trainer.history
    assert resumed.test().loss == whole.test().loss


def test_a_run_can_be_resumed_for_more_epochs(tmp_path):
    run = Run.start(MOONS)
    run.train(tmp_path / "run.npz")
    longer, whole = Run.resume(tmp_path / "run.npz", epochs=5), Run.start(replace(MOONS, epochs=5))
    assert not longer.trainer.finished
    longer.trainer.run()
    whole.trainer.run()
    assert longer.trainer.history == whole.trainer.history
    assert longer.recipe == replace(whole.recipe, learning_rate=0.1, weight_decay=0.0)


@pytest.mark.parametrize("schedule", ["cosine", "linear"])
def test_a_rate_that_falls_over_all_epochs_fixes_their_number(schedule, tmp_path):
    run = Run.start(replace(MOONS, schedule=schedule))
    run.save(tmp_path / "run.npz")
    assert Run.resume(tmp_path / "run.npz", epochs=3).recipe.schedule == schedule
    with pytest.raises(mt.DataError, match=rf"falls over 3 epochs \(--schedule {schedule}\)\. Omit --epochs"):
        Run.resume(tmp_path / "run.npz", epochs=4)


def test_a_rate_that_falls_over_all_steps_fixes_their_number(tmp_path):
    Run.start(KINDS["gpt"]).save(tmp_path / "run.npz")
    for name in ("steps", "epochs"):
        with pytest.raises(mt.DataError, match=rf"falls over 15 steps \(--schedule linear\)\. Omit --{name}"):
            Run.resume(tmp_path / "run.npz", **{name: 4})
    Run.start(replace(KINDS["gpt"], schedule="constant")).save(tmp_path / "run.npz")
    assert Run.resume(tmp_path / "run.npz", steps=20).trainer.n_steps == 20


def test_a_run_of_documents_saves_its_tokenizer_and_its_scores_are_those_of_the_data(tmp_path):
    run = Run.start(KINDS["gpt"])
    run.train(tmp_path / "run.npz")
    saved = load_checkpoint(tmp_path / "run.npz")
    assert saved.tokenizer == run.data.tokenizer
    data = load_test_set("run.npz", saved, None, None, n_test=None, seed=None)
    assert data.test_documents == run.data.test_documents
    expected = mt.evaluate(run.net, data.test_x, data.test_y)
    assert {"loss": run.test().loss, "accuracy": run.test().accuracy} == expected
    counts = confusion_of(run.test(), data)
    assert counts.sum() == (data.test_y >= 0).sum()
    assert counts.trace() / counts.sum() == expected["accuracy"]


def test_a_net_of_documents_is_not_tested_on_other_data(tmp_path):
    (tmp_path / "codes.txt").write_text("ab12\n21\n1\n")
    Run.start(replace(KINDS["gpt"], text=str(tmp_path / "codes.txt"), n_train=2, n_test=1, validation=0)).save(
        tmp_path / "codes.npz"
    )
    saved = load_checkpoint(tmp_path / "codes.npz")
    for name, words in (("names", "knows other characters than names has"), ("moons", "a GPT reads documents")):
        with pytest.raises(ValueError, match=words):
            load_test_set("codes.npz", saved, name, None, n_test=None, seed=None)
    assert load_test_set("codes.npz", saved, None, None, n_test=None, seed=None).name == "codes.txt"


def test_an_interrupted_run_is_saved_where_it_stopped(tmp_path):
    run, losses, epochs = Run.start(MOONS), [], []
    steps = run.trainer.steps_per_epoch + 2
    run.train(
        tmp_path / "run.npz",
        on_step=losses.append,
        on_epoch=lambda: epochs.append(run.trainer.epoch),
        interrupted=lambda: len(losses) == steps,
    )
    assert (len(losses), epochs) == (steps, [1])
    resumed = Run.resume(tmp_path / "run.npz")
    assert (resumed.trainer.epoch, resumed.trainer.position) == (1, 14)
    assert resumed.trainer.history.batch_loss == losses


def test_the_test_set_is_standardized_as_in_training(tmp_path):
    run = Run.start(MOONS)
    run.save(tmp_path / "run.npz")
    data = load_test_set("run.npz", load_checkpoint(tmp_path / "run.npz"), None, None, n_test=None, seed=None)
    assert np.array_equal(data.test_x, run.data.test_x)
    assert np.array_equal(data.test_y, run.data.test_y)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"learning_rate": 0.5}, r"cannot resume with another --learning-rate: it was 0\.1, now it is 0\.5"),
        ({"hidden": (5, 6)}, "another --hidden: it was 4, now it is 5 6"),
        ({"tier": "scalar"}, "another --tier"),
    ],
)
def test_a_run_is_not_resumed_with_other_settings(changes, words, tmp_path):
    Run.start(MOONS).save(tmp_path / "run.npz")
    with pytest.raises(mt.DataError, match=words):
        Run.resume(tmp_path / "run.npz", **changes)


def test_a_net_without_a_run_is_not_resumed(tmp_path):
    mt.save(mt.two_layer_net(2, 3, 2), tmp_path / "net.npz")
    with pytest.raises(mt.DataError, match="holds a net, but no training run"):
        Run.resume(tmp_path / "net.npz")


@pytest.mark.parametrize("part", ["loss_sum", "rng_state", "optimizer_counts", "run"])
def test_a_state_that_lacks_a_part_leaves_the_trainer_unchanged(part, tmp_path):
    run = Run.start(KINDS["momentum"])
    run.trainer.step()
    arrays = run.trainer.state_dict()
    arrays["state"] = np.array(str(arrays["state"]).replace(f'"{part}"', '"other"'))
    before = run.trainer.state
    with pytest.raises(mt.DataError, match=rf"the saved training state is damaged or incomplete \({part} is missing\)"):
        run.trainer.load_state_dict(arrays)
    assert run.trainer.state is before


@pytest.mark.parametrize("name", ["state", "history.batch_loss"])
def test_an_array_that_a_checkpoint_lacks_is_named(name):
    run = Run.start(KINDS["momentum"])
    run.trainer.step()
    arrays = run.trainer.state_dict()
    del arrays[name]
    with pytest.raises(mt.DataError, match=rf"damaged or incomplete \({name} is missing\)"):
        run.trainer.load_state_dict(arrays)


def test_a_misspelled_schedule_is_found_before_the_data_are_loaded(monkeypatch):
    monkeypatch.setattr("micrograd_tiers.building.load_dataset", lambda *args, **options: pytest.fail("loaded"))
    with pytest.raises(ValueError, match="unknown schedule 'cosinus'"):
        Run.start(replace(MOONS, schedule="cosinus"))


def test_the_test_set_is_drawn_with_the_seed_of_the_run_unless_another_is_given(tmp_path):
    path = tmp_path / "net.npz"
    run = Run.start(Recipe(data="blobs", n_train=40, n_test=30, hidden=(3,), epochs=1, seed=5, no_standardize=True))
    run.train(path)
    saved = load_checkpoint(path)
    for given, seed in ((None, 5), (0, 0), (7, 7)):
        test_set = load_test_set(path, saved, None, None, n_test=None, seed=given)
        expected = mt.load_dataset("blobs", n_train=40, n_test=30, seed=seed)
        np.testing.assert_array_equal(test_set.test_x, expected.test_x)
        np.testing.assert_array_equal(test_set.test_y, expected.test_y)
