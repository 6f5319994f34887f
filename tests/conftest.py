"""What the tests share: in how many processes they run; the command line, in this process or in one of its own."""

import gc
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import profiles  # noqa: F401  # registers them
import pytest
from filelock import FileLock
from hypothesis import settings

from micrograd_tiers.cli import main
from micrograd_tiers.threads import pinned

settings.load_profile("quick")
os.environ["MPLBACKEND"] = "agg"
os.environ |= {name: os.environ.get(name, number) for name, number in pinned(1).items()}  # NumPy is not imported yet
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)  # or each process that a test starts compiles the package

PROGRAM = (sys.executable, "-c", "import sys; from micrograd_tiers.cli import main; sys.exit(main())")


def pytest_xdist_auto_num_workers(config):
    """Use all cores for folders; this process alone, which is ready sooner and can be debugged, for files and tests."""
    return None if all(Path(arg).is_dir() for arg in config.args) else 0


def pytest_collection_finish():
    """Keep the garbage collector from going through thousands of tests whenever one of them makes many objects."""
    gc.collect()
    gc.freeze()


class Result(NamedTuple):
    """What a user sees of a command that has ended."""

    code: int
    out: str
    err: str


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id):
    """Return a function that gives a folder of this name; the first process that asks for it fills it by `make`."""
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
    """An empty current folder, on a machine that has no MNIST."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MICROGRAD_TIERS_DATA", raising=False)
    monkeypatch.setattr("micrograd_tiers.datasets.mnist.cache_folder", lambda name: tmp_path / "no cache" / name)
    return tmp_path


@pytest.fixture
def cli(folder, capsys):
    """Call the command line with these arguments, in the folder."""

    def run(*args):
        capsys.readouterr()
        code = main([str(arg) for arg in args])
        return Result(code, *capsys.readouterr())

    return run


@pytest.fixture
def start(folder):
    """Start the command line in a process of its own, in the folder; ended, if need be, with the test."""
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
