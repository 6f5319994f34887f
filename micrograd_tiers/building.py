"""The parts of a run, built from its recipe: data set, net and trainer."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import lru_cache
from typing import Any

from .arguments import whole_number
from .batches import check_batches
from .datasets import TEXTS, Dataset, Standardizer, load_dataset, standardize, train_validation_split
from .models import mlp
from .network import Network
from .recipe import Recipe
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


def load_samples(name: str, **options: Any) -> Dataset:
    """Return a data set as `load_dataset` does; raise a ValueError if it holds documents, which need another net."""
    if name in TEXTS:
        raise ValueError(
            f"the data set {name} holds documents, expected one of samples with classes: a recipe has no net of "
            f'documents. Try data = mt.load_dataset("{name}"); mt.fit(mt.gpt(), data.train_x, data.train_y, steps=1000)'
        )
    return load_dataset(name, **options)


def load_data(recipe: Recipe, data_dir: str | None = None) -> tuple[Dataset, Standardizer | None]:
    """Return the data set as the net will see it, and its standardizer, or None if it was not standardized.

    The standardizer is not fitted to the samples that are set aside for validation.
    """
    data = load_samples(recipe.data, data_dir=data_dir, n_train=recipe.n_train, n_test=recipe.n_test, seed=recipe.seed)
    if data.image_shape is not None or recipe.no_standardize:
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
        "label_smoothing": recipe.label_smoothing, "seed": recipe.seed,
    }  # fmt: skip
    of_mlp = [
        f"--{name}" for name in ("hidden", "activation", "dropout") if getattr(recipe, name) != getattr(Recipe, name)
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
            validation=validation, seed=recipe.seed, shuffle=not recipe.no_shuffle, schedule=recipe.schedule,
            patience=recipe.patience, keep_best=recipe.keep_best, drop_last=recipe.drop_last,
        )  # fmt: skip


def check(recipe: Recipe, data_dir: str | None = None) -> None:
    """Check a recipe without training: raise the error that a run would raise for an invalid setting."""
    whole_number("validation", recipe.validation, 0)
    sample = _sample(recipe.data, data_dir)
    net, n = make_net(recipe, sample), (recipe.n_train or 0) - recipe.validation
    make_trainer(replace(recipe, validation=0, patience=None, keep_best=False, drop_last=False), net, sample)
    if n > 0:  # otherwise the set's own number of samples, or an error of its split
        with _option("--batch-size", "batch_size"):
            check_batches(net, (n, *sample.train_x.shape[1:]), recipe.batch_size, recipe.drop_last)
    _check_validation(recipe)


def _check_validation(recipe: Recipe) -> None:
    if not recipe.validation and (recipe.patience is not None or recipe.keep_best):
        option = "--keep-best" if recipe.patience is None else "--patience"
        raise ValueError(f"{option} needs a validation loss: give --validation N (in Python, validation=N)")


@lru_cache
def _sample(name: str, data_dir: str | None) -> Dataset:
    return load_samples(name, data_dir=data_dir, n_train=2, n_test=1)
