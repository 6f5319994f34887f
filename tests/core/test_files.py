"""Atomic writing: a file is old or new, keeps its mode, and a killed process leaves nothing for long."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from micrograd_tiers.files import replacing

KILLED = """
import os, signal, sys
from micrograd_tiers.files import replacing
with replacing(sys.argv[1]) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""
posix = pytest.mark.skipif(os.name != "posix", reason="modes and SIGKILL are POSIX")


def write(path, content=b"new"):
    with replacing(path) as file:
        file.write(content)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@posix
@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644, 0o664])
def test_an_existing_file_keeps_its_mode(tmp_path, mode):
    path = tmp_path / "net.npz"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert path.read_bytes() == b"new"
    assert path.stat().st_mode & 0o777 == mode


@posix
def test_the_target_of_a_link_keeps_its_mode(tmp_path):
    path, link = tmp_path / "net.npz", tmp_path / "link.npz"
    path.write_bytes(b"old")
    path.chmod(0o600)
    link.symlink_to(path)
    write(link)
    assert link.is_symlink()
    assert path.stat().st_mode & 0o777 == 0o600


@posix
def test_a_new_file_has_the_mode_of_the_umask(tmp_path):
    path = tmp_path / "net.npz"
    before = os.umask(0o027)
    try:
        write(path)
    finally:
        os.umask(before)
    assert path.stat().st_mode & 0o777 == 0o640


@posix
@pytest.mark.parametrize("name", ["net.npz", "[net] *?.npz", "n" * 250, "数字" * 40])
def test_a_killed_process_leaves_one_file_until_the_next_save(tmp_path, name):
    path = tmp_path / name
    write(path, b"old")
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", KILLED, path], check=False)
        assert done.returncode == -signal.SIGKILL
        assert path.read_bytes() == b"old"
        assert len(names(tmp_path)) == 2
    write(path)
    assert names(tmp_path) == [name]
    assert path.read_bytes() == b"new"


@posix
def test_leftovers_of_other_files_stay(tmp_path):
    subprocess.run([sys.executable, "-c", KILLED, tmp_path / "other.npz"], check=False)
    (left,) = names(tmp_path)
    write(tmp_path / "net.npz")
    assert names(tmp_path) == sorted([left, "net.npz"])


def test_two_saves_at_once_do_not_disturb_each_other(tmp_path):
    path = tmp_path / "net.npz"
    with replacing(path) as first:
        first.write(b"first")
        write(path, b"second")
        assert path.read_bytes() == b"second"
    assert path.read_bytes() == b"first"
    assert names(tmp_path) == ["net.npz"]


def test_many_threads_may_save_to_one_file(tmp_path):
    path, errors = tmp_path / "net.npz", []

    def save(k):
        try:
            for _ in range(20):
                write(path, bytes([k]) * 1000)
        except OSError as error:
            errors.append(error)

    threads = [threading.Thread(target=save, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert len({*path.read_bytes()}) == 1
    assert names(tmp_path) == ["net.npz"]


def test_an_error_leaves_the_old_file_and_nothing_else(tmp_path):
    path = tmp_path / "net.npz"
    write(path, b"old")

    def fail():
        with replacing(path) as file:
            file.write(b"half")
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert path.read_bytes() == b"old"
    assert names(tmp_path) == ["net.npz"]


def test_a_folder_that_is_gone_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        write(Path(tmp_path, "gone", "net.npz"))
