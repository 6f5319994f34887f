"""The command line, `micrograd-tiers`: its commands, and how errors become one line and an exit code.

Each command is a file here, with `add_options(parser)` and `run(args)`, imported when the command is asked for. What
needs NumPy is imported when the command is run, so that `--help` is instant.
Exit codes: 0 done, 1 bad data or file (or tiers that are not the same), 2 wrong usage, 3 training diverged,
130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, NoReturn

from .. import __version__
from ..threads import pinned

COMMANDS = {
    "compare": "train one net at all tiers: are they the same, and how fast is each?",
    "train": "train a net, with checkpoints that can be resumed",
    "predict": "apply a saved net to a data set or to image files",
    "data": "where the data sets are; download or show one",
    "bugs": "a museum of bugs: read one, see what it does to training, guess one",
    "check": "are the gradients right? compare them with numerical derivatives",
    "verify": "judge a tier of your own: what is right, what is not, and which bug is likely",
    "benchmark": "how fast is a training step, beside other libraries and beside what is possible?",
    "experiment": "run one of the classic studies, and write down what it finds",
    "sweep": "train over a grid of settings, several times each",
}
# One thread for each tier, and for each of several runs side by side: a fair race, and on a busy machine two BLAS
# threads that wait for each other made the tensor tier 10 times slower.
ONE_THREAD = ("compare", "check", "experiment", "sweep")


class OneLineParser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage of the whole command."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"micrograd-tiers: {message}; {self.prog} --help shows what there is\n")


class CommandParser(OneLineParser):
    """The parser of one command, which imports the command's file when it is first used."""

    command = ""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Parse what stands after the name of the command."""
        if self.command in ONE_THREAD:  # NumPy reads these when it is first imported
            for variable, number in pinned(1).items():
                os.environ.setdefault(variable, number)
        module = import_module(f".{self.command}", __name__)
        module.add_options(self)
        self.set_defaults(run=module.run)
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = OneLineParser(prog="micrograd-tiers", description="One network, three tiers.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=CommandParser)
    for name, text in COMMANDS.items():
        commands.add_parser(name, help=text).command = name
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return its exit code."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # a file name that the terminal cannot show is no reason to stop
            stream.reconfigure(errors="backslashreplace")
    try:
        code = _run(argv)
        if sys.stdout is not None:  # None: started without one
            sys.stdout.flush()
        return code
    except BrokenPipeError:
        return _without_output("standard output was closed before all was printed")
    except OSError as error:  # a full disk
        return _without_output(f"standard output: {error}")


def _run(argv: Sequence[str] | None) -> int:
    try:
        args = build_parser().parse_args(argv)
        code: int = args.run(args)
        return code
    except SystemExit as stop:  # after --help, --version and wrong usage
        return int(stop.code or 0)
    except BrokenPipeError:
        raise
    except KeyboardInterrupt:
        return _fail("interrupted", 130)
    except Exception as error:
        code = _exit_code(error)
        if not code or _comes_from_a_tier_file(error):  # whose writer wants to see where
            raise
        return _fail(str(error), code)


def _without_output(message: str) -> int:
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # or Python tries again at exit, and complains
    return _fail(message, 1)


def _exit_code(error: Exception) -> int:
    """1 for bad data, files and contenders, 2 for wrong usage, 3 for diverged training, 0 for what should not be."""
    from ..errors import ContenderError, DataError, DivergedError

    if isinstance(error, DataError | ContenderError | OSError | MemoryError | OverflowError):
        return 1
    if isinstance(error, DivergedError):
        return 3
    return 2 if isinstance(error, ValueError | ImportError) else 0


def _comes_from_a_tier_file(error: Exception) -> bool:
    from ..tiers import line_in_tier_file

    return line_in_tier_file(error) is not None


def _fail(message: str, code: int) -> int:
    print("micrograd-tiers:", " ".join(message.split()) or "out of memory", file=sys.stderr)
    return code
