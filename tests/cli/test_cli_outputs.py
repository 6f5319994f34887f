"""Results: written to regular files only, before pictures, and with losses of any size in a readable form."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from matplotlib.figure import Figure

import micrograd_tiers as mt
from micrograd_tiers.formats import cut, loss_text
from micrograd_tiers.lab.studies.study import mean_and_deviation
from micrograd_tiers.trainer import Trainer

XOR = ("--data", "xor", "--n-train", "200", "--n-test", "50", "--hidden", "3")
TRAIN = ("train", *XOR, "--epochs", "1")
posix = pytest.mark.skipif(os.name != "posix", reason="needs POSIX devices")

OUTPUTS = [
    (TRAIN, "--json"),
    (TRAIN, "--checkpoint"),
    (TRAIN, "--curves"),
    (("compare", *XOR), "--picture"),
    (("predict", "net.npz"), "--json"),
    (("data", "list"), "--json"),
    (("data", "show", "xor"), "--picture"),
    (("bugs", "train", "linear_bias_missing"), "--json"),
    (("verify", "my_tier.py"), "--json"),
    (("check",), "--json"),
    (("benchmark",), "--json"),
    (("benchmark", "--all"), "--history"),
]
every_output = pytest.mark.parametrize(
    ("command", "option"), OUTPUTS, ids=[f"{command[0]} {option}" for command, option in OUTPUTS]
)


@pytest.fixture
def no_work(monkeypatch):
    monkeypatch.setattr(Trainer, "step", lambda trainer: pytest.fail("training began"))


# Files that are not files.


@posix
@every_output
@pytest.mark.parametrize("place", ["/dev/stdout", "/dev/stderr", "/dev/null", "/dev/fd/1", "link", "loop"])
def test_a_stream_or_device_is_refused_before_the_work_begins(cli, no_work, command, option, place):
    Path("link").symlink_to("/dev/stdout")
    Path("loop").symlink_to("loop")
    result = cli(*command, option, place)
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(rf"micrograd-tiers: {place} is .*, expected the name of a file to write\n", result.err)
    assert {path.name for path in Path().iterdir()} == {"link", "loop"}


@posix
@pytest.mark.parametrize("name", ["/dev/stdout", "log.txt", "/dev/fd/1", "other name"])
def test_a_log_that_standard_output_is_appended_to_is_not_wiped(start, folder, name):
    Path("log.txt").write_text("kept\n")
    os.link("log.txt", "other name")
    with open("log.txt", "a") as log:
        process = start("data", "list", "--json", name, stdout=log)
        _, err = process.communicate()
    assert process.returncode == 1
    assert "standard output" in err
    assert Path("log.txt").read_text() == "kept\n"


@posix
def test_a_file_that_the_shell_has_opened_is_refused(folder):
    with open("other", "a") as file:
        program = "import sys; from micrograd_tiers.cli import main; sys.exit(main())"
        command = [sys.executable, "-c", program, "data", "list", "--json", f"/dev/fd/{file.fileno()}"]
        done = subprocess.run(command, pass_fds=[file.fileno()], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert "has open" in done.stderr


@posix
def test_a_net_is_not_saved_over_standard_output_or_a_device(folder):
    for place in ("/dev/stdout", "/dev/null"):
        with pytest.raises(OSError, match="expected the name of a file"):
            mt.save(mt.two_layer_net(2, 3, 2), place)
    for name in ("", "-"):
        with pytest.raises(ValueError, match="name"):
            mt.save(mt.two_layer_net(2, 3, 2), name)


def test_a_file_called_dash_can_be_written_by_its_path(cli):
    assert cli("data", "list", "--json", "./-").code == 0
    assert json.loads(Path("-").read_text())["command"] == "data list"


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_read_only_file_is_not_replaced(cli):
    Path("results.json").write_text("kept")
    Path("results.json").chmod(0o444)
    result = cli("data", "list", "--json", "results.json")
    assert (result.code, result.out) == (1, "")
    assert "read-only" in result.err
    assert Path("results.json").read_text() == "kept"


READ_FILES = {
    "verify": ("verify", "my_tier.py", "--json", "my_tier.py"),
    "points": ("verify", "my_tier.py", "--points", "points.toml", "--json", "points.toml"),
    "train": (*TRAIN, "--tier", "my_tier.py", "--json", "my_tier.py"),
    "checkpoint": (*TRAIN, "--tier", "my_tier.py", "--checkpoint", "my_tier.py"),
    "resume": ("train", "--resume", "net.npz", "--checkpoint", "new.npz", "--json", "net.npz"),
    "compare": ("compare", *XOR, "--tiers", "scalar", "my_tier.py", "--json", "./my_tier.py"),
    "check": ("check", "--tier", "my_tier.py", "--json", "my_tier.py"),
    "benchmark": ("benchmark", "--compare", "old.json", "--json", "old.json"),
    "history": ("benchmark", "--all", "--history", "old.json", "--json", "old.json"),
}


@pytest.mark.parametrize("args", READ_FILES.values(), ids=READ_FILES)
def test_a_file_that_is_read_is_not_overwritten(cli, no_work, args):
    for name in ("my_tier.py", "points.toml", "net.npz", "old.json"):
        Path(name).write_text("from micrograd_tiers.tiers.vector import *\n")
    before = Path(args[-1]).read_bytes()
    result = cli(*args)
    assert (result.code, result.out) == (2, "")
    assert "is named twice" in result.err
    assert Path(args[-1]).read_bytes() == before


FOLDERS = {"a file": "notes.txt", "inside a file": "notes.txt/out"}


@pytest.mark.parametrize("place", FOLDERS.values(), ids=FOLDERS)
@pytest.mark.parametrize("command", [("sweep", "data=xor"), ("experiment", "logic-gates")], ids=" ".join)
def test_a_folder_that_cannot_be_made_is_refused_before_the_work_begins(cli, no_work, command, place):
    Path("notes.txt").write_text("kept")
    result = cli(*command, "--out", place)
    assert (result.code, result.out) == (1, "")
    assert re.fullmatch(r"micrograd-tiers: cannot write to the folder .* is a file\n", result.err)


# Pictures.

DRAWING = [
    ((*TRAIN, "--curves", "a.png", "--json", "r.json"), ["r.json", "net.npz"]),
    ((*TRAIN, "--confusion", "a.png", "--json", "r.json"), ["r.json", "net.npz"]),
    (("predict", "net.npz", "--picture", "a.png", "--json", "r.json"), ["r.json"]),
    (("compare", *XOR, "--seconds", "0.05", "--picture", "a.png", "--json", "r.json"), ["r.json"]),
    (("data", "show", "xor", "--picture", "a.png", "--json", "r.json"), ["r.json"]),
    (("bugs", "train", "linear_bias_missing", "--picture", "a.png", "--json", "r.json"), ["r.json"]),
    (
        ("experiment", "softmax-overflow", "--quick", "--out", ".", "--jobs", "1"),
        ["report.md", "results.csv", "results.json"],
    ),
]


@pytest.mark.parametrize(("command", "kept"), DRAWING, ids=[f"{' '.join(c[:2])}" for c, _ in DRAWING])
def test_results_are_kept_if_a_picture_cannot_be_drawn(cli, monkeypatch, command, kept):
    assert cli(*TRAIN).code == 0

    def fail(*args, **kwargs):
        raise RuntimeError("Failed to process string with tex\nbecause latex could not be found")

    monkeypatch.setattr(Figure, "savefig", fail)
    result = cli(*command)
    assert result.code == 1
    line = result.err.splitlines()[-1]
    assert re.fullmatch(r"micrograd-tiers: .*\.png cannot be drawn: RuntimeError: Failed .* could not be found", line)
    assert all(Path(name).is_file() for name in kept)
    assert not [*Path().glob("*.png")]


SETTINGS = """
text.usetex: True
font.family: No Such Font
axes.formatter.use_mathtext: True
figure.constrained_layout.use: True
figure.facecolor: black
text.color: white
figure.dpi: 10
savefig.bbox: tight
savefig.dpi: 3
savefig.transparent: True
"""


def test_the_settings_of_matplotlib_do_not_change_a_picture(start, folder, monkeypatch):
    process = start("data", "show", "xor", "--n", "20", "--picture", "a.png")
    assert process.communicate()[1] == ""
    Path("matplotlibrc").write_text(SETTINGS)
    monkeypatch.setenv("MPLBACKEND", "nonsense")
    process = start("data", "show", "xor", "--n", "20", "--picture", "b.png")
    _, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert Path("a.png").read_bytes() == Path("b.png").read_bytes()


@pytest.mark.parametrize(("backend", "after"), [("nonsense", "agg"), ("svg", "svg")])
def test_the_back_end_of_the_user_is_left_alone(folder, backend, after):
    script = (
        "import os, micrograd_tiers as mt\n"
        "mt.load_dataset('glyphs', n_train=20, n_test=1)\n"
        "mt.plots.image_grid([[[0.5]]], ['a'], title='b', path='a.png')\n"
        "import matplotlib\n"
        "print(os.environ['MPLBACKEND'], matplotlib.get_backend().lower())\n"
    )
    env = os.environ | {"MPLBACKEND": backend, "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    done = subprocess.run([sys.executable, "-c", script], env=env, capture_output=True, text=True, check=True)
    assert done.stdout.split() == [backend, after]


# Losses.


@pytest.mark.parametrize(
    ("loss", "text"),
    [
        (0.0, "0.0000"),
        (2.302585, "2.3026"),
        (9999.5, "9999.5000"),
        (1.9e164, "1.9e+164"),
        (3.21e-7, "3.2e-07"),
        (np.float64(0.5), "0.5000"),
        (float("inf"), "inf"),
        (float("nan"), "nan"),
    ],
)
def test_a_loss_of_any_size_is_short(loss, text):
    assert loss_text(loss) == text


def test_a_long_message_loses_its_middle():
    assert cut("0123456789" * 100, 20) == "0123456 ... 3456789"
    assert cut("abc", 3) == "abc"


def test_the_mean_of_huge_losses_does_not_overflow():
    assert mean_and_deviation([1e200, 3e200]) == "2.0e+200 ± 1.4e+200"
    assert mean_and_deviation([0.25, 0.75]) == "0.5000 ± 0.3536"
    assert mean_and_deviation([0.0, 0.0]) == "0.0000 ± 0.0000"


# The weights grow by a constant factor in each step of a linear net with squared error and a long step.
WILD = ("train", "--data", "xor", "--n-train", "200", "--n-test", "50", "--hidden", "8", "--activation", "relu")
WILD += ("--init", "standard_normal", "--learning-rate", "0.1", "--weight-decay", "400", "--batch-size", "20")


def test_a_run_whose_loss_explodes_says_so_and_exits_3(cli):
    result = cli(*WILD, "--epochs", "4", "--validation", "50", "--json", "r.json", "--curves", "a.png")
    assert result.code == 3, result
    assert re.search(r"test set \(50\): loss \d\.\de\+\d+, accuracy", result.out)
    assert max(map(len, result.out.splitlines())) < 120
    assert re.fullmatch(r"micrograd-tiers: training diverges: the loss rose from \d+\.\d+ to .*e\+\d+;.*\n", result.err)
    assert json.loads(Path("r.json").read_text())["test_loss"] > 1e20
    assert Path("a.png").is_file()
    result = cli("predict", "net.npz")
    assert re.search(r"^loss \d\.\de\+\d+, accuracy", result.out, re.M)


def test_a_sweep_counts_a_run_whose_loss_explodes_as_diverged(cli):
    settings = [f"{name[2:]}={value}" for name, value in zip(WILD[1::2], WILD[2::2], strict=True)]
    assert cli("sweep", *settings, "epochs=4", "--jobs", "1").code == 0
    (row,) = json.loads(Path("sweep/results.json").read_text())["summary"]
    assert (row["runs"], row["diverged"], row["test loss"]) == (1, 1, "-")
