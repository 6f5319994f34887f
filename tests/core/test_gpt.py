"""A GPT at three tiers: microgpt's losses and names, the same bits, and the witnesses of its gradients."""

import hashlib
import pickle
from copy import deepcopy
from functools import cache

import numpy as np
import pytest
from idx_files import DATA
from microgpt import GENERATED, LETTERS, LOSSES, N_NAMES, NAMES, run

import micrograd_tiers as mt
from micrograd_tiers.engine import Value
from micrograd_tiers.tiers import TIERS

every_tier = pytest.mark.parametrize("tier", TIERS)
SMALL = {"n_tokens": 7, "features": 8, "heads": 2, "length": 6, "init": "normal:0.3"}


def documents(n=8, length=6, n_tokens=7, seed=3):
    """Return random documents of different lengths, whose tokens repeat, and their next tokens."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(0, n_tokens, (n, length + 1))
    ends = rng.integers(1, length + 1, n)
    ends[0] = length
    padded = np.arange(length) >= ends[:, None]
    return np.where(padded, -1, tokens[:, :-1]), np.where(padded, -1, tokens[:, 1:])


def digest(net):
    """Return the SHA-256 of all weights."""
    return hashlib.sha256(b"".join(np.ascontiguousarray(w).tobytes() for w in net.state_dict().values())).hexdigest()


# microgpt's own figures.


@pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])
@every_tier
def test_the_losses_of_the_first_steps_are_those_that_microgpt_prints(tier, exact):
    trainer, _ = run(NAMES, tier=tier, exact=exact)
    trainer.run()
    assert [round(loss, 4) for loss in trainer.history.batch_loss] == LOSSES
    assert trainer.net.n_parameters == 4192


@cache
def names_of_the_file():
    file = DATA / "names" / "names.txt"
    if not file.is_file():
        pytest.skip("no real names here: set MICROGRAD_TIERS_DATA to the folder that contains names/names.txt")
    names = file.read_text().split()
    assert len(names) == N_NAMES
    return names


@pytest.mark.parametrize("tier", ["vector", "tensor", pytest.param("scalar", marks=pytest.mark.slow)])
def test_the_twenty_names_after_a_thousand_steps_are_those_of_microgpt(tier):
    trainer, rng = run(names_of_the_file(), tier=tier)
    trainer.run()
    assert [round(loss, 4) for loss in trainer.history.batch_loss[:13]] == LOSSES
    assert mt.generate(trainer.net, LETTERS, 20, temperature=0.5, seed=rng) == GENERATED


# The same bits.


def test_exact_runs_give_the_same_weights_losses_and_names_at_every_tier():
    ends = []
    for tier in TIERS:
        trainer, rng = run(NAMES, tier=tier, exact=True)
        trainer.run()
        names = mt.generate(trainer.net, LETTERS, 10, seed=rng)
        ends.append((digest(trainer.net), trainer.history.batch_loss, names))
    assert ends[0] == ends[1] == ends[2]
    assert len({*ends[0][2]}) > 5


@pytest.mark.parametrize("batch_size", [1, 8])
@pytest.mark.parametrize("n_blocks", [1, 2])
@pytest.mark.parametrize(
    ("activation", "norm"), [("relu", "rms_norm"), ("squared_relu", "rms_norm"), ("squared_relu", "layer_norm")]
)
def test_exact_runs_of_other_nets_give_the_same_bits_at_every_tier(activation, norm, n_blocks, batch_size):
    X, y = documents()
    ends = []
    for tier in TIERS:
        net = mt.gpt(**SMALL, n_blocks=n_blocks, activation=activation, norm=norm, dropout=0.2, tier=tier, exact=True)
        history = mt.fit(net, X, y, optimizer=mt.Adam(0.02), batch_size=batch_size, steps=5, schedule="linear")
        ends.append((digest(net), history.batch_loss))
    assert ends[0] == ends[1] == ends[2]


@pytest.mark.parametrize("batch_size", [1, 8])
def test_exact_runs_in_float32_give_the_same_bits_at_both_numpy_tiers(batch_size):
    X, y = documents()
    ends = []
    for tier in ("vector", "tensor"):
        net = mt.gpt(**SMALL, norm="layer_norm", tier=tier, exact=True, dtype="float32")
        history = mt.fit(net, X, y, optimizer=mt.Adam(0.02), batch_size=batch_size, steps=5)
        assert {array.dtype.name for array in net.parameters.values()} == {"float32"}
        ends.append((digest(net), [float(np.float32(loss)) for loss in history.batch_loss]))
    assert ends[0] == ends[1]


@every_tier
def test_fast_runs_differ_only_by_rounding(tier):
    X, y = documents()
    weights = []
    for name in (tier, "tensor"):
        net = mt.gpt(**SMALL, tier=name)
        mt.fit(net, X, y, optimizer=mt.SGD(0.1), batch_size=3, epochs=4)
        weights.append(net.state_dict())
    largest = max(np.abs(w).max() for w in weights[1].values())
    assert all(np.abs(w - weights[1][name]).max() <= 1e-14 * largest for name, w in weights[0].items())


# Witnesses of the gradients.


@pytest.mark.parametrize("options", [{}, {"n_blocks": 2, "activation": "squared_relu", "norm": "layer_norm"}])
def test_values_find_the_same_gradient_of_the_whole_net(options):
    X, y = documents(n=3, length=4)
    net = mt.gpt(**SMALL, **options, tier="scalar")
    loss, grads = net.loss_and_grads(X, y)
    parameters = {
        name: np.vectorize(Value, otypes=[object])(array).tolist() for name, array in net.state_dict().items()
    }
    net.parameters |= parameters
    losses = [
        net.loss.forward(net.functions, net.run(x)[0], target)[0]
        for x, target in zip(X.tolist(), y.tolist(), strict=True)
    ]
    total = sum(losses, Value(0.0)) / len(X)
    total.backward()
    assert loss == pytest.approx(total.data, rel=1e-14)
    for name, nodes in parameters.items():
        expected = np.vectorize(lambda v: v.grad, otypes=[float])(np.array(nodes, object))
        assert np.abs(grads[name] - expected).max() <= 1e-14 * max(1, np.abs(expected).max()), name


@every_tier
def test_numerical_derivatives_agree(tier):
    X, y = documents(n=3, length=4)
    report = mt.check_network(mt.gpt(**SMALL | {"features": 4}, norm="layer_norm", tier=tier), X, y, n_coordinates=1)
    assert report.passed, report


def test_pytorch_finds_the_same_gradient_of_the_whole_net():
    torch = pytest.importorskip("torch")
    functional = torch.nn.functional
    X, y = documents()
    net = mt.gpt(**SMALL)
    loss, grads = net.loss_and_grads(X, y)
    weights = {name: torch.tensor(w, requires_grad=True) for name, w in net.state_dict().items()}
    token, position, qkv, o, wide, narrow, head = weights.values()

    def norm(x):
        return x / torch.sqrt((x * x).mean(-1, keepdim=True) + 1e-5)

    tokens, target = torch.tensor(X), torch.tensor(y)
    x = norm(token[tokens.clamp(min=0)] * (tokens >= 0)[..., None] + position[: X.shape[1]])
    q, k, v = (part.unflatten(-1, (2, 4)).transpose(1, 2) for part in (norm(x) @ qkv.T).chunk(3, dim=-1))
    mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=True)
    x = x + mixed.transpose(1, 2).flatten(2) @ o.T
    x = x + torch.relu(norm(x) @ wide.T) @ narrow.T
    each = functional.cross_entropy((x @ head.T).transpose(1, 2), target, ignore_index=-1, reduction="none")
    expected = (each.sum(1) / (target >= 0).sum(1)).mean()
    expected.backward()
    assert loss == pytest.approx(expected.item(), rel=1e-14)
    for name, weight in weights.items():
        derivative = weight.grad.numpy()
        assert np.abs(grads[name] - derivative).max() <= 1e-14 * max(1, np.abs(derivative).max()), name


# Documents.


@every_tier
def test_later_tokens_do_not_change_earlier_outputs(tier):
    X, _ = documents()
    net = mt.gpt(**SMALL, n_blocks=2, tier=tier, exact=True)
    outputs = net.forward(X)
    for t in range(1, X.shape[1]):
        assert net.forward(X[:, :t]).tobytes() == np.ascontiguousarray(outputs[:, :t]).tobytes()


@every_tier
def test_padding_changes_nothing(tier):
    net = mt.gpt(**SMALL, tier=tier, exact=True)
    X, y = documents(length=4)
    wide = [np.pad(array, [(0, 0), (0, 2)], constant_values=-1) for array in (X, y)]
    (loss, grads), (padded_loss, padded_grads) = net.loss_and_grads(X, y), net.loss_and_grads(*wide)
    assert loss == padded_loss
    assert all(np.array_equal(grads[name], padded_grads[name]) for name in grads)
    assert mt.evaluate(net, X, y) == mt.evaluate(net, *wide)


@every_tier
def test_weights_of_documents_can_count_every_target_alike(tier):
    net = mt.gpt(**SMALL, tier=tier)
    X, y = documents()
    counts = (y >= 0).sum(axis=1)
    losses = [net.loss_and_grads(X[n : n + 1], y[n : n + 1])[0] for n in range(len(X))]
    assert net.loss_and_grads(X, y)[0] == pytest.approx(np.mean(losses), rel=1e-14)
    expected = np.average(losses, weights=counts)
    assert net.loss_and_grads(X, y, sample_weight=counts)[0] == pytest.approx(expected, rel=1e-14)
    p = net.predict_proba(X)
    known = y >= 0
    each = -np.log(np.take_along_axis(p, np.maximum(y, 0)[..., None], axis=2)[..., 0])
    assert expected == pytest.approx(each[known].mean(), rel=1e-13)
    assert mt.evaluate(net, X, y)["accuracy"] == np.mean((p.argmax(axis=2) == y)[known])
    assert np.array_equal(net.predict(X), p.argmax(axis=2))


@every_tier
def test_nan_affects_only_its_own_document(tier):
    net = mt.gpt(**SMALL, tier=tier)
    weights = net.state_dict()
    weights["0.weight"][6] = np.nan  # the row of a token that only one document has
    X, _ = documents(n_tokens=6)
    clean = net.forward(X)
    X[2, 0] = 6
    net.load_state_dict(weights)
    outputs = net.forward(X)
    others = np.arange(len(X)) != 2
    assert np.isnan(outputs[2, 0]).all()
    assert np.array_equal(outputs[others], clean[others])


@every_tier
def test_frozen_layers_get_no_gradient_and_change_no_other(tier):
    net = mt.gpt(**SMALL, n_blocks=2, tier=tier, exact=True)
    X, y = documents()
    _, grads = net.loss_and_grads(X, y)
    for frozen in ([0], [0, 1], [5], range(8), [0, 1, 5, 7], [12, 14], range(9, 28)):
        net.freeze(*frozen)
        _, others = net.loss_and_grads(X, y)
        assert {*others} == {name for name in grads if int(name.partition(".")[0]) not in frozen}
        assert all(np.array_equal(others[name], grads[name]) for name in others)
        net.unfreeze()


@every_tier
def test_copies_and_files_hold_the_same_net(tier, tmp_path):
    net = mt.gpt(**SMALL, activation="squared_relu", norm="layer_norm", dropout=0.1, tier=tier)
    net.freeze(0)
    X, y = documents()
    mt.save(net, tmp_path / "gpt.npz")
    for other in (mt.load(tmp_path / "gpt.npz"), deepcopy(net), pickle.loads(pickle.dumps(net)), net.to("tensor")):
        assert other.layers == net.layers
        assert other.frozen == net.frozen
        assert np.abs(other.forward(X) - net.forward(X)).max() < 1e-14
        assert mt.evaluate(other, X, y) == pytest.approx(mt.evaluate(net, X, y), rel=1e-14)


def test_a_summary_counts_the_positions_of_the_longest_document():
    summary = mt.gpt().summary()
    assert summary.shapes[:3] == ((16,), (16, 16), (16, 16))
    assert sum(summary.n_parameters) == 4192
    assert mt.gpt().summary((4,)).shapes[-1] == (4, 27)


BAD = {
    "row": (lambda net, X, y: net.forward(X[0]), "X has shape (6,), expected (N, T)"),
    "fraction": (lambda net, X, y: net.forward(X + 0.5), "expected token numbers from 0 to 6"),
    "unknown token": (lambda net, X, y: net.forward(X + 4), "expected token numbers from 0 to 6"),
    "empty document": (lambda net, X, y: net.forward(np.full((1, 3), -1)), "document 0 begins with -1"),
    "ragged": (lambda net, X, y: net.forward([[1, 2], [3]]), "end short documents with -1, as Tokenizer.encode does"),
    "no token": (lambda net, X, y: net.forward([[]]), "X is empty: expected at least one token in each document"),
    "gap": (lambda net, X, y: net.forward([[1, -1, 2]]), "document 0 has -1 at position 1 and a token after it"),
    "too long": (lambda net, X, y: net.forward(np.zeros((1, 7), int)), "expected at most 6"),
    "targets too short": (
        lambda net, X, y: net.loss_and_grads(X, y[:, 1:]),
        "expected (8, 6): a target for",
    ),
    "unknown target": (lambda net, X, y: net.loss_and_grads(X, y + 7), "y holds"),
    "no target": (lambda net, X, y: net.loss_and_grads(X, np.full_like(y, -1)), "document 0 has no target"),
    "labels": (lambda net, X, y: net.loss_and_grads(X, y[:, 0]), "y has shape (8,), next_token_loss expects (N, T)"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_documents_are_named(name):
    call, message = BAD[name]
    with pytest.raises(mt.DataError) as caught:
        call(mt.gpt(**SMALL), *documents())
    assert message in str(caught.value)


@every_tier
def test_documents_of_one_length_can_be_classified(tier):
    X, _ = documents(length=4)
    net = mt.Network([mt.Embedding(7, 3), mt.Flatten(), mt.Linear(12, 2)], tier=tier, exact=True)
    history = mt.fit(net, X, np.arange(8) % 2, batch_size=3, epochs=2)
    assert history.train_loss[1] < history.train_loss[0]
    assert mt.check_network(net, X, np.arange(8) % 2, n_coordinates=2).passed


@every_tier
def test_documents_can_be_rows_of_numbers(tier):
    rng = np.random.default_rng(0)
    layers = [mt.RMSNorm(), *mt.residual(mt.Project(4, 12), mt.Attention(2)), mt.LayerNorm(4), mt.Project(4, 3)]
    net = mt.Network(layers, "next_token_loss", tier=tier)
    X, y = rng.standard_normal((5, 3, 4)), rng.integers(-1, 3, (5, 3))
    y[:, 0] = 1
    assert mt.check_network(net, X, y, n_coordinates=2).passed
    assert len(mt.fit(net, X, y, batch_size=2, epochs=2).train_loss) == 2
    assert net.predict(X).shape == (5, 3)


def test_heads_divide_the_features():
    with pytest.raises(ValueError, match="features is 10 and heads is 4"):
        mt.gpt(features=10, heads=4)


CALLS = {
    "attention": (([[1.0] * 6], 4), "attention: x has 6 features, expected a multiple of 3 * 4"),
    "layer_norm": (([[1.0, 2.0]], [1.0], [0.0]), "layer_norm: x has shape (1, 2), weight (1,), expected (2,)"),
    "project": (([[1.0, 2.0]], [[1.0]]), "project: x has shape (1, 2), weight (1, 1) expects 1 features"),
    "add_position": (([[1.0], [2.0]], [[1.0]]), "expects 1 features and at most 1 positions"),
    "next_token_loss": (([[1.0, 2.0]], [0, 1]), "logits have shape (1, 2), targets (2,), expected (1,)"),
}


@pytest.mark.parametrize("op", CALLS)
def test_an_op_that_is_called_directly_names_sizes_that_do_not_fit(op):
    arguments, message = CALLS[op]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        getattr(mt.tiers.scalar, op)(*arguments)
    assert message in str(caught.value)


# Residual connections.


@every_tier
def test_a_branch_adds_its_input_in_nets_of_rows_and_of_images_too(tier):
    rng = np.random.default_rng(0)
    inner = mt.residual(mt.Linear(4, 6), mt.Sigmoid(), *mt.residual(mt.Tanh()), mt.Linear(6, 4))
    net = mt.Network([mt.Linear(4, 4), *mt.residual(mt.Tanh(), *inner), mt.Linear(4, 3)], tier=tier, seed=1)
    X, y = rng.standard_normal((5, 4)), rng.integers(0, 3, 5)
    assert mt.check_network(net, X, y, n_coordinates=2).passed
    images = mt.Network(
        [mt.Conv2d(1, 2, 3), *mt.residual(mt.Conv2d(2, 2, 3, padding=1), mt.Tanh()), mt.Flatten(), mt.Linear(18, 3)],
        tier=tier, seed=2,
    )  # fmt: skip
    assert mt.check_network(images, rng.standard_normal((2, 1, 5, 5)), y[:2], n_coordinates=1).passed


BRANCHES = {
    "no Join": ([mt.Fork(), mt.Linear(2, 2)], "layer 0: the branch of this Fork() has no end"),
    "no Fork": ([mt.Linear(2, 2), mt.Join()], "layer 1: join: no branch ends here"),
    "two Joins": ([*mt.residual(mt.Tanh()), mt.Join(), mt.Linear(2, 2)], "layer 3: join: no branch ends here"),
    "other shape": ([*mt.residual(mt.Linear(2, 3)), mt.Linear(3, 2)], "from layer 0 turns shape (2,) into (3,)"),
    "tokens later": ([mt.Linear(2, 2), mt.Embedding(2, 2)], "layer 1: embedding: expected it first"),
}


@pytest.mark.parametrize("name", BRANCHES)
def test_branches_that_do_not_fit_are_refused(name):
    layers, message = BRANCHES[name]
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        mt.Network(layers)
    assert message in str(caught.value)
