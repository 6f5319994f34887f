"""Runs that cannot be resumed: whatever part of a saved training state is wrong, the file is named and refused."""

import copy
import json

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.run import Run, load_test_set

RECIPE = mt.Recipe(
    data="xor", n_train=60, n_test=10, hidden=(3,), validation=12, keep_best=True, batch_size=20, epochs=3,
    learning_rate=3.0, momentum=0.9,
)  # fmt: skip
ADAM = mt.Recipe(
    data="xor", n_train=60, n_test=10, hidden=(3,), layers="", optimizer="adam", dropout=0.1, batch_size=20, epochs=2
)
DAMAGE = {
    "missing": None,
    "a number": np.array(1.0),
    "a structured array": np.zeros(3, [("a", "f8"), ("b", "i4")]),
    "text": np.array("x"),
    "another shape": np.zeros((7, 3, 2)),
    "empty": np.zeros(0),
    "complex": np.zeros(2) + 1j,
    "whole numbers": np.zeros((3, 2), int),
}
JSON_VALUES = [None, "x", -1, 1.5, float("nan"), [], {"a": 1}]


@pytest.fixture(scope="module", params=[RECIPE, ADAM], ids=["momentum", "adam"])
def saved(request, tmp_path_factory):
    """The arrays of a saved run, by name."""
    path = tmp_path_factory.mktemp("run") / "net.npz"
    run = Run.start(request.param)
    run.train(path)
    with np.load(path) as file:
        return dict(file)


def assert_refused(path, arrays, what):
    np.savez(path, **arrays)
    try:
        Run.resume(path, epochs=5)
    except mt.DataError as error:
        message = str(error)
        assert "net.npz: " in message, what
        assert len(message.splitlines()) == 1, what
        assert len(message) < 700, what
    else:
        pytest.fail(f"resumed with {what}")


def test_the_intact_file_is_resumed(saved, tmp_path):
    np.savez(tmp_path / "net.npz", **saved)
    run = Run.resume(tmp_path / "net.npz", epochs=5)
    assert run.trainer.epoch in (2, 3)


@pytest.mark.parametrize("damage", DAMAGE)
def test_each_array_of_the_state_is_checked(saved, tmp_path, damage):
    harmless = {"empty": {"training.history.validation_accuracy"}}
    for name in saved:
        if name in harmless.get(damage, ()) or (damage == "empty" and not saved[name].size):
            continue
        if saved[name].shape == (3, 2) and damage == "whole numbers" and not name.startswith("training"):
            continue  # weights may be whole numbers
        arrays = saved | {name: DAMAGE[damage]}
        if damage == "missing":
            del arrays[name]
        assert_refused(tmp_path / "net.npz", arrays, f"{name}: {damage}")


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_each_number_of_the_state_must_be_finite(saved, tmp_path, value):
    for name, array in saved.items():
        if array.dtype.kind == "f" and array.size:
            spoiled = array.copy()
            spoiled.flat[-1] = value
            assert_refused(tmp_path / "net.npz", saved | {name: spoiled}, f"{name}[-1] = {value}")


def test_a_history_has_one_loss_for_each_step_and_epoch(saved, tmp_path):
    for name in ("batch_loss", "train_loss", "validation_loss", "validation_accuracy"):
        key = f"training.history.{name}"
        for n in {1, len(saved[key]) + 1} - {len(saved[key])}:
            assert_refused(tmp_path / "net.npz", saved | {key: np.ones(n)}, f"{key} of {n}")


def nodes(content, path=()):
    """Yield the path of each place in a JSON document, except those inside long lists."""
    if path:
        yield path
    if isinstance(content, dict) or (isinstance(content, list) and len(content) < 4):
        for key in content if isinstance(content, dict) else range(len(content)):
            yield from nodes(content[key], (*path, key))


def changed(content, path, value):
    content = copy.deepcopy(content)
    place = content
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return content


# What these hold does not matter to a run, or other values are as good.
FREE = {
    "loss_sum": (-1, 1.5),
    "mask_seed": (None, -1, "x", 1.5, [], {"a": 1}),
    "parts": ([],),
    "optimizer_counts": ({"a": 1}, []),
    "patience": (None,),
    "state": (1.5,),
    "inc": (1.5,),
    "has_uint32": (-1, 1.5),
    "uinteger": (1.5,),
}


def test_each_value_of_the_state_is_checked(saved, tmp_path):
    state = json.loads(str(saved["training.state"]))
    for path in nodes(state):
        for value in JSON_VALUES:
            if any(value is free or value == free for free in FREE.get(path[-1], ())):
                continue
            text = np.array(json.dumps(changed(state, path, value)))
            assert_refused(tmp_path / "net.npz", saved | {"training.state": text}, f"{path} = {value}")


def test_settings_that_make_no_sense_are_refused_for_resuming_and_testing(saved, tmp_path):
    header = json.loads(str(saved["header"]))
    path = tmp_path / "net.npz"
    for name, value in {
        "data": "x", "n_test": -1, "seed": -1, "epochs": 0, "batch_size": -1, "momentum": 2.0, "dropout": -1.0,
        "schedule": "x", "optimizer": 3, "activation": "x", "hidden": [0],
    }.items():  # fmt: skip
        damaged = changed(header, ("info", "settings", name), value)
        arrays = saved | {"header": np.array(json.dumps(damaged))}
        assert_refused(path, arrays, f"{name} = {value}")
        with pytest.raises(mt.DataError, match=rf"net\.npz: the settings of its training run are damaged \(.*{name}"):
            load_test_set(str(path), load_checkpoint(path), None, None, n_test=None, seed=None)


@pytest.mark.parametrize("name", ["mean", "std"])
def test_a_scale_that_makes_no_sense_is_refused_for_testing(saved, tmp_path, name):
    header = json.loads(str(saved["header"]))
    path = tmp_path / "net.npz"
    for value in ["x", 1.5, [], [1.0], [1.0, None], [1.0, float("nan")], [[1.0, 2.0]], {"a": 1}]:
        damaged = changed(header, ("info", name), value)
        np.savez(path, **saved | {"header": np.array(json.dumps(damaged))})
        with pytest.raises(mt.DataError, match=r"net\.npz: the scale of its features is damaged \("):
            load_test_set(str(path), load_checkpoint(path), None, None, n_test=None, seed=None)


def test_a_scale_without_its_deviations_is_refused_for_testing(saved, tmp_path):
    header = json.loads(str(saved["header"]))
    del header["info"]["std"]
    np.savez(path := tmp_path / "net.npz", **saved | {"header": np.array(json.dumps(header))})
    with pytest.raises(mt.DataError, match=r"the scale of its features is damaged \(std is missing\)"):
        load_test_set(str(path), load_checkpoint(path), None, None, n_test=None, seed=None)


def test_a_file_without_a_list_of_its_parts_is_resumed(saved, tmp_path):
    """Earlier versions did not write the list."""
    state = json.loads(str(saved["training.state"]))
    del state["parts"]
    np.savez(tmp_path / "net.npz", **saved | {"training.state": np.array(json.dumps(state))})
    assert Run.resume(tmp_path / "net.npz", epochs=5).trainer.epoch
