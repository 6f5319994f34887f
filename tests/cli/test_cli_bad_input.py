"""Bad input: one clear line on standard error, exit code 1 (data, files) or 2 (usage), and no half-written file."""

import gzip
import io
import json
import os
import pickle
import random
import re
import stat
import struct
import subprocess
import sys
import traceback
import tracemalloc
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest
from idx_files import NAMES, header, idx_bytes, write_idx, write_set
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.cli import main
from micrograd_tiers.datasets.download import SOURCES, Source
from micrograd_tiers.tiers import TIERS, vector
from micrograd_tiers.trainer import Trainer

SMALL = ("--n-train", "200", "--n-test", "50")
XOR = ("--data", "xor", *SMALL, "--hidden", "3")
TRAIN = ("train", *XOR, "--epochs", "1")
COMPARE = ("compare", *XOR)
MB = 2**20


def files_in(folder):
    """Return type and contents of each file, including hidden ones, except Python's caches."""
    paths = [path for path in folder.rglob("*") if not path.is_dir() and path.suffix != ".pyc"]
    kinds = [(stat.S_IFMT(path.lstat().st_mode), path.read_bytes() if path.is_file() else None) for path in paths]
    return dict(zip(map(str, paths), kinds, strict=True))


def assert_one_line(err, *words):
    """Assert that standard error is one line from the program and matches these regular expressions."""
    assert len(err.splitlines()) == 1, err
    assert err.startswith("micrograd-tiers")
    for word in words:
        assert re.search(word, err, re.IGNORECASE), f"does not name {word}: {err}"


@pytest.fixture
def refused(cli, folder):
    """Return a function that runs a command and asserts an exit code, a one-line error and no change to any file."""

    def run(code, args, *words):
        before = files_in(folder)
        result = cli(*args)
        assert result.code == code, result
        assert_one_line(result.err, *words)
        assert files_in(folder) == before
        return result

    return run


def cases(table):
    """Parametrize a test with a table of arguments and words that the message must contain, keyed by the mistake."""
    return pytest.mark.parametrize(("args", "words"), table.values(), ids=table)


# Wrong usage.

UNKNOWN = {
    "no command": ([], ["command"]),
    "unknown command": (["explain"], ["explain"]),
    "no action": (["data"], ["action"]),
    "unknown option": ([*TRAIN, "--learnrate", "1"], ["--learnrate"]),
    "unknown set": (["train", "--data", "nosuch"], ["nosuch", "ellipse"]),
    "unknown set to compare on": (["compare", "--data", "nosuch"], ["nosuch", "ellipse"]),
    "unknown set to show": (["data", "show", "nosuch"], ["nosuch", "ellipse"]),
    "set that cannot be downloaded": (["data", "download", "xor"], ["xor", "mnist"]),
    "a word instead of a number": ([*TRAIN, "--epochs", "many"], ["--epochs", "many"]),
    "fraction of a sample": ([*TRAIN, "--batch-size", "2.5"], ["--batch-size", "2.5"]),
    "unknown tier": ([*TRAIN, "--tier", "quantum"], ["tier 'quantum'", "scalar, vector, tensor"]),
    "unknown tier to compare": ([*COMPARE, "--tiers", "scalar", "quantum"], ["tier 'quantum'", "vector"]),
    "no tier to compare": ([*COMPARE, "--tiers"], ["--tiers"]),
    "missing tier file": ([*TRAIN, "--tier", "no.py"], ["no.py", "no such file"]),
    "module that is not a tier": ([*TRAIN, "--tier", "json"], ["'json' is not a tier"]),
    "empty tier name": ([*TRAIN, "--tier", ""], ["tier ''"]),
    "unknown activation": ([*TRAIN, "--activation", "step"], ["activation 'step'", "sigmoid, tanh, relu, elu"]),
    "unknown init": ([*TRAIN, "--init", "magic"], ["initializer 'magic'", "xavier"]),
    "unknown init to compare": ([*COMPARE, "--init", "magic"], ["initializer 'magic'", "xavier"]),
    "unknown optimizer": ([*TRAIN, "--optimizer", "newton"], ["optimizer", "newton", "adam"]),
    "unknown dtype": ([*TRAIN, "--dtype", "float16"], ["dtype", "float16", "float64"]),
    "nonsense dtype": ([*TRAIN, "--dtype", ","], ["dtype", "float64"]),
    "float32 at the scalar tier": ([*TRAIN, "--tier", "scalar", "--dtype", "float32"], ["scalar", "float32"]),
    "momentum for adam": ([*TRAIN, "--optimizer", "adam", "--momentum", "0.9"], ["momentum", "adam"]),
    "time that is not a number": ([*COMPARE, "--seconds", "nan"], ["seconds", "nan"]),
    "negative time": ([*COMPARE, "--seconds", "-1"], ["seconds", "-1"]),
}


@cases(UNKNOWN)
def test_wrong_usage_is_refused_with_the_valid_choices(refused, args, words):
    assert refused(2, args, *words).out == ""


NUMBERS = {
    "learning rate": ("--learning-rate", ["-1", "0", "nan", "inf", "-inf"], ["learning.rate"]),
    "batch size": ("--batch-size", ["0", "-5"], ["batch.size"]),
    "hidden units": ("--hidden", ["0", "-3", "99999999999999999999"], ["hidden|out_features"]),
    "seed": ("--seed", ["-1"], ["seed"]),
    "training samples": ("--n-train", ["0", "-1", "99999999999999999999"], ["n.train"]),
    "test samples": ("--n-test", ["0", "-1"], ["n.test"]),
    "epochs": ("--epochs", ["0", "-1"], ["epochs"]),
    "momentum": ("--momentum", ["-0.1", "1", "nan"], ["momentum"]),
    "weight decay": ("--weight-decay", ["-1", "nan", "inf"], ["weight.decay"]),
    "validation samples": ("--validation", ["-1", "200", "1000"], ["validation"]),
}
OF_COMPARE = ("--learning-rate", "--batch-size", "--hidden", "--seed", "--n-train", "--n-test")
OUT_OF_RANGE = {
    f"{command[0]}, {what}: {number}": ([*command, f"{option}={number}"], [*words, re.escape(number.lstrip("-"))])
    for what, (option, numbers, words) in NUMBERS.items()
    for command in (TRAIN, COMPARE)
    if command is TRAIN or option in OF_COMPARE
    for number in numbers
}


@cases(OUT_OF_RANGE)
def test_a_number_that_is_out_of_range_is_refused(refused, args, words):
    assert refused(2, args, *words).out == ""


@pytest.mark.parametrize("option", ["--seed", "--n-test"])
def test_predict_refuses_a_number_that_is_out_of_range(refused, net_file, option):
    refused(2, ["predict", net_file, option, "-1"], option.strip("-").replace("-", "."), "-1")


@pytest.mark.parametrize("n", ["0", "-4"])
@pytest.mark.parametrize("data", ["glyphs", "xor"])
def test_data_show_refuses_to_show_nothing(refused, data, n):
    refused(2, ["data", "show", data, "--n", n], r"--n\b|\bn is", n)


def test_a_net_too_large_for_memory_is_refused(refused):
    refused(1, ["train", *XOR, "--hidden", "2000000000", "2000000000"], "memory|allocate")


# Files that cannot be written, which is reported before the work begins.

PICTURES = [("compare", "--picture"), ("train", "--curves"), ("train", "--confusion"), ("predict", "--picture")]
PICTURES += [("data show xor", "--picture")]
OTHERS = [("compare", "--json"), ("train", "--json"), ("train", "--checkpoint"), ("predict", "--json")]
OTHERS += [("data list", "--json"), ("data show xor", "--json")]


def outputs(options):
    """Parametrize a test with commands and options that name a file to write."""
    return pytest.mark.parametrize(("command", "option"), options, ids=map(" ".join, options))


PLACES = {
    "in a missing folder": ("nowhere/out.png", "nowhere"),
    "a folder": ("some folder", "some folder.*is a folder"),
    "inside a file": ("notes.txt/out.png", "notes.txt"),
    "a pipe": ("pipe.png", "pipe.png"),
    "in a folder that may not be written to": ("locked/out.png", "locked"),
}


def complete(command):
    """Return a complete command line for a command; predict reads net.npz."""
    options = {"compare": COMPARE[1:], "train": TRAIN[1:], "predict": ("net.npz", "--data", "xor")}
    return [*command.split(), *options.get(command, ())]


@pytest.fixture
def no_work(folder, net_file, monkeypatch):
    """Create all kinds of places that cannot be written to, and make the test fail if training begins."""
    monkeypatch.setattr(Trainer, "step", lambda trainer: pytest.fail("training began"))
    Path("some folder").mkdir()
    Path("notes.txt").write_text("kept")
    Path("locked").mkdir(mode=0o555)
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe.png")


@outputs([*PICTURES, *OTHERS])
@pytest.mark.parametrize("where", PLACES)
def test_an_output_that_cannot_be_written_is_refused_before_the_work_begins(refused, no_work, command, option, where):
    if where == "in a folder that may not be written to" and os.access("locked", os.W_OK):
        pytest.skip("root may write everywhere")
    if where == "a pipe" and not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes on this system")
    path, words = PLACES[where]
    assert refused(1, [*complete(command), option, path], words).out == ""


@outputs(PICTURES)
@pytest.mark.parametrize("name", ["picture.jpg", "picture.npz"])
def test_an_unknown_picture_format_is_refused_before_the_work_begins(refused, no_work, command, option, name):
    assert refused(2, [*complete(command), option, name], name, "png").out == ""


ONE_FILE_TWICE = {
    "checkpoint and results": ["train", *XOR, "--checkpoint", "out", "--json", "./out"],
    "two pictures": ["train", *XOR, "--curves", "out.png", "--confusion", "out.png"],
    "the net and its predictions": ["predict", "net.npz", "--data", "xor", "--json", "net.npz"],
    "the resumed run and its results": ["train", "--resume", "net.npz", "--epochs", "2", "--json", "net.npz"],
}


@pytest.mark.parametrize("args", ONE_FILE_TWICE.values(), ids=ONE_FILE_TWICE)
def test_one_file_cannot_be_written_twice(refused, no_work, args):
    refused(2, args, Path(args[-1]).name)


def test_a_name_that_is_nearly_too_long_works_or_is_refused_before_the_work_begins(cli, folder):
    name = "n" * 246 + ".npz"
    result = cli(*TRAIN, "--checkpoint", name)
    if result.code == 0:
        assert mt.load(name).n_parameters == 17
    else:
        assert_one_line(result.err, "nnnn")
        assert (result.out, files_in(folder)) == ("", {})


@pytest.mark.skipif(os.name != "posix", reason="symbolic links may need a privilege")
def test_an_output_that_is_a_link_is_written_where_it_points(cli, folder):
    Path("disk").mkdir()
    Path("link.json").symlink_to(Path("disk/results.json"))
    assert cli("data", "list", "--json", "link.json").code == 0
    assert Path("link.json").is_symlink()
    assert json.loads(Path("disk/results.json").read_text())["command"] == "data list"


@pytest.mark.parametrize("option", ["--resume", "--checkpoint", "--curves", "--json"])
def test_an_empty_file_name_is_not_treated_as_missing(refused, no_work, option):
    """A script passes "" if its variable is not set: `--resume ""` must not start a new run and overwrite net.npz."""
    result = refused(2, [*TRAIN, option, ""], option)
    assert result.out == ""


# Standard output that is closed or full.


def closed_pipe():
    """Return the write end of a pipe whose read end is closed."""
    read, write = os.pipe()
    os.close(read)
    return write


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes and signals")
@pytest.mark.parametrize("command", ["compare", "train", "predict", "data list", "data show xor"])
def test_a_closed_pipe_gives_one_line_and_leaves_whole_files(start, folder, net_file, command):
    pipe = closed_pipe()
    process = start(*complete(command), stdout=pipe)
    os.close(pipe)
    _, err = process.communicate()
    assert process.returncode == 1
    assert_one_line("".join(line for line in err.splitlines(True) if not line.startswith("  ")), "output.*closed")
    assert not [name for name in files_in(folder) if name.endswith(".part")]
    assert mt.load("net.npz").n_parameters == 17


@pytest.mark.skipif(os.name != "posix", reason="needs POSIX pipes and signals")
@pytest.mark.parametrize("args", ["--help", "train --help", "--version"])
def test_help_into_a_closed_pipe_is_quiet(start, args):
    pipe = closed_pipe()
    process = start(*args.split(), stdout=pipe)
    os.close(pipe)
    _, err = process.communicate()
    assert len(err.splitlines()) <= 1, err
    assert "Exception" not in err
    assert "Traceback" not in err


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_behind_standard_output_gives_one_line(start):
    with open("/dev/full", "wb") as full:
        process = start("data", "list", stdout=full)
    _, err = process.communicate()
    assert process.returncode == 1
    assert_one_line(err, "space|output")


@pytest.mark.skipif(os.name != "posix", reason="needs a shell that can close standard output")
def test_a_run_without_standard_output_does_its_work(folder):
    script = 'exec "$0" -c "import sys; from micrograd_tiers.cli import main; sys.exit(main())" "$@" >&-'
    command = ["sh", "-c", script, sys.executable, "data", "list", "--json", "list.json"]
    done = subprocess.run(command, stderr=subprocess.PIPE, text=True)
    assert "Traceback" not in done.stderr, done.stderr
    assert done.returncode in (0, 1)
    assert Path("list.json").is_file()


def test_a_name_that_the_terminal_cannot_show_does_no_harm(start, monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    process = start("data", "show", "xor", "--picture", "Bild für Zoë.png")
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "Bild f" in out
    assert Path("Bild für Zoë.png").is_file()


# Data files.


def path_of(split, kind, suffix=".gz"):
    return Path("set") / (NAMES[split][("images", "labels").index(kind)] + suffix)


def replace(split, kind, content):
    """Replace a file by these bytes, gzipped."""
    path_of(split, kind).write_bytes(gzip.compress(content))


def truncated_gzip():
    path = path_of("train", "images")
    path.write_bytes(path.read_bytes()[:-1000])


def corrupt_gzip():
    path = path_of("test", "images")
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x10
    path.write_bytes(content)


def swapped():
    images, labels = path_of("train", "images"), path_of("train", "labels")
    images.rename("other")
    labels.rename(images)
    Path("other").rename(labels)


def images(n, side=28):
    return np.zeros((n, side, side), np.uint8)


SPOILERS = {
    "truncated gzip": (truncated_gzip, ["train-images", "truncated|corrupt"]),
    "corrupt gzip": (corrupt_gzip, ["t10k-images", "truncated|corrupt"]),
    "an empty file": (lambda: path_of("train", "labels").write_bytes(b""), ["train-labels", "empty"]),
    "not an IDX file": (lambda: replace("train", "images", b"<!DOCTYPE html>"), ["train-images", "magic"]),
    "wrong magic number": (lambda: replace("train", "labels", b"\0\0\x0d\x01" + bytes(84)), ["train-labels", "magic"]),
    "images and labels swapped": (swapped, ["train-", "magic"]),
    "half a header": (lambda: replace("test", "images", b"\0\0\x08\x03\0"), ["t10k-images", "header"]),
    "a claim of one image too many": (
        lambda: replace("train", "images", header(21, 28, 28) + bytes(20 * 784)),
        ["train-images", "header claims 16464 .* holds only 15680"],
    ),
    "a claim of four billion images": (
        lambda: replace("train", "images", header(2**32 - 1, 28, 28) + bytes(20 * 784)),
        ["train-images", "header claims"],
    ),
    "a claim of a million images": (
        lambda: replace("train", "images", header(10**6, 28, 28) + bytes(20 * 784)),
        ["train-images", "header claims"],
    ),
    "far more than is claimed": (
        lambda: replace("train", "images", header(20, 28, 28) + bytes(64 * MB)),
        ["train-images", "holds more"],
    ),
    "a claim of four billion labels": (
        lambda: replace("train", "labels", header(2**32 - 1) + bytes(20)),
        ["train-labels", "header claims"],
    ),
    "more than is claimed": (
        lambda: replace("train", "images", header(19, 28, 28) + bytes(20 * 784)),
        ["train-images", "holds more"],
    ),
    "fewer images than labels": (lambda: write_idx(path_of("train", "images"), images(19)), ["19 images", "20"]),
    "more images than labels": (lambda: write_idx(path_of("test", "images"), images(11)), ["11 images", "10"]),
    "a label of 10": (
        lambda: write_idx(path_of("test", "labels"), np.arange(1, 11, dtype=np.uint8)),
        ["t10k-labels", "label 9 is 10", "0 to 9"],
    ),
    "fractional labels": (
        lambda: replace("train", "labels", idx_bytes(np.full(20, 0.5, "f4"))),
        ["train-labels", "magic|element type"],
    ),
    "an empty set": (lambda: replace("train", "images", header(0, 28, 28)), ["train-images", "empty"]),
    "images of another size": (lambda: write_idx(path_of("train", "images"), images(20, 32)), ["32, 32", "28, 28"]),
    "a missing file": (lambda: path_of("test", "labels").unlink(), ["mnist", "t10k-labels", "set"]),
    "a folder instead of a file": (
        lambda: [path_of("test", "labels").unlink(), path_of("test", "labels").mkdir()],
        ["mnist", "t10k-labels"],
    ),
}
MNIST = ("--data", "mnist", "--data-dir", "set")


@pytest.mark.parametrize(("spoil", "words"), SPOILERS.values(), ids=SPOILERS)
def test_a_damaged_set_is_refused_without_using_much_memory(refused, spoil, words):
    write_set(Path("set"))
    spoil()
    tracemalloc.start()
    try:
        assert refused(1, ["train", *MNIST, "--hidden", "3", "--epochs", "1"], *words).out == ""
        assert tracemalloc.get_traced_memory()[1] < 20 * MB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("args", "spoiled"),
    [
        ("compare --data mnist --n-train 20", "train-images"),
        ("data show mnist --n 20", "train-images"),
        ("predict net.npz --data mnist", "t10k-images"),  # reads only the test files
    ],
)
def test_every_command_refuses_a_damaged_set(refused, net_file, args, spoiled):
    write_set(Path("set"))
    (file,) = Path("set").glob(f"{spoiled}*")
    file.write_bytes(file.read_bytes()[:-40])
    refused(1, [*args.split(), "--data-dir", "set"], spoiled, "truncated|corrupt|fewer|less|holds")


def test_compare_uses_all_of_a_set_smaller_than_its_default(cli):
    write_set(Path("set"))
    assert cli("compare", *MNIST, "--hidden", "2", "--seconds", "0.1").code == 0


SETS_NOT_HERE = {
    "no folder is given": (["train", "--data", "mnist"], ["mnist", "--data-dir", "data download"]),
    "to compare on": (["compare", "--data", "fashion-mnist"], ["fashion-mnist", "--data-dir", "data download"]),
    "to show": (["data", "show", "mnist"], ["mnist", "--data-dir"]),
    "in the given folder": (["train", "--data", "mnist", "--data-dir", "nowhere"], ["mnist", "nowhere"]),
    "in the given folder, without a set": (
        ["compare", *SMALL, "--seconds", "0.1", "--data-dir", "nowhere"],
        ["mnist", "nowhere"],
    ),
}


@cases(SETS_NOT_HERE)
def test_a_missing_set_is_refused_with_advice(refused, args, words):
    assert refused(1, args, *words).out == ""


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("train", *MNIST, "--n-train", "21"), ("n.train", "21", "20")),
        (("compare", *MNIST, "--n-train", "20", "--n-test", "11"), ("n.test", "11", "10")),
        (("data", "show", "mnist", "--data-dir", "set", "--n", "21"), (r"--n\b|\bn is", "21", "20")),
    ],
    ids=["train", "compare", "data show"],
)
def test_more_samples_than_the_set_has_are_refused(refused, args, words):
    write_set(Path("set"))
    refused(2, args, *words)


def test_a_download_without_pooch_says_what_to_install(refused, monkeypatch):
    monkeypatch.setattr("micrograd_tiers.datasets.download.find_spec", lambda name: None)
    assert refused(2, ["data", "download", "mnist"], "pooch", "pip install").out == ""


def test_a_download_that_fails_names_the_address_and_leaves_nothing(refused, folder, monkeypatch):
    pytest.importorskip("pooch")
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr("micrograd_tiers.datasets.download.cache_folder", lambda name: folder / "cache" / name)
    monkeypatch.setitem(SOURCES, "mnist", Source(("http://127.0.0.1:9/nobody/",), SOURCES["mnist"].sha256))
    refused(1, ["data", "download", "mnist", "--no-progress"], "127.0.0.1", "mnist")


# Data through the Python interface.

X, Y = np.random.default_rng(0).normal(size=(20, 2)), np.arange(20) % 2


def with_value(array, value):
    """Return a copy as floats, with this value as its fourth element."""
    array = np.array(array, float)
    array.flat[3] = value
    return array


BAD_SAMPLES = {
    "NaN": (with_value(X, np.nan), Y, "nan"),
    "infinity": (with_value(X, np.inf), Y, "inf"),
    "minus infinity": (with_value(X, -np.inf), Y, "-inf"),
    "no samples": (np.zeros((0, 2)), np.zeros(0, int), "empty"),
    "one feature too many": (np.zeros((20, 3)), Y, "3 features.*expects 2"),
    "one sample, not in a list": ([0.0, 1.0], [0], "shape"),
    "rows of different lengths": ([[0.0, 1.0], [1.0]], [0, 1], "rectangular"),
    "text": ([["a", "b"]], [0], "numbers"),
    "complex numbers": (X * 1j, Y, "numbers"),
    "nothing": (None, Y, "numbers"),
    "more samples than labels": (X, Y[:19], "20 samples"),
    "a label of 2": (X, with_value(Y, 2), "label 2.*0 to 1"),
    "a negative label": (X, with_value(Y, -1), "label -1.*0 to 1"),
    "a fractional label": (X, with_value(Y, 0.5), "label 0.5.*whole"),
    "a label of NaN": (X, with_value(Y, np.nan), "label nan"),
    "labels of text": (X, ["inside"] * 20, "numbers"),
    "probabilities that do not sum to 1": (X, np.eye(2)[Y] / 2, "row 0 is .* sum to 1"),
    "one-hot labels of other classes": (X, np.eye(3)[Y], "shape"),
}
bad_samples = pytest.mark.parametrize(("x", "y", "words"), BAD_SAMPLES.values(), ids=BAD_SAMPLES)


@pytest.mark.parametrize("tier", TIERS)
@bad_samples
def test_fit_refuses_bad_samples_and_leaves_the_net_alone(tier, x, y, words):
    net = mt.two_layer_net(2, 3, 2, tier=tier)
    before = net.state_dict()
    with pytest.raises(mt.DataError, match=words) as error:
        mt.fit(net, x, y)
    assert len(str(error.value).splitlines()) == 1
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


@bad_samples
def test_fit_refuses_bad_validation_samples_before_it_begins(x, y, words, monkeypatch):
    monkeypatch.setattr(Trainer, "step", lambda trainer: pytest.fail("training began"))
    with pytest.raises(mt.DataError, match=f"validation.*{words}"):
        mt.fit(mt.two_layer_net(2, 3, 2), X, Y, validation=(x, y))


@pytest.mark.parametrize(
    ("option", "value"),
    [
        *(("batch_size", value) for value in (0, -1, 2.5, "64", None, True)),
        *(("epochs", value) for value in (0, -1, 1.5)),
        ("seed", -1),
    ],
)
def test_fit_refuses_settings_that_make_no_sense(option, value):
    with pytest.raises(ValueError, match=option):
        mt.fit(mt.two_layer_net(2, 3, 2), X, Y, **{option: value})


def test_a_batch_larger_than_the_set_is_one_short_batch():
    assert len(mt.fit(mt.two_layer_net(2, 3, 2), X, Y, batch_size=10**6).batch_loss) == 1


@pytest.mark.parametrize("rate", [-1, 0, float("nan"), float("inf"), "0.1", None])
@pytest.mark.parametrize("optimizer", [mt.SGD, mt.Adam])
def test_an_optimizer_refuses_a_learning_rate_that_makes_no_sense(optimizer, rate):
    with pytest.raises(ValueError, match="learning_rate"):
        optimizer(learning_rate=rate)


# Nets: damaged files.


@pytest.fixture(scope="module")
def net_bytes(tmp_path_factory):
    """The bytes of a run's file with all optional parts: xor, 2-3-2, momentum, validation."""
    path = tmp_path_factory.mktemp("net") / "net.npz"
    assert main([*TRAIN, "--momentum", "0.9", "--validation", "20", "--checkpoint", str(path)]) == 0
    return path.read_bytes()


@pytest.fixture
def net_file(folder, net_bytes):
    Path("net.npz").write_bytes(net_bytes)
    return "net.npz"


def rewritten(change):
    """Return a function of a path that applies `change` to the arrays and the header of the file and saves it again."""

    def spoil(path):
        with np.load(path) as file:
            arrays = dict(file)
        content = json.loads(str(arrays.pop("header")))
        change(arrays, content)
        np.savez(path, header=np.array(json.dumps(content)), **arrays)

    return spoil


def header_of(text):
    """Return a function of a path that replaces the header of the file."""

    def spoil(path):
        with np.load(path) as file:
            arrays = dict(file) | {"header": np.array(text)}
        np.savez(path, **arrays)

    return spoil


def weight_claims(shape):
    """Return a function of a path that makes the header of a weight claim this shape, without adding data."""

    def spoil(path):
        with zipfile.ZipFile(path) as file:
            members = {name: file.read(name) for name in file.namelist()}
        stream = io.BytesIO()
        np.lib.format.write_array_header_1_0(stream, {"descr": "<f8", "fortran_order": False, "shape": shape})
        members["0.weight.npy"] = stream.getvalue() + bytes(48)
        with zipfile.ZipFile(path, "w") as file:
            for name, content in members.items():
                file.writestr(name, content)

    return spoil


def written(content):
    return lambda path: Path(path).write_bytes(content)


def npy(path):
    with open(path, "wb") as file:
        np.save(file, np.zeros(3))


def cut(share):
    return lambda path: Path(path).write_bytes(Path(path).read_bytes()[: int(share * Path(path).stat().st_size)])


def no_header(path):
    np.savez(path, weights=np.zeros(3))


def layer(**settings):
    return rewritten(lambda arrays, content: content["layers"][0].update(settings))


def weight(value):
    return rewritten(lambda arrays, content: arrays.update({"0.weight": value}))


SPOILED_NETS = {
    "empty": (written(b""), "is empty"),
    "text": (written(b"This is not a net.\n"), "is text"),
    "one array": (npy, "is one NumPy array"),
    "arrays without a header": (no_header, "header"),
    "half a file": (cut(0.5), "not a"),
    "all but the last byte": (lambda path: written(Path(path).read_bytes()[:-1])(path), "not a"),
    "a header that is not JSON": (header_of("{"), "not a"),
    "a header that is a list": (header_of("[]"), "not a"),
    "a header that is null": (header_of("null"), "not a"),
    "a header that is deeply nested": (header_of("[" * 100_000), "not a"),
    "a header that lacks nearly everything": (header_of('{"format": "micrograd_tiers", "version": 1}'), "not a|layers"),
    "info that is a number": (rewritten(lambda arrays, content: content.update(info=3)), "info|not a"),
    "another format": (rewritten(lambda arrays, content: content.update(format="keras")), "keras"),
    "a newer version": (rewritten(lambda arrays, content: content.update(version=99)), "version 99"),
    "no layers": (rewritten(lambda arrays, content: content.update(layers=[])), "layer"),
    "an unknown layer": (layer(type="Telepathy"), "Telepathy"),
    "a layer with an unknown setting": (layer(color="red"), "color"),
    "a layer with a negative size": (layer(in_features=-2), "in_features"),
    "layers that do not fit together": (layer(out_features=4), "features|0.weight"),
    "an unknown loss": (rewritten(lambda arrays, content: content.update(loss="regret")), "regret"),
    "an unknown dtype": (rewritten(lambda arrays, content: content.update(dtype="float16")), "float16"),
    "another architecture": (layer(in_features=5), "0.weight has shape"),
    "one weight too few": (rewritten(lambda arrays, content: arrays.pop("2.bias")), "2.bias is missing"),
    "one weight too many": (rewritten(lambda arrays, content: arrays.update({"4.bias": X})), "4.bias is unexpected"),
    "a weight of another shape": (weight(np.zeros((2, 3))), "0.weight has shape"),
    "a weight of text": (weight(np.full((3, 2), "a")), "0.weight"),
    "a weight of complex numbers": (weight(np.full((3, 2), 1j)), "0.weight"),
    "a weight that claims a terabyte": (weight_claims((10**6, 10**6)), "0.weight claims"),
    "a weight that claims a size that overflows": (weight_claims((2**40, 2**40)), "0.weight claims"),
    "a weight that claims a dimension that overflows": (weight_claims((2**70, 1)), "0.weight claims"),
    "a weight that claims a negative dimension": (weight_claims((-3, 2)), "not a|0.weight"),
}
READERS = {"predict": ["predict", "net.npz"], "resume": ["train", "--resume", "net.npz", "--epochs", "2"]}
by_reader = pytest.mark.parametrize("args", READERS.values(), ids=READERS)


@by_reader
@pytest.mark.parametrize(("spoil", "words"), SPOILED_NETS.values(), ids=SPOILED_NETS)
def test_a_damaged_net_is_refused(refused, net_file, args, spoil, words):
    spoil(net_file)
    assert refused(1, args, "net.npz", words).out == ""


@by_reader
def test_a_net_that_claims_a_wrong_size_is_refused_without_using_much_memory(refused, net_file, args):
    layer(in_features=10**7)(net_file)  # 240 MB
    tracemalloc.start()
    try:
        refused(1, args, "net.npz", "0.weight has shape|features")
        assert tracemalloc.get_traced_memory()[1] < 20 * MB
    finally:
        tracemalloc.stop()


USERS = READERS | {"check": ["check", "--net", "net.npz"], "generate": ["generate", "net.npz"]}


@pytest.mark.parametrize("args", USERS.values(), ids=USERS)
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_net_whose_weights_are_not_finite_is_refused(refused, net_file, args, value):
    weight(np.array([[1, 2], [3, 4], [5, value]]))(net_file)
    result = refused(
        1, [*args, "--json", "r.json"], "net.npz", rf"0\.weight holds {value} \(1 of 6", "lower learning rate"
    )
    assert result.out == ""


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_net_whose_loss_overflows_is_refused(refused, net_file):
    rewritten(lambda arrays, content: arrays.update({"2.weight": np.full((2, 3), 1.7e308) * [[1], [-1]]}))(net_file)
    result = refused(1, ["predict", "net.npz", "--json", "r.json"], "net.npz", "loss on xor is (nan|inf)")
    assert result.out == ""


@by_reader
def test_a_missing_net_is_named(refused, args):
    refused(1, args, "net.npz", "no such file")


@by_reader
def test_a_folder_is_not_a_net(refused, args):
    Path("net.npz").mkdir()
    refused(1, args, "net.npz", "directory|folder")


def test_a_net_truncated_anywhere_is_refused(cli, net_file, net_bytes):
    rng = random.Random(0)
    for length in sorted(rng.sample(range(len(net_bytes)), 40)):
        Path(net_file).write_bytes(net_bytes[:length])
        result = cli("predict", net_file)
        assert result.code == 1, f"cut to {length} bytes: {result}"
        assert_one_line(result.err, "net.npz")


def test_a_flipped_bit_is_noticed_or_changes_nothing(folder, net_file, net_bytes):
    """Flip one bit in each byte of the table at the file's end, which has no checksum, and some bits elsewhere."""
    good = load_checkpoint(net_file)
    arrays = good.net.state_dict() | good.training
    rng = random.Random(0)
    table = net_bytes.index(b"PK\x01\x02")
    harm = {}
    for position in [*range(table, len(net_bytes)), *rng.sample(range(table), 300)]:
        spoiled = bytearray(net_bytes)
        spoiled[position] ^= 1 << rng.randrange(8)
        Path(net_file).write_bytes(spoiled)
        try:
            found = load_checkpoint(net_file)
        except mt.DataError as error:
            if net_file not in str(error):
                harm[position] = f"does not name the file: {error}"
            continue
        except Exception as error:
            harm[position] = repr(error)
            continue
        for name, array in (found.net.state_dict() | found.training).items():
            if array.tobytes() != arrays[name].tobytes():
                harm[position] = f"{name} has changed"
        if found.info != good.info:
            harm[position] = "info has changed"
    assert not harm, f"{len(harm)} flips, such as {[*harm.items()][:: max(1, len(harm) // 10)]}"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs a list of open files")
@pytest.mark.parametrize("content", [b"", b"no net", b"PK\3\4"], ids=["empty", "text", "start of a zip"])
def test_a_file_that_is_refused_is_closed(net_file, content):
    """A file that is still open could not be removed on Windows."""
    Path(net_file).write_bytes(content)
    before = os.listdir("/proc/self/fd")
    with pytest.raises(mt.DataError) as error:  # the error keeps all objects of the failed call alive
        mt.load(net_file)
    assert os.listdir("/proc/self/fd") == before, str(error.value)


# Nets: files that hold code.


class Trap:
    """An object that creates a folder when it is unpickled."""

    def __reduce__(self):
        return os.mkdir, ("sprung",)


def trap_in(name):
    """Return a function of a path that puts a trap into the file's array of this name."""

    def spoil(path):
        trap = np.empty((), object)
        trap[()] = Trap()
        with np.load(path) as file:
            arrays = dict(file) | {name: trap}
        np.savez(path, allow_pickle=True, **arrays)

    return spoil


def bare_trap(path):
    Path(path).write_bytes(pickle.dumps(Trap()))


def array_of_traps(path):
    with open(path, "wb") as file:
        np.save(file, np.array([Trap()]), allow_pickle=True)


def pickle_in_the_zip(path):
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("training.extra", pickle.dumps(Trap()))


TRAPS = {
    "as header": trap_in("header"),
    "as weight": trap_in("0.weight"),
    "as bias": trap_in("2.bias"),
    "as training state": trap_in("training.state"),
    "as optimizer state": trap_in("training.optimizer.velocity.0.weight"),
    "beside the weights": trap_in("bonus"),
    "instead of the file": bare_trap,
    "instead of the file, in an array": array_of_traps,
}


@by_reader
@pytest.mark.parametrize("spoil", TRAPS.values(), ids=TRAPS)
def test_a_pickled_object_is_never_loaded(refused, net_file, args, spoil):
    spoil(net_file)
    refused(1, args, "net.npz")
    assert not Path("sprung").exists()


def test_a_pickle_beside_the_arrays_is_never_loaded(cli, net_file):
    pickle_in_the_zip(net_file)
    for args in READERS.values():
        result = cli(*args)
        assert result.code in (0, 1)
        assert "Traceback" not in result.err
    assert not Path("sprung").exists()


def test_code_that_a_net_names_is_not_run(cli, net_file):
    Path("trap.py").write_text("import os\nos.mkdir('sprung')\n")

    def change(arrays, content):
        content["tier"] = content["info"]["settings"]["tier"] = "trap.py"

    rewritten(change)(net_file)
    for args in READERS.values():
        cli(*args)
    assert not Path("sprung").exists()


# Nets: a training state that does not fit.


def state(**settings):
    def change(arrays, content):
        arrays["training.state"] = np.array(json.dumps(json.loads(str(arrays["training.state"])) | settings))

    return rewritten(change)


def no_training(arrays, content):
    for name in [name for name in arrays if name.startswith("training.")]:
        del arrays[name]


STATE = "training.state"
VELOCITY = "training.optimizer.velocity.0.weight"
SPOILED_STATES = {
    "none": (rewritten(no_training), "resume"),
    "no settings": (rewritten(lambda arrays, content: content.update(info={})), "resume"),
    "incomplete settings": (rewritten(lambda arrays, content: content["info"]["settings"].pop("n_train")), "resume"),
    "settings that are a list": (rewritten(lambda arrays, content: content["info"].update(settings=[])), "is list"),
    "a state that is a list": (rewritten(lambda arrays, content: arrays.update({STATE: np.array("[]")})), "state"),
    "a position after the end": (state(position=10**6), "position"),
    "a negative epoch": (state(epoch=-1), "epoch"),
    "a random state of another kind": (state(rng_state={"bit_generator": "MT19937"}), "resume"),
    "a velocity of another shape": (rewritten(lambda arrays, content: arrays.update({VELOCITY: X})), "velocity"),
}


@pytest.mark.parametrize(("spoil", "words"), SPOILED_STATES.values(), ids=SPOILED_STATES)
def test_a_run_is_not_resumed_from_a_state_that_does_not_fit(refused, net_file, spoil, words):
    spoil(net_file)
    refused(1, READERS["resume"], "net.npz", words)


# Nets: valid files, but other data.

MISFITS = {
    "points for an image net": ((784, 3, 10), "xor", ["2 features", "784"]),
    "images for a net of points": ((2, 3, 2), "glyphs", ["784 features", "2"]),
    "more classes than the net has": ((2, 3, 2), "blobs", ["2 classes", "blobs has 3"]),
    "fewer classes than the net has": ((2, 3, 3), "xor", ["3 (outputs|classes)|2 classes"]),
}


@pytest.mark.parametrize(("sizes", "data", "words"), MISFITS.values(), ids=MISFITS)
def test_predict_refuses_a_set_that_does_not_fit_the_net(refused, folder, sizes, data, words):
    net = mt.two_layer_net(*sizes)
    net.load_state_dict(net.state_dict() | {"2.bias": 100 * np.arange(sizes[-1])})  # always predicts the last class
    mt.save(net, "net.npz")
    refused(1, ["predict", "net.npz", "--data", data, "--n-test", "20"], *words)


def test_predict_asks_for_a_set_if_the_net_does_not_name_its_own(refused, folder):
    mt.save(mt.two_layer_net(2, 3, 2), "net.npz")
    refused(2, ["predict", "net.npz"], "net.npz", "--data")


def test_predict_refuses_images_for_a_net_of_points(refused, net_file):
    Image.new("L", (28, 28)).save("digit.png")
    refused(1, ["predict", net_file, "--image", "digit.png"], "net.npz", "images")


@pytest.mark.parametrize("tier", ["quantum", "no.py"])
def test_predict_refuses_an_unknown_tier(refused, net_file, tier):
    refused(2, ["predict", net_file, "--tier", tier], tier)


# Images.


def enormous(path):
    """Write a small PNG file that claims 60,000 x 60,000 pixels."""

    def chunk(kind, content):
        return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))

    claim = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 0, 0, 0, 0)
    pixels = zlib.compress(bytes(1000))
    Path(path).write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", claim) + chunk(b"IDAT", pixels) + chunk(b"IEND", b""))


def half_an_image(path):
    Image.effect_noise((200, 200), 50).save(path)
    cut(0.5)(path)


IMAGES = {
    "missing": (lambda path: None, "no such file"),
    "empty": (written(b""), "image"),
    "text": (written(b"not an image"), "image"),
    "truncated": (half_an_image, "image"),
    "a folder": (lambda path: Path(path).mkdir(), "folder|directory"),
    "enormous": (enormous, "image"),
}


@pytest.mark.parametrize(("spoil", "words"), IMAGES.values(), ids=IMAGES)
def test_a_file_that_is_not_an_image_is_refused(refused, folder, spoil, words):
    mt.save(mt.two_layer_net(784, 3, 10), "net.npz", info={"image_shape": (28, 28), "class_names": [*"0123456789"]})
    Image.fromarray(np.uint8(255 * np.eye(28))).save("good.png")
    spoil("bad.png")
    tracemalloc.start()
    try:
        refused(1, ["predict", "net.npz", "--image", "good.png", "bad.png", "--json", "p.json"], "bad.png", words)
        assert tracemalloc.get_traced_memory()[1] < 20 * MB
    finally:
        tracemalloc.stop()


# Custom tiers.

VECTOR = Path(vector.__file__).read_text()
WRONG_TIERS = {
    "an empty file": ("", "is not a tier"),
    "a tier without relu": (VECTOR.replace("def relu(", "def rectify("), "relu"),
    "a tier without support functions": ("def linear(x, weight, bias):\n    pass\n", "asarray, tolist, chunks"),
    "a file that is not Python": ("def linear(x, weight, bias:\n    pass\n", "syntax|never closed"),
    "a file that imports a missing module": ("import nosuchmodule\n" + VECTOR, "nosuchmodule"),
}


@pytest.mark.parametrize(("source", "words"), WRONG_TIERS.values(), ids=WRONG_TIERS)
def test_a_tier_that_cannot_be_used_is_refused(refused, folder, source, words):
    Path("my_tier.py").write_text(source)
    refused(2, [*TRAIN, "--activation", "relu", "--tier", "my_tier.py"], "my_tier.py", words)


def test_exact_mode_is_refused_for_a_custom_tier(refused, folder):
    Path("my_tier.py").write_text(VECTOR)
    refused(2, [*COMPARE, "--exact", "--tiers", "scalar", "my_tier.py"], "my_tier.py", "exact")


@pytest.mark.parametrize("mistake", ["raise ValueError('shapes differ')", "undefined_name", "{}['relu']"])
def test_the_error_locates_a_mistake_inside_a_tier(cli, folder, mistake):
    """One line without a location would not do: the author of the tier must find the mistake."""
    tier = "from micrograd_tiers.tiers.vector import *\n\ndef linear(x, weight, bias):\n    " + mistake + "\n"
    Path("my_tier.py").write_text(tier)
    try:
        result = cli(*TRAIN, "--tier", "my_tier.py")
    except Exception as error:  # Python's own traceback is as good
        places = [(Path(frame.filename).name, frame.lineno) for frame in traceback.extract_tb(error.__traceback__)]
        assert ("my_tier.py", 4) in places
    else:
        assert result.code != 0
        assert re.search(r"my_tier\.py.*\b4\b", result.err)


def test_an_op_that_is_not_written_yet_is_named(cli):
    assert cli("verify", "--new", "my_tier.py").code == 0
    result = cli(*COMPARE, "--tiers", "scalar", "my_tier.py")
    assert result.code == 1
    assert re.search(r"my_tier\.py, line \d+: linear is not written yet.*\n$", result.err)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("--patience 2", ["--patience needs .*--validation N"]),
        ("--keep-best", ["--keep-best needs .*--validation N"]),
        ("--validation 20", ["--validation: "]),
        ("--layers=linear:0", ["--layers: Linear: out_features is 0"]),
        ("--layers=foo", ["--layers: unknown layer 'foo'"]),
        ("--layers=max:2", ["--layers: max_pool2d"]),
        ("--layers=linear:4 --hidden 3", ["--layers already .* leave out --hidden$"]),
        ("--optimizer adam --momentum 0.9", ["--momentum needs --optimizer sgd"]),
        ("--optimizer adam --nesterov", ["--nesterov needs --optimizer sgd"]),
        ("--nesterov", ["--nesterov needs a --momentum"]),
        ("--drop-last", ["--batch-size: "]),
        ("--layers=batchnorm --batch-size 1", ["--batch-size: "]),
        ("--tier scalar --dtype float32", ["--tier: "]),
        ("--tier scalar --layers=batchnorm", ["--tier: "]),
    ],
)
def test_settings_that_do_not_go_together_are_refused_by_the_names_of_their_options(refused, options, words):
    refused(
        2, ("train", "--data", "moons", "--n-train", "20", "--n-test", "5", "--epochs", "1", *options.split()), *words
    )
