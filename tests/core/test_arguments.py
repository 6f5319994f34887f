"""Arguments: what names and classes stand for, and one line about any other value, which names the argument."""

import inspect

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS

rng = np.random.default_rng(0)
X, Y = rng.standard_normal((23, 5)), rng.integers(0, 3, 23)


def net():
    return mt.two_layer_net(5, 4, 3, seed=1)


# What stands for what.


def weights_after(**options):
    trained = net()
    mt.fit(trained, X, Y, batch_size=8, epochs=3, **options)
    return [array.tobytes() for array in trained.state_dict().values()]


SAME = {
    "adam": ({"optimizer": "adam"}, {"optimizer": mt.Adam()}),
    "sgd": ({"optimizer": "sgd"}, {"optimizer": mt.SGD()}),
    "adamw": ({"optimizer": "adamw"}, {"optimizer": mt.AdamW()}),
    "rmsprop": ({"optimizer": "rmsprop"}, {"optimizer": mt.RMSprop()}),
    "a class": ({"optimizer": mt.Adam}, {"optimizer": mt.Adam()}),
    "cosine": ({"schedule": "cosine"}, {"schedule": mt.CosineAnnealing(3)}),
    "steps": ({"schedule": "step:1"}, {"schedule": mt.StepDecay(1)}),
    "steps by": ({"schedule": "step:2,0.5"}, {"schedule": mt.StepDecay(2, 0.5)}),
    "no schedule": ({"schedule": ""}, {"schedule": None}),
    "a pair in a list": ({"validation": [X, Y], "keep_best": True}, {"validation": (X, Y), "keep_best": True}),
    "NumPy's True": ({"shuffle": np.False_}, {"shuffle": False}),
}


@pytest.mark.parametrize(("short", "full"), SAME.values(), ids=SAME)
def test_a_name_or_a_class_stands_for_the_object(short, full):
    assert weights_after(**short) == weights_after(**full)


def test_a_class_stands_for_a_loss_with_default_settings():
    assert mt.mlp([5, 1], loss=mt.Hinge).loss == mt.Hinge()
    assert mt.mlp([5, 3], loss=mt.SoftmaxCrossEntropy, label_smoothing=0.1).loss == mt.SoftmaxCrossEntropy(0.1)


def test_class_weights_may_be_a_dict_of_all_classes():
    assert mt.SoftmaxCrossEntropy(class_weights={1: 2, 0: 0.5}) == mt.SoftmaxCrossEntropy(class_weights=(0.5, 2))


def test_fit_and_the_trainer_have_the_same_settings():
    fit, trainer = (inspect.signature(function).parameters for function in (mt.fit, mt.Trainer))
    assert [*fit.values()][-1].name == "progress"
    assert [*fit.values()][:-1] == [*trainer.values()]  # names, order, defaults and types


# Any other value.

NEITHER = ("yes", "no", None, 0, 1, [], 2.0)
NOT_WHOLE = (None, 0, -1, 2.5, 4.0, "4", True, [4], X)
SEEDS = (None, -1, 1.0, "0", True, np.random.RandomState(0), np.random, [1])
NETS = (None, "net.npz", [mt.Linear(5, 3)], mt.MLP(5, [4, 3]), mt.Network, X)
FIT = {
    "net": NETS,
    "X": (None, "mnist", 5, net(), {}, X[0], X[:, :4], X[:0], mt.load_dataset("xor", n_train=2, n_test=2)),
    "y": (None, "y", 5, {}, net(), Y[:5], X, Y[:, None, None]),
    "optimizer": (
        "Adam", "nonsense", "", 0.1, {"learning_rate": 0.1}, lambda: 1, net(), [mt.Adam()], mt.StepDecay(3), object,
        True, type(mt.SGD()).__base__,
    ),
    "batch_size": NOT_WHOLE,
    "epochs": NOT_WHOLE[1:],
    "steps": NOT_WHOLE[1:],
    "validation": (
        0.1, 5, True, False, "yes", X, (), (X,), (X, Y, Y), (X, None), (X, Y[:3]), (X[:, :4], Y), {"X": X, "y": Y},
        iter((X, Y)), mt.load_dataset("xor", n_train=2, n_test=2),
    ),
    "seed": SEEDS,
    "shuffle": NEITHER,
    "drop_last": NEITHER,
    "schedule": (
        "step:a", "step:1,b", "step:1.5", "step:0", "step", "step:", "step:1,2,3", "step:1,5", "cosine:3", "linear:3",
        "nonsense",
        mt.StepDecay, lambda epoch: 1.0, 0.5, mt.SGD(), True, ["cosine"],
    ),
    "patience": (0, -1, 1.5, "3", True, [1]),
    "keep_best": NEITHER,
    "sample_weight": ("balanced", 1.0, {0: 1.0}, [1.0] * 5, X, -np.ones(23), np.full(23, np.nan), True),
}  # fmt: skip
NETWORK = {
    "tier": (None, 5, "gpu", "Tensor", True, ["tensor"], "", "nowhere.py", mt.Network),
    "dtype": (None, "double", "float16", np.float16, int, "f4", 5, "torch.float32", True, [1]),
    "exact": NEITHER,
    "init": (
        None, "he", "Xavier", 0.1, ["xavier"], {}, np.zeros, rng.normal, mt.SGD, lambda shape: np.zeros(shape),
        lambda shape, rng: 0.0, lambda shape, rng: rng.normal(size=shape[::-1]), lambda shape, rng: None,
        lambda shape, rng: "a", lambda shape, rng: np.full(shape, np.nan),
    ),
    "seed": SEEDS,
}  # fmt: skip
LOSS = {
    "loss": (
        None, "mse", "cross_entropy", "", 5, ["hinge"], lambda outputs, y: 0, np.mean, mt.Loss, mt.Loss(), mt.SGD(),
        mt.Network,
    ),
    "label_smoothing": (None, "0.1", -1, 1, True, np.nan),
}  # fmt: skip
SIZES = (None, 5, [], [5], "5-4-3", [5, "4", 3], [5, 4.0, 3], [[5, 4], 3], (5, 0, 3))
CALLS = {
    "fit": (mt.fit, {"net": net, "X": X, "y": Y}, FIT | {"progress": NEITHER}),
    "Trainer": (mt.Trainer, {"net": net, "X": X, "y": Y}, FIT),
    "evaluate": (
        mt.evaluate,
        {"net": net, "X": X, "y": Y},
        {name: FIT[name] for name in ("net", "X", "y", "sample_weight")},
    ),
    "save": (
        mt.save,
        {"net": net, "path": "net.npz"},
        {
            "net": NETS,
            "path": (None, 5, ["a"], net()),
            "info": (5, "a", [1], {"a": object()}),
            "training": (5, "a", [1]),
        },
    ),
    "load": (mt.load, {"path": "net.npz"}, {"path": (None, 5, ["a"], net(), True)}),
    "two_layer_net": (
        mt.two_layer_net,
        {"n_inputs": 5, "n_hidden": 4, "n_classes": 3},
        {**dict.fromkeys(("n_inputs", "n_hidden", "n_classes"), NOT_WHOLE), **NETWORK},
    ),
    "Network": (
        mt.Network,
        {"layers": lambda: [mt.Linear(5, 3)]},
        {
            "layers": (
                None, [], 5, "linear:5", [5, 4, 3], mt.Linear(5, 3), mt.Linear, [mt.Linear(5, 3), "relu"],
                [mt.Linear(5, 3), mt.ReLU], [[mt.Linear(5, 3)]], [mt.Linear(5, 3), np.tanh], net(), [net()],
                [mt.nn.Layer(5, 3)], {0: mt.Linear(5, 3)},
            ),
            **LOSS,
            **NETWORK,
        },
    ),
    "mlp": (
        mt.mlp,
        {"sizes": [5, 4, 3]},
        {
            "sizes": SIZES,
            "activation": (None, mt.ReLU, mt.ReLU(), np.tanh, "ReLU", "gelu", ["relu"], 5, ""),
            "dropout": (None, -1, 2, "0.5", True, [0.5], np.nan),
            **LOSS,
            **NETWORK,
        },
    ),
    "softmax_regression": (
        mt.softmax_regression,
        {"n_inputs": 5, "n_classes": 3},
        dict.fromkeys(("n_inputs", "n_classes"), NOT_WHOLE),
    ),
    "lenet5": (
        mt.lenet5,
        {},
        {
            "activation": (None, mt.ReLU, ["relu"]),
            "pooling": (None, "mean", mt.MaxPool2d, ["avg"]),
            "n_classes": NOT_WHOLE,
        },
    ),
    "gpt": (
        mt.gpt,
        {},
        {
            **dict.fromkeys(("n_tokens", "features", "heads", "n_blocks", "length"), NOT_WHOLE),
            "activation": (None, mt.ReLU, ["relu"]),
            "norm": (None, "layer", mt.LayerNorm, ["rms_norm"]),
            "dropout": (None, -1, 2, "0.5", True),
            **NETWORK,
            "init": (*NETWORK["init"], "normal:", "normal:a", "normal:-1", "normal:nan", "uniform:1"),
        },
    ),
    "autoencoder": (mt.autoencoder, {"sizes": [5, 3]}, {"sizes": SIZES, "activation": (None, mt.ReLU, ["relu"])}),
    "load_dataset": (
        mt.load_dataset,
        {"name": "xor", "n_train": 5, "n_test": 5},
        {
            "name": (None, "MNIST", "xors", 5, ["xor"], {}),
            **dict.fromkeys(("n_train", "n_test"), (0, "5", 5.0, -1, True)),
            **dict.fromkeys(("download", "test_only"), NEITHER),
            "seed": SEEDS[:-3],
        },
    ),
    "SGD": (
        mt.SGD,
        {"momentum": 0.9},
        {"nesterov": NEITHER, "momentum": (None, "a", 1, -1, True), "learning_rate": (None, "0.1", 0, [0.1])},
    ),
    "SoftmaxCrossEntropy": (
        mt.SoftmaxCrossEntropy,
        {},
        {
            "class_weights": (5, "balanced", {1: 1.0, 2: 2.0}, {"a": 1.0}),
            "ignore": (1.0, "a"),
            "smoothing": (None, "0.1", 1),
        },
    ),
    "to": (
        lambda **options: net().to(**options),
        {"tier": "vector"},
        {"tier": NETWORK["tier"], "dtype": NETWORK["dtype"][1:], "exact": NEITHER[:2]},
    ),
    "load_state_dict": (lambda state: net().load_state_dict(state), {}, {"state": (None, [], 5, "a", net())}),
    "summary": (lambda shape: net().summary(shape), {}, {"shape": (5, "a", 5.5, X)}),
    "freeze": (lambda layer: net().freeze(layer), {}, {"layer": ("a", None, 1.0, [0], mt.ReLU(), True)}),
}  # fmt: skip
OTHER_WORDS = {"name": "data set", "init": "initializer", "tier": "tier"}
FROM_INSIDE = (
    "has no attribute",
    "object is not",
    "argument must be",
    "unhashable",
    "Cannot interpret",
    "positional",
    "invalid literal",
)


@pytest.mark.parametrize(("function", "argument"), [(f, name) for f, (_, _, wrong) in CALLS.items() for name in wrong])
def test_a_wrong_value_is_refused_in_one_line_that_names_the_argument(function, argument, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    call, right, wrong = CALLS[function]
    for value in wrong[argument]:
        options = {name: thing() if callable(thing) else thing for name, thing in right.items()} | {argument: value}
        if argument in ("patience", "keep_best"):
            options["validation"] = (X, Y)
        with pytest.raises((ValueError, TypeError)) as caught:
            call(**options)
        line = str(caught.value)
        assert argument in line or OTHER_WORDS.get(argument, argument) in line, (value, line)
        assert "\n" not in line
        assert len(line) <= 320, line
        if not (argument == "init" and callable(value)):  # whose own error is quoted
            assert not any(words in line for words in FROM_INSIDE), line
    assert not [*tmp_path.iterdir()]


def test_a_validation_share_is_answered_with_the_call_that_sets_samples_aside():
    for share, n in ((0.2, 5), (6, 6), (0.001, 1)):
        with pytest.raises(ValueError, match="expected a pair") as caught:
            mt.fit(net(), X, Y, validation=share)
        names = {"mt": mt, "X": X, "y": Y}
        exec(str(caught.value).partition(" with ")[2], names)
        assert len(names["validation"][0]) == n
        history = mt.fit(net(), names["X"], names["y"], validation=names["validation"])
        assert len(history.validation_loss) == 1


# The last mini-batch.

NORMALIZED = [mt.Linear(5, 4), mt.BatchNorm1d(4), mt.Tanh(), mt.Linear(4, 3)]


def seen_by(tier, n=11, batch_size=4, epochs=3, **options):
    """Return the first feature of the samples that a layer saw, in a list per epoch."""
    seen = []

    class Recorder(mt.Sigmoid):
        def forward(self, tier, x, *parameters):
            seen.extend(np.array(tier.tolist(x)).reshape(-1, 5)[:, 0].tolist())
            return x, (lambda dy: dy,)

    trainer = mt.Trainer(
        mt.Network([Recorder(), mt.Linear(5, 3)], tier=tier),
        X[:n],
        Y[:n],
        batch_size=batch_size,
        epochs=epochs,
        **options,
    )
    trainer.run()
    assert trainer.samples_seen == len(seen) == epochs * trainer.n_samples
    assert len(trainer.history.batch_loss) == epochs * trainer.steps_per_epoch
    return np.reshape(seen, (epochs, -1)).tolist()


@pytest.mark.parametrize("tier", TIERS)
def test_drop_last_leaves_out_the_samples_of_the_short_batch_at_every_tier(tier):
    dropped, all_of_them = seen_by(tier, drop_last=True), seen_by("tensor")
    assert dropped == [epoch[:8] for epoch in all_of_them]
    assert len({frozenset(epoch) for epoch in dropped}) == 3  # others in each epoch
    assert seen_by(tier, n=8, drop_last=True) == seen_by("tensor", n=8)  # nothing to leave out
    assert seen_by(tier, drop_last=True, shuffle=False) == [X[:8, 0].tolist()] * 3


def test_large_sets_lose_the_same_samples(monkeypatch):
    whole = seen_by("tensor", drop_last=True)
    monkeypatch.setattr("micrograd_tiers.batches.BLOCK", 40)
    assert seen_by("tensor", drop_last=True) == whole


def test_the_loss_of_an_epoch_divides_by_the_weights_of_the_samples_in_it():
    weights = rng.uniform(0, 2, 11)
    for weight in (None, weights):
        trainer = mt.Trainer(net(), X[:11], Y[:11], batch_size=4, drop_last=True, shuffle=False, sample_weight=weight)
        trainer.run()
        w = np.ones(11) if weight is None else weight
        losses = trainer.history.batch_loss
        expected = (losses[0] * w[:4].sum() + losses[1] * w[4:8].sum()) / w[:8].sum()
        assert trainer.history.train_loss == [pytest.approx(expected, rel=1e-14)]


def test_a_net_with_batch_normalization_trains_where_one_sample_would_be_left():
    with pytest.raises(
        ValueError, match=r"last mini-batch of 9 samples has 1; leave it out with drop_last=True \(--drop-last\)"
    ):
        mt.fit(mt.Network(NORMALIZED), X[:9], Y[:9], batch_size=4)
    history = mt.fit(mt.Network(NORMALIZED), X[:9], Y[:9], batch_size=4, epochs=2, drop_last=True)
    assert len(history.batch_loss) == 4
    with pytest.raises(ValueError, match="one has no variance: choose a larger batch_size"):
        mt.fit(mt.Network(NORMALIZED), X, Y, batch_size=1, drop_last=True)
    with pytest.raises(
        ValueError, match=r"drop_last is True, and 23 samples do not fill a mini-batch of 64.*at most 23"
    ):
        mt.fit(net(), X, Y, drop_last=True)


@pytest.mark.parametrize("steps", [1, 2, 3])
def test_a_run_that_drops_its_last_batch_is_resumed_to_the_same_bits(steps):
    def trainer(drop_last=True):
        layers = [mt.Linear(5, 4), mt.Dropout(0.5), mt.BatchNorm1d(4), mt.Linear(4, 3)]
        options = {"batch_size": 4, "epochs": 3, "optimizer": "adam", "drop_last": drop_last}
        return mt.Trainer(mt.Network(layers, seed=1), X[:11], Y[:11], **options)

    whole, half, resumed = trainer(), trainer(), trainer()
    whole.run()
    for _ in range(steps):
        half.step()
    resumed.net.load_state_dict(half.net.state_dict())
    resumed.load_state_dict(half.state_dict())
    resumed.run()
    assert resumed.history == whole.history
    assert all(np.array_equal(array, resumed.net.state_dict()[name]) for name, array in whole.net.state_dict().items())
    with pytest.raises(mt.DataError, match="cannot resume: drop_last was True, now it is False"):
        trainer(drop_last=False).load_state_dict(half.state_dict())


def test_a_training_state_of_an_earlier_version_has_all_of_its_batches():
    trainer, again = (mt.Trainer(net(), X, Y, batch_size=4) for _ in range(2))
    trainer.step()
    state = trainer.state_dict()
    state["state"] = np.array(str(state["state"]).replace('"drop_last": false, ', ""))
    assert "drop_last" not in str(state["state"])
    again.load_state_dict(state)
    assert again.position == 4
