"""The defaults that a result depends on: those of PyTorch, or of the paper that the docstring names."""

import dataclasses
import inspect

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
}
ARGUMENTS = {
    mt.fit: {"batch_size": 64, "epochs": 1, "seed": 0, "shuffle": True, "patience": None, "keep_best": False},
    mt.two_layer_net: {"tier": "tensor", "dtype": "float64", "exact": False, "init": "xavier", "seed": 0},
    mt.mlp: {"activation": "sigmoid", "dropout": 0.0, "loss": "softmax_cross_entropy", "init": "xavier", "seed": 0},
    mt.Network: {"loss": "softmax_cross_entropy", "tier": "tensor", "dtype": "float64", "init": "xavier", "seed": 0},
}  # fmt: skip


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
