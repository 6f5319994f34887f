"""The command line `micrograd-tiers`: dispatch of the commands, and translation of errors to exit codes.

Each command is a module of this package with `add_options(parser)` and `run(args)`, imported on first use. The modules
import NumPy only when a command runs, so that `--help` is instant.

Exit codes: 0 success; 1 bad data or a bad file, or a negative result (tiers that differ, a check that fails); 2 wrong
usage; 3 training diverged; 130 interrupted, 143 terminated, 129 if the terminal was closed. An error is printed as one
line on standard error.
"""

import argparse
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from typing import Any, NoReturn

from .. import __version__
from ..formats import one_line
from ..threads import pinned
from .signals import exit_code, said, stopped_by_signals

COMMANDS = {
    "compare": "train one net at every tier, and compare the weights and the speed",
    "train": "train a net, with checkpoints from which you can resume",
    "predict": "apply a saved net to a data set or to image files",
    "generate": "draw new documents, such as names, from a saved GPT",
    "data": "list, download or show the data sets",
    "step": "show one training step, number by number, on a page for the browser",
    "bugs": "visit the museum of bugs: read about a bug, train with it, or take a quiz",
    "check": "check the gradients of a net against numerical derivatives",
    "verify": "judge your own tier: what is right, what is wrong, and which bug is likely",
    "benchmark": "time a training step at every tier, beside other libraries and lower bounds",
    "experiment": "run one of the classic studies and write a report",
    "sweep": "train with every combination of settings, over several seeds",
}
# One BLAS thread per tier and per parallel run, for a fair comparison. On a busy machine, two threads that waited for
# each other made the tensor tier 10 times slower.
ONE_THREAD = ("compare", "check", "experiment", "step", "sweep")


class OneLineParser(argparse.ArgumentParser):
    """A parser that reports an error in one line, without the usage message."""

    def error(self, message: str) -> NoReturn:
        """Print the message and exit with code 2."""
        self.exit(2, f"micrograd-tiers: {one_line(message)}; see {self.prog} --help\n")


class CommandParser(OneLineParser):
    """Parser of one command; it imports the command's module on first use."""

    command = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse the arguments after the name of the command."""
        if self.command in ONE_THREAD:  # NumPy reads the variables when it is imported, so set them before
            for variable, number in pinned(1).items():
                os.environ.setdefault(variable, number)
        module = import_module(f".{self.command}", __name__)
        module.add_options(self)
        self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    description = (
        "One neural network, implemented at three tiers: with lists of Python floats (scalar), with NumPy vectors "
        "(vector) and with whole mini-batches (tensor). For the options of a command: micrograd-tiers COMMAND --help."
    )
    parser = OneLineParser(prog="micrograd-tiers", description=description)
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text).command = name
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # no failure on characters that the terminal lacks
            stream.reconfigure(errors="backslashreplace")
    try:
        with stopped_by_signals():
            code = _run(argv)
        if sys.stdout is not None:  # None if the process was started without stdout
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _without_output("standard output was closed before everything was printed")
    except OSError as error:  # a full disk
        return _without_output(f"standard output: {error}")


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = build_parser().parse_args(argv)
        code: int = args.run(args)
        return code
    except SystemExit as stop:  # raised by --help, --version and wrong usage
        return int(stop.code or 0)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as stop:
        return _stopped(stop)
    except Exception as error:
        if interruption := _interruption(error):
            return _stopped(interruption)
        if isinstance(error, NotImplementedError) and _comes_from_a_tier_file(error):
            place = traceback.extract_tb(error.__traceback__)[-1]
            return _fail(
                f"{place.filename}, line {place.lineno}: {place.name} is not written yet; `micrograd-tiers verify` "
                "judges what is written",
                1,
            )
        code = _exit_code(error)
        if not code or _comes_from_a_tier_file(error):  # the author of the tier needs the traceback
            raise
        return _fail(str(error), code)


def _stopped(stop: KeyboardInterrupt) -> int:
    signum = getattr(stop, "signum", signal.SIGINT)
    return _fail(said(signum), exit_code(signum))


def _interruption(error: BaseException | None) -> KeyboardInterrupt | None:
    """Return the interruption during whose handling an error was raised, such as by a library that ends its workers."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error


def _without_output(message: str) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # otherwise Python flushes stdout at exit, and prints an error
    return _fail(message, 1)


def _exit_code(error: Exception) -> int:
    """Return 1 for bad data, files, pictures, contenders, 2 for wrong usage, 3 for diverged training, 0 for others."""
    from ..errors import ContenderError, DataError, DivergedError, PictureError

    if isinstance(error, DataError | ContenderError | PictureError | OSError | MemoryError | OverflowError):
        return 1
    if isinstance(error, DivergedError):
        return 3
    return 2 if isinstance(error, ValueError | ImportError) else 0


def _comes_from_a_tier_file(error: Exception) -> bool:
    from ..tiers import line_in_tier_file

    return line_in_tier_file(error) is not None


def _fail(message: str, code: int) -> int:
    with suppress(OSError):  # a closed terminal
        print("micrograd-tiers:", one_line(message) or "out of memory", file=sys.stderr)
    return code
