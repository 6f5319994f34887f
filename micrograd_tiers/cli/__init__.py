"""The command line, `micrograd-tiers`: what can be asked for, and how errors become one line and an exit code.

The commands themselves are in files of their own, imported when they are run, so that `--help` is instant.
Exit codes: 0 done, 1 bad data or file (or tiers that are not the same), 2 wrong usage, 3 training diverged,
130 interrupted.
"""

import argparse
import os
import sys
from collections.abc import Iterable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import NoReturn, TypeAlias

from .. import __version__
from ..losses import LOSSES
from ..threads import pinned
from ..tiers.protocol import ACTIVATIONS, TIERS

DATASETS = ("ellipse", "xor", "moons", "circles", "spiral", "blobs", "glyphs", "mnist", "fashion-mnist")
NOT_GIVEN = argparse.SUPPRESS


class OneLineParser(argparse.ArgumentParser):
    """A parser that says what is wrong in one line, without the usage of the whole command."""

    def error(self, message: str) -> NoReturn:
        """Leave with exit code 2."""
        self.exit(2, f"micrograd-tiers: {message}; {self.prog} --help shows what there is\n")


def _choices(names: Iterable[str]) -> str:
    """Return names as a list in words: "a, b or c"."""
    *others, last = names
    return f"{', '.join(others)} or {last}"


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = OneLineParser(prog="micrograd-tiers", description="One network, three tiers.")
    parser.add_argument("--version", action="version", version=f"%(prog)s {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    _add_compare(commands)
    _add_train(commands)
    _add_predict(commands)
    _add_data(commands)
    _add_bugs(commands)
    _add_check(commands)
    _add_verify(commands)
    _add_benchmark(commands)
    _add_experiment(commands)
    _add_sweep(commands)
    return parser


Commands: TypeAlias = "argparse._SubParsersAction[OneLineParser]"


def _add_compare(commands: Commands) -> None:
    parser = commands.add_parser(
        "compare",
        help="train one net at all tiers: are they the same, and how fast is each?",
        description="Train one net from the same weights on the same samples at every tier, and compare. Without "
        "options: 2-3-2 on the ellipse, and 784-300-10 on images (MNIST if it is at hand, else glyphs).",
    )
    _add_data_options(parser, default=None)
    parser.add_argument(
        "--hidden", type=int, nargs="*", metavar="H", help="hidden units of each layer (3; 300 for images)"
    )
    parser.add_argument(
        "--tiers", nargs="+", default=list(TIERS), metavar="TIER", help="tiers to compare; the first is the reference"
    )
    parser.add_argument("--exact", action="store_true", help="arithmetic that gives the same bits; show the hashes")
    parser.add_argument("--init", default="xavier", help="starting weights (xavier)")
    parser.add_argument("--learning-rate", type=float, metavar="RATE", help="of plain SGD (0.5; 0.2 for images)")
    parser.add_argument("--batch-size", type=int, default=32, metavar="N", help="samples a step (32)")
    parser.add_argument(
        "--seconds", type=float, default=8.0, help="time for which the reference tier may train on each net (8)"
    )
    parser.add_argument("--picture", default="compare.png", metavar="FILE", help="picture to write (compare.png)")
    _add_common(parser)


def _add_train(commands: Commands) -> None:
    parser = commands.add_parser(
        "train",
        help="train a net, with checkpoints that can be resumed",
        description="Train a net. Ctrl-C leaves a checkpoint from which --resume goes on to the same bits.",
    )
    _add_data_options(parser, default=NOT_GIVEN)
    # Left out of the namespace where not given: then --resume takes the saved value, a new run that of recipe.Recipe.
    options = parser.add_argument_group("net and training").add_argument
    options("--tier", default=NOT_GIVEN, help=f"{', '.join(TIERS)}, or your own .py file (tensor)")
    options("--hidden", type=int, nargs="*", default=NOT_GIVEN, metavar="H", help="hidden units of each layer (300)")
    options("--activation", default=NOT_GIVEN, help=f"{_choices(ACTIVATIONS)} (sigmoid)")
    options("--dropout", type=float, default=NOT_GIVEN, metavar="P", help="of each hidden layer's outputs (0)")
    options(
        "--layers",
        default=NOT_GIVEN,
        metavar="WORDS",
        help="any net, in place of these three, as in 'conv:6,5,1,2 relu max:2 linear:120 relu dropout:0.5': "
        "conv:CHANNELS,KERNEL[,STRIDE[,PADDING]], max or avg:KERNEL[,STRIDE], batchnorm, linear:UNITS",
    )
    options(
        "--init", default=NOT_GIVEN, help="starting weights: standard_normal, uniform, xavier, kaiming, ... (xavier)"
    )
    options("--dtype", default=NOT_GIVEN, help="float64 or float32 (float64)")
    options("--exact", action="store_true", default=NOT_GIVEN, help="the same bits at every tier")
    options("--optimizer", default=NOT_GIVEN, help="sgd, rmsprop, adam or adamw (sgd)")
    options("--learning-rate", type=float, default=NOT_GIVEN, metavar="RATE", help="(0.1 for sgd, else 0.001)")
    options("--momentum", type=float, default=NOT_GIVEN, help="of sgd (0)")
    options("--nesterov", action="store_true", default=NOT_GIVEN, help="let the momentum look ahead")
    options("--weight-decay", type=float, default=NOT_GIVEN, help="L2 penalty (0)")
    options("--label-smoothing", type=float, default=NOT_GIVEN, metavar="S", help="share of the target (0)")
    options("--schedule", default=NOT_GIVEN, help="of the learning rate: step:EVERY, step:EVERY,BY or cosine (none)")
    options("--batch-size", type=int, default=NOT_GIVEN, metavar="N", help="samples a step (64)")
    options("--epochs", type=int, default=NOT_GIVEN, metavar="N", help="(10); with --resume: until this many in all")
    options(
        "--validation", type=int, default=NOT_GIVEN, metavar="N", help="training samples set aside for validation (0)"
    )
    options("--patience", type=int, default=NOT_GIVEN, metavar="N", help="epochs to wait for a lower validation loss")
    options("--keep-best", action="store_true", default=NOT_GIVEN, help="end with the weights of the best epoch")
    options("--no-shuffle", action="store_true", default=NOT_GIVEN, help="take the samples in the order of the file")
    options("--no-standardize", action="store_true", default=NOT_GIVEN, help="leave 2-D features as they are")
    parser.add_argument("--resume", metavar="FILE", help="go on with this checkpoint, with its settings")
    parser.add_argument("--checkpoint", metavar="FILE", help="where to save the net (net.npz, or the resumed file)")
    parser.add_argument("--curves", metavar="FILE", help="write a picture of the loss curves")
    parser.add_argument("--confusion", metavar="FILE", help="write a picture of the confusion matrix on the test set")
    parser.add_argument("--no-progress", action="store_true", help="no progress bar")
    _add_common(parser, seed_default=NOT_GIVEN)


def _add_predict(commands: Commands) -> None:
    parser = commands.add_parser(
        "predict",
        help="apply a saved net to a data set or to image files",
        description="Apply a saved net to the test part of a set (the one it was trained on, if none is named) or to "
        "image files.",
    )
    parser.add_argument("net", metavar="NET", help="file that train has saved")
    _add_data_options(parser, default=None, train=False)
    parser.add_argument("--image", nargs="+", default=[], metavar="FILE", help="image files to classify")
    parser.add_argument("--invert", action="store_true", help="images are dark on white (the sets are white on black)")
    parser.add_argument("--tier", help="tier to compute at (that of the saved net)")
    parser.add_argument("--picture", metavar="FILE", help="write a picture of right and wrong ones with their labels")
    _add_common(parser, seed_default=None)


def _add_data(commands: Commands) -> None:
    parser = commands.add_parser("data", help="where the data sets are; download or show one", description="Data sets.")
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="say where each set is or what it is made of")
    _add_data_dir(listing)
    _add_common(listing)
    download = actions.add_parser("download", help="fetch MNIST or Fashion-MNIST (needs the extra 'data')")
    download.add_argument("data", choices=("mnist", "fashion-mnist"))
    download.add_argument("--no-progress", action="store_true", help="no progress bar")
    _add_common(download)
    show = actions.add_parser("show", help="write a picture of some samples with their labels")
    show.add_argument("data", choices=DATASETS)
    _add_data_dir(show)
    show.add_argument("--n", type=int, help="how many samples (40 images or 1,000 points)")
    show.add_argument("--picture", metavar="FILE", help="picture to write (NAME.png)")
    _add_common(show)


def _add_check(commands: Commands) -> None:
    parser = commands.add_parser(
        "check",
        help="are the gradients right? compare them with numerical derivatives",
        description="Check the gradients of a net against numerical derivatives of its loss, on samples of a set. "
        "Exit code 0 if all passed, 1 if not: what was not put to the test has not passed.",
    )
    parser.add_argument("--data", choices=DATASETS, metavar="SET", help=f"{', '.join(DATASETS)} (ellipse)")
    _add_data_dir(parser)
    parser.add_argument("--net", metavar="FILE", help="net that train has saved, checked on its test samples")
    options = parser.add_argument_group("samples, and the net where none is named").add_argument
    options("--tier", help=f"{', '.join(TIERS)}, or your own .py file (tensor, or that of the saved net)")
    options("--hidden", type=int, nargs="*", default=[5, 4], metavar="H", help="hidden units of each layer (5 4)")
    options("--activation", default="sigmoid", help=f"{_choices(ACTIVATIONS)} (sigmoid)")
    options("--loss", default="softmax_cross_entropy", help=f"{_choices(LOSSES)} (softmax_cross_entropy)")
    options("--init", default="xavier", help="weights: standard_normal, uniform, xavier, kaiming, ... (xavier)")
    options("--dtype", default="float64", help="float64 or float32 (float64)")
    options("--exact", action="store_true", help="the arithmetic that gives the same bits at every tier")
    options("--n", type=int, default=8, help="how many samples (8)")
    options("--coordinates", type=int, default=20, metavar="N", help="how many of each parameter to check (20)")
    _add_common(parser, seed_default=None)


def _add_bugs(commands: Commands) -> None:
    parser = commands.add_parser(
        "bugs",
        help="a museum of bugs: read one, see what it does to training, guess one",
        description="Real bugs of backpropagation, training, autograd engines and data code, each of a few lines. "
        "Without an action: list them.",
    )
    actions = parser.add_subparsers(dest="action", metavar="ACTION")
    parser.set_defaults(action="list", json=None)
    _add_common(actions.add_parser("list", help="list all bugs"), seed_default=NOT_GIVEN)
    show = actions.add_parser("show", help="what one sees, what catches it, and the lines that are wrong")
    show.add_argument("name", metavar="NAME", help="of the bug")
    _add_common(show)
    train = actions.add_parser("train", help="train without the bug and with it, and compare")
    train.add_argument("name", metavar="NAME", help="of the bug")
    train.add_argument("--tier", choices=TIERS, help=f"{_choices(TIERS)} (the fastest that has the bug)")
    train.add_argument("--picture", metavar="FILE", help="write a picture of both loss curves")
    _add_common(train)
    quiz = actions.add_parser("quiz", help="guess a hidden bug from what training looks like")
    quiz.add_argument("--answer", metavar="NAME", help="answer the quiz of this --seed; exit code 0 if right, 1 if not")
    _add_common(quiz, seed_default=None)


def _add_verify(commands: Commands) -> None:
    parser = commands.add_parser(
        "verify",
        help="judge a tier of your own: what is right, what is not, and which bug is likely",
        description="Judge a tier: values, derivatives, stability and purity of each op, then training and speed. "
        "Exit code 0 if all that counts is right, 1 if not.",
    )
    parser.add_argument("tier", nargs="?", metavar="TIER", help="Python file with your ops, all or some of them")
    parser.add_argument("--new", metavar="FILE", help="write the skeleton of a tier to fill in")
    parser.add_argument("--like", choices=TIERS, help="tier whose arrays yours takes (found out; tensor with --new)")
    parser.add_argument("--points", metavar="FILE", help="TOML file with what each op is worth (one point each)")
    parser.add_argument("--time-limit", type=float, default=60.0, metavar="S", help="seconds for each op (60)")
    _add_common(parser)


def _add_benchmark(commands: Commands) -> None:
    parser = commands.add_parser(
        "benchmark",
        help="how fast is a training step, beside other libraries and beside what is possible?",
        description="Prove that all contenders compute equal gradients, then race them: each in a process of its own, "
        "in turns. Contenders that are not installed are left out (PyTorch, JAX, HIPS autograd, micrograd).",
    )
    parser.add_argument("--net", nargs="+", metavar="NET", help="nets, as in 784-300-10 (2-3-2 784-30-10 784-300-10)")
    parser.add_argument("--batch-size", type=int, nargs="+", metavar="N", help="samples a step (64)")
    parser.add_argument("--dtype", nargs="+", metavar="DTYPE", help="float64, float32 or both (float64)")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="contenders to race (all)")
    parser.add_argument("--base", default="tensor", metavar="NAME", help="contender to compare with (tensor)")
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 1, help="of each contender (one per core)")
    parser.add_argument("--rounds", type=int, default=7, help="turns of each contender (7)")
    parser.add_argument("--seconds", type=float, default=0.15, help="length of a turn, at least one step (0.15)")
    parser.add_argument("--all", action="store_true", help="all cases, the cost of growth, and the package's targets")
    parser.add_argument("--growth", action="store_true", help="time against hidden units, batch size and depth only")
    parser.add_argument("--picture", metavar="FILE", help="write a picture")
    parser.add_argument("--compare", metavar="FILE", help="compare with what an earlier run wrote with --json")
    parser.add_argument("--json", metavar="FILE", help="write the results for machines")


def _add_experiment(commands: Commands) -> None:
    parser = commands.add_parser(
        "experiment",
        help="run one of the classic studies, and write down what it finds",
        description="Run a study: results as CSV and JSON, pictures, and a short report. Without a name: list them. "
        "What is finished is kept, so an interrupted study goes on where it was.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="of the study")
    parser.add_argument("--quick", action="store_true", help="in seconds, on glyphs: to see what comes out")
    _add_data_dir(parser)
    parser.add_argument("--out", metavar="DIR", help="folder to write to (experiments/NAME)")
    _add_jobs(parser)


def _add_sweep(commands: Commands) -> None:
    parser = commands.add_parser(
        "sweep",
        help="train over a grid of settings, several times each",
        description="Train with every combination of settings of train, and say mean and deviation over the seeds. "
        "What is finished is kept, so an interrupted sweep goes on where it was.",
    )
    parser.add_argument(
        "grid",
        nargs="+",
        metavar="SETTING=VALUES",
        help="as in learning_rate=0.01,0.1 hidden=100,200-50 seeds=0..4: options of train, and what they take",
    )
    _add_data_dir(parser)
    parser.add_argument("--out", default="sweep", metavar="DIR", help="folder to write to (sweep)")
    _add_jobs(parser)


def _add_jobs(parser: argparse.ArgumentParser) -> None:
    cores = os.cpu_count() if find_spec("joblib") else 1
    parser.add_argument("--jobs", type=int, metavar="N", default=cores, help="runs at a time (one per core)")
    parser.add_argument("--dask", metavar="ADDRESS", help="run on this Dask cluster, as in tcp://127.0.0.1:8786")


def _add_data_options(parser: argparse.ArgumentParser, default: str | None, train: bool = True) -> None:
    parser.add_argument("--data", choices=DATASETS, default=default, metavar="SET", help=", ".join(DATASETS))
    _add_data_dir(parser)
    if train:
        parser.add_argument("--n-train", type=int, default=default, metavar="N", help="how many training samples")
    parser.add_argument("--n-test", type=int, default=default, metavar="N", help="how many test samples")


def _add_data_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data-dir", metavar="DIR", help="folder with IDX files (else $MICROGRAD_TIERS_DATA)")


def _add_common(parser: argparse.ArgumentParser, seed_default: int | str | None = 0) -> None:
    parser.add_argument("--seed", type=int, default=seed_default, help="of all that is drawn at random (0)")
    parser.add_argument("--json", metavar="FILE", help="write the results for machines")


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
    except SystemExit as stop:  # after --help, --version and wrong usage
        return int(stop.code or 0)
    if args.command in ("compare", "check", "experiment", "sweep"):
        # One thread for each tier, and for each of several runs side by side: a fair race, and on a busy machine two
        # BLAS threads that wait for each other made the tensor tier 10 times slower. NumPy reads these when it is first
        # imported.
        for variable, number in pinned(1).items():
            os.environ.setdefault(variable, number)
    try:
        code: int = import_module(f".{args.command}", __name__).run(args)
        return code
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
