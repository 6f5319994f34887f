"""Run tests on the package with a bug planted in it, in a process that handles one job after another.

Starting a process takes longer than most jobs, so the jobs share one; a job that crashes it affects no other job. A job
is a line of JSON on standard input: [name of the bug, folder for temporary files, tests]. The name "" plants no bug.
The answer is a line of JSON on standard output: [pytest's exit code, the tests that failed or could not be run].
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import Phase, settings

from micrograd_tiers.lab.museum import BUGS, Bug, planted

TESTS = Path(__file__).parent


class Mutation:
    """A handle on the process, which is started for the first job, and again after a job that crashed it.

    Parameters
    ----------
    folder : Path
        Folder for temporary files and pytest's output.
    """

    def __init__(self, folder):
        self.folder = folder
        self.process = None
        self.n_jobs = 0

    def run(self, name, *tests):
        """Run these tests with this bug in the package; return pytest's exit code and the tests that failed."""
        if self.process is None:
            self._start()
        self.n_jobs += 1
        job = [name, str(self.folder / f"{self.n_jobs}"), tests]
        print(json.dumps(job), file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer:
            self.close()
            pytest.fail(f"the process ended:\n{self.output.read_text()[-3000:]}")
        return json.loads(answer)

    def close(self):
        """End the process."""
        if self.process is not None:
            with self.process as process:
                process.kill()
            self.process = None

    def _start(self):
        self.output = self.folder / f"output after {self.n_jobs}.txt"
        env = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        with self.output.open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-X", f"pycache_prefix={self.folder / 'compiled'}", __file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=output,
                text=True,
                cwd=self.folder,
                env=env,
            )


class Failures:
    """A pytest plugin that records failures and makes hypothesis draw the same few examples every time."""

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
    """Return a bug that replaces files by unchanged copies, so that a run without a bug takes the same path."""
    files = {file: () for bug in BUGS.values() for file in bug.files()}
    return Bug("nothing", "", "", files, "", "", "")


def run(name, folder, tests):
    for module, content in list(sys.modules.items()):  # the tests must import the package again
        if module != "__main__" and Path(getattr(content, "__file__", None) or "/").is_relative_to(TESTS):
            del sys.modules[module]
    failures = Failures()
    options = ["--rootdir", str(TESTS.parent), "--basetemp", folder, "--assert=plain", "--tb=native", "-n0"]
    options += [f"-pno:{plugin}" for plugin in ("cacheprovider", "randomly", "unraisableexception")]
    with planted(BUGS[name] if name else nothing_planted()):
        code = pytest.main([*options, *(str(TESTS / test) for test in tests)], plugins=[failures])
    return int(code), failures.failed


def main():
    settings.register_profile(
        "mutation", derandomize=True, database=None, phases=[Phase.explicit, Phase.generate], max_examples=20
    )
    sys.dont_write_bytecode = False  # regardless of the environment: each job imports nearly everything again
    with os.fdopen(os.dup(sys.stdout.fileno()), "w") as answers:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # output of pytest and of the tests
        for line in sys.stdin:
            print(json.dumps(run(*json.loads(line))), file=answers, flush=True)


if __name__ == "__main__":
    main()
