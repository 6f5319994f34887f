"""A fixture for the tests of the studies: the quick run of each study, which takes seconds."""

import pytest

from micrograd_tiers.cli import main


@pytest.fixture
def folder_of_quick_run(once):
    """Return a function from a study's name to the folder that `experiment --quick` wrote."""

    def run(name):
        def make(folder):
            assert main(["experiment", name, "--quick", "--out", str(folder), "--jobs", "1"]) == 0

        return once(f"study {name}", make)

    return run
