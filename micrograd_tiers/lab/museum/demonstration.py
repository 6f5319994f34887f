"""What a bug does to training: the right program and the wrong one, from the same seed, on the same samples.

Nothing is downloaded and nothing takes more than seconds: small glyphs for nets, points in the plane for Values, glyphs
in IDX files for what is read from files. Each kind of bug has its scene, and a few bugs one of their own, in which they
act: a bug of momentum wants momentum. What is shown is what the program itself reports; that may be the bug.
"""

import math
import random
import re
import tempfile
import textwrap
import time
import warnings
from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from ...datasets import draw_glyphs, moons
from ...losses import LOSSES
from ...rng import generator
from ...targets import targets_from_labels
from ...tiers import TIERS, Tier
from .bug import PACKAGE, Bug, planted

Samples = tuple[NDArray[Any], NDArray[Any]]

N_TRAIN, N_TRAIN_SCALAR, N_TEST, CLASSES = 1_500, 300, 500, 10
FOLDER_OF_FILES = r"\S*glyphs-\w+[\\/]"  # of no interest in an error


@dataclass
class Run:
    """What one program reports of its training.

    Attributes
    ----------
    loss, accuracy : list of float
        After each epoch: mean training loss, and share of right answers on samples held back, from 0 to 1.
    figures : dict
        What else it reports in the end, by name.
    error : str
        What stopped it; empty if nothing did.
    seconds : float
    """

    loss: list[float] = field(default_factory=list)
    accuracy: list[float] = field(default_factory=list)
    figures: dict[str, float | str] = field(default_factory=dict)
    error: str = ""
    seconds: float = 0.0


@dataclass(frozen=True)
class Demonstration:
    """A bug at work.

    Attributes
    ----------
    task : str
        What was trained, and how.
    n_samples : int
        Training samples in an epoch.
    n_classes : int
        How many answers there are to guess from.
    right, wrong : Run
        Without the bug, and with it.
    """

    task: str
    n_samples: int
    n_classes: int
    right: Run
    wrong: Run

    def verdict(self) -> str:
        """Return in one line how much of the bug a person would see."""
        right, wrong = self.right, self.wrong
        if right.error or wrong.error:
            return f"the right program {_ending(right)}; with the bug it {_ending(wrong)}"
        a, b = right.accuracy[-1], wrong.accuracy[-1]
        if (right.loss, right.accuracy) == (wrong.loss, wrong.accuracy):
            other = [name for name in right.figures if right.figures[name] != wrong.figures[name]]
            seen = f"what differs is {', '.join(other)}" if other else "nor does anything else that is printed here"
            return f"accuracy {b:.1%}, and not a digit of the curves differs; {seen}"
        text = f"accuracy {b:.1%}, as it should be" if a == b else f"accuracy {b:.1%} instead of {a:.1%}"
        if not math.isfinite(wrong.loss[-1]):
            return f"{text}: the loss is {wrong.loss[-1]:g}"
        chance = 1 / self.n_classes
        if b < chance / 3:
            return f"{text}: worse than guessing, which takes some doing"
        if b < chance + 0.05 < a:
            return f"{text}: no better than guessing"
        if b - a > 0.03:
            return f"{text}: better, so who would ask why?"
        if a - b > 0.15:
            return f"{text}: it learns something, so who would stop it?"
        if a - b > 0.03:
            return f"{text}: worse, and easily blamed on the settings"
        ratio = (wrong.loss[-1] + 1e-3) / (right.loss[-1] + 1e-3)  # two losses near 0 are as good as equal
        if not 0.5 < ratio < 2:
            return f"{text}; but the reported loss is {ratio:.2g} times as large"
        return f"{text}: nobody would notice"


def demonstrate(bug: Bug, *, tier: str | None = None, seed: int = 0) -> Demonstration:
    """Train without the bug and with it.

    Parameters
    ----------
    bug : Bug
    tier : str, optional
        At which the nets compute; where not given, the fastest at which the bug acts. Bugs of the engine know no tiers.
    seed : int
        Of samples, starting weights and order.

    Raises
    ------
    ValueError
        If the bug is not in that tier, or the seed is negative.
    """
    generator(seed)
    scene = _scene(bug)
    name = _tier_name(bug, tier, scene)
    wrong_tier = bug.tier(name) if bug.kind == "tier" else name
    with np.errstate(all="ignore"), warnings.catch_warnings(action="ignore"):
        clean = import_module(PACKAGE)
        right = _run(scene, clean, name, name, seed)
        with planted(bug) if bug.kind != "tier" else nullcontext(clean) as package:
            wrong = _run(scene, package, wrong_tier, name, seed)
    return Demonstration(scene.task(name), scene.n_samples(name), scene.n_classes, right, wrong)


def _tier_name(bug: Bug, tier: str | None, scene: "Scene") -> str:
    if bug.kind == "engine":
        if tier is not None:
            raise ValueError(f"bug {bug.name} is one of the engine, which knows no tiers: leave --tier away")
        return ""
    known = tuple(name for name in TIERS if name in bug.tiers()) if bug.kind == "tier" else TIERS
    if tier is not None and tier not in known:
        raise ValueError(f"bug {bug.name} is not in the tier {tier!r}, expected one of {', '.join(known)}")
    return tier or (scene.best_tier if scene.best_tier in known else known[-1])


def _run(scene: "Scene", package: ModuleType, tier: str | Tier, name: str, seed: int) -> Run:
    for part in ("nn", "models", "training", "checkpoints"):  # not to be counted as training
        import_module(f"{PACKAGE}.{part}")
    if isinstance(scene, Images):
        _glyphs(seed)
    run = Run()
    start = time.perf_counter()
    try:
        scene.train(package, run, tier, name, seed)
    except Exception as error:  # a bug may raise anything, and that is then what it does
        run.error = re.sub(FOLDER_OF_FILES, "", f"{type(error).__name__}: {error}")
    run.seconds = time.perf_counter() - start
    run.loss, run.accuracy = [float(x) for x in run.loss], [float(x) for x in run.accuracy]
    return run


def _ending(run: Run) -> str:
    if run.error:
        return f"stops with {textwrap.shorten(run.error, 110, placeholder=' ...')}"
    return f"goes on to its end with accuracy {run.accuracy[-1]:.1%} and loss {run.loss[-1]:.3g}"


# The scenes.


@dataclass(frozen=True)
class Images:
    """A two-layer net on glyphs of 14 x 14 pixels, or the net that these layers make, in words."""

    layers: str = ""
    activation: str = "sigmoid"
    loss: str = "softmax_cross_entropy"
    init: str = "xavier"
    optimizer: str = "SGD"
    settings: Mapping[str, float] = field(default_factory=lambda: {"learning_rate": 0.5})
    hidden: int = 30
    batch_size: int = 16  # does not divide the number of samples: the last batch of an epoch is short
    epochs: int = 10
    by_class: bool = False
    label_smoothing: float = 0.0
    certainty: float = 1.0  # of the labels; below 1 the targets are probabilities, and the other classes share the rest
    decay: float = 1.0  # of the learning rate, from one epoch to the next
    n_classes: int = CLASSES  # 2: whether a digit is 5 or more
    best_tier: str = "tensor"

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        settings = ", ".join(f"{name.replace('_', ' ')} {value:g}" for name, value in self.settings.items())
        net = self.layers and f"net of {self.layers} linear:{CLASSES}"
        smoothing = f", labels smoothed by {self.label_smoothing:g}" if self.label_smoothing else ""
        smoothing += f" to labels of which each is {self.certainty:.0%} sure" if self.certainty < 1 else ""
        if self.decay < 1:
            settings += f", times {self.decay:g} after each epoch"
        net = net or f"196-{self.hidden}-{self.n_outputs} {self.activation}"
        return (
            f"{net}, {self.loss.replace('_', ' ')}{smoothing}, "
            f"{self.optimizer} ({settings}), batches of {self.batch_size}, on {self.n_samples(tier):,} glyphs"
            f"{' sorted by class' if self.by_class else ''}{', below 5 or not' if self.n_classes == 2 else ''}, "
            f"{tier} tier"
        )

    def n_samples(self, tier: str) -> int:
        """Return how many training samples an epoch has."""
        return N_TRAIN_SCALAR if tier == "scalar" else N_TRAIN

    @property
    def n_outputs(self) -> int:
        """How many outputs the net has."""
        return LOSSES[self.loss]().outputs_for(self.n_classes)

    def train(self, mt: ModuleType, run: Run, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Train from the first step to the last."""
        train, test = self.samples(tier_name, seed)
        trainer = self.trainer(mt, train, test, tier, seed)
        self.follow(mt, trainer, run, test)
        run.figures = figures(mt, trainer.net, test)

    def samples(self, tier: str, seed: int) -> tuple[Samples, Samples]:
        """Return training and test samples."""
        X, y = _glyphs(seed)
        X = X.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4)).reshape(len(X), -1)
        y = y if self.n_classes > 2 else (y >= 5).astype(int)
        train_x, train_y = X[N_TEST:][: self.n_samples(tier)], y[N_TEST:][: self.n_samples(tier)]
        if self.by_class:
            order = np.argsort(train_y, kind="stable")
            train_x, train_y = train_x[order], train_y[order]
        return (train_x, train_y), (X[:N_TEST], y[:N_TEST])

    def trainer(self, mt: ModuleType, train: Samples, test: Samples, tier: str | Tier, seed: int) -> Any:
        """Return a trainer of a new net."""
        options = {"tier": tier, "init": self.init, "label_smoothing": self.label_smoothing, "seed": seed}
        if self.layers:
            net = import_module(f"{PACKAGE}.models").from_words(self.layers, (1, 14, 14), CLASSES, **options)
        else:
            sizes = [train[0].shape[1], self.hidden, self.n_outputs]
            net = mt.mlp(sizes, self.activation, loss=self.loss, **options)
        return self.trainer_of(mt, net, train, test, seed)

    def trainer_of(self, mt: ModuleType, net: Any, train: Samples, test: Samples, seed: int) -> Any:
        """Return a trainer of this net."""
        (train_x, train_y), (test_x, test_y) = train, test
        return mt.Trainer(
            net, train_x, self.targets(net, train_y), optimizer=getattr(mt, self.optimizer)(**self.settings),
            batch_size=self.batch_size, epochs=self.epochs, validation=(test_x, self.targets(net, test_y)), seed=seed,
            schedule=mt.StepDecay(1, self.decay) if self.decay < 1 else None,
        )  # fmt: skip

    def targets(self, net: Any, labels: NDArray[Any]) -> NDArray[Any]:
        """Return what the net's loss takes for these labels."""
        if self.certainty < 1:
            other = (1 - self.certainty) / (CLASSES - 1)
            return np.where(np.eye(CLASSES)[labels] == 1, self.certainty, other)
        return targets_from_labels(net.loss, labels, self.n_outputs)

    def follow(self, mt: ModuleType, trainer: Any, run: Run, test: Samples) -> None:
        """Train to the end, and note the curves."""
        run.loss, run.accuracy = trainer.history.train_loss, trainer.history.validation_accuracy
        of_largest = self.certainty < 1 or self.loss not in ("softmax_cross_entropy", "hinge")
        if of_largest:
            run.accuracy = []
        while not trainer.finished:
            trainer.step()
            if of_largest and len(run.accuracy) < len(run.loss):
                run.accuracy.append(mt.accuracy(trainer.net.forward(test[0]).argmax(axis=1), test[1]))


@dataclass(frozen=True)
class Reloaded(Images):
    """The same, and after each epoch the net is saved, loaded again and tested."""

    def follow(self, mt: ModuleType, trainer: Any, run: Run, test: Samples) -> None:
        """Train to the end, and note the curves."""
        run.loss = trainer.history.train_loss
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            while not trainer.finished:
                trainer.step()
                if len(run.accuracy) < len(run.loss):
                    mt.save(trainer.net, Path(folder, "net.npz"))
                    loaded = mt.load(Path(folder, "net.npz"))
                    run.accuracy.append(mt.evaluate(loaded, *test)["accuracy"])
        trainer.net = loaded

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        return f"{super().task(tier)}; saved, loaded again and tested after each epoch"


@dataclass(frozen=True)
class BestKept(Images):
    """The same, and the weights that were best so far are kept and tested."""

    def follow(self, mt: ModuleType, trainer: Any, run: Run, test: Samples) -> None:
        """Train to the end, and note the curves."""
        run.loss, seen = trainer.history.train_loss, trainer.history.validation_accuracy
        kept, best = trainer.net.to(trainer.net.tier), -1.0
        while not trainer.finished:
            trainer.step()
            if len(run.accuracy) < len(run.loss):
                if seen[-1] > best:
                    best, state = seen[-1], trainer.net.state_dict()
                kept.load_state_dict(state)
                run.accuracy.append(mt.evaluate(kept, *test)["accuracy"])
        trainer.net = kept

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        return f"{super().task(tier)}; the accuracy is that of the best weights so far"


@dataclass(frozen=True)
class Resumed(Images):
    """The same, stopped in the middle of the third epoch, saved, and resumed from the file."""

    def follow(self, mt: ModuleType, trainer: Any, run: Run, test: Samples) -> None:
        """Train to the end with one stop, and note the curves."""
        run.loss, run.accuracy = trainer.history.train_loss, trainer.history.validation_accuracy
        for _ in range(int(2.5 * trainer.steps_per_epoch)):
            trainer.step()
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            path = Path(folder, "net.npz")
            mt.save(trainer.net, path, training=trainer.state_dict())
            saved = import_module(f"{PACKAGE}.checkpoints").load_checkpoint(path)
        train = trainer.X, trainer.y
        again = self.trainer_of(mt, saved.net, train, test, seed=0)
        again.load_state_dict(saved.training)
        super().follow(mt, again, run, test)
        trainer.net = again.net

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        return f"{super().task(tier)}; stopped in the middle of the third epoch and resumed"


@dataclass(frozen=True)
class Files(Images):
    """A two-layer net on glyphs of 28 x 28 pixels, written to IDX files and loaded from there."""

    settings: Mapping[str, float] = field(default_factory=lambda: {"learning_rate": 0.2})
    split: bool = False

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        where = "tested on training samples held back" if self.split else "read from IDX files"
        return f"{super().task(tier).replace('196-', '784-')}; {where}"

    def train(self, mt: ModuleType, run: Run, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Write the files, load them, and train."""
        X, y = _glyphs(seed)
        n_train = self.n_samples(tier_name) + self.split * N_TEST
        parts = {"t10k": slice(0, N_TEST), "train": slice(-n_train, None)}
        with tempfile.TemporaryDirectory(prefix="glyphs-") as folder:
            for name, part in parts.items():
                images = np.rint(255 * X[part]).astype(np.uint8).reshape(-1, 28, 28)
                _write_idx(Path(folder, f"{name}-images-idx3-ubyte"), images)
                _write_idx(Path(folder, f"{name}-labels-idx1-ubyte"), y[part].astype(np.uint8))
            train, test = mt.load_mnist(folder, "train"), mt.load_mnist(folder, "test")
        if self.split:
            split = import_module(f"{PACKAGE}.datasets").train_validation_split(*train, N_TEST, seed=seed)
            train, test = split[:2], split[2:]
        trainer = self.trainer(mt, train, test, tier, seed)
        self.follow(mt, trainer, run, test)
        run.figures = figures(mt, trainer.net, test)

    def n_samples(self, tier: str) -> int:
        """Return how many training samples an epoch has."""
        return super().n_samples(tier) - (self.split and tier != "scalar") * N_TEST


@dataclass(frozen=True)
class Points:
    """A two-layer net on moons whose two features have different units, standardized; tested a few at a time."""

    n_classes: int = 2
    best_tier: str = "tensor"
    epochs: int = 10
    group: int = 10

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        return (
            f"2-16-2 tanh on {self.n_samples(tier)} moons, one feature 1,000 times the other, both standardized; "
            f"test samples come {self.group} at a time, {tier} tier"
        )

    def n_samples(self, tier: str) -> int:
        """Return how many training samples an epoch has."""
        return 300

    def train(self, mt: ModuleType, run: Run, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Standardize, train, and test."""
        X, y = moons(self.n_samples(tier_name) + N_TEST, rng=generator(seed))
        X = X * [1.0, 1_000.0]
        Standardizer = import_module(f"{PACKAGE}.datasets").Standardizer
        scale = Standardizer.fit(X[N_TEST:])
        train = scale(X[N_TEST:]), y[N_TEST:]
        test_x = np.concatenate([scale(X[n : n + self.group]) for n in range(0, N_TEST, self.group)])
        net = mt.mlp([2, 16, 2], "tanh", tier=tier, seed=seed)
        trainer = mt.Trainer(
            net, *train, optimizer=mt.SGD(0.5), batch_size=10, epochs=self.epochs, validation=(test_x, y[:N_TEST]),
            seed=seed,
        )  # fmt: skip
        run.loss, run.accuracy = trainer.history.train_loss, trainer.history.validation_accuracy
        while not trainer.finished:
            trainer.step()
        run.figures = figures(mt, net, (test_x, y[:N_TEST]))
        alone = net.predict_proba(scale(X[:1]))[0].max() if np.isfinite(scale(X[:1])).all() else math.nan
        run.figures["confidence in a sample that comes alone"] = float(alone)


@dataclass(frozen=True)
class Values:
    """A net of Values, 2-8-1, that tells two classes apart."""

    activation: str = "relu"
    loss: str = "hinge"
    corners: bool = False  # XOR on the corners (0, 0), (0, 1), (1, 0), (1, 1), instead of moons
    skip: bool = False  # a second hidden layer, whose inputs are added to its outputs
    passes: str = "one"  # backward passes for each batch; see `step`
    learning_rate: float = 0.3
    batch_size: int = 8
    epochs: int = 10
    n_classes: int = 2
    best_tier: str = ""

    PASSES: ClassVar[dict[str, str]] = {
        "one": "",
        "online": ", all losses first, then a backward pass and a step for each",
        "two": ", one backward pass for the loss and one for a penalty on large scores",
    }

    def task(self, tier: str) -> str:
        """Return in words what is trained."""
        points = "corners of XOR" if self.corners else "moons"
        net = f"2-8-8-1 {self.activation} with a skip connection" if self.skip else f"2-8-1 {self.activation}"
        return (
            f"{net} of Values, {self.loss} loss, learning rate {self.learning_rate:g}, batches of {self.batch_size}, "
            f"on {self.n_samples(tier)} {points}{self.PASSES[self.passes]}"
        )

    def n_samples(self, tier: str) -> int:
        """Return how many training samples an epoch has."""
        return 64

    def samples(self, seed: int) -> tuple[Samples, Samples]:
        """Return training and test samples; the classes are -1 and 1."""
        rng = generator(seed)
        if not self.corners:
            X, y = moons(264, rng=rng)
            return (X[200:], 2 * y[200:] - 1), (X[:200], 2 * y[:200] - 1)
        X = np.array([(0, 0), (0, 1), (1, 0), (1, 1)] * 50)
        y = np.where(X[:, 0] == X[:, 1], -1, 1)
        return (X[:64], y[:64]), (X + 0.2 * rng.standard_normal(X.shape), y)

    def train(self, mt: ModuleType, run: Run, tier: str | Tier, tier_name: str, seed: int) -> None:
        """Train as one would with micrograd."""
        engine, nn = import_module(f"{PACKAGE}.engine"), import_module(f"{PACKAGE}.nn")
        (train_x, train_y), (test_x, test_y) = self.samples(seed)
        model = nn.MLP(2, [8, 8, 1] if self.skip else [8, 1], rng=random.Random(seed))
        order = generator(seed)
        for _ in range(self.epochs):
            losses: list[float] = []
            mixed = order.permutation(len(train_x))
            for start in range(0, len(mixed), self.batch_size):
                batch = [(train_x[n].tolist(), int(train_y[n])) for n in mixed[start : start + self.batch_size]]
                losses += self.step(engine, model, batch)
                if not run.figures:
                    sizes = [abs(float(p.grad)) for p in model.parameters()]
                    run.figures["mean size of a gradient in the first step"] = sum(sizes) / len(sizes)
            right = [float(self.score(model, x.tolist()).data) * t > 0 for x, t in zip(test_x, test_y, strict=True)]
            run.loss.append(sum(losses) / len(losses))
            run.accuracy.append(sum(right) / len(right))
        sizes = [abs(float(p.data)) for p in model.parameters()]
        run.figures["mean size of a parameter"] = sum(sizes) / len(sizes)

    def score(self, model: Any, x: list[float]) -> Any:
        """Return the net's output, positive for class 1."""
        first, *others, last = model.layers
        for neuron in first.neurons:
            neuron.nonlin = self.activation == "relu"
        hidden = first(x)
        if self.activation != "relu":
            hidden = [getattr(h, self.activation)() for h in hidden]
        for layer in others:
            hidden = [h + more for h, more in zip(hidden, layer(hidden), strict=True)]
        return last(hidden)

    def loss_of(self, score: Any, target: int) -> Any:
        """Return the loss of one sample."""
        if self.loss == "squared":
            return (score - target) ** 2
        if self.loss == "logistic":
            return (1 + (score * -target).exp()).log()
        return (1 - score * target).relu()

    def step(self, engine: ModuleType, model: Any, batch: list[tuple[list[float], int]]) -> list[float]:
        """Take the step (or steps) of one batch; return the losses of its samples."""
        scores = [self.score(model, x) for x, _ in batch]
        losses = [self.loss_of(score, target) for score, (_, target) in zip(scores, batch, strict=True)]
        model.zero_grad()
        if self.passes == "online":
            for loss in losses:
                model.zero_grad()
                loss.backward()
                self.move(model, self.learning_rate / len(batch))
            return [float(loss.data) for loss in losses]
        total = engine.Value(0.0)
        for loss in losses:
            total += loss
        (total * (1 / len(batch))).backward()
        if self.passes == "two":
            penalty = engine.Value(0.0)
            for score in scores:
                penalty += score * score
            (penalty * (0.01 / len(batch))).backward()
        self.move(model, self.learning_rate)
        return [float(loss.data) for loss in losses]

    def move(self, model: Any, rate: float) -> None:
        """Take a step down the gradient."""
        for p in model.parameters():
            p.data -= rate * p.grad


# Which scene a bug is shown in: that of its kind, unless it acts elsewhere only.

Scene = Images | Points | Values

SCENES: dict[str, Scene] = {
    "tier": Images(),
    "network": Images(),
    "training": Images(),
    "engine": Values(),
    "data": Files(),
}
MOMENTUM = {"learning_rate": 0.1, "momentum": 0.9}
SMOOTHED = Images(label_smoothing=0.1)
CONVOLUTIONAL = Images(
    layers="conv:6,3 relu max:3,2 conv:8,3,2,1 relu", init="kaiming", settings={"learning_rate": 0.2}, decay=0.8
)
DROPPED = replace(CONVOLUTIONAL, layers="conv:4,3 relu max:2 dropout:0.2 linear:32 relu dropout:0.2")
NORMALIZED = replace(CONVOLUTIONAL, layers="conv:4,3 batchnorm relu max:2 conv:8,3,2 batchnorm relu")
RECTIFIED = Images(activation="relu", init="kaiming", settings={"learning_rate": 0.2})
SQUARE = Images(hidden=10)  # the last layer, which is the one whose dL/dx is asked for
SCENES_BY_NAME: dict[str, Scene] = {
    "linear_dx_transposed": SQUARE,
    "linear_dx_ignores_later_outputs": Images(hidden=5),
    "max_pool2d_ties_all": replace(CONVOLUTIONAL, layers="conv:6,3 max:3,2 relu conv:8,3,2,1 relu"),
    "max_pool2d_dx_to_last_maximum": replace(CONVOLUTIONAL, layers="conv:6,3 max:3,2 relu conv:8,3,2,1 relu"),
    "last_sample_only": Images(best_tier="vector"),
    "same_seed_for_every_layer": Images(activation="tanh"),
    "dropout_not_scaled": DROPPED,
    "dropout_scaled_by_p": DROPPED,
    "dropout_mask_shared_in_batch": DROPPED,
    "dropout_in_prediction": DROPPED,
    "dropout_same_mask_every_step": DROPPED,
    "layers_never_in_training_mode": DROPPED,
    "batch_norm_predicts_by_the_batch": NORMALIZED,
    "batch_norm_momentum_reversed": NORMALIZED,
    "batch_norm_running_variance_biased": NORMALIZED,
    "no_shuffle": Images(by_class=True),
    "nan_compared_with_equals": Images(loss="mean_squared_error", activation="relu", settings={"learning_rate": 50.0}),
    "l2_in_loss_not_grad": Images(settings={"learning_rate": 0.5, "weight_decay": 0.002}),
    "velocity_shared": Images(settings=MOMENTUM),
    "adam_no_bias_correction": Images(optimizer="Adam", settings={"learning_rate": 0.03}),
    "adam_shared_count": Images(optimizer="Adam", settings={"learning_rate": 0.03}),
    "nesterov_uses_old_velocity": Images(settings={**MOMENTUM, "nesterov": True}),
    "adamw_decay_in_gradient": Images(optimizer="AdamW", settings={"learning_rate": 0.03, "weight_decay": 0.03}),
    "lr_decay_per_batch": Images(decay=0.9),
    "kaiming_fan_swapped": RECTIFIED,
    "mul_reads_data_at_backward_time": Values(passes="online", activation="tanh", loss="squared"),
    "pow_missing_factor": Values(loss="squared", learning_rate=0.05),
    "relu_grad_at_zero": Values(corners=True),
    "exp_grad_uses_input": Values(loss="logistic"),
    "tanh_grad_uses_input": Values(activation="tanh"),
    "sigmoid_grad_uses_input": Values(activation="sigmoid", learning_rate=1.0),
    "bfs_instead_of_topo": Values(skip=True, learning_rate=0.05),
    "intermediate_grads_not_reset": Values(passes="two"),
    "equal_values_are_one_node": Values(corners=True, activation="tanh"),
    "test_not_scaled": Files(activation="tanh"),
    "labels_sorted_by_class": Files(split=True),
    "split_overlaps": Files(split=True),
    "test_standardized_by_itself": Points(),
    "one_deviation_for_all_features": Points(),
    "best_checkpoint_is_alias": BestKept(settings={"learning_rate": 2.0}),
    "checkpoint_forgets_b2": Reloaded(),
    "resume_reseeds_shuffle": Resumed(),
    "resume_forgets_velocity": Resumed(settings=MOMENTUM),
    "resume_restarts_the_epoch": Resumed(),
}
SCENES_BY_OP: dict[str, Scene] = {
    "tanh": Images(activation="tanh", settings={"learning_rate": 0.2}),
    "relu": RECTIFIED,
    "elu": replace(RECTIFIED, activation="elu"),
    "mean_squared_error": Images(loss="mean_squared_error", settings={"learning_rate": 2.0}),
    "mean_absolute_error": replace(RECTIFIED, loss="mean_absolute_error", n_classes=2),
    "binary_cross_entropy": Images(loss="binary_cross_entropy", settings={"learning_rate": 5.0}),
    "hinge": Images(loss="hinge", n_classes=2),
    "soft_cross_entropy": Images(certainty=0.7),
    "elementwise": Images(settings=MOMENTUM),
    "conv2d": CONVOLUTIONAL,
    "avg_pool2d": replace(CONVOLUTIONAL, layers=CONVOLUTIONAL.layers.replace("max", "avg")),
    "max_pool2d": CONVOLUTIONAL,
    "reshape": CONVOLUTIONAL,
    "dropout": DROPPED,
    "smoothed_cross_entropy": SMOOTHED,
    "batch_norm": NORMALIZED,
}


def _scene(bug: Bug) -> Scene:
    return SCENES_BY_NAME.get(bug.name) or SCENES_BY_OP.get(bug.op) or SCENES[bug.kind]


def figures(mt: ModuleType, net: Any, test: Samples) -> dict[str, float | str]:
    """Return what the package says of a trained net, beside its curves."""
    if net.loss.name != "softmax_cross_entropy":
        return {"mean size of a weight": _mean_size(net)}
    X, y = test
    scores, predicted = mt.evaluate(net, X, y), net.predict(X)
    probabilities = net.predict_proba(X)
    counts = mt.confusion_matrix(predicted, y, probabilities.shape[1])
    np.fill_diagonal(counts, 0)
    true, said = divmod(int(counts.argmax()), len(counts))
    return {
        "test loss": float(scores["loss"]),
        "mean confidence in its answers": float(probabilities.max(axis=1).mean()),
        "mean size of a weight": _mean_size(net),
        "most frequent mistake": f"{true} taken for {said}, {counts[true, said]} times",
    }


def _mean_size(net: Any) -> float:
    return float(np.mean([np.abs(array).mean() for name, array in net.state_dict().items() if "weight" in name]))


@lru_cache(maxsize=1)
def _glyphs(seed: int) -> Samples:
    """Draw test samples first, then training samples; the same arrays for both programs, so they are read-only."""
    X, y = draw_glyphs(N_TEST + N_TRAIN, rng=generator(seed))
    X.flags.writeable = y.flags.writeable = False
    return X, y


def _write_idx(path: Path, array: NDArray[np.uint8]) -> None:
    header = bytes([0, 0, 0x08, array.ndim]) + b"".join(size.to_bytes(4, "big") for size in array.shape)
    path.write_bytes(header + array.tobytes())
