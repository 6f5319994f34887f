"""Shared by all tests: the number of processes, and fixtures that run the command line in this process or a new one."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import profiles  # noqa: F401  # registers the profiles
import pytest
from filelock import FileLock
from hypothesis import settings

from micrograd_tiers.cli import main
from micrograd_tiers.threads import pinned

settings.load_profile("quick")
os.environ["MPLBACKEND"] = "agg"
os.environ |= {name: os.environ.get(name, number) for name, number in pinned(1).items()}  # NumPy is not imported yet
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # otherwise each process that a test starts compiles the package

PROGRAM = (sys.executable, "-c", "import sys; from micrograd_tiers.cli import main; sys.exit(main())")


def pytest_xdist_auto_num_workers(config):
    """Use all cores for folders; for files and single tests this process, which starts faster and can be debugged."""
    return None if all(Path(arg).is_dir() for arg in config.args) else 0


def pytest_collection_finish():
    """Exclude the thousands of collected tests from garbage collection, which would scan them over and over."""
    gc.collect()
    gc.freeze()


class Result(NamedTuple):
    """Exit code and output of a command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """Return a function of (name, make): a folder that all processes share, filled once by calling `make(folder)`."""
    root = tmp_path_factory.getbasetemp()
    shared = root if worker_id == "master" else root.parent

    def folder_of(name, make):
        folder, part = shared / name, shared / f"{name}.part"
        with FileLock(shared / f"{name}.lock"):
            if not folder.exists():
                part.mkdir(exist_ok=True)
                make(part)
                part.rename(folder)
        return folder

    return folder_of


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """An empty current folder; MNIST files on this machine are hidden."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    for module in ("datasets.mnist", "datasets.text_files"):
        monkeypatch.setattr(f"micrograd_tiers.{module}.cache_folder", lambda name: tmp_path / "no cache" / name)
    return tmp_path


@pytest.fixture
def cli(folder, capsys):
    """Return a function that runs the command line with its arguments, in this process and in the folder."""

    def run(*args):
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def start(folder):
    """Return a function that starts the command line in a new process, in the folder; the end of the test kills it."""
    processes = []

    def run(*args, stdout=subprocess.PIPE, stderr=subprocess.PIPE):
        env = os.environ | {"PYTHONWARNINGS": "default"}
        command = [*PROGRAM, *map(str, args)]
        processes.append(subprocess.Popen(command, stdout=stdout, stderr=stderr, text=True, cwd=folder, env=env))
        return processes[-1]

    yield run
    for process in processes:
        with process:
            process.kill()
