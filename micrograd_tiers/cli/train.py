"""`micrograd-tiers train`: train a net; a run can be interrupted and resumed."""

from __future__ import annotations

import argparse
import shlex
import sys
import time
from dataclasses import asdict, fields
from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import micrograd_tiers as mt

from ..errors import DivergedError
from ..files import check_outputs
from ..formats import loss_text, printable
from ..recipe import Recipe
from ..tiers import TIERS
from . import options
from .output import about_perfect, drawing, plural, write_json
from .signals import delayed_signals, exit_code, said

if TYPE_CHECKING:
    from ..progress import TrainingProgress
    from ..run import Run
    from ..trainer import Trainer

N_DRAWN, TEMPERATURE = 10, 0.5  # documents that a GPT draws at the end


def add_options(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting of a recipe, and the options of the command itself."""
    parser.description = (
        "Train a net. Ctrl-C (or `kill`) saves a checkpoint and stops. --resume continues from a checkpoint, and "
        "gives exactly the same weights as a run that was never interrupted."
    )
    options.add_data_dir(parser)
    recipe = parser.add_argument_group("data, net and training")
    for setting in fields(Recipe):  # absent from the namespace if not given: --resume then keeps the saved value
        options.add_setting(recipe, setting.name, default=argparse.SUPPRESS)
    add_file = partial(options.add_file, parser)
    add_file("--resume", "continue the run of this checkpoint, with its settings; only --epochs or --steps may differ")
    add_file("--checkpoint", "file to save the net to (default: net.npz, or the resumed file)")
    add_file("--curves", "write a picture of the loss curves to this file")
    add_file("--confusion", "write a picture of the test set's confusion matrix")
    parser.add_argument("--no-progress", action="store_true", help="show no progress bar")
    options.add_json(parser)


def run(args: argparse.Namespace) -> int:
    """Train a net, or resume a saved run; return 0, or 130 if interrupted, 143 if terminated."""
    from ..run import confusion_of

    given = {name: value for name, value in vars(args).items() if name in Recipe.__dataclass_fields__}
    if "hidden" in given:
        given["hidden"] = tuple(given["hidden"])
    checkpoint = next(path for path in (args.checkpoint, args.resume, "net.npz") if path is not None)
    resumed = args.resume if args.resume != checkpoint else None
    read = [resumed, options.tier_file(given.get("tier")), given.get("text")]
    check_outputs([checkpoint, args.json], [args.curves, args.confusion], inputs=read)
    if args.resume is None:
        run = mt.Run.start(Recipe(**given), args.data_dir)
    else:
        run = mt.Run.resume(args.resume, args.data_dir, **given)
    data, net, trainer = run.data, run.net, run.trainer
    print(f"{run.title} ({data.source}): {net.n_parameters:,} parameters, {run.recipe.tier} tier")
    start, seen_before = time.perf_counter(), trainer.samples_seen
    with delayed_signals() as interrupted, _progress(trainer, bar=not args.no_progress) as progress:

        def on_step(loss: float) -> None:
            progress.step(loss)
            if run.recipe.steps is not None and len(trainer.history.batch_loss) % _part(trainer) == 0:
                progress.print(_steps_line(trainer))

        run.train(
            checkpoint,
            on_step=on_step,
            on_epoch=lambda: progress.print(_epoch_line(trainer)),
            interrupted=interrupted,
        )
    seconds = time.perf_counter() - start
    if interrupted.signum is not None and not trainer.finished:
        place = f"epoch {trainer.epoch + 1} after {plural(trainer.position, 'sample')}"
        print(
            f"micrograd-tiers: {said(interrupted.signum)} in {place}; to continue: "
            f"{_resume_command(checkpoint, run.recipe, args.data_dir)}",
            file=sys.stderr,
        )
        return exit_code(interrupted.signum)
    if run.recipe.steps is None and trainer.epoch < trainer.epochs:
        print(f"stopped early: the validation loss was lowest after epoch {trainer.best_epoch}")

    scores = run.test()
    print(f"test set ({len(data.test_x):,}): loss {loss_text(scores.loss)}, accuracy {scores.accuracy:.2%}")
    documents = _about_documents(run)
    print(f"Net: {checkpoint}")
    counts = confusion_of(scores, data)
    write_json(
        args.json,
        {
            "command": "train",
            "settings": run.recipe.as_json(),
            "source": data.source,
            "n_parameters": net.n_parameters,
            "history": asdict(trainer.history),
            "test_loss": scores.loss,
            "test_accuracy": scores.accuracy,
            "confusion_matrix": counts.tolist(),
            "class_names": data.class_names,
            "seconds": seconds,
            "samples_per_second": (trainer.samples_seen - seen_before) / seconds,
            "checkpoint": str(checkpoint),
            **documents,
        },
    )
    _draw(args, run, counts)
    if trainer.history.diverges(scores.loss):
        first = loss_text(trainer.history.batch_loss[0])
        raise DivergedError(
            f"training diverges: the loss rose from {first} to {loss_text(scores.loss)}; try a lower learning rate"
        )
    return 0


def _resume_command(checkpoint: str, recipe: Recipe, data_dir: str | None) -> str:
    command = ["micrograd-tiers", "train", "--resume", str(checkpoint)]
    if recipe.tier not in TIERS:
        command += ["--tier", recipe.tier]
    if data_dir is not None:
        command += ["--data-dir", data_dir]
    return shlex.join(command)


def _epoch_line(trainer: Trainer) -> str:
    history = trainer.history
    line = f"epoch {trainer.epoch}/{trainer.epochs}: training loss {loss_text(history.train_loss[-1])}"
    if history.validation_loss:
        loss, accuracy = history.validation_loss[-1], history.validation_accuracy[-1]
        line += f", validation loss {loss_text(loss)}, accuracy {accuracy:.2%}"
    return line


def _part(trainer: Trainer) -> int:
    """Return the number of steps after which a run of steps prints its loss: a tenth of them."""
    return max(1, trainer.n_steps // 10)


def _steps_line(trainer: Trainer) -> str:
    losses = trainer.history.batch_loss
    last = losses[-_part(trainer) :]
    return f"step {len(losses):,}/{trainer.n_steps:,}: training loss {loss_text(sum(last) / len(last))}"


def _about_documents(run: Run) -> dict[str, Any]:
    """Print how far a GPT is from the perfect model, and new documents; return them for JSON. No other net has any."""
    from ..datasets import Documents

    if not isinstance(run.data, Documents):
        return {}
    perfect = about_perfect(run.data)
    documents = mt.generate(run.net, run.data.tokenizer, N_DRAWN, temperature=TEMPERATURE, seed=run.recipe.seed)
    print(f"New documents, drawn with temperature {TEMPERATURE}; for more: micrograd-tiers generate")
    for document in documents:
        print(f"  {printable(document)}")
    return {**perfect, "documents": documents}


def _progress(trainer: Trainer, *, bar: bool) -> TrainingProgress:
    """Return the progress report, with a bar if wanted and possible; print a hint if only tqdm is missing."""
    from ..progress import TrainingProgress

    if bar and sys.stderr.isatty() and find_spec("tqdm") is None:
        print("(for a progress bar: pip install 'micrograd-tiers[progress]')", file=sys.stderr)
    return TrainingProgress(trainer, bar=None if bar else False)


def _draw(args: argparse.Namespace, run: Run, counts: Any) -> None:
    if args.curves:
        with drawing(args.curves, "Loss curves"):
            steps = run.trainer.steps_per_epoch
            mt.plots.loss_curves(run.trainer.history, steps_per_epoch=steps, title=run.title, path=args.curves)
    if args.confusion:
        with drawing(args.confusion, "Confusion matrix"):
            mt.plots.confusion_matrix(counts, run.data.class_names, f"{run.title}, test set", path=args.confusion)
