"""Everything that is evaluated, against an independent count on a set that no block or slice divides."""

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.batches import BLOCK
from micrograd_tiers.network import SLICE
from micrograd_tiers.run import Run, score_test_set
from micrograd_tiers.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)
N, C = 2309, 3  # a prime number of samples, more than two slices
rng = np.random.default_rng(0)
X, Y = rng.standard_normal((N, 4)), rng.integers(0, C, N)
WEIGHTS = rng.uniform(0, 2, N)
IGNORED = np.where(rng.random(N) < 0.2, -1, Y)
VALUES, FRACTIONS, SIGNS = rng.standard_normal((N, C)), rng.random((N, C)), rng.choice([-1, 1], N)
CLASS_WEIGHTS = (0.5, 2.0, 1.0)


def net_with(loss, tier="tensor", n_outputs=C, **options):
    return mt.mlp([4, 5, n_outputs], "tanh", loss=loss, tier=tier, init="standard_normal", seed=1, **options)


def outputs_of(net, samples=X):
    """Compute the net's outputs in plain matrix form."""
    W1, b1, W2, b2 = net.state_dict().values()
    return np.tanh(samples @ W1.T + b1) @ W2.T + b2


def log_softmax(z):
    return z - np.log(np.exp(z).sum(axis=1, keepdims=True))


def cross_entropy(z, y, smoothing=0.0):
    target = (1 - smoothing) * np.eye(C)[y] + smoothing / C
    return -(target * log_softmax(z)).sum(axis=1)


# Loss, number of outputs, targets, sample weights; the loss of each sample, its weight, and the right predictions.
CASES = {
    "labels": ("softmax_cross_entropy", C, Y, lambda z: cross_entropy(z, Y), np.ones(N), Y),
    "smoothed labels": (mt.SoftmaxCrossEntropy(0.3), C, Y, lambda z: cross_entropy(z, Y, 0.3), np.ones(N), Y),
    "ignored labels": (
        mt.SoftmaxCrossEntropy(ignore=-1), C, IGNORED, lambda z: cross_entropy(z, Y), IGNORED != -1, IGNORED
    ),
    "class weights": (
        mt.SoftmaxCrossEntropy(class_weights=CLASS_WEIGHTS), C, Y, lambda z: cross_entropy(z, Y),
        np.array(CLASS_WEIGHTS)[Y], Y,
    ),
    "smoothed, ignored": (
        mt.SoftmaxCrossEntropy(0.3, ignore=-1), C, IGNORED, lambda z: cross_entropy(z, Y, 0.3), IGNORED != -1, IGNORED
    ),
    "probabilities": (
        mt.SoftmaxCrossEntropy(0.3), C, 0.9 * np.eye(C)[Y] + 0.1 / C, lambda z: cross_entropy(z, Y, 1 - 0.9 * 0.7),
        np.ones(N), None,
    ),
    "one-hot labels": ("softmax_cross_entropy", C, np.eye(C)[Y], lambda z: cross_entropy(z, Y), np.ones(N), Y),
    "squared error": ("mean_squared_error", C, VALUES, lambda z: ((z - VALUES) ** 2).mean(axis=1), np.ones(N), None),
    "absolute error": ("mean_absolute_error", C, VALUES, lambda z: abs(z - VALUES).mean(axis=1), np.ones(N), None),
    "fractions": (
        "binary_cross_entropy", C, FRACTIONS, lambda z: (np.log(1 + np.exp(z)) - FRACTIONS * z).mean(axis=1),
        np.ones(N), None,
    ),
    "yes or no": (
        "binary_cross_entropy", 1, Y > 0, lambda z: np.log(1 + np.exp(z[:, 0])) - (Y > 0) * z[:, 0], np.ones(N),
        (Y > 0).astype(int),
    ),
    "signs": ("hinge", 1, SIGNS, lambda z: np.maximum(0, 1 - SIGNS * z[:, 0]), np.ones(N), SIGNS),
}  # fmt: skip
every_case = pytest.mark.parametrize(
    ("loss", "n_outputs", "y", "of_samples", "weight", "truth"), CASES.values(), ids=CASES
)


def predictions_of(loss, z):
    if z.shape[1] == 1:
        return np.where(z[:, 0] > 0, 1, -1 if loss == "hinge" else 0)
    return z.argmax(axis=1)


def right_share(loss, z, truth):
    counted = truth != -1 if loss != "hinge" else np.full(N, True)
    return sum(p == t for p, t in zip(predictions_of(loss, z)[counted], truth[counted], strict=True)) / counted.sum()


def test_the_number_of_samples_is_no_multiple_of_any_block():
    assert N > 2 * SLICE
    assert all(N % n for n in range(2, 65))
    assert N * 784 > BLOCK


@every_tier
@every_case
def test_loss_and_accuracy_of_a_set(tier, loss, n_outputs, y, of_samples, weight, truth):
    net = net_with(loss, tier, n_outputs)
    z = outputs_of(net)
    scores = mt.evaluate(net, X, y)
    assert scores["loss"] == pytest.approx(np.average(of_samples(z), weights=weight), rel=1e-11)
    assert net.mean_loss(net.forward(X), y) == scores["loss"]
    assert net.loss_and_grads(X, y)[0] == pytest.approx(scores["loss"], rel=1e-12)
    if truth is None:
        assert "accuracy" not in scores
    else:
        assert scores["accuracy"] == pytest.approx(right_share(loss, z, truth), rel=1e-15)


@every_case
def test_sample_weights_count_in_the_loss_and_not_in_the_accuracy(loss, n_outputs, y, of_samples, weight, truth):
    net = net_with(loss, n_outputs=n_outputs)
    z = outputs_of(net)
    scores = mt.evaluate(net, X, y, WEIGHTS)
    assert scores["loss"] == pytest.approx(np.average(of_samples(z), weights=weight * WEIGHTS), rel=1e-11)
    assert scores.get("accuracy") == mt.evaluate(net, X, y).get("accuracy")


@every_case
def test_the_history_has_the_loss_and_the_accuracy_of_the_validation_set(loss, n_outputs, y, of_samples, weight, truth):
    net = net_with(loss, n_outputs=n_outputs)
    trainer = mt.Trainer(net, X, y, batch_size=1000, epochs=2, optimizer=mt.SGD(0.01), validation=(X, y))
    expected = []
    while not trainer.finished:
        trainer.step()
        if trainer.position == 0:
            z = outputs_of(net)
            share = [] if truth is None else [right_share(loss, z, truth)]
            expected.append([np.average(of_samples(z), weights=weight), *share])
    history = trainer.history
    assert history.validation_loss == pytest.approx([loss for loss, *_ in expected], rel=1e-11)
    assert history.validation_accuracy == pytest.approx(
        [share for _, *shares in expected for share in shares], rel=1e-15
    )


@every_case
@pytest.mark.parametrize("batch_size", [100, 2309, 64])
def test_the_training_loss_of_an_epoch_is_the_weighted_mean_of_its_samples(
    loss, n_outputs, y, of_samples, weight, truth, batch_size
):
    net = net_with(loss, n_outputs=n_outputs)
    expected = np.average(of_samples(outputs_of(net)), weights=weight * WEIGHTS)
    history = mt.fit(net, X, y, batch_size=batch_size, optimizer=mt.SGD(1e-12), sample_weight=WEIGHTS)
    assert history.train_loss == [pytest.approx(expected, rel=1e-9)]


@every_tier
def test_outputs_predictions_and_probabilities_of_all_samples(tier):
    net = net_with("softmax_cross_entropy", tier)
    z = outputs_of(net)
    np.testing.assert_allclose(net.forward(X), z, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(net.predict_proba(X), np.exp(log_softmax(z)), rtol=1e-11)
    np.testing.assert_array_equal(net.predict(X), z.argmax(axis=1))


def test_confusions_and_the_accuracy_of_each_class():
    predicted = net_with("softmax_cross_entropy").predict(X)
    counts = mt.confusion_matrix(predicted, Y, C)
    for i in range(C):
        for j in range(C):
            assert counts[i, j] == sum(1 for p, t in zip(predicted, Y, strict=True) if (t, p) == (i, j))
        of_class = mt.accuracy(predicted[i == Y], Y[i == Y])
        assert of_class == counts[i, i] / counts[i].sum()
    assert mt.accuracy(predicted, Y) == counts.trace() / N == np.mean(predicted == Y)


def test_the_scores_of_the_test_set_count_all_of_it():
    run = Run.start(mt.Recipe(data="moons", n_train=20, n_test=N, hidden=(5,), activation="tanh", label_smoothing=0.3))
    z = outputs_of(run.net, run.data.test_x)
    target = 0.7 * np.eye(2)[run.data.test_y] + 0.15
    for scores in (run.test(), score_test_set(run.net, run.data)):
        assert scores.loss == pytest.approx(-(target * log_softmax(z)).sum(axis=1).mean(), rel=1e-11)
        assert scores.accuracy == np.mean(z.argmax(axis=1) == run.data.test_y)
        np.testing.assert_array_equal(scores.predicted, z.argmax(axis=1))


def test_the_advice_for_names_and_for_probabilities_gives_the_right_scores():
    predicted, y = ["b", "c", "b"], ["a", "c", "b"]
    with pytest.raises(ValueError, match="expected whole numbers from 0 to 2; try ") as caught:
        mt.confusion_matrix(predicted, y, 3)
    names = {"predicted": predicted, "y": y, "np": np}
    exec(str(caught.value).partition("; try ")[2], names)
    counts = mt.confusion_matrix(names["predicted"], names["y"], 3)
    np.testing.assert_array_equal(counts, [[0, 1, 0], [0, 1, 0], [0, 0, 1]])
    probabilities = [[0.1, 0.9], [0.8, 0.2]]
    for score in (mt.accuracy, lambda predicted, y: mt.confusion_matrix(predicted, y, 2)):
        with pytest.raises(ValueError, match=r"shape \(2, 2\), y \(2,\).*, try np.argmax\(predicted, axis=1\)$"):
            score(probabilities, [1, 0])
    with pytest.raises(ValueError, match=r"expected two non-empty arrays of shape \(N,\)$"):
        mt.accuracy(probabilities, [1, 0, 0])
    with pytest.raises(ValueError, match=r"0 to 1; try y = np\.unique\(y, return_inverse=True\)\[1\]$"):
        mt.confusion_matrix([0, 1], ["a", "b"], 2)
    with pytest.raises(ValueError, match=r"0 to 2$"):  # the numbers of the other classes cannot be known
        mt.confusion_matrix([0, 2], ["a", "c"], 3)
