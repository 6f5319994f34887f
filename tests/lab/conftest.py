"""What the tests of the studies share: the quick run of each, which takes seconds."""

import pytest

from micrograd_tiers.cli import main


@pytest.fixture
def folder_of_quick_run(once):
    """Return a function of a study's name: the folder that `experiment --quick` wrote."""

    def run(name):
        def make(folder):
            assert main(["experiment", name, "--quick", "--out", str(folder), "--jobs", "1"]) == 0

        return once(f"study {name}", make)

    return run
