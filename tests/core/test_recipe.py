"""Recipes: defaults, the split into training and validation samples, and the round trip through JSON."""

import json
from dataclasses import replace

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers import recipe
from micrograd_tiers.building import check, load_data, make_net, make_trainer, split
from micrograd_tiers.datasets import DATASETS, TEXTS, Standardizer
from micrograd_tiers.recipe import Recipe

MOONS = Recipe(data="moons", n_train=100, n_test=20, validation=40, hidden=(3,), epochs=1)


@pytest.mark.parametrize(
    ("settings", "optimizer"),
    [
        ({}, mt.SGD(0.1)),
        ({"momentum": 0.9, "nesterov": True, "weight_decay": 0.1}, mt.SGD(0.1, 0.9, True, weight_decay=0.1)),
        ({"optimizer": "rmsprop"}, mt.RMSprop(0.001)),
        ({"optimizer": "adam", "learning_rate": 0.3}, mt.Adam(0.3)),
        ({"optimizer": "adamw"}, mt.AdamW(0.001, weight_decay=0.01)),
        ({"optimizer": "adamw", "weight_decay": 0.0}, mt.AdamW(0.001, weight_decay=0.0)),
    ],
)
def test_missing_settings_take_the_optimizers_defaults(settings, optimizer):
    assert Recipe(**settings).update_rule == optimizer


def test_nothing_is_learned_from_the_validation_samples():
    raw, _ = load_data(replace(MOONS, no_standardize=True))
    data, scale = load_data(MOONS)
    x, _, validation = split(MOONS, raw)
    assert len(x) == 60
    assert np.array_equal(scale.mean, Standardizer.fit(x).mean)
    trainer = make_trainer(MOONS, make_net(MOONS, data), data)
    np.testing.assert_allclose(trainer.X.mean(axis=0), 0, atol=1e-14)
    assert np.array_equal(trainer.validation[0], scale(validation[0]))


def test_recipes_know_the_names_of_the_data_sets():
    assert recipe.DATASETS == DATASETS
    assert recipe.TEXTS == TEXTS


NORMALIZED = {"layers": "linear:5 batchnorm tanh", "hidden": (300,), "n_train": 73, "batch_size": 32}  # 33 to train on


@pytest.mark.parametrize(
    "settings",
    [
        *({}, {"patience": 2}, {"keep_best": True, "schedule": "cosine"}, {"drop_last": True, "batch_size": 60}),
        *(NORMALIZED | {"n_train": n} for n in (None, 74)),
        NORMALIZED | {"drop_last": True},
    ],
)
def test_a_valid_recipe_is_accepted(settings):
    check(replace(MOONS, **settings))


def test_a_recipe_whose_last_batch_is_too_small_is_refused_with_the_way_out():
    with pytest.raises(ValueError, match=r"last mini-batch of 33 samples has 1; leave it out with .*--drop-last"):
        check(replace(MOONS, **NORMALIZED))
    with pytest.raises(ValueError, match="60 samples do not fill a mini-batch of 64"):
        check(replace(MOONS, drop_last=True))


RECIPES = [
    MOONS,
    Recipe(hidden=(), exact=True, dropout=0.5, patience=3, validation=10),
    Recipe(layers="linear:3 relu", optimizer="adamw", schedule="step:2", learning_rate=1),
    Recipe(net="gpt"),
    Recipe(net="gpt", text="poems.txt", epochs=3),
]


@pytest.mark.parametrize("written_one", RECIPES)
def test_a_recipe_survives_the_round_trip_through_json(written_one):
    written = json.loads(json.dumps(written_one.as_json()))
    again = Recipe.from_json(written)
    assert again.as_json() == written_one.as_json()
    assert again.update_rule == written_one.update_rule
    assert Recipe.from_json({}) == Recipe()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"epoch": 3}, "there is no setting 'epoch', expected one of net, data"),
        ({"epochs": "3"}, "epochs is '3', expected int"),
        ({"epochs": True}, "epochs is True, expected int"),
        ({"exact": 1}, "exact is 1, expected bool"),
        ({"hidden": [3, "4"]}, "hidden is .*, expected tuple"),
        ({"hidden": 3}, "hidden is 3, expected tuple"),
        ({"n_train": 1.5}, "n_train is 1.5, expected int or NoneType"),
        ({"tier": None}, "tier is None, expected str"),
    ],
)
def test_unknown_settings_and_wrong_types_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        Recipe.from_json(settings)


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "rmsprop"])
def test_a_setting_of_0_is_not_a_missing_setting(name):
    assert Recipe(optimizer=name, weight_decay=0.0).update_rule.weight_decay == 0
    assert Recipe(optimizer=name, weight_decay=0.5).update_rule.weight_decay == 0.5


def test_each_setting_of_the_optimizer_reaches_it():
    assert Recipe(momentum=0.9, nesterov=True).update_rule == mt.SGD(momentum=0.9, nesterov=True)
    assert Recipe(momentum=0.9).update_rule == mt.SGD(momentum=0.9)
    assert Recipe(learning_rate=0.3, weight_decay=0.1).update_rule == mt.SGD(0.3, weight_decay=0.1)


def test_after_its_epochs_a_cosine_stays_at_its_floor():
    factors = [mt.CosineAnnealing(4, 0.1).factor(epoch) for epoch in range(8)]
    assert factors[0] == 1
    assert factors == sorted(factors, reverse=True)
    assert factors[4:] == pytest.approx([0.1] * 4)


# Nets that read documents.

GPT = Recipe(net="gpt", n_train=12, n_test=5, steps=3)


def test_the_defaults_of_a_gpt_are_those_of_microgpt():
    data, scale = load_data(GPT)
    net = make_net(GPT, data)
    trainer = make_trainer(GPT, net, data)
    assert (scale, net.n_parameters, trainer.batch_size, trainer.schedule) == (None, 4192, 1, mt.LinearDecay(3))
    assert trainer.optimizer == mt.Adam(0.01, 0.85, 0.99)
    assert Recipe(net="gpt").steps == 1000
    same = mt.gpt(data.tokenizer.n_tokens).state_dict()
    assert all(np.array_equal(weights, same[name]) for name, weights in net.state_dict().items())


def test_each_setting_of_a_gpt_reaches_it(tmp_path):
    (tmp_path / "few.txt").write_text("abcdef\nfed\ncab\nbad\n")
    given = Recipe(
        net="gpt", text=str(tmp_path / "few.txt"), length=4, activation="squared_relu", dropout=0.5, tier="vector",
        exact=True, init="zeros", seed=3, epochs=2, batch_size=2, n_test=1, schedule="constant", optimizer="sgd",
    )  # fmt: skip
    data, _ = load_data(given)
    net = make_net(given, data)
    trainer = make_trainer(given, net, data)
    expected = mt.gpt(7, length=4, activation="squared_relu", dropout=0.5)
    assert (net.layers, net.tier_name, net.exact) == (expected.layers, "vector", True)
    assert not any(weights.any() for weights in net.state_dict().values())
    assert (trainer.epochs, trainer.n_steps, trainer.schedule, trainer.optimizer) == (2, 4, None, mt.SGD(0.01))
    assert sorted(data.train_documents + data.test_documents) == ["abcdef", "bad", "cab", "fed"]
    check(given)


def test_a_setting_that_is_given_is_not_replaced_by_a_default_of_the_net():
    given = {"activation": "sigmoid", "init": "xavier", "optimizer": "sgd", "batch_size": 64, "epochs": 10}
    recipe = Recipe(net="gpt", **given)
    assert {name: getattr(recipe, name) for name in given} == given
    assert recipe.steps is None
    assert Recipe(steps=7).epochs is None


def test_what_an_mlp_does_without_is_not_part_of_the_name_of_its_results():
    assert {"net", "text", "length", "steps", "layers"}.isdisjoint(Recipe().settings())
    assert {"net", "text", "length", "steps"} <= {*GPT.settings()}


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        *(({"net": "gpt", "hidden": (n,)}, "--net gpt has no such settings: leave out --hidden") for n in (5, 300)),
        ({"net": "gpt", "layers": "relu", "label_smoothing": 0.1}, "leave out --layers and --label-smoothing"),
        ({"net": "gpt", "no_standardize": True}, "leave out --no-standardize"),
        ({"net": "gpt", "data": "moons"}, "moons holds samples with classes, .* choose --data names or makemore-names"),
        ({"net": "gpt", "data": "makemore-names", "text": "a.txt"}, "--text is a.txt and --data is makemore-names"),
        ({"data": "names"}, "the data set names holds documents, .* choose --net gpt"),
        ({"text": "a.txt"}, "^a.txt holds documents, .* choose --net gpt"),
        ({"length": 8}, "--net mlp has no such settings: leave out --length"),
        ({"net": "gpt", "epochs": 2, "steps": 3}, "epochs is 2 and steps is 3, expected one of them"),
    ],
)
def test_settings_that_do_not_go_together_are_refused(settings, words):
    with pytest.raises(ValueError, match=words):
        check(Recipe(**settings))


def test_an_unknown_net_is_refused():
    with pytest.raises(ValueError, match="unknown net 'rnn': expected one of mlp, gpt"):
        Recipe(net="rnn")


@pytest.mark.parametrize("dropout", [0.0, 0.5])
def test_a_perceptron_ends_with_a_linear_layer(dropout):
    hidden = [mt.Linear(2, 3), mt.Tanh(), *([mt.Dropout(dropout)] if dropout else [])]
    assert mt.mlp([2, 3, 4], "tanh", dropout=dropout).layers == (*hidden, mt.Linear(3, 4))
