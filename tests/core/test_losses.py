"""Losses as objects: values, gradients, predictions, sample weights, and settings that make no sense together."""

import json
from pathlib import Path

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.losses import ALL_LOSSES, LOSSES, SoftTargets
from micrograd_tiers.tiers import TIERS, get_tier, registry

every_tier = pytest.mark.parametrize("tier", TIERS)
rng = np.random.default_rng(0)
X = rng.standard_normal((12, 4))
LABELS = rng.integers(0, 3, 12)
PROBABILITIES = rng.dirichlet([1, 1, 1], 12)
PROBABILITIES[0] = [0, 1, 0]
FRACTIONS, VALUES, SIGNS = rng.random((12, 3)), rng.standard_normal((12, 3)), rng.choice([-1, 1], 12)
WEIGHTS = rng.uniform(0, 2, 12)
WEIGHTS[3] = 0
TARGETS = {
    "softmax_cross_entropy": LABELS,
    "mean_squared_error": VALUES,
    "mean_absolute_error": VALUES,
    "binary_cross_entropy": FRACTIONS,
    "hinge": SIGNS,
}


def net_with(loss, tier="tensor", n_outputs=3, **options):
    return mt.mlp([4, 5, n_outputs], "tanh", loss=loss, tier=tier, init="standard_normal", seed=1, **options)


@every_tier
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_a_label_equals_a_one_hot_target(smoothing, tier):
    net = net_with(mt.SoftmaxCrossEntropy(smoothing), tier)
    (loss, grads), (expected_loss, expected) = (net.loss_and_grads(X, y) for y in (np.eye(3)[LABELS], LABELS))
    assert loss == pytest.approx(expected_loss, rel=1e-13)
    for name, gradient in expected.items():
        np.testing.assert_allclose(grads[name], gradient, rtol=1e-12, atol=1e-15)


@every_tier
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignore", [-100, 1, 255])
def test_scores_leave_out_ignored_labels(ignore, smoothing, tier):
    net = net_with(mt.SoftmaxCrossEntropy(smoothing, ignore=ignore), tier)
    y = np.where(np.arange(12) % 3 == 0, ignore, LABELS)
    counted = y != ignore
    scores, right = mt.evaluate(net, X, y), mt.evaluate(net, X[counted], y[counted])
    assert scores["accuracy"] == right["accuracy"]
    assert scores["loss"] == pytest.approx(right["loss"], rel=1e-14)


@pytest.mark.parametrize(
    ("tier", "dtype"), [*((tier, "float64") for tier in TIERS), ("vector", "float32"), ("tensor", "float32")]
)
def test_a_weight_of_2_repeats_a_sample_and_a_weight_of_0_removes_it(tier, dtype):
    weight = np.array([2, 0, 1] * 4)
    repeated = np.repeat(np.arange(12), weight)
    tolerance = 1e-14 if dtype == "float64" else 1e-6
    for loss in LOSSES:
        y = TARGETS[loss]
        net = net_with(loss, tier, 1 if loss == "hinge" else 3, dtype=dtype)
        (loss_1, grads), (loss_2, expected) = (
            net.loss_and_grads(X, y, weight),
            net.loss_and_grads(X[repeated], y[repeated]),
        )
        assert loss_1 == pytest.approx(loss_2, rel=tolerance)
        for name, gradient in expected.items():
            assert grads[name].dtype == dtype
            np.testing.assert_allclose(grads[name], gradient, rtol=0, atol=10 * tolerance)


def test_weights_of_1_change_no_bit():
    histories = [
        mt.fit(net_with(mt.SoftmaxCrossEntropy()), X, LABELS, batch_size=5, epochs=3, sample_weight=weight)
        for weight in (None, np.ones(12))
    ]
    assert histories[0] == histories[1]


def test_fit_weights_the_mean_loss_of_each_batch_and_epoch():
    net = net_with("softmax_cross_entropy")
    history = mt.fit(net.to("vector"), X, LABELS, batch_size=12, epochs=1, sample_weight=WEIGHTS)
    expected = net.loss_and_grads(X, LABELS, WEIGHTS)[0]
    assert history.train_loss == history.batch_loss == [pytest.approx(expected, rel=1e-14)]
    of_batches = mt.fit(net, X, LABELS, batch_size=5, sample_weight=WEIGHTS, optimizer=mt.SGD(1e-9))
    assert of_batches.train_loss == [pytest.approx(expected, rel=1e-7)]


@every_tier
def test_a_batch_of_ignored_labels_changes_no_weight(tier):
    net = net_with(mt.SoftmaxCrossEntropy(ignore=-1), tier)
    y = LABELS.copy()
    y[:4] = -1
    trainer = mt.Trainer(net, X, y, batch_size=4, shuffle=False)
    before = net.state_dict()
    assert trainer.step() == 0
    assert all(np.array_equal(array, before[name]) for name, array in net.state_dict().items())
    trainer.run()
    assert np.isfinite(trainer.history.train_loss).all()


def test_exact_training_with_every_loss_gives_the_same_bits_at_every_tier():
    for loss in (*LOSSES, mt.SoftmaxCrossEntropy(class_weights=(1, 2, 0.5), ignore=2), "soft"):
        name = loss if isinstance(loss, str) else "softmax_cross_entropy"
        y = PROBABILITIES if loss == "soft" else TARGETS[name]
        nets = [
            net_with("softmax_cross_entropy" if loss == "soft" else loss, tier, 1 if loss == "hinge" else 3, exact=True)
            for tier in TIERS
        ]
        for net in nets:
            mt.fit(net, X, y, batch_size=5, epochs=4, sample_weight=WEIGHTS, optimizer=mt.SGD(0.3, momentum=0.5))
        states = [b"".join(array.tobytes() for array in net.state_dict().values()) for net in nets]
        assert states[0] == states[1] == states[2], loss


@every_tier
def test_a_sample_of_weight_0_does_not_count_even_if_its_loss_is_infinite(tier):
    net = mt.Network([mt.Linear(1, 1)], "mean_squared_error", tier=tier)
    loss, grads = net.loss_and_grads([[1.0], [2.0]], [[1e200], [1.0]], [0, 1])
    assert loss == net.loss_and_grads([[2.0]], [[1.0]])[0]
    assert np.isfinite(grads["0.weight"]).all()


@every_tier
def test_outputs_and_targets_of_different_shapes_are_never_broadcast(tier):
    net = mt.Network([mt.Tanh()], "mean_squared_error", tier=tier)  # takes rows of any length
    with pytest.raises(mt.DataError, match=r"y has shape \(1, 1\), mean_squared_error expects \(N, 2\)"):
        net.loss_and_grads([[1.0, 2.0]], [[3.0]])
    with pytest.raises(ValueError, match="hinge: the net has 2 outputs"):
        mt.Network([mt.Tanh()], "hinge", tier=tier).loss_and_grads([[1.0, 2.0]], [1])
    for targets, loss in (([5], "softmax_cross_entropy"), ([2], mt.SoftmaxCrossEntropy(class_weights=(1, 2)))):
        with pytest.raises(mt.DataError, match="y holds the label"):
            mt.Network([mt.Tanh()], loss, tier=tier).loss_and_grads([[1.0, 2.0]], targets)
    functions = get_tier(tier)
    y, target = functions.asarray([[1.0], [2.0]]), functions.asarray([1.0, 2.0])
    for name in ("mean_squared_error", "mean_absolute_error", "hinge", "binary_cross_entropy", "soft_cross_entropy"):
        with pytest.raises(ValueError, match=r"loss: outputs have shape .* targets"):
            getattr(functions, name)(y, target)


def test_sample_weights_at_a_custom_batch_tier_keep_float32(tmp_path):
    (tmp_path / "mine.py").write_text("from micrograd_tiers.tiers.tensor import *\n")
    net = net_with("softmax_cross_entropy", str(tmp_path / "mine.py"), dtype="float32")
    loss, grads = net.loss_and_grads(X, LABELS, WEIGHTS)
    expected_loss, expected = net.to("tensor").loss_and_grads(X, LABELS, WEIGHTS)
    assert loss == pytest.approx(expected_loss, rel=1e-6)
    for name, gradient in expected.items():
        assert grads[name].dtype == np.float32
        np.testing.assert_allclose(grads[name], gradient, rtol=1e-5, atol=1e-7)


# Predictions.


@every_tier
def test_binary_cross_entropy_predicts_yes_or_no(tier):
    net = net_with("binary_cross_entropy", tier, 1)
    z = net.forward(X)[:, 0]
    assert net.predict(X).tolist() == (z > 0).astype(int).tolist()
    proba = net.predict_proba(X)
    assert proba.shape == (12, 2)
    np.testing.assert_allclose(proba[:, 1], 1 / (1 + np.exp(-z)), rtol=1e-14)
    np.testing.assert_allclose(proba[:, 0], 1 / (1 + np.exp(z)), rtol=1e-14)
    several = net_with("binary_cross_entropy", tier, 3)
    assert several.predict(X).shape == several.predict_proba(X).shape == (12, 3)


@every_tier
def test_hinge_predicts_signs_and_has_an_accuracy(tier):
    net = net_with("hinge", tier, 1)
    assert net.predict(X).tolist() == np.where(net.forward(X)[:, 0] > 0, 1, -1).tolist()
    assert mt.evaluate(net, X, SIGNS)["accuracy"] == np.mean(net.predict(X) == SIGNS)
    with pytest.raises(ValueError, match="gives values, not probabilities"):
        net.predict_proba(X)


def test_accuracy_is_reported_only_if_the_targets_are_classes():
    one = net_with("binary_cross_entropy", n_outputs=1)
    yes = (SIGNS == 1).astype(float)
    assert mt.evaluate(one, X, yes)["accuracy"] == np.mean(one.predict(X) == yes)
    assert mt.evaluate(one, X, yes[:, None])["accuracy"] == np.mean(one.predict(X) == yes)
    several = net_with("binary_cross_entropy")
    y = (FRACTIONS > 0.5).astype(int)
    assert mt.evaluate(several, X, y)["accuracy"] == np.mean(several.predict(X) == y)
    assert [*mt.evaluate(several, X, FRACTIONS)] == ["loss"]
    assert [*mt.evaluate(net_with("softmax_cross_entropy"), X, PROBABILITIES)] == ["loss"]
    assert [*mt.evaluate(net_with("mean_absolute_error"), X, VALUES)] == ["loss"]


def test_micrograds_demo_moons_with_hinge_loss():
    data = mt.load_dataset("moons", n_train=100, n_test=200)
    net = mt.mlp([2, 16, 16, 1], "relu", loss="hinge", init="kaiming", seed=1)
    y, test_y = 2 * data.train_y - 1, 2 * data.test_y - 1
    mt.fit(net, data.train_x, y, optimizer=mt.SGD(0.1), batch_size=100, epochs=300)
    assert mt.evaluate(net, data.test_x, test_y)["accuracy"] > 0.95


# Losses as objects, as names and in files.


def test_the_name_of_a_loss_stands_for_a_loss_object():
    net = net_with("softmax_cross_entropy", label_smoothing=0.1)
    assert net.loss == mt.SoftmaxCrossEntropy(0.1)
    assert (net.loss.name, net.label_smoothing) == ("softmax_cross_entropy", 0.1)
    assert net.to("scalar").loss == net.loss
    assert net_with(mt.Hinge(), n_outputs=1).loss.name == "hinge"
    assert {row.name for row in registry.OPS if row.is_loss} == {
        op for loss in (*ALL_LOSSES.values(), SoftTargets, lambda: mt.SoftmaxCrossEntropy(0.1)) for op in loss().ops
    }


@pytest.mark.parametrize(
    "loss",
    [
        *(loss() for loss in LOSSES.values()),
        mt.SoftmaxCrossEntropy(0.1, ignore=np.int64(-100)),
        mt.SoftmaxCrossEntropy(class_weights=[1, 2, 0.5]),
    ],
    ids=repr,
)
def test_a_saved_net_keeps_its_loss(loss, tmp_path):
    mt.save(net_with(loss, n_outputs=1 if loss.name == "hinge" else 3), tmp_path / "net.npz")
    assert mt.load(tmp_path / "net.npz").loss == loss


def test_the_loss_in_files_of_earlier_versions_is_read(tmp_path):
    path = Path(tmp_path, "net.npz")
    mt.save(net_with("softmax_cross_entropy", label_smoothing=0.1), path)
    with np.load(path) as file:
        arrays = dict(file)
    header = json.loads(str(arrays["header"]))
    del header["loss_settings"]
    arrays["header"] = np.array(json.dumps(header | {"label_smoothing": 0.1}))
    np.savez(path, **arrays)
    assert mt.load(path).loss == mt.SoftmaxCrossEntropy(0.1)


def test_loading_a_net_with_a_custom_loss_is_refused(tmp_path):
    class Mine(mt.MeanSquaredError):
        pass

    mt.save(net_with(Mine()), tmp_path / "net.npz")
    with pytest.raises(mt.DataError, match="unknown loss 'Mine'"):
        mt.load(tmp_path / "net.npz")


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: net_with("nll"), "unknown loss 'nll': expected one of softmax_cross_entropy, mean_squared_error"),
        (lambda: net_with(lambda z, y: 0), r"loss is <function.*expected a name such as '.*', or a Loss"),
        (lambda: net_with(mt.Loss), "loss is the class Loss, expected a name"),
        (lambda: net_with("hinge"), "hinge: the net has 3 outputs, expected one"),
        (lambda: net_with("hinge", label_smoothing=0.1), "label_smoothing is 0.1: the loss 'hinge' has no labels"),
        (
            lambda: net_with(mt.SoftmaxCrossEntropy(0.2), label_smoothing=0.1),
            r"give it to the loss, SoftmaxCrossEntropy\(smoothing",
        ),
        (lambda: mt.SoftmaxCrossEntropy(1.0), "smoothing is 1.0, expected a number of at least 0 and below 1"),
        (lambda: mt.SoftmaxCrossEntropy(0.1, (1, 2)), "class_weights and smoothing do not go together"),
        (
            lambda: mt.SoftmaxCrossEntropy(class_weights=(1, -2)),
            "a class weight is -2, expected a finite number",
        ),
        (lambda: mt.SoftmaxCrossEntropy(class_weights=(0, 0)), "class_weights are all 0"),
        (lambda: mt.SoftmaxCrossEntropy(ignore="cat"), "ignore is 'cat', expected a label such as -100"),
        (
            lambda: net_with(mt.SoftmaxCrossEntropy(class_weights=(1, 2))),
            "got 2 class_weights, expected one for each of the net's 3 outputs",
        ),
    ],
)
def test_a_loss_that_makes_no_sense_is_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(
    ("loss", "n_outputs", "y", "message"),
    [
        ("hinge", 1, [0, 1] * 6, r"y holds 0, hinge expects -1 and 1; try 2 \* np.asarray\(y\) - 1"),
        ("hinge", 1, [2, 1] * 6, "y holds 2, hinge expects -1 and 1; try np.where"),
        ("hinge", 1, np.ones((12, 2)), r"y has shape \(12, 2\), hinge expects \(N,\)"),
        ("binary_cross_entropy", 1, [0, 1.5] * 6, "y holds 1.5, binary_cross_entropy expects targets from 0"),
        ("binary_cross_entropy", 1, [0, np.nan] * 6, "y holds nan"),
        ("binary_cross_entropy", 3, LABELS == 0, r"y has shape \(12,\), binary_cross_entropy expects \(N, 3\)"),
        ("mean_absolute_error", 3, LABELS, r"y has shape \(12,\), mean_absolute_error expects \(N, 3\)"),
        ("softmax_cross_entropy", 3, np.full((12, 3), 0.5), r"row 0 is \[0.5 0.5 0.5\], expected probabilities"),
        ("softmax_cross_entropy", 3, np.eye(4)[LABELS], r"y has shape \(12, 4\), expected class labels.*\(N, 3\)"),
        (mt.SoftmaxCrossEntropy(ignore=5), 3, PROBABILITIES, "the loss has ignore, which goes with labels"),
        (
            mt.SoftmaxCrossEntropy(class_weights=(1, 2, 3)), 3, PROBABILITIES,
            "the loss has class_weights, which goes with labels",
        ),
        (mt.SoftmaxCrossEntropy(ignore=5), 3, [5] * 12, "no sample counts"),
        (mt.SoftmaxCrossEntropy(ignore=5), 3, [4] * 12, "y holds the label 4"),
    ],
)  # fmt: skip
def test_targets_that_do_not_fit_are_refused(loss, n_outputs, y, message):
    net = net_with(loss, n_outputs=n_outputs)
    with pytest.raises(mt.DataError, match=message):
        net.loss_and_grads(X, y)
    with pytest.raises(mt.DataError, match=message):
        mt.fit(net, X, y)


@pytest.mark.parametrize(
    ("weight", "message"),
    [
        (np.ones(11), r"sample_weight has shape \(11,\), expected \(12,\)"),
        (np.ones((12, 2)), r"sample_weight has shape \(12, 2\)"),
        ([-1.0] * 12, r"sample_weight holds -1.0, expected finite weights of at least 0"),
        ([np.inf] * 12, "sample_weight holds inf"),
        (np.zeros(12), "no sample counts"),
        (["a"] * 12, "sample_weight holds"),
    ],
)
def test_weights_that_do_not_fit_are_refused(weight, message):
    with pytest.raises(mt.DataError, match=message):
        mt.fit(net_with("softmax_cross_entropy"), X, LABELS, sample_weight=weight)


@pytest.mark.parametrize(("y", "has_accuracy"), [([0, 1, 1], True), ([0, 0.9, 1], False), ([0.2, 0.9, 0.5], False)])
def test_binary_targets_have_an_accuracy_only_if_all_are_0_or_1(y, has_accuracy):
    net = mt.Network([mt.Linear(1, 1)], mt.BinaryCrossEntropy(), seed=0)
    assert ("accuracy" in mt.evaluate(net, [[1.0], [2.0], [3.0]], y)) is has_accuracy


@pytest.mark.parametrize("tier", TIERS)
@pytest.mark.parametrize(("logit", "target"), [(np.inf, 1.0), (-np.inf, 0.0)])
def test_an_infinite_right_logit_has_loss_0(tier, logit, target):
    found = get_tier(tier)
    for x, y in found.chunks(found.asarray([[logit]]), found.asarray([[target]])):
        loss, _ = found.binary_cross_entropy(x, y)
        assert float(loss) == 0
