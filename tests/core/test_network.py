"""The network: one interface and the same numbers at every tier."""

import copy
import pickle

import numpy as np
import pytest

import micrograd_tiers as mt
from micrograd_tiers.initializers import INITIALIZERS
from micrograd_tiers.rng import generator
from micrograd_tiers.tiers import TIERS, get_tier

every_tier = pytest.mark.parametrize("tier", TIERS)
exact_or_not = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])


def samples(n=7, i=5, c=3, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, i)), rng.integers(0, c, n)


def net_of_all_layers(tier="tensor", **options):
    layers = [mt.Linear(5, 4), mt.Tanh(), mt.Linear(4, 6), mt.ELU(0.5), mt.Linear(6, 4), mt.ReLU(), mt.Linear(4, 3)]
    return mt.Network([*layers[:6], mt.Sigmoid(), layers[6]], tier=tier, **options)


@every_tier
@exact_or_not
def test_the_worked_example_of_the_course(tier, exact):
    net = mt.two_layer_net(2, 3, 2, tier=tier, exact=exact)
    weight1, weight2 = np.array([[1, 1, 1], [-1, -1, -1]]), np.array([[1, 1], [-1, -1], [-1, -1]])
    net.load_state_dict({"0.weight": weight1.T, "0.bias": np.zeros(3), "2.weight": weight2.T, "2.bias": np.zeros(2)})
    loss, grads = net.loss_and_grads([[1, -1]], [0])
    # In fast mode, the last bit of NumPy's exp depends on the processor.
    rounding = 0 if exact or tier == "scalar" else 1e-15
    assert loss == pytest.approx(0.6931471805599453, rel=rounding)
    row = [-0.44039853898894116, 0.44039853898894116]
    assert grads["2.weight"].T.tolist() == [pytest.approx(row, rel=rounding, abs=0)] * 3
    assert grads["2.bias"].tolist() == [-0.5, 0.5]
    assert not grads["0.weight"].any()
    assert not grads["0.bias"].any()


@every_tier
@pytest.mark.parametrize("loss", ["softmax_cross_entropy", "mean_squared_error"])
def test_gradients_of_a_deep_net_agree_with_central_differences(tier, loss):
    net = net_of_all_layers(tier, loss=loss)
    X, y = samples()
    if loss == "mean_squared_error":
        y = np.random.default_rng(1).standard_normal((7, 3))
    _, grads = net.loss_and_grads(X, y)
    state = net.state_dict()
    h = 1e-6
    for name, array in state.items():
        numerical = np.zeros(array.shape)
        for index in np.ndindex(array.shape):
            losses = []
            for sign in (1, -1):
                array[index] += sign * h
                net.load_state_dict(state)
                losses.append(net.mean_loss(net.forward(X), y))
                array[index] -= sign * h
            numerical[index] = (losses[0] - losses[1]) / (2 * h)
        assert np.abs(grads[name]).max() > 1e-4, "a gradient of zero would prove nothing"
        np.testing.assert_allclose(grads[name], numerical, rtol=1e-6, atol=1e-9, err_msg=name)


@pytest.mark.parametrize("tier", ["scalar", "vector"])
@exact_or_not
def test_forward_loss_and_gradients_agree_between_the_tiers(tier, exact):
    X, y = samples(n=33)
    ours, tensor = net_of_all_layers(tier, exact=exact), net_of_all_layers(exact=exact)
    (loss, grads), (tensor_loss, tensor_grads) = ours.loss_and_grads(X, y), tensor.loss_and_grads(X, y)
    pairs = [
        (loss, tensor_loss),
        (ours.forward(X), tensor.forward(X)),
        (ours.predict_proba(X), tensor.predict_proba(X)),
    ]
    pairs += [(grads[name], tensor_grads[name]) for name in grads]
    for a, b in pairs:
        np.testing.assert_allclose(a, b, rtol=0, atol=0 if exact else 1e-15 * max(1, np.abs(b).max()))


@every_tier
def test_results_have_the_documented_shapes_names_and_types(tier):
    net = mt.two_layer_net(4, 3, 2, tier=tier)
    X, y = samples(i=4, c=2)
    assert {name: array.shape for name, array in net.state_dict().items()} == {
        "0.weight": (3, 4),
        "0.bias": (3,),
        "2.weight": (2, 3),
        "2.bias": (2,),
    }
    assert net.n_parameters == 3 * 4 + 3 + 2 * 3 + 2
    loss, grads = net.loss_and_grads(X.tolist(), y.tolist())
    assert type(loss) is float
    assert {name: array.shape for name, array in grads.items()} == {
        name: array.shape for name, array in net.state_dict().items()
    }
    assert net.forward(X).shape == (7, 2)
    assert net.forward(X).dtype == np.float64
    np.testing.assert_allclose(net.predict_proba(X).sum(axis=1), 1)
    assert net.predict(X).tolist() == net.forward(X).argmax(axis=1).tolist()
    assert np.abs(net.predict_proba(X) - np.exp(net.forward(X)) / np.exp(net.forward(X)).sum(1)[:, None]).max() < 1e-15


@every_tier
def test_a_prediction_depends_only_on_its_own_sample(tier):
    net = net_of_all_layers(tier)
    X, _ = samples(n=4)
    alone = net.forward(X[1:2])
    X[0] = np.nan
    np.testing.assert_allclose(net.forward(X)[1], alone[0], rtol=0, atol=1e-15)
    assert np.isnan(net.forward(X)[0]).all()


def test_forward_accepts_more_samples_than_it_computes_at_a_time(monkeypatch):
    X, y = samples(n=10)
    net = net_of_all_layers()
    whole, loss = net.forward(X), net.mean_loss(net.forward(X), y)
    monkeypatch.setattr("micrograd_tiers.network.SLICE", 3)
    np.testing.assert_allclose(net.forward(X), whole, rtol=0, atol=1e-15)
    assert net.mean_loss(net.forward(X), y) == pytest.approx(loss)


@every_tier
def test_the_mean_loss_of_a_batch_is_the_mean_of_its_samples_losses(tier):
    net = net_of_all_layers(tier)
    X, y = samples(n=5)
    each = [net.loss_and_grads(X[n : n + 1], y[n : n + 1])[0] for n in range(5)]
    assert net.loss_and_grads(X, y)[0] == pytest.approx(np.mean(each), rel=1e-14)


def test_every_tier_starts_from_the_same_weights_and_changing_the_tier_keeps_them():
    state = net_of_all_layers("tensor", seed=3).state_dict()
    for tier in TIERS:
        for net in (net_of_all_layers(tier, seed=3), net_of_all_layers("tensor", seed=3).to(tier, exact=True)):
            assert all(np.array_equal(array, state[name]) for name, array in net.state_dict().items())
    assert not np.array_equal(net_of_all_layers(seed=4).state_dict()["0.weight"], state["0.weight"])


@pytest.mark.parametrize(("tier", "dtype", "exact"), [("vector", "float32", False), ("vector", "float64", True)])
def test_a_change_of_tier_keeps_mode_type_and_frozen_layers(tier, dtype, exact, tmp_path):
    net = mt.two_layer_net(2, 3, 2, tier="tensor", dtype=dtype, exact=exact)
    net.freeze(0)
    mt.save(net, tmp_path / "net.npz")
    for moved in (net.to(tier), mt.load(tmp_path / "net.npz", tier=tier), mt.load(tmp_path / "net.npz")):
        assert (moved.dtype, moved.exact, moved.frozen) == (dtype, exact, {0})
    assert net.to(tier, exact=not exact).exact is not exact


def test_losses_without_smoothing_have_none():
    assert mt.Network([mt.Linear(2, 1)], mt.BinaryCrossEntropy()).label_smoothing == 0
    assert mt.Network([mt.Linear(2, 2)], label_smoothing=0.1).label_smoothing == 0.1


@pytest.mark.parametrize("exact", [False, True])
def test_a_built_in_tier_is_recognized_as_an_object_and_by_its_module_name(exact, tmp_path):
    for tier in (mt.get_tier("scalar", exact), mt.get_tier("scalar", exact).__name__):
        if isinstance(tier, str) and exact:
            continue  # the name of an exact tier is not an importable module
        net = mt.two_layer_net(2, 3, 2, tier=tier)
        assert (net.tier_name, net.exact) == ("scalar", exact)
        mt.save(net, tmp_path / "net.npz")
        assert repr(mt.load(tmp_path / "net.npz")) == repr(net)
    assert mt.two_layer_net(2, 3, 2).to(mt.get_tier("scalar"), exact=True).exact


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("tier", ["vector", "tensor"])
@exact_or_not
def test_overflow_and_infinite_inputs_show_in_the_results_without_warnings(tier, dtype, exact):
    with np.errstate(all="raise"):  # no error even if the caller makes NumPy raise on everything
        net = mt.two_layer_net(2, 3, 2, tier=tier, dtype=dtype, exact=exact)
        X = [[np.inf, -np.inf], [1e308, 1e308], [0.0, 1.0]]
        assert np.isfinite(net.forward(X)[2]).all()
        net.predict_proba(X)
        net.loss_and_grads(X, [0, 1, 0])
        regression = mt.Network([mt.Linear(2, 2)], loss="mean_squared_error", tier=tier, dtype=dtype, exact=exact)
        assert not np.isfinite(regression.loss_and_grads([[1e200, 1e200]], [[0, 1e200]])[0])
        sure = net.tier.asarray([[900.0, -900.0]], dtype)
        for (x,) in net.tier.chunks(sure):
            net.tier.sigmoid(x)
            net.tier.softmax(x)


def test_changing_the_tier_makes_a_copy():
    net = mt.two_layer_net(2, 3, 2)
    before = net.state_dict()
    other = net.to("vector", dtype="float32")
    assert (other.tier_name, other.dtype, net.tier_name, net.dtype) == ("vector", "float32", "tensor", "float64")
    mt.fit(other, [[1, 2], [3, 4]], [0, 1], batch_size=1)
    assert all(np.array_equal(net.state_dict()[name], before[name]) for name in before)


@every_tier
@exact_or_not
@pytest.mark.parametrize("duplicate", [lambda net: pickle.loads(pickle.dumps(net)), copy.deepcopy])
def test_a_copy_of_a_trained_net_shares_nothing_with_it(tier, exact, duplicate):
    net, (X, y) = net_of_all_layers(tier, exact=exact), samples()
    net.freeze(0)
    mt.fit(net, X, y)
    twin, before = duplicate(net), net.state_dict()
    assert (twin.forward(X) == net.forward(X)).all()
    assert mt.fit(twin, X, y).batch_loss == mt.fit(net.to(tier), X, y).batch_loss
    assert all(np.array_equal(before[name], array) for name, array in net.state_dict().items())
    assert not np.array_equal(twin.state_dict()["2.weight"], before["2.weight"])
    assert np.array_equal(twin.state_dict()["0.weight"], before["0.weight"])


@every_tier
def test_state_dict_and_load_state_dict_copy(tier):
    net = mt.two_layer_net(2, 3, 2, tier=tier)
    state = net.state_dict()
    state["0.bias"][:] = 7
    assert not net.state_dict()["0.bias"].any()
    net.load_state_dict(state)
    state["0.bias"][:] = 8
    assert (net.state_dict()["0.bias"] == 7).all()


def test_loading_is_strict_and_all_or_nothing():
    net = mt.two_layer_net(2, 3, 2)
    state = net.state_dict()
    wrong = {**state, "0.bias": np.ones(4), "9.bias": np.ones(1)}
    del wrong["2.weight"]
    message = r"2\.weight is missing; 9\.bias is unexpected; 0\.bias has shape \(4,\), expected \(3,\)"
    with pytest.raises(mt.DataError, match=message):
        net.load_state_dict(wrong)
    assert all(np.array_equal(net.state_dict()[name], state[name]) for name in state)


@pytest.mark.parametrize("tier", ["vector", "tensor"])
def test_float32_stays_float32(tier):
    net = mt.two_layer_net(5, 4, 3, tier=tier, dtype="float32")
    X, y = samples()
    x, target = net.tier.asarray(X, "float32"), net.tier.asarray(y, "int64")
    _, sums, _ = net.backprop(x, (target,))
    grads = {name: gradient.value() for name, gradient in sums.items()}
    mt.fit(net, X, y, optimizer=mt.Adam(0.01), batch_size=3)
    for arrays in (grads, net.parameters):
        assert {array.dtype.name for array in arrays.values()} == {"float32"}
    assert net.forward(X).dtype == np.float32
    float64 = mt.two_layer_net(5, 4, 3, tier=tier)
    assert net.loss_and_grads(X, y)[1]["0.weight"].dtype == np.float32
    for name, array in float64.loss_and_grads(X, y)[1].items():
        np.testing.assert_allclose(grads[name], array, rtol=1e-4, atol=1e-6)


def test_no_derivative_is_computed_below_the_first_parameter(monkeypatch):
    class Forbidden(mt.Sigmoid):
        def forward(self, tier, x, *parameters):
            value, _ = super().forward(tier, x)
            return value, (lambda dy: pytest.fail("no one needs this derivative"),)

    net = mt.Network([Forbidden(), mt.Linear(5, 3)])
    X, y = samples()
    assert set(net.loss_and_grads(X, y)[1]) == {"1.weight", "1.bias"}


@pytest.mark.parametrize("name", INITIALIZERS)
def test_initializers_have_their_standard_deviation(name):
    expected_std = {
        "normal": 0.08,
        "standard_normal": 1.0,
        "uniform": 1 / np.sqrt(3 * 400),
        "xavier": np.sqrt(2 / 1000),
        "xavier_uniform": np.sqrt(2 / 1000),
        "xavier_normal": np.sqrt(2 / 1000),
        "kaiming": np.sqrt(2 / 400),
        "kaiming_uniform": np.sqrt(2 / 400),
        "kaiming_normal": np.sqrt(2 / 400),
        "zeros": 0.0,
    }
    state = mt.Network([mt.Linear(400, 600)], init=name).state_dict()
    weight = state["0.weight"]
    assert weight.std() == pytest.approx(expected_std[name], rel=0.01)
    assert abs(weight.mean()) < 0.01 * expected_std[name] + 1e-300
    assert not state["0.bias"].any()


def test_a_custom_initializer():
    net = mt.Network([mt.Linear(2, 3)], init=lambda shape, rng: np.full(shape, 5.0))
    assert (net.state_dict()["0.weight"] == 5).all()


def test_networks_leave_the_global_random_state_alone():
    before = np.random.get_state()[1].tolist()  # noqa: NPY002
    net = mt.two_layer_net(2, 3, 2)
    mt.fit(net, [[1.0, 2.0]], [0])
    assert np.random.get_state()[1].tolist() == before  # noqa: NPY002


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda net: net.forward(np.zeros((2, 4))), r"linear: x has 4 features, weight \(3, 5\) expects 5"),
        (lambda net: net.forward(np.zeros(5)), r"X has shape \(5,\), expected \(N, 5\)"),
        (lambda net: net.forward(np.zeros((0, 5))), "X is empty"),
        (lambda net: net.forward([[1, 2], [3]]), "X is not a rectangular array"),
        (lambda net: net.forward([["a"] * 5]), r"X holds text \(<U1\), such as 'a', expected real numbers"),
        (lambda net: net.forward(np.zeros((1, 5), complex)), "complex"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [0]), r"y has shape \(1,\).*each of the 2 samples"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), 0), r"y has shape \(\)"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [0, 2]), "label 2, expected 0 to 1"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [-1, 0]), "label -1, expected 0 to 1"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [0.5, 0]), "label 0.5, expected whole numbers"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [np.nan, 0]), "label nan, expected whole numbers"),
        (lambda net: net.loss_and_grads(np.zeros((2, 5)), [[[0]], [[1]]]), r"y has shape \(2, 1, 1\)"),
    ],
)
def test_wrong_samples_and_labels_are_refused(call, message):
    with pytest.raises(mt.DataError, match=message):
        call(mt.two_layer_net(5, 3, 2))


def test_sizes_may_be_numpy_integers():
    net = mt.two_layer_net(np.int64(5), 3, np.array([0, 1]).max() + 1)
    assert net.layers == mt.two_layer_net(5, 3, 2).layers
    assert type(net.layers[0].in_features) is int


def test_labels_may_be_floats_with_whole_values():
    net = mt.two_layer_net(5, 3, 2)
    X, y = samples(c=2)
    assert net.loss_and_grads(X, y.astype(float))[0] == net.loss_and_grads(X, y)[0]


@pytest.mark.parametrize(
    ("targets", "message"),
    [
        (np.zeros((2, 3)), r"y has shape \(2, 3\), mean_squared_error expects \(N, 2\)"),
        ([0, 1], "mean_squared_error expects"),
        ([[np.inf, 0], [0, 0]], "NaN or infinite targets"),
    ],
)
def test_wrong_targets_of_mean_squared_error_are_refused(targets, message):
    with pytest.raises(mt.DataError, match=message):
        mt.Network([mt.Linear(5, 2)], loss="mean_squared_error").loss_and_grads(np.zeros((2, 5)), targets)


def test_a_net_for_regression_gives_values_not_probabilities():
    net = mt.Network([mt.Linear(5, 2)], loss="mean_squared_error")
    X, _ = samples()
    assert np.array_equal(net.predict(X), net.forward(X))
    with pytest.raises(ValueError, match="values, not probabilities"):
        net.predict_proba(X)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: mt.Network([]), "no layers"),
        (lambda: mt.Network([mt.Linear]), "expected a Layer"),
        (
            lambda: mt.Network([mt.Linear(2, 3), mt.Sigmoid(), mt.Linear(4, 2)]),
            "layer 2: linear: x has 3 features.*expects 4",
        ),
        (lambda: mt.Network([mt.Linear(2, 3)], loss="nll"), "unknown loss 'nll'"),
        (lambda: mt.Network([mt.Linear(2, 3)], tier="gpu"), "unknown tier 'gpu'"),
        (lambda: mt.Network([mt.Linear(2, 3)], init="he"), "unknown initializer 'he'"),
        (lambda: mt.Network([mt.Linear(2, 3)], dtype="int8"), "dtype is int8, expected float64 or float32"),
        (lambda: mt.Network([mt.Linear(2, 3)], tier="scalar", dtype="float32"), "dtype is float32, expected float64"),
        (lambda: mt.Linear(0, 3), "in_features is 0"),
        (lambda: mt.Linear(2**31, 3), "in_features is 2147483648"),
        (lambda: mt.Linear(3, 2.0), "out_features is 2.0"),
        (lambda: mt.ELU(-1), "alpha is -1"),
        (lambda: mt.mlp([3]), "at least inputs and outputs"),
        (lambda: mt.mlp([3, 2, 1], "nonsense"), "unknown activation 'nonsense'"),
    ],
)
def test_layers_and_settings_that_do_not_fit_are_refused(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_the_error_names_the_ops_that_a_tier_lacks(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(
        "from micrograd_tiers.tiers.vector import linear, asarray, tolist, chunks, add_scaled, elementwise\n"
    )
    with pytest.raises(ValueError, match="does not have sigmoid, softmax_cross_entropy, which this network needs"):
        mt.two_layer_net(2, 3, 2, tier=str(file))


def test_the_repr_shows_layers_and_tier():
    text = repr(mt.two_layer_net(2, 3, 2, tier="vector"))
    assert "Linear(in_features=2, out_features=3, bias=True), Sigmoid(), Linear" in text
    assert "tier='vector'" in text


def test_a_float32_net_has_the_same_weights_at_the_scalar_tier():
    net = mt.mlp([4, 3], dtype="float32")
    scalar = net.to("scalar")
    assert scalar.dtype == "float64"
    assert np.array_equal(scalar.state_dict()["0.weight"], net.state_dict()["0.weight"])


@pytest.mark.parametrize("seed", [None, -1, 0.5, "1", [1, 2]])
def test_a_seed_that_is_not_a_nonnegative_integer_is_refused(seed):
    with pytest.raises(ValueError, match=r"seed is .*, expected a whole number of at least 0"):
        generator(seed)


SCALAR_TIERS = {
    "name": lambda folder: "scalar",
    "tier": lambda folder: get_tier("scalar"),
    "exact tier": lambda folder: get_tier("scalar", exact=True),
    "module": lambda folder: mt.tiers.scalar,
    "module's name": lambda folder: "micrograd_tiers.tiers.scalar",
    "file": lambda folder: _scalar_file(folder),
}


def _scalar_file(folder):
    path = folder / "my_tier.py"
    path.write_text("from micrograd_tiers.tiers.scalar import *\n")
    return str(path)


@pytest.mark.parametrize("name", SCALAR_TIERS)
def test_a_float32_net_moves_to_the_scalar_tier_however_it_is_named(name, tmp_path):
    net = mt.two_layer_net(3, 4, 2, dtype="float32", seed=0)
    moved = net.to(SCALAR_TIERS[name](tmp_path))
    assert moved.dtype == "float64"
    for key, weights in net.state_dict().items():
        np.testing.assert_array_equal(moved.state_dict()[key], weights)


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_moving_a_net_loads_a_tier_file_once_and_keeps_its_name(dtype, tmp_path, capsys):
    path = tmp_path / "my_tier.py"
    path.write_text("from micrograd_tiers.tiers.vector import *\nprint('loaded')\n")
    moved = mt.two_layer_net(3, 4, 2, dtype=dtype).to(str(path))
    assert (moved.tier_name, moved.dtype) == (str(path), dtype)
    assert capsys.readouterr().out == "loaded\n"


def test_a_dtype_that_a_tier_does_not_offer_is_refused_if_asked_for():
    net = mt.two_layer_net(3, 4, 2, dtype="float32", seed=0)
    with pytest.raises(ValueError, match="float32"):
        net.to(get_tier("scalar"), dtype="float32")


def test_weights_of_another_shape_and_equal_size_are_refused():
    net = mt.Network([mt.Linear(2, 3)])
    for shape in ((2, 3), (6,), (1, 6), (3, 2, 1)):
        with pytest.raises(mt.DataError, match=r"0\.weight has shape"):
            net.load_state_dict({"0.weight": np.ones(shape), "0.bias": np.zeros(3)})
    with pytest.raises(mt.DataError, match=r"0\.bias has shape"):
        net.load_state_dict({"0.weight": np.ones((3, 2)), "0.bias": np.zeros((3, 1))})


def test_a_generator_goes_on_and_a_seed_starts_again():
    rng = np.random.default_rng(0)
    first, second = (mt.Network([mt.Linear(2, 3)], seed=rng).state_dict()["0.weight"] for _ in range(2))
    again, equal = (mt.Network([mt.Linear(2, 3)], seed=0).state_dict()["0.weight"] for _ in range(2))
    assert np.array_equal(first, again)
    assert np.array_equal(again, equal)
    assert not np.array_equal(first, second)
