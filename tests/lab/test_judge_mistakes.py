"""The judge on ops that students hand in: each mistake is found and named, right forms pass, and reports are short."""

import itertools
import math
import signal
import textwrap
import time
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import micrograd_tiers
from micrograd_tiers.lab.judge import Search, judge_op
from micrograd_tiers.lab.judge.calls import case_at
from micrograd_tiers.lab.judge.cases import CASE_OF
from micrograd_tiers.lab.judge.clock import CLOCK, OutOfTime
from micrograd_tiers.lab.judge.diagnosis import diagnose
from micrograd_tiers.lab.judge.pasting import calls_of
from micrograd_tiers.lab.judge.provenance import taken_op, taken_support
from micrograd_tiers.lab.judge.report import paragraph, text
from micrograd_tiers.lab.judge.support import completed, judge_support
from micrograd_tiers.lab.judge.verdict import PASS, Verdict, _item
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum.tiers import TIER_BUGS
from micrograd_tiers.tiers import CORE, SUPPORT, get_tier

SOURCES = Path(micrograd_tiers.__file__).parent / "tiers"


def tier_of(like, source):
    """Return a complete tier with the functions in a source text."""
    names = {"np": np, "math": math, "time": time, "__name__": "mine"}
    exec(textwrap.dedent(source), names)
    own = {name: f for name, f in names.items() if callable(f) and name[0] != "_"}
    return completed(SimpleNamespace(**own), like)


def findings_on(like, op, source):
    with np.errstate(divide="warn", over="warn", invalid="warn"):
        return judge_op(CASE_OF[op], tier_of(like, source), Search(n_examples=16, shrink=False))


LINEAR = """
def linear(x, w, b):
    kept = {}
    def dx(dy):
        return w.T @ dy
    def dweight(dy):
        return np.outer(dy, x)
    return w @ x + b, (dx, dweight, lambda dy: dy.copy())
"""
MATRICES = """
def linear(x, w, b):
    y = x @ w.T + b
    return y, (lambda dy: dy @ w, lambda dy: dy.T @ x, lambda dy: dy.sum(axis=0))
"""
LISTS = """
def linear(x, w, b):
    y = [sum(a * c for a, c in zip(row, x)) + bias for row, bias in zip(w, b)]
    def dx(dy):
        return [sum(row[i] * d for row, d in zip(w, dy)) for i in range(len(x))]
    return y, (dx, lambda dy: [[d * xi for xi in x] for d in dy], lambda dy: list(dy))
"""
RELU = """
def relu(x):
    def dx(dy):
        return dy * (x > 0)
    return np.maximum(x, 0), (dx,)
"""
CROSS_ENTROPY = """
def softmax_cross_entropy(z, t):
    n = np.arange(len(z))
    e = np.exp(z - z.max(axis=1, keepdims=True))
    p = e / e.sum(axis=1, keepdims=True)
    loss = np.log(e.sum(axis=1)) + z.max(axis=1) - z[n, t]
    def dlogits(dloss):
        g = p.copy()
        g[n, t] -= 1
        return g * dloss
    return loss.sum(), (dlogits,)
"""
SQUARES = """
def mean_squared_error(y, t):
    d = y - t
    return (d * d).mean(axis=1).sum(), (lambda dloss: 2 * d / y.shape[1] * dloss,)
"""
DROPOUT = "def dropout(x, mask): return x * mask, (lambda dy: dy * mask,)"
BATCH_NORM = """
def moments(x):
    axes = (0, *range(2, x.ndim))
    return x.mean(axes), x.var(axes)

def batch_norm(x, weight, bias, epsilon=1e-5, mean=None, variance=None, constant=False):
    if mean is None:
        mean, variance = moments(x)
    n, axes, shape = x.size // len(weight), (0, *range(2, x.ndim)), (-1, *[1] * (x.ndim - 2))
    slope, c = weight / np.sqrt(variance + epsilon), x - mean.reshape(shape)
    def dx(dy):
        if constant:
            return dy * slope.reshape(shape)
        of_mean = (dy.sum(axes) / n).reshape(shape)
        of_variance = ((dy * c).sum(axes) / n / (variance + epsilon)).reshape(shape)
        return slope.reshape(shape) * (dy - of_mean - c * of_variance)
    def dweight(dy):
        return (dy * c).sum(axes) / np.sqrt(variance + epsilon)
    return slope.reshape(shape) * c + bias.reshape(shape), (dx, dweight, lambda dy: dy.sum(axes))
"""


@pytest.mark.parametrize(
    ("like", "op", "source"),
    [
        ("vector", "linear", LINEAR),
        ("tensor", "linear", MATRICES),
        ("scalar", "linear", LISTS),
        ("tensor", "relu", RELU),
        ("tensor", "softmax_cross_entropy", CROSS_ENTROPY),
        ("tensor", "mean_squared_error", SQUARES),
        ("tensor", "batch_norm", BATCH_NORM),
    ],
)
def test_the_right_forms_behind_the_mistakes_pass(like, op, source):
    assert findings_on(like, op, source) == []


MISTAKES = [
    # An op that is right for the sizes of a quick test only.
    ("tensor", "linear", MATRICES, "y = x @ w.T + b", "y = x @ w.T + b; y[200:] = 0", "value", "large_only"),
    (
        "tensor",
        "relu",
        RELU,
        "return dy * (x > 0)",
        "g = dy * (x > 0); g.flat[2**15:] = 0; return g",
        "dx",
        "large_only",
    ),
    ("scalar", "linear", LISTS, "for i in range(len(x))", "for i in range(min(len(x), 99))", "dx", "wrong_shape"),
    # A vjp that keeps something of an earlier call.
    (
        "vector",
        "linear",
        LINEAR,
        "return w.T @ dy",
        "return kept.setdefault(0, w.T @ dy).copy()",
        "dx",
        "keeps_first_result",
    ),
    (
        *("vector", "linear", LINEAR, "return w.T @ dy", "kept['dy'] = dy.copy(); return w.T @ dy"),
        *("dweight", "keeps_first_result", ("np.outer(dy, x)", "np.outer(kept.get('dy', dy), x)")),
    ),
    ("tensor", "softmax_cross_entropy", CROSS_ENTROPY, "g = p.copy()", "g = p", "dlogits", "changes_what_it_keeps"),
    ("tensor", "relu", RELU, "return dy * (x > 0)", "dy[x <= 0] = 0; return dy", "dx", "writes_into_argument"),
    ("tensor", "relu", RELU, "return np.maximum(x, 0)", "x[x < 0] = 0; return x.copy()", "value", "relu_overwrites_x"),
    (
        "vector",
        "linear",
        LINEAR,
        "return w.T @ dy",
        "kept.setdefault(0, 0 * x)[:] = w.T @ dy; return kept[0]",
        "dx",
        "shares_storage",
    ),
    (
        "tensor",
        "relu",
        RELU,
        "def dx(dy):",
        "global X; X = x\n    def dx(dy):",
        "dx",
        "forgets_its_own_call",
        ("(x > 0)", "(X > 0)"),
    ),
    # Modes of batch normalization.
    ("tensor", "batch_norm", BATCH_NORM, "if mean is None:", "if True:", "value", "no_constants"),
    ("tensor", "batch_norm", BATCH_NORM, "if constant:", "if False:", "dx", "no_constants"),
    ("tensor", "batch_norm", BATCH_NORM, "if mean is None:", "if not constant:", None, None),
    ("tensor", "batch_norm", BATCH_NORM, "- c * of_variance", "+ c * of_variance", "dx", "constants_only"),
    ("tensor", "batch_norm", BATCH_NORM, " + bias.reshape(shape)", "", "value", "left_out"),
    (
        "tensor",
        "batch_norm",
        BATCH_NORM,
        "lambda dy: dy.sum(axes)",
        "lambda dy: dy.mean(axes)",
        "dbias",
        "factor_of_size",
    ),
    ("tensor", "batch_norm", BATCH_NORM, " / np.sqrt(variance + epsilon)\n    return", "\n    return", "dweight", None),
    (
        "tensor",
        "batch_norm",
        BATCH_NORM,
        "(dx, dweight, lambda dy: dy.sum(axes))",
        "(dx, lambda dy: dy.sum(axes), dweight)",
        "dweight",
        "vjps_in_wrong_order",
    ),
    (
        "tensor",
        "batch_norm",
        BATCH_NORM,
        "x.var(axes)",
        "(x * x).mean(axes) - x.mean(axes) ** 2",
        "value",
        "loses_digits",
    ),
    # A wrong axis, argument or factor.
    (
        "tensor",
        "softmax_cross_entropy",
        CROSS_ENTROPY,
        "p = e / e.sum(axis=1, keepdims=True)",
        "e = np.exp(z - z.max(axis=0)); p = e / e.sum(axis=0)",
        "value",
        "wrong_axis",
        ("np.log(e.sum(axis=1)) + z.max(axis=1) - z[n, t]", "-np.log(p[n, t])"),
    ),
    (
        "tensor",
        "softmax_cross_entropy",
        CROSS_ENTROPY,
        "g = p.copy()",
        "g = np.exp(z - z.max(axis=0)); g /= g.sum(axis=0)",
        "dlogits",
        "wrong_axis",
    ),
    (
        "scalar",
        "linear",
        LISTS,
        "sum(row[i] * d for row, d in zip(w, dy)) for i in range(len(x))",
        "sum(a * d for a, d in zip(w[i % len(w)], dy)) for i in range(len(x))",
        "dx",
        "rows_for_columns",
    ),
    ("scalar", "linear", LISTS, "row[i] * d", "d", "dx", "linear_dx_is_dy_summed"),
    ("tensor", "linear", MATRICES, "lambda dy: dy @ w", "lambda dy: dy.copy()", "dx", "left_out"),
    ("tensor", "linear", MATRICES, "dy.T @ x", "dy.T @ y", "dweight", "confused"),
    ("vector", "linear", LINEAR, "np.outer(dy, x)", "np.outer(dy, w @ x + b)", "dweight", "confused"),
    ("tensor", "mean_squared_error", SQUARES, "2 * d / y.shape[1] * dloss", "d * dloss", "dy", "factor_of_size"),
    (
        "tensor",
        "mean_squared_error",
        SQUARES,
        "(d * d).mean(axis=1).sum()",
        "(d * d).sum() / 2",
        "value",
        "factor_of_size",
    ),
    ("tensor", "mean_squared_error", SQUARES, "(d * d)", "(y * y - 2 * y * t + t * t)", "value", "loses_digits"),
    ("tensor", "dropout", DROPOUT, "dy * mask", "dy * mask * mask", "dx", "squared"),
    # Right in float64, wrong in float32.
    (
        "tensor",
        "relu",
        RELU,
        "return dy * (x > 0)",
        "return dy * (x > 0) + (1e-3 if x.dtype == np.float32 else 0)",
        "dx",
        "float32_only",
    ),
]


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda m: f"{m[1]}-{m[0]}: {m[4][:40]}")
def test_a_mistake_is_found_in_its_part_and_named(mistake):
    like, op, source, right, wrong, part, name, *more = mistake
    for old, new in [(right, wrong), *more]:
        assert source.count(old) >= 1
        source = source.replace(old, new)
    findings = findings_on(like, op, source)
    if part is None:  # a form that is right as well
        assert findings == []
        return
    assert findings[0].part == part
    diagnosis = diagnose(CASE_OF[op], tier_of(like, source), findings[0], like)
    assert (diagnosis and diagnosis.name) == name


@pytest.mark.parametrize(
    ("like", "op", "source"),
    [
        ("tensor", "tanh", "def tanh(x):\n s = lambda x: 1 / (1 + np.exp(-x))\n y = 2 * s(2 * x) - 1\n"),
        ("tensor", "tanh", "def tanh(x):\n y = (np.exp(x) - np.exp(-x)) / (np.exp(x) + np.exp(-x))\n"),
        ("vector", "sigmoid", "def sigmoid(x):\n y = (1 + np.tanh(x / 2)) / 2\n"),
        ("vector", "elu", "def elu(x, alpha=1.0):\n y = np.where(x > 0, x, alpha * (np.exp(np.minimum(x, 0)) - 1))\n"),
    ],
)
def test_an_inaccurate_form_of_a_right_value_is_right_at_the_level_of_formulas_only(like, op, source):
    right = getattr(get_tier(like), op)
    slope = {
        "tanh": "1 - y * y",
        "sigmoid": "y * (1 - y)",
        "elu": "np.where(x > 0, 1, alpha * np.exp(np.minimum(x, 0)))",
    }
    source += f" return y, (lambda dy: dy * ({slope[op]}),)\n"
    (finding, *_) = findings_on(like, op, source)
    assert (finding.part, finding.level) == ("value", "stable")
    assert right is not None
    item = _item(op, judged_source(like, op, source), {op: 1.0}, "formulas")
    assert (item.status, item.points) == (PASS, 1)


def judged_source(like, op, source):
    with np.errstate(divide="warn", over="warn", invalid="warn"):
        return judged(op, tier_of(like, source), like)


# Properties of a grade.


def calls_of_relu(seconds):
    """Return the number of calls of an op that takes so many seconds, and its findings."""
    n = 0

    def relu(x):
        nonlocal n
        n += 1
        time.sleep(seconds)
        return [0.0 if z <= 0 else z for z in x], (lambda dy: [d * (z > 0) for d, z in zip(dy, x, strict=True)],)

    findings = judge_op(CASE_OF["relu"], completed(SimpleNamespace(relu=relu), "scalar"))
    return n, findings


def test_the_number_of_examples_does_not_depend_on_the_time_of_a_call(monkeypatch):
    now = time.monotonic()
    monkeypatch.setattr(time, "monotonic", lambda: now)
    quick = calls_of_relu(0)
    jumps = itertools.count(0, 100)
    monkeypatch.setattr(time, "monotonic", lambda: now + next(jumps))
    assert calls_of_relu(0.001) == quick
    assert quick[1] == []
    assert quick[0] < 150


def test_time_is_that_of_a_single_call(monkeypatch):
    times = []
    monkeypatch.setattr(signal, "setitimer", lambda timer, seconds: times.append(seconds))
    n, findings = calls_of_relu(0)
    each = [CLOCK.limit, 3 * CLOCK.limit, 0, 0]  # processor time and the clock are started, and then stopped
    calls = len(times) // len(each)
    assert times == calls * each
    assert calls > n > 10  # of the op, and of its vjp
    assert findings == []
    monkeypatch.undo()
    monkeypatch.setattr(CLOCK, "limit", 0.05)
    _, (finding,) = calls_of_relu(60)
    assert (finding.property, finding.part) == ("time", "value")


def test_two_limits_that_are_reached_at_once_end_a_call_once():
    both = signal.SIGPROF, signal.SIGALRM

    def op():
        signal.pthread_sigmask(signal.SIG_BLOCK, both)
        for number in both:
            signal.raise_signal(number)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, both)

    with pytest.raises(OutOfTime, match="takes more than 10 seconds"):
        CLOCK.timed(op)()


def test_the_example_of_an_endless_loop_is_small(monkeypatch):
    monkeypatch.setattr(CLOCK, "limit", 0.1)
    source = RELU.replace("return np", "\n    while x.size > 2: pass\n    return np")
    (finding,) = findings_on("tensor", "relu", source)
    assert finding.example.inputs[0].size == 3
    item = _item("relu", judged_source("tensor", "relu", source), {"relu": 1.0}, "all")
    report = text(Verdict("mine", "tensor", (item,)))
    assert "ran out of time: relu: value not judged" not in report
    assert "ran out of time: relu: value ran out of time, dx not judged" in report
    assert "WRONG" not in report
    assert "FAIL" not in report


def test_a_forgotten_print_costs_no_points():
    source = RELU.replace("return np", "print('x is', x)\n    return np")
    item = _item("relu", judged_source("tensor", "relu", source), {"relu": 1.0}, "all")
    assert (item.status, item.points) == (PASS, 1)
    assert [(finding["property"], finding["level"]) for finding in item.findings] == [("prints", "")]
    assert "pass: relu (prints)" in text(Verdict("mine", "tensor", (item,)))


LEVELS = {
    "sigmoid": ("def sigmoid(x):\n y = [1 / (1 + math.exp(-z)) for z in x]\n", "y * (1 - y)", "stable"),
    "relu": ("def relu(x):\n y = [z if z > 0 else 0.0 for z in x]\n", "(y > 0)", "all"),
    "tanh": ("def tanh(x):\n y = [math.tanh(z) for z in x]\n", "(1 - y * y)", None),
    "softmax": (
        "def softmax(z):\n e = [math.exp(a) for a in z]\n y = [a / sum(e) for a in e]\n"
        " def dz(dp):\n  mean = sum(d * p for d, p in zip(dp, y))\n  return [p * (d - mean) for p, d in zip(y, dp)]\n"
        " return y, (dz,)\n",
        "",
        "stable",
    ),
}


@pytest.mark.parametrize("op", LEVELS)
def test_a_textbook_formula_is_right_up_to_a_level(op):
    source, slope, fails_at = LEVELS[op]
    if slope:
        source += f" return y, (lambda dy: [d * {slope} for d, y in zip(dy, y)],)\n"
    answer = judged_source("scalar", op, source)
    levels = ("formulas", "stable", "all")
    for level in levels:
        item = _item(op, answer, {op: {"formulas": 3.0, "stable": 2.0, "value": 1.0}}, level)
        fails = fails_at is not None and levels.index(level) >= levels.index(fails_at)
        assert (item.status == PASS) is not fails
        assert item.points == 3 + 2 * (fails_at != "stable") + (not fails)
        report = text(Verdict("mine", "scalar", (item,), level=level))
        assert "WRONG" not in report
        assert ("right, but" in report) is fails


def test_an_op_that_warns_and_is_wrong_on_later_examples_is_wrong():
    def relu(x):
        np.log(np.float64(-1.0))  # warns
        y = np.maximum(x, 0)
        y[1:] *= 2  # right for a single sample, the first example
        return y, (lambda dy: dy * (x > 0),)

    (finding,) = judged("relu", completed(SimpleNamespace(relu=relu), "tensor"), "tensor")["findings"][:1]
    assert (finding["part"], finding["property"], finding["level"]) == ("value", "value", "formulas")


def test_a_call_in_a_finding_can_be_pasted_at_every_tier():
    for like, shown in (
        ("scalar", "relu([-1.0])"),
        ("vector", "relu(np.array([-1.0]))"),
        ("tensor", "relu(np.array([[-1.0]]))"),
    ):
        right = get_tier(like).relu
        tier = completed(SimpleNamespace(relu=lambda x, right=right: (right(x)[0], (lambda dy: dy,))), like)
        (finding,) = judged("relu", tier, like)["findings"]
        first, second = finding["calls"]
        assert first == f"y, (dx,) = {shown}"
        names = {"np": np, "math": math, "relu": tier.relu}
        exec(first, names)
        assert tier.tolist(eval(second, names)) == finding["got"] != finding["expected"]
        assert f"    {first}\n    {second}\n  expected {finding['expected']}, got {finding['got']}\n" in paragraph(
            "relu", finding
        )


@pytest.mark.parametrize("like", ["scalar", "vector", "tensor"])
def test_every_call_of_every_op_can_be_pasted(like):
    tier = get_tier(like)
    for op in CASE_OF.values():
        if hasattr(tier, op.name):
            case = case_at(op, tier)
            for example in (case.examples.plain, *case.examples.special, *islice(case.examples.ordinary.large(), 1, 4)):
                for part in case.parts[1:]:
                    names = {"np": np, "math": math, op.name: getattr(tier, op.name)}
                    for line in calls_of(case, tier, example, part, "other dy"):
                        assert len(line) < 4000
                        exec(line, names)


# Ops that are taken from this package.

OURS = """
import functools, inspect, types
import micrograd_tiers as mt
from micrograd_tiers.tiers import tensor, get_tier
"""
OWN = "y = np.tanh(x)\n return y, (lambda dy: dy * (1 - y * y),)"


@pytest.mark.parametrize(
    "source",
    [
        "from micrograd_tiers.tiers.tensor import *",
        "from micrograd_tiers.tiers.tensor import tanh as t\ntanh = t",
        "def tanh(x): return tensor.tanh(x)",
        "def tanh(x):\n y, (d,) = tensor.tanh(x)\n return y * 1, (lambda dy: d(dy),)",
        "def tanh(x): return np.tanh(x), (lambda dy: tensor.tanh(x)[1][0](dy),)",
        "tanh = functools.partial(getattr(get_tier('tensor'), 'ta' + 'nh'))",
        "f = tensor.essence['tanh']\ntanh = types.FunctionType(f.__code__, dict(f.__globals__, __name__='mine'))",
        "mine = dict(tensor.essence, __name__='mine')\nexec(inspect.getsource(tensor.tanh), mine)\ntanh = mine['tanh']",
        "class T:\n def __call__(self, x): return tensor.functions.tanh(x)\ntanh = T()",
        "from micrograd_tiers.lab.judge.formulas import FORMULAS\n"
        "def tanh(x): return np.tanh(x), (lambda dy: FORMULAS['tanh'].gradients[0](x, dy),)",
        "def tanh(x):\n def dx(dy):\n  x_ = np.vectorize(mt.Value)(x)\n"
        "  sum((v.tanh() * d for v, d in zip(x_.ravel(), dy.ravel())), mt.Value(0.0)).backward()\n"
        "  return np.vectorize(lambda v: v.grad)(x_)\n return np.tanh(x), (dx,)",
    ],
)
def test_an_op_in_which_our_code_runs_is_taken_from_the_package(source, tmp_path):
    tier = tier_of("tensor", OURS + source)
    assert taken_op(CASE_OF["tanh"], tier, str(tmp_path / "mine.py"))


@pytest.mark.parametrize(
    "source",
    [
        f"def tanh(x):\n print('x')\n {OWN}",
        "from micrograd_tiers.tiers.arrays import tanh_of, exp\n"
        "def tanh(x):\n y = tanh_of(x)\n return y, (lambda dy: dy * (1 - y * y),)",
        f"def tanh(x):\n import micrograd_tiers as mt\n mt.Value\n {OWN}",
        f"def relu(x): return tensor.relu(x)\ndef tanh(x):\n {OWN}",
    ],
)
def test_an_op_of_ones_own_is_not_taken_whatever_else_it_uses(source, tmp_path):
    tier = tier_of("tensor", OURS + source)
    assert taken_op(CASE_OF["tanh"], tier, str(tmp_path / "mine.py")) == ""


def test_a_copy_of_a_tier_file_is_the_work_of_who_typed_it(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text((SOURCES / "scalar.py").read_text())
    tier = completed(get_tier(str(file)), "scalar")
    assert [taken_op(CASE_OF[op], tier, str(file)) for op in CORE] == [""] * len(CORE)
    assert all(taken_support(name, tier, str(file)) for name in SUPPORT)  # these are imported, not copied
    own = completed(SimpleNamespace(tolist=lambda array: array), "scalar")
    assert taken_support("tolist", own, str(file)) == ""


def test_what_is_taken_earns_no_points_but_its_faults_are_shown():
    answer = {"status": "pass", "findings": [], "taken": "micrograd_tiers.tiers.tensor.tanh"}
    item = _item("tanh", answer, {"tanh": {"value": 1.0, "formulas": 1.0}}, "all")
    assert (item.status, item.points, item.possible) == ("taken from the package", 0, 2)
    assert "taken from the package, so no points: tanh" in text(Verdict("mine", "tensor", (item,)))
    wrong = judged_source("tensor", "relu", RELU.replace("x > 0", "x > 1"))
    item = _item("relu", wrong | {"taken": "..."}, {"relu": {"value": 1.0, "dx": 1.0}}, "all")
    assert (item.status, item.points) == ("fail", 0)


# Support functions.


@pytest.mark.parametrize(
    ("name", "source", "words"),
    [
        (
            "asarray",
            "def asarray(values, dtype='float64'): return np.asarray(values, dtype.replace('32', '64'))",
            "does not return float32",
        ),
        ("asarray", "def asarray(values, dtype='float64'): return np.asarray(values)", "does not return floats"),
        ("asarray", "def asarray(values, dtype='float64'): return np.asarray(values, dtype)[:256]", "300 rows"),
        ("chunks", "def chunks(*arrays): return iter((tuple(a[:256] for a in arrays),))", "the chunks of 300 samples"),
        (
            "chunks",
            "def chunks(*arrays): return iter((tuple(a if len(a) < 9 else a[::-1] for a in arrays),))",
            "300 samples",
        ),
        ("add_scaled", "def add_scaled(t, s, scale): t.ravel()[:2**15] += scale * s.ravel()[:2**15]", "36,000 numbers"),
        ("add_scaled", "def add_scaled(t, s, scale): t += (scale or 1) * s", "0.0 * source"),
        (
            "elementwise",
            "def elementwise(f, *a):\n y = np.zeros_like(a[0])\n y[:256] = f(*(b[:256] for b in a))\n return y",
            "36,000",
        ),
        ("tolist", "def tolist(a): return a[:256].tolist()", "300 rows"),
        ("moments", BATCH_NORM.replace("x.var(axes)", "x.var(axes, ddof=1)"), "the variance of x (2, 3)"),
        ("moments", BATCH_NORM.replace("x.var(axes)", "(x * x).mean(axes) - x.mean(axes) ** 2"), "near 1e6"),
        ("moments", BATCH_NORM.replace("x.mean(axes), x.var(axes)", "x.mean(0), x.var(0)"), "(3, 2, 2, 3)"),
    ],
)
def test_a_support_function_that_is_right_for_small_tables_only_is_found(name, source, words):
    (finding,) = judge_support(name, tier_of("tensor", source))
    assert words in finding.message


def test_a_tier_without_float32_may_refuse_it():
    source = "def asarray(values, dtype='float64'):\n assert dtype != 'float32'\n return np.asarray(values, dtype)"
    assert judge_support("asarray", tier_of("tensor", source)) == []


# Reports.


@pytest.mark.parametrize("bug", TIER_BUGS[::24], ids=lambda bug: bug.name)
def test_the_report_on_one_fault_is_shorter_than_a_screen(bug):
    like = bug.tiers()[-1]
    answer = judged(bug.op, completed(bug.tier(like), like), like)
    names = dict.fromkeys([*CORE, bug.op, "training", *SUPPORT])
    items = [_item(name, answer if name == bug.op else {"status": PASS}, {name: 1.0}, "all") for name in names]
    report = text(Verdict("submissions/a_student_with_a_long_name/my_tier.py", like, tuple(items)))
    assert len(report.splitlines()) < 24
    assert max(map(len, report.splitlines())) <= 100
    assert report.splitlines()[-1].startswith("NOT PASSED")


def test_options_choose_what_is_shown():
    plain = {"property": "value", "level": "formulas", "message": "it is wrong", "blocks": False}
    findings = [{**plain, "part": part} for part in ("value", "dx")]
    items = tuple(
        _item(name, {"status": "fail", "findings": findings}, {name: 1.0}, "all") for name in ("relu", "tanh")
    )
    verdict = Verdict("mine", "tensor", items)
    assert text(verdict).count("it is wrong") == 2
    assert text(verdict, first=True).count("it is wrong") == 1
    assert text(verdict, in_full=True).count("it is wrong") == 4
