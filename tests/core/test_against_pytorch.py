"""Losses, gradients, optimizers, schedules and running statistics agree with PyTorch's."""

import numpy as np
import pytest
from test_layers import LAYERS, NORMALIZED
from test_layers import X as IMAGES
from test_layers import Y as CLASSES
from test_losses import LABELS, PROBABILITIES, TARGETS, WEIGHTS, X, net_with
from test_network import net_of_all_layers, samples
from test_training import OPTIMIZERS

import micrograd_tiers as mt
from micrograd_tiers.lab.judge.calls import part_of
from micrograd_tiers.lab.judge.cases import CASE_OF
from micrograd_tiers.losses import LOSSES
from micrograd_tiers.tiers import DOCUMENTS, TIERS, get_tier

torch = pytest.importorskip("torch")
functional = torch.nn.functional

every_tier = pytest.mark.parametrize("tier", TIERS)
weighted_or_not = pytest.mark.parametrize("weight", [None, WEIGHTS], ids=["plain", "weighted"])


def twin_of(net):
    """Return the same net as a torch.nn.Sequential, with the same weights."""
    nn = torch.nn
    twins = {
        mt.Reshape: lambda layer: nn.Unflatten(1, layer.shape),
        mt.Conv2d: lambda layer: nn.Conv2d(
            layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding
        ),
        mt.AvgPool2d: lambda layer: nn.AvgPool2d(layer.kernel_size, layer.stride),
        mt.MaxPool2d: lambda layer: nn.MaxPool2d(layer.kernel_size, layer.stride),
        mt.BatchNorm1d: lambda layer: nn.BatchNorm1d(layer.num_features, layer.epsilon, layer.momentum),
        mt.BatchNorm2d: lambda layer: nn.BatchNorm2d(layer.num_features, layer.epsilon, layer.momentum),
        mt.Linear: lambda layer: nn.Linear(layer.in_features, layer.out_features),
        mt.Dropout: lambda layer: nn.Dropout(layer.p),
        mt.ELU: lambda layer: nn.ELU(layer.alpha),
    }
    layers = [twins.get(type(layer), lambda layer: getattr(nn, type(layer).__name__)())(layer) for layer in net.layers]
    model = nn.Sequential(*layers).double()
    model.load_state_dict({name: torch.tensor(array) for name, array in net.state_dict().items()})  # strict
    return model


def assert_as_by_torch(net, X, y, loss_of, weight=None, *, of_loss=1e-13, rtol=1e-10, atol=1e-14):
    """Compare loss and gradients with PyTorch's; loss_of(outputs, y) returns one loss per sample, or their mean."""
    model = twin_of(net)
    losses = loss_of(model(torch.tensor(X)), torch.tensor(y))
    if weight is not None:
        losses = (losses * torch.tensor(weight)).sum() / weight.sum()
    losses.mean().backward()
    loss, grads = net.loss_and_grads(X, y, weight)
    assert loss == pytest.approx(losses.mean().item(), rel=of_loss)
    for name, parameter in model.named_parameters():
        np.testing.assert_allclose(grads[name], parameter.grad.numpy(), rtol=rtol, atol=atol, err_msg=name)


# Layers.


@every_tier
def test_gradients_of_dense_layers(tier):
    net = net_of_all_layers(tier)
    assert_as_by_torch(net, *samples(n=9), functional.cross_entropy, of_loss=1e-14, rtol=1e-12, atol=1e-16)
    net.load_state_dict(twin_of(net).state_dict())  # PyTorch's state_dict loads without changes


@pytest.mark.parametrize("layers", [LAYERS, NORMALIZED], ids=["convolution", "normalization"])
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_gradients_of_layers_for_images(layers, smoothing):
    net = mt.Network(
        [layer for layer in layers if not isinstance(layer, mt.Dropout)], seed=4, label_smoothing=smoothing
    )
    loss_of = torch.nn.CrossEntropyLoss(label_smoothing=smoothing)
    assert_as_by_torch(net, IMAGES, CLASSES, loss_of, of_loss=1e-12, atol=1e-13)


def test_batch_normalization_keeps_the_same_statistics_and_predicts_with_them():
    # No ReLU, which leaves features with almost no variance: each step then multiplies both sides' rounding errors by
    # up to 1 / sqrt(epsilon) = 316. Both are then off by 4e-13 after four steps, here by 2e-16 (against longer
    # arithmetic).
    net = mt.Network([mt.Tanh() if layer == mt.ReLU() else layer for layer in NORMALIZED], seed=4)
    model = twin_of(net)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    mt.fit(net, IMAGES, CLASSES, batch_size=5, epochs=2, optimizer=mt.SGD(0.1), shuffle=False)
    for _ in range(2):
        for start in (0, 5):
            optimizer.zero_grad()
            outputs = model(torch.tensor(IMAGES[start : start + 5]))
            functional.cross_entropy(outputs, torch.tensor(CLASSES[start : start + 5])).backward()
            optimizer.step()
    for name, values in model.state_dict().items():
        np.testing.assert_allclose(net.state_dict()[name], values.numpy(), rtol=1e-12, atol=1e-14, err_msg=name)
    model.eval()
    np.testing.assert_allclose(net.forward(IMAGES), model(torch.tensor(IMAGES)).detach().numpy(), rtol=1e-10)


# Losses.

LOSS_OF = {
    "softmax_cross_entropy": lambda z, y: functional.cross_entropy(z, y, reduction="none"),
    "mean_squared_error": lambda z, y: ((z - y) ** 2).mean(1),
    "mean_absolute_error": lambda z, y: (z - y).abs().mean(1),
    "binary_cross_entropy": lambda z, y: functional.binary_cross_entropy_with_logits(z, y, reduction="none").mean(1),
    "hinge": lambda z, y: torch.relu(1 - y * z[:, 0]),
}


@every_tier
@weighted_or_not
@pytest.mark.parametrize("loss", LOSSES)
def test_losses(loss, weight, tier):
    net = net_with(loss, tier, 1 if loss == "hinge" else 3)
    assert_as_by_torch(net, X, TARGETS[loss], LOSS_OF[loss], weight)


@every_tier
@weighted_or_not
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
def test_class_probabilities_as_targets(smoothing, weight, tier):
    loss_of = torch.nn.CrossEntropyLoss(reduction="none", label_smoothing=smoothing)
    assert_as_by_torch(net_with(mt.SoftmaxCrossEntropy(smoothing), tier), X, PROBABILITIES, loss_of, weight)


@every_tier
def test_class_weights(tier):
    weights = (0.5, 2.0, 0.0)
    loss_of = torch.nn.CrossEntropyLoss(torch.tensor(weights, dtype=torch.float64))
    assert_as_by_torch(net_with(mt.SoftmaxCrossEntropy(class_weights=weights), tier), X, LABELS, loss_of)


@every_tier
@pytest.mark.parametrize("smoothing", [0.0, 0.2])
@pytest.mark.parametrize("ignore", [-100, 1, 255])
def test_ignored_labels(ignore, smoothing, tier):
    loss_of = torch.nn.CrossEntropyLoss(ignore_index=ignore, label_smoothing=smoothing)
    y = np.where(np.arange(12) % 3 == 0, ignore, LABELS)
    assert_as_by_torch(net_with(mt.SoftmaxCrossEntropy(smoothing, ignore=ignore), tier), X, y, loss_of)


# Documents.


def _attention(x, heads):
    q, k, v = (part.unflatten(2, (heads, -1)).transpose(1, 2) for part in x.chunk(3, dim=2))
    return functional.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(2)


def _embedding(tokens, weight):
    none = len(weight)  # PyTorch's padding is a row of its own
    rows = torch.cat([weight, torch.zeros_like(weight[:1])])
    return functional.embedding(torch.where(tokens < 0, none, tokens), rows, padding_idx=none)


def _next_token_loss(logits, target):
    def loss(logits, target):
        return functional.cross_entropy(logits, target, ignore_index=-1) if (target >= 0).any() else 0 * logits.sum()

    return sum(map(loss, logits, target))


OP_OF = {
    "squared_relu": lambda x: functional.relu(x) ** 2,
    "embedding": _embedding,
    "add_position": lambda x, weight: x + weight[: x.shape[1]],
    "rms_norm": lambda x, epsilon: functional.rms_norm(x, x.shape[2:], eps=epsilon),
    "layer_norm": lambda x, weight, bias, epsilon: functional.layer_norm(x, x.shape[2:], weight, bias, epsilon),
    "attention": _attention,
    "project": functional.linear,
    "next_token_loss": _next_token_loss,
}


@every_tier
@pytest.mark.parametrize("op", DOCUMENTS)
def test_ops_of_documents(op, tier):
    case = CASE_OF[op]
    # PyTorch's layer_norm leaves an ulp of the mean of equal numbers, times up to 1 / sqrt(epsilon) = 316.
    rounding = 1e-12 if op == "layer_norm" else 1e-13
    for example in (case.examples.plain, *case.examples.ordinary.sweep(27)):
        inputs = [torch.tensor(a) if isinstance(a, np.ndarray) else a for a in example.inputs]
        differentiable = [inputs[k].requires_grad_() for k in case.differentiable]
        y = OP_OF[op](*inputs)
        gradients = torch.autograd.grad(y, differentiable, None if case.is_loss else torch.tensor(example.dy))
        for part, expected in zip(case.parts, (y, *gradients), strict=True):
            scale = example.dy if case.is_loss and part != "value" else 1.0
            expected, ours = scale * expected.detach().numpy(), part_of(case, get_tier(tier), example, part)
            np.testing.assert_allclose(ours, expected, rtol=rounding, atol=rounding * max(1, np.abs(expected).max()))


# Training.


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=str)
def test_optimizer_steps(optimizer):
    X, y = samples(n=23)
    net = mt.two_layer_net(5, 4, 3)
    theirs = twin_of(net)
    settings = {"lr": optimizer.learning_rate, "weight_decay": optimizer.weight_decay}
    if isinstance(optimizer, mt.SGD):
        settings |= {"momentum": optimizer.momentum, "nesterov": optimizer.nesterov}
    elif isinstance(optimizer, mt.RMSprop):
        settings |= {"alpha": optimizer.beta, "eps": optimizer.epsilon}
    else:
        settings |= {"betas": (optimizer.beta1, optimizer.beta2), "eps": optimizer.epsilon}
    their_optimizer = getattr(torch.optim, type(optimizer).__name__)(theirs.parameters(), **settings)
    for _ in range(20):
        their_optimizer.zero_grad()
        functional.cross_entropy(theirs(torch.from_numpy(X)), torch.from_numpy(y)).backward()
        their_optimizer.step()
    mt.fit(net, X, y, optimizer=optimizer, batch_size=len(X), epochs=20)
    for name, parameter in theirs.state_dict().items():
        np.testing.assert_allclose(net.state_dict()[name], parameter.numpy(), rtol=1e-9, atol=1e-11, err_msg=name)


@pytest.mark.parametrize(
    ("schedule", "theirs"),
    [
        (mt.StepDecay(3, 0.5), lambda o: torch.optim.lr_scheduler.StepLR(o, 3, 0.5)),
        (mt.CosineAnnealing(8, 0.1), lambda o: torch.optim.lr_scheduler.CosineAnnealingLR(o, 8, 0.02)),
    ],
    ids=["step", "cosine"],
)
def test_schedules(schedule, theirs):
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=0.2)
    scheduler = theirs(optimizer)
    for epoch in range(8):
        assert 0.2 * schedule.factor(epoch) == pytest.approx(optimizer.param_groups[0]["lr"], rel=1e-12)
        optimizer.step()
        scheduler.step()


# The engine.

KINKED = {
    "relu": (mt.Value.relu, torch.relu),
    "leaky_relu": (lambda v: v.leaky_relu(0.2), lambda t: functional.leaky_relu(t, 0.2)),
    "abs": (abs, torch.abs),
    "maximum": (lambda v: v.maximum(0), lambda t: torch.maximum(t, torch.zeros_like(t))),
    "minimum": (lambda v: v.minimum(0), lambda t: torch.minimum(t, torch.zeros_like(t))),
    "clip below": (lambda v: v.clip(0, 2), lambda t: t.clamp(0, 2)),
    "clip above": (lambda v: v.clip(-2, 0), lambda t: t.clamp(-2, 0)),
    "round": (round, torch.round),
    "softplus": (mt.Value.softplus, functional.softplus),
}


@pytest.mark.parametrize("x", [0.0, -0.0, 0.7, -0.7])
@pytest.mark.parametrize("name", KINKED)
def test_derivatives_of_values_at_kinks_and_beside_them(name, x):
    ours, theirs = KINKED[name]
    v, t = mt.Value(x), torch.tensor(x, dtype=torch.float64, requires_grad=True)
    y, expected = ours(v), theirs(t)
    y.backward()
    expected.backward()
    assert y.data == pytest.approx(expected.item())
    if not (name.startswith("clip") and x == 0):  # at a bound, the derivative of clamp is 1 up to PyTorch 2.13, then 0
        assert v.grad == pytest.approx(t.grad.item())


def test_both_operands_at_a_tie():
    for ours, theirs in ((mt.Value.maximum, torch.maximum), (mt.Value.minimum, torch.minimum)):
        a, b = mt.Value(1.5), mt.Value(1.5)
        ours(a, b).backward()
        s, t = (torch.tensor(1.5, requires_grad=True) for _ in range(2))
        theirs(s, t).backward()
        assert (a.grad, b.grad) == (s.grad.item(), t.grad.item())
