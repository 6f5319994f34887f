"""Files that are not saved nets, or were made to do harm: each is named for what it is, and costs little memory."""

import gzip
import io
import json
import os
import pickle
import struct
import subprocess
import sys
import tracemalloc
import zipfile

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint, load_usable

MB = 2**20
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX")


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def npy_header(text, version=1, length=None):
    text = text.encode()
    size = len(text) if length is None else length
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack("<H" if version == 1 else "<I", size) + text


def safetensors():
    header = json.dumps({"0.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    return struct.pack("<Q", len(header)) + header + bytes(4)


def zipped(**members):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in members.items():
            archive.writestr(name.replace("__", "/"), content)
    return file.getvalue()


KINDS = {
    "net.txt": (b"hello", "is text"),
    "empty.npz": (b"", "is empty"),
    "net.json": (b'{"command": "train"}', "is a JSON file"),
    "long.json": (b"[" + b"1, " * 5000 + b"1]", "is a JSON file"),
    "page.npz": (b"\n<!DOCTYPE html><html>not found</html>", "is a web page"),
    "array.npy": (npy(np.zeros(3)), r"is one NumPy array \(\.npy\)"),
    "other.npz": (zipped(**{"a.npy": npy(np.zeros(3))}), r"is an \.npz file of another program.*load_state_dict"),
    "model.safetensors": (safetensors(), r"is a \.safetensors file.*safetensors\.numpy\.load_file.*load_state_dict"),
    "model.pt": (zipped(archive__data__pkl=b"").replace(b"data/pkl", b"data.pkl"), r"is a PyTorch file.*torch\.load"),
    "old.pth": (b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.", "is an old PyTorch file"),
    "model.keras": (zipped(**{"model.weights.h5": b"", "config.json": b""}), r"is a Keras model"),
    "model.h5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "is an HDF5 file"),
    "model.onnx": (b"\x08\x07\x12\x07pytorch\x1a\x051.0.0" + bytes(range(256)), "is an ONNX model"),
    "model.tflite": (bytes([28, 0, 0, 0]) + b"TFL3" + bytes(20), "is a TensorFlow Lite model"),
    "model.pkl": (pickle.dumps({"a": 1}), "is a Python pickle, which is never loaded"),
    "net.npz.gz": (gzip.compress(b"hello"), "is a gzipped file.*unpack it first"),
    "digit.png": (b"\x89PNG\r\n\x1a\n" + bytes(20), "is a PNG image"),
    "t10k-labels-idx1-ubyte": (b"\0\0\x08\x01\0\0\0\x02\1\2", "is an IDX file.*--data-dir"),
    "docs.zip": (zipped(**{"a.txt": b"a"}), r"is a \.zip archive of another kind"),
    "none.zip": (zipped(), r"is a \.zip archive of another kind"),
    "noise.bin": (bytes([200, 17, 3, 0, 255]) * 9, "is not a net saved by micrograd_tiers"),
}


@pytest.mark.parametrize("name", KINDS)
def test_a_file_of_another_kind_is_named(tmp_path, name):
    content, words = KINDS[name]
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(mt.DataError, match=rf"{name}: {words}") as error:
        mt.load(path)
    assert "expected a net saved by micrograd_tiers; " in str(error.value)
    assert len(str(error.value).splitlines()) == 1


def test_the_files_of_other_programs_are_named(tmp_path):
    """The test above, with files written by the programs themselves, if they are installed."""
    torch = pytest.importorskip("torch")
    torch.save({"0.weight": torch.zeros(2, 3)}, tmp_path / "new.pt")
    torch.save({"0.weight": torch.zeros(2, 3)}, tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    for name, words in (("new.pt", "is a PyTorch file"), ("old.pt", "is an old PyTorch file")):
        with pytest.raises(mt.DataError, match=words):
            mt.load(tmp_path / name)


@posix
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(mt.DataError, match="pipe: is a pipe, expected a net"):
        mt.load(tmp_path / "pipe")


# Files that claim more than they hold.


@pytest.fixture
def members(tmp_path):
    """The members of a saved net with 12 arrays of momentum and history, by name."""
    net = mt.two_layer_net(5, 4, 3)
    trainer = mt.Trainer(net, np.zeros((6, 5)), [0, 1, 2, 0, 1, 2], optimizer=mt.SGD(0.1, momentum=0.9), batch_size=3)
    trainer.run()
    mt.save(net, tmp_path / "good.npz", training=trainer.state_dict())
    with zipfile.ZipFile(tmp_path / "good.npz") as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write(path, members, compression=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items() if isinstance(members, dict) else members:
            archive.writestr(name, content)
    return path


def refused(path, *words, limit=40 * MB):
    """Assert that the file is refused with one short line, and that reading it takes little memory."""
    tracemalloc.start()
    try:
        with pytest.raises(mt.DataError) as error:
            load_checkpoint(path)
        assert tracemalloc.get_traced_memory()[1] < limit
    finally:
        tracemalloc.stop()
    message = str(error.value)
    assert len(message.replace(str(path), "")) < 600, message
    assert len(message.splitlines()) == 1
    for word in (path.name, *words):
        assert word in message


HUGE = npy(np.zeros(400 * MB // 8, np.uint8))  # one eighth of 400 MB: enough to be noticed, and quick to make


@pytest.mark.parametrize("name", ["header", "0.weight", "2.bias", "training.state", "training.history.batch_loss", "x"])
def test_a_member_that_inflates_is_refused_before_it_is_read(tmp_path, members, name):
    refused(write(tmp_path / "bomb.npz", members | {f"{name}.npy": HUGE}), name)


def test_layers_and_a_weight_that_agree_on_a_huge_size_are_refused(tmp_path, members):
    header = json.loads(str(np.load(io.BytesIO(members["header.npy"]))))
    header["layers"][0]["in_features"] = 2_000_000
    big = {"header.npy": npy(np.array(json.dumps(header))), "0.weight.npy": npy(np.zeros((4, 2_000_000)))}
    refused(write(tmp_path / "bomb.npz", members | big), "0.weight expands to 64,000,000 bytes")


def test_a_compressed_net_of_usual_size_is_read(tmp_path, members):
    nets = [mt.load(path) for path in (write(tmp_path / "small.npz", members), tmp_path / "good.npz")]
    np.testing.assert_array_equal(*(net.state_dict()["0.weight"] for net in nets))


CLAIMS = {
    "a terabyte": npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (10**12,), }"),
    "a trillion numbers": npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (1000000000000,), }"),
    "a negative size": npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (-4, -5), }") + bytes(160),
    "no size": npy_header("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 1000000000000), }"),
    "huge text": npy_header("{'descr': '<U1000000000', 'fortran_order': False, 'shape': (), }"),
    "objects": npy_header("{'descr': '|O', 'fortran_order': False, 'shape': (4, 5), }") + bytes(160),
    "a structure": npy(np.zeros((4, 5), [("a", "f4"), ("b", "f4")])),
    "text": npy(np.full((4, 5), "abc")),
    "complex numbers": npy(np.full((4, 5), 1j)),
    "dates": npy(np.zeros((4, 5), "datetime64[s]")),
    "less than its header": b"\x93NUMPY\x01\x00\xff",
    "nothing": b"",
    "no .npy": b"hello, this is not an array",
    "version 2 with a header of 4 GB": npy_header("{}", version=2, length=2**32 - 1),
    "version 9": npy_header("{}", version=9),
    "a header that is no literal": npy_header("__import__('os').mkdir('sprung')"),
    "a deeply nested header": npy_header("(" * 9000),
    "too few numbers": npy(np.zeros((4, 5)))[:-8],
    "too many numbers": npy(np.zeros((4, 5))) + bytes(8),
}


@pytest.mark.parametrize("claim", CLAIMS)
@pytest.mark.parametrize("name", ["0.weight", "training.optimizer.velocity.0.weight", "header"])
def test_a_member_whose_header_is_wrong_is_refused(tmp_path, members, claim, name, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path / "bad.npz", members | {f"{name}.npy": CLAIMS[claim]})
    if claim in ("a structure", "text", "complex numbers", "dates", "no size") and name.startswith("training"):
        load_checkpoint(path)  # what it holds is checked when the run is resumed
    else:
        refused(path)
    assert not (tmp_path / "sprung").exists()


def test_a_member_with_a_long_name_is_named_in_short(tmp_path, members):
    refused(write(tmp_path / "long.npz", members | {"n" * 37_000 + ".npy": npy(np.zeros(3))}), "nnn ... nnn")
    refused(write(tmp_path / "long.npz", members | {"n" * 37_000: b""}), "nnn ... nnn")


def test_many_unexpected_members_are_counted(tmp_path, members):
    many = {f"{n}.extra.npy": npy(np.zeros(1)) for n in range(4, 2000)}
    refused(write(tmp_path / "many.npz", members | many), "4.extra is unexpected", "and 1,988 more")


def test_a_file_of_100_000_members_is_refused_without_listing_them(tmp_path, members):
    record = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 20, 20, 0, 0, 0, 33, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0)
    table = b"".join(record + f"{n:08}.npy".encode() for n in range(100_000))
    end = struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 65535, 65535, len(table), 4, 0)
    (tmp_path / "many.npz").write_bytes(b"PK\3\4" + table + end)
    refused(tmp_path / "many.npz", "too many members", limit=4 * MB)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_two_members_of_one_name_are_refused(tmp_path, members):
    refused(write(tmp_path / "two.npz", [*members.items(), ("0.weight.npy", members["0.weight.npy"])]), "two arrays")


def test_a_member_that_is_not_an_array_is_refused(tmp_path, members):
    refused(write(tmp_path / "more.npz", members | {"run.py": b"print()"}), "'run.py', which is not an array")


def test_a_table_of_contents_that_lies_about_sizes_is_refused(tmp_path, members):
    path = write(tmp_path / "lie.npz", members, zipfile.ZIP_STORED)
    content = bytearray(path.read_bytes())
    entry = content.rindex(b"0.weight.npy") - 46
    for size in (2**31, 10):
        content[entry + 20 : entry + 28] = struct.pack("<II", size, size)
        path.write_bytes(content)
        refused(path)


@posix
def test_a_bomb_is_refused_within_little_address_space(tmp_path, members):
    """The test above, with a limit of the system instead of Python's own counting."""
    path = write(tmp_path / "bomb.npz", members | {"0.bias.npy": HUGE, "training.history.train_loss.npy": HUGE})
    script = (
        "import resource, sys\nimport micrograd_tiers as mt\nmt.Network, mt.load, mt.two_layer_net(2, 3, 2)\n"
        "used = int(open('/proc/self/statm').read().split()[0]) * resource.getpagesize()\n"
        "resource.setrlimit(resource.RLIMIT_AS, (used + 45 * 2**20,) * 2)\n"
        "try:\n    mt.load(sys.argv[1])\nexcept mt.DataError as error:\n    print(error)\n"
    )
    if not os.path.exists("/proc/self/statm"):
        pytest.skip("needs /proc")
    done = subprocess.run([sys.executable, "-c", script, str(path)], capture_output=True, text=True, check=False)
    assert "0.bias" in done.stdout, done.stderr


# Nets that cannot compute.


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["0.weight", "2.bias"])
def test_a_net_with_weights_that_are_not_finite_loads_but_is_not_used(tmp_path, name, value):
    net = mt.two_layer_net(5, 4, 3)
    state = net.state_dict()
    state[name].flat[1] = value
    net.load_state_dict(state)
    mt.save(net, tmp_path / "net.npz")
    assert not np.isfinite(mt.load(tmp_path / "net.npz").state_dict()[name]).all()
    with pytest.raises(mt.DataError, match=rf"net\.npz: {name} holds {value} \(1 of "):
        load_usable(tmp_path / "net.npz")


def test_a_net_of_zeros_that_was_compressed_again_is_read(tmp_path):
    net = mt.Network([mt.Linear(300, 200)], init="zeros")
    mt.save(net, tmp_path / "net.npz")
    with np.load(tmp_path / "net.npz") as file:
        np.savez_compressed(tmp_path / "small.npz", **file)
    assert (tmp_path / "small.npz").stat().st_size < 0.1 * (tmp_path / "net.npz").stat().st_size
    assert not mt.load(tmp_path / "small.npz").state_dict()["0.weight"].any()
