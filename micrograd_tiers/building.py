"""The parts of a run, built from its recipe: data set, net and trainer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .arguments import whole_number
from .batches import check_batches
from .datasets import (
    TEXTS,
    Dataset,
    Documents,
    Standardizer,
    load_dataset,
    load_text,
    standardize,
    train_validation_split,
)
from .models import gpt, mlp
from .network import Network
from .recipe import DEFAULTS, Recipe
from .trainer import Trainer
from .words import layers_from_words


@contextmanager
def _option(name: str, word: str = "") -> Iterator[None]:
    """Begin the message of a ValueError, if the word is in it, with the option of `train` to which it is due."""
    try:
        yield
    except ValueError as error:
        if word in str(error):
            error.args = (f"{name}: {error}",)  # the same error, as its traceback leads to the line of a tier's file
        raise


def load_samples(recipe: Recipe, data_dir: str | None = None, *, test_only: bool = False) -> Dataset:
    """Return the data set of a recipe as it is; raise a ValueError if its net cannot read it."""
    name = recipe.data
    if recipe.net != "gpt" and (recipe.text or name in TEXTS):
        raise ValueError(
            f"{recipe.text or f'the data set {name}'} holds documents, which only a GPT reads: choose --net gpt (in "
            'Python, net="gpt")'
        )
    options: dict[str, Any] = {
        "n_train": recipe.n_train, "n_test": recipe.n_test, "seed": recipe.seed, "test_only": test_only,
    }  # fmt: skip
    if recipe.text:
        if name != DEFAULTS["gpt"]["data"]:
            raise ValueError(f"--text is {recipe.text} and --data is {name}, expected one of them")
        return load_text(recipe.text, length=recipe.length, **options)
    if recipe.net == "gpt" and name not in TEXTS:
        raise ValueError(
            f"the data set {name} holds samples with classes, but a GPT reads documents: choose --data "
            f"{' or '.join(TEXTS)}; train and compare also read --text FILE"
        )
    return load_dataset(name, data_dir=data_dir, **options)


def load_data(recipe: Recipe, data_dir: str | None = None) -> tuple[Dataset, Standardizer | None]:
    """Return the data set as the net will see it, and its standardizer, or None if it was not standardized.

    The standardizer is not fitted to the samples that are set aside for validation.
    """
    _check_settings(recipe)
    data = load_samples(recipe, data_dir)
    if data.image_shape is not None or recipe.no_standardize or isinstance(data, Documents):
        return data, None
    scale = Standardizer.fit(split(recipe, data)[0])
    return standardize(data, scale), scale


def split(recipe: Recipe, data: Dataset) -> tuple[Any, Any, tuple[Any, Any] | None]:
    """Return training samples, their classes, and (validation samples, classes) if any are set aside, else None."""
    if not recipe.validation:
        return data.train_x, data.train_y, None
    with _option("--validation"):
        x, y, validation_x, validation_y = train_validation_split(
            data.train_x, data.train_y, recipe.validation, seed=recipe.seed
        )
    return x, y, (validation_x, validation_y)


def make_net(recipe: Recipe, data: Dataset) -> Network:
    """Return a new net with initial weights."""
    options: dict[str, Any] = {
        "tier": recipe.tier, "dtype": recipe.dtype, "exact": recipe.exact, "init": recipe.init,
        "seed": recipe.seed,
    }  # fmt: skip
    if isinstance(data, Documents):
        with _option("--tier", "tier"):
            return gpt(
                data.tokenizer.n_tokens, length=recipe.length or data.train_x.shape[1], activation=recipe.activation,
                dropout=recipe.dropout, **options,
            )  # fmt: skip
    options["label_smoothing"] = recipe.label_smoothing
    plain = Recipe()
    of_mlp = [
        f"--{name}" for name in ("hidden", "activation", "dropout") if getattr(recipe, name) != getattr(plain, name)
    ]
    if recipe.layers and of_mlp:
        raise ValueError(f"--layers already describes the whole net: leave out {' and '.join(of_mlp)}")
    n_inputs, n_classes = data.train_x.shape[1], len(data.class_names)
    if not recipe.layers:
        with _option("--tier", "tier"):
            return mlp([n_inputs, *recipe.hidden, n_classes], recipe.activation, dropout=recipe.dropout, **options)
    with _option("--layers"):
        shape = (n_inputs,) if data.image_shape is None else (1, *data.image_shape)
        layers = layers_from_words(recipe.layers, shape, n_classes)
    with _option("--tier", "tier"):
        return Network(layers, **options)


def make_trainer(recipe: Recipe, net: Network, data: Dataset) -> Trainer:
    """Return a new trainer of a net on the data set."""
    _check_validation(recipe)
    x, y, validation = split(recipe, data)
    with _option("--batch-size", "batch_size"):
        return Trainer(
            net, x, y, optimizer=recipe.update_rule, batch_size=recipe.batch_size, epochs=recipe.epochs,
            steps=recipe.steps, validation=validation, seed=recipe.seed, shuffle=not recipe.no_shuffle,
            schedule=recipe.schedule, patience=recipe.patience, keep_best=recipe.keep_best, drop_last=recipe.drop_last,
        )  # fmt: skip


def check(recipe: Recipe, data_dir: str | None = None) -> None:
    """Check a recipe without training: raise the error that a run would raise for an invalid setting."""
    whole_number("validation", recipe.validation, 0)
    _check_settings(recipe)
    only_data = {name: getattr(recipe, name) for name in ("net", "data", "text", "length")}
    sample = _sample(Recipe(**only_data, n_train=1 if recipe.text else 2, n_test=1), data_dir)
    net, n = make_net(recipe, sample), (recipe.n_train or 0) - recipe.validation
    make_trainer(replace(recipe, validation=0, patience=None, keep_best=False, drop_last=False), net, sample)
    if n > 0:  # otherwise the set's own number of samples, or an error of its split
        with _option("--batch-size", "batch_size"):
            check_batches(net, (n, *sample.train_x.shape[1:]), recipe.batch_size, recipe.drop_last)
    _check_validation(recipe)


def _check_settings(recipe: Recipe) -> None:
    others = ("layers", "hidden", "label_smoothing", "no_standardize") if recipe.net == "gpt" else ("length",)
    unused = [f"--{name.replace('_', '-')}" for name in others if getattr(recipe, name)]
    if unused:
        raise ValueError(f"--net {recipe.net} has no such settings: leave out {' and '.join(unused)}")


def _check_validation(recipe: Recipe) -> None:
    if not recipe.validation and (recipe.patience is not None or recipe.keep_best):
        option = "--keep-best" if recipe.patience is None else "--patience"
        raise ValueError(f"{option} needs a validation loss: give --validation N (in Python, validation=N)")


@lru_cache
def _sample(recipe: Recipe, data_dir: str | None) -> Dataset:
    return load_samples(recipe, data_dir)
