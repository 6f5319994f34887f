"""Run tests on the package with a bug planted in it: `python mutation.py JOBS RESULTS`, both files of JSON.

A job is [name of the bug, test, ...]; the name "" plants nothing. All jobs run in one process, because starting one
takes longer than the tests. The result of a job is pytest's exit code and the tests that failed or could not be run.
"""

import json
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from micrograd_tiers.lab.museum import BUGS, Bug, planted

TESTS = Path(__file__).parent


class Failures:
    """A plugin of pytest that notes what fails, and lets hypothesis draw the same few examples every time."""

    def __init__(self):
        self.failed = []

    def pytest_configure(self):
        settings.load_profile("mutation")  # after conftest.py has loaded its own

    def pytest_runtest_logreport(self, report):
        if report.failed:
            where = "" if report.when == "call" else f"{report.when} of "
            self.failed.append(where + report.nodeid.removeprefix("tests/"))

    def pytest_collectreport(self, report):
        if report.failed:
            self.failed.append(f"collection of {report.nodeid.removeprefix('tests/')}")


def nothing_planted():
    """Return a bug that replaces files by themselves, so that a run without a bug goes the same way."""
    files = {file: () for bug in BUGS.values() for file in bug.files()}
    return Bug("nothing", "", "", files, "", "", "")


def run(name, tests):
    for module, content in list(sys.modules.items()):  # the tests must import the package again
        if module != "__main__" and Path(getattr(content, "__file__", None) or "/").is_relative_to(TESTS):
            del sys.modules[module]
    failures = Failures()
    options = ["--rootdir", str(TESTS.parent), "-p", "no:cacheprovider", "--assert=plain", "--tb=short"]
    with planted(BUGS[name] if name else nothing_planted()):
        code = pytest.main([*options, *(str(TESTS / test) for test in tests)], plugins=[failures])
    return int(code), failures.failed


if __name__ == "__main__":
    settings.register_profile(
        "mutation", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate], max_examples=20
    )
    jobs = json.loads(Path(sys.argv[1]).read_text())
    Path(sys.argv[2]).write_text(json.dumps({name: run(name, tests) for name, *tests in jobs}))
