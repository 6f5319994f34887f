"""The judge's formulas: each value is checked against the tiers, each gradient against the value."""

import inspect

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from op_cases import COMPLEX, OP_CASES, complex_step
from profiles import examples

from micrograd_tiers.lab.judge import Search, judge_op
from micrograd_tiers.lab.judge.cases import CASE_OF, EXAMPLES
from micrograd_tiers.lab.judge.drawing import LARGE
from micrograd_tiers.lab.judge.formulas import FORMULAS
from micrograd_tiers.lab.museum import get_bug
from micrograd_tiers.tiers import CORE, SUPPORT, Tier, get_tier, registry

every_op = pytest.mark.parametrize("case", OP_CASES, ids=lambda case: case.name)


def test_registry_formulas_examples_and_protocol_name_the_same_ops():
    names = {row.name for row in registry.OPS}
    methods = {name for name, member in vars(Tier).items() if inspect.isfunction(member) and name[0] != "_"}
    assert names == {*FORMULAS} == {*EXAMPLES}
    assert (
        {*CORE, "moments", *SUPPORT} <= methods <= {*names, "moments", *SUPPORT}
    )  # the protocol need not list every op


@every_op
def test_a_formula_has_a_gradient_for_each_differentiable_argument(case):
    assert len(FORMULAS[case.name].gradients) == case.n_differentiable


@every_op
@examples(20)
@given(data=st.data())
def test_each_gradient_is_the_complex_step_of_the_value(case, data):
    inputs, dy = data.draw(case.examples.ordinary.strategy)
    value, gradients = FORMULAS[case.name]
    np.testing.assert_allclose(value(*inputs), COMPLEX[case.name](*inputs), rtol=1e-12, atol=1e-13)
    for k, gradient in zip(case.differentiable, gradients, strict=True):
        expected = complex_step(COMPLEX[case.name], inputs, k, dy)
        # Relative to the largest term: where terms cancel, the formulas lose digits.
        scale = max(np.abs(expected).max(), np.abs(dy).max())
        np.testing.assert_allclose(
            gradient(*inputs, dy), expected, rtol=1e-12, atol=1e-12 * scale, err_msg=f"d{case.arguments[k]}"
        )


FUNCTIONS = {
    "sigmoid": lambda mp, x: 1 / (1 + mp.exp(-x)),
    "tanh": lambda mp, x: mp.tanh(x),
    "relu": lambda mp, x: max(x, 0),
    "elu": lambda mp, x: mp.expm1(x) if x <= 0 else x,
}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_the_formulas_of_activations_are_accurate_wherever_the_judge_looks(name):
    """The judge compares relative errors, so its own must be far below its tolerance: near 0 and in the tails."""
    mpmath = pytest.importorskip("mpmath")
    x = np.array(LARGE)
    settings = [1.0] * (name == "elu")
    with np.errstate(all="ignore"):
        value = FORMULAS[name].value(x, *settings)
    with mpmath.workdps(400):
        right = np.array([float(FUNCTIONS[name](mpmath, mpmath.mpf(xi))) for xi in LARGE])
    np.testing.assert_allclose(value, right, rtol=1e-14, atol=1e-300)


@pytest.mark.parametrize("name", ["linear_dx_averaged", "sigmoid_overflows", "max_pool2d_ties_all"])
def test_a_bug_in_the_built_in_tensor_tier_itself_is_found(name, monkeypatch):
    bug, tier = get_bug(name), get_tier("tensor")
    monkeypatch.setattr(tier, bug.op, getattr(bug.tier("tensor"), bug.op))
    findings = judge_op(CASE_OF[bug.op], tier, Search(shrink=False))
    assert [finding.part for finding in findings] == [bug.part]
