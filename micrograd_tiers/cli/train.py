"""`micrograd-tiers train`: train a net; stop and go on at will."""

import argparse
import math
import shlex
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from typing import Any

from ..checkpoints import load_checkpoint, save
from ..datasets import Dataset, Standardizer
from ..errors import DataError, DivergedError
from ..files import check_outputs
from ..network import Network
from ..progress import ProgressBar
from ..recipe import Recipe
from ..tiers import TIERS
from ..training import Trainer
from .common import plural, score_test_set, write_json

DEFAULTS: dict[str, Any] = asdict(Recipe()) | {"hidden": [*Recipe.hidden]}  # as JSON has it
CHANGEABLE = ("epochs",)  # when a run is resumed; all else would make it another run


def run(args: argparse.Namespace) -> int:
    """Train a net, or go on with a saved run."""
    given = {name: value for name, value in vars(args).items() if name in DEFAULTS}
    saved = load_checkpoint(args.resume) if args.resume is not None else None
    settings = (_saved_settings(args.resume, saved.info, given) if saved else DEFAULTS) | given
    recipe = Recipe(**settings | {"hidden": tuple(settings["hidden"])})
    settings = DEFAULTS | recipe.settings()
    recipe.make_schedule()  # which may be misspelled: better now than after the data are loaded
    checkpoint = next(path for path in (args.checkpoint, args.resume, "net.npz") if path is not None)
    check_outputs([checkpoint, args.json], [args.curves, args.confusion])

    data, scale = recipe.load_data(args.data_dir)
    net = _saved_net(saved.net, settings, given) if saved else recipe.make_net(data)
    trainer = recipe.make_trainer(net, data)
    if saved:
        try:
            trainer.load_state_dict(saved.training)
        except DataError as error:
            raise DataError(f"{args.resume}: {error}") from None
    info = _info(settings, data, scale)

    sizes = "-".join(map(str, [data.train_x.shape[1], *recipe.hidden, len(data.class_names)]))
    title = f"{recipe.layers or f'{sizes} {recipe.activation}'} on {data.name}"
    print(f"{title} ({data.source}): {net.n_parameters:,} parameters, {settings['tier']} tier")
    start, seen_before = time.perf_counter(), trainer.samples_seen
    _train(trainer, checkpoint, info, bar=not args.no_progress)
    seconds = time.perf_counter() - start
    if not trainer.finished:
        print(
            f"micrograd-tiers: interrupted in epoch {trainer.epoch + 1} after {plural(trainer.position, 'sample')}; "
            f"go on with: {_resume_command(checkpoint, settings, args.data_dir)}",
            file=sys.stderr,
        )
        return 130

    result = _test(net, data)
    print(f"Net: {checkpoint}")
    _draw(args, title, trainer, data, result["confusion_matrix"])
    write_json(
        args.json,
        {
            "command": "train",
            "settings": settings,
            "source": data.source,
            "n_parameters": net.n_parameters,
            "history": asdict(trainer.history),
            **result,
            "class_names": data.class_names,
            "seconds": seconds,
            "samples_per_second": (trainer.samples_seen - seen_before) / seconds,
            "checkpoint": str(checkpoint),
        },
    )
    return 0


def _train(trainer: Trainer, checkpoint: str, info: dict[str, Any], *, bar: bool) -> None:
    """Train until the run is finished or somebody presses Ctrl-C; save after each epoch and in the end."""
    saved = False
    with _interrupts() as interrupted, _progress(trainer, bar) as progress:
        while not trainer.finished and not interrupted():
            progress.update(trainer.step())
            saved = trainer.position == 0
            if saved:
                save(trainer.net, checkpoint, info=info, training=trainer.state_dict())
                progress.print(_epoch_line(trainer))
    if not saved:
        save(trainer.net, checkpoint, info=info, training=trainer.state_dict())
    if trainer.finished and trainer.epoch < trainer.epochs:
        print(f"stopped early: the lowest validation loss was that of epoch {trainer.best_epoch}")


def _test(net: Network, data: Dataset) -> dict[str, Any]:
    scores = score_test_set(net, data)
    if not math.isfinite(scores.loss):
        raise DivergedError(f"training diverged: the loss on the test set is {scores.loss}; try a lower learning rate")
    print(f"test set ({len(data.test_x):,}): loss {scores.loss:.4f}, accuracy {scores.accuracy:.2%}")
    return {
        "test_loss": scores.loss,
        "test_accuracy": scores.accuracy,
        "confusion_matrix": scores.confusion.tolist(),
    }


def _saved_settings(path: str, info: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    settings = info.get("settings")
    if not isinstance(settings, dict) or not settings.keys() <= DEFAULTS.keys():
        raise DataError(f"{path}: holds a net, but no training run that could be resumed")
    settings = DEFAULTS | settings
    if settings["schedule"] == "cosine" and given.get("epochs", settings["epochs"]) != settings["epochs"]:
        raise DataError(
            f"{path}: its learning rate falls along a cosine over {settings['epochs']} epochs. "
            "Leave --epochs away, or start a new run without --resume"
        )
    for name, value in given.items():
        if name not in CHANGEABLE and value != settings[name]:
            option = f"--{name.replace('_', '-')}"
            raise DataError(
                f"{path}: cannot resume with another {option}: it was {settings[name]}, now it is {value}. "
                f"Leave {option} away, or start a new run without --resume"
            )
    return settings


def _saved_net(net: Network, settings: dict[str, Any], given: dict[str, Any]) -> Network:
    if settings["tier"] in TIERS:
        return net
    if "tier" not in given:  # a saved file must not name code that is then run
        raise DataError(f"the run used a tier of its own, {settings['tier']}: say so again with --tier")
    return net.to(settings["tier"])


def _info(settings: dict[str, Any], data: Dataset, scale: Standardizer | None) -> dict[str, Any]:
    return {
        "settings": settings,
        "class_names": data.class_names,
        "image_shape": data.image_shape,
        "mean": None if scale is None else scale.mean.tolist(),
        "std": None if scale is None else scale.std.tolist(),
    }


def _resume_command(checkpoint: str, settings: dict[str, Any], data_dir: str | None) -> str:
    command = ["micrograd-tiers", "train", "--resume", str(checkpoint)]
    if settings["tier"] not in TIERS:
        command += ["--tier", settings["tier"]]
    if data_dir is not None:
        command += ["--data-dir", data_dir]
    return shlex.join(command)


def _epoch_line(trainer: Trainer) -> str:
    history = trainer.history
    line = f"epoch {trainer.epoch}/{trainer.epochs}: training loss {history.train_loss[-1]:.4f}"
    if history.validation_loss:
        line += f", validation loss {history.validation_loss[-1]:.4f}, accuracy {history.validation_accuracy[-1]:.2%}"
    return line


@contextmanager
def _interrupts() -> Iterator[Callable[[], bool]]:
    """Let a first Ctrl-C wait until the step is done, so that no weight is half updated; a second one is immediate."""
    asked = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield asked.is_set
        return

    def ask(signum: int, frame: Any) -> None:
        asked.set()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    previous = signal.signal(signal.SIGINT, ask)
    try:
        yield asked.is_set
    finally:
        signal.signal(signal.SIGINT, previous)


class NoBar:
    """In the place of a bar where there is none."""

    def update(self, loss: float) -> None:
        """Show nothing."""

    def print(self, line: str) -> None:
        """Print a line."""
        print(line, flush=True)


def _progress(trainer: Trainer, bar: bool) -> Any:
    """Return a bar if there is somebody to look at it, and tqdm to draw it."""
    if bar and sys.stderr.isatty():
        try:
            import tqdm  # noqa: F401
        except ModuleNotFoundError:
            print("(for a progress bar: pip install 'micrograd-tiers[progress]')", file=sys.stderr)
        else:
            return ProgressBar(trainer)
    return nullcontext(NoBar())


def _draw(args: argparse.Namespace, title: str, trainer: Trainer, data: Dataset, counts: list[list[int]]) -> None:
    if args.curves or args.confusion:
        from .. import plots  # a second, that only those pay who want pictures

        if args.curves:
            plots.loss_curves(args.curves, trainer.history, steps_per_epoch=trainer.steps_per_epoch, title=title)
            print(f"Loss curves: {args.curves}")
        if args.confusion:
            plots.confusion_matrix(args.confusion, counts, data.class_names, f"{title}, test set")
            print(f"Confusion matrix: {args.confusion}")
