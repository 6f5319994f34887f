"""`engine` and `nn` as replacements for micrograd's: the same graphs, the same bits, the same training run."""

import contextlib
import random

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from profiles import examples

from micrograd_tiers import engine, nn

OURS = (engine, nn)


@pytest.fixture(scope="module")
def theirs():
    """The modules of micrograd; without them, only the known answers below are checked."""
    return pytest.importorskip("micrograd.engine"), pytest.importorskip("micrograd.nn")


def bits(number):
    """Return the bits of a number without the sign of a zero: micrograd's relu returns the integer 0, without sign."""
    return (float(number) + 0.0).hex()


# Random expressions. A program is a list of (operation, i, j, constant). Each line appends one Value.


def in_place(a, b, c):
    total = a
    total += b
    total *= c
    total -= a
    total /= 3
    return total


LINES = {
    "a + b": lambda a, b, c: a + b,
    "a - b": lambda a, b, c: a - b,
    "a * b": lambda a, b, c: a * b,
    "a / b": lambda a, b, c: a / b,
    "a + c": lambda a, b, c: a + c,
    "a - c": lambda a, b, c: a - c,
    "a * c": lambda a, b, c: a * c,
    "a / c": lambda a, b, c: a / c,
    "c + a": lambda a, b, c: c + a,
    "c - a": lambda a, b, c: c - a,
    "c * a": lambda a, b, c: c * a,
    "c / a": lambda a, b, c: c / a,
    "a ** 2": lambda a, b, c: a**2,
    "a ** 3": lambda a, b, c: a**3,
    "a ** -2": lambda a, b, c: a**-2,
    "a ** 0": lambda a, b, c: a**0,
    "square root": lambda a, b, c: (a * a + 1) ** 0.5,
    "-a": lambda a, b, c: -a,
    "relu": lambda a, b, c: a.relu(),
    "in place": in_place,
    "sum": lambda a, b, c: sum([a, b, a, c]),
}

numbers = st.one_of(
    st.floats(-4, 4).filter(lambda x: abs(x) > 1e-3),
    st.integers(-4, 4).filter(bool),
    st.floats(0.5, 4).map(np.float64),
)
lines = st.tuples(st.sampled_from(sorted(LINES)), st.integers(0, 99), st.integers(0, 99), numbers)
programs = st.lists(lines, min_size=1, max_size=12)
inputs = st.lists(numbers, min_size=1, max_size=3)


def trace(module, program, xs):
    """Return every Value that the program makes; lines that divide by 0 or overflow make none."""
    values = [module.Value(x) for x in xs]
    for name, i, j, c in program:
        with contextlib.suppress(ZeroDivisionError, OverflowError), np.errstate(all="ignore"):
            y = LINES[name](values[i % len(values)], values[j % len(values)], c)
            if 1e-6 < abs(y.data) < 1e6 or y.data == 0:
                values.append(y)
    return values


def shape(v, depth=4):
    """Return the graph below v as text: labels and operands, sorted because micrograd keeps operands in sets."""
    below = sorted({shape(child, depth - 1) for child in v._prev}) if depth else []
    return f"{v._op}({bits(v.data)}; {', '.join(below)})"


OTHER_GRAPHS = {name for name in LINES if "-" in name.replace("** -", "")} | {
    "in place"
}  # one node; micrograd has + and * -1


@given(program=programs, xs=inputs)
@examples(300)
@example(program=[("relu", 0, 0, 1), ("c - a", 1, 0, 2), ("a / b", 0, 2, 1)], xs=[-3.5])
def test_random_expressions_have_micrograds_bits_names_and_graphs(theirs, program, xs):
    ours, expected = trace(engine, program, xs), trace(theirs[0], program, xs)
    assert [bits(v.data) for v in ours] == [bits(v.data) for v in expected]
    if not any(name in OTHER_GRAPHS for name, *_ in program):
        assert [shape(v) for v in ours] == [shape(v) for v in expected]


@given(name=st.sampled_from(sorted(LINES)), a=numbers, b=numbers, c=numbers)
@examples(200)
def test_the_gradients_of_a_single_operation_are_micrograds_to_the_last_bit(theirs, name, a, b, c):
    grads = []
    for module in (engine, theirs[0]):
        leaves = [module.Value(a), module.Value(b)]
        with np.errstate(all="ignore"):
            (LINES[name](*leaves, c) * 0.3).backward()
        grads.append([bits(leaf.grad) for leaf in leaves])
    assert grads[0] == grads[1]


@given(program=programs, xs=inputs)
@examples(300)
def test_random_expressions_have_micrograds_gradients(theirs, program, xs):
    ours, expected = trace(engine, program, xs), trace(theirs[0], program, xs)
    sum(ours).backward()
    try:
        with np.errstate(all="ignore"):
            sum(expected).backward()
    except ZeroDivisionError:  # micrograd cannot differentiate 0 ** 0
        return
    grads = [float(v.grad) for v in expected]
    if not np.isfinite(grads).all():  # with NumPy's scalars it returns NaN instead
        return
    scale = max(map(abs, grads))
    assert [float(v.grad) for v in ours] == pytest.approx(grads, rel=1e-9, abs=1e-12 * scale)


@pytest.mark.parametrize("xs", [(3, -2), (1.5, -0.25), (np.float64(0.7), 2)])
def test_a_tree_has_micrograds_gradients_to_the_last_bit_and_its_reprs(theirs, xs):
    shown = []
    for module in (engine, theirs[0]):
        a, b = (module.Value(x) for x in xs)
        c = ((a * 2 + 1) * (3 - b) / 4).relu() ** 2
        d = (5 - a * b) ** 3
        for out in (c, d):
            out.backward()
            shown.append(repr((a, b, out)))
            a.grad = b.grad = 0
    assert shown[:2] == shown[2:]


def test_an_expression_with_everything_in_it_has_its_known_value_and_gradient():
    x, y = engine.Value(3.0), engine.Value(-2.0)
    p = x * y + y**3  # -14
    q = (x - p).relu() + (p + x).relu()  # 17 + 0
    p += 1 + q / 2  # -4.5
    r = 10.0 / p + q**2  # 286.7777...
    r.backward()
    assert r.data == pytest.approx(289 - 20 / 9, rel=1e-15)
    # By hand: dp/d(x, y) = (-2, 15), dq = (1 + 2, -15), d(p + 1 + q/2) = (-1/2, 7.5), r' = -10/p**2 and 2 q.
    assert x.grad == pytest.approx(-10 / 4.5**2 * -0.5 + 34 * 3, rel=1e-15)
    assert y.grad == pytest.approx(-10 / 4.5**2 * 7.5 + 34 * -15, rel=1e-15)


def test_the_second_backward_is_right_here_and_wrong_in_micrograd(theirs):
    for module, expected in ((engine, 20.0), (theirs[0], 30.0)):
        a = module.Value(3.0)
        out = (a * 2) * 5
        out.backward()
        out.backward()
        assert a.grad == expected


# What people do with a Value while they learn: name nodes, draw the graph, backpropagate by hand, nudge the data.


def neuron():
    """Return the named nodes of tanh(u p + v q + s), in the order in which they are computed."""
    u, v, s = (engine.Value(data, label=label) for data, label in ((0.5, "u"), (-1.5, "v"), (0.25, "s")))
    p, q = engine.Value(-2.0, label="p"), engine.Value(0.75, label="q")
    up, vq = u * p, v * q
    up.label, vq.label = "u p", "v q"
    both = up + vq
    both.label = "u p + v q"
    z = both + s
    z.label = "z"
    y = z.tanh()
    y.label = "y"
    return u, v, s, p, q, up, vq, both, z, y


def sorted_by_hand(root):
    """Return the nodes below root in topological order, found as every textbook does."""
    order, visited = [], set()

    def visit(node):
        if node not in visited:
            visited.add(node)
            for operand in node._prev:
                visit(operand)
            order.append(node)

    visit(root)
    return order


def test_single_steps_by_hand_give_the_gradients_of_backward():
    *_, y = neuron()
    y.backward()
    expected = {node.label: node.grad for node in sorted_by_hand(y)}
    assert len(expected) == 10
    u, v, s, p, q, up, vq, both, z, y = neuron()
    y.grad = 1.0
    for node in (y, z, s, both, vq, up, u, v, p, q):  # leaves pass nothing on
        node._backward()
    assert {node.label: node.grad for node in sorted_by_hand(y)} == expected
    assert z.grad == pytest.approx(1 - y.data**2)


def test_a_loop_over_the_readers_own_topological_order_gives_the_gradients_of_backward():
    *_, y = neuron()
    order = sorted_by_hand(y)
    y.grad = 1.0
    for node in reversed(order):
        node._backward()
    by_hand = [node.grad for node in order]
    y.backward()
    assert [node.grad for node in order if node._op] == [
        grad for node, grad in zip(order, by_hand, strict=True) if node._op
    ]
    assert [node.grad for node in order if not node._op] == [
        2 * grad for node, grad in zip(order, by_hand, strict=True) if not node._op
    ]


def test_gradients_and_data_can_be_set_and_changed_by_hand():
    u, v, s, p, q, up, vq, both, z, y = neuron()
    z.grad = 0.5
    both.grad = s.grad = z.grad
    up.grad = vq.grad = both.grad
    u.grad = p.data * up.grad
    v.grad = q.data * vq.grad
    before = y.data
    for leaf in (u, v, s):
        leaf.data += 0.01 * leaf.grad
    assert (u * p + v * q + s).tanh().data > before
    assert (y.data, u.data) == (before, 0.5 + 0.01 * (-2.0 * 0.5))


def test_a_graph_can_be_written_down_with_its_labels():
    *_, y = neuron()
    y.backward()
    lines = [
        f"{n.label}|{n.data:.4f}|{n.grad:.4f}|{n._op}|{','.join(child.label for child in n._prev)}"
        for n in sorted_by_hand(y)
    ]
    assert len({id(n) for n in sorted_by_hand(y)}) == len(lines) == 10
    assert lines[0] == f"u|0.5000|{-2 * (1 - y.data**2):.4f}||"
    assert lines[-1] == f"y|{y.data:.4f}|1.0000|tanh|z"
    assert [line.split("|")[-1] for line in lines if "|*|" in line] == ["u,p", "v,q"]


def test_operations_can_be_added_to_a_subclass():
    class Mine(engine.Value):
        def cube(self):
            out = Mine(self.data**3, (self,), "cube", label="cubed")

            def push():
                self.grad += 3 * self.data**2 * out.grad

            out._backward = push
            return out

    x = Mine(2.0, label="x")
    y = x.cube().cube() * 0.5 + x
    y.backward()
    assert (y.data, x.grad) == (0.5 * 2.0**9 + 2, 0.5 * 9 * 2.0**8 + 1)
    assert y._prev[0]._prev[0].label == "cubed"


def test_a_function_may_be_taken_apart_into_simpler_operations():
    grads = []
    for tanh in (engine.Value.tanh, lambda z: ((2 * z).exp() - 1) / ((2 * z).exp() + 1)):
        a, b = engine.Value(0.3), engine.Value(-1.1)
        tanh(a * b + a).backward()
        grads.append([a.grad, b.grad])
    assert grads[0] == pytest.approx(grads[1], rel=1e-14)


# nn


@pytest.mark.parametrize(("nin", "nouts"), [(2, [16, 16, 1]), (3, [4]), (1, [1]), (5, [2, 3])])
def test_networks_have_micrograds_weights_repr_and_outputs_to_the_last_bit(theirs, nin, nouts):
    made = []
    for _, module in (OURS, theirs):
        random.seed(42)
        model = module.MLP(nin, nouts)
        for layer in model.layers:
            for neuron in layer.neurons:
                neuron.b.data = random.uniform(-1, 1)  # not 0, so that the order of the sums matters
        out = model([0.1 * i - 0.2 for i in range(nin)])
        outs = out if isinstance(out, list) else [out]
        state = random.getstate()
        made.append((repr(model), [bits(p.data) for p in model.parameters()], [bits(v.data) for v in outs], state))
    assert made[0] == made[1]


def test_the_parts_of_a_network_have_micrograds_names(theirs):
    for part in ("Neuron", "Layer"):
        made = []
        for _, module in (OURS, theirs):
            random.seed(7)
            layer = getattr(module, part)(2, *([3] if part == "Layer" else []), nonlin=False)
            neurons = layer.neurons if part == "Layer" else [layer]
            made.append([([w.data for w in n.w], repr(n.b), n.nonlin, repr(n), repr(layer)) for n in neurons])
        assert made[0] == made[1]
    assert [len(layer.neurons) for layer in nn.MLP(2, [3, 2]).layers] == [3, 2]


# The moons demo, in miniature: 100 points, 337 parameters, max-margin loss, weight decay, 100 steps.

# Loss and accuracy of micrograd 0.1.0 in the first steps.
FIRST_STEPS = [
    (0.8958441028683222, 0.50),
    (1.7235905336972022, 0.81),
    (0.7429006313851131, 0.77),
    (0.7705641260584202, 0.82),
]


def moons(rng):
    """Return the points of sklearn.datasets.make_moons(n_samples=100, noise=0.1), from the same random numbers."""
    t = np.linspace(0, np.pi, 50)
    upper, lower = (np.cos(t), np.sin(t)), (1 - np.cos(t), 1 - np.sin(t) - 0.5)
    points = np.concatenate([upper, lower], axis=1).T
    labels = np.repeat([0, 1], 50)
    order = np.arange(100)
    rng.shuffle(order)
    return points[order] + rng.normal(scale=0.1, size=(100, 2)), labels[order]


def train_on_moons(modules, steps, rng=None):
    """Return loss and accuracy of each step; the weights come from `rng`, by default from Python's global generator."""
    module, networks = modules
    X, y = moons(np.random.RandomState(1337))
    y = y * 2 - 1
    random.seed(1337)
    model = networks.MLP(2, [16, 16, 1], **({"rng": rng} if rng else {}))
    history = []
    for k in range(steps):
        scores = [model([module.Value(x) for x in row]) for row in X]
        losses = [(1 + -yi * score).relu() for yi, score in zip(y, scores, strict=True)]
        loss = sum(losses) * (1.0 / len(losses)) + 1e-4 * sum(p * p for p in model.parameters())
        accuracy = np.mean([(yi > 0) == (score.data > 0) for yi, score in zip(y, scores, strict=True)])
        history.append((float(loss.data), float(accuracy)))
        model.zero_grad()
        loss.backward()
        for p in model.parameters():
            p.data -= (1.0 - 0.9 * k / 100) * p.grad
    return history


def test_the_moons_are_those_of_scikit_learn():
    datasets = pytest.importorskip("sklearn.datasets")
    X, y = datasets.make_moons(n_samples=100, noise=0.1, random_state=1337)
    ours_X, ours_y = moons(np.random.RandomState(1337))
    np.testing.assert_array_equal(ours_X, X)
    np.testing.assert_array_equal(ours_y, y)


def test_the_demo_starts_at_micrograds_loss_and_follows_its_first_steps():
    history = train_on_moons(OURS, len(FIRST_STEPS))
    assert history[0] == FIRST_STEPS[0]
    for (loss, accuracy), (expected_loss, expected_accuracy) in zip(history, FIRST_STEPS, strict=True):
        assert loss == pytest.approx(expected_loss, rel=1e-12)
        assert accuracy == expected_accuracy


def test_a_given_generator_starts_like_the_global_one():
    assert train_on_moons(OURS, 1, rng=random.Random(1337)) == FIRST_STEPS[:1]


@pytest.mark.slow
def test_the_demo_follows_micrograd_to_the_end_and_ends_at_full_accuracy(theirs):
    ours, expected = train_on_moons(OURS, 100), train_on_moons(theirs, 100)
    assert expected[: len(FIRST_STEPS)] == [
        (pytest.approx(loss, rel=1e-12), accuracy) for loss, accuracy in FIRST_STEPS
    ]
    for (loss, accuracy), (expected_loss, expected_accuracy) in zip(ours, expected, strict=True):
        assert loss == pytest.approx(expected_loss, rel=1e-6)
        assert accuracy == expected_accuracy
    assert ours[-1][1] == 1.0
