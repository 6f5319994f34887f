"""The judge: right tiers pass, every planted bug is found and named, and no tier file can crash the judge."""

import ast
import json
import os
import subprocess
import textwrap
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from micrograd_tiers.cli import verify
from micrograd_tiers.errors import DataError
from micrograd_tiers.lab.judge import Search, judge, judge_op, processes, read_points
from micrograd_tiers.lab.judge.cases import CASE_OF, OP_CASES
from micrograd_tiers.lab.judge.clock import CLOCK
from micrograd_tiers.lab.judge.diagnosis import diagnose, diagnose_support
from micrograd_tiers.lab.judge.points import ITEMS
from micrograd_tiers.lab.judge.properties import LEVELS
from micrograd_tiers.lab.judge.report import text
from micrograd_tiers.lab.judge.skeleton import skeleton
from micrograd_tiers.lab.judge.support import built_in_like, completed, judge_support
from micrograd_tiers.lab.judge.trajectory import judge_training
from micrograd_tiers.lab.judge.worker import judged
from micrograd_tiers.lab.museum.tiers import TIER_BUGS
from micrograd_tiers.tiers import CORE, OPS, PRIMITIVES, SUPPORT, TIERS, get_tier, registry

# Every bug at one of its tiers, and with `-m slow` at the others.
EXHIBITS = [
    pytest.param(
        bug, tier, id=f"{bug.name}-{tier}", marks=[pytest.mark.slow] * (tier != bug.tiers()[k % len(bug.tiers())])
    )
    for k, bug in enumerate(TIER_BUGS)
    for tier in bug.tiers()
]
every_exhibit = pytest.mark.parametrize(("bug", "tier"), EXHIBITS)


@every_exhibit
def test_every_bug_of_a_tier_is_caught_in_its_part_and_named(bug, tier):
    if bug.op in SUPPORT:
        (finding,) = judge_support(bug.op, bug.tier(tier))
        diagnosis = diagnose_support(bug.op, finding, tier)
    else:
        case = CASE_OF[bug.op]
        finding, *_ = judge_op(case, bug.tier(tier), Search(n_examples=20, shrink=False))
        assert finding.part == bug.part
        diagnosis = diagnose(case, bug.tier(tier), finding, tier)
    assert diagnosis.name == bug.name


exact_or_not = pytest.mark.parametrize("exact", [False, True], ids=["fast", "exact"])

FAMILY = {
    row.name: row.family for row in registry.OPS
}  # a bug is planted in a copy of one file, which holds one family
BUILT_ON = dict.fromkeys(("smoothed_cross_entropy", "soft_cross_entropy"), "softmax_cross_entropy")


@pytest.mark.parametrize("bug", [bug for bug in TIER_BUGS if bug.op in PRIMITIVES][::16], ids=lambda bug: bug.name)
def test_no_other_op_is_blamed(bug):
    tier = bug.tier("tensor" if "tensor" in bug.tiers() else bug.tiers()[0])
    others = [case for name, case in CASE_OF.items() if bug.op not in (name, BUILT_ON.get(name))]
    others = [case for case in others if FAMILY[case.name] == FAMILY[bug.op] and hasattr(tier, case.name)]
    for case in others:
        assert judge_op(case, tier, Search(n_examples=8, shrink=False)) == []


def test_a_built_in_tier_passes():
    verdict = judge("tensor")
    assert verdict.passed
    assert verdict.like == "tensor"
    assert (verdict.points, verdict.possible) == (9, 9)
    assert {"", *TIERS} == verdict.speeds.keys()
    assert "PASSED: 9 of 9 pass" in text(verdict)


@pytest.mark.parametrize("tier", TIERS)
@exact_or_not
def test_the_support_functions_and_the_training_of_a_built_in_tier_pass(tier, exact):
    items = (*SUPPORT, "training")
    assert [judged(item, get_tier(tier, exact), tier, PRIMITIVES)["findings"] for item in items] == [[]] * len(items)


@pytest.mark.parametrize(
    ("case", "tier"),
    [(case, tier) for case in OP_CASES for tier in TIERS if hasattr(get_tier(tier, exact=True), case.name)],
    ids=lambda value: getattr(value, "name", value),
)
def test_the_ops_of_a_built_in_tier_pass_in_exact_mode_too(case, tier):
    assert judge_op(case, get_tier(tier, exact=True), Search(n_examples=20)) == []


def test_the_pytorch_tier_passes():
    pytest.importorskip("torch")
    assert judge(str(Path(__file__).parents[2] / "examples" / "torch_tier.py")).passed


@pytest.mark.parametrize("tier", TIERS)
def test_the_textbook_formulas_pass_too(tmp_path, tier):
    """Formulas such as y (1 - y) and p - onehot lose digits in the tails, but are accurate enough for a course."""
    source = Path(get_tier(tier).__file__).read_text()
    if tier == "scalar":
        right = "return [dyi * (ei / (1.0 + (2.0 * ei + ei * ei))) for dyi, ei in pairs]"
        textbook = "return [dyi * yi * (1 - yi) for dyi, yi in zip(dy, y, strict=True)]"
    else:
        right, textbook = "return dy * (e / (1 + (2 * e + e * e)))", "return dy * y * (1 - y)"
    assert right in source
    file = tmp_path / "mine.py"
    file.write_text(source.replace(right, textbook))
    assert judge_op(CASE_OF["sigmoid"], completed(get_tier(str(file)), tier)) == []


# Mistakes in a student's file.


def verdict_on(tmp_path, source, **options):
    file = tmp_path / "mine.py"
    file.write_text(textwrap.dedent(source))
    return judge(str(file), **options)


def status(verdict):
    return {item.name: item.status for item in verdict.items}


SIGMOID = """
    import numpy as np

    print("imported")

    def sigmoid(x):
        y = 1 / (1 + np.exp(-np.clip(x, -700, None)))
        return y, (lambda dy: dy * y * (1 - y),)
"""


def test_a_file_with_some_of_the_ops_is_judged_by_these(tmp_path):
    verdict = verdict_on(tmp_path, SIGMOID, points={"sigmoid": 2})
    assert status(verdict)["sigmoid"] == "pass"
    assert status(verdict)["linear"] == "not yet written"
    assert status(verdict)["training"] == "not judged"
    assert status(verdict)["chunks"] == "taken from the package"
    assert (verdict.passed, verdict.points, verdict.possible) == (True, 2, 2)
    assert not verdict_on(tmp_path, SIGMOID).passed  # without points, all ops count


def test_a_tier_without_any_written_op_does_not_pass(tmp_path):
    file = tmp_path / "mine.py"
    file.write_text(skeleton("scalar"))
    tier = get_tier(str(file))
    statuses = [judged(name, tier, "scalar")["status"] for name in (*OPS, *SUPPORT) if hasattr(tier, name)]
    assert statuses.count("not yet written") >= len(CORE)
    assert {*statuses} == {"not yet written", "pass"}
    for points in (None, {"sigmoid": 0}):
        assert not verdict_on(tmp_path, "x = 3\n", points=points).passed


@pytest.mark.parametrize(
    ("body", "property", "words"),
    [
        ("while True: pass", "time", "sigmoid ran out of time: one call takes more than 0.3 seconds"),
        ("import time; time.sleep(60)", "time", "sigmoid ran out of time"),
        ("return sigmoid(x)", "raises", "RecursionError"),
        ("return 1 / 0", "raises", "ZeroDivisionError: division by zero (line 2)"),
        ("raise SystemExit", "raises", "SystemExit"),
        ("print('x is', x); return x, (lambda dy: dy * 1,)", "prints", "value prints: 'x is"),
        ("while True: print('x' * 1000)", "time", "ran out of time"),
        ("return x", "structure", "expected (value, (dx,))"),
        ("return x, (lambda dy: dy)", "structure", "mind the comma"),
        ("return x, ()", "structure", "returned 0 vjps"),
        ("return x, (lambda dy: dy)(x)", "structure", "must be a tuple of functions, (dx,): did you call dx?"),
        ("return x, (x,)", "structure", "must be a tuple of functions, (dx,): did you call dx?"),
        ("return x, [1.0, 2.0]", "structure", "must be a tuple of functions, (dx,): did you call dx?"),
        ("return x, 3", "structure", "must be a tuple of functions"),
        ("return 'abc', (lambda dy: dy,)", "type", "expected an array as asarray makes it: ndarray"),
        ("return x.tolist(), (lambda dy: dy * 1,)", "type", "(list)"),
        ("return x[0], (lambda dy: dy * 1,)", "shape", "value has shape (1,), expected (1, 1)"),
        ("return None", "structure", "NoneType"),
    ],
)
def test_mistakes_of_an_op_are_reported(tmp_path, monkeypatch, body, property, words):
    if property == "time":  # the others need not be quick
        monkeypatch.setattr(CLOCK, "limit", 0.3)
    file = tmp_path / "mine.py"
    file.write_text(f"def sigmoid(x):\n    {body}\n")
    findings = judge_op(CASE_OF["sigmoid"], completed(get_tier(str(file)), "tensor"), Search(shrink=False))
    assert words in " ".join(finding.message for finding in findings if finding.property == property)


@pytest.mark.parametrize(
    ("body", "status", "words"),
    [
        ("while True: pass", "ran out of time", "more than 1 seconds; an endless loop?"),
        ("import os; os._exit(0)", "fail", "ended with code 0"),
        ("input()", "fail", "EOFError"),
    ],
)
def test_an_op_that_hangs_or_ends_its_process_is_reported(tmp_path, body, status, words):
    source = f"def sigmoid(x):\n    {body}\n"
    verdict = verdict_on(tmp_path, source, only=["sigmoid"], like="tensor", time_limit=1)
    (item,) = verdict.items
    assert item.status == status
    assert words in item.findings[0]["message"]
    assert not verdict.passed
    assert words in " ".join(text(verdict).split())


def test_an_op_that_catches_the_timeout_is_killed_with_its_process(tmp_path, monkeypatch):
    source = (
        "import time\ndef sigmoid(x):\n    while True:\n        try:\n            time.sleep(1)\n        except: pass\n"
    )
    monkeypatch.setattr(processes, "MARGIN", 2.0)
    verdict = verdict_on(tmp_path, source, only=["sigmoid"], like="tensor", time_limit=1)
    assert "a call did not end after 1 seconds" in verdict.items[0].findings[0]["message"]
    assert verdict.items[0].status == "ran out of time"


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("x = 1\ndef sigmoid(x:", "SyntaxError: '(' was never closed (line 2)\n    def sigmoid(x:\n               ^\n"),
        (
            "if 1:\n\tx = 1\n        y = 2",
            "TabError: inconsistent use of tabs and spaces in indentation (line 3)\n    y = 2",
        ),
        ("\nimport nosuchmodule", "ModuleNotFoundError: No module named 'nosuchmodule' (line 2)\n    import nosuch"),
        ("from math import nosuch", "ImportError: cannot import name 'nosuch'"),
        ("def f():\n    return 1 / 0\n\nf()", "ZeroDivisionError: division by zero (line 2)\n    return 1 / 0"),
        ("import sys; sys.exit(0)", "SystemExit: it ends the program (line 1)"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt (line 1)"),
        ("import os; os._exit(0)", "the process ended with code 0"),
        ("x = 3", "it defines no op; linear, sigmoid"),
        ("", "it defines no op"),
        ("while True: pass", "it ran out of time: its import takes more than 5 seconds"),
    ],
)
def test_a_file_that_cannot_be_imported_is_reported(tmp_path, source, words):
    file = tmp_path / "mine.py"
    file.write_text(source)
    verdict = judge(str(file), points={"sigmoid": 2, "linear": {"dx": 3}}, time_limit=1)
    assert not verdict.passed
    assert f"mine.py cannot be imported: {words}" in text(verdict)
    assert text(verdict).endswith("0 of 5 points")


def test_a_missing_file_and_an_unknown_tier_are_errors(tmp_path):
    with pytest.raises(ValueError, match=r"ends in \.py"):
        judge(str(tmp_path))
    with pytest.raises(ValueError, match="level is 'none'"):
        judge("tensor", level="none")
    with pytest.raises(ValueError, match="'liner' is not an item"):
        judge("tensor", only=["liner"])
    with pytest.raises(ValueError, match="only: relu is worth no points"):
        judge("tensor", only=["relu"], points={"linear": 1})
    with pytest.raises(ValueError, match="--new"):
        judge(str(tmp_path / "none.py"))
    with pytest.raises(ValueError, match="scalar, vector, tensor"):
        judge("tensor", like="matrix")


def test_a_file_without_chunks_is_matched_to_a_tier_by_trial(tmp_path):
    for tier in TIERS:
        functions = {name: getattr(get_tier(tier), name) for name in PRIMITIVES}
        assert built_in_like(type("Mine", (), {k: staticmethod(f) for k, f in functions.items()})) == tier


# Purity: mistakes that a test of values cannot see.


def with_op(name, op, tier="tensor"):
    whole = completed(get_tier(tier), tier)
    setattr(whole, name, op)
    return whole


def messages(name, op):
    return [finding.message for finding in judge_op(CASE_OF[name], with_op(name, op))]


def test_a_vjp_that_uses_the_values_of_a_later_call_is_found():
    memory = {}

    def tanh(x):
        memory["y"] = np.tanh(x)
        return memory["y"], (lambda dy: dy * (1 - memory["y"] ** 2),)

    assert ["must remember its own call" in message for message in messages("tanh", tanh)] == [True]


def test_a_vjp_that_returns_the_same_storage_twice_is_found():
    def relu(x):
        store = np.zeros(x.shape)

        def dx(dy):
            store[...] = np.where(x > 0, dy, 0)
            return store

        return np.where(x > 0, x, 0 * x), (dx,)

    assert any("storage" in message or "second time" in message for message in messages("relu", relu))


def test_a_vjp_that_changes_dy_is_found():
    def relu(x):
        def dx(dy):
            dy[x <= 0] = 0
            return dy.copy()

        return np.where(x <= 0, 0, x), (dx,)

    assert messages("relu", relu) == ["the vjp for dx changes dy, which belongs to the caller"]


def test_wrong_training_is_found_even_if_every_op_is_right():
    def add_scaled(target, source, scale):
        target += scale * source * 1.0001

    (finding,) = judge_training(with_op("add_scaled", add_scaled), PRIMITIVES)
    assert "the loss of step 2 is wrong; the losses before it are right" in finding.message


# The command.


@pytest.fixture
def mine(folder):
    """A tier file with two ops, one of them wrong."""
    bug = next(bug for bug in TIER_BUGS if bug.name == "linear_dx_transposed")
    module = ast.parse(bug.source("tiers/tensor.py"))
    module.body = [node for node in module.body if getattr(node, "name", "linear") in ("linear", "sigmoid")]
    (folder / "mine.py").write_text(ast.unparse(module))
    return "mine.py"


def test_verify_prints_a_report_and_writes_a_grade_sheet(cli, folder, mine):
    (folder / "points.toml").write_text("sigmoid = 2\n[linear]\nvalue = 1\ndx = 3\ndweight = 1\n")
    result = cli("verify", mine, "--points", "points.toml", "--json", "sheet.json")
    assert result.code == 1
    assert "likely bug: linear_dx_transposed" in result.out
    assert "NOT PASSED: 1 of 2 pass, 1 fail; 4 of 7 points" in result.out
    sheet = json.loads((folder / "sheet.json").read_text())
    assert (sheet["passed"], sheet["points"], sheet["possible"]) == (False, 4, 7)
    (linear, *_) = sheet["items"]
    assert (linear["name"], linear["status"], linear["points"]) == ("linear", "fail", 2)
    (finding,) = linear["findings"]
    assert finding["likely_bug"]["name"] == "linear_dx_transposed"
    assert finding["example"].keys() == {"x", "weight", "bias", "dy"}


def test_items_worth_no_points_do_not_count(cli, folder, mine):
    (folder / "points.toml").write_text("[linear]\nvalue = 1\ndweight = 1\n")
    result = cli("verify", mine, "--points", "points.toml")
    assert "PASSED: 1 of 1 pass; 2 of 2 points" in result.out
    assert result.code == 0
    (folder / "points.toml").write_text("sigmoid = 0\n")
    assert cli("verify", mine, "--points", "points.toml").code == 1
    assert {path.name for path in folder.iterdir()} - {"__pycache__"} == {mine, "points.toml"}


def test_options_choose_the_ops_the_level_and_what_is_shown(cli, folder):
    textbook = "import math\n\ndef sigmoid(x):\n    y = [1 / (1 + math.exp(-z)) for z in x]\n"
    textbook += "    return y, (lambda dy: [d * yi * (1 - yi) for d, yi in zip(dy, y)],)\n"
    copied = "from micrograd_tiers.tiers.scalar import tanh\n"
    (folder / "mine.py").write_text(f"{copied}{textbook}\ndef relu(x):\n    return x, (lambda dy: dy,)\n")
    shown = cli("verify", "mine.py", "--only", "sigmoid", "relu", "tanh", "--json", "all.json")
    assert shown.code == 1
    assert "sigmoid: right, but not for every number\n" in shown.out
    assert "y, (dx,) = sigmoid([-750.0])" in shown.out
    assert shown.out.index("relu: value\n") < shown.out.index("relu, dL/dx: derivative") < shown.out.index("FAIL: relu")
    assert "taken from the package, so no points: tanh" in shown.out
    assert "NOT PASSED: 0 of 3 pass, 2 fail, 1 taken from the package; 0 of 3 points" in shown.out
    assert [item["name"] for item in json.loads((folder / "all.json").read_text())["items"]] == [
        "sigmoid",
        "tanh",
        "relu",
    ]
    (folder / "points.toml").write_text("level = 'formulas'\n[relu]\nvalue = 1\n[sigmoid]\nformulas = 3\nstable = 1\n")
    shown = cli("verify", "mine.py", "--only", "sigmoid", "relu", "--points", "points.toml", "--first")
    assert "relu: value\n" in shown.out
    assert "relu, dL/dx" not in shown.out
    assert "pass: sigmoid (not for every number)" in shown.out
    assert 'NOT PASSED at level "formulas": 0 of 2 pass, 1 fail; 3 of 5 points' in shown.out


def test_an_op_that_cannot_be_chosen_is_explained(cli):
    assert "'liner' is not one of linear, sigmoid" in cli("verify", "mine.py", "--only", "liner").err
    assert "write the file before --only" in cli("verify", "--only", "linear", "mine.py").err


def test_the_choices_on_the_command_line_are_those_of_the_judge():
    assert verify.LEVELS == LEVELS
    assert {*verify.NAMES} == {*ITEMS}


def test_a_new_tier_is_a_skeleton_to_fill_in(cli, folder):
    for like in TIERS:
        assert cli("verify", "--new", f"{like}.py", "--like", like).code == 0
        tier = get_tier(f"{like}.py")
        assert all(hasattr(tier, name) for name in (*CORE, *SUPPORT))
        with pytest.raises(NotImplementedError):
            tier.sigmoid(None)
    result = cli("verify", "--new", "scalar.py")
    assert result.code == 2
    assert "exists" in result.err


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "--new my_tier.py"),
        (["none.py"], 2, "no such file"),
        (["tensor", "--points", "none.toml"], 1, "none.toml"),
        (["tensor", "--time-limit", "0"], 2, "--time-limit"),
    ],
)
def test_wrong_usage_is_explained(cli, arguments, code, words):
    result = cli("verify", *arguments)
    assert result.code == code
    assert words in result.err


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("linear = ", "not a TOML file"),
        ("liner = 3", "liner is not an item"),
        ("linear = -1", "-1, expected a number of at least 0"),
        ("linear = 'x'", "'x'"),
        ("[linear]\ndz = 1", "linear has no part dz"),
        ("", "names no item"),
        ("level = 'easy'\nlinear = 1", "level is 'easy', expected one of formulas, stable, all"),
    ],
)
def test_bad_points_are_refused(tmp_path, content, words):
    path = tmp_path / "points.toml"
    path.write_text(content)
    with pytest.raises(DataError, match=words):
        read_points(str(path))


def test_points_may_name_a_level_and_parts(tmp_path):
    path = tmp_path / "points.toml"
    path.write_text("[points]\nlevel = 'stable'\n[points.relu]\ndx = 1\nall = 2\n")
    assert read_points(str(path)) == ({"relu": {"dx": 1, "all": 2}}, "stable")
    path.write_text("moments = 1\n")
    assert read_points(str(path)) == ({"moments": 1}, "all")


@pytest.mark.parametrize(("hangs", "code"), [(False, 3), (True, None)])
def test_a_process_is_ended_only_if_a_single_call_does_not_return(tmp_path, monkeypatch, hangs, code):
    sign, now = tmp_path / "sign", 0.0
    sign.touch()

    def wait(seconds):
        """Give signs of life for 100 seconds; then end with code 3, or hang."""
        nonlocal now
        now += seconds
        if now < 100:
            os.utime(sign, (now, now))
        elif not hangs:
            return 3
        raise subprocess.TimeoutExpired("worker", seconds)

    monkeypatch.setattr(processes, "time", SimpleNamespace(time=lambda: now))
    assert processes._wait(SimpleNamespace(wait=wait), sign, 1.5) == code
    assert not hangs or 101 < now < 102
