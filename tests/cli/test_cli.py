"""The command line as a user sees it: compare, train (also stopped and resumed), predict, data and help."""

import contextlib
import functools
import hashlib
import http.server
import itertools
import json
import os
import re
import shlex
import signal
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
from idx_files import real_data, write_set
from PIL import Image

import micrograd_tiers as mt
from micrograd_tiers.cli import main
from micrograd_tiers.datasets import (
    DATASETS,
    TEXTS,
    Standardizer,
    draw_glyphs,
    load_dataset,
    prepare_digit,
    read_image,
)
from micrograd_tiers.datasets.download import SOURCES, Source
from micrograd_tiers.pools import Pool
from micrograd_tiers.recipe import Recipe
from micrograd_tiers.tiers import TIERS, vector
from micrograd_tiers.trainer import Trainer

SMALL = ("--n-train", "200", "--n-test", "50")
XOR = ("--data", "xor", *SMALL, "--hidden", "3")
GLYPHS = ("--data", "glyphs", *SMALL, "--hidden", "16")
BATCH = ("--batch-size", "32")  # 7 steps per epoch of 200 samples, the last one short
STEPS = 7

OWN_TIER = """
from micrograd_tiers.tiers import vector
from micrograd_tiers.tiers.vector import *

def linear(x, weight, bias):
    y, (dx, dweight, dbias) = vector.linear(x, weight, bias)
    return y, (lambda dy: {dx}, lambda dy: {dweight}, lambda dy: {dbias})
"""
RIGHT = {"dx": "dx(dy)", "dweight": "dweight(dy)", "dbias": "dbias(dy)"}


def own_tier(path="my_tier.py", **wrong):
    """Write a custom tier with these vjps of linear instead of the right ones; return its path."""
    Path(path).write_text(OWN_TIER.format(**RIGHT | wrong))
    return path


def json_of(path):
    """Return the contents of a JSON file; fail on NaN and infinity, which are not valid JSON."""
    return json.loads(Path(path).read_text(), parse_constant=lambda name: pytest.fail(f"{path} holds {name}"))


def assert_picture(path, kind="PNG"):
    """Assert that the file is a picture of a reasonable size and more than one color."""
    with Image.open(path) as image:
        assert image.format == kind
        assert min(image.size) > 200
        assert len(image.convert("RGB").getcolors(2**24)) > 5


def rows_of(table):
    """Return the rows of the table that compare prints, as lists of columns keyed by tier."""
    below_head = itertools.dropwhile(lambda line: not line.startswith("tier "), table.splitlines())
    lines = itertools.takewhile(lambda line: not line.startswith("After"), itertools.islice(below_head, 1, None))
    return {columns[0]: columns[1:] for columns in map(str.split, lines) if columns}


def saved(path):
    """Return all arrays of a checkpoint, with the header parsed."""
    with np.load(path) as file:
        arrays = dict(file)
    return arrays | {"header": json.loads(str(arrays["header"]))}


def assert_same_bits(path, other):
    """Assert that two checkpoints are equal in everything: settings, weights, history and optimizer state."""
    a, b = saved(path), saved(other)
    assert a.pop("header") == b.pop("header")
    assert {name: (array.shape, array.tobytes()) for name, array in a.items()} == {
        name: (array.shape, array.tobytes()) for name, array in b.items()
    }


def sha256(net):
    """Return the SHA-256 of the weights in the order of state_dict()."""
    return hashlib.sha256(b"".join(array.tobytes() for array in net.state_dict().values())).hexdigest()


def xor_by_hand(n_train=200, n_test=50, seed=0):
    """Return the samples and labels that the command line trains and tests on."""
    data = load_dataset("xor", n_train=n_train, n_test=n_test, seed=seed)
    scale = Standardizer.fit(data.train_x)
    return scale(data.train_x), data.train_y, scale(data.test_x), data.test_y


# compare


def test_compare_prints_a_table_and_one_verdict_and_draws_a_picture(cli):
    result = cli("compare", "--data", "xor", *SMALL)
    assert result.code == 0
    assert "2-3-2 on xor" in result.out
    assert "200 samples" in result.out
    rows = rows_of(result.out)
    assert [*rows] == [*TIERS]
    speeds = [float(rows[tier][0].replace(",", "")) for tier in TIERS]
    factors = [float(rows[tier][1].rstrip("x").replace(",", "")) for tier in TIERS]
    for factor, speed in zip(factors, speeds, strict=True):  # all are rounded: speeds to 1, factors to 0.1
        assert abs(factor - speed / speeds[0]) <= 0.051 + 0.6 * (1 + factor) / speeds[0]
    assert len({rows[tier][2] for tier in TIERS}) == 1, "the losses, printed to four digits, are the same"
    assert len({rows[tier][3] for tier in TIERS}) == 1, "the accuracies too"
    assert rows["scalar"][4] == "(reference)"
    assert max(float(rows[tier][4]) for tier in TIERS[1:]) < 1e-13
    (verdict,) = [line for line in result.out.splitlines() if "they are the same network" in line]
    assert f"After {STEPS} steps" in verdict
    assert_picture("compare.png")


@pytest.mark.parametrize("seed", [0, 3])
def test_the_json_of_compare_agrees_with_training_by_hand(cli, seed):
    assert cli("compare", *XOR, "--seed", seed, "--json", "c.json").code == 0
    content = json_of("c.json")
    assert (content["command"], content["seed"], content["init"]) == ("compare", seed, "xavier")
    (comparison,) = content["comparisons"]
    assert comparison["same"] is True
    assert "same network" in comparison["verdict"]
    assert (comparison["steps"], comparison["steps_per_epoch"], comparison["n_samples"]) == (STEPS, STEPS, 200)

    X, y, test_x, test_y = xor_by_hand(seed=seed)
    reference = None
    for tier, result in zip(TIERS, comparison["tiers"], strict=True):
        net = mt.two_layer_net(2, 3, 2, tier=tier, seed=seed)
        history = mt.fit(net, X, y, optimizer=mt.SGD(0.5), batch_size=32, seed=seed)
        weights = np.concatenate([array.ravel() for array in net.state_dict().values()])
        reference = weights if reference is None else reference
        scores = mt.evaluate(net, test_x, test_y)
        assert result["tier"] == tier
        assert result["sha256"] == sha256(net)
        assert result["batch_loss"] == history.batch_loss
        assert (result["loss"], result["accuracy"]) == (scores["loss"], scores["accuracy"])
        assert (result["epoch_loss"], result["epoch_accuracy"]) == (scores["loss"], scores["accuracy"])
        assert result["weight_difference"] == np.abs(weights - reference).max()
        assert result["samples_per_second"] > 0
    assert comparison["largest_weight"] == np.abs(reference).max()


@pytest.mark.parametrize("data", [XOR, GLYPHS], ids=["xor", "glyphs"])
def test_exact_compare_shows_equal_hashes(cli, data):
    result = cli("compare", *data, "--exact", "--seconds", "0.5", "--json", "c.json")
    assert result.code == 0
    hashes = re.findall(r"^SHA-256 .*\b(scalar|vector|tensor)\b.* ([0-9a-f]{64})$", result.out, re.MULTILINE)
    assert [tier for tier, _ in hashes] == [*TIERS]
    assert len({sha for _, sha in hashes}) == 1
    assert "bit for bit" in result.out
    (comparison,) = json_of("c.json")["comparisons"]
    assert {result["sha256"] for result in comparison["tiers"]} == {hashes[0][1]}
    assert {result["weight_difference"] for result in comparison["tiers"]} == {0.0}


def test_exact_compare_says_so_if_one_bit_differs(cli, monkeypatch):
    hashes = iter(["a" * 64, "a" * 64, "b" * 64])
    monkeypatch.setattr("micrograd_tiers.lab.comparison.sha256_of_weights", lambda net: next(hashes))
    result = cli("compare", *XOR, "--exact", "--json", "c.json")
    assert result.code == 1
    assert "NOT the same" in result.out
    assert json_of("c.json")["comparisons"][0]["same"] is False


def test_compare_depends_on_the_seed_and_is_reproducible(cli):
    found = []
    for seed in (3, 3, 4):
        assert cli("compare", *XOR, "--seed", seed, "--json", "c.json").code == 0
        (comparison,) = json_of("c.json")["comparisons"]
        for result in comparison["tiers"]:
            del result["samples_per_second"]
        found.append(comparison)
    assert found[0] == found[1]
    assert found[0] != found[2]


def test_compare_stops_the_reference_at_the_time_limit_and_lets_the_others_finish(cli):
    result = cli("compare", *GLYPHS, "--batch-size", "10", "--seconds", "1e-9", "--json", "c.json")
    assert result.code == 0
    assert "784-16-10 on glyphs" in result.out
    assert "After 1 step no weight" in result.out
    assert "(out of time)" in result.out
    (comparison,) = json_of("c.json")["comparisons"]
    assert comparison["steps"] == 1
    assert [len(result["batch_loss"]) for result in comparison["tiers"]] == [1, 20, 20]
    assert [result["epoch_loss"] is None for result in comparison["tiers"]] == [True, False, False]


def test_compare_trains_an_image_net_at_all_tiers(cli):
    result = cli("compare", *GLYPHS, "--seconds", "0.5")
    assert result.code == 0
    assert [*rows_of(result.out)] == [*TIERS]
    assert "same network" in result.out
    assert_picture("compare.png")


@pytest.mark.parametrize("mnist_is_here", [False, True], ids=["glyphs", "mnist"])
def test_compare_without_data_uses_points_and_images_and_prefers_mnist(cli, monkeypatch, mnist_is_here):
    if mnist_is_here:
        write_set(Path("sets/mnist"), n_train=200, n_test=50)
        monkeypatch.setenv("MICROGRAD_TIERS_DATA", "sets")
    result = cli("compare", *SMALL, "--hidden", "4", "--seconds", "0.3", "--json", "c.json")
    assert result.code == 0
    points, images = json_of("c.json")["comparisons"]
    assert (points["net"], images["net"]) == ("2-4-2", "784-4-10")
    assert points["data"].startswith("ellipse")
    assert images["data"].startswith("mnist" if mnist_is_here else "glyphs")
    assert result.out.count("same network") == 2


def test_compare_uses_the_given_tiers_and_the_first_as_reference(cli):
    result = cli("compare", *XOR, "--tiers", "tensor", "vector", "--picture", "tiers.svg")
    assert result.code == 0
    rows = rows_of(result.out)
    assert [*rows] == ["tensor", "vector"]
    assert rows["tensor"][4] == "(reference)"
    assert "<svg" in Path("tiers.svg").read_text()


@pytest.mark.parametrize("hidden", [[], [5], [4, 3]], ids=str)
def test_compare_accepts_any_hidden_sizes_init_rate_and_batch_size(cli, hidden):
    options = ("--init", "kaiming", "--learning-rate", "0.2", "--batch-size", "1000")
    result = cli("compare", "--data", "moons", *SMALL, "--hidden", *hidden, *options, "--json", "c.json")
    assert result.code == 0
    (comparison,) = json_of("c.json")["comparisons"]
    assert comparison["net"] == "-".join(map(str, [2, *hidden, 2]))
    assert (comparison["learning_rate"], comparison["steps"]) == (0.2, 1)


def test_compare_warns_of_threads_and_of_other_libraries(cli, monkeypatch):
    own, torchs = Pool("/site-packages/numpy.libs/a", "OpenBLAS", 1), Pool("/site-packages/torch/lib/b", "OpenMP", 1)
    short = ("compare", "--data", "xor", "--n-train", "64", "--tiers", "tensor", "--seconds", "0.1")

    def warnings(*found):
        monkeypatch.setattr("micrograd_tiers.cli.compare.pools", lambda: found)
        result = cli(*short)
        assert result.code == 0
        assert "Warning" not in result.out
        return [line for line in result.err.splitlines() if line.startswith("Warning: times may be off: ")]

    assert warnings(own) == []
    (line,) = warnings(own, torchs)
    assert "OpenMP of torch" in line
    two = Pool(own.path, "OpenBLAS", 2)
    (line,) = warnings(two)
    assert "set OPENBLAS_NUM_THREADS=1 before Python starts" in line


@pytest.mark.parametrize(
    ("options", "warned"),
    [("tensor scalar", True), ("tensor vector", False), ("tensor scalar --exact", False)],
)
def test_compare_warns_of_kernels_that_hold_back_some_tiers(cli, monkeypatch, options, warned):
    monkeypatch.setattr("micrograd_tiers.cli.compare.pools", lambda: [Pool("/usr/lib/a", "OpenBLAS", 1)])
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    words = ("--data", "xor", "--n-train", "64", "--seconds", "0.1", "--tiers", *options.split())
    result = cli("compare", *words)
    assert result.code == 0
    assert "OPENBLAS_CORETYPE" not in result.out
    assert result.err.count("unset OPENBLAS_CORETYPE\n") == warned


def test_compare_accepts_a_custom_tier(cli):
    Path("my_tier.py").write_text(Path(vector.__file__).read_text())
    result = cli("compare", *XOR, "--tiers", "scalar", "my_tier.py", "--json", "c.json")
    assert result.code == 0
    assert "same network" in result.out
    assert "my_tier.py" in rows_of(result.out), "the whole name, which distinguishes two custom tiers"
    (comparison,) = json_of("c.json")["comparisons"]
    assert [result["tier"] for result in comparison["tiers"]] == ["scalar", "my_tier.py"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"dbias": "0 * dy"},
        {"dx": "-dx(dy)"},
        {"dweight": "dweight(dy) * (1 + 1e-9)"},
        {"dweight": "dweight(dy)[:, ::-1].copy()"},
    ],
    ids=["no dbias", "sign of dx", "a billionth too much", "columns swapped"],
)
def test_compare_says_that_a_wrong_tier_is_not_the_same(cli, wrong):
    result = cli("compare", *XOR, "--tiers", "scalar", "vector", own_tier(**wrong), "--json", "c.json")
    assert result.code == 1
    assert "they are the same network" not in result.out
    assert re.search("weights differ|NOT the same", result.out)
    (comparison,) = json_of("c.json")["comparisons"]
    assert comparison["same"] is False
    assert_picture("compare.png")


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
@pytest.mark.parametrize("wrong", ["dweight", "dbias"])
def test_compare_says_that_a_tier_whose_last_step_gives_nan_is_not_the_same(cli, wrong):
    tier = own_tier(**{wrong: f"{RIGHT[wrong]} * float('nan')"})
    result = cli("compare", *XOR, "--batch-size", "200", "--tiers", "scalar", tier, "--json", "c.json")
    assert result.code in (1, 3)
    assert "they are the same network" not in result.out


def test_compare_that_diverges_says_so_and_writes_nothing(cli, folder):
    result = cli("compare", *XOR, "--learning-rate", "1e308", "--json", "c.json")
    assert result.code == 3
    assert re.search(r"diverged at step \d+.*learning rate", result.err.splitlines()[-1])
    assert [*folder.iterdir()] == []


# train


def test_train_learns_prints_each_epoch_and_saves_the_net(cli):
    result = cli("train", "--data", "xor", *SMALL, "--hidden", "16", *BATCH, "--learning-rate", "1", "--epochs", "60")
    assert result.code == 0
    assert re.findall(r"epoch (\d+)/60: training loss \d", result.out) == [str(n + 1) for n in range(60)]
    (accuracy,) = re.findall(r"test set \(50\): loss .*, accuracy ([\d.]+)%", result.out)
    assert float(accuracy) > 90
    assert "Net: net.npz" in result.out
    assert repr(mt.load("net.npz")) == repr(mt.two_layer_net(2, 16, 2))


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(
    ("options", "optimizer"),
    [
        ("", mt.SGD(0.1)),
        ("--momentum 0.9 --weight-decay 0.01", mt.SGD(0.1, momentum=0.9, weight_decay=0.01)),
        ("--optimizer adam --weight-decay 0.01", mt.Adam(0.001, weight_decay=0.01)),
    ],
    ids=["sgd", "momentum", "adam"],
)
def test_train_gives_the_same_weights_as_fit(cli, tier, options, optimizer):
    assert cli("train", *XOR, *BATCH, *options.split(), "--tier", tier, "--epochs", "3", "--seed", "5").code == 0
    net = mt.two_layer_net(2, 3, 2, tier=tier, seed=5)
    X, y, *_ = xor_by_hand(seed=5)
    history = mt.fit(net, X, y, optimizer=optimizer, batch_size=32, epochs=3, seed=5)
    assert sha256(mt.load("net.npz")) == sha256(net)
    assert saved("net.npz")["training.history.batch_loss"].tolist() == history.batch_loss


def test_exact_train_gives_the_same_weights_at_every_tier(cli):
    for tier in TIERS:
        assert cli("train", *XOR, *BATCH, "--epochs", "2", "--exact", "--tier", tier, "--checkpoint", tier).code == 0
    assert len({sha256(mt.load(tier)) for tier in TIERS}) == 1


def test_train_accepts_a_custom_tier(cli):
    train = ("train", *XOR, "--epochs", "2", "--tier")
    result = cli(*train, own_tier(), "--checkpoint", "own.npz")
    assert result.code == 0
    assert "my_tier.py" in result.out
    assert cli(*train, "vector", "--checkpoint", "vector.npz").code == 0
    own, built_in = (mt.load(path).state_dict() for path in ("own.npz", "vector.npz"))
    for name, weights in built_in.items():  # a custom tier sums over the samples one by one
        np.testing.assert_allclose(own[name], weights, rtol=0, atol=1e-13 * np.abs(weights).max())


OPTIONS = {
    "--data circles": "circles",
    "--n-train 150": 150,
    "--n-test 30": 30,
    "--tier vector": "vector",
    "--hidden 4 5": [4, 5],
    "--hidden": [],
    "--activation tanh": "tanh",
    "--activation relu": "relu",
    "--activation elu": "elu",
    "--init standard_normal": "standard_normal",
    "--dtype float32": "float32",
    "--exact": True,
    "--optimizer adam": "adam",
    "--learning-rate 0.5": 0.5,
    "--momentum 0.5": 0.5,
    "--weight-decay 0.25": 0.25,
    "--batch-size 10": 10,
    "--epochs 3": 3,
    "--validation 20": 20,
    "--drop-last": True,
    "--no-shuffle": True,
    "--no-standardize": True,
    "--seed 7": 7,
}


@pytest.mark.parametrize(("option", "value"), OPTIONS.items(), ids=OPTIONS)
def test_every_option_of_train_is_recorded_and_changes_the_run(cli, option, value):
    plain, other = ("train", *XOR, "--epochs", "2"), option.split()
    assert cli(*plain, "--checkpoint", "plain.npz", "--json", "plain.json").code == 0
    assert cli(*plain, *other, "--checkpoint", "other.npz", "--json", "other.json").code == 0
    before, after = json_of("plain.json"), json_of("other.json")
    assert after["settings"][other[0].strip("-").replace("-", "_")] == value
    if option == "--exact":
        assert saved("other.npz")["header"]["exact"] is True
    elif option == "--tier vector":
        assert saved("other.npz")["header"]["tier"] == "vector"
    elif option == "--n-test 30":
        assert before["history"] == after["history"]
        assert before["test_loss"] != after["test_loss"]
    else:
        assert before["history"] != after["history"]


def test_the_defaults_of_train_are_those_of_its_help(cli, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    help_text = cli("train", "--help").out
    assert cli("train", *SMALL, "--epochs", "1", "--json", "t.json").code == 0
    content = json_of("t.json")
    assert content["settings"] == Recipe(n_train=200, n_test=50, epochs=1).as_json()
    assert content["n_parameters"] == 784 * 300 + 300 + 300 * 10 + 10
    for option, default in {
        "hidden": "300", "activation": "sigmoid; relu for gpt", "init": "xavier; normal:0.08 for gpt",
        "batch-size": "64; 1 for gpt", "schedule": "constant; linear for gpt", "steps": "1000 for gpt",
    }.items():  # fmt: skip
        assert re.search(rf"^ +--{option} .*\s.*\(default: {default}\)$", help_text, re.MULTILINE)


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.1), ("adam", 0.001)])
def test_train_records_the_learning_rate_that_it_used(cli, optimizer, rate):
    assert cli("train", *XOR, "--epochs", "1", "--optimizer", optimizer, "--json", "t.json").code == 0
    assert json_of("t.json")["settings"]["learning_rate"] == rate


def test_train_writes_its_results_as_json(cli):
    run = ("train", *GLYPHS, "--epochs", "3", "--validation", "20", "--batch-size", "64")
    result = cli(*run, "--json", "t.json", "--checkpoint", "g.npz")
    assert result.code == 0
    content = json_of("t.json")
    assert (content["command"], content["checkpoint"]) == ("train", "g.npz")
    assert content["class_names"] == [*"0123456789"]
    assert {name: len(values) for name, values in content["history"].items()} == {
        "batch_loss": 9,
        "train_loss": 3,
        "validation_loss": 3,
        "validation_accuracy": 3,
    }
    counts = np.array(content["confusion_matrix"])
    assert counts.shape == (10, 10)
    assert counts.sum() == 50
    assert content["test_accuracy"] == counts.trace() / 50
    assert content["seconds"] > 0
    assert content["samples_per_second"] > 0
    last = content["history"]["validation_loss"][-1], content["history"]["validation_accuracy"][-1]
    assert f"epoch 3/3: training loss {content['history']['train_loss'][-1]:.4f}, validation loss {last[0]:.4f}, "
    assert f"validation loss {last[0]:.4f}, accuracy {last[1]:.2%}" in result.out
    assert f"loss {content['test_loss']:.4f}, accuracy {content['test_accuracy']:.2%}" in result.out


def test_train_draws_curves_and_confusion_matrix(cli):
    result = cli("train", *GLYPHS, "--epochs", "2", "--curves", "curves.png", "--confusion", "confusion.png")
    assert result.code == 0
    for name in ("curves.png", "confusion.png"):
        assert_picture(name)
        assert name in result.out


def test_train_accepts_a_batch_larger_than_the_set(cli):
    assert cli("train", *XOR, "--batch-size", "1000", "--epochs", "2", "--json", "t.json").code == 0
    assert len(json_of("t.json")["history"]["batch_loss"]) == 2


def rows_on_terminal(start, *args):
    """Run the command line in a terminal of 100 columns; return the rows that the user sees at the end."""
    pty, termios = pytest.importorskip("pty"), pytest.importorskip("termios")
    terminal, of_program = pty.openpty()
    termios.tcsetwinsize(of_program, (24, 100))
    process = start(*args, stdout=of_program, stderr=of_program)
    os.close(of_program)
    shown = b""
    with contextlib.suppress(OSError):  # Linux raises this when the program has closed its end
        while piece := os.read(terminal, 4096):
            shown += piece
    os.close(terminal)
    assert process.wait() == 0
    rows = []
    for line in shown.decode().split("\n"):
        row = ""
        for piece in line.split("\r"):
            row = piece + row[len(piece) :]
        rows.append(row.rstrip())
    return rows


LONG_RUN = ("train", "--data", "xor", "--n-train", "10000", "--hidden", "3", "--tier", "scalar", "--epochs", "2")


def test_train_shows_a_bar_with_loss_and_speed_on_a_terminal(start):
    pytest.importorskip("tqdm")
    rows = rows_on_terminal(start, *LONG_RUN)
    assert any(re.search(r"100%.*samples/s.*loss \d", row) for row in rows), rows


def test_the_bar_does_not_overwrite_the_lines_of_the_epochs(start):
    pytest.importorskip("tqdm")
    rows = rows_on_terminal(start, *LONG_RUN)
    for epoch in (1, 2):
        assert any(row.startswith(f"epoch {epoch}/2: training loss") for row in rows), rows


def test_train_shows_no_bar_with_no_progress(start):
    rows = rows_on_terminal(start, *LONG_RUN, "--no-progress")
    assert not any("samples/s" in row for row in rows)
    assert any(row.startswith("epoch 2/2") for row in rows)


# train: stopping and resuming


OPTIMIZERS = {
    "momentum": ("--optimizer", "sgd", "--momentum", "0.9", "--weight-decay", "0.001"),
    "adam": ("--optimizer", "adam", "--learning-rate", "0.01"),
}
by_optimizer = pytest.mark.parametrize("optimizer", OPTIMIZERS.values(), ids=OPTIMIZERS)
by_tier = pytest.mark.parametrize("tier", TIERS)


def press_ctrl_c(monkeypatch, at_step, times=1):
    """Simulate Ctrl-C during this step."""
    step, count = Trainer.step, itertools.count(1)

    def interrupted(trainer):
        if next(count) == at_step:
            for _ in range(times):
                signal.raise_signal(signal.SIGINT)
        return step(trainer)

    monkeypatch.setattr(Trainer, "step", interrupted)


@by_tier
@by_optimizer
def test_an_extended_run_gives_the_same_bits_as_a_long_one(cli, tier, optimizer):
    run = ("train", *XOR, *BATCH, "--tier", tier, *optimizer, "--validation", "20")
    assert cli(*run, "--epochs", "4", "--checkpoint", "whole.npz").code == 0
    assert cli(*run, "--epochs", "2", "--checkpoint", "half.npz").code == 0
    half = Path("half.npz").read_bytes()
    result = cli("train", "--resume", "half.npz", "--epochs", "4", "--checkpoint", "resumed.npz")
    assert result.code == 0
    assert re.findall(r"epoch (\d)/4", result.out) == ["3", "4"]
    assert_same_bits("resumed.npz", "whole.npz")
    assert Path("half.npz").read_bytes() == half


@by_tier
@by_optimizer
@pytest.mark.parametrize("at_step", [1, STEPS - 1, STEPS, STEPS + 3], ids="step {}".format)
def test_a_run_resumed_after_ctrl_c_gives_the_same_bits(cli, monkeypatch, tier, optimizer, at_step):
    run = ("train", *XOR, *BATCH, "--tier", tier, *optimizer, "--epochs", "2")
    whole = cli(*run, "--checkpoint", "whole.npz")
    assert whole.code == 0
    with monkeypatch.context() as patch:
        press_ctrl_c(patch, at_step)
        result = cli(*run, "--checkpoint", "stopped.npz")
    assert result.code == 130
    epoch, position = divmod(at_step, STEPS)
    assert f"interrupted in epoch {epoch + 1} after {position * 32} samples" in result.err
    assert len(saved("stopped.npz")["training.history.batch_loss"]) == at_step
    resumed = cli("train", "--resume", "stopped.npz")
    assert resumed.code == 0
    assert resumed.out.splitlines()[-2] == whole.out.splitlines()[-2], "loss and accuracy on the test set"
    assert_same_bits("stopped.npz", "whole.npz")


@pytest.mark.parametrize("options", [["--exact"], ["--dtype", "float32"], ["--no-shuffle"], ["--seed", "9"]], ids=str)
def test_a_run_stopped_twice_gives_the_same_bits(cli, monkeypatch, options):
    run = ("train", *GLYPHS, *BATCH, *OPTIMIZERS["adam"], *options, "--epochs", "2")
    assert cli(*run, "--checkpoint", "whole.npz").code == 0
    command = (*run, "--checkpoint", "stopped.npz")
    for at_step in (3, 6):
        with monkeypatch.context() as patch:
            press_ctrl_c(patch, at_step)
            assert cli(*command).code == 130
        command = ("train", "--resume", "stopped.npz")
    assert cli(*command).code == 0
    assert_same_bits("stopped.npz", "whole.npz")


def test_a_second_ctrl_c_stops_at_once_and_keeps_the_last_epoch(cli, folder, monkeypatch):
    press_ctrl_c(monkeypatch, STEPS + 3, times=2)
    before = signal.getsignal(signal.SIGINT)
    result = cli("train", *XOR, *BATCH, "--epochs", "3")
    assert result.code == 130
    assert "interrupted" in result.err
    assert "Traceback" not in result.err
    assert len(saved("net.npz")["training.history.batch_loss"]) == STEPS
    assert [path.name for path in folder.iterdir()] == ["net.npz"]
    assert signal.getsignal(signal.SIGINT) is before


@pytest.mark.parametrize(("cause", "code"), [(KeyboardInterrupt(), 130), (OSError(28, "no space left"), 1)], ids=repr)
def test_an_interrupted_save_leaves_the_old_checkpoint(cli, folder, monkeypatch, cause, code):
    assert cli("train", *XOR, "--epochs", "1").code == 0
    before = Path("net.npz").read_bytes()

    def half(file, **arrays):
        file.write(b"half of a net")
        raise cause

    monkeypatch.setattr(np, "savez", half)
    result = cli("train", *XOR, "--epochs", "2")
    assert result.code == code
    assert len(result.err.splitlines()) == 1
    assert Path("net.npz").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["net.npz"]


@pytest.fixture
def listens_to_ctrl_c():
    """Handle SIGINT even if the tests run in the background of a shell, which makes them ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def test_ctrl_c_stops_compare_and_no_file_is_left(cli, folder, monkeypatch, listens_to_ctrl_c):
    press_ctrl_c(monkeypatch, 10)
    result = cli("compare", *XOR, "--json", "c.json")
    assert result.code == 130
    assert result.err.splitlines()[-1] == "micrograd-tiers: interrupted"
    assert [*folder.iterdir()] == []


PLACES = {
    "the usual file": [],
    "a file with a space in its name": ["--checkpoint", "my net.npz"],
    "a set in a given folder": ["--data", "mnist", "--data-dir", "my sets"],
    "a custom tier": ["--tier", "my_tier.py"],
}


@pytest.mark.parametrize("options", PLACES.values(), ids=PLACES)
def test_the_command_printed_on_ctrl_c_resumes_the_run(cli, monkeypatch, options):
    write_set(Path("my sets"), n_train=200, n_test=50)
    own_tier()
    with monkeypatch.context() as patch:
        press_ctrl_c(patch, 3)
        result = cli("train", *XOR, *options, "--epochs", "2")
    assert result.code == 130
    (command,) = re.findall(r"micrograd-tiers (train --resume .*)$", result.err.strip())
    result = cli(*shlex.split(command))
    assert (result.code, result.err) == (0, "")
    assert "epoch 2/2" in result.out


needs_posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX signals")


@needs_posix
def test_a_real_ctrl_c_exits_130_and_the_resumed_run_has_the_same_hash(cli, start):
    run = ("train", "--data", "xor", "--n-train", "8000", "--hidden", "3", "--tier", "scalar", "--momentum", "0.9")
    process = start(*run, "--epochs", "100000")
    while not process.stdout.readline().startswith("epoch 1/"):
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    _, err = process.communicate()
    assert process.returncode == 130
    (epoch,) = re.findall(r"^micrograd-tiers: interrupted in epoch (\d+) after \d", err)
    assert len(err.splitlines()) == 1
    assert cli("train", "--resume", "net.npz", "--epochs", epoch).code == 0
    assert cli(*run, "--epochs", epoch, "--checkpoint", "whole.npz").code == 0
    assert sha256(mt.load("net.npz")) == sha256(mt.load("whole.npz"))
    assert_same_bits("net.npz", "whole.npz")


@needs_posix
def test_a_killed_run_can_be_resumed_from_its_last_checkpoint(cli, start):
    process = start("train", *XOR, "--epochs", "100000")
    while not process.stdout.readline().startswith("epoch 5/"):
        assert process.poll() is None
    process.kill()
    process.communicate()
    epochs = len(saved("net.npz")["training.history.train_loss"])
    assert epochs >= 5
    assert cli("train", "--resume", "net.npz", "--epochs", epochs + 1).code == 0
    assert cli("train", *XOR, "--epochs", epochs + 1, "--checkpoint", "whole.npz").code == 0
    assert_same_bits("net.npz", "whole.npz")


@pytest.mark.parametrize("option", [option for option in OPTIONS if "epochs" not in option])
def test_a_run_is_not_resumed_with_other_settings(cli, option):
    assert cli("train", *XOR, "--epochs", "1").code == 0
    before = Path("net.npz").read_bytes()
    result = cli("train", "--resume", "net.npz", "--epochs", "2", *option.split())
    assert result.code in (1, 2)
    assert len(result.err.splitlines()) == 1
    assert "net.npz" in result.err
    assert option.split()[0] in result.err
    assert Path("net.npz").read_bytes() == before


def test_a_run_can_be_resumed_with_its_own_settings_repeated(cli):
    run = ("train", *XOR, *BATCH, *OPTIMIZERS["momentum"], "--tier", "vector", "--validation", "20", "--seed", "0")
    assert cli(*run, "--epochs", "1").code == 0
    assert cli(*run, "--epochs", "2", "--resume", "net.npz").code == 0
    assert cli(*run, "--epochs", "2", "--checkpoint", "whole.npz").code == 0
    assert_same_bits("net.npz", "whole.npz")


def test_a_run_can_be_resumed_with_the_default_learning_rate_given(cli):
    assert cli("train", *XOR, "--epochs", "1").code == 0
    assert cli("train", "--resume", "net.npz", "--learning-rate", "0.1", "--epochs", "2").code == 0


def test_a_run_is_not_resumed_with_other_data(cli):
    write_set(Path("a"), n_train=200, n_test=50, seed=0)
    write_set(Path("b"), n_train=200, n_test=50, seed=1)
    run = ("train", "--data", "mnist", "--hidden", "3", "--epochs", "1")
    assert cli(*run, "--data-dir", "a").code == 0
    result = cli("train", "--resume", "net.npz", "--data-dir", "b", "--epochs", "2")
    assert result.code == 1
    assert len(result.err.splitlines()) == 1
    assert "net.npz" in result.err
    assert "samples" in result.err or "data" in result.err
    assert "checksum" not in result.err, "a student knows samples, but not their checksum"


@pytest.mark.parametrize("epochs", [[], ["--epochs", "1"]], ids=["same epochs", "fewer epochs"])
def test_a_finished_run_is_saved_under_the_name_that_is_printed(cli, epochs):
    assert cli("train", *XOR, "--epochs", "2").code == 0
    result = cli("train", "--resume", "net.npz", *epochs, "--checkpoint", "other.npz")
    if result.code == 0:
        assert "Net: other.npz" in result.out
        assert sha256(mt.load("other.npz")) == sha256(mt.load("net.npz"))
    else:
        assert len(result.err.splitlines()) == 1
        assert "epochs" in result.err


# train: divergence


def test_a_diverged_run_names_step_and_cause_exits_3_and_leaves_the_old_checkpoint(cli, folder):
    assert cli("train", *XOR, "--epochs", "1").code == 0
    before = Path("net.npz").read_bytes()
    pictures = ("--curves", "a.png", "--confusion", "b.png")
    result = cli("train", *XOR, *BATCH, "--learning-rate", "1e308", *pictures, "--json", "t.json")
    assert result.code == 3
    (line,) = result.err.splitlines()
    assert re.search(r"diverged at step \d+ \(epoch 1\).*loss is (inf|nan).*learning rate", line)
    assert "1e+308" in line
    assert Path("net.npz").read_bytes() == before
    assert [path.name for path in folder.iterdir()] == ["net.npz"]


def test_weights_that_are_not_finite_are_not_saved(cli):
    """One step per epoch: the loss is finite when the weights overflow, and is not computed again in that epoch."""
    assert cli("train", *XOR, "--epochs", "1").code == 0
    wild = ("--activation", "relu", "--init", "standard_normal", "--learning-rate", "1.7e308")
    result = cli("train", *XOR, "--hidden", "50", "50", "--batch-size", "200", *wild)
    assert result.code == 3
    for name, array in mt.load("net.npz").state_dict().items():
        assert np.isfinite(array).all(), name


@pytest.mark.filterwarnings("ignore:.*encountered in:RuntimeWarning")
def test_a_run_that_diverges_in_its_last_step_fails_too(cli):
    run = ("train", *XOR, "--hidden", "50", "--activation", "relu", "--batch-size", "200", "--learning-rate", "1e300")
    result = cli(*run, "--epochs", "1", "--json", "t.json")
    assert result.code == 3
    assert "diverged" in result.err
    assert "nan" not in result.out


def test_a_run_whose_validation_diverges_stops_there_and_saves_nothing(cli):
    assert cli("train", *XOR, "--epochs", "1").code == 0
    before = Path("net.npz").read_bytes()
    wild = ("--hidden", "50", "--activation", "relu", "--batch-size", "200", "--learning-rate", "1e300")
    result = cli("train", *XOR, *wild, "--validation", "20")
    assert result.code == 3
    assert re.search(r"diverged at step 1 \(epoch 1\): the validation loss is (nan|inf)", result.err)
    assert Path("net.npz").read_bytes() == before


# predict


class Trained:
    """A net trained from the command line, and the results that train wrote."""

    def __init__(self, folder, *options):
        self.path, results = folder / "net.npz", folder / "train.json"
        assert main(["train", *options, "--checkpoint", str(self.path), "--json", str(results)]) == 0
        self.net, self.results = mt.load(self.path), json_of(results)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """A net trained on glyphs."""
    learn = ("--hidden", "32", "--optimizer", "adam", "--learning-rate", "0.01", "--epochs", "15")
    size = ("--n-train", "1000", "--n-test", "50")
    return Trained(tmp_path_factory.mktemp("digits"), "--data", "glyphs", *size, *learn)


@pytest.fixture(scope="module")
def points(tmp_path_factory):
    """A net trained on xor, with another seed and other numbers of samples than the defaults."""
    options = (*XOR, "--hidden", "16", "--learning-rate", "1", "--epochs", "40", "--seed", "3")
    return Trained(tmp_path_factory.mktemp("points"), *options)


@pytest.mark.parametrize("trained", ["digits", "points"])
@pytest.mark.parametrize("tier", [None, *TIERS])
def test_predict_reproduces_the_results_of_training(cli, request, trained, tier):
    trained = request.getfixturevalue(trained)
    options = () if tier is None else ("--tier", tier)
    result = cli("predict", trained.path, *options, "--json", "p.json")
    assert result.code == 0
    content, expected = json_of("p.json"), trained.results
    assert (content["command"], content["data"]) == ("predict", expected["settings"]["data"])
    assert content["confusion_matrix"] == expected["confusion_matrix"]
    assert content["accuracy"] == expected["test_accuracy"]
    assert content["loss"] == pytest.approx(expected["test_loss"], rel=1e-12)
    assert len(content["predicted"]) == 50
    assert f"accuracy {expected['test_accuracy']:.2%}" in result.out
    for name, counts, c in zip(content["class_names"], content["confusion_matrix"], range(10), strict=False):
        assert re.search(rf"^ +{name} +{counts[c]} of +{sum(counts)} right", result.out, re.MULTILINE)


@pytest.mark.parametrize("trained", ["digits", "points"])
def test_predict_draws_right_and_wrong_predictions(cli, request, trained):
    result = cli("predict", request.getfixturevalue(trained).path, "--picture", "p.png")
    assert result.code == 0
    assert "p.png" in result.out
    assert_picture("p.png")


def test_the_picture_of_predict_marks_right_and_wrong_predictions(cli, digits, monkeypatch):
    drawn = {}
    monkeypatch.setattr("micrograd_tiers.plots.image_grid", lambda *args, **options: drawn.update(options, args=args))
    assert cli("predict", digits.path, "--n-test", "300", "--picture", "p.png", "--json", "p.json").code == 0
    content = json_of("p.json")
    right = np.trace(content["confusion_matrix"])
    assert 150 < right < 300, "the net has learned something, but not all"
    assert f"{right} right, {300 - right} wrong" in drawn["title"]
    images, captions = drawn["args"]
    truth = load_dataset("glyphs", n_train=1, n_test=300)
    for image, caption, color in zip(images, captions, drawn["colors"], strict=True):
        (n,) = np.flatnonzero((truth.test_x == image.ravel()).all(axis=1))
        said, is_ = content["predicted"][n], truth.test_y[n]
        assert caption == (str(said) if said == is_ else f"{said}, is {is_}")
        assert (color == drawn["colors"][0]) == (said == is_)


def test_predict_standardizes_another_set_as_in_training(cli, points):
    result = cli("predict", points.path, "--data", "moons", "--n-test", "40", "--seed", "5", "--json", "p.json")
    assert result.code == 0
    assert "40 test samples" in result.out
    train_x = load_dataset("xor", n_train=200, seed=3).train_x
    moons = load_dataset("moons", n_test=40, seed=5)
    assert json_of("p.json")["predicted"] == points.net.predict(Standardizer.fit(train_x)(moons.test_x)).tolist()


def test_predict_accepts_a_net_saved_from_python(cli):
    net = mt.two_layer_net(2, 3, 2, tier="scalar")
    mt.save(net, "mine.npz")
    result = cli("predict", "mine.npz", "--data", "xor", "--n-test", "30", "--json", "p.json")
    assert result.code == 0
    assert json_of("p.json")["predicted"] == net.predict(load_dataset("xor", n_test=30).test_x).tolist()


def gray(pixels):
    return Image.fromarray(pixels)


def rgb(pixels):
    return Image.fromarray(np.stack([pixels] * 3, axis=-1))


def rgba(pixels):
    """White ink on a transparent background."""
    return Image.fromarray(np.stack([np.full_like(pixels, 255)] * 3 + [pixels], axis=-1))


def dark_rgba(pixels):
    """Black ink on a transparent background, as drawing programs save it."""
    return Image.fromarray(np.stack([np.zeros_like(pixels)] * 3 + [pixels], axis=-1))


def sixteen_bits(pixels):
    return Image.fromarray(pixels.astype(np.uint16) * 257)


def palette(pixels):
    image = Image.frombytes("P", (28, 28), pixels.tobytes())
    image.putpalette([level for level in range(256) for _ in range(3)])
    return image


def turned(pixels):
    """Turned by 90 degrees, with an EXIF tag that says so, as phones save a picture that was taken upright."""
    image = Image.fromarray(np.rot90(pixels).copy())
    image.getexif()[0x0112] = 6
    return image


FORMS = {
    "gray": (gray, []),
    "rgb": (rgb, []),
    "rgba": (rgba, []),
    "palette": (palette, []),
    "16 bits": (sixteen_bits, []),
    "turned": (turned, []),
    "dark on white": (lambda pixels: gray(255 - pixels), ["--invert"]),
    "dark on transparent": (dark_rgba, ["--invert"]),
}


@pytest.fixture(scope="module")
def drawings():
    """Six images of digits, as (6, 28, 28) bytes."""
    X, _ = draw_glyphs(6, rng=np.random.default_rng(5))
    return np.rint(255 * X).astype(np.uint8).reshape(-1, 28, 28)


def classify(cli, net, images, *options):
    """Save the images as PNG files, predict, and return the result and its JSON."""
    names = [f"image {n}.png" for n in range(len(images))]
    for image, name in zip(images, names, strict=True):
        image.save(name, exif=image.getexif())
    result = cli("predict", net, "--image", *names, *options, "--json", "p.json")
    assert (result.code, result.err) == (0, "")
    return result, json_of("p.json")


@pytest.mark.parametrize(("form", "options"), FORMS.values(), ids=FORMS)
def test_predict_classifies_image_files_of_every_kind(cli, digits, drawings, form, options):
    result, content = classify(cli, digits.path, [form(pixels) for pixels in drawings], "--as-is", *options)
    expected = digits.net.predict_proba(drawings.reshape(6, -1) / 255)
    np.testing.assert_allclose(content["probabilities"], expected, rtol=0, atol=1e-9)
    assert content["predicted"] == [str(c) for c in expected.argmax(axis=1)]
    assert content["images"] == [f"image {n}.png" for n in range(6)]
    for line, p in zip(result.out.splitlines(), expected, strict=True):
        best = np.argsort(-p)[:3]
        assert line.endswith(": " + ", ".join(f"{c} ({p[c]:.1%})" for c in best))


@pytest.mark.parametrize(("rows", "columns"), [(slice(None), slice(4, 24)), (slice(6, 22), slice(None))], ids=str)
def test_predict_pads_an_image_that_is_not_square_with_black(cli, digits, drawings, rows, columns):
    cut = [gray(pixels[rows, columns].copy()) for pixels in drawings]
    kept = np.zeros((6, 28, 28))
    kept[:, rows, columns] = drawings[:, rows, columns] / 255
    _, content = classify(cli, digits.path, cut, "--as-is")
    np.testing.assert_allclose(content["probabilities"], digits.net.predict_proba(kept.reshape(6, -1)), atol=1e-9)


@pytest.mark.parametrize("options", [[], ["--as-is"]], ids=str)
def test_predict_draws_the_images_that_it_was_given(cli, digits, drawings, options):
    result, _ = classify(cli, digits.path, [gray(pixels) for pixels in drawings], "--picture", "p.png", *options)
    assert "p.png" in result.out
    assert_picture("p.png")


def test_a_net_of_digits_gets_prepared_digits(cli, digits, drawings):
    """Digits on a page: at a place of their own, dark on gray, three times as large."""
    pages = []
    for pixels in drawings:
        page = np.full((150, 120), 200)
        page[50:134, 10:94] -= (pixels // 2).repeat(3, axis=0).repeat(3, axis=1)
        pages.append(gray(page.astype(np.uint8)))
    _, content = classify(cli, digits.path, pages)
    prepared = [prepare_digit(read_image(f"image {n}.png")) for n in range(6)]
    expected = digits.net.predict_proba(np.stack([digit.image.ravel() for digit in prepared]))
    np.testing.assert_allclose(content["probabilities"], expected, rtol=0, atol=1e-9)
    assert content["boxes"] == [list(digit.box) for digit in prepared]
    _, inverted = classify(cli, digits.path, pages, "--invert")
    assert inverted == content, "prepared digits do not need --invert"


def test_a_blank_page_is_refused_before_anything_is_written(cli, digits, drawings):
    gray(drawings[0]).save("digit.png")
    gray(np.full((100, 100), 250, np.uint8)).save("page.png")
    images = ("--image", "digit.png", "page.png")
    result = cli("predict", digits.path, *images, "--json", "p.json", "--picture", "p.png")
    assert (result.code, result.out) == (1, "")
    text = "micrograd-tiers: page.png: no figure found: contrast 0.00"
    assert result.err.startswith(text)
    assert result.err.endswith("; --as-is takes the picture unprepared\n")
    assert result.err.count("\n") == 1
    assert not Path("p.json").exists()
    assert not Path("p.png").exists()
    assert cli("predict", digits.path, *images, "--as-is").code == 0


def test_a_range_that_had_to_be_guessed_is_named_in_one_line(cli, digits, drawings):
    Image.fromarray(drawings[0].astype(np.int32)).save("digit.tif")
    result = cli("predict", digits.path, "--image", "digit.tif")
    assert result.code == 0
    assert re.fullmatch(r"micrograd-tiers: digit.tif: its gray values are 0 to \d+; 0 is .* 255 as white\n", result.err)


def test_clothes_are_not_prepared(cli, drawings):
    write_set(Path("sets/fashion-mnist"))
    train = ("train", "--data", "fashion-mnist", "--data-dir", "sets", "--hidden", "3", "--epochs", "1")
    assert cli(*train, "--n-train", "10", "--n-test", "5").code == 0
    net = mt.load("net.npz")
    _, content = classify(cli, "net.npz", [gray(pixels) for pixels in drawings])
    expected = net.predict_proba(drawings.reshape(6, -1) / 255)
    np.testing.assert_allclose(content["probabilities"], expected, rtol=0, atol=1e-9)
    assert content["boxes"] is None


@pytest.mark.parametrize("size", [(80, 40), (40, 80), (280, 140), (8, 4)], ids=str)
def test_an_image_keeps_its_proportions_and_is_centered(folder, size):
    Image.new("L", size, 255).save("white.png")
    image = read_image("white.png", (28, 28))
    wide = np.zeros((28, 28))
    wide[7:21] = 1
    np.testing.assert_allclose(image, wide if size[0] > size[1] else wide.T, atol=0.01)


# data


def test_data_list_says_where_every_set_is(cli, monkeypatch):
    write_set(Path("sets/fashion-mnist"))
    monkeypatch.setenv("MICROGRAD_TIERS_DATA", "sets")
    result = cli("data", "list", "--json", "d.json")
    assert result.code == 0
    lines = dict(line.split(maxsplit=1) for line in result.out.splitlines())
    assert [*lines] == [*DATASETS, *TEXTS]
    assert lines["glyphs"].startswith("drawn")
    assert lines["mnist"] == "not found; to download it: micrograd-tiers data download mnist"
    assert lines["makemore-names"] == "not found; to download it: micrograd-tiers data download names"
    assert lines["fashion-mnist"] == str(Path("sets/fashion-mnist"))
    content = json_of("d.json")
    assert (content["mnist"], content["fashion-mnist"]) == (None, str(Path("sets/fashion-mnist")))
    assert content["command"] == "data list"


def test_data_list_looks_in_the_given_folder(cli):
    write_set(Path("here"), suffix="")
    assert re.search(r"^mnist +here$", cli("data", "list", "--data-dir", "here").out, re.MULTILINE)


@pytest.mark.parametrize("name", [name for name in DATASETS if "mnist" not in name])
def test_data_show_draws_every_set(cli, name):
    result = cli("data", "show", name, "--json", "d.json")
    assert result.code == 0
    assert f"{name}.png" in result.out
    assert_picture(f"{name}.png")
    content = json_of("d.json")
    assert (content["command"], content["data"], content["picture"]) == ("data show", name, f"{name}.png")


def test_data_show_draws_the_requested_number_of_images(cli):
    arrays = write_set(Path("sets"), n_train=20)
    show = ("data", "show", "fashion-mnist", "--data-dir", "sets", "--picture", "some.png", "--json", "d.json")
    assert cli(*show, "--n", "7").code == 0
    assert json_of("d.json")["labels"] == arrays["train"][1][:7].tolist()
    assert_picture("some.png")


class Quiet(http.server.SimpleHTTPRequestHandler):
    """A file server that logs nothing."""

    def log_message(self, *args):
        pass


def test_data_download_fetches_a_set_that_can_then_be_trained_on(cli, folder, monkeypatch):
    pytest.importorskip("pooch")
    write_set(folder / "mirror", n_train=50)
    sums = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (folder / "mirror").iterdir()}
    for module in ("download", "mnist"):
        monkeypatch.setattr(f"micrograd_tiers.datasets.{module}.cache_folder", lambda name: folder / "cache" / name)
    monkeypatch.setenv("NO_PROXY", "*")
    handler = functools.partial(Quiet, directory=folder / "mirror")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        monkeypatch.setitem(SOURCES, "mnist", Source((f"http://127.0.0.1:{server.server_port}/",), sums))
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        result = cli("data", "download", "mnist", "--no-progress", "--json", "d.json")
        server.shutdown()
        thread.join()
    assert (result.code, result.err) == (0, "")
    place = str(folder / "cache" / "mnist")
    assert place in result.out
    assert json_of("d.json") == {"command": "data download", "mnist": place}
    assert place in cli("data", "list").out
    assert cli("train", "--data", "mnist", "--n-train", "50", "--hidden", "3", "--epochs", "1").code == 0


def test_data_download_fetches_the_names_of_makemore(cli, monkeypatch):
    monkeypatch.setattr("micrograd_tiers.datasets.download.download", lambda name, progress: f"cache/{name}")
    assert cli("data", "download", "names").out == "names: cache/names\n"
    Path("sets/names").mkdir(parents=True)
    Path("sets/names/names.txt").write_text("ada\nbo\n")
    assert re.search(r"^makemore-names +sets.names.names\.txt$", cli("data", "list", "--data-dir", "sets").out, re.M)


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist"])
def test_the_real_sets_can_be_found_trained_on_and_predicted(cli, name):
    place = ("--data-dir", real_data(name))
    assert str(place[1]) in cli("data", "list", *place).out
    assert cli("train", "--data", name, *place, *SMALL, "--hidden", "16", "--epochs", "1", "--json", "t.json").code == 0
    assert cli("predict", "net.npz", *place, "--json", "p.json").code == 0
    assert json_of("p.json")["accuracy"] == json_of("t.json")["test_accuracy"]


# help


COMMANDS = [
    [],
    ["compare"],
    ["train"],
    ["predict"],
    ["generate"],
    ["data"],
    ["data", "list"],
    ["data", "download"],
    ["data", "show"],
    ["check"],
    ["verify"],
    ["benchmark"],
    ["bugs"],
    ["bugs", "show"],
    ["bugs", "train"],
    ["bugs", "quiz"],
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_help_says_what_each_option_does(cli, command, monkeypatch):
    monkeypatch.setenv("COLUMNS", "1000")
    result = cli(*command, "--help")
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(" ".join(["usage: micrograd-tiers", *command]))
    options = re.split(r"^  (?=-)", result.out, flags=re.MULTILINE)[1:]  # each with all its lines
    assert options
    for option in options:
        assert re.match(r"-.*\S\s{2,}\S", option), f"{option} is not explained"


@pytest.mark.parametrize("command", [*COMMANDS, ["--version"]], ids=" ".join)
def test_help_imports_neither_numpy_nor_matplotlib(folder, command):
    import subprocess

    script = (
        "import sys; from micrograd_tiers.cli import main\n"
        "code = main(sys.argv[1:])\n"
        "heavy = {'numpy', 'matplotlib', 'PIL', 'tqdm', 'pooch', 'scipy', 'torch'} & sys.modules.keys()\n"
        "sys.exit(code or str(heavy) if heavy else 0)"
    )
    options = [] if command == ["--version"] else ["--help"]
    done = subprocess.run([sys.executable, "-c", script, *command, *options], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert "micrograd-tiers" in done.stdout


def test_version_is_that_of_the_package(cli):
    assert cli("--version").out == f"micrograd-tiers {mt.__version__}\n"


# compare: results that only look alike


def test_compare_notices_a_tier_whose_loss_is_wrong_though_its_gradients_are_right(cli):
    source = Path(vector.__file__).read_text()
    assert "return loss, (dlogits,)" in source
    Path("my_tier.py").write_text(source.replace("return loss, (dlogits,)", "return 2 * loss, (dlogits,)"))
    result = cli("compare", "--data", "xor", "--n-train", "200", "--n-test", "50", "--tiers", "scalar", "my_tier.py")
    assert result.code == 1
    assert "training losses of the my_tier.py tier are off" in result.out


def test_compare_names_the_wrong_tier_and_suggests_no_option_that_it_refuses(cli):
    source = Path(vector.__file__).read_text().replace("lambda dy: dy.copy()", "lambda dy: 2 * dy")
    Path("my_tier.py").write_text(source)
    result = cli("compare", "--data", "xor", "--n-train", "200", "--n-test", "50", "--tiers", "scalar", "my_tier.py")
    assert result.code == 1
    assert "weights of the my_tier.py tier are off" in result.out
    assert "--exact" not in result.out


def test_compare_does_not_call_diverged_runs_the_same(cli):
    sizes = ("--n-train", "200", "--n-test", "50", "--hidden", "50", "50", "--batch-size", "1000")
    result = cli("compare", "--data", "xor", *sizes, "--learning-rate", "1e307")
    assert result.code == 3
    assert "diverged" in result.err


def test_predict_needs_only_the_test_files(cli):
    write_set(Path("set"))
    assert cli("train", "--data", "mnist", "--data-dir", "set", "--hidden", "2", "--epochs", "1").code == 0
    for file in Path("set").glob("train-*"):
        file.unlink()
    assert cli("predict", "net.npz", "--data-dir", "set").code == 0
