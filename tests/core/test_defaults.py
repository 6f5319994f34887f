"""Defaults and ranges of settings: those of PyTorch, or of the paper that the docstring names."""

import dataclasses
import inspect
import math

import pytest

import micrograd_tiers as mt

# Kingma and Ba (2015), Loshchilov and Hutter (2019), Ioffe and Szegedy (2015), Srivastava et al. (2014), PyTorch.
SETTINGS = {
    mt.Adam: {"learning_rate": 0.001, "weight_decay": 0.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    mt.AdamW: {"learning_rate": 0.001, "weight_decay": 0.01, "beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8},
    mt.RMSprop: {"learning_rate": 0.001, "weight_decay": 0.0, "beta": 0.99, "epsilon": 1e-8},
    mt.SGD: {"learning_rate": 0.1, "weight_decay": 0.0, "momentum": 0.0, "nesterov": False},
    mt.BatchNorm1d: {"epsilon": 1e-5, "momentum": 0.1},
    mt.BatchNorm2d: {"epsilon": 1e-5, "momentum": 0.1},
    mt.Conv2d: {"stride": 1, "padding": 0, "bias": True},
    mt.Linear: {"bias": True},
    mt.Dropout: {"p": 0.5},
    mt.ELU: {"alpha": 1.0},
    mt.SoftmaxCrossEntropy: {"smoothing": 0.0, "class_weights": None, "ignore": None},
    mt.CosineAnnealing: {"floor": 0.001},
    mt.StepDecay: {"by": 0.1},
    mt.AvgPool2d: {"stride": None},
    mt.MaxPool2d: {"stride": None},
    mt.Attention: {"heads": 1},
    mt.LayerNorm: {"epsilon": 1e-5},
    mt.RMSNorm: {"epsilon": 1e-5},
}
ARGUMENTS = {
    mt.fit: {
        **{"batch_size": 64, "epochs": None, "steps": None, "seed": 0, "shuffle": True, "patience": None},
        **{"keep_best": False},
    },
    mt.two_layer_net: {"tier": "tensor", "dtype": "float64", "exact": False, "init": "xavier", "seed": 0},
    mt.mlp: {"activation": "sigmoid", "dropout": 0.0, "loss": "softmax_cross_entropy", "init": "xavier", "seed": 0},
    mt.Network.summary: {"batch_size": 64, "optimizer_numbers": 0},
    mt.Trainer: {"batch_size": 64, "epochs": None, "steps": None, "seed": 0, "shuffle": True, "patience": None},
    mt.Network: {"loss": "softmax_cross_entropy", "tier": "tensor", "dtype": "float64", "init": "xavier", "seed": 0},
}  # fmt: skip

# Lowest and highest number that is accepted; "above" and "below" leave out the bound itself.
RANGES = [
    (mt.ELU, "alpha", "above 0", None),
    (mt.BatchNorm1d, "epsilon", "above 0", None),
    (mt.BatchNorm1d, "momentum", "above 0", 1),
    (mt.BatchNorm2d, "momentum", "above 0", 1),
    (mt.Dropout, "p", 0, 1),
    (mt.RMSNorm, "epsilon", "above 0", None),
    (mt.LayerNorm, "epsilon", "above 0", None),
    (mt.SGD, "learning_rate", "above 0", None),
    (mt.SGD, "weight_decay", 0, None),
    (mt.SGD, "momentum", 0, "below 1"),
    (mt.Adam, "beta1", 0, "below 1"),
    (mt.AdamW, "beta2", 0, "below 1"),
    (mt.Adam, "epsilon", "above 0", None),
    (mt.RMSprop, "beta", 0, "below 1"),
    (mt.RMSprop, "epsilon", "above 0", None),
    (mt.StepDecay, "by", "above 0", 1),
    (mt.CosineAnnealing, "floor", "above 0", "below 1"),
    (mt.SoftmaxCrossEntropy, "smoothing", 0, "below 1"),
]
NEEDED = {mt.LayerNorm: (3,), mt.BatchNorm1d: (3,), mt.BatchNorm2d: (3,), mt.StepDecay: (3,), mt.CosineAnnealing: (3,)}
WHOLE = [
    (mt.Linear, {"in_features": 1, "out_features": 1}),
    (mt.Conv2d, {"in_channels": 1, "out_channels": 1, "kernel_size": 1, "stride": 1, "padding": 0}),
    (mt.AvgPool2d, {"kernel_size": 1, "stride": 1}),
    (mt.MaxPool2d, {"kernel_size": 1, "stride": 1}),
    (mt.BatchNorm1d, {"num_features": 1}),
    (mt.StepDecay, {"every": 1}),
    (mt.CosineAnnealing, {"epochs": 1}),
    (mt.LinearDecay, {"steps": 1}),
    (mt.Embedding, {"n_tokens": 1, "features": 1}),
    (mt.Position, {"length": 1, "features": 1}),
    (mt.LayerNorm, {"features": 1}),
    (mt.Attention, {"heads": 1}),
    (mt.Project, {"in_features": 1, "out_features": 1}),
]


@pytest.mark.parametrize(("kind", "name", "low", "high"), RANGES)
def test_settings_are_accepted_up_to_their_bounds_and_refused_beyond(kind, name, low, high):
    def make(value):
        return getattr(kind(*NEEDED.get(kind, ()), **{name: value}), name)

    bound, up = (0.0, math.inf) if isinstance(low, str) else (float(low), math.inf)
    good = [bound + 1e-9] if isinstance(low, str) else [bound]
    bad = [bound if isinstance(low, str) else bound - 1e-9, -1.0, math.nan, math.inf, "a", None]
    if high is not None:
        top = float(str(high).removeprefix("below "))
        good += [top - 1e-9] if isinstance(high, str) else [top]
        bad += [top if isinstance(high, str) else top + 1e-9, up]
    assert [make(value) for value in good] == good
    for value in bad:
        with pytest.raises(ValueError, match=f"{kind.__name__}: {name} is "):
            make(value)


@pytest.mark.parametrize(("kind", "least"), WHOLE)
def test_sizes_are_whole_numbers_from_their_least_on(kind, least):
    made = kind(**least)
    assert {name: getattr(made, name) for name in least} == least
    for name in least:
        for value in (least[name] - 1, 1.5, "2", 2**31, math.nan):
            with pytest.raises(ValueError, match=f"{name} is "):
                kind(**least | {name: value})


@pytest.mark.parametrize("kind", SETTINGS, ids=lambda kind: kind.__name__)
def test_settings_have_the_published_defaults(kind):
    fields = {field.name: field.default for field in dataclasses.fields(kind) if field.init}
    assert {name: value for name, value in fields.items() if value is not dataclasses.MISSING} == SETTINGS[kind]


def test_no_kind_of_setting_is_overlooked():
    kinds = {
        kind for name in mt.__all__ if dataclasses.is_dataclass(kind := getattr(mt, name)) and inspect.isclass(kind)
    }
    with_defaults = {
        kind
        for kind in kinds - {mt.Recipe}
        if any(field.init and field.default is not dataclasses.MISSING for field in dataclasses.fields(kind))
    }
    assert with_defaults == {*SETTINGS}


@pytest.mark.parametrize("function", ARGUMENTS, ids=lambda function: function.__name__)
def test_arguments_have_the_defaults_of_the_docs(function):
    parameters = inspect.signature(function).parameters
    assert {name: parameters[name].default for name in ARGUMENTS[function]} == ARGUMENTS[function]


def test_numbers_without_names_mean_what_the_docs_say():
    assert mt.SGD(0.1, 0.9) == mt.SGD(learning_rate=0.1, momentum=0.9)
    assert mt.Adam(0.1, 0.8, 0.9) == mt.Adam(learning_rate=0.1, beta1=0.8, beta2=0.9)
    assert mt.Conv2d(1, 2, 3, 4, 5) == mt.Conv2d(in_channels=1, out_channels=2, kernel_size=3, stride=4, padding=5)
    for kind in (mt.SGD, mt.Adam, mt.AdamW, mt.RMSprop):
        assert inspect.signature(kind).parameters["weight_decay"].kind is inspect.Parameter.KEYWORD_ONLY
