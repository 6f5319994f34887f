"""Values that users hand in: what has one meaning is taken, and any other error ends in a call that helps."""

import datetime
import decimal
import fractions
import re
import sys
import warnings

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.checkpoints import load_checkpoint
from micrograd_tiers.datasets import Standardizer, load_dataset, train_validation_split
from micrograd_tiers.run import load_test_set

X, Y = np.arange(8.0).reshape(4, 2), np.array([0, 1, 0, 1])
MASKED_X = np.ma.array(X, mask=[[0, 0], [0, 1], [0, 0], [0, 0]])
MASKED_Y = np.ma.array(Y, mask=[0, 0, 1, 0])
MASKED_WEIGHTS = np.ma.array(np.ones(4), mask=[0, 0, 0, 1])


def net():
    return mt.two_layer_net(2, 3, 2, seed=0)


CALLS = {
    "features of fit": lambda: mt.fit(net(), MASKED_X, Y),
    "rows of features": lambda: mt.fit(net(), list(MASKED_X), Y),
    "features in lists of lists": lambda: mt.fit(net(), [[*row] for row in MASKED_X], Y),
    "features in tuples": lambda: net().predict(tuple((row[0], row[1:][0]) for row in MASKED_X)),
    "labels of fit": lambda: mt.fit(net(), X, MASKED_Y),
    "sample weights": lambda: mt.fit(net(), X, Y, sample_weight=MASKED_WEIGHTS),
    "validation": lambda: mt.fit(net(), X, Y, validation=(MASKED_X, Y)),
    "evaluate": lambda: mt.evaluate(net(), MASKED_X, Y),
    "predict": lambda: net().predict(MASKED_X),
    "forward": lambda: net().forward(MASKED_X),
    "mean_loss": lambda: net().mean_loss(np.ma.array(np.ones((4, 2)), mask=np.eye(4, 2)), Y),
    "loss_and_grads": lambda: net().loss_and_grads(X, MASKED_Y),
    "load_state_dict": lambda: net().load_state_dict(net().state_dict() | {"0.bias": np.ma.array(np.ones(3), mask=1)}),
    "Standardizer.fit": lambda: Standardizer.fit(MASKED_X),
    "Standardizer": lambda: Standardizer.fit(X)(MASKED_X),
    "split of features": lambda: train_validation_split(MASKED_X, Y, 1),
    "split of labels": lambda: train_validation_split(X, MASKED_Y, 1),
    "accuracy": lambda: mt.accuracy(MASKED_Y, Y),
    "confusion_matrix": lambda: mt.confusion_matrix(Y, MASKED_Y, 2),
    "check_network": lambda: mt.check_network(net(), MASKED_X, Y),
    "numerical_gradient": lambda: mt.numerical_gradient(lambda x: (x**2).sum(), MASKED_X),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_masked_values_are_refused(call):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(mt.DataError, match=r"\d+ masked values?, expected none: fill"):
            call()


def test_a_masked_array_without_masked_values_is_an_array():
    plain = mt.evaluate(net(), X, Y)
    assert mt.evaluate(net(), np.ma.array(X), np.ma.array(Y)) == plain
    np.testing.assert_array_equal(Standardizer.fit(np.ma.array(X)).mean, Standardizer.fit(X).mean)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("size", [1e-300, 1e-200, 1e-30, 1.0, 1e30, 1e200, 1.7e308])
def test_standardizing_two_values_gives_minus_one_and_one_at_every_scale(size, dtype):
    info = np.finfo(dtype)
    if not 4 * float(info.tiny) < size <= float(info.max):
        pytest.skip("out of this type's range")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for a, b in ((-size, size), (0.0, size), (size / 2, size)):
            X = np.array([[a], [b], [a], [b]], dtype)
            scaled = Standardizer.fit(X)(X)
            np.testing.assert_allclose(scaled[:, 0], [-1, 1, -1, 1], rtol=4 * info.eps)


def test_standardizing_float16_does_not_overflow():
    X = np.array([[-60000.0], [60000.0]], np.float16)
    np.testing.assert_array_equal(Standardizer.fit(X)(X), [[-1], [1]])


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ((1.7e9, 1.7e9 + 128), "float32"),
        ((16777216, 16777218), "float32"),
        ((1e16, 1e16 + 2), "float64"),
        ((-1e16 - 2, -1e16), "float64"),
        ((1e16, 1e16 + 2, 1e16, 1e16 + 2), "float64"),
        ((1e300, np.nextafter(1e300, np.inf)), "float64"),
    ],
)
def test_standardizing_values_that_differ_only_in_their_last_digits(values, dtype):
    X = np.array(values, dtype)[:, None]
    scaled = Standardizer.fit(X)(X)
    assert scaled.dtype == X.dtype
    np.testing.assert_array_equal(scaled[:, 0], np.where(X[:, 0] == X.min(), -1, 1))


def test_a_saved_run_keeps_the_scale_of_values_that_differ_only_in_their_last_digits(tmp_path):
    recipe = mt.Recipe(data="moons", n_train=20, n_test=8, epochs=1)
    far = 1e16 + 2 * np.arange(40.0).reshape(20, 2)
    moons = load_dataset("moons", n_train=20, n_test=8)
    scale = Standardizer.fit(far)
    mt.Run(recipe, moons, scale).save(path := tmp_path / "net.npz")
    saved = load_checkpoint(path)
    data = load_test_set(str(path), saved, None, None, n_test=None, seed=None)
    np.testing.assert_array_equal(data.test_x, scale(moons.test_x))


def test_standardizing_ordinary_data_keeps_its_bits():
    X = np.random.default_rng(0).normal(3, 7, (50, 4))
    from_first = X - X[0]
    scale = Standardizer.fit(X)
    np.testing.assert_array_equal(scale.mean, X[0] + from_first.mean(axis=0))
    np.testing.assert_array_equal(scale.std, from_first.std(axis=0))
    np.testing.assert_array_equal(scale(X), (X - scale.mean) / scale.std)


def test_standardizing_a_sample_far_from_the_training_set_does_not_overflow_on_the_way():
    scale = Standardizer(np.array([3e37], np.float32), np.array([1e37], np.float32))
    assert scale(np.array([[-3.4e38]], np.float32)) == pytest.approx(-37)
    scale = Standardizer.fit(np.array([[1e-300], [3e-300]]))
    np.testing.assert_allclose(scale(np.array([[2.0]], np.float32)), [[2e300]])  # float32 samples, float64 scale


# What has one meaning is taken.

rng = np.random.default_rng(0)
N = 12
FEATURES, LABELS, CODES = rng.standard_normal((N, 4)), np.arange(N) % 3, np.eye(3)[np.arange(N) % 3]
NUMBERS = rng.standard_normal(N)
YES = LABELS > 0
NAMES = np.array(["cat", "dog", "eel"])[LABELS]


def classifier(n_inputs=4, n_outputs=3, **options):
    return mt.mlp([n_inputs, 3, n_outputs], "tanh", seed=1, **options)


def convolution(channels=1):
    layers = [mt.Conv2d(channels, 2, 3), mt.Flatten(), mt.Linear(72, 3)]
    return mt.Network(layers, seed=1)


def reshaping(channels):
    return mt.Network([mt.Reshape((channels, 8, 8)), *convolution(channels).layers], seed=1)


def regression(n_outputs=1, **options):
    return classifier(4, n_outputs, loss="mean_squared_error", **options)


def yes_or_no(loss, n_outputs=1):
    return classifier(4, n_outputs, loss=loss)


def trained(net, X, y):
    return mt.fit(net, X, y, batch_size=5, epochs=2).batch_loss


class Tensor:
    """A stand-in for a tensor of PyTorch that requires a gradient."""

    def __init__(self, values, requires_grad=True):
        self.values, self.requires_grad = values, requires_grad

    def detach(self):
        return Tensor(self.values, requires_grad=False)

    def cpu(self):
        return self

    def numpy(self):
        return np.asarray(self)

    def __len__(self):
        return len(self.values)

    def __array__(self, dtype=None, copy=None):
        if self.requires_grad:
            raise RuntimeError("Can't call numpy() on Tensor that requires grad.\nUse tensor.detach().numpy() instead.")
        return np.asarray(self.values, dtype)


ALIKE = {
    "labels in a column": (classifier, FEATURES, LABELS[:, None], LABELS),
    "labels in a list of lists": (classifier, FEATURES, LABELS[:, None].tolist(), LABELS),
    "labels as objects": (classifier, FEATURES, LABELS.astype(object), LABELS),
    "labels as decimals": (classifier, FEATURES, [decimal.Decimal(int(label)) for label in LABELS], LABELS),
    "one-hot labels of bool": (classifier, FEATURES, CODES.astype(bool), CODES),
    "values (N,) for one output": (regression, FEATURES, NUMBERS, NUMBERS[:, None]),
    "values in a list": (regression, FEATURES, NUMBERS.tolist(), NUMBERS[:, None]),
    "bool beside float": (
        classifier,
        np.array([[True, *row[1:]] for row in FEATURES.tolist()], object),
        LABELS,
        LABELS,
    ),
    "fractions": (classifier, [[fractions.Fraction(1, 2), 1, True, np.float32(0.5)]] * N, LABELS, LABELS),
    "large integers": (classifier, [[2**70, 0, 0, -(2**65)]] * N, LABELS, LABELS),
    "a tensor with gradient": (classifier, Tensor(FEATURES), Tensor(LABELS), LABELS),
    "answers in a column": (lambda: yes_or_no("hinge"), FEATURES, (2 * YES - 1)[:, None], 2 * YES - 1),
}


@pytest.mark.parametrize(("make", "X", "y", "plain"), ALIKE.values(), ids=ALIKE)
def test_what_has_one_meaning_is_taken(make, X, y, plain):
    values = X.values if isinstance(X, Tensor) else X
    assert trained(make(), X, y) == trained(make(), np.array(values, float), plain)
    assert mt.evaluate(make(), X, y) == mt.evaluate(make(), np.array(values, float), plain)


def test_one_hot_labels_have_an_accuracy():
    net = classifier()
    assert mt.evaluate(net, FEATURES, CODES)["accuracy"] == mt.evaluate(net, FEATURES, LABELS)["accuracy"]
    history = mt.fit(net, FEATURES, CODES, validation=(FEATURES, CODES))
    assert history.validation_accuracy == [mt.evaluate(net, FEATURES, LABELS)["accuracy"]]
    assert "accuracy" not in mt.evaluate(net, FEATURES, 0.9 * CODES + 0.1 / 3)


def test_sample_weights_may_be_a_column():
    weight = rng.uniform(0, 2, N)
    losses = [mt.evaluate(classifier(), FEATURES, LABELS, w)["loss"] for w in (weight, weight[:, None], list(weight))]
    assert len({*losses}) == 1
    with pytest.raises(mt.DataError, match=r"SoftmaxCrossEntropy\(class_weights=\[1, 2.5\]\)$"):
        mt.evaluate(classifier(), FEATURES, LABELS, {0: 1.0})


def test_metrics_take_columns():
    predicted = classifier().predict(FEATURES)
    assert mt.accuracy(predicted, LABELS[:, None]) == mt.accuracy(predicted, LABELS)
    plain = mt.confusion_matrix(predicted, LABELS, 3)
    np.testing.assert_array_equal(mt.confusion_matrix(predicted[:, None], LABELS.tolist(), 3), plain)
    np.testing.assert_array_equal(mt.confusion_matrix(predicted, LABELS.astype(object), 3), plain)
    assert mt.accuracy(NAMES.astype(object), NAMES.tolist()) == 1


# Any other error ends in a call that helps: it is done, and the net trains.

IMAGES, COLORS = rng.random((N, 8, 8)), rng.random((N, 8, 8, 3))
COUNTS, HOLE = np.arange(N * 4).reshape(N, 4), FEATURES.copy()
HOLE[3, 2] = np.nan
RECORD = [tuple(row) for row in FEATURES]
SAMPLES = {
    "images for a dense net": (lambda: classifier(64), IMAGES, "X.reshape(len(X), -1)"),
    "a list of images": (lambda: classifier(64), [*IMAGES], "np.asarray(X).reshape(len(X), -1)"),
    "channels last": (lambda: convolution(3), COLORS, "X.transpose(0, 3, 1, 2)"),
    "one channel last": (convolution, IMAGES[..., None], "X.transpose(0, 3, 1, 2)"),
    "channels last in a list": (lambda: convolution(3), COLORS.tolist(), "np.asarray(X).transpose(0, 3, 1, 2)"),
    "channels last, to be reshaped": (lambda: reshaping(3), COLORS, "X.transpose(0, 3, 1, 2).reshape(len(X), -1)"),
    "channels first, to be reshaped": (lambda: reshaping(3), COLORS.transpose(0, 3, 1, 2), "X.reshape(len(X), -1)"),
    "no channels": (convolution, IMAGES, "X[:, None]"),
    "no channels, to be reshaped": (lambda: reshaping(1), IMAGES, "X.reshape(len(X), -1)"),
    "rows for a convolution": (convolution, IMAGES.reshape(N, -1), "X.reshape(-1, 1, 8, 8)"),
    "rows of colors": (lambda: convolution(3), COLORS.reshape(N, -1), "X.reshape(-1, 3, 8, 8)"),
    "samples in columns": (classifier, FEATURES.T, "X.T"),
    "one feature": (lambda: classifier(1), FEATURES[:, 0], "X.reshape(-1, 1)"),
    "one feature in a list": (lambda: classifier(1), FEATURES[:, 0].tolist(), "np.asarray(X).reshape(-1, 1)"),
    "a tensor of images": (lambda: classifier(64), Tensor(IMAGES), "X.detach().numpy().reshape(len(X), -1)"),
    "a list of tensors": (classifier, [Tensor(row) for row in FEATURES], "[row.detach() for row in X]"),
    "NaN": (classifier, HOLE, "keep = np.isfinite(X).all(axis=1); X, y = np.asarray(X)[keep], np.asarray(y)[keep]"),
    "infinity": (classifier, np.where(np.isnan(HOLE), np.inf, HOLE).tolist(), None),
    "NaN in an image": (convolution, np.where(IMAGES > 0.99, np.nan, IMAGES)[:, None], None),
    "None": (classifier, [[None, *row[1:]] for row in FEATURES.tolist()], "np.nan_to_num(np.asarray(X, float))"),
    "masked": (classifier, np.ma.array(FEATURES, mask=FEATURES > 1), "X.filled(0)"),
    "masked rows": (classifier, [*np.ma.array(FEATURES, mask=FEATURES > 1)], "np.ma.array(X).filled(0)"),
    "numbers as text": (classifier, FEATURES.astype(str), "np.asarray(X, float)"),
    "numbers as bytes": (classifier, FEATURES.astype("S").tolist(), "np.asarray(X, float)"),
    "complex": (classifier, FEATURES + 0j, "np.real(X)"),
    "dates": (classifier, COUNTS.astype("M8[D]"), "np.asarray(X, 'datetime64[s]').astype(float)"),
    "Python's dates": (classifier, [[datetime.date(2020, 1, d) for d in (1, 2, 3, 4)]] * N, None),
    "durations": (classifier, COUNTS.astype("m8[ms]"), "np.asarray(X) / np.timedelta64(1, 's')"),
    "a record array": (classifier, np.array(RECORD, [(name, float) for name in "abcd"]), "np.array(X.tolist())"),
    "an array of arrays": (classifier, np.array([*map(np.array, RECORD), None], object)[:-1], "np.stack(np.ravel(X))"),
    "a dict of columns": (classifier, dict(zip("abcd", FEATURES.T, strict=True)), "np.column_stack([*X.values()])"),
    "dicts": (classifier, [dict(enumerate(row)) for row in FEATURES], "[[*row.values()] for row in X]"),
    "a dict view": (classifier, dict(enumerate(FEATURES.tolist())).values(), "list(X)"),
    "a generator": (classifier, lambda: (row for row in FEATURES), "list(X)"),
    "zip": (classifier, lambda: zip(*FEATURES.T, strict=True), "list(X)"),
    "map": (classifier, lambda: map(list, FEATURES), "list(X)"),
    "too large for float32": (
        lambda: classifier(dtype="float32"), 1e300 * FEATURES, "mt.datasets.Standardizer.fit(X)(X)"
    ),
    "too small for float32": (
        lambda: classifier(dtype="float32"), 1e-300 * (1 + FEATURES), "mt.datasets.Standardizer.fit(X)(X)"
    ),
    "a data set": (lambda: classifier(2), mt.load_dataset("xor", n_train=N, n_test=1), "X.train_x"),
}  # fmt: skip
CODES_OF_TWO = np.eye(2)[YES.astype(int)]
UNIQUE = "np.unique(y, return_inverse=True)[1]"
KEEP = "keep = np.isfinite(np.asarray(y, float)); X, y = np.asarray(X)[keep], np.asarray(y)[keep]"
TARGETS = {
    "one row of labels": (classifier, LABELS[None], "y.ravel()"),
    "a list of one row": (classifier, LABELS[None].tolist(), "np.asarray(y).ravel()"),
    "one-hot labels in columns": (classifier, CODES.T, "y.T"),
    "names": (classifier, NAMES, UNIQUE),
    "names in a list": (classifier, NAMES.tolist(), UNIQUE),
    "names in a column": (classifier, NAMES[:, None].astype(object), UNIQUE),
    "digits as text": (classifier, LABELS.astype(str), "np.asarray(y, float)"),
    "digits as text from 1": (classifier, (LABELS + 1).astype(str), UNIQUE),
    "labels from 1": (classifier, LABELS + 1, "y - 1"),
    "labels from 1 in a list": (classifier, (LABELS + 1).tolist(), "np.asarray(y) - 1"),
    "labels with gaps": (classifier, np.array([3, 5, 9])[LABELS], UNIQUE),
    "signs for two classes": (lambda: classifier(4, 2), 2 * YES - 1, "(y + 1) // 2"),
    "missing labels": (classifier, np.where(np.arange(N) == 4, np.nan, LABELS), KEEP),
    "None among labels": (classifier, [None if n == 4 else int(label) for n, label in enumerate(LABELS)], None),
    "masked labels": (classifier, np.ma.array(LABELS, mask=np.arange(N) == 4), None),
    "dates as classes": (classifier, np.array(["2020", "2021", "2022"], "M8[Y]")[LABELS], UNIQUE),
    "a generator": (classifier, lambda: (int(label) for label in LABELS), "list(y)"),
    "a dict": (classifier, dict(enumerate(LABELS)), "[*y.values()]"),
    "one-hot labels, class weights": (
        lambda: classifier(loss=mt.SoftmaxCrossEntropy(class_weights=(1, 2, 3))), CODES, "y.argmax(axis=1)"
    ),
    "labels for three values": (lambda: regression(3), LABELS, "np.eye(3)[y]"),
    "labels for three values in a list": (lambda: regression(3), LABELS.tolist(), "np.eye(3)[np.asarray(y)]"),
    "labels for three values as floats": (
        lambda: regression(3), LABELS[:, None] * 1.0, "np.eye(3)[np.asarray(y, int).ravel()]"
    ),
    "values in columns": (lambda: regression(3), CODES.T, "y.T"),
    "a row of values": (regression, NUMBERS[None], "y.ravel()"),
    "values as text": (regression, NUMBERS.astype(str), "np.asarray(y, float)"),
    "missing values": (regression, np.where(np.arange(N) == 4, np.nan, NUMBERS), KEEP),
    "missing rows": (lambda: regression(3), np.where(CODES.cumsum(0) == 3, np.nan, CODES), None),
    "values too large for float32": (
        lambda: regression(dtype="float32"), 1e300 * NUMBERS, "np.asarray(y) / np.abs(y).max()"
    ),
    "signs for yes or no": (lambda: yes_or_no("binary_cross_entropy"), 2 * YES - 1, "(y + 1) / 2"),
    "one-hot answers": (lambda: yes_or_no("binary_cross_entropy"), CODES_OF_TWO, "y.argmax(axis=1)"),
    "answers 1 and 2": (lambda: yes_or_no("binary_cross_entropy"), YES + 1, "(y == 2).astype(int)"),
    "labels for three answers": (lambda: yes_or_no("binary_cross_entropy", 3), LABELS, "np.eye(3)[y]"),
    "0 and 1 for hinge": (lambda: yes_or_no("hinge"), YES.astype(int), "2 * y - 1"),
    "bools for hinge in a list": (lambda: yes_or_no("hinge"), YES.tolist(), "2 * np.asarray(y) - 1"),
    "5 and 7 for hinge": (lambda: yes_or_no("hinge"), np.where(YES, 7, 5), "np.where(y == 7, 1, -1)"),
    "one-hot labels for hinge": (lambda: yes_or_no("hinge"), CODES_OF_TWO, "2 * y.argmax(axis=1) - 1"),
    "names for hinge": (lambda: yes_or_no("hinge"), np.where(YES, "yes", "no"), f"2 * {UNIQUE} - 1"),
}  # fmt: skip


def fresh(thing):
    return thing() if callable(thing) else thing


def train_as_advised(net, X, y, name, call):
    """Assert that `fit` refuses the argument of this name with advice, that it is this call, and that it helps."""
    names = {"np": np, "mt": mt, "pd": sys.modules.get("pandas"), "X": X, "y": y}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(mt.DataError) as caught:
            trained(net, X, y)
        assert "\n" not in str(caught.value)
        (advised,) = re.findall(r"; try (.*)$", str(caught.value))
        assert call in (None, advised)
        exec(advised if advised.startswith("keep = ") else f"{name} = {advised}", names)
        trained(net, names["X"], names["y"])


@pytest.mark.parametrize(("make", "X", "call"), SAMPLES.values(), ids=SAMPLES)
def test_samples_that_do_not_fit_are_refused_with_the_call_that_helps(make, X, call):
    train_as_advised(make(), fresh(X), LABELS, "X", call)


@pytest.mark.parametrize(("make", "y", "call"), TARGETS.values(), ids=TARGETS)
def test_targets_that_do_not_fit_are_refused_with_the_call_that_helps(make, y, call):
    train_as_advised(make(), FEATURES, fresh(y), "y", call)


@pytest.mark.parametrize("method", ["predict", "forward", "predict_proba", "check_samples"])
@pytest.mark.parametrize("single", [False, True], ids=["one of many", "alone"])
def test_a_single_sample_is_answered_with_the_call_that_makes_it_one_row(method, single):
    for net, sample in ((classifier(), FEATURES[0]), (classifier(64), IMAGES[0]), (convolution(3), COLORS[0])):
        with pytest.raises(mt.DataError, match="; try ") as caught:
            getattr(net, method)(sample.tolist() if single else sample)
        advised = str(caught.value).partition("; try ")[2]
        one = eval(advised, {"np": np, "X": sample.tolist() if single else sample})
        assert len(getattr(net, method)(one)) == 1


def test_a_call_that_does_not_help_is_not_advised():
    hopeless = {
        "features": (classifier, FEATURES[:, :3], LABELS),
        "labels": (classifier, FEATURES, np.arange(N)),
        "an ignored label": (lambda: classifier(loss=mt.SoftmaxCrossEntropy(ignore=-1)), FEATURES, LABELS * 5 - 1),
        "halves": (classifier, FEATURES, LABELS / 2),
        "values": (lambda: regression(3), FEATURES, NUMBERS),
        "three signs": (lambda: yes_or_no("hinge"), FEATURES, LABELS),
        "rows of different lengths": (classifier, [[1.0, 2.0], [3.0]], LABELS),
        "images of different sizes": (convolution, [np.ones((8, 8)), np.ones((7, 8))], LABELS[:2]),
        "only NaN": (classifier, HOLE * np.nan, LABELS),
        "nothing": (classifier, None, LABELS),
        "a name": (classifier, "mnist", LABELS),
        "a net": (classifier, classifier(), LABELS),
    }
    for what, (make, X, y) in hopeless.items():
        with pytest.raises(mt.DataError) as caught:
            trained(make(), X, y)
        assert "try" not in str(caught.value), what


def test_the_advice_about_validation_samples_is_the_same():
    with pytest.raises(mt.DataError, match=r"^validation X has shape .*; try X.reshape\(len\(X\), -1\)$"):
        mt.fit(classifier(64), IMAGES.reshape(N, -1), LABELS, validation=(IMAGES, LABELS))


def test_the_other_functions_give_the_same_advice():
    calls = {
        "np.asarray(X, float)": lambda: Standardizer.fit(FEATURES.astype(str)),
        "X.reshape(-1, 1)": lambda: Standardizer.fit(FEATURES[:, 0]),
        "X.reshape(len(X), -1)": lambda: Standardizer.fit(IMAGES),
        "list(X)": lambda: train_validation_split(iter(FEATURES), LABELS, 3),
        "np.real(X)": lambda: classifier().forward(FEATURES + 0j),
        UNIQUE: lambda: classifier().loss_and_grads(FEATURES, NAMES),
        "np.asarray(sample_weight, float)": lambda: mt.evaluate(classifier(), FEATURES, LABELS, ["1"] * N),
    }
    for call, refused in calls.items():
        with pytest.raises(mt.DataError) as caught:
            refused()
        assert str(caught.value).endswith(f"; try {call}")


def test_weights_that_overflow_in_float32_are_refused():
    net = classifier(dtype="float32")
    before = net.state_dict()
    with pytest.raises(mt.DataError, match=r"0\.bias holds 1e\+300, expected at most 3\.4e\+38"):
        net.load_state_dict(before | {"0.bias": np.full(3, 1e300)})
    assert all(np.array_equal(array, before[name]) for name, array in net.state_dict().items())
    with pytest.raises(mt.DataError, match="sample_weight holds 1e"):
        mt.fit(net, FEATURES, LABELS, sample_weight=np.full(N, 1e300))
    loss = mt.SoftmaxCrossEntropy(class_weights=(1, 1e300, 1))
    with pytest.raises(mt.DataError, match="class_weights holds 1e"):
        mt.fit(classifier(dtype="float32", loss=loss), FEATURES, LABELS)


def test_a_feature_that_becomes_0_in_float32_is_refused():
    X = np.ones((4, 2))
    X[:, 1] = [1e-300, 2e-300, 1e-300, 2e-300]
    net = mt.two_layer_net(2, 3, 2, dtype="float32")
    with pytest.raises(
        mt.DataError, match=r"X holds 1e-300 \(sample 0, feature 1\), which becomes 0: expected at least"
    ):
        mt.fit(net, X, Y)
    mt.fit(mt.two_layer_net(2, 3, 2), X, Y)
    X[0, 1] = 0  # a pixel of the border, and rounding errors
    mt.fit(net, X, Y)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_finite_samples_are_taken_although_their_squares_overflow(dtype):
    X = np.ones((4, 2), dtype)
    X[1, 0] = np.finfo(dtype).max
    net = mt.two_layer_net(2, 3, 2, dtype=dtype)
    mt.Trainer(net, X, Y)
    for number in (np.nan, np.inf, -np.inf):
        X[2, 1] = number
        with pytest.raises(mt.DataError, match=r"\(sample 2, feature 1; 1 of 8 values are not finite\)"):
            mt.Trainer(net, X, Y)


@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("layout", ["C", "F", "columns"])
@pytest.mark.parametrize("shape", [(1, 1), (3, 3), (4, 2)])
def test_a_number_that_is_not_finite_is_named_wherever_it_is(shape, layout, number):
    for n, column in np.ndindex(shape):
        X = np.zeros((shape[0], 2 * shape[1]))[:, ::2] if layout == "columns" else np.zeros(shape, order=layout)
        X[n, column] = number  # all others are 0
        expected = rf"X holds {number} \(sample {n}, feature {column}; 1 of {X.size} values"
        with pytest.raises(mt.DataError, match=expected):
            mt.Trainer(mt.two_layer_net(shape[1], 3, 2), X, np.arange(shape[0]) % 2)


def test_an_open_file_is_no_tensor(tmp_path):
    path = tmp_path / "samples.bin"
    path.write_bytes(b"1 2")
    for mode in ("rb", "r"):
        with path.open(mode) as file, pytest.raises(mt.DataError, match=r"; it is a file: try np\.loadtxt\(X\), or np"):
            mt.fit(net(), file, Y)


def test_a_sparse_row_of_labels_becomes_a_list():
    class Sparse:
        def toarray(self):
            return Y[None]

    with pytest.raises(mt.DataError, match=r"; try y\.toarray\(\)\.ravel\(\)$"):
        mt.fit(net(), X, Sparse())


def test_samples_far_from_those_of_fit_are_refused():
    scale = Standardizer.fit([[1.0, 1e-300], [2.0, -1e-300]])
    with pytest.raises(mt.DataError, match=r"X holds 1e\+300 \(sample 1, feature 1\), too far .*: fit on samples in"):
        scale([[1.0, 0.0], [1.0, 1e300]])
    assert np.isfinite(scale([[1e300, 1e-300]])).all()


def test_boolean_labels_are_0_and_1():
    X, yes = np.array([[0.0], [1.0], [2.0]]), np.array([False, True, True])
    net = mt.Network([mt.Linear(1, 2)], seed=0)
    assert mt.evaluate(net, X, yes) == mt.evaluate(net, X, yes.astype(int))
    assert mt.accuracy(yes, yes) == 1
