"""Convolution, pooling, dropout and normalization: the same at every tier, with errors that say what to do."""

import copy
import functools
import operator

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.tiers import TIERS, get_tier
from micrograd_tiers.words import layers_from_words

every_tier = pytest.mark.parametrize("tier", TIERS)
RNG = np.random.default_rng(0)
X, Y = RNG.random((10, 36)), RNG.integers(0, 3, 10)
LAYERS = [
    mt.Reshape((1, 6, 6)), mt.Conv2d(1, 3, 3, padding=1), mt.Sigmoid(), mt.AvgPool2d(2), mt.Conv2d(3, 2, 2, stride=1),
    mt.Tanh(), mt.MaxPool2d(2, 1), mt.ELU(), mt.Flatten(), mt.Dropout(0.3), mt.Linear(2, 4), mt.ReLU(), mt.Dropout(0.2),
    mt.Linear(4, 3),
]  # fmt: skip
NORMALIZED = [
    mt.Reshape((1, 6, 6)), mt.Conv2d(1, 2, 3), mt.BatchNorm2d(2), mt.ReLU(), mt.Flatten(),
    mt.BatchNorm1d(32, momentum=0.3), mt.Linear(32, 3),
]  # fmt: skip


def trained(tier, exact=False, layers=LAYERS, **options):
    net = mt.Network(layers, tier=tier, exact=exact, seed=1)
    history = mt.fit(net, X, Y, batch_size=4, epochs=3, seed=2, **options)
    return net, history


def test_a_convolutional_net_with_dropout_trains_to_the_same_bits_at_every_tier_in_exact_mode():
    nets = [trained(tier, exact=True, optimizer=mt.SGD(0.5, momentum=0.9)) for tier in TIERS]
    weights = [b"".join(array.tobytes() for array in net.state_dict().values()) for net, _ in nets]
    assert weights[0] == weights[1] == weights[2]
    assert nets[0][1].batch_loss == nets[1][1].batch_loss == nets[2][1].batch_loss


@every_tier
def test_a_convolutional_net_with_dropout_trains_to_nearly_the_same_weights_in_fast_mode(tier):
    (net, history), (expected, expected_history) = trained(tier), trained("tensor")
    for name, array in expected.state_dict().items():
        np.testing.assert_allclose(net.state_dict()[name], array, rtol=0, atol=1e-13)
    np.testing.assert_allclose(history.batch_loss, expected_history.batch_loss, rtol=1e-13)
    np.testing.assert_allclose(net.forward(X), expected.forward(X), rtol=0, atol=1e-13)


@every_tier
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_the_gradients_of_a_convolutional_net_are_right(tier, smoothing):
    net = mt.Network(LAYERS, tier=tier, label_smoothing=smoothing, init="standard_normal", seed=3)
    report = mt.check_network(net, X[:3], Y[:3], n_coordinates=5)
    assert report.passed, report


def test_the_gradients_of_batch_normalization_are_right():
    report = mt.check_network(mt.Network(NORMALIZED, seed=3), X[:5], Y[:5], n_coordinates=5)
    _, bias, *others = report.checks
    assert all(check.passed for check in others), report
    assert abs(bias.analytic) < 1e-13  # no effect: batch normalization subtracts the mean


def test_running_statistics_are_moving_averages_over_the_batches():
    net = mt.Network([mt.BatchNorm1d(36, momentum=0.3), mt.Linear(36, 3)])
    mt.fit(net, X, Y, batch_size=5, shuffle=False)
    mean = 0.7 * (0.3 * X[:5].mean(axis=0)) + 0.3 * X[5:].mean(axis=0)
    variance = 0.7 * (0.7 + 0.3 * X[:5].var(axis=0, ddof=1)) + 0.3 * X[5:].var(axis=0, ddof=1)
    np.testing.assert_allclose(net.state_dict()["0.running_mean"], mean, rtol=1e-13)
    np.testing.assert_allclose(net.state_dict()["0.running_var"], variance, rtol=1e-13)


@pytest.mark.parametrize("shape", [(7, 3), (4, 3, 2, 5)])
def test_exact_batch_normalization_sums_in_order(shape):
    x = np.random.default_rng(0).standard_normal(shape)
    mean, variance = get_tier("tensor", exact=True).moments(x)
    for c in range(3):
        values = [float(v) for v in np.moveaxis(x, 1, 0)[c].ravel()]
        n = len(values)
        assert mean[c] == functools.reduce(operator.add, values) / n
        assert variance[c] == functools.reduce(operator.add, [(v - mean[c]) * (v - mean[c]) for v in values]) / n


def test_batch_normalization_predicts_each_sample_independently():
    net, _ = trained("tensor", layers=NORMALIZED)
    alone = np.concatenate([net.forward(x[None]) for x in X])
    np.testing.assert_allclose(net.forward(X), alone, rtol=1e-12)


# Dropout.


@every_tier
def test_dropout_does_nothing_in_prediction(tier):
    net = mt.Network([mt.Dropout(0.9), mt.Linear(36, 3)], tier=tier)
    assert np.array_equal(net.forward(X), mt.Network([mt.Linear(36, 3)], tier=tier).forward(X))


@every_tier
def test_dropout_acts_in_training(tier):
    net = mt.Network([mt.Dropout(1.0), mt.Linear(36, 3)], tier=tier)
    assert mt.fit(net, X, Y).batch_loss == [pytest.approx(np.log(3))]  # only the bias, 0, is left
    assert mt.evaluate(net, X, Y)["loss"] != pytest.approx(np.log(3), abs=0.01)


def test_each_sample_of_a_batch_has_its_own_dropout_mask():
    mask = mt.Dropout(0.3).draw((50, 2, 5, 5), np.random.default_rng(0))
    assert len({sample.tobytes() for sample in mask}) == 50


def test_dropout_keeps_a_fraction_of_1_minus_p_and_the_mean():
    mask = mt.Dropout(0.3).draw((1000, 20), np.random.default_rng(0))
    assert np.unique(mask).tolist() == [0, 1 / 0.7]
    assert (mask == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert mask.mean() == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize(("p", "value"), [(0, 1), (1, 0)])
def test_dropout_with_p_0_keeps_everything_and_with_p_1_nothing(p, value):
    assert np.unique(mt.Dropout(p).draw((50, 4), np.random.default_rng(0))).tolist() == [value]


def test_each_step_draws_a_new_mask_and_a_resumed_run_the_same_ones():
    def run(steps):
        trainer = mt.Trainer(mt.Network(LAYERS, seed=1), X, Y, batch_size=4, epochs=4, seed=2)
        for _ in range(steps):
            trainer.step()
        return trainer

    assert not np.array_equal(*(run(k)._draw_noise(4)[-1] for k in (0, 1)))
    half, resumed = run(5), run(2)
    resumed.load_state_dict(half.state_dict())
    resumed.net.load_state_dict(half.net.state_dict())
    for trainer in (half, resumed):
        while not trainer.finished:
            trainer.step()
    assert half.history == resumed.history
    assert half.net.state_dict()["1.weight"].tobytes() == resumed.net.state_dict()["1.weight"].tobytes()


# Frozen layers.


@every_tier
def test_a_frozen_layer_keeps_its_weights_and_the_others_learn(tier):
    net = mt.mlp([36, 5, 4, 3], tier=tier)
    net.freeze(0, -1)
    before = net.state_dict()
    assert mt.fit(net, X, Y, epochs=2).batch_loss[0] == pytest.approx(mt.fit(mt.mlp([36, 5, 4, 3]), X, Y).batch_loss[0])
    after = net.state_dict()
    assert [name for name in before if not np.array_equal(before[name], after[name])] == ["2.weight", "2.bias"]
    assert [*net.loss_and_grads(X, Y)[1]] == ["2.weight", "2.bias"]
    assert net.to("vector").frozen == {0, 4}
    net.unfreeze(0)
    assert [*net.loss_and_grads(X, Y)[1]] == ["0.weight", "0.bias", "2.weight", "2.bias"]
    net.unfreeze()
    assert not net.frozen


def test_a_fully_frozen_net_has_no_gradients():
    net = mt.mlp([36, 3])
    net.freeze(0)
    loss, grads = net.loss_and_grads(X, Y)
    assert np.isfinite(loss)
    assert grads == {}


def test_a_frozen_batch_normalization_acts_as_in_prediction():
    net, _ = trained("tensor", layers=NORMALIZED)
    net.freeze(*range(len(net.layers)))
    before = net.state_dict()
    history = mt.fit(net, X, Y)
    assert history.batch_loss == [pytest.approx(mt.evaluate(net, X, Y)["loss"])]
    assert all(np.array_equal(before[name], array) for name, array in net.state_dict().items())


@pytest.mark.parametrize("frozen", [(), (2,), (5,), (2, 5), (1, 2), (5, 6)], ids=str)
def test_gradients_through_frozen_batch_normalization_agree_with_central_differences(frozen):
    """A frozen layer uses its running statistics, which do not depend on x; one that learns uses those of the batch."""
    net, _ = trained("tensor", layers=NORMALIZED)
    net.freeze(*frozen)
    _, grads = net.loss_and_grads(X, Y)
    assert {int(name.split(".")[0]) for name in grads} == {1, 2, 5, 6} - {*frozen}
    state, h = net.state_dict(), 1e-5
    for name, gradient in grads.items():
        for index in [*np.ndindex(gradient.shape)][::7]:
            losses = []
            for sign in (1, -1):
                state[name][index] += sign * h
                net.load_state_dict(state)
                losses.append(net.loss_and_grads(X, Y)[0])
                state[name][index] -= sign * h
            numerical = (losses[0] - losses[1]) / (2 * h)
            assert gradient[index] == pytest.approx(numerical, rel=1e-6, abs=1e-9), (name, index)


def test_freezing_a_layer_that_does_not_exist_is_an_index_error():
    with pytest.raises(IndexError):
        mt.mlp([36, 3]).freeze(1)


# Layers, settings and samples that do not fit.


@pytest.mark.parametrize(
    ("layers", "message"),
    [
        ([mt.Reshape((1, 6, 6)), mt.Linear(36, 3)], r"layer 1: linear: x has shape \(1, 6, 6\).*Flatten"),
        ([mt.Linear(9, 36), mt.Conv2d(1, 2, 3)], r"layer 1: conv2d: x has shape \(36,\).*Reshape"),
        ([mt.Reshape((2, 3, 3)), mt.Conv2d(1, 2, 3)], r"conv2d: x has 2 channels, weight \(2, 1, 3, 3\) expects 1"),
        ([mt.Reshape((1, 2, 9)), mt.MaxPool2d(3)], r"max_pool2d: x has shape \(1, 2, 9\), expected at least 3 rows"),
        ([mt.Reshape((1, 2, 9))], r"the last layer gives \(1, 2, 9\).*Flatten"),
        ([mt.Linear(4, 6), mt.Reshape((7,))], r"reshape: x has shape \(6,\), 6 numbers; .*expects 7"),
        ([mt.Linear(4, 6), mt.BatchNorm1d(5)], r"batch_norm: x has shape \(6,\), BatchNorm1d expects \(5,\)"),
    ],
)
def test_layers_that_do_not_fit_together_are_refused_with_advice(layers, message):
    with pytest.raises(ValueError, match=message):
        mt.Network(layers)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: mt.Network([mt.BatchNorm1d(5)], tier="vector"), "does not have batch_norm.*mixes the samples"),
        (lambda: mt.Network([mt.Linear(4, 6)], label_smoothing=1), "label_smoothing is 1"),
        (lambda: mt.mlp([4, 6], loss="mean_squared_error", label_smoothing=0.1), "no labels to smooth"),
        (lambda: mt.Conv2d(1, 2, 0), "Conv2d: kernel_size is 0"),
        (lambda: mt.Conv2d(1, 2, 3, padding=-1), "Conv2d: padding is -1"),
        (lambda: mt.AvgPool2d(2, stride=0), "AvgPool2d: stride is 0"),
        (lambda: mt.Reshape((0, 3)), "Reshape: a size is 0"),
        (lambda: mt.Dropout(1.5), "Dropout: p is 1.5"),
        (lambda: mt.Reshape(5), "Reshape: shape is 5, expected whole numbers such as"),
        (lambda: mt.ELU("a"), "ELU: alpha is 'a', expected a finite number above 0"),
        (lambda: mt.BatchNorm1d(3, momentum=0), "BatchNorm1d: momentum is 0"),
        (
            lambda: mt.BatchNorm1d(3, momentum="a"),
            "momentum is 'a', expected a number above 0 and at most 1",
        ),
        (lambda: mt.fit(mt.Network(NORMALIZED), X, Y, batch_size=9), "BatchNorm1d: got one number per channel"),
        (
            lambda: mt.Network([mt.Conv2d(1, 2, 3)]).loss_and_grads(X.reshape(10, 1, 6, 6), Y),
            r"gives \(2, 4.*Flatten",
        ),
        (lambda: mt.lenet5().summary(batch_size=0), "summary: batch_size is 0"),
        (lambda: mt.lenet5().summary(optimizer_numbers=mt.SGD()), "summary: optimizer_numbers is SGD"),
        (lambda: mt.Network([mt.Conv2d(1, 2, 3), mt.Flatten()]).forward(X), r"X has shape \(10, 36\); layer 0: conv2d"),
        (lambda: mt.Network(LAYERS).forward(X[:, 1:]), r"X has shape \(10, 35\); layer 0: reshape.*expects 36"),
    ],
)
def test_settings_and_samples_that_do_not_fit_are_refused_with_advice(build, message):
    with pytest.raises(ValueError, match=message):
        build()


@every_tier
def test_images_need_not_be_flattened(tier):
    net = mt.Network(LAYERS[1:], tier=tier, seed=1)
    assert np.array_equal(net.forward(X.reshape(10, 1, 6, 6)), mt.Network(LAYERS, tier=tier, seed=1).forward(X))
    assert (
        mt.fit(net, X.reshape(10, 1, 6, 6), Y).batch_loss
        == mt.fit(mt.Network(LAYERS, tier=tier, seed=1), X, Y).batch_loss
    )


def test_shapes_follows_a_sample_through_the_net():
    shapes = [(36,), (1, 6, 6), (3, 6, 6), (3, 6, 6), (3, 3, 3), (2, 2, 2), (2, 2, 2), (2, 1, 1), (2, 1, 1), (2,)]
    assert mt.Network(LAYERS).shapes((36,))[:10] == shapes


# Nets from words.


def test_a_net_is_built_from_words():
    words = "conv:6,5,1,2 relu max:2 conv:16,5 relu max:2 linear:120 relu linear:84 relu"
    assert mt.Network(layers_from_words(words, (1, 28, 28), 10)).layers == mt.lenet5("relu", "max").layers
    assert layers_from_words("linear:5 tanh dropout:0.5", (4,), 3) == [
        mt.Linear(4, 5), mt.Tanh(), mt.Dropout(0.5), mt.Linear(5, 3),
    ]  # fmt: skip
    words = "conv:4,3 batchnorm avg:2,1 flatten linear:7 batchnorm elu"
    kinds = [type(layer).__name__ for layer in mt.Network(layers_from_words(words, (2, 6, 6), 3)).layers]
    assert kinds == (
        ["Reshape", "Conv2d", "BatchNorm2d", "AvgPool2d", "Flatten", "Linear", "BatchNorm1d", "ELU", "Linear"]
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("convolution:6,5", "unknown layer 'convolution': expected one of linear, conv, avg"),
        ("conv:6", "layer 'conv:6': numbers after the colon: got 1, expected 2 to 4"),
        ("conv:6,k5", "layer 'conv:6,k5': expected numbers after the colon"),
        ("conv:6,9", "conv2d: x has shape .1, 6, 6., expected at least 9"),
        ("linear:5 max:2", "max_pool2d: x has shape .5,."),
    ],
)
def test_words_that_describe_no_valid_net_are_refused(words, message):
    with pytest.raises(ValueError, match=message):
        layers_from_words(words, (1, 6, 6), 3)


@every_tier
def test_an_autoencoder_learns_to_reproduce_its_input(tier):
    net = mt.autoencoder([36, 12, 4], "tanh", tier=tier, seed=1)
    kinds = [type(layer).__name__ for layer in net.layers]
    assert kinds == ["Linear", "Tanh", "Linear", "Linear", "Tanh", "Linear", "Sigmoid"]
    history = mt.fit(net, X, X, optimizer=mt.Adam(0.01), epochs=60, batch_size=5)
    assert history.batch_loss[-1] < 0.6 * history.batch_loss[0]


# The summary of a net.


def test_the_summary_counts_parameters_and_memory():
    summary = mt.lenet5(dtype="float32").summary(batch_size=10)
    assert summary.n_parameters == (0, 156, 0, 0, 2416, 0, 0, 0, 48120, 0, 10164, 0, 850)
    assert sum(summary.n_parameters) == mt.lenet5().n_parameters == 61_706
    outputs = 784 + 4704 + 4704 + 1176 + 1600 + 1600 + 400 + 400 + 120 + 120 + 84 + 84 + 10
    kept = 5 * 32 * 28 + 6 * 5 * 14 * 10
    assert summary.training_bytes == 4 * (2 * 61_706 + 10 * (784 + outputs + kept))
    assert summary.prediction_bytes == 4 * (61_706 + 10 * (784 + (784 + 5 * 32 * 28 + 4704)))
    lines = str(summary).splitlines()
    assert [*lines[3].split()[:1], *lines[3].split()[-1:]] == ["1", "156"]
    assert lines[-2] == "61,706 parameters, 247 KB in float32"


def test_the_summary_counts_optimizer_state_and_marks_frozen_layers():
    net = mt.mlp([36, 5, 3])
    P = net.n_parameters
    plain, adam = (net.summary(optimizer_numbers=o.numbers_per_parameter) for o in (mt.SGD(0.1), mt.Adam(0.1)))
    assert adam.training_bytes - plain.training_bytes == 8 * 2 * P
    net.freeze(0)
    assert plain.training_bytes - net.summary().training_bytes == 8 * (36 + 1) * 5
    assert "(frozen)" in str(net.summary())
    numbers = [o.numbers_per_parameter for o in (mt.SGD(0.1, momentum=0.9), mt.RMSprop(0.1), mt.AdamW(0.1))]
    assert numbers == [1, 1, 2]


def test_the_summary_asks_for_an_input_shape_that_it_cannot_infer():
    net = mt.Network([mt.Conv2d(1, 2, 3), mt.Flatten()])
    with pytest.raises(ValueError, match="the shape of a sample is not known"):
        net.summary()
    assert net.summary((1, 6, 6)).shapes[-1] == (32,)


def test_a_custom_layer_may_have_buffers():
    class Shift(mt.Layer):
        @property
        def ops(self):
            return ()

        def buffers(self):
            return {"shift": np.array([1.0, 2.0, 3.0, 4.0])}

        def forward(self, tier, x, shift):
            return x + shift, (lambda dy: dy.copy(),)

    net = mt.Network([mt.Linear(5, 4), Shift(), mt.Linear(4, 3)])
    X, y = np.random.default_rng(0).random((6, 5)), [0, 1, 2, 0, 1, 2]
    mt.fit(net, X, y, batch_size=4)
    assert net.state_dict()["1.shift"].tolist() == [1, 2, 3, 4]
    assert mt.check_network(net, X, y).passed


def test_a_custom_layer_draws_noise_only_in_the_shape_of_its_samples():
    class DropoutOfChannels(mt.Dropout):
        def draw(self, shape, rng):
            n, channels, _, _ = shape
            return np.repeat(super().draw((n, channels), rng), 16).reshape(shape)

    net = mt.Network([mt.Conv2d(1, 2, 3), DropoutOfChannels(0.5), mt.Flatten(), mt.Linear(32, 3)])
    history = mt.fit(net, np.random.default_rng(0).random((6, 1, 6, 6)), [0, 1, 2, 0, 1, 2], batch_size=4)
    assert len(history.batch_loss) == 2


def overwrite(array):
    """Change every number of an array or of nested lists in place."""
    if isinstance(array, np.ndarray):
        array += 1
    elif isinstance(array[0], list):
        for row in array:
            overwrite(row)
    else:
        array[:] = [number + 1 for number in array]


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@pytest.mark.parametrize("training", [False, True], ids=["prediction", "training"])
@pytest.mark.parametrize(
    ("tier", "layers"), [*((tier, LAYERS) for tier in TIERS), ("tensor", NORMALIZED)], ids=[*TIERS, "normalized"]
)
def test_every_vjp_returns_fresh_storage(tier, layers, training, exact):
    net = mt.Network(layers, tier=tier, exact=exact, seed=0)
    noise = net.draw_noise(X.shape, np.random.default_rng(0)) if training else []
    (x, *masks), *_ = net.tier.chunks(*(net.tier.asarray(array) for array in (X, *noise)))
    y, vjps, _ = net.run(x, training=training, noise=masks)
    dy = net.tier.asarray(RNG.normal(size=np.shape(net.tier.tolist(y))))
    weights = net.state_dict()
    for layer, vjps_of_layer in zip(reversed(layers), reversed(vjps), strict=True):
        before = copy.deepcopy(net.tier.tolist(dy))
        again = [net.tier.tolist(net.tier.asarray(vjp(dy))) for vjp in vjps_of_layer]
        for vjp in vjps_of_layer:
            overwrite(vjp(dy))
            assert np.array_equal(net.tier.tolist(dy), before), layer
        for vjp, expected in zip(vjps_of_layer, again, strict=True):
            assert np.array_equal(net.tier.tolist(vjp(dy)), expected), layer
        dy = vjps_of_layer[0](dy)
    for name, array in net.state_dict().items():
        assert np.array_equal(array, weights[name])


@pytest.mark.parametrize("padding", range(5))
@pytest.mark.parametrize(("kernel", "stride"), [(1, 1), (2, 3), (3, 1), (5, 2)])
@pytest.mark.parametrize("tier", TIERS)
def test_convolution_is_a_sum_over_the_padded_image_for_every_padding(tier, kernel, stride, padding):
    rng = np.random.default_rng(padding)
    x, weight, bias = (
        rng.standard_normal((2, 2, 5, 6)),
        rng.standard_normal((3, 2, kernel, kernel)),
        rng.standard_normal(3),
    )
    net = mt.Network([mt.Conv2d(2, 3, kernel, stride, padding), mt.Flatten()], "mean_squared_error", tier=tier)
    net.load_state_dict({"0.weight": weight, "0.bias": bias})
    padded = np.zeros((2, 2, 5 + 2 * padding, 6 + 2 * padding))
    padded[:, :, padding : 5 + padding, padding : 6 + padding] = x
    R, S = ((size - kernel) // stride + 1 for size in padded.shape[2:])
    expected = np.zeros((2, 3, R, S))
    for r, s in np.ndindex(R, S):
        window = padded[:, :, r * stride : r * stride + kernel, s * stride : s * stride + kernel]
        expected[:, :, r, s] = np.einsum("nchw,kchw->nk", window, weight) + bias
    np.testing.assert_allclose(net.forward(x), expected.reshape(2, -1), rtol=1e-12, atol=1e-12)
    assert mt.check_network(net, x, rng.standard_normal((2, 3 * R * S)), n_coordinates=2).passed


@every_tier
@pytest.mark.parametrize("alpha", [0.5, 1.0, 2.0])
def test_elu_approaches_minus_alpha(tier, alpha):
    net = mt.Network([mt.ELU(alpha)], "mean_squared_error", tier=tier)
    expected = [[alpha * np.expm1(-1.0), -alpha, 3.0]]
    np.testing.assert_allclose(net.forward([[-1.0, -50.0, 3.0]]), expected, rtol=1e-14)
