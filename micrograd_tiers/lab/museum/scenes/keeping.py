"""Scenes in which weights are saved, loaded, kept or resumed while a net learns glyphs."""

import tempfile
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from ..bug import PACKAGE
from ..trace import Trace, note
from .images import Images
from .samples import Samples


@dataclass(frozen=True)
class Reloaded(Images):
    """Like Images, but after each epoch the net is saved, loaded and tested."""

    def follow(self, mt: ModuleType, trainer: Any, trace: Trace, test: Samples) -> None:
        """Train to the end and record the curves."""
        loaded = trainer.net
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            path = Path(folder, "net.npz")

            def accuracy() -> float:
                nonlocal loaded
                mt.save(trainer.net, path)
                loaded = mt.load(path)
                return float(mt.evaluate(loaded, *test)["accuracy"])

            note(trainer, trace, accuracy)
        trainer.net = loaded

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        return f"{super().task(tier)}; saved, loaded and tested after each epoch"


@dataclass(frozen=True)
class BestKept(Images):
    """Like Images, but the best weights so far are kept and tested."""

    def follow(self, mt: ModuleType, trainer: Any, trace: Trace, test: Samples) -> None:
        """Train to the end and record the curves."""
        seen, state = trainer.history.validation_accuracy, {}
        kept, best = trainer.net.to(trainer.net.tier), -1.0

        def accuracy() -> float:
            nonlocal best, state
            if seen[-1] > best:
                best, state = seen[-1], trainer.net.state_dict()
            kept.load_state_dict(state)
            return float(mt.evaluate(kept, *test)["accuracy"])

        note(trainer, trace, accuracy)
        trainer.net = kept

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        return f"{super().task(tier)}; the accuracy is that of the best weights so far"


@dataclass(frozen=True)
class Resumed(Images):
    """Like Images, but stopped in the middle of the third epoch, saved, and resumed from the file."""

    def follow(self, mt: ModuleType, trainer: Any, trace: Trace, test: Samples) -> None:
        """Train to the end with one stop and record the curves."""
        trace.loss, trace.accuracy = trainer.history.train_loss, trainer.history.validation_accuracy
        for _ in range(int(2.5 * trainer.steps_per_epoch)):
            trainer.step()
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            path = Path(folder, "net.npz")
            mt.save(trainer.net, path, training=trainer.state_dict())
            saved = import_module(f"{PACKAGE}.checkpoints").load_checkpoint(path)
        train = trainer.X, trainer.y
        again = self.trainer_of(mt, saved.net, train, test, seed=0)
        again.load_state_dict(saved.training)
        super().follow(mt, again, trace, test)
        trainer.net = again.net

    def task(self, tier: str) -> str:
        """Return a description of the training."""
        return f"{super().task(tier)}; stopped in the middle of the third epoch and resumed"
