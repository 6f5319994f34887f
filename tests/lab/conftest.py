"""What the tests of the studies share: the quick run of each, which takes seconds."""

import pytest
from filelock import FileLock

from micrograd_tiers.cli import main


@pytest.fixture(scope="session")
def folder_of_quick_run(tmp_path_factory, worker_id):
    """Return a function of a study's name: what `experiment --quick` wrote, once for all tests in all processes."""
    root = tmp_path_factory.getbasetemp()
    studies = (root if worker_id == "master" else root.parent) / "studies"
    studies.mkdir(exist_ok=True)

    def folder_of(name):
        folder = studies / name
        with FileLock(studies / f"{name}.lock"):
            if not (folder / "results.json").exists():
                assert main(["experiment", name, "--quick", "--out", str(folder), "--jobs", "1"]) == 0
        return folder

    return folder_of
