"""Signals: a command that is terminated cleans up as after Ctrl-C, and no helper process outlives it."""

import os
import re
import signal
import threading
import time
import uuid
from pathlib import Path

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.cli import main, signals
from micrograd_tiers.trainer import Trainer

pytestmark = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs POSIX signals and /proc")

XOR = ("--data", "xor", "--n-train", "2000", "--n-test", "50", "--hidden", "3")
LONG = ("train", *XOR, "--tier", "scalar", "--epochs", "100000", "--no-progress")
TERM, HUP = signal.SIGTERM, signal.SIGHUP
MARK = "MICROGRAD_TIERS_TEST_MARK"
PATIENCE = 60  # seconds; only a failing test waits so long


def marked(mark):
    """Return the ids of all processes with this mark in their environment: a command and its descendants."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"{MARK}={mark}".encode() in (folder / "environ").read_bytes():
                found.append(int(folder.name))
        except OSError:  # it has ended, or is not ours
            continue
    return found


@pytest.fixture
def begin(start, monkeypatch):
    """Return a function that starts a command, waits until it has printed a line, and returns process and mark."""
    marks = []

    def run(*args, until, helpers=0, stream="stdout"):
        marks.append(str(uuid.uuid4()))
        monkeypatch.setenv(MARK, marks[-1])
        process = start(*args)
        output = getattr(process, stream)
        while not re.search(until, output.readline()):
            assert process.poll() is None
        deadline = time.monotonic() + PATIENCE
        while len(marked(marks[-1])) <= helpers:
            assert time.monotonic() < deadline, "no helper process"
            time.sleep(0.02)
        return process, marks[-1]

    yield run
    for mark in marks:
        for pid in marked(mark):
            os.kill(pid, signal.SIGKILL)


def assert_all_gone(mark):
    deadline = time.monotonic() + PATIENCE
    while left := marked(mark):
        assert time.monotonic() < deadline, [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in left]
        time.sleep(0.05)


ENDLESS = """
from micrograd_tiers.tiers.vector import *

def linear(x, weight, bias):
    while True:
        pass
"""
HELPED = {  # commands with helper processes, how many there are at least, and where and when they are at work
    "sweep": (
        (*["sweep", "data=xor", "hidden=3", "tier=scalar", "epochs=100000", "seeds=0..5", "--jobs", "2"],),
        2,
        "of 6 runs",
    ),
    "experiment": (("experiment", "logic-gates", "--jobs", "2"), 2, "runs done"),
    "verify": (("verify", "my_tier.py"), 1, "asarray"),
    "benchmark": (("benchmark", "--net", "784-300-10", "--only", "scalar", "--rounds", "1000"), 1, "racing"),
}


@pytest.mark.parametrize("name", HELPED)
@pytest.mark.parametrize(("signum", "code", "said"), [(TERM, 143, "terminated"), (HUP, 129, "hung up")])
def test_a_signal_ends_a_command_and_its_helpers(begin, name, signum, code, said):
    if name != "sweep" and signum == HUP:
        pytest.skip("one signal is enough")
    Path("my_tier.py").write_text(ENDLESS)
    command, helpers, until = HELPED[name]
    process, mark = begin(*command, helpers=helpers, until=until, stream="stderr")
    process.send_signal(signum)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    assert "fail" not in err
    assert f"micrograd-tiers: {said}" in err.splitlines()[-2:]  # before a warning, if a helper was just being started
    assert "Traceback" not in err, err
    assert_all_gone(mark)
    assert not [*Path().rglob("*.part")]


@pytest.mark.parametrize("name", [name for name in HELPED if name != "experiment"])
def test_the_helpers_of_a_killed_command_end_by_themselves(begin, name):
    Path("my_tier.py").write_text(ENDLESS)
    command, helpers, until = HELPED[name]
    process, mark = begin(*command, helpers=helpers, until=until, stream="stderr")
    process.kill()
    process.communicate(timeout=PATIENCE)
    assert_all_gone(mark)


@pytest.mark.parametrize(("signum", "code", "said"), [(TERM, 143, "terminated"), (HUP, 129, "hung up")])
def test_a_signal_stops_a_training_after_the_step_and_it_can_be_resumed(begin, cli, signum, code, said):
    process, _ = begin(*LONG, until=r"^2-3-2")
    time.sleep(0.3)
    process.send_signal(signum)
    _, err = process.communicate(timeout=PATIENCE)
    assert process.returncode == code, err
    match = re.fullmatch(rf"micrograd-tiers: {said} in epoch (\d+) after .*; to continue: .*\n", err)
    assert cli("train", "--resume", "net.npz", "--epochs", match[1]).code == 0
    assert cli(*LONG[:-2], match[1], "--checkpoint", "whole.npz").code == 0
    for name, array in mt.load("net.npz").state_dict().items():
        np.testing.assert_array_equal(array, mt.load("whole.npz").state_dict()[name])


def test_an_error_while_a_library_cleans_up_after_a_signal_is_not_shown(cli, folder, monkeypatch):
    def terminated(trainer):
        signal.raise_signal(TERM)
        try:
            signal.raise_signal(TERM)
        finally:
            raise RuntimeError("the workers are gone")

    monkeypatch.setattr(Trainer, "step", terminated)
    result = cli("train", *XOR, "--epochs", "2")
    assert result.code == 143
    assert result.err.splitlines()[-1:] == ["micrograd-tiers: terminated"]
    assert "Traceback" not in result.err


def test_a_second_signal_stops_a_training_at_once(cli, folder, monkeypatch):
    step = Trainer.step

    def terminated(trainer):
        signal.raise_signal(TERM)
        signal.raise_signal(TERM)
        return step(trainer)

    monkeypatch.setattr(Trainer, "step", terminated)
    result = cli("train", *XOR, "--epochs", "2")
    assert (result.code, result.err) == (143, "micrograd-tiers: terminated\n")
    assert not [*folder.iterdir()]


def test_nohup_is_respected(cli, monkeypatch):
    step, before = Trainer.step, signal.signal(HUP, signal.SIG_IGN)

    def hung_up(trainer):
        signal.raise_signal(HUP)
        return step(trainer)

    monkeypatch.setattr(Trainer, "step", hung_up)
    try:
        assert cli("train", *XOR, "--epochs", "1").code == 0
        assert signal.getsignal(HUP) is signal.SIG_IGN
    finally:
        signal.signal(HUP, before)


def test_handlers_are_put_back_and_those_of_a_program_are_kept(folder, capsys):
    before = {signum: signal.getsignal(signum) for signum in signals.SIGNALS}
    assert main(["data", "list"]) == 0
    assert {signum: signal.getsignal(signum) for signum in signals.SIGNALS} == before

    def own(signum, frame):
        pass

    previous = signal.signal(TERM, own)
    try:
        with signals.stopped_by_signals():
            assert signal.getsignal(TERM) is own
    finally:
        signal.signal(TERM, previous)


def test_a_command_runs_in_another_thread_without_handlers(folder, capsys):
    codes = []
    thread = threading.Thread(target=lambda: codes.append(main(["train", *XOR, "--epochs", "1"])))
    thread.start()
    thread.join()
    assert codes == [0]
