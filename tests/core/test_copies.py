"""Copies and pickles of nets, trainers, histories and runs: they go on as the original does, and share nothing."""

import copy
import multiprocessing
import pickle
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS, get_tier

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((11, 5)), rng.integers(0, 3, 11)
OWN = "from micrograd_tiers.tiers.vector import *\n\n\ndef relu(x):\n    return 2 * x, (lambda dy: 2 * dy,)\n"
COPY = f"from micrograd_tiers.tiers.vector import dropout\n{Path(mt.tiers.vector.__file__).read_text()}"


def file_with(folder, text):
    path = folder / "my_tier.py"
    path.write_text(text)
    return path


def module(folder, monkeypatch):
    file_with(folder, OWN).rename(folder / "my_module.py")
    monkeypatch.syspath_prepend(folder)
    monkeypatch.delitem(sys.modules, "my_module", raising=False)
    return "my_module"


def relative_path(folder, monkeypatch):
    monkeypatch.chdir(folder)
    return file_with(folder, OWN).name


def entry_point(folder, monkeypatch):
    point = EntryPoint("mine", module(folder, monkeypatch), "micrograd_tiers.tiers")
    monkeypatch.setattr("importlib.metadata.entry_points", lambda **query: [point])
    return "mine"


OWN_TIERS = {
    "file": lambda folder, monkeypatch: str(file_with(folder, OWN)),
    "relative path": relative_path,
    "copy of a file": lambda folder, monkeypatch: str(file_with(folder, COPY)),
    "loaded file": lambda folder, monkeypatch: get_tier(str(file_with(folder, OWN))),
    "module": module,
    "entry point": entry_point,
}
BUILT_IN = {f"{tier}{' exact' * exact}": (tier, exact) for tier in TIERS for exact in (False, True)}
WAYS = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda thing: pickle.loads(pickle.dumps(thing))}
every_way = pytest.mark.parametrize("duplicate", WAYS.values(), ids=WAYS)


@pytest.fixture(params=[*BUILT_IN, *OWN_TIERS])
def net(request, tmp_path, monkeypatch):
    """A net with dropout and a frozen layer, at every tier."""
    tier, exact = BUILT_IN.get(request.param) or (OWN_TIERS[request.param](tmp_path, monkeypatch), False)
    layers = [mt.Linear(5, 4), mt.Dropout(0.3), mt.ReLU(), mt.Linear(4, 4), mt.Linear(4, 3)]
    net = mt.Network(layers, tier=tier, exact=exact, seed=1)
    net.freeze(3)
    return net


def bits(net):
    return [(name, array.tobytes()) for name, array in net.state_dict().items()]


def trainer_of(net):
    options = {"optimizer": mt.Adam(0.01), "batch_size": 4, "epochs": 3, "validation": (X, Y), "keep_best": True}
    trainer = mt.Trainer(net, X, Y, **options)
    for _ in range(4):  # one in the second epoch
        trainer.step()
    return trainer


@every_way
def test_a_copy_of_a_net_predicts_alike_and_learns_alone(net, duplicate):
    before = bits(net)
    twin = duplicate(net)
    assert np.array_equal(twin.forward(X), net.forward(X))
    assert (repr(twin), twin.frozen, twin.tier) == (repr(net), net.frozen, net.tier)
    mt.fit(twin, X, Y)
    twin.unfreeze()
    assert bits(twin) != before
    assert (bits(net), net.frozen) == (before, {3})


@every_way
def test_a_copy_of_a_trainer_goes_on_alike_and_alone(net, duplicate):
    trainer = trainer_of(net)
    before, history = bits(net), copy.deepcopy(trainer.history)
    twin = duplicate(trainer)
    twin.run()
    assert (bits(net), trainer.history, trainer.position) == (before, history, 4)
    assert all(array.any() for array in trainer.state.best_weights.values() if array.size > 4)
    trainer.run()
    assert (bits(twin.net), twin.history) == (bits(net), trainer.history)


@every_way
def test_a_copy_of_a_history_has_lists_of_its_own(duplicate):
    history = trainer_of(mt.mlp([5, 3])).history
    twin = duplicate(history)
    assert twin == history
    for values in vars(twin).values():
        values.append(0.0)
    assert all(
        len(ours) == len(theirs) - 1 for ours, theirs in zip(vars(history).values(), vars(twin).values(), strict=True)
    )


@every_way
def test_a_copy_of_a_training_state_has_memory_of_its_own(duplicate):
    state = trainer_of(mt.mlp([5, 3])).state
    twin = duplicate(state)
    twin.memory["0.weight"]["mean"] += 1
    twin.best_weights["0.weight"] += 1
    assert not (twin.memory["0.weight"]["mean"] == state.memory["0.weight"]["mean"]).any()
    assert not (twin.best_weights["0.weight"] == state.best_weights["0.weight"]).any()


@every_way
def test_a_copy_of_a_run_trains_alone(duplicate):
    run = mt.Run.start(mt.Recipe(data="moons", n_train=20, n_test=5, hidden=(3,), epochs=1))
    before = bits(run.net)
    twin = duplicate(run)
    twin.trainer.run()
    assert (bits(run.net), run.trainer.position) == (before, 0)
    run.trainer.run()
    assert bits(twin.net) == bits(run.net)


@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_another_process_predicts_with_a_tier_from_a_file(method, tmp_path, monkeypatch):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("not on this system")
    if method == "fork" and "jax" in sys.modules:
        pytest.skip("another test has loaded JAX, which forbids it")
    net = mt.mlp([5, 4, 3], "relu", tier=relative_path(tmp_path, monkeypatch))
    monkeypatch.chdir("/")  # the path is known from there, too
    with multiprocessing.get_context(method).Pool(1) as pool:
        (predicted,) = pool.map_async(net.predict, [X]).get(60)
    assert np.array_equal(predicted, net.predict(X))


def test_two_tier_files_of_one_name_stay_apart(tmp_path):
    nets = []
    for folder, text in (("a", OWN), ("b", OWN.replace("2 *", "3 *"))):
        (tmp_path / folder).mkdir()
        nets.append(mt.mlp([5, 4, 3], "relu", tier=str(file_with(tmp_path / folder, text))))
    for net in nets:
        assert np.array_equal(pickle.loads(pickle.dumps(net)).forward(X), net.forward(X))
    assert not np.array_equal(nets[0].forward(X), nets[1].forward(X))


def test_a_pickle_whose_tier_file_is_gone_says_so(tmp_path):
    path = file_with(tmp_path, OWN)
    pickled = pickle.dumps(mt.mlp([5, 4, 3], "relu", tier=str(path)))
    path.unlink()
    del sys.modules["tier_from_file.my_tier"]
    with pytest.raises(ValueError, match=r"tier '.*my_tier\.py': there is no such file"):
        pickle.loads(pickled)


def test_a_module_that_cannot_be_imported_is_copied_but_not_pickled():
    tier = ModuleType("made_by_hand")
    vars(tier).update({name: getattr(mt.tiers.vector, name) for name in mt.tiers.vector.__all__})
    net = mt.mlp([5, 4, 3], "relu", tier=tier)
    assert np.array_equal(copy.deepcopy(net).forward(X), net.forward(X))
    with pytest.raises(
        pickle.PicklingError, match="'made_by_hand' cannot be pickled: it is neither an imported module"
    ):
        pickle.dumps(net)


def test_a_copy_of_a_tier_file_is_pickled_as_itself(tmp_path):
    tier = get_tier(OWN_TIERS["copy of a file"](tmp_path, None))
    assert pickle.loads(pickle.dumps(tier)) is tier
    assert copy.deepcopy(tier) is tier
