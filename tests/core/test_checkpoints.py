"""Checkpoints: a file is written whole or not at all, and loading one never runs code."""

import io
import json
import os
import pickle
import subprocess
import sys
import zipfile

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers import checkpoints as serialization
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.tiers import TIERS

LAYERS = [mt.Linear(5, 4), mt.Tanh(), mt.Linear(4, 6), mt.ELU(0.5), mt.Linear(6, 3), mt.ReLU(), mt.Sigmoid()]
IMAGE_LAYERS = [
    mt.Reshape((1, 6, 6)), mt.Conv2d(1, 2, 3, stride=1, padding=1), mt.BatchNorm2d(2, momentum=0.3), mt.MaxPool2d(2),
    mt.AvgPool2d(2, stride=1), mt.Flatten(), mt.Dropout(0.25), mt.BatchNorm1d(8), mt.Linear(8, 3),
]  # fmt: skip
DOCUMENT_LAYERS = [
    mt.Embedding(5, 4), mt.Position(3, 4), mt.LayerNorm(4, epsilon=0.1), mt.Fork(), mt.RMSNorm(epsilon=1e-3),
    mt.Project(4, 12), mt.Attention(2), mt.SquaredReLU(), mt.Join(), mt.Project(4, 5),
]  # fmt: skip


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "net.npz"
    mt.save(mt.two_layer_net(5, 4, 3), path)
    return path


def rewritten(path, change):
    """Apply `change` to the members of the archive, a dict of names to bytes; write the file and return its path."""
    with zipfile.ZipFile(path) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    change(members)
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


def npy(array, **kwargs):
    file = io.BytesIO()
    np.save(file, array, **kwargs)
    return file.getvalue()


def with_header(path, **changes):
    with np.load(path) as file:
        header = json.loads(str(file["header"])) | changes
    return rewritten(path, lambda members: members.update({"header.npy": npy(np.array(json.dumps(header)))}))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize("options", [{}, {"exact": True}, {"loss": "mean_squared_error"}], ids=str)
def test_a_loaded_net_equals_the_saved_one(tmp_path, tier, options):
    net = mt.Network(LAYERS, tier=tier, seed=3, **options)
    mt.save(net, tmp_path / "net")
    back = mt.load(tmp_path / "net")
    assert repr(back) == repr(net)
    assert all(np.array_equal(back.state_dict()[name], array) for name, array in net.state_dict().items())
    assert os.listdir(tmp_path) == ["net"]


@pytest.mark.parametrize("tier", TIERS)
def test_a_loaded_net_of_documents_equals_the_saved_one(tmp_path, tier):
    net = mt.Network(DOCUMENT_LAYERS, mt.NextTokenLoss(), tier=tier, init="normal:0.5", seed=3)
    mt.save(net, tmp_path / "net")
    back = mt.load(tmp_path / "net")
    assert (repr(back), back.layers, back.loss) == (repr(net), net.layers, net.loss)
    X, y = [[0, 3, 3], [4, -1, -1]], [[3, 3, 1], [2, -1, -1]]
    assert back.loss_and_grads(X, y)[0] == net.loss_and_grads(X, y)[0]


def test_a_loaded_net_of_image_layers_has_the_saved_buffers_and_settings(tmp_path):
    net = mt.Network(IMAGE_LAYERS, label_smoothing=0.1)
    rng = np.random.default_rng(0)
    mt.fit(net, rng.random((12, 36)), rng.integers(0, 3, 12), batch_size=4)
    net.freeze(1)
    mt.save(net, tmp_path / "net")
    back = mt.load(tmp_path / "net")
    assert repr(back) == repr(net)
    assert (back.layers, back.frozen, back.label_smoothing) == (net.layers, {1}, 0.1)
    assert net.state_dict()["2.num_batches_tracked"] == 3
    assert all(np.array_equal(back.state_dict()[name], array) for name, array in net.state_dict().items())


def test_a_float32_net_loads_at_another_tier_as_float32(tmp_path):
    net = mt.Network(LAYERS, dtype="float32")
    mt.save(net, tmp_path / "net.npz")
    back = mt.load(tmp_path / "net.npz", tier="vector")
    assert (back.tier_name, back.dtype) == ("vector", "float32")
    assert back.state_dict()["0.weight"].tobytes() == net.state_dict()["0.weight"].tobytes()


def test_a_float32_net_becomes_float64_at_the_scalar_tier(tmp_path):
    net = mt.Network(LAYERS, dtype="float32")
    mt.save(net, tmp_path / "net.npz")
    back = mt.load(tmp_path / "net.npz", tier="scalar")
    assert all(np.array_equal(back.state_dict()[name], array) for name, array in net.state_dict().items())


def test_json_results_hold_null_for_nan_and_infinity(tmp_path):
    from micrograd_tiers.cli.output import write_json

    write_json(str(tmp_path / "a.json"), {"a": float("nan"), "b": [1.5, float("inf")], "c": ("x", None)})
    assert json.loads((tmp_path / "a.json").read_text(), parse_constant=pytest.fail) == {
        "a": None,
        "b": [1.5, None],
        "c": ["x", None],
    }


def test_info_and_training_state_are_saved_with_the_net(tmp_path):
    training = {"state": np.array("{}"), "history.batch_loss": np.array([1.5, 0.1])}
    mt.save(mt.two_layer_net(5, 4, 3), tmp_path / "net.npz", info={"classes": ["a", "b"]}, training=training)
    back = load_checkpoint(tmp_path / "net.npz")
    assert back.info == {"classes": ["a", "b"]}
    assert back.training["history.batch_loss"].tolist() == [1.5, 0.1]


def test_the_tokenizer_is_saved_with_the_net(tmp_path):
    tokenizer, path = mt.Tokenizer.fit(["zoë", '"\\☃']), tmp_path / "net.npz"
    mt.save(mt.gpt(tokenizer.n_tokens), path, tokenizer=tokenizer)
    assert load_checkpoint(path).tokenizer == tokenizer
    mt.save(mt.gpt(tokenizer.n_tokens), path)
    assert load_checkpoint(path).tokenizer is None


@pytest.mark.parametrize(
    ("characters", "message"),
    [
        ([*"abc", "de"], "expected single characters"),
        ("aabc", "a character occurs twice"),
        ("abc", "net takes 5 tokens, the tokenizer has 4"),
        (7, "not a complete net"),
        ("", "expected single characters"),
    ],
)
def test_a_damaged_tokenizer_is_refused(tmp_path, characters, message):
    mt.save(mt.gpt(5), tmp_path / "net.npz", tokenizer=mt.Tokenizer("abcd"))
    with pytest.raises(mt.DataError, match=message):
        load_checkpoint(with_header(tmp_path / "net.npz", characters=characters))


@pytest.mark.parametrize(
    ("net", "tokenizer", "message"),
    [
        (mt.gpt(5), mt.Tokenizer("abc"), "net takes 5 tokens, the tokenizer has 4"),
        (mt.mlp([5, 2]), mt.Tokenizer("abcd"), "first layer is Linear, expected an Embedding"),
        (mt.gpt(5), "abcd", "tokenizer is 'abcd', expected an mt.Tokenizer"),
    ],
)
def test_a_tokenizer_that_does_not_fit_the_net_is_not_saved(tmp_path, net, tokenizer, message):
    with pytest.raises(ValueError, match=message):
        mt.save(net, tmp_path / "net.npz", tokenizer=tokenizer)
    assert not os.listdir(tmp_path)


def test_a_net_of_a_version_without_tokenizers_has_none(saved):
    def older(members):
        header = json.loads(str(np.load(io.BytesIO(members["header.npy"]))))
        del header["characters"]
        members["header.npy"] = npy(np.array(json.dumps(header)))

    assert load_checkpoint(rewritten(saved, older)).tokenizer is None


def test_plain_numpy_reads_the_weights(saved):
    with np.load(saved, allow_pickle=False) as file:
        assert file["0.weight"].shape == (4, 5)


def test_a_failed_save_leaves_the_old_file_and_no_other(saved, monkeypatch):
    before = saved.read_bytes()

    def fail(file, **arrays):
        file.write(b"half")
        raise OSError("disk full")

    monkeypatch.setattr(np, "savez", fail)
    with pytest.raises(OSError, match="disk full"):
        mt.save(mt.two_layer_net(5, 4, 3, seed=1), saved)
    assert saved.read_bytes() == before
    assert os.listdir(saved.parent) == [saved.name]


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_a_kill_at_any_moment_leaves_a_whole_file(saved):
    """Save two nets in turn to one file, in a loop, and kill the process at ten random moments."""
    script = (
        "import sys, micrograd_tiers as mt\n"
        "nets = [mt.two_layer_net(50, 40, 3, seed=s) for s in (1, 2)]\n"
        "print('ready', flush=True)\n"
        "while True:\n"
        "    for net in nets:\n"
        "        mt.save(net, sys.argv[1])\n"
    )
    rng = np.random.default_rng(0)
    for _ in range(10):
        with subprocess.Popen([sys.executable, "-c", script, str(saved)], stdout=subprocess.PIPE) as process:
            process.stdout.readline()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(rng.uniform(0, 0.05))
            process.kill()
        mt.load(saved)


def test_the_file_gets_the_permissions_of_any_new_file(tmp_path, saved):
    (tmp_path / "other").touch()
    assert saved.stat().st_mode == (tmp_path / "other").stat().st_mode


@pytest.mark.parametrize("length", [0, 1, 10, 100, 500, 1000, -1, -30, -200])
def test_a_truncated_file_is_refused(saved, length):
    content = saved.read_bytes()
    saved.write_bytes(content[:length])
    with pytest.raises(mt.DataError, match=r"net\.npz"):
        mt.load(saved)


def test_a_damaged_byte_is_noticed_or_does_no_harm(saved):
    content = saved.read_bytes()
    expected = mt.load(saved).state_dict()
    for position in range(0, len(content), 7):
        damaged = bytearray(content)
        damaged[position] ^= 0x55
        saved.write_bytes(damaged)
        try:
            state = mt.load(saved).state_dict()
        except mt.DataError:
            continue
        assert all(np.array_equal(state[name], array) for name, array in expected.items())


class Bomb:
    """An object that creates a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("member", ["header.npy", "0.weight.npy", "training.state.npy"])
def test_pickled_objects_are_never_loaded(saved, tmp_path, member):
    bomb = npy(np.array([Bomb(tmp_path / "exploded")], dtype=object), allow_pickle=True)
    rewritten(saved, lambda members: members.update({member: bomb}))
    with pytest.raises(mt.DataError, match="pickled objects, which are never loaded"):
        mt.load(saved)
    saved.write_bytes(pickle.dumps(Bomb(tmp_path / "exploded")))
    with pytest.raises(mt.DataError, match=r"net\.npz"):
        mt.load(saved)
    assert not (tmp_path / "exploded").exists()


def test_a_file_cannot_name_code_to_run(saved, tmp_path):
    evil = tmp_path / "evil.py"
    evil.write_text("raise SystemExit('the file was run')\n")
    assert mt.load(with_header(saved, tier=str(evil))).tier_name == "tensor"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"version": 99}, "version 99, expected micrograd_tiers version 1"),
        ({"layers": [{"type": "Linear", "in_features": 5, "out_features": 3}]}, "2.weight is unexpected"),
        ({"layers": [{"type": "os"}]}, "unknown layer 'os'"),
        ({"layers": [{"type": "Linear"}]}, "not a complete net"),
        ({"layers": [{"type": "Linear", "in_features": 10**7, "out_features": 10**7}]}, "0.weight has shape"),
        ({"loss": "nll"}, "unknown loss 'nll'"),
        ({"dtype": "object"}, "dtype is object"),
        ({"format": "other"}, "format other"),
    ],
)
def test_a_header_that_does_not_fit_is_refused(saved, changes, message):
    with pytest.raises(mt.DataError, match=message):
        mt.load(with_header(saved, **changes))


def test_a_weight_that_claims_to_be_huge_costs_no_memory(saved):
    header = b"{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"
    lie = b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header
    rewritten(saved, lambda members: members.update({"0.weight.npy": lie}))
    with pytest.raises(mt.DataError, match=r"net\.npz"):
        mt.load(saved)


def test_other_files_are_refused(tmp_path):
    np.savez(tmp_path / "other.npz", a=np.zeros(3))
    np.save(tmp_path / "other.npy", np.zeros(3))
    (tmp_path / "other.txt").write_text("hello")
    for name in ("other.npz", "other.npy", "other.txt"):
        with pytest.raises(mt.DataError, match=f"{name}: is .*, expected a net saved by micrograd_tiers; "):
            mt.load(tmp_path / name)
    with pytest.raises(FileNotFoundError, match=r"nothing\.npz: there is no such file"):
        mt.load(tmp_path / "nothing.npz")
    with pytest.raises(mt.DataError, match=f"{tmp_path}: is a folder, expected a net"):
        mt.load(tmp_path)


def test_unwritable_places_are_named(tmp_path):
    net = mt.two_layer_net(5, 4, 3)
    with pytest.raises(OSError, match="cannot write"):
        mt.save(net, tmp_path / "missing" / "net.npz")
    with pytest.raises(IsADirectoryError, match="is a folder"):
        mt.save(net, tmp_path)


def test_every_kind_of_layer_can_be_saved():
    from micrograd_tiers import layers

    assert {type(layer).__name__ for layer in (*LAYERS, *IMAGE_LAYERS, *DOCUMENT_LAYERS)} == {*layers.__all__} - {
        "Layer", "residual"
    }  # fmt: skip
    assert serialization.FORMAT_VERSION == 1
